//! The guard before every route: who may pass is the table in `lib.rs`.
//!
//! One guard over all routes and a table that ends with a refusal, not a check in each handler: a route that
//! is added and forgotten in the table is closed but for administrators.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::authentication::{Denied, Role};
use crate::problem::problem;
use crate::writers::elastic;
use crate::{ACCESS, Handlers};

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
        is_method
            && match self.path.strip_suffix('*') {
                Some(folder) => path.starts_with(folder),
                None => path == self.path,
            }
    }
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
    if let Some(roles) = roles_for(request.method(), path) {
        let authorization = request.headers().get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let peer = peer.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED.into());
        if let Err(denied) = handlers.authentication.check(authorization, peer, roles).await {
            return response(denied, path);
        }
    }
    next.run(request).await
}

/// JSON for the API, else text.
fn response(denied: Denied, path: &str) -> Response {
    let (status, code, text, hint) = match denied {
        Denied::Unknown => (
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "this needs a user and a password, or a token",
            "send basic or bearer authentication",
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
    };
    let mut response = if path.starts_with("/api/") || path.starts_with("/ingest/") {
        problem(status, code, text.to_owned(), hint)
    } else if elastic::is_elastic(path) {
        elastic::denied(status, &format!("{text}; {hint}"))
    } else {
        (status, format!("{text}; {hint}\n")).into_response()
    };
    let headers = response.headers_mut();
    match denied {
        Denied::Unknown => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"weir\""));
        }
        Denied::TooOften(seconds) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        Denied::NotAllowed => {}
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

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
            (Method::GET, "/", Some(&[Read])),
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
