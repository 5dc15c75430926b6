//! Which event days records belong to, and with whom a day shares a file when there are too many.
//!
//! A folder per event day makes retention a deletion and lets other tools prune by folder. But a client with a
//! broken clock must not make a thousand files of one batch, so the days with the fewest records share one.

use std::collections::HashSet;
use std::ops::Range;

use crate::stored_file::day_of;

/// Files that records written together may become, a number: late records of a week lie in files of their own.
pub(crate) const DAYS_MAX: usize = 8;

/// The records of one file: the day of its folder, and where they are among all; ascending.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DayGroup {
    pub day: i32,
    pub ranges: Vec<Range<usize>>,
}

impl DayGroup {
    pub(crate) fn rows(&self) -> usize {
        self.ranges.iter().map(ExactSizeIterator::len).sum()
    }
}

/// Sorts records into files by their times, which ascend.
pub(crate) fn day_groups(times_us: &[i64]) -> Vec<DayGroup> {
    let mut runs: Vec<(i32, Range<usize>)> = Vec::new();
    let mut start = 0;
    for run in times_us.chunk_by(|&one, &next| day_of(one) == day_of(next)) {
        runs.push((day_of(run[0]), start..start + run.len()));
        start += run.len();
    }
    let mut by_size: Vec<&(i32, Range<usize>)> = runs.iter().collect();
    by_size.sort_by_key(|(_, range)| std::cmp::Reverse(range.len()));
    let kept_apart = if runs.len() > DAYS_MAX { DAYS_MAX - 1 } else { DAYS_MAX };
    let apart: HashSet<i32> = by_size.into_iter().take(kept_apart).map(|(day, _)| *day).collect();
    let mut groups: Vec<DayGroup> = Vec::new();
    let mut shared: Option<usize> = None;
    for (day, range) in runs {
        match shared {
            _ if apart.contains(&day) => groups.push(DayGroup { day, ranges: vec![range] }),
            Some(index) => groups[index].ranges.push(range),
            None => {
                shared = Some(groups.len());
                groups.push(DayGroup { day, ranges: vec![range] });
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_US: i64 = 86_400_000_000;

    fn check(days: &[i64], expected: &str) {
        let times: Vec<i64> = days.iter().map(|day| day * DAY_US + 5).collect();
        let shown: Vec<String> =
            day_groups(&times).iter().map(|group| format!("{}:{:?}", group.day, group.ranges)).collect();
        assert_eq!(shown.join(" "), expected);
    }

    #[test]
    fn each_day_has_its_file_until_there_are_too_many() {
        check(&[], "");
        check(&[3, 3, 4], "3:[0..2] 4:[2..3]");
        check(&[-1, 0], "-1:[0..1] 0:[1..2]");
        check(
            &[1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9],
            "1:[0..1, 15..16] 2:[1..3] 3:[3..5] 4:[5..7] 5:[7..9] 6:[9..11] 7:[11..13] 8:[13..15]",
        );
    }
}
