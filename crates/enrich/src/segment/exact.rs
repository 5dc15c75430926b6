//! Ids that are recognised by their exact form, as a whole segment or at the start of a part.
//!
//! Names practically never have these forms, so no length and no letters are weighed here. They go
//! before words, because a date or UUID with dashes would otherwise be five words.

use crate::placeholder::Placeholder;
use crate::word::{all_digits, is_compact_date, is_day, is_month};

use super::file_name;

/// What a text of digits and punctuation is; `None` for `1.0`, the version of an API.
pub(super) fn number(text: &[u8]) -> Option<Placeholder> {
    if is_compact_date(text) || date(text).is_some_and(|len| len == text.len() || len > "2026-11".len()) {
        return Some(Placeholder::Date);
    }
    match dotted(text) {
        Some((len, dotted)) if len == text.len() => match dotted {
            Dotted::Short => None,
            Dotted::Decimal => Some(Placeholder::Id),
            Dotted::Version => Some(Placeholder::Version),
            Dotted::Address => Some(Placeholder::Ip),
        },
        _ => Some(Placeholder::Id),
    }
}

/// The length of the UUID at the start of `text`, dashed as 8-4-4-4-12.
pub(super) fn uuid(text: &[u8]) -> Option<usize> {
    const LEN: usize = 36;
    let is_dash = |at: &usize| text.get(*at) == Some(&b'-');
    if ![8, 13, 18, 23].iter().all(is_dash) || text.get(LEN).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let digits = text.get(..LEN)?.iter().filter(|byte| byte.is_ascii_hexdigit()).count();
    (digits == 32).then_some(LEN)
}

/// The length of the date at the start of `text`: `2026-11-20`, `2026_11`, `20261120`, each with the
/// time of day behind it, if `T` and a digit follow.
pub(super) fn date(text: &[u8]) -> Option<usize> {
    let len = calendar_date(text)?;
    let rest = text.get(len..).unwrap_or_default();
    if let [b'T' | b't', b'0'..=b'9', ..] = rest {
        let is_clock =
            |byte: &&u8| matches!(byte, b'0'..=b'9' | b':' | b'.' | b'-' | b'+' | b'T' | b't' | b'Z' | b'z');
        let clock = rest.iter().take_while(is_clock).count();
        let punctuation =
            rest.iter().take(clock).rev().take_while(|byte| byte.is_ascii_punctuation()).count();
        return ends_part(text, len + clock - punctuation);
    }
    ends_part(text, len)
}

fn calendar_date(text: &[u8]) -> Option<usize> {
    if text.get(..8).is_some_and(is_compact_date) && !text.get(8).is_some_and(u8::is_ascii_digit) {
        return Some(8);
    }
    let ([b'1', b'9', ..] | [b'2', b'0', ..]) = text else { return None };
    let separator = *text.get(4)?;
    if !all_digits(text.get(..4)?) || !matches!(separator, b'-' | b'_' | b'.') || !is_month(text.get(5..7)?) {
        return None;
    }
    let has_day = text.get(7) == Some(&separator)
        && text.get(8..10).is_some_and(is_day)
        && !text.get(10).is_some_and(u8::is_ascii_digit);
    if has_day {
        return Some(10);
    }
    let is_other_number = separator == b'.' || text.get(7).is_some_and(u8::is_ascii_digit);
    (!is_other_number).then_some(7)
}

fn ends_part(text: &[u8], len: usize) -> Option<usize> {
    (!text.get(len).is_some_and(u8::is_ascii_alphanumeric)).then_some(len)
}

/// Digits with dots between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dotted {
    /// `1.0`
    Short,
    /// `52.5200`
    Decimal,
    /// `3.6.0`
    Version,
    /// `10.0.0.1`
    Address,
}

/// The two or more numbers with dots between them at the start of `text`, and their length.
pub(super) fn dotted(text: &[u8]) -> Option<(usize, Dotted)> {
    let mut len = number_len(text);
    let (mut numbers, mut is_address, mut is_short) = (1, is_octet(text.get(..len)?), len == 1);
    while let Some([b'.', rest @ ..]) = text.get(len..)
        && number_len(rest) > 0
    {
        let digits = number_len(rest);
        numbers += 1;
        is_address &= is_octet(rest.get(..digits)?);
        is_short &= digits == 1;
        len += 1 + digits;
    }
    let kind = match numbers {
        2 if is_short => Dotted::Short,
        2 => Dotted::Decimal,
        4 if is_address => Dotted::Address,
        3.. => Dotted::Version,
        _ => return None,
    };
    ends_part(text, len).map(|len| (len, kind))
}

fn number_len(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn is_octet(digits: &[u8]) -> bool {
    let value = || digits.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    matches!(digits.len(), 1..=3) && value() < 256
}

/// Something, `@`, and a name with a dot that is not a file's: `logo@2x.png` is no address.
pub(super) fn is_email(text: &[u8]) -> bool {
    let Some(at) = text.iter().rposition(|&byte| byte == b'@') else {
        return false;
    };
    let domain = text.get(at + 1..).unwrap_or_default();
    let (first, last) = (domain.first(), domain.last());
    at > 0
        && domain.contains(&b'.')
        && [first, last].iter().all(|end| end.is_some_and(u8::is_ascii_alphanumeric))
        && file_name::extension(domain).is_none()
}

/// Hex digits with two or more colons between them.
pub(super) fn is_ipv6(text: &[u8]) -> bool {
    text.iter().all(|&byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
        && text.iter().filter(|&&byte| byte == b':').count() >= 2
}
