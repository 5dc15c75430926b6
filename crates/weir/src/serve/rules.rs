//! The enricher that is in force now.
//!
//! Listener rules change while the server runs, and are fetched anew; each object is read with the enricher
//! that is current when it begins. The rules keep their history, so that an old line still meets the rules of
//! its time.

use std::sync::{Arc, PoisonError, RwLock};

use weir_enrich::Enricher;

/// An enricher that can be exchanged.
#[derive(Clone)]
pub struct CurrentRules {
    enricher: Arc<RwLock<Arc<Enricher>>>,
}

impl CurrentRules {
    /// Begins with `enricher`.
    pub fn new(enricher: Enricher) -> Self {
        Self { enricher: Arc::new(RwLock::new(Arc::new(enricher))) }
    }

    /// The one in force.
    pub fn enricher(&self) -> Arc<Enricher> {
        Arc::clone(&self.enricher.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another in force.
    pub fn exchange(&self, enricher: Enricher) {
        *self.enricher.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(enricher);
    }
}
