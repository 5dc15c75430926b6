//! Secrets out of a line before it is kept anywhere.
//!
//! The line itself is rewritten rather than the record, because the line is what is kept: as rejects, as raw
//! lines, as fields that nobody foresaw, and as the copies of one value that several fields hold (a query stands
//! in the request, in the referrer, in an error's message). So `params` and `json_keys` look through the whole
//! line and through every escaping that is usual; they may redact more than the field that the rule names, never
//! less. A whole field goes by its keys in JSON and by its place in the other formats.
//!
//! A key with dots is read as the objects that it stands for: senders flatten them, and so does OTLP's intake. What
//! nested JSON would lose under one of the parts goes under the whole key too.
//!
//! What is put in has no quotes and no blanks, so the line is one of its format afterwards too, and its other
//! fields are what they were.

mod json_value;
mod place;
mod symbol;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use weir_record::{Format, REDACTED, Value, canonical_name, known_field, logged_text};

use json_value::{Quote, bare_end, nested_end};
use place::Place;
use symbol::{Symbol, Writing, after_blanks, after_name, is_escape_letter, is_name_byte, quote_at, symbol};

/// The most rules; a [`RuleSet`] has a bit for each.
pub const RULES_MAX: usize = 64;

/// The longest index of a list that is followed behind a parameter's name: `token[0]=`.
const INDEX_BYTES_MAX: usize = 64;

/// What is to be redacted. Without names it is the whole field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedactRule {
    /// The field's name, ours or a format's.
    pub field: String,
    /// Names that the same field has in lines.
    pub other_names: Vec<String>,
    /// Parameters as in a URL: what stands behind `name=`.
    pub params: Vec<String>,
    /// Members of JSON objects, however deep and in whatever strings.
    pub json_keys: Vec<String>,
}

/// Some of a [`Redactor`]'s rules, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleSet(u64);

impl RuleSet {
    /// All rules: for lines of which nothing is known.
    pub const ALL: Self = Self(u64::MAX);
    /// No rule.
    pub const NONE: Self = Self(0);

    /// The same with rule `number`, which is below [`RULES_MAX`].
    #[must_use]
    pub fn with(self, number: usize) -> Self {
        Self(self.0 | 1 << (number % RULES_MAX))
    }

    /// These and those.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn has(self, number: usize) -> bool {
        self.0 >> (number % RULES_MAX) & 1 == 1
    }
}

/// Rewrites lines by rules.
#[derive(Debug)]
pub struct Redactor {
    params: Names,
    keys: Names,
    /// Whole fields by their place, with the number of their rule.
    places: Vec<(usize, Place)>,
    rules: usize,
}

/// Names that are looked for.
#[derive(Debug)]
struct Names {
    names: Vec<Name>,
    /// For each byte, whether a name begins with it, in capitals or not.
    is_first: [bool; 256],
}

/// A name that is looked for.
#[derive(Debug)]
struct Name {
    /// In small letters.
    text: Box<[u8]>,
    rule: usize,
    part: Part,
}

/// Which part of a value is redacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    /// Of a URL, a path or a request.
    Path,
    /// Of the same.
    Query,
}

/// The text in quotes that is being read, which may be the key of a member.
#[derive(Clone, Copy, Debug, Default)]
struct KeyText {
    opening: Option<Symbol>,
    /// Where the first of its parts begins that is a name.
    first_part: Option<usize>,
}

/// A part of the line that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cut {
    start: usize,
    end: usize,
    /// Where a quote stands that what is put in is quoted with; empty for none.
    quote: (usize, usize),
}

impl Redactor {
    /// A redactor with these rules, of which there may be [`RULES_MAX`]; what is beyond is not looked at.
    pub fn new(rules: &[RedactRule]) -> Self {
        let (mut params, mut keys, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (number, rule) in rules.iter().enumerate().take(RULES_MAX) {
            let name = |text: &String, part| Name::new(text, number, part);
            params.extend(rule.params.iter().map(|text| name(text, Part::Whole)));
            keys.extend(rule.json_keys.iter().map(|text| name(text, Part::Whole)));
            if rule.params.is_empty() && rule.json_keys.is_empty() {
                for field in rule.other_names.iter().chain([&rule.field]) {
                    keys.extend(
                        keys_of(field).into_iter().map(|(text, part)| Name::new(&text, number, part)),
                    );
                    let query = url_parts(field).contains(&Part::Query).then_some("query");
                    let of_line = [Some(field.as_str()), query].into_iter().flatten().filter_map(Place::of);
                    places.extend(of_line.map(|place| (number, place)));
                }
            }
        }
        Self { params: Names::new(params), keys: Names::new(keys), places, rules: rules.len().min(RULES_MAX) }
    }

    /// How many rules there are.
    pub fn rule_count(&self) -> usize {
        self.rules
    }

    /// The line without what `rules` redact; borrowed where nothing of it is there. `format` is that of the line,
    /// if that is known; a line need not be of its format.
    pub fn line<'l>(&self, format: Option<Format>, line: &'l [u8], rules: RuleSet) -> Cow<'l, [u8]> {
        if self.rules == 0 || rules == RuleSet::NONE {
            return Cow::Borrowed(line);
        }
        let is_json = !matches!(format, Some(Format::Alb | Format::Combined));
        let mut cuts = Vec::new();
        if !self.params.names.is_empty() || !self.keys.names.is_empty() {
            self.scan(line, is_json, rules, &mut cuts);
        }
        for (_, place) in self.places.iter().filter(|(number, _)| rules.has(*number)) {
            let mut add = |start, end| cuts.push(Cut { start, end, quote: (0, 0) });
            place.find(format, line, &mut add);
        }
        rewritten(line, cuts)
    }

    /// A field that was said about a record beside its line, as it may be kept; `None` where it may as it is.
    ///
    /// Its name counts as the key of a member of JSON would, and so does each of the names that it is made of.
    pub fn value(&self, name: &str, value: &Value<'_>, rules: RuleSet) -> Option<Value<'static>> {
        if self.rules == 0 || rules == RuleSet::NONE {
            return None;
        }
        let text = match value {
            Value::Text(text) | Value::Json(text) => text.as_bytes(),
            _ => b"",
        };
        let mut cuts = Vec::new();
        let names = self.keys.names.iter().filter(|key| rules.has(key.rule));
        for part in names.filter_map(|key| key.part_of_field(name)) {
            match part {
                Part::Whole => {
                    let is_done = matches!(value, Value::Text(text) if text == REDACTED);
                    return (!is_done).then(|| Value::Text(REDACTED.into()));
                }
                Part::Path | Part::Query => {
                    let (start, end) = part_of(text, 0, text.len(), part);
                    cuts.push(Cut { start, end, quote: (0, 0) });
                }
            }
        }
        self.scan(text, true, rules, &mut cuts);
        match (rewritten(text, cuts), value) {
            (Cow::Borrowed(_), _) => None,
            (Cow::Owned(bytes), Value::Json(_)) => {
                Some(Value::Json(Cow::Owned(logged_text(&bytes).into_owned())))
            }
            (Cow::Owned(bytes), _) => Some(Value::Text(Cow::Owned(logged_text(&bytes).into_owned()))),
        }
    }

    /// Looks for names through the whole line, each byte once.
    fn scan(&self, line: &[u8], is_json: bool, rules: RuleSet, cuts: &mut Vec<Cut>) {
        let (mut at, mut key) = (0, KeyText::default());
        let (mut may_begin, mut is_behind_backslash) = (true, false);
        while let Some(found) = symbol(line, at) {
            at = found.end;
            let cut = if found.byte == b'"' {
                let cut = self.member(line, &key, found, rules);
                key = KeyText { opening: cut.is_none().then_some(found), first_part: None };
                cut
            } else if may_begin && self.params.may_begin_with(found.byte) {
                self.param(line, found, is_json, rules).map(|cut| (cut, cut.end))
            } else {
                None
            };
            if let Some((cut, go_on_at)) = cut {
                if cut.start < cut.end {
                    cuts.push(cut);
                }
                (at, may_begin, is_behind_backslash) = (go_on_at, true, false);
                continue;
            }
            if matches!(found.byte, b'"' | b'.') && key.is_unnamed() && self.is_part(line, at, rules) {
                key.first_part = Some(at);
            }
            // What `\n` stands for ends a name, and `n` may begin one where the backslash stands for itself.
            may_begin = !is_name_byte(found.byte) || is_behind_backslash && is_escape_letter(found.byte);
            is_behind_backslash = found.byte == b'\\';
        }
    }

    /// What is to go of the parameter whose name may begin with `first`.
    fn param(&self, line: &[u8], first: Symbol, is_json: bool, rules: RuleSet) -> Option<Cut> {
        let of_name = |name: &Name| {
            let end = after_name(line, first.start, &name.text)?;
            let equals = symbol(line, after_index(line, end)).filter(|found| found.byte == b'=')?;
            Some(Cut { start: equals.end, end: param_end(line, equals, is_json), quote: (0, 0) })
        };
        self.params.names.iter().filter(|name| rules.has(name.rule)).find_map(of_name)
    }

    /// Whether one of the names is the part of a key that begins at `start`.
    fn is_part(&self, line: &[u8], start: usize, rules: RuleSet) -> bool {
        let may_begin = symbol(line, start).is_some_and(|first| self.keys.may_begin_with(first.byte));
        may_begin && self.parts_at(line, start, rules).next().is_some()
    }

    /// What the names redact of a value whose key has a part that begins at `start`.
    fn parts_at(&self, line: &[u8], start: usize, rules: RuleSet) -> impl Iterator<Item = Part> {
        let names = self.keys.names.iter().filter(move |name| rules.has(name.rule));
        names.filter_map(move |name| {
            let end = after_name(line, start, &name.text)?;
            match symbol(line, end)?.byte {
                // The value is in an object of this name, all of which goes.
                b'.' => Some(Part::Whole),
                _ => quote_at(line, end).map(|_| name.part),
            }
        })
    }

    /// What is to go of the member whose key ends with the quote `closing`, and where to go on.
    fn member(&self, line: &[u8], key: &KeyText, closing: Symbol, rules: RuleSet) -> Option<(Cut, usize)> {
        let (opening, first_part) = (key.opening?, key.first_part?);
        let colon = symbol(line, after_blanks(line, closing.end)).filter(|found| found.byte == b':')?;
        let quote = Quote::of(line, opening)?;
        let (mut has_path, mut has_query, mut part_start) = (false, false, Some(first_part));
        let value_start = after_blanks(line, colon.end);
        while let Some(start) = part_start {
            for part in self.parts_at(line, start, rules) {
                match part {
                    Part::Whole => return Some(value_cut(line, value_start, &quote, Part::Whole)),
                    Part::Path => has_path = true,
                    Part::Query => has_query = true,
                }
            }
            part_start = next_part(line, start, closing.start);
        }
        let path = has_path.then(|| value_cut(line, value_start, &quote, Part::Path));
        let query = has_query.then(|| value_cut(line, value_start, &quote, Part::Query));
        match (path, query) {
            (Some((path, at)), Some((query, _))) if path.start < path.end && query.start < query.end => {
                let (start, end) = (path.start.min(query.start), path.end.max(query.end));
                Some((Cut { start, end, ..path }, at))
            }
            (Some(path), Some(query)) => Some(if path.0.start < path.0.end { path } else { query }),
            (path, query) => path.or(query),
        }
    }
}

impl Name {
    fn new(text: &str, rule: usize, part: Part) -> Self {
        Self { text: text.to_ascii_lowercase().into_bytes().into(), rule, part }
    }

    /// What this redacts of the value of `field`, which it or a part of it names; `None` where none does.
    fn part_of_field(&self, field: &str) -> Option<Part> {
        let starts = std::iter::once(0).chain(field.match_indices('.').map(|(dot, _)| dot + 1));
        let mut parts = starts.filter_map(|start| {
            let (name, rest) = field.as_bytes()[start..].split_at_checked(self.text.len())?;
            let is_it = name.eq_ignore_ascii_case(&self.text);
            match rest.first() {
                None => is_it.then_some(self.part),
                Some(b'.') => is_it.then_some(Part::Whole),
                Some(_) => None,
            }
        });
        parts.next()
    }
}

impl KeyText {
    /// Whether a part of it may be a name, and none was found yet.
    fn is_unnamed(&self) -> bool {
        self.opening.is_some() && self.first_part.is_none()
    }
}

impl Names {
    fn new(names: Vec<Name>) -> Self {
        let mut is_first = [false; 256];
        for first in names.iter().filter_map(|name| name.text.first()) {
            is_first[usize::from(*first)] = true;
            is_first[usize::from(first.to_ascii_uppercase())] = true;
            // Other letters may be written as `\u0441`.
            is_first[usize::from(u8::MAX)] |= !first.is_ascii();
        }
        Self { names, is_first }
    }

    fn may_begin_with(&self, byte: u8) -> bool {
        self.is_first[usize::from(byte)]
    }
}

/// The keys under which JSON lines hold a field, and the part of their values that is it.
fn keys_of(field: &str) -> Vec<(String, Part)> {
    let canonical = canonical_name(field);
    let mut names = vec![field.to_owned(), canonical.to_owned()];
    if let Some(known) = known_field(field) {
        names.extend(known.aliases.iter().map(|alias| (*alias).to_owned()));
    }
    // What only one of the parsers knows by this name.
    let more = match canonical {
        "query" => Some("request_query"),
        "message" => Some("msg"),
        _ => None,
    };
    names.extend(more.map(str::to_owned));
    // A nested field, whose name has dots, goes by its own name wherever that stands.
    names.extend(field.rsplit_once('.').map(|(_, last)| last.to_owned()));
    // As GELF writes what is not its own.
    names.extend(names.clone().iter().map(|name| format!("_{name}")));
    names.sort();
    names.dedup();
    let url_keys = ["path", "request", "request_uri", "uri"];
    let is_url_key = |name: &String| url_keys.contains(&name.as_str());
    let parts = url_parts(field);
    let whole = names.into_iter().filter(|name| parts.is_empty() || !is_url_key(name));
    let mut keys: Vec<(String, Part)> = whole.map(|name| (name, Part::Whole)).collect();
    for part in parts {
        keys.extend(url_keys.map(|name| (name.to_owned(), *part)));
    }
    keys
}

/// The parts of a URL that a field is.
fn url_parts(field: &str) -> &'static [Part] {
    match (field, canonical_name(field)) {
        // By these names it has its query with it.
        ("request_uri" | "uri", _) => &[Part::Path, Part::Query],
        (_, "path") => &[Part::Path],
        (_, "query") => &[Part::Query],
        _ => &[],
    }
}

/// Behind the indexes of a list, as in `token[]=` and `token[0][a]=`.
fn after_index(line: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(found) = symbol(line, at).filter(|found| found.byte == b'[') {
        let mut inner = found.end;
        loop {
            match symbol(line, inner) {
                Some(found) if found.end - start <= INDEX_BYTES_MAX => {
                    inner = found.end;
                    if found.byte == b']' {
                        break;
                    }
                }
                _ => return at,
            }
        }
        at = inner;
    }
    at
}

/// Where the value behind `equals` ends. What is escaped once more than the `=` is a part of the value.
fn param_end(line: &[u8], equals: Symbol, is_json: bool) -> usize {
    let level_of = |writing: Writing| if let Writing::Percent(level) = writing { level } else { 0 };
    let level = level_of(equals.writing);
    let mut at = equals.end;
    while let Some(found) = symbol(line, at) {
        let is_end = matches!(found.byte, b'&' | b'#' | b'"' | b' ' | b'\t' | b'\r' | b'\n');
        let counts = match found.writing {
            Writing::Plain => true,
            Writing::Percent(own) => own <= level,
            // JSON writers may write `&` so; elsewhere a client did.
            Writing::Unicode => is_json && found.backslashes == 1,
            Writing::Hexadecimal => false,
        };
        if is_end && counts {
            break;
        }
        at = found.end;
    }
    at
}

/// Where the part of a key begins that is behind the one at `start`; the key ends at `end`.
fn next_part(line: &[u8], start: usize, end: usize) -> Option<usize> {
    let mut at = start;
    while let Some(found) = symbol(line, at).filter(|found| found.end <= end) {
        if found.byte == b'.' {
            return Some(found.end);
        }
        at = found.end;
    }
    None
}

/// What is to go of the JSON value at `start`, and where to go on. `key` is a quote of its name.
fn value_cut(line: &[u8], start: usize, key: &Quote, part: Part) -> (Cut, usize) {
    let nothing = (Cut { start, end: start, quote: (0, 0) }, start);
    let Some(first) = symbol(line, start) else { return nothing };
    if let Some(quote) = quote_at(line, start).and_then(|found| Quote::of(line, found)) {
        let (end, is_closed) = quote.content_end(line);
        let (start, end) = part_of(line, quote.end, end.max(quote.end), part);
        let go_on_at = match part {
            Part::Whole if is_closed => end + (quote.end - quote.start),
            Part::Whole => end,
            Part::Path | Part::Query => quote.end,
        };
        return (Cut { start, end, quote: (0, 0) }, go_on_at);
    }
    let end = match first.byte {
        b'{' | b'[' => nested_end(line, start, key),
        _ => bare_end(line, start),
    };
    (Cut { start, end, quote: (key.start, key.end) }, end)
}

/// The part of the URL, path or request between `start` and `end`.
fn part_of(line: &[u8], start: usize, end: usize, part: Part) -> (usize, usize) {
    if part == Part::Whole {
        return (start, end);
    }
    let text = &line[start..end];
    let method_len = text.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let target = if method_len > 0 && text.get(method_len) == Some(&b' ') { method_len + 1 } else { 0 };
    let version = text.iter().rposition(|&byte| byte == b' ');
    let version = version.filter(|&space| space >= target && text[space + 1..].starts_with(b"HTTP/"));
    let target_end = start + version.unwrap_or(text.len());
    let mut at = start + target;
    // It stays a path.
    let path = at + usize::from(line.get(at) == Some(&b'/') && at < target_end);
    while let Some(found) = symbol(line, at).filter(|found| found.end <= target_end) {
        if found.byte == b'?' && !matches!(found.writing, Writing::Percent(_)) {
            return if part == Part::Query { (found.end, target_end) } else { (path, found.start) };
        }
        at = found.end;
    }
    if part == Part::Query { (target_end, target_end) } else { (path, target_end) }
}

/// The line without its cuts.
fn rewritten(line: &[u8], mut cuts: Vec<Cut>) -> Cow<'_, [u8]> {
    // A parser may see the brackets as those of an address.
    let is_done =
        |text: &[u8]| text == REDACTED.as_bytes() || text == REDACTED.trim_matches(['[', ']']).as_bytes();
    cuts.retain(|cut| cut.start < cut.end && !is_done(&line[cut.start..cut.end]));
    if cuts.is_empty() {
        return Cow::Borrowed(line);
    }
    cuts.sort_unstable();
    let mut result = Vec::with_capacity(line.len());
    let mut written = 0;
    let mut cuts = cuts.into_iter().peekable();
    while let Some(mut cut) = cuts.next() {
        while let Some(next) = cuts.next_if(|next| next.start < cut.end) {
            // Of two that begin together the longer one knows how to be quoted.
            let is_larger = next.start == cut.start && next.end > cut.end;
            let quote = if is_larger { next.quote } else { cut.quote };
            cut = Cut { start: cut.start, end: cut.end.max(next.end), quote };
        }
        let quote = &line[cut.quote.0..cut.quote.1];
        result.extend_from_slice(&line[written..cut.start]);
        result.extend_from_slice(quote);
        result.extend_from_slice(REDACTED.as_bytes());
        result.extend_from_slice(quote);
        written = cut.end;
    }
    result.extend_from_slice(&line[written..]);
    Cow::Owned(result)
}
