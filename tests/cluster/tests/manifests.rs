//! The API server's validation of the manifests.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::context::TestContext;

/// The namespace enforces `restricted`. For a workload whose pods it would reject, the API server only warns; here
/// warnings are errors.
pub(crate) fn every_overlay_is_valid(context: &mut TestContext) -> Result<()> {
    let copy = context.copy_manifests("validated")?;
    // No overlay has these components; a user may add them.
    for component in ["ingress", "backup", "tokens", "collector"] {
        let directory = copy.join("overlays").join(component);
        fs::create_dir(&directory)?;
        fs::write(directory.join("kustomization.yaml"), overlay_with(component))?;
    }
    // README.md's example with the user's own database.
    let own = copy.join("overlays/own");
    fs::create_dir(&own)?;
    fs::write(own.join("kustomization.yaml"), yaml_block(&fs::read_to_string(copy.join("README.md"))?))?;
    fs::write(own.join("database-url.txt"), "mysql://user:password@db.example.com:3306/orders")?;
    for name in ["crun", "shim", "native", "own-database", "ingress", "backup", "tokens", "collector", "own"] {
        let directory = copy.join("overlays").join(name).display().to_string();
        let output = context.cluster.kubectl(&[
            "apply",
            "--dry-run=server",
            "--validate=strict",
            "--warnings-as-errors",
            "-k",
            &directory,
        ])?;
        ensure!(output.lines().count() >= 8, "of {name}, only these objects were validated:\n{output}");
    }
    let label = [
        "get",
        "namespace",
        "order-service",
        "--output=jsonpath={.metadata.labels.pod-security\\.kubernetes\\.io/enforce}",
    ];
    ensure!(context.cluster.kubectl(&label)? == "restricted", "the namespace enforces nothing");
    Ok(())
}

/// An overlay of crun's and one more component.
pub(crate) fn overlay_with(component: &str) -> String {
    format!("resources: [../crun]\ncomponents: [../../components/{component}]\nnamespace: order-service\n")
}

/// The page's YAML block, without its indentation.
fn yaml_block(page: &str) -> String {
    let lines = page.lines().map(|line| line.strip_prefix("  ").unwrap_or(line));
    let block = lines.skip_while(|line| *line != "```yaml").skip(1).take_while(|line| *line != "```");
    block.collect::<Vec<_>>().join("\n")
}

/// Shows that the validation above can fail.
pub(crate) fn an_unrestricted_pod_is_rejected(context: &mut TestContext) -> Result<()> {
    let manifest =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: unrestricted}\nspec: {containers: [{name: main, image: none}]}\n";
    let path = context.cluster.dir().join("unrestricted.yaml");
    fs::write(&path, manifest)?;
    let result = context.cluster.kubectl(&["apply", "--dry-run=server", "-f", &path.to_string_lossy()]);
    let reason = result.err().map(|error| error.to_string()).unwrap_or_default();
    ensure!(reason.contains("violates PodSecurity \"restricted"), "not rejected for that reason: {reason}");
    Ok(())
}

/// `make cluster` publishes the API on this machine, where every user reaches it.
pub(crate) fn a_guessed_token_is_rejected(context: &mut TestContext) -> Result<()> {
    let url = format!("https://{}:6443/api/v1/namespaces", cluster::ADDRESS);
    let status = |token: &str| {
        let bearer = format!("Authorization: Bearer {token}");
        let quiet = ["--silent", "--insecure", "--noproxy", "*", "--max-time", "20", "--output", "/dev/null"];
        let request = ["--write-out", "%{http_code}", "--header", &bearer, &url];
        context.cluster.node().run("curl", &[&quiet[..], &request].concat())
    };
    let kubeconfig = fs::read_to_string(context.cluster.kubeconfig())?;
    let token = kubeconfig.split_once("{token: \"").and_then(|(_, rest)| rest.split_once('"')).context("no token")?.0;
    // Shows that the rejections below are about the token.
    ensure!(status(token)? == "200", "the administrator's token is rejected");
    for guess in ["token-of-admin", "admin", "0"] {
        ensure!(status(guess)? == "401", "the token {guess} is accepted");
    }
    Ok(())
}
