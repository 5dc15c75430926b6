//! One character of a line, whatever stands for it: itself, `%26`, `%2526`, `\u0026`, `\x26`, `\"`, `\\\"`.
//!
//! A secret passes through several hands before it is logged, and each may escape it once more. Decoding the line
//! would lose where things stand, so it is read through this: the byte that is meant, and the bytes that stand
//! for it. Where a text can be read in two ways, the readers of this module take both: that can only redact more.

/// How often percent signs are followed: a URL in a URL in a URL.
const PERCENT_LEVELS_MAX: u8 = 4;

/// How a character is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// As itself, with or without backslashes.
    Plain,
    /// `\u0026`.
    Unicode,
    /// `\x26`.
    Hexadecimal,
    /// `%26`: once; `%2526`: twice.
    Percent(u8),
}

/// A character and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// The byte that is meant; 255 for any that is not ASCII.
    pub byte: u8,
    /// Where it begins in the line.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// How it is written.
    pub writing: Writing,
    /// The backslashes at its beginning.
    pub backslashes: usize,
}

/// The character at `start`; `None` at the end of the line.
#[inline]
pub fn symbol(line: &[u8], start: usize) -> Option<Symbol> {
    let byte = *line.get(start)?;
    match byte {
        b'%' => Some(percent(line, start)),
        b'\\' => Some(escape(line, start)),
        _ => Some(Symbol { byte, start, end: start + 1, writing: Writing::Plain, backslashes: 0 }),
    }
}

fn percent(line: &[u8], start: usize) -> Symbol {
    let mut found = Symbol { byte: b'%', start, end: start + 1, writing: Writing::Plain, backslashes: 0 };
    for level in 1..=PERCENT_LEVELS_MAX {
        let Some(byte) = hexadecimal(line, found.end, 2) else { break };
        found = Symbol { byte, end: found.end + 2, writing: Writing::Percent(level), ..found };
        if byte != b'%' {
            break;
        }
    }
    found
}

/// A run of backslashes, with the character that it escapes where that is more than a letter.
fn escape(line: &[u8], start: usize) -> Symbol {
    let backslashes = backslashes_from(line, start);
    let end = start + backslashes;
    let found = |byte, end, writing| Symbol { byte, start, end, writing, backslashes };
    match line.get(end) {
        Some(b'u') => match hexadecimal(line, end + 3, 2).zip(hexadecimal(line, end + 1, 2)) {
            Some((byte, 0)) if byte.is_ascii() => found(byte, end + 5, Writing::Unicode),
            Some(_) => found(u8::MAX, end + 5, Writing::Unicode),
            None => found(b'\\', end, Writing::Plain),
        },
        Some(b'x') => match hexadecimal(line, end + 1, 2) {
            Some(byte) => found(byte, end + 3, Writing::Hexadecimal),
            None => found(b'\\', end, Writing::Plain),
        },
        Some(byte @ (b'"' | b'/')) => found(*byte, end + 1, Writing::Plain),
        _ => found(b'\\', end, Writing::Plain),
    }
}

/// How many backslashes there are from `start` on.
fn backslashes_from(line: &[u8], start: usize) -> usize {
    line[start..].iter().take_while(|&&byte| byte == b'\\').count()
}

fn hexadecimal(line: &[u8], start: usize, digits: usize) -> Option<u8> {
    let digits = line.get(start..start + digits)?;
    digits.iter().try_fold(0, |value, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some(value << 4 | digit as u8)
    })
}

/// Whether a byte may be part of a name; any other ends one, and another may begin behind it.
#[inline]
pub fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || !byte.is_ascii()
}

/// Whether a letter behind a backslash stands for a blank or a control character: `\n` and the like.
pub fn is_escape_letter(byte: u8) -> bool {
    matches!(byte, b'n' | b'r' | b't' | b'b' | b'f' | b'v')
}

/// The first character behind backslashes, however those are written; and the text from there on.
fn behind_backslashes(line: &[u8], start: usize) -> Option<Symbol> {
    let mut found = symbol(line, start)?;
    while found.byte == b'\\' {
        found = symbol(line, found.end)?;
    }
    Some(found)
}

/// The quote at `at`, with or without backslashes before it.
pub fn quote_at(line: &[u8], at: usize) -> Option<Symbol> {
    behind_backslashes(line, at).filter(|found| found.byte == b'"')
}

/// Behind blanks, however they are written.
pub fn after_blanks(line: &[u8], mut at: usize) -> usize {
    while let Some(found) = symbol(line, at) {
        let blank = match found.byte {
            b' ' | b'\t' | b'\r' | b'\n' => Some(found),
            b'\\' => behind_backslashes(line, at).filter(|letter| is_escape_letter(letter.byte)),
            _ => None,
        };
        let Some(blank) = blank else { break };
        at = blank.end;
    }
    at
}

/// Behind `name`, if it stands at `at`, in capitals or not; `name` is in small letters.
pub fn after_name(line: &[u8], mut at: usize, name: &[u8]) -> Option<usize> {
    for &wanted in name {
        if wanted.is_ascii() {
            let found = symbol(line, at)?;
            if found.byte.to_ascii_lowercase() != wanted {
                return None;
            }
            at = found.end;
        } else if line.get(at) == Some(&wanted) {
            at += 1;
        } else {
            return None;
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_known_however_it_is_written() {
        use Writing::{Hexadecimal, Percent, Plain, Unicode};
        for (line, byte, len, writing) in [
            ("&", b'&', 1, Plain),
            ("%26x", b'&', 3, Percent(1)),
            ("%2526x", b'&', 5, Percent(2)),
            ("%252526x", b'&', 7, Percent(3)),
            ("%2x", b'%', 1, Plain),
            ("%25x", b'%', 3, Percent(1)),
            ("%", b'%', 1, Plain),
            ("\\u0026x", b'&', 6, Unicode),
            ("\\\\u0026x", b'&', 7, Unicode),
            ("\\u0416", u8::MAX, 6, Unicode),
            ("\\u00", b'\\', 1, Plain),
            ("\\x22", b'"', 4, Hexadecimal),
            ("\\x2", b'\\', 1, Plain),
            ("\\\"", b'"', 2, Plain),
            ("\\\\\\\"", b'"', 4, Plain),
            ("\\n", b'\\', 1, Plain),
            ("\\", b'\\', 1, Plain),
        ] {
            let found = symbol(line.as_bytes(), 0).unwrap();
            assert_eq!((found.byte, found.end, found.writing), (byte, len, writing), "{line}");
        }
        assert_eq!(symbol(b"", 0), None);
    }

    #[test]
    fn names_are_found_however_they_are_written() {
        for (line, name, expected) in [
            ("token=1", "token", Some(5)),
            ("TOKEN", "token", Some(5)),
            ("%74oken", "token", Some(7)),
            ("t\\u006fken", "token", Some(10)),
            ("tok", "token", None),
            ("схема", "схема", Some(10)),
        ] {
            assert_eq!(after_name(line.as_bytes(), 0, name.as_bytes()), expected, "{line}");
        }
        assert_eq!(after_blanks(b" \t\\n\\\\r%20x", 0), 10);
    }
}
