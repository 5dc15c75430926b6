//! The messages that would have been sent: the dispatcher with a clock that history sets.
//!
//! What an alert costs a team is messages, not alerts, and how many those are is decided by groups, intervals,
//! inhibition, times of quiet, and by how many mails there may be in an hour. A moment is judged when the lines
//! before it have come, so messages are later than alerts by the lateness of their source.

use std::collections::BTreeMap;
use std::time::Duration;

use weir_record::Timestamp;

use super::Told;
use crate::alert::{Alert, Labels};
use crate::evaluator::time;
use crate::notification::{DIGEST_TITLE, Dispatcher, Flood, Gathered, Notification, Policy};

/// Looks at groups at most: an alert that fires for a year, in groups that are looked at every 5 minutes.
pub const LOOKS_MAX: usize = 200_000;

/// Why a digest is sent.
const DIGEST_REASON: &str = "more messages were due than are sent in an hour";

/// What would have been sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mails {
    /// The messages, in the order of time.
    pub messages: Vec<Message>,
    /// Whether there were so many looks at groups that later messages are left out.
    pub is_cut: bool,
}

/// A message that would have been sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// When.
    pub at: Timestamp,
    /// To whom.
    pub receiver: Box<str>,
    /// To which of its addresses.
    pub integration: usize,
    /// Alerts in it that fire.
    pub firing: u64,
    /// Alerts in it that are resolved.
    pub resolved: u64,
    /// What it is called.
    pub title: Box<str>,
    /// Why it was sent.
    pub reason: &'static str,
}

/// Whom messages go to, and how many.
#[derive(Clone, Debug)]
pub struct Sender {
    /// What the config says of it.
    pub policy: Policy,
    /// How many mails an address gets in an hour; the rest is a digest.
    pub max_per_hour: u32,
}

/// The messages up to `to` about what was `told`, in the order of time. `delays` has how long after a moment each rule
/// was judged.
pub fn mails(sender: Sender, told: &[Told], delays: &[Duration], to: Timestamp) -> Mails {
    let mut heard: BTreeMap<Timestamp, Vec<&Told>> = BTreeMap::new();
    for told in told {
        let delay = delays.get(told.rule).copied().unwrap_or_default();
        let micros = i64::try_from(delay.as_micros()).unwrap_or(i64::MAX);
        heard.entry(time(told.at).plus_micros(micros)).or_default().push(told);
    }
    let Some((&start, _)) = heard.first_key_value() else { return Mails::default() };
    let Sender { policy, max_per_hour } = sender;
    let limits = policy.receivers.iter().flat_map(|(receiver, integrations)| {
        let mail = integrations.iter().enumerate().filter(|(_, integration)| integration.is_mail);
        mail.map(|(at, _)| ((receiver.clone(), at), Flood::default()))
    });
    let floods = limits.collect();
    let dispatcher = Dispatcher::new(policy, Vec::new(), start);
    let mut sending = Sending { dispatcher, max_per_hour, floods, mails: Mails::default(), looks: 0 };
    let mut alerts: BTreeMap<(usize, &Labels), &Alert> = BTreeMap::new();
    for (now, changed) in heard {
        sending.look_before(now);
        for told in changed {
            match &told.alert {
                Some(alert) => drop(alerts.insert((told.rule, &*told.labels), alert)),
                None => drop(alerts.remove(&(told.rule, &*told.labels))),
            }
        }
        sending.dispatcher.set_alerts(alerts.values().map(|alert| (*alert).clone()).collect(), now);
    }
    sending.look_before(to);
    sending.mails
}

struct Sending {
    dispatcher: Dispatcher,
    max_per_hour: u32,
    /// Of each address that gets mail.
    floods: BTreeMap<(Box<str>, usize), Flood>,
    mails: Mails,
    looks: usize,
}

impl Sending {
    /// Looks at groups, and at what was gathered, at each time before `end` at which something is due.
    fn look_before(&mut self, end: Timestamp) {
        while let Some(next) = self.next_look().filter(|next| *next < end) {
            if self.looks >= LOOKS_MAX {
                self.mails.is_cut = true;
                return;
            }
            self.looks += 1;
            for notification in self.dispatcher.due(next) {
                self.send(&notification, next);
            }
            // Nobody keeps it.
            drop(self.dispatcher.take_changes());
            self.send_digests(next);
        }
    }

    fn next_look(&self) -> Option<Timestamp> {
        let digests = self.floods.values().filter_map(Flood::next_digest);
        self.dispatcher.next_look().into_iter().chain(digests).min()
    }

    fn send(&mut self, notification: &Notification, now: Timestamp) {
        let Notification { receiver, integration, alerts, reason, incident, .. } = notification;
        let flood = self.floods.get_mut(&(receiver.clone(), *integration));
        if flood.is_some_and(|flood| !flood.may_send(self.max_per_hour, notification, now)) {
            return;
        }
        let resolved = alerts.iter().filter(|alert| alert.is_resolved_at(now)).count();
        self.mails.messages.push(Message {
            at: now,
            receiver: receiver.clone(),
            integration: *integration,
            firing: (alerts.len() - resolved) as u64,
            resolved: resolved as u64,
            title: incident.title.clone(),
            reason: reason.text(),
        });
    }

    fn send_digests(&mut self, now: Timestamp) {
        for ((receiver, integration), flood) in &mut self.floods {
            let Some(Gathered { groups, .. }) = flood.digest(now) else { continue };
            self.mails.messages.push(Message {
                at: now,
                receiver: receiver.clone(),
                integration: *integration,
                firing: groups.iter().map(|group| u64::from(group.firing)).sum(),
                resolved: groups.iter().map(|group| u64::from(group.resolved)).sum(),
                title: DIGEST_TITLE.into(),
                reason: DIGEST_REASON,
            });
        }
    }
}
