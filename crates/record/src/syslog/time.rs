//! Times as syslog messages have them: RFC 3339, RFC 3164's without a year, and Cisco's with more or less.
//!
//! A time without a zone is taken as UTC. To guess the zone from the time of arrival was refused: a message that was
//! held back for an hour looks like one from the next zone. The cost is said in the documentation: senders should name
//! theirs.

use crate::timestamp::{
    Timestamp, civil_from_days, days_from_civil, month, number, parse_clock, parse_fraction, parse_offset,
};

/// Zones by their names, in hours east of UTC: those of RFC 822, and those that devices in Europe and Japan write.
const ZONES: [(&[u8], i64); 19] = [
    (b"UTC", 0),
    (b"GMT", 0),
    (b"Z", 0),
    (b"WET", 0),
    (b"BST", 1),
    (b"CET", 1),
    (b"CEST", 2),
    (b"EET", 2),
    (b"EEST", 3),
    (b"MSK", 3),
    (b"JST", 9),
    (b"EST", -5),
    (b"EDT", -4),
    (b"CST", -6),
    (b"CDT", -5),
    (b"MST", -7),
    (b"MDT", -6),
    (b"PST", -8),
    (b"PDT", -7),
];

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// How far ahead of its arrival a message may be, in microseconds: two days, for zones that were not named and clocks
/// that are wrong. What lies further ahead was in the year before.
const AHEAD_US_MAX: i64 = 2 * MICROS_PER_DAY;

/// When a message was written, as far as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageTime {
    /// This moment.
    At(Timestamp),
    /// In some year.
    OfSomeYear {
        month: i64,
        day: i64,
        /// Microseconds from the beginning of the day, in UTC; may lie in another day.
        of_day_us: i64,
    },
}

impl MessageTime {
    /// The moment; of a time without a year the last one that is not behind the message's arrival by more than
    /// [`AHEAD_US_MAX`].
    pub(super) fn resolve(self, received_at: Option<Timestamp>) -> Option<Timestamp> {
        let (month, day, of_day_us) = match self {
            MessageTime::At(time) => return Some(time),
            MessageTime::OfSomeYear { month, day, of_day_us } => (month, day, of_day_us),
        };
        let received_us = received_at?.micros();
        let (year, ..) = civil_from_days(received_us.div_euclid(MICROS_PER_DAY));
        let in_year = |year| {
            let days: i64 = days_from_civil(year, month, day)?;
            Some(days.saturating_mul(MICROS_PER_DAY).saturating_add(of_day_us))
        };
        // The 29th of February is in one year of four or, around 2100, of eight.
        let mut times = (year - 8..=year + 1).rev().filter_map(in_year);
        times.find(|time_us| *time_us <= received_us.saturating_add(AHEAD_US_MAX)).map(Timestamp::from_micros)
    }
}

/// The time at the start of `text`, and what follows it and a colon; `None` where there is none.
pub(super) fn time_at_start(text: &[u8]) -> Option<(MessageTime, &[u8])> {
    // Cisco's marks of a clock that was never set or is not in step.
    let text = text.strip_prefix(b"*").or_else(|| text.strip_prefix(b".")).unwrap_or(text);
    if text.first()?.is_ascii_digit() {
        iso_time(text).or_else(|| year_first(text))
    } else {
        named_month(text, None)
    }
}

/// `2026-11-20T10:15:30.123456+03:00`, also with a blank for the `T`, a comma in the fraction and without a zone.
fn iso_time(text: &[u8]) -> Option<(MessageTime, &[u8])> {
    let date = text.get(..10)?;
    if date[4] != b'-' || date[7] != b'-' || !matches!(text.get(10), Some(b'T' | b't' | b' ')) {
        return None;
    }
    let days = days_from_civil(number(&date[..4])?, number(&date[5..7])?, number(&date[8..])?)?;
    let (of_day_us, rest) = clock(&text[11..])?;
    let zone_len = match rest {
        [b'Z' | b'z', ..] => 1,
        [b'+' | b'-', _, _, b':', ..] => 6,
        [b'+' | b'-', ..] => 5,
        _ => 0,
    };
    let offset_seconds = if zone_len == 0 { 0 } else { parse_offset(rest.get(..zone_len)?)? };
    let (offset_seconds, rest) = match zone_len {
        0 => zone_name(rest).unwrap_or((offset_seconds, rest)),
        _ => (offset_seconds, &rest[zone_len..]),
    };
    let time = Timestamp::from_micros(days * MICROS_PER_DAY + of_day_us - offset_seconds * 1_000_000);
    Some((MessageTime::At(time), end_of_time(rest)?))
}

/// `2026 Nov 20 10:15:30`, as Cisco's NX-OS.
fn year_first(text: &[u8]) -> Option<(MessageTime, &[u8])> {
    let (year, rest) = (year(text)?, &text[4..]);
    named_month(rest.strip_prefix(b" ")?, Some(year))
}

/// `Nov 20 10:15:30`, also with a year before or after the clock, a fraction and the name of a zone.
fn named_month(text: &[u8], year_before: Option<i64>) -> Option<(MessageTime, &[u8])> {
    let month = month(text.get(..3)?)?;
    let rest = text[3..].strip_prefix(b" ")?.trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let day = number(rest.get(..digits).filter(|digits| digits.len() <= 2)?)?;
    let mut rest = rest[digits..].strip_prefix(b" ")?;
    let mut year_found = year_before;
    if year_found.is_none()
        && rest.get(4) == Some(&b' ')
        && let Some(found) = year(rest)
    {
        (year_found, rest) = (Some(found), &rest[5..]);
    }
    let (of_day_us, rest) = clock(rest)?;
    let (offset_seconds, rest) = zone_name(rest).unwrap_or((0, rest));
    let rest = end_of_time(rest)?;
    let of_day_us = of_day_us - offset_seconds * 1_000_000;
    // No year has a 31st of June.
    days_from_civil(2024, month, day)?;
    let time = match year_found {
        Some(year) => MessageTime::At(Timestamp::from_micros(
            days_from_civil(year, month, day)? * MICROS_PER_DAY + of_day_us,
        )),
        None => MessageTime::OfSomeYear { month, day, of_day_us },
    };
    Some((time, rest))
}

fn year(text: &[u8]) -> Option<i64> {
    number(text.get(..4)?).filter(|year| (1970..2200).contains(year))
}

/// `10:15:30` with or without a fraction, in microseconds, and what follows.
fn clock(text: &[u8]) -> Option<(i64, &[u8])> {
    let seconds = parse_clock(text.get(..8)?)?;
    let rest = &text[8..];
    let (fraction_us, rest) = match rest {
        [b',', first, ..] if first.is_ascii_digit() => {
            let digits = rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count().min(9);
            let kept = digits.min(6);
            (number(&rest[1..=kept])? * 10i64.pow(6 - kept as u32), &rest[digits + 1..])
        }
        [b'.', first, ..] if first.is_ascii_digit() => parse_fraction(rest)?,
        _ => (0, rest),
    };
    Some((seconds * 1_000_000 + fraction_us, rest))
}

/// A known zone behind a blank, in seconds east of UTC, and what follows it.
fn zone_name(text: &[u8]) -> Option<(i64, &[u8])> {
    let rest = text.strip_prefix(b" ")?;
    let letters = rest.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let (name, rest) = rest.split_at(letters);
    let (_, hours) = ZONES.iter().find(|(known, _)| *known == name)?;
    Some((hours * 3600, rest)).filter(|(_, rest)| matches!(rest, [] | [b' ' | b':', ..]))
}

/// What follows a time: nothing, a blank or a colon.
fn end_of_time(rest: &[u8]) -> Option<&[u8]> {
    match rest {
        [] => Some(rest),
        [b' ', rest @ ..] => Some(rest),
        [b':', rest @ ..] if rest.is_empty() || rest.starts_with(b" ") => Some(rest),
        _ => None,
    }
}
