//! Fields that were said about a record beside its line: by its sender, its transport, the config.
//!
//! A line is never written anew for their sake: it stays what came, for whoever wants to see it or to read it again,
//! and nothing that a request is counted by can be changed by accident. What is said here comes on top when the
//! record is searched, shown or kept.

use std::borrow::Cow;

use crate::known_field::known_field;
use crate::value::Value;

/// Fields that take the place of a record's own, and fields that are taken away from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overlay<'a> {
    fields: Vec<Field<'a>>,
}

/// What is said about one field.
#[derive(Clone, Debug, PartialEq)]
struct Field<'a> {
    /// Our name.
    name: Cow<'a, str>,
    /// Its names in the formats.
    aliases: &'static [&'static str],
    /// Its value, or that there is none.
    value: Option<Value<'a>>,
}

/// Fields that nobody else says anything about.
const OWN: [&str; 2] = ["@timestamp", "source"];

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

    /// What is said about a field, by any of its names: its value, or that there is none; `None`: nothing.
    ///
    /// Asked for every field of every record that something is said about. So the few names in here are compared
    /// with the one asked for, and not that one with all that are known.
    pub fn get(&self, name: &str) -> Option<Option<&Value<'a>>> {
        self.fields.iter().find(|field| field.is_called(name)).map(|field| field.value.as_ref())
    }

    /// Every field that is set, by our names, in the order in which they were.
    pub fn set_fields(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.fields.iter().filter_map(|field| Some((&*field.name, field.value.as_ref()?)))
    }

    /// Every field that something is said about, by our names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| &*field.name)
    }

    /// Adds what `other` says; where both say something, it wins.
    pub fn extend(&mut self, other: &Overlay<'a>) {
        for field in &other.fields {
            self.put(field.name.clone(), field.value.clone());
        }
    }

    fn put(&mut self, name: Cow<'a, str>, value: Option<Value<'a>>) {
        if let Some(field) = self.fields.iter_mut().find(|field| field.is_called(&name)) {
            field.value = value;
            return;
        }
        let known = known_field(&name);
        match known {
            Some(known) if OWN.contains(&known.name) => {}
            Some(known) => {
                self.fields.push(Field { name: Cow::Borrowed(known.name), aliases: known.aliases, value });
            }
            None => self.fields.push(Field { name, aliases: &[], value }),
        }
    }
}

impl Field<'_> {
    fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
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
        assert_eq!(overlay.get("server_name"), overlay.get("host"));
        assert_eq!((overlay.get("x"), overlay.get("y")), (Some(None), None));
        assert_eq!(overlay.names().collect::<Vec<_>>(), ["host", "x"]);
        assert_eq!(overlay.set_fields().count(), 1);
    }
}
