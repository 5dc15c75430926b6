//! How many lines a command says it counted.
//!
//! A tool that skips lines it cannot read looks fast; so the number stands beside the time. It is
//! taken from the command's own output, since a second, checking run would be another run.

/// Where the number is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// The command counts nothing.
    Nothing,
    /// weir's summary on stderr: `2,000,000 records`.
    WeirSummary,
    /// `lines=2000000` on stdout.
    Stated,
    /// The sum of mtail's counter `alb_requests_total`.
    MtailRequests,
    /// `valid_requests` of goaccess' JSON.
    GoaccessValid,
}

impl Counted {
    /// The number in the command's output; `None` where it is not said.
    pub fn lines(self, stdout: &str, stderr: &str) -> Option<u64> {
        match self {
            Self::Nothing => None,
            Self::WeirSummary => {
                let (before, _) = stderr.split_once(" records")?;
                before.rsplit(' ').next()?.replace(',', "").parse().ok()
            }
            Self::Stated => stated(stdout, "lines"),
            Self::MtailRequests => {
                let samples = stdout.lines().filter(|line| line.starts_with("alb_requests_total{"));
                samples.map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
            }
            Self::GoaccessValid => {
                let report: serde_json::Value = serde_json::from_str(stdout).ok()?;
                report.get("general")?.get("valid_requests")?.as_u64()
            }
        }
    }
}

/// The value of `key=value` among the words of `text`.
pub fn stated<T: std::str::FromStr>(text: &str, key: &str) -> Option<T> {
    let value = |word: &str| word.strip_prefix(key)?.strip_prefix('=')?.parse().ok();
    text.split_whitespace().find_map(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(counted: Counted, stdout: &str, stderr: &str, expected: Option<u64>) {
        assert_eq!(counted.lines(stdout, stderr), expected);
    }

    #[test]
    fn each_tool_says_it_in_its_own_way() {
        check(
            Counted::WeirSummary,
            "",
            "40 files, a to b (UTC), 2,000,000 records, 3 rejects",
            Some(2_000_000),
        );
        check(Counted::Stated, "lines=7 groups=3\n", "", Some(7));
        let mtail = "# TYPE alb_requests_total counter\nalb_requests_total{path=\"/a b\"} 3\nalb_requests_total{} 4\n";
        check(Counted::MtailRequests, mtail, "", Some(7));
        check(Counted::GoaccessValid, "{\"general\": {\"valid_requests\": 7}}", "", Some(7));
        check(Counted::Nothing, "lines=7", "7 records", None);
    }

    #[test]
    fn nothing_is_made_up_where_nothing_is_said() {
        check(Counted::WeirSummary, "", "cannot read it", None);
        check(Counted::Stated, "outlines=7", "", None);
        check(Counted::MtailRequests, "alb_requests_total{} many", "", None);
        check(Counted::GoaccessValid, "{}", "", None);
    }
}
