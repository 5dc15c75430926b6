//! Numbers of groups, from the API's request to what the store evaluates, and from its answer to rows.
//!
//! The API's request and the language's `| stats` become one type here, so that neither can count anything that the
//! other cannot, and both are refused in the same words.

use weir_query::{Aggregation, AggregationError, GroupBy, Metric, Order, ROWS_DEFAULT};
use weir_web::{
    AggregateAnswer, AggregateRequest, GroupField, GroupKey, MetricKind, Pairs, RecordsProblem,
    RecordsProblemKind,
};

use super::hit::{TIME_FIELD, group_json, metric_json};
use super::question::Question;
use super::zone::Zone;
use crate::config::PrometheusDuration;

/// What is to be counted: what the query says behind `| stats`, else what the request says.
///
/// # Errors
///
/// Both or something that is out of bounds.
pub fn aggregation(question: &Question, request: &AggregateRequest) -> Result<Aggregation, RecordsProblem> {
    let says_more = request.group_by.is_some()
        || request.metrics.is_some()
        || request.order.is_some()
        || request.limit.is_some();
    match &question.stats {
        Some(_) if says_more => Err(RecordsProblem::new(
            RecordsProblemKind::BadParameters,
            "the query has a `| stats` and the request says what to count too",
            "leave one of them out",
        )),
        Some(stats) => Ok(stats.clone()),
        None => of_request(request)?.checked().map_err(|error| refused(&error)),
    }
}

fn of_request(request: &AggregateRequest) -> Result<Aggregation, RecordsProblem> {
    let group_by = request.group_by.iter().flatten().map(group).collect::<Result<_, _>>()?;
    let metrics = match &request.metrics {
        Some(Pairs(metrics)) => metrics.iter().map(|(name, kind)| (name.clone(), metric(kind))).collect(),
        None => vec![("count".to_owned(), Metric::Count)],
    };
    let order = request.order.as_deref().map(Order::parse);
    Ok(Aggregation { group_by, metrics, order, limit: request.limit.unwrap_or(ROWS_DEFAULT) })
}

fn group(key: &GroupKey) -> Result<GroupBy, RecordsProblem> {
    match key {
        GroupKey::Name(field) | GroupKey::Field(GroupField { field, interval: None }) => {
            Ok(GroupBy::Field(field.clone()))
        }
        GroupKey::Field(GroupField { field, interval: Some(interval) }) => {
            let wrong = |error: String| {
                let hint = "write {\"field\": \"@timestamp\", \"interval\": \"1m\"}";
                RecordsProblem::new(RecordsProblemKind::BadParameters, error, hint)
            };
            if weir_record::canonical_name(field) != TIME_FIELD {
                return Err(wrong(format!("`{field}` cannot have an interval; only @timestamp can")));
            }
            let duration: PrometheusDuration =
                interval.parse().map_err(|error| wrong(format!("the interval `{interval}`: {error}")))?;
            let interval_us = i64::try_from(duration.0.as_micros()).unwrap_or(i64::MAX);
            Ok(GroupBy::Time { interval_us })
        }
    }
}

fn metric(kind: &MetricKind) -> Metric {
    match kind {
        MetricKind::Count(_) => Metric::Count,
        MetricKind::Percentile(of) => Metric::Percentile { field: of.field.clone(), p: of.p },
        MetricKind::Avg(of) => Metric::Average { field: of.field.clone() },
        MetricKind::Sum(of) => Metric::Sum { field: of.field.clone() },
        MetricKind::Min(of) => Metric::Min { field: of.field.clone() },
        MetricKind::Max(of) => Metric::Max { field: of.field.clone() },
        MetricKind::Cardinality(of) => Metric::Cardinality { field: of.field.clone() },
    }
}

fn refused(error: &AggregationError) -> RecordsProblem {
    RecordsProblem::new(RecordsProblemKind::BadParameters, error.problem.clone(), error.hint.clone())
}

/// The rows of an answer; the rest of it is for the caller to say.
pub fn rows(aggregation: &Aggregation, answer: &weir_query::Answer, zone: &Zone) -> AggregateAnswer {
    let names: Vec<&str> = aggregation.names().collect();
    let row = |row: &weir_query::Row| {
        let keys = row.keys.iter().map(|key| group_json(key, zone));
        let values = row.values.iter().map(|value| metric_json(*value));
        names.iter().map(|name| (*name).to_owned()).zip(keys.chain(values)).collect()
    };
    let mut warnings = Vec::new();
    if answer.is_cut {
        warnings.push(format!(
            "there are too many groups; {} records are in none of these rows",
            answer.cut_records
        ));
    }
    let left_out = answer.groups_len.saturating_sub(answer.rows.len());
    if left_out > 0 {
        warnings.push(format!("{left_out} more groups are left out by the limit of {}", aggregation.limit));
    }
    AggregateAnswer {
        rows: answer.rows.iter().map(row).collect(),
        is_exact: answer.is_exact,
        error_bound: answer.error_bound,
        is_cut: answer.is_cut,
        warnings,
        ..AggregateAnswer::default()
    }
}

#[cfg(test)]
mod tests {
    use weir_record::Timestamp;

    use super::super::question::{DefaultSpan, QuestionText};
    use super::*;

    fn read(json: &str) -> Result<Aggregation, RecordsProblem> {
        let request: AggregateRequest = serde_json::from_str(json).expect("a request");
        let text = QuestionText { query: request.query.as_deref(), ..QuestionText::default() };
        let question = Question::parse(text, Timestamp::default(), DefaultSpan::LastHour)?;
        aggregation(&question, &request)
    }

    #[test]
    fn a_request_and_a_query_say_the_same() {
        for (json, query) in [
            (r#"{}"#, "| stats count() as count"),
            (
                r#"{"group_by": ["uri", {"field": "@timestamp", "interval": "1m"}], "limit": 5, "order": "-p95",
                    "metrics": {"n": {"count": {}}, "p95": {"percentile": {"field": "request_time", "p": 95}},
                    "mean": {"avg": {"field": "request_time"}}, "users": {"cardinality": {"field": "user"}}}}"#,
                "| stats count() as n, p95(request_time) as p95, avg(request_time) as mean, \
                 cardinality(user) as users by path, @timestamp:1m | sort -p95 | limit 5",
            ),
        ] {
            let of_query = serde_json::to_string(&serde_json::json!({"query": query})).unwrap();
            assert_eq!(read(json), read(&of_query), "{query}");
        }
    }

    #[test]
    fn what_cannot_be_counted_is_said() {
        for json in [
            r#"{"query": "| stats count()", "limit": 5}"#,
            r#"{"group_by": [{"field": "status", "interval": "1m"}]}"#,
            r#"{"group_by": [{"field": "@timestamp", "interval": "soon"}]}"#,
            r#"{"group_by": ["a", "b", "c"]}"#,
            r#"{"metrics": {"p": {"percentile": {"field": "a", "p": 101}}}}"#,
            r#"{"order": "-nothing"}"#,
            r#"{"limit": 0}"#,
        ] {
            let problem = read(json).expect_err(json);
            assert_eq!(problem.kind, RecordsProblemKind::BadParameters, "{json}");
        }
    }
}
