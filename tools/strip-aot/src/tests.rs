//! Modules before and after. The end-to-end tests run a stripped file.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use wasm_encoder::{
    CodeSection, ConstExpr, CustomSection, DataSection, ExportKind, ExportSection, Function, FunctionSection,
    Instruction, MemorySection, MemoryType, Module, TypeSection, ValType,
};
use wasmparser::{Parser, Payload};

use super::*;

/// A module with two functions, a memory with data, and a custom section.
fn module() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], [ValType::I32]);
    let mut functions = FunctionSection::new();
    functions.function(0).function(0);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
    let mut exports = ExportSection::new();
    exports.export("increment", ExportKind::Func, 1);
    let mut code = CodeSection::new();
    for constant in [0, 1] {
        let mut function = Function::new([(3, ValType::I64)]);
        let add = [Instruction::LocalGet(0), Instruction::I32Const(constant), Instruction::I32Add, Instruction::End];
        for instruction in &add {
            function.instruction(instruction);
        }
        code.function(&function);
    }
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(16), *b"data");
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&memories).section(&exports).section(&code).section(&data);
    module.section(&CustomSection { name: "producers".into(), data: b"rustc".into() });
    module.finish()
}

#[test]
fn all_but_code_and_custom_sections_is_kept_byte_for_byte() {
    let sections = |module: &[u8]| -> Vec<(u8, Vec<u8>)> {
        let payloads = Parser::new(0).parse_all(module).map(Result::unwrap);
        let sections = payloads.filter_map(|payload| payload.as_section());
        let kept = sections.filter(|(id, _)| ![0, 10].contains(id));
        kept.map(|(id, range)| (id, module[range.start as usize..range.end as usize].to_vec())).collect()
    };
    let stripped = without_code(&module()).unwrap();
    assert_eq!(sections(&stripped), sections(&module()));
    assert_eq!(sections(&stripped).len(), 5);
    assert!(!stripped.windows(5).any(|bytes| bytes == b"rustc"));
}

#[test]
fn each_function_becomes_a_trap_without_locals() {
    let stripped = without_code(&module()).unwrap();
    let mut bodies = 0;
    for payload in Parser::new(0).parse_all(&stripped) {
        if let Payload::CodeSectionEntry(body) = payload.unwrap() {
            bodies += 1;
            assert_eq!(body.as_bytes(), [0, 0x00, 0x0b], "no locals, unreachable, end");
        }
    }
    assert_eq!(bodies, 2);
}

#[test]
fn what_is_no_compiled_module_is_an_error_and_unchanged() {
    let own_program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    for content in [Vec::new(), b"\x7fELF".to_vec(), module(), own_program] {
        let mut file = content.clone();
        assert!(strip(&mut file).is_err());
        assert!(file == content);
    }
}
