//! The shapes in which series and minutes are kept on disk.
//!
//! They are apart from the working shapes, because those are laid out for the loop that counts and change
//! with it, while these are read by every later version. Buckets are kept by their upper bound, not by
//! their place in a list: a threshold that the config adds later becomes a bucket of its own, and what was
//! counted before must not slide into its neighbour.

use serde::{Deserialize, Serialize};
use weir_record::Origin;

/// What tells a series apart for ever: its origin, and its place in the order in which series were born.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId {
    /// Which families the series belongs to.
    pub origin: Origin,
    /// Its place in the order of births, from 1.
    pub birth: u64,
}

/// What of a series never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredLabels {
    /// Virtual host.
    pub host: Box<str>,
    /// One of the known methods, or `OTHER`.
    pub method: Box<str>,
    /// The route.
    pub path: Box<str>,
    /// The target group's ARN.
    pub target_group: Box<str>,
    /// The service's name.
    pub application: Box<str>,
    /// The status sent to the client; 100 to 999.
    pub status: Option<u16>,
    /// A service of the config claimed it when it was born.
    pub is_configured: bool,
    /// The config named its host when it was born.
    pub is_host_configured: bool,
    /// How many of path, host, method and target group gave way to the budget.
    pub folding: u8,
    /// When it was born: microseconds since the epoch, by the clock of arrival.
    pub born_at_us: i64,
}

/// What was counted under a series so far, or in one minute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredCounts {
    /// When it was last counted in: microseconds since the epoch, by the clock of arrival.
    pub counted_at_us: i64,
    /// Requests.
    pub requests: u64,
    /// The sum of target times, in microseconds.
    pub target_time_us: u128,
    /// Bytes received from clients.
    pub bytes_in: u64,
    /// Bytes sent to clients.
    pub bytes_out: u64,
    /// Server errors that the load balancer answered by itself.
    pub balancer_errors: u64,
    /// Server errors that a target answered.
    pub target_errors: u64,
    /// Whole requests.
    pub request_times: StoredDistribution,
    /// What targets took.
    pub target_times: StoredDistribution,
}

/// Latencies in buckets; those without an observation are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredDistribution {
    /// The sum of all observations, in microseconds.
    pub sum_us: u128,
    /// Upper bound (inclusive, microseconds; `u64::MAX` is above all) and observations, not cumulative.
    pub buckets: Vec<(u64, u64)>,
    /// Native buckets, where they are kept.
    pub native: Option<StoredNative>,
}

/// Native (exponential) buckets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredNative {
    /// The resolution.
    pub schema: u8,
    /// Observations of exactly 0.
    pub zero_count: u64,
    /// Index and observations of each bucket that is not empty, in rising order.
    pub buckets: Vec<(i32, u64)>,
}

/// What happened in one minute under one [`StoredSlotKey`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSlot {
    /// Requests.
    pub count: u64,
    /// Whole requests in buckets, without native ones.
    pub request_times: StoredDistribution,
}

/// What minutes are kept for, but for the minute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StoredSlotKey {
    /// The source's name in the config.
    pub source: Box<str>,
    /// The service's name; empty for none.
    pub service: Box<str>,
    /// The route.
    pub route: Box<str>,
    /// One of the known methods, or `OTHER`.
    pub method: Box<str>,
    /// The first digit of the status; `None` without a status.
    pub status_class: Option<u8>,
}

impl StoredDistribution {
    /// Adds what `other` observed. Both are in rising order of bounds and stay so.
    pub fn merge(&mut self, other: &Self) {
        self.sum_us += other.sum_us;
        merge_sorted(&mut self.buckets, &other.buckets);
        match (&mut self.native, &other.native) {
            (Some(native), Some(other)) if native.schema == other.schema => {
                native.zero_count += other.zero_count;
                merge_sorted(&mut native.buckets, &other.buckets);
            }
            (native @ None, Some(other)) => *native = Some(other.clone()),
            // One resolution per program: another one is of a build that is no more, and stays as it was.
            _ => {}
        }
    }
}

impl StoredCounts {
    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        self.counted_at_us = self.counted_at_us.max(other.counted_at_us);
        self.requests += other.requests;
        self.target_time_us += other.target_time_us;
        self.bytes_in = self.bytes_in.saturating_add(other.bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(other.bytes_out);
        self.balancer_errors += other.balancer_errors;
        self.target_errors += other.target_errors;
        self.request_times.merge(&other.request_times);
        self.target_times.merge(&other.target_times);
    }
}

impl StoredSlot {
    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.request_times.merge(&other.request_times);
    }
}

/// Adds counts by key; both lists are sorted by key, each key once.
fn merge_sorted<K: Ord + Copy>(own: &mut Vec<(K, u64)>, other: &[(K, u64)]) {
    for &(key, count) in other {
        match own.binary_search_by_key(&key, |&(key, _)| key) {
            Ok(position) => own[position].1 += count,
            Err(position) => own.insert(position, (key, count)),
        }
    }
}
