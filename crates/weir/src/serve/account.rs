//! The account of a source: what came, what became of it, and up to when it is complete.
//!
//! Numbers that only grow, and moments that only move on, so that the account of a batch can be added to the
//! account of a source in any order. It is written in the transaction that writes the counters, and so always
//! tells of the same records as they do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_record::Timestamp;

/// What became of the lines and objects of a source, or of a batch of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Lines that are records or rejects.
    pub received: u64,
    /// Lines that are no records, by reason.
    pub rejected: BTreeMap<Box<str>, u64>,
    /// Rejects that were counted and not kept, for want of room.
    pub rejects_not_kept: u64,
    /// Records of minutes that had been taken as complete.
    pub late: u64,
    /// Records more than 400 days old or more than a day ahead: counted, but in no minute.
    pub implausible: u64,
    /// Records that are in no minute for want of room.
    pub slots_dropped: u64,
    /// Objects that were counted.
    pub objects: u64,
    /// Objects that came again and were not counted again.
    pub duplicates: u64,
    /// Objects that hold no requests, by kind.
    pub skipped: BTreeMap<Box<str>, u64>,
    /// Attempts to count an object that failed, by reason.
    pub failed: BTreeMap<Box<str>, u64>,
    /// Messages and objects that were given up and kept as rejects, by reason.
    pub given_up: BTreeMap<Box<str>, u64>,
    /// The youngest record's time, in microseconds since the epoch.
    pub last_record_us: Option<i64>,
    /// The moment up to which the source is complete, in microseconds since the epoch.
    pub complete_to_us: Option<i64>,
    /// Per load balancer node: the end of the last interval it delivered, and when that came.
    pub nodes: BTreeMap<Box<str>, NodeAccount>,
    /// Rejects that were counted when they were read again, and so were received twice.
    pub replayed: u64,
    /// Messages that were received and are neither records nor rejects, by cause.
    pub dropped: BTreeMap<Box<str>, u64>,
}

/// What a load balancer's node delivered last; microseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAccount {
    /// The end of the last interval.
    pub interval_end_us: i64,
    /// When it came.
    pub heard_at_us: i64,
}

/// Nodes that an account names; beyond it the one heard least recently is forgotten. Addresses of nodes
/// change, but not by the thousand within a day.
const NODES_MAX: usize = 2_000;

/// How long a silent node is named, in microseconds: a day. Then it was taken out of service.
const NODE_FORGOTTEN_US: i64 = 24 * 3600 * 1_000_000;

impl Account {
    /// Records: lines that are no rejects and were not dropped.
    pub fn stored(&self) -> u64 {
        let others = self.rejected.values().chain(self.dropped.values()).sum();
        self.received.saturating_sub(others)
    }

    /// Notes messages that were received and go no further.
    pub fn drop_messages(&mut self, cause: &str, messages: u64) {
        self.received += messages;
        match self.dropped.get_mut(cause) {
            Some(count) => *count += messages,
            None => {
                self.dropped.insert(cause.into(), messages);
            }
        }
    }

    /// Up to when the source is complete.
    pub fn complete_to(&self) -> Option<Timestamp> {
        self.complete_to_us.map(Timestamp::from_micros)
    }

    /// Notes a record's time.
    #[inline]
    pub fn record(&mut self, time: Timestamp) {
        self.last_record_us = self.last_record_us.max(Some(time.micros()));
    }

    /// Notes that a node has delivered everything up to `end`, at the time `now`.
    pub fn interval(&mut self, node: &str, end: Timestamp, now: Timestamp) {
        let heard = NodeAccount { interval_end_us: end.micros(), heard_at_us: now.micros() };
        self.nodes.entry(node.into()).and_modify(|known| known.merge(heard)).or_insert(heard);
    }

    /// Adds what a batch brought.
    pub fn merge(&mut self, other: &Self) {
        self.received += other.received;
        self.rejects_not_kept += other.rejects_not_kept;
        self.late += other.late;
        self.implausible += other.implausible;
        self.slots_dropped += other.slots_dropped;
        self.objects += other.objects;
        self.replayed += other.replayed;
        self.duplicates += other.duplicates;
        for (own, other) in [
            (&mut self.rejected, &other.rejected),
            (&mut self.skipped, &other.skipped),
            (&mut self.failed, &other.failed),
            (&mut self.given_up, &other.given_up),
            (&mut self.dropped, &other.dropped),
        ] {
            for (label, count) in other {
                *own.entry(label.clone()).or_default() += count;
            }
        }
        self.last_record_us = self.last_record_us.max(other.last_record_us);
        self.complete_to_us = self.complete_to_us.max(other.complete_to_us);
        for (node, heard) in &other.nodes {
            self.nodes.entry(node.clone()).and_modify(|known| known.merge(*heard)).or_insert(*heard);
        }
        self.forget_nodes();
    }

    fn forget_nodes(&mut self) {
        let Some(newest_us) = self.nodes.values().map(|node| node.heard_at_us).max() else { return };
        self.nodes.retain(|_, node| node.heard_at_us > newest_us - NODE_FORGOTTEN_US);
        while self.nodes.len() > NODES_MAX {
            let quietest = self.nodes.iter().min_by_key(|(_, node)| node.heard_at_us);
            let Some(name) = quietest.map(|(name, _)| name.clone()) else { return };
            self.nodes.remove(&name);
        }
    }
}

impl NodeAccount {
    fn merge(&mut self, other: Self) {
        self.interval_end_us = self.interval_end_us.max(other.interval_end_us);
        self.heard_at_us = self.heard_at_us.max(other.heard_at_us);
    }
}

/// One more under `label`.
pub fn count(counts: &mut BTreeMap<Box<str>, u64>, label: &str) {
    match counts.get_mut(label) {
        Some(count) => *count += 1,
        None => {
            counts.insert(label.into(), 1);
        }
    }
}
