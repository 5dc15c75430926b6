//! What an indicator counts for one instance, as expressions of the query language.
//!
//! The counterpart of how `indicators` judges a request: each rule there has its term here.

use weir_alert::{Failures, Indicator as Measured, Labels, Sla};
use weir_query::{Expression, Operand, RangeBound, Term};
use weir_record::{FieldKind, known_field};

use super::super::indicators::{Indicator, LABEL_BYTES_MAX, Subject};
use super::{field, not, or, pattern};
use crate::config::AlertConfig;

/// The methods that have a name of their own as labels.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// Terms that are met together.
#[derive(Default)]
pub(super) struct Filters {
    /// Those of all that is counted.
    pub common: Vec<Expression>,
    /// What it needs besides, unless it is bad.
    pub counted: Vec<Expression>,
    /// What makes it bad; nothing where all of it is.
    pub bad: Vec<Expression>,
}

/// What is counted for an instance, and what of it is bad.
pub(super) fn filters(indicator: &Indicator, instance: &Labels) -> Filters {
    match &indicator.subject {
        Subject::Sla(sla) => of_sla(indicator, sla, instance),
        Subject::Alert(alert) => {
            Filters { common: of_alert(indicator, alert, instance), ..Filters::default() }
        }
    }
}

fn of_sla(indicator: &Indicator, sla: &Sla, instance: &Labels) -> Filters {
    let mut common = vec![is("source", &sla.source), is("service", &sla.service)];
    common.extend(instance.iter().map(|(name, value)| label_is(name, value)));
    if indicator.may_have_connections {
        let types = ["ws", "wss"].map(|kind| is("alb_type", kind));
        common.push(not(or(types.into())));
    }
    let failed = || field("status", at_least("500"));
    let timed = || field("request_time", Operand::Exists);
    let (counted, bad) = match sla.indicator {
        Measured::Ratio { .. } => (Vec::new(), indicator.bad.clone()),
        Measured::Latency { failures: Failures::Bad, .. } => {
            (vec![or(vec![timed(), failed()])], or(vec![slow(sla, instance), failed()]))
        }
        Measured::Latency { failures, .. } => {
            if failures == Failures::Excluded {
                common.push(not(failed()));
            }
            (vec![timed()], slow(sla, instance))
        }
    };
    Filters { common, counted, bad: vec![bad] }
}

/// The requests that took longer than was promised to them; exceptions are made by what tells instances apart.
fn slow(sla: &Sla, instance: &Labels) -> Expression {
    let label = |name: &str| instance.get(name).map_or("", |value| &**value);
    let threshold_us = sla.threshold_us(label("route"), label("method")).unwrap_or(u64::MAX);
    let bound = RangeBound { text: (threshold_us as f64 / 1e6).to_string(), is_inclusive: false };
    field("request_time", Operand::Range { lower: Some(bound), upper: None })
}

fn of_alert(indicator: &Indicator, alert: &AlertConfig, instance: &Labels) -> Vec<Expression> {
    let mut all = Vec::new();
    if !alert.sources.is_empty() {
        all.push(or(alert.sources.iter().map(|source| is("source", source)).collect()));
    }
    all.push(indicator.bad.clone());
    all.extend(alert.by.iter().filter_map(|(name, label)| {
        let value = instance.get(label.as_str())?;
        let with_value =
            if name == "message" { pattern::of_template(name, value) } else { value_is(name, value) };
        Some(if value.is_empty() {
            or(vec![not(field(name, Operand::Exists)), with_value])
        } else {
            with_value
        })
    }));
    all
}

/// The requests with this value of a label that the meter gives.
fn label_is(name: &str, value: &str) -> Expression {
    match (name, value) {
        ("route", "-") => not(field("route", Operand::Exists)),
        ("method", _) if !METHODS.contains(&value) => {
            not(or(METHODS.map(|method| is("method", method)).into()))
        }
        _ => value_is(name, value),
    }
}

fn value_is(name: &str, value: &str) -> Expression {
    // A character has four bytes at most, so one that is this long may have been cut.
    let is_whole = value.len() + 3 < LABEL_BYTES_MAX;
    let has_words = known_field(name).is_some_and(|known| known.kind == FieldKind::Words);
    match (is_whole, has_words) {
        (false, _) => pattern::of_beginning(name, value),
        // Fields of words are searched by words; this is about all of the text.
        (true, true) => pattern::of_text(name, value),
        (true, false) => is(name, value),
    }
}

fn is(name: &str, value: &str) -> Expression {
    field(name, Operand::Is(Term::Quoted(value.to_owned())))
}

fn at_least(number: &str) -> Operand {
    Operand::Range { lower: Some(RangeBound { text: number.to_owned(), is_inclusive: true }), upper: None }
}
