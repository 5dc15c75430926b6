//! Records to time series.
//!
//! Counters and histograms under a hard budget of label sets, minute slots at event time, watermarks,
//! and the formats in which Prometheus reads them. Pure: the time is an argument, and a merge of two
//! meters is the same as having counted everything in one. That is what lets the commands count files
//! on all cores and the server count an object all or not at all.

mod births;
mod bounds;
mod counts;
pub mod durable;
mod exponential;
mod families;
mod labels;
mod meter;
mod minutes;
mod report;
mod route_summary;
mod slots;
mod snapshot;
mod staging;
mod stored;
mod table;
mod watermark;

pub mod exposition;
pub mod pushed;

pub use births::{Scrapers, StoredScraper, ZeroAfter, scraper_name};
pub use bounds::Bounds;
pub use exponential::{ExponentialBuckets, PERCENTILE_SCHEMA};
pub use families::View;
pub use labels::{Labels, OTHER};
pub use meter::{Births, Counting, Meter, MeterOptions};
pub use minutes::MinuteMeters;
pub use report::{GROUPS_MAX, Group, GroupKey, Report};
pub use route_summary::{RouteKey, RouteSummaries, RouteSummary};
pub use slots::SlotRange;
pub use snapshot::{Family, Histogram, Kind, LabelPairs, NativeHistogram, Series, Snapshot, Value};
pub use staging::{RowSlots, SeriesChange, Staged};
pub use table::{SERIES_MIN, Standing, UNCONFIGURED_HOSTS_MAX};
pub use watermark::Watermark;
