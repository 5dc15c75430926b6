//! `POST`, `PUT` and `DELETE` on `/metrics`: the push gateway's side of HTTP.
//!
//! The paths, codes and texts are those that pushers of prom-aggregation-gateway, gravel-gateway and
//! Prometheus' pushgateway know, so that only the address changes. Errors are plain text, since a pusher logs
//! them as they are. What becomes of a push is not decided here: it is read, and handed to the program.
//!
//! A push from a web page of another origin is refused unless its origin is allowed: a browser sends it
//! without asking first, and a gateway on loopback has no other guard. The known gateways allow all.

mod body;
mod cors;
mod path;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use weir_meter::pushed::{Grouping, Push, PushError, PushRefused};

use crate::Handlers;
pub use cors::CorsOrigins;
pub(crate) use cors::Origin;
pub(crate) use path::decoded;

/// The longest `X-Idempotency-Key`, in bytes: a bucket, a key of S3 and a version may be longer, so who has
/// those hashes them.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 256;

/// The largest body unless the operator says otherwise, as it is sent.
pub const BODY_BYTES_DEFAULT: usize = 8 << 20;

/// The largest body unless the operator says otherwise, unpacked.
pub const UNPACKED_BYTES_DEFAULT: usize = 64 << 20;

/// How many bodies beyond [`body::SMALL_BYTES`] are in memory at the same time; more are told to come again.
const LARGE_BODIES_MAX: usize = 4;

/// When a pusher that found no room should try again, in seconds.
const BUSY_RETRY_AFTER: &str = "1";

/// When a pusher over the budget should try again, in seconds: somebody must delete or raise it first.
const BUDGET_RETRY_AFTER: &str = "60";

/// A future that a handler gives.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Counts a push; it completes when that is durable.
pub type PushFn = dyn Fn(PushRequest) -> BoxFuture<PushAnswer> + Send + Sync;

/// Deletes the series whose labels from the URL are exactly these; it completes when that is durable.
pub type DeleteGroupFn = dyn Fn(Grouping) -> BoxFuture<PushAnswer> + Send + Sync;

/// A push that was read.
#[derive(Debug)]
pub struct PushRequest {
    /// What is pushed.
    pub push: Push,
    /// The `X-Idempotency-Key`, by which a push that comes again is known; not empty, visible ASCII.
    pub idempotency_key: Option<String>,
}

/// What became of a push or a deletion.
#[derive(Clone, Debug, PartialEq)]
pub enum PushAnswer {
    /// It is counted and durable.
    Done,
    /// It was counted before.
    Known,
    /// It does not fit.
    Refused(PushRefused),
    /// Too much waits, or the server stops; it may come again.
    Busy,
    /// There is no room on disk; it may come again.
    DiskFull,
}

/// Whether the labels of the URL are put on the series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UrlLabels {
    /// On every one.
    #[default]
    Add,
    /// They are read over, so that all jobs add up in the same series. A series then has no group but the
    /// empty one: `DELETE /metrics` deletes all, and any other group has none.
    Ignore,
}

/// The code of a push that was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SuccessStatus {
    /// 202, as prom-aggregation-gateway.
    #[default]
    Accepted,
    /// 200, as the others.
    Ok,
}

/// What the operator chooses.
#[derive(Clone, Debug)]
pub struct GatewayOptions {
    /// What becomes of the labels of the URL.
    pub url_labels: UrlLabels,
    /// The code of success.
    pub success: SuccessStatus,
    /// Whose web pages may push.
    pub cors_origins: CorsOrigins,
    /// The largest body as it is sent, in bytes.
    pub body_bytes_max: usize,
    /// The largest body unpacked, in bytes.
    pub unpacked_bytes_max: usize,
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            url_labels: UrlLabels::default(),
            success: SuccessStatus::default(),
            cors_origins: CorsOrigins::default(),
            body_bytes_max: BODY_BYTES_DEFAULT,
            unpacked_bytes_max: UNPACKED_BYTES_DEFAULT,
        }
    }
}

/// The push gateway.
#[derive(Clone)]
pub struct Gateway {
    push: Arc<PushFn>,
    delete_group: Arc<DeleteGroupFn>,
    options: Arc<GatewayOptions>,
    large_bodies: Arc<Semaphore>,
}

impl Gateway {
    /// A gateway that hands pushes and deletions to these.
    pub fn new(push: Arc<PushFn>, delete_group: Arc<DeleteGroupFn>, options: GatewayOptions) -> Self {
        let large_bodies = Arc::new(Semaphore::new(LARGE_BODIES_MAX));
        Self { push, delete_group, options: Arc::new(options), large_bodies }
    }

    async fn push(&self, request: Request) -> Result<PushAnswer, Refusal> {
        let labels = self.labels(request.uri().path())?;
        let idempotency_key = idempotency_key(request.headers()).map_err(Refusal::bad)?;
        let format = body::Format::of(request.headers())?;
        let (push, _permit) = body::read(self, request.into_body(), format, labels).await?;
        Ok((self.push)(PushRequest { push, idempotency_key }).await)
    }

    async fn delete(&self, path: &str) -> Result<PushAnswer, Refusal> {
        let labels = Grouping::new(path::pairs(path).map_err(Refusal::bad)?)?;
        Ok((self.delete_group)(labels).await)
    }

    /// The labels of the URL for the series; they are checked even where they are not added.
    fn labels(&self, path: &str) -> Result<Grouping, Refusal> {
        let labels = Grouping::new(path::pairs(path).map_err(Refusal::bad)?)?;
        Ok(match self.options.url_labels {
            UrlLabels::Add => labels,
            UrlLabels::Ignore => Grouping::default(),
        })
    }
}

/// `POST` and `PUT`: both add, as in prom-aggregation-gateway; neither replaces.
pub(crate) async fn push(State(handlers): State<Handlers>, request: Request) -> Response {
    let Some(gateway) = &handlers.gateway else {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    };
    let success = match gateway.options.success {
        SuccessStatus::Accepted => StatusCode::ACCEPTED,
        SuccessStatus::Ok => StatusCode::OK,
    };
    let origin = match gateway.options.cors_origins.allow(request.headers()) {
        Ok(origin) => origin,
        Err(refusal) => return refusal.into_response(),
    };
    origin.mark(answer(gateway.push(request).await, success))
}

/// `DELETE`.
pub(crate) async fn delete(State(handlers): State<Handlers>, request: Request) -> Response {
    let Some(gateway) = &handlers.gateway else {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    };
    let origin = match gateway.options.cors_origins.allow(request.headers()) {
        Ok(origin) => origin,
        Err(refusal) => return refusal.into_response(),
    };
    origin.mark(answer(gateway.delete(request.uri().path()).await, StatusCode::ACCEPTED))
}

/// `OPTIONS`: what a browser asks before it pushes.
pub(crate) async fn preflight(State(handlers): State<Handlers>, headers: HeaderMap) -> Response {
    let Some(gateway) = &handlers.gateway else {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    };
    match gateway.options.cors_origins.allow(&headers) {
        Ok(origin) => origin.mark_preflight(StatusCode::NO_CONTENT.into_response()),
        Err(refusal) => refusal.into_response(),
    }
}

fn answer(result: Result<PushAnswer, Refusal>, success: StatusCode) -> Response {
    let refusal = match result {
        Ok(PushAnswer::Done | PushAnswer::Known) => return success.into_response(),
        Ok(PushAnswer::Refused(why)) => Refusal::from(why),
        Ok(PushAnswer::Busy) => Refusal::busy(),
        Ok(PushAnswer::DiskFull) => Refusal {
            status: StatusCode::INSUFFICIENT_STORAGE,
            text: "there is no room on disk; nothing was counted".to_owned(),
            retry_after: Some(BUDGET_RETRY_AFTER),
        },
        Err(refusal) => refusal,
    };
    refusal.into_response()
}

/// The `X-Idempotency-Key`, or what is wrong with it.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, String> {
    let Some(key) = headers.get("x-idempotency-key") else {
        return Ok(None);
    };
    match key.to_str() {
        Ok(text) if (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&text.len()) => Ok(Some(text.to_owned())),
        _ => Err(format!(
            "X-Idempotency-Key must have 1 to {IDEMPOTENCY_KEY_BYTES_MAX} bytes of visible ASCII"
        )),
    }
}

/// An answer that says what is wrong.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    text: String,
    /// In seconds.
    retry_after: Option<&'static str>,
}

impl Refusal {
    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), retry_after: None }
    }

    fn bad(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    fn busy() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            text: "too much is waiting; nothing was counted, try again".to_owned(),
            retry_after: Some(BUSY_RETRY_AFTER),
        }
    }
}

impl From<PushError> for Refusal {
    fn from(why: PushError) -> Self {
        Self::bad(why.to_string())
    }
}

impl From<PushRefused> for Refusal {
    fn from(why: PushRefused) -> Self {
        let (status, retry_after) = match &why {
            PushRefused::Own { .. } => (StatusCode::CONFLICT, None),
            PushRefused::OverBudget { .. } => (StatusCode::TOO_MANY_REQUESTS, Some(BUDGET_RETRY_AFTER)),
            PushRefused::TypeClash { .. }
            | PushRefused::NameClash { .. }
            | PushRefused::BucketsDiffer { .. }
            | PushRefused::NotFinite { .. } => (StatusCode::BAD_REQUEST, None),
        };
        Self { status, text: why.to_string(), retry_after }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.text + "\n").into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        response
    }
}
