//! Puts the page into the program: packs what `page/dist` has and writes a table of it, `page.rs`.
//!
//! Node builds the page and cargo the program; between them is only this folder, so that a build without Node
//! works and says that it has no page. Packed here and not when somebody asks: once, as small as can be.

use std::collections::hash_map::DefaultHasher;
use std::error::Error;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::hash::Hasher as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// What the page's build leaves, seen from this crate.
const DIST: &str = "../../page/dist";

/// What to look at where that is not there: cargo takes what is missing for changed, each time.
const WITHOUT_DIST: [&str; 2] = ["../../page", "../../Cargo.toml"];

/// Characters of what Vite adds to a name so that it changes with what is in the file: `index-1a2b3c4d.js`.
const HASH_CHARS: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    #[allow(clippy::disallowed_methods, reason = "this is how cargo tells a build script its folders")]
    let (root, out) = (std::env::var("CARGO_MANIFEST_DIR")?, std::env::var("OUT_DIR")?);
    let (root, out) = (Path::new(&root), Path::new(&out));
    let dist = root.join(DIST);
    let watched = std::iter::once(DIST).chain(WITHOUT_DIST).find(|path| root.join(path).exists());
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", watched.unwrap_or("Cargo.toml"));
    let mut files = Vec::new();
    if dist.join("index.html").is_file() {
        list(&dist, &mut files)?;
        files.sort();
    }
    let mut table = String::from("&[\n");
    for (number, file) in files.iter().enumerate() {
        let packed = out.join(format!("asset-{number}"));
        table += &entry(file, &dist, &packed)?;
    }
    table.push_str("]\n");
    fs::write(out.join("page.rs"), table)?;
    Ok(())
}

/// All files below `folder`.
fn list(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension != "map") {
            files.push(path);
        }
    }
    Ok(())
}

/// Writes what is served of a file to `out`; its row of the table.
fn entry(file: &Path, dist: &Path, out: &Path) -> Result<String, Box<dyn Error>> {
    let bytes = fs::read(file)?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes)?;
    let packed = encoder.finish()?;
    let is_gzip = packed.len() < bytes.len();
    fs::write(out, if is_gzip { &packed } else { &bytes })?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    let path = format!("/{}", file.strip_prefix(dist)?.to_string_lossy());
    let mut row = String::from("    Asset {");
    write!(row, " path: {path:?}, content_type: {:?},", content_type(file.extension()))?;
    write!(row, " etag: {:?}, is_gzip: {is_gzip},", format!("W/\"{:016x}\"", hasher.finish()))?;
    write!(row, " is_hashed: {},", is_hashed(file))?;
    writeln!(row, " bytes: include_bytes!({:?}) }},", out.to_string_lossy())?;
    Ok(row)
}

/// Whether a file's name changes with what is in it.
fn is_hashed(file: &Path) -> bool {
    let stem = file.file_stem().and_then(OsStr::to_str).unwrap_or_default();
    let hash = stem.len().checked_sub(HASH_CHARS + 1).and_then(|at| stem.get(at..)).unwrap_or_default();
    let is_of_hash = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    hash.strip_prefix('-').is_some_and(|hash| hash.chars().all(is_of_hash))
}

fn content_type(extension: Option<&OsStr>) -> &'static str {
    match extension.and_then(OsStr::to_str) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("json" | "webmanifest") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
