//! Everything that a search finds, page after page.
//!
//! Each page is a question of its own that waits for its turn, so that an export of a day's records holds up
//! nobody; and between two pages it waits for its reader without a thread.

use std::sync::Arc;

use weir_store::{FieldsRequest, SearchRequest};
use weir_web::{
    ExportFormat, ExportSender, ExportStream, Hit, RecordsProblem, RecordsProblemKind, SearchFormat,
    SearchQuery, export_stream,
};

use super::answers::{asked, search_request};
use super::{Desk, busy, failed};
use crate::search::{ID_FIELD, Question, TIME_FIELD, Zone, hit};

/// Records of a page: some MB, and some ms to find.
const PAGE_HITS: usize = 5_000;

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
        let rest = Rest { request, left: query.limit.unwrap_or(usize::MAX), zone: question.zone.clone() };
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
            let Some(cursor) = page.cursor.filter(|_| rest.left > 0) else { break };
            rest.request.after = Some(cursor);
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
            }
            None => {
                let _ = sender.finish().await;
            }
        }
    }

    async fn next_page(&self, rest: &Rest) -> Result<Page, RecordsProblem> {
        let request = SearchRequest { limit: PAGE_HITS.min(rest.left), ..rest.request.clone() };
        let zone = rest.zone.clone();
        self.scan(move |scan| {
            let found = scan.search(&request)?;
            let problem = found.problems.into_iter().next();
            let hits = found.hits.into_iter().map(|found| hit(found, &zone)).collect();
            Ok(Page { hits, cursor: found.cursor, problem })
        })
        .await
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
                names.sort_by_key(|name| place_of(name));
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
    zone: Zone,
}

struct Page {
    hits: Vec<Hit>,
    cursor: Option<weir_store::Cursor>,
    /// Why records may be missing.
    problem: Option<String>,
}

/// Known fields in their order, then the others by name.
fn place_of(name: &str) -> usize {
    let known = weir_record::KNOWN_FIELDS;
    known.iter().position(|field| field.name == name).unwrap_or(known.len())
}
