//! Every module opens with why it exists.
//!
//! What a module does can be read from its code; which problem it removes, what was refused and
//! what that costs cannot. No program can tell a reason from a title, but a title is short, and a
//! length that only fits sentences makes the author stop and think. The reviewer reads the rest.

use super::Finding;
use super::source::RustFile;

/// A file shorter than this may have a header of one sentence.
const SHORT_FILE_LINES: usize = 40;
const SHORT_FILE_WORDS: usize = 6;
const WORDS: usize = 15;

/// A missing `//!` header, or one too short to give a reason.
pub fn check(file: &RustFile) -> Vec<Finding> {
    if !file.is_source() {
        return Vec::new();
    }
    let raw = &file.text.raw;
    let header: Vec<&str> = raw.lines().map_while(|line| line.strip_prefix("//!")).collect();
    let words = header.iter().flat_map(|line| line.split_whitespace()).count();
    let text_lines = header.iter().filter(|line| !line.trim().is_empty()).count();
    let is_short = raw.lines().count() < SHORT_FILE_LINES;
    let (words_min, lines_min) = if is_short { (SHORT_FILE_WORDS, 1) } else { (WORDS, 2) };

    let message = if header.is_empty() {
        "no //! header; begin the file with why it exists and what it refuses"
    } else if words < words_min || text_lines < lines_min || !header.iter().any(|line| line.ends_with('.')) {
        "the //! header is too short for a reason; say why the module exists, what was refused, what it costs"
    } else {
        return Vec::new();
    };
    vec![Finding::new(&file.path, 1, message)]
}

#[cfg(test)]
mod tests {
    use super::super::assert_lines;
    use super::*;

    fn check_header(header: &str, code_lines: usize, expected: &[usize]) {
        let text = format!("{header}\n{}", "const A: u8 = 1;\n".repeat(code_lines));
        assert_lines(&check(&RustFile::new("crates/record/src/a.rs", &text)), expected);
    }

    const SENTENCE: &str = "//! Decides for one line whether it is a record.";
    const REASON: &str =
        "//!\n//! Pure, so that a test replays a month in a millisecond; the caller reads the clock.";

    #[test]
    fn a_missing_header_is_found() {
        check_header("use std::fmt;", 3, &[1]);
        check_header("// A plain comment is no header of the module.", 3, &[1]);
    }

    #[test]
    fn a_title_is_not_a_header() {
        check_header("//! Alert state module.", 3, &[1]);
        check_header("//! All about the states of alerts and more", 3, &[1]);
    }

    #[test]
    fn a_sentence_is_enough_for_a_short_file_only() {
        check_header(SENTENCE, 3, &[]);
        check_header(SENTENCE, SHORT_FILE_LINES, &[1]);
        check_header(&format!("{SENTENCE}\n{REASON}"), SHORT_FILE_LINES, &[]);
    }

    #[test]
    fn tests_and_fuzz_targets_are_not_asked() {
        assert_lines(&check(&RustFile::new("fuzz/fuzz_targets/a.rs", "fn main() {}")), &[]);
    }
}
