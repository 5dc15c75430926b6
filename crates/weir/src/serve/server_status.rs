//! What the server is and has, for who looks at it first when something is wrong.
//!
//! Most of it is in the metrics too; but who sees that no record comes any more wants the disk, the config in force and
//! what is wrong with the store in one place, and may not have the metrics at hand.

use std::path::PathBuf;

use weir_record::Timestamp;
use weir_web::{DiskStatus, RecordsStatus, SeriesStatus, ServerStatus};

use super::open::ledger_path;
use super::sources::Shared;
use crate::config::{self, Config};

/// Where it keeps its data, and since when it runs: what no reload changes.
pub struct About {
    data_dir: PathBuf,
    started_at: Timestamp,
}

impl About {
    /// A server of `config` that starts at `now`.
    pub fn new(config: &Config, now: Timestamp) -> Self {
        let data_dir = config.data_dir.canonicalize().unwrap_or_else(|_| config.data_dir.clone());
        Self { data_dir, started_at: now }
    }

    /// All that is known at the time `now`, with `config` in force.
    pub fn status(&self, config: &Config, shared: &Shared, now: Timestamp) -> ServerStatus {
        ServerStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at.to_string(),
            now: now.to_string(),
            uptime_seconds: now.micros_since(self.started_at).map_or(0.0, |micros| micros as f64 / 1e6),
            is_writable: shared.state.is_writable(),
            listen: config.http.listen.to_string(),
            external_url: config.http.external_url.clone(),
            data_dir: self.data_dir.display().to_string(),
            config_file: config.origin.as_ref().map(|origin| origin.path.display().to_string()),
            config: config.origin.as_ref().map(|origin| origin.shown.clone()),
            disk: self.disk(&config.store, shared),
            records: records(shared),
            retention_seconds: config.store.retention.as_secs_f64(),
            series: series(shared),
        }
    }

    fn disk(&self, bounds: &config::Store, shared: &Shared) -> DiskStatus {
        let (total_bytes, free_bytes) = shared.store.disk_space().unzip();
        let ledger = std::fs::metadata(ledger_path(&self.data_dir));
        DiskStatus {
            total_bytes,
            free_bytes,
            free_bytes_min: bounds.free_bytes_min,
            store_bytes: shared.store.disk_bytes(),
            store_bytes_max: bounds.disk_bytes_max,
            ledger_bytes: ledger.map_or(0, |file| file.len()),
        }
    }
}

fn records(shared: &Shared) -> RecordsStatus {
    let view = shared.store.view();
    let (oldest, newest) = view.span_us().unzip();
    let time = |time_us: Option<i64>| time_us.map(|time_us| Timestamp::from_micros(time_us).to_string());
    RecordsStatus {
        count: view.rows(),
        oldest: time(oldest),
        newest: time(newest),
        problems: shared.store.problems(),
    }
}

fn series(shared: &Shared) -> SeriesStatus {
    let inner = shared.state.lock();
    let by_family = inner.meter.label_sets().map(|(family, count)| (family.to_owned(), count as u64));
    SeriesStatus {
        used: by_family.iter().map(|(_, count)| *count).max().unwrap_or(0),
        max: shared.options.series_max as u64,
        by_family: by_family.into(),
        overflows: inner.meter.overflows().map(|(family, count)| (family.to_owned(), count)).into(),
        pushed: inner.pushed.series_count() as u64,
        pushed_max: inner.pushed.series_max() as u64,
    }
}
