//! nginx access logs with one JSON object a line.
//!
//! There is no such format: every site writes its own `log_format`, with or without `escape=json`,
//! with numbers in quotes or bare. So this parser asks for nothing but an object that has a time and
//! looks like a request, knows the usual keys, and reads past the rest. A configuration of keys was
//! refused: the variables' own names cover the logs that were found, and a mapping is one more thing
//! to get wrong. What is wrong inside a field (`"request_time":"1e-3"`) costs that field, not the
//! request; only a time or a status that cannot be read rejects the line, as counters need both.
//!
//! Sources: nginx `ngx_http_log_module`, `ngx_http_upstream`; the log-format page of ingress-nginx.

pub(crate) mod escape;
pub(crate) mod json_object;
pub(crate) mod key;
pub(crate) mod request_line;
#[cfg(test)]
mod tests;
pub(crate) mod unread;
pub(crate) mod upstream;
pub(crate) mod variable;

use std::borrow::Cow;

use crate::reject::{Reason, Reject};
use crate::request::{Origin, Request, Status};
use crate::request_value::seconds_as_us;
use crate::request_value::whole_number;
use crate::timestamp::Timestamp;
use escape::LoggedText;
use json_object::{Content, JsonObject};
use key::{Key, Values};
use request_line::RequestTarget;
use unread::UnreadMembers;

/// Reads one line, without its line end.
///
/// Where several keys say the same, `msec` comes before the other times, `host` before `http_host`,
/// `vhost` and `server_name`, `request_uri` before `uri`, `path` and `request`, and `bytes_sent`
/// before `body_bytes_sent`. Durations become whole microseconds; negative ones and such with an
/// exponent are none. Of several tries, times are added and the last status and address count.
///
/// # Errors
///
/// [`Reason::NotJson`] where the line is not one whole object; [`Reason::NotRequest`] where it has
/// neither a status, a request time, a method nor a URI; [`Reason::BadTime`] without a time that can
/// be read; [`Reason::BadStatus`] for a status that is not three digits. The column is that of the
/// value, or of the object where there is no value.
pub fn parse(line: &[u8]) -> Result<Request<'_>, Reject> {
    let mut object = JsonObject::open(line)?;
    let mut values = Values::new();
    let (mut unread, mut start) = (UnreadMembers::of(line), object.offset());
    while let Some(member) = object.next_member()? {
        let end = object.offset();
        match Key::from_name(member.key) {
            Some(key) => {
                values.insert(key, member.value);
                if !key.is_all_read() || matches!(member.value.content, Content::Nested(_)) {
                    unread.add(start, end);
                }
            }
            None => unread.add(start, end),
        }
        start = end;
    }
    if !is_request(&values) {
        return Err(Reject::at(Reason::NotRequest, object.start));
    }
    let time = time(&values, object.start)?;
    let status = status(&values)?;
    let (method, asked) = method_and_target(&values);
    Ok(Request {
        status,
        method,
        path: asked.path,
        query: asked.query.or_else(|| values.decoded([Key::Args])),
        host: values.text([Key::Host, Key::HttpHost, Key::Vhost, Key::ServerName]).and_then(variable::host),
        node: values.decoded([Key::Hostname]),
        is_tls: is_tls(&values),
        request_time_us: raw(&values, [Key::RequestTime, Key::Duration]).and_then(seconds_as_us),
        upstream_time_us: raw(&values, [Key::UpstreamResponseTime]).and_then(upstream::total_us),
        target_status: raw(&values, [Key::UpstreamStatus]).and_then(upstream::last).and_then(Status::parse),
        target: target(&values),
        bytes_in: raw(&values, [Key::RequestLength]).and_then(whole_number),
        bytes_out: raw(&values, [Key::BytesSent, Key::BodyBytesSent]).and_then(whole_number),
        client_ip: values.decoded([Key::RemoteAddr]),
        user_agent: values.decoded([Key::HttpUserAgent]),
        referer: values.decoded([Key::HttpReferer]),
        request_id: values.decoded([Key::RequestId, Key::HttpXRequestId]),
        trace_id: values.text([Key::HttpXAmznTraceId]).and_then(variable::trace_root),
        unread,
        ..Request::new(Origin::Nginx, time)
    })
}

/// Numbers need no decoding: nothing in them is ever escaped.
#[inline]
fn raw<'a, const N: usize>(values: &Values<'a>, keys: [Key; N]) -> Option<&'a [u8]> {
    values.text(keys).map(|text| text.raw)
}

fn is_request(values: &Values<'_>) -> bool {
    use Key::{Method, Path, RequestMethod, RequestTime, RequestUri, Status, Uri};
    [Status, RequestMethod, Method, RequestUri, Uri, Path, RequestTime]
        .into_iter()
        .any(|key| values.get(key).is_some())
}

fn time(values: &Values<'_>, object_start: usize) -> Result<Timestamp, Reject> {
    use Key::{AtTimestamp, Msec, Time, TimeIso8601, TimeLocal, Timestamp};
    let mut unreadable = None;
    // A shipper that merges the line with what it knows (Beaver's `rawjson`, Filebeat) puts the time of sending
    // under `@timestamp`.
    for key in [Msec, TimeIso8601, Time, Timestamp, TimeLocal, AtTimestamp] {
        let Some(text) = values.text([key]) else { continue };
        if let Some(time) = variable::time(&text.decode()) {
            return Ok(time);
        }
        unreadable = unreadable.or(values.get(key));
    }
    Err(Reject::at(Reason::BadTime, unreadable.map_or(object_start, |value| value.offset)))
}

fn status(values: &Values<'_>) -> Result<Option<Status>, Reject> {
    let Some(value) = values.get(Key::Status) else {
        return Ok(None);
    };
    let status = match value.content {
        Content::Text(text) => match text.present() {
            None => return Ok(None),
            Some(text) => Status::parse(text.raw),
        },
        Content::Nested(_) => None,
    };
    status.map(Some).ok_or(Reject::at(Reason::BadStatus, value.offset))
}

fn method_and_target<'a>(values: &Values<'a>) -> (Option<Cow<'a, [u8]>>, RequestTarget<'a>) {
    let line = || values.text([Key::Request]).map(request_line::split).unwrap_or_default();
    let method = values.text([Key::RequestMethod, Key::Method]).or_else(|| line().method);
    let target = values.text([Key::RequestUri, Key::Uri, Key::Path]).or_else(|| line().target);
    (method.map(LoggedText::decode), target.map(request_line::split_target).unwrap_or_default())
}

fn target<'a>(values: &Values<'a>) -> Option<Cow<'a, [u8]>> {
    let list = values.text([Key::UpstreamAddr])?;
    upstream::last(list.raw).map(|address| list.part(address).decode())
}

/// Whether the client spoke TLS. A variable that is empty without TLS tells nothing by being empty:
/// it is as empty where a load balancer ended the TLS before nginx.
fn is_tls(values: &Values<'_>) -> Option<bool> {
    match raw(values, [Key::Scheme, Key::Https]) {
        Some(b"https" | b"on" | b"true" | b"1") => Some(true),
        Some(b"http" | b"off" | b"false" | b"0") => Some(false),
        _ => values.text([Key::SslProtocol]).map(|_| true),
    }
}
