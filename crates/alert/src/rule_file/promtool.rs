//! Tests for `promtool test rules`: what happened, and at each step the alerts that the evaluator here has.
//!
//! So a Prometheus says itself whether it agrees, with no emulation of it on this side.

use std::fmt::Write;

use super::shares::counter_labels;
use super::text::{matcher, quoted};
use crate::alert::Labels;
use crate::evaluator::{AlertState, Evaluator, RuleOfIndicator};
use crate::minute_counts::Events;
use crate::sla::Sla;

/// What happened under one promise, from minute 0 on.
#[derive(Clone, Debug)]
pub struct Scenario<'a> {
    /// What it shows.
    pub name: String,
    /// The promise.
    pub sla: &'a Sla,
    /// Its instances.
    pub tracks: Vec<Track>,
    /// How many minutes are judged.
    pub minutes: i64,
    /// Minutes after which counts are seen: an offset of the rules.
    pub offset: i64,
}

/// What happened to one instance.
#[derive(Clone, Debug)]
pub struct Track {
    /// Its labels.
    pub instance: Labels,
    /// The minute in which its counters begin, at 0.
    pub born: i64,
    /// What happened in each minute from then on.
    pub events: Vec<Events>,
}

/// The tests of these scenarios; `rule_file` is the name of the file with the rules, beside them.
pub fn test_file(rule_file: &str, scenarios: &[Scenario<'_>]) -> String {
    let mut text = format!(
        "# Made by `weir rules`: promtool test rules THIS_FILE\nrule_files: [{}]\nevaluation_interval: 1m\ntests:\n",
        quoted(rule_file)
    );
    scenarios.iter().for_each(|scenario| write_scenario(&mut text, scenario));
    text
}

fn write_scenario(text: &mut String, scenario: &Scenario<'_>) {
    let _ = writeln!(text, "- name: {}\n  interval: 1m\n  input_series:", quoted(&scenario.name));
    for track in &scenario.tracks {
        let labels = counter_labels(scenario.sla, &track.instance);
        for result in ["bad", "good"] {
            let mut labels = labels.clone();
            labels.insert("result".into(), result.into());
            let mut sum = 0;
            let born = usize::try_from(track.born).unwrap_or(0);
            let mut values = vec!["_".to_owned(); born];
            values.push("0".to_owned());
            values.extend(track.events.iter().map(|events| {
                sum += if result == "bad" { events.bad } else { events.good };
                sum.to_string()
            }));
            let series = format!("weir_sla_events_total{{{}}}", promql_labels(&labels));
            let _ = writeln!(text, "  - series: {}\n    values: '{}'", quoted(&series), values.join(" "));
        }
    }
    text.push_str("  promql_expr_test:\n");
    for (at, alerts) in expected(scenario) {
        let samples = alerts.iter().map(|labels| {
            let sample = format!("ALERTS{{{}}}", promql_labels(labels));
            format!("    - labels: {}\n      value: 1\n", quoted(&sample))
        });
        let samples: String = samples.collect();
        let samples = if samples.is_empty() { "[]\n".to_owned() } else { format!("\n{samples}") };
        let is_own = matcher("sla", &scenario.sla.name);
        // The guards have no part in it: they are about what is missing.
        let own = format!("ALERTS{{{is_own},alertname!=\"SlaMetricAbsent\"}}");
        let _ = write!(text, "  - expr: {}\n    eval_time: {at}m\n    exp_samples: {samples}", quoted(&own));
    }
}

/// The alerts at each minute, as the series `ALERTS` has them.
fn expected(scenario: &Scenario<'_>) -> Vec<(i64, Vec<Labels>)> {
    let rules = scenario.sla.rules().into_iter().map(|rule| RuleOfIndicator { rule, indicator: 0 }).collect();
    let mut evaluator = Evaluator::new(rules, 1);
    let mut steps = Vec::new();
    // A counter has grown by nothing at its first sample, so the second is the first that is judged.
    for at in 1..=scenario.minutes {
        let seen = at - scenario.offset;
        for track in &scenario.tracks {
            let minute = seen - 1;
            if minute >= track.born
                && let Some(events) =
                    usize::try_from(minute - track.born).ok().and_then(|at| track.events.get(at))
            {
                evaluator.name_instance(0, &track.instance);
                evaluator.add(0, &track.instance, minute + scenario.offset, *events);
            }
        }
        let rules = evaluator.rules().len();
        for rule in 0..rules {
            evaluator.evaluate(rule, at);
        }
        let alerts = evaluator.active().filter_map(|(_, alert)| {
            let state = match alert.state {
                AlertState::Pending => "pending",
                AlertState::Firing => "firing",
                AlertState::Resolved => return None,
            };
            let mut labels = (*alert.labels).clone();
            labels.insert("alertstate".into(), state.into());
            Some(labels)
        });
        steps.push((at, alerts.collect()));
    }
    steps
}

fn promql_labels(labels: &Labels) -> String {
    labels.iter().map(|(name, value)| matcher(name, value)).collect::<Vec<_>>().join(",")
}
