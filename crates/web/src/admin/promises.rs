//! The JSON of promises and alerts.
//!
//! A number never stands without what it is of: counts beside shares, the span that they are over, and up to when it
//! is complete. A promise of whose source nothing is known now is `unknown`, whatever was measured before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// All promises.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SlasAnswer {
    /// One row per promise and instance.
    pub slas: Vec<SlaStatus>,
}

/// What became of a promise. Shares are from 0 to 1, times RFC 3339.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SlaStatus {
    /// Its name.
    pub sla: String,
    /// Whose requests.
    pub service: String,
    /// The source that they are counted from.
    pub source: String,
    /// The route of the instance; empty where routes are not told apart.
    pub route: String,
    /// The method; empty where methods are not told apart.
    pub method: String,
    /// What is promised, in a sentence.
    pub promise: String,
    /// The percentage that must be good.
    pub objective: f64,
    /// `met`, `broken`, `no_requests`, or `unknown` where the source is not read.
    pub state: String,
    /// The start of what is counted of the span that it is promised over: a long one from the start of an hour.
    pub from: String,
    /// Its end: what came later is not in the numbers.
    pub to: Option<String>,
    /// Requests that were good.
    pub good: u64,
    /// Requests that were not.
    pub bad: u64,
    /// The query that finds those.
    pub bad_query: String,
    /// The share that was good; `None` without requests.
    pub good_share: Option<f64>,
    /// What may be bad, and is left.
    pub budget: SlaBudget,
    /// How many times faster than allowed bad requests came, by window; without those that had no requests.
    pub burn_rates: BTreeMap<String, f64>,
    /// The share of the span for which anything is known.
    pub coverage: f64,
    /// What happened on each day of the span, at most 400.
    pub days: Vec<SlaDay>,
}

/// The budget of a promise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SlaBudget {
    /// Requests that may be bad, of those that came.
    pub allowed: f64,
    /// Those that were.
    pub spent: u64,
    /// The share that is left; below 0 where more was spent. `None` without requests.
    pub left_share: Option<f64>,
}

/// What happened on a day, in UTC.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SlaDay {
    /// Its start.
    pub from: String,
    /// Requests that were good.
    pub good: u64,
    /// Requests that were not.
    pub bad: u64,
}

/// All alerts, and what became of those that there were.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AlertsAnswer {
    /// Those that are pending, fire, or were resolved in the last 15 minutes.
    pub alerts: Vec<AlertRow>,
    /// What changed, the youngest first.
    pub history: Vec<AlertChange>,
}

/// An alert. Times are RFC 3339, of events.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AlertRow {
    /// Its number, 16 hexadecimal digits, by which it is known wherever it is told of.
    pub fingerprint: String,
    /// What it is about.
    pub labels: BTreeMap<Box<str>, Box<str>>,
    /// What a person reads.
    pub annotations: BTreeMap<Box<str>, Box<str>>,
    /// `pending`, `firing` or `resolved`.
    pub state: String,
    /// Since when its rule holds.
    pub active_at: String,
    /// Since when it fires.
    pub fired_at: Option<String>,
    /// When it was over.
    pub resolved_at: Option<String>,
    /// What is too much.
    pub bad: u64,
    /// Of how many.
    pub total: u64,
    /// What the rule compares; `None` where it is no number.
    pub value: Option<f64>,
    /// Whether it was found too late for anybody to be told.
    pub is_history: bool,
    /// Why it is as it is, and what comes next.
    pub explanation: String,
    /// The query that finds the events that `bad` counts.
    pub query: String,
    /// Their earliest time.
    pub from: String,
    /// The time before which they are.
    pub to: String,
}

/// A change of an alert.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertChange {
    /// When, by the time of events.
    pub at: String,
    /// The number of the alert, as in its row.
    pub fingerprint: String,
    /// Which alert.
    pub labels: BTreeMap<Box<str>, Box<str>>,
    /// What it was: `inactive`, `pending`, `firing` or `resolved`.
    pub from: String,
    /// What it is.
    pub to: String,
    /// What was too much.
    pub bad: u64,
    /// Of how many.
    pub total: u64,
    /// Whether nobody was told, as it was found too late.
    pub is_history: bool,
}
