//! Files whose footer makes no sense leave the folders of days for `damaged/`.
//!
//! Other tools read all files of the days at once, and one that is none makes them read nothing. Such a file stays
//! listed: answers go on naming it, and a whole copy that is put where it was is taken up by the next start. It
//! is moved and never deleted, except by the retention, with the other files of its time. A file of which only
//! some row groups are damaged stays where it is, because the others are read.

use std::path::Path;
use std::sync::Arc;

use crate::error::StoreError;
use crate::store::{Store, move_file};
use crate::stored_file::DAMAGED_FOLDER;
use crate::view::{StoreFile, View};

impl Store {
    /// Moves every file away of which it turned out that its footer makes no sense. One that can't be moved stays
    /// until the next start.
    pub(crate) fn set_damaged_aside(&self) {
        if !self.view().files.iter().any(|file| file.is_to_set_aside()) {
            return;
        }
        // Held over all of it, so that no commit drops a file while it is moved.
        let _segments = self.lock_segments();
        let mut view = View::clone(&self.view());
        for file in view.files.iter_mut().filter(|file| file.is_to_set_aside()) {
            match self.set_aside(file) {
                Ok(moved) => *file = moved,
                Err(error) => {
                    file.leave_in_place();
                    tracing::warn!(%error, "a damaged file stays in the folder of its day");
                }
            }
        }
        self.show(view);
    }

    fn set_aside(&self, file: &StoreFile) -> Result<Arc<StoreFile>, StoreError> {
        let folder = &self.shared.options.folder;
        let path = file.stored.damaged_path(folder);
        if path.exists() {
            let source = std::io::ErrorKind::AlreadyExists.into();
            return Err(StoreError::Io { action: "move a file to", path, source });
        }
        move_file(&file.path, &path)?;
        remove_if_empty(file.path.parent());
        tracing::warn!(path = %path.display(), "a file that can't be read was set aside in `{DAMAGED_FOLDER}`");
        Ok(file.set_aside_at(path))
    }
}

/// Removes the folder of a day when its last file is gone.
pub(crate) fn remove_if_empty(folder: Option<&Path>) {
    let is_day =
        |folder: &&Path| folder.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"day="));
    if let Some(folder) = folder.filter(is_day) {
        // Fails where it is not empty, which is meant.
        let _ = std::fs::remove_dir(folder);
    }
}
