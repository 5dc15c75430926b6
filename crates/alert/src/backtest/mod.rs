//! What alerts there would have been: the evaluator and the dispatcher over history.
//!
//! They are the very ones that run live, so that a backtest of a day says what the live run of that day did; here is
//! only how history is handed to them in its order, and what is kept of what they say. Counts come minute by
//! minute and are forgotten behind the longest window, so a year costs time and no memory.
//!
//! Reading order: `Backtest` here, then `mails`, `difference`, `suggestion`.

mod difference;
mod mails;
mod suggestion;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::alert::{Alert, Labels};
use crate::evaluator::{ActiveAlert, AlertState, Change, Evaluator, Progress, RuleOfIndicator};
use crate::minute_counts::Events;
use crate::rule::Measured;
pub use difference::{Difference, difference};
pub use mails::{LOOKS_MAX, Mails, Message, Sender, mails};
pub use suggestion::strictest;

/// Changes that are kept: a hundred alerts that come and go every ten minutes for a month.
pub const CHANGES_MAX: usize = 1_000_000;

/// How often minutes are forgotten, in minutes.
const FORGET_INTERVAL: i64 = 60;

/// Over what is judged. Times are minutes since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first moment that is judged: some time before `from`, so that the states at `from` are known.
    pub warm_up: i64,
    /// The first moment that is told.
    pub from: i64,
    /// The last one. Minutes before it are complete.
    pub to: i64,
    /// How many minutes a step of the sums has.
    pub step: i64,
}

/// When a rule is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judging {
    /// Since when it was judged live; where that is not known, or counts are older, since its first counts.
    pub since: Option<i64>,
    /// The last moment before which everything is known; `None` where it is the end of the span.
    pub last: Option<i64>,
}

/// Rules over history. Minutes are added and judged in their order.
#[derive(Clone, Debug)]
pub struct Backtest {
    evaluator: Evaluator,
    judging: Vec<Judging>,
    /// The first minute of each indicator that has counts.
    begun: Vec<Option<i64>>,
    sums: Vec<BTreeMap<i64, Events>>,
    span: Span,
    next: i64,
    changes: Vec<Change>,
    told: Vec<Told>,
    is_cut: bool,
}

/// What the dispatcher hears when an alert has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The moment that was judged.
    pub at: i64,
    /// The number of the rule.
    pub rule: usize,
    /// The alert as it is handed on; `None` where it is none any more, or not yet.
    pub alert: Option<Alert>,
    /// All its labels.
    pub labels: Arc<Labels>,
}

/// An alert that would have fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// The number of its rule.
    pub rule: usize,
    /// All its labels.
    pub labels: Labels,
    /// What a person would have read when it began to fire.
    pub annotations: Labels,
    /// Since when its rule held.
    pub active_at: i64,
    /// Since when it fired; may be before the span.
    pub fired_at: i64,
    /// When it was over; `None` where it still fired at the end.
    pub resolved_at: Option<i64>,
    /// The worst that was measured.
    pub worst: Measured,
}

impl Firing {
    /// For how many minutes, up to `to` where it is not over.
    pub fn minutes(&self, to: i64) -> i64 {
        (self.resolved_at.unwrap_or(to) - self.fired_at).max(0)
    }
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What changed within the span, in the order of time.
    pub changes: Vec<Change>,
    /// What would have fired within it, in the order of time.
    pub firings: Vec<Firing>,
    /// What the dispatcher would have heard, in the order of time.
    pub told: Vec<Told>,
    /// Events of each indicator within the span, by the minute with which a step begins.
    pub sums: Vec<BTreeMap<i64, Events>>,
    /// The first minute of each indicator that has counts.
    pub begun: Vec<Option<i64>>,
    /// Whether there were so many changes that later ones are left out.
    pub is_cut: bool,
}

impl Backtest {
    /// Rules over so many indicators, each with when it is judged.
    pub fn new(rules: Vec<(RuleOfIndicator, Judging)>, indicators: usize, span: Span) -> Self {
        let (rules, judging): (Vec<_>, Vec<_>) = rules.into_iter().unzip();
        Self {
            evaluator: Evaluator::new(rules, indicators),
            judging,
            begun: vec![None; indicators],
            sums: vec![BTreeMap::new(); indicators],
            span,
            next: span.warm_up,
            changes: Vec::new(),
            told: Vec::new(),
            is_cut: false,
        }
    }

    /// Says where the page is, for annotations that name it.
    pub fn set_external_url(&mut self, url: &str) {
        self.evaluator.set_external_url(url);
    }

    /// The number of an instance; `None` where there are more than are judged. The instances that the config names
    /// are made known so too.
    pub fn instance(&mut self, indicator: usize, labels: &Labels) -> Option<u32> {
        self.evaluator.instance_number(indicator, labels)
    }

    /// Says when an instance was first seen, where that is longer ago than what is added.
    pub fn seen(&mut self, indicator: usize, labels: &Labels, first: i64) {
        self.evaluator.seen(indicator, labels, first);
    }

    /// How many minutes before `warm_up` rules look at.
    pub fn lookback(&self) -> i64 {
        (0..self.sums.len()).map(|indicator| self.evaluator.lookback(indicator)).max().unwrap_or(0)
    }

    /// Adds what happened in a minute, not before one that was judged.
    pub fn add(&mut self, indicator: usize, instance: u32, minute: i64, events: Events) {
        let Some(begun) = self.begun.get_mut(indicator) else { return };
        begun.get_or_insert(minute);
        self.evaluator.add_minute_of(indicator, instance, minute, events);
        if (self.span.from..self.span.to).contains(&minute) {
            let step = minute - (minute - self.span.from).rem_euclid(self.span.step.max(1));
            if let Some(sums) = self.sums.get_mut(indicator) {
                sums.entry(step).or_default().add(events);
            }
        }
    }

    /// Judges all moments up to the beginning of `minute`: everything before it was added.
    pub fn judge_to(&mut self, minute: i64) {
        while self.next <= minute.min(self.span.to) {
            let at = self.next;
            (0..self.judging.len()).for_each(|rule| self.judge(rule, at));
            if at.rem_euclid(FORGET_INTERVAL) == 0 {
                (0..self.sums.len()).for_each(|indicator| self.evaluator.forget(indicator, at, at));
            }
            self.next = at + 1;
        }
    }

    fn judge(&mut self, rule: usize, at: i64) {
        let Some(judging) = self.judging.get(rule) else { return };
        let begun = self.evaluator.indicator(rule).and_then(|indicator| *self.begun.get(indicator)?);
        let since = match (judging.since, begun) {
            (Some(live), Some(begun)) => live.min(begun),
            (Some(since), None) | (None, Some(since)) => since,
            (None, None) => return,
        };
        if at < since || judging.last.is_some_and(|last| at > last) {
            return;
        }
        self.evaluator.set_progress(rule, Progress { next: at, since });
        for change in self.evaluator.evaluate(rule, at) {
            if change.is_transition {
                self.note(change);
            }
        }
    }

    fn note(&mut self, change: Change) {
        if self.changes.len() >= CHANGES_MAX {
            self.is_cut = true;
            return;
        }
        let ActiveAlert { state, labels, .. } = &change.alert;
        let is_shown = !change.is_forgotten && *state != AlertState::Pending;
        let alert = is_shown.then(|| self.evaluator.alert(change.rule, &change.alert, String::new()));
        self.told.push(Told {
            at: change.at,
            rule: change.rule,
            alert: alert.flatten(),
            labels: Arc::clone(labels),
        });
        self.changes.push(change);
    }

    /// Judges what is left, and says what came of it.
    pub fn finish(mut self) -> Outcome {
        self.judge_to(self.span.to);
        let firings = self.firings();
        let Self { span, changes, told, sums, begun, is_cut, .. } = self;
        let changes = changes.into_iter().filter(|change| change.at >= span.from).collect();
        Outcome { changes, firings, told, sums, begun, is_cut }
    }

    fn firings(&self) -> Vec<Firing> {
        let mut open: BTreeMap<(usize, &Labels), Firing> = BTreeMap::new();
        let mut firings = Vec::new();
        for (change, told) in self.changes.iter().zip(&self.told) {
            let key = (change.rule, &*change.alert.labels);
            match change.alert.state {
                AlertState::Firing => {
                    open.entry(key).or_insert_with(|| firing(change, told));
                }
                AlertState::Resolved => {
                    if let Some(mut firing) = open.remove(&key) {
                        firing.resolved_at = change.alert.resolved_at;
                        firing.worst = change.alert.worst;
                        firings.push(firing);
                    }
                }
                AlertState::Pending => {}
            }
        }
        for (rule, alert) in self.evaluator.active() {
            if let Some(mut firing) = open.remove(&(rule, &*alert.labels)) {
                firing.worst = alert.worst;
                firings.push(firing);
            }
        }
        firings.extend(open.into_values());
        firings.retain(|firing| firing.resolved_at.is_none_or(|over| over > self.span.from));
        firings.sort_by(|one, other| {
            (one.fired_at, one.rule, &one.labels).cmp(&(other.fired_at, other.rule, &other.labels))
        });
        firings
    }
}

fn firing(change: &Change, told: &Told) -> Firing {
    let alert = &change.alert;
    Firing {
        rule: change.rule,
        labels: (*alert.labels).clone(),
        annotations: told.alert.as_ref().map(|alert| alert.annotations.clone()).unwrap_or_default(),
        active_at: alert.active_at,
        fired_at: alert.fired_at.unwrap_or(change.at),
        resolved_at: None,
        worst: alert.worst,
    }
}
