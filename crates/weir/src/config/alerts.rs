//! `alerts`: what somebody is to know that no promise is about.
//!
//! One section for all kinds, because they differ in a number or two. A key of another kind is refused and not
//! ignored: whoever wrote it believes that something is watched which is not.

use std::collections::BTreeSet;
use std::time::Duration;

use weir_alert::{Condition, Labels, Rule, RuleScope};
use weir_query::{Expression, Operand, Term};
use weir_record::canonical_name;

use super::error::ConfigError;
use super::keys::{self, did_you_mean, list};
use super::micros;
use super::reader::{Field, Fields, quoted};
use super::selection;
use super::sla_alerts::{check_lateness, read_alert_name, read_wait, read_window};
use super::sla_labels::{self, LabelSet, is_name};
use super::source::Source;

/// Each is asked of every record.
const ALERTS_MAX: usize = 1000;

/// Fields of which each combination of values is an instance.
const BY_MAX: usize = 8;

/// Events that may be asked for.
const EVENTS_MAX: u64 = 1_000_000_000;

/// How long everything is new at first, unless told otherwise: a day, with its night.
const LEARNING_MINUTES: i64 = 24 * 60;

/// How long a new value is told, unless told otherwise.
const NEW_MINUTES: i64 = 60;

/// An alert on any records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertConfig {
    /// Its name; no other has it.
    pub name: String,
    /// Which records it counts.
    pub filter: Expression,
    /// The query as it was written; empty for all records.
    pub query: String,
    /// The sources whose records it counts; none means all.
    pub sources: Vec<String>,
    /// The fields that tell instances apart, and their labels.
    pub by: Vec<(String, String)>,
    /// When it holds.
    pub condition: Condition,
    /// How long it must hold.
    pub hold: Duration,
    /// How long it lasts beyond that.
    pub keep_firing_for: Duration,
    /// Labels of all its alerts, those that weir sets among them.
    pub labels: Labels,
    /// What its alerts say.
    pub annotations: Labels,
}

impl AlertConfig {
    /// The rule that makes its alerts.
    pub fn rule(&self) -> Rule {
        Rule {
            labels: self.labels.clone(),
            annotations: self.annotations.clone(),
            condition: self.condition.clone(),
            hold: self.hold,
            keep_firing_for: self.keep_firing_for,
            scope: RuleScope::default(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Threshold,
    Spike,
    Flatline,
    NewValue,
}

/// Reads the list, over these sources.
pub fn read_all(field: Field, sources: &[Source], errors: &mut Vec<ConfigError>) -> Vec<AlertConfig> {
    let mut alerts = Vec::new();
    let mut names = BTreeSet::new();
    for item in field.items_at_most("a list of alerts", ALERTS_MAX, errors) {
        let Some(fields) = item.fields(&keys::ALERT, errors) else { continue };
        let name = fields.require("name", errors).and_then(|field| {
            let name = read_alert_name(field, errors)?;
            if !names.insert(name) {
                let message = format!("a second alert is named {}", quoted(name));
                errors.push(ConfigError::new(field.position(), message));
            }
            Some(name)
        });
        alerts.extend(read(&fields, name, sources, errors));
    }
    alerts
}

fn read(
    fields: &Fields,
    name: Option<&str>,
    sources: &[Source],
    errors: &mut Vec<ConfigError>,
) -> Option<AlertConfig> {
    let kinds = [
        ("threshold", Kind::Threshold),
        ("spike", Kind::Spike),
        ("flatline", Kind::Flatline),
        ("new_value", Kind::NewValue),
    ];
    let kind = fields.require("kind", errors).and_then(|field| field.one_of(&kinds, errors));
    let query = fields.get("query");
    let filter = query.map(|field| selection::read(field, errors));
    let query = query.and_then(|field| field.text(errors)).unwrap_or_default();
    let named = fields.get("source").map(|field| read_sources(field, sources, errors));
    // A query for the records of one source is judged when that source is complete, not when all are.
    let asked =
        || filter.iter().flatten().filter_map(source_of).filter(|name| is_source(sources, name)).collect();
    let of_sources: Vec<String> = named.unwrap_or_else(asked);
    let by = fields.get("by").map(|field| read_by(field, errors)).unwrap_or_default();
    if kind == Some(Kind::NewValue) && by.is_empty() {
        let error = ConfigError::new(fields.position, "`new_value` needs a field whose values are watched");
        errors.push(error.with_hint("name it in `by`, such as `by: [message]`"));
    }
    let condition = read_condition(fields, kind, &of_sources, sources, errors);
    let mut labels = fields
        .get("labels")
        .map(|field| sla_labels::read(field, LabelSet::Alert, errors))
        .unwrap_or_default();
    let severity = fields.get("severity").and_then(|field| field.text(errors));
    let default = if matches!(kind, Some(Kind::Threshold | Kind::Spike)) { "page" } else { "ticket" };
    labels.insert("alertname".into(), name.unwrap_or_default().into());
    labels.insert("severity".into(), severity.unwrap_or(default).into());
    if let [only] = of_sources.as_slice() {
        labels.entry("source".into()).or_insert_with(|| only.as_str().into());
    }
    let annotations = fields.get("annotations").map(|field| sla_labels::read_annotations(field, errors));
    let mut annotations = annotations.unwrap_or_default();
    let hold = read_wait(fields, "for", errors);
    let keep_firing_for = read_wait(fields, "keep_firing_for", errors);
    let condition = condition?;
    let subject = if query.is_empty() { of_sources.join(", ") } else { query.to_owned() };
    annotations.entry("summary".into()).or_insert_with(|| summary(&condition, &subject, &by).into());
    Some(AlertConfig {
        name: name?.to_owned(),
        filter: filter.unwrap_or(Some(Expression::All))?,
        query: query.to_owned(),
        sources: of_sources,
        by,
        condition,
        hold,
        keep_firing_for,
        labels,
        annotations,
    })
}

/// Which kinds have a key.
const MEANT: [(&str, Kind); 6] = [
    ("above", Kind::Threshold),
    ("reference", Kind::Spike),
    ("spike_height", Kind::Spike),
    ("min_events", Kind::Spike),
    ("below", Kind::Flatline),
    ("learning", Kind::NewValue),
];

/// The numbers of a condition, as far as they are given and right.
struct Numbers {
    window: Option<i64>,
    above: Option<u64>,
    reference: Option<i64>,
    height_micros: Option<u64>,
    min_events: Option<u64>,
    below: Option<u64>,
    learning: Option<i64>,
}

impl Numbers {
    fn read(fields: &Fields, errors: &mut Vec<ConfigError>) -> Self {
        let window =
            |key, errors: &mut Vec<ConfigError>| fields.get(key).and_then(|field| read_window(field, errors));
        let number = |key, errors: &mut Vec<ConfigError>| {
            fields.get(key).and_then(|field| field.whole_number(0..=EVENTS_MAX, errors))
        };
        let height_micros = fields.get("spike_height").and_then(|field| {
            field.parse("a number such as 3", errors, |text| match micros::parse(text) {
                Ok(micros) if micros > 0 => Ok(micros.unsigned_abs()),
                _ => Err("it is how many times as many events as before"),
            })
        });
        Self {
            window: window("window", errors),
            above: number("above", errors),
            reference: window("reference", errors),
            height_micros,
            min_events: number("min_events", errors),
            below: number("below", errors),
            learning: window("learning", errors),
        }
    }
}

fn is_source(sources: &[Source], name: &str) -> bool {
    sources.iter().any(|source| source.name == name)
}

/// The source that all records of a query are of.
fn source_of(filter: &Expression) -> Option<String> {
    match filter {
        Expression::And(parts) => parts.iter().find_map(source_of),
        Expression::Field { name, operand: Operand::Is(Term::Bare(text) | Term::Quoted(text)), .. }
            if canonical_name(name) == "source" =>
        {
            Some(text.clone())
        }
        _ => None,
    }
}

fn read_condition(
    fields: &Fields,
    kind: Option<Kind>,
    names: &[String],
    sources: &[Source],
    errors: &mut Vec<ConfigError>,
) -> Option<Condition> {
    let numbers = Numbers::read(fields, errors);
    let kind = kind?;
    for (key, _) in MEANT.iter().filter(|(_, other)| *other != kind) {
        if let Some(field) = fields.get(key) {
            let message = format!("`{key}` has no meaning for this kind of alert");
            errors.push(ConfigError::new(field.position(), message));
        }
    }
    if let (Some(field), Some(window)) = (fields.get("window"), numbers.window) {
        let of = sources.iter().filter(|source| names.contains(&source.name));
        check_lateness(field, window, of.max_by_key(|source| source.lateness), errors);
    }
    let mut required = |key| fields.require(key, errors);
    match kind {
        Kind::NewValue => {
            let learning = numbers.learning.unwrap_or(LEARNING_MINUTES);
            return Some(Condition::New { window: numbers.window.unwrap_or(NEW_MINUTES), learning });
        }
        Kind::Threshold => drop((required("window"), required("above"))),
        Kind::Spike => drop((required("window"), required("reference"))),
        Kind::Flatline => drop(required("window")),
    }
    let window = numbers.window?;
    Some(match kind {
        Kind::Threshold => Condition::Above { window, above: numbers.above? },
        Kind::Spike => Condition::Spike {
            window,
            reference: numbers.reference?,
            height_micros: numbers.height_micros.unwrap_or(3_000_000),
            min_events: numbers.min_events.unwrap_or(10),
        },
        Kind::Flatline | Kind::NewValue => {
            Condition::Silent { window, below: numbers.below.unwrap_or(1).max(1) }
        }
    })
}

fn read_sources(field: Field, sources: &[Source], errors: &mut Vec<ConfigError>) -> Vec<String> {
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let mut selected = Vec::new();
    for item in field.one_or_more("the name of a source", errors) {
        let Some(name) = item.text(errors) else { continue };
        if !names.is_empty() && !names.contains(&name) {
            let hint = did_you_mean::<&str>(name, &names)
                .unwrap_or_else(|| format!("there is {}", list(&names, "and")));
            let message = format!("no source is named {}", quoted(name));
            errors.push(ConfigError::new(item.position(), message).with_hint(hint));
        }
        selected.push(name.to_owned());
    }
    selected
}

/// Fields and the labels that have their values.
fn read_by(field: Field, errors: &mut Vec<ConfigError>) -> Vec<(String, String)> {
    let mut by: Vec<(String, String)> = Vec::new();
    for item in field.one_or_more("a field", errors).into_iter().take(BY_MAX) {
        let Some(typed) = item.text(errors) else { continue };
        let label: String = typed.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let name = canonical_name(typed);
        if name == "@timestamp" || !is_name(&label) || by.iter().any(|(_, other)| *other == label) {
            let message = format!("{} can't tell alerts apart", quoted(typed));
            errors.push(
                ConfigError::new(item.position(), message).with_hint("name a field that groups records"),
            );
            continue;
        }
        by.push((name.to_owned(), label));
    }
    by
}

fn summary(condition: &Condition, subject: &str, by: &[(String, String)]) -> String {
    let instance: String = by.iter().map(|(_, label)| format!(" {{{{ $labels.{label} }}}}")).collect();
    match condition {
        Condition::Silent { window, .. } => format!("{subject}{instance}: silent for {window} minutes"),
        Condition::New { .. } => format!("never seen before:{instance}"),
        Condition::Spike { window, .. } => {
            format!(
                "{subject}{instance}: {{{{ $value | humanize }}}} times as many as before in {window} minutes"
            )
        }
        Condition::Above { window, .. } => {
            format!("{subject}{instance}: {{{{ printf \"%.0f\" $value }}}} in {window} minutes")
        }
        Condition::Share { .. } => format!("{subject}{instance}: {{{{ $value | humanizePercentage }}}}"),
    }
}
