//! The order service on the cluster: its images, a volume for its database, an overlay.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::artifacts;

use crate::images::Images;
use crate::machine::output_of;
use crate::{Cluster, say};

/// The image that the overlays name.
pub const IMAGE: &str = "order-service:0.1.0";
/// The same module under another digest, as the next version would be.
pub const NEXT_IMAGE: &str = "order-service:0.1.1";
/// The image that the overlay `native` names.
pub const NATIVE_IMAGE: &str = "order-service:0.1.0-native";

impl Cluster {
    /// Puts the service's images, its database's and what holds pods into the registry, built by the project's Dockerfile.
    ///
    /// # Errors
    /// When no engine can be started for it, something does not build, or the registry refuses it.
    pub fn push_images(&self) -> Result<()> {
        let images = Images::open(self.machine())?;
        images.push_pause(&self.programs)?;
        images.push_service()
    }

    /// Runs `command`, which applies the service, as a user types it in the repository's root, and waits until the service and
    /// its database are ready.
    ///
    /// # Errors
    /// When it fails, or they are not ready within some minutes.
    pub fn deploy(&self, command: &str) -> Result<()> {
        self.offer_volume("orders")?;
        say(command);
        let mut shell = self.machine().command("env");
        shell.arg(format!("--chdir={}", artifacts::root().display()));
        shell.arg(format!("KUBECONFIG={}", self.kubeconfig().display())).args(["sh", "-c", command]);
        output_of(&mut shell)?;
        self.wait_for_rollout("statefulset/mariadb", Duration::from_secs(120))?;
        self.wait_for_rollout("deployment/order-service", Duration::from_secs(120))?;
        say("the service is ready");
        Ok(())
    }

    /// The address of the service's Service.
    ///
    /// # Errors
    /// When it is not there.
    pub fn service_address(&self) -> Result<SocketAddr> {
        let ip = self.kubectl(&["get", "service", "order-service", "--output=jsonpath={.spec.clusterIP}"])?;
        let ip: IpAddr = ip.parse().with_context(|| format!("not an address: {ip:?}"))?;
        Ok(SocketAddr::new(ip, 80))
    }
}
