//! The shapes of bodies and answers, as names and types.
//!
//! Only as much of JSON Schema as says what a member is; the tests compare the members with those of the shapes
//! that the handlers read and write.

use serde_json::{Map, Value, json};

use super::page_schemas::PAGE_SCHEMAS;

/// A shape's name, and its members with their types.
pub(super) type Schema = (&'static str, &'static [(&'static str, &'static str)]);

/// Members and their types: `string`, `integer`, `number`, `boolean`, `object`, `any`, the name of a shape;
/// `[x]` is a list, `{x}` has any names, `x?` may be null or missing, `x!` may be missing.
const SCHEMAS: &[Schema] = &[
    ("SlasAnswer", &[("slas", "[SlaStatus]")]),
    (
        "SlaStatus",
        &[
            ("sla", "string"),
            ("service", "string"),
            ("source", "string"),
            ("route", "string"),
            ("method", "string"),
            ("promise", "string"),
            ("objective", "number"),
            ("state", "string"),
            ("from", "string"),
            ("to", "string?"),
            ("good", "integer"),
            ("bad", "integer"),
            ("bad_query", "string"),
            ("good_share", "number?"),
            ("budget", "SlaBudget"),
            ("burn_rates", "{number}"),
            ("coverage", "number"),
            ("days", "[SlaDay]"),
        ],
    ),
    ("SlaBudget", &[("allowed", "number"), ("spent", "integer"), ("left_share", "number?")]),
    ("SlaDay", &[("from", "string"), ("good", "integer"), ("bad", "integer")]),
    ("AlertsAnswer", &[("alerts", "[AlertRow]"), ("history", "[AlertChange]")]),
    (
        "AlertRow",
        &[
            ("fingerprint", "string"),
            ("labels", "{string}"),
            ("annotations", "{string}"),
            ("state", "string"),
            ("active_at", "string"),
            ("fired_at", "string?"),
            ("resolved_at", "string?"),
            ("bad", "integer"),
            ("total", "integer"),
            ("value", "number?"),
            ("is_history", "boolean"),
            ("explanation", "string"),
            ("query", "string"),
            ("from", "string"),
            ("to", "string"),
        ],
    ),
    (
        "AlertChange",
        &[
            ("at", "string"),
            ("fingerprint", "string"),
            ("labels", "{string}"),
            ("from", "string"),
            ("to", "string"),
            ("bad", "integer"),
            ("total", "integer"),
            ("is_history", "boolean"),
        ],
    ),
    (
        "ShownAlert",
        &[
            ("annotations", "{string}"),
            ("endsAt", "string"),
            ("fingerprint", "string"),
            ("receivers", "[AlertReceiver]"),
            ("startsAt", "string"),
            ("status", "AlertStatus"),
            ("updatedAt", "string"),
            ("generatorURL", "string"),
            ("labels", "{string}"),
            ("explanation", "string"),
        ],
    ),
    ("AlertReceiver", &[("name", "string")]),
    (
        "AlertStatus",
        &[
            ("inhibitedBy", "[string]"),
            ("silencedBy", "[string]"),
            ("mutedBy", "[string]"),
            ("state", "string"),
        ],
    ),
    (
        "ShownSilence",
        &[
            ("id", "string"),
            ("status", "SilenceStatus"),
            ("updatedAt", "string"),
            ("comment", "string"),
            ("createdBy", "string"),
            ("endsAt", "string"),
            ("matchers", "[SilenceMatcher]"),
            ("startsAt", "string"),
        ],
    ),
    ("SilenceStatus", &[("state", "string")]),
    (
        "SilenceMatcher",
        &[("name", "string"), ("value", "string"), ("isRegex", "boolean"), ("isEqual", "boolean!")],
    ),
    (
        "PostableSilence",
        &[
            ("id", "string!"),
            ("matchers", "[SilenceMatcher]"),
            ("startsAt", "string"),
            ("endsAt", "string"),
            ("createdBy", "string"),
            ("comment", "string"),
        ],
    ),
    ("SilenceId", &[("silenceID", "string")]),
    (
        "AlertingStatus",
        &[
            ("cluster", "ClusterStatus"),
            ("versionInfo", "AlertingVersion"),
            ("config", "ConfigText"),
            ("uptime", "string"),
            ("notificationsFailed", "{integer}"),
            ("notificationsWaiting", "{integer}"),
            ("notificationsErrors", "{string}"),
        ],
    ),
    ("ClusterStatus", &[("status", "string")]),
    (
        "AlertingVersion",
        &[
            ("version", "string"),
            ("revision", "string"),
            ("branch", "string"),
            ("buildUser", "string"),
            ("buildDate", "string"),
            ("goVersion", "string"),
        ],
    ),
    ("ConfigText", &[("original", "string")]),
    ("Hit", &[("_id", "string"), ("@timestamp", "string")]),
    (
        "SearchAnswer",
        &[
            ("hits", "[Hit]"),
            ("total", "integer?"),
            ("cursor", "string?"),
            ("complete_to", "string?"),
            ("took_ms", "integer"),
            ("warnings", "[string]"),
            ("is_partial", "boolean"),
        ],
    ),
    (
        "AggregateRequest",
        &[
            ("query", "string?"),
            ("from", "string?"),
            ("to", "string?"),
            ("tz", "string?"),
            ("group_by", "[GroupKey]?"),
            ("metrics", "{MetricKind}?"),
            ("order", "string?"),
            ("limit", "integer?"),
        ],
    ),
    ("GroupField", &[("field", "string"), ("interval", "string?")]),
    // Exactly one of them.
    (
        "MetricKind",
        &[
            ("count", "NoField!"),
            ("percentile", "PercentileOf!"),
            ("avg", "OfField!"),
            ("sum", "OfField!"),
            ("min", "OfField!"),
            ("max", "OfField!"),
            ("cardinality", "OfField!"),
        ],
    ),
    ("NoField", &[]),
    ("OfField", &[("field", "string")]),
    ("PercentileOf", &[("field", "string"), ("p", "number")]),
    (
        "AggregateAnswer",
        &[
            ("rows", "[object]"),
            ("is_exact", "boolean"),
            ("error_bound", "number"),
            ("is_cut", "boolean"),
            ("complete_to", "string?"),
            ("took_ms", "integer"),
            ("warnings", "[string]"),
            ("is_partial", "boolean"),
        ],
    ),
    (
        "FieldsAnswer",
        &[
            ("fields", "[FieldRow]"),
            ("complete_to", "string?"),
            ("took_ms", "integer"),
            ("warnings", "[string]"),
            ("is_partial", "boolean"),
        ],
    ),
    (
        "FieldRow",
        &[
            ("name", "string"),
            ("kind", "string"),
            ("count", "integer"),
            ("distinct", "integer"),
            ("top", "[ValueCount]"),
        ],
    ),
    ("ValueCount", &[("value", "any"), ("count", "integer")]),
    (
        "StoryAnswer",
        &[
            ("hits", "[Hit]"),
            ("ids", "[string]"),
            ("is_cut", "boolean"),
            ("complete_to", "string?"),
            ("took_ms", "integer"),
            ("warnings", "[string]"),
            ("is_partial", "boolean"),
        ],
    ),
    (
        "ContextAnswer",
        &[
            ("hits", "[Hit]"),
            ("position", "integer"),
            ("complete_to", "string?"),
            ("took_ms", "integer"),
            ("warnings", "[string]"),
        ],
    ),
    (
        "LineAnswer",
        &[("line", "string?"), ("is_kept", "boolean"), ("origin", "string"), ("why_not", "string?")],
    ),
    ("DeleteRequest", &[("query", "string"), ("from", "string"), ("to", "string"), ("dry_run", "boolean")]),
    (
        "DeleteAnswer",
        &[
            ("records", "integer"),
            ("files_rewritten", "integer"),
            ("bytes_freed", "integer"),
            ("is_dry_run", "boolean"),
            ("not_covered", "[string]"),
            ("rejects", "[RejectRow]"),
            ("rejects_are_cut", "boolean"),
            ("took_ms", "integer"),
        ],
    ),
    (
        "RoutesAnswer",
        &[
            ("routes", "[RouteRow]"),
            ("complete_to", "string?"),
            ("percentiles", "Percentiles"),
            ("warnings", "[string]"),
            ("is_partial", "boolean"),
        ],
    ),
    ("Percentiles", &[("is_exact", "boolean"), ("error_bound", "number?")]),
    (
        "RouteRow",
        &[
            ("source", "string"),
            ("service", "string"),
            ("route", "string"),
            ("method", "string"),
            ("count", "integer"),
            ("rate", "number"),
            ("error_ratio", "number"),
            ("avg", "number?"),
            ("p50", "number?"),
            ("p95", "number?"),
            ("p99", "number?"),
        ],
    ),
    (
        "SourcesStatus",
        &[
            ("sources", "[SourceStatus]"),
            ("complete_to", "string?"),
            ("rejects_kept", "integer"),
            ("rejects_kept_bytes", "integer"),
        ],
    ),
    (
        "SourceStatus",
        &[
            ("name", "string"),
            ("kind", "string"),
            ("received", "integer"),
            ("stored", "integer"),
            ("rejected", "object"),
            ("dropped", "object"),
            ("datagrams", "DatagramsStatus?"),
            ("rejects_not_kept", "integer"),
            ("replayed", "integer"),
            ("late", "integer"),
            ("implausible", "integer"),
            ("objects", "integer"),
            ("duplicates", "integer"),
            ("skipped", "object"),
            ("failed", "object"),
            ("given_up", "object"),
            ("last_record", "string?"),
            ("complete_to", "string?"),
            ("lag_seconds", "number?"),
            ("nodes", "[NodeStatus]"),
            ("first_unpublished", "string?"),
        ],
    ),
    ("DatagramsStatus", &[("read", "integer"), ("dropped", "object")]),
    (
        "NodeStatus",
        &[("node", "string"), ("interval_end", "string"), ("heard_at", "string"), ("is_silent", "boolean")],
    ),
    ("RejectsPage", &[("rejects", "[RejectRow]"), ("next", "integer?"), ("kept", "integer")]),
    (
        "RejectRow",
        &[
            ("id", "integer"),
            ("source", "string"),
            ("origin", "string"),
            ("line", "integer"),
            ("column", "integer"),
            ("reason", "string"),
            ("received_at", "string"),
            ("bytes", "integer"),
            ("is_cut", "boolean"),
            ("preview", "string"),
        ],
    ),
    (
        "RejectDetail",
        &[
            ("id", "integer"),
            ("source", "string"),
            ("origin", "string"),
            ("line", "integer"),
            ("column", "integer"),
            ("reason", "string"),
            ("received_at", "string"),
            ("bytes", "integer"),
            ("is_cut", "boolean"),
            ("preview", "string"),
            ("text", "string"),
            ("base64", "string"),
        ],
    ),
    (
        "ReplayRequest",
        &[("ids", "[integer]?"), ("source", "string?"), ("reason", "string?"), ("text", "string?")],
    ),
    (
        "BacktestRequest",
        &[
            ("config", "string"),
            ("file_name", "string?"),
            ("variables", "{string}?"),
            ("alertmanager", "string?"),
            ("sla", "string?"),
            ("alert", "string?"),
            ("from", "string?"),
            ("to", "string?"),
            ("pages_per_month", "string?"),
        ],
    ),
    (
        "BacktestAnswer",
        &[
            ("from", "string"),
            ("to", "string"),
            ("rows", "[BacktestRow]"),
            ("firings", "[BacktestFiring]"),
            ("firings_total", "integer"),
            ("firing_minutes", "integer"),
            ("changes", "[AlertChange]"),
            ("mails", "BacktestMails"),
            ("suggestion", "BacktestSuggestion?"),
            ("warnings", "[string]"),
            ("took_ms", "integer"),
        ],
    ),
    (
        "BacktestRow",
        &[
            ("kind", "string"),
            ("name", "string"),
            ("data", "[BacktestData]"),
            ("good", "integer"),
            ("bad", "integer"),
            ("good_share", "number?"),
            ("objective", "number?"),
            ("budget", "SlaBudget?"),
            ("firings", "integer"),
            ("firing_minutes", "integer"),
            ("steps", "[BacktestStep]"),
            ("step_minutes", "integer"),
        ],
    ),
    ("BacktestData", &[("data", "string"), ("from", "string"), ("to", "string")]),
    (
        "BacktestStep",
        &[("from", "string"), ("good", "integer"), ("bad", "integer"), ("good_share", "number?")],
    ),
    (
        "BacktestFiring",
        &[
            ("labels", "{string}"),
            ("annotations", "{string}"),
            ("active_at", "string"),
            ("fired_at", "string"),
            ("resolved_at", "string?"),
            ("minutes", "integer"),
            ("bad", "integer"),
            ("total", "integer"),
        ],
    ),
    (
        "BacktestMails",
        &[("total", "integer"), ("receivers", "[BacktestReceiver]"), ("messages", "[BacktestMessage]")],
    ),
    ("BacktestReceiver", &[("receiver", "string"), ("kind", "string"), ("messages", "integer")]),
    (
        "BacktestMessage",
        &[
            ("at", "string"),
            ("receiver", "string"),
            ("kind", "string"),
            ("firing", "integer"),
            ("resolved", "integer"),
            ("title", "string"),
            ("reason", "string"),
        ],
    ),
    (
        "BacktestSuggestion",
        &[
            ("setting", "string"),
            ("value", "string"),
            ("pages_per_month", "number"),
            ("pages_per_month_now", "number"),
        ],
    ),
    ("ReloadAnswer", &[("reloaded", "[string]"), ("needs_restart", "[string]")]),
    (
        "ReplayResult",
        &[
            ("replayed", "integer"),
            ("records", "integer"),
            ("still_rejected", "integer"),
            ("problems", "[ReplayProblem]"),
            ("problems_left_out", "integer"),
        ],
    ),
    ("ReplayProblem", &[("id", "integer"), ("error", "string")]),
    (
        "BackfillRequest",
        &[
            ("url", "string"),
            ("from", "string?"),
            ("to", "string?"),
            ("counters", "boolean"),
            ("source", "string?"),
        ],
    ),
    (
        "WriteAnswer",
        &[
            ("received", "integer"),
            ("rejected", "integer"),
            ("rejects", "[WriteReject]"),
            ("is_duplicate", "boolean"),
        ],
    ),
    ("WriteReject", &[("line", "integer"), ("reason", "string"), ("error", "string")]),
    (
        "Problem",
        &[
            ("error", "string"),
            ("code", "string"),
            ("hint", "string"),
            ("line", "integer?"),
            ("column", "integer?"),
        ],
    ),
    ("Document", &[]),
];

/// All shapes by name.
pub(super) fn components() -> Value {
    let schema = |(name, members): &Schema| {
        let properties: Map<String, Value> =
            members.iter().map(|(name, kind)| ((*name).to_owned(), of_kind(kind))).collect();
        let required = members.iter().filter(|(_, kind)| !kind.ends_with(['?', '!'])).map(|(name, _)| *name);
        let schema = json!({
            "type": "object",
            "properties": properties,
            "required": required.collect::<Vec<_>>(),
        });
        ((*name).to_owned(), schema)
    };
    Value::Object(all().map(schema).collect())
}

/// All shapes.
pub(super) fn all() -> impl Iterator<Item = &'static Schema> {
    SCHEMAS.iter().chain(PAGE_SCHEMAS)
}

/// The shape of that name, by reference.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn of_kind(kind: &str) -> Value {
    if let Some(kind) = kind.strip_suffix('?') {
        return json!({"anyOf": [of_kind(kind), {"type": "null"}]});
    }
    if let Some(kind) = kind.strip_suffix('!') {
        return of_kind(kind);
    }
    if let Some(kind) = kind.strip_prefix('{').and_then(|kind| kind.strip_suffix('}')) {
        return json!({"type": "object", "additionalProperties": of_kind(kind)});
    }
    if let Some(kind) = kind.strip_prefix('[').and_then(|kind| kind.strip_suffix(']')) {
        return json!({"type": "array", "items": of_kind(kind)});
    }
    match kind {
        "any" => json!({}),
        // A field's name, or more about it.
        "GroupKey" => json!({"anyOf": [{"type": "string"}, reference("GroupField")]}),
        "string" | "integer" | "number" | "boolean" | "object" => json!({"type": kind}),
        name => reference(name),
    }
}
