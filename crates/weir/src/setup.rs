//! From the config to what the commands work with.
//!
//! The one place that reads config files and the environment: the config itself is read purely, and the
//! crates behind get ready values, so neither knows where they came from.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use weir_enrich::{EnrichOptions, Enricher, ListenerRules, UnmatchedRoutes};
use weir_ingest::ReadLimits;
use weir_meter::MeterOptions;
use weir_record::Timestamp;

use crate::clock;
use crate::config::{self, Config, ConfigOrigin, Limits, Routing, Source};
use crate::whole_file::{FileKinds, read_text};

/// The largest file of listener rules that is read, in bytes. A listener has at most some hundred rules of a few KiB
/// each, and a file those of all listeners of an account at most.
const LISTENER_RULES_BYTES_MAX: usize = 64 << 20;

/// Reads the config that is named or found; an empty one where there is none.
///
/// # Errors
///
/// The file cannot be read, or everything that is wrong with it.
pub fn load_config(named: Option<&Path>) -> anyhow::Result<Config> {
    match find_config(named) {
        Some(path) => read_config(&path),
        None => Ok(Config::default()),
    }
}

/// The config file that is named or found.
pub fn find_config(named: Option<&Path>) -> Option<PathBuf> {
    config::find(named, &environment, &|path| path.is_file())
}

/// Reads the config at `path`.
///
/// # Errors
///
/// The file cannot be read, or everything that is wrong with it.
pub fn read_config(path: &Path) -> anyhow::Result<Config> {
    read_config_of(path, FileKinds::Any)
}

/// Reads the config at `path` again for a server that runs, which waits for no pipe.
///
/// # Errors
///
/// As [`read_config`]; it and the file that it names must be regular files.
pub fn reread_config(path: &Path) -> anyhow::Result<Config> {
    read_config_of(path, FileKinds::Regular)
}

/// The text of the config at `path`.
///
/// # Errors
///
/// The file cannot be read, is too large or is no text.
pub fn config_text(path: &Path, kinds: FileKinds) -> anyhow::Result<String> {
    read_text(path, config::FILE_BYTES_MAX, kinds)
        .with_context(|| format!("cannot read the config {}", path.display()))
}

fn read_config_of(path: &Path, kinds: FileKinds) -> anyhow::Result<Config> {
    let text = config_text(path, kinds)?;
    let mut config = config::parse(&path.display().to_string(), &text, &environment)?;
    if let Some(file) = &config.notifications.file {
        let routing = read_routing(file, kinds)?;
        if config.http.external_url.is_none() {
            bail!("{}: {}\n    {}", path.display(), config::NO_EXTERNAL_URL, config::NO_EXTERNAL_URL_HINT);
        }
        config.notifications.routing = Some(routing);
    }
    config.origin =
        Some(ConfigOrigin { path: path.to_owned(), shown: config::shown(&text).unwrap_or_default() });
    Ok(config)
}

/// The text of the `alertmanager.yml` that a config names.
///
/// # Errors
///
/// As [`config_text`].
pub fn routing_text(path: &Path, kinds: FileKinds) -> anyhow::Result<String> {
    read_text(path, config::FILE_BYTES_MAX, kinds)
        .with_context(|| format!("cannot read {}, which `notifications.file` names", path.display()))
}

fn read_routing(path: &Path, kinds: FileKinds) -> anyhow::Result<Routing> {
    let name = path.display().to_string();
    let text = routing_text(path, kinds)?;
    Ok(config::parse_alertmanager_file(&name, &text, &environment)?)
}

/// The enricher of a config. `routes` overrides what becomes of unmatched paths.
///
/// # Errors
///
/// A file of listener rules cannot be read or is not one.
pub fn enricher(config: &Config, routes: Option<UnmatchedRoutes>) -> anyhow::Result<Enricher> {
    enricher_with(config, routes, &[])
}

/// Listener rules as they were at some moment.
#[derive(Clone, Debug)]
pub struct Capture {
    /// What errors call it.
    pub name: String,
    /// As `aws elbv2 describe-rules` prints them.
    pub text: String,
    /// When they were so.
    pub taken_at: Timestamp,
}

/// The enricher of a config that also knows `captures`.
///
/// # Errors
///
/// A file of listener rules cannot be read or is not one, or a capture is not one.
pub fn enricher_with(
    config: &Config,
    routes: Option<UnmatchedRoutes>,
    captures: &[Capture],
) -> anyhow::Result<Enricher> {
    Ok(Enricher::new(EnrichOptions {
        services: config.services.clone(),
        unmatched_routes: routes.unwrap_or(config.unmatched_routes),
        listener_rules: listener_rules(&config.sources, captures)?,
    }))
}

/// What to count, from the config. Native histograms only reach who asks for protobuf, over HTTP.
pub fn meter_options(config: &Config, enricher: &Enricher, has_native_histograms: bool) -> MeterOptions {
    let metrics = &config.metrics;
    let mut thresholds_us: Vec<u64> = config.slas.iter().flat_map(|sla| sla.sla.thresholds_us()).collect();
    thresholds_us.sort_unstable();
    thresholds_us.dedup();
    MeterOptions {
        series_max: metrics.max_series,
        has_target_group: metrics.labels.target_group,
        has_application: metrics.labels.application,
        has_native_histograms,
        has_services: !enricher.services().is_empty(),
        // Read once and needed as long as the program runs, by every thread.
        thresholds_us: thresholds_us.leak(),
    }
}

/// Bounds on input, from the config.
pub fn read_limits(limits: &Limits) -> ReadLimits {
    ReadLimits { line_bytes: limits.line_bytes, unpacked_bytes: limits.unpacked_bytes }
}

fn listener_rules(sources: &[Source], captures: &[Capture]) -> anyhow::Result<ListenerRules> {
    let mut builder = ListenerRules::builder();
    for pattern in sources.iter().flat_map(|source| &source.listener_rules) {
        for path in weir_ingest::discover(pattern).context("cannot find listener rules")? {
            let text = read_text(&path, LISTENER_RULES_BYTES_MAX, FileKinds::Regular)
                .with_context(|| format!("cannot read the listener rules {}", path.display()))?;
            // A file's age is when the rules were as it says; of several captures a line meets its own.
            let taken_at =
                path.metadata().and_then(|metadata| metadata.modified()).ok().map(clock::timestamp);
            builder.add_json_at(&path.display().to_string(), &text, taken_at)?;
        }
    }
    for Capture { name, text, taken_at } in captures {
        builder.add_json_at(name, text, Some(*taken_at))?;
    }
    Ok(builder.build())
}

/// A variable of the environment, where it is set and is text.
pub fn environment(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    std::env::var(name).ok()
}
