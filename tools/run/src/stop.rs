//! The wish to stop: Ctrl-C, `kill`, a terminal that goes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// Set by SIGINT, SIGTERM and SIGHUP. A second Ctrl-C ends this process at once; the kernel then ends its children.
#[derive(Debug)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(crate) fn on_signals() -> Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        // Before the others: the first Ctrl-C finds the flag down, and only raises it. Not for the other two, which may come
        // twice without anybody's impatience, once to the process group and once from make.
        flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&asked))?;
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register(signal, Arc::clone(&asked))?;
        }
        Ok(Self(asked))
    }

    pub(crate) fn asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
