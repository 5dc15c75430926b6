//! `POST /gelf`: one GELF message, or several on lines of their own.
//!
//! As Graylog's HTTP input, which answers 202 and takes bulks where it is told to; here it need not be told,
//! since no line end inside a message looks like one between two.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::body::Packing;
use super::{
    Call, DecodeError, Messages, Protocol, Refused, SOURCE_PARAMETER, Written, WrittenFormat, parameter,
};
use crate::Handlers;

pub(crate) async fn gelf(State(handlers): State<Handlers>, request: Request) -> Response {
    let writers = &handlers.writers;
    let origin = match writers.origin(request.headers()) {
        Ok(origin) => origin,
        Err(refused) => return refused.into_response(),
    };
    let source = parameter(request.uri().query(), SOURCE_PARAMETER);
    let call = Call { protocol: Protocol::Gelf, source, packing: Packing::ByContent };
    let taken = writers.take(request, call, cut).await;
    origin.mark(match taken {
        Ok(_) => StatusCode::ACCEPTED.into_response(),
        Err(refused) => refused.into_response(),
    })
}

/// `OPTIONS`: what a browser asks before it sends JSON.
pub(crate) async fn preflight(State(handlers): State<Handlers>, headers: HeaderMap) -> Response {
    match handlers.writers.origin(&headers) {
        Ok(origin) => origin.mark_preflight(StatusCode::NO_CONTENT.into_response()),
        Err(refused) => Refused::into_response(refused),
    }
}

/// Cuts a body at the line ends that are between messages.
fn cut(mut body: &[u8], messages: &mut Messages) -> Result<(), DecodeError> {
    loop {
        // Senders made for TCP end a message with a NUL.
        body = body.trim_prefix_of(|byte| byte.is_ascii_whitespace() || byte == 0);
        if body.is_empty() {
            return Ok(());
        }
        let end = memchr::memchr_iter(b'\n', body).find(|&end| is_between(&body[..end], &body[end..]));
        let (message, rest) = body.split_at(end.unwrap_or(body.len()));
        let bytes = message.trim_suffix_of(|byte| byte.is_ascii_whitespace() || byte == 0).to_vec();
        messages.push(Written { bytes, format: WrittenFormat::Gelf, fields: Vec::new() })?;
        body = rest;
    }
}

/// Whether a line end between these is one between two messages: in an object, behind `}` comes a comma or what
/// closes the next, and before `{` a comma, a colon or what opens.
fn is_between(before: &[u8], after: &[u8]) -> bool {
    let last = before.trim_ascii_end().last();
    let Some(first) = after.trim_ascii_start().first() else { return true };
    match last {
        Some(b'}') => !matches!(first, b',' | b']' | b'}'),
        Some(b':' | b',' | b'[' | b'{') => false,
        _ => *first == b'{',
    }
}

/// Trimming of bytes by what they are.
trait Trim {
    fn trim_prefix_of(&self, is_trimmed: impl Fn(u8) -> bool) -> &[u8];
    fn trim_suffix_of(&self, is_trimmed: impl Fn(u8) -> bool) -> &[u8];
}

impl Trim for [u8] {
    fn trim_prefix_of(&self, is_trimmed: impl Fn(u8) -> bool) -> &[u8] {
        let start = self.iter().position(|&byte| !is_trimmed(byte)).unwrap_or(self.len());
        &self[start..]
    }

    fn trim_suffix_of(&self, is_trimmed: impl Fn(u8) -> bool) -> &[u8] {
        let end = self.iter().rposition(|&byte| !is_trimmed(byte)).map_or(0, |last| last + 1);
        &self[..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &[&str]) {
        let mut messages = Messages::new(1 << 20);
        cut(body.as_bytes(), &mut messages).expect("few");
        let found: Vec<_> = messages.into_vec().into_iter().map(|message| message.bytes).collect();
        let found: Vec<_> = found.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect();
        assert_eq!(found, expected, "{body}");
    }

    #[test]
    fn a_bulk_is_cut_at_its_lines_and_a_message_on_many_lines_is_not() {
        check("", &[]);
        check(" \n\0", &[]);
        check("{\"a\":1}", &["{\"a\":1}"]);
        check("{\"a\":1}\0\n", &["{\"a\":1}"]);
        check("{\"a\":1}\n{\"a\":2}\r\n\n{\"a\":3}\n", &["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"]);
        let pretty = "{\n  \"a\": {\n    \"b\": 1\n  },\n  \"c\": [\n    {\n    }\n  ,\n {}\n]\n}";
        check(&format!("{pretty}\n{pretty}"), &[pretty, pretty]);
        check("garbage\n{\"a\":1}\ngarbage", &["garbage", "{\"a\":1}", "garbage"]);
    }

    proptest::proptest! {
        #[test]
        fn no_byte_that_is_seen_is_lost(body in "[{}\\[\\],:a\n\\x00 ]{0,60}") {
            let mut messages = Messages::new(1 << 20);
            cut(body.as_bytes(), &mut messages).expect("few");
            let seen = |bytes: &[u8]| -> Vec<u8> {
                bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace() && *byte != 0).collect()
            };
            let found: Vec<u8> =
                messages.into_vec().iter().flat_map(|message| seen(&message.bytes)).collect();
            proptest::prop_assert_eq!(found, seen(body.as_bytes()));
        }
    }
}
