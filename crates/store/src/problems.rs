//! What is wrong with the store, said once and kept for who asks.
//!
//! A damaged file is met by every query; it is an error in the log the first time, and a line in the answers'
//! and the page's list of problems from then on.

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::StoreError;

/// The most problems that are kept, a number: enough to see what kind of fault it is.
const PROBLEMS_MAX: usize = 100;

/// The problems that were met since the start. Clones are the same list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problems(Arc<Mutex<Vec<String>>>);

impl Problems {
    /// Keeps a problem for which a person must act, and logs it.
    pub(crate) fn report(&self, error: &StoreError) {
        tracing::error!(%error, "records of the store can't be read");
        let mut problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if problems.len() < PROBLEMS_MAX {
            problems.push(error.to_string());
        }
    }

    /// All problems, oldest first.
    pub(crate) fn list(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
