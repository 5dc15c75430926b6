//! Which format a scraper gets, by its `Accept` header.
//!
//! The header is a wish of a client that nobody controls, so it is never refused: what cannot be read is
//! passed over, and who names nothing that we speak gets text 0.0.4 (as `expfmt` does) rather than a 406.
//! Not the whole of RFC 9110: `application/*` names no format, and among equal weights the first wins.

use super::Format;

const PROTOBUF_MESSAGE: &str = "io.prometheus.client.MetricFamily";

impl Format {
    /// The format of highest weight that `accept` names and we speak; else [`Format::Text`].
    ///
    /// `escaping` is not looked at: every name of ours is valid without it.
    pub fn negotiate(accept: Option<&str>) -> Self {
        let mut best = (0.0, Self::Text);
        for (weight, format) in accept.unwrap_or_default().split(',').filter_map(wish) {
            if weight > best.0 {
                best = (weight, format);
            }
        }
        best.1
    }
}

/// The weight and format of one entry; `None` where it is malformed, unwanted (`q=0`) or not spoken.
fn wish(entry: &str) -> Option<(f64, Format)> {
    let mut parts = entry.split(';').map(str::trim);
    let media_type = parts.next()?;
    let parameters: Vec<(&str, &str)> = parts.filter_map(parameter).collect();
    let value_of = |name: &str| {
        parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    };
    let weight: f64 = value_of("q").unwrap_or("1").parse().ok()?;
    let format = spoken(&media_type.to_ascii_lowercase(), &value_of)?;
    (0.0..=1.0).contains(&weight).then_some((weight, format))
}

/// A parameter's name and value; the value may be quoted.
fn parameter(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=')?;
    Some((name.trim(), value.trim().trim_matches('"')))
}

fn spoken<'a>(media_type: &str, value_of: &impl Fn(&str) -> Option<&'a str>) -> Option<Format> {
    match (media_type, value_of("version")) {
        ("text/plain", None | Some("0.0.4")) | ("text/*" | "*/*", _) => Some(Format::Text),
        ("application/openmetrics-text", None | Some("1.0.0")) => Some(Format::OpenMetrics),
        ("application/openmetrics-text", Some("0.0.1")) => Some(Format::OpenMetrics0_0_1),
        ("application/vnd.google.protobuf", _) => {
            let message = value_of("proto")? == PROTOBUF_MESSAGE && value_of("encoding")? == "delimited";
            message.then_some(Format::Protobuf)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Format::{OpenMetrics, OpenMetrics0_0_1, Protobuf, Text};
    use proptest::prelude::*;

    const PROMETHEUS_2_42: &str = "application/openmetrics-text;version=1.0.0,\
        application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    const PROMETHEUS_2_42_NATIVE_HISTOGRAMS: &str = "application/vnd.google.protobuf;\
        proto=io.prometheus.client.MetricFamily;encoding=delimited,\
        application/openmetrics-text;version=1.0.0;q=0.8,\
        application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    const PROMETHEUS_3: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
        application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
        text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    const PROMETHEUS_2_20: &str =
        "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    const FIREFOX: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    fn check(accept: &str, expected: Format) {
        assert_eq!(Format::negotiate(Some(accept)), expected, "{accept}");
    }

    #[test]
    fn scrapers_get_what_they_ask_for_first() {
        check(PROMETHEUS_2_42, OpenMetrics);
        check(PROMETHEUS_2_42_NATIVE_HISTOGRAMS, Protobuf);
        check(PROMETHEUS_3, OpenMetrics);
        check(PROMETHEUS_2_20, OpenMetrics0_0_1);
    }

    #[test]
    fn everyone_else_gets_text() {
        assert_eq!(Format::negotiate(None), Text);
        for accept in ["*/*", "", "text/plain", "text/*", "application/json", "application/*", FIREFOX] {
            check(accept, Text);
        }
    }

    #[test]
    fn the_highest_weight_wins_and_the_first_of_equals() {
        check("text/plain;q=0.2,application/openmetrics-text;q=0.3", OpenMetrics);
        check("text/plain;q=0.3,application/openmetrics-text;q=0.2", Text);
        check("*/*,application/openmetrics-text", Text);
        check("application/openmetrics-text,*/*", OpenMetrics);
        check("application/openmetrics-text;q=0,*/*;q=0.1", Text);
        check("application/openmetrics-text;q=0", Text);
    }

    #[test]
    fn what_is_not_spoken_is_passed_over() {
        check("application/openmetrics-text;version=2.0.0,application/openmetrics-text;q=0.1", OpenMetrics);
        check("text/plain;version=1.0.0,application/openmetrics-text;q=0.1", OpenMetrics);
        check("application/vnd.google.protobuf,application/openmetrics-text;q=0.1", OpenMetrics);
        let as_text = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text";
        check(as_text, Text);
    }

    #[test]
    fn spelling_is_taken_loosely() {
        check(" Application/OpenMetrics-Text ; Version=\"1.0.0\" ; Q=0.5 ", OpenMetrics);
    }

    #[test]
    fn nonsense_is_passed_over() {
        for weight in ["", "NaN", "inf", "-1", "2", "high", "0.5.5"] {
            check(&format!("application/openmetrics-text;q={weight}"), Text);
        }
        check(";;;=,,,\"", Text);
        check("\u{0}é;q=;,application/openmetrics-text", OpenMetrics);
    }

    proptest! {
        #[test]
        fn any_header_is_answered(accept: String) {
            // Random text names none of our formats.
            prop_assert_eq!(Format::negotiate(Some(&accept)), Text);
        }

        #[test]
        fn noise_around_a_format_does_not_hide_it(noise in "[^,]*") {
            let accept = format!("{noise},application/openmetrics-text");
            prop_assert_eq!(Format::negotiate(Some(&accept)), OpenMetrics);
        }
    }
}
