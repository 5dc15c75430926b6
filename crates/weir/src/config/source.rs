//! `sources`: where log lines come from.
//!
//! `type` decides what else may be said, and then it is gone: an `alb` source is one whose format is
//! known, whose lines come late, which may lie in a bucket and may have listener rules. Readers of
//! [`Source`] look at those and never ask for the type, so a new type costs a line here and none there.

use std::collections::BTreeSet;
use std::time::Duration;

use weir_record::{Format, InnerFormats};

use super::duration::PrometheusDuration;
use super::error::ConfigError;
use super::keep::{self, Keep};
use super::keys;
use super::listener_rules::{self, ListenerRulesApi};
use super::reader::{Field, Fields, quoted};
use super::source_fields::{self, SourceFields};
use super::source_files::{self, FileReading};
use super::source_format;
use super::source_input::{self, SourceInput};

/// How long after its minute an ALB's line may come: a 5-minute file, its delivery, the queue.
pub const ALB_LATENESS: Duration = Duration::from_secs(12 * 60);

/// How long after its minute a tailed file's line may come.
pub const FILE_LATENESS: Duration = Duration::from_secs(10);

/// Nothing is complete before its lateness has passed, so `12d` for `12m` must not go unnoticed.
const LATENESS_MAX: Duration = Duration::from_secs(24 * 3600);

/// What an object is known by is kept, unless the config says otherwise, as long as buckets of logs are.
pub const OBJECTS_RETENTION: Duration = Duration::from_secs(90 * 24 * 3600);

/// A shorter memory would count what is delivered twice within a day; ten years is for ever.
const OBJECTS_RETENTION_RANGE: (Duration, Duration) =
    (Duration::from_secs(24 * 3600), Duration::from_secs(10 * 365 * 24 * 3600));

/// Each source is a task that looks at its files; a thousand is more than anybody has named.
const SOURCES_MAX: usize = 1000;

/// One source of log lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name, in metrics and queries; no two sources have the same.
    pub name: String,
    /// Where its objects are.
    pub input: SourceInput,
    /// The format of the lines; `None` is told from each file.
    pub format: Option<Format>,
    /// The formats of lines that its messages wrap.
    pub inner_formats: InnerFormats,
    /// How late a line may be before its minute counts as complete.
    pub lateness: Duration,
    /// `describe-rules` files, as paths and globs, that tell target groups.
    pub listener_rules: Vec<String>,
    /// The same from AWS itself; `None` asks nobody.
    pub listener_rules_api: Option<ListenerRulesApi>,
    /// How long a counted object is remembered; one that comes again later is counted again.
    pub objects_retention: Duration,
    /// Which of its records can be searched.
    pub keep: Keep,
    /// How it reads files.
    pub files: FileReading,
    /// What the config says about each of its records.
    pub fields: SourceFields,
}

impl Source {
    /// A source of which the config says nothing else.
    pub fn new(name: &str, input: SourceInput, format: Option<Format>) -> Self {
        Self {
            name: name.to_owned(),
            input,
            format,
            inner_formats: InnerFormats::default(),
            lateness: FILE_LATENESS,
            listener_rules: Vec::new(),
            listener_rules_api: None,
            objects_retention: OBJECTS_RETENTION,
            keep: Keep::default(),
            files: FileReading::default(),
            fields: SourceFields::default(),
        }
    }
}

/// What a source reads, as far as its keys depend on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Access logs of load balancers.
    Alb,
    /// Access logs of nginx and Apache.
    File,
    /// What is written by HTTP.
    Http,
    /// Messages of GELF libraries.
    Gelf,
    /// Messages of syslog daemons and devices.
    Syslog,
    /// Lists and channels of Redis.
    Redis,
}

/// The types by their names.
const TYPES: [(&str, Type); 6] = [
    ("alb", Type::Alb),
    ("file", Type::File),
    ("gelf", Type::Gelf),
    ("redis", Type::Redis),
    ("syslog", Type::Syslog),
    ("http", Type::Http),
];

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
    let kind = fields.require("type", errors).and_then(|field| field.one_of(&TYPES, errors));
    let input = source_input::read(fields, kind, errors);
    let lateness = fields.get("lateness").and_then(|field| read_lateness(field, errors));
    let format = fields.get("format").and_then(|field| source_format::read(field, kind, errors));
    let rules = fields.get("listener_rules").map(|field| listener_rules::read_files(field, kind, errors));
    let rules_api =
        fields.get("listener_rules_api").and_then(|field| listener_rules::read_api(field, kind, errors));
    let retention = fields
        .get("objects_retention")
        .and_then(|field| field.duration("90d", OBJECTS_RETENTION_RANGE, errors));
    let keep = fields.get("keep").map(|field| keep::read(field, errors));
    let outer = format.as_ref().and_then(|format| format.outer);
    let files = source_files::read(fields, kind, outer, errors);
    let said = source_fields::read(fields, kind, errors);
    let (kind, format) = (kind?, format.unwrap_or_default());
    Some(Source {
        name: name?.to_owned(),
        input: input?,
        format: match kind {
            Type::Alb => Some(Format::Alb),
            Type::File | Type::Http => format.outer,
            Type::Gelf => Some(format.outer.unwrap_or(Format::Gelf)),
            Type::Syslog => Some(format.outer.unwrap_or(Format::Syslog)),
            Type::Redis => Some(format.outer.unwrap_or(Format::Beaver)),
        },
        inner_formats: format.inner,
        lateness: lateness.unwrap_or(if kind == Type::Alb { ALB_LATENESS } else { FILE_LATENESS }),
        listener_rules: rules.unwrap_or_default(),
        listener_rules_api: rules_api,
        objects_retention: retention.unwrap_or(OBJECTS_RETENTION),
        keep: keep.flatten().unwrap_or_default(),
        files,
        fields: said,
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
