//! What a combined line says that a request has not: the user, and the version of HTTP.
//!
//! Read again from the line rather than with the request: the user's name is whatever a client sent, and has to be
//! found between words that may be missing.

use super::{Rest, client, request_quote};
use crate::nginx_json::escape::LoggedText;
use crate::nginx_json::request_line::http_version;
use crate::other_fields::text_value;
use crate::value::{Value, logged_text};

/// Hands out `remote_user` and `http_version`, where the line has them.
pub(crate) fn other_fields<'a>(line: &'a [u8], each: &mut dyn FnMut(&str, Value<'a>)) {
    let line = line.trim_ascii_end();
    let Some(quote) = request_quote(line) else { return };
    if let Some(bracket) = memchr::memrchr(b'[', &line[..quote])
        && let Some(user) = user(&line[..bracket])
    {
        each("remote_user", text_value(user));
    }
    if let Ok(Some(request)) = (Rest { line, offset: quote }).quoted()
        && let Some(version) = http_version(request.raw)
    {
        each("http_version", Value::Text(logged_text(version)));
    }
}

/// What stands between the words before the user and the time; it may hold spaces.
fn user(text: &[u8]) -> Option<LoggedText<'_>> {
    let is_gap = |byte: &u8| matches!(byte, b' ' | 0);
    let words_before = if client(text).host.is_some() { 3 } else { 2 };
    let mut rest = text;
    for _ in 0..words_before {
        rest = &rest[rest.iter().position(|byte| !is_gap(byte))?..];
        rest = &rest[rest.iter().position(is_gap)?..];
    }
    let raw = rest.trim_ascii();
    LoggedText { raw, is_escaped: raw.contains(&b'\\') }.present()
}
