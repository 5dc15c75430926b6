//! The messages that would have been sent: the dispatcher with a clock that history sets.
//!
//! What an alert costs a team is messages, not alerts, and how many those are is decided by groups, intervals,
//! inhibition and times of quiet. A moment is judged when the lines before it have come, so messages are later
//! than alerts by the lateness of their source.

use std::collections::BTreeMap;
use std::time::Duration;

use weir_record::Timestamp;

use super::Told;
use crate::alert::{Alert, Labels};
use crate::evaluator::time;
use crate::notification::{Dispatcher, Notification, Policy};

/// Looks at groups at most: an alert that fires for a year, in groups that are looked at every 5 minutes.
pub const LOOKS_MAX: usize = 200_000;

/// What would have been sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mails {
    /// The messages, in the order of time.
    pub notifications: Vec<Notification>,
    /// Whether there were so many looks at groups that later messages are left out.
    pub is_cut: bool,
}

/// The messages up to `to` about what was `told`, in the order of time. `delays` has how long after a moment each rule
/// was judged.
pub fn mails(policy: Policy, told: &[Told], delays: &[Duration], to: Timestamp) -> Mails {
    let mut heard: BTreeMap<Timestamp, Vec<&Told>> = BTreeMap::new();
    for told in told {
        let delay = delays.get(told.rule).copied().unwrap_or_default();
        let micros = i64::try_from(delay.as_micros()).unwrap_or(i64::MAX);
        heard.entry(time(told.at).plus_micros(micros)).or_default().push(told);
    }
    let Some((&start, _)) = heard.first_key_value() else { return Mails::default() };
    let mut sending =
        Sending { dispatcher: Dispatcher::new(policy, Vec::new(), start), mails: Mails::default(), looks: 0 };
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
    mails: Mails,
    looks: usize,
}

impl Sending {
    /// Looks at groups at each time before `end` at which one is due.
    fn look_before(&mut self, end: Timestamp) {
        while let Some(next) = self.dispatcher.next_look().filter(|next| *next < end) {
            if self.looks >= LOOKS_MAX {
                self.mails.is_cut = true;
                return;
            }
            self.looks += 1;
            self.mails.notifications.extend(self.dispatcher.due(next));
            // Nobody keeps it.
            drop(self.dispatcher.take_changes());
        }
    }
}
