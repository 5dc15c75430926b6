//! The summary of fields counts what a look at each record counts.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use weir_query::{Fields, Predicate};
use weir_record::{Timestamp, Value};

use super::parts::{Parts, span_of};
use super::records::{START_US, TestRecord, predicate, record};
use crate::read::{Cancel, FieldSummary, FieldsRequest, Limits};

/// A value as text, so that a number is the same whatever its type.
fn text_of(value: &Value<'_>) -> String {
    match value {
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 9e18 => {
            format!("n{}", *number as i64)
        }
        Value::Float(number) => format!("n{number}"),
        Value::Integer(number) => format!("n{number}"),
        other => format!("{other:?}"),
    }
}

/// How often each value of a field occurs.
fn expected(records: &[TestRecord]) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut counts: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for record in records {
        let time = ("@timestamp".to_owned(), Value::Time(record.time));
        for (name, value) in record.fields.clone().into_iter().chain([time]) {
            *counts.entry(name).or_default().entry(text_of(&value)).or_default() += 1;
        }
    }
    counts
}

fn found(fields: &[FieldSummary]) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut counts: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for field in fields {
        assert!(field.is_exact);
        assert_eq!(field.distinct, field.top.len() as u64);
        assert_eq!(field.count, field.top.iter().map(|(_, count)| count).sum::<u64>());
        assert!(field.top.is_sorted_by(|(_, one), (_, other)| one >= other));
        for (value, count) in &field.top {
            *counts.entry(field.name.clone()).or_default().entry(text_of(value)).or_default() += count;
        }
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn every_field_and_value_is_counted(
        parts in vec((any::<bool>(), vec(record(), 1..40)), 1..4),
        predicate in predicate(),
        (from, to, threads) in (0..120i64, 0..130i64, 1..3usize),
    ) {
        let parts = Parts::new(&parts);
        let span = span_of(from, to);
        let matching: Vec<TestRecord> = parts
            .records
            .iter()
            .map(|(_, record)| record.clone())
            .filter(|record| span.contains(&record.time) && predicate.matches(record))
            .collect();
        let request = FieldsRequest { predicate, from: span.start, to: span.end, top: 1000, names: None };
        let limits = Limits { threads, ..Limits::default() };
        let summaries = parts.view.fields(&request, &limits, &Cancel::new()).expect("within bounds");
        prop_assert_eq!(found(&summaries.fields), expected(&matching));
    }
}

#[test]
fn the_names_of_fields_are_known_without_reading() {
    let record = |name: &str, value| TestRecord {
        time: Timestamp::from_micros(START_US),
        fields: [(name.to_owned(), value)].into(),
    };
    let in_file = vec![record("attrs.n", Value::Integer(1))];
    let in_memory = vec![record("status", Value::Text("none".into())), record("cart", Value::Boolean(true))];
    let parts = Parts::new(&[(true, in_file), (false, in_memory)]);
    let names = parts.view.field_names();
    assert!(["attrs.n", "cart", "status", "host", "@timestamp"].iter().all(|name| names.contains(*name)));
    assert!(!names.contains("nothing") && !parts.view.has_unlisted_fields());
    let span = span_of(0, 1);
    let request = FieldsRequest {
        predicate: Predicate::All,
        from: span.start,
        to: span.end,
        top: 1,
        names: Some(vec!["cart".to_owned(), "status".to_owned()]),
    };
    let summaries = parts.view.fields(&request, &Limits::default(), &Cancel::new()).expect("within bounds");
    let tops: Vec<_> = summaries.fields.into_iter().map(|field| (field.name, field.top)).collect();
    let expected = [
        ("cart".to_owned(), vec![(Value::Boolean(true), 1)]),
        ("status".to_owned(), vec![(Value::Text("none".into()), 1)]),
    ];
    assert_eq!(tops, expected);
    assert!(parts.records[0].1.field("attrs.n").is_some());
}
