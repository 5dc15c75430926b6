//! `GET /api/audit`: who did what that cannot be undone, or that others must be able to ask about.
//!
//! An entry is written before the deed and completed after it, so that a deed of which a crash took the end is there
//! all the same, without its outcome.

use std::future::Future;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::Handlers;
use crate::admin::{Ask, answered, bad_request, nothing_here};
use crate::authentication::Identity;
use crate::gateway::BoxFuture;

/// Where entries are kept.
#[derive(Clone)]
pub struct Audit {
    /// Begins an entry; its id. Completes when it is on the disk, or would take too long.
    pub begin: Arc<dyn Fn(AuditNote) -> BoxFuture<u64> + Send + Sync>,
    /// Completes the entry of an id by what came of it.
    pub end: Arc<dyn Fn(u64, String) + Send + Sync>,
    /// A page of entries.
    pub page: Ask<AuditQuery, AuditPage>,
}

/// What somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditNote {
    /// Who; `None` where nobody has to say who he is.
    pub user: Option<String>,
    /// Where from.
    pub address: Option<String>,
    /// What.
    pub action: Action,
    /// To what.
    pub target: String,
}

/// What may be done that is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Somebody signed in.
    SignIn,
    /// Somebody tried to, with a wrong name or password; the target is the name.
    SignInFailed,
    /// Somebody signed out.
    SignOut,
    /// Records were removed.
    RecordsDeleted,
    /// A silence was made or changed.
    SilenceSet,
    /// A silence was ended.
    SilenceExpired,
    /// Rejects were read again.
    RejectsReplayed,
    /// Objects of a bucket were counted.
    BackfillStarted,
    /// A saved search was removed.
    SearchDeleted,
}

/// Which entries to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// Only those with ids below this one.
    pub before: Option<u64>,
    /// At most so many; 100 by default.
    pub limit: Option<usize>,
}

/// Entries, the youngest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// The value of `before` that goes on behind this page; `None` at the end.
    pub next: Option<u64>,
}

/// What somebody did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its id, from 1.
    pub id: u64,
    /// When, in RFC 3339; of several the last.
    pub at: String,
    /// Who; `None` where nobody has to say who he is.
    pub user: Option<String>,
    /// Where from.
    pub address: Option<String>,
    /// What: a name of [`Action`].
    pub action: String,
    /// To what.
    pub target: String,
    /// What came of it; `None` where that is not known.
    pub outcome: Option<String>,
    /// How often; more than once only what failed.
    pub count: u64,
}

pub(crate) async fn page(
    State(handlers): State<Handlers>,
    query: Result<Query<AuditQuery>, QueryRejection>,
) -> Response {
    match (handlers.audit, query) {
        (Some(audit), Ok(Query(query))) => answered((audit.page)(query).await),
        (Some(_), Err(rejection)) => {
            bad_request(rejection.body_text(), "the parameters are before and limit")
        }
        (None, _) => nothing_here(),
    }
}

/// Notes what has no outcome.
pub(crate) async fn note(handlers: &Handlers, who: &Identity, action: Action, target: String) {
    if let Some(audit) = &handlers.audit {
        (audit.begin)(AuditNote::new(who, action, target)).await;
    }
}

/// Notes a deed, does it, and notes its outcome.
pub(crate) async fn audited<T, E: std::fmt::Display>(
    audit: Option<&Audit>,
    note: AuditNote,
    deed: impl Future<Output = Result<T, E>>,
    outcome: impl FnOnce(&T) -> String,
) -> Result<T, E> {
    let Some(audit) = audit else { return deed.await };
    let id = (audit.begin)(note).await;
    let done = deed.await;
    let text = match &done {
        Ok(answer) => outcome(answer),
        Err(error) => format!("not done: {error}"),
    };
    (audit.end)(id, text);
    done
}

impl AuditNote {
    /// What `who` does.
    pub(crate) fn new(who: &Identity, action: Action, target: String) -> Self {
        Self {
            user: who.name.as_deref().map(str::to_owned),
            address: who.address.map(|address| address.to_canonical().to_string()),
            action,
            target,
        }
    }
}
