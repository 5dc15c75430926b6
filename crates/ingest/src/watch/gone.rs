//! Files that were followed and are no longer met: renamed to a name that is not watched, or deleted.
//!
//! A rotation takes the name from a file whose writer still has it open, and whose last lines nobody has read.
//! A file that is open stays what it is whatever becomes of its name, so it is read on until it is quiet. One
//! that was not open, because the process was not there or has too many, is looked for beside where it was.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::look::{QUIET_AFTER, Seen, State};
use super::present::{FileId, Present, former_names, is_named_after, is_packed, siblings};
use super::{Arrival, Watch, folders};
use crate::discover::would_name;

/// How long a renamed file is read on that does not grow; a writer that was not told of the rotation goes on
/// writing to it.
const RENAMED_READ_FOR: Duration = Duration::from_secs(300);

impl Watch {
    /// The files that were met until now and are not among those that are `present`.
    pub(super) fn gone_files(&mut self, present: &[Present]) -> Vec<Present> {
        let met: HashSet<FileId> = present.iter().map(|file| file.id).collect();
        self.notice_gone(&met);
        self.gone.retain(|id| !met.contains(id));
        let mut files = Vec::new();
        self.gone.retain(|id| {
            let Some(seen) = self.seen.get_mut(id) else { return false };
            let file = seen.file.as_ref().and_then(|file| Present::gone(seen.path.clone(), file).ok());
            // A network file system may say that the file is not there any more.
            seen.file = seen.file.take().filter(|_| file.is_some());
            let is_there = file.is_some();
            files.extend(file);
            is_there
        });
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }

    /// Finds the files that the last poll met and this one has not.
    fn notice_gone(&mut self, met: &HashSet<FileId>) {
        let last = self.poll - 1;
        let missing = self.seen.iter().filter(|(id, seen)| {
            last > 0
                && seen.poll == last
                && seen.may_be_lost()
                && !met.contains(id)
                && !self.gone.contains(id)
        });
        let (open, closed): (Vec<_>, Vec<_>) = missing.partition(|(_, seen)| seen.file.is_some());
        let ids =
            |files: Vec<(&FileId, &Seen)>| -> HashSet<FileId> { files.iter().map(|(id, _)| **id).collect() };
        let places = folders(closed.iter().map(|(_, seen)| seen.path.as_path()));
        let (open, closed) = (ids(open), ids(closed));
        self.gone.extend(open);
        for sibling in places.iter().flat_map(|folder| siblings(folder)) {
            if closed.contains(&sibling.id)
                && let Some(seen) = self.seen.get_mut(&sibling.id)
                && let Ok(file) = sibling.open()
            {
                seen.file = Some(file);
                self.gone.insert(sibling.id);
            }
        }
    }

    /// Closes those that are quiet; `arrivals` are still being read.
    pub(super) fn release_gone(&mut self, arrivals: &[Arrival], now: SystemTime) {
        let busy: HashSet<FileId> = arrivals.iter().map(|arrival| arrival.id).collect();
        let seen = &mut self.seen;
        self.gone.retain(|id| {
            let Some(seen) = seen.get_mut(id) else { return false };
            let quiet = now.duration_since(seen.news_at).unwrap_or_default();
            let links =
                seen.file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |file| file.nlink());
            let read_for = if links == 0 { QUIET_AFTER } else { RENAMED_READ_FOR };
            let is_done = seen.state == State::Counted || quiet >= read_for;
            let is_kept = busy.contains(id) || !is_done;
            seen.file = seen.file.take().filter(|_| is_kept);
            is_kept
        });
    }

    /// At the first poll: finds files of an earlier run that were rotated to a name that is not watched since,
    /// beside those that are.
    pub(super) fn find_moved(&mut self, present: &[Present], now: SystemTime) {
        if !self.known.has_text() {
            return;
        }
        let patterns = self.options.patterns.clone();
        let literal = patterns.iter().map(Path::new);
        let originals: Vec<&Path> = present.iter().map(|file| file.path.as_path()).chain(literal).collect();
        let met: HashSet<FileId> = present.iter().map(|file| file.id).collect();
        for sibling in folders(originals.iter().copied()).iter().flat_map(|folder| siblings(folder)) {
            let is_rotated = originals.iter().any(|original| is_named_after(&sibling.path, original))
                || former_names(&sibling.path)
                    .any(|name| patterns.iter().any(|pattern| would_name(pattern, &name)));
            if is_rotated && !met.contains(&sibling.id) && !self.known.is_counted(&sibling) {
                self.find_moved_one(&sibling, now);
            }
        }
    }

    fn find_moved_one(&mut self, sibling: &Present, now: SystemTime) {
        let Ok(file) = sibling.open() else { return };
        let seen = if is_packed(&file).unwrap_or(true) {
            self.known.has_text_of_packed(&file).then(|| Seen::packed_after_rotation(sibling, now))
        } else {
            self.known.take_text_of(sibling, &file).map(|trace| Seen::rotated(sibling, trace, now))
        };
        if let Some(seen) = seen {
            self.seen.insert(sibling.id, seen.opened_as(file));
            self.gone.insert(sibling.id);
            self.has_adopted = true;
        }
    }
}
