//! Records kept.
//!
//! To be written.
