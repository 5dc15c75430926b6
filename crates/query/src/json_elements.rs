//! The elements of a list that is kept as its JSON text.
//!
//! A list field matches if one of its elements does. The text was written by a JSON reader of ours, so this
//! cuts it without checking it; what is no list after all is taken as one text, so that nothing is lost.

use std::borrow::Cow;

use crate::number::Number;

/// One element of a list.
#[derive(Debug, PartialEq)]
pub enum Element<'a> {
    /// A text, escapes resolved; of an object, a list within the list, `true`, `false` and `null` their JSON.
    Text(Cow<'a, str>),
    /// A number.
    Number(Number),
}

/// The elements of the list `text`; `text` itself if it is no list.
pub fn elements(text: &str) -> impl Iterator<Item = Element<'_>> {
    let inside = text.trim().strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let mut rest = inside.unwrap_or(text);
    let mut is_list = inside.is_some();
    let mut is_whole = inside.is_none();
    std::iter::from_fn(move || {
        if is_whole {
            is_whole = false;
            return Some(Element::Text(Cow::Borrowed(text)));
        }
        if !is_list || rest.trim().is_empty() {
            return None;
        }
        let end = element_end(rest);
        let element = element(rest[..end].trim());
        is_list = end < rest.len();
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(element)
    })
}

/// Where the first element ends: at a comma outside of quotes and brackets.
fn element_end(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (offset, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => return offset,
            _ => {}
        }
    }
    text.len()
}

fn element(text: &str) -> Element<'_> {
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(inside) => Element::Text(unescaped(inside)),
        None => match Number::from_text(text) {
            Some(number) => Element::Number(number),
            None => Element::Text(Cow::Borrowed(text)),
        },
    }
}

fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\\') {
        plain.push_str(before);
        let Some(escape) = behind.chars().next() else {
            break;
        };
        rest = &behind[escape.len_utf8()..];
        match escape {
            'n' => plain.push('\n'),
            't' => plain.push('\t'),
            'r' => plain.push('\r'),
            'b' => plain.push('\u{8}'),
            'f' => plain.push('\u{c}'),
            'u' => match code_point(rest) {
                Some((char, behind)) => {
                    plain.push(char);
                    rest = behind;
                }
                None => {
                    plain.push(char::REPLACEMENT_CHARACTER);
                    rest = rest.get(4..).unwrap_or_default();
                }
            },
            other => plain.push(other),
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// The character of `XXXX`, or of a pair `XXXX\uXXXX`, and what is behind it.
fn code_point(text: &str) -> Option<(char, &str)> {
    let unit = |text: &str| u16::from_str_radix(text.get(..4)?, 16).ok();
    let first = unit(text)?;
    let second = text.get(4..).and_then(|text| text.strip_prefix("\\u")).and_then(unit);
    let decoded = |units: &[u16]| char::decode_utf16(units.iter().copied()).next()?.ok();
    match (decoded(&[first]), second) {
        (Some(char), _) => Some((char, &text[4..])),
        (None, Some(second)) => Some((decoded(&[first, second])?, &text[10..])),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let shown = elements(text).map(|element| match element {
            Element::Text(text) => format!("`{text}`"),
            Element::Number(number) => number.as_f64().to_string(),
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn a_list_is_cut_into_its_elements() {
        check(r#"["a", "b,c", 5, -0.5, true, null]"#, &["`a`", "`b,c`", "5", "-0.5", "`true`", "`null`"]);
        check(
            r#"["say \"a\"", "tab\t", "\u00e9\ud83d\ude00", "\\"]"#,
            &["`say \"a\"`", "`tab\t`", "`é😀`", "`\\`"],
        );
        check(r#"[{"a": [1, 2]}, [3, "]"]]"#, &["`{\"a\": [1, 2]}`", "`[3, \"]\"]`"]);
        check("[]", &[]);
        check(" [ ] ", &[]);
        check("no list", &["`no list`"]);
        check(r#"["\ud83d"]"#, &["`\u{fffd}`"]);
    }

    proptest! {
        #[test]
        fn any_text_has_elements(text in r#"[\[\]{}",\\uda1é ]{0,20}"#) {
            prop_assert!(elements(&text).count() <= text.len() + 1);
        }
    }
}
