//! The WasmEdge of `make runtime-slim` under crun: `make test-runtime-slim`.

use crate::support::{docker, walk_through};

#[test]
#[ignore = "make test-runtime-slim builds the runtime first"]
fn crun_runs_the_image_on_the_runtime_without_llvm() {
    let docker = docker();
    let project = docker.project().file("tests/containers/slim-runtime.yml");
    project.start();
    walk_through(&docker);
    let pid = docker.inspect(&project.containers("orders")[0])["State"]["Pid"].to_string();
    let maps = docker.engine().sandbox().run("cat", &[&format!("/proc/{pid}/maps")]).unwrap();
    assert!(maps.contains("runtime-slim/lib/libwasmedge.so.0"), "another WasmEdge runs:\n{maps}");
    assert!(!maps.contains("libLLVM"), "{maps}");
}
