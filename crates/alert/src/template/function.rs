//! The functions of annotations, a list that ends: what is not in it is a mistake when the config is read. Those of
//! Prometheus that ask it something, as `query`, have nobody to ask here, and those that make HTML safe are the
//! business of whoever makes the mail.

use regex::Regex;
use weir_record::Timestamp;

use super::number::{go_float, humanize, humanize_duration, humanize_percentage};
use super::printf::printf;

/// What comes of a place.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(f64),
    Boolean(bool),
}

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Humanize,
    Humanize1024,
    HumanizeDuration,
    HumanizePercentage,
    HumanizeTimestamp,
    Match,
    Print,
    Printf,
    ReReplaceAll,
    StripDomain,
    StripPort,
    Title,
    ToLower,
    ToUpper,
}

impl Value {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => go_float(number),
            Self::Boolean(boolean) => boolean.to_string(),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            Self::Boolean(_) => None,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) | Self::Boolean(_) => None,
        }
    }
}

impl Function {
    /// All with their names, by name.
    pub(super) const ALL: [(&'static str, Self); 14] = [
        ("humanize", Self::Humanize),
        ("humanize1024", Self::Humanize1024),
        ("humanizeDuration", Self::HumanizeDuration),
        ("humanizePercentage", Self::HumanizePercentage),
        ("humanizeTimestamp", Self::HumanizeTimestamp),
        ("match", Self::Match),
        ("print", Self::Print),
        ("printf", Self::Printf),
        ("reReplaceAll", Self::ReReplaceAll),
        ("stripDomain", Self::StripDomain),
        ("stripPort", Self::StripPort),
        ("title", Self::Title),
        ("toLower", Self::ToLower),
        ("toUpper", Self::ToUpper),
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(own, _)| *own == name).map(|(_, function)| *function)
    }

    /// How many arguments it needs, at least where it takes any number.
    pub(super) const fn arguments(self) -> usize {
        match self {
            Self::Match => 2,
            Self::ReReplaceAll => 3,
            _ => 1,
        }
    }

    pub(super) const fn takes(self, count: usize) -> bool {
        match self {
            Self::Print | Self::Printf => count >= 1,
            _ => count == self.arguments(),
        }
    }

    /// Whether its first argument is a regular expression.
    pub(super) const fn has_pattern(self) -> bool {
        matches!(self, Self::Match | Self::ReReplaceAll)
    }

    /// What comes of it; `None` where it can't work with these arguments.
    pub(super) fn apply(self, arguments: Vec<Value>) -> Option<Value> {
        let first = arguments.first()?;
        let number = || first.number();
        let text = match self {
            Self::Humanize => humanize(number()?, 1000.0, &["", "k", "M", "G", "T", "P", "E", "Z", "Y"]),
            Self::Humanize1024 => {
                humanize(number()?, 1024.0, &["", "ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"])
            }
            Self::HumanizeDuration => humanize_duration(number()?),
            Self::HumanizePercentage => humanize_percentage(number()?),
            Self::HumanizeTimestamp => humanize_timestamp(number()?),
            Self::Match => {
                let pattern = Regex::new(first.text()?).ok()?;
                return Some(Value::Boolean(pattern.is_match(arguments.get(1)?.text()?)));
            }
            Self::Print => arguments.into_iter().map(Value::into_text).collect(),
            Self::Printf => printf(first.text()?, &arguments[1..]),
            Self::ReReplaceAll => {
                let (replacement, text) = (arguments.get(1)?.text()?, arguments.get(2)?.text()?);
                Regex::new(first.text()?).ok()?.replace_all(text, replacement).into_owned()
            }
            Self::StripDomain => strip_domain(first.text()?),
            Self::StripPort => strip_port(first.text()?).to_owned(),
            Self::Title => title(first.text()?),
            Self::ToLower => first.text()?.to_lowercase(),
            Self::ToUpper => first.text()?.to_uppercase(),
        };
        Some(Value::Text(text))
    }
}

/// As Go prints a time in UTC.
fn humanize_timestamp(seconds: f64) -> String {
    if !seconds.is_finite() || seconds.abs() > 9e12 {
        return go_float(seconds);
    }
    let micros = (seconds * 1e6).round() as i64;
    let text = Timestamp::from_micros(micros).to_string();
    let text = text.trim_end_matches('Z').replacen('T', " ", 1);
    let text = match text.split_once('.') {
        Some((whole, fraction)) => {
            let fraction = fraction.trim_end_matches('0');
            if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
        }
        None => text,
    };
    format!("{text} +0000 UTC")
}

fn strip_port(text: &str) -> &str {
    match text.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.ends_with(':') => {
            host.trim_start_matches('[').trim_end_matches(']')
        }
        _ => text,
    }
}

fn strip_domain(text: &str) -> String {
    let (host, port) = match strip_port(text) {
        host if host == text => (text, ""),
        host => (host, &text[text.rfind(':').unwrap_or(text.len())..]),
    };
    let is_address = host.parse::<core::net::IpAddr>().is_ok();
    let host = if is_address { host } else { host.split('.').next().unwrap_or(host) };
    format!("{host}{port}")
}

fn title(text: &str) -> String {
    let mut is_start = true;
    let mut title = String::with_capacity(text.len());
    for char in text.chars() {
        if is_start {
            title.extend(char.to_uppercase());
        } else {
            title.push(char);
        }
        is_start = !(char.is_alphanumeric() || matches!(char, '_' | '\''));
    }
    title
}
