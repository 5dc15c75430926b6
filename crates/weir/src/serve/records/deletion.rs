//! Records removed for good, as when a user asks for it.
//!
//! The bytes go, not only the way to them: files with a match are written again without it. What this cannot reach is
//! said in the answer, with the rejects that hold the same text, because "deleted" must not mean "deleted here".

use std::ops::Range;
use std::sync::Arc;

use weir_ledger::{Ledger, LedgerError};
use weir_query::{Expression, Operand, Predicate, Term};
use weir_record::Timestamp;
use weir_store::{Deletion, Limits, SearchRequest, StoreError};
use weir_web::{DeleteAnswer, DeleteRequest, RecordsProblem, RecordsProblemKind, RejectRow};

use super::{Desk, failed, took_ms};
use crate::clock;
use crate::search::{DefaultSpan, Question, QuestionText};
use crate::serve::rejects;

/// Rejects that are listed at most.
const REJECTS_MAX: usize = 100;

/// Rejects that are looked at: some 100 ms.
const REJECTS_SCANNED_MAX: usize = 50_000;

/// Texts shorter than this, in bytes, are in too many rejects to mean anything.
const TEXT_BYTES_MIN: usize = 4;

/// Where the same data may still be.
const NOT_COVERED: [&str; 4] = [
    "the files, objects and queues that the records came from",
    "counts and minutes: they have no fields of single requests, and stay as they are",
    "rejects: those with a text of the query are listed here, and leave with `weir rejects replay` or by age",
    "what was sent on, exported or backed up",
];

impl Desk {
    /// Removes records, or says how many it would.
    pub(super) async fn delete(self, request: DeleteRequest) -> Result<DeleteAnswer, RecordsProblem> {
        let begun = clock::monotonic();
        if let Some(missing) = missing(&request) {
            let hint = "say which and of what span, as {\"query\": \"user_email:\\\"a@example.com\\\"\", \
                        \"from\": \"0\", \"to\": \"now\"}; * is every record";
            return Err(RecordsProblem::new(
                RecordsProblemKind::BadParameters,
                format!("`{missing}` is empty"),
                hint,
            ));
        }
        let text = QuestionText {
            query: Some(&request.query),
            from: Some(&request.from),
            to: Some(&request.to),
            tz: None,
        };
        let question = Question::parse(text, clock::now(), DefaultSpan::Everything)?.without_stats()?;
        let (asked, query) = (question.clone(), request.query.clone());
        let count = self.scan(move |scan| {
            // A misspelt field matches nothing, which would pass for "nothing is left".
            Desk::check_fields(&scan.view, &asked, Some(&query))?;
            let counted = SearchRequest {
                with_total: true,
                ..SearchRequest::newest(asked.predicate, asked.from..asked.to, 0)
            };
            let found = scan.view.search(&counted, &scan.limits, &scan.cancel);
            found.map(|found| found.total.unwrap_or(0)).map_err(|failure| failed(&failure))
        });
        let mut answer = DeleteAnswer {
            records: count.await?,
            is_dry_run: request.dry_run,
            not_covered: NOT_COVERED.map(str::to_owned).to_vec(),
            ..DeleteAnswer::default()
        };
        if !request.dry_run {
            let deleted = self.remove(question.predicate.clone(), question.from..question.to).await?;
            answer.records = deleted.records_deleted;
            answer.files_rewritten = deleted.files_rewritten;
            answer.bytes_freed = deleted.bytes_freed;
            answer.not_covered.extend(deleted.problems);
        }
        (answer.rejects, answer.rejects_are_cut) = self.rejects_with(texts_of(&question.expression)).await?;
        answer.took_ms = took_ms(begun);
        Ok(answer)
    }

    /// It is not stopped when its asker goes: half of a deletion would be none.
    async fn remove(&self, predicate: Predicate, span: Range<Timestamp>) -> Result<Deletion, RecordsProblem> {
        let upkeep = Arc::clone(&self.parts.upkeep);
        let removed =
            tokio::task::spawn_blocking(move || upkeep.delete(&predicate, &span, &Limits::default()));
        let hint = "what was removed until then is; ask again for the rest";
        let problem = |kind, error: String| RecordsProblem::new(kind, error, hint);
        match removed.await {
            Ok(Ok(deletion)) => Ok(deletion),
            Ok(Err(error @ StoreError::Stopped)) => {
                Err(problem(RecordsProblemKind::Stopping, error.to_string()))
            }
            Ok(Err(error @ StoreError::DiskFull { .. })) => {
                Err(problem(RecordsProblemKind::DiskFull, error.to_string()))
            }
            Ok(Err(error)) => Err(problem(RecordsProblemKind::Failed, error.to_string())),
            Err(_) => Err(problem(RecordsProblemKind::Failed, "the deletion failed".to_owned())),
        }
    }

    /// Rejects that hold one of the texts, and whether there may be more.
    async fn rejects_with(&self, texts: Vec<String>) -> Result<(Vec<RejectRow>, bool), RecordsProblem> {
        if texts.is_empty() {
            return Ok((Vec::new(), false));
        }
        let ledger = Arc::clone(&self.parts.ledger);
        let found = tokio::task::spawn_blocking(move || rejects_with_text(&ledger, &texts));
        let problem = |error: String| {
            RecordsProblem::new(RecordsProblemKind::Failed, error, "the records are dealt with all the same")
        };
        let found = found.await.map_err(|_| problem("the rejects could not be searched".to_owned()))?;
        found.map_err(|error| problem(error.to_string()))
    }
}

/// The first rejects whose text has one of `texts`, and whether there may be more.
fn rejects_with_text(ledger: &Ledger, texts: &[String]) -> Result<(Vec<RejectRow>, bool), LedgerError> {
    let mut ids = Vec::new();
    let is_cut = ledger.read(|ledger| {
        let mut after = 0;
        for _ in 0..REJECTS_SCANNED_MAX {
            // One at a time: a reject may be a whole object.
            let Some((id, reject)) = ledger.rejects(after, 1)?.pop() else { return Ok(false) };
            after = id;
            if texts.iter().any(|text| holds(&reject.bytes, text.as_bytes())) {
                if ids.len() == REJECTS_MAX {
                    return Ok(true);
                }
                ids.push(id);
            }
        }
        Ok(true)
    })?;
    let details = ids.into_iter().map(|id| rejects::detail(ledger, id)).collect::<Result<Vec<_>, _>>()?;
    Ok((details.into_iter().flatten().map(|detail| detail.row).collect(), is_cut))
}

/// Whether `text` is somewhere in `bytes`.
fn holds(bytes: &[u8], text: &[u8]) -> bool {
    let Some((&first, rest)) = text.split_first() else { return true };
    let mut left = bytes;
    while let Some(at) = left.iter().position(|byte| *byte == first) {
        left = &left[at + 1..];
        if left.starts_with(rest) {
            return true;
        }
    }
    false
}

fn missing(request: &DeleteRequest) -> Option<&'static str> {
    let texts = [("query", &request.query), ("from", &request.from), ("to", &request.to)];
    texts.into_iter().find(|(_, text)| text.trim().is_empty()).map(|(name, _)| name)
}

/// The texts that a query looks for as they are.
fn texts_of(expression: &Expression) -> Vec<String> {
    match expression {
        Expression::And(parts) | Expression::Or(parts) => parts.iter().flat_map(texts_of).collect(),
        Expression::Field { operand: Operand::Is(term), .. } | Expression::Words { term, .. } => match term {
            Term::Bare(text) | Term::Quoted(text) if text.len() >= TEXT_BYTES_MIN => vec![text.clone()],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_that_are_looked_for_are_known() {
        for (query, expected) in [
            ("user_email:\"a@b.com\"", "a@b.com"),
            ("user_email:a@b.com OR message:payment", "a@b.com payment"),
            ("NOT user_email:a@b.com", ""),
            ("status:500 AND path:/cart*", ""),
            ("*", ""),
        ] {
            let expression = weir_query::parse(query).expect("a query").filter;
            assert_eq!(texts_of(&expression).join(" "), expected, "{query}");
        }
    }

    #[test]
    fn a_text_is_found_wherever_it_is() {
        for (bytes, text, expected) in [
            ("aab", "ab", true),
            ("abab", "abb", false),
            ("", "a", false),
            ("xa", "a", true),
            ("a", "ab", false),
        ] {
            assert_eq!(holds(bytes.as_bytes(), text.as_bytes()), expected, "{text} in {bytes}");
        }
    }

    #[test]
    fn nothing_is_removed_by_leaving_something_out() {
        let whole = DeleteRequest {
            query: "a".to_owned(),
            from: "0".to_owned(),
            to: "now".to_owned(),
            dry_run: true,
        };
        assert_eq!(missing(&whole), None);
        for (name, request) in [
            ("query", DeleteRequest { query: " ".to_owned(), ..whole.clone() }),
            ("from", DeleteRequest { from: String::new(), ..whole.clone() }),
            ("to", DeleteRequest { to: String::new(), ..whole.clone() }),
        ] {
            assert_eq!(missing(&request), Some(name));
        }
    }
}
