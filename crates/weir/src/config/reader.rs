//! From nodes to values: each step either gives a value or reports why not, and goes on.
//!
//! Written by hand instead of deriving `serde::Deserialize`: a derived reader stops at the first
//! mistake, loses the places inside lists and interpolated values, and words its errors for
//! programmers. The price is one line per key in the files that use this one.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::byte_size::ByteSize;
use super::duration::PrometheusDuration;
use super::error::{ConfigError, Position};
use super::keys::{Section, did_you_mean, list};
use super::web_address::WebAddress;
use super::yaml::{Node, Value};

/// How much of a wrong value an error shows, in characters.
const SHOWN_CHARS_MAX: usize = 60;

/// The fields of one section: its known keys that hold something.
pub struct Fields<'a> {
    /// Where the section begins.
    pub position: Position,
    section: &'static Section,
    nodes: BTreeMap<&'a str, &'a Node>,
}

/// One key's value, or one item of a list.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    key: &'a str,
    is_item: bool,
    node: &'a Node,
}

impl<'a> Fields<'a> {
    /// Looks at the whole file.
    pub fn of_file(root: &'a Node, section: &'static Section, errors: &mut Vec<ConfigError>) -> Option<Self> {
        if !matches!(root.value, Value::Mapping(_) | Value::Reported) {
            let message = format!("a config should be keys and values, found {}", shown(&root.value));
            let error = ConfigError::new(root.position, message);
            errors.push(error.with_hint("write `key: value`, with a space after the colon"));
            return None;
        }
        Field { key: "", is_item: false, node: root }.fields(section, errors)
    }

    /// The value of `key`; `None` where it is not there or empty.
    pub fn get(&self, key: &'static str) -> Option<Field<'a>> {
        debug_assert!(self.section.keys.contains(&key), "`{key}` is missing from the table of keys");
        let node = self.nodes.get(key).filter(|node| node.value != Value::Null)?;
        Some(Field { key, is_item: false, node })
    }

    /// The value of `key`, which has no default.
    pub fn require(&self, key: &'static str, errors: &mut Vec<ConfigError>) -> Option<Field<'a>> {
        let field = self.get(key);
        if field.is_none() {
            let position = self.nodes.get(key).map_or(self.position, |node| node.position);
            errors.push(ConfigError::new(position, format!("`{key}` is missing in `{}`", self.section.path)));
        }
        field
    }
}

impl<'a> Field<'a> {
    /// Where the value begins.
    pub fn position(&self) -> Position {
        self.node.position
    }

    /// The fields of a section. Reports keys that it does not have, and those given twice: then the
    /// first counts.
    pub fn fields(&self, section: &'static Section, errors: &mut Vec<ConfigError>) -> Option<Fields<'a>> {
        let mut nodes = BTreeMap::new();
        for entry in self.entries("keys and values", errors)? {
            if section.keys.contains(&entry.key) {
                nodes.insert(entry.key, entry.node);
            } else {
                let place =
                    if section.path.is_empty() { String::new() } else { format!(" in `{}`", section.path) };
                let error =
                    ConfigError::new(entry.key_position, format!("unknown key {}{place}", quoted(entry.key)));
                errors.push(error.with_hint(section.hint_for_unknown(entry.key)));
            }
        }
        Some(Fields { position: self.node.position, section, nodes })
    }

    /// The entries of a mapping whose keys are no fixed set.
    pub fn entries(&self, expected: &str, errors: &mut Vec<ConfigError>) -> Option<Vec<Entry<'a>>> {
        let Value::Mapping(entries) = &self.node.value else {
            self.report_kind(expected, errors);
            return None;
        };
        let mut seen: BTreeMap<&str, Position> = BTreeMap::new();
        let mut kept = Vec::new();
        for (key, node) in entries {
            if let Some(Position { line, column }) = seen.get(key.text.as_str()) {
                let error = ConfigError::new(key.position, format!("{} is given twice", quoted(&key.text)));
                errors.push(error.with_hint(format!("the first is at {line}:{column}; remove one")));
                continue;
            }
            seen.insert(&key.text, key.position);
            kept.push(Entry { key: &key.text, key_position: key.position, node });
        }
        Some(kept)
    }

    /// The items of a list.
    pub fn items(&self, expected: &str, errors: &mut Vec<ConfigError>) -> Vec<Field<'a>> {
        let items = match &self.node.value {
            Value::Sequence(items) => items,
            Value::Mapping(_) => {
                errors.push(self.wrong(expected, "keys and values").with_hint("begin each item with `- `"));
                return Vec::new();
            }
            _ => {
                self.report_kind(expected, errors);
                return Vec::new();
            }
        };
        items.iter().map(|node| Field { key: self.key, is_item: true, node }).collect()
    }

    /// The items of a list, the first `items_max` of them. Reports a longer one.
    pub fn items_at_most(
        &self,
        expected: &str,
        items_max: usize,
        errors: &mut Vec<ConfigError>,
    ) -> Vec<Field<'a>> {
        let mut items = self.items(expected, errors);
        if let Some(item) = items.get(items_max) {
            let message = format!("more than {items_max} items in {}", quoted(self.key));
            errors.push(ConfigError::new(item.position(), message));
            items.truncate(items_max);
        }
        items
    }

    /// The same of a list that may not be empty.
    pub fn some_items(
        &self,
        expected: &str,
        items_max: usize,
        errors: &mut Vec<ConfigError>,
    ) -> Vec<Field<'a>> {
        if matches!(&self.node.value, Value::Sequence(items) if items.is_empty()) {
            errors.push(self.wrong(expected, "an empty list"));
        }
        self.items_at_most(expected, items_max, errors)
    }

    /// Whether a scalar stands there without quotes.
    pub fn is_plain(&self) -> bool {
        self.node.is_plain
    }

    /// Whether keys and values stand there.
    pub fn is_section(&self) -> bool {
        matches!(self.node.value, Value::Mapping(_))
    }

    /// The texts under `key` in each item of a list of sections, right or wrong; reports nothing.
    pub fn peek_texts(&self, key: &str) -> Vec<&'a str> {
        let Value::Sequence(items) = &self.node.value else {
            return Vec::new();
        };
        let text_of = |item: &'a Node| match &item.value {
            Value::Mapping(entries) => entries.iter().find_map(|(name, node)| match &node.value {
                Value::Scalar(text) if name.text == key => Some(text.as_str()),
                _ => None,
            }),
            _ => None,
        };
        items.iter().filter_map(text_of).collect()
    }

    /// The items of a list, or a text alone as a list of one. Reports an empty list.
    pub fn one_or_more(&self, expected: &str, errors: &mut Vec<ConfigError>) -> Vec<Field<'a>> {
        match &self.node.value {
            Value::Scalar(_) => vec![*self],
            Value::Sequence(items) if items.is_empty() => {
                errors.push(self.wrong(expected, "an empty list"));
                Vec::new()
            }
            _ => self.items(&format!("{expected} or a list of them"), errors),
        }
    }

    /// A text that `parse` understands; its error says why it does not, or what to write instead.
    pub fn parse<T, E: fmt::Display>(
        &self,
        expected: &str,
        errors: &mut Vec<ConfigError>,
        parse: impl FnOnce(&'a str) -> Result<T, E>,
    ) -> Option<T> {
        let Value::Scalar(text) = &self.node.value else {
            self.report_kind(expected, errors);
            return None;
        };
        match parse(text) {
            Ok(value) => Some(value),
            Err(hint) => {
                errors.push(self.wrong(expected, &quoted(text)).with_hint(hint.to_string()));
                None
            }
        }
    }

    /// Any text that is not blank and has no control characters, since it is shown in labels and lines.
    pub fn text(&self, errors: &mut Vec<ConfigError>) -> Option<&'a str> {
        self.parse("text", errors, |text| {
            let is_wrong = text.trim().is_empty() || text.contains(char::is_control);
            if is_wrong { Err("write text on one line, not blank") } else { Ok(text) }
        })
    }

    /// `true` or `false`.
    pub fn boolean(&self, errors: &mut Vec<ConfigError>) -> Option<bool> {
        self.one_of(&[("true", true), ("false", false)], errors)
    }

    /// The path of one file or folder of this machine; whether it is there is not asked.
    pub fn file_path(&self, errors: &mut Vec<ConfigError>) -> Option<PathBuf> {
        self.parse("a path", errors, |text| {
            let is_wrong = text.trim().is_empty() || text.contains("://") || text.contains(char::is_control);
            if is_wrong { Err("write the path of a file or folder of this machine") } else { Ok(text.into()) }
        })
    }

    /// An `http` or `https` address that `check` has nothing against; its error says what to write instead.
    pub fn address(
        &self,
        expected: &str,
        errors: &mut Vec<ConfigError>,
        check: impl FnOnce(WebAddress<'a>) -> Result<(), &'static str>,
    ) -> Option<&'a str> {
        let Value::Scalar(text) = &self.node.value else {
            self.report_kind(expected, errors);
            return None;
        };
        let checked = WebAddress::parse(text).and_then(|address| check(address).map_err(str::to_owned));
        if let Err(hint) = checked {
            // What stands before an `@` may be a password, and errors end up in logs.
            let found = if text.contains('@') { "one with `@` in it".to_owned() } else { quoted(text) };
            errors.push(self.wrong(expected, &found).with_hint(hint));
            return None;
        }
        Some(text)
    }

    /// A duration from `min` to `max`; `example` shows how one is written.
    pub fn duration(
        &self,
        example: &str,
        (min, max): (Duration, Duration),
        errors: &mut Vec<ConfigError>,
    ) -> Option<Duration> {
        let expected = format!("a duration such as {example}");
        self.parse(&expected, errors, |text| match text.parse::<PrometheusDuration>() {
            Ok(PrometheusDuration(duration)) if (min..=max).contains(&duration) => Ok(duration),
            Ok(_) => Err(format!("it may be {} to {}", PrometheusDuration(min), PrometheusDuration(max))),
            Err(error) => Err(error.to_string()),
        })
    }

    /// A size from `min` to `max`, in bytes.
    pub fn size(&self, (min, max): (ByteSize, ByteSize), errors: &mut Vec<ConfigError>) -> Option<u64> {
        self.parse("a size such as 1MiB", errors, |text| match text.parse::<ByteSize>() {
            Ok(size) if (min..=max).contains(&size) => Ok(size.0),
            Ok(_) => Err(format!("it may be {min} to {max}")),
            Err(error) => Err(error.to_string()),
        })
    }

    /// A whole number in `range`.
    pub fn whole_number(&self, range: RangeInclusive<u64>, errors: &mut Vec<ConfigError>) -> Option<u64> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let Value::Scalar(text) = &self.node.value else {
            self.report_kind(&expected, errors);
            return None;
        };
        let number = Some(text)
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|text| text.parse().ok())
            .filter(|number| range.contains(number));
        if number.is_none() {
            errors.push(self.wrong(&expected, &quoted(text)));
        }
        number
    }

    /// One of a few names.
    pub fn one_of<T: Copy>(&self, choices: &[(&'static str, T)], errors: &mut Vec<ConfigError>) -> Option<T> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let expected = list(&names, "or");
        let Value::Scalar(text) = &self.node.value else {
            self.report_kind(&expected, errors);
            return None;
        };
        let choice = choices.iter().find(|(name, _)| name == text);
        if choice.is_none() {
            let error = self.wrong(&expected, &quoted(text));
            errors.push(ConfigError { hint: did_you_mean(text, &names), ..error });
        }
        choice.map(|(_, value)| *value)
    }

    /// A mistake in this value, in words of the caller's.
    pub fn wrong(&self, expected: &str, found: &str) -> ConfigError {
        let name = if self.is_item { format!("an item of `{}`", self.key) } else { quoted(self.key) };
        ConfigError::new(self.node.position, format!("{name} should be {expected}, found {found}"))
    }

    fn report_kind(&self, expected: &str, errors: &mut Vec<ConfigError>) {
        if self.node.value != Value::Reported {
            errors.push(self.wrong(expected, &shown(&self.node.value)));
        }
    }
}

/// One key of a mapping with its value.
pub struct Entry<'a> {
    /// The key as written.
    pub key: &'a str,
    /// Where the key begins.
    pub key_position: Position,
    node: &'a Node,
}

impl<'a> Entry<'a> {
    /// The value.
    pub fn field(&self) -> Field<'a> {
        Field { key: self.key, is_item: false, node: self.node }
    }
}

/// `text` as an error shows it: in backticks, on one line, not too long.
pub fn quoted(text: &str) -> String {
    let start: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    let more = if start.len() < text.len() { "..." } else { "" };
    let escaped: String = start
        .chars()
        .flat_map(|c| if c.is_control() { c.escape_debug().collect() } else { vec![c] })
        .collect();
    format!("`{escaped}{more}`")
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null | Value::Reported => "nothing".to_owned(),
        Value::Scalar(text) => quoted(text),
        Value::Sequence(_) => "a list".to_owned(),
        Value::Mapping(_) => "keys and values".to_owned(),
    }
}
