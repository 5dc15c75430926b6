//! What is asked of the records for a mail, in the order in which a reader misses it most.
//!
//! Each step adds its part at once. So one that takes too long costs itself and what comes behind it, and not the mail;
//! what is missing is named.

use std::time::Duration;

use weir_alert::MeasuredKind;
use weir_ship::notify::{Delay, MailContent, Measured};
use weir_store::QueryFailure;

use super::super::alerting_view::KnownAlert;
use super::super::bad_events::BadEvents;
use super::super::indicators::Indicator;
use super::records::Records;

/// The time before an alert that it is compared with, in minutes.
const BEFORE: i64 = 60;

/// What each step adds, as its absence is told.
const STEPS: [&str; 4] = ["times", "shares", "lines", "the time before"];

/// What differs between what was hit and what was not: the first of each that records have.
const FIELDS: [&[&str]; 8] = [
    &["route"],
    &["status"],
    &["user_email", "remote_user", "client_ip"],
    &["target"],
    &["dependency"],
    &["controller"],
    &["method"],
    &["node"],
];

/// Adds its part, and says whether the next one can add something.
type Step<'s> = dyn Fn(&mut MailContent) -> Result<bool, QueryFailure> + 's;

/// Says that what a step and those behind it add is missing, and why.
pub(super) fn missing(step: usize, why: &str) -> String {
    format!("missing here: {} ({why})", STEPS.get(step..).unwrap_or_default().join(", "))
}

/// Adds what the records say of an alert; where they do not say it in time, that.
pub(super) fn add(content: &mut MailContent, known: &KnownAlert, indicator: &Indicator, records: &Records) {
    let events = BadEvents::told(indicator, &known.active);
    let steps: [&Step<'_>; 4] = [
        &|content| add_times(content, known, &events, records),
        &|content| add_shares(content, known, &events, records),
        &|content| {
            content.slowest = records.slowest(&events)?;
            Ok(true)
        },
        &|content| add_before(content, known, indicator, records),
    ];
    for (number, step) in steps.iter().enumerate() {
        match step(content) {
            Ok(true) => {}
            Ok(false) => break,
            Err(failure) => {
                let failure = failure.to_string();
                // What one could do about it is said to people who ask, not to those who get mail.
                let why = failure.split_once("; ").map_or(&*failure, |(why, _)| why);
                content.notes.push(missing(number, why));
                break;
            }
        }
    }
    if records.are_damaged() {
        content.notes.push("some records could not be read: the server's log says why".to_owned());
    }
}

/// Adds percentiles; says whether there is any record.
fn add_times(
    content: &mut MailContent,
    known: &KnownAlert,
    events: &BadEvents,
    records: &Records,
) -> Result<bool, QueryFailure> {
    let Some(measured) = &mut content.measured else { return Ok(false) };
    let kept_bad = records.count(&events.bad, events)?;
    let (kept, percentiles) = records.times(events)?;
    measured.percentiles = percentiles;
    let total = measured.total.unwrap_or(measured.bad);
    let kept_total = if measured.total.is_some() { kept } else { kept_bad };
    // Spikes compare counts; what they are compared with is no record of the span.
    let is_other = kept_bad != measured.bad || kept_total != total;
    if is_other && known.active.measured.kind != MeasuredKind::Times {
        content.notes.push(format!(
            "counted {} of {total}, kept {kept_bad} of {kept_total}: shares, times and lines are of what is kept",
            measured.bad
        ));
    }
    Ok(kept > 0)
}

fn add_shares(
    content: &mut MailContent,
    known: &KnownAlert,
    events: &BadEvents,
    records: &Records,
) -> Result<bool, QueryFailure> {
    for fields in FIELDS {
        for field in fields.iter().filter(|field| !known.active.instance.contains_key(**field)) {
            if let Some(table) = records.shares(events, field)? {
                content.shares.push(table);
                break;
            }
        }
    }
    Ok(true)
}

/// Adds how it was before, and how long it took from the first bad event to a broken promise.
fn add_before(
    content: &mut MailContent,
    known: &KnownAlert,
    indicator: &Indicator,
    records: &Records,
) -> Result<bool, QueryFailure> {
    let (active, course) = (&known.active, known.active.course);
    let before = BadEvents::between(indicator, &active.instance, (course.from - BEFORE, course.from));
    let bad = records.count(&before.bad, &before)?;
    let is_share = content.measured.as_ref().is_some_and(|measured| measured.total.is_some());
    let total = if is_share { Some(records.count(&before.all, &before)?) } else { None };
    content.before = Some(Measured { bad, total, percentiles: Vec::new(), from: before.from, to: before.to });
    if content.delays.is_empty() {
        return Ok(true);
    }
    let so_far = BadEvents::between(indicator, &active.instance, (course.from, active.measured.at));
    let first = records.first(&so_far)?;
    let until_held = first.and_then(|first| weir_alert::time(active.active_at).micros_since(first));
    if let Some(micros) = until_held {
        let duration = Duration::from_micros(micros);
        content.delays.insert(0, Delay { name: "until too many".to_owned(), duration });
    }
    Ok(true)
}
