//! Annotations: text with `{{ $labels.route }}` and `{{ $value | humanizePercentage }}`, as Prometheus' rules have it.
//!
//! What an alert needs of Go's templates, and no more: labels, the value, the address of the page, functions that make
//! them readable, pipelines. There are no conditions and no queries; whoever writes one is told when the config is
//! read, since a mail at night is no place to learn of a mistake. Source: template/template.go of Prometheus.
//!
//! Reading order: `parser`, `function`, `printf`, `number`.

mod function;
mod number;
mod parser;
mod printf;

use crate::alert::Labels;
use function::Value;
use parser::{Call, Operand, Piece};

/// The longest text that comes of a template, in bytes.
const EXPANDED_BYTES_MAX: usize = 64 << 10;

/// A text with places for what is known of an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    pieces: Vec<Piece>,
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct TemplateError {
    /// What is wrong.
    pub problem: String,
    /// What would be right.
    pub hint: String,
    /// Where, in characters from 0.
    pub offset: usize,
}

/// What is put into the places.
#[derive(Clone, Copy, Debug)]
pub struct TemplateData<'a> {
    /// `$labels`.
    pub labels: &'a Labels,
    /// `$value`.
    pub value: f64,
    /// `$externalURL`; empty where there is none.
    pub external_url: &'a str,
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        parser::parse(text).map(|pieces| Self { pieces })
    }

    /// The text with what is known in its places. Where a function can't work with what it gets, as a number of a text,
    /// the place stays as it was written, so that whoever reads it sees what was meant.
    pub fn expand(&self, data: TemplateData<'_>) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(own) => text.push_str(own),
                Piece::Action { calls, written } => match pipeline(calls, data) {
                    Some(value) => text.push_str(&value.into_text()),
                    None => text.push_str(written),
                },
            }
            if text.len() > EXPANDED_BYTES_MAX {
                break;
            }
        }
        let mut end = text.len().min(EXPANDED_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text
    }
}

/// The text of a template, or the text itself where it is none.
pub fn expand(text: &str, data: TemplateData<'_>) -> String {
    Template::parse(text).map_or_else(|_| text.to_owned(), |template| template.expand(data))
}

/// What comes of the last call; each gets what came of the one before as its last argument.
fn pipeline(calls: &[Call], data: TemplateData<'_>) -> Option<Value> {
    let mut last: Option<Value> = None;
    for call in calls {
        let arguments = call.arguments.iter().map(|operand| evaluated(operand, data));
        let mut arguments = arguments.collect::<Option<Vec<Value>>>()?;
        arguments.extend(last.take());
        last = Some(match call.function {
            Some(function) => function.apply(arguments)?,
            None => arguments.into_iter().next()?,
        });
    }
    last
}

fn evaluated(operand: &Operand, data: TemplateData<'_>) -> Option<Value> {
    Some(match operand {
        Operand::Label(name) => {
            Value::Text(data.labels.get(name.as_str()).map_or("", |value| value).to_owned())
        }
        Operand::Value => Value::Number(data.value),
        Operand::ExternalUrl => Value::Text(data.external_url.to_owned()),
        Operand::Text(text) => Value::Text(text.clone()),
        Operand::Number(number) => Value::Number(*number),
        Operand::Group(calls) => pipeline(calls, data)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Labels {
        [("route".into(), "/pay".into()), ("node".into(), "web1.example.com:9100".into())].into()
    }

    #[test]
    fn annotations_read_as_prometheus_writes_them() {
        let labels = labels();
        let data = |value| TemplateData { labels: &labels, value, external_url: "http://weir.example.com/" };
        for (template, value, expected) in [
            ("{{ $labels.route }}: {{ $value | humanizePercentage }} slow", 0.7205, "/pay: 72.05% slow"),
            ("{{$value|humanizePercentage}}", 0.05, "5%"),
            ("{{ $value }}", 12.0, "12"),
            ("{{ .Value }} {{ .Labels.route }}", 0.1, "0.1 /pay"),
            ("{{ $value }}", 1e21, "1e+21"),
            ("{{ $value }}", 0.00001, "1e-05"),
            ("{{ $value }}", 123_456_789.0, "1.23456789e+08"),
            ("{{ printf \"%.2f\" $value }} x", 1.239, "1.24 x"),
            ("{{ $value | printf \"%.1f%%\" }}", 3.0, "3.0%"),
            ("{{ printf \"%s is %6.2f, %v\" $labels.route $value $value }}", 2.5, "/pay is   2.50, 2.5"),
            (
                "{{ printf \"%q %05.1f|%-8s|\" $labels.route $value $labels.route }}",
                2.5,
                "\"/pay\" 002.5|/pay    |",
            ),
            ("{{ printf \"%d\" $value }}", 2.0, "%!d(float64=2)"),
            ("{{ printf \"%g %e %.3g\" $value $value $value }}", 1234.5, "1234.5 1.234500e+03 1.23e+03"),
            ("{{ printf \"%s\" $value }} {{ printf \"%x\" }}", 2.0, "%!s(float64=2) %!x(MISSING)"),
            ("{{ humanizeDuration $value }}", 3_725.0, "1h 2m 5s"),
            ("{{ humanizeDuration $value }}", 90_000.0, "1d 1h 0m 0s"),
            ("{{ humanizeDuration $value }}", 0.0123, "12.3ms"),
            ("{{ $value | humanize }}", 1_234_567.0, "1.235M"),
            ("{{ $value | humanize }}", 0.001234, "1.234m"),
            ("{{ $value | humanize1024 }}", 1_048_576.0, "1Mi"),
            ("{{ humanizeTimestamp $value }}", 1_435_065_584.128, "2015-06-23 13:19:44.128 +0000 UTC"),
            ("{{ $value | humanizeTimestamp }}", 0.0, "1970-01-01 00:00:00 +0000 UTC"),
            ("{{ $labels.route | toUpper }}{{ $labels.none }}", 1.0, "/PAY"),
            ("{{ title \"slow answers\" }} {{ toLower \"ABC\" }}", 1.0, "Slow Answers abc"),
            ("{{ reReplaceAll \"/(.*)\" \"<$1>\" $labels.route }}", 1.0, "<pay>"),
            ("{{ $labels.node | stripPort | stripDomain }}", 1.0, "web1"),
            (
                "{{ $externalURL }}#/x {{ externalURL }}",
                1.0,
                "http://weir.example.com/#/x http://weir.example.com/",
            ),
            ("{{ match \"^/p\" $labels.route }}", 1.0, "true"),
            ("{{ (humanize $value) | toLower }}", 1500.0, "1.5k"),
            ("a  {{- $value -}}  b {{/* nothing */}}c", 1.0, "a1b c"),
            ("{{ `raw \"text\"` }} {{ print \"x\" $value }}", 2.0, "raw \"text\" x2"),
            ("{{ $labels.route | humanize }}", 1.0, "{{ $labels.route | humanize }}"),
            ("no place }} here", 1.0, "no place }} here"),
            ("{{ $value }}", f64::NAN, "NaN"),
            ("{{ $value | humanize }}", f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(expand(template, data(value)), expected, "{template}");
        }
    }

    #[test]
    fn what_is_no_template_is_told_with_its_place() {
        for (template, problem, offset) in [
            ("{{ query \"up\" }}", "unknown function `query`", 3),
            ("ä {{ $value | humanise }}", "unknown function `humanise`", 14),
            ("{{ if $value }}x{{ end }}", "`if` is not for annotations here", 3),
            ("{{ $lables.route }}", "unknown variable `$lables`", 3),
            ("{{ $labels }}", "`$labels` needs the name of a label", 3),
            ("{{ .Foo }}", "unknown variable `.Foo`", 3),
            ("{{ $value", "`{{` has no `}}` after it", 0),
            ("{{ }}", "nothing between `{{` and `}}`", 0),
            ("{{ \"a }}", "a text has no end", 3),
            ("{{ humanize }}", "`humanize` needs 1 argument, found 0", 3),
            ("{{ $value | humanize 3 }}", "`humanize` needs 1 argument, found 2", 12),
            ("{{ $value $value }}", "`$value` is no function and takes no arguments", 3),
            ("{{ toUpper (title }}", "`(` has no `)` after it", 11),
            ("{{ $value | }}", "nothing behind `|`", 10),
            ("{{ reReplaceAll \"(\" \"\" $labels.a }}", "`(` is no regular expression", 16),
            ("{{ 1 | $value }}", "`$value` is no function and takes no arguments", 7),
        ] {
            let error = Template::parse(template).expect_err(template);
            assert_eq!((error.problem.as_str(), error.offset), (problem, offset), "{template}");
            assert!(!error.hint.is_empty());
        }
        let error = Template::parse("{{ $value | humanise }}").unwrap_err();
        assert!(error.hint.contains("humanize"), "{}", error.hint);
    }
}
