//! The table of groups against counting by hand: what a reader of columns and a reader of records rely on.
//!
//! Values are few, so that groups, ties and equal values occur.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use weir_record::{Timestamp, Value};

use super::*;
use crate::aggregation::Aggregation;
use crate::parse;
use crate::predicate::Fields;

#[derive(Clone, Debug, Default)]
struct TestRecord(BTreeMap<&'static str, Value<'static>>);

impl Fields for TestRecord {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        self.0.get(name).cloned()
    }
}

fn request(route: &'static str, second: i64, time: f64) -> TestRecord {
    TestRecord(BTreeMap::from([
        ("route", Value::Text(route.into())),
        ("@timestamp", Value::Time(Timestamp::from_seconds(second))),
        ("request_time", Value::Float(time)),
    ]))
}

fn stats(text: &str) -> Aggregation {
    parse(text).expect("statistics").stats.expect("statistics")
}

fn groups(aggregation: &Aggregation, bounds: Bounds, records: &[TestRecord]) -> Groups {
    let mut groups = Groups::with_bounds(aggregation, bounds);
    records.iter().for_each(|record| groups.add_record(record));
    groups
}

/// Rows as lines: keys and values with spaces between them.
fn check(text: &str, records: &[TestRecord], expected: &[&str]) {
    let answer = groups(&stats(text), Bounds::default(), records).into_answer();
    let shown: Vec<String> = answer.rows.iter().map(line).collect();
    assert_eq!(shown, expected, "{text}");
    assert!(answer.is_exact && !answer.is_cut && answer.error_bound == 0.0, "{answer:?}");
}

fn line(row: &Row) -> String {
    let keys = row.keys.iter().map(|key| match key {
        GroupValue::Integer(integer) => integer.to_string(),
        GroupValue::Float(float) => float.to_string(),
        GroupValue::Text(text) => text.to_string(),
        GroupValue::Boolean(boolean) => boolean.to_string(),
        GroupValue::Time(time) => time.to_string(),
        GroupValue::Missing => "-".to_owned(),
    });
    let values =
        row.values.iter().map(|value| value.as_f64().map_or("-".to_owned(), |number| number.to_string()));
    keys.chain(values).collect::<Vec<_>>().join(" ")
}

#[test]
fn records_are_counted_in_their_groups() {
    let mut records = vec![
        request("/a", 0, 0.1),
        request("/b", 30, 0.2),
        request("/a", 59, 0.3),
        request("/a", 60, 0.2),
        TestRecord::default(),
    ];
    records[4].0.insert("status", Value::Text("503".into()));
    for (text, expected) in [
        ("| count", vec!["5"]),
        ("| stats count() by route", vec!["/a 3", "/b 1", "- 1"]),
        ("| stats count() by route | sort route", vec!["/a 3", "/b 1", "- 1"]),
        ("| stats count() by route | sort -route", vec!["/b 1", "/a 3", "- 1"]),
        ("| stats count() by route | sort count | limit 2", vec!["/b 1", "- 1"]),
        ("| top 1 route", vec!["/a 3"]),
        ("| stats count() by @timestamp:1m", vec!["1970-01-01T00:00:00Z 3", "1970-01-01T00:01:00Z 1", "- 1"]),
        (
            "| stats sum(request_time), avg(request_time), min(request_time), max(request_time) by route",
            vec!["/a 0.6 0.2 0.1 0.3", "/b 0.2 0.2 0.2 0.2", "- - - - -"],
        ),
        ("| stats p50(request_time), p100(request_time), cardinality(route)", vec!["0.2 0.3 2"]),
        ("| stats max(status), median(nothing)", vec!["503 -"]),
        ("| stats p50(request_time) by route | sort -p50", vec!["/a 0.2", "/b 0.2", "- -"]),
        ("| stats p50(request_time) by route | sort p50", vec!["/a 0.2", "/b 0.2", "- -"]),
    ] {
        check(text, &records, &expected);
    }
    check("| count", &[], &["0"]);
    check("| stats max(a) by route", &[], &[]);
}

#[test]
fn an_element_of_a_list_is_a_group() {
    let tagged = |tags: Value<'static>| TestRecord(BTreeMap::from([("tags", tags)]));
    let records = [
        tagged(Value::Text("a, b,a".into())),
        tagged(Value::Json(r#"["b", 5, 5.0]"#.into())),
        tagged(5.into_value()),
    ];
    check("| stats count() by tags", &records, &["5 2", "b 2", "a 1"]);
    check("| stats cardinality(tags)", &records, &["3"]);
}

trait IntoValue {
    fn into_value(self) -> Value<'static>;
}

impl IntoValue for i64 {
    fn into_value(self) -> Value<'static> {
        Value::Integer(self)
    }
}

#[test]
fn groups_beyond_the_bound_are_counted_but_not_kept() {
    let records: Vec<TestRecord> =
        ["/a", "/b", "/c", "/a", "/c"].map(|route| request(route, 0, 1.0)).into_iter().collect();
    for bounds in [
        Bounds { groups_max: 2, ..Bounds::default() },
        Bounds { group_key_bytes_max: 4, ..Bounds::default() },
    ] {
        let answer = groups(&stats("| count by route"), bounds, &records).into_answer();
        let shown: Vec<String> = answer.rows.iter().map(line).collect();
        assert_eq!(shown, ["/a 2", "/b 1"]);
        assert!(answer.is_cut);
        assert_eq!((answer.cut_records, answer.groups_len), (2, 2));
    }
}

#[test]
fn a_reader_of_columns_gets_what_a_reader_of_records_gets() {
    let aggregation = stats("| stats p95(request_time), avg(request_time), cardinality(route) by route");
    let records = [request("/a", 0, 0.1), request("/a", 0, 0.7), request("/b", 0, 0.2)];
    let mut columns = Groups::new(&aggregation);
    for (route, time) in [("/a", 0.1), ("/a", 0.7), ("/b", 0.2)] {
        let slot = columns.slot(&[GroupValue::text(route)]);
        columns.add_count(slot, 1);
        columns.add(slot, 0, time);
        columns.add(slot, 1, time);
        columns.add_hash(slot, 2, text_hash(route));
    }
    assert_eq!(columns.into_answer(), groups(&aggregation, Bounds::default(), &records).into_answer());
}

fn record() -> impl Strategy<Value = TestRecord> {
    let value = prop_oneof![
        select(vec!["a", "b", "5", "0.4", ""]).prop_map(|text| Value::Text(text.into())),
        select(vec![0, 5, -7, i64::MAX]).prop_map(Value::Integer),
        select(vec![0.4, 5.0, -0.5, 1e300, 1e-9, 0.1]).prop_map(Value::Float),
        any::<bool>().prop_map(Value::Boolean),
        (0..200i64).prop_map(|second| Value::Time(Timestamp::from_seconds(second))),
        select(vec!["[]", r#"["a",5]"#]).prop_map(|list| Value::Json(list.into())),
    ];
    let fields = vec((select(vec!["route", "n", "status", "@timestamp"]), value), 0..5);
    fields.prop_map(|fields| TestRecord(fields.into_iter().collect()))
}

const EVERYTHING: &str = "| stats count(), p50(n), p99(n), avg(n), sum(n), min(n), max(n), cardinality(n) \
                          by route, @timestamp:1m | sort -p50";

proptest! {
    #[test]
    fn the_order_of_merging_does_not_matter(
        records in vec(record(), 0..60),
        cuts in (0..60usize, 0..60usize),
        values_max in select(vec![3usize, 20, 1_000]),
        buckets_max in select(vec![4usize, 1_000]),
    ) {
        let aggregation = stats(EVERYTHING);
        let bounds = Bounds {
            exact_values_max: values_max,
            sketch_buckets_max: buckets_max,
            distinct_total_max: values_max,
            ..Bounds::default()
        };
        let whole = groups(&aggregation, bounds, &records).into_answer();
        let (one, other) = (cuts.0.min(cuts.1).min(records.len()), cuts.0.max(cuts.1).min(records.len()));
        let parts = || {
            [&records[..one], &records[one..other], &records[other..]]
                .map(|part| groups(&aggregation, bounds, part))
        };
        let [a, b, c] = parts();
        let mut left = a;
        left.merge(b);
        left.merge(c);
        prop_assert_eq!(left.into_answer(), whole.clone());
        let [a, mut b, mut c] = parts();
        b.merge(a);
        c.merge(b);
        prop_assert_eq!(c.into_answer(), whole);
    }

    #[test]
    fn groups_and_counts_are_those_of_counting_by_hand(records in vec(record(), 0..40)) {
        let mut expected: BTreeMap<GroupValue, u64> = BTreeMap::new();
        for record in &records {
            let mut keys = BTreeSet::new();
            if let Some(value) = record.field("status") {
                group_values(&value, false, |key| { keys.insert(key); });
            }
            if keys.is_empty() {
                keys.insert(GroupValue::Missing);
            }
            keys.into_iter().for_each(|key| *expected.entry(key).or_default() += 1);
        }
        let answer = groups(&stats("| count by status | sort status"), Bounds::default(), &records).into_answer();
        let counted: Vec<(GroupValue, u64)> = answer
            .rows
            .iter()
            .map(|row| (row.keys[0].clone(), row.values[0].as_f64().unwrap_or(0.0) as u64))
            .collect();
        prop_assert_eq!(counted, expected.into_iter().collect::<Vec<_>>());
    }
}
