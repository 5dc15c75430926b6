//! The write-ahead segments: everything that is whole is read back, whatever else happened to them.

use std::fs;

use crate::frame::{push_frame, read_frames};
use crate::rows::Rows;
use crate::testing::{ReadBack, TestStore, kept_at, records, records_of, rows_at};

fn three_frames() -> (Vec<u8>, Vec<usize>, Vec<Vec<ReadBack>>) {
    let test = TestStore::new();
    let store = test.open();
    let (mut bytes, mut ends, mut expected) = (Vec::new(), Vec::new(), Vec::new());
    for seconds in [0..3, 10..11, 20..24] {
        let rows = rows_at(&store, seconds);
        push_frame(&mut bytes, &rows).unwrap();
        ends.push(bytes.len());
        expected.push(records_of(&rows.batch));
    }
    (bytes, ends, expected)
}

fn read_back(rows: &[Rows]) -> Vec<Vec<ReadBack>> {
    rows.iter().map(|rows| records_of(&rows.batch)).collect()
}

#[test]
fn frames_are_read_back_as_they_were_written() {
    let (bytes, _, expected) = three_frames();
    let frames = read_frames(&bytes);
    assert_eq!(frames.damage, None);
    assert_eq!(read_back(&frames.rows), expected);
    assert!(frames.rows.iter().all(|rows| rows.names.may_have("user") && !rows.names.may_have("path")));
}

#[test]
fn a_segment_cut_at_any_byte_gives_the_frames_before() {
    let (bytes, ends, expected) = three_frames();
    for len in (0..bytes.len()).filter(|len| len % 13 == 0 || ends.iter().any(|end| end.abs_diff(*len) < 20))
    {
        let frames = read_frames(&bytes[..len]);
        let whole = ends.iter().filter(|&&end| end <= len).count();
        assert_eq!(frames.rows.len(), whole, "cut at {len}");
        assert_eq!(read_back(&frames.rows), expected[..whole]);
        assert_eq!(frames.damage.is_none(), len == 0 || ends.contains(&len));
    }
}

#[test]
fn a_flipped_bit_costs_its_frame_and_no_other() {
    let (bytes, ends, expected) = three_frames();
    for offset in (0..bytes.len())
        .filter(|offset| offset % 29 == 0 || ends.iter().any(|end| end.abs_diff(*offset) < 20))
    {
        let mut damaged = bytes.clone();
        damaged[offset] ^= 1 << (offset % 8);
        let frames = read_frames(&damaged);
        let hit = ends.iter().filter(|&&end| end <= offset).count();
        let left: Vec<_> = expected
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != hit)
            .map(|(_, rows)| rows.clone())
            .collect();
        assert!(frames.damage.is_some(), "byte {offset}");
        assert_eq!(read_back(&frames.rows), left, "byte {offset}");
    }
}

#[test]
fn a_damaged_segment_serves_what_is_left_and_is_kept_aside() {
    let mut test = TestStore::new();
    let store = test.open();
    test.commit(&store, vec![kept_at(&store, 0..5)]);
    test.commit(&store, vec![kept_at(&store, 5..9)]);
    drop(store);
    let path = test.options.folder.join("wal/0000000000000000.wal");
    let mut bytes = fs::read(&path).unwrap();
    bytes[200] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let store = test.open();
    assert_eq!(store.view().rows(), 4);
    assert_eq!(store.problems().len(), 1);
    drop(test.open());
    let copies: Vec<_> = fs::read_dir(test.options.folder.join("damaged")).unwrap().collect();
    assert_eq!(copies.len(), 1);
    assert_eq!(fs::read(copies[0].as_ref().unwrap().path()).unwrap(), bytes);
    // What comes then goes elsewhere, and what is left becomes a file.
    test.commit(&store, vec![kept_at(&store, [9])]);
    assert_eq!(test.state.segments.len(), 2);
    let change = store.force_roll(&crate::read::Cancel::new()).unwrap().unwrap();
    test.apply(&store, change);
    let store = test.open();
    assert_eq!((records(&store.view()).len(), store.problems().len()), (5, 0));
}

#[test]
fn a_segment_that_is_shorter_than_committed_or_gone_is_a_problem() {
    let mut test = TestStore::new();
    let store = test.open();
    test.commit(&store, vec![kept_at(&store, 0..5)]);
    let path = test.options.folder.join("wal/0000000000000000.wal");
    fs::write(&path, &fs::read(&path).unwrap()[..100]).unwrap();
    let store = test.open();
    assert_eq!((store.view().rows(), store.problems().len()), (0, 1));
    fs::remove_file(&path).unwrap();
    let error = crate::Store::open(test.options.clone(), test.state.clone(), Vec::new())
        .map(|store| store.problems());
    assert_eq!(error.map(|problems| problems.len()).unwrap_or(9), 1);
}

#[test]
fn small_parts_in_memory_are_joined_and_nothing_is_lost() {
    let mut test = TestStore::new();
    let store = test.open();
    for second in 0..100 {
        test.commit(&store, vec![kept_at(&store, [500 - second, second])]);
    }
    let view = store.view();
    assert!(view.segments[0].rows.len() < 10, "{}", view.segments[0].rows.len());
    assert_eq!(records(&view).len(), 200);
    assert_eq!(records(&view), records(&test.open().view()));
}
