//! The manifests before the API server's own judgement.

use std::fs;

use anyhow::{Context, Result, ensure};

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
    // What the page proposes for a database of one's own.
    let own = copy.join("overlays/own");
    fs::create_dir(&own)?;
    fs::write(own.join("kustomization.yaml"), yaml_of_the_page(&fs::read_to_string(copy.join("README.md"))?))?;
    fs::write(own.join("database-url.txt"), "mysql://user:password@db.example.com:3306/orders")?;
    for name in ["crun", "shim", "native", "ingress", "own"] {
        let directory = copy.join("overlays").join(name).display().to_string();
        let said = world.cluster.kubectl(&[
            "apply",
            "--dry-run=server",
            "--validate=strict",
            "--warnings-as-errors",
            "-k",
            &directory,
        ])?;
        ensure!(said.lines().count() >= 9, "only this was validated of {name}:\n{said}");
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

/// The page's block of YAML, without its indentation.
fn yaml_of_the_page(page: &str) -> String {
    let lines = page.lines().map(|line| line.strip_prefix("  ").unwrap_or(line));
    let block = lines.skip_while(|line| *line != "```yaml").skip(1).take_while(|line| *line != "```");
    block.collect::<Vec<_>>().join("\n")
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

/// `make cluster` publishes the API on this machine, where every user may ask it.
pub(crate) fn a_guessed_token_is_refused(world: &mut World) -> Result<()> {
    let url = format!("https://{}:6443/api/v1/namespaces", cluster::ADDRESS);
    let status = |token: &str| {
        let bearer = format!("Authorization: Bearer {token}");
        let quiet = ["--silent", "--insecure", "--noproxy", "*", "--max-time", "20", "--output", "/dev/null"];
        let asked = ["--write-out", "%{http_code}", "--header", &bearer, &url];
        world.cluster.node().run("curl", &[&quiet[..], &asked].concat())
    };
    let access = fs::read_to_string(world.cluster.kubeconfig())?;
    let token = access.split_once("{token: \"").and_then(|(_, rest)| rest.split_once('"')).context("no token")?.0;
    // So that the refusals below are the token's.
    ensure!(status(token)? == "200", "the administrator's own token is refused");
    for guess in ["token-of-admin", "admin", "0"] {
        ensure!(status(guess)? == "401", "{guess} is taken for a token");
    }
    Ok(())
}
