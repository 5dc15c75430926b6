//! From text to pieces: what stands as it is, and what is put in.
//!
//! Everything that can be wrong is found here and not when the text is needed: functions are looked up, their
//! arguments counted, regular expressions compiled. A place is told in characters, as people count.

use regex::Regex;

use super::TemplateError;
use super::function::Function;

/// How deep parentheses may be: each is a call of this program.
const NESTING_MAX: usize = 20;

/// A part of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    /// As it stands.
    Text(String),
    /// What comes of the calls.
    Action {
        /// One behind the other.
        calls: Vec<Call>,
        /// The place as it was written.
        written: String,
    },
}

/// A function and its arguments, or one argument without a function.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub function: Option<Function>,
    pub arguments: Vec<Operand>,
}

/// An argument.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Label(String),
    Value,
    ExternalUrl,
    Text(String),
    Number(f64),
    Group(Vec<Call>),
}

/// What Go has and annotations here do not.
const KEYWORDS: [&str; 12] =
    ["if", "else", "end", "range", "with", "define", "template", "block", "break", "continue", "and", "or"];

const PLACES: &str =
    "write {{ $value }}, {{ $labels.NAME }} or {{ $externalURL }}, and functions behind a `|`";

pub(super) fn parse(text: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let at = |rest: &str| text.len() - rest.len();
    let mut trims_next = false;
    while let Some((before, behind)) = rest.split_once("{{") {
        let start = at(rest) + before.len();
        let length = action_length(behind)
            .ok_or_else(|| error(text, start, "`{{` has no `}}` after it", "close it with `}}`"))?;
        let (action, after) = (&behind[..length], &behind[length + 2..]);
        let before = if trims_next { before.trim_start() } else { before };
        let trims_before = action.starts_with("- ") || action.starts_with("-\n") || action == "-";
        trims_next = action.ends_with(" -") || action.ends_with("\n-");
        let before = if trims_before { before.trim_end() } else { before };
        pieces.push(Piece::Text(before.to_owned()));
        let inner_start = start + 2 + usize::from(trims_before);
        let inner_end = start + 2 + length - usize::from(trims_next);
        let inner = text.get(inner_start..inner_end).unwrap_or_default();
        let comment = inner.trim();
        if !(comment.starts_with("/*") && comment.ends_with("*/")) {
            let mut parser = Parser { text, rest: inner, end: inner_end, depth: 0 };
            if parser.is_at_end() {
                return Err(error(text, start, "nothing between `{{` and `}}`", PLACES));
            }
            let calls = parser.pipeline()?;
            parser.expect_end()?;
            pieces.push(Piece::Action { calls, written: text[start..start + length + 4].to_owned() });
        }
        rest = after;
    }
    pieces.push(Piece::Text(if trims_next { rest.trim_start() } else { rest }.to_owned()));
    Ok(pieces)
}

/// The length of what stands before `}}`, which may also stand in a text.
fn action_length(behind: &str) -> Option<usize> {
    let mut quote = None;
    let mut is_escaped = false;
    for (at, char) in behind.char_indices() {
        match (quote, char) {
            (Some('"'), '\\') if !is_escaped => {
                is_escaped = true;
                continue;
            }
            (Some(open), char) if char == open && !is_escaped => quote = None,
            (None, '"' | '`') => quote = Some(char),
            (None, '}') if behind[at..].starts_with("}}") => return Some(at),
            _ => {}
        }
        is_escaped = false;
    }
    // A text without an end is told as such, with its place.
    behind.find("}}")
}

fn error(text: &str, at: usize, problem: impl Into<String>, hint: impl Into<String>) -> TemplateError {
    let offset = text.get(..at).map_or(0, |before| before.chars().count());
    TemplateError { problem: problem.into(), hint: hint.into(), offset }
}

struct Parser<'t> {
    text: &'t str,
    rest: &'t str,
    /// Where `rest` ends in `text`.
    end: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn at(&self) -> usize {
        self.end - self.rest.len()
    }

    fn is_at_end(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        self.rest.is_empty()
    }

    fn error(&self, at: usize, problem: impl Into<String>, hint: impl Into<String>) -> TemplateError {
        error(self.text, at, problem, hint)
    }

    fn expect_end(&mut self) -> Result<(), TemplateError> {
        if self.is_at_end() {
            return Ok(());
        }
        let found: String = self.rest.chars().take(20).collect();
        Err(self.error(self.at(), format!("`{found}` makes no sense here"), PLACES))
    }

    fn pipeline(&mut self) -> Result<Vec<Call>, TemplateError> {
        let mut calls = vec![self.call(false)?];
        loop {
            self.rest = self.rest.trim_start();
            let at = self.at();
            let Some(rest) = self.rest.strip_prefix('|') else { return Ok(calls) };
            self.rest = rest;
            if self.is_at_end() {
                return Err(self.error(at, "nothing behind `|`", "name a function, as humanize"));
            }
            calls.push(self.call(true)?);
        }
    }

    /// A function with its arguments, or an argument; what is behind a `|` must be a function.
    fn call(&mut self, is_piped: bool) -> Result<Call, TemplateError> {
        self.rest = self.rest.trim_start();
        let start = self.at();
        let word = self.word();
        if word.is_empty() || word.starts_with(['$', '.']) || word.starts_with(|c: char| c.is_ascii_digit()) {
            let operand = self.operand()?;
            let written = self.text.get(start..self.at()).unwrap_or_default().trim();
            self.rest = self.rest.trim_start();
            if is_piped || !(self.rest.is_empty() || self.rest.starts_with(['|', ')'])) {
                let problem = format!("`{written}` is no function and takes no arguments");
                return Err(self.error(start, problem, "write the function first: printf \"%.2f\" $value"));
            }
            return Ok(Call { function: None, arguments: vec![operand] });
        }
        if word == "externalURL" {
            self.rest = &self.rest[word.len()..];
            return Ok(Call { function: None, arguments: vec![Operand::ExternalUrl] });
        }
        let function = self.function(word, start)?;
        self.rest = &self.rest[word.len()..];
        let mut arguments = Vec::new();
        let mut first_argument = start;
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.is_empty() || self.rest.starts_with(['|', ')']) {
                break;
            }
            if arguments.is_empty() {
                first_argument = self.at();
            }
            arguments.push(self.operand()?);
        }
        let found = arguments.len() + usize::from(is_piped);
        if !function.takes(found) {
            let needs = function.arguments();
            let plural = if needs == 1 { "" } else { "s" };
            let problem = format!("`{word}` needs {needs} argument{plural}, found {found}");
            return Err(self.error(start, problem, "what is before a `|` is the last argument"));
        }
        if let (true, Some(Operand::Text(pattern))) = (function.has_pattern(), arguments.first())
            && let Err(problem) = Regex::new(pattern)
        {
            let hint = problem.to_string().lines().last().unwrap_or_default().to_owned();
            return Err(self.error(first_argument, format!("`{pattern}` is no regular expression"), hint));
        }
        Ok(Call { function: Some(function), arguments })
    }

    fn function(&self, word: &str, start: usize) -> Result<Function, TemplateError> {
        if KEYWORDS.contains(&word) {
            let hint = "write the text without conditions; a label that is not there is empty";
            return Err(self.error(start, format!("`{word}` is not for annotations here"), hint));
        }
        Function::named(word).ok_or_else(|| {
            let names: Vec<&str> = Function::ALL.iter().map(|(name, _)| *name).collect();
            let hint = format!("there are {}", names.join(", "));
            self.error(start, format!("unknown function `{word}`"), hint)
        })
    }

    fn operand(&mut self) -> Result<Operand, TemplateError> {
        self.rest = self.rest.trim_start();
        let start = self.at();
        if let Some(rest) = self.rest.strip_prefix('(') {
            return self.group(rest, start);
        }
        if self.rest.starts_with(['"', '`']) {
            return self.quoted(start);
        }
        let word = self.word();
        let number =
            word.parse::<f64>().ok().filter(|_| word.starts_with(|c: char| c.is_ascii_digit() || c == '-'));
        let label = word.strip_prefix("$labels.").or_else(|| word.strip_prefix(".Labels."));
        let operand = match (word, number, label) {
            ("$value" | ".Value", ..) => Operand::Value,
            ("$externalURL" | ".ExternalURL", ..) => Operand::ExternalUrl,
            (_, Some(number), _) => Operand::Number(number),
            (_, _, Some(name)) if !name.is_empty() && !name.contains('.') => Operand::Label(name.to_owned()),
            ("$labels" | ".Labels", ..) => {
                let problem = format!("`{word}` needs the name of a label");
                return Err(self.error(start, problem, format!("write {word}.NAME")));
            }
            _ if word.starts_with(['$', '.']) => {
                let name = match word.get(1..).and_then(|rest| rest.split_once('.')) {
                    Some((first, _)) => &word[..=first.len()],
                    None => word,
                };
                return Err(self.error(start, format!("unknown variable `{name}`"), PLACES));
            }
            _ => {
                let found: String = self.rest.chars().take(20).collect();
                return Err(self.error(start, format!("`{}` makes no sense here", found.trim_end()), PLACES));
            }
        };
        self.rest = &self.rest[word.len()..];
        Ok(operand)
    }

    fn group(&mut self, rest: &'t str, start: usize) -> Result<Operand, TemplateError> {
        let unclosed = |parser: &Self| parser.error(start, "`(` has no `)` after it", "close it with `)`");
        self.depth += 1;
        self.rest = rest;
        if self.depth > NESTING_MAX || self.is_at_end() {
            return Err(unclosed(self));
        }
        // What is missing at the end is missing because the parenthesis is open.
        let calls = if self.rest.contains(')') { self.pipeline()? } else { return Err(unclosed(self)) };
        self.rest = self.rest.trim_start();
        self.rest = self.rest.strip_prefix(')').ok_or_else(|| unclosed(self))?;
        self.depth -= 1;
        Ok(Operand::Group(calls))
    }

    fn quoted(&mut self, start: usize) -> Result<Operand, TemplateError> {
        let mut chars = self.rest.char_indices();
        let Some((_, quote)) = chars.next() else { return Ok(Operand::Text(String::new())) };
        let mut text = String::new();
        while let Some((at, char)) = chars.next() {
            if char == quote {
                self.rest = &self.rest[at + 1..];
                return Ok(Operand::Text(text));
            }
            if char == '\\' && quote == '"' {
                match chars.next().map(|(_, char)| char) {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some(char @ ('"' | '\\')) => text.push(char),
                    other => {
                        let shown = other.map(String::from).unwrap_or_default();
                        let problem = format!("`\\{shown}` is no escape");
                        return Err(self.error(start, problem, "in backticks a text stands as it is"));
                    }
                }
                continue;
            }
            text.push(char);
        }
        Err(self.error(start, "a text has no end", "close it with its quote"))
    }

    /// What stands up to a space or a mark; not taken.
    fn word(&self) -> &'t str {
        let is_end = |char: char| char.is_whitespace() || matches!(char, '|' | '(' | ')' | '"' | '`');
        self.rest.split(is_end).next().unwrap_or_default()
    }
}
