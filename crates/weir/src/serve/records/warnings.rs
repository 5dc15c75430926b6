//! What should be known about an answer: fields that nothing has, and why there is nothing.
//!
//! "No results" is never an answer by itself: it may mean that all is well, that a name is misspelt, that the span is
//! before the first record, or that a source has been silent since noon. The last ones are what people look for
//! in vain at night.

use std::collections::BTreeSet;

use weir_query::{Column, Expression, Operand, QueryError, Term};
use weir_record::{KNOWN_FIELDS, Timestamp, canonical_name, known_field};
use weir_store::{SearchRequest, View};
use weir_web::{RecordsProblem, RecordsProblemKind};

use super::{Desk, Scan};
use crate::search::{NO_MESSAGES, Question, bad_query, has_words, missing_bar};

/// Sources that are named in a warning at most.
const SOURCES_MAX: usize = 5;

/// Fields of a query that are looked for when nothing is found, at most.
const FIELDS_MAX: usize = 5;

/// Fields of our own that records have beside theirs.
const OWN_FIELDS: [&str; 4] = ["_origin", "_line", "_raw", "_id"];

impl Desk {
    /// Refuses a query with a field that no record has and whose name is nearly that of another; where no other
    /// is near, that is a warning.
    pub(super) fn check_fields(
        view: &View,
        question: &Question,
        query: Option<&str>,
    ) -> Result<Vec<String>, RecordsProblem> {
        match unknown_field(view, &question.expression) {
            Some(error) if is_misspelt(&error) => Err(bad_query(query.unwrap_or_default(), error)),
            Some(error) => Ok(vec![error.problem]),
            None => Ok(Vec::new()),
        }
    }

    /// The same of names that stand elsewhere: behind `| stats`, or in a parameter.
    pub(super) fn check_names<'n>(
        view: &View,
        names: impl Iterator<Item = &'n str>,
        query: Option<&str>,
    ) -> Result<Vec<String>, RecordsProblem> {
        let mut warnings = Vec::new();
        for name in names {
            let place = query.and_then(|query| Some((query, query.rfind(name)?)));
            let column = place.map_or(1, |(query, at)| 1 + query[..at].chars().count());
            let asked =
                Expression::Field { name: name.to_owned(), operand: Operand::Exists, column: Column(column) };
            match (unknown_field(view, &asked), place) {
                (Some(error), Some((query, _))) if is_misspelt(&error) => {
                    return Err(bad_query(query, error));
                }
                (Some(error), None) if is_misspelt(&error) => {
                    let hint = error.hint.unwrap_or_default();
                    return Err(RecordsProblem::new(RecordsProblemKind::BadParameters, error.problem, hint));
                }
                (Some(error), _) => warnings.push(error.problem),
                (None, _) => {}
            }
        }
        Ok(warnings)
    }

    /// Why there may be nothing.
    pub(super) fn why_nothing(&self, scan: &Scan, question: &Question, query: Option<&str>) -> Vec<String> {
        let mut reasons: Vec<String> = query.and_then(missing_bar).into_iter().collect();
        let Some((first, last)) = span_of(&scan.view) else {
            reasons.push("no records are kept yet".to_owned());
            return reasons;
        };
        let zone = &question.zone;
        if has_words(&question.expression) && lacks_messages(scan, question) {
            reasons.push(NO_MESSAGES.to_owned());
        }
        reasons.extend(lacking_field(scan, question));
        if question.to <= first {
            reasons.push(format!("the span ends before the first record, at {}", zone.text(first)));
        } else if question.from > last {
            reasons.push(format!("the span begins behind the last record, at {}", zone.text(last)));
        }
        let named = named_sources(&question.expression);
        let state = self.parts.state.lock();
        for name in named.iter().filter(|name| !state.sources.contains_key(&***name)) {
            reasons.push(format!("there is no source `{name}`"));
        }
        let is_meant = |name: &str| named.is_empty() || named.contains(name);
        let silent = state.sources.iter().filter(|(name, source)| is_meant(name) && !source.is_history);
        let last_record = |us: Option<i64>| us.map(Timestamp::from_micros);
        let silent = silent.filter_map(|(name, source)| match last_record(source.account.last_record_us) {
            Some(time) if time < question.from => {
                Some(format!("the source `{name}` has sent nothing since {}", zone.text(time)))
            }
            Some(_) => None,
            None => Some(format!("the source `{name}` has sent nothing yet")),
        });
        reasons.extend(silent.take(SOURCES_MAX));
        reasons
    }
}

/// The first field that no record has.
fn unknown_field(view: &View, expression: &Expression) -> Option<QueryError> {
    let asked = expression.fields();
    if asked.iter().all(|name| known_field(name).is_some()) {
        return None;
    }
    let names = view.field_names();
    let is_known = |name: &str| {
        let is_ours = known_field(name).is_some() || OWN_FIELDS.contains(&name);
        is_ours || names.iter().any(|own| **own == *name)
    };
    // Where records have more names than are listed, a name may be there all the same.
    if view.has_unlisted_fields() || asked.iter().all(|name| is_known(name)) {
        return None;
    }
    let candidates = KNOWN_FIELDS.iter().flat_map(|field| field.aliases.iter().chain([&field.name]));
    let candidates = candidates.copied().chain(names.iter().map(|name| &**name));
    expression.unknown_field(is_known, candidates)
}

fn is_misspelt(error: &QueryError) -> bool {
    error.hint.as_deref().is_some_and(|hint| hint.contains("did you mean"))
}

/// Whether the span has records and none of them has a message.
fn lacks_messages(scan: &Scan, question: &Question) -> bool {
    lacks_field(scan, question, "message")
}

/// The first field of the query that no record of the span has, though its name is known: whose log lacks it cannot
/// find anything by it.
fn lacking_field(scan: &Scan, question: &Question) -> Option<String> {
    let names = question.expression.fields();
    let known = names.iter().filter(|name| known_field(name).is_some());
    let lacking = known.take(FIELDS_MAX).find(|name| lacks_field(scan, question, name))?;
    Some(format!("no record of this time has the field `{lacking}`"))
}

/// Whether the span has records and none of them has this field.
fn lacks_field(scan: &Scan, question: &Question, name: &str) -> bool {
    let is_there = |query: &str| {
        let predicate =
            weir_query::parse(query).and_then(|query| query.filter.compile(question.from)).ok()?;
        let request = SearchRequest::newest(predicate, question.from..question.to, 1);
        // What cannot be said in time is not said.
        scan.search(&request).ok().map(|found| !found.hits.is_empty())
    };
    is_there("*") == Some(true) && is_there(&format!("{name}:*")) == Some(false)
}

/// The times of the first and the last record.
fn span_of(view: &View) -> Option<(Timestamp, Timestamp)> {
    let in_memory = view.segments.iter().flat_map(|segment| &segment.rows);
    let in_memory = in_memory.map(|rows| (rows.min_time_us, rows.max_time_us));
    let in_files = view.files.iter().map(|file| (file.stored.min_time_us, file.stored.max_time_us));
    let span = in_memory.chain(in_files).reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
    span.map(|(first, last)| (Timestamp::from_micros(first), Timestamp::from_micros(last)))
}

/// The sources that every match must be of, as far as the query says that plainly.
pub(super) fn named_sources(expression: &Expression) -> BTreeSet<String> {
    match expression {
        Expression::And(parts) => parts.iter().flat_map(named_sources).collect(),
        Expression::Field { name, operand: Operand::Is(Term::Bare(text) | Term::Quoted(text)), .. }
            if canonical_name(name) == "source" =>
        {
            [text.clone()].into()
        }
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_named_where_every_match_is_of_them() {
        for (query, expected) in [
            ("status:500", ""),
            ("source:alb AND status:500", "alb"),
            ("source:\"alb\"", "alb"),
            ("source:alb OR status:500", ""),
            ("NOT source:alb", ""),
            ("source:a*", ""),
        ] {
            let expression = weir_query::parse(query).expect("a query").filter;
            let named: Vec<String> = named_sources(&expression).into_iter().collect();
            assert_eq!(named.join(" "), expected, "{query}");
        }
    }
}
