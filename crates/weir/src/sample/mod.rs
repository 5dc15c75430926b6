//! Sample traffic: a small shop behind a load balancer, with an outage and a slow route in its day.
//!
//! `weir demo` needs logs that nobody has to bring along, the whole-program tests need logs about
//! which everything is known, and the benchmarks need two million lines that compress like real ones.
//! One generator serves all three, because a demo on prettier data than the benchmarks would be a lie
//! in one of them. It has no clock and no randomness from outside: the same [`Plan`] gives the same
//! bytes on every machine and in every version, and `Truth` says what is in them without reading
//! them. Only the files `part`, `layout` and `benchmark_files` do I/O.
//!
//! In order of the data: `shop`, `listener` and `edge` are the tables and `deck` shuffles them;
//! `schedule` says how many requests a second has; `traffic` draws them, with `client` for who asks,
//! `incident` for what goes wrong and `outcome` for how it ends; `alb_line`, `nginx_line` and
//! `error_line` (with `user`) write a request as a line, and the last three put lines into files.

mod alb_line;
mod benchmark_files;
mod client;
mod deck;
mod edge;
mod error_line;
mod incident;
mod layout;
mod listener;
mod nginx_line;
mod outcome;
mod part;
mod request;
mod rng;
mod schedule;
mod shop;
mod template;
mod text;
mod traffic;
#[cfg(test)]
mod truth;
mod user;

use alb_line::write_alb_line;
pub use benchmark_files::{FileSet, Shares, write_files};
use error_line::{write_error_line, write_gelf_message};
pub use incident::{crowd, story_of_the_day};
pub use layout::{NGINX_FILE, write_all, write_listener_rules, write_span};
use nginx_line::{write_nginx_line, write_nginx_user_line};
pub use part::Packing;
pub use request::{Format, SampleRequest};
pub use schedule::Plan;
pub use traffic::Traffic;

/// Appends the line of `request` in `format`, with its newline.
pub fn write_line(format: Format, request: &SampleRequest, out: &mut Vec<u8>) {
    match format {
        Format::Alb => write_alb_line(request, out),
        Format::NginxJson => write_nginx_line(request, out),
        Format::NginxJsonUser => write_nginx_user_line(request, out),
        Format::Errors => write_error_line(request, out),
        Format::Gelf => write_gelf_message(request, out),
    }
}

#[cfg(test)]
mod tests;
