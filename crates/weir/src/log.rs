//! Log lines of the server: logfmt for people with grep, JSON for collectors.
//!
//! A format of our own, because the usual one of `tracing` is neither: it writes times and levels
//! for a wide terminal, and its fields are not quoted.

use std::fmt::{self, Write};

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::cli::LogFormat;
use crate::clock;

/// Starts writing log lines to stderr. Does nothing the second time.
pub fn start(format: LogFormat) {
    let subscriber = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        // It would say on stderr that stderr cannot be written, and panic as it cannot.
        .log_internal_errors(false)
        .with_max_level(LevelFilter::INFO)
        .event_format(LineFormat(format));
    // Only a second start can fail, and the first one is as good.
    let _ = subscriber.try_init();
}

struct LineFormat(LogFormat);

impl<S, N> FormatEvent<S, N> for LineFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = event.metadata().level().to_string().to_lowercase();
        let mut fields = Fields(vec![("time", clock::now().to_string().into()), ("level", level.into())]);
        event.record(&mut fields);
        match self.0 {
            LogFormat::Json => writeln!(writer, "{}", json(fields.0)),
            LogFormat::Logfmt => writeln!(writer, "{}", logfmt(&fields.0)),
        }
    }
}

/// The fields of an event in the order in which they were given.
struct Fields(Vec<(&'static str, Value)>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push((field.name(), format!("{value:?}").into()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.push((field.name(), value.into()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.push((field.name(), value.into()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.push((field.name(), value.into()));
    }
}

fn json(fields: Vec<(&'static str, Value)>) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// `key=value` pairs, quoted where the value holds more than a word.
fn logfmt(fields: &[(&'static str, Value)]) -> String {
    let mut line = String::new();
    for (name, value) in fields {
        let space = if line.is_empty() { "" } else { " " };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let is_word =
            !text.is_empty() && !text.contains([' ', '"', '=', '\\']) && !text.contains(char::is_control);
        let shown = if is_word { text } else { Value::from(text).to_string() };
        let _ = write!(line, "{space}{name}={shown}");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_more_than_a_word_are_quoted() {
        let fields = [
            ("level", Value::from("info")),
            ("message", Value::from("it is \"up\"")),
            ("files", Value::from(3)),
            ("path", Value::from("a\nb")),
        ];
        assert_eq!(logfmt(&fields), r#"level=info message="it is \"up\"" files=3 path="a\nb""#);
    }
}
