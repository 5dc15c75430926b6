//! The config file: YAML in, checked values or every mistake out.
//!
//! Raw to checked in one pass: [`yaml`] gives a tree with places, a `read` function per section turns
//! it into the plain structs here, and whatever is wrong is reported with line and column instead of
//! ending the pass. A value of these structs is therefore right by construction: patterns are
//! compiled, names are unique, an open address was allowed. Nothing here opens a file or reads the
//! environment; both are arguments, so that every rule is a line in a table of tests.
//!
//! Only keys that do something exist. A key that is accepted and ignored would tell its user that he
//! is protected by a bound which nobody keeps.
//!
//! Reading order: `error`, `yaml` (with `syntax` and `environment`), `keys`, `reader`, then the
//! sections `http` (with `users`), `source` (with `source_input` and `listener_rules`), `service`,
//! `transform`, `redact`, `metrics` (with `external_labels`, `remote_write` and `declared_metrics`), `gateway`, `es`,
//! `store`, `slas` (with `sla_alerts`, `sla_times` and `sla_labels`), `alerts`, `alerting`, `notifications`, `limits`.
//! `selection` reads the queries in them; `shown` is the config without secrets;
//! `remarks` is what works and is probably not meant.

mod alerting;
mod alerts;
mod byte_size;
mod declared_metrics;
mod duration;
mod environment;
mod error;
mod es;
mod external_labels;
mod find;
mod gateway;
mod http;
mod keep;
mod keys;
mod limits;
mod listener_rules;
mod metrics;
mod micros;
mod notification_keys;
mod notifications;
mod reader;
mod redact;
mod redis_input;
mod remarks;
mod remote_write;
mod selection;
mod service;
mod shown;
mod sla_alerts;
mod sla_labels;
mod sla_times;
mod slas;
mod socket_input;
mod source;
mod source_fields;
mod source_files;
mod source_format;
mod source_input;
mod store;
mod syntax;
mod transform;
mod users;
mod web_address;
mod yaml;

pub mod templates;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use weir_enrich::{Service, UnmatchedRoutes};

pub use alerting::Alerting;
pub use alerts::AlertConfig;
pub use byte_size::ByteSize;
pub use declared_metrics::{DeclaredMetric, Measure};
pub use duration::PrometheusDuration;
pub use environment::Environment;
pub use error::{ConfigError, ConfigErrors, Position};
pub use es::Es;
pub use find::find;
pub use gateway::Gateway;
pub use http::{Access, Http, OpenListenError, parse_address};
pub use keep::Keep;
pub use limits::Limits;
pub use listener_rules::ListenerRulesApi;
pub use metrics::Metrics;
pub use notifications::{
    AlertmanagerTarget, Email, NO_EXTERNAL_URL, NO_EXTERNAL_URL_HINT, Notifications, Receiver, Routing,
    Secret, Webhook, WebhookLogin, parse_file as parse_alertmanager_file,
};
pub use redact::Redact;
pub use redis_input::{RedisInput, RedisKeys};
pub use remarks::{delays, remarks};
pub use remote_write::{Login, RemoteWrite, SourceSelection};
pub use shown::shown;
pub use slas::{SlaConfig, parse_objective, parse_threshold};
pub use socket_input::SocketInput;
pub use source::{FILE_LATENESS, OBJECTS_RETENTION, Source};

pub use source_input::{AwsAccess, S3Input, SourceInput, SqsInput};
pub use store::Store;
pub use transform::Transform;
pub use users::User;
pub use yaml::FILE_BYTES_MAX;

use reader::Fields;
use remote_write::KnownSources;
use yaml::Node;

/// Everything the config says; [`Default`] is an empty file.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The folder that everything which must outlive the process is kept in.
    pub data_dir: PathBuf,
    /// The HTTP endpoint.
    pub http: Http,
    /// Where log lines come from, in the order of the file.
    pub sources: Vec<Source>,
    /// Whose requests are whose; the first that matches has them.
    pub services: Vec<Service>,
    /// What becomes of a path that no route pattern matches.
    pub unmatched_routes: UnmatchedRoutes,
    /// How records are shaped, and which are left out.
    pub transforms: Vec<Transform>,
    /// What is taken out of lines before they are kept.
    pub redact: Vec<Redact>,
    /// What is counted, within which bounds.
    pub metrics: Metrics,
    /// What becomes of metrics that are pushed.
    pub gateway: Gateway,
    /// What clients of Elasticsearch find.
    pub es: Es,
    /// What is kept of records, and how long.
    pub store: Store,
    /// What is promised.
    pub slas: Vec<SlaConfig>,
    /// What else somebody is to know.
    pub alerts: Vec<AlertConfig>,
    /// What holds for all alerts.
    pub alerting: Alerting,
    /// Who is told of alerts.
    pub notifications: Notifications,
    /// Bounds on input.
    pub limits: Limits,
    /// Where it was read from; `None` where it was not.
    pub origin: Option<ConfigOrigin>,
}

/// The file of a config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigOrigin {
    /// Its path, as it was named.
    pub path: PathBuf,
    /// What it says, without secrets.
    pub shown: String,
}

impl Default for Config {
    /// No sources and no services; data in `./weir-data`.
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("./weir-data"),
            http: Http::default(),
            sources: Vec::new(),
            services: Vec::new(),
            unmatched_routes: UnmatchedRoutes::default(),
            transforms: Vec::new(),
            redact: Vec::new(),
            metrics: Metrics::default(),
            gateway: Gateway::default(),
            es: Es::default(),
            store: Store::default(),
            slas: Vec::new(),
            alerts: Vec::new(),
            alerting: Alerting::default(),
            notifications: Notifications::default(),
            limits: Limits::default(),
            origin: None,
        }
    }
}

/// Reads the text of a config; `file_name` is what its errors call it.
///
/// # Errors
///
/// Every mistake in the file, in its order. A YAML syntax error ends the reading: keys and values are
/// checked once it is mended.
pub fn parse(file_name: &str, text: &str, environment: Environment) -> Result<Config, ConfigErrors> {
    let mut errors = Vec::new();
    let config = read_text(text, environment, &mut errors);
    if errors.is_empty() {
        return Ok(config);
    }
    errors.sort_by_key(|error| (error.line, error.column));
    Err(ConfigErrors { file_name: file_name.to_owned(), errors })
}

fn read_text(text: &str, environment: Environment, errors: &mut Vec<ConfigError>) -> Config {
    if text.len() > FILE_BYTES_MAX {
        let start = Position { line: 1, column: 1 };
        errors.push(ConfigError::new(
            start,
            format!("the file is larger than {}", ByteSize(FILE_BYTES_MAX as u64)),
        ));
        return Config::default();
    }
    match yaml::load(text, environment, errors) {
        Ok(Some(root)) => read_root(&root, errors),
        Ok(None) => Config::default(),
        Err(error) => {
            errors.push(error);
            Config::default()
        }
    }
}

fn read_root(root: &Node, errors: &mut Vec<ConfigError>) -> Config {
    let mut config = Config::default();
    let Some(fields) = Fields::of_file(root, &keys::ROOT, errors) else {
        return config;
    };
    if let Some(version) = fields.get("version") {
        version.parse("`1`", errors, |text| {
            if text == "1" { Ok(()) } else { Err("this weir reads version 1 only") }
        });
    }
    if let Some(data_dir) = fields.get("data_dir").and_then(|field| field.file_path(errors)) {
        config.data_dir = data_dir;
    }
    if let Some(section) = fields.get("http") {
        config.http = http::read(section, errors);
    }
    let sources = fields.get("sources");
    if let Some(sources) = sources {
        config.sources = source::read_all(sources, errors);
    }
    let source_names = sources.map(|field| source::names(&field)).unwrap_or_default();
    if let Some(services) = fields.get("services") {
        config.services = service::read_all(services, &source_names, errors);
    }
    if let Some(unmatched) = fields.get("unmatched_routes") {
        config.unmatched_routes = service::read_unmatched(unmatched, errors);
    }
    if let Some(redact) = fields.get("redact") {
        config.redact = redact::read_all(redact, errors);
    }
    if let Some(transforms) = fields.get("transforms") {
        config.transforms = transform::read_all(transforms, config.redact.len(), errors);
    }
    if let Some(metrics) = fields.get("metrics") {
        let known = KnownSources { names: &source_names, checked: &config.sources };
        config.metrics = metrics::read(metrics, known, errors);
    }
    if let Some(gateway) = fields.get("gateway") {
        config.gateway = gateway::read(gateway, errors);
    }
    if let Some(es) = fields.get("es") {
        config.es = es::read(es, &config.http, errors);
    }
    if let Some(store) = fields.get("store") {
        config.store = store::read(store, errors);
    }
    if let Some(slas) = fields.get("slas") {
        config.slas = slas::read_all(slas, &config.services, &config.sources, errors);
    }
    if let Some(alerts) = fields.get("alerts") {
        config.alerts = alerts::read_all(alerts, &config.sources, errors);
    }
    if let Some(alerting) = fields.get("alerting") {
        config.alerting = alerting::read(alerting, errors);
    }
    if let Some(notifications) = fields.get("notifications") {
        config.notifications =
            notifications::read(notifications, config.http.external_url.as_deref(), errors);
    }
    if let Some(limits) = fields.get("limits") {
        config.limits = limits::read(limits, errors);
    }
    config
}
