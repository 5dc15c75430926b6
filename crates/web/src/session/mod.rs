//! Signing in at the page: `/api/session`.
//!
//! A session and not basic authentication, which a browser never forgets and asks for in a window of its own. The
//! page asks who it is before anything else, so that answer is no error where it is nobody.

pub(crate) mod cookie;
mod origin;
mod table;

use std::time::Duration;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::access::{self, credentials, peer_of};
use crate::audit::Action;
use crate::authentication::{Authentication, Credentials, Denied, Identity};
use crate::problem::problem;
use crate::{Handlers, audit};
pub use origin::Site;
pub(crate) use origin::{has_own_form, is_from_page};
pub use table::SessionLimits;
pub(crate) use table::{SessionId, Sessions};

/// The largest body of who signs in, in bytes: anybody may send one.
const BODY_BYTES_MAX: usize = 16 << 10;

/// How long that body may take.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// The path, for who is denied.
const PATH: &str = "/api/session";

/// Who signs in.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The user's name.
    pub name: String,
    /// The password.
    pub password: String,
}

/// Who is signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStatus {
    /// The user; `None` for nobody, and where nobody has to sign in.
    pub name: Option<String>,
    /// What he may do: `read`, `scrape`, `push`, `admin`, who may do everything.
    pub roles: Vec<String>,
    /// Whether nobody has to sign in.
    pub is_open: bool,
    /// Of weir; nothing of it is told before somebody has signed in.
    pub version: Option<String>,
}

/// Who asks.
pub(crate) async fn status(State(handlers): State<Handlers>, request: Request) -> Response {
    let (request, _) = request.into_parts();
    let peer = peer_of(&request.extensions);
    let credentials = credentials(&handlers, &request.headers);
    match handlers.authentication.identify(credentials, peer).await {
        Ok(identity) => Json(shown(&handlers, &identity)).into_response(),
        // A session that is over is nobody's; a wrong password is an error as everywhere.
        Err(Denied::Unknown) if !matches!(credentials, Credentials::Authorization(_)) => {
            Json(SessionStatus::default()).into_response()
        }
        Err(denied) => access::response(denied, PATH, &request.headers),
    }
}

/// Signs in.
pub(crate) async fn sign_in(State(handlers): State<Handlers>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    // Another page must not sign its reader in as somebody else.
    if !is_from_page(headers) {
        return access::response(Denied::NotFromThePage, PATH, headers);
    }
    let peer = peer_of(&parts.extensions);
    let SignIn { name, password } = match read(body).await {
        Ok(sign_in) => sign_in,
        Err(response) => return *response,
    };
    let nobody = Identity { address: Some(peer), ..Identity::default() };
    match handlers.authentication.sign_in(&name, &password, peer).await {
        Ok((identity, session)) => {
            if session.is_some() {
                audit::note(&handlers, &identity, Action::SignIn, String::new()).await;
            }
            // Who was signed in before in the same browser is out.
            if let Credentials::Session(former) = credentials(&handlers, headers) {
                handlers.authentication.sign_out(former);
            }
            let mut response = Json(shown(&handlers, &identity)).into_response();
            let cookie = session.and_then(|id| cookie::set(id, handlers.site.is_https()));
            with_cookie(&mut response, cookie);
            response
        }
        Err(denied) => {
            if denied == Denied::Unknown {
                audit::note(&handlers, &nobody, Action::SignInFailed, name).await;
            }
            access::response(denied, PATH, headers)
        }
    }
}

/// Signs out; also who is not signed in.
pub(crate) async fn sign_out(State(handlers): State<Handlers>, request: Request) -> Response {
    let (request, _) = request.into_parts();
    let headers = &request.headers;
    if !is_from_page(headers) {
        return access::response(Denied::NotFromThePage, PATH, headers);
    }
    let is_https = handlers.site.is_https();
    let name = cookie::read(headers, is_https).and_then(|id| handlers.authentication.sign_out(id));
    if let Some(name) = name {
        let address = Some(peer_of(&request.extensions));
        let who = Identity { name: Some(name.into()), address, ..Identity::default() };
        audit::note(&handlers, &who, Action::SignOut, String::new()).await;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    with_cookie(&mut response, cookie::clear(is_https));
    response
}

fn shown(handlers: &Handlers, identity: &Identity) -> SessionStatus {
    SessionStatus {
        name: identity.name.as_deref().map(str::to_owned),
        roles: identity.roles.iter().map(|role| role.name().to_owned()).collect(),
        is_open: matches!(*handlers.authentication, Authentication::None),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
    }
}

async fn read(body: Body) -> Result<SignIn, Box<Response>> {
    let wrong = |status, error: String| {
        Box::new(problem(status, "bad_body", error, "send {\"name\": \"...\", \"password\": \"...\"}"))
    };
    let bytes = tokio::time::timeout(BODY_TIME_MAX, to_bytes(body, BODY_BYTES_MAX)).await;
    let bytes = bytes.map_err(|_| wrong(StatusCode::REQUEST_TIMEOUT, "the body did not come".to_owned()))?;
    let bytes = bytes.map_err(|_| {
        wrong(StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {BODY_BYTES_MAX} bytes"))
    })?;
    // The error of the JSON library may quote the body, which has the password.
    serde_json::from_slice(&bytes)
        .map_err(|_| wrong(StatusCode::BAD_REQUEST, "the body is no name and password as JSON".to_owned()))
}

fn with_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}
