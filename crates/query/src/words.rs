//! Words of a message: how a text is cut into them, and how a word, a phrase or `pay*` is found in it.
//!
//! A word is a run of letters and digits; everything else only separates, and case does not count. An e-mail
//! address, a path or an id is therefore the phrase of its words, found whole and by each part, and a filter
//! over words can never rule out what a search would find. Keeping such terms as words of their own as well
//! was refused: `jane@example.com` would not be found in `mailto:jane@example.com`.

use memchr::memmem::Finder;

use crate::wildcard::{Pattern, PatternPart, Wildcard};

/// Longer words, in bytes of their lower case, are in no filter: they are Base64 or hex dumps that nobody types,
/// and are found by looking at each text.
pub const TOKEN_BYTES_MAX: usize = 64;
/// How many words a phrase may have. Each place where its longest word stands costs so many comparisons.
pub const PHRASE_WORDS_MAX: usize = 64;

/// What joins words to one term, such as `jane@example.com` or `/api/v1/orders`: a pattern is compared with whole
/// terms too, so that `/api/*` finds it.
const CONNECTORS: &[char] = &['@', '.', '-', '_', '/', ':', '+', '%'];

/// Calls `each` with every word of `text`, in lower case, in the order of the text.
///
/// Words longer than [`TOKEN_BYTES_MAX`] are left out; a search for them names no word either, see
/// [`crate::Needles`].
pub fn tokens(text: &str, each: impl FnMut(&str)) {
    if text.is_ascii() { ascii_tokens(text, each) } else { any_tokens(text, each) }
}

fn any_tokens(text: &str, mut each: impl FnMut(&str)) {
    let mut lower = String::new();
    for word in words(text) {
        lower_case(word, &mut lower);
        if lower.len() <= TOKEN_BYTES_MAX {
            each(&lower);
        }
    }
}

/// The same of ASCII, whose lower case is made at once: every word of every message that is kept comes this way.
fn ascii_tokens(text: &str, mut each: impl FnMut(&str)) {
    let lower = text.to_ascii_lowercase();
    let bytes = lower.as_bytes();
    let mut end = 0;
    while let Some(gap) = bytes[end..].iter().position(u8::is_ascii_alphanumeric) {
        let start = end + gap;
        let is_separator = |byte: &u8| !byte.is_ascii_alphanumeric();
        end = bytes[start..].iter().position(is_separator).map_or(bytes.len(), |length| start + length);
        if end - start <= TOKEN_BYTES_MAX {
            each(&lower[start..end]);
        }
    }
}

/// A word, a phrase or a pattern, ready to be looked for.
#[derive(Clone, Debug)]
pub struct Words(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Phrase(Box<Phrase>),
    Pattern(Wildcard),
}

#[derive(Clone, Debug)]
struct Phrase {
    /// In lower case; at least one.
    words: Vec<Box<str>>,
    /// Which of them is looked for first: the longest, which is likely the rarest.
    anchor: usize,
    finder: Finder<'static>,
    is_ascii: bool,
}

impl Words {
    /// The words of `text`, one behind the other; `None` if it has none or more than [`PHRASE_WORDS_MAX`].
    pub fn phrase(text: &str) -> Option<Self> {
        let words: Vec<Box<str>> = words(text)
            .take(PHRASE_WORDS_MAX + 1)
            .map(|word| {
                let mut lower = String::new();
                lower_case(word, &mut lower);
                lower.into_boxed_str()
            })
            .collect();
        if words.len() > PHRASE_WORDS_MAX {
            return None;
        }
        let (anchor, longest) = words.iter().enumerate().max_by_key(|(_, word)| word.len())?;
        let finder = Finder::new(longest.as_bytes()).into_owned();
        let is_ascii = words.iter().all(|word| word.is_ascii());
        Some(Self(Kind::Phrase(Box::new(Phrase { anchor, finder, is_ascii, words }))))
    }

    /// A word or a term such as `user-*`, with wildcards; `None` if it is of separators only.
    pub fn pattern(pattern: &Pattern) -> Option<Self> {
        let mut parts = pattern.0.clone();
        for part in &mut parts {
            if let PatternPart::Text(text) = part {
                let mut lower = String::new();
                lower_case(text, &mut lower);
                *text = lower;
            }
        }
        // A term is compared without what leads and trails it, so the pattern has to come without it too.
        if let Some(PatternPart::Text(text)) = parts.first_mut() {
            *text = text.trim_start_matches(CONNECTORS).to_owned();
        }
        if let Some(PatternPart::Text(text)) = parts.last_mut() {
            *text = text.trim_end_matches(CONNECTORS).to_owned();
        }
        let is_empty = |part: &PatternPart| matches!(part, PatternPart::Text(text) if text.is_empty());
        parts.retain(|part| !is_empty(part));
        let lower = Pattern(parts);
        let says_nothing = lower.0.is_empty() || lower.is_any();
        (!says_nothing).then(|| Self(Kind::Pattern(Wildcard::new(&lower))))
    }

    /// Whether they are in `text`.
    pub fn matches(&self, text: &str) -> bool {
        match &self.0 {
            Kind::Phrase(phrase) if text.is_ascii() => phrase.is_ascii && phrase.is_in_ascii(text),
            Kind::Phrase(phrase) => phrase.is_in(text),
            Kind::Pattern(wildcard) => {
                let mut lower = String::new();
                words(text).chain(terms(text)).any(|word| {
                    lower_case(word, &mut lower);
                    wildcard.matches(&lower)
                })
            }
        }
    }

    /// The words that every text with a match has, as [`tokens`] gives them.
    pub(crate) fn needles(&self) -> Vec<String> {
        match &self.0 {
            Kind::Phrase(phrase) => {
                let words = phrase.words.iter().filter(|word| word.len() <= TOKEN_BYTES_MAX);
                words.map(ToString::to_string).collect()
            }
            Kind::Pattern(_) => Vec::new(),
        }
    }
}

impl Phrase {
    /// By a search for the longest word; `text` is ASCII.
    fn is_in_ascii(&self, text: &str) -> bool {
        let lower = text.to_ascii_lowercase();
        let lower = lower.as_bytes();
        let (before, from_anchor) = self.words.split_at(self.anchor);
        self.finder.find_iter(lower).any(|start| {
            let head = &lower[..start];
            !head.last().is_some_and(u8::is_ascii_alphanumeric)
                && goes_on(&lower[start..], from_anchor)
                && went_before(head, before)
        })
    }

    fn is_in(&self, text: &str) -> bool {
        let texts: Vec<&str> = words(text).collect();
        texts.windows(self.words.len()).any(|window| {
            window
                .iter()
                .zip(&self.words)
                .all(|(text, word)| text.chars().flat_map(char::to_lowercase).eq(word.chars()))
        })
    }
}

/// Whether `text`, which begins with a word, goes on with `words`.
fn goes_on(mut text: &[u8], words: &[Box<str>]) -> bool {
    for word in words {
        let start = text.iter().position(u8::is_ascii_alphanumeric).unwrap_or(text.len());
        match text[start..].strip_prefix(word.as_bytes()) {
            Some(rest) if !rest.first().is_some_and(u8::is_ascii_alphanumeric) => text = rest,
            _ => return false,
        }
    }
    true
}

/// Whether `text` ends with `words`, and something that separates.
fn went_before(mut text: &[u8], words: &[Box<str>]) -> bool {
    for word in words.iter().rev() {
        let end = text.iter().rposition(u8::is_ascii_alphanumeric).map_or(0, |last| last + 1);
        match text[..end].strip_suffix(word.as_bytes()) {
            Some(rest) if !rest.last().is_some_and(u8::is_ascii_alphanumeric) => text = rest,
            _ => return false,
        }
    }
    true
}

/// Runs of letters and digits.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// What stands between spaces, brackets, quotes and the like, without what leads and trails it.
fn terms(text: &str) -> impl Iterator<Item = &str> {
    let terms = text.split(|char: char| !char.is_alphanumeric() && !CONNECTORS.contains(&char));
    terms.map(|term| term.trim_matches(CONNECTORS)).filter(|term| term.contains(CONNECTORS))
}

/// Puts `word` in lower case into `lower`: character by character, so that a part of a text has the same lower
/// case as the part has alone.
fn lower_case(word: &str, lower: &mut String) {
    lower.clear();
    if word.is_ascii() {
        lower.push_str(word);
        lower.make_ascii_lowercase();
    } else {
        lower.extend(word.chars().flat_map(char::to_lowercase));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all_tokens(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        tokens(text, |token| all.push(token.to_owned()));
        all
    }

    #[test]
    fn a_text_is_cut_at_what_is_neither_letter_nor_digit() {
        for (text, expected) in [
            ("Payment FAILED: a@B.com", "payment failed a b com"),
            ("user_id=4711, /api/v1", "user id 4711 api v1"),
            ("ÄÖÜ straße", "äöü straße"),
            ("日本 ok", "日本 ok"),
            ("... --", ""),
        ] {
            assert_eq!(all_tokens(text).join(" "), expected, "{text}");
        }
        assert_eq!(all_tokens(&"a".repeat(TOKEN_BYTES_MAX + 1)), Vec::<String>::new());
    }

    #[test]
    fn phrases_are_found_at_word_boundaries_ignoring_case_and_separators() {
        let long = "x".repeat(TOKEN_BYTES_MAX + 1);
        for (phrase, text, expected) in [
            ("payment", "payment-service/7 failed", true),
            ("pay", "payment-service/7 failed", false),
            ("Service/7", "payment-service/7 failed", true),
            ("service failed", "payment-service/7 failed", false),
            ("jane@example.com", "<mailto:JANE@Example.com>", true),
            ("jane@example.com", "jane@example.community", false),
            ("b c", "a b, b c", true),
            ("b b c", "a b, b c", true),
            ("a", "aa a", true),
            ("a a", "aa a", false),
            ("STRASSE", "straße", false),
            ("ÉTÉ", "l'été dernier", true),
            ("k", "5 \u{212a}", true),
            ("s", "\u{17f}", false),
            (long.as_str(), long.as_str(), true),
        ] {
            assert_eq!(Words::phrase(phrase).expect("words").matches(text), expected, "{phrase} in {text}");
        }
        assert!(Words::phrase("-- ...").is_none());
        assert!(Words::phrase(&"a ".repeat(PHRASE_WORDS_MAX + 1)).is_none());
    }

    #[test]
    fn patterns_are_compared_with_words_and_with_terms() {
        use PatternPart::{Any, One, Text};
        let text = |text: &str| Text(text.to_owned());
        for (pattern, message, expected) in [
            (vec![text("PAY"), Any], "a payment", true),
            (vec![text("pay"), Any], "repay it", false),
            (vec![text("/api/"), Any], "GET /api/v1/orders HTTP/1.1", true),
            (vec![Any, text("@example.com")], "mail from Jane@Example.com.", true),
            (vec![text("caf"), One], "the café", true),
            (vec![text("a"), Any, text("b")], "a b", false),
        ] {
            let words = Words::pattern(&Pattern(pattern.clone())).expect("a pattern");
            assert_eq!(words.matches(message), expected, "{pattern:?} in {message}");
        }
        assert!(Words::pattern(&Pattern(vec![text("--"), Any])).is_none());
    }

    proptest! {
        #[test]
        fn the_search_of_ascii_agrees_with_the_slow_one(phrase in "[aAbB .]{1,6}", text in "[aAbB .-]{0,16}") {
            if let Some(Words(Kind::Phrase(phrase))) = Words::phrase(&phrase) {
                prop_assert_eq!(phrase.is_in_ascii(&text), phrase.is_in(&text));
            }
        }

        #[test]
        fn the_words_of_ascii_are_those_of_any_text(text in "[aZ0_ .\\t-]{0,20}(a{60,70})?[ b]{0,3}") {
            let (mut quick, mut slow) = (Vec::new(), Vec::new());
            ascii_tokens(&text, |token| quick.push(token.to_owned()));
            any_tokens(&text, |token| slow.push(token.to_owned()));
            prop_assert_eq!(quick, slow);
        }

        #[test]
        fn a_match_has_every_needle(phrase in "[aAbÉé .]{1,6}", text in "[aAbÉé .-]{0,16}") {
            if let Some(words) = Words::phrase(&phrase) && words.matches(&text) {
                let tokens = all_tokens(&text);
                prop_assert!(words.needles().iter().all(|needle| tokens.contains(needle)));
            }
        }
    }
}
