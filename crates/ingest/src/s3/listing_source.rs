//! Objects found by listing: once for a backfill, again and again where no queue tells of new ones.
//!
//! Both feed the same sink within the same bounds as a queue, and neither remembers what it fed: the sink knows what
//! was counted, so a pass that was cut short is simply repeated. A listing has what a queue has not, an order, and so
//! a backfill can say below which key everything is done and go on from there.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use weir_record::Timestamp;

use super::client::{AwsClients, now};
use super::fetch_error::FetchError;
use super::intake::Intake;
use super::listing::{ListingSpan, list_objects, recent};
use super::listing_pass::{ListingProgress, Pass, is_stopped, pause};
use super::sink::ObjectSink;

/// How often something is tried that an outage keeps from working, before the pass goes on without it: a minute.
const OUTAGE_TRIES_MAX: u32 = 6;

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
/// days; what is delivered later than that is found at the next start.
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
        let mut is_first = true;
        let (mut start_after, mut failed) = (None, Vec::new());
        loop {
            let asked_at = now();
            let listing =
                list_objects(&client, &self.bucket, &self.prefix, ListingSpan::default(), start_after.take());
            let listing =
                if is_first { listing } else { listing.skipping_days_before(recent(timestamp(asked_at))) };
            let mut pass = Pass::new(Arc::clone(&intake), stop.clone(), 1, |_| ());
            pass.again(std::mem::take(&mut failed)).await;
            let outcome = pass.feed(listing).await;
            if let Err(error) = &outcome {
                pass.tell(error);
            }
            if is_stopped(&stop) {
                break;
            }
            if pass.progress.is_complete {
                is_first = false;
                if pass.failed.is_empty() {
                    sink.caught_up(asked_at);
                }
            } else if is_first {
                start_after = pass.progress.done_up_to.take();
            }
            failed = pass.failed;
            if !pause(self.poll_interval, &stop).await {
                break;
            }
        }
        tracing::info!(bucket = %self.bucket, prefix = %self.prefix, "stopped listing a bucket");
    }
}

/// A moment of the clock as event time is written.
fn timestamp(time: SystemTime) -> Timestamp {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
