//! Numbers with a unit, as people write thresholds: `400ms`, `0.4s`, `1h30m`, `10kb`, `1MiB`.
//!
//! Records hold seconds and bytes, so a duration becomes seconds and a size bytes. The decimal point is moved in
//! the text, not by multiplying floats, so that `400ms` is the very float that `0.4` is.

use crate::number::Number;

/// Units that move the decimal point, with how far.
const DECIMAL_UNITS: &[(&str, i32)] = &[
    ("ns", -9),
    ("us", -6),
    ("µs", -6),
    ("ms", -3),
    ("s", 0),
    ("b", 0),
    ("kb", 3),
    ("mb", 6),
    ("gb", 9),
    ("tb", 12),
];
/// Units that multiply.
const OTHER_UNITS: &[(&str, i64)] = &[
    ("m", 60),
    ("h", 3_600),
    ("d", 86_400),
    ("w", 604_800),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

/// Reads a number, a duration as seconds, or a size as bytes.
///
/// Units of time are lower case, those of sizes in any case; `1h30m` is a sum.
pub fn quantity(text: &str) -> Option<Number> {
    if let Some(number) = Number::from_text(text) {
        return Some(number);
    }
    let unit_at = text.find(|char: char| char.is_alphabetic())?;
    let (amount, unit) = text.split_at(unit_at);
    with_unit(amount, unit).or_else(|| compound(text))
}

fn with_unit(amount: &str, unit: &str) -> Option<Number> {
    let lower = unit.to_ascii_lowercase();
    let is_size = lower.ends_with('b');
    let unit = if is_size { lower.as_str() } else { unit };
    let number = Number::from_text(amount)?;
    if let Some((_, shift)) = DECIMAL_UNITS.iter().find(|(name, _)| *name == unit) {
        return match (number, *shift) {
            (Number::Integer(integer), 0..) => scaled(integer, 10_i64.pow(shift.unsigned_abs())),
            _ => format!("{amount}e{shift}").parse().ok().map(Number::Float),
        };
    }
    let (_, factor) = OTHER_UNITS.iter().find(|(name, _)| *name == unit)?;
    match number {
        Number::Integer(integer) => scaled(integer, *factor),
        Number::Float(float) => finite(float * *factor as f64),
    }
}

fn scaled(integer: i64, factor: i64) -> Option<Number> {
    match integer.checked_mul(factor) {
        Some(product) => Some(Number::Integer(product)),
        None => finite(integer as f64 * factor as f64),
    }
}

fn finite(float: f64) -> Option<Number> {
    float.is_finite().then_some(Number::Float(float))
}

/// `1h30m`: whole numbers, each with a unit of time, from large to small.
fn compound(text: &str) -> Option<Number> {
    let mut rest = text;
    let mut seconds = 0_i64;
    let mut unit_before = i64::MAX;
    while !rest.is_empty() {
        let unit_at = rest.find(|char: char| !char.is_ascii_digit())?;
        let (amount, behind) = rest.split_at(unit_at);
        let unit_end = behind.find(|char: char| char.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, next) = behind.split_at(unit_end);
        let unit_seconds = match unit {
            "s" => 1,
            "m" | "h" | "d" | "w" => OTHER_UNITS.iter().find(|(name, _)| *name == unit)?.1,
            _ => return None,
        };
        if unit_seconds >= unit_before {
            return None;
        }
        unit_before = unit_seconds;
        seconds = seconds.checked_add(amount.parse::<i64>().ok()?.checked_mul(unit_seconds)?)?;
        rest = next;
    }
    Some(Number::Integer(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_seconds_and_sizes_bytes() {
        for (text, expected) in [
            ("400ms", Some(Number::Float(0.4))),
            ("35ms", Some(Number::Float(0.035))),
            ("0.4s", Some(Number::Float(0.4))),
            ("250us", Some(Number::Float(0.000_25))),
            ("250µs", Some(Number::Float(0.000_25))),
            ("5m", Some(Number::Integer(300))),
            ("1.5h", Some(Number::Float(5_400.0))),
            ("1h30m", Some(Number::Integer(5_400))),
            ("2s", Some(Number::Integer(2))),
            ("10kb", Some(Number::Integer(10_000))),
            ("1MB", Some(Number::Integer(1_000_000))),
            ("1.5KB", Some(Number::Float(1_500.0))),
            ("1MiB", Some(Number::Integer(1 << 20))),
            ("-5m", Some(Number::Integer(-300))),
            ("1M", None),
            ("30m1h", None),
            ("1m1m", None),
            ("5x", None),
            ("m", None),
            ("1e3ms", None),
            ("5é", None),
            ("9223372036854775807w5s", None),
        ] {
            assert_eq!(quantity(text), expected, "{text}");
        }
    }
}
