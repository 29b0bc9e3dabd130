//! The form of the compiled module: WasmEdge maps its code, so processes share the pages.

use std::fs;

use testkit::aot;

use e2e::TestApp;

#[test]
fn the_compiled_code_is_mapped_from_its_file_not_copied() {
    let app = TestApp::spawn();
    let maps = fs::read_to_string(format!("/proc/{}/maps", app.service().pid())).expect("the process's mappings");
    let file = aot::service().expect("the compiled file");
    // proc_pid_maps(5): address, permissions, offset, device, inode, path.
    let code = maps.lines().find(|line| line.contains(" r-xp ") && line.ends_with(&*file.to_string_lossy()));
    assert!(code.is_some(), "no code is mapped from the service's file:\n{maps}");
}
