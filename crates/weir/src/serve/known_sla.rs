//! What is known of a promise to one instance.
//!
//! Numbers are taken of each instance after each evaluation, on the thread that has the counts, and there may be ten
//! thousand; words are made of them when somebody asks, elsewhere.

use std::sync::Arc;
use std::time::Duration;

use weir_alert::{Events, Labels, MinuteCounts, Sla, time};
use weir_record::{Minute, Timestamp};
use weir_web::{SlaBudget, SlaDay, SlaStatus};

use super::alerting_view::minutes_text;
use super::bad_events::BadEvents;
use super::indicators::{Indicator, Subject};

/// Days that an answer has.
const DAYS_MAX: i64 = 400;

/// How far behind a source may be, beyond its lateness, before nothing is known of its promises.
const STALLED: Duration = Duration::from_secs(2 * 60);

/// Minutes in a day.
const DAY: i64 = 24 * 60;

/// Windows in which the speed is shown, in minutes.
const BURN_WINDOWS: [i64; 4] = [5, 60, 360, 1440];

/// A promise to one instance, as it was when it was judged last.
#[derive(Clone, Debug, Default)]
pub struct KnownSla {
    /// The number of its indicator.
    pub indicator: usize,
    /// Its instance.
    pub instance: Arc<Labels>,
    /// What is known of its source.
    pub source: KnownSource,
    /// The span that is counted, in minutes.
    span: (i64, i64),
    /// The events of the span.
    events: Events,
    /// Those of each of the windows that end with it.
    windows: [Events; BURN_WINDOWS.len()],
    /// The days of the span that had events.
    days: Vec<(i64, Events)>,
    /// The first minute of the span of which anything is known.
    known_since: i64,
}

/// How far a source is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct KnownSource {
    /// Up to when it is complete.
    pub complete_to: Option<Timestamp>,
    /// How late its lines may be, in microseconds.
    pub lateness_us: i64,
}

impl KnownSla {
    /// What is known at the time `now`.
    pub fn of(
        (indicator, sla): (usize, &Sla),
        instance: &Arc<Labels>,
        counts: &MinuteCounts,
        source: KnownSource,
        now: Timestamp,
    ) -> Self {
        let Minute(end) = source.complete_to.unwrap_or(now).minute();
        // That of a long span begins with an hour.
        let start = MinuteCounts::start_of_period(sla.time_window.start(end));
        Self {
            indicator,
            instance: Arc::clone(instance),
            source,
            span: (start, end),
            events: counts.sum_of_period(start, end),
            windows: BURN_WINDOWS.map(|window| counts.sum(end - window, end)),
            days: days(counts, start, end),
            known_since: counts.first().map_or(end, |first| first.max(start)),
        }
    }

    /// Whether an alert with these labels is about it.
    pub fn has_labels(&self, sla: &Sla, labels: &Labels) -> bool {
        let is = |name: &str, value: &str| labels.get(name).map_or("", |value| value) == value;
        let own = |name: &str| self.instance.get(name).map_or("", |value| &**value);
        is("sla", &sla.name)
            && is("service", &sla.service)
            && ["route", "method"].iter().all(|name| is(name, own(name)))
    }

    /// How it is shown, as it was judged.
    pub fn status(&self, sla: &Sla) -> SlaStatus {
        let (start, end) = self.span;
        let (objective, total) = (sla.objective_of(&self.instance), self.events.total());
        let allowed_share = objective.allowed();
        let allowed = allowed_share.of(total);
        let state = match () {
            () if total == 0 => "no_requests",
            () if allowed_share.is_exceeded_by(self.events.bad, total) => "broken",
            () => "met",
        };
        let label = |name: &str| self.instance.get(name).map_or_else(String::new, ToString::to_string);
        let share_of = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        let burn_rates = BURN_WINDOWS.iter().zip(self.windows).filter_map(|(window, events)| {
            let bad_share = share_of(events.bad, events.total())?;
            Some((minutes_text(*window), bad_share / allowed_share.as_f64()))
        });
        let left_share = 1.0 - self.events.bad as f64 / allowed.max(f64::MIN_POSITIVE);
        SlaStatus {
            sla: sla.name.to_string(),
            service: sla.service.to_string(),
            source: sla.source.to_string(),
            route: label("route"),
            method: label("method"),
            promise: sla.promise(objective, &self.instance),
            objective: objective.percent(),
            state: state.to_owned(),
            from: time(start).to_string(),
            to: self.source.complete_to.map(|complete_to| complete_to.minute().start().to_string()),
            good: self.events.good,
            bad: self.events.bad,
            bad_query: String::new(),
            good_share: share_of(self.events.good, total),
            budget: SlaBudget {
                allowed,
                spent: self.events.bad,
                left_share: (total > 0).then_some(left_share),
            },
            burn_rates: burn_rates.collect(),
            coverage: (end - self.known_since) as f64 / (end - start).max(1) as f64,
            days: self.days.iter().map(|(from, events)| shown_day(*from, *events)).collect(),
        }
    }

    /// How it is shown at the time `now`: its source may have stopped since.
    pub fn status_at(&self, sla: &Sla, indicator: &Indicator, now: Timestamp) -> SlaStatus {
        let mut status = self.status(sla);
        if self.source.stands_still_at(now) {
            status.state = "unknown".to_owned();
        }
        status.bad_query = BadEvents::between(indicator, &self.instance, self.span).bad.to_string();
        status
    }
}

impl KnownSource {
    fn stands_still_at(self, now: Timestamp) -> bool {
        let allowed = self.lateness_us.saturating_add_unsigned(STALLED.as_micros() as u64);
        self.complete_to.is_none_or(|complete_to| now.micros() - complete_to.micros() > allowed)
    }
}

/// The promise of an indicator.
pub fn sla_of(indicator: &Indicator) -> Option<&Sla> {
    match &indicator.subject {
        Subject::Sla(sla) => Some(sla),
        Subject::Alert(_) => None,
    }
}

fn days(counts: &MinuteCounts, start: i64, end: i64) -> Vec<(i64, Events)> {
    let first = start.div_euclid(DAY).max(end.div_euclid(DAY) - DAYS_MAX + 1);
    let day = |day: i64| {
        let events = counts.sum_of_period((day * DAY).max(start), ((day + 1) * DAY).min(end));
        (day * DAY, events)
    };
    (first..=(end - 1).div_euclid(DAY)).map(day).filter(|(_, events)| events.total() > 0).collect()
}

fn shown_day(from: i64, Events { good, bad }: Events) -> SlaDay {
    SlaDay { from: time(from).to_string(), good, bad }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_known_of_a_promise_whose_source_stands_still() {
        let mut source =
            KnownSource { complete_to: Some(Timestamp::from_seconds(1_000)), lateness_us: 10_000_000 };
        let stands_still =
            |source: KnownSource, second| source.stands_still_at(Timestamp::from_seconds(second));
        assert_eq!([1_130, 1_131].map(|second| stands_still(source, second)), [false, true]);
        source.complete_to = None;
        assert!(stands_still(source, 0));
    }

    #[test]
    fn days_are_those_of_the_span_that_had_requests() {
        let mut counts = MinuteCounts::default();
        for (minute, good, bad) in [(10, 1, 0), (DAY + 5, 2, 1), (3 * DAY, 5, 0)] {
            counts.add(minute, Events { good, bad });
        }
        let expected = [(0, Events { good: 1, bad: 0 }), (DAY, Events { good: 2, bad: 1 })];
        assert_eq!(days(&counts, 0, 3 * DAY), expected);
    }
}
