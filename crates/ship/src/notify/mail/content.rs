//! What a mail says of one alert, beyond its labels and annotations.
//!
//! Whoever evaluates fills it from the minutes and the records that the alert counted, so that each number in the
//! mail is one that a search finds again. What is not known is left empty, and the mail says nothing of it.

use std::time::Duration;

use weir_record::Timestamp;

/// The annotation with the page of the bad events, for programs; a mail has its own.
pub const LINK: &str = "weir_link";

/// The annotation with the command that finds them.
pub const SEARCH: &str = "weir_search";

/// The annotation with the worst that was measured.
pub const WORST: &str = "weir_worst";

/// What is known of an alert when a mail about it is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MailContent {
    /// What was promised: `95 % within 0.4 s over 5m`.
    pub promise: String,
    /// What was measured.
    pub measured: Option<Measured>,
    /// The same in the time before it began.
    pub before: Option<Measured>,
    /// Since when its rule holds, in event time; where it is not known, the alert's own start stands for it.
    pub since: Option<Timestamp>,
    /// Where the time between the first bad event and finding it went, in its order.
    pub delays: Vec<Delay>,
    /// When it was found.
    pub found_at: Option<Timestamp>,
    /// What is left of the budget.
    pub budget: Option<Budget>,
    /// Who and what was hit: top routes, statuses, users, upstreams.
    pub shares: Vec<ShareTable>,
    /// The slowest lines.
    pub slowest: Vec<SlowLine>,
    /// The page with exactly the bad events.
    pub link: String,
    /// The query that finds them, and the span.
    pub search_command: String,
    /// The same for all events among which they were counted; empty where those are the same.
    pub search_command_of_all: String,
    /// Only of what is resolved: how it was.
    pub resolution: Option<Resolution>,
    /// What else a reader should know: how complete the data is, what was not kept.
    pub notes: Vec<String>,
}

/// What was measured, with counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// Events that broke the promise.
    pub bad: u64,
    /// All events of the span; `None` where only bad ones are counted.
    pub total: Option<u64>,
    /// Percentiles of the time, in seconds, by their names: `p95`.
    pub percentiles: Vec<(String, f64)>,
    /// The start of the span.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

/// A part of the delay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delay {
    /// Where it went: `log delivery`.
    pub name: String,
    /// How long.
    pub duration: Duration,
}

/// An error budget.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Budget {
    /// What is left, as a share of all; below 0 where it is overspent.
    pub left: f64,
    /// Of which period: `30d`.
    pub period: String,
}

/// Values of a field by their share of the bad events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareTable {
    /// The field: `route`.
    pub field: String,
    /// The values, worst first.
    pub rows: Vec<Share>,
}

/// A value's share of the bad events, against its share of all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Share {
    /// The value.
    pub value: String,
    /// Bad events with it.
    pub bad: u64,
    /// All events with it.
    pub total: u64,
    /// Its share of the bad events.
    pub of_bad: f64,
    /// Its share of all events; `None` where only bad ones are counted.
    pub of_all: Option<f64>,
}

/// A line that took long; or, where no line says how long, one of the last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SlowLine {
    /// When.
    pub at: Timestamp,
    /// How long, in seconds.
    pub seconds: Option<f64>,
    /// What it says.
    pub text: String,
    /// The id of its request, by which its story is found; it is nobody's data and stays whole.
    pub id: String,
}

/// How an alert was that is over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resolution {
    /// The value now, as a share or in its unit.
    pub value_now: String,
    /// The worst one.
    pub worst: String,
    /// From the start to the end, in event time.
    pub duration: Duration,
    /// What of the budget it cost, as a share of all.
    pub budget_spent: Option<f64>,
}
