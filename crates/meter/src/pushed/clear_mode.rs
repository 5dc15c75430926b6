//! How a pushed value meets the one that is there.
//!
//! Only who pushes knows whether a gauge is a share of a sum or a state, so the pusher may say it, by a label
//! as gravel-gateway's do. What is unknown is refused rather than taken for the default: a misspelt
//! `replace` would add up for weeks before anybody looks.

use super::Problem;

/// The label by which a pusher says how its series is merged. It is not kept.
pub(super) const CLEAR_MODE_LABEL: &str = "clearmode";

/// The modes as they are written in the label.
pub(super) const KNOWN_MODES: &str = "`sum`, `aggregate`, `replace`, `family`, `info`";

/// How a value meets the one that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClearMode {
    /// Adds to it.
    Sum,
    /// Takes its place.
    Replace,
    /// As [`ClearMode::Replace`], once all series of the family are dropped, whoever pushed them.
    Family,
}

/// How gauges without `clearmode` are merged. Everything else adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GaugeMode {
    /// They add, as in prom-aggregation-gateway.
    #[default]
    Sum,
    /// The last one stays, as in Prometheus' pushgateway and gravel-gateway.
    Replace,
}

impl ClearMode {
    /// # Errors
    ///
    /// A mode that is not known, or one over time.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        match text {
            "sum" | "aggregate" => Ok(Self::Sum),
            "replace" => Ok(Self::Replace),
            "family" | "info" => Ok(Self::Family),
            _ => Err(Problem::ClearMode(text.into())),
        }
    }
}

impl From<GaugeMode> for ClearMode {
    fn from(mode: GaugeMode) -> Self {
        match mode {
            GaugeMode::Sum => Self::Sum,
            GaugeMode::Replace => Self::Replace,
        }
    }
}
