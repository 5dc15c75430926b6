//! What leaves the machine: remote write to a Prometheus, pushes to a gateway, and word of alerts.
//!
//! Deciding what to send is apart from sending it. What a minute's samples are, how they become bytes, what
//! an answer means and how long to wait are plain functions that a test can replay; the part that opens
//! connections is small and keeps no state that matters. Nothing here queues on disk or reads a clock: the
//! caller keeps what is not yet delivered where it keeps its positions, so that both change together.

mod backoff;
mod gateway;
mod http_client;
pub mod notify;
pub mod remote_write;
mod retry_after;

#[cfg(test)]
mod fake_receiver;

pub use backoff::{Backoff, random_fraction};
pub use gateway::{GatewayTarget, IDEMPOTENCY_KEY_BYTES_MAX, PushError, gateway_url};
pub use http_client::{Authorization, TargetError};
