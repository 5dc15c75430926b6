//! What stands behind `|`: `stats`, and its short forms `count` and `top`.
//!
//! Order and limit may stand behind a `|` of their own or not, since those who know other pipe languages write
//! either, and here both mean the same.

use weir_record::{FieldKind, canonical_name, known_field};

use crate::aggregation::{Aggregation, AggregationError, GroupBy, Metric, Order, ROWS_DEFAULT};
use crate::error::QueryError;
use crate::quantity::quantity;
use crate::scanner::Scanner;

/// How many rows `top` answers without a number.
const TOP_ROWS_DEFAULT: usize = 10;

/// Reads statistics from their `|` to the end of the query.
pub fn parse_stats(scanner: &mut Scanner<'_>) -> Result<Aggregation, QueryError> {
    let start = scanner.clone();
    scanner.accept("|");
    scanner.skip_space();
    let mut stats = Parser { scanner, aggregation: Aggregation::count() };
    stats.command()?;
    stats.endings()?;
    stats.aggregation.checked().map_err(|error| at(&start, error))
}

fn at(place: &Scanner<'_>, error: AggregationError) -> QueryError {
    place.error(error.problem, error.hint)
}

struct Parser<'s, 'a> {
    scanner: &'s mut Scanner<'a>,
    aggregation: Aggregation,
}

impl Parser<'_, '_> {
    fn command(&mut self) -> Result<(), QueryError> {
        let start = self.scanner.clone();
        match self.scanner.name() {
            "stats" => self.stats(),
            "count" => self.groups(),
            "top" => self.top(),
            other => {
                let problem = match other {
                    "" => "nothing that is known stands behind `|`".to_owned(),
                    other => format!("`{other}` is no command behind `|`"),
                };
                Err(start.error(
                    problem,
                    "write | stats p95(request_time), count() by route, | count, or | top 10 path",
                ))
            }
        }
    }

    fn stats(&mut self) -> Result<(), QueryError> {
        self.aggregation.metrics.clear();
        loop {
            let metric = self.metric()?;
            self.aggregation.metrics.push(metric);
            if !self.accept(",") {
                break;
            }
        }
        self.groups()
    }

    /// `p95(request_time) as slow`
    fn metric(&mut self) -> Result<(String, Metric), QueryError> {
        self.scanner.skip_space();
        let start = self.scanner.clone();
        let function = self.scanner.name();
        if !self.accept("(") {
            let hint = "write stats p95(request_time), count() by route";
            return Err(start.error("a function such as `count()` is missing", hint));
        }
        let field = match self.accept(")") {
            true => None,
            false => {
                let field = self.any_name("a field")?;
                if !self.accept(")") {
                    return Err(self
                        .scanner
                        .error(format!("`)` is missing behind `{field}`"), "close each `(`"));
                }
                Some(field)
            }
        };
        let Some(metric) = Metric::named(function, field.as_deref()) else {
            let problem = match (function, &field) {
                ("count", Some(_)) => "`count` takes no field".to_owned(),
                (function, _) => format!("`{function}` is no function, or its field is missing"),
            };
            let hint = "there are count(), p95(field), avg, sum, min, max, median and cardinality";
            return Err(start.error(problem, hint));
        };
        self.scanner.skip_space();
        let name = match self.scanner.accept_word(&["as", "AS"]) {
            true => self.any_name("a name")?,
            false => format!("{function}({})", field.unwrap_or_default()),
        };
        Ok((name, metric))
    }

    /// `by route, @timestamp:1m`
    fn groups(&mut self) -> Result<(), QueryError> {
        self.scanner.skip_space();
        if !self.scanner.accept_word(&["by", "BY"]) {
            return Ok(());
        }
        loop {
            let group = self.group()?;
            self.aggregation.group_by.push(group);
            if !self.accept(",") {
                return Ok(());
            }
        }
    }

    fn group(&mut self) -> Result<GroupBy, QueryError> {
        self.scanner.skip_space();
        let start = self.scanner.clone();
        let name = self.any_name("a field")?;
        let is_time = known_field(&name).is_some_and(|field| field.kind == FieldKind::Time);
        let has_interval = self.scanner.accept(":");
        if is_time != has_interval {
            let hint = "write by route, or by @timestamp:1m";
            return Err(if is_time {
                start.error(format!("`{name}` needs an interval"), hint)
            } else {
                start.error(format!("`{name}` takes no interval"), hint)
            });
        }
        if !is_time {
            return Ok(GroupBy::Field(canonical_name(&name).to_owned()));
        }
        let start = self.scanner.clone();
        let text = self.scanner.name();
        let interval_us = quantity(text).map(|seconds| (seconds.as_f64() * 1e6).round());
        match interval_us {
            Some(us @ 1.0..=1e17) => Ok(GroupBy::Time { interval_us: us as i64 }),
            _ => Err(start.error(format!("`{text}` is not an interval"), "write 1m, 5m, 1h or 1d")),
        }
    }

    /// `top 10 route, method`
    fn top(&mut self) -> Result<(), QueryError> {
        self.scanner.skip_space();
        let is_number = self.scanner.peek().is_some_and(|char| char.is_ascii_digit());
        self.aggregation.limit = if is_number { self.row_count()? } else { TOP_ROWS_DEFAULT };
        self.aggregation.order = Some(Order { by: "count".to_owned(), is_descending: true });
        loop {
            let group = self.group()?;
            self.aggregation.group_by.push(group);
            if !self.accept(",") {
                return Ok(());
            }
        }
    }

    /// `| sort -p95 | limit 20`, with or without the bars.
    fn endings(&mut self) -> Result<(), QueryError> {
        loop {
            self.accept("|");
            self.scanner.skip_space();
            if self.scanner.rest().is_empty() {
                return Ok(());
            }
            let start = self.scanner.clone();
            match self.scanner.name() {
                "sort" | "order" => self.sort()?,
                "limit" | "head" => {
                    self.scanner.skip_space();
                    self.aggregation.limit = self.row_count()?;
                }
                other => {
                    let problem = match (other, start.peek()) {
                        ("", Some(sign)) => format!("`{sign}` is not expected here"),
                        (other, _) => format!("`{other}` is not expected here"),
                    };
                    return Err(
                        start.error(problem, "write sort -count() or limit 20, or `,` between metrics")
                    );
                }
            }
        }
    }

    fn sort(&mut self) -> Result<(), QueryError> {
        self.scanner.skip_space();
        if self.scanner.accept_word(&["by"]) {
            self.scanner.skip_space();
        }
        let start = self.scanner.clone();
        let is_descending = self.scanner.accept("-");
        let mut name = self.any_name("a column")?;
        if self.scanner.accept("(") {
            let field = if self.accept(")") { String::new() } else { self.any_name("a field")? };
            if !field.is_empty() && !self.accept(")") {
                return Err(self.scanner.error(format!("`)` is missing behind `{field}`"), "close each `(`"));
            }
            name = format!("{name}({field})");
        }
        self.scanner.skip_space();
        let is_descending = self.scanner.accept_word(&["desc", "DESC"]) || is_descending;
        self.scanner.accept_word(&["asc", "ASC"]);
        let by = self.aggregation.column_name(&name).map_err(|error| at(&start, error))?;
        self.aggregation.order = Some(Order { by, is_descending });
        Ok(())
    }

    fn row_count(&mut self) -> Result<usize, QueryError> {
        let start = self.scanner.clone();
        let text = self.scanner.name();
        text.parse().map_err(|_| {
            start.error(format!("`{text}` is not a number of rows"), format!("write limit {ROWS_DEFAULT}"))
        })
    }

    /// A name, with or without quotes.
    fn any_name(&mut self, what: &str) -> Result<String, QueryError> {
        self.scanner.skip_space();
        let start = self.scanner.clone();
        let name = match self.scanner.peek() {
            Some('"') => self.scanner.quoted()?,
            _ => self.scanner.name().to_owned(),
        };
        if name.is_empty() {
            return Err(start
                .error(format!("{what} is missing"), "write its name, in double quotes if it has spaces"));
        }
        Ok(name)
    }

    fn accept(&mut self, sign: &str) -> bool {
        self.scanner.skip_space();
        self.scanner.accept(sign)
    }
}
