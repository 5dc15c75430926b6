//! Asks a running server: over the socket of its data folder, or by its address.
//!
//! One request per connection: a command asks one thing. What comes back is bounded, as a server that is not
//! ours may answer anything.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::UnixStream;

use crate::output::{UsageError, harmless};

/// The largest answer that is read, in bytes: a kept object of 16 MiB twice, once escaped as text.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// The longest line of an answer that grows, in bytes.
const LINE_BYTES_MAX: usize = 1 << 20;

/// How long opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The way to a server.
pub struct ApiClient {
    transport: Transport,
    authorization: Option<HeaderValue>,
}

enum Transport {
    Socket(PathBuf),
    Plain(Client<HttpConnector, Full<Bytes>>, String),
    Encrypted(Client<HttpsConnector<HttpConnector>, Full<Bytes>>, String),
}

impl ApiClient {
    /// The server behind a socket, if one answers there.
    pub async fn on_socket(path: &Path) -> Option<Self> {
        let connected = UnixStream::connect(path).await;
        connected.ok().map(|_| Self { transport: Transport::Socket(path.to_owned()), authorization: None })
    }

    /// The server at an address; nothing is opened yet.
    ///
    /// # Errors
    ///
    /// An address that is none, or a machine without certificates where it is `https`.
    pub fn at(address: &str, token: Option<&str>) -> anyhow::Result<Self> {
        let whole = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let is_address =
            whole.parse::<hyper::Uri>().is_ok_and(|uri| uri.host().is_some() && uri.query().is_none());
        let base = whole.trim_end_matches('/').to_owned();
        if !is_address {
            let text = format!("`{address}` is no address; expected http://host:port or https://host");
            return Err(UsageError::new("--server", text).into());
        }
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let builder = Client::builder(TokioExecutor::new());
        let transport = if base.starts_with("https://") {
            let roots = HttpsConnectorBuilder::new().with_native_roots();
            let roots = roots.context("cannot read the system's certificates; install ca-certificates")?;
            Transport::Encrypted(
                builder.build(roots.https_only().enable_http1().wrap_connector(connector)),
                base,
            )
        } else {
            Transport::Plain(builder.build(connector), base)
        };
        let bearer = |token: &str| HeaderValue::from_str(&format!("Bearer {token}"));
        let authorization = token.map(bearer).transpose().context("the token cannot be sent in a header")?;
        Ok(Self { transport, authorization })
    }

    /// What the server answers to a GET of `path`.
    ///
    /// # Errors
    ///
    /// No answer, or one that says what is wrong.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.json(Method::GET, path, None).await
    }

    /// What the server answers to a POST of `body`, which is JSON.
    ///
    /// # Errors
    ///
    /// No answer, or one that says what is wrong.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: Vec<u8>) -> anyhow::Result<T> {
        self.json(Method::POST, path, Some(body)).await
    }

    /// Asks the server to remove what is at `path`.
    ///
    /// # Errors
    ///
    /// No answer, or one that says what is wrong.
    pub async fn delete(&self, path: &str) -> anyhow::Result<()> {
        self.ask(Method::DELETE, path, None).await.map(drop)
    }

    /// Posts `body`, and hands over each line of the answer as it comes.
    ///
    /// # Errors
    ///
    /// No answer, one that says what is wrong, or one that is cut.
    pub async fn post_for_lines<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Vec<u8>,
        mut each: impl FnMut(T),
    ) -> anyhow::Result<()> {
        let mut answer = self.ask(Method::POST, path, Some(body)).await?.into_body();
        let mut rest: Vec<u8> = Vec::new();
        while let Some(frame) = answer.frame().await {
            let frame = frame.context("the server went away before it was done; what it counted is kept")?;
            rest.extend_from_slice(&frame.into_data().unwrap_or_default());
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                each(serde_json::from_slice(&line).with_context(not_weir)?);
            }
            if rest.len() > LINE_BYTES_MAX {
                bail!("{}", not_weir());
            }
        }
        Ok(())
    }

    /// The answer to a GET of `path`, piece by piece as it comes.
    ///
    /// # Errors
    ///
    /// No answer, or one that says what is wrong.
    pub async fn stream(&self, path: &str) -> anyhow::Result<AnswerStream> {
        Ok(AnswerStream(self.ask(Method::GET, path, None).await?.into_body()))
    }

    async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> anyhow::Result<T> {
        let answer = self.ask(method, path, body).await?;
        let bytes = read_up_to(answer.into_body(), ANSWER_BYTES_MAX).await?;
        serde_json::from_slice(&bytes).with_context(not_weir)
    }

    /// A successful answer.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> anyhow::Result<Response<Incoming>> {
        let mut request = Request::builder().method(method).header(CONTENT_TYPE, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let body = Full::new(Bytes::from(body.unwrap_or_default()));
        let answer = match &self.transport {
            Transport::Socket(socket) => {
                let request = request.uri(path).header(HOST, "weir").body(body)?;
                over_socket(socket, request).await?
            }
            Transport::Plain(client, base) => {
                let request = request.uri(format!("{base}{path}")).body(body)?;
                client.request(request).await.with_context(|| format!("no answer of {base}"))?
            }
            Transport::Encrypted(client, base) => {
                let request = request.uri(format!("{base}{path}")).body(body)?;
                client.request(request).await.with_context(|| format!("no answer of {base}"))?
            }
        };
        if answer.status().is_success() { Ok(answer) } else { Err(refusal(answer).await) }
    }
}

/// An answer that comes piece by piece.
pub struct AnswerStream(Incoming);

impl AnswerStream {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    ///
    /// The answer broke off.
    pub async fn next_chunk(&mut self) -> anyhow::Result<Option<Bytes>> {
        match self.0.frame().await {
            Some(frame) => {
                let frame = frame.context("the answer broke off; what came is not everything")?;
                Ok(Some(frame.into_data().unwrap_or_default()))
            }
            None => Ok(None),
        }
    }
}

async fn over_socket(socket: &Path, request: Request<Full<Bytes>>) -> anyhow::Result<Response<Incoming>> {
    let shown = socket.display();
    let stream = UnixStream::connect(socket).await.with_context(|| format!("no answer at {shown}"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    sender.send_request(request).await.with_context(|| format!("no answer at {shown}"))
}

async fn read_up_to(mut body: Incoming, bytes_max: usize) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        bytes.extend_from_slice(&frame.context("the answer is cut")?.into_data().unwrap_or_default());
        if bytes.len() > bytes_max {
            bail!("{}", not_weir());
        }
    }
    Ok(bytes)
}

/// What the server has against a request, in its own words.
async fn refusal(answer: Response<Incoming>) -> anyhow::Error {
    let status = answer.status();
    let body = read_up_to(answer.into_body(), LINE_BYTES_MAX).await.unwrap_or_default();
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    match (problem["error"].as_str(), problem["hint"].as_str()) {
        (Some(error), Some(hint)) if problem["code"] == "bad_query" => {
            let column = problem["column"].as_u64().unwrap_or(1);
            UsageError::new("the query", format!("column {column}: {error}; {hint}")).into()
        }
        (Some(error), Some(hint)) if status == 400 => {
            UsageError::new("the server", format!("{error}; {hint}")).into()
        }
        (Some(_), Some(_)) if status == 401 => {
            anyhow!("the server wants to know who asks; name a file with your token in $WEIR_TOKEN_FILE")
        }
        (Some(error), Some(hint)) => anyhow!("{error}; {hint}"),
        // As Alertmanager says what is wrong.
        _ if problem.is_string() => anyhow!("{}", harmless(problem.as_str().unwrap_or_default())),
        _ => anyhow!("the server answered with status {status}; is it a weir?"),
    }
}

fn not_weir() -> String {
    "the answer makes no sense; is the server a weir, of this version?".to_owned()
}

/// A text as it stands in the query of an address.
pub fn escaped(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let escape =
        |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_a_host_and_nothing_behind_it() {
        for (address, is_right) in [
            ("127.0.0.1:9099", true),
            ("http://weir.example.com/", true),
            ("weir.example.com", true),
            ("http://", false),
            ("", false),
            ("http://a/?x=1", false),
            ("a b", false),
        ] {
            assert_eq!(ApiClient::at(address, None).is_ok(), is_right, "{address}");
        }
        assert!(ApiClient::at("a", Some("x\ny")).is_err());
    }

    #[test]
    fn values_cannot_end_a_query() {
        assert_eq!(escaped("a b&c=\u{fc}"), "a%20b%26c%3D%C3%BC");
    }
}
