//! What sites append to the combined format, of which two times are read.
//!
//! Nothing here follows a standard, so nothing here can reject a line. Read are the pairs that
//! nginx's documentation uses (`rt=0.012 urt="0.010"`) or that carry the variable's name, and the
//! first bare number with a point, which is `$request_time` in ingress-nginx's format and in most
//! others. A second bare number is not read: it may be any of four upstream times.
//!
//! Source: the log-format page of ingress-nginx; nginx, "Using NGINX Logging for Application
//! Performance Monitoring" for the short names.

use crate::nginx_json::escape::LoggedText;
use crate::nginx_json::upstream;
use crate::request_value::seconds_as_us;

/// The times found behind the last standard field.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Appended {
    pub request_time_us: Option<u64>,
    pub upstream_time_us: Option<u64>,
}

impl Appended {
    /// Reads the rest of a line, as far as it can be told apart.
    pub(super) fn read(text: &[u8]) -> Self {
        let mut appended = Self::default();
        let mut rest = text.trim_ascii_start();
        while let Some((key, value, after)) = take_field(rest) {
            match key {
                b"rt" | b"request_time" => appended.request_time_us = seconds_as_us(value),
                b"urt" | b"upstream_response_time" => appended.upstream_time_us = upstream::total_us(value),
                b"" if appended.request_time_us.is_none() && value.contains(&b'.') => {
                    appended.request_time_us = seconds_as_us(value);
                }
                _ => {}
            }
            rest = after.trim_ascii_start();
        }
        appended
    }
}

/// The key (empty where there is none) and the value of the first field, and what follows. A field
/// in quotes without a key has no value: it is a header such as `X-Forwarded-For`, never a time.
fn take_field(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    if let [b'"', after_quote @ ..] = text {
        let (_, rest) = LoggedText::take_quoted(after_quote)?;
        return Some((b"", b"", rest));
    }
    let key_len = text.iter().position(|byte| matches!(byte, b' ' | b'=')).filter(|&end| text[end] == b'=');
    let (key, value) = match key_len {
        Some(len) => (&text[..len], &text[len + 1..]),
        None => (b"".as_slice(), text),
    };
    if key_len.is_some()
        && let [b'"', after_quote @ ..] = value
    {
        let (value, rest) = LoggedText::take_quoted(after_quote)?;
        return Some((key, value.raw, rest));
    }
    let (value, rest) = value.split_at(list_len(value));
    (!text.is_empty()).then_some((key, value, rest))
}

/// Bytes up to a space that does not belong to a list of tries (`0.003, 0.010 : 0.002`).
fn list_len(text: &[u8]) -> usize {
    memchr::memchr_iter(b' ', text)
        .find(|&space| {
            let (before, after) = text.split_at(space);
            !before.ends_with(b",") && !before.ends_with(b" :") && !after.starts_with(b" : ")
        })
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, request_time_us: Option<u64>, upstream_time_us: Option<u64>) {
        assert_eq!(Appended::read(text.as_bytes()), Appended { request_time_us, upstream_time_us }, "{text}");
    }

    #[test]
    fn pairs_are_read_by_name() {
        check(r#" rt=0.012 uct="0.000" uht="0.009" urt="0.010""#, Some(12_000), Some(10_000));
        check(" request_time=0.012 upstream_response_time=0.010", Some(12_000), Some(10_000));
        check(r#" urt="0.003, 0.010" rt=0.014"#, Some(14_000), Some(13_000));
        check(" urt=0.003, 0.010 : 0.001 rt=0.014", Some(14_000), Some(14_000));
        check(" rt=- urt=-", None, None);
        check(r#" rt="" urt="""#, None, None);
    }

    #[test]
    fn the_first_bare_number_with_a_point_is_the_request_time() {
        check(" 0.012", Some(12_000), None);
        check(r#" "203.0.113.7, 10.0.0.1" 0.012 0.010"#, Some(12_000), None);
        check(" 512 0.012 [shop-web-80] [] 10.0.1.5:8080 1840 0.010 200 5f0c1d2e", Some(12_000), None);
        check(" 10.0.1.5 12", None, None);
    }

    #[test]
    fn anything_else_is_passed_over() {
        check("", None, None);
        check("   ", None, None);
        check(r#" "cut"#, None, None);
        check(r#" rt="cut"#, None, None);
        check(" = == x=y z", None, None);
        check(" 1.2.3 -0.5 1e-3", None, None);
    }
}
