//! Random filters, each in our language and in SQL.

use super::fields::{FIELDS, Field, Kind, sql_text};
use crate::support::{Random, date_time};

/// How deep a filter is nested.
const DEPTH_MAX: u64 = 3;

/// Which records, said twice.
#[derive(Clone, Debug)]
pub struct Filter {
    /// In our language.
    pub query: String,
    /// In SQL; never NULL.
    pub sql: String,
}

/// A filter of a field's value.
struct Test {
    /// What stands behind the field's name.
    operand: String,
    sql: String,
}

/// A random filter over records that were made from the second `begin` on.
pub fn filter(random: &mut Random, begin: i64) -> Filter {
    let depth = random.below(DEPTH_MAX + 1);
    nested(random, begin, depth)
}

fn nested(random: &mut Random, begin: i64, depth: u64) -> Filter {
    if depth == 0 {
        return term(random, begin);
    }
    let parts: Vec<Filter> = (0..2 + random.below(2)).map(|_| nested(random, begin, depth - 1)).collect();
    let in_parentheses = |part: &Filter| format!("({})", part.query);
    match random.below(5) {
        0 => {
            let not = random.pick(&["NOT ", "not ", "!", "-"]);
            Filter { query: format!("{not}({})", parts[0].query), sql: format!("(NOT {})", parts[0].sql) }
        }
        1 | 2 => {
            let operator = random.pick(&[" OR ", " or ", " || "]);
            // `OR` binds less than everything, so its parts need no parentheses.
            let queries: Vec<String> = parts.iter().map(|part| part.query.clone()).collect();
            joined(&queries, operator, &parts, " OR ")
        }
        _ => {
            let operator = random.pick(&[" AND ", " and ", " && ", " "]);
            let queries: Vec<String> = parts.iter().map(in_parentheses).collect();
            joined(&queries, operator, &parts, " AND ")
        }
    }
}

fn joined(queries: &[String], operator: &str, parts: &[Filter], sql_operator: &str) -> Filter {
    let sql: Vec<&str> = parts.iter().map(|part| part.sql.as_str()).collect();
    Filter { query: queries.join(operator), sql: format!("({})", sql.join(sql_operator)) }
}

fn term(random: &mut Random, begin: i64) -> Filter {
    if random.once_in(14) {
        return time(random, begin);
    }
    let field = random.pick(&FIELDS.iter().collect::<Vec<_>>());
    match random.below(14) {
        0 => {
            let query = if random.once_in(2) {
                format!("_exists_:{}", field.name)
            } else {
                format!("{}:*", field.name)
            };
            Filter { query, sql: field.exists() }
        }
        1 | 2 => regex(random, field),
        3 => {
            let Test { operand, sql } = value(random, field);
            Filter { query: format!("{} != {operand}", field.name), sql: format!("(NOT {sql})") }
        }
        4 if field.kind != Kind::Words => {
            let (one, other) = (value(random, field), value(random, field));
            let query = format!("{}:({} OR {})", field.name, one.operand, other.operand);
            Filter { query, sql: format!("({} OR {})", one.sql, other.sql) }
        }
        5..=7 if field.kind != Kind::Words => range(random, field),
        _ => {
            let Test { operand, sql } = value(random, field);
            let is_bare_word = field.name == "message" && random.once_in(2);
            let operator = random.pick(&[":", ":", "=", " = ", "=="]);
            let query = if is_bare_word { operand } else { format!("{}{operator}{operand}", field.name) };
            Filter { query, sql }
        }
    }
}

fn time(random: &mut Random, begin: i64) -> Filter {
    let second = begin + i64::try_from(random.below(3 * 24)).unwrap() * 3_600;
    let time = date_time(second);
    let operator = random.pick(&[">=", ">", "<", "<="]);
    Filter {
        query: format!("@timestamp:{operator}{time}Z"),
        sql: format!("(\"@timestamp\" {operator} TIMESTAMPTZ '{time}+00')"),
    }
}

/// One value, whole or with wildcards.
fn value(random: &mut Random, field: &Field) -> Test {
    let value = random.pick(field.values);
    if field.kind == Kind::Words {
        return words(random, field, value);
    }
    // How floats are spelled is not ours to compare.
    let is_float = field.kind == Kind::Seconds;
    match random.below(6) {
        0 if !is_float => wildcard(random, field, value),
        1 if field.kind == Kind::Integer => class(random, field),
        2 if random.once_in(2) && value.parse::<u32>().is_ok() => {
            // The same number, in another spelling, is not the same text.
            let spelled = format!("{value}.0");
            let sql = format!(
                "(list_contains({}, {value}) OR list_contains({}, '{spelled}'))",
                field.true_numbers(),
                field.true_texts()
            );
            Test { operand: spelled, sql }
        }
        _ => {
            let number = value
                .parse::<f64>()
                .ok()
                .map(|_| format!(" OR list_contains({}, {value})", field.true_numbers()));
            let sql = format!(
                "coalesce(list_contains({}, {}){}, false)",
                field.true_texts(),
                sql_text(value),
                number.unwrap_or_default()
            );
            Test { operand: literal(random, value), sql }
        }
    }
}

fn class(random: &mut Random, field: &Field) -> Test {
    let first = 2 + random.below(4);
    let sql = format!(
        "(list_contains({}, '{first}xx') OR has_any(list_transform({}, lambda x: x >= {first}00 AND x <= {first}99)))",
        field.texts(),
        field.numbers()
    );
    Test { operand: format!("{first}xx"), sql }
}

fn wildcard(random: &mut Random, field: &Field, value: &str) -> Test {
    let (mut operand, mut regex) = (String::new(), String::new());
    let value = value.trim_start_matches('-');
    let cut = random.below(value.chars().count() as u64 + 1);
    for (at, char) in value.chars().enumerate() {
        let at = at as u64;
        if at == cut {
            operand.push('*');
            regex += ".*";
            if random.once_in(2) {
                continue;
            }
        }
        if random.once_in(6) {
            operand.push('?');
            regex.push('.');
        } else {
            operand += &escaped_bare(char);
            regex += &escaped_regex(char);
        }
    }
    if cut == value.chars().count() as u64 {
        operand.push('*');
        regex += ".*";
    }
    if operand == "*" {
        return Test { operand, sql: field.exists() };
    }
    let sql = format!(
        "has_any(list_transform({}, lambda x: regexp_full_match(x, {})))",
        field.texts(),
        sql_text(&format!("(?s){regex}"))
    );
    Test { operand, sql }
}

/// A word, two words, or the beginning or end of one.
fn words(random: &mut Random, field: &Field, word: &str) -> Test {
    /// What is in no word.
    const GAP: &str = "[^\\pL\\pN]";
    let parts: Vec<String> = word.to_lowercase().split(['@', '.']).map(str::to_owned).collect();
    let phrase = parts.join(&format!("{GAP}+"));
    let (operand, regex) = match random.below(5) {
        0 => {
            let other = random.pick(&["failed", "out", "payment", "42"]);
            (format!("\"{word} {other}\""), format!("(^|{GAP}){phrase}{GAP}+{other}($|{GAP})"))
        }
        1 if parts.len() == 1 => {
            let stem: String = word.chars().take(3).collect();
            (format!("{stem}*"), format!("(^|{GAP}){}", stem.to_lowercase()))
        }
        2 if parts.len() == 1 => {
            let end: String = word.to_lowercase().chars().skip(1).collect();
            (format!("?{end}"), format!("(^|{GAP})[\\pL\\pN]{end}($|{GAP})"))
        }
        3 => (word.to_uppercase().replace("STRASSE", "straße"), format!("(^|{GAP}){phrase}($|{GAP})")),
        _ => (word.to_owned(), format!("(^|{GAP}){phrase}($|{GAP})")),
    };
    let sql = format!(
        "has_any(list_transform({}, lambda x: regexp_matches(lower(x), {})))",
        field.texts(),
        sql_text(&regex)
    );
    Test { operand, sql }
}

fn regex(random: &mut Random, field: &Field) -> Filter {
    let value: Vec<char> = random.pick(field.values).chars().collect();
    let from = random.below(value.len() as u64) as usize;
    let part: String = value[from..].iter().take(3).map(|&char| escaped_regex(char)).collect();
    let regex = match random.below(6) {
        0 => format!("^{part}"),
        1 => format!("{part}$"),
        2 => format!("(?i){part}"),
        3 => format!("[a-c0-5]{{1,2}}{part}"),
        4 => format!("({part}|^[0-9]+$)"),
        _ => part,
    };
    // How floats are spelled is not ours to compare.
    let field = if field.kind == Kind::Seconds { &FIELDS[0] } else { field };
    let matched = format!(
        "has_any(list_transform({}, lambda x: regexp_matches(x, {})))",
        field.texts(),
        sql_text(&regex)
    );
    let (operator, sql) =
        if random.once_in(4) { ("!~", format!("(NOT {matched})")) } else { ("=~", matched) };
    Filter { query: format!("{} {operator} \"{}\"", field.name, regex.replace('"', "\\\"")), sql }
}

fn range(random: &mut Random, field: &Field) -> Filter {
    let is_number = field.values.iter().any(|value| value.parse::<f64>().is_ok()) && field.kind != Kind::Text;
    let is_bound = |value: &&&str| value.parse::<f64>().is_ok() == is_number && !value.starts_with('-');
    let bounds: Vec<&str> = field.values.iter().filter(is_bound).copied().collect();
    let (one, other) = (random.pick(&bounds), random.pick(&bounds));
    let values = if is_number { field.numbers() } else { field.true_texts() };
    let in_sql = |bound: &str| if is_number { bound.to_owned() } else { sql_text(bound) };
    let in_query = |random: &mut Random, bound: &str| match bound {
        "0.25" if field.kind == Kind::Seconds && random.once_in(2) => "250ms".to_owned(),
        "1000" if field.kind == Kind::Integer && random.once_in(2) => "1kb".to_owned(),
        _ if is_number => bound.to_owned(),
        _ => format!("\"{}\"", bound.replace('\\', "\\\\")),
    };
    let name = field.name;
    let (query, condition) = match random.below(4) {
        0 | 1 => {
            let operator = random.pick(&[">=", ">", "<", "<="]);
            let form = random.pick(&["", ":", " ", ":"]);
            let bound = in_query(random, one);
            (format!("{name}{form}{operator}{bound}"), format!("x {operator} {}", in_sql(one)))
        }
        2 => {
            let query = format!("{name}:[{} TO {}]", in_query(random, one), in_query(random, other));
            (query, format!("x >= {} AND x <= {}", in_sql(one), in_sql(other)))
        }
        _ => {
            let query = format!("{name}:{{{} TO {}]", in_query(random, one), in_query(random, other));
            (query, format!("x > {} AND x <= {}", in_sql(one), in_sql(other)))
        }
    };
    Filter { query, sql: format!("has_any(list_transform({values}, lambda x: {condition}))") }
}

/// A value with or without quotes.
fn literal(random: &mut Random, value: &str) -> String {
    // Without quotes it would be a class, or in a group the opposite.
    let needs_quotes = value == "5xx" || value.contains(' ') || value.starts_with('-');
    if needs_quotes || random.once_in(2) {
        return format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    }
    value.chars().map(escaped_bare).collect()
}

fn escaped_bare(char: char) -> String {
    if char.is_alphanumeric() || "@-./:_".contains(char) { char.to_string() } else { format!("\\{char}") }
}

fn escaped_regex(char: char) -> String {
    if char.is_alphanumeric() || "@-/: _%'".contains(char) { char.to_string() } else { format!("\\{char}") }
}
