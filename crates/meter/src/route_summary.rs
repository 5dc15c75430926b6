//! Slots summed up per route, over any span of minutes.
//!
//! Percentiles come from the classic buckets, by the interpolation that Prometheus'
//! `histogram_quantile` uses, so that both show the same number.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_record::Minute;

use crate::slots::{MinuteSlots, Slot};

/// Source, service, route and method of a summary.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteKey {
    /// The source's name in the config.
    pub source: Arc<str>,
    /// The service's name; empty for none.
    pub service: Arc<str>,
    /// The route.
    pub route: Arc<str>,
    /// One of the known methods, or `OTHER`.
    pub method: &'static str,
}

/// What one route did.
#[derive(Clone, Debug)]
pub struct RouteSummary {
    /// Whose.
    pub key: RouteKey,
    /// Requests.
    pub count: u64,
    /// Requests with a status of 500 or above.
    pub errors: u64,
    sum_us: u128,
    buckets: Vec<u64>,
    bounds: Arc<[f64]>,
}

impl MinuteSlots {
    /// One summary per source, service, route and method, over the minutes from `from` (inclusive)
    /// to `to` (exclusive), in the order of their keys.
    pub fn summarize_routes(&self, from: Minute, to: Minute) -> Vec<RouteSummary> {
        let bounds = self.bounds();
        let mut routes: BTreeMap<RouteKey, RouteSummary> = BTreeMap::new();
        for (_, slot_key, slot) in self.between(from, to) {
            let key = RouteKey {
                source: Arc::clone(&slot_key.source),
                service: Arc::clone(&slot_key.service),
                route: Arc::clone(&slot_key.route),
                method: slot_key.method,
            };
            let empty = || RouteSummary::new(key.clone(), &bounds);
            let is_error = slot_key.status_class.is_some_and(|class| class >= 5);
            routes.entry(key.clone()).or_insert_with(empty).add(slot, is_error);
        }
        routes.into_values().collect()
    }
}

impl RouteSummary {
    fn new(key: RouteKey, bounds: &Arc<[f64]>) -> Self {
        Self {
            key,
            count: 0,
            errors: 0,
            sum_us: 0,
            buckets: vec![0; bounds.len() + 1],
            bounds: Arc::clone(bounds),
        }
    }

    fn add(&mut self, slot: &Slot, is_error: bool) {
        self.count += slot.count;
        self.errors += if is_error { slot.count } else { 0 };
        self.sum_us += slot.sum_us;
        for (bucket, &added) in self.buckets.iter_mut().zip(&slot.buckets) {
            *bucket += u64::from(added);
        }
    }

    /// The share of requests with a status of 500 or above, 0 to 1.
    pub fn error_ratio(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.errors as f64 / self.count as f64 }
    }

    /// The mean request time in seconds; `None` if no request had one.
    pub fn mean_seconds(&self) -> Option<f64> {
        let count: u64 = self.buckets.iter().sum();
        (count > 0).then(|| self.sum_us as f64 / 1e6 / count as f64)
    }

    /// A percentile of the request time in seconds, linear within its bucket (so off by at most the
    /// bucket's width); the last bound for what lies above it. `None` if no request had a time.
    pub fn quantile_seconds(&self, quantile: f64) -> Option<f64> {
        let count: u64 = self.buckets.iter().sum();
        if count == 0 {
            return None;
        }
        let rank = quantile.clamp(0.0, 1.0) * count as f64;
        let mut below = 0;
        for (index, (&in_bucket, &upper)) in self.buckets.iter().zip(self.bounds.iter()).enumerate() {
            if in_bucket > 0 && (below + in_bucket) as f64 >= rank {
                let lower = if index == 0 { 0.0 } else { self.bounds[index - 1] };
                let share = (rank - below as f64) / in_bucket as f64;
                return Some(lower + (upper - lower) * share);
            }
            below += in_bucket;
        }
        self.bounds.last().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::Labels;
    use crate::meter::{Counting, Meter, MeterOptions};
    use crate::slots::SlotRange;
    use crate::table::Standing;
    use weir_record::{Origin, Request, Status, Timestamp};

    /// `minute status request_time_ms` of requests for `/a`, and the summary of the minutes 10 to 12.
    fn summary_of(requests: &[(i64, u16, u64)]) -> Option<RouteSummary> {
        let now = Timestamp::from_seconds(20 * 60);
        let standing = Standing { is_configured: true, is_host_configured: false };
        let mut batch = Meter::with_slots(MeterOptions::default(), SlotRange::at(now));
        for &(minute, status, request_time_ms) in requests {
            let request = Request {
                status: Status::from_code(status),
                request_time_us: Some(request_time_ms * 1000),
                ..Request::new(Origin::Alb, Minute(minute).start())
            };
            let labels = Labels {
                host: "h",
                method: "GET",
                path: "/a",
                target_group: "",
                application: "shop",
                status: request.status,
            };
            batch.observe(&Counting { labels, standing, has_histogram: true }, &request, now);
        }
        let mut slots = MinuteSlots::new(1000);
        batch.add_slots_to(&mut slots, &"alb".into());
        slots.summarize_routes(Minute(10), Minute(13)).pop()
    }

    #[test]
    fn only_the_minutes_asked_for_are_summed() {
        let summary =
            summary_of(&[(9, 500, 1), (10, 200, 100), (12, 503, 300), (13, 500, 1)]).expect("requests");
        assert_eq!((summary.count, summary.errors), (2, 1));
        assert_eq!(summary.mean_seconds(), Some(0.2));
        assert!(summary_of(&[(9, 200, 1)]).is_none());
    }

    #[test]
    fn percentiles_interpolate_within_a_bucket() {
        // Ten requests between 0.3 and 0.4 s: the median is taken as the middle of the bucket.
        let summary = summary_of(&[(10, 200, 350); 10]).expect("requests");
        let median = summary.quantile_seconds(0.5).expect("latencies");
        assert!((median - 0.35).abs() < 1e-9, "{median}");
        let beyond = summary_of(&[(10, 200, 500_000)]).expect("requests");
        assert_eq!(beyond.quantile_seconds(0.99), Some(120.0), "above the last bound");
    }

    #[test]
    fn records_of_times_that_cannot_be_true_open_no_minute() {
        let far_ahead = 20 + 2 * 24 * 60;
        assert!(summary_of(&[(far_ahead, 200, 1)]).is_none());
    }
}
