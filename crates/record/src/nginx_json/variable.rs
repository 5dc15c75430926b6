//! Values of single nginx variables: times, counts, host names, trace ids.
//!
//! Each returns `None` where the text is not such a value. Only a time and a status decide over a
//! line; a size or a duration that cannot be read is as good as missing, since the request itself
//! was real and has to be counted.

use std::borrow::Cow;

use super::escape::LoggedText;
use crate::request_value::host_without_port;
use crate::timestamp::Timestamp;

/// A moment in any of nginx's layouts: `$time_local`, `$time_iso8601` or `$msec`.
pub(crate) fn time(text: &[u8]) -> Option<Timestamp> {
    match text {
        [_, _, b'/', ..] => Timestamp::parse_common_log(text),
        [_, _, _, _, b'-', ..] => Timestamp::parse_rfc3339(text),
        _ => Timestamp::parse_epoch_seconds(text),
    }
}

/// Decimal digits and nothing else.
pub(crate) fn whole_number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |value, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            None
        } else {
            value.checked_mul(10)?.checked_add(u64::from(digit))
        }
    })
}

/// A host name in lower case and without port.
pub(crate) fn host(text: LoggedText<'_>) -> Option<Cow<'_, [u8]>> {
    let mut host = text.part(host_without_port(text.raw)).present()?.decode();
    if host.iter().any(u8::is_ascii_uppercase) {
        host.to_mut().make_ascii_lowercase();
    }
    Some(host)
}

/// The Root of an `X-Amzn-Trace-Id`: `Self=..;Root=1-..;Sampled=1`.
pub(crate) fn trace_root(text: LoggedText<'_>) -> Option<Cow<'_, [u8]>> {
    let root = text
        .raw
        .split(|&byte| byte == b';')
        .find_map(|part| part.strip_prefix(b"Root="))?;
    text.part(root).present().map(LoggedText::decode)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(raw: &str) -> LoggedText<'_> {
        LoggedText {
            raw: raw.as_bytes(),
            is_escaped: false,
        }
    }

    #[test]
    fn every_layout_of_time_is_the_same_moment() {
        for text in [
            "20/Nov/2026:13:15:30 +0300",
            "2026-11-20T13:15:30+03:00",
            "2026-11-20T10:15:30Z",
            "1795169730",
            "1795169730.000",
        ] {
            assert_eq!(
                time(text.as_bytes()),
                Some(Timestamp::from_seconds(1_795_169_730)),
                "{text}"
            );
        }
        for text in [
            "",
            "-",
            "31/Feb/2026:25:61:61 +0000",
            "20/Nov/2026",
            "2026-11-20",
            "now",
            "1e9",
        ] {
            assert_eq!(time(text.as_bytes()), None, "{text}");
        }
    }

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
    fn hosts_are_lower_case_without_port() {
        for (text, expected) in [
            ("shop.example.com", Some("shop.example.com")),
            ("Shop.Example.COM:443", Some("shop.example.com")),
            ("[2001:DB8::7]:8080", Some("[2001:db8::7]")),
            ("[2001:db8::7]", Some("[2001:db8::7]")),
            ("2001:db8::7", Some("2001:db8::7")),
            (":80", None),
        ] {
            assert_eq!(
                host(plain(text)).as_deref(),
                expected.map(str::as_bytes),
                "{text}"
            );
        }
    }

    #[test]
    fn the_root_is_found_anywhere_in_a_trace() {
        for (text, expected) in [
            ("Root=1-58337262-36d2", Some("1-58337262-36d2")),
            (
                "Self=1-67-12;Root=1-67891233-abc;Sampled=1",
                Some("1-67891233-abc"),
            ),
            ("Self=1-67-12", None),
            ("Root=", None),
        ] {
            assert_eq!(
                trace_root(plain(text)).as_deref(),
                expected.map(str::as_bytes),
                "{text}"
            );
        }
    }
}
