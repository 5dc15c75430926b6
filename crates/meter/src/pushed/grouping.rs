//! The labels of a push's URL: what its series get, and by which they are deleted.
//!
//! They are checked before the body is read, since they are the same for each of its lines. A label whose
//! value is empty is none, as everywhere in Prometheus, so a group with it is the group without it.

use super::clear_mode::CLEAR_MODE_LABEL;
use super::{ClearMode, LABEL_VALUE_BYTES_MAX, LABELS_MAX, NAME_BYTES_MAX, Problem, PushError};

/// Labels of a URL, sorted by name; `job` is one like any other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grouping {
    labels: Vec<(String, String)>,
}

impl Grouping {
    /// Checks and sorts the labels; those without a value are left out.
    ///
    /// # Errors
    ///
    /// A name that is invalid, reserved or there twice; a value that is too long; too many labels.
    pub fn new(mut labels: Vec<(String, String)>) -> Result<Self, PushError> {
        labels.sort();
        for (name, value) in &labels {
            check_label_name(name).map_err(PushError::Url)?;
            if value.len() > LABEL_VALUE_BYTES_MAX || labels.len() > LABELS_MAX {
                return Err(PushError::Url(Problem::LabelSetTooLarge));
            }
            if name == CLEAR_MODE_LABEL {
                ClearMode::parse(value).map_err(PushError::Url)?;
            }
        }
        if let Some(pair) = labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(PushError::Url(Problem::LabelTwice(pair[0].0.clone())));
        }
        labels.retain(|(_, value)| !value.is_empty());
        Ok(Self { labels })
    }

    /// Names and values, sorted by name.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The labels that series keep: all but `clearmode`.
    pub(super) fn kept(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels().filter(|(name, _)| *name != CLEAR_MODE_LABEL)
    }
}

/// # Errors
///
/// A name that is invalid or reserved.
pub(super) fn check_label_name(name: &str) -> Result<(), Problem> {
    if name.starts_with("__") {
        return Err(Problem::ReservedLabel(name.into()));
    }
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let starts_well = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if starts_well && name.len() <= NAME_BYTES_MAX && name.bytes().all(is_valid) {
        Ok(())
    } else {
        Err(Problem::Name(shown(name)))
    }
}

/// # Errors
///
/// A metric's name that is invalid.
pub(super) fn check_metric_name(name: &str) -> Result<(), Problem> {
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':';
    let starts_well = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if starts_well && name.len() <= NAME_BYTES_MAX && name.bytes().all(is_valid) {
        Ok(())
    } else {
        Err(Problem::Name(shown(name)))
    }
}

/// As much of a text from outside as a message should repeat.
pub(super) fn shown(text: &str) -> String {
    const SHOWN_CHARACTERS: usize = 80;
    text.chars().take(SHOWN_CHARACTERS).collect()
}
