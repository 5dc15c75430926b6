//! Remote write 1.0: each minute of event time as samples with its own time.
//!
//! Being scraped puts what was counted at the moment of the scrape. The logs of a load balancer come minutes
//! late and in lumps, so a rate over five scraped minutes can be anything; sent with their own times the
//! samples lie where the requests were. Version 1.0, since every receiver has it; 2.0 is still a draft.
//!
//! * [`SeriesState`] decides what a minute's samples are, `encoder` makes them bodies of requests;
//! * [`RemoteWriteSender`] sends a body, and finds what a receiver refuses of one.
//!
//! Specification: <https://prometheus.io/docs/specs/prw/remote_write_spec/>.

mod bisection;
mod body;
mod bound_text;
mod changes;
mod delivery;
mod encoder;
mod message;
mod publisher;
mod sender;

pub use bisection::{Dropped, Ending, Outcome};
pub use body::{BODY_BYTES_MAX, BODY_SAMPLES_MAX, Body, BodyError};
pub use delivery::{Delivery, DropReason};
pub use message::{Label, Sample, TimeSeries, WriteRequest};
pub use publisher::{MINUTE_MS, NotLater, SeriesState, oldest_allowed};
pub use sender::{RemoteWriteSender, RemoteWriteTarget};

/// The bits of the `NaN` that ends a series, among all that there are.
pub const STALE_MARKER_BITS: u64 = 0x7ff0_0000_0000_0002;
