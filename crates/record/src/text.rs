//! Lines without a format: each is the message of an event.
//!
//! For logs of which only the words matter. Where such a line begins with its time, as most logging libraries
//! write it, that is the event's; it stays part of the message, since what stood in the line is to be found there.
//! Any other has the time of its arrival, and in a file of which nobody knows when it was written it has none.

use crate::record::Event;
use crate::reject::{Reason, Reject};
use crate::timestamp::Timestamp;
use crate::value::{Value, logged_text};

/// Bytes of a date and a time of day to the second.
const SECONDS_BYTES: usize = 19;

/// Digits of a fraction of a second that are looked at.
const FRACTION_DIGITS_MAX: usize = 9;

/// Reads one line, without its line end.
///
/// # Errors
///
/// [`Reason::BadTime`] where neither the line nor anybody else says when it happened.
pub fn parse(line: &[u8], received_at: Option<Timestamp>) -> Result<Event<'_>, Reject> {
    let time = leading_time(line).or(received_at).ok_or(Reject::at(Reason::BadTime, 0))?;
    Ok(Event { time, line })
}

/// The time that a line begins with: RFC 3339, or `2026-11-20 10:15:30` with or without a fraction behind a point
/// or a comma, and with or without an offset; without one it is UTC. It may stand in `[`.
fn leading_time(line: &[u8]) -> Option<Timestamp> {
    let line = line.strip_prefix(b"[").unwrap_or(line);
    let (seconds, mut rest) = line.split_at_checked(SECONDS_BYTES)?;
    if !seconds[0].is_ascii_digit() {
        return None;
    }
    let mut text = [0; SECONDS_BYTES + 1 + FRACTION_DIGITS_MAX + 6];
    text[..SECONDS_BYTES].copy_from_slice(seconds);
    let mut len = SECONDS_BYTES;
    if let [b'.' | b',', digits @ ..] = rest {
        let digits_len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let used = digits_len.min(FRACTION_DIGITS_MAX);
        if used > 0 {
            text[len] = b'.';
            text[len + 1..len + 1 + used].copy_from_slice(&digits[..used]);
            len += 1 + used;
            rest = &digits[digits_len..];
        }
    }
    let (zone, zone_len) = zone(rest);
    if rest.get(zone_len).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    text[len..len + zone.len()].copy_from_slice(zone);
    len += zone.len();
    Timestamp::parse_rfc3339(&text[..len])
}

/// The zone behind a time, UTC where there is none, and how many bytes it takes.
fn zone(rest: &[u8]) -> (&[u8], usize) {
    let is_offset = |zone: &&[u8]| {
        matches!(zone, [b'+' | b'-', a, b, b':', c, d] | [b'+' | b'-', a, b, c, d]
            if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()))
    };
    if let [b'Z' | b'z', ..] = rest {
        return (b"Z", 1);
    }
    // Ruby and others write a space before it.
    for space in [0, 1] {
        let behind = rest.get(space..).filter(|_| space == 0 || rest[0] == b' ').unwrap_or_default();
        let offsets = [6, 5].into_iter().filter_map(|len| behind.get(..len));
        if let Some(offset) = offsets.into_iter().find(is_offset) {
            return (offset, space + offset.len());
        }
    }
    (b"Z", 0)
}

/// Its only field.
pub(crate) fn other_fields<'a>(line: &'a [u8], each: &mut dyn FnMut(&str, Value<'a>)) {
    each("message", Value::Text(logged_text(line)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_begins_with_its_time_has_it() {
        let received_at = Timestamp::from_micros(7);
        let check = |line: &str, expected: &str| {
            let event = parse(line.as_bytes(), Some(received_at)).expect("an event");
            let time = if event.time == received_at { "received".to_owned() } else { event.time.to_string() };
            assert_eq!(time, expected, "{line}");
            assert_eq!(event.line, line.as_bytes());
        };
        check("2026-11-20T10:15:30Z x", "2026-11-20T10:15:30Z");
        check("2026-11-20T10:15:30.123456+03:00 x", "2026-11-20T07:15:30.123456Z");
        check("2026-11-20 10:15:30,250 ERROR x", "2026-11-20T10:15:30.250000Z");
        check("2026-11-20 10:15:30.5 x", "2026-11-20T10:15:30.500000Z");
        check("2026-11-20 10:15:30 +0300 x", "2026-11-20T07:15:30Z");
        check("2026-11-20 10:15:30 x", "2026-11-20T10:15:30Z");
        check("2026-11-20 10:15:30", "2026-11-20T10:15:30Z");
        check("[2026-11-20 10:15:30] x", "2026-11-20T10:15:30Z");
        check("[2026-11-20T10:15:30.123+0100] x", "2026-11-20T09:15:30.123000Z");
        check("2026-11-20 10:15:30.12345678901 x", "2026-11-20T10:15:30.123456Z");
        check("2026-11-20 10:15:30, x", "2026-11-20T10:15:30Z");
        check("2026-11-20 10:15:30 - x", "2026-11-20T10:15:30Z");
        check("2026-11-20 10:15:30x", "received");
        check("2026-13-20 10:15:30 x", "received");
        check("at 2026-11-20 10:15:30", "received");
        check("", "received");
        assert!(parse(b"x", None).is_err() && parse(b"2026-11-20 10:15:30 x", None).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_an_event(line in proptest::collection::vec(proptest::num::u8::ANY, 0..60)) {
            proptest::prop_assert!(parse(&line, Some(Timestamp::default())).is_ok());
        }

        #[test]
        fn any_line_like_a_time_is_an_event(line in "\\[?[0-9]{4}-[01][0-9]-[0-3][0-9][ T][0-2][0-9]:[0-5][0-9]:[0-6][0-9][-+.,0-9: Z]{0,16}") {
            proptest::prop_assert!(parse(line.as_bytes(), Some(Timestamp::default())).is_ok());
        }
    }
}
