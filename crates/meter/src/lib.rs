//! Records to time series.
//!
//! Counters and histograms under a hard budget of label sets, minute slots at event time, watermarks,
//! and the formats in which Prometheus reads them. Pure: the time is an argument, and a merge of two
//! meters is the same as having counted everything in one. That is what lets the commands count files
//! on all cores and the server count an object all or not at all.

mod births;
mod bounds;
mod counts;
mod exponential;
mod families;
mod labels;
mod meter;
mod report;
mod route_summary;
mod slots;
mod snapshot;
mod table;
mod watermark;

pub mod exposition;

pub use births::{Scrapers, ZeroAfter, scraper_name};
pub use exponential::{ExponentialBuckets, PERCENTILE_SCHEMA};
pub use families::View;
pub use labels::{Labels, OTHER};
pub use meter::{Births, Counting, Meter, MeterOptions};
pub use report::{GROUPS_MAX, Group, GroupKey, Report};
pub use route_summary::{RouteKey, RouteSummary};
pub use slots::{MinuteSlots, Slot, SlotKey, SlotRange};
pub use snapshot::{Family, Histogram, Kind, LabelPairs, NativeHistogram, Series, Snapshot, Value};
pub use table::{SERIES_MIN, Standing, UNCONFIGURED_HOSTS_MAX};
pub use watermark::Watermark;
