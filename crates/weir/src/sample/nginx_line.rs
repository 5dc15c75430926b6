//! The same request as nginx would log it in front of the same targets, as JSON.
//!
//! The `log_format` is the usual one with `escape=json`: numbers in quotes, an empty string where a
//! variable has no value. A shop that puts both logs into one place sees each request twice, with the
//! same trace id; the request id is nginx's own.

use super::alb_line::put_trace_id;
use super::edge::Edge;
use super::outcome::{IDLE_TIMEOUT_MS, Priority};
use super::request::{Format, SampleRequest};
use super::text::{civil, put_hex, put_json_escaped, put_number, put_padded, put_seconds};
use super::user::{ANONYMOUS_OF_10, put_email};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Appends the line of `request`, with its newline.
pub fn write_nginx_line(request: &SampleRequest, out: &mut Vec<u8>) {
    put_line(request, out);
    out.extend_from_slice(b"}\n");
}

/// The same with `session_user`, which is empty for who is not logged in.
pub fn write_nginx_user_line(request: &SampleRequest, out: &mut Vec<u8>) {
    put_line(request, out);
    out.extend_from_slice(b",\"session_user\":\"");
    let customer = request.connection.customer();
    if customer % 10 >= ANONYMOUS_OF_10 {
        put_email(customer, out);
    }
    out.extend_from_slice(b"\"}\n");
}

fn put_line(request: &SampleRequest, out: &mut Vec<u8>) {
    let time_ms = request.time_us.div_euclid(1000);
    out.extend_from_slice(b"{\"time_local\":\"");
    put_time_local(out, time_ms.div_euclid(1000));
    out.extend_from_slice(b"\",\"msec\":\"");
    put_number(out, time_ms.div_euclid(1000) as u64);
    out.push(b'.');
    put_padded(out, time_ms.rem_euclid(1000) as u64, 3);
    out.extend_from_slice(b"\",\"remote_addr\":\"");
    request.connection.put_address(out);
    out.extend_from_slice(b"\",\"host\":\"");
    request.put_host(out);
    put_request(request, out);
    put_status_and_times(request, out);
    put_ids(request, out);
}

fn put_request(request: &SampleRequest, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\",\"request_method\":\"");
    let logged = request.edge.and_then(Edge::logged);
    out.extend_from_slice(logged.map_or(request.method(), |(_, method, _)| method).as_bytes());
    out.extend_from_slice(b"\",\"request_uri\":\"");
    match logged {
        Some((_, _, uri)) => out.extend_from_slice(uri.as_bytes()),
        None => request.put_uri(out, Format::NginxJson),
    }
    out.extend_from_slice(b"\",\"server_protocol\":\"");
    out.extend_from_slice(request.protocol.version().as_bytes());
}

fn put_status_and_times(request: &SampleRequest, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\",\"status\":\"");
    put_padded(out, u64::from(request.status(Format::NginxJson)), 3);
    out.extend_from_slice(b"\",\"request_length\":\"");
    put_number(out, request.received_bytes);
    out.extend_from_slice(b"\",\"bytes_sent\":\"");
    put_number(out, request.sent_bytes);
    out.extend_from_slice(b"\",\"request_time\":\"");
    put_seconds(out, Some((request.outcome.waited_us / 1000) as u32));
    out.extend_from_slice(b"\",\"upstream_addr\":\"");
    let upstream = upstream(request);
    out.extend_from_slice(upstream.addresses.as_bytes());
    out.extend_from_slice(b"\",\"upstream_response_time\":\"");
    for (place, ms) in upstream.times_ms.into_iter().flatten().enumerate() {
        out.extend_from_slice(if place == 0 { b"" } else { b", " });
        put_seconds(out, Some(ms));
    }
}

/// Who was asked, and how long each took.
struct Upstream {
    addresses: &'static str,
    times_ms: [Option<u32>; 2],
}

fn upstream(request: &SampleRequest) -> Upstream {
    let outcome = &request.outcome;
    let retried = request.edge.and_then(Edge::targets);
    let times_ms = match (outcome.times_ms[1], outcome.elb_status) {
        (Some(ms), _) if retried.is_some() => [Some(1), Some(ms)],
        (Some(ms), _) => [Some(ms), None],
        (None, 504) => [Some(IDLE_TIMEOUT_MS), None],
        (None, 502) => [Some(0), None],
        (None, _) => [None, None],
    };
    let addresses = match retried {
        Some(_) => "10.0.1.11:8080, 10.0.2.11:8080",
        None if outcome.priority == Priority::Nothing => "",
        None => outcome.target.unwrap_or_default(),
    };
    Upstream { addresses, times_ms }
}

fn put_ids(request: &SampleRequest, out: &mut Vec<u8>) {
    let (high, low) = request.ids();
    out.extend_from_slice(b"\",\"request_id\":\"");
    put_hex(out, low, 16);
    put_hex(out, high, 16);
    out.extend_from_slice(b"\",\"http_x_amzn_trace_id\":\"");
    match request.edge.and_then(Edge::trace_id) {
        Some(id) => put_json_escaped(out, id.as_bytes()),
        None if request.edge.is_some_and(Edge::is_unread) => {}
        None => put_trace_id(request, out),
    }
    out.extend_from_slice(b"\",\"http_user_agent\":\"");
    match request.edge.and_then(|edge| edge.agent().or(edge.agent_logged())) {
        Some(agent) => put_json_escaped(out, agent),
        None if request.edge.is_some_and(Edge::is_unread) => {}
        None => out.extend_from_slice(request.connection.user_agent().as_bytes()),
    }
    out.push(b'"');
}

/// `20/Nov/2026:10:15:30 +0000`
fn put_time_local(out: &mut Vec<u8>, epoch_s: i64) {
    let time = civil(epoch_s);
    let ((year, month, day), (hour, minute, second)) = (time.date, time.clock);
    put_padded(out, day, 2);
    out.push(b'/');
    out.extend_from_slice(MONTHS.get(month as usize - 1).copied().unwrap_or("Jan").as_bytes());
    out.push(b'/');
    put_padded(out, year, 4);
    for part in [hour, minute, second] {
        out.push(b':');
        put_padded(out, part, 2);
    }
    out.extend_from_slice(b" +0000");
}
