//! The order service on the cluster: its images, a volume for its database, an overlay.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use testbed::{aot, artifacts};

use crate::{Cluster, images, overlay, say};

/// The image that the overlays name.
pub const IMAGE: &str = "order-service:0.1.0";
/// The same module under another digest, as the next version would be.
pub const NEXT_IMAGE: &str = "order-service:0.1.1";

impl Cluster {
    /// Puts the service, compiled for this processor, and its database into the registry.
    ///
    /// # Errors
    /// When something is not built, or the registry refuses it.
    pub fn push_images(&self) -> Result<()> {
        say("putting the images into the registry");
        let module = aot::compiled(&artifacts::wasm()?)?;
        images::push_wasm(self.machine(), &module, IMAGE, "0.1.0")?;
        images::push_wasm(self.machine(), &module, NEXT_IMAGE, "0.1.1")?;
        images::push_mariadb(self.machine(), "mariadb:11.8")
    }

    /// Applies overlay `crun` and waits until the service and its database are ready.
    ///
    /// # Errors
    /// When they are not within some minutes.
    pub fn deploy(&self) -> Result<()> {
        self.offer_volume("orders")?;
        say("kubectl apply -k deploy/kubernetes/overlays/crun");
        self.apply(&overlay("crun"))?;
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
