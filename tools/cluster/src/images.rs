//! The project's images: a private Docker Engine builds them, `skopeo` copies them to the cluster's registry.

use std::path::Path;

use anyhow::{Context, Result};
use testkit::{Engine, Sandbox, TempDir, artifacts};

use crate::config::REGISTRY;
use crate::progress;
use crate::service::{IMAGE, NATIVE_IMAGE, NEXT_IMAGE};

/// The engine's image of the service, and its stand-in for the next version.
const SERVICE: &str = "order-service:aot";
const NEXT: &str = "order-service:next";
/// The engine's image of the pods' infrastructure container.
const PAUSE: &str = "cluster-pause";

/// An image builder for a cluster's registry.
#[derive(Debug)]
pub struct ImageBuilder<'node> {
    engine: Engine,
    node: &'node Sandbox,
}

impl<'node> ImageBuilder<'node> {
    /// Starts an engine for the registry on `node`.
    ///
    /// # Errors
    /// When the engine does not start.
    pub fn start(node: &'node Sandbox) -> Result<Self> {
        Ok(Self { engine: Engine::docker()?, node })
    }

    /// Builds and pushes the service in two versions, and the database.
    ///
    /// # Errors
    /// When a build fails or the registry rejects an image.
    pub fn push_service(&self) -> Result<()> {
        progress("building and pushing the images of the service and the database (minutes the first time)");
        self.engine.image_script(&["build", "aot"])?;
        self.build(
            NEXT,
            "next",
            artifacts::root().join("tools/cluster/images").as_path(),
            &["--platform", "wasi/wasm"],
        )?;
        self.engine.image_script(&["helper", "mariadb"])?;
        self.push(SERVICE, IMAGE)?;
        self.push(NEXT, NEXT_IMAGE)?;
        self.push("orders-mariadb", "mariadb:11.8")
    }

    /// Builds and pushes the native image of the service.
    ///
    /// # Errors
    /// As for [`ImageBuilder::push_service`].
    pub fn push_native(&self) -> Result<()> {
        progress("building and pushing the native image");
        self.engine.image_script(&["build", "native"])?;
        self.push("order-service:native", NATIVE_IMAGE)
    }

    /// Builds and pushes the image of the pods' infrastructure container, compiled in `programs`.
    ///
    /// # Errors
    /// As for [`ImageBuilder::push_service`].
    pub fn push_pause(&self, programs: &Path) -> Result<()> {
        self.build(PAUSE, "pause", programs, &[])?;
        self.push(PAUSE, "pause:1")
    }

    fn build(&self, tag: &str, dockerfile: &str, context: &Path, options: &[&str]) -> Result<()> {
        let dockerfile = format!("tools/cluster/images/{dockerfile}.Dockerfile");
        let context = context.to_string_lossy();
        // Docker's own media types have no name for a layer compressed with zstd.
        let output = format!("type=image,oci-mediatypes=true,name={tag}");
        let mut arguments = vec!["build", "--quiet", "--provenance=false", "--output", &output, "--file", &dockerfile];
        arguments.extend(options);
        arguments.push(&context);
        self.engine.docker_cli(&arguments).map(drop)
    }

    /// Copies the engine's `image` to the registry as `name`, with the same digest.
    fn push(&self, image: &str, name: &str) -> Result<()> {
        let dir = TempDir::new()?;
        let tar = dir.path().join("image.tar");
        self.engine.save(image, &tar)?;
        let from = format!("oci-archive:{}", tar.display());
        // containerd requests a name without a host below library/, as from Docker Hub.
        let to = format!("docker://{REGISTRY}/library/{name}");
        let options = ["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", "--preserve-digests"];
        self.node
            .run("skopeo", &[&options[..], &[&from, &to]].concat())
            .map(drop)
            .with_context(|| format!("cannot push {name}"))
    }
}
