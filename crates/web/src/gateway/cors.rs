//! Whose web pages may push.
//!
//! Two things at once: the headers by which a browser lets a page of another origin push and read the
//! answer, and the refusal of those that may not. Without the refusal the headers are worth little, since a
//! browser sends a plain `POST` anyway and only keeps the answer from the page.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::Refusal;

/// The origins whose pages may push.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CorsOrigins {
    /// None but weir's own.
    #[default]
    None,
    /// All, as prom-aggregation-gateway has it by default.
    Any,
    /// These, such as `https://app.example.com`.
    Only(Vec<String>),
}

/// What an answer says to a browser.
pub(crate) enum Origin {
    /// Not from a page of another origin.
    Own,
    /// From one that is allowed; the header's value.
    Allowed(HeaderValue),
}

impl CorsOrigins {
    /// # Errors
    ///
    /// A page of an origin that is not allowed.
    pub(crate) fn allow(&self, headers: &HeaderMap) -> Result<Origin, Refusal> {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return Ok(Origin::Own);
        };
        match self {
            Self::Any => return Ok(Origin::Allowed(HeaderValue::from_static("*"))),
            Self::Only(origins) if origins.iter().any(|known| known.as_bytes() == origin.as_bytes()) => {
                return Ok(Origin::Allowed(origin.clone()));
            }
            Self::Only(_) | Self::None => {}
        }
        if is_own(origin, headers.get(header::HOST)) {
            return Ok(Origin::Own);
        }
        let text = "pushes from web pages of this origin are not allowed; name it in cors_origins";
        Err(Refusal::new(StatusCode::FORBIDDEN, text))
    }
}

/// Whether a page comes from the address that it pushes to.
fn is_own(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let origin = origin.to_str().unwrap_or_default();
    let origin_host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    let host = host.and_then(|host| host.to_str().ok());
    origin_host.zip(host).is_some_and(|(origin, host)| origin.eq_ignore_ascii_case(host))
}

impl Origin {
    /// Adds what lets the page read the answer.
    pub(crate) fn mark(&self, mut response: Response) -> Response {
        if let Self::Allowed(origin) = self {
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(header::VARY, HeaderValue::from_static("origin"));
        }
        response
    }

    /// As [`Origin::mark`], and what the page may send.
    pub(crate) fn mark_preflight(&self, response: Response) -> Response {
        let mut response = self.mark(response);
        let headers = response.headers_mut();
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, OPTIONS"));
        if matches!(self, Self::Allowed(_)) {
            for (name, value) in [
                (header::ACCESS_CONTROL_ALLOW_METHODS, "POST, PUT, DELETE"),
                (
                    header::ACCESS_CONTROL_ALLOW_HEADERS,
                    "authorization, content-type, content-encoding, x-idempotency-key",
                ),
                (header::ACCESS_CONTROL_MAX_AGE, "3600"),
            ] {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        response
    }
}
