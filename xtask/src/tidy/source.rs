//! The files of the repository as the checks see them: text, and Rust text taken apart.
//!
//! What counts as product and what as test is decided here once. A file of tests is told by its
//! folder or by the `#[cfg(test)] mod name;` that declares it elsewhere, not by its name: `tests.rs`
//! is a habit, the declaration is what the compiler goes by.

use std::collections::BTreeSet;

use super::rust_text::RustText;

/// A text file of the repository.
pub struct TextFile {
    /// Path from the repository's root, with `/`.
    pub path: String,
    /// The contents.
    pub text: String,
}

/// A Rust file, with its text taken apart.
pub struct RustFile {
    /// Path from the repository's root, with `/`.
    pub path: String,
    /// The views of its text.
    pub text: RustText,
    /// Compiled for tests, benches or fuzzing only.
    pub is_test: bool,
}

impl RustFile {
    /// A file of product code, but for what its own text marks as tests.
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: RustText::new(text, false), is_test: false }
    }

    /// A file that is tests from end to end.
    pub fn of_tests(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: RustText::new(text, true), is_test: true }
    }

    /// A file that is compiled into a library or program, rather than a test, bench or fuzz target.
    pub fn is_source(&self) -> bool {
        let mut parts = self.path.split('/');
        match parts.next() {
            Some("crates") => !self.is_test && parts.nth(1) == Some("src"),
            Some("xtask") => !self.is_test && parts.next() == Some("src"),
            _ => false,
        }
    }
}

/// Takes the Rust files apart; files that a `#[cfg(test)] mod name;` elsewhere names are test code.
pub fn rust_files(files: &[TextFile]) -> Vec<RustFile> {
    let rust = || files.iter().filter(|file| file.path.ends_with(".rs"));
    let test_modules: BTreeSet<String> = rust().flat_map(test_modules).collect();
    let take_apart = |file: &TextFile| match test_modules.contains(&file.path) || is_test_path(&file.path) {
        true => RustFile::of_tests(&file.path, &file.text),
        false => RustFile::new(&file.path, &file.text),
    };
    rust().map(take_apart).collect()
}

fn is_test_path(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "tests" | "benches" | "fuzz_targets"))
}

/// Paths of the modules that `file` declares for tests only.
fn test_modules(file: &TextFile) -> Vec<String> {
    let folder = ["mod.rs", "lib.rs", "main.rs"].iter().find_map(|name| file.path.strip_suffix(name));
    let folder = folder.map_or_else(|| file.path.replace(".rs", "/"), str::to_owned);
    let declarations = file.text.split("#[cfg(test)]\n").skip(1);
    let names = declarations.filter_map(|rest| {
        let line = rest.lines().next()?.trim();
        line.split_once("mod ")?.1.strip_suffix(';')
    });
    names.map(|name| format!("{folder}{name}.rs")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_files_are_those_under_src() {
        for (path, expected) in [
            ("crates/record/src/alb.rs", true),
            ("crates/meter/src/exposition/mod.rs", true),
            ("xtask/src/main.rs", true),
            ("crates/weir/tests/it/main.rs", false),
            ("fuzz/fuzz_targets/alb.rs", false),
        ] {
            assert_eq!(RustFile::new(path, "").is_source(), expected, "{path}");
        }
    }

    #[test]
    fn modules_declared_for_tests_are_tests() {
        let file = |path: &str, text: &str| TextFile { path: path.to_owned(), text: text.to_owned() };
        let files = rust_files(&[
            file("crates/record/src/alb/mod.rs", "mod value;\n#[cfg(test)]\nmod summary;\n"),
            file("crates/record/src/alb/summary.rs", "fn a() {}"),
            file("crates/record/src/alb/value.rs", "#[cfg(test)]\nmod cases;\nfn b() {}"),
            file("crates/record/src/alb/value/cases.rs", "fn c() {}"),
            file("crates/weir/tests/it/main.rs", "fn d() {}"),
        ]);
        let has_product: Vec<bool> = files.iter().map(|file| !file.text.product.trim().is_empty()).collect();
        assert_eq!(has_product, [true, false, true, false, false]);
    }
}
