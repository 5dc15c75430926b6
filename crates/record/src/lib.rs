//! What a log record is, and how bytes become one.
//!
//! The vocabulary of everything downstream ([`Record`], [`Request`], [`Timestamp`], [`Reject`]) and one parser
//! per format. Pure: bytes in, records and rejects out; nothing here opens a file, reads a clock or
//! logs. A parser never fails as a whole: each line is a record or a reject with its reason.

mod format;
mod known_field;
mod lines;
mod message;
mod method;
mod other_fields;
mod overlay;
mod record;
mod record_fields;
mod reject;
mod request;
mod request_value;
#[cfg(test)]
mod summary;
mod time_expression;
mod timestamp;
mod value;

pub mod alb;
pub mod beaver;
pub mod combined;
pub mod gelf;
pub mod ndjson;
pub mod nginx_json;
pub mod syslog;
pub mod text;

pub use format::{Detected, Format, NotAccessLog, detect, skip_by_name};
pub use known_field::{FieldKind, KNOWN_FIELDS, KnownField, canonical_name, known_field};
pub use lines::{LINE_BYTES_DEFAULT, Line, LineParser};
pub use message::{InnerFormats, MessageParser};
pub use method::method_label;
pub use other_fields::{FIELD_NAME_BYTES_MAX, OTHER_FIELDS_MAX, is_own_name, json_fields, other_fields};
pub use overlay::{NO_OVERLAY, Overlay};
pub use record::{Event, Record};
pub use record_fields::{RecordContext, RecordFields};
pub use reject::{Reason, Reject};
pub use request::{Field, Origin, Request, Status};
pub use timestamp::{Minute, Timestamp};
pub use value::{REDACTED, Value, logged_text};
