//! The HTTP side: what other programs and people read from a running server.
//!
//! The only crate that knows HTTP and the API's JSON. What it serves comes through functions that the
//! binary hands it ([`Handlers`]), so that nothing behind them depends on a web framework and the
//! tests can serve anything.

mod access;
mod admin;
mod alerting;
mod answer_room;
mod arrival;
mod attempts;
mod audit;
mod authentication;
mod gateway;
mod health;
mod hosts;
mod metrics;
mod notifications;
mod openapi;
mod page;
mod problem;
mod records;
mod routes;
mod searches;
mod serving;
mod session;
mod slow_reader;
mod status;
pub mod writers;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};
use axum::{Router, middleware};
use tokio::net::{TcpListener, UnixListener};
use weir_meter::Snapshot;

use access::{Access, Methods};
pub use admin::{
    Admin, AdminProblem, AlertChange, AlertRow, AlertsAnswer, Answer, Ask, BackfillProgress, BackfillRequest,
    BackfillState, BacktestAnswer, BacktestData, BacktestFiring, BacktestMails, BacktestMessage,
    BacktestQuery, BacktestReceiver, BacktestRequest, BacktestRow, BacktestStep, BacktestSuggestion,
    DatagramsStatus, LineAnswer, LineQuery, NodeStatus, ProblemKind, RejectDetail, RejectRow, RejectsPage,
    RejectsQuery, ReloadAnswer, ReplayProblem, ReplayRequest, ReplayResult, SlaBudget, SlaDay, SlaStatus,
    SlasAnswer, SourceStatus, SourcesStatus,
};
pub use alerting::{
    AlertFilter, AlertReceiver, AlertStatus, Alerting, AlertingStatus, AlertingVersion, ClusterStatus,
    ConfigText, PostableSilence, ShownAlert, ShownSilence, SilenceId, SilenceMatcher, SilenceStatus,
};
use answer_room::AnswerRoom;
pub use audit::{Action, Audit, AuditEntry, AuditNote, AuditPage, AuditQuery};
pub use authentication::{Authentication, PasswordSecret, Role, User, Users};
pub use gateway::{
    BODY_BYTES_DEFAULT, BoxFuture, CorsOrigins, DeleteGroupFn, Gateway, GatewayOptions,
    IDEMPOTENCY_KEY_BYTES_MAX, PushAnswer, PushFn, PushRequest, SuccessStatus, UNPACKED_BYTES_DEFAULT,
    UrlLabels,
};
pub use hosts::Hosts;
pub use notifications::{DueAlert, DueRow, NotificationsAnswer, OutboxRow, ReceiverRow, SentRow};
pub use records::{
    AggregateAnswer, AggregateQuery, AggregateRequest, AskRecords, ContextAnswer, ContextQuery, DeleteAnswer,
    DeleteRequest, ExportFormat, ExportSender, ExportStream, FieldRow, FieldsAnswer, FieldsQuery, GroupField,
    GroupKey, Hit, MetricKind, NoField, OfField, Pairs, PercentileOf, ReaderGone, Records, RecordsProblem,
    RecordsProblemKind, SearchAnswer, SearchFormat, SearchQuery, StoryAnswer, StoryQuery, TailQuery,
    TailSender, TailStream, ValueCount, csv_cell, export_stream, line as export_line, tail_stream,
};
pub use routes::{Percentiles, ROUTE_COLUMNS, RouteRow, RouteStatistics, RoutesAnswer, RoutesQuery};
pub use searches::{
    RemoveSearch, SaveSearch, SavedSearch, SearchOwner, SearchText, Searches, SearchesAnswer,
};
pub use serving::ConnectionLimits;
pub use session::{SessionLimits, SessionStatus, SignIn, Site};
pub use status::{DiskStatus, RecordsStatus, SeriesStatus, ServerStatus};
use writers::elastic;
pub use writers::{
    Protocol, Rejected, WRITE_BYTES_DEFAULT, WRITE_UNPACKED_BYTES_DEFAULT, WriteAnswerShape, WriteFn,
    WriteOutcome, WriteReject, WriteRequest, WriterOptions, Writers, Written, WrittenFormat,
};

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
    /// For what is written by HTTP.
    pub writers: Writers,
    /// For alerts and silences; `None`: there are none.
    pub alerting: Option<Alerting>,
    /// For searches and all else that is asked of records; `None`: none are kept.
    pub records: Option<Records>,
    /// For saved searches; `None`: none are kept.
    pub searches: Option<Searches>,
    /// For who did what; `None`: nothing is noted.
    pub audit: Option<Audit>,
    /// Which names the server may be called by.
    pub hosts: Hosts,
    /// Where people reach it.
    pub site: Site,
    /// Bounds on connections.
    pub connections: ConnectionLimits,
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
    // Who signs in has no role yet.
    Access { methods: Methods::Any, path: "/api/session", roles: None },
    Access { methods: Methods::Reading, path: "/api/audit", roles: Some(&[Role::Admin]) },
    Access { methods: Methods::Any, path: "/api/searches/*", roles: Some(&[Role::Read]) },
    Access { methods: Methods::Reading, path: "/api/*", roles: Some(&[Role::Read]) },
    Access { methods: Methods::Options, path: "/gelf", roles: None },
    Access { methods: Methods::Options, path: "/ingest/ndjson", roles: None },
    Access { methods: Methods::Any, path: "/gelf", roles: Some(&[Role::Push]) },
    Access { methods: Methods::Any, path: "/ingest/ndjson", roles: Some(&[Role::Push]) },
    Access { methods: Methods::Any, path: "/v1/logs", roles: Some(&[Role::Push]) },
    Access { methods: Methods::Any, path: "/loki/api/v1/push", roles: Some(&[Role::Push]) },
    Access { methods: Methods::Any, path: "/es", roles: Some(&[Role::Push]) },
    Access { methods: Methods::Any, path: "/es/*", roles: Some(&[Role::Push]) },
    // It only reads; its question is too long for an address.
    Access { methods: Methods::Any, path: "/api/aggregate", roles: Some(&[Role::Read]) },
    // The form to sign in is part of the page.
    Access { methods: Methods::Reading, path: "/", roles: None },
    Access { methods: Methods::Reading, path: "/assets/*", roles: None },
    Access { methods: Methods::Any, path: "/api/backtest", roles: Some(&[Role::Read]) },
];

/// Serves on `listener` until `stop` completes; requests under way are answered first.
pub async fn serve(listener: TcpListener, handlers: Handlers, stop: impl Future<Output = ()> + Send) {
    let limits = handlers.connections;
    serving::serve(listener, router(handlers), limits, stop).await;
}

/// Serves on a socket of this machine until `stop` completes. Nobody has to say who he is: who can open the
/// socket owns the data, and may read it as slowly as a pager does.
pub async fn serve_socket(listener: UnixListener, handlers: Handlers, stop: impl Future<Output = ()> + Send) {
    let handlers = Handlers { hosts: Hosts::Any, authentication: Arc::default(), ..handlers };
    let limits = ConnectionLimits { stall_timeout: Duration::MAX, ..handlers.connections };
    serving::serve(listener, router(handlers), limits, stop).await;
}

/// Serves what writes to Elasticsearch on a port of its own until `stop` completes.
pub async fn serve_elastic(listener: TcpListener, handlers: Handlers, stop: impl Future<Output = ()> + Send) {
    let guard = middleware::from_fn_with_state(handlers.clone(), access::elastic_guard);
    let limits = handlers.connections;
    let router = Router::new().fallback(elastic::at_root).layer(guard).with_state(handlers);
    serving::serve(listener, router, limits, stop).await;
}

fn router(handlers: Handlers) -> Router {
    let guard = middleware::from_fn_with_state(handlers.clone(), access::guard);
    let room = AnswerRoom::new(handlers.connections.answer_bytes_max);
    Routes::of(&handlers)
        .router
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::not_allowed)
        .layer(middleware::from_fn_with_state(room, answer_room::charge))
        .layer(guard)
        .with_state(handlers)
}

/// What is served, and a list of it, by which the document of the API is checked.
struct Routes {
    router: Router<Handlers>,
    served: Vec<(Method, &'static str)>,
}

impl Routes {
    fn of(handlers: &Handlers) -> Self {
        let routes = Self { router: Router::new(), served: Vec::new() }.get("/metrics", metrics::metrics);
        let routes = if handlers.gateway.is_some() { routes.gateway() } else { routes };
        routes
            .get("/api/search", records::search)
            .get("/api/aggregate", records::aggregate_by_query)
            .post("/api/aggregate", records::aggregate)
            .get("/api/tail", records::tail)
            .get("/api/fields", records::fields)
            .get("/api/story", records::story)
            .get("/api/context", records::context)
            .get("/api/line", admin::line)
            .post("/api/delete", records::delete)
            .get("/api/routes", routes::routes)
            .get("/api/sources", admin::sources)
            .get("/api/status", status::status)
            .get("/api/notifications", notifications::notifications)
            .get("/api/searches", searches::list)
            .on(Method::PUT, MethodFilter::PUT, "/api/searches/{name}", searches::save)
            .on(Method::DELETE, MethodFilter::DELETE, "/api/searches/{name}", searches::remove)
            .get("/api/audit", audit::page)
            .get("/api/session", session::status)
            .post("/api/session", session::sign_in)
            .on(Method::DELETE, MethodFilter::DELETE, "/api/session", session::sign_out)
            .get("/api/slas", admin::slas)
            .get("/api/alerts", admin::alerts)
            .get("/api/backtest", admin::backtest)
            .post("/api/backtest", admin::backtest_config)
            .get("/api/rejects", admin::rejects)
            .get("/api/rejects/{id}", admin::reject)
            .post("/api/rejects/replay", admin::replay)
            .post("/api/backfill", admin::backfill)
            .get("/api/v2/alerts", alerting::alerts)
            .get("/api/v2/status", alerting::status)
            .get("/api/v2/silences", alerting::silences)
            .post("/api/v2/silences", alerting::set_silence)
            .get("/api/v2/silence/{id}", alerting::silence)
            .on(Method::DELETE, MethodFilter::DELETE, "/api/v2/silence/{id}", alerting::expire_silence)
            .get("/api/openapi.json", openapi::openapi)
            .writers()
            .post("/-/reload", admin::reload)
            .get("/-/healthy", health::healthy)
            .get("/healthy", health::healthy)
            .get("/-/ready", health::ready)
            .get("/ready", health::ready)
            .get("/", page::index)
            .get("/assets/{*path}", page::asset)
    }

    fn writers(mut self) -> Self {
        self = self
            .post("/gelf", writers::gelf)
            .on(Method::OPTIONS, MethodFilter::OPTIONS, "/gelf", writers::preflight)
            .post("/ingest/ndjson", writers::ndjson)
            .on(Method::OPTIONS, MethodFilter::OPTIONS, "/ingest/ndjson", writers::preflight)
            .post("/v1/logs", writers::otlp::logs)
            .post("/loki/api/v1/push", writers::loki::push);
        for path in ["/es", "/es/", "/es/{*path}"] {
            self = self
                .get(path, elastic::below_prefix)
                .post(path, elastic::below_prefix)
                .on(Method::PUT, MethodFilter::PUT, path, elastic::below_prefix)
                .on(Method::DELETE, MethodFilter::DELETE, path, elastic::below_prefix);
        }
        self
    }

    fn gateway(mut self) -> Self {
        for path in ["/metrics", "/metrics/", "/metrics/{*pairs}"] {
            self = self
                .post(path, gateway::push)
                .on(Method::PUT, MethodFilter::PUT, path, gateway::push)
                .on(Method::DELETE, MethodFilter::DELETE, path, gateway::delete)
                .on(Method::OPTIONS, MethodFilter::OPTIONS, path, gateway::preflight);
        }
        self
    }

    fn get<T: 'static>(self, path: &'static str, handler: impl Handler<T, Handlers>) -> Self {
        self.on(Method::GET, MethodFilter::GET, path, handler)
    }

    fn post<T: 'static>(self, path: &'static str, handler: impl Handler<T, Handlers>) -> Self {
        self.on(Method::POST, MethodFilter::POST, path, handler)
    }

    fn on<T: 'static>(
        mut self,
        method: Method,
        filter: MethodFilter,
        path: &'static str,
        handler: impl Handler<T, Handlers>,
    ) -> Self {
        self.served.push((method, path));
        self.router = self.router.route(path, on(filter, handler));
        self
    }
}
