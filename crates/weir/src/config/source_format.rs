//! `sources[].format`: what the lines and messages of a source are.
//!
//! A word, or a section for shippers that wrap lines of several kinds: which field tells them apart, what its values
//! mean, and what everything else is.

use weir_record::{Format, InnerFormats, canonical_name};

use super::error::ConfigError;
use super::keys;
use super::reader::{Field, quoted};
use super::source::Type;

/// Kinds of lines in one source; each is looked for in every message.
const INNER_FORMATS_MAX: usize = 100;

/// What the lines of a source are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceFormat {
    /// The format of a line or message; `None` is told by the content.
    pub outer: Option<Format>,
    /// The formats of lines that messages wrap.
    pub inner: InnerFormats,
}

/// Reads the value; an `alb` source has no choice, so it may not name one.
pub fn read(field: Field, kind: Option<Type>, errors: &mut Vec<ConfigError>) -> Option<SourceFormat> {
    if kind == Some(Type::Alb) {
        let error = ConfigError::new(field.position(), "`format` is not for `type: alb`");
        errors.push(error.with_hint("remove it: an `alb` source reads the format of load balancers"));
        return None;
    }
    if !field.is_section() {
        let outer = read_name(field, errors)?;
        return Some(SourceFormat { outer, inner: InnerFormats::default() });
    }
    let fields = field.fields(&keys::FORMAT, errors)?;
    let by = fields.require("by", errors).and_then(|field| field.text(errors));
    let map = fields.require("map", errors).map(|field| read_map(field, errors));
    let outer = fields.require("default", errors).and_then(|field| read_name(field, errors));
    Some(SourceFormat { outer: outer?, inner: InnerFormats { by: canonical_name(by?).into(), map: map? } })
}

fn read_name(field: Field, errors: &mut Vec<ConfigError>) -> Option<Option<Format>> {
    let mut choices = vec![("auto", None)];
    choices.extend(Format::ALL.map(|format| (format.name(), Some(format))));
    field.one_of(&choices, errors)
}

fn read_map(field: Field, errors: &mut Vec<ConfigError>) -> Vec<(Box<str>, Format)> {
    let entries = field.entries("values and the formats they mean", errors).unwrap_or_default();
    if let Some(entry) = entries.get(INNER_FORMATS_MAX) {
        let message = format!("more than {INNER_FORMATS_MAX} formats, at {}", quoted(entry.key));
        errors.push(ConfigError::new(entry.field().position(), message));
    }
    let read = entries.iter().take(INNER_FORMATS_MAX).filter_map(|entry| {
        let choices = Format::ALL.map(|format| (format.name(), format));
        Some((entry.key.into(), entry.field().one_of(&choices, errors)?))
    });
    read.collect()
}
