//! `alerting`: what holds for all alerts.

use std::time::Duration;

use super::error::ConfigError;
use super::keys;
use super::reader::Field;

/// An hour is the time within which somebody could still act; a year tells everything.
const MAX_AGE_RANGE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(365 * 24 * 3600));

/// What holds for all alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alerting {
    /// An alert that is found later than this after it began to fire is history, which nobody is told.
    pub max_age: Duration,
}

impl Default for Alerting {
    fn default() -> Self {
        Self { max_age: Duration::from_secs(3600) }
    }
}

/// Reads the section.
pub fn read(field: Field, errors: &mut Vec<ConfigError>) -> Alerting {
    let default = Alerting::default();
    let Some(fields) = field.fields(&keys::ALERTING, errors) else { return default };
    let max_age = fields.get("max_age").and_then(|field| field.duration("1h", MAX_AGE_RANGE, errors));
    Alerting { max_age: max_age.unwrap_or(default.max_age) }
}
