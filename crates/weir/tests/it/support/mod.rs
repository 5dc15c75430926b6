//! What the tests of the whole program share; nothing here knows what is being tested.

mod account;
pub mod aws;
mod certificate;
mod clock;
mod false_clock;
mod folder;
pub mod gateway_sink;
mod http;
pub mod lambda;
pub mod lines;
mod listener;
pub mod metrics;
mod program;
mod python;
mod random;
pub mod receiver;
pub mod redis;
mod server;
mod text;
mod wait;

pub use account::{Account, alb_key};
pub use certificate::Certificate;
pub use clock::{date_time, now_seconds};
pub use false_clock::FalseClock;
pub use folder::{Folder, gzip, repository};
pub use http::{Response, escaped, get, get_with, request, try_request};
pub use program::{Process, Run, installed, output, weir, weir_command, weir_with_input};
pub use python::{cached, python, python_folder};
pub use random::Random;
pub use server::{Server, launch, serve_command};
pub use text::{assert_same_text, first_difference};
pub use wait::{until, within};
