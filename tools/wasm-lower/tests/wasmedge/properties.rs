//! Random copies and fills against a model: all sizes, overlaps in both directions, and what is out of bounds.

use std::fmt::Write;

use wasm_lower::{Options, lower};

use crate::runner::{Engine, Scratch};

const PAGE: u64 = 65_536;
const CASES: usize = 6_000;
/// Constant sizes with functions of their own are up to 128.
const CONSTANTS: std::ops::RangeInclusive<u32> = 0..=140;

/// Instructions with dynamic sizes, and a copy and a fill for each constant size.
fn module() -> Vec<u8> {
    let mut text = String::from(
        "(module (memory (export \"memory\") 1 4)
         (func (export \"copy\") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
         (func (export \"fill\") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
         (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))\n",
    );
    for size in CONSTANTS {
        for instruction in ["copy", "fill"] {
            writeln!(
                text,
                "(func (export \"{instruction}{size}\") (param i32 i32)
                     (memory.{instruction} (local.get 0) (local.get 1) (i32.const {size})))"
            )
            .unwrap();
        }
    }
    wat::parse_str(text + ")").unwrap()
}

/// The generator of `seed` in `runner.c`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 32
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn choose<const N: usize>(&mut self, values: [u64; N]) -> u64 {
        values[usize::try_from(self.below(N as u64)).unwrap()]
    }
}

/// What the memory must hold.
struct Model(Vec<u8>);

impl Model {
    fn seed(&mut self, mut state: u64) {
        for byte in &mut self.0 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 56) as u8;
        }
    }

    fn hash(&self) -> String {
        let words = self.0.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap()));
        let value = words.fold(self.0.len() as u64, |value, word| {
            let value = (value ^ word).wrapping_mul(1_099_511_628_211);
            value ^ (value >> 29)
        });
        format!("hash {value}")
    }

    fn contains(&self, address: u64, size: u64) -> bool {
        address + size <= self.0.len() as u64
    }

    fn copy(&mut self, target: u64, source: u64, size: u64) -> &'static str {
        if !self.contains(target, size) || !self.contains(source, size) {
            return "trap out of bounds memory access";
        }
        self.0.copy_within(source as usize..(source + size) as usize, target as usize);
        "="
    }

    fn fill(&mut self, target: u64, value: u64, size: u64) -> &'static str {
        if !self.contains(target, size) {
            return "trap out of bounds memory access";
        }
        self.0[target as usize..(target + size) as usize].fill(value as u8);
        "="
    }

    fn grow(&mut self, pages: u64) -> bool {
        let fits = self.0.len() as u64 / PAGE + pages <= 4;
        if fits {
            self.0.resize(self.0.len() + (pages * PAGE) as usize, 0);
        }
        fits
    }
}

/// An address for `size` bytes: anywhere, at the end of the memory, at 4 GiB, or near `other`.
fn address(random: &mut Random, model: &Model, size: u64, other: Option<u64>) -> u64 {
    let memory = model.0.len() as u64;
    let near = |random: &mut Random, place: u64, distance: u64| {
        (place + random.below(2 * distance + 1)).saturating_sub(distance).min(u64::from(u32::MAX))
    };
    match (random.below(10), other) {
        (0, _) => near(random, memory.saturating_sub(size), 20),
        (1, _) if random.below(4) == 0 => near(random, (1 << 32) - size.min(1 << 31), 20),
        (2..=5, Some(other)) => near(random, other, size + 2),
        _ => random.below(memory.saturating_sub(size)),
    }
}

/// Commands, and what each must print.
#[derive(Default)]
struct Script(Vec<String>, Vec<String>);

impl Script {
    fn push(&mut self, command: String, output: impl Into<String>) {
        self.0.push(command);
        self.1.push(output.into());
    }

    fn add_case(&mut self, random: &mut Random, model: &mut Model) {
        let is_constant = random.below(2) == 0;
        let dynamic = random.choose([0, 1, 8, 16, 17, 31, 32, 33, 63, 64, 65, 96, 129, 255, 511, 512, 513, 1025, 5000]);
        let size = match random.below(3) {
            _ if is_constant => random.below(u64::from(*CONSTANTS.end()) + 1),
            0 => dynamic,
            1 => random.below(80),
            _ => random.below(1500),
        };
        let (suffix, last) =
            if is_constant { (size.to_string(), String::new()) } else { (String::new(), format!(" i32:{size}")) };
        let source = address(random, model, size, None);
        let target = address(random, model, size, Some(source));
        if random.below(3) > 0 {
            let output = model.copy(target, source, size);
            self.push(format!("call copy{suffix} i32:{target} i32:{source}{last}"), output);
        } else {
            let value = random.choose([0, 1, 255, 256, 0x1234_56ab, 0xffff_ffff]);
            let output = model.fill(target, value, size);
            self.push(format!("call fill{suffix} i32:{target} i32:{value}{last}"), output);
        }
        self.push("hash".to_owned(), model.hash());
    }
}

fn script(path: &std::path::Path, seed: u64) -> Script {
    let mut script = Script::default();
    let mut random = Random(seed);
    let mut model = Model(vec![0; PAGE as usize]);
    script.push(format!("load {}", path.display()), "ok");
    script.push(format!("seed {seed}"), "ok");
    model.seed(seed);
    for case in 0..CASES {
        if case == CASES / 3 {
            // The module grows its memory; too much, which fails; then from outside, where the module cannot see it.
            let pages = model.0.len() as u64 / PAGE;
            assert!(model.grow(1) && !model.grow(9));
            script.push("call grow i32:1".to_owned(), format!("= i32:{pages}"));
            script.push("call grow i32:9".to_owned(), "= i32:4294967295");
        }
        if case == 2 * CASES / 3 {
            assert!(model.grow(1));
            script.push("grow 1".to_owned(), "ok");
        }
        script.add_case(&mut random, &mut model);
    }
    script
}

fn check(options: Option<Options>) {
    let scratch = Scratch::new();
    let wasm = module();
    let wasm = options.map_or_else(|| wasm.clone(), |options| lower(&wasm, options).unwrap().module);
    let path = scratch.write("bulk.wasm", &wasm);
    for (engine, seed) in Engine::ALL.into_iter().zip([1, 2]) {
        let Script(commands, expected) = script(&path, seed);
        assert!(expected.iter().filter(|line| line.starts_with("trap")).count() > CASES / 50);
        let lines = scratch.run(engine, &commands);
        for (index, expected) in expected.iter().enumerate() {
            let (line, command) = (&lines[index], &commands[index.saturating_sub(1)..=index]);
            assert!(line.starts_with(expected.as_str()), "{engine:?}: {command:?}: {line} instead of {expected}");
        }
    }
}

/// Shows that the model is right.
#[test]
fn random_copies_and_fills_of_the_original_match_the_model() {
    check(None);
}

#[test]
fn random_copies_and_fills_match_the_model() {
    check(Some(Options::default()));
}

#[test]
fn random_copies_and_fills_without_simd_match_the_model() {
    check(Some(Options { simd: false, ..Options::default() }));
}
