//! A broken file is reported with its reason and counts for nothing; what lies beside it counts as ever.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::lines::{alb, albs, nginx_json};
use crate::support::metrics::sum;
use crate::support::{Folder, Run, gzip, output, weir, weir_command, weir_with_input};

const COUNT: &str = "alb_log_request_count_total";

/// Counts a folder that holds a good file of three requests and `bad`; the requests counted, and the run.
#[track_caller]
fn counted_beside_a_good_file(name: &str, bad: &[u8]) -> (f64, Run) {
    let folder = Folder::new();
    folder.write("a-good.log", albs(3, "/cart", 200));
    folder.write(name, bad);
    let run = weir(&["count", &folder.path("")]);
    (sum(&run.stdout, COUNT, &[]), run)
}

/// A broken file costs itself, an exit code of 1, and one line that names it.
#[track_caller]
fn check_broken(name: &str, bad: &[u8], message: &str) {
    let (counted, run) = counted_beside_a_good_file(name, bad);
    assert_eq!((counted, run.code), (3.0, 1), "{}", run.stderr);
    let errors: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{}", run.stderr);
    assert!(errors[0].contains(name) && errors[0].contains(message), "{}", run.stderr);
}

/// A file that holds no requests costs nothing, and is said with `message`.
#[track_caller]
fn check_harmless(name: &str, content: &[u8], message: &str) {
    let (counted, run) = counted_beside_a_good_file(name, content);
    assert_eq!((counted, run.code), (3.0, 0), "{}", run.stderr);
    assert!(run.stderr.contains(message), "{}", run.stderr);
}

#[test]
fn a_gzip_file_that_is_cut_off_counts_for_nothing() {
    let packed = gzip(albs(2_000, "/cart", 500));
    check_broken("b.log.gz", &packed[..packed.len() / 2], "the gzip data is cut off");
    check_broken("b.log.gz", &packed[..packed.len() - 4], "the gzip data is cut off");
    check_broken("b.log.gz", &packed[..12], "the gzip data is cut off");
    let two_members = [packed.as_slice(), &packed[..packed.len() - 1]].concat();
    check_broken("b.log.gz", &two_members, "the gzip data is cut off");
}

#[test]
fn a_zstd_file_that_is_cut_off_counts_for_nothing() {
    let packed = zstd::encode_all(albs(2_000, "/cart", 500).as_bytes(), 3).unwrap();
    check_broken("b.log.zst", &packed[..packed.len() - 5], "the zstd data is cut off");
}

#[test]
fn a_gzip_file_that_is_damaged_counts_for_nothing() {
    let mut packed = gzip(albs(2_000, "/cart", 500));
    let middle = packed.len() / 2;
    packed[middle..middle + 20].fill(0xff);
    check_broken("b.log.gz", &packed, "the gzip data is damaged");
    let mut wrong_checksum = gzip(albs(5, "/cart", 500));
    let at = wrong_checksum.len() - 6;
    wrong_checksum[at] ^= 1;
    check_broken("b.log.gz", &wrong_checksum, "the gzip data is damaged");
}

#[test]
fn a_gigabyte_of_packed_zeros_is_refused() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![0; 16 << 20]).unwrap();
    let bomb = encoder.finish().unwrap().repeat(64);
    check_broken("bomb.log.gz", &bomb, "it unpacks to more than 500 times its size");
}

#[test]
fn binary_junk_is_an_unknown_layout() {
    let junk: Vec<u8> = (0..200_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    check_broken("core.1234", &junk, "unknown layout, the first line is `");
    let (_, run) = counted_beside_a_good_file("core.1234", &junk);
    assert!(!run.stderr.contains(is_harmful), "{:?}", run.stderr);
}

#[test]
fn text_that_is_no_access_log_is_an_unknown_layout() {
    check_broken("syslog", b"Nov 20 13:15:30 web-1 app: started\n", "the first line is `Nov 20 13:15:30");
}

#[test]
fn files_without_a_line_are_fine() {
    check_harmless("empty.log", b"", "2 files");
    check_harmless("empty.log.gz", b"", "2 files");
    check_harmless("nothing.log.gz", &gzip(""), "2 files");
    check_harmless("blank.log", b"\n\r\n\n", "2 files");
}

#[test]
fn events_are_passed_over_and_said() {
    let event = r#"{"ts":1795169730,"level":"info","msg":"started"}"#;
    check_harmless("app.log", event.as_bytes(), "passed over: 1 event, which has no request to count");
    let events = format!("{event}\n").repeat(2_000);
    let message = "3 records, 0 rejects\npassed over: 2,000 events, which have no request to count";
    check_harmless("app.log.gz", &gzip(events), message);
}

#[test]
fn what_lies_beside_access_logs_is_skipped_and_said() {
    let name = "111122223333_elasticloadbalancing_eu-central-1_app.prod.50dc6c495c0c9188_20261120T1015Z_10.0.0.1_a.log";
    let connection =
        "2026-11-20T10:15:30.123456Z 203.0.113.7 50123 443 TLSv1.3 TLS_AES_128_GCM_SHA256 0.010 - - - - T\n";
    check_harmless(&format!("conn_log.{name}"), connection.as_bytes(), "skipped: 1 connection log");
    check_harmless("renamed.log", connection.as_bytes(), "skipped: 1 connection log");
    check_harmless(&format!("health_check_log_{name}"), b"http 2026-11-20\n", "skipped: 1 health-check log");
    let network = name.replace("_app.", "_net.").replace("10.0.0.1_", "");
    check_harmless(
        &network,
        b"tls 2.0 2026-11-20T10:15:30 net/a/1 2\n",
        "skipped: 1 Network Load Balancer log",
    );
    check_harmless("ELBAccessLogTestFile", b"Enable AccessLog for ELB: prod\n", "skipped: 1 test file");
}

#[test]
fn a_line_of_ten_megabytes_is_a_reject_with_its_number() {
    let long = format!("{}{}\n", "x".repeat(10_000_000), "\"");
    let text = albs(1, "/before", 200) + &long + &albs(2, "/after", 200);
    let packings: [(&str, Vec<u8>); 3] = [
        ("long.log", text.clone().into_bytes()),
        ("long.log.gz", gzip(&text)),
        ("long.log.zst", zstd::encode_all(text.as_bytes(), 3).unwrap()),
    ];
    for (name, packed) in packings {
        let folder = Folder::new();
        let path = folder.write(name, packed);
        let run = weir(&["count", &path]).expect(0);
        assert_eq!(sum(&run.stdout, COUNT, &[("path", "/before")]), 1.0);
        assert_eq!(sum(&run.stdout, COUNT, &[("path", "/after")]), 2.0);
        assert!(run.stderr.contains(" 3 records, 1 reject\n"), "{}", run.stderr);
        assert!(run.stderr.contains(&format!("reject: {path}:2: ")), "{}", run.stderr);
        assert!(run.stderr.contains("the line is longer than limits.line_bytes allows"), "{}", run.stderr);
    }
}

#[test]
fn rejects_are_counted_by_reason_and_shown_with_their_place() {
    let bad_status = alb("2026-11-20T10:15:30.123456Z", "/cart", 200).replace(" 200 200 ", " 2x0 200 ");
    let text = albs(2, "/cart", 200) + &bad_status.repeat(4) + "https only\n" + &"cut\n".repeat(3);
    let run = weir_with_input(&["count", "-"], text.as_bytes()).expect(0);
    assert_eq!(sum(&run.stdout, COUNT, &[]), 2.0);
    for part in [
        " 2 records, 8 rejects\n",
        "reject: -:3: column ",
        "expected a status of three digits",
        "rejects by reason: 4 too_few_fields, 4 bad_status\n",
    ] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    weir_with_input(&["count", "--strict", "-"], text.as_bytes()).expect(3);
    weir_with_input(&["report", "--strict", "-"], text.as_bytes()).expect(3);
    weir_with_input(&["count", "--strict", "-"], albs(2, "/cart", 200).as_bytes()).expect(0);
}

#[test]
fn a_broken_file_is_worse_than_rejects() {
    let folder = Folder::new();
    folder.write("rejects.log", albs(2, "/cart", 200) + "https only\n");
    folder.write("broken.gz", &gzip("x")[..9]);
    weir(&["count", "--strict", &folder.path("")]).expect(1);
}

#[test]
fn lines_of_any_year_are_counted() {
    let years = ["1970-01-01T00:00:00.000000Z", "1999-12-31T23:59:59.999999Z", "2099-07-01T00:00:00.000000Z"];
    let text: String = years.map(|time| alb(time, "/cart", 200)).concat();
    let run = weir_with_input(&["count", "-"], text.as_bytes()).expect(0);
    assert_eq!(sum(&run.stdout, COUNT, &[]), 3.0);
    assert!(
        run.stderr.contains("1970-01-01T00:00:00Z to 2099-07-01T00:00:00Z (UTC), 3 records"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_path_that_names_nothing_is_an_error() {
    let folder = Folder::new();
    folder.write("a.log", albs(1, "/cart", 200));
    for missing in ["none.log", "*.gz", "none/"] {
        let run = weir(&["count", &folder.path("a.log"), &folder.path(missing)]).expect(1);
        assert!(run.stderr.contains("matches no file") && run.stdout.is_empty(), "{}", run.stderr);
    }
    fs::create_dir(folder.path("empty")).unwrap();
    let run = weir(&["report", &folder.path("empty")]).expect(1);
    assert!(run.stderr.contains("matches no file"), "{}", run.stderr);
}

#[test]
fn a_file_name_may_be_any_bytes() {
    let folder = Folder::new();
    folder.write("a.log", albs(2, "/cart", 200));
    let odd = Path::new(&folder.path("")).join(OsStr::from_bytes(b"caf\xe9.log"));
    fs::write(odd, albs(1, "/cart", 200)).unwrap();
    let run = weir(&["count", &folder.path("")]).expect(0);
    assert_eq!(sum(&run.stdout, COUNT, &[]), 3.0);
}

#[test]
fn a_pipe_in_a_folder_is_not_waited_for() {
    let folder = Folder::new();
    folder.write("a.log", albs(2, "/cart", 200));
    output(Command::new("mkfifo").arg(folder.path("pipe"))).expect(0);
    let run = weir(&["count", &folder.path("")]);
    assert_eq!(sum(&run.stdout, COUNT, &[]), 2.0, "{}", run.stderr);
}

#[test]
fn a_link_to_nowhere_is_an_error() {
    let folder = Folder::new();
    folder.write("open.log", albs(2, "/cart", 200));
    std::os::unix::fs::symlink(folder.path("nowhere"), folder.path("link.log")).unwrap();
    let run = weir(&["count", &folder.path("")]).expect(1);
    assert_eq!(sum(&run.stdout, COUNT, &[]), 2.0);
    assert!(run.stderr.contains("link.log: cannot read it: No such file"), "{}", run.stderr);
}

#[test]
fn a_file_that_may_not_be_read_is_an_error() {
    let folder = Folder::new();
    let secret = folder.write("secret.log", albs(3, "/cart", 200));
    folder.write("open.log", albs(2, "/cart", 200));
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(folder.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    if is_root() && as_nobody(&["--version"]).output().is_err() {
        // Permissions do not bind root, and nobody else can get at the program.
        return;
    }
    let arguments = ["count", &folder.path("")];
    let mut command = if is_root() { as_nobody(&arguments) } else { weir_command(&arguments) };
    let run = output(&mut command).expect(1);
    assert_eq!(sum(&run.stdout, COUNT, &[]), 2.0);
    assert!(
        run.stderr.contains(&format!("error: {secret}: cannot read it: Permission denied")),
        "{}",
        run.stderr
    );
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let users = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
    users.split_whitespace().nth(1) == Some("0")
}

fn as_nobody(arguments: &[&str]) -> Command {
    const NOBODY: u32 = 65_534;
    let mut command = weir_command(arguments);
    command.uid(NOBODY).gid(NOBODY);
    command
}

#[test]
fn text_from_logs_cannot_speak_to_the_terminal() {
    let hostile =
        [r"/a\u001b[31mred", r"/b\r\n\u0007c", r"/d\u009b2Je", r"/f\u202egnp.exe", r"/g\u0000\u007f"];
    let lines: String = hostile.map(|path| nginx_json(path, 200)).concat();
    for by in ["path", "route", "path,user_agent"] {
        let table =
            weir_with_input(&["report", "--routes", "raw", "--by", by, "-"], lines.as_bytes()).expect(0);
        assert!(table.stdout.lines().count() == 2 + hostile.len(), "{}", table.stdout);
        assert!(!table.stdout.contains(is_harmful), "{:?}", table.stdout);
    }
    let tried = weir_with_input(&["check", "--try", "-"], lines.as_bytes()).expect(0);
    assert!(!tried.stdout.contains(is_harmful), "{:?}", tried.stdout);
}

#[test]
fn an_unknown_layout_cannot_speak_to_the_terminal() {
    let unknown = weir_with_input(&["count", "-"], b"\x1b]0;title\x07 \xe2\x80\xaegnp no log\n").expect(1);
    assert!(!unknown.stderr.contains(is_harmful), "{:?}", unknown.stderr);
}

#[test]
fn file_names_cannot_speak_to_the_terminal() {
    let folder = Folder::new();
    folder.write("\u{1b}[31m\u{7}.log", "cut\n".to_owned() + &albs(1, "/cart", 200));
    folder.write("\u{202e}gnp.log", "no log\n");
    let named = weir(&["count", &folder.path("")]).expect(1);
    assert!(!named.stderr.contains(is_harmful), "{:?}", named.stderr);
}

/// What moves the cursor, changes colours or turns the direction of text.
fn is_harmful(char: char) -> bool {
    char.is_control() && char != '\n' || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
