//! Functions with the meaning of `memory.copy` and `memory.fill`.
//!
//! A size that is known when the module is made has a function of its own, which loads all before it stores anything,
//! and stores the last bytes first: where a part is out of bounds, an instruction traps before anything is written.
//! Other sizes have one function that compares with the memory's size first. What is out of bounds, and what is so long
//! that the runtime is faster, reaches the original instruction.

use wasm_encoder::{BlockType, Function, InstructionSink, MemArg, ValType};

/// The largest constant size with a function of its own, in bytes, unless the options have another one. README.md has
/// the measurement behind it and the next.
pub(crate) const MAX_CONSTANT: u32 = 128;

/// The largest size that the loops here copy or fill, in bytes, unless the options have another one. Beyond it the
/// runtime's `memmove` and `memset` are faster, although the call leaves the compiled code.
pub(crate) const MAX_LOOP: u32 = 512;

/// A value of eight equal bytes is a byte times this.
const REPEAT_BYTE: i64 = 0x0101_0101_0101_0101;

/// The parameters of the functions for dynamic sizes.
const TARGET: u32 = 0;
const SOURCE: u32 = 1;
const VALUE: u32 = 1;
const SIZE: u32 = 2;

/// One load or store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    W1,
    W2,
    W4,
    W8,
    W16,
}

impl Width {
    fn bytes(self) -> u32 {
        match self {
            Self::W1 => 1,
            Self::W2 => 2,
            Self::W4 => 4,
            Self::W8 => 8,
            Self::W16 => 16,
        }
    }

    fn local(self) -> ValType {
        match self {
            Self::W1 | Self::W2 | Self::W4 => ValType::I32,
            Self::W8 => ValType::I64,
            Self::W16 => ValType::V128,
        }
    }

    fn load(self, code: &mut InstructionSink<'_>, offset: u32) {
        let at = at(offset);
        match self {
            Self::W1 => code.i32_load8_u(at),
            Self::W2 => code.i32_load16_u(at),
            Self::W4 => code.i32_load(at),
            Self::W8 => code.i64_load(at),
            Self::W16 => code.v128_load(at),
        };
    }

    fn store(self, code: &mut InstructionSink<'_>, offset: u32) {
        let at = at(offset);
        match self {
            Self::W1 => code.i32_store8(at),
            Self::W2 => code.i32_store16(at),
            Self::W4 => code.i32_store(at),
            Self::W8 => code.i64_store(at),
            Self::W16 => code.v128_store(at),
        };
    }
}

fn at(offset: u32) -> MemArg {
    MemArg { offset: u64::from(offset), align: 0, memory_index: 0 }
}

/// Loads or stores that together cover `size` bytes, in ascending order. The last two may overlap.
fn pieces(size: u32, simd: bool) -> Vec<(u32, Width)> {
    let widest = if simd { Width::W16 } else { Width::W8 };
    let mut pieces = Vec::new();
    let mut offset = 0;
    while offset < size {
        let remaining = size - offset;
        let width = match remaining {
            16.. if simd => Width::W16,
            8.. => Width::W8,
            4.. => Width::W4,
            2.. => Width::W2,
            _ => Width::W1,
        };
        // A remainder of several pieces is one wider piece that overlaps the previous one.
        let wider = [Width::W2, Width::W4, Width::W8, Width::W16]
            .into_iter()
            .find(|wider| wider.bytes() > remaining && wider.bytes() <= size && wider.bytes() <= widest.bytes());
        match wider {
            Some(wider) if width.bytes() != remaining => {
                pieces.push((size - wider.bytes(), wider));
                return pieces;
            }
            _ => pieces.push((offset, width)),
        }
        offset += width.bytes();
    }
    pieces
}

/// Whether the functions for this constant size have vectors, where the options allow them.
pub(crate) fn uses_vectors(size: u32) -> bool {
    pieces(size, true).iter().any(|(_, width)| *width == Width::W16)
}

/// `(target, source)` → nothing: copies `size` bytes.
pub(crate) fn copy_constant(size: u32, simd: bool) -> Function {
    let pieces = pieces(size, simd);
    let mut body = Function::new(pieces.iter().map(|(_, width)| (1, width.local())));
    let mut code = body.instructions();
    let loaded: Vec<_> = (2u32..).zip(&pieces).collect();
    for (local, (offset, width)) in &loaded {
        code.local_get(SOURCE);
        width.load(&mut code, *offset);
        code.local_set(*local);
    }
    for (local, (offset, width)) in loaded.iter().rev() {
        code.local_get(TARGET).local_get(*local);
        width.store(&mut code, *offset);
    }
    code.end();
    body
}

/// `(target, value)` → nothing: writes `size` bytes.
pub(crate) fn fill_constant(size: u32, simd: bool) -> Function {
    const BYTES: u32 = 2;
    const VECTOR: u32 = 3;
    let pieces = pieces(size, simd);
    let vector = pieces.iter().any(|(_, width)| *width == Width::W16);
    let locals = [Some((1, ValType::I64)), vector.then_some((1, ValType::V128))];
    let mut body = Function::new(locals.into_iter().flatten().collect::<Vec<_>>());
    let mut code = body.instructions();
    repeat_byte(&mut code);
    code.local_set(BYTES);
    if vector {
        code.local_get(BYTES).i64x2_splat().local_set(VECTOR);
    }
    for (offset, width) in pieces.iter().rev() {
        code.local_get(TARGET);
        fill_value(&mut code, *width, BYTES, VECTOR);
        width.store(&mut code, *offset);
    }
    code.end();
    body
}

/// Pushes the filling byte eight times, as an i64.
fn repeat_byte(code: &mut InstructionSink<'_>) {
    code.local_get(VALUE).i32_const(255).i32_and().i64_extend_i32_u().i64_const(REPEAT_BYTE).i64_mul();
}

fn fill_value(code: &mut InstructionSink<'_>, width: Width, bytes: u32, vector: u32) {
    match width {
        Width::W16 => code.local_get(vector),
        Width::W8 => code.local_get(bytes),
        _ => code.local_get(bytes).i32_wrap_i64(),
    };
}

/// `(pages)` → the previous size or -1: `memory.grow`, and records the new size in bytes in global `bound`.
pub(crate) fn grow(bound: u32) -> Function {
    let mut body = Function::new([]);
    let mut code = body.instructions();
    code.local_get(0).memory_grow(0);
    code.memory_size(0).i64_extend_i32_u().i64_const(16).i64_shl().global_set(bound);
    code.end();
    body
}

/// Pushes true where `size` bytes at `address` end behind the memory.
fn out_of_bounds(code: &mut InstructionSink<'_>, address: u32, bound: u32) {
    code.local_get(address).i64_extend_i32_u().local_get(SIZE).i64_extend_i32_u().i64_add();
    code.global_get(bound).i64_gt_u();
}

/// Pushes `address + SIZE - back`: a position counted from the end.
fn from_end(code: &mut InstructionSink<'_>, address: u32, back: u32) {
    code.local_get(address).local_get(SIZE).i32_add().i32_const(back as i32).i32_sub();
}

/// Returns from the function with `work` done where the size is at least `size`.
fn if_at_least(code: &mut InstructionSink<'_>, size: u32, work: impl FnOnce(&mut InstructionSink<'_>)) {
    code.local_get(SIZE).i32_const(size as i32).i32_ge_u().if_(BlockType::Empty);
    work(code);
    code.return_().end();
}

fn if_at_most(code: &mut InstructionSink<'_>, size: u32, work: impl FnOnce(&mut InstructionSink<'_>)) {
    code.local_get(SIZE).i32_const(size as i32).i32_le_u().if_(BlockType::Empty);
    work(code);
    code.return_().end();
}

/// What differs between copying and filling in the function for dynamic sizes.
trait Bulk {
    fn prepare(&self, code: &mut InstructionSink<'_>);
    fn out_of_bounds(&self, code: &mut InstructionSink<'_>);
    /// `count` pieces from the start and as many from the end, which may overlap.
    fn both_ends(&self, code: &mut InstructionSink<'_>, width: Width, count: u32);
    /// More than four pieces of `width`.
    fn many(&self, code: &mut InstructionSink<'_>, width: Width);
    fn original(&self, code: &mut InstructionSink<'_>);
}

/// What the functions for sizes that are not known before depend on.
#[derive(Clone, Copy)]
pub(crate) struct Dynamic {
    /// The global with the memory's size in bytes, or less.
    pub(crate) bound: u32,
    pub(crate) simd: bool,
    /// Larger sizes reach the original instruction.
    pub(crate) max_loop: u32,
}

/// The function for sizes that are not known before: the address, then the source or the value, then the size.
fn dynamic(bulk: &impl Bulk, code: &mut InstructionSink<'_>, Dynamic { simd, max_loop, .. }: Dynamic) {
    let widest = if simd { Width::W16 } else { Width::W8 };
    code.block(BlockType::Empty);
    bulk.out_of_bounds(code);
    code.br_if(0);
    bulk.prepare(code);
    if_at_most(code, 16, |code| {
        for width in [Width::W8, Width::W4, Width::W2] {
            if_at_least(code, width.bytes(), |code| bulk.both_ends(code, width, 1));
        }
        if_at_least(code, 1, |code| bulk.both_ends(code, Width::W1, 1));
    });
    if simd {
        if_at_most(code, 2 * widest.bytes(), |code| bulk.both_ends(code, widest, 1));
    }
    if_at_most(code, 4 * widest.bytes(), |code| bulk.both_ends(code, widest, 2));
    code.local_get(SIZE).i32_const(max_loop as i32).i32_gt_u().br_if(0);
    bulk.many(code, widest);
    code.return_().end();
    bulk.original(code);
    code.end();
}

struct Copy {
    bound: u32,
}

impl Copy {
    const POSITION: u32 = 3;
    const LOCALS: [(u32, ValType); 3] = [(2, ValType::I32), (4, ValType::I64), (4, ValType::V128)];

    /// A local for a value of `width`; there are four for each type but i32, which has one.
    fn local(width: Width, index: u32) -> u32 {
        match width {
            Width::W1 | Width::W2 | Width::W4 => 4 + index,
            Width::W8 => 5 + index,
            Width::W16 => 9 + index,
        }
    }

    fn load(code: &mut InstructionSink<'_>, width: Width, offset: u32, local: u32) {
        width.load(code, offset);
        code.local_set(local);
    }

    /// Pushes `address` + the position.
    fn here(code: &mut InstructionSink<'_>, address: u32) {
        code.local_get(address).local_get(Self::POSITION).i32_add();
    }

    /// Copies two pieces at the position.
    fn step(code: &mut InstructionSink<'_>, width: Width) {
        for index in 0..2 {
            Self::here(code, SOURCE);
            Self::load(code, width, index * width.bytes(), Self::local(width, 2 + index));
        }
        for index in 0..2 {
            Self::here(code, TARGET);
            code.local_get(Self::local(width, 2 + index));
            width.store(code, index * width.bytes());
        }
    }

    /// The target begins before the source, or behind its end. The last two pieces are loaded before the loop may
    /// overwrite them.
    fn forward(code: &mut InstructionSink<'_>, width: Width) {
        let pair = 2 * width.bytes();
        for index in 0..2 {
            from_end(code, SOURCE, pair);
            Self::load(code, width, index * width.bytes(), Self::local(width, index));
        }
        code.loop_(BlockType::Empty);
        Self::step(code, width);
        code.local_get(Self::POSITION).i32_const(pair as i32).i32_add().local_tee(Self::POSITION);
        code.local_get(SIZE).i32_const(pair as i32).i32_sub().i32_lt_u().br_if(0).end();
        for index in 0..2 {
            from_end(code, TARGET, pair);
            code.local_get(Self::local(width, index));
            width.store(code, index * width.bytes());
        }
    }

    /// The target begins within the source. The first two pieces are loaded before the loop may overwrite them.
    fn backward(code: &mut InstructionSink<'_>, width: Width) {
        let pair = 2 * width.bytes();
        for index in 0..2 {
            code.local_get(SOURCE);
            Self::load(code, width, index * width.bytes(), Self::local(width, index));
        }
        code.local_get(SIZE).local_set(Self::POSITION);
        code.loop_(BlockType::Empty);
        code.local_get(Self::POSITION).i32_const(pair as i32).i32_sub().local_set(Self::POSITION);
        Self::step(code, width);
        code.local_get(Self::POSITION).i32_const(pair as i32).i32_gt_u().br_if(0).end();
        for index in 0..2 {
            code.local_get(TARGET).local_get(Self::local(width, index));
            width.store(code, index * width.bytes());
        }
    }
}

impl Bulk for Copy {
    fn prepare(&self, _: &mut InstructionSink<'_>) {}

    fn out_of_bounds(&self, code: &mut InstructionSink<'_>) {
        out_of_bounds(code, TARGET, self.bound);
        out_of_bounds(code, SOURCE, self.bound);
        code.i32_or();
    }

    fn both_ends(&self, code: &mut InstructionSink<'_>, width: Width, count: u32) {
        let bytes = width.bytes();
        // The pieces stay on the stack: an i32 needs no second local.
        let each = |code: &mut InstructionSink<'_>, address: u32, last: bool| {
            if last {
                from_end(code, address, count * bytes);
            } else {
                code.local_get(address);
            }
        };
        if width.local() == ValType::I32 {
            each(code, TARGET, true);
            each(code, SOURCE, true);
            width.load(code, 0);
            each(code, SOURCE, false);
            Self::load(code, width, 0, Self::local(width, 0));
            width.store(code, 0);
            code.local_get(TARGET).local_get(Self::local(width, 0));
            width.store(code, 0);
            return;
        }
        let pieces = || [false, true].into_iter().flat_map(|last| (0..count).map(move |index| (last, index)));
        for (local, (last, index)) in (0..).zip(pieces()) {
            each(code, SOURCE, last);
            Self::load(code, width, index * bytes, Self::local(width, local));
        }
        for (local, (last, index)) in (0..).zip(pieces()) {
            each(code, TARGET, last);
            code.local_get(Self::local(width, local));
            width.store(code, index * bytes);
        }
    }

    fn many(&self, code: &mut InstructionSink<'_>, width: Width) {
        code.local_get(TARGET).local_get(SOURCE).i32_sub().local_get(SIZE).i32_ge_u().if_(BlockType::Empty);
        Self::forward(code, width);
        code.else_();
        Self::backward(code, width);
        code.end();
    }

    fn original(&self, code: &mut InstructionSink<'_>) {
        code.local_get(TARGET).local_get(SOURCE).local_get(SIZE).memory_copy(0, 0);
    }
}

/// `(target, source, size)` → nothing.
pub(crate) fn copy_dynamic(parameters: Dynamic) -> Function {
    let locals = Copy::LOCALS.into_iter().filter(|(_, ty)| parameters.simd || *ty != ValType::V128);
    let mut body = Function::new(locals.collect::<Vec<_>>());
    dynamic(&Copy { bound: parameters.bound }, &mut body.instructions(), parameters);
    body
}

struct Fill {
    bound: u32,
    simd: bool,
}

impl Fill {
    const POSITION: u32 = 3;
    const BYTES: u32 = 4;
    const VECTOR: u32 = 5;

    fn store(code: &mut InstructionSink<'_>, width: Width, offset: u32) {
        fill_value(code, width, Self::BYTES, Self::VECTOR);
        width.store(code, offset);
    }
}

impl Bulk for Fill {
    fn prepare(&self, code: &mut InstructionSink<'_>) {
        repeat_byte(code);
        code.local_set(Self::BYTES);
        if self.simd {
            code.local_get(Self::BYTES).i64x2_splat().local_set(Self::VECTOR);
        }
    }

    fn out_of_bounds(&self, code: &mut InstructionSink<'_>) {
        out_of_bounds(code, TARGET, self.bound);
    }

    fn both_ends(&self, code: &mut InstructionSink<'_>, width: Width, count: u32) {
        for index in 0..count {
            code.local_get(TARGET);
            Self::store(code, width, index * width.bytes());
            from_end(code, TARGET, count * width.bytes());
            Self::store(code, width, index * width.bytes());
        }
    }

    fn many(&self, code: &mut InstructionSink<'_>, width: Width) {
        let pair = 2 * width.bytes();
        code.loop_(BlockType::Empty);
        for index in 0..2 {
            code.local_get(TARGET).local_get(Self::POSITION).i32_add();
            Self::store(code, width, index * width.bytes());
        }
        code.local_get(Self::POSITION).i32_const(pair as i32).i32_add().local_tee(Self::POSITION);
        code.local_get(SIZE).i32_const(pair as i32).i32_sub().i32_lt_u().br_if(0).end();
        for index in 0..2 {
            from_end(code, TARGET, pair);
            Self::store(code, width, index * width.bytes());
        }
    }

    fn original(&self, code: &mut InstructionSink<'_>) {
        code.local_get(TARGET).local_get(VALUE).local_get(SIZE).memory_fill(0);
    }
}

/// `(target, value, size)` → nothing.
pub(crate) fn fill_dynamic(parameters: Dynamic) -> Function {
    let Dynamic { bound, simd, .. } = parameters;
    let locals = [Some((1, ValType::I32)), Some((1, ValType::I64)), simd.then_some((1, ValType::V128))];
    let mut body = Function::new(locals.into_iter().flatten().collect::<Vec<_>>());
    dynamic(&Fill { bound, simd }, &mut body.instructions(), parameters);
    body
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test may end with an error")]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_cover_each_size_exactly() {
        for simd in [false, true] {
            for size in 1..=MAX_CONSTANT {
                let mut covered = vec![false; size as usize];
                let pieces = pieces(size, simd);
                for (offset, width) in &pieces {
                    let range = *offset as usize..(*offset + width.bytes()) as usize;
                    covered.get_mut(range).expect("a piece ends behind the size").fill(true);
                }
                assert!(covered.iter().all(|byte| *byte), "size {size}, simd {simd}");
                let (last, width) = pieces.last().expect("no piece");
                assert_eq!(last + width.bytes(), size, "the last piece has the last byte");
            }
        }
    }
}
