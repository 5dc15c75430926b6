//! Questions about the events of an alert, answered by the store as it is now.
//!
//! They are asked with the queries that stand in the mail, so that whoever asks again gets the same numbers. All are of
//! one moment's view of the store, end at a deadline, and take little memory: people who search go first.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value as Json;
use weir_query::{
    Aggregation, Column, Expression, GroupBy, GroupValue, Metric, Operand, Order, RangeBound, Row, Term,
};
use weir_record::{Timestamp, Value};
use weir_ship::notify::{Share, ShareTable, SlowLine};
use weir_store::{AggregateRequest, Cancel, Hit, Limits, QueryFailure, SearchRequest, Store, View};

use super::super::bad_events::BadEvents;
use crate::clock;
use crate::search::{Zone, hit, text_line};

/// Rows of a table, and lines.
const ROWS: usize = 5;

/// Where no value has as large a share of the bad events, a table of many values says nothing.
const SHARE_MIN: f64 = 0.05;

/// Values that a table's may be told from, where a field is a list.
const GROUPS_MAX: usize = 100;

/// Memory of a question, in bytes: searches by people go first.
const MEMORY_BYTES_MAX: usize = 64 << 20;

/// Percentiles of the times, by their names.
const PERCENTILES: [(&str, f64); 3] = [("p50", 50.0), ("p95", 95.0), ("p99", 99.0)];

/// What a line says; its time and its id stand beside it.
const LINE_FIELDS: [&str; 13] = [
    "source",
    "status",
    "method",
    "host",
    "path",
    "target",
    "upstream_time",
    "user_email",
    "client_ip",
    "level",
    "controller",
    "message",
    "error_reason",
];

/// The records, for as long as somebody waits.
pub(super) struct Records {
    view: Arc<View>,
    limits: Limits,
    cancel: Cancel,
    now: Timestamp,
    are_damaged: Cell<bool>,
}

impl Records {
    /// Those of now, until a moment.
    pub fn new(store: &Store, until: Instant) -> Self {
        Self {
            view: store.view(),
            limits: Limits { memory_bytes_max: MEMORY_BYTES_MAX, ..Limits::default() },
            cancel: Cancel::at(until),
            now: clock::now(),
            are_damaged: Cell::new(false),
        }
    }

    /// Whether some could not be read.
    pub fn are_damaged(&self) -> bool {
        self.are_damaged.get()
    }

    /// How many there are of these in the span of the events.
    pub fn count(&self, which: &Expression, events: &BadEvents) -> Result<u64, QueryFailure> {
        let rows = self.aggregate(which, events, Aggregation::count())?;
        Ok(rows.first().map_or(0, |row| whole(row, 0)))
    }

    /// How many events were counted in all, and the percentiles of their times.
    pub fn times(&self, events: &BadEvents) -> Result<(u64, Vec<(String, f64)>), QueryFailure> {
        let percentiles = PERCENTILES.iter().map(|(name, p)| {
            ((*name).to_owned(), Metric::Percentile { field: "request_time".to_owned(), p: *p })
        });
        let metrics = std::iter::once(("count".to_owned(), Metric::Count)).chain(percentiles).collect();
        let rows = self.aggregate(&events.all, events, Aggregation { metrics, ..Aggregation::count() })?;
        let Some(row) = rows.first() else { return Ok((0, Vec::new())) };
        let times = PERCENTILES.iter().enumerate().filter_map(|(place, (name, _))| {
            Some(((*name).to_owned(), row.values.get(place + 1)?.as_f64()?))
        });
        Ok((whole(row, 0), times.collect()))
    }

    /// The values of a field with the most bad events; `None` where no bad event has the field, or each has another
    /// value.
    pub fn shares(&self, events: &BadEvents, field: &str) -> Result<Option<ShareTable>, QueryFailure> {
        let by_field = |limit| Aggregation {
            group_by: vec![GroupBy::Field(field.to_owned())],
            order: Some(Order { by: "count".to_owned(), is_descending: true }),
            limit,
            ..Aggregation::count()
        };
        let bad = self.aggregate(&events.bad, events, by_field(ROWS))?;
        let has_field = |row: &&Row| row.keys.first().is_some_and(|key| *key != GroupValue::Missing);
        if bad.iter().find(has_field).is_none() {
            return Ok(None);
        }
        let bad_total = self.count(&events.bad, events)?;
        let most = bad.first().map_or(0, |row| whole(row, 0));
        if bad.len() == ROWS && share(most, bad_total) < SHARE_MIN {
            return Ok(None);
        }
        let has_others = events.all != events.bad;
        let (all_total, all) = if has_others {
            let values =
                Expression::Or(bad.iter().filter_map(|row| of_value(field, row.keys.first()?)).collect());
            let of_values = Expression::And(vec![events.all.clone(), values]);
            (self.count(&events.all, events)?, self.aggregate(&of_values, events, by_field(GROUPS_MAX))?)
        } else {
            (bad_total, Vec::new())
        };
        let rows = bad.iter().filter_map(|row| {
            let key = row.keys.first()?;
            let total = all.iter().find(|other| other.keys.first() == Some(key)).map(|row| whole(row, 0));
            Some(Share {
                value: shown(key),
                bad: whole(row, 0),
                total: total.unwrap_or_else(|| whole(row, 0)),
                of_bad: share(whole(row, 0), bad_total),
                of_all: total.map(|total| share(total, all_total)),
            })
        });
        Ok(Some(ShareTable { field: field.to_owned(), rows: rows.collect() }))
    }

    /// The bad events that took longest; where no line says how long, the last ones.
    pub fn slowest(&self, events: &BadEvents) -> Result<Vec<SlowLine>, QueryFailure> {
        let with_time = with(&events.bad, request_time(Operand::Exists));
        let count = self.count(&with_time, events)?;
        if count == 0 {
            return self.lines(&events.bad, events);
        }
        let Some(at_least) = self.time_of_rank(&with_time, count, events)? else {
            return Ok(Vec::new());
        };
        // At most as many took longer as there are lines; the rest took exactly so long.
        let mut lines = self.lines(&with(&events.bad, longer_than(at_least)), events)?;
        if lines.len() < ROWS {
            lines.extend(self.lines(&with(&events.bad, exactly(at_least)), events)?);
        }
        lines.sort_by(|one, other| {
            other.seconds.partial_cmp(&one.seconds).unwrap_or(std::cmp::Ordering::Equal)
        });
        lines.truncate(ROWS);
        Ok(lines)
    }

    /// The time of the event that is the last one among the slowest.
    fn time_of_rank(
        &self,
        which: &Expression,
        count: u64,
        events: &BadEvents,
    ) -> Result<Option<f64>, QueryFailure> {
        // The percentile by nearest rank of the fifth from the end; half a rank keeps rounding out of it.
        let before = count.saturating_sub(ROWS as u64) as f64 + 0.5;
        let p = (before / count as f64 * 100.0).min(100.0);
        let metric = Metric::Percentile { field: "request_time".to_owned(), p };
        let aggregation = Aggregation { metrics: vec![("p".to_owned(), metric)], ..Aggregation::count() };
        let rows = self.aggregate(which, events, aggregation)?;
        Ok(rows.first().and_then(|row| row.values.first()?.as_f64()))
    }

    /// When the first bad event happened.
    pub fn first(&self, events: &BadEvents) -> Result<Option<Timestamp>, QueryFailure> {
        let request = SearchRequest {
            is_oldest_first: true,
            fields: Some(Vec::new()),
            ..SearchRequest::newest(self.predicate(&events.bad)?, events.from..events.to, 1)
        };
        Ok(self.search(&request)?.first().map(|found| found.time))
    }

    fn lines(&self, which: &Expression, events: &BadEvents) -> Result<Vec<SlowLine>, QueryFailure> {
        let request = SearchRequest::newest(self.predicate(which)?, events.from..events.to, ROWS);
        Ok(self.search(&request)?.into_iter().map(line).collect())
    }

    fn search(&self, request: &SearchRequest) -> Result<Vec<Hit>, QueryFailure> {
        self.cancel.check()?;
        let found = self.view.search(request, &self.limits, &self.cancel)?;
        self.are_damaged.set(self.are_damaged.get() || !found.problems.is_empty());
        Ok(found.hits)
    }

    fn aggregate(
        &self,
        which: &Expression,
        events: &BadEvents,
        aggregation: Aggregation,
    ) -> Result<Vec<Row>, QueryFailure> {
        self.cancel.check()?;
        let predicate = self.predicate(which)?;
        let request = AggregateRequest { predicate, from: events.from, to: events.to, aggregation };
        let found = self.view.aggregate(&request, &self.limits, &self.cancel)?;
        self.are_damaged.set(self.are_damaged.get() || !found.problems.is_empty());
        Ok(found.answer.rows)
    }

    fn predicate(&self, expression: &Expression) -> Result<weir_query::Predicate, QueryFailure> {
        expression.compile(self.now).map_err(|error| QueryFailure::Unreadable { problem: error.problem })
    }
}

fn line(found: Hit) -> SlowLine {
    let id = ["request_id", "trace_id"].into_iter().find_map(|name| match found.field(name) {
        Some(Value::Text(id)) => Some(id.to_string()),
        _ => None,
    });
    let seconds = match found.field("request_time") {
        Some(Value::Float(seconds)) => Some(*seconds),
        Some(Value::Integer(seconds)) => Some(*seconds as f64),
        _ => None,
    };
    let at = found.time;
    let mut shown = hit(found, &Zone::default());
    join_query(&mut shown);
    let text = text_line(&shown, Some(&LINE_FIELDS.map(str::to_owned)));
    let text = text.split_once(' ').map(|(_, fields)| fields.to_owned()).unwrap_or_default();
    SlowLine { at, seconds, text, id: id.unwrap_or_default() }
}

/// Puts what a client asked for together again, so that it is seen, and masked, as what it is.
fn join_query(shown: &mut weir_web::Hit) {
    let Some(Json::String(query)) = shown.get("query").cloned() else { return };
    for (name, value) in &mut shown.0 {
        if let (true, Json::String(path)) = (name == "path", value) {
            path.push('?');
            path.push_str(&query);
        }
    }
}

fn whole(row: &Row, place: usize) -> u64 {
    row.values.get(place).and_then(|value| value.as_f64()).map_or(0, |count| count as u64)
}

fn share(part: u64, of: u64) -> f64 {
    part as f64 / of.max(1) as f64
}

fn shown(value: &GroupValue) -> String {
    match value {
        GroupValue::Text(text) => text.to_string(),
        GroupValue::Integer(number) => number.to_string(),
        GroupValue::Float(number) => number.to_string(),
        GroupValue::Boolean(boolean) => boolean.to_string(),
        GroupValue::Time(time) => time.to_string(),
        GroupValue::Missing => "(none)".to_owned(),
    }
}

/// The records with this value of a field.
fn of_value(name: &str, value: &GroupValue) -> Option<Expression> {
    let field = |operand| Expression::Field { name: name.to_owned(), operand, column: Column(1) };
    Some(match value {
        GroupValue::Missing => Expression::Not(Box::new(field(Operand::Exists))),
        other => field(Operand::Is(Term::Quoted(shown(other)))),
    })
}

fn with(which: &Expression, more: Expression) -> Expression {
    Expression::And(vec![which.clone(), more])
}

fn request_time(operand: Operand) -> Expression {
    Expression::Field { name: "request_time".to_owned(), operand, column: Column(1) }
}

fn bound(seconds: f64, is_inclusive: bool) -> RangeBound {
    RangeBound { text: seconds.to_string(), is_inclusive }
}

fn longer_than(seconds: f64) -> Expression {
    request_time(Operand::Range { lower: Some(bound(seconds, false)), upper: None })
}

fn exactly(seconds: f64) -> Expression {
    request_time(Operand::Range { lower: Some(bound(seconds, true)), upper: Some(bound(seconds, true)) })
}
