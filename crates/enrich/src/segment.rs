//! One segment of a path: an id as a whole, or words and ids side by side.
//!
//! Most segments are decided by the classes of their bytes alone, which the caller has already
//! counted: only lower-case letters and punctuation stay, only digits fold. The rest is looked at
//! part by part. `route_template` has the table of all rules.

mod exact;
mod file_name;
mod parts;

use crate::letters;
use crate::placeholder::Placeholder;
use crate::word::{self, Fold};

/// Segments from this length on are looked at even if they are lower-case letters only.
pub(crate) const LONG_WORD: usize = word::LONG;

/// A set of byte classes.
pub(crate) type Classes = u16;

const LOWER: Classes = 1;
const UPPER: Classes = 1 << 1;
const DIGIT: Classes = 1 << 2;
/// `-` and `_`, which join words.
const JOINER: Classes = 1 << 3;
const DOT: Classes = 1 << 4;
const COMMA: Classes = 1 << 5;
const COLON: Classes = 1 << 6;
const OTHER_PUNCTUATION: Classes = 1 << 7;
const AT: Classes = 1 << 8;
const PERCENT: Classes = 1 << 9;
/// What a URI may not hold unescaped: controls, spaces, quotes, non-ASCII.
const ODD: Classes = 1 << 10;

/// The class of `;`, which begins a segment's parameters.
pub(crate) const PARAMETERS: Classes = 1 << 11;

/// The classes of which nothing folds.
pub(crate) const PLAIN: Classes = LOWER | JOINER | DOT | COMMA | COLON | OTHER_PUNCTUATION;

/// The class of each byte.
pub(crate) const CLASS: [Classes; 256] = {
    let mut table = [ODD; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'a'..=b'z' => LOWER,
            b'A'..=b'Z' => UPPER,
            b'0'..=b'9' => DIGIT,
            b'-' | b'_' => JOINER,
            b'.' => DOT,
            b',' => COMMA,
            b':' => COLON,
            b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b'=' | b'[' | b']' | b'{'
            | b'}' => OTHER_PUNCTUATION,
            b'@' => AT,
            b'%' => PERCENT,
            b';' => PARAMETERS,
            _ => ODD,
        };
        byte += 1;
    }
    table
};

/// The union of the classes of `text`.
pub(crate) fn classes(text: &[u8]) -> Classes {
    text.iter().fold(0, |classes, &byte| classes | CLASS[usize::from(byte)])
}

/// By table, because in ids the kind of the next byte cannot be predicted.
fn is_alphanumeric(byte: u8) -> bool {
    CLASS[usize::from(byte)] & (LOWER | UPPER | DIGIT) != 0
}

/// Writes what `segment` becomes; `false`, with rubbish behind the old end of `out`, if it stays.
pub(crate) fn fold(segment: &[u8], classes: Classes, out: &mut Vec<u8>) -> bool {
    if classes & ODD != 0 {
        return write(Placeholder::Text, out);
    }
    if classes & PERCENT == 0 {
        return fold_unescaped(segment, classes, out);
    }
    let mut buffer = [0; MAX_UNESCAPED];
    match unescape(segment, &mut buffer) {
        Some(plain) => fold_unescaped(plain, self::classes(plain), out),
        None => write(Placeholder::Text, out),
    }
}

fn fold_unescaped(segment: &[u8], classes: Classes, out: &mut Vec<u8>) -> bool {
    if classes & !LOWER == 0 {
        return segment.len() >= LONG_WORD
            && !letters::reads_like_words(segment)
            && write(Placeholder::Token, out);
    }
    if classes & !PLAIN == 0 || matches!(segment, [b'v', b'0'..=b'9']) {
        return false;
    }
    if classes == DIGIT {
        let is_date = word::is_compact_date(segment);
        return write(if is_date { Placeholder::Date } else { Placeholder::Id }, out);
    }
    if classes & (LOWER | UPPER) == 0 && classes & DIGIT != 0 {
        return exact::number(segment).is_some_and(|placeholder| write(placeholder, out));
    }
    if classes & !(LOWER | UPPER | DIGIT) == 0 {
        return fold_word(segment, out);
    }
    if let Some(placeholder) = whole(segment, classes) {
        return write(placeholder, out);
    }
    (classes & COMMA != 0 && fold_list(segment, out)) || parts::fold(segment, classes, out)
}

fn fold_word(word: &[u8], out: &mut Vec<u8>) -> bool {
    if exact::date(word) == Some(word.len()) {
        return write(Placeholder::Date, out);
    }
    match word::fold(word, false) {
        Fold::Keep => false,
        Fold::Number(at) => {
            out.extend_from_slice(word.get(..at).unwrap_or_default());
            write(Placeholder::Id, out)
        }
        Fold::Whole(placeholder) => write(placeholder, out),
    }
}

fn write(placeholder: Placeholder, out: &mut Vec<u8>) -> bool {
    out.extend_from_slice(placeholder.text());
    true
}

/// What all of a segment with letters is, if it is one thing.
fn whole(segment: &[u8], classes: Classes) -> Option<Placeholder> {
    if classes & AT != 0 && exact::is_email(segment) {
        return Some(Placeholder::Email);
    }
    if classes & JOINER != 0 && exact::uuid(segment) == Some(segment.len()) {
        return Some(Placeholder::Uuid);
    }
    (classes & COLON != 0 && exact::is_ipv6(segment)).then_some(Placeholder::Ip)
}

/// Folds a list of ids separated by commas to the first one's placeholder.
fn fold_list(segment: &[u8], out: &mut Vec<u8>) -> bool {
    let mark = out.len();
    for (index, element) in segment.split(|&byte| byte == b',').enumerate() {
        let start = out.len();
        let is_id = fold_unescaped(element, classes(element), out)
            && Placeholder::ALL.iter().any(|placeholder| out.get(start..) == Some(placeholder.text()));
        if !is_id {
            out.truncate(mark);
            return false;
        }
        if index > 0 {
            out.truncate(start);
        }
    }
    true
}

/// Longer escaped segments than this are text, whatever they say.
const MAX_UNESCAPED: usize = 256;

/// `segment` without percent escapes, if they stand for plain characters only.
fn unescape<'b>(segment: &[u8], buffer: &'b mut [u8; MAX_UNESCAPED]) -> Option<&'b [u8]> {
    let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut len = 0;
    let mut rest = segment;
    while let [byte, after @ ..] = rest {
        let (plain, after) = match (byte, after) {
            (b'%', [high, low, after @ ..]) => (hex(*high)? << 4 | hex(*low)?, after),
            (byte, after) => (*byte, after),
        };
        let was_escaped = rest.len() - after.len() > 1;
        let is_delimiter = matches!(plain, b'{' | b'}' | b'[' | b']');
        if CLASS[usize::from(plain)] & (ODD | PERCENT | PARAMETERS) != 0 || was_escaped && is_delimiter {
            return None;
        }
        *buffer.get_mut(len)? = plain;
        len += 1;
        rest = after;
    }
    buffer.get(..len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cases: &[(&str, &str)]) {
        for (segment, expected) in cases {
            let mut out = b"before".to_vec();
            let folded = fold(segment.as_bytes(), classes(segment.as_bytes()), &mut out);
            let shown = String::from_utf8_lossy(&out[6..]);
            assert_eq!(if folded { &shown } else { *segment }, *expected, "{segment}");
        }
    }

    #[test]
    fn numbers_dates_and_addresses() {
        check(&[
            ("7", "{id}"),
            ("-7", "{id}"),
            ("52.5200", "{id}"),
            ("1,2,3", "{id}"),
            ("20,11105", "{id}"),
            ("123-456-789", "{id}"),
            ("1.0", "1.0"),
            ("3.6.0", "{version}"),
            ("10.0.0.1", "{ip}"),
            ("10.0.0.256", "{version}"),
            ("2001:db8::1", "{ip}"),
            ("2026-11-20", "{date}"),
            ("2026-11", "{date}"),
            ("2026-13", "{id}"),
            ("20261120", "{date}"),
            ("2026-11-20T10:15:30.123Z", "{date}"),
            ("2026-11-20T10:15:30.123Z.json", "{date}.json"),
            ("20261120T101530Z", "{date}"),
            ("report-2026-11-20.csv", "report-{date}.csv"),
            ("backup_20261120_7", "backup_{date}_{id}"),
        ]);
    }

    #[test]
    fn uuids_e_mails_and_lists() {
        check(&[
            ("550e8400-e29b-41d4-a716-446655440000", "{uuid}"),
            ("550E8400-E29B-41D4-A716-446655440000", "{uuid}"),
            ("order-550e8400-e29b-41d4-a716-446655440000.pdf", "order-{uuid}.pdf"),
            ("ann.lee+x@mail.example.com", "{email}"),
            ("ann%40example.com", "{email}"),
            ("@babel", "@babel"),
            ("logo@2x.png", "logo@2x.png"),
            ("9f86d081884c7d65,3c59dc048e885024", "{hash}"),
            ("red,green", "red,green"),
            ("12,abc", "{id},abc"),
        ]);
    }

    #[test]
    fn words_and_ids_side_by_side() {
        check(&[
            ("item-12345", "item-{id}"),
            ("user_4", "user_{id}"),
            ("user:42", "user:{id}"),
            ("abc-123-456", "abc-{id}"),
            ("ABC-123-456", "{id}"),
            ("SKU12345", "SKU{id}"),
            ("h0rn0chse-browser", "{token}-browser"),
            ("api-v2", "api-v2"),
            ("v1.1", "v1.1"),
            ("v1.2.3", "{version}"),
            ("jquery-3.6.0.min", "jquery-{version}.min"),
            ("12345_800x600", "{id}_{size}"),
            ("red-shoes-for-men-48213", "{slug}"),
            ("48213-red-shoes-for-men.html", "{slug}.html"),
            ("user-profile-48213", "user-profile-{id}"),
            ("terms-and-conditions", "terms-and-conditions"),
            ("1x2y-3z4w-5a6b-7c8d", "{token}"),
        ]);
    }

    #[test]
    fn tokens_with_dashes_are_one_token() {
        check(&[
            ("V1StGXR8_Z5jdHi6B-myT", "{token}"),
            ("card_1MvoiELkdIwHu7ixOeFGbN25", "card_{token}"),
            ("cus_NffrFeUfNV2Hib", "{token}"),
            ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "{token}"),
            (
                "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
                "{token}",
            ),
            ("Some-Title-With-2026-Words", "Some-Title-With-{id}-Words"),
            ("grpc.health.v1.Health", "grpc.health.v1.Health"),
        ]);
    }

    #[test]
    fn file_names_keep_their_name_and_lose_their_hash() {
        check(&[
            ("12345.jpg", "{id}.jpg"),
            ("main-3f2a1b9c.css", "main-{hash}.css"),
            ("main-12345678.css", "main-{hash}.css"),
            ("app.0005c1d2e3f4a5b6c7d8.js", "app.{hash}.js"),
            ("index-BxK3_9aZ.js", "index-{hash}.js"),
            ("index-D_3kf-aB.js.map", "index-{hash}.js.map"),
            ("chunk-7RCXPH2S.js", "chunk-{hash}.js"),
            ("12.4f3a9c1e.chunk.js", "{id}.{hash}.chunk.js"),
            ("d41d8cd98f00b204e9800998ecf8427e.png", "{hash}.png"),
            ("jquery.min.js", "jquery.min.js"),
            ("view-UserList.js", "view-UserList.js"),
            ("IMG_20240115_103000.jpg", "{id}.jpg"),
            ("report_20240115_103000.jpg", "report_{date}_{id}.jpg"),
        ]);
    }

    #[test]
    fn odd_bytes_and_escapes_are_text() {
        check(&[
            ("%D7%A9%D7%9C", "{text}"),
            ("\u{5e9}", "{text}"),
            (r"think\x5Capp", "{text}"),
            ("a%20b", "{text}"),
            ("a b", "{text}"),
            ("..%2f..", "{text}"),
            ("%zz", "{text}"),
            ("100%", "{text}"),
            ("%7Bid%7D", "{text}"),
            ("%31%32", "{id}"),
            ("%2e%2e", "%2e%2e"),
        ]);
    }

    #[test]
    fn braces_are_text_like_any_other() {
        check(&[("{id}", "{id}"), ("{12}", "{id}"), ("{x1}-{id}-{id}", "{x1}-{id}"), ("{{{", "{{{")]);
    }
}
