//! Bounds of what the ledger keeps: what happens at each of them, and that it costs no more each time.

use weir_ledger::{Ledger, ObjectEntry, ObjectId, StoredReject};

use super::*;
use crate::config::Config;
use crate::serve::open::{self, Opened};

struct Room {
    opened: Opened,
    _folder: tempfile::TempDir,
}

fn room() -> Room {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger")).unwrap();
    let opened =
        open::open(&Config::default(), MeterOptions::default(), ledger, open::Purpose::Serve).unwrap();
    Room { opened, _folder: folder }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn key_of(route: &str) -> StoredSlotKey {
    StoredSlotKey {
        source: "alb".into(),
        service: "shop".into(),
        route: route.into(),
        method: "GET".into(),
        status_class: Some(2),
    }
}

#[test]
fn cleaning_stays_due_until_nothing_old_is_left() {
    let Opened { ledger, mut preparation, .. } = room().opened;
    let entry = ObjectEntry { etag: "".into(), size: 0, text_hash: 0, committed_at_us: 0 };
    let old = CLEANED_MAX as u64 + 1;
    let fill = |w: &Writing<'_>| {
        (0..old).try_for_each(|n| w.put_object(ObjectId::of(&["file", &n.to_string()]), &entry))
    };
    ledger.write(fill).unwrap();
    let now = at(1_800_000_000);
    let mut due = Vec::new();
    for _ in 0..2 {
        let cleaned = ledger.write(|w| preparation.clean(w, now)).unwrap();
        preparation.cleaned(&cleaned, now);
        due.push(preparation.is_cleaning_due(now));
    }
    assert_eq!(due, [true, false]);
    assert!(preparation.is_cleaning_due(now.plus_micros(CLEANING_INTERVAL_US)));
}

#[test]
fn keys_of_minutes_stay_while_old_minutes_are_left() {
    let Opened { ledger, preparation, .. } = room().opened;
    let slot = StoredSlot { count: 1, ..StoredSlot::default() };
    let minutes = i64::try_from(CLEANED_MAX).unwrap() + 1;
    let fill = |w: &Writing<'_>| {
        let number = w.slot_key_number(&key_of("/a"))?;
        (0..minutes).try_for_each(|minute| w.add_slot(Minute(minute), number, &slot))
    };
    ledger.write(fill).unwrap();
    for gone in [0, 1] {
        let cleaned = ledger.write(|w| preparation.clean(w, at(1_800_000_000))).unwrap();
        assert_eq!((cleaned.slot_keys.len(), cleaned.has_more), (gone, gone == 0));
    }
}

#[test]
fn empty_rejects_use_up_the_room_for_rejects() {
    let Opened { ledger, state, mut preparation, .. } = room().opened;
    let reject = StoredReject {
        source: "alb".into(),
        origin: "a.log".into(),
        line: 1,
        column: 0,
        reason: "not_json".into(),
        received_at_us: 0,
        bytes: Vec::new(),
        is_cut: false,
        format: None,
    };
    preparation.rejects_bytes_max = 3 * reject_cost(&reject);
    let mut unit = Unit::new("alb".into(), Reach::Everything, MeterOptions::default(), at(0), None, None);
    (0..5).for_each(|_| unit.keep(reject.clone()));
    let mut group = Group::default();
    let for_the_next = group.add(super::super::commit::Request::Unit(Box::new(unit), None));
    assert!(for_the_next.is_none());
    let prepared = preparation.prepare(group, &state, &mut [], at(0));
    assert_eq!(prepared.units[0].0.account.rejects_not_kept, 2);
    ledger.write(|w| preparation.write(&prepared, w)).unwrap();
    let kept = ledger.read(|r| {
        let tally = r.rejects_bytes()?;
        Ok((tally.0, rejects_cost(tally)))
    });
    let (count, cost) = kept.unwrap();
    assert_eq!(count, 3);
    assert!(cost >= preparation.rejects_bytes, "a restart finds no more room");
}

#[test]
fn keys_beyond_the_most_are_kept_without_their_route_and_not_read_again() {
    let Opened { ledger, state, mut preparation, .. } = room().opened;
    for number in 0..u32::try_from(SLOT_KEYS_MAX).unwrap() - 1 {
        preparation.slot_keys.insert(key_of(&format!("/{number}")), 1_000_000 + number);
    }
    for group in 1..=2 {
        let mut prepared = preparation.prepare(Group::default(), &state, &mut [], at(0));
        for (route, minute) in [("/a", 7), ("/a", 8), ("/b", 7), ("/c", 7)] {
            let slot = StoredSlot { count: 1, ..StoredSlot::default() };
            prepared.slots.entry(key_of(route)).or_default().insert(Minute(minute), slot);
        }
        let new_slot_keys = ledger.write(|w| preparation.write(&prepared, w)).unwrap();
        preparation.written(&prepared, new_slot_keys);
        assert_eq!(preparation.slot_keys.len(), SLOT_KEYS_MAX, "none was forgotten, and one learned");
        let mut seen = Vec::new();
        let keys = ledger
            .read(|r| {
                r.slots(Minute(0), Minute(9), |minute, number, slot| {
                    seen.push((minute.0, number, slot.count));
                })?;
                r.slot_keys()
            })
            .unwrap();
        assert_eq!(keys, [(1, key_of("/a")), (2, key_of(OTHER))]);
        assert_eq!(seen, [(7, 1, group), (7, 2, 2 * group), (8, 1, group)]);
        assert_eq!(preparation.slot_keys.get(&key_of("/a")), Some(&1));
    }
}
