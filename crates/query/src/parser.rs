//! From text to a tree: operators, parentheses, and which words are a field's.
//!
//! By recursive descent, with bounds on length, depth and terms that no honest query meets, so that a hostile one
//! is an error and not a full stack. Both Lucene's and KQL's forms are taken, because people type from habit and
//! the two do not contradict each other here.

use crate::error::QueryError;
use crate::expression::{Column, Expression, Query, Term};
use crate::operand_parser::{Comparison, FieldName};
use crate::scanner::{Scanner, Stop};
use crate::stats_parser::parse_stats;
use crate::wildcard::Pattern;

/// How long a query may be, in bytes: more than a page, and less than most proxies take in a URL.
pub const QUERY_BYTES_MAX: usize = 16 * 1024;
/// How deep parentheses and `NOT` may nest. Each level is a few frames of the stack.
pub const NESTING_MAX: usize = 100;
/// How many terms a query may have: enough for a list of ids. Each is asked of each record.
pub const TERMS_MAX: usize = 1_000;

/// Reads a query.
///
/// # Errors
///
/// What is wrong with its form, and where. What is wrong with its values, [`Expression::compile`] says.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    if text.len() > QUERY_BYTES_MAX {
        let problem = format!("the query has {} bytes; {QUERY_BYTES_MAX} are allowed", text.len());
        return Err(QueryError::new(1, problem, "split it"));
    }
    let mut parser = Parser { scanner: Scanner::new(text), term_count: 0, depth: 0 };
    parser.scanner.skip_space();
    let filter = match parser.scanner.peek() {
        None => Expression::All,
        Some(_) if parser.scanner.is_at_pipe() => Expression::All,
        Some(_) => parser.any_of(None)?,
    };
    let scanner = &mut parser.scanner;
    let stats = if scanner.is_at_pipe() { Some(parse_stats(scanner)?) } else { None };
    match scanner.peek() {
        None => Ok(Query { filter, stats }),
        Some(_) => Err(scanner.error("`)` has no `(` before it", "leave it out, or write `\\)`")),
    }
}

/// A place in a query, and how much of what is bounded was used.
pub struct Parser<'a> {
    pub scanner: Scanner<'a>,
    term_count: usize,
    depth: usize,
}

impl Parser<'_> {
    /// Terms joined by OR. Inside `field:( )` the terms are values of `field`.
    pub fn any_of(&mut self, field: Option<&FieldName>) -> Result<Expression, QueryError> {
        let mut parts = vec![self.all_of(field)?];
        while self.accept_operator(&["OR", "or"], "||") {
            parts.push(self.all_of(field)?);
        }
        Ok(single_or(parts, Expression::Or))
    }

    /// Terms joined by AND or by nothing.
    fn all_of(&mut self, field: Option<&FieldName>) -> Result<Expression, QueryError> {
        let mut parts = vec![self.one(field)?];
        loop {
            if self.accept_operator(&["AND", "and"], "&&") {
                parts.push(self.one(field)?);
                continue;
            }
            let scanner = &self.scanner;
            let is_or =
                scanner.rest().starts_with('|') || matches!(scanner.operator_word(), Some("OR" | "or"));
            if is_or || matches!(scanner.peek(), None | Some(')')) {
                return Ok(single_or(parts, Expression::And));
            }
            parts.push(self.one(field)?);
        }
    }

    fn accept_operator(&mut self, words: &[&str], sign: &str) -> bool {
        self.scanner.skip_space();
        self.scanner.accept_word(words) || self.scanner.accept(sign)
    }

    /// One term, with what negates it.
    fn one(&mut self, field: Option<&FieldName>) -> Result<Expression, QueryError> {
        let is_negated = self.accept_operator(&["NOT", "not"], "!");
        if is_negated || self.accept_prefix('-')? {
            return self.nested(|parser| Ok(Expression::Not(Box::new(parser.one(field)?))));
        }
        self.accept_prefix('+')?;
        self.scanner.skip_space();
        if self.scanner.peek() == Some('(') {
            return self.parentheses(field);
        }
        self.expect_term()?;
        match field {
            Some(field) => self.operand(field),
            None => self.term(),
        }
    }

    /// Passes over a sign that stands right before a term.
    fn accept_prefix(&mut self, sign: char) -> Result<bool, QueryError> {
        let before = self.scanner.clone();
        let mut buffer = [0; 4];
        if !self.scanner.accept(sign.encode_utf8(&mut buffer)) {
            return Ok(false);
        }
        match self.scanner.peek() {
            Some(next) if !next.is_whitespace() && next != ')' => Ok(true),
            _ => Err(before.error(
                format!("`{sign}` stands alone"),
                format!(
                    "write it right before a term, or \"{sign}\" in double quotes with the words around it"
                ),
            )),
        }
    }

    /// What stands in the parentheses that begin here.
    pub fn parentheses(&mut self, field: Option<&FieldName>) -> Result<Expression, QueryError> {
        let opening = self.scanner.clone();
        self.scanner.accept("(");
        let inside = self.nested(|parser| parser.any_of(field))?;
        self.scanner.skip_space();
        if self.scanner.accept(")") {
            return Ok(inside);
        }
        Err(opening
            .error("`(` is not closed", "write `)` behind the last term, or `\\(` for the sign itself"))
    }

    /// One level deeper.
    fn nested(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<Expression, QueryError>,
    ) -> Result<Expression, QueryError> {
        if self.depth == NESTING_MAX {
            let problem = format!("parentheses and NOT are nested deeper than {NESTING_MAX} levels");
            return Err(self.scanner.error(problem, "split the query"));
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    /// An error unless a term can begin here; counts it.
    fn expect_term(&mut self) -> Result<(), QueryError> {
        self.term_count += 1;
        let scanner = &self.scanner;
        if self.term_count > TERMS_MAX {
            let problem = format!("the query has more than {TERMS_MAX} terms");
            return Err(scanner.error(problem, "split it"));
        }
        let hint = "put and, or and not in double quotes to look for these words";
        if let Some(word) = scanner.operator_word() {
            return Err(scanner.error(format!("`{word}` stands where a term is expected"), hint));
        }
        match scanner.peek() {
            None => Err(scanner.error("the query ends where a term is expected", hint)),
            Some(sign @ (')' | '|')) => {
                Err(scanner.error(format!("`{sign}` stands where a term is expected"), hint))
            }
            Some('&') if scanner.rest().starts_with("&&") => {
                Err(scanner.error("`&&` stands where a term is expected", hint))
            }
            Some(_) => Ok(()),
        }
    }

    /// A field with what it is asked, or a word or phrase for the message.
    fn term(&mut self) -> Result<Expression, QueryError> {
        let column = Column(self.scanner.column());
        if self.scanner.peek() == Some('"') {
            let start = self.scanner.clone();
            let text = self.scanner.quoted()?;
            if self.scanner.rest().starts_with(':') {
                if text.is_empty() {
                    return Err(nameless(&start, Comparison::Has));
                }
                return self.field(text, column, Comparison::Has);
            }
            return Ok(Expression::Words { term: Term::Quoted(text), column });
        }
        let start = self.scanner.clone();
        let head = self.scanner.term(Stop::Head)?;
        let behind_head = self.scanner.clone();
        self.scanner.skip_space();
        match Comparison::at(&self.scanner) {
            Some(comparison) if head.0.is_empty() => Err(nameless(&start, comparison)),
            Some(_) if head.is_any() && self.scanner.accept(":*") => Ok(Expression::All),
            Some(comparison) if !head.is_plain() => {
                let problem = format!("a field's name before `{}` has no wildcards", comparison.sign());
                Err(start.error(problem, "write one field, or put the text in double quotes"))
            }
            Some(comparison) => self.field(head.text(), column, comparison),
            None => {
                self.scanner = behind_head;
                Ok(words(head, column))
            }
        }
    }
}

fn nameless(start: &Scanner<'_>, comparison: Comparison) -> QueryError {
    let problem = format!("a field's name is missing before `{}`", comparison.sign());
    start.error(problem, "write field:value, or put the text in double quotes")
}

fn words(head: Pattern, column: Column) -> Expression {
    if head.is_any() {
        return Expression::All;
    }
    Expression::Words { term: as_term(head), column }
}

/// A text without quotes: a pattern if it has wildcards.
pub fn as_term(pattern: Pattern) -> Term {
    if pattern.is_plain() { Term::Bare(pattern.text()) } else { Term::Pattern(pattern) }
}

fn single_or(mut parts: Vec<Expression>, join: impl Fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}
