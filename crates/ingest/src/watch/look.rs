//! One look at one file: what it is now, and whether there is something to read.
//!
//! All that decides is what the system says of the file and what was read of it; its name decides nothing but what
//! a rotation is. So every way in which files are renamed, copied and emptied comes down to the same few states,
//! at the cost of opening a file again where its size or its time has changed.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::copies::{Cut, Place};
use super::known_files::{Extent, KnownFile};
use super::present::{FileId, Present, is_packed};
use super::{Arrival, Part, SETTLED_AFTER, Watch};
use crate::appended::{Ending, Trace};
use crate::file_head::{FileHead, read_piece};
use crate::file_tail::FileTail;

/// How long a file that was rotated or deleted must not have changed for its last line to be taken without its
/// end, and for one that was deleted to be closed: writers are told to open the new file within a second or two.
pub(super) const QUIET_AFTER: Duration = Duration::from_secs(5);

/// The longest last line whose beginning is looked for where a source starts at the end of its files.
const LAST_LINE_BYTES_MAX: u64 = 64 << 10;

/// What is known of a file.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    changed_at: Option<SystemTime>,
    /// Seconds and nanoseconds of the last change of content, owner or mode.
    pub(super) status_changed_at: (i64, i64),
    /// When a poll found that it had changed.
    pub(super) news_at: SystemTime,
    /// The poll that last met the file.
    pub(super) poll: u64,
    pub(super) state: State,
    /// How far it was read, if it is plain; how it begins, if it is packed and was counted.
    pub(super) trace: Trace,
    pub(super) scanned_to: u64,
    /// What there was at the last look was read as far as it can be.
    pub(super) is_exhausted: bool,
    /// It was handed out after its writer had paused.
    is_pause_over: bool,
    /// It has another name than the one under which it was written.
    pub(super) is_rotated: bool,
    pub(super) is_unreadable: bool,
    /// Open while it is plain, so that it can be read to its end when it is deleted.
    pub(super) file: Option<Arc<File>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Empty, or packed and perhaps still being written.
    Settling,
    /// Packed, and handed out as it is; broken until the reader says otherwise.
    Broken,
    /// Packed, and counted.
    Counted,
    /// Plain, and read as far as its trace says.
    Followed,
    /// Plain, and what follows its trace cannot be read as it is.
    Stuck,
    /// Plain, and a copy of a file that is followed.
    Copy(FileId),
}

impl Seen {
    fn new(file: &Present, now: SystemTime, state: State, trace: Trace) -> Self {
        Self {
            path: file.path.clone(),
            bytes: 0,
            changed_at: None,
            status_changed_at: (0, 0),
            news_at: now,
            poll: 0,
            state,
            trace,
            scanned_to: 0,
            is_exhausted: false,
            is_pause_over: false,
            is_rotated: file.is_gone,
            is_unreadable: false,
            file: None,
        }
    }

    /// A file that an earlier run had read; the size and times of then are not known.
    pub(super) fn of_known(known: &KnownFile, file: &Present) -> Self {
        let (state, offset, format) = match known.extent {
            Extent::Counted => (State::Counted, 0, None),
            Extent::ReadTo(offset, format) => (State::Followed, offset, format),
        };
        let trace = Trace { offset, head: known.head, tail: FileTail::default(), format };
        Self::new(file, SystemTime::UNIX_EPOCH, state, trace)
    }

    /// A rotated file that has a text of which something was read.
    pub(super) fn rotated(file: &Present, trace: Trace, now: SystemTime) -> Self {
        Self { is_rotated: true, ..Self::new(file, now, State::Followed, trace) }
    }

    /// The same with its file open.
    pub(super) fn opened_as(self, file: Arc<File>) -> Self {
        Self { file: Some(file), ..self }
    }

    /// A packed file under a name that is not watched, which has a text of which something was read.
    pub(super) fn packed_after_rotation(file: &Present, now: SystemTime) -> Self {
        Self::new(file, now, State::Settling, Trace::default())
    }

    /// A file that is to be read from its end on.
    pub(super) fn passed_over(file: &Present, now: SystemTime) -> Self {
        let opened = file.open();
        if opened.as_ref().is_ok_and(|opened| is_packed(opened).unwrap_or(false)) {
            let head = opened.and_then(|opened| FileHead::of(&opened, file.metadata.len()));
            let trace = Trace { head: head.unwrap_or_default(), ..Trace::default() };
            let seen = Self::new(file, now, State::Counted, trace);
            return Self { bytes: file.metadata.len(), changed_at: file.metadata.modified().ok(), ..seen };
        }
        let trace = opened.and_then(|opened| end_of(&opened, file.metadata.len()));
        let trace = trace.unwrap_or(Trace { offset: file.metadata.len(), ..Trace::default() });
        Self::new(file, now, State::Followed, trace)
    }

    /// Whether it is plain and was met before.
    pub(super) fn is_followed(&self) -> bool {
        matches!(self.state, State::Followed | State::Stuck)
    }

    /// Whether lines of it may be lost when it is no longer met.
    pub(super) fn may_be_lost(&self) -> bool {
        match self.state {
            State::Followed | State::Stuck | State::Copy(_) => true,
            State::Settling => self.bytes == 0,
            State::Broken | State::Counted => false,
        }
    }

    /// Whether something was read of its text.
    pub(super) fn has_text(&self) -> bool {
        self.is_followed() && self.trace.offset > 0
    }

    /// Whether the file still has the text that was read of it. One that cannot be opened may have: its reader
    /// reports it.
    fn goes_on(&mut self, file: &Present) -> bool {
        let Ok(opened) = self.opened(file) else { return file.metadata.len() >= self.trace.offset };
        if file.metadata.len() >= self.trace.offset {
            return self.trace.is_of(&opened).unwrap_or(true);
        }
        // Its end was cut off, and what is left of it was counted.
        let is_beginning = self.trace.head.is_full() && self.trace.head.is_of(&opened).unwrap_or(false);
        if is_beginning {
            self.trace.offset = file.metadata.len();
            self.trace.tail = FileTail::before(&opened, self.trace.offset).unwrap_or_default();
        }
        is_beginning
    }

    /// The file, open if it can be.
    pub(super) fn opened(&self, file: &Present) -> io::Result<Arc<File>> {
        self.file.as_ref().map_or_else(|| file.open(), |opened| Ok(Arc::clone(opened)))
    }

    /// What may come after what is there, if that is to be read now.
    fn ending(&self, now: SystemTime, paused_after: Option<Duration>) -> Option<Ending> {
        let quiet = now.duration_since(self.news_at).unwrap_or_default();
        if self.trace.offset >= self.bytes {
            None
        } else if self.is_rotated && quiet >= QUIET_AFTER {
            Some(Ending::Ended)
        } else if !self.is_pause_over && paused_after.is_some_and(|after| quiet >= after) {
            Some(Ending::Paused)
        } else {
            (!self.is_exhausted).then_some(Ending::Growing)
        }
    }
}

/// What has changed about a file since the last look.
struct Change {
    /// Nothing of its content, as far as size and time tell.
    is_same: bool,
    /// Not its owner and mode either, which make no new content, but may let a file be read that could not be.
    is_untouched: bool,
    is_in_place: bool,
    is_settled: bool,
}

impl Change {
    fn of(file: &Present, before: Option<&Seen>, now: SystemTime) -> Self {
        let (bytes, changed_at) = (file.metadata.len(), file.metadata.modified().ok());
        let is_same = before.is_some_and(|seen| seen.bytes == bytes && seen.changed_at == changed_at);
        let age = changed_at.and_then(|changed_at| now.duration_since(changed_at).ok());
        Self {
            is_same,
            is_untouched: is_same
                && before.is_some_and(|seen| seen.status_changed_at == status_changed_at(file)),
            is_in_place: before.is_some_and(|seen| seen.path == file.path),
            is_settled: is_same || age.is_some_and(|age| age >= SETTLED_AFTER),
        }
    }
}

impl Watch {
    /// Looks at a file; hands it out if there is something to read.
    pub(super) fn look_at(&mut self, file: &Present, now: SystemTime) -> Option<Arrival> {
        let before = self.seen.remove(&file.id);
        let change = Change::of(file, before.as_ref(), now);
        let state_before = before.as_ref().map(|seen| seen.state);
        let mut seen = before.unwrap_or_else(|| Seen::new(file, now, State::Settling, Trace::default()));
        let was_untouched = change.is_untouched;
        if !change.is_same {
            (seen.news_at, seen.is_exhausted, seen.is_pause_over) = (now, false, false);
        }
        seen.is_unreadable &= was_untouched;
        let (state, part) = self.state_now(&mut seen, state_before, file, &change, now);
        seen.is_rotated |= file.is_gone || (seen.is_followed() && seen.path != file.path);
        seen.state = state;
        if !file.is_gone {
            seen.path.clone_from(&file.path);
        }
        seen.bytes = file.metadata.len();
        seen.changed_at = file.metadata.modified().ok();
        seen.status_changed_at = status_changed_at(file);
        seen.poll = self.poll;
        if seen.may_be_lost() && seen.file.is_none() {
            let has_room = self.seen.len() < self.options.open_files_max || seen.trace.offset < seen.bytes;
            seen.file = has_room.then(|| file.open().ok()).flatten();
        }
        let ending = seen.ending(now, self.options.paused_after);
        let part = match (state, ending) {
            (State::Followed, Some(_)) => Some(Part::From(seen.trace.offset)),
            (State::Broken, _) => part,
            _ => None,
        };
        seen.is_pause_over |= ending == Some(Ending::Paused);
        let arrival = part.map(|part| Arrival {
            path: seen.path.clone(),
            part,
            bytes: seen.bytes,
            trace: seen.trace,
            scanned_to: seen.scanned_to,
            ending: ending.unwrap_or_default(),
            id: file.id,
            file: seen.file.clone(),
        });
        self.seen.insert(file.id, seen);
        arrival
    }

    /// What the file is now, and what to read of it if it is packed.
    fn state_now(
        &mut self,
        seen: &mut Seen,
        before: Option<State>,
        file: &Present,
        change: &Change,
        now: SystemTime,
    ) -> (State, Option<Part>) {
        match before {
            Some(State::Counted) if change.is_same || change.is_in_place => return (State::Counted, None),
            Some(State::Broken) if change.is_untouched => return (State::Broken, None),
            Some(State::Stuck) if change.is_untouched => return (State::Stuck, None),
            Some(State::Followed | State::Stuck) if change.is_same || seen.goes_on(file) => {
                return (State::Followed, None);
            }
            Some(State::Followed | State::Stuck) if seen.trace.offset > 0 && seen.trace.head.is_known() => {
                self.cuts.push(Cut::new(file, seen.trace, now));
            }
            _ => {}
        }
        let is_new = !matches!(before, Some(State::Followed | State::Stuck));
        if !matches!(before, Some(State::Copy(_))) {
            (seen.trace, seen.scanned_to) = (Trace::default(), 0);
        }
        (seen.is_exhausted, seen.is_rotated) = (false, file.is_gone);
        if file.metadata.len() == 0 {
            return (State::Settling, None);
        }
        let Ok(opened) = seen.opened(file) else { return self.packed_now(seen, None, change) };
        if is_packed(&opened).unwrap_or(true) {
            return self.packed_now(seen, Some(&opened), change);
        }
        if !is_new {
            return (State::Followed, None);
        }
        match self.place(file, &opened, before, seen.trace) {
            Place::New => (State::Followed, None),
            Place::Copy(of, read) => {
                seen.trace = read;
                (State::Copy(of), None)
            }
            Place::Known(trace) => {
                seen.trace = trace;
                seen.is_rotated = true;
                self.has_adopted = true;
                (State::Followed, None)
            }
        }
    }

    /// A packed file, or one that cannot be opened, which its reader reports.
    fn packed_now(&self, seen: &mut Seen, opened: Option<&File>, change: &Change) -> (State, Option<Part>) {
        if !change.is_settled {
            return (State::Settling, None);
        }
        let whole = Some((Part::Whole, None));
        let Some((part, format)) = opened.map_or(whole, |opened| self.unread_part(opened)) else {
            return (State::Settling, None);
        };
        seen.trace.format = format;
        (State::Broken, Some(part))
    }
}

fn status_changed_at(file: &Present) -> (i64, i64) {
    use std::os::unix::fs::MetadataExt;
    (file.metadata.ctime(), file.metadata.ctime_nsec())
}

/// The position behind the last line end of a plain file; the last line may be without its end yet.
fn end_of(file: &File, bytes: u64) -> io::Result<Trace> {
    let start = bytes.saturating_sub(LAST_LINE_BYTES_MAX);
    let mut text = Vec::new();
    read_piece(file, start, (bytes - start) as usize, &mut text)?;
    let end = memchr::memrchr(b'\n', &text).map(|end| end as u64 + 1);
    let offset = end.map_or(if start == 0 { 0 } else { bytes }, |end| start + end);
    let (head, tail) = (FileHead::of(file, offset)?, FileTail::before(file, offset)?);
    Ok(Trace { offset, head, tail, format: None })
}
