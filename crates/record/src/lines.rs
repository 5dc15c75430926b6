//! Blocks of text to parsed lines, whatever the format.
//!
//! The one loop over lines that every command uses, so that a line is numbered, bounded and
//! rejected in the same way whether it came from a small file in memory or a stream.

use crate::alb::{self, AlbParser};
use crate::format::Format;
use crate::overlay::{NO_OVERLAY, Overlay};
use crate::record::{Event, Record};
use crate::record_fields::RecordContext;
use crate::reject::Reject;
use crate::timestamp::Timestamp;
use crate::{beaver, combined, gelf, ndjson, nginx_json, syslog, text};

/// The longest line that is parsed unless the user says otherwise, in bytes. nginx writes up to 64 KiB
/// by default and an ALB about 50 KiB, so this leaves room and still bounds what one line may cost.
pub const LINE_BYTES_DEFAULT: usize = 1 << 20;

/// Parses blocks of lines of one format and counts the lines of a file as it goes.
pub struct LineParser {
    format: Format,
    line_bytes_max: usize,
    alb: AlbParser,
    line_number: u64,
    received_at: Option<Timestamp>,
}

/// One line of a block.
pub struct Line<'l, 'a> {
    /// Its number in the file, from 1.
    pub number: u64,
    /// Its bytes, without the line end.
    pub bytes: &'a [u8],
    /// What the record was read from: the same bytes, or the line that they wrap.
    pub content: &'l [u8],
    /// The format that the content was read as.
    pub format: Format,
    /// The format of the whole.
    pub outer: Format,
    /// What the wrapping says about the record.
    pub overlay: &'l Overlay<'l>,
    /// What it says, or why it is not a record.
    pub outcome: Result<Record<'l>, &'l Reject>,
}

impl LineParser {
    /// A parser at the first line of a file; lines of more than `line_bytes_max` are rejects.
    pub fn new(format: Format, line_bytes_max: usize) -> Self {
        Self { format, line_bytes_max, alb: AlbParser::default(), line_number: 0, received_at: None }
    }

    /// From here on, events without a time of their own happened at `received_at`.
    pub fn received_at(&mut self, received_at: Timestamp) {
        self.received_at = Some(received_at);
    }

    /// Parses a whole message, whatever line ends are in it.
    pub fn parse_message<'a>(&mut self, message: &'a [u8], each: impl FnOnce(Line<'_, 'a>)) {
        self.line_number += 1;
        let number = self.line_number;
        let (max, format) = (self.line_bytes_max, self.format);
        if message.len() > max {
            let why = Reject::line_too_long(max);
            return each(Line::plain(number, message, format, Err(&why)));
        }
        let parsed = match format {
            Format::Alb => alb::parse_line(message),
            Format::NginxJson => nginx_json::parse(message),
            Format::Combined => combined::parse(message),
            Format::Ndjson | Format::Gelf | Format::Beaver | Format::Text | Format::Syslog => {
                let parsed = parse_event(format, message, self.received_at);
                let outcome = parsed.as_ref().map(|&event| Record::Event(event));
                return each(Line::plain(number, message, format, outcome));
            }
        };
        each(Line::plain(number, message, format, parsed.as_ref().map(Record::Request)));
    }

    /// Parses every line of `block` in order; empty lines are passed over, but numbered.
    ///
    /// A block ends where a line ends; text after the last line end is a line too.
    #[inline]
    pub fn parse_block<'a>(&mut self, mut block: &'a [u8], mut each: impl FnMut(Line<'_, 'a>)) {
        while !block.is_empty() {
            self.line_number += 1;
            let number = self.line_number;
            let (max, format) = (self.line_bytes_max, self.format);
            let received_at = self.received_at;
            let request = |bytes, parsed: &Result<_, _>| {
                each(Line::plain(number, bytes, format, parsed.as_ref().map(Record::Request)));
            };
            let len = match format {
                Format::Alb => self.alb.parse_next(block, max, request),
                Format::NginxJson => parse_next(block, max, nginx_json::parse, request),
                Format::Combined => parse_next(block, max, combined::parse, request),
                Format::Ndjson | Format::Gelf | Format::Beaver | Format::Text | Format::Syslog => {
                    let parse = |line| parse_event(format, line, received_at);
                    parse_next(block, max, parse, |bytes, parsed| {
                        let outcome = parsed.as_ref().map(|&event| Record::Event(event));
                        each(Line::plain(number, bytes, format, outcome));
                    })
                }
            };
            block = block.get(len + 1..).unwrap_or_default();
        }
    }

    /// Counts a line that was not read, and returns its number.
    pub fn skip_line(&mut self) -> u64 {
        self.line_number += 1;
        self.line_number
    }
}

impl<'l, 'a: 'l> Line<'l, 'a> {
    /// What is known of its record where nobody has named a service or a route yet.
    pub fn context(&self, source: &'l str) -> RecordContext<'l> {
        RecordContext {
            source,
            service: None,
            route: None,
            target_group: None,
            overlay: self.overlay,
            format: self.format,
            line: self.content,
        }
    }

    /// A line that wraps nothing.
    pub(crate) fn plain(
        number: u64,
        bytes: &'a [u8],
        format: Format,
        outcome: Result<Record<'l>, &'l Reject>,
    ) -> Self {
        Self { number, bytes, content: bytes, format, outer: format, overlay: &NO_OVERLAY, outcome }
    }
}

/// Reads one event. The formats of requests are none of these; their lines may be events all the same.
fn parse_event(format: Format, line: &[u8], received_at: Option<Timestamp>) -> Result<Event<'_>, Reject> {
    match format {
        Format::Gelf => gelf::parse(line, received_at),
        Format::Beaver => beaver::parse(line, received_at),
        Format::Text => text::parse(line, received_at),
        Format::Syslog => syslog::parse(line, received_at),
        Format::Ndjson | Format::Alb | Format::NginxJson | Format::Combined => {
            ndjson::parse(line, received_at)
        }
    }
}

/// Parses the first line of `text` and returns its length without the line end.
#[inline]
fn parse_next<'a, T>(
    text: &'a [u8],
    line_bytes_max: usize,
    parse: impl FnOnce(&'a [u8]) -> Result<T, Reject>,
    each: impl FnOnce(&'a [u8], &Result<T, Reject>),
) -> usize {
    let len = memchr::memchr(b'\n', text).unwrap_or(text.len());
    let line = &text[..len];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > line_bytes_max {
        each(line, &Err(Reject::line_too_long(line_bytes_max)));
    } else if !line.trim_ascii().is_empty() {
        each(line, &parse(line));
    }
    len
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: Format, block: &[u8], expected: &[&str]) {
        let mut parser = LineParser::new(format, LINE_BYTES_DEFAULT);
        let mut shown = Vec::new();
        parser.parse_block(block, |line| {
            let outcome = match line.outcome {
                Ok(Record::Request(request)) => {
                    request.status.map_or("-".to_owned(), |status| status.to_string())
                }
                Ok(Record::Event(event)) => event.time.to_string(),
                Err(reject) => reject.reason.label().to_owned(),
            };
            shown.push(format!("{} {outcome}", line.number));
        });
        assert_eq!(shown, expected);
    }

    const COMBINED: &str =
        r#"203.0.113.7 - - [20/Nov/2026:13:15:30 +0300] "GET / HTTP/1.1" 200 612 "-" "curl/8""#;

    #[test]
    fn lines_are_numbered_and_empty_ones_passed_over() {
        let block = format!("{COMBINED}\n\nx\r\n{COMBINED}");
        check(Format::Combined, block.as_bytes(), &["1 200", "3 not_combined", "4 200"]);
        check(Format::Combined, b"", &[]);
        check(Format::Alb, b"\n\nhttps x\n", &["3 too_few_fields"]);
    }

    #[test]
    fn a_line_over_the_limit_is_a_reject_in_every_format() {
        let mut block = vec![b'x'; LINE_BYTES_DEFAULT + 1];
        block.extend_from_slice(b"\n");
        for format in Format::ALL {
            check(format, &block, &["1 line_too_long"]);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_records_or_rejects(
            block in proptest::collection::vec(
                proptest::prop_oneof![proptest::num::u8::ANY, proptest::sample::select(b" \"\\\n{}[]:,-019.".to_vec())],
                0..400,
            ),
        ) {
            for format in Format::ALL {
                let mut lines = 0;
                LineParser::new(format, LINE_BYTES_DEFAULT).parse_block(&block, |line| {
                    lines += 1;
                    if let Err(reject) = line.outcome {
                        assert!(reject.column <= line.bytes.len() + 1);
                    }
                });
                let newlines = block.iter().filter(|&&byte| byte == b'\n').count();
                proptest::prop_assert!(lines <= newlines + 1);
            }
        }
    }
}
