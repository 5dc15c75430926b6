//! `GET /api/status`: what the server is, what it has, and the config in force, without secrets.
//!
//! One answer for what somebody looks at first when something is wrong, so that nobody has to log in to the machine
//! for it.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::Handlers;
use crate::admin::{answered, nothing_here};

/// What the server is and has. Times are RFC 3339.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerStatus {
    /// Of weir.
    pub version: String,
    /// Since when it runs.
    pub started_at: String,
    /// The time by its clock.
    pub now: String,
    /// Since when it runs, in seconds.
    pub uptime_seconds: f64,
    /// Whether what is counted can be written; intake waits while it cannot.
    pub is_writable: bool,
    /// Where it listens, as the config or the command line has it.
    pub listen: String,
    /// Where people reach it, if the config says so.
    pub external_url: Option<String>,
    /// The folder with all that it keeps.
    pub data_dir: String,
    /// The file that the config was read from.
    pub config_file: Option<String>,
    /// The config in force, as YAML, with `<hidden>` for secrets; `None` where there is none.
    pub config: Option<String>,
    /// The disk of the data folder.
    pub disk: DiskStatus,
    /// What is kept of records.
    pub records: RecordsStatus,
    /// How long a record is kept, in seconds.
    pub retention_seconds: f64,
    /// The budget of series.
    pub series: SeriesStatus,
}

/// A disk, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskStatus {
    /// Its size; `None` where the system does not tell.
    pub total_bytes: Option<u64>,
    /// What is free of it for weir.
    pub free_bytes: Option<u64>,
    /// With less free than this nothing is taken in.
    pub free_bytes_min: u64,
    /// What records take.
    pub store_bytes: u64,
    /// What they may take; `None` for no bound.
    pub store_bytes_max: Option<u64>,
    /// What the ledger takes: counts, minutes, rejects.
    pub ledger_bytes: u64,
}

/// What is kept of records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordsStatus {
    /// How many.
    pub count: u64,
    /// The time of the oldest.
    pub oldest: Option<String>,
    /// The time of the youngest.
    pub newest: Option<String>,
    /// What is wrong with the store since the start, oldest first.
    pub problems: Vec<String>,
}

/// The budget of series.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesStatus {
    /// Label sets of the family that has most.
    pub used: u64,
    /// Label sets that each family may have; what comes then is counted under `__other__`.
    pub max: u64,
    /// Label sets of each family.
    pub by_family: BTreeMap<String, u64>,
    /// Records that were counted so, by family.
    pub overflows: BTreeMap<String, u64>,
    /// Series that others pushed.
    pub pushed: u64,
    /// How many of those there may be.
    pub pushed_max: u64,
}

pub(crate) async fn status(State(handlers): State<Handlers>) -> Response {
    match handlers.admin {
        Some(admin) => answered((admin.status)(()).await),
        None => nothing_here(),
    }
}
