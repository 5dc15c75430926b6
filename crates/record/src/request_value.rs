//! Values that several formats write the same way.

/// Decimal seconds as whole microseconds, `0.042` as 42000; digits beyond the sixth are cut off.
///
/// Integer arithmetic, so that `0.4` is exactly 400000 and a threshold of 0.4 s is met by it.
/// Returns `None` for anything but digits with at most one point (no sign, no exponent).
#[inline]
pub(crate) fn seconds_as_us(text: &[u8]) -> Option<u64> {
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

/// A host without surrounding spaces and without its port; an IPv6 address keeps its brackets.
#[inline]
pub(crate) fn host_without_port(host: &[u8]) -> &[u8] {
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
