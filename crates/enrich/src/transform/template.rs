//! Texts with fields in them, as Logstash writes them: `%{host}`, `%{[nginx][status]}`.
//!
//! A reference to a field that a record lacks stays as it is written, as in Logstash: an empty place would look like
//! a value. Dates (`%{+YYYY.MM.dd}`) name indices there, which nobody needs here.

use std::fmt::{self, Write};

use weir_record::Value;

/// References in one text.
const REFERENCES_MAX: usize = 100;

/// What a text that was cut ends with.
const CUT: &str = "…";

/// A text with places for fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// A field, and its reference as it was written.
    Field {
        name: String,
        written: String,
    },
}

/// What is wrong with a text; displays as that and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// `%{` without `}`.
    Unclosed,
    /// Nothing, or nothing that is a name, between `%{` and `}`.
    NoName(String),
    /// A date.
    Date(String),
    /// More than what one text may have.
    TooMany,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed => f.write_str("`%{` has no `}` after it; write `%{field}`"),
            Self::NoName(inner) => write!(f, "`%{{{inner}}}` names no field; write `%{{field}}`"),
            Self::Date(inner) => {
                write!(f, "`%{{{inner}}}` is a date, which names an index in Logstash; remove it")
            }
            Self::TooMany => write!(f, "the text has more than {REFERENCES_MAX} references"),
        }
    }
}

impl std::error::Error for TemplateError {}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    ///
    /// A reference that is none.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("%{") {
            let (inner, behind) = after.split_once('}').ok_or(TemplateError::Unclosed)?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Field { name: field_name(inner)?, written: format!("%{{{inner}}}") });
            rest = behind;
        }
        if parts.iter().filter(|part| matches!(part, Part::Field { .. })).count() > REFERENCES_MAX {
            return Err(TemplateError::TooMany);
        }
        if !rest.is_empty() || parts.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The text, where it has no places.
    pub fn constant(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text)] => Some(text),
            [] => Some(""),
            _ => None,
        }
    }

    /// The fields that it has places for.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Field { name, .. } => Some(name.as_str()),
        })
    }

    /// The text with what `field` gives in its places, cut to `bytes_max`, and whether it was.
    pub fn fill_in<'f>(&self, bytes_max: usize, field: &dyn Fn(&str) -> Option<Value<'f>>) -> (String, bool) {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(constant) => text.push_str(constant),
                Part::Field { name, written } => match field(name) {
                    Some(value) => push_value(&mut text, &value),
                    None => text.push_str(written),
                },
            }
            if text.len() > bytes_max {
                text.truncate(text.floor_char_boundary(bytes_max.saturating_sub(CUT.len())));
                if bytes_max >= CUT.len() {
                    text.push_str(CUT);
                }
                return (text, true);
            }
        }
        (text, false)
    }
}

/// The field that a reference means; Logstash writes nested ones as `[a][b]`, we as `a.b`.
fn field_name(inner: &str) -> Result<String, TemplateError> {
    if inner.starts_with('+') {
        return Err(TemplateError::Date(inner.to_owned()));
    }
    let name = match inner.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(nested) => nested.replace("][", "."),
        None => inner.to_owned(),
    };
    let is_name = !name.trim().is_empty() && !name.contains(['[', ']', '{', '%']);
    if is_name { Ok(name) } else { Err(TemplateError::NoName(inner.to_owned())) }
}

/// Adds a value as a person reads it.
fn push_value(text: &mut String, value: &Value<'_>) {
    // Writing to a text never fails.
    let _ = match value {
        Value::Text(value) | Value::Json(value) => text.write_str(value),
        Value::Integer(number) => write!(text, "{number}"),
        Value::Float(number) if number.abs() >= 1e16 => write!(text, "{number:e}"),
        Value::Float(number) => write!(text, "{number}"),
        Value::Boolean(boolean) => write!(text, "{boolean}"),
        Value::Time(time) => write!(text, "{time}"),
    };
}

#[cfg(test)]
mod tests {
    use weir_record::Timestamp;

    use super::*;

    fn filled_in(text: &str, bytes_max: usize) -> Result<(String, bool), TemplateError> {
        let template = Template::parse(text)?;
        Ok(template.fill_in(bytes_max, &|name| match name {
            "host" => Some(Value::Text("shop".into())),
            "n.m" => Some(Value::Integer(-7)),
            "f" => Some(Value::Float(0.25)),
            "big" => Some(Value::Float(1e300)),
            "b" => Some(Value::Boolean(true)),
            "t" => Some(Value::Time(Timestamp::from_seconds(0))),
            "ж" => Some(Value::Text("жжж".into())),
            _ => None,
        }))
    }

    #[test]
    fn fields_stand_where_they_are_named() {
        for (text, expected) in [
            ("", ""),
            ("plain % } {x}", "plain % } {x}"),
            ("%{host}", "shop"),
            ("a-%{host}-%{host}.", "a-shop-shop."),
            ("%{[n][m]} %{n.m} %{[host]}", "-7 -7 shop"),
            ("%{f} %{b} %{t}", "0.25 true 1970-01-01T00:00:00Z"),
            ("%{big}", "1e300"),
            ("%{none} %{[a][b]}", "%{none} %{[a][b]}"),
        ] {
            assert_eq!(filled_in(text, 100), Ok((expected.to_owned(), false)), "{text}");
        }
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        let named = |text: &str| text.to_owned();
        for (text, expected) in [
            ("a %{host", TemplateError::Unclosed),
            ("%{}", TemplateError::NoName(named(""))),
            ("%{[a][]", TemplateError::Unclosed),
            ("%{[a}", TemplateError::NoName(named("[a"))),
            ("%{%{host}", TemplateError::NoName(named("%{host"))),
            ("logs-%{+YYYY.MM.dd}", TemplateError::Date(named("+YYYY.MM.dd"))),
            (&"%{a}".repeat(101), TemplateError::TooMany),
        ] {
            assert_eq!(filled_in(text, 100), Err(expected), "{text}");
        }
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        for (bytes_max, expected) in
            [(8, "xжжж!"), (7, "xж…"), (6, "xж…"), (5, "x…"), (3, "…"), (2, ""), (0, "")]
        {
            let (text, is_cut) = filled_in("x%{ж}!", bytes_max).unwrap();
            assert_eq!((text.as_str(), is_cut), (expected, bytes_max < 8), "{bytes_max}");
        }
    }

    #[test]
    fn its_fields_and_its_constant_are_known() {
        let template = Template::parse("%{a} b %{[c][d]}").unwrap();
        assert_eq!(template.fields().collect::<Vec<_>>(), ["a", "c.d"]);
        assert_eq!((template.constant(), Template::parse("").unwrap().constant()), (None, Some("")));
        assert_eq!(Template::parse("b").unwrap().constant(), Some("b"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_never_too_long(text in "[%{}\\[\\]a+ж ]{0,40}", bytes_max in 0usize..60) {
            if let Ok(template) = Template::parse(&text) {
                let (filled, is_cut) = template.fill_in(bytes_max, &|_| None);
                proptest::prop_assert!(filled.len() <= bytes_max);
                proptest::prop_assert!(is_cut || filled == text);
            }
        }
    }
}
