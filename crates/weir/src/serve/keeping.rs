//! Which records are kept to be searched.
//!
//! Asked of every record of a source that is not kept whole, so a request is decided from its parsed fields and
//! nothing is allocated. A sample is chosen by a hash of what the record says and not by counting: a replay, a
//! backfill and a second server keep the same records, and the records of one request id are kept or left out
//! together, in every source.

use weir_enrich::is_chosen;
use weir_query::Fields;
use weir_record::{Request, Status, Value, logged_text};

use crate::config::Keep;

/// The least severe level that is an error: syslog's `err`.
const ERROR_LEVEL_MAX: i64 = 3;

/// Words for the levels up to that, in small letters.
const ERROR_WORDS: [&str; 9] =
    ["emerg", "emergency", "panic", "alert", "crit", "critical", "fatal", "err", "error"];

/// The seed of the sample; those of transforms are others, so that the two have nothing to do with each other.
const SEED: u64 = 0;

/// Whether a request is kept; `line` is its line as it would be kept.
pub fn keeps_request(keep: Keep, request: &Request<'_>, line: &[u8]) -> bool {
    let has_failed = || request.status.is_some_and(Status::is_server_error) || request.error_reason.is_some();
    match keep {
        Keep::All => true,
        Keep::None => false,
        Keep::Errors => has_failed(),
        Keep::Slow { threshold_us } => {
            has_failed() || request.request_time_us.is_some_and(|time_us| time_us >= threshold_us)
        }
        Keep::Sample { one_of } => {
            let id = request.request_id.as_deref().or(request.trace_id.as_deref());
            id.map_or_else(
                || is_chosen(line, one_of, SEED),
                |id| is_chosen(logged_text(id).as_bytes(), one_of, SEED),
            )
        }
    }
}

/// The same for any record.
pub fn keeps(keep: Keep, fields: &impl Fields, line: &[u8]) -> bool {
    match keep {
        Keep::All => true,
        Keep::None => false,
        Keep::Errors => has_failed(fields),
        Keep::Slow { threshold_us } => {
            let request_time_us = number(fields.field("request_time")).map(|seconds| seconds * 1e6);
            has_failed(fields)
                || request_time_us.is_some_and(|time_us| time_us.round() >= threshold_us as f64)
        }
        Keep::Sample { one_of } => {
            let id = fields.field("request_id").or_else(|| fields.field("trace_id"));
            match id {
                Some(Value::Text(id)) => is_chosen(id.as_bytes(), one_of, SEED),
                Some(Value::Integer(id)) => is_chosen(id.to_string().as_bytes(), one_of, SEED),
                _ => is_chosen(line, one_of, SEED),
            }
        }
    }
}

fn has_failed(fields: &impl Fields) -> bool {
    let is_error_word = |level: &str| ERROR_WORDS.iter().any(|word| level.eq_ignore_ascii_case(word));
    number(fields.field("status")).is_some_and(|status| status >= 500.0)
        || fields.field("error_reason").is_some()
        || match fields.field("level") {
            Some(Value::Text(level)) if is_error_word(level.trim()) => true,
            level => number(level).is_some_and(|level| level <= ERROR_LEVEL_MAX as f64),
        }
}

fn number(value: Option<Value<'_>>) -> Option<f64> {
    match value? {
        Value::Integer(number) => Some(number as f64),
        Value::Float(number) => Some(number),
        Value::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        Value::Boolean(_) | Value::Time(_) | Value::Json(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use weir_record::{Origin, Timestamp};

    use super::*;

    struct Table(Vec<(&'static str, Value<'static>)>);

    impl Fields for Table {
        fn field(&self, name: &str) -> Option<Value<'_>> {
            self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
        }
    }

    const SLOW: Keep = Keep::Slow { threshold_us: 400_000 };

    #[test]
    fn a_request_and_its_fields_are_decided_alike() {
        for (status, request_time_us, reason, errors, slow) in [
            (200, 399_999, None, false, false),
            (200, 400_000, None, false, true),
            (499, 1, None, false, false),
            (500, 1, None, true, true),
            (200, 1, Some("WAFConnectionError"), true, true),
        ] {
            let mut request = Request::new(Origin::Nginx, Timestamp::default());
            request.status = Status::from_code(status);
            request.request_time_us = Some(request_time_us);
            request.error_reason = reason.map(str::as_bytes);
            let mut table = vec![
                ("status", Value::Integer(i64::from(status))),
                ("request_time", Value::Float(request_time_us as f64 / 1e6)),
            ];
            table.extend(reason.map(|reason| ("error_reason", Value::Text(reason.into()))));
            let table = Table(table);
            for (keep, expected) in
                [(Keep::All, true), (Keep::None, false), (Keep::Errors, errors), (SLOW, slow)]
            {
                assert_eq!(keeps_request(keep, &request, b""), expected, "{status} {request_time_us}");
                assert_eq!(keeps(keep, &table, b""), expected, "{status} {request_time_us}");
            }
        }
    }

    #[test]
    fn events_fail_by_their_level() {
        for (level, expected) in [
            (Value::Integer(3), true),
            (Value::Integer(4), false),
            (Value::Text("2".into()), true),
            (Value::Text("ERROR".into()), true),
            (Value::Text("warn".into()), false),
            (Value::Boolean(true), false),
        ] {
            assert_eq!(
                keeps(Keep::Errors, &Table(vec![("level", level.clone())]), b""),
                expected,
                "{level:?}"
            );
        }
        assert!(!keeps(Keep::Errors, &Table(Vec::new()), b""));
    }

    #[test]
    fn a_sample_is_chosen_by_the_id_and_is_of_its_size() {
        let keep = Keep::Sample { one_of: 10 };
        let mut kept = 0;
        for number in 0..10_000 {
            let id = format!("{number:032x}");
            let mut request = Request::new(Origin::Nginx, Timestamp::default());
            request.request_id = Some(id.as_bytes().into());
            request.trace_id = Some(b"1-other".into());
            let is_kept = keeps_request(keep, &request, b"a line");
            let by_id = Table(vec![("request_id", Value::Text(id.clone().into()))]);
            assert_eq!(keeps(keep, &by_id, b"another line"), is_kept);
            let by_trace = Table(vec![("trace_id", Value::Text(id.clone().into()))]);
            assert_eq!(keeps(keep, &by_trace, b""), is_kept);
            assert_eq!(keeps(keep, &Table(Vec::new()), id.as_bytes()), is_kept);
            kept += usize::from(is_kept);
        }
        assert!((900..1100).contains(&kept), "{kept}");
        assert!(keeps(Keep::Sample { one_of: 1 }, &Table(Vec::new()), b""));
        // What one version keeps the next one keeps, too: the hash is 7,876,637,139,297,612,048.
        let chosen = |one_of| keeps(Keep::Sample { one_of }, &Table(Vec::new()), b"request");
        assert!(chosen(7_876_637_139_297_612_048) && !chosen(7_876_637_139_297_612_047));
    }
}
