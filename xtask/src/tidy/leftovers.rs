//! What was left for later, and what would end the process.
//!
//! Clippy finds most of it too, but an `allow` silences clippy and nothing silences this. An
//! `expect` with the reason why it holds is sometimes the clearest code there is, so those have a
//! budget over the whole workspace instead of a ban.

use super::Finding;
use super::rust_text::{line_of, words};
use super::source::RustFile;

/// One `expect` is allowed for this many lines of product code.
const LINES_PER_EXPECT: usize = 1000;

const EXPECT: &str = ".expect(";

const IN_PRODUCT: &[(&str, &str)] = &[
    (".unwrap()", "return an error, or use a pattern that cannot fail"),
    ("todo!", "finish it or leave it out"),
    ("unimplemented!", "finish it or leave it out"),
];

const ANYWHERE: &[(&str, &str)] = &[
    ("dbg!", "take it out"),
    ("#[ignore", "a test that does not run protects nothing; mend it or delete it"),
    ("#[should_panic", "nothing here panics on input; assert on the error instead"),
];

/// Marks of unfinished work in comments, in pieces so that a search of the tree does not find this line.
const MARKS: &[&str] = &[concat!("FIX", "ME"), concat!("XX", "X"), concat!("TO", "DO")];

/// Calls and marks that must not be committed.
pub fn check(file: &RustFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut search = |view: &str, name: &str, instead: &str| {
        for offset in words(view, name) {
            findings.push(Finding::new(&file.path, line_of(view, offset), format!("`{name}`; {instead}")));
        }
    };
    for (name, instead) in IN_PRODUCT {
        search(&file.text.product, name, instead);
    }
    for (name, instead) in ANYWHERE {
        search(&file.text.code, name, instead);
    }
    for mark in MARKS {
        search(&file.text.comments, mark, "do it now, or open an issue and leave the code whole");
    }
    findings
}

/// How often product code says `expect`, over how many lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Calls of `.expect(`.
    pub expects: usize,
    /// Lines of product code that are not blank.
    pub product_lines: usize,
}

/// Counts over all source files.
pub fn census(files: &[RustFile]) -> Census {
    let sources = files.iter().filter(|file| file.is_source());
    sources.fold(Census::default(), |sum, file| {
        let product = &file.text.product;
        Census {
            expects: sum.expects + words(product, EXPECT).filter(|&start| has_text(file, start)).count(),
            product_lines: sum.product_lines + product.lines().filter(|line| !line.trim().is_empty()).count(),
        }
    })
}

/// Whether the call at `start` is given a text, as `Option`'s is and a parser's own `expect` is not.
fn has_text(file: &RustFile, start: usize) -> bool {
    file.text.raw.get(start + EXPECT.len()..).is_some_and(|argument| argument.trim_start().starts_with('"'))
}

impl Census {
    /// A finding when the budget is spent.
    pub fn check(self) -> Option<Finding> {
        let allowed = 1 + self.product_lines / LINES_PER_EXPECT;
        (self.expects > allowed).then(|| {
            let message = format!(
                "{} expect() in product code, {allowed} are allowed; make the impossible case a type or an error",
                self.expects
            );
            Finding::new("crates", 1, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::assert_lines;
    use super::*;

    fn check_code(code: &str, expected: &[usize]) {
        assert_lines(&check(&RustFile::new("crates/record/src/a.rs", code)), expected);
    }

    #[test]
    fn product_code_does_not_unwrap() {
        check_code("a\n  .unwrap();", &[2]);
        check_code("a.unwrap_or(1); // not .unwrap()", &[]);
        check_code("#[cfg(test)]\nmod tests { fn f() { a.unwrap() } }", &[]);
    }

    #[test]
    fn nothing_is_left_for_later() {
        check_code(&format!("a\n// {}: later", MARKS.concat()), &[]);
        for mark in MARKS {
            check_code(&format!("a\n// {mark}: later"), &[2]);
        }
        check_code("todo! {}", &[1]);
        check_code("#[cfg(test)]\nmod tests { fn f() { dbg!(1) } }", &[2]);
    }

    #[test]
    fn every_test_runs() {
        check_code("#[cfg(test)]\nmod tests {\n#[test]\n#[ignore]\nfn f() {}\n}", &[4]);
    }

    #[test]
    fn expect_has_a_budget() {
        let files = [RustFile::new("crates/record/src/a.rs", "a.expect(\"1\");\n\nb.expect(\"2\");")];
        let census = census(&files);
        assert_eq!(census, Census { expects: 2, product_lines: 2 });
        assert!(census.check().is_some());
        assert!(Census { product_lines: LINES_PER_EXPECT, ..census }.check().is_none());
    }
}
