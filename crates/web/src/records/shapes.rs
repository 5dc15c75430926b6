//! The JSON of records and what is asked of them, as it stands on the wire.
//!
//! Both ends are ours, as with rejects: the server writes a shape and the commands read it by the same
//! definition. Every question refuses names that it does not know, because a misspelt `from` that is passed over
//! would answer something else than was asked. Fields of answers may be added; none is renamed or removed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::pairs::Pairs;
use crate::admin::RejectRow;

/// A record: `_id`, `@timestamp` in RFC 3339, and its fields flat.
pub type Hit = Pairs<Value>;

/// `GET /api/search`: which records. Times are RFC 3339, epoch or `now-1h`; so in all that follow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchQuery {
    /// In the query language; all records by default.
    pub query: Option<String>,
    /// Inclusive; an hour before `to` by default.
    pub from: Option<String>,
    /// Exclusive; now by default.
    pub to: Option<String>,
    /// Records of an answer at most: 100 by default, 10,000 at most. Lines are not limited unless this says so.
    pub limit: Option<usize>,
    /// `newest` first by default, or `oldest`; also `-@timestamp` and `@timestamp`.
    pub order: Option<String>,
    /// Goes on where the answer with this cursor ended.
    pub cursor: Option<String>,
    /// Only these fields, separated by commas.
    pub fields: Option<String>,
    /// The zone of the answer's times, as `Europe/Berlin`, and of days in `from` and `to`; UTC by default.
    pub tz: Option<String>,
    /// `false`: the answer's total is `null`, and the search may end with the page.
    pub total: Option<bool>,
    /// An answer with one page, or everything as lines.
    pub format: Option<SearchFormat>,
}

/// How records are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SearchFormat {
    /// One page, as a [`SearchAnswer`].
    #[default]
    Json,
    /// Everything, one JSON object per line.
    Ndjson,
    /// Everything, as a table with a header.
    Csv,
}

/// A page of records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchAnswer {
    /// The records, in the order that was asked for.
    pub hits: Vec<Hit>,
    /// How many there are in all, exactly; `None` where that was not asked for.
    pub total: Option<u64>,
    /// Goes on behind this page; `None` at the end.
    pub cursor: Option<String>,
    /// The moment up to which all sources are complete; `None` before that is known of each.
    pub complete_to: Option<String>,
    /// What it took, in milliseconds.
    pub took_ms: u64,
    /// What should be known about the answer: why there is nothing, what was not kept or could not be read.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Whether records could not be read, so that some may be missing; `warnings` says which.
    #[serde(default)]
    pub is_partial: bool,
}

/// `GET /api/aggregate`: a query that ends with `| stats`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AggregateQuery {
    /// In the query language, with `| stats`.
    pub query: Option<String>,
    /// Inclusive; an hour before `to` by default.
    pub from: Option<String>,
    /// Exclusive; now by default.
    pub to: Option<String>,
    /// The zone of the answer's times; UTC by default.
    pub tz: Option<String>,
}

/// `POST /api/aggregate`: numbers of groups of records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AggregateRequest {
    /// In the query language; all records by default. With `| stats` it says all that follows `to`.
    pub query: Option<String>,
    /// Inclusive; an hour before `to` by default.
    pub from: Option<String>,
    /// Exclusive; now by default.
    pub to: Option<String>,
    /// The zone of the answer's times; UTC by default.
    pub tz: Option<String>,
    /// What a group has in common; nothing: all are one group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by: Option<Vec<GroupKey>>,
    /// The numbers of each group, by their names in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Pairs<MetricKind>>,
    /// A number's or a field's name, with `-` for the greatest first.
    pub order: Option<String>,
    /// Rows at most: 100 by default.
    pub limit: Option<usize>,
}

/// What groups have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum GroupKey {
    /// A field's value.
    Name(String),
    /// A field's value, or a span of its time.
    Field(GroupField),
}

/// A field to group by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupField {
    /// Its name.
    pub field: String,
    /// The length of each span, as `1m`; only for `@timestamp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
}

/// A number of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// Its records.
    Count(NoField),
    /// The smallest value that `p` percent of the values do not pass.
    Percentile(PercentileOf),
    /// The mean of a field's values.
    Avg(OfField),
    /// Their sum.
    Sum(OfField),
    /// The least.
    Min(OfField),
    /// The greatest.
    Max(OfField),
    /// How many different ones there are.
    Cardinality(OfField),
}

/// An empty object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoField {}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfField {
    /// Its name.
    pub field: String,
}

/// A field and a percentage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PercentileOf {
    /// The field's name.
    pub field: String,
    /// From 0 to 100.
    pub p: f64,
}

/// Numbers of groups.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AggregateAnswer {
    /// A row for each group: what it has in common, then its numbers.
    pub rows: Vec<Pairs<Value>>,
    /// Whether every number is exact.
    pub is_exact: bool,
    /// How far a number that is not exact may be from the right one, as a share of it: 0.01 is 1 %.
    pub error_bound: f64,
    /// Whether there were more groups than are kept apart, so that rows are missing.
    pub is_cut: bool,
    /// The moment up to which all sources are complete.
    pub complete_to: Option<String>,
    /// What it took, in milliseconds.
    pub took_ms: u64,
    /// What should be known about the answer.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Whether records could not be read, so that some may be missing; `warnings` says which.
    #[serde(default)]
    pub is_partial: bool,
}

/// `GET /api/tail`: records as they come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TailQuery {
    /// In the query language; all records by default.
    pub query: Option<String>,
    /// Only these fields, separated by commas.
    pub fields: Option<String>,
    /// The zone of the times; UTC by default.
    pub tz: Option<String>,
}

/// `GET /api/fields`: which fields there are, and what is in them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldsQuery {
    /// Only of records that match; all by default.
    pub query: Option<String>,
    /// Inclusive; an hour before `to` by default.
    pub from: Option<String>,
    /// Exclusive; now by default.
    pub to: Option<String>,
    /// Only these fields, separated by commas.
    pub field: Option<String>,
    /// Values of each field at most: 10 by default, 1,000 at most.
    pub top: Option<usize>,
}

/// Fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FieldsAnswer {
    /// One row for each field that a record has, by name.
    pub fields: Vec<FieldRow>,
    /// The moment up to which all sources are complete.
    pub complete_to: Option<String>,
    /// What it took, in milliseconds.
    pub took_ms: u64,
    /// What should be known about the answer.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Whether records could not be read, so that some may be missing; `warnings` says which.
    #[serde(default)]
    pub is_partial: bool,
}

/// A field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FieldRow {
    /// Its name.
    pub name: String,
    /// What it holds: `time`, `keyword`, `text`, `words`, `list`, `integer`, `seconds`, or `other` where
    /// only the records know.
    pub kind: String,
    /// Records that have it.
    pub count: u64,
    /// Different values, about.
    pub distinct: u64,
    /// The most frequent values, most frequent first.
    pub top: Vec<ValueCount>,
}

/// A value and how often it is there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ValueCount {
    /// The value.
    pub value: Value,
    /// Records that have it.
    pub count: u64,
}

/// `GET /api/story`: what belongs to one request, in all sources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoryQuery {
    /// Begins with this request id.
    pub request_id: Option<String>,
    /// Begins with this trace id.
    pub trace_id: Option<String>,
    /// Inclusive; the first record by default.
    pub from: Option<String>,
    /// Exclusive; the last record by default.
    pub to: Option<String>,
    /// The zone of the times; UTC by default.
    pub tz: Option<String>,
}

/// What belongs to one request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoryAnswer {
    /// The records, oldest first.
    pub hits: Vec<Hit>,
    /// The ids by which they were found.
    pub ids: Vec<String>,
    /// Whether there was more than a story may have.
    pub is_cut: bool,
    /// The moment up to which all sources are complete.
    pub complete_to: Option<String>,
    /// What it took, in milliseconds.
    pub took_ms: u64,
    /// What should be known about the answer.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Whether records could not be read, so that some may be missing; `warnings` says which.
    #[serde(default)]
    pub is_partial: bool,
}

/// `GET /api/context`: what happened around a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextQuery {
    /// The record's `_id`.
    pub id: String,
    /// Records before it: 10 by default, 1,000 at most.
    pub before: Option<usize>,
    /// Records behind it: 10 by default, 1,000 at most.
    pub after: Option<usize>,
    /// Fields that must be as in the record, separated by commas: `source,node` by default; empty: none.
    pub same: Option<String>,
    /// The zone of the times; UTC by default.
    pub tz: Option<String>,
}

/// What happened around a record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContextAnswer {
    /// The records, oldest first, with the one that was asked for among them.
    pub hits: Vec<Hit>,
    /// The place of that one in `hits`, from 0.
    pub position: usize,
    /// The moment up to which all sources are complete.
    pub complete_to: Option<String>,
    /// What it took, in milliseconds.
    pub took_ms: u64,
    /// What should be known about the answer.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// `POST /api/delete`: removes records for good.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteRequest {
    /// Which; it may not be left out.
    pub query: String,
    /// Inclusive; it may not be left out, `0` is the beginning.
    pub from: String,
    /// Exclusive; it may not be left out.
    pub to: String,
    /// Only says what would be removed.
    #[serde(default)]
    pub dry_run: bool,
}

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeleteAnswer {
    /// Records that are gone, or would be.
    pub records: u64,
    /// Files that were written again without them.
    pub files_rewritten: u64,
    /// Bytes that the folder has become smaller by.
    pub bytes_freed: u64,
    /// Nothing was removed; it was only asked.
    pub is_dry_run: bool,
    /// Where the same data may still be, in words.
    pub not_covered: Vec<String>,
    /// Rejects that hold a text of the query; they are not removed.
    pub rejects: Vec<RejectRow>,
    /// Whether there are more of them than are looked at or listed here.
    pub rejects_are_cut: bool,
    /// What it took, in milliseconds.
    pub took_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aggregation_is_read_as_documented() {
        let text = r#"{"query": "status:>=500", "from": "now-1d", "to": "now",
            "group_by": ["route", {"field": "@timestamp", "interval": "1m"}],
            "metrics": {"n": {"count": {}}, "p95": {"percentile": {"field": "request_time", "p": 95}},
                "mean": {"avg": {"field": "request_time"}}}, "order": "-p95", "limit": 100}"#;
        let request: AggregateRequest = serde_json::from_str(text).unwrap();
        let time = GroupField { field: "@timestamp".to_owned(), interval: Some("1m".to_owned()) };
        assert_eq!(request.group_by.unwrap(), [GroupKey::Name("route".to_owned()), GroupKey::Field(time)]);
        let metrics = request.metrics.unwrap();
        let names: Vec<&str> = metrics.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["n", "p95", "mean"]);
        let expected = PercentileOf { field: "request_time".to_owned(), p: 95.0 };
        assert_eq!(metrics.get("p95"), Some(&MetricKind::Percentile(expected)));
    }

    #[test]
    fn what_is_misspelt_is_never_passed_over() {
        for text in [
            r#"{"qurey": "a"}"#,
            r#"{"group_by": [{"field": "a", "intervall": "1m"}]}"#,
            r#"{"metrics": {"n": {"count": {"field": "a"}}}}"#,
            r#"{"metrics": {"n": {"median": {"field": "a"}}}}"#,
        ] {
            assert!(serde_json::from_str::<AggregateRequest>(text).is_err(), "{text}");
        }
        assert!(serde_json::from_str::<DeleteRequest>(r#"{"query":"a"}"#).is_err());
    }
}
