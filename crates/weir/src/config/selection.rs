//! Queries in the config: which records a metric counts, which lines a redaction is for.
//!
//! The query language is the only judge of them, and each is compiled once while the config is read, so that a
//! regular expression that is too large is a mistake with a place and not a surprise when records flow. What
//! makes no sense in a file is refused: a time (the file is read once, `now` would stand still) and a pipe.

use weir_query::{Expression, QueryError};
use weir_record::Timestamp;

use super::error::ConfigError;
use super::reader::Field;

/// Reads a query that selects records.
pub fn read(field: Field, errors: &mut Vec<ConfigError>) -> Option<Expression> {
    field.parse("a query", errors, check)
}

fn check(text: &str) -> Result<Expression, String> {
    let query = weir_query::parse(text).map_err(explain)?;
    if query.stats.is_some() {
        return Err("it only selects records here; remove what follows the `|`".to_owned());
    }
    if query.filter.fields().contains("@timestamp") {
        return Err("it is asked of each record as it comes, so a time has no meaning here".to_owned());
    }
    query.filter.compile(Timestamp::default()).map_err(explain)?;
    Ok(query.filter)
}

fn explain(error: QueryError) -> String {
    let QueryError { problem, column, hint } = error;
    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{problem}, at column {column} of the query{hint}")
}
