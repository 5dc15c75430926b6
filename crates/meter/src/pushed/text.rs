//! Pushes as text: Prometheus' format 0.0.4 and OpenMetrics.
//!
//! One pass over the bytes without regular expressions and without copies but for escaped values, since a
//! gateway does little else. Strict where leniency would count wrongly: a last line without its end may be
//! `12` of `123`. Line and column are worked out only when there is something wrong to tell.
//! The formats: <https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details> and
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>.

use std::borrow::Cow;

use super::builder::{Label, Part, PushBuilder};
use super::grouping::{check_label_name, check_metric_name, shown};
use super::{ClearMode, Grouping, NAME_BYTES_MAX, Problem, Push, PushError};
use crate::Kind;

/// Reads a body; see [`Push::parse`].
pub(super) fn parse(body: &[u8], is_open_metrics: bool, grouping: &Grouping) -> Result<Push, PushError> {
    let text = str::from_utf8(body).map_err(|error| {
        let readable = str::from_utf8(&body[..error.valid_up_to()]).unwrap_or_default();
        at(readable, readable.len(), Problem::NotUtf8)
    })?;
    let mut parser = Parser {
        text,
        bytes: text.as_bytes(),
        offset: 0,
        is_open_metrics,
        is_over: false,
        last: ("", 0, Part::Ignored),
        builder: PushBuilder::new(grouping, body.len()),
    };
    parser.lines().map_err(|problem| at(text, parser.offset, problem))?;
    parser.builder.finish().map_err(|(offset, problem)| at(text, offset, problem))
}

/// The error at a byte's place.
fn at(text: &str, offset: usize, problem: Problem) -> PushError {
    let before = &text[..text.floor_char_boundary(offset)];
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    PushError::Text { line, column: before[start..].chars().count() + 1, problem }
}

struct Parser<'b> {
    text: &'b str,
    bytes: &'b [u8],
    /// The next byte; where something is wrong, the place of it.
    offset: usize,
    is_open_metrics: bool,
    /// `# EOF` was read.
    is_over: bool,
    /// The sample name seen last, and what it is: buckets come in runs.
    last: (&'b str, usize, Part),
    builder: PushBuilder<'b>,
}

impl<'b> Parser<'b> {
    fn lines(&mut self) -> Result<(), Problem> {
        loop {
            self.skip_blanks();
            match self.peek() {
                None if self.is_open_metrics && !self.is_over => return Err(Problem::NoEof),
                None => return Ok(()),
                Some(_) if self.is_open_metrics && self.is_over => return Err(Problem::AfterEof),
                Some(b'\n') => self.offset += 1,
                Some(b'#') => self.comment()?,
                Some(_) => self.sample()?,
            }
        }
    }

    /// `# HELP name text`, `# TYPE name word`, or a comment.
    fn comment(&mut self) -> Result<(), Problem> {
        let start = self.offset;
        let line = self.rest_of_line()?;
        let (keyword, after) = word(line.strip_prefix('#').unwrap_or(line));
        let (name, rest) = word(after);
        if keyword == "EOF" && name.is_empty() {
            self.is_over = true;
        } else if keyword == "HELP" || keyword == "TYPE" {
            let declared = check_metric_name(name).and_then(|()| {
                if keyword == "HELP" { self.help(name, rest) } else { self.declare(name, word(rest).0) }
            });
            if let Err(problem) = declared {
                self.offset = start;
                return Err(problem);
            }
        }
        Ok(())
    }

    fn help(&mut self, name: &'b str, rest: &'b str) -> Result<(), Problem> {
        let family = self.family(name)?;
        let draft = &mut self.builder.families[family];
        if draft.help.is_some() {
            return Err(Problem::DeclaredTwice { keyword: "HELP", name: name.to_owned() });
        }
        draft.help = Some(unescaped(rest.trim_start_matches([' ', '\t'])));
        Ok(())
    }

    fn declare(&mut self, name: &'b str, word: &str) -> Result<(), Problem> {
        let family = self.family(name)?;
        let draft = &mut self.builder.families[family];
        if draft.kind.is_some() || draft.has_samples {
            return Err(Problem::DeclaredTwice { keyword: "TYPE", name: name.to_owned() });
        }
        let kind = match word {
            "counter" => Kind::Counter,
            "gauge" => Kind::Gauge,
            "histogram" => Kind::Histogram,
            "summary" => Kind::Summary,
            "untyped" => Kind::Untyped,
            "unknown" if self.is_open_metrics => Kind::Untyped,
            "info" | "stateset" if self.is_open_metrics => Kind::Gauge,
            _ => return Err(Problem::Type(shown(word))),
        };
        draft.kind = Some(kind);
        let suffix = match word {
            "counter" if self.is_open_metrics => "_total",
            "info" => "_info",
            _ => "",
        };
        if matches!(word, "info" | "stateset") {
            draft.mode = Some(ClearMode::Replace);
        }
        if suffix.is_empty() { Ok(()) } else { self.builder.rename(family, format!("{name}{suffix}")) }
    }

    fn family(&mut self, name: &'b str) -> Result<usize, Problem> {
        match self.builder.family_named(name) {
            Some(family) => Ok(family),
            None => self.builder.new_family(Cow::Borrowed(name)),
        }
    }

    /// `name{label="value",...} value [timestamp] [# exemplar]`.
    fn sample(&mut self) -> Result<(), Problem> {
        let start = self.offset;
        let name = self.name(b':');
        if name.is_empty() {
            return Err(Problem::Expected("a metric's name"));
        }
        let (family, part) = self.resolve(name).inspect_err(|_| self.offset = start)?;
        self.skip_blanks();
        let mut bound = None;
        if self.peek() == Some(b'{') {
            self.offset += 1;
            bound = self.labels(family, part)?;
        }
        if part == Part::Bucket && bound.is_none() {
            return Err(Problem::NoBound);
        }
        self.skip_blanks();
        let value = self.number()?;
        self.after_value()?;
        let end = std::mem::replace(&mut self.offset, start);
        self.builder.add(family, part, bound, value, start)?;
        self.offset = end;
        Ok(())
    }

    /// What a sample of this name is, and of which family.
    fn resolve(&mut self, name: &'b str) -> Result<(usize, Part), Problem> {
        if self.last.0 == name {
            return Ok((self.last.1, self.last.2));
        }
        check_metric_name(name)?;
        let (family, part) = self.looked_up(name)?;
        self.last = (name, family, part);
        Ok((family, part))
    }

    fn looked_up(&mut self, name: &'b str) -> Result<(usize, Part), Problem> {
        if let Some(family) = self.builder.family_named(name) {
            let draft = &self.builder.families[family];
            let expected = match draft.kind {
                Some(Kind::Histogram) => "`_bucket`, `_sum`, `_count`",
                Some(Kind::Summary) => return Ok((family, Part::Ignored)),
                // In OpenMetrics a counter's and an info's samples are not called as their family is.
                _ if draft.name != name => "the family's name with `_total` or `_info`",
                _ => return Ok((family, Part::Value)),
            };
            let kind = draft.kind.unwrap_or(Kind::Untyped).as_str();
            return Err(Problem::Sample { name: name.to_owned(), kind, expected });
        }
        let of_base = name.rfind('_').and_then(|end| {
            let family = self.builder.family_named(&name[..end])?;
            let part = match (self.builder.families[family].kind?, &name[end..]) {
                (Kind::Histogram, "_bucket") => Part::Bucket,
                (Kind::Histogram | Kind::Summary, "_sum") => Part::Sum,
                (Kind::Histogram | Kind::Summary, "_count") => Part::Count,
                (Kind::Histogram | Kind::Summary | Kind::Counter, "_created") => Part::Ignored,
                _ => return None,
            };
            Some((family, part))
        });
        match of_base {
            Some(found) => Ok(found),
            None => Ok((self.builder.new_family(Cow::Borrowed(name))?, Part::Value)),
        }
    }

    /// The labels up to and with `}`, into the builder; a bucket's bound is given back.
    fn labels(&mut self, family: usize, part: Part) -> Result<Option<f64>, Problem> {
        let is_quantile = part == Part::Ignored && self.builder.families[family].kind == Some(Kind::Summary);
        let mut bound = None;
        loop {
            self.skip_blanks();
            if self.take(b'}') {
                return Ok(bound);
            }
            let start = self.offset;
            let name = self.name(b'_');
            if name.is_empty() {
                return Err(Problem::Expected("a label's name or `}`"));
            }
            check_scanned_label(name).inspect_err(|_| self.offset = start)?;
            self.skip_blanks();
            self.expect(b'=', "`=`")?;
            self.skip_blanks();
            self.expect(b'"', "a value in double quotes")?;
            let value = self.quoted()?;
            if part == Part::Bucket && name == "le" {
                let Some(number) = float(&value).filter(|number| !number.is_nan()) else {
                    self.offset = start;
                    return Err(Problem::Number(shown(&value)));
                };
                if bound.replace(number).is_some() {
                    return Err(Problem::LabelTwice(name.to_owned()));
                }
            } else if !(is_quantile && name == "quantile") {
                self.builder.labels.push(Label { name, value, is_url: false });
            }
            self.skip_blanks();
            if !self.take(b',') {
                self.expect(b'}', "`,` or `}`")?;
                return Ok(bound);
            }
        }
    }

    /// The text up to the closing quote, which is passed.
    fn quoted(&mut self) -> Result<Cow<'b, str>, Problem> {
        let start = self.offset;
        let mut is_escaped = false;
        loop {
            let rest = &self.bytes[self.offset..];
            let stop = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\n'));
            self.offset += stop.unwrap_or(rest.len());
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    if !matches!(self.bytes.get(self.offset + 1), Some(b'\\' | b'"' | b'n')) {
                        return Err(Problem::Expected("`\\\\`, `\\\"` or `\\n` after a backslash"));
                    }
                    is_escaped = true;
                    self.offset += 2;
                }
                _ => return Err(Problem::Expected("`\"` at the value's end")),
            }
        }
        let value = &self.text[start..self.offset];
        self.offset += 1;
        Ok(if is_escaped { unescaped(value) } else { Cow::Borrowed(value) })
    }

    /// The value's number.
    fn number(&mut self) -> Result<f64, Problem> {
        let start = self.offset;
        let token = self.token();
        if token.is_empty() {
            return Err(Problem::Expected("a value"));
        }
        float(token).ok_or_else(|| {
            self.offset = start;
            Problem::Number(shown(token))
        })
    }

    /// Timestamp and exemplar, which are read over, and the line's end.
    fn after_value(&mut self) -> Result<(), Problem> {
        self.skip_blanks();
        if !matches!(self.peek(), Some(b'\n' | b'#') | None) {
            self.number()?;
            self.skip_blanks();
        }
        match self.peek() {
            Some(b'\n') => self.offset += 1,
            Some(b'#') if self.is_open_metrics => {
                self.rest_of_line()?;
            }
            None => return Err(Problem::Unfinished),
            Some(_) => return Err(Problem::Expected("the line's end")),
        }
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.offset).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.offset += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Problem> {
        if self.take(byte) { Ok(()) } else { Err(Problem::Expected(what)) }
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.offset += 1;
        }
    }

    /// Letters, digits, `_` and `also`.
    fn name(&mut self, also: u8) -> &'b str {
        let is_name = |byte: &u8| NAME_BYTES[usize::from(*byte)] || *byte == also;
        let start = self.offset;
        let length = self.bytes[start..].iter().position(|byte| !is_name(byte));
        self.offset = length.map_or(self.bytes.len(), |length| start + length);
        &self.text[start..self.offset]
    }

    fn token(&mut self) -> &'b str {
        let start = self.offset;
        while !matches!(self.peek(), Some(b' ' | b'\t' | b'\n') | None) {
            self.offset += 1;
        }
        &self.text[start..self.offset]
    }

    /// The rest of the line without its end, which is passed.
    fn rest_of_line(&mut self) -> Result<&'b str, Problem> {
        let start = self.offset;
        match self.bytes[start..].iter().position(|byte| *byte == b'\n') {
            Some(length) => {
                self.offset = start + length + 1;
                Ok(&self.text[start..start + length])
            }
            // OpenMetrics' last line may stand without its end.
            None if self.text[start..].trim_end() == "# EOF" => {
                self.offset = self.bytes.len();
                Ok(self.text[start..].trim_end())
            }
            None => {
                self.offset = self.bytes.len();
                Err(Problem::Unfinished)
            }
        }
    }
}

/// Which bytes are a name's, but for the `:` of metrics.
const NAME_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        byte += 1;
    }
    table
};

/// As [`check_label_name`], for a name of [`NAME_BYTES`].
fn check_scanned_label(name: &str) -> Result<(), Problem> {
    match name.as_bytes() {
        [b'a'..=b'z' | b'A'..=b'Z', ..] if name.len() <= NAME_BYTES_MAX => Ok(()),
        _ => check_label_name(name),
    }
}

/// The first word, and what follows it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches([' ', '\t']);
    text.split_at(text.find([' ', '\t']).unwrap_or(text.len()))
}

/// A number as Go's and Python's clients write it.
fn float(text: &str) -> Option<f64> {
    // Fifteen digits are exact in a float, and most values are counts.
    const EXACT_DIGITS: usize = 15;
    let digits = text.strip_suffix(".0").unwrap_or(text);
    if (1..=EXACT_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = digits.bytes().fold(0_u64, |number, byte| number * 10 + u64::from(byte - b'0'));
        return Some(number as f64);
    }
    text.parse().ok()
}

/// Text with `\\`, `\"` and `\n` resolved; another backslash stays, as in a help.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('\\')) => out.push('\\'),
            ('\\', Some('"')) => out.push('"'),
            _ => {
                out.push(character);
                continue;
            }
        }
        characters.next();
    }
    Cow::Owned(out)
}
