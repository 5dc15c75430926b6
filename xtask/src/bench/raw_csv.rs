//! Every single run, so that anyone can compute something else from them.
//!
//! Written by hand: the values are numbers and names without commas.

use std::fmt::Write;

use super::measure::Run;

const HEADER: &str = "round,command,user_s,system_s,elapsed_s,peak_rss_bytes,others_cpu_s,lines_counted\n";

/// The runs as CSV, in the order in which they took place; round 0 is the warm-up.
pub fn write(runs: &[Run]) -> String {
    let mut csv = HEADER.to_owned();
    for run in runs {
        let Run { subject, round, user_s, system_s, wall_s, peak_rss_bytes, others_cpu_s, lines_counted } =
            run;
        let lines = lines_counted.map(|lines| lines.to_string()).unwrap_or_default();
        // Writing into a `String` cannot fail.
        let _ = writeln!(
            csv,
            "{round},{subject},{user_s:.3},{system_s:.3},{wall_s:.3},{peak_rss_bytes},{others_cpu_s:.2},{lines}"
        );
    }
    csv
}

#[cfg(test)]
mod tests {
    use super::super::rounds::tests::runs;
    use super::*;

    #[test]
    fn a_run_is_a_row() {
        let mut runs = runs("weir-1", &[1.5]);
        assert_eq!(write(&runs), format!("{HEADER}1,weir-1,1.500,0.000,0.750,50000000,0.00,1000\n"));
        runs[0].lines_counted = None;
        assert!(write(&runs).ends_with(",0.00,\n"));
    }
}
