//! Records as predicates see them.
//!
//! Here and not beside the record: the record knows its fields, and must not know that anybody queries them.

use weir_record::{RecordFields, Value};

use crate::predicate::Fields;

impl Fields for RecordFields<'_> {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        RecordFields::field(self, name)
    }
}
