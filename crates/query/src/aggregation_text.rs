//! An aggregation as the text that parses to it.
//!
//! Every name is written, so that a link keeps its columns whatever the default names become.

use std::borrow::Cow;
use std::fmt::{self, Write};

use crate::aggregation::{Aggregation, GroupBy, Metric, ROWS_DEFAULT};
use crate::expression_text::write_quoted;

impl fmt::Display for Aggregation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("| stats ")?;
        for (index, (name, metric)) in self.metrics.iter().enumerate() {
            out.write_str(if index > 0 { ", " } else { "" })?;
            write!(out, "{metric}")?;
            if metric.default_name() != *name {
                out.write_str(" as ")?;
                write_name(name, out)?;
            }
        }
        for (index, group) in self.group_by.iter().enumerate() {
            out.write_str(if index > 0 { ", " } else { " by " })?;
            match group {
                GroupBy::Field(field) => write_name(field, out)?,
                GroupBy::Time { interval_us } => write!(out, "@timestamp:{}", Interval(*interval_us))?,
            }
        }
        if let Some(order) = &self.order {
            out.write_str(if order.is_descending { " | sort -" } else { " | sort " })?;
            write_name(&order.by, out)?;
        }
        if self.limit != ROWS_DEFAULT {
            write!(out, " | limit {}", self.limit)?;
        }
        Ok(())
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}(", self.function())?;
        self.field().map_or(Ok(()), |field| write_name(field, out))?;
        out.write_char(')')
    }
}

impl Metric {
    /// What it is called in the answer unless `as` says otherwise.
    fn default_name(&self) -> String {
        format!("{}({})", self.function(), self.field().unwrap_or_default())
    }

    fn function(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Count => "count",
            Self::Percentile { p, .. } => return Cow::Owned(format!("p{p}")),
            Self::Average { .. } => "avg",
            Self::Sum { .. } => "sum",
            Self::Min { .. } => "min",
            Self::Max { .. } => "max",
            Self::Cardinality { .. } => "cardinality",
        })
    }
}

/// An interval in its largest unit.
struct Interval(i64);

impl fmt::Display for Interval {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units =
            [("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000)];
        let unit = units.into_iter().find(|(_, unit_us)| self.0 % unit_us == 0);
        let (name, unit_us) = unit.unwrap_or(("us", 1));
        write!(out, "{}{name}", self.0 / unit_us)
    }
}

/// A name, in quotes where it is more than one word.
fn write_name(name: &str, out: &mut impl Write) -> fmt::Result {
    let is_word = name.starts_with(|first: char| first.is_alphanumeric() || "_.@".contains(first))
        && name.chars().all(|char| char.is_alphanumeric() || "_.@-".contains(char));
    if is_word { out.write_str(name) } else { write_quoted(name, out) }
}
