//! Blocks of a text to its lines: the format is told by the first block, the rest is parsed.
//!
//! Apart from where the blocks come from, so that a small object that was unpacked at once, a stream and a piece of
//! a file that grows cannot be taken for different things. An event of several lines may go on in the next block,
//! so its beginning is copied and waits; a line never does.

use weir_record::{Detected, Format, NotAccessLog, Reject, detect};

use crate::blocks::Block;
use crate::object::{ObjectError, ObjectLine, Outcome};
use crate::text_parser::{TextParser, TextReading};

/// Bytes of the text by which its format is told.
const HEAD_BYTES: usize = 64 << 10;

/// Blocks to lines: decides the format at the first block, then parses.
pub(crate) struct LineReader<F> {
    format: Option<Format>,
    pub(crate) line_bytes_max: usize,
    state: LineState,
    /// Lines that were too long, before the first one that tells the format.
    long_lines_at_start: u64,
    reading: TextReading,
    /// The beginning of an event of several lines that may go on in the next block.
    pending: Vec<u8>,
    each: F,
}

enum LineState {
    Start,
    Parsing(Box<TextParser>),
    Skipping(NotAccessLog),
}

impl LineReader<fn(ObjectLine<'_, '_>)> {
    /// Reads nothing of what it is given.
    pub(crate) fn passing_over(line_bytes_max: usize) -> Self {
        let state = LineState::Skipping(NotAccessLog::TestFile);
        Self { state, ..Self::new(None, line_bytes_max, TextReading::default(), |_| ()) }
    }
}

impl<F: FnMut(ObjectLine<'_, '_>)> LineReader<F> {
    pub(crate) fn new(format: Option<Format>, line_bytes_max: usize, reading: TextReading, each: F) -> Self {
        let (state, pending) = (LineState::Start, Vec::new());
        Self { format, line_bytes_max, state, long_lines_at_start: 0, reading, pending, each }
    }

    pub(crate) fn block(&mut self, block: Block<'_>) -> Result<(), ObjectError> {
        if let (LineState::Start, Block::Lines(text)) = (&self.state, block) {
            if text.is_empty() {
                return Ok(());
            }
            self.state = self.start(text)?;
        }
        match (&mut self.state, block) {
            (LineState::Parsing(parser), Block::Lines(text)) if self.reading.multiline.is_some() => {
                self.pending.extend_from_slice(text);
                let end = parser.last_event(&self.pending);
                parser.parse_block(&self.pending[..end], |line| (self.each)(ObjectLine::Line(line)));
                self.pending.drain(..end);
            }
            (LineState::Parsing(parser), Block::Lines(text)) => {
                parser.parse_block(text, |line| (self.each)(ObjectLine::Line(line)));
            }
            (LineState::Parsing(parser), Block::LongLine) => {
                (self.each)(ObjectLine::Long(parser.skip_line(), Reject::line_too_long(self.line_bytes_max)));
            }
            (LineState::Start, Block::LongLine) => {
                self.long_lines_at_start += 1;
                (self.each)(ObjectLine::Long(
                    self.long_lines_at_start,
                    Reject::line_too_long(self.line_bytes_max),
                ));
            }
            (LineState::Start | LineState::Skipping(_), _) => {}
        }
        Ok(())
    }

    /// Hands out the last event of several lines: there is nothing more.
    pub(crate) fn end(&mut self) {
        if let LineState::Parsing(parser) = &mut self.state {
            parser.parse_block(&self.pending, |line| (self.each)(ObjectLine::Line(line)));
        }
    }

    fn start(&mut self, text: &[u8]) -> Result<LineState, ObjectError> {
        let format = match (detect(&text[..text.len().min(HEAD_BYTES)]), self.format) {
            // Any line is text, so that it looks like something else says nothing.
            (_, Some(Format::Text)) => Format::Text,
            (Detected::Skip(kind), _) => return Ok(LineState::Skipping(kind)),
            (_, Some(format)) | (Detected::Format(format), None) => format,
            (Detected::Unknown, None) if text.trim_ascii().is_empty() => return Ok(LineState::Start),
            (Detected::Unknown, None) => {
                return Err(ObjectError::UnknownFormat { first_line: first_line(text) });
            }
        };
        self.format = Some(format);
        let mut parser = TextParser::new(format, self.line_bytes_max, &self.reading);
        for _ in 0..self.long_lines_at_start {
            parser.skip_line();
        }
        Ok(LineState::Parsing(Box::new(parser)))
    }

    pub(crate) fn outcome(&self, unpacked_bytes: u64) -> Outcome {
        match &self.state {
            LineState::Skipping(kind) => Outcome::Skipped(*kind),
            LineState::Parsing(_) => Outcome::Read { format: self.format, unpacked_bytes },
            LineState::Start => Outcome::Read { format: None, unpacked_bytes },
        }
    }
}

/// The first line for a message: short, and harmless on a terminal.
fn first_line(text: &[u8]) -> String {
    const CHARS_MAX: usize = 60;
    let line =
        text.split(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let shown = String::from_utf8_lossy(&line[..line.len().min(4 * CHARS_MAX)]);
    let mut shown: String = shown
        .chars()
        .map(|char| if char.is_control() { char::REPLACEMENT_CHARACTER } else { char })
        .take(CHARS_MAX)
        .collect();
    if line.len() > shown.len() {
        shown.push_str("...");
    }
    shown
}
