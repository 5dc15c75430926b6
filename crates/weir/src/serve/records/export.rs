//! Everything that a search finds, page after page.
//!
//! Each page is a question of its own that waits for its turn, so that an export of a day's records holds up
//! nobody; and between two pages it waits for its reader without a thread. A page is in memory for as long as its
//! reader takes, so it is bounded in bytes: what was found beyond that is found again by the next question, which
//! asks for fewer records.

use std::sync::Arc;

use serde_json::Value;
use weir_store::{Cursor, FieldsRequest, Found, SearchRequest};
use weir_web::{
    ExportFormat, ExportSender, ExportStream, Hit, RecordsProblem, RecordsProblemKind, SearchFormat,
    SearchQuery, export_stream,
};

use super::answers::{asked, search_request};
use super::{Desk, busy, failed};
use crate::search::{ID_FIELD, PLACE_FIELDS, Question, TIME_FIELD, Zone, hit};

/// Records of a page at most: some ms to find.
const PAGE_HITS: usize = 5_000;

/// Records of the first page, when it is not known yet how long they are.
const FIRST_PAGE_HITS: usize = 250;

/// Memory of a page's records, in bytes; a single record may have more. With as many exports as there may be, all
/// of whose readers stall, that is 64 MB.
const PAGE_BYTES_MAX: usize = 4 << 20;

/// What an allocation takes beside its content, in bytes, about.
const ALLOCATION_BYTES: usize = 16;

/// Columns of a table at most.
const COLUMNS_MAX: usize = 1_000;

impl Desk {
    /// All records that match, as lines.
    pub(super) async fn export(self, query: SearchQuery) -> Result<ExportStream, RecordsProblem> {
        let question = asked(&query)?.without_stats()?;
        let Ok(place) = Arc::clone(&self.exports).try_acquire_owned() else {
            return Err(busy("too many exports are under way"));
        };
        let request = SearchRequest { with_total: false, ..search_request(&question, &query)? };
        let (asked, named, text) = (question.clone(), request.fields.clone(), query.query.clone());
        let check = self.scan(move |scan| {
            Desk::check_names(&scan.view, named.iter().flatten().map(String::as_str), None)?;
            Desk::check_fields(&scan.view, &asked, text.as_deref())
        });
        check.await?;
        let format = match query.format {
            Some(SearchFormat::Csv) => ExportFormat::Csv(self.columns(&question, &request).await?),
            _ => ExportFormat::Ndjson,
        };
        let rest = Rest {
            request,
            left: query.limit.unwrap_or(usize::MAX),
            page_hits: FIRST_PAGE_HITS,
            zone: question.zone.clone(),
        };
        // The first page is found before the answer begins, so that what is wrong has a status of its own.
        let first = self.next_page(&rest).await?;
        let (sender, stream) = export_stream(format);
        let mut stop = self.parts.stop.clone();
        tokio::spawn(async move {
            let write = self.write(rest, first, sender);
            tokio::select! {
                () = write => {}
                // The connection breaks off, so that nobody takes what he has for everything.
                _ = stop.wait_for(|stop| *stop) => {}
            }
            drop(place);
        });
        Ok(stream)
    }

    async fn write(self, mut rest: Rest, first: Page, mut sender: ExportSender) {
        let mut page = first;
        let mut unreadable = None;
        loop {
            unreadable = unreadable.or(page.problem.take());
            if sender.send(&page.hits).await.is_err() {
                return;
            }
            rest.left = rest.left.saturating_sub(page.hits.len());
            rest.page_hits = page.next_hits(rest.page_hits);
            let Some(cursor) = page.cursor.filter(|_| rest.left > 0) else { break };
            rest.request.after = Some(cursor);
            // Before the next one is there: two pages are never in memory.
            drop(std::mem::take(&mut page.hits));
            page = match self.next_page(&rest).await {
                Ok(page) => page,
                Err(problem) => {
                    tracing::warn!(%problem, "an export was not finished; its reader was told by a broken connection");
                    return;
                }
            };
        }
        match unreadable {
            // What can be read was sent, and whoever takes everything must not take it for everything.
            Some(problem) => {
                tracing::warn!(%problem, "an export is not whole; its reader was told by a broken connection");
                let _ = sender.break_off().await;
            }
            None => {
                let _ = sender.finish().await;
            }
        }
    }

    async fn next_page(&self, rest: &Rest) -> Result<Page, RecordsProblem> {
        let request = SearchRequest { limit: rest.page_hits.min(rest.left), ..rest.request.clone() };
        let zone = rest.zone.clone();
        self.scan(move |scan| Ok(Page::of(scan.search(&request)?, &zone))).await
    }

    /// The columns of a table: those that were asked for, or those that any of the records has.
    async fn columns(
        &self,
        question: &Question,
        request: &SearchRequest,
    ) -> Result<Vec<String>, RecordsProblem> {
        let named = request.fields.clone();
        let others = match named {
            Some(fields) => fields,
            None => {
                let asked = FieldsRequest {
                    predicate: question.predicate.clone(),
                    from: question.from,
                    to: question.to,
                    top: 0,
                    names: None,
                };
                let found = self.scan(move |scan| {
                    scan.view.fields(&asked, &scan.limits, &scan.cancel).map_err(|failure| failed(&failure))
                });
                let mut names: Vec<String> =
                    found.await?.fields.into_iter().map(|field| field.name).collect();
                names.retain(|name| !PLACE_FIELDS.contains(&name.as_str()));
                names.sort_by_key(|name| place_of(name));
                names.extend(PLACE_FIELDS.map(str::to_owned));
                names
            }
        };
        if others.len() > COLUMNS_MAX {
            return Err(RecordsProblem::new(
                RecordsProblemKind::TooLarge,
                format!("the records have {} fields, too many for the columns of a table", others.len()),
                "name some with fields=, or take format=ndjson",
            ));
        }
        let others = others.into_iter().filter(|name| name != TIME_FIELD && name != ID_FIELD);
        Ok([TIME_FIELD.to_owned()].into_iter().chain(others).chain([ID_FIELD.to_owned()]).collect())
    }
}

/// What is still to be written.
struct Rest {
    request: SearchRequest,
    left: usize,
    /// Records of the next page at most.
    page_hits: usize,
    zone: Zone,
}

struct Page {
    hits: Vec<Hit>,
    /// Memory that they take, in bytes, about.
    bytes: usize,
    /// Behind the last of them, unless that was the last of all.
    cursor: Option<Cursor>,
    /// Why records may be missing.
    problem: Option<String>,
}

impl Page {
    /// As many of the records as a page may have.
    fn of(found: Found, zone: &Zone) -> Self {
        let problem = found.problems.into_iter().next();
        let mut page = Self { hits: Vec::new(), bytes: 0, cursor: None, problem };
        let mut last = None;
        for found in found.hits {
            let cursor = found.cursor();
            let hit = hit(found, zone);
            let bytes = hit_bytes(&hit);
            if !page.hits.is_empty() && page.bytes + bytes > PAGE_BYTES_MAX {
                return Self { cursor: last, ..page };
            }
            page.bytes += bytes;
            page.hits.push(hit);
            last = Some(cursor);
        }
        Self { cursor: found.cursor, ..page }
    }

    /// How many records to ask for next, where this page was asked for with `limit`: as many as fit, if they are
    /// as long as these.
    fn next_hits(&self, limit: usize) -> usize {
        match self.bytes.checked_div(self.hits.len()) {
            Some(bytes_each) => (PAGE_BYTES_MAX / bytes_each.max(1)).clamp(1, PAGE_HITS),
            None => limit,
        }
    }
}

/// Memory that a record takes, about.
fn hit_bytes(hit: &Hit) -> usize {
    let pairs = hit.0.iter().map(|(name, value)| {
        size_of::<(String, Value)>() + name.len() + ALLOCATION_BYTES + value_bytes(value)
    });
    size_of::<Hit>() + ALLOCATION_BYTES + pairs.sum::<usize>()
}

/// Memory that a value takes beside itself; that of a list or an object may be many times its text.
fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len() + ALLOCATION_BYTES,
        Value::Array(values) => {
            let room = values.capacity() * size_of::<Value>() + ALLOCATION_BYTES;
            room + values.iter().map(value_bytes).sum::<usize>()
        }
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                // A tree's nodes are half empty at worst.
                2 * size_of::<(String, Value)>() + name.len() + ALLOCATION_BYTES + value_bytes(value)
            };
            ALLOCATION_BYTES + members.iter().map(member).sum::<usize>()
        }
    }
}

/// Known fields in their order, then the others by name.
fn place_of(name: &str) -> usize {
    let known = weir_record::KNOWN_FIELDS;
    known.iter().position(|field| field.name == name).unwrap_or(known.len())
}

#[cfg(test)]
mod tests {
    use weir_record::{Timestamp, Value as FieldValue};

    use super::*;

    fn found(texts: &[FieldValue<'static>], cursor: Option<Cursor>) -> Found {
        let hit = |(sequence, value): (i64, &FieldValue<'static>)| weir_store::Hit {
            time: Timestamp::from_seconds(60),
            sequence,
            fields: vec![("message".to_owned(), value.clone())],
        };
        let hits = (1..).zip(texts).map(hit).collect();
        Found { hits, total: None, cursor, problems: Vec::new() }
    }

    #[test]
    fn a_page_is_bounded_in_bytes_and_the_next_one_goes_on_behind_it() {
        let text = |bytes: usize| FieldValue::Text("x".repeat(bytes).into());
        let numbers = || FieldValue::Json(format!("[{}1]", "1,".repeat(65_535)).into());
        let end = Some(Cursor { time: Timestamp::from_seconds(60), sequence: 99 });
        let behind = |sequence| Some(Cursor { time: Timestamp::from_seconds(60), sequence });
        for (values, cursor, hits, expected, next) in [
            (vec![], None, 0, None, 7..8),
            (vec![text(10); 500], None, 500, None, PAGE_HITS..PAGE_HITS + 1),
            (vec![text(10); 500], end, 500, end, PAGE_HITS..PAGE_HITS + 1),
            (vec![text(1 << 20); 9], end, 3, behind(3), 3..4),
            (vec![text(2 * PAGE_BYTES_MAX); 2], None, 1, behind(1), 1..2),
            (vec![text(2 * PAGE_BYTES_MAX)], None, 1, None, 1..2),
            (vec![text(1), text(2 * PAGE_BYTES_MAX)], None, 1, behind(1), PAGE_HITS..PAGE_HITS + 1),
            // A list of small numbers takes sixteen times its text.
            (vec![numbers(); 5], None, 1, behind(1), 1..2),
        ] {
            let page = Page::of(found(&values, cursor), &Zone::default());
            assert_eq!((page.hits.len(), page.cursor), (hits, expected));
            assert!(next.contains(&page.next_hits(7)), "{}", page.next_hits(7));
        }
    }
}
