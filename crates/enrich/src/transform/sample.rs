//! One record of so many, the same one wherever and whenever it is asked.
//!
//! Chosen by a hash of what the record says and not by counting: a replay, a backfill, a message that came twice and
//! a second server choose the same records, and the records of one request id are kept or left out together, in
//! every source.

use weir_record::Value;

use super::Shaped;

/// Whether the record is the one of so many that step `number` keeps.
pub(super) fn keeps(record: &Shaped<'_, '_>, line: &[u8], number: usize, one_of: u64) -> bool {
    // Samples are taken apart from each other, and from the one that `keep` may take afterwards.
    let seed = number as u64 + 1;
    match record.field("request_id").or_else(|| record.field("trace_id")) {
        Some(Value::Text(id)) => is_chosen(id.as_bytes(), one_of, seed),
        Some(Value::Integer(id)) => is_chosen(id.to_string().as_bytes(), one_of, seed),
        _ => is_chosen(line, one_of, seed),
    }
}

/// Whether an id is the one of so many; the same in every version and on every machine. Of equal seeds, a sample of
/// ten lies in one of five; of different ones they have nothing to do with each other.
pub fn is_chosen(id: &[u8], one_of: u64, seed: u64) -> bool {
    stable_hash(id, seed).is_multiple_of(one_of.max(1))
}

/// FNV-1a, its bits mixed as in MurmurHash3: ids that differ in one digit are to differ in every bit. Sources:
/// draft-eastlake-fnv, and `fmix64` of MurmurHash3.
fn stable_hash(bytes: &[u8], seed: u64) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325_u64 ^ mixed(seed);
    mixed(
        bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)),
    )
}

fn mixed(number: u64) -> u64 {
    let mixed = (number ^ number >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ mixed >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ mixed >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_version_chooses_the_next_one_chooses_too() {
        assert_eq!(stable_hash(b"request", 0), 7_876_637_139_297_612_048);
        assert_eq!(stable_hash(b"request", 1), 7_893_706_415_739_113_212);
        assert!(is_chosen(b"x", 1, 3) && is_chosen(b"x", 0, 3));
    }

    #[test]
    fn samples_have_their_size_and_nothing_to_do_with_each_other() {
        let ids: Vec<String> = (0..40_000).map(|number| format!("{number:032x}")).collect();
        let chosen = |seeds: &[u64]| {
            let is_chosen = |id: &&String| seeds.iter().all(|&seed| is_chosen(id.as_bytes(), 10, seed));
            ids.iter().filter(is_chosen).count()
        };
        for (seeds, expected) in [([0].as_slice(), 4000), (&[1], 4000), (&[0, 1], 400), (&[1, 2], 400)] {
            let count = chosen(seeds);
            assert!(count.abs_diff(expected) < expected / 5, "{seeds:?}: {count}");
        }
    }
}
