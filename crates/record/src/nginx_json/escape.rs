//! Quoted text as nginx and Apache write it, and what its escapes stand for.
//!
//! One decoder for every mode instead of a setting for each: `escape=json` never writes `\x` and
//! the default mode writes nothing else, so a line tells by itself which mode it is in. Escapes of
//! neither mode stay as they are, as losing a request over a user agent helps nobody.
//! Text without a backslash, nearly all of it, is borrowed from the line.
//!
//! Sources: nginx `ngx_http_log_escape` and `ngx_escape_json`; Apache `ap_escape_logitem`.

use std::borrow::Cow;

use crate::request_value::present;

/// A text as it stands in the line, quotes not included.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LoggedText<'a> {
    /// The bytes of the line.
    pub raw: &'a [u8],
    /// Whether there is a backslash among them.
    pub is_escaped: bool,
}

impl<'a> LoggedText<'a> {
    /// The text that begins after an opening quote, and what follows its closing quote; `None` where
    /// the text is cut.
    #[inline]
    pub(crate) fn take_quoted(after_quote: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut is_escaped = false;
        let mut end = 0;
        loop {
            end += memchr::memchr2(b'"', b'\\', after_quote.get(end..)?)?;
            if after_quote[end] == b'"' {
                let text = Self { raw: &after_quote[..end], is_escaped };
                return Some((text, &after_quote[end + 1..]));
            }
            is_escaped = true;
            end += 2;
        }
    }

    /// A part of this text.
    pub(crate) fn part(self, raw: &'a [u8]) -> Self {
        Self { raw, ..self }
    }

    /// This text, unless it is what nginx writes for a missing variable: `-` or nothing.
    #[inline]
    pub(crate) fn present(self) -> Option<Self> {
        present(self.raw).map(|_| self)
    }

    /// The bytes that were logged: escapes are resolved.
    #[inline]
    pub(crate) fn decode(self) -> Cow<'a, [u8]> {
        if self.is_escaped { Cow::Owned(decode(self.raw)) } else { Cow::Borrowed(self.raw) }
    }
}

fn decode(raw: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(backslash) = memchr::memchr(b'\\', rest) {
        decoded.extend_from_slice(&rest[..backslash]);
        rest = decode_escape(&rest[backslash + 1..], &mut decoded);
    }
    decoded.extend_from_slice(rest);
    decoded
}

/// Decodes the escape whose backslash precedes `text`; returns what follows it.
fn decode_escape<'a>(text: &'a [u8], decoded: &mut Vec<u8>) -> &'a [u8] {
    match text {
        [b'u', digits @ ..] => {
            if let Some((character, rest)) = take_utf16(digits) {
                decoded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return rest;
            }
        }
        [b'x', digits @ ..] => {
            if let Some((byte, rest)) = take_hex(digits, 2) {
                decoded.push(byte as u8);
                return rest;
            }
        }
        [letter, rest @ ..] => {
            if let Some(byte) = named_byte(*letter) {
                decoded.push(byte);
                return rest;
            }
        }
        [] => {}
    }
    decoded.push(b'\\');
    text
}

fn named_byte(letter: u8) -> Option<u8> {
    Some(match letter {
        b'"' | b'\\' | b'/' => letter,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'f' => 0x0c,
        b'v' => 0x0b,
        _ => return None,
    })
}

/// The character of `\uXXXX`, or of two of them; half a surrogate pair is U+FFFD.
fn take_utf16(digits: &[u8]) -> Option<(char, &[u8])> {
    let (first, rest) = take_hex(digits, 4)?;
    if (0xD800..0xDC00).contains(&first)
        && let Some((second, after_pair)) = rest.strip_prefix(b"\\u").and_then(|digits| take_hex(digits, 4))
        && (0xDC00..0xE000).contains(&second)
    {
        let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return Some((char::from_u32(code)?, after_pair));
    }
    Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), rest))
}

/// A number of exactly `count` hexadecimal digits, and what follows it.
fn take_hex(text: &[u8], count: usize) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_at_checked(count)?;
    let value =
        digits.iter().try_fold(0, |value, &digit| Some(value * 16 + char::from(digit).to_digit(16)?))?;
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `line` begins after a quote; `expected` is the decoded text and, after `|`, the rest.
    fn check(line: &[u8], expected: &[u8]) {
        let shown = LoggedText::take_quoted(line)
            .map(|(text, rest)| [&text.decode(), b"|".as_slice(), rest].concat())
            .unwrap_or_else(|| b"cut".to_vec());
        assert_eq!(shown.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }

    #[test]
    fn text_ends_at_the_first_quote_without_a_backslash() {
        check(br#"a","b"#, br#"a|,"b"#);
        check(br#"" x"#, b"| x");
        check(br#"a\"b" x"#, br#"a"b| x"#);
        check(br#"a\\" x"#, br"a\| x");
        check(b"a", b"cut");
        check(br#"a\""#, b"cut");
        check(br"a\", b"cut");
    }

    #[test]
    fn json_escapes_are_resolved() {
        check(br#"\n\r\t\b\f\/\\\"""#, b"\n\r\t\x08\x0c/\\\"|");
        check(br#"\u0000\u001F\u0416""#, "\0\u{1f}Ж|".as_bytes());
        check(br#"\uD83D\uDE00""#, "😀|".as_bytes());
        check(br#"\uD83D\u0041""#, "\u{fffd}A|".as_bytes());
        check(br#"\uDE00x\uD83D""#, "\u{fffd}x\u{fffd}|".as_bytes());
    }

    #[test]
    fn hexadecimal_escapes_become_the_byte() {
        check(br#"\x16\x03\xD0\xbf\x22\x5C""#, b"\x16\x03\xD0\xBF\"\\|");
        check(br#"\x5Cx22""#, br"\x22|");
    }

    #[test]
    fn escapes_of_no_mode_stay_as_they_are() {
        check(br#"\q\x\x1\xZZ\u12\uD83""#, br"\q\x\x1\xZZ\u12\uD83|");
    }

    #[test]
    fn bytes_that_are_not_utf8_pass_through() {
        check(b"\xff\xfe\\n\xd0\" x", b"\xff\xfe\n\xd0| x");
    }

    #[test]
    fn plain_text_is_borrowed() {
        let (text, _) = LoggedText::take_quoted(b"GET\"").expect("closed");
        assert!(matches!(text.decode(), Cow::Borrowed(b"GET")));
    }
}
