//! The shapes of what the page asks beside records: who is signed in, what was saved, done and sent.
//!
//! Apart from the others only for the length of the file; they are one list, and the same tests compare them with what
//! the handlers read and write.

use super::schemas::Schema;

/// As those of [`super::schemas`].
pub(super) const PAGE_SCHEMAS: &[Schema] = &[
    ("SignIn", &[("name", "string"), ("password", "string")]),
    (
        "SessionStatus",
        &[("name", "string?"), ("roles", "[string]"), ("is_open", "boolean"), ("version", "string?")],
    ),
    ("SearchText", &[("query", "string"), ("from", "string!"), ("to", "string!"), ("columns", "[string]!")]),
    ("SearchesAnswer", &[("searches", "[SavedSearch]"), ("searches_max", "integer")]),
    (
        "SavedSearch",
        &[
            ("name", "string"),
            ("query", "string"),
            ("from", "string?"),
            ("to", "string?"),
            ("columns", "[string]"),
            ("saved_by", "string?"),
            ("saved_at", "string"),
        ],
    ),
    ("AuditPage", &[("entries", "[AuditEntry]"), ("next", "integer?")]),
    (
        "AuditEntry",
        &[
            ("id", "integer"),
            ("at", "string"),
            ("user", "string?"),
            ("address", "string?"),
            ("action", "string"),
            ("target", "string"),
            ("outcome", "string?"),
            ("count", "integer"),
        ],
    ),
    (
        "ServerStatus",
        &[
            ("version", "string"),
            ("started_at", "string"),
            ("now", "string"),
            ("uptime_seconds", "number"),
            ("is_writable", "boolean"),
            ("listen", "string"),
            ("external_url", "string?"),
            ("data_dir", "string"),
            ("config_file", "string?"),
            ("config", "string?"),
            ("disk", "DiskStatus"),
            ("records", "RecordsStatus"),
            ("retention_seconds", "number"),
            ("series", "SeriesStatus"),
        ],
    ),
    (
        "DiskStatus",
        &[
            ("total_bytes", "integer?"),
            ("free_bytes", "integer?"),
            ("free_bytes_min", "integer"),
            ("store_bytes", "integer"),
            ("store_bytes_max", "integer?"),
            ("ledger_bytes", "integer"),
        ],
    ),
    (
        "RecordsStatus",
        &[("count", "integer"), ("oldest", "string?"), ("newest", "string?"), ("problems", "[string]")],
    ),
    (
        "SeriesStatus",
        &[
            ("used", "integer"),
            ("max", "integer"),
            ("by_family", "{integer}"),
            ("overflows", "{integer}"),
            ("pushed", "integer"),
            ("pushed_max", "integer"),
        ],
    ),
    (
        "NotificationsAnswer",
        &[
            ("receivers", "[ReceiverRow]"),
            ("due", "[DueRow]"),
            ("outbox", "[OutboxRow]"),
            ("log", "[SentRow]"),
        ],
    ),
    (
        "ReceiverRow",
        &[
            ("receiver", "string"),
            ("kind", "string"),
            ("to", "string"),
            ("sent", "integer"),
            ("failed", "integer"),
            ("waiting", "integer"),
            ("error", "string?"),
        ],
    ),
    (
        "DueRow",
        &[
            ("receiver", "string"),
            ("group", "string"),
            ("next_at", "string"),
            ("told_at", "string?"),
            ("repeat_after", "string?"),
            ("is_muted", "boolean"),
            ("reason", "string"),
            ("alerts", "[DueAlert]"),
        ],
    ),
    ("DueAlert", &[("fingerprint", "string"), ("name", "string"), ("state", "string")]),
    (
        "OutboxRow",
        &[
            ("id", "integer"),
            ("receiver", "string"),
            ("kind", "string"),
            ("to", "string"),
            ("title", "string"),
            ("waits_since", "string"),
            ("is_being_sent", "boolean"),
            ("error", "string?"),
        ],
    ),
    (
        "SentRow",
        &[
            ("id", "integer"),
            ("at", "string"),
            ("receiver", "string"),
            ("kind", "string"),
            ("to", "string"),
            ("title", "string"),
            ("outcome", "string"),
            ("error", "string?"),
        ],
    ),
];
