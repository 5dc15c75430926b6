//! The JSON of alerts and silences.
//!
//! The names are Alertmanager's, whatever we would call things; fields of our own are added beside them and said to be
//! so, since its clients pass over what they do not know.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Which alerts to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertFilter {
    /// What they meet, as `severity="page"`.
    pub matchers: Vec<String>,
    /// Also those that people are told of.
    pub active: bool,
    /// Also silenced ones.
    pub silenced: bool,
    /// Also those that another keeps quiet.
    pub inhibited: bool,
    /// Only those of receivers whose name meets this regular expression.
    pub receiver: Option<String>,
}

impl Default for AlertFilter {
    fn default() -> Self {
        Self { matchers: Vec::new(), active: true, silenced: true, inhibited: true, receiver: None }
    }
}

/// An alert. Times are RFC 3339.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownAlert {
    /// What a person reads.
    pub annotations: BTreeMap<Box<str>, Box<str>>,
    /// When it was resolved; while it fires, until when it will at least.
    pub ends_at: String,
    /// Its identity.
    pub fingerprint: String,
    /// Who is told.
    pub receivers: Vec<AlertReceiver>,
    /// Since when it fires.
    pub starts_at: String,
    /// Whether anybody is told.
    pub status: AlertStatus,
    /// When it last changed.
    pub updated_at: String,
    /// The page about it.
    #[serde(rename = "generatorURL")]
    pub generator_url: String,
    /// What it is about.
    pub labels: BTreeMap<Box<str>, Box<str>>,
    /// When it is looked at next, and why nobody was told yet; weir's own.
    pub explanation: String,
}

/// A receiver's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertReceiver {
    /// It.
    pub name: String,
}

/// Whether anybody is told of an alert.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertStatus {
    /// The alert that keeps it quiet.
    pub inhibited_by: Vec<String>,
    /// The silences that do.
    pub silenced_by: Vec<String>,
    /// Time intervals that do.
    pub muted_by: Vec<String>,
    /// `active` or `suppressed`.
    pub state: String,
}

/// A silence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownSilence {
    /// Its name.
    pub id: String,
    /// Where in its life it is.
    pub status: SilenceStatus,
    /// When it was last changed.
    pub updated_at: String,
    /// Why.
    pub comment: String,
    /// Who wanted it.
    pub created_by: String,
    /// Until when.
    pub ends_at: String,
    /// What an alert must meet.
    pub matchers: Vec<SilenceMatcher>,
    /// From when on.
    pub starts_at: String,
}

/// Where in its life a silence is: `pending`, `active` or `expired`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceStatus {
    /// It.
    pub state: String,
}

/// What an alert must meet to be silenced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SilenceMatcher {
    /// The label.
    pub name: String,
    /// What it is compared with.
    pub value: String,
    /// Whether that is a regular expression.
    pub is_regex: bool,
    /// Whether it must be so, and not must not.
    #[serde(default = "yes")]
    pub is_equal: bool,
}

fn yes() -> bool {
    true
}

/// A silence that is to be, or to be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostableSilence {
    /// The one to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What an alert must meet.
    pub matchers: Vec<SilenceMatcher>,
    /// From when on, RFC 3339.
    pub starts_at: String,
    /// Until when.
    pub ends_at: String,
    /// Who wants it.
    pub created_by: String,
    /// Why.
    pub comment: String,
}

impl fmt::Display for PostableSilence {
    /// In one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(id) = &self.id {
            write!(f, "silence {id}: ")?;
        }
        for (at, matcher) in self.matchers.iter().enumerate() {
            let comparison = match (matcher.is_regex, matcher.is_equal) {
                (false, true) => "=",
                (false, false) => "!=",
                (true, true) => "=~",
                (true, false) => "!~",
            };
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{}{comparison}\"{}\"", matcher.name, matcher.value)?;
        }
        write!(f, " from {} to {} ({})", self.starts_at, self.ends_at, self.comment)
    }
}

/// The name of a silence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceId {
    /// It.
    #[serde(rename = "silenceID")]
    pub silence_id: String,
}

/// What the server is, as an Alertmanager would say it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertingStatus {
    /// There is none.
    pub cluster: ClusterStatus,
    /// Which program.
    pub version_info: AlertingVersion,
    /// Nothing of it is told.
    pub config: ConfigText,
    /// Since when it runs.
    pub uptime: String,
    /// Messages that were given up, by receiver, since the start; weir's own.
    pub notifications_failed: BTreeMap<String, u64>,
    /// Messages that wait to be sent, by receiver; weir's own.
    pub notifications_waiting: BTreeMap<String, u64>,
    /// Why the last message was not taken, by receiver, until one is; weir's own.
    pub notifications_errors: BTreeMap<String, String>,
}

/// Servers that work together: this one works alone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ClusterStatus {
    /// `disabled`.
    pub status: String,
}

/// Which program it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertingVersion {
    /// Of weir.
    pub version: String,
    /// Empty.
    pub revision: String,
    /// Empty.
    pub branch: String,
    /// Empty.
    pub build_user: String,
    /// Empty.
    pub build_date: String,
    /// Empty.
    pub go_version: String,
}

/// A config.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ConfigText {
    /// Its text.
    pub original: String,
}
