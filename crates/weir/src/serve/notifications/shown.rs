//! What was sent, what waits and what is due, for who asks why he was told, or why not.
//!
//! Asked of the dispatcher and the outbox under their lock, as they are what decides; what is due is found by alert, as
//! the API of silences does it, and put together by group again, because people think of what they were told.

use std::collections::BTreeMap;

use weir_alert::Alert;
use weir_alert::notification::{Look, Standing};
use weir_record::Timestamp;
use weir_web::{DueAlert, DueRow, NotificationsAnswer, OutboxRow, ReceiverRow};

use super::{Inner, Notifier};
use crate::clock;

/// Alerts that are looked at for what is due: each is compared with all that fire.
const ALERTS_MAX: usize = 1_000;

/// Messages that wait and are listed.
const WAITING_MAX: usize = 1_000;

/// When a group is looked at next, and its alerts.
type Group = (Look, Vec<DueAlert>);

impl Notifier {
    /// All that is known of messages.
    pub(super) fn shown(&self) -> NotificationsAnswer {
        let now = clock::now();
        let log = self.sent_log().rows();
        let numbers = self.state.lock().own.notifications.clone();
        let inner = self.lock();
        let waiting = inner.outbox.waiting_by_address();
        let receivers = self.addresses.values().map(|address| {
            let numbers = numbers.get(address.id.receiver.as_str()).copied().unwrap_or_default();
            ReceiverRow {
                receiver: address.id.receiver.clone(),
                kind: address.kind().to_owned(),
                to: address.to(),
                sent: numbers.sent,
                failed: numbers.failed,
                waiting: waiting.get(&address.id).copied().unwrap_or(0),
                error: inner.errors.get(&address.id).cloned(),
            }
        });
        NotificationsAnswer {
            receivers: receivers.collect(),
            due: due(&inner, now),
            outbox: self.waiting(&inner),
            log,
        }
    }

    fn waiting(&self, inner: &Inner) -> Vec<OutboxRow> {
        let items = inner.outbox.items().take(WAITING_MAX);
        let row = |(id, item, is_being_sent): (u64, &super::Item, bool)| {
            let address = self.addresses.get(&item.address);
            OutboxRow {
                id,
                receiver: item.address.receiver.clone(),
                kind: address.map(|address| address.kind().to_owned()).unwrap_or_default(),
                to: address.map(|address| address.to()).unwrap_or_default(),
                title: item.title.clone(),
                waits_since: Timestamp::from_micros(item.created_us).to_string(),
                is_being_sent,
                error: inner.errors.get(&item.address).cloned(),
            }
        };
        items.map(row).collect()
    }
}

/// The groups that somebody is or will be told of, the next first.
fn due(inner: &Inner, now: Timestamp) -> Vec<DueRow> {
    let mut groups: BTreeMap<(Box<str>, Box<str>), Group> = BTreeMap::new();
    for alert in inner.dispatcher.alerts().take(ALERTS_MAX) {
        let standing = inner.dispatcher.standing(&alert.labels, now);
        let state = state(alert, &standing, now);
        for look in standing.looks {
            let key = (look.receiver.clone(), look.group_key.clone());
            groups.entry(key).or_insert_with(|| (look, Vec::new())).1.push(DueAlert {
                fingerprint: alert.fingerprint().to_string(),
                name: alert.labels.get("alertname").map(ToString::to_string).unwrap_or_default(),
                state: state.to_owned(),
            });
        }
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by_key(|(look, _)| look.next);
    groups.into_iter().map(|(look, alerts)| row(&look, alerts)).collect()
}

fn state(alert: &Alert, standing: &Standing, now: Timestamp) -> &'static str {
    if standing.inhibited_by.is_some() || !standing.silenced_by.is_empty() {
        "suppressed"
    } else if alert.is_resolved_at(now) {
        "resolved"
    } else {
        "active"
    }
}

fn row(look: &Look, alerts: Vec<DueAlert>) -> DueRow {
    DueRow {
        receiver: look.receiver.to_string(),
        group: look.group_key.to_string(),
        next_at: look.next.to_string(),
        told_at: look.told_at.map(|time| time.to_string()),
        repeat_after: look.repeat_after.map(|time| time.to_string()),
        is_muted: look.is_muted,
        reason: reason(look, &alerts),
        alerts,
    }
}

/// What happens at the next look, and why.
fn reason(look: &Look, alerts: &[DueAlert]) -> String {
    if look.is_muted {
        return "a time interval keeps it quiet; it is looked at again then".to_owned();
    }
    if alerts.iter().all(|alert| alert.state == "suppressed") {
        return "all of it is silenced, or kept quiet by another alert; nobody is told as long as that lasts"
            .to_owned();
    }
    match (look.told_at, look.repeat_after) {
        (None, _) => {
            "nobody was told yet: it waits for other alerts of its group, to tell of them together".to_owned()
        }
        (Some(told), Some(repeat)) => {
            format!(
                "told at {told}; what has changed is told then, and without a change again after {repeat}"
            )
        }
        (Some(told), None) => format!("told at {told}; what has changed is told then"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_nobody_is_told_is_said() {
        let at = Timestamp::from_seconds(0);
        let look = Look {
            receiver: "ops".into(),
            group_key: "{}".into(),
            next: at,
            told_at: None,
            repeat_after: None,
            is_muted: false,
        };
        let alerts = |states: &[&str]| -> Vec<DueAlert> {
            states
                .iter()
                .map(|state| DueAlert { state: (*state).to_owned(), ..DueAlert::default() })
                .collect()
        };
        let told =
            Look { told_at: Some(at), repeat_after: Some(Timestamp::from_seconds(3600)), ..look.clone() };
        let muted = Look { is_muted: true, ..told.clone() };
        for (look, states, expected) in [
            (&look, &["active"][..], "nobody was told yet"),
            (&look, &["suppressed", "active"], "nobody was told yet"),
            (&look, &["suppressed"], "all of it is silenced"),
            (
                &told,
                &["active"],
                "told at 1970-01-01T00:00:00Z; what has changed is told then, and without a change again after 1970-01-01T01:00:00Z",
            ),
            (&muted, &["active"], "a time interval"),
        ] {
            let text = reason(look, &alerts(states));
            assert!(text.starts_with(expected), "{text}");
        }
    }
}
