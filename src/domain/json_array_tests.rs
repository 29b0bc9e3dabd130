//! Arrays cut into pieces at any place.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

/// The items of a text that comes in pieces of that length, and where they start.
fn split(text: &str, length: usize) -> Result<Vec<(String, Position)>, SplitError> {
    let mut splitter = ArraySplitter::new(1000);
    let mut items = Vec::new();
    for piece in text.as_bytes().chunks(length) {
        splitter.push(piece, |item, position| {
            items.push((String::from_utf8_lossy(item).into_owned(), position));
            Ok::<_, SplitError>(())
        })?;
    }
    splitter.finish().map(|()| items)
}

#[test]
fn an_array_is_split_wherever_its_text_is_cut() {
    let text = "\n[ {\"a\":[1,\"]\\\"}\"]} ,7,\"x,\\\\\",\n  null , [[]]\t] ";
    let expected = [(r#"{"a":[1,"]\"}"]}"#, 2, 3), ("7", 2, 21), (r#""x,\\""#, 2, 23), ("null", 3, 3), ("[[]]", 3, 10)];
    let expected: Vec<_> =
        expected.map(|(item, line, column)| (item.to_owned(), Position { line, column })).into_iter().collect();
    for length in 1..=text.len() {
        assert_eq!(split(text, length), Ok(expected.clone()), "in pieces of {length}");
    }
    assert_eq!(split("[]", 1), Ok(vec![]));
}

#[test]
fn a_text_that_is_no_array_is_rejected() {
    for text in ["", " ", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1]]", "[1] x", "]", "\u{feff}[]", "[\"", "[{]"] {
        assert!(matches!(split(text, 1), Err(SplitError::Syntax(..))) || text == "[{]", "{text:?}");
    }
    for text in ["{}", "null", "\"[]\"", "7", "-1", "true"] {
        assert!(matches!(split(text, 1), Err(SplitError::NotAnArray(_))), "{text:?}");
    }
}

#[test]
fn a_long_item_is_rejected_before_it_is_complete() {
    let text = format!("[1,\"{}", "x".repeat(2000));
    assert_eq!(split(&text, 100), Err(SplitError::TooLong(Position { line: 1, column: 4 })));
    assert_eq!(split(&format!("{text}\"]"), 5000), Err(SplitError::TooLong(Position { line: 1, column: 4 })));
}

proptest! {
    #[test]
    fn what_serde_takes_for_an_array_is_split_into_its_items(
        text in r#"[ \n]?\[([ \n]?(\{("[a,\]\}\[]"|"\\"":[ ]?-?[1-9])?\}|"[\]x,]*"|null|[0-9]|\[\[?,?\]?\]|,){1,3},?){0,4}\]?[ x]?"#,
        length in 1_usize..40,
    ) {
        let expected = serde_json::from_str::<Vec<Box<RawValue>>>(&text);
        let found = split(&text, length);
        if let Ok(expected) = expected {
            let found: Vec<String> = found.unwrap().into_iter().map(|(item, _)| item).collect();
            let expected: Vec<String> = expected.iter().map(|item| item.get().to_owned()).collect();
            prop_assert_eq!(found, expected);
        } else if let Ok(items) = found {
            // The splitter leaves the items themselves to the parser.
            prop_assert!(items.iter().any(|(item, _)| serde_json::from_str::<&RawValue>(item).is_err()), "{}", text);
        }
    }

    #[test]
    fn no_bytes_cause_a_panic_in_the_splitter(bytes in prop::collection::vec(any::<u8>(), 0..200), length in 1_usize..9) {
        let mut splitter = ArraySplitter::new(50);
        for piece in bytes.chunks(length) {
            if splitter.push(piece, |_, _| Ok::<_, SplitError>(())).is_err() {
                break;
            }
        }
        let _ = splitter.finish();
    }
}
