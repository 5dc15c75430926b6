//! Numbers, times and escapes as bytes, appended to a line that is being built.
//!
//! `write!` would do the same and read better, at a quarter of the speed: the generator exists to
//! feed a parser that takes millions of lines a second, and must not be the slow side.

/// Appends `n` in decimal.
pub fn put_number(out: &mut Vec<u8>, n: u64) {
    put_padded(out, n, 1);
}

/// Appends `n` in decimal, with leading zeros up to `width` digits (at most 20).
pub fn put_padded(out: &mut Vec<u8>, mut n: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        if n == 0 {
            break;
        }
        *digit = b'0' + (n % 10) as u8;
        n /= 10;
        used += 1;
    }
    let (_, kept) = digits.split_at(20 - used.max(width).min(20));
    out.extend_from_slice(kept);
}

/// Appends the lowest `count` hex digits of `bits`, lower case.
pub fn put_hex(out: &mut Vec<u8>, bits: u64, count: u32) {
    let mut text = [[0; 2]; 8];
    for (pair, byte) in text.iter_mut().zip(bits.to_be_bytes()) {
        *pair = HEX_PAIRS[usize::from(byte)];
    }
    let (_, kept) = text.as_flattened().split_at(16 - count.min(16) as usize);
    out.extend_from_slice(kept);
}

/// The two hex digits of each byte.
static HEX_PAIRS: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [DIGITS[byte / 16], DIGITS[byte % 16]];
        byte += 1;
    }
    pairs
};

/// Appends milliseconds as seconds with three decimals, or `-1` when there was no such phase.
pub fn put_seconds(out: &mut Vec<u8>, ms: Option<u32>) {
    match ms {
        None => out.extend_from_slice(b"-1"),
        // Nearly all are below ten seconds: five bytes at once.
        Some(ms @ 0..10_000) => {
            let digit = |unit: u32| b'0' + (ms / unit % 10) as u8;
            out.extend_from_slice(&[digit(1000), b'.', digit(100), digit(10), digit(1)]);
        }
        Some(ms) => {
            put_number(out, u64::from(ms / 1000));
            out.push(b'.');
            put_padded(out, u64::from(ms % 1000), 3);
        }
    }
}

/// A day of the Gregorian calendar and the time in it, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year, month 1-12, day 1-31.
    pub date: (u64, u64, u64),
    /// Hour, minute, second.
    pub clock: (u64, u64, u64),
}

/// Splits seconds since 1970. Times before 1970 are shown as 1970-01-01T00:00:00.
///
/// The day count is Howard Hinnant's `civil_from_days`.
pub fn civil(epoch_s: i64) -> Civil {
    let seconds = epoch_s.max(0) as u64;
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    Civil { date: (year, month, day), clock: (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) }
}

/// `2026-11-20T10:15:30`, to be followed by a fraction or a zone.
pub fn date_time(epoch_s: i64) -> [u8; 19] {
    let Civil { date: (year, month, day), clock: (hour, minute, second) } = civil(epoch_s);
    let [y, e] = two_digits(year / 100);
    let [a, r] = two_digits(year % 100);
    let [[m, o], [d, i], [h, u]] = [month, day, hour].map(two_digits);
    let [[n, t], [s, c]] = [minute, second].map(two_digits);
    [y, e, a, r, b'-', m, o, b'-', d, i, b'T', h, u, b':', n, t, b':', s, c]
}

/// Appends `2026-11-20T10:15:30.123456Z`, of microseconds since 1970.
pub fn put_timestamp(out: &mut Vec<u8>, epoch_us: i64) {
    let fraction = epoch_us.rem_euclid(1_000_000) as u64;
    let [[a, b], [c, d], [e, f]] = [fraction / 10_000, fraction / 100 % 100, fraction % 100].map(two_digits);
    let mut text = [0; 27];
    let (whole, rest) = text.split_at_mut(19);
    whole.copy_from_slice(&date_time(epoch_us.div_euclid(1_000_000)));
    rest.copy_from_slice(&[b'.', a, b, c, d, e, f, b'Z']);
    out.extend_from_slice(&text);
}

fn two_digits(n: u64) -> [u8; 2] {
    [b'0' + (n / 10 % 10) as u8, b'0' + (n % 10) as u8]
}

/// Appends `bytes` as the load balancer escapes a quoted field: `\xHH`, upper case, for quotes,
/// backslashes, control characters and all that is not ASCII.
pub fn put_alb_escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        match byte {
            b'"' | b'\\' | ..=0x1F | 0x7F.. => {
                out.extend_from_slice(b"\\x");
                out.extend([byte >> 4, byte & 0xF].map(|nibble| b"0123456789ABCDEF"[usize::from(nibble)]));
            }
            _ => out.push(byte),
        }
    }
}

/// Appends `bytes` as nginx's `escape=json` does (`ngx_escape_json`): bytes beyond ASCII go through
/// as they are, valid UTF-8 or not.
pub fn put_json_escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            ..=0x1F => {
                out.extend_from_slice(b"\\u00");
                out.extend([byte >> 4, byte & 0xF].map(|nibble| b"0123456789ABCDEF"[usize::from(nibble)]));
            }
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(put: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        put(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers() {
        assert_eq!(text(|out| put_number(out, 0)), "0");
        assert_eq!(text(|out| put_number(out, u64::MAX)), u64::MAX.to_string());
        assert_eq!(text(|out| put_padded(out, 42, 5)), "00042");
        assert_eq!(text(|out| put_padded(out, 123_456, 3)), "123456");
        assert_eq!(text(|out| put_hex(out, 0xDEAD_BEEF, 6)), "adbeef");
        assert_eq!(text(|out| put_hex(out, 1, 16)), "0000000000000001");
    }

    #[test]
    fn durations() {
        assert_eq!(text(|out| put_seconds(out, None)), "-1");
        assert_eq!(text(|out| put_seconds(out, Some(0))), "0.000");
        assert_eq!(text(|out| put_seconds(out, Some(9_876))), "9.876");
        assert_eq!(text(|out| put_seconds(out, Some(10_000))), "10.000");
        assert_eq!(text(|out| put_seconds(out, Some(61_042))), "61.042");
    }

    #[test]
    fn dates() {
        let check =
            |epoch_s, expected: &str| assert_eq!(str::from_utf8(&date_time(epoch_s)).unwrap(), expected);
        check(0, "1970-01-01T00:00:00");
        check(951_782_400, "2000-02-29T00:00:00");
        check(1_795_169_730, "2026-11-20T10:15:30");
        check(4_107_542_399, "2100-02-28T23:59:59");
        assert_eq!(text(|out| put_timestamp(out, 1_795_169_730_004_020)), "2026-11-20T10:15:30.004020Z");
    }

    #[test]
    fn escapes() {
        let odd = b"a\"b\\c\x01\n\xC3\xA9";
        assert_eq!(text(|out| put_alb_escaped(out, odd)), r"a\x22b\x5Cc\x01\x0A\xC3\xA9");
        assert_eq!(text(|out| put_json_escaped(out, odd)), "a\\\"b\\\\c\\u0001\\n\u{e9}");
    }
}
