//! The world as tests need it: failing on demand, and the same way for the same seed.
//!
//! A real disk fails once in years, at a moment of its own choice; what must hold then can only be tried on
//! one that fails when told. Nothing here is part of the program: other crates use it in their tests only.

mod disk;
mod random;

pub use disk::{Disk, DiskBackend};
pub use random::Random;
