//! What is asked, from texts to what the store takes: the query, the span, the zone.
//!
//! The server, a command without one and a command on plain files read the same texts, and what is wrong with them
//! is said in the same words.

use weir_query::{Aggregation, Expression, Predicate, QueryError};
use weir_record::Timestamp;
use weir_web::{RecordsProblem, RecordsProblemKind};

use super::zone::Zone;

/// How far back a question goes that says nothing of it, in microseconds.
const SPAN_DEFAULT_US: i64 = 3_600 * 1_000_000;

/// A question as it came.
#[derive(Clone, Copy, Debug, Default)]
pub struct QuestionText<'t> {
    /// In the query language; nothing is everything.
    pub query: Option<&'t str>,
    /// The beginning of the span.
    pub from: Option<&'t str>,
    /// Its end.
    pub to: Option<&'t str>,
    /// The zone's name.
    pub tz: Option<&'t str>,
}

/// The span of a question that says nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultSpan {
    /// The last hour.
    LastHour,
    /// All there is.
    Everything,
}

/// A question that was understood.
#[derive(Clone, Debug)]
pub struct Question {
    /// Which records, as typed.
    pub expression: Expression,
    /// Which records.
    pub predicate: Predicate,
    /// What to count of them.
    pub stats: Option<Aggregation>,
    /// The earliest time.
    pub from: Timestamp,
    /// The time before which records are.
    pub to: Timestamp,
    /// Where times are shown.
    pub zone: Zone,
}

impl Question {
    /// Reads a question.
    ///
    /// # Errors
    ///
    /// What is wrong, with its place where it is in the query.
    pub fn parse(
        text: QuestionText<'_>,
        now: Timestamp,
        default: DefaultSpan,
    ) -> Result<Self, RecordsProblem> {
        let zone = Zone::named(text.tz.unwrap_or_default())
            .map_err(|error| bad_parameters(&format!("tz: {error}")))?;
        let (from, to) = span(text, now, default, &zone)?;
        let query = text.query.unwrap_or_default();
        let parsed = weir_query::parse(query).map_err(|error| {
            let hint = missing_bar(query).or(error.hint);
            bad_query(query, QueryError { hint, ..error })
        })?;
        let predicate = parsed.filter.compile(now).map_err(|error| bad_query(query, error))?;
        Ok(Self { expression: parsed.filter, predicate, stats: parsed.stats, from, to, zone })
    }

    /// Fails where the query has a `| stats`, which what was asked cannot answer.
    ///
    /// # Errors
    ///
    /// Where to ask instead.
    pub fn without_stats(self) -> Result<Self, RecordsProblem> {
        if self.stats.is_none() {
            return Ok(self);
        }
        Err(RecordsProblem::new(
            RecordsProblemKind::BadQuery,
            "`| stats` gives numbers and not records",
            "ask /api/aggregate, or leave it out",
        ))
    }
}

fn span(
    text: QuestionText<'_>,
    now: Timestamp,
    default: DefaultSpan,
    zone: &Zone,
) -> Result<(Timestamp, Timestamp), RecordsProblem> {
    let time = |name: &str, text: Option<&str>| {
        let time = text.filter(|text| !text.is_empty()).map(|text| zone.parse(text, now));
        time.transpose().map_err(|error| bad_parameters(&format!("{name}: {error}")))
    };
    let (from, to) = (time("from", text.from)?, time("to", text.to)?);
    let (first, last) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
    let (from, to) = match default {
        DefaultSpan::Everything => (from.unwrap_or(first), to.unwrap_or(last)),
        DefaultSpan::LastHour => {
            let to = to.unwrap_or(now);
            (from.unwrap_or(to.plus_micros(-SPAN_DEFAULT_US)), to)
        }
    };
    if from > to {
        let shown = format!("the span from {} to {} ends before it begins", zone.text(from), zone.text(to));
        return Err(RecordsProblem::new(RecordsProblemKind::BadParameters, shown, "swap from and to"));
    }
    Ok((from, to))
}

/// Said of words that find nothing where they are looked for.
pub const NO_MESSAGES: &str =
    "a bare word looks in `message`, which no record here has; name the field, as path:*word*";

/// Whether a query has words without a field.
pub fn has_words(expression: &Expression) -> bool {
    match expression {
        Expression::Words { .. } => true,
        Expression::And(parts) | Expression::Or(parts) => parts.iter().any(has_words),
        Expression::Not(part) => has_words(part),
        Expression::All | Expression::Field { .. } => false,
    }
}

/// What a query that reads like statistics should have been: `count by status` lacks its `|`.
pub fn missing_bar(query: &str) -> Option<String> {
    let begins = |rest: &str| {
        let argument = |name: &str| rest.strip_prefix(name).map(str::trim_start);
        argument("stats ").is_some_and(|rest| rest.contains('('))
            || argument("count ").is_some_and(|rest| rest.starts_with("by "))
            || argument("top ").is_some_and(|rest| rest.starts_with(|char: char| char.is_ascii_digit()))
    };
    let words = query
        .char_indices()
        .filter(|(at, _)| query[..*at].chars().next_back().is_none_or(char::is_whitespace));
    let places = words.map(|(at, _)| at).filter(|at| begins(&query[*at..]));
    let mut meant = places.map(|at| format!("{}| {}", &query[..at], &query[at..]));
    let meant = meant.find(|meant| weir_query::parse(meant).is_ok_and(|parsed| parsed.stats.is_some()))?;
    Some(format!("did you mean `{meant}`?"))
}

/// What is wrong with a query, with its place in the text.
pub fn bad_query(query: &str, error: QueryError) -> RecordsProblem {
    let before: Vec<char> = query.chars().take(error.column.saturating_sub(1)).collect();
    let line = 1 + before.iter().filter(|char| **char == '\n').count();
    let column = 1 + before.iter().rev().take_while(|char| **char != '\n').count();
    RecordsProblem {
        kind: RecordsProblemKind::BadQuery,
        error: error.problem,
        hint: error.hint.unwrap_or_else(|| "docs/query.md has the language".to_owned()),
        place: Some((line, column)),
    }
}

/// A parameter that is wrong; the text says what would be right behind a semicolon.
pub fn bad_parameters(text: &str) -> RecordsProblem {
    let (error, hint) = text.split_once("; ").unwrap_or((text, "/api/openapi.json lists the parameters"));
    RecordsProblem::new(RecordsProblemKind::BadParameters, error, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(text: QuestionText<'_>, default: DefaultSpan) -> Result<Question, RecordsProblem> {
        let now = Timestamp::parse_rfc3339(b"2026-11-20T10:15:30Z").unwrap();
        Question::parse(text, now, default)
    }

    #[test]
    fn a_span_is_the_last_hour_unless_said() {
        for (from, to, expected) in [
            (None, None, "2026-11-20T09:15:30Z 2026-11-20T10:15:30Z"),
            (Some("now-2h"), None, "2026-11-20T08:15:30Z 2026-11-20T10:15:30Z"),
            (None, Some("2026-11-01"), "2026-10-31T23:00:00Z 2026-11-01T00:00:00Z"),
            (Some(""), Some(""), "2026-11-20T09:15:30Z 2026-11-20T10:15:30Z"),
        ] {
            let question = ask(QuestionText { from, to, ..QuestionText::default() }, DefaultSpan::LastHour);
            let question = question.unwrap();
            assert_eq!(format!("{} {}", question.from, question.to), expected);
        }
    }

    #[test]
    fn statistics_without_their_bar_are_recognised() {
        for (query, meant) in [
            ("count by status", Some("| count by status")),
            ("status:500 stats count() by route", Some("status:500 | stats count() by route")),
            ("top 10 path", Some("| top 10 path")),
            ("top secret", None),
            ("count", None),
            ("status:500 | count by route", None),
            ("a\u{e9} b", None),
        ] {
            let expected = meant.map(|meant| format!("did you mean `{meant}`?"));
            assert_eq!(missing_bar(query), expected, "{query}");
        }
        let text = QuestionText { query: Some("stats count() by route"), ..QuestionText::default() };
        let problem = ask(text, DefaultSpan::Everything).expect_err("it lacks its bar");
        assert!(problem.hint.contains("`| stats count() by route`"), "{problem}");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let check = |text: QuestionText<'_>, kind: RecordsProblemKind, place: Option<(usize, usize)>| {
            let problem = ask(text, DefaultSpan::Everything).expect_err("it is wrong");
            assert_eq!((problem.kind, problem.place), (kind, place), "{problem}");
            assert!(!problem.hint.is_empty());
        };
        let query = |query| QuestionText { query: Some(query), ..QuestionText::default() };
        check(query("status:>=500 AND (a"), RecordsProblemKind::BadQuery, Some((1, 18)));
        check(query("status:>=500\nAND (a"), RecordsProblemKind::BadQuery, Some((2, 5)));
        let zone = QuestionText { tz: Some("Mars"), ..QuestionText::default() };
        check(zone, RecordsProblemKind::BadParameters, None);
        let from = QuestionText { from: Some("soon"), ..QuestionText::default() };
        check(from, RecordsProblemKind::BadParameters, None);
        let turned = QuestionText { from: Some("now"), to: Some("now-1h"), ..QuestionText::default() };
        check(turned, RecordsProblemKind::BadParameters, None);
    }
}
