//! The libraries that applications log with, unchanged: graypy and pygelf of Python, gelf-pro of Node.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::Gelf;
use crate::support::{Certificate, Folder, cached, output, python};

/// Messages that each client sends beside an exception.
const COUNT: usize = 20;

/// Longer than a chunk of any of them.
const PAYLOAD_CHARS: usize = 9_000;

#[track_caller]
fn check_clients(gelf: &Gelf, names: &[&str]) {
    gelf.await_stored(names.len() * (COUNT + 1));
    for name in names {
        let hits = gelf.hits(&format!("sent_by:{name}"));
        assert_eq!(hits.len(), COUNT + 1, "{name}");
        let of_user = |number: usize| {
            let email = format!("user{number}@example.com");
            let hit = hits.iter().find(|hit| hit["user_email"] == email.as_str());
            hit.unwrap_or_else(|| panic!("{name} without {email}: {}", hits[0]))
        };
        for number in 0..COUNT {
            let hit = of_user(number);
            assert_eq!(hit["message"], format!("message {number}").as_str(), "{hit}");
            assert_eq!(hit["level"], 3, "{hit}");
            assert_eq!(hit["payload"].as_str().map(str::len), Some(PAYLOAD_CHARS), "{name}");
            assert!(hit["host"].is_string() && hit["node"] == hit["host"], "{hit}");
        }
        let is_trace =
            |hit: &&Value| hit["message"].as_str().is_some_and(|text| text.contains("no such order"));
        let traced: Vec<&Value> = hits.iter().filter(is_trace).collect();
        assert_eq!(traced.len(), 1, "{name}");
        assert!(traced[0]["message"].as_str().is_some_and(|text| text.contains('\n')), "{}", traced[0]);
    }
}

#[test]
fn graypy_and_pygelf_are_understood() {
    const SCRIPT: &str = include_str!("clients.py");
    let folder = Folder::new();
    let gelf = Gelf::start(&folder, "");
    let ports = [gelf.udp.port().to_string(), gelf.tcp.port().to_string()];
    output(&mut python(SCRIPT, &["plain", &ports[0], &ports[1], &PAYLOAD_CHARS.to_string()])).expect(0);
    let names =
        ["graypy_udp", "graypy_udp_plain", "graypy_tcp", "pygelf_udp", "pygelf_udp_plain", "pygelf_tcp"];
    check_clients(&gelf, &names);
    assert_eq!(gelf.sum(super::REJECTED), 0.0);
    assert_eq!(gelf.sum(super::DROPPED), 0.0);
    // What no JSON can say is kept as what was meant.
    let hit = &gelf.hits("sent_by:pygelf_udp")[0];
    assert_eq!((&hit["ratio"], &hit["cart.items"]), (&"NaN".into(), &serde_json::json!([1, 2])), "{hit}");
}

#[test]
fn gelf_pro_is_understood() {
    const SCRIPT: &str = include_str!("clients.js");
    let folder = Folder::new();
    let gelf = Gelf::start(&folder, "");
    output(&mut node(SCRIPT, &["udp", &gelf.udp.port().to_string()])).expect(0);
    output(&mut node(SCRIPT, &["tcp", &gelf.tcp.port().to_string()])).expect(0);
    check_clients(&gelf, &["gelf_pro_udp", "gelf_pro_tcp"]);
    assert_eq!(gelf.sum(super::DROPPED), 0.0);
}

#[test]
fn connections_may_be_encrypted() {
    let folder = Folder::new();
    let Certificate { certificate, key } = Certificate::new(&folder);
    let gelf = Gelf::start(&folder, &format!(", tls: {{cert_file: {certificate}, key_file: {key}}}"));
    let (script, port) = (include_str!("clients.py"), gelf.tcp.port().to_string());
    let payload = PAYLOAD_CHARS.to_string();
    output(&mut python(script, &["tls", "0", &port, &payload, &certificate])).expect(0);
    output(&mut node(include_str!("clients.js"), &["tcp-tls", &port, &certificate])).expect(0);
    check_clients(&gelf, &["pygelf_tls", "gelf_pro_tcp_tls"]);
    // Who speaks without TLS sends nothing that could be read.
    std::io::Write::write_all(&mut super::connect(gelf.tcp), b"{\"message\":\"m\"}\0").unwrap();
    assert_eq!(gelf.sum(super::RECEIVED), 2.0 * (COUNT as f64 + 1.0));
}

/// A command that runs a script of Node with arguments, the first of them where its packages are.
fn node(script: &str, arguments: &[&str]) -> Command {
    let packages: PathBuf = cached("LOGWEIR_NODE", "node").join("node_modules");
    assert!(packages.join("gelf-pro").exists(), "no gelf-pro: `make setup` installs it");
    let mut command = Command::new("node");
    command.arg("-e").arg(script).arg(packages).args(arguments).arg(PAYLOAD_CHARS.to_string());
    command
}
