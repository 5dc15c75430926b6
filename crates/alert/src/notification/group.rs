//! Alerts that are told of together, and when they are looked at next.
//!
//! Its identity is made of the route's key and its labels, and of nothing that a restart or another order of routes
//! would change, since what was told is found by it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_record::Timestamp;
use xxhash_rust::xxh3::Xxh3;

use super::stored;
use crate::{Alert, Labels};

/// The identity of a group, the same after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u64);

/// Alerts of one route with the same group labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Group {
    /// The unique key of its route.
    pub route_key: Box<str>,
    /// What its alerts have in common.
    pub labels: Labels,
    /// Its alerts by fingerprint. A resolved one stays until it was told of.
    pub members: BTreeMap<u64, Alert>,
    /// When it is looked at next.
    #[serde(with = "stored::micros")]
    pub next_look: Timestamp,
    /// Whether it has been looked at, so that new alerts wait for the next look.
    pub was_looked_at: bool,
}

impl GroupId {
    /// That of a route's group.
    pub fn of(route_key: &str, labels: &Labels) -> Self {
        let mut hash = Xxh3::new();
        let texts = labels.iter().flat_map(|(name, value)| [&**name, &**value]);
        for text in std::iter::once(route_key).chain(texts) {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        Self(hash.digest())
    }

    /// That of what a receiver's part is told of it.
    pub(super) fn told(self, receiver: &str, integration: usize) -> u64 {
        let mut hash = Xxh3::new();
        hash.update(&self.0.to_le_bytes());
        hash.update(&(integration as u64).to_le_bytes());
        hash.update(receiver.as_bytes());
        hash.digest()
    }
}
