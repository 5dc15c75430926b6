//! Rules on `weir_sla_events_total`: recorded counts for each window, and the alerts that compare them.
//!
//! Counts are recorded and not shares: an alert needs both, for the fewest events that say something, and a share of
//! two sums is right where an average of shares is not.

use super::text::{annotations, block, duration, group_head, increase, labels, matcher, minutes, quoted};
use super::{INTERVAL, RuleSource, TargetVersion};
use crate::alert::Labels;
use crate::rule::{Condition, NoTraffic, Rule, SharePair};
use crate::sla::{Selector, Sla};

/// The metric that is read.
const METRIC: &str = "weir_sla_events_total";

/// The group of one promise.
pub fn group(RuleSource { sla, arrival }: RuleSource<'_>, version: TargetVersion) -> String {
    let (group_offset, own_offset) = offsets(arrival.written_after, version);
    let rules = sla.rules();
    let mut text = group_head(&format!("weir-sla-{}", sla.name), INTERVAL, group_offset);
    for window in windows(&rules) {
        for (what, result) in [("bad", Some("bad")), ("total", None)] {
            let result = result.map(|result| format!(",{}", matcher("result", result))).unwrap_or_default();
            let selector = format!("{METRIC}{{{}{result}}}", matcher("sla", &sla.name));
            let expression =
                format!("sum by ({}) (\n  {}\n)", by(sla), increase(&selector, window, own_offset));
            text.push_str(&format!(
                "  - record: {}\n    expr: {}\n",
                recorded("sla", what, window),
                block(&expression, 6)
            ));
        }
    }
    for rule in &rules {
        text.push_str(&alert(sla, rule, "sla"));
    }
    text
}

/// What an offset is written for: the group where it can have one, else each expression.
pub fn offsets(written_after: Option<i64>, version: TargetVersion) -> (Option<i64>, Option<i64>) {
    match version {
        TargetVersion::V2_42 => (None, written_after),
        TargetVersion::V2_53 | TargetVersion::V3 => (written_after, None),
    }
}

/// Every window of these rules, from short to long.
pub fn windows(rules: &[Rule]) -> Vec<i64> {
    let pairs = rules.iter().flat_map(|rule| match &rule.condition {
        Condition::Share { pairs, .. } => pairs.as_slice(),
        _ => &[],
    });
    let mut windows: Vec<i64> = pairs.flat_map(|pair| [Some(pair.long), pair.short]).flatten().collect();
    windows.sort_unstable();
    windows.dedup();
    windows
}

/// The name of what is recorded.
pub fn recorded(level: &str, what: &str, window: i64) -> String {
    format!("weir:{level}_{what}:increase{}", minutes(window))
}

/// The labels that are left.
fn by(sla: &Sla) -> String {
    ["sla", "service"].into_iter().chain(sla.instance_labels()).collect::<Vec<_>>().join(", ")
}

/// One alert; `level` tells what its counts are recorded under.
pub fn alert(sla: &Sla, rule: &Rule, level: &str) -> String {
    let Condition::Share { pairs, no_traffic } = &rule.condition else { return String::new() };
    let of =
        |what: &str, window: i64| format!("{}{{{}}}", recorded(level, what, window), selection(sla, rule));
    let ratio = |window: i64| format!("{} / {}", of("bad", window), of("total", window));
    let of_pair = |pair: &SharePair| {
        let long = format!("{} > {}", ratio(pair.long), pair.share);
        let short =
            pair.short.map(|short| format!("\n  and {} > {}", ratio(short), pair.share)).unwrap_or_default();
        format!("(\n  {long}{short}\n  and {} >= {}\n)", of("total", pair.long), pair.events_min)
    };
    let mut alternatives: Vec<String> = pairs.iter().map(of_pair).collect();
    alternatives.extend(without_traffic(sla, rule, pairs, *no_traffic, of));
    let mut expression = alternatives.join("\nor\n");
    if !rule.scope.except.is_empty() {
        expression = format!("(\n{expression}\n)");
    }
    let first = pairs.first().map_or(0, |pair| pair.long);
    for except in &rule.scope.except {
        let total = recorded(level, "total", first);
        expression.push_str(&format!("\nunless {total}{{{}{}}}", matcher("sla", &sla.name), more(except)));
    }
    let keep = match rule.keep_firing_for.is_zero() {
        true => String::new(),
        false => format!("    keep_firing_for: {}\n", duration(rule.keep_firing_for)),
    };
    format!(
        "  - alert: {}\n    expr: {}\n    for: {}\n{keep}{}{}",
        quoted(rule.name()),
        block(&expression, 6),
        duration(rule.hold),
        labels(&rule.labels),
        annotations(&rule.annotations)
    )
}

/// What holds while too few requests come.
fn without_traffic(
    sla: &Sla,
    rule: &Rule,
    pairs: &[SharePair],
    no_traffic: NoTraffic,
    of: impl Fn(&str, i64) -> String,
) -> Option<String> {
    let first = pairs.first()?.long;
    let value = format!("{} / {}", of("bad", first), of("total", first));
    let all = |compared: &dyn Fn(&SharePair) -> String| {
        let each = pairs.iter().map(|pair| format!("\n  and {} {}", of("total", pair.long), compared(pair)));
        each.collect::<String>()
    };
    match no_traffic {
        NoTraffic::Resolve => None,
        NoTraffic::Alert => Some(format!("(\n  {value}{}\n)", all(&|_| "== 0".to_owned()))),
        NoTraffic::Keep => {
            let names: Vec<&str> = ["sla", "service"].into_iter().chain(sla.instance_labels()).collect();
            let own = ["alertname", "severity", "sla"]
                .map(|name| matcher(name, rule.labels.get(name).map_or("", |value| value)));
            let few = all(&|pair| format!("< {}", pair.events_min));
            let active = format!("ALERTS{{{},alertstate=~\"pending|firing\"}}", own.join(","));
            Some(format!("(\n  {value}{few}\n  and on ({}) {active}\n)", names.join(", ")))
        }
    }
}

fn selection(sla: &Sla, rule: &Rule) -> String {
    let only = rule.scope.only.as_ref().map(more).unwrap_or_default();
    format!("{}{only}", matcher("sla", &sla.name))
}

/// A selector as further matchers.
fn more(selector: &Selector) -> String {
    let pairs = [("route", &selector.route), ("method", &selector.method)];
    pairs
        .into_iter()
        .filter_map(|(name, value)| Some(format!(",{}", matcher(name, value.as_deref()?))))
        .collect()
}

/// The labels of the counter of an instance, without its result.
pub fn counter_labels(sla: &Sla, instance: &Labels) -> Labels {
    let mut labels = instance.clone();
    labels.insert("sla".into(), sla.name.clone());
    labels.insert("service".into(), sla.service.clone());
    labels
}
