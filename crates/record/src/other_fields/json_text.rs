//! Whether a text is JSON to the letter.
//!
//! The scanner of log lines takes much that is none (`\xHH`, a comma too many), and a list is handed on as text
//! that others put into JSON of theirs as it stands. So what is called JSON has to be looked at once more.

/// Whether `text` is one JSON value, without white space around it. Brackets inside brackets must be bounded by
/// the caller.
pub(super) fn is_json(text: &str) -> bool {
    value(text.as_bytes()).is_some_and(<[u8]>::is_empty)
}

/// What `text` is, if it is a number as JSON writes it.
pub(super) fn is_number(text: &[u8]) -> bool {
    number(text).is_some_and(<[u8]>::is_empty)
}

/// Each of these takes what it is named after from the front and returns the rest.
fn value(text: &[u8]) -> Option<&[u8]> {
    match text {
        [b'{', rest @ ..] => members(rest, b'}', |text| {
            let rest = string(text.strip_prefix(b"\"")?)?.trim_ascii_start();
            value(rest.strip_prefix(b":")?.trim_ascii_start())
        }),
        [b'[', rest @ ..] => members(rest, b']', value),
        [b'"', rest @ ..] => string(rest),
        [b't', rest @ ..] => rest.strip_prefix(b"rue"),
        [b'f', rest @ ..] => rest.strip_prefix(b"alse"),
        [b'n', rest @ ..] => rest.strip_prefix(b"ull"),
        _ => number(text),
    }
}

/// Members up to the bracket that closes them.
fn members(text: &[u8], close: u8, member: impl Fn(&[u8]) -> Option<&[u8]>) -> Option<&[u8]> {
    let mut rest = text.trim_ascii_start();
    if let Some((&byte, rest)) = rest.split_first()
        && byte == close
    {
        return Some(rest);
    }
    loop {
        rest = member(rest)?.trim_ascii_start();
        match rest.split_first()? {
            (b',', after) => rest = after.trim_ascii_start(),
            (&byte, after) => return (byte == close).then_some(after),
        }
    }
}

/// A string behind its opening quote.
fn string(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        let stop = text.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
        text = match &text[stop..] {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', rest @ ..] => rest,
            [b'\\', b'u', a, b, c, d, rest @ ..]
                if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) =>
            {
                rest
            }
            _ => return None,
        };
    }
}

fn number(text: &[u8]) -> Option<&[u8]> {
    let digits = |text: &'_ [u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return None;
    }
    rest = &rest[whole..];
    if let [b'.', fraction @ ..] = rest {
        let count = digits(fraction);
        rest = fraction.get(count..).filter(|_| count > 0)?;
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = match exponent {
            [b'+' | b'-', exponent @ ..] => exponent,
            _ => exponent,
        };
        let count = digits(exponent);
        rest = exponent.get(count..).filter(|_| count > 0)?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_told_from_what_only_looks_like_it() {
        for text in [
            "0",
            "-0.5e+10",
            "[]",
            "{ }",
            r#"[1, "a\"\u00e9", {"b" : [null , true,false]} ]"#,
            r#"{"a":1,"b":[2]}"#,
        ] {
            assert!(is_json(text), "{text}");
        }
        for text in [
            "",
            "01",
            "1.",
            ".5",
            "1e",
            "+1",
            "-",
            "NaN",
            "tru",
            "[1,]",
            "[1 2]",
            "[,]",
            "{1:2}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"["\x16"]"#,
            "[\"\n\"]",
            r#"["\u12"]"#,
            "[1",
            "[1}",
            "[] ",
            "\"a",
        ] {
            assert!(!is_json(text), "{text}");
        }
    }
}
