//! One way through a listing: bounded work, in any order, and a key below which all of it is done.
//!
//! Objects end in another order than they are listed in, since one is large and the next is not. Waiting for each
//! would be slow and noting none would make a backfill of a year start anew, so the keys in work are kept in their
//! order, and the first that is not done is the limit. An object that fails for a reason of its own is tried a few
//! times on the spot, as there is no queue that would bring it again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::fetch_error::FetchError;
use super::intake::{Dealt, Failure, FailurePace, Intake};
use super::listing::Listing;
use super::object_reference::ObjectReference;
use super::retry_pace::{RetryPace, SERVICE_PACE};
use super::sink::{GivenUpContent, ObjectSink};

/// Objects in work at once.
const OBJECTS_IN_WORK_MAX: usize = 64;

/// Objects that are done while an older one is not; beyond it the listing waits, so that resuming stays cheap.
const OBJECTS_AHEAD_MAX: usize = 1024;

/// How often an object is tried that is at fault itself, before it is given up.
const TRIES_MAX: u32 = 3;

/// Objects that one pass may leave behind; with more it ends, since something is wrong with all of them.
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
    pub(super) failed: Vec<ObjectReference>,
    tasks: JoinSet<Ended>,
    /// Keys in their order, and whether they are done; the first stands for `first_number`.
    ahead: VecDeque<(String, bool)>,
    first_number: u64,
}

/// What a task comes back with.
struct Ended {
    number: u64,
    size: u64,
    dealt: Dealt,
}

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
            tasks: JoinSet::new(),
            ahead: VecDeque::new(),
            first_number: 0,
        }
    }

    /// Tries objects again that another pass left behind. They are no part of this one's order.
    pub(super) async fn again(&mut self, objects: Vec<ObjectReference>) {
        for object in objects {
            self.start(object, u64::MAX).await;
        }
        self.finish().await;
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
        while !is_stopped(&self.stop) && self.failed.len() < FAILED_MAX {
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
                        if is_stopped(&self.stop) || self.failed.len() >= FAILED_MAX {
                            return Ok(());
                        }
                        let number = self.first_number + self.ahead.len() as u64;
                        self.progress.listed += 1;
                        self.progress.listed_bytes += object.reference.size.unwrap_or(0);
                        self.ahead.push_back((object.reference.key.clone(), false));
                        self.start(object.reference, number).await;
                    }
                    self.ahead.extend(part.end.map(|end| (end, true)));
                    self.advance();
                    (self.report)(&self.progress);
                }
                Ok(None) => {
                    self.progress.is_complete = true;
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

    /// Takes up an object, after room was made for it.
    async fn start(&mut self, object: ObjectReference, number: u64) {
        while self.tasks.len() >= OBJECTS_IN_WORK_MAX || self.ahead.len() > OBJECTS_AHEAD_MAX {
            if !self.join().await {
                break;
            }
        }
        let (intake, stop, outage_tries) = (Arc::clone(&self.intake), self.stop.clone(), self.outage_tries);
        self.tasks.spawn(async move {
            let size = object.size.unwrap_or(0);
            Ended { number, size, dealt: count_patiently(&intake, object, &stop, outage_tries).await }
        });
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
        match self.tasks.join_next().await {
            None => return false,
            Some(Ok(ended)) => self.note(ended),
            Some(Err(error)) => {
                tracing::error!(error = %error, "counting an object broke off; please report this");
                self.progress.is_complete = false;
                self.progress.failed += 1;
            }
        }
        (self.report)(&self.progress);
        true
    }

    fn note(&mut self, ended: Ended) {
        match ended.dealt {
            Dealt::Done => {
                self.progress.done += 1;
                self.progress.done_bytes += ended.size;
                let place =
                    ended.number.checked_sub(self.first_number).and_then(|at| usize::try_from(at).ok());
                if let Some((_, is_done)) = place.and_then(|at| self.ahead.get_mut(at)) {
                    *is_done = true;
                }
                self.advance();
            }
            Dealt::Stopping => self.progress.is_complete = false,
            Dealt::Failed(failure) => {
                self.progress.failed += 1;
                self.progress.first_failure.get_or_insert(failure.text);
                self.failed.push(failure.object);
            }
        }
        if !self.failed.is_empty() {
            // Nothing behind a failed object is "everything up to here" any more.
            self.ahead.clear();
        }
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
            FailurePace::Outage | FailurePace::Person => return Dealt::Failed(failure),
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
    let content = GivenUpContent::Object(failure.object.clone());
    match intake.give_up(content, failure.label, failure.text.clone()).await {
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
