//! Scenarios as scripts: what happens when, and what is sent of it.
//!
//! `> 10s fire a b` is what happens; every other line is what must be sent, in order: when, to whom, what fires and
//! what is resolved, and why. Each script is run twice: as it is, and with a process that dies after every step
//! and goes on from what it had handed out to be kept. Both must send the same.

use std::collections::BTreeMap;
use std::time::Duration;

use weir_record::Timestamp;

use super::*;
use crate::{Alert, Labels};

/// A Friday, 12:00 UTC.
const START: Timestamp = Timestamp::from_seconds(1_795_780_800);

struct World {
    policy: Policy,
    dispatcher: Dispatcher,
    kept: BTreeMap<String, Vec<u8>>,
    alerts: BTreeMap<String, Alert>,
    dies: bool,
    sent: Vec<String>,
}

fn policy() -> Policy {
    let matchers = |text: &str| Matcher::parse_all(text).unwrap();
    let route = |receiver: &str, text: &str| RouteSpec {
        receiver: Some(receiver.into()),
        matchers: matchers(text),
        ..RouteSpec::default()
    };
    let night = RouteSpec { mute_time_intervals: vec!["night".into()], ..route("day", "kind=day") };
    let office = RouteSpec { active_time_intervals: vec!["night".into()], ..route("night", "kind=night") };
    let each = RouteSpec { group_by: Some(GroupBy::All), ..route("core", "kind=each") };
    let both = RouteSpec { goes_on: true, ..route("quiet", "kind=both") };
    let root = RouteSpec {
        group_by: Some(GroupBy::Labels(["kind".into()].into())),
        routes: vec![night, office, each, both, route("core", "kind=both"), route("quiet", "kind=quiet")],
        ..route("core", "")
    };
    let core = vec![Integration { sends_resolved: true, is_mail: true }];
    let quiet = vec![Integration { sends_resolved: false, is_mail: true }];
    let night = TimeInterval { times: vec![(13 * 60, 14 * 60)], ..TimeInterval::default() };
    Policy {
        routes: Routes::new(&root),
        receivers: BTreeMap::from([
            ("core".into(), core.clone()),
            ("day".into(), core.clone()),
            ("night".into(), core),
            ("quiet".into(), quiet),
        ]),
        inhibit_rules: vec![InhibitRule {
            source: matchers("severity=cause"),
            target: matchers("severity=effect"),
            equal: vec!["kind".into()],
        }],
        time_intervals: BTreeMap::from([("night".into(), vec![night])]),
        age_max: Duration::from_secs(3600),
    }
}

/// `a:kind=x:severity=y` is the alert `a` with these labels.
fn alert(word: &str, at: Timestamp) -> Alert {
    let mut parts = word.split(':');
    let mut labels: Labels = [("alertname".into(), parts.next().unwrap().into())].into();
    labels.extend(parts.filter_map(|p| p.split_once('=')).map(|(n, v)| (n.into(), v.into())));
    Alert { labels, annotations: Labels::new(), starts_at: at, ends_at: None, generator_url: String::new() }
}

fn seconds(text: &str) -> i64 {
    let mut total = 0;
    let mut number = 0;
    for c in text.chars() {
        match c {
            '0'..='9' => number = number * 10 + i64::from(c as u8 - b'0'),
            'h' => total += 3600 * std::mem::take(&mut number),
            'm' => total += 60 * std::mem::take(&mut number),
            _ => total += std::mem::take(&mut number),
        }
    }
    total
}

fn shown(at: Timestamp) -> String {
    let total = at.micros_since(START).unwrap() / 1_000_000;
    let (h, m, s) = (total / 3600, total / 60 % 60, total % 60);
    let part = |number: u64, unit: &str| if number > 0 { format!("{number}{unit}") } else { String::new() };
    format!("{}{}{}", part(h, "h"), part(m, "m"), part(s, "s"))
}

impl World {
    fn new(dies: bool) -> Self {
        let dispatcher = Dispatcher::new(policy(), [], START);
        Self {
            policy: policy(),
            dispatcher,
            kept: BTreeMap::new(),
            alerts: BTreeMap::new(),
            dies,
            sent: vec![],
        }
    }

    fn until(&mut self, end: Timestamp) {
        while let Some(next) = self.dispatcher.next_look().filter(|next| *next <= end) {
            let notifications = self.dispatcher.due(next);
            self.sent.extend(notifications.iter().map(|one| line(one, next)));
            self.keep(next);
        }
    }

    fn keep(&mut self, now: Timestamp) {
        for (name, bytes) in self.dispatcher.take_changes() {
            match bytes {
                Some(bytes) => drop(self.kept.insert(name, bytes)),
                None => drop(self.kept.remove(&name)),
            }
        }
        if self.dies {
            self.dispatcher = Dispatcher::new(self.policy.clone(), self.kept.clone(), now);
        }
    }

    fn happen(&mut self, words: &[&str], now: Timestamp) {
        match words {
            ["fire", names @ ..] => {
                names.iter().for_each(|name| drop(self.alerts.insert((*name).to_owned(), alert(name, now))));
            }
            ["fired", ago, name] => {
                let then = now.plus_micros(-seconds(ago) * 1_000_000);
                self.alerts.insert((*name).to_owned(), alert(name, then));
            }
            ["resolve", names @ ..] => {
                for name in names {
                    self.alerts.get_mut(*name).unwrap().ends_at = Some(now);
                }
            }
            ["vanish", name] => drop(self.alerts.remove(*name)),
            ["same"] => {}
            ["silence", length, matchers] => {
                let silence = Silence {
                    id: "".into(),
                    matchers: Matcher::parse_all(matchers).unwrap(),
                    starts_at: now,
                    ends_at: now.plus_micros(seconds(length) * 1_000_000),
                    updated_at: now,
                    created_by: "ann".into(),
                    comment: "why".into(),
                };
                self.dispatcher.set_silence(silence, "1", now).unwrap();
            }
            ["expire"] => self.dispatcher.expire_silence("1", now).unwrap(),
            ["wait"] => {}
            other => panic!("{other:?}"),
        }
        self.dispatcher.set_alerts(self.alerts.values().cloned().collect(), now);
        self.keep(now);
    }
}

fn line(notification: &Notification, at: Timestamp) -> String {
    let names = |is_resolved: bool| {
        let of = notification.alerts.iter().filter(|alert| alert.is_resolved_at(at) == is_resolved);
        of.map(|alert| alert.labels["alertname"].to_string()).collect::<Vec<_>>().join("")
    };
    let Notification { receiver, reason, incident, .. } = notification;
    let (firing, resolved) = (names(false), names(true));
    format!("{} {receiver} firing:{firing} ok:{resolved} {reason:?} {}", shown(at), incident.messages)
}

fn check(script: &str) {
    for dies in [false, true] {
        let mut world = World::new(dies);
        let mut expected = Vec::new();
        for written in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let Some(event) = written.strip_prefix("> ") else {
                expected.push(written.to_owned());
                continue;
            };
            let words: Vec<&str> = event.split_whitespace().collect();
            let now = START.plus_micros(seconds(words[0]) * 1_000_000);
            // What is due at the same moment is looked at after the event.
            world.until(now.plus_micros(-1));
            world.happen(&words[1..], now);
        }
        assert_eq!(world.sent, expected, "{}", if dies { "with deaths" } else { "without deaths" });
    }
}

#[test]
fn a_group_waits_then_is_looked_at_again_and_again() {
    check(
        "> 0s fire a
        > 10s fire b
        30s core firing:ab ok: First 0
        > 40s fire c
        5m30s core firing:abc ok: NewFiring 1
        > 6m resolve a
        10m30s core firing:bc ok:a NewResolved 2
        > 11m resolve b
        > 11m10s resolve c
        15m30s core firing: ok:bc AllResolved 3
        > 16m wait
        > 3h fire a
        3h30s core firing:a ok: First 0
        > 3h20m wait",
    );
}

#[test]
fn what_fires_and_is_over_between_two_looks_is_never_sent() {
    check(
        "> 0s fire a
        > 10s resolve a
        > 1h fire a b
        1h30s core firing:ab ok: First 0
        > 1h1m fire c
        > 1h2m resolve c
        1h5m30s core firing:ab ok:c NewResolved 1
        > 1h6m wait
        > 1h20m wait",
    );
}

#[test]
fn repeats_come_at_the_first_look_behind_the_interval() {
    check(
        "> 0s fire a
        30s core firing:a ok: First 0
        4h5m30s core firing:a ok: Repeat 1
        > 4h10m resolve a
        4h10m30s core firing: ok:a AllResolved 2
        > 9h wait",
    );
}

#[test]
fn an_alert_that_is_not_mentioned_any_more_is_over() {
    check(
        "> 0s fire a
        30s core firing:a ok: First 0
        > 1m vanish a
        5m30s core firing: ok:a AllResolved 1
        > 20m wait",
    );
}

#[test]
fn a_group_whose_wait_is_over_when_it_begins_is_looked_at_at_once() {
    check(
        "> 1m fired 1m a
        1m core firing:a ok: First 0
        > 2m same",
    );
}

#[test]
fn who_does_not_want_to_hear_of_resolved_ones_does_not() {
    check(
        "> 0s fire a:kind=quiet b:kind=quiet
        30s quiet firing:ab ok: First 0
        > 1m resolve a:kind=quiet
        > 6m resolve b:kind=quiet
        > 12m fire a:kind=quiet
        12m30s quiet firing:a ok: First 0
        > 13m wait",
    );
}

#[test]
fn routes_go_on_and_three_dots_part_everything() {
    check(
        "> 0s fire a:kind=both b:kind=each c:kind=each
        30s core firing:c ok: First 0
        30s core firing:a ok: First 0
        30s quiet firing:a ok: First 0
        30s core firing:b ok: First 0
        > 1m wait",
    );
}

#[test]
fn a_cause_keeps_its_effects_quiet_and_then_they_are_heard() {
    check(
        "> 0s fire c:severity=cause e:severity=effect
        30s core firing:c ok: First 0
        > 6m resolve c:severity=cause
        10m30s core firing:e ok:c NewFiring 1
        > 11m wait",
    );
}

#[test]
fn nobody_hears_of_what_is_silenced_until_the_silence_ends() {
    check(
        "> 0s silence 1h alertname=a
        > 0s fire a b
        30s core firing:b ok: First 0
        > 10m expire
        10m30s core firing:ab ok: NewFiring 1
        > 11m silence 1h alertname=~a|b
        > 12m resolve a
        > 40m wait",
    );
}

#[test]
fn times_of_the_day_mute() {
    check(
        "> 58m fire a:kind=day n:kind=night
        58m30s day firing:a ok: First 0
        > 59m fire b:kind=day
        1h3m30s night firing:n ok: First 0
        2h3m30s day firing:ab ok: NewFiring 1
        > 2h4m resolve a:kind=day b:kind=day n:kind=night
        2h8m30s day firing: ok:ab AllResolved 2
        > 3h wait",
    );
}

#[test]
fn what_began_long_before_it_was_found_is_history() {
    check(
        "> 2h fired 1h1m a
        > 2h1m fired 59m b
        2h1m core firing:b ok: First 0
        > 2h2m same
        > 2h3m vanish a
        > 2h7m wait",
    );
}

#[test]
fn a_return_within_one_interval_is_no_news() {
    check(
        "> 0s fire a
        30s core firing:a ok: First 0
        > 1m resolve a
        > 2m fire a
        > 6m wait",
    );
}

#[test]
fn ten_thousand_alerts_at_once_are_one_message_quickly() {
    let mut dispatcher = Dispatcher::new(policy(), [], START);
    let all: Vec<Alert> = (0..10_000).map(|n| alert(&format!("a{n}:severity=effect"), START)).collect();
    dispatcher.set_alerts(all, START);
    let sent = dispatcher.due(START.plus_micros(30_000_000));
    assert_eq!(sent.iter().map(|one| one.alerts.len()).collect::<Vec<_>>(), [10_000]);
    assert_eq!(&*sent[0].incident.title, "alerts");
}

#[test]
fn an_alert_can_be_explained() {
    let mut world = World::new(false);
    world.happen(&["fire", "a"], START);
    world.until(START.plus_micros(60_000_000));
    let standing = world.dispatcher.standing(&alert("a", START).labels, START.plus_micros(60_000_000));
    let look = &standing.looks[0];
    assert_eq!((shown(look.next), shown(look.told_at.unwrap())), ("5m30s".to_owned(), "30s".to_owned()));
    assert_eq!((shown(look.repeat_after.unwrap()), &*look.group_key), ("4h30s".to_owned(), "{}:{}"));
}

#[test]
fn a_changed_route_keeps_what_fires_known() {
    let mut world = World::new(false);
    world.happen(&["fire", "a"], START);
    world.until(START.plus_micros(60_000_000));
    let other = RouteSpec {
        receiver: Some("day".into()),
        matchers: Matcher::parse_all("alertname=a").unwrap(),
        ..RouteSpec::default()
    };
    let root = RouteSpec { receiver: Some("core".into()), routes: vec![other], ..RouteSpec::default() };
    let later = START.plus_micros(2 * 3_600_000_000);
    let policy = Policy { routes: Routes::new(&root), ..policy() };
    let mut dispatcher = Dispatcher::new(policy, world.kept.clone(), later);
    dispatcher.set_alerts(world.alerts.values().cloned().collect(), later);
    let sent = dispatcher.due(later);
    assert_eq!(sent.iter().map(|one| &*one.receiver).collect::<Vec<_>>(), ["day"]);
}
