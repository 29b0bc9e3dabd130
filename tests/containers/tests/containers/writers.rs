//! Clients that write without a pause, and remember what was acknowledged.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{Scope, ScopedJoinHandle};

use serde_json::Value;

use crate::support::agent;

const COUNT: usize = 4;

/// What they share.
#[derive(Default)]
pub(crate) struct Writers {
    stop: AtomicBool,
    acknowledged: AtomicUsize,
}

/// What one of them has seen.
pub(crate) struct Written {
    /// The orders that were acknowledged.
    pub(crate) ids: Vec<u64>,
    /// What ended it, where it was not told to stop.
    pub(crate) error: Option<String>,
}

impl Writers {
    /// Starts them; each writes until told to stop, or until something is not acknowledged.
    pub(crate) fn start<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        orders: &'scope str,
    ) -> Vec<ScopedJoinHandle<'scope, Written>> {
        (0..COUNT).map(|_| scope.spawn(move || self.write(orders))).collect()
    }

    /// How many orders were acknowledged so far.
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Tells them to stop.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    fn write(&self, orders: &str) -> Written {
        let (agent, mut ids) = (agent(), Vec::new());
        while !self.stop.load(Ordering::Relaxed) {
            match create(&agent, orders) {
                Ok(id) => ids.push(id),
                Err(error) => return Written { ids, error: Some(error) },
            }
            self.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
        Written { ids, error: None }
    }
}

/// Creates one order, with an answer that is whole and right: its id.
fn create(agent: &ureq::Agent, orders: &str) -> Result<u64, String> {
    let order = r#"{"product_id":7,"quantity":1,"amount":19.99,"shipping":0,"tax":1.6,"shipping_address":"1 Quay"}"#;
    let said = |error: ureq::Error| error.to_string();
    let mut reply = agent.post(orders).header("Content-Type", "application/json").send(order).map_err(said)?;
    let body = reply.body_mut().read_to_string().map_err(said)?;
    let parsed: Value = serde_json::from_str(&body).unwrap_or_default();
    let id = parsed["order_id"].as_u64().filter(|_| reply.status() == 201);
    id.ok_or_else(|| format!("{}: {body}", reply.status()))
}
