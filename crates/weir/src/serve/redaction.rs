//! The config's redactions, with the queries that say of which records.
//!
//! The line as it came is what is counted; the line that this gives is what is kept, and the record that is
//! stored is the one parsed from it. A line of which nothing is known, because it is no record, loses whatever
//! any rule finds: it is better to redact too much of a line that nobody can count.

use std::borrow::Cow;

use weir_enrich::{RedactRule, Redactor, RuleSet};
use weir_ingest::ObjectError;
use weir_query::{Fields, Predicate, QueryError};
use weir_record::{Format, Overlay, REDACTED, Timestamp, Value};

use crate::config::Config;
use crate::shaping::{redact_rules, with_earlier_names};

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
    /// The redactions of a config, in its order; those of its transforms come after those of `redact`, and which
    /// records they are for is for the caller to say.
    ///
    /// # Errors
    ///
    /// A query that does not compile; a config that was read has none.
    pub fn new(config: &Config) -> Result<Self, QueryError> {
        let mut unconditional = RuleSet::NONE;
        let mut conditional = Vec::new();
        for (number, redact) in config.redact.iter().enumerate() {
            match &redact.filter {
                None => unconditional = unconditional.with(number),
                Some(filter) => conditional.push((number, filter.compile(Timestamp::default())?)),
            }
        }
        let rules = config.redact.iter().map(|redact| &redact.rule).chain(redact_rules(&config.transforms));
        let rules: Vec<RedactRule> = rules.map(|rule| with_earlier_names(rule, &config.transforms)).collect();
        Ok(Self { redactor: Redactor::new(&rules), unconditional, conditional })
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.redactor.rule_count() == 0
    }

    /// The rules that are for a record; `fields` gives its fields, for which is asked only if need be.
    #[inline]
    pub fn rules<F: Fields>(&self, fields: impl FnOnce() -> F) -> RuleSet {
        if self.conditional.is_empty() {
            return self.unconditional;
        }
        let fields = fields();
        let met = self.conditional.iter().filter(|(_, predicate)| predicate.matches(&fields));
        met.fold(self.unconditional, |rules, (number, _)| rules.with(*number))
    }

    /// The line of a record as it may be kept.
    #[inline]
    pub fn line<'l>(&self, format: Format, line: &'l [u8], rules: RuleSet) -> Cow<'l, [u8]> {
        self.redactor.line(Some(format), line, rules)
    }

    /// A field that was said beside the line, as it may be kept; `None` where that is as it is.
    pub fn value(&self, name: &str, value: &Value<'_>, rules: RuleSet) -> Option<Value<'static>> {
        self.redactor.value(name, value, rules)
    }

    /// Whether something of what was said about a record beside its line may not be kept.
    #[inline]
    pub fn is_in(&self, overlay: &Overlay<'_>, rules: RuleSet) -> bool {
        overlay.set_fields().any(|(name, value)| self.redactor.value(name, value, rules).is_some())
    }

    /// What was said about a record beside its line, as it may be kept.
    pub fn overlay<'o>(&self, overlay: &'o Overlay<'o>, rules: RuleSet) -> Overlay<'o> {
        let mut kept = overlay.clone();
        for (name, value) in overlay.set_fields() {
            if let Some(redacted) = self.redactor.value(name, value, rules) {
                kept.set(name, redacted);
            }
        }
        kept
    }

    /// Why an object was not read, as it may be said: without its first line where anything is redacted, since what a
    /// line that is none of ours calls its values is not known.
    pub fn error_text(&self, error: &ObjectError) -> String {
        match error {
            ObjectError::UnknownFormat { .. } if !self.is_empty() => {
                ObjectError::UnknownFormat { first_line: REDACTED.to_owned() }.to_string()
            }
            error => error.to_string(),
        }
    }

    /// A line that is no record as it may be kept; `format` is what it was read as.
    pub fn reject<'l>(&self, format: Option<Format>, line: &'l [u8]) -> Cow<'l, [u8]> {
        self.redactor.line(format, line, RuleSet::ALL)
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::config;

    struct OfSource(&'static str);

    impl Fields for OfSource {
        fn field(&self, name: &str) -> Option<Value<'_>> {
            (name == "source").then(|| Value::Text(self.0.into()))
        }
    }

    fn redaction(text: &str) -> Redaction {
        Redaction::new(&config::parse("f", text, &|_| None).unwrap()).unwrap()
    }

    #[test]
    fn rules_are_for_the_records_that_their_query_finds() {
        let redaction = redaction(
            "redact: [{field: query, params: [a], where: 'source:web'}, {field: query, params: [b]}]",
        );
        assert!(!redaction.is_empty());
        let line = b"GET /?a=1&b=2 HTTP/1.1";
        for (source, expected) in
            [("web", "GET /?a=[redacted]&b=[redacted] "), ("api", "GET /?a=1&b=[redacted] ")]
        {
            let found = redaction.line(Format::Combined, line, redaction.rules(|| OfSource(source)));
            assert_eq!(*found, *[expected.as_bytes(), b"HTTP/1.1"].concat(), "{source}");
        }
        assert_eq!(*redaction.reject(None, line), *b"GET /?a=[redacted]&b=[redacted] HTTP/1.1");
    }

    #[test]
    fn rules_of_transforms_are_for_rejects_and_for_whom_they_say() {
        let redaction = redaction("transforms: [{redact: {field: query, params: [a]}}]");
        let line = b"GET /?a=1 HTTP/1.1";
        let rules = redaction.rules(|| OfSource("web"));
        assert_eq!(*redaction.line(Format::Combined, line, rules), *line);
        assert_eq!(*redaction.reject(None, line), *b"GET /?a=[redacted] HTTP/1.1");
        assert_eq!(*redaction.line(Format::Combined, line, rules.with(0)), *b"GET /?a=[redacted] HTTP/1.1");
    }

    #[test]
    fn what_was_said_beside_the_line_is_redacted_too() {
        let redaction = redaction("redact: [{field: user_email}, {field: x, params: [token]}]");
        let rules = redaction.rules(|| OfSource("web"));
        let mut overlay = Overlay::default();
        overlay.set("note", Value::Text("/?token=1".into()));
        overlay.set("team", Value::Text("core".into()));
        assert!(redaction.is_in(&overlay, rules));
        overlay.set("user_email", Value::Text("a@b.c".into()));
        let kept = redaction.overlay(&overlay, rules);
        let text = |name| match kept.get(name) {
            Some(Some(Value::Text(text))) => text.to_string(),
            _ => String::new(),
        };
        assert_eq!(
            [text("note"), text("team"), text("user_email")],
            ["/?token=[redacted]", "core", "[redacted]"]
        );
        assert!(!redaction.is_in(&kept, rules));
    }

    #[test]
    fn without_rules_every_line_is_kept_as_it_is() {
        let redaction = redaction("version: 1");
        assert!(redaction.is_empty());
        assert!(matches!(redaction.reject(None, b"token=1"), Cow::Borrowed(b"token=1")));
    }
}
