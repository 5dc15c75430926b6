//! What came over sockets of our own, before anything of it was a message.
//!
//! Datagrams have an account apart from that of messages: many may make one message, and what the kernel drops is
//! never seen. Both close by themselves, so that whoever compares with what was sent can say where the rest went.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use weir_ingest::sockets::{ConnectionCounts, DatagramCounts};
use weir_meter::{Family, Series};

use super::own_metrics::{counter, number};

/// What a source's sockets have received since the start.
#[derive(Debug, Default)]
pub struct Received {
    /// What was sent; a part of the metrics' names.
    pub protocol: &'static str,
    /// Of each UDP socket.
    pub datagrams: Vec<Arc<DatagramCounts>>,
    /// Of each TCP socket.
    pub connections: Vec<Arc<ConnectionCounts>>,
}

impl Received {
    /// Datagrams that were read, dropped by the kernel, and not allowed; `None` without a UDP socket.
    pub fn datagrams(&self) -> Option<[u64; 3]> {
        let counts = self.datagrams.iter();
        let each = counts.map(|it| [&it.read, &it.dropped_by_kernel, &it.not_allowed].map(load));
        each.reduce(add)
    }

    /// Connections that were accepted, too many, and not allowed; `None` without a TCP socket.
    pub fn connections(&self) -> Option<[u64; 3]> {
        let counts = self.connections.iter();
        let each = counts.map(|it| [&it.accepted, &it.refused, &it.not_allowed].map(load));
        each.reduce(add)
    }
}

fn load(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

fn add(one: [u64; 3], other: [u64; 3]) -> [u64; 3] {
    [one[0] + other[0], one[1] + other[1], one[2] + other[2]]
}

/// The names of the metrics of a protocol.
struct Names {
    protocol: &'static str,
    datagrams: &'static str,
    datagrams_dropped: &'static str,
    connections: &'static str,
    connections_refused: &'static str,
}

const NAMES: [Names; 2] = [
    Names {
        protocol: "gelf",
        datagrams: "weir_gelf_datagrams_total",
        datagrams_dropped: "weir_gelf_datagrams_dropped_total",
        connections: "weir_gelf_connections_total",
        connections_refused: "weir_gelf_connections_refused_total",
    },
    Names {
        protocol: "syslog",
        datagrams: "weir_syslog_datagrams_total",
        datagrams_dropped: "weir_syslog_datagrams_dropped_total",
        connections: "weir_syslog_connections_total",
        connections_refused: "weir_syslog_connections_refused_total",
    },
];

/// The metrics of all sources; none where there are none.
pub fn families(received: &BTreeMap<Arc<str>, Received>) -> Vec<Family> {
    NAMES.iter().flat_map(|names| protocol_families(received, names)).collect()
}

fn protocol_families(received: &BTreeMap<Arc<str>, Received>, names: &Names) -> Vec<Family> {
    let series = |counts: fn(&Received) -> Option<[u64; 3]>, parts: &[(usize, &str)]| -> Vec<Series> {
        let of_protocol = received.iter().filter(|(_, received)| received.protocol == names.protocol);
        let known = of_protocol.filter_map(|(name, received)| Some((name, counts(received)?)));
        let each = known.flat_map(|(name, counts)| {
            parts.iter().map(move |&(index, cause)| {
                let source = ("source", &**name);
                let labels = [source, ("cause", cause)];
                number(if cause.is_empty() { &labels[..1] } else { &labels }, counts[index] as f64)
            })
        });
        each.collect()
    };
    let families = [
        counter(names.datagrams, "Datagrams that were read.", series(Received::datagrams, &[(0, "")])),
        counter(
            names.datagrams_dropped,
            "Datagrams that were not read: the kernel had no room for them, or their sender is not allowed.",
            series(Received::datagrams, &[(1, "kernel"), (2, "not_allowed")]),
        ),
        counter(
            names.connections,
            "Connections that were accepted.",
            series(Received::connections, &[(0, "")]),
        ),
        counter(
            names.connections_refused,
            "Connections that were closed at once: there were too many, or their sender is not allowed.",
            series(Received::connections, &[(1, "too_many"), (2, "not_allowed")]),
        ),
    ];
    families.into_iter().filter(|family| !family.series.is_empty()).collect()
}
