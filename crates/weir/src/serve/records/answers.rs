//! Pages, numbers, fields and routes: questions with one answer.
//!
//! Each says beside its answer up to when it is complete and what is doubtful about it; a question without those would
//! let nothing pass for "all is well".

use std::collections::HashMap;
use std::sync::Arc;

use weir_query::{Aggregation, GroupBy, GroupValue, Metric, Predicate, Row};
use weir_record::{FieldKind, canonical_name, known_field};
use weir_store::{
    AggregateRequest as StoreAggregate, Cancel, Cursor, FieldsRequest, QueryFailure, SearchRequest,
};
use weir_web::{
    AggregateAnswer, AggregateRequest, FieldRow, FieldsAnswer, FieldsQuery, Percentiles, ROUTE_COLUMNS,
    RecordsProblem, RecordsProblemKind, RouteRow, RoutesAnswer, RoutesQuery, SearchAnswer, SearchQuery,
    ValueCount,
};

use super::{Desk, failed, took_ms};
use crate::clock;
use crate::search::{
    DefaultSpan, ID_FIELD, Question, QuestionText, aggregation, bad_parameters, hit, json, rows,
};

/// Records of a page unless more are asked for.
const HITS_DEFAULT: usize = 100;

/// Records of a page at most; more come page by page, or as lines.
const HITS_MAX: usize = 10_000;

/// Values of each field unless more are asked for.
const TOP_DEFAULT: usize = 10;

/// Values of each field at most.
const TOP_MAX: usize = 1_000;

/// Routes that are answered; as many groups as are kept apart.
const ROUTES_MAX: usize = weir_query::ROWS_MAX;

/// Routes between two looks at the deadline: some milliseconds.
const ROUTES_PER_CHECK: usize = 4_096;

impl Desk {
    /// A page of records.
    pub(super) async fn search(self, query: SearchQuery) -> Result<SearchAnswer, RecordsProblem> {
        let begun = clock::monotonic();
        let question = asked(&query)?.without_stats()?;
        let request = search_request(&question, &query)?;
        let request = SearchRequest { limit: page_limit(query.limit)?, ..request };
        let (warned, zone) = (self.clone(), question.zone.clone());
        let mut answer = self
            .scan(move |scan| {
                let mut warnings = Desk::check_fields(&scan.view, &question, query.query.as_deref())?;
                let named = request.fields.iter().flatten().map(String::as_str);
                warnings.extend(Desk::check_names(&scan.view, named, None)?);
                let found = scan.search(&request)?;
                if found.hits.is_empty() && request.after.is_none() {
                    warnings.extend(warned.why_nothing(scan, &question, query.query.as_deref()));
                }
                if request.after.is_none() {
                    warnings.extend(warned.what_is_left_out(scan, &question)?);
                }
                let is_partial = !found.problems.is_empty();
                warnings.extend(found.problems);
                Ok(SearchAnswer {
                    is_partial,
                    hits: found.hits.into_iter().map(|found| hit(found, &question.zone)).collect(),
                    total: found.total,
                    cursor: found.cursor.map(|cursor| cursor.to_string()),
                    warnings,
                    ..SearchAnswer::default()
                })
            })
            .await?;
        answer.complete_to = self.complete_to(&zone);
        answer.took_ms = took_ms(begun);
        Ok(answer)
    }

    /// Numbers of groups.
    pub(super) async fn aggregate(
        self,
        request: AggregateRequest,
    ) -> Result<AggregateAnswer, RecordsProblem> {
        let begun = clock::monotonic();
        let text = QuestionText {
            query: request.query.as_deref(),
            from: request.from.as_deref(),
            to: request.to.as_deref(),
            tz: request.tz.as_deref(),
        };
        let question = Question::parse(text, clock::now(), DefaultSpan::LastHour)?;
        let aggregation = aggregation(&question, &request)?;
        let (warned, zone) = (self.clone(), question.zone.clone());
        let mut answer = self
            .scan(move |scan| {
                let query = request.query.as_deref();
                let mut warnings = Desk::check_fields(&scan.view, &question, query)?;
                let in_query = query.filter(|_| question.stats.is_some());
                warnings.extend(Desk::check_names(&scan.view, fields_of(&aggregation), in_query)?);
                let asked = of_question(&question, question.predicate.clone(), aggregation);
                let found = scan.view.aggregate(&asked, &scan.limits, &scan.cancel);
                let found = found.map_err(|failure| failed(&failure))?;
                let mut answer = rows(&asked.aggregation, &found.answer, &question.zone);
                answer.warnings.splice(0..0, warnings);
                answer.warnings.extend(warned.what_is_left_out(scan, &question)?);
                if answer.rows.is_empty() {
                    answer.warnings.extend(warned.why_nothing(scan, &question, query));
                }
                answer.is_partial = !found.problems.is_empty();
                answer.warnings.extend(found.problems);
                Ok(answer)
            })
            .await?;
        answer.complete_to = self.complete_to(&zone);
        answer.took_ms = took_ms(begun);
        Ok(answer)
    }

    /// Fields and what is in them.
    pub(super) async fn fields(self, query: FieldsQuery) -> Result<FieldsAnswer, RecordsProblem> {
        let begun = clock::monotonic();
        let text = QuestionText {
            query: query.query.as_deref(),
            from: query.from.as_deref(),
            to: query.to.as_deref(),
            tz: None,
        };
        let question = Question::parse(text, clock::now(), DefaultSpan::LastHour)?.without_stats()?;
        let request = FieldsRequest {
            predicate: question.predicate.clone(),
            from: question.from,
            to: question.to,
            top: query.top.unwrap_or(TOP_DEFAULT).min(TOP_MAX),
            names: query.field.as_deref().map(field_names),
        };
        let (warned, zone) = (self.clone(), question.zone.clone());
        let mut answer = self
            .scan(move |scan| {
                let mut warnings = Desk::check_fields(&scan.view, &question, query.query.as_deref())?;
                let named = request.names.iter().flatten().map(String::as_str);
                warnings.extend(Desk::check_names(&scan.view, named, None)?);
                let found = scan.view.fields(&request, &scan.limits, &scan.cancel);
                let found = found.map_err(|failure| failed(&failure))?;
                if found.fields.is_empty() {
                    warnings.extend(warned.why_nothing(scan, &question, query.query.as_deref()));
                }
                let is_partial = !found.problems.is_empty();
                warnings.extend(found.problems);
                let row = |summary: weir_store::FieldSummary| {
                    let top = summary.top.into_iter();
                    let top =
                        top.map(|(value, count)| ValueCount { value: json(&value, &question.zone), count });
                    FieldRow {
                        kind: kind_name(&summary.name).to_owned(),
                        name: summary.name,
                        count: summary.count,
                        distinct: summary.distinct,
                        top: top.collect(),
                    }
                };
                let fields = found.fields.into_iter().map(row).collect();
                Ok(FieldsAnswer { fields, warnings, is_partial, ..FieldsAnswer::default() })
            })
            .await?;
        answer.complete_to = self.complete_to(&zone);
        answer.took_ms = took_ms(begun);
        Ok(answer)
    }

    /// The numbers of each route: of the records that match, and of everything that was counted without a query.
    pub(super) async fn routes(self, query: RoutesQuery) -> Result<RoutesAnswer, RecordsProblem> {
        if query.query.as_deref().is_none_or(|query| query.trim().is_empty()) {
            return self.counted_routes(query).await;
        }
        let columns = query.columns().map_err(|error| bad_parameters(&error))?;
        let text = QuestionText {
            query: query.query.as_deref(),
            from: query.from.as_deref(),
            to: query.to.as_deref(),
            tz: None,
        };
        let question = Question::parse(text, clock::now(), DefaultSpan::LastHour)?.without_stats()?;
        let (warned, zone) = (self.clone(), question.zone.clone());
        let mut answer = self
            .scan(move |scan| {
                let warnings = Desk::check_fields(&scan.view, &question, query.query.as_deref())?;
                let mut answer = RoutesAnswer { warnings, ..RoutesAnswer::default() };
                answer.warnings.extend(warned.what_is_left_out(scan, &question)?);
                let aggregate = |predicate: Predicate, metrics: Vec<(String, Metric)>| {
                    let asked = ROUTE_COLUMNS.iter().zip(columns).filter(|(_, is_asked)| *is_asked);
                    let group_by = asked.map(|(field, _)| GroupBy::Field((*field).to_owned())).collect();
                    let aggregation = Aggregation { group_by, metrics, order: None, limit: ROUTES_MAX };
                    let asked = of_question(&question, predicate, aggregation);
                    scan.view
                        .aggregate(&asked, &scan.limits, &scan.cancel)
                        .map_err(|failure| failed(&failure))
                };
                // Requests only: an event has no method and no status.
                let requests = all_of("status:*", &question.predicate)?;
                let all = aggregate(requests, route_metrics())?;
                let count = vec![("count".to_owned(), Metric::Count)];
                let errors = aggregate(all_of("status:>=500", &question.predicate)?, count)?;
                answer.percentiles =
                    Percentiles { is_exact: all.answer.is_exact, error_bound: Some(all.answer.error_bound) };
                let span_seconds = question.to.micros_since(question.from).unwrap_or(0) as f64 / 1e6;
                answer.routes =
                    route_rows(&all.answer.rows, &errors.answer.rows, columns, span_seconds, &scan.cancel)
                        .map_err(|failure| failed(&failure))?;
                if answer.routes.is_empty() {
                    answer.warnings.extend(warned.why_nothing(scan, &question, query.query.as_deref()));
                }
                answer.is_partial = !all.problems.is_empty();
                answer.warnings.extend(all.problems);
                Ok(answer)
            })
            .await?;
        answer.complete_to = self.complete_to(&zone);
        Ok(answer)
    }

    /// The numbers of each route, from the minutes.
    async fn counted_routes(self, query: RoutesQuery) -> Result<RoutesAnswer, RecordsProblem> {
        let state = Arc::clone(&self.parts.state);
        let routes = tokio::task::spawn_blocking(move || state.routes(&query)).await;
        match routes.unwrap_or_else(|_| Err("the summing up failed; look at the server's log".to_owned())) {
            Ok(statistics) => Ok(statistics.into_answer()),
            Err(error) => Err(bad_parameters(&error)),
        }
    }
}

/// The fields that an aggregation reads.
fn fields_of(aggregation: &Aggregation) -> impl Iterator<Item = &str> {
    let groups = aggregation.group_by.iter().map(GroupBy::name);
    groups.chain(aggregation.metrics.iter().filter_map(|(_, metric)| metric.field()))
}

/// The question of a search.
pub(super) fn asked(query: &SearchQuery) -> Result<Question, RecordsProblem> {
    let text = QuestionText {
        query: query.query.as_deref(),
        from: query.from.as_deref(),
        to: query.to.as_deref(),
        tz: query.tz.as_deref(),
    };
    Question::parse(text, clock::now(), DefaultSpan::LastHour)
}

/// What a search asks of the store; the limit is for the caller to say.
pub(super) fn search_request(
    question: &Question,
    query: &SearchQuery,
) -> Result<SearchRequest, RecordsProblem> {
    let cursor = query.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    let after = cursor.map(str::parse::<Cursor>).transpose().map_err(|failure| failed(&failure))?;
    Ok(SearchRequest {
        is_oldest_first: is_oldest_first(query.order.as_deref())?,
        after,
        fields: query.fields.as_deref().map(field_names),
        with_total: query.total.unwrap_or(true),
        ..SearchRequest::newest(question.predicate.clone(), question.from..question.to, HITS_DEFAULT)
    })
}

fn page_limit(limit: Option<usize>) -> Result<usize, RecordsProblem> {
    match limit.unwrap_or(HITS_DEFAULT) {
        limit if limit > HITS_MAX => Err(RecordsProblem::new(
            RecordsProblemKind::BadParameters,
            format!("a limit of {limit} is more than a page may have"),
            format!(
                "ask for {HITS_MAX} at most and go on with the cursor, or take all of it with format=ndjson"
            ),
        )),
        limit => Ok(limit),
    }
}

fn is_oldest_first(order: Option<&str>) -> Result<bool, RecordsProblem> {
    match order.unwrap_or_default() {
        "" | "newest" | "-@timestamp" => Ok(false),
        "oldest" | "@timestamp" | "+@timestamp" => Ok(true),
        other => {
            let other: String = other.chars().take(64).collect();
            Err(RecordsProblem::new(
                RecordsProblemKind::BadParameters,
                format!("`{other}` is no order of records"),
                "write newest or oldest; /api/aggregate sorts by any number",
            ))
        }
    }
}

/// Names that stand in a list with commas, as records have them.
pub(super) fn field_names(list: &str) -> Vec<String> {
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != ID_FIELD);
    names.map(|name| canonical_name(name).to_owned()).collect()
}

fn of_question(question: &Question, predicate: Predicate, aggregation: Aggregation) -> StoreAggregate {
    StoreAggregate { predicate, from: question.from, to: question.to, aggregation }
}

/// Both a query of ours and a predicate.
fn all_of(query: &str, predicate: &Predicate) -> Result<Predicate, RecordsProblem> {
    let own = weir_query::parse(query).and_then(|query| query.filter.compile(clock::now()));
    let own = own.map_err(|error| crate::search::bad_query(query, error))?;
    Ok(Predicate::and([own, predicate.clone()]))
}

fn route_metrics() -> Vec<(String, Metric)> {
    let field = || "request_time".to_owned();
    let percentile = |p: f64| (format!("p{p}"), Metric::Percentile { field: field(), p });
    vec![
        ("count".to_owned(), Metric::Count),
        ("avg".to_owned(), Metric::Average { field: field() }),
        percentile(50.0),
        percentile(95.0),
        percentile(99.0),
    ]
}

/// The routes of all requests, each with its share of `errors`.
fn route_rows(
    all: &[Row],
    errors: &[Row],
    columns: [bool; 4],
    span_seconds: f64,
    cancel: &Cancel,
) -> Result<Vec<RouteRow>, QueryFailure> {
    cancel.check()?;
    let errors: HashMap<&[GroupValue], &Row> = errors.iter().map(|row| (&*row.keys, row)).collect();
    let mut routes = Vec::with_capacity(all.len());
    for rows in all.chunks(ROUTES_PER_CHECK) {
        cancel.check()?;
        routes.extend(rows.iter().map(|row| {
            let failed = errors.get(&*row.keys).and_then(|row| number(row, 0));
            route(row, failed.unwrap_or(0.0), columns, span_seconds)
        }));
    }
    Ok(routes)
}

fn number(row: &Row, index: usize) -> Option<f64> {
    row.values.get(index).and_then(|value| value.as_f64())
}

fn route(row: &Row, failed: f64, columns: [bool; 4], span_seconds: f64) -> RouteRow {
    // Behind the columns before it that were asked for.
    let place = |index: usize| columns[..index].iter().filter(|is_asked| **is_asked).count();
    let key = |index: usize| match row.keys.get(place(index)).filter(|_| columns[index]) {
        Some(GroupValue::Text(text)) => Box::from(&**text),
        _ => Box::default(),
    };
    let count = number(row, 0).unwrap_or(0.0);
    RouteRow {
        source: key(0),
        service: key(1),
        route: key(2),
        method: key(3),
        count: count as u64,
        rate: count / span_seconds.max(1.0),
        error_ratio: failed / count.max(1.0),
        avg: number(row, 1),
        p50: number(row, 2),
        p95: number(row, 3),
        p99: number(row, 4),
    }
}

fn kind_name(field: &str) -> &'static str {
    match known_field(field).map(|known| known.kind) {
        Some(FieldKind::Time) => "time",
        Some(FieldKind::Keyword) => "keyword",
        Some(FieldKind::Text) => "text",
        Some(FieldKind::Words) => "words",
        Some(FieldKind::List) => "list",
        Some(FieldKind::Integer) => "integer",
        Some(FieldKind::Seconds) => "seconds",
        None => "other",
    }
}

#[cfg(test)]
mod tests {
    use weir_query::MetricValue;

    use super::*;

    #[test]
    fn orders_and_pages_are_what_they_say() {
        for (order, expected) in [
            (None, Some(false)),
            (Some("newest"), Some(false)),
            (Some("-@timestamp"), Some(false)),
            (Some("oldest"), Some(true)),
            (Some("@timestamp"), Some(true)),
            (Some("-status"), None),
        ] {
            assert_eq!(is_oldest_first(order).ok(), expected, "{order:?}");
        }
        assert_eq!(page_limit(None).ok(), Some(HITS_DEFAULT));
        assert_eq!(page_limit(Some(0)).ok(), Some(0));
        assert!(page_limit(Some(HITS_MAX + 1)).is_err());
        assert_eq!(field_names("uri, status,,_id"), ["path", "status"]);
    }

    #[test]
    fn each_route_has_its_own_errors_and_a_deadline_ends_the_work() {
        let row = |route: &str, count: i64| Row {
            keys: vec![GroupValue::Text(route.into()), GroupValue::Missing],
            values: vec![MetricValue::Integer(count)],
        };
        let all: Vec<Row> = (1..=10_000).map(|number| row(&format!("/{number}"), 10)).collect();
        let errors = [row("/7", 5), row("/9999", 10), row("/gone", 3)];
        let columns = [false, false, true, true];
        let routes = route_rows(&all, &errors, columns, 1.0, &Cancel::new()).expect("there is time");
        assert_eq!(routes.len(), all.len());
        let failing: Vec<(&str, f64)> = routes
            .iter()
            .filter(|row| row.error_ratio > 0.0)
            .map(|row| (&*row.route, row.error_ratio))
            .collect();
        assert_eq!(failing, [("/7", 0.5), ("/9999", 1.0)]);
        let cancel = Cancel::new();
        cancel.cancel();
        assert!(route_rows(&all, &errors, columns, 1.0, &cancel).is_err());
    }
}
