//! One run of letters and digits: a word, an id, or both.
//!
//! Ids that have a form (hex, dates, sizes, a word and its number) are told by it. What is left is
//! told by length and by whether it reads like words, which `letters` judges; below sixteen bytes in
//! doubt it stays.

use crate::letters::{DIGIT_BESIDE_LETTER, reads_like_words, signed, word_score};
use crate::placeholder::Placeholder;

/// What becomes of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fold {
    /// It stays.
    Keep,
    /// Only the number behind the first so many bytes folds, to `{id}`.
    Number(usize),
    /// All of it folds.
    Whole(Placeholder),
}

/// From this many bytes on a word must read like one to stay.
pub(crate) const LONG: usize = 16;

/// Names that end in a number of two digits or more, or hold one inside.
const TECHNICAL_WORDS: [&[u8]; 28] = [
    b"aarch64", b"amd64", b"arm64", b"base32", b"base58", b"base64", b"crc32", b"ed25519", b"es256",
    b"float32", b"float64", b"h264", b"h265", b"hs256", b"int32", b"int64", b"iso8601", b"log4j2", b"rs256",
    b"sha256", b"sha384", b"sha512", b"uint32", b"uint64", b"utf16", b"win32", b"x509", b"x86",
];

/// What a run of ASCII letters and digits becomes; in the name of a file with an extension, short
/// hex runs are hashes of its content.
pub(crate) fn fold(word: &[u8], in_file_name: bool) -> Fold {
    let shape = Shape::of(word);
    if shape.digits == word.len() {
        return Fold::Whole(if is_compact_date(word) { Placeholder::Date } else { Placeholder::Id });
    }
    if let Some(placeholder) = hex(&shape, word.len(), in_file_name) {
        return Fold::Whole(placeholder);
    }
    if shape.digits == 0 {
        return without_digits(word, &shape);
    }
    if is_version(word) || is_technical(word) {
        return Fold::Keep;
    }
    if is_size(word) {
        return Fold::Whole(Placeholder::Size);
    }
    if word.len() >= LONG && !reads_like_words(word) {
        return Fold::Whole(Placeholder::Token);
    }
    with_digits(word, &shape)
}

/// How letters and digits are spread over a word.
struct Shape {
    digits: usize,
    uppers: usize,
    lowers: usize,
    is_hex: bool,
    /// Digits at the start and at the end.
    leading: usize,
    trailing: usize,
}

impl Shape {
    /// Counts without branches: in ids, whether the next byte is a digit cannot be predicted.
    fn of(word: &[u8]) -> Self {
        let counts: u64 = word.iter().map(|&byte| COUNTS[usize::from(byte)]).sum();
        let count = |shift: u32| usize::from((counts >> shift) as u16);
        let (digits, uppers, hex) = (count(DIGITS_SHIFT), count(UPPERS_SHIFT), count(HEX_SHIFT));
        let is_digit = |byte: &&u8| byte.is_ascii_digit();
        Self {
            digits,
            uppers,
            lowers: word.len().saturating_sub(digits + uppers),
            is_hex: hex == word.len(),
            leading: word.iter().take_while(is_digit).count(),
            trailing: word.iter().rev().take_while(is_digit).count(),
        }
    }

    fn is_one_case(&self) -> bool {
        self.uppers == 0 || self.lowers == 0
    }
}

const DIGITS_SHIFT: u32 = 0;
const UPPERS_SHIFT: u32 = 16;
const HEX_SHIFT: u32 = 32;

/// What each byte adds to three counters of 16 bits in one number; paths are far shorter than that.
const COUNTS: [u64; 256] = {
    let mut counts = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let text = byte as u8;
        counts[byte] = (text.is_ascii_digit() as u64) << DIGITS_SHIFT
            | (text.is_ascii_uppercase() as u64) << UPPERS_SHIFT
            | (text.is_ascii_hexdigit() as u64) << HEX_SHIFT;
        byte += 1;
    }
    counts
};

/// Hex digits with letters in one case, from 6 on; below 8, letters with one digit behind are a word.
fn hex(shape: &Shape, len: usize, in_file_name: bool) -> Option<Placeholder> {
    if !shape.is_hex || !shape.is_one_case() || len < 6 || shape.digits == 0 {
        return None;
    }
    match len {
        32 if !in_file_name => Some(Placeholder::Uuid),
        16.. => Some(Placeholder::Hash),
        8.. if in_file_name => Some(Placeholder::Hash),
        8.. => Some(Placeholder::Id),
        _ => (shape.digits >= 2 || shape.trailing == 0).then_some(Placeholder::Id),
    }
}

fn without_digits(word: &[u8], shape: &Shape) -> Fold {
    let is_name = word.len() < LONG && (shape.is_one_case() || word.len() < 6 || is_camel_case(word, shape));
    if is_name || reads_like_words(word) { Fold::Keep } else { Fold::Whole(Placeholder::Token) }
}

/// Few capitals, and letters that could belong to abbreviations: `PyObject`, `dwInSegs`.
fn is_camel_case(word: &[u8], shape: &Shape) -> bool {
    shape.uppers * 3 <= word.len() + 2 && word_score(word) + signed(word.len()) >= 0
}

/// Letters and digits that are no long token. A number at an end folds, one digit is part of a name.
fn with_digits(word: &[u8], shape: &Shape) -> Fold {
    let letters = word.len() - shape.digits;
    if shape.trailing == shape.digits {
        let is_short = letters <= 5 && shape.uppers <= 1;
        return match shape.digits {
            1 if shape.is_one_case() || is_short || reads_like_words(word) => Fold::Keep,
            2.. if letters <= 5 && shape.is_one_case() || is_short || reads_like_words(word) => {
                Fold::Number(letters)
            }
            _ => Fold::Whole(Placeholder::Token),
        };
    }
    if shape.leading == shape.digits {
        return match shape.digits {
            1 | 2 if letters <= 2 || reads_like_words(word) => Fold::Keep,
            1 | 2 => Fold::Whole(Placeholder::Token),
            _ => Fold::Whole(Placeholder::Id),
        };
    }
    let is_abbreviation = word.len() <= 5 && shape.digits <= 2 && shape.is_one_case();
    let is_compound = shape.digits <= 2 && shape.is_one_case() && is_compound(word);
    if is_abbreviation || is_compound || reads_like_words(word) {
        Fold::Keep
    } else {
        Fold::Whole(Placeholder::Token)
    }
}

/// `i18next`, `mp4upload`, `html2canvas`: words but for one number, which may read "to" or "for".
fn is_compound(word: &[u8]) -> bool {
    let is_conversion = word.iter().any(|byte| matches!(byte, b'2' | b'4'));
    let tolerance = if is_conversion { signed(word.len()) } else { 0 };
    word_score(word) - 2 * DIGIT_BESIDE_LETTER + tolerance >= 0
}

/// `v1`, `V12`, `v2beta1`, `v1p1beta1`: an API's version as Google and Kubernetes write it.
fn is_version(word: &[u8]) -> bool {
    let [b'v' | b'V', rest @ ..] = word else { return false };
    let major = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let stage = rest.get(major..).unwrap_or_default();
    let stage = if let [b'p', b'0'..=b'9', stage @ ..] = stage { stage } else { stage };
    let stage_len = stage.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (stage, patch) = stage.split_at_checked(stage_len).unwrap_or_default();
    matches!(major, 1..=2)
        && matches!(stage, b"" | b"alpha" | b"beta" | b"rc" | b"preview")
        && matches!(patch, [] | [_] | [_, _])
        && patch.iter().all(u8::is_ascii_digit)
}

/// `800x600`.
fn is_size(word: &[u8]) -> bool {
    let mut sides = word.split(|&byte| byte | 0x20 == b'x');
    let is_side =
        |side: Option<&[u8]>| side.is_some_and(|side| matches!(side.len(), 1..=5) && all_digits(side));
    is_side(sides.next()) && is_side(sides.next()) && sides.next().is_none()
}

fn is_technical(word: &[u8]) -> bool {
    word.len() <= 8 && TECHNICAL_WORDS.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// `20261120`, within the years in which logs and files are dated; most numbers of eight digits are not.
pub(crate) fn is_compact_date(digits: &[u8]) -> bool {
    let Some((year, [a, b, c, d])) = digits.split_at_checked(4) else { return false };
    year >= b"1990".as_slice()
        && year <= b"2049".as_slice()
        && all_digits(year)
        && is_month(&[*a, *b])
        && is_day(&[*c, *d])
}

pub(crate) fn is_month(digits: &[u8]) -> bool {
    matches!(digits, [b'0', b'1'..=b'9'] | [b'1', b'0'..=b'2'])
}

pub(crate) fn is_day(digits: &[u8]) -> bool {
    matches!(digits, [b'0', b'1'..=b'9'] | [b'1' | b'2', b'0'..=b'9'] | [b'3', b'0' | b'1'])
}

pub(crate) fn all_digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &[&str], expected: Fold) {
        for word in words {
            assert_eq!(fold(word.as_bytes(), false), expected, "{word}");
        }
    }

    #[test]
    fn names_with_few_digits_stay() {
        check(
            &["oauth2", "s3", "utf8", "page2", "i18n", "l10n", "k8s", "e2e", "log4j", "2fa", "3d", "24h"],
            Fold::Keep,
        );
        check(
            &["mp4", "mp4upload", "oauth2callback", "web3auth", "md5", "sha256", "x509", "base64", "90d"],
            Fold::Keep,
        );
        check(
            &["i18next", "html2canvas", "getUserPreferencesV2", "OrderManagementServiceV1", "log4j2"],
            Fold::Keep,
        );
    }

    #[test]
    fn versions_of_an_api_stay() {
        check(&["v1", "V2", "v12", "v1beta1", "v2alpha10", "v1p1beta1"], Fold::Keep);
        check(&["v123"], Fold::Number(1));
    }

    #[test]
    fn words_without_digits_stay_unless_they_are_long_and_random() {
        check(&["orders", "README", "getUser", "GetOrdersXml", "internationalization", "iPhone"], Fold::Keep);
        check(&["ServerReflectionInfo", "PreferencesController", "cafe", "deadbeef"], Fold::Keep);
        check(&["QxZvKpWqRtYbNmLk", "kqzjxwvbnmkqzjxw", "xKpQrLmNzTb"], Fold::Whole(Placeholder::Token));
    }

    #[test]
    fn a_number_behind_a_word_folds() {
        check(&["ord123456", "SKU12345", "inv00123", "abc99"], Fold::Number(3));
        check(&["customer42"], Fold::Number(8));
    }

    #[test]
    fn numbers_hashes_dates_and_sizes_fold() {
        check(&["7", "404", "12345678901234567890", "99999999", "20261399"], Fold::Whole(Placeholder::Id));
        check(&["3f2a1b9c", "3f2a1b9", "ff00aa", "deadbeef1"], Fold::Whole(Placeholder::Id));
        check(&["9f86d081884c7d65", "507F1F77BCF86CD799439011"], Fold::Whole(Placeholder::Hash));
        check(&["550e8400e29b41d4a716446655440000"], Fold::Whole(Placeholder::Uuid));
        check(&["20261120"], Fold::Whole(Placeholder::Date));
        check(&["800x600", "64X64"], Fold::Whole(Placeholder::Size));
        check(&["1080p", "500ms"], Fold::Whole(Placeholder::Id));
    }

    #[test]
    fn mixed_runs_fold_to_tokens() {
        check(
            &[
                "01ARZ3NDEKTSV4RRFFQ69G5FAV",
                "0ujtsYcgvSTl8PAuAdqWYSMnLOv",
                "cjld2cjxh0000qzrmn831i7rn",
                "dQw4w9WgXcQ",
            ],
            Fold::Whole(Placeholder::Token),
        );
        check(&["k3j9x2", "x7Kp2Qz9", "9m4e2mr0ui3e8a215n4g"], Fold::Whole(Placeholder::Token));
    }

    #[test]
    fn in_a_file_name_short_hex_is_a_hash() {
        assert_eq!(fold(b"3f2a1b9c", true), Fold::Whole(Placeholder::Hash));
        assert_eq!(fold(b"d41d8cd98f00b204e9800998ecf8427e", true), Fold::Whole(Placeholder::Hash));
    }
}
