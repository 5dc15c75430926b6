//! The labels of a stream as one text: `{app="shop", pod="a\"b"}`, in Go's quotes.
//!
//! Source: the Prometheus data model, whose label matchers Loki reads with `=` only; quoted as by Go's
//! `strconv.Quote`, or raw between backquotes.

use super::super::DecodeError;

/// Gives each name and value.
pub(super) fn parse(text: &str, mut each: impl FnMut(&str, &str)) -> Result<(), DecodeError> {
    let malformed =
        || DecodeError::Malformed(format!("labels must be as {{name=\"value\"}}, not `{}`", shown(text)));
    let inner =
        text.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).ok_or_else(malformed)?;
    let mut rest = inner.trim_start();
    while !rest.is_empty() {
        let (name, value) = rest.split_once('=').ok_or_else(malformed)?;
        let (value, behind) = unquote(value.trim_start()).ok_or_else(malformed)?;
        each(name.trim(), &value);
        rest = behind.trim_start();
        match rest.strip_prefix(',') {
            Some(behind) => rest = behind.trim_start(),
            None if rest.is_empty() => {}
            None => return Err(malformed()),
        }
    }
    Ok(())
}

/// The beginning of a text that may be long.
fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(100)]
}

/// The value at the beginning of `text`, and what is behind it.
fn unquote(text: &str) -> Option<(String, &str)> {
    if let Some(raw) = text.strip_prefix('`') {
        let (value, rest) = raw.split_once('`')?;
        return Some((value.to_owned(), rest));
    }
    let mut rest = text.strip_prefix('"')?;
    let mut value = String::new();
    loop {
        let end = rest.find(['"', '\\'])?;
        value.push_str(&rest[..end]);
        let is_end = rest.as_bytes()[end] == b'"';
        rest = &rest[end + 1..];
        if is_end {
            return Some((value, rest));
        }
        let escape = rest.chars().next()?;
        rest = &rest[escape.len_utf8()..];
        let digits = match escape {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        if digits > 0 {
            let code = u32::from_str_radix(rest.get(..digits)?, 16).ok()?;
            rest = &rest[digits..];
            value.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            continue;
        }
        value.push(match escape {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            '"' | '\'' | '\\' => escape,
            _ => return None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&[(&str, &str)]>) {
        let mut found = Vec::new();
        let result = parse(text, |name, value| found.push((name.to_owned(), value.to_owned())));
        let found = result.is_ok().then(|| found.iter().map(|(name, value)| (&**name, &**value)).collect());
        assert_eq!(found, expected.map(<[_]>::to_vec), "{text}");
    }

    #[test]
    fn labels_are_names_and_quoted_values() {
        check("{}", Some(&[]));
        check(r#"{app="shop"}"#, Some(&[("app", "shop")]));
        check(r#" { app = "a,b}" , pod=`c"d`, }"#, Some(&[("app", "a,b}"), ("pod", "c\"d")]));
        check(r#"{a="\"\\\n\x41é\U0001F600"}"#, Some(&[("a", "\"\\\nAé😀")]));
        for text in
            ["", "{", r#"{a="b""#, r#"{a="b" c="d"}"#, r#"{a=b}"#, r#"{a="\q"}"#, r#"{a="\x4"}"#, "{a}"]
        {
            check(text, None);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_labels_or_an_error(text in "\\{?[a=\"`\\\\xué,} ]{0,30}\\}?") {
            let _ = parse(&text, |_, _| {});
        }
    }
}
