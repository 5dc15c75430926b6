//! Text format 0.0.4: what a person with `curl` reads, and what every scraper understands.
//!
//! The format: <https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details>.

use super::samples::{self, Quotes, escape};
use crate::{Family, Snapshot};

/// Appends `snapshot` as text 0.0.4.
pub(super) fn encode(snapshot: &Snapshot, out: &mut Vec<u8>) {
    for family in super::exposed(snapshot) {
        write_head(family, out);
        samples::append(family, out);
    }
}

/// Writes one family as text 0.0.4 in pieces, so that its text is never in memory as a whole.
pub(super) fn write_family<E>(
    family: &Family,
    mut write: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    const PIECE_BYTES: usize = 64 << 10;
    if family.series.is_empty() {
        return Ok(());
    }
    let mut out = Vec::with_capacity(2 * PIECE_BYTES);
    write_head(family, &mut out);
    samples::write(family, &mut out, |out| {
        if out.len() < PIECE_BYTES {
            return Ok(());
        }
        write(out)?;
        out.clear();
        Ok(())
    })?;
    write(&out)
}

fn write_head(family: &Family, out: &mut Vec<u8>) {
    for part in ["# HELP ", &family.name, " "] {
        out.extend_from_slice(part.as_bytes());
    }
    escape(out, &family.help, Quotes::Plain);
    for part in ["\n# TYPE ", &family.name, " ", family.kind.as_str(), "\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{counter, every_kind, family, gauge, snapshot};
    use super::*;
    use crate::Kind;
    use crate::exposition::fixture::{classic, histogram, summary, untyped};

    fn check(snapshot: &Snapshot, expected: &str) {
        let mut out = Vec::new();
        encode(snapshot, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn every_kind_is_written() {
        check(
            &every_kind(),
            r#"# HELP alb_log_elb_5xx Errors of the load balancer.
# TYPE alb_log_elb_5xx counter
alb_log_elb_5xx{status="502"} 3
# HELP alb_log_request_count_total Requests.
# TYPE alb_log_request_count_total counter
alb_log_request_count_total{request_method="GET",status="200"} 5
alb_log_request_count_total{request_method="POST",status="200"} 0
# HELP alb_log_request_time_seconds Time to answer.
# TYPE alb_log_request_time_seconds histogram
alb_log_request_time_seconds_bucket{application="shop",le="0.005"} 1
alb_log_request_time_seconds_bucket{application="shop",le="1.0"} 3
alb_log_request_time_seconds_bucket{application="shop",le="10.0"} 3
alb_log_request_time_seconds_bucket{application="shop",le="+Inf"} 4
alb_log_request_time_seconds_sum{application="shop"} 12.125
alb_log_request_time_seconds_count{application="shop"} 4
# HELP weir_queue_bytes Bytes waiting.
# TYPE weir_queue_bytes gauge
weir_queue_bytes 1048576
"#,
        );
    }

    #[test]
    fn help_escapes_backslash_and_line_end() {
        check(
            &snapshot([family("up", "a \\ b\n\"c\"", Kind::Gauge, [gauge(&[], 1.0)])]),
            "# HELP up a \\\\ b\\n\"c\"\n# TYPE up gauge\nup 1\n",
        );
    }

    #[test]
    fn label_values_escape_quotes_too() {
        check(
            &snapshot([counter("hits_total", &[("path", "/a\"\\\n\té")], 1.0)]),
            "# HELP hits_total Help.\n# TYPE hits_total counter\nhits_total{path=\"/a\\\"\\\\\\n\té\"} 1\n",
        );
    }

    #[test]
    fn a_histogram_without_labels_or_bounds_has_its_infinity() {
        check(
            &snapshot([histogram("wait", &[], classic(&[], &[2], 3.0))]),
            "# HELP wait Help.\n# TYPE wait histogram\nwait_bucket{le=\"+Inf\"} 2\nwait_sum 3\nwait_count 2\n",
        );
    }

    #[test]
    fn what_only_pushes_have_is_written() {
        check(
            &snapshot([summary("rpc", &[("a", "1")], 2.5, 3), untyped("x_total", 4.0)]),
            "# HELP rpc Help.\n# TYPE rpc summary\nrpc_sum{a=\"1\"} 2.5\nrpc_count{a=\"1\"} 3\n\
             # HELP x_total Help.\n# TYPE x_total untyped\nx_total 4\n",
        );
    }

    #[test]
    fn each_series_has_its_own_bounds() {
        let mut family = histogram("wait", &[("a", "1")], classic(&[1.0], &[1, 0], 1.0));
        family.series.extend(histogram("wait", &[("a", "2")], classic(&[2.0], &[0, 1], 1.0)).series);
        check(
            &snapshot([family]),
            r#"# HELP wait Help.
# TYPE wait histogram
wait_bucket{a="1",le="1.0"} 1
wait_bucket{a="1",le="+Inf"} 1
wait_sum{a="1"} 1
wait_count{a="1"} 1
wait_bucket{a="2",le="2.0"} 0
wait_bucket{a="2",le="+Inf"} 1
wait_sum{a="2"} 1
wait_count{a="2"} 1
"#,
        );
    }
}
