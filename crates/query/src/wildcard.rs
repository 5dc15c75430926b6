//! `*` and `?` anywhere in a value, without backtracking.
//!
//! The pieces between stars are looked for from left to right, each at its first place, which is right because a
//! star takes any text; only the ends are fixed. A regular expression could do the same, but would be compiled
//! for each query and tell nothing about its fixed text.

use memchr::memmem::Finder;

/// How many `*` one value may have. Real patterns have up to three; each costs a search through the value.
pub const WILDCARD_STARS_MAX: usize = 16;
/// How long a value with wildcards may be, in bytes. With `?` a search may compare this often for each byte.
pub const WILDCARD_BYTES_MAX: usize = 1024;

/// A value with wildcards, as typed. Texts are not empty, and no two texts or stars are neighbours.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Pattern(pub Vec<PatternPart>);

/// A part of a [`Pattern`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatternPart {
    /// This text.
    Text(String),
    /// `?`: one character.
    One,
    /// `*`: any text, also none.
    Any,
}

impl Pattern {
    /// Whether it has neither `*` nor `?`.
    pub fn is_plain(&self) -> bool {
        self.0.iter().all(|part| matches!(part, PatternPart::Text(_)))
    }

    /// Whether it is `*`.
    pub fn is_any(&self) -> bool {
        self.0 == [PatternPart::Any]
    }

    pub(crate) fn push_char(&mut self, char: char) {
        match self.0.last_mut() {
            Some(PatternPart::Text(text)) => text.push(char),
            _ => self.0.push(PatternPart::Text(char.to_string())),
        }
    }

    pub(crate) fn push_any(&mut self) {
        if self.0.last() != Some(&PatternPart::Any) {
            self.0.push(PatternPart::Any);
        }
    }

    /// Its texts, one behind the other.
    pub(crate) fn text(&self) -> String {
        let texts = self.0.iter().map(|part| match part {
            PatternPart::Text(text) => text.as_str(),
            _ => "",
        });
        texts.collect()
    }

    pub(crate) fn star_count(&self) -> usize {
        self.0.iter().filter(|part| **part == PatternPart::Any).count()
    }
}

/// A pattern, ready to be compared.
#[derive(Clone, Debug)]
pub struct Wildcard {
    /// What stands between the stars; one more than there are stars.
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, Default)]
struct Piece {
    parts: Vec<PatternPart>,
    /// Where the piece is one text.
    finder: Option<Finder<'static>>,
}

impl Wildcard {
    /// Prepares `pattern`.
    pub fn new(pattern: &Pattern) -> Self {
        let pieces = pattern.0.split(|part| *part == PatternPart::Any).map(Piece::new).collect();
        Self { pieces }
    }

    /// Whether all of `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        let Some((last, before)) = self.pieces.split_last() else {
            return text.is_empty();
        };
        let Some((first, middle)) = before.split_first() else {
            return last.prefix_len(text) == Some(text.len());
        };
        let Some(start) = first.prefix_len(text) else {
            return false;
        };
        let mut rest = &text[start..];
        let Some(end) = last.suffix_start(rest) else {
            return false;
        };
        rest = &rest[..end];
        for piece in middle {
            match piece.find_end(rest) {
                Some(end) => rest = &rest[end..],
                None => return false,
            }
        }
        true
    }
}

impl Piece {
    fn new(parts: &[PatternPart]) -> Self {
        let finder = match parts {
            [PatternPart::Text(text)] => Some(Finder::new(text).into_owned()),
            _ => None,
        };
        Self { parts: parts.to_vec(), finder }
    }

    /// How much of the beginning of `text` it takes.
    fn prefix_len(&self, text: &str) -> Option<usize> {
        let mut rest = text;
        for part in &self.parts {
            rest = match part {
                PatternPart::Text(part) => rest.strip_prefix(part.as_str())?,
                _ => rest.strip_prefix(|_: char| true)?,
            };
        }
        Some(text.len() - rest.len())
    }

    /// Where it begins if it ends `text`.
    fn suffix_start(&self, text: &str) -> Option<usize> {
        let mut rest = text;
        for part in self.parts.iter().rev() {
            rest = match part {
                PatternPart::Text(part) => rest.strip_suffix(part.as_str())?,
                _ => rest.strip_suffix(|_: char| true)?,
            };
        }
        Some(rest.len())
    }

    /// Where its first place in `text` ends.
    fn find_end(&self, text: &str) -> Option<usize> {
        if let (Some(finder), [PatternPart::Text(part)]) = (&self.finder, self.parts.as_slice()) {
            return finder.find(text.as_bytes()).map(|start| start + part.len());
        }
        let starts = text.char_indices().map(|(start, _)| start).chain([text.len()]);
        starts.into_iter().find_map(|start| Some(start + self.prefix_len(&text[start..])?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        let mut pattern = Pattern::default();
        for char in text.chars() {
            match char {
                '*' => pattern.push_any(),
                '?' => pattern.0.push(PatternPart::One),
                _ => pattern.push_char(char),
            }
        }
        pattern
    }

    /// By trying everything.
    fn matches_slowly(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => {
                matches_slowly(rest, text)
                    || text.split_first().is_some_and(|(_, text)| matches_slowly(pattern, text))
            }
            (Some(('?', rest)), Some((_, text))) => matches_slowly(rest, text),
            (Some((one, rest)), Some((other, text))) => one == other && matches_slowly(rest, text),
            _ => false,
        }
    }

    #[test]
    fn stars_take_any_text_and_question_marks_one_character() {
        for (wildcard, text, expected) in [
            ("/api/v1/*", "/api/v1/orders", true),
            ("/api/v1/*", "/api/v2/orders", false),
            ("*.example.com", "shop.example.com", true),
            ("a*a", "a", false),
            ("a*b*c", "a-b-b-c", true),
            ("caf?", "café", true),
            ("*?", "", false),
            ("?*é", "éé", true),
            ("A*", "abc", false),
            ("", "", true),
        ] {
            assert_eq!(Wildcard::new(&pattern(wildcard)).matches(text), expected, "{wildcard} {text}");
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_trying_everything(wildcard in "[ab*?é]{0,7}", text in "[abé]{0,9}") {
            let slow = matches_slowly(&wildcard.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>());
            prop_assert_eq!(Wildcard::new(&pattern(&wildcard)).matches(&text), slow);
        }
    }
}
