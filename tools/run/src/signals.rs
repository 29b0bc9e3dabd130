//! The signals that stop `make run`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// Set by SIGINT, SIGTERM and SIGHUP. A second Ctrl-C ends this process at once; the kernel then kills its children.
#[derive(Debug)]
pub(crate) struct StopSignal(Arc<AtomicBool>);

impl StopSignal {
    pub(crate) fn register() -> Result<Self> {
        let received = Arc::new(AtomicBool::new(false));
        // Registered first: handlers run in this order, so the first Ctrl-C finds the flag unset and only sets it.
        // SIGTERM and SIGHUP are excluded: one stop may deliver them twice, to the process group and once more by make.
        flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&received))?;
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register(signal, Arc::clone(&received))?;
        }
        Ok(Self(received))
    }

    pub(crate) fn received(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
