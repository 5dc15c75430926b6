//! A rule: when an alert holds for an instance, judged from counts by minute.
//!
//! All kinds of alert end here, and here alone is decided whether one holds at a moment; what becomes of that over
//! time is the evaluator's. A rule for Prometheus says the same in its words.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::alert::Labels;
use crate::minute_counts::{Events, MinuteCounts};
use crate::share::Share;
use crate::sla::Selector;

/// When an alert holds, and what it says then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Labels of all its alerts, `alertname` among them.
    pub labels: Labels,
    /// What its alerts say, as templates.
    pub annotations: Labels,
    /// When it holds.
    pub condition: Condition,
    /// How long it must hold before it fires.
    pub hold: Duration,
    /// How long it fires beyond that.
    pub keep_firing_for: Duration,
    /// For which instances.
    pub scope: RuleScope,
}

/// The instances that a rule is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleScope {
    /// These; `None` means all.
    pub only: Option<Selector>,
    /// But not these.
    pub except: Vec<Selector>,
}

/// When an alert holds. Windows are whole minutes and end at the moment that is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// More than a share is bad, in one of these pairs of windows.
    Share {
        /// The pairs.
        pairs: Vec<SharePair>,
        /// What holds while too few events come.
        no_traffic: NoTraffic,
    },
    /// More than so many events.
    Above {
        /// The window.
        window: i64,
        /// That many are still right.
        above: u64,
    },
    /// Many times as many events as before.
    Spike {
        /// The window.
        window: i64,
        /// The window before it that is the measure.
        reference: i64,
        /// How many times as many, in millionths.
        height_micros: u64,
        /// The fewest events in the window.
        min_events: u64,
    },
    /// Fewer than so many events.
    Silent {
        /// The window.
        window: i64,
        /// That many are right.
        below: u64,
    },
    /// The instance was never seen before.
    New {
        /// How long it counts as new.
        window: i64,
        /// How long everything is new, because nothing was watched before.
        learning: i64,
    },
}

/// Two windows, and the share of bad events that is too much in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharePair {
    /// The window that decides.
    pub long: i64,
    /// The window that says whether it still goes on.
    pub short: Option<i64>,
    /// The share.
    pub share: Share,
    /// The fewest events in the long window that say something.
    pub events_min: u64,
}

/// What becomes of an alert while too few events come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoTraffic {
    /// It is resolved, as Prometheus does.
    #[default]
    Resolve,
    /// It stays as it is.
    Keep,
    /// It holds, once there are none at all.
    Alert,
}

/// What was measured when a rule was judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// What is too many.
    pub bad: u64,
    /// Of how many.
    pub total: u64,
    /// How `value` comes of them.
    pub kind: MeasuredKind,
    /// When: the minute before whose start all of that happened.
    pub at: i64,
    /// In how many minutes before that it happened.
    pub window: i64,
}

/// How a value comes of two counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MeasuredKind {
    /// A share.
    #[default]
    Share,
    /// The count itself.
    Count,
    /// So many times as many, in millionths of events: `total` is scaled.
    Times,
}

impl Measured {
    const fn share(events: Events, window: i64, at: i64) -> Self {
        Self { bad: events.bad, total: events.total(), kind: MeasuredKind::Share, at, window }
    }

    const fn count(bad: u64, window: i64, at: i64) -> Self {
        Self { bad, total: bad, kind: MeasuredKind::Count, at, window }
    }

    /// The value, as a rule of Prometheus would have it.
    pub fn value(self) -> f64 {
        match self.kind {
            MeasuredKind::Share => self.bad as f64 / self.total as f64,
            MeasuredKind::Count => self.bad as f64,
            MeasuredKind::Times => self.bad as f64 / (self.total as f64 / 1e6),
        }
    }
}

impl RuleScope {
    /// Whether an instance is in it.
    pub fn contains(&self, instance: &Labels) -> bool {
        self.only.as_ref().is_none_or(|only| only.matches_labels(instance))
            && !self.except.iter().any(|except| except.matches_labels(instance))
    }
}

impl Rule {
    /// The name of its alerts.
    pub fn name(&self) -> &str {
        self.labels.get("alertname").map_or("", |name| name)
    }

    /// The longest window that it looks back, in minutes.
    pub fn lookback(&self) -> i64 {
        match &self.condition {
            Condition::Share { pairs, .. } => pairs.iter().map(|pair| pair.long).max().unwrap_or(0),
            Condition::Above { window, .. }
            | Condition::Silent { window, .. }
            | Condition::New { window, .. } => *window,
            Condition::Spike { window, reference, .. } => window + reference,
        }
    }

    /// The window that must be full of bad events before it is sure to hold, in minutes; the shortest, if there are
    /// several.
    pub fn window(&self) -> i64 {
        match &self.condition {
            Condition::Share { pairs, .. } => {
                pairs.iter().map(|pair| pair.short.unwrap_or(pair.long)).min().unwrap_or(0)
            }
            Condition::New { .. } => 1,
            Condition::Above { window, .. }
            | Condition::Spike { window, .. }
            | Condition::Silent { window, .. } => *window,
        }
    }
}

/// What a condition may know beside the counts.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The minute that begins at the moment that is judged: windows end before it.
    pub at: i64,
    /// Since when events are counted.
    pub since: i64,
    /// Whether the alert was pending or firing before.
    pub was_active: bool,
    /// The first minute in which the instance was ever seen.
    pub first_seen: Option<i64>,
}

impl Condition {
    /// What was measured where it holds.
    pub fn judge(&self, counts: &MinuteCounts, moment: Moment) -> Option<Measured> {
        let at = moment.at;
        let last = |window: i64| counts.sum(at - window, at);
        match self {
            Self::Share { pairs, no_traffic } => judge_shares(pairs, *no_traffic, last, moment),
            Self::Above { window, above } => {
                let events = last(*window).bad;
                (events > *above).then_some(Measured::count(events, *window, at))
            }
            Self::Spike { window, reference, height_micros, min_events } => {
                if at - window - reference < moment.since {
                    return None;
                }
                let now = last(*window).bad;
                let before = counts.sum(at - window - reference, at - window).bad;
                // now / window > height * before / reference, in whole numbers.
                let left = u128::from(now) * u128::from(reference.unsigned_abs()) * 1_000_000;
                let usual = u128::from(before) * u128::from(window.unsigned_abs());
                let is_spike = left > usual * u128::from(*height_micros);
                let scaled = usual * 1_000_000 / u128::from(reference.unsigned_abs().max(1));
                let total = u64::try_from(scaled).unwrap_or(u64::MAX);
                (now >= *min_events && is_spike).then_some(Measured {
                    bad: now,
                    total,
                    kind: MeasuredKind::Times,
                    at,
                    window: *window,
                })
            }
            Self::Silent { window, below } => {
                let events = last(*window).total();
                (at - window >= moment.since && events < *below)
                    .then_some(Measured::count(events, *window, at))
            }
            Self::New { window, learning } => {
                let first = moment.first_seen?;
                let is_new = first >= at - window && first < at && first >= moment.since + learning;
                is_new.then(|| Measured::count(last(*window).bad, *window, at))
            }
        }
    }
}

fn judge_shares(
    pairs: &[SharePair],
    no_traffic: NoTraffic,
    last: impl Fn(i64) -> Events,
    moment: Moment,
) -> Option<Measured> {
    let mut most = Measured::default();
    let mut has_enough = false;
    for pair in pairs {
        let long = last(pair.long);
        let measured = Measured::share(long, pair.long, moment.at);
        let is_enough = long.total() >= pair.events_min;
        has_enough |= is_enough;
        if measured.total >= most.total {
            most = measured;
        }
        let is_too_much = |events: Events| pair.share.is_exceeded_by(events.bad, events.total());
        if is_enough && is_too_much(long) && pair.short.is_none_or(|short| is_too_much(last(short))) {
            return Some(measured);
        }
    }
    let holds = match no_traffic {
        NoTraffic::Resolve => false,
        NoTraffic::Keep => moment.was_active && !has_enough,
        NoTraffic::Alert => most.total == 0,
    };
    holds.then_some(most)
}
