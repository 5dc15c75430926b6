//! Files of an earlier run, told again.
//!
//! A file is the one of that device, inode and birth if it begins in the same way. One that nobody knows by
//! these is looked up by its beginning among those that no file claims: it was moved to another file system,
//! restored, or its device has another number since the restart. Where two could be meant neither is: lines
//! that are counted twice are seen, lines that are passed over are not.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::path::PathBuf;

use weir_record::Format;

use super::look::Seen;
use super::packed_text;
use super::present::{FileId, Present, open_log};
use crate::appended::Trace;
use crate::file_head::{FileHead, HEAD_BYTES_MAX, beginning};
use crate::file_tail::FileTail;

/// A file's device, inode and birth, as 128 bits that can be kept.
pub type FileKey = [u8; 16];

/// A file of which something was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownFile {
    /// How far.
    pub extent: Extent,
    /// Its size when it was seen last, in bytes.
    pub bytes: u64,
    /// How it began when something was read of it last.
    pub head: FileHead,
}

/// How far a file was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// A packed file, counted whole.
    Counted,
    /// A plain file, up to this byte, and the format of its lines.
    ReadTo(u64, Option<Format>),
}

impl KnownFile {
    /// How far it was read, if it is plain.
    fn trace(&self) -> Option<Trace> {
        match self.extent {
            Extent::ReadTo(offset, format) => {
                Some(Trace { offset, head: self.head, tail: FileTail::default(), format })
            }
            Extent::Counted => None,
        }
    }

    /// Whether a file of another device or inode may be this one, as far as its size tells.
    fn may_have(&self, bytes: u64) -> bool {
        match self.extent {
            Extent::Counted => bytes == self.bytes,
            Extent::ReadTo(offset, _) => bytes >= offset,
        }
    }
}

/// The files of an earlier run that were not met yet.
#[derive(Default)]
pub(super) struct KnownFiles {
    files: HashMap<FileKey, KnownFile>,
    replaced: Vec<FileKey>,
}

impl KnownFiles {
    pub(super) fn new(files: HashMap<FileKey, KnownFile>) -> Self {
        Self { files, replaced: Vec::new() }
    }

    /// Whether there are plain files among them.
    pub(super) fn has_text(&self) -> bool {
        self.texts().next().is_some()
    }

    /// How far the plain files among them were read.
    pub(super) fn texts(&self) -> impl Iterator<Item = Trace> {
        self.files.values().filter_map(KnownFile::trace)
    }

    /// Whether it is a packed file that was counted.
    pub(super) fn is_counted(&self, file: &Present) -> bool {
        self.files.get(&file.id.key()).is_some_and(|known| known.extent == Extent::Counted)
    }

    /// Whether a packed file has a text of which something was read.
    pub(super) fn has_text_of_packed(&self, packed: &File) -> bool {
        let beginning = packed_text::unpacked_beginning(packed);
        self.texts().any(|trace| packed_text::begins_like(&trace, &beginning))
    }

    /// How far the text of a plain file was read that is not met under a name that is watched.
    pub(super) fn take_text_of(&mut self, file: &Present, opened: &File) -> Option<Trace> {
        let is_of = |known: &KnownFile| {
            let trace = known.trace().filter(|trace| trace.head.is_known());
            trace.is_some_and(|trace| trace.is_of(opened).unwrap_or(false))
        };
        let own = file.id.key();
        let fitting = self.files.iter().filter(|(_, known)| is_of(known));
        // Its own before another's with the same text, and then the one of which most was read.
        let rank = |key: &FileKey, known: &KnownFile| (*key == own, known.trace().map(|trace| trace.offset));
        let (key, known) = fitting.max_by_key(|(key, known)| rank(key, known))?;
        let (key, trace) = (*key, known.trace());
        self.files.remove(&key);
        if key != own {
            self.replaced.push(key);
        }
        trace
    }

    /// Notes that what is kept under a key is another file's now.
    pub(super) fn replace(&mut self, key: FileKey) {
        self.files.remove(&key);
        self.replaced.push(key);
    }

    pub(super) fn has_replaced(&self) -> bool {
        !self.replaced.is_empty()
    }

    pub(super) fn take_replaced(&mut self) -> Vec<FileKey> {
        std::mem::take(&mut self.replaced)
    }

    /// Finds the known files among all that are there, and adds them to those that were seen. Returns files of
    /// which it cannot be told which one they are.
    pub(super) fn recognise(
        &mut self,
        present: &[Present],
        seen: &mut HashMap<FileId, Seen>,
    ) -> Vec<PathBuf> {
        if self.files.is_empty() {
            return Vec::new();
        }
        let mut strangers: Vec<&Present> = Vec::new();
        let mut looked_at = HashSet::new();
        for file in present {
            if !looked_at.insert(file.id) {
                continue;
            }
            let Entry::Vacant(unseen) = seen.entry(file.id) else { continue };
            let known = self.files.get(&file.id.key());
            // One that cannot be opened may be the same: its reader reports it.
            let begins_alike = |known: &&KnownFile| {
                open_log(&file.path).and_then(|opened| known.head.is_of(&opened)).unwrap_or(true)
            };
            match known.filter(begins_alike).map(|known| Seen::of_known(known, file)) {
                Some(known) => {
                    unseen.insert(known);
                    self.files.remove(&file.id.key());
                }
                None => strangers.push(file),
            }
        }
        self.recognise_by_head(&strangers, seen)
    }

    fn recognise_by_head(
        &mut self,
        strangers: &[&Present],
        seen: &mut HashMap<FileId, Seen>,
    ) -> Vec<PathBuf> {
        let mut known: HashMap<FileHead, Vec<FileKey>> = HashMap::new();
        for (key, file) in self.files.iter().filter(|(_, file)| file.head.is_known()) {
            known.entry(file.head).or_default().push(*key);
        }
        let lengths: BTreeSet<u32> = known.keys().map(|head| head.bytes).collect();
        let mut claims: HashMap<FileHead, Vec<&Present>> = HashMap::new();
        for file in strangers.iter().filter(|_| !known.is_empty()) {
            let fits = |key: &FileKey| self.files[key].may_have(file.metadata.len());
            let is_claimed = |head: &FileHead| known.get(head).is_some_and(|keys| keys.iter().any(fits));
            if let Some(head) = longest_head(file, &lengths, is_claimed) {
                claims.entry(head).or_default().push(file);
            }
        }
        let mut ambiguous = Vec::new();
        for (head, files) in claims {
            match (known[&head].as_slice(), files.as_slice()) {
                ([key], [file]) => {
                    if let Some(known) = self.files.remove(key) {
                        seen.insert(file.id, Seen::of_known(&known, file));
                        self.replaced.push(*key);
                    }
                }
                (_, files) => ambiguous.extend(files.iter().map(|file| file.path.clone())),
            }
        }
        ambiguous.sort();
        ambiguous
    }
}

/// The longest head of the file that is asked for, of one of these lengths. A file that cannot be read has none.
fn longest_head(
    file: &Present,
    lengths: &BTreeSet<u32>,
    is_asked_for: impl Fn(&FileHead) -> bool,
) -> Option<FileHead> {
    let opened = open_log(&file.path).ok()?;
    let beginning = beginning(&opened, u64::from(HEAD_BYTES_MAX)).ok()?;
    let heads = lengths.iter().rev().filter_map(|&length| beginning.get(..length as usize));
    heads.map(FileHead::of_bytes).find(is_asked_for)
}
