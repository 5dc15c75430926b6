//! weir's metrics about itself: what each source received, rejected and still lacks, and the process.
//!
//! Made at each scrape from the accounts of the sources, not kept in a registry beside them: a second set of
//! numbers could only agree or be wrong.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use weir_meter::{Family, Kind, Series, Value};
use weir_record::Timestamp;

use super::state::SourceState;

type Sources = BTreeMap<Arc<str>, SourceState>;

/// The families that tell of the sources and of the budget of series.
pub fn families(
    sources: &Sources,
    overflows: [(&'static str, u64); 2],
    dropped_from_slots: u64,
) -> Vec<Family> {
    let mut families = lines_families(sources);
    families.extend(objects_families(sources));
    families.extend(times_families(sources));
    families.push(family(
        "weir_build_info",
        "Always 1; the version that runs.",
        Kind::Gauge,
        vec![number(&[("version", env!("CARGO_PKG_VERSION"))], 1.0)],
    ));
    families.push(family(
        "weir_slots_dropped_records_total",
        "Records that are in no minute of /api/routes any more, for want of room; the counters have them.",
        Kind::Counter,
        vec![number(&[], dropped_from_slots as f64)],
    ));
    families.push(family(
        "weir_series_overflow_total",
        "Records counted under __other__ because the family had no room for their labels.",
        Kind::Counter,
        overflows.iter().map(|&(family, count)| number(&[("family", family)], count as f64)).collect(),
    ));
    families
}

/// What became of the lines of each source.
fn lines_families(sources: &Sources) -> Vec<Family> {
    let each = |value: fn(&SourceState) -> u64| -> Vec<Series> {
        sources.iter().map(|(name, source)| number(&[("source", name)], value(source) as f64)).collect()
    };
    vec![
        family(
            "weir_source_received_total",
            "Lines received: records and rejects.",
            Kind::Counter,
            each(|source| source.received),
        ),
        family(
            "weir_source_rejected_total",
            "Lines that are no records, by reason.",
            Kind::Counter,
            by_label(sources, "reason", |source| {
                source.rejected.iter().map(|(reason, &count)| (reason.label(), count)).collect()
            }),
        ),
        family(
            "weir_source_late_records_total",
            "Records of minutes that had been taken as complete.",
            Kind::Counter,
            each(|source| source.late),
        ),
        family(
            "weir_source_implausible_records_total",
            "Records more than 400 days old or more than a day ahead: counted, but in no minute.",
            Kind::Counter,
            each(|source| source.implausible),
        ),
    ]
}

/// What became of the files of each source that gave no lines.
fn objects_families(sources: &Sources) -> Vec<Family> {
    vec![
        family(
            "weir_source_skipped_objects_total",
            "Files that hold no requests, by kind.",
            Kind::Counter,
            by_label(sources, "kind", |source| {
                source.skipped.iter().map(|(kind, &count)| (kind.label(), count)).collect()
            }),
        ),
        family(
            "weir_source_failed_objects_total",
            "Attempts to read a file that is broken or cannot be read, by reason; nothing of it was counted.",
            Kind::Counter,
            by_label(sources, "reason", |source| {
                source.failed.iter().map(|(&reason, &count)| (reason, count)).collect()
            }),
        ),
    ]
}

/// Up to when each source is complete and has records.
fn times_families(sources: &Sources) -> Vec<Family> {
    let times = |value: fn(&SourceState) -> Option<Timestamp>| -> Vec<Series> {
        let known = sources.iter().filter_map(|(name, source)| Some((name, value(source)?)));
        known.map(|(name, time)| number(&[("source", name)], time.seconds_f64())).collect()
    };
    vec![
        family(
            "weir_source_watermark_timestamp_seconds",
            "Up to when the source is complete.",
            Kind::Gauge,
            times(|source| source.complete_to),
        ),
        family(
            "weir_source_last_record_timestamp_seconds",
            "The time of the youngest record.",
            Kind::Gauge,
            times(|source| source.last_record),
        ),
    ]
}

/// What the process uses, by the names that all Prometheus clients have (Linux's /proc).
pub fn process_families() -> Vec<Family> {
    let Some(usage) = ProcessUsage::read() else { return Vec::new() };
    let one = |value| vec![number(&[], value)];
    vec![
        family(
            "process_cpu_seconds_total",
            "CPU time spent, user and system.",
            Kind::Counter,
            one(usage.cpu_seconds),
        ),
        family("process_resident_memory_bytes", "Memory in RAM.", Kind::Gauge, one(usage.resident_bytes)),
        family(
            "process_virtual_memory_bytes",
            "Memory addresses in use.",
            Kind::Gauge,
            one(usage.virtual_bytes),
        ),
        family("process_open_fds", "Open file descriptors.", Kind::Gauge, one(usage.open_fds)),
        family("process_threads", "Threads.", Kind::Gauge, one(usage.threads)),
    ]
}

struct ProcessUsage {
    cpu_seconds: f64,
    resident_bytes: f64,
    virtual_bytes: f64,
    open_fds: f64,
    threads: f64,
}

impl ProcessUsage {
    /// Reads /proc/self; `None` on a system without it.
    fn read() -> Option<Self> {
        // proc(5): times in hundredths of a second, memory in pages of 4 KiB on the systems we run on.
        const TICKS_PER_SECOND: f64 = 100.0;
        const PAGE_BYTES: f64 = 4096.0;
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The name in brackets may hold spaces; the state after it is field 3.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        Some(Self {
            cpu_seconds: (field(14)? + field(15)?) / TICKS_PER_SECOND,
            threads: field(20)?,
            virtual_bytes: field(23)?,
            resident_bytes: field(24)? * PAGE_BYTES,
            open_fds: fs::read_dir("/proc/self/fd").ok()?.count() as f64,
        })
    }
}

fn by_label(
    sources: &Sources,
    label: &'static str,
    counts: impl Fn(&SourceState) -> Vec<(&'static str, u64)>,
) -> Vec<Series> {
    let of_source = |(name, source): (&Arc<str>, &SourceState)| -> Vec<Series> {
        let counts = counts(source).into_iter();
        counts.map(|(value, count)| number(&[("source", name), (label, value)], count as f64)).collect()
    };
    sources.iter().flat_map(of_source).collect()
}

fn family(name: &'static str, help: &'static str, kind: Kind, series: Vec<Series>) -> Family {
    Family { name: name.into(), help: help.into(), kind, series }
}

fn number(labels: &[(&str, &str)], value: f64) -> Series {
    let labels = labels.iter().map(|&(name, value)| (name.into(), value.into())).collect();
    Series { labels, value: Value::Number(value), created_ms: None }
}
