//! Batches that were taken and are not durable yet.
//!
//! Several are on their way at once, so that Redis moves one, the parser reads another and the disk writes a third.
//! They may be done in any order; what everything before a moment is done with is told in the order of taking.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::task::JoinSet;
use weir_record::Timestamp;

use crate::{Delivery, MessageBatch, MessageSink};

/// Batches of one list that are on their way at most.
pub(super) const BATCHES_MAX: usize = 4;

/// A batch that is done with.
pub(super) struct Finished {
    /// Its processing list.
    pub(super) list: String,
    /// What it is known by.
    pub(super) identity: [u8; 16],
    /// Whether it is on the disk; else it was not counted.
    pub(super) is_durable: bool,
}

/// What is on its way.
#[derive(Default)]
pub(super) struct InFlight {
    tasks: JoinSet<Finished>,
    /// In the order of taking.
    order: VecDeque<Taken>,
    caught_up: Option<Timestamp>,
}

struct Taken {
    list: String,
    /// The moment at which this was all there was.
    drained_at: Option<Timestamp>,
    is_done: bool,
}

impl InFlight {
    pub(super) fn has_room(&self) -> bool {
        self.order.len() < BATCHES_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(super) fn contains(&self, list: &str) -> bool {
        self.order.iter().any(|taken| taken.list == list)
    }

    /// Sends a batch on its way. `drained_at` is the moment at which it was all that the list had.
    pub(super) fn add<S: MessageSink>(
        &mut self,
        list: String,
        identity: [u8; 16],
        batch: MessageBatch,
        drained_at: Option<Timestamp>,
        sink: &Arc<S>,
    ) {
        self.order.push_back(Taken { list: list.clone(), drained_at, is_done: false });
        let sink = Arc::clone(sink);
        self.tasks.spawn(async move {
            let is_durable = match sink.deliver(MessageBatch { identity: Some(identity), ..batch }).await {
                Delivery::Durable(_) | Delivery::Known => true,
                Delivery::Stopping => false,
            };
            Finished { list, identity, is_durable }
        });
    }

    /// Notes that the list was empty at this moment.
    pub(super) fn drained(&mut self, at: Timestamp) {
        match self.order.back_mut() {
            Some(last) => last.drained_at = Some(at),
            None => self.caught_up = Some(at),
        }
    }

    /// The next batch that is done with; never comes where there is none.
    pub(super) async fn next(&mut self) -> Finished {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(finished)) => {
                    self.finish(&finished);
                    return finished;
                }
                // A task that panicked has told so; its list is found at the next start.
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// The latest moment up to which everything is durable, once.
    pub(super) fn take_caught_up(&mut self) -> Option<Timestamp> {
        self.caught_up.take()
    }

    fn finish(&mut self, finished: &Finished) {
        if !finished.is_durable {
            // Not durable, so nothing from here on is complete.
            self.order.iter_mut().for_each(|taken| taken.drained_at = None);
        }
        if let Some(taken) = self.order.iter_mut().find(|taken| taken.list == finished.list) {
            taken.is_done = true;
        }
        while let Some(first) = self.order.front().filter(|taken| taken.is_done) {
            self.caught_up = first.drained_at.or(self.caught_up);
            self.order.pop_front();
        }
    }
}
