//! `metrics`: how many series there may be, how long they stay, which labels they carry, where they go.
//!
//! Labels are two switches and not a free list: host, method, status and path are what the known
//! dashboards group by, so leaving one out would break them, and a label that clients choose the
//! values of would need a bound of its own; who needs one declares a metric.

use std::collections::BTreeMap;
use std::time::Duration;

use super::declared_metrics::{self, DeclaredMetric};
use super::duration::PrometheusDuration;
use super::error::ConfigError;
use super::external_labels;
use super::keys;
use super::reader::Field;
use super::remote_write::{self, KnownSources, RemoteWrite};

/// The fewest label sets: fewer would leave no room for one service's routes.
pub const SERIES_MIN: u64 = 100;

/// The most label sets: more than a scrape can carry.
pub const SERIES_MAX: u64 = 10_000_000;

/// A series that is gone before the next scrape was never seen.
const EXPIRE_AFTER_MIN: Duration = Duration::from_secs(60);

/// Reports and objectives look back by the day at least; ten years is for ever.
const SLOTS_RETENTION_RANGE: (Duration, Duration) =
    (Duration::from_secs(24 * 3600), Duration::from_secs(10 * 365 * 24 * 3600));

/// What is counted, and within which bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// Label sets per family, live and expired together.
    pub max_series: usize,
    /// How long a series that nothing was added to stays in `/metrics`.
    pub expire_after: Duration,
    /// The labels that are a choice.
    pub labels: OptionalLabels,
    /// Labels that every series gets which has none of that name; valid names, no empty values.
    pub external_labels: BTreeMap<String, String>,
    /// Where minutes are written to, with different names.
    pub remote_write: Vec<RemoteWrite>,
    /// How long the counts of a minute are kept.
    pub slots_retention: Duration,
    /// The user's own counters and histograms, with different names.
    pub declared: Vec<DeclaredMetric>,
}

/// Which of the optional labels the metrics carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionalLabels {
    /// The target group's ARN.
    pub target_group: bool,
    /// The service's name.
    pub application: bool,
}

#[derive(Clone, Copy)]
enum Label {
    TargetGroup,
    Application,
}

impl Default for Metrics {
    /// 50,000 series per family, expired after 24 h, with both labels; minutes of 400 days, written nowhere.
    fn default() -> Self {
        Self {
            max_series: 50_000,
            expire_after: Duration::from_secs(24 * 3600),
            labels: OptionalLabels { target_group: true, application: true },
            external_labels: BTreeMap::new(),
            remote_write: Vec::new(),
            slots_retention: Duration::from_secs(400 * 24 * 3600),
            declared: Vec::new(),
        }
    }
}

/// Reads the section; `sources` are those that a `remote_write` may name.
pub fn read(field: Field, sources: KnownSources, errors: &mut Vec<ConfigError>) -> Metrics {
    let mut metrics = Metrics::default();
    let Some(fields) = field.fields(&keys::METRICS, errors) else {
        return metrics;
    };
    let max_series =
        fields.get("max_series").and_then(|field| field.whole_number(SERIES_MIN..=SERIES_MAX, errors));
    if let Some(max_series) = max_series.and_then(|number| usize::try_from(number).ok()) {
        metrics.max_series = max_series;
    }
    if let Some(expire_after) = fields.get("expire_after").and_then(|field| read_expire_after(field, errors))
    {
        metrics.expire_after = expire_after;
    }
    if let Some(labels) = fields.get("labels") {
        metrics.labels = read_labels(labels, errors);
    }
    if let Some(labels) = fields.get("external_labels") {
        metrics.external_labels = external_labels::read(labels, errors);
    }
    if let Some(targets) = fields.get("remote_write") {
        metrics.remote_write = remote_write::read_all(targets, sources, errors);
    }
    let slots_retention =
        fields.get("slots_retention").and_then(|field| field.duration("400d", SLOTS_RETENTION_RANGE, errors));
    if let Some(slots_retention) = slots_retention {
        metrics.slots_retention = slots_retention;
    }
    let mut names = declared_metrics::Names::default();
    if let Some(counters) = fields.get("counters") {
        let counters = declared_metrics::read_counters(counters, sources.names, &mut names, errors);
        metrics.declared.extend(counters);
    }
    if let Some(histograms) = fields.get("histograms") {
        let histograms = declared_metrics::read_histograms(histograms, sources.names, &mut names, errors);
        metrics.declared.extend(histograms);
    }
    metrics
}

fn read_expire_after(field: Field, errors: &mut Vec<ConfigError>) -> Option<Duration> {
    field.parse("a duration of at least 1m", errors, |text| match text.parse::<PrometheusDuration>() {
        Ok(PrometheusDuration(duration)) if duration < EXPIRE_AFTER_MIN => {
            Err("a series that expires between two scrapes is never seen".to_owned())
        }
        Ok(PrometheusDuration(duration)) => Ok(duration),
        Err(error) => Err(error.to_string()),
    })
}

fn read_labels(field: Field, errors: &mut Vec<ConfigError>) -> OptionalLabels {
    let mut labels = OptionalLabels { target_group: false, application: false };
    for item in field.items("a list of `target_group` and `application`", errors) {
        let choices = [("target_group", Label::TargetGroup), ("application", Label::Application)];
        match item.one_of(&choices, errors) {
            Some(Label::TargetGroup) => labels.target_group = true,
            Some(Label::Application) => labels.application = true,
            None => {}
        }
    }
    labels
}
