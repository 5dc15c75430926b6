//! The line that a record came from, read again where the store keeps no lines.
//!
//! A file may have been rotated, packed, emptied or exchanged since, and of a file that was followed nobody knows
//! which line was where. So the line is not found by its place: lines are read as they were when they were counted,
//! and the one that gives the same record is it. What is shown of it is shaped and redacted as if it were kept. That
//! also makes it harmless: of a file nothing is ever shown but a line whose fields are in the store already.

mod copies;
mod sought;

use std::path::Path;
use std::time::Duration;

use tokio::runtime::Handle;
use weir_ingest::s3::{AwsClients, ObjectReference};
use weir_ingest::{ObjectReader, TextReading, open_log};
use weir_record::Value;
use weir_store::{Cancel, Cursor, Hit, Limits};
use weir_web::{AdminProblem, LineAnswer, LineQuery, ProblemKind};

use self::copies::copies_of;
use self::sought::Sought;
use super::backfill::aws_access;
use super::desk::Inner;
use super::object_sink::open_body;
use super::replay::reference;
use super::sources::aws_settings;
use crate::config::{AwsAccess, SourceInput};

/// How long a line is looked for: some gigabytes of text.
pub const SEARCH_MAX: Duration = Duration::from_secs(10);

/// The line of the record that `query` names. Runs on a thread that may wait.
///
/// # Errors
///
/// An id that no record has, and a store that cannot be read. A line that is nowhere any more is no error.
pub fn read(desk: &Inner, query: &LineQuery, cancel: &Cancel) -> Result<LineAnswer, AdminProblem> {
    let place: Cursor = query.id.parse().map_err(|_| {
        let hint = "pass on the _id of a hit as it is";
        AdminProblem::new(ProblemKind::BadRequest, "the id is none that a record has", hint)
    })?;
    let found = desk.shared.store.view().record(place, &Limits::default(), cancel);
    let found = found.map_err(|failure| {
        AdminProblem::new(ProblemKind::Failed, failure.to_string(), "look at the server's log")
    })?;
    let record = found.ok_or_else(|| {
        let hint = "it may be older than the retention, or deleted; of what is shown live some is not kept";
        AdminProblem::new(ProblemKind::NotFound, "there is no such record any more", hint)
    })?;
    let origin = text_field(&record, "_origin");
    if let Some(Value::Text(raw)) = record.field("_raw") {
        return Ok(LineAnswer { line: Some(raw.to_string()), is_kept: true, origin, why_not: None });
    }
    Ok(match find(desk, &record, &origin, cancel) {
        Ok((line, origin)) => LineAnswer { line: Some(line), is_kept: false, origin, why_not: None },
        Err(why_not) => LineAnswer { line: None, is_kept: false, origin, why_not: Some(why_not) },
    })
}

fn text_field(record: &Hit, name: &str) -> String {
    match record.field(name) {
        Some(Value::Text(text)) => text.to_string(),
        _ => String::new(),
    }
}

/// The line and where it is, or why it cannot be had.
fn find(desk: &Inner, record: &Hit, origin: &str, cancel: &Cancel) -> Result<(String, String), String> {
    let source = text_field(record, "source");
    let index = desk.find(&source).ok_or_else(|| format!("the config has no source `{source}` any more"))?;
    let configured = &desk.sources[index];
    let intake = &desk.intakes[index];
    let events = configured.files.multiline.as_ref();
    let mut reader = ObjectReader::new(intake.limits);
    reader.set_reading(TextReading {
        multiline: events.and_then(|events| events.compiled(intake.limits.line_bytes)),
        inner_formats: intake.inner_formats.clone(),
        received_at: Some(record.time),
    });
    let sought = Sought::new(intake, record, cancel);
    match &configured.input {
        SourceInput::Files(_) => in_files(&mut reader, &sought, Path::new(origin)),
        SourceInput::Sqs(_) | SourceInput::S3(_) => {
            let object = reference(origin).ok_or("nothing tells which object it was")?;
            let access = aws_access(configured);
            in_object(&mut reader, &sought, &object, &access)
        }
        SourceInput::Http | SourceInput::Sockets(_) | SourceInput::Redis(_) => {
            Err("it came over the network, where nobody has it any more; store.keep_raw keeps lines"
                .to_owned())
        }
    }
}

fn in_files(
    reader: &mut ObjectReader,
    sought: &Sought<'_>,
    origin: &Path,
) -> Result<(String, String), String> {
    let mut problem = None;
    for path in copies_of(origin, sought.time()) {
        let name = path.to_string_lossy().into_owned();
        let open = || {
            let file = open_log(&path)?;
            let size = file.metadata()?.len();
            Ok((file, size))
        };
        match sought.read(reader, &name, open) {
            Ok(Some(line)) => return Ok((line, name)),
            // Of what lies beside the file nothing is said, not even that it is there.
            Err(why) if path == origin => problem = Some(format!("{name}: {why}")),
            Ok(None) | Err(_) => {}
        }
        if sought.is_over() {
            return Err(too_long(&name));
        }
    }
    Err(problem.unwrap_or_else(|| "no file there has a line that gives this record any more".to_owned()))
}

fn in_object(
    reader: &mut ObjectReader,
    sought: &Sought<'_>,
    object: &ObjectReference,
    access: &AwsAccess,
) -> Result<(String, String), String> {
    let runtime = Handle::current();
    let fetched = runtime.block_on(async {
        let client = AwsClients::load(&aws_settings(access)).await.s3();
        client.get(object).await.map_err(|error| error.to_string())
    })?;
    let origin = object.url();
    let found = sought.read(reader, &object.key, || open_body(fetched.body, &runtime))?;
    match found {
        Some(line) => Ok((line, origin)),
        None if sought.is_over() => Err(too_long(&origin)),
        None => Err("the object has no line that gives this record any more".to_owned()),
    }
}

fn too_long(name: &str) -> String {
    format!("it was not found within {} s; look for it in {name}", SEARCH_MAX.as_secs())
}

#[cfg(test)]
mod tests;
