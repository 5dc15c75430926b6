//! `sources`: where log lines come from.
//!
//! `type` decides what else may be said, and then it is gone: an `alb` source is one whose format is
//! known, whose lines come late and which may have listener rules. Readers of [`Source`] look at those
//! and never ask for the type, so a new type costs a line here and none there.

use std::collections::BTreeSet;
use std::time::Duration;

use weir_ingest::{DiscoverError, check_pattern};
use weir_record::Format;

use super::duration::PrometheusDuration;
use super::error::ConfigError;
use super::keys;
use super::reader::{Field, Fields, quoted};

/// How long after its minute an ALB's line may come: a 5-minute file, its delivery, the queue.
pub const ALB_LATENESS: Duration = Duration::from_secs(12 * 60);

/// How long after its minute a tailed file's line may come.
pub const FILE_LATENESS: Duration = Duration::from_secs(10);

/// Nothing is complete before its lateness has passed, so `12d` for `12m` must not go unnoticed.
const LATENESS_MAX: Duration = Duration::from_secs(24 * 3600);

/// Each source is a task that looks at its files; a thousand is more than anybody has named.
const SOURCES_MAX: usize = 1000;

/// One source of log lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name, in metrics and queries; no two sources have the same.
    pub name: String,
    /// Files, folders and globs; at least one.
    pub paths: Vec<String>,
    /// The format of the lines; `None` is told from each file.
    pub format: Option<Format>,
    /// How late a line may be before its minute counts as complete.
    pub lateness: Duration,
    /// `describe-rules` files, as paths and globs, that tell target groups.
    pub listener_rules: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Alb,
    File,
}

/// Reads the list. A source that is wrong is left out, and its mistakes are reported.
pub fn read_all(field: Field, errors: &mut Vec<ConfigError>) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut names = BTreeSet::new();
    let items = field.items("a list of sources", errors);
    if let Some(item) = items.get(SOURCES_MAX) {
        let error = ConfigError::new(item.position(), format!("more than {SOURCES_MAX} sources"));
        errors.push(error.with_hint("give one source a list of paths, or globs"));
    }
    for item in items.into_iter().take(SOURCES_MAX) {
        let Some(fields) = item.fields(&keys::SOURCE, errors) else {
            continue;
        };
        let name = fields.require("name", errors).and_then(|field| read_name(field, &mut names, errors));
        sources.extend(read(&fields, name, errors));
    }
    sources
}

/// The names of all sources, of those with mistakes too: what refers to them is not a second mistake.
pub fn names<'a>(field: &Field<'a>) -> Vec<&'a str> {
    let mut names = field.peek_texts("name");
    names.truncate(SOURCES_MAX);
    names
}

/// Reads a name and reports it where an earlier item has the same.
fn read_name<'a>(
    field: Field<'a>,
    names: &mut BTreeSet<&'a str>,
    errors: &mut Vec<ConfigError>,
) -> Option<&'a str> {
    let is_name_char = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    let name = field.parse("a name of a-z, 0-9, `_` and `-`", errors, |name| {
        let is_name = !name.is_empty() && name.chars().all(is_name_char);
        if is_name { Ok(name) } else { Err("it becomes a label and a word in queries") }
    })?;
    if !names.insert(name) {
        let error = ConfigError::new(field.position(), format!("a second source is named {}", quoted(name)));
        errors
            .push(error.with_hint("give each source a name of its own, or give one source a list of paths"));
    }
    Some(name)
}

fn read(fields: &Fields, name: Option<&str>, errors: &mut Vec<ConfigError>) -> Option<Source> {
    let kind = fields
        .require("type", errors)
        .and_then(|field| field.one_of(&[("alb", Type::Alb), ("file", Type::File)], errors));
    let paths = fields.require("path", errors).map(|field| read_paths(field, errors)).unwrap_or_default();
    let lateness = fields.get("lateness").and_then(|field| read_lateness(field, errors));
    let format = fields.get("format").and_then(|field| read_format(field, kind, errors));
    let rules = fields.get("listener_rules").map(|field| read_rules(field, kind, errors));
    let kind = kind?;
    Some(Source {
        name: name?.to_owned(),
        paths,
        format: if kind == Type::Alb { Some(Format::Alb) } else { format },
        lateness: lateness.unwrap_or(if kind == Type::Alb { ALB_LATENESS } else { FILE_LATENESS }),
        listener_rules: rules.unwrap_or_default(),
    })
}

fn read_lateness(field: Field, errors: &mut Vec<ConfigError>) -> Option<Duration> {
    field.parse("a duration such as 12m", errors, |text| match text.parse::<PrometheusDuration>() {
        Ok(PrometheusDuration(duration)) if duration > LATENESS_MAX => {
            Err(format!("it may be at most {}", PrometheusDuration(LATENESS_MAX)))
        }
        Ok(PrometheusDuration(duration)) => Ok(duration),
        Err(error) => Err(error.to_string()),
    })
}

/// The format, `None` for `auto`; an `alb` source has no choice, so it may not name one.
fn read_format(field: Field, kind: Option<Type>, errors: &mut Vec<ConfigError>) -> Option<Format> {
    if kind == Some(Type::Alb) {
        let error = ConfigError::new(field.position(), "`format` is for `type: file` only");
        errors.push(error.with_hint("remove it: an `alb` source reads the format of load balancers"));
        return None;
    }
    let choices = [
        ("auto", None),
        (Format::Alb.name(), Some(Format::Alb)),
        (Format::NginxJson.name(), Some(Format::NginxJson)),
        (Format::Combined.name(), Some(Format::Combined)),
    ];
    field.one_of(&choices, errors).flatten()
}

fn read_rules(field: Field, kind: Option<Type>, errors: &mut Vec<ConfigError>) -> Vec<String> {
    if kind == Some(Type::File) {
        let error = ConfigError::new(field.position(), "`listener_rules` is for `type: alb` only");
        errors.push(error.with_hint("remove it, or make this source `type: alb`"));
        return Vec::new();
    }
    read_paths(field, errors)
}

fn read_paths(field: Field, errors: &mut Vec<ConfigError>) -> Vec<String> {
    let items = field.one_or_more("a path or glob", errors);
    items.into_iter().filter_map(|item| read_path(item, errors)).collect()
}

fn read_path(field: Field, errors: &mut Vec<ConfigError>) -> Option<String> {
    field.parse("a path or glob", errors, |text| {
        if text.trim().is_empty() {
            return Err("write a file, a folder or a glob such as logs/**/*.log.gz".to_owned());
        }
        if text.contains("://") {
            return Err("a source reads files and folders of this machine".to_owned());
        }
        match check_pattern(text) {
            Ok(()) => Ok(text.to_owned()),
            Err(DiscoverError::BadPattern { reason, .. }) => Err(reason),
            Err(error) => Err(error.to_string()),
        }
    })
}
