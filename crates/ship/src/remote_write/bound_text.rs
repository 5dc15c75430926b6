//! A bucket's bound as text, exactly as `/metrics` writes it.
//!
//! The text is a label and so the series' identity: a bucket sent as `1` and scraped as `1.0` would be two.
//! The rule is Go's `strconv.FormatFloat(v, 'g', -1, 64)` with `.0` behind whole numbers. The exposition has
//! its own copy of these few lines, laid out for its buffers; a test holds the two together.

/// `1.0`, `0.005`, `1e+06`, `2.5e-05`, `+Inf`.
pub(super) fn bound_text(bound: f64) -> String {
    let magnitude = bound.abs();
    if bound == 0.0 || (1e-4..1e6).contains(&magnitude) {
        return format!("{bound:?}");
    }
    if !bound.is_finite() {
        let text = if bound.is_nan() { "NaN" } else { ["-Inf", "+Inf"][usize::from(bound > 0.0)] };
        return text.to_owned();
    }
    // Go writes 1e+06 where Rust writes 1e6.
    let scientific = format!("{bound:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.strip_prefix('-') {
        Some(digits) => format!("{mantissa}e-{digits:0>2}"),
        None => format!("{mantissa}e+{exponent:0>2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weir_meter::exposition::{Format, encode};
    use weir_meter::{Family, Histogram, Kind, Series, Snapshot, Value};

    /// The first bound of a histogram in the text format.
    fn exposed(bound: f64) -> String {
        let histogram = Histogram { bounds: [bound].into(), counts: vec![0, 0], sum: 0.0, native: None };
        let series = Series { labels: [].into(), value: Value::Histogram(histogram), created_ms: None };
        let family =
            Family { name: "x".into(), help: "X.".into(), kind: Kind::Histogram, series: vec![series] };
        let mut text = Vec::new();
        encode(&Snapshot { families: vec![family] }, Format::Text, &mut text);
        let text = String::from_utf8(text).unwrap();
        text.split('"').nth(1).unwrap().to_owned()
    }

    #[test]
    fn bounds_are_written_as_go_does() {
        let check = |bound, expected: &str| assert_eq!(bound_text(bound), expected);
        check(0.0, "0.0");
        check(1.0, "1.0");
        check(0.005, "0.005");
        check(0.4, "0.4");
        check(120.0, "120.0");
        check(1e6, "1e+06");
        check(2.5e-5, "2.5e-05");
        check(1e100, "1e+100");
        check(-2.0, "-2.0");
        check(f64::INFINITY, "+Inf");
        check(f64::NEG_INFINITY, "-Inf");
    }

    proptest! {
        #[test]
        fn bounds_are_written_as_metrics_writes_them(bound: f64) {
            prop_assert_eq!(bound_text(bound), exposed(bound));
        }

        #[test]
        fn usual_bounds_are_written_as_metrics_writes_them(thousandths in 0_u32..10_000_000) {
            let bound = f64::from(thousandths) / 1_000.0;
            prop_assert_eq!(bound_text(bound), exposed(bound));
        }
    }
}
