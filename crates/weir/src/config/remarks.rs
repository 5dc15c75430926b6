//! What is right in a config and probably not meant.
//!
//! Apart from mistakes, because a config with one of these works: a field that weir does not know may be in the
//! user's logs, and a name without `_total` may be what a dashboard asks for. `weir check` prints them.

use std::collections::BTreeMap;

use weir_query::{Expression, Operand, Pattern, PatternPart, Term, Wildcard};
use weir_record::{FieldKind, KNOWN_FIELDS, canonical_name, known_field};

use super::keys::{did_you_mean, list};
use super::{Config, DeclaredMetric, Measure, Source, SourceInput};

/// One line for each thing that is worth a second look, in the order of the file.
pub fn remarks(config: &Config) -> Vec<String> {
    let mut remarks = Vec::new();
    of_paths(&config.sources, &mut remarks);
    let names: Vec<&str> = config.sources.iter().map(|source| source.name.as_str()).collect();
    for metric in &config.metrics.declared {
        of_metric(metric, &names, &mut remarks);
    }
    for (number, transform) in config.transforms.iter().enumerate() {
        let place = format!("`transforms` number {}", number + 1);
        of_filter(&place, transform.filter.as_ref(), &names, &mut remarks);
    }
    for (number, redact) in config.redact.iter().enumerate() {
        let place = format!("`redact` number {}", number + 1);
        of_filter(&place, redact.filter.as_ref(), &names, &mut remarks);
        if redact.rule.params.is_empty() && redact.rule.json_keys.is_empty() {
            of_field(&place, &redact.rule.field, &mut remarks);
        }
    }
    remarks
}

/// Two sources that read the same files count each line twice, which the sum over all sources shows and nothing
/// else does.
fn of_paths(sources: &[Source], remarks: &mut Vec<String>) {
    let mut readers: BTreeMap<&str, &str> = BTreeMap::new();
    for source in sources {
        let SourceInput::Files(paths) = &source.input else { continue };
        for path in paths {
            match readers.get(path.as_str()) {
                Some(earlier) if *earlier != source.name => remarks.push(format!(
                    "the sources `{earlier}` and `{}` both read `{path}`; each of its lines is counted for both",
                    source.name
                )),
                _ => drop(readers.insert(path, &source.name)),
            }
        }
    }
}

fn of_metric(metric: &DeclaredMetric, sources: &[&str], remarks: &mut Vec<String>) {
    let place = format!("the metric `{}`", metric.name);
    let is_counter = !matches!(metric.measure, Measure::Distribution { .. });
    if is_counter && !metric.name.ends_with("_total") {
        remarks.push(format!(
            "{place} is a counter and does not end in `_total`; OpenMetrics shows it as `unknown`"
        ));
    }
    of_filter(&place, Some(&metric.filter), sources, remarks);
    for label in &metric.labels {
        of_field(&place, &label.field, remarks);
        if known_field(&label.field)
            .is_some_and(|known| matches!(known.kind, FieldKind::Text | FieldKind::Words))
        {
            remarks.push(format!(
                "{place} has a label of `{}`, which may differ in each record; beyond \
                 `metrics.max_series` it counts under `__other__`",
                label.field
            ));
        }
    }
    if let Measure::Sum { field } | Measure::Distribution { field, .. } = &metric.measure {
        of_field(&place, field, remarks);
    }
}

fn of_filter(place: &str, filter: Option<&Expression>, sources: &[&str], remarks: &mut Vec<String>) {
    let Some(filter) = filter else { return };
    filter.fields().iter().for_each(|field| of_field(place, field, remarks));
    // Without sources the config is of `weir count` or a Lambda, whose records have any source.
    if !sources.is_empty() {
        of_compared_sources(place, filter, sources, remarks);
    }
}

/// A source that a filter asks for and that the config lacks: no record comes from it.
fn of_compared_sources(place: &str, filter: &Expression, sources: &[&str], remarks: &mut Vec<String>) {
    match filter {
        Expression::And(parts) | Expression::Or(parts) => {
            parts.iter().for_each(|part| of_compared_sources(place, part, sources, remarks));
        }
        Expression::Not(part) => of_compared_sources(place, part, sources, remarks),
        Expression::Field { name, operand: Operand::Is(term), .. } if canonical_name(name) == "source" => {
            let (asked, is_there) = match term {
                Term::Bare(text) | Term::Quoted(text) => (text.clone(), sources.contains(&text.as_str())),
                Term::Pattern(pattern) => {
                    let wildcard = Wildcard::new(pattern);
                    (pattern_text(pattern), sources.iter().any(|source| wildcard.matches(source)))
                }
            };
            if !is_there {
                let hint = did_you_mean::<&str>(&asked, sources)
                    .unwrap_or_else(|| format!("the sources are {}", list(sources, "and")));
                remarks
                    .push(format!("{place} asks for the source `{asked}`, which this config lacks; {hint}"));
            }
        }
        Expression::All | Expression::Field { .. } | Expression::Words { .. } => {}
    }
}

fn pattern_text(pattern: &Pattern) -> String {
    let part = |part: &PatternPart| match part {
        PatternPart::Text(text) => text.clone(),
        PatternPart::One => "?".to_owned(),
        PatternPart::Any => "*".to_owned(),
    };
    pattern.0.iter().map(part).collect()
}

/// Only where the name is near one that weir knows: any other is the user's.
fn of_field(place: &str, field: &str, remarks: &mut Vec<String>) {
    let names: Vec<&str> = KNOWN_FIELDS.iter().map(|known| known.name).collect();
    if known_field(canonical_name(field)).is_none()
        && let Some(hint) = did_you_mean(field, &names)
    {
        remarks.push(format!("{place} asks for the field `{field}`, which is none of weir's; {hint}"));
    }
}
