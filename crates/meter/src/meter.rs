//! Requests to counters and histograms.
//!
//! A meter is used twice: small and short-lived as the delta of one batch, and large as the sum of
//! all batches that were read to their end. A batch that turns out broken half-way is dropped with
//! its delta, so no object is ever half-counted, and [`Meter::merge`] is the only way in.

use weir_record::{Origin, Request, Timestamp};

use crate::bounds::Bounds;
use crate::counts::Counts;
use crate::durable::SeriesId;
use crate::labels::Labels;
use crate::slots::{BatchSlots, SlotRange};
use crate::table::{Standing, Table};

/// What to count, and how much of it.
#[derive(Clone, Copy, Debug)]
pub struct MeterOptions {
    /// Label sets per family, at least [`crate::SERIES_MIN`].
    pub series_max: usize,
    /// Whether the label `target_group` is wanted.
    pub has_target_group: bool,
    /// Whether the label `application` is wanted.
    pub has_application: bool,
    /// Whether native histograms are kept beside the classic ones.
    pub has_native_histograms: bool,
    /// Whether any service is configured; half the room is then kept for them.
    pub has_services: bool,
    /// Times within which answers are promised, in microseconds: each is a bound of the histograms.
    pub thresholds_us: &'static [u64],
}

impl Default for MeterOptions {
    fn default() -> Self {
        Self {
            series_max: 50_000,
            has_target_group: true,
            has_application: true,
            has_native_histograms: false,
            has_services: false,
            thresholds_us: &[],
        }
    }
}

/// Counters and histograms of everything observed and merged so far.
#[derive(Clone, Debug)]
pub struct Meter {
    pub(crate) options: MeterOptions,
    pub(crate) alb: OriginMeter,
    pub(crate) nginx: OriginMeter,
    slots: Option<BatchSlots>,
}

/// The series of one origin, and the bounds of its histograms.
#[derive(Clone, Debug)]
pub(crate) struct OriginMeter {
    pub table: Table,
    pub bounds: Bounds,
}

/// How a request is to be counted.
#[derive(Clone, Copy, Debug)]
pub struct Counting<'a> {
    /// The labels.
    pub labels: Labels<'a>,
    /// What the config knows of the labels.
    pub standing: Standing,
    /// Whether its latencies go into the histograms.
    pub has_histogram: bool,
}

impl Meter {
    /// Nothing counted yet.
    pub fn new(options: MeterOptions) -> Self {
        let table = || Table::new(options.series_max, options.has_services);
        Self {
            options,
            alb: OriginMeter { table: table(), bounds: Bounds::load_balancer(options.thresholds_us) },
            nginx: OriginMeter { table: table(), bounds: Bounds::nginx(options.thresholds_us) },
            slots: None,
        }
    }

    /// A meter for one batch that also counts by minute, for [`Meter::stored_slots`].
    pub fn with_slots(options: MeterOptions, range: SlotRange) -> Self {
        let bounds = Bounds::load_balancer(options.thresholds_us);
        Self { slots: Some(BatchSlots::new(bounds, range)), ..Self::new(options) }
    }

    /// Counts one request. `now` is the time of its arrival.
    #[inline]
    pub fn observe(&mut self, counting: &Counting<'_>, request: &Request<'_>, now: Timestamp) {
        let mut labels = counting.labels;
        if !self.options.has_target_group {
            labels.target_group = "";
        }
        if !self.options.has_application {
            labels.application = "";
        }
        let has_native = self.options.has_native_histograms;
        let OriginMeter { table, bounds } = match request.origin {
            Origin::Alb => &mut self.alb,
            Origin::Nginx => &mut self.nginx,
        };
        let new = || Counts::new(bounds, has_native);
        let (row, counts) = table.counts_mut(&labels, counting.standing, now, new);
        count(counts, request, counting.has_histogram, bounds);
        if let Some(slots) = &mut self.slots {
            slots.observe(row, request);
        }
    }

    pub(crate) fn batch_slots(&self) -> Option<&BatchSlots> {
        self.slots.as_ref()
    }

    pub(crate) fn origin_mut(&mut self, origin: Origin) -> &mut OriginMeter {
        match origin {
            Origin::Alb => &mut self.alb,
            Origin::Nginx => &mut self.nginx,
        }
    }

    pub(crate) fn origin(&self, origin: Origin) -> &OriginMeter {
        match origin {
            Origin::Alb => &self.alb,
            Origin::Nginx => &self.nginx,
        }
    }

    /// Adds everything that `other` counted, as arriving at `now`.
    ///
    /// Exact, and the same in any order, as long as both fit the budget; above it the totals by
    /// status still are.
    pub fn merge(&mut self, other: &Self, now: Timestamp) {
        let has_native = self.options.has_native_histograms;
        for (own, other) in [(&mut self.alb, &other.alb), (&mut self.nginx, &other.nginx)] {
            let bounds = &own.bounds;
            own.table.merge(&other.table, now, || Counts::new(bounds, has_native));
        }
    }

    /// Forgets all counts and keeps the label sets for the next batch, which believes the minutes of `range`.
    pub fn clear_for(&mut self, range: SlotRange) {
        self.clear();
        if let Some(slots) = &mut self.slots {
            slots.range = range;
        }
    }

    /// Forgets all counts and keeps the label sets for the next batch.
    pub fn clear(&mut self) {
        self.alb.table.clear_counts();
        self.nginx.table.clear_counts();
        if let Some(slots) = &mut self.slots {
            slots.slots.clear();
            slots.outside = 0;
            slots.dropped = 0;
        }
    }

    /// Forgets series without a record for 30 days, so that others find room. Returns those that the disk
    /// knows and must forget too.
    pub fn purge(&mut self, now: Timestamp) -> Vec<SeriesId> {
        let alb = self.alb.table.purge(now).into_iter().map(|birth| SeriesId { origin: Origin::Alb, birth });
        let nginx = self.nginx.table.purge(now).into_iter();
        alb.chain(nginx.map(|birth| SeriesId { origin: Origin::Nginx, birth })).collect()
    }

    /// For each origin the family that tells its series, and the requests that were counted under
    /// [`crate::OTHER`] because the family had no room for their own labels.
    pub fn overflows(&self) -> [(&'static str, u64); 2] {
        [
            ("alb_log_request_count_total", self.alb.table.overflowed()),
            ("nginx_http_requests_total", self.nginx.table.overflowed()),
        ]
    }

    /// For each of the same families the label sets that it has room taken for, of
    /// [`MeterOptions::series_max`] each.
    pub fn label_sets(&self) -> [(&'static str, usize); 2] {
        [
            ("alb_log_request_count_total", self.alb.table.rows().len()),
            ("nginx_http_requests_total", self.nginx.table.rows().len()),
        ]
    }

    /// Requests counted so far.
    pub fn requests(&self) -> u64 {
        let tables = [&self.alb.table, &self.nginx.table];
        tables.iter().flat_map(|table| table.rows()).map(|row| row.counts.requests).sum()
    }

    /// The sequence number of the youngest series that has counts.
    pub fn counted_births(&self) -> Births {
        Births { alb: self.alb.table.counted_births(), nginx: self.nginx.table.counted_births() }
    }

    /// The sequence number of the youngest series.
    pub fn births(&self) -> Births {
        Births { alb: self.alb.table.births(), nginx: self.nginx.table.births() }
    }
}

/// How many series each table had given birth to at some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Births {
    /// Of load balancers.
    pub alb: u64,
    /// Of nginx.
    pub nginx: u64,
}

/// Adds one request to the counts of its label set.
#[inline]
fn count(counts: &mut Counts, request: &Request<'_>, has_histogram: bool, bounds: &Bounds) {
    counts.requests += 1;
    counts.target_time_us += u128::from(request.upstream_time_us.unwrap_or(0));
    counts.bytes_in = counts.bytes_in.saturating_add(request.bytes_in.unwrap_or(0));
    counts.bytes_out = counts.bytes_out.saturating_add(request.bytes_out.unwrap_or(0));
    if request.status.is_some_and(weir_record::Status::is_server_error) {
        match request.target_status {
            Some(_) => counts.target_errors += 1,
            None => counts.balancer_errors += 1,
        }
    }
    // A connection's life is not a latency.
    if !has_histogram || request.is_connection {
        return;
    }
    if let Some(value_us) = request.request_time_us {
        counts.request_times.observe(value_us, bounds);
    }
    if let Some(value_us) = request.upstream_time_us {
        counts.target_times.observe(value_us, bounds);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::families::View;
    use crate::labels::OTHER;
    use crate::snapshot::{Snapshot, Value};
    use proptest::prelude::*;
    use weir_record::Status;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_169_730);

    /// One request in a test: where, what came of it, how long it took.
    #[derive(Clone, Debug)]
    struct Sample {
        host: String,
        method: &'static str,
        path: String,
        target_group: &'static str,
        status: u16,
        request_time_us: Option<u64>,
        is_configured: bool,
    }

    impl Sample {
        fn of_path(path: impl Into<String>) -> Self {
            Self {
                host: "shop.example.com".into(),
                method: "GET",
                path: path.into(),
                target_group: "tg/web",
                status: 200,
                request_time_us: Some(42_000),
                is_configured: false,
            }
        }

        fn observe(&self, meter: &mut Meter) {
            let request = Request {
                status: Status::from_code(self.status),
                request_time_us: self.request_time_us,
                upstream_time_us: self.request_time_us,
                bytes_out: Some(10),
                ..Request::new(Origin::Alb, NOW)
            };
            let labels = Labels {
                host: &self.host,
                method: self.method,
                path: &self.path,
                target_group: self.target_group,
                application: if self.is_configured { "shop" } else { "" },
                status: request.status,
            };
            let standing =
                Standing { is_configured: self.is_configured, is_host_configured: self.is_configured };
            let counting = Counting { labels, standing, has_histogram: true };
            meter.observe(&counting, &request, NOW);
        }
    }

    fn meter_of(options: MeterOptions, samples: &[Sample]) -> Meter {
        let mut meter = Meter::new(options);
        samples.iter().for_each(|sample| sample.observe(&mut meter));
        meter
    }

    fn small(series_max: usize) -> MeterOptions {
        MeterOptions { series_max, has_native_histograms: true, ..MeterOptions::default() }
    }

    fn count_by(snapshot: &Snapshot, label: &str) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        let family = snapshot.families.iter().find(|family| &*family.name == "alb_log_request_count_total");
        for series in family.map(|family| family.series.as_slice()).unwrap_or_default() {
            let value =
                series.labels.iter().find(|(name, _)| &**name == label).map(|(_, value)| value.to_string());
            if let (Some(value), Value::Number(number)) = (value, &series.value) {
                *counts.entry(value).or_default() += *number as u64;
            }
        }
        counts
    }

    fn series_count(meter: &Meter) -> usize {
        meter.alb.table.rows().len()
    }

    #[test]
    fn beyond_the_budget_paths_fold_first_and_totals_stay() {
        let samples: Vec<_> = (0..1000).map(|number| Sample::of_path(format!("/{number}"))).collect();
        let meter = meter_of(small(200), &samples);
        let snapshot = meter.snapshot(View::ALL);
        assert!(series_count(&meter) <= 200, "{}", series_count(&meter));
        assert_eq!(count_by(&snapshot, "host"), BTreeMap::from([("shop.example.com".to_owned(), 1000)]));
        assert_eq!(count_by(&snapshot, "path")[OTHER], 840);
        assert_eq!(meter.overflows()[0], ("alb_log_request_count_total", 840));
    }

    #[test]
    fn a_client_that_invents_hosts_methods_and_paths_stays_within_the_budget() {
        let samples: Vec<_> = (0..5000u16)
            .map(|number| Sample {
                host: format!("h{number}"),
                status: 200 + number % 400,
                ..Sample::of_path(format!("/{number}"))
            })
            .collect();
        let meter = meter_of(small(1000), &samples);
        assert!(series_count(&meter) <= 1000 + 400, "{}", series_count(&meter));
        let by_status = count_by(&meter.snapshot(View::ALL), "status");
        assert_eq!(by_status.len(), 400);
        assert_eq!(by_status.values().sum::<u64>(), 5000);
    }

    #[test]
    fn a_thousand_unconfigured_hosts_and_no_more() {
        let samples: Vec<_> =
            (0..3000).map(|number| Sample { host: format!("h{number}"), ..Sample::of_path("/") }).collect();
        let meter = meter_of(MeterOptions::default(), &samples);
        let hosts = count_by(&meter.snapshot(View::ALL), "host");
        assert_eq!(hosts.len(), crate::UNCONFIGURED_HOSTS_MAX + 1);
        assert_eq!(hosts[OTHER], 2000);
    }

    #[test]
    fn a_scanner_cannot_push_configured_routes_out() {
        let scans = (0..1000).map(|number| Sample::of_path(format!("/scan/{number}")));
        let routes =
            (0..100).map(|number| Sample { is_configured: true, ..Sample::of_path(format!("/r/{number}")) });
        let samples: Vec<_> = scans.chain(routes).collect();
        let meter = meter_of(MeterOptions { has_services: true, ..small(200) }, &samples);
        let paths = count_by(&meter.snapshot(View::ALL), "path");
        assert_eq!(paths.keys().filter(|path| path.starts_with("/r/")).count(), 100);
    }

    #[test]
    fn series_that_nobody_used_for_a_month_make_room() {
        let mut meter = meter_of(small(200), &[Sample::of_path("/old")]);
        let month_us = 31 * 86_400 * 1_000_000;
        meter.purge(NOW.plus_micros(month_us));
        assert_eq!(series_count(&meter), 0);
        Sample::of_path("/old").observe(&mut meter);
        assert_eq!(meter.births().alb, 2);
    }

    #[test]
    fn a_histogram_does_not_go_down_when_one_of_its_statuses_goes_quiet() {
        let day_us = 86_400 * 1_000_000;
        let mut meter = meter_of(small(200), &[Sample { status: 503, ..Sample::of_path("/a") }]);
        let fresh = meter_of(small(200), &[Sample::of_path("/a")]);
        meter.merge(&fresh, NOW.plus_micros(2 * day_us));
        let view = View { counted_since: NOW.plus_micros(day_us), ..View::ALL };
        let count = |meter: &Meter| {
            let snapshot = meter.snapshot(view);
            let family =
                snapshot.families.iter().find(|family| &*family.name == "alb_log_request_time_seconds");
            match &family.expect("a latency").series[0].value {
                Value::Histogram(histogram) => histogram.count(),
                Value::Number(_) | Value::Summary { .. } => 0,
            }
        };
        assert_eq!(count(&meter), 2);
        assert_eq!(count_by(&meter.snapshot(view), "status"), BTreeMap::from([("200".to_owned(), 1)]));
        meter.purge(NOW.plus_micros(31 * day_us));
        assert_eq!(count(&meter), 2, "nor when it is a month old");
    }

    #[test]
    fn overflow_is_counted_once_through_a_merge() {
        let samples: Vec<_> = (0..1000).map(|number| Sample::of_path(format!("/{number}"))).collect();
        let mut merged = Meter::new(small(200));
        merged.merge(&meter_of(small(200), &samples), NOW);
        assert_eq!(merged.overflows()[0].1, 840);
        let hosts: Vec<_> =
            (0..3000).map(|number| Sample { host: format!("h{number}"), ..Sample::of_path("/") }).collect();
        assert_eq!(meter_of(MeterOptions::default(), &hosts).overflows()[0].1, 2000);
    }

    fn samples() -> impl Strategy<Value = Vec<Sample>> {
        let sample = (
            0..4u8,
            0..3u8,
            0..20u8,
            0..3u8,
            0..6usize,
            proptest::option::of(0u64..5_000_000),
            any::<bool>(),
        );
        let sample =
            sample.prop_map(|(host, method, path, group, status, request_time_us, is_configured)| Sample {
                host: format!("h{host}"),
                method: ["GET", "POST", "PUT"][usize::from(method)],
                path: format!("/{path}"),
                target_group: ["", "tg/web", "tg/api"][usize::from(group)],
                status: [200, 204, 301, 404, 500, 503][status],
                request_time_us,
                is_configured,
            });
        proptest::collection::vec(sample, 0..200)
    }

    proptest! {
        #[test]
        fn below_the_budget_any_split_in_any_order_counts_the_same(samples in samples(), split in 0usize..200) {
            let (left, right) = samples.split_at(split.min(samples.len()));
            let whole = meter_of(small(50_000), &samples).snapshot(View::ALL);
            for (first, second) in [(left, right), (right, left)] {
                let mut merged = Meter::new(small(50_000));
                merged.merge(&meter_of(small(50_000), first), NOW);
                merged.merge(&meter_of(small(50_000), second), NOW);
                prop_assert_eq!(&merged.snapshot(View::ALL), &whole);
            }
        }

        #[test]
        fn above_the_budget_totals_by_status_do_not_change(
            samples in samples(), split in 0usize..200,
        ) {
            let (left, right) = samples.split_at(split.min(samples.len()));
            let whole = meter_of(small(50_000), &samples).snapshot(View::ALL);
            for (first, second) in [(left, right), (right, left)] {
                let mut merged = meter_of(small(100), first);
                merged.merge(&meter_of(small(100), second), NOW);
                // Six statuses of two applications, with and without a target group, are never folded further.
                prop_assert!(series_count(&merged) <= 100 + 24);
                let merged = merged.snapshot(View::ALL);
                prop_assert_eq!(count_by(&merged, "status"), count_by(&whole, "status"));
            }
        }
    }
}
