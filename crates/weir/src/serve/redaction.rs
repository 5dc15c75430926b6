//! The config's redactions, with the queries that say of which records.
//!
//! The line as it came is what is counted; the line that this gives is what is kept, and the record that is
//! stored is the one parsed from it. A line of which nothing is known, because it is no record, loses whatever
//! any rule finds: it is better to redact too much of a line that nobody can count.

use std::borrow::Cow;

use weir_enrich::{RedactRule, Redactor, RuleSet};
use weir_query::{Fields, Predicate, QueryError};
use weir_record::{Format, Timestamp};

use crate::config::Redact;

/// Takes secrets out of lines; shared by all threads.
#[derive(Debug)]
pub struct Redaction {
    redactor: Redactor,
    /// The rules that are for every record.
    unconditional: RuleSet,
    /// The other rules, and for which records they are.
    conditional: Vec<(usize, Predicate)>,
}

impl Redaction {
    /// The redactions of a config, in its order.
    ///
    /// # Errors
    ///
    /// A query that does not compile; a config that was read has none.
    pub fn new(rules: &[Redact]) -> Result<Self, QueryError> {
        let mut unconditional = RuleSet::NONE;
        let mut conditional = Vec::new();
        for (number, redact) in rules.iter().enumerate() {
            match &redact.filter {
                None => unconditional = unconditional.with(number),
                Some(filter) => conditional.push((number, filter.compile(Timestamp::default())?)),
            }
        }
        let rules: Vec<RedactRule> = rules.iter().map(|redact| redact.rule.clone()).collect();
        Ok(Self { redactor: Redactor::new(&rules), unconditional, conditional })
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.redactor.rule_count() == 0
    }

    /// Whether a record's fields are asked for. Without, [`Redaction::line_of_any`] does the same.
    pub fn has_filters(&self) -> bool {
        !self.conditional.is_empty()
    }

    /// The line of a record with these fields as it may be kept.
    pub fn line<'l>(&self, format: Format, line: &'l [u8], fields: &impl Fields) -> Cow<'l, [u8]> {
        let met = self.conditional.iter().filter(|(_, predicate)| predicate.matches(fields));
        let rules = met.fold(self.unconditional, |rules, (number, _)| rules.with(*number));
        self.redactor.line(Some(format), line, rules)
    }

    /// The line of a record as it may be kept, by the rules that are for every record.
    pub fn line_of_any<'l>(&self, format: Format, line: &'l [u8]) -> Cow<'l, [u8]> {
        self.redactor.line(Some(format), line, self.unconditional)
    }

    /// A line that is no record as it may be kept; `format` is what it was read as.
    pub fn reject<'l>(&self, format: Option<Format>, line: &'l [u8]) -> Cow<'l, [u8]> {
        self.redactor.line(format, line, RuleSet::ALL)
    }
}

#[cfg(test)]
mod tests {
    use weir_record::Value;

    use super::*;
    use crate::config;

    struct OfSource(&'static str);

    impl Fields for OfSource {
        fn field(&self, name: &str) -> Option<Value<'_>> {
            (name == "source").then(|| Value::Text(self.0.into()))
        }
    }

    fn redaction(text: &str) -> Redaction {
        Redaction::new(&config::parse("f", text, &|_| None).unwrap().redact).unwrap()
    }

    #[test]
    fn rules_are_for_the_records_that_their_query_finds() {
        let redaction = redaction(
            "redact: [{field: query, params: [a], where: 'source:web'}, {field: query, params: [b]}]",
        );
        assert!(redaction.has_filters() && !redaction.is_empty());
        let line = b"GET /?a=1&b=2 HTTP/1.1";
        for (source, expected) in
            [("web", "GET /?a=[redacted]&b=[redacted] "), ("api", "GET /?a=1&b=[redacted] ")]
        {
            let found = redaction.line(Format::Combined, line, &OfSource(source));
            assert_eq!(*found, *[expected.as_bytes(), b"HTTP/1.1"].concat(), "{source}");
        }
        assert_eq!(*redaction.line_of_any(Format::Combined, line), *b"GET /?a=1&b=[redacted] HTTP/1.1");
        assert_eq!(*redaction.reject(None, line), *b"GET /?a=[redacted]&b=[redacted] HTTP/1.1");
    }

    #[test]
    fn without_rules_every_line_is_kept_as_it_is() {
        let redaction = redaction("version: 1");
        assert!(redaction.is_empty() && !redaction.has_filters());
        assert!(matches!(redaction.reject(None, b"token=1"), Cow::Borrowed(b"token=1")));
    }
}
