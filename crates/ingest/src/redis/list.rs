//! One list, from the server's left end to the sink.
//!
//! A session is a connection: it looks at what an earlier one left, then moves batch after batch. Each round is one
//! pipeline, with the deletion of what became durable in front of the next move. When anything fails the session
//! ends and another begins, with longer pauses as long as it does not work; what is on its way goes on meanwhile.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, Value};
use tokio::sync::watch;
use tokio::time::Instant;
use weir_record::Timestamp;

use super::connection::{Trouble, connect};
use super::in_flight::{Finished, InFlight};
use super::names::{ListNames, identity};
use super::rivals::{Rival, rivals};
use super::script::{add_move, add_release};
use super::{BatchMax, RedisServer, stopped};
use crate::clock::now;
use crate::s3::outage::Outage;
use crate::s3::retry_pace::RetryPace;
use crate::{Message, MessageBatch, MessageSink};

/// How often a server that cannot be used is tried.
const PACE: RetryPace = RetryPace { first: Duration::from_millis(200), longest: Duration::from_secs(10) };

/// How long entries gather on the list when all there were have been taken: each batch is a transaction, and a list
/// that is fed line by line would make a thousand of them a second.
const GATHER: Duration = Duration::from_millis(100);

/// How soon a list that stays empty is asked again. Four questions a second cost nothing.
const IDLE: Duration = Duration::from_millis(250);

/// How long a batch is known after its list was deleted: a Redis that does not sync each write may bring back what it
/// deleted in its last seconds.
const KNOWN_FOR: Duration = Duration::from_secs(600);

/// Identities that wait to be forgotten; beyond it they go with `objects_retention`, as those do that a restart
/// leaves.
const KNOWN_MAX: usize = 100_000;

/// How often processing lists are looked for that a server filled after its answer was given up.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// How long batches on their way may take when the program stops.
const STOP_MAX: Duration = Duration::from_secs(10);

/// Reads one list.
pub(super) struct ListReader<S> {
    source: String,
    server: RedisServer,
    names: ListNames,
    batch_max: BatchMax,
    sink: Arc<S>,
    outage: Outage,
    in_flight: InFlight,
    /// The number of the next batch.
    number: u64,
    /// Processing lists that an earlier session left.
    left_behind: VecDeque<String>,
    /// Processing lists that are to be deleted.
    releases: Vec<Release>,
    /// Identities of batches whose lists are deleted, and when that was.
    known: VecDeque<(Instant, [u8; 16])>,
    /// What rejects are said to come from.
    origin: Arc<str>,
    is_rivalry_told: bool,
}

struct Release {
    list: String,
    /// What its batch is known by.
    identity: Option<[u8; 16]>,
    /// Whether it has to be there: not where its deletion was tried before.
    is_first: bool,
}

/// What a round asks for beside deletions.
enum Wanted {
    /// Entries, moved to this list.
    Move(String),
    /// What is in this list.
    LeftBehind(String),
}

/// What a list may have left after a round.
enum Left {
    /// It was empty.
    Nothing,
    /// What came since: all that was there has been taken.
    Few,
    /// Anything.
    More,
}

impl Left {
    /// How long to wait before the next round.
    fn pause(&self) -> Duration {
        match self {
            Left::Nothing => IDLE,
            Left::Few => GATHER,
            Left::More => Duration::ZERO,
        }
    }
}

impl<S: MessageSink> ListReader<S> {
    pub(super) fn new(
        source: &str,
        server: &RedisServer,
        key: &str,
        batch_max: BatchMax,
        instance: &str,
        sink: Arc<S>,
    ) -> Self {
        let names = ListNames::new(key, instance, &format!("{:x}", now().micros()));
        Self {
            source: source.to_owned(),
            server: server.clone(),
            names,
            batch_max,
            sink,
            outage: Outage::new("redis list"),
            in_flight: InFlight::default(),
            number: 0,
            left_behind: VecDeque::new(),
            releases: Vec::new(),
            known: VecDeque::new(),
            origin: format!("redis:{key}").into(),
            is_rivalry_told: false,
        }
    }

    /// Reads until `stop` says true or its sender is gone.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>, caught_up: impl Fn(Timestamp) + Send) {
        let mut failures = 0;
        loop {
            let began = self.number;
            let ended = tokio::select! {
                ended = self.session(&caught_up) => ended,
                () = stopped(&mut stop) => break,
            };
            // One that got somewhere has earned a quick retry.
            failures = if self.number > began + 1 { 0 } else { failures };
            if let Err(trouble) = ended {
                self.outage.failed(&self.source, &trouble);
            }
            let pause = tokio::time::sleep(PACE.pause(failures, &self.names.key));
            failures = failures.saturating_add(1);
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = &mut pause => break,
                    finished = self.in_flight.next() => self.finish(finished),
                    () = stopped(&mut stop) => return self.stop().await,
                }
            }
        }
        self.stop().await;
    }

    /// Waits for what is on its way and deletes what became durable, within bounds.
    async fn stop(&mut self) {
        let settle = async {
            while !self.in_flight.is_empty() {
                let finished = self.in_flight.next().await;
                self.finish(finished);
            }
            if !self.releases.is_empty()
                && let Ok(mut connection) = connect(&self.server).await
            {
                let _ = self.round(&mut connection, None).await;
            }
        };
        // What is not deleted is known at the next start.
        let _ = tokio::time::timeout(STOP_MAX, settle).await;
    }

    /// Works until something fails.
    async fn session(&mut self, caught_up: &(impl Fn(Timestamp) + Send)) -> Result<(), Trouble> {
        let mut connection = connect(&self.server).await?;
        self.tell_rivals(&mut connection).await;
        self.find_left_behind(&mut connection).await?;
        let (mut next_at, mut swept) = (Instant::now(), Instant::now());
        loop {
            if let Some(at) = self.in_flight.take_caught_up() {
                caught_up(at);
            }
            if !self.in_flight.has_room() || Instant::now() < next_at {
                let has_room = self.in_flight.has_room();
                tokio::select! {
                    finished = self.in_flight.next() => self.finish(finished),
                    () = tokio::time::sleep_until(next_at), if has_room => {}
                }
                continue;
            }
            if swept.elapsed() >= SWEEP_EVERY && self.left_behind.is_empty() {
                self.tell_rivals(&mut connection).await;
                self.find_left_behind(&mut connection).await?;
                swept = Instant::now();
            }
            let wanted = self.next_wanted();
            let left = self.round(&mut connection, Some(wanted)).await?;
            self.outage.worked(&self.source);
            next_at = Instant::now() + left.pause();
        }
    }

    fn next_wanted(&mut self) -> Wanted {
        if let Some(list) = self.left_behind.pop_front() {
            return Wanted::LeftBehind(list);
        }
        let list = self.names.batch(self.number);
        self.number += 1;
        Wanted::Move(list)
    }

    /// Deletes what is done with and takes what is wanted, in one pipeline.
    async fn round(
        &mut self,
        connection: &mut MultiplexedConnection,
        wanted: Option<Wanted>,
    ) -> Result<Left, Trouble> {
        let mut pipeline = redis::pipe();
        for release in &self.releases {
            add_release(&mut pipeline, &self.names, &release.list);
        }
        match &wanted {
            Some(Wanted::Move(list)) => add_move(&mut pipeline, &self.names, list, self.batch_max),
            Some(Wanted::LeftBehind(list)) => {
                pipeline.cmd("LRANGE").arg(list).arg(0).arg(-1);
            }
            None => {}
        }
        let asked_at = now();
        let firsts: Vec<bool> =
            self.releases.iter_mut().map(|release| std::mem::take(&mut release.is_first)).collect();
        let mut answers = pipeline.query_async::<Vec<Value>>(connection).await?.into_iter();
        for (release, was_first) in std::mem::take(&mut self.releases).into_iter().zip(firsts) {
            if let Some(identity) = release.identity.filter(|_| self.known.len() < KNOWN_MAX) {
                self.known.push_back((Instant::now(), identity));
            }
            let was_there = answers.next().map(i64::from_redis_value).transpose()?;
            answers.next();
            if was_there == Some(0) && was_first {
                tracing::warn!(
                    source = %self.source, key = %self.names.key, list = %release.list,
                    "Redis forgot a batch that was taken; its lines may come again and be counted twice \
                     (set appendfsync always)"
                );
            }
        }
        let Some(wanted) = wanted else { return Ok(Left::Nothing) };
        let entries = answers.next().map(Vec::<Vec<u8>>::from_redis_value).transpose()?.unwrap_or_default();
        Ok(self.take(wanted, entries, asked_at))
    }

    /// Sends what was taken on its way.
    fn take(&mut self, wanted: Wanted, entries: Vec<Vec<u8>>, asked_at: Timestamp) -> Left {
        let (list, drained_at) = match wanted {
            Wanted::Move(_) if entries.is_empty() => {
                self.in_flight.drained(asked_at);
                return Left::Nothing;
            }
            // Fewer than it would have taken, so there were no more.
            Wanted::Move(list) => {
                let bytes: usize = entries.iter().map(Vec::len).sum();
                let is_all = entries.len() < self.batch_max.entries && bytes < self.batch_max.bytes / 2;
                (list, is_all.then_some(asked_at))
            }
            Wanted::LeftBehind(list) if entries.is_empty() => {
                // Deleted, and only its name was left.
                self.releases.push(Release { list, identity: None, is_first: false });
                return Left::More;
            }
            Wanted::LeftBehind(list) => (list, None),
        };
        let identity = identity(&list, entries.iter().map(Vec::as_slice));
        let message = |bytes| Message::new(bytes, Arc::clone(&self.origin));
        let messages = entries.into_iter().map(message).collect();
        let forget = self.no_longer_known();
        let batch = MessageBatch { messages, received_at: now(), forget, ..MessageBatch::default() };
        self.in_flight.add(list, identity, batch, drained_at, &self.sink);
        if drained_at.is_some() { Left::Few } else { Left::More }
    }

    /// Identities that cannot come again.
    fn no_longer_known(&mut self) -> Vec<[u8; 16]> {
        let mut forget = Vec::new();
        while let Some((_, identity)) = self.known.pop_front_if(|(deleted, _)| deleted.elapsed() >= KNOWN_FOR)
        {
            forget.push(identity);
        }
        forget
    }

    /// Notes what is to be deleted.
    fn finish(&mut self, Finished { list, identity, is_durable }: Finished) {
        if is_durable {
            self.releases.push(Release { list, identity: Some(identity), is_first: true });
        }
    }

    /// Finds the processing lists of this instance that nobody works on.
    async fn find_left_behind(&mut self, connection: &mut MultiplexedConnection) -> Result<(), Trouble> {
        let lists: Vec<String> =
            redis::cmd("SMEMBERS").arg(&self.names.index).query_async(connection).await?;
        let is_new = |list: &String| {
            !self.in_flight.contains(list) && !self.releases.iter().any(|release| release.list == *list)
        };
        self.left_behind = lists.into_iter().filter(is_new).collect();
        if !self.left_behind.is_empty() {
            let (batches, key) = (self.left_behind.len(), &self.names.key);
            tracing::info!(source = %self.source, %key, batches, "looking at batches that were taken before");
        }
        Ok(())
    }

    /// Warns of others that take from lists, once for as long as there are some.
    async fn tell_rivals(&mut self, connection: &mut MultiplexedConnection) {
        let mut pipeline = redis::pipe();
        pipeline.cmd("CLIENT").arg("ID").cmd("CLIENT").arg("LIST");
        // Not everybody may ask this.
        let Ok((own_id, list)) = pipeline.query_async::<(i64, String)>(connection).await else { return };
        let found = rivals(&list, own_id);
        if let Some(Rival { address, name, command }) = found.first().filter(|_| !self.is_rivalry_told) {
            tracing::warn!(
                source = %self.source, key = %self.names.key, clients = found.len(), address, name, command,
                "another client takes entries from lists of this database; if it is this list, each gets only a part \
                 of the lines (stop it, or give each a key of its own)"
            );
        }
        self.is_rivalry_told = !found.is_empty();
    }
}
