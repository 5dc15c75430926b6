//! What is in the ledger after a crash: exactly the transactions that were acknowledged, and of the one in
//! flight all or nothing.
//!
//! The disk forgets what was not synced, which `kill -9` cannot show; and it fails at every single step of a
//! commit in turn, which no real disk would do in a lifetime of tests.

#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise, and so may their helpers")]

mod history;

use std::io::ErrorKind;

use history::{History, Outcome};
use proptest::prelude::*;
use weir_ledger::LedgerError;

/// What happens next in a history.
#[derive(Clone, Debug)]
enum Event {
    Commit {
        rows: u64,
    },
    GiveUp {
        rows: u64,
    },
    /// The power is cut after so many writes and syncs of one more transaction, and again after so many of
    /// the repair.
    PowerCut {
        rows: u64,
        calls: u64,
        repair_calls: u64,
        seed: u64,
    },
    /// Closed and opened again in good order.
    Restart,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        5 => (1..40_u64).prop_map(|rows| Event::Commit { rows }),
        1 => (1..40_u64).prop_map(|rows| Event::GiveUp { rows }),
        4 => (1..40_u64, 0..60_u64, 0..12_u64, any::<u64>())
            .prop_map(|(rows, calls, repair_calls, seed)| Event::PowerCut { rows, calls, repair_calls, seed }),
        1 => Just(Event::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_any_crash_the_committed_transactions_are_there_and_nothing_else(
        events in prop::collection::vec(event(), 1..16),
    ) {
        let mut history = History::begin();
        for event in events {
            match event {
                Event::Commit { rows } => prop_assert_eq!(history.commit(rows), Outcome::Committed),
                Event::GiveUp { rows } => history.give_up(rows),
                Event::PowerCut { rows, calls, repair_calls, seed } => {
                    history.disk.fail_after(calls, ErrorKind::Other);
                    let outcome = history.commit(rows);
                    history.cut_power_while_repairing(repair_calls, seed);
                    history.check_after(outcome);
                }
                Event::Restart => history.restart(),
            }
            history.check();
        }
    }
}

#[test]
fn a_disk_that_fails_at_any_step_loses_nothing_and_goes_on_when_it_is_well() {
    for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::PermissionDenied] {
        let (mut failures, mut late_commits) = (0, 0);
        for calls in 0..60 {
            let mut history = History::begin();
            history.commit(20);
            history.disk.fail_after(calls, kind);
            let outcome = history.commit(30);
            let expected = if kind == ErrorKind::PermissionDenied { Outcome::Io } else { Outcome::DiskFull };
            assert!(outcome == Outcome::Committed || outcome == expected, "{calls}: {outcome:?}");
            failures += u32::from(outcome == expected);
            history.disk.heal();
            late_commits += u32::from(history.check_after_retry(outcome));
            history.commit(5);
            history.check();
            history.cut_power(calls);
            history.check();
        }
        assert!(failures > 5 && late_commits > 0, "{failures} {late_commits}");
    }
}

#[test]
fn a_full_disk_stops_writing_but_not_reading_until_there_is_room() {
    let mut failures = 0;
    for free_blocks in 0..80 {
        let mut history = History::begin();
        history.commit(3);
        history.disk.fill(free_blocks * 4096);
        let outcome = history.commit(2_000);
        if outcome == Outcome::DiskFull {
            failures += 1;
            assert_eq!(history.commit(2_000), Outcome::DiskFull);
            history.check();
        }
        history.disk.heal();
        history.check_after_retry(outcome);
        history.restart();
        history.check();
    }
    assert!(failures > 5, "{failures}");
}

#[test]
fn a_failed_sync_is_never_taken_for_one_that_was_done() {
    for syncs in 0..6 {
        for seed in 0..8 {
            let mut history = History::begin();
            history.commit(20);
            history.disk.fail_syncs_after(syncs, ErrorKind::Other);
            let outcome = history.commit(30);
            history.disk.heal();
            history.check_after_retry(outcome);
            history.commit(1);
            history.cut_power(seed);
            history.check();
        }
    }
}

#[test]
fn the_error_of_a_full_disk_says_what_to_do() {
    let history = History::begin();
    history.disk.fill(0);
    let error = history.ledger().write(|w| w.put_state("large", &vec![7_u8; 4 << 20])).unwrap_err();
    assert!(matches!(error, LedgerError::DiskFull(_)) && error.is_retryable(), "{error}");
    assert!(
        error.to_string().ends_with("free space or raise the quota, writing goes on by itself"),
        "{error}"
    );
}
