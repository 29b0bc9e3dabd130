//! components/tokens: callers need a token, and the kubelet for `/drain`.

use std::fs;

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, progress};
use testkit::artifacts;
use testkit::engine::run;

use crate::context::TestContext;
use crate::manifests::overlay_with;
use crate::rollout::{failed_drains, finish_rollout};

/// With an operator's token nobody without it can drain a pod, and a rolling restart under load fails no request.
pub(crate) fn drain_with_token(context: &mut TestContext) -> Result<()> {
    context.deploy("crun")?;
    let (shop, operations) = create_secret(&context.cluster)?;
    let copy = context.copy_manifests("with-tokens")?;
    let directory = copy.join("overlays/tokens");
    fs::create_dir(&directory)?;
    let patch = documented_patch()?.replace("TOKEN", &operations);
    fs::write(directory.join("kustomization.yaml"), overlay_with("tokens") + &patch)?;
    context.cluster.apply(&directory)?;
    context.wait_for_rollout()?;
    let before = context.wait_for_pods(2)?;
    for pod in &before {
        for path in ["/drain", "/health", "/ready"] {
            let (status, expected) = (context.admin_status(pod, path)?, if path == "/drain" { 401 } else { 200 });
            ensure!(status == expected, "{path} without a token is {status}");
        }
    }
    let status =
        context.curl(&["--output", "/dev/null", "--write-out", "%{http_code}", "http://order-service/orders"])?;
    ensure!(status == "401", "the orders without a token are {status}");

    let drains = failed_drains(context)?;
    let load = context.start_load_with(4, Some(&shop))?;
    context.cluster.kubectl(&["rollout", "restart", "deployment/order-service"])?;
    let (_, successes) = finish_rollout(context, &before, load)?;
    ensure!(failed_drains(context)? == drains, "a pod did not accept the drain request");
    progress(&format!("{successes} requests, 0 failed"));
    context.deploy("crun")?;
    context.cluster.kubectl(&["delete", "secret", "order-service-tokens"]).map(drop)
}

/// The Secret with the tokens of a shop and of the operators, made as the component says. Returns the tokens.
fn create_secret(cluster: &Cluster) -> Result<(String, String)> {
    let file = cluster.dir().join("tokens.txt").display().to_string();
    let script = artifacts::root().join("scripts/new-token.sh").display().to_string();
    let token = |name: &str, scopes: &str| {
        let token = run(cluster.node().command("sh").args([&script, name, scopes, &file]))?;
        anyhow::Ok(token.trim().to_owned())
    };
    let tokens = (token("shop", "read,write")?, token("operations", "operator")?);
    let from_file = format!("--from-file=tokens={file}");
    cluster.kubectl(&["create", "secret", "generic", "order-service-tokens", &from_file])?;
    Ok(tokens)
}

/// The patch in the component's comment, which gives the kubelet the token.
fn documented_patch() -> Result<String> {
    let path = artifacts::root().join("deploy/kubernetes/components/tokens/kustomization.yaml");
    let text = fs::read_to_string(path)?;
    let (_, rest) = text.split_once("#   patches:\n").context("the component's comment has no patch")?;
    let lines = rest.lines().map_while(|line| line.strip_prefix("#   "));
    Ok(format!("patches:\n{}\n", lines.collect::<Vec<_>>().join("\n")))
}
