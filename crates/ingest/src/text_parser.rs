//! A text to records where a line need not be one: events of several lines, messages that wrap lines, and lines
//! that say nothing of their time.
//!
//! What most sources have, a record in each line, goes straight to the parser of lines.

use std::borrow::Cow;
use std::sync::Arc;

use weir_record::{Format, InnerFormats, Line, LineParser, MessageParser, Timestamp};

use crate::multiline::Multiline;

/// How the lines of a text become records, beside their format.
#[derive(Clone, Debug, Default)]
pub struct TextReading {
    /// How lines become events, if not each is one.
    pub multiline: Option<Multiline>,
    /// Formats of the lines that messages wrap.
    pub inner_formats: Arc<InnerFormats>,
    /// When lines happened that say nothing of their time; without it they are rejects.
    pub received_at: Option<Timestamp>,
}

/// Parses a text.
pub(crate) struct TextParser {
    lines: LineParser,
    messages: Option<(MessageParser, Timestamp)>,
    multiline: Option<Multiline>,
}

impl TextParser {
    pub(crate) fn new(format: Format, line_bytes_max: usize, reading: &TextReading) -> Self {
        let mut lines = LineParser::new(format, line_bytes_max);
        if let (Format::Text, Some(received_at)) = (format, reading.received_at) {
            lines.received_at(received_at);
        }
        let messages = reading.received_at.filter(|_| !reading.inner_formats.is_empty());
        let messages = messages.map(|received_at| {
            (MessageParser::new(format, &reading.inner_formats, line_bytes_max), received_at)
        });
        Self { lines, messages, multiline: reading.multiline.clone() }
    }

    /// Where the last event of `text` begins, which may go on behind it.
    pub(crate) fn last_event(&self, text: &[u8]) -> usize {
        self.multiline.as_ref().map_or(text.len(), |multiline| multiline.last_event(text))
    }

    /// Parses whole lines, or whole events.
    pub(crate) fn parse_block(&mut self, text: &[u8], mut each: impl FnMut(Line<'_, '_>)) {
        let Self { lines, messages, multiline } = self;
        let wraps_lines = messages.is_some();
        let parse = |message: &[u8]| match messages {
            Some((parser, received_at)) => parser.parse(message, *received_at, &mut each),
            None => lines.parse_message(message, &mut each),
        };
        match multiline {
            Some(multiline) => multiline.events(text).map(|event| &text[event]).for_each(parse_joined(parse)),
            None if wraps_lines => {
                let texts = text.split(|&byte| byte == b'\n');
                texts.map(|line| line.strip_suffix(b"\r").unwrap_or(line)).for_each(parse_joined(parse));
            }
            None => lines.parse_block(text, each),
        }
    }

    /// Counts a line that was not read, and returns its number.
    pub(crate) fn skip_line(&mut self) -> u64 {
        self.lines.skip_line()
    }
}

/// Passes over what is empty; lines of one event have `\n` between them, however they ended.
fn parse_joined(mut parse: impl FnMut(&[u8])) -> impl FnMut(&[u8]) {
    move |event: &[u8]| {
        if event.trim_ascii().is_empty() {
            return;
        }
        let event = match memchr::memmem::find(event, b"\r\n") {
            Some(_) => Cow::Owned(without_carriage_returns(event)),
            None => Cow::Borrowed(event),
        };
        parse(&event);
    }
}

fn without_carriage_returns(event: &[u8]) -> Vec<u8> {
    let lines = event.split_inclusive(|&byte| byte == b'\n');
    let mut joined = Vec::with_capacity(event.len());
    for line in lines {
        match line.strip_suffix(b"\r\n") {
            Some(line) => {
                joined.extend_from_slice(line);
                joined.push(b'\n');
            }
            None => joined.extend_from_slice(line),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use regex::bytes::Regex;
    use weir_record::Record;

    use super::*;

    fn check(format: Format, multiline: Option<&str>, text: &str, expected: &[&str]) {
        let multiline = multiline.map(|start| Multiline {
            start: Regex::new(start).expect("a pattern"),
            timeout: crate::multiline::MULTILINE_TIMEOUT_DEFAULT,
            lines_max: 100,
            bytes_max: 1000,
        });
        let received_at = Some(Timestamp::from_micros(1_000_000));
        let map = vec![("nginx".into(), Format::NginxJson)];
        let inner = InnerFormats { by: "type".into(), map };
        let inner_formats = Arc::new(if format == Format::Ndjson { inner } else { InnerFormats::default() });
        let mut parser =
            TextParser::new(format, 1000, &TextReading { multiline, inner_formats, received_at });
        let mut shown = Vec::new();
        parser.parse_block(text.as_bytes(), |line| {
            let content = String::from_utf8_lossy(line.content);
            shown.push(match line.outcome {
                Ok(Record::Event(event)) => format!("{} {content}", event.time),
                Ok(Record::Request(request)) => format!("{:?} {content}", request.status),
                Err(why) => why.reason.label().to_owned(),
            });
        });
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn lines_of_text_have_the_time_of_their_arrival_or_their_own() {
        let expected = ["1970-01-01T00:00:01Z one", "2026-11-20T10:15:30Z 2026-11-20 10:15:30 two"];
        check(Format::Text, None, "one\n\n2026-11-20 10:15:30 two\r\n", &expected);
    }

    #[test]
    fn events_of_several_lines_are_one_message() {
        let text = "1 a\r\n at b\r\n2 c\n";
        let expected = ["1970-01-01T00:00:01Z 1 a\n at b", "1970-01-01T00:00:01Z 2 c"];
        check(Format::Text, Some("^[0-9]"), text, &expected);
    }

    #[test]
    fn messages_in_a_file_may_wrap_lines() {
        let text = "{\"type\":\"nginx\",\"message\":\"{\\\"status\\\":\\\"200\\\",\\\"msec\\\":\\\"1795169730\\\"}\"}\n{\"m\":1}\n";
        let expected = [
            "Some(Status(200)) {\"status\":\"200\",\"msec\":\"1795169730\"}",
            "1970-01-01T00:00:01Z {\"m\":1}",
        ];
        check(Format::Ndjson, None, text, &expected);
    }
}
