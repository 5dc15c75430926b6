//! A connection to Redis, and what its errors mean for who reads the log.
//!
//! No pool and no manager that connects again by itself: a reader must look at what it left behind whenever its
//! connection is another one, so it has to know. Errors of a cluster are worded here because the library's name the
//! protocol's codes, and who reads `MOVED` at night wants to know what to change.

use std::fmt;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, IntoConnectionInfo, ParsingError, RedisError,
    ServerErrorKind,
};

use super::RedisServer;
use super::rivals::CLIENT_NAME;

/// How long a connection may take to be there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer may take; beyond it the connection is given up. A server that saves or loads can be silent for
/// seconds, and a half-open connection is silent for ever.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(15);

/// An URL that is none of Redis.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected redis://[user:password@]host[:port][/db], rediss://... or unix:///path")]
pub struct RedisUrlError;

/// Whether an URL is one of Redis.
///
/// # Errors
///
/// [`RedisUrlError`] where it is not.
pub fn check_redis_url(url: &str) -> Result<(), RedisUrlError> {
    url.into_connection_info().map(|_| ()).map_err(|_| RedisUrlError)
}

/// Why Redis does not answer as it should.
#[derive(Debug)]
pub(super) enum Trouble {
    Redis(RedisError),
    /// The file with the password cannot be read.
    Password(String, std::io::Error),
    /// The server ended the connection.
    Closed,
    /// There was no sign of life.
    Silent,
}

impl From<RedisError> for Trouble {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

impl From<ParsingError> for Trouble {
    fn from(error: ParsingError) -> Self {
        Self::Redis(error.into())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = match self {
            Self::Password(path, error) => return write!(f, "cannot read password_file {path}: {error}"),
            Self::Closed => return f.write_str("the server closed the connection"),
            Self::Silent => return f.write_str("the server does not answer"),
            Self::Redis(error) => error,
        };
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask) => {
                let node = error.redirect_node().map_or("another one", |(node, _)| node);
                write!(f, "this node of the cluster does not have the key; set url to the node that has it: {node}")
            }
            ErrorKind::Server(ServerErrorKind::ReadOnly) => {
                f.write_str("this is a replica, from which nothing can be taken; set url to the master")
            }
            ErrorKind::Server(ServerErrorKind::CrossSlot) => f.write_str(
                "the cluster does not keep the key and its processing lists together; give the key no braces, or one \
                 {part} in braces",
            ),
            _ => write!(f, "{error}"),
        }
    }
}

/// The address and credentials; a password in a file comes before that of the URL.
fn connection_info(server: &RedisServer) -> Result<ConnectionInfo, Trouble> {
    let info = server.url.as_str().into_connection_info()?;
    let Some(path) = &server.password_file else { return Ok(info) };
    let password = std::fs::read_to_string(path)
        .map_err(|error| Trouble::Password(path.display().to_string(), error))?;
    let settings = info.redis_settings().clone().set_password(password.trim_end_matches(['\n', '\r']));
    Ok(info.set_redis_settings(settings))
}

pub(super) fn client(server: &RedisServer) -> Result<Client, Trouble> {
    Ok(Client::open(connection_info(server)?)?)
}

/// Connects, with our name on the connection.
pub(super) async fn connect(server: &RedisServer) -> Result<MultiplexedConnection, Trouble> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT));
    let mut connection = client(server)?.get_multiplexed_async_connection_with_config(&config).await?;
    // A name is a help to others, and a user may lack the right to give one.
    let named: Result<(), RedisError> =
        redis::cmd("CLIENT").arg("SETNAME").arg(CLIENT_NAME).query_async(&mut connection).await;
    match named {
        Err(error) if error.is_unrecoverable_error() => Err(error.into()),
        _ => Ok(connection),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_redis_are_told_from_others() {
        for url in ["redis://127.0.0.1", "redis://u:p@h:6380/2", "rediss://h", "unix:///run/redis.sock"] {
            assert_eq!(check_redis_url(url), Ok(()), "{url}");
        }
        for url in ["", "127.0.0.1:6379", "http://h", "redis://"] {
            assert_eq!(check_redis_url(url), Err(RedisUrlError), "{url}");
        }
    }
}
