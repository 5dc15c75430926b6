//! Between the shapes that count and the shapes that are kept.
//!
//! Both directions stand side by side here, so that a field added to one is missed by neither; a test writes
//! and reads every kind of count.

use weir_record::{Status, Timestamp, method_label};

use crate::bounds::Bounds;
use crate::counts::{Counts, Distribution};
use crate::durable::{StoredCounts, StoredDistribution, StoredLabels, StoredNative};
use crate::exponential::{ExponentialBuckets, NATIVE_SCHEMA};
use crate::labels::{Folding, Labels, OTHER};
use crate::table::{RestoredRow, Row, Standing};

/// What of a row never changes.
pub(crate) fn store_labels(row: &Row) -> StoredLabels {
    let labels = row.labels.borrow();
    StoredLabels {
        host: labels.host.into(),
        method: labels.method.into(),
        path: labels.path.into(),
        target_group: labels.target_group.into(),
        application: labels.application.into(),
        status: labels.status.map(Status::code),
        is_configured: row.standing.is_configured,
        is_host_configured: row.standing.is_host_configured,
        folding: row.folding as u8,
        born_at_us: row.born_at.micros(),
    }
}

/// A row from what was kept, but for its counts.
pub(crate) fn restore_row(birth: u64, labels: &StoredLabels, counted_at_us: i64) -> RestoredRow<'_> {
    RestoredRow {
        labels: Labels {
            host: &labels.host,
            method: restore_method(&labels.method),
            path: &labels.path,
            target_group: &labels.target_group,
            application: &labels.application,
            status: labels.status.and_then(Status::from_code),
        },
        standing: Standing {
            is_configured: labels.is_configured,
            is_host_configured: labels.is_host_configured,
        },
        folding: Folding::from_number(labels.folding),
        birth,
        born_at: Timestamp::from_micros(labels.born_at_us),
        counted_at: Timestamp::from_micros(counted_at_us),
    }
}

/// A method from its text; one that this version does not know is `OTHER`.
pub(crate) fn restore_method(method: &str) -> &'static str {
    if method == OTHER { OTHER } else { method_label(Some(method.as_bytes())) }
}

/// Counts as they are kept.
pub(crate) fn store_counts(counts: &Counts, counted_at: Timestamp, bounds: &Bounds) -> StoredCounts {
    StoredCounts {
        counted_at_us: counted_at.micros(),
        requests: counts.requests,
        target_time_us: counts.target_time_us,
        bytes_in: counts.bytes_in,
        bytes_out: counts.bytes_out,
        balancer_errors: counts.balancer_errors,
        target_errors: counts.target_errors,
        request_times: store_distribution(&counts.request_times, bounds),
        target_times: store_distribution(&counts.target_times, bounds),
    }
}

/// Counts from what was kept.
pub(crate) fn restore_counts(stored: &StoredCounts, bounds: &Bounds, has_native: bool) -> Counts {
    Counts {
        requests: stored.requests,
        target_time_us: stored.target_time_us,
        bytes_in: stored.bytes_in,
        bytes_out: stored.bytes_out,
        balancer_errors: stored.balancer_errors,
        target_errors: stored.target_errors,
        request_times: restore_distribution(&stored.request_times, bounds, has_native),
        target_times: restore_distribution(&stored.target_times, bounds, has_native),
    }
}

fn store_distribution(times: &Distribution, bounds: &Bounds) -> StoredDistribution {
    let buckets = times.counts.iter().enumerate().filter(|&(_, &count)| count > 0);
    StoredDistribution {
        sum_us: times.sum_us,
        buckets: buckets.map(|(bucket, &count)| (bounds.upper_us(bucket), count)).collect(),
        native: times.native.as_ref().map(|native| StoredNative {
            schema: native.schema(),
            zero_count: native.zero_count(),
            buckets: native.buckets().collect(),
        }),
    }
}

fn restore_distribution(stored: &StoredDistribution, bounds: &Bounds, has_native: bool) -> Distribution {
    let mut times = Distribution::new(bounds, has_native);
    times.sum_us = stored.sum_us;
    for &(upper_us, count) in &stored.buckets {
        times.counts[bounds.bucket_of(upper_us)] += count;
    }
    let native = stored.native.as_ref().filter(|native| native.schema == NATIVE_SCHEMA);
    if let (Some(own), Some(native)) = (&mut times.native, native) {
        *own = ExponentialBuckets::restore(native.schema, native.zero_count, &native.buckets);
    }
    times
}
