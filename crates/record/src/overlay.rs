//! Fields that were said about a record beside its line: by its sender, its transport, the config.
//!
//! A line is never written anew for their sake: it stays what came, for whoever wants to see it or to read it again,
//! and nothing that a request is counted by can be changed by accident. What is said here comes on top when the
//! record is searched, shown or kept.

use std::borrow::Cow;

use crate::known_field::canonical_name;
use crate::value::Value;

/// Fields that take the place of a record's own, and fields that are taken away from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overlay<'a> {
    fields: Vec<(Cow<'a, str>, Option<Value<'a>>)>,
}

/// One that says nothing.
pub static NO_OVERLAY: Overlay<'static> = Overlay { fields: Vec::new() };

impl<'a> Overlay<'a> {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Gives the record a field, by any of its names. `@timestamp` and `source` are a record's own and stay.
    pub fn set(&mut self, name: impl Into<Cow<'a, str>>, value: Value<'a>) {
        self.put(name.into(), Some(value));
    }

    /// Takes a field away from the record, by any of its names.
    pub fn remove(&mut self, name: impl Into<Cow<'a, str>>) {
        self.put(name.into(), None);
    }

    /// What is said about a field, by our name for it: its value, or that there is none; `None`: nothing.
    pub fn get(&self, canonical: &str) -> Option<Option<&Value<'a>>> {
        self.fields.iter().find(|(name, _)| name == canonical).map(|(_, value)| value.as_ref())
    }

    /// Every field that is set, by our names, in the order in which they were.
    pub fn set_fields(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.fields.iter().filter_map(|(name, value)| Some((&**name, value.as_ref()?)))
    }

    /// Every field that something is said about, by our names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| &**name)
    }

    /// Adds what `other` says; where both say something, it wins.
    pub fn extend(&mut self, other: &Overlay<'a>) {
        for (name, value) in &other.fields {
            self.put(name.clone(), value.clone());
        }
    }

    fn put(&mut self, name: Cow<'a, str>, value: Option<Value<'a>>) {
        let name = match canonical_name(&name) {
            "@timestamp" | "source" => return,
            canonical if canonical == name => name,
            canonical => Cow::Owned(canonical.to_owned()),
        };
        match self.fields.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.fields.push((name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_one_entry_by_our_name_and_the_last_word_counts() {
        let mut overlay = Overlay::default();
        overlay.set("domain_name", Value::Integer(1));
        overlay.set("x", Value::Integer(2));
        overlay.set("@timestamp", Value::Integer(3));
        overlay.set("source", Value::Integer(3));
        let mut other = Overlay::default();
        other.set("host", Value::Integer(4));
        other.remove("x");
        overlay.extend(&other);
        assert_eq!(overlay.get("host"), Some(Some(&Value::Integer(4))));
        assert_eq!((overlay.get("x"), overlay.get("y")), (Some(None), None));
        assert_eq!(overlay.names().collect::<Vec<_>>(), ["host", "x"]);
        assert_eq!(overlay.set_fields().count(), 1);
    }
}
