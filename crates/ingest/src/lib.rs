//! Where records come from.
//!
//! Files, folders and streams become lines here: unpacked, told apart by content, bounded, and handed
//! on one object at a time. What the lines mean and whether an object has been counted before is not
//! known in this crate.

mod allowed;
mod appended;
mod blocks;
mod clock;
#[expect(unsafe_code, reason = "calls the system; see the module")]
mod datagram_socket;
mod discover;
mod file_head;
mod file_tail;
#[expect(unsafe_code, reason = "calls libdeflate; see the module")]
mod inflate;
mod line_reader;
mod message;
mod multiline;
mod object;
mod object_key;
mod packing;
mod parallel;
mod protocol;
pub mod redis;
pub mod s3;
pub mod sockets;
mod text_parser;
mod tls;
mod watch;

pub use allowed::Allowed;
pub use appended::{Ending, Piece, PieceLimits, Trace, read_appended};
pub use discover::{DiscoverError, ExcludedFiles, check_pattern, discover};
pub use file_head::{FileHead, HEAD_BYTES_MAX};
pub use message::{Delivery, Message, MessageBatch, MessageSink, RejectedMessage, Stopping};
pub use multiline::{MULTILINE_LINES_DEFAULT, MULTILINE_TIMEOUT_DEFAULT, Multiline};
pub use object::{ObjectError, ObjectLine, ObjectReader, Outcome, ReadLimits};
pub use object_key::ObjectKey;
pub use parallel::{available_threads, for_each_object};
pub use protocol::Protocol;
pub use text_parser::TextReading;
pub use tls::{TlsError, tls_acceptor};
pub use watch::{
    Arrival, Emptied, Extent, FileKey, Found, KnownFile, OPEN_FILES_MAX, Part, Watch, WatchOptions, open_log,
    rotated_from,
};
