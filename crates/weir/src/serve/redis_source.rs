//! Starts a source of Redis, under the name by which its processing lists are found again.
//!
//! The name, the instance, is made once and kept in the ledger *before* anything is taken: lists with a name that
//! nobody remembers would never be looked at again. It belongs to the source and not to the data folder, so that two
//! sources with the same list do not take each other's batches for left behind.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use weir_ingest::redis::{RedisInput as Reading, RedisServer, RedisSource};

use super::commit::Request;
use super::intake::Intake;
use super::message_sink::Completeness;
use super::sources::{Shared, end_messages, start_messages};
use crate::config::{RedisInput, RedisKeys};

/// Under which the ledger has the instance of a source.
const INSTANCE: &str = "redis/instance/";

/// Starts the source; the handle completes when it has ended.
///
/// # Errors
///
/// When a thread cannot be started.
pub async fn start(
    input: &RedisInput,
    intake: Intake,
    shared: &Shared,
    stop: watch::Receiver<bool>,
) -> std::io::Result<JoinHandle<()>> {
    let name = intake.source.to_string();
    let server = RedisServer { url: input.url.clone(), password_file: input.password_file.clone() };
    let keys = input.keys.clone();
    let (messages, thread) = start_messages(intake, shared, Completeness::WhenTold)?;
    let shared = shared.clone();
    Ok(tokio::spawn(async move {
        let reading = match keys {
            RedisKeys::Channels(channels) => Some(Reading::Channels(channels)),
            RedisKeys::Lists(keys, batch_max) => {
                let instance = instance(&name, &shared).await;
                instance.map(|instance| Reading::Lists { keys, batch_max, instance })
            }
        };
        if let Some(input) = reading {
            RedisSource { name, server, input }.run(Arc::new(messages.clone()), stop).await;
        }
        end_messages(&messages, thread).await;
    }))
}

/// The instance of a source, made and kept where there is none yet; `None` where the server ends before that.
async fn instance(source: &str, shared: &Shared) -> Option<String> {
    let name = format!("{INSTANCE}{source}");
    match shared.ledger.read(|ledger| ledger.state::<Vec<u8>>(&name)) {
        Ok(Some(instance)) => return String::from_utf8(instance).ok(),
        Ok(None) => {}
        Err(error) => {
            // Another one would leave the batches of this one where they are.
            tracing::error!(source, error = %error, "the name of a Redis source cannot be read; it is not started");
            return None;
        }
    }
    let random = || RandomState::new().build_hasher().finish();
    let instance = format!("{:016x}", random());
    let (done, is_done) = oneshot::channel();
    shared.commits.send_async(Request::Keep(name, instance.clone().into_bytes(), done)).await.ok()?;
    is_done.await.ok()?;
    Some(instance)
}
