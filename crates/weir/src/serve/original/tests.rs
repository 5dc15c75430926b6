//! Which files are looked into; that lines are found is tested with whole programs.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use weir_record::Timestamp;

use super::copies::copies_of;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("weir-original-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, written_at_s: u64) {
        let file = File::create(self.0.join(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(written_at_s)).unwrap();
    }

    fn names(&self, origin: &str, time_s: i64) -> Vec<String> {
        let copies = copies_of(&self.0.join(origin), Timestamp::from_seconds(time_s));
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        copies.iter().map(|path| name(path)).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_file_that_was_written_to_next_is_the_first() {
    let folder = Folder::new("order");
    for (name, written_at_s) in [
        ("access.log", 90_000),
        ("access.log.1", 60_000),
        ("access.log.2.gz", 30_000),
        ("access.log.3.gz", 1_000),
        ("error.log", 60_000),
        ("access-20261120.log", 95_000),
    ] {
        folder.write(name, written_at_s);
    }
    fs::create_dir(folder.0.join("access.log.d")).unwrap();
    let names = folder.names("access.log", 25_000);
    assert_eq!(
        names,
        ["access.log.2.gz", "access.log.1", "access.log", "access-20261120.log", "access.log.3.gz"]
    );
    let names = folder.names("access.log", 80_000);
    assert_eq!(
        names,
        ["access.log", "access-20261120.log", "access.log.3.gz", "access.log.2.gz", "access.log.1"]
    );
    assert!(folder.names("missing.log", 0).is_empty());
}

#[test]
fn of_very_many_only_so_many_are_looked_into() {
    let folder = Folder::new("many");
    for number in 0..150 {
        folder.write(&format!("access.log.{number}"), 10_000 + number);
    }
    let names = folder.names("access.log", 10_000);
    assert_eq!((names.len(), names[0].as_str()), (100, "access.log.0"));
}
