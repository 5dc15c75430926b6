//! Random statistics, each in our language and in SQL.

use serde_json::Value;

use super::fields::{FIELDS, Field};
use super::filters::Filter;
use crate::support::Random;

/// Numbers of groups, said twice.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// In our language, with its filter.
    pub query: String,
    /// All of it in SQL: the keys of a group, then its numbers.
    pub sql: String,
    /// The names of the keys in our answer.
    pub keys: Vec<String>,
    /// How many numbers there are: `m0`, `m1`, ...
    pub metrics: usize,
}

/// What records are grouped by.
const GROUPS: &[&str] = &[
    "source",
    "method",
    "status",
    "host",
    "path",
    "controller",
    "level",
    "tags",
    "cache",
    "order_id",
    "user.id",
    "größe",
    "ids",
    "user_email",
    "duration",
];

/// What is measured.
const MEASURED: &[&str] = &["request_time", "upstream_time", "bytes_out", "duration", "level", "user.id"];

/// What is counted by its different values.
const COUNTED: &[&str] =
    &["path", "host", "request_id", "user_email", "cache", "bytes_out", "level", "user.name"];

/// Spans of time, and their microseconds.
const INTERVALS: &[&(&str, u64)] =
    &[&("1h", 3_600_000_000), &("5m", 300_000_000), &("1d", 86_400_000_000), &("90m", 5_400_000_000)];

/// Random statistics of the records of `filter` with times as `times_sql` says.
pub fn statistics(random: &mut Random, filter: &Filter, times_sql: &str) -> Statistics {
    let mut keys = Vec::new();
    let mut groups = Vec::new();
    let mut from = format!("SELECT * FROM records WHERE {times_sql} AND {}", filter.sql);
    for index in 0..random.below(3) {
        let field = named(random.pick(GROUPS));
        if keys.contains(&field.name.to_owned()) {
            continue;
        }
        from = format!("SELECT *, unnest({}) AS k{index} FROM ({from})", field.keys());
        groups.push(field.name.to_owned());
        keys.push(field.name.to_owned());
    }
    if random.once_in(3) {
        let (interval, micros) = random.pick(INTERVALS);
        let start = format!("make_timestamp(epoch_us(\"@timestamp\") // {micros} * {micros})");
        from = format!(
            "SELECT *, 's:' || strftime({start}, '%Y-%m-%dT%H:%M:%SZ') AS k{} FROM ({from})",
            keys.len()
        );
        groups.push(format!("@timestamp:{interval}"));
        keys.push("@timestamp".to_owned());
    }
    // Where a field came twice, numbers of keys may have been left out.
    let columns: Vec<String> = (0..4)
        .filter(|index| from.contains(&format!(" AS k{index} ")))
        .map(|index| format!("k{index}"))
        .collect();
    let metrics: Vec<(String, String)> = (0..1 + random.below(3)).map(|_| metric(random)).collect();
    let named_metrics = metrics.iter().enumerate().map(|(index, (query, _))| format!("{query} as m{index}"));
    let named_metrics: Vec<String> = named_metrics.collect();
    let by = if groups.is_empty() { String::new() } else { format!(" by {}", groups.join(", ")) };
    let selected = columns.iter().cloned().chain(metrics.iter().map(|(_, sql)| sql.clone()));
    let selected: Vec<String> = selected.collect();
    let group_by =
        if columns.is_empty() { String::new() } else { format!(" GROUP BY {}", columns.join(", ")) };
    Statistics {
        query: format!("{} | stats {}{by} | limit 100000", filter.query, named_metrics.join(", ")),
        sql: format!("SELECT {} FROM ({from}){group_by}", selected.join(", ")),
        keys,
        metrics: metrics.len(),
    }
}

fn named(name: &str) -> &'static Field {
    FIELDS.iter().find(|field| field.name == name).unwrap()
}

fn metric(random: &mut Random) -> (String, String) {
    let field = named(random.pick(MEASURED));
    let (name, number) = (field.name, field.number());
    match random.below(8) {
        0 => ("count()".to_owned(), "count(*)".to_owned()),
        1 => (format!("avg({name})"), format!("avg({number})")),
        2 => (format!("sum({name})"), format!("sum({number})")),
        3 => (format!("min({name})"), format!("min({number})")),
        4 => (format!("max({name})"), format!("max({number})")),
        5 => {
            let field = named(random.pick(COUNTED));
            let function = random.pick(&["cardinality", "count_distinct"]);
            (format!("{function}({})", field.name), format!("count(DISTINCT {})", field.key()))
        }
        _ => {
            let (function, share) = *random.pick(&[
                &("median", "0.5"),
                &("p95", "0.95"),
                &("p99", "0.99"),
                &("p99.9", "0.999"),
                &("p10", "0.1"),
            ]);
            (format!("{function}({name})"), format!("quantile_disc({number}, {share})"))
        }
    }
}

/// A key of our answer, in the words of the SQL.
pub fn key_text(value: &Value) -> String {
    match value {
        Value::Null => "missing".to_owned(),
        Value::String(text) => format!("s:{text}"),
        Value::Bool(truth) => format!("b:{truth}"),
        other => format!("n:{other}"),
    }
}
