//! RFC 5424: a header of fixed parts, structured data, a text.
//!
//! Source: RFC 5424, section 6. What is behind a header that ends early, or structured data that are none, is taken
//! as text, so that a message that was cut on its way keeps what it says.

use std::borrow::Cow;

use crate::value::{Value, logged_text};

use super::time::{MessageTime, time_at_start};
use super::{Parts, without_mark};

/// Reads what follows `1 `; `None` where it does not begin with a time or `-`.
pub(super) fn read(header: &[u8]) -> Option<Parts<'_>> {
    let mut rest = header;
    let time = time(next_part(&mut rest).unwrap_or(b"-"))?;
    let [host, program, procid, msgid] = [(); 4].map(|()| next_part(&mut rest));
    let (structured, text) = match rest {
        [b'-'] => (&rest[..0], &rest[1..]),
        [b'-', b' ', text @ ..] => (&rest[..0], text),
        _ => {
            let len = structured_len(rest).unwrap_or(0);
            let (structured, text) = rest.split_at(len);
            (structured, text.strip_prefix(b" ").filter(|_| len > 0).unwrap_or(text))
        }
    };
    Some(Parts {
        priority: None,
        time,
        host: host.filter(|part| *part != b"-"),
        program: program.filter(|part| *part != b"-"),
        procid: procid.filter(|part| *part != b"-"),
        msgid: msgid.filter(|part| *part != b"-"),
        structured,
        text: without_mark(text),
    })
}

/// The time of a header: `Some(None)` for none.
fn time(part: &[u8]) -> Option<Option<MessageTime>> {
    if part == b"-" {
        return Some(None);
    }
    let (time, rest) = time_at_start(part)?;
    rest.is_empty().then_some(Some(time))
}

/// The part up to the next blank; `None` where nothing is left, or for an empty one.
fn next_part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = memchr::memchr(b' ', rest).unwrap_or(rest.len());
    let part = &rest[..end];
    *rest = rest.get(end + 1..).unwrap_or_default();
    Some(part).filter(|part| !part.is_empty())
}

/// How many bytes the elements of structured data at the start of `text` take; `None` where there are none, or they
/// are not well formed.
fn structured_len(text: &[u8]) -> Option<usize> {
    let mut rest = text;
    while rest.starts_with(b"[") {
        rest = element(rest, &mut |_, _, _| {})?;
    }
    let len = text.len() - rest.len();
    (len > 0 && (rest.is_empty() || rest.starts_with(b" "))).then_some(len)
}

/// Hands out every parameter as `id.parameter`, escapes resolved.
pub(super) fn for_each_parameter<'a>(structured: &'a [u8], each: &mut dyn FnMut(&str, Value<'a>)) {
    let mut rest = structured;
    let mut full_name = String::new();
    let mut give = |id: &'a [u8], name: &'a [u8], value: &'a [u8]| {
        full_name.clear();
        full_name.push_str(&logged_text(id));
        full_name.push('.');
        full_name.push_str(&logged_text(name));
        each(&full_name, parameter_value(value));
    };
    while let Some(behind) = element(rest, &mut give) {
        rest = behind;
    }
}

/// Reads `[id name="value" ...]` at the start of `text`, and gives what follows it.
fn element<'a>(text: &'a [u8], each: &mut dyn FnMut(&'a [u8], &'a [u8], &'a [u8])) -> Option<&'a [u8]> {
    let (id, mut rest) = name(text.strip_prefix(b"[")?)?;
    loop {
        if let [b']', behind @ ..] = rest {
            return Some(behind);
        }
        let (parameter, behind) = name(rest.strip_prefix(b" ")?.trim_ascii_start())?;
        let value = behind.strip_prefix(b"=\"")?;
        let end = value_end(value)?;
        each(id, parameter, &value[..end]);
        rest = &value[end + 1..];
    }
}

/// An SD-NAME: printable ASCII without `=`, blanks, `]` and `"`.
fn name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_name = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'=' | b']' | b'"');
    let len = text.iter().take_while(|byte| is_name(byte)).count();
    (len > 0).then(|| text.split_at(len))
}

/// The offset of the quote that ends a value.
fn value_end(value: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', value.get(from..)?)?;
        match value[at] {
            b'"' => return Some(at),
            _ => from = at + 2,
        }
    }
}

/// The value of a parameter: a backslash stands before `"`, `\` and `]`, and elsewhere for itself.
fn parameter_value(raw: &[u8]) -> Value<'_> {
    if memchr::memchr(b'\\', raw).is_none() {
        return Value::Text(logged_text(raw));
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        let escaped =
            if byte == b'\\' { rest.next_if(|next| matches!(next, b'"' | b'\\' | b']')) } else { None };
        bytes.push(escaped.unwrap_or(byte));
    }
    Value::Text(Cow::Owned(logged_text(&bytes).into_owned()))
}
