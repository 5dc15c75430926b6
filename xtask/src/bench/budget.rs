//! What weir promises to cost, and whether it keeps to it.
//!
//! Budgets are ratios within one run and bounds on memory, because those hold on any machine; seconds
//! would be a statement about this one. A ratio is judged by its median, memory by its worst run: a
//! bound that is broken once is broken.

use super::measure::Run;
use super::rounds::Measured;
use super::statistics::Spread;

const MB: f64 = 1e6;

/// What is measured of which subjects.
enum Quantity {
    /// CPU time of the first for one second of the second.
    Cpu(&'static str, &'static str),
    /// How many times faster the second ends than the first.
    SpeedUp(&'static str, &'static str),
    /// Peak memory in MB.
    Memory(&'static str),
}

/// Where the budget ends.
enum Bound {
    AtMost(f64),
    AtLeast(f64),
    /// Shown beside the budgets, without being one.
    None,
}

/// One promise.
struct Budget {
    text: &'static str,
    quantity: Quantity,
    bound: Bound,
}

const BUDGETS: &[Budget] = &[
    Budget {
        text: "CPU of `weir count` on one thread <= 1.5 times that of `libdeflate-gunzip` on the same files (aim: 1.0)",
        quantity: Quantity::Cpu("weir-1", "libdeflate"),
        bound: Bound::AtMost(1.5),
    },
    Budget {
        text: "the same against libdeflate in one process, files in memory (no budget)",
        quantity: Quantity::Cpu("weir-1", "libdeflate-lib"),
        bound: Bound::None,
    },
    Budget {
        text: "speed-up by a second thread, 40 equal files >= 1.8",
        quantity: Quantity::SpeedUp("weir-1", "weir-2"),
        bound: Bound::AtLeast(1.8),
    },
    Budget {
        text: "speed-up by a second thread, half of the lines in one file >= 1.4",
        quantity: Quantity::SpeedUp("weir-half-1", "weir-half-2"),
        bound: Bound::AtLeast(1.4),
    },
    Budget {
        text: "peak memory, 40 files on two threads <= 120 MB",
        quantity: Quantity::Memory("weir-2"),
        bound: Bound::AtMost(120.0),
    },
    Budget {
        text: "peak memory, one object of more than 5 GB <= 100 MB",
        quantity: Quantity::Memory("weir-big"),
        bound: Bound::AtMost(100.0),
    },
    Budget {
        text: "peak memory, nginx lines kept as files on one thread <= 300 MB",
        quantity: Quantity::Memory("store-write"),
        bound: Bound::AtMost(300.0),
    },
    Budget {
        text: "the same with a commit for each 20,000 records <= 300 MB",
        quantity: Quantity::Memory("store-commits"),
        bound: Bound::AtMost(300.0),
    },
    Budget {
        text: "speed-up of keeping by a second thread >= 1.7",
        quantity: Quantity::SpeedUp("store-write", "store-write-2"),
        bound: Bound::AtLeast(1.7),
    },
];

/// A budget with what was measured, written out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The budget in words.
    pub text: &'static str,
    /// Median and reach, with the unit; or that there is none.
    pub measured: String,
    /// `yes`, `no`, or a dash where there is no bound or nothing was measured.
    pub met: &'static str,
}

/// Every budget, judged.
pub fn verdicts(measured: &Measured) -> Vec<Verdict> {
    BUDGETS.iter().map(|budget| budget.verdict(measured)).collect()
}

impl Budget {
    fn verdict(&self, measured: &Measured) -> Verdict {
        let Some(spread) = self.quantity.spread(measured) else {
            return Verdict { text: self.text, measured: "not measured".to_owned(), met: "–" };
        };
        let judged = self.quantity.judged(spread);
        let met = match self.bound {
            Bound::AtMost(bound) => yes_or_no(judged <= bound),
            Bound::AtLeast(bound) => yes_or_no(judged >= bound),
            Bound::None => "–",
        };
        Verdict { text: self.text, measured: self.quantity.text(spread), met }
    }
}

fn yes_or_no(is_met: bool) -> &'static str {
    if is_met { "yes" } else { "**no**" }
}

impl Quantity {
    fn spread(&self, measured: &Measured) -> Option<Spread> {
        match *self {
            Self::Cpu(subject, base) => measured.ratio(subject, base, Run::cpu_s),
            Self::SpeedUp(slow, fast) => measured.ratio(slow, fast, |run| run.wall_s),
            Self::Memory(subject) => measured.spread(subject, |run| run.peak_rss_bytes as f64 / MB),
        }
    }

    fn judged(&self, spread: Spread) -> f64 {
        match self {
            Self::Cpu(..) | Self::SpeedUp(..) => spread.median,
            Self::Memory(_) => spread.max,
        }
    }

    fn text(&self, spread: Spread) -> String {
        match self {
            Self::Cpu(..) | Self::SpeedUp(..) => spread.text(|ratio| format!("{ratio:.2}")),
            Self::Memory(_) => format!("{} MB", spread.text(|megabytes| format!("{megabytes:.0}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rounds::tests::runs;
    use super::super::subject::named;
    use super::*;

    fn check(cpu_s: &[(&'static str, &[f64])], expected: &[(&str, &str)]) {
        let runs = cpu_s.iter().flat_map(|(subject, cpu_s)| runs(subject, cpu_s)).collect();
        let verdicts = verdicts(&Measured { runs, ..Measured::default() });
        let met: Vec<_> = verdicts.iter().map(|verdict| (verdict.measured.as_str(), verdict.met)).collect();
        assert_eq!(met, expected);
    }

    #[test]
    fn a_ratio_is_judged_by_its_median() {
        check(
            &[("weir-1", &[3.0, 3.0, 9.0]), ("libdeflate", &[2.0, 2.0, 2.0]), ("weir-2", &[2.0, 2.0, 2.0])],
            &[
                ("1.50 (1.50–4.50)", "yes"),
                ("not measured", "–"),
                ("1.50 (1.50–4.50)", "**no**"),
                ("not measured", "–"),
                ("50 MB", "yes"),
                ("not measured", "–"),
                ("not measured", "–"),
                ("not measured", "–"),
                ("not measured", "–"),
            ],
        );
    }

    #[test]
    fn memory_is_judged_by_its_worst_run() {
        let mut runs = runs("weir-2", &[1.0, 1.0, 1.0]);
        runs[1].peak_rss_bytes = 121_000_000;
        let verdicts = verdicts(&Measured { runs, ..Measured::default() });
        assert_eq!(verdicts[4].measured, "50 (50–121) MB");
        assert_eq!(verdicts[4].met, "**no**");
    }

    #[test]
    fn budgets_are_about_subjects_that_exist() {
        for budget in BUDGETS {
            let (Quantity::Cpu(a, b) | Quantity::SpeedUp(a, b)) = budget.quantity else {
                let Quantity::Memory(a) = budget.quantity else { unreachable!() };
                assert!(named(a).is_some(), "{a}");
                continue;
            };
            assert!(named(a).is_some() && named(b).is_some(), "{a} {b}");
        }
    }
}
