//! The fields that have a name of their own whatever the format, and what each holds.
//!
//! One table, because a query, the store, the live tail and the documentation must agree on what a field is
//! called and what may be in it. A field that is not in it is kept and found all the same; it only has no column
//! of its own. The order is that of columns in the store.

/// What a known field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A moment.
    Time,
    /// Text with few distinct values in many records: a host, a route.
    Keyword,
    /// Text that is often different in each record: a request id, a path.
    Text,
    /// Text made of words that are searched one by one.
    Words,
    /// Several short texts, separated by commas; each is met by itself.
    List,
    /// A whole number.
    Integer,
    /// Seconds, with up to six decimals.
    Seconds,
}

/// A field that has a name of its own.
#[derive(Debug, PartialEq, Eq)]
pub struct KnownField {
    /// Our name, in queries, in the store and in answers.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// Its names in the formats; a query may use them.
    pub aliases: &'static [&'static str],
}

const fn field(name: &'static str, kind: FieldKind, aliases: &'static [&'static str]) -> KnownField {
    KnownField { name, kind, aliases }
}

use FieldKind::{Integer, Keyword, List, Seconds, Text, Time, Words};

/// Every known field, in the order of the store's columns.
pub const KNOWN_FIELDS: &[KnownField] = &[
    field("@timestamp", Time, &["time", "timestamp", "time_iso8601", "time_local", "msec"]),
    field("source", Keyword, &[]),
    field("type", Keyword, &[]),
    field("tags", List, &["tag"]),
    field("service", Keyword, &["application"]),
    field("host", Keyword, &["domain_name", "server_name", "vhost", "http_host"]),
    field("node", Keyword, &["ip_address", "hostname"]),
    field("method", Keyword, &["request_method"]),
    field("path", Text, &["uri", "request_uri"]),
    field("query", Text, &["args", "query_string"]),
    field("route", Keyword, &["api_method_end_point"]),
    field("status", Integer, &["elb_status_code"]),
    field("request_time", Seconds, &[]),
    field("upstream_time", Seconds, &["target_processing_time", "upstream_response_time"]),
    field("connection_time", Seconds, &[]),
    field("bytes_in", Integer, &["received_bytes", "request_length"]),
    field("bytes_out", Integer, &["sent_bytes", "bytes_sent", "body_bytes_sent"]),
    field("client_ip", Text, &["client", "remote_addr"]),
    field("user_agent", Keyword, &["http_user_agent"]),
    field("referer", Text, &["http_referer", "http_referrer"]),
    field("request_id", Text, &["http_x_request_id"]),
    field("trace_id", Text, &["http_x_amzn_trace_id"]),
    field("target", Keyword, &["upstream_addr"]),
    field("target_status", Integer, &["target_status_code", "upstream_status"]),
    field("target_group", Keyword, &["target_group_arn"]),
    field("load_balancer", Keyword, &["elb"]),
    field("rule_priority", Integer, &["matched_rule_priority"]),
    field("error_reason", Keyword, &[]),
    field("actions", Keyword, &["actions_executed"]),
    field("message", Words, &["full_message", "short_message"]),
    field("level", Integer, &[]),
    field("source_host", Keyword, &[]),
    field("user_email", Text, &[]),
    field("api_method", Keyword, &[]),
    field("method_type", Keyword, &[]),
    field("controller", Keyword, &[]),
    field("payload", Words, &[]),
];

/// The known field that users call `name`, by our name or by one of a format.
pub fn known_field(name: &str) -> Option<&'static KnownField> {
    KNOWN_FIELDS.iter().find(|field| field.name == name || field.aliases.contains(&name))
}

/// Our name for what users call `name`; other names stay as they are.
pub fn canonical_name(name: &str) -> &str {
    known_field(name).map_or(name, |field| field.name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::Field;

    #[test]
    fn every_name_means_one_field() {
        let names = KNOWN_FIELDS.iter().flat_map(|field| field.aliases.iter().chain([&field.name]));
        let mut seen = HashSet::new();
        for name in names {
            assert!(seen.insert(name), "`{name}` is there twice");
        }
    }

    #[test]
    fn the_fields_of_a_request_are_known_under_the_same_names() {
        for field in Field::ALL {
            assert_eq!(canonical_name(field.name()), field.name());
            assert!(known_field(field.name()).is_some(), "{} has no column", field.name());
        }
    }
}
