//! What the tests of all tables need: a ledger in memory, and series with something in them.
//!
//! They are here once, so that a test of a table shows rows and nothing else.

use weir_meter::durable::{SeriesId, StoredCounts, StoredDistribution, StoredLabels};
use weir_record::Origin;
use weir_sim::Disk;

use crate::{Ledger, LedgerError, Writing};

pub(crate) fn in_memory() -> Ledger {
    let disk = Disk::new();
    Ledger::open_backend(move || Ok(Box::new(disk.backend()))).unwrap()
}

/// Makes a transaction that must succeed.
pub(crate) fn committed<R>(
    ledger: &Ledger,
    change: impl FnOnce(&Writing<'_>) -> Result<R, LedgerError>,
) -> R {
    ledger.write(change).unwrap()
}

pub(crate) fn series(birth: u64) -> SeriesId {
    SeriesId { origin: Origin::Alb, birth }
}

pub(crate) fn labels(birth: u64) -> StoredLabels {
    StoredLabels {
        host: "shop.example.com".into(),
        method: "GET".into(),
        path: format!("/api/{birth}").into(),
        target_group: "".into(),
        application: "shop".into(),
        status: Some(200),
        is_configured: true,
        is_host_configured: false,
        folding: 1,
        born_at_us: -1,
    }
}

/// Counts of so many equal requests; those of two numbers add up to those of their sum.
pub(crate) fn counts(requests: u64) -> StoredCounts {
    let request_times = StoredDistribution {
        sum_us: u128::from(requests) * 1_500,
        buckets: vec![(5_000, requests)],
        native: None,
    };
    StoredCounts { counted_at_us: 7, requests, bytes_in: requests * 100, request_times, ..Default::default() }
}
