//! Lists and channels of Redis, where Beaver and other shippers put lines.
//!
//! Who takes an entry off a list with `LPOP` and then ends has lost it, as Logstash does. So entries are *moved*: one
//! script takes up to a batch of them off the list's left end and onto a processing list of their own, in one step
//! that Redis does whole or not at all. The processing list is deleted when the batch is durable here. What is left
//! of one after a crash is read again; its identity, which is committed with its records, says whether it was counted
//! (`names.rs` has what an identity is made of, and why that holds when Redis forgets its last second).
//!
//! A channel keeps nothing: what is published while nobody listens is gone, and what is there when the program is
//! killed is too, as with UDP.
//!
//! Leaving entries on the list until they are durable was refused: two readers of one list would read the same.

mod channel;
mod connection;
mod in_flight;
mod list;
mod names;
mod rivals;
mod script;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinSet;
use weir_record::Timestamp;

use crate::MessageSink;
use channel::ChannelReader;
pub use connection::{RedisUrlError, check_redis_url};
use list::ListReader;

/// Entries moved at once, unless the user says otherwise. Redis does nothing else meanwhile, so this bounds what other
/// clients wait: some milliseconds.
pub const BATCH_ENTRIES_DEFAULT: usize = 5_000;

/// Bytes of entries moved at once, unless the user says otherwise. Four batches are on their way at most.
pub const BATCH_BYTES_DEFAULT: usize = 4 << 20;

/// Where to reach Redis, and how to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisServer {
    /// `redis://[user:password@]host[:port][/db]`, `rediss://` for TLS, or `unix:///path`.
    pub url: String,
    /// A file with the password, read at each connection.
    pub password_file: Option<PathBuf>,
}

/// What a batch holds at most; whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchMax {
    /// Entries, at least 1.
    pub entries: usize,
    /// Bytes of entries. One entry is moved however long it is.
    pub bytes: usize,
}

/// What is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisInput {
    /// Lists, by key.
    Lists {
        /// Their keys.
        keys: Vec<String>,
        /// What is moved at once.
        batch_max: BatchMax,
        /// Tells this reader's processing lists from those of others; never to be used by two at once.
        instance: String,
    },
    /// Channels, or patterns of such (`logs.*`).
    Channels(Vec<String>),
}

/// Reads lists or channels of one server into a sink.
#[derive(Clone, Debug)]
pub struct RedisSource {
    /// Its name in the config, for the log.
    pub name: String,
    /// The server.
    pub server: RedisServer,
    /// What is read from it.
    pub input: RedisInput,
}

impl RedisSource {
    /// Runs until `stop` says true or its sender is gone. Never ends for an error.
    pub async fn run<S: MessageSink>(self, sink: Arc<S>, stop: watch::Receiver<bool>) {
        match self.input {
            RedisInput::Lists { keys, batch_max, instance } => {
                let complete = Arc::new(Complete::new(keys.len()));
                let mut readers = JoinSet::new();
                for (index, key) in keys.into_iter().enumerate() {
                    let reader = ListReader::new(
                        &self.name,
                        &self.server,
                        &key,
                        batch_max,
                        &instance,
                        Arc::clone(&sink),
                    );
                    let (stop, complete, sink) = (stop.clone(), Arc::clone(&complete), Arc::clone(&sink));
                    readers.spawn(reader.run(stop, move |at| {
                        let _ = complete.set(index, at).map(|at| sink.caught_up(at));
                    }));
                }
                while readers.join_next().await.is_some() {}
            }
            RedisInput::Channels(channels) => {
                ChannelReader { source: self.name, server: self.server, channels, sink }.run(stop).await;
            }
        }
    }
}

/// Completes when the program stops.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|is_stopped| *is_stopped).await;
}

/// Up to when each of several lists is complete.
struct Complete {
    moments: Mutex<Vec<Option<Timestamp>>>,
}

impl Complete {
    fn new(lists: usize) -> Self {
        Self { moments: Mutex::new(vec![None; lists]) }
    }

    /// Notes a moment of one list, and gives the moment up to which all are complete.
    fn set(&self, list: usize, at: Timestamp) -> Option<Timestamp> {
        let mut moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        moments[list] = Some(at);
        moments.iter().copied().collect::<Option<Vec<_>>>()?.into_iter().min()
    }
}
