//! Numbers in whole millionths: `0.4`, `400ms`, `0.4s`, `10KiB`.
//!
//! Thresholds and bounds are compared with values that are whole microseconds, so they are whole millionths too:
//! an observation of exactly 0.4 s falls in the bucket `0.4` and no rounding of floats decides about it.

use std::time::Duration;

use super::byte_size::ByteSize;
use super::duration::PrometheusDuration;

/// What there are of in one.
pub const MICROS: i64 = 1_000_000;

/// Digits before the point; more would not fit in 63 bits with the six behind it.
const WHOLE_DIGITS_MAX: usize = 12;

/// Reads a number that is not negative, with at most six decimals; durations are seconds, sizes bytes.
///
/// # Errors
///
/// What would be right.
pub fn parse(text: &str) -> Result<i64, &'static str> {
    let hint = "write a number with at most six decimals, a duration such as 400ms or 0.4s, or a size";
    let seconds = text.strip_suffix('s').and_then(decimal);
    let duration =
        || text.parse::<PrometheusDuration>().ok().and_then(|PrometheusDuration(time)| of_duration(time));
    let size = || text.parse::<ByteSize>().ok().and_then(|ByteSize(bytes)| of_whole(bytes));
    decimal(text).or(seconds).or_else(duration).or_else(size).ok_or(hint)
}

/// Seconds as they are read: a duration, with a unit.
///
/// # Errors
///
/// What would be right.
pub fn parse_seconds(text: &str) -> Result<i64, &'static str> {
    let has_unit = text.ends_with(|c: char| c.is_ascii_alphabetic()) && !text.ends_with(['B', 'b']);
    if has_unit { parse(text) } else { Err("write a duration such as 400ms or 0.4s") }
}

fn of_duration(duration: Duration) -> Option<i64> {
    i64::try_from(duration.as_micros()).ok()
}

fn of_whole(number: u64) -> Option<i64> {
    i64::try_from(number).ok()?.checked_mul(MICROS)
}

fn decimal(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || whole.len() > WHOLE_DIGITS_MAX || fraction.len() > 6 {
        return None;
    }
    let scale = 10_i64.pow(6 - u32::try_from(fraction.len()).ok()?);
    Some(whole.parse::<i64>().ok()? * MICROS + fraction.parse::<i64>().ok()? * scale)
}

/// The number as users write it.
pub fn to_text(micros: i64) -> String {
    format!("{}", micros as f64 / MICROS as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_millionths() {
        for (text, expected) in [
            ("0.4", Some(400_000)),
            ("0.4s", Some(400_000)),
            ("400ms", Some(400_000)),
            ("1m30s", Some(90_000_000)),
            ("10", Some(10_000_000)),
            ("0.000001", Some(1)),
            ("1KiB", Some(1_024_000_000)),
            ("0", Some(0)),
            ("0.0000001", None),
            ("-1", None),
            ("1e3", None),
            ("", None),
            (".5", None),
            ("1.", None),
            ("9999999999999", None),
            ("100000000GiB", None),
        ] {
            assert_eq!(parse(text).ok(), expected, "{text}");
        }
        assert_eq!(
            (parse_seconds("0.4s"), parse_seconds("2").is_err(), parse_seconds("2KB").is_err()),
            (Ok(400_000), true, true)
        );
        assert_eq!(to_text(400_000), "0.4");
    }
}
