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

/// Cuts a body at the line ends that are between messages; senders made for TCP end a message with a NUL.
fn cut(body: &[u8], messages: &mut Messages) -> Result<(), DecodeError> {
    let mut push = |bytes: &[u8]| {
        messages.push(Written { bytes: bytes.to_vec(), format: WrittenFormat::Gelf, fields: Vec::new() })
    };
    // Where the message begins, and where what was seen of it ends.
    let (mut start, mut end, mut has_line_end) = (0, 0, false);
    for (at, &byte) in body.iter().enumerate() {
        if byte.is_ascii_whitespace() || byte == 0 {
            has_line_end |= matches!(byte, b'\n' | 0);
            continue;
        }
        if end == start {
            start = at;
        } else if has_line_end && is_between(body[end - 1], byte) {
            push(&body[start..end])?;
            start = at;
        }
        (end, has_line_end) = (at + 1, false);
    }
    if end > start { push(&body[start..end]) } else { Ok(()) }
}

/// Whether a line end between these bytes is one between two messages: in an object, behind `}` comes a comma or
/// what closes the next, and before `{` a comma, a colon or what opens.
fn is_between(last: u8, first: u8) -> bool {
    match last {
        b'}' => !matches!(first, b',' | b']' | b'}'),
        b':' | b',' | b'[' | b'{' => false,
        _ => first == b'{',
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
        check("{\"a\":1}\0{\"a\":2}\0", &["{\"a\":1}", "{\"a\":2}"]);
        check("garbage\n{\"a\":1}\ngarbage", &["garbage", "{\"a\":1}", "garbage"]);
    }

    #[test]
    fn a_body_of_line_ends_is_read_once() {
        let body = format!("{{{}}}", "\n".repeat(10_000_000));
        let mut messages = Messages::new(1 << 30);
        cut(body.as_bytes(), &mut messages).expect("few");
        assert_eq!(messages.len(), 1);
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
