//! What log shippers send by HTTP: GELF, JSON lines, OTLP, Loki's push and Elasticsearch's bulk.
//!
//! A file per protocol cuts a body into messages and says the answer in that protocol's words; what happens in
//! between is the same for all and is here: who may send from where, how much, how long, and that nothing is
//! answered before it is durable. What becomes of a message is the program's ([`WriteFn`]).
//!
//! A decoder never makes a tree of a body: it walks the bytes and writes the line that is kept. A tree costs
//! ten to a hundred times its text, so that a limit on the text would be none on the memory.

mod body;
pub mod elastic;
mod gelf;
mod json_line;
mod json_list;
pub mod loki;
mod messages;
mod ndjson;
pub mod otlp;
mod room;
mod shapes;
mod wire;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::gateway::{self, BoxFuture, CorsOrigins, Origin};
use crate::problem::problem;
pub(crate) use gelf::{gelf, preflight};
pub use messages::{DecodeError, Messages, Written, WrittenFormat};
pub(crate) use ndjson::ndjson;
use room::{Room, Ticket};
pub use shapes::{WriteAnswerShape, WriteReject};

/// The largest body unless the operator says otherwise, as it is sent: Logstash sends up to 20 MB at once.
pub const WRITE_BYTES_DEFAULT: usize = 32 << 20;

/// The largest body unless the operator says otherwise, unpacked, and the most that its messages may take.
pub const WRITE_UNPACKED_BYTES_DEFAULT: usize = 128 << 20;

/// The parameter that names the source that a body is for.
pub(crate) const SOURCE_PARAMETER: &str = "source";

/// How long the commit of a body may take. Senders give up sooner; who waits longer waits for a disk that is
/// full or broken, and is told to come again.
const COMMIT_MAX: Duration = Duration::from_secs(60);

/// When a sender that found no room should try again, in seconds.
const BUSY_RETRY_AFTER: &str = "1";

/// When a sender that found the disk full should try again, in seconds: somebody must free some first.
const DISK_RETRY_AFTER: &str = "10";

/// Keeps what was sent; it completes when that is durable, or is known not to be.
pub type WriteFn = dyn Fn(WriteRequest) -> BoxFuture<WriteOutcome> + Send + Sync;

/// A body that was read.
#[derive(Debug)]
pub struct WriteRequest {
    /// The protocol it came by.
    pub protocol: Protocol,
    /// The source it is for, where the sender named one.
    pub source: Option<String>,
    /// The `X-Idempotency-Key`, by which a body that comes again is known; not empty, visible ASCII.
    pub idempotency_key: Option<String>,
    /// Who sent it.
    pub sender: Option<IpAddr>,
    /// What it says.
    pub messages: Vec<Written>,
}

/// By which protocol messages come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `POST /gelf`.
    Gelf,
    /// `POST /ingest/ndjson`.
    Ndjson,
    /// `POST /v1/logs`.
    Otlp,
    /// `POST /loki/api/v1/push`.
    Loki,
    /// `/es/`.
    Elastic,
}

/// What became of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteOutcome {
    /// All of it is durable: as records, or as rejects.
    Durable {
        /// The messages that are no records, in their order.
        rejected: Vec<Rejected>,
    },
    /// A body with this key was taken before.
    Known,
    /// There is no source of this name that takes what comes by HTTP; the names of those that do.
    NoSource(Vec<String>),
    /// Too much waits, or the server stops; it may come again.
    Busy,
    /// There is no room on disk; it may come again.
    DiskFull,
}

/// A message that is no record. It is kept as a reject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Which message of the body, from 0.
    pub index: usize,
    /// Why, as the metrics name it.
    pub reason: &'static str,
    /// What is wrong, and where, for a person.
    pub text: String,
}

/// What the operator chooses.
#[derive(Clone, Debug)]
pub struct WriterOptions {
    /// The largest body as it is sent, in bytes.
    pub body_bytes_max: usize,
    /// The largest body unpacked, in bytes; also the most that its messages may take.
    pub unpacked_bytes_max: usize,
    /// Whose web pages may write.
    pub cors_origins: CorsOrigins,
    /// Which version of Elasticsearch its clients are told, as `8.19.0`.
    pub elastic_version: String,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            body_bytes_max: WRITE_BYTES_DEFAULT,
            unpacked_bytes_max: WRITE_UNPACKED_BYTES_DEFAULT,
            cors_origins: CorsOrigins::default(),
            elastic_version: elastic::VERSION_DEFAULT.to_owned(),
        }
    }
}

/// Takes what is written by HTTP.
#[derive(Clone)]
pub struct Writers {
    write: Arc<WriteFn>,
    options: Arc<WriterOptions>,
    room: Room,
}

impl Writers {
    /// Writers that hand bodies to `write`.
    pub fn new(write: Arc<WriteFn>, options: WriterOptions) -> Self {
        Self { write, options: Arc::new(options), room: Room::default() }
    }

    /// Receives a body, has it cut into messages, and waits until they are durable.
    async fn take<T: Send + 'static>(
        &self,
        request: Request,
        call: Call,
        decode: impl FnOnce(&[u8], &mut Messages) -> Result<T, DecodeError> + Send + 'static,
    ) -> Result<Taken<T>, Refused> {
        let idempotency_key = gateway::idempotency_key(request.headers()).map_err(Refused::bad)?;
        let sender = sender(&request);
        let (decoded, messages, ticket) = body::read(self, request, call.packing, decode).await?;
        let count = messages.len();
        if count == 0 {
            return Ok(Taken { decoded, count, rejected: Vec::new(), is_known: false, ticket });
        }
        let _turn = self.room.turn().ok_or_else(Refused::busy)?;
        let request =
            WriteRequest { protocol: call.protocol, source: call.source, idempotency_key, sender, messages };
        let outcome = tokio::time::timeout(COMMIT_MAX, (self.write)(request)).await;
        let (rejected, is_known) = match outcome {
            Ok(WriteOutcome::Durable { rejected }) => (rejected, false),
            Ok(WriteOutcome::Known) => (Vec::new(), true),
            Ok(WriteOutcome::NoSource(names)) => return Err(Refused::no_source(&names)),
            Ok(WriteOutcome::Busy) | Err(_) => return Err(Refused::busy()),
            Ok(WriteOutcome::DiskFull) => return Err(Refused::disk_full()),
        };
        Ok(Taken { decoded, count, rejected, is_known, ticket })
    }

    /// # Errors
    ///
    /// The sender is a web page of an origin that may not write.
    fn origin(&self, headers: &HeaderMap) -> Result<Origin, Refused> {
        let text = "web pages of this origin may not write; name it in gateway.cors_origins";
        self.options
            .cors_origins
            .allow(headers)
            .map_err(|_| Refused::new(StatusCode::FORBIDDEN, "forbidden", text))
    }
}

/// What a protocol says of a request beside its body.
struct Call {
    protocol: Protocol,
    source: Option<String>,
    packing: body::Packing,
}

/// A body that is durable.
struct Taken<T> {
    decoded: T,
    /// Its messages.
    count: usize,
    rejected: Vec<Rejected>,
    /// It came before, and was not taken again.
    is_known: bool,
    /// Its room, which has its answer too.
    ticket: Ticket,
}

fn sender(request: &Request) -> Option<IpAddr> {
    request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())
}

/// The value of a parameter of the address, its escapes resolved.
fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let pairs = query.unwrap_or_default().split('&');
    let value = pairs.filter_map(|pair| pair.split_once('=')).find(|(own, _)| *own == name)?.1;
    gateway::decoded(&value.replace('+', " ")).ok()
}

/// Why a body was not taken; nothing of it was.
#[derive(Debug)]
pub(crate) struct Refused {
    pub status: StatusCode,
    pub code: &'static str,
    pub text: String,
    /// In seconds.
    pub retry_after: Option<&'static str>,
}

impl Refused {
    fn new(status: StatusCode, code: &'static str, text: impl Into<String>) -> Self {
        Self { status, code, text: text.into(), retry_after: None }
    }

    fn bad(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_body", text)
    }

    fn busy() -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: "busy",
            text: "too much is waiting; try again".to_owned(),
            retry_after: Some(BUSY_RETRY_AFTER),
        }
    }

    fn disk_full() -> Self {
        Self {
            status: StatusCode::INSUFFICIENT_STORAGE,
            code: "disk_full",
            text: "there is no room on disk; try again".to_owned(),
            retry_after: Some(DISK_RETRY_AFTER),
        }
    }

    fn too_large(max: usize, of: &str) -> Self {
        let text = format!("the body has more than {max} {of}; send less at once");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", text)
    }

    fn no_source(names: &[String]) -> Self {
        let text = if names.is_empty() {
            "no source takes this; add one with type: http".to_owned()
        } else {
            format!("no source of this name takes this; there are: {}", names.join(", "))
        };
        Self::new(StatusCode::NOT_FOUND, "no_source", text)
    }

    /// A sender is told to come again by a status that it knows.
    fn with_disk_full_as(mut self, status: StatusCode) -> Self {
        if self.status == StatusCode::INSUFFICIENT_STORAGE {
            self.status = status;
        }
        self
    }

    /// Adds the header that says when to come again.
    fn mark(&self, mut response: Response) -> Response {
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        response
    }
}

impl From<DecodeError> for Refused {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Malformed(text) => Self::bad(text),
            DecodeError::TooMuch { max, of } => Self::too_large(max, of),
        }
    }
}

impl IntoResponse for Refused {
    /// In the shape of the API.
    fn into_response(self) -> Response {
        let hint = match self.status {
            StatusCode::PAYLOAD_TOO_LARGE => {
                "limits.write_bytes and limits.write_unpacked_bytes bound a body"
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::INSUFFICIENT_STORAGE => {
                "wait as long as Retry-After says, then send the same again"
            }
            StatusCode::FORBIDDEN => "cors_origins lists the origins of web pages that may write",
            _ => "/api/openapi.json says what it takes",
        };
        let response = problem(self.status, self.code, self.text.clone(), hint);
        self.mark(response)
    }
}
