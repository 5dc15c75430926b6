//! What is written durably before a push is answered.
//!
//! Series rows repeat neither name nor help: a push touches 50 series of one family, and each row is written
//! at each push. The keys are bytes that sort by family, so that a family lies together on disk.

use serde::{Deserialize, Serialize};

use super::{END, PushedValue};
use crate::Kind;

/// A family's row; its key is the family's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFamily {
    /// What its values mean.
    pub kind: Kind,
    /// The first help that was pushed.
    pub help: Box<str>,
}

/// A series' row; its key is [`SeriesChange::write_key`]'s.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredSeries {
    /// A bit for each label, in the order of names: it came from the URL of the push that made the series.
    pub url_labels: u64,
    /// The value.
    pub value: PushedValue,
}

/// A family that is new, or gone with its last series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyChange<'s> {
    /// The row's key.
    pub name: &'s str,
    /// The row to write; `None`: to remove.
    pub row: Option<StoredFamily>,
}

/// A series that is new, has another value, or is gone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesChange<'s> {
    /// The family's name.
    pub family: &'s str,
    /// The label set: names and values by turns, sorted by name, each ended by a byte 255.
    pub labels: &'s [u8],
    /// The row to write; `None`: to remove.
    pub row: Option<&'s StoredSeries>,
}

impl SeriesChange<'_> {
    /// Puts the row's key into `key` in place of what is there.
    pub fn write_key(&self, key: &mut Vec<u8>) {
        key.clear();
        key.extend_from_slice(self.family.as_bytes());
        key.push(END);
        key.extend_from_slice(self.labels);
    }
}

/// The family's name and the label set of a row's key; `None` if it is none.
pub(super) fn split_key(key: &[u8]) -> Option<(&str, &[u8])> {
    let end = key.iter().position(|byte| *byte == END)?;
    let labels = &key[end + 1..];
    let is_whole = labels.is_empty() || labels.last() == Some(&END);
    let is_text = labels.split(|byte| *byte == END).all(|text| str::from_utf8(text).is_ok());
    if !is_whole || !is_text {
        return None;
    }
    Some((str::from_utf8(&key[..end]).ok()?, labels))
}
