//! Who sends a request: connections, and the people, crawlers and scanners behind them.
//!
//! Real log files compress five to eight times because clients repeat: one connection sends many
//! requests with one address, agent and connection trace id. Drawing these anew for each line would
//! make files that no compressor and no dictionary could handle as they handle real ones. Nothing is
//! remembered, though: a connection is a hash, and everything about it follows from that hash.

use super::deck::Card;
use super::rng::{mix, scale};
use super::shop::Host;
use super::text::{put_hex, put_number};

/// How long a connection stays open, and how many requests of a second share one on average.
const CONNECTION_S: i64 = 120;
const REQUESTS_PER_CONNECTION: u64 = 9;
/// How many people there are.
const CUSTOMERS: u64 = 30_000;

/// The kind of client; it decides the agent and the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visitor {
    /// A person with a browser, or the shop's app.
    Customer,
    /// Someone at work in the back office.
    Staff,
    /// A search engine.
    Crawler,
    /// An uptime check: HTTP without TLS, every few seconds.
    Monitor,
    /// Someone looking for holes.
    Scanner,
}

/// One TCP connection to one node of the load balancer.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// The kind of client at the other end.
    pub visitor: Visitor,
    hash: u64,
}

/// When a connection is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The plan's.
    pub seed: u64,
    /// Seconds since 1970.
    pub second: i64,
    /// How many requests this second has: it decides how many connections are open.
    pub per_second: u64,
}

/// Field 1: what the connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Plain HTTP on port 80.
    Http,
    /// HTTP/1.1 over TLS.
    Https,
    /// HTTP/2 over TLS.
    H2,
    /// gRPC over TLS.
    Grpcs,
    /// A WebSocket on port 80.
    Ws,
    /// A WebSocket over TLS.
    Wss,
}

impl Protocol {
    /// As field 1 has it.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Http => "http",
            Protocol::Https => "https",
            Protocol::H2 => "h2",
            Protocol::Grpcs => "grpcs",
            Protocol::Ws => "ws",
            Protocol::Wss => "wss",
        }
    }

    /// True for all that comes in by port 443.
    pub fn is_encrypted(self) -> bool {
        !matches!(self, Protocol::Http | Protocol::Ws)
    }

    /// As the request line has it.
    pub fn version(self) -> &'static str {
        match self {
            Protocol::H2 | Protocol::Grpcs => "HTTP/2.0",
            Protocol::Http | Protocol::Https | Protocol::Ws | Protocol::Wss => "HTTP/1.1",
        }
    }
}

impl Connection {
    /// One of the connections that are open at `moment` to ask for `card`; `bits` choose among them.
    ///
    /// A connection belongs to one host, as it does with TLS.
    pub fn open_at(moment: Moment, card: &Card, bits: u64) -> Connection {
        let open = (moment.per_second * CONNECTION_S as u64 / REQUESTS_PER_CONNECTION).max(1);
        let slot = mix(moment.seed ^ 0xC0, moment.second.div_euclid(CONNECTION_S) as u64);
        let kind = (card.route.host as u64) << 8 | card.visitor as u64;
        let hash = mix(slot ^ kind, scale(bits, open));
        let is_crawler =
            card.visitor == Visitor::Customer && card.route.method == "GET" && hash.is_multiple_of(23);
        Connection { visitor: if is_crawler { Visitor::Crawler } else { card.visitor }, hash }
    }

    /// The node that holds the connection, of `nodes`.
    pub fn node(&self, nodes: usize) -> usize {
        scale(self.part(1), nodes as u64) as usize
    }

    /// What the connection speaks, apart from WebSockets, which a route decides.
    pub fn protocol(&self, host: Host) -> Protocol {
        let percent = scale(self.part(2), 100);
        match (self.visitor, host) {
            (Visitor::Monitor, _) => Protocol::Http,
            (Visitor::Scanner, _) if percent < 45 => Protocol::Http,
            (Visitor::Customer | Visitor::Crawler, Host::Shop) if percent < 2 => Protocol::Http,
            (Visitor::Scanner | Visitor::Crawler, _) => Protocol::Https,
            _ if percent < 22 => Protocol::Https,
            _ => Protocol::H2,
        }
    }

    /// Fields 15 and 16, cipher and TLS version; one in six still has TLS 1.2.
    pub fn tls(&self) -> &'static str {
        match scale(self.part(3), 6) {
            0 => "ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2",
            1 | 2 => "TLS_AES_256_GCM_SHA384 TLSv1.3",
            _ => "TLS_AES_128_GCM_SHA256 TLSv1.3",
        }
    }

    /// True when the TLS session is an old one: no certificate was chosen.
    pub fn is_resumed(&self) -> bool {
        scale(self.part(4), 5) < 3
    }

    /// What the client calls itself.
    pub fn user_agent(&self) -> &'static str {
        let agents: &[&str] = match self.visitor {
            Visitor::Customer => &CUSTOMER_AGENTS,
            Visitor::Staff => &CUSTOMER_AGENTS[..3],
            Visitor::Crawler => &CRAWLER_AGENTS,
            Visitor::Monitor => &["kube-probe/1.33", "UptimeMonitor/2.1 (+https://status.example.com/bot)"],
            Visitor::Scanner => &SCANNER_AGENTS,
        };
        let place = scale(self.customer().wrapping_mul(0x9E37_79B9_7F4A_7C15), agents.len() as u64);
        agents.get(place as usize).copied().unwrap_or("-")
    }

    /// Appends the client's address: from the ranges for documentation and benchmarks (RFC 3849,
    /// RFC 2544), which belong to nobody; one in eight has IPv6.
    pub fn put_address(&self, out: &mut Vec<u8>) {
        let customer = self.customer();
        if customer.is_multiple_of(8) {
            out.extend_from_slice(b"2001:db8:");
            put_hex(out, (customer & 0xFFFF) | 0x1000, 4);
            out.push(b':');
            put_hex(out, (customer >> 20 & 0xFFF) | 0x100, 3);
            out.extend_from_slice(b"::");
            put_hex(out, (customer & 0xFF) | 0x100, 3);
        } else {
            let low = customer & 0x1_FFFF;
            out.extend_from_slice(if low >> 16 == 0 { b"198.18." } else { b"198.19." });
            put_number(out, low >> 8 & 0xFF);
            out.push(b'.');
            put_number(out, low & 0xFF);
        }
    }

    /// The client's port.
    pub fn port(&self) -> u64 {
        1024 + scale(self.part(6), 64_000)
    }

    /// Appends the connection trace id: `TID_` and 32 hex digits.
    pub fn put_trace_id(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"TID_");
        put_hex(out, self.part(7), 16);
        put_hex(out, self.part(8), 16);
    }

    /// A number that is this client's alone, however many connections it opens.
    pub(super) fn customer(&self) -> u64 {
        let population = match self.visitor {
            Visitor::Customer => CUSTOMERS,
            Visitor::Staff | Visitor::Crawler => 40,
            Visitor::Monitor => 4,
            Visitor::Scanner => 600,
        };
        mix(self.visitor as u64, scale(self.part(5), population))
    }

    fn part(&self, n: u64) -> u64 {
        mix(self.hash, n)
    }
}

static CUSTOMER_AGENTS: [&str; 12] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
     Chrome/147.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
     Version/26.1 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:149.0) Gecko/20100101 Firefox/149.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
     Version/26.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 \
     Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 16; SAMSUNG SM-S931B) AppleWebKit/537.36 (KHTML, like Gecko) \
     SamsungBrowser/29.0 Chrome/143.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
     Chrome/147.0.0.0 Safari/537.36 Edg/147.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 \
     Safari/537.36",
    "Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
     Version/26.0 Mobile/15E148 Safari/604.1",
    "ShopApp/7.14.2 (iOS 26.1; iPhone17,3) CFNetwork/3860.200.71 Darwin/25.1.0",
    "ShopApp/7.14.0 (Android 16; Pixel 9) okhttp/5.3.2",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
     CriOS/147.0.7727.50 Mobile/15E148 Safari/604.1",
];

static CRAWLER_AGENTS: [&str; 3] = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "python-requests/2.32.5",
];

static SCANNER_AGENTS: [&str; 5] = [
    "Mozilla/5.0 zgrab/0.x",
    "Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)",
    "curl/8.9.1",
    "Go-http-client/1.1",
    "-",
];

#[cfg(test)]
mod tests {
    use super::super::deck::Deck;
    use super::*;

    fn connection(second: i64, deck: &Deck, bits: u64) -> Connection {
        let card = deck.draw(0).unwrap();
        Connection::open_at(Moment { seed: 1, second, per_second: 100 }, &card, bits)
    }

    fn text(put: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        put(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_connection_stays_the_same_for_two_minutes() {
        let id = |second, bits| text(|out| connection(second, &Deck::probes(), bits).put_trace_id(out));
        assert_eq!(id(120, 5 << 60), id(239, 5 << 60));
        assert_ne!(id(120, 5 << 60), id(240, 5 << 60));
        assert_ne!(id(120, 5 << 60), id(120, 6 << 60));
    }

    #[test]
    fn addresses_belong_to_nobody() {
        for bits in (0..64).map(|n: u64| n << 58) {
            let address = text(|out| connection(0, &Deck::probes(), bits).put_address(out));
            assert!(address.parse::<std::net::IpAddr>().is_ok(), "{address}");
            let reserved = ["198.18.", "198.19.", "2001:db8:"].iter().any(|range| address.starts_with(range));
            assert!(reserved, "{address}");
        }
    }

    #[test]
    fn a_monitor_never_uses_tls() {
        let monitor = Connection { visitor: Visitor::Monitor, hash: 1 };
        assert_eq!(monitor.protocol(Host::Shop), Protocol::Http);
    }
}
