//! `GET /metrics`: the format is negotiated, the series are those of one moment.
//!
//! Encoding runs on a blocking thread, since a full budget takes a tenth of a second and would hold up
//! whoever shares the async one. It is compressed here, where the text is whole, rather than in a layer
//! over all routes: nothing else that is served is large enough to be worth it.

use std::io::Write as _;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use weir_meter::exposition::{Format, encode};
use weir_meter::scraper_name;

use crate::Handlers;

pub(crate) async fn metrics(
    State(handlers): State<Handlers>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    let scraper = scraper_name(text(&headers, header::USER_AGENT), &peer.ip().to_string());
    let format = Format::negotiate(text(&headers, header::ACCEPT));
    let is_gzip = accepts_gzip(text(&headers, header::ACCEPT_ENCODING));
    // Encoding a full budget takes a tenth of a second: too long for a thread that serves others.
    let body = tokio::task::spawn_blocking(move || {
        let snapshot = (handlers.snapshot)(scraper);
        let mut body = Vec::new();
        encode(&snapshot, format, &mut body);
        if is_gzip { compressed(&body) } else { body }
    });
    let Ok(body) = body.await else {
        return axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    headers.insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
    if is_gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// The value of a header, where it is text.
pub(crate) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Whether `gzip` is among the encodings and not refused by `q=0`.
pub(crate) fn accepts_gzip(accept_encoding: Option<&str>) -> bool {
    accept_encoding.unwrap_or_default().split(',').any(|encoding| {
        let mut parts = encoding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        is_gzip && !parts.any(|parameter| matches!(parameter, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

fn compressed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to a vector cannot fail; an empty body would be noticed by every scraper.
    encoder.write_all(body).and_then(|()| encoder.finish()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_used_where_it_is_accepted() {
        for (header, expected) in [
            (Some("gzip"), true),
            (Some("deflate, GZIP;q=0.5"), true),
            (Some("gzip;q=0"), false),
            (Some("identity"), false),
            (None, false),
        ] {
            assert_eq!(accepts_gzip(header), expected);
        }
    }
}
