//! The language as users see it: what each form finds, what is wrong and where, and the laws behind it.
//!
//! Tables of queries and records; the documentation's examples are among them.

use std::collections::BTreeMap;

use weir_record::{Timestamp, Value};

use super::*;

mod errors;
mod laws;
mod meaning;
mod statistics;

/// A record by its fields.
#[derive(Clone, Debug, Default)]
pub struct TestRecord(pub BTreeMap<String, Value<'static>>);

impl Fields for TestRecord {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        self.0.get(name).cloned()
    }
}

/// The current time of all tests.
pub fn now() -> Timestamp {
    Timestamp::parse_rfc3339(b"2026-11-20T10:15:30Z").expect("a time")
}

/// A record from `name=value` texts; `=` makes text, `#` a number, `@` a time, `!` a truth value, `$` a list.
pub fn record(fields: &[&str]) -> TestRecord {
    let field = |text: &&str| {
        let at = text.find(['=', '#', '@', '!', '$']).expect("a kind of value");
        let at = if at == 0 { 1 + text[1..].find('@').expect("a time") } else { at };
        let value = text[at + 1..].to_owned();
        let value = match &text[at..=at] {
            "=" => Value::Text(value.into()),
            "!" => Value::Boolean(value == "true"),
            "$" => Value::Json(value.into()),
            "@" => Value::Time(Timestamp::parse_rfc3339(value.as_bytes()).expect("a time")),
            _ => match Number::from_text(&value).expect("a number") {
                Number::Integer(integer) => Value::Integer(integer),
                Number::Float(float) => Value::Float(float),
            },
        };
        (text[..at].to_owned(), value)
    };
    TestRecord(fields.iter().map(field).collect())
}

pub fn finds(query: &str, fields: &[&str]) -> bool {
    let parsed = parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let predicate = parsed.filter.compile(now()).unwrap_or_else(|error| panic!("{query}: {error}"));
    predicate.matches(&record(fields))
}
