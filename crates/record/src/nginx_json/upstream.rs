//! nginx's lists of tries: `$upstream_response_time`, `$upstream_status`, `$upstream_addr`.
//!
//! One request may try several servers, and every try appends to all three variables: after `, `
//! for the next server, after ` : ` for another group after an internal redirect. A try that gave
//! nothing is `-`, and a list may end with ` : `. No value contains a space or a comma, whereas
//! addresses do contain colons, so spaces and commas are what the lists are split at.
//!
//! Source: nginx `ngx_http_upstream_response_time_variable` and its neighbours.

use crate::request_value::seconds_as_us;

/// The time of all tries together, in microseconds; `None` where no try has a time, or where one of
/// them is not a time (a partial sum would look like a fast upstream).
pub(crate) fn total_us(list: &[u8]) -> Option<u64> {
    tries(list).filter(|value| *value != b"-").try_fold(None, |total: Option<u64>, value| {
        Some(Some(total.unwrap_or(0).checked_add(seconds_as_us(value)?)?))
    })?
}

/// The value of the last try; `None` where that try has none.
pub(crate) fn last(list: &[u8]) -> Option<&[u8]> {
    tries(list).next_back().filter(|value| *value != b"-")
}

fn tries(list: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    list.split(|byte| matches!(byte, b',' | b' ')).filter(|value| !matches!(*value, b"" | b":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_all_tries_are_added() {
        for (list, expected) in [
            ("0.003", Some(3_000)),
            ("0.003, 0.010", Some(13_000)),
            ("0.100 : 0.200", Some(300_000)),
            ("-, 0.010", Some(10_000)),
            ("0.001, - : 0.002", Some(3_000)),
            ("0.100 : ", Some(100_000)),
            ("0.003,0.010", Some(13_000)),
            ("0.000, 0.000", Some(0)),
            ("-", None),
            ("", None),
            (",", None),
            ("0.003, -0.001", None),
            ("0.003, 1e-3", None),
            ("18446744073709551.615", None),
        ] {
            assert_eq!(total_us(list.as_bytes()), expected, "{list}");
        }
    }

    #[test]
    fn the_last_try_is_the_one_that_answered() {
        for (list, expected) in [
            ("502, 200", Some("200")),
            ("502 : 200", Some("200")),
            ("200 : ", Some("200")),
            ("502, -", None),
            ("10.0.1.5:8080, 10.0.2.9:8080", Some("10.0.2.9:8080")),
            ("unix:/run/php.sock : [::1]:8080", Some("[::1]:8080")),
            ("unix:/run/php.sock", Some("unix:/run/php.sock")),
            ("", None),
        ] {
            assert_eq!(last(list.as_bytes()), expected.map(str::as_bytes), "{list}");
        }
    }
}
