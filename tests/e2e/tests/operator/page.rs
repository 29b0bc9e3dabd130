//! docs/OPERATIONS.md has every warning and error that the service can log.

use std::fs;
use std::path::{Path, PathBuf};

use testkit::artifacts;

/// All Rust files in a directory, tests excepted.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            files.push(path);
        }
    }
    files
}

/// The messages of all `warn!` and `error!` in a source text: the last literal of each call.
fn messages(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or(source);
    let calls = ["tracing::warn!(", "tracing::error!(", " warn!(", " error!("];
    let starts = calls.iter().flat_map(|call| code.match_indices(call).map(|(at, call)| at + call.len()));
    starts.map(|start| last_literal(&code[start..])).collect()
}

/// The last string literal before the parenthesis that closes a call.
fn last_literal(text: &str) -> String {
    let (mut depth, mut literal, mut current, mut escaped) = (1, String::new(), None::<String>, false);
    for character in text.chars() {
        if let Some(open) = &mut current {
            match character {
                // A backslash at the end of a line continues the literal.
                '\\' if !escaped => escaped = true,
                '"' if !escaped => literal = current.take().unwrap_or_default(),
                _ => {
                    open.push(character);
                    escaped = false;
                }
            }
            continue;
        }
        match character {
            '"' => current = Some(String::new()),
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    literal.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// All string literals in a text.
fn literals(text: &str) -> Vec<String> {
    let (mut rest, mut found) = (text, Vec::new());
    while let Some((_, after)) = rest.split_once('"') {
        let end = after.match_indices('"').map(|(at, _)| at).find(|at| !after[..*at].ends_with('\\'));
        let Some(end) = end else { break };
        found.push(after[..end].replace('\\', "").split_whitespace().collect::<Vec<_>>().join(" "));
        rest = &after[end + 1..];
    }
    found
}

/// The texts of a message `{name}`: those of `let name = …;` or of the function `name` in the call's directory.
fn texts_of(name: &str, file: &Path) -> Vec<String> {
    let sources: Vec<String> =
        sources(file.parent().unwrap()).iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let between = |start: &str, end: &str| {
        let texts = sources.iter().filter_map(|source| source.split_once(start)?.1.split_once(end));
        texts.flat_map(|(text, _)| literals(text)).collect::<Vec<_>>()
    };
    let texts = [between(&format!("let {name} = "), ";\n"), between(&format!("fn {name}("), "\n}\n")].concat();
    assert!(!texts.is_empty(), "{}: no text for {{{name}}}", file.display());
    texts
}

#[test]
fn the_page_for_operators_has_every_warning_and_error() {
    let root = artifacts::root();
    let page = fs::read_to_string(root.join("docs/OPERATIONS.md")).unwrap();
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let files =
        ["src", "crates/microservice/src", "crates/wasmedge_wasi_socket/src"].map(|path| sources(&root.join(path)));
    let mut found = 0;
    let mut missing = Vec::new();
    for file in files.iter().flatten() {
        for message in messages(&fs::read_to_string(file).unwrap()) {
            found += 1;
            let name = message.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            let texts = name.map_or_else(|| vec![message.clone()], |name| texts_of(name, file));
            for text in texts.into_iter().filter(|text| text.is_empty() || !page.contains(text)) {
                missing.push(format!("{}: {text:?}", file.display()));
            }
        }
    }
    assert!(found >= 7, "only {found} calls were found");
    assert!(missing.is_empty(), "docs/OPERATIONS.md lacks these log lines:\n{}", missing.join("\n"));
}

#[test]
fn a_function_has_all_its_literals() {
    let source = "{ match x { 1 => Some(\"one \\\n two\"), _ => Some(\"three\") } }";
    assert_eq!(literals(source), ["one two", "three"]);
}

#[test]
fn messages_are_found_in_calls_of_one_and_of_several_lines() {
    let source = "tracing::warn!(a = f(\"x\"), \"one\");\ntracing::error!(\n    b,\n    \"two \\\n     lines\"\n);\n";
    assert_eq!(messages(source), ["one", "two lines"]);
}
