//! Records as they come, for one client: chosen by its query, in the order of arrival.
//!
//! The query is asked of columns, as in the store, so that what a tail shows is what a search finds. A client that
//! does not keep up loses records and is told how many; nothing is ever held up for it.

use std::sync::Arc;
use std::time::Duration;

use weir_query::Predicate;
use weir_record::Timestamp;
use weir_store::{BatchSearch, Cancel, Limits, Rows, SearchRequest};
use weir_web::{Hit, RecordsProblem, TailQuery, TailSender, TailStream, tail_stream};

use super::answers::field_names;
use super::{Desk, busy};
use crate::clock;
use crate::search::{DefaultSpan, Question, QuestionText, Zone, hit};
use crate::serve::live::LiveRows;

/// How often a client that was not told everything is told how much, while nothing else comes.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// What a client follows.
struct Wanted {
    request: SearchRequest,
    zone: Zone,
}

impl Desk {
    /// Records that match, from now on.
    pub(super) fn tail(&self, query: &TailQuery) -> Result<TailStream, RecordsProblem> {
        let text = QuestionText {
            query: query.query.as_deref(),
            tz: query.tz.as_deref(),
            ..QuestionText::default()
        };
        let question = Question::parse(text, clock::now(), DefaultSpan::Everything)?.without_stats()?;
        let fields = query.fields.as_deref().map(field_names);
        let view = self.parts.store.view();
        let mut warnings = Desk::check_fields(&view, &question, query.query.as_deref())?;
        warnings.extend(Desk::check_names(&view, fields.iter().flatten().map(String::as_str), None)?);
        let Some(live) = self.parts.live.listen() else {
            return Err(busy("too many follow the records as they come"));
        };
        let wanted = Arc::new(Wanted {
            request: SearchRequest { fields, ..everything(question.predicate) },
            zone: question.zone,
        });
        let (mut sender, stream) = tail_stream();
        warnings.iter().for_each(|warning| sender.warn(warning));
        let mut stop = self.parts.stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = follow(live, wanted, sender) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
        Ok(stream)
    }
}

fn everything(predicate: Predicate) -> SearchRequest {
    let span = Timestamp::from_micros(i64::MIN)..Timestamp::from_micros(i64::MAX);
    let limit = usize::MAX - 1;
    SearchRequest { is_oldest_first: true, ..SearchRequest::newest(predicate, span, limit) }
}

/// Shows what comes, until the client has gone.
async fn follow(mut live: LiveRows, wanted: Arc<Wanted>, mut sender: TailSender) {
    loop {
        let news = tokio::select! {
            news = live.next() => news,
            () = sender.closed() => return,
            () = tokio::time::sleep(TELL_EVERY), if sender.has_not_shown() => {
                sender.tell_not_shown();
                continue;
            }
        };
        if news.passed_over > 0 {
            sender.pass_over(news.passed_over);
        }
        for rows in news.batches {
            let (wanted, rows_count) = (Arc::clone(&wanted), rows.len() as u64);
            // A batch may take milliseconds: too long for a thread that serves others.
            match tokio::task::spawn_blocking(move || chosen(&rows, &wanted)).await {
                Ok(Some(hits)) => hits.iter().for_each(|hit| sender.show(hit)),
                _ => sender.pass_over(rows_count),
            }
        }
    }
}

/// The records of a batch that match; `None` where they do not fit into memory.
fn chosen(rows: &Rows, wanted: &Wanted) -> Option<Vec<Hit>> {
    let mut search = BatchSearch::new(&wanted.request, &Limits::default(), &Cancel::new());
    search.take(rows).ok()?;
    Some(search.finish().hits.into_iter().map(|found| hit(found, &wanted.zone)).collect())
}

#[cfg(test)]
mod tests {
    use weir_record::Value;
    use weir_store::{RowsBuilder, SequenceNumbers};

    use super::*;

    #[test]
    fn a_batch_is_chosen_from_by_the_query() {
        let mut builder = RowsBuilder::new();
        for (second, status) in [(1, 200), (2, 503), (3, 404), (4, 500)] {
            let fields = [("status", Value::Integer(status)), ("path", Value::Text("/a".into()))];
            builder.push_fields(Timestamp::from_seconds(second), fields);
        }
        let rows = builder.finish(&SequenceNumbers::starting_at(0)).expect("they fit").expect("some");
        let parsed = weir_query::parse("status:>=500").expect("a query");
        let predicate = parsed.filter.compile(Timestamp::default()).expect("a predicate");
        let fields = Some(vec!["status".to_owned()]);
        let request = SearchRequest { fields, ..everything(predicate) };
        let hits = chosen(&rows, &Wanted { request, zone: Zone::default() }).expect("they fit");
        let shown: Vec<String> =
            hits.iter().map(|hit| format!("{:?} {}", hit.get("status"), hit.get("path").is_some())).collect();
        assert_eq!(shown, ["Some(Number(503)) false", "Some(Number(500)) false"]);
    }
}
