use std::fs;

use proptest::prelude::*;

use super::*;
use crate::error::StoreError;

/// A filter of one row group per list of granules, in a file.
fn written(groups: &[Vec<Vec<u64>>]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.filter");
    let mut builder = FilterBuilder::default();
    groups.iter().for_each(|granules| builder.push(GroupFilter::new(granules)));
    let mut bytes = Vec::new();
    let len = builder.write(&mut bytes).unwrap();
    assert_eq!(len, bytes.len() as u64);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn hashes(granule: u64, count: u64) -> Vec<u64> {
    (0..count).map(|value| value_hash("user", &format!("{granule}/{value}"))).collect()
}

#[test]
fn few_granules_are_let_through_for_nothing() {
    for (granules, count) in [(1, 10), (3, 3_000), (32, 8_000)] {
        let all: Vec<Vec<u64>> = (0..granules).map(|granule| hashes(granule, count)).collect();
        let (_folder, path) = written(&[all]);
        let filter = Filter::open(&path).unwrap();
        let absent = (0..4_000).map(|value| word_hash("user", &format!("absent {value}")));
        let all_granules = GRANULES_ALL >> (32 - granules);
        let let_through: u32 =
            absent.map(|hash| (filter.granules(0, hash) & all_granules).count_ones()).sum();
        let share = f64::from(let_through) / 4_000.0 / granules as f64;
        assert!(share < 0.01, "{share} of {granules} granules with {count} values");
        let bits = fs::metadata(&path).unwrap().len() as f64 * 8.0 / (granules * count) as f64;
        assert!(count < 1_000 || bits < 16.0, "{bits} bits per value");
    }
}

#[test]
fn a_damaged_filter_denies_nothing() {
    let (_folder, path) = written(&[vec![hashes(0, 500), hashes(1, 500)], vec![hashes(2, 700)]]);
    let whole = fs::read(&path).unwrap();
    let head = HEADER_BYTES + 2 * GROUP_BYTES;
    for offset in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[offset] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        match Filter::open(&path) {
            Ok(filter) => {
                assert!(offset >= head, "byte {offset} of the head was changed");
                for (group, granule) in [(0, 0), (0, 1), (1, 0u32)] {
                    let number = if group == 1 { 2 } else { u64::from(granule) };
                    let is_there = |hash| filter.granules(group, hash) >> granule & 1 == 1;
                    assert!(hashes(number, 500).into_iter().all(is_there), "byte {offset}");
                }
            }
            Err(error) => {
                assert!(matches!(error, StoreError::Damaged { .. } | StoreError::Io { .. }), "{error}");
            }
        }
    }
    for len in (0..whole.len()).step_by(101) {
        fs::write(&path, &whole[..len]).unwrap();
        if let Ok(filter) = Filter::open(&path) {
            assert!(hashes(2, 700).into_iter().all(|hash| filter.granules(1, hash) & 1 == 1));
        }
    }
}

#[test]
fn a_copied_row_group_says_the_same() {
    let (_folder, path) = written(&[vec![hashes(0, 900)], vec![hashes(1, 900), hashes(2, 50)]]);
    let filter = Filter::open(&path).unwrap();
    let mut builder = FilterBuilder::default();
    builder.push(filter.copy_group(1).unwrap());
    builder.push(GroupFilter::letting_all_through());
    let mut bytes = Vec::new();
    builder.write(&mut bytes).unwrap();
    let copied_path = path.with_extension("copy");
    fs::write(&copied_path, bytes).unwrap();
    let copied = Filter::open(&copied_path).unwrap();
    for hash in hashes(1, 900).into_iter().chain(hashes(7, 900)) {
        assert_eq!(copied.granules(0, hash), filter.granules(1, hash));
        assert_eq!(copied.granules(1, hash), GRANULES_ALL);
        assert_eq!(copied.granules(2, hash), GRANULES_ALL);
    }
}

proptest! {
    #[test]
    fn what_is_there_is_never_denied(
        groups in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(any::<u64>(), 0..300), 0..33),
            0..3,
        )
    ) {
        let (_folder, path) = written(&groups);
        let filter = Filter::open(&path).unwrap();
        for (index, granules) in groups.iter().enumerate() {
            for (granule, hashes) in granules.iter().enumerate() {
                for &hash in hashes {
                    prop_assert!(filter.granules(index, hash) >> granule & 1 == 1);
                }
            }
        }
    }
}
