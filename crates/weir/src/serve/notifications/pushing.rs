//! The task of one Alertmanager: tells it the state, at once when that changes and each minute.
//!
//! It has no part in the outbox: an Alertmanager forgets what it is not told again, so the newest state is all that it
//! is ever sent, and nothing has to be kept for one that is down.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;
use weir_alert::{Alert, Fingerprint};
use weir_record::Timestamp;
use weir_ship::notify::{AlertmanagerSender, PushOutcome};
use weir_ship::{Backoff, random_fraction};

use super::super::http::authorization;
use super::Notifier;
use super::outbox::AddressId;
use crate::clock;
use crate::config::AlertmanagerTarget;

/// How often what has not changed is said again; Prometheus does so each minute too.
const RESEND_INTERVAL: Duration = Duration::from_secs(60);

/// How often it is looked whether something has changed.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The connection to one.
///
/// # Errors
///
/// A secret that cannot be read, or an address that cannot be used.
pub(super) fn sender(target: &AlertmanagerTarget) -> anyhow::Result<AlertmanagerSender> {
    AlertmanagerSender::new(&target.url, &authorization(&target.login)?, target.timeout)
        .with_context(|| format!("cannot use the Alertmanager at {}", target.url))
}

/// Tells it until the server stops.
pub(super) async fn run(
    notifier: Arc<Notifier>,
    url: String,
    sender: AlertmanagerSender,
    mut stop: watch::Receiver<bool>,
) {
    let id = AddressId::new(&format!("alertmanager {url}"), 0);
    notifier.with_numbers(&id, |_| ());
    let mut backoff = Backoff::default();
    let mut told: Vec<Alert> = Vec::new();
    let mut told_at = None;
    let mut wait = LOOK_INTERVAL;
    loop {
        if tokio::time::timeout(wait, stop.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
        wait = LOOK_INTERVAL;
        let now = clock::now();
        let alerts: Vec<Alert> = notifier.lock().dispatcher.alerts().cloned().collect();
        let is_due = told_at.is_none_or(|told_at| told_at < now.minus(RESEND_INTERVAL));
        if alerts == told && (!is_due || alerts.is_empty()) {
            continue;
        }
        let is_news = alerts != told;
        let mut to_tell = alerts.clone();
        to_tell.extend(gone(&told, &alerts, now));
        let outcome = sender.push(&to_tell, now).await;
        note(&notifier, &id, &outcome, is_news);
        if outcome.failure.is_some() {
            wait = backoff.after_failure(random_fraction()).max(LOOK_INTERVAL);
        } else {
            backoff.reset();
            (told, told_at) = (alerts, Some(now));
        }
    }
}

/// Those that it was told of as firing and that are not there any more: they are over.
fn gone(told: &[Alert], alerts: &[Alert], now: Timestamp) -> Vec<Alert> {
    let there: BTreeSet<Fingerprint> = alerts.iter().map(Alert::fingerprint).collect();
    let gone = told.iter().filter(|alert| alert.ends_at.is_none() && !there.contains(&alert.fingerprint()));
    gone.map(|alert| Alert { ends_at: Some(now), ..alert.clone() }).collect()
}

/// What is refused is refused again each minute, and told once.
fn note(notifier: &Notifier, id: &AddressId, outcome: &PushOutcome, is_news: bool) {
    let receiver = id.receiver.as_str();
    if let Some(reason) = outcome.first_refusal.as_ref().filter(|_| is_news) {
        tracing::error!(receiver, alerts = outcome.refused, reason, "alerts were refused for good");
    }
    notifier.with_numbers(id, |numbers| {
        numbers.sent += outcome.sent as u64;
        numbers.failed += if is_news { outcome.refused as u64 } else { 0 };
    });
    let mut inner = notifier.lock();
    match &outcome.failure {
        Some(text) => {
            if inner.errors.insert(id.clone(), text.clone()).is_none() {
                tracing::warn!(receiver, error = text, "alerts could not be handed over; it is tried again");
            }
        }
        None => {
            if inner.errors.remove(id).is_some() {
                tracing::info!(receiver, "alerts are handed over again");
            }
        }
    }
}
