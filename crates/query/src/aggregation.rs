//! What to count of the records that match, and in which groups.
//!
//! One type for the pipe of a query and for the API, so that both can do the same and no more: groups, metrics,
//! an order and a limit. A language of stages was refused: each stage would need its own memory bound.

use weir_record::canonical_name;

use crate::aggregate::GROUPS_MAX;
use crate::expression::nearest;

/// The field that time is read from.
pub const TIME_FIELD: &str = "@timestamp";
/// How many groupings one aggregation may have: two fields deep and time.
pub const GROUP_BY_MAX: usize = 3;
/// How many metrics one aggregation may have. Each field of them is a column to read.
pub const METRICS_MAX: usize = 32;
/// How long the name of a metric may be, in bytes: it is in every row.
pub const NAME_BYTES_MAX: usize = 256;
/// How many rows are answered where no limit is given: what a person reads. An answer says how many groups there are.
pub const ROWS_DEFAULT: usize = 100;
/// How many rows may be asked for: there are no more groups.
pub const ROWS_MAX: usize = GROUPS_MAX;

/// What to count, by what, in which order. `Display` is the text that parses to it, with its `|`.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregation {
    /// One row for each combination of these; without any, one row.
    pub group_by: Vec<GroupBy>,
    /// What each row has, with its name in the answer.
    pub metrics: Vec<(String, Metric)>,
    /// By what rows are ordered. Without it: by time where that is grouped by, else the most records first. Where
    /// that is equal: by the groups, ascending.
    pub order: Option<Order>,
    /// How many rows are answered.
    pub limit: usize,
}

/// What makes a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// The value of a field, by its name in records. Records that lack it are a group of their own.
    Field(String),
    /// Time, cut at multiples of an interval since 1970 (UTC).
    Time {
        /// How long, in microseconds; above 0.
        interval_us: i64,
    },
}

/// What is told of a group. Fields go by their names in records.
#[derive(Clone, Debug, PartialEq)]
pub enum Metric {
    /// How many records.
    Count,
    /// The smallest value that at least `p` percent of the values do not exceed (nearest rank).
    Percentile {
        /// Of this field.
        field: String,
        /// 0 to 100; 0 is the smallest value.
        p: f64,
    },
    /// The mean.
    Average {
        /// Of this field.
        field: String,
    },
    /// The sum.
    Sum {
        /// Of this field.
        field: String,
    },
    /// The smallest value.
    Min {
        /// Of this field.
        field: String,
    },
    /// The largest value.
    Max {
        /// Of this field.
        field: String,
    },
    /// How many different values.
    Cardinality {
        /// Of this field.
        field: String,
    },
}

/// By what rows are ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The name of a metric, or of a field (`@timestamp` for time) that is grouped by.
    pub by: String,
    /// Whether the largest come first. Groups without a value come last either way.
    pub is_descending: bool,
}

/// Why an aggregation cannot be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; {hint}")]
pub struct AggregationError {
    /// What is wrong, lower-case.
    pub problem: String,
    /// What would be right.
    pub hint: String,
}

impl Order {
    /// Reads `-p95`, `n` or `route`; a leading `-` means the largest first. [`Aggregation::checked`] says whether
    /// there is such a column.
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix('-') {
            Some(by) => Self { by: by.to_owned(), is_descending: true },
            None => Self { by: text.strip_prefix('+').unwrap_or(text).to_owned(), is_descending: false },
        }
    }
}

impl GroupBy {
    /// The name of this column in the answer: the field's, and `@timestamp` for time.
    pub fn name(&self) -> &str {
        match self {
            Self::Field(field) => field,
            Self::Time { .. } => TIME_FIELD,
        }
    }
}

impl Metric {
    /// The metric that users call `function`, such as `avg` or `p99.9`, of a field as they call it.
    ///
    /// `None` for a function that does not exist, or one that lacks its field.
    pub fn named(function: &str, field: Option<&str>) -> Option<Self> {
        if function == "count" {
            return field.is_none().then_some(Self::Count);
        }
        let field = canonical_name(field?).to_owned();
        Some(match function {
            "avg" | "average" | "mean" => Self::Average { field },
            "sum" => Self::Sum { field },
            "min" => Self::Min { field },
            "max" => Self::Max { field },
            "cardinality" | "count_distinct" => Self::Cardinality { field },
            "median" => Self::Percentile { field, p: 50.0 },
            _ => {
                let digits = function.strip_prefix('p')?;
                let is_decimal = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
                let p = digits.parse().ok().filter(|p| is_decimal && is_percentage(*p))?;
                Self::Percentile { field, p }
            }
        })
    }

    fn field_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Count => None,
            Self::Percentile { field, .. }
            | Self::Average { field }
            | Self::Sum { field }
            | Self::Min { field }
            | Self::Max { field }
            | Self::Cardinality { field } => Some(field),
        }
    }

    /// The field that it is of, by its name in records.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Count => None,
            Self::Percentile { field, .. }
            | Self::Average { field }
            | Self::Sum { field }
            | Self::Min { field }
            | Self::Max { field }
            | Self::Cardinality { field } => Some(field),
        }
    }
}

fn is_percentage(p: f64) -> bool {
    (0.0..=100.0).contains(&p)
}

impl Aggregation {
    /// How many records there are, in one row.
    pub fn count() -> Self {
        Self {
            group_by: Vec::new(),
            metrics: vec![("count".to_owned(), Metric::Count)],
            order: None,
            limit: ROWS_DEFAULT,
        }
    }

    /// The names of the columns of an answer: of what is grouped by, then of the metrics.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let metrics = self.metrics.iter().map(|(name, _)| name.as_str());
        self.group_by.iter().map(GroupBy::name).chain(metrics)
    }

    /// The same with the fields' names in records and the full name of what rows are ordered by, if it can be
    /// answered.
    ///
    /// # Errors
    ///
    /// Too many groupings, metrics or rows, two columns of one name, an interval or percentage out of range, an
    /// order by what is not there.
    pub fn checked(mut self) -> Result<Self, AggregationError> {
        for group in &mut self.group_by {
            if let GroupBy::Field(field) = group {
                *field = canonical_name(field).to_owned();
            }
        }
        for (_, metric) in &mut self.metrics {
            if let Some(field) = metric.field_mut() {
                *field = canonical_name(field).to_owned();
            }
        }
        self.check_bounds()?;
        self.check_values()?;
        let mut names: Vec<&str> = self.names().collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return wrong(format!("two columns are called `{}`", twice[0]), "name one of them with `as`");
        }
        if let Some(order) = self.order.take() {
            self.order = Some(Order { by: self.column_name(&order.by)?, ..order });
        }
        Ok(self)
    }

    fn check_bounds(&self) -> Result<(), AggregationError> {
        let time_count = self.group_by.iter().filter(|group| matches!(group, GroupBy::Time { .. })).count();
        if time_count > 1 || self.group_by.len() - time_count > GROUP_BY_MAX - 1 {
            return wrong("there are more groupings than two fields and a time".to_owned(), "leave some out");
        }
        if self.metrics.is_empty() || self.metrics.len() > METRICS_MAX {
            let problem =
                format!("{} metrics are asked for; 1 to {METRICS_MAX} are allowed", self.metrics.len());
            return wrong(problem, "write count(), or ask twice");
        }
        if !(1..=ROWS_MAX).contains(&self.limit) {
            return wrong(
                format!("the limit {} is out of range", self.limit),
                &format!("write 1 to {ROWS_MAX}"),
            );
        }
        Ok(())
    }

    fn check_values(&self) -> Result<(), AggregationError> {
        for group in &self.group_by {
            match group {
                GroupBy::Time { interval_us } if *interval_us <= 0 => {
                    return wrong("the interval of time is not above 0".to_owned(), "write @timestamp:1m");
                }
                GroupBy::Field(field) if field == TIME_FIELD => {
                    return wrong(format!("`{TIME_FIELD}` needs an interval"), "write @timestamp:1m");
                }
                _ => {}
            }
        }
        for (name, metric) in &self.metrics {
            if name.is_empty() || name.len() > NAME_BYTES_MAX {
                let problem = format!("the name of a metric has {} bytes", name.len());
                return wrong(problem, &format!("write 1 to {NAME_BYTES_MAX}"));
            }
            if matches!(metric, Metric::Percentile { p, .. } if !is_percentage(*p)) {
                return wrong(format!("the percentile of `{name}` is out of range"), "write 0 to 100");
            }
        }
        Ok(())
    }

    /// The full name of a column.
    pub(crate) fn column_name(&self, name: &str) -> Result<String, AggregationError> {
        if self.names().any(|column| column == name) {
            return Ok(name.to_owned());
        }
        let short = |column: &&str| column.strip_prefix(name).is_some_and(|rest| rest.starts_with('('));
        let mut found = self.names().filter(short);
        if let (Some(column), None) = (found.next(), found.next()) {
            return Ok(column.to_owned());
        }
        let canonical = canonical_name(name);
        if self.group_by.iter().any(|group| group.name() == canonical) {
            return Ok(canonical.to_owned());
        }
        let names = self.names().map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ");
        let hint = match nearest(name, self.names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("order by one of {names}"),
        };
        wrong(format!("no column is called `{name}`"), &hint)
    }
}

fn wrong<T>(problem: String, hint: &str) -> Result<T, AggregationError> {
    Err(AggregationError { problem, hint: hint.to_owned() })
}
