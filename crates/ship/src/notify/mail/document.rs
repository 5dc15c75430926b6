//! What stands in a mail, in its order, before it is text or HTML.
//!
//! Text from logs is hostile: it is cut, loses its control characters, and is masked here, once, for both ways of
//! writing. What can't be said within the bounds is counted.

use std::collections::BTreeMap;
use std::time::Duration;

use weir_alert::notification::Notification;
use weir_alert::{Alert, Fingerprint, Labels};
use weir_record::Timestamp;

use super::content::{LINK, MailContent, Measured, SEARCH, WORST};
use super::{html, text};
use crate::notify::masking::masked;
use crate::notify::webhook::common;

/// Alerts that are told of with all that is known.
const ALERTS_WHOLE_MAX: usize = 10;

/// Alerts that are at least named.
const ALERTS_NAMED_MAX: usize = 50;

/// Rows of a table.
const ROWS_MAX: usize = 5;

/// Characters of a value or a line.
const VALUE_CHARS_MAX: usize = 300;

/// Characters of an annotation.
const ANNOTATION_CHARS_MAX: usize = 2000;

/// Characters of a request's id.
const ID_CHARS_MAX: usize = 64;

/// Characters of a link or a command: cut, it would be a wrong one, so it is left out then.
const LINK_CHARS_MAX: usize = 8000;

/// Whether personal data is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrecy {
    /// Not: mailboxes live long.
    #[default]
    Masked,
    /// As it is in the records.
    Full,
}

/// The two ways in which a mail is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailParts {
    /// For `text/plain`.
    pub text: String,
    /// For `text/html`.
    pub html: String,
}

/// Groups that were not mailed one by one, for there were too many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// The first of them.
    pub rows: Vec<DigestRow>,
    /// How many more there were.
    pub rows_left_out: usize,
    /// Messages in an hour, beyond which they are gathered.
    pub max_per_hour: u32,
}

/// A group in a digest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DigestRow {
    /// What its incident is called.
    pub title: String,
    /// Alerts that fire.
    pub firing: usize,
    /// Alerts that are resolved.
    pub resolved: usize,
}

/// A mail's content in its order.
pub(super) struct Document {
    pub status: Status,
    /// The line at the top.
    pub headline: String,
    pub sections: Vec<Section>,
    /// Alerts that are only named.
    pub named: Vec<String>,
    /// Alerts that are not even that.
    pub left_out: usize,
    /// Why it was sent, and what one can do about it.
    pub footer: Vec<String>,
    pub external_url: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Firing,
    Resolved,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Firing => "FIRING",
            Self::Resolved => "RESOLVED",
        }
    }
}

/// One alert.
pub(super) struct Section {
    pub status: Status,
    pub title: String,
    /// Names and what is said of them.
    pub facts: Vec<(String, String)>,
    pub tables: Vec<Table>,
    /// Whether the lines are those that took longest; else the last.
    pub has_times: bool,
    pub lines: Vec<String>,
    pub link: Option<String>,
    pub search_command: Option<String>,
    pub search_command_of_all: Option<String>,
    pub labels: Vec<(String, String)>,
}

/// A table of shares.
pub(super) struct Table {
    pub field: String,
    /// Value, counts, share of the bad, share of all, how many times more.
    pub rows: Vec<[String; 5]>,
}

/// Writes a notification; `contents` has what is known of its alerts.
pub fn mail_parts(
    notification: &Notification,
    contents: &BTreeMap<Fingerprint, MailContent>,
    secrecy: Secrecy,
    external_url: &str,
) -> MailParts {
    written(&Writer { secrecy }.document(notification, contents, external_url))
}

/// Writes a digest.
pub(super) fn digest_parts(digest: &Digest, secrecy: Secrecy, external_url: &str) -> MailParts {
    let writer = Writer { secrecy };
    let row = |row: &DigestRow| {
        format!("{} ({} firing, {} resolved)", writer.value(&row.title), row.firing, row.resolved)
    };
    let groups = digest.rows.len() + digest.rows_left_out;
    written(&Document {
        status: Status::Firing,
        headline: format!("{groups} more groups of alerts were not mailed one by one"),
        sections: Vec::new(),
        named: digest.rows.iter().map(row).collect(),
        left_out: digest.rows_left_out,
        footer: vec![format!(
            "Sent because more than {} messages in an hour were due for this receiver (notifications.max_per_hour).",
            digest.max_per_hour
        )],
        external_url: external_url.to_owned(),
    })
}

fn written(document: &Document) -> MailParts {
    MailParts { text: text::write(document), html: html::write(document) }
}

struct Writer {
    secrecy: Secrecy,
}

impl Writer {
    fn document(
        &self,
        notification: &Notification,
        contents: &BTreeMap<Fingerprint, MailContent>,
        external_url: &str,
    ) -> Document {
        let at = notification.at;
        let mut alerts: Vec<&Alert> = notification.alerts.iter().collect();
        // What fires comes first; else the order stays.
        alerts.sort_by_key(|alert| alert.is_resolved_at(at));
        let resolved = alerts.iter().filter(|alert| alert.is_resolved_at(at)).count();
        let firing = alerts.len() - resolved;
        let headline = match (firing, resolved) {
            (firing, 0) => format!("{firing} firing"),
            (0, resolved) => format!("{resolved} resolved"),
            (firing, resolved) => format!("{firing} firing, {resolved} resolved"),
        };
        let group = self.pairs(&notification.group_labels);
        let headline = if group.is_empty() { headline } else { format!("{headline}: {group}") };
        let rest = alerts.split_off(alerts.len().min(ALERTS_WHOLE_MAX));
        let common_labels = common(&notification.alerts, |alert| &alert.labels);
        let named = |alert: &&Alert| {
            let own: Labels = alert
                .labels
                .iter()
                .filter(|(name, _)| !common_labels.contains_key(*name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            format!("{} {} {}", status(alert, at).name(), self.name(alert), self.pairs(&own))
        };
        Document {
            status: if firing > 0 { Status::Firing } else { Status::Resolved },
            headline,
            sections: alerts
                .iter()
                .map(|alert| self.section(alert, contents.get(&alert.fingerprint()), notification))
                .collect(),
            named: rest.iter().take(ALERTS_NAMED_MAX).map(named).collect(),
            left_out: rest.len().saturating_sub(ALERTS_NAMED_MAX),
            footer: vec![
                format!(
                    "Sent to the receiver {} because {}.",
                    self.value(&notification.receiver),
                    notification.reason.text()
                ),
                format!("Group: {}", self.value(&notification.group_key)),
            ],
            external_url: external_url.to_owned(),
        }
    }

    fn section(&self, alert: &Alert, content: Option<&MailContent>, notification: &Notification) -> Section {
        let nothing = MailContent::default();
        let content = content.unwrap_or(&nothing);
        let summary = alert.annotations.get("summary").map(|text| self.text(text, ANNOTATION_CHARS_MAX));
        let link = if content.link.is_empty() { &alert.generator_url } else { &content.link };
        let whole = |text: &str| {
            let is_whole =
                !text.is_empty() && text.len() <= LINK_CHARS_MAX && !text.contains(char::is_control);
            is_whole.then(|| text.to_owned())
        };
        Section {
            status: status(alert, notification.at),
            title: match summary {
                Some(summary) if !summary.is_empty() => format!("{}: {summary}", self.name(alert)),
                _ => self.name(alert),
            },
            facts: self.facts(alert, content, notification),
            tables: content
                .shares
                .iter()
                .filter(|table| !table.rows.is_empty())
                .map(|t| self.table(t))
                .collect(),
            has_times: content.slowest.iter().any(|line| line.seconds.is_some()),
            lines: content.slowest.iter().take(ROWS_MAX).map(|line| self.line(line)).collect(),
            link: whole(link).filter(|link| link.starts_with("https://") || link.starts_with("http://")),
            search_command: whole(&content.search_command),
            search_command_of_all: whole(&content.search_command_of_all),
            labels: alert.labels.iter().map(|(name, value)| (self.value(name), self.value(value))).collect(),
        }
    }

    fn line(&self, line: &super::SlowLine) -> String {
        let seconds = line.seconds.map_or_else(String::new, |seconds| format!("  {seconds:.3} s"));
        let id = if line.id.is_empty() {
            String::new()
        } else {
            format!("  id={}", clean(&line.id, ID_CHARS_MAX))
        };
        format!("{}{seconds}  {}{id}", line.at, self.value(&line.text))
    }

    fn facts(
        &self,
        alert: &Alert,
        content: &MailContent,
        notification: &Notification,
    ) -> Vec<(String, String)> {
        let at = notification.at;
        let mut facts: Vec<(String, String)> = Vec::new();
        let mut say = |name: &str, text: String| facts.push((name.to_owned(), text));
        if !content.promise.is_empty() {
            say("Promised", self.value(&content.promise));
        }
        if let Some(measured) = &content.measured {
            say("Measured", measured_text(measured));
            let times = measured.percentiles.iter().map(|(name, s)| format!("{} {s:.3} s", self.value(name)));
            let times: Vec<String> = times.collect();
            if !times.is_empty() {
                say("Times", times.join(", "));
            }
        }
        if let Some(before) = &content.before {
            say("Before", measured_text(before));
        }
        if let Some(resolution) = &content.resolution {
            say("Now", self.value(&resolution.value_now));
            say("Worst", self.value(&resolution.worst));
            say("Lasted", duration(resolution.duration));
            if let Some(spent) = resolution.budget_spent {
                say("Budget spent", percent(spent));
            }
        }
        say("Since", format!("{} (time of the events)", content.since.unwrap_or(alert.starts_at)));
        if let Some(ends_at) = alert.ends_at.filter(|ends_at| *ends_at <= at) {
            say("Until", ends_at.to_string());
        }
        if let Some(found_at) = content.found_at {
            say("Found", found_at.to_string());
        }
        let mut delays: Vec<String> = content
            .delays
            .iter()
            .map(|d| format!("{} {}", self.value(&d.name), duration(d.duration)))
            .collect();
        let grouped = content.found_at.and_then(|found_at| at.micros_since(found_at));
        // Later mails wait for what the config says, not for the first one.
        if let Some(micros) = grouped.filter(|_| notification.incident.messages == 0 && !delays.is_empty()) {
            delays.push(format!("group_wait {}", duration(Duration::from_micros(micros))));
        }
        if !delays.is_empty() {
            say("Delay", delays.join(", "));
        }
        if let Some(budget) = &content.budget {
            say("Budget left", format!("{} of {}", percent(budget.left), self.value(&budget.period)));
        }
        let is_said = |name: &str| ["summary", LINK, SEARCH, WORST].contains(&name);
        for (name, text) in alert.annotations.iter().filter(|(name, _)| !is_said(name)) {
            say(&self.value(name), self.text(text, ANNOTATION_CHARS_MAX));
        }
        for note in &content.notes {
            say("Note", self.value(note));
        }
        facts
    }

    fn table(&self, table: &super::ShareTable) -> Table {
        let row = |row: &super::Share| {
            let (of_all, times) = match row.of_all {
                Some(of_all) if of_all > 0.0 => (percent(of_all), format!("{:.1}x", row.of_bad / of_all)),
                _ => (String::new(), String::new()),
            };
            let counts = match row.of_all {
                Some(_) => format!("{} of {}", row.bad, row.total),
                None => row.bad.to_string(),
            };
            [self.value(&row.value), counts, percent(row.of_bad), of_all, times]
        };
        Table { field: self.value(&table.field), rows: table.rows.iter().take(ROWS_MAX).map(row).collect() }
    }

    fn name(&self, alert: &Alert) -> String {
        self.value(alert.labels.get("alertname").map_or("alert", |name| name))
    }

    fn pairs(&self, labels: &Labels) -> String {
        let pairs: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{}={}", self.value(name), self.value(value)))
            .collect();
        pairs.join(" ")
    }

    fn value(&self, text: &str) -> String {
        self.text(text, VALUE_CHARS_MAX)
    }

    fn text(&self, text: &str, chars_max: usize) -> String {
        let shown = clean(text, chars_max);
        match self.secrecy {
            Secrecy::Masked => masked(&shown),
            Secrecy::Full => shown,
        }
    }
}

/// One line, without what changes the direction of writing or hides, and not too long.
pub(super) fn clean(text: &str, chars_max: usize) -> String {
    let hidden = [
        ('\u{200b}', '\u{200f}'),
        ('\u{2028}', '\u{202e}'),
        ('\u{2060}', '\u{206f}'),
        ('\u{feff}', '\u{feff}'),
    ];
    let is_hidden = |c: char| hidden.iter().any(|(first, last)| (*first..=*last).contains(&c));
    let mut chars = text.trim().chars();
    let mut shown: String = chars
        .by_ref()
        .take(chars_max)
        .map(|c| if c.is_control() || is_hidden(c) { ' ' } else { c })
        .collect();
    if chars.next().is_some() {
        shown.push_str("...");
    }
    shown
}

fn status(alert: &Alert, at: Timestamp) -> Status {
    if alert.is_resolved_at(at) { Status::Resolved } else { Status::Firing }
}

/// What was measured, with its counts and span.
fn measured_text(measured: &Measured) -> String {
    let counts = match measured.total {
        Some(0) => "no events".to_owned(),
        Some(total) => {
            let share = percent(measured.bad as f64 / total as f64);
            format!("{} of {total} bad ({share})", measured.bad)
        }
        None => measured.bad.to_string(),
    };
    format!("{counts}, {} to {}", measured.from, measured.to)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// As Prometheus writes durations: `1h5m`, `400ms`.
fn duration(duration: Duration) -> String {
    let total = duration.as_secs();
    if total == 0 {
        return format!("{}ms", duration.as_millis());
    }
    let units = [(total / 86_400, "d"), (total / 3600 % 24, "h"), (total / 60 % 60, "m"), (total % 60, "s")];
    units.iter().filter(|(number, _)| *number > 0).map(|(number, unit)| format!("{number}{unit}")).collect()
}
