//! The user's own counters and histograms, from record to ledger.
//!
//! A unit carries what it adds as whole numbers ([`DeclaredCounts`]), so that units can be added up in any order
//! and are counted or left out as a whole, like everything else in them. At the commit they are staged beside the
//! pushes of the group, in the same transaction: what a record added survives when the record counts, and only
//! then.
//!
//! What does not fit (somebody pushed a series of that name before) is left out and counted as dropped; it never
//! holds up a unit, because the requests in it count whatever becomes of a metric that somebody declared.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use weir_meter::pushed::{
    AddedPoint, Addition, AdditionRefused, DeclaredSeries, PushedHistogram, PushedSeries, PushedValue,
    Staged, write_label,
};
use weir_meter::{Family, Histogram, Kind, OTHER, Series, Snapshot, Value as SeriesValue};
use weir_query::{Fields, Predicate, QueryError};
use weir_record::{Timestamp, Value};

use crate::config::{self, DeclaredMetric};

/// Label sets of one metric that a unit keeps apart: some 5 MB with long values. Beyond it records count under
/// `__other__`.
const UNIT_LABEL_SETS_MAX: usize = 10_000;

/// The longest value of a label, in bytes; the rest is cut off. Label values are kept for ever.
const LABEL_VALUE_BYTES_MAX: usize = 256;

/// What there are of in one.
const MICROS: f64 = 1e6;

/// The metrics that a config declares; shared by all threads.
#[derive(Debug)]
pub struct Declared {
    metrics: Vec<Metric>,
    /// The fields that labels and values come from, each once.
    fields: Vec<Box<str>>,
    series_max: usize,
}

#[derive(Debug)]
struct Metric {
    name: Arc<str>,
    help: Arc<str>,
    /// None means all.
    sources: Vec<String>,
    predicate: Predicate,
    /// Names, sorted, and the number of the field.
    labels: Vec<(Box<str>, usize)>,
    measure: Measure,
}

#[derive(Debug)]
enum Measure {
    Count,
    Sum { field: usize },
    Distribution { field: usize, bounds: Arc<[f64]>, bounds_micros: Box<[i128]> },
}

/// What records add to declared metrics; the default is nothing.
#[derive(Debug, Default)]
pub struct DeclaredCounts {
    /// For each metric, by label set.
    metrics: Vec<HashMap<Box<[u8]>, Amount>>,
    /// The label set that is looked for.
    labels: Vec<u8>,
}

/// What is added to one series.
#[derive(Debug, Default, PartialEq, Eq)]
struct Amount {
    records: u64,
    /// The sum of the values, in millionths.
    sum_micros: i128,
    /// Observations per bucket; empty where it is no distribution.
    buckets: Box<[u64]>,
    /// Records among them that would have had another label set.
    folded: u64,
}

/// What became of declared metrics that is worth telling, since the start.
#[derive(Debug, Default)]
pub struct DeclaredLosses {
    dropped: BTreeMap<Arc<str>, u64>,
    overflows: BTreeMap<Arc<str>, u64>,
}

/// What of a group's additions did not come as it was. Noted once the group is written.
#[derive(Debug, Default)]
pub struct StagedLosses {
    /// Metrics, the records of theirs that were left out, and why.
    dropped: Vec<(Arc<str>, u64, AdditionRefused)>,
    /// Metrics, and the records of theirs that count under `__other__`.
    overflows: Vec<(Arc<str>, u64)>,
}

impl Declared {
    /// The metrics of a config; a family has at most `series_max` series.
    ///
    /// # Errors
    ///
    /// A query that does not compile; a config that was read has none.
    pub fn new(declared: &[DeclaredMetric], series_max: usize) -> Result<Self, QueryError> {
        let mut fields: Vec<Box<str>> = Vec::new();
        let mut number_of = |name: &str| {
            let known = fields.iter().position(|field| **field == *name);
            known.unwrap_or_else(|| {
                fields.push(name.into());
                fields.len() - 1
            })
        };
        let mut metrics = Vec::with_capacity(declared.len());
        for metric in declared {
            let labels =
                metric.labels.iter().map(|label| (label.name.as_str().into(), number_of(&label.field)));
            let mut labels: Vec<(Box<str>, usize)> = labels.collect();
            labels.sort();
            let measure = match &metric.measure {
                config::Measure::Count => Measure::Count,
                config::Measure::Sum { field } => Measure::Sum { field: number_of(field) },
                config::Measure::Distribution { field, bounds_micros } => Measure::Distribution {
                    field: number_of(field),
                    bounds: bounds_micros.iter().map(|micros| *micros as f64 / MICROS).collect(),
                    bounds_micros: bounds_micros.iter().map(|micros| i128::from(*micros)).collect(),
                },
            };
            metrics.push(Metric {
                name: metric.name.as_str().into(),
                help: metric.help.as_str().into(),
                sources: metric.sources.clone(),
                predicate: metric.filter.compile(Timestamp::default())?,
                labels,
                measure,
            });
        }
        Ok(Self { metrics, fields, series_max })
    }

    /// Whether no metric is declared.
    pub fn is_empty(&self) -> bool {
        self.metrics.is_empty()
    }

    /// The type of the declared metric of this name. Pushes to it are refused.
    pub fn kind_of(&self, name: &str) -> Option<Kind> {
        self.metrics.iter().find(|metric| *metric.name == *name).map(Metric::kind)
    }

    /// Adds what a record of `source` adds.
    pub fn observe(&self, counts: &mut DeclaredCounts, fields: &impl Fields, source: &str) {
        if counts.metrics.len() < self.metrics.len() {
            counts.metrics.resize_with(self.metrics.len(), HashMap::new);
        }
        let mut values: Vec<Option<Value<'_>>> = Vec::new();
        let DeclaredCounts { metrics, labels } = counts;
        for (metric, amounts) in self.metrics.iter().zip(metrics) {
            let is_of_source = metric.sources.is_empty() || metric.sources.iter().any(|name| name == source);
            if !is_of_source || !metric.predicate.matches(fields) {
                continue;
            }
            if values.is_empty() {
                values.extend(self.fields.iter().map(|name| fields.field(name)));
            }
            let sum_micros = match metric.measure.field() {
                None => 0,
                Some(field) => match values.get(field).and_then(Option::as_ref).and_then(micros) {
                    Some(micros) => micros,
                    None => continue,
                },
            };
            labels.clear();
            for (name, field) in &metric.labels {
                let value = values.get(*field).and_then(Option::as_ref);
                write_label(labels, name, &value.map_or(Cow::Borrowed(""), label_value));
            }
            metric.add(amounts, labels, sum_micros);
        }
    }

    /// Stages what units of a group add, and says what of it was lost or folded. `staged` is to be written in the
    /// transaction of these units.
    pub fn stage<'c>(
        &self,
        counts: impl IntoIterator<Item = &'c DeclaredCounts>,
        pushed: &PushedSeries,
        staged: &mut Staged,
    ) -> StagedLosses {
        let mut sum = DeclaredCounts::default();
        counts.into_iter().for_each(|counts| sum.merge(counts));
        let mut losses = StagedLosses::default();
        for (metric, amounts) in self.metrics.iter().zip(&sum.metrics) {
            if amounts.is_empty() {
                continue;
            }
            let folded: u64 = amounts.values().map(|amount| amount.folded).sum();
            match pushed.stage_addition(staged, &metric.addition(amounts), self.series_max) {
                Ok(0) if folded == 0 => {}
                Ok(more) => losses.overflows.push((Arc::clone(&metric.name), folded + more)),
                Err(why) => {
                    let records = amounts.values().map(|amount| amount.records).sum();
                    losses.dropped.push((Arc::clone(&metric.name), records, why));
                }
            }
        }
        losses
    }

    /// Stages the removal of series that the config declared once and does not now, and says how many they are.
    /// To be written before anything is counted.
    pub fn stage_removed(&self, pushed: &PushedSeries, staged: &mut Staged) -> usize {
        pushed.stage_undeclared(staged, |series| {
            let metric = self.metrics.iter().find(|metric| *metric.name == *series.family);
            metric.is_some_and(|metric| metric.declares(series))
        })
    }

    /// Adds metrics of one series that nothing was counted in yet, at 0; `snapshot` has all others.
    pub fn add_zeros(&self, snapshot: &mut Snapshot) {
        for metric in self.metrics.iter().filter(|metric| metric.labels.is_empty()) {
            let place = snapshot.families.binary_search_by(|family| (*family.name).cmp(&metric.name));
            if let Err(at) = place {
                let series = Series { labels: [].into(), value: metric.zero(), created_ms: None };
                let (name, help) = (Arc::clone(&metric.name), Arc::clone(&metric.help));
                snapshot
                    .families
                    .insert(at, Family { name, help, kind: metric.kind(), series: vec![series] });
            }
        }
    }
}

impl Metric {
    fn kind(&self) -> Kind {
        match self.measure {
            Measure::Count | Measure::Sum { .. } => Kind::Counter,
            Measure::Distribution { .. } => Kind::Histogram,
        }
    }

    /// Adds a record to the series of `labels`, or to the one for the rest if there is no room for that.
    fn add(&self, amounts: &mut HashMap<Box<[u8]>, Amount>, labels: &[u8], sum_micros: i128) {
        if let Some(amount) = amounts.get_mut(labels) {
            return amount.add(&self.measure, sum_micros);
        }
        let has_room = amounts.len() < UNIT_LABEL_SETS_MAX;
        let key: Box<[u8]> = if has_room { labels.into() } else { self.other() };
        let amount = amounts.entry(key).or_default();
        amount.folded += u64::from(!has_room);
        amount.add(&self.measure, sum_micros);
    }

    /// The label set for what finds no room.
    fn other(&self) -> Box<[u8]> {
        let mut labels = Vec::new();
        self.labels.iter().for_each(|(name, _)| write_label(&mut labels, name, OTHER));
        labels.into()
    }

    fn addition(&self, amounts: &HashMap<Box<[u8]>, Amount>) -> Addition {
        let points = amounts.iter().map(|(labels, amount)| AddedPoint {
            labels: labels.clone(),
            value: amount.value(&self.measure),
            records: amount.records - amount.folded,
        });
        Addition {
            name: Arc::clone(&self.name),
            help: Arc::clone(&self.help),
            kind: self.kind(),
            points: points.collect(),
            other: self.other(),
        }
    }

    fn declares(&self, series: &DeclaredSeries<'_>) -> bool {
        let has_label = |label: &&str| self.labels.iter().any(|(name, _)| **name == **label);
        let bounds = match &self.measure {
            Measure::Distribution { bounds, .. } => Some(&**bounds),
            Measure::Count | Measure::Sum { .. } => None,
        };
        series.kind == self.kind() && series.bounds == bounds && series.labels.iter().all(has_label)
    }

    fn zero(&self) -> SeriesValue {
        match &self.measure {
            Measure::Count | Measure::Sum { .. } => SeriesValue::Number(0.0),
            Measure::Distribution { bounds, .. } => SeriesValue::Histogram(Histogram {
                bounds: Arc::clone(bounds),
                counts: vec![0; bounds.len() + 1],
                sum: 0.0,
                native: None,
            }),
        }
    }
}

impl Measure {
    fn field(&self) -> Option<usize> {
        match self {
            Self::Count => None,
            Self::Sum { field } | Self::Distribution { field, .. } => Some(*field),
        }
    }
}

impl DeclaredCounts {
    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.metrics.iter().all(HashMap::is_empty)
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.metrics.iter_mut().for_each(HashMap::clear);
    }

    /// Adds what others of the same config added.
    pub fn merge(&mut self, other: &Self) {
        if self.metrics.len() < other.metrics.len() {
            self.metrics.resize_with(other.metrics.len(), HashMap::new);
        }
        for (own, others) in self.metrics.iter_mut().zip(&other.metrics) {
            for (labels, amount) in others {
                match own.get_mut(labels) {
                    Some(known) => known.merge(amount),
                    None => own.entry(labels.clone()).or_default().merge(amount),
                }
            }
        }
    }
}

impl Amount {
    fn add(&mut self, measure: &Measure, micros: i128) {
        self.records += 1;
        self.sum_micros = self.sum_micros.saturating_add(micros);
        if let Measure::Distribution { bounds_micros, .. } = measure {
            if self.buckets.is_empty() {
                self.buckets = vec![0; bounds_micros.len() + 1].into();
            }
            let bucket = bounds_micros.partition_point(|bound| *bound < micros);
            self.buckets[bucket] += 1;
        }
    }

    fn merge(&mut self, other: &Self) {
        self.records += other.records;
        self.folded += other.folded;
        self.sum_micros = self.sum_micros.saturating_add(other.sum_micros);
        if self.buckets.is_empty() {
            self.buckets = other.buckets.clone();
        } else {
            self.buckets.iter_mut().zip(&other.buckets).for_each(|(own, other)| *own += other);
        }
    }

    fn value(&self, measure: &Measure) -> PushedValue {
        let sum = self.sum_micros as f64 / MICROS;
        match measure {
            Measure::Count => PushedValue::Number(self.records as f64),
            Measure::Sum { .. } => PushedValue::Number(sum),
            Measure::Distribution { bounds, .. } => PushedValue::Histogram(Box::new(PushedHistogram {
                bounds: Arc::clone(bounds),
                counts: self.buckets.clone(),
                sum,
            })),
        }
    }
}

impl DeclaredLosses {
    /// Notes what a group lost, and says so in the log, once for each metric.
    pub fn note(&mut self, losses: StagedLosses) {
        for (metric, records) in losses.overflows {
            *self.overflows.entry(metric).or_default() += records;
        }
        for (metric, records, why) in losses.dropped {
            if !self.dropped.contains_key(&metric) {
                let why = why.to_string();
                tracing::warn!(
                    metric = &*metric,
                    why,
                    "records are not in a declared metric; all else has them"
                );
            }
            *self.dropped.entry(metric).or_default() += records;
        }
    }

    /// `weir_declared_metrics_dropped_total`, where something was.
    pub fn dropped(&self) -> Vec<Series> {
        by_family(&self.dropped)
    }

    /// Series of `weir_series_overflow_total`, where there are some.
    pub fn overflows(&self) -> Vec<Series> {
        by_family(&self.overflows)
    }
}

fn by_family(counts: &BTreeMap<Arc<str>, u64>) -> Vec<Series> {
    let series = counts.iter().map(|(family, count)| Series {
        labels: [("family".into(), Arc::clone(family))].into(),
        value: SeriesValue::Number(*count as f64),
        created_ms: None,
    });
    series.collect()
}

/// A number that may be added, in millionths; those below 0 may not, as a counter would fall.
fn micros(value: &Value<'_>) -> Option<i128> {
    let of_float =
        |number: f64| (number.is_finite() && number >= 0.0).then(|| (number * MICROS).round() as i128);
    match value {
        Value::Integer(number) => (*number >= 0).then(|| i128::from(*number) * 1_000_000),
        Value::Float(number) => of_float(*number),
        Value::Text(text) => text.trim().parse().ok().and_then(of_float),
        Value::Boolean(_) | Value::Time(_) | Value::Json(_) => None,
    }
}

/// The value of a label; not too long.
fn label_value<'v>(value: &'v Value<'_>) -> Cow<'v, str> {
    let text: Cow<'v, str> = match value {
        Value::Text(text) | Value::Json(text) => Cow::Borrowed(text),
        Value::Integer(number) => Cow::Owned(number.to_string()),
        Value::Float(number) => Cow::Owned(number.to_string()),
        Value::Boolean(boolean) => Cow::Borrowed(if *boolean { "true" } else { "false" }),
        Value::Time(time) => Cow::Owned(time.to_string()),
    };
    if text.len() <= LABEL_VALUE_BYTES_MAX {
        return text;
    }
    let end = (0..=LABEL_VALUE_BYTES_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    Cow::Owned(text[..end].to_owned())
}

#[cfg(test)]
mod tests;
