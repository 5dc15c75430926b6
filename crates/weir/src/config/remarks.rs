//! What is right in a config and probably not meant.
//!
//! Apart from mistakes, because a config with one of these works: a field that weir does not know may be in the
//! user's logs, and a name without `_total` may be what a dashboard asks for. `weir check` prints them.

use weir_query::Expression;
use weir_record::{FieldKind, KNOWN_FIELDS, canonical_name, known_field};

use super::keys::did_you_mean;
use super::{Config, DeclaredMetric, Measure};

/// One line for each thing that is worth a second look, in the order of the file.
pub fn remarks(config: &Config) -> Vec<String> {
    let mut remarks = Vec::new();
    for metric in &config.metrics.declared {
        of_metric(metric, &mut remarks);
    }
    for (number, redact) in config.redact.iter().enumerate() {
        let place = format!("`redact` number {}", number + 1);
        of_filter(&place, redact.filter.as_ref(), &mut remarks);
        if redact.rule.params.is_empty() && redact.rule.json_keys.is_empty() {
            of_field(&place, &redact.rule.field, &mut remarks);
        }
    }
    remarks
}

fn of_metric(metric: &DeclaredMetric, remarks: &mut Vec<String>) {
    let place = format!("the metric `{}`", metric.name);
    let is_counter = !matches!(metric.measure, Measure::Distribution { .. });
    if is_counter && !metric.name.ends_with("_total") {
        remarks.push(format!(
            "{place} is a counter and does not end in `_total`; OpenMetrics shows it as `unknown`"
        ));
    }
    of_filter(&place, Some(&metric.filter), remarks);
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

fn of_filter(place: &str, filter: Option<&Expression>, remarks: &mut Vec<String>) {
    let fields = filter.map(Expression::fields).unwrap_or_default();
    fields.iter().for_each(|field| of_field(place, field, remarks));
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
