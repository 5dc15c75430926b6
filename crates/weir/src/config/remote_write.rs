//! `metrics.remote_write`: the servers that minutes are written to, and of which sources.
//!
//! A receiver refuses samples that are too old for it, and nobody reads its log until a dashboard has a
//! hole. How late a minute leaves is known beforehand, from the sources' `lateness`, so a window that is too
//! small for it is a mistake of the config and said when it is read.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use super::byte_size::ByteSize;
use super::duration::PrometheusDuration;
use super::error::ConfigError;
use super::keys::{self, did_you_mean, list};
use super::reader::{Field, Fields, quoted};
use super::source::Source;

/// Each target has a queue of its own and a copy of what is not yet published.
const TARGETS_MAX: usize = 16;

/// A year is more than any receiver keeps open.
const WINDOW_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// What a receiver takes without a window: Prometheus cuts its newest block of 2 h in halves.
const WINDOW_WITHOUT_KEY: Duration = Duration::from_secs(3600);

/// What is left of the window for a minute to be published, queued and sent once more.
const WINDOW_RESERVE: Duration = Duration::from_secs(5 * 60);

/// Less would not hold one minute of many series; the most is larger than any disk.
const QUEUE_BYTES_RANGE: (ByteSize, ByteSize) = (ByteSize(1 << 20), ByteSize(1 << 50));

/// One request is under way at a time, so a longer one would hold back the minutes behind it.
const TIMEOUT_RANGE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5 * 60));

/// A server that minutes are written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteWrite {
    /// Its name in metrics and in the ledger; no two have the same. Host, port and path of the address,
    /// unless the config says otherwise.
    pub name: String,
    /// The `http` or `https` address that is written to.
    pub url: String,
    /// The sources whose minutes are written.
    pub sources: SourceSelection,
    /// How old a sample the receiver takes, beyond what each one does.
    pub out_of_order_time_window: Duration,
    /// Whether the sources stay in `/metrics` as well.
    pub keep_on_metrics: bool,
    /// How to log in there.
    pub login: Login,
    /// What may wait to be sent, in bytes on disk.
    pub queue_bytes: u64,
    /// How long one request may take.
    pub timeout: Duration,
}

/// Some sources, by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceSelection {
    /// Each one, those of the command line included.
    All,
    /// These.
    Named(Vec<String>),
}

/// How to log in at another server; the files hold the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// Not at all.
    None,
    /// Basic authentication.
    Basic {
        /// The user; without `:`.
        username: String,
        /// The file with the password.
        password_file: PathBuf,
    },
    /// A bearer token.
    Bearer {
        /// The file with the token.
        token_file: PathBuf,
    },
}

/// The sources that a `remote_write` can name.
#[derive(Clone, Copy)]
pub struct KnownSources<'a> {
    /// The names of all, of those with mistakes too; none means that sources come from the command line.
    pub names: &'a [&'a str],
    /// Those without mistakes.
    pub checked: &'a [Source],
}

/// Reads the list. A target that is wrong is left out, and its mistakes are reported.
pub fn read_all(field: Field, known: KnownSources, errors: &mut Vec<ConfigError>) -> Vec<RemoteWrite> {
    let mut targets = Vec::new();
    let mut names = BTreeSet::new();
    for item in field.items_at_most("a list of servers to write to", TARGETS_MAX, errors) {
        let Some(fields) = item.fields(&keys::REMOTE_WRITE, errors) else { continue };
        let Some(target) = read(&fields, known, errors) else { continue };
        if !names.insert(target.name.clone()) {
            let position = fields.get("name").or_else(|| fields.get("url")).map(|field| field.position());
            let message = format!("a second remote write is named {}", quoted(&target.name));
            let error = ConfigError::new(position.unwrap_or(fields.position), message);
            errors.push(error.with_hint("give each a `name` of its own, or give one a list of `sources`"));
        }
        targets.push(target);
    }
    targets
}

fn read(fields: &Fields, known: KnownSources, errors: &mut Vec<ConfigError>) -> Option<RemoteWrite> {
    let url = fields.require("url", errors).and_then(|field| read_url(field, errors));
    let name = fields.get("name").and_then(|field| field.text(errors));
    let sources = fields.get("sources").map(|field| read_sources(field, known.names, errors));
    let sources = sources.unwrap_or(SourceSelection::All);
    let window_field = fields.get("out_of_order_time_window");
    let window = window_field.map(|field| field.duration("2h", (Duration::ZERO, WINDOW_MAX), errors));
    let keep_on_metrics = fields.get("keep_on_metrics").and_then(|field| field.boolean(errors));
    let login = read_login(fields, errors);
    let queue_bytes = fields.get("queue_bytes").and_then(|field| field.size(QUEUE_BYTES_RANGE, errors));
    let timeout = fields.get("timeout").and_then(|field| field.duration("30s", TIMEOUT_RANGE, errors));
    // A window that could not be read is one mistake, not two.
    let out_of_order_time_window = window.unwrap_or(Some(Duration::ZERO))?;
    let position = window_field.map_or(fields.position, |field| field.position());
    errors.extend(
        window_error(out_of_order_time_window, &sources, known.checked)
            .map(|(message, hint)| ConfigError::new(position, message).with_hint(hint)),
    );
    let (url, default_name) = url?;
    Some(RemoteWrite {
        name: name.unwrap_or(&default_name).to_owned(),
        url: url.to_owned(),
        sources,
        out_of_order_time_window,
        keep_on_metrics: keep_on_metrics.unwrap_or(false),
        login,
        queue_bytes: queue_bytes.unwrap_or(512 << 20),
        timeout: timeout.unwrap_or(Duration::from_secs(30)),
    })
}

/// The address, and the name that it stands in for. The query is not part of the name: it may hold a secret.
fn read_url<'a>(field: Field<'a>, errors: &mut Vec<ConfigError>) -> Option<(&'a str, String)> {
    let mut name = String::new();
    let expected = "an address such as http://127.0.0.1:9090/api/v1/write";
    let url = field.address(expected, errors, |address| {
        if address.path.trim_matches('/').is_empty() {
            return Err("the path is missing; Prometheus and VictoriaMetrics take `/api/v1/write`");
        }
        name = format!("{}{}", address.host_and_port, address.path);
        Ok(())
    })?;
    Some((url, name))
}

fn read_sources(field: Field, names: &[&str], errors: &mut Vec<ConfigError>) -> SourceSelection {
    let mut selected = Vec::new();
    for item in field.one_or_more("the name of a source", errors) {
        let Some(name) = item.text(errors) else { continue };
        if !names.is_empty() && !names.contains(&name) {
            let hint =
                did_you_mean(name, names).unwrap_or_else(|| format!("there is {}", list(names, "and")));
            let message = format!("no source is named {}", quoted(name));
            errors.push(ConfigError::new(item.position(), message).with_hint(hint));
        }
        selected.push(name.to_owned());
    }
    SourceSelection::Named(selected)
}

fn read_login(fields: &Fields, errors: &mut Vec<ConfigError>) -> Login {
    read_login_of(fields, &keys::BASIC_AUTH, errors)
}

/// Reads `basic_auth`, a section with these keys, and `bearer_token_file`.
pub fn read_login_of(
    fields: &Fields,
    basic_auth: &'static keys::Section,
    errors: &mut Vec<ConfigError>,
) -> Login {
    let basic = fields.get("basic_auth");
    let bearer = fields.get("bearer_token_file");
    if let (Some(_), Some(bearer)) = (basic, bearer) {
        let error =
            ConfigError::new(bearer.position(), "`basic_auth` and `bearer_token_file` are both given");
        errors.push(error.with_hint("a request has one way to log in; remove the other"));
    }
    let token_file = bearer.and_then(|field| field.file_path(errors));
    let basic = basic.and_then(|field| read_basic(field, basic_auth, errors));
    basic.or(token_file.map(|token_file| Login::Bearer { token_file })).unwrap_or(Login::None)
}

fn read_basic(field: Field, section: &'static keys::Section, errors: &mut Vec<ConfigError>) -> Option<Login> {
    let fields = field.fields(section, errors)?;
    let username = fields.require("username", errors).and_then(|field| {
        let username = field.text(errors)?;
        if username.contains(':') {
            let error = field.wrong("a name without `:`", &quoted(username));
            errors.push(error.with_hint("basic authentication ends the name at the first `:`"));
        }
        Some(username.to_owned())
    });
    let password_file = fields.require("password_file", errors).and_then(|field| field.file_path(errors));
    Some(Login::Basic { username: username?, password_file: password_file? })
}

/// What is wrong where a selected source publishes its minutes too late for the receiver, and what to do.
fn window_error(
    out_of_order_time_window: Duration,
    selection: &SourceSelection,
    sources: &[Source],
) -> Option<(String, String)> {
    let is_selected = |source: &&Source| match selection {
        SourceSelection::All => true,
        SourceSelection::Named(names) => names.contains(&source.name),
    };
    let latest = sources.iter().filter(is_selected).max_by_key(|source| source.lateness)?;
    let window = out_of_order_time_window.max(WINDOW_WITHOUT_KEY) - WINDOW_RESERVE;
    if latest.lateness < window {
        return None;
    }
    let needed = PrometheusDuration(latest.lateness + WINDOW_RESERVE);
    let (lateness, window) = (PrometheusDuration(latest.lateness), PrometheusDuration(window));
    Some((
        format!(
            "minutes of the source `{}` are written {lateness} late, and the receiver refuses what is {window} old",
            latest.name
        ),
        format!(
            "set `out_of_order_time_window` to more than {needed}, here and in the receiver \
             (Prometheus: `storage.tsdb` in its config), or lower the source's `lateness`"
        ),
    ))
}
