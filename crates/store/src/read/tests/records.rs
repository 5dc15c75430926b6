//! Random records and queries: few names and few values, so that queries find something and types conflict.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use weir_query::{Column, Expression, Fields, Operand, Pattern, PatternPart, Predicate, RangeBound, Term};
use weir_record::{Timestamp, Value};

use crate::{Rows, RowsBuilder, SequenceNumbers};

/// When the first of the random records happened: 2026-11-20T00:00:00Z less an hour, so that there are two days.
pub(crate) const START_US: i64 = 1_795_132_800_000_000 - 3_600_000_000;

/// Times are this far apart or more, in microseconds; few enough that some are equal.
const STEP_US: i64 = 60_000_000;

/// A record by its fields.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TestRecord {
    pub time: Timestamp,
    pub fields: BTreeMap<String, Value<'static>>,
}

impl Fields for TestRecord {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        if name == "@timestamp" {
            return Some(Value::Time(self.time));
        }
        self.fields.get(name).cloned()
    }
}

/// The records as columns, numbered by `numbers`.
pub(crate) fn rows_of(records: &[TestRecord], numbers: &SequenceNumbers) -> Arc<Rows> {
    let mut builder = RowsBuilder::new();
    for record in records {
        let fields = record.fields.iter().map(|(name, value)| (name.as_str(), value.clone()));
        builder.push_fields(record.time, fields);
    }
    Arc::new(builder.finish(numbers).expect("columns fit").expect("there are records"))
}

/// Records in the order in which they are numbered: by time, equal ones as they came.
pub(crate) fn numbered(records: &[TestRecord]) -> Vec<TestRecord> {
    let mut sorted = records.to_vec();
    sorted.sort_by_key(|record| record.time);
    sorted
}

/// A record.
pub(crate) fn record() -> impl Strategy<Value = TestRecord> {
    let field = select(FIELDS).prop_flat_map(|name| value_of(name).prop_map(move |value| (name, value)));
    (0..120i64, vec(field, 0..8)).prop_map(|(step, fields)| TestRecord {
        time: Timestamp::from_micros(START_US + step * STEP_US),
        fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    })
}

/// Some columns of each kind, and two fields that have none.
const FIELDS: &[&str] = &[
    "source",
    "tags",
    "host",
    "route",
    "path",
    "status",
    "request_time",
    "message",
    "user_email",
    "level",
    "client_ip",
    "target",
    "attrs.n",
    "labels",
];

const TEXTS: &[&str] = &[
    "",
    "a",
    "b",
    "A",
    "a b",
    "payment failed",
    "Payment-Service/7",
    "a@b.com",
    "5",
    "5.0",
    "500",
    "0.4",
    "a,b",
    "b, c",
    "/api/v1/orders",
    "true",
    "straße",
    "10.1.2.3",
    "10.200.0.1:80",
    "10.0.0.0/8",
    "2026-11-20T00:00:00Z",
];

const NUMBERS: &[i64] = &[0, 1, 5, 200, 404, 500, 502, -7, 9_007_199_254_740_993, i64::MAX];

const FLOATS: &[f64] = &[0.0, 0.4, 5.0, -0.5, 1.25, 1e300, 500.5];

fn value_of(name: &'static str) -> BoxedStrategy<Value<'static>> {
    let usual = match name {
        "status" | "level" => integer().boxed(),
        "request_time" => select(FLOATS).prop_map(Value::Float).boxed(),
        _ => text().boxed(),
    };
    prop_oneof![6 => usual, 1 => any_value()].boxed()
}

fn text() -> impl Strategy<Value = Value<'static>> {
    select(TEXTS).prop_map(|text| Value::Text(text.into()))
}

fn integer() -> impl Strategy<Value = Value<'static>> {
    select(NUMBERS).prop_map(Value::Integer)
}

fn any_value() -> impl Strategy<Value = Value<'static>> {
    let lists = ["[]", r#"["a","b"]"#, "[5,0.4]", r#"["a, b",5,[1]]"#, r#"[{"a":"b"}]"#];
    prop_oneof![
        text(),
        integer(),
        select(FLOATS).prop_map(Value::Float),
        any::<bool>().prop_map(Value::Boolean),
        select(lists.to_vec()).prop_map(|list| Value::Json(list.into())),
    ]
}

/// A predicate as the language gives it.
pub(crate) fn predicate() -> impl Strategy<Value = Predicate> {
    let now = Timestamp::from_micros(START_US + 60 * STEP_US);
    expression().prop_filter_map("the language refuses it", move |tree| tree.compile(now).ok())
}

fn expression() -> impl Strategy<Value = Expression> {
    let leaf = prop_oneof![
        1 => Just(Expression::All),
        12 => (select(FIELDS), operand())
            .prop_map(|(name, operand)| Expression::Field { name: name.to_owned(), operand, column: Column(1) }),
        2 => term().prop_map(|term| Expression::Words { term, column: Column(1) }),
        1 => (0..120i64, any::<bool>()).prop_map(|(step, is_lower)| {
            let time = Timestamp::from_micros(START_US + step * STEP_US).to_string();
            let bound = Some(RangeBound { text: time, is_inclusive: true });
            let (lower, upper) = if is_lower { (bound, None) } else { (None, bound) };
            let operand = Operand::Range { lower, upper };
            Expression::Field { name: "@timestamp".to_owned(), operand, column: Column(1) }
        }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Expression::And),
            vec(inner.clone(), 2..4).prop_map(Expression::Or),
            inner.prop_map(|part| Expression::Not(Box::new(part))),
        ]
    })
}

fn operand() -> impl Strategy<Value = Operand> {
    let bound = || {
        proptest::option::of(
            (word(), any::<bool>()).prop_map(|(text, is_inclusive)| RangeBound { text, is_inclusive }),
        )
    };
    prop_oneof![
        1 => Just(Operand::Exists),
        6 => term().prop_map(Operand::Is),
        2 => (bound(), bound())
            .prop_filter("one bound", |(lower, upper)| lower.is_some() || upper.is_some())
            .prop_map(|(lower, upper)| Operand::Range { lower, upper }),
        1 => select(vec!["a", "^5", "Pay.*7", "\\d+$", "^$"]).prop_map(|regex| Operand::Regex(regex.to_owned())),
    ]
}

fn term() -> impl Strategy<Value = Term> {
    let part = prop_oneof![
        Just(PatternPart::Any),
        Just(PatternPart::One),
        select(TEXTS)
            .prop_filter("text", |text| !text.is_empty())
            .prop_map(|text| PatternPart::Text(text.to_owned())),
    ];
    prop_oneof![
        4 => word().prop_map(Term::Bare),
        3 => word().prop_map(Term::Quoted),
        1 => vec(part, 1..4).prop_map(|parts| Term::Pattern(Pattern(parts))),
    ]
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        select(TEXTS).prop_map(str::to_owned),
        select(NUMBERS).prop_map(|number| number.to_string()),
        select(FLOATS).prop_map(|number| number.to_string()),
        select(vec!["5xx", "400ms", "10kb", "payment", "service", "nothing", "10.1.0.0/16", "0.0.0.0/0"])
            .prop_map(str::to_owned),
    ]
}
