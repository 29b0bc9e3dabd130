//! The project's images, built by a Docker Engine that lives as long as that takes, and put into the cluster's registry as they are.

use std::path::Path;

use anyhow::{Context, Result};
use testkit::{Engine, TempDir, artifacts};

use crate::files::REGISTRY;
use crate::machine::Machine;
use crate::say;
use crate::service::{IMAGE, NATIVE_IMAGE, NEXT_IMAGE};

/// The engine's image of the service, and what stands for its next version.
const SERVICE: &str = "order-service:aot";
const NEXT: &str = "order-service:next";
/// The engine's image that holds a pod.
const PAUSE: &str = "cluster-pause";

/// Where the images come from, and where they go.
#[derive(Debug)]
pub struct Images<'machine> {
    engine: Engine,
    machine: &'machine Machine,
}

impl<'machine> Images<'machine> {
    /// An engine beside the machine whose registry is to be filled.
    ///
    /// # Errors
    /// When no engine can be started.
    pub fn open(machine: &'machine Machine) -> Result<Self> {
        Ok(Self { engine: Engine::docker()?, machine })
    }

    /// The service from its Dockerfile under two versions, and the database.
    ///
    /// # Errors
    /// When an image cannot be built, or the registry refuses it.
    pub fn push_service(&self) -> Result<()> {
        say("the service's image and the database's: built (minutes the first time) and put into the registry");
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

    /// The same source as a Linux program.
    ///
    /// # Errors
    /// As for [`Images::push_service`].
    pub fn push_native(&self) -> Result<()> {
        say("the native image: built and put into the registry");
        self.engine.image_script(&["build", "native"])?;
        self.push("order-service:native", NATIVE_IMAGE)
    }

    /// What holds a pod; `programs` is where it was compiled.
    ///
    /// # Errors
    /// As for [`Images::push_service`].
    pub fn push_pause(&self, programs: &Path) -> Result<()> {
        self.build(PAUSE, "pause", programs, &[])?;
        self.push(PAUSE, "pause:1")
    }

    fn build(&self, tag: &str, dockerfile: &str, context: &Path, options: &[&str]) -> Result<()> {
        let dockerfile = format!("tools/cluster/images/{dockerfile}.Dockerfile");
        let context = context.to_string_lossy();
        // OCI's media types: Docker's own have no name for a layer compressed with zstd.
        let output = format!("type=image,oci-mediatypes=true,name={tag}");
        let mut arguments = vec!["build", "--quiet", "--provenance=false", "--output", &output, "--file", &dockerfile];
        arguments.extend(options);
        arguments.push(&context);
        self.engine.docker_cli(&arguments).map(drop)
    }

    /// The engine's `image` becomes `name` in the registry, with the same digest.
    fn push(&self, image: &str, name: &str) -> Result<()> {
        let dir = TempDir::new()?;
        let tar = dir.path().join("image.tar");
        self.engine.save(image, &tar)?;
        let from = format!("oci-archive:{}", tar.display());
        // containerd asks for a name without a host below library/, as it would ask Docker Hub.
        let to = format!("docker://{REGISTRY}/library/{name}");
        let options = ["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", "--preserve-digests"];
        self.machine
            .run("skopeo", &[&options[..], &[&from, &to]].concat())
            .map(drop)
            .with_context(|| format!("{name} is not in the registry"))
    }
}
