//! One JSON object a line, of any kind, as applications write their logs.
//!
//! Nothing is asked of it but a time, which is also the one thing that has no common name: the four here cover
//! ECS, Logstash, Docker, pino, zap, Bunyan and logrus. A time that is a number says its unit by its size, since
//! libraries do not agree on it and no log has times of the year 5138. An event is never a request, however much
//! it looks like one: it would be counted under one format and not under the other.

use crate::nginx_json::json_object::{Content, JsonObject, Member, Value};
use crate::record::Event;
use crate::reject::{Reason, Reject};
use crate::request_value::whole_number;
use crate::timestamp::Timestamp;

/// The keys of a time; the first that can be read counts.
const TIME_KEYS: [&[u8]; 4] = [b"@timestamp", b"timestamp", b"time", b"ts"];

/// The keys of what a person reads; the first that has a text becomes `message`.
const MESSAGE_KEYS: [&[u8]; 4] = [b"message", b"full_message", b"short_message", b"msg"];

/// Reads one line, without its line end.
///
/// The time is RFC 3339, or a number (in quotes or not) of seconds, milliseconds, microseconds or nanoseconds
/// since the epoch, by its size. Without one that can be read the event happened when it was received, if somebody
/// knows when that was.
///
/// # Errors
///
/// [`Reason::NotJson`] where the line is not one whole object; [`Reason::BadTime`] without any time, at the value
/// that is none, or at the object where there is none.
pub fn parse(line: &[u8], received_at: Option<Timestamp>) -> Result<Event<'_>, Reject> {
    let start = JsonObject::open(line)?.start;
    let keys = Keys::read(line)?;
    let time = keys.time().map(|(time, _)| time).or(received_at).ok_or_else(|| {
        let unreadable = keys.times.iter().flatten().next();
        Reject::at(Reason::BadTime, unreadable.map_or(start, |value| value.offset))
    })?;
    Ok(Event { time, line })
}

/// The values under the keys that have a meaning here. Of equal keys the last one counts.
pub(crate) struct Keys<'a> {
    times: [Option<Value<'a>>; TIME_KEYS.len()],
    messages: [Option<Value<'a>>; MESSAGE_KEYS.len()],
}

impl<'a> Keys<'a> {
    /// Finds them in a line.
    ///
    /// # Errors
    ///
    /// [`Reason::NotJson`] where the line is not one whole object.
    pub(crate) fn read(line: &'a [u8]) -> Result<Self, Reject> {
        let mut keys = Self { times: [None; TIME_KEYS.len()], messages: [None; MESSAGE_KEYS.len()] };
        let mut object = JsonObject::open(line)?;
        while let Some(Member { key, value }) = object.next_member()? {
            let found = |names: &[&[u8]]| names.iter().position(|&name| name == key);
            if let Some(index) = found(&TIME_KEYS) {
                keys.times[index] = Some(value);
            } else if let Some(index) = found(&MESSAGE_KEYS) {
                keys.messages[index] = Some(value);
            }
        }
        Ok(keys)
    }

    /// The time, and the offset of its value.
    pub(crate) fn time(&self) -> Option<(Timestamp, usize)> {
        self.times.iter().flatten().find_map(|value| match value.content {
            Content::Text(text) => Some((time(&text.decode())?, value.offset)),
            Content::Nested(_) => None,
        })
    }

    /// The offset of the value that is the message.
    pub(crate) fn message_offset(&self) -> Option<usize> {
        let has_text = |value: &&Value<'_>| match value.content {
            Content::Text(text) => !text.raw.is_empty(),
            Content::Nested(_) => false,
        };
        self.messages.iter().flatten().find(has_text).map(|value| value.offset)
    }
}

/// A time, RFC 3339 or a number.
pub(crate) fn time(text: &[u8]) -> Option<Timestamp> {
    match text {
        [_, _, _, _, b'-', ..] => Timestamp::parse_rfc3339(text),
        _ => epoch_time(text),
    }
}

/// A number of seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by size: seconds
/// up to the year 5138, and each of the others from 1973 on. Digits beyond the microsecond are cut off.
fn epoch_time(text: &[u8]) -> Option<Timestamp> {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (whole, rest) = text.split_at(digits(text));
    let whole = whole_number(whole)?;
    let fraction = match rest {
        [] => rest,
        [b'.', fraction @ ..] if digits(fraction) == fraction.len() => fraction,
        _ => return time_of_float(text),
    };
    let micros = match decimals(whole) {
        Some(count) => whole.checked_mul(10u64.pow(count))?.checked_add(first_digits(fraction, count))?,
        None => whole / 1000,
    };
    i64::try_from(micros).ok().map(Timestamp::from_micros)
}

/// The same of a number with an exponent, which was written from a float and is none the worse for becoming one.
fn time_of_float(text: &[u8]) -> Option<Timestamp> {
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let micros = match decimals(number as u64) {
        Some(count) => number * 10f64.powi(count as i32),
        None => number / 1e3,
    };
    (0.0..i64::MAX as f64).contains(&micros).then(|| Timestamp::from_micros(micros.round() as i64))
}

/// How many decimals a number of this size has until the microsecond; `None` for nanoseconds.
fn decimals(number: u64) -> Option<u32> {
    match number {
        0..100_000_000_000 => Some(6),
        100_000_000_000..100_000_000_000_000 => Some(3),
        100_000_000_000_000..100_000_000_000_000_000 => Some(0),
        _ => None,
    }
}

/// The first `count` digits of a fraction, as a whole number.
fn first_digits(fraction: &[u8], count: u32) -> u64 {
    let digits = fraction.iter().chain(std::iter::repeat(&b'0'));
    digits.take(count as usize).fold(0, |value, digit| value * 10 + u64::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let shown = parse(line.as_bytes(), None).map_or_else(
            |reject| format!("{} at column {}", reject.reason.label(), reject.column),
            |event| event.time.to_string(),
        );
        assert_eq!(shown, expected, "{line}");
    }

    #[test]
    fn the_unit_of_a_number_is_told_by_its_size() {
        for (time, expected) in [
            ("1795169730", "2026-11-20T10:15:30Z"),
            ("1795169730.5", "2026-11-20T10:15:30.500000Z"),
            ("1795169730.12345678901", "2026-11-20T10:15:30.123456Z"),
            ("1795169730123", "2026-11-20T10:15:30.123000Z"),
            ("1795169730123.4567", "2026-11-20T10:15:30.123456Z"),
            ("1795169730123456", "2026-11-20T10:15:30.123456Z"),
            ("1795169730123456.7", "2026-11-20T10:15:30.123456Z"),
            ("1795169730123456789", "2026-11-20T10:15:30.123456Z"),
            ("1.7951697305e9", "2026-11-20T10:15:30.500000Z"),
            ("1.795169730500E+12", "2026-11-20T10:15:30.500000Z"),
            ("0", "1970-01-01T00:00:00Z"),
            ("99999999999", "5138-11-16T09:46:39Z"),
            ("100000000000", "1973-03-03T09:46:40Z"),
        ] {
            check(&format!(r#"{{"ts":{time}}}"#), expected);
            check(&format!(r#"{{"ts":"{time}"}}"#), expected);
        }
        for time in ["-1", "1e400", "1x", "18446744073709551616", "[1795169730]", "\"now\"", "null", "NaN"] {
            check(
                &format!(r#"{{"ts":{time},"a":1}}"#),
                &format!("bad_time at column {}", 7 + usize::from(time.starts_with('"'))),
            );
        }
    }

    #[test]
    fn the_first_time_that_can_be_read_counts() {
        let rfc = r#""2026-11-20T13:15:30+03:00""#;
        check(&format!(r#"{{"ts":1,"time":2,"timestamp":3,"@timestamp":{rfc}}}"#), "2026-11-20T10:15:30Z");
        check(r#"{"ts":1,"time":2,"timestamp":3}"#, "1970-01-01T00:00:03Z");
        check(r#"{"ts":1,"time":2}"#, "1970-01-01T00:00:02Z");
        check(r#"{"ts":1,"time":"soon"}"#, "1970-01-01T00:00:01Z");
        check(r#"{"ts":1,"ts":2}"#, "1970-01-01T00:00:02Z");
    }

    #[test]
    fn what_has_no_time_happened_when_it_was_received() {
        let received_at = Timestamp::from_micros(7_000_000);
        for (line, expected) in [(r#"{"a":1}"#, 7), (r#"{"ts":"now"}"#, 7), (r#"{"ts":3}"#, 3)] {
            let event = parse(line.as_bytes(), Some(received_at)).unwrap();
            assert_eq!(event.time, Timestamp::from_micros(expected * 1_000_000), "{line}");
        }
    }

    #[test]
    fn what_has_no_time_or_is_no_object_is_a_reject() {
        check(r#"  {"a":1}"#, "bad_time at column 3");
        check(r#"{"a":{"ts":1}}"#, "bad_time at column 1");
        check(r#"{"ts":1"#, "not_json at column 8");
        check(r#"[{"ts":1}]"#, "not_json at column 1");
        check("GET", "not_json at column 1");
    }

    proptest::proptest! {
        #[test]
        fn any_number_is_a_time_or_none(time in "[0-9]{0,22}(\\.[0-9]{0,9})?([eE][+-]?[0-9]{0,4})?") {
            let _ = parse(format!(r#"{{"ts":{time}}}"#).as_bytes(), None);
        }
    }
}
