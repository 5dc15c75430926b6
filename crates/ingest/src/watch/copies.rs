//! Copies of files that are followed, and files that were emptied.
//!
//! `copytruncate` copies a log and empties it. Between the two there are two files with one text, and after
//! it the copy alone has what was not read. So a new file with the text of one that is followed is not read as
//! long as that one is whole; when it is emptied, its copy is read from where it had been read to. A copy is
//! told by its content: by its beginning, and by what stands where the reading, or the copy, has ended. The
//! name is only looked at where the beginning is too short to tell.
//!
//! A copy under a name that is not watched is looked for beside the file, once, when that was emptied.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use weir_record::Format;

use super::look::{Seen, State};
use super::packed_text::{self, Known};
use super::present::{FileId, Present, is_named_after, is_packed, open_log, siblings};
use super::{Arrival, Emptied, Part, Watch, folders};
use crate::appended::Trace;
use crate::file_head::{FileHead, HEAD_BYTES_MAX, beginning, read_piece};
use crate::file_tail::FileTail;

/// The shortest beginning by which a file under any name is told to be a copy: half a line of an access log. A
/// banner that a program writes first may be the same in two files.
const TELLING_BYTES: u32 = 128;

/// Bytes at its end by which a copy is compared with its original.
const COMPARED_BYTES: u64 = 4 << 10;

/// How long the text of an emptied file is recognised in a file that comes later, and how many such texts.
const CUTS_KEPT_FOR: Duration = Duration::from_secs(3600);
const CUTS_MAX: usize = 1000;

/// A text that was followed until its file was emptied.
pub(super) struct Cut {
    id: FileId,
    path: PathBuf,
    trace: Trace,
    at: SystemTime,
    is_new: bool,
    copy: Option<(FileId, PathBuf)>,
}

impl Cut {
    pub(super) fn new(file: &Present, trace: Trace, at: SystemTime) -> Self {
        Self { id: file.id, path: file.path.clone(), trace, at, is_new: true, copy: None }
    }
}

/// What a plain file is that was not followed until now.
pub(super) enum Place {
    /// Nothing of it was read.
    New,
    /// A copy of a file that is followed, as far as this.
    Copy(FileId, Trace),
    /// A text of which so much was read.
    Known(Trace),
}

/// What a comparison of a copy with its original says.
enum Verdict {
    Same,
    Different,
    /// The original was emptied just now.
    Unclear,
}

impl Watch {
    /// Chooses for each file that was emptied the longest of the files that have its text.
    pub(super) fn choose_copies(&mut self, others: &[Present]) {
        let seen = &self.seen;
        let is_open = |file: &&Present| {
            let state = seen.get(&file.id).map(|seen| seen.state);
            matches!(state, None | Some(State::Settling | State::Copy(_)))
        };
        for cut in self.cuts.iter_mut().filter(|cut| cut.copy.is_none()) {
            let candidates = others.iter().filter(is_open).filter(|file| file.id != cut.id);
            let mut fitting: Vec<&Present> =
                candidates.filter(|file| has_text(file, seen, &cut.trace)).collect();
            fitting.sort_by_key(|file| file.metadata.len());
            cut.copy = fitting.last().map(|file| (file.id, file.path.clone()));
        }
    }

    /// What a plain file is that was not followed until now; `held` is how far it was a copy at the last look.
    pub(super) fn place(&self, file: &Present, opened: &File, before: Option<State>, held: Trace) -> Place {
        let is_chosen = |cut: &&Cut| cut.copy.as_ref().is_some_and(|(id, _)| *id == file.id);
        if let Some(cut) = self.cuts.iter().rev().find(is_chosen)
            && cut.trace.is_of(opened).unwrap_or(false)
        {
            return Place::Known(cut.trace);
        }
        if let Some(State::Copy(of)) = before {
            let Some(original) = self.seen.get(&of).filter(|original| self.is_current(&of, original)) else {
                return Place::Known(held);
            };
            // Whatever it has is in the copy that was chosen.
            if self.cuts.iter().any(|cut| cut.is_new && cut.id == of) {
                return Place::Known(held);
            }
            return match compare(file, opened, original).unwrap_or(Verdict::Different) {
                Verdict::Same => Place::Copy(of, whole_trace(file, opened)),
                Verdict::Unclear => Place::Copy(of, held),
                Verdict::Different => Place::Known(held),
            };
        }
        let has_same = |cut: &&Cut| cut.is_new && cut.trace.is_of(opened).unwrap_or(false);
        if self.cuts.iter().any(|cut| has_same(&cut)) {
            return Place::Known(whole_trace(file, opened));
        }
        self.original_of(file, opened).unwrap_or(Place::New)
    }

    /// Looks among the files that are followed for one whose text a new file has.
    fn original_of(&self, file: &Present, opened: &File) -> Option<Place> {
        let beginning = beginning(opened, file.metadata.len()).ok()?;
        let originals = self.seen.iter().filter(|(id, seen)| seen.has_text() && self.is_current(id, seen));
        for (id, original) in originals {
            let is_successor = original.path == file.path || is_named_after(&original.path, &file.path);
            if is_successor || !may_begin_alike(original, file, &beginning) {
                continue;
            }
            match compare(file, opened, original).unwrap_or(Verdict::Different) {
                Verdict::Same => return Some(Place::Copy(*id, whole_trace(file, opened))),
                Verdict::Unclear => return Some(Place::Copy(*id, Trace::default())),
                Verdict::Different => {}
            }
        }
        None
    }

    /// Whether a file is still followed.
    fn is_current(&self, id: &FileId, seen: &Seen) -> bool {
        seen.poll == self.poll || self.gone.contains(id)
    }

    /// Looks beside files that were emptied for copies under names that are not watched, and hands them out.
    pub(super) fn look_for_copies(&mut self, now: SystemTime) -> Vec<Arrival> {
        let mut arrivals = Vec::new();
        for number in 0..self.cuts.len() {
            let cut = &self.cuts[number];
            if !cut.is_new || cut.copy.is_some() {
                continue;
            }
            let Some((copy, seen)) = self.copy_beside(cut, now) else { continue };
            self.cuts[number].copy = Some((copy.id, copy.path.clone()));
            self.seen.insert(copy.id, seen);
            self.gone.insert(copy.id);
            self.has_adopted = true;
            arrivals.extend(self.look_at(&Present { is_gone: true, ..copy }, now));
        }
        arrivals
    }

    fn copy_beside(&self, cut: &Cut, now: SystemTime) -> Option<(Present, Seen)> {
        let mut found: Option<(Present, Seen)> = None;
        for file in folders([cut.path.as_path()].into_iter()).iter().flat_map(|folder| siblings(folder)) {
            if self.seen.contains_key(&file.id) {
                continue;
            }
            let Ok(opened) = file.open() else { continue };
            let is_longer =
                found.as_ref().is_none_or(|(found, _)| file.metadata.len() > found.metadata.len());
            if is_packed(&opened).unwrap_or(true) {
                let beginning = packed_text::unpacked_beginning(&opened);
                if found.is_none() && packed_text::begins_like(&cut.trace, &beginning) {
                    let seen = Seen::packed_after_rotation(&file, now);
                    found = Some((file, seen.opened_as(opened)));
                }
            } else if is_longer && cut.trace.is_of(&opened).unwrap_or(false) {
                let seen = Seen::rotated(&file, cut.trace, now);
                found = Some((file, seen.opened_as(opened)));
            }
        }
        found
    }

    /// What of a packed file is to be read, and the format of its lines if it is known: what of its text was not
    /// counted while it was plain. `None` while a file with that text is still being read.
    pub(super) fn unread_part(&self, packed: &File) -> Option<(Part, Option<Format>)> {
        let followed = self.seen.iter().filter(|(_, seen)| seen.has_text());
        let mut traces: Vec<(Trace, bool)> = followed
            .map(|(id, seen)| {
                (
                    seen.trace,
                    self.is_current(id, seen) && !seen.is_exhausted && seen.bytes > seen.trace.offset,
                )
            })
            .collect();
        traces.extend(self.cuts.iter().map(|cut| (cut.trace, false)));
        traces.extend(self.known.texts().map(|trace| (trace, false)));
        if traces.is_empty() {
            return Some((Part::Whole, None));
        }
        let beginning = packed_text::unpacked_beginning(packed);
        let mut read: Option<(u64, Option<Format>)> = None;
        for (trace, is_being_read) in traces {
            if !packed_text::begins_like(&trace, &beginning) {
                continue;
            }
            match packed_text::known_of(packed, &trace) {
                Known::Nothing => {}
                _ if is_being_read => return None,
                Known::All => return Some((Part::WholeFrom(None), trace.format)),
                Known::To(offset) if read.is_none_or(|(read, _)| read < offset) => {
                    read = Some((offset, trace.format));
                }
                Known::To(_) => {}
            }
        }
        let whole = (Part::Whole, None);
        Some(read.map_or(whole, |(offset, format)| (Part::WholeFrom(Some(offset)), format)))
    }

    /// The files that were emptied since the last poll.
    pub(super) fn emptied(&mut self) -> Vec<Emptied> {
        let new = self.cuts.iter().filter(|cut| cut.is_new);
        let emptied = new.map(|cut| Emptied {
            path: cut.path.clone(),
            offset: cut.trace.offset,
            copy: cut.copy.as_ref().map(|(_, path)| path.clone()),
        });
        let emptied = emptied.collect();
        // What is kept of the file's position is the copy's now.
        let moved = self.cuts.iter().filter(|cut| cut.is_new && cut.copy.is_some());
        moved.for_each(|cut| self.known.replace(cut.id.key()));
        self.cuts.iter_mut().for_each(|cut| cut.is_new = false);
        emptied
    }

    /// Forgets texts of files that were emptied long ago.
    pub(super) fn forget_cuts(&mut self, now: SystemTime) {
        self.cuts.retain(|cut| now.duration_since(cut.at).unwrap_or_default() < CUTS_KEPT_FOR);
        let beyond = self.cuts.len().saturating_sub(CUTS_MAX);
        self.cuts.drain(..beyond);
    }
}

/// Whether a plain file has a text as far as it was read.
fn has_text(file: &Present, seen: &std::collections::HashMap<FileId, Seen>, trace: &Trace) -> bool {
    let opened = seen.get(&file.id).map_or_else(|| file.open(), |seen| seen.opened(file));
    file.metadata.len() >= trace.offset
        && opened.and_then(|opened| Ok(trace.is_of(&opened)? && !is_packed(&opened)?)).unwrap_or(false)
}

/// Whether a file that begins with `beginning` may be a copy of `original`, as far as that tells.
fn may_begin_alike(original: &Seen, file: &Present, beginning: &[u8]) -> bool {
    let head = original.trace.head;
    let is_named = is_named_after(&file.path, &original.path);
    match beginning.get(..head.bytes as usize) {
        Some(same) => (is_named || head.bytes >= TELLING_BYTES) && FileHead::of_bytes(same) == head,
        // It may still be being copied.
        None => is_named,
    }
}

/// Compares a copy with its original, which is looked at last: it has grown meanwhile, if anything.
fn compare(file: &Present, opened: &File, original: &Seen) -> io::Result<Verdict> {
    let bytes = file.metadata.len();
    let other = match &original.file {
        Some(file) => std::sync::Arc::clone(file),
        None => std::sync::Arc::new(open_log(&original.path)?),
    };
    let start = bytes.saturating_sub(COMPARED_BYTES);
    let (mut end, mut other_end) = (Vec::new(), Vec::new());
    read_piece(opened, start, (bytes - start) as usize, &mut end)?;
    read_piece(&other, start, (bytes - start) as usize, &mut other_end)?;
    let head_bytes = bytes.min(u64::from(HEAD_BYTES_MAX));
    let begins_alike = beginning(opened, head_bytes)? == beginning(&other, head_bytes)?;
    Ok(if !original.trace.is_of(&other)? {
        Verdict::Unclear
    } else if begins_alike && end == other_end {
        Verdict::Same
    } else {
        Verdict::Different
    })
}

/// The trace of a file of which all was read.
fn whole_trace(file: &Present, opened: &File) -> Trace {
    let offset = file.metadata.len();
    let head = FileHead::of(opened, offset).unwrap_or_default();
    Trace { offset, head, tail: FileTail::before(opened, offset).unwrap_or_default(), format: None }
}
