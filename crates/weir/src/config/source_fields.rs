//! `add_field`, `tags` and `set_type`: what the config says about each record of a source.
//!
//! Beaver's keys per file, so that what was found by them is found as before. They come on top of a record and
//! stand behind what its sender says of it. `type` is taken here by the kind of source, so the field of that name
//! is set by `set_type`.

use std::collections::BTreeMap;

use weir_record::{Overlay, Value, canonical_name};

use super::error::ConfigError;
use super::reader::{Field, Fields, quoted};
use super::source::Type;

/// Fields of one source; each record has them all.
const FIELDS_MAX: usize = 100;

/// The longest name and the longest text, in bytes.
const NAME_BYTES_MAX: usize = 256;
const TEXT_BYTES_MAX: usize = 4096;

/// Fields that a record has from elsewhere, and cannot be given.
const OWN_FIELDS: [&str; 2] = ["@timestamp", "source"];

/// What is said about each record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceFields {
    /// Fields and their texts.
    pub add: BTreeMap<String, String>,
    /// The field `tags`.
    pub tags: Vec<String>,
    /// The field `type`.
    pub kind: Option<String>,
}

impl SourceFields {
    /// The same, to come on top of records.
    pub fn overlay(&self) -> Overlay<'static> {
        let mut overlay = Overlay::default();
        for (name, text) in &self.add {
            overlay.set(name.clone(), Value::Text(text.clone().into()));
        }
        if let Some(kind) = &self.kind {
            overlay.set("type", Value::Text(kind.clone().into()));
        }
        if !self.tags.is_empty() {
            let tags = serde_json::json!(self.tags);
            overlay.set("tags", Value::Json(tags.to_string().into()));
        }
        overlay
    }
}

/// Reads the keys.
pub fn read(fields: &Fields, kind: Option<Type>, errors: &mut Vec<ConfigError>) -> SourceFields {
    let mut key = |name| {
        let field = fields.get(name)?;
        if kind == Some(Type::File) || kind.is_none() {
            return Some(field);
        }
        let error = ConfigError::new(field.position(), format!("`{name}` is for `type: file` only"));
        errors.push(error.with_hint("remove it"));
        None
    };
    let (add, tags, set_type) = (key("add_field"), key("tags"), key("set_type"));
    SourceFields {
        add: add.map(|field| read_add(field, errors)).unwrap_or_default(),
        tags: tags.map(|field| read_tags(field, errors)).unwrap_or_default(),
        kind: set_type.and_then(|field| read_text(field, errors)).map(str::to_owned),
    }
}

fn read_add(field: Field, errors: &mut Vec<ConfigError>) -> BTreeMap<String, String> {
    let entries = field.entries("fields and their texts", errors).unwrap_or_default();
    if let Some(entry) = entries.get(FIELDS_MAX) {
        let message = format!("more than {FIELDS_MAX} fields in `add_field`");
        errors.push(ConfigError::new(entry.key_position, message));
    }
    let mut added = BTreeMap::new();
    for entry in entries.iter().take(FIELDS_MAX) {
        let hint = match canonical_name(entry.key) {
            name if OWN_FIELDS.contains(&name) => Some("a record has its time and its source from elsewhere"),
            "type" => Some("write `set_type` beside `add_field`"),
            "tags" => Some("write `tags` beside `add_field`"),
            _ if is_name(entry.key) => None,
            _ => {
                Some("letters, digits, `_`, `.`, `-` and `@` make a name, and it ends with a letter or digit")
            }
        };
        if let Some(hint) = hint {
            let message = format!("the field {} can't be added", quoted(entry.key));
            errors.push(ConfigError::new(entry.key_position, message).with_hint(hint));
        }
        if let Some(text) = read_text(entry.field(), errors) {
            added.insert(entry.key.to_owned(), text.to_owned());
        }
    }
    added
}

/// Whether a query can ask for a field of this name as it stands.
fn is_name(name: &str) -> bool {
    let is_name_char = |char: char| char.is_alphanumeric() || matches!(char, '_' | '.' | '-' | '@');
    name.len() <= NAME_BYTES_MAX
        && name.chars().all(is_name_char)
        && name.chars().last().is_some_and(|char| char.is_alphanumeric() || char == '_')
}

fn read_tags(field: Field, errors: &mut Vec<ConfigError>) -> Vec<String> {
    let mut tags = Vec::new();
    for item in field.items_at_most("a list of tags", FIELDS_MAX, errors) {
        let tag = read_text(item, errors).map(str::to_owned);
        tags.extend(tag.filter(|tag| !tags.contains(tag)));
    }
    tags
}

fn read_text<'a>(field: Field<'a>, errors: &mut Vec<ConfigError>) -> Option<&'a str> {
    field.parse("a text", errors, |text| match text {
        "" => Err("an empty text says nothing; remove it"),
        _ if text.len() > TEXT_BYTES_MAX => Err("a text has up to 4096 bytes"),
        _ => Ok(text),
    })
}
