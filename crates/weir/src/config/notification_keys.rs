//! The names of `notifications` in the config, which are Alertmanager's.
//!
//! Beside the others because what is missing here is not misspelt: it is something that an Alertmanager does and
//! weir does not, and the hint must say what to do instead.

use super::keys::Section;

/// Who is told of alerts; but for the keys of [`ALERTMANAGER_FILE`] our own.
pub static NOTIFICATIONS: Section = Section {
    path: "notifications",
    keys: &[
        "file",
        "global",
        "route",
        "receivers",
        "inhibit_rules",
        "time_intervals",
        "mute_time_intervals",
        "alertmanagers",
        "max_per_hour",
        "personal_data",
        "webhook_secret_file",
    ],
};

/// The top of an `alertmanager.yml`.
pub static ALERTMANAGER_FILE: Section = Section {
    path: "",
    keys: &["global", "route", "receivers", "inhibit_rules", "time_intervals", "mute_time_intervals"],
};

/// What holds for all receivers.
pub static GLOBAL: Section = Section {
    path: "notifications.global",
    keys: &[
        "smtp_smarthost",
        "smtp_from",
        "smtp_hello",
        "smtp_auth_username",
        "smtp_auth_password",
        "smtp_auth_password_file",
        "smtp_require_tls",
        "smtp_tls_config",
        "resolve_timeout",
    ],
};

/// How mail is kept from being read on its way.
pub static TLS_CONFIG: Section = Section {
    path: "notifications.global.smtp_tls_config",
    keys: &["ca_file", "server_name", "insecure_skip_verify"],
};

/// A route, and each below it.
pub static ROUTE: Section = Section {
    path: "notifications.route",
    keys: &[
        "receiver",
        "matchers",
        "match",
        "match_re",
        "group_by",
        "group_wait",
        "group_interval",
        "repeat_interval",
        "continue",
        "mute_time_intervals",
        "active_time_intervals",
        "routes",
    ],
};

/// Who can be told.
pub static RECEIVER: Section =
    Section { path: "notifications.receivers[]", keys: &["name", "email_configs", "webhook_configs"] };

/// By mail.
pub static EMAIL_CONFIG: Section = Section {
    path: "notifications.receivers[].email_configs[]",
    keys: &[
        "to",
        "from",
        "smarthost",
        "hello",
        "auth_username",
        "auth_password",
        "auth_password_file",
        "require_tls",
        "tls_config",
        "headers",
        "send_resolved",
    ],
};

/// By webhook.
pub static WEBHOOK_CONFIG: Section = Section {
    path: "notifications.receivers[].webhook_configs[]",
    keys: &["url", "url_file", "send_resolved", "max_alerts", "timeout", "http_config"],
};

/// How a webhook is logged in at.
pub static HTTP_CONFIG: Section = Section {
    path: "notifications.receivers[].webhook_configs[].http_config",
    keys: &["basic_auth", "authorization", "bearer_token", "bearer_token_file"],
};

/// By name and password.
pub static HTTP_BASIC_AUTH: Section = Section {
    path: "notifications.receivers[].webhook_configs[].http_config.basic_auth",
    keys: &["username", "password", "password_file"],
};

/// By token.
pub static HTTP_AUTHORIZATION: Section = Section {
    path: "notifications.receivers[].webhook_configs[].http_config.authorization",
    keys: &["type", "credentials", "credentials_file"],
};

/// Which alerts keep which quiet.
pub static INHIBIT_RULE: Section = Section {
    path: "notifications.inhibit_rules[]",
    keys: &[
        "source_matchers",
        "source_match",
        "source_match_re",
        "target_matchers",
        "target_match",
        "target_match_re",
        "equal",
    ],
};

/// A named interval.
pub static TIME_INTERVALS: Section =
    Section { path: "notifications.time_intervals[]", keys: &["name", "time_intervals"] };

/// A span of one.
pub static TIME_INTERVAL: Section = Section {
    path: "notifications.time_intervals[].time_intervals[]",
    keys: &["times", "weekdays", "days_of_month", "months", "years", "location"],
};

/// A span of the day.
pub static TIME_RANGE: Section = Section {
    path: "notifications.time_intervals[].time_intervals[].times[]",
    keys: &["start_time", "end_time"],
};

/// An Alertmanager that alerts are handed over to.
pub static ALERTMANAGER: Section = Section {
    path: "notifications.alertmanagers[]",
    keys: &["urls", "basic_auth", "bearer_token_file", "timeout"],
};

/// How to log in there.
pub static ALERTMANAGER_BASIC_AUTH: Section =
    Section { path: "notifications.alertmanagers[].basic_auth", keys: &["username", "password_file"] };

/// What to do about keys of Alertmanager's that weir does not have.
const HAND_OVER: &str = "weir sends mail and webhooks; for others hand alerts over to a real Alertmanager: \
    `notifications: {alertmanagers: [{urls: [\"http://127.0.0.1:9093\"]}]}`";
const OWN_MAIL: &str = "weir writes its own mail, text and HTML; remove it, or hand alerts over to a real \
    Alertmanager with `alertmanagers`";
const ALERTMANAGER_ONLY: [(&str, &str); 16] = [
    ("*_configs", HAND_OVER),
    ("slack_*", HAND_OVER),
    ("pagerduty_*", HAND_OVER),
    ("opsgenie_*", HAND_OVER),
    ("victorops_*", HAND_OVER),
    ("telegram_*", HAND_OVER),
    ("wechat_*", HAND_OVER),
    ("webex_*", HAND_OVER),
    ("http_config", HAND_OVER),
    ("templates", OWN_MAIL),
    ("html", OWN_MAIL),
    ("text", OWN_MAIL),
    ("threading", "mails of one incident are a thread always; remove it"),
    ("force_implicit_tls", "port 465 means TLS from the first byte on, any other STARTTLS"),
    ("auth_secret", "a login is PLAIN or LOGIN, with `auth_password_file`"),
    ("auth_identity", "a login has a name and a password, without another identity"),
];

/// What to do about `key` in `section`, where it is one of Alertmanager's that weir does not have.
pub fn hint_of_alertmanager(section: &Section, key: &str) -> Option<&'static str> {
    let found = ALERTMANAGER_ONLY.iter().find(|(pattern, _)| is_of_pattern(key, pattern));
    found.filter(|_| is_of_alertmanager(section)).map(|(_, hint)| *hint)
}

fn is_of_pattern(key: &str, pattern: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => key.ends_with(end),
        (_, Some(start)) => key.starts_with(start),
        _ => key == pattern,
    }
}

/// Whether a section is in the words of Alertmanager.
pub fn is_of_alertmanager(section: &Section) -> bool {
    section.path.starts_with("notifications") || std::ptr::eq(section, &raw const ALERTMANAGER_FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(section: &Section, key: &str, hint: &str) {
        assert_eq!(section.hint_for_unknown(key), hint, "{key}");
    }

    #[test]
    fn what_only_alertmanager_sends_is_handed_over() {
        check(&RECEIVER, "slack_configs", HAND_OVER);
        check(&GLOBAL, "slack_api_url", HAND_OVER);
        check(&ALERTMANAGER_FILE, "templates", OWN_MAIL);
        check(&EMAIL_CONFIG, "html", OWN_MAIL);
        check(&EMAIL_CONFIG, "smart_host", "did you mean `smarthost`?");
    }
}
