//! What alerts there would have been: the same evaluator and the same dispatcher over what the data folder has.
//!
//! Asked by a page that tries another threshold and by a command that brings another config; both come here. History is
//! read in pieces on a thread of its own, one backtest at a time, with an end to the time it may take.

mod answer;
mod history;
mod record_counts;
mod slot_counts;
mod suggest;

use std::collections::BTreeMap;
use std::time::Duration;

use weir_alert::backtest::{Backtest, Judging, Mails, Outcome, Sender, Span, mails};
use weir_alert::{Indicator, Progress, Rule, time};
use weir_record::{Minute, Timestamp};
use weir_store::Cancel;
use weir_web::{
    AdminProblem, BacktestAnswer, BacktestQuery, BacktestRequest, BacktestSuggestion, ProblemKind,
};

use super::alerting::{LATENESS_DEFAULT, PROGRESS, id_of, last_moment, lateness};
use super::desk::{Inner, unreadable};
use super::indicators::Indicators;
use super::notifications::policy;
use crate::clock;
use crate::config::{self, Config};
use history::{Before, History};

/// How long a backtest may take: a year of many routes, or a month of records.
pub const DEADLINE: Duration = Duration::from_secs(10 * 60);

/// How far back it goes unless told otherwise, in minutes.
const SPAN_DEFAULT: i64 = 30 * 24 * 60;

/// How far it goes at most, in minutes: as long as minutes are kept.
const SPAN_MAX: i64 = 400 * 24 * 60;

/// How long alerts are judged before the span, at least, in minutes: so that their states at its start are known.
const WARM_UP_MIN: i64 = 24 * 60;

/// Steps of the sums, in minutes; the first that makes few enough of them is taken.
const STEPS: [i64; 7] = [1, 5, 15, 60, 240, 1440, 7 * 1440];

/// Steps that an answer has about.
const STEPS_MAX: i64 = 400;

/// What was found out.
pub struct Ran {
    /// The config that was tried.
    pub config: Config,
    /// What it counts.
    pub indicators: Indicators,
    /// The rules of its alerts.
    pub rules: Vec<Rule>,
    /// The number of the indicator that each rule judges.
    pub rule_indicators: Vec<usize>,
    /// The span.
    pub span: Span,
    /// What the alerts did.
    pub outcome: Outcome,
    /// What would have been sent.
    pub mails: Mails,
    /// Where the events of each indicator came from: `slots`, `records` or `none`, and the minutes.
    pub data: Vec<Vec<(&'static str, i64, i64)>>,
    /// What should be known about it.
    pub warnings: Vec<String>,
}

/// What is asked, beyond the config.
struct Asked {
    from: Option<String>,
    to: Option<String>,
    pages_per_month: Option<String>,
}

/// A backtest of the config in force, with another threshold or objective.
///
/// # Errors
///
/// What is wrong with the question, or what cannot be read.
pub fn by_query(desk: &Inner, query: BacktestQuery, cancel: &Cancel) -> Result<BacktestAnswer, AdminProblem> {
    let BacktestQuery { sla, alert, threshold, objective, from, to, pages_per_month } = query;
    let mut config = chosen(&desk.config.get(), sla.as_deref(), alert.as_deref())?;
    if threshold.is_some() || objective.is_some() {
        let [own] = config.slas.as_mut_slice() else {
            return Err(bad_request("another threshold or objective is of one SLA", "name it with sla="));
        };
        if let Some(text) = threshold {
            let threshold = config::parse_threshold(&text).map_err(|problem| {
                bad_request(&format!("threshold: {problem}"), "write it as 0.3s or 300ms")
            })?;
            let Indicator::Latency { threshold_us, .. } = &mut own.sla.indicator else {
                return Err(bad_request("this SLA has no threshold", "try another objective"));
            };
            *threshold_us = threshold;
        }
        if let Some(text) = objective {
            own.sla.objective = config::parse_objective(&text)
                .map_err(|problem| bad_request(&format!("objective: {problem}"), "write it as 99.9"))?;
        }
    }
    answer(desk, config, &Asked { from, to, pages_per_month }, cancel)
}

/// A backtest of another config.
///
/// # Errors
///
/// What is wrong with the config or the question, or what cannot be read.
pub fn of_config(
    desk: &Inner,
    request: BacktestRequest,
    cancel: &Cancel,
) -> Result<BacktestAnswer, AdminProblem> {
    let BacktestRequest { config, file_name, variables, alertmanager, sla, alert, from, to, pages_per_month } =
        request;
    let variables: BTreeMap<String, String> = variables.unwrap_or_default();
    // Those of the server are none of the asker's business.
    let environment = |name: &str| variables.get(name).cloned();
    let file_name = file_name.unwrap_or_else(|| "the config".to_owned());
    let wrong = |problem: String| bad_request(&problem, "weir check says what is wrong with a config");
    let mut config =
        config::parse(&file_name, &config, &environment).map_err(|errors| wrong(errors.to_string()))?;
    if let Some(path) = &config.notifications.file {
        let name = path.display().to_string();
        let text = alertmanager.ok_or_else(|| {
            bad_request(
                &format!("the config names {name}, which did not come with it"),
                "send its text as alertmanager",
            )
        })?;
        let routing = config::parse_alertmanager_file(&name, &text, &environment)
            .map_err(|errors| wrong(errors.to_string()))?;
        config.notifications.routing = Some(routing);
    }
    let config = chosen(&config, sla.as_deref(), alert.as_deref())?;
    answer(desk, config, &Asked { from, to, pages_per_month }, cancel)
}

/// The config with only that SLA or alert, where one is named.
fn chosen(config: &Config, sla: Option<&str>, alert: Option<&str>) -> Result<Config, AdminProblem> {
    let mut config = config.clone();
    if sla.is_none() && alert.is_none() {
        if config.slas.is_empty() && config.alerts.is_empty() {
            return Err(bad_request(
                "the config has neither `slas` nor `alerts`",
                "docs/slas.md has examples",
            ));
        }
        return Ok(config);
    }
    config.slas.retain(|own| Some(&*own.sla.name) == sla);
    config.alerts.retain(|own| Some(&*own.name) == alert);
    for (name, is_there, kind) in
        [(sla, !config.slas.is_empty(), "SLA"), (alert, !config.alerts.is_empty(), "alert")]
    {
        if let Some(name) = name.filter(|_| !is_there) {
            let name: String = name.chars().take(64).collect();
            return Err(bad_request(
                &format!("no {kind} is named `{name}`"),
                "weir check says what the config has",
            ));
        }
    }
    Ok(config)
}

fn answer(
    desk: &Inner,
    config: Config,
    asked: &Asked,
    cancel: &Cancel,
) -> Result<BacktestAnswer, AdminProblem> {
    let begun = clock::monotonic();
    let Ok(_permit) = desk.backtests.try_acquire() else {
        return Err(AdminProblem::new(
            ProblemKind::Busy,
            "a backtest is under way",
            "wait until it has ended",
        ));
    };
    let now = clock::now();
    let (from, to) = span(asked, now)?;
    let mut ran = run(desk, config, (from, to), cancel, now)?;
    let suggestion: Option<BacktestSuggestion> = match &asked.pages_per_month {
        None => None,
        Some(text) => {
            let pages = text.parse::<f64>().ok().filter(|pages| pages.is_finite() && *pages >= 0.0);
            let pages = pages.ok_or_else(|| bad_request("pages_per_month is no number", "write it as 2"))?;
            suggest::suggestion(desk, &mut ran, pages, cancel, now)?
        }
    };
    let mut answer = answer::answer(&ran);
    answer.suggestion = suggestion;
    let took = clock::monotonic().saturating_duration_since(begun);
    answer.took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    Ok(answer)
}

fn span(asked: &Asked, now: Timestamp) -> Result<(i64, i64), AdminProblem> {
    let time = |name: &str, text: &Option<String>| {
        let time = text.as_deref().filter(|text| !text.is_empty());
        let time = time.map(|text| Timestamp::parse_expression(text, now)).transpose();
        time.map_err(|error| {
            bad_request(&format!("{name}: {error}"), "write a time as 2026-11-20T10:15:30Z or now-30d")
        })
    };
    let Minute(to) = time("to", &asked.to)?.unwrap_or(now).min(now).minute();
    let from = time("from", &asked.from)?.map_or(to - SPAN_DEFAULT, |from| from.minute().0);
    if from >= to {
        return Err(bad_request("the span ends before it begins", "swap from and to"));
    }
    if to - from > SPAN_MAX {
        return Err(bad_request("the span is longer than minutes are kept", "ask for 400 days at most"));
    }
    Ok((from, to))
}

/// Runs a config over the span.
fn run(
    desk: &Inner,
    config: Config,
    (from, to): (i64, i64),
    cancel: &Cancel,
    now: Timestamp,
) -> Result<Ran, AdminProblem> {
    let indicators = Indicators::new(&config).map_err(|error| failed(error.to_string()))?;
    let progress: BTreeMap<u64, Progress> = desk
        .shared
        .ledger
        .read(|ledger| ledger.state::<Vec<(u64, Progress)>>(PROGRESS))
        .map_err(|error| unreadable(&error))?
        .unwrap_or_default()
        .into_iter()
        .collect();
    let lateness = lateness(&desk.config.get());
    let mut since_of: Vec<Option<i64>> = vec![None; indicators.all().len()];
    let mut rules = Vec::new();
    for rule in indicators.rules() {
        let since = progress.get(&id_of(&rule.rule)).map(|progress| progress.since);
        let known = since_of[rule.indicator];
        since_of[rule.indicator] = known.into_iter().chain(since).min();
        let indicator = indicators.all().get(rule.indicator);
        let last = indicator.and_then(|indicator| last_moment(indicator, &lateness, &desk.shared.state, now));
        rules.push((rule, Judging { since, last: last.map(|last| last.min(to)) }));
    }
    let plain: Vec<Rule> = rules.iter().map(|(rule, _)| rule.rule.clone()).collect();
    let rule_indicators: Vec<usize> = rules.iter().map(|(rule, _)| rule.indicator).collect();
    let step =
        STEPS.into_iter().find(|step| (to - from) / step <= STEPS_MAX).unwrap_or(STEPS[STEPS.len() - 1]);
    let span = Span { warm_up: from - warm_up(&plain), from, to, step };
    let mut history = History::new(desk, &config, &indicators, &since_of, cancel)?;
    let complete_to = rules.iter().filter_map(|(_, judging)| judging.last).min();
    let mut backtest = Backtest::new(rules, indicators.all().len(), span);
    backtest.set_external_url(config.http.external_url.as_deref().unwrap_or_default());
    let data_from = span.warm_up - backtest.lookback();
    history.feed(&mut backtest, data_from, to)?;
    let outcome = backtest.finish();
    let mut warnings = std::mem::take(&mut history.warnings);
    let data = data_of(&history, span);
    warnings.extend(warnings_of(&indicators, &data, &outcome, span));
    if let Some(complete_to) = complete_to.filter(|complete_to| *complete_to < to) {
        let complete_to = history::shown(complete_to.max(from));
        warnings.push(format!("a source is complete to {complete_to} only; nothing later is judged"));
    }
    if outcome.is_cut {
        warnings.push("there were so many changes that later alerts are left out".to_owned());
    }
    let delays = delays(&rule_indicators, &indicators, &lateness);
    let notifications = &config.notifications;
    let policy = policy(notifications.routing.as_ref(), config.alerting.max_age);
    let mails =
        mails(Sender { policy, max_per_hour: notifications.max_per_hour }, &outcome.told, &delays, time(to));
    if mails.is_cut {
        warnings.push("an alert fires for so long that later messages are left out".to_owned());
    }
    if config.notifications.routing.is_none() {
        warnings.push("the config has no `notifications`, so nobody would have been told".to_owned());
    }
    drop(history);
    Ok(Ran { config, indicators, rules: plain, rule_indicators, span, outcome, mails, data, warnings })
}

/// How long before the span alerts are judged: as long as a state may last that began before it.
fn warm_up(rules: &[Rule]) -> i64 {
    let of_rule = |rule: &Rule| (rule.hold + rule.keep_firing_for).as_secs().div_ceil(60);
    let longest = rules.iter().map(of_rule).max().unwrap_or(0);
    i64::try_from(longest).unwrap_or(0).saturating_add(60).max(WARM_UP_MIN)
}

/// How long after a moment each rule is judged.
fn delays(
    rule_indicators: &[usize],
    indicators: &Indicators,
    lateness: &std::collections::HashMap<String, Duration>,
) -> Vec<Duration> {
    let of_rule = |indicator: &usize| {
        let sources =
            indicators.all().get(*indicator).map(|indicator| indicator.sources()).unwrap_or_default();
        let latest = if sources.is_empty() {
            lateness.values().max().copied()
        } else {
            sources.iter().filter_map(|source| lateness.get(*source)).max().copied()
        };
        latest.unwrap_or(LATENESS_DEFAULT)
    };
    rule_indicators.iter().map(of_rule).collect()
}

/// What each indicator was judged from, within the span.
fn data_of(history: &History<'_>, Span { from, to, .. }: Span) -> Vec<Vec<(&'static str, i64, i64)>> {
    let of_plan = |plan: &history::Plan| {
        let counted_from = plan.counted_from.unwrap_or(i64::MAX).clamp(from, to);
        let before = match &plan.before {
            Before::Slots => vec![("slots", from, to)],
            Before::Nothing => vec![("none", from, counted_from), ("slots", counted_from, to)],
            Before::Records(first, _) => {
                let first = (*first).clamp(from, counted_from);
                vec![("none", from, first), ("records", first, counted_from), ("slots", counted_from, to)]
            }
        };
        before.into_iter().filter(|(_, start, end)| start < end).collect()
    };
    history.plans().iter().map(of_plan).collect()
}

fn warnings_of(
    indicators: &Indicators,
    data: &[Vec<(&'static str, i64, i64)>],
    outcome: &Outcome,
    span: Span,
) -> Vec<String> {
    let mut warnings = Vec::new();
    for (number, (indicator, data)) in indicators.all().iter().zip(data).enumerate() {
        let name = history::short_name(&indicator.name);
        if let Some((_, from, to)) = data.iter().find(|(data, ..)| *data == "none") {
            let (from, to) = (history::shown(*from), history::shown(*to));
            warnings.push(format!(
                "`{name}`: nothing is known from {from} to {to}: it was not counted then, and no records are kept; a \
                 threshold that is a bound of the histogram can be tried on the minutes, which are kept longer"
            ));
        } else if let Some(begun) = outcome.begun[number].filter(|begun| *begun > span.from) {
            let begun = history::shown(begun);
            warnings.push(format!("`{name}`: the first that is known of it is of {begun}"));
        }
    }
    warnings
}

fn bad_request(error: &str, hint: &'static str) -> AdminProblem {
    AdminProblem::new(ProblemKind::BadRequest, error, hint)
}

fn failed(error: String) -> AdminProblem {
    AdminProblem::new(ProblemKind::Failed, error, "look at the server's log and its disk")
}
