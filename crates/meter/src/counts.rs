//! What is counted under one label set.
//!
//! Whole numbers only: counts, bytes, microseconds. They add up to the same result in any order,
//! which is what makes a merge of partial results exact.

use crate::bounds::Bounds;
use crate::exponential::{ExponentialBuckets, NATIVE_SCHEMA};

/// Counts, bytes and latencies of one label set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub requests: u64,
    /// The sum of target times, connections included; microseconds.
    pub target_time_us: u128,
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// Server errors that the load balancer answered by itself.
    pub balancer_errors: u64,
    /// Server errors that a target answered.
    pub target_errors: u64,
    pub request_times: Distribution,
    pub target_times: Distribution,
}

/// Latencies in classic buckets, and in native ones where they are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Distribution {
    /// Not cumulative; the last is above all bounds.
    pub counts: Box<[u64]>,
    pub sum_us: u128,
    pub native: Option<ExponentialBuckets>,
}

impl Counts {
    pub(crate) fn new(bounds: &Bounds, has_native: bool) -> Self {
        let times = Distribution::new(bounds, has_native);
        Self {
            requests: 0,
            target_time_us: 0,
            bytes_in: 0,
            bytes_out: 0,
            balancer_errors: 0,
            target_errors: 0,
            request_times: times.clone(),
            target_times: times,
        }
    }

    /// Records counted here.
    pub(crate) fn records(&self) -> u64 {
        self.requests
    }

    /// Forgets all counts and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.requests = 0;
        self.target_time_us = 0;
        self.bytes_in = 0;
        self.bytes_out = 0;
        self.balancer_errors = 0;
        self.target_errors = 0;
        self.request_times.clear();
        self.target_times.clear();
    }

    pub(crate) fn merge(&mut self, other: &Self) {
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

impl Distribution {
    pub(crate) fn new(bounds: &Bounds, has_native: bool) -> Self {
        Self {
            counts: vec![0; bounds.bucket_count()].into(),
            sum_us: 0,
            native: has_native.then(|| ExponentialBuckets::new(NATIVE_SCHEMA)),
        }
    }

    fn clear(&mut self) {
        self.counts.fill(0);
        self.sum_us = 0;
        if let Some(native) = &mut self.native {
            *native = ExponentialBuckets::new(native.schema());
        }
    }

    #[inline]
    pub(crate) fn observe(&mut self, value_us: u64, bounds: &Bounds) {
        self.counts[bounds.bucket_of(value_us)] += 1;
        self.sum_us += u128::from(value_us);
        if let Some(native) = &mut self.native {
            native.observe(value_us);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (count, other) in self.counts.iter_mut().zip(&other.counts) {
            *count += other;
        }
        self.sum_us += other.sum_us;
        if let (Some(native), Some(other)) = (&mut self.native, &other.native) {
            native.merge(other);
        }
    }

    /// The same buckets without observations.
    pub(crate) fn emptied(&self) -> Self {
        Self {
            counts: vec![0; self.counts.len()].into(),
            sum_us: 0,
            native: self.native.as_ref().map(|native| ExponentialBuckets::new(native.schema())),
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}
