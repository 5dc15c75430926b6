//! Every line is counted once, whatever it is packed in and in whatever order it comes.

use std::fs;
use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::recount::Totals;
use crate::support::lines::albs;
use crate::support::metrics::sum;
use crate::support::{Folder, Run, assert_same_text, gzip, weir, weir_with_input};

/// Writes sample traffic below a new folder.
fn sample(requests: u32, more: &[&str]) -> Folder {
    let folder = Folder::new();
    let requests = requests.to_string();
    weir(&[&["demo", "--requests", &requests, "--write", &folder.path("")], more].concat()).expect(0);
    folder
}

/// The text of all log files below a folder, in the order of their names.
fn text_of(folder: &Folder) -> String {
    let mut text = Vec::new();
    for path in folder.files() {
        let bytes = fs::read(&path).unwrap();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("gz") => drop(MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut text).unwrap()),
            Some("log") => text.extend(bytes),
            _ => {}
        }
    }
    // The sample has agents that are not UTF-8; none of the numbers here comes from them.
    String::from_utf8_lossy(&text).into_owned()
}

#[track_caller]
fn count(arguments: &[&str]) -> Run {
    weir(&[&["count"], arguments].concat()).expect(0)
}

#[test]
fn a_sample_day_is_counted_as_a_naive_recount_counts_it() {
    let folder = sample(60_000, &[]);
    let run = count(&[&folder.path("AWSLogs")]);
    let counted = Totals::of_metrics(&run.stdout);
    let text = text_of(&folder);
    let expected = Totals::of_lines(text.lines());
    assert_eq!(expected.requests(), 60_000);
    assert!(expected.elb_5xx > 20 && expected.target_5xx > 20, "{expected:?}");
    assert!(
        expected.request_times.0 > expected.target_times.0,
        "some lines have a time only by creation time"
    );
    assert_eq!(counted, expected);
    assert!(run.stderr.contains(" 60,000 records, 0 rejects"), "{}", run.stderr);
}

#[test]
fn the_folder_that_the_demo_writes_can_be_counted_as_it_is() {
    let folder = sample(500, &[]);
    let run = count(&[&folder.path("")]);
    assert!(!run.stderr.contains("error:"), "{}", run.stderr);
    assert_eq!(Totals::of_metrics(&run.stdout), Totals::of_lines(text_of(&folder).lines()));
}

#[test]
fn the_demos_files_have_the_same_lines_in_every_layout() {
    let one_file = count(&[&sample(3_000, &["--files", "1"]).path("part-0000.log.gz")]).stdout;
    assert_eq!(Totals::of_metrics(&one_file).requests(), 3_000);
    for layout in [&["--files", "5", "--plain"][..], &["--files", "4", "--half-in-one"]] {
        let folder = sample(3_000, layout);
        assert_same_text(&count(&[&folder.path("*.log*")]).stdout, &one_file, &layout.join(" "));
    }
    let nginx = sample(3_000, &["--format", "nginx_json"]);
    let counted = count(&[&nginx.path("")]).stdout;
    assert_eq!(sum(&counted, "nginx_http_requests_total", &[]), 3_000.0);
}

/// Writes each text to a file of its own, packed by `pack`, and returns what is counted in all of them.
#[track_caller]
fn counted_in_files(texts: &[String], pack: impl Fn(&str) -> Vec<u8>) -> String {
    let folder = Folder::new();
    for (index, text) in texts.iter().enumerate() {
        folder.write(&format!("{index}.log"), pack(text));
    }
    count(&[&folder.path("")]).stdout
}

/// The lines dealt out to some files in turn, each file backwards.
fn dealt(text: &str, files: usize) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let file = |start: usize| {
        lines.iter().skip(start).step_by(files).rev().map(|line| format!("{line}\n")).collect()
    };
    (0..files).map(file).collect()
}

#[test]
fn packing_order_and_splitting_change_no_byte_of_the_metrics() {
    let text = text_of(&sample(6_000, &["--files", "1", "--plain"]));
    let plain = |text: &str| text.as_bytes().to_vec();
    let expected = counted_in_files(std::slice::from_ref(&text), plain);
    assert_eq!(Totals::of_metrics(&expected), Totals::of_lines(text.lines()));

    let members = |text: &str| dealt(text, 3).iter().flat_map(gzip).collect::<Vec<u8>>();
    let zstd = |text: &str| zstd::encode_all(text.as_bytes(), 3).unwrap();
    let frames = |text: &str| dealt(text, 2).iter().flat_map(|text| zstd(text)).collect::<Vec<u8>>();
    assert_same_text(&counted_in_files(&dealt(&text, 7), plain), &expected, "split");
    assert_same_text(&counted_in_files(&dealt(&text, 2), |text| gzip(text)), &expected, "gzip");
    assert_same_text(&counted_in_files(&dealt(&text, 2), members), &expected, "gzip members");
    assert_same_text(&counted_in_files(&dealt(&text, 2), zstd), &expected, "zstd");
    assert_same_text(&counted_in_files(&dealt(&text, 2), frames), &expected, "zstd frames");
    assert_eq!(
        counted_in_files(&dealt(&text, 2), |text| plain(&text.replace('\n', "\r\n"))),
        expected,
        "CR LF"
    );
    assert_eq!(
        counted_in_files(&dealt(&text, 2), |text| plain(text.trim_end())),
        expected,
        "no last line end"
    );
}

#[test]
fn the_same_member_twice_counts_twice() {
    let text = text_of(&sample(1_000, &["--files", "1", "--plain"]));
    let twice = counted_in_files(&[text.repeat(2)], |text| text.as_bytes().to_vec());
    let members = counted_in_files(std::slice::from_ref(&text), |text| gzip(text).repeat(2));
    assert_same_text(&members, &twice, "two members");
    assert_eq!(Totals::of_metrics(&twice).requests(), 2_000);
}

#[test]
fn the_number_of_threads_changes_no_byte_of_the_metrics() {
    let folder = sample(3_000, &[]);
    let path = folder.path("AWSLogs");
    let [one, two, many] = ["1", "2", "7"].map(|threads| count(&["--threads", threads, &path]));
    assert_same_text(&two.stdout, &one.stdout, "2 threads");
    assert_same_text(&many.stdout, &one.stdout, "7 threads");
    assert_eq!(one.stderr, many.stderr);
}

#[test]
fn what_comes_on_stdin_is_unpacked_too() {
    let text = albs(500, "/cart", 200);
    let expected = weir_with_input(&["count", "-"], text.as_bytes()).expect(0).stdout;
    assert_eq!(Totals::of_metrics(&expected).requests(), 500);
    for packed in [gzip(&text), zstd::encode_all(text.as_bytes(), 3).unwrap()] {
        assert_same_text(&weir_with_input(&["count", "-"], &packed).expect(0).stdout, &expected, "packed");
    }
}

/// Counts a log with three requests that is named by `names`, in a folder with symbolic links and their targets.
#[track_caller]
fn check_counted_once(names: &[&str], links: &[(&str, &str)]) {
    let folder = Folder::new();
    folder.write("logs/a.log", albs(3, "/cart", 200));
    for (link, target) in links {
        std::os::unix::fs::symlink(folder.path(target), folder.path(link)).unwrap();
    }
    let paths: Vec<String> = names.iter().map(|name| folder.path(name)).collect();
    let arguments: Vec<&str> = paths.iter().map(String::as_str).collect();
    let run = count(&arguments);
    assert_eq!(Totals::of_metrics(&run.stdout).requests(), 3, "{names:?}: {}", run.stderr);
}

#[test]
fn a_file_that_is_named_twice_is_counted_once() {
    check_counted_once(&["logs/a.log", "logs", "logs/*.log", "logs/a.log"], &[]);
}

#[test]
fn a_file_that_is_spelt_in_two_ways_is_counted_once() {
    check_counted_once(&["logs/a.log", "logs/../logs/a.log"], &[]);
}

#[test]
fn a_file_that_is_linked_is_counted_once() {
    check_counted_once(&["logs"], &[("logs/latest.log", "logs/a.log")]);
}

#[test]
fn a_folder_that_is_linked_into_itself_is_counted_once() {
    check_counted_once(&["logs"], &[("logs/all", "logs")]);
}
