//! Rules on the histogram of nginx, at the exact bound of a promise's time.
//!
//! For who has the histogram of the known Lua module and nothing else yet. It can't tell a fast failure from a fast
//! answer, which is why weir's own counts exist; and without its bucket it gives no alert and no error, which is why
//! there is a rule for that.

use super::shares::{alert, offsets, recorded, windows};
use super::text::{annotations, block, group_head, increase, labels, matcher, quoted};
use super::{INTERVAL, RuleSource, SILENCE, TargetVersion};
use crate::sla::{Indicator, Selector, Sla};

/// The group of one promise; `None` where it is not about the time of answers of nginx.
pub fn group(RuleSource { sla, arrival }: RuleSource<'_>, version: TargetVersion) -> Option<String> {
    let Indicator::Latency { threshold_us, .. } = sla.indicator else { return None };
    if !arrival.is_nginx {
        return None;
    }
    let (group_offset, own_offset) = offsets(arrival.written_after, version);
    let rules = sla.rules();
    let mut text = group_head(&format!("weir-sla-plain-{}", sla.name), INTERVAL, group_offset);
    for window in windows(&rules) {
        let total = |selector: &str| {
            increase(&format!("nginx_http_request_time_count{{{selector}}}"), window, own_offset)
        };
        let total = joined(sla, threshold_us, |selector, _| total(selector));
        let good = joined(sla, threshold_us, |selector, threshold_us| {
            let bucket = format!("nginx_http_request_time_bucket{{{selector},{}}}", bound(threshold_us));
            increase(&bucket, window, own_offset)
        });
        let bad = format!("(\n{total}\n)\n- (\n{good}\n)");
        for (what, expression) in [("bad", bad), ("total", total)] {
            text.push_str(&format!(
                "  - record: {}\n    expr: {}\n    labels: {{sla: {}, service: {}}}\n",
                recorded("sla_plain", what, window),
                block(&expression, 6),
                quoted(&sla.name),
                quoted(&sla.service),
            ));
        }
    }
    rules.iter().for_each(|rule| text.push_str(&alert(sla, rule, "sla_plain")));
    text.push_str(&bucket_guard(sla, threshold_us));
    Some(text)
}

/// What overrides promise first, then what all others are promised: of two with the same labels the first counts.
fn joined(sla: &Sla, threshold_us: u64, term: impl Fn(&str, u64) -> String) -> String {
    let own = sla.overrides.iter().filter_map(|change| Some((&change.selector, change.threshold_us?)));
    let any = [Selector::default()];
    let rest = if sla.only.is_empty() { any.as_slice() } else { sla.only.as_slice() };
    let terms = own.chain(rest.iter().map(|selector| (selector, threshold_us)));
    let terms =
        terms.map(|(selector, threshold_us)| instances(sla, &term(&matchers(sla, selector), threshold_us)));
    terms.collect::<Vec<_>>().join("\nor\n")
}

/// Sums by instance, under the names of labels that weir's alerts have.
fn instances(sla: &Sla, expression: &str) -> String {
    let names = sla.instance_labels();
    let mut renamed = expression.to_owned();
    for name in &names {
        let from = if *name == "route" { "api_method_end_point" } else { "request_method" };
        renamed = format!("label_replace({renamed}, \"{name}\", \"$1\", \"{from}\", \"(.*)\")");
    }
    format!("sum by ({}) ({renamed})", names.join(", "))
}

fn matchers(sla: &Sla, selector: &Selector) -> String {
    let mut matchers = vec![matcher("application", &sla.service)];
    matchers.extend(selector.route.as_deref().map(|route| matcher("api_method_end_point", route)));
    matchers.extend(selector.method.as_deref().map(|method| matcher("request_method", method)));
    matchers.join(",")
}

/// The bound of a bucket. Before version 3 a text has `1.0` as it was written, and others may have written `1`.
fn bound(threshold_us: u64) -> String {
    let text = format!("{}", threshold_us as f64 / 1e6);
    if text.contains('.') { format!("le=\"{text}\"") } else { format!("le=~\"{text}(\\\\.0)?\"") }
}

/// A bucket that is not there gives no alert and no error, so its absence must.
fn bucket_guard(sla: &Sla, threshold_us: u64) -> String {
    let application = matcher("application", &sla.service);
    let count = format!("nginx_http_request_time_count{{{application}}}");
    let bucket = format!("nginx_http_request_time_bucket{{{application},{}}}", bound(threshold_us));
    let expression = format!("count by (application) ({count})\nunless count by (application) ({bucket})");
    let own =
        [("severity", "ticket"), ("sla", &*sla.name), ("service", &*sla.service), ("source", &*sla.source)];
    let own = own.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let summary = format!("no bucket of {} s: {} cannot be judged", threshold_us as f64 / 1e6, sla.name);
    format!(
        "  - alert: SlaLatencyBucketMissing\n    expr: {}\n    for: {SILENCE}\n{}{}",
        block(&expression, 6),
        labels(&own),
        annotations(&[("summary".into(), summary.into())].into())
    )
}
