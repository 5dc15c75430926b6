//! What the tests of the whole program share; nothing here knows what is being tested.

mod folder;
mod http;
pub mod lines;
pub mod metrics;
mod program;
mod server;
mod text;
mod wait;

pub use folder::{Folder, gzip, repository};
pub use http::{Response, get, get_with};
pub use program::{Process, Run, output, weir, weir_command, weir_with_input};
pub use server::Server;
pub use text::{assert_same_text, first_difference};
pub use wait::until;
