//! Dispatchers: functions that call what a slot of a table holds, without a look at the table.

use std::collections::BTreeMap;

use wasm_encoder::{Function, InstructionSink};
use wasmparser::FuncType;

use crate::analysis::Facts;

/// More targets than this make a `br_table` that engines refuse or compile slowly.
const MAX_SPAN: usize = 16_384;

/// The functions that a call with one type can reach.
pub(crate) struct Dispatcher {
    /// Any type index of that type.
    pub(crate) type_index: u32,
    pub(crate) ty: FuncType,
    /// The first slot that holds a function of the type.
    first: u32,
    /// The function in each slot from `first` on; `None` where a call traps.
    targets: Vec<Option<u32>>,
}

impl Dispatcher {
    /// `None` where no slot holds a function of the type, or the slots lie too far apart.
    pub(crate) fn new(facts: &Facts, type_index: u32) -> Option<Self> {
        let ty = facts.func_type(type_index)?;
        let matches = |function: &u32| {
            facts.functions.get(*function as usize).and_then(|index| facts.func_type(*index)) == Some(ty)
        };
        let slots: Vec<_> = facts.slots.iter().map(|slot| slot.filter(matches)).collect();
        let first = slots.iter().position(Option::is_some)?;
        let last = slots.iter().rposition(Option::is_some)?;
        let targets = slots.get(first..=last)?.to_vec();
        (targets.len() <= MAX_SPAN).then(|| Self {
            type_index,
            ty: ty.clone(),
            first: u32::try_from(first).unwrap_or_default(),
            targets,
        })
    }

    /// The body. Its parameters are those of the type, then the slot. A slot that holds no function of the type reaches
    /// the original instruction, so it traps as before.
    pub(crate) fn body(&self) -> Function {
        let slot = u32::try_from(self.ty.params().len()).unwrap_or_default();
        let mut labels = BTreeMap::new();
        for target in self.targets.iter().flatten() {
            let next = u32::try_from(labels.len()).unwrap_or_default();
            labels.entry(*target).or_insert(next);
        }
        let mut functions: Vec<_> = labels.iter().map(|(function, label)| (*label, *function)).collect();
        functions.sort_unstable();
        let trap = u32::try_from(functions.len()).unwrap_or_default();
        let branches = self.targets.iter().map(|target| target.and_then(|f| labels.get(&f).copied()).unwrap_or(trap));

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

impl Facts {
    pub(crate) fn func_type(&self, index: u32) -> Option<&FuncType> {
        self.types.get(index as usize)?.as_ref()
    }
}
