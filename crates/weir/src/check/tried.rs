//! What becomes of each line of a file: the request or event that it is, what transforms make of it, what is taken
//! out of it, or why it is left out or no record.
//!
//! The lines go through the reader, the enricher, the transforms and the redaction of the real commands. Of a source
//! that is sent messages, each line is a message that has just come.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, bail};
use weir_enrich::{Changes, Enricher, Outcome as Shaped, Scratch};
use weir_ingest::{ObjectLine, ObjectReader, Outcome};
use weir_record::{
    Format, InnerFormats, Line, LineParser, MessageParser, Overlay, Record, RecordContext, RecordFields,
    Reject, Request, Timestamp, Value,
};

use crate::clock;
use crate::config::{Config, Source, SourceInput};
use crate::output::{harmless, say};
use crate::search::enriched_context;
use crate::serve::Redaction;
use crate::setup;
use crate::shaping::Shaping;

/// How much of a value is shown, in characters.
const SHOWN_CHARS_MAX: usize = 200;

/// Prints what becomes of each line of a file, as one of the source that is named, or that reads it.
///
/// # Errors
///
/// A source that the config lacks, or a file that cannot be read.
pub fn try_lines(
    file: &Path,
    source_name: Option<&str>,
    config: &Config,
    enricher: &Enricher,
) -> anyhow::Result<()> {
    let source = match source_name {
        Some(name) => Some(named(config, name)?),
        None => config.sources.iter().find(|source| reads(source, file)).or(config.sources.first()),
    };
    let mut trial = Trial {
        source: source.map_or("", |source| source.name.as_str()),
        messages: source.filter(|source| takes_messages(source)).map(|source| {
            let bytes_max = setup::read_limits(&config.limits).line_bytes;
            Messages { inner: &source.inner_formats, bytes_max, received_at: clock::now(), parser: None }
        }),
        enricher,
        shaping: Shaping::new(config)?,
        redaction: Redaction::new(config)?,
        scratch: Scratch::default(),
    };
    // A message may be of any format that its source says; a line that is none is shown as a reject.
    let format = source.and_then(|source| source.format).or(trial.messages.as_ref().map(|_| Format::Ndjson));
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut written = Ok(());
    let each = |line: ObjectLine<'_, '_>| {
        let shown = trial.line(line);
        if written.is_ok() {
            written = writeln!(out, "{shown}");
        }
    };
    let mut reader = ObjectReader::new(setup::read_limits(&config.limits));
    let outcome = if file == Path::new("-") {
        reader.read_stream(io::stdin().lock(), format, each)
    } else {
        reader.read_file(file, format, each)
    };
    let outcome = outcome.with_context(|| format!("cannot try the lines of {}", file.display()))?;
    written.and_then(|()| out.flush()).context("cannot write what becomes of the lines")?;
    if let Outcome::Skipped(kind) = outcome {
        say(&format_args!("{} would be skipped: {} hold no requests", file.display(), kind.description()));
    }
    Ok(())
}

fn named<'c>(config: &'c Config, name: &str) -> anyhow::Result<&'c Source> {
    let Some(source) = config.sources.iter().find(|source| source.name == name) else {
        let names: Vec<&str> = config.sources.iter().map(|source| source.name.as_str()).collect();
        bail!("the config has no source `{name}`; it has {}", names.join(", "));
    };
    Ok(source)
}

/// Whether a source's paths name this file.
fn reads(source: &Source, file: &Path) -> bool {
    let SourceInput::Files(paths) = &source.input else { return false };
    let Ok(file) = file.canonicalize() else { return false };
    let is_it = |path: &std::path::PathBuf| path.canonicalize().is_ok_and(|path| path == file);
    paths.iter().filter_map(|path| weir_ingest::discover(path).ok()).flatten().any(|path| is_it(&path))
}

/// Whether what comes of a source is a message, which may hold a line of another format.
fn takes_messages(source: &Source) -> bool {
    let is_read = matches!(source.input, SourceInput::Files(_) | SourceInput::Sqs(_) | SourceInput::S3(_));
    !is_read || !source.inner_formats.is_empty()
}

/// What the lines go through.
struct Trial<'c> {
    source: &'c str,
    messages: Option<Messages<'c>>,
    enricher: &'c Enricher,
    shaping: Shaping,
    redaction: Redaction,
    scratch: Scratch,
}

/// How messages of a source are read.
struct Messages<'c> {
    inner: &'c InnerFormats,
    bytes_max: usize,
    received_at: Timestamp,
    parser: Option<MessageParser>,
}

impl Trial<'_> {
    fn line(&mut self, line: ObjectLine<'_, '_>) -> String {
        let line = match line {
            ObjectLine::Line(line) => line,
            ObjectLine::Long(number, why) => return rejected(number, &why),
        };
        let Some(Messages { inner, bytes_max, received_at, parser }) = &mut self.messages else {
            return self.record(&line);
        };
        let new = || MessageParser::new(line.outer, inner, *bytes_max);
        let (received_at, number) = (*received_at, line.number);
        let mut parser = parser.take().unwrap_or_else(new);
        let mut shown = String::new();
        parser.parse(line.bytes, received_at, |message| {
            shown = self.record(&Line { number, ..message });
        });
        if let Some(messages) = &mut self.messages {
            messages.parser = Some(parser);
        }
        shown
    }

    fn record(&mut self, line: &Line<'_, '_>) -> String {
        let record = match line.outcome {
            Ok(record) => record,
            Err(why) => return rejected(line.number, why),
        };
        let plain = line.context(self.source);
        let (mut shown, context) = match record {
            Record::Request(request) => {
                let enriched = self.enricher.enrich(self.source, request, &mut self.scratch);
                (describe(request, &enriched), enriched_context(plain, &enriched))
            }
            Record::Event(event) => {
                (format!("event time={} (it has no request to count)", event.time), plain)
            }
        };
        shown.insert_str(0, &format!("{}: ", line.number));
        let changes = match self.shaping.apply(record, &context) {
            Shaped::Kept(changes) => changes,
            Shaped::Dropped(why) => {
                // Writing to a text never fails.
                let _ = write!(
                    shown,
                    "\n    left out by `transforms` ({}): neither counted nor kept",
                    why.label()
                );
                return shown;
            }
        };
        match record {
            _ if self.messages.is_none() => {}
            Record::Request(_) => push_fields(&mut shown, "said", context.overlay),
            Record::Event(_) => push_all(&mut shown, &RecordFields::new(record, context)),
        }
        push_changes(&mut shown, &changes);
        push_redacted(&mut shown, &self.redaction, record, &context, &changes);
        shown
    }
}

/// Adds what is kept of the line, if that is another one.
fn push_redacted(
    shown: &mut String,
    redaction: &Redaction,
    record: Record<'_>,
    context: &RecordContext<'_>,
    changes: &Changes<'_>,
) {
    let mut overlay = context.overlay.clone();
    overlay.extend(&changes.overlay);
    let context = RecordContext { overlay: &overlay, ..*context };
    let rules = redaction.rules(|| RecordFields::new(record, context)).and(changes.redact);
    let kept = redaction.line(context.format, context.line, rules);
    if *kept != *context.line {
        // Only what is a record without it is kept.
        let mut is_record = false;
        let mut parser = LineParser::new(context.format, usize::MAX);
        parser.received_at(record.time());
        parser.parse_message(&kept, |line| is_record = line.outcome.is_ok());
        let what = if is_record { "kept as" } else { "counted and not kept; it would be" };
        let _ = write!(shown, "\n    {what}: {}", shortened(&weir_record::logged_text(&kept)));
    }
    for (name, value) in overlay.set_fields() {
        if let Some(value) = redaction.value(name, value, rules) {
            let _ = write!(shown, "\n    kept as: {}={}", harmless(name), shown_value(&value));
        }
    }
}

fn rejected(number: u64, why: &Reject) -> String {
    format!("{number}: reject ({}): {why}", why.reason.label())
}

/// Adds the fields that are set or removed, each in a line of its kind.
fn push_changes(shown: &mut String, changes: &Changes<'_>) {
    push_fields(shown, "set", &changes.overlay);
    let removed: Vec<String> = changes
        .overlay
        .names()
        .filter(|name| changes.overlay.get(name) == Some(None))
        .map(harmless)
        .collect();
    if !removed.is_empty() {
        let _ = write!(shown, "\n    removed: {}", removed.join(" "));
    }
}

/// Adds every field of an event.
fn push_all(shown: &mut String, fields: &RecordFields<'_>) {
    shown.push_str("\n    fields:");
    fields.for_each(&mut |name, value| {
        if !matches!(name, "@timestamp" | "source") {
            let _ = write!(shown, " {}={}", harmless(name), shown_value(&value));
        }
    });
}

fn push_fields(shown: &mut String, what: &str, overlay: &Overlay<'_>) {
    let fields: Vec<String> = overlay
        .set_fields()
        .map(|(name, value)| format!("{}={}", harmless(name), shown_value(value)))
        .collect();
    if !fields.is_empty() {
        let _ = write!(shown, "\n    {what}: {}", fields.join(" "));
    }
}

fn shown_value(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => format!("\"{}\"", shortened(text)),
        Value::Json(text) => shortened(text),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Time(time) => time.to_string(),
    }
}

fn shortened(text: &str) -> String {
    let start: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    let more = if start.len() < text.len() { "..." } else { "" };
    format!("{}{more}", harmless(&start))
}

/// The fields that decide how a request is counted, one `name=value` each.
fn describe(request: &Request<'_>, enriched: &weir_enrich::Enriched<'_>) -> String {
    let seconds = |micros: Option<u64>| micros.map(|micros| format!("{}s", micros as f64 / 1e6));
    let fields = [
        ("time", Some(request.time.to_string())),
        ("service", enriched.service.map(|service| service.name.clone())),
        ("host", Some(enriched.host.to_owned())),
        ("method", Some(enriched.method.to_owned())),
        ("route", Some(enriched.route.to_owned())),
        ("status", request.status.map(|status| status.to_string())),
        ("target_status", request.target_status.map(|status| status.to_string())),
        ("request_time", seconds(request.request_time_us)),
        ("upstream_time", seconds(request.upstream_time_us)),
        ("target_group", Some(enriched.target_group.to_owned()).filter(|group| !group.is_empty())),
    ];
    let shown = fields.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", harmless(&value?))));
    shown.collect::<Vec<_>>().join(" ")
}
