//! What an address was sent in the last hour, and what is gathered instead of more.
//!
//! Nobody reads the hundredth mail of an hour. When more is due than the config allows, the rest is gathered by group
//! and told of together, every ten minutes. It is as pure as the dispatcher, so that a backtest counts the messages
//! that would have been sent.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use weir_record::Timestamp;

use super::dispatcher::Notification;

/// What messages are called that tell of many groups.
pub const DIGEST_TITLE: &str = "digest of what came too often";

/// Groups that are gathered by name; more are counted.
const GATHERED_MAX: usize = 1000;

const HOUR_US: i64 = 3600 * 1_000_000;

/// Time between two digests, in microseconds.
const DIGEST_INTERVAL_US: i64 = 600 * 1_000_000;

/// What one address was sent lately, and what was gathered for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flood {
    sent_us: VecDeque<i64>,
    gathered: BTreeMap<u64, GatheredGroup>,
    left_out: u32,
    digests: u32,
    digest_us: i64,
    /// Names the thread of its digests.
    began_us: i64,
}

/// The newest word about a group that was not told by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GatheredGroup {
    /// What it is called.
    pub title: String,
    /// Its alerts that fire.
    pub firing: u32,
    /// Those that are resolved.
    pub resolved: u32,
}

/// What one message tells of instead of many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered {
    /// The groups, in the order of their titles.
    pub groups: Vec<GatheredGroup>,
    /// How many more there were.
    pub left_out: usize,
    /// When the flood began, which is the same for all of its digests.
    pub began: Timestamp,
    /// How many digests of it came before.
    pub number: u32,
}

impl Flood {
    /// Whether one more message may go there in this hour; else it is noted for a digest.
    pub fn may_send(&mut self, max_per_hour: u32, notification: &Notification, now: Timestamp) -> bool {
        let hour_ago = now.micros() - HOUR_US;
        while self.sent_us.front().is_some_and(|sent| *sent <= hour_ago) {
            self.sent_us.pop_front();
        }
        let group = notification.group.0;
        if self.sent_us.len() < max_per_hour as usize {
            self.sent_us.push_back(now.micros());
            // The newest word about the group is on its way.
            self.gathered.remove(&group);
            return true;
        }
        if self.gathered.is_empty() && self.left_out == 0 && self.digest_us < hour_ago {
            (self.began_us, self.digests) = (now.micros(), 0);
        }
        if self.gathered.len() < GATHERED_MAX || self.gathered.contains_key(&group) {
            self.gathered.insert(group, GatheredGroup::of(notification, now));
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
        false
    }

    /// When the next digest is due; `None` where nothing was gathered.
    pub fn next_digest(&self) -> Option<Timestamp> {
        let next = Timestamp::from_micros(self.digest_us + DIGEST_INTERVAL_US);
        (!self.gathered.is_empty()).then_some(next)
    }

    /// What a digest tells of that is due; it counts as told.
    pub fn digest(&mut self, now: Timestamp) -> Option<Gathered> {
        self.next_digest().filter(|next| *next <= now)?;
        let number = self.digests;
        self.digests += 1;
        self.digest_us = now.micros();
        let mut groups: Vec<GatheredGroup> = std::mem::take(&mut self.gathered).into_values().collect();
        groups.sort();
        let left_out = std::mem::take(&mut self.left_out) as usize;
        Some(Gathered { groups, left_out, began: Timestamp::from_micros(self.began_us), number })
    }
}

impl GatheredGroup {
    fn of(notification: &Notification, now: Timestamp) -> Self {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let resolved = notification.alerts.iter().filter(|alert| alert.is_resolved_at(now)).count();
        Self {
            title: notification.incident.title.to_string(),
            firing: count(notification.alerts.len() - resolved),
            resolved: count(resolved),
        }
    }
}
