//! What was promised, what was kept of it, and who must know.
//!
//! Objectives, windows, the states of alerts: pure. Times and values are arguments, so that a month of history is
//! evaluated in a second, and what a server does live is what a backtest of the same day does.

mod alert;
pub mod backtest;
mod evaluator;
mod message_template;
mod minute_counts;
pub mod notification;
mod period;
mod rule;
pub mod rule_file;
mod share;
mod sla;
mod template;

pub use alert::{Alert, Fingerprint, Labels};
pub use evaluator::{ActiveAlert, AlertState, Change, Course, Evaluator, Progress, RuleOfIndicator, time};
pub use message_template::message_template;
pub use minute_counts::{Events, MinuteCounts};
pub use period::{CalendarUnit, Exclusion, ExclusionTime, TimeWindow};
pub use rule::{Condition, Measured, MeasuredKind, NoTraffic, Rule, RuleScope, SharePair};
pub use share::{BurnFactor, Objective, Share};
pub use sla::{BurnRate, Failures, Indicator, Override, Selector, Sla, SlaAlert, SlaAlertKind};
pub use template::{Template, TemplateData, TemplateError};
