//! Labels and annotations of alerts.
//!
//! Labels are an alert's identity and what it is routed by, so those that weir sets can't be set by others: a route
//! for `severity="page"` would match what a label says and not what the alert is.

use weir_alert::{Labels, Template, TemplateError};

use super::error::ConfigError;
use super::reader::{Field, quoted};

/// Labels or annotations of one alert.
const LABELS_MAX: usize = 32;

/// The longest text of an annotation, in bytes.
const TEXT_BYTES_MAX: usize = 8 << 10;

/// Which labels are weir's own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum LabelSet {
    /// Those of an SLA's alerts.
    Sla,
    /// Those of other alerts.
    Alert,
}

impl LabelSet {
    const fn own(self) -> &'static [&'static str] {
        match self {
            Self::Sla => &["alertname", "severity", "service", "sla", "source", "route", "method"],
            Self::Alert => &["alertname", "severity"],
        }
    }
}

/// Reads `labels`.
pub fn read(field: Field, set: LabelSet, errors: &mut Vec<ConfigError>) -> Labels {
    read_texts(field, set.own(), errors)
}

/// Reads `annotations`.
pub fn read_annotations(field: Field, errors: &mut Vec<ConfigError>) -> Labels {
    let annotations = read_texts(field, &[], errors);
    for entry in field.entries("names and texts", &mut Vec::new()).unwrap_or_default() {
        let Some(text) = annotations.get(entry.key) else { continue };
        if let Err(TemplateError { problem, hint, offset }) = Template::parse(text) {
            // Lines of a block begin elsewhere than in the file, so the place is told within the text.
            let message =
                format!("{}: {problem}, at character {} of the text", quoted(entry.key), offset + 1);
            errors.push(ConfigError::new(entry.field().position(), message).with_hint(hint));
        }
    }
    annotations
}

fn read_texts(field: Field, own: &[&str], errors: &mut Vec<ConfigError>) -> Labels {
    let mut labels = Labels::new();
    let entries = field.entries("names and texts", errors).unwrap_or_default();
    if let Some(entry) = entries.get(LABELS_MAX) {
        errors.push(ConfigError::new(entry.key_position, format!("more than {LABELS_MAX} names")));
    }
    for entry in entries.iter().take(LABELS_MAX) {
        let problem = if own.contains(&entry.key) {
            Some("weir sets this one itself")
        } else if !is_name(entry.key) {
            Some("a name is made of a-z, A-Z, 0-9 and `_`, and begins with no digit")
        } else {
            None
        };
        if let Some(hint) = problem {
            let message = format!("{} can't be a label", quoted(entry.key));
            errors.push(ConfigError::new(entry.key_position, message).with_hint(hint));
        }
        let text = entry.field().parse("text", errors, |text| match text.len() {
            0 => Err("write a text, or remove it"),
            1..=TEXT_BYTES_MAX => Ok(text),
            _ => Err("it may have 8 KiB"),
        });
        labels.extend(text.map(|text| (entry.key.into(), text.into())));
    }
    labels
}

/// Whether a label can be called so.
pub fn is_name(name: &str) -> bool {
    let is_name_char = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty()
        && name.chars().all(is_name_char)
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.starts_with("__")
}
