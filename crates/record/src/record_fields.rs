//! A record as a query, the store and the page see it: fields by name.
//!
//! One place says which name finds what, so that a search that found a record and the record that is then shown
//! cannot disagree. Most queries ask for fields that a request has, so the others are read from the line only when
//! one of them is asked for, and then once.

use std::borrow::Cow;
use std::cell::OnceCell;

use crate::format::Format;
use crate::known_field::{KNOWN_FIELDS, known_field};
use crate::other_fields::PREFIX;
use crate::overlay::Overlay;
use crate::record::Record;
use crate::request::{Request, Status};
use crate::value::{Value, logged_text};

/// What is known of a record beside what its line says.
#[derive(Clone, Copy, Debug)]
pub struct RecordContext<'a> {
    /// The source's name in the config.
    pub source: &'a str,
    /// The service it belongs to.
    pub service: Option<&'a str>,
    /// The route of its path.
    pub route: Option<&'a str>,
    /// The target group, where it is told from the listener rules; else it is the line's own.
    pub target_group: Option<&'a str>,
    /// What was said about it beside its line.
    pub overlay: &'a Overlay<'a>,
    /// The format of the line.
    pub format: Format,
    /// The line that the record was read from, without its end.
    pub line: &'a [u8],
}

/// The fields of one record.
pub struct RecordFields<'a> {
    record: Record<'a>,
    context: RecordContext<'a>,
    /// The other fields of the line, each name once, in the order of names; read when they are asked for.
    others: OnceCell<Vec<(Box<str>, Value<'a>)>>,
}

impl<'a> RecordFields<'a> {
    /// The fields of `record`, which was read from the line of `context`.
    pub fn new(record: Record<'a>, context: RecordContext<'a>) -> Self {
        Self { record, context, others: OnceCell::new() }
    }

    /// The field with this name, ours or one of a format; `None` where the record has none.
    ///
    /// What a request or we say of a record comes before a field of the line with the same name; that one is
    /// found as `field.<name>`. What was said about the record beside its line comes before all that.
    pub fn field(&self, name: &str) -> Option<Value<'_>> {
        if !self.context.overlay.is_empty()
            && let Some(said) = self.context.overlay.get(name)
        {
            return said.map(Value::borrowed);
        }
        if let Some(value) = self.own(name) {
            return Some(value);
        }
        if let Some(known) = known_field(name) {
            let own = if known.name == name { None } else { self.own(known.name) };
            return own
                .or_else(|| self.other_named(known.name, known.aliases).map(|index| self.other(index)));
        }
        let found = self.other_index(name).or_else(|| {
            let shadowed = name.strip_prefix(PREFIX)?;
            self.is_shadowed(shadowed).then(|| self.other_index(shadowed))?
        });
        found.map(|index| self.other(index))
    }

    /// Hands out every field once, by our names: known fields in their order, then the others in the order of
    /// their names.
    pub fn for_each(&self, each: &mut dyn FnMut(&str, Value<'_>)) {
        let mut taken = Vec::new();
        for known in KNOWN_FIELDS {
            if let Some(said) = self.context.overlay.get(known.name) {
                if let Some(value) = said {
                    each(known.name, value.borrowed());
                }
            } else if let Some(value) = self.own(known.name) {
                each(known.name, value);
            } else if let Some(index) = self.other_named(known.name, known.aliases) {
                taken.push(index);
                each(known.name, self.other(index));
            }
        }
        for (index, (name, value)) in self.others().iter().enumerate() {
            if taken.contains(&index) {
                continue;
            }
            if self.is_shadowed(name) {
                each(&format!("{PREFIX}{name}"), value.clone());
            } else {
                each(name, value.clone());
            }
        }
    }

    /// Whether a request or we ourselves say something under this name, which is ours.
    pub fn has_own(&self, name: &str) -> bool {
        self.own(name).is_some()
    }

    /// A known field, by our name, that the request has or that we say.
    fn own(&self, name: &str) -> Option<Value<'a>> {
        let context = &self.context;
        let text = |text: &'a str| Value::Text(Cow::Borrowed(text));
        match name {
            "@timestamp" => Some(Value::Time(self.record.time())),
            "source" => Some(text(context.source)),
            "service" => context.service.map(text),
            "route" => context.route.map(text),
            "target_group" if context.target_group.is_some() => context.target_group.map(text),
            _ => request_field(self.record.request()?, name),
        }
    }

    /// Whether a field of the line has a name under which the record has another.
    fn is_shadowed(&self, name: &str) -> bool {
        self.own(name).is_some()
    }

    fn others(&self) -> &[(Box<str>, Value<'a>)] {
        self.others.get_or_init(|| {
            let mut others: Vec<(Box<str>, Value<'a>)> = Vec::new();
            let overlay = self.context.overlay;
            self.record.other_fields(self.context.format, self.context.line, &mut |name, value| {
                if overlay.get(name).is_none() {
                    others.push((name.into(), value));
                }
            });
            let said = overlay.set_fields().filter(|(name, _)| known_field(name).is_none());
            others.extend(said.map(|(name, value)| (name.into(), value.borrowed())));
            // Of equal names the last one counts: it comes first here, and the sort leaves it there.
            others.reverse();
            others.sort_by(|(one, _), (other, _)| one.cmp(other));
            others.dedup_by(|(one, _), (first, _)| one == first);
            others
        })
    }

    fn other(&self, index: usize) -> Value<'_> {
        self.others()[index].1.clone()
    }

    fn other_index(&self, name: &str) -> Option<usize> {
        self.others().binary_search_by(|(other, _)| (**other).cmp(name)).ok()
    }

    /// The field of the line that has our name for a known field, or else the first of the formats' names.
    fn other_named(&self, name: &str, aliases: &[&str]) -> Option<usize> {
        self.other_index(name).or_else(|| aliases.iter().find_map(|alias| self.other_index(alias)))
    }
}

/// A field of a request, by our name.
fn request_field<'a>(request: &'a Request<'_>, name: &str) -> Option<Value<'a>> {
    let text = |text: &'a Option<Cow<'_, [u8]>>| text.as_deref().map(logged_text).map(Value::Text);
    let bytes = |bytes: Option<&'a [u8]>| bytes.map(logged_text).map(Value::Text);
    match name {
        "host" => text(&request.host),
        "node" => text(&request.node),
        "method" => text(&request.method),
        "path" => text(&request.path),
        "query" => text(&request.query),
        "status" => request.status.map(status),
        "request_time" => request.latency_us().map(seconds),
        "connection_time" => request.connection_time_us().map(seconds),
        "upstream_time" => request.upstream_time_us.map(seconds),
        "bytes_in" => request.bytes_in.map(whole_number),
        "bytes_out" => request.bytes_out.map(whole_number),
        "client_ip" => text(&request.client_ip),
        "user_agent" => text(&request.user_agent),
        "referer" => text(&request.referer),
        "request_id" => text(&request.request_id),
        "trace_id" => text(&request.trace_id),
        "target" => text(&request.target),
        "target_status" => request.target_status.map(status),
        "target_group" => bytes(request.target_group),
        "load_balancer" => bytes(request.load_balancer),
        "rule_priority" => request.rule_priority.map(|priority| Value::Integer(priority.into())),
        "error_reason" => bytes(request.error_reason),
        "actions" => bytes(request.actions),
        _ => None,
    }
}

fn status<'a>(status: Status) -> Value<'a> {
    Value::Integer(status.code().into())
}

fn seconds<'a>(micros: u64) -> Value<'a> {
    Value::Float(micros as f64 / 1e6)
}

/// A size; one that no disk could hold is a float.
fn whole_number<'a>(number: u64) -> Value<'a> {
    i64::try_from(number).map_or(Value::Float(number as f64), Value::Integer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::{LINE_BYTES_DEFAULT, LineParser};
    use crate::request::Field;

    /// What `read` gives of the fields of the only line of a block.
    fn with_fields<T>(format: Format, line: &str, read: impl FnOnce(&RecordFields<'_>) -> T) -> T {
        let mut read = Some(read);
        let mut given = None;
        let mut overlay = Overlay::default();
        overlay.set("tags", Value::Text("a,b".into()));
        LineParser::new(format, LINE_BYTES_DEFAULT).parse_block(line.as_bytes(), |line| {
            let context = RecordContext {
                source: "web",
                service: None,
                route: Some("/orders/{id}"),
                target_group: None,
                overlay: &overlay,
                format,
                line: line.bytes,
            };
            let fields = RecordFields::new(line.outcome.expect("a record"), context);
            given = read.take().map(|read| read(&fields));
        });
        given.expect("one line")
    }

    fn shown(value: &Value<'_>) -> String {
        match value {
            Value::Text(text) => format!("'{text}'"),
            Value::Json(text) => text.to_string(),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => format!("{number}f"),
            Value::Boolean(boolean) => boolean.to_string(),
            Value::Time(time) => time.to_string(),
        }
    }

    fn check(format: Format, line: &str, expected: &[(&str, &str)]) {
        with_fields(format, line, |fields| {
            for &(name, expected) in expected {
                let found = fields.field(name).map_or("-".to_owned(), |value| shown(&value));
                assert_eq!(found, expected, "{name}");
            }
        });
    }

    fn check_all(format: Format, line: &str, expected: &str) {
        let all = with_fields(format, line, |fields| {
            let mut all = Vec::new();
            fields.for_each(&mut |name, value| {
                assert_eq!(fields.field(name), Some(value.clone()), "{name}");
                all.push(format!("{name}={}", shown(&value)));
            });
            all.join(" ")
        });
        assert_eq!(all, expected);
    }

    const NGINX: &str = r#"{"msec":1795169730.5,"status":"502","host":"Shop.example.com","request_uri":"/orders/7?a=1",
        "request_time":0.012,"bytes_sent":18446744073709551615,"upstream_status":"000","remote_addr":"203.0.113.7",
        "client_ip":"10.0.0.1","user_agent":"curl/8","cache":"MISS","cache":"HIT","n":{"m":1},"source":"theirs"}"#;

    #[test]
    fn fields_are_found_by_our_name_and_by_the_formats() {
        check(
            Format::NginxJson,
            &NGINX.replace('\n', " "),
            &[
                ("@timestamp", "2026-11-20T10:15:30.500000Z"),
                ("msec", "2026-11-20T10:15:30.500000Z"),
                ("source", "'web'"),
                ("field.source", "'theirs'"),
                ("tags", "'a,b'"),
                ("type", "-"),
                ("service", "-"),
                ("route", "'/orders/{id}'"),
                ("status", "502"),
                ("elb_status_code", "502"),
                ("target_status", "0"),
                ("request_time", "0.012f"),
                ("upstream_time", "-"),
                ("bytes_out", "18446744073709552000f"),
                ("host", "'shop.example.com'"),
                ("uri", "'/orders/7'"),
                ("query", "'a=1'"),
                ("client_ip", "'203.0.113.7'"),
                ("field.client_ip", "'10.0.0.1'"),
                ("user_agent", "'curl/8'"),
                ("http_user_agent", "'curl/8'"),
                ("cache", "'HIT'"),
                ("field.cache", "-"),
                ("n.m", "1"),
                ("n", "-"),
            ],
        );
    }

    #[test]
    fn every_field_is_given_once_under_our_name() {
        check_all(
            Format::NginxJson,
            &NGINX.replace('\n', " "),
            "@timestamp=2026-11-20T10:15:30.500000Z source='web' tags='a,b' host='shop.example.com' \
             path='/orders/7' query='a=1' route='/orders/{id}' status=502 request_time=0.012f \
             bytes_out=18446744073709552000f client_ip='203.0.113.7' user_agent='curl/8' target_status=0 \
             cache='HIT' field.client_ip='10.0.0.1' field.source='theirs' n.m=1",
        );
        check_all(
            Format::Ndjson,
            r#"{"ts":1795169730,"msg":"slow","level":"warn","hostname":"web-1","type":"app","tags":["x"],"_raw":1}"#,
            "@timestamp=2026-11-20T10:15:30Z source='web' type='app' tags='a,b' node='web-1' \
             route='/orders/{id}' message='slow' level='warn' field._raw=1",
        );
    }

    #[test]
    fn a_line_without_more_has_what_the_request_has() {
        check_all(
            Format::Combined,
            r#"203.0.113.7 - - [20/Nov/2026:13:15:30 +0300] "GET /\xFF" 200 612 "-" "curl/8""#,
            "@timestamp=2026-11-20T10:15:30Z source='web' tags='a,b' method='GET' path='/\\xFF' \
             route='/orders/{id}' status=200 bytes_out=612 client_ip='203.0.113.7' user_agent='curl/8'",
        );
    }

    #[test]
    fn a_field_of_a_request_says_the_same_as_its_text() {
        let line = r#"https 2026-11-20T10:15:30.123456Z app/prod/50dc6c495c0c9188 203.0.113.7:50123 10.0.1.5:8080 0.001 0.042 0.000 200 201 312 1840 "GET https://shop.example.com:443/cart?x HTTP/1.1" "curl" c p arn:aws:x:targetgroup/shop/6d0ecf831eec9f09 "Root=1-5-6" "-" "-" 7 2026-11-20T10:15:30.000000Z "forward" "-" "Reason" "a" "b" "-" "-" TID_1 "-" "-" "-" 10.0.0.9"#;
        with_fields(Format::Alb, line, |fields| {
            let request = fields.record.request().expect("a request");
            for &field in Field::ALL {
                let text = request.field(field).map(|text| String::from_utf8_lossy(&text).into_owned());
                let value = fields.field(field.name()).map(|value| shown(&value).replace('\'', ""));
                assert_eq!(value, text, "{}", field.name());
            }
        });
    }
}
