//! Objects found by listing: once for a backfill, again and again where no queue tells of new ones.
//!
//! Both feed the same sink within the same bounds as a queue, and neither remembers what it fed: the sink knows what
//! was counted, so a pass that was cut short is simply repeated. A listing has what a queue has not, an order, and so
//! a backfill can say below which key everything is done and go on from there.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::Instant;
use weir_record::Timestamp;

use super::client::{AwsClients, S3Client, now};
use super::fetch_error::FetchError;
use super::intake::{HOLD_BACK_MAX, Intake};
use super::left_behind::{LeftBehind, keep_oldest};
use super::listing::{Listing, ListingSpan, list_objects, recent};
use super::listing_pass::{ListingProgress, Pass, is_stopped, pause};
use super::sink::ObjectSink;

/// How often something is tried that an outage keeps from working, before the pass goes on without it: a minute.
const OUTAGE_TRIES_MAX: u32 = 6;

/// How long after a pass that left too many objects behind everything is listed again: listing costs money, and who
/// mends permissions does not do it by the minute.
const RELIST_AFTER: Duration = Duration::from_secs(3600);

/// Brings the objects of a span of time to the sink, once.
#[derive(Clone, Debug)]
pub struct Backfill {
    /// The way to S3.
    pub clients: AwsClients,
    /// The bucket.
    pub bucket: String,
    /// With what keys begin.
    pub prefix: String,
    /// Lines of which time are wanted; an object counts whole or not at all.
    pub span: ListingSpan,
    /// Where an earlier backfill stopped: its [`ListingProgress::done_up_to`].
    pub start_after: Option<String>,
}

impl Backfill {
    /// Runs until the listing is at its end, the stop says true, or too much fails; `report` is called after each
    /// object and each part of the listing.
    ///
    /// # Errors
    ///
    /// [`FetchError`] when the bucket cannot be listed, also not after a minute of tries.
    pub async fn run<S: ObjectSink>(
        self,
        sink: Arc<S>,
        stop: watch::Receiver<bool>,
        report: impl FnMut(&ListingProgress) + Send,
    ) -> Result<ListingProgress, FetchError> {
        let client = self.clients.s3();
        let listing = list_objects(&client, &self.bucket, &self.prefix, self.span, self.start_after.clone());
        let intake = Arc::new(Intake::new(sink, client, self.bucket));
        let mut pass = Pass::new(intake, stop, OUTAGE_TRIES_MAX, report);
        pass.progress.done_up_to = self.start_after;
        pass.feed(listing).await?;
        Ok(pass.progress)
    }
}

/// Lists a bucket again and again and brings what is new to the sink.
///
/// The first pass lists everything. Later ones look, below each folder that has days in it, only at the last two
/// days; what is delivered later than that is found at the next start. Objects that cannot be counted are tried again
/// in each pass, and a listing that broke off goes on where it was.
#[derive(Clone, Debug)]
pub struct S3PollSource {
    /// The way to S3.
    pub clients: AwsClients,
    /// The bucket.
    pub bucket: String,
    /// With what keys begin.
    pub prefix: String,
    /// From the end of one pass to the start of the next.
    pub poll_interval: Duration,
}

impl S3PollSource {
    /// Runs until `stop` says true or its sender is gone. Never ends for an error.
    pub async fn run<S: ObjectSink>(self, sink: Arc<S>, stop: watch::Receiver<bool>) {
        let client = self.clients.s3();
        let intake = Arc::new(Intake::new(Arc::clone(&sink), client.clone(), self.bucket.clone()));
        tracing::info!(bucket = %self.bucket, prefix = %self.prefix, "listing a bucket");
        let mut place = Place::new(now());
        loop {
            let mut pass = Pass::new(Arc::clone(&intake), stop.clone(), 1, |_| ());
            pass.again(std::mem::take(&mut place.left_behind)).await;
            place.begin(now(), Instant::now());
            let start_after = place.start_after.take();
            pass.listed_up_to.clone_from(&start_after);
            let listing = self.listing(&client, start_after, &place);
            if let Err(error) = pass.feed(listing).await {
                pass.tell(&error);
            }
            if is_stopped(&stop) {
                break;
            }
            let dropped =
                place.end(pass.failed, pass.listed_up_to, pass.progress.is_complete, Instant::now());
            if dropped > 0 {
                tracing::error!(
                    bucket = %self.bucket,
                    prefix = %self.prefix,
                    dropped_objects = dropped,
                    "too many objects cannot be counted to remember them all; everything is listed again in an hour"
                );
            }
            if let Some(at) = place.caught_up(Instant::now()) {
                sink.caught_up(at);
            }
            if !pause(self.poll_interval, &stop).await {
                break;
            }
        }
        tracing::info!(bucket = %self.bucket, prefix = %self.prefix, "stopped listing a bucket");
    }
}

impl S3PollSource {
    fn listing(&self, client: &S3Client, start_after: Option<String>, place: &Place) -> Listing {
        let listing = list_objects(client, &self.bucket, &self.prefix, ListingSpan::default(), start_after);
        match place.is_full {
            true => listing,
            false => listing.skipping_days_before(recent(timestamp(place.began_at))),
        }
    }
}

/// Where listing again and again is, from one pass to the next.
#[derive(Debug)]
struct Place {
    /// Whether everything is listed, and not only the last days.
    is_full: bool,
    /// Where a listing goes on that broke off.
    start_after: Option<String>,
    /// When the listing began, in whichever pass.
    began_at: SystemTime,
    is_complete: bool,
    left_behind: Vec<LeftBehind>,
    /// Since when there is more left behind than is remembered.
    dropped_since: Option<Instant>,
    has_dropped: bool,
    relist_at: Option<Instant>,
}

impl Place {
    fn new(now: SystemTime) -> Self {
        Self {
            is_full: true,
            start_after: None,
            began_at: now,
            is_complete: false,
            left_behind: Vec::new(),
            dropped_since: None,
            has_dropped: false,
            relist_at: None,
        }
    }

    /// A pass begins.
    fn begin(&mut self, now: SystemTime, monotonic_now: Instant) {
        if self.start_after.is_some() {
            return;
        }
        self.began_at = now;
        self.has_dropped = false;
        if self.relist_at.take_if(|at| *at <= monotonic_now).is_some() {
            self.is_full = true;
        }
    }

    /// A pass has ended; how many of the objects that it left behind are too many to remember.
    fn end(
        &mut self,
        left: Vec<LeftBehind>,
        listed_up_to: Option<String>,
        is_complete: bool,
        now: Instant,
    ) -> usize {
        self.left_behind = left;
        let dropped = keep_oldest(&mut self.left_behind);
        if dropped > 0 {
            self.has_dropped = true;
            self.dropped_since.get_or_insert(now);
            self.relist_at.get_or_insert(now + RELIST_AFTER);
        } else if self.is_full && is_complete && !self.has_dropped {
            self.dropped_since = None;
        }
        self.is_complete = is_complete;
        self.is_full &= !is_complete;
        self.start_after = if is_complete { None } else { listed_up_to };
        dropped
    }

    /// The moment up to which everything is dealt with or has been waited for long enough.
    fn caught_up(&self, now: Instant) -> Option<SystemTime> {
        let is_waiting = self.left_behind.iter().any(|left| left.is_holding_back(now));
        let is_missing =
            self.dropped_since.is_some_and(|since| now.saturating_duration_since(since) < HOLD_BACK_MAX);
        (self.is_complete && !is_waiting && !is_missing).then_some(self.began_at)
    }
}

/// A moment of the clock as event time is written.
fn timestamp(time: SystemTime) -> Timestamp {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
