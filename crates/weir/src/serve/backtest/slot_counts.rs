//! What the minutes of routes tell of a promise that was never counted.
//!
//! They have every request, by route, method and class of status, with its time in a bucket. So they tell exactly what
//! was within a time that is a bound of every histogram, and what a query about routes and whole classes of statuses
//! matches; and of anything else they tell nothing, since half a bucket is a guess.

use std::borrow::Cow;

use weir_alert::{Events, Failures, Indicator, Sla};
use weir_meter::durable::{StoredSlot, StoredSlotKey};
use weir_meter::{Bounds, OTHER};
use weir_query::{Expression, Fields, Predicate};
use weir_record::Value;

/// The first class of statuses that the server is to blame for.
const FAILED_CLASS: u8 = 5;

/// What a query may ask of minutes.
const FIELDS: [&str; 5] = ["method", "route", "service", "source", "status"];

/// How the events of a slot come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotMeasure {
    /// It does not count.
    Nothing,
    /// All of it is good, or bad.
    Whole {
        /// Which.
        is_bad: bool,
    },
    /// What was within a time is good; what has no time does not count.
    Within {
        /// That time, in microseconds.
        threshold_us: u64,
    },
}

impl SlotMeasure {
    /// The good and bad events of a slot.
    pub fn events(self, slot: &StoredSlot) -> Events {
        match self {
            Self::Nothing => Events::default(),
            Self::Whole { is_bad: true } => Events { good: 0, bad: slot.count },
            Self::Whole { is_bad: false } => Events { good: slot.count, bad: 0 },
            Self::Within { threshold_us } => {
                let mut events = Events::default();
                for &(upper_us, count) in &slot.request_times.buckets {
                    if upper_us <= threshold_us { events.good += count } else { events.bad += count }
                }
                events
            }
        }
    }
}

/// Whether minutes can tell what a promise is about at all; `bad` is its query.
pub fn can_tell(sla: &Sla, bad: Option<&Expression>) -> bool {
    match &sla.indicator {
        Indicator::Latency { .. } => {
            sla.thresholds_us().all(|us| Bounds::always().binary_search(&us).is_ok())
        }
        Indicator::Ratio { .. } => {
            bad.is_some_and(|bad| bad.fields().iter().all(|field| FIELDS.contains(&field.as_str())))
        }
    }
}

/// What a slot of this key is to a promise that [`can_tell`] has nothing against; `predicate` is its query. `None`
/// where only a part of it may be bad.
pub fn measure(sla: &Sla, predicate: &Predicate, key: &StoredSlotKey) -> Option<SlotMeasure> {
    let has_failed = key.status_class.is_some_and(|class| class >= FAILED_CLASS);
    match sla.indicator {
        Indicator::Latency { failures, .. } => Some(match failures {
            Failures::Bad if has_failed => SlotMeasure::Whole { is_bad: true },
            Failures::Excluded if has_failed => SlotMeasure::Nothing,
            _ => SlotMeasure::Within { threshold_us: sla.threshold_us(&key.route, &key.method)? },
        }),
        Indicator::Ratio { .. } => {
            let is_bad = |status: Option<u16>| predicate.matches(&OfSlot { key, status });
            let Some(class) = key.status_class else {
                return Some(SlotMeasure::Whole { is_bad: is_bad(None) });
            };
            let mut all = (0..100).map(|number| is_bad(Some(u16::from(class) * 100 + number)));
            let first = all.next()?;
            // What gave way to a bound is told apart no more.
            let is_known = &*key.route != OTHER && &*key.method != OTHER;
            (is_known && all.all(|other| other == first)).then_some(SlotMeasure::Whole { is_bad: first })
        }
    }
}

/// A record of a slot, as a query sees it.
struct OfSlot<'k> {
    key: &'k StoredSlotKey,
    status: Option<u16>,
}

impl Fields for OfSlot<'_> {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "status" => self.status.map(|status| Value::Integer(status.into())),
            "route" => Some(Value::Text(Cow::Borrowed(&self.key.route))).filter(|_| &*self.key.route != "-"),
            "method" => Some(Value::Text(Cow::Borrowed(&self.key.method))),
            "service" => Some(Value::Text(Cow::Borrowed(&self.key.service))),
            "source" => Some(Value::Text(Cow::Borrowed(&self.key.source))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use weir_alert::{NoTraffic, Objective, TimeWindow};
    use weir_meter::durable::StoredDistribution;
    use weir_record::Timestamp;

    use super::*;

    fn sla(indicator: Indicator) -> Sla {
        Sla {
            name: "a".into(),
            service: "shop".into(),
            source: "web".into(),
            by_route: true,
            by_method: false,
            indicator,
            objective: Objective::from_percent_micros(95_000_000).unwrap(),
            time_window: TimeWindow::DEFAULT,
            only: Vec::new(),
            overrides: Vec::new(),
            exclusions: Vec::new(),
            on_no_traffic: NoTraffic::default(),
            alerts: Vec::new(),
            labels: weir_alert::Labels::new(),
            annotations: weir_alert::Labels::new(),
        }
    }

    fn key(class: Option<u8>) -> StoredSlotKey {
        StoredSlotKey {
            source: "web".into(),
            service: "shop".into(),
            route: "/pay".into(),
            method: "GET".into(),
            status_class: class,
        }
    }

    #[test]
    fn a_time_that_is_a_bound_is_told_exactly_and_another_not_at_all() {
        let buckets = vec![(300_000, 5), (400_000, 7), (500_000, 2)];
        let slot =
            StoredSlot { count: 20, request_times: StoredDistribution { buckets, ..Default::default() } };
        let check = |failures, class, expected: (u64, u64)| {
            let sla = sla(Indicator::Latency { threshold_us: 400_000, failures });
            assert!(can_tell(&sla, None));
            let events = measure(&sla, &Predicate::All, &key(class)).unwrap().events(&slot);
            assert_eq!((events.good, events.bad), expected, "{failures:?} {class:?}");
        };
        check(Failures::Bad, Some(2), (12, 2));
        check(Failures::Bad, Some(5), (0, 20));
        check(Failures::Excluded, Some(5), (0, 0));
        check(Failures::AsMeasured, Some(5), (12, 2));
        check(Failures::Bad, None, (12, 2));
        assert!(!can_tell(&sla(Indicator::Latency { threshold_us: 350_000, failures: Failures::Bad }), None));
    }

    #[test]
    fn a_query_is_told_where_it_is_about_whole_classes() {
        let sla = sla(Indicator::Ratio { bad: "".into() });
        let whole = |is_bad| Some(SlotMeasure::Whole { is_bad });
        let check = |query: &str, is_possible: bool, expected: &[Option<SlotMeasure>]| {
            let filter = weir_query::parse(query).unwrap().filter;
            assert_eq!(can_tell(&sla, Some(&filter)), is_possible, "{query}");
            let predicate = filter.compile(Timestamp::default()).unwrap();
            let found = [Some(2), Some(5), None].map(|class| measure(&sla, &predicate, &key(class)));
            if is_possible {
                assert_eq!(found, expected, "{query}");
            }
        };
        check("status:>=500", true, &[whole(false), whole(true), whole(false)]);
        check("status:5xx AND NOT route:/pay", true, &[whole(false); 3]);
        check("status:503", true, &[whole(false), None, whole(false)]);
        check("NOT status:*", true, &[whole(false), whole(false), whole(true)]);
        check("status:>=500 AND host:a", false, &[]);
        check("timeout", false, &[]);
    }
}
