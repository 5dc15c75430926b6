//! Rules over time: which alert is pending, fires, or is over.
//!
//! The state machine is that of Prometheus (`AlertingRule.Eval` in rules/alerting.go), step by step, so that the same
//! counts give the same alerts there and here. What is different is the drive: a moment is judged once, when all
//! that happened before it is known, so the order in which lines came has no part in it, and moments that were
//! missed are judged later as if they had not been.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_record::{Minute, Timestamp};

use crate::alert::{Alert, Labels};
use crate::minute_counts::{Events, MinuteCounts};
use crate::rule::{Measured, Moment, Rule};
use crate::template::{self, TemplateData};

/// How long an alert that is over is kept and told, in minutes, as Prometheus does.
const RESOLVED_KEPT: i64 = 15;

/// Instances of one indicator that are judged; the counts of more are kept and reported.
const INSTANCES_MAX: usize = 20_000;

/// The states of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlertState {
    /// Its rule holds, but not for long enough.
    Pending,
    /// It fires.
    Firing,
    /// It is over.
    Resolved,
}

/// An alert, and what is to be known of it to go on. Times are minutes since the epoch.
///
/// Its labels are shared: an alert is copied at each moment, to say what has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveAlert {
    /// All its labels.
    pub labels: Arc<Labels>,
    /// The labels of its instance.
    pub instance: Arc<Labels>,
    /// Its state.
    pub state: AlertState,
    /// Since when the rule holds.
    pub active_at: i64,
    /// Since when it fires.
    pub fired_at: Option<i64>,
    /// Since when the rule holds no more, while it still fires.
    pub keep_firing_since: Option<i64>,
    /// When it was over.
    pub resolved_at: Option<i64>,
    /// What was measured last while the rule held.
    pub measured: Measured,
    /// The worst that was measured.
    pub worst: Measured,
    /// All that happened from its first window on.
    pub course: Course,
    /// When it was found that it fires, by the clock, in microseconds since the epoch.
    pub found_us: Option<i64>,
    /// Whether it was found so late that nobody is to be told.
    pub is_history: bool,
}

/// What happened from the first window of an alert on until it was over, as it was judged minute by minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// Its first minute.
    pub from: i64,
    /// The minute behind its last one.
    pub to: i64,
    /// The events in between.
    pub events: Events,
}

/// An alert before and after a moment, where that made a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The number of its rule.
    pub rule: usize,
    /// The moment.
    pub at: i64,
    /// Its state before; `None` where there was none.
    pub before: Option<AlertState>,
    /// What it is now; where `is_forgotten`, what it was.
    pub alert: ActiveAlert,
    /// Whether it is forgotten: it never fired, or was over long ago.
    pub is_forgotten: bool,
    /// Whether its state is another, and not only what was measured.
    pub is_transition: bool,
}

/// A rule, and where its counts come from.
#[derive(Clone, Debug)]
pub struct RuleOfIndicator {
    /// The rule.
    pub rule: Rule,
    /// The number of the indicator.
    pub indicator: usize,
}

/// How far a rule was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The first moment that is still to be judged.
    pub next: i64,
    /// The first that ever was.
    pub since: i64,
}

/// All rules, the counts that they judge, and the alerts that there are.
#[derive(Clone, Debug)]
pub struct Evaluator {
    rules: Vec<State>,
    indicators: Vec<Instances>,
    external_url: String,
}

#[derive(Clone, Debug)]
struct State {
    rule: Rule,
    indicator: usize,
    progress: Option<Progress>,
    active: BTreeMap<u32, ActiveAlert>,
}

#[derive(Clone, Debug, Default)]
struct Instances {
    numbers: HashMap<Arc<Labels>, u32>,
    all: Vec<Instance>,
}

#[derive(Clone, Debug)]
struct Instance {
    labels: Arc<Labels>,
    counts: MinuteCounts,
    first_seen: Option<i64>,
}

impl Evaluator {
    /// Rules over so many indicators; nothing was counted yet.
    pub fn new(rules: Vec<RuleOfIndicator>, indicators: usize) -> Self {
        let state = |RuleOfIndicator { rule, indicator }| State {
            rule,
            indicator,
            progress: None,
            active: BTreeMap::new(),
        };
        Self {
            rules: rules.into_iter().map(state).collect(),
            indicators: (0..indicators).map(|_| Instances::default()).collect(),
            external_url: String::new(),
        }
    }

    /// Says where the page is, for annotations that name it.
    pub fn set_external_url(&mut self, url: &str) {
        url.clone_into(&mut self.external_url);
    }

    /// Makes an instance known that the config names; one that has no events yet may be silent.
    pub fn name_instance(&mut self, indicator: usize, labels: &Labels) {
        if let Some(instances) = self.indicators.get_mut(indicator) {
            instances.number(labels);
        }
    }

    /// Adds what happened in a minute, whenever it comes.
    pub fn add(&mut self, indicator: usize, labels: &Labels, minute: i64, events: Events) {
        self.add_hour(indicator, labels, minute.div_euclid(60), events);
        self.add_minute(indicator, labels, minute, events);
    }

    /// Adds what happened in an hour, for long spans only.
    pub fn add_hour(&mut self, indicator: usize, labels: &Labels, hour: i64, events: Events) {
        if let Some(instance) = self.instance(indicator, labels) {
            instance.counts.add_hour(hour, events);
        }
    }

    fn instance(&mut self, indicator: usize, labels: &Labels) -> Option<&mut Instance> {
        let instances = self.indicators.get_mut(indicator)?;
        let number = instances.number(labels)?;
        instances.all.get_mut(number as usize)
    }

    /// Adds what happened in a minute, for windows only.
    pub fn add_minute(&mut self, indicator: usize, labels: &Labels, minute: i64, events: Events) {
        if let Some(instance) = self.instance(indicator, labels) {
            instance.add_minute(minute, events);
        }
    }

    /// The number of an instance of an indicator, for whoever adds much to it; `None` where there are too many.
    pub fn instance_number(&mut self, indicator: usize, labels: &Labels) -> Option<u32> {
        self.indicators.get_mut(indicator)?.number(labels)
    }

    /// Adds what happened in a minute to the instance of this number, for windows only.
    pub fn add_minute_of(&mut self, indicator: usize, number: u32, minute: i64, events: Events) {
        let instances = self.indicators.get_mut(indicator);
        if let Some(instance) = instances.and_then(|instances| instances.all.get_mut(number as usize)) {
            instance.add_minute(minute, events);
        }
    }

    /// Adds what happened in an hour to the instance of this number, for long spans only.
    pub fn add_hour_of(&mut self, indicator: usize, number: u32, hour: i64, events: Events) {
        let instances = self.indicators.get_mut(indicator);
        if let Some(instance) = instances.and_then(|instances| instances.all.get_mut(number as usize)) {
            instance.counts.add_hour(hour, events);
        }
    }

    /// Says when an instance was first seen, where that is longer ago than what is added.
    pub fn seen(&mut self, indicator: usize, labels: &Labels, first: i64) {
        if let Some(instance) = self.instance(indicator, labels) {
            instance.first_seen = Some(instance.first_seen.map_or(first, |known| known.min(first)));
        }
    }

    /// Goes on with an alert that was kept. Says whether its rule is still there.
    pub fn restore(&mut self, alert: &ActiveAlert) -> bool {
        let is_of = |state: &State| {
            state.rule.scope.contains(&alert.instance)
                && labels_of(&state.rule, &alert.instance) == *alert.labels
        };
        let Some(state) = self.rules.iter_mut().find(|state| is_of(state)) else { return false };
        let number = self.indicators.get_mut(state.indicator).and_then(|known| known.number(&alert.instance));
        number.is_some_and(|number| {
            state.active.insert(number, alert.clone());
            true
        })
    }

    /// The rules, in their order.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.iter().map(|state| &state.rule)
    }

    /// The number of the indicator that a rule judges.
    pub fn indicator(&self, rule: usize) -> Option<usize> {
        self.rules.get(rule).map(|state| state.indicator)
    }

    /// How far a rule was judged.
    pub fn progress(&self, rule: usize) -> Option<Progress> {
        self.rules.get(rule)?.progress
    }

    /// Says how far a rule was judged.
    pub fn set_progress(&mut self, rule: usize, progress: Progress) {
        if let Some(state) = self.rules.get_mut(rule) {
            state.progress = Some(progress);
        }
    }

    /// Judges a rule at the moment at which minute `at` begins, and says what that changed. Moments go forward.
    pub fn evaluate(&mut self, rule: usize, at: i64) -> Vec<Change> {
        let Self { rules, indicators, .. } = self;
        let Some(State { rule: definition, indicator, progress, active }) = rules.get_mut(rule) else {
            return Vec::new();
        };
        let since = progress.map_or(at, |progress| progress.since);
        *progress = Some(Progress { next: at + 1, since });
        let Some(instances) = indicators.get(*indicator) else { return Vec::new() };
        let mut changes = Vec::new();
        for (number, instance) in (0u32..).zip(&instances.all) {
            if !definition.scope.contains(&instance.labels) {
                continue;
            }
            let known = active.get(&number);
            let was_active = known.is_some_and(|alert| alert.state != AlertState::Resolved);
            let moment = Moment { at, since, was_active, first_seen: instance.first_seen };
            let measured = definition.condition.judge(&instance.counts, moment);
            if measured.is_none() && known.is_none() {
                continue;
            }
            let before = known.cloned();
            let mut after = step(definition, &instance.labels, before.clone(), measured, at);
            if let Some(alert) = &mut after {
                alert.follow(&instance.counts, at);
            }
            let state_of = |alert: &Option<ActiveAlert>| alert.as_ref().map(|alert| alert.state);
            let is_new =
                before.as_ref().map(|alert| alert.active_at) != after.as_ref().map(|alert| alert.active_at);
            let is_transition = state_of(&before) != state_of(&after) || is_new;
            if is_transition || before != after {
                let is_forgotten = after.is_none();
                let before_state = state_of(&before);
                if let Some(alert) = after.clone().or(before) {
                    let before = before_state;
                    changes.push(Change { rule, at, before, alert, is_forgotten, is_transition });
                }
            }
            match after {
                Some(alert) => drop(active.insert(number, alert)),
                None => drop(active.remove(&number)),
            }
        }
        changes
    }

    /// Marks alerts as found too late to be told.
    pub fn mark_history(&mut self, changes: &mut [Change]) {
        for change in changes {
            change.alert.is_history = true;
            if let Some(alert) = self.active_of(change) {
                alert.is_history = true;
            }
        }
    }

    /// Notes when it was found by the clock that alerts fire.
    pub fn mark_found(&mut self, changes: &mut [Change], now: Timestamp) {
        let begins = |change: &&mut Change| {
            change.is_transition && !change.is_forgotten && change.alert.state == AlertState::Firing
        };
        for change in changes.iter_mut().filter(begins) {
            change.alert.found_us = Some(now.micros());
            if let Some(alert) = self.active_of(change) {
                alert.found_us = Some(now.micros());
            }
        }
    }

    fn active_of(&mut self, change: &Change) -> Option<&mut ActiveAlert> {
        let state = self.rules.get_mut(change.rule)?;
        let number = self.indicators.get(state.indicator)?.numbers.get(&change.alert.instance)?;
        state.active.get_mut(number)
    }

    /// All alerts, with the number of their rule.
    pub fn active(&self) -> impl Iterator<Item = (usize, &ActiveAlert)> {
        self.rules
            .iter()
            .enumerate()
            .flat_map(|(rule, state)| state.active.values().map(move |alert| (rule, alert)))
    }

    /// The instances of an indicator with their counts.
    pub fn instances(&self, indicator: usize) -> impl Iterator<Item = (&Arc<Labels>, &MinuteCounts)> {
        let instances = self.indicators.get(indicator).into_iter().flat_map(|instances| &instances.all);
        instances.map(|instance| (&instance.labels, &instance.counts))
    }

    /// The counts of one instance.
    pub fn counts(&self, indicator: usize, labels: &Labels) -> Option<&MinuteCounts> {
        let instances = self.indicators.get(indicator)?;
        let number = *instances.numbers.get(labels)?;
        instances.all.get(number as usize).map(|instance| &instance.counts)
    }

    /// The longest window over an indicator, in minutes.
    pub fn lookback(&self, indicator: usize) -> i64 {
        let rules = self.rules.iter().filter(|state| state.indicator == indicator);
        rules.map(|state| state.rule.lookback()).max().unwrap_or(0)
    }

    /// Forgets minutes that no window of a moment from `at` on has, and hours before `hours_from`.
    pub fn forget(&mut self, indicator: usize, at: i64, hours_from: i64) {
        // An hour more, for the part of an hour at the end of a period.
        let minutes_from = at - self.lookback(indicator) - 60;
        for instance in
            self.indicators.get_mut(indicator).into_iter().flat_map(|instances| &mut instances.all)
        {
            instance.counts.forget(minutes_from, hours_from);
        }
    }

    /// An alert as it is handed on; `generator_url` is the page that shows it.
    pub fn alert(&self, rule: usize, active: &ActiveAlert, generator_url: String) -> Option<Alert> {
        let rule = &self.rules.get(rule)?.rule;
        let (labels, value) = (&active.labels, active.measured.value());
        let data = TemplateData { labels, value, external_url: &self.external_url };
        let expand = |text: &str| template::expand(text, data);
        Some(Alert {
            labels: (*active.labels).clone(),
            annotations: rule
                .annotations
                .iter()
                .map(|(name, text)| (name.clone(), expand(text).into()))
                .collect(),
            starts_at: time(active.fired_at.unwrap_or(active.active_at)),
            ends_at: active.resolved_at.map(time),
            generator_url,
        })
    }
}

impl Instance {
    fn add_minute(&mut self, minute: i64, events: Events) {
        self.counts.add_minute(minute, events);
        self.first_seen = Some(self.first_seen.map_or(minute, |first| first.min(minute)));
    }
}

impl ActiveAlert {
    /// Adds what happened since the last moment, up to the one at which it was over.
    fn follow(&mut self, counts: &MinuteCounts, at: i64) {
        let to = self.resolved_at.unwrap_or(at);
        if to > self.course.to {
            self.course.events.add(counts.sum(self.course.to, to));
            self.course.to = to;
        }
    }
}

impl Instances {
    fn number(&mut self, labels: &Labels) -> Option<u32> {
        if let Some(number) = self.numbers.get(labels) {
            return Some(*number);
        }
        if self.all.len() >= INSTANCES_MAX {
            return None;
        }
        let number = u32::try_from(self.all.len()).ok()?;
        let (labels, counts) = (Arc::new(labels.clone()), MinuteCounts::default());
        self.numbers.insert(Arc::clone(&labels), number);
        self.all.push(Instance { labels, counts, first_seen: None });
        Some(number)
    }
}

/// The moment at which a minute begins.
pub const fn time(minute: i64) -> Timestamp {
    Minute(minute).start()
}

fn labels_of(rule: &Rule, instance: &Labels) -> Labels {
    let mut labels = instance.clone();
    labels.extend(rule.labels.iter().map(|(name, value)| (name.clone(), value.clone())));
    labels
}

/// One step of the state machine of one alert.
fn step(
    rule: &Rule,
    instance: &Arc<Labels>,
    known: Option<ActiveAlert>,
    measured: Option<Measured>,
    at: i64,
) -> Option<ActiveAlert> {
    let Some(measured) = measured else { return step_without(rule, known?, at) };
    let known = known.filter(|alert| alert.state != AlertState::Resolved);
    let mut alert = known.unwrap_or_else(|| ActiveAlert {
        labels: labels_of(rule, instance).into(),
        instance: Arc::clone(instance),
        state: AlertState::Pending,
        active_at: at,
        fired_at: None,
        keep_firing_since: None,
        resolved_at: None,
        measured,
        worst: measured,
        course: Course { from: at - measured.window, to: at - measured.window, events: Events::default() },
        found_us: None,
        is_history: false,
    });
    alert.measured = measured;
    if measured.value() > alert.worst.value() {
        alert.worst = measured;
    }
    alert.keep_firing_since = None;
    if alert.state == AlertState::Pending && has_passed(alert.active_at, at, rule.hold) {
        alert.state = AlertState::Firing;
        alert.fired_at = Some(at);
    }
    Some(alert)
}

/// The same where the rule does not hold.
fn step_without(rule: &Rule, mut alert: ActiveAlert, at: i64) -> Option<ActiveAlert> {
    match alert.state {
        AlertState::Pending => return None,
        AlertState::Resolved => {
            let is_old = alert.resolved_at.is_none_or(|resolved_at| at - resolved_at > RESOLVED_KEPT);
            return (!is_old).then_some(alert);
        }
        AlertState::Firing => {}
    }
    if rule.keep_firing_for > Duration::ZERO {
        let since = *alert.keep_firing_since.get_or_insert(at);
        if !has_passed(since, at, rule.keep_firing_for) {
            return Some(alert);
        }
    }
    alert.state = AlertState::Resolved;
    alert.resolved_at = Some(at);
    Some(alert)
}

fn has_passed(since: i64, at: i64, duration: Duration) -> bool {
    u64::try_from(at - since).is_ok_and(|minutes| Duration::from_secs(minutes * 60) >= duration)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rule::{Condition, RuleScope};

    fn rule(condition: Condition, hold: u64, keep: u64) -> RuleOfIndicator {
        let minutes = |count: u64| Duration::from_secs(count * 60);
        let rule = Rule {
            labels: [("alertname".into(), "A".into())].into(),
            annotations: Labels::new(),
            condition,
            hold: minutes(hold),
            keep_firing_for: minutes(keep),
            scope: RuleScope::default(),
        };
        RuleOfIndicator { rule, indicator: 0 }
    }

    /// What changes when these minutes have a bad event each, up to minute 40: minute, state, whether forgotten.
    fn changes(rule: RuleOfIndicator, bad: &[i64]) -> Vec<(i64, AlertState, bool)> {
        let mut evaluator = Evaluator::new(vec![rule], 1);
        evaluator.name_instance(0, &Labels::new());
        bad.iter().for_each(|minute| evaluator.add(0, &Labels::new(), *minute, Events { good: 0, bad: 1 }));
        let changes = (0..40).flat_map(|at| evaluator.evaluate(0, at));
        let changes = changes.filter(|change| change.is_transition);
        changes.map(|change| (change.at, change.alert.state, change.is_forgotten)).collect()
    }

    #[test]
    fn alerts_go_through_the_states_of_prometheus() {
        use AlertState::{Firing, Pending, Resolved};
        let above = || Condition::Above { window: 1, above: 0 };
        let bad: Vec<i64> = (2..8).collect();
        for (hold, keep, expected) in [
            (0, 0, vec![(3, Firing, false), (9, Resolved, false), (25, Resolved, true)]),
            (5, 0, vec![(3, Pending, false), (8, Firing, false), (9, Resolved, false), (25, Resolved, true)]),
            (6, 0, vec![(3, Pending, false), (9, Pending, true)]),
            (0, 3, vec![(3, Firing, false), (12, Resolved, false), (28, Resolved, true)]),
        ] {
            assert_eq!(changes(rule(above(), hold, keep), &bad), expected, "{hold} {keep}");
        }
        let again = changes(rule(above(), 0, 0), &[2, 4]);
        assert_eq!(again[..3], [(3, Firing, false), (4, Resolved, false), (5, Firing, false)]);
    }

    #[test]
    fn the_other_kinds_hold_when_they_should() {
        use AlertState::{Firing, Resolved};
        let spike = Condition::Spike { window: 2, reference: 10, height_micros: 2_000_000, min_events: 4 };
        let steady: Vec<i64> = (0..20).chain([20, 20, 20, 20]).collect();
        assert_eq!(
            changes(rule(spike, 0, 0), &steady),
            [(21, Firing, false), (22, Resolved, false), (38, Resolved, true)]
        );
        let silent = Condition::Silent { window: 5, below: 1 };
        let seen: Vec<i64> = (0..10).chain([30]).collect();
        assert_eq!(changes(rule(silent, 0, 0), &seen)[..2], [(15, Firing, false), (31, Resolved, false)]);
        let new = |learning| Condition::New { window: 3, learning };
        assert_eq!(
            changes(rule(new(5), 0, 0), &[10, 12, 20])[..2],
            [(11, Firing, false), (14, Resolved, false)]
        );
        assert_eq!(changes(rule(new(11), 0, 0), &[10]), []);
    }

    /// A minute, its good and bad events, and how late they come.
    type Arriving = (i64, u64, u64, i64);

    proptest! {
        /// The watermark is where lines up to so late have come: each moment is judged once it has passed.
        #[test]
        fn the_order_of_arrival_changes_no_alert(
            events in prop::collection::vec((0i64..60, 0u64..4, 0u64..4, 0i64..6), 1..120),
        ) {
            let run = |arrival: fn(&Arriving) -> i64| {
                let condition = Condition::Above { window: 3, above: 4 };
                let mut evaluator = Evaluator::new(vec![rule(condition, 2, 1)], 1);
                evaluator.name_instance(0, &Labels::new());
                let mut changes = Vec::new();
                for now in 0..80 {
                    for event in events.iter().filter(|event| arrival(event) == now) {
                        evaluator.add(0, &Labels::new(), event.0, Events { good: event.1, bad: event.2 });
                    }
                    let watermark = now - 6;
                    changes.extend(evaluator.evaluate(0, watermark));
                    evaluator.forget(0, watermark, i64::MIN / 2);
                }
                changes
            };
            let in_order = run(|event| event.0);
            prop_assert_eq!(&in_order, &run(|event| event.0 + event.3));
            prop_assert_eq!(&in_order, &run(|event| event.0 + 6 - event.3));
        }
    }
}
