//! weir's metrics about itself: what each source received, rejected and still lacks, what waits, and the process.
//!
//! Made at each scrape from the accounts of the sources, not kept in a registry beside them: a second set of
//! numbers could only agree or be wrong.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use weir_meter::{Family, Histogram, Kind, Meter, Series, Value, View, pushed};
use weir_record::{Minute, Timestamp};
use weir_store::Store;

use super::account::Account;
use super::message_sink::{QueueDepth, WeakMessages};
use super::received::{self, Received};
use super::state::{Inner, SourceState};

type Sources = BTreeMap<Arc<str>, SourceState>;

/// A load balancer's node from which nothing came for this long is silent, in microseconds: three of its
/// files are missing then.
pub const NODE_SILENT_US: i64 = 15 * 60 * 1_000_000;

/// Numbers about the server that no source has.
#[derive(Debug, Default)]
pub struct Own {
    /// How long commits took.
    pub commit_seconds: CommitSeconds,
    /// The remote writes by name.
    pub remote_writes: BTreeMap<Arc<str>, RemoteWriteState>,
    /// What became of messages, by receiver.
    pub notifications: BTreeMap<Arc<str>, NotificationNumbers>,
    /// Whether the config was not taken when it was last read again.
    pub has_reload_failed: bool,
    /// What waits to be counted, by source.
    pub queues: BTreeMap<Arc<str>, QueueDepth>,
    /// The queues themselves, for who finds his source by name.
    pub messages: BTreeMap<Arc<str>, WeakMessages>,
    /// What came over sockets of our own, by source.
    pub received: BTreeMap<Arc<str>, Received>,
}

/// What became of a remote write's samples.
#[derive(Clone, Debug, Default)]
pub struct RemoteWriteState {
    /// Bytes that wait to be sent.
    pub queue_bytes: u64,
    /// Samples that the receiver has, since the start.
    pub sent_samples: u64,
    /// Samples that it will never take, since the start, by reason.
    pub dropped_samples: BTreeMap<&'static str, u64>,
    /// Requests that failed and are tried again, since the start.
    pub failed_requests: u64,
    /// The first minute that is not published.
    pub next_minute: Option<Minute>,
}

/// What became of the messages to a receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotificationNumbers {
    /// Messages that were taken, since the start.
    pub sent: u64,
    /// Messages that were given up, since the start.
    pub failed: u64,
}

/// How long commits took, in buckets.
#[derive(Debug, Default)]
pub struct CommitSeconds {
    counts: [u64; COMMIT_BOUNDS.len() + 1],
    sum: f64,
}

/// Upper bounds in seconds: a commit is one sync of a disk.
const COMMIT_BOUNDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

impl CommitSeconds {
    /// Notes one commit.
    pub fn observe(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        self.counts[COMMIT_BOUNDS.partition_point(|&bound| bound < seconds)] += 1;
        self.sum += seconds;
    }

    fn series(&self) -> Series {
        let histogram = Histogram {
            bounds: COMMIT_BOUNDS.as_slice().into(),
            counts: self.counts.to_vec(),
            sum: self.sum,
            native: None,
        };
        Series { labels: [].into(), value: Value::Histogram(histogram), created_ms: None }
    }
}

/// Names and values, sorted by name.
type SortedLabels = Vec<(Box<str>, Box<str>)>;

/// What weir exposes, for the gateway to compare pushes with. Drawn only if a push has one of its names.
pub struct OwnSeries<'i> {
    inner: &'i Inner,
    series: OnceCell<HashSet<(Arc<str>, SortedLabels)>>,
}

impl<'i> OwnSeries<'i> {
    /// Everything that `inner` exposes.
    pub fn of(inner: &'i Inner) -> Self {
        Self { inner, series: OnceCell::new() }
    }

    /// Calls `use_it` with what the gateway asks.
    pub fn with<R>(&self, use_it: impl FnOnce(pushed::OwnSeries<'_>) -> R) -> R {
        use_it(pushed::OwnSeries {
            kind_of: &|name| {
                Meter::family_kind(name)
                    .or_else(|| own_kind(name))
                    .or_else(|| self.inner.declared.kind_of(name))
            },
            has_series: &|name, labels| self.has(name, labels),
        })
    }

    fn has(&self, name: &str, labels: &[(&str, &str)]) -> bool {
        let series = self.series.get_or_init(|| {
            let metered = self.inner.meter.families(View::ALL);
            let own = families(self.inner, Timestamp::default(), true);
            metered
                .chain(own)
                .chain(process_families())
                .flat_map(|family| {
                    let name = family.name;
                    family.series.into_iter().map(move |series| (Arc::clone(&name), sorted(&series)))
                })
                .collect()
        });
        let labels = labels.iter().map(|&(name, value)| (name.into(), value.into())).collect();
        series.contains(&(name.into(), labels))
    }
}

fn sorted(series: &Series) -> SortedLabels {
    let labels = series.labels.iter().map(|(name, value)| ((&**name).into(), (&**value).into()));
    let mut labels: SortedLabels = labels.collect();
    labels.sort();
    labels
}

/// The type of a family of this module.
fn own_kind(name: &str) -> Option<Kind> {
    let is_own = name.starts_with("weir_") || PROCESS_FAMILIES.contains(&name);
    let kind = match name {
        "weir_commit_duration_seconds" => Kind::Histogram,
        _ if name.ends_with("_total") => Kind::Counter,
        _ => Kind::Gauge,
    };
    is_own.then_some(kind)
}

/// The families that tell of the sources, of the ledger and of the budget of series.
pub fn families(inner: &Inner, now: Timestamp, is_writable: bool) -> Vec<Family> {
    let sources = &inner.sources;
    let mut families = lines_families(sources);
    families.extend(objects_families(sources));
    families.extend(times_families(sources, now));
    families.extend(remote_write_families(&inner.own.remote_writes));
    families.extend(queues_family(&inner.own));
    families.extend(received::families(&inner.own.received));
    families.extend(notification_families(&inner.own.notifications));
    families.push(family(
        "weir_build_info",
        "Always 1; the version that runs.",
        Kind::Gauge,
        vec![number(&[("version", env!("CARGO_PKG_VERSION"))], 1.0)],
    ));
    families.push(family(
        "weir_config_last_reload_successful",
        "1 unless the config was not taken when it was last read again.",
        Kind::Gauge,
        vec![number(&[], f64::from(u8::from(!inner.own.has_reload_failed)))],
    ));
    families.push(family(
        "weir_series_overflow_total",
        "Records counted under __other__ because the family had no room for their labels.",
        Kind::Counter,
        inner
            .meter
            .overflows()
            .iter()
            .map(|&(family, count)| number(&[("family", family)], count as f64))
            .chain(inner.declared_losses.overflows())
            .collect(),
    ));
    families.push(family(
        "weir_declared_metrics_dropped_total",
        "Records that are not in a metric of the config, because it had no room or its name was taken.",
        Kind::Counter,
        inner.declared_losses.dropped(),
    ));
    families.push(family(
        "weir_commit_duration_seconds",
        "How long a group commit took, from its first look into the ledger to the end of its sync.",
        Kind::Histogram,
        vec![inner.own.commit_seconds.series()],
    ));
    families.push(family(
        "weir_ledger_writable",
        "0 while what was counted cannot be written, as on a full disk; intake waits meanwhile.",
        Kind::Gauge,
        vec![number(&[], f64::from(u8::from(is_writable)))],
    ));
    families.push(family(
        "weir_pushed_series",
        "Series that others pushed.",
        Kind::Gauge,
        vec![number(&[], inner.pushed.series_count() as f64)],
    ));
    families
}

/// What became of the lines of each source.
fn lines_families(sources: &Sources) -> Vec<Family> {
    vec![
        counter(
            "weir_source_received_total",
            "Lines received: records and rejects.",
            by_source(sources, |account| account.received),
        ),
        counter(
            "weir_source_stored_total",
            "Records that are counted, durably.",
            by_source(sources, Account::stored),
        ),
        counter(
            "weir_source_rejected_total",
            "Lines that are no records, by reason.",
            by_label(sources, "reason", |account| &account.rejected),
        ),
        counter(
            "weir_source_dropped_total",
            "Messages that were received and are neither records nor rejects, by cause.",
            by_label(sources, "cause", |account| &account.dropped),
        ),
        counter(
            "weir_source_rejects_not_kept_total",
            "Rejects that were counted and not kept, as limits.rejects_bytes was used up.",
            by_source(sources, |account| account.rejects_not_kept),
        ),
        counter(
            "weir_source_replayed_total",
            "Rejects that are none any more since they were replayed; their lines were received once more.",
            by_source(sources, |account| account.replayed),
        ),
        counter(
            "weir_source_late_records_total",
            "Records of minutes that had been taken as complete.",
            by_source(sources, |account| account.late),
        ),
        counter(
            "weir_source_implausible_records_total",
            "Records more than 400 days old or more than a day ahead: counted, but in no minute.",
            by_source(sources, |account| account.implausible),
        ),
        counter(
            "weir_slots_dropped_records_total",
            "Records that are in no minute for want of room; the counters have them.",
            by_source(sources, |account| account.slots_dropped),
        ),
    ]
}

/// What became of the objects of each source.
fn objects_families(sources: &Sources) -> Vec<Family> {
    vec![
        counter(
            "weir_source_objects_total",
            "Files and objects (of a growing file: pieces) that were counted.",
            by_source(sources, |account| account.objects),
        ),
        counter(
            "weir_duplicate_objects_total",
            "Files and objects that came again and were not counted again.",
            by_source(sources, |account| account.duplicates),
        ),
        counter(
            "weir_source_skipped_objects_total",
            "Files and objects that hold no requests, by kind.",
            by_label(sources, "kind", |account| &account.skipped),
        ),
        counter(
            "weir_source_failed_objects_total",
            "Attempts to count a file or an object that failed, by reason; nothing of it was counted.",
            by_label(sources, "reason", |account| &account.failed),
        ),
        counter(
            "weir_source_given_up_total",
            "Messages and objects that were given up and kept as rejects, by reason.",
            by_label(sources, "reason", |account| &account.given_up),
        ),
    ]
}

/// Up to when each source is complete and has records, and which of its nodes are silent.
fn times_families(sources: &Sources, now: Timestamp) -> Vec<Family> {
    let times = |value: fn(&Account) -> Option<i64>| -> Vec<Series> {
        let known = sources.iter().filter_map(|(name, source)| Some((name, value(&source.account)?)));
        known.map(|(name, time_us)| number(&[("source", name)], time_us as f64 / 1e6)).collect()
    };
    let nodes = sources.iter().flat_map(|(name, source)| {
        source.account.nodes.iter().map(move |(node, heard)| (name, node, *heard))
    });
    let intervals = nodes.map(|(name, node, heard)| {
        number(&[("source", name), ("node", node)], heard.interval_end_us as f64 / 1e6)
    });
    let silent = sources.iter().filter(|(_, source)| !source.account.nodes.is_empty());
    let silent =
        silent.map(|(name, source)| number(&[("source", name)], silent_nodes(&source.account, now) as f64));
    let gauge = |name, help, series| family(name, help, Kind::Gauge, series);
    vec![
        gauge(
            "weir_source_watermark_timestamp_seconds",
            "Up to when the source is complete.",
            times(|account| account.complete_to_us),
        ),
        gauge(
            "weir_source_last_record_timestamp_seconds",
            "The time of the youngest record.",
            times(|account| account.last_record_us),
        ),
        gauge(
            "weir_source_node_interval_timestamp_seconds",
            "The end of the last five minutes that each node of a load balancer delivered.",
            intervals.collect(),
        ),
        gauge(
            "weir_source_silent_nodes",
            "Nodes of a load balancer from which nothing came for 15 minutes, though it did within a day.",
            silent.collect(),
        ),
    ]
}

/// Nodes from which nothing came for a while.
pub fn silent_nodes(account: &Account, now: Timestamp) -> usize {
    let since_us = now.micros() - NODE_SILENT_US;
    account.nodes.values().filter(|node| node.heard_at_us < since_us).count()
}

/// What waits in queues; none where there are none.
fn queues_family(own: &Own) -> Option<Family> {
    let on_disk = own
        .remote_writes
        .iter()
        .map(|(name, state)| (format!("remote_write/{name}"), state.queue_bytes as f64));
    let in_memory = own.queues.iter().map(|(name, depth)| (format!("source/{name}"), depth.bytes() as f64));
    let series: Vec<Series> =
        on_disk.chain(in_memory).map(|(queue, bytes)| number(&[("queue", &queue)], bytes)).collect();
    let help = "Bytes that wait: on the disk to be sent, or in memory to be counted.";
    (!series.is_empty()).then(|| family("weir_queue_bytes", help, Kind::Gauge, series))
}

fn notification_families(notifications: &BTreeMap<Arc<str>, NotificationNumbers>) -> Vec<Family> {
    if notifications.is_empty() {
        return Vec::new();
    }
    let each = |value: fn(&NotificationNumbers) -> u64| -> Vec<Series> {
        let series = |(name, numbers): (&Arc<str>, &NotificationNumbers)| {
            number(&[("receiver", name)], value(numbers) as f64)
        };
        notifications.iter().map(series).collect()
    };
    vec![
        family(
            "weir_notifications_failed_total",
            "Messages that a receiver will never take, since the start.",
            Kind::Counter,
            each(|numbers| numbers.failed),
        ),
        family(
            "weir_notifications_sent_total",
            "Messages that a receiver has taken, since the start.",
            Kind::Counter,
            each(|numbers| numbers.sent),
        ),
    ]
}

fn remote_write_families(remote_writes: &BTreeMap<Arc<str>, RemoteWriteState>) -> Vec<Family> {
    if remote_writes.is_empty() {
        return Vec::new();
    }
    let each = |value: &dyn Fn(&RemoteWriteState) -> Option<f64>| -> Vec<Series> {
        let known = remote_writes.iter().filter_map(|(name, state)| Some((name, value(state)?)));
        known.map(|(name, value)| number(&[("remote_write", name)], value)).collect()
    };
    let dropped = remote_writes.iter().flat_map(|(name, state)| {
        state
            .dropped_samples
            .iter()
            .map(move |(reason, count)| number(&[("remote_write", name), ("reason", reason)], *count as f64))
    });
    vec![
        family(
            "weir_remote_write_sent_samples_total",
            "Samples that the receiver has, since the start.",
            Kind::Counter,
            each(&|state| Some(state.sent_samples as f64)),
        ),
        family(
            "weir_remote_write_dropped_samples_total",
            "Samples that the receiver will never take, by reason, since the start; their counts are in later ones.",
            Kind::Counter,
            dropped.collect(),
        ),
        family(
            "weir_remote_write_failed_requests_total",
            "Requests that failed and were tried again, since the start.",
            Kind::Counter,
            each(&|state| Some(state.failed_requests as f64)),
        ),
        family(
            "weir_remote_write_published_timestamp_seconds",
            "Up to when minutes were published.",
            Kind::Gauge,
            each(&|state| Some(state.next_minute?.start().seconds_f64())),
        ),
    ]
}

/// The names of [`process_families`].
const PROCESS_FAMILIES: [&str; 5] = [
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_virtual_memory_bytes",
    "process_open_fds",
    "process_threads",
];

/// What the store holds.
pub fn store_families(store: &Store) -> Vec<Family> {
    let view = store.view();
    let one = |value| vec![number(&[], value)];
    vec![
        family("weir_store_records", "Records that can be found.", Kind::Gauge, one(view.rows() as f64)),
        family(
            "weir_store_files",
            "Files that hold records; the newest records are in memory.",
            Kind::Gauge,
            one(view.files.len() as f64),
        ),
        family(
            "weir_store_bytes",
            "What records take on the disk, with filters and write-ahead segments.",
            Kind::Gauge,
            one(store.disk_bytes() as f64),
        ),
        family(
            "weir_store_problems_total",
            "Files of the store that turned out damaged, since the start.",
            Kind::Counter,
            one(store.problems().len() as f64),
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

fn by_source(sources: &Sources, value: fn(&Account) -> u64) -> Vec<Series> {
    let sources = sources.iter();
    sources.map(|(name, source)| number(&[("source", name)], value(&source.account) as f64)).collect()
}

fn by_label(
    sources: &Sources,
    label: &'static str,
    counts: fn(&Account) -> &BTreeMap<Box<str>, u64>,
) -> Vec<Series> {
    let of_source = |(name, source): (&Arc<str>, &SourceState)| -> Vec<Series> {
        let counts = counts(&source.account).iter();
        counts.map(|(value, &count)| number(&[("source", name), (label, value)], count as f64)).collect()
    };
    sources.iter().flat_map(of_source).collect()
}

pub(super) fn counter(name: &'static str, help: &'static str, series: Vec<Series>) -> Family {
    family(name, help, Kind::Counter, series)
}

fn family(name: &'static str, help: &'static str, kind: Kind, series: Vec<Series>) -> Family {
    Family { name: name.into(), help: help.into(), kind, series }
}

pub(super) fn number(labels: &[(&str, &str)], value: f64) -> Series {
    let labels = labels.iter().map(|&(name, value)| (name.into(), value.into())).collect();
    Series { labels, value: Value::Number(value), created_ms: None }
}
