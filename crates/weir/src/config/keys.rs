//! The names that a config may use, section by section.
//!
//! One table, so that the reader, the suggestions for a misspelt key and docs/config.md can't
//! disagree: the reader asks only for keys of this table (a test sets each to nonsense and wants an
//! error), and the reference is compared with it.

pub use super::notification_keys::{
    ALERTMANAGER, ALERTMANAGER_BASIC_AUTH, ALERTMANAGER_FILE, EMAIL_CONFIG, GLOBAL, HTTP_AUTHORIZATION,
    HTTP_BASIC_AUTH, HTTP_CONFIG, INHIBIT_RULE, NOTIFICATIONS, RECEIVER, ROUTE, TIME_INTERVAL,
    TIME_INTERVALS, TIME_RANGE, TLS_CONFIG, WEBHOOK_CONFIG,
};
use super::notification_keys::{hint_of_alertmanager, is_of_alertmanager};

/// The keys of one section.
#[derive(Debug)]
pub struct Section {
    /// Where the section stands, as in `sources[].name`; empty for the top of the file.
    pub path: &'static str,
    /// Its keys, in the order of the documentation.
    pub keys: &'static [&'static str],
}

/// The top of the file.
pub static ROOT: Section = Section {
    path: "",
    keys: &[
        "version",
        "data_dir",
        "http",
        "sources",
        "services",
        "unmatched_routes",
        "transforms",
        "redact",
        "metrics",
        "gateway",
        "es",
        "store",
        "slas",
        "alerts",
        "alerting",
        "notifications",
        "limits",
    ],
};

/// The HTTP endpoint.
pub static HTTP: Section = Section { path: "http", keys: &["listen", "auth", "external_url", "sessions"] };

/// How long people stay signed in.
pub static SESSIONS: Section = Section { path: "http.sessions", keys: &["max_idle", "max_age"] };

/// Who may use the HTTP endpoint, where it is not `none`.
pub static AUTH: Section = Section { path: "http.auth", keys: &["users"] };

/// One user.
pub static USER: Section =
    Section { path: "http.auth.users[]", keys: &["name", "password_file", "token_file", "roles"] };

/// One source.
pub static SOURCE: Section = Section {
    path: "sources[]",
    keys: &[
        "name",
        "type",
        "path",
        "sqs",
        "s3",
        "udp",
        "tcp",
        "tls",
        "allow",
        "receive_buffer",
        "url",
        "key",
        "channel",
        "password_file",
        "batch",
        "format",
        "lateness",
        "listener_rules",
        "listener_rules_api",
        "objects_retention",
        "keep",
        "exclude",
        "start_position",
        "multiline",
        "add_field",
        "tags",
        "set_type",
    ],
};

/// What connections are encrypted with.
pub static TLS: Section = Section { path: "sources[].tls", keys: &["cert_file", "key_file"] };

/// Events of several lines.
pub static MULTILINE: Section =
    Section { path: "sources[].multiline", keys: &["start", "timeout", "lines_max", "bytes_max"] };

/// How much is moved from a Redis list at once.
pub static REDIS_BATCH: Section = Section { path: "sources[].batch", keys: &["entries", "bytes"] };

/// What the messages of a source are, where a word does not say it.
pub static FORMAT: Section = Section { path: "sources[].format", keys: &["by", "map", "default"] };

/// Which records are kept, where a word does not say it.
pub static KEEP: Section = Section { path: "sources[].keep", keys: &["slow", "sample"] };

/// A queue with the notifications of a bucket.
pub static SQS: Section = Section {
    path: "sources[].sqs",
    keys: &[
        "queue_url",
        "visibility_timeout",
        "receives_max",
        "dead_letter_queue_url",
        "region",
        "endpoint_url",
        "path_style",
    ],
};

/// A bucket that is listed.
pub static S3: Section = Section {
    path: "sources[].s3",
    keys: &["bucket", "prefix", "poll", "region", "endpoint_url", "path_style"],
};

/// Listener rules that are asked from AWS.
pub static LISTENER_RULES_API: Section =
    Section { path: "sources[].listener_rules_api", keys: &["load_balancers", "refresh"] };

/// One service.
pub static SERVICE: Section = Section { path: "services[]", keys: &["name", "team", "match", "routes"] };

/// One step of shaping.
pub static TRANSFORM: Section = Section {
    path: "transforms[]",
    keys: &[
        "where",
        "parse_json",
        "target",
        "rename",
        "add_field",
        "add_tag",
        "remove_field",
        "redact",
        "drop",
        "sample",
    ],
};

/// What a step takes out of lines.
pub static TRANSFORM_REDACT: Section =
    Section { path: "transforms[].redact", keys: &["field", "params", "json_keys"] };

/// What is taken out of lines.
pub static REDACT: Section = Section { path: "redact[]", keys: &["field", "params", "json_keys", "where"] };

/// The metrics.
pub static METRICS: Section = Section {
    path: "metrics",
    keys: &[
        "max_series",
        "expire_after",
        "labels",
        "slots_retention",
        "external_labels",
        "remote_write",
        "counters",
        "histograms",
    ],
};

/// One server that minutes are written to.
pub static REMOTE_WRITE: Section = Section {
    path: "metrics.remote_write[]",
    keys: &[
        "url",
        "name",
        "sources",
        "out_of_order_time_window",
        "keep_on_metrics",
        "basic_auth",
        "bearer_token_file",
        "queue_bytes",
        "timeout",
    ],
};

/// How to log in there.
pub static BASIC_AUTH: Section =
    Section { path: "metrics.remote_write[].basic_auth", keys: &["username", "password_file"] };

/// A counter of the user's.
pub static COUNTER: Section =
    Section { path: "metrics.counters[]", keys: &["name", "help", "source", "where", "labels", "value"] };

/// A histogram of the user's.
pub static HISTOGRAM: Section = Section {
    path: "metrics.histograms[]",
    keys: &["name", "help", "source", "where", "labels", "value", "buckets"],
};

/// What is pushed.
pub static GATEWAY: Section =
    Section { path: "gateway", keys: &["url_labels", "status", "gauges", "cors_origins", "max_series"] };

/// What clients of Elasticsearch find.
pub static ES: Section = Section { path: "es", keys: &["listen", "version"] };

/// The records that are kept.
pub static STORE: Section =
    Section { path: "store", keys: &["retention", "max_disk", "min_free_disk", "keep_raw"] };

/// One promise.
pub static SLA: Section = Section {
    path: "slas[]",
    keys: &[
        "name",
        "service",
        "source",
        "by",
        "indicator",
        "objective",
        "time_window",
        "only",
        "overrides",
        "exclusions",
        "on_no_traffic",
        "alerting",
        "labels",
        "annotations",
    ],
};

/// What is measured.
pub static INDICATOR: Section = Section { path: "slas[].indicator", keys: &["latency", "ratio"] };

/// How long answers take.
pub static LATENCY: Section = Section { path: "slas[].indicator.latency", keys: &["threshold", "failures"] };

/// How many requests are bad.
pub static RATIO: Section = Section { path: "slas[].indicator.ratio", keys: &["bad"] };

/// The span of a promise, where it is a calendar's.
pub static TIME_WINDOW: Section = Section { path: "slas[].time_window", keys: &["calendar", "time_zone"] };

/// Instances that a promise is about.
pub static ONLY: Section = Section { path: "slas[].only[]", keys: &["route", "method"] };

/// What is promised otherwise.
pub static OVERRIDE: Section =
    Section { path: "slas[].overrides[]", keys: &["route", "method", "threshold", "objective"] };

/// What is left out of a promise.
pub static EXCLUSION: Section =
    Section { path: "slas[].exclusions[]", keys: &["name", "from", "to", "weekdays", "time_zone"] };

/// An alert of a promise.
pub static SLA_ALERT: Section = Section {
    path: "slas[].alerting[]",
    keys: &["name", "kind", "window", "burn_rates", "for", "keep_firing_for", "min_events", "severity"],
};

/// A speed at which a budget is spent.
pub static BURN_RATE: Section =
    Section { path: "slas[].alerting[].burn_rates[]", keys: &["long", "short", "factor", "severity"] };

/// An alert on any records.
pub static ALERT: Section = Section {
    path: "alerts[]",
    keys: &[
        "name",
        "kind",
        "query",
        "source",
        "by",
        "window",
        "above",
        "reference",
        "spike_height",
        "min_events",
        "below",
        "learning",
        "for",
        "keep_firing_for",
        "severity",
        "labels",
        "annotations",
    ],
};

/// What holds for all alerts.
pub static ALERTING: Section = Section { path: "alerting", keys: &["max_age"] };

/// The bounds.
pub static LIMITS: Section = Section {
    path: "limits",
    keys: &[
        "line_bytes",
        "unpacked_bytes",
        "push_bytes",
        "push_unpacked_bytes",
        "write_bytes",
        "write_unpacked_bytes",
        "rejects_bytes",
    ],
};

/// Every section, in the order of the documentation.
pub static SECTIONS: [&Section; 55] = [
    &ROOT,
    &HTTP,
    &AUTH,
    &SESSIONS,
    &USER,
    &SOURCE,
    &SQS,
    &S3,
    &TLS,
    &REDIS_BATCH,
    &LISTENER_RULES_API,
    &MULTILINE,
    &FORMAT,
    &KEEP,
    &SERVICE,
    &TRANSFORM,
    &TRANSFORM_REDACT,
    &REDACT,
    &METRICS,
    &REMOTE_WRITE,
    &BASIC_AUTH,
    &COUNTER,
    &HISTOGRAM,
    &GATEWAY,
    &ES,
    &STORE,
    &SLA,
    &INDICATOR,
    &LATENCY,
    &RATIO,
    &TIME_WINDOW,
    &ONLY,
    &OVERRIDE,
    &EXCLUSION,
    &SLA_ALERT,
    &BURN_RATE,
    &ALERT,
    &ALERTING,
    &NOTIFICATIONS,
    &GLOBAL,
    &TLS_CONFIG,
    &ROUTE,
    &RECEIVER,
    &EMAIL_CONFIG,
    &WEBHOOK_CONFIG,
    &HTTP_CONFIG,
    &HTTP_BASIC_AUTH,
    &HTTP_AUTHORIZATION,
    &INHIBIT_RULE,
    &TIME_INTERVALS,
    &TIME_INTERVAL,
    &TIME_RANGE,
    &ALERTMANAGER,
    &ALERTMANAGER_BASIC_AUTH,
    &LIMITS,
];

/// Longer words are not compared: a misspelt name is about as long as the name.
const COMPARED_CHARS_MAX: usize = 40;

/// How many names a word is compared with, so that a file full of mistakes is not quadratic.
const COMPARED_NAMES_MAX: usize = 100;

/// How many names a sentence lists.
const LISTED_NAMES_MAX: usize = 20;

impl Section {
    /// What to do about `key`, which is none of this section's.
    pub fn hint_for_unknown(&self, key: &str) -> String {
        if let Some(hint) = hint_of_alertmanager(self, key) {
            return hint.to_owned();
        }
        let homes: Vec<String> = SECTIONS
            .iter()
            // Half of all words are keys there; who writes elsewhere means something else.
            .filter(|section| !is_of_alertmanager(section) || is_of_alertmanager(self))
            .filter(|section| section.keys.contains(&key))
            .map(|section| section.description())
            .collect();
        if !homes.is_empty() {
            return format!("`{key}` belongs {}", homes.join(" or "));
        }
        did_you_mean(key, self.keys)
            .unwrap_or_else(|| format!("the keys here are {}", list(self.keys, "and")))
    }

    fn description(&self) -> String {
        match self.path.strip_suffix("[]") {
            Some(name) => format!("in an item of `{name}`"),
            None if self.path.is_empty() => "at the top of the file, not indented".to_owned(),
            None => format!("in `{}`", self.path),
        }
    }
}

/// ``did you mean `listen`?``, or `None` if no name is near `word`.
pub fn did_you_mean<'n, N: AsRef<str> + 'n>(
    word: &str,
    names: impl IntoIterator<Item = &'n N>,
) -> Option<String> {
    let word_chars = word.chars().count();
    if word_chars > COMPARED_CHARS_MAX {
        return None;
    }
    let word = word.to_lowercase();
    names
        .into_iter()
        .take(COMPARED_NAMES_MAX)
        .map(|name| (strsim::osa_distance(&word, &name.as_ref().to_lowercase()), name.as_ref()))
        .filter(|&(distance, _)| distance <= word_chars.max(3) / 3 && distance < word_chars)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| format!("did you mean `{name}`?"))
}

/// `` `a`, `b` and `c` ``, with `and` or `or` before the last; of a long list the beginning.
pub fn list<N: AsRef<str>>(names: &[N], conjunction: &str) -> String {
    let quoted: Vec<String> =
        names.iter().take(LISTED_NAMES_MAX).map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.split_last() {
        _ if names.len() > quoted.len() => {
            format!("{} {conjunction} {} more", quoted.join(", "), names.len() - quoted.len())
        }
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {conjunction} {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::service::match_names;

    const REFERENCE: &str = include_str!("../../../../docs/config.md");

    fn check(section: &Section, key: &str, hint: &str) {
        assert_eq!(section.hint_for_unknown(key), hint, "{key}");
    }

    #[test]
    fn a_near_name_is_suggested() {
        check(&HTTP, "lisen", "did you mean `listen`?");
        check(&HTTP, "Listen", "did you mean `listen`?");
        check(&METRICS, "max-series", "did you mean `max_series`?");
        check(&SOURCE, "paths", "did you mean `path`?");
    }

    #[test]
    fn a_key_of_another_section_is_sent_there() {
        check(&HTTP, "expire_after", "`expire_after` belongs in `metrics`");
        check(&HTTP, "max_series", "`max_series` belongs in `metrics` or in `gateway`");
        check(&SOURCE, "queue_url", "`queue_url` belongs in `sources[].sqs`");
        check(&SOURCE, "routes", "`routes` belongs in an item of `services`");
        check(&ROOT, "team", "`team` belongs in an item of `services`");
        check(&METRICS, "roles", "`roles` belongs in an item of `http.auth.users`");
        check(&SOURCE, "unmatched_routes", "`unmatched_routes` belongs at the top of the file, not indented");
    }

    #[test]
    fn a_strange_key_lists_those_there_are() {
        check(&HTTP, "colour", "the keys here are `listen`, `auth`, `external_url` and `sessions`");
        assert_eq!(did_you_mean("2", &["1"]), None);
        check(&BASIC_AUTH, &"x".repeat(1000), "the keys here are `username` and `password_file`");
    }

    #[test]
    fn a_list_of_names_reads_as_a_sentence_and_ends() {
        let many: Vec<String> = (0..22).map(|number| number.to_string()).collect();
        assert_eq!(list(&many[..1], "or"), "`0`");
        assert_eq!(list(&many[..3], "or"), "`0`, `1` or `2`");
        assert!(list(&many, "and").ends_with("`18`, `19` and 2 more"));
        assert_eq!(list::<&str>(&[], "or"), "");
    }

    #[test]
    fn the_reference_has_exactly_the_keys_that_there_are() {
        let first_cell = |line: &'static str| line.strip_prefix("| `")?.split_once('`').map(|(key, _)| key);
        let documented: Vec<&str> = REFERENCE.lines().filter_map(first_cell).collect();
        let path = |section: &Section, key: &str| {
            if section.path.is_empty() { key.to_owned() } else { format!("{}.{key}", section.path) }
        };
        for section in SECTIONS {
            for key in section.keys {
                assert!(
                    documented.contains(&path(section, key).as_str()),
                    "`{key}` is not in docs/config.md"
                );
            }
        }
        for documented in documented {
            let is_key = |section: &&Section| section.keys.iter().any(|key| path(section, key) == documented);
            assert!(SECTIONS.iter().any(is_key), "docs/config.md has `{documented}`, which is no key");
        }
    }

    #[test]
    fn the_reference_names_every_field_of_a_match() {
        for name in match_names() {
            assert!(REFERENCE.contains(&format!("`{name}`")), "`{name}` is not in docs/config.md");
        }
    }

    #[test]
    fn the_examples_of_the_reference_are_right() {
        let mut examples =
            REFERENCE.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).peekable();
        assert!(examples.peek().is_some());
        for example in examples {
            crate::config::parse("docs/config.md", example, &|_| None).unwrap();
        }
    }
}
