//! `metrics.counters` and `metrics.histograms`: what users count for themselves.
//!
//! Everything that could fail when records flow is refused here: a name that weir or another metric exposes, a
//! label that Prometheus does not take, a query that does not compile. A counter without `_total` is only
//! remarked upon by `weir check`: the dashboards that it is made for may know it by that name.

use std::collections::BTreeMap;

use weir_meter::Meter;
use weir_query::Expression;
use weir_record::{FieldKind, canonical_name, known_field};

use super::error::ConfigError;
use super::keys::{self, did_you_mean, list};
use super::micros;
use super::reader::{Field, Fields, quoted};
use super::selection;

/// Each is asked of every record.
const METRICS_MAX: usize = 100;

/// Labels of one metric: each multiplies its series.
const LABELS_MAX: usize = 16;

/// Buckets of one histogram: each is a sample of every series.
const BUCKETS_MAX: usize = 100;

/// The longest name of a metric or a label, in bytes.
const NAME_BYTES_MAX: usize = 256;

/// The longest help, in bytes.
const HELP_BYTES_MAX: usize = 1024;

/// The bounds of histograms in seconds without `buckets`, in microseconds: those of `nginx_http_request_time`.
const BUCKETS_US: [i64; 19] = [
    5_000, 10_000, 20_000, 30_000, 50_000, 75_000, 100_000, 200_000, 300_000, 400_000, 500_000, 750_000,
    1_000_000, 1_500_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000, 10_000_000,
];

/// The field of a histogram without `value`.
const VALUE_DEFAULT: &str = "request_time";

/// What a histogram's samples are called, behind its name.
const SUFFIXES: [&str; 3] = ["_bucket", "_count", "_sum"];

/// A counter or histogram of the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredMetric {
    /// Its name; no other metric of the config has it.
    pub name: String,
    /// One sentence.
    pub help: String,
    /// The sources whose records it counts; none means all.
    pub sources: Vec<String>,
    /// Which records it counts.
    pub filter: Expression,
    /// Its labels.
    pub labels: Vec<DeclaredLabel>,
    /// What is counted.
    pub measure: Measure,
}

/// A label and where its values come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredLabel {
    /// The label's name; no other of the metric has it.
    pub name: String,
    /// The field, by its name in records.
    pub field: String,
}

/// What a metric counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Records.
    Count,
    /// The values of a field, added up.
    Sum {
        /// The field, by its name in records.
        field: String,
    },
    /// How the values of a field are spread.
    Distribution {
        /// The field, by its name in records.
        field: String,
        /// Upper bounds in rising order, in millionths of the field's unit.
        bounds_micros: Vec<i64>,
    },
}

/// The names that are taken, while metrics are read.
#[derive(Default)]
pub struct Names<'a> {
    /// Every sample's name and the metric that has it.
    samples: BTreeMap<String, &'a str>,
}

/// Reads the list of counters; `sources` are the names that they may have, none where they are not known.
pub fn read_counters<'a>(
    field: Field<'a>,
    sources: &[&str],
    names: &mut Names<'a>,
    errors: &mut Vec<ConfigError>,
) -> Vec<DeclaredMetric> {
    read_all(field, false, sources, names, errors)
}

/// The same for histograms.
pub fn read_histograms<'a>(
    field: Field<'a>,
    sources: &[&str],
    names: &mut Names<'a>,
    errors: &mut Vec<ConfigError>,
) -> Vec<DeclaredMetric> {
    read_all(field, true, sources, names, errors)
}

fn read_all<'a>(
    field: Field<'a>,
    is_histogram: bool,
    sources: &[&str],
    names: &mut Names<'a>,
    errors: &mut Vec<ConfigError>,
) -> Vec<DeclaredMetric> {
    let section = if is_histogram { &keys::HISTOGRAM } else { &keys::COUNTER };
    let mut metrics = Vec::new();
    for item in field.items_at_most("a list of metrics", METRICS_MAX, errors) {
        let Some(fields) = item.fields(section, errors) else { continue };
        let name = fields.require("name", errors).and_then(|field| names.read(field, is_histogram, errors));
        metrics.extend(read(&fields, name, is_histogram, sources, errors));
    }
    metrics
}

fn read(
    fields: &Fields,
    name: Option<&str>,
    is_histogram: bool,
    sources: &[&str],
    errors: &mut Vec<ConfigError>,
) -> Option<DeclaredMetric> {
    let help = fields.get("help").and_then(|field| read_help(field, errors));
    let of_sources = fields.get("source").map(|field| read_sources(field, sources, errors));
    let filter = fields.get("where").map(|field| selection::read(field, errors));
    let labels = fields.get("labels").map(|field| read_labels(field, is_histogram, errors));
    let value = fields.get("value").map(|field| read_field_name(field, errors));
    let measure = if is_histogram {
        let value = value.unwrap_or_else(|| Some(VALUE_DEFAULT.to_owned()));
        value.and_then(|field| read_distribution(fields, field, errors))
    } else {
        value.map_or(Some(Measure::Count), |field| field.map(|field| Measure::Sum { field }))
    };
    Some(DeclaredMetric {
        name: name?.to_owned(),
        help: help.unwrap_or("Declared in the config.").to_owned(),
        sources: of_sources.unwrap_or_default(),
        filter: filter.unwrap_or(Some(Expression::All))?,
        labels: labels.unwrap_or_default(),
        measure: measure?,
    })
}

impl<'a> Names<'a> {
    /// Reads a name and reports it where a metric of weir or an earlier one has it or its samples.
    fn read(
        &mut self,
        field: Field<'a>,
        is_histogram: bool,
        errors: &mut Vec<ConfigError>,
    ) -> Option<&'a str> {
        let name = field.parse("a metric's name", errors, check_metric_name)?;
        let samples: Vec<String> = match is_histogram {
            true => {
                SUFFIXES.iter().map(|suffix| format!("{name}{suffix}")).chain([name.to_owned()]).collect()
            }
            false => vec![name.to_owned()],
        };
        if let Some(own) = samples.iter().find_map(|sample| own_family(sample)) {
            let message = format!("{} has a name of weir's own `{own}`", quoted(name));
            let hint = "give it a name of yours, such as one that begins with the name of your project";
            errors.push(ConfigError::new(field.position(), message).with_hint(hint));
            return None;
        }
        if let Some(other) = samples.iter().find_map(|sample| self.samples.get(sample)) {
            let message = match *other == name {
                true => format!("a second metric is named {}", quoted(name)),
                false => format!("{} has samples of the same name as {}", quoted(name), quoted(other)),
            };
            let hint = "each counter and histogram needs a name of its own";
            errors.push(ConfigError::new(field.position(), message).with_hint(hint));
            return None;
        }
        self.samples.extend(samples.into_iter().map(|sample| (sample, name)));
        Some(name)
    }
}

/// The family of weir's own that has a sample of this name, or may come to have one.
fn own_family(sample: &str) -> Option<String> {
    let is_histogram = |base: &&str| Meter::family_kind(base) == Some(weir_meter::Kind::Histogram);
    let base = SUFFIXES.iter().filter_map(|suffix| sample.strip_suffix(suffix)).find(is_histogram);
    let own = base.or_else(|| Meter::family_kind(sample).map(|_| sample));
    let prefix = || ["weir_", "process_"].into_iter().find(|prefix| sample.starts_with(prefix));
    own.map(str::to_owned).or_else(|| prefix().map(|prefix| format!("{prefix}*")))
}

fn check_metric_name(name: &str) -> Result<&str, &'static str> {
    let is_name_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    let is_name = !name.is_empty()
        && name.chars().all(is_name_char)
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.len() <= NAME_BYTES_MAX;
    if is_name {
        Ok(name)
    } else {
        Err("a name is made of a-z, A-Z, 0-9, `_` and `:`, and begins with no digit")
    }
}

fn read_help<'a>(field: Field<'a>, errors: &mut Vec<ConfigError>) -> Option<&'a str> {
    let help = field.text(errors)?;
    if help.len() > HELP_BYTES_MAX {
        let error = field.wrong("one sentence", &quoted(help));
        errors.push(error.with_hint(format!("it may have {HELP_BYTES_MAX} bytes")));
    }
    Some(help)
}

fn read_sources(field: Field, names: &[&str], errors: &mut Vec<ConfigError>) -> Vec<String> {
    let mut selected = Vec::new();
    for item in field.one_or_more("the name of a source", errors) {
        let Some(name) = item.text(errors) else { continue };
        if !names.is_empty() && !names.contains(&name) {
            let hint =
                did_you_mean(name, names).unwrap_or_else(|| format!("there is {}", list(names, "and")));
            let message = format!("no source is named {}", quoted(name));
            errors.push(ConfigError::new(item.position(), message).with_hint(hint));
        }
        selected.push(name.to_owned());
    }
    selected
}

fn read_labels(field: Field, is_histogram: bool, errors: &mut Vec<ConfigError>) -> Vec<DeclaredLabel> {
    let mut labels: Vec<DeclaredLabel> = Vec::new();
    for item in field.items_at_most("a list of fields", LABELS_MAX, errors) {
        let Some(typed) = item.text(errors) else { continue };
        let name = label_name(typed);
        let problem = if canonical_name(typed) == "@timestamp" {
            Some("each record has another time, so each would be a series of its own")
        } else if name.starts_with("__") || name.len() > NAME_BYTES_MAX {
            Some("labels that begin with `__` are Prometheus' own, and a name may have 256 bytes")
        } else if is_histogram && name == "le" {
            Some("a histogram has a label `le` already")
        } else if labels.iter().any(|label| label.name == name) {
            Some("the metric has this label already")
        } else {
            None
        };
        if let Some(hint) = problem {
            let message = format!("{} can't be a label", quoted(typed));
            errors.push(ConfigError::new(item.position(), message).with_hint(hint));
            continue;
        }
        labels.push(DeclaredLabel { name, field: canonical_name(typed).to_owned() });
    }
    labels
}

/// The label of a field: characters that no label has become `_`.
fn label_name(field: &str) -> String {
    let name: String = field.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

fn read_field_name(field: Field, errors: &mut Vec<ConfigError>) -> Option<String> {
    let name = field.text(errors)?;
    let kind = known_field(name).map(|known| known.kind);
    if !matches!(kind, None | Some(FieldKind::Seconds | FieldKind::Integer)) {
        let hint = "such as `request_time` (seconds) or `bytes_out`, or a field that only your logs have";
        errors.push(field.wrong("a field that holds numbers", &quoted(name)).with_hint(hint));
        return None;
    }
    Some(canonical_name(name).to_owned())
}

fn read_distribution(fields: &Fields, field: String, errors: &mut Vec<ConfigError>) -> Option<Measure> {
    let is_seconds = known_field(&field).is_some_and(|known| known.kind == FieldKind::Seconds);
    let bounds_micros = match fields.get("buckets") {
        Some(buckets) => read_buckets(buckets, errors)?,
        None if is_seconds => BUCKETS_US.to_vec(),
        None => {
            let error = ConfigError::new(fields.position, "`buckets` is missing in `metrics.histograms[]`");
            errors.push(error.with_hint(format!(
                "there are defaults for seconds only, and {} holds others",
                quoted(&field)
            )));
            return None;
        }
    };
    Some(Measure::Distribution { field, bounds_micros })
}

fn read_buckets(field: Field, errors: &mut Vec<ConfigError>) -> Option<Vec<i64>> {
    let mut bounds: Vec<i64> = Vec::new();
    for item in field.some_items("a list of upper bounds", BUCKETS_MAX, errors) {
        let bound = item.parse("a number, a duration or a size", errors, micros::parse)?;
        if let Some(last) = bounds.last().filter(|last| **last >= bound) {
            let error = item.wrong("larger than the one before", &quoted(&micros::to_text(bound)));
            errors
                .push(error.with_hint(format!("bounds rise; the one before is {}", micros::to_text(*last))));
            return None;
        }
        bounds.push(bound);
    }
    (!bounds.is_empty()).then_some(bounds)
}
