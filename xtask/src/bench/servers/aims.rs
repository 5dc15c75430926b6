//! What the server's side promises to cost.
//!
//! As with commands, only ratios within one run and bounds on memory and size are judged. Rates and times
//! depend on the machine: their aims stand beside what was measured, for the reader to judge.

use super::Readings;
use super::summary::number;
use crate::bench::budget::Verdict;

/// What is measured of which subjects.
enum Quantity {
    /// A quantity of the first divided by that of the second.
    Ratio(&'static str, &'static str, &'static str),
    /// A quantity of a subject.
    Value(&'static str, &'static str),
}

/// Where the promise ends.
enum Bound {
    AtMost(f64),
    AtLeast(f64),
    /// An aim, or something to know.
    None,
}

/// One promise or aim.
struct Aim {
    text: &'static str,
    quantity: Quantity,
    bound: Bound,
}

const AIMS: &[Aim] = &[
    Aim {
        text: "lines per CPU second of `weir serve` from a queue >= 0.9 of `weir count` on the same objects",
        quantity: Quantity::Ratio("objects-serve", "objects-count", "lines_per_cpu_s"),
        bound: Bound::AtLeast(0.9),
    },
    Aim {
        text: "objects committed per second in groups of 100 (aim: 10,000)",
        quantity: Quantity::Value("ledger", "objects_per_s"),
        bound: Bound::None,
    },
    Aim {
        text: "the same against append and fdatasync of as many bytes (no budget)",
        quantity: Quantity::Ratio("ledger", "append", "objects_per_s"),
        bound: Bound::None,
    },
    Aim {
        text: "MB of nginx's JSON per second from a followed file to committed (no budget)",
        quantity: Quantity::Value("tail", "mb_per_s"),
        bound: Bound::None,
    },
    Aim {
        text: "CPU of a server that follows 500 idle files, in percent of a core <= 3",
        quantity: Quantity::Value("tail-idle", "cpu_percent"),
        bound: Bound::AtMost(3.0),
    },
    Aim {
        text: "GELF datagrams of 0.5 KB stored per second without loss, the sender on this machine (aim: 100,000)",
        quantity: Quantity::Value("gelf", "lossless_datagrams_per_s"),
        bound: Bound::None,
    },
    Aim {
        text: "GELF messages of 1.8 KB unpacked per server CPU second (aim: 80,000)",
        quantity: Quantity::Value("gelf", "messages_per_cpu_s"),
        bound: Bound::None,
    },
    Aim {
        text: "records a second from a Redis list, against a loop that only pops them (no budget)",
        quantity: Quantity::Ratio("redis-serve", "redis-pop", "records_per_s"),
        bound: Bound::None,
    },
    Aim {
        text: "pushes of 50 series per server CPU second, durable before the answer (aim: 20,000)",
        quantity: Quantity::Value("gateway", "pushes_per_cpu_s"),
        bound: Bound::None,
    },
    Aim {
        text: "the same against the Pushgateway with its checks and its file (no budget)",
        quantity: Quantity::Ratio("gateway", "pushgateway", "pushes_per_cpu_s"),
        bound: Bound::None,
    },
    Aim {
        text: "the same against the Pushgateway in memory, without checks (no budget)",
        quantity: Quantity::Ratio("gateway", "pushgateway-memory", "pushes_per_cpu_s"),
        bound: Bound::None,
    },
    Aim {
        text: "the same with 200 jobs (no budget)",
        quantity: Quantity::Ratio("gateway-200", "pushgateway-memory-200", "pushes_per_cpu_s"),
        bound: Bound::None,
    },
    Aim {
        text: "documents by _bulk per server CPU second, durable before the answer (aim: 200,000)",
        quantity: Quantity::Value("bulk", "records_per_cpu_s"),
        bound: Bound::None,
    },
    Aim {
        text: "10,000 instances of a promise with three alerts judged at one moment, in ms (aim: 200)",
        quantity: Quantity::Value("alert-tick", "tick_ms"),
        bound: Bound::None,
    },
    Aim {
        text: "a month of 50,000,000 requests judged again, the program's start included, in s (aim: 5)",
        quantity: Quantity::Value("backtest", "elapsed_s"),
        bound: Bound::None,
    },
    Aim {
        text: "the start of a server with 1,000 instances that have requests in every minute, in ms (aim: 1,000)",
        quantity: Quantity::Value("alert-year", "start_ms"),
        bound: Bound::None,
    },
    Aim {
        text: "GB of a year of such minutes (no budget)",
        quantity: Quantity::Value("alert-year", "year_gb"),
        bound: Bound::None,
    },
    Aim {
        text: "bytes on the disk, filters and all, for a byte of nginx lines <= 0.16 (aim: 0.12)",
        quantity: Quantity::Value("store-disk", "bytes_per_byte"),
        bound: Bound::AtMost(0.16),
    },
    Aim {
        text: "one request id among all records, with all its fields, warm, in ms (aim: 3)",
        quantity: Quantity::Value("query", "request_id_ms"),
        bound: Bound::None,
    },
    Aim {
        text: "the newest records of an e-mail, warm, in ms (aim: 5)",
        quantity: Quantity::Value("query", "user_email_ms"),
        bound: Bound::None,
    },
    Aim {
        text: "percentiles, mean and count by route over everything, warm, in ms (aim: 50)",
        quantity: Quantity::Value("query", "routes_ms"),
        bound: Bound::None,
    },
    Aim {
        text: "status by minute over everything, warm, in ms (aim: 20)",
        quantity: Quantity::Value("query", "status_by_minute_ms"),
        bound: Bound::None,
    },
    Aim {
        text: "a rare word in messages, warm, in ms (aim: 10)",
        quantity: Quantity::Value("query", "rare_word_ms"),
        bound: Bound::None,
    },
    Aim {
        text: "a common word counted, warm, in ms (aim: 60)",
        quantity: Quantity::Value("query", "common_word_count_ms"),
        bound: Bound::None,
    },
    Aim {
        text: "median time from the start of a Lambda function to its first request, in ms (aim: 15)",
        quantity: Quantity::Value("lambda-start", "median_ms"),
        bound: Bound::None,
    },
    Aim {
        text: "size of the stripped program <= 35 MB",
        quantity: Quantity::Value("binary", "stripped_mb"),
        bound: Bound::AtMost(35.0),
    },
];

/// Every promise and aim, with what was measured.
pub fn verdicts(readings: &Readings) -> Vec<Verdict> {
    AIMS.iter().map(|aim| aim.verdict(readings)).collect()
}

impl Aim {
    fn verdict(&self, readings: &Readings) -> Verdict {
        let spread = match self.quantity {
            Quantity::Ratio(subject, base, quantity) => readings.ratio(subject, base, quantity),
            Quantity::Value(subject, quantity) => readings.spread(subject, quantity),
        };
        let Some(spread) = spread else {
            return Verdict { text: self.text, measured: "not measured".to_owned(), met: "–" };
        };
        let is_met = match self.bound {
            Bound::AtMost(bound) => Some(spread.median <= bound),
            Bound::AtLeast(bound) => Some(spread.median >= bound),
            Bound::None => None,
        };
        let met = match is_met {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "–",
        };
        Verdict { text: self.text, measured: spread.text(number), met }
    }
}

#[cfg(test)]
mod tests {
    use super::super::named;
    use super::super::tests::readings;
    use super::*;

    #[test]
    fn aims_are_about_subjects_that_exist() {
        for aim in AIMS {
            match aim.quantity {
                Quantity::Ratio(a, b, _) => assert!(named(a).is_some() && named(b).is_some(), "{a} {b}"),
                Quantity::Value(a, _) => assert!(named(a).is_some(), "{a}"),
            }
        }
    }

    #[test]
    fn ratios_and_sizes_are_judged_and_rates_are_not() {
        let mut all = readings("objects-serve", "lines_per_cpu_s", &[80.0]);
        all.extend(readings("objects-count", "lines_per_cpu_s", &[100.0]));
        all.extend(readings("ledger", "objects_per_s", &[5.0]));
        all.extend(readings("binary", "stripped_mb", &[35.0]));
        let verdicts = verdicts(&Readings { readings: all, failures: Vec::new() });
        let met = |index: usize| (verdicts[index].measured.as_str(), verdicts[index].met);
        assert_eq!(met(0), ("0.80", "**no**"));
        assert_eq!(met(1), ("5.00", "–"));
        assert_eq!(met(AIMS.len() - 1), ("35.0", "yes"));
    }
}
