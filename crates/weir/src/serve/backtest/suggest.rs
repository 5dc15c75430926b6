//! Another setting, with which people would have been told less often.
//!
//! Only settings that can be judged from what was counted are tried, so that a suggestion takes seconds: bounds of the
//! histogram for a time, any number for the others.

use weir_alert::backtest::strictest;
use weir_alert::{Condition, Indicator};
use weir_meter::Bounds;
use weir_record::Timestamp;
use weir_store::Cancel;
use weir_web::{AdminProblem, BacktestSuggestion};

use super::answer::pages;
use super::{Ran, bad_request, run};
use crate::config::{Config, parse_objective};
use crate::serve::desk::Inner;

/// Objectives that people promise, from strict to lax.
const OBJECTIVES: [&str; 17] = [
    "99.99", "99.95", "99.9", "99.8", "99.5", "99", "98", "97", "96", "95", "94", "92", "90", "85", "80",
    "70", "50",
];

/// Numbers of records, from strict to lax.
const ABOVE: [u64; 19] = [
    0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 500_000,
    1_000_000,
];

/// How many times as many as before, in millionths, from strict to lax.
const HEIGHTS_MICROS: [u64; 9] =
    [1_500_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000, 7_000_000, 10_000_000, 20_000_000, 50_000_000];

/// Minutes of a month.
const MONTH: f64 = 30.0 * 24.0 * 60.0;

/// A setting and what makes a config of it.
struct Setting {
    value: String,
    config: Config,
}

/// The strictest setting of the one SLA or alert of `ran` with which there would have been at most so many pages in 30
/// days.
///
/// # Errors
///
/// More than one SLA or alert, or what cannot be read.
pub fn suggestion(
    desk: &Inner,
    ran: &mut Ran,
    pages_max: f64,
    cancel: &Cancel,
    now: Timestamp,
) -> Result<Option<BacktestSuggestion>, AdminProblem> {
    if ran.config.slas.len() + ran.config.alerts.len() != 1 {
        return Err(bad_request("a suggestion is for one SLA or alert", "name it with sla= or alert="));
    }
    let Some((setting, settings)) = settings(&ran.config) else {
        ran.warnings.push("there is no setting of this alert that could be suggested".to_owned());
        return Ok(None);
    };
    let span = (ran.span.from, ran.span.to);
    let per_month = |pages: u64| pages as f64 * MONTH / (span.1 - span.0).max(1) as f64;
    let found = strictest(&settings, pages_max, |setting: &Setting| {
        run(desk, setting.config.clone(), span, cancel, now).map(|tried| per_month(pages(&tried)))
    })?;
    let now_pages = per_month(pages(ran));
    if found.is_none() {
        ran.warnings.push(format!("no {setting} would have given so few pages"));
    }
    Ok(found.map(|(found, pages_per_month)| BacktestSuggestion {
        setting: setting.to_owned(),
        value: found.value.clone(),
        pages_per_month,
        pages_per_month_now: now_pages,
    }))
}

/// What can be set otherwise, from strict to lax.
fn settings(config: &Config) -> Option<(&'static str, Vec<Setting>)> {
    if let [own] = config.slas.as_slice() {
        let with = |change: &dyn Fn(&mut weir_alert::Sla)| {
            let mut config = config.clone();
            config.slas.iter_mut().for_each(|own| change(&mut own.sla));
            config
        };
        let Indicator::Latency { failures, .. } = own.sla.indicator else {
            let setting = |text: &&str| {
                let objective = parse_objective(text).ok()?;
                Some(Setting { value: (*text).to_owned(), config: with(&|sla| sla.objective = objective) })
            };
            return Some(("objective", OBJECTIVES.iter().filter_map(setting).collect()));
        };
        let setting = |threshold_us: &u64| {
            let threshold_us = *threshold_us;
            let indicator = Indicator::Latency { threshold_us, failures };
            Setting {
                value: format!("{}s", threshold_us as f64 / 1e6),
                config: with(&|sla| sla.indicator = indicator.clone()),
            }
        };
        return Some(("threshold", Bounds::always().iter().map(setting).collect()));
    }
    let [own] = config.alerts.as_slice() else { return None };
    let with = |condition: Condition| {
        let mut config = config.clone();
        config.alerts.iter_mut().for_each(|own| own.condition = condition.clone());
        config
    };
    match own.condition {
        Condition::Above { window, .. } => {
            let setting = |above: &u64| Setting {
                value: above.to_string(),
                config: with(Condition::Above { window, above: *above }),
            };
            Some(("above", ABOVE.iter().map(setting).collect()))
        }
        Condition::Spike { window, reference, min_events, .. } => {
            let setting = |height_micros: &u64| Setting {
                value: (*height_micros as f64 / 1e6).to_string(),
                config: with(Condition::Spike {
                    window,
                    reference,
                    height_micros: *height_micros,
                    min_events,
                }),
            };
            Some(("spike_height", HEIGHTS_MICROS.iter().map(setting).collect()))
        }
        Condition::Share { .. } | Condition::Silent { .. } | Condition::New { .. } => None,
    }
}
