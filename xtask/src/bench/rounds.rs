//! Everything in turn, several times over: A B C, A B C, and not A A, B B.
//!
//! A virtual machine is faster in one minute than in the next. In turns, each command meets the same
//! good and bad minutes, and two commands of one round can be divided by each other.

use super::measure::{Run, measure};
use super::shell::Shell;
use super::statistics::Spread;
use super::subject::Subject;

/// A subject that was not measured, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The subject's name.
    pub subject: &'static str,
    /// What went wrong.
    pub reason: String,
}

/// All runs, and what could not be run.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// In the order in which they took place, warm-ups included.
    pub runs: Vec<Run>,
    /// Subjects that failed; their earlier runs are in `runs` all the same.
    pub failures: Vec<Failure>,
}

impl Measured {
    /// One warm-up and `rounds` counted runs of each subject, in turns. Whoever fails is out.
    pub fn take(shell: &Shell, subjects: &[&'static Subject], rounds: u32) -> Self {
        let mut measured = Self::default();
        for round in 0..=rounds {
            for &subject in subjects {
                if measured.has_failed(subject.name) {
                    continue;
                }
                match measure(shell, subject, round) {
                    Ok(run) => measured.add(run, rounds),
                    Err(error) => measured.fail(subject.name, format!("{error:#}")),
                }
            }
        }
        measured
    }

    fn add(&mut self, run: Run, rounds: u32) {
        let round = if run.round == 0 { "warm-up".to_owned() } else { format!("{} of {rounds}", run.round) };
        let (cpu_s, wall_s) = (run.cpu_s(), run.wall_s);
        crate::complain(&format!("{round:>8}  {:18} {cpu_s:6.2} s CPU {wall_s:6.2} s elapsed", run.subject));
        self.runs.push(run);
    }

    fn fail(&mut self, subject: &'static str, reason: String) {
        crate::complain(&format!("  failed  {subject}: {reason}"));
        self.failures.push(Failure { subject, reason });
    }

    fn has_failed(&self, subject: &str) -> bool {
        self.failures.iter().any(|failure| failure.subject == subject)
    }

    /// The counted runs of a subject; none of one that failed later.
    pub fn counted<'m>(&'m self, subject: &'m str) -> impl Iterator<Item = &'m Run> {
        let is_sound = !self.has_failed(subject);
        self.runs.iter().filter(move |run| is_sound && run.round > 0 && run.subject == subject)
    }

    /// A quantity of a subject over its counted runs; `None` if it has none.
    pub fn spread(&self, subject: &str, quantity: impl Fn(&Run) -> f64) -> Option<Spread> {
        Spread::of(self.counted(subject).map(quantity))
    }

    /// `quantity` of `subject` divided by that of `base`, round by round.
    pub fn ratio(&self, subject: &str, base: &str, quantity: impl Fn(&Run) -> f64) -> Option<Spread> {
        let pairs = self.counted(subject).filter_map(|run| {
            let base_run = self.counted(base).find(|base_run| base_run.round == run.round)?;
            let base_quantity = quantity(base_run);
            (base_quantity > 0.0).then(|| quantity(run) / base_quantity)
        });
        Spread::of(pairs)
    }

    /// How many of the counted runs others disturbed, and how many there are.
    pub fn disturbed(&self) -> (usize, usize) {
        let counted = || self.runs.iter().filter(|run| run.round > 0);
        (counted().filter(|run| run.is_disturbed()).count(), counted().count())
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Counted runs of one subject with these CPU seconds, half as much elapsed, and a little memory.
    pub fn runs(subject: &'static str, cpu_s: &[f64]) -> Vec<Run> {
        let run = |(index, &user_s): (usize, &f64)| Run {
            subject,
            round: index as u32 + 1,
            user_s,
            system_s: 0.0,
            wall_s: user_s / 2.0,
            peak_rss_bytes: 50_000_000,
            others_cpu_s: 0.0,
            lines_counted: Some(1_000),
        };
        cpu_s.iter().enumerate().map(run).collect()
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let mut measured = Measured { runs: runs("a", &[2.0, 8.0, 3.0]), ..Measured::default() };
        measured.runs.extend(runs("b", &[1.0, 4.0]));
        let ratio = measured.ratio("a", "b", Run::cpu_s).unwrap();
        assert_eq!((ratio.median, ratio.min, ratio.max), (2.0, 2.0, 2.0));
        assert_eq!(measured.ratio("a", "c", Run::cpu_s), None);
    }

    #[test]
    fn warm_ups_and_failed_subjects_do_not_count() {
        let mut measured = Measured { runs: runs("a", &[1.0, 2.0, 3.0]), ..Measured::default() };
        measured.runs[0].round = 0;
        assert_eq!(measured.spread("a", Run::cpu_s).unwrap().median, 2.5);
        measured.failures.push(Failure { subject: "a", reason: "it ended".to_owned() });
        assert_eq!(measured.spread("a", Run::cpu_s), None);
    }
}
