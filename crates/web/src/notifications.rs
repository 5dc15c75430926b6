//! `GET /api/notifications`: what was sent to whom, what waits, and what is due when and why.
//!
//! Alertmanager's API, which is here too, tells none of it: an alert has its receivers there, and whether one was told
//! is to be found in logs. One answer, as the questions come together: who was told, and if nobody, what it waits for.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::Handlers;
use crate::admin::{answered, nothing_here};

/// All that is known of messages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NotificationsAnswer {
    /// Who may be told, in the order of the config.
    pub receivers: Vec<ReceiverRow>,
    /// Groups of alerts that somebody is or will be told of, the next first.
    pub due: Vec<DueRow>,
    /// Messages that wait to be taken, oldest first.
    pub outbox: Vec<OutboxRow>,
    /// Messages that were taken or given up, youngest first; the last 1,000.
    pub log: Vec<SentRow>,
}

/// An address of a receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiverRow {
    /// The receiver's name.
    pub receiver: String,
    /// `mail` or `webhook`.
    pub kind: String,
    /// Addresses of mail, or the webhook's host.
    pub to: String,
    /// Messages that the receiver took, at all of its addresses, since the start.
    pub sent: u64,
    /// Messages that were given up, at all of its addresses, since the start.
    pub failed: u64,
    /// Messages that wait for this address.
    pub waiting: u64,
    /// Why it takes none at the moment.
    pub error: Option<String>,
}

/// A group of alerts, and when it is looked at next. Times are RFC 3339.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueRow {
    /// Who is told.
    pub receiver: String,
    /// The group, as Alertmanager shows it.
    pub group: String,
    /// When it is looked at next.
    pub next_at: String,
    /// When it was last told of.
    pub told_at: Option<String>,
    /// From when on it is told of again though nothing has changed.
    pub repeat_after: Option<String>,
    /// Whether a time interval keeps it quiet now.
    pub is_muted: bool,
    /// What happens then, in a sentence.
    pub reason: String,
    /// Its alerts.
    pub alerts: Vec<DueAlert>,
}

/// An alert of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueAlert {
    /// Its number, as 16 hex digits.
    pub fingerprint: String,
    /// Its name.
    pub name: String,
    /// `active`, `suppressed`, or `resolved`.
    pub state: String,
}

/// A message that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// Its number.
    pub id: u64,
    /// The receiver's name.
    pub receiver: String,
    /// `mail` or `webhook`.
    pub kind: String,
    /// Addresses of mail, or the webhook's host.
    pub to: String,
    /// Of what it tells.
    pub title: String,
    /// Since when it waits, in RFC 3339.
    pub waits_since: String,
    /// Whether somebody tries now.
    pub is_being_sent: bool,
    /// Why the address took none at the last attempt.
    pub error: Option<String>,
}

/// A message that was taken or given up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentRow {
    /// Its number in the log, from 1.
    pub id: u64,
    /// When, in RFC 3339.
    pub at: String,
    /// The receiver's name.
    pub receiver: String,
    /// `mail` or `webhook`.
    pub kind: String,
    /// Addresses of mail, or the webhook's host.
    pub to: String,
    /// Of what it told.
    pub title: String,
    /// `sent` or `given_up`.
    pub outcome: String,
    /// Why it was given up.
    pub error: Option<String>,
}

pub(crate) async fn notifications(State(handlers): State<Handlers>) -> Response {
    match handlers.alerting {
        Some(alerting) => answered((alerting.notifications)(()).await),
        None => nothing_here(),
    }
}
