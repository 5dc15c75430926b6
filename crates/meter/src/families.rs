//! The metric families of the known systems, drawn from the tables.
//!
//! Names and labels are the ones that dashboards and rules of the systems we replace already use;
//! they are fixed. Each family is a row of a table here: its name, its help and how its value comes
//! from the counts. Families without a label that the rows have are summed over it.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_record::Timestamp;

use crate::births::ZeroAfter;
use crate::counts::{Counts, Distribution};
use crate::labels::Labels;
use crate::meter::{Births, Meter, OriginMeter};
use crate::snapshot::{Family, Histogram, Kind, NativeHistogram, Series, Snapshot, Value};
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

/// How a counter's value comes from the counts of a row.
struct CounterFamily {
    name: &'static str,
    help: &'static str,
    /// Whether only rows of server errors have this series.
    is_of_errors: bool,
    value: fn(&Counts) -> f64,
}

const ALB_COUNTERS: [CounterFamily; 6] = [
    CounterFamily {
        name: "alb_log_elb_5xx_total",
        help: "Requests that the load balancer itself answered with 500 or above: no target gave a status.",
        is_of_errors: true,
        value: |counts| counts.balancer_errors as f64,
    },
    CounterFamily {
        name: "alb_log_received_bytes_total",
        help: "Bytes received from clients, headers included.",
        is_of_errors: false,
        value: |counts| counts.bytes_in as f64,
    },
    CounterFamily {
        name: "alb_log_request_count_total",
        help: "Requests in the load balancer's access log.",
        is_of_errors: false,
        value: |counts| counts.requests as f64,
    },
    CounterFamily {
        name: "alb_log_request_duration_total",
        help: "Seconds that targets took to process requests; requests without a target add nothing.",
        is_of_errors: false,
        value: |counts| seconds(counts.target_time_us),
    },
    CounterFamily {
        name: "alb_log_sent_bytes_total",
        help: "Bytes sent to clients, headers included.",
        is_of_errors: false,
        value: |counts| counts.bytes_out as f64,
    },
    CounterFamily {
        name: "alb_log_target_5xx_total",
        help: "Requests answered with 500 or above for which a target gave a status.",
        is_of_errors: true,
        value: |counts| counts.target_errors as f64,
    },
];

const NGINX_COUNTERS: [CounterFamily; 1] = [CounterFamily {
    name: "nginx_http_requests_total",
    help: "Requests in nginx's access log.",
    is_of_errors: false,
    value: |counts| counts.requests as f64,
}];

struct HistogramFamily {
    name: &'static str,
    help: &'static str,
    labels: fn(&Labels<'_>) -> LabelPairs,
    times: fn(&Counts) -> &Distribution,
}

const ALB_HISTOGRAMS: [HistogramFamily; 2] = [
    HistogramFamily {
        name: "alb_log_request_time_seconds",
        help: "Seconds that clients waited for the whole request, all statuses.",
        labels: |labels| label_pairs(labels, &[Label::Host, Label::Method, Label::Path, Label::TargetGroup]),
        times: |counts| &counts.request_times,
    },
    HistogramFamily {
        name: "alb_log_target_time_seconds",
        help: "Seconds that targets took to process the request, all statuses.",
        labels: |labels| label_pairs(labels, &[Label::Host, Label::Method, Label::Path, Label::TargetGroup]),
        times: |counts| &counts.target_times,
    },
];

const NGINX_HISTOGRAMS: [HistogramFamily; 1] = [HistogramFamily {
    name: "nginx_http_request_time",
    help: "Seconds that clients waited for the whole request, all statuses.",
    labels: |labels| label_pairs(labels, &[Label::Endpoint, Label::Method]),
    times: |counts| &counts.request_times,
}];

type LabelPairs = Vec<(Arc<str>, Arc<str>)>;

#[derive(Clone, Copy, PartialEq)]
enum Label {
    Host,
    Method,
    Status,
    Path,
    Endpoint,
    TargetGroup,
}

impl Meter {
    /// The series of all families at this moment, sorted by name and labels.
    pub fn snapshot(&self, view: View) -> Snapshot {
        let alb = self.origin_families(&self.alb, &ALB_COUNTERS, &ALB_HISTOGRAMS, view, |births| births.alb);
        let nginx =
            self.origin_families(&self.nginx, &NGINX_COUNTERS, &NGINX_HISTOGRAMS, view, |births| births.nginx);
        let mut families: Vec<Family> =
            alb.into_iter().chain(nginx).filter(|family| !family.series.is_empty()).collect();
        families.sort_by(|one, other| one.name.cmp(&other.name));
        Snapshot { families }
    }

    fn origin_families(
        &self,
        origin: &OriginMeter,
        counters: &[CounterFamily],
        histograms: &[HistogramFamily],
        view: View,
        births: fn(Births) -> u64,
    ) -> Vec<Family> {
        let is_zero = |row: &Row| {
            view.zero_after.is_some_and(|zero| row.birth > births(zero.births) && row.born_at > zero.born_at)
        };
        let rows: Vec<ShownRow<'_>> = origin
            .table
            .rows()
            .iter()
            .filter(|row| row.counted_at >= view.counted_since)
            .map(|row| ShownRow { row, is_zero: is_zero(row) })
            .collect();
        let counters = counters.iter().map(|family| counter_family(family, &rows));
        let histograms = histograms.iter().map(|family| self.histogram_family(family, &rows, origin));
        counters.chain(histograms).collect()
    }

    fn histogram_family(
        &self,
        family: &HistogramFamily,
        rows: &[ShownRow<'_>],
        origin: &OriginMeter,
    ) -> Family {
        let empty = Distribution::new(&origin.bounds, self.options.has_native_histograms);
        let mut summed: BTreeMap<LabelPairs, (Distribution, Timestamp)> = BTreeMap::new();
        for shown in rows {
            let times = (family.times)(&shown.row.counts);
            if times.count() == 0 {
                continue;
            }
            let labels = (family.labels)(&shown.row.labels.borrow());
            let (sum, born_at) = summed.entry(labels).or_insert_with(|| (empty.clone(), shown.row.born_at));
            *born_at = shown.row.born_at.min(*born_at);
            if !shown.is_zero {
                sum.merge(times);
            }
        }
        let bounds = origin.bounds.seconds();
        let series = summed.into_iter().map(|(labels, (times, born_at))| Series {
            labels,
            value: Value::Histogram(histogram(times, &bounds)),
            created_ms: created_ms(born_at),
        });
        Family {
            name: family.name.into(),
            help: family.help.into(),
            kind: Kind::Histogram,
            series: series.collect(),
        }
    }
}

struct ShownRow<'a> {
    row: &'a Row,
    is_zero: bool,
}

fn counter_family(family: &CounterFamily, rows: &[ShownRow<'_>]) -> Family {
    const LABELS: [Label; 5] = [Label::Host, Label::Method, Label::Status, Label::Path, Label::TargetGroup];
    let is_error = |row: &Row| row.labels.borrow().status.is_some_and(|status| status.is_server_error());
    let mut series: Vec<Series> = rows
        .iter()
        .filter(|shown| !family.is_of_errors || is_error(shown.row))
        .map(|shown| Series {
            labels: label_pairs(&shown.row.labels.borrow(), &LABELS),
            value: Value::Number(if shown.is_zero { 0.0 } else { (family.value)(&shown.row.counts) }),
            created_ms: created_ms(shown.row.born_at),
        })
        .collect();
    series.sort_by(|one, other| one.labels.cmp(&other.labels));
    Family { name: family.name.into(), help: family.help.into(), kind: Kind::Counter, series }
}

/// The wanted labels and `application`, in the order of the documentation; empty ones are left out.
fn label_pairs(labels: &Labels<'_>, wanted: &[Label]) -> LabelPairs {
    let pair = |label: Label| -> (&'static str, Arc<str>) {
        match label {
            Label::Host => ("host", labels.host.into()),
            Label::Method => ("request_method", labels.method.into()),
            Label::Status => {
                ("status", labels.status.map_or_else(|| "-".into(), |status| status.to_string().into()))
            }
            Label::Path => ("path", labels.path.into()),
            Label::Endpoint => ("api_method_end_point", labels.path.into()),
            Label::TargetGroup => ("target_group", labels.target_group.into()),
        }
    };
    let wanted = wanted.iter().map(|&label| pair(label));
    wanted
        .chain([("application", labels.application.into())])
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.into(), value))
        .collect()
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
