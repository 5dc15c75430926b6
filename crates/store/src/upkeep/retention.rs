//! Which files have had their time.
//!
//! Whole files by their latest event day, so that dropping is a deletion. A client whose clock is years ahead would
//! have its records kept for years, and true ones dropped in their place; so while a record is too far ahead of the
//! clock, its file counts from its arrival. What is in memory is younger than any retention that makes sense. A full
//! disk alone drops nothing: it stops intake.

use std::cmp::Reverse;
use std::sync::Arc;

use weir_record::Timestamp;

use super::{DropReason, Work};
use crate::shared::Options;
use crate::stored_file::{day_end_us, day_of};
use crate::view::{StoreFile, View};

pub(super) fn due(
    view: &View,
    options: &Options,
    now: Timestamp,
    disk_bytes: impl FnOnce() -> u64,
) -> Option<Work> {
    let old = too_old(view, options, now);
    if !old.is_empty() {
        return Some(Work::Drop(old, DropReason::Age));
    }
    let surplus = disk_bytes().saturating_sub(options.disk_bytes_max?);
    let oldest = oldest_of(view, now, surplus);
    (!oldest.is_empty()).then_some(Work::Drop(oldest, DropReason::Size))
}

fn too_old(view: &View, options: &Options, now: Timestamp) -> Vec<Arc<StoreFile>> {
    let Some(retention) = options.retention else { return Vec::new() };
    let oldest_kept_us = now.minus(retention).micros();
    let is_old =
        |file: &&Arc<StoreFile>| day_end_us(day_of(file.stored.age_from_us(now.micros()))) <= oldest_kept_us;
    view.files.iter().filter(is_old).cloned().collect()
}

/// The files with the oldest records that have so many bytes together.
fn oldest_of(view: &View, now: Timestamp, bytes: u64) -> Vec<Arc<StoreFile>> {
    let mut files = view.files.clone();
    files.sort_by_key(|file| Reverse((file.stored.age_from_us(now.micros()), file.stored.id)));
    let (mut taken, mut taken_bytes) = (Vec::new(), 0);
    while taken_bytes < bytes {
        let Some(file) = files.pop() else { break };
        taken_bytes += file.stored.bytes;
        taken.push(file);
    }
    taken
}
