//! What belongs to one request, and what happened around one record.
//!
//! A request has two ids: nginx's own and the trace id of the load balancer. A line may have one, the other or both,
//! and each id may lead to lines with another one; so ids are followed until no line has a new one, or until
//! there are more than one request can have.

use std::collections::BTreeSet;

use weir_query::{Column, Expression, Operand, Predicate, Term};
use weir_record::{Timestamp, Value};
use weir_store::{Cursor, Hit, SearchRequest};
use weir_web::{ContextAnswer, ContextQuery, RecordsProblem, RecordsProblemKind, StoryAnswer, StoryQuery};

use super::answers::field_names;
use super::{Desk, Scan, failed, took_ms};
use crate::clock;
use crate::search::{DefaultSpan, Question, QuestionText, Zone, bad_query, hit};

/// The fields that name a request.
const ID_FIELDS: [&str; 2] = ["request_id", "trace_id"];

/// Ids that a story follows.
const IDS_MAX: usize = 100;

/// Records that a story has.
const STORY_HITS_MAX: usize = 1_000;

/// The longest id that is followed, in bytes.
const ID_BYTES_MAX: usize = 512;

/// Records around one, on each side, unless more are asked for.
const AROUND_DEFAULT: usize = 10;

/// Records around one at most, on each side.
const AROUND_MAX: usize = 1_000;

/// What records around one have in common with it, unless otherwise asked.
const SAME_DEFAULT: &str = "source,node";

impl Desk {
    /// What belongs to one request.
    pub(super) async fn story(self, query: StoryQuery) -> Result<StoryAnswer, RecordsProblem> {
        let begun = clock::monotonic();
        let text = QuestionText {
            query: None,
            from: query.from.as_deref(),
            to: query.to.as_deref(),
            tz: query.tz.as_deref(),
        };
        let question = Question::parse(text, clock::now(), DefaultSpan::Everything)?;
        let begin: BTreeSet<String> = [query.request_id, query.trace_id]
            .into_iter()
            .flatten()
            .filter(|id| (1..=ID_BYTES_MAX).contains(&id.len()) && id != "-")
            .collect();
        if begin.is_empty() {
            let error = "a story needs an id to begin with";
            let hint = format!("send request_id or trace_id, with 1 to {ID_BYTES_MAX} bytes");
            return Err(RecordsProblem::new(RecordsProblemKind::BadParameters, error, hint));
        }
        let zone = question.zone.clone();
        let mut answer = self.scan(move |scan| story(scan, begin, &question)).await?;
        answer.complete_to = self.complete_to(&zone);
        answer.took_ms = took_ms(begun);
        Ok(answer)
    }

    /// What happened around a record.
    pub(super) async fn context(self, query: ContextQuery) -> Result<ContextAnswer, RecordsProblem> {
        let begun = clock::monotonic();
        let zone = Zone::named(query.tz.as_deref().unwrap_or_default());
        let zone = zone.map_err(|error| crate::search::bad_parameters(&error))?;
        let place: Cursor = query.id.parse().map_err(|_| {
            let error = "the id is none that a record has";
            RecordsProblem::new(RecordsProblemKind::BadParameters, error, "pass on the _id of a hit as it is")
        })?;
        let (sides, same) = (
            [query.before, query.after].map(|count| count.unwrap_or(AROUND_DEFAULT).min(AROUND_MAX)),
            field_names(query.same.as_deref().unwrap_or(SAME_DEFAULT)),
        );
        let shown = zone.clone();
        let answered = self.scan(move |scan| {
            let warnings = Desk::check_names(&scan.view, same.iter().map(String::as_str), None)?;
            Ok(ContextAnswer { warnings, ..context(scan, place, sides, &same, &shown)? })
        });
        let mut answer = answered.await?;
        answer.complete_to = self.complete_to(&zone);
        answer.took_ms = took_ms(begun);
        Ok(answer)
    }
}

fn story(scan: &Scan, begin: BTreeSet<String>, question: &Question) -> Result<StoryAnswer, RecordsProblem> {
    let mut ids = begin;
    let mut asked = BTreeSet::new();
    loop {
        let predicate = with_ids(&ids)?;
        asked.clone_from(&ids);
        let request = SearchRequest {
            is_oldest_first: true,
            ..SearchRequest::newest(predicate, question.from..question.to, STORY_HITS_MAX)
        };
        let found = scan.view.search(&request, &scan.limits, &scan.cancel);
        let found = found.map_err(|failure| failed(&failure))?;
        for id in found.hits.iter().flat_map(ids_of) {
            if ids.len() < IDS_MAX {
                ids.insert(id);
            }
        }
        if ids == asked {
            let is_cut = found.cursor.is_some() || ids.len() >= IDS_MAX;
            return Ok(StoryAnswer {
                hits: found.hits.into_iter().map(|found| hit(found, &question.zone)).collect(),
                ids: ids.into_iter().collect(),
                is_cut,
                is_partial: !found.problems.is_empty(),
                warnings: found.problems,
                ..StoryAnswer::default()
            });
        }
    }
}

/// Records that have one of the ids as either.
fn with_ids(ids: &BTreeSet<String>) -> Result<Predicate, RecordsProblem> {
    let tests = ids.iter().flat_map(|id| ID_FIELDS.map(|field| field_is(field, id)));
    Ok(Predicate::or(tests.collect::<Result<Vec<_>, _>>()?))
}

fn ids_of(found: &Hit) -> impl Iterator<Item = String> {
    let texts = ID_FIELDS.into_iter().filter_map(|field| match found.field(field) {
        Some(Value::Text(id)) if (1..=ID_BYTES_MAX).contains(&id.len()) && id != "-" => Some(id.to_string()),
        _ => None,
    });
    texts.collect::<Vec<_>>().into_iter()
}

/// The records whose field is exactly this text, or this number.
fn field_is(field: &str, text: &str) -> Result<Predicate, RecordsProblem> {
    let operand = Operand::Is(Term::Quoted(text.to_owned()));
    let test = Expression::Field { name: field.to_owned(), operand, column: Column(1) };
    test.compile(clock::now()).map_err(|error| bad_query(text, error))
}

fn context(
    scan: &Scan,
    place: Cursor,
    [before, after]: [usize; 2],
    same: &[String],
    zone: &Zone,
) -> Result<ContextAnswer, RecordsProblem> {
    let search = |request: &SearchRequest| {
        let found = scan.view.search(request, &scan.limits, &scan.cancel);
        found.map(|found| found.hits).map_err(|failure| failed(&failure))
    };
    let (first, last) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
    let itself = scan.view.record(place, &scan.limits, &scan.cancel).map_err(|failure| failed(&failure))?;
    let itself = itself.ok_or_else(|| {
        let error = "there is no such record any more";
        RecordsProblem::new(
            RecordsProblemKind::NotFound,
            error,
            "it may be older than the retention, or deleted",
        )
    })?;
    let same = same.iter().filter_map(|field| match itself.field(field) {
        Some(Value::Text(text)) => Some(field_is(field, text)),
        Some(Value::Integer(number)) => Some(field_is(field, &number.to_string())),
        _ => None,
    });
    let predicate = Predicate::and(same.collect::<Result<Vec<_>, _>>()?);
    let around = |is_oldest_first: bool, limit: usize| SearchRequest {
        is_oldest_first,
        after: Some(place),
        ..SearchRequest::newest(predicate.clone(), first..last, limit)
    };
    let mut hits = search(&around(false, before))?;
    hits.reverse();
    let position = hits.len();
    hits.push(itself);
    hits.extend(search(&around(true, after))?);
    let hits = hits.into_iter().map(|found| hit(found, zone)).collect();
    Ok(ContextAnswer { hits, position, ..ContextAnswer::default() })
}
