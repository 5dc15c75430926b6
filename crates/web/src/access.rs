//! The guard before every route: who may pass is the table in `lib.rs`.
//!
//! One guard over all routes and a table that ends with a refusal, not a check in each handler: a route that
//! is added and forgotten in the table is closed but for administrators.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::arrival::Arrival;
use crate::authentication::{Credentials, Denied, Identity, Role};
use crate::problem::problem;
use crate::session::{cookie, has_own_form, is_from_page};
use crate::writers::elastic;
use crate::{ACCESS, Handlers};

/// With what the paths of the API begin.
const API: &str = "/api/";

/// What is sent to from other programs' pages too. Each of them has `gateway.cors_origins` for that, and looks at it
/// itself; what changes something anywhere else only our own page and programs may ask for.
const OWN_ORIGIN_RULES: [&str; 8] =
    ["/metrics", "/metrics/*", "/gelf", "/ingest/ndjson", "/v1/logs", "/loki/api/v1/push", "/es", "/es/*"];

/// A row of the table; the first one that fits a request decides.
pub(crate) struct Access {
    /// Which requests on the path.
    pub methods: Methods,
    /// The path; one that ends with `*` is all that begin so.
    pub path: &'static str,
    /// Who may; nobody needs to say who he is where this is `None`.
    pub roles: Option<&'static [Role]>,
}

/// Methods that are the same to the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Methods {
    /// `GET` and `HEAD`.
    Reading,
    /// `OPTIONS`, which browsers ask without a password.
    Options,
    /// All.
    Any,
}

impl Access {
    fn fits(&self, method: &Method, path: &str) -> bool {
        let is_method = match self.methods {
            Methods::Reading => matches!(*method, Method::GET | Method::HEAD),
            Methods::Options => *method == Method::OPTIONS,
            Methods::Any => true,
        };
        is_method && is_like(path, self.path)
    }
}

/// Whether a path is `pattern`, or begins with it where that ends with `*`.
fn is_like(path: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(folder) => path.starts_with(folder),
        None => path == pattern,
    }
}

/// Whether only our own page and programs may ask for a change here.
fn is_closed_to_other_pages(path: &str) -> bool {
    !OWN_ORIGIN_RULES.iter().any(|pattern| is_like(path, pattern))
}

/// Who may send this; `None`: everyone.
pub(crate) fn roles_for(method: &Method, path: &str) -> Option<&'static [Role]> {
    let row = ACCESS.iter().find(|row| row.fits(method, path));
    row.map_or(Some(&[Role::Admin]), |row| row.roles)
}

/// Lets a request pass, or says why not.
pub(crate) async fn guard(State(handlers): State<Handlers>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    pass(&handlers, &path, request, next).await
}

/// The same where all paths are those of Elasticsearch.
pub(crate) async fn elastic_guard(
    State(handlers): State<Handlers>,
    request: Request,
    next: Next,
) -> Response {
    pass(&handlers, elastic::PREFIX, request, next).await
}

/// Lets a request pass that may go to `path`.
async fn pass(handlers: &Handlers, path: &str, request: Request, next: Next) -> Response {
    if !handlers.hosts.allow(request.headers()) {
        let text = "this server is for this machine only, and was called by another name";
        let status = StatusCode::MISDIRECTED_REQUEST;
        return match elastic::is_elastic(path) {
            true => elastic::denied(status, text),
            false => (status, format!("{text}\n")).into_response(),
        };
    }
    let (mut parts, body) = request.into_parts();
    match allow(handlers, path, &parts).await {
        Ok(Some(identity)) => {
            parts.extensions.insert(identity);
        }
        Ok(None) => {}
        Err(denied) => return response(denied, path, &parts.headers),
    }
    let mut response = if path.starts_with(API) {
        let (arrival, body) = Arrival::within(handlers.connections.body_timeout, body);
        arrival.answer(next.run(Request::from_parts(parts, body)).await)
    } else {
        // What is pushed has limits of its own, by how much may be sent.
        next.run(Request::from_parts(parts, body)).await
    };
    // What a log line holds is never to be taken for a page.
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if path.starts_with(API) {
        response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

/// Who asks, where only somebody may; or why he may not.
async fn allow(handlers: &Handlers, path: &str, request: &Parts) -> Result<Option<Identity>, Denied> {
    let headers = &request.headers;
    let is_change = !matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if is_change && is_closed_to_other_pages(path) && handlers.site.is_foreign(headers) {
        return Err(Denied::NotFromThePage);
    }
    let Some(roles) = roles_for(&request.method, path) else { return Ok(None) };
    let credentials = credentials(handlers, headers);
    let identity = handlers.authentication.identify(credentials, peer_of(&request.extensions)).await?;
    let is_by_cookie = matches!(credentials, Credentials::Session(_));
    if is_change && is_by_cookie && (!is_from_page(headers) || handlers.site.is_foreign(headers)) {
        return Err(Denied::NotFromThePage);
    }
    if identity.may(roles) { Ok(Some(identity)) } else { Err(Denied::NotAllowed) }
}

/// Where a request comes from.
pub(crate) fn peer_of(extensions: &Extensions) -> IpAddr {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    peer.unwrap_or(Ipv4Addr::UNSPECIFIED.into())
}

/// What a request has to say who asks; the cookie only where it says nothing else.
pub(crate) fn credentials<'h>(handlers: &Handlers, headers: &'h HeaderMap) -> Credentials<'h> {
    match headers.get(header::AUTHORIZATION) {
        Some(value) => value.to_str().map_or(Credentials::Nothing, Credentials::Authorization),
        None => {
            let session = cookie::read(headers, handlers.site.is_https());
            session.map_or(Credentials::Nothing, Credentials::Session)
        }
    }
}

/// JSON for the API, else text.
pub(crate) fn response(denied: Denied, path: &str, headers: &HeaderMap) -> Response {
    let (status, code, text, hint) = words(denied);
    let mut response = if path.starts_with(API) || path.starts_with("/ingest/") {
        problem(status, code, text.to_owned(), hint)
    } else if elastic::is_elastic(path) {
        elastic::denied(status, &format!("{text}; {hint}"))
    } else {
        (status, format!("{text}; {hint}\n")).into_response()
    };
    let answer = response.headers_mut();
    match denied {
        Denied::Unknown if !has_own_form(headers) => {
            answer.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"weir\""));
        }
        Denied::TooOften(seconds) => {
            answer.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        Denied::Unknown | Denied::NotFromThePage | Denied::NotAllowed => {}
    }
    response
}

fn words(denied: Denied) -> (StatusCode, &'static str, &'static str, &'static str) {
    match denied {
        Denied::Unknown => (
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "this needs a user and a password, or a token",
            "send basic or bearer authentication",
        ),
        Denied::NotFromThePage => (
            StatusCode::FORBIDDEN,
            "not_from_the_page",
            "a browser sent this for another page than weir's",
            "programs send no cookie and no Origin; behind a proxy set http.external_url",
        ),
        Denied::NotAllowed => (
            StatusCode::FORBIDDEN,
            "forbidden",
            "this user has not the role for this",
            "add the role to the user in http.auth",
        ),
        Denied::TooOften(_) => (
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_attempts",
            "too many wrong passwords from this address",
            "wait as long as Retry-After says",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_pushed_to_is_open_to_other_pages() {
        for (path, is_closed) in [
            ("/-/reload", true),
            ("/api/delete", true),
            ("/", true),
            ("/gelf/x", true),
            ("/metricsx", true),
            ("/metrics", false),
            ("/metrics/job/a", false),
            ("/gelf", false),
            ("/ingest/ndjson", false),
            ("/v1/logs", false),
            ("/loki/api/v1/push", false),
            ("/es", false),
            ("/es/_bulk", false),
        ] {
            assert_eq!(is_closed_to_other_pages(path), is_closed, "{path}");
        }
    }

    #[test]
    fn each_route_has_its_roles() {
        use Role::{Admin, Push, Read, Scrape};
        for (method, path, expected) in [
            (Method::GET, "/metrics", Some(&[Scrape, Read] as &[Role])),
            (Method::HEAD, "/metrics", Some(&[Scrape, Read])),
            (Method::POST, "/metrics", Some(&[Push])),
            (Method::PUT, "/metrics/job/a", Some(&[Push])),
            (Method::DELETE, "/metrics/job/a", Some(&[Push])),
            (Method::OPTIONS, "/metrics/job/a", None),
            (Method::GET, "/metrics/job/a", Some(&[Push])),
            (Method::GET, "/api/routes", Some(&[Read])),
            (Method::POST, "/api/routes", Some(&[Admin])),
            (Method::GET, "/api/search", Some(&[Read])),
            (Method::GET, "/api/tail", Some(&[Read])),
            (Method::GET, "/api/aggregate", Some(&[Read])),
            (Method::POST, "/api/aggregate", Some(&[Read])),
            (Method::POST, "/api/delete", Some(&[Admin])),
            (Method::GET, "/api/rejects/7", Some(&[Read])),
            (Method::POST, "/api/rejects/replay", Some(&[Admin])),
            (Method::POST, "/api/backfill", Some(&[Admin])),
            (Method::GET, "/", None),
            (Method::POST, "/", Some(&[Admin])),
            (Method::GET, "/assets/index.js", None),
            (Method::PUT, "/assets/index.js", Some(&[Admin])),
            (Method::GET, "/api/session", None),
            (Method::POST, "/api/session", None),
            (Method::DELETE, "/api/session", None),
            (Method::GET, "/api/sessions", Some(&[Read])),
            (Method::GET, "/api/searches", Some(&[Read])),
            (Method::PUT, "/api/searches/a", Some(&[Read])),
            (Method::DELETE, "/api/searches/a", Some(&[Read])),
            (Method::PUT, "/api/searches", Some(&[Admin])),
            (Method::GET, "/api/audit", Some(&[Admin])),
            (Method::GET, "/api/status", Some(&[Read])),
            (Method::GET, "/api/notifications", Some(&[Read])),
            (Method::POST, "/gelf", Some(&[Push])),
            (Method::OPTIONS, "/gelf", None),
            (Method::POST, "/ingest/ndjson", Some(&[Push])),
            (Method::POST, "/v1/logs", Some(&[Push])),
            (Method::POST, "/loki/api/v1/push", Some(&[Push])),
            (Method::HEAD, "/es", Some(&[Push])),
            (Method::POST, "/es/_bulk", Some(&[Push])),
            (Method::GET, "/essay", Some(&[Admin])),
            (Method::GET, "/-/healthy", None),
            (Method::GET, "/ready", None),
            (Method::GET, "/metricsx", Some(&[Admin])),
            (Method::POST, "/-/reload", Some(&[Admin])),
        ] {
            assert_eq!(roles_for(&method, path), expected, "{method} {path}");
        }
    }
}
