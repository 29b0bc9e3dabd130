//! Writes the module again, with calls in the place of instructions, and with the functions that are called.

use std::collections::BTreeMap;
use std::convert::Infallible;

use anyhow::{Result, anyhow};
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    CodeSection, ConstExpr, CustomSection, Function, FunctionSection, GlobalSection, GlobalType, Module, NameMap,
    NameSection, SectionId, TypeSection, ValType,
};
use wasmparser::{KnownCustom, Operator, Parser};

use crate::analysis::{ModuleFacts, Sites};
use crate::bulk;
use crate::cache::contents;
use crate::custom::{FEATURES_SECTION, refers_to_positions, with_simd};
use crate::dispatch::{Dispatcher, Obstacle};
use crate::report::{Kept, Outcome};
use crate::{Options, SECTION};

const PAGE_BYTES: u64 = 65_536;

/// A function that takes the place of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Helper {
    /// `call_indirect` with the type of this index; the first index of equal types.
    Dispatch(u32),
    Copy,
    CopyConstant(u32),
    Fill,
    FillConstant(u32),
    Grow,
}

/// A function to add.
struct Added {
    helper: Helper,
    params: Vec<ValType>,
    results: Vec<ValType>,
    body: Function,
}

/// What to replace in a module, and the functions to add.
pub(crate) struct Plan<'a> {
    facts: &'a ModuleFacts,
    options: Options,
    added: Vec<Added>,
    /// The index of each added function.
    indices: BTreeMap<Helper, u32>,
    /// The first type index that equals each type index.
    first_equal_type: BTreeMap<u32, u32>,
    /// Types whose calls stay.
    obstacles: BTreeMap<u32, Obstacle>,
    bulk: bool,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(facts: &'a ModuleFacts, options: Options) -> Self {
        let mut plan = Self {
            facts,
            options,
            added: Vec::new(),
            indices: BTreeMap::new(),
            first_equal_type: BTreeMap::new(),
            obstacles: BTreeMap::new(),
            bulk: false,
        };
        if options.indirect_calls && facts.table_obstacle.is_none() {
            plan.add_dispatchers();
        }
        if options.bulk_memory && facts.memory_obstacle.is_none() {
            plan.add_bulk();
        }
        plan
    }

    fn add(&mut self, helper: Helper, params: Vec<ValType>, results: Vec<ValType>, body: Function) {
        let index = self.facts.functions.len() + self.added.len();
        self.indices.insert(helper, u32::try_from(index).unwrap_or(u32::MAX));
        self.added.push(Added { helper, params, results, body });
    }

    fn add_dispatchers(&mut self) {
        for index in self.facts.indirect_sites.keys() {
            let ty = self.facts.func_type(*index);
            let first = (0..*index).find(|earlier| self.facts.func_type(*earlier) == ty).unwrap_or(*index);
            self.first_equal_type.insert(*index, first);
            if self.indices.contains_key(&Helper::Dispatch(first)) {
                continue;
            }
            match Dispatcher::new(self.facts, first) {
                Ok(dispatcher) => {
                    let Dispatcher { params, results, body } = dispatcher;
                    self.add(Helper::Dispatch(first), params, results, body);
                }
                Err(obstacle) => drop(self.obstacles.insert(*index, obstacle)),
            }
        }
    }

    fn add_bulk(&mut self) {
        let facts = self.facts;
        let Options { simd, max_constant, max_loop, .. } = self.options;
        let dynamic = bulk::Dynamic { bound: facts.globals, simd, max_loop };
        let is_small = |size: &u32| (1..=max_constant).contains(size);
        let constants = |sites: &Sites| sites.constant_sizes.iter().copied().filter(is_small).collect::<Vec<_>>();
        let needs_dynamic = |sites: &Sites| sites.dynamic || !sites.constant_sizes.iter().all(is_small);
        let two = || vec![ValType::I32; 2];
        let three = || vec![ValType::I32; 3];
        for size in constants(&facts.copies) {
            self.add(Helper::CopyConstant(size), two(), vec![], bulk::copy_constant(size, simd));
        }
        for size in constants(&facts.fills) {
            self.add(Helper::FillConstant(size), two(), vec![], bulk::fill_constant(size, simd));
        }
        if needs_dynamic(&facts.copies) {
            self.add(Helper::Copy, three(), vec![], bulk::copy_dynamic(dynamic));
            self.bulk = true;
        }
        if needs_dynamic(&facts.fills) {
            self.add(Helper::Fill, three(), vec![], bulk::fill_dynamic(dynamic));
            self.bulk = true;
        }
        if self.bulk && facts.grows {
            self.add(Helper::Grow, vec![ValType::I32], vec![ValType::I32], bulk::grow(dynamic.bound));
        }
    }

    pub(crate) fn indirect_outcome(&self) -> Outcome {
        let tail_calls = self.facts.indirect_tail_calls;
        let sites = self.facts.indirect_sites.values().sum::<usize>();
        let is_dispatch = |helper: &Helper| matches!(helper, Helper::Dispatch(_));
        let mut kept = BTreeMap::<_, usize>::new();
        for (index, obstacle) in &self.obstacles {
            *kept.entry(obstacle).or_default() += self.facts.indirect_sites.get(index).copied().unwrap_or_default();
        }
        let mut kept: Vec<_> =
            kept.into_iter().map(|(obstacle, sites)| Kept { sites, reason: obstacle.to_string() }).collect();
        if tail_calls > 0 {
            kept.push(Kept { sites: tail_calls, reason: "return_call_indirect is not replaced".to_owned() });
        }
        self.outcome(self.options.indirect_calls, sites + tail_calls, &self.facts.table_obstacle, kept, is_dispatch)
    }

    pub(crate) fn bulk_outcome(&self) -> Outcome {
        let sites = self.facts.copies.count + self.facts.fills.count;
        let is_bulk = |helper: &Helper| !matches!(helper, Helper::Dispatch(_));
        self.outcome(self.options.bulk_memory, sites, &self.facts.memory_obstacle, Vec::new(), is_bulk)
    }

    /// `sites`: all instructions of the kind, `kept`: those of them that stay although no condition forbids the part.
    fn outcome(
        &self,
        on: bool,
        sites: usize,
        obstacle: &Option<String>,
        kept: Vec<Kept>,
        kind: impl Fn(&Helper) -> bool,
    ) -> Outcome {
        let functions = self.indices.keys().filter(|helper| kind(helper)).count();
        let kept_sites = kept.iter().map(|kept| kept.sites).sum::<usize>();
        match obstacle {
            _ if !on => Outcome::Off,
            _ if sites == 0 => Outcome::Absent,
            Some(reason) => Outcome::Kept(vec![Kept { sites, reason: reason.clone() }]),
            None if kept_sites == sites => Outcome::Kept(kept),
            None => Outcome::Replaced { sites: sites - kept_sites, functions, kept },
        }
    }

    /// Whether an added function has instructions of the SIMD proposal.
    pub(crate) fn uses_simd(&self) -> bool {
        let has_vectors = |helper: &Helper| match helper {
            Helper::Copy | Helper::Fill => true,
            Helper::CopyConstant(size) | Helper::FillConstant(size) => bulk::uses_vectors(*size),
            Helper::Dispatch(_) | Helper::Grow => false,
        };
        self.options.simd && self.indices.keys().any(has_vectors)
    }

    fn dispatcher(&self, type_index: u32) -> Option<u32> {
        let first = self.first_equal_type.get(&type_index)?;
        self.indices.get(&Helper::Dispatch(*first)).copied()
    }

    /// The function to call instead of `operator`, and whether it replaces the preceding constant as well.
    fn replacement(&self, operator: &Operator<'_>, constant: Option<u32>) -> Option<(u32, bool)> {
        let with_constant = |helper: fn(u32) -> Helper| {
            let index = constant.and_then(|size| self.indices.get(&helper(size)))?;
            Some((*index, true))
        };
        let plain = |helper| self.indices.get(&helper).map(|index| (*index, false));
        match operator {
            Operator::CallIndirect { type_index, .. } => self.dispatcher(*type_index).map(|index| (index, false)),
            Operator::MemoryCopy { .. } => with_constant(Helper::CopyConstant).or_else(|| plain(Helper::Copy)),
            Operator::MemoryFill { .. } => with_constant(Helper::FillConstant).or_else(|| plain(Helper::Fill)),
            Operator::MemoryGrow { .. } => plain(Helper::Grow),
            _ => None,
        }
    }
}

/// The module with all that `plan` says. `key` goes into its custom section.
pub(crate) fn rewrite(wasm: &[u8], plan: &Plan<'_>, key: &str) -> Result<Vec<u8>> {
    let mut module = Module::new();
    let mut rewriter = Rewriter { plan, global_written: false };
    rewriter
        .parse_core_module(&mut module, Parser::new(0), wasm)
        .map_err(|error| anyhow!("cannot write the module: {error}"))?;
    module.section(&CustomSection { name: SECTION.into(), data: contents(key).into() });
    Ok(module.finish())
}

struct Rewriter<'a> {
    plan: &'a Plan<'a>,
    global_written: bool,
}

type Written = Result<(), Error<Infallible>>;

impl Rewriter<'_> {
    fn add_global(&mut self, globals: &mut GlobalSection) {
        if self.plan.bulk && !self.global_written {
            self.global_written = true;
            let bytes = self.plan.facts.memory_pages.saturating_mul(PAGE_BYTES);
            let ty = GlobalType { val_type: ValType::I64, mutable: true, shared: false };
            globals.global(ty, &ConstExpr::i64_const(bytes as i64));
        }
    }
}

impl Reencode for Rewriter<'_> {
    type Error = Infallible;

    fn parse_type_section(&mut self, types: &mut TypeSection, section: wasmparser::TypeSectionReader<'_>) -> Written {
        utils::parse_type_section(self, types, section)?;
        for added in &self.plan.added {
            types.ty().function(added.params.iter().copied(), added.results.iter().copied());
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Written {
        utils::parse_function_section(self, functions, section)?;
        let first = u32::try_from(self.plan.facts.types.len()).unwrap_or(u32::MAX);
        for (ty, _) in (first..).zip(&self.plan.added) {
            functions.function(ty);
        }
        Ok(())
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Written {
        utils::parse_global_section(self, globals, section)?;
        self.add_global(globals);
        Ok(())
    }

    /// Adds a section of globals where the module has none, before the first section that must follow it.
    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        _after: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Written {
        let earlier = [SectionId::Type, SectionId::Import, SectionId::Function, SectionId::Table, SectionId::Memory];
        let may_precede = before.is_some_and(|id| earlier.contains(&id) || id == SectionId::Tag);
        if !self.plan.facts.has_global_section && !may_precede && !self.global_written {
            let mut globals = GlobalSection::new();
            self.add_global(&mut globals);
            if self.global_written {
                module.section(&globals);
            }
        }
        Ok(())
    }

    fn parse_code_section(&mut self, code: &mut CodeSection, section: wasmparser::CodeSectionReader<'_>) -> Written {
        utils::parse_code_section(self, code, section)?;
        for added in &self.plan.added {
            code.function(&added.body);
        }
        Ok(())
    }

    fn parse_function_body(&mut self, code: &mut CodeSection, body: wasmparser::FunctionBody<'_>) -> Written {
        let mut function = self.new_function_with_parsed_locals(&body)?;
        // A constant is written late: the next instruction may have a function for this constant.
        let mut constant = None;
        for operator in body.get_operators_reader()? {
            let operator = operator?;
            let replacement = self.plan.replacement(&operator, constant);
            if let Some(value) = constant.take().filter(|_| replacement.is_none_or(|(_, takes)| !takes)) {
                function.instructions().i32_const(value as i32);
            }
            match (replacement, operator) {
                (Some((index, _)), _) => drop(function.instructions().call(index)),
                (None, Operator::I32Const { value }) => constant = Some(value as u32),
                (None, operator) => drop(function.instruction(&self.instruction(operator)?)),
            }
        }
        code.function(&function);
        Ok(())
    }

    fn parse_custom_section(&mut self, module: &mut Module, section: wasmparser::CustomSectionReader<'_>) -> Written {
        let (name, data) = (section.name(), section.data());
        if refers_to_positions(name) {
            return Ok(());
        }
        let names = match section.as_known() {
            // The specification wants a malformed section of names ignored, so it is no reason to fail.
            KnownCustom::Name(names) => self.custom_name_section(names).ok(),
            _ => None,
        };
        let with_simd = (name == FEATURES_SECTION && self.plan.uses_simd()).then(|| with_simd(data)).flatten();
        match (names, with_simd) {
            (Some(names), _) => module.section(&names),
            (None, Some(features)) => module.section(&CustomSection { name: name.into(), data: features.into() }),
            (None, None) => module.section(&CustomSection { name: name.into(), data: data.into() }),
        };
        Ok(())
    }

    fn parse_custom_name_subsection(&mut self, names: &mut NameSection, section: wasmparser::Name<'_>) -> Written {
        let wasmparser::Name::Function(map) = section else {
            return utils::parse_custom_name_subsection(self, names, section);
        };
        let mut all: NameMap = utils::name_map(map, Ok)?;
        for (helper, index) in
            self.plan.added.iter().filter_map(|a| Some((a.helper, self.plan.indices.get(&a.helper)?)))
        {
            all.append(*index, &name(helper));
        }
        names.functions(&all);
        Ok(())
    }
}

fn name(helper: Helper) -> String {
    match helper {
        Helper::Dispatch(ty) => format!("{SECTION}:call_indirect:type{ty}"),
        Helper::Copy => format!("{SECTION}:memory.copy"),
        Helper::CopyConstant(size) => format!("{SECTION}:memory.copy:{size}"),
        Helper::Fill => format!("{SECTION}:memory.fill"),
        Helper::FillConstant(size) => format!("{SECTION}:memory.fill:{size}"),
        Helper::Grow => format!("{SECTION}:memory.grow"),
    }
}
