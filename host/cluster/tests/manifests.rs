//! The manifests before the API server's own judgement.

use std::fs;

use anyhow::{Result, ensure};

use crate::support::World;

/// The namespace enforces `restricted`; workloads are only warned about what their pods would be refused for, so warnings are
/// errors here.
pub(crate) fn every_overlay_passes(world: &mut World) -> Result<()> {
    let copy = world.copy_of_manifests("validated")?;
    // What no overlay has, and a user may add.
    let ingress = copy.join("overlays/ingress");
    fs::create_dir(&ingress)?;
    let text = "resources: [../crun]\ncomponents: [../../components/ingress]\nnamespace: order-service\n";
    fs::write(ingress.join("kustomization.yaml"), text)?;
    for name in ["crun", "shim", "native", "ingress"] {
        let directory = copy.join("overlays").join(name).display().to_string();
        let said = world.cluster.kubectl(&[
            "apply",
            "--dry-run=server",
            "--validate=strict",
            "--warnings-as-errors",
            "-k",
            &directory,
        ])?;
        ensure!(said.lines().count() >= 13, "only this was validated of {name}:\n{said}");
    }
    let label = [
        "get",
        "namespace",
        "order-service",
        "--output=jsonpath={.metadata.labels.pod-security\\.kubernetes\\.io/enforce}",
    ];
    ensure!(world.cluster.kubectl(&label)? == "restricted", "the namespace enforces nothing");
    Ok(())
}

/// So that the test above can fail.
pub(crate) fn a_lax_pod_is_refused(world: &mut World) -> Result<()> {
    let lax = "apiVersion: v1\nkind: Pod\nmetadata: {name: lax}\nspec: {containers: [{name: lax, image: lax}]}\n";
    let path = world.cluster.dir().join("lax.yaml");
    fs::write(&path, lax)?;
    let refused = world.cluster.kubectl(&["apply", "--dry-run=server", "-f", &path.to_string_lossy()]);
    let why = refused.err().map(|error| error.to_string()).unwrap_or_default();
    ensure!(why.contains("violates PodSecurity \"restricted"), "not refused for that: {why}");
    Ok(())
}
