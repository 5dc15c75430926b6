//! `redact`: what is taken out of every line before it is kept.
//!
//! Refused is what a line can't do without: a line whose time or status was taken out is no record any more, and
//! fields that weir itself gives a record are in no line.

use weir_enrich::{RULES_MAX, RedactRule};
use weir_query::Expression;
use weir_record::{FieldKind, canonical_name, known_field};

use super::error::ConfigError;
use super::keys;
use super::reader::{Field, Fields, quoted};
use super::selection;

/// Names in one rule; each is looked for in every line.
const NAMES_MAX: usize = 100;

/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 256;

/// Fields that are in no line as they are called, or that all counting is by.
const OWN_FIELDS: [&str; 6] = ["source", "type", "tags", "service", "route", "method"];

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redact {
    /// What is taken out.
    pub rule: RedactRule,
    /// Of which records; those that could not be read are always among them. `None`: of all.
    pub filter: Option<Expression>,
}

/// Reads the list.
pub fn read_all(field: Field, errors: &mut Vec<ConfigError>) -> Vec<Redact> {
    let items = field.items_at_most("a list of fields to redact", RULES_MAX, errors);
    let rules = items.into_iter().filter_map(|item| {
        let fields = item.fields(&keys::REDACT, errors)?;
        read(&fields, errors)
    });
    rules.collect()
}

fn read(fields: &Fields, errors: &mut Vec<ConfigError>) -> Option<Redact> {
    let filter = fields.get("where").map(|field| selection::read(field, errors));
    let rule = read_rule(fields, errors)?;
    // A query that is wrong would select all.
    Some(Redact { rule, filter: filter.map_or(Some(None), |filter| filter.map(Some))? })
}

/// Reads what is taken out.
pub fn read_rule(fields: &Fields, errors: &mut Vec<ConfigError>) -> Option<RedactRule> {
    let params = fields.get("params").map(|field| read_names(field, errors));
    let json_keys = fields.get("json_keys").map(|field| read_names(field, errors));
    let is_whole = params.is_none() && json_keys.is_none();
    let field = fields.require("field", errors).and_then(|field| read_field(field, is_whole, errors))?;
    Some(RedactRule {
        field: field.to_owned(),
        other_names: Vec::new(),
        params: params.unwrap_or_default(),
        json_keys: json_keys.unwrap_or_default(),
    })
}

fn read_names(field: Field, errors: &mut Vec<ConfigError>) -> Vec<String> {
    let items = field.some_items("a list of names", NAMES_MAX, errors);
    let read_name = |item: Field| {
        let name = item.text(errors)?;
        if name.len() > NAME_BYTES_MAX {
            errors.push(item.wrong("a short name", &quoted(name)));
        }
        Some(name.to_owned())
    };
    items.into_iter().filter_map(read_name).collect()
}

fn read_field<'a>(field: Field<'a>, is_whole: bool, errors: &mut Vec<ConfigError>) -> Option<&'a str> {
    let name = field.text(errors)?;
    if !is_whole {
        return Some(name);
    }
    let kind = known_field(name).map(|known| known.kind);
    let is_number = matches!(kind, Some(FieldKind::Time | FieldKind::Integer | FieldKind::Seconds));
    if is_number || OWN_FIELDS.contains(&canonical_name(name)) {
        let hint =
            "texts of the line can be redacted: not times, numbers, the method, or what weir itself adds";
        errors.push(field.wrong("a text of the line", &quoted(name)).with_hint(hint));
        return None;
    }
    Some(name)
}
