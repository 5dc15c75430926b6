//! The task of one address: sends what waits for it, oldest first, for as long as it takes.
//!
//! One task each, so that a mail server which is down holds up no webhook. A message leaves the outbox after it was
//! taken: a death in between sends it again, under the name that it had.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use weir_ship::notify::Failure;
use weir_ship::{Backoff, random_fraction};

use super::super::crash;
use super::{Address, Notifier};
use crate::clock;

/// How long a message is tried, in microseconds: a day. News of yesterday is none.
const TRIED_US: i64 = 24 * 3600 * 1_000_000;

/// Sends until the server stops; what is left stays in the outbox.
pub(super) async fn run(notifier: Arc<Notifier>, address: Arc<Address>, mut stop: watch::Receiver<bool>) {
    let mut posted = notifier.posted.subscribe();
    let mut backoff = Backoff::default();
    loop {
        let taken = notifier.lock().outbox.take(&address.id);
        let Some((number, item)) = taken else {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                _ = posted.changed() => continue,
            }
        };
        if *stop.borrow() {
            return;
        }
        let failure = address.send(&item.parcel).await.err();
        let is_too_old = item.created_us < clock::now().micros() - TRIED_US;
        match failure {
            Some(Failure::Retry { text, after }) if !is_too_old => {
                let is_news = notifier.lock().errors.insert(address.id.clone(), text.clone()).is_none();
                if is_news {
                    let receiver = address.id.receiver.as_str();
                    tracing::warn!(receiver, error = text, "a message was not taken; it is tried again");
                }
                notifier.lock().outbox.release(&[number]);
                let wait = backoff.after_failure(random_fraction()).max(after.unwrap_or(Duration::ZERO));
                if tokio::time::timeout(wait, stop.wait_for(|stop| *stop)).await.is_ok() {
                    return;
                }
                continue;
            }
            Some(failure) => notifier.failed(&address, &item.title, &failure.to_string()),
            None => {
                crash::here("message sent");
                backoff.reset();
                let was_down = notifier.lock().errors.remove(&address.id).is_some();
                if was_down {
                    tracing::info!(receiver = address.id.receiver.as_str(), "messages are taken again");
                }
                notifier.sent(&address, &item.title);
            }
        }
        notifier.lock().outbox.remove(number);
        notifier.keep().await;
    }
}
