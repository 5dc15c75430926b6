//! What is known of a record in a plain file, beside what its line says.
//!
//! A query that asks for a service or a route needs them named first, which costs as much again as parsing, so it is
//! done only then.

use weir_enrich::Enriched;
use weir_query::{Expression, Predicate};
use weir_record::{Record, RecordContext, RecordFields};

/// Fields that a request has only once its service and route were told.
const ENRICHED_FIELDS: [&str; 3] = ["service", "route", "target_group"];

/// What is known of a record, with its service and route.
pub fn enriched_context<'a>(context: RecordContext<'a>, enriched: &Enriched<'a>) -> RecordContext<'a> {
    RecordContext {
        service: enriched.service.map(|service| service.name.as_str()),
        route: Some(enriched.route).filter(|route| *route != "-"),
        target_group: Some(enriched.target_group).filter(|group| !group.is_empty()),
        ..context
    }
}

/// Which records of files are meant.
#[derive(Clone, Debug)]
pub struct RecordFilter {
    predicate: Predicate,
    /// Whether it asks for what only an enriched request has.
    pub needs_enriching: bool,
}

impl RecordFilter {
    /// The records that match.
    pub fn new(expression: &Expression, predicate: Predicate) -> Self {
        Self { needs_enriching: is_enriched(expression.fields().iter().map(String::as_str)), predicate }
    }

    /// Whether a record matches.
    pub fn matches(&self, record: Record<'_>, context: RecordContext<'_>) -> bool {
        matches!(self.predicate, Predicate::All)
            || self.predicate.matches(&RecordFields::new(record, context))
    }
}

/// Whether one of the fields is known only of an enriched request.
fn is_enriched<'f>(mut fields: impl Iterator<Item = &'f str>) -> bool {
    fields.any(|name| ENRICHED_FIELDS.contains(&name))
}
