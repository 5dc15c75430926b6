//! `slas`: what is promised about services, and which alerts say when it is not kept.
//!
//! What could never fire or never be right is refused here, with the reason: a promise without one source would
//! count requests twice, one about a service that gets no requests would always look kept.

use std::collections::BTreeSet;

use weir_alert::{Failures, Indicator, NoTraffic, Objective, Override, Selector, Sla};
use weir_enrich::{MatchField, Service};
use weir_query::Expression;

use super::error::ConfigError;
use super::keys::{self, did_you_mean, list};
use super::micros;
use super::reader::{Field, Fields, quoted};
use super::selection;
use super::sla_alerts::{self, Context};
use super::sla_labels::{self, LabelSet};
use super::sla_times;
use super::source::Source;

/// Each is asked of every request of its service.
const SLAS_MAX: usize = 1000;

/// Instances that one SLA can name, and exceptions that it can make.
const SELECTORS_MAX: usize = 1000;

/// The name of the source that paths on the command line make.
const UNNAMED_SOURCE: &str = "files";

/// A promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlaConfig {
    /// What is promised.
    pub sla: Sla,
    /// Which requests are bad, where a query says so.
    pub bad: Option<Expression>,
}

/// Reads the list, over these services and sources.
pub fn read_all(
    field: Field,
    services: &[Service],
    sources: &[Source],
    errors: &mut Vec<ConfigError>,
) -> Vec<SlaConfig> {
    let mut slas = Vec::new();
    let mut names = BTreeSet::new();
    for item in field.items_at_most("a list of SLAs", SLAS_MAX, errors) {
        let Some(fields) = item.fields(&keys::SLA, errors) else { continue };
        let name = fields.require("name", errors).and_then(|field| {
            let name = field.text(errors)?;
            if !names.insert(name) {
                let message = format!("a second SLA is named {}", quoted(name));
                let hint = "each SLA needs a name of its own; one may have several alerts in `alerting`";
                errors.push(ConfigError::new(field.position(), message).with_hint(hint));
            }
            Some(name)
        });
        slas.extend(read(&fields, name.unwrap_or_default(), services, sources, errors));
    }
    slas
}

fn read(
    fields: &Fields,
    name: &str,
    services: &[Service],
    sources: &[Source],
    errors: &mut Vec<ConfigError>,
) -> Option<SlaConfig> {
    let service = fields.require("service", errors).and_then(|field| read_service(field, services, errors));
    let source = match service {
        Some(service) => read_source(fields, service, sources, errors),
        // There is a mistake already; its source may be another.
        None => fields.get("source").and_then(|field| field.text(errors)),
    };
    let indicator = fields.require("indicator", errors).and_then(|field| read_indicator(field, errors));
    let objective = fields.require("objective", errors).and_then(|field| read_objective(field, errors));
    let (by_route, by_method) = fields.get("by").map_or((false, false), |field| read_by(field, errors));
    let is_latency = matches!(indicator, Some((Indicator::Latency { .. }, _)));
    let only = fields.get("only").map(|field| read_only(field, (by_route, by_method), errors));
    let overrides =
        fields.get("overrides").map(|field| read_overrides(field, (by_route, by_method), is_latency, errors));
    let time_window = fields.get("time_window").and_then(|field| sla_times::read_window(field, errors));
    let exclusions = fields.get("exclusions").map(|field| sla_times::read_exclusions(field, errors));
    let labels = fields.get("labels").map(|field| sla_labels::read(field, LabelSet::Sla, errors));
    let annotations = fields.get("annotations").map(|field| sla_labels::read_annotations(field, errors));
    let on_no_traffic = fields.get("on_no_traffic").and_then(|field| {
        let choices =
            [("resolve", NoTraffic::Resolve), ("keep", NoTraffic::Keep), ("alert", NoTraffic::Alert)];
        field.one_of(&choices, errors)
    });
    let time_window = time_window.unwrap_or(weir_alert::TimeWindow::DEFAULT);
    let overrides = overrides.unwrap_or_default();
    let alerts = fields.get("alerting").map(|field| {
        let own = overrides.iter().filter_map(|change: &Override| change.objective);
        let context = Context {
            objectives: objective.into_iter().chain(own).collect(),
            period_minutes: time_window.nominal_minutes(),
            source: source.and_then(|name| sources.iter().find(|source| source.name == name)),
        };
        sla_alerts::read_all(field, &context, errors)
    });
    let (indicator, bad) = indicator?;
    let sla = Sla {
        name: name.into(),
        service: service?.name.as_str().into(),
        source: source?.into(),
        by_route,
        by_method,
        indicator,
        objective: objective?,
        time_window,
        only: only.unwrap_or_default(),
        overrides,
        exclusions: exclusions.unwrap_or_default(),
        on_no_traffic: on_no_traffic.unwrap_or_default(),
        alerts: alerts.unwrap_or_default(),
        labels: labels.unwrap_or_default(),
        annotations: annotations.unwrap_or_default(),
    };
    Some(SlaConfig { sla, bad })
}

fn read_service<'s>(
    field: Field,
    services: &'s [Service],
    errors: &mut Vec<ConfigError>,
) -> Option<&'s Service> {
    let name = field.text(errors)?;
    let service = services.iter().find(|service| service.name == name);
    if service.is_none() {
        let names: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
        let hint = did_you_mean::<&str>(name, &names).unwrap_or_else(|| match names.is_empty() {
            true => "there are no `services`; name the service there, and what its requests match".to_owned(),
            false => format!("there is {}", list(&names, "and")),
        });
        let message = format!("no service is named {}, so no request would count", quoted(name));
        errors.push(ConfigError::new(field.position(), message).with_hint(hint));
    }
    service
}

/// The source whose lines are counted.
fn read_source<'s>(
    fields: &Fields<'s>,
    service: &Service,
    sources: &'s [Source],
    errors: &mut Vec<ConfigError>,
) -> Option<&'s str> {
    let can_bring = |source: &&Source| {
        let matchers = service.matchers.iter().filter(|matcher| matcher.field == MatchField::Source);
        matchers
            .into_iter()
            .all(|matcher| matcher.globs.iter().any(|glob| glob.matches(source.name.as_bytes())))
    };
    let possible: Vec<&str> = sources.iter().filter(can_bring).map(|source| source.name.as_str()).collect();
    let Some(field) = fields.get("source") else {
        return match possible.as_slice() {
            [] if sources.is_empty() => Some(UNNAMED_SOURCE),
            [only] => Some(only),
            _ => {
                let message = format!(
                    "the service {} gets requests of {}: each request that both see would count twice",
                    quoted(&service.name),
                    list(&possible, "and")
                );
                let error = ConfigError::new(fields.position, message);
                errors.push(error.with_hint("name the one to count with `source`"));
                None
            }
        };
    };
    let name = field.text(errors)?;
    if sources.is_empty() || possible.contains(&name) {
        return Some(name);
    }
    let is_there = sources.iter().any(|source| source.name == name);
    let (message, hint) = if is_there {
        let message = format!(
            "the service {} gets no requests of the source {}, so none would count",
            quoted(&service.name),
            quoted(name)
        );
        (message, format!("its `match` has {}", list(&possible, "and")))
    } else {
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        let hint =
            did_you_mean::<&str>(name, &names).unwrap_or_else(|| format!("there is {}", list(&names, "and")));
        (format!("no source is named {}", quoted(name)), hint)
    };
    errors.push(ConfigError::new(field.position(), message).with_hint(hint));
    None
}

fn read_by(field: Field, errors: &mut Vec<ConfigError>) -> (bool, bool) {
    let (mut by_route, mut by_method) = (false, false);
    for item in field.one_or_more("`route` or `method`", errors) {
        match item.one_of(&[("route", true), ("method", false)], errors) {
            Some(true) => by_route = true,
            Some(false) => by_method = true,
            None => {}
        }
    }
    (by_route, by_method)
}

fn read_indicator(field: Field, errors: &mut Vec<ConfigError>) -> Option<(Indicator, Option<Expression>)> {
    let fields = field.fields(&keys::INDICATOR, errors)?;
    match (fields.get("latency"), fields.get("ratio")) {
        (Some(latency), None) => Some((read_latency(latency, errors)?, None)),
        (None, Some(ratio)) => {
            let bad = ratio.fields(&keys::RATIO, errors)?.require("bad", errors)?;
            let expression = selection::read(bad, errors)?;
            let text = bad.text(errors)?;
            Some((Indicator::Ratio { bad: text.into() }, Some(expression)))
        }
        _ => {
            let hint = "`latency: {threshold: 0.4s}` or `ratio: {bad: \"status:>=500\"}`";
            errors.push(field.wrong("exactly one of `latency` and `ratio`", "others").with_hint(hint));
            None
        }
    }
}

fn read_latency(field: Field, errors: &mut Vec<ConfigError>) -> Option<Indicator> {
    let fields = field.fields(&keys::LATENCY, errors)?;
    let threshold_us = fields.require("threshold", errors).and_then(|field| read_threshold(field, errors));
    let choices =
        [("bad", Failures::Bad), ("as_measured", Failures::AsMeasured), ("excluded", Failures::Excluded)];
    let failures = fields.get("failures").and_then(|field| field.one_of(&choices, errors));
    Some(Indicator::Latency { threshold_us: threshold_us?, failures: failures.unwrap_or(Failures::Bad) })
}

fn read_threshold(field: Field, errors: &mut Vec<ConfigError>) -> Option<u64> {
    field.parse("a duration such as 400ms or 0.4s", errors, parse_threshold)
}

/// The time within which an answer has to come, in microseconds.
///
/// # Errors
///
/// What is wrong with it.
pub fn parse_threshold(text: &str) -> Result<u64, &'static str> {
    let micros = micros::parse_seconds(text)?;
    u64::try_from(micros).ok().filter(|micros| *micros > 0).ok_or("no request takes no time")
}

fn read_objective(field: Field, errors: &mut Vec<ConfigError>) -> Option<Objective> {
    field.parse("a percentage such as 99.9", errors, parse_objective)
}

/// The percentage that must be good.
///
/// # Errors
///
/// What it should be.
pub fn parse_objective(text: &str) -> Result<Objective, &'static str> {
    let number = text.trim_end_matches('%').trim_end();
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let percent = Some(number).filter(|_| is_number).and_then(|number| micros::parse(number).ok());
    let objective = percent.and_then(|micros| Objective::from_percent_micros(u64::try_from(micros).ok()?));
    objective.ok_or("it is the percentage that must be good: above 0, below 100, with at most six decimals")
}

/// Instances by route and method, each key only where `by` has it.
fn read_selector(fields: &Fields, by: (bool, bool), errors: &mut Vec<ConfigError>) -> Option<Selector> {
    let mut value = |key: &'static str, is_told_apart: bool| {
        let field = fields.get(key)?;
        if !is_told_apart {
            let message = format!("`{key}` tells no instances apart, as `by` does not have it");
            errors.push(ConfigError::new(field.position(), message).with_hint("add it to `by`"));
        }
        field.text(errors).map(Box::from)
    };
    let (route, method) = (value("route", by.0), value("method", by.1));
    if route.is_none() && method.is_none() {
        let error = ConfigError::new(fields.position, "neither `route` nor `method` is given");
        errors.push(error.with_hint("name one of them, or both"));
        return None;
    }
    Some(Selector { route, method })
}

fn read_only(field: Field, by: (bool, bool), errors: &mut Vec<ConfigError>) -> Vec<Selector> {
    let mut selectors = Vec::new();
    for item in field.some_items("a list of routes, or of `{route, method}`", SELECTORS_MAX, errors) {
        if item.is_section() {
            let Some(fields) = item.fields(&keys::ONLY, errors) else { continue };
            selectors.extend(read_selector(&fields, by, errors));
        } else if let Some(route) = item.text(errors) {
            if !by.0 {
                let error = ConfigError::new(item.position(), "routes are not told apart here");
                errors.push(error.with_hint("add `route` to `by`"));
            }
            selectors.push(Selector { route: Some(route.into()), method: None });
        }
    }
    selectors
}

fn read_overrides(
    field: Field,
    by: (bool, bool),
    is_latency: bool,
    errors: &mut Vec<ConfigError>,
) -> Vec<Override> {
    let mut overrides = Vec::new();
    for item in field.items_at_most("a list of exceptions", SELECTORS_MAX, errors) {
        let Some(fields) = item.fields(&keys::OVERRIDE, errors) else { continue };
        let selector = read_selector(&fields, by, errors);
        let threshold = fields.get("threshold");
        if let Some(field) = threshold.filter(|_| !is_latency) {
            let error = ConfigError::new(field.position(), "only a `latency` has a threshold");
            errors.push(error.with_hint("a ratio can have another `objective`"));
        }
        let threshold_us = threshold.and_then(|field| read_threshold(field, errors));
        let objective = fields.get("objective").and_then(|field| read_objective(field, errors));
        if threshold_us.is_none() && objective.is_none() {
            let error = ConfigError::new(fields.position, "the exception changes nothing");
            errors.push(error.with_hint("give it a `threshold`, an `objective`, or both"));
        }
        overrides.extend(selector.map(|selector| Override { selector, threshold_us, objective }));
    }
    overrides
}
