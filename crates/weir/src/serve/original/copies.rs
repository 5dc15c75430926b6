//! Where the lines of a file may be once it was rotated: beside it, under a name that rotations give.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use weir_ingest::rotated_from;
use weir_record::Timestamp;

/// Files that are looked into at most.
const FILES_MAX: usize = 100;

/// How much older than its newest line a file may seem: clocks differ.
const AGE_TOLERANCE: Duration = Duration::from_secs(3600);

/// The file and those that a rotation may have made of it, the likeliest first: the one that was written to soonest
/// after `time`, then the others that were, then those that seem to be older, as copies may. Only the file itself may
/// be a link: who may write beside it must not choose what is read.
pub fn copies_of(origin: &Path, time: Timestamp) -> Vec<PathBuf> {
    let since_epoch = Duration::from_micros(u64::try_from(time.micros()).unwrap_or_default());
    let written_after = (SystemTime::UNIX_EPOCH + since_epoch).checked_sub(AGE_TOLERANCE);
    let seems_older = |modified: SystemTime| written_after.is_some_and(|after| modified < after);
    let itself = origin.metadata().ok().filter(std::fs::Metadata::is_file);
    let itself = itself.and_then(|metadata| Some((origin.to_owned(), metadata.modified().ok()?)));
    let mut copies: Vec<(bool, SystemTime, PathBuf)> = itself
        .into_iter()
        .chain(rotated_from(origin))
        .map(|(path, modified)| (seems_older(modified), modified, path))
        .collect();
    copies.sort();
    copies.truncate(FILES_MAX);
    copies.into_iter().map(|(_, _, path)| path).collect()
}
