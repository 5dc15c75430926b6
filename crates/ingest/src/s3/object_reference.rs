//! Which object is meant: the few facts by which a notification, a listing and the ledger agree on one.
//!
//! A key alone does not say which content is meant, since an object can be replaced between the message and the
//! read. The entity tag does, so it travels along wherever it is known, without the quotes that HTTP puts around it.

use std::fmt;

/// The longest key that S3 allows, in bytes of UTF-8 (S3 user guide, "Object key names").
pub const KEY_BYTES_MAX: usize = 1024;

/// The longest bucket name, in bytes; 63 today, 255 for old ones (S3 user guide, "Bucket naming rules").
pub const BUCKET_BYTES_MAX: usize = 255;

/// How much of a key or a bucket's name a message shows, in characters.
const SHOWN_CHARS_MAX: usize = 200;

/// An object in a bucket, or one version of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ObjectReference {
    /// The bucket's name.
    pub bucket: String,
    /// The whole key, as it is and not encoded.
    pub key: String,
    /// The version, in a bucket that keeps versions.
    pub version_id: Option<String>,
    /// The entity tag of the content that is meant, without quotes; `None` where nobody said.
    pub etag: Option<String>,
    /// The size in bytes; `None` where nobody said.
    pub size: Option<u64>,
    /// The order of events of this key, in hexadecimal digits; comparable only within one key.
    pub sequencer: Option<String>,
}

impl ObjectReference {
    /// Whatever is at this key now.
    pub fn new(bucket: impl Into<String>, key: impl Into<String>) -> Self {
        Self { bucket: bucket.into(), key: key.into(), ..Self::default() }
    }

    /// `s3://bucket/key` with the whole key as it is, by which the object is found again; at most
    /// [`BUCKET_BYTES_MAX`] and [`KEY_BYTES_MAX`] and a few bytes. It may hold what a terminal obeys: messages show
    /// the reference itself.
    pub fn url(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

impl fmt::Display for ObjectReference {
    /// `s3://bucket/key`, cut and without control characters, for messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", shown(&self.bucket), shown(&self.key))
    }
}

/// A text from outside as a message may show it: short, and harmless on a terminal.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .map(|char| if char.is_control() { char::REPLACEMENT_CHARACTER } else { char })
        .take(SHOWN_CHARS_MAX)
        .collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push_str("...");
    }
    shown
}

/// An entity tag without the quotes around it; `None` if nothing is left.
pub(crate) fn unquoted_etag(etag: &str) -> Option<String> {
    let etag = etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"');
    (!etag.is_empty()).then(|| etag.to_owned())
}

/// Undoes form encoding, as S3 encodes keys in its notifications and, if asked to, in its listings.
///
/// # Errors
///
/// What is wrong with it: a percent sign without two hexadecimal digits, or bytes that are not UTF-8.
pub(crate) fn form_decoded(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (digits, after) = rest.split_at_checked(2).ok_or(WRONG_ESCAPE)?;
                bytes.push(hex_digit(digits[0])? << 4 | hex_digit(digits[1])?);
                rest = after;
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 once it is decoded")
}

const WRONG_ESCAPE: &str = "has a `%` that two hexadecimal digits do not follow";

fn hex_digit(byte: u8) -> Result<u8, &'static str> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).ok_or(WRONG_ESCAPE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded_as_forms_are() {
        for (text, expected) in [
            ("plain/key.gz", Ok("plain/key.gz")),
            ("a+b%2Bc", Ok("a b+c")),
            ("%C3%BC%e6%97%a5", Ok("\u{fc}\u{65e5}")),
            ("100%25", Ok("100%")),
            ("", Ok("")),
            ("%", Err(WRONG_ESCAPE)),
            ("%2", Err(WRONG_ESCAPE)),
            ("%+1", Err(WRONG_ESCAPE)),
            ("bad%ZZ", Err(WRONG_ESCAPE)),
            ("latin%FC", Err("is not UTF-8 once it is decoded")),
        ] {
            assert_eq!(form_decoded(text), expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn tags_lose_their_quotes_and_messages_their_control_characters() {
        for (etag, expected) in
            [("\"ab\"", Some("ab")), ("W/\"ab\"", Some("ab")), ("ab-2", Some("ab-2")), ("\"\"", None)]
        {
            assert_eq!(unquoted_etag(etag).as_deref(), expected);
        }
        let object = ObjectReference::new("b", format!("k\u{1b}[0m{}", "x".repeat(300)));
        let text = object.to_string();
        assert!(
            text.starts_with("s3://b/k\u{fffd}[0m") && text.ends_with("x...") && text.len() < 300,
            "{text}"
        );
    }

    #[test]
    fn an_address_has_the_whole_key_where_a_message_cuts_it() {
        let long = format!("a/{}/b.gz", "x".repeat(300));
        for key in ["a/b.gz", &long, "a\u{1b}b", "a..."] {
            assert_eq!(ObjectReference::new("b", key).url(), format!("s3://b/{key}"));
        }
    }
}
