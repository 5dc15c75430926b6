//! `exclude`, `start_position` and `multiline` of a source that reads files.
//!
//! What they have in common is that they make sense of files alone, so each is refused where there are none.

use std::time::Duration;

use weir_ingest::{
    DiscoverError, ExcludedFiles, MULTILINE_LINES_DEFAULT, MULTILINE_TIMEOUT_DEFAULT, Multiline,
};
use weir_record::Format;

use super::byte_size::ByteSize;
use super::error::ConfigError;
use super::keys;
use super::reader::{Field, Fields, quoted};
use super::source::Type;

/// Patterns of one source; each is compared with each name at each look.
const EXCLUDE_MAX: usize = 100;

/// A line alone is no event of several lines; ten thousand are a dump that is no log.
const LINES_RANGE: (u64, u64) = (2, 10_000);

/// An event may be as long as a line may, unless the config says less.
const BYTES_RANGE: (ByteSize, ByteSize) = (ByteSize(1 << 10), ByteSize(64 << 20));

/// Shorter than a look makes no difference; what waits longer is not found by who looks for it.
const TIMEOUT_RANGE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));

/// How a source reads its files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileReading {
    /// Which files of its paths it leaves out.
    pub exclude: Vec<String>,
    /// Whether it passes over what is there when it is started for the first time.
    pub starts_at_end: bool,
    /// How lines become events, if not each is one.
    pub multiline: Option<MultilineEvents>,
}

/// Events of several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultilineEvents {
    /// What the first line of an event matches; a regular expression that was compiled once.
    pub start: String,
    /// How long the writer must pause for the last event to be complete.
    pub timeout: Duration,
    /// Lines of one event.
    pub lines_max: usize,
    /// Bytes of one event; `None` is as many as a line may have.
    pub bytes_max: Option<u64>,
}

impl FileReading {
    /// The patterns of files that are left out.
    pub fn excluded(&self) -> ExcludedFiles {
        // Checked when the config was read.
        ExcludedFiles::new(&self.exclude).unwrap_or_default()
    }
}

impl MultilineEvents {
    /// The same, ready to be used; a line may have `line_bytes_max`.
    pub fn compiled(&self, line_bytes_max: usize) -> Option<Multiline> {
        let bytes_max = self.bytes_max.and_then(|bytes| usize::try_from(bytes).ok());
        // Checked when the config was read.
        Some(Multiline {
            timeout: self.timeout,
            lines_max: self.lines_max,
            bytes_max: bytes_max.map_or(line_bytes_max, |bytes| bytes.min(line_bytes_max)),
            ..Multiline::new(&self.start).ok()?
        })
    }
}

/// Reads the keys; `format` is that of the lines.
pub fn read(
    fields: &Fields,
    kind: Option<Type>,
    format: Option<Format>,
    errors: &mut Vec<ConfigError>,
) -> FileReading {
    let mut key = |name| {
        let field = fields.get(name)?;
        if kind == Some(Type::File) || kind.is_none() {
            return Some(field);
        }
        let error = ConfigError::new(field.position(), format!("`{name}` is for `type: file` only"));
        errors.push(error.with_hint("remove it, or read the files with a source of `type: file`"));
        None
    };
    let (exclude, start, multiline) = (key("exclude"), key("start_position"), key("multiline"));
    let starts = [("beginning", false), ("end", true)];
    FileReading {
        exclude: exclude.map(|field| read_exclude(field, errors)).unwrap_or_default(),
        starts_at_end: start.and_then(|field| field.one_of(&starts, errors)).unwrap_or_default(),
        multiline: multiline.and_then(|field| read_multiline(field, kind, format, errors)),
    }
}

fn read_exclude(field: Field, errors: &mut Vec<ConfigError>) -> Vec<String> {
    let items = field.one_or_more("a glob", errors);
    if let Some(item) = items.get(EXCLUDE_MAX) {
        let message = format!("more than {EXCLUDE_MAX} patterns in `exclude`");
        errors.push(ConfigError::new(item.position(), message));
    }
    let read = items.into_iter().take(EXCLUDE_MAX).filter_map(|item| {
        item.parse("a glob such as *.gz", errors, |text| {
            if text.trim().is_empty() {
                return Err("it would leave out nothing".to_owned());
            }
            match ExcludedFiles::new(&[text.to_owned()]) {
                Ok(_) => Ok(text.to_owned()),
                Err(DiscoverError::BadPattern { reason, .. }) => Err(reason),
                Err(error) => Err(error.to_string()),
            }
        })
    });
    read.collect()
}

fn read_multiline(
    field: Field,
    kind: Option<Type>,
    format: Option<Format>,
    errors: &mut Vec<ConfigError>,
) -> Option<MultilineEvents> {
    let fields = field.fields(&keys::MULTILINE, errors)?;
    let is_of_requests = matches!(format, Some(Format::Alb | Format::NginxJson | Format::Combined));
    if kind.is_some() && (format.is_none() || is_of_requests) {
        let found = format.map_or("auto", Format::name);
        let message = format!("`multiline` is of no use with the format {}", quoted(found));
        let error = ConfigError::new(field.position(), message);
        errors.push(
            error.with_hint("name the format of the events, as in `format: text`; a request is one line"),
        );
    }
    let start = fields.require("start", errors).and_then(|field| read_start(field, errors));
    let timeout = fields.get("timeout").and_then(|field| field.duration("1s", TIMEOUT_RANGE, errors));
    let lines = fields
        .get("lines_max")
        .and_then(|field| field.whole_number(LINES_RANGE.0..=LINES_RANGE.1, errors))
        .and_then(|number| usize::try_from(number).ok());
    let bytes_max = fields.get("bytes_max").and_then(|field| field.size(BYTES_RANGE, errors));
    Some(MultilineEvents {
        start: start?,
        timeout: timeout.unwrap_or(MULTILINE_TIMEOUT_DEFAULT),
        lines_max: lines.unwrap_or(MULTILINE_LINES_DEFAULT),
        bytes_max,
    })
}

fn read_start(field: Field, errors: &mut Vec<ConfigError>) -> Option<String> {
    field.parse("a regular expression", errors, |text| Multiline::new(text).map(|_| text.to_owned()))
}
