//! Which crate may use which: the architecture, kept by a table.
//!
//! The compiler allows any edge that someone writes into a `Cargo.toml`; an edge between crates is
//! the rarest and most far-reaching change, so it must also be written here, where a reviewer sees
//! it. The table lists what exists; a crate that is to come gets its row when it comes.
//!
//! Heavy libraries are held in few crates for the same reason, and so that working on a parser does
//! not compile a web server.

use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use super::Finding;
use super::source::TextFile;

/// What one of our crates is allowed.
pub struct Layer {
    /// The package's name.
    pub package: &'static str,
    /// Packages of ours that it may use.
    pub uses: &'static [&'static str],
    /// Packages of ours that only its tests may use.
    pub dev_uses: &'static [&'static str],
    /// Does no I/O, reads no clock and logs nothing; [`super::purity`] holds it to that.
    pub is_pure: bool,
}

/// Every crate of the workspace, in the order that data flows.
pub const LAYERS: &[Layer] = &[
    Layer { package: "weir-record", uses: &[], dev_uses: &[], is_pure: true },
    Layer { package: "weir-query", uses: &["weir-record"], dev_uses: &[], is_pure: true },
    Layer { package: "weir-ingest", uses: &["weir-record"], dev_uses: &[], is_pure: false },
    Layer { package: "weir-enrich", uses: &["weir-record"], dev_uses: &[], is_pure: true },
    Layer { package: "weir-meter", uses: &["weir-record"], dev_uses: &[], is_pure: true },
    Layer {
        package: "weir-ledger",
        uses: &["weir-record", "weir-meter"],
        dev_uses: &["weir-sim"],
        is_pure: false,
    },
    Layer { package: "weir-store", uses: &["weir-record", "weir-query"], dev_uses: &[], is_pure: false },
    Layer { package: "weir-alert", uses: &["weir-record"], dev_uses: &[], is_pure: true },
    Layer {
        package: "weir-ship",
        uses: &["weir-record", "weir-meter", "weir-alert"],
        dev_uses: &[],
        is_pure: false,
    },
    Layer { package: "weir-web", uses: &["weir-meter"], dev_uses: &["weir-record"], is_pure: false },
    Layer { package: "weir-sim", uses: &[], dev_uses: &[], is_pure: false },
    Layer {
        package: "weir",
        uses: &[
            "weir-record",
            "weir-query",
            "weir-ingest",
            "weir-enrich",
            "weir-meter",
            "weir-ledger",
            "weir-store",
            "weir-alert",
            "weir-ship",
            "weir-web",
        ],
        dev_uses: &[],
        is_pure: false,
    },
    Layer { package: "xtask", uses: &[], dev_uses: &[], is_pure: false },
];

/// Libraries that cost much to compile or decide much, and the packages that may use them.
const HEAVY: &[(&str, &[&str])] = &[
    ("anyhow", &["weir", "xtask"]),
    ("arrow-array", &["weir-store"]),
    ("arrow-ipc", &["weir-store"]),
    ("aws-config", &["weir-ingest"]),
    ("aws-sdk-elasticloadbalancingv2", &["weir-ingest"]),
    ("aws-sdk-s3", &["weir-ingest"]),
    ("aws-sdk-sqs", &["weir-ingest"]),
    ("axum", &["weir-web", "weir"]),
    ("clap", &["weir"]),
    ("flate2", &["weir-ingest", "weir-web", "weir"]),
    ("lettre", &["weir-ship"]),
    ("libdeflate-sys", &["weir-ingest"]),
    ("parquet", &["weir-store"]),
    ("prost", &["weir-meter", "weir-ship"]),
    ("redb", &["weir-ledger", "weir-sim"]),
    ("redis", &["weir-ingest"]),
    ("saphyr", &["weir"]),
    ("serde_json", &["weir-ingest", "weir-enrich", "weir-ship", "weir-web", "weir", "xtask"]),
    ("tokio", &["weir-ingest", "weir-ship", "weir-web", "weir"]),
    ("tracing-subscriber", &["weir"]),
    ("zstd", &["weir-ingest", "weir-web"]),
];

/// A package of the workspace, as cargo sees it.
pub struct Package {
    name: String,
    manifest: String,
    dependencies: Vec<Dependency>,
}

struct Dependency {
    name: String,
    is_ours: bool,
    is_dev: bool,
}

/// Reads the answer of `cargo metadata --no-deps`; `root` is cut from the manifests' paths.
///
/// # Errors
///
/// When `metadata` is not the JSON that cargo documents.
pub fn packages(metadata: &str, root: &Path) -> anyhow::Result<Vec<Package>> {
    let metadata: Value = serde_json::from_str(metadata).context("cargo metadata is not JSON")?;
    let packages =
        metadata.get("packages").and_then(Value::as_array).context("cargo metadata lists no packages")?;
    Ok(packages.iter().map(|value| package(value, root)).collect())
}

fn package(value: &Value, root: &Path) -> Package {
    let manifest = Path::new(text(value, "manifest_path"));
    let manifest = manifest.strip_prefix(root).unwrap_or(manifest).to_string_lossy().into_owned();
    let dependencies = value.get("dependencies").and_then(Value::as_array).into_iter().flatten();
    let dependencies = dependencies.map(|dependency| Dependency {
        name: text(dependency, "name").to_owned(),
        is_ours: dependency.get("path").is_some_and(Value::is_string),
        is_dev: text(dependency, "kind") == "dev",
    });
    Package { name: text(value, "name").to_owned(), manifest, dependencies: dependencies.collect() }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Edges that no table allows, and crates without a row.
pub fn check(packages: &[Package], files: &[TextFile]) -> Vec<Finding> {
    packages.iter().flat_map(|package| check_package(package, files)).collect()
}

fn check_package(package: &Package, files: &[TextFile]) -> Vec<Finding> {
    let Some(layer) = LAYERS.iter().find(|layer| layer.package == package.name) else {
        let message = format!(
            "no row for package `{}`; add one to LAYERS in xtask/src/tidy/layers.rs and to ARCHITECTURE.md",
            package.name
        );
        return vec![Finding::new(&package.manifest, 1, message)];
    };
    let refused = package.dependencies.iter().filter_map(|dependency| {
        let message = refusal(layer, dependency)?;
        Some(Finding::new(&package.manifest, dependency_line(package, &dependency.name, files), message))
    });
    refused.collect()
}

/// Why `layer` may not have `dependency`, or `None` when it may.
fn refusal(layer: &Layer, dependency: &Dependency) -> Option<String> {
    let (package, name) = (layer.package, dependency.name.as_str());
    if dependency.is_ours {
        let is_allowed = layer.uses.contains(&name) || dependency.is_dev && layer.dev_uses.contains(&name);
        return (!is_allowed).then(|| {
            format!("`{package}` may not use `{name}`; pass a value in, or argue for the edge in LAYERS")
        });
    }
    let (_, users) = HEAVY.iter().find(|(heavy, _)| *heavy == name)?;
    (!dependency.is_dev && !users.contains(&package)).then(|| {
        let users = users.join("`, `");
        format!("`{package}` may not use `{name}`, kept in `{users}`; call those, or argue for it in HEAVY")
    })
}

fn dependency_line(package: &Package, name: &str, files: &[TextFile]) -> usize {
    let manifest = files.iter().find(|file| file.path == package.manifest);
    let mut lines = manifest.into_iter().flat_map(|file| file.text.lines());
    let names = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '.', '=']));
    lines.position(names).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::super::assert_lines;
    use super::*;

    const NORMAL: &str = "null";
    const DEV: &str = "\"dev\"";

    /// Checks a package whose manifest has one dependency, on line 2.
    fn check_edge(package: &str, dependency: &str, kind: &str, expected: &[usize]) {
        let path = if dependency.starts_with("weir") { "\"/r/x\"" } else { "null" };
        let metadata = format!(
            r#"{{"packages": [{{"name": "{package}", "manifest_path": "/r/crates/x/Cargo.toml",
                "dependencies": [{{"name": "{dependency}", "kind": {kind}, "path": {path}}}]}}]}}"#
        );
        let manifest = format!("[dependencies]\n{dependency}.workspace = true\n");
        let files = [TextFile { path: "crates/x/Cargo.toml".to_owned(), text: manifest }];
        let packages = packages(&metadata, Path::new("/r")).unwrap();
        assert_lines(&check(&packages, &files), expected);
    }

    #[test]
    fn edges_follow_the_data() {
        check_edge("weir-enrich", "weir-record", NORMAL, &[]);
        check_edge("weir", "weir-web", NORMAL, &[]);
        check_edge("weir-record", "weir-meter", NORMAL, &[2]);
        check_edge("weir-meter", "weir-enrich", NORMAL, &[2]);
    }

    #[test]
    fn tests_may_use_what_their_row_says() {
        check_edge("weir-web", "weir-record", DEV, &[]);
        check_edge("weir-web", "weir-record", NORMAL, &[2]);
        check_edge("weir-record", "weir", DEV, &[2]);
    }

    #[test]
    fn heavy_libraries_stay_where_they_are() {
        check_edge("weir-web", "tokio", NORMAL, &[]);
        check_edge("weir-meter", "tokio", NORMAL, &[2]);
        check_edge("weir-meter", "tokio", DEV, &[]);
        check_edge("weir-record", "memchr", NORMAL, &[]);
    }

    #[test]
    fn a_new_crate_needs_a_row() {
        check_edge("weir-nothing", "memchr", NORMAL, &[1]);
    }

    #[test]
    fn rows_name_packages_that_have_rows() {
        let has_row = |name: &str| LAYERS.iter().any(|layer| layer.package == name);
        for layer in LAYERS {
            assert!(layer.uses.iter().chain(layer.dev_uses).all(|name| has_row(name)), "{}", layer.package);
        }
        assert!(HEAVY.iter().flat_map(|(_, users)| *users).all(|name| has_row(name)));
    }
}
