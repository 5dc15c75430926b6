//! A value of the map of JSON texts, read back.
//!
//! The filter's writer and the queries must read it alike, or a filter would deny what a query looks for.

use std::borrow::Cow;

use weir_record::Value;

/// The value that was kept as JSON text: a number, a boolean, a list, or an object.
pub(crate) fn json_value(text: &str) -> Value<'_> {
    match text {
        "true" => Value::Boolean(true),
        "false" => Value::Boolean(false),
        _ if text.starts_with(['[', '{', '"']) => Value::Json(Cow::Borrowed(text)),
        _ => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(number), _) => Value::Integer(number),
            (_, Ok(number)) if number.is_finite() => Value::Float(number),
            _ => Value::Json(Cow::Borrowed(text)),
        },
    }
}
