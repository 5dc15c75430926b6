//! Bounds on lines, functions and files, so that each can be read in one go.
//!
//! rustfmt leaves a long string or comment as it is and clippy counts a function's statements, not
//! what a reader scrolls through; so these are counted here, tests included: they are read too.

use super::Finding;
use super::source::RustFile;

const LINE_CHARACTERS_MAX: usize = 120;
const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 600;

/// What is longer than its bound.
pub fn check(file: &RustFile) -> Vec<Finding> {
    let mut findings = long_lines(file);
    for function in file.text.functions() {
        if function.line_count > FUNCTION_LINES_MAX {
            let message = format!(
                "function `{}` has {} lines, {FUNCTION_LINES_MAX} are allowed; take a step out and name it",
                function.name, function.line_count
            );
            findings.push(Finding::new(&file.path, function.line, message));
        }
    }
    let line_count = file.text.raw.lines().count();
    if line_count > FILE_LINES_MAX {
        let message =
            format!("the file has {line_count} lines, {FILE_LINES_MAX} are allowed; split it by subject");
        findings.push(Finding::new(&file.path, line_count, message));
    }
    findings
}

/// Lines over the bound, but for those that cannot be broken.
fn long_lines(file: &RustFile) -> Vec<Finding> {
    let long = file.text.raw.lines().enumerate().filter_map(|(index, line)| {
        let is_candidate = line.chars().count() > LINE_CHARACTERS_MAX && is_breakable(line);
        let characters = if is_candidate { counted_characters(file, index, line) } else { 0 };
        (characters > LINE_CHARACTERS_MAX).then(|| {
            let message =
                format!("the line has {characters} characters, {LINE_CHARACTERS_MAX} are allowed; break it");
            Finding::new(&file.path, index + 1, message)
        })
    });
    long.collect()
}

/// Neither an address nor a row of a table in the documentation.
fn is_breakable(line: &str) -> bool {
    let line = line.trim_start();
    !line.contains("://") && !line.starts_with("//! |") && !line.starts_with("/// |")
}

/// The length of a line; in test code without its literals, which are samples and stay in one piece.
fn counted_characters(file: &RustFile, index: usize, line: &str) -> usize {
    let text = &file.text;
    let has_text = |view: &str| view.lines().nth(index).is_some_and(|line| !line.trim().is_empty());
    if [&text.product, &text.product_literals, &text.comments].into_iter().any(|view| has_text(view)) {
        return line.chars().count();
    }
    let code = text.code.lines().nth(index).unwrap_or_default();
    let indentation = line.len() - line.trim_start().len();
    indentation + code.split_whitespace().map(|word| word.chars().count() + 1).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::super::assert_lines;
    use super::*;

    fn check_text(text: &str, expected: &[usize]) {
        assert_lines(&check(&RustFile::new("crates/record/src/a.rs", text)), expected);
    }

    #[test]
    fn a_line_has_at_most_120_characters() {
        check_text(&"ü".repeat(LINE_CHARACTERS_MAX), &[]);
        check_text(&format!("\n{}", "x".repeat(LINE_CHARACTERS_MAX + 1)), &[2]);
        check_text(&format!("// https://{}", "x".repeat(LINE_CHARACTERS_MAX)), &[]);
        check_text(&format!("//! | {} |", "x".repeat(LINE_CHARACTERS_MAX)), &[]);
    }

    #[test]
    fn samples_in_tests_do_not_count() {
        let literal = "x".repeat(LINE_CHARACTERS_MAX);
        check_text(&format!("let a = \"{literal}\";"), &[1]);
        check_text(&format!("#[cfg(test)]\nmod tests {{\n  let a = r#\"{literal}\n{literal}x\"#;\n}}"), &[]);
        check_text(&format!("#[cfg(test)]\nmod tests {{\n  let {literal} = 1;\n}}"), &[3]);
    }

    #[test]
    fn a_function_has_at_most_70_lines() {
        let function = |body_lines| format!("\nfn f() {{\n{}}}\n", "    a();\n".repeat(body_lines));
        check_text(&function(FUNCTION_LINES_MAX - 2), &[]);
        check_text(&function(FUNCTION_LINES_MAX - 1), &[2]);
    }

    #[test]
    fn a_file_has_at_most_600_lines() {
        check_text(&"x();\n".repeat(FILE_LINES_MAX), &[]);
        check_text(&"x();\n".repeat(FILE_LINES_MAX + 1), &[FILE_LINES_MAX + 1]);
    }
}
