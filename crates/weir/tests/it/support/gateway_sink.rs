//! A push gateway that only notes what comes, with keys or without an eye for them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::listener::{Received, Reply, listen};
use super::metrics;

/// A gateway that a test looks into.
pub struct GatewaySink {
    /// Where it listens, `127.0.0.1:<port>`.
    pub address: String,
    pushes: Arc<Mutex<Vec<Received>>>,
}

impl GatewaySink {
    /// A gateway that answers the push with this number (from 0) with this status; `None` cuts the connection.
    pub fn answering(status: impl Fn(usize) -> Option<u16> + Send + Sync + 'static) -> Self {
        let pushes: Arc<Mutex<Vec<Received>>> = Arc::default();
        let noted = Arc::clone(&pushes);
        let address = listen(move |received| {
            let number = {
                let mut noted = noted.lock().unwrap();
                noted.push(received);
                noted.len() - 1
            };
            status(number).map(|status| Reply::of(status, "as the test says"))
        });
        Self { address, pushes }
    }

    /// A gateway that takes everything.
    pub fn new() -> Self {
        Self::answering(|_| Some(202))
    }

    /// What came, in its order.
    pub fn pushes(&self) -> Vec<Received> {
        self.pushes.lock().unwrap().clone()
    }

    /// The sum of a metric over the last push of each key: what a gateway has that knows keys.
    pub fn sum_by_key(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let pushes = self.pushes();
        let by_key: BTreeMap<_, _> =
            pushes.iter().map(|push| (push.header("x-idempotency-key"), push.text())).collect();
        by_key.values().map(|text| metrics::sum(text, name, labels)).sum()
    }
}
