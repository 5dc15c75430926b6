//! What is right in a config and probably not meant.
//!
//! Apart from mistakes, because a config with one of these works: a field that weir does not know may be in the
//! user's logs, and a name without `_total` may be what a dashboard asks for. `weir check` prints them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use weir_alert::{Condition, Rule, Sla};
use weir_enrich::Service;
use weir_query::{Expression, Operand, Pattern, PatternPart, Term, Wildcard};
use weir_record::{FieldKind, KNOWN_FIELDS, canonical_name, known_field};

use super::keys::{did_you_mean, list};
use super::{Config, DeclaredMetric, Measure, PrometheusDuration, SlaConfig, Source, SourceInput};

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
    for SlaConfig { sla, bad } in &config.slas {
        of_sla(sla, &config.services, &mut remarks);
        of_filter(&format!("the SLA `{}`", sla.name), bad.as_ref(), &names, &mut remarks);
    }
    for alert in &config.alerts {
        let place = format!("the alert `{}`", alert.name);
        of_filter(&place, Some(&alert.filter), &names, &mut remarks);
        alert.by.iter().for_each(|(field, _)| of_field(&place, field, &mut remarks));
    }
    remarks
}

/// For each alert, how soon after something has begun somebody can know.
pub fn delays(config: &Config) -> Vec<String> {
    let lateness = |names: &[&str]| {
        let of =
            config.sources.iter().filter(|source| names.is_empty() || names.contains(&source.name.as_str()));
        of.map(|source| source.lateness).max().unwrap_or_default()
    };
    let mut lines = Vec::new();
    for SlaConfig { sla, .. } in &config.slas {
        let mut seen = BTreeSet::new();
        for rule in sla.rules() {
            let severity = rule.labels.get("severity").map_or("", |severity| severity);
            let name = format!("`{}` ({severity}) of the SLA `{}`", rule.name(), sla.name);
            // Exceptions have the same windows.
            if seen.insert(name.clone()) {
                lines.push(delay(&name, &rule, lateness(&[&sla.source])));
            }
        }
    }
    for alert in &config.alerts {
        let sources: Vec<&str> = alert.sources.iter().map(String::as_str).collect();
        lines.push(delay(&format!("`{}`", alert.name), &alert.rule(), lateness(&sources)));
    }
    lines
}

fn delay(name: &str, rule: &Rule, lateness: Duration) -> String {
    let window = Duration::from_secs(rule.window().unsigned_abs() * 60);
    let shown = |duration: Duration| PrometheusDuration(duration).to_string();
    format!(
        "alert {name}: the earliest page is {} after onset (lateness {} + window {} + for {})",
        shown(lateness + window + rule.hold),
        shown(lateness),
        shown(window),
        shown(rule.hold)
    )
}

/// Burn rates that hardly anything reaches, and routes that no request may ever have.
fn of_sla(sla: &Sla, services: &[Service], remarks: &mut Vec<String>) {
    for rule in sla.rules() {
        let Condition::Share { pairs, .. } = &rule.condition else { continue };
        for pair in pairs.iter().filter(|pair| pair.short.is_some() && pair.share.is_over_half()) {
            remarks.push(format!(
                "`{}` of the SLA `{}` needs {:.0} % bad requests; for an objective as low as this `kind: threshold` \
                 is meant",
                rule.name(),
                sla.name,
                pair.share.as_f64() * 100.0
            ));
        }
    }
    let Some(service) = services.iter().find(|service| *service.name == *sla.service) else { return };
    let selectors = sla.only.iter().chain(sla.overrides.iter().map(|change| &change.selector));
    for route in selectors.filter_map(|selector| selector.route.as_deref()) {
        if !service.routes.iter().any(|known| known.as_str() == route) {
            remarks.push(format!(
                "the SLA `{}` names the route `{route}`, which is none of the `routes` of `{}`; it counts only if \
                 `unmatched_routes` gives that name",
                sla.name, service.name
            ));
        }
    }
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
