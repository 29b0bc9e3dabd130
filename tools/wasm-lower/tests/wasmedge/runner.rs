//! A program that runs commands in WasmEdge (`runner.c`), compiled once for all tests.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// How a module runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Interpreter,
    Compiled,
}

impl Engine {
    pub(crate) const ALL: [Self; 2] = [Self::Interpreter, Self::Compiled];
}

/// A directory for modules and scripts.
pub(crate) struct Scratch {
    directory: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// Writes a module.
    pub(crate) fn write(&self, name: &str, wasm: &[u8]) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, wasm).unwrap();
        path
    }

    /// The lines that the commands print.
    pub(crate) fn run(&self, engine: Engine, commands: &[String]) -> Vec<String> {
        let script = self.directory.path().join(format!("{engine:?}.script"));
        fs::write(&script, commands.join("\n") + "\n").unwrap();
        let mut command = Command::new(runner());
        command.arg(if engine == Engine::Compiled { "compiled" } else { "interpreter" });
        let output = command.stdin(File::open(&script).unwrap()).stderr(Stdio::inherit()).output().unwrap();
        let lines: Vec<_> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
        assert!(output.status.success(), "{}, at the command {:?}", output.status, commands.get(lines.len()));
        assert_eq!(lines.len(), commands.len(), "one line for each command");
        lines
    }
}

/// The program, linked to the WasmEdge that is installed.
fn runner() -> &'static Path {
    static RUNNER: OnceLock<PathBuf> = OnceLock::new();
    RUNNER.get_or_init(|| {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wasm-lower-runner");
        let partial = program.with_extension(std::process::id().to_string());
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wasmedge/runner.c");
        let status = Command::new("cc").args(["-O2", "-o"]).arg(&partial).arg(source).arg("-lwasmedge").status();
        assert!(status.expect("a C compiler").success(), "packages gcc and libwasmedge-dev: scripts/deps.sh test");
        fs::rename(&partial, &program).unwrap();
        program
    })
}
