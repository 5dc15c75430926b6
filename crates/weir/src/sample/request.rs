//! One request of the sample traffic: a few dozen bytes, from which both log formats are written.
//!
//! Nothing textual is stored (see [`super::template`]), so millions can be drawn per second and the
//! truth about them is counted from these fields, without parsing what was written.

use super::client::{Connection, Protocol};
use super::edge::Edge;
use super::listener::{REWRITE_PRIORITY, REWRITTEN_PATTERN};
use super::outcome::{Outcome, Priority};
use super::rng::{Rng, mix};
use super::shop::{Host, NODES, Route};
use super::template::put_filled;
use super::text::{put_alb_escaped, put_json_escaped};
use super::user::{ANONYMOUS_OF_10, put_email};

/// The log formats that the generator can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// ALB access log, 34 fields.
    Alb,
    /// nginx with a JSON `log_format` and `escape=json`.
    NginxJson,
    /// The same, with the e-mail of whoever is logged in under a key of the shop's own.
    NginxJsonUser,
    /// What an application logs about each request as if it had failed: JSON with a stack.
    Errors,
    /// The same as the application would send it in GELF.
    Gelf,
}

/// One request and how it ended.
#[derive(Clone, Copy, Debug)]
pub struct SampleRequest {
    /// When the response was sent, microseconds since 1970.
    pub time_us: i64,
    /// Which node of the load balancer took it: an index into [`NODES`].
    pub node: usize,
    /// Field 1.
    pub protocol: Protocol,
    /// The route that was asked for, a probe's for scanners.
    pub route: &'static Route,
    /// What is odd about it, if anything is.
    pub edge: Option<&'static Edge>,
    /// Who asked.
    pub connection: Connection,
    /// Decides the identifiers in the path, the trace id and the request id.
    pub identity: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Bytes from the client, headers included.
    pub received_bytes: u64,
    /// Bytes to the client, headers included.
    pub sent_bytes: u64,
}

impl SampleRequest {
    /// The shop's own route that this is a request to, going by method, host and path as `format` shows
    /// them; none for scanners and for what is too odd to have one.
    #[cfg(test)]
    pub fn true_route(&self, format: Format) -> Option<&'static Route> {
        let is_elsewhere = |edge: &Edge| {
            let other_path = edge.asked().is_some_and(|(method, path)| {
                let path = path.split('?').next().unwrap_or(path);
                (method, path) != (self.route.method, self.route.pattern)
            });
            let other_host = |domain: &str| !domain.eq_ignore_ascii_case(self.route.host.name());
            let other_host = format == Format::Alb && edge.domain().is_some_and(other_host);
            edge.logged().is_some() || other_path || other_host
        };
        let is_real = self.connection.visitor != super::client::Visitor::Scanner
            && !self.edge.is_some_and(is_elsewhere);
        is_real.then_some(self.route)
    }

    /// When the request came in, milliseconds since 1970: the log has no finer time.
    pub fn creation_time_ms(&self) -> i64 {
        (self.time_us - self.outcome.waited_us as i64).div_euclid(1000)
    }

    /// Status as `format` shows it; 0 is `000`. nginx has no 46x and logs 499 for a client that left.
    pub fn status(&self, format: Format) -> u16 {
        match (format, self.outcome.elb_status) {
            (Format::Alb, status) => status,
            (_, 460) => 499,
            (_, 463 | 464) => 400,
            (_, 561) => 500,
            (_, status) => status,
        }
    }

    /// The request id that nginx gives it, and the random part of the trace id.
    pub(super) fn ids(&self) -> (u64, u64) {
        (mix(self.identity, 1), mix(self.identity, 2))
    }

    /// The request id that nginx gives it, as text.
    pub fn request_id(&self) -> String {
        let (high, low) = self.ids();
        format!("{low:016x}{high:016x}")
    }

    /// The e-mail of whoever is logged in.
    pub fn user_email(&self) -> Option<String> {
        let customer = self.connection.customer();
        let mut email = Vec::new();
        put_email(customer, &mut email);
        (customer % 10 >= ANONYMOUS_OF_10).then(|| String::from_utf8_lossy(&email).into_owned())
    }

    /// The method, as nginx and the load balancer log it unless the whole request is odd.
    pub(super) fn method(&self) -> &'static str {
        self.edge.and_then(Edge::asked).map_or(self.route.method, |(method, _)| method)
    }

    /// Appends the Host header's name; `nodes` have their own address as name.
    pub(super) fn put_host(&self, out: &mut Vec<u8>) {
        match self.route.host {
            Host::Node => out.extend_from_slice(NODES.get(self.node).copied().unwrap_or("-").as_bytes()),
            Host::Random => put_filled(out, "{word}-{id}.example.org", &mut Rng::new(self.identity ^ 0xA5)),
            named => out.extend_from_slice(named.name().as_bytes()),
        }
    }

    /// Appends path and query with `format`'s escapes.
    pub(super) fn put_uri(&self, out: &mut Vec<u8>, format: Format) {
        let mut rng = Rng::new(self.identity);
        if let Some((_, path)) = self.edge.and_then(Edge::asked) {
            let mut raw = Vec::new();
            put_filled(&mut raw, path, &mut rng);
            return match format {
                Format::Alb => put_alb_escaped(out, &raw),
                _ => put_json_escaped(out, &raw),
            };
        }
        put_filled(out, self.route.pattern, &mut rng);
        self.put_query(out, &mut rng);
    }

    /// Appends the URI that the target was asked for after the rule's rewrite; none for other rules.
    pub(super) fn put_rewritten_uri(&self, out: &mut Vec<u8>) -> bool {
        let is_rewritten =
            self.outcome.priority == Priority::Rule(REWRITE_PRIORITY) && self.outcome.target_group.is_some();
        if is_rewritten {
            let mut rng = Rng::new(self.identity);
            put_filled(out, REWRITTEN_PATTERN, &mut rng);
            self.put_query(out, &mut rng);
        }
        is_rewritten
    }

    fn put_query(&self, out: &mut Vec<u8>, rng: &mut Rng) {
        if !self.route.query.is_empty() {
            out.push(b'?');
            put_filled(out, self.route.query, rng);
        }
    }
}
