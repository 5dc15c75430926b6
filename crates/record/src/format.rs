//! Which format a text is in, told from its name and its first line.
//!
//! A bucket that load balancers log to holds more than access logs of Application Load Balancers:
//! connection and health-check logs lie in the same day's folder, Network and Classic Load Balancers
//! use the same path, and enabling logging writes a test file. Counting any of those as requests
//! would be worse than failing, so they are recognised, skipped and counted as skipped.

use crate::{alb, combined, ndjson, nginx_json};

/// A format whose lines are records: requests, or events in the case of [`Format::Ndjson`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// AWS Application Load Balancer access log.
    Alb,
    /// nginx writing one JSON object per line.
    NginxJson,
    /// The combined log format of nginx and Apache.
    Combined,
    /// Any JSON object with a time per line: events.
    Ndjson,
    /// Messages of GELF libraries: events.
    Gelf,
    /// What Beaver sends.
    Beaver,
    /// Lines of which each is the message of an event.
    Text,
    /// Syslog: RFC 5424 and RFC 3164.
    Syslog,
}

/// A kind of object that lies beside access logs and holds no requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NotAccessLog {
    /// Connection log of an Application Load Balancer.
    ConnectionLog,
    /// Health-check log of an Application Load Balancer.
    HealthCheckLog,
    /// Access log of a Network Load Balancer.
    NetworkLoadBalancer,
    /// Access log of a Classic Load Balancer.
    ClassicLoadBalancer,
    /// What AWS writes when logging is turned on.
    TestFile,
    /// What `aws elbv2 describe-*` prints: rules and listeners, not requests.
    Description,
}

/// What a text turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detected {
    /// Lines of this format.
    Format(Format),
    /// Something to skip.
    Skip(NotAccessLog),
    /// None of the known formats.
    Unknown,
}

impl Format {
    /// Every format, in the order of their numbers.
    pub const ALL: [Format; 8] = [
        Format::Alb,
        Format::NginxJson,
        Format::Combined,
        Format::Ndjson,
        Format::Gelf,
        Format::Beaver,
        Format::Text,
        Format::Syslog,
    ];

    /// The name in the config and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Alb => "alb",
            Format::NginxJson => "nginx_json",
            Format::Combined => "combined",
            Format::Ndjson => "ndjson",
            Format::Gelf => "gelf",
            Format::Beaver => "beaver",
            Format::Text => "text",
            Format::Syslog => "syslog",
        }
    }

    /// The number under which it is kept; never another format's.
    pub const fn number(self) -> u8 {
        match self {
            Format::Alb => 0,
            Format::NginxJson => 1,
            Format::Combined => 2,
            Format::Ndjson => 3,
            Format::Gelf => 4,
            Format::Beaver => 5,
            Format::Text => 6,
            Format::Syslog => 7,
        }
    }

    /// The format of this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.number() == number)
    }

    /// The format of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

impl NotAccessLog {
    /// The value of the label `kind`.
    pub const fn label(self) -> &'static str {
        match self {
            NotAccessLog::ConnectionLog => "connection_log",
            NotAccessLog::HealthCheckLog => "health_check_log",
            NotAccessLog::NetworkLoadBalancer => "network_load_balancer",
            NotAccessLog::ClassicLoadBalancer => "classic_load_balancer",
            NotAccessLog::TestFile => "test_file",
            NotAccessLog::Description => "description",
        }
    }

    /// What a person reads, in the plural.
    pub const fn description(self) -> &'static str {
        match self {
            NotAccessLog::ConnectionLog => "connection logs",
            NotAccessLog::HealthCheckLog => "health-check logs",
            NotAccessLog::NetworkLoadBalancer => "Network Load Balancer logs",
            NotAccessLog::ClassicLoadBalancer => "Classic Load Balancer logs",
            NotAccessLog::TestFile => "test files that AWS wrote when logging was turned on",
            NotAccessLog::Description => "descriptions of load balancers (listener rules and the like)",
        }
    }
}

/// Tells by the last part of an object's key or a file's path whether to skip it.
///
/// Source: AWS, "Access log files", "Connection log files" and "Health check log files" of the
/// Application Load Balancer guide. The folder tells nothing: all kinds share it.
pub fn skip_by_name(path: &str) -> Option<NotAccessLog> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    if name.starts_with("conn_log") {
        return Some(NotAccessLog::ConnectionLog);
    }
    if name.starts_with("health_check_log") {
        return Some(NotAccessLog::HealthCheckLog);
    }
    if name.starts_with("ELB") && name.ends_with("LogTestFile") {
        return Some(NotAccessLog::TestFile);
    }
    if !name.contains("_elasticloadbalancing_") || name.contains("_app.") {
        return None;
    }
    let is_network = name.contains("_net.");
    Some(if is_network { NotAccessLog::NetworkLoadBalancer } else { NotAccessLog::ClassicLoadBalancer })
}

/// Tells the format from the beginning of a text: the first of twenty lines that is of a known format
/// decides. The last line of `head` may be cut; it decides like any other if it still is of one. Events are
/// found only where no line is a request: a service that logs both is there to be counted.
pub fn detect(head: &[u8]) -> Detected {
    const LINES_TRIED: usize = 20;
    if is_description(head) {
        return Detected::Skip(NotAccessLog::Description);
    }
    let lines = || {
        let lines = head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        lines.filter(|line| !line.is_empty()).take(LINES_TRIED)
    };
    let is_event = |line: &[u8]| line.contains(&b'{') && ndjson::parse(line, None).is_ok();
    match lines().map(detect_line).find(|&detected| detected != Detected::Unknown) {
        Some(detected) => detected,
        None if lines().any(is_event) => Detected::Format(Format::Ndjson),
        None => Detected::Unknown,
    }
}

/// Whether a text is JSON whose first key is one that `aws elbv2 describe-*` begins with.
fn is_description(head: &[u8]) -> bool {
    const KEYS: [&[u8]; 4] = [b"\"Rules\"", b"\"Listeners\"", b"\"LoadBalancers\"", b"\"TargetGroups\""];
    let inner = head.trim_ascii_start().strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    inner.is_some_and(|inner| KEYS.iter().any(|key| inner.starts_with(key)))
}

fn detect_line(line: &[u8]) -> Detected {
    if line.starts_with(b"Enable AccessLog for ELB") || line.starts_with(b"Enable ConnectionLog for ELB") {
        return Detected::Skip(NotAccessLog::TestFile);
    }
    if line.starts_with(b"tls 1.0 ") || line.starts_with(b"tls 2.0 ") {
        return Detected::Skip(NotAccessLog::NetworkLoadBalancer);
    }
    if alb::parse_line(line).is_ok() {
        return Detected::Format(Format::Alb);
    }
    if line.contains(&b'{') && nginx_json::parse(line).is_ok() {
        return Detected::Format(Format::NginxJson);
    }
    if combined::parse(line).is_ok() {
        return Detected::Format(Format::Combined);
    }
    starts_with_time(line).map_or(Detected::Unknown, Detected::Skip)
}

/// Classic and connection logs begin with the time; the fourth field tells them apart: a target with
/// its port, or the listener's port alone.
fn starts_with_time(line: &[u8]) -> Option<NotAccessLog> {
    let mut fields = line.split(|&byte| byte == b' ');
    crate::Timestamp::parse_rfc3339(fields.next()?)?;
    let fourth = fields.nth(2)?;
    if !fourth.is_empty() && fourth.iter().all(u8::is_ascii_digit) {
        return Some(NotAccessLog::ConnectionLog);
    }
    (fourth.contains(&b':') || fourth == b"-").then_some(NotAccessLog::ClassicLoadBalancer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_beside_access_logs_are_told_by_name() {
        let day = "AWSLogs/1/elasticloadbalancing/eu-central-1/2026/11/20/";
        for (name, expected) in [
            (
                "1_elasticloadbalancing_eu-central-1_app.prod.50dc_20261120T1015Z_10.0.0.1_abcd1234.log.gz",
                None,
            ),
            (
                "1_elasticloadbalancing_eu-central-1_net.prod.50dc_20261120T1015Z_abcd1234.log.gz",
                Some(NotAccessLog::NetworkLoadBalancer),
            ),
            (
                "1_elasticloadbalancing_eu-central-1_classic_20261120T1015Z_10.0.0.1_abcd1234.log",
                Some(NotAccessLog::ClassicLoadBalancer),
            ),
            (
                "conn_log.1_elasticloadbalancing_eu-central-1_app.prod.50dc_20261120T1015Z_10.0.0.1_a.log.gz",
                Some(NotAccessLog::ConnectionLog),
            ),
            (
                "health_check_log_1_elasticloadbalancing_eu-central-1_app.prod.50dc_2026.log.gz",
                Some(NotAccessLog::HealthCheckLog),
            ),
            ("ELBAccessLogTestFile", Some(NotAccessLog::TestFile)),
            ("access.log.gz", None),
        ] {
            assert_eq!(skip_by_name(&format!("{day}{name}")), expected, "{name}");
        }
    }

    #[test]
    fn descriptions_of_load_balancers_are_no_logs() {
        for text in ["{\n  \"Rules\": [", "{\"Listeners\":[]}", " {\"TargetGroups\": []}"] {
            assert_eq!(detect(text.as_bytes()), Detected::Skip(NotAccessLog::Description), "{text}");
        }
    }

    #[test]
    fn the_first_line_that_is_known_decides() {
        let alb = "https 2026-11-20T10:15:30.123456Z app/prod/50dc6c495c0c9188 203.0.113.7:50123 10.0.1.5:8080 \
                   0.001 0.042 0.000 200 200 312 1840 \"GET https://shop.example.com:443/cart HTTP/1.1\"";
        let json = r#"{"time_local":"20/Nov/2026:13:15:30 +0300","request_method":"GET","status":"200"}"#;
        let combined =
            r#"203.0.113.7 - - [20/Nov/2026:13:15:30 +0300] "GET / HTTP/1.1" 200 612 "-" "curl/8""#;
        let connection = "2026-11-20T10:15:30.123456Z 203.0.113.7 50123 443 TLSv1.3 TLS_AES_128_GCM_SHA256 0.010 - - - - TID_1";
        let classic = "2015-05-13T23:39:43.945958Z my-lb 192.168.131.39:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 0 29 \"GET / HTTP/1.1\"";
        for (text, expected) in [
            (alb, Detected::Format(Format::Alb)),
            (json, Detected::Format(Format::NginxJson)),
            (combined, Detected::Format(Format::Combined)),
            (connection, Detected::Skip(NotAccessLog::ConnectionLog)),
            (classic, Detected::Skip(NotAccessLog::ClassicLoadBalancer)),
            ("tls 2.0 2026-11-20T10:15:30 net/prod/1 2 3", Detected::Skip(NotAccessLog::NetworkLoadBalancer)),
            (
                "Enable AccessLog for ELB: prod at 2026-11-20T10:15:30.123Z",
                Detected::Skip(NotAccessLog::TestFile),
            ),
            (r#"{"ts":1795169730,"msg":"started"}"#, Detected::Format(Format::Ndjson)),
            (r#"{"msg":"started"}"#, Detected::Unknown),
            ("some text", Detected::Unknown),
            ("", Detected::Unknown),
        ] {
            assert_eq!(detect(text.as_bytes()), expected, "{text}");
            assert_eq!(detect(format!("\nnoise\n{text}\nmore").as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn one_request_among_events_decides() {
        let event = r#"{"time":"2026-11-20T10:15:30Z","msg":"started"}"#;
        let request = r#"{"time":"2026-11-20T10:15:30Z","status":200}"#;
        let text = format!("{event}\n{event}\n{request}\n");
        assert_eq!(detect(text.as_bytes()), Detected::Format(Format::NginxJson));
    }

    #[test]
    fn a_format_is_found_by_name_and_number() {
        for format in Format::ALL {
            assert_eq!(Format::from_number(format.number()), Some(format));
            assert_eq!(Format::from_name(format.name()), Some(format));
        }
        assert_eq!(Format::from_number(u8::MAX), None);
    }
}
