//! The same promises as rules for a Prometheus, and the tests that show that they say the same.
//!
//! An increase is written as the difference of a counter and of itself some time ago, not as `increase()`: that
//! stretches what it sees to the whole window, and sees a sample less where it begins (`(from, to]` since version 3).
//! The difference has neither, so a count is the same whole number here and there. Where the counter is younger than
//! the window, or was reset, `increase()` takes its place; a new counter of weir's begins at 0, so that is exact too.

mod plain;
mod promtool;
mod shares;
mod text;

pub use promtool::{Scenario, Track, test_file};

use crate::sla::Sla;
use text::{annotations, block, labels, matcher, quoted};

/// How often rules are evaluated: minutes are what is counted.
const INTERVAL: &str = "1m";

/// How long a promise may be without numbers before that is an alert itself.
const SILENCE: &str = "10m";

/// How far behind a source may be beyond its lateness, in seconds.
const STALLED_SECONDS: i64 = 600;

/// What the Prometheus that is to read the rules can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetVersion {
    /// From 2.42: `keep_firing_for`, but no offset for a group.
    V2_42,
    /// From 2.53: `query_offset`.
    V2_53,
    /// From 3.0.
    V3,
}

/// How counts of a source come to Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// How long behind the clock its minutes are written at event time, in seconds; `None` where it is scraped.
    pub written_after: Option<i64>,
    /// How late its lines may be, in seconds.
    pub lateness: i64,
    /// Whether its request times are in `nginx_http_request_time`.
    pub is_nginx: bool,
}

/// A promise, and how its counts come to Prometheus.
#[derive(Clone, Copy, Debug)]
pub struct RuleSource<'a> {
    /// The promise.
    pub sla: &'a Sla,
    /// How its counts come.
    pub arrival: Arrival,
}

/// Rules on `weir_sla_events_total`.
pub fn rule_file(sources: &[RuleSource<'_>], version: TargetVersion) -> String {
    let mut text = String::from(
        "# Made by `weir rules` from the `slas` of a config; change them there and not here.\n\
         # They read weir_sla_events_total, in which every request is good or bad, whatever its status.\n\
         groups:\n",
    );
    for source in sources {
        text.push_str(&shares::group(*source, version));
    }
    if !sources.is_empty() {
        text.push_str(&guards(sources));
    }
    text
}

/// Rules on `nginx_http_request_time`, for a Prometheus that has only that; `None` where no promise can be judged
/// from it.
pub fn plain_rule_file(sources: &[RuleSource<'_>], version: TargetVersion) -> Option<String> {
    let groups: String = sources.iter().filter_map(|source| plain::group(*source, version)).collect();
    let head = "# Made by `weir rules` from the `slas` of a config; change them there and not here.\n\
         # For a Prometheus that has nginx_http_request_time and not weir_sla_events_total. A histogram does not tell\n\
         # fast failures from fast answers, so both count as good here. Load this file or the other one, not both.\n\
         groups:\n";
    (!groups.is_empty()).then(|| format!("{head}{groups}"))
}

/// Alerts for when there is nothing to judge: silence must not read as a promise kept.
fn guards(sources: &[RuleSource<'_>]) -> String {
    let mut text = format!("- name: weir-sla-guards\n  interval: {INTERVAL}\n  rules:\n");
    let mut seen: Vec<&str> = Vec::new();
    for RuleSource { sla, arrival } in sources {
        let selector = format!("weir_sla_events_total{{{}}}", matcher("sla", &sla.name));
        let own = [
            ("severity", "ticket"),
            ("sla", &*sla.name),
            ("service", &*sla.service),
            ("source", &*sla.source),
        ];
        text.push_str(&alert(
            "SlaMetricAbsent",
            // A family that is written late is not yet there for an instant query.
            &format!("absent_over_time({selector}[{}s])", arrival.written_after.unwrap_or(0) + 300),
            &own,
            &format!("no counts of {}: whether it is kept is unknown", sla.name),
        ));
        if seen.contains(&&*sla.source) {
            continue;
        }
        seen.push(&sla.source);
        let watermark =
            format!("weir_source_watermark_timestamp_seconds{{{}}}", matcher("source", &sla.source));
        let behind = arrival.lateness + STALLED_SECONDS;
        text.push_str(&alert(
            "SlaSourceStalled",
            &format!("time() - {watermark} > {behind}"),
            &[("severity", "ticket"), ("source", &*sla.source)],
            &format!("{} is not read: its promises are unknown since then", sla.source),
        ));
    }
    text
}

fn alert(name: &str, expression: &str, own: &[(&str, &str)], summary: &str) -> String {
    let own = own.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let summary = [("summary".into(), summary.into())].into();
    format!(
        "  - alert: {}\n    expr: {}\n    for: {SILENCE}\n{}{}",
        quoted(name),
        block(expression, 6),
        labels(&own),
        annotations(&summary)
    )
}
