//! Records from the store as the API and the commands show them.
//!
//! The types that a line had are kept: numbers stay numbers and lists become lists again. Only times are put into
//! words here, since they depend on who asks.

use serde_json::{Number, Value as Json};
use weir_query::{GroupValue, MetricValue};
use weir_record::Value;
use weir_web::Hit;

use super::zone::Zone;

/// The name of a record's place among all records, by which it is found again.
pub const ID_FIELD: &str = "_id";

/// Where a record came from: the file or object, and its line there.
pub const PLACE_FIELDS: [&str; 2] = ["_origin", "_line"];

/// The field that is always there.
pub const TIME_FIELD: &str = "@timestamp";

/// What a line's own field is called where ours has the same name.
const SHADOWED_PREFIX: &str = "field.";

/// A record: its time first, then its fields, then its id. What the line itself calls `_id` is `field._id`.
pub fn hit(found: weir_store::Hit, zone: &Zone) -> Hit {
    let id = found.cursor().to_string();
    let mut pairs = Vec::with_capacity(found.fields.len() + 2);
    pairs.push((TIME_FIELD.to_owned(), Json::String(zone.text(found.time))));
    for (name, value) in found.fields.into_iter().filter(|(name, _)| name != TIME_FIELD) {
        let name = if name == ID_FIELD { format!("{SHADOWED_PREFIX}{name}") } else { name };
        add_field(&mut pairs, name, json(&value, zone));
    }
    pairs.push((ID_FIELD.to_owned(), Json::String(id)));
    weir_web::Pairs(pairs)
}

/// Adds a field; of equal names the last one counts. Names come once already, but for those that were made longer
/// because ours has the same name: a line may have the longer one too.
pub fn add_field(pairs: &mut Vec<(String, Json)>, name: String, value: Json) {
    if name.starts_with(SHADOWED_PREFIX) {
        pairs.retain(|(other, _)| *other != name);
    }
    pairs.push((name, value));
}

/// A field's value.
pub fn json(value: &Value<'_>, zone: &Zone) -> Json {
    match value {
        Value::Text(text) => Json::String(text.to_string()),
        Value::Integer(number) => Json::from(*number),
        Value::Float(number) => float(*number),
        Value::Boolean(boolean) => Json::Bool(*boolean),
        Value::Time(time) => Json::String(zone.text(*time)),
        // A list that is nested too deep to be read again is shown as its text.
        Value::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.to_string())),
    }
}

/// What a group has in common.
pub fn group_json(value: &GroupValue, zone: &Zone) -> Json {
    match value {
        GroupValue::Boolean(boolean) => Json::Bool(*boolean),
        GroupValue::Integer(number) => Json::from(*number),
        GroupValue::Float(number) => float(*number),
        GroupValue::Time(time) => Json::String(zone.text(*time)),
        GroupValue::Text(text) => Json::String(text.to_string()),
        GroupValue::Missing => Json::Null,
    }
}

/// A group's number.
pub fn metric_json(value: MetricValue) -> Json {
    match value {
        MetricValue::Integer(number) => Json::from(number),
        MetricValue::Float(number) => float(number),
        MetricValue::Missing => Json::Null,
    }
}

fn float(number: f64) -> Json {
    Number::from_f64(number).map_or(Json::Null, Json::Number)
}

#[cfg(test)]
mod tests {
    use weir_record::Timestamp;

    use super::*;

    #[test]
    fn a_record_keeps_its_types_and_begins_with_its_time() {
        let fields = [
            ("@timestamp", Value::Time(Timestamp::from_seconds(60))),
            ("status", Value::Integer(503)),
            ("request_time", Value::Float(0.4)),
            ("is_cached", Value::Boolean(false)),
            ("ids", Value::Json("[1,\"a\"]".into())),
            ("broken", Value::Json("[1".into())),
        ];
        let found = weir_store::Hit {
            time: Timestamp::from_seconds(60),
            sequence: 7,
            fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        };
        assert_eq!(
            serde_json::to_string(&hit(found, &Zone::default())).unwrap(),
            "{\"@timestamp\":\"1970-01-01T00:01:00Z\",\"status\":503,\"request_time\":0.4,\"is_cached\":false,\
             \"ids\":[1,\"a\"],\"broken\":\"[1\",\"_id\":\"00000000039387000000000000000007\"}"
        );
    }

    #[test]
    fn a_name_is_there_once_also_where_a_line_has_ours() {
        let theirs = || Value::Text("theirs".into());
        for (fields, expected) in [
            (vec![("_id", theirs())], "\"field._id\":\"theirs\""),
            (vec![("_id", Value::Integer(1)), ("field._id", theirs())], "\"field._id\":\"theirs\""),
            (vec![("field._id", Value::Integer(1)), ("_id", theirs())], "\"field._id\":\"theirs\""),
            (vec![("field.a", Value::Integer(1)), ("a", theirs())], "\"field.a\":1,\"a\":\"theirs\""),
        ] {
            let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            let found = weir_store::Hit { time: Timestamp::from_seconds(60), sequence: 7, fields };
            assert_eq!(
                serde_json::to_string(&hit(found, &Zone::default())).unwrap(),
                format!(
                    "{{\"@timestamp\":\"1970-01-01T00:01:00Z\",{expected},\"_id\":\"00000000039387000000000000000007\"}}"
                )
            );
        }
    }
}
