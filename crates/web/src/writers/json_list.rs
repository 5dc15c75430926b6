//! Lists of JSON that are read member by member.
//!
//! A list of `{}` makes sixteen times its text when it is read as a whole, so it is not: each member is handed
//! out and forgotten, and what is in a member stays text until somebody asks for it.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::DecodeError;

/// Reads a body that is an object.
pub(super) fn object<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, DecodeError> {
    // A list would be taken for the members of one, in their order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(malformed("expected an object"));
    }
    serde_json::from_slice(body).map_err(malformed)
}

/// Gives each member of a list; where there is none, or `null`, nothing.
pub(super) fn for_each<'a, T: Deserialize<'a>>(
    list: Option<&'a RawValue>,
    each: &mut dyn FnMut(T) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let Some(list) = list.filter(|list| list.get() != "null") else { return Ok(()) };
    let mut result = Ok(());
    let visitor = EachOf { each, result: &mut result, member: PhantomData };
    serde_json::Deserializer::from_str(list.get()).deserialize_seq(visitor).map_err(malformed)?;
    result
}

/// What a reader of JSON says is wrong.
pub(super) fn malformed(error: impl fmt::Display) -> DecodeError {
    DecodeError::Malformed(format!("the body is no JSON of this kind: {error}"))
}

struct EachOf<'f, T> {
    each: &'f mut dyn FnMut(T) -> Result<(), DecodeError>,
    result: &'f mut Result<(), DecodeError>,
    member: PhantomData<T>,
}

impl<'a, T: Deserialize<'a>> Visitor<'a> for EachOf<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(member) = members.next_element()? {
            *self.result = (self.each)(member);
            if self.result.is_err() {
                // The rest must be passed over, or the list has no end for the reader.
                while members.next_element::<IgnoredAny>()?.is_some() {}
            }
        }
        Ok(())
    }
}
