//! The labels in a push's path: `/metrics/job/nightly/path@base64/L3RtcA`.
//!
//! A value with a slash cannot stand in a path as it is, since servers and proxies take `%2F` for a slash, so
//! clients write it in base64 (RFC 4648 for URLs), and an empty one as `=`. client_python does it by itself.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// With `=` at the end or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a label's name ends with where its value is in base64.
const BASE64_SUFFIX: &str = "@base64";

/// The names and values behind `/metrics`, in their order; whether they are valid labels is not checked.
///
/// A slash at the end is taken for a typing habit where a value before it is whole, and for an empty value
/// where one is missing.
pub(super) fn pairs(path: &str) -> Result<Vec<(String, String)>, String> {
    let rest = path.strip_prefix("/metrics").unwrap_or(path);
    let Some(rest) = rest.strip_prefix('/').filter(|rest| !rest.is_empty()) else {
        return Ok(Vec::new());
    };
    let mut parts: Vec<&str> = rest.split('/').collect();
    if parts.len() % 2 == 1 {
        parts.pop_if(|last| last.is_empty());
    }
    if parts.len() % 2 == 1 {
        return Err(format!(
            "odd number of components in label string `{rest}`; labels must be defined in pairs: /metrics/job/x"
        ));
    }
    parts.chunks_exact(2).map(|pair| self::pair(pair[0], pair[1])).collect()
}

fn pair(name: &str, value: &str) -> Result<(String, String), String> {
    let (name, value) = (decoded(name)?, decoded(value)?);
    let Some(base) = name.strip_suffix(BASE64_SUFFIX) else {
        return Ok((name, value));
    };
    if value == "=" {
        return Ok((base.to_owned(), String::new()));
    }
    let bytes = BASE64.decode(&value).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    match text {
        Some(text) => Ok((base.to_owned(), text)),
        None => Err(format!("the value of `{name}` is no base64 (RFC 4648, URL-safe) of UTF-8: `{value}`")),
    }
}

/// Resolves `%41`.
pub(crate) fn decoded(text: &str) -> Result<String, String> {
    if !text.contains('%') {
        return Ok(text.to_owned());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        match (digit(bytes.next()), digit(bytes.next())) {
            (Some(high), Some(low)) => out.push((high * 16 + low) as u8),
            _ => return Err(format!("`{text}` has a `%` without two hexadecimal digits")),
        }
    }
    String::from_utf8(out).map_err(|_| format!("`{text}` is no UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Result<&[(&str, &str)], &str>) {
        let owned = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(pairs(path), expected.map(owned).map_err(str::to_owned), "{path}");
    }

    #[test]
    fn pairs_are_read() {
        check("/metrics", Ok(&[]));
        check("/metrics/", Ok(&[]));
        check("/metrics/job/a", Ok(&[("job", "a")]));
        check("/metrics/job/a/", Ok(&[("job", "a")]));
        check("/metrics/job/a/instance/", Ok(&[("job", "a"), ("instance", "")]));
        check("/metrics/job/a%20b%2Fc+d/x/%C3%A9", Ok(&[("job", "a b/c+d"), ("x", "é")]));
        check(
            "/metrics/job@base64/L3RtcC_z/x@base64/YQ==",
            Err("the value of `job@base64` is no base64 (RFC 4648, URL-safe) of UTF-8: `L3RtcC_z`"),
        );
        check(
            "/metrics/job@base64/L3RtcA/x@base64/YQ==/y@base64/=",
            Ok(&[("job", "/tmp"), ("x", "a"), ("y", "")]),
        );
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        check(
            "/metrics/job",
            Err(
                "odd number of components in label string `job`; labels must be defined in pairs: /metrics/job/x",
            ),
        );
        check("/metrics/job/%zz", Err("`%zz` has a `%` without two hexadecimal digits"));
        check("/metrics/job/%+1", Err("`%+1` has a `%` without two hexadecimal digits"));
        check("/metrics/job/%ff", Err("`%ff` is no UTF-8"));
    }
}
