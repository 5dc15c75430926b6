//! Counting in groups: what is kept for each group while records go by, and what is answered.
//!
//! Each thread fills [`Groups`] of its own, which are then merged; every state is one whose merge does not depend
//! on the order, so that the same query over the same records always gives the same digits. Exact where that
//! fits into a stated amount of memory, else an estimate with a stated error; the answer says which it is.

mod answer;
mod bounds;
mod distinct;
mod group_value;
mod groups;
mod metric_states;
mod percentile;
mod rows;
mod sketch;
mod sum;
#[cfg(test)]
mod tests;

pub use answer::{Answer, MetricValue, Row};
pub use bounds::{
    Bounds, DISTINCT_EXACT_MAX, DISTINCT_TOTAL_MAX, EXACT_VALUES_MAX, GROUP_KEY_BYTES_MAX, GROUPS_MAX,
    METRIC_STATES_MAX, SKETCH_BUCKETS_MAX, SKETCH_ERROR,
};
pub use group_value::GroupValue;
pub use groups::{GROUP_ELEMENTS_MAX, Groups, group_values, metric_number, text_hash, value_hash};
