//! A request as a line of an ALB access log: 34 fields, as load balancers write them since 2026.
//!
//! The oddities are applied here and nowhere else: a request keeps its regular fields, and what an
//! [`Edge`] says takes their place at the moment of writing.

use super::edge::Edge;
use super::outcome::Priority;
use super::request::{Format, SampleRequest};
use super::shop::{CERTIFICATE_ARN, Host, LOAD_BALANCER, NODES, TargetGroup};
use super::text::{date_time, put_alb_escaped, put_hex, put_number, put_padded, put_seconds, put_timestamp};

/// Appends the line of `request`, with its newline.
pub fn write_alb_line(request: &SampleRequest, out: &mut Vec<u8>) {
    put_beginning(request, out);
    put_result(request, out);
    put_request(request, out);
    put_agent_and_tls(request, out);
    put_names(request, out);
    put_rule(request, out);
    put_targets_and_class(request, out);
    put_end(request, out);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Fields 1 to 5: type, time, elb, client and target.
fn put_beginning(request: &SampleRequest, out: &mut Vec<u8>) {
    put_text(out, request.protocol.name());
    out.push(b' ');
    put_time(out, request.time_us);
    out.push(b' ');
    put_text(out, LOAD_BALANCER);
    out.push(b' ');
    match request.edge.and_then(Edge::client) {
        Some(client) => put_text(out, client),
        None => {
            request.connection.put_address(out);
            out.push(b':');
            put_number(out, request.connection.port());
        }
    }
    out.push(b' ');
    put_text(out, target(request));
}

/// A response on the second has no fraction, as Java's `Instant` prints it.
fn put_time(out: &mut Vec<u8>, time_us: i64) {
    if time_us % 1_000_000 == 0 {
        out.extend_from_slice(&date_time(time_us / 1_000_000));
        out.push(b'Z');
    } else {
        put_timestamp(out, time_us);
    }
}

fn target(request: &SampleRequest) -> &'static str {
    request.edge.and_then(Edge::target).or(request.outcome.target).unwrap_or("-")
}

/// Fields 6 to 12: times, statuses and sizes.
fn put_result(request: &SampleRequest, out: &mut Vec<u8>) {
    for ms in request.outcome.times_ms {
        out.push(b' ');
        put_seconds(out, ms);
    }
    out.push(b' ');
    put_padded(out, u64::from(request.outcome.elb_status), 3);
    out.push(b' ');
    put_target_status(request, out);
    for bytes in [request.received_bytes, request.sent_bytes] {
        out.push(b' ');
        put_number(out, bytes);
    }
}

fn put_target_status(request: &SampleRequest, out: &mut Vec<u8>) {
    match request.outcome.target_status {
        Some(status) => put_number(out, u64::from(status)),
        None => out.push(b'-'),
    }
}

/// Field 13.
fn put_request(request: &SampleRequest, out: &mut Vec<u8>) {
    out.extend_from_slice(b" \"");
    if let Some((logged, _, _)) = request.edge.and_then(Edge::logged) {
        put_text(out, logged);
    } else {
        put_text(out, request.method());
        out.extend_from_slice(if request.protocol.is_encrypted() { b" https://" } else { b" http://" });
        request.put_host(out);
        put_text(out, if request.protocol.is_encrypted() { ":443" } else { ":80" });
        request.put_uri(out, Format::Alb);
        out.push(b' ');
        put_text(out, request.protocol.version());
    }
    out.push(b'"');
}

/// Fields 14 to 16: user agent, cipher and TLS version.
fn put_agent_and_tls(request: &SampleRequest, out: &mut Vec<u8>) {
    out.extend_from_slice(b" \"");
    let sent = request.edge.and_then(Edge::agent);
    let logged = request.edge.and_then(Edge::agent_logged);
    match (sent, logged) {
        _ if is_unread(request) => out.push(b'-'),
        (Some(agent), _) => put_alb_escaped(out, agent),
        (None, Some(agent)) => out.extend_from_slice(agent),
        (None, None) => put_text(out, request.connection.user_agent()),
    }
    out.extend_from_slice(b"\" ");
    put_text(out, if has_tls(request) { request.connection.tls() } else { "- -" });
}

fn is_unread(request: &SampleRequest) -> bool {
    request.edge.is_some_and(Edge::is_unread)
}

fn has_tls(request: &SampleRequest) -> bool {
    request.protocol.is_encrypted() && !is_unread(request)
}

/// Fields 17 to 20: target group, trace id, domain and certificate.
fn put_names(request: &SampleRequest, out: &mut Vec<u8>) {
    out.push(b' ');
    put_text(out, request.outcome.target_group.map_or("-", TargetGroup::arn));
    out.extend_from_slice(b" \"");
    put_trace_id(request, out);
    out.extend_from_slice(b"\" \"");
    put_domain(request, out);
    out.extend_from_slice(b"\" \"");
    put_text(out, certificate(request));
    out.push(b'"');
}

fn certificate(request: &SampleRequest) -> &'static str {
    match (has_tls(request), request.connection.is_resumed()) {
        (false, _) => "-",
        (true, true) => "session-reused",
        (true, false) => CERTIFICATE_ARN,
    }
}

/// Appends the value of `X-Amzn-Trace-Id`.
pub(super) fn put_trace_id(request: &SampleRequest, out: &mut Vec<u8>) {
    let own = request.edge.and_then(Edge::trace_id);
    match own {
        _ if is_unread(request) => out.push(b'-'),
        Some(id) => put_text(out, id),
        None => {
            let (high, low) = request.ids();
            out.extend_from_slice(b"Root=1-");
            put_hex(out, (request.creation_time_ms() / 1000) as u64, 8);
            out.push(b'-');
            put_hex(out, high, 16);
            put_hex(out, low, 8);
        }
    }
}

/// The name of the TLS handshake, which a client that walks through addresses doesn't send.
fn put_domain(request: &SampleRequest, out: &mut Vec<u8>) {
    match request.edge.and_then(Edge::domain) {
        Some(domain) => put_text(out, domain),
        None if !has_tls(request) || request.route.host == Host::Node => out.push(b'-'),
        None => request.put_host(out),
    }
}

/// Fields 21 to 25: rule, creation time, actions, redirect and error.
fn put_rule(request: &SampleRequest, out: &mut Vec<u8>) {
    out.push(b' ');
    match request.outcome.priority {
        Priority::Rule(priority) => put_number(out, u64::from(priority)),
        Priority::Error => out.extend_from_slice(b"-1"),
        Priority::Nothing => out.push(b'-'),
    }
    out.push(b' ');
    put_timestamp(out, request.creation_time_ms() * 1000);
    out.extend_from_slice(b" \"");
    let actions = request.edge.and_then(Edge::actions);
    put_text(out, actions.unwrap_or(request.outcome.actions));
    out.extend_from_slice(b"\" \"");
    put_redirect(request, out);
    out.extend_from_slice(b"\" \"");
    let error = request.edge.and_then(Edge::error_reason);
    put_text(out, error.unwrap_or(request.outcome.error_reason));
    out.push(b'"');
}

fn put_redirect(request: &SampleRequest, out: &mut Vec<u8>) {
    match (request.outcome.actions, request.outcome.elb_status) {
        ("waf,redirect", _) => {
            out.extend_from_slice(b"https://");
            request.put_host(out);
            out.extend_from_slice(b":443");
            request.put_uri(out, Format::Alb);
        }
        ("waf,authenticate", 302) => {
            out.extend_from_slice(
                b"https://idp.example.com/authorize?client_id=shop-admin&scope=openid&state=",
            );
            put_hex(out, request.ids().0, 16);
        }
        _ => out.push(b'-'),
    }
}

/// Fields 26 to 29: the lists of targets and their statuses, and the classification.
fn put_targets_and_class(request: &SampleRequest, out: &mut Vec<u8>) {
    out.extend_from_slice(b" \"");
    match request.edge.and_then(Edge::targets) {
        Some((list, statuses)) => {
            put_text(out, list);
            out.extend_from_slice(b"\" \"");
            put_text(out, statuses);
        }
        None => {
            put_text(out, target(request));
            out.extend_from_slice(b"\" \"");
            put_target_status(request, out);
        }
    }
    let class = request.edge.and_then(Edge::classification);
    let (class, why) = class.unwrap_or(("-", "-"));
    for text in [class, why] {
        out.extend_from_slice(b"\" \"");
        put_text(out, text);
    }
    out.extend_from_slice(b"\" ");
}

/// Fields 30 to 34: connection trace id, what a rewrite did, and the node's address.
fn put_end(request: &SampleRequest, out: &mut Vec<u8>) {
    request.connection.put_trace_id(out);
    out.extend_from_slice(b" \"");
    if let Some((host, uri, status)) = request.edge.and_then(Edge::transformed) {
        put_text(out, &[host, uri, status].join("\" \""));
    } else {
        out.extend_from_slice(b"-\" \"");
        let status = if request.put_rewritten_uri(out) { "\" \"TransformSuccess" } else { "-\" \"-" };
        put_text(out, status);
    }
    out.extend_from_slice(b"\" ");
    put_text(out, NODES.get(request.node).copied().unwrap_or("-"));
    out.push(b'\n');
}
