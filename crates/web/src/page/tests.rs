//! A page of two files, and the one that is in the program if it was built with one.

use axum::body::to_bytes;

use super::*;

/// `<p>` packed by gzip, as `printf '<p>' | gzip -n` writes it.
const PACKED: &[u8] = &[31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 179, 41, 176, 3, 0, 187, 161, 110, 60, 3, 0, 0, 0];

static PAGE: &[Asset] = &[
    Asset {
        path: INDEX,
        content_type: "text/html; charset=utf-8",
        etag: "W/\"1\"",
        is_gzip: true,
        is_hashed: false,
        bytes: PACKED,
    },
    Asset {
        path: "/assets/a-1.png",
        content_type: "image/png",
        etag: "W/\"2\"",
        is_gzip: false,
        is_hashed: true,
        bytes: b"png",
    },
];

fn headers(lines: &[(HeaderName, &'static str)]) -> HeaderMap {
    lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
}

fn header_of(response: &Response, name: HeaderName) -> &str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn check(path: &str, lines: &[(HeaderName, &'static str)], expected: (u16, &[u8], &str, &str)) {
    let response = answer(find(PAGE, path).unwrap(), &headers(lines));
    let found = (
        response.status().as_u16(),
        header_of(&response, header::CONTENT_ENCODING).to_owned(),
        header_of(&response, header::CACHE_CONTROL).to_owned(),
    );
    for (name, value) in SECURITY_HEADERS {
        assert_eq!(header_of(&response, name), value);
    }
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    assert_eq!((found.0, &body[..], found.1.as_str(), found.2.as_str()), expected, "{path} {lines:?}");
}

#[tokio::test]
async fn a_file_is_packed_for_who_can_read_it_so_and_not_sent_twice() {
    use header::{ACCEPT_ENCODING, IF_NONE_MATCH};
    let (kept, asked) = ("public, max-age=31536000, immutable", "no-cache");
    check(INDEX, &[(ACCEPT_ENCODING, "gzip, br")], (200, PACKED, "gzip", asked)).await;
    check(INDEX, &[(ACCEPT_ENCODING, "br")], (200, b"<p>", "", asked)).await;
    check(INDEX, &[(ACCEPT_ENCODING, "gzip;q=0")], (200, b"<p>", "", asked)).await;
    check(INDEX, &[], (200, b"<p>", "", asked)).await;
    check(INDEX, &[(IF_NONE_MATCH, "W/\"1\"")], (304, b"", "", asked)).await;
    check(INDEX, &[(IF_NONE_MATCH, "\"0\", \"1\"")], (304, b"", "", asked)).await;
    check(INDEX, &[(IF_NONE_MATCH, "*")], (304, b"", "", asked)).await;
    check(INDEX, &[(IF_NONE_MATCH, "W/\"2\"")], (200, b"<p>", "", asked)).await;
    check("/assets/a-1.png", &[(ACCEPT_ENCODING, "gzip")], (200, b"png", "", kept)).await;
    check("/assets/a-1.png", &[(IF_NONE_MATCH, "\"2\"")], (304, b"", "", kept)).await;
}

#[tokio::test]
async fn a_browser_gets_a_page_and_curl_a_list() {
    for (accept, is_page) in [
        (Some("text/html,application/xhtml+xml,*/*;q=0.8"), true),
        (Some("*/*"), false),
        (Some("application/json"), false),
        (None, false),
    ] {
        let headers: HeaderMap =
            accept.iter().map(|accept| (header::ACCEPT, HeaderValue::from_static(accept))).collect();
        let response = index(headers).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header_of(&response, header::VARY), "accept, accept-encoding");
        let content_type = header_of(&response, header::CONTENT_TYPE).to_owned();
        let body =
            String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap();
        assert_eq!(content_type.starts_with("text/html"), is_page, "{accept:?}");
        assert_eq!(body.contains("/metrics "), !is_page, "{accept:?}");
        assert_eq!(body.to_ascii_lowercase().contains("<html"), is_page);
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_as_everywhere() {
    for path in ["/assets/no.js", "/assets/../index.html", "/assets/%2e%2e/index.html"] {
        let response = asset(path.parse().unwrap(), HeaderMap::new()).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[test]
fn the_page_in_the_program_is_whole_and_has_nothing_that_its_policy_refuses() {
    let Some(index) = find(ASSETS, INDEX) else { return };
    let html = String::from_utf8(unpacked(index).unwrap()).unwrap();
    let named = html.split('"').filter(|text| text.trim_start_matches('.').starts_with("/assets/"));
    let mut files = 0;
    for path in named {
        assert!(find(ASSETS, path.trim_start_matches('.')).is_some(), "{path} is not there");
        files += 1;
    }
    assert!(files > 0, "the page has no script");
    for refused in ["<style", " style=", " onload=", "javascript:"] {
        assert!(!html.contains(refused), "{refused} in {html}");
    }
    for script in html.split("<script").skip(1) {
        assert!(script.split('>').next().unwrap().contains("src="), "a script that stands in the page");
    }
}
