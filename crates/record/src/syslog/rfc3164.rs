//! RFC 3164 and what is sent in its name: a time, a host, a tag, a text, of which any may be missing.
//!
//! Sources: RFC 3164, sections 4.1 and 5.4; Cisco, "System Message Logging" of IOS, NX-OS and ASA; nginx,
//! "Logging to syslog".

use super::time::{MessageTime, time_at_start};
use super::{Parts, without_mark};

/// The longest tag; RFC 3164 says 32, and names of containers do not heed it.
const TAG_BYTES_MAX: usize = 128;

/// What stands before the text: a program with or without its process, or a code of Cisco's.
enum Tag<'a> {
    Program {
        name: &'a [u8],
        procid: Option<&'a [u8]>,
    },
    /// `%LINK-3-UPDOWN`, without the `%`.
    Code(&'a [u8]),
}

/// Reads what follows the priority.
pub(super) fn read(message: &[u8]) -> Parts<'_> {
    let start = after_blanks(message.strip_prefix(b":").unwrap_or(message));
    let mut parts = Parts::default();
    let rest = match time_behind_prefix(start) {
        Some((host, time, rest)) => {
            (parts.host, parts.time) = (host, Some(time));
            after_blanks(rest)
        }
        None => start,
    };
    parts.text = rest;
    if let Some((tag, text)) = tag(rest) {
        parts.set_tag(tag, text);
        return parts;
    }
    let (word, behind) = split_word(rest);
    let behind = behind.strip_prefix(b": ").unwrap_or(behind);
    match tag(behind) {
        _ if !is_host(word) => {}
        // Without a time, a word is a host only where it is plain that a tag follows it.
        Some((tag @ (Tag::Code(_) | Tag::Program { procid: Some(_), .. }), text)) => {
            parts.host = Some(word);
            parts.set_tag(tag, text);
        }
        Some((tag, text)) if parts.time.is_some() => {
            parts.host = Some(word);
            parts.set_tag(tag, text);
        }
        None if parts.time.is_some() && parts.host.is_none() => {
            (parts.host, parts.text) = (Some(word), without_mark(behind));
        }
        _ => {}
    }
    parts
}

impl<'a> Parts<'a> {
    fn set_tag(&mut self, found: Tag<'a>, text: &'a [u8]) {
        self.text = without_mark(text);
        match (found, tag(text)) {
            (Tag::Code(code), _) => self.msgid = Some(code),
            // `router1: %SYS-5-CONFIG_I: ...`
            (Tag::Program { name, procid: None }, Some((Tag::Code(code), text))) => {
                (self.host, self.msgid, self.text) = (Some(name), Some(code), text);
            }
            (Tag::Program { name, procid }, _) => (self.program, self.procid) = (Some(name), procid),
        }
    }
}

/// A host, if one was passed over, a time, and what follows it.
type TimeFound<'a> = (Option<&'a [u8]>, MessageTime, &'a [u8]);

/// A time at the start, or behind a sequence number and a host that each end with a colon, as Cisco writes them.
fn time_behind_prefix(start: &[u8]) -> Option<TimeFound<'_>> {
    let mut rest = start;
    let mut host = None;
    for _ in 0..3 {
        if let Some((time, behind)) = time_at_start(rest) {
            return Some((host, time, behind));
        }
        let (word, behind) = split_word(rest);
        let name = word.strip_suffix(b":").filter(|name| is_host(name))?;
        if !name.iter().all(u8::is_ascii_digit) {
            host = Some(name);
        }
        rest = after_blanks(behind);
    }
    None
}

/// The tag at the start of `text`, and the text behind it.
fn tag(text: &[u8]) -> Option<(Tag<'_>, &[u8])> {
    if let [b'%', rest @ ..] = text {
        let is_code = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let len = rest.iter().take_while(|byte| is_code(byte)).count();
        let (code, behind) = rest.split_at(len);
        let text = behind.strip_prefix(b":").or_else(|| behind.strip_prefix(b" :"))?;
        return code.contains(&b'-').then(|| (Tag::Code(code), without_blank(text)));
    }
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./@+#()".contains(byte);
    let len = text.iter().take(TAG_BYTES_MAX + 1).take_while(|byte| is_name(byte)).count();
    if !(1..=TAG_BYTES_MAX).contains(&len) {
        return None;
    }
    let (name, behind) = text.split_at(len);
    let (procid, behind) = match behind {
        [b'[', rest @ ..] => {
            let end = rest.iter().take(TAG_BYTES_MAX).position(|byte| matches!(byte, b']' | b' '))?;
            let behind = rest[end..].strip_prefix(b"]")?;
            (Some(&rest[..end]).filter(|procid| !procid.is_empty()), behind)
        }
        _ => (None, behind),
    };
    let text = match behind {
        [b':'] => &behind[1..],
        [b':', text @ ..] if matches!(text.first(), Some(b' ' | b'\t' | b'{')) => text,
        [] | [b' ', ..] if procid.is_some() => behind,
        _ => return None,
    };
    Some((Tag::Program { name, procid }, without_blank(text)))
}

fn is_host(word: &[u8]) -> bool {
    let is_host_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-:%[]".contains(byte);
    (1..=255).contains(&word.len()) && word.iter().all(is_host_byte) && !word.starts_with(b"%")
}

/// The word up to the next blank, and what follows the blanks behind it.
fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b' ', text).unwrap_or(text.len());
    (&text[..end], after_blanks(&text[end..]))
}

fn after_blanks(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| **byte == b' ').count();
    &text[blanks..]
}

/// A text behind its tag begins with one blank; more of them are an indent.
fn without_blank(text: &[u8]) -> &[u8] {
    text.strip_prefix(b" ").unwrap_or(text)
}
