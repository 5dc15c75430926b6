//! Where the ledger's file is, how it is opened, and how a new one comes to be.
//!
//! A crash while a file is being made must not leave half a ledger, which would then be refused for ever as
//! no ledger at all. So a new one is made under another name and linked to its own when it is whole; linking,
//! unlike renaming, fails where another process was faster.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::ops::Bound;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{BackendError, Database, ReadableDatabase as _, StorageBackend};

use crate::error::LedgerError;
use crate::tables::{META, older_events};
use crate::view::{View, has_table};

/// The version of the file's format that this program writes: tables, keys and the shapes of values.
pub const FORMAT: u32 = 1;

/// What errors call a ledger that is no file.
pub const IN_MEMORY: &str = "(in memory)";

/// The name of [`FORMAT`] in the table of formats.
const FORMAT_NAME: &str = "format";

/// The table that came last; a ledger without it is completed when it is opened.
const YOUNGEST_TABLE: &str = "hour_events";

/// Who may read and write the file: its owner. It holds log lines, which may hold anything, and the folder may
/// be open to others.
const FILE_MODE: u32 = 0o600;

/// Memory for pages while a new ledger is made, in bytes: it has a few dozen.
const CREATE_CACHE_BYTES: usize = 1 << 20;

type NewBackend = dyn Fn() -> io::Result<Box<dyn StorageBackend>> + Send + Sync;

/// Where the ledger is.
pub(crate) struct Place {
    path: PathBuf,
    new: Box<NewBackend>,
}

impl Place {
    /// A place that `new` opens; `path` is what errors call it.
    pub(crate) fn new(
        path: &Path,
        new: impl Fn() -> io::Result<Box<dyn StorageBackend>> + Send + Sync + 'static,
    ) -> Self {
        Self { path: path.to_owned(), new: Box::new(new) }
    }

    /// The file at `path`, which exists.
    pub(crate) fn file(path: &Path) -> Self {
        let file_path = path.to_owned();
        Self::new(path, move || {
            let file = OpenOptions::new().read(true).write(true).open(&file_path)?;
            Ok(Box::new(FileBackend::new(file).map_err(io::Error::other)?))
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the database, with `cache_bytes` of memory for its pages; repairs what a crash left.
    pub(crate) fn open(&self, cache_bytes: usize) -> Result<Database, LedgerError> {
        let backend = (self.new)().map_err(LedgerError::of_io)?;
        let opened = Database::builder().set_cache_size(cache_bytes).create_with_backend(AnyBackend(backend));
        opened.map_err(|error| LedgerError::of_open(error, &self.path))
    }
}

/// Makes an empty ledger at `path`, unless another process does so first.
pub(crate) fn create_file(path: &Path) -> Result<(), LedgerError> {
    let new_path = path.with_extension(format!("{}.new", std::process::id()));
    let created = create_whole(&new_path).and_then(|()| link(&new_path, path).map_err(LedgerError::of_io));
    // Gone already where it was renamed; one that stays does no harm.
    let _ = fs::remove_file(&new_path);
    created
}

fn create_whole(path: &Path) -> Result<(), LedgerError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true).mode(FILE_MODE);
    let closed = options.open(path).and_then(|file| {
        // One that a crash left has the mode that it was made with.
        file.set_permissions(fs::Permissions::from_mode(FILE_MODE))
    });
    closed.map_err(LedgerError::of_io)?;
    let database = Place::file(path).open(CREATE_CACHE_BYTES)?;
    prepare(&database, path)?;
    database.close().map_err(|error| LedgerError::of_open(error, path))
}

/// Gives the whole file its name, durably.
fn link(new_path: &Path, path: &Path) -> io::Result<()> {
    File::open(new_path)?.sync_all()?;
    match fs::hard_link(new_path, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        // File systems without links, as FAT has none.
        Err(_) => fs::rename(new_path, path)?,
        Ok(()) => {}
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Checks that the database is a ledger of a known format; makes the tables in an empty one.
pub(crate) fn prepare(database: &Database, path: &Path) -> Result<(), LedgerError> {
    let reading = database.begin_read()?;
    if reading.list_tables()?.next().is_none() {
        drop(reading);
        return create_tables(database);
    }
    let not_a_ledger = || LedgerError::NotALedger { path: path.to_owned() };
    if !has_table(&reading, redb::TableHandle::name(&META))? {
        return Err(not_a_ledger());
    }
    let meta = reading.open_table(META).map_err(|_| not_a_ledger())?;
    let found = meta.get(FORMAT_NAME)?.ok_or_else(not_a_ledger)?.value();
    match found {
        0 => Err(not_a_ledger()),
        // Tables that came later are made where an older program left none.
        1..=FORMAT if !has_table(&reading, YOUNGEST_TABLE)? => {
            drop((meta, reading));
            create_tables(database)
        }
        1..=FORMAT => Ok(()),
        _ => Err(LedgerError::Newer { found, known: FORMAT }),
    }
}

fn create_tables(database: &Database) -> Result<(), LedgerError> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    transaction.open_table(META)?.insert(FORMAT_NAME, FORMAT)?;
    let view = View::new(&transaction);
    view.tables.create()?;
    older_events::take_over(&transaction, &view.tables)?;
    drop(view);
    Ok(transaction.commit()?)
}

/// A backend of any type; the store wants one type per call.
struct AnyBackend(Box<dyn StorageBackend>);

impl fmt::Debug for AnyBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StorageBackend for AnyBackend {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.query_lock_range(start, end)
    }
}
