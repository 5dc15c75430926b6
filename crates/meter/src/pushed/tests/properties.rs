//! What holds for any pushes.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A push of counters with whole values, some of them twice (then it is refused by its reader).
fn any_counters() -> impl Strategy<Value = String> {
    let sample = (0..3_u8, 0..4_u8, 0..1_000_u32)
        .prop_map(|(family, label, value)| (family, format!("c{family}{{l=\"{label}\"}} {value}\n")));
    vec(sample, 0..6).prop_map(|mut samples| {
        samples.sort();
        let mut text = String::new();
        for (family, line) in samples {
            let head = format!("# TYPE c{family} counter\n");
            if !text.contains(&head) {
                text.push_str(&head);
            }
            text.push_str(&line);
        }
        text
    })
}

/// A push of anything that is written by our own encoder.
fn any_push() -> impl Strategy<Value = String> {
    let label = prop_oneof![Just("a\\\\\\n\\\"é"), Just("x"), Just("")];
    let value = prop_oneof![(-1e6..1e6_f64).prop_map(|value| value.to_string()), Just("12".to_owned())];
    let histogram = (vec(0..9_u64, 3), 0..100_u32).prop_map(|(counts, sum)| {
        let (a, b, c) = (counts[0], counts[0] + counts[1], counts.iter().sum::<u64>());
        format!(
            "# TYPE h histogram\nh_bucket{{le=\"0.5\"}} {a}\nh_bucket{{le=\"1e6\"}} {b}\nh_bucket{{le=\"+Inf\"}} {c}\n\
             h_sum {sum}.25\nh_count {c}\n"
        )
    });
    let numbers =
        (label, value).prop_map(|(label, value)| format!("# TYPE g gauge\ng{{l=\"{label}\"}} {value}\n"));
    (any_counters(), numbers, histogram)
        .prop_map(|(counters, numbers, histogram)| counters + &numbers + &histogram)
}

fn series_of(pushes: &[Push]) -> PushedSeries {
    let mut series = PushedSeries::new(OPTIONS);
    let mut staged = series.staged();
    for push in pushes {
        series.stage(&mut staged, push, OwnSeries::NONE).unwrap();
    }
    series.apply(staged);
    series
}

proptest! {
    #[test]
    fn counters_are_the_same_in_any_order(texts in vec(any_counters(), 0..6), seed: u64) {
        let mut pushes: Vec<Push> = texts.iter().filter_map(|text| parsed(text).ok()).collect();
        let one = shown(&series_of(&pushes));
        let length = pushes.len().max(1);
        pushes.rotate_left(seed as usize % length);
        pushes.reverse();
        prop_assert_eq!(one, shown(&series_of(&pushes)));
    }

    #[test]
    fn a_refused_push_changes_nothing(texts in vec(any_push(), 1..4), more in any_push()) {
        let pushes: Vec<Push> = texts.iter().filter_map(|text| parsed(text).ok()).collect();
        let mut series = series_of(&pushes);
        let before = shown(&series);
        // Its last family clashes with all that came before it.
        let refused = parsed(&(more.clone() + "# TYPE h_sum counter\nh_sum 1\n"));
        if let Ok(push) = refused {
            let mut staged = series.staged();
            let changes = |staged: &Staged| (staged.family_changes().count(), staged.series_changes().count());
            prop_assert!(series.stage(&mut staged, &push, OwnSeries::NONE).is_err());
            prop_assert_eq!(changes(&staged), (0, 0));
            series.apply(staged);
            prop_assert_eq!(before, shown(&series));
        }
    }

    #[test]
    fn every_format_reads_back_as_it_was_written(texts in vec(any_push(), 1..3)) {
        let pushes: Vec<Push> = texts.iter().filter_map(|text| parsed(text).ok()).collect();
        let series = series_of(&pushes);
        for (format, push_format) in [
            (Format::Text, PushFormat::Text),
            (Format::Protobuf, PushFormat::Protobuf),
            // Counters without `_total` are unknown there.
            (Format::OpenMetrics, PushFormat::OpenMetrics),
        ] {
            let mut body = Vec::new();
            encode(&Snapshot { families: series.families() }, format, &mut body);
            let push = Push::parse(&body, push_format, &Grouping::default()).unwrap();
            let found = shown(&series_of(&[push]));
            let known = shown(&series);
            if format == Format::OpenMetrics {
                prop_assert_eq!(found.replace(" untyped\n", " counter\n"), known);
            } else {
                prop_assert_eq!(found, known);
            }
        }
    }

    #[test]
    fn any_bytes_are_a_push_or_an_error(body: Vec<u8>) {
        for format in [PushFormat::Text, PushFormat::OpenMetrics, PushFormat::Protobuf] {
            let _ = Push::parse(&body, format, &Grouping::default());
        }
    }

    #[test]
    fn any_text_of_the_formats_characters_is_a_push_or_an_error(body in "[ab_{}=\",\\\\ 1.#\nTYPEle+Inf]{0,80}") {
        for format in [PushFormat::Text, PushFormat::OpenMetrics] {
            let _ = Push::parse(body.as_bytes(), format, &Grouping::default());
        }
    }
}
