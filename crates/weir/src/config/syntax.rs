//! What a YAML syntax error means, in plain words.
//!
//! The parser says where it could not go on and in which of its states; a user wants to know which
//! character to change. Most mistakes in these files are few in kind: a tab, a bracket or quote left
//! open, a glob or a route template that YAML reads as its own signs. Each has its sentence here;
//! the rest shows the parser's own. The parser's texts are not a contract, so tests pin every one.

use saphyr_parser::ScanError;

use super::error::{ConfigError, Position};

const QUOTE_IT: &str = "put the value in quotes, for example \"*.example.com\" or \"/orders/{id}\"";
const LINE_UP: &str = "keys of one section begin in the same column, as do the `-` of a list";
const NOT_IN_LINE: &str = "this line does not line up with those above";
const CLOSE_QUOTE: &str = "close it in the same line; inside '...' write a quote as ''";

/// The parser's text for a key alone on its line.
const KEY_ALONE: &str = "simple key expect";

/// A part of the parser's text, what it means and what to do; the first that is found counts.
const SENTENCES: [(&str, &str, &str); 13] = [
    ("tab", "a tab where YAML wants spaces", "indent with spaces only"),
    ("unknown anchor", "`*` begins a YAML alias, and nothing has that name", QUOTE_IT),
    (
        "mapping values are not allowed",
        "a second `: ` in one value, or a key that does not line up with those above",
        "keys of one section begin in the same column; a value with `: ` in it needs quotes",
    ),
    (KEY_ALONE, "expected `:` and a value after this key", "write `key: value`"),
    ("did not find expected key", NOT_IN_LINE, LINE_UP),
    ("did not find expected '-' indicator", NOT_IN_LINE, LINE_UP),
    ("sequence entries are not allowed", NOT_IN_LINE, LINE_UP),
    ("quoted scalar, found unexpected", "this quote is not closed", CLOSE_QUOTE),
    ("indentation in quoted scalar", "this quote is not closed", CLOSE_QUOTE),
    ("trailing content after", "text after the closing quote", "inside '...' write a quote as ''"),
    (
        "unknown escape",
        "unknown escape in \"...\"",
        "write `\\\\` for a backslash, or use '...', where it is a plain character",
    ),
    ("misplaced bracket", "this bracket closes nothing", "remove it, or put the value in quotes"),
    ("recursion limit", "nested too deeply", "a config has at most 32 levels"),
];

/// Parts of the parser's texts that mean, inside a bracket, that it is not closed where it should be.
const UNCLOSED: [&str; 3] = ["flow", "illegal placement of ':'", "did not find expected node content"];

/// Rewrites `error`, which stopped the reading of `text` inside the collection that begins at `open`.
pub fn explain(text: &str, error: &ScanError, open: Option<Position>) -> ConfigError {
    let info = error.info();
    let position = leading_tab(text).filter(|_| info.contains("tab")).unwrap_or_else(|| place(text, error));
    let bracket = open.and_then(|open| Some((open, bracket_at(text, open)?)));
    match bracket {
        Some((open, bracket)) if UNCLOSED.iter().any(|part| info.contains(part)) => {
            unclosed(position, open, bracket)
        }
        _ => in_plain_words(position, info),
    }
}

fn unclosed(position: Position, open: Position, bracket: char) -> ConfigError {
    let close = if bracket == '[' { ']' } else { '}' };
    let Position { line, column } = open;
    ConfigError::new(position, format!("expected `,` or `{close}` for the `{bracket}` at {line}:{column}"))
        .with_hint("close the bracket before here; a value with `[`, `]`, `{`, `}` or `,` in it needs quotes")
}

fn in_plain_words(position: Position, info: &str) -> ConfigError {
    if let Some((_, message, hint)) = SENTENCES.iter().find(|(part, _, _)| info.contains(part)) {
        return ConfigError::new(position, *message).with_hint(*hint);
    }
    match info.strip_prefix("unexpected character: `").and_then(|rest| rest.chars().next()) {
        Some(sign) => {
            let message = format!("a value can't begin with `{}`", sign.escape_debug());
            ConfigError::new(position, message).with_hint(QUOTE_IT)
        }
        None => ConfigError::new(position, format!("not valid YAML: {info}")),
    }
}

/// The first tab that a line is indented with; the parser notices it only somewhere after the line before.
fn leading_tab(text: &str) -> Option<Position> {
    text.lines().enumerate().find_map(|(index, line)| {
        let indentation = line.chars().take_while(|char| char.is_whitespace());
        let column = indentation.into_iter().position(|char| char == '\t')? + 1;
        Some(Position { line: index + 1, column })
    })
}

/// Where the user has to look: the parser's place, except where the parser had to read on to notice.
fn place(text: &str, error: &ScanError) -> Position {
    let mark = error.marker();
    let found = Position { line: mark.line(), column: mark.col() + 1 };
    let is_written = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let lines_before = text.lines().take(found.line.saturating_sub(1)).enumerate();
    let Some((index, last)) = lines_before.filter(|(_, line)| is_written(line)).last() else {
        return found;
    };
    let line = index + 1;
    if error.info().contains(KEY_ALONE) {
        return Position { line, column: last.chars().take_while(|c| c.is_whitespace()).count() + 1 };
    }
    if text.lines().skip(found.line.saturating_sub(1)).any(is_written) {
        return found;
    }
    Position { line, column: last.trim_end().chars().count() + 1 }
}

fn bracket_at(text: &str, position: Position) -> Option<char> {
    let line = text.lines().nth(position.line.checked_sub(1)?)?;
    line.chars().nth(position.column.checked_sub(1)?).filter(|c| matches!(c, '[' | '{'))
}
