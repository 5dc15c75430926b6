//! What an aggregation answers: rows, and how far they can be trusted.
//!
//! An estimate that looks like a measured number is worse than none, so an answer says its error, and one that
//! left out groups says how many records those had.

use super::group_value::GroupValue;
use crate::number::whole;

/// The rows of an aggregation, in its order.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The rows, at most as many as the limit.
    pub rows: Vec<Row>,
    /// How many groups there were before the limit.
    pub groups_len: usize,
    /// Whether every number is exact.
    pub is_exact: bool,
    /// How far a percentile or a cardinality may be from the right one, as a share of it; 0 where exact.
    ///
    /// For percentiles this is certain; a cardinality is within it in 997 of 1,000 cases. Other metrics are exact.
    pub error_bound: f64,
    /// Whether there were more groups than are kept; which of them are here then depends on chance.
    pub is_cut: bool,
    /// How many records were of groups that are not kept.
    pub cut_records: u64,
}

/// One group.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its values of what is grouped by, in that order.
    pub keys: Vec<GroupValue>,
    /// Its metrics, in their order.
    pub values: Vec<MetricValue>,
}

/// A metric of one group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricValue {
    /// A count, or a number that is whole.
    Integer(i64),
    /// Any other number. Of times these are seconds since 1970.
    Float(f64),
    /// No record of the group has a number in the field.
    Missing,
}

impl MetricValue {
    /// A number of things.
    pub(super) fn count(count: u64) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// The number, if there is one.
    pub fn as_f64(self) -> Option<f64> {
        match self {
            Self::Integer(integer) => Some(integer as f64),
            Self::Float(number) => Some(number),
            Self::Missing => None,
        }
    }
}

/// What is not finite is what a metric without values has.
impl From<f64> for MetricValue {
    fn from(number: f64) -> Self {
        match whole(number) {
            Some(integer) => Self::Integer(integer),
            None if number.is_finite() => Self::Float(number),
            None => Self::Missing,
        }
    }
}

impl From<MetricValue> for GroupValue {
    fn from(value: MetricValue) -> Self {
        match value {
            MetricValue::Integer(integer) => Self::Integer(integer),
            MetricValue::Float(number) => Self::Float(number),
            MetricValue::Missing => Self::Missing,
        }
    }
}
