//! What is said about queries that are wrong, and where.

use super::*;

/// The column and a part of the message.
fn check(query: &str, column: usize, part: &str) {
    let error = match parse(query) {
        Err(error) => error,
        Ok(query) => query.filter.compile(now()).expect_err("it is wrong"),
    };
    let text = error.to_string();
    assert!(text.contains(part), "{query}: {text}");
    assert_eq!(error.column, column, "{query}: {text}");
    assert!(text.contains(&format!(", column {column}; ")), "{query}: {text}");
}

#[test]
fn an_error_names_its_column_and_what_would_be_right() {
    for (query, column, part) in [
        ("user_email:\"a@b.com", 12, "a quote is not closed"),
        ("status:", 1, "`status:` needs a value"),
        ("status: AND a", 1, "`status:` needs a value"),
        ("status >=", 1, "`status:` needs a value"),
        ("a status:)", 3, "`status:` needs a value"),
        ("status:[500 599]", 8, "`TO` is missing"),
        ("status:[500 TO 599", 8, "`]` is missing"),
        ("status:[ TO 599]", 8, "`TO` is missing"),
        ("route:{id}", 7, "double quotes"),
        ("(a OR b", 1, "`(` is not closed"),
        ("a OR (b", 6, "`(` is not closed"),
        ("a) b", 2, "`)` has no `(` before it"),
        ("AND a", 1, "`AND` stands where a term is expected"),
        ("a and", 6, "the query ends where a term is expected"),
        ("a OR OR b", 6, "`OR` stands where"),
        ("not", 4, "the query ends"),
        ("a - b", 3, "`-` stands alone"),
        (":a", 1, "a field's name is missing before `:`"),
        ("a -> b", 4, "a field's name is missing before `>`"),
        ("\"\":a", 1, "a field's name is missing"),
        ("us*:a", 1, "no wildcards"),
        ("status:>5*", 11, "a bound has no wildcards"),
        ("a =~ b", 6, "in double quotes"),
        ("_exists_:\"\"", 12, "`_exists_` needs a field's name"),
        ("_exists_ > 5", 10, "`_exists_` needs a field's name"),
        ("é \\", 4, "`\\` is the last character"),
        ("a | wc", 5, "`wc` is no command"),
        ("()", 2, "`)` stands where"),
        ("a && | count", 6, "`|` stands where"),
    ] {
        check(query, column, part);
    }
}

#[test]
fn values_are_checked_against_what_their_field_holds() {
    for (query, column, part) in [
        ("request_time:>fast", 1, "`fast` is not a number, column 1; request_time holds seconds"),
        ("a status:[500 TO b]", 3, "`b` is not a number"),
        ("@timestamp:yesterday", 1, "`yesterday` is not a time"),
        ("@timestamp:>=now-1y", 1, "`now-1y` is not a time"),
        ("host =~ \"(\"", 1, "the regular expression for `host` is wrong"),
        ("host =~ \"(\\w{500}){500}\"", 1, "larger than"),
        ("\"--\"", 1, "has no letter or digit"),
        ("a ... b", 3, "message =~ \"\\.\\.\\.\""),
        ("payload:--*", 1, "has no letter or digit"),
    ] {
        check(query, column, part);
    }
    check(&format!("a:{}", "a*".repeat(WILDCARD_STARS_MAX + 1)), 1, "more than 16 `*`");
    check(&format!("a:{}*", "a".repeat(WILDCARD_BYTES_MAX + 1)), 1, "bytes");
    check(&format!("\"{}\"", "a ".repeat(PHRASE_WORDS_MAX + 1)), 1, "more than 64 words");
}

#[test]
fn hostile_queries_meet_a_bound() {
    check(&"a".repeat(QUERY_BYTES_MAX + 1), 1, "bytes");
    check(&"(".repeat(NESTING_MAX + 1), NESTING_MAX + 2, "nested deeper");
    check(&"!".repeat(NESTING_MAX + 1), NESTING_MAX + 2, "nested deeper");
    check(&"a ".repeat(TERMS_MAX + 1), 2 * TERMS_MAX + 1, "more than 1000 terms");
    let deep = format!("{}a{}", "(".repeat(NESTING_MAX), ")".repeat(NESTING_MAX));
    assert!(parse(&deep).is_ok());
}

#[test]
fn an_unknown_field_is_answered_with_the_nearest_known_one() {
    let names = ["user_email", "request_time", "status", "host"];
    let unknown = |query: &str| {
        let filter = parse(query).expect("a query").filter;
        filter.unknown_field(|name| names.contains(&name) || name == "message", names.into_iter())
    };
    assert_eq!(unknown("status:5 word http_host:a"), None);
    let error = unknown("status:5 usr_email:a nothing:b").expect("an error");
    assert_eq!(error.to_string(), "no record has a field `usr_email`, column 10; did you mean `user_email`?");
    let error = unknown("a or not x:1").expect("an error");
    assert_eq!((error.column, error.hint.is_some_and(|hint| hint.contains("did you mean"))), (10, false));
    let fields = parse("status:5 AND (uri:/a OR b)").expect("a query").filter.fields();
    assert_eq!(fields.into_iter().collect::<Vec<_>>(), ["message", "path", "status"]);
}
