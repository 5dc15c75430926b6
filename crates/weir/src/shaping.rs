//! The config's transforms, with the queries that say for which records each step is.
//!
//! One place for all commands, because a record that is left out is counted by none of them: what `count` prints and
//! what `serve` shows are the same. A step's query is asked of the record as the steps before it left it.

use std::borrow::Cow;

use weir_enrich::{
    Changes, Dropped, Fate, Operation, Outcome, RULES_MAX, RedactRule, Redactor, RuleSet, Shaped, StepSet,
    Transforms,
};
use weir_query::{Fields, Predicate, QueryError};
use weir_record::{Format, Record, RecordContext, RecordFields, Timestamp, Value, canonical_name};

use crate::config::{Config, Transform};

/// Shapes records; shared by all threads.
#[derive(Debug, Default)]
pub struct Shaping {
    transforms: Transforms,
    /// Of each step that is not for all records.
    conditions: Vec<Option<Predicate>>,
    drops_any: bool,
    /// Of each step, what takes the fields that it removes out of lines that are kept as they came.
    raw_redactors: Vec<Vec<Redactor>>,
}

impl Shaping {
    /// The transforms of a config, in its order.
    ///
    /// # Errors
    ///
    /// A query that does not compile; a config that was read has none.
    pub fn new(config: &Config) -> Result<Self, QueryError> {
        let (mut steps, mut conditions, mut raw_redactors) = (Vec::new(), Vec::new(), Vec::new());
        let mut rules = config.redact.len();
        for Transform { filter, step, redact } in &config.transforms {
            let compile = |filter: &weir_query::Expression| filter.compile(Timestamp::default());
            conditions.push(filter.as_ref().map(compile).transpose()?);
            let mut step = step.clone();
            if redact.is_some() {
                step.operations.push(Operation::Redact(rules));
                rules += 1;
            }
            raw_redactors.push(redactors(&step.operations));
            steps.push(step);
        }
        let drops_any = steps.iter().any(|step| step.fate != Fate::Keep);
        Ok(Self { transforms: Transforms::new(steps), conditions, drops_any, raw_redactors })
    }

    /// Whether there is nothing to do.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.transforms.is_empty()
    }

    /// What becomes of a record.
    pub fn apply(&self, record: Record<'_>, context: &RecordContext<'_>) -> Outcome<'_> {
        let fields = RecordFields::new(record, *context);
        self.transforms.apply(&fields, context.line, |number, shaped| {
            let condition = self.conditions.get(number).and_then(Option::as_ref);
            condition.is_none_or(|condition| condition.matches(&Asked(shaped)))
        })
    }

    /// What is said about the same record once something was taken out of its line; see [`Transforms::apply_again`].
    pub fn apply_again(
        &self,
        record: Record<'_>,
        context: &RecordContext<'_>,
        steps: StepSet,
        redact: &dyn Fn(&str, &Value<'_>) -> Option<Value<'static>>,
    ) -> Changes<'_> {
        self.transforms.apply_again(&RecordFields::new(record, *context), steps, redact)
    }

    /// Why a record is left out, if it is: for who counts and keeps nothing. `context` is asked for only if need be.
    #[inline]
    pub fn dropped<'c>(
        &self,
        record: Record<'_>,
        context: impl FnOnce() -> RecordContext<'c>,
    ) -> Option<Dropped> {
        if !self.drops_any {
            return None;
        }
        match self.apply(record, &context()) {
            Outcome::Dropped(why) => Some(why),
            Outcome::Kept(_) => None,
        }
    }

    /// A line that is kept as it came, without the fields that `steps` removed.
    pub fn raw_line<'l>(&self, format: Format, line: &'l [u8], steps: StepSet) -> Cow<'l, [u8]> {
        let applied = self.raw_redactors.iter().enumerate().filter(|(number, _)| steps.has(*number));
        applied.flat_map(|(_, redactors)| redactors).fold(
            Cow::Borrowed(line),
            |line, redactor| match redactor.line(Some(format), &line, RuleSet::ALL) {
                Cow::Owned(redacted) => Cow::Owned(redacted),
                Cow::Borrowed(_) => line,
            },
        )
    }
}

/// The rules of redaction of the transforms, which come after those of `redact`.
pub fn redact_rules(transforms: &[Transform]) -> impl Iterator<Item = &RedactRule> {
    transforms.iter().filter_map(|transform| transform.redact.as_ref())
}

/// A rule that also finds its field under the names that it has before steps rename it: those are in the lines.
pub fn with_earlier_names(rule: &RedactRule, transforms: &[Transform]) -> RedactRule {
    let mut rule = rule.clone();
    // Against the order, so that the names of names are found.
    for operation in transforms.iter().rev().flat_map(|transform| transform.step.operations.iter().rev()) {
        if let Operation::Rename { from, to } = operation {
            let is_it = |name: &String| canonical_name(name) == canonical_name(to);
            if is_it(&rule.field) || rule.other_names.iter().any(is_it) {
                rule.other_names.push(from.clone());
            }
        }
    }
    rule
}

/// Redactors for the fields that these operations take away.
fn redactors(operations: &[Operation]) -> Vec<Redactor> {
    let removed = operations.iter().filter_map(|operation| match operation {
        Operation::RemoveField(field) | Operation::Rename { from: field, .. } => Some(field),
        _ => None,
    });
    let rules: Vec<RedactRule> =
        removed.map(|field| RedactRule { field: field.clone(), ..RedactRule::default() }).collect();
    rules.chunks(RULES_MAX).map(Redactor::new).collect()
}

/// A record between two steps, as a query sees it.
struct Asked<'q, 'r, 's>(&'q Shaped<'r, 's>);

impl Fields for Asked<'_, '_, '_> {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        self.0.field(name)
    }
}
