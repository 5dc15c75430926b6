//! The values inside an ALB field: durations, statuses, addresses, host names.
//!
//! Each returns `None` where the text is not such a value, and leaves it to the caller whether that
//! makes the line a reject. Durations are whole microseconds: sums of them are exact in any order,
//! which sums of floats are not.

use std::borrow::Cow;

use crate::request::Status;
use crate::request_value::{host_without_port, lower_case, present, seconds_as_us, whole_number};

/// Seconds as microseconds: `Some(None)` for `-1` and `-` (there was no such time).
#[inline]
pub(super) fn duration_us(text: &[u8]) -> Option<Option<u64>> {
    match text {
        b"-1" | b"-" => Some(None),
        _ => seconds_as_us(text).map(Some),
    }
}

/// Three digits, or `Some(None)` for `-`.
#[inline]
pub(super) fn status(text: &[u8]) -> Option<Option<Status>> {
    match text {
        b"-" => Some(None),
        _ => Status::parse(text).map(Some),
    }
}

/// A whole number, or `Some(None)` for `-`.
#[inline]
pub(super) fn bytes(text: &[u8]) -> Option<Option<u64>> {
    match text {
        b"-" => Some(None),
        _ => whole_number(text).map(Some),
    }
}

/// A rule's priority: 0 to 50000; `-1` (an error in a rule) and `-` are none.
#[inline]
pub(super) fn rule_priority(text: &[u8]) -> Option<u32> {
    whole_number(text).and_then(|number| u32::try_from(number).ok())
}

/// The address of `address:port`. The port is after the last colon: IPv6 comes with and without brackets.
pub(super) fn address_without_port(text: &[u8]) -> &[u8] {
    let address = match memchr::memrchr(b':', text) {
        Some(colon) if text[colon + 1..].iter().all(u8::is_ascii_digit) => &text[..colon],
        _ => text,
    };
    match address {
        [b'[', inner @ .., b']'] => inner,
        _ => address,
    }
}

/// A host in lower case without port and surrounding spaces; `None` for none.
#[inline]
pub(super) fn host(text: Option<&[u8]>) -> Option<Cow<'_, [u8]>> {
    present(host_without_port(text?)).map(Cow::Borrowed).map(lower_case)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_times_are_none_and_never_minus_one() {
        assert_eq!(duration_us(b"0.042"), Some(Some(42_000)));
        assert_eq!(duration_us(b"-1"), Some(None));
        assert_eq!(duration_us(b"-"), Some(None));
        assert_eq!(duration_us(b"x"), None);
        assert_eq!(duration_us(b"-2"), None);
    }

    #[test]
    fn the_port_is_cut_off_addresses_of_both_kinds() {
        for (text, expected) in [
            ("203.0.113.7:50123", "203.0.113.7"),
            ("203.0.113.7", "203.0.113.7"),
            ("2001:41d0:701:1100::29c8:57314", "2001:41d0:701:1100::29c8"),
            ("[2001:db8::1]:443", "2001:db8::1"),
        ] {
            assert_eq!(address_without_port(text.as_bytes()), expected.as_bytes());
        }
    }

    #[test]
    fn hosts_are_lower_case_without_port() {
        for (text, expected) in [
            ("shop.example.com", Some("shop.example.com")),
            ("Shop.Example.COM:443", Some("shop.example.com")),
            (" some-subdomain.example.com", Some("some-subdomain.example.com")),
            ("12.123.123.12:443", Some("12.123.123.12")),
            ("[::1]:80", Some("[::1]")),
            ("*", Some("*")),
            ("-", None),
            ("", None),
        ] {
            assert_eq!(host(Some(text.as_bytes())).as_deref(), expected.map(str::as_bytes), "{text}");
        }
    }
}
