//! The runtime interface of AWS Lambda: events are fetched by HTTP, and so are answers given.
//!
//! Our own client, since the interface is four requests to an address of the same machine, and AWS' crate for
//! it cannot report that a function failed to start, panics where a variable is missing, and parses the event
//! into types before it can be told what the event is.
//!
//! Source: AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes", version 2018-06-01.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use weir_ingest::s3::LAMBDA_EVENT_BYTES_MAX;
use weir_record::Timestamp;

/// The version of the interface.
const VERSION: &str = "2018-06-01";

/// The longest id of an invocation, in bytes; AWS' are UUIDs of 36.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// How much of an answer that should be a word is read, in bytes.
const ANSWER_BYTES_MAX: usize = 4 << 10;

/// The client of the interface.
pub struct RuntimeInterface {
    client: Client<HttpConnector, Full<Bytes>>,
    /// `http://address/2018-06-01/runtime`.
    base: String,
}

/// One event and until when it must be answered.
#[derive(Debug)]
pub struct Invocation {
    /// Lambda's name for it.
    pub request_id: String,
    /// When Lambda ends the function; `None` where it did not say.
    pub deadline: Option<Timestamp>,
    /// The event; one that is too large is cut one byte behind [`LAMBDA_EVENT_BYTES_MAX`].
    pub event: Bytes,
}

/// A failure as Lambda shows it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    /// A stable word for alarms, such as `Weir.ObjectsFailed`.
    pub kind: &'static str,
    /// What went wrong, for a person.
    pub text: String,
}

/// Why the interface cannot be spoken with.
#[derive(Debug, thiserror::Error)]
pub enum InterfaceError {
    /// No answer.
    #[error("no answer of the Lambda runtime interface at {url}: {detail}")]
    NoAnswer {
        /// What was asked.
        url: String,
        /// What went wrong.
        detail: String,
    },
    /// An answer that says no.
    #[error("the Lambda runtime interface answered {url} with status {status}: {text}")]
    Refused {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of its text.
        text: String,
    },
    /// An answer without the id that an event must have.
    #[error("the Lambda runtime interface gave an event without a valid Lambda-Runtime-Aws-Request-Id")]
    RequestId,
}

impl InterfaceError {
    /// Whether only this one answer is refused, and the next event can be asked for.
    pub fn is_of_the_answer(&self) -> bool {
        matches!(self, Self::Refused { status: 400..=499, .. })
    }
}

impl RuntimeInterface {
    /// The interface at `host:port`. Opens nothing yet.
    pub fn new(address: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(5)));
        let mut builder = Client::builder(TokioExecutor::new());
        // Lambda asks for one thing at a time.
        builder.pool_max_idle_per_host(1);
        Self { client: builder.build(connector), base: format!("http://{address}/{VERSION}/runtime") }
    }

    /// Waits for the next event; that may take hours, in which Lambda stops the clock of this process.
    ///
    /// # Errors
    ///
    /// When the interface is gone; the process must end then.
    pub async fn next(&self) -> Result<Invocation, InterfaceError> {
        let url = format!("{}/invocation/next", self.base);
        let request = Request::get(&url).body(Full::default());
        let response = self.send(&url, request).await?;
        if response.status() != StatusCode::OK {
            return Err(refused(url, response).await);
        }
        let request_id = request_id(response.headers()).ok_or(InterfaceError::RequestId)?;
        let deadline = deadline(response.headers());
        let event = read_up_to(response.into_body(), LAMBDA_EVENT_BYTES_MAX + 1)
            .await
            .map_err(|error| InterfaceError::NoAnswer { url, detail: error.to_string() })?;
        Ok(Invocation { request_id, deadline, event })
    }

    /// Answers an invocation.
    ///
    /// # Errors
    ///
    /// When the interface is gone, or refuses the answer.
    pub async fn respond(&self, request_id: &str, answer: &Value) -> Result<(), InterfaceError> {
        let url = format!("{}/invocation/{request_id}/response", self.base);
        let request = Request::post(&url).body(Full::from(answer.to_string()));
        self.tell(url, request).await
    }

    /// Says that an invocation failed.
    ///
    /// # Errors
    ///
    /// When the interface is gone, or refuses the answer.
    pub async fn fail(&self, request_id: &str, failure: &Failure) -> Result<(), InterfaceError> {
        let url = format!("{}/invocation/{request_id}/error", self.base);
        let request = failure_request(&url, failure);
        self.tell(url, request).await
    }

    /// Says that the function cannot start; the process must end then.
    ///
    /// # Errors
    ///
    /// When the interface is gone, or refuses the answer.
    pub async fn fail_to_start(&self, failure: &Failure) -> Result<(), InterfaceError> {
        let url = format!("{}/init/error", self.base);
        let request = failure_request(&url, failure);
        self.tell(url, request).await
    }

    async fn tell(
        &self,
        url: String,
        request: hyper::http::Result<Request<Full<Bytes>>>,
    ) -> Result<(), InterfaceError> {
        let response = self.send(&url, request).await?;
        if !response.status().is_success() {
            return Err(refused(url, response).await);
        }
        // Read to its end, so that the connection can be used again.
        let _ = read_up_to(response.into_body(), ANSWER_BYTES_MAX).await;
        Ok(())
    }

    async fn send(
        &self,
        url: &str,
        request: hyper::http::Result<Request<Full<Bytes>>>,
    ) -> Result<Response<Incoming>, InterfaceError> {
        let no_answer = |detail: String| InterfaceError::NoAnswer { url: url.to_owned(), detail };
        let request = request.map_err(|error| no_answer(error.to_string()))?;
        self.client.request(request).await.map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            no_answer(format!("{error}{}", cause.unwrap_or_default()))
        })
    }
}

fn failure_request(url: &str, failure: &Failure) -> hyper::http::Result<Request<Full<Bytes>>> {
    let body = json!({ "errorMessage": failure.text, "errorType": failure.kind, "stackTrace": [] });
    Request::builder()
        .method(Method::POST)
        .uri(url)
        .header("Content-Type", "application/vnd.aws.lambda.error+json")
        .header("Lambda-Runtime-Function-Error-Type", failure.kind)
        .body(Full::from(body.to_string()))
}

/// The id, if it can stand in a path.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("lambda-runtime-aws-request-id")?.to_str().ok()?;
    let is_valid = (1..=REQUEST_ID_BYTES_MAX).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    is_valid.then(|| id.to_owned())
}

fn deadline(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get("lambda-runtime-deadline-ms")?.to_str().ok()?;
    let milliseconds: i64 = text.parse().ok()?;
    Some(Timestamp::from_micros(milliseconds.checked_mul(1_000)?))
}

async fn refused(url: String, response: Response<Incoming>) -> InterfaceError {
    let status = response.status().as_u16();
    let text = read_up_to(response.into_body(), ANSWER_BYTES_MAX).await.unwrap_or_default();
    InterfaceError::Refused { url, status, text: String::from_utf8_lossy(&text).trim().to_owned() }
}

/// A body, or its first bytes if it has more than `bytes_max`.
async fn read_up_to(mut body: Incoming, bytes_max: usize) -> Result<Bytes, hyper::Error> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            bytes.extend_from_slice(&data[..data.len().min(bytes_max - bytes.len())]);
            if bytes.len() == bytes_max {
                break;
            }
        }
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn an_id_is_one_that_can_stand_in_a_path() {
        for (id, expected) in [
            ("8476a536-e9f4-11e8-9739-2dfe598c3fcd", true),
            ("a", true),
            ("", false),
            ("a/../b", false),
            ("a b", false),
            (&"x".repeat(129), false),
        ] {
            let found = request_id(&headers("lambda-runtime-aws-request-id", id));
            assert_eq!(found.is_some(), expected, "{id}");
        }
    }

    #[test]
    fn a_deadline_is_milliseconds_since_the_epoch() {
        for (text, expected) in [
            ("1542409706888", Some("2018-11-16T23:08:26.888000Z")),
            ("soon", None),
            ("9223372036854775807", None),
            ("", None),
        ] {
            let found = deadline(&headers("lambda-runtime-deadline-ms", text));
            assert_eq!(found.map(|time| time.to_string()).as_deref(), expected, "{text}");
        }
    }
}
