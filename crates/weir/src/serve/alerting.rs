//! The evaluator at work: fed by commits, driven by watermarks, kept in the ledger.
//!
//! It lives on the commit thread, so that what it has judged is what is on the disk: counts reach it after their
//! transaction, and what it finds is written before it is shown or told. A process that dies in between judges the
//! same moments again, from the same counts, to the same end.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_alert::{
    ActiveAlert, Alert, AlertState, Change, Evaluator, Events, Fingerprint, Labels, Measured, Progress, Rule,
};
use weir_ledger::{LedgerError, Reading, Writing};
use weir_record::{Minute, Timestamp};
use weir_ship::notify::{LINK, SEARCH, WORST};

use super::alert_set::AlertSet;
use super::alerting_view::AlertingView;
use super::bad_events::{BadEvents, measured_text};
use super::event_staging::StagedEvents;
use super::indicators::{Indicator, Indicators, Maintenance};
use super::state::State;
use crate::clock;
use crate::config::Config;

/// Before the fingerprint of an alert: its state.
const ACTIVE: &str = "alerts/active/";

/// Before the number of a change: what changed.
const HISTORY: &str = "alerts/history/";

/// How far each rule was judged.
pub const PROGRESS: &str = "alerts/progress";

/// Changes that are remembered: 100 alerts a day for three months.
const HISTORY_MAX: usize = 10_000;

/// How far back moments are judged that were missed, in minutes: what is a day old helps nobody.
const CATCH_UP_MAX: i64 = 24 * 60;

/// How long moments are judged before commits have their turn.
const EVALUATING_MAX: Duration = Duration::from_millis(200);

/// How often numbers of promises are made anew while counts come: each instance costs some microseconds.
const SHOWN_AGE_MIN: Duration = Duration::from_secs(2);

/// How often they are while none come: the span goes on.
const SHOWN_AGE_MAX: Duration = Duration::from_secs(60);

/// How late lines of a source that the config does not name may be.
pub const LATENESS_DEFAULT: Duration = Duration::from_secs(10);

/// A change as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredChange {
    /// The moment, in minutes since the epoch.
    pub at: i64,
    /// All labels of the alert.
    pub labels: Arc<Labels>,
    /// Its state before; `None` where there was none.
    pub before: Option<AlertState>,
    /// Its state; `None` where it is none any more.
    pub after: Option<AlertState>,
    /// What was measured.
    pub measured: Measured,
    /// Whether it was found too late for anybody to be told.
    pub is_history: bool,
}

/// The evaluator, and what it is fed and asked with.
pub struct Alerting {
    pub(super) indicators: Arc<Indicators>,
    pub(super) evaluator: Evaluator,
    pub(super) history: VecDeque<(u64, StoredChange)>,
    /// A number for each rule that stays the same.
    ids: Vec<u64>,
    lateness: HashMap<String, Duration>,
    age_max: Duration,
    external_url: String,
    prepared: Option<Found>,
    /// Alerts whose rules have gone, by their names in the ledger: they are over, and to be forgotten.
    orphans: Vec<(Box<str>, ActiveAlert)>,
    /// Whether counts have come since the numbers of promises were shown, and when that was.
    is_stale: bool,
    shown_at: Timestamp,
    set: Arc<AlertSet>,
}

/// What was found and is to be written.
struct Found {
    changes: Vec<Change>,
    entries: Vec<(u64, StoredChange)>,
    progress: Vec<(u64, Progress)>,
}

impl Alerting {
    /// The evaluator as it was left, at the time `now`.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn load(
        ledger: &Reading<'_>,
        config: &Config,
        indicators: &Arc<Indicators>,
        now: Timestamp,
    ) -> Result<Self, LedgerError> {
        let mut evaluator = Evaluator::new(indicators.rules(), indicators.all().len());
        evaluator.set_external_url(config.http.external_url.as_deref().unwrap_or_default());
        let ids = evaluator.rules().map(id_of).collect();
        for (number, indicator) in indicators.all().iter().enumerate() {
            indicator.named_instances().iter().for_each(|labels| evaluator.name_instance(number, labels));
        }
        let mut alerting = Self {
            indicators: Arc::clone(indicators),
            evaluator,
            history: ledger.states_with_prefix(HISTORY)?.into_iter().filter_map(numbered).collect(),
            ids,
            lateness: lateness(config),
            age_max: config.alerting.max_age,
            external_url: config.http.external_url.clone().unwrap_or_default(),
            prepared: None,
            orphans: Vec::new(),
            is_stale: false,
            shown_at: now,
            set: Arc::default(),
        };
        alerting.restore(ledger, now)?;
        Ok(alerting)
    }

    /// The same with another config: what was judged is on the disk, and what is still to be judged is judged by it.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read; nothing has changed then.
    pub fn reload(
        &mut self,
        ledger: &Reading<'_>,
        config: &Config,
        indicators: &Arc<Indicators>,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let loaded = Self::load(ledger, config, indicators, now)?;
        *self = Self { set: Arc::clone(&self.set), ..loaded };
        Ok(())
    }

    /// The alerts that it finds.
    pub fn set(&self) -> Arc<AlertSet> {
        Arc::clone(&self.set)
    }

    fn restore(&mut self, ledger: &Reading<'_>, now: Timestamp) -> Result<(), LedgerError> {
        if self.indicators.is_empty() {
            self.orphans = ledger.states_with_prefix::<ActiveAlert>(ACTIVE)?;
            return Ok(());
        }
        let progress: BTreeMap<u64, Progress> =
            ledger.state::<Vec<(u64, Progress)>>(PROGRESS)?.unwrap_or_default().into_iter().collect();
        let Minute(minute) = now.minute();
        let mut first = minute;
        for (rule, id) in self.ids.iter().enumerate() {
            if let Some(known) = progress.get(id) {
                self.evaluator.set_progress(rule, *known);
                first = first.min(known.next.max(minute - CATCH_UP_MAX));
            }
        }
        let mut keys: HashMap<u32, (usize, u32)> = HashMap::new();
        for stored in ledger.event_keys()? {
            if let Some(indicator) = self.indicators.number_of(&stored.key) {
                let labels: Labels = stored.key.labels.iter().cloned().collect();
                self.evaluator.seen(indicator, &labels, stored.first.0);
                let instance = self.evaluator.instance_number(indicator, &labels);
                keys.extend(instance.map(|instance| (stored.number, (indicator, instance))));
            }
        }
        let indicators = Arc::clone(&self.indicators);
        let lookback = (0..indicators.all().len()).map(|number| self.evaluator.lookback(number)).max();
        let from = Minute(first - lookback.unwrap_or(0) - 60);
        let mut maintenance = Maintenance::of(&indicators);
        ledger.events(from, Minute(i64::MAX), |minute, number, events| {
            let Some(&(indicator, instance)) = keys.get(&number) else { return };
            if !maintenance.excludes(indicator, minute) {
                self.evaluator.add_minute_of(indicator, instance, minute.0, of_stored(events));
            }
        })?;
        let starts = indicators.slas().map(|(_, sla)| sla.time_window.start(minute));
        if let Some(start) = starts.min() {
            ledger.event_hours(start.div_euclid(60), |hour, number, events| {
                if let Some(&(indicator, instance)) = keys.get(&number) {
                    self.evaluator.add_hour_of(indicator, instance, hour, of_stored(events));
                }
            })?;
        }
        for (name, alert) in ledger.states_with_prefix::<ActiveAlert>(ACTIVE)? {
            // One whose rule has gone is over for whoever is told of the others.
            if !self.evaluator.restore(&alert) {
                self.orphans.push((name, alert));
            }
        }
        Ok(())
    }

    /// Adds what a group counted: it is on the disk.
    pub fn add(&mut self, staged: &StagedEvents) {
        for row in staged.rows() {
            self.is_stale = true;
            let Some(indicator) = self.indicators.all().get(row.indicator) else { continue };
            for (minute, events) in row.minutes {
                if !indicator.excludes(*minute) {
                    let events = of_stored(*events);
                    self.evaluator.add_minute(row.indicator, &row.labels, minute.0, events);
                    self.evaluator.add_hour(row.indicator, &row.labels, minute.0.div_euclid(60), events);
                }
            }
        }
    }

    /// Judges moments that are complete; says whether there is something to write.
    pub fn prepare(&mut self, state: &State, now: Timestamp) -> bool {
        if self.prepared.is_some() {
            return true;
        }
        let started = clock::monotonic();
        let mut changes: Vec<Change> = Vec::new();
        let mut has_judged = false;
        for rule in 0..self.ids.len() {
            let Some(last) = self.last_moment(rule, state, now) else { continue };
            let next = self.evaluator.progress(rule).map_or(last, |progress| progress.next);
            for at in next.max(last - CATCH_UP_MAX)..=last {
                if started.elapsed() >= EVALUATING_MAX {
                    break;
                }
                let mut found = self.evaluator.evaluate(rule, at);
                self.evaluator.mark_found(&mut found, now);
                if now.minus(self.age_max) > Minute(at).start() {
                    self.evaluator.mark_history(&mut found);
                }
                changes.extend(found);
                has_judged = true;
            }
        }
        let has_found = has_judged || !self.orphans.is_empty();
        if has_found {
            self.forget(now);
            let number = self.history.back().map_or(0, |(number, _)| number + 1);
            let ended = self.orphans.iter().filter(|(_, alert)| alert.state == AlertState::Firing);
            let ended = ended.map(|(_, alert)| StoredChange::of_orphan(alert, now));
            let transitions = changes.iter().filter(|change| change.is_transition);
            let entries = (number..).zip(ended.chain(transitions.map(StoredChange::of))).collect();
            let progress = (self.ids.iter().enumerate())
                .filter_map(|(rule, id)| Some((*id, self.evaluator.progress(rule)?)));
            self.prepared = Some(Found { changes, entries, progress: progress.collect() });
        }
        has_found
    }

    /// The last moment before which everything is known that a rule looks at.
    fn last_moment(&self, rule: usize, state: &State, now: Timestamp) -> Option<i64> {
        let indicator = self.indicators.all().get(self.evaluator.indicator(rule)?)?;
        last_moment(indicator, &self.lateness, state, now)
    }

    fn forget(&mut self, now: Timestamp) {
        let Minute(minute) = now.minute();
        let indicators = Arc::clone(&self.indicators);
        for number in 0..indicators.all().len() {
            let next = (0..self.ids.len())
                .filter(|rule| self.evaluator.indicator(*rule) == Some(number))
                .filter_map(|rule| self.evaluator.progress(rule))
                .map(|progress| progress.next)
                .min();
            let sla = indicators.slas().find(|(known, _)| *known == number);
            let hours_from = sla.map_or(minute, |(_, sla)| sla.time_window.start(minute));
            self.evaluator.forget(number, next.unwrap_or(minute).max(minute - 2 * CATCH_UP_MAX), hours_from);
        }
    }

    /// Writes what was found. May be called again if it failed.
    ///
    /// # Errors
    ///
    /// Whatever the ledger says; nothing was written then.
    pub fn write(&self, ledger: &Writing<'_>) -> Result<(), LedgerError> {
        let Some(found) = &self.prepared else { return Ok(()) };
        self.orphans.iter().try_for_each(|(name, _)| ledger.remove_state(name).map(drop))?;
        for change in &found.changes {
            let name = format!("{ACTIVE}{}", Fingerprint::of(&change.alert.labels));
            if change.is_forgotten {
                ledger.remove_state(&name)?;
            } else {
                ledger.put_state(&name, &change.alert)?;
            }
        }
        for (number, entry) in &found.entries {
            ledger.put_state(&format!("{HISTORY}{number:020}"), entry)?;
        }
        let surplus = (self.history.len() + found.entries.len()).saturating_sub(HISTORY_MAX);
        for (number, _) in self.history.iter().take(surplus) {
            ledger.remove_state(&format!("{HISTORY}{number:020}"))?;
        }
        ledger.put_state(PROGRESS, &found.progress)
    }

    /// Shows and tells what is on the disk now.
    pub fn written(&mut self, state: &State, now: Timestamp) {
        let Some(found) = self.prepared.take() else { return };
        self.orphans.clear();
        for change in found.changes.iter().filter(|change| change.is_transition) {
            log(change);
        }
        let has_changed = !found.entries.is_empty();
        self.history.extend(found.entries);
        let surplus = self.history.len().saturating_sub(HISTORY_MAX);
        self.history.drain(..surplus);
        self.show(state, now);
        if has_changed {
            self.tell_all();
        }
    }

    /// Shows what there is, if that is another than before; promises without alerts have numbers too.
    pub fn refresh(&mut self, state: &State, now: Timestamp) {
        let age = now.micros_since(self.shown_at).map_or(SHOWN_AGE_MAX, Duration::from_micros);
        let is_due = if self.is_stale { age >= SHOWN_AGE_MIN } else { age >= SHOWN_AGE_MAX };
        if is_due && !self.indicators.is_empty() {
            self.show(state, now);
        }
    }

    /// Shows what there is.
    pub fn show(&mut self, state: &State, now: Timestamp) {
        (self.is_stale, self.shown_at) = (false, now);
        let view = AlertingView::of(self, state, now);
        state.lock().alerting = Arc::new(view);
    }

    /// Tells of all alerts.
    pub fn tell_all(&self) {
        let is_told = |alert: &ActiveAlert| alert.state != AlertState::Pending && !alert.is_history;
        let active = self.evaluator.active().filter(|(_, alert)| is_told(alert));
        let alerts = active.filter_map(|(rule, active)| {
            let number = Fingerprint::of(&active.labels);
            let page = format!("{}#/alerts/{number}", self.external_url);
            let url = if self.external_url.is_empty() { String::new() } else { page };
            let mut alert = self.evaluator.alert(rule, active, url)?;
            self.annotate(&mut alert, rule, active);
            Some(alert)
        });
        self.set.set(alerts.collect());
    }

    /// Adds what programs open the bad events with, where the config does not say something else by these names.
    fn annotate(&self, alert: &mut Alert, rule: usize, active: &ActiveAlert) {
        let indicator = self.evaluator.indicator(rule).and_then(|number| self.indicators.all().get(number));
        let Some(indicator) = indicator else { return };
        let events = BadEvents::told(indicator, active);
        let link = events.link(&self.external_url);
        let worst = measured_text(active.worst);
        let texts = [(LINK, link), (SEARCH, events.command(&self.external_url)), (WORST, worst)];
        for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            alert.annotations.entry(name.into()).or_insert_with(|| text.into());
        }
    }
}

impl StoredChange {
    /// An alert is over because the config has its rule no more.
    fn of_orphan(alert: &ActiveAlert, now: Timestamp) -> Self {
        Self {
            at: now.minute().0,
            labels: Arc::clone(&alert.labels),
            before: Some(alert.state),
            after: None,
            measured: alert.measured,
            is_history: alert.is_history,
        }
    }

    /// What is kept of a change.
    pub fn of(change: &Change) -> Self {
        let alert = &change.alert;
        Self {
            at: change.at,
            labels: Arc::clone(&alert.labels),
            before: change.before,
            after: (!change.is_forgotten).then_some(alert.state),
            measured: alert.measured,
            is_history: alert.is_history,
        }
    }
}

/// The last moment before which everything is known that an indicator counts.
pub fn last_moment(
    indicator: &Indicator,
    lateness: &HashMap<String, Duration>,
    state: &State,
    now: Timestamp,
) -> Option<i64> {
    let names = indicator.sources();
    let inner = state.lock();
    let sources = inner
        .sources
        .iter()
        .filter(|(name, source)| !source.is_history && (names.is_empty() || names.contains(&&***name)));
    let complete_to: Option<Timestamp> = if indicator.is_silence() {
        // Silence does not wait for a word from who is silent.
        let lateness = |name: &str| lateness.get(name).copied().unwrap_or(LATENESS_DEFAULT);
        sources.map(|(name, _)| now.minus(lateness(name))).min()
    } else {
        sources.map(|(_, source)| source.account.complete_to()).min().flatten()
    };
    complete_to.map(|complete_to| complete_to.minute().0)
}

/// How late lines of each source may be.
pub fn lateness(config: &Config) -> HashMap<String, Duration> {
    config.sources.iter().map(|source| (source.name.clone(), source.lateness)).collect()
}

fn log(change: &Change) {
    let labels: Vec<String> =
        change.alert.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let (labels, at) = (labels.join(","), Minute(change.at).start().to_string());
    match change.alert.state {
        _ if change.is_forgotten => {}
        AlertState::Pending => tracing::debug!(labels, at, "an alert is pending"),
        AlertState::Firing => tracing::info!(labels, at, "an alert fires"),
        AlertState::Resolved => tracing::info!(labels, at, "an alert is over"),
    }
}

fn numbered((name, change): (Box<str>, StoredChange)) -> Option<(u64, StoredChange)> {
    Some((name.strip_prefix(HISTORY)?.parse().ok()?, change))
}

/// Events as they are judged.
pub fn of_stored(events: weir_ledger::EventCounts) -> Events {
    Events { good: events.good, bad: events.bad }
}

/// A number for a rule that stays the same.
pub fn id_of(rule: &Rule) -> u64 {
    let mut labels = rule.labels.clone();
    labels.insert("\0scope".into(), format!("{:?}", rule.scope).into());
    Fingerprint::of(&labels).0
}
