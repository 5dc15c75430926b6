//! Records kept: Arrow columns in memory, made durable by a write-ahead segment; Parquet files by event day.
//!
//! One fixed [`schema`](mod@schema) for all, so that files join by copying and other tools read the folder as it
//! is. Nothing is seen before the ledger has committed it: what is written is invisible until
//! [`Store::publish`], and what the ledger does not list is deleted at the next start.

mod builder;
mod change;
mod day_files;
mod days;
mod error;
mod file_meta;
mod file_writer;
pub mod filter;
mod frame;
mod json_value;
mod open;
mod problems;
mod properties;
mod read;
mod rows;
pub mod schema;
mod segments;
mod set_aside;
mod shared;
mod store;
mod stored_file;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod upkeep;
mod view;
mod wal;
mod writer;

pub use builder::{BATCH_BYTES_MAX, BATCH_ROWS_MAX, RowsBuilder, SequenceNumbers};
pub use change::Change;
pub use error::StoreError;
pub use file_meta::FileMeta;
pub use file_writer::PendingFile;
pub use read::{
    AggregateRequest, Aggregated, BatchAggregate, BatchSearch, Cancel, Cursor, Deletion, FieldSummaries,
    FieldSummary, FieldsRequest, Found, Hit, Limits, MEMORY_BYTES_DEFAULT, QueryFailure, SUMMARIES_MAX,
    SearchRequest, THREADS_MAX, select,
};
pub use rows::{FieldNames, NAMES_MAX, Rows};
pub use shared::Options;
pub use store::{Appended, Store, StoreState};
pub use stored_file::{SOURCES_MAX, StoredFile, filter_path};
pub use upkeep::{DropReason, Work};
pub use view::{Segment, StoreFile, View};
pub use wal::SegmentState;
pub use writer::{Kept, RowsWriter};
