//! Numbers as Prometheus' templates write them.
//!
//! To the letter, since the same rules run there: a mail from either must not name another number. So rounding and
//! exponents are Go's, which are not Rust's.

use weir_record::Timestamp;

use super::Given;

/// Digits that are shown, as everywhere in these functions.
const DIGITS: usize = 4;

/// The widest number of decimals that `printf` gives.
const DECIMALS_MAX: usize = 30;

/// A number with a letter of the metric system: `1.235M`, `12m`.
pub fn humanize(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return significant(value, DIGITS);
    }
    let mut value = value;
    let mut letter = "";
    if value.abs() >= 1.0 {
        for next in ["k", "M", "G", "T", "P", "E", "Z", "Y"] {
            if value.abs() < 1000.0 {
                break;
            }
            (letter, value) = (next, value / 1000.0);
        }
    } else {
        for next in ["m", "u", "n", "p", "f", "a", "z", "y"] {
            if value.abs() >= 1.0 {
                break;
            }
            (letter, value) = (next, value * 1000.0);
        }
    }
    format!("{}{letter}", significant(value, DIGITS))
}

/// The same in steps of 1024: `1.5ki`.
pub fn humanize_1024(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return significant(value, DIGITS);
    }
    let mut value = value;
    let mut letter = "";
    for next in ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"] {
        if value.abs() < 1024.0 {
            break;
        }
        (letter, value) = (next, value / 1024.0);
    }
    format!("{}{letter}", significant(value, DIGITS))
}

/// Seconds as a duration: `1h 1m 1s`, `12.5ms`.
pub fn humanize_duration(value: f64) -> String {
    if !value.is_finite() {
        return significant(value, DIGITS);
    }
    if value == 0.0 {
        return "0s".to_owned();
    }
    let sign = if value < 0.0 { "-" } else { "" };
    if value.abs() >= 1.0 {
        let whole = value.abs() as i64;
        let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60);
        let seconds = whole % 60;
        return if days > 0 {
            format!("{sign}{days}d {hours}h {minutes}m {seconds}s")
        } else if hours > 0 {
            format!("{sign}{hours}h {minutes}m {seconds}s")
        } else if minutes > 0 {
            format!("{sign}{minutes}m {seconds}s")
        } else {
            format!("{}s", significant(value, DIGITS))
        };
    }
    let mut value = value;
    let mut letter = "";
    for next in ["m", "u", "n", "p", "f", "a", "z", "y"] {
        if value.abs() >= 1.0 {
            break;
        }
        (letter, value) = (next, value * 1000.0);
    }
    format!("{}{letter}s", significant(value, DIGITS))
}

/// A share as a percentage: `72.05%`.
pub fn humanize_percentage(value: f64) -> String {
    format!("{}%", significant(value * 100.0, DIGITS))
}

/// Seconds since the epoch as a time: `2026-11-20 10:15:30 +0000 UTC`.
pub fn humanize_timestamp(value: f64) -> String {
    if !value.is_finite() || value.abs() > 9e12 {
        return significant(value, DIGITS);
    }
    let millis = (value * 1000.0).round() as i64;
    let text = Timestamp::from_micros(millis * 1000).to_string().replace('T', " ");
    let text = text.trim_end_matches('Z');
    let text = if text.contains('.') { text.trim_end_matches('0') } else { text };
    format!("{text} +0000 UTC")
}

/// As Go's `%.*g`.
pub(super) fn significant(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return not_finite(value).to_owned();
    }
    let digits = digits.max(1);
    let scientific = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let whole_digits = i32::try_from(digits).unwrap_or(i32::MAX);
    if exponent < -4 || exponent >= whole_digits {
        return format!("{}e{}", without_zeros(mantissa), go_exponent(exponent));
    }
    let decimals = usize::try_from(whole_digits - 1 - exponent).unwrap_or(0);
    without_zeros(&format!("{value:.decimals$}")).to_owned()
}

/// As Go prints a float: the shortest text that is read as the same number.
pub(super) fn go_float(value: f64) -> String {
    if !value.is_finite() {
        return not_finite(value).to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if value != 0.0 && !(-4..21).contains(&exponent) => {
            format!("{mantissa}e{}", go_exponent(exponent))
        }
        _ => value.to_string(),
    }
}

/// Go's `printf`, as far as rule files use it: `%s %v %d %f %.2f %g %e %q %%`.
pub(super) fn printf(format: &str, arguments: &[Given]) -> String {
    let mut text = String::new();
    let mut arguments = arguments.iter();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        let end = after.find(|c: char| !(c.is_ascii_digit() || ".+-# ".contains(c))).unwrap_or(after.len());
        let (flags, after) = after.split_at(end);
        let verb = after.chars().next();
        rest = after.get(verb.map_or(0, char::len_utf8)..).unwrap_or("");
        match verb {
            Some('%') => text.push('%'),
            Some(verb) => match arguments.next() {
                Some(argument) => text.push_str(&formatted(verb, flags, argument)),
                None => text.push_str(&format!("%!{verb}(MISSING)")),
            },
            None => text.push_str("%!(NOVERB)"),
        }
    }
    text.push_str(rest);
    text
}

fn formatted(verb: char, flags: &str, argument: &Given) -> String {
    let decimals = flags.split_once('.').map(|(_, decimals)| decimals.parse().unwrap_or(0));
    let decimals = decimals.map(|decimals: usize| decimals.min(DECIMALS_MAX));
    let number = argument.number();
    match (verb, argument) {
        ('f' | 'F', _) if number.is_finite() => format!("{number:.*}", decimals.unwrap_or(6)),
        ('d', _) if number.is_finite() => format!("{:.0}", number.trunc()),
        ('e', _) if number.is_finite() => {
            let text = format!("{number:.*e}", decimals.unwrap_or(6));
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            format!("{mantissa}e{}", go_exponent(exponent.parse().unwrap_or(0)))
        }
        ('g', _) => decimals.map_or_else(|| go_float(number), |digits| significant(number, digits)),
        ('f' | 'F' | 'd' | 'e', _) => not_finite(number).to_owned(),
        ('s' | 'v', _) => argument.clone().into_text(),
        ('q', _) => format!("{:?}", argument.clone().into_text()),
        _ => format!("%!{verb}({})", argument.clone().into_text()),
    }
}

fn without_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

fn go_exponent(exponent: i32) -> String {
    format!("{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

fn not_finite(value: f64) -> &'static str {
    match value {
        value if value.is_nan() => "NaN",
        value if value > 0.0 => "+Inf",
        _ => "-Inf",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_prometheus_writes_them() {
        // The expected texts are those of template_test.go of Prometheus.
        let check = |of: fn(f64) -> String, cases: &[(f64, &str)]| {
            cases.iter().for_each(|(value, expected)| assert_eq!(of(*value), *expected, "{value}"));
        };
        check(
            humanize,
            &[(0.0, "0"), (1.0, "1"), (1_234_567.0, "1.235M"), (0.12, "120m"), (f64::INFINITY, "+Inf")],
        );
        check(humanize_1024, &[(0.0, "0"), (1024.0, "1ki"), (1_048_576.0, "1Mi"), (0.12, "0.12")]);
        check(
            humanize_duration,
            &[
                (0.0, "0s"),
                (1.0, "1s"),
                (60.0, "1m 0s"),
                (3600.0, "1h 0m 0s"),
                (86_400.0, "1d 0h 0m 0s"),
                (86_400.0 + 3600.0, "1d 1h 0m 0s"),
                (-(86_400.0 * 2.0 + 3600.0 * 3.0 + 60.0 * 4.0 + 5.0), "-2d 3h 4m 5s"),
                (899.99, "14m 59s"),
                (0.1, "100ms"),
                (0.0001, "100us"),
                (0.12345, "123.5ms"),
                (1.2345, "1.234s"),
                (12.345, "12.35s"),
                (f64::NAN, "NaN"),
            ],
        );
        check(
            humanize_percentage,
            &[(-0.22222, "-22.22%"), (0.0, "0%"), (0.123_456, "12.35%"), (1.23456, "123.5%")],
        );
        check(
            humanize_timestamp,
            &[
                (0.0, "1970-01-01 00:00:00 +0000 UTC"),
                (1_435_065_584.128, "2015-06-23 13:19:44.128 +0000 UTC"),
            ],
        );
        check(
            go_float,
            &[(0.5, "0.5"), (1e21, "1e+21"), (1e20, "100000000000000000000"), (1e-5, "1e-05"), (-0.0, "-0")],
        );
    }

    #[test]
    fn a_format_with_too_little_says_so() {
        assert_eq!(printf("%s %d", &[Given::Text("a".to_owned())]), "a %!d(MISSING)");
        assert_eq!(
            printf("%.3e %g %5.1f %x%", &[1234.5, 0.1, 2.0, 1.0].map(Given::Number)),
            "1.234e+03 0.1 2.0 %!x(1)%!(NOVERB)"
        );
        assert_eq!(printf("%d", &[Given::Number(f64::NAN)]), "NaN");
    }
}
