//! The HTTP side: what other programs and people read from a running server.
//!
//! The only crate that knows HTTP and the API's JSON. What it serves comes through functions that the
//! binary hands it ([`Handlers`]), so that nothing behind them depends on a web framework and the
//! tests can serve anything.

mod access;
mod admin;
mod attempts;
mod authentication;
mod gateway;
mod health;
mod hosts;
mod metrics;
mod problem;
mod routes;

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use axum::{Extension, Router, middleware};
use tokio::net::{TcpListener, UnixListener};
use weir_meter::Snapshot;

use access::{Access, Methods};
pub use admin::{
    Admin, AdminProblem, Answer, Ask, BackfillProgress, BackfillRequest, BackfillState, NodeStatus,
    ProblemKind, RejectDetail, RejectRow, RejectsPage, RejectsQuery, ReplayProblem, ReplayRequest,
    ReplayResult, SourceStatus, SourcesStatus,
};
pub use authentication::{Authentication, PasswordSecret, Role, User, Users};
pub use gateway::{
    BODY_BYTES_DEFAULT, BoxFuture, CorsOrigins, DeleteGroupFn, Gateway, GatewayOptions,
    IDEMPOTENCY_KEY_BYTES_MAX, PushAnswer, PushFn, PushRequest, SuccessStatus, UNPACKED_BYTES_DEFAULT,
    UrlLabels,
};
pub use hosts::Hosts;
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
    /// For pushes to `/metrics`; `None`: it is only read.
    pub gateway: Option<Gateway>,
    /// For sources, rejects and backfills; `None`: there is nothing of the kind.
    pub admin: Option<Admin>,
    /// Which names the server may be called by.
    pub hosts: Hosts,
    /// Who may do what by the table of routes.
    pub authentication: Arc<Authentication>,
}

/// Who may do what: the first row that fits decides, and what fits none is for administrators, who may
/// do everything.
const ACCESS: &[Access] = &[
    Access { methods: Methods::Reading, path: "/metrics", roles: Some(&[Role::Scrape, Role::Read]) },
    Access { methods: Methods::Options, path: "/metrics", roles: None },
    Access { methods: Methods::Options, path: "/metrics/*", roles: None },
    Access { methods: Methods::Any, path: "/metrics", roles: Some(&[Role::Push]) },
    Access { methods: Methods::Any, path: "/metrics/*", roles: Some(&[Role::Push]) },
    Access { methods: Methods::Reading, path: "/-/healthy", roles: None },
    Access { methods: Methods::Reading, path: "/healthy", roles: None },
    Access { methods: Methods::Reading, path: "/-/ready", roles: None },
    Access { methods: Methods::Reading, path: "/ready", roles: None },
    Access { methods: Methods::Reading, path: "/api/*", roles: Some(&[Role::Read]) },
    Access { methods: Methods::Reading, path: "/", roles: Some(&[Role::Read]) },
];

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

/// Serves on a socket of this machine until `stop` completes. Nobody has to say who he is: who can open the
/// socket owns the data.
///
/// # Errors
///
/// The listener's error.
pub async fn serve_socket(
    listener: UnixListener,
    handlers: Handlers,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let handlers = Handlers { hosts: Hosts::Any, authentication: Arc::default(), ..handlers };
    let peer = ConnectInfo(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    axum::serve(listener, router(handlers).layer(Extension(peer))).with_graceful_shutdown(stop).await
}

fn router(handlers: Handlers) -> Router {
    let mut pushed = post(gateway::push).put(gateway::push).delete(gateway::delete);
    pushed = pushed.options(gateway::preflight);
    let mut router = Router::new().route("/metrics", get(metrics::metrics));
    if handlers.gateway.is_some() {
        router = router
            .route("/metrics", pushed.clone())
            .route("/metrics/", pushed.clone())
            .route("/metrics/{*pairs}", pushed);
    }
    router
        .route("/api/routes", get(routes::routes))
        .route("/api/sources", get(admin::sources))
        .route("/api/rejects", get(admin::rejects))
        .route("/api/rejects/{id}", get(admin::reject))
        .route("/api/rejects/replay", post(admin::replay))
        .route("/api/backfill", post(admin::backfill))
        .route("/-/healthy", get(health::healthy))
        .route("/healthy", get(health::healthy))
        .route("/-/ready", get(health::ready))
        .route("/ready", get(health::ready))
        .route("/", get(health::overview))
        .fallback(problem::not_found)
        .layer(middleware::from_fn_with_state(handlers.clone(), access::guard))
        .with_state(handlers)
}
