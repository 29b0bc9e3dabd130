//! Reads from a module what the replacements depend on.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use wasmparser::{
    CompositeInnerType, ConstExpr, Element, ElementItems, ElementKind, ExternalKind, FuncType, FunctionBody, Operator,
    Parser, Payload, RefType, TableInit, TypeRef, ValType,
};

use crate::custom::refers_to_positions;
use crate::{COMPILED_SECTION, SECTION};

/// A table with more slots is left alone: the dispatchers would grow too large.
const MAX_TABLE_SLOTS: u64 = 65_536;

/// What the replacements depend on, as read from a module.
#[derive(Default)]
pub(crate) struct ModuleFacts {
    /// Function types by index; `None` for other types.
    pub(crate) types: Vec<Option<FuncType>>,
    /// The type index of each function, imported ones first.
    pub(crate) functions: Vec<u32>,
    pub(crate) globals: u32,
    pub(crate) has_global_section: bool,
    /// The initial content of table 0.
    pub(crate) slots: Vec<Option<u32>>,
    /// Why table 0 may differ from `slots` at run time.
    pub(crate) table_obstacle: Option<String>,
    /// The initial size of memory 0 in pages of 64 KiB, never more than its size at run time.
    pub(crate) memory_pages: u64,
    pub(crate) memory_obstacle: Option<String>,
    /// The number of `call_indirect` instructions by type index.
    pub(crate) indirect_sites: BTreeMap<u32, usize>,
    /// The number of `return_call_indirect` instructions.
    pub(crate) indirect_tail_calls: usize,
    pub(crate) copies: Sites,
    pub(crate) fills: Sites,
    pub(crate) grows: bool,
    /// The module has a section that `wasmedge compile` wrote.
    pub(crate) compiled: bool,
    pub(crate) lowered: bool,
    /// The module has relocations: a linker would apply them to code that has moved.
    pub(crate) relocatable: bool,
    /// Names of custom sections that would be wrong after a change of the code.
    pub(crate) stale_sections: Vec<String>,
    tables: u32,
    memories: u32,
}

/// The instructions of one kind.
#[derive(Default)]
pub(crate) struct Sites {
    /// All of them.
    pub(crate) count: usize,
    /// Sizes that directly precede the instruction as a constant.
    pub(crate) constant_sizes: BTreeSet<u32>,
    /// At least one has another size.
    pub(crate) dynamic: bool,
}

impl Sites {
    fn add(&mut self, size: Option<u32>) {
        self.count += 1;
        match size {
            Some(size) => drop(self.constant_sizes.insert(size)),
            None => self.dynamic = true,
        }
    }
}

pub(crate) fn read(wasm: &[u8]) -> Result<ModuleFacts> {
    let mut facts = ModuleFacts::default();
    for payload in Parser::new(0).parse_all(wasm) {
        facts.read_payload(payload?)?;
    }
    if facts.tables == 0 {
        facts.reject_table("the module has no table");
    }
    if facts.memories == 0 {
        facts.reject_memory("the module has no memory");
    }
    Ok(facts)
}

impl ModuleFacts {
    /// Records why indirect calls must stay. The first reason counts.
    fn reject_table(&mut self, reason: impl Into<String>) {
        self.table_obstacle.get_or_insert(reason.into());
    }

    /// Records why copies and fills must stay. The first reason counts.
    fn reject_memory(&mut self, reason: impl Into<String>) {
        self.memory_obstacle.get_or_insert(reason.into());
    }

    fn read_payload(&mut self, payload: Payload<'_>) -> Result<()> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    self.read_types(&group?);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    self.read_import(import?.ty);
                }
            }
            Payload::FunctionSection(section) => {
                for function in section {
                    self.functions.push(function?);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    let table = table?;
                    self.tables += 1;
                    self.read_table(table.ty, matches!(table.init, TableInit::RefNull));
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.read_memory(memory?);
                }
            }
            Payload::GlobalSection(section) => {
                self.globals += section.count();
                self.has_global_section = true;
            }
            Payload::ExportSection(section) => {
                for export in section {
                    if export?.kind == ExternalKind::Table {
                        self.reject_table("the table is exported: the embedder may change it");
                    }
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    self.read_element(element?)?;
                }
            }
            Payload::CodeSectionEntry(body) => self.read_body(&body)?,
            Payload::CustomSection(section) => self.read_custom(section.name()),
            _ => {}
        }
        Ok(())
    }

    fn read_types(&mut self, group: &wasmparser::RecGroup) {
        let plain = group.types().len() == 1;
        for ty in group.types() {
            let composite = &ty.composite_type;
            match &composite.inner {
                CompositeInnerType::Func(function)
                    if plain
                        && ty.is_final
                        && ty.supertype_idx.is_none()
                        && !composite.shared
                        && is_simple(function) =>
                {
                    self.types.push(Some(function.clone()));
                }
                _ => {
                    self.reject_table("the module has types beyond plain function types");
                    self.types.push(None);
                }
            }
        }
    }

    fn read_import(&mut self, ty: TypeRef) {
        match ty {
            TypeRef::Func(index) | TypeRef::FuncExact(index) => self.functions.push(index),
            TypeRef::Table(_) => {
                self.tables += 1;
                self.reject_table("the table is imported: another module may change it");
            }
            // Another module may let it grow. The recorded size then is less than the real one, which is safe.
            TypeRef::Memory(memory) => self.read_memory(memory),
            TypeRef::Global(_) => self.globals += 1,
            TypeRef::Tag(_) => {}
        }
    }

    fn read_table(&mut self, table: wasmparser::TableType, null: bool) {
        if self.tables > 1 {
            self.reject_table("the module has several tables");
        } else if table.element_type != RefType::FUNCREF || table.table64 || table.shared {
            self.reject_table("the table is no plain table of functions");
        } else if !null {
            self.reject_table("the table has an initial value");
        } else if table.initial > MAX_TABLE_SLOTS {
            self.reject_table(format!("the table has {} slots, more than {MAX_TABLE_SLOTS}", table.initial));
        } else {
            self.slots = vec![None; usize::try_from(table.initial).unwrap_or_default()];
        }
    }

    fn read_memory(&mut self, memory: wasmparser::MemoryType) {
        self.memories += 1;
        self.memory_pages = memory.initial;
        if self.memories > 1 {
            self.reject_memory("the module has several memories");
        } else if memory.memory64 {
            self.reject_memory("the memory has 64-bit addresses");
        } else if memory.shared {
            self.reject_memory("the memory is shared");
        } else if memory.page_size_log2.is_some() {
            self.reject_memory("the memory has a page size of its own");
        }
    }

    fn read_element(&mut self, element: Element<'_>) -> Result<()> {
        // Passive segments need `table.init`, which is refused below. Declared ones write nothing.
        let ElementKind::Active { offset_expr, .. } = element.kind else { return Ok(()) };
        let Some(offset) = constant(&offset_expr)? else {
            self.reject_table("an element segment begins at an offset that is no constant");
            return Ok(());
        };
        let mut functions = Vec::new();
        match element.items {
            ElementItems::Functions(items) => {
                for item in items {
                    functions.push(Some(item?));
                }
            }
            ElementItems::Expressions(_, items) => {
                for item in items {
                    let Some(function) = reference(&item?)? else {
                        self.reject_table("an element segment has a value that is no constant");
                        return Ok(());
                    };
                    functions.push(function);
                }
            }
        }
        for (slot, function) in (u64::from(offset)..).zip(functions) {
            match usize::try_from(slot).ok().and_then(|slot| self.slots.get_mut(slot)) {
                Some(content) => *content = function,
                None => self.reject_table("an element segment ends behind the table"),
            }
        }
        Ok(())
    }

    fn read_body(&mut self, body: &FunctionBody<'_>) -> Result<()> {
        let mut constant = None;
        for operator in body.get_operators_reader()? {
            let operator = operator?;
            self.read_operator(&operator, constant);
            constant = match operator {
                Operator::I32Const { value } => Some(value as u32),
                _ => None,
            };
        }
        Ok(())
    }

    fn read_operator(&mut self, operator: &Operator<'_>, constant: Option<u32>) {
        match operator {
            Operator::CallIndirect { type_index, .. } => *self.indirect_sites.entry(*type_index).or_default() += 1,
            Operator::ReturnCallIndirect { .. } => self.indirect_tail_calls += 1,
            Operator::MemoryCopy { .. } => self.copies.add(constant),
            Operator::MemoryFill { .. } => self.fills.add(constant),
            Operator::MemoryGrow { .. } => self.grows = true,
            Operator::TableSet { .. }
            | Operator::TableGrow { .. }
            | Operator::TableFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. } => self.reject_table("the module changes the table at run time"),
            _ => {}
        }
    }

    fn read_custom(&mut self, name: &str) {
        match name {
            COMPILED_SECTION => self.compiled = true,
            SECTION => self.lowered = true,
            "linking" => self.relocatable = true,
            _ if name.starts_with("reloc.") => self.relocatable = true,
            _ if refers_to_positions(name) => self.stale_sections.push(name.to_owned()),
            _ => {}
        }
    }
}

/// Types that are equal exactly when they are written alike: none refers to another type.
fn is_simple(function: &FuncType) -> bool {
    let simple = |ty: &ValType| match ty {
        ValType::Ref(reference) => *reference == RefType::FUNCREF || *reference == RefType::EXTERNREF,
        _ => true,
    };
    function.params().iter().chain(function.results()).all(simple)
}

/// The value of `i32.const N; end`.
fn constant(expression: &ConstExpr<'_>) -> Result<Option<u32>> {
    let mut reader = expression.get_operators_reader();
    Ok(match (reader.read()?, reader.read()?) {
        (Operator::I32Const { value }, Operator::End) => Some(value as u32),
        _ => None,
    })
}

/// The value of `ref.func N; end` or `ref.null func; end`.
fn reference(expression: &ConstExpr<'_>) -> Result<Option<Option<u32>>> {
    let mut reader = expression.get_operators_reader();
    Ok(match (reader.read()?, reader.read()?) {
        (Operator::RefFunc { function_index }, Operator::End) => Some(Some(function_index)),
        (Operator::RefNull { .. }, Operator::End) => Some(None),
        _ => None,
    })
}
