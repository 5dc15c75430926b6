//! A mail: its headers, its thread, and the bytes that leave.
//!
//! An incident is one thread. Its first message is the root, whose id the others refer to, and the subject stays
//! but for the state in front of it. Whatever comes from a log is one line without control characters before it
//! is a header, and the library encodes what is not ASCII: so no text can make a header of its own.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use serde::{Deserialize, Serialize};
use weir_alert::Fingerprint;
use weir_alert::notification::Notification;
use weir_record::Timestamp;

use super::MailContent;
use super::document::{Digest, MailParts, Secrecy, clean, digest_parts, mail_parts};
use crate::notify::masking::masked;

/// Characters of a subject beside the state.
const SUBJECT_CHARS_MAX: usize = 150;

/// Earlier messages that a message refers to, beside the root.
const REFERENCES_MAX: u32 = 10;

/// What a config says of one mail address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailOptions {
    /// Who it is from, as `Weir <weir@example.com>`.
    pub from: String,
    /// To whom: one or more.
    pub to: Vec<String>,
    /// Headers that the config adds.
    pub headers: Vec<(String, String)>,
    /// Whether personal data is shown.
    pub secrecy: Secrecy,
    /// Where people reach the server.
    pub external_url: String,
}

/// Who a mail is from and to, for the server that takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The sender's address.
    pub from: String,
    /// The receivers' addresses.
    pub to: Vec<String>,
}

/// A mail that is ready to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailMessage {
    /// From and to.
    pub envelope: Envelope,
    /// Its name, which clients take as the same when it comes twice.
    pub message_id: String,
    /// Headers and parts, as they leave.
    pub bytes: Vec<u8>,
}

/// Whether a text is an address, as `a@example.com` or `Name <a@example.com>`.
pub fn is_address(text: &str) -> bool {
    text.parse::<Mailbox>().is_ok()
}

/// The mail of a notification.
///
/// # Errors
///
/// An address or a header that is none; both are checked when a config is read.
pub fn mail_of_notification(
    options: &MailOptions,
    notification: &Notification,
    contents: &BTreeMap<Fingerprint, MailContent>,
) -> Result<MailMessage, String> {
    let is_resolved = notification.alerts.iter().all(|alert| alert.is_resolved_at(notification.at));
    let state = if is_resolved { "RESOLVED" } else { "FIRING" };
    let incident = &notification.incident;
    let thread = format!("{:016x}", incident.id);
    let alert = notification.alerts.first();
    let label = |name: &str| alert.and_then(|alert| alert.labels.get(name)).map(ToString::to_string);
    let list = label("sla").or_else(|| label("alertname")).unwrap_or_else(|| "alerts".to_owned());
    let fingerprints: Vec<String> =
        notification.alerts.iter().take(20).map(|alert| alert.fingerprint().to_string()).collect();
    let headers = [
        ("X-Weir-Status", state.to_lowercase()),
        ("X-Weir-Group", format!("{:016x}", notification.group.0)),
        ("X-Weir-Alerts", fingerprints.join(" ")),
    ];
    let subject = Subject { state, title: &incident.title, thread: &thread, number: incident.messages };
    let parts = mail_parts(notification, contents, options.secrecy, &options.external_url);
    build(options, &subject, &list, &headers, parts, notification.at)
}

/// The mail of a digest; `thread` is the same for all digests of a flood, `number` counts them.
///
/// # Errors
///
/// As [`mail_of_notification`].
pub fn mail_of_digest(
    options: &MailOptions,
    digest: &Digest,
    (thread, number): (&str, u32),
    at: Timestamp,
) -> Result<MailMessage, String> {
    let subject =
        Subject { state: "DIGEST", title: "more alerts than are mailed one by one", thread, number };
    let headers = [("X-Weir-Status", "digest".to_owned())];
    let parts = digest_parts(digest, options.secrecy, &options.external_url);
    build(options, &subject, "digest", &headers, parts, at)
}

struct Subject<'a> {
    state: &'a str,
    title: &'a str,
    thread: &'a str,
    number: u32,
}

fn build(
    options: &MailOptions,
    subject: &Subject<'_>,
    list: &str,
    headers: &[(&str, String)],
    parts: MailParts,
    at: Timestamp,
) -> Result<MailMessage, String> {
    let mailbox = |text: &String| text.parse::<Mailbox>().map_err(|_| format!("`{text}` is no mail address"));
    let from = mailbox(&options.from)?;
    let domain = host_name(from.email.domain());
    let id = |number: u32| format!("<{}.{number}@{domain}>", subject.thread);
    let title = clean(subject.title, SUBJECT_CHARS_MAX);
    let title = if options.secrecy == Secrecy::Masked { masked(&title) } else { title };
    let mut builder = Message::builder()
        .from(from.clone())
        .subject(format!("[{}] {title}", subject.state))
        .date(SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(at.micros()).unwrap_or(0)))
        .message_id(Some(id(subject.number)));
    if subject.number > 0 {
        let first = subject.number.saturating_sub(REFERENCES_MAX).max(1);
        let references: Vec<String> = std::iter::once(0).chain(first..subject.number).map(id).collect();
        builder = builder.in_reply_to(id(subject.number - 1)).references(references.join(" "));
    }
    let mut to = Vec::new();
    for receiver in &options.to {
        let receiver = mailbox(receiver)?;
        to.push(receiver.email.to_string());
        builder = builder.to(receiver);
    }
    let fixed = [
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("X-Auto-Response-Suppress", "All".to_owned()),
        ("List-Id", format!("<{}.weir.{domain}>", host_name(list))),
    ];
    let own = options.headers.iter().map(|(name, value)| (name.as_str(), value.clone()));
    for (name, value) in fixed.into_iter().chain(headers.iter().cloned()).chain(own) {
        let name_is_wrong = |_| format!("`{name}` can't be a header");
        let name = HeaderName::new_from_ascii(name.to_owned()).map_err(name_is_wrong)?;
        builder = builder.raw_header(HeaderValue::new(name, clean(&value, 900)));
    }
    let message = builder
        .multipart(MultiPart::alternative_plain_html(parts.text, parts.html))
        .map_err(|error| error.to_string())?;
    let envelope = Envelope { from: from.email.to_string(), to };
    Ok(MailMessage { envelope, message_id: id(subject.number), bytes: message.formatted() })
}

/// A text as a part of a host's name.
fn host_name(text: &str) -> String {
    let letter = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c.to_ascii_lowercase() } else { '-' }
    };
    let name: String = text.chars().take(100).map(letter).collect();
    let name = name.trim_matches(['-', '.']).to_owned();
    if name.is_empty() { "weir".to_owned() } else { name }
}

impl Envelope {
    /// The same to each receiver by himself.
    pub(super) fn split(&self) -> impl Iterator<Item = Self> + '_ {
        self.to.iter().map(|to| Self { from: self.from.clone(), to: vec![to.clone()] })
    }

    pub(super) fn to_library(&self) -> Result<lettre::address::Envelope, String> {
        let address =
            |text: &String| text.parse::<Address>().map_err(|_| format!("`{text}` is no mail address"));
        let to: Result<Vec<Address>, String> = self.to.iter().map(address).collect();
        lettre::address::Envelope::new(Some(address(&self.from)?), to?).map_err(|error| error.to_string())
    }
}
