//! From what was typed to what is asked: times become moments, units numbers, patterns automata.
//!
//! Here, and not in the parser, because `now` is another time whenever a query is asked again, and because what
//! a value means depends on what its field is known to hold.

use regex::RegexBuilder;
use weir_record::{FieldKind, KnownField, Timestamp, known_field};

use crate::error::QueryError;
use crate::expression::{Column, Expression, Operand, RangeBound, Term};
use crate::field_test::Test;
use crate::literal::Literal;
use crate::network::{Network, holds_addresses};
use crate::number::Number;
use crate::predicate::{FieldTest, Predicate};
use crate::quantity::quantity;
use crate::range::{Bound, Range};
use crate::wildcard::{Pattern, WILDCARD_BYTES_MAX, WILDCARD_STARS_MAX, Wildcard};
use crate::words::{PHRASE_WORDS_MAX, Words};

/// How large a regular expression may become, in bytes, so that `\w{1000}{1000}` is an error and not a gigabyte.
pub const REGEX_BYTES_MAX: usize = 1 << 20;

const DAY_US: i64 = 86_400_000_000;

impl Expression {
    /// Makes it ready to be asked of records; `now` is the current time.
    ///
    /// # Errors
    ///
    /// A value that its field cannot hold, a regular expression that is wrong or too large, a pattern with too
    /// many wildcards, a phrase without words.
    pub fn compile(&self, now: Timestamp) -> Result<Predicate, QueryError> {
        Ok(match self {
            Self::All => Predicate::All,
            Self::And(parts) => Predicate::and(compile_all(parts, now)?),
            Self::Or(parts) => Predicate::or(compile_all(parts, now)?),
            Self::Not(part) => Predicate::negated(part.compile(now)?),
            Self::Field { name, operand, column } => Asked::new(name, *column, now).field_test(operand)?,
            Self::Words { term, column } => {
                let asked = Asked::new("message", *column, now);
                asked.predicate(asked.words(term)?)
            }
        })
    }
}

fn compile_all(parts: &[Expression], now: Timestamp) -> Result<Vec<Predicate>, QueryError> {
    parts.iter().map(|part| part.compile(now)).collect()
}

/// The field that is asked.
struct Asked<'a> {
    /// As typed, for errors.
    typed: &'a str,
    column: usize,
    known: Option<&'static KnownField>,
    now: Timestamp,
}

impl<'a> Asked<'a> {
    fn new(typed: &'a str, column: Column, now: Timestamp) -> Self {
        Self { typed, column: column.0, known: known_field(typed), now }
    }

    fn kind(&self) -> Option<FieldKind> {
        self.known.map(|known| known.kind)
    }

    /// Its name in records.
    fn field(&self) -> &'a str {
        self.known.map_or(self.typed, |known| known.name)
    }

    fn predicate(&self, test: Test) -> Predicate {
        let field = self.field().into();
        Predicate::Field(FieldTest { field, is_list: self.kind() == Some(FieldKind::List), test })
    }

    fn field_test(&self, operand: &Operand) -> Result<Predicate, QueryError> {
        let test = match operand {
            Operand::Exists => Test::Exists,
            Operand::Is(term) => self.is(term)?,
            Operand::Range { lower, upper } => Test::Range(self.range(lower.as_ref(), upper.as_ref())?),
            Operand::Regex(regex) => self.regex(regex)?,
        };
        Ok(self.predicate(test))
    }

    fn is(&self, term: &Term) -> Result<Test, QueryError> {
        if self.kind() == Some(FieldKind::Words) {
            return self.words(term);
        }
        match term {
            Term::Pattern(pattern) => Ok(Test::Wildcard(Wildcard::new(self.bounded(pattern)?))),
            Term::Bare(text) | Term::Quoted(text) if self.kind() == Some(FieldKind::Time) => {
                let (first, last) = self.moment(text)?;
                Ok(Test::Range(Range::Time { lower: Some(first), upper: Some(last) }))
            }
            Term::Bare(text) => Ok(match Network::new(text) {
                Some(network) if holds_addresses(self.field(), self.known.is_some()) => {
                    Test::Network(network)
                }
                _ => Test::Equals(Literal::new(text, true)),
            }),
            Term::Quoted(text) => Ok(Test::Equals(Literal::new(text, false))),
        }
    }

    fn words(&self, term: &Term) -> Result<Test, QueryError> {
        let (words, text) = match term {
            Term::Pattern(pattern) => (Words::pattern(self.bounded(pattern)?), pattern.text()),
            Term::Bare(text) | Term::Quoted(text) => (Words::phrase(text), text.clone()),
        };
        words.map(Test::Words).ok_or_else(|| {
            if text.contains(char::is_alphanumeric) {
                let problem = format!("a phrase has more than {PHRASE_WORDS_MAX} words");
                return self.error(problem, "look for a part of it");
            }
            let hint = format!("write {} =~ \"{}\"", self.typed, regex::escape(&text).replace('"', "\\\""));
            self.error(format!("`{text}` has no letter or digit to look for"), hint)
        })
    }

    fn bounded<'p>(&self, pattern: &'p Pattern) -> Result<&'p Pattern, QueryError> {
        let bytes = pattern.text().len();
        if pattern.star_count() > WILDCARD_STARS_MAX {
            let problem = format!("a value has more than {WILDCARD_STARS_MAX} `*`");
            return Err(
                self.error(problem, "put the value in double quotes if the stars are meant as they are")
            );
        }
        if bytes > WILDCARD_BYTES_MAX {
            let problem =
                format!("a value with wildcards has {bytes} bytes; {WILDCARD_BYTES_MAX} are allowed");
            return Err(self.error(problem, "look for a part of it"));
        }
        Ok(pattern)
    }

    fn regex(&self, text: &str) -> Result<Test, QueryError> {
        let built =
            RegexBuilder::new(text).size_limit(REGEX_BYTES_MAX).dfa_size_limit(REGEX_BYTES_MAX).build();
        built.map(Test::Regex).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => self.error(
                format!(
                    "the regular expression for `{}` becomes larger than {REGEX_BYTES_MAX} bytes",
                    self.typed
                ),
                "use smaller repetitions",
            ),
            error => {
                // The crate draws the place over several lines; the last says what is wrong.
                let text = error.to_string();
                let problem = text.lines().last().unwrap_or(&text).trim_start_matches("error: ").to_owned();
                self.error(
                    format!("the regular expression for `{}` is wrong: {problem}", self.typed),
                    "write `\\` before a character that is meant as it is",
                )
            }
        })
    }

    fn range(&self, lower: Option<&RangeBound>, upper: Option<&RangeBound>) -> Result<Range, QueryError> {
        let bounds = || lower.into_iter().chain(upper);
        match self.kind() {
            Some(FieldKind::Time) => return self.time_range(lower, upper),
            Some(FieldKind::Integer | FieldKind::Seconds) => {
                if let Some(wrong) = bounds().find(|bound| quantity(&bound.text).is_none()) {
                    return Err(self.no_number(&wrong.text));
                }
            }
            _ => {}
        }
        if bounds().all(|bound| quantity(&bound.text).is_some()) {
            let (lower, upper) = (lower.and_then(number_bound), upper.and_then(number_bound));
            return Ok(Range::Number { lower, upper });
        }
        let is_relative =
            |text: &str| text.starts_with("now") && Timestamp::parse_expression(text, self.now).is_ok();
        if bounds().any(|bound| is_relative(&bound.text)) {
            return self.time_range(lower, upper);
        }
        Ok(Range::Text { lower: lower.map(text_bound), upper: upper.map(text_bound) })
    }

    fn time_range(
        &self,
        lower: Option<&RangeBound>,
        upper: Option<&RangeBound>,
    ) -> Result<Range, QueryError> {
        let lower = lower.map(|bound| {
            let (first, last) = self.moment(&bound.text)?;
            Ok(if bound.is_inclusive { first } else { last.plus_micros(1) })
        });
        let upper = upper.map(|bound| {
            let (first, last) = self.moment(&bound.text)?;
            Ok(if bound.is_inclusive { last } else { first.plus_micros(-1) })
        });
        Ok(Range::Time { lower: lower.transpose()?, upper: upper.transpose()? })
    }

    /// The first and the last microsecond of what `text` names: a date is all of its day.
    fn moment(&self, text: &str) -> Result<(Timestamp, Timestamp), QueryError> {
        let first = Timestamp::parse_expression(text, self.now).map_err(|problem| {
            let (problem, hint) = match problem.split_once("; ") {
                Some((problem, hint)) => (problem.to_owned(), hint.to_owned()),
                None => (problem, "write a time".to_owned()),
            };
            self.error(problem, hint)
        })?;
        let is_date = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
        Ok((first, if is_date { first.plus_micros(DAY_US - 1) } else { first }))
    }

    fn no_number(&self, text: &str) -> QueryError {
        let hint = match self.kind() {
            Some(FieldKind::Seconds) => format!("{} holds seconds: write 0.4 or 400ms", self.typed),
            _ => format!("{} holds whole numbers: write 500 or 10kb", self.typed),
        };
        self.error(format!("`{text}` is not a number"), hint)
    }

    fn error(&self, problem: impl Into<String>, hint: impl Into<String>) -> QueryError {
        QueryError::new(self.column, problem, hint)
    }
}

fn number_bound(bound: &RangeBound) -> Option<Bound<Number>> {
    quantity(&bound.text).map(|value| Bound { value, is_inclusive: bound.is_inclusive })
}

fn text_bound(bound: &RangeBound) -> Bound<Box<str>> {
    Bound { value: bound.text.as_str().into(), is_inclusive: bound.is_inclusive }
}
