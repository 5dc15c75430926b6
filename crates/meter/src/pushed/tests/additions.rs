//! What weir adds for its users, beside what is pushed.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;

fn labels(pairs: &[(&str, &str)]) -> Box<[u8]> {
    let mut labels = Vec::new();
    pairs.iter().for_each(|(name, value)| write_label(&mut labels, name, value));
    labels.into()
}

fn counter(name: &str, points: &[(&str, f64)]) -> Addition {
    let point = |(value, number): &(&str, f64)| AddedPoint {
        labels: labels(&[("a", value)]),
        value: PushedValue::Number(*number),
        records: 1,
    };
    Addition {
        name: name.into(),
        help: "Mine.".into(),
        kind: Kind::Counter,
        points: points.iter().map(point).collect(),
        other: labels(&[("a", "__other__")]),
    }
}

fn histogram(name: &str, bounds: &[f64], counts: &[u64], sum: f64) -> Addition {
    let value = PushedHistogram { bounds: bounds.into(), counts: counts.into(), sum };
    let point =
        AddedPoint { labels: Box::default(), value: PushedValue::Histogram(Box::new(value)), records: 1 };
    Addition {
        name: name.into(),
        help: "Mine.".into(),
        kind: Kind::Histogram,
        points: vec![point],
        other: Box::default(),
    }
}

/// Adds in one commit; how many records found no room, or why nothing was added.
fn add(series: &mut PushedSeries, addition: &Addition, series_max: usize) -> Result<u64, String> {
    let mut staged = series.staged();
    let result = series.stage_addition(&mut staged, addition, series_max).map_err(|error| error.to_string());
    series.apply(staged);
    result
}

#[test]
fn additions_add_up_and_are_shown() {
    let mut series = PushedSeries::new(OPTIONS);
    for _ in 0..3 {
        add(&mut series, &counter("x_total", &[("1", 2.0), ("", 1.0)]), 10).unwrap();
        add(&mut series, &histogram("h", &[0.5], &[1, 2], 0.1), 10).unwrap();
    }
    let expected = "# TYPE h histogram\nh_bucket{le=\"0.5\"} 3\nh_bucket{le=\"+Inf\"} 9\nh_sum 0.3\nh_count 9\n\
         # TYPE x_total counter\nx_total 3\nx_total{a=\"1\"} 6\n";
    assert_eq!(shown(&series), expected);
}

#[test]
fn what_finds_no_room_counts_under_one_label_set() {
    let mut series = PushedSeries::new(OPTIONS);
    let one = counter("x_total", &[("1", 1.0), ("2", 2.0), ("3", 3.0), ("4", 4.0)]);
    assert_eq!(add(&mut series, &one, 3), Ok(2));
    assert_eq!(
        shown(&series),
        "# TYPE x_total counter\nx_total{a=\"1\"} 1\nx_total{a=\"2\"} 2\nx_total{a=\"__other__\"} 7\n"
    );
    assert_eq!(add(&mut series, &one, 3), Ok(2));
    assert_eq!(add(&mut series, &counter("x_total", &[("1", 1.0), ("9", 1.0)]), 3), Ok(1));
    assert_eq!(
        shown(&series),
        "# TYPE x_total counter\nx_total{a=\"1\"} 3\nx_total{a=\"2\"} 4\nx_total{a=\"__other__\"} 15\n"
    );
    // Without any room the one set for the rest is all that is new.
    assert_eq!(add(&mut series, &counter("y_total", &[("1", 1.0), ("2", 2.0)]), 0), Ok(2));
    assert!(shown(&series).ends_with("y_total{a=\"__other__\"} 3\n"));
}

#[test]
fn additions_of_one_commit_see_each_other() {
    let series = PushedSeries::new(OPTIONS);
    let mut staged = series.staged();
    let fits = series.stage_addition(&mut staged, &counter("x_total", &[("1", 1.0), ("2", 1.0)]), 3);
    let folds =
        series.stage_addition(&mut staged, &counter("x_total", &[("2", 1.0), ("3", 1.0), ("4", 1.0)]), 3);
    assert_eq!((fits, folds), (Ok(0), Ok(2)));
    let mut series = series;
    series.apply(staged);
    assert_eq!(series.series_count(), 3);
    assert!(shown(&series).contains("x_total{a=\"2\"} 2\n"));
}

#[test]
fn pushes_and_additions_do_not_meet() {
    let mut series = PushedSeries::new(OPTIONS);
    after(&mut series, &["# TYPE x_total counter\nx_total{a=\"1\"} 5\n", "# TYPE h gauge\nh 1\n"]).unwrap();
    let refused = add(&mut series, &counter("x_total", &[("2", 1.0)]), 10).unwrap_err();
    assert_eq!(refused, "`x_total` was pushed by somebody; delete what was pushed, or declare another name");
    add(&mut series, &histogram("h", &[0.5], &[1, 1], 1.0), 10).unwrap_err();
    add(&mut series, &counter("y_total", &[("2", 1.0)]), 10).unwrap();
    let refused = after(&mut series, &["# TYPE y_total counter\ny_total{b=\"1\"} 5\n"]).unwrap_err();
    assert_eq!(refused, "y_total{} is counted by weir itself; push it with another label");
    // A push to /metrics has no labels in its URL; its DELETE is not for what weir counts.
    let mut staged = series.staged();
    assert_eq!(series.stage_delete(&mut staged, &Grouping::default()), 2);
    series.apply(staged);
    assert_eq!(shown(&series), "# TYPE y_total counter\ny_total{a=\"2\"} 1\n");
    for label in ["job", "a"] {
        let mut staged = series.staged();
        assert_eq!(series.stage_delete(&mut staged, &grouping(&[(label, "2")])), 0, "{label}");
    }
    add(&mut series, &counter("x_total", &[("2", 1.0)]), 10).unwrap();
}

#[test]
fn additions_and_pushes_of_one_commit_may_be_staged_apart() {
    let mut series = PushedSeries::new(OPTIONS);
    after(&mut series, &["# TYPE x_total counter\nx_total{a=\"1\"} 5\n"]).unwrap();
    let (mut pushes, mut additions) = (series.staged(), series.staged());
    series.stage_delete(&mut pushes, &Grouping::default());
    series.stage_addition(&mut additions, &counter("x_total", &[("2", 1.0)]), 10).unwrap_err();
    series.stage_addition(&mut additions, &counter("y_total", &[("2", 1.0)]), 10).unwrap();
    series.apply(pushes);
    series.apply(additions);
    assert_eq!(
        (shown(&series).as_str(), series.series_count()),
        ("# TYPE y_total counter\ny_total{a=\"2\"} 1\n", 1)
    );
}

#[test]
fn what_is_declared_no_more_goes() {
    let mut series = PushedSeries::new(OPTIONS);
    after(&mut series, &["# TYPE pushed counter\npushed 5\n"]).unwrap();
    add(&mut series, &counter("x_total", &[("1", 1.0)]), 10).unwrap();
    add(&mut series, &counter("y_total", &[("1", 1.0)]), 10).unwrap();
    add(&mut series, &histogram("h", &[1.0], &[1, 1], 1.0), 10).unwrap();
    let mut staged = series.staged();
    let removed = series.stage_undeclared(&mut staged, |declared| {
        let is_h =
            declared.family == "h" && declared.bounds == Some(&[2.0]) && declared.kind == Kind::Histogram;
        declared.family == "x_total" && declared.labels == ["a"] || is_h
    });
    assert_eq!(removed, 2);
    series.apply(staged);
    assert_eq!(
        shown(&series),
        "# TYPE pushed counter\npushed 5\n# TYPE x_total counter\nx_total{a=\"1\"} 1\n"
    );
    add(&mut series, &histogram("h", &[2.0], &[1, 1], 1.0), 10).unwrap();
}

proptest! {
    #[test]
    fn sums_of_millionths_are_exact_in_any_order(micros in prop::collection::vec(0..10_000_000_000_i64, 1..60)) {
        let mut series = PushedSeries::new(OPTIONS);
        for micros in &micros {
            add(&mut series, &counter("x_total", &[("1", *micros as f64 / 1e6)]), 10).unwrap();
        }
        let total: i64 = micros.iter().sum();
        let families = series.families();
        let expected = crate::Value::Number(total as f64 / 1e6);
        prop_assert_eq!(&families[0].series[0].value, &expected);
        prop_assert_eq!(families[0].help.clone(), Arc::<str>::from("Mine."));
    }
}
