//! What several pushes make together, and what leaves no trace.

use super::*;

fn check(pushes: &[&str], expected: &str) {
    let mut together = PushedSeries::new(OPTIONS);
    after(&mut together, pushes).unwrap();
    let mut one_by_one = PushedSeries::new(OPTIONS);
    for push in pushes {
        after(&mut one_by_one, &[push]).unwrap();
    }
    for series in [together, one_by_one] {
        assert_eq!(shown(&series), expected, "{pushes:?}");
        assert_eq!(series.series_count(), series.families().iter().map(|family| family.series.len()).sum());
        assert_eq!(shown(&restored(&series)), expected, "{pushes:?}");
    }
}

/// The last push is refused and changes nothing, whether the others are durable or staged.
fn check_refused(pushes: &[&str], expected: &str) {
    let (last, before) = pushes.split_last().unwrap();
    let mut staged_before = PushedSeries::new(OPTIONS);
    assert_eq!(after(&mut staged_before, pushes), Err(expected.to_owned()));
    let mut series = PushedSeries::new(OPTIONS);
    after(&mut series, before).unwrap();
    let known = shown(&series);
    assert_eq!(after(&mut series, &[last]), Err(expected.to_owned()));
    assert_eq!((shown(&series), shown(&staged_before)), (known.clone(), known));
}

#[test]
fn values_add_by_default() {
    check(
        &["a{x=\"1\"} 1\n", "a{x=\"2\"} 5\n", "a{x=\"1\"} 2.5\n"],
        "# TYPE a untyped\na{x=\"1\"} 3.5\na{x=\"2\"} 5\n",
    );
    let summary = "# TYPE s summary\ns_sum 1\ns_count 2\n";
    check(&[summary, summary], "# TYPE s summary\ns_sum 2\ns_count 4\n");
    let gauge = "# TYPE g gauge\ng -1\n";
    check(&[gauge, gauge], "# TYPE g gauge\ng -2\n");
    check(
        &["a{x=\"1\"} 1\n", "a{y=\"1\"} 1\n", "a 1\n"],
        "# TYPE a untyped\na 1\na{x=\"1\"} 1\na{y=\"1\"} 1\n",
    );
}

#[test]
fn histograms_add_bucket_by_bucket() {
    let fine =
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"2\"} 3\nh_bucket{le=\"+Inf\"} 4\nh_sum 9\n";
    let coarse = "# TYPE h histogram\nh_bucket{le=\"2\"} 10\nh_count 20\nh_sum 50\n";
    check(
        &[fine, fine],
        "# TYPE h histogram\nh_bucket{le=\"1.0\"} 2\nh_bucket{le=\"2.0\"} 6\nh_bucket{le=\"+Inf\"} 8\nh_sum 18\nh_count 8\n",
    );
    let both =
        "# TYPE h histogram\nh_bucket{le=\"2.0\"} 13\nh_bucket{le=\"+Inf\"} 24\nh_sum 59\nh_count 24\n";
    check(&[fine, coarse], both);
    check(&[coarse, fine], both);
    check_refused(
        &[fine, "b 1\n# TYPE h histogram\nh_bucket{le=\"1.5\"} 1\nh_count 1\n"],
        "cannot merge metric 'h': its buckets are [1, 2] and those pushed [1.5]; one list must contain the other",
    );
}

#[test]
fn clearmode_says_how_a_series_is_merged() {
    let replaced = "# TYPE g gauge\ng{a=\"1\",clearmode=\"replace\"} 7\n";
    check(&["# TYPE g gauge\ng{a=\"1\"} 5\n", replaced], "# TYPE g gauge\ng{a=\"1\"} 7\n");
    check(&["g{clearmode=\"sum\"} 5\n", "g{clearmode=\"aggregate\"} 5\n"], "# TYPE g untyped\ng 10\n");
    check(
        &["v{v=\"1\"} 1\nother 1\n", "v{v=\"2\",clearmode=\"info\"} 1\nv{v=\"3\"} 1\n"],
        "# TYPE other untyped\nother 1\n# TYPE v untyped\nv{v=\"2\"} 1\nv{v=\"3\"} 1\n",
    );
    check(
        &["v{v=\"1\"} 1\n", "v{v=\"1\",clearmode=\"family\"} 5\n", "v{v=\"1\"} 1\n"],
        "# TYPE v untyped\nv{v=\"1\"} 6\n",
    );
}

#[test]
fn gauges_may_be_replaced_by_default() {
    let mut series = PushedSeries::new(PushedOptions { gauges: GaugeMode::Replace, ..OPTIONS });
    let push = "# TYPE g gauge\ng 2\n# TYPE c counter\nc 2\n";
    after(&mut series, &[push, push]).unwrap();
    assert_eq!(shown(&series), "# TYPE c counter\nc 4\n# TYPE g gauge\ng 2\n");
}

#[test]
fn a_push_that_does_not_fit_changes_nothing() {
    check_refused(
        &["# TYPE x counter\nx 1\n", "a 1\n# TYPE x gauge\nx 1\n"],
        "cannot merge metric 'x': type counter != gauge",
    );
    check_refused(
        &["x 1\n", "a 1\nx NaN\n"],
        "cannot add NaN to metric 'x': the sum would be no number for ever; use the label clearmode=\"replace\"",
    );
    let histogram = "# TYPE h histogram\nh_count 1\n";
    check_refused(
        &[histogram, "a 1\nh_sum 1\n"],
        "cannot add metric 'h_sum': its samples would have the names of metric 'h'",
    );
    check_refused(
        &["h_count 1\n", histogram],
        "cannot add metric 'h': its samples would have the names of metric 'h_count'",
    );
    let many: String = (0..100).map(|number| format!("x{{n=\"{number}\"}} 1\n")).collect();
    check_refused(
        &[&many, "x{n=\"1\"} 1\ny 1\n"],
        "the budget of 100 pushed series is used up; delete some, or raise it",
    );
}

#[test]
fn at_the_budget_known_series_count_on() {
    let many: String = (0..100).map(|number| format!("x{{n=\"{number}\"}} 1\n")).collect();
    let mut series = PushedSeries::new(OPTIONS);
    after(&mut series, &[&many, &many]).unwrap();
    let cleared = many.replace("\"} ", "\",clearmode=\"family\"} ");
    after(&mut series, &[&cleared]).unwrap();
    assert_eq!(series.series_count(), 100);
}

#[test]
fn births_of_a_family_that_is_known_are_dropped() {
    check(
        &["# TYPE c_total counter\nc_total 1\n", "# TYPE c_created gauge\nc_created 1.7e9\n"],
        "# TYPE c_total counter\nc_total 1\n",
    );
}

#[test]
fn what_weir_counts_itself_is_not_pushed() {
    let kind_of = |name: &str| (name == "own_total").then_some(Kind::Counter);
    let has_series = |_: &str, labels: &[(&str, &str)]| labels == [("a", "1"), ("b", "2")];
    let own = OwnSeries { kind_of: &kind_of, has_series: &has_series };
    let series = PushedSeries::new(OPTIONS);
    let mut staged = series.staged();
    for (text, expected) in [
        (
            "# TYPE own_total counter\nown_total{b=\"2\",a=\"1\"} 1\n",
            "own_total{a=\"1\",b=\"2\"} is counted by weir itself; push it with another label",
        ),
        ("# TYPE own_total gauge\nown_total 1\n", "cannot merge metric 'own_total': type counter != gauge"),
        ("# TYPE own_total counter\nown_total{b=\"2\"} 1\n", ""),
    ] {
        let found = series.stage(&mut staged, &parsed(text).unwrap(), own);
        assert_eq!(found.map_or_else(|why| why.to_string(), |()| String::new()), expected);
    }
}

#[test]
fn own_series_win_over_pushed_ones_in_a_scrape() {
    let mut own = PushedSeries::new(OPTIONS);
    after(&mut own, &["# TYPE a counter\na{x=\"1\",y=\"1\"} 1\n# TYPE b counter\nb 1\n"]).unwrap();
    let mut snapshot = Snapshot { families: own.families() };
    let mut pushed = PushedSeries::new(OPTIONS);
    after(&mut pushed, &["# TYPE a counter\na{x=\"1\",y=\"1\"} 5\na{x=\"2\"} 5\n# TYPE b gauge\nb 1\nc 1\n"])
        .unwrap();
    assert_eq!(pushed.add_to(&mut snapshot), 2);
    let of: Vec<_> = snapshot.families.iter().map(|family| (&*family.name, family.series.len())).collect();
    assert_eq!(of, [("a", 2), ("b", 1), ("c", 1)]);
}

#[test]
fn a_group_is_deleted_by_exactly_its_labels() {
    let mut series = PushedSeries::new(OPTIONS);
    let mut staged = series.staged();
    let groups: [&[(&str, &str)]; 4] =
        [&[], &[("job", "a")], &[("job", "a"), ("shard", "1")], &[("job", "b"), ("clearmode", "replace")]];
    for labels in groups {
        let push =
            Push::parse(b"x{shard=\"1\"} 1\ny{z=\"1\"} 1\n", PushFormat::Text, &grouping(labels)).unwrap();
        series.stage(&mut staged, &push, OwnSeries::NONE).unwrap();
    }
    // `x{job="a",shard="1"}` belongs to the push that made it.
    assert_eq!(series.stage_delete(&mut staged, &grouping(&[("job", "a"), ("shard", "1")])), 1);
    series.apply(staged);
    assert_eq!(series.series_count(), 6);
    for (labels, expected) in [
        (&[("job", "c")] as &[(&str, &str)], 0),
        (&[("job", "a"), ("shard", "")], 2),
        (&[("job", "a")], 0),
        (&[("job", "b")], 2),
        (&[], 2),
    ] {
        let mut staged = series.staged();
        assert_eq!(series.stage_delete(&mut staged, &grouping(labels)), expected, "{labels:?}");
        series.apply(staged);
    }
    assert_eq!((shown(&series), series.series_count()), (String::new(), 0));
}

#[test]
fn a_family_that_was_emptied_may_have_another_type() {
    let mut series = PushedSeries::new(OPTIONS);
    after(&mut series, &["# TYPE x counter\nx 1\n"]).unwrap();
    let mut staged = series.staged();
    assert_eq!(series.stage_delete(&mut staged, &grouping(&[])), 1);
    let gone: Vec<_> = staged.family_changes().map(|change| (change.name.to_owned(), change.row)).collect();
    assert_eq!(gone, [("x".to_owned(), None)]);
    series.stage(&mut staged, &parsed("# TYPE x gauge\nx 7\n").unwrap(), OwnSeries::NONE).unwrap();
    let made: Vec<_> = staged.family_changes().map(|change| change.row.unwrap().kind).collect();
    assert_eq!(made, [Kind::Gauge]);
    series.apply(staged);
    assert_eq!((shown(&series).as_str(), series.series_count()), ("# TYPE x gauge\nx 7\n", 1));
}

#[test]
fn damaged_rows_are_not_restored() {
    let family = |kind| vec![("x".to_owned(), StoredFamily { kind, help: "".into() })];
    let row = |value| StoredSeries { url_labels: 0, value };
    let check = |key: &[u8], value, kind, expected: &str| {
        let found = PushedSeries::restore(OPTIONS, family(kind), [(key, row(value))]);
        assert_eq!(found.map(|_| ()).unwrap_err().to_string(), expected);
    };
    let number = PushedValue::Number(1.0);
    check(b"y\xff", number.clone(), Kind::Counter, "a stored series belongs to no stored family: y{}");
    check(b"x\xffa", number.clone(), Kind::Counter, "a stored series of family `` is damaged");
    check(b"x\xff", number, Kind::Histogram, "a stored series of family `x` is damaged");
}
