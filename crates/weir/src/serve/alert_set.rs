//! The alerts that fire or have just been resolved, from who finds them to who tells people.
//!
//! The finder starts first and the teller needs what the finder is part of, so they meet here: the teller gets the
//! whole set when it comes, and then whenever it has changed.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use weir_alert::Alert;

/// Is told the whole set of alerts whenever it has changed: those that fire, and those that were resolved in the last
/// minutes. One that is not in it any more is over.
pub type AlertsFn = dyn Fn(Vec<Alert>) + Send + Sync;

/// The alerts that there are, and who is told of them.
#[derive(Default)]
pub struct AlertSet {
    alerts: Mutex<Vec<Alert>>,
    tell: OnceLock<Arc<AlertsFn>>,
}

impl AlertSet {
    /// Changes the set, and tells of it.
    pub fn set(&self, alerts: Vec<Alert>) {
        alerts.clone_into(&mut self.alerts.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(tell) = self.tell.get() {
            tell(alerts);
        }
    }

    /// All that there are.
    pub fn alerts(&self) -> Vec<Alert> {
        self.alerts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says who is told; only the first is.
    pub fn tell_with(&self, tell: Arc<AlertsFn>) {
        let _ = self.tell.set(tell);
        let alerts = self.alerts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(tell) = self.tell.get() {
            tell(alerts);
        }
    }
}

/// Says in the log how many fire, where there are any.
pub fn log(alerts: &[Alert]) {
    if alerts.is_empty() {
        return;
    }
    let firing = alerts.iter().filter(|alert| alert.ends_at.is_none()).count();
    tracing::info!(firing, resolved = alerts.len() - firing, "alerts have changed");
}
