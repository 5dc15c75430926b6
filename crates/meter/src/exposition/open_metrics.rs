//! OpenMetrics text: what Prometheus asks for first, so the path that most scrapes take.
//!
//! Samples are those of text 0.0.4; only the metadata differs. The specification is
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>; where it leaves a choice:
//! * No `_created` samples. Prometheus up to 2.x stores each as a series of its own (one more for every
//!   counter and histogram); births are told in protobuf, which has a field for them.
//! * A counter whose name lacks `_total` is `unknown`, as `expfmt` does it: a counter's samples must have the
//!   suffix, and a rename would break every query on the known name.
//! * So is a counter whose name without `_total` is another family's name, which may not be declared twice.

use super::samples::{self, Quotes, escape};
use super::unit;
use crate::{Family, Kind, Snapshot};

/// Appends `snapshot` as OpenMetrics.
pub(super) fn encode(snapshot: &Snapshot, out: &mut Vec<u8>) {
    for family in super::exposed(snapshot) {
        let head = Head::new(family, snapshot);
        head.write(family, out);
        samples::append(family, out);
    }
    out.extend_from_slice(b"# EOF\n");
}

/// A family as its metadata lines name it.
struct Head<'a> {
    name: &'a str,
    kind: &'static str,
}

impl<'a> Head<'a> {
    fn new(family: &'a Family, snapshot: &Snapshot) -> Self {
        let name: &str = &family.name;
        match family.kind {
            Kind::Gauge => Self { name, kind: "gauge" },
            Kind::Histogram => Self { name, kind: "histogram" },
            Kind::Summary => Self { name, kind: "summary" },
            Kind::Untyped => Self { name, kind: "unknown" },
            Kind::Counter => match name.strip_suffix("_total") {
                Some(base) if !has_family(snapshot, base) => Self { name: base, kind: "counter" },
                _ => Self { name, kind: "unknown" },
            },
        }
    }

    fn write(&self, family: &Family, out: &mut Vec<u8>) {
        self.write_line(out, "TYPE", self.kind);
        if let Some(unit) = unit(self.name) {
            self.write_line(out, "UNIT", unit);
        }
        self.write_line(out, "HELP", &family.help);
    }

    fn write_line(&self, out: &mut Vec<u8>, keyword: &str, text: &str) {
        for part in ["# ", keyword, " ", self.name, " "] {
            out.extend_from_slice(part.as_bytes());
        }
        escape(out, text, Quotes::Escaped);
        out.push(b'\n');
    }
}

fn has_family(snapshot: &Snapshot, name: &str) -> bool {
    snapshot.families.binary_search_by(|family| (*family.name).cmp(name)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{counter, every_kind, family, gauge, snapshot, summary, untyped};
    use super::*;

    fn check(snapshot: &Snapshot, expected: &str) {
        let mut out = Vec::new();
        encode(snapshot, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn every_kind_is_written() {
        check(
            &every_kind(),
            r#"# TYPE alb_log_elb_5xx unknown
# HELP alb_log_elb_5xx Errors of the load balancer.
alb_log_elb_5xx{status="502"} 3
# TYPE alb_log_request_count counter
# HELP alb_log_request_count Requests.
alb_log_request_count_total{request_method="GET",status="200"} 5
alb_log_request_count_total{request_method="POST",status="200"} 0
# TYPE alb_log_request_time_seconds histogram
# UNIT alb_log_request_time_seconds seconds
# HELP alb_log_request_time_seconds Time to answer.
alb_log_request_time_seconds_bucket{application="shop",le="0.005"} 1
alb_log_request_time_seconds_bucket{application="shop",le="1.0"} 3
alb_log_request_time_seconds_bucket{application="shop",le="10.0"} 3
alb_log_request_time_seconds_bucket{application="shop",le="+Inf"} 4
alb_log_request_time_seconds_sum{application="shop"} 12.125
alb_log_request_time_seconds_count{application="shop"} 4
# TYPE weir_queue_bytes gauge
# UNIT weir_queue_bytes bytes
# HELP weir_queue_bytes Bytes waiting.
weir_queue_bytes 1048576
# EOF
"#,
        );
    }

    #[test]
    fn nothing_is_an_end() {
        check(&Snapshot::default(), "# EOF\n");
    }

    #[test]
    fn a_counters_unit_stands_before_total() {
        check(
            &snapshot([counter("alb_log_sent_bytes_total", &[], 5.0)]),
            r#"# TYPE alb_log_sent_bytes counter
# UNIT alb_log_sent_bytes bytes
# HELP alb_log_sent_bytes Help.
alb_log_sent_bytes_total 5
# EOF
"#,
        );
    }

    #[test]
    fn a_counter_beside_a_gauge_of_its_base_name_is_unknown() {
        check(
            &snapshot([
                family("jobs", "Running.", Kind::Gauge, [gauge(&[], 1.0)]),
                counter("jobs_total", &[], 2.0),
            ]),
            r#"# TYPE jobs gauge
# HELP jobs Running.
jobs 1
# TYPE jobs_total unknown
# HELP jobs_total Help.
jobs_total 2
# EOF
"#,
        );
    }

    #[test]
    fn what_only_pushes_have_is_written() {
        check(
            &snapshot([summary("rpc", &[], 2.5, 3), untyped("x_total", 4.0)]),
            "# TYPE rpc summary\n# HELP rpc Help.\nrpc_sum 2.5\nrpc_count 3\n\
             # TYPE x_total unknown\n# HELP x_total Help.\nx_total 4\n# EOF\n",
        );
    }

    #[test]
    fn help_escapes_quotes() {
        check(
            &snapshot([family("up", "a \\ b\n\"c\"", Kind::Gauge, [gauge(&[], 1.0)])]),
            "# TYPE up gauge\n# HELP up a \\\\ b\\n\\\"c\\\"\nup 1\n# EOF\n",
        );
    }
}
