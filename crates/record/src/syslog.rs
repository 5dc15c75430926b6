//! Syslog messages: RFC 5424, and what is sent in the name of RFC 3164.
//!
//! The latter is no format but a description of what was seen, and devices have gone on inventing since: without a
//! priority, without a host, with years, zones, sequence numbers, an ISO time. So nothing is asked of a message: what
//! is recognised at its start becomes a field, and the rest is its text. A message is a reject only where it has no
//! time and nobody says when it arrived. What is not guessed is left out: a message without a priority has no level.
//!
//! Names of fields are those of GELF and of Logstash where these have one: `level` is the severity, `host` and `node`
//! the sender's name, `program` RFC 5424's APP-NAME or the tag before the text. A parameter of structured data is
//! `id.parameter`.

mod rfc3164;
mod rfc5424;
#[cfg(test)]
mod tests;
mod time;

use std::borrow::Cow;

use crate::other_fields::FieldSink;
use crate::record::Event;
use crate::reject::{Reason, Reject};
use crate::timestamp::Timestamp;
use crate::value::{Value, logged_text};

use time::MessageTime;

/// The largest priority: facility 23, severity 7.
const PRIORITY_MAX: u8 = 191;

/// The facilities by their numbers, as rsyslog and syslog.conf call them; RFC 5424 has only descriptions.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
];

/// The parts of a message; what it lacks is `None` or empty.
#[derive(Debug, Default)]
struct Parts<'a> {
    priority: Option<u8>,
    time: Option<MessageTime>,
    host: Option<&'a [u8]>,
    program: Option<&'a [u8]>,
    procid: Option<&'a [u8]>,
    msgid: Option<&'a [u8]>,
    /// Elements of structured data, all of them well formed.
    structured: &'a [u8],
    text: &'a [u8],
}

/// Reads one message.
///
/// A time without a year is of the last year that is possible at `received_at`, and one without a zone is UTC.
///
/// # Errors
///
/// [`Reason::BadTime`] where the message has no time that can be read, or none with a year, and `received_at` is
/// `None`.
pub fn parse(line: &[u8], received_at: Option<Timestamp>) -> Result<Event<'_>, Reject> {
    let own = Parts::of(line).time.and_then(|time| time.resolve(received_at));
    let time = own.or(received_at).ok_or_else(|| Reject::at(Reason::BadTime, priority(line).1))?;
    Ok(Event { time, line })
}

/// Every field of a message but its time.
pub(crate) fn other_fields<'a>(line: &'a [u8], each: &mut dyn FnMut(&str, Value<'a>)) {
    let parts = Parts::of(line);
    let mut sink = FieldSink::new(each);
    if let Some(priority) = parts.priority {
        sink.give("level", Value::Integer(i64::from(priority % 8)));
        let facility = FACILITIES.get(usize::from(priority / 8)).copied().unwrap_or_default();
        sink.give("facility", Value::Text(Cow::Borrowed(facility)));
    }
    for (name, bytes) in [
        ("host", parts.host),
        ("node", parts.host),
        ("program", parts.program),
        ("procid", parts.procid),
        ("msgid", parts.msgid),
    ] {
        if let Some(bytes) = bytes {
            sink.give(name, Value::Text(logged_text(bytes)));
        }
    }
    rfc5424::for_each_parameter(parts.structured, &mut |name, value| sink.give(name, value));
    sink.give("message", Value::Text(logged_text(parts.text)));
    sink.finish();
}

impl<'a> Parts<'a> {
    fn of(line: &'a [u8]) -> Self {
        let line = without_end(line);
        let (priority, start) = priority(line);
        let rest = &line[start..];
        let parts = match rest {
            [b'1', b' ', header @ ..] => rfc5424::read(header),
            _ => None,
        };
        Self { priority, ..parts.unwrap_or_else(|| rfc3164::read(rest)) }
    }
}

/// Without what transports leave behind a message.
fn without_end(line: &[u8]) -> &[u8] {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r' | 0);
    let len = line.iter().rposition(|byte| !is_end(byte)).map_or(0, |last| last + 1);
    &line[..len]
}

/// The number between `<` and `>`, and where what follows begins. What is no priority is text.
fn priority(line: &[u8]) -> (Option<u8>, usize) {
    let digits = match line {
        [b'<', rest @ ..] => rest.iter().take_while(|byte| byte.is_ascii_digit()).count(),
        _ => 0,
    };
    if !(1..=3).contains(&digits) || line.get(digits + 1) != Some(&b'>') {
        return (None, 0);
    }
    let number = line[1..=digits].iter().fold(0u16, |number, digit| number * 10 + u16::from(digit - b'0'));
    match u8::try_from(number) {
        Ok(number @ ..=PRIORITY_MAX) => (Some(number), digits + 2),
        _ => (None, 0),
    }
}

/// A text without the byte order mark that RFC 5424 puts before UTF-8.
fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text)
}
