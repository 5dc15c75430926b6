//! Alerts and silences, as version 2 of Alertmanager's API has them: `amtool` and what is built on it work.
//!
//! Its shapes and its odd errors (a text as JSON) are kept as they are; a better shape would be one that no
//! existing program reads.

mod shapes;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

use crate::Handlers;
use crate::admin::{AdminProblem, Ask, ProblemKind};
use crate::audit::{Action, AuditNote, audited};
use crate::authentication::Identity;
use crate::notifications::NotificationsAnswer;
pub use shapes::{
    AlertFilter, AlertReceiver, AlertStatus, AlertingStatus, AlertingVersion, ClusterStatus, ConfigText,
    PostableSilence, ShownAlert, ShownSilence, SilenceId, SilenceMatcher, SilenceStatus,
};

/// Where the answers come from.
#[derive(Clone)]
pub struct Alerting {
    /// The alerts that there are.
    pub alerts: Ask<AlertFilter, Vec<ShownAlert>>,
    /// All silences that meet the matchers.
    pub silences: Ask<Vec<String>, Vec<ShownSilence>>,
    /// One silence.
    pub silence: Ask<String, ShownSilence>,
    /// Makes or changes one; its name.
    pub set_silence: Ask<PostableSilence, SilenceId>,
    /// Ends one.
    pub expire_silence: Ask<String, ()>,
    /// What the server is.
    pub status: Ask<(), AlertingStatus>,
    /// What was sent, what waits and what is due.
    pub notifications: Ask<(), NotificationsAnswer>,
}

/// The parameters of a list of alerts.
pub(crate) const ALERT_PARAMETERS: [&str; 6] =
    ["filter", "active", "silenced", "inhibited", "unprocessed", "receiver"];

type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;

pub(crate) async fn alerts(State(handlers): State<Handlers>, query: Pairs) -> Response {
    let Some(alerting) = handlers.alerting else { return nothing_here() };
    match query.map_err(|rejection| rejection.body_text()).and_then(|Query(pairs)| filter(pairs)) {
        Ok(filter) => answered((alerting.alerts)(filter).await.map(Json)),
        Err(error) => refused(StatusCode::BAD_REQUEST, error),
    }
}

fn filter(pairs: Vec<(String, String)>) -> Result<AlertFilter, String> {
    let mut filter = AlertFilter::default();
    for (name, value) in pairs {
        let flag = || match value.as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(format!("{name} should be true or false, found {other}")),
        };
        match name.as_str() {
            "filter" => filter.matchers.push(value),
            "active" => filter.active = flag()?,
            "silenced" => filter.silenced = flag()?,
            "inhibited" => filter.inhibited = flag()?,
            // Each alert is looked at before it is shown.
            "unprocessed" => drop(flag()?),
            "receiver" => filter.receiver = Some(value),
            other => {
                return Err(format!("unknown parameter {other}; there are {}", ALERT_PARAMETERS.join(", ")));
            }
        }
    }
    Ok(filter)
}

pub(crate) async fn silences(State(handlers): State<Handlers>, query: Pairs) -> Response {
    let Some(alerting) = handlers.alerting else { return nothing_here() };
    let Ok(Query(pairs)) = query else { return refused(StatusCode::BAD_REQUEST, "no query".to_owned()) };
    if let Some((name, _)) = pairs.iter().find(|(name, _)| name != "filter") {
        return refused(StatusCode::BAD_REQUEST, format!("unknown parameter {name}; there is filter"));
    }
    let matchers = pairs.into_iter().map(|(_, value)| value).collect();
    answered((alerting.silences)(matchers).await.map(Json))
}

pub(crate) async fn silence(State(handlers): State<Handlers>, Path(id): Path<String>) -> Response {
    let Some(alerting) = handlers.alerting else { return nothing_here() };
    answered((alerting.silence)(id).await.map(Json))
}

pub(crate) async fn set_silence(
    State(handlers): State<Handlers>,
    Extension(who): Extension<Identity>,
    body: Result<Json<PostableSilence>, JsonRejection>,
) -> Response {
    let Some(alerting) = handlers.alerting else { return nothing_here() };
    match body {
        Ok(Json(silence)) => {
            let note = AuditNote::new(&who, Action::SilenceSet, silence.to_string());
            let set = (alerting.set_silence)(silence);
            let set = audited(handlers.audit.as_ref(), note, set, |id| format!("silence {}", id.silence_id));
            answered(set.await.map(Json))
        }
        Err(rejection) => refused(rejection.status(), rejection.body_text()),
    }
}

pub(crate) async fn expire_silence(
    State(handlers): State<Handlers>,
    Extension(who): Extension<Identity>,
    Path(id): Path<String>,
) -> Response {
    let Some(alerting) = handlers.alerting else { return nothing_here() };
    let note = AuditNote::new(&who, Action::SilenceExpired, format!("silence {id}"));
    let expired = (alerting.expire_silence)(id);
    answered(audited(handlers.audit.as_ref(), note, expired, |()| "expired".to_owned()).await)
}

pub(crate) async fn status(State(handlers): State<Handlers>) -> Response {
    let Some(alerting) = handlers.alerting else { return nothing_here() };
    answered((alerting.status)(()).await.map(Json))
}

fn answered<T: IntoResponse>(answer: Result<T, AdminProblem>) -> Response {
    match answer {
        Ok(answer) => answer.into_response(),
        Err(problem) => {
            let status = match problem.kind {
                ProblemKind::BadRequest => StatusCode::BAD_REQUEST,
                ProblemKind::NotAllowed => StatusCode::FORBIDDEN,
                ProblemKind::NotFound => StatusCode::NOT_FOUND,
                ProblemKind::Busy | ProblemKind::Stopping => StatusCode::SERVICE_UNAVAILABLE,
                ProblemKind::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            };
            refused(status, problem.error)
        }
    }
}

fn refused(status: StatusCode, error: String) -> Response {
    (status, Json(error)).into_response()
}

fn nothing_here() -> Response {
    refused(StatusCode::NOT_FOUND, "this server has no alerts".to_owned())
}
