//! The HTTP side: what other programs and people read from a running server.
//!
//! The only crate that knows HTTP and the API's JSON. What it serves comes through functions that the
//! binary hands it ([`Handlers`]), so that nothing behind them depends on a web framework and the
//! tests can serve anything.

mod health;
mod metrics;
mod problem;
mod routes;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use weir_meter::Snapshot;

pub use routes::{RouteStatistics, RoutesQuery};

/// All series, as a scraper of this name (`None`: a reader by hand) is to see them now.
pub type SnapshotFn = dyn Fn(Option<String>) -> Snapshot + Send + Sync;

/// The statistics per route over a span of time, or what is wrong with the times asked for.
pub type RoutesFn = dyn Fn(RoutesQuery) -> Result<RouteStatistics, String> + Send + Sync;

/// Where the answers come from.
#[derive(Clone)]
pub struct Handlers {
    /// For `/metrics`.
    pub snapshot: Arc<SnapshotFn>,
    /// For `/api/routes`.
    pub routes: Arc<RoutesFn>,
    /// For `/-/ready`: whether the config is loaded and the sources run.
    pub is_ready: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// Serves on `listener` until `stop` completes; requests under way are answered first.
///
/// # Errors
///
/// The listener's error.
pub async fn serve(
    listener: TcpListener,
    handlers: Handlers,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let service = router(handlers).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop).await
}

fn router(handlers: Handlers) -> Router {
    Router::new()
        .route("/metrics", get(metrics::metrics))
        .route("/api/routes", get(routes::routes))
        .route("/-/healthy", get(health::healthy))
        .route("/healthy", get(health::healthy))
        .route("/-/ready", get(health::ready))
        .route("/ready", get(health::ready))
        .route("/", get(health::overview))
        .fallback(problem::not_found)
        .with_state(handlers)
}
