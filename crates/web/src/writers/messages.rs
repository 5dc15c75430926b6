//! The messages of a body, as a decoder finds them: bounded in number and in bytes.
//!
//! A body of `{}` lines is thirty times as large in memory as it is on the wire, and Loki's labels stand once
//! for a thousand lines, so the limit on a body does not bound what is made of it.

use std::sync::Arc;

use thiserror::Error;

/// Messages of one body. A line of 256 bytes is common, so a full body of them fits.
pub const MESSAGES_MAX: usize = 500_000;

/// What a message costs beside its text, in bytes.
const MESSAGE_OVERHEAD_BYTES: usize = 128;

/// What the answer to a body may take, in bytes: 500,000 documents with the usual names of an index and an id.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// A message to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its text.
    pub bytes: Vec<u8>,
    /// What it is written in.
    pub format: WrittenFormat,
    /// What the protocol says of it beside its text: names and values.
    pub fields: Vec<(&'static str, Arc<str>)>,
}

/// What a message is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenFormat {
    /// GELF.
    Gelf,
    /// A JSON object, or whatever the source says.
    OfSource,
}

/// Why a body has no messages, or too many.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// It is not what it should be.
    #[error("{0}")]
    Malformed(String),
    /// It has, or makes, too much.
    #[error("the body has more than {max} {of}")]
    TooMuch {
        /// How much may be.
        max: usize,
        /// Of what.
        of: &'static str,
    },
}

/// What a decoder found.
#[derive(Debug)]
pub struct Messages {
    found: Vec<Written>,
    bytes: usize,
    bytes_max: usize,
    answer_bytes: usize,
}

impl Messages {
    /// None yet; their texts may have `bytes_max` together.
    pub fn new(bytes_max: usize) -> Self {
        Self { found: Vec::new(), bytes: 0, bytes_max, answer_bytes: 0 }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Adds one.
    ///
    /// # Errors
    ///
    /// There are too many, or they are too large.
    pub fn push(&mut self, message: Written) -> Result<(), DecodeError> {
        if self.found.len() >= MESSAGES_MAX {
            return Err(DecodeError::TooMuch { max: MESSAGES_MAX, of: "messages" });
        }
        self.bytes += message.bytes.len();
        if self.bytes > self.bytes_max {
            return Err(DecodeError::TooMuch { max: self.bytes_max, of: "bytes unpacked" });
        }
        self.found.push(message);
        Ok(())
    }

    /// Adds one that the source's format is for.
    ///
    /// # Errors
    ///
    /// As [`Messages::push`].
    pub fn push_line(&mut self, bytes: Vec<u8>) -> Result<(), DecodeError> {
        self.push(Written { bytes, format: WrittenFormat::OfSource, fields: Vec::new() })
    }

    /// Makes room for a part of the answer, where each message has one.
    ///
    /// # Errors
    ///
    /// The answer would be too large.
    pub(super) fn expect_answer(&mut self, bytes: usize) -> Result<(), DecodeError> {
        self.answer_bytes += bytes;
        if self.answer_bytes > ANSWER_BYTES_MAX {
            return Err(DecodeError::TooMuch { max: ANSWER_BYTES_MAX, of: "bytes of answer" });
        }
        Ok(())
    }

    /// What they and their answer take in memory, about.
    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes + self.found.len() * MESSAGE_OVERHEAD_BYTES + self.answer_bytes
    }

    /// All of them.
    pub fn into_vec(self) -> Vec<Written> {
        self.found
    }
}
