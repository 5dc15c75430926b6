//! Records and the metrics that they give.

use weir_meter::exposition::{Format, encode};
use weir_meter::pushed::{GaugeMode, Grouping, OwnSeries, Push, PushFormat, PushedOptions};

use super::*;

/// Fields as `name=value`; what reads as a number is one.
struct Line<'l>(&'l str);

impl Fields for Line<'_> {
    fn field(&self, name: &str) -> Option<Value<'_>> {
        let value = self.0.split(' ').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
        Some(match (value.parse::<i64>(), value.parse::<f64>()) {
            (Ok(number), _) => Value::Integer(number),
            (_, Ok(number)) => Value::Float(number),
            _ => Value::Text(value.into()),
        })
    }
}

const OPTIONS: PushedOptions = PushedOptions { gauges: GaugeMode::Sum, series_max: 1000 };

fn declared(metrics: &str, series_max: usize) -> Declared {
    let config = config::parse("f", &format!("metrics:\n{metrics}"), &|_| None);
    Declared::new(&config.unwrap_or_else(|error| panic!("{error}")).metrics.declared, series_max).unwrap()
}

fn counted(declared: &Declared, records: &[&str]) -> DeclaredCounts {
    let mut counts = DeclaredCounts::default();
    for record in records {
        let (source, fields) = record.split_once(": ").unwrap();
        declared.observe(&mut counts, &Line(fields), source);
    }
    counts
}

/// Adds the counts to what there is, in one commit.
fn commit(declared: &Declared, pushed: &mut PushedSeries, counts: &[&DeclaredCounts]) -> StagedLosses {
    let mut staged = pushed.staged();
    let losses = declared.stage(counts.iter().copied(), pushed, &mut staged);
    pushed.apply(staged);
    losses
}

fn scrape(declared: &Declared, pushed: &PushedSeries) -> String {
    let mut snapshot = Snapshot::default();
    pushed.add_to(&mut snapshot);
    declared.add_zeros(&mut snapshot);
    let mut out = Vec::new();
    encode(&snapshot, Format::Text, &mut out);
    let text = String::from_utf8(out).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}

#[track_caller]
fn check(metrics: &str, records: &[&str], expected: &str) {
    let declared = declared(metrics, 100);
    let mut pushed = PushedSeries::new(OPTIONS);
    // In one unit, and each record in a unit of its own.
    let whole = counted(&declared, records);
    let losses = commit(&declared, &mut pushed, &[&whole]);
    assert!(losses.dropped.is_empty() && losses.overflows.is_empty());
    assert_eq!(scrape(&declared, &pushed), expected);
    let mut apart = PushedSeries::new(OPTIONS);
    let each: Vec<DeclaredCounts> =
        records.iter().rev().map(|record| counted(&declared, &[record])).collect();
    commit(&declared, &mut apart, &each.iter().collect::<Vec<_>>());
    assert_eq!(scrape(&declared, &apart), expected);
    let mut one_by_one = PushedSeries::new(OPTIONS);
    for counts in &each {
        commit(&declared, &mut one_by_one, &[counts]);
    }
    assert_eq!(scrape(&declared, &one_by_one), expected);
}

#[test]
fn records_are_counted_by_query_source_and_labels() {
    let records = [
        "web: status=500 route=/a",
        "web: status=200 route=/a",
        "web: status=503 route=/b",
        "api: status=500 route=/a",
        "web: status=502",
    ];
    check("  counters: [{name: errors_total, where: 'status:5xx'}]", &records, "errors_total 4\n");
    check(
        "  counters: [{name: errors_total, where: 'status:>=500', source: web, labels: [route]}]",
        &records,
        "errors_total 1\nerrors_total{route=\"/a\"} 1\nerrors_total{route=\"/b\"} 1\n",
    );
    check(
        "  counters: [{name: a_total, labels: [status, api_method_end_point]}, {name: b, where: 'status:404'}]",
        &records[..2],
        "a_total{api_method_end_point=\"/a\",status=\"200\"} 1\na_total{api_method_end_point=\"/a\",status=\"500\"} 1\nb 0\n",
    );
}

#[test]
fn values_are_added_up_exactly() {
    let records = [
        "web: bytes_out=10 request_time=0.1",
        "web: bytes_out=5 request_time=0.2",
        "web: request_time=0.4",
        "web: bytes_out=-1 request_time=-1",
        "web: bytes_out=many request_time=0.400001",
    ];
    check("  counters: [{name: sent_total, value: bytes_out}]", &records, "sent_total 15\n");
    check("  counters: [{name: t_total, value: request_time}]", &records, "t_total 1.100001\n");
    check(
        "  histograms: [{name: t, buckets: [100ms, 0.4]}]",
        &records,
        "t_bucket{le=\"0.1\"} 1\nt_bucket{le=\"0.4\"} 3\nt_bucket{le=\"+Inf\"} 4\nt_sum 1.100001\nt_count 4\n",
    );
    check(
        "  histograms: [{name: t, value: bytes_out, buckets: [1KB], where: 'bytes_out:>7'}]",
        &records,
        "t_bucket{le=\"1000.0\"} 1\nt_bucket{le=\"+Inf\"} 1\nt_sum 10\nt_count 1\n",
    );
}

#[test]
fn metrics_without_labels_are_there_from_the_start() {
    check("  counters: [{name: a_total}, {name: b_total, labels: [route]}]", &[], "a_total 0\n");
    check(
        "  histograms: [{name: t, buckets: [1]}]",
        &[],
        "t_bucket{le=\"1.0\"} 0\nt_bucket{le=\"+Inf\"} 0\nt_sum 0\nt_count 0\n",
    );
}

#[test]
fn label_sets_have_a_bound_and_totals_stay_exact() {
    let declared = declared("  counters: [{name: a_total, labels: [user]}]", 5);
    let mut pushed = PushedSeries::new(OPTIONS);
    let records: Vec<String> =
        (0..UNIT_LABEL_SETS_MAX + 7).map(|user| format!("web: user=u{user}")).collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let counts = counted(&declared, &records);
    assert_eq!(counts.metrics[0].len(), UNIT_LABEL_SETS_MAX + 1);
    let losses = commit(&declared, &mut pushed, &[&counts]);
    let folded = (UNIT_LABEL_SETS_MAX + 7 - 4) as u64;
    assert_eq!(losses.overflows, [("a_total".into(), folded)]);
    let expected = format!("a_total{{user=\"__other__\"}} {folded}\n");
    let text = scrape(&declared, &pushed);
    assert!(text.starts_with(&expected) && text.lines().count() == 5, "{text}");
    let mut noted = DeclaredLosses::default();
    noted.note(losses);
    assert_eq!(noted.overflows()[0].value, SeriesValue::Number(folded as f64));
    assert_eq!(noted.dropped(), []);
    let long = "x".repeat(1000);
    let counts = counted(&declared, &[&format!("web: user={long}")]);
    let longest = counts.metrics[0].keys().map(|labels| labels.len()).max();
    assert_eq!(longest, Some("user".len() + LABEL_VALUE_BYTES_MAX + 2));
}

#[test]
fn what_was_pushed_before_is_left_alone_and_the_loss_is_counted() {
    let declared = declared("  counters: [{name: a_total}, {name: b_total}]", 100);
    let mut pushed = PushedSeries::new(OPTIONS);
    let mut staged = pushed.staged();
    let push =
        Push::parse(b"# TYPE a_total gauge\na_total 7\n", PushFormat::Text, &Grouping::default()).unwrap();
    pushed.stage(&mut staged, &push, OwnSeries::NONE).unwrap();
    pushed.apply(staged);
    let losses = commit(&declared, &mut pushed, &[&counted(&declared, &["web: a=1", "web: a=1"])]);
    assert_eq!(scrape(&declared, &pushed), "a_total 7\nb_total 2\n");
    let mut noted = DeclaredLosses::default();
    noted.note(losses);
    assert_eq!(noted.dropped()[0].value, SeriesValue::Number(2.0));
}

#[test]
fn what_the_config_does_not_declare_any_more_goes_at_the_start() {
    let before = declared(
        "  counters: [{name: a_total, labels: [x]}, {name: b_total}]\n  histograms: [{name: t}]",
        100,
    );
    let mut pushed = PushedSeries::new(OPTIONS);
    commit(&before, &mut pushed, &[&counted(&before, &["web: x=1 request_time=1"])]);
    let after = declared(
        "  counters: [{name: a_total, labels: [x, y]}]\n  histograms: [{name: t, buckets: [1]}]",
        100,
    );
    let mut staged = pushed.staged();
    assert_eq!(after.stage_removed(&pushed, &mut staged), 2);
    pushed.apply(staged);
    let text = scrape(&after, &pushed);
    assert!(text.starts_with("a_total{x=\"1\"} 1\nt_bucket") && text.ends_with("t_count 0\n"), "{text}");
    assert_eq!((after.kind_of("t"), after.kind_of("b_total")), (Some(Kind::Histogram), None));
}

#[test]
fn counts_are_cleared_for_the_next_unit() {
    let declared = declared("  counters: [{name: a_total}]", 100);
    let mut counts = counted(&declared, &["web: a=1"]);
    assert!(!counts.is_empty() && !declared.is_empty());
    counts.clear();
    assert!(counts.is_empty());
}
