//! The store as a whole, stopped at any step and opened again.

mod commit;
mod damaged;
mod files;
mod maintenance;
mod segments;
