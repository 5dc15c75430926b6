//! The fields of an ALB line that a request has not, by the names of AWS.
//!
//! Apart from the parser, which reads none of them: they say how TLS was spoken, where a redirect led or why a
//! request was odd, and are wanted when somebody looks at one record.

use super::field_index::{FieldEnds, split_leniently};
use super::{at, protocol, quoted, request_field, unquote, value};
use crate::nginx_json::request_line::http_version;
use crate::request_value::present;
use crate::timestamp::Timestamp;
use crate::value::{Value, logged_text};

/// Texts: their number in the documentation of AWS, less one, and their name in it.
const TEXTS: [(usize, &str); 13] = [
    (at::TYPE, "alb_type"),
    (14, "ssl_cipher"),
    (15, "ssl_protocol"),
    (19, "chosen_cert_arn"),
    (23, "redirect_url"),
    (25, "target_port_list"),
    (26, "target_status_code_list"),
    (27, "classification"),
    (28, "classification_reason"),
    (29, "conn_trace_id"),
    (30, "transformed_host"),
    (31, "transformed_uri"),
    (32, "request_transform_status"),
];

/// Hands out the fields that are there; none of a line that cannot be split.
pub(crate) fn other_fields<'a>(line: &'a [u8], each: &mut dyn FnMut(&str, Value<'a>)) {
    let mut fields = FieldEnds::new();
    if split_leniently(line, &mut fields).is_err() {
        return;
    }
    let raw = |index| fields.get(line, index).unwrap_or_default();
    let text = |index| present(unquote(raw(index))).map(logged_text).map(Value::Text);
    for (index, name) in TEXTS {
        if let Some(value) = text(index) {
            each(name, value);
        }
    }
    let created = || {
        let time = Timestamp::parse_rfc3339(raw(at::REQUEST_CREATION_TIME)).map(Value::Time);
        time.or_else(|| text(at::REQUEST_CREATION_TIME))
    };
    let request = quoted(raw(at::REQUEST)).unwrap_or_default();
    let parts = request_field::split(request);
    let (is_tls, _) = protocol(raw(at::TYPE), parts.is_https);
    let others = [
        ("request_processing_time", seconds(raw(at::REQUEST_PROCESSING_TIME))),
        ("response_processing_time", seconds(raw(at::RESPONSE_PROCESSING_TIME))),
        ("request_creation_time", created()),
        ("client_port", client_port(raw(at::CLIENT)).map(Value::Integer)),
        ("port", parts.port.map(|port| Value::Integer(port.into()))),
        ("is_tls", is_tls.map(Value::Boolean)),
        ("http_version", http_version(request).map(logged_text).map(Value::Text)),
    ];
    for (name, value) in others {
        if let Some(value) = value {
            each(name, value);
        }
    }
    // What AWS has appended since; it has no name that is known here.
    for index in at::IP_ADDRESS + 1..fields.count() {
        if let Some(value) = text(index) {
            each(&format!("alb_field_{}", index + 1), value);
        }
    }
}

/// Seconds; none for `-1`, which is no time.
fn seconds(text: &[u8]) -> Option<Value<'_>> {
    value::duration_us(text).flatten().map(|micros| Value::Float(micros as f64 / 1e6))
}

/// The port of `address:port`, behind the last colon.
fn client_port(text: &[u8]) -> Option<i64> {
    let digits = &text[memchr::memrchr(b':', text)? + 1..];
    std::str::from_utf8(digits).ok()?.parse::<u16>().ok().map(i64::from)
}
