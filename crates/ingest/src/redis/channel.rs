//! What is published on channels while we listen.
//!
//! Redis does not wait for who is slow: it gives up the connection. So what does not fit into the queue is dropped here
//! and counted, as with UDP, and the connection is kept.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::watch;

use super::connection::{Trouble, client};
use super::{RedisServer, stopped};
use crate::clock::now;
use crate::s3::outage::Outage;
use crate::s3::retry_pace::RetryPace;
use crate::{Message, MessageBatch, MessageSink};

/// How often a server that cannot be used is tried. What is published meanwhile is lost, so not seldom.
const PACE: RetryPace = RetryPace { first: Duration::from_millis(200), longest: Duration::from_secs(5) };

/// How long a connection and its subscriptions may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long messages are gathered to a batch.
const GATHER: Duration = Duration::from_millis(100);

/// Messages of a batch at most.
const BATCH_MESSAGES_MAX: usize = 1_000;

/// How often the server is asked for a sign of life where nothing is published.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// The cause of what found no room in the queue.
const QUEUE_FULL: &str = "queue_full";

/// Reads channels of one server.
pub(super) struct ChannelReader<S> {
    pub(super) source: String,
    pub(super) server: RedisServer,
    pub(super) channels: Vec<String>,
    pub(super) sink: Arc<S>,
}

impl<S: MessageSink> ChannelReader<S> {
    /// Listens until `stop` says true or its sender is gone.
    pub(super) async fn run(self, mut stop: watch::Receiver<bool>) {
        let outage = Outage::new("redis channel");
        let mut failures = 0;
        let mut dropped = 0;
        loop {
            let trouble = tokio::select! {
                trouble = self.listen(&outage, &mut failures, &mut dropped) => trouble,
                () = stopped(&mut stop) => return,
            };
            outage.failed(&self.source, &trouble);
            let pause = PACE.pause(failures, &self.source);
            failures = failures.saturating_add(1);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stopped(&mut stop) => return,
            }
        }
    }

    /// Listens until the connection ends.
    async fn listen(&self, outage: &Outage, failures: &mut u32, dropped: &mut u64) -> Trouble {
        let subscribed = tokio::time::timeout(CONNECT_TIMEOUT, self.subscribe());
        let (mut sink, mut stream) = match subscribed.await {
            Ok(Ok(pubsub)) => pubsub.split(),
            Ok(Err(trouble)) => return trouble,
            Err(_) => return Trouble::Silent,
        };
        outage.worked(&self.source);
        *failures = 0;
        let mut gathered: Vec<Message> = Vec::new();
        let mut since = now();
        let origin: Arc<str> = "redis channel".into();
        loop {
            let wait = if gathered.is_empty() { SILENCE_MAX } else { GATHER };
            match tokio::time::timeout(wait, stream.next()).await {
                Ok(Some(message)) => {
                    if gathered.is_empty() {
                        since = now();
                    }
                    let origin = Arc::clone(&origin);
                    gathered.push(Message::new(message.get_payload_bytes().to_vec(), origin));
                }
                Ok(None) => {
                    self.put(&mut gathered, dropped);
                    return Trouble::Closed;
                }
                Err(_) if gathered.is_empty() => {
                    let alive = tokio::time::timeout(CONNECT_TIMEOUT, sink.ping::<redis::Value>());
                    if !matches!(alive.await, Ok(Ok(_))) {
                        return Trouble::Silent;
                    }
                    self.sink.caught_up(now());
                }
                Err(_) => {}
            }
            let is_due = now().micros_since(since).is_none_or(|micros| micros >= GATHER.as_micros() as u64);
            if !gathered.is_empty() && (is_due || gathered.len() >= BATCH_MESSAGES_MAX) {
                self.put(&mut gathered, dropped);
                self.sink.caught_up(since);
            }
        }
    }

    async fn subscribe(&self) -> Result<redis::aio::PubSub, Trouble> {
        let mut pubsub = client(&self.server)?.get_async_pubsub().await?;
        for channel in &self.channels {
            if channel.contains(['*', '?', '[']) {
                pubsub.psubscribe(channel).await?;
            } else {
                pubsub.subscribe(channel).await?;
            }
        }
        Ok(pubsub)
    }

    /// Hands over what was gathered, or drops it; what was dropped is said with the next batch that fits.
    fn put(&self, gathered: &mut Vec<Message>, dropped: &mut u64) {
        if gathered.is_empty() {
            return;
        }
        let messages = std::mem::take(gathered);
        let said = if *dropped > 0 { vec![(QUEUE_FULL, *dropped)] } else { Vec::new() };
        match self.sink.try_put(MessageBatch {
            messages,
            received_at: now(),
            dropped: said,
            ..MessageBatch::default()
        }) {
            Ok(()) => *dropped = 0,
            Err(batch) => *dropped += batch.messages.len() as u64,
        }
    }
}
