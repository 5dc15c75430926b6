//! `slas[].alerting`: when somebody is to know that a promise is not kept.
//!
//! An alert that can never fire reads as a promise kept, so a burn rate that no number of bad requests reaches is a
//! mistake here, as is a window that is over before its lines have come.

use std::collections::BTreeSet;
use std::time::Duration;

use weir_alert::{BurnFactor, BurnRate, Objective, SlaAlert, SlaAlertKind};

use super::duration::PrometheusDuration;
use super::error::ConfigError;
use super::keys;
use super::micros;
use super::reader::{Field, Fields, quoted};
use super::sla_times::minutes_of;
use super::source::Source;

/// Alerts of one SLA, and speeds of one alert.
const ALERTS_MAX: usize = 20;

/// Counts are kept in memory by minute for the longest window: a week of it for each instance.
const WINDOW_RANGE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(7 * 24 * 3600));

/// What an alert waits for, or goes on for.
const WAIT_RANGE: (Duration, Duration) = (Duration::ZERO, Duration::from_secs(7 * 24 * 3600));

/// Events that may be asked for.
const EVENTS_MAX: u64 = 1_000_000_000;

/// A source whose lines come later than this shows what happened only after it is over.
const LATE: Duration = Duration::from_secs(60);

/// What an alert of an SLA depends on.
pub struct Context<'a> {
    /// The objectives of all instances.
    pub objectives: Vec<Objective>,
    /// The length of the promise's span.
    pub period_minutes: i64,
    /// Where requests come from.
    pub source: Option<&'a Source>,
}

#[derive(Clone, Copy)]
enum Kind {
    Threshold,
    BurnRate,
}

/// Reads the list.
pub fn read_all(field: Field, context: &Context<'_>, errors: &mut Vec<ConfigError>) -> Vec<SlaAlert> {
    let mut alerts: Vec<SlaAlert> = Vec::new();
    let mut seen: BTreeSet<(Box<str>, Box<str>)> = BTreeSet::new();
    for item in field.items_at_most("a list of alerts", ALERTS_MAX, errors) {
        let Some(fields) = item.fields(&keys::SLA_ALERT, errors) else { continue };
        let Some(alert) = read(&fields, context, errors) else { continue };
        for severity in severities(&alert.kind) {
            if !seen.insert((alert.name.clone(), severity.clone())) {
                let name = quoted(&alert.name);
                let message =
                    format!("a second alert is named {name} and has the severity {}", quoted(&severity));
                let hint = "nobody could tell them apart; give it another `name` or `severity`";
                errors.push(ConfigError::new(item.position(), message).with_hint(hint));
            }
        }
        alerts.push(alert);
    }
    alerts
}

fn severities(kind: &SlaAlertKind) -> BTreeSet<Box<str>> {
    match kind {
        SlaAlertKind::Threshold { severity, .. } => [severity.clone()].into(),
        SlaAlertKind::BurnRate(rates) => rates.iter().map(|rate| rate.severity.clone()).collect(),
    }
}

fn read(fields: &Fields, context: &Context<'_>, errors: &mut Vec<ConfigError>) -> Option<SlaAlert> {
    let kinds = [("threshold", Kind::Threshold), ("burnrate", Kind::BurnRate)];
    let kind = fields.require("kind", errors).and_then(|field| field.one_of(&kinds, errors));
    let severity = fields.get("severity").and_then(|field| field.text(errors));
    let window = fields.get("window").map(|field| read_window(field, errors));
    let rates = fields.get("burn_rates").map(|field| read_rates(field, severity, context, errors));
    let name = fields.get("name").map(|field| read_alert_name(field, errors));
    let hold = read_wait(fields, "for", errors);
    let keep_firing_for = read_wait(fields, "keep_firing_for", errors);
    let min_events = fields.get("min_events").and_then(|field| field.whole_number(0..=EVENTS_MAX, errors));
    let (default_name, kind) = match kind? {
        Kind::Threshold => {
            refuse(fields, "burn_rates", "an alert of the kind `threshold` has a `window`", errors);
            let field = fields.require("window", errors)?;
            let window = window??;
            check_lateness(field, window, context.source, errors);
            ("SlaBroken", SlaAlertKind::Threshold { window, severity: severity.unwrap_or("page").into() })
        }
        Kind::BurnRate => {
            refuse(fields, "window", "an alert of the kind `burnrate` has windows in `burn_rates`", errors);
            let rates = rates.unwrap_or_else(|| preset(fields, severity, context, errors));
            ("ErrorBudgetBurn", SlaAlertKind::BurnRate(rates))
        }
    };
    let name = name.unwrap_or(Some(default_name))?.into();
    Some(SlaAlert { name, kind, hold, keep_firing_for, min_events })
}

/// The speeds of an alert that names none.
fn preset(
    fields: &Fields,
    severity: Option<&str>,
    context: &Context<'_>,
    errors: &mut Vec<ConfigError>,
) -> Vec<BurnRate> {
    let mut rates = BurnRate::preset(context.period_minutes);
    for rate in &mut rates {
        severity.into_iter().for_each(|own| rate.severity = own.into());
        check_factor(fields.position, rate, context, errors);
    }
    rates
}

fn refuse(fields: &Fields, key: &'static str, hint: &str, errors: &mut Vec<ConfigError>) {
    if let Some(field) = fields.get(key) {
        errors
            .push(ConfigError::new(field.position(), format!("`{key}` has no meaning here")).with_hint(hint));
    }
}

/// The name of an alert, which is a label's value.
pub fn read_alert_name<'a>(field: Field<'a>, errors: &mut Vec<ConfigError>) -> Option<&'a str> {
    field.text(errors)
}

/// `for` or `keep_firing_for`.
pub fn read_wait(fields: &Fields, key: &'static str, errors: &mut Vec<ConfigError>) -> Duration {
    fields.get(key).and_then(|field| field.duration("5m", WAIT_RANGE, errors)).unwrap_or_default()
}

/// A window, in minutes.
pub fn read_window(field: Field, errors: &mut Vec<ConfigError>) -> Option<i64> {
    let window = field.duration("5m", WINDOW_RANGE, errors)?;
    if !window.as_secs().is_multiple_of(60) || window.subsec_nanos() != 0 {
        let error = field.wrong("whole minutes", &quoted(&PrometheusDuration(window).to_string()));
        errors.push(error.with_hint("events are counted by minute"));
        return None;
    }
    Some(minutes_of(window))
}

/// Reports a window that is over before its lines are here.
pub fn check_lateness(field: Field, window: i64, source: Option<&Source>, errors: &mut Vec<ConfigError>) {
    let Some(source) = source.filter(|source| source.lateness > LATE) else { return };
    let lateness = source.lateness.as_secs();
    if window.unsigned_abs() * 60 < lateness {
        let needed = PrometheusDuration(Duration::from_secs(lateness.div_ceil(60) * 60));
        let message = format!(
            "the window is shorter than the lateness of the source {}, {}: what it shows is over before it is seen",
            quoted(&source.name),
            PrometheusDuration(source.lateness)
        );
        let error = ConfigError::new(field.position(), message);
        errors.push(
            error.with_hint(format!("make it {needed} or more, or lower `lateness` if lines come sooner")),
        );
    }
}

fn read_rates(
    field: Field,
    severity: Option<&str>,
    context: &Context<'_>,
    errors: &mut Vec<ConfigError>,
) -> Vec<BurnRate> {
    let mut rates = Vec::new();
    for item in field.some_items("a list of burn rates", ALERTS_MAX, errors) {
        let Some(fields) = item.fields(&keys::BURN_RATE, errors) else { continue };
        let long_field = fields.require("long", errors);
        let long = long_field.and_then(|field| read_window(field, errors));
        let short = fields.get("short").map(|field| read_window(field, errors));
        let factor = fields.require("factor", errors).and_then(|field| {
            field.parse("a number such as 14.4", errors, |text| {
                let micros = micros::parse(text)?;
                let factor = u64::try_from(micros / 100).unwrap_or(0);
                let is_right = micros % 100 == 0 && (1..=100_000 * BurnFactor::ONE.0).contains(&factor);
                if is_right {
                    Ok(BurnFactor(factor))
                } else {
                    Err("it is above 0 and has at most four decimals")
                }
            })
        });
        let own = fields.get("severity").and_then(|field| field.text(errors)).or(severity).unwrap_or("page");
        let (Some(long), Some(factor)) = (long, factor) else { continue };
        let Some(short) = short.unwrap_or_else(|| Some((long / 12).max(1))) else { continue };
        if short >= long {
            let error = ConfigError::new(fields.position, "`short` is not shorter than `long`");
            errors
                .push(error.with_hint("it says whether what `long` shows still goes on; a twelfth is usual"));
        }
        if let Some(field) = long_field {
            check_lateness(field, long, context.source, errors);
        }
        let rate = BurnRate { long, short, factor, severity: own.into() };
        check_factor(fields.position, &rate, context, errors);
        rates.push(rate);
    }
    rates
}

/// Reports a speed that no number of bad events can reach.
fn check_factor(
    position: super::error::Position,
    rate: &BurnRate,
    context: &Context<'_>,
    errors: &mut Vec<ConfigError>,
) {
    for objective in &context.objectives {
        let share = objective.burning(rate.factor);
        if !share.can_be_exceeded() {
            let percent = share.as_f64() * 100.0;
            let message = format!(
                "a burn rate of {} at an objective of {objective} needs {percent:.1} % bad requests; it can never fire",
                rate.factor
            );
            let hint = "use `kind: threshold`, which is for objectives as low as this, or lower factors in \
                        `burn_rates`";
            errors.push(ConfigError::new(position, message).with_hint(hint));
        }
    }
}
