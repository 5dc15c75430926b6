//! File names: extensions, and the content hashes that build tools put before them.
//!
//! A site's scripts get new names with every release, so without this each deployment would add its
//! routes to all earlier ones. Only known extensions count: behind the last dot of `grpc.Service` or
//! `example.com` stands no file type.

use crate::letters;

/// What a known extension says about the name before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extension {
    /// Written by a build tool, with a hash of the content in the name.
    Built,
    /// Other files whose extension is no part of an id.
    Other,
}

/// The kind of the extension of `name`, if it is a known one.
pub(super) fn extension(name: &[u8]) -> Option<Extension> {
    match split_extension(name)?.1 {
        b"js" | b"css" | b"map" | b"mjs" | b"cjs" | b"woff2" | b"woff" | b"ttf" | b"eot" | b"wasm" => {
            Some(Extension::Built)
        }
        b"jpg" | b"png" | b"html" | b"svg" | b"json" | b"pdf" | b"jpeg" | b"gif" | b"webp" | b"avif"
        | b"ico" | b"xml" | b"txt" | b"csv" | b"htm" | b"mp3" | b"mp4" | b"webm" | b"zip" | b"gz"
        | b"php" => Some(Extension::Other),
        _ => None,
    }
}

/// The name before the last dot and the text behind it.
pub(super) fn split_extension(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = name.iter().rposition(|&byte| byte == b'.')?;
    Some((name.get(..dot)?, name.get(dot + 1..)?))
}

/// What Rollup and esbuild write, in characters.
pub(super) const SHORT_HASH_LEN: usize = 8;

/// Where the eight characters of a content hash begin in the name of a built file: `index-BxK3_9aZ.js`.
///
/// Rollup and esbuild write base64url or base32, whose dashes would otherwise end a word.
pub(super) fn short_hash_start(name: &[u8]) -> Option<usize> {
    let (mut stem, extension) = split_extension(name)?;
    if extension == b"map"
        && let Some((inner, _)) = split_extension(stem)
    {
        stem = inner;
    }
    let start = stem.len().checked_sub(SHORT_HASH_LEN)?;
    let separator = stem.get(start.checked_sub(1)?)?;
    let hash = stem.get(start..)?;
    let is_base64 = hash.iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    (matches!(separator, b'-' | b'.') && is_base64 && is_random(hash)).then_some(start)
}

/// Whether a hash is likelier than a name; numbers are left to the rules for words.
fn is_random(hash: &[u8]) -> bool {
    let has = |is_such: fn(&u8) -> bool| hash.iter().any(is_such);
    match (has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase), has(u8::is_ascii_digit)) {
        (true, true, true) | (false, true, _) => true,
        (true, true, false) => letters::word_score(hash) + 1 < letters::signed(hash.len()),
        (true, false, true) => !letters::reads_like_words(hash),
        (true, false, false) => hash.iter().all(u8::is_ascii_hexdigit),
        (false, false, _) => false,
    }
}
