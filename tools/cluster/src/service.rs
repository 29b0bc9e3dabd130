//! The order service on the cluster: its images, a volume for its database, an overlay.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::artifacts;
use testkit::engine::run;

use crate::images::ImageBuilder;
use crate::{Cluster, progress};

/// Applies the overlay for crun, from the repository's root.
pub const APPLY: &str =
    "kubectl apply -f deploy/kubernetes/namespace.yaml && kubectl apply -k deploy/kubernetes/overlays/crun";

/// The overlays' image.
pub const IMAGE: &str = "order-service:0.2.0";
/// The same module under another digest: a stand-in for the next version.
pub const NEXT_IMAGE: &str = "order-service:0.2.1";
/// The image of the overlay `native`.
pub const NATIVE_IMAGE: &str = "order-service:0.2.0-native";

impl Cluster {
    /// Builds the images of the service, the database and the pods' infrastructure container and pushes them.
    ///
    /// # Errors
    /// When the engine does not start, a build fails, or the registry rejects an image.
    pub fn push_images(&self) -> Result<()> {
        let images = ImageBuilder::start(self.node())?;
        images.push_pause(&self.programs)?;
        images.push_service()
    }

    /// Runs a shell command that applies the manifests, in the repository's root, and waits until the service and its
    /// database are ready.
    ///
    /// # Errors
    /// When the command fails, or the service is not ready within four minutes.
    pub fn deploy(&self, command: &str) -> Result<()> {
        self.create_volume("orders")?;
        progress(command);
        let mut shell = self.node().command("env");
        shell.arg(format!("--chdir={}", artifacts::root().display()));
        shell.arg(format!("KUBECONFIG={}", self.kubeconfig().display())).args(["sh", "-c", command]);
        run(&mut shell)?;
        self.wait_for_rollout("statefulset/mariadb", Duration::from_secs(120))?;
        self.wait_for_rollout("deployment/order-service", Duration::from_secs(120))?;
        progress("the service is ready");
        Ok(())
    }

    /// The cluster address of the Service.
    ///
    /// # Errors
    /// When there is no Service.
    pub fn service_address(&self) -> Result<SocketAddr> {
        let ip = self.kubectl(&["get", "service", "order-service", "--output=jsonpath={.spec.clusterIP}"])?;
        let ip: IpAddr = ip.parse().with_context(|| format!("not an address: {ip:?}"))?;
        Ok(SocketAddr::new(ip, 80))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::fs;

    use super::*;

    #[test]
    fn the_overlays_use_the_image_of_this_version() {
        let manifest = fs::read_to_string(artifacts::root().join("Cargo.toml")).unwrap();
        let version = manifest.lines().find_map(|line| line.strip_prefix("version = ")).unwrap();
        assert_eq!(IMAGE, format!("order-service:{}", version.trim_matches('"')));
        let base = artifacts::root().join("deploy/kubernetes/base/kustomization.yaml");
        let label = format!("app.kubernetes.io/version: {}\n", version.trim_matches('"'));
        assert!(fs::read_to_string(base).unwrap().contains(&label), "the base lacks {label}");
        for (overlay, image) in [("crun", IMAGE), ("shim", IMAGE), ("native", NATIVE_IMAGE), ("own-database", IMAGE)] {
            let text = fs::read_to_string(crate::overlay(overlay).join("kustomization.yaml")).unwrap();
            let tag = text.lines().find_map(|line| line.trim().strip_prefix("newTag: ")).unwrap();
            assert_eq!(image, format!("order-service:{tag}"), "{overlay}");
        }
    }
}
