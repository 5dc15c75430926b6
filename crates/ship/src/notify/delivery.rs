//! Why something was not delivered.
//!
//! Whether trying again can help is what a queue must know, and the only thing; so it is part of the type, for mail,
//! webhooks and Alertmanagers alike.

use std::time::Duration;

/// Why something was not delivered; the texts are fit for a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Trying again can help.
    #[error("{text}")]
    Retry {
        /// Why.
        text: String,
        /// The wait that was asked for.
        after: Option<Duration>,
    },
    /// It will never be taken as it is.
    #[error("{text}")]
    Refused {
        /// Why.
        text: String,
    },
}

impl Failure {
    /// One that goes away.
    pub(crate) fn retry(text: impl Into<String>) -> Self {
        Self::Retry { text: text.into(), after: None }
    }

    /// One that stays.
    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Self::Refused { text: text.into() }
    }
}
