//! Good and bad events from the records that are kept, by minute and instance.
//!
//! Two questions to the store per promise, all requests and those that are good or bad, as groups of minutes: the
//! columns are read and not the records, which is what makes a month of them bearable.

use std::collections::HashMap;

use weir_alert::{Events, Failures, Indicator as Measured, Labels, Sla, message_template};
use weir_query::{Aggregation, GroupBy, GroupValue, Metric, MetricValue, Predicate, QueryError, ROWS_MAX};
use weir_record::{Minute, Timestamp, method_label};
use weir_store::{AggregateRequest, Cancel, Limits, QueryFailure, SearchRequest, View};
use weir_web::AdminProblem;

use super::failed;
use super::history::{instance_labels, too_slow};
use crate::config::{AlertConfig, SlaConfig};
use crate::serve::indicators::{Indicator, Subject, cut};

/// What is asked of records.
pub struct RecordCounts {
    subject: Subject,
    /// All that count.
    total: Predicate,
    /// Parts of it that are good, by the time within which they must be; of a query the part that is bad.
    parts: Vec<(u64, Predicate)>,
}

/// Events by minute and instance.
pub type Counted = HashMap<(i64, Labels), Events>;

/// A minute, and the values of what is grouped by.
type Group = (i64, Vec<GroupValue>);

impl RecordCounts {
    /// What an indicator asks; `config` is its promise.
    ///
    /// # Errors
    ///
    /// A query that does not compile; a config that was read has none.
    pub fn new(indicator: &Indicator, config: Option<&SlaConfig>) -> Result<Self, QueryError> {
        let subject = indicator.subject.clone();
        let (total, parts) = match &subject {
            Subject::Sla(sla) => of_sla(sla, config)?,
            Subject::Alert(alert) => {
                let sources =
                    alert.sources.iter().map(|source| compiled(&format!("source:{}", quoted(source))));
                let sources = sources.collect::<Result<Vec<_>, _>>()?;
                let of_sources = if sources.is_empty() { Predicate::All } else { Predicate::or(sources) };
                (Predicate::and([of_sources, indicator.predicate().clone()]), Vec::new())
            }
        };
        Ok(Self { subject, total, parts })
    }

    /// The minute of the first record of these sources that is kept; of all where none is named.
    ///
    /// # Errors
    ///
    /// Records that cannot be read.
    pub fn first_record(
        &self,
        view: &View,
        sources: &[String],
        cancel: &Cancel,
    ) -> Result<Option<i64>, AdminProblem> {
        let named = sources.iter().map(|source| compiled(&format!("source:{}", quoted(source))));
        let named = named.collect::<Result<Vec<_>, _>>().map_err(|error| failed(error.to_string()))?;
        let predicate = if named.is_empty() { Predicate::All } else { Predicate::or(named) };
        let span = Timestamp::from_micros(i64::MIN)..Timestamp::from_micros(i64::MAX);
        let request = SearchRequest {
            is_oldest_first: true,
            fields: Some(Vec::new()),
            ..SearchRequest::newest(predicate, span, 1)
        };
        let found = view.search(&request, &Limits::default(), cancel).map_err(|failure| refused(&failure))?;
        Ok(found.hits.first().map(|hit| hit.time.minute().0))
    }

    /// The events from minute `from` to `to`.
    ///
    /// # Errors
    ///
    /// Records that cannot be read, too many instances, or no more time.
    pub fn count(
        &self,
        view: &View,
        (from, to): (i64, i64),
        cancel: &Cancel,
    ) -> Result<Counted, AdminProblem> {
        let total = self.groups(view, &self.total, (from, to), cancel)?;
        let mut counted = Counted::new();
        match &self.subject {
            Subject::Alert(alert) => {
                for ((minute, keys), count) in total {
                    let events = counted.entry((minute, alert_labels(alert, &keys))).or_default();
                    events.bad += count;
                }
            }
            Subject::Sla(sla) => {
                let parts = self.parts.iter().map(|(threshold_us, part)| {
                    Ok((*threshold_us, self.groups(view, part, (from, to), cancel)?))
                });
                let parts = parts.collect::<Result<HashMap<u64, HashMap<Group, u64>>, AdminProblem>>()?;
                let is_ratio = matches!(sla.indicator, Measured::Ratio { .. });
                for (group, count) in total {
                    let (route, method) = route_and_method(&group.1);
                    if !sla.selects(&route, method) {
                        continue;
                    }
                    let part = parts.get(&sla.threshold_us(&route, method).unwrap_or(0));
                    let part = part.and_then(|groups| groups.get(&group)).copied().unwrap_or(0).min(count);
                    let (good, bad) = if is_ratio { (count - part, part) } else { (part, count - part) };
                    let labels = instance_labels(sla, &route, method);
                    counted.entry((group.0, labels)).or_default().add(Events { good, bad });
                }
            }
        }
        Ok(counted)
    }

    /// How many records of each minute and group match.
    fn groups(
        &self,
        view: &View,
        predicate: &Predicate,
        (from, to): (i64, i64),
        cancel: &Cancel,
    ) -> Result<HashMap<Group, u64>, AdminProblem> {
        let mut groups = HashMap::new();
        let mut spans = vec![(from, to)];
        while let Some((from, to)) = spans.pop() {
            let request = AggregateRequest {
                predicate: predicate.clone(),
                from: Minute(from).start(),
                to: Minute(to).start(),
                aggregation: self.aggregation(),
            };
            let found =
                view.aggregate(&request, &Limits::default(), cancel).map_err(|failure| refused(&failure))?;
            if let Some(problem) = found.problems.first() {
                return Err(failed(format!("records cannot be read: {problem}")));
            }
            if found.answer.is_cut {
                // More groups than are kept apart: a shorter span has fewer.
                let middle = from + (to - from) / 2;
                if middle == from {
                    return Err(failed(
                        "one minute has more different values than can be told apart".to_owned(),
                    ));
                }
                spans.extend([(from, middle), (middle, to)]);
                continue;
            }
            for row in found.answer.rows {
                let mut keys = row.keys.into_iter();
                let (Some(GroupValue::Time(time)), Some(MetricValue::Integer(count))) =
                    (keys.next(), row.values.first())
                else {
                    continue;
                };
                *groups.entry((time.minute().0, keys.collect())).or_default() += count.unsigned_abs();
            }
        }
        Ok(groups)
    }

    fn aggregation(&self) -> Aggregation {
        let fields: Vec<String> = match &self.subject {
            Subject::Sla(_) => vec!["route".to_owned(), "method".to_owned()],
            Subject::Alert(alert) => alert.by.iter().map(|(field, _)| field.clone()).collect(),
        };
        let minute = GroupBy::Time { interval_us: 60_000_000 };
        Aggregation {
            group_by: std::iter::once(minute).chain(fields.into_iter().map(GroupBy::Field)).collect(),
            metrics: vec![("count".to_owned(), Metric::Count)],
            order: None,
            limit: ROWS_MAX,
        }
    }
}

/// All requests that a promise counts, and the parts of them that are good or bad.
fn of_sla(sla: &Sla, config: Option<&SlaConfig>) -> Result<(Predicate, Vec<(u64, Predicate)>), QueryError> {
    let base = format!(
        "source:{} AND service:{} AND (status:* OR method:*) AND NOT connection_time:*",
        quoted(&sla.source),
        quoted(&sla.service)
    );
    let all_of = |query: &str| Ok(Predicate::and([compiled(&base)?, compiled(query)?]));
    let Measured::Latency { failures, .. } = sla.indicator else {
        let bad = config.and_then(|config| config.bad.as_ref());
        let bad = bad.map(|bad| bad.compile(Timestamp::default())).transpose()?.unwrap_or(Predicate::Nothing);
        return Ok((compiled(&base)?, vec![(0, Predicate::and([compiled(&base)?, bad]))]));
    };
    let total = match failures {
        Failures::Bad => all_of("(request_time:* OR status:>=500)")?,
        Failures::AsMeasured => all_of("request_time:*")?,
        Failures::Excluded => all_of("request_time:* AND NOT status:>=500")?,
    };
    let mut thresholds: Vec<u64> = sla.thresholds_us().collect();
    thresholds.sort_unstable();
    thresholds.dedup();
    let part = |threshold_us: u64| {
        let within = format!("request_time:<={}.{:06}", threshold_us / 1_000_000, threshold_us % 1_000_000);
        let query = match failures {
            Failures::AsMeasured => within,
            Failures::Bad | Failures::Excluded => format!("{within} AND NOT status:>=500"),
        };
        Ok((threshold_us, all_of(&query)?))
    };
    Ok((total, thresholds.into_iter().map(part).collect::<Result<_, QueryError>>()?))
}

fn route_and_method(keys: &[GroupValue]) -> (String, &'static str) {
    let text = |at: usize| match keys.get(at) {
        Some(GroupValue::Text(text)) => Some(&**text),
        _ => None,
    };
    (text(0).unwrap_or("-").to_owned(), method_label(text(1).map(str::as_bytes)))
}

fn alert_labels(alert: &AlertConfig, keys: &[GroupValue]) -> Labels {
    let value = |field: &str, key: &GroupValue| {
        let text = match key {
            GroupValue::Text(text) => text.to_string(),
            GroupValue::Integer(number) => number.to_string(),
            GroupValue::Float(number) => number.to_string(),
            GroupValue::Boolean(boolean) => boolean.to_string(),
            GroupValue::Time(time) => time.to_string(),
            GroupValue::Missing => String::new(),
        };
        if field == "message" { message_template(&text) } else { text }
    };
    let labels = alert.by.iter().zip(keys);
    labels.map(|((field, label), key)| (label.as_str().into(), cut(&value(field, key)).into())).collect()
}

fn compiled(query: &str) -> Result<Predicate, QueryError> {
    weir_query::parse(query)?.filter.compile(Timestamp::default())
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn refused(failure: &QueryFailure) -> AdminProblem {
    match failure {
        QueryFailure::TimedOut | QueryFailure::Cancelled => too_slow(),
        other => failed(other.to_string()),
    }
}
