//! A query as a tree: what was typed, before it is known what time it is or what a field holds.
//!
//! The tree keeps the words of the user, so that it can be printed again (what is printed parses to the same
//! tree), translated to another engine, and asked which fields it needs.

use std::collections::BTreeSet;

use weir_record::canonical_name;

use crate::aggregation::Aggregation;
use crate::error::QueryError;
use crate::wildcard::Pattern;

/// A query: which records, and what to count of them. Its `Display` is a query that parses to an equal one.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Which records.
    pub filter: Expression,
    /// What stands behind `|`; without it the records themselves are the answer.
    pub stats: Option<Aggregation>,
}

/// Which records. `Display` prints what parses to the same tree, unless it has become longer than a query may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// Every record: the empty query, and `*`.
    All,
    /// All of two or more.
    And(Vec<Expression>),
    /// At least one of two or more.
    Or(Vec<Expression>),
    /// The records that something does not match; also those that lack its field.
    Not(Box<Expression>),
    /// What a field holds.
    Field {
        /// The field as typed; [`canonical_name`] is its name in records.
        name: String,
        /// What it is asked.
        operand: Operand,
        /// Where its name begins.
        column: Column,
    },
    /// A word or a phrase without a field: looked for in `message`.
    Words {
        /// The word, phrase or pattern.
        term: Term,
        /// Where it begins.
        column: Column,
    },
}

/// What a field is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Whether it is there: `field:*`, `_exists_:field`.
    Exists,
    /// Whether it is this value; in fields of words, whether it has these words.
    Is(Term),
    /// Whether it lies between; at least one of the bounds is there.
    Range {
        /// From here.
        lower: Option<RangeBound>,
        /// To here.
        upper: Option<RangeBound>,
    },
    /// Whether the regular expression is found anywhere in it.
    Regex(String),
}

/// A value as typed, escapes resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// Without quotes: `5xx` is a class of numbers.
    Bare(String),
    /// In double quotes: nothing in it has a meaning of its own.
    Quoted(String),
    /// With `*` or `?`.
    Pattern(Pattern),
}

/// One end of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeBound {
    /// As typed: a number, a duration, a size, a time or any text.
    pub text: String,
    /// Whether the range includes it.
    pub is_inclusive: bool,
}

/// Where something was typed, from 1, in characters.
///
/// Equal to every other: two trees are the same wherever they were typed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Column(pub usize);

impl PartialEq for Column {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Column {}

impl Expression {
    /// The fields that a record must be able to tell, by their names in records.
    pub fn fields(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        self.each_field(&mut |name, _| {
            names.insert(canonical_name(name).to_owned());
            true
        });
        names
    }

    /// The first field that `is_known` does not know, as an error with the nearest of `names`.
    ///
    /// `is_known` gets the name as records have it.
    pub fn unknown_field<'n>(
        &self,
        is_known: impl Fn(&str) -> bool,
        names: impl Iterator<Item = &'n str>,
    ) -> Option<QueryError> {
        let mut unknown = None;
        self.each_field(&mut |name, column| {
            if !is_known(canonical_name(name)) {
                unknown = Some((name.to_owned(), column));
            }
            unknown.is_none()
        });
        let (name, Column(column)) = unknown?;
        let hint = match nearest(&name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "put the text in double quotes to look for it in messages".to_owned(),
        };
        Some(QueryError::new(column, format!("no record has a field `{name}`"), hint))
    }

    /// Calls `each` with every field as typed, from left to right, until it answers `false`.
    fn each_field(&self, each: &mut impl FnMut(&str, Column) -> bool) -> bool {
        match self {
            Self::All => true,
            Self::And(parts) | Self::Or(parts) => parts.iter().all(|part| part.each_field(each)),
            Self::Not(part) => part.each_field(each),
            Self::Field { name, column, .. } => each(name, *column),
            Self::Words { column, .. } => each("message", *column),
        }
    }
}

/// The name that differs from `wrong` least, if it differs little.
pub fn nearest<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let lower = wrong.to_lowercase();
    let distances_max = (lower.chars().count() / 3).max(1);
    names
        .map(|name| (strsim::osa_distance(&lower, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= distances_max)
        .min()
        .map(|(_, name)| name)
}
