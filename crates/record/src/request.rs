//! What one access-log line says, whatever format said it.
//!
//! One flat struct of borrowed fields rather than a map: the hot path reads a dozen of them for
//! every line, and a missing field must be a compile error there, not a look-up that finds nothing.
//! [`Request::field`] is the slow way in, by name, for reports where the user chooses the columns.

use std::borrow::Cow;
use std::fmt;

use crate::nginx_json::unread::UnreadMembers;
use crate::timestamp::Timestamp;

/// Which system wrote the line; decides which metric families count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// An AWS Application Load Balancer.
    Alb,
    /// nginx (or Apache), JSON or combined.
    Nginx,
}

/// One request as its access log described it.
///
/// Text is bytes as logged (an ALB's `\xHH` escapes are kept; JSON escapes are resolved), not
/// necessarily UTF-8. `None` is "the log does not say", never a zero or an empty text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The system whose line this is.
    pub origin: Origin,
    /// When the response was sent.
    pub time: Timestamp,
    /// Whether this is the life of a WebSocket connection: counted, never a latency.
    pub is_connection: bool,
    /// The load balancer's id, `app/<name>/<16 hex>`.
    pub load_balancer: Option<&'a [u8]>,
    /// The machine that wrote the line: the load balancer node's address, nginx's host name.
    pub node: Option<Cow<'a, [u8]>>,
    /// The virtual host: lower case, no port.
    pub host: Option<Cow<'a, [u8]>>,
    /// The method as sent; any text at all.
    pub method: Option<Cow<'a, [u8]>>,
    /// The path as sent: without the query, not decoded.
    pub path: Option<Cow<'a, [u8]>>,
    /// What follows `?`.
    pub query: Option<Cow<'a, [u8]>>,
    /// The port of an absolute URL: with the scheme, it tells the listener.
    pub port: Option<u16>,
    /// Whether the client spoke TLS, where the line tells.
    pub is_tls: Option<bool>,
    /// The status sent to the client.
    pub status: Option<Status>,
    /// The status that the target (upstream) gave; the last one tried.
    pub target_status: Option<Status>,
    /// Whole request, as the client waited for it, in microseconds.
    pub request_time_us: Option<u64>,
    /// What the target (upstream) took, all tries added up, in microseconds.
    pub upstream_time_us: Option<u64>,
    /// Bytes received from the client.
    pub bytes_in: Option<u64>,
    /// Bytes sent to the client.
    pub bytes_out: Option<u64>,
    /// The client's address, no port.
    pub client_ip: Option<Cow<'a, [u8]>>,
    /// `User-Agent` as sent.
    pub user_agent: Option<Cow<'a, [u8]>>,
    /// `Referer` as sent.
    pub referer: Option<Cow<'a, [u8]>>,
    /// nginx's `$request_id`.
    pub request_id: Option<Cow<'a, [u8]>>,
    /// The Root of `X-Amzn-Trace-Id`.
    pub trace_id: Option<Cow<'a, [u8]>>,
    /// The target's address and port; the last one tried.
    pub target: Option<Cow<'a, [u8]>>,
    /// The target group's ARN.
    pub target_group: Option<&'a [u8]>,
    /// `matched_rule_priority`: 0 is the default rule; `None` where no rule matched.
    pub rule_priority: Option<u32>,
    /// Why the load balancer itself answered.
    pub error_reason: Option<&'a [u8]>,
    /// `actions_executed`, a comma list.
    pub actions: Option<&'a [u8]>,
    /// Where an nginx line has members that none of these fields holds.
    pub unread: UnreadMembers<'a>,
}

/// A three-digit status as logged: `000` and `009` occur, so it is not an HTTP status type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(u16);

impl Status {
    /// Reads exactly three digits.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let [a, b, c] = *text else { return None };
        let digits = [a, b, c].map(|byte| byte.wrapping_sub(b'0'));
        digits
            .iter()
            .all(|&digit| digit < 10)
            .then(|| Self(u16::from(digits[0]) * 100 + u16::from(digits[1]) * 10 + u16::from(digits[2])))
    }

    /// A status from its number; `None` above 999.
    pub fn from_code(code: u16) -> Option<Self> {
        (code < 1000).then_some(Self(code))
    }

    /// The number, 0 to 999.
    pub fn code(self) -> u16 {
        self.0
    }

    /// The first digit: 5 for `503`.
    pub fn class(self) -> u8 {
        (self.0 / 100) as u8
    }

    /// Whether this is a server's failure: 500 and above.
    pub fn is_server_error(self) -> bool {
        self.0 >= 500
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

impl<'a> Request<'a> {
    /// A request of which only the time is known.
    pub fn new(origin: Origin, time: Timestamp) -> Self {
        Self {
            origin,
            time,
            is_connection: false,
            load_balancer: None,
            node: None,
            host: None,
            method: None,
            path: None,
            query: None,
            port: None,
            is_tls: None,
            status: None,
            target_status: None,
            request_time_us: None,
            upstream_time_us: None,
            bytes_in: None,
            bytes_out: None,
            client_ip: None,
            user_agent: None,
            referer: None,
            request_id: None,
            trace_id: None,
            target: None,
            target_group: None,
            rule_priority: None,
            error_reason: None,
            actions: None,
            unread: UnreadMembers::default(),
        }
    }

    /// What the client waited for an answer, in microseconds; a connection's life is none.
    #[inline]
    pub fn latency_us(&self) -> Option<u64> {
        self.request_time_us.filter(|_| !self.is_connection)
    }

    /// How long a connection lived, in microseconds; a request's time is none.
    #[inline]
    pub fn connection_time_us(&self) -> Option<u64> {
        self.request_time_us.filter(|_| self.is_connection)
    }

    /// The field that users call `name` (docs/fields.md), as text; `None` where the line lacks it.
    pub fn field(&self, name: Field) -> Option<Cow<'_, [u8]>> {
        fn cow<'s>(value: &'s Option<Cow<'_, [u8]>>) -> Option<Cow<'s, [u8]>> {
            value.as_deref().map(Cow::Borrowed)
        }
        fn shown<'s, T: ToString>(value: Option<T>) -> Option<Cow<'s, [u8]>> {
            value.map(|value| Cow::Owned(value.to_string().into_bytes()))
        }
        match name {
            Field::LoadBalancer => self.load_balancer.map(Cow::Borrowed),
            Field::Node => cow(&self.node),
            Field::Host => cow(&self.host),
            Field::Method => cow(&self.method),
            Field::Path => cow(&self.path),
            Field::Query => cow(&self.query),
            Field::Status => shown(self.status),
            Field::TargetStatus => shown(self.target_status),
            Field::ClientIp => cow(&self.client_ip),
            Field::UserAgent => cow(&self.user_agent),
            Field::Referer => cow(&self.referer),
            Field::RequestId => cow(&self.request_id),
            Field::TraceId => cow(&self.trace_id),
            Field::Target => cow(&self.target),
            Field::TargetGroup => self.target_group.map(Cow::Borrowed),
            Field::RulePriority => shown(self.rule_priority),
            Field::ErrorReason => self.error_reason.map(Cow::Borrowed),
            Field::Actions => self.actions.map(Cow::Borrowed),
        }
    }
}

macro_rules! fields {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal $(| $alias:literal)*),* $(,)?) => {
        /// A field of a request that a user can name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Field { $($(#[doc = $doc])* $variant),* }

        impl Field {
            /// Every field, in the order of the documentation.
            pub const ALL: &'static [Field] = &[$(Field::$variant),*];

            /// The name used in queries, reports and the store.
            pub const fn name(self) -> &'static str {
                match self { $(Field::$variant => $name),* }
            }

            /// The field with this name, or with this name in one of the formats.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name $(| $alias)* => Some(Field::$variant),)* _ => None }
            }
        }
    };
}

fields! {
    /// The load balancer's id.
    LoadBalancer = "load_balancer" | "elb",
    /// The machine that wrote the line.
    Node = "node" | "ip_address",
    /// The virtual host.
    Host = "host" | "domain_name" | "server_name" | "vhost",
    /// The request's method.
    Method = "method" | "request_method",
    /// The path, without the query.
    Path = "path" | "uri",
    /// The query string.
    Query = "query" | "args",
    /// The status sent to the client.
    Status = "status" | "elb_status_code",
    /// The status that the target gave.
    TargetStatus = "target_status" | "target_status_code" | "upstream_status",
    /// The client's address.
    ClientIp = "client_ip" | "client" | "remote_addr",
    /// The user agent.
    UserAgent = "user_agent" | "http_user_agent",
    /// The referring page.
    Referer = "referer" | "http_referer",
    /// nginx's request id.
    RequestId = "request_id",
    /// The trace's root.
    TraceId = "trace_id",
    /// The target's address and port.
    Target = "target" | "upstream_addr",
    /// The target group's ARN.
    TargetGroup = "target_group" | "target_group_arn",
    /// The listener rule's priority.
    RulePriority = "rule_priority" | "matched_rule_priority",
    /// Why the load balancer answered.
    ErrorReason = "error_reason",
    /// What the load balancer did.
    Actions = "actions" | "actions_executed",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_three_digits_and_keeps_its_zeros() {
        assert_eq!(Status::parse(b"009").map(|status| status.to_string()), Some("009".to_owned()));
        assert_eq!(Status::parse(b"503").map(Status::class), Some(5));
        for wrong in [b"".as_slice(), b"20", b"2000", b"2x0", b"-"] {
            assert_eq!(Status::parse(wrong), None);
        }
    }

    #[test]
    fn every_field_is_found_by_its_name() {
        for &field in Field::ALL {
            assert_eq!(Field::from_name(field.name()), Some(field));
        }
    }
}
