//! Pushes counted metrics to a push gateway: weir's own, or any other.
//!
//! What is sent is plain text 0.0.4 by POST, which every gateway takes: packed bodies and protobuf are not
//! understood everywhere, and a push is small. An idempotency key goes along. Weir's gateway counts a push
//! that is repeated under its key once; others do not know the header, and there a push whose answer was
//! lost counts twice. That is why repeating is bounded by a deadline and a 4xx is never repeated.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::backoff::{Backoff, random_fraction};
use crate::http_client::{Answer, Authorization, HttpClient, TargetError};

/// The longest idempotency key that weir's gateway takes, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 256;

/// How long one request may take: a gateway answers when the push is on disk.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A gateway and the job that pushes to it. Opens nothing, and reads no certificates, before the first push.
pub struct GatewayTarget {
    client: HttpClient,
    url: String,
    deadline: Duration,
}

/// Why a push was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The gateway says that these bytes, or this user, are wrong; pushing again cannot help.
    #[error("{url} refused the push with status {status}: {text}")]
    Refused {
        /// Where the push went.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The gateway's text.
        text: String,
    },
    /// No answer, or a passing error, until the time was over. The push may have been counted.
    #[error("{url} did not take the push within {} s: {text}; try again with the same key", .deadline.as_secs_f64())]
    GaveUp {
        /// Where the push went.
        url: String,
        /// How long it was tried.
        deadline: Duration,
        /// What went wrong last.
        text: String,
    },
    /// The key cannot be sent.
    #[error(
        "the idempotency key has {0} bytes or a character that is not visible ASCII; \
         at most {IDEMPOTENCY_KEY_BYTES_MAX} bytes are allowed"
    )]
    Key(usize),
}

/// What became of one request.
enum Attempt {
    Taken,
    Refused { status: u16, text: String },
    Again { after: Option<Duration>, text: String },
}

impl GatewayTarget {
    /// The gateway at `url` (see [`gateway_url`]), for `job`. A push is repeated until `deadline` is over.
    ///
    /// # Errors
    ///
    /// When the URL or the credentials cannot be sent.
    pub fn new(
        url: &str,
        job: &str,
        authorization: &Authorization,
        deadline: Duration,
    ) -> Result<Self, TargetError> {
        let url = gateway_url(url, job)?;
        let client = HttpClient::new(&url, authorization, &[], REQUEST_TIMEOUT.min(deadline))?;
        Ok(Self { client, url, deadline })
    }

    /// Where pushes go.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Pushes metrics in the text format 0.0.4, to be added to what the gateway has.
    ///
    /// Repeats with growing waits what can be repeated: no answer, 429 and 5xx.
    ///
    /// # Errors
    ///
    /// When the gateway refuses the push, or the deadline is over.
    pub async fn push(&self, text: Vec<u8>, idempotency_key: Option<&str>) -> Result<(), PushError> {
        let headers = headers(idempotency_key)?;
        let mut last = "no answer".to_owned();
        let pushed = self.push_until_answered(text.into(), &headers, &mut last);
        match tokio::time::timeout(self.deadline, pushed).await {
            Ok(result) => result,
            Err(_) => Err(PushError::GaveUp { url: self.url.clone(), deadline: self.deadline, text: last }),
        }
    }

    /// `last` is what went wrong last.
    async fn push_until_answered(
        &self,
        text: Bytes,
        headers: &HeaderMap,
        last: &mut String,
    ) -> Result<(), PushError> {
        let mut backoff = Backoff::default();
        loop {
            match self.attempt(text.clone(), headers.clone()).await {
                Attempt::Taken => return Ok(()),
                Attempt::Refused { status, text } => {
                    return Err(PushError::Refused { url: self.url.clone(), status, text });
                }
                Attempt::Again { after, text } => {
                    *last = text;
                    let wait = backoff.after_failure(random_fraction());
                    tokio::time::sleep(wait.max(after.unwrap_or_default())).await;
                }
            }
        }
    }

    async fn attempt(&self, text: Bytes, headers: HeaderMap) -> Attempt {
        match self.client.post(text, headers).await {
            Err(error) => Attempt::Again { after: None, text: error.to_string() },
            Ok(Answer { status: 200..=299, .. }) => Attempt::Taken,
            Ok(Answer { status: status @ (429 | 500..), retry_after, text }) => {
                Attempt::Again { after: retry_after, text: format!("status {status} {text}") }
            }
            Ok(Answer { status, text, .. }) => Attempt::Refused { status, text },
        }
    }
}

/// The URL that `job` pushes to: `/metrics/job/<job>` behind that of the gateway, whose scheme is `http`
/// unless it has one.
///
/// Escaped as every client of a push gateway does it: a job that is empty or has a `/` is written in base64,
/// since a path cannot hold it.
///
/// # Errors
///
/// When the URL cannot be used.
pub fn gateway_url(gateway: &str, job: &str) -> Result<String, TargetError> {
    let gateway = gateway.trim().trim_end_matches('/');
    if gateway.is_empty() {
        return Err(TargetError::NotAUrl(gateway.to_owned()));
    }
    if gateway.contains(['?', '#']) {
        return Err(TargetError::Query(gateway.to_owned()));
    }
    let scheme = if gateway.contains("://") { "" } else { "http://" };
    let (label, value) = match job {
        "" => ("job@base64", "=".to_owned()),
        job if job.contains('/') => ("job@base64", URL_SAFE_NO_PAD.encode(job)),
        job => ("job", escaped(job)),
    };
    Ok(format!("{scheme}{gateway}/metrics/{label}/{value}"))
}

/// A segment of a path: all but RFC 3986's unreserved characters in hexadecimal. A space is `%20`; the `+`
/// of forms would be a plus in a path. A job of dots alone would be taken for a step in the path.
fn escaped(segment: &str) -> String {
    let is_dots = segment == "." || segment == "..";
    let mut out = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        match byte {
            b'.' if is_dots => out.push_str("%2E"),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

fn headers(idempotency_key: Option<&str>) -> Result<HeaderMap, PushError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    if let Some(key) = idempotency_key {
        let is_valid = (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_graphic());
        let value = HeaderValue::from_str(key).ok().filter(|_| is_valid);
        let value = value.ok_or(PushError::Key(key.len()))?;
        headers.insert(HeaderName::from_static("x-idempotency-key"), value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_receiver::{FakeAnswer, FakeReceiver, block_on};

    #[test]
    fn jobs_are_escaped_as_the_clients_do_it() {
        let check = |gateway: &str, job: &str, expected: &str| {
            assert_eq!(gateway_url(gateway, job).unwrap(), expected);
        };
        check("127.0.0.1:9091", "weir", "http://127.0.0.1:9091/metrics/job/weir");
        check("localhost:9091/", "weir", "http://localhost:9091/metrics/job/weir");
        check("http://a", "weir", "http://a/metrics/job/weir");
        check("https://a/push/", "weir", "https://a/push/metrics/job/weir");
        check("a", "alb logs", "http://a/metrics/job/alb%20logs");
        check("a", "50%+1", "http://a/metrics/job/50%25%2B1");
        check("a", "bücher", "http://a/metrics/job/b%C3%BCcher");
        check("a", "..", "http://a/metrics/job/%2E%2E");
        check("a", "v1.2", "http://a/metrics/job/v1.2");
        check("a", "/var/tmp", "http://a/metrics/job@base64/L3Zhci90bXA");
        check("a", "", "http://a/metrics/job@base64/=");
    }

    #[test]
    fn a_wrong_target_is_an_error_at_once() {
        let check = |url: &str, expected: &str| {
            let target = GatewayTarget::new(url, "weir", &Authorization::None, Duration::from_secs(1));
            let error = target.err().unwrap().to_string();
            assert!(error.contains(expected), "{url}: {error}");
        };
        check("", "is not a URL");
        check("a b", "is not a URL");
        check("ftp://a", "scheme other than");
        check("me:secret@a", "give name and password");
        check("http://a?b", "has a query");
    }

    #[test]
    fn a_key_is_visible_ascii_and_bounded() {
        let check = |key: &str, expected: bool| assert_eq!(headers(Some(key)).is_ok(), expected, "{key}");
        check("s3:bucket/key.log.gz#etag", true);
        check(&"k".repeat(256), true);
        check(&"k".repeat(257), false);
        check("", false);
        check("a b", false);
        check("a\r\nb", false);
        check("ü", false);
    }

    /// Pushes to a gateway that gives these answers in turn.
    fn push(answers: &[FakeAnswer], deadline: Duration) -> (Result<(), PushError>, Vec<String>) {
        let receiver = FakeReceiver::answering(answers);
        let authorization =
            Authorization::Basic { username: "push".to_owned(), password: "secret".to_owned() };
        let target = GatewayTarget::new(&receiver.address, "shop/alb", &authorization, deadline).unwrap();
        let result = block_on(target.push(b"a_total 1\n".to_vec(), Some("key-1")));
        (result, receiver.requests())
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_push_is_a_post_of_text_with_its_key() {
        let (result, requests) = push(&[FakeAnswer::new(202, "")], LONG);
        result.unwrap();
        let [request] = requests.as_slice() else { panic!("{requests:?}") };
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let (first, head) = head.split_once("\r\n").unwrap();
        assert_eq!(first, "POST /metrics/job@base64/c2hvcC9hbGI HTTP/1.1");
        assert_eq!(body, "a_total 1\n");
        for header in [
            "authorization: Basic cHVzaDpzZWNyZXQ=",
            "content-length: 10",
            "content-type: text/plain; version=0.0.4; charset=utf-8",
            "x-idempotency-key: key-1",
        ] {
            assert!(head.split("\r\n").any(|line| line == header), "no `{header}` in {head}");
        }
    }

    #[test]
    fn passing_errors_are_tried_again_and_refusals_are_not() {
        let check = |answers: &[(u16, &str)], expected: Option<&str>, expected_requests: usize| {
            let answers: Vec<_> =
                answers.iter().map(|(status, text)| FakeAnswer::new(*status, text)).collect();
            let (result, requests) = push(&answers, LONG);
            match (result, expected) {
                (Ok(()), None) => {}
                (Err(error), Some(expected)) => assert!(error.to_string().contains(expected), "{error}"),
                (result, _) => panic!("{result:?}"),
            }
            assert_eq!(requests.len(), expected_requests);
        };
        check(&[(503, "busy"), (429, ""), (200, "")], None, 3);
        check(&[(400, "text\nformat parsing error")], Some("status 400: text format parsing error"), 1);
        check(&[(401, "")], Some("status 401"), 1);
        check(&[(307, "")], Some("status 307"), 1);
        check(&[(500, ""), (409, "x is weir's own")], Some("status 409: x is weir's own"), 2);
    }

    #[test]
    fn a_gateway_that_is_busy_for_longer_than_the_deadline_is_given_up() {
        let busy = FakeAnswer::new(503, "busy").with_header("Retry-After", "30");
        let (result, requests) = push(&[busy], Duration::from_millis(300));
        let error = result.unwrap_err().to_string();
        assert!(error.contains("within 0.3 s: status 503 busy; try again with the same key"), "{error}");
        assert_eq!(requests.len(), 1);
    }
}
