//! What a filter over many records can be asked before any of them is read.
//!
//! A filter holds texts: whole values and words. Here is both what is put in ([`value_needles`],
//! [`value_tokens`]) and what is asked for ([`Needles`]), because a number has several spellings and the two
//! sides must agree on one.

use weir_record::Value;

use crate::json_elements::{Element, elements};
use crate::literal::Literal;
use crate::number::{Number, whole};
use crate::words::tokens;

/// What a record must have in the field to pass a test. Where both are empty, nothing is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needles {
    /// Whole values, as [`value_needles`] gives them: a match has one of these.
    pub values: Vec<String>,
    /// Words in lower case, as [`tokens`] gives them: a match has all of these.
    pub words: Vec<String>,
}

impl Needles {
    /// Whether there is nothing to ask a filter.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.words.is_empty()
    }

    pub(crate) fn of_literal(literal: &Literal) -> Self {
        if literal.class.is_some() {
            return Self::default();
        }
        let mut values = vec![literal.text.to_string()];
        if let Some(number) = literal.number {
            let needle = needle(number);
            if *literal.text != *needle {
                values.push(needle);
            }
        }
        Self { values, words: Vec::new() }
    }
}

/// The text under which a number is in a filter: the same for every spelling and type of the number.
pub fn number_needle(number: f64) -> String {
    number_text(number)
}

/// A number as the shortest decimal text that reads as it: `5`, `0.4`.
pub(crate) fn number_text(number: f64) -> String {
    match whole(number) {
        Some(integer) => integer.to_string(),
        None => number.to_string(),
    }
}

fn needle(number: Number) -> String {
    match number {
        Number::Integer(integer) => integer.to_string(),
        Number::Float(float) => number_needle(float),
    }
}

/// Calls `each` with the texts under which a value is in a filter of values; of a list, those of its elements.
///
/// `is_list` is that of [`crate::FieldTest`]: the field's text is a list with commas.
pub fn value_needles(value: &Value<'_>, is_list: bool, mut each: impl FnMut(&str)) {
    match value {
        Value::Text(text) if is_list => list_elements(text).for_each(each),
        Value::Text(text) => each(text),
        Value::Integer(integer) => each(&integer.to_string()),
        Value::Float(float) => each(&number_needle(*float)),
        Value::Boolean(boolean) => each(if *boolean { "true" } else { "false" }),
        Value::Time(time) => each(&time.to_string()),
        Value::Json(text) => {
            for element in elements(text) {
                match element {
                    Element::Text(text) => each(&text),
                    Element::Number(number) => each(&needle(number)),
                }
            }
        }
    }
}

/// Calls `each` with the words under which a value is in a filter of words.
pub fn value_tokens(value: &Value<'_>, mut each: impl FnMut(&str)) {
    value_needles(value, false, |text| tokens(text, &mut each));
}

/// The elements of a list with commas, such as `tags`.
pub(crate) fn list_elements(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim)
}
