//! Dispatchers: functions that call what a slot of a table holds, without a look at the table.

use std::collections::BTreeMap;
use std::fmt;

use wasm_encoder::{Function, InstructionSink, ValType};
use wasmparser::FuncType;

use crate::analysis::ModuleFacts;

/// A longer `br_table` is refused by engines, or compiled slowly.
const MAX_SPAN: usize = 16_384;

/// The most parameters that engines accept (<https://webassembly.github.io/spec/js-api/#limits>).
const MAX_PARAMS: usize = 1_000;

/// The largest body of a dispatcher in bytes. Engines accept 7.6 MB (the same list), and compile it slowly.
const MAX_BODY: usize = 1 << 20;

/// Why the calls with a type stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Obstacle {
    NoFunction,
    Span,
    Params,
    Body,
    UnknownType,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFunction => write!(f, "no slot of the table has a function of the type"),
            Self::Span => write!(f, "the functions of the type are in more than {MAX_SPAN} slots, counting gaps"),
            Self::Params => write!(f, "the type has {MAX_PARAMS} parameters, and a dispatcher needs one more"),
            Self::Body => write!(f, "the dispatcher would have more than {MAX_BODY} bytes"),
            Self::UnknownType => write!(f, "the type has parameters or results that this tool does not know"),
        }
    }
}

/// A function that takes the place of `call_indirect` with one type.
pub(crate) struct Dispatcher {
    /// The parameters of the type, then the slot.
    pub(crate) params: Vec<ValType>,
    pub(crate) results: Vec<ValType>,
    pub(crate) body: Function,
}

impl Dispatcher {
    pub(crate) fn new(facts: &ModuleFacts, type_index: u32) -> Result<Self, Obstacle> {
        let ty = facts.func_type(type_index).ok_or(Obstacle::UnknownType)?;
        if ty.params().len() >= MAX_PARAMS {
            return Err(Obstacle::Params);
        }
        let mut params = value_types(ty.params())?;
        let results = value_types(ty.results())?;
        let body = Targets::new(facts, type_index, ty)?.body(ty.params().len());
        params.push(ValType::I32);
        if body.byte_len() <= MAX_BODY { Ok(Self { params, results, body }) } else { Err(Obstacle::Body) }
    }
}

fn value_types(types: &[wasmparser::ValType]) -> Result<Vec<ValType>, Obstacle> {
    types.iter().map(|ty| ValType::try_from(*ty).map_err(|_| Obstacle::UnknownType)).collect()
}

/// The functions that a call with one type can reach.
struct Targets {
    type_index: u32,
    /// The first slot that has a function of the type.
    first: u32,
    /// The function in each slot from `first` on; `None` where a call traps.
    functions: Vec<Option<u32>>,
}

impl Targets {
    fn new(facts: &ModuleFacts, type_index: u32, ty: &FuncType) -> Result<Self, Obstacle> {
        let matches = |function: &u32| {
            facts.functions.get(*function as usize).and_then(|index| facts.func_type(*index)) == Some(ty)
        };
        let slots: Vec<_> = facts.slots.iter().map(|slot| slot.filter(matches)).collect();
        let first = slots.iter().position(Option::is_some).ok_or(Obstacle::NoFunction)?;
        let last = slots.iter().rposition(Option::is_some).ok_or(Obstacle::NoFunction)?;
        let functions = slots.get(first..=last).unwrap_or_default().to_vec();
        if functions.len() > MAX_SPAN {
            return Err(Obstacle::Span);
        }
        Ok(Self { type_index, first: u32::try_from(first).unwrap_or_default(), functions })
    }

    /// The body of a dispatcher for a type with `params` parameters. A slot without a function of the type reaches the
    /// original instruction, so it traps as before.
    fn body(&self, params: usize) -> Function {
        let slot = u32::try_from(params).unwrap_or_default();
        let mut labels = BTreeMap::new();
        for target in self.functions.iter().flatten() {
            let next = u32::try_from(labels.len()).unwrap_or_default();
            labels.entry(*target).or_insert(next);
        }
        let mut functions: Vec<_> = labels.iter().map(|(function, label)| (*label, *function)).collect();
        functions.sort_unstable();
        let trap = u32::try_from(functions.len()).unwrap_or_default();
        let branches = self.functions.iter().map(|target| target.and_then(|f| labels.get(&f).copied()).unwrap_or(trap));

        let mut body = Function::new([]);
        let mut code = body.instructions();
        for _ in 0..=functions.len() {
            code.block(wasm_encoder::BlockType::Empty);
        }
        code.local_get(slot);
        if self.first > 0 {
            code.i32_const(self.first as i32).i32_sub();
        }
        code.br_table(branches.collect::<Vec<_>>(), trap);
        for (_, function) in &functions {
            code.end();
            arguments(&mut code, slot);
            code.call(*function).return_();
        }
        code.end();
        arguments(&mut code, slot);
        code.local_get(slot).call_indirect(0, self.type_index).end();
        body
    }
}

fn arguments(code: &mut InstructionSink<'_>, count: u32) {
    for index in 0..count {
        code.local_get(index);
    }
}

impl ModuleFacts {
    pub(crate) fn func_type(&self, index: u32) -> Option<&FuncType> {
        self.types.get(index as usize)?.as_ref()
    }
}
