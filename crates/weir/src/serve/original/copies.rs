//! Where the lines of a file may be once it was rotated: beside it, under a name that begins with its own.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use weir_record::Timestamp;

/// Files that are looked into at most.
const FILES_MAX: usize = 100;

/// How much older than its newest line a file may seem: clocks differ.
const AGE_TOLERANCE: Duration = Duration::from_secs(3600);

/// The file and those beside it whose names begin with its name, the likeliest first: the one that was written to
/// soonest after `time`, then the others that were, then those that seem to be older, as copies may.
pub fn copies_of(origin: &Path, time: Timestamp) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (origin.parent(), origin.file_name()) else { return Vec::new() };
    let name = name.to_string_lossy();
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = std::fs::read_dir(folder) else { return vec![origin.to_owned()] };
    let since_epoch = Duration::from_micros(u64::try_from(time.micros()).unwrap_or_default());
    let written_after = (SystemTime::UNIX_EPOCH + since_epoch).checked_sub(AGE_TOLERANCE);
    let seems_older = |modified: SystemTime| written_after.is_some_and(|after| modified < after);
    let mut copies: Vec<(bool, SystemTime, PathBuf)> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&*name))
        .filter_map(|entry| {
            // Only the file itself may be a link: who may write beside it must not choose what is read.
            let path = entry.path();
            let metadata = if path == origin { path.metadata() } else { entry.metadata() };
            let modified = metadata.ok().filter(std::fs::Metadata::is_file)?.modified().ok()?;
            Some((seems_older(modified), modified, path))
        })
        .collect();
    copies.sort();
    copies.truncate(FILES_MAX);
    copies.into_iter().map(|(_, _, path)| path).collect()
}
