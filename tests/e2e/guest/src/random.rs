//! Prints what the runtime calls random.

use std::process::ExitCode;

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn random_get(buffer: *mut u8, length: usize) -> i32;
}

/// Prints 32 bytes as hexadecimal digits.
pub fn run() -> ExitCode {
    let mut bytes = [0_u8; 32];
    // SAFETY: the pointer and the length are those of an array.
    let status = unsafe { random_get(bytes.as_mut_ptr(), bytes.len()) };
    println!("{}", bytes.map(|byte| format!("{byte:02x}")).concat());
    if status == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
