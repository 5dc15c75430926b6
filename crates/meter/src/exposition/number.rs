//! Numbers as text, in the one spelling that keeps a series' identity.
//!
//! A bucket's bound is a label, so its spelling *is* the series: Prometheus before 3.0 stores `le` as it
//! stands in text and formats it itself from protobuf. Bounds are therefore written exactly as Go's
//! `strconv.FormatFloat(v, 'g', -1, 64)` with `.0` added to whole numbers, which is what Prometheus does and
//! what OpenMetrics calls canonical:
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/#considerations-canonical-numbers>.
//! A value's spelling means nothing, so values are written for people and speed: whole numbers as integers.

use std::io::Write;

/// Below this every whole number is exact as `f64`.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

/// Writes a sample's value: an integer where it is whole, else the shortest text that reads back the same.
pub(super) fn value(out: &mut Vec<u8>, value: f64) {
    let magnitude = value.abs();
    if magnitude < EXACT_INTEGERS && magnitude.trunc() == magnitude {
        if value < 0.0 {
            out.push(b'-');
        }
        integer(out, magnitude as u64);
    } else if (1e-5..1e21).contains(&magnitude) {
        append(out, format_args!("{value}"));
    } else if value.is_finite() {
        append(out, format_args!("{value:e}"));
    } else {
        out.extend_from_slice(not_finite(value));
    }
}

/// Writes a bucket's bound: `1.0`, `0.005`, `1e+06`, `2.5e-05`, `+Inf`.
pub(super) fn bound(out: &mut Vec<u8>, bound: f64) {
    let magnitude = bound.abs();
    if bound == 0.0 || (1e-4..1e6).contains(&magnitude) {
        append(out, format_args!("{bound:?}"));
    } else if bound.is_finite() {
        exponent_of_two_digits(out, &format!("{bound:e}"));
    } else {
        out.extend_from_slice(not_finite(bound));
    }
}

/// Writes the decimal digits of `number`.
pub(super) fn integer(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let mut rest = number;
    let mut length = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        length += 1;
        if rest == 0 {
            break;
        }
    }
    out.extend(digits.iter().skip(digits.len() - length));
}

/// Go writes `1e+06` where Rust writes `1e6`.
fn exponent_of_two_digits(out: &mut Vec<u8>, scientific: &str) {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    append(out, format_args!("{mantissa}e{sign}{digits:0>2}"));
}

fn not_finite(value: f64) -> &'static [u8] {
    match value {
        f64::INFINITY => b"+Inf",
        f64::NEG_INFINITY => b"-Inf",
        _ => b"NaN",
    }
}

fn append(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a vector cannot fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written<T>(write: fn(&mut Vec<u8>, T), number: T) -> String {
        let mut out = Vec::new();
        write(&mut out, number);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_integers_where_whole() {
        let check = |number, expected| assert_eq!(written(value, number), expected);
        check(5.0, "5");
        check(0.0, "0");
        check(-0.0, "0");
        check(-42.0, "-42");
        check(1_000_000.0, "1000000");
        check(9_007_199_254_740_991.0, "9007199254740991");
        check(18_446_744_073_709_551_616.0, "18446744073709552000");
        check(1e21, "1e21");
        check(f64::MAX, "1.7976931348623157e308");
    }

    #[test]
    fn other_values_are_shortest() {
        let check = |number, expected| assert_eq!(written(value, number), expected);
        check(0.1 + 0.2, "0.30000000000000004");
        check(1234567.5, "1234567.5");
        check(-0.005, "-0.005");
        check(1e-5, "0.00001");
        check(1e-6, "1e-6");
        check(f64::NAN, "NaN");
        check(f64::INFINITY, "+Inf");
        check(f64::NEG_INFINITY, "-Inf");
    }

    /// The list in the specification of OpenMetrics, and what Go does between its entries.
    #[test]
    fn bounds_are_canonical() {
        let check = |number, expected| assert_eq!(written(bound, number), expected);
        for (number, expected) in [(1e-10, "1e-10"), (1e-9, "1e-09"), (1e-5, "1e-05"), (1e-4, "0.0001")] {
            check(number, expected);
        }
        for (number, expected) in
            [(0.0, "0.0"), (0.1, "0.1"), (1.0, "1.0"), (1e5, "100000.0"), (1e6, "1e+06")]
        {
            check(number, expected);
        }
        check(1e10, "1e+10");
        check(1e100, "1e+100");
        check(0.005, "0.005");
        check(2.5e-5, "2.5e-05");
        check(1_234_567.0, "1.234567e+06");
        check(999_999.999_999_999_9, "999999.9999999999");
        check(-2.0, "-2.0");
        check(-1e7, "-1e+07");
        check(f64::INFINITY, "+Inf");
    }

    #[test]
    fn integers_reach_the_last_one() {
        assert_eq!(written(integer, 0), "0");
        assert_eq!(written(integer, 1_000), "1000");
        assert_eq!(written(integer, u64::MAX), "18446744073709551615");
    }

    proptest! {
        #[test]
        fn every_number_reads_back_the_same(number: f64) {
            for write in [value, bound] {
                let text = written(write, number);
                let read: f64 = text.parse().unwrap();
                prop_assert!(read == number || (read.is_nan() && number.is_nan()), "{} for {:e}", text, number);
            }
        }

        #[test]
        fn every_integer_is_written_as_std_does(number: u64) {
            prop_assert_eq!(written(integer, number), number.to_string());
        }
    }
}
