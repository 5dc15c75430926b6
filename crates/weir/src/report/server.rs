//! A report of what a server, or a data folder, has counted and keeps.
//!
//! Whole minutes of routes, methods, services and sources come from the counts, which have every request, also those
//! that `keep` left out of the store; their percentiles lie within a bucket. Anything else comes from the records:
//! the same columns as of files, from two questions, all requests and those that the server failed.

use std::io::Write;
use std::process::ExitCode;

use serde_json::{Value, json};
use weir_web::{
    AggregateAnswer, AggregateRequest, GroupField, GroupKey, MetricKind, NoField, OfField, Pairs,
    PercentileOf, ROUTE_COLUMNS, RouteRow, RoutesQuery, SearchQuery,
};

use super::column::{GroupColumn, ValueColumn};
use super::format::{SHOWN, header, shown};
use super::{question, terminal_columns};
use crate::account::grouped;
use crate::admin::{Connection, runtime};
use crate::cli::{ReportArguments, ReportOutput};
use crate::output::{UsageError, harmless, pretty_json, say, shown_csv};
use crate::search::{DefaultSpan, Question, aligned};

/// Groups that are asked for, so that they can be sorted by any column here.
const GROUPS_MAX: usize = 100_000;

/// Fields that a report may be grouped by, beside a span of time, where the server is asked.
const FIELDS_MAX: usize = 2;

/// Asks, and prints the answer.
///
/// # Errors
///
/// A wrong query, nobody who can be asked, or output that cannot be written.
pub fn run(arguments: &ReportArguments, columns: &[GroupColumn]) -> anyhow::Result<ExitCode> {
    let question = question(arguments, DefaultSpan::LastHour)?;
    let is_counted = arguments.filter.is_none() && columns.iter().all(|column| is_counted(*column));
    let is_time = |column: &&GroupColumn| interval(**column).is_some();
    let times = columns.iter().filter(is_time).count();
    if !is_counted && (times > 1 || columns.len() - times > FIELDS_MAX) {
        let problem = "the server groups by two fields and one of minute, hour and day; name files for more";
        return Err(UsageError::new("--by", problem).into());
    }
    let answered = runtime()?.block_on(async {
        let connection = Connection::open(&arguments.server, false).await?;
        let outcome = if is_counted {
            of_counts(&connection, &question, columns).await
        } else {
            of_records(&connection, arguments, &question, columns).await
        };
        let closed = connection.close().await;
        outcome.and_then(|answered| closed.map(|()| answered))
    })?;
    let Answered { mut rows, total, complete_to, warnings, is_partial } = answered;
    let zone = &question.zone;
    let span = format!("{} to {} ({})", zone.text(question.from), zone.text(question.to), zone.name());
    let complete = complete_to.map(|to| format!(", complete to {}", harmless(&to))).unwrap_or_default();
    let of = if is_counted { ": all requests that were counted in these minutes" } else { "" };
    say(&format_args!("{span}{complete}{of}"));
    warnings.iter().for_each(|warning| say(&harmless(warning)));
    sort(&mut rows, &arguments.order);
    let kept = if arguments.limit == 0 { rows.len() } else { arguments.limit.min(rows.len()) };
    let left_out = rows.split_off(kept).len();
    print(arguments.output, &rows, &total, left_out, &question)?;
    Ok(ExitCode::from(u8::from(is_partial)))
}

/// What a report is made of.
struct Answered {
    rows: Vec<Pairs<Value>>,
    total: Pairs<Value>,
    complete_to: Option<String>,
    warnings: Vec<String>,
    is_partial: bool,
}

/// Whether the counts know it of each request.
fn is_counted(column: GroupColumn) -> bool {
    ROUTE_COLUMNS.contains(&column.name())
}

/// From the minutes, which have all that was counted.
async fn of_counts(
    connection: &Connection,
    question: &Question,
    columns: &[GroupColumn],
) -> anyhow::Result<Answered> {
    let asked = |by: String| RoutesQuery {
        from: Some(question.from.to_string()),
        to: Some(question.to.to_string()),
        query: None,
        by: Some(by),
    };
    let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
    let routes = connection.routes(asked(names.join(","))).await?;
    let total = connection.routes(asked(String::new())).await?;
    let mut warnings = routes.warnings;
    if let Some(error) = routes.percentiles.error_bound.filter(|_| !routes.percentiles.is_exact) {
        warnings.push(format!(
            "percentiles are at most {:.0} % off, as they come from the buckets of minutes; --where '*' asks the \
             records that are kept",
            error * 100.0
        ));
    }
    if routes.routes.is_empty() {
        warnings.push("no request was counted in this span; weir search says why".to_owned());
    }
    Ok(Answered {
        rows: routes.routes.iter().map(|route| of_route(route, &names)).collect(),
        total: total.routes.first().map(|route| of_route(route, &[])).unwrap_or_default(),
        complete_to: routes.complete_to,
        warnings,
        is_partial: routes.is_partial,
    })
}

/// The numbers of a route in the columns of a report.
fn of_route(route: &RouteRow, names: &[&str]) -> Pairs<Value> {
    let key = |name: &str| match name {
        "source" => &*route.source,
        "service" => &*route.service,
        "route" => &*route.route,
        _ => &*route.method,
    };
    let key = |name: &&str| Some(key(name)).filter(|key| !key.is_empty()).map_or(Value::Null, Value::from);
    let value = |column: ValueColumn| match column {
        ValueColumn::Count => json!(route.count),
        ValueColumn::Rate => json!(rounded(route.rate)),
        ValueColumn::ErrorRatio => json!(rounded(route.error_ratio)),
        ValueColumn::Mean => json!(route.avg.map(rounded)),
        ValueColumn::Percentile(50) => json!(route.p50.map(rounded)),
        ValueColumn::Percentile(95) => json!(route.p95.map(rounded)),
        ValueColumn::Percentile(_) => json!(route.p99.map(rounded)),
        // The minutes have neither.
        ValueColumn::Max | ValueColumn::BytesOut => Value::Null,
    };
    let values = ValueColumn::ALL.into_iter().map(|column| (column.name().to_owned(), value(column)));
    names.iter().map(|name| ((*name).to_owned(), key(name))).chain(values).collect()
}

/// From the records that are kept.
async fn of_records(
    connection: &Connection,
    arguments: &ReportArguments,
    question: &Question,
    columns: &[GroupColumn],
) -> anyhow::Result<Answered> {
    if let Some(filter) = &arguments.filter {
        // By itself, so that what is wrong with it is said with its own columns.
        let (from, to) = (Some(question.from.to_string()), Some(question.to.to_string()));
        let query = SearchQuery { query: Some(filter.clone()), from, to, ..SearchQuery::default() };
        connection.search(SearchQuery { limit: Some(0), total: Some(false), ..query }).await?;
    }
    let all = connection.aggregate(request(arguments, question, columns, REQUESTS)).await?;
    let failed = connection.aggregate(request(arguments, question, columns, FAILED)).await?;
    let total = connection.aggregate(request(arguments, question, &[], REQUESTS)).await?;
    let failed_total = connection.aggregate(request(arguments, question, &[], FAILED)).await?;
    let seconds = question.to.micros_since(question.from).unwrap_or(0) as f64 / 1e6;
    Ok(Answered {
        rows: merged(&all, &failed, columns.len(), seconds),
        total: merged(&total, &failed_total, 0, seconds).pop().unwrap_or_default(),
        is_partial: [&all, &failed, &total, &failed_total].iter().any(|answer| answer.is_partial),
        complete_to: all.complete_to,
        warnings: all.warnings,
    })
}

/// All requests, and those that the server failed.
const REQUESTS: &str = "status:*";
const FAILED: &str = "status:>=500";

fn request(
    arguments: &ReportArguments,
    question: &Question,
    columns: &[GroupColumn],
    of: &str,
) -> AggregateRequest {
    let filter = arguments.filter.as_deref().unwrap_or("*");
    let group = |column: &GroupColumn| match interval(*column) {
        Some(interval) => GroupKey::Field(GroupField {
            field: "@timestamp".to_owned(),
            interval: Some(interval.to_owned()),
        }),
        None => GroupKey::Name(column.name().to_owned()),
    };
    AggregateRequest {
        query: Some(format!("({filter}) AND {of}")),
        from: Some(question.from.to_string()),
        to: Some(question.to.to_string()),
        tz: arguments.tz.as_ref().map(|_| question.zone.name().to_owned()),
        group_by: Some(columns.iter().map(group).collect()),
        metrics: Some(metrics()),
        order: None,
        limit: Some(GROUPS_MAX),
    }
}

fn interval(column: GroupColumn) -> Option<&'static str> {
    match column {
        GroupColumn::Minute => Some("1m"),
        GroupColumn::Hour => Some("1h"),
        GroupColumn::Day => Some("1d"),
        _ => None,
    }
}

fn metrics() -> Pairs<MetricKind> {
    let of = |field: &str| OfField { field: field.to_owned() };
    let percentile = |p: f64| MetricKind::Percentile(PercentileOf { field: "request_time".to_owned(), p });
    [
        ("count", MetricKind::Count(NoField {})),
        ("avg", MetricKind::Avg(of("request_time"))),
        ("p50", percentile(50.0)),
        ("p95", percentile(95.0)),
        ("p99", percentile(99.0)),
        ("max", MetricKind::Max(of("request_time"))),
        ("bytes_out", MetricKind::Sum(of("bytes_out"))),
    ]
    .map(|(name, kind)| (name.to_owned(), kind))
    .into_iter()
    .collect()
}

/// The rows of the first answer with the rates of both, in the columns of a report.
fn merged(all: &AggregateAnswer, failed: &AggregateAnswer, keys: usize, seconds: f64) -> Vec<Pairs<Value>> {
    let key_of =
        |row: &Pairs<Value>| row.0.iter().take(keys).map(|(_, value)| value.to_string()).collect::<Vec<_>>();
    let number = |row: &Pairs<Value>, name: &str| row.get(name).and_then(Value::as_f64);
    let failed: std::collections::HashMap<_, _> =
        failed.rows.iter().map(|row| (key_of(row), number(row, "count").unwrap_or(0.0))).collect();
    let row = |row: &Pairs<Value>| {
        let count = number(row, "count").unwrap_or(0.0);
        let failed = failed.get(&key_of(row)).copied().unwrap_or(0.0);
        let value = |column: ValueColumn| match column {
            ValueColumn::Rate => json!(rounded(count / seconds.max(1.0))),
            ValueColumn::ErrorRatio => json!(rounded(failed / count.max(1.0))),
            other => row.get(other.name()).cloned().unwrap_or_default(),
        };
        let values = ValueColumn::ALL.into_iter().map(|column| (column.name().to_owned(), value(column)));
        row.0.iter().take(keys).cloned().chain(values).collect()
    };
    all.rows.iter().map(row).collect()
}

/// Six digits, as in reports of files.
fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

/// By a column, with `-` for the greatest first; rows without a value come last either way.
fn sort(rows: &mut [Pairs<Value>], order: &str) {
    let is_descending = order.starts_with('-');
    let name = order.trim_start_matches(['-', '+']);
    let name = match name {
        "errors" => "error_ratio",
        "minute" | "hour" | "day" => "@timestamp",
        other => weir_record::canonical_name(other),
    };
    rows.sort_by(|one, other| {
        let (one, other) = (one.get(name).unwrap_or(&Value::Null), other.get(name).unwrap_or(&Value::Null));
        match (one.is_null(), other.is_null()) {
            (false, false) => {}
            (one, other) => return one.cmp(&other),
        }
        let order = match (one.as_f64(), other.as_f64()) {
            (Some(one), Some(other)) => one.total_cmp(&other),
            _ => one.as_str().cmp(&other.as_str()),
        };
        if is_descending { order.reverse() } else { order }
    });
}

fn print(
    output: ReportOutput,
    rows: &[Pairs<Value>],
    total: &Pairs<Value>,
    left_out: usize,
    question: &Question,
) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match output {
        ReportOutput::Table => {
            out.write_all(table(rows, total, left_out).as_bytes())?;
        }
        ReportOutput::Json => {
            let report = json!({
                "from": question.from.to_string(),
                "to": question.to.to_string(),
                "rows": rows,
                "rows_left_out": left_out,
                "total": total,
            });
            out.write_all(pretty_json(&report)?.as_bytes())?;
        }
        ReportOutput::Csv => {
            let Some(first) = rows.first() else { return Ok(()) };
            let columns: Vec<String> = first.0.iter().map(|(name, _)| name.clone()).collect();
            let mut text = (columns.join(",") + "\r\n").into_bytes();
            let format = weir_web::ExportFormat::Csv(columns);
            rows.iter().for_each(|row| weir_web::export_line(&mut text, &format, row));
            out.write_all(shown_csv(String::from_utf8_lossy(&text).into_owned()).as_bytes())?;
        }
    }
    Ok(())
}

/// The table of a report: as that of files.
fn table(rows: &[Pairs<Value>], total: &Pairs<Value>, left_out: usize) -> String {
    let is_key = |name: &str| ValueColumn::ALL.iter().all(|column| column.name() != name);
    let key = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => harmless(text),
        other => harmless(&other.to_string()),
    };
    let values = |row: &Pairs<Value>| {
        SHOWN.map(|column| {
            let value = row.get(column.name()).and_then(Value::as_f64);
            value.map_or("-".to_owned(), |value| shown(column, value))
        })
    };
    let keys = rows.first().map_or(1, |row| row.0.iter().filter(|(name, _)| is_key(name)).count()).max(1);
    let names = rows
        .first()
        .map_or(Vec::new(), |row| row.0.iter().take(keys).map(|(name, _)| harmless(name)).collect());
    let line = |mut cells: Vec<String>, values: Vec<String>| {
        cells.resize(keys, String::new());
        cells.into_iter().chain(values).collect::<Vec<String>>()
    };
    let mut lines = vec![line(names, SHOWN.map(header).map(str::to_owned).to_vec())];
    for row in rows {
        let cells = row.0.iter().take(keys).map(|(_, value)| key(value)).collect();
        lines.push(line(cells, values(row).to_vec()));
    }
    if left_out > 0 {
        lines.push(line(
            vec![format!("{} more rows", grouped(left_out as u64))],
            vec![String::new(); SHOWN.len()],
        ));
    }
    lines.push(line(vec!["total".to_owned()], values(total).to_vec()));
    let is_right: Vec<bool> = (0..keys + SHOWN.len()).map(|column| column >= keys).collect();
    aligned(&lines, &is_right, terminal_columns())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(rows: &str) -> AggregateAnswer {
        AggregateAnswer { rows: serde_json::from_str(rows).expect("rows"), ..AggregateAnswer::default() }
    }

    #[test]
    fn the_table_is_for_people() {
        let all = answer(r#"[{"route":"/a","count":1200,"avg":0.4,"p50":0.1,"p95":2.5,"p99":null}]"#);
        let failed = answer(r#"[{"route":"/a","count":12}]"#);
        let rows = merged(&all, &failed, 1, 100.0);
        let total = merged(&answer(r#"[{"count":1300}]"#), &answer("[]"), 0, 100.0);
        assert_eq!(
            table(&rows, &total[0], 2),
            "route        count  errors    avg    p50    p95  p99\n\
             /a           1,200   1.00%  400ms  100ms  2.50s    -\n\
             2 more rows\n\
             total        1,300      0%      -      -      -    -\n"
        );
    }

    #[test]
    fn counts_are_shown_in_the_columns_of_a_report() {
        let route = RouteRow { route: "/a".into(), count: 7, p95: Some(0.4), ..RouteRow::default() };
        let row = of_route(&route, &["service", "route"]);
        let shown = serde_json::to_string(&row).expect("only text keys");
        assert_eq!(
            shown,
            "{\"service\":null,\"route\":\"/a\",\"count\":7,\"rate\":0.0,\"error_ratio\":0.0,\"avg\":null,\
             \"p50\":null,\"p95\":0.4,\"p99\":null,\"max\":null,\"bytes_out\":null}"
        );
    }

    #[test]
    fn rates_come_from_both_answers() {
        let all = answer(r#"[{"route":"/a","count":10,"p95":0.4},{"route":null,"count":2,"p95":null}]"#);
        let failed = answer(r#"[{"route":"/a","count":5}]"#);
        let mut rows = merged(&all, &failed, 1, 100.0);
        assert_eq!(rows[0].get("error_ratio"), Some(&json!(0.5)));
        assert_eq!(rows[0].get("rate"), Some(&json!(0.1)));
        assert_eq!(rows[1].get("error_ratio"), Some(&json!(0.0)));
        sort(&mut rows, "count");
        assert_eq!(rows[0].get("count"), Some(&json!(2)));
        sort(&mut rows, "-p95");
        assert_eq!(rows[0].get("count"), Some(&json!(10)));
        sort(&mut rows, "p95");
        assert_eq!(rows[0].get("count"), Some(&json!(10)), "what has no value comes last");
    }
}
