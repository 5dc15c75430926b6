//! The events that an alert counted, as a question that anybody can ask again.
//!
//! A mail, a webhook, the page and the API all say which events were bad by the same query and the same span, made
//! here from what the indicator counts; a test holds both against each other, request by request. So a number in a
//! mail is one that `weir search` finds, and a link opens those lines and no others.

mod counted;
mod pattern;

use weir_alert::{ActiveAlert, AlertState, Labels, Measured, MeasuredKind, time};
use weir_query::{Column, Expression, Operand, RangeBound};
use weir_record::{Minute, Timestamp};

use super::indicators::{Indicator, Subject};

/// Stretches of maintenance that a query leaves out; more of them would make it longer than a query may be.
const EXCLUDED_MAX: usize = 50;

/// The longest span in which maintenance is looked for, in minutes.
const EXCLUDED_SPAN_MAX: i64 = 400 * 24 * 60;

/// What an alert is about: the events that are bad, those among which they were counted, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadEvents {
    /// Those that are bad.
    pub bad: Expression,
    /// All that were counted.
    pub all: Expression,
    /// The earliest time.
    pub from: Timestamp,
    /// The time before which they are.
    pub to: Timestamp,
}

impl BadEvents {
    /// Those of the window in which an alert's rule held last.
    pub fn measured(indicator: &Indicator, alert: &ActiveAlert) -> Self {
        let measured = alert.measured;
        Self::between(indicator, &alert.instance, (measured.at - measured.window, measured.at))
    }

    /// Those that an alert is told with: of the window in which its rule held last, or, once it is over, of all the
    /// time until then.
    pub fn told(indicator: &Indicator, alert: &ActiveAlert) -> Self {
        match alert.state {
            AlertState::Resolved => {
                Self::between(indicator, &alert.instance, (alert.course.from, alert.course.to))
            }
            AlertState::Pending | AlertState::Firing => Self::measured(indicator, alert),
        }
    }

    /// Those of an instance in these minutes.
    pub fn between(indicator: &Indicator, instance: &Labels, (from, to): (i64, i64)) -> Self {
        let mut filters = counted::filters(indicator, instance);
        filters.common.extend(excluded(&indicator.subject, from, to));
        let with = |terms: Vec<Expression>| and(filters.common.iter().cloned().chain(terms).collect());
        let (bad, all) = (with(filters.bad), with(filters.counted));
        Self { bad, all, from: time(from), to: time(to) }
    }

    /// The page that shows the bad ones, where the server is reached.
    pub fn link(&self, external_url: &str) -> String {
        if external_url.is_empty() {
            return String::new();
        }
        let [query, from, to] =
            [self.bad.to_string(), self.from.to_string(), self.to.to_string()].map(|text| encoded(&text));
        format!("{external_url}#/search?query={query}&from={from}&to={to}")
    }

    /// The command that finds the bad ones.
    pub fn command(&self, external_url: &str) -> String {
        self.command_of(&self.bad, external_url)
    }

    /// The command that finds all that were counted.
    pub fn command_of_all(&self, external_url: &str) -> String {
        self.command_of(&self.all, external_url)
    }

    fn command_of(&self, expression: &Expression, external_url: &str) -> String {
        let query = expression.to_string().replace('\'', "'\\''");
        let server = if external_url.is_empty() {
            String::new()
        } else {
            format!(" --server {}", external_url.trim_end_matches('/'))
        };
        format!("weir search '{query}' --from {} --to {}{server}", self.from, self.to)
    }
}

/// What was measured, in words, with its span: `312 of 433 (72.1 %), 2026-11-20T10:15:00Z to 2026-11-20T10:20:00Z`.
pub fn measured_text(measured: Measured) -> String {
    let span = format!("{} to {}", time(measured.at - measured.window), time(measured.at));
    let (bad, total) = (measured.bad, measured.total);
    match measured.kind {
        MeasuredKind::Share if total == 0 => format!("no events, {span}"),
        MeasuredKind::Share => format!("{bad} of {total} ({:.1} %), {span}", measured.value() * 100.0),
        MeasuredKind::Count => format!("{bad}, {span}"),
        MeasuredKind::Times if total == 0 => format!("{bad} and none before, {span}"),
        MeasuredKind::Times => format!("{bad}, {:.1} times the usual, {span}", measured.value()),
    }
}

/// What leaves out the minutes that a promise does not count.
fn excluded(subject: &Subject, from: i64, to: i64) -> Vec<Expression> {
    let Subject::Sla(sla) = subject else { return Vec::new() };
    if sla.exclusions.is_empty() {
        return Vec::new();
    }
    let mut stretches: Vec<(i64, i64)> = Vec::new();
    for minute in from.max(to - EXCLUDED_SPAN_MAX)..to {
        if !sla.excludes(minute) {
            continue;
        }
        match stretches.last_mut().filter(|(_, end)| *end == minute) {
            Some((_, end)) => *end = minute + 1,
            None => stretches.push((minute, minute + 1)),
        }
    }
    let without = |(first, end): (i64, i64)| {
        let bound =
            |minute: i64, is_inclusive| RangeBound { text: Minute(minute).start().to_string(), is_inclusive };
        let operand = Operand::Range { lower: Some(bound(first, true)), upper: Some(bound(end, false)) };
        not(field("@timestamp", operand))
    };
    stretches.into_iter().take(EXCLUDED_MAX).map(without).collect()
}

fn field(name: &str, operand: Operand) -> Expression {
    Expression::Field { name: name.to_owned(), operand, column: Column(1) }
}

fn not(expression: Expression) -> Expression {
    Expression::Not(Box::new(expression))
}

fn and(parts: Vec<Expression>) -> Expression {
    let inner = |part| match part {
        Expression::And(parts) => parts,
        Expression::All => Vec::new(),
        other => vec![other],
    };
    let mut parts: Vec<Expression> = parts.into_iter().flat_map(inner).collect();
    if parts.len() > 1 { Expression::And(parts) } else { parts.pop().unwrap_or(Expression::All) }
}

fn or(mut parts: Vec<Expression>) -> Expression {
    if parts.len() > 1 { Expression::Or(parts) } else { parts.pop().unwrap_or(Expression::All) }
}

/// A value in the part of an address behind `#`.
fn encoded(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => shown.push(byte.into()),
            _ => shown.push_str(&format!("%{byte:02X}")),
        }
    }
    shown
}

#[cfg(test)]
mod tests;
