//! The query language.
//!
//! To be written.
