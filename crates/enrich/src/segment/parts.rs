//! A segment part by part: words, ids, and the punctuation between them.
//!
//! Base64url tokens hold dashes and underscores, so a token looks like a few short words. That is
//! settled per run, the text between other punctuation: where one word of a run is surely a token, or
//! its letters as a whole do not read like words, the run is a token, behind a leading word
//! (`card_{token}`) if that surely is one. Runs of capitals and digits are codes: `INV-2026-0017`.

use crate::letters;
use crate::placeholder::Placeholder;
use crate::word::{self, Fold};

use super::exact::{self, Dotted};
use super::file_name::{self, Extension};
use super::{Classes, DIGIT, DOT, JOINER, LOWER, UPPER};

/// More placeholders than this in one segment, and the segment is a token.
const MAX_PLACEHOLDERS: usize = 4;

/// Writes what `segment` becomes, part by part; `false`, with rubbish behind the old end, if it stays.
pub(super) fn fold(segment: &[u8], classes: Classes, out: &mut Vec<u8>) -> bool {
    let extension = if classes & DOT == 0 { None } else { file_name::extension(segment) };
    if classes & JOINER != 0
        && let Some(behind) = slug(segment, extension)
    {
        out.extend_from_slice(Placeholder::Slug.text());
        out.extend_from_slice(behind);
        return true;
    }
    let hash_start =
        extension.filter(|kind| *kind == Extension::Built).and_then(|_| file_name::short_hash_start(segment));
    let mut parts = Parts::new(extension, out);
    match hash_start.and_then(|start| segment.split_at_checked(start)) {
        Some((before, hash)) => {
            parts.read(before);
            parts.placeholder(Placeholder::Hash);
            parts.read(hash.get(file_name::SHORT_HASH_LEN..).unwrap_or_default());
        }
        None => parts.read(segment),
    }
    parts.finish()
}

/// What stands behind `red-shoes-for-men-48213`: three words or more, and a number of five digits or
/// more at an end.
///
/// Fewer words are rather the name of a thing and its number, `user-profile-48213`.
fn slug(segment: &[u8], extension: Option<Extension>) -> Option<&[u8]> {
    let stem = match extension {
        Some(_) => file_name::split_extension(segment)?.0,
        None => segment,
    };
    let is_number = |word: &[u8]| word.len() >= 5 && word::all_digits(word);
    let mut words = stem.split(|&byte| byte == b'-');
    if !words.next().is_some_and(is_number) && !words.next_back().is_some_and(is_number) {
        return None;
    }
    let is_word = |word: &&[u8]| word.len() >= 2 && word.iter().all(u8::is_ascii_lowercase);
    let is_slug = stem.iter().all(|byte| matches!(byte, b'-' | b'a'..=b'z' | b'0'..=b'9'))
        && stem.split(|&byte| byte == b'-').filter(is_word).count() >= 3;
    is_slug.then(|| segment.get(stem.len()..).unwrap_or_default())
}

struct Parts<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    extension: Option<Extension>,
    folded: bool,
    placeholders: usize,
    /// The run before this one, if it is only a placeholder, and where it ends in `out`.
    before: Option<(Placeholder, usize)>,
    run: Run,
}

/// Words and ids joined by dashes and underscores, as far as they have been read.
struct Run {
    /// Where it begins in `out`.
    start: usize,
    /// Its latest placeholder and where that ends in `out`.
    latest: Option<(Placeholder, usize)>,
    /// The dashes and underscores.
    joiners: usize,
    /// Whether one of its words is a token beyond doubt.
    has_token: bool,
}

impl Run {
    fn new(start: usize) -> Self {
        Self { start, latest: None, joiners: 0, has_token: false }
    }

    /// What the run is as a whole, if it is one thing; `text` is what it became part by part.
    fn placeholder(&self, text: &[u8]) -> Option<Placeholder> {
        if self.has_token || self.joiners == 0 {
            return self.has_token.then_some(Placeholder::Token);
        }
        let classes = kept(text).fold(0, |classes, word| classes | super::classes(word));
        if classes & (UPPER | DIGIT) == 0 {
            return None;
        }
        if classes & LOWER == 0 && classes & UPPER != 0 && (classes & DIGIT != 0 || has_number(text)) {
            return Some(Placeholder::Id);
        }
        let len: usize = kept(text).map(<[u8]>::len).sum();
        let score: i32 = kept(text).map(letters::word_score).sum();
        let is_camel_case = classes & LOWER != 0 && classes & UPPER != 0;
        let tolerance = if is_camel_case && len >= word::LONG { 0 } else { letters::signed(len) };
        (len >= 10 && score + tolerance < 0).then_some(Placeholder::Token)
    }
}

/// The text of a run without its placeholders: braces in a run are theirs.
fn kept(run: &[u8]) -> impl Iterator<Item = &[u8]> {
    run.split(|byte| matches!(byte, b'{' | b'}'))
        .enumerate()
        .filter(|(index, _)| index % 2 == 0)
        .map(|(_, text)| text)
}

fn has_number(run: &[u8]) -> bool {
    run.split(|byte| matches!(byte, b'{' | b'}')).any(|text| matches!(text, b"id" | b"date" | b"token"))
}

impl<'o> Parts<'o> {
    fn new(extension: Option<Extension>, out: &'o mut Vec<u8>) -> Self {
        let start = out.len();
        Self { out, start, extension, folded: false, placeholders: 0, before: None, run: Run::new(start) }
    }

    fn read(&mut self, mut rest: &[u8]) {
        while let Some(&byte) = rest.first() {
            let len = if super::is_alphanumeric(byte) {
                self.part(rest)
            } else if let Some(placeholder) = placeholder_at(rest) {
                self.placeholder(placeholder);
                placeholder.text().len()
            } else {
                self.punctuation(byte);
                1
            };
            rest = rest.get(len..).unwrap_or_default();
        }
    }

    /// Reads the id or word at the start of `rest`; its length.
    fn part(&mut self, rest: &[u8]) -> usize {
        if let Some((len, placeholder)) = id_at(rest) {
            match placeholder {
                Some(placeholder) => self.placeholder(placeholder),
                None => self.out.extend_from_slice(rest.get(..len).unwrap_or_default()),
            }
            return len;
        }
        let len = rest.iter().take_while(|byte| super::is_alphanumeric(**byte)).count();
        self.word(rest.get(..len).unwrap_or_default());
        len
    }

    fn word(&mut self, word: &[u8]) {
        match word::fold(word, self.extension.is_some()) {
            Fold::Keep => self.out.extend_from_slice(word),
            Fold::Number(at) => {
                self.out.extend_from_slice(word.get(..at).unwrap_or_default());
                self.placeholder(Placeholder::Id);
            }
            Fold::Whole(Placeholder::Id) if self.is_built() && word.len() >= file_name::SHORT_HASH_LEN => {
                self.placeholder(Placeholder::Hash);
            }
            Fold::Whole(placeholder) => {
                let is_mixed =
                    word.iter().any(u8::is_ascii_lowercase) && word.iter().any(u8::is_ascii_uppercase);
                self.run.has_token |=
                    placeholder == Placeholder::Token && (is_mixed || word.len() >= word::LONG);
                self.placeholder(placeholder);
            }
        }
    }

    fn is_built(&self) -> bool {
        self.extension == Some(Extension::Built)
    }

    /// Writes a placeholder; the second of two alike with at most a joiner between is left out.
    fn placeholder(&mut self, placeholder: Placeholder) {
        self.folded = true;
        let is_hash = placeholder == Placeholder::Token && self.is_built();
        let shown = if is_hash { Placeholder::Hash } else { placeholder };
        let is_joined = |end: usize| matches!(self.out.get(end..), Some([] | [b'-' | b'_']));
        match self.run.latest {
            Some((latest, end)) if latest == shown && is_joined(end) => self.out.truncate(end),
            _ => {
                self.out.extend_from_slice(shown.text());
                self.placeholders += 1;
            }
        }
        self.run.latest = Some((shown, self.out.len()));
    }

    fn punctuation(&mut self, byte: u8) {
        if matches!(byte, b'-' | b'_') {
            self.run.joiners += 1;
            self.out.push(byte);
        } else {
            self.end_run();
            self.out.push(byte);
            self.run = Run::new(self.out.len());
        }
    }

    /// Decides what the run is as a whole; a list of ids that are alike (`{token}.{token}`) is one.
    fn end_run(&mut self) {
        let text = self.out.get(self.run.start..).unwrap_or_default();
        if let Some(placeholder) = self.run.placeholder(text) {
            let prefix_len = prefix_len(text);
            self.out.truncate(self.run.start + prefix_len);
            self.run.latest = None;
            self.placeholder(placeholder);
        }
        let end = self.out.len();
        let only =
            self.run.latest.filter(|(latest, at)| *at == end && end - self.run.start == latest.text().len());
        match (self.before, only) {
            (Some((before, at)), Some((placeholder, _)))
                if before == placeholder && at + 1 == self.run.start =>
            {
                self.out.truncate(at);
                self.placeholders -= 1;
            }
            _ => self.before = only,
        }
    }

    fn finish(mut self) -> bool {
        self.end_run();
        if self.placeholders > MAX_PLACEHOLDERS {
            self.out.truncate(self.start);
            self.out.extend_from_slice(Placeholder::Token.text());
        }
        self.folded
    }
}

/// The id at the start of `rest` and its length; no placeholder for `1.0` and `v1.1`, which stay.
fn id_at(rest: &[u8]) -> Option<(usize, Option<Placeholder>)> {
    if let Some(len) = exact::uuid(rest) {
        return Some((len, Some(Placeholder::Uuid)));
    }
    match rest {
        [b'v' | b'V', numbers @ ..] => {
            let (len, dotted) = exact::dotted(numbers)?;
            let stays = matches!(dotted, Dotted::Short | Dotted::Decimal) && len <= "12.34".len();
            Some((len + 1, (!stays).then_some(Placeholder::Version)))
        }
        [b'0'..=b'9', ..] => {
            if let Some(len) = exact::date(rest) {
                return Some((len, Some(Placeholder::Date)));
            }
            let (len, dotted) = exact::dotted(rest)?;
            let placeholder = match dotted {
                Dotted::Short => None,
                Dotted::Decimal | Dotted::Version => Some(Placeholder::Version),
                Dotted::Address => Some(Placeholder::Ip),
            };
            Some((len, placeholder))
        }
        _ => None,
    }
}

/// The placeholder that is written at the start of `rest`.
fn placeholder_at(rest: &[u8]) -> Option<Placeholder> {
    Placeholder::ALL.into_iter().find(|placeholder| rest.starts_with(placeholder.text()))
}

/// The length of the word at the start of a token, with what joins it: four lower-case letters or
/// more, all of whose pairs are common. Random text seldom begins so.
fn prefix_len(run: &[u8]) -> usize {
    let word = run.split(|byte| matches!(byte, b'-' | b'_')).next().unwrap_or_default();
    let best_score = letters::signed(word.len().saturating_sub(1)) * 2;
    let is_word = word.len() >= 4
        && word.len() < run.len()
        && word.iter().all(u8::is_ascii_lowercase)
        && letters::word_score(word) == best_score;
    if is_word { word.len() + 1 } else { 0 }
}
