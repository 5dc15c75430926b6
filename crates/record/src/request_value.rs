//! Values that several formats write the same way: durations, counts, hosts, trace ids.
//!
//! One reading of each, so that a request counts the same whichever log it came from.

use std::borrow::Cow;

/// Decimal seconds as whole microseconds, `0.042` as 42000; digits beyond the sixth are cut off.
///
/// Integer arithmetic, so that `0.4` is exactly 400000 and a threshold of 0.4 s is met by it.
/// Returns `None` for anything but digits with at most one point (no sign, no exponent).
#[inline]
pub(crate) fn seconds_as_us(text: &[u8]) -> Option<u64> {
    // Nearly every time is below ten seconds and has three decimals.
    if let [whole, b'.', tenths, hundredths, thousandths] = *text {
        let digits = [whole, tenths, hundredths, thousandths].map(|byte| u64::from(byte.wrapping_sub(b'0')));
        let is_number = digits.iter().all(|&digit| digit < 10);
        let ms = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3];
        return is_number.then_some(ms * 1000);
    }
    const WHOLE_DIGITS_MAX: usize = 12;
    let mut value: u64 = 0;
    let mut whole_digits = 0;
    let mut bytes = text.iter();
    for &byte in bytes.by_ref() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 && whole_digits < WHOLE_DIGITS_MAX {
            value = value * 10 + u64::from(digit);
            whole_digits += 1;
        } else if byte == b'.' {
            break;
        } else {
            return None;
        }
    }
    let mut fraction_digits = 0;
    for &byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        if fraction_digits < 6 {
            value = value * 10 + u64::from(digit);
        }
        fraction_digits += 1;
    }
    const SCALES: [u64; 7] = [1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
    (whole_digits + fraction_digits > 0).then(|| value * SCALES[fraction_digits.min(6)])
}

/// Decimal digits and nothing else.
#[inline]
pub(crate) fn whole_number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |value, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 { None } else { value.checked_mul(10)?.checked_add(u64::from(digit)) }
    })
}

/// A value, unless it is what logs have for a missing one: nothing, or `-`.
#[inline]
pub(crate) fn present(value: &[u8]) -> Option<&[u8]> {
    if value.is_empty() || value == b"-" { None } else { Some(value) }
}

/// The Root of an `X-Amzn-Trace-Id`: `Self=..;Root=1-..;Custom=..`.
pub(crate) fn trace_root(text: &[u8]) -> Option<&[u8]> {
    // Nearly always the root is all there is.
    if let (Some(root), None) = (text.strip_prefix(b"Root="), memchr::memchr(b';', text)) {
        return present(root);
    }
    text.split(|&byte| byte == b';').find_map(|part| part.strip_prefix(b"Root=")).and_then(present)
}

/// A text in lower case; copied only where it is not yet.
#[inline]
pub(crate) fn lower_case(mut text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if text.iter().any(u8::is_ascii_uppercase) {
        text.to_mut().make_ascii_lowercase();
    }
    text
}

/// A host without surrounding spaces and without its port; an IPv6 address keeps its brackets.
#[inline]
pub(crate) fn host_without_port(host: &[u8]) -> &[u8] {
    if memchr::memchr2(b':', b' ', host).is_none() {
        return host.trim_ascii();
    }
    let host = host.trim_ascii();
    let name_start = if host.first() == Some(&b'[') { memchr::memchr(b']', host).unwrap_or(0) } else { 0 };
    let mut colons = memchr::memchr_iter(b':', &host[name_start..]);
    match (colons.next(), colons.next()) {
        (Some(colon), None) => &host[..name_start + colon],
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_and_in_range() {
        for (text, expected) in [
            ("0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("", None),
            ("-1", None),
            ("1.5", None),
        ] {
            assert_eq!(whole_number(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn the_root_is_found_anywhere_in_a_trace() {
        for (text, expected) in [
            ("Root=1-58337262-36d228ad5d99923122bbe354", Some("1-58337262-36d228ad5d99923122bbe354")),
            ("Self=1-67-12;Root=1-67891233-abc;CalledFrom=app", Some("1-67891233-abc")),
            ("Self=1-67-12", None),
            ("Root=", None),
        ] {
            assert_eq!(trace_root(text.as_bytes()), expected.map(str::as_bytes), "{text}");
        }
    }

    #[test]
    fn seconds_are_exact() {
        for (text, expected) in [
            ("0.400", Some(400_000)),
            ("0.4", Some(400_000)),
            ("12", Some(12_000_000)),
            ("12.", Some(12_000_000)),
            (".5", Some(500_000)),
            ("0.1234567", Some(123_456)),
            ("", None),
            (".", None),
            ("1e-3", None),
            ("-1", None),
            ("1.2.3", None),
            ("1234567890123", None),
        ] {
            assert_eq!(seconds_as_us(text.as_bytes()), expected, "{text}");
        }
    }
}
