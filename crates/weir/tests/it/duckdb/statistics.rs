//! Random statistics, each in our language, in JSON and in SQL.

use serde_json::{Map, Value, json};

use super::fields::{FIELDS, Field};
use super::filters::Filter;
use crate::support::Random;

/// Numbers of groups, said three times.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// In our language, with its filter.
    pub query: String,
    /// The same as a body of JSON, but for the span.
    pub body: Value,
    /// All of it in SQL: the keys of a group, then its numbers.
    pub sql: String,
    /// The names of the keys in our answer.
    pub keys: Vec<&'static str>,
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

/// One thing that is grouped by.
struct Group {
    /// The name of its key in our answer.
    key: &'static str,
    /// In our language.
    query: String,
    json: Value,
    /// Its key in SQL; of fields all keys of a record.
    sql: String,
}

/// One number.
struct Metric {
    query: String,
    json: Value,
    sql: String,
}

/// Random statistics of the records of `filter` with times as `times_sql` says.
pub fn statistics(random: &mut Random, filter: &Filter, times_sql: &str) -> Statistics {
    let groups = groups(random);
    let metrics: Vec<Metric> = (0..1 + random.below(3)).map(|_| metric(random)).collect();
    let mut from = format!("SELECT * FROM records WHERE {times_sql} AND {}", filter.sql);
    for (index, group) in groups.iter().enumerate() {
        from = format!("SELECT *, {} AS k{index} FROM ({from})", group.sql);
    }
    let columns: Vec<String> = (0..groups.len()).map(|index| format!("k{index}")).collect();
    let selected: Vec<&str> =
        columns.iter().map(String::as_str).chain(metrics.iter().map(|metric| metric.sql.as_str())).collect();
    let sql_groups =
        if columns.is_empty() { String::new() } else { format!(" GROUP BY {}", columns.join(", ")) };
    let numbered = metrics.iter().enumerate();
    let named: Vec<String> =
        numbered.clone().map(|(index, metric)| format!("{} as m{index}", metric.query)).collect();
    let metrics_json: Map<String, Value> =
        numbered.map(|(index, metric)| (format!("m{index}"), metric.json.clone())).collect();
    let by: Vec<&str> = groups.iter().map(|group| group.query.as_str()).collect();
    let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
    Statistics {
        query: format!("{} | stats {}{by} | limit 100000", filter.query, named.join(", ")),
        body: json!({
            "query": filter.query,
            "group_by": groups.iter().map(|group| &group.json).collect::<Vec<_>>(),
            "metrics": metrics_json,
            "limit": 100_000,
        }),
        sql: format!("SELECT {} FROM ({from}){sql_groups}", selected.join(", ")),
        keys: groups.iter().map(|group| group.key).collect(),
        metrics: metrics.len(),
    }
}

/// Up to two fields and a time.
fn groups(random: &mut Random) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for _ in 0..random.below(3) {
        let field = named(random.pick(GROUPS));
        if groups.iter().all(|group| group.key != field.name) {
            let sql = format!("unnest({})", field.keys());
            groups.push(Group {
                key: field.name,
                query: field.name.to_owned(),
                json: json!(field.name),
                sql,
            });
        }
    }
    if random.once_in(3) {
        let (interval, micros) = random.pick(INTERVALS);
        let start = format!("make_timestamp(epoch_us(\"@timestamp\") // {micros} * {micros})");
        groups.push(Group {
            key: "@timestamp",
            query: format!("@timestamp:{interval}"),
            json: json!({"field": "@timestamp", "interval": interval}),
            sql: format!("'s:' || strftime({start}, '%Y-%m-%dT%H:%M:%SZ')"),
        });
    }
    groups
}

fn named(name: &str) -> &'static Field {
    FIELDS.iter().find(|field| field.name == name).unwrap()
}

fn metric(random: &mut Random) -> Metric {
    let field = named(random.pick(MEASURED));
    let (name, number) = (field.name, field.number());
    match random.below(8) {
        0 => Metric { query: "count()".to_owned(), json: json!({"count": {}}), sql: "count(*)".to_owned() },
        5 => {
            let field = named(random.pick(COUNTED));
            let function = random.pick(&["cardinality", "count_distinct"]);
            Metric {
                query: format!("{function}({})", field.name),
                json: json!({"cardinality": {"field": field.name}}),
                sql: format!("count(DISTINCT {})", field.key()),
            }
        }
        function @ 1..=4 => {
            let function = ["", "avg", "sum", "min", "max"][function as usize];
            Metric {
                query: format!("{function}({name})"),
                json: json!({function: {"field": name}}),
                sql: format!("{function}({number})"),
            }
        }
        _ => {
            let (function, percent, share) = *random.pick(&[
                &("median", 50.0, "0.5"),
                &("p95", 95.0, "0.95"),
                &("p99", 99.0, "0.99"),
                &("p99.9", 99.9, "0.999"),
                &("p10", 10.0, "0.1"),
            ]);
            Metric {
                query: format!("{function}({name})"),
                json: json!({"percentile": {"field": name, "p": percent}}),
                sql: format!("quantile_disc({number}, {share})"),
            }
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
