//! `weir serve`: the wiring of the server, in the order in which it starts; it stops in the reverse.
//!
//! Sources run on threads of their own, since reading files blocks; HTTP runs on the async runtime.
//! Between them lies [`State`], and nothing else.

mod own_metrics;
mod source;
mod state;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use weir_web::Handlers;

use crate::cli::ServeArguments;
use crate::config::{self, Config, FILE_LATENESS, OpenListenError, Source};
use crate::output::UsageError;
use crate::setup;
use source::FileSource;
use state::State;

/// How long requests under way may take to end once the server stops.
const HTTP_STOP_MAX: Duration = Duration::from_secs(3);

/// Runs the command.
///
/// # Errors
///
/// A wrong config, no source, or an address that cannot be listened on.
pub fn run(arguments: &ServeArguments) -> anyhow::Result<ExitCode> {
    let mut config = setup::load_config(arguments.config.config.as_deref())?;
    if let Some(address) = &arguments.listen {
        config.http.listen =
            config::parse_address(address).map_err(|error| UsageError::new("--listen", error))?;
    }
    if let Some(address) = arguments.paths.iter().find(|path| path.contains("://")) {
        let problem = format!("`{address}` is no file of this machine; copy it first, as with: aws s3 sync");
        return Err(UsageError::new("PATH", problem).into());
    }
    if !arguments.paths.is_empty() {
        config.sources = vec![watched(&arguments.paths)];
    }
    if config.sources.is_empty() {
        bail!(
            "nothing to watch; name files (weir serve 'logs/**/*.gz') or write a config (weir init alb > weir.yaml)"
        );
    }
    serve(&config, |_| (), None)?;
    Ok(ExitCode::SUCCESS)
}

/// Serves until a signal comes or `duration` is over. `started` is told the address.
///
/// # Errors
///
/// Listener rules that cannot be read, or an address that cannot be listened on.
pub fn serve(
    config: &Config,
    started: impl FnOnce(SocketAddr),
    duration: Option<Duration>,
) -> anyhow::Result<()> {
    config.http.check().context(OpenListenError::HINT)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    runtime.block_on(async {
        let listener = TcpListener::bind(config.http.listen).await.with_context(|| {
            format!(
                "cannot listen on {}; is another server there? choose an address with --listen",
                config.http.listen
            )
        })?;
        let address = listener.local_addr().context("cannot tell the address")?;
        let enricher = Arc::new(setup::enricher(config, None)?);
        let options = setup::meter_options(&config.metrics, &enricher, true);
        let names = config.sources.iter().map(|source| (Arc::from(source.name.as_str()), source.lateness));
        let state = Arc::new(State::new(options, config.metrics.expire_after, names));
        let (stop_sender, stop) = watch::channel(false);

        let sources: Vec<oneshot::Receiver<()>> = config
            .sources
            .iter()
            .map(|source| FileSource {
                name: source.name.as_str().into(),
                paths: source.paths.clone(),
                format: source.format,
                enricher: Arc::clone(&enricher),
                options,
                limits: setup::read_limits(&config.limits),
                state: Arc::clone(&state),
            })
            .map(|source| spawn(source, stop.clone()))
            .collect::<Result<_, _>>()
            .context("cannot start a thread for each source")?;
        let stopped = stop.clone();
        let mut http = tokio::spawn(weir_web::serve(listener, handlers(&state), async move {
            let _ = stopped.clone().wait_for(|stop| *stop).await;
        }));
        state.set_ready(true);
        tracing::info!(address = %address, sources = config.sources.len(), "started");
        started(address);

        let why = wait_for_end(duration).await?;
        tracing::info!(why, "stopping");
        state.set_ready(false);
        let _ = stop_sender.send(true);
        // Whoever holds a connection open without asking anything must not hold the server.
        match tokio::time::timeout(HTTP_STOP_MAX, &mut http).await {
            Ok(ended) => ended.context("the HTTP server ended badly")?.context("the HTTP server failed")?,
            Err(_) => http.abort(),
        }
        for source in sources {
            source.await.context("a source ended badly")?;
        }
        tracing::info!("stopped");
        Ok(())
    })
}

/// Starts a source on a thread of its own; the receiver completes when it has ended.
fn spawn(source: FileSource, stop: watch::Receiver<bool>) -> std::io::Result<oneshot::Receiver<()>> {
    let runtime = tokio::runtime::Handle::current();
    let (ended, has_ended) = oneshot::channel();
    let name = format!("source {}", source.name);
    std::thread::Builder::new().name(name).spawn(move || {
        let waiter = stop.clone();
        // Whether to stop, after the interval or as soon as it is said.
        let wait = |interval| {
            runtime.block_on(async {
                tokio::time::timeout(interval, waiter.clone().wait_for(|stop| *stop)).await.is_ok()
            })
        };
        source.run(&stop, wait);
        // Nobody listens any more if the server has failed.
        let _ = ended.send(());
    })?;
    Ok(has_ended)
}

fn handlers(state: &Arc<State>) -> Handlers {
    let (snapshots, routes, ready) = (Arc::clone(state), Arc::clone(state), Arc::clone(state));
    Handlers {
        snapshot: Arc::new(move |scraper| snapshots.snapshot(scraper)),
        routes: Arc::new(move |query| routes.routes(&query)),
        is_ready: Arc::new(move || ready.is_ready()),
    }
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
    Source {
        name: "files".to_owned(),
        paths: paths.to_vec(),
        format: None,
        lateness: FILE_LATENESS,
        listener_rules: Vec::new(),
    }
}
