//! A second, naive reading of ALB lines and of metrics, to compare the program's with.
//!
//! It splits at spaces and quotes and knows nothing of speed, odd lines or bounds; that it shares no
//! code with the program is the point, so that a mistake can't be made twice and cancel itself out.

use std::collections::BTreeMap;

use crate::support::metrics::samples;

/// What is true of a set of lines, or what metrics say of it. Times in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub by_status: BTreeMap<String, u64>,
    pub elb_5xx: u64,
    pub target_5xx: u64,
    pub target_time_us: u64,
    pub received_bytes: u64,
    pub sent_bytes: u64,
    /// Latencies of whole requests: how many, and their sum.
    pub request_times: (u64, u64),
    /// Latencies of targets: how many, and their sum.
    pub target_times: (u64, u64),
}

/// One line, as far as it is looked at here.
pub struct Line {
    pub is_connection: bool,
    pub status: String,
    pub has_target_status: bool,
    /// `None` for -1.
    pub target_time_us: Option<u64>,
    /// The sum of the three times, or where one is -1, time less creation time.
    pub request_time_us: Option<u64>,
    pub received_bytes: u64,
    pub sent_bytes: u64,
}

impl Totals {
    pub fn of_lines<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut totals = Self::default();
        for line in lines {
            totals.add(&Line::read(line));
        }
        totals
    }

    fn add(&mut self, line: &Line) {
        *self.by_status.entry(line.status.clone()).or_default() += 1;
        if line.status.as_str() >= "500" {
            *(if line.has_target_status { &mut self.target_5xx } else { &mut self.elb_5xx }) += 1;
        }
        self.target_time_us += line.target_time_us.unwrap_or(0);
        self.received_bytes += line.received_bytes;
        self.sent_bytes += line.sent_bytes;
        let times =
            [(&mut self.request_times, line.request_time_us), (&mut self.target_times, line.target_time_us)];
        for ((count, sum), time) in times {
            let Some(time) = time.filter(|_| !line.is_connection) else { continue };
            *count += 1;
            *sum += time;
        }
    }

    pub fn requests(&self) -> u64 {
        self.by_status.values().sum()
    }

    /// What metrics say; summed over everything but the status.
    pub fn of_metrics(text: &str) -> Self {
        let mut totals = Self::default();
        for sample in samples(text) {
            let (count, us) = (sample.value as u64, (sample.value * 1e6).round() as u64);
            match sample.name.as_str() {
                "alb_log_request_count_total" => {
                    *totals.by_status.entry(sample.labels["status"].clone()).or_default() += count;
                }
                "alb_log_elb_5xx_total" => totals.elb_5xx += count,
                "alb_log_target_5xx_total" => totals.target_5xx += count,
                "alb_log_request_duration_total" => totals.target_time_us += us,
                "alb_log_received_bytes_total" => totals.received_bytes += count,
                "alb_log_sent_bytes_total" => totals.sent_bytes += count,
                "alb_log_request_time_seconds_count" => totals.request_times.0 += count,
                "alb_log_request_time_seconds_sum" => totals.request_times.1 += us,
                "alb_log_target_time_seconds_count" => totals.target_times.0 += count,
                "alb_log_target_time_seconds_sum" => totals.target_times.1 += us,
                _ => {}
            }
        }
        totals
    }
}

impl Line {
    #[track_caller]
    pub fn read(line: &str) -> Self {
        let fields = fields(line);
        let field = |number: usize| fields.get(number - 1).copied().unwrap_or("-");
        let times = [6, 7, 8].map(|number| microseconds(field(number)));
        let waited = || Some(time_of_month_us(field(2))?.saturating_sub(time_of_month_us(field(22))?));
        let sum = times.iter().copied().sum::<Option<u64>>();
        Self {
            is_connection: matches!(field(1), "ws" | "wss"),
            status: field(9).to_owned(),
            has_target_status: field(10) != "-",
            target_time_us: times[1],
            request_time_us: sum.or_else(waited),
            received_bytes: field(11).parse().unwrap(),
            sent_bytes: field(12).parse().unwrap(),
        }
    }
}

/// Splits at spaces outside of quotes; a quote behind a backslash closes nothing.
fn fields(line: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (field, after) = match rest.strip_prefix('"') {
            None => rest.split_once(' ').unwrap_or((rest, "")),
            Some(inside) => {
                let end =
                    inside.match_indices('"').map(|(at, _)| at).find(|&at| !inside[..at].ends_with('\\'));
                let (field, after) = inside.split_at(end.unwrap_or(inside.len()));
                (field, after.trim_start_matches('"').strip_prefix(' ').unwrap_or(""))
            }
        };
        fields.push(field);
        rest = after;
    }
    fields
}

fn microseconds(seconds: &str) -> Option<u64> {
    let seconds: f64 = seconds.parse().unwrap();
    (seconds >= 0.0).then(|| (seconds * 1e6).round() as u64)
}

/// Microseconds since the month began: lines and their requests' creation lie within one month.
fn time_of_month_us(time: &str) -> Option<u64> {
    let (date, clock) = time.strip_suffix('Z')?.split_once('T')?;
    let day: u64 = date.rsplit('-').next()?.parse().ok()?;
    let mut parts = clock.split(':');
    let hour: u64 = parts.next()?.parse().ok()?;
    let minute: u64 = parts.next()?.parse().ok()?;
    Some(((day * 24 + hour) * 60 + minute) * 60_000_000 + microseconds(parts.next()?)?)
}
