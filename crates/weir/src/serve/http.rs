//! What the outside world asks of the server: handlers, users, and where remote write goes.
//!
//! The one place where secrets are read from their files.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use weir_ledger::ObjectId;
use weir_ship::Authorization;
use weir_ship::remote_write::{RemoteWriteSender, RemoteWriteTarget};
use weir_web::{
    Admin, Alerting, Audit, Authentication, BoxFuture, ConnectionLimits, Gateway, GatewayOptions, Handlers,
    Hosts, PasswordSecret, PushAnswer, PushRequest, Searches, Site, SuccessStatus, WriteFn, WriterOptions,
    Writers,
};

use super::commit::{Commits, Pushed, Request};
use super::remote_write::Shipping;
use super::socket::Socket;
use super::sources::Shared;
use super::state::State;
use crate::config::{Access, Config, Http, Login, RemoteWrite, User};

/// A secret is a line; what is longer is the wrong file.
const SECRET_BYTES_MAX: usize = 64 << 10;

/// The HTTP server while it runs.
pub struct HttpServer {
    task: JoinHandle<()>,
    elastic: Option<JoinHandle<()>>,
    socket: Option<Socket>,
}

/// Where it listens.
pub struct Listeners {
    /// For everybody.
    pub main: TcpListener,
    /// For clients of Elasticsearch, on a port of their own.
    pub elastic: Option<TcpListener>,
}

/// Who answers what is not answered here.
pub struct Handed {
    /// Sources, rejects, replays, backfills.
    pub admin: Admin,
    /// What is written.
    pub write: Arc<WriteFn>,
    /// Alerts and silences.
    pub alerting: Alerting,
    /// Saved searches.
    pub searches: Searches,
    /// Who did what.
    pub audit: Audit,
}

impl HttpServer {
    /// Completes when all requests under way were answered.
    pub async fn ended(&mut self) {
        if let Some(socket) = &mut self.socket {
            socket.ended().await;
        }
        for task in std::iter::once(&mut self.task).chain(&mut self.elastic) {
            if task.await.is_err() {
                tracing::error!("the HTTP server ended badly");
            }
        }
    }

    /// Ends it at once.
    pub fn abort(&self) {
        self.task.abort();
        self.elastic.iter().for_each(JoinHandle::abort);
        if let Some(socket) = &self.socket {
            socket.abort();
        }
    }
}

/// Serves on `listener` and on the data folder's socket until `stop`.
///
/// # Errors
///
/// A secret that cannot be read.
pub async fn start(
    config: &Config,
    listeners: Listeners,
    shared: &Shared,
    handed: Handed,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<HttpServer> {
    let handlers = Handlers {
        records: Some(super::records::records(shared, stop.clone())),
        ..handlers(config, shared, handed, authentication(&config.http)?)
    };
    let elastic = listeners.elastic.map(|listener| {
        let (handlers, mut stopped) = (handlers.clone(), stop.clone());
        tokio::spawn(weir_web::serve_elastic(listener, handlers, async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        }))
    });
    let socket = Socket::start(&config.data_dir, handlers.clone(), stop.clone());
    let mut stopped = stop;
    let task = tokio::spawn(weir_web::serve(listeners.main, handlers, async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    }));
    Ok(HttpServer { task, elastic, socket })
}

fn handlers(config: &Config, shared: &Shared, handed: Handed, authentication: Authentication) -> Handlers {
    let Handed { admin, write, alerting, searches, audit } = handed;
    let (snapshots, routes, ready) =
        (Arc::clone(&shared.state), Arc::clone(&shared.state), Arc::clone(&shared.state));
    let commits = shared.commits.clone();
    Handlers {
        snapshot: Arc::new(move |scraper| {
            let (snapshot, has_news) = snapshots.snapshot(scraper);
            if has_news {
                // What was shown for the first time is written soon; where it can't be, it is shown so again.
                commits.try_send(Request::Tick);
            }
            snapshot
        }),
        routes: Arc::new(move |query| routes.routes(&query)),
        is_ready: Arc::new(move || ready.is_ready()),
        gateway: Some(gateway(config, shared)),
        admin: Some(admin),
        writers: Writers::new(write, writer_options(config)),
        alerting: Some(alerting),
        records: None,
        searches: Some(searches),
        audit: Some(audit),
        site: Site::new(config.http.external_url.as_deref()),
        connections: ConnectionLimits::default(),
        hosts: hosts(&config.http),
        authentication: Arc::new(authentication),
    }
}

/// The names that the server answers to: where nobody logs in and it was not opened to everyone, those of this
/// machine.
fn hosts(http: &Http) -> Hosts {
    if http.access != Access::ThisMachine {
        return Hosts::Any;
    }
    let external = http.external_url.as_deref().and_then(|url| url.split_once("://"));
    let name = external.map(|(_, rest)| rest.split(['/', ':']).next().unwrap_or_default().to_owned());
    Hosts::ThisMachine(name)
}

fn writer_options(config: &Config) -> WriterOptions {
    WriterOptions {
        body_bytes_max: config.limits.write_bytes,
        unpacked_bytes_max: config.limits.write_unpacked_bytes,
        cors_origins: config.gateway.cors_origins.clone(),
        elastic_version: config.es.version.clone(),
    }
}

fn gateway(config: &Config, shared: &Shared) -> Gateway {
    let options = GatewayOptions {
        url_labels: config.gateway.url_labels,
        success: if config.gateway.status == 200 { SuccessStatus::Ok } else { SuccessStatus::Accepted },
        cors_origins: config.gateway.cors_origins.clone(),
        body_bytes_max: config.limits.push_bytes,
        unpacked_bytes_max: config.limits.push_unpacked_bytes,
    };
    let (push_state, push_commits) = (Arc::clone(&shared.state), shared.commits.clone());
    let push = move |request: PushRequest| -> BoxFuture<PushAnswer> {
        let PushRequest { push, idempotency_key } = request;
        let key = idempotency_key.map(|key| ObjectId::of(&["push", &key]).0);
        let (state, commits) = (Arc::clone(&push_state), push_commits.clone());
        Box::pin(async move { commit(&state, &commits, |answer| Request::Push(push, key, answer)).await })
    };
    let (delete_state, delete_commits) = (Arc::clone(&shared.state), shared.commits.clone());
    let delete = move |grouping| -> BoxFuture<PushAnswer> {
        let (state, commits) = (Arc::clone(&delete_state), delete_commits.clone());
        Box::pin(async move { commit(&state, &commits, |answer| Request::Delete(grouping, answer)).await })
    };
    Gateway::new(Arc::new(push), Arc::new(delete), options)
}

/// Hands a request to the commit thread, and waits until it is durable or refused.
async fn commit(
    state: &State,
    commits: &Commits,
    request: impl FnOnce(oneshot::Sender<Pushed>) -> Request,
) -> PushAnswer {
    if !state.is_writable() {
        return PushAnswer::DiskFull;
    }
    let (answer, answered) = oneshot::channel();
    if commits.send_async(request(answer)).await.is_err() {
        return PushAnswer::Busy;
    }
    match answered.await {
        Ok(Pushed::Done) => PushAnswer::Done,
        Ok(Pushed::Known) => PushAnswer::Known,
        Ok(Pushed::Refused(refused)) => PushAnswer::Refused(refused),
        Ok(Pushed::DiskFull) => PushAnswer::DiskFull,
        Err(_) => PushAnswer::Busy,
    }
}

/// Who may do what, with the secrets from their files.
///
/// # Errors
///
/// A file that cannot be read, or holds no secret.
fn authentication(http: &Http) -> anyhow::Result<Authentication> {
    let Access::Users(users) = &http.access else { return Ok(Authentication::None) };
    let users = users.iter().map(web_user).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Authentication::users_with(users, http.sessions))
}

fn web_user(user: &User) -> anyhow::Result<weir_web::User> {
    let password = user.password_file.as_deref().map(secret).transpose()?;
    let password = password.map(|text| {
        PasswordSecret::parse(&text)
            .map_err(|problem| anyhow::anyhow!("the password file of the user {}: {problem}", user.name))
    });
    Ok(weir_web::User {
        name: user.name.clone(),
        password: password.transpose()?,
        token: user.token_file.as_deref().map(secret).transpose()?,
        roles: user.roles.clone(),
    })
}

/// The first line of a file that holds a secret.
///
/// # Errors
///
/// It cannot be read, or the line is empty.
pub fn secret(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let bytes = fs::read(path).with_context(|| format!("cannot read the secret in {shown}"))?;
    if bytes.len() > SECRET_BYTES_MAX {
        bail!("{shown} is too large to be a secret; name the file that holds nothing else");
    }
    let text = String::from_utf8(bytes).with_context(|| format!("the secret in {shown} is not UTF-8"))?;
    match text.lines().next().map(str::trim) {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => bail!("the first line of {shown} is empty; write the secret into it"),
    }
}

/// A remote write that is not running yet.
pub struct ReadyShipping {
    sender: RemoteWriteSender,
    name: Arc<str>,
    queue: String,
    window: std::time::Duration,
}

impl ReadyShipping {
    /// What runs.
    pub fn into_task(self, shared: &Shared) -> Shipping {
        Shipping {
            name: self.name,
            queue: self.queue,
            sender: self.sender,
            window: self.window,
            ledger: Arc::clone(&shared.ledger),
            commits: shared.commits.clone(),
            state: Arc::clone(&shared.state),
        }
    }
}

/// The connections of all remote writes, of which `queues` has the names; nothing is opened yet.
///
/// # Errors
///
/// A secret that cannot be read, or an address that cannot be used.
pub fn shippings(config: &Config, queues: &[(Arc<str>, String)]) -> anyhow::Result<Vec<ReadyShipping>> {
    let targets = config.metrics.remote_write.iter().zip(queues);
    targets.map(|(target, queue)| shipping(target, queue)).collect()
}

/// How to log in at another server, with the secret from its file.
///
/// # Errors
///
/// A secret that cannot be read.
pub fn authorization(login: &Login) -> anyhow::Result<Authorization> {
    Ok(match login {
        Login::None => Authorization::None,
        Login::Basic { username, password_file } => {
            Authorization::Basic { username: username.clone(), password: secret(password_file)? }
        }
        Login::Bearer { token_file } => Authorization::Bearer(secret(token_file)?),
    })
}

fn shipping(target: &RemoteWrite, (name, queue): &(Arc<str>, String)) -> anyhow::Result<ReadyShipping> {
    let authorization = authorization(&target.login)?;
    let sender = RemoteWriteSender::new(&RemoteWriteTarget {
        url: target.url.clone(),
        authorization,
        headers: Vec::new(),
        timeout: target.timeout,
    });
    Ok(ReadyShipping {
        sender: sender.with_context(|| format!("cannot write to the remote write {}", target.name))?,
        name: Arc::clone(name),
        queue: queue.clone(),
        window: target.out_of_order_time_window,
    })
}
