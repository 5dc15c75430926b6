//! Where records come from.
//!
//! Files, folders and streams become lines here: unpacked, told apart by content, bounded, and handed
//! on one object at a time. What the lines mean and whether an object has been counted before is not
//! known in this crate.

mod blocks;
mod discover;
mod file_head;
#[expect(unsafe_code, reason = "calls libdeflate; see the module")]
mod inflate;
mod message;
mod object;
mod object_key;
mod packing;
mod parallel;
pub mod redis;
pub mod s3;
mod time;
mod watch;

pub use discover::{DiscoverError, check_pattern, discover};
pub use file_head::{FileHead, HEAD_BYTES_MAX};
pub use message::{Delivery, Message, MessageBatch, MessageSink, RejectedMessage, Stopping};
pub use object::{ObjectError, ObjectLine, ObjectReader, Outcome, ReadLimits};
pub use object_key::ObjectKey;
pub use parallel::{available_threads, for_each_object};
pub use watch::{Arrival, Extent, FileKey, Found, KnownFile, Part, Watch, read_appended};
