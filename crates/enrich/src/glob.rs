//! Globs by which services claim requests: `*` any run of bytes, `?` one byte, `\` takes the next
//! character as it is; the whole value must match.
//!
//! These are the wildcards of load balancer rules, so a condition can be copied from there: `*`
//! crosses `/` and `.`. Written here rather than taken from a file-glob crate: those treat `/`
//! specially, run a regex engine for what is almost always a literal, and read `[::1]` or
//! `/orders/{id}` as something else than the user meant. Character classes and `{a,b}` are refused
//! with advice, since a list of globs says the same.

use crate::route_pattern::PatternError;

/// A checked glob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    text: String,
    tokens: Box<[Token]>,
    /// The only value it matches, if it has no wildcard; nearly all globs have none.
    literal: Option<Box<[u8]>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Byte(u8),
    AnyByte,
    AnyRun,
}

impl Glob {
    /// Reads a glob as the config has it.
    ///
    /// Errors: an empty glob, a lone `\` at the end, an unescaped `[` or `{`.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let refuse = |reason: &str| Err(PatternError::new(text, reason));
        let mut tokens = Vec::with_capacity(text.len());
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            tokens.push(match byte {
                b'*' if tokens.last() == Some(&Token::AnyRun) => continue,
                b'*' => Token::AnyRun,
                b'?' => Token::AnyByte,
                b'[' => {
                    return refuse(
                        r"`[...]` is not known here; list the values, or write `\[` for the bracket",
                    );
                }
                b'{' => {
                    return refuse(r"`{...}` is not known here; list the globs, or write `\{` for the brace");
                }
                b'\\' => match bytes.next() {
                    Some(escaped) => Token::Byte(escaped),
                    None => return refuse(r"nothing follows the last `\`; write `\\` for a backslash"),
                },
                plain => Token::Byte(plain),
            });
        }
        if tokens.is_empty() {
            return refuse("an empty glob matches nothing; write `*` for any value");
        }
        Ok(Self::new(text.to_owned(), tokens))
    }

    /// The glob as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The one value it matches, if it has no wildcard.
    pub(crate) fn literal(&self) -> Option<&[u8]> {
        self.literal.as_deref()
    }

    /// The same glob for values that are lower case by contract.
    #[must_use]
    pub(crate) fn to_ascii_lowercase(&self) -> Self {
        let lower = |token: &Token| match token {
            Token::Byte(byte) => Token::Byte(byte.to_ascii_lowercase()),
            wildcard => *wildcard,
        };
        Self::new(self.text.to_ascii_lowercase(), self.tokens.iter().map(lower).collect())
    }

    fn new(text: String, tokens: Vec<Token>) -> Self {
        let byte = |token: &Token| if let Token::Byte(byte) = token { Some(*byte) } else { None };
        Self { text, literal: tokens.iter().map(byte).collect(), tokens: tokens.into() }
    }

    /// Whether all of `value` matches.
    pub fn matches(&self, value: &[u8]) -> bool {
        self.literal().map_or_else(|| self.matches_wildcards(value), |literal| literal == value)
    }

    /// After a mismatch only the latest `*` takes one byte more, which is enough for globs and
    /// keeps the worst case at length of glob times length of value.
    fn matches_wildcards(&self, value: &[u8]) -> bool {
        let (mut tokens, mut rest) = (&self.tokens[..], value);
        let mut retry: Option<(&[Token], &[u8])> = None;
        loop {
            match (tokens, rest) {
                ([Token::AnyRun, after @ ..], _) => {
                    retry = Some((after, rest));
                    tokens = after;
                    continue;
                }
                ([Token::AnyByte, after @ ..], [_, following @ ..]) => (tokens, rest) = (after, following),
                ([Token::Byte(want), after @ ..], [byte, following @ ..]) if want == byte => {
                    (tokens, rest) = (after, following);
                }
                ([], []) => return true,
                _ => match retry {
                    Some((after, [_, shorter @ ..])) => {
                        retry = Some((after, shorter));
                        (tokens, rest) = (after, shorter);
                    }
                    _ => return false,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(glob: &str, matching: &[&str], others: &[&str]) {
        let parsed = Glob::parse(glob).unwrap();
        for value in matching {
            assert!(parsed.matches(value.as_bytes()), "{glob} should match {value}");
        }
        for value in others {
            assert!(!parsed.matches(value.as_bytes()), "{glob} should not match {value}");
        }
    }

    #[test]
    fn the_whole_value_must_match() {
        check("shop.example.com", &["shop.example.com"], &["xshop.example.com", "shop.example.com.", ""]);
    }

    #[test]
    fn a_star_is_any_run_and_crosses_slashes_and_dots() {
        check("*.example.com", &["a.example.com", "a.b.example.com"], &["example.com", "a.example.org"]);
        check("/img/*", &["/img/", "/img/a/b"], &["/img"]);
        check("*a*ab*", &["aab", "xaxabx", "aaab"], &["ab", "xa"]);
        check("**", &["", "x"], &[]);
        check("a*", &["a", "ab"], &["", "ba"]);
    }

    #[test]
    fn a_question_mark_is_one_byte() {
        check("/v?/orders", &["/v1/orders"], &["/v/orders", "/v10/orders"]);
    }

    #[test]
    fn a_backslash_takes_the_next_character_as_it_is() {
        check(r"\*\[\{\\", &[r"*[{\"], &["a"]);
    }

    #[test]
    fn many_stars_stay_fast() {
        check(&"a*".repeat(40), &[], &[&"a".repeat(39), &format!("b{}", "a".repeat(5000))]);
    }

    #[test]
    fn what_is_not_known_is_refused_with_advice() {
        let errors = ["", "a[bc]", "{a,b}.example.com", "a\\"].map(|glob| match Glob::parse(glob) {
            Ok(_) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        });
        assert_eq!(
            errors,
            [
                "``: an empty glob matches nothing; write `*` for any value",
                r"`a[bc]`: `[...]` is not known here; list the values, or write `\[` for the bracket",
                r"`{a,b}.example.com`: `{...}` is not known here; list the globs, or write `\{` for the brace",
                r"`a\`: nothing follows the last `\`; write `\\` for a backslash",
            ]
        );
    }
}
