//! `make bench-containers`: the service's images on a Docker Engine of its own, wasm under crun beside native.
//!
//! | room | what it measures |
//! |---|---|
//! | `starting` | from `docker run` to the first answers |
//! | `memory` | one replica and ten: control groups and processes |
//! | `group` | where the kernel keeps a container's figures |
//! | `building` | the image from nothing, and after a change of one line |
//! | `site` | the engine, its images, the database, who is compared |

use std::time::Instant;

use anyhow::Result;

use crate::report::Page;
use crate::{Plan, say};

mod building;
mod group;
mod memory;
mod site;
mod starting;

use site::{Contained, Site};

/// All of it, into the page.
pub(crate) fn measure(plan: &Plan) -> Result<()> {
    let start = Instant::now();
    let site = Site::open()?;
    let machine = testkit::machine::describe_with(&site.versions()?)?;
    let mut page = Page::of("make bench-containers");
    page.add(sizes(&site)?);
    page.add(starting::measure(&site, plan)?);
    page.add(memory::measure(&site, plan)?);
    page.add(building::measure(&site, plan)?);
    let how = format!(
        "{} starts of each, and memory {} times, each round in another order by a seeded shuffle",
        plan.starts, plan.looks
    );
    page.finish(&machine, plan, &how, start.elapsed())
}

/// What a registry holds and a node pulls.
fn sizes(site: &Site) -> Result<String> {
    say("sizes of the images");
    let mut text = String::from(
        "### Images\n\nAll blobs of the image as a registry holds them (`scripts/image.sh size aot wasm native`): the layer, compressed with \
         zstd, the configuration and the manifest.\n\n| | MB |\n|---|---:|\n",
    );
    for (name, target) in [("AOT", "aot"), ("`.wasm`, for the interpreter", "wasm"), ("native, static", "native")] {
        text += &format!("| {name} | {:.2} |\n", site.compressed_bytes(target)? / 1e6);
    }
    Ok(text)
}

impl Contained {
    /// What the tables call it.
    fn name(self) -> &'static str {
        match self {
            Self::Aot => "AOT, crun",
            Self::Interpreted => "interpreted, crun",
            Self::NativeCrun => "native, crun",
            Self::NativeRunc => "native, runc",
        }
    }
}
