//! Finds who answers: the server that is named, the one of the data folder, or nobody.
//!
//! Only one process may have the ledger open. So a server that runs is asked; where none does, the command
//! starts the engine that the server would have, without sources and HTTP, and asks that.

use std::path::Path;

use anyhow::{Context, bail};
use http_body_util::BodyExt;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;
use weir_ledger::LedgerError;
use weir_web::{
    Admin, AdminProblem, AggregateAnswer, AggregateRequest, BackfillProgress, BackfillRequest,
    BacktestAnswer, BacktestRequest, DeleteAnswer, DeleteRequest, ProblemKind, Records, RejectDetail,
    RejectsPage, RejectsQuery, ReplayRequest, ReplayResult, RoutesAnswer, RoutesQuery, SearchAnswer,
    SearchQuery,
};

use super::arguments::ServerArguments;
use super::client::{ApiClient, escaped};
use crate::config::Config;
use crate::output::UsageError;
use crate::password_file::read_password;
use crate::search;
use crate::serve::{Desk, Engine, Purpose, has_ledger, open_ledger, records, socket_path};
use crate::setup;

/// Who answers.
pub enum Connection {
    /// A server.
    Server(Box<ApiClient>),
    /// This process.
    Own(Box<Own>),
}

/// The engine of this process.
pub struct Own {
    engine: Engine,
    desk: Desk,
    admin: Admin,
    records: Records,
    stop: watch::Sender<bool>,
}

impl Connection {
    /// Finds the server, or opens the data folder; one that is not there is made if `may_make_folder`.
    ///
    /// # Errors
    ///
    /// A wrong config or address, or a data folder that cannot be opened.
    pub async fn open(arguments: &ServerArguments, may_make_folder: bool) -> anyhow::Result<Self> {
        if let Some(client) = named_server(arguments)? {
            return Ok(Self::Server(Box::new(client)));
        }
        let config = config_of(arguments)?;
        let socket = socket_path(&config.data_dir);
        if let Some(client) = ApiClient::on_socket(&socket).await {
            return Ok(Self::Server(Box::new(client)));
        }
        if !may_make_folder && !has_ledger(&config.data_dir) {
            bail!(
                "nothing was counted in {}; name the data folder with --data-dir, or a config",
                config.data_dir.display()
            );
        }
        let ledger = open_ledger(&config.data_dir).map_err(|error| without_socket(error, &socket))?;
        let engine = Engine::start(&config, ledger, Purpose::Command)?;
        let (stop, stopped) = watch::channel(false);
        let desk = Desk::new(&config, engine.shared.clone(), stopped.clone());
        let (admin, records) = (desk.admin(), records(&engine.shared, stopped));
        Ok(Self::Own(Box::new(Own { engine, desk, admin, records, stop })))
    }

    /// Finds the server, for what only a server can do.
    ///
    /// # Errors
    ///
    /// A wrong config or address, or no server.
    pub async fn server(arguments: &ServerArguments) -> anyhow::Result<ApiClient> {
        if let Some(client) = named_server(arguments)? {
            return Ok(client);
        }
        let config = config_of(arguments)?;
        let found = ApiClient::on_socket(&socket_path(&config.data_dir)).await;
        found.with_context(|| {
            format!(
                "no server runs on {}; start weir serve, or name one with --server",
                config.data_dir.display()
            )
        })
    }

    /// A page of records.
    ///
    /// # Errors
    ///
    /// No answer, or one that says what is wrong; so with all that follow.
    pub async fn search(&self, query: SearchQuery) -> anyhow::Result<SearchAnswer> {
        match self {
            Self::Own(own) => (own.records.search)(query).await.map_err(search::told),
            Self::Server(client) => client.get(&search_path(&query)?).await,
        }
    }

    /// All records that match, as lines; `each` gets them piece by piece.
    pub async fn export(
        &self,
        query: SearchQuery,
        mut each: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Own(own) => {
                let mut stream = (own.records.export)(query).await.map_err(search::told)?;
                while let Some(frame) = stream.frame().await {
                    each(&frame?.into_data().unwrap_or_default())?;
                }
            }
            Self::Server(client) => {
                let mut stream = client.stream(&search_path(&query)?).await?;
                while let Some(bytes) = stream.next_chunk().await? {
                    each(&bytes)?;
                }
            }
        }
        Ok(())
    }

    /// Numbers of groups of records.
    pub async fn aggregate(&self, request: AggregateRequest) -> anyhow::Result<AggregateAnswer> {
        match self {
            Self::Own(own) => (own.records.aggregate)(request).await.map_err(search::told),
            Self::Server(client) => client.post("/api/aggregate", serde_json::to_vec(&request)?).await,
        }
    }

    /// Numbers of routes; of everything that was counted where it has no query.
    pub async fn routes(&self, query: RoutesQuery) -> anyhow::Result<RoutesAnswer> {
        match self {
            Self::Own(own) => (own.records.routes)(query).await.map_err(search::told),
            Self::Server(client) => client.get(&path_of("/api/routes", &query)?).await,
        }
    }

    /// Removes records.
    pub async fn delete(&self, request: DeleteRequest) -> anyhow::Result<DeleteAnswer> {
        match self {
            Self::Own(own) => (own.records.delete)(request).await.map_err(search::told),
            Self::Server(client) => client.post("/api/delete", serde_json::to_vec(&request)?).await,
        }
    }

    /// What alerts a config would have given.
    pub async fn backtest(&self, request: BacktestRequest) -> anyhow::Result<BacktestAnswer> {
        match self {
            Self::Own(own) => (own.admin.backtest_config)(request).await.map_err(told),
            Self::Server(client) => client.post("/api/backtest", serde_json::to_vec(&request)?).await,
        }
    }

    /// A page of rejects.
    ///
    /// # Errors
    ///
    /// No answer, or one that says what is wrong; so with all that follow.
    pub async fn rejects(&self, query: RejectsQuery) -> anyhow::Result<RejectsPage> {
        match self {
            Self::Own(own) => (own.admin.rejects)(query).await.map_err(told),
            Self::Server(client) => client.get(&rejects_path(&query)).await,
        }
    }

    /// One reject.
    pub async fn reject(&self, id: u64) -> anyhow::Result<RejectDetail> {
        match self {
            Self::Own(own) => (own.admin.reject)(id).await.map_err(told),
            Self::Server(client) => client.get(&format!("/api/rejects/{id}")).await,
        }
    }

    /// Reads rejects again.
    pub async fn replay(&self, request: ReplayRequest) -> anyhow::Result<ReplayResult> {
        match self {
            Self::Own(own) => (own.admin.replay)(request).await.map_err(told),
            Self::Server(client) => client.post("/api/rejects/replay", serde_json::to_vec(&request)?).await,
        }
    }

    /// Runs a backfill to its end; `each` is told how far it is. At Ctrl-C it stops where it may.
    pub async fn backfill(
        &self,
        request: BackfillRequest,
        mut each: impl FnMut(&BackfillProgress),
    ) -> anyhow::Result<BackfillProgress> {
        let mut last = None;
        match self {
            Self::Own(own) => {
                let mut progress = (own.admin.backfill)(request).await.map_err(told)?;
                loop {
                    let message = tokio::select! {
                        message = progress.recv() => message,
                        _ = tokio::signal::ctrl_c(), if !*own.stop.borrow() => {
                            own.stop.send_replace(true);
                            continue;
                        }
                    };
                    let Some(message) = message else { break };
                    each(&message);
                    last = Some(message);
                }
            }
            Self::Server(client) => {
                let body = serde_json::to_vec(&request)?;
                let read = client.post_for_lines("/api/backfill", body, |message: BackfillProgress| {
                    each(&message);
                    last = Some(message);
                });
                read.await?;
            }
        }
        last.context("the backfill ended without a word; look at the server's log")
    }

    /// Ends the engine of this process, if there is one.
    ///
    /// # Errors
    ///
    /// When it could not commit.
    pub async fn close(self) -> anyhow::Result<()> {
        let Self::Own(own) = self else { return Ok(()) };
        let Own { engine, desk, admin, records, stop } = *own;
        stop.send_replace(true);
        desk.ended().await;
        drop((desk, admin, records));
        engine.stop().await
    }
}

/// The server that the arguments or the environment name, if they do.
fn named_server(arguments: &ServerArguments) -> anyhow::Result<Option<ApiClient>> {
    let named = arguments.server.clone().or_else(|| setup::environment("WEIR_SERVER"));
    let Some(address) = named.filter(|address| !address.is_empty()) else { return Ok(None) };
    let file = setup::environment("WEIR_TOKEN_FILE").filter(|path| !path.is_empty());
    let token = file.map(|path| read_password(Path::new(&path))).transpose()?;
    ApiClient::at(&address, token.as_deref()).map(Some)
}

/// The config, with the data folder that the arguments name.
fn config_of(arguments: &ServerArguments) -> anyhow::Result<Config> {
    let mut config = setup::load_config(arguments.config.config.as_deref())?;
    if let Some(folder) = &arguments.data_dir {
        config.data_dir.clone_from(folder);
    }
    Ok(config)
}

/// The address of a search.
fn search_path(query: &SearchQuery) -> anyhow::Result<String> {
    path_of("/api/search", query)
}

/// The address of a question, by the shape that the server reads.
fn path_of(path: &str, query: &impl Serialize) -> anyhow::Result<String> {
    let members = serde_json::to_value(query)?;
    let members = members.as_object().context("a question is an object")?;
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(escaped(text)),
        other => Some(escaped(&other.to_string())),
    };
    let pairs: Vec<String> =
        members.iter().filter_map(|(name, value)| Some(format!("{name}={}", text(value)?))).collect();
    Ok(format!("{path}?{}", pairs.join("&")))
}

fn rejects_path(query: &RejectsQuery) -> String {
    let numbers = [("after", query.after), ("limit", query.limit.map(|limit| limit as u64))];
    let numbers = numbers.into_iter().filter_map(|(name, value)| Some((name, value?.to_string())));
    let texts = [("source", &query.source), ("reason", &query.reason)];
    let texts = texts.into_iter().filter_map(|(name, value)| Some((name, escaped(value.as_ref()?))));
    let pairs: Vec<String> = numbers.chain(texts).map(|(name, value)| format!("{name}={value}")).collect();
    format!("/api/rejects?{}", pairs.join("&"))
}

/// What is wrong, as the command says it: wrong use is told from failure.
fn told(problem: AdminProblem) -> anyhow::Error {
    if problem.kind == ProblemKind::BadRequest {
        return UsageError::new("cannot do this", problem).into();
    }
    problem.into()
}

/// A ledger that another process has, and no way to ask that.
fn without_socket(error: anyhow::Error, socket: &Path) -> anyhow::Error {
    match error.downcast_ref() {
        Some(LedgerError::Locked { .. }) => error.context(format!(
            "a server has the data folder and nobody answers at {}; name its address with --server",
            socket.display()
        )),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_what_was_asked_for() {
        let query =
            RejectsQuery { after: Some(3), limit: None, source: Some("a b".to_owned()), reason: None };
        assert_eq!(rejects_path(&query), "/api/rejects?after=3&source=a%20b");
        assert_eq!(rejects_path(&RejectsQuery::default()), "/api/rejects?");
        let query = SearchQuery {
            query: Some("a:\"b c\"".to_owned()),
            limit: Some(5),
            total: Some(false),
            ..SearchQuery::default()
        };
        assert_eq!(search_path(&query).unwrap(), "/api/search?limit=5&query=a%3A%22b%20c%22&total=false");
    }
}
