//! From the alerts there are to the messages that are due.
//!
//! Alertmanager has a timer and a goroutine per group; here one function is asked what is due at a time that it is
//! told, so that a test replays a day at once and what outlives the process is plain data.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use weir_record::Timestamp;

use super::group::{Group, GroupId};
use super::inhibition::{InhibitRule, Inhibitors};
use super::log::{Incident, LogEntry, Reason, reason_to_tell};
use super::route::{Route, Routes};
use super::silence::{Silence, SilenceError, Silences};
use super::time_interval::TimeInterval;
use crate::{Alert, Fingerprint, Labels};

/// Groups at a time. Beyond them the alerts of a route are one group without labels: told of, and together.
const GROUPS_MAX: usize = 20_000;

/// How long what was told is remembered at least: as long as Alertmanager does, 5 days.
const LOG_KEPT: Duration = Duration::from_secs(120 * 3600);

/// How often what is old is forgotten: as often as Alertmanager does.
const FORGET_INTERVAL: Duration = Duration::from_secs(15 * 60);

/// What begins the names of what is kept.
const GROUP: &str = "group/";
const LOG: &str = "log/";
const SILENCE: &str = "silence/";

/// What a config says of notifications, as far as it is no matter of how they are sent.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whom what goes to.
    pub routes: Routes,
    /// What is told where a receiver is: one part per address.
    pub receivers: BTreeMap<Box<str>, Vec<Integration>>,
    /// Which alerts keep which quiet.
    pub inhibit_rules: Vec<InhibitRule>,
    /// The intervals that routes name.
    pub time_intervals: BTreeMap<Box<str>, Vec<TimeInterval>>,
    /// An alert that began earlier than this when it is first heard of is history: nobody is told.
    pub age_max: Duration,
}

/// One address of a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integration {
    /// Whether it wants to hear of what is resolved.
    pub sends_resolved: bool,
    /// Whether it is mail, of which too much is a digest.
    pub is_mail: bool,
}

/// Something to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// To whom.
    pub receiver: Box<str>,
    /// To which of its addresses.
    pub integration: usize,
    /// The group, the same for all messages about it.
    pub group: GroupId,
    /// The same as Alertmanager shows it.
    pub group_key: Box<str>,
    /// What the alerts have in common by the route.
    pub group_labels: Labels,
    /// The alerts, in the order of their labels; at least one.
    pub alerts: Vec<Alert>,
    /// Why now.
    pub reason: Reason,
    /// What the message belongs to; `messages` went before it.
    pub incident: Incident,
    /// When it was decided.
    pub at: Timestamp,
}

/// Something to be kept under a name; `None` where it is to be forgotten.
pub type Stored = (String, Option<Vec<u8>>);

/// What is known of an alert beyond itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The silences that silence it.
    pub silenced_by: Vec<Box<str>>,
    /// The alert that keeps it quiet.
    pub inhibited_by: Option<Fingerprint>,
    /// When each receiver is told next, and why not yet.
    pub looks: Vec<Look>,
}

/// When a group is looked at next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Who is told.
    pub receiver: Box<str>,
    /// The group, as Alertmanager shows it.
    pub group_key: Box<str>,
    /// When it is looked at.
    pub next: Timestamp,
    /// When it was last told of, if it was.
    pub told_at: Option<Timestamp>,
    /// From when on it is told of again though nothing has changed.
    pub repeat_after: Option<Timestamp>,
    /// Whether the route's time intervals keep it quiet now.
    pub is_muted: bool,
}

/// Decides what is sent.
#[derive(Debug)]
pub struct Dispatcher {
    policy: Policy,
    /// All that are known, those of history not.
    alerts: BTreeMap<Fingerprint, Alert>,
    groups: BTreeMap<GroupId, Group>,
    log: BTreeMap<u64, LogEntry>,
    /// The silences.
    silences: Silences,
    changed_groups: BTreeSet<GroupId>,
    changed_log: BTreeSet<u64>,
    forgotten_at: Timestamp,
}

impl Dispatcher {
    /// One with what was kept, by names without their common beginning; what cannot be read any more is left out.
    pub fn new(policy: Policy, stored: impl IntoIterator<Item = (String, Vec<u8>)>, now: Timestamp) -> Self {
        let mut dispatcher = Self {
            policy,
            alerts: BTreeMap::new(),
            groups: BTreeMap::new(),
            log: BTreeMap::new(),
            silences: Silences::default(),
            changed_groups: BTreeSet::new(),
            changed_log: BTreeSet::new(),
            forgotten_at: now,
        };
        for (name, bytes) in stored {
            if let Some(id) = name.strip_prefix(GROUP).and_then(hex_number) {
                dispatcher.groups.extend(decoded(&bytes).map(|group| (GroupId(id), group)));
            } else if let Some(id) = name.strip_prefix(LOG).and_then(hex_number) {
                dispatcher.log.extend(decoded(&bytes).map(|entry| (id, entry)));
            } else if name.starts_with(SILENCE)
                && let Some(silence) = decoded(&bytes)
            {
                dispatcher.silences.restore(silence);
            }
        }
        dispatcher.regroup(now);
        dispatcher
    }

    /// Takes over the alerts of the kept groups. Where the config has changed, some belong elsewhere now.
    fn regroup(&mut self, now: Timestamp) {
        for group in self.groups.values() {
            for (&fingerprint, alert) in &group.members {
                self.alerts.insert(Fingerprint(fingerprint), alert.clone());
            }
        }
        let routes = &self.policy.routes;
        for (id, group) in &mut self.groups {
            let is_of_group = |alert: &Alert| {
                let of_alert = routes.of(&alert.labels);
                of_alert.into_iter().filter_map(|at| routes.get(at)).any(|route| {
                    let is_whole =
                        group.labels.is_empty() || route.group_labels(&alert.labels) == group.labels;
                    *route.unique_key == *group.route_key && is_whole
                })
            };
            let before = group.members.len();
            let kept: BTreeMap<u64, Alert> = group
                .members
                .iter()
                .filter(|(_, alert)| is_of_group(alert))
                .map(|(f, a)| (*f, a.clone()))
                .collect();
            if kept.len() != before {
                self.changed_groups.insert(*id);
            }
            group.members = kept;
        }
        self.groups.retain(|_, group| !group.members.is_empty());
        let firing: Vec<Alert> = self.alerts.values().filter(|a| !a.is_resolved_at(now)).cloned().collect();
        firing.iter().for_each(|alert| self.put(alert, now));
    }

    /// Takes in all alerts that there are: those that fire, and those that were resolved lately. One that fired
    /// and is not among them any more is over.
    pub fn set_alerts(&mut self, alerts: Vec<Alert>, now: Timestamp) {
        let mut unmentioned = std::mem::take(&mut self.alerts);
        for alert in alerts {
            let fingerprint = alert.fingerprint();
            let known = unmentioned.remove(&fingerprint);
            let is_resolved = alert.is_resolved_at(now);
            let is_same =
                known.as_ref().is_some_and(|known| known.starts_at == alert.starts_at || is_resolved);
            if !is_same && (is_resolved || alert.starts_at < now.minus(self.policy.age_max)) {
                // What is over before anybody was told is not told; what began long ago is history.
                if let Some(known) = known.filter(|known| !known.is_resolved_at(now)) {
                    self.put(&Alert { ends_at: Some(now), ..known }, now);
                }
                continue;
            }
            let alert = if is_resolved { alert } else { Alert { ends_at: None, ..alert } };
            // What was resolved and told is not told again for other words.
            let is_over = is_resolved && known.as_ref().is_some_and(|known| known.is_resolved_at(now));
            if !is_over && known.as_ref() != Some(&alert) {
                self.put(&alert, now);
            }
            self.alerts.insert(fingerprint, alert);
        }
        for alert in unmentioned.into_values().filter(|alert| !alert.is_resolved_at(now)) {
            self.put(&Alert { ends_at: Some(now), ..alert }, now);
        }
    }

    /// Puts an alert into its groups.
    fn put(&mut self, alert: &Alert, now: Timestamp) {
        let fingerprint = alert.fingerprint().0;
        for at in self.policy.routes.of(&alert.labels) {
            let Some(route) = self.policy.routes.get(at) else { continue };
            let mut labels = route.group_labels(&alert.labels);
            let mut id = GroupId::of(&route.unique_key, &labels);
            if !self.groups.contains_key(&id) {
                if alert.is_resolved_at(now) {
                    continue;
                }
                if self.groups.len() >= GROUPS_MAX {
                    labels = Labels::new();
                    id = GroupId::of(&route.unique_key, &labels);
                }
            }
            let wait_micros = micros(route.group_wait);
            let group = self.groups.entry(id).or_insert_with(|| Group {
                route_key: route.unique_key.clone(),
                labels,
                members: BTreeMap::new(),
                next_look: now.plus_micros(wait_micros),
                was_looked_at: false,
            });
            if !group.was_looked_at && alert.starts_at.plus_micros(wait_micros) < now {
                group.next_look = group.next_look.min(now);
            }
            let before = group.members.insert(fingerprint, alert.clone());
            // Other words about the same are not worth a write.
            let times = |alert: &Alert| (alert.starts_at, alert.ends_at);
            if before.as_ref().map(times) != Some(times(alert)) {
                self.changed_groups.insert(id);
            }
        }
    }

    /// When [`Self::due`] has something to look at.
    pub fn next_look(&self) -> Option<Timestamp> {
        self.groups.values().map(|group| group.next_look).min()
    }

    /// Looks at the groups that are due, and says what is to be sent. It counts as sent once it was said.
    pub fn due(&mut self, now: Timestamp) -> Vec<Notification> {
        self.forget_old(now);
        let mut due: Vec<(Timestamp, GroupId)> = self
            .groups
            .iter()
            .filter(|(_, group)| group.next_look <= now)
            .map(|(id, group)| (group.next_look, *id))
            .collect();
        due.sort_unstable();
        let mut notifications = Vec::new();
        if due.is_empty() {
            return notifications;
        }
        let firing = self.alerts.iter().filter(|(_, alert)| alert.ends_at.is_none()).map(|(f, a)| (*f, a));
        let inhibitors = Inhibitors::new(&self.policy.inhibit_rules, &firing);
        for (_, id) in due {
            let Some(group) = self.groups.get_mut(&id) else { continue };
            self.changed_groups.insert(id);
            let route = self.policy.routes.find(&group.route_key).and_then(|at| self.policy.routes.get(at));
            let Some(route) = route else {
                self.groups.remove(&id);
                continue;
            };
            group.next_look = now.plus_micros(micros(route.group_interval).max(1));
            group.was_looked_at = true;
            if !is_muted(route, &self.policy.time_intervals, now) {
                let is_heard = |alert: &&Alert| {
                    inhibitors.of(&alert.labels).is_none() && self.silences.of(&alert.labels, now).is_empty()
                };
                let mut heard: Vec<Alert> = group.members.values().filter(is_heard).cloned().collect();
                heard.sort_by(|one, other| one.labels.cmp(&other.labels));
                let integrations = self.policy.receivers.get(&route.receiver).map_or(&[][..], Vec::as_slice);
                let mut telling =
                    Telling { log: &mut self.log, changed: &mut self.changed_log, id, route, now };
                for (at, integration) in integrations.iter().enumerate().filter(|_| !heard.is_empty()) {
                    notifications.extend(telling.tell(&group.labels, at, *integration, &heard));
                }
            }
            group.members.retain(|_, alert| !alert.is_resolved_at(now));
            if group.members.is_empty() {
                self.groups.remove(&id);
            }
        }
        notifications
    }

    fn forget_old(&mut self, now: Timestamp) {
        if now < self.forgotten_at.plus_micros(micros(FORGET_INTERVAL)) {
            return;
        }
        self.forgotten_at = now;
        self.silences.forget_old(now);
        let changed = &mut self.changed_log;
        self.log.retain(|id, entry| {
            let is_kept = entry.kept_until > now;
            if !is_kept {
                changed.insert(*id);
            }
            is_kept
        });
    }

    /// What must be kept of what has changed since this was asked last.
    pub fn take_changes(&mut self) -> Vec<Stored> {
        let groups = std::mem::take(&mut self.changed_groups).into_iter();
        let log = std::mem::take(&mut self.changed_log).into_iter();
        let silences = self.silences.take_changed().into_iter();
        groups
            .map(|id| (format!("{GROUP}{:016x}", id.0), self.groups.get(&id).and_then(encoded)))
            .chain(log.map(|id| (format!("{LOG}{id:016x}"), self.log.get(&id).and_then(encoded))))
            .chain(silences.map(|id| (format!("{SILENCE}{id}"), self.silences.get(&id).and_then(encoded))))
            .collect()
    }

    /// What is known of an alert with these labels beyond itself.
    pub fn standing(&self, labels: &Labels, now: Timestamp) -> Standing {
        let firing = self.alerts.iter().filter(|(_, alert)| alert.ends_at.is_none()).map(|(f, a)| (*f, a));
        let looks = self.policy.routes.of(labels).into_iter().filter_map(|at| self.policy.routes.get(at));
        let look = |route: &Route| {
            let group_labels = route.group_labels(labels);
            let id = GroupId::of(&route.unique_key, &group_labels);
            let told = self.log.get(&id.told(&route.receiver, 0));
            Some(Look {
                receiver: route.receiver.clone(),
                group_key: route.group_key(&group_labels).into(),
                next: self.groups.get(&id)?.next_look,
                told_at: told.map(|entry| entry.told_at),
                repeat_after: told.map(|entry| entry.told_at.plus_micros(micros(route.repeat_interval))),
                is_muted: is_muted(route, &self.policy.time_intervals, now),
            })
        };
        Standing {
            silenced_by: self.silences.of(labels, now),
            inhibited_by: Inhibitors::new(&self.policy.inhibit_rules, &firing).of(labels),
            looks: looks.filter_map(look).collect(),
        }
    }

    /// The receivers of an alert with these labels.
    pub fn receivers(&self, labels: &Labels) -> Vec<Box<str>> {
        let routes = self.policy.routes.of(labels).into_iter().filter_map(|at| self.policy.routes.get(at));
        routes.map(|route| route.receiver.clone()).collect()
    }

    /// All alerts that somebody is or was told of.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.values()
    }

    /// The silences.
    pub fn silences(&self) -> &Silences {
        &self.silences
    }

    /// Makes or changes a silence; see [`Silences::set`].
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn set_silence(
        &mut self,
        silence: Silence,
        new_id: &str,
        now: Timestamp,
    ) -> Result<Box<str>, SilenceError> {
        self.silences.set(silence, new_id, now)
    }

    /// Ends a silence; see [`Silences::expire`].
    ///
    /// # Errors
    ///
    /// There is none of that name, or it is over.
    pub fn expire_silence(&mut self, id: &str, now: Timestamp) -> Result<(), SilenceError> {
        self.silences.expire(id, now)
    }
}

/// What one look at a group needs.
struct Telling<'a> {
    log: &'a mut BTreeMap<u64, LogEntry>,
    changed: &'a mut BTreeSet<u64>,
    id: GroupId,
    route: &'a Route,
    now: Timestamp,
}

impl Telling<'_> {
    /// What to send to one address, where there is a reason; the log then says that it was sent.
    fn tell(
        &mut self,
        group_labels: &Labels,
        at: usize,
        integration: Integration,
        heard: &[Alert],
    ) -> Option<Notification> {
        let set = |is_resolved: bool| -> BTreeSet<u64> {
            let wanted = heard.iter().filter(|alert| alert.is_resolved_at(self.now) == is_resolved);
            wanted.map(|alert| alert.fingerprint().0).collect()
        };
        let (firing, resolved) = (set(false), set(true));
        let Integration { sends_resolved, .. } = integration;
        let told = self.id.told(&self.route.receiver, at);
        let entry = self.log.get(&told);
        let repeat = self.route.repeat_interval;
        let reason = reason_to_tell(entry, &firing, &resolved, sends_resolved, repeat, self.now)?;
        let alerts: Vec<Alert> =
            heard.iter().filter(|alert| sends_resolved || !alert.is_resolved_at(self.now)).cloned().collect();
        let begun = entry.filter(|_| reason != Reason::First).map(|entry| entry.incident.clone());
        let incident = begun.unwrap_or_else(|| Incident {
            id: told ^ self.now.micros().unsigned_abs(),
            messages: 0,
            title: title(group_labels, heard).into(),
        });
        let sent = u32::from(!alerts.is_empty());
        let kept = LOG_KEPT.max(repeat.saturating_mul(2));
        let entry = LogEntry {
            firing,
            resolved,
            told_at: self.now,
            kept_until: self.now.plus_micros(micros(kept)),
            incident: Incident { messages: incident.messages.saturating_add(sent), ..incident.clone() },
        };
        self.log.insert(told, entry);
        self.changed.insert(told);
        (!alerts.is_empty()).then(|| Notification {
            receiver: self.route.receiver.clone(),
            integration: at,
            group: self.id,
            group_key: self.route.group_key(group_labels).into(),
            group_labels: group_labels.clone(),
            alerts,
            reason,
            incident,
            at: self.now,
        })
    }
}

/// What an incident is called: by its one alert's summary, or by what its alerts have in common.
fn title(group_labels: &Labels, alerts: &[Alert]) -> String {
    if let [alert] = alerts
        && let Some(summary) = alert.annotations.get("summary").filter(|text| !text.trim().is_empty())
    {
        return summary.to_string();
    }
    let first = alerts.first().and_then(|alert| alert.labels.get("alertname"));
    let is_common = alerts.iter().all(|alert| alert.labels.get("alertname") == first);
    let name = first.filter(|_| is_common).map_or("alerts", |name| name);
    let labels: Vec<&str> = group_labels
        .iter()
        .filter(|(label, _)| &***label != "alertname")
        .map(|(_, value)| &**value)
        .collect();
    if labels.is_empty() { name.to_owned() } else { format!("{name}: {}", labels.join(" ")) }
}

fn is_muted(route: &Route, intervals: &BTreeMap<Box<str>, Vec<TimeInterval>>, now: Timestamp) -> bool {
    let is_in = |names: &[Box<str>]| {
        names.iter().filter_map(|name| intervals.get(name)).flatten().any(|interval| interval.contains(now))
    };
    is_in(&route.mute_time_intervals)
        || (!route.active_time_intervals.is_empty() && !is_in(&route.active_time_intervals))
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn hex_number(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

fn encoded<T: Serialize>(value: &T) -> Option<Vec<u8>> {
    postcard::to_stdvec(value).ok()
}

fn decoded<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}
