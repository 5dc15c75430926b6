//! An alert as it is handed on: to notifications, to the API, to an Alertmanager.
//!
//! Its labels are its identity, as everywhere in that world; what else it says may change while it lasts.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use weir_record::Timestamp;
use xxhash_rust::xxh3::Xxh3;

/// Names and values, in the order of names; values are never empty.
pub type Labels = BTreeMap<Box<str>, Box<str>>;

/// An alert that fires or has fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// What it is about; `alertname` is always there.
    pub labels: Labels,
    /// What a person reads.
    pub annotations: Labels,
    /// Since when it fires, in event time.
    #[serde(with = "crate::notification::micros")]
    pub starts_at: Timestamp,
    /// When it was resolved; `None` while it fires.
    #[serde(with = "crate::notification::optional_micros")]
    pub ends_at: Option<Timestamp>,
    /// The page that shows what it is about; empty where there is none.
    pub generator_url: String,
}

/// The identity of a label set: 64 bits of XXH3 over the length and bytes of each name and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// That of these labels; the same in every version.
    pub fn of(labels: &Labels) -> Self {
        let mut hash = Xxh3::new();
        for text in labels.iter().flat_map(|(name, value)| [name, value]) {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        Self(hash.digest())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Alert {
    /// Its identity.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.labels)
    }

    /// Whether it is over at `now`.
    pub fn is_resolved_at(&self, now: Timestamp) -> bool {
        self.ends_at.is_some_and(|ends_at| ends_at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|&(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn a_fingerprint_never_changes_and_tells_names_from_values() {
        let of = |pairs| Fingerprint::of(&labels(pairs));
        assert_eq!(of(&[("a", "b"), ("c", "d")]), of(&[("c", "d"), ("a", "b")]));
        assert_ne!(of(&[("a", "bc")]), of(&[("ab", "c")]));
        assert_ne!(of(&[("a", "b"), ("c", "d")]), of(&[("a", "b")]));
    }
}
