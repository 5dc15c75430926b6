//! What was promised, what was kept of it, and who must know.
//!
//! Objectives, windows, the states of alerts: pure. Times and values are arguments, so that a month of history is
//! evaluated in a second, and what a server does live is what a backtest of the same day does.

mod alert;
pub mod annotations;
pub mod notification;

pub use alert::{Alert, Fingerprint, Labels};
