//! `metrics.external_labels`: labels that tell this server's series from those of others.
//!
//! A label that a series has already stays as it is, as in Prometheus, so a name that all counted series
//! carry would be accepted and do nothing: it is refused.

use std::collections::BTreeMap;

use super::error::ConfigError;
use super::reader::{Field, quoted};

/// Receivers take about 30 labels a series (Mimir's default); the series' own need room too.
const LABELS_MAX: usize = 20;

/// The longest value, in bytes; receivers take 2048 (Mimir's default).
const VALUE_BYTES_MAX: usize = 1024;

/// Labels that the families carry by themselves.
const OWN_LABELS: [&str; 8] =
    ["api_method_end_point", "application", "host", "le", "path", "request_method", "status", "target_group"];

/// Reads the section: label and value, in the order of the labels.
pub fn read(field: Field, errors: &mut Vec<ConfigError>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let entries = field.entries("labels and their values", errors).unwrap_or_default();
    if let Some(entry) = entries.get(LABELS_MAX) {
        let message = format!("more than {LABELS_MAX} labels in `external_labels`");
        errors.push(ConfigError::new(entry.key_position, message));
    }
    for entry in entries.iter().take(LABELS_MAX) {
        if let Err(hint) = check_name(entry.key) {
            let message = format!("{} can't be an external label", quoted(entry.key));
            errors.push(ConfigError::new(entry.key_position, message).with_hint(hint));
        }
        let Some(value) = entry.field().text(errors) else { continue };
        if value.len() > VALUE_BYTES_MAX {
            let error = entry.field().wrong("a short text", &quoted(value));
            errors.push(error.with_hint(format!("a label's value may have {VALUE_BYTES_MAX} bytes")));
        }
        labels.insert(entry.key.to_owned(), value.to_owned());
    }
    labels
}

fn check_name(name: &str) -> Result<(), &'static str> {
    let is_name_char = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(is_name_char) || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("a label is made of a-z, A-Z, 0-9 and `_`, and begins with no digit");
    }
    if name.starts_with("__") {
        return Err("labels that begin with `__` are Prometheus' own");
    }
    if OWN_LABELS.contains(&name) {
        return Err("the series have this label already, and keep their value");
    }
    Ok(())
}
