//! Sends bodies to one receiver, one at a time.
//!
//! Samples of a series must arrive in order, and HTTP promises nothing between two requests, so there is
//! never more than one under way; `&mut self` has the compiler see to it. Bodies hold thousands of samples,
//! so the round trip is not what bounds throughput.

use std::time::Duration;

use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::body::Body;
use super::delivery::{Delivery, classify};
use crate::http_client::{Authorization, HttpClient, TargetError};

/// A receiver of remote write.
#[derive(Clone)]
pub struct RemoteWriteTarget {
    /// As `http://prometheus:9090/api/v1/write`.
    pub url: String,
    /// How it knows who sends.
    pub authorization: Authorization,
    /// More headers, such as `X-Scope-OrgID`. They give way to the protocol's own.
    pub headers: Vec<(String, String)>,
    /// How long one request may take, its answer included.
    pub timeout: Duration,
}

/// A connection to one receiver, opened with the first body.
pub struct RemoteWriteSender {
    client: HttpClient,
}

impl RemoteWriteSender {
    /// A sender to `target`; opens nothing yet.
    ///
    /// # Errors
    ///
    /// When the URL or a header cannot be used.
    pub fn new(target: &RemoteWriteTarget) -> Result<Self, TargetError> {
        let client = HttpClient::new(&target.url, &target.authorization, &target.headers, target.timeout)?;
        Ok(Self { client })
    }

    /// Sends `body` once.
    pub async fn send(&mut self, body: &Body) -> Delivery {
        classify(self.client.post(body.bytes().clone(), protocol_headers()).await)
    }
}

fn protocol_headers() -> HeaderMap {
    let headers = [
        (CONTENT_TYPE, "application/x-protobuf"),
        (CONTENT_ENCODING, "snappy"),
        (HeaderName::from_static("x-prometheus-remote-write-version"), "0.1.0"),
    ];
    headers.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
}
