//! The metric families of the known systems, drawn from the tables.
//!
//! Names and labels are the ones that dashboards and rules of the systems we replace already use;
//! they are fixed. Each family is a row of a table here: its name, its help and how its value comes
//! from the counts. A histogram has no status, so its series are summed over it.
//!
//! Families are made one at a time, and those of one table share their label texts: at the full budget
//! a family is megabytes, and who writes them out needs only one.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_record::{Status, Timestamp};

use crate::births::ZeroAfter;
use crate::bounds::Bounds;
use crate::counts::{Counts, Distribution};
use crate::labels::Labels;
use crate::meter::{Births, Meter, OriginMeter};
use crate::snapshot::{Family, Histogram, Kind, LabelPairs, NativeHistogram, Series, Snapshot, Value};
use crate::table::Row;

/// Which series a snapshot shows, and which of them still at 0.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Series born later than this show 0; `None` shows every value.
    pub zero_after: Option<ZeroAfter>,
    /// Series without a record since then are left out.
    pub counted_since: Timestamp,
}

impl View {
    /// Every series at its value.
    pub const ALL: View = View { zero_after: None, counted_since: Timestamp::from_micros(i64::MIN) };
}

/// A family: its name, its help, and where its values come from.
struct Definition {
    name: &'static str,
    help: &'static str,
    values: Values,
}

/// Where a family's values come from.
#[derive(Clone, Copy)]
enum Values {
    /// A number of each row.
    Counter(fn(&Counts) -> f64),
    /// A number of each row with a status of 500 or above.
    ErrorCounter(fn(&Counts) -> f64),
    /// A distribution, summed over the rows that differ in status only.
    Histogram(fn(&Counts) -> &Distribution),
}

/// The families of load balancers, sorted by name.
const ALB: [Definition; 8] = [
    Definition {
        name: "alb_log_elb_5xx_total",
        help: "Requests that the load balancer itself answered with 500 or above: no target gave a status.",
        values: Values::ErrorCounter(|counts| counts.balancer_errors as f64),
    },
    Definition {
        name: "alb_log_received_bytes_total",
        help: "Bytes received from clients, headers included.",
        values: Values::Counter(|counts| counts.bytes_in as f64),
    },
    Definition {
        name: "alb_log_request_count_total",
        help: "Requests in the load balancer's access log.",
        values: Values::Counter(|counts| counts.requests as f64),
    },
    Definition {
        name: "alb_log_request_duration_total",
        help: "Seconds that targets took to process requests; requests without a target add nothing.",
        values: Values::Counter(|counts| seconds(counts.target_time_us)),
    },
    Definition {
        name: "alb_log_request_time_seconds",
        help: "Seconds that clients waited for the whole request, all statuses.",
        values: Values::Histogram(|counts| &counts.request_times),
    },
    Definition {
        name: "alb_log_sent_bytes_total",
        help: "Bytes sent to clients, headers included.",
        values: Values::Counter(|counts| counts.bytes_out as f64),
    },
    Definition {
        name: "alb_log_target_5xx_total",
        help: "Requests answered with 500 or above for which a target gave a status.",
        values: Values::ErrorCounter(|counts| counts.target_errors as f64),
    },
    Definition {
        name: "alb_log_target_time_seconds",
        help: "Seconds that targets took to process the request, all statuses.",
        values: Values::Histogram(|counts| &counts.target_times),
    },
];

/// The families of nginx, sorted by name. The count is ours: the combined format has no time, and without
/// it a log of that format would show nothing.
const NGINX: [Definition; 2] = [
    Definition {
        name: "nginx_http_request_time",
        help: "Seconds that clients waited for the whole request, all statuses.",
        values: Values::Histogram(|counts| &counts.request_times),
    },
    Definition {
        name: "nginx_http_requests_total",
        help: "Requests in nginx's access log.",
        values: Values::Counter(|counts| counts.requests as f64),
    },
];

impl Meter {
    /// The type of a family that a meter can have.
    pub fn family_kind(name: &str) -> Option<Kind> {
        let definition = ALB.iter().chain(&NGINX).find(|definition| definition.name == name)?;
        Some(match definition.values {
            Values::Counter(_) | Values::ErrorCounter(_) => Kind::Counter,
            Values::Histogram(_) => Kind::Histogram,
        })
    }

    /// The series of all families at this moment, sorted by name and labels.
    pub fn snapshot(&self, view: View) -> Snapshot {
        Snapshot { families: self.families(view).collect() }
    }

    /// The families that have series, sorted by name; each is made when it is asked for.
    pub fn families(&self, view: View) -> impl Iterator<Item = Family> {
        let alb = Rows::of(&self.alb, view, |births| births.alb, alb_histogram_labels);
        let nginx = Rows::of(&self.nginx, view, |births| births.nginx, nginx_histogram_labels);
        let alb = ALB.iter().map(move |definition| alb.family(definition));
        let nginx = NGINX.iter().map(move |definition| nginx.family(definition));
        alb.chain(nginx).filter(|family| !family.series.is_empty())
    }
}

/// The rows of one table that are shown, sorted by their labels.
struct Rows<'m> {
    rows: Vec<ShownRow<'m>>,
    bounds: &'m Bounds,
}

struct ShownRow<'m> {
    row: &'m Row,
    is_zero: bool,
    /// Whether it had a record of late. A histogram goes on with all its rows as long as one of them had:
    /// without those of a status that is rare it would seem to go down.
    is_live: bool,
    labels: LabelPairs,
    histogram_labels: LabelPairs,
}

impl<'m> Rows<'m> {
    fn of(
        origin: &'m OriginMeter,
        view: View,
        births: fn(Births) -> u64,
        histogram_labels: fn(&Names, &Labels<'_>) -> LabelPairs,
    ) -> Self {
        let names = Names::new();
        let is_zero = |row: &Row| {
            view.zero_after.is_some_and(|zero| row.birth > births(zero.births) && row.born_at > zero.born_at)
        };
        let shown = |row: &'m Row| {
            let labels = row.labels.borrow();
            ShownRow {
                row,
                is_zero: is_zero(row),
                is_live: row.counted_at >= view.counted_since,
                labels: counter_labels(&names, &labels),
                histogram_labels: histogram_labels(&names, &labels),
            }
        };
        // A row that was made for counts that are not on the disk yet has nothing to show.
        let has_counts = |row: &&Row| row.counts.records() > 0;
        let mut rows: Vec<_> = origin.table.rows().iter().filter(has_counts).map(shown).collect();
        rows.sort_by(|one, other| one.labels.cmp(&other.labels));
        Self { rows, bounds: &origin.bounds }
    }

    fn family(&self, definition: &Definition) -> Family {
        let (kind, series) = match definition.values {
            Values::Counter(value) => (Kind::Counter, self.counters(value, |_| true)),
            Values::ErrorCounter(value) => {
                (Kind::Counter, self.counters(value, |status| status.is_some_and(Status::is_server_error)))
            }
            Values::Histogram(times) => (Kind::Histogram, self.histograms(times)),
        };
        Family { name: definition.name.into(), help: definition.help.into(), kind, series }
    }

    fn counters(&self, value: fn(&Counts) -> f64, is_shown: fn(Option<Status>) -> bool) -> Vec<Series> {
        let is_shown = |shown: &&ShownRow<'_>| shown.is_live && is_shown(shown.row.labels.borrow().status);
        let rows = self.rows.iter().filter(is_shown);
        let series = rows.map(|shown| Series {
            labels: Arc::clone(&shown.labels),
            value: Value::Number(if shown.is_zero { 0.0 } else { value(&shown.row.counts) }),
            created_ms: created_ms(shown.row.born_at),
        });
        series.collect()
    }

    fn histograms(&self, times: fn(&Counts) -> &Distribution) -> Vec<Series> {
        let mut summed: BTreeMap<&LabelPairs, Summed> = BTreeMap::new();
        for shown in &self.rows {
            let times = times(&shown.row.counts);
            if times.count() == 0 {
                continue;
            }
            let empty = || Summed { times: times.emptied(), born_at: shown.row.born_at, is_live: false };
            let sum = summed.entry(&shown.histogram_labels).or_insert_with(empty);
            sum.born_at = shown.row.born_at.min(sum.born_at);
            sum.is_live |= shown.is_live;
            if !shown.is_zero {
                sum.times.merge(times);
            }
        }
        let bounds = self.bounds.seconds();
        let live = summed.into_iter().filter(|(_, sum)| sum.is_live);
        let series = live.map(|(labels, sum)| Series {
            labels: Arc::clone(labels),
            value: Value::Histogram(histogram(sum.times, &bounds)),
            created_ms: created_ms(sum.born_at),
        });
        series.collect()
    }
}

/// The rows of one histogram, added up.
struct Summed {
    times: Distribution,
    born_at: Timestamp,
    is_live: bool,
}

/// The names of labels; each text once for a whole snapshot.
struct Names {
    host: Arc<str>,
    request_method: Arc<str>,
    status: Arc<str>,
    path: Arc<str>,
    api_method_end_point: Arc<str>,
    target_group: Arc<str>,
    application: Arc<str>,
}

impl Names {
    fn new() -> Self {
        Self {
            host: "host".into(),
            request_method: "request_method".into(),
            status: "status".into(),
            path: "path".into(),
            api_method_end_point: "api_method_end_point".into(),
            target_group: "target_group".into(),
            application: "application".into(),
        }
    }
}

fn counter_labels(names: &Names, labels: &Labels<'_>) -> LabelPairs {
    let status = labels.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    pairs([
        (&names.host, labels.host),
        (&names.request_method, labels.method),
        (&names.status, &status),
        (&names.path, labels.path),
        (&names.target_group, labels.target_group),
        (&names.application, labels.application),
    ])
}

fn alb_histogram_labels(names: &Names, labels: &Labels<'_>) -> LabelPairs {
    pairs([
        (&names.host, labels.host),
        (&names.request_method, labels.method),
        (&names.path, labels.path),
        (&names.target_group, labels.target_group),
        (&names.application, labels.application),
    ])
}

fn nginx_histogram_labels(names: &Names, labels: &Labels<'_>) -> LabelPairs {
    pairs([
        (&names.api_method_end_point, labels.path),
        (&names.request_method, labels.method),
        (&names.application, labels.application),
    ])
}

/// The labels that have a value, in this order.
fn pairs<const N: usize>(labels: [(&Arc<str>, &str); N]) -> LabelPairs {
    let present = labels.into_iter().filter(|(_, value)| !value.is_empty());
    present.map(|(name, value)| (Arc::clone(name), value.into())).collect()
}

fn histogram(times: Distribution, bounds: &Arc<[f64]>) -> Histogram {
    Histogram {
        bounds: Arc::clone(bounds),
        sum: seconds(times.sum_us),
        counts: times.counts.into(),
        native: times.native.map(|native| NativeHistogram {
            schema: native.schema().into(),
            zero_count: native.zero_count(),
            buckets: native.buckets().collect(),
        }),
    }
}

fn seconds(micros: u128) -> f64 {
    micros as f64 / 1e6
}

fn created_ms(born_at: Timestamp) -> Option<i64> {
    (born_at != Timestamp::default()).then(|| born_at.micros() / 1000)
}
