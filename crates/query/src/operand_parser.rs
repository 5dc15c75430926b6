//! What stands behind a field's name: an operator, and a value, a range, a pattern or a group.
//!
//! Lucene writes `status:>=500`, KQL `status >= 500`; the operator decides what may follow, and a colon allows
//! everything.

use crate::error::QueryError;
use crate::expression::{Column, Expression, Operand, RangeBound, Term};
use crate::parser::{Parser, as_term};
use crate::scanner::{Scanner, Stop};

/// A field that was read.
#[derive(Clone)]
pub struct FieldName {
    /// As typed.
    pub name: String,
    /// Where.
    pub column: Column,
}

/// The operator behind a field's name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `:`, `=`, `==`
    Has,
    /// `!=`
    HasNot,
    /// `=~`
    Matches,
    /// `!~`
    MatchesNot,
    /// `>` `>=`: whether the bound is included.
    Above(bool),
    /// `<` `<=`
    Below(bool),
}

/// The name that Lucene asks for existence with.
const EXISTS: &str = "_exists_";

/// Longer signs stand before those that they begin with.
const SIGNS: &[(&str, Comparison)] = &[
    ("=~", Comparison::Matches),
    ("!~", Comparison::MatchesNot),
    ("!=", Comparison::HasNot),
    ("==", Comparison::Has),
    (">=", Comparison::Above(true)),
    ("<=", Comparison::Below(true)),
    (">", Comparison::Above(false)),
    ("<", Comparison::Below(false)),
    (":", Comparison::Has),
    ("=", Comparison::Has),
];

impl Comparison {
    /// The operator that is here.
    pub fn at(scanner: &Scanner<'_>) -> Option<Self> {
        SIGNS.iter().find(|(sign, _)| scanner.rest().starts_with(sign)).map(|(_, comparison)| *comparison)
    }

    /// As it is written, in its longest form.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Has => ":",
            other => SIGNS.iter().find(|(_, comparison)| *comparison == other).map_or(":", |(sign, _)| sign),
        }
    }

    fn accept(scanner: &mut Scanner<'_>) -> Option<Self> {
        SIGNS.iter().find(|(sign, _)| scanner.accept(sign)).map(|(_, comparison)| *comparison)
    }
}

impl Parser<'_> {
    /// A field, whose operator is here.
    pub fn field(
        &mut self,
        name: String,
        column: Column,
        comparison: Comparison,
    ) -> Result<Expression, QueryError> {
        let field = FieldName { name, column };
        let asks_existence = field.name == EXISTS;
        if asks_existence && comparison != Comparison::Has {
            return Err(nameless_existence(&self.scanner));
        }
        match comparison {
            Comparison::Above(_) | Comparison::Below(_) => return self.operand(&field),
            _ => Comparison::accept(&mut self.scanner),
        };
        self.scanner.skip_space();
        match comparison {
            Comparison::Matches => self.regex(&field),
            Comparison::MatchesNot => Ok(Expression::Not(Box::new(self.regex(&field)?))),
            Comparison::HasNot => {
                self.expect_value(&field)?;
                Ok(Expression::Not(Box::new(self.value(&field)?)))
            }
            _ if asks_existence => self.exists(&field),
            _ => self.operand(&field),
        }
    }

    /// What a colon, or a group behind a colon, allows.
    pub fn operand(&mut self, field: &FieldName) -> Result<Expression, QueryError> {
        self.expect_value(field)?;
        match self.scanner.peek() {
            Some('(') => self.parentheses(Some(field)),
            Some('[' | '{') => self.range(field),
            Some('>' | '<') => self.comparison(field),
            _ => self.value(field),
        }
    }

    /// `_exists_:field`
    fn exists(&mut self, field: &FieldName) -> Result<Expression, QueryError> {
        self.expect_value(field)?;
        let (Term::Bare(name) | Term::Quoted(name)) = self.plain_term(Stop::Value)? else {
            return Err(nameless_existence(&self.scanner));
        };
        if name.is_empty() || name == EXISTS {
            return Err(nameless_existence(&self.scanner));
        }
        let field = FieldName { name, column: field.column };
        Ok(field.asked(Operand::Exists))
    }

    fn value(&mut self, field: &FieldName) -> Result<Expression, QueryError> {
        let term = self.plain_term(Stop::Value)?;
        Ok(field.asked(match term {
            Term::Pattern(pattern) if pattern.is_any() => Operand::Exists,
            term => Operand::Is(term),
        }))
    }

    fn regex(&mut self, field: &FieldName) -> Result<Expression, QueryError> {
        if self.scanner.peek() != Some('"') {
            let problem = format!("a regular expression for `{}` is missing", field.name);
            return Err(self
                .scanner
                .error(problem, format!("write {} =~ \"regex\", in double quotes", field.name)));
        }
        Ok(field.asked(Operand::Regex(self.scanner.quoted_regex()?)))
    }

    /// `>=500`
    fn comparison(&mut self, field: &FieldName) -> Result<Expression, QueryError> {
        let comparison = Comparison::accept(&mut self.scanner);
        self.scanner.skip_space();
        self.expect_value(field)?;
        let bound = |text, is_inclusive| Some(RangeBound { text, is_inclusive });
        let text = self.bound_text(Stop::Value)?;
        Ok(field.asked(match comparison {
            Some(Comparison::Below(is_inclusive)) => {
                Operand::Range { lower: None, upper: bound(text, is_inclusive) }
            }
            Some(Comparison::Above(is_inclusive)) => {
                Operand::Range { lower: bound(text, is_inclusive), upper: None }
            }
            _ => Operand::Exists,
        }))
    }

    /// `[500 TO 599]`, `{500 TO *}`
    fn range(&mut self, field: &FieldName) -> Result<Expression, QueryError> {
        let start = self.scanner.clone();
        let name = &field.name;
        let wrong = |what: &str| {
            let hint =
                format!("write {name}:[500 TO 599], or put the value in double quotes if it is a text");
            start.error(format!("{what} in the range of `{name}`"), hint)
        };
        let is_lower_inclusive = self.scanner.accept("[") || !self.scanner.accept("{");
        let lower =
            self.open_bound(is_lower_inclusive)?.ok_or_else(|| wrong("the first bound is missing"))?;
        self.scanner.skip_space();
        if !self.scanner.accept_word(&["TO", "to"]) {
            return Err(wrong("`TO` is missing"));
        }
        let mut upper = self.open_bound(true)?.ok_or_else(|| wrong("the second bound is missing"))?;
        self.scanner.skip_space();
        if !self.scanner.accept("]") {
            if !self.scanner.accept("}") {
                return Err(wrong("`]` is missing"));
            }
            if let Some(bound) = &mut upper {
                bound.is_inclusive = false;
            }
        }
        Ok(field.asked(match (lower, upper) {
            (None, None) => Operand::Exists,
            (lower, upper) => Operand::Range { lower, upper },
        }))
    }

    /// `Some(None)` for `*`, `None` where there is no bound.
    fn open_bound(&mut self, is_inclusive: bool) -> Result<Option<Option<RangeBound>>, QueryError> {
        self.scanner.skip_space();
        if self.scanner.peek() == Some('"') {
            return Ok(Some(Some(RangeBound { text: self.scanner.quoted()?, is_inclusive })));
        }
        let pattern = self.scanner.term(Stop::Range)?;
        if pattern.is_any() {
            return Ok(Some(None));
        }
        let is_there = !pattern.0.is_empty();
        let text = self.without_wildcards(as_term(pattern))?;
        Ok(is_there.then_some(Some(RangeBound { text, is_inclusive })))
    }

    fn bound_text(&mut self, stop: Stop) -> Result<String, QueryError> {
        let term = self.plain_term(stop)?;
        self.without_wildcards(term)
    }

    fn without_wildcards(&self, term: Term) -> Result<String, QueryError> {
        match term {
            Term::Bare(text) | Term::Quoted(text) => Ok(text),
            Term::Pattern(_) => Err(self
                .scanner
                .error("a bound has no wildcards", "write a number, a time, or a text in double quotes")),
        }
    }

    /// A text with or without quotes.
    fn plain_term(&mut self, stop: Stop) -> Result<Term, QueryError> {
        if self.scanner.peek() == Some('"') {
            return Ok(Term::Quoted(self.scanner.quoted()?));
        }
        let start = self.scanner.clone();
        let pattern = self.scanner.term(stop)?;
        if pattern.0.is_empty() {
            return Err(start.error("a value is missing", "put the value in double quotes"));
        }
        Ok(as_term(pattern))
    }

    fn expect_value(&self, field: &FieldName) -> Result<(), QueryError> {
        let is_missing = match self.scanner.peek() {
            None | Some(')' | '|') => true,
            Some(_) => self.scanner.operator_word().is_some() || self.scanner.rest().starts_with("&&"),
        };
        if !is_missing {
            return Ok(());
        }
        let name = &field.name;
        let hint = format!("write {name}:value, or {name}:* for any");
        Err(QueryError::new(field.column.0, format!("`{name}:` needs a value"), hint))
    }
}

fn nameless_existence(scanner: &Scanner<'_>) -> QueryError {
    scanner.error("`_exists_` needs a field's name", "write _exists_:field, or field:*")
}

impl FieldName {
    fn asked(&self, operand: Operand) -> Expression {
        Expression::Field { name: self.name.clone(), operand, column: self.column }
    }
}
