//! `notifications`: who is told of alerts, in the words of Alertmanager's own file.
//!
//! The schema is not ours on purpose: whoever has an `alertmanager.yml` names it with `file`, and whoever writes a
//! new one finds it explained everywhere. What weir does not send (chat, pagers) is an error that names the way
//! out, a real Alertmanager that alerts are handed over to; a key that would be read and ignored is an error too.

mod interval;
mod receiver;
mod route;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use weir_alert::notification::{InhibitRule, RouteSpec, TimeInterval};
use weir_ship::notify::Secrecy;

use super::environment::Environment;
use super::error::{ConfigError, ConfigErrors};
use super::keys;
use super::reader::{Field, Fields};
use super::remote_write::{Login, read_login_of};
use super::yaml;

pub use receiver::{Email, Receiver, Webhook, WebhookLogin};

/// Alertmanagers that alerts are handed over to.
const ALERTMANAGERS_MAX: usize = 16;

/// Mails of one receiver in an hour.
const MAX_PER_HOUR: u64 = 60;

/// One request is under way at a time.
const TIMEOUT_RANGE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5 * 60));

/// Who is told of alerts, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notifications {
    /// An `alertmanager.yml` that says who; it is read by [`parse_file`].
    pub file: Option<PathBuf>,
    /// Whom what goes to; `None` where only Alertmanagers are told.
    pub routing: Option<Routing>,
    /// Alertmanagers that are told of everything.
    pub alertmanagers: Vec<AlertmanagerTarget>,
    /// Mails to one address of the config in an hour; what is beyond is gathered in a digest.
    pub max_per_hour: u32,
    /// Whether mail shows personal data.
    pub personal_data: Secrecy,
    /// The file with what webhooks are signed with.
    pub webhook_secret_file: Option<PathBuf>,
}

/// What an `alertmanager.yml` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    /// The tree of routes.
    pub root: RouteSpec,
    /// Who can be told.
    pub receivers: Vec<Receiver>,
    /// Which alerts keep which quiet.
    pub inhibit_rules: Vec<InhibitRule>,
    /// The intervals that routes name.
    pub time_intervals: BTreeMap<Box<str>, Vec<TimeInterval>>,
}

/// An Alertmanager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertmanagerTarget {
    /// Its address, without the path of the API.
    pub url: String,
    /// How to log in there.
    pub login: Login,
    /// How long one request may take.
    pub timeout: Duration,
}

/// Something secret: in the file as it is, or in one of its own.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// As it is; Alertmanager's file allows it.
    Inline(String),
    /// The file that holds it.
    File(PathBuf),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => f.write_str("Inline(...)"),
            Self::File(path) => write!(f, "File({})", path.display()),
        }
    }
}

impl Default for Notifications {
    /// Nobody is told.
    fn default() -> Self {
        Self {
            file: None,
            routing: None,
            alertmanagers: Vec::new(),
            max_per_hour: MAX_PER_HOUR as u32,
            personal_data: Secrecy::Masked,
            webhook_secret_file: None,
        }
    }
}

/// What a receiver that links into the server needs.
pub const NO_EXTERNAL_URL: &str = "receivers need `http.external_url`";
/// And why.
pub const NO_EXTERNAL_URL_HINT: &str = "write where people reach this server, as `http: {external_url: \"https://weir.example.com/\"}`: \
     links in what is sent begin with it";

/// Reads the section.
pub fn read(field: Field, external_url: Option<&str>, errors: &mut Vec<ConfigError>) -> Notifications {
    let mut notifications = Notifications::default();
    let Some(fields) = field.fields(&keys::NOTIFICATIONS, errors) else { return notifications };
    notifications.file = fields.get("file").and_then(|field| field.file_path(errors));
    if let Some(targets) = fields.get("alertmanagers") {
        notifications.alertmanagers = read_alertmanagers(targets, errors);
    }
    if let Some(max) = fields.get("max_per_hour").and_then(|field| field.whole_number(1..=10_000, errors)) {
        notifications.max_per_hour = u32::try_from(max).unwrap_or(u32::MAX);
    }
    let secrecies = [("masked", Secrecy::Masked), ("full", Secrecy::Full)];
    if let Some(secrecy) = fields.get("personal_data").and_then(|field| field.one_of(&secrecies, errors)) {
        notifications.personal_data = secrecy;
    }
    notifications.webhook_secret_file =
        fields.get("webhook_secret_file").and_then(|field| field.file_path(errors));
    let routing_keys =
        ["global", "route", "receivers", "inhibit_rules", "time_intervals", "mute_time_intervals"];
    let inline = routing_keys.iter().find_map(|key| fields.get(key));
    match (inline, &notifications.file) {
        (Some(inline), Some(_)) => {
            let error = ConfigError::new(inline.position(), "`file` is given too, and says the same");
            errors.push(error.with_hint("keep one of them: the file, or what stands here"));
        }
        (Some(_), None) => notifications.routing = read_routing(&fields, errors),
        (None, None) if notifications.alertmanagers.is_empty() => {
            let error = ConfigError::new(field.position(), "`notifications` tells nobody");
            errors
                .push(error.with_hint(
                    "write `route` and `receivers`, `file: alertmanager.yml`, or `alertmanagers`",
                ));
        }
        (None, _) => {}
    }
    if let (Some(receivers), None) = (fields.get("receivers"), external_url) {
        errors.push(ConfigError::new(receivers.position(), NO_EXTERNAL_URL).with_hint(NO_EXTERNAL_URL_HINT));
    }
    notifications
}

/// Reads an `alertmanager.yml`.
///
/// # Errors
///
/// Every mistake in it, in its order.
pub fn parse_file(file_name: &str, text: &str, environment: Environment) -> Result<Routing, ConfigErrors> {
    let mut errors = Vec::new();
    let routing = match yaml::load(text, environment, &mut errors) {
        Ok(Some(root)) => Fields::of_file(&root, &keys::ALERTMANAGER_FILE, &mut errors)
            .and_then(|fields| read_routing(&fields, &mut errors)),
        Ok(None) => None,
        Err(error) => {
            errors.push(error);
            None
        }
    };
    match routing {
        Some(routing) if errors.is_empty() => Ok(routing),
        _ => {
            errors.sort_by_key(|error| (error.line, error.column));
            Err(ConfigErrors { file_name: file_name.to_owned(), errors })
        }
    }
}

fn read_routing(fields: &Fields, errors: &mut Vec<ConfigError>) -> Option<Routing> {
    let global = fields.get("global").map(|field| receiver::read_global(field, errors)).unwrap_or_default();
    let mut time_intervals = BTreeMap::new();
    for key in ["time_intervals", "mute_time_intervals"] {
        if let Some(field) = fields.get(key) {
            interval::read_all(field, &mut time_intervals, errors);
        }
    }
    let receivers_field = fields.require("receivers", errors);
    let receivers = receivers_field.map(|field| receiver::read_all(field, &global, errors));
    let names = receivers_field.map(|field| field.peek_texts("name")).unwrap_or_default();
    let known = route::Known { receivers: &names, intervals: &time_intervals };
    let root = fields.require("route", errors).and_then(|field| route::read_root(field, &known, errors));
    let inhibit_rules = fields.get("inhibit_rules").map(|field| route::read_inhibit_rules(field, errors));
    let inhibit_rules = inhibit_rules.unwrap_or_default();
    Some(Routing { root: root?, receivers: receivers?, inhibit_rules, time_intervals })
}

fn read_alertmanagers(field: Field, errors: &mut Vec<ConfigError>) -> Vec<AlertmanagerTarget> {
    let mut targets = Vec::new();
    for item in field.some_items("a list of Alertmanagers", ALERTMANAGERS_MAX, errors) {
        let Some(fields) = item.fields(&keys::ALERTMANAGER, errors) else { continue };
        let login = read_login_of(&fields, &keys::ALERTMANAGER_BASIC_AUTH, errors);
        let timeout = fields.get("timeout").and_then(|field| field.duration("10s", TIMEOUT_RANGE, errors));
        let Some(urls) = fields.require("urls", errors) else { continue };
        for url in urls.one_or_more("an address such as http://127.0.0.1:9093", errors) {
            let address = url.address("an address such as http://127.0.0.1:9093", errors, |address| {
                if address.has_query { Err("remove what begins with `?`") } else { Ok(()) }
            });
            let target = address.map(|url| AlertmanagerTarget {
                url: url.to_owned(),
                login: login.clone(),
                timeout: timeout.unwrap_or(Duration::from_secs(10)),
            });
            targets.extend(target);
        }
    }
    targets
}

/// A secret under `key`, or in the file under `file_key`; not both.
fn read_secret(
    fields: &Fields,
    (key, file_key): (&'static str, &'static str),
    errors: &mut Vec<ConfigError>,
) -> Option<Secret> {
    let (inline, file) = (fields.get(key), fields.get(file_key));
    if let (Some(_), Some(file)) = (inline, file) {
        let error = ConfigError::new(file.position(), format!("`{key}` and `{file_key}` are both given"));
        errors.push(error.with_hint("keep the file"));
    }
    let file = file.and_then(|field| field.file_path(errors)).map(Secret::File);
    // Not through `text`: its mistake would show what was written.
    let inline =
        inline.and_then(|field| field.parse("a text", errors, |text| Ok::<_, String>(text.to_owned())));
    file.or(inline.map(Secret::Inline))
}
