//! `POST /ingest/ndjson`: a JSON object per line.
//!
//! The way in for scripts and for senders that know none of the other protocols: a line that has no time gets
//! that of its arrival, and the answer says which lines are no records.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};

use super::body::Packing;
use super::{
    Call, DecodeError, Messages, Protocol, Refused, SOURCE_PARAMETER, WriteAnswerShape, WriteReject, Writers,
    parameter,
};
use crate::Handlers;
use crate::gateway::Origin;

/// Rejects that an answer lists; the page and `weir rejects` have all of them.
const REJECTS_SHOWN_MAX: usize = 10;

pub(crate) async fn ndjson(State(handlers): State<Handlers>, request: Request) -> Response {
    let writers = &handlers.writers;
    match writers.origin(request.headers()) {
        Ok(origin) => marked(&origin, take(writers, request).await),
        Err(refused) => refused.into_response(),
    }
}

fn marked(origin: &Origin, answer: Result<Json<WriteAnswerShape>, Refused>) -> Response {
    origin.mark(answer.map_or_else(Refused::into_response, IntoResponse::into_response))
}

async fn take(writers: &Writers, request: Request) -> Result<Json<WriteAnswerShape>, Refused> {
    let source = parameter(request.uri().query(), SOURCE_PARAMETER);
    let call = Call { protocol: Protocol::Ndjson, source, packing: Packing::ByContent };
    let taken = writers.take(request, call, lines).await?;
    let shown = taken.rejected.iter().take(REJECTS_SHOWN_MAX).map(|reject| WriteReject {
        line: taken.decoded.get(reject.index).map_or(0, |&line| line as usize),
        reason: reject.reason,
        error: reject.text.clone(),
    });
    Ok(Json(WriteAnswerShape {
        received: taken.count,
        rejected: taken.rejected.len(),
        rejects: shown.collect(),
        is_duplicate: taken.is_known,
    }))
}

/// A message for each line that is not empty; gives their numbers, from 1.
fn lines(body: &[u8], messages: &mut Messages) -> Result<Vec<u32>, DecodeError> {
    let mut numbers = Vec::new();
    for (number, line) in (1..).zip(body.split(|&byte| byte == b'\n')) {
        let line = line.trim_ascii();
        if !line.is_empty() {
            messages.push_line(line.to_vec())?;
            numbers.push(number);
        }
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_not_empty_are_messages() {
        let mut messages = Messages::new(1_000);
        let numbers = lines(b"{\"a\":1}\r\n\n  \nx\n{}", &mut messages).expect("lines");
        assert_eq!(numbers, [1, 4, 5]);
        let texts: Vec<_> = messages.into_vec().into_iter().map(|message| message.bytes).collect();
        assert_eq!(texts, [b"{\"a\":1}" as &[u8], b"x", b"{}"]);
        let error = lines(b"{}\n{}\n", &mut Messages::new(3)).expect_err("too much");
        assert_eq!(error, DecodeError::TooMuch { max: 3, of: "bytes unpacked" });
    }
}
