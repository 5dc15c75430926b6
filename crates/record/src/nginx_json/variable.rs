//! Values of single nginx variables: times, counts, host names, trace ids.
//!
//! Each returns `None` where the text is not such a value. Only a time and a status decide over a
//! line; a size or a duration that cannot be read is as good as missing, since the request itself
//! was real and has to be counted.

use std::borrow::Cow;

use super::escape::LoggedText;
use crate::request_value::{self, host_without_port, lower_case};
use crate::timestamp::Timestamp;

/// A moment in any of nginx's layouts: `$time_local`, `$time_iso8601` or `$msec`.
pub(crate) fn time(text: &[u8]) -> Option<Timestamp> {
    match text {
        [_, _, b'/', ..] => Timestamp::parse_common_log(text),
        [_, _, _, _, b'-', ..] => Timestamp::parse_rfc3339(text),
        _ => Timestamp::parse_epoch_seconds(text),
    }
}

/// A host name in lower case and without port.
pub(crate) fn host(text: LoggedText<'_>) -> Option<Cow<'_, [u8]>> {
    text.part(host_without_port(text.raw)).present().map(LoggedText::decode).map(lower_case)
}

/// The Root of an `X-Amzn-Trace-Id`: `Self=..;Root=1-..;Sampled=1`.
pub(crate) fn trace_root(text: LoggedText<'_>) -> Option<Cow<'_, [u8]>> {
    request_value::trace_root(text.raw).map(|root| text.part(root).decode())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(raw: &str) -> LoggedText<'_> {
        LoggedText { raw: raw.as_bytes(), is_escaped: false }
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
            assert_eq!(time(text.as_bytes()), Some(Timestamp::from_seconds(1_795_169_730)), "{text}");
        }
        for text in ["", "-", "31/Feb/2026:25:61:61 +0000", "20/Nov/2026", "2026-11-20", "now", "1e9"] {
            assert_eq!(time(text.as_bytes()), None, "{text}");
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
            assert_eq!(host(plain(text)).as_deref(), expected.map(str::as_bytes), "{text}");
        }
    }
}
