//! Sends what a target's queue holds, body by body.
//!
//! A body leaves the queue when the receiver has it, or when it never will: what is older than the
//! receiver's window, and what it refuses. Counts are not lost with it, since each value holds all of those
//! before. A receiver that is down is asked again for as long as its window is open, and no longer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use weir_ledger::{Ledger, QueueItem};
use weir_ship::remote_write::{Body, Ending, Outcome, RemoteWriteSender, oldest_allowed};
use weir_ship::{Backoff, random_fraction};

use super::commit::{Commits, Delivered, Request};
use super::state::State;
use crate::clock;

/// How often an empty queue is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Bodies that are read from the queue at a time.
const BODIES_AT_ONCE: usize = 16;

/// Sends the bodies of one target.
pub struct Shipping {
    /// The target's name.
    pub name: Arc<str>,
    /// Its queue in the ledger.
    pub queue: String,
    /// The connection.
    pub sender: RemoteWriteSender,
    /// How much too late the receiver takes samples.
    pub window: Duration,
    /// Where the queue is.
    pub ledger: Arc<Ledger>,
    /// Takes delivered bodies out of it.
    pub commits: Commits,
    /// Gets the numbers.
    pub state: Arc<State>,
}

impl Shipping {
    /// Sends until the server stops; what is left stays in the queue.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut backoff = Backoff::default();
        let mut is_down = false;
        loop {
            let items = self.look();
            let mut wait = if items.is_empty() { LOOK_INTERVAL } else { Duration::ZERO };
            for (sequence, item) in items {
                if *stop.borrow() {
                    return;
                }
                match self.deliver(sequence, item).await {
                    None => {
                        backoff.reset();
                        if std::mem::take(&mut is_down) {
                            tracing::info!(target = &*self.name, "the receiver of remote write is back");
                        }
                    }
                    Some(Unavailable { after, text, status }) => {
                        let is_news = !std::mem::replace(&mut is_down, true);
                        let target = &*self.name;
                        match status {
                            Some(status) if is_news => tracing::error!(
                                target,
                                status,
                                error = text,
                                "the receiver of remote write takes nothing; check its address and the login"
                            ),
                            None if is_news => {
                                tracing::warn!(
                                    target,
                                    error = text,
                                    "remote write failed; it is tried again"
                                );
                            }
                            _ => {}
                        }
                        wait = backoff.after_failure(random_fraction()).max(after.unwrap_or_default());
                        break;
                    }
                }
            }
            if tokio::time::timeout(wait, stop.wait_for(|stop| *stop)).await.is_ok() {
                return;
            }
        }
    }

    fn look(&self) -> Vec<(u64, QueueItem)> {
        let read = self.ledger.read(|ledger| {
            Ok((ledger.queue_front(&self.queue, BODIES_AT_ONCE)?, ledger.queue_bytes(&self.queue)?))
        });
        match read {
            Ok((items, (_, bytes))) => {
                self.with_state(|state| state.queue_bytes = bytes);
                items
            }
            // The commit thread reports a ledger that cannot be used.
            Err(_) => Vec::new(),
        }
    }

    /// Sends a body; what is left of it if the receiver cannot take it now.
    async fn deliver(&mut self, sequence: u64, item: QueueItem) -> Option<Unavailable> {
        let samples = item.samples;
        if item.last_minute_us / 1000 < oldest_allowed(clock::now().micros() / 1000, self.window) {
            self.with_state(|state| *state.dropped_samples.entry("too_old").or_default() += samples);
        } else {
            let outcome = self.sender.deliver_or_bisect(&Body::from_bytes(item.body)).await;
            let Outcome { dropped, first_refusal, ending } = outcome.unwrap_or_else(|error| {
                let target = &*self.name;
                tracing::error!(target, error = %error, "a body of the queue is lost; its counts are in later ones");
                Outcome { dropped: Default::default(), first_refusal: None, ending: Ending::Finished }
            });
            let refused = dropped.total();
            if let Some(reason) = first_refusal {
                let target = &*self.name;
                tracing::warn!(target, samples = refused, reason, "samples were refused for good");
            }
            self.with_state(|state| {
                for (reason, samples) in dropped.by_reason().into_iter().filter(|(_, samples)| *samples > 0) {
                    *state.dropped_samples.entry(reason.name()).or_default() += samples;
                }
            });
            let failure = match ending {
                Ending::Finished => None,
                Ending::Retry { after, text, .. } => Some(Unavailable { after, text, status: None }),
                Ending::Refused { status, text, .. } => {
                    Some(Unavailable { after: None, text, status: Some(status) })
                }
            };
            if failure.is_some() {
                self.with_state(|state| state.failed_requests += 1);
                return failure;
            }
            self.with_state(|state| state.sent_samples += samples.saturating_sub(refused));
        }
        let (done, is_done) = oneshot::channel();
        let delivered = Delivered { queue: self.queue.as_str().into(), sequence, done };
        if self.commits.send_async(Request::Delivered(delivered)).await.is_ok() {
            // It is sent again if it is still there, which the receiver takes as the same.
            let _ = is_done.await;
        }
        None
    }

    fn with_state(&self, change: impl FnOnce(&mut super::own_metrics::RemoteWriteState)) {
        change(self.state.lock().own.remote_writes.entry(Arc::clone(&self.name)).or_default());
    }
}

/// The receiver cannot take anything now.
struct Unavailable {
    after: Option<Duration>,
    text: String,
    /// Its answer, if it is one that a person must do something about.
    status: Option<u16>,
}
