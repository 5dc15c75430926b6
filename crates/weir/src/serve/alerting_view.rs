//! What is known of promises and alerts, as it is asked for.
//!
//! Made once after each evaluation, on the thread that has the counts, so that a question costs a look.

use std::sync::Arc;
use std::time::Duration;

use weir_alert::{
    ActiveAlert, AlertState, Condition, Events, Fingerprint, Labels, Measured, MeasuredKind, MinuteCounts,
    Rule, Sla, time,
};
use weir_record::{Minute, Timestamp};
use weir_web::{AlertChange, AlertRow, AlertsAnswer, SlaBudget, SlaDay, SlaStatus, SlasAnswer};

use super::alerting::{Alerting, StoredChange};
use super::bad_events::BadEvents;
use super::indicators::{Indicator, Indicators};
use super::state::State;
use crate::config::PrometheusDuration;

/// Changes that an answer has.
const CHANGES_SHOWN_MAX: usize = 1_000;

/// Days that an answer has.
const DAYS_MAX: i64 = 400;

/// How far behind a source may be, beyond its lateness, before nothing is known of its promises, in microseconds.
const STALLED_US: i64 = 2 * 60 * 1_000_000;

/// Minutes in a day.
const DAY: i64 = 24 * 60;

/// Windows in which the speed is shown, in minutes.
const BURN_WINDOWS: [i64; 4] = [5, 60, 360, 1440];

/// What is known.
#[derive(Clone, Debug, Default)]
pub struct AlertingView {
    slas: Vec<KnownSla>,
    alerts: Vec<KnownAlert>,
    history: Vec<AlertChange>,
    /// What the alerts count.
    indicators: Option<Arc<Indicators>>,
}

/// A promise to one instance, and what is known of its source.
#[derive(Clone, Debug)]
struct KnownSla {
    /// The number of its indicator.
    indicator: usize,
    /// Its instance.
    instance: Arc<Labels>,
    /// The span that is counted, in minutes.
    span: (i64, i64),
    /// How it is shown; the query of its bad requests is made when somebody asks.
    status: SlaStatus,
    /// Up to when its source is complete.
    complete_to: Option<Timestamp>,
    /// How late lines of its source may be, in microseconds.
    lateness_us: i64,
}

/// An alert, and what was counted of it.
#[derive(Clone, Debug)]
pub struct KnownAlert {
    /// The number of its indicator.
    pub indicator: usize,
    /// How it is.
    pub active: ActiveAlert,
    /// The events of its window when it was over, or when its rule was judged last.
    pub now: Measured,
    /// How it is shown; the query of its events is made when somebody asks.
    pub row: AlertRow,
}

impl AlertingView {
    /// What is known at the time `now`.
    pub fn of(alerting: &Alerting, state: &State, now: Timestamp) -> Self {
        let mut slas = Vec::new();
        for (number, sla) in alerting.indicators.slas() {
            let (complete_to, lateness_us) = {
                let inner = state.lock();
                let source = inner.sources.get(&*sla.source);
                (
                    source.and_then(|source| source.account.complete_to()),
                    source.map(|source| source.watermark.lateness_us()),
                )
            };
            for (instance, counts) in alerting.evaluator.instances(number) {
                let span = span(sla, complete_to, now);
                slas.push(KnownSla {
                    indicator: number,
                    instance: Arc::clone(instance),
                    span,
                    status: status(sla, instance, counts, complete_to, span),
                    complete_to,
                    lateness_us: lateness_us.unwrap_or(0),
                });
            }
        }
        let rules: Vec<&Rule> = alerting.evaluator.rules().collect();
        let known = |(number, active)| known(alerting, number, rules.get(number)?, active);
        let alerts = alerting.evaluator.active().filter_map(known).collect();
        let history = alerting.history.iter().rev().take(CHANGES_SHOWN_MAX);
        let mut history: Vec<_> = history.map(|(_, change)| self::change(change)).collect();
        // Rules are judged one after the other, and each catches up by itself; what is shown is the order of events.
        history.sort_by(|one, other| other.at.cmp(&one.at));
        Self { slas, alerts, history, indicators: Some(Arc::clone(&alerting.indicators)) }
    }

    /// What is known of the alert with these labels.
    pub fn known(&self, labels: &Labels) -> Option<&KnownAlert> {
        self.alerts.iter().find(|known| *known.active.labels == *labels)
    }

    /// The promise that `is_it` says is the one.
    pub fn sla(&self, is_it: impl Fn(&SlaStatus) -> bool) -> Option<&SlaStatus> {
        self.slas.iter().map(|known| &known.status).find(|status| is_it(status))
    }

    /// All promises, at the time `now`: a source may have stopped since.
    pub fn slas(&self, now: Timestamp) -> SlasAnswer {
        let known = |known: &KnownSla| {
            let behind = known.complete_to.map(|complete_to| now.micros() - complete_to.micros());
            let mut status = known.status.clone();
            if behind.is_none_or(|behind| behind > known.lateness_us + STALLED_US) {
                status.state = "unknown".to_owned();
            }
            if let Some(indicator) = self.indicator(known.indicator) {
                let events = BadEvents::between(indicator, &known.instance, known.span);
                status.bad_query = events.bad.to_string();
            }
            status
        };
        SlasAnswer { slas: self.slas.iter().map(known).collect() }
    }

    /// All alerts.
    pub fn alerts(&self) -> AlertsAnswer {
        let row = |known: &KnownAlert| {
            let mut row = known.row.clone();
            if let Some(indicator) = self.indicator(known.indicator) {
                let events = BadEvents::measured(indicator, &known.active);
                (row.query, row.from, row.to) =
                    (events.bad.to_string(), events.from.to_string(), events.to.to_string());
            }
            row
        };
        AlertsAnswer { alerts: self.alerts.iter().map(row).collect(), history: self.history.clone() }
    }

    /// What alerts and promises with this number count.
    pub fn indicator(&self, number: usize) -> Option<&Indicator> {
        self.indicators.as_ref()?.all().get(number)
    }
}

/// The minutes in which requests are counted for a promise; those of a long one from the start of an hour.
fn span(sla: &Sla, complete_to: Option<Timestamp>, now: Timestamp) -> (i64, i64) {
    let end = complete_to.unwrap_or(now).minute().0;
    (MinuteCounts::start_of_period(sla.time_window.start(end)), end)
}

fn status(
    sla: &Sla,
    instance: &Labels,
    counts: &MinuteCounts,
    complete_to: Option<Timestamp>,
    (start, end): (i64, i64),
) -> SlaStatus {
    let events = counts.sum_of_period(start, end);
    let objective = sla.objective_of(instance);
    let allowed_share = objective.allowed();
    let (allowed, total) = (allowed_share.of(events.total()), events.total());
    let has_requests = total > 0;
    let state = match () {
        () if !has_requests => "no_requests",
        () if allowed_share.is_exceeded_by(events.bad, total) => "broken",
        () => "met",
    };
    let label = |name: &str| instance.get(name).map_or_else(String::new, ToString::to_string);
    let share_of = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    let burn_rates = BURN_WINDOWS.iter().filter_map(|window| {
        let events = counts.sum(end - window, end);
        let bad_share = share_of(events.bad, events.total())?;
        Some((minutes_text(*window), bad_share / allowed_share.as_f64()))
    });
    let known_since = counts.first().map_or(end, |first| first.max(start));
    SlaStatus {
        sla: sla.name.to_string(),
        service: sla.service.to_string(),
        source: sla.source.to_string(),
        route: label("route"),
        method: label("method"),
        promise: sla.promise(objective, instance),
        objective: objective.percent(),
        state: state.to_owned(),
        from: time(start).to_string(),
        to: complete_to.map(|complete_to| complete_to.minute().start().to_string()),
        good: events.good,
        bad: events.bad,
        bad_query: String::new(),
        good_share: share_of(events.good, total),
        budget: SlaBudget {
            allowed,
            spent: events.bad,
            left_share: has_requests.then(|| 1.0 - events.bad as f64 / allowed.max(f64::MIN_POSITIVE)),
        },
        burn_rates: burn_rates.collect(),
        coverage: (end - known_since) as f64 / (end - start).max(1) as f64,
        days: days(counts, start, end),
    }
}

fn days(counts: &MinuteCounts, start: i64, end: i64) -> Vec<SlaDay> {
    let first = start.div_euclid(DAY).max(end.div_euclid(DAY) - DAYS_MAX + 1);
    let day = |day: i64| {
        let Events { good, bad } = counts.sum_of_period((day * DAY).max(start), ((day + 1) * DAY).min(end));
        SlaDay { from: Minute(day * DAY).start().to_string(), good, bad }
    };
    (first..=(end - 1).div_euclid(DAY)).map(day).filter(|day| day.good + day.bad > 0).collect()
}

fn minutes_text(minutes: i64) -> String {
    PrometheusDuration(Duration::from_secs(minutes.unsigned_abs() * 60)).to_string()
}

const fn state_text(state: AlertState) -> &'static str {
    match state {
        AlertState::Pending => "pending",
        AlertState::Firing => "firing",
        AlertState::Resolved => "resolved",
    }
}

fn known(alerting: &Alerting, number: usize, rule: &Rule, active: &ActiveAlert) -> Option<KnownAlert> {
    let alert = alerting.evaluator.alert(number, active, String::new())?;
    let indicator = alerting.evaluator.indicator(number)?;
    let at = active.resolved_at.or_else(|| Some(alerting.evaluator.progress(number)?.next - 1))?;
    let window = active.measured.window;
    let events = alerting.evaluator.counts(indicator, &active.instance)?.sum(at - window, at);
    let now = match active.measured.kind {
        MeasuredKind::Share => Measured { bad: events.bad, total: events.total(), at, ..active.measured },
        // How it was before is no part of how it is now.
        MeasuredKind::Count | MeasuredKind::Times => {
            Measured { bad: events.bad, total: events.bad, kind: MeasuredKind::Count, at, window }
        }
    };
    Some(KnownAlert { indicator, active: active.clone(), now, row: row(rule, active, alert.annotations) })
}

fn row(rule: &Rule, alert: &ActiveAlert, annotations: Labels) -> AlertRow {
    let value = alert.measured.value();
    AlertRow {
        fingerprint: Fingerprint::of(&alert.labels).to_string(),
        labels: (*alert.labels).clone(),
        annotations,
        state: state_text(alert.state).to_owned(),
        active_at: time(alert.active_at).to_string(),
        fired_at: alert.fired_at.map(|at| time(at).to_string()),
        resolved_at: alert.resolved_at.map(|at| time(at).to_string()),
        bad: alert.measured.bad,
        total: alert.measured.total,
        value: value.is_finite().then_some(value),
        is_history: alert.is_history,
        explanation: explanation(rule, alert),
        ..AlertRow::default()
    }
}

/// Why an alert is as it is, and what comes next.
fn explanation(rule: &Rule, alert: &ActiveAlert) -> String {
    let measured = format!("{} of {}", alert.measured.bad, alert.measured.total);
    let what = match &rule.condition {
        Condition::Share { pairs, .. } => {
            let limits = pairs.iter().map(|pair| {
                format!(
                    "more than {} bad of at least {} in {}",
                    pair.share,
                    pair.events_min,
                    minutes_text(pair.long)
                )
            });
            format!("{measured} were bad; it holds with {}", limits.collect::<Vec<_>>().join(", or "))
        }
        Condition::Above { window, above } => {
            format!("{} in {}; it holds above {above}", alert.measured.bad, minutes_text(*window))
        }
        Condition::Spike { window, .. } => {
            format!(
                "{} in {}, {:.1} times the usual",
                alert.measured.bad,
                minutes_text(*window),
                alert.measured.value()
            )
        }
        Condition::Silent { window, below } => {
            format!("{} in {}; it holds below {below}", alert.measured.bad, minutes_text(*window))
        }
        Condition::New { .. } => "never seen before".to_owned(),
    };
    let next = match alert.state {
        AlertState::Pending => {
            format!("; it fires when it has held for {}", PrometheusDuration(rule.hold))
        }
        AlertState::Firing if alert.keep_firing_since.is_some() => {
            format!("; it holds no more and is over after {}", PrometheusDuration(rule.keep_firing_for))
        }
        AlertState::Firing => String::new(),
        AlertState::Resolved => "; it is over".to_owned(),
    };
    format!("{what}{next}")
}

/// A change as it is shown.
pub fn change(change: &StoredChange) -> AlertChange {
    let text = |state: Option<AlertState>| state.map_or("inactive", state_text).to_owned();
    AlertChange {
        at: time(change.at).to_string(),
        fingerprint: Fingerprint::of(&change.labels).to_string(),
        labels: (*change.labels).clone(),
        from: text(change.before),
        to: text(change.after),
        bad: change.measured.bad,
        total: change.measured.total,
        is_history: change.is_history,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_known_of_a_promise_whose_source_stands_still() {
        let status = SlaStatus { state: "met".to_owned(), ..SlaStatus::default() };
        let complete_to = Timestamp::from_seconds(1_000);
        let slas = vec![KnownSla {
            indicator: 0,
            instance: Arc::default(),
            span: (0, 16),
            status,
            complete_to: Some(complete_to),
            lateness_us: 10_000_000,
        }];
        let mut view = AlertingView { slas, ..AlertingView::default() };
        let state_at =
            |view: &AlertingView, second| view.slas(Timestamp::from_seconds(second)).slas[0].state.clone();
        assert_eq!([1_130, 1_131].map(|second| state_at(&view, second)), ["met", "unknown"]);
        view.slas[0].complete_to = None;
        assert_eq!(state_at(&view, 0), "unknown");
    }

    #[test]
    fn days_are_those_of_the_span_that_had_requests() {
        let mut counts = MinuteCounts::default();
        for (minute, good, bad) in [(10, 1, 0), (DAY + 5, 2, 1), (3 * DAY, 5, 0)] {
            counts.add(minute, Events { good, bad });
        }
        let days: Vec<(u64, u64)> = days(&counts, 0, 3 * DAY).iter().map(|day| (day.good, day.bad)).collect();
        assert_eq!(days, [(1, 0), (2, 1)]);
    }
}
