//! Who is told of which alerts, when, and together with which others: Alertmanager's rules.
//!
//! They are copied to the letter, because people have learnt them and their files are read here; what is added is
//! that nothing is lost by a restart. The [`Dispatcher`] is told what fires and what time it is, and says what is
//! to be sent; it sends nothing. What of it must outlive the process it hands out as names and bytes, to be
//! written in the same transaction as the messages: so a crash repeats none and loses none.
//!
//! Reading order: `matcher`, `route`, `time_interval`, `inhibition`, `silence`, `log`, `group`, `dispatcher`,
//! `flood`.

mod dispatcher;
mod flood;
mod group;
mod inhibition;
mod log;
mod matcher;
mod route;
mod silence;
mod stored;
mod time_interval;

#[cfg(test)]
mod tests;

pub use dispatcher::{Dispatcher, Integration, Look, Notification, Policy, Standing, Stored};
pub use flood::{DIGEST_TITLE, Flood, Gathered, GatheredGroup};
pub use group::GroupId;
pub use inhibition::InhibitRule;
pub use log::{Incident, Reason};
pub use matcher::{Comparison, Matcher, MatcherError};
pub use route::{GroupBy, Route, RouteSpec, Routes};
pub use silence::{SILENCES_MAX, Silence, SilenceError, SilenceState, Silences};
pub(crate) use stored::{micros, optional_micros};
pub use time_interval::{
    Range, TimeInterval, parse_days_of_month, parse_months, parse_time, parse_weekdays, parse_years,
};
