//! History against the live evaluator: the same changes, whatever the config; mails, differences, suggestions.

use std::time::Duration;

use proptest::prelude::*;
use weir_record::Timestamp;

use super::*;
use crate::evaluator::time;
use crate::notification::{DIGEST_TITLE, Integration, Policy, RouteSpec, Routes};
use crate::rule::{Condition, NoTraffic, Rule, RuleScope, SharePair};
use crate::share::Objective;

fn rule(name: &str, condition: Condition, hold: u64) -> RuleOfIndicator {
    let rule = Rule {
        labels: [("alertname".into(), name.into())].into(),
        annotations: Labels::new(),
        condition,
        hold: Duration::from_secs(hold * 60),
        keep_firing_for: Duration::from_secs(60),
        scope: RuleScope::default(),
    };
    RuleOfIndicator { rule, indicator: 0 }
}

fn rules() -> Vec<RuleOfIndicator> {
    let share = Objective::from_percent_micros(90_000_000).unwrap().allowed();
    let pair = SharePair { long: 5, short: Some(2), share, events_min: 3 };
    vec![
        rule("Share", Condition::Share { pairs: vec![pair], no_traffic: NoTraffic::Keep }, 2),
        rule("Above", Condition::Above { window: 3, above: 4 }, 0),
        rule(
            "Spike",
            Condition::Spike { window: 2, reference: 8, height_micros: 2_000_000, min_events: 2 },
            0,
        ),
        rule("Silent", Condition::Silent { window: 4, below: 1 }, 1),
        rule("New", Condition::New { window: 5, learning: 10 }, 0),
    ]
}

fn instance(number: usize) -> Labels {
    [("route".into(), format!("/{number}").into())].into()
}

const SPAN: Span = Span { warm_up: 0, from: 0, to: 80, step: 10 };

/// A minute, an instance, its good and bad events.
type Happened = (i64, usize, u64, u64);

fn live(happened: &[Happened], since: i64) -> Vec<Change> {
    let mut evaluator = Evaluator::new(rules(), 1);
    let mut changes = Vec::new();
    for at in since..=SPAN.to {
        // What a server knows when everything before this moment has come.
        for (_, number, good, bad) in happened.iter().filter(|event| event.0 == at - 1) {
            evaluator.add(0, &instance(*number), at - 1, Events { good: *good, bad: *bad });
        }
        for rule in 0..rules().len() {
            changes.extend(evaluator.evaluate(rule, at).into_iter().filter(|change| change.is_transition));
        }
    }
    changes
}

fn backtest(happened: &[Happened], judging: Judging) -> Outcome {
    let rules = rules().into_iter().map(|rule| (rule, judging)).collect();
    let mut backtest = Backtest::new(rules, 1, SPAN);
    let mut sorted = happened.to_vec();
    sorted.sort_unstable();
    for (minute, number, good, bad) in sorted {
        backtest.judge_to(minute);
        let number = backtest.instance(0, &instance(number)).unwrap();
        backtest.add(0, number, minute, Events { good, bad });
    }
    backtest.finish()
}

proptest! {
    /// Whatever happened, history is judged as it was when it happened.
    #[test]
    fn a_backtest_says_what_the_live_run_did(
        happened in prop::collection::vec((0i64..80, 0usize..3, 0u64..4, 0u64..4), 1..120),
    ) {
        let outcome = backtest(&happened, Judging { since: Some(0), last: None });
        let changed = |changes: &[Change]| {
            let mut changes: Vec<String> = changes.iter().map(|change| format!("{change:?}")).collect();
            changes.sort();
            changes
        };
        prop_assert_eq!(changed(&outcome.changes), changed(&live(&happened, 0)));
        let fired = outcome.changes.iter().filter(|change| {
            change.alert.state == AlertState::Firing && change.before != Some(AlertState::Firing)
        });
        prop_assert_eq!(outcome.firings.len(), fired.count());
        let all = outcome.sums[0].values().fold(Events::default(), |mut sum, events| { sum.add(*events); sum });
        let expected = happened.iter().fold(Events::default(), |mut sum, (_, _, good, bad)| {
            sum.add(Events { good: *good, bad: *bad });
            sum
        });
        prop_assert_eq!(all, expected);
    }

    /// Each firing is in a difference once, and a config does not differ from itself.
    #[test]
    fn a_difference_has_each_firing_once(
        one in prop::collection::vec((0usize..3, 0i64..50, prop::option::of(0i64..20)), 0..20),
        other in prop::collection::vec((0usize..3, 0i64..50, prop::option::of(0i64..20)), 0..20),
    ) {
        let labels: Vec<Labels> = (0..3).map(instance).collect();
        let episodes = |firings: &[(usize, i64, Option<i64>)]| -> Vec<(usize, i64, Option<i64>)> {
            firings.iter().map(|(which, start, length)| (*which, *start, length.map(|length| start + length))).collect()
        };
        let (one, other) = (episodes(&one), episodes(&other));
        fn refer<'a>(labels: &'a [Labels], all: &[(usize, i64, Option<i64>)]) -> Vec<(&'a Labels, i64, Option<i64>)> {
            all.iter().map(|(which, start, end)| (&labels[*which], *start, *end)).collect()
        }
        let (old, new) = (refer(&labels, &one), refer(&labels, &other));
        let found = difference(&old, &new);
        prop_assert_eq!(found.only_old.len() + found.same.len() + found.moved.len(), old.len());
        prop_assert_eq!(found.only_new.len() + found.same.len() + found.moved.len(), new.len());
        for (before, after) in &found.moved {
            prop_assert_eq!(old[*before].0, new[*after].0);
        }
        let itself = difference(&old, &old);
        prop_assert_eq!((itself.same.len(), itself.moved.len()), (old.len(), 0));
    }
}

#[test]
fn a_rule_is_judged_from_its_first_counts_to_where_they_are_complete() {
    let happened = [(20, 0, 0, 9), (21, 0, 0, 9), (50, 0, 0, 9)];
    let of = |judging| {
        let firings = backtest(&happened, judging).firings;
        let shown =
            |firing: &Firing| (firing.labels["alertname"].to_string(), firing.fired_at, firing.resolved_at);
        firings.iter().map(shown).filter(|(name, ..)| name == "Above" || name == "Silent").collect::<Vec<_>>()
    };
    let above = |start, end| ("Above".to_owned(), start, end);
    let silent = |start, end| ("Silent".to_owned(), start, end);
    assert_eq!(
        of(Judging::default()),
        [above(21, Some(26)), silent(27, Some(52)), above(51, Some(55)), silent(56, None)]
    );
    assert_eq!(of(Judging { since: None, last: Some(30) }), [above(21, Some(26)), silent(27, None)]);
    // One that was judged live before is silent from the beginning.
    assert_eq!(of(Judging { since: Some(0), last: Some(10) }), []);
}

fn sender(sends_resolved: bool, max_per_hour: u32) -> Sender {
    let root = RouteSpec { receiver: Some("core".into()), ..RouteSpec::default() };
    let policy = Policy {
        routes: Routes::new(&root),
        receivers: [("core".into(), vec![Integration { sends_resolved, is_mail: true }])].into(),
        inhibit_rules: Vec::new(),
        time_intervals: BTreeMap::new(),
        age_max: Duration::from_secs(3600),
    };
    Sender { policy, max_per_hour }
}

#[test]
fn mails_are_those_of_groups_and_later_by_the_lateness() {
    // Two instances fail within the wait of the group, one of them for longer.
    let happened: Vec<Happened> =
        (10..16).flat_map(|minute| [(minute, 0, 0, 9), (minute.min(12), 1, 0, 9)]).collect();
    let outcome = backtest(&happened, Judging { since: Some(0), last: Some(40) });
    let above: Vec<Told> = outcome.told.into_iter().filter(|told| told.rule == 1).collect();
    let shown = |sends_resolved, delay| {
        let delays = [Duration::from_secs(delay); 5];
        let sent = mails(sender(sends_resolved, 60), &above, &delays, time(80));
        assert!(!sent.is_cut);
        let row = |mail: &Message| (seconds(mail.at), mail.firing + mail.resolved);
        sent.messages.iter().map(row).collect::<Vec<_>>()
    };
    // Ten minutes and the first minute, 30 s of waiting; who waited for late lines waits for no group.
    assert_eq!(shown(false, 0), [(690, 2)]);
    assert_eq!(shown(true, 0)[0], (690, 2));
    assert_eq!(shown(true, 0).len(), 2);
    assert_eq!(shown(false, 120), [(780, 2)]);
}

fn seconds(at: Timestamp) -> i64 {
    at.micros() / 1_000_000
}

#[test]
fn of_too_many_mails_there_is_a_digest_every_ten_minutes() {
    // Fails and is well again for minutes, again and again, and is told of each time.
    let happened: Vec<Happened> =
        (0..60).filter(|minute| minute % 12 < 3).map(|minute| (minute, 0, 0, 9)).collect();
    let outcome = backtest(&happened, Judging { since: Some(0), last: Some(70) });
    let above: Vec<Told> = outcome.told.into_iter().filter(|told| told.rule == 1).collect();
    let sent = |max_per_hour| {
        let sent = mails(sender(true, max_per_hour), &above, &[Duration::ZERO; 5], time(80));
        let row = |mail: &Message| (seconds(mail.at) / 60, mail.title.as_ref() == DIGEST_TITLE);
        sent.messages.iter().map(row).collect::<Vec<_>>()
    };
    let all = sent(60);
    assert!(all.len() > 5 && all.iter().all(|(_, is_digest)| !is_digest), "{all:?}");
    let few = sent(3);
    assert_eq!(few[..3], all[..3]);
    assert!(few[3..].iter().all(|(_, is_digest)| *is_digest), "{few:?}");
    assert!(few.len() > 3 && few[3..].windows(2).all(|pair| pair[1].0 - pair[0].0 >= 10), "{few:?}");
}

#[test]
fn the_strictest_setting_that_can_be_borne_is_found_and_was_tried() {
    let pages = [90.0, 40.0, 12.0, 3.0, 0.0];
    let settings: Vec<usize> = (0..pages.len()).collect();
    let found = |most: f64| strictest(&settings, most, |at| Ok::<_, ()>(pages[*at])).unwrap();
    assert_eq!(found(12.0), Some((&2, 12.0)));
    assert_eq!(found(11.0), Some((&3, 3.0)));
    assert_eq!(found(1e9), Some((&0, 90.0)));
    assert_eq!(found(-1.0), None);
    assert_eq!(strictest(&settings, 1.0, |_| Err::<f64, _>("no")), Err("no"));
}
