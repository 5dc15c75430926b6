//! The request method as a label, one of a closed set.
//!
//! A method is any token a client likes to send, so only the nine registered ones with a meaning
//! for web services become labels (RFC 9110 section 9, RFC 5789). Methods are case-sensitive:
//! `get` is not `GET`, and servers refuse it.

/// The method's own name if it is one of the nine, else `OTHER`; also where there is none.
pub fn method_label(method: Option<&[u8]>) -> &'static str {
    match method {
        Some(b"GET") => "GET",
        Some(b"HEAD") => "HEAD",
        Some(b"POST") => "POST",
        Some(b"PUT") => "PUT",
        Some(b"DELETE") => "DELETE",
        Some(b"CONNECT") => "CONNECT",
        Some(b"OPTIONS") => "OPTIONS",
        Some(b"TRACE") => "TRACE",
        Some(b"PATCH") => "PATCH",
        _ => "OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nine_methods_keep_their_name() {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] {
            assert_eq!(method_label(Some(method.as_bytes())), method);
        }
    }

    #[test]
    fn everything_else_is_other() {
        for method in ["get", "Get", "GET ", "PROPFIND", "SSTP_DUPLEX_POST", "--location", "-", "", "\u{0}"] {
            assert_eq!(method_label(Some(method.as_bytes())), "OTHER", "{method}");
        }
        assert_eq!(method_label(None), "OTHER");
    }
}
