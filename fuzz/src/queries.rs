//! What must hold for any query.
//!
//! A link to a search is a printed query, and a filter is asked before a record is read: so what is printed must
//! be the same query, and folding, needles and bounds must never lose a record that the query finds.

use std::borrow::Cow;

use weir_query::{Fields, Predicate, QUERY_BYTES_MAX, Test, parse, value_needles, value_tokens};
use weir_record::{Timestamp, Value};

/// A record whose every field is the same text.
struct Same<'a>(&'a str);

impl Fields for Same<'_> {
    fn field(&self, _: &str) -> Option<Value<'_>> {
        Some(Value::Text(Cow::Borrowed(self.0)))
    }
}

/// Reads `text`, and where it is a query, prints it and asks it of records made of the text itself.
///
/// # Panics
///
/// When a promise of the language is broken; that is what the fuzzer reports.
pub fn check_query(text: &str) {
    let query = match parse(text) {
        Ok(query) => query,
        Err(error) => {
            assert!(
                (1..=text.chars().count() + 1).contains(&error.column),
                "a column outside the query: {error}"
            );
            return;
        }
    };
    let printed = query.to_string();
    if printed.len() <= QUERY_BYTES_MAX {
        assert_eq!(parse(&printed).as_ref(), Ok(&query), "printed as {printed}");
    }
    let Ok(predicate) = query.filter.compile(Timestamp::from_seconds(1_795_000_000)) else {
        return;
    };
    for value in text.split_whitespace().take(20).chain([text]) {
        let finds = predicate.matches(&Same(value));
        let finds_not = Predicate::negated(predicate.clone()).matches(&Same(value));
        assert!(finds != finds_not, "a record is found or it is not");
        check_tests(&predicate, value);
    }
}

/// A text that passes a test is in every filter that the test asks.
fn check_tests(predicate: &Predicate, text: &str) {
    match predicate {
        Predicate::And(parts) | Predicate::Or(parts) => parts.iter().for_each(|part| check_tests(part, text)),
        Predicate::Not(part) => check_tests(part, text),
        Predicate::Field(asked) if asked.matches_text(text) => {
            let value = Value::Text(Cow::Borrowed(text));
            let (mut values, mut words) = (Vec::new(), Vec::new());
            value_needles(&value, asked.is_list, |needle| values.push(needle.to_owned()));
            value_tokens(&value, |word| words.push(word.to_owned()));
            let needles = asked.test.needles();
            assert!(needles.values.is_empty() || needles.values.iter().any(|needle| values.contains(needle)));
            assert!(needles.words.iter().all(|word| words.contains(word)));
        }
        Predicate::Field(asked) => assert!(!matches!(asked.test, Test::Exists), "a text exists"),
        Predicate::All | Predicate::Nothing => {}
    }
}
