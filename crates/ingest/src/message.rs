//! Messages that are sent to us, and the seam between receiving and counting them.
//!
//! A receiver knows a transport and nothing of formats or of the ledger; what counts knows no transport. Between
//! them pass whole messages, in batches, because a lock and a wake-up for each of a hundred thousand messages a
//! second would cost more than reading them.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;

use weir_record::{Format, Timestamp, Value};

/// What a message takes beside its bytes, in bytes, for bounds: 72 of its own, up to as many again where a batch has
/// grown, and two or three allocations for its bytes and for what its transport says, which is the sender's address.
const MESSAGE_OVERHEAD_BYTES: usize = 256;

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// What was sent, unpacked and without its framing.
    pub bytes: Vec<u8>,
    /// Where it came from, for rejects: the transport and the sender.
    pub origin: Arc<str>,
    /// What it is; `None`: what the source says.
    pub format: Option<Format>,
    /// What the transport says about it, such as `source_host`.
    pub fields: Vec<(Cow<'static, str>, Value<'static>)>,
}

/// Messages that came together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessageBatch {
    /// The messages, in the order in which they came.
    pub messages: Vec<Message>,
    /// When they came: the time of those that say none.
    pub received_at: Timestamp,
    /// Messages that came and got lost here, by cause; the causes are a closed set of each transport.
    pub dropped: Vec<(&'static str, u64)>,
    /// What the batch is known by when it comes again; `None`: it can't.
    pub identity: Option<[u8; 16]>,
    /// Identities of earlier batches that can't come again.
    pub forget: Vec<[u8; 16]>,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is on the disk. These of its messages are rejects.
    Durable(Vec<RejectedMessage>),
    /// Its identity is on the disk already: nothing of it was counted now.
    Known,
    /// The program stops; nothing of it was counted.
    Stopping,
}

/// A message that is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedMessage {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// The value of the label `reason`.
    pub reason: &'static str,
    /// What is wrong, and where, for a person.
    pub text: String,
}

/// Takes messages. Bounded in bytes: what has no room waits or is given back.
pub trait MessageSink: Send + Sync + 'static {
    /// Takes a batch if there is room for it at once.
    ///
    /// # Errors
    ///
    /// The batch, where there is none or the program stops.
    fn try_put(&self, batch: MessageBatch) -> Result<(), MessageBatch>;

    /// Takes a batch as soon as there is room; completes then.
    ///
    /// # Errors
    ///
    /// [`Stopping`] where the program stops.
    fn put(&self, batch: MessageBatch) -> impl Future<Output = Result<(), Stopping>> + Send;

    /// Takes a batch as soon as there is room, and completes when it is on the disk or never will be.
    fn deliver(&self, batch: MessageBatch) -> impl Future<Output = Delivery> + Send;

    /// Everything that was there at this moment has been put in. For sources that can be behind; one that is sent
    /// everything as it happens is never, and need not say so.
    fn caught_up(&self, at: Timestamp);
}

/// The program stops and takes nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the program stops")]
pub struct Stopping;

impl Message {
    /// A message of which nothing else is known.
    pub fn new(bytes: Vec<u8>, origin: Arc<str>) -> Self {
        Self { bytes, origin, format: None, fields: Vec::new() }
    }
}

impl MessageBatch {
    /// The memory that it takes, about, in bytes.
    pub fn memory_bytes(&self) -> usize {
        let bytes = |message: &Message| message.bytes.len() + MESSAGE_OVERHEAD_BYTES;
        MESSAGE_OVERHEAD_BYTES + self.messages.iter().map(bytes).sum::<usize>()
    }
}
