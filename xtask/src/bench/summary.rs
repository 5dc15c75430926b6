//! The record for people: budgets first, then each comparison with its conditions.
//!
//! Ratios are taken round by round before the median is, and every comparison says what is unequal
//! in it; a table that is quoted alone should not mislead.

use super::budget::{Verdict, verdicts};
use super::data::Size;
use super::measure::Run;
use super::rounds::{Failure, Measured};
use super::servers::{self, Readings};
use super::statistics::{Spread, thousands};
use super::subject::{SECTIONS, Section, Subject, named};
use super::table::markdown;

const MB: f64 = 1e6;

/// The whole page. `title` says what was measured where and when.
pub fn write(title: &str, measured: &Measured, readings: &Readings, sizes: &[Size]) -> String {
    let verdicts = [verdicts(measured), servers::verdicts(readings)].concat();
    let mut page = format!("# {title}\n\n{}\n", budget_table(&verdicts));
    page.push_str(
        "Each value is the median of the counted runs, with the least and the greatest behind it. CPU is user and \
         system time of all\nprocesses; a ratio is taken within each round first. MB are 10^6 bytes, of text where \
         the input is packed.\n",
    );
    for section in SECTIONS {
        page.extend(section_text(section, measured, sizes));
    }
    page.push_str(&servers::sections(readings));
    page.push_str(&failures(&[measured.failures.as_slice(), &readings.failures].concat()));
    page
}

fn budget_table(verdicts: &[Verdict]) -> String {
    let row =
        |verdict: &Verdict| vec![verdict.text.to_owned(), verdict.measured.clone(), verdict.met.to_owned()];
    markdown(&["budget", "measured", "met"], &verdicts.iter().map(row).collect::<Vec<_>>())
}

/// A section with its table; `None` if none of its subjects was measured.
fn section_text(section: &Section, measured: &Measured, sizes: &[Size]) -> Option<String> {
    let base = *section.subjects.first()?;
    let subjects = section.subjects.iter().filter_map(|name| named(name));
    let rows: Vec<Vec<String>> = subjects.filter_map(|subject| row(subject, base, measured, sizes)).collect();
    let per_line = format!("CPU per line, {base} = 1");
    let header = [
        "command",
        "CPU s",
        "elapsed s",
        "lines per CPU s",
        "MB per s elapsed",
        "peak MB",
        "lines counted",
        per_line.as_str(),
    ];
    (!rows.is_empty())
        .then(|| format!("\n## {}\n\n{}\n\n{}", section.title, section.note, markdown(&header, &rows)))
}

fn row(subject: &Subject, base: &str, measured: &Measured, sizes: &[Size]) -> Option<Vec<String>> {
    let size = size_of(subject, sizes)?;
    let base_lines = size_of(named(base)?, sizes)?.lines as f64;
    let lines = size.lines as f64;
    let seconds = |seconds: f64| format!("{seconds:.2}");
    let spread = |quantity: &dyn Fn(&Run) -> f64| measured.spread(subject.name, quantity);
    let per_line = measured.ratio(subject.name, base, Run::cpu_s);
    Some(vec![
        subject.name.to_owned(),
        spread(&Run::cpu_s)?.text(seconds),
        spread(&|run| run.wall_s)?.text(seconds),
        thousands(rate(lines, spread(&Run::cpu_s)?)),
        thousands(rate(size.text_bytes as f64 / MB, spread(&|run| run.wall_s)?)),
        spread(&|run| run.peak_rss_bytes as f64 / MB)?.text(thousands),
        lines_counted(subject, measured, size.lines),
        per_line.map_or("–".to_owned(), |ratio| {
            ratio.times(base_lines / lines).text(|ratio| format!("{ratio:.2}"))
        }),
    ])
}

fn size_of<'s>(subject: &Subject, sizes: &'s [Size]) -> Option<&'s Size> {
    sizes.iter().find(|size| size.data == subject.data)
}

fn rate(amount: f64, seconds: Spread) -> f64 {
    if seconds.median > 0.0 { amount / seconds.median } else { 0.0 }
}

/// What the subject said it counted, with what there was if that is something else.
fn lines_counted(subject: &Subject, measured: &Measured, lines: u64) -> String {
    let counted = measured.counted(subject.name).find_map(|run| run.lines_counted);
    match counted {
        Some(counted) if counted == lines => "all".to_owned(),
        Some(counted) => format!("{} of {}", thousands(counted as f64), thousands(lines as f64)),
        None => "–".to_owned(),
    }
}

fn failures(failures: &[Failure]) -> String {
    if failures.is_empty() {
        return String::new();
    }
    let items = failures.iter().map(|failure| format!("* {}: {}\n", failure.subject, failure.reason));
    format!("\n## Not measured\n\n{}", items.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::super::rounds::tests::runs;
    use super::super::subject::DataSet;
    use super::*;

    fn page(measured: &Measured) -> String {
        let size = |data, lines| Size { data, lines, text_bytes: 1_000_000, file_bytes: 1 };
        write(
            "title",
            measured,
            &Readings::default(),
            &[size(DataSet::Equal, 1_000), size(DataSet::Big, 4_000)],
        )
    }

    #[test]
    fn rows_are_compared_per_line_with_the_first() {
        let mut measured = Measured { runs: runs("weir-2", &[1.0, 1.0]), ..Measured::default() };
        measured.runs.extend(runs("weir-big", &[8.0, 8.0]));
        let page = page(&measured);
        let row = page.lines().rfind(|line| line.starts_with("| weir-big")).unwrap_or_default();
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(cells[1..9], ["weir-big", "8.00", "4.00", "500", "0", "50", "1,000 of 4,000", "2.00"]);
    }

    #[test]
    fn sections_without_a_measured_subject_are_left_out() {
        let measured = Measured { runs: runs("weir-1", &[1.0]), ..Measured::default() };
        let page = page(&measured);
        let titles: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(titles, ["Counting, against unpacking alone", "Two threads"]);
    }

    #[test]
    fn what_failed_is_named_with_its_reason() {
        let reason = "it was ended after 300 s".to_owned();
        let failures = vec![Failure { subject: "mtail", reason }];
        let page = page(&Measured { runs: Vec::new(), failures });
        assert!(page.ends_with("## Not measured\n\n* mtail: it was ended after 300 s\n"), "{page}");
    }
}
