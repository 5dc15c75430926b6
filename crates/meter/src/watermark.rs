//! Until when a source's data is complete.
//!
//! "No errors between 10:00 and 10:05" is only true once all records of those minutes are here. A
//! source that writes as things happen is complete up to a few seconds ago. A load balancer is not: each
//! of its nodes delivers a file per five minutes, some minutes late, so it is complete up to the
//! earliest end of the last interval of each node. A node that has gone quiet must not hold that back
//! for ever; after a quarter of an hour it no longer counts.

use std::collections::BTreeMap;

use weir_record::Timestamp;

/// A node that delivered nothing for this long no longer holds the watermark back: 15 minutes.
const NODE_SILENT_US: i64 = 15 * 60 * 1_000_000;

/// Load balancer nodes that are followed; beyond it the one heard least recently is forgotten.
const NODES_MAX: usize = 10_000;

/// The watermark of one source.
#[derive(Clone, Debug)]
pub struct Watermark {
    lateness_us: i64,
    nodes: BTreeMap<Box<str>, NodeInterval>,
}

#[derive(Clone, Copy, Debug)]
struct NodeInterval {
    end: Timestamp,
    heard_at: Timestamp,
}

impl Watermark {
    /// A watermark that trails the clock by `lateness_us` microseconds at least.
    pub fn new(lateness_us: u64) -> Self {
        Self { lateness_us: i64::try_from(lateness_us).unwrap_or(i64::MAX), nodes: BTreeMap::new() }
    }

    /// How far it trails the clock at least, in microseconds.
    pub const fn lateness_us(&self) -> i64 {
        self.lateness_us
    }

    /// Notes that `node` has delivered everything up to `end`, at the time `now`.
    pub fn observe_interval(&mut self, node: &str, end: Timestamp, now: Timestamp) {
        let interval = self.nodes.entry(node.into()).or_insert(NodeInterval { end, heard_at: now });
        interval.end = interval.end.max(end);
        interval.heard_at = interval.heard_at.max(now);
        if self.nodes.len() > NODES_MAX {
            let quietest = self.nodes.iter().min_by_key(|(_, interval)| interval.heard_at);
            if let Some(name) = quietest.map(|(name, _)| name.clone()) {
                self.nodes.remove(&name);
            }
        }
    }

    /// The moment up to which the data is complete, as far as can be known at `now`.
    pub fn at(&self, now: Timestamp) -> Timestamp {
        let heard_since = now.plus_micros(-NODE_SILENT_US);
        let nodes = self.nodes.values().filter(|interval| interval.heard_at >= heard_since);
        let by_lateness = now.plus_micros(-self.lateness_us);
        nodes.map(|interval| interval.end).fold(by_lateness, Timestamp::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(count: i64) -> Timestamp {
        Timestamp::from_seconds(count * 60)
    }

    #[test]
    fn without_intervals_it_trails_the_clock() {
        assert_eq!(Watermark::new(12 * 60_000_000).at(minutes(100)), minutes(88));
    }

    #[test]
    fn the_slowest_node_holds_it_back_until_it_is_silent() {
        let mut watermark = Watermark::new(12 * 60_000_000);
        watermark.observe_interval("10.0.0.1", minutes(95), minutes(97));
        watermark.observe_interval("10.0.0.2", minutes(80), minutes(98));
        assert_eq!(watermark.at(minutes(100)), minutes(80));
        watermark.observe_interval("10.0.0.1", minutes(110), minutes(112));
        assert_eq!(watermark.at(minutes(113)), minutes(80));
        assert_eq!(watermark.at(minutes(114)), minutes(102), "node 2 was last heard 16 minutes ago");
    }

    #[test]
    fn an_older_interval_does_not_move_it_back() {
        let mut watermark = Watermark::new(0);
        watermark.observe_interval("10.0.0.1", minutes(95), minutes(97));
        watermark.observe_interval("10.0.0.1", minutes(90), minutes(98));
        assert_eq!(watermark.at(minutes(100)), minutes(95));
    }
}
