//! Records as their owner wants them kept: fields added, renamed, taken away, and records left out.
//!
//! What Logstash's filters are used for, without a language of its own: a list of steps in order, each for the
//! records that a query selects. A step never writes a line anew; it says something about the record, in an
//! [`Overlay`], so that what a request is counted by cannot be changed by accident and a reject is still what came.
//! Which records a query selects is asked of the caller, who knows queries; this module knows only numbers of steps.
//!
//! Within a step the order is that of [`Operation`]'s members, not that of the file: a mapping of YAML has no order.

mod sample;
mod shaped;
mod template;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use weir_record::{Overlay, RecordFields, Value, canonical_name, json_fields};

pub use sample::is_chosen;
pub use shaped::Shaped;
pub use template::{Template, TemplateError};

use crate::redact::RuleSet;

/// The most steps; each record's are remembered in a word of as many bits.
pub const STEPS_MAX: usize = 64;

/// What steps may add to one record by putting texts together, in bytes. The config chooses the texts and clients
/// choose what is put into them, so a few references could make gigabytes of a long line. A text that is cut ends
/// with `…`, and the record has the tag [`CUT_TAG`].
pub const ADDED_BYTES_MAX: usize = 1 << 20;

/// The tag of a record of which a text was cut.
pub const CUT_TAG: &str = "_transformcut";

/// The tag of a record whose text was to be read as JSON and is no object; Logstash's name.
pub const NO_JSON_TAG: &str = "_jsonparsefailure";

/// Names that no step gives a value or takes it away: what a record is counted under, and its moment.
pub const FIXED_FIELDS: [&str; 5] = ["@timestamp", "source", "service", "route", "tags"];

/// One step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// Whether it is only for records that a query selects.
    pub has_condition: bool,
    /// Whether its records go on.
    pub fate: Fate,
    /// What becomes of those that do, in this order.
    pub operations: Vec<Operation>,
}

/// Whether records go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// All of them.
    #[default]
    Keep,
    /// None.
    Drop,
    /// One of so many, chosen by what it says.
    Sample(u64),
}

/// What is done to a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// The members of the JSON object that is the field's text become fields, below `target` if that is given.
    ParseJson {
        /// The field with the text; it stays.
        field: String,
        /// What the names of the new fields begin with.
        target: Option<String>,
    },
    /// A field gets another name. A record without it stays as it is.
    Rename {
        /// Its name so far.
        from: String,
        /// Its name from then on; a field that had it is gone.
        to: String,
    },
    /// A field gets a value, whether it had one or not.
    AddField {
        /// The field's name.
        field: String,
        /// What it is to hold.
        value: FieldValue,
    },
    /// The record gets a tag, once.
    AddTag(String),
    /// A rule of the redactor is for this record, too.
    Redact(usize),
    /// A field goes.
    RemoveField(String),
}

/// What a field is given.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue {
    /// A text, with other fields in it.
    Text(Template),
    /// The same for every record.
    Constant(Value<'static>),
}

/// Why a record is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// A step drops it.
    ByTransform,
    /// It is not the one that a sample keeps.
    BySample,
}

impl Dropped {
    /// The value of the label `cause`.
    pub const fn label(self) -> &'static str {
        match self {
            Dropped::ByTransform => "transform",
            Dropped::BySample => "sample",
        }
    }
}

/// Which steps were for a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepSet(u64);

impl StepSet {
    fn with(self, number: usize) -> Self {
        Self(self.0 | 1 << (number % STEPS_MAX))
    }

    /// Whether step `number` was.
    pub fn has(self, number: usize) -> bool {
        self.0 >> (number % STEPS_MAX) & 1 == 1
    }
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<'s> {
    /// It is left out.
    Dropped(Dropped),
    /// It goes on, with this said about it.
    Kept(Changes<'s>),
}

/// What the steps say about a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes<'s> {
    /// Its fields, on top of all that was said before.
    pub overlay: Overlay<'s>,
    /// Rules of the redactor that are for it, beside those that are for every record.
    pub redact: RuleSet,
    /// The steps that were for it.
    pub steps: StepSet,
}

/// All steps, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transforms {
    steps: Vec<Step>,
}

impl Transforms {
    /// These steps, of which there may be [`STEPS_MAX`]; what is beyond is not looked at.
    pub fn new(mut steps: Vec<Step>) -> Self {
        steps.truncate(STEPS_MAX);
        Self { steps }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What becomes of the record with these `fields`, which was read from `line`. `is_met` says whether the condition
    /// of a step, by its number, selects the record as it is then.
    pub fn apply<'s>(
        &'s self,
        fields: &RecordFields<'_>,
        line: &[u8],
        mut is_met: impl FnMut(usize, &Shaped<'_, 's>) -> bool,
    ) -> Outcome<'s> {
        let before = |name: &str| fields.field(name);
        let mut shaped = Shaped::new(&before, None);
        let (mut redact, mut steps) = (RuleSet::NONE, StepSet::default());
        for (number, step) in self.steps.iter().enumerate() {
            if step.has_condition && !is_met(number, &shaped) {
                continue;
            }
            match step.fate {
                Fate::Keep => {}
                Fate::Drop => return Outcome::Dropped(Dropped::ByTransform),
                Fate::Sample(one_of) if sample::keeps(&shaped, line, number, one_of) => {}
                Fate::Sample(_) => return Outcome::Dropped(Dropped::BySample),
            }
            steps = steps.with(number);
            redact = step.operations.iter().fold(redact, |redact, operation| shaped.take(operation, redact));
        }
        Outcome::Kept(Changes { overlay: shaped.into_overlay(), redact, steps })
    }

    /// What is said about the same record once something was taken out of its line: by the steps that were for it
    /// before, whatever its fields say now. `redact` gives what may be kept of a field that a step makes, where that is
    /// not its value.
    pub fn apply_again<'s>(
        &'s self,
        fields: &RecordFields<'_>,
        steps: StepSet,
        redact: &dyn Fn(&str, &Value<'_>) -> Option<Value<'static>>,
    ) -> Changes<'s> {
        let before = |name: &str| fields.field(name);
        let mut shaped = Shaped::new(&before, Some(redact));
        let mut rules = RuleSet::NONE;
        for (_, step) in self.steps.iter().enumerate().filter(|(number, _)| steps.has(*number)) {
            rules = step.operations.iter().fold(rules, |rules, operation| shaped.take(operation, rules));
        }
        Changes { overlay: shaped.into_overlay(), redact: rules, steps }
    }
}

impl<'s> Shaped<'_, 's> {
    /// Does one operation; `redact` are the rules so far.
    fn take(&mut self, operation: &'s Operation, redact: RuleSet) -> RuleSet {
        match operation {
            Operation::ParseJson { field, target } => self.parse_json(field, target.as_deref()),
            Operation::Rename { from, to } => {
                if let Some(value) = self.field(from).map(Value::into_owned) {
                    self.remove(from);
                    self.set(to, value);
                }
            }
            Operation::AddField { field, value: FieldValue::Constant(value) } => {
                self.set(field, value.borrowed());
            }
            Operation::AddField { field, value: FieldValue::Text(template) } => {
                let text = match template.constant() {
                    Some(text) => Cow::Borrowed(text),
                    None => Cow::Owned(self.filled_in(template)),
                };
                self.set(field, Value::Text(text));
            }
            Operation::AddTag(tag) => self.add_tag(tag),
            Operation::Redact(rule) => return redact.with(*rule),
            Operation::RemoveField(field) => self.remove(field),
        }
        redact
    }

    fn parse_json(&mut self, field: &str, target: Option<&str>) {
        let text = match self.field(field) {
            Some(Value::Text(text)) => text.into_owned(),
            // Only a list is kept as JSON, and numbers are no objects either.
            Some(_) => return self.add_tag(NO_JSON_TAG),
            None => return,
        };
        let mut found = Vec::new();
        let is_object = json_fields(text.as_bytes(), target, &mut |name, value| {
            let is_fixed = FIXED_FIELDS.contains(&canonical_name(name));
            let name = if is_fixed { format!("field.{name}") } else { name.to_owned() };
            found.push((name, value.into_owned()));
        });
        if !is_object {
            return self.add_tag(NO_JSON_TAG);
        }
        for (name, value) in found {
            self.set(name, value);
        }
    }

    fn filled_in(&mut self, template: &Template) -> String {
        let (text, is_cut) = template.fill_in(self.added_bytes_left(), &|name| self.field(name));
        self.count_added(text.len());
        if is_cut {
            self.add_tag(CUT_TAG);
        }
        text
    }
}
