//! What promises and alerts count now; a reload of the config exchanges it.
//!
//! Whoever counts takes it once for all records of a unit, so that what a unit carries is counted by one config, and
//! who commits it knows by which: an exchange in between mixes nothing up.

use std::sync::{Arc, PoisonError, RwLock};

use super::indicators::Indicators;

/// Indicators that can be exchanged. Copies are the same.
#[derive(Clone, Debug, Default)]
pub struct CurrentIndicators {
    indicators: Arc<RwLock<Arc<Indicators>>>,
}

impl CurrentIndicators {
    /// Begins with `indicators`.
    pub fn new(indicators: Arc<Indicators>) -> Self {
        Self { indicators: Arc::new(RwLock::new(indicators)) }
    }

    /// Those in force.
    pub fn get(&self) -> Arc<Indicators> {
        Arc::clone(&self.indicators.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts others in force.
    pub fn exchange(&self, indicators: Arc<Indicators>) {
        *self.indicators.write().unwrap_or_else(PoisonError::into_inner) = indicators;
    }
}
