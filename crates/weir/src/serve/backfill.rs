//! Backfills: objects that nobody told of, found by listing, counted as history.
//!
//! They go the way of all objects, and are known by the same identity, so that what a queue brought is not
//! counted again by a backfill, nor the other way round. What differs is how far they reach: counters that
//! Prometheus reads, watermarks and late records tell of now, and history would only disturb them.
//!
//! A backfill notes below which key everything is done, and begins there when the same one is asked for again.
//! That only saves time: without it every object would be found to be known.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::interval;
use weir_ingest::s3::{
    AwsClients, Backfill, FetchError, FetchedObject, GivenUp, ListingProgress, ListingSpan, ObjectReference,
    ObjectSink, Taken, Unavailable,
};
use weir_record::{NotAccessLog, Timestamp};
use weir_web::{AdminProblem, BackfillProgress, BackfillRequest, BackfillState, ProblemKind};

use super::account::Account;
use super::commit::Request;
use super::desk::Inner;
use super::object_sink::CountingSink;
use super::open::BACKFILL;
use super::sources::{aws_settings, end_sink, start_sink};
use super::state::SourceState;
use super::unit::Reach;
use crate::config::{AwsAccess, Source, SourceInput};

/// Before the name of a backfill that was begun and not finished.
const BEGUN: &str = "backfill/";

/// Unfinished backfills that are remembered; one more begins anew when it is asked for again.
const BEGUN_MAX: usize = 1_000;

/// How often who asked is told how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

/// After how many of those it is noted where to go on: every 5 s.
const PROGRESSES_PER_NOTE: u64 = 10;

/// How long the result waits for a reader that has not taken what was said before.
const RESULT_WAIT_MAX: Duration = Duration::from_secs(10);

/// The longest prefix, in bytes: that of the longest key.
const PREFIX_BYTES_MAX: usize = 1024;

/// What is to be listed, and for whom it is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    bucket: String,
    prefix: String,
    span: ListingSpan,
    reach: Reach,
    /// The source's place.
    source: usize,
    /// The name under which it is noted how far it is.
    name: String,
}

impl Plan {
    /// What a request asks for, at the time `now`.
    ///
    /// # Errors
    ///
    /// Something in the request that makes no sense, or no telling which source is meant.
    pub fn of(request: &BackfillRequest, sources: &[Source], now: Timestamp) -> Result<Self, AdminProblem> {
        let (bucket, prefix) = bucket_and_prefix(&request.url)?;
        let time = |text: &Option<String>| {
            let parse = |text: &String| Timestamp::parse_expression(text, now);
            text.as_ref().map(parse).transpose().map_err(|error| wrong(error, TIME_HINT))
        };
        let span = ListingSpan { from: time(&request.from)?, to: time(&request.to)? };
        if let (Some(from), Some(to)) = (span.from, span.to)
            && from >= to
        {
            return Err(wrong(format!("from {from} is not before to {to}"), TIME_HINT));
        }
        let source = choose_source(sources, &bucket, &prefix, request.source.as_deref())?;
        // Moments, not words: what is below a key and was done for `to: now` yesterday is not done for today.
        let [from, to] =
            [span.from, span.to].map(|time| time.map(|time| time.to_string()).unwrap_or_default());
        let name = format!("{BEGUN}{bucket}/{prefix}/{from}/{to}");
        let reach = if request.counters { Reach::Counters } else { Reach::Minutes };
        Ok(Self { bucket, prefix, span, reach, source, name })
    }

    /// Leaves what is still to come to the source itself: an object that a backfill takes first is known when
    /// the queue tells of it, and would never reach the counters. `complete_to` is up to when the source is
    /// complete.
    pub fn behind(mut self, sources: &[Source], complete_to: Option<Timestamp>, now: Timestamp) -> Self {
        let source = sources.get(self.source);
        let brings_more =
            source.filter(|source| matches!(source.input, SourceInput::Sqs(_) | SourceInput::S3(_)));
        if let (Some(source), Reach::Minutes) = (brings_more, self.reach) {
            let end = complete_to.unwrap_or_else(|| now.minus(source.lateness.max(UNKNOWN_LATENESS)));
            self.span.to = Some(self.span.to.map_or(end, |to| to.min(end)));
        }
        self
    }

    /// The source's place among the sources.
    pub fn source(&self) -> usize {
        self.source
    }
}

/// How far behind now a backfill stays where it is not known up to when its source is complete.
const UNKNOWN_LATENESS: Duration = Duration::from_secs(3600);

const TIME_HINT: &str = "write a time as 2026-11-20T10:15:30Z, 2026-11-20, 1795169730, or now-7d";

const URL_HINT: &str = "write it as s3://bucket/prefix; an empty prefix is the whole bucket";

fn wrong(error: impl Into<String>, hint: &'static str) -> AdminProblem {
    AdminProblem::new(ProblemKind::BadRequest, error, hint)
}

fn bucket_and_prefix(url: &str) -> Result<(String, String), AdminProblem> {
    let Some(rest) = url.strip_prefix("s3://") else {
        return Err(wrong(format!("`{url}` is not the address of a bucket"), URL_HINT));
    };
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let is_bucket_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !(3..=255).contains(&bucket.len()) || !bucket.chars().all(is_bucket_char) {
        return Err(wrong(format!("`{bucket}` is not the name of a bucket"), URL_HINT));
    }
    if prefix.len() > PREFIX_BYTES_MAX {
        let error =
            format!("the prefix has more than {PREFIX_BYTES_MAX} bytes, and so no key begins with it");
        return Err(wrong(error, URL_HINT));
    }
    Ok((bucket.to_owned(), prefix.to_owned()))
}

/// The source that is named, else the one that lists this place, else the only one with a queue, else that of
/// backfills.
fn choose_source(
    sources: &[Source],
    bucket: &str,
    prefix: &str,
    named: Option<&str>,
) -> Result<usize, AdminProblem> {
    let find = |is_it: &dyn Fn(&Source) -> bool| sources.iter().position(is_it);
    if let Some(name) = named {
        let found = find(&|source| source.name == name);
        return found.ok_or_else(|| {
            wrong(format!("the config has no source `{name}`"), "GET /api/sources lists the sources")
        });
    }
    let lists = |source: &Source| match &source.input {
        SourceInput::S3(input) => input.bucket == bucket && prefix.starts_with(&input.prefix),
        _ => false,
    };
    if let Some(lister) = find(&lists) {
        return Ok(lister);
    }
    let has_queue = |source: &Source| matches!(source.input, SourceInput::Sqs(_));
    match sources.iter().filter(|source| has_queue(source)).count() {
        0 => find(&|source| source.name == BACKFILL)
            .ok_or_else(|| wrong("no source is for this bucket", "name a source")),
        1 => Ok(find(&has_queue).unwrap_or_default()),
        _ => Err(wrong(
            "several sources have a queue, and nobody can tell which of them is for this bucket",
            "name the source that is, or `backfill` for none of them",
        )),
    }
}

/// How AWS is reached for a source.
pub fn aws_access(source: &Source) -> AwsAccess {
    match &source.input {
        SourceInput::Files(_) | SourceInput::Http | SourceInput::Redis(_) => AwsAccess::default(),
        SourceInput::Sqs(input) => input.aws.clone(),
        SourceInput::S3(input) => input.aws.clone(),
    }
}

/// A backfill on its way.
pub struct BackfillRun {
    desk: Arc<Inner>,
    plan: Plan,
    messages: mpsc::Sender<BackfillProgress>,
}

impl BackfillRun {
    /// A backfill that tells `messages` how far it is, and stops when nobody listens any more.
    pub fn new(desk: Arc<Inner>, plan: Plan, messages: mpsc::Sender<BackfillProgress>) -> Self {
        Self { desk, plan, messages }
    }

    /// Runs to the end, and tells the result.
    pub async fn run(self) {
        let source = &self.desk.sources[self.plan.source];
        let (bucket, prefix) = (&*self.plan.bucket, &*self.plan.prefix);
        tracing::info!(source = source.name, bucket, prefix, "backfill started");
        self.make_account(source);
        let start_after = self.noted();
        let mut result = BackfillProgress {
            source: source.name.clone(),
            resumed_after: start_after.clone(),
            ..BackfillProgress::default()
        };
        if let Err(error) = self.count(&mut result, start_after).await {
            result.error = Some(error);
        }
        let is_complete = result.state == BackfillState::Complete;
        tracing::info!(
            source = source.name,
            bucket,
            prefix,
            is_complete,
            counted = result.counted,
            "backfill ended"
        );
        // Who has gone away does not want to know, and who does not read must not keep others from starting one.
        let _ = tokio::time::timeout(RESULT_WAIT_MAX, self.messages.send(result)).await;
    }

    async fn count(&self, result: &mut BackfillProgress, start_after: Option<String>) -> Result<(), String> {
        let source = &self.desk.sources[self.plan.source];
        let mut intake = self.desk.intakes[self.plan.source].clone();
        intake.reach = self.plan.reach;
        let clients = AwsClients::load(&aws_settings(&aws_access(source))).await;
        let (counting, workers) = start_sink(intake, &self.desk.shared).map_err(|error| error.to_string())?;
        let sink = Arc::new(HistorySink { counting: Arc::clone(&counting), taken: Mutex::default() });
        let (stop, stopped) = watch::channel(false);
        let (report, progress) = watch::channel(ListingProgress::default());
        let backfill = Backfill {
            clients,
            bucket: self.plan.bucket.clone(),
            prefix: self.plan.prefix.clone(),
            span: self.plan.span,
            start_after,
        };
        let listing = backfill.run(Arc::clone(&sink), stopped, |progress| {
            report.send_replace(progress.clone());
        });
        let outcome = self.watch(listing, result, &sink, &stop, &progress).await;
        end_sink(counting, workers).await;
        let progress = outcome.as_ref().map_or_else(|_| progress.borrow().clone(), Clone::clone);
        tell(result, &progress, &sink);
        let is_complete = outcome.is_ok() && progress.is_complete && progress.failed == 0;
        result.state = if is_complete { BackfillState::Complete } else { BackfillState::Incomplete };
        self.note(if is_complete { None } else { progress.done_up_to }, is_complete).await;
        outcome.map(|_| ()).map_err(|error| error.to_string())
    }

    /// Waits for the end; tells how far it is meanwhile, and stops it when the server stops or nobody listens.
    async fn watch(
        &self,
        listing: impl Future<Output = Result<ListingProgress, FetchError>>,
        result: &mut BackfillProgress,
        sink: &HistorySink,
        stop: &watch::Sender<bool>,
        progress: &watch::Receiver<ListingProgress>,
    ) -> Result<ListingProgress, FetchError> {
        let mut listing = std::pin::pin!(listing);
        let mut server_stop = self.desk.stop.clone();
        let mut ticks = interval(PROGRESS_INTERVAL);
        let mut tick = 0;
        loop {
            let is_stopping = *stop.borrow();
            tokio::select! {
                outcome = &mut listing => return outcome,
                _ = ticks.tick() => {}
                () = self.messages.closed(), if !is_stopping => drop(stop.send(true)),
                _ = server_stop.wait_for(|stop| *stop), if !is_stopping => drop(stop.send(true)),
            }
            let now = progress.borrow().clone();
            tell(result, &now, sink);
            // A reader that is slow misses some.
            let _ = self.messages.try_send(result.clone());
            tick += 1;
            if tick % PROGRESSES_PER_NOTE == 0 {
                self.note(now.done_up_to, false).await;
            }
        }
    }

    /// Where an earlier one that was not finished has stopped.
    fn noted(&self) -> Option<String> {
        let noted = self.desk.shared.ledger.read(|ledger| ledger.state::<Vec<u8>>(&self.plan.name));
        // Without it every object is found to be known.
        noted.ok().flatten().and_then(|key| String::from_utf8(key).ok())
    }

    /// Notes where to go on, or that there is nothing to go on with.
    async fn note(&self, done_up_to: Option<String>, is_complete: bool) {
        if done_up_to.is_none() && !is_complete || done_up_to.is_some() && !self.has_room() {
            return;
        }
        let key = done_up_to.unwrap_or_default().into_bytes();
        let (done, is_done) = oneshot::channel();
        let request = Request::Keep(self.plan.name.clone(), key, done);
        if self.desk.shared.commits.send_async(request).await.is_ok() {
            // Where it could not be kept, the next one takes longer.
            let _ = is_done.await;
        }
    }

    fn has_room(&self) -> bool {
        let begun = self.desk.shared.ledger.read(|ledger| {
            let begun = ledger.states_with_prefix::<Vec<u8>>(BEGUN)?;
            Ok(begun.len() < BEGUN_MAX || begun.iter().any(|(name, _)| **name == *self.plan.name))
        });
        begun.unwrap_or(false)
    }

    /// Makes the account of the source that no config has.
    fn make_account(&self, source: &Source) {
        let mut inner = self.desk.shared.state.lock();
        let name = Arc::clone(&self.desk.intakes[self.plan.source].source);
        if source.name == BACKFILL {
            inner.sources.entry(name).or_insert_with(|| SourceState::history(Account::default()));
        }
    }
}

fn tell(result: &mut BackfillProgress, progress: &ListingProgress, sink: &HistorySink) {
    let taken = *sink.taken.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = sink.counting.lines();
    result.listed = progress.listed;
    result.listed_bytes = progress.listed_bytes;
    result.done = progress.done;
    result.done_bytes = progress.done_bytes;
    result.outside = progress.skipped;
    result.failed = progress.failed;
    result.first_failure.clone_from(&progress.first_failure);
    result.counted = taken.counted;
    result.duplicates = taken.duplicates;
    result.rejected_objects = taken.rejected;
    // Those that are skipped for their name come without a body.
    let others = taken.counted + taken.duplicates + taken.rejected;
    result.skipped = progress.done.saturating_sub(others);
    (result.records, result.rejects) = (lines.records, lines.rejects);
}

/// Objects by what became of them.
#[derive(Clone, Copy, Debug, Default)]
struct TakenObjects {
    counted: u64,
    duplicates: u64,
    rejected: u64,
}

/// The way into the counts, which also counts objects and never says that a source is complete.
struct HistorySink {
    counting: Arc<CountingSink>,
    taken: Mutex<TakenObjects>,
}

impl HistorySink {
    fn add(&self, change: impl FnOnce(&mut TakenObjects)) {
        change(&mut self.taken.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl ObjectSink for HistorySink {
    fn is_known(&self, object: &ObjectReference) -> bool {
        self.counting.is_known(object)
    }

    async fn take(&self, object: FetchedObject) -> Taken {
        let taken = self.counting.take(object).await;
        match taken {
            Taken::Counted => self.add(|all| all.counted += 1),
            Taken::Duplicate => self.add(|all| all.duplicates += 1),
            Taken::Changed => self.add(|all| all.rejected += 1),
            Taken::Skipped | Taken::Broken { .. } | Taken::Again | Taken::Stopping | Taken::Unavailable => {}
        }
        taken
    }

    async fn give_up(&self, what: GivenUp) -> Result<(), Unavailable> {
        self.counting.give_up(what).await?;
        self.add(|all| all.rejected += 1);
        Ok(())
    }

    fn failed(&self, label: &'static str) {
        self.counting.failed(label);
    }

    fn duplicate(&self) {
        self.counting.duplicate();
        self.add(|all| all.duplicates += 1);
    }

    fn skipped(&self, kind: NotAccessLog) {
        self.counting.skipped(kind);
    }

    fn caught_up(&self, _at: SystemTime) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    const CONFIG: &str = "
sources:
  - {name: web, type: file, path: a.log}
  - {name: listed, type: alb, s3: {bucket: logs, prefix: eu/}}
";
    const QUEUE: &str = "  - {name: NAME, type: alb, sqs: {queue_url: 'https://sqs.example.com/1/q'}}\n";

    fn plan(queues: &[&str], url: &str, source: Option<&str>) -> Result<(String, String), String> {
        let queues: String = queues.iter().map(|name| QUEUE.replace("NAME", name)).collect();
        let config = config::parse("weir.yaml", &format!("{CONFIG}{queues}"), &|_| None).unwrap();
        let mut sources = config.sources;
        sources.push(Source { name: BACKFILL.to_owned(), ..sources[0].clone() });
        let request = BackfillRequest {
            url: url.to_owned(),
            from: Some("2026-11-01".to_owned()),
            source: source.map(str::to_owned),
            ..BackfillRequest::default()
        };
        let plan =
            Plan::of(&request, &sources, Timestamp::from_seconds(0)).map_err(|problem| problem.error)?;
        Ok((sources[plan.source].name.clone(), plan.name))
    }

    #[test]
    fn the_source_is_the_one_whose_objects_they_are() {
        for (queues, url, source, expected) in [
            (&[] as &[&str], "s3://logs/eu/2026", None, "listed"),
            (&[], "s3://logs/us", None, "backfill"),
            (&[], "s3://other", None, "backfill"),
            (&["queue"], "s3://other/a", None, "queue"),
            (&["queue"], "s3://logs/eu/", None, "listed"),
            (&["queue"], "s3://other/a", Some("web"), "web"),
            (&["queue"], "s3://other/a", Some("backfill"), "backfill"),
        ] {
            assert_eq!(plan(queues, url, source).map(|(name, _)| name), Ok(expected.to_owned()), "{url}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (queues, url, source, expected) in [
            (&[] as &[&str], "logs/eu", None, "`logs/eu` is not the address of a bucket"),
            (&[], "s3://", None, "`` is not the name of a bucket"),
            (&[], "s3://a b/c", None, "`a b` is not the name of a bucket"),
            (&[], "s3://logs", Some("nobody"), "the config has no source `nobody`"),
            (&["a", "b"], "s3://other", None, "several sources have a queue"),
        ] {
            let error = plan(queues, url, source).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        let request = BackfillRequest {
            url: "s3://logs".to_owned(),
            from: Some("2026-11-02".to_owned()),
            to: Some("2026-11-02".to_owned()),
            ..BackfillRequest::default()
        };
        let problem = Plan::of(&request, &[], Timestamp::from_seconds(0)).unwrap_err();
        assert!(problem.error.contains("is not before"), "{problem}");
    }

    #[test]
    fn a_backfill_is_known_by_what_was_asked_for() {
        let (_, name) = plan(&[], "s3://logs/eu/2026", None).unwrap();
        assert_eq!(name, "backfill/logs/eu/2026/2026-11-01T00:00:00Z/");
    }
}
