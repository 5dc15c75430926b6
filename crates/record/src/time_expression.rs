//! Times as people write them on the command line and in a URL.
//!
//! The same few forms everywhere: RFC 3339, seconds or milliseconds since the epoch, and `now` with
//! an offset and a rounding, as dashboards write it: `now-1h`, `now+5m`, `now/d`, `now-1d/d`.

use crate::timestamp::Timestamp;

/// Numbers from here on are milliseconds; as seconds they would lie in the year 5138.
const MILLISECONDS_FROM: u64 = 100_000_000_000;

impl Timestamp {
    /// Reads a time as people write it; `now` is the current time.
    ///
    /// # Errors
    ///
    /// What is wrong with it and what would be right.
    pub fn parse_expression(text: &str, now: Timestamp) -> Result<Self, String> {
        let text = text.trim();
        let wrong = || {
            format!(
                "`{text}` is not a time; write 2026-11-20T10:15:30Z, 2026-11-20, epoch seconds, or now-1h"
            )
        };
        if let Some(expression) = text.strip_prefix("now") {
            return relative(expression, now).ok_or_else(wrong);
        }
        if let Ok(number) = text.parse::<i64>() {
            let seconds = number.unsigned_abs() < MILLISECONDS_FROM;
            let micros = number.saturating_mul(if seconds { 1_000_000 } else { 1_000 });
            return Ok(Timestamp::from_micros(micros));
        }
        let parsed = |rest: &&str| Timestamp::parse_rfc3339(format!("{text}{rest}").as_bytes());
        absolute_rests(text).iter().find_map(parsed).ok_or_else(wrong)
    }
}

/// What a time may lack to be RFC 3339: nothing; its zone, which is UTC then; its seconds; its hours.
///
/// A reader with a zone of its own asks for that before this does.
fn absolute_rests(text: &str) -> &'static [&'static str] {
    match text.len() {
        10 => &["T00:00:00Z"],
        16 => &[":00Z"],
        _ => &["", "Z"],
    }
}

/// What follows `now`: `-1h`, `+5m`, `/d`, or an offset and then a rounding down.
fn relative(expression: &str, now: Timestamp) -> Option<Timestamp> {
    let (offset, rounding) = match expression.split_once('/') {
        Some((offset, unit)) => (offset, Some(unit_us(unit)?)),
        None => (expression, None),
    };
    let moved = match offset.strip_prefix(['+', '-']) {
        Some(amount) => {
            let unit_at = amount.find(|char: char| !char.is_ascii_digit())?;
            let (number, unit) = amount.split_at(unit_at);
            let micros = number.parse::<i64>().ok()?.checked_mul(unit_us(unit)?)?;
            now.plus_micros(if offset.starts_with('-') { -micros } else { micros })
        }
        None => offset.is_empty().then_some(now)?,
    };
    Some(
        rounding
            .map_or(moved, |unit| Timestamp::from_micros(moved.micros() - moved.micros().rem_euclid(unit))),
    )
}

fn unit_us(unit: &str) -> Option<i64> {
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return None,
    };
    Some(seconds * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let now = Timestamp::parse_rfc3339(b"2026-11-20T10:15:30Z").expect("a time");
        for (text, expected) in [
            ("now", "2026-11-20T10:15:30Z"),
            ("now-1h", "2026-11-20T09:15:30Z"),
            ("now+5m", "2026-11-20T10:20:30Z"),
            ("now/d", "2026-11-20T00:00:00Z"),
            ("now-1d/h", "2026-11-19T10:00:00Z"),
            ("2026-11-20T13:15:30+03:00", "2026-11-20T10:15:30Z"),
            ("2026-11-20", "2026-11-20T00:00:00Z"),
            ("2026-11-20T10:15", "2026-11-20T10:15:00Z"),
            ("2026-11-20T10:15:30", "2026-11-20T10:15:30Z"),
            ("1795169730", "2026-11-20T10:15:30Z"),
            ("1795169730123", "2026-11-20T10:15:30.123000Z"),
        ] {
            let time = Timestamp::parse_expression(text, now).map(|time| time.to_string());
            assert_eq!(time.as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "now-",
            "now-1",
            "now-1y",
            "now/",
            "nowish",
            "2026-13-01",
            "now-99999999999999999w",
        ] {
            let error = Timestamp::parse_expression(text, now).expect_err(text);
            assert!(error.contains("is not a time"), "{error}");
        }
    }
}
