//! The columns of a report: what to group by, and what is known of each group.
//!
//! Two closed sets rather than one: the user chooses the first, and each record has a value for it; the
//! second are numbers of a whole group. Fields are found by our names and by those of the formats, as
//! nobody should have to learn new names for what stands in his own log.

use std::borrow::Cow;

use weir_enrich::Enriched;
use weir_meter::Group;
use weir_record::{Field, Request};

use crate::search::Zone;

/// From how much alike on, of 1, a name is taken for a misspelt one.
const NEAR: f64 = 0.85;

/// Stands for a value that the log does not have.
const ABSENT: &str = "-";

/// A column to group by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupColumn {
    /// The route, by pattern or template.
    Route,
    /// The service of the config.
    Service,
    /// The source that a server has it from.
    Source,
    /// The start of the minute.
    Minute,
    /// The start of the hour.
    Hour,
    /// The start of the day.
    Day,
    /// A field of the record.
    Field(Field),
}

impl GroupColumn {
    /// The column of this name.
    ///
    /// # Errors
    ///
    /// What would be right.
    pub fn from_name(name: &str) -> Result<Self, String> {
        Ok(match name {
            "route" => GroupColumn::Route,
            "service" => GroupColumn::Service,
            "source" => GroupColumn::Source,
            "minute" => GroupColumn::Minute,
            "hour" => GroupColumn::Hour,
            "day" => GroupColumn::Day,
            _ => GroupColumn::Field(Field::from_name(name).ok_or_else(|| unknown(name))?),
        })
    }

    /// Its name in the header, and as a key of JSON.
    pub fn name(self) -> &'static str {
        match self {
            GroupColumn::Route => "route",
            GroupColumn::Service => "service",
            GroupColumn::Source => "source",
            GroupColumn::Minute => "minute",
            GroupColumn::Hour => "hour",
            GroupColumn::Day => "day",
            GroupColumn::Field(field) => field.name(),
        }
    }

    /// The value of a request; times are those of the zone.
    pub fn value<'a>(self, request: &'a Request<'_>, enriched: &Enriched<'a>, zone: &Zone) -> Cow<'a, str> {
        let start_of = |seconds| Cow::Owned(zone.text(zone.start_of(request.time, seconds)));
        let text = match self {
            GroupColumn::Route => Cow::Borrowed(enriched.route),
            GroupColumn::Service => {
                Cow::Borrowed(enriched.service.map_or(ABSENT, |service| service.name.as_str()))
            }
            // Files belong to no source.
            GroupColumn::Source => Cow::Borrowed(ABSENT),
            GroupColumn::Minute => start_of(60),
            GroupColumn::Hour => start_of(3_600),
            GroupColumn::Day => start_of(86_400),
            GroupColumn::Field(Field::Host) => Cow::Borrowed(enriched.host),
            GroupColumn::Field(Field::Method) => Cow::Borrowed(enriched.method),
            GroupColumn::Field(Field::TargetGroup) => Cow::Borrowed(enriched.target_group),
            GroupColumn::Field(field) => request.field(field).map_or(Cow::Borrowed(ABSENT), as_text),
        };
        if text.is_empty() { Cow::Borrowed(ABSENT) } else { text }
    }
}

/// What is known of a group; the order is that of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueColumn {
    /// Requests.
    Count,
    /// Requests per second.
    Rate,
    /// The share of server errors.
    ErrorRatio,
    /// The mean request time.
    Mean,
    /// A percentile of the request time.
    Percentile(u8),
    /// The longest request time.
    Max,
    /// Bytes sent.
    BytesOut,
}

impl ValueColumn {
    /// All of them, as in JSON and CSV.
    pub const ALL: [ValueColumn; 9] = [
        ValueColumn::Count,
        ValueColumn::Rate,
        ValueColumn::ErrorRatio,
        ValueColumn::Mean,
        ValueColumn::Percentile(50),
        ValueColumn::Percentile(95),
        ValueColumn::Percentile(99),
        ValueColumn::Max,
        ValueColumn::BytesOut,
    ];

    /// Its name as a key of JSON, and for `--order`.
    pub fn name(self) -> &'static str {
        match self {
            ValueColumn::Count => "count",
            ValueColumn::Rate => "rate",
            ValueColumn::ErrorRatio => "error_ratio",
            ValueColumn::Mean => "avg",
            ValueColumn::Percentile(50) => "p50",
            ValueColumn::Percentile(95) => "p95",
            ValueColumn::Percentile(_) => "p99",
            ValueColumn::Max => "max",
            ValueColumn::BytesOut => "bytes_out",
        }
    }

    /// The value of a group; times in seconds. `None` where no request had one.
    pub fn value(self, group: &Group, span_seconds: f64) -> Option<f64> {
        match self {
            ValueColumn::Count => Some(group.count as f64),
            ValueColumn::Rate => Some(group.count as f64 / span_seconds.max(1.0)),
            ValueColumn::ErrorRatio => Some(group.error_ratio()),
            ValueColumn::Mean => group.mean_seconds(),
            ValueColumn::Percentile(percent) => group.quantile_seconds(f64::from(percent) / 100.0),
            ValueColumn::Max => group.mean_seconds().map(|_| group.max_us as f64 / 1e6),
            ValueColumn::BytesOut => Some(group.bytes_out as f64),
        }
    }
}

fn as_text(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

fn unknown(name: &str) -> String {
    let names = ["route", "service", "source", "minute", "hour", "day"].into_iter();
    let names = names.chain(Field::ALL.iter().map(|field| field.name()));
    let nearest = names
        .max_by(|one, other| strsim::jaro_winkler(one, name).total_cmp(&strsim::jaro_winkler(other, name)));
    let nearest = nearest.filter(|nearest| strsim::jaro_winkler(nearest, name) >= NEAR);
    let other = format!("for any other field ask weir search '| stats count(), p95(request_time) by {name}'");
    let hint = nearest.map_or(other, |nearest| format!("did you mean `{nearest}`?"));
    format!("`{name}` is not a column; {hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name_and_by_the_formats_own_names() {
        assert_eq!(GroupColumn::from_name("route"), Ok(GroupColumn::Route));
        assert_eq!(GroupColumn::from_name("request_method"), Ok(GroupColumn::Field(Field::Method)));
        let error = GroupColumn::from_name("statsu").expect_err("misspelt");
        assert_eq!(error, "`statsu` is not a column; did you mean `status`?");
        let error = GroupColumn::from_name("controller").expect_err("no column");
        assert!(error.ends_with("by controller'"), "{error}");
    }
}
