//! What another config would have changed: alerts of one only, and alerts of both at other times.
//!
//! An alert is the same where its labels are and both fire at some moment: what is asked is whether somebody would
//! have been told of the same trouble, and how much earlier.

use std::collections::BTreeMap;

use crate::alert::Labels;

/// Firings of two configs, by their places in the lists that were compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Of the old one only.
    pub only_old: Vec<usize>,
    /// Of the new one only.
    pub only_new: Vec<usize>,
    /// Of both, at the same times.
    pub same: Vec<(usize, usize)>,
    /// Of both, at other times.
    pub moved: Vec<(usize, usize)>,
}

/// A firing as it is compared: whose, since when, and up to when, if it is over.
pub type Episode<'a> = (&'a Labels, i64, Option<i64>);

/// Compares what fired. Each firing is in the answer once.
pub fn difference(old: &[Episode<'_>], new: &[Episode<'_>]) -> Difference {
    let mut by_labels: BTreeMap<&Labels, Vec<usize>> = BTreeMap::new();
    for (at, (labels, ..)) in new.iter().enumerate() {
        by_labels.entry(labels).or_default().push(at);
    }
    let mut difference = Difference::default();
    let mut is_taken = vec![false; new.len()];
    // Those at the same times first, so that none of them is taken for one that has moved.
    let mut left: Vec<usize> = Vec::new();
    for (at, episode) in old.iter().enumerate() {
        let candidates = by_labels.get(episode.0).map_or(&[][..], Vec::as_slice);
        match candidates.iter().find(|other| !is_taken[**other] && new[**other] == *episode) {
            Some(&other) => {
                is_taken[other] = true;
                difference.same.push((at, other));
            }
            None => left.push(at),
        }
    }
    for at in left {
        let candidates = by_labels.get(old[at].0).map_or(&[][..], Vec::as_slice);
        match candidates.iter().find(|other| !is_taken[**other] && overlap(old[at], new[**other])) {
            Some(&other) => {
                is_taken[other] = true;
                difference.moved.push((at, other));
            }
            None => difference.only_old.push(at),
        }
    }
    difference.only_new = (0..new.len()).filter(|at| !is_taken[*at]).collect();
    difference
}

fn overlap((_, start, end): Episode<'_>, (_, other_start, other_end): Episode<'_>) -> bool {
    end.is_none_or(|end| other_start <= end) && other_end.is_none_or(|other_end| start <= other_end)
}
