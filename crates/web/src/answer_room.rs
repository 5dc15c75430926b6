//! How much of what was answered may be in memory because its clients have not read it.
//!
//! A question has its turn and its share of memory, and gives both back when its answer is there; the answer then
//! stays until its client has taken it. So the bytes of large answers are charged until the last of them was handed
//! to the system, and who asks when there is no room is told to come again. One address can take only half, so that
//! it cannot keep out all others.
//!
//! The owner of the bytes holds the share, not the body: hyper takes a body of one piece at once and lets go of it
//! long before it is sent. What changed something is not charged, for who is refused then would do it again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;

use crate::access::peer_of;
use crate::attempts::network;
use crate::records::{RecordsProblem, RecordsProblemKind};

/// Answers up to this are not charged, in bytes: with a thousand connections they are 64 MiB.
const SMALL_BYTES: usize = 64 << 10;

/// What is sent with a body and changes nothing.
const QUESTIONS: [&str; 2] = ["/api/aggregate", "/api/backtest"];

/// Marks an answer whose bytes are part of the program, and take no memory.
#[derive(Clone, Copy)]
pub(crate) struct OfProgram;

/// The room for answers.
pub(crate) struct AnswerRoom {
    bytes_max: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    bytes: usize,
    of_address: HashMap<IpAddr, usize>,
}

/// What one answer holds of the room; given back when it is dropped.
struct Share {
    room: Arc<AnswerRoom>,
    address: IpAddr,
    bytes: usize,
}

/// The bytes of an answer, with their share.
struct Charged {
    bytes: Vec<u8>,
    _share: Share,
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AnswerRoom {
    /// Room for this much.
    pub fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes_max, held: Mutex::default() })
    }

    /// A share of this size, until it is dropped; `None` where there is no room. An answer that is larger than all of
    /// an address' room is as large as that, or it could never be given.
    fn enter(self: &Arc<Self>, address: IpAddr, bytes: usize) -> Option<Share> {
        let of_address_max = self.bytes_max / 2;
        let bytes = bytes.min(of_address_max);
        let mut held = self.held();
        let own = held.of_address.get(&address).copied().unwrap_or_default();
        if held.bytes + bytes > self.bytes_max || own + bytes > of_address_max {
            return None;
        }
        held.bytes += bytes;
        held.of_address.insert(address, own + bytes);
        Some(Share { room: Arc::clone(self), address, bytes })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.room.held();
        held.bytes -= self.bytes;
        if let Some(own) = held.of_address.get_mut(&self.address) {
            *own -= self.bytes;
            if *own == 0 {
                held.of_address.remove(&self.address);
            }
        }
    }
}

/// Charges a large answer, or says that there is no room for it.
pub(crate) async fn charge(State(room): State<Arc<AnswerRoom>>, request: Request, next: Next) -> Response {
    let address = network(peer_of(request.extensions()));
    let is_question =
        matches!(*request.method(), Method::GET | Method::HEAD) || QUESTIONS.contains(&request.uri().path());
    let response = next.run(request).await;
    if is_question { charged(&room, address, response).await } else { response }
}

async fn charged(room: &Arc<AnswerRoom>, address: IpAddr, response: Response) -> Response {
    // What is streamed has no length, and a bound of its own.
    let length = response.body().size_hint().exact().and_then(|length| usize::try_from(length).ok());
    let Some(length) = length.filter(|length| *length > SMALL_BYTES) else { return response };
    if response.extensions().get::<OfProgram>().is_some() {
        return response;
    }
    let Some(share) = room.enter(address, length) else { return busy(room.bytes_max) };
    let (head, body) = response.into_parts();
    // A body with a length is one piece in memory, and collecting it neither waits nor fails.
    let Ok(body) = body.collect().await else { return busy(room.bytes_max) };
    let mut bytes = Vec::from(body.to_bytes());
    // What was written to while it grew may be twice as large as what is in it.
    bytes.shrink_to_fit();
    Response::from_parts(head, Body::from(Bytes::from_owner(Charged { bytes, _share: share })))
}

fn busy(bytes_max: usize) -> Response {
    let error = format!(
        "answers wait for their readers already, of {} MiB in all or half of it to this address",
        bytes_max >> 20
    );
    let hint = "read what was asked for, or try again as soon as Retry-After says";
    RecordsProblem::new(RecordsProblemKind::Busy, error, hint).into_response()
}

#[cfg(test)]
mod tests {
    use axum::http::{StatusCode, header};

    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    async fn bytes_of(response: Response) -> Bytes {
        assert_eq!(response.status(), StatusCode::OK);
        response.into_body().collect().await.expect("it is in memory").to_bytes()
    }

    #[test]
    fn an_address_has_half_of_the_room_and_gives_it_back() {
        let room = AnswerRoom::new(100);
        let first = room.enter(address(1), 30).expect("room");
        let second = room.enter(address(1), 20).expect("room");
        assert!(room.enter(address(1), 1).is_none());
        let third = room.enter(address(2), 40).expect("room");
        assert!(room.enter(address(3), 11).is_none());
        drop(first);
        // Larger than all that an address may have.
        assert!(room.enter(address(1), 1_000).is_none());
        drop((second, third));
        let large = room.enter(address(1), 1_000).expect("it is alone");
        assert!(room.enter(address(1), 1).is_none());
        drop(large);
        let held = room.held();
        assert_eq!((held.bytes, held.of_address.len()), (0, 0));
    }

    #[tokio::test]
    async fn an_answer_is_charged_until_its_last_byte_is_gone() {
        let room = AnswerRoom::new(4 * SMALL_BYTES);
        let answer = || vec![b'x'; SMALL_BYTES + 1].into_response();
        let mut sent = bytes_of(charged(&room, address(1), answer()).await).await;
        assert_eq!(sent.len(), SMALL_BYTES + 1);
        // As a writer does that got rid of most of it.
        drop(sent.split_to(SMALL_BYTES));
        let refused = charged(&room, address(1), answer()).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.headers().contains_key(header::RETRY_AFTER));
        for small in [vec![b'x'; SMALL_BYTES].into_response(), Body::empty().into_response()] {
            assert_eq!(charged(&room, address(1), small).await.status(), StatusCode::OK);
        }
        let mut of_program = answer();
        of_program.extensions_mut().insert(OfProgram);
        assert_eq!(charged(&room, address(1), of_program).await.status(), StatusCode::OK);
        drop(sent);
        assert_eq!(charged(&room, address(1), answer()).await.status(), StatusCode::OK);
    }
}
