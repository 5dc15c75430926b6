//! What bodies are read, what they become, and what is said of those that are not.

use super::*;

fn check(format: PushFormat, body: &str, expected: Result<&str, &str>) {
    let found = Push::parse(body.as_bytes(), format, &Grouping::default());
    let found = found.map_err(|error| error.to_string()).map(|push| {
        let mut series = PushedSeries::new(PushedOptions { gauges: GaugeMode::Replace, series_max: 100 });
        let mut staged = series.staged();
        series.stage(&mut staged, &push, OwnSeries::NONE).unwrap();
        series.apply(staged);
        shown(&series)
    });
    assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{body}");
}

fn check_text(body: &str, expected: Result<&str, &str>) {
    check(PushFormat::Text, body, expected);
}

#[test]
fn every_type_is_read() {
    check_text("", Ok(""));
    check_text("\n \n# a comment\n#\n", Ok(""));
    check_text("a 1\n", Ok("# TYPE a untyped\na 1\n"));
    check_text("# TYPE a counter\na 1 1700000000000\n", Ok("# TYPE a counter\na 1\n"));
    check_text("# TYPE a gauge\na -Inf\n", Ok("# TYPE a gauge\na -Inf\n"));
    check_text("a { b = \"x\" , c=\"y\" , } 1e3\n", Ok("# TYPE a untyped\na{b=\"x\",c=\"y\"} 1000\n"));
    check_text(
        "a{c=\"y\",b=\"\",d=\"\\\"\\\\\\n\"} 1\n",
        Ok("# TYPE a untyped\na{c=\"y\",d=\"\\\"\\\\\\n\"} 1\n"),
    );
    check_text(
        "# TYPE s summary\ns{quantile=\"0.5\"} NaN\ns_sum 2.5\ns_count 2\ns_created 1.7e9\n",
        Ok("# TYPE s summary\ns_sum 2.5\ns_count 2\n"),
    );
    check_text(
        "# TYPE h histogram\nh_bucket{le=\"2\",a=\"x\"} 3\nh_bucket{a=\"x\",le=\"1.0\"} 1\n\
         h_bucket{a=\"x\",le=\"+Inf\"} 4\nh_count{a=\"x\"} 4\nh_sum{a=\"x\"} 9.5\n",
        Ok("# TYPE h histogram\nh_bucket{a=\"x\",le=\"1.0\"} 1\nh_bucket{a=\"x\",le=\"2.0\"} 3\n\
            h_bucket{a=\"x\",le=\"+Inf\"} 4\nh_sum{a=\"x\"} 9.5\nh_count{a=\"x\"} 4\n"),
    );
}

/// As client_python writes a registry in text 0.0.4.
#[test]
fn births_of_client_python_are_dropped() {
    check_text(
        "# HELP c_total C.\n# TYPE c_total counter\nc_total 1.0\n# HELP c_created C.\n# TYPE c_created gauge\n\
         c_created 1.7e+09\n# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 0.0\nh_count 0.0\nh_sum 0.0\n\
         # HELP h_created H.\n# TYPE h_created gauge\nh_created 1.7e+09\n# TYPE g_created gauge\ng_created 5\n",
        Ok("# TYPE c_total counter\nc_total 1\n# TYPE g_created gauge\ng_created 5\n# TYPE h histogram\n\
            h_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n"),
    );
}

#[test]
fn open_metrics_is_read() {
    let check = |body, expected| check(PushFormat::OpenMetrics, body, expected);
    check(
        "# TYPE c counter\n# UNIT c seconds\n# HELP c C.\nc_total{a=\"x\"} 1 1700000000.5 # {id=\"1\"} 1 2\n\
         c_created{a=\"x\"} 1.7e9\n# TYPE u unknown\nu 3\n# TYPE i info\ni_info{v=\"1\"} 1\n# EOF\n",
        Ok("# TYPE c_total counter\nc_total{a=\"x\"} 1\n# TYPE i_info gauge\ni_info{v=\"1\"} 1\n\
            # TYPE u untyped\nu 3\n"),
    );
    check("# EOF", Ok(""));
    check("a 1\n", Err("line 2, column 1: OpenMetrics ends with the line `# EOF`, so this may be cut"));
    check("# EOF\na 1\n", Err("line 2, column 1: nothing may follow `# EOF`"));
    check(
        "# TYPE c counter\nc 1\n# EOF\n",
        Err(
            "line 2, column 1: `c` is no sample of a counter; expected the family's name with `_total` or `_info`",
        ),
    );
    check(
        "# TYPE c counter\n# TYPE c_total gauge\n# EOF\n",
        Err("line 2, column 1: a second TYPE for `c_total`, or one after its samples"),
    );
}

#[test]
fn errors_name_line_and_column() {
    for (body, expected) in [
        (
            "a 1\nb 2",
            "line 2, column 4: the last line has no line end, so the text may be cut; end it with a newline",
        ),
        ("a{b=\"é\"} x\n", "line 1, column 10: `x` is no number"),
        ("a\n", "line 1, column 2: expected a value"),
        ("a{b=\"x\" 1\n", "line 1, column 9: expected `,` or `}`"),
        ("a{b=\"x\n", "line 1, column 7: expected `\"` at the value's end"),
        ("a{b=\"\\t\"} 1\n", "line 1, column 6: expected `\\\\`, `\\\"` or `\\n` after a backslash"),
        ("a{b=\"x\"} 1 2 3\n", "line 1, column 14: expected the line's end"),
        ("a{\"b\"} 1\n", "line 1, column 3: expected a label's name or `}`"),
        (
            "a{__b=\"x\"} 1\n",
            "line 1, column 3: the label `__b` is reserved: names beginning with `__` are Prometheus' own",
        ),
        ("a{b=\"x\",b=\"y\"} 1\n", "line 1, column 1: the label `b` stands twice in one set"),
        ("a{b=\"1\"} 1\na{b=\"1\"} 2\n", "line 2, column 1: duplicate labels: a{b=\"1\"}"),
        ("a 1\n# TYPE a gauge\n", "line 2, column 1: a second TYPE for `a`, or one after its samples"),
        ("# HELP a x\n# HELP a x\n", "line 2, column 1: a second HELP for `a`, or one after its samples"),
        ("# TYPE a counter\na -1\n", "line 2, column 1: a counter cannot be -1"),
        ("# TYPE a counter\na NaN\n", "line 2, column 1: a counter cannot be NaN"),
        (
            "a{clearmode=\"mean5m\"} 1\n",
            "line 1, column 1: `clearmode` is `mean5m`; known are `sum`, `aggregate`, `replace`, `family`, `info`",
        ),
        (
            "# TYPE h histogram\nh 1\n",
            "line 2, column 1: `h` is no sample of a histogram; expected `_bucket`, `_sum`, `_count`",
        ),
        ("# TYPE h histogram\nh_bucket 1\n", "line 2, column 10: a bucket needs a label `le`"),
        (
            "# TYPE h histogram\nh_sum{le=\"1\"} 1\n",
            "line 2, column 1: a histogram may not have a label `le` here",
        ),
        ("# TYPE h histogram\nh_sum 1\n", "line 2, column 1: `h` has neither a count nor a bucket `+Inf`"),
        ("# TYPE h histogram\nh_count 1.5\n", "line 2, column 1: a number of observations cannot be 1.5"),
        (
            "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_count 1\n",
            "line 2, column 1: the buckets of `h` go down: each counts what the one before counts, and more",
        ),
        (
            "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_count 1\n",
            "line 2, column 1: `h` has a count of 1, but its bucket `+Inf` has 2",
        ),
        (
            "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"1.0\"} 2\n",
            "line 3, column 1: duplicate labels: h{}",
        ),
        (
            "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 2\nh_count 2\n",
            "line 4, column 1: duplicate labels: h{}",
        ),
    ] {
        check_text(body, Err(expected));
    }
}

#[test]
fn labels_of_the_url_are_on_every_series() {
    let check = |body: &str, expected: Result<&str, &str>| {
        let url = grouping(&[("job", "a"), ("instance", "")]);
        let found = Push::parse(body.as_bytes(), PushFormat::Text, &url).map(|push| {
            let (start, end) = push.points[0].key;
            let labels = label_text(labels_of(&push.keys[start as usize..end as usize]));
            format!("{labels} {:b}", push.points[0].url_labels)
        });
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(found.map_err(|error| error.to_string()), expected, "{body}");
    };
    check("x 1\n", Ok("{job=\"a\"} 1"));
    check("x{b=\"1\",z=\"2\"} 1\n", Ok("{b=\"1\",job=\"a\",z=\"2\"} 10"));
    check("x{job=\"a\"} 1\n", Ok("{job=\"a\"} 1"));
    check(
        "x{job=\"b\"} 1\n",
        Err("line 1, column 1: the label `job` has one value in the URL and another in the body"),
    );
}

#[test]
fn labels_of_the_url_are_checked() {
    let check = |labels: &[(&str, &str)], expected: &str| {
        let owned = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(Grouping::new(owned).unwrap_err().to_string(), expected);
    };
    check(&[("a", "1"), ("a", "2")], "labels of the URL: the label `a` stands twice in one set");
    check(
        &[("__name__", "1")],
        "labels of the URL: the label `__name__` is reserved: names beginning with `__` are Prometheus' own",
    );
    check(
        &[("1a", "1")],
        "labels of the URL: `1a` is no valid name; names have letters, digits and `_`, and at most 256 bytes",
    );
    check(
        &[("clearmode", "x")],
        "labels of the URL: `clearmode` is `x`; known are `sum`, `aggregate`, `replace`, `family`, `info`",
    );
}

#[test]
fn bounds_hold() {
    let long = "x".repeat(LABEL_VALUE_BYTES_MAX + 1);
    assert!(parsed(&format!("a{{b=\"{long}\"}} 1\n")).unwrap_err().contains("the label set is too large"));
    let many: Vec<String> = (0..=LABELS_MAX).map(|number| format!("l{number}=\"x\"")).collect();
    assert!(
        parsed(&format!("a{{{}}} 1\n", many.join(","))).unwrap_err().contains("the label set is too large")
    );
    let name = "n".repeat(NAME_BYTES_MAX + 1);
    assert!(parsed(&format!("{name} 1\n")).unwrap_err().contains("no valid name"));
    let buckets: String =
        (0..=BUCKETS_MAX + 1).map(|bound| format!("h_bucket{{le=\"{bound}\"}} 1\n")).collect();
    assert!(
        parsed(&format!("# TYPE h histogram\n{buckets}h_count 1\n")).unwrap_err().contains("at most 256")
    );
    let series: String = (0..=PUSH_SERIES_MAX).map(|number| format!("a{{b=\"{number}\"}} 1\n")).collect();
    assert!(parsed(&series).unwrap_err().contains("at most 100000 series"));
}

#[test]
fn damaged_protobuf_is_refused() {
    let check = |body: &[u8], expected: &str| {
        let found = Push::parse(body, PushFormat::Protobuf, &Grouping::default());
        assert_eq!(found.unwrap_err().to_string(), expected);
    };
    check(b"\x05\x0a", "protobuf: the protobuf is cut or damaged");
    check(
        b"\x00",
        "protobuf: `` is no valid name; names have letters, digits and `_`, and at most 256 bytes",
    );
    check(
        b"\x03\x0a\x01a\x03\x0a\x01a",
        "protobuf family a: a second family for `a`, or one after its samples",
    );
    check(b"\x07\x0a\x01a\x18\x04\x22\x00", "protobuf family a: expected a value of the family's type");
    // A histogram with a schema and without buckets.
    check(
        b"\x0b\x0a\x01a\x18\x04\x22\x04\x3a\x02\x28\x06",
        "protobuf family a: it has native buckets only, which are not merged; push classic buckets beside them",
    );
    check(
        b"\x05\x0a\x01a\x18\x05",
        "protobuf family a: `gauge histogram` is no type that can be merged; known are `counter`, `gauge`, `histogram`, `summary`, `untyped`",
    );
}
