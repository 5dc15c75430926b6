//! Rust source in four views of the same shape, so that a search finds what it means.
//!
//! `unwrap` in a comment is no call and a brace in a string opens no block. Each view keeps one
//! kind of text and blanks the rest with spaces, byte for byte: an offset or a line number found in
//! one view is right in all of them.

use std::ops::Range;

/// A source file's text and its views.
pub struct RustText {
    /// As written.
    pub raw: String,
    /// Without comments and the contents of literals.
    pub code: String,
    /// `code` without items that are compiled for tests only.
    pub product: String,
    /// Only comments, documentation included.
    pub comments: String,
    /// Only literals (strings and characters) of product code.
    pub product_literals: String,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub struct Function<'a> {
    /// Its name.
    pub name: &'a str,
    /// The line of its `fn`, from 1.
    pub line: usize,
    /// Lines from `fn` to the closing brace, both included.
    pub line_count: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Code,
    Comment,
    Literal,
}

impl RustText {
    /// Takes `raw` apart; with `is_test` the whole file counts as test code.
    pub fn new(raw: &str, is_test: bool) -> Self {
        let classes = classify(raw);
        let view = |class| blank(raw, |offset| classes.get(offset) == Some(&class));
        let code = view(Class::Code);
        let tests = test_items(&code);
        let in_product = |offset: usize| !is_test && !tests.iter().any(|range| range.contains(&offset));
        let product = blank(&code, in_product);
        let product_literals = blank(&view(Class::Literal), in_product);
        Self { raw: raw.to_owned(), comments: view(Class::Comment), code, product, product_literals }
    }

    /// All functions that have a body, tests included, in the order of the file.
    pub fn functions(&self) -> Vec<Function<'_>> {
        words(&self.code, "fn")
            .filter_map(|start| {
                let signature = self.code.get(start + "fn".len()..)?;
                let name = signature.trim_start().split(|c: char| !is_word(c)).next()?;
                let end = item_end(&self.code, start)?;
                let body = self.code.get(start..end)?;
                (!name.is_empty() && body.ends_with('}')).then(|| Function {
                    name,
                    line: line_of(&self.code, start),
                    line_count: body.lines().count(),
                })
            })
            .collect()
    }
}

/// The line, from 1, that holds the byte at `offset`.
pub fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}

/// Offsets at which `word` stands in `text` with no word character on a side where it has one itself.
pub fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word).filter_map(move |(start, _)| {
        let joined_before = word.starts_with(is_word) && text.get(..start)?.ends_with(is_word);
        let joined_after = word.ends_with(is_word) && text.get(start + word.len()..)?.starts_with(is_word);
        (!joined_before && !joined_after).then_some(start)
    })
}

/// The offset behind the item that begins at `start`: its closing brace, or its `;` where it has no body.
///
/// `code` must be without comments and literals. `None` when the file ends first.
pub fn item_end(code: &str, start: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && byte == b'}' {
                    return Some(offset + 1);
                }
            }
            b';' if depth == 0 => return Some(offset + 1),
            _ => {}
        }
    }
    None
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Items behind `#[cfg(test)]` or `#[cfg(all(test, ..))]`, from the attribute to their end.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let mut items: Vec<Range<usize>> = Vec::new();
    for (start, attribute) in code.match_indices("#[cfg(") {
        let condition = code.get(start + attribute.len()..).unwrap_or_default();
        let condition = condition.strip_prefix("all(").unwrap_or(condition);
        let is_test = condition.starts_with("test)") || condition.starts_with("test,");
        if is_test && items.last().is_none_or(|last| last.end <= start) {
            items.push(start..item_end(code, start + 1).unwrap_or(code.len()));
        }
    }
    items
}

fn blank(text: &str, keep: impl Fn(usize) -> bool) -> String {
    let mut view = String::with_capacity(text.len());
    for (offset, c) in text.char_indices() {
        if c == '\n' || keep(offset) {
            view.push(c);
        } else {
            view.extend(std::iter::repeat_n(' ', c.len_utf8()));
        }
    }
    view
}

/// What each byte belongs to.
fn classify(text: &str) -> Vec<Class> {
    let mut classes = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut after_word = false;
    while let Some(first) = rest.chars().next() {
        let (class, length) = token(rest, first, after_word);
        classes.extend(std::iter::repeat_n(class, length));
        after_word = class == Class::Code && is_word(first);
        rest = rest.get(length..).unwrap_or_default();
    }
    classes
}

/// The class and length in bytes of what `rest` begins with: a comment, a literal or one character of code.
fn token(rest: &str, first: char, after_word: bool) -> (Class, usize) {
    if rest.starts_with("//") {
        (Class::Comment, rest.find('\n').unwrap_or(rest.len()))
    } else if rest.starts_with("/*") {
        (Class::Comment, block_comment(rest))
    } else if first == '"' {
        (Class::Literal, quoted(rest, b'"'))
    } else if let Some(length) = raw_string(rest).filter(|_| !after_word) {
        (Class::Literal, length)
    } else if let Some(length) = character(rest) {
        (Class::Literal, length)
    } else {
        (Class::Code, first.len_utf8())
    }
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut offset = 0;
    while let Some(tail) = rest.get(offset..).filter(|tail| !tail.is_empty()) {
        let (step, change) = match tail.as_bytes() {
            [b'/', b'*', ..] => (2, 1),
            [b'*', b'/', ..] => (2, -1),
            _ => (tail.chars().next().map_or(1, char::len_utf8), 0),
        };
        offset += step;
        depth = depth.saturating_add_signed(change);
        if depth == 0 {
            break;
        }
    }
    offset
}

/// The length of a literal that begins and ends with `quote`, with `\` before what is escaped.
fn quoted(rest: &str, quote: u8) -> usize {
    let mut escaped = false;
    for (offset, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if byte == quote => return offset + 1,
            _ => {}
        }
    }
    rest.len()
}

fn raw_string(rest: &str) -> Option<usize> {
    let unprefixed = rest.strip_prefix(['b', 'c']).unwrap_or(rest).strip_prefix('r')?;
    let opened = unprefixed.trim_start_matches('#');
    let hashes = unprefixed.len() - opened.len();
    let contents = opened.strip_prefix('"')?;
    let closing = format!("\"{}", "#".repeat(hashes));
    let length = contents.find(&closing).map_or(contents.len(), |end| end + closing.len());
    Some(rest.len() - contents.len() + length)
}

/// The length of a character literal, or `None` where the quote begins a lifetime.
fn character(rest: &str) -> Option<usize> {
    let contents = rest.strip_prefix('\'')?;
    let first = contents.chars().next()?;
    let is_literal = first == '\\' || contents.get(first.len_utf8()..)?.starts_with('\'');
    is_literal.then(|| quoted(rest, b'\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_code(raw: &str, expected: &str) {
        let text = RustText::new(raw, false);
        assert_eq!(text.code.split_whitespace().collect::<Vec<_>>().join(" "), expected, "{raw}");
        assert_eq!(text.code.len(), raw.len(), "{raw}");
    }

    #[test]
    fn comments_and_literals_are_no_code() {
        check_code("a // b\nc", "a c");
        check_code("a /* b /* c */ d */ e", "a e");
        check_code(r#"a("b \" c", d)"#, "a( , d)");
        check_code(r###"a(r#"b " c"#, br"d", "e")"###, "a( , , )");
        check_code("a('{', '\\'', b'\"', 'ü')", "a( , , b , )");
        check_code("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)");
        check_code("var\"x\"", "var");
        check_code("\"http://x\" y", "y");
    }

    #[test]
    fn test_items_are_no_product() {
        let text = RustText::new("fn a() {}\n#[cfg(test)]\nmod tests { fn b() {} }\nfn c() {}", false);
        assert_eq!(text.product.split_whitespace().collect::<Vec<_>>().join(" "), "fn a() {} fn c() {}");
        let text = RustText::new("#[cfg(test)]\nuse a::b;\nfn c() {}", false);
        assert_eq!(text.product.trim(), "fn c() {}");
        assert_eq!(RustText::new("fn a() {}", true).product.trim(), "");
    }

    #[test]
    fn functions_are_measured_from_fn_to_the_closing_brace() {
        let raw = "fn a(x: [u8; 3]) -> u8 {\n    match x { _ => '}' }\n}\n\
                   trait T { fn b(); fn c() {} }\ntype F = fn(u8);";
        let text = RustText::new(raw, false);
        let function = |name, line, line_count| Function { name, line, line_count };
        assert_eq!(text.functions(), [function("a", 1, 3), function("c", 4, 1)]);
    }

    #[test]
    fn words_stand_alone() {
        assert_eq!(words("fn xfn fn_ fn", "fn").collect::<Vec<_>>(), [0, 11]);
        assert_eq!(words("a.unwrap() b.unwrap()", ".unwrap()").count(), 2);
    }
}
