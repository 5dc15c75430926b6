//! Pure crates stay pure: no files, no network, no clock, no environment, no output.
//!
//! Time and data come in as arguments, which is what lets a test replay a month in a millisecond
//! and a restart be simulated at any step. Clippy's `disallowed-methods` holds the whole workspace
//! away from the clock; it cannot forbid a module to one crate, so that part is here.

use super::Finding;
use super::layers::LAYERS;
use super::rust_text::{line_of, words};
use super::source::RustFile;

/// Modules of `std` that a pure crate may not name, and what it does instead.
const MODULES: &[(&str, &str)] = &[
    ("std::fs", "take the contents as an argument"),
    ("std::net", "take the bytes as an argument; addresses are in core::net"),
    ("std::io", "take bytes and return a value; only std::io::Write is allowed, to write into a Vec"),
    ("std::env", "take the value as an argument"),
    ("std::process", "return an error"),
    ("std::thread", "leave threads to the caller"),
];
const ALLOWED: &str = "std::io::Write";

/// Calls that a pure crate may not make, and what it does instead.
const CALLS: &[(&str, &str)] = &[
    ("Instant::now", "take the time as an argument"),
    ("SystemTime::now", "take the time as an argument"),
    ("print!", "return the text"),
    ("println!", "return the text"),
    ("eprint!", "return the text"),
    ("eprintln!", "return the text"),
    ("tracing", "return what happened; the caller logs it"),
];

/// I/O, clocks, environment and output in product code of a pure crate.
pub fn check(file: &RustFile) -> Vec<Finding> {
    if !is_pure(&file.path) {
        return Vec::new();
    }
    let code = &file.text.product;
    let paths = std_paths(code);
    let modules = MODULES.iter().flat_map(|(module, instead)| {
        let named = paths.iter().filter(move |(_, path)| path != ALLOWED && is_inside(path, module));
        named.map(move |(offset, _)| (*offset, module, instead))
    });
    let calls =
        CALLS.iter().flat_map(|(call, instead)| words(code, call).map(move |offset| (offset, call, instead)));
    let finding = |(offset, name, instead)| {
        Finding::new(&file.path, line_of(code, offset), format!("`{name}` in a pure crate; {instead}"))
    };
    modules.chain(calls).map(finding).collect()
}

fn is_inside(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Every path that begins with `std::`, with its offset; `use std::{a, b::c}` names `std::a` and `std::b::c`.
fn std_paths(code: &str) -> Vec<(usize, String)> {
    let mut paths = Vec::new();
    for start in words(code, "std::") {
        let after = start + "std::".len();
        let rest = code.get(after..).unwrap_or_default();
        match rest.strip_prefix('{') {
            Some(group) => paths.extend(group_paths(after + 1, group)),
            None => paths.push((start, std_path(rest))),
        }
    }
    paths
}

/// The paths of a group whose text, behind its opening brace, begins at `offset`.
fn group_paths(mut offset: usize, group: &str) -> Vec<(usize, String)> {
    let group = group.split(';').next().unwrap_or_default();
    let mut depth = 0_i32;
    let entries = group.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.trim_start();
        paths.push((offset + entry.len() - path.len(), std_path(path)));
        offset += entry.len() + 1;
    }
    paths
}

fn std_path(text: &str) -> String {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let path = text.split(|c| !is_path(c)).next().unwrap_or_default();
    format!("std::{path}")
}

/// Whether the folder's package is pure; `crates/meter` holds `weir-meter`.
fn is_pure(path: &str) -> bool {
    let folder = path.strip_prefix("crates/").and_then(|rest| rest.split('/').next());
    let layer = folder.and_then(|folder| {
        LAYERS.iter().find(|layer| layer.package.strip_prefix("weir-").unwrap_or(layer.package) == folder)
    });
    layer.is_some_and(|layer| layer.is_pure)
}

#[cfg(test)]
mod tests {
    use super::super::assert_lines;
    use super::*;

    fn check_code(code: &str, expected: &[usize]) {
        assert_lines(&check(&RustFile::new("crates/meter/src/slot.rs", code)), expected);
    }

    #[test]
    fn files_clocks_and_output_are_refused() {
        check_code("use std::fs;", &[1]);
        check_code("let a = 1;\nlet now = std::time::Instant::now();", &[2]);
        check_code("use std::io::Read;", &[1]);
        check_code("use std::io::{Read, Write};", &[1]);
        check_code("println!();\ntracing::info!();", &[1, 2]);
    }

    #[test]
    fn grouped_imports_are_seen() {
        check_code("use std::{fmt, fs};", &[1]);
        check_code("use std::{\n    collections::{HashMap, BTreeMap},\n    env::var,\n};", &[3]);
        check_code("use std::{fmt, collections::HashMap};", &[]);
        check_code("use std::{fmt, io::Read};", &[1]);
    }

    #[test]
    fn writing_into_a_vec_is_pure() {
        check_code("use std::io::Write;", &[]);
        check_code("use std::{fmt, io::Write};", &[]);
    }

    #[test]
    fn types_of_time_and_compile_time_macros_are_pure() {
        check_code("use std::time::Duration;", &[]);
        check_code("const NAME: &str = env!(\"CARGO_PKG_NAME\");", &[]);
        check_code("fn println() {}", &[]);
    }

    #[test]
    fn tests_and_comments_may_do_as_they_like() {
        check_code("// std::fs is not used", &[]);
        check_code("#[cfg(test)]\nmod tests { use std::fs; }", &[]);
    }

    #[test]
    fn other_crates_may_do_io() {
        let file = RustFile::new("crates/ingest/src/file.rs", "use std::fs;");
        assert_lines(&check(&file), &[]);
    }
}
