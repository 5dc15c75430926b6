//! Records found, counted, followed, exported and removed: over HTTP, by the commands, and without a server.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::support::lines::albs;
use crate::support::{
    Folder, Process, Server, escaped, gzip, output, until, weir, weir_command, weir_with_input, within,
};

const COUNT: &str = "alb_log_request_count_total";
const NGINX_COUNT: &str = "nginx_http_request_time_count";

/// The day of all lines here.
const DAY: &str = "from=2026-11-20&to=2026-11-21";

/// How soon what arrives is shown.
const ARRIVAL: Duration = Duration::from_secs(2);

/// A line of nginx's JSON; `more` are further members, each behind a comma.
fn line(second: u32, path: &str, status: u16, more: &str) -> String {
    format!(
        "{{\"time_iso8601\":\"2026-11-20T10:{:02}:{:02}+00:00\",\"host\":\"shop.example.com\",\"request_method\":\
         \"GET\",\"request_uri\":\"{path}\",\"status\":\"{status}\",\"request_time\":\"0.025\"{more}}}\n",
        second / 60 % 60,
        second % 60
    )
}

/// A server that has counted these lines of one file.
fn server_with(lines: &str, count: f64) -> (Folder, Server) {
    let folder = Folder::new();
    folder.publish("a.log.gz", gzip(lines));
    let server = Server::start(&[&folder.path("")]);
    server.await_sum(NGINX_COUNT, &[], count);
    (folder, server)
}

#[track_caller]
fn search(server: &Server, query: &str, more: &str) -> Value {
    let path = format!("/api/search?query={}&{DAY}{more}", escaped(query));
    let response = server.get(&path);
    assert_eq!(response.status, 200, "{path}: {}", response.lossy());
    response.json()
}

#[track_caller]
fn aggregate(server: &Server, body: &str) -> Value {
    let headers = [("Content-Type", "application/json")];
    let response = server.request("POST", "/api/aggregate", &headers, body.as_bytes());
    assert_eq!(response.status, 200, "{body}: {}", response.lossy());
    response.json()
}

#[test]
fn what_is_counted_is_found() {
    let folder = Folder::new();
    folder.publish("a.log.gz", gzip(albs(30, "/cart", 200) + &albs(12, "/orders/7", 503)));
    let server = Server::start(&[&folder.path("")]);
    server.await_sum(COUNT, &[], 42.0);
    for (query, labels) in [
        ("*", vec![]),
        ("status:>=500", vec![("status", "503")]),
        ("elb_status_code:5xx AND route:/orders/*", vec![("status", "503")]),
        ("path:/cart", vec![("path", "/cart")]),
    ] {
        let total = search(&server, query, "&limit=5")["total"].as_f64();
        assert_eq!(total, Some(server.sum(COUNT, &labels)), "{query}");
    }
    let answer = aggregate(
        &server,
        r#"{"from": "2026-11-20", "to": "2026-11-21", "group_by": ["route"], "order": "-n",
            "metrics": {"n": {"count": {}}, "p95": {"percentile": {"field": "request_time", "p": 95}}}}"#,
    );
    assert_eq!(answer["rows"][0]["route"], "/cart");
    assert_eq!((&answer["rows"][0]["n"], &answer["rows"][1]["n"]), (&30.into(), &12.into()));
    assert_eq!((&answer["rows"][0]["p95"], &answer["is_exact"]), (&0.043.into(), &true.into()));
    let routes = server.get(&format!("/api/routes?{DAY}&query=status:503")).json();
    assert_eq!(routes["routes"].as_array().map(Vec::len), Some(1), "{routes}");
    assert_eq!(
        (&routes["routes"][0]["count"], &routes["routes"][0]["error_ratio"]),
        (&12.into(), &1.0.into())
    );
    let minutes = server.get(&format!("/api/routes?{DAY}")).json();
    let total = |routes: &Value| {
        routes["routes"].as_array().unwrap().iter().map(|row| row["count"].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!((total(&minutes), total(&routes)), (42, 12));
}

#[test]
fn a_hit_has_every_field_of_its_line() {
    let more = r#","user_email":"a@example.com","attempt":3,"items":[1,"x"],"is_new":true"#;
    let (_folder, server) = server_with(&line(7, "/cart?id=5", 200, more), 1.0);
    let hit = &search(&server, "user_email:a@example.com", "")["hits"][0];
    for (name, expected) in [
        ("@timestamp", Value::from("2026-11-20T10:00:07Z")),
        ("path", "/cart".into()),
        ("query", "id=5".into()),
        ("status", 200.into()),
        ("request_time", 0.025.into()),
        ("user_email", "a@example.com".into()),
        ("attempt", 3.into()),
        ("items", serde_json::json!([1, "x"])),
        ("is_new", true.into()),
    ] {
        assert_eq!(hit[name], expected, "{name} in {hit}");
    }
    let chosen = &search(&server, "attempt:3", "&fields=uri&tz=Europe/Berlin")["hits"][0];
    let names: Vec<&str> = chosen.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["@timestamp", "_id", "path"]);
    assert_eq!(chosen["@timestamp"], "2026-11-20T11:00:07+01:00");
    let fields = server.get(&format!("/api/fields?{DAY}&field=status,attempt")).json();
    assert_eq!(fields["fields"][1]["top"], serde_json::json!([{"value": 200, "count": 1}]), "{fields}");
}

#[test]
fn pages_hold_every_record_once_and_in_order() {
    // All of one second: only the arrival tells them apart.
    let lines: String = (0..250).map(|number| line(1, &format!("/p/{number}"), 200, "")).collect();
    let (_folder, server) = server_with(&lines, 250.0);
    for order in ["newest", "oldest"] {
        let (mut ids, mut paths, mut cursor) = (BTreeSet::new(), Vec::new(), String::new());
        loop {
            let page = search(&server, "*", &format!("&limit=40&order={order}&cursor={cursor}"));
            assert_eq!(page["total"], 250);
            for hit in page["hits"].as_array().unwrap() {
                assert!(ids.insert(hit["_id"].as_str().unwrap().to_owned()), "{hit} came twice");
                paths.push(hit["path"].as_str().unwrap().to_owned());
            }
            match page["cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(ids.len(), 250);
        let expected: Vec<String> = (0..250).map(|number| format!("/p/{number}")).collect();
        if order == "newest" {
            paths.reverse();
        }
        assert_eq!(paths, expected, "{order}");
    }
}

#[test]
fn an_export_has_everything_in_either_format() {
    let lines: String = (0..12_000).map(|number| line(number / 60, "/a,b", 200, "")).collect();
    let (_folder, server) = server_with(&lines, 12_000.0);
    let ndjson = server.get(&format!("/api/search?{DAY}&format=ndjson")).text();
    let ids: BTreeSet<String> = ndjson
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 12_000);
    let csv = server.get(&format!("/api/search?{DAY}&format=csv&fields=path,status")).text();
    let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
    assert_eq!((lines.len(), lines[0]), (12_001, "@timestamp,path,status,_id"));
    assert!(lines[1].starts_with("2026-11-20T10:03:19Z,\"/a,b\",200,"), "{}", lines[1]);
    let few = server.get(&format!("/api/search?{DAY}&format=ndjson&limit=7")).text();
    assert_eq!(few.lines().count(), 7);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let (_folder, server) = server_with(&line(1, "/a", 200, ",\"tenant\":\"acme\""), 1.0);
    for (path, status, code, column) in [
        (format!("/api/search?query={}", escaped("status:>=500 AND (a")), 400, "bad_query", true),
        (format!("/api/search?query={}&{DAY}", escaped("a AND tennant:acme")), 400, "bad_query", true),
        (format!("/api/search?query={}", escaped("* | stats count()")), 400, "bad_query", false),
        ("/api/search?qurey=a".to_owned(), 400, "bad_parameters", false),
        ("/api/search?limit=10001".to_owned(), 400, "bad_parameters", false),
        ("/api/search?cursor=x".to_owned(), 400, "bad_parameters", false),
        ("/api/search?from=soon".to_owned(), 400, "bad_parameters", false),
        ("/api/search?tz=Mars".to_owned(), 400, "bad_parameters", false),
        ("/api/story".to_owned(), 400, "bad_parameters", false),
        ("/api/context?id=1".to_owned(), 400, "bad_parameters", false),
        (format!("/api/search?fields=status,tennant&{DAY}"), 400, "bad_parameters", false),
        (format!("/api/search?fields=rotue&format=ndjson&{DAY}"), 400, "bad_parameters", false),
        (format!("/api/fields?field=rotue&{DAY}"), 400, "bad_parameters", false),
        (format!("/api/context?same=rotue&id={}", "0".repeat(32)), 400, "bad_parameters", false),
        (
            format!("/api/aggregate?query={}&{DAY}", escaped("* | stats count() by rotue")),
            400,
            "bad_query",
            true,
        ),
        (
            format!("/api/aggregate?query={}&{DAY}", escaped("* | stats p95(requst_time)")),
            400,
            "bad_query",
            true,
        ),
        ("/api/tail?query=rotue:1".to_owned(), 400, "bad_query", true),
        ("/api/tail?fields=rotue".to_owned(), 400, "bad_parameters", false),
        ("/api/routes?by=path".to_owned(), 400, "bad_parameters", false),
        ("/api/aggregate?query=stats%20count()".to_owned(), 400, "bad_query", true),
        (format!("/api/context?id={}", "0".repeat(32)), 404, "not_found", false),
    ] {
        let response = server.get(&path);
        let problem = response.json();
        assert_eq!((response.status, &problem["code"]), (status, &code.into()), "{path}: {problem}");
        assert_eq!(problem["column"].is_u64(), column, "{path}: {problem}");
        assert!(problem["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{path}: {problem}");
    }
    let problem = server.get(&format!("/api/search?query={}&{DAY}", escaped("a AND tennant:acme"))).json();
    assert_eq!((&problem["column"], &problem["line"]), (&7.into(), &1.into()));
    assert_eq!(problem["hint"], "did you mean `tenant`?");
    let response = server.request("POST", "/api/search", &[], b"");
    assert_eq!((response.status, &response.json()["code"]), (405, &"method_not_allowed".into()));
    // A name that is like no other is only a warning.
    let nothing = search(&server, "zebra:1", "");
    assert_eq!(nothing["total"], 0);
    assert!(nothing["warnings"].to_string().contains("zebra"), "{nothing}");
    for (query, said) in
        [("cart", "a bare word looks in `message`"), ("count by status", "`| count by status`")]
    {
        let nothing = search(&server, query, "");
        assert!(nothing["warnings"].to_string().contains(said), "{nothing}");
    }
    let before = server.get("/api/search?from=2026-01-01&to=2026-01-02").json();
    assert!(before["warnings"].to_string().contains("before the first record"), "{before}");
}

/// A client of server-sent events.
struct Events(BufReader<TcpStream>);

impl Events {
    fn open(server: &Server, query: &str) -> Self {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        let path = format!("/api/tail?query={}", escaped(query));
        write!(
            stream,
            "GET {path} HTTP/1.0\r\nHost: {}\r\nAccept: text/event-stream\r\n\r\n",
            server.address
        )
        .unwrap();
        let mut events = Self(BufReader::new(stream));
        // The head, then the comment that says that it has begun.
        while !events.line().starts_with(':') {}
        events
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.0.read_line(&mut line).unwrap() > 0, "the tail has ended");
        line.trim_end().to_owned()
    }

    /// The next record.
    fn next(&mut self) -> Value {
        loop {
            if let Some(data) = self.line().strip_prefix("data: ") {
                return serde_json::from_str(data).unwrap();
            }
        }
    }
}

#[test]
fn a_tail_shows_what_arrives() {
    let folder = Folder::new();
    folder.write("a.json", line(1, "/first", 503, ""));
    let server = Server::start(&[&folder.path("a.json")]);
    server.await_sum(NGINX_COUNT, &[], 1.0);
    let mut all = Events::open(&server, "*");
    let mut failed = Events::open(&server, "status:>=500 AND NOT path:/no*");
    let (sent, shown) = std::sync::mpsc::sync_channel(8);
    let reading = std::thread::spawn(move || {
        for _ in 0..4 {
            sent.send(all.next()["path"].clone()).unwrap();
        }
        failed.next()["path"].clone()
    });
    let appended = ["/a", "/b", "/none", "/c"];
    let statuses = [200, 404, 500, 502];
    let lines = appended.iter().zip(statuses).map(|(path, status)| line(2, path, status, ""));
    folder.append("a.json", lines.collect::<String>());
    for expected in appended {
        let path = within(ARRIVAL * 5, "an event", || shown.try_recv().ok());
        assert_eq!(path, expected);
    }
    assert_eq!(reading.join().unwrap(), "/c");
    let (code, log) = server.terminate();
    assert_eq!(code, Some(0), "a tail must not hold the server: {log}");
}

#[test]
fn a_story_follows_both_ids_across_sources() {
    let folder = Folder::new();
    let trace = "Root=1-6740aaaa-0123456789abcdef01234567";
    folder.publish("edge.log.gz", gzip(albs(1, "/pay", 502)));
    folder.publish(
        "web.log.gz",
        gzip(
            line(1, "/pay", 502, &format!(",\"request_id\":\"r1\",\"http_x_amzn_trace_id\":\"{trace}\""))
                + &line(2, "/other", 200, ",\"request_id\":\"r2\""),
        ),
    );
    folder.publish("app.log.gz", gzip(line(3, "/internal", 500, ",\"request_id\":\"r1\"")));
    let sources: String = [("edge", "alb"), ("web", "nginx_json"), ("app", "nginx_json")]
        .iter()
        .map(|(name, format)| {
            let path = folder.path(&format!("{name}.log.gz"));
            format!("  - {{name: {name}, type: file, path: {path}, format: {format}}}\n")
        })
        .collect();
    let config = folder.write("weir.yaml", format!("sources:\n{sources}"));
    let server = Server::start(&["-c", &config]);
    server.await_sum(COUNT, &[], 1.0);
    server.await_sum(NGINX_COUNT, &[], 3.0);
    for begin in ["request_id=r1", "trace_id=1-6740aaaa-0123456789abcdef01234567"] {
        let story = server.get(&format!("/api/story?{begin}")).json();
        let sources: Vec<&str> =
            story["hits"].as_array().unwrap().iter().map(|hit| hit["source"].as_str().unwrap()).collect();
        assert_eq!(sources, ["edge", "web", "app"], "{begin}: {story}");
        assert_eq!(story["is_cut"], false);
    }
}

#[test]
fn a_known_field_that_no_record_has_is_said_where_nothing_is_found() {
    let (_folder, server) = server_with(&line(1, "/a", 200, ""), 1.0);
    let found = search(&server, "user_email:ann", "");
    assert_eq!(found["warnings"], serde_json::json!(["no record of this time has the field `user_email`"]));
    assert_eq!(search(&server, "path:/b", "")["warnings"], serde_json::json!([]));
}

#[test]
fn the_context_of_a_record_is_what_happened_around_it() {
    let lines: String = (0..50).map(|number| line(number, &format!("/p/{number}"), 200, "")).collect();
    let (_folder, server) = server_with(&lines, 50.0);
    let hit = &search(&server, "path:/p/20", "")["hits"][0];
    let id = hit["_id"].as_str().unwrap();
    let context = server.get(&format!("/api/context?id={id}&before=2&after=3")).json();
    let paths: Vec<&str> =
        context["hits"].as_array().unwrap().iter().map(|hit| hit["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["/p/18", "/p/19", "/p/20", "/p/21", "/p/22", "/p/23"]);
    assert_eq!(context["position"], 2);
}

#[test]
fn what_is_deleted_is_gone_from_the_disk() {
    let folder = Folder::new();
    let data = folder.path("data");
    let mut lines: String = (0..20).map(|number| line(number, "/a", 200, "")).collect();
    lines += &line(30, "/a", 200, ",\"user_email\":\"gone@example.com\"");
    lines += "gone@example.com is no record\n";
    folder.publish("a.log.gz", gzip(&lines));
    let server = Server::start_in(&data, &[&folder.path("a.log.gz")]);
    server.await_sum(NGINX_COUNT, &[], 21.0);
    let delete = |query: &str, more: &[&str]| {
        let arguments =
            ["delete", query, "--from", "0", "--to", "now", "--data-dir", &data, "--output", "json"];
        let run = weir(&[&arguments, more].concat()).expect(0);
        serde_json::from_str::<Value>(&run.stdout).unwrap()
    };
    let rehearsal = delete("user_email:gone@example.com", &["--dry-run"]);
    assert_eq!((&rehearsal["records"], &rehearsal["is_dry_run"]), (&1.into(), &true.into()));
    assert_eq!(search(&server, "*", "")["total"], 21);
    let deleted = delete("user_email:gone@example.com", &[]);
    assert_eq!(deleted["records"], 1, "{deleted}");
    assert_eq!(deleted["rejects"].as_array().map(Vec::len), Some(1), "{deleted}");
    assert_eq!(search(&server, "*", "")["total"], 20);
    assert_eq!(search(&server, "user_email:*", "")["total"], 0);
    let (code, _) = server.terminate();
    assert_eq!(code, Some(0));
    let needle = b"gone@example.com";
    for file in folder.files().into_iter().filter(|file| file.starts_with(format!("{data}/store"))) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(needle.len()).any(|it| it == needle), "{} has it", file.display());
    }
    // The whole span must be said.
    weir(&["delete", "*", "--data-dir", &data]).expect(2);
}

/// What a command prints as JSON lines, without what says where a record lies.
#[track_caller]
fn json_lines(arguments: &[&str]) -> Vec<Value> {
    let run = output(&mut weir_command(arguments)).expect(0);
    let parse = |line: &str| {
        let mut hit: Value = serde_json::from_str(line).unwrap();
        let members = hit.as_object_mut().unwrap();
        for name in ["_id", "_origin", "_line", "source"] {
            members.remove(name);
        }
        hit
    };
    run.stdout.lines().map(parse).collect()
}

#[test]
fn a_search_finds_the_same_with_a_server_without_one_and_in_files() {
    let folder = Folder::new();
    let data = folder.path("data");
    let lines: String = (0..200)
        .map(|number| {
            let status = if number % 10 == 0 { 503 } else { 200 };
            line(number, &format!("/p/{}", number % 7), status, &format!(",\"tenant\":\"t{}\"", number % 3))
        })
        .collect();
    let log = folder.publish("a.log.gz", gzip(&lines));
    let server = Server::start_in(&data, &[&log]);
    server.await_sum(NGINX_COUNT, &[], 200.0);
    let queries =
        ["status:503", "tenant:t1 AND NOT status:200", "path:/p/3", "*", "route:/p/{id} AND status:5xx"];
    let stats = "status:* | stats count() as n, p95(request_time) as p95 by tenant | sort tenant";
    let span = ["--from", "2026-11-20", "--to", "2026-11-21", "--output", "json"];
    let ask = |query: &str| json_lines(&[&["search", query, "--data-dir", &data], &span[..]].concat());
    let asked: Vec<Vec<Value>> = queries.iter().chain([&stats]).map(|query| ask(query)).collect();
    let (code, _) = server.terminate();
    assert_eq!(code, Some(0));
    for (query, asked) in queries.iter().chain([&stats]).zip(asked) {
        assert!(!asked.is_empty(), "{query}");
        assert_eq!(ask(query), asked, "{query} without a server");
        let found = json_lines(&[&["search", query, &log], &span[..]].concat());
        assert_eq!(found, asked, "{query} in the file");
    }
    assert_eq!(ask(stats)[0], serde_json::json!({"tenant": "t0", "n": 67, "p95": 0.025}));
}

#[test]
fn files_are_searched_like_a_stream_too() {
    let lines: String = (0..30).map(|number| line(number, "/a", 200 + number as u16, "")).collect();
    let run = weir_with_input(&["search", "status:>=220", "-", "--limit", "3"], lines.as_bytes()).expect(0);
    assert!(run.stderr.starts_with("1 file, 2026-11-20T10:00:00Z to 2026-11-20T10:00:29Z (UTC), 30 records"));
    assert!(run.stderr.contains("3 of 10 records"), "{}", run.stderr);
    assert!(
        run.stdout.starts_with("2026-11-20T10:00:29Z - 229 GET shop.example.com /a 0.025s"),
        "{}",
        run.stdout
    );
    let run = weir_with_input(
        &[
            "search",
            "status:>=220",
            "-",
            "--limit",
            "3",
            "--order",
            "read",
            "--output",
            "csv",
            "--fields",
            "status",
        ],
        lines.as_bytes(),
    );
    assert_eq!(
        run.expect(0).stdout,
        "@timestamp,status\r\n2026-11-20T10:00:20Z,220\r\n2026-11-20T10:00:21Z,221\r\n2026-11-20T10:00:22Z,222\r\n"
    );
    let wrong = weir_with_input(&["search", "status:>=220 AND (", "-"], b"").expect(2);
    assert!(wrong.stderr.contains("column 19"), "{}", wrong.stderr);
    let table = weir_with_input(&["search", "* | stats count() by path", "-"], lines.as_bytes()).expect(0);
    assert_eq!(table.stdout, "path  count()\n/a         30\n");
}

#[test]
fn lines_of_a_stream_are_printed_as_they_come() {
    let folder = Folder::new();
    let stdout = folder.path("stdout");
    let mut command = weir_command(&["search", "*", "-", "--order", "read"]);
    command.stdin(std::process::Stdio::piped()).stdout(std::fs::File::create(&stdout).unwrap());
    let mut search = Process(command.spawn().unwrap());
    let mut stdin = search.0.stdin.take().unwrap();
    for path in ["/one", "/two"] {
        stdin.write_all(line(1, path, 200, "").as_bytes()).unwrap();
        until(&format!("{path} to be shown"), || {
            std::fs::read_to_string(&stdout).unwrap().contains(path).then_some(())
        });
    }
}

#[test]
fn who_reads_slowly_or_goes_away_holds_up_nobody() {
    let lines: String = (0..20_000).map(|number| line(number / 60, "/a", 200, "")).collect();
    let (_folder, server) = server_with(&lines, 20_000.0);
    let ask = |path: &str| {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", server.address).unwrap();
        stream
    };
    let export = format!("/api/search?{DAY}&format=ndjson");
    let slow: Vec<TcpStream> = (0..12).map(|_| ask(&export)).collect();
    for _ in 0..40 {
        drop(ask(&format!("/api/search?{DAY}&query=user_agent:*x*")));
    }
    assert_eq!(search(&server, "status:200", "&limit=1")["total"], 20_000);
    let mut first = slow.into_iter().next().unwrap();
    let mut text = String::new();
    first.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
    first.read_to_string(&mut text).unwrap();
    let body = text.split_once("\r\n\r\n").unwrap().1;
    assert_eq!(body.lines().count(), 20_000);
    until("the server to be ready", || (server.get("/-/ready").status == 200).then_some(()));
}

#[test]
fn the_document_of_the_api_is_served() {
    let (_folder, server) = server_with(&line(1, "/a", 200, ""), 1.0);
    let document = server.get("/api/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["paths"]["/api/delete"]["post"]["x-roles"], serde_json::json!(["admin"]));
}

#[test]
fn the_tail_of_the_command_line_connects_again() {
    let folder = Folder::new();
    let data = folder.path("data");
    let log = folder.write("a.json", line(1, "/first", 200, ""));
    let server = Server::start_in(&data, &[&log]);
    server.await_sum(NGINX_COUNT, &[], 1.0);
    let (stdout, stderr) = (folder.path("stdout"), folder.path("stderr"));
    let mut command = weir_command(&["tail", "status:5xx", "--data-dir", &data]);
    let file = |path: &str| std::fs::File::create(path).unwrap();
    let _tail = Process(command.stdout(file(&stdout)).stderr(file(&stderr)).spawn().unwrap());
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    let shows = |path: &str| {
        // The tail may not be connected yet, so the same kind of line is written until one is shown.
        until(&format!("{path} to be shown"), || {
            folder.append("a.json", line(2, path, 503, ""));
            read(&stdout).contains(path).then_some(())
        });
    };
    shows("/one");
    assert!(read(&stdout).starts_with("2026-11-20T10:00:02Z files 503 GET shop.example.com /one 0.025s"));
    let (code, log_text) = server.terminate();
    assert_eq!(code, Some(0), "{log_text}");
    until("the end to be noticed", || read(&stderr).contains("connecting again").then_some(()));
    let _server = Server::start_in(&data, &[&log]);
    until("the tail to be connected", || read(&stderr).contains("connected again").then_some(()));
    shows("/two");
}

#[test]
fn without_a_server_a_tail_says_so() {
    let folder = Folder::new();
    let run = weir(&["tail", "*", "--data-dir", &folder.path("")]).expect(1);
    assert!(run.stderr.contains("no server runs on"), "{}", run.stderr);
    let run = weir(&["search", "*", "--data-dir", &folder.path("")]).expect(1);
    assert!(run.stderr.contains("nothing was counted in"), "{}", run.stderr);
}

#[test]
fn json_holds_no_character_that_speaks_to_a_terminal_and_says_the_same() {
    let folder = Folder::new();
    let text = "a\u{9b}31m\u{85}\u{202e}\u{2028}b";
    let record = serde_json::json!({"ts": 1_795_169_730, "message": text, "x\u{9b}\u{1b}": text});
    let path = folder.write("a.json", format!("{record}\n"));
    let ask = |output: &str| {
        weir(&["search", "*", &path, "--format", "ndjson", "--output", output]).expect(0).stdout
    };
    let json = ask("json");
    assert!(json.trim_end().chars().all(|char| matches!(char, ' '..='~')), "{json:?}");
    let found: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&found["message"], &found["x\u{9b}\u{1b}"]), (&text.into(), &text.into()));
    let line = ask("text");
    assert!(
        line.contains("\u{fffd}31m") && !line.contains(['\u{9b}', '\u{85}', '\u{202e}', '\u{2028}']),
        "{line:?}"
    );
    // No terminal: a table has the values themselves.
    assert!(ask("csv").contains(text));
}
