//! How much memory an aggregation may take, whatever the records are.
//!
//! Groups, values and texts come from outside: without bounds a percentile by request id would take the memory of
//! the machine. Each bound has a stated behaviour: groups beyond theirs are left out and the answer says so;
//! values beyond theirs are kept less exactly and the answer says how exactly. The bounds of one query are for one
//! [`Groups`](super::Groups), so a query on several threads has them several times until the results are merged.

/// The most groups. Nobody reads more rows, and 100,000 groups of ten metrics take about 100 MB.
pub const GROUPS_MAX: usize = 100_000;

/// The most states of metrics: with more than ten metrics there are fewer groups, so that states alone take no
/// more than about 100 MB.
pub const METRIC_STATES_MAX: usize = 1_000_000;

/// The text of all groups' keys, in bytes: keys may be paths or user agents that clients made up.
pub const GROUP_KEY_BYTES_MAX: usize = 64 << 20;

/// The values that percentiles are exact for, in all groups together: 32 MB, up to twice that while they grow.
pub const EXACT_VALUES_MAX: usize = 4_000_000;

/// How far a percentile of a sketch may be from the right value, as a share of it.
pub const SKETCH_ERROR: f64 = 0.01;

/// The buckets of all sketches together, about 24 bytes each. Response times have about 1,000 in a group. Where there
/// would be more, each two neighbours become one and the error doubles.
pub const SKETCH_BUCKETS_MAX: usize = 2_000_000;

/// Up to how many different values of a group their number is exact. Beyond it, it is estimated from that many of
/// them, with a standard error of 0.3 %.
pub const DISTINCT_EXACT_MAX: usize = 100_000;

/// The different values that are remembered in all groups and metrics together, about 20 bytes each. Where there
/// would be more, each group remembers half as many, and so on.
pub const DISTINCT_TOTAL_MAX: usize = 4_000_000;

/// The bounds of one [`Groups`](super::Groups); what each means stands at the constant that is its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// [`GROUPS_MAX`].
    pub groups_max: usize,
    /// [`GROUP_KEY_BYTES_MAX`].
    pub group_key_bytes_max: usize,
    /// [`EXACT_VALUES_MAX`].
    pub exact_values_max: usize,
    /// [`SKETCH_BUCKETS_MAX`].
    pub sketch_buckets_max: usize,
    /// [`DISTINCT_EXACT_MAX`].
    pub distinct_exact_max: usize,
    /// [`DISTINCT_TOTAL_MAX`].
    pub distinct_total_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            groups_max: GROUPS_MAX,
            group_key_bytes_max: GROUP_KEY_BYTES_MAX,
            exact_values_max: EXACT_VALUES_MAX,
            sketch_buckets_max: SKETCH_BUCKETS_MAX,
            distinct_exact_max: DISTINCT_EXACT_MAX,
            distinct_total_max: DISTINCT_TOTAL_MAX,
        }
    }
}
