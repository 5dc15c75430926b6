//! What stands behind `|`.

use super::*;

#[test]
fn statistics_have_short_and_long_forms() {
    for (text, printed) in [
        (
            "| stats p95(request_time), count() as n, avg(request_time) by route, @timestamp:1m | sort -p95 | limit 20",
            "| stats p95(request_time), count() as n, avg(request_time) by route, @timestamp:1m \
             | sort -\"p95(request_time)\" | limit 20",
        ),
        ("|count", "| stats count() as count"),
        ("a | count by uri", "a | stats count() as count by path"),
        ("| top 5 route, method", "| stats count() as count by route, method | sort -count | limit 5"),
        ("| top path", "| stats count() as count by path | sort -count | limit 10"),
        (
            "| stats p99.9(bytes_sent) sort by p99.9 desc limit 3",
            "| stats p99.9(bytes_out) as \"p99.9(bytes_sent)\" | sort -\"p99.9(bytes_sent)\" | limit 3",
        ),
        (
            "| stats count_distinct(user_email) as users, median(request_time) as \"the middle\" by msec:1h30m",
            "| stats cardinality(user_email) as users, p50(request_time) as \"the middle\" by @timestamp:90m",
        ),
        ("| stats count() by \"a b\" | sort -count()", "| stats count() by \"a b\" | sort -\"count()\""),
        (
            "| stats min(a),max(a) , sum( a ) by time:500ms",
            "| stats min(a), max(a), sum(a) by @timestamp:500ms",
        ),
        ("| stats p0(a)", "| stats p0(a)"),
    ] {
        let query = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(query.to_string(), printed, "{text}");
        assert_eq!(parse(printed).as_ref(), Ok(&query), "{printed}");
    }
}

#[test]
fn statistics_that_are_wrong_are_told_where() {
    for (text, column, part) in [
        ("a |", 4, "nothing that is known stands behind `|`"),
        ("a | wc", 5, "`wc` is no command"),
        ("| stats", 8, "a function such as `count()` is missing"),
        ("| stats count", 9, "a function such as"),
        ("| stats p101(a)", 9, "`p101` is no function"),
        ("| stats count(a)", 9, "`count` takes no field"),
        ("| stats avg()", 9, "`avg` is no function, or its field is missing"),
        ("| stats avg(a", 14, "`)` is missing"),
        ("| stats count() by @timestamp", 20, "needs an interval"),
        ("| stats count() by route:1m", 20, "takes no interval"),
        ("| stats count() by time:soon", 25, "`soon` is not an interval"),
        ("| stats count() by a, b, c", 1, "more groupings"),
        ("| stats count() by time:1m, time:1h", 1, "more groupings"),
        ("| stats count(), count()", 1, "two columns are called `count()`"),
        ("| stats count() by a as b", 22, "`as` is not expected here"),
        ("| stats count() | sort -nothing", 24, "no column is called `nothing`"),
        ("| stats count() as total | sort totl", 33, "did you mean `total`?"),
        ("| stats count() | limit x", 25, "`x` is not a number of rows"),
        ("| stats count() | limit 0", 1, "out of range"),
        ("| stats count() )", 17, "`)` is not expected here"),
    ] {
        let error = parse(text).expect_err(text);
        assert!(error.to_string().contains(part), "{text}: {error}");
        assert_eq!(error.column, column, "{text}: {error}");
    }
}

#[test]
fn what_an_api_asks_for_is_checked_and_named_as_records_are() {
    let asked = Aggregation {
        group_by: vec![GroupBy::Field("uri".to_owned()), GroupBy::Time { interval_us: 60_000_000 }],
        metrics: vec![("p95".to_owned(), Metric::Percentile { field: "bytes_sent".to_owned(), p: 95.0 })],
        order: Some(Order::parse("-p95")),
        limit: 5,
    };
    let checked = asked.clone().checked().expect("it can be answered");
    assert_eq!(
        checked.to_string(),
        "| stats p95(bytes_out) as p95 by path, @timestamp:1m | sort -p95 | limit 5"
    );
    assert_eq!(checked.names().collect::<Vec<_>>(), ["path", "@timestamp", "p95"]);
    let wrong = [
        Aggregation { order: Some(Order::parse("+p96")), ..asked.clone() },
        Aggregation { limit: ROWS_MAX + 1, ..asked.clone() },
        Aggregation { group_by: vec![GroupBy::Time { interval_us: 0 }], ..asked.clone() },
        Aggregation { group_by: vec![GroupBy::Field("time".to_owned())], ..asked.clone() },
        Aggregation { metrics: Vec::new(), ..asked.clone() },
        Aggregation { metrics: vec![("a".repeat(NAME_BYTES_MAX + 1), Metric::Count)], order: None, ..asked },
    ];
    for aggregation in wrong {
        assert!(aggregation.clone().checked().is_err(), "{aggregation:?}");
    }
}
