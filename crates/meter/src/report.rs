//! Requests grouped by any fields, with exact counts and percentiles.
//!
//! What a person asks of a folder of logs: which routes are slow, which fail. Unlike the meter's
//! fixed families the columns are the user's, and latencies go into buckets of one percent, so that a
//! percentile is within 0.6 % of the exact one whatever the distribution.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use weir_record::{Request, Timestamp};

use crate::exponential::{ExponentialBuckets, PERCENTILE_SCHEMA};
use crate::labels::OTHER;

/// Groups that a report keeps; what would be one more is counted in a last group of [`OTHER`]s.
pub const GROUPS_MAX: usize = 50_000;

/// Separates the values of a group's key; control characters do not occur in labels from logs.
const SEPARATOR: char = '\u{1f}';
const SEPARATOR_TEXT: &str = "\u{1f}";

/// Requests by group.
#[derive(Clone, Debug, Default)]
pub struct Report {
    columns: usize,
    groups: HashMap<String, Group, RandomState>,
    total: Group,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// What is known of a group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Requests.
    pub count: u64,
    /// Requests with a status of 500 or above.
    pub errors: u64,
    /// Bytes sent to clients.
    pub bytes_out: u128,
    /// The longest request time, in microseconds.
    pub max_us: u64,
    sum_us: u128,
    times: ExponentialBuckets,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            count: 0,
            errors: 0,
            bytes_out: 0,
            max_us: 0,
            sum_us: 0,
            times: ExponentialBuckets::new(PERCENTILE_SCHEMA),
        }
    }
}

impl Group {
    /// The mean request time in seconds; `None` if no request had one.
    pub fn mean_seconds(&self) -> Option<f64> {
        let count = self.times.count();
        (count > 0).then(|| self.sum_us as f64 / 1e6 / count as f64)
    }

    /// A percentile of the request time in seconds, within 0.6 %; `None` if no request had one.
    pub fn quantile_seconds(&self, quantile: f64) -> Option<f64> {
        // The middle of the last bucket may lie above the greatest value, which is known.
        Some(self.times.quantile_us(quantile)?.min(self.max_us as f64) / 1e6)
    }

    /// The share of requests with a status of 500 or above, 0 to 1.
    pub fn error_ratio(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.errors as f64 / self.count as f64 }
    }

    fn observe(&mut self, request: &Request<'_>) {
        self.count += 1;
        self.errors += u64::from(request.status.is_some_and(weir_record::Status::is_server_error));
        self.bytes_out += u128::from(request.bytes_out.unwrap_or(0));
        if let Some(value_us) = request.latency_us() {
            self.sum_us += u128::from(value_us);
            self.max_us = self.max_us.max(value_us);
            self.times.observe(value_us);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.errors += other.errors;
        self.bytes_out += other.bytes_out;
        self.max_us = self.max_us.max(other.max_us);
        self.sum_us += other.sum_us;
        self.times.merge(&other.times);
    }
}

/// Builds the key of a group; reused from one request to the next.
#[derive(Clone, Debug, Default)]
pub struct GroupKey {
    text: String,
    columns: usize,
}

impl GroupKey {
    /// Starts the key of the next request.
    pub fn clear(&mut self) {
        self.text.clear();
        self.columns = 0;
    }

    /// Adds the value of the next column.
    pub fn push(&mut self, value: &str) {
        if self.columns > 0 {
            self.text.push(SEPARATOR);
        }
        self.columns += 1;
        if value.contains(SEPARATOR) {
            self.text.extend(value.chars().filter(|&char| char != SEPARATOR));
        } else {
            self.text.push_str(value);
        }
    }
}

impl Report {
    /// Counts a request in the group of `key`.
    pub fn observe(&mut self, key: &GroupKey, request: &Request<'_>) {
        self.columns = self.columns.max(key.columns);
        self.total.observe(request);
        self.widen(request.time, request.time);
        self.group_mut(&key.text).observe(request);
    }

    /// Adds everything that `other` counted.
    pub fn merge(&mut self, other: &Self) {
        self.columns = self.columns.max(other.columns);
        self.total.merge(&other.total);
        if let (Some(first), Some(last)) = (other.first, other.last) {
            self.widen(first, last);
        }
        for (key, group) in &other.groups {
            self.group_mut(key).merge(group);
        }
    }

    /// All requests together.
    pub fn total(&self) -> &Group {
        &self.total
    }

    /// The times of the first and the last request; `None` without requests.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.first.zip(self.last)
    }

    /// The groups with the values of their columns, in no order.
    pub fn groups(&self) -> impl Iterator<Item = (Vec<&str>, &Group)> {
        self.groups.iter().map(|(key, group)| (key.split(SEPARATOR).collect(), group))
    }

    fn widen(&mut self, first: Timestamp, last: Timestamp) {
        self.first = Some(self.first.map_or(first, |known| known.min(first)));
        self.last = Some(self.last.map_or(last, |known| known.max(last)));
    }

    fn group_mut(&mut self, key: &str) -> &mut Group {
        if self.groups.len() < GROUPS_MAX || self.groups.contains_key(key) {
            return self.groups.entry_ref(key).or_default();
        }
        let others = vec![OTHER; self.columns.max(1)].join(SEPARATOR_TEXT);
        self.groups.entry_ref(others.as_str()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_record::{Origin, Status};

    fn request(status: u16, request_time_us: u64) -> Request<'static> {
        Request {
            status: Status::from_code(status),
            request_time_us: Some(request_time_us),
            bytes_out: Some(100),
            ..Request::new(Origin::Alb, Timestamp::from_seconds(60))
        }
    }

    fn key(values: &[&str]) -> GroupKey {
        let mut key = GroupKey::default();
        values.iter().for_each(|value| key.push(value));
        key
    }

    #[test]
    fn groups_are_counted_apart_and_in_total() {
        let mut report = Report::default();
        report.observe(&key(&["/a", "GET"]), &request(200, 100_000));
        report.observe(&key(&["/a", "GET"]), &request(503, 300_000));
        report.observe(&key(&["/b", "GET"]), &request(200, 0));
        let mut groups: Vec<_> = report.groups().collect();
        groups.sort_by_key(|(values, _)| values.clone());
        let (values, group) = &groups[0];
        assert_eq!(values, &["/a", "GET"]);
        assert_eq!((group.count, group.errors, group.bytes_out), (2, 1, 200));
        assert_eq!(group.mean_seconds(), Some(0.2));
        let longest = group.quantile_seconds(1.0).expect("two latencies");
        assert!(longest <= 0.3 && longest > 0.298, "{longest}");
        assert_eq!(report.total().count, 3);
    }

    #[test]
    fn one_group_too_many_is_counted_with_the_others() {
        let mut report = Report::default();
        for number in 0..GROUPS_MAX + 10 {
            report.observe(&key(&[&number.to_string(), "GET"]), &request(200, 1));
        }
        let groups: HashMap<Vec<&str>, u64, RandomState> =
            report.groups().map(|(values, group)| (values, group.count)).collect();
        assert_eq!(groups.len(), GROUPS_MAX + 1);
        assert_eq!(groups.get(&vec![OTHER, OTHER]), Some(&10));
    }

    #[test]
    fn merging_is_counting_together() {
        let (mut one, mut other, mut both) = (Report::default(), Report::default(), Report::default());
        for number in 0..100u16 {
            let (key, request) =
                (key(&[&(number % 7).to_string()]), request(200 + number, u64::from(number) * 999));
            if number % 3 == 0 { &mut one } else { &mut other }.observe(&key, &request);
            both.observe(&key, &request);
        }
        one.merge(&other);
        let shown = |report: &Report| {
            let mut rows: Vec<_> = report
                .groups()
                .map(|(values, group)| {
                    (
                        values.concat(),
                        group.count,
                        group.errors,
                        group.quantile_seconds(0.95).map(f64::to_bits),
                    )
                })
                .collect();
            rows.sort();
            rows
        };
        assert_eq!(shown(&one), shown(&both));
        assert_eq!(one.span(), both.span());
    }
}
