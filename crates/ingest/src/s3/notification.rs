//! What a message says about objects: the one place that knows the shapes in which S3's events travel.
//!
//! The same event comes bare, in SNS's envelope, or as an EventBridge event, depending on how somebody wired the
//! bucket years ago; nobody should have to tell weir which. So the shape is told by content. A message is read as
//! loose JSON and not by strict types: one record that cannot be read must not take the others with it, and S3's
//! version counter rises without asking. The cost is about thirty times the body in memory, for an instant.

use serde_json::Value;

use super::object_reference::{
    BUCKET_BYTES_MAX, KEY_BYTES_MAX, ObjectReference, form_decoded, shown, unquoted_etag,
};

/// The largest message that is read, in bytes: what SQS carries at most.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// Envelopes within each other. SNS to SQS is one, EventBridge to SNS to SQS two.
pub const ENVELOPES_MAX: usize = 3;

/// Records in one message. S3 sends one; a message of the largest size has room for about this many.
pub const RECORDS_MAX: usize = 10_000;

/// The longest version, entity tag or sequencer, in bytes; S3's own have fewer than 100.
const IDENTIFIER_BYTES_MAX: usize = 1024;

/// The only major version of S3's event structure that is known.
const MAJOR_VERSION: &str = "2";

/// What one message said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notification {
    /// The objects that were created, in the order of the message.
    pub objects: Vec<ObjectReference>,
    /// Records that are none of ours: removed objects, changed tags, S3's test event.
    pub ignored: u64,
    /// The records that could not be read; the others count nevertheless.
    pub errors: Vec<RecordError>,
}

/// Why one record of a message could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {number}: {reason}")]
pub struct RecordError {
    /// Its place in the message, from 1.
    pub number: usize,
    /// What is wrong, which value, what to do.
    pub reason: String,
}

/// Why nothing of a message could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotificationError {
    /// It has too many bytes.
    #[error("the message has {bytes} bytes, more than {bytes_max}; nothing that S3 sends is that large")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The most that is read.
        bytes_max: usize,
    },
    /// It is not JSON.
    #[error("the message is not JSON: {detail}; point only S3 notifications at this queue")]
    NotJson {
        /// The parser's word, with line and column.
        detail: String,
    },
    /// It has too many envelopes.
    #[error(
        "the message has more than {ENVELOPES_MAX} envelopes within each other; turn on raw message delivery"
    )]
    TooManyEnvelopes,
    /// It has too many records.
    #[error(
        "the message has {records} records, more than {RECORDS_MAX}; nothing that S3 sends has that many"
    )]
    TooManyRecords {
        /// How many it has.
        records: usize,
    },
    /// It is JSON, but about something else.
    #[error("the message is no S3 notification: {detail}")]
    UnknownShape {
        /// What it is or lacks, and what to do.
        detail: String,
    },
}

impl NotificationError {
    /// The value of the label `reason`.
    pub fn label(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "message_too_large",
            Self::NotJson { .. } => "message_not_json",
            Self::TooManyEnvelopes => "message_too_many_envelopes",
            Self::TooManyRecords { .. } => "message_too_many_records",
            Self::UnknownShape { .. } => "message_unknown_shape",
        }
    }

    pub(crate) fn unknown_shape(detail: impl Into<String>) -> Self {
        Self::UnknownShape { detail: detail.into() }
    }
}

/// Reads the body of a message: an S3 event, S3's test event, SNS's envelope of one, or an EventBridge event.
///
/// # Errors
///
/// [`NotificationError`] when nothing of it could be read; what is wrong with single records is in the result.
pub fn read_notification(body: &[u8]) -> Result<Notification, NotificationError> {
    read_enveloped(body, 0)
}

/// Reads a body that was taken out of `envelopes` envelopes.
fn read_enveloped(body: &[u8], envelopes: usize) -> Result<Notification, NotificationError> {
    let message = parse(body, MESSAGE_BYTES_MAX)?;
    match inner_message(&message)? {
        Some(_) if envelopes == ENVELOPES_MAX => Err(NotificationError::TooManyEnvelopes),
        Some(inner) => read_enveloped(inner.as_bytes(), envelopes + 1),
        None => read_event(&message),
    }
}

/// JSON of a bounded size; an unescaped depth is bounded by the parser itself.
pub(crate) fn parse(body: &[u8], bytes_max: usize) -> Result<Value, NotificationError> {
    if body.len() > bytes_max {
        return Err(NotificationError::TooLarge { bytes: body.len(), bytes_max });
    }
    serde_json::from_slice(body).map_err(|error| NotificationError::NotJson { detail: error.to_string() })
}

/// The text inside SNS's envelope; `None` where there is no envelope.
fn inner_message(message: &Value) -> Result<Option<&str>, NotificationError> {
    let Some(inner) = message.get("Message") else {
        return Ok(None);
    };
    match (message.get("Type").and_then(Value::as_str), inner) {
        (None | Some("Notification"), Value::String(inner)) => Ok(Some(inner)),
        (Some("SubscriptionConfirmation"), _) => Err(NotificationError::unknown_shape(
            "SNS asks to confirm a subscription; open the SubscribeURL of the message once",
        )),
        _ => Err(NotificationError::unknown_shape("`Message` stands in no envelope of SNS")),
    }
}

/// Reads an event that is in no envelope.
pub(crate) fn read_event(event: &Value) -> Result<Notification, NotificationError> {
    if let Some(records) = event.get("Records") {
        return read_records(records);
    }
    if event.get("detail-type").is_some() {
        return read_event_bridge(event);
    }
    if event.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(Notification { ignored: 1, ..Notification::default() });
    }
    Err(NotificationError::unknown_shape(
        "it has neither `Records` nor `detail-type`; point only S3 notifications at this queue",
    ))
}

fn read_records(records: &Value) -> Result<Notification, NotificationError> {
    let Value::Array(records) = records else {
        return Err(NotificationError::unknown_shape("`Records` is not an array"));
    };
    if records.len() > RECORDS_MAX {
        return Err(NotificationError::TooManyRecords { records: records.len() });
    }
    let mut notification = Notification::default();
    for (index, record) in records.iter().enumerate() {
        notification.add(index + 1, read_record(record));
    }
    Ok(notification)
}

impl Notification {
    fn add(&mut self, number: usize, outcome: Result<Option<ObjectReference>, String>) {
        match outcome {
            Ok(Some(object)) => self.objects.push(object),
            Ok(None) => self.ignored += 1,
            Err(reason) => self.errors.push(RecordError { number, reason }),
        }
    }
}

/// A record of S3's own structure; `None` for anything but a created object.
///
/// Source: S3 user guide, "Event message structure". Other servers write `s3:ObjectCreated:Put` for the name.
fn read_record(record: &Value) -> Result<Option<ObjectReference>, String> {
    let version = text(record, "eventVersion")?.ok_or("`eventVersion` is missing")?;
    if version.split('.').next() != Some(MAJOR_VERSION) {
        return Err(format!(
            "`eventVersion` is `{}`, and only {MAJOR_VERSION}.x is known; look for a newer weir",
            shown(version)
        ));
    }
    let name = text(record, "eventName")?.ok_or("`eventName` is missing")?;
    if !name.strip_prefix("s3:").unwrap_or(name).starts_with("ObjectCreated:") {
        return Ok(None);
    }
    let s3 = record.get("s3").ok_or("`s3` is missing")?;
    let object = s3.get("object").ok_or("`s3.object` is missing")?;
    let key = text(object, "key")?.ok_or("`s3.object.key` is missing")?;
    let decoded = form_decoded(key).map_err(|reason| format!("the key `{}` {reason}", shown(key)))?;
    let identifiers = Identifiers { version_id: "versionId", etag: "eTag" };
    reference(s3, object, decoded, &identifiers).map(Some)
}

/// An EventBridge event of S3; its key is not encoded.
///
/// Source: S3 user guide, "EventBridge event message structure".
fn read_event_bridge(event: &Value) -> Result<Notification, NotificationError> {
    let unreadable = |reason: String| NotificationError::unknown_shape(reason);
    let source = text(event, "source").map_err(unreadable)?.unwrap_or_default();
    if source != "aws.s3" {
        return Err(unreadable(format!(
            "it is an EventBridge event of `{}`; let the rule match only the source aws.s3",
            shown(source)
        )));
    }
    let mut notification = Notification::default();
    let kind = text(event, "detail-type").map_err(unreadable)?;
    let outcome = if kind == Some("Object Created") { read_detail(event).map(Some) } else { Ok(None) };
    notification.add(1, outcome);
    Ok(notification)
}

fn read_detail(event: &Value) -> Result<ObjectReference, String> {
    let detail = event.get("detail").ok_or("`detail` is missing")?;
    let object = detail.get("object").ok_or("`detail.object` is missing")?;
    let key = text(object, "key")?.ok_or("`detail.object.key` is missing")?;
    let identifiers = Identifiers { version_id: "version-id", etag: "etag" };
    reference(detail, object, key.to_owned(), &identifiers)
}

/// What the two structures call the same thing.
struct Identifiers {
    version_id: &'static str,
    etag: &'static str,
}

fn reference(
    parent: &Value,
    object: &Value,
    key: String,
    names: &Identifiers,
) -> Result<ObjectReference, String> {
    let bucket = parent.get("bucket").ok_or("`bucket` is missing")?;
    let bucket = text(bucket, "name")?.ok_or("`bucket.name` is missing")?;
    for (what, value, bytes_max) in [("bucket", bucket, BUCKET_BYTES_MAX), ("key", &key, KEY_BYTES_MAX)] {
        if value.is_empty() {
            return Err(format!("the {what} is empty"));
        }
        if value.len() > bytes_max {
            return Err(format!(
                "the {what} `{}` has {} bytes, more than the {bytes_max} that S3 allows",
                shown(value),
                value.len()
            ));
        }
    }
    Ok(ObjectReference {
        bucket: bucket.to_owned(),
        version_id: identifier(object, names.version_id)?,
        etag: identifier(object, names.etag)?.and_then(|etag| unquoted_etag(&etag)),
        size: object.get("size").and_then(Value::as_u64),
        sequencer: identifier(object, "sequencer")?,
        key,
    })
}

/// A short text that may be missing or empty.
fn identifier(parent: &Value, name: &str) -> Result<Option<String>, String> {
    match text(parent, name)? {
        Some(value) if value.len() > IDENTIFIER_BYTES_MAX => {
            Err(format!("`{name}` has {} bytes, more than {IDENTIFIER_BYTES_MAX}", value.len()))
        }
        Some(value) if !value.is_empty() => Ok(Some(value.to_owned())),
        _ => Ok(None),
    }
}

/// A text that may be missing.
fn text<'a>(parent: &'a Value, name: &str) -> Result<Option<&'a str>, String> {
    match parent.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{name}` is not a text")),
    }
}

#[cfg(test)]
mod tests;
