//! `weir serve`: the wiring of the server, in the order in which it starts; it stops in the reverse.
//!
//! Sources bring units to the commit thread, which alone writes the ledger and the [`state::State`]; HTTP
//! reads the state and brings pushes; remote write reads the ledger. Nothing else is between them.

mod account;
mod alert_set;
mod alerting;
mod alerting_view;
mod audit;
mod backfill;
mod backtest;
mod bad_events;
mod commit;
mod crash;
mod current_indicators;
mod declared;
mod desk;
mod engine;
mod event_meter;
mod event_staging;
mod file_source;
mod group;
mod http;
mod indicators;
mod intake;
mod keeping;
mod kept_records;
mod known_sla;
mod listener_rules;
mod live;
mod mail_content;
mod message_sink;
mod message_worker;
mod notifications;
mod object_sink;
mod open;
mod original;
mod own_metrics;
mod preparation;
mod prepared;
mod publication;
mod received;
mod record_keeping;
mod records;
mod redaction;
mod redis_source;
mod rejects;
mod reload;
mod remote_write;
mod replay;
mod rules;
mod saved_searches;
mod server_status;
mod socket;
mod socket_source;
mod source_status;
mod sources;
mod state;
mod telling;
mod unit;
mod units_away;
mod upkeep;
mod work_queue;
mod writers;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use weir_web::{Admin, Ask, ReloadAnswer};

use crate::cli::ServeArguments;
use crate::config::{self, Config, OpenListenError, Source, SourceInput};
use crate::output::UsageError;
use crate::setup;
use audit::AuditLog;
pub use desk::Desk;
pub use engine::Engine;
pub use notifications::Address;
pub use open::{Purpose, has_ledger, open_ledger};
pub use records::records;
pub use redaction::Redaction;
use reload::Reloading;
pub use reload::{LoadConfig, no_config};
use saved_searches::SavedSearches;
pub use socket::socket_path;
use sources::{DRAIN_MAX, Shared};
use telling::Telling;

/// How long requests under way may take to end once the server stops.
const HTTP_STOP_MAX: Duration = Duration::from_secs(3);

/// How long what is left may take once everything was told to end.
const RUNTIME_STOP_MAX: Duration = Duration::from_secs(1);

/// Runs the command.
///
/// # Errors
///
/// A wrong config, no source, a data folder that cannot be used, or an address that cannot be listened on.
pub fn run(arguments: &ServeArguments) -> anyhow::Result<ExitCode> {
    let config = with_arguments(setup::load_config(arguments.config.config.as_deref())?, arguments)?;
    if let Some(address) = arguments.paths.iter().find(|path| path.contains("://")) {
        let problem =
            format!("`{address}` is no file of this machine; name a bucket as a source in the config");
        return Err(UsageError::new("PATH", problem).into());
    }
    let path = setup::find_config(arguments.config.config.as_deref());
    let has_config = path.is_some();
    if config.sources.is_empty() && !has_config {
        bail!(
            "nothing to watch; name files (weir serve 'logs/**/*.gz') or write a config (weir init alb > weir.yaml); \
             one without sources makes a push gateway"
        );
    }
    if config.sources.is_empty() {
        tracing::info!("no sources: only what is pushed will be shown");
    }
    let arguments = arguments.clone();
    let read_again = move || {
        // The file that was found at the start, wherever the process is now.
        let path = path.as_deref().context("the server was started without a config")?;
        with_arguments(setup::reread_config(path)?, &arguments)
    };
    serve(&config, Arc::new(read_again), |_| (), None)?;
    Ok(ExitCode::SUCCESS)
}

/// The config, with what the command line says otherwise.
fn with_arguments(mut config: Config, arguments: &ServeArguments) -> anyhow::Result<Config> {
    if let Some(address) = &arguments.listen {
        config.http.listen =
            config::parse_address(address).map_err(|error| UsageError::new("--listen", error))?;
    }
    if let Some(folder) = &arguments.data_dir {
        config.data_dir = folder.clone();
    }
    if !arguments.paths.is_empty() {
        config.sources = vec![watched(&arguments.paths)];
    }
    Ok(config)
}

/// Serves until a signal comes or `duration` is over. `load` reads the config again; `started` is told the address.
///
/// # Errors
///
/// Listener rules or secrets that cannot be read, a data folder that cannot be used, or an address that
/// cannot be listened on.
pub fn serve(
    config: &Config,
    load: Arc<LoadConfig>,
    started: impl FnOnce(SocketAddr),
    duration: Option<Duration>,
) -> anyhow::Result<()> {
    config.http.check().context(OpenListenError::HINT)?;
    config.es.check(&config.http).context(OpenListenError::HINT)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    let served = runtime.block_on(serve_async(config, load, started, duration));
    // What still waits for a disk or a peer must not hold the process.
    runtime.shutdown_timeout(RUNTIME_STOP_MAX);
    served
}

async fn serve_async(
    config: &Config,
    load: Arc<LoadConfig>,
    started: impl FnOnce(SocketAddr),
    duration: Option<Duration>,
) -> anyhow::Result<()> {
    let ledger = open_ledger(&config.data_dir)?;
    let listener = bind(config).await?;
    let address = listener.local_addr().context("cannot tell the address")?;
    let elastic = bind_elastic(config).await?;
    let mut engine = Engine::start(config, ledger, Purpose::Serve)?;
    let shared = engine.shared.clone();

    let (stop_sources, stop) = watch::channel(false);
    let (stop_http, http_stop) = watch::channel(false);
    let shippings = http::shippings(config, &engine.queues)?;
    let mut running: Vec<JoinHandle<()>> = Vec::new();
    let history = std::mem::take(&mut engine.history);
    running.extend(listener_rules::start(config, &shared, history, &stop).await);
    for source in &config.sources {
        running.push(sources::start(config, source, &shared, stop.clone()).await?);
    }
    for shipping in shippings {
        running.push(tokio::spawn(shipping.into_task(&shared).run(stop.clone())));
    }
    let writing = writers::Writing::start(config, &shared, stop.clone()).await?;
    running.push(tokio::spawn(Arc::clone(&writing).run()));
    let desk = Desk::new(config, shared.clone(), stop.clone());
    let listeners = http::Listeners { main: listener, elastic };
    let telling = Telling::start(config, &shared)?;
    let reloading = Reloading::new(load, desk.config(), &shared, &telling);
    let admin = Admin { reload: reload_fn(&reloading), ..desk.admin() };
    let handed = handed(admin, &shared, &writing, &telling)?;
    let mut http = http::start(config, listeners, &shared, handed, http_stop).await?;
    tell_of_alerts(&shared, &telling);
    running.push(tokio::spawn(reload_at_signals(Arc::downgrade(&reloading), stop.clone())));
    let ticking = tokio::spawn(commit::tick(shared.commits.clone(), stop.clone()));
    shared.state.set_ready(true);
    tracing::info!(address = %address, sources = config.sources.len(), "started");
    started(address);

    let why = wait_for_end(duration).await?;
    tracing::info!(why, "stopping");
    shared.state.set_ready(false);
    let _ = stop_sources.send(true);
    if !shared.state.is_writable() {
        // What waits for room is counted at the next start; nobody should wait for it now.
        engine.give_up();
    }
    let ended = tokio::time::timeout(DRAIN_MAX + HTTP_STOP_MAX, ended(running, &telling, &desk));
    if ended.await.is_err() {
        tracing::warn!("a source did not finish in time; what it had begun is read again at the next start");
        engine.give_up();
    }
    let _ = stop_http.send(true);
    // Whoever holds a connection open without asking anything must not hold the server.
    if tokio::time::timeout(HTTP_STOP_MAX, http.ended()).await.is_err() {
        http.abort();
    }
    let _ = ticking.await;
    drop((shared, desk, http, writing, reloading, telling));
    engine.stop().await?;
    tracing::info!("stopped");
    Ok(())
}

/// Who answers what.
fn handed(
    admin: Admin,
    shared: &Shared,
    writing: &Arc<writers::Writing>,
    telling: &Arc<Telling>,
) -> anyhow::Result<http::Handed> {
    Ok(http::Handed {
        admin,
        write: writing.write_fn(),
        alerting: telling.alerting(),
        searches: SavedSearches::load(&shared.ledger, shared.commits.clone())?.handlers(),
        audit: AuditLog::load(&shared.ledger, shared.commits.clone())?.handlers(),
    })
}

/// Waits until everything has ended that was told to.
async fn ended(running: Vec<JoinHandle<()>>, telling: &Telling, desk: &Desk) {
    let sources = async {
        for source in running {
            let _ = source.await;
        }
    };
    tokio::join!(sources, telling.stop());
    desk.ended().await;
}

/// The main port.
async fn bind(config: &Config) -> anyhow::Result<TcpListener> {
    let address = config.http.listen;
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; is another server there? choose an address with --listen")
    })
}

/// Lets whoever tells people know of alerts.
fn tell_of_alerts(shared: &Shared, telling: &Arc<Telling>) {
    // The commit thread has the set of alerts and ends when nobody has a way to it, as the notifier does.
    let telling = Arc::downgrade(telling);
    shared.alerts.tell_with(Arc::new(move |alerts| {
        alert_set::log(&alerts);
        if let Some(telling) = telling.upgrade() {
            telling.set_alerts(alerts);
        }
    }));
}

/// The way from HTTP to a reload.
fn reload_fn(reloading: &Arc<Reloading>) -> Ask<(), ReloadAnswer> {
    let reloading = Arc::clone(reloading);
    Arc::new(move |()| {
        let reloading = Arc::clone(&reloading);
        Box::pin(async move { reloading.reload().await })
    })
}

/// Reads the config again at each SIGHUP, until `stop` says true.
async fn reload_at_signals(reloading: Weak<Reloading>, mut stop: watch::Receiver<bool>) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        tracing::warn!("cannot wait for SIGHUP; POST /-/reload does the same");
        return;
    };
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            _ = hangup.recv() => {}
        }
        let Some(reloading) = reloading.upgrade() else { return };
        // What is wrong is in the log.
        let _ = reloading.reload().await;
    }
}

/// The port of its own for clients of Elasticsearch, if there is to be one.
async fn bind_elastic(config: &Config) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = config.es.listen else { return Ok(None) };
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; is another server there? choose an address with es.listen")
    })?;
    let address = listener.local_addr().context("cannot tell the address of es.listen")?;
    tracing::info!(address = %address, "listening for clients of Elasticsearch");
    Ok(Some(listener))
}

/// Waits for SIGINT, SIGTERM or the end of `duration`, and says which.
async fn wait_for_end(duration: Option<Duration>) -> anyhow::Result<&'static str> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let over = async {
        match duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    Ok(tokio::select! {
        _ = interrupt.recv() => "interrupted",
        _ = terminate.recv() => "terminated",
        () = over => "the duration is over",
    })
}

/// The source of the paths on the command line.
fn watched(paths: &[String]) -> Source {
    Source::new("files", SourceInput::Files(paths.to_vec()), None)
}
