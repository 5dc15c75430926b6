//! A tree as a query again, for links, logs and "show this as a query".
//!
//! What is printed parses to the same tree. Everything that could mean something else is escaped, so a query is
//! printed in a plainer form than it may have been typed: `-a` as `NOT a`, `a:(b OR c)` as `a:b OR a:c`.

use std::fmt::{self, Write};
use std::slice;

use crate::expression::{Expression, Operand, Query, RangeBound, Term};
use crate::scanner::is_operator_word;
use crate::wildcard::PatternPart;

impl fmt::Display for Query {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.filter, &self.stats) {
            (filter, None) => write!(out, "{filter}"),
            (Expression::All, Some(stats)) => write!(out, "{stats}"),
            (filter, Some(stats)) => write!(out, "{filter} {stats}"),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => out.write_str("*"),
            Self::And(parts) => {
                joined(parts, " AND ", |part| matches!(part, Self::And(_) | Self::Or(_)), out)
            }
            Self::Or(parts) => joined(parts, " OR ", |part| matches!(part, Self::Or(_)), out),
            Self::Not(part) => {
                out.write_str("NOT ")?;
                joined(slice::from_ref(&**part), "", |part| matches!(part, Self::And(_) | Self::Or(_)), out)
            }
            Self::Field { name, operand, .. } => {
                write_bare(name, Place::Head, out)?;
                write!(out, "{operand}")
            }
            Self::Words { term, .. } => write_term(term, Place::Head, out),
        }
    }
}

/// `parts` with `operator` between them, in parentheses where they need it: never more than were typed, so that
/// what is printed nests no deeper.
fn joined(
    parts: &[Expression],
    operator: &str,
    needs_parentheses: impl Fn(&Expression) -> bool,
    out: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.write_str(operator)?;
        }
        if needs_parentheses(part) {
            write!(out, "({part})")?;
        } else {
            write!(out, "{part}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Operand {
    /// What stands behind the field's name.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => out.write_str(":*"),
            Self::Is(term) => {
                out.write_char(':')?;
                write_term(term, Place::Value, out)
            }
            Self::Regex(regex) => write!(out, " =~ \"{}\"", regex.replace('"', "\\\"")),
            Self::Range { lower: Some(lower), upper: None } => {
                out.write_str(if lower.is_inclusive { ":>=" } else { ":>" })?;
                write_bound(lower, out)
            }
            Self::Range { lower: None, upper: Some(upper) } => {
                out.write_str(if upper.is_inclusive { ":<=" } else { ":<" })?;
                write_bound(upper, out)
            }
            Self::Range { lower: None, upper: None } => out.write_str(":[* TO *]"),
            Self::Range { lower: Some(lower), upper: Some(upper) } => {
                out.write_str(if lower.is_inclusive { ":[" } else { ":{" })?;
                write_bound(lower, out)?;
                out.write_str(" TO ")?;
                write_bound(upper, out)?;
                out.write_str(if upper.is_inclusive { "]" } else { "}" })
            }
        }
    }
}

fn write_bound(bound: &RangeBound, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let is_plain = |char: char| char.is_alphanumeric() || "._-:+/".contains(char);
    let is_word = is_operator_word(&bound.text) || bound.text.eq_ignore_ascii_case("to");
    if !bound.text.is_empty() && !is_word && bound.text.chars().all(is_plain) {
        out.write_str(&bound.text)
    } else {
        write_quoted(&bound.text, out)
    }
}

fn write_term(term: &Term, place: Place, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    match term {
        Term::Bare(text) => write_bare(text, place, out),
        Term::Quoted(text) => write_quoted(text, out),
        Term::Pattern(pattern) => {
            for (index, part) in pattern.0.iter().enumerate() {
                match part {
                    PatternPart::Any => out.write_char('*')?,
                    PatternPart::One => out.write_char('?')?,
                    PatternPart::Text(text) if index == 0 => write_bare(text, place, out)?,
                    PatternPart::Text(text) => write_escaped(text, place, out)?,
                }
            }
            Ok(())
        }
    }
}

/// Text in quotes, as the statistics have it too.
pub(crate) fn write_quoted(text: &str, out: &mut impl Write) -> fmt::Result {
    out.write_char('"')?;
    for char in text.chars() {
        if matches!(char, '"' | '\\') {
            out.write_char('\\')?;
        }
        out.write_char(char)?;
    }
    out.write_char('"')
}

/// Where a bare text stands, which decides what has a meaning in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Where a field's name could be.
    Head,
    /// Behind a field's colon.
    Value,
}

/// Text without quotes, from its first character on.
fn write_bare(text: &str, place: Place, out: &mut impl Write) -> fmt::Result {
    let has_meaning = match place {
        Place::Head => text.starts_with(['-', '+']),
        Place::Value => text.starts_with(['[', '{']),
    };
    if has_meaning || is_operator_word(text) {
        out.write_char('\\')?;
        let first = text.chars().next().map_or(0, char::len_utf8);
        out.write_str(&text[..first])?;
        return write_escaped(&text[first..], place, out);
    }
    write_escaped(text, place, out)
}

fn write_escaped(text: &str, place: Place, out: &mut impl Write) -> fmt::Result {
    for char in text.chars() {
        let is_plain = char.is_alphanumeric()
            || "_.@/-,;#%$'".contains(char)
            || (place == Place::Value && ":=+~[]{}".contains(char));
        if !is_plain {
            out.write_char('\\')?;
        }
        out.write_char(char)?;
    }
    Ok(())
}
