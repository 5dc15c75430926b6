//! `/api/searches`: searches that somebody gave a name, for everybody who may read.
//!
//! Kept by the server and not by a browser, so that a colleague finds them and a link by name is enough. Who may read
//! may save; what somebody else saved only an administrator changes.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use crate::Handlers;
use crate::admin::{Ask, answered, bad_request, nothing_here, wrong_body};
use crate::audit::{self, Action};
use crate::authentication::{Identity, Role};

/// Where they are kept.
#[derive(Clone)]
pub struct Searches {
    /// All of them.
    pub list: Ask<(), SearchesAnswer>,
    /// Makes or replaces one.
    pub save: Ask<SaveSearch, SavedSearch>,
    /// Removes one.
    pub remove: Ask<RemoveSearch, ()>,
}

/// Who saves or removes a search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchOwner {
    /// The user; `None` where nobody has to say who he is.
    pub name: Option<Arc<str>>,
    /// Whether he may change what others saved.
    pub is_admin: bool,
}

/// A search that is to be saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaveSearch {
    /// Its name.
    pub name: String,
    /// What it is.
    pub search: SearchText,
    /// Who wants it.
    pub owner: SearchOwner,
}

/// A search that is to be removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoveSearch {
    /// Its name.
    pub name: String,
    /// Who wants it.
    pub owner: SearchOwner,
}

/// What a saved search is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchText {
    /// In the query language.
    pub query: String,
    /// From when on, as the user wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The fields that are shown; none: those that always are.
    #[serde(default)]
    pub columns: Vec<String>,
}

/// All saved searches.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SearchesAnswer {
    /// By name.
    pub searches: Vec<SavedSearch>,
    /// How many there may be.
    pub searches_max: usize,
}

/// A saved search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedSearch {
    /// Its name.
    pub name: String,
    /// In the query language.
    pub query: String,
    /// From when on, as the user wrote it.
    pub from: Option<String>,
    /// Until when.
    pub to: Option<String>,
    /// The fields that are shown; none: those that always are.
    pub columns: Vec<String>,
    /// Who saved it; `None` where nobody has to say who he is.
    pub saved_by: Option<String>,
    /// When, in RFC 3339.
    pub saved_at: String,
}

const HINT: &str = "send {\"query\": \"...\", \"from\": \"now-1h\", \"to\": \"now\", \"columns\": [\"route\"]} \
     as application/json";

pub(crate) async fn list(State(handlers): State<Handlers>) -> Response {
    match handlers.searches {
        Some(searches) => answered((searches.list)(()).await),
        None => nothing_here(),
    }
}

pub(crate) async fn save(
    State(handlers): State<Handlers>,
    Extension(who): Extension<Identity>,
    name: Result<Path<String>, PathRejection>,
    body: Result<Json<SearchText>, JsonRejection>,
) -> Response {
    let Some(searches) = handlers.searches else { return nothing_here() };
    let (name, search) = match (name, body) {
        (Ok(Path(name)), Ok(Json(search))) => (name, search),
        (Err(rejection), _) => return bad_request(rejection.body_text(), "a name is text"),
        (_, Err(rejection)) => return wrong_body(&rejection, HINT),
    };
    answered((searches.save)(SaveSearch { name, search, owner: owner(&who) }).await)
}

pub(crate) async fn remove(
    State(handlers): State<Handlers>,
    Extension(who): Extension<Identity>,
    name: Result<Path<String>, PathRejection>,
) -> Response {
    let Some(searches) = &handlers.searches else { return nothing_here() };
    let name = match name {
        Ok(Path(name)) => name,
        Err(rejection) => return bad_request(rejection.body_text(), "a name is text"),
    };
    match (searches.remove)(RemoveSearch { name: name.clone(), owner: owner(&who) }).await {
        Ok(()) => {
            // Only what was done: who may only read could fill the list otherwise.
            audit::note(&handlers, &who, Action::SearchDeleted, name).await;
            StatusCode::NO_CONTENT.into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

fn owner(who: &Identity) -> SearchOwner {
    SearchOwner { name: who.name.clone(), is_admin: who.may(&[Role::Admin]) }
}
