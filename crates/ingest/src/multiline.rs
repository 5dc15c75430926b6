//! Several lines that are one event: a stack trace, or JSON that was printed over many lines.
//!
//! Told by how an event begins, not by how a line goes on: frameworks invent new kinds of continuation, and
//! the beginning, a time, is what their users configure. An event is a part of the text, so that nothing is
//! copied. When it ends is told by the next one only; the last one waits for that, or for the writer to pause.

use std::ops::Range;
use std::time::Duration;

use regex::bytes::Regex;
use weir_record::LINE_BYTES_DEFAULT;

/// How long the writer must pause for the last event to be taken as complete, unless the user says otherwise.
pub const MULTILINE_TIMEOUT_DEFAULT: Duration = Duration::from_secs(1);

/// Lines of one event, unless the user says otherwise: a deep stack with its causes.
pub const MULTILINE_LINES_DEFAULT: usize = 500;

/// How lines become events.
#[derive(Clone, Debug)]
pub struct Multiline {
    /// What the first line of an event matches.
    pub start: Regex,
    /// How long the writer must pause for the last event to be taken as complete.
    pub timeout: Duration,
    /// Lines of one event; with the next line another one begins.
    pub lines_max: usize,
    /// Bytes of one event, with its line ends; a line that goes beyond it begins another one.
    pub bytes_max: usize,
}

impl Multiline {
    /// Events of which the first line matches the regular expression `start`, with the usual bounds.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in one line.
    pub fn new(start: &str) -> Result<Self, String> {
        let start = Regex::new(start).map_err(|error| {
            let text = error.to_string();
            text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        })?;
        if start.is_match(b"") {
            return Err("it matches an empty line, so that each line would be an event".to_owned());
        }
        Ok(Self {
            start,
            timeout: MULTILINE_TIMEOUT_DEFAULT,
            lines_max: MULTILINE_LINES_DEFAULT,
            bytes_max: LINE_BYTES_DEFAULT,
        })
    }

    /// The events of `text`, which are whole lines, without their last line ends.
    pub fn events(&self, text: &[u8]) -> impl Iterator<Item = Range<usize>> {
        let mut start = 0;
        std::iter::from_fn(move || {
            let end = self.end(text, start);
            let event = start..trimmed(text, start, end);
            let is_any = start < text.len();
            start = end;
            is_any.then_some(event)
        })
    }

    /// Where the last event of `text` begins: what comes next may belong to it. The end of the text if it is
    /// complete because it has no room for more.
    pub fn last_event(&self, text: &[u8]) -> usize {
        let mut start = 0;
        while start < text.len() {
            let end = self.end(text, start);
            let is_full = memchr::memchr_iter(b'\n', &text[start..end]).count() >= self.lines_max;
            if end == text.len() {
                return if is_full { end } else { start };
            }
            start = end;
        }
        start
    }

    /// Where the event ends that begins at `start`.
    fn end(&self, text: &[u8], start: usize) -> usize {
        let mut end = line_end(text, start);
        let mut lines = 1;
        while end < text.len() {
            let next = line_end(text, end);
            let is_full = lines >= self.lines_max || next - start > self.bytes_max;
            if is_full || self.start.is_match(&text[end..trimmed(text, end, next)]) {
                break;
            }
            end = next;
            lines += 1;
        }
        end
    }
}

/// Where the line ends that begins at `start`, with its line end.
fn line_end(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(text.len(), |len| start + len + 1)
}

/// `end` without a line end before it.
fn trimmed(text: &[u8], start: usize, end: usize) -> usize {
    let line = text.get(start..end).unwrap_or_default();
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    start + line.strip_suffix(b"\r").unwrap_or(line).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn multiline(lines_max: usize, bytes_max: usize) -> Multiline {
        let start = Regex::new(r"^\d").expect("a pattern");
        Multiline { start, timeout: MULTILINE_TIMEOUT_DEFAULT, lines_max, bytes_max }
    }

    #[test]
    fn lines_that_begin_no_event_belong_to_the_one_before() {
        let check = |multiline: &Multiline, text: &str, expected: &[&str], last: &str| {
            let events: Vec<&str> = multiline.events(text.as_bytes()).map(|event| &text[event]).collect();
            assert_eq!(events, expected, "{text}");
            assert_eq!(&text[multiline.last_event(text.as_bytes())..], last, "{text}");
        };
        let usual = multiline(4, 100);
        check(&usual, "", &[], "");
        check(&usual, "1 a\n", &["1 a"], "1 a\n");
        check(&usual, "1 a\n b\r\n\n2 c\r\n", &["1 a\n b\r\n", "2 c"], "2 c\r\n");
        check(&usual, " lost\n1 a\n", &[" lost", "1 a"], "1 a\n");
        check(&usual, "1\n b\n c\n d\n e\n", &["1\n b\n c\n d", " e"], " e\n");
        check(&usual, "1\n b\n c\n d\n", &["1\n b\n c\n d"], "");
        check(&multiline(9, 8), "1 a\n b\n c\n2\n", &["1 a\n b", " c", "2"], "2\n");
        check(&multiline(9, 2), "1 long\n", &["1 long"], "1 long\n");
    }

    proptest::proptest! {
        #[test]
        fn events_add_up_to_the_text(text in "[1 a\n]{0,80}", lines_max in 1usize..5, bytes_max in 1usize..20) {
            let multiline = multiline(lines_max, bytes_max);
            let joined: usize = multiline.events(text.as_bytes()).map(|event| event.len() + 1).sum();
            let ends = usize::from(!text.is_empty() && !text.ends_with('\n'));
            proptest::prop_assert_eq!(joined, text.len() + ends);
            let last = multiline.last_event(text.as_bytes());
            let before = multiline.events(&text.as_bytes()[..last]).count();
            let all = multiline.events(text.as_bytes()).count();
            proptest::prop_assert!(all - before <= 1);
        }
    }
}
