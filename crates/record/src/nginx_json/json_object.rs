//! Reads the members of one JSON object, tolerating what nginx configurations write.
//!
//! A general JSON library refuses the whole line over what is common here: `\xHH` escapes, bytes
//! that are not UTF-8, a missing variable (`:,`) or a list (`:0.003, 0.010,`) without quotes. It
//! would also build values that nobody asked for. This scanner hands out slices of the line, once,
//! in order; nested values are skipped with a counter, so that no line can exhaust the stack.

use super::escape::LoggedText;
use crate::reject::{Reason, Reject};

/// Brackets inside brackets that are followed; a log format nests two or three.
const DEPTH_MAX: u32 = 64;

/// The members of an object that are yet to be read.
pub(crate) struct JsonObject<'a> {
    line_len: usize,
    rest: &'a [u8],
    /// The offset of the opening brace.
    pub start: usize,
}

/// A key, as in the line, and its value.
pub(crate) struct Member<'a> {
    pub key: &'a [u8],
    pub value: Value<'a>,
}

/// A value, and the offset of its first byte (after the quote).
#[derive(Clone, Copy)]
pub(crate) struct Value<'a> {
    pub offset: usize,
    pub content: Content<'a>,
}

/// What a value is made of.
#[derive(Clone, Copy)]
pub(crate) enum Content<'a> {
    /// A string, a number, a word, or whatever else stands there without quotes; `null` is empty.
    Text(LoggedText<'a>),
    /// An object or an array, with its brackets.
    Nested(&'a [u8]),
}

impl<'a> JsonObject<'a> {
    /// Finds the opening brace, after white space, a byte order mark, and the run of NULs that
    /// `copytruncate` leaves at the start of a file.
    ///
    /// # Errors
    ///
    /// [`Reason::NotJson`] where something else comes first.
    pub(crate) fn open(line: &'a [u8]) -> Result<Self, Reject> {
        let mut rest = line;
        loop {
            rest = match rest {
                [b'{', members @ ..] => {
                    let start = line.len() - rest.len();
                    return Ok(Self { line_len: line.len(), rest: members, start });
                }
                [0 | b' ' | b'\t' | b'\r' | b'\n', rest @ ..] | [0xEF, 0xBB, 0xBF, rest @ ..] => rest,
                _ => return Err(Reject::at(Reason::NotJson, line.len() - rest.len())),
            };
        }
    }

    /// The members of `line` from `start` on, which is the offset of one or of the white space before it.
    pub(crate) fn at(line: &'a [u8], start: usize) -> Self {
        Self { line_len: line.len(), rest: line.get(start..).unwrap_or_default(), start }
    }

    /// The next member; `None` after the brace that closes the object and the line.
    ///
    /// # Errors
    ///
    /// [`Reason::NotJson`] at the first byte that cannot be there; after the last byte of a line
    /// that was cut.
    #[inline]
    pub(crate) fn next_member(&mut self) -> Result<Option<Member<'a>>, Reject> {
        self.skip_whitespace();
        match self.rest {
            [b'"', ..] => self.member().map(Some),
            [b'}', rest @ ..] => {
                self.rest = rest;
                self.skip_whitespace();
                if self.rest.is_empty() { Ok(None) } else { Err(self.reject()) }
            }
            _ => Err(self.reject()),
        }
    }

    #[inline]
    fn member(&mut self) -> Result<Member<'a>, Reject> {
        let key = self.string()?.raw;
        self.skip_whitespace();
        self.expect(b':')?;
        self.skip_whitespace();
        let value = self.value()?;
        self.skip_whitespace();
        if self.rest.first() != Some(&b'}') {
            self.expect(b',')?;
        }
        Ok(Member { key, value })
    }

    #[inline]
    fn value(&mut self) -> Result<Value<'a>, Reject> {
        let offset = self.offset();
        match self.rest {
            [b'"', ..] => Ok(Value { offset: offset + 1, content: Content::Text(self.string()?) }),
            [b'{' | b'[', ..] => {
                let nested = self.rest;
                self.skip_nested()?;
                Ok(Value { offset, content: Content::Nested(&nested[..nested.len() - self.rest.len()]) })
            }
            _ => Ok(Value { offset, content: Content::Text(self.bare()?) }),
        }
    }

    #[inline]
    fn string(&mut self) -> Result<LoggedText<'a>, Reject> {
        self.expect(b'"')?;
        let (text, rest) = LoggedText::take_quoted(self.rest).ok_or_else(|| self.cut())?;
        self.rest = rest;
        Ok(text)
    }

    /// A value without quotes: it ends before the closing brace, or before a comma that a key follows.
    fn bare(&mut self) -> Result<LoggedText<'a>, Reject> {
        let text = self.rest;
        for end in memchr::memchr3_iter(b',', b'}', b'"', text) {
            match text[end] {
                b'"' => return Err(Reject::at(Reason::NotJson, self.offset() + end)),
                b',' if !matches!(text[end + 1..].trim_ascii_start(), [b'"' | b'}', ..]) => {}
                _ => {
                    self.rest = &text[end..];
                    let value = text[..end].trim_ascii_end();
                    return Ok(LoggedText {
                        raw: if value == b"null" { b"" } else { value },
                        is_escaped: false,
                    });
                }
            }
        }
        Err(self.cut())
    }

    /// Skips an object or an array. A bit for each open bracket tells which kind must close next.
    fn skip_nested(&mut self) -> Result<(), Reject> {
        let mut is_object_bits: u64 = 0;
        let mut depth = 0;
        while let [byte, rest @ ..] = self.rest {
            match byte {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' if depth == DEPTH_MAX => return Err(self.reject()),
                b'{' | b'[' => {
                    is_object_bits = is_object_bits << 1 | u64::from(*byte == b'{');
                    depth += 1;
                }
                b'}' | b']' if (is_object_bits & 1 == 1) != (*byte == b'}') => return Err(self.reject()),
                b'}' | b']' => {
                    is_object_bits >>= 1;
                    depth -= 1;
                }
                _ => {}
            }
            self.rest = rest;
            if depth == 0 {
                return Ok(());
            }
        }
        Err(self.cut())
    }

    #[inline]
    fn expect(&mut self, wanted: u8) -> Result<(), Reject> {
        match self.rest {
            [byte, rest @ ..] if *byte == wanted => {
                self.rest = rest;
                Ok(())
            }
            _ => Err(self.reject()),
        }
    }

    #[inline]
    fn skip_whitespace(&mut self) {
        while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// The offset of what is read next.
    #[inline]
    pub(crate) fn offset(&self) -> usize {
        self.line_len - self.rest.len()
    }

    /// The next byte cannot be there.
    #[cold]
    fn reject(&self) -> Reject {
        Reject::at(Reason::NotJson, self.offset())
    }

    /// The line ends inside a value.
    #[cold]
    fn cut(&self) -> Reject {
        Reject::at(Reason::NotJson, self.line_len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(line: &[u8]) -> Result<String, Reject> {
        let mut object = JsonObject::open(line)?;
        let mut shown = Vec::new();
        while let Some(Member { key, value }) = object.next_member()? {
            let text = match value.content {
                Content::Text(text) => text.decode().escape_ascii().to_string(),
                Content::Nested(_) => "nested".to_owned(),
            };
            shown.push(format!("{}={text}@{}", key.escape_ascii(), value.offset));
        }
        Ok(shown.join(" "))
    }

    fn check(line: &str, expected: &str) {
        let shown = members(line.as_bytes())
            .unwrap_or_else(|reject| format!("{} at column {}", reject.reason.label(), reject.column));
        assert_eq!(shown, expected, "{line}");
    }

    #[test]
    fn members_come_in_order_with_their_offsets() {
        check(r#"{"a":"x","b":1}"#, "a=x@6 b=1@13");
        check(r#" { "a" : "x" , "b" : 1.5 } "#, "a=x@10 b=1.5@21");
        check(r#"{"a":"x","a":"y"}"#, "a=x@6 a=y@14");
        check("{}", "");
    }

    #[test]
    fn what_stands_before_the_object_is_skipped() {
        check("\u{feff}{\"a\":1}", "a=1@8");
        check("\0\0\0{\"a\":1}\r", "a=1@8");
    }

    #[test]
    fn values_without_quotes_end_before_the_next_key() {
        check(r#"{"a":0.003, 0.010,"b":2}"#, "a=0.003, 0.010@5 b=2@22");
        check(r#"{"a":0.003, 0.010, "b":2}"#, "a=0.003, 0.010@5 b=2@23");
        check(r#"{"a":,"b":}"#, "a=@5 b=@10");
        check(r#"{"a":-,"b":-}"#, "a=-@5 b=-@11");
        check(r#"{"a":10.0.0.1:80 : [::1]:80 ,"b":2}"#, "a=10.0.0.1:80 : [::1]:80@5 b=2@33");
        check(r#"{"a":null,"b":true,}"#, "a=@5 b=true@14");
    }

    #[test]
    fn nested_values_are_skipped() {
        check(r#"{"a":{"b":[1,{"c":"}]\""}],"d":[]},"e":1}"#, "a=nested@5 e=1@39");
        check(r#"{"a":[],"b":{}}"#, "a=nested@5 b=nested@12");
        check(r#"{"a":[}]}"#, "not_json at column 7");
        check(r#"{"a":[1"#, "not_json at column 8");
        let nested = |depth: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        check(&nested(64), "a=nested@5");
        check(&nested(65), "not_json at column 70");
        check(&nested(100_000), "not_json at column 70");
    }

    #[test]
    fn the_column_is_where_it_stops_being_one_object() {
        check("", "not_json at column 1");
        check("  ", "not_json at column 3");
        check("[]", "not_json at column 1");
        check("\"x\"", "not_json at column 1");
        check("{", "not_json at column 2");
        check(r#"{"a":"x"#, "not_json at column 8");
        check(r#"{"a":1,"#, "not_json at column 8");
        check(r#"{"a":1}{"a":1}"#, "not_json at column 8");
        check(r#"{"a":1{"a":1}"#, "not_json at column 8");
        check(r#"{"a":"x" "b":1}"#, "not_json at column 10");
        check(r#"{"a" "x"}"#, "not_json at column 6");
        check(r#"{a:1}"#, "not_json at column 2");
        check(r#"{"a":1} x"#, "not_json at column 9");
    }
}
