//! One thread that reads files: a packed one as a whole, a plain one piece by piece.
//!
//! Pieces of one file are read one after the other while those before them are on their way to the disk. Each
//! has its position with it, so it does not matter at which of them a crash comes.

use std::cell::Cell;
use std::io::{self, Read, Seek};
use std::path::Path;

use tokio::sync::{oneshot, watch};
use weir_enrich::Scratch;
use weir_ingest::{
    Arrival, Extent, FileHead, KnownFile, ObjectError, ObjectLine, ObjectReader, Outcome, Part, Piece,
    PieceLimits, TextReading, read_appended,
};
use weir_ledger::ObjectId;
use weir_record::{Format, Reject, skip_by_name};

use super::super::account::{self, Account};
use super::super::commit::Request;
use super::super::intake::Counter;
use super::super::object_sink::entry_of;
use super::super::unit::Unit;
use super::{FileSource, Pass, Pending, Progress, UNITS_MAX, position_of};
use crate::clock;
use crate::output::harmless;

/// The most that is read of a growing file at a time.
const PIECE_BYTES: usize = 8 << 20;

/// Pieces of one file in one pass, so that other files and new ones have their turn.
const PIECES_MAX: usize = 16;

/// A file that says no more once the server stops: reading a very large one to its end would hold it for long.
struct UntilStop<'s, R> {
    file: R,
    stop: &'s watch::Receiver<bool>,
    is_stopped: &'s Cell<bool>,
}

impl<R: Read> Read for UntilStop<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if *self.stop.borrow() {
            self.is_stopped.set(true);
            return Err(io::Error::other("the server stops"));
        }
        self.file.read(buffer)
    }
}

/// One thread's buffers.
pub struct Worker<'s> {
    source: &'s FileSource,
    reader: ObjectReader,
    text: Vec<u8>,
    scratch: Scratch,
    unit: Box<Unit>,
    stop: &'s watch::Receiver<bool>,
    /// The way back of units that are on the disk, for their memory.
    give_back: std::sync::mpsc::SyncSender<Box<Unit>>,
    back: std::sync::mpsc::Receiver<Box<Unit>>,
}

impl<'s> Worker<'s> {
    pub fn new(source: &'s FileSource, stop: &'s watch::Receiver<bool>) -> Self {
        let (give_back, back) = std::sync::mpsc::sync_channel(UNITS_MAX);
        let mut reader = ObjectReader::with_text_hash(source.intake.limits);
        reader.set_reading(TextReading {
            multiline: source.multiline.clone(),
            inner_formats: source.intake.inner_formats.clone(),
            received_at: Some(clock::now()),
        });
        let (text, scratch, unit) = (Vec::new(), Scratch::default(), source.intake.unit());
        Self { source, reader, text, scratch, unit, stop, give_back, back }
    }

    /// Reads an arrival.
    pub fn read<'a>(&mut self, arrival: &'a Arrival, pass: &mut Pass<'a>) {
        match arrival.part {
            Part::Whole => {
                pass.make_room();
                let pending = self.read_whole(arrival, 0);
                pass.add(arrival, pending);
            }
            Part::WholeFrom(read) => {
                pass.make_room();
                let pending = match read {
                    Some(offset) => self.read_whole(arrival, offset),
                    None => self.pass_over(arrival),
                };
                pass.add(arrival, pending);
            }
            Part::From(_) => self.read_pieces(arrival, pass),
        }
    }

    /// Reads a packed file's text from `offset` on; what is before it was counted.
    fn read_whole(&mut self, arrival: &Arrival, offset: u64) -> Pending {
        let path = arrival.path.to_string_lossy();
        let Self { source, reader, scratch, unit, stop, .. } = self;
        let counter = Counter::of_appended(&source.intake, &path, offset, source.multiline.is_some());
        let each = |line: ObjectLine<'_, '_>| counter.take_in(unit, scratch, &line);
        let (head, is_stopped) = (Cell::new(FileHead::default()), Cell::new(false));
        let open = || {
            let mut file = arrival.open()?;
            file.rewind()?;
            let packed_bytes = file.metadata()?.len();
            head.set(FileHead::of(&file, packed_bytes)?);
            Ok((UntilStop { file, stop, is_stopped: &is_stopped }, packed_bytes))
        };
        let format = arrival.trace.format.or(source.intake.format);
        let outcome = reader.read_named_from(offset, &path, open, format, each);
        if is_stopped.get() {
            self.clear_unit();
            return Pending { progress: Progress::NotWritten, committed: None };
        }
        if matches!(outcome, Ok(Outcome::Read { unpacked_bytes: 1.., .. })) {
            // A folder is synced again and a file copied: what has the same text was counted.
            let text_hash = reader.text_hash();
            let name = format!("{text_hash:032x}");
            let id = ObjectId::of(&["file", &source.intake.source, &name]);
            let is_known = source.ledger.read(|ledger| ledger.object(id)).is_ok_and(|entry| entry.is_some());
            if is_known {
                self.clear_unit();
            } else {
                self.unit.objects.push((id, entry_of("", 0, text_hash)));
            }
            let is_nothing_new = offset > 0 && self.unit.account.received == 0;
            self.unit.account.duplicates += u64::from(is_known || is_nothing_new);
        }
        self.finish(arrival, outcome, |_| Progress::Counted { head: head.get() })
    }

    /// Notes that all of a packed file's text was counted before.
    fn pass_over(&mut self, arrival: &Arrival) -> Pending {
        let head = arrival.open().and_then(|file| FileHead::of(&file, arrival.bytes)).unwrap_or_default();
        self.unit.account.duplicates += 1;
        let outcome = Outcome::Read { format: None, unpacked_bytes: 0 };
        self.finish(arrival, Ok(outcome), |_| Progress::Counted { head })
    }

    fn clear_unit(&mut self) {
        self.source.intake.clear(&mut self.unit);
    }

    /// Hands over what was read of an arrival.
    fn finish(
        &mut self,
        arrival: &Arrival,
        outcome: Result<Outcome, ObjectError>,
        progress: impl FnOnce(Option<Format>) -> Progress,
    ) -> Pending {
        let path = arrival.path.to_string_lossy();
        let mut format = None;
        match outcome {
            Ok(Outcome::Read { format: found, .. }) => {
                format = found;
                if self.unit.account.duplicates == 0 {
                    Counter::new(&self.source.intake, &path).end(&mut self.unit);
                }
            }
            Ok(Outcome::Skipped(kind)) => account::count(&mut self.unit.account.skipped, kind.label()),
            Err(error) => return self.fail(&arrival.path, &error),
        }
        let progress = progress(format);
        let position = match progress {
            Progress::Counted { head } => Some((Extent::Counted, head)),
            Progress::ReadTo(Piece { trace, .. }) => {
                Some((Extent::ReadTo(trace.offset, trace.format), trace.head))
            }
            Progress::Failed { .. } | Progress::NotWritten => None,
        };
        let position = position.map(|(extent, head)| KnownFile { extent, bytes: arrival.bytes, head });
        let position = position.map(|file| (arrival.key(), position_of(file, clock::now())));
        self.unit.files.extend(position);
        if !self.source.intake.seal(&mut self.unit) {
            self.clear_unit();
            return Pending { progress: Progress::NotWritten, committed: None };
        }
        let (done, committed) = oneshot::channel();
        self.unit.waiting.push(done);
        let next = self.back.try_recv().unwrap_or_else(|_| self.source.intake.unit());
        let unit = std::mem::replace(&mut self.unit, next);
        self.clear_unit();
        // Without an answer the wait says that it was not written.
        let _ = self.source.commits.send(Request::Unit(unit, Some(self.give_back.clone())));
        Pending { progress, committed: Some(committed) }
    }

    fn fail(&mut self, path: &Path, error: &ObjectError) -> Pending {
        let intake = &self.source.intake;
        self.clear_unit();
        let mut note = Account::default();
        account::count(&mut note.failed, error.label());
        self.source.note(note);
        let is_unreadable = matches!(error, ObjectError::Io(_));
        let (path, error) =
            (harmless(&path.to_string_lossy()), harmless(&intake.keeping.redaction.error_text(error)));
        tracing::error!(source = &*intake.source, path, error, "a file was not counted");
        Pending { progress: Progress::Failed { is_unreadable }, committed: None }
    }

    /// Reads what was appended to a plain file.
    fn read_pieces<'a>(&mut self, arrival: &'a Arrival, pass: &mut Pass<'a>) {
        let mut start = Piece {
            trace: arrival.trace,
            is_long_line: false,
            scanned_to: arrival.scanned_to,
            has_more: true,
        };
        for _ in 0..PIECES_MAX {
            pass.make_room();
            let pending = self.read_piece(arrival, &start);
            let progress = pending.progress;
            pass.add(arrival, pending);
            match progress {
                Progress::ReadTo(piece) if piece.has_more && !*self.stop.borrow() => start = piece,
                _ => return,
            }
        }
    }

    fn read_piece(&mut self, arrival: &Arrival, start: &Piece) -> Pending {
        let intake = &self.source.intake;
        let limits = PieceLimits {
            bytes: PIECE_BYTES.max(intake.limits.line_bytes + 1),
            multiline: self.source.multiline.as_ref(),
        };
        let mut text = std::mem::take(&mut self.text);
        let appended = arrival.open().and_then(|file| {
            read_appended(&file, &start.trace, start.scanned_to, arrival.ending, &limits, &mut text)
        });
        let pending = match appended {
            Err(error) => self.fail(&arrival.path, &error.into()),
            Ok(piece) if piece.trace.offset == start.trace.offset => {
                Pending { progress: Progress::ReadTo(piece), committed: None }
            }
            Ok(piece) => self.count_piece(arrival, start, &text, piece),
        };
        self.text = text;
        pending
    }

    /// Counts a piece. The format of a file is told once, by the first lines that tell it; from then on lines
    /// that are none are rejects.
    fn count_piece(&mut self, arrival: &Arrival, start: &Piece, text: &[u8], piece: Piece) -> Pending {
        let origin = arrival.path.to_string_lossy();
        let Self { source, reader, scratch, unit, .. } = self;
        let known = start.trace.format.or(source.format_of_messages());
        let has_events = source.multiline.is_some();
        let counter = Counter::of_appended(&source.intake, &origin, start.trace.offset, has_events);
        let mut each = |line: ObjectLine<'_, '_>| counter.take_in(unit, scratch, &line);
        let read = |format| Outcome::Read { format, unpacked_bytes: text.len() as u64 };
        let outcome = match known {
            _ if piece.is_long_line => {
                each(ObjectLine::Long(0, Reject::line_too_long(source.intake.limits.line_bytes)));
                Ok(read(known))
            }
            Some(format) => {
                reader.read_lines(text, format, each);
                Ok(read(known))
            }
            None => match skip_by_name(&origin) {
                Some(kind) => Ok(Outcome::Skipped(kind)),
                None => reader.read_stream(text, source.intake.format, each),
            },
        };
        self.finish(arrival, outcome, |format| {
            Progress::ReadTo(Piece { trace: piece.trace.with_format(format), ..piece })
        })
    }
}

impl FileSource {
    /// The format that is not to be told by the content, since anything may be in the messages.
    fn format_of_messages(&self) -> Option<Format> {
        let is_any = self.multiline.is_some() || !self.intake.inner_formats.is_empty();
        self.intake.format.filter(|format| is_any || *format == Format::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_read_says_no_more_once_the_server_stops() {
        let (stop, stopped) = watch::channel(false);
        let is_stopped = Cell::new(false);
        let mut file = UntilStop { file: io::repeat(b'x'), stop: &stopped, is_stopped: &is_stopped };
        let mut block = [0; 16];
        assert_eq!(file.read(&mut block).unwrap(), 16);
        assert!(!is_stopped.get());
        stop.send(true).unwrap();
        let error = file.read_to_end(&mut Vec::new()).unwrap_err();
        assert!(is_stopped.get() && error.kind() != io::ErrorKind::Interrupted, "{error}");
    }
}
