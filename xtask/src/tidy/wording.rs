//! What people read is written for people.
//!
//! `Debug` output is for whoever debugs the program: quotes doubled, variants in camel case. A
//! message names what, where and the value with `Display`. Only texts that are surely messages are
//! looked at, since `Debug` of a number is a legitimate way to spell it.

use super::Finding;
use super::rust_text::{item_end, line_of, words};
use super::source::RustFile;

/// How `Debug` looks inside a format string, in pieces so that this line is not one.
const DEBUG_MARKS: &[&str] = &[concat!(":", "?}"), concat!(":#", "?}")];

/// Where an error's text is written.
const ERRORS: &[&str] = &["#[error(", "bail!(", "anyhow!(", "ensure!(", ".context(", ".with_context("];
/// Where else a person is spoken to.
const MESSAGES: &[&str] = &[
    "error!(",
    "warn!(",
    "info!(",
    "print!(",
    "println!(",
    "eprint!(",
    "eprintln!(",
    "impl fmt::Display for",
];

/// `Debug` formatting in messages, and error texts that end as sentences do.
pub fn check(file: &RustFile) -> Vec<Finding> {
    if !file.is_source() {
        return Vec::new();
    }
    let debug = "Debug formatting in a message; write the value for a person, with Display";
    let stop = "an error text ends with a dot; leave it out, callers join texts with a colon";
    let finding = |offset, message| Finding::new(&file.path, line_of(&file.text.raw, offset), message);
    let has_mark = |text: &str| DEBUG_MARKS.iter().any(|mark| text.contains(mark));
    let has_stop = |text: &str| text.trim_end().trim_end_matches(['"', '#']).ends_with('.');

    let messages = ERRORS.iter().chain(MESSAGES).flat_map(|opening| literals(file, opening));
    let debugged = messages.filter(|(_, text)| has_mark(text)).map(|(offset, _)| finding(offset, debug));
    let errors = ERRORS.iter().flat_map(|opening| literals(file, opening));
    let stopped = errors.filter(|(_, text)| has_stop(text)).map(|(offset, _)| finding(offset, stop));
    debugged.chain(stopped).collect()
}

/// The literals inside each call or block that begins with `opening`, with its offset.
fn literals<'a>(file: &'a RustFile, opening: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let text = &file.text;
    words(&text.product, opening).filter_map(move |start| {
        let inside = start + opening.len();
        let end = match opening.ends_with('(') {
            true => closing_parenthesis(&text.product, inside)?,
            false => item_end(&text.product, inside)?,
        };
        Some((start, text.product_literals.get(inside..end)?))
    })
}

fn closing_parenthesis(code: &str, inside: usize) -> Option<usize> {
    let mut depth = 1_usize;
    for (offset, byte) in code.bytes().enumerate().skip(inside) {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(offset);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::assert_lines;
    use super::*;

    fn check_code(code: &str, expected: &[usize]) {
        assert_lines(&check(&RustFile::new("crates/weir/src/a.rs", code)), expected);
    }

    #[test]
    fn debug_formatting_is_for_tests() {
        for mark in DEBUG_MARKS {
            let message = format!("bail!(\n\"cannot read {{path{mark}\");");
            check_code(&message, &[1]);
            check_code(&format!("#[cfg(test)]\nmod tests {{ fn f() {{ {message} }} }}"), &[]);
            check_code(&format!("\nimpl fmt::Display for A {{ a(\"{{x{mark}\") }}"), &[2]);
            check_code(&format!("let bound = format!(\"{{x{mark}\");"), &[]);
        }
    }

    #[test]
    fn an_error_text_has_no_final_dot() {
        check_code("bail!(\"cannot read {path}\");", &[]);
        check_code("bail!(\"cannot read {path}.\");", &[1]);
        check_code("a\n.with_context(|| format!(\"cannot read.\"))", &[2]);
        check_code("#[error(\"cannot read.\")]\nstruct A;", &[1]);
        check_code("#[doc = \"It cannot be read.\"]\nstruct A;", &[]);
    }
}
