//! `GET /` and `/assets/*`: the page, out of the program itself.
//!
//! Anybody may load it, since the form to sign in is part of it; what it shows it asks the API for. It is packed when
//! the program is built, and unpacked only for who cannot read it so. Most names below `/assets/` change with what is
//! in them, so a browser keeps those for good and asks only for the rest.

use std::io::Read as _;

use axum::Extension;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;

use crate::answer_room::OfProgram;
use crate::health::overview;
use crate::metrics::{accepts_gzip, text};
use crate::problem::not_found;

/// A file of the page.
pub(crate) struct Asset {
    /// Its path, as `/assets/index-1a2b3c.js`.
    path: &'static str,
    /// What it is.
    content_type: &'static str,
    /// Its version; weak, as it is the same packed and unpacked.
    etag: &'static str,
    /// Whether `bytes` is packed.
    is_gzip: bool,
    /// Whether its name changes with it.
    is_hashed: bool,
    /// What is in it.
    bytes: &'static [u8],
}

/// All files of the page; none where the program was built without it.
const ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// Where the page begins.
const INDEX: &str = "/index.html";

/// Only what comes from here, and nothing that stands in a page itself: a log line that gets into the page as markup
/// can neither run nor load anything, nor send anything elsewhere.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What the browser is told of everything that is part of the page.
const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// What there is where the program was built without the page.
const NO_PAGE: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Logweir</title>\n\
    <h1>Logweir</h1>\n\
    <p>This build of weir has no page: it was built without Node. <code>make build</code> builds both; \
    all else works.</p>\n\
    <p>What it answers is in <a href=\"/api/openapi.json\">/api/openapi.json</a>, and <code>curl</code> of this \
    address lists it.</p>\n</html>\n";

/// The page for a browser; a list in words of what there is for everybody else.
pub(crate) async fn index(headers: HeaderMap) -> Response {
    let is_browser = text(&headers, header::ACCEPT).is_some_and(|accept| accept.contains("text/html"));
    let mut response = match find(ASSETS, INDEX) {
        _ if !is_browser => overview().into_response(),
        Some(asset) => answer(asset, &headers),
        None => no_page(),
    };
    let vary = HeaderValue::from_static("accept, accept-encoding");
    response.headers_mut().insert(header::VARY, vary);
    response
}

/// A file of the page.
pub(crate) async fn asset(uri: Uri, headers: HeaderMap) -> Response {
    match find(ASSETS, uri.path()) {
        Some(asset) => answer(asset, &headers),
        None => not_found(uri).await,
    }
}

fn find(assets: &'static [Asset], path: &str) -> Option<&'static Asset> {
    assets.iter().find(|asset| asset.path == path)
}

fn answer(asset: &'static Asset, headers: &HeaderMap) -> Response {
    let known = text(headers, header::IF_NONE_MATCH).unwrap_or_default();
    let is_known = known.split(',').map(str::trim).any(|tag| tag == "*" || is_same_tag(tag, asset.etag));
    let is_packed = asset.is_gzip && accepts_gzip(text(headers, header::ACCEPT_ENCODING));
    let mut response = match (is_known, is_packed || !asset.is_gzip) {
        (true, _) => StatusCode::NOT_MODIFIED.into_response(),
        (false, true) => (Extension(OfProgram), Bytes::from_static(asset.bytes)).into_response(),
        (false, false) => match unpacked(asset) {
            Some(bytes) => bytes.into_response(),
            None => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
    };
    let answer = response.headers_mut();
    if !is_known {
        answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    }
    if !is_known && is_packed {
        answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let keep = if asset.is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    answer.insert(header::ETAG, HeaderValue::from_static(asset.etag));
    answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    secure(&mut response);
    response
}

/// Tags are the same whether they are weak or not: what is asked is if the file is.
fn is_same_tag(one: &str, other: &str) -> bool {
    one.trim_start_matches("W/") == other.trim_start_matches("W/")
}

fn unpacked(asset: &Asset) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    GzDecoder::new(asset.bytes).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn no_page() -> Response {
    let mut response = NO_PAGE.into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    secure(&mut response);
    response
}

fn secure(response: &mut Response) {
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests;
