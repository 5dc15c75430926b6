//! Temporary folders with files in them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;

/// A folder that is removed with its contents.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::Builder::new().prefix("weir-test-").tempdir().unwrap())
    }

    /// The path of `name` in this folder, as an argument; of the folder itself for "".
    pub fn path(&self, name: &str) -> String {
        let path = if name.is_empty() { self.0.path().to_owned() } else { self.0.path().join(name) };
        path.into_os_string().into_string().unwrap()
    }

    /// Writes a file and returns its path. Folders in its name are made.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        path
    }

    /// Writes a file under another name, dates it back so that it counts as complete, and renames it.
    pub fn publish(&self, name: &str, contents: impl AsRef<[u8]>) -> String {
        let hidden = self.write(&format!(".{name}.part"), contents);
        let complete = SystemTime::UNIX_EPOCH + Duration::from_secs(1_500_000_000);
        fs::File::options().append(true).open(&hidden).unwrap().set_modified(complete).unwrap();
        let path = self.path(name);
        fs::rename(hidden, &path).unwrap();
        path
    }

    /// Appends to a file.
    pub fn append(&self, name: &str, contents: impl AsRef<[u8]>) {
        let mut file = fs::File::options().append(true).create(true).open(self.path(name)).unwrap();
        file.write_all(contents.as_ref()).unwrap();
    }

    /// All files below, sorted.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        files
    }
}

/// One gzip member.
pub fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// A path of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}
