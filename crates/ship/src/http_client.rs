//! One HTTP client for one place, with all that both senders must do alike.
//!
//! A redirect is an answer like any other and is never followed: the next host would be sent the password.
//! An answer is read up to a bound and loses its control characters, because it ends up in logs. The
//! system's certificates are read when the first `https` request is made: that takes longer than all of
//! the rest of a short program's start.

use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{AUTHORIZATION, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, Uri, body::Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;

use crate::retry_after;

/// How much of an answer is read, in bytes: enough for any reason that a person would read.
const ANSWER_BYTES_MAX: usize = 4 * 1024;

/// How long opening a connection may take, so that one of several addresses of a host can be dead.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Who we say we are.
const OWN_NAME: &str = concat!("weir/", env!("CARGO_PKG_VERSION"));

/// How a target knows who sends.
#[derive(Clone, Default)]
pub enum Authorization {
    /// It does not.
    #[default]
    None,
    /// HTTP basic authentication.
    Basic {
        /// The user's name.
        username: String,
        /// The password.
        password: String,
    },
    /// A bearer token.
    Bearer(String),
}

/// Why a target cannot be used as it is configured.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The text is no URL.
    #[error("`{0}` is not a URL; expected `http://host:port/path` or `https://...`")]
    NotAUrl(String),
    /// Neither `http` nor `https`.
    #[error(
        "`{0}` has a scheme other than http and https; expected `http://host:port/path` or `https://...`"
    )]
    Scheme(String),
    /// A password in a URL would be shown wherever the URL is.
    #[error("the URL has a user name in it; give name and password by themselves")]
    UserInUrl,
    /// What stands behind `?` or `#` has no meaning here.
    #[error("`{0}` has a query; leave out the `?` or `#` and what follows")]
    Query(String),
    /// A name or value that HTTP does not allow.
    #[error("header `{0}` cannot be sent; a name is letters, digits and `-`, a value has no line end")]
    Header(String),
}

/// What came back.
pub(crate) struct Answer {
    pub status: u16,
    /// The wait that it asks for.
    pub retry_after: Option<Duration>,
    /// The beginning of its text, fit for a log.
    pub text: String,
}

/// Why nothing came back; trying again can help. The text is fit for a log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NoAnswer(String);

/// A client for one URL.
pub(crate) struct HttpClient {
    uri: Uri,
    headers: HeaderMap,
    timeout: Duration,
    plain: OnceLock<Client<HttpConnector, Full<Bytes>>>,
    encrypted: OnceLock<Client<HttpsConnector<HttpConnector>, Full<Bytes>>>,
}

impl HttpClient {
    /// A client that sends `headers` with each request; opens nothing yet.
    pub fn new(
        url: &str,
        authorization: &Authorization,
        headers: &[(String, String)],
        timeout: Duration,
    ) -> Result<Self, TargetError> {
        let mut all = HeaderMap::new();
        all.insert(USER_AGENT, HeaderValue::from_static(OWN_NAME));
        for (name, value) in headers {
            let refused = || TargetError::Header(name.clone());
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
            all.insert(name, HeaderValue::from_str(value).map_err(|_| refused())?);
        }
        if let Some(value) = authorization_header(authorization)? {
            all.insert(AUTHORIZATION, value);
        }
        let uri = checked_uri(url)?;
        Ok(Self { uri, headers: all, timeout, plain: OnceLock::new(), encrypted: OnceLock::new() })
    }

    /// The same for an address whose query is sent too, as those of webhooks often have one.
    pub fn with_query(
        url: &str,
        authorization: &Authorization,
        headers: &[(String, String)],
        timeout: Duration,
    ) -> Result<Self, TargetError> {
        let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
        let mut client = Self::new(path, authorization, headers, timeout)?;
        if let Some(query) = query {
            let path = if client.uri.path().is_empty() { "/" } else { client.uri.path() };
            let whole = format!("{path}?{query}");
            let mut parts = client.uri.clone().into_parts();
            parts.path_and_query = Some(whole.parse().map_err(|_| TargetError::NotAUrl(path.to_owned()))?);
            client.uri = Uri::from_parts(parts).map_err(|_| TargetError::NotAUrl(path.to_owned()))?;
        }
        Ok(client)
    }

    /// Posts `body` and reads the answer, both within the time limit.
    pub async fn post(&self, body: Bytes, headers: HeaderMap) -> Result<Answer, NoAnswer> {
        let request = self.request(body, headers)?;
        match tokio::time::timeout(self.timeout, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(NoAnswer(format!("no answer within {} s", self.timeout.as_secs_f64()))),
        }
    }

    fn request(&self, body: Bytes, headers: HeaderMap) -> Result<Request<Full<Bytes>>, NoAnswer> {
        let request = Request::builder().method(Method::POST).uri(self.uri.clone()).body(Full::new(body));
        let mut request = request.map_err(|error| NoAnswer(error.to_string()))?;
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().extend(headers);
        Ok(request)
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let response = if self.uri.scheme_str() == Some("https") {
            self.encrypted()?.request(request).await
        } else {
            self.plain.get_or_init(|| client_builder().build(tcp_connector())).request(request).await
        };
        Ok(read_answer(response.map_err(|error| no_answer(&error))?).await)
    }

    fn encrypted(&self) -> Result<&Client<HttpsConnector<HttpConnector>, Full<Bytes>>, NoAnswer> {
        if let Some(client) = self.encrypted.get() {
            return Ok(client);
        }
        let builder = HttpsConnectorBuilder::new().with_native_roots();
        let builder = builder.map_err(|error| {
            NoAnswer(format!("cannot read the system's certificates: {error}; install ca-certificates"))
        })?;
        let connector = builder.https_only().enable_http1().wrap_connector(tcp_connector());
        Ok(self.encrypted.get_or_init(|| client_builder().build(connector)))
    }
}

fn client_builder() -> hyper_util::client::legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    // One request is in flight at a time, so one open connection is all that is ever used again.
    builder.pool_max_idle_per_host(1);
    builder
}

fn tcp_connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector
}

fn checked_uri(url: &str) -> Result<Uri, TargetError> {
    if url.contains(['?', '#']) {
        return Err(TargetError::Query(url.to_owned()));
    }
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next();
    if authority.is_some_and(|authority| authority.contains('@')) {
        return Err(TargetError::UserInUrl);
    }
    let uri: Uri = url.parse().map_err(|_| TargetError::NotAUrl(url.to_owned()))?;
    match uri.scheme_str() {
        None => Err(TargetError::NotAUrl(url.to_owned())),
        Some("http" | "https") => Ok(uri),
        Some(_) => Err(TargetError::Scheme(url.to_owned())),
    }
}

fn authorization_header(authorization: &Authorization) -> Result<Option<HeaderValue>, TargetError> {
    let text = match authorization {
        Authorization::None => return Ok(None),
        Authorization::Basic { username, password } => {
            format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
        }
        Authorization::Bearer(token) => format!("Bearer {token}"),
    };
    let mut value =
        HeaderValue::from_str(&text).map_err(|_| TargetError::Header("Authorization".to_owned()))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

async fn read_answer(response: Response<Incoming>) -> Answer {
    let header = |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let retry_after = header(RETRY_AFTER).and_then(|text| retry_after::wait(text, header(DATE)));
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    // A body cut short changes nothing: the status has said what happened.
    while let Some(Ok(frame)) = body.frame().await {
        let room = ANSWER_BYTES_MAX - bytes.len();
        let data = frame.into_data().unwrap_or_default();
        bytes.extend(data.iter().take(room));
        if data.len() >= room {
            break;
        }
    }
    Answer { status, retry_after, text: clean_text(&bytes) }
}

/// Text of others as one line for a log: control characters become spaces, the ends lose theirs.
fn clean_text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.trim().to_owned()
}

/// An error with the errors that it came from, since the outer one says only `client error (Connect)`.
fn no_answer(error: &dyn std::error::Error) -> NoAnswer {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    NoAnswer(clean_text(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(url: &str, authorization: &Authorization, headers: &[(String, String)]) -> Option<String> {
        let client = HttpClient::new(url, authorization, headers, Duration::from_secs(1));
        client.err().map(|error| error.to_string())
    }

    #[test]
    fn a_target_is_checked_before_its_first_request() {
        let check = |url: &str, expected: Option<&str>| {
            let error = error_of(url, &Authorization::None, &[]);
            let is_expected = match (&error, expected) {
                (Some(error), Some(expected)) => error.contains(expected),
                (error, expected) => error.is_none() && expected.is_none(),
            };
            assert!(is_expected, "{url}: {error:?}");
        };
        check("http://127.0.0.1:9090/api/v1/write", None);
        check("https://prometheus.example.com", None);
        check("http://[::1]:9090/", None);
        check("127.0.0.1/x", Some("is not a URL"));
        check("", Some("is not a URL"));
        check("/api/v1/write", Some("is not a URL"));
        check("ftp://a/b", Some("scheme other than"));
        check("http://me:secret@a/b", Some("give name and password"));
        check("http://me:sec ret@a/b", Some("give name and password"));
        check("http://a/b?c=d", Some("has a query"));
    }

    #[test]
    fn headers_that_http_does_not_allow_are_refused() {
        let check = |name: &str, value: &str, expected: bool| {
            let error = error_of("http://a", &Authorization::None, &[(name.to_owned(), value.to_owned())]);
            assert_eq!(error.is_none(), expected, "{name}: {error:?}");
        };
        check("X-Scope-OrgID", "shop", true);
        check("X Scope", "shop", false);
        check("X-Scope-OrgID", "a\r\nb: c", false);
        let token = Authorization::Bearer("a\nb".to_owned());
        assert_eq!(
            error_of("http://a", &token, &[]).as_deref(),
            Some(
                "header `Authorization` cannot be sent; a name is letters, digits and `-`, a value has no line end"
            )
        );
    }

    #[test]
    fn basic_authentication_is_as_in_the_rfc() {
        let authorization =
            Authorization::Basic { username: "Aladdin".to_owned(), password: "open sesame".to_owned() };
        let header = authorization_header(&authorization).unwrap().unwrap();
        assert_eq!(header.to_str().unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(header.is_sensitive());
    }

    #[test]
    fn texts_of_others_lose_their_control_characters() {
        let check = |text: &[u8], expected| assert_eq!(clean_text(text), expected);
        check(b"out of order sample\n", "out of order sample");
        check(b"a\r\n\x1b[31mb\x00c", "a   [31mb c");
        check("\u{85}ü\u{9b}31m".as_bytes(), "ü 31m");
        check(b"\xff", "\u{fffd}");
    }
}
