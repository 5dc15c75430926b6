//! The cookie that has a session's name: written so that no script reads it and no other page sends it.
//!
//! Over https its name begins with `__Host-`, which a browser takes only with `Secure`, for `/` and without a
//! domain: no page of a neighbour's name can put another in its place.

use axum::http::{HeaderMap, HeaderValue, header};

use super::table::SessionId;

/// Its name where the page is reached over https.
const SECURE_NAME: &str = "__Host-weir";

/// Its name elsewhere.
const PLAIN_NAME: &str = "weir";

/// The session that a browser says it has; the first that could be one.
pub(crate) fn read(headers: &HeaderMap, is_https: bool) -> Option<SessionId> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(own, _)| *own == name(is_https)).find_map(|(_, value)| SessionId::parse(value))
}

/// The header that gives a browser its cookie, for as long as it stays open.
pub(crate) fn set(id: SessionId, is_https: bool) -> Option<HeaderValue> {
    header_of(&id.to_string(), "", is_https)
}

/// The header that takes it away.
pub(crate) fn clear(is_https: bool) -> Option<HeaderValue> {
    header_of("", "; Max-Age=0", is_https)
}

fn header_of(value: &str, end: &str, is_https: bool) -> Option<HeaderValue> {
    let secure = if is_https { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{end}", name(is_https));
    HeaderValue::from_str(&text).ok()
}

fn name(is_https: bool) -> &'static str {
    if is_https { SECURE_NAME } else { PLAIN_NAME }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cookies: &[&str], is_https: bool, expected: bool) {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, HeaderValue::from_str(cookie).unwrap());
        }
        assert_eq!(read(&headers, is_https).is_some(), expected, "{cookies:?}");
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let id = "A".repeat(43);
        check(&[], false, false);
        check(&[&format!("weir={id}")], false, true);
        check(&[&format!("a=b; weir={id};c=d")], false, true);
        check(&["a=b", &format!("weir={id}")], false, true);
        check(&[&format!("weir=short; weir={id}")], false, true);
        check(&[&format!("weird={id}")], false, false);
        check(&[&format!("weir={id}")], true, false);
        check(&[&format!("__Host-weir={id}")], true, true);
        check(&["weir", "weir=", "=", ";;;", "weir=\"A\""], false, false);
    }

    #[test]
    fn no_script_reads_it_and_no_other_page_sends_it() {
        let id = SessionId::parse(&"A".repeat(43)).unwrap();
        let text = |header: Option<HeaderValue>| header.unwrap().to_str().unwrap().to_owned();
        let a = "A".repeat(43);
        assert_eq!(text(set(id, false)), format!("weir={a}; Path=/; HttpOnly; SameSite=Strict"));
        assert_eq!(
            text(set(id, true)),
            format!("__Host-weir={a}; Path=/; HttpOnly; SameSite=Strict; Secure")
        );
        assert_eq!(text(clear(false)), "weir=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    }
}
