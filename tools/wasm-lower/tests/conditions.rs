//! Which instructions are replaced, which stay, and what a module keeps besides.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Write;

use wasm_lower::{Kept, Lowered, Options, Outcome, lower};
use wasmparser::{KnownCustom, Name, Operator, Parser, Payload};

/// A module with all that is replaced; `%` is a place for further fields.
const MODULE: &str = r#"(module
    (type $binary (func (param i32 i32) (result i32)))
    (memory 1)
    (table 4 funcref)
    (elem (i32.const 1) $add $sub $nothing)
    (func $add (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func $sub (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))
    (func $nothing)
    (func (export "call") (param i32 i32 i32) (result i32)
        (call_indirect (type $binary) (local.get 0) (local.get 1) (local.get 2)))
    (func (export "copy") (param i32 i32 i32)
        (memory.copy (local.get 0) (local.get 1) (local.get 2))
        (memory.copy (local.get 0) (local.get 1) (i32.const 24)))
    (func (export "fill") (param i32 i32 i32)
        (memory.fill (local.get 0) (local.get 1) (local.get 2)))
    %)"#;

fn lowered(text: &str) -> Lowered {
    lower(&wat::parse_str(text).unwrap(), Options::default()).unwrap()
}

fn with(field: &str) -> Lowered {
    lowered(&MODULE.replace('%', field))
}

#[track_caller]
fn assert_kept(outcome: &Outcome, reason: &str) {
    let Outcome::Kept(kept) = outcome else { panic!("{outcome:?}") };
    assert!(kept.len() == 1 && kept.iter().all(|kept| kept.reason.contains(reason)), "{kept:?}");
}

/// The number of functions that contain an instruction.
fn functions_with(wasm: &[u8], wanted: fn(&Operator<'_>) -> bool) -> usize {
    let contains = |payload: &Payload<'_>| match payload {
        Payload::CodeSectionEntry(body) => {
            body.get_operators_reader().unwrap().into_iter().any(|operator| wanted(&operator.unwrap()))
        }
        _ => false,
    };
    Parser::new(0).parse_all(wasm).filter(|payload| contains(payload.as_ref().unwrap())).count()
}

#[test]
fn all_sites_are_replaced_by_calls() {
    let lowered = with("");
    assert_eq!(lowered.report.indirect_calls, Outcome::Replaced { sites: 1, functions: 1, kept: vec![] });
    assert_eq!(lowered.report.bulk_memory, Outcome::Replaced { sites: 3, functions: 3, kept: vec![] });
    assert!(lowered.report.uses_simd);
    // Only the added functions have the original instructions, for what traps and for long sizes.
    assert_eq!(functions_with(&lowered.module, |o| matches!(o, Operator::CallIndirect { .. })), 1);
    assert_eq!(functions_with(&lowered.module, |o| matches!(o, Operator::MemoryCopy { .. })), 1);
    assert_eq!(functions_with(&lowered.module, |o| matches!(o, Operator::MemoryFill { .. })), 1);
}

#[test]
fn a_table_that_may_change_keeps_its_calls() {
    for (field, reason) in [
        ("(func (table.set (i32.const 0) (ref.null func)))", "changes the table"),
        ("(func (drop (table.grow (ref.null func) (i32.const 1))))", "changes the table"),
        ("(func (table.fill (i32.const 0) (ref.null func) (i32.const 1)))", "changes the table"),
        ("(func (table.copy (i32.const 0) (i32.const 1) (i32.const 1)))", "changes the table"),
        ("(elem $passive func $add) (func (table.init $passive (i32.const 0) (i32.const 0) (i32.const 1)))", "changes"),
        ("(export \"table\" (table 0))", "exported"),
        ("(table 1 funcref)", "several tables"),
        ("(global $g i32 (i32.const 0)) (elem (global.get $g) $add)", "no constant"),
        ("(elem (i32.const 9) $add)", "behind the table"),
        ("(rec (type (func)) (type (func (param i32))))", "plain function types"),
        ("(type (func (param (ref null $binary))))", "plain function types"),
    ] {
        let lowered = with(field);
        assert_kept(&lowered.report.indirect_calls, reason);
        assert!(matches!(lowered.report.bulk_memory, Outcome::Replaced { .. }), "{field}");
    }
}

#[test]
fn a_type_without_a_dispatcher_keeps_its_calls() {
    let lowered = with(
        "(func (call_indirect (param i64) (i64.const 1) (i32.const 1)))
                        (func (result i32)
                            (return_call_indirect (type $binary) (i32.const 1) (i32.const 1) (i32.const 1)))",
    );
    let Outcome::Replaced { sites: 1, functions: 1, kept } = &lowered.report.indirect_calls else {
        panic!("{:?}", lowered.report)
    };
    let reason = |reason: &str| Kept { sites: 1, reason: reason.to_owned() };
    assert_eq!(
        *kept,
        [reason("no slot of the table has a function of the type"), reason("return_call_indirect is not replaced")]
    );
    let text = lowered.report.to_string();
    assert!(text.contains("1 replaced by calls of 1 functions; 1 left alone: no slot"), "{text}");
}

#[test]
fn slots_far_apart_keep_their_calls() {
    let far = |slots: u32| {
        lowered(&format!(
            "(module (table {slots} funcref) (elem (i32.const 0) $f) (elem (i32.const {}) $f)
                (func $f (call_indirect (i32.const 0))))",
            slots - 1
        ))
    };
    assert!(matches!(far(16_384).report.indirect_calls, Outcome::Replaced { sites: 1, .. }));
    assert_kept(&far(16_385).report.indirect_calls, "16384 slots");
    assert_kept(&far(65_537).report.indirect_calls, "the table has 65537 slots");
}

/// A module with an indirect call of `functions` functions, each with `params` parameters.
fn many_params(params: usize, functions: usize) -> String {
    let mut text = format!("(module (type $t (func (param{}))) (table {functions} funcref)", " i32".repeat(params));
    let call = format!("{} (call_indirect (type $t) (i32.const 0))", "(i32.const 0)".repeat(params));
    write!(text, "(func {call}) (elem (i32.const 0)").unwrap();
    (0..functions).for_each(|index| write!(text, " $f{index}").unwrap());
    text += ")";
    (0..functions).for_each(|index| write!(text, "(func $f{index} (type $t))").unwrap());
    text + ")"
}

#[test]
fn a_type_with_a_thousand_parameters_keeps_its_calls() {
    let most = lowered(&many_params(999, 2));
    assert_eq!(most.report.indirect_calls, Outcome::Replaced { sites: 1, functions: 1, kept: vec![] });
    assert_kept(&lowered(&many_params(1_000, 2)).report.indirect_calls, "1000 parameters");
    assert_kept(&lowered(&many_params(999, 600)).report.indirect_calls, "1048576 bytes");
}

#[test]
fn an_imported_table_keeps_its_calls() {
    let text = r#"(module (import "m" "t" (table 1 funcref)) (func (call_indirect (i32.const 0))))"#;
    assert_kept(&lowered(text).report.indirect_calls, "imported");
}

#[test]
fn other_memories_keep_their_instructions() {
    for (memories, reason) in
        [("(memory 1) (memory 1)", "several memories"), ("(memory i64 1)", "64-bit"), ("(memory 1 1 shared)", "shared")]
    {
        let size = if memories.contains("i64") { "i64.const" } else { "i32.const" };
        let text = format!("(module {memories} (func (memory.fill ({size} 0) (i32.const 0) ({size} 9))))");
        assert_kept(&lowered(&text).report.bulk_memory, reason);
    }
}

#[test]
fn a_module_without_these_instructions_stays_the_same() {
    let wasm = wat::parse_str("(module (memory 1) (func (export \"f\") (drop (memory.grow (i32.const 1)))))").unwrap();
    let lowered = lower(&wasm, Options::default()).unwrap();
    assert_eq!((lowered.report.indirect_calls, lowered.report.bulk_memory), (Outcome::Absent, Outcome::Absent));
    assert!(lowered.module.starts_with(&wasm), "only the custom section is new");
}

#[test]
fn options_exclude_a_part() {
    let wasm = wat::parse_str(MODULE.replace('%', "")).unwrap();
    let calls = Options { bulk_memory: false, ..Options::default() };
    assert_eq!(lower(&wasm, calls).unwrap().report.bulk_memory, Outcome::Off);
    let memory = Options { indirect_calls: false, ..Options::default() };
    assert_eq!(lower(&wasm, memory).unwrap().report.indirect_calls, Outcome::Off);
}

#[test]
fn without_simd_the_output_has_no_vectors() {
    let wasm = wat::parse_str(MODULE.replace('%', "")).unwrap();
    let lowered = lower(&wasm, Options { simd: false, ..Options::default() }).unwrap();
    let features =
        wasmparser::WasmFeatures::default() - wasmparser::WasmFeatures::SIMD - wasmparser::WasmFeatures::RELAXED_SIMD;
    wasmparser::Validator::new_with_features(features).validate_all(&lowered.module).unwrap();
    assert!(!lowered.report.uses_simd);
}

#[test]
fn what_is_compiled_lowered_or_relocatable_is_refused() {
    let refusal = |text: &str| lower(&wat::parse_str(text).unwrap(), Options::default()).unwrap_err().to_string();
    assert!(refusal(r#"(module (@custom "wasmedge" "code"))"#).contains("compiled"));
    assert!(refusal(r#"(module (@custom "linking" "x"))"#).contains("relocations"));
    assert!(refusal(r#"(module (@custom "reloc.CODE" "x"))"#).contains("relocations"));
    assert!(refusal(r#"(module (@custom "wasm-lower" "0.1.0"))"#).contains("output of wasm-lower"));
    assert!(lower(b"\0asm\x01\0\0\0\x01", Options::default()).unwrap_err().to_string().contains("not valid"));
}

#[test]
fn names_exports_and_custom_sections_stay() {
    let lowered = with("(@custom \"notes\" \"kept\") (@custom \".debug_info\" \"positions\")");
    assert_eq!(lowered.report.dropped_sections, [".debug_info"]);
    let (mut names, mut custom, mut exports) = (Vec::new(), Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(&lowered.module) {
        match payload.unwrap() {
            Payload::ExportSection(section) => exports.extend(section.into_iter().map(|e| e.unwrap().name.to_owned())),
            Payload::CustomSection(section) => {
                custom.push(section.name().to_owned());
                let KnownCustom::Name(subsections) = section.as_known() else { continue };
                for subsection in subsections {
                    let Name::Function(map) = subsection.unwrap() else { continue };
                    names.extend(map.into_iter().map(|naming| naming.unwrap().name.to_owned()));
                }
            }
            _ => {}
        }
    }
    assert_eq!(exports, ["call", "copy", "fill"]);
    assert!(custom.contains(&"notes".to_owned()) && !custom.contains(&".debug_info".to_owned()), "{custom:?}");
    assert!(names.iter().any(|name| name == "add"), "{names:?}");
    assert!(names.iter().any(|name| name == "wasm-lower:memory.copy:24"), "{names:?}");
}

#[test]
fn a_malformed_section_of_names_stays() {
    let lowered = with(r#"(@custom "name" (after data) "\01\7fshort")"#);
    assert!(matches!(lowered.report.indirect_calls, Outcome::Replaced { .. }));
    assert!(custom_sections(&lowered.module, "name").contains(&b"\x01\x7fshort".to_vec()));
}

#[test]
fn the_section_of_features_has_simd_where_it_is_used() {
    let field = r#"(@custom "target_features" "\01+\0bbulk-memory")"#;
    let features = |lowered: &Lowered| custom_sections(&lowered.module, "target_features");
    assert_eq!(features(&with(field)), [b"\x02+\x0bbulk-memory+\x07simd128"]);
    assert!(features(&with("")).is_empty());
    let wasm = wat::parse_str(MODULE.replace('%', field)).unwrap();
    let without = lower(&wasm, Options { simd: false, ..Options::default() }).unwrap();
    assert_eq!(features(&without), [b"\x01+\x0bbulk-memory"]);
    let short = format!("(module {field} (memory 1) (func (memory.copy (i32.const 0) (i32.const 0) (i32.const 15))))");
    assert!(!lowered(&short).report.uses_simd, "a copy of 15 bytes has no vector");
}

/// The content of each custom section with this name.
fn custom_sections(wasm: &[u8], name: &str) -> Vec<Vec<u8>> {
    let sections = Parser::new(0).parse_all(wasm).filter_map(|payload| match payload.unwrap() {
        Payload::CustomSection(section) if section.name() == name => Some(section.data().to_vec()),
        _ => None,
    });
    sections.collect()
}

#[test]
fn a_lowered_file_is_made_again_when_its_input_has_changed() {
    let directory = tempfile::tempdir().unwrap();
    let input = directory.path().join("module.wasm");
    let output = directory.path().join("lowered");
    let make = || wasm_lower::lower_file(&input, &output, Options::default()).unwrap();
    std::fs::write(&input, wat::parse_str(MODULE.replace('%', "")).unwrap()).unwrap();
    assert!(make().made.is_some());
    assert!(make().made.is_none(), "it is up to date");
    std::fs::write(&input, wat::parse_str(MODULE.replace('%', "(func)")).unwrap()).unwrap();
    assert!(make().made.is_some(), "the input has changed");
    let other = Options { simd: false, ..Options::default() };
    assert!(wasm_lower::lower_file(&input, &output, other).unwrap().made.is_some(), "the options have changed");
}

#[test]
fn threads_that_need_the_same_file_make_it_once() {
    let wasm = wat::parse_str(MODULE.replace('%', "")).unwrap();
    for _ in 0..20 {
        let directory = tempfile::tempdir().unwrap();
        let input = directory.path().join("module.wasm");
        let output = directory.path().join("lowered");
        std::fs::write(&input, &wasm).unwrap();
        let start = std::sync::Barrier::new(16);
        let make = || {
            start.wait();
            wasm_lower::lower_file(&input, &output, Options::default()).unwrap().made.is_some()
        };
        let made = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(make)).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap().then_some(())).count()
        });
        assert_eq!(made, 1);
    }
}
