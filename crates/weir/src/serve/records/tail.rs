//! Records as they come, for one client: chosen by its query, in the order of arrival.
//!
//! The query is asked of columns, as in the store, so that what a tail shows is what a search finds. A client that
//! does not keep up loses records and is told how many; nothing is ever held up for it.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use weir_query::Predicate;
use weir_record::Timestamp;
use weir_store::{BatchSearch, Cancel, Limits, Rows, SearchRequest, select};
use weir_web::{RecordsProblem, TailQuery, TailSender, TailStream, tail_stream};

use super::answers::field_names;
use super::{Desk, busy};
use crate::clock;
use crate::search::{DefaultSpan, Question, QuestionText, Zone, hit};
use crate::serve::live::LiveRows;

/// How often a client that was not told everything is told how much, while nothing else comes.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Records that are made ready for a client at the same time.
const ROWS_AT_ONCE: usize = 64;

/// Memory of those, in bytes, about: far less than what may wait for a client. A single record may have more.
const BYTES_AT_ONCE: usize = 256 << 10;

/// What a client follows.
struct Wanted {
    /// Which records.
    predicate: Predicate,
    /// What of them.
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
            predicate: question.predicate,
            request: everything(fields),
            zone: question.zone,
        });
        let (mut sender, stream) = tail_stream();
        warnings.iter().for_each(|warning| sender.warn(warning));
        let (mut stop, turns) = (self.parts.stop.clone(), Arc::clone(&self.followers));
        tokio::spawn(async move {
            tokio::select! {
                () = follow(live, wanted, turns, sender) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
        Ok(stream)
    }
}

fn everything(fields: Option<Vec<String>>) -> SearchRequest {
    let span = Timestamp::from_micros(i64::MIN)..Timestamp::from_micros(i64::MAX);
    let limit = usize::MAX - 1;
    SearchRequest { is_oldest_first: true, fields, ..SearchRequest::newest(Predicate::All, span, limit) }
}

/// Shows what comes, until the client has gone.
async fn follow(mut live: LiveRows, wanted: Arc<Wanted>, turns: Arc<Semaphore>, mut sender: TailSender) {
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
        let Some(rows) = news.rows else { continue };
        let Ok(turn) = Arc::clone(&turns).acquire_owned().await else { return };
        let wanted = Arc::clone(&wanted);
        // A batch may take milliseconds: too long for a thread that serves others.
        let shown = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            show(&rows, &wanted, &mut sender);
            sender
        });
        let Ok(returned) = shown.await else { return };
        sender = returned;
    }
}

/// Shows the records of a batch that match, a few at a time: a batch whose records all match is never in memory a
/// second time. Those for which the client has no room are only counted.
fn show(rows: &Rows, wanted: &Wanted, sender: &mut TailSender) {
    let bytes_each = rows.bytes.div_ceil(rows.len().max(1)).max(1);
    let at_once = (BYTES_AT_ONCE / bytes_each).clamp(1, ROWS_AT_ONCE);
    for (start, end) in select(&wanted.predicate, rows).set_slices() {
        for start in (start..end).step_by(at_once) {
            show_range(rows, start..end.min(start + at_once), wanted, sender);
        }
    }
}

/// Shows the records of a range, all of which match.
fn show_range(rows: &Rows, range: Range<usize>, wanted: &Wanted, sender: &mut TailSender) {
    sender.tell_not_shown();
    if sender.has_not_shown() {
        return sender.pass_over(range.len() as u64);
    }
    let (few, is_one) = (rows.batch.slice(range.start, range.len()), range.len() == 1);
    let limits = Limits { memory_bytes_max: BYTES_AT_ONCE, ..Limits::default() };
    let limits = if is_one { Limits::default() } else { limits };
    let mut search = BatchSearch::new(&wanted.request, &limits, &Cancel::new());
    match search.take(&Rows { batch: few, ..rows.clone() }) {
        Ok(()) => {
            search.finish().hits.into_iter().for_each(|found| sender.show(&hit(found, &wanted.zone)));
        }
        // One record has all the memory there is for a question; what does not fit into that is shown nowhere.
        Err(_) if is_one => sender.pass_over(1),
        // Some records are much longer than the others.
        Err(_) => range.for_each(|row| show_range(rows, row..row + 1, wanted, sender)),
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use weir_record::Value;
    use weir_store::{RowsBuilder, SequenceNumbers};

    use super::*;

    /// What a client that takes its time gets of records with these statuses and messages, and how many it is told
    /// it did not get.
    async fn shown(records: &[(i64, String)], query: &str, fields: Option<&str>) -> (Vec<String>, u64) {
        let mut builder = RowsBuilder::new();
        for (second, (status, message)) in (0..).zip(records) {
            let fields =
                [("status", Value::Integer(*status)), ("message", Value::Text(message.as_str().into()))];
            builder.push_fields(Timestamp::from_seconds(second), fields);
        }
        let rows = builder.finish(&SequenceNumbers::starting_at(0)).expect("they fit").expect("some");
        let parsed = weir_query::parse(query).expect("a query");
        let predicate = parsed.filter.compile(Timestamp::default()).expect("a predicate");
        let request = everything(fields.map(|field| vec![field.to_owned()]));
        let wanted = Wanted { predicate, request, zone: Zone::default() };
        let (mut sender, mut stream) = tail_stream();
        show(&rows, &wanted, &mut sender);
        let (mut texts, mut not_shown) = (Vec::new(), 0);
        let mut sender = Some(sender);
        loop {
            if let Some(kept) = sender.as_mut().filter(|kept| kept.has_not_shown()) {
                kept.tell_not_shown();
            }
            if sender.as_ref().is_some_and(|kept| !kept.has_not_shown()) {
                sender = None;
            }
            let Some(frame) = stream.frame().await else { return (texts, not_shown) };
            let bytes = frame.expect("no errors").into_data().expect("data");
            let text = String::from_utf8(bytes.to_vec()).expect("text");
            if let Some(count) = text.split_once("{\"not_shown\":") {
                not_shown += count.1.trim_end_matches("}\n\n").parse::<u64>().expect("a number");
            } else if let Some(json) = text.strip_prefix("data: ") {
                texts.push(json.trim_end().to_owned());
            }
        }
    }

    #[tokio::test]
    async fn a_batch_is_chosen_from_by_the_query() {
        let records = [200, 503, 404, 500].map(|status| (status, "a".to_owned()));
        let (texts, not_shown) = shown(&records, "status:>=500", Some("status")).await;
        assert_eq!((texts.len(), not_shown), (2, 0));
        assert!(texts[0].contains("\"status\":503,\"_id\""), "{texts:?}");
        assert!(texts[1].contains("\"status\":500,\"_id\""), "{texts:?}");
    }

    #[tokio::test]
    async fn what_a_client_has_no_room_for_is_counted_exactly() {
        let long = |bytes: usize| "x".repeat(bytes);
        for (records, query, expected) in [
            // Events are bounded in number,
            ((0..5_000).map(|_| (200, long(1))).collect::<Vec<_>>(), "*", 5_000),
            ((0..5_000).map(|row| (200 + row % 2, long(1))).collect(), "status:201", 2_500),
            // and in bytes, also where one is much longer than the others.
            ((0..300).map(|_| (200, long(20_000))).collect(), "*", 300),
            ((0..500).map(|row| (200, long(if row == 70 { 2_000_000 } else { 10 }))).collect(), "*", 500),
        ] {
            let (texts, not_shown) = shown(&records, query, None).await;
            assert!(!texts.is_empty() && not_shown > 0, "{} {not_shown}", texts.len());
            assert_eq!(texts.len() as u64 + not_shown, expected);
        }
    }
}
