//! The blocks of docs/OWN-SERVICE.md.
//!
//! A comment `<!-- own-service: MARK -->` stands before each fenced block:
//!
//! | mark | what a reader does with the block |
//! |---|---|
//! | `run` | runs each line |
//! | `database` | the same, as the database's administrator |
//! | `file PATH` | saves it as this file |
//! | `serve` | runs it in another terminal, and leaves it running |
//! | `call` | runs the lines that begin with `$ `; the lines below each are its output (a backslash continues a command) |
//! | `not run` | reads it |

use std::fs;

use testkit::artifacts;

/// A fenced block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) mark: String,
    pub(super) text: String,
}

/// A command and the output printed below it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) command: String,
    pub(super) output: String,
}

/// The blocks of docs/OWN-SERVICE.md.
pub(super) fn own_service() -> Vec<Block> {
    blocks(&fs::read_to_string(artifacts::root().join("docs/OWN-SERVICE.md")).expect("docs/OWN-SERVICE.md"))
}

/// The fenced blocks of a page. A block without a mark is a failure: it would not be tested.
fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut mark = None;
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            let mark: String = mark.take().unwrap_or_else(|| panic!("a block without a mark: {:?}", lines.next()));
            let text = lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
            blocks.push(Block { mark, text });
        }
        mark = line.strip_prefix("<!-- own-service: ").and_then(|rest| rest.strip_suffix(" -->")).map(str::to_owned);
    }
    blocks
}

/// The calls in a block.
pub(super) fn calls(text: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("$ "), calls.last_mut()) {
            (Some(command), _) => calls.push(Call { command: command.to_owned(), output: String::new() }),
            (None, Some(call)) if call.command.ends_with('\\') => call.command.push_str(&format!("\n{line}")),
            (None, Some(call)) => call.output.push_str(&format!("{line}\n")),
            (None, None) => panic!("output without a command: {line}"),
        }
    }
    calls
}

#[test]
fn blocks_and_calls_are_parsed_as_documented() {
    let page =
        "x\n<!-- own-service: file a/b -->\n```rust\nA\n\nB\n```\n\n<!-- own-service: call -->\n```\n$ c\n1\n2\n```\n";
    let block = |mark: &str, text: &str| Block { mark: mark.to_owned(), text: text.to_owned() };
    assert_eq!(blocks(page), [block("file a/b", "A\n\nB\n"), block("call", "$ c\n1\n2\n")]);
    let call = |command: &str, output: &str| Call { command: command.to_owned(), output: output.to_owned() };
    assert_eq!(calls("$ c\n1\n2\n$ d \\\n  e\n3\n"), [call("c", "1\n2\n"), call("d \\\n  e", "3\n")]);
}

#[test]
fn the_page_has_a_block_of_each_kind() {
    let marks: Vec<String> = own_service().into_iter().map(|block| block.mark).collect();
    for kind in ["run", "database", "file ", "serve", "call"] {
        assert!(marks.iter().any(|mark| mark.starts_with(kind)), "no block {kind} in {marks:?}");
    }
}
