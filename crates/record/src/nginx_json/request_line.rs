//! The request as the client sent it: `$request`, `$request_uri` and their parts.
//!
//! nginx logs the request line even of what is not HTTP (a TLS handshake on a plain port), so no
//! part of it may be required. The method ends at the first space; a version is only what follows
//! the last space and begins with `HTTP/`; so spaces in a URI stay in the URI.

use std::borrow::Cow;

use super::escape::LoggedText;

/// The parts of `METHOD target HTTP/1.1` that there are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestLine<'a> {
    pub method: Option<LoggedText<'a>>,
    /// What was asked for; usually a path with its query.
    pub target: Option<LoggedText<'a>>,
}

/// Takes a request line apart. A line of one word is a method.
pub(crate) fn split(line: LoggedText<'_>) -> RequestLine<'_> {
    let raw = match memchr::memrchr(b' ', line.raw) {
        Some(space) if line.raw[space + 1..].starts_with(b"HTTP/") => &line.raw[..space],
        _ => line.raw,
    };
    let (method, target) = match memchr::memchr(b' ', raw) {
        Some(space) => (&raw[..space], &raw[space + 1..]),
        None => (raw, b"".as_slice()),
    };
    RequestLine { method: line.part(method).present(), target: line.part(target).present() }
}

/// The version that a request line ends with: `1.1`.
pub(crate) fn http_version(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii_end();
    let last_word = &line[memchr::memrchr(b' ', line)? + 1..];
    last_word.strip_prefix(b"HTTP/").filter(|version| !version.is_empty())
}

/// Path and query of a target, decoded.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestTarget<'a> {
    pub path: Option<Cow<'a, [u8]>>,
    pub query: Option<Cow<'a, [u8]>>,
}

/// Takes a target apart. One with scheme and host, as a proxy is asked, counts with its URL's path.
pub(crate) fn split_target(target: LoggedText<'_>) -> RequestTarget<'_> {
    let (path, query) = match memchr::memchr(b'?', target.raw) {
        Some(mark) => (&target.raw[..mark], Some(&target.raw[mark + 1..])),
        None => (target.raw, None),
    };
    RequestTarget {
        path: target.part(path_of_url(path)).present().map(LoggedText::decode),
        query: query.map(|query| target.part(query).decode()),
    }
}

fn path_of_url(url: &[u8]) -> &[u8] {
    let Some(after_scheme) = url.strip_prefix(b"http://").or_else(|| url.strip_prefix(b"https://")) else {
        return url;
    };
    match memchr::memchr(b'/', after_scheme) {
        Some(slash) => &after_scheme[slash..],
        None => b"/",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let RequestLine { method, target } =
            split(LoggedText { raw: line.as_bytes(), is_escaped: line.contains('\\') });
        let RequestTarget { path, query } = target.map(split_target).unwrap_or_default();
        let shown: Vec<String> = [method.map(LoggedText::decode), path, query]
            .iter()
            .map(|part| part.as_ref().map_or("-".to_owned(), |part| part.escape_ascii().to_string()))
            .collect();
        assert_eq!(shown.join(" | "), expected, "{line}");
    }

    #[test]
    fn a_request_line_has_method_path_and_query() {
        check("GET /api/orders?id=7 HTTP/1.1", "GET | /api/orders | id=7");
        check("GET /a?b?c=/d HTTP/2.0", "GET | /a | b?c=/d");
        check("GET /a? HTTP/1.1", "GET | /a | ");
        check("OPTIONS * HTTP/1.1", "OPTIONS | * | -");
        check("CONNECT example.com:443 HTTP/1.1", "CONNECT | example.com:443 | -");
    }

    #[test]
    fn a_url_counts_with_its_path() {
        check("GET http://example.com/a?b HTTP/1.1", "GET | /a | b");
        check("GET https://example.com HTTP/1.1", "GET | / | -");
        check("GET http://example.com?b=/c HTTP/1.1", "GET | / | b=/c");
    }

    #[test]
    fn malformed_lines_keep_what_they_have() {
        check("GET /a b c HTTP/1.1", "GET | /a b c | -");
        check("GET /a b", "GET | /a b | -");
        check("GET /", "GET | / | -");
        check("GET HTTP/1.1", "GET | - | -");
        check("GET", "GET | - | -");
        check(" / HTTP/1.0", "- | / | -");
        check("-", "- | - | -");
        check("", "- | - | -");
        check(r"\x16\x03\x01", r"\x16\x03\x01 | - | -");
    }

    #[test]
    fn escapes_are_resolved_after_the_split() {
        check(r"GET /q\x22?s=\x5C HTTP/1.1", r#"GET | /q\" | s=\\"#);
    }
}
