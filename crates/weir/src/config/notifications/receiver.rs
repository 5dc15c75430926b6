//! `receivers` and what `global` says for all of them: mail and webhooks.
//!
//! What `global` says is put into each receiver while reading, so that whoever sends needs one value and not two; the
//! price is that it is copied.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use weir_ship::notify::{TlsMode, is_address};

use super::super::error::ConfigError;
use super::super::keys;
use super::super::reader::{Field, Fields, quoted};
use super::super::web_address::WebAddress;
use super::{Secret, TIMEOUT_RANGE, read_secret};

/// Receivers, and addresses of one.
const RECEIVERS_MAX: usize = 1000;

/// Headers that weir writes, in lower case: the thread, the list and the parts would fall apart.
const OWN_HEADERS: [&str; 14] = [
    "from",
    "to",
    "cc",
    "bcc",
    "date",
    "subject",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "auto-submitted",
    "list-id",
];

/// Who can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// What routes call it.
    pub name: String,
    /// By mail.
    pub emails: Vec<Email>,
    /// By webhook.
    pub webhooks: Vec<Webhook>,
}

/// Told by mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// To whom; at least one.
    pub to: Vec<String>,
    /// From whom.
    pub from: String,
    /// The server that takes it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What we call ourselves there.
    pub hello: String,
    /// How to log in there.
    pub login: Option<SmtpLogin>,
    /// How the connection is kept from being read.
    pub tls: TlsMode,
    /// Certificates that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// The name in the certificate, where it is not that of the host.
    pub server_name: Option<String>,
    /// Whether any certificate will do.
    pub takes_any_certificate: bool,
    /// Headers to add.
    pub headers: Vec<(String, String)>,
    /// Whether it wants to hear of what is resolved.
    pub send_resolved: bool,
}

/// How to log in at a mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpLogin {
    /// The user.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// Told by webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The address; it may hold a secret.
    pub url: Secret,
    /// How to log in.
    pub login: WebhookLogin,
    /// Alerts of one request; 0 is all.
    pub alerts_max: usize,
    /// How long one request may take.
    pub timeout: Duration,
    /// Whether it wants to hear of what is resolved.
    pub send_resolved: bool,
}

/// How to log in at a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookLogin {
    /// Not at all.
    None,
    /// By name and password.
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: Secret,
    },
    /// By token.
    Bearer(Secret),
}

/// What `global` says for all receivers.
#[derive(Default)]
pub(super) struct Global {
    from: Option<String>,
    smarthost: Option<(String, u16)>,
    hello: Option<String>,
    username: Option<String>,
    password: Option<Secret>,
    require_tls: Option<bool>,
    tls: TlsConfig,
}

#[derive(Clone, Default)]
struct TlsConfig {
    ca_file: Option<PathBuf>,
    server_name: Option<String>,
    takes_any_certificate: bool,
}

/// Reads the section.
pub(super) fn read_global(field: Field, errors: &mut Vec<ConfigError>) -> Global {
    let Some(fields) = field.fields(&keys::GLOBAL, errors) else { return Global::default() };
    if let Some(timeout) = fields.get("resolve_timeout") {
        timeout.duration("5m", (Duration::ZERO, Duration::from_secs(365 * 86_400)), errors);
    }
    let mut text = |key| fields.get(key).and_then(|field| field.text(errors)).map(str::to_owned);
    let (hello, username) = (text("smtp_hello"), text("smtp_auth_username"));
    Global {
        from: fields.get("smtp_from").and_then(|field| read_address(field, errors)),
        smarthost: fields.get("smtp_smarthost").and_then(|field| read_smarthost(field, errors)),
        hello,
        username,
        password: read_secret(&fields, ("smtp_auth_password", "smtp_auth_password_file"), errors),
        require_tls: fields.get("smtp_require_tls").and_then(|field| field.boolean(errors)),
        tls: fields.get("smtp_tls_config").map(|field| read_tls(field, errors)).unwrap_or_default(),
    }
}

/// Reads the list.
pub(super) fn read_all(field: Field, global: &Global, errors: &mut Vec<ConfigError>) -> Vec<Receiver> {
    let mut receivers = Vec::new();
    let mut names = BTreeSet::new();
    for item in field.some_items("a list of receivers", RECEIVERS_MAX, errors) {
        let Some(fields) = item.fields(&keys::RECEIVER, errors) else { continue };
        let name = fields.require("name", errors).and_then(|field| field.text(errors));
        let emails =
            read_list(&fields, "email_configs", errors, |field, errors| read_email(field, global, errors));
        let webhooks = read_list(&fields, "webhook_configs", errors, read_webhook);
        let Some(name) = name else { continue };
        if !names.insert(name) {
            errors.push(ConfigError::new(
                item.position(),
                format!("a second receiver is named {}", quoted(name)),
            ));
        }
        receivers.push(Receiver { name: name.to_owned(), emails, webhooks });
    }
    receivers
}

fn read_list<T>(
    fields: &Fields,
    key: &'static str,
    errors: &mut Vec<ConfigError>,
    mut read: impl FnMut(Field, &mut Vec<ConfigError>) -> Option<T>,
) -> Vec<T> {
    let Some(field) = fields.get(key) else { return Vec::new() };
    let items = field.items_at_most("a list", RECEIVERS_MAX, errors);
    items.into_iter().filter_map(|item| read(item, errors)).collect()
}

fn read_email(field: Field, global: &Global, errors: &mut Vec<ConfigError>) -> Option<Email> {
    let fields = field.fields(&keys::EMAIL_CONFIG, errors)?;
    let to = fields.require("to", errors).and_then(|field| {
        field.parse("one or more mail addresses", errors, |text| {
            let all: Vec<String> = split_addresses(text);
            match all.iter().find(|one| !is_address(one)) {
                Some(wrong) => Err(format!("{} is no mail address", quoted(wrong))),
                None => Ok(all),
            }
        })
    });
    let from =
        fields.get("from").and_then(|field| read_address(field, errors)).or_else(|| global.from.clone());
    let smarthost = fields.get("smarthost").and_then(|field| read_smarthost(field, errors));
    let smarthost = smarthost.or_else(|| global.smarthost.clone());
    for (is_missing, key, global_key) in
        [(from.is_none(), "from", "smtp_from"), (smarthost.is_none(), "smarthost", "smtp_smarthost")]
    {
        if is_missing && fields.get(key).is_none() {
            let message = format!("`{key}` is missing, here and as `{global_key}` in `global`");
            errors.push(ConfigError::new(fields.position, message));
        }
    }
    let mut text = |key| fields.get(key).and_then(|field| field.text(errors)).map(str::to_owned);
    let (hello, username) = (text("hello"), text("auth_username"));
    let username = username.or_else(|| global.username.clone());
    let password = read_secret(&fields, ("auth_password", "auth_password_file"), errors);
    let password = password.or_else(|| global.password.clone());
    if username.is_some() != password.is_some() {
        let error =
            ConfigError::new(fields.position, "a login needs both `auth_username` and `auth_password_file`");
        errors.push(
            error.with_hint(
                "they may stand in `global` as `smtp_auth_username` and `smtp_auth_password_file`",
            ),
        );
    }
    let require_tls =
        fields.get("require_tls").and_then(|field| field.boolean(errors)).or(global.require_tls);
    let tls =
        fields.get("tls_config").map(|field| read_tls(field, errors)).unwrap_or_else(|| global.tls.clone());
    let headers = fields.get("headers").map(|field| read_headers(field, errors)).unwrap_or_default();
    let send_resolved = fields.get("send_resolved").and_then(|field| field.boolean(errors)).unwrap_or(false);
    let (host, port) = smarthost?;
    let mode = match (port, require_tls.unwrap_or(true)) {
        // As in Alertmanager: the port says it.
        (465, _) => TlsMode::Implicit,
        (_, true) => TlsMode::StartTls,
        (_, false) => TlsMode::None,
    };
    Some(Email {
        to: to?,
        from: from?,
        host,
        port,
        hello: hello.or_else(|| global.hello.clone()).unwrap_or_else(|| "localhost".to_owned()),
        login: username.zip(password).map(|(username, password)| SmtpLogin { username, password }),
        tls: mode,
        ca_file: tls.ca_file,
        server_name: tls.server_name,
        takes_any_certificate: tls.takes_any_certificate,
        headers,
        send_resolved,
    })
}

/// Addresses at commas; those in quotes are part of a name.
fn split_addresses(text: &str) -> Vec<String> {
    let mut is_quoted = false;
    let at_comma = |c: char| {
        is_quoted ^= c == '"';
        c == ',' && !is_quoted
    };
    text.split(at_comma).map(|one| one.trim().to_owned()).collect()
}

fn read_address(field: Field, errors: &mut Vec<ConfigError>) -> Option<String> {
    field.parse("a mail address such as weir@example.com", errors, |text| {
        if is_address(text) {
            Ok(text.to_owned())
        } else {
            Err("write it as weir@example.com or Weir <weir@example.com>")
        }
    })
}

fn read_smarthost(field: Field, errors: &mut Vec<ConfigError>) -> Option<(String, u16)> {
    field.parse("a mail server such as mail.example.com:587", errors, |text| {
        let split = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        let strip = |host: &str| host.trim_start_matches('[').trim_end_matches(']').to_owned();
        match split.filter(|(host, port)| !host.is_empty() && *port > 0 && !host.contains(['/', ' '])) {
            Some((host, port)) => Ok((strip(host), port)),
            None => Err("write its name and port: 587 for STARTTLS, 465 for TLS, 25 for a relay"),
        }
    })
}

fn read_tls(field: Field, errors: &mut Vec<ConfigError>) -> TlsConfig {
    let Some(fields) = field.fields(&keys::TLS_CONFIG, errors) else { return TlsConfig::default() };
    TlsConfig {
        ca_file: fields.get("ca_file").and_then(|field| field.file_path(errors)),
        server_name: fields.get("server_name").and_then(|field| field.text(errors)).map(str::to_owned),
        takes_any_certificate: fields
            .get("insecure_skip_verify")
            .and_then(|field| field.boolean(errors))
            .unwrap_or(false),
    }
}

fn read_headers(field: Field, errors: &mut Vec<ConfigError>) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for entry in field.entries("headers and their values", errors).unwrap_or_default() {
        let name = entry.key;
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_name = name.split('-').all(is_word);
        if !is_name || OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            let error = ConfigError::new(entry.key_position, format!("{} can't be set here", quoted(name)));
            errors.push(
                error.with_hint(
                    "weir writes subject, thread, list and addresses itself; add others, as X-Team",
                ),
            );
            continue;
        }
        let value = entry.field().parse("a text", errors, |text| {
            if text.contains("{{") {
                Err("templates in headers are not known here; write the text")
            } else {
                Ok(text)
            }
        });
        headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }
    headers
}

fn read_webhook(field: Field, errors: &mut Vec<ConfigError>) -> Option<Webhook> {
    let fields = field.fields(&keys::WEBHOOK_CONFIG, errors)?;
    let expected = "an address such as https://chat.example.com/hook";
    let address = fields.get("url").and_then(|field| field.address(expected, errors, |_: WebAddress| Ok(())));
    let file = fields.get("url_file").and_then(|field| field.file_path(errors));
    if fields.get("url").is_none() && fields.get("url_file").is_none() {
        errors.push(ConfigError::new(fields.position, "`url` or `url_file` is missing in a webhook"));
    }
    let login = fields.get("http_config").map(|field| read_http_config(field, errors));
    let alerts_max = fields.get("max_alerts").and_then(|field| field.whole_number(0..=1_000_000, errors));
    let timeout = fields.get("timeout").and_then(|field| field.duration("10s", TIMEOUT_RANGE, errors));
    let send_resolved = fields.get("send_resolved").and_then(|field| field.boolean(errors)).unwrap_or(true);
    Some(Webhook {
        url: file.map(Secret::File).or_else(|| address.map(|url| Secret::Inline(url.to_owned())))?,
        login: login.unwrap_or(WebhookLogin::None),
        alerts_max: usize::try_from(alerts_max.unwrap_or(0)).unwrap_or(usize::MAX),
        timeout: timeout.unwrap_or(Duration::from_secs(10)),
        send_resolved,
    })
}

fn read_http_config(field: Field, errors: &mut Vec<ConfigError>) -> WebhookLogin {
    let Some(fields) = field.fields(&keys::HTTP_CONFIG, errors) else { return WebhookLogin::None };
    let basic = fields.get("basic_auth").and_then(|field| {
        let fields = field.fields(&keys::HTTP_BASIC_AUTH, errors)?;
        let username =
            fields.require("username", errors).and_then(|field| field.text(errors)).map(str::to_owned);
        let password = read_secret(&fields, ("password", "password_file"), errors);
        Some(WebhookLogin::Basic { username: username?, password: password? })
    });
    let authorization = fields.get("authorization").and_then(|field| {
        let fields = field.fields(&keys::HTTP_AUTHORIZATION, errors)?;
        if let Some(kind) = fields.get("type") {
            kind.one_of(&[("Bearer", ())], errors);
        }
        read_secret(&fields, ("credentials", "credentials_file"), errors).map(WebhookLogin::Bearer)
    });
    let token = read_secret(&fields, ("bearer_token", "bearer_token_file"), errors).map(WebhookLogin::Bearer);
    basic.or(authorization).or(token).unwrap_or(WebhookLogin::None)
}
