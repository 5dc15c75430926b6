//! Whether a request that changes something comes from our own page.
//!
//! A browser adds its cookie, and the password that it was told, to what any page sends. So what changes something
//! must not come from elsewhere, as far as the browser says from where (`Sec-Fetch-Site`, else `Origin`), and with a
//! cookie it must carry a header of our own, which another page cannot add without asking first and being refused.
//! Programs send neither, and no cookie.

use axum::http::{HeaderMap, HeaderName, header};

/// The header that the page adds to all that it asks.
pub(crate) const PAGE_HEADER: HeaderName = HeaderName::from_static("x-weir-page");

/// Where a browser says what sort of page asks, as seen from us. No page can change it.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a browser says that it does with the answer.
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Where people reach the server, as far as the config says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// Scheme, name and port, as `https://weir.example.com`.
    origin: Option<String>,
}

impl Site {
    /// The site of an address, as `https://weir.example.com/logs/`.
    pub fn new(external_url: Option<&str>) -> Self {
        let origin = external_url.and_then(|url| {
            let (scheme, rest) = url.split_once("://")?;
            let host = rest.split(['/', '?', '#']).next()?;
            Some(format!("{scheme}://{host}").to_ascii_lowercase())
        });
        Self { origin }
    }

    /// Whether people reach it over https.
    pub(crate) fn is_https(&self) -> bool {
        self.origin.as_deref().is_some_and(|origin| origin.starts_with("https://"))
    }

    /// Whether a browser says that a page of another origin asks.
    pub(crate) fn is_foreign(&self, headers: &HeaderMap) -> bool {
        if let Some(site) = headers.get(FETCH_SITE) {
            // A proxy in front may have changed `Host`; this it has not.
            return site != "same-origin";
        }
        let Some(origin) = headers.get(header::ORIGIN) else { return false };
        let Ok(origin) = origin.to_str() else { return true };
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let is_host = origin.split_once("://").is_some_and(|(_, own)| {
            host.is_some_and(|host| !own.is_empty() && own.eq_ignore_ascii_case(host))
        });
        !is_host && !self.origin.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(origin))
    }
}

/// Whether the page says that it asks.
pub(crate) fn is_from_page(headers: &HeaderMap) -> bool {
    headers.get(PAGE_HEADER).is_some_and(|value| value == "1")
}

/// Whether a script asks that shows a form itself where somebody has to sign in, so that the browser must not.
pub(crate) fn has_own_form(headers: &HeaderMap) -> bool {
    let is_script = headers.get(FETCH_MODE).is_some_and(|mode| mode != "navigate");
    headers.contains_key(PAGE_HEADER) || is_script
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap())
        };
        lines.iter().map(pair).collect()
    }

    #[test]
    fn a_page_of_another_origin_is_foreign() {
        let site = Site::new(Some("https://Weir.example.com/logs/"));
        for (lines, is_foreign) in [
            (vec![], false),
            (vec![("sec-fetch-site", "same-origin")], false),
            (vec![("sec-fetch-site", "same-site")], true),
            (vec![("sec-fetch-site", "cross-site")], true),
            (vec![("sec-fetch-site", "none")], true),
            (vec![("sec-fetch-site", "")], true),
            // Behind a proxy that names the server by an address of its own.
            (
                vec![
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "https://a.example"),
                    ("host", "127.0.0.1:9099"),
                ],
                false,
            ),
            (vec![("origin", "http://127.0.0.1:9099"), ("host", "127.0.0.1:9099")], false),
            (vec![("origin", "http://127.0.0.1:9098"), ("host", "127.0.0.1:9099")], true),
            (vec![("origin", "https://evil.example"), ("host", "127.0.0.1:9099")], true),
            (vec![("origin", "https://weir.example.com"), ("host", "127.0.0.1:9099")], false),
            (vec![("origin", "http://weir.example.com"), ("host", "127.0.0.1:9099")], true),
            (vec![("origin", "null"), ("host", "127.0.0.1:9099")], true),
            (vec![("origin", "://"), ("host", "")], true),
            (vec![("origin", "https://evil.example")], true),
        ] {
            assert_eq!(site.is_foreign(&headers(&lines)), is_foreign, "{lines:?}");
        }
    }

    #[test]
    fn https_is_told_by_the_address() {
        for (url, expected) in [
            (None, false),
            (Some("http://weir.example.com"), false),
            (Some("https://weir.example.com:8443/x"), true),
        ] {
            assert_eq!(Site::new(url).is_https(), expected);
        }
    }

    #[test]
    fn the_page_names_itself_and_shows_its_own_form() {
        for (lines, is_page, has_form) in [
            (vec![("x-weir-page", "1")], true, true),
            (vec![("x-weir-page", "0")], false, true),
            (vec![("sec-fetch-mode", "cors")], false, true),
            (vec![("sec-fetch-mode", "navigate")], false, false),
            (vec![], false, false),
        ] {
            let headers = headers(&lines);
            assert_eq!((is_from_page(&headers), has_own_form(&headers)), (is_page, has_form), "{lines:?}");
        }
    }
}
