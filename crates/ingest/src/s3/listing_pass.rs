//! One way through a listing: bounded work, in any order, and a key below which all of it is done.
//!
//! Objects end in another order than they are listed in, since one is large and the next is not. Waiting for each
//! would be slow and noting none would make a backfill of a year start anew, so the keys in work are kept in their
//! order, and the first that is not done is the limit. An object that fails for a reason of its own is tried a few
//! times on the spot, as there is no queue that would bring it again.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::fetch_error::FetchError;
use super::intake::{Dealt, Failure, FailurePace, HOLD_BACK_MAX, Intake};
use super::left_behind::LeftBehind;
use super::listing::Listing;
use super::object_reference::ObjectReference;
use super::retry_pace::{RetryPace, SERVICE_PACE};
use super::sink::ObjectSink;

/// Objects in work at once.
const OBJECTS_IN_WORK_MAX: usize = 64;

/// Objects that are done while an older one is not; beyond it the listing waits, so that resuming stays cheap.
const OBJECTS_AHEAD_MAX: usize = 1024;

/// How often an object is tried that is at fault itself, before it is given up.
const TRIES_MAX: u32 = 3;

/// Objects that one pass may leave behind, beside those that earlier ones did; with more it ends, since something
/// is wrong with all of them.
const FAILED_MAX: usize = 100;

/// How long work may go on after the stop.
const DRAIN_MAX: Duration = Duration::from_secs(20);

const TRY_PACE: RetryPace = RetryPace { first: Duration::from_secs(2), longest: Duration::from_secs(10) };

/// How far a listing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListingProgress {
    /// Objects that were found in the span.
    pub listed: u64,
    /// Their size in bytes, packed.
    pub listed_bytes: u64,
    /// Objects that were seen outside of the span.
    pub skipped: u64,
    /// Objects that need nothing more: counted, known before, or given up.
    pub done: u64,
    /// Their size in bytes, packed.
    pub done_bytes: u64,
    /// Objects that are still to be counted and could not be now.
    pub failed: u64,
    /// What was wrong with the first of them.
    pub first_failure: Option<String>,
    /// Everything up to this key is done; where to go on another time.
    pub done_up_to: Option<String>,
    /// Whether the listing came to its end; there may be failed objects nevertheless.
    pub is_complete: bool,
}

/// One way through a listing.
pub(super) struct Pass<S, R> {
    intake: Arc<Intake<S>>,
    stop: watch::Receiver<bool>,
    outage_tries: u32,
    report: R,
    pub(super) progress: ListingProgress,
    /// Objects to try again in another pass.
    pub(super) failed: Vec<LeftBehind>,
    /// Everything up to this key is done or in `failed`.
    pub(super) listed_up_to: Option<String>,
    /// How many of `failed` other passes left behind.
    carried_count: usize,
    /// What other passes left behind, by key, and since when.
    carried: HashMap<String, Instant>,
    tasks: JoinSet<Dealt>,
    in_work: HashMap<tokio::task::Id, InWork>,
    /// Keys in their order, and whether they are done; the first stands for `first_number`.
    ahead: VecDeque<(String, bool)>,
    first_number: u64,
    /// Whether an object was left behind: no key after it is one "up to which everything is done".
    is_blocked: bool,
}

/// An object that a task is about.
struct InWork {
    object: ObjectReference,
    /// Its place in the order of this pass.
    number: u64,
}

/// The number of an object that has no place in the order of a pass.
const NO_NUMBER: u64 = u64::MAX;

impl<S: ObjectSink, R: FnMut(&ListingProgress)> Pass<S, R> {
    pub(super) fn new(
        intake: Arc<Intake<S>>,
        stop: watch::Receiver<bool>,
        outage_tries: u32,
        report: R,
    ) -> Self {
        Self {
            intake,
            stop,
            outage_tries,
            report,
            progress: ListingProgress::default(),
            failed: Vec::new(),
            listed_up_to: None,
            carried_count: 0,
            carried: HashMap::new(),
            tasks: JoinSet::new(),
            in_work: HashMap::new(),
            ahead: VecDeque::new(),
            first_number: 0,
            is_blocked: false,
        }
    }

    /// Tries objects again that another pass left behind. They are no part of this one's order.
    pub(super) async fn again(&mut self, objects: Vec<LeftBehind>) {
        self.carried = objects.iter().map(|left| (left.object.key.clone(), left.since)).collect();
        for left in objects {
            if !self.start(left.object, NO_NUMBER).await {
                break;
            }
        }
        self.finish().await;
        self.carried_count = self.failed.len();
        let failed = &self.failed;
        self.carried = failed.iter().map(|left| (left.object.key.clone(), left.since)).collect();
    }

    /// Brings everything of a listing to the sink, and waits until it is dealt with.
    ///
    /// # Errors
    ///
    /// [`FetchError`] when the listing breaks off; what was listed until then is dealt with.
    pub(super) async fn feed(&mut self, mut listing: Listing) -> Result<(), FetchError> {
        let outcome = self.feed_parts(&mut listing).await;
        self.finish().await;
        (self.report)(&self.progress);
        outcome
    }

    async fn feed_parts(&mut self, listing: &mut Listing) -> Result<(), FetchError> {
        let mut attempt = 0;
        while !is_stopped(&self.stop) && !self.has_too_many_failed() {
            let mut stop = self.stop.clone();
            let part = tokio::select! {
                part = listing.next_part() => part,
                _ = stop.wait_for(|is_stopped| *is_stopped) => return Ok(()),
            };
            match part {
                Ok(Some(part)) => {
                    attempt = 0;
                    self.progress.skipped += part.skipped;
                    for object in part.objects {
                        if self.has_too_many_failed() || !self.take_up(object.reference).await {
                            return Ok(());
                        }
                    }
                    if let Some(end) = part.end {
                        self.number(&end, true);
                        self.listed_up_to = Some(end);
                    }
                    self.advance();
                    (self.report)(&self.progress);
                }
                Ok(None) => {
                    self.progress.is_complete = !is_stopped(&self.stop);
                    return Ok(());
                }
                Err(FetchError::Unavailable { .. }) if attempt + 1 < self.outage_tries => {
                    pause(SERVICE_PACE.pause(attempt, "listing"), &self.stop).await;
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn has_too_many_failed(&self) -> bool {
        self.failed.len().saturating_sub(self.carried_count) >= FAILED_MAX
    }

    /// Takes up the next object of the listing; false if the stop came first.
    async fn take_up(&mut self, object: ObjectReference) -> bool {
        self.progress.listed += 1;
        self.progress.listed_bytes += object.size.unwrap_or(0);
        let key = object.key.clone();
        let number = self.number(&key, false);
        if self.carried.contains_key(&key) {
            // It was tried in this pass already.
            self.block(number);
        } else if !self.start(object, number).await {
            return false;
        }
        self.listed_up_to = Some(key);
        true
    }

    /// The number of the next key of the order, if it still matters.
    fn number(&mut self, key: &str, is_done: bool) -> u64 {
        if self.is_blocked {
            return NO_NUMBER;
        }
        self.ahead.push_back((key.to_owned(), is_done));
        self.first_number + self.ahead.len() as u64 - 1
    }

    /// Nothing from this number on is "everything up to here" any more; what is before it still becomes so.
    fn block(&mut self, number: u64) {
        if number == NO_NUMBER {
            return;
        }
        self.is_blocked = true;
        let place = usize::try_from(number.saturating_sub(self.first_number)).unwrap_or(usize::MAX);
        self.ahead.truncate(place);
    }

    /// Brings an object to the sink, after room was made for it; false if the stop came first.
    async fn start(&mut self, object: ObjectReference, number: u64) -> bool {
        let mut stop = self.stop.clone();
        while self.tasks.len() >= OBJECTS_IN_WORK_MAX || self.ahead.len() > OBJECTS_AHEAD_MAX {
            tokio::select! {
                is_more = self.join() => if !is_more { break },
                _ = stop.wait_for(|is_stopped| *is_stopped) => return false,
            }
        }
        if is_stopped(&self.stop) {
            return false;
        }
        let (intake, stop, outage_tries) = (Arc::clone(&self.intake), self.stop.clone(), self.outage_tries);
        let in_work = InWork { object: object.clone(), number };
        let task =
            self.tasks.spawn(async move { count_patiently(&intake, object, &stop, outage_tries).await });
        self.in_work.insert(task.id(), in_work);
        true
    }

    /// Waits for what is in work, after the stop only for a while.
    async fn finish(&mut self) {
        let mut stop = self.stop.clone();
        loop {
            tokio::select! {
                is_more = self.join() => if !is_more { return },
                _ = stop.wait_for(|is_stopped| *is_stopped) => break,
            }
        }
        let rest = async { while self.join().await {} };
        if tokio::time::timeout(DRAIN_MAX, rest).await.is_err() {
            self.progress.is_complete = false;
            self.tasks.shutdown().await;
        }
    }

    /// Waits for one object; false if none is in work.
    async fn join(&mut self) -> bool {
        let (id, dealt) = match self.tasks.join_next_with_id().await {
            None => return false,
            Some(Ok((id, dealt))) => (id, Some(dealt)),
            Some(Err(error)) => {
                tracing::error!(error = %error, "counting an object broke off; please report this");
                (error.id(), None)
            }
        };
        if let Some(in_work) = self.in_work.remove(&id) {
            self.note(in_work, dealt);
        }
        (self.report)(&self.progress);
        true
    }

    /// Notes what became of an object; `None` if that broke off.
    fn note(&mut self, InWork { object, number }: InWork, dealt: Option<Dealt>) {
        match dealt {
            Some(Dealt::Done) => {
                self.progress.done += 1;
                self.progress.done_bytes += object.size.unwrap_or(0);
                let place = number.checked_sub(self.first_number).and_then(|at| usize::try_from(at).ok());
                if let Some((_, is_done)) = place.and_then(|at| self.ahead.get_mut(at)) {
                    *is_done = true;
                }
                self.advance();
            }
            Some(Dealt::Stopping) => {
                self.progress.is_complete = false;
                self.block(number);
            }
            Some(Dealt::Failed(failure)) => {
                self.leave_behind(failure.object, failure.pace.hold_back(), failure.text);
                self.block(number);
            }
            None => {
                let text = format!("counting {object} broke off");
                self.leave_behind(object, HOLD_BACK_MAX, text);
                self.block(number);
            }
        }
    }

    fn leave_behind(&mut self, object: ObjectReference, hold_back: Duration, text: String) {
        self.progress.failed += 1;
        self.progress.first_failure.get_or_insert(text);
        let since = self.carried.get(&object.key).copied().unwrap_or_else(Instant::now);
        self.failed.push(LeftBehind { object, since, hold_back });
    }

    fn advance(&mut self) {
        while let Some((key, _)) = self.ahead.pop_front_if(|(_, is_done)| *is_done) {
            self.first_number += 1;
            self.progress.done_up_to = Some(key);
        }
    }

    /// Tells the log why the listing broke off.
    pub(super) fn tell(&self, error: &FetchError) {
        let pace = self.intake.judge(error);
        if matches!(pace, FailurePace::Try | FailurePace::SoonTry) {
            tracing::warn!(error = %error, "cannot list the bucket; trying again at the next poll");
        }
    }
}

/// Counts an object, and tries again what can get better on the spot.
async fn count_patiently<S: ObjectSink>(
    intake: &Intake<S>,
    mut object: ObjectReference,
    stop: &watch::Receiver<bool>,
    outage_tries: u32,
) -> Dealt {
    let mut attempt = 0;
    loop {
        let failure = match intake.count(object.clone(), stop).await {
            Dealt::Failed(failure) => failure,
            dealt => return dealt,
        };
        attempt += 1;
        let wait = match failure.pace {
            FailurePace::Try | FailurePace::SoonTry if attempt >= TRIES_MAX => {
                return give_up(intake, failure).await;
            }
            FailurePace::Outage if attempt < outage_tries => SERVICE_PACE.pause(attempt - 1, &object.key),
            // It was brought again a few times already.
            FailurePace::Outage | FailurePace::Person | FailurePace::Again => return Dealt::Failed(failure),
            FailurePace::Try => TRY_PACE.pause(attempt - 1, &object.key),
            FailurePace::SoonTry => {
                // It was replaced after it was listed: what it is now has to be counted.
                if let Ok(head) = intake.client.head(&object).await {
                    object = head.reference;
                }
                TRY_PACE.pause(0, &object.key)
            }
        };
        if !pause(wait, stop).await {
            return Dealt::Stopping;
        }
    }
}

async fn give_up<S: ObjectSink>(intake: &Intake<S>, failure: Failure) -> Dealt {
    match intake.give_up(failure.given_up()).await {
        Ok(()) => Dealt::Done,
        Err(_) => Dealt::Failed(failure),
    }
}

/// Whether the stop came; a sender that is gone means the same.
pub(super) fn is_stopped(stop: &watch::Receiver<bool>) -> bool {
    *stop.borrow() || stop.has_changed().is_err()
}

/// Waits, unless the stop comes first, which gives false.
pub(super) async fn pause(pause: Duration, stop: &watch::Receiver<bool>) -> bool {
    let mut stop = stop.clone();
    tokio::select! {
        () = tokio::time::sleep(pause) => true,
        _ = stop.wait_for(|is_stopped| *is_stopped) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FakeAws, Remembering};
    use super::*;

    type TestPass = Pass<Remembering, fn(&ListingProgress)>;

    async fn pass(stop: &watch::Sender<bool>) -> (FakeAws, TestPass) {
        let aws = FakeAws::start();
        let client = aws.clients().await.s3();
        let intake = Intake::new(Arc::new(Remembering::default()), client, "b".to_owned());
        (aws, Pass::new(Arc::new(intake), stop.subscribe(), 1, |_| ()))
    }

    impl TestPass {
        fn found(&mut self, key: &str) -> InWork {
            InWork { object: ObjectReference::new("b", key), number: self.number(key, false) }
        }

        fn done_up_to(&self) -> Option<&str> {
            self.progress.done_up_to.as_deref()
        }
    }

    #[tokio::test]
    async fn nothing_behind_a_failed_object_is_done_up_to_whatever_ends_later() {
        let (stop, _) = watch::channel(false);
        let (_aws, mut pass) = pass(&stop).await;
        let [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map(|key| pass.found(key));
        pass.note(b, Some(Dealt::Done));
        assert_eq!(pass.done_up_to(), None, "a is in work");
        pass.note(d, None);
        pass.note(e, Some(Dealt::Done));
        pass.number("end of the part", true);
        pass.advance();
        assert_eq!(pass.done_up_to(), None);
        let f = pass.found("f");
        pass.note(a, Some(Dealt::Done));
        assert_eq!(pass.done_up_to(), Some("b"));
        pass.note(f, Some(Dealt::Done));
        assert_eq!(pass.done_up_to(), Some("b"));
        pass.note(c, Some(Dealt::Done));
        pass.number("end of another part", true);
        pass.advance();
        assert_eq!(pass.done_up_to(), Some("c"), "what is before the failed one counts");
        assert_eq!((pass.failed.len(), pass.progress.done), (1, 5));
    }

    #[tokio::test]
    async fn a_stop_is_heard_while_everything_is_in_work() {
        let (stop, _) = watch::channel(false);
        let (_aws, mut pass) = pass(&stop).await;
        for _ in 0..OBJECTS_IN_WORK_MAX {
            pass.tasks.spawn(std::future::pending());
        }
        stop.send_replace(true);
        assert!(!pass.start(ObjectReference::new("b", "k"), NO_NUMBER).await);
    }
}
