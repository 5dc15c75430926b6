//! Beaver's keys per file as ours: they are in what a search finds, and in what the store keeps.

use crate::support::lines::nginx_json;
use crate::support::{Folder, Server};

use super::{await_hits, check};

#[test]
fn fields_tags_and_type_of_a_source_are_in_its_records() {
    let (folder, data) = (Folder::new(), Folder::new());
    let config = folder.write(
        "weir.yaml",
        format!(
            "sources:\n\
             - {{name: nginx, type: file, path: '{0}/*.json', format: nginx_json, set_type: nginx, \
                 add_field: {{team: lk, project: shop, node: web1}}, tags: [nginx_json, prod]}}\n\
             - {{name: other, type: file, path: '{0}/*.log', format: nginx_json}}\n",
            folder.path("")
        ),
    );
    folder.append("access.json", nginx_json("/a", 200).repeat(2));
    folder.append("access.log", nginx_json("/b", 200));
    for _ in 0..2 {
        let server = Server::start_in(&data.path("data"), &["-c", &config]);
        await_hits(&server, "source:other", 1);
        for query in ["team:lk", "project:shop AND node:web1", "type:nginx", "tags:nginx_json", "tags:prod"] {
            let hits = await_hits(&server, query, 2);
            assert_eq!(
                (&hits[0]["path"], &hits[0]["team"]),
                (&"/a".into(), &"lk".into()),
                "{query}: {hits:?}"
            );
            assert_eq!(hits[0]["tags"], serde_json::json!(["nginx_json", "prod"]), "{hits:?}");
        }
        server.terminate();
    }
}

#[test]
fn files_that_are_excluded_are_not_counted() {
    let folder = Folder::new();
    let config = folder.write(
        "weir.yaml",
        format!(
            "sources: [{{name: a, type: file, path: '{0}/logs', exclude: ['*.old', '{0}/logs/debug/**']}}]\n",
            folder.path("")
        ),
    );
    folder.write("logs/a.json", nginx_json("/a", 200));
    folder.write("logs/b.old", nginx_json("/b", 200));
    folder.write("logs/debug/c.json", nginx_json("/c", 200));
    let server = Server::start(&["-c", &config]);
    server.await_sum("weir_source_received_total", &[], 1.0);
    folder.append("logs/a.json", nginx_json("/a", 200));
    server.await_sum("weir_source_received_total", &[], 2.0);
}

#[test]
fn a_source_that_starts_at_the_end_passes_over_what_was_there_at_its_first_start_alone() {
    let (folder, data) = (Folder::new(), Folder::new());
    let text = |start: &str| {
        format!(
            "sources: [{{name: a, type: file, path: '{}/*.json', start_position: {start}}}]\n",
            folder.path("")
        )
    };
    let config = folder.write("weir.yaml", text("end"));
    let start = || Server::start_in(&data.path("data"), &["-c", &config]);
    folder.append("old.json", nginx_json("/old", 200).repeat(3));
    let server = start();
    folder.append("new.json", nginx_json("/new", 200));
    server.await_sum("weir_source_received_total", &[], 1.0);
    server.kill();
    // While nothing runs: these came after the first start.
    folder.append("old.json", nginx_json("/old", 200));
    folder.append("later.json", nginx_json("/later", 200).repeat(2));
    for start_position in ["end", "beginning"] {
        folder.write("weir.yaml", text(start_position));
        let server = start();
        server.await_sum("weir_source_received_total", &[], 4.0);
        server.terminate();
    }
}

#[test]
fn mistakes_in_the_keys_of_files_are_named() {
    let run = check(
        "sources:\n\
         - {name: a, type: file, path: p, exclude: '[', start_position: middle, set_type: ''}\n\
         - {name: b, type: file, path: p, multiline: {start: '^x'}}\n\
         - {name: c, type: file, path: p, format: text, multiline: {start: '(', lines_max: 1}}\n\
         - {name: d, type: file, path: p, format: text, multiline: {start: 'x*'}}\n\
         - {name: e, type: alb, path: p, tags: [a], exclude: '*.gz'}\n\
         - {name: f, type: file, path: p, add_field: {source: x, '@timestamp': x, type: x}}\n",
    );
    let output = run.stdout + &run.stderr;
    for expected in [
        "weir.yaml:2:43: `exclude`",
        "`start_position`",
        "found `middle`",
        "an empty text says nothing",
        "`multiline` is of no use with the format `auto`",
        "unclosed group",
        "a whole number from 2 to 10000",
        "it matches an empty line",
        "`tags` is for `type: file` only",
        "`exclude` is for `type: file` only",
        "the field `source` can't be added",
        "the field `@timestamp` can't be added",
        "write `set_type` beside `add_field`",
    ] {
        assert!(output.contains(expected), "lacks {expected}:\n{output}");
    }
}
