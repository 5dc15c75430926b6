//! The JSON of backtests: what alerts there would have been, and how many messages.
//!
//! A page that tries another threshold asks with a short address; a command that tries another config sends it whole.
//! Both get the same answer, which says beside each number what it was made from: a share of records of which only a
//! part is kept, or of a span for which there is nothing, must not look like one of everything.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::{AlertChange, SlaBudget, answered, bad_request, nothing_here, wrong_body};
use crate::Handlers;

/// What is tried of the server's own config.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BacktestQuery {
    /// Only this SLA.
    pub sla: Option<String>,
    /// Only this alert.
    pub alert: Option<String>,
    /// Another time within which requests are to be answered, as `0.3s`; of the SLA.
    pub threshold: Option<String>,
    /// Another percentage that must be good; of the SLA.
    pub objective: Option<String>,
    /// The first moment; 30 days before `to` by default.
    pub from: Option<String>,
    /// The last moment; now by default.
    pub to: Option<String>,
    /// Suggest a setting that would have told people at most so often in 30 days.
    pub pages_per_month: Option<String>,
}

/// A config to try.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BacktestRequest {
    /// Its text.
    pub config: String,
    /// What its errors call it.
    pub file_name: Option<String>,
    /// The variables of the environment that it names.
    pub variables: Option<BTreeMap<String, String>>,
    /// The text of the file of Alertmanager's that it names.
    pub alertmanager: Option<String>,
    /// Only this SLA.
    pub sla: Option<String>,
    /// Only this alert.
    pub alert: Option<String>,
    /// The first moment; 30 days before `to` by default.
    pub from: Option<String>,
    /// The last moment; now by default.
    pub to: Option<String>,
    /// Suggest a setting that would have told people at most so often in 30 days.
    pub pages_per_month: Option<String>,
}

/// What there would have been. Times are RFC 3339, of events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BacktestAnswer {
    /// The first moment.
    pub from: String,
    /// The last one.
    pub to: String,
    /// Each SLA and alert.
    pub rows: Vec<BacktestRow>,
    /// What would have fired, in the order of time, at most 10,000.
    pub firings: Vec<BacktestFiring>,
    /// How many there were in all.
    pub firings_total: u64,
    /// How long they fired together, in minutes.
    pub firing_minutes: u64,
    /// What changed, as the history of alerts has it but in the order of time, at most 10,000.
    pub changes: Vec<AlertChange>,
    /// The messages after grouping.
    pub mails: BacktestMails,
    /// What would have told people less often, where that was asked for and there is such a setting.
    pub suggestion: Option<BacktestSuggestion>,
    /// What should be known about the answer.
    pub warnings: Vec<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// What became of an SLA or an alert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BacktestRow {
    /// `sla` or `alert`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it was judged from.
    pub data: Vec<BacktestData>,
    /// Requests that were good; of an alert 0.
    pub good: u64,
    /// Requests that were not, or records that were counted.
    pub bad: u64,
    /// The share that was good; `None` without requests, and of alerts.
    pub good_share: Option<f64>,
    /// The percentage that must be good; of SLAs.
    pub objective: Option<f64>,
    /// What may be bad over the span, by that objective; of SLAs.
    pub budget: Option<SlaBudget>,
    /// How often it would have fired.
    pub firings: u64,
    /// For how long, in minutes.
    pub firing_minutes: u64,
    /// What happened step by step; steps without anything are left out.
    pub steps: Vec<BacktestStep>,
    /// How long a step is, in minutes.
    pub step_minutes: u64,
}

/// Where events of a part of the span came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BacktestData {
    /// `slots`: the minutes, which have everything. `records`: those that are kept. `none`: nothing is known.
    pub data: String,
    /// Its beginning.
    pub from: String,
    /// Its end.
    pub to: String,
}

/// What happened in a step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BacktestStep {
    /// Its beginning.
    pub from: String,
    /// Requests that were good.
    pub good: u64,
    /// Requests that were not.
    pub bad: u64,
    /// The share that was good.
    pub good_share: Option<f64>,
}

/// An alert that would have fired.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BacktestFiring {
    /// What it is about.
    pub labels: BTreeMap<Box<str>, Box<str>>,
    /// What a person would have read first.
    pub annotations: BTreeMap<Box<str>, Box<str>>,
    /// Since when its rule held.
    pub active_at: String,
    /// Since when it fired; may be before the span.
    pub fired_at: String,
    /// When it was over; `None` where it still fired at the end.
    pub resolved_at: Option<String>,
    /// For how many minutes it fired.
    pub minutes: u64,
    /// What was too much, at its worst.
    pub bad: u64,
    /// Of how many.
    pub total: u64,
}

/// The messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BacktestMails {
    /// How many in all, to all addresses.
    pub total: u64,
    /// How many to each.
    pub receivers: Vec<BacktestReceiver>,
    /// The messages, in the order of time, at most 1,000.
    pub messages: Vec<BacktestMessage>,
}

/// How many messages an address would have got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BacktestReceiver {
    /// The receiver's name.
    pub receiver: String,
    /// `mail` or `webhook`.
    pub kind: String,
    /// How many.
    pub messages: u64,
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BacktestMessage {
    /// When.
    pub at: String,
    /// To whom.
    pub receiver: String,
    /// `mail` or `webhook`.
    pub kind: String,
    /// Alerts in it that fire.
    pub firing: u64,
    /// Alerts in it that are resolved.
    pub resolved: u64,
    /// What it is called.
    pub title: String,
    /// Why it was sent.
    pub reason: String,
}

/// Another setting.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BacktestSuggestion {
    /// Which: `threshold`, `objective`, `above` or `spike_height`.
    pub setting: String,
    /// What it would be, as it is written in a config.
    pub value: String,
    /// Pages in 30 days with it.
    pub pages_per_month: f64,
    /// Pages in 30 days as it is.
    pub pages_per_month_now: f64,
}

pub(crate) async fn by_query(
    State(handlers): State<Handlers>,
    query: Result<Query<BacktestQuery>, QueryRejection>,
) -> Response {
    match (handlers.admin, query) {
        (Some(admin), Ok(Query(query))) => answered((admin.backtest)(query).await),
        (Some(_), Err(rejection)) => {
            let hint = "the parameters are sla, alert, threshold, objective, from, to and pages_per_month";
            bad_request(rejection.body_text(), hint)
        }
        (None, _) => nothing_here(),
    }
}

pub(crate) async fn of_config(
    State(handlers): State<Handlers>,
    request: Result<Json<BacktestRequest>, JsonRejection>,
) -> Response {
    match (handlers.admin, request) {
        (Some(admin), Ok(Json(request))) => answered((admin.backtest_config)(request).await),
        (Some(_), Err(rejection)) => wrong_body(&rejection, "send {\"config\": \"the text of a config\"}"),
        (None, _) => nothing_here(),
    }
}
