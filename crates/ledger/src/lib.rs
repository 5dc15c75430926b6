//! What has been counted: one file, `ledger.redb`, and the only durable truth about it.
//!
//! A count and the name of what it came from are worth something only together: whichever of the two is
//! written first, a crash between them counts twice or not at all. So everything that a group of batches
//! changes (names, positions, counters, minutes, what is to be sent) goes into one transaction of one file,
//! which is all there or not at all. The price is one writer and a sync per group; [`Ledger`] says more.
//!
//! This crate decides nothing: it keeps typed tables, and its errors tell the server what to do. Tables grow
//! only by what their page says bounds them; the server calls what expires and caps.

mod codec;
mod create;
mod error;
mod ledger;
mod tables;
#[cfg(test)]
mod testing;
mod view;

pub use create::{FORMAT, IN_MEMORY};
pub use error::LedgerError;
pub use ledger::{CACHE_BYTES, Ledger};
pub use tables::events::{EventCounts, EventKey, StoredEventKey};
pub use tables::files::FilePosition;
pub use tables::objects::{ObjectEntry, ObjectId};
pub use tables::pending::Publication;
pub use tables::queue::QueueItem;
pub use tables::rejects::StoredReject;
pub use view::{Access, Reading, View, Writing};
