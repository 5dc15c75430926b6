//! What is known of promises and alerts, as it is asked for.
//!
//! Made once after each evaluation, on the thread that has the counts, so that a question costs no turn of it.

use std::sync::Arc;
use std::time::Duration;

use weir_alert::{
    ActiveAlert, AlertState, Condition, Fingerprint, Labels, Measured, MeasuredKind, Rule, time,
};
use weir_record::Timestamp;
use weir_web::{AlertChange, AlertRow, AlertsAnswer, SlaStatus, SlasAnswer};

use super::alerting::{Alerting, StoredChange};
use super::bad_events::BadEvents;
use super::indicators::{Indicator, Indicators};
use super::known_sla::{KnownSla, KnownSource, sla_of};
use super::state::State;
use crate::config::PrometheusDuration;

/// Changes that an answer has.
const CHANGES_SHOWN_MAX: usize = 1_000;

/// What is known.
#[derive(Clone, Debug, Default)]
pub struct AlertingView {
    slas: Vec<KnownSla>,
    alerts: Vec<KnownAlert>,
    history: Vec<AlertChange>,
    /// What the alerts count.
    indicators: Option<Arc<Indicators>>,
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
            let source = {
                let inner = state.lock();
                let source = inner.sources.get(&*sla.source);
                KnownSource {
                    complete_to: source.and_then(|source| source.account.complete_to()),
                    lateness_us: source.map_or(0, |source| source.watermark.lateness_us()),
                }
            };
            let instances = alerting.evaluator.instances(number);
            slas.extend(
                instances
                    .map(|(instance, counts)| KnownSla::of((number, sla), instance, counts, source, now)),
            );
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

    /// The promise that an alert with these labels is about.
    pub fn sla_of_alert(&self, labels: &Labels) -> Option<SlaStatus> {
        if !labels.contains_key("sla") {
            return None;
        }
        self.slas.iter().find_map(|known| {
            let sla = sla_of(self.indicator(known.indicator)?)?;
            known.has_labels(sla, labels).then(|| known.status(sla))
        })
    }

    /// All promises, at the time `now`: a source may have stopped since.
    pub fn slas(&self, now: Timestamp) -> SlasAnswer {
        let shown = |known: &KnownSla| {
            let indicator = self.indicator(known.indicator)?;
            Some(known.status_at(sla_of(indicator)?, indicator, now))
        };
        SlasAnswer { slas: self.slas.iter().filter_map(shown).collect() }
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

/// A span of minutes as Prometheus writes it.
pub fn minutes_text(minutes: i64) -> String {
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
