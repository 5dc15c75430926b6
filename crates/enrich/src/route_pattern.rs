//! Routes as users write them: `/orders/{id}`, `/static/**`.
//!
//! The syntax is OpenAPI's, because that is where most users copy their routes from, plus two
//! wildcards from load balancer and gateway rules. Anything that would match less than its author
//! believes (`:id`, `{id:int}`, a `?query`) is an error with advice, never a literal.
//!
//! | written | matches |
//! |---|---|
//! | `orders` | that segment, case-sensitive, byte by byte (percent escapes are not decoded) |
//! | `{id}` or `*` | one segment, not empty |
//! | `{id}.json`, `v*` | one segment with text around one or more bytes |
//! | `**`, last only | the rest: zero or more segments |
//!
//! A slash at the end means nothing, in pattern and path alike: `/orders/{id}` is `/orders/7/` too.
//! A path's parameters (`;name=value`, RFC 3986 section 3.3) are not part of its segments.

use std::fmt;
use std::str::FromStr;

const MAX_LEN: usize = 1024;
const MAX_SEGMENTS: usize = 32;

/// A checked route pattern; its text is the route's label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutePattern {
    text: String,
    pub(crate) segments: Vec<Segment>,
    pub(crate) has_rest: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Literal(String),
    Any,
    Partial(Partial),
}

/// A segment with wildcards and text: the texts around the wildcards, first and last may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partial {
    first: String,
    middle: Vec<String>,
    last: String,
}

/// Why a route pattern or a glob is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    text: String,
    reason: String,
}

impl PatternError {
    pub(crate) fn new(text: &str, reason: impl Into<String>) -> Self {
        Self { text: text.to_owned(), reason: reason.into() }
    }

    /// The pattern as it was written.
    pub fn pattern(&self) -> &str {
        &self.text
    }

    /// What is wrong with it and what to write instead.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.text, self.reason)
    }
}

impl std::error::Error for PatternError {}

impl RoutePattern {
    /// Reads a pattern as the config has it; the error names the pattern and what to write instead.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        Self::parse_segments(text).map_err(|reason| PatternError::new(text, reason))
    }

    /// The pattern as it was written, which is the route's label.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn parse_segments(text: &str) -> Result<Self, String> {
        check_text(text)?;
        let Some(path) = text.strip_prefix('/') else {
            return Err(format!("a route begins with `/`; write `/{text}`"));
        };
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut pattern = Self { text: text.to_owned(), segments: Vec::new(), has_rest: false };
        if path.is_empty() {
            return Ok(pattern);
        }
        for segment in path.split('/') {
            if pattern.has_rest {
                return Err("`**` must be the last segment".to_owned());
            } else if segment == "**" {
                pattern.has_rest = true;
            } else {
                pattern.segments.push(Segment::parse(segment)?);
            }
        }
        if pattern.segments.len() > MAX_SEGMENTS {
            return Err(format!("more than {MAX_SEGMENTS} segments"));
        }
        Ok(pattern)
    }
}

impl FromStr for RoutePattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("an empty segment (`//`) matches nothing".to_owned());
        }
        if let Some(name) = text.strip_prefix(':').filter(|name| is_name(name)) {
            return Err(format!("a variable is written in braces: `{{{name}}}`, not `:{name}`"));
        }
        let mut texts = split_at_wildcards(text)?;
        let last = texts.pop().unwrap_or_default();
        if texts.is_empty() {
            return Ok(Self::Literal(last));
        }
        let first = texts.remove(0);
        match (first.as_str(), texts.as_slice(), last.as_str()) {
            ("", [], "") => Ok(Self::Any),
            _ if texts.iter().any(String::is_empty) => {
                Err(format!("two wildcards in `{text}` need text between them"))
            }
            _ => Ok(Self::Partial(Partial { first, middle: texts, last })),
        }
    }
}

impl Partial {
    /// Whether `segment` is the texts in order with one or more bytes between them.
    ///
    /// Taking each middle text where it first occurs is enough: a later place leaves less behind it.
    pub(crate) fn matches(&self, segment: &[u8]) -> bool {
        let Some(mut rest) = segment.strip_prefix(self.first.as_bytes()) else {
            return false;
        };
        for text in &self.middle {
            let text = text.as_bytes();
            let found = rest.get(1..).and_then(|rest| rest.windows(text.len()).position(|part| part == text));
            match found.and_then(|at| rest.get(1 + at + text.len()..)) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        rest.strip_suffix(self.last.as_bytes()).is_some_and(|filled| !filled.is_empty())
    }
}

fn check_text(text: &str) -> Result<(), String> {
    if text.len() > MAX_LEN {
        return Err(format!("longer than {MAX_LEN} bytes"));
    }
    if text.contains(['?', '#']) {
        return Err("a route is a path; leave out the query (`?...`) and fragment (`#...`)".to_owned());
    }
    if text.contains(';') {
        return Err("path parameters (`;name=value`) are never part of a route; leave them out".to_owned());
    }
    if text.chars().any(|character| character.is_control() || character.is_whitespace()) {
        return Err(
            "white space and control characters never occur in a path; write them as `%20`".to_owned()
        );
    }
    Ok(())
}

/// The texts around the wildcards of one segment: one text if there is no wildcard.
fn split_at_wildcards(segment: &str) -> Result<Vec<String>, String> {
    let mut texts = vec![];
    let mut rest = segment;
    while let Some((at, wildcard)) = rest.char_indices().find(|(_, c)| matches!(c, '*' | '{' | '}')) {
        let (before, from) = rest.split_at_checked(at).unwrap_or_default();
        texts.push(before.to_owned());
        let after = from.get(1..).unwrap_or_default();
        rest = match wildcard {
            '*' if after.starts_with('*') => return Err(format!("`**` in `{segment}` must stand alone")),
            '*' => after,
            '{' => after_variable(after)?,
            _ => return Err(format!("`}}` without `{{` in `{segment}`")),
        };
    }
    texts.push(rest.to_owned());
    Ok(texts)
}

fn after_variable(text: &str) -> Result<&str, String> {
    let Some((name, after)) = text.split_once('}') else {
        return Err(format!("`{{` without `}}` in `{{{text}`"));
    };
    if is_name(name) {
        return Ok(after);
    }
    Err(match name.split_once(':') {
        _ if name.is_empty() => "`{}` has no name; write `{id}`".to_owned(),
        Some((name, _)) => format!("conditions on a variable are not known here; write `{{{name}}}`"),
        None if name.starts_with('*') => format!("`{{{name}}}` for the rest of a path is written `**`"),
        None => format!("`{{{name}}}`: a name has letters, digits, `_`, `-` and `.` only"),
    })
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_error(pattern: &str, reason: &str) {
        let shown =
            RoutePattern::parse(pattern).map_or_else(|error| error.to_string(), |_| "accepted".to_owned());
        assert_eq!(shown, format!("`{pattern}`: {reason}"));
    }

    #[test]
    fn the_text_is_kept_as_written() {
        for text in
            ["/", "/**", "/orders/{order-id}", "/a/", "/v1/orders:cancel", "/{a}-{b}.json", "/*.js", "/א"]
        {
            assert_eq!(
                text.parse::<RoutePattern>().map(|pattern| pattern.as_str().to_owned()).unwrap(),
                text
            );
        }
    }

    #[test]
    fn what_would_match_too_little_is_refused_with_advice() {
        check_error("orders/{id}", "a route begins with `/`; write `/orders/{id}`");
        check_error("", "a route begins with `/`; write `/`");
        check_error("/users/:id", "a variable is written in braces: `{id}`, not `:id`");
        check_error("/users/{id:[0-9]+}", "conditions on a variable are not known here; write `{id}`");
        check_error("/users/{*rest}", "`{*rest}` for the rest of a path is written `**`");
        check_error("/users/{}", "`{}` has no name; write `{id}`");
        check_error("/users/{a,b}", "`{a,b}`: a name has letters, digits, `_`, `-` and `.` only");
        check_error("/users/{id", "`{` without `}` in `{id`");
        check_error("/users/id}", "`}` without `{` in `id}`");
        check_error("/a/**/b", "`**` must be the last segment");
        check_error("/a/b**", "`**` in `b**` must stand alone");
        check_error("/a//b", "an empty segment (`//`) matches nothing");
        check_error("/{a}{b}", "two wildcards in `{a}{b}` need text between them");
        check_error("/a?b=1", "a route is a path; leave out the query (`?...`) and fragment (`#...`)");
        check_error("/a;b=1", "path parameters (`;name=value`) are never part of a route; leave them out");
        check_error("/a b", "white space and control characters never occur in a path; write them as `%20`");
        check_error(&"/a".repeat(33), "more than 32 segments");
        check_error(&format!("/{}", "a".repeat(1024)), "longer than 1024 bytes");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[/{}*:a-b;.é]{0,24}") {
            let _ = RoutePattern::parse(&text);
        }
    }
}
