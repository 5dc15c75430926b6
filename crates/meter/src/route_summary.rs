//! Slots summed up per route, over any span of minutes.
//!
//! Percentiles come from the classic buckets, by the interpolation that Prometheus'
//! `histogram_quantile` uses, so that both show the same number.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::bounds::Bounds;
use crate::durable::{StoredSlot, StoredSlotKey};

/// Source, service, route and method of a summary.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteKey {
    /// The source's name in the config.
    pub source: Box<str>,
    /// The service's name; empty for none.
    pub service: Box<str>,
    /// The route.
    pub route: Box<str>,
    /// One of the known methods, or `OTHER`.
    pub method: Box<str>,
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

/// Slots, added up per route.
#[derive(Debug)]
pub struct RouteSummaries {
    bounds: Bounds,
    routes: BTreeMap<RouteKey, RouteSummary>,
}

impl Default for RouteSummaries {
    fn default() -> Self {
        Self { bounds: Bounds::load_balancer(&[]), routes: BTreeMap::new() }
    }
}

impl RouteSummaries {
    /// Adds the slot of one minute.
    pub fn add(&mut self, key: &StoredSlotKey, slot: &StoredSlot) {
        let StoredSlotKey { source, service, route, method, status_class } = key;
        let key = RouteKey {
            source: source.clone(),
            service: service.clone(),
            route: route.clone(),
            method: method.clone(),
        };
        let bounds = &self.bounds;
        let summary = self.routes.entry(key).or_insert_with_key(|key| RouteSummary::new(key.clone(), bounds));
        summary.add(slot, bounds, status_class.is_some_and(|class| class >= 5));
    }

    /// One summary per source, service, route and method, in the order of their keys.
    pub fn finish(self) -> Vec<RouteSummary> {
        self.routes.into_values().collect()
    }
}

impl RouteSummary {
    fn new(key: RouteKey, bounds: &Bounds) -> Self {
        let buckets = vec![0; bounds.bucket_count()];
        Self { key, count: 0, errors: 0, sum_us: 0, buckets, bounds: bounds.seconds() }
    }

    fn add(&mut self, slot: &StoredSlot, bounds: &Bounds, is_error: bool) {
        self.count += slot.count;
        self.errors += if is_error { slot.count } else { 0 };
        self.sum_us += slot.request_times.sum_us;
        for &(upper_us, count) in &slot.request_times.buckets {
            self.buckets[bounds.bucket_of(upper_us)] += count;
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
        self.quantile(quantile).map(|found| found.seconds)
    }

    /// How far the percentile that is shown may be from the right one, as a share of what is shown: 0.14 for 0.35
    /// between the bounds 0.3 and 0.4. Infinite where the right one lies above the last bound; `None` if no
    /// request had a time.
    pub fn quantile_error(&self, quantile: f64) -> Option<f64> {
        self.quantile(quantile).map(|found| match found.upper {
            Some(upper) if found.seconds > 0.0 => {
                (found.seconds - found.lower).max(upper - found.seconds) / found.seconds
            }
            _ => f64::INFINITY,
        })
    }

    fn quantile(&self, quantile: f64) -> Option<BucketQuantile> {
        let count: u64 = self.buckets.iter().sum();
        if count == 0 {
            return None;
        }
        let rank = quantile.clamp(0.0, 1.0) * count as f64;
        let mut below = 0;
        let mut lower = 0.0;
        for (&in_bucket, &upper) in self.buckets.iter().zip(self.bounds.iter()) {
            if in_bucket > 0 && (below + in_bucket) as f64 >= rank {
                let share = (rank - below as f64) / in_bucket as f64;
                let seconds = lower + (upper - lower) * share;
                return Some(BucketQuantile { seconds, lower, upper: Some(upper) });
            }
            below += in_bucket;
            lower = upper;
        }
        Some(BucketQuantile { seconds: lower, lower, upper: None })
    }
}

/// A percentile as it is shown, and the bounds of its bucket, between which the right one lies.
struct BucketQuantile {
    seconds: f64,
    lower: f64,
    /// `None` for the bucket above all bounds.
    upper: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::Labels;
    use crate::meter::{Counting, Meter, MeterOptions};
    use crate::slots::SlotRange;
    use crate::table::Standing;
    use weir_record::{Minute, Origin, Request, Status, Timestamp};

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
        let mut routes = RouteSummaries::default();
        let (slots, ..) = batch.stored_slots("alb");
        for row in &slots {
            let asked_for =
                row.minutes.iter().filter(|(minute, _)| (Minute(10)..Minute(13)).contains(minute));
            asked_for.for_each(|(_, slot)| routes.add(&row.key, slot));
        }
        routes.finish().pop()
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
    fn the_error_of_a_percentile_is_that_of_its_bucket() {
        // The times of ten requests in milliseconds, a percentile, and the share by which it may be off.
        for (times_ms, quantile, error) in [
            ([350; 10], 0.5, 0.05 / 0.35),
            ([350; 10], 1.0, 0.1 / 0.4),
            ([1; 10], 0.5, 1.0),
            ([1; 10], 0.1, 9.0),
            ([500_000; 10], 0.5, f64::INFINITY),
        ] {
            let summary = summary_of(&times_ms.map(|time| (10, 200, time))).expect("requests");
            let found = summary.quantile_error(quantile).expect("latencies");
            assert!(found == error || (found - error).abs() < 1e-9, "{quantile} of {}: {found}", times_ms[0]);
        }
    }

    proptest::proptest! {
        #[test]
        fn the_right_percentile_is_within_the_error(
            mut times_ms in proptest::collection::vec(0u64..200_000, 1..60),
            quantile in 0.01f64..1.0,
        ) {
            let requests: Vec<_> = times_ms.iter().map(|&time| (10, 200, time)).collect();
            let summary = summary_of(&requests).expect("requests");
            times_ms.sort_unstable();
            let rank = (quantile * times_ms.len() as f64).ceil().max(1.0) as usize;
            let right = times_ms[rank.min(times_ms.len()) - 1] as f64 / 1e3;
            let shown = summary.quantile_seconds(quantile).expect("latencies");
            let error = summary.quantile_error(quantile).expect("latencies");
            proptest::prop_assert!((shown - right).abs() <= error * shown + 1e-9, "{} {} {}", shown, right, error);
        }
    }

    #[test]
    fn records_of_times_that_cannot_be_true_open_no_minute() {
        let far_ahead = 20 + 2 * 24 * 60;
        assert!(summary_of(&[(far_ahead, 200, 1)]).is_none());
    }
}
