//! What is around fails: the mail server, an Alertmanager, the source of the logs, the clock. Whoever is to be told is
//! told once, and nothing is said that is not known.

use std::fs::File;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::numbers::{START, Shop, lines};
use crate::support::{Folder, Process, Server, get, now_seconds, try_request, until};

const SLAS: &str = "slas:
  - name: latency
    service: shop
    indicator: {latency: {threshold: 0.4s}}
    objective: 95
    alerting: [{name: ShopSlow, kind: threshold, window: 5m, min_events: 20}]
";

/// A port at which nobody listens for now.
fn quiet_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Slow requests in the first minutes; the alert fires.
fn break_promise(shop: &mut Shop, server: &Server) {
    for minute in 0..2 {
        shop.deliver(server, &lines(minute, 10, 20));
        shop.complete(minute + 1);
    }
    until("the alert to fire", || (alert(server) == "firing").then_some(()));
}

/// Minutes of good requests, from one to another.
fn recover(shop: &mut Shop, server: &Server, from: i64, to: i64) {
    for minute in from..to {
        shop.deliver(server, &lines(minute, 40, 0));
        shop.complete(minute + 1);
    }
}

/// The state of the alert; "" where there is none.
fn alert(server: &Server) -> String {
    let alerts = server.get("/api/alerts").json();
    alerts["alerts"][0]["state"].as_str().unwrap_or_default().to_owned()
}

fn sla(server: &Server) -> Value {
    server.get("/api/slas").json()["slas"][0].clone()
}

#[test]
fn a_mail_server_that_was_down_gets_one_mail() {
    let port = quiet_port();
    let mut shop = Shop::without_mail(SLAS, "", port, "");
    let server = shop.start();
    break_promise(&mut shop, &server);
    let status = |name: &str| server.get("/api/v2/status").json()[name]["team"].clone();
    until("somebody to notice that it is down", || status("notificationsErrors").as_str().map(drop));
    assert_eq!(status("notificationsWaiting"), 1);
    shop.start_mail(port);
    let mail = shop.mail().await_mail(0);
    assert!(mail.header("Subject").starts_with("[FIRING] "), "{mail:?}");
    until("the message to be gone", || (status("notificationsWaiting") == 0).then_some(()));
    assert!(status("notificationsErrors").is_null());
    recover(&mut shop, &server, 2, 9);
    assert!(shop.mail().await_mail(1).header("Subject").starts_with("[RESOLVED] "));
    assert_eq!(shop.mail().taken().len(), 2);
    assert_eq!(server.sum("weir_notifications_failed_total", &[("receiver", "team")]), 0.0);
}

#[test]
fn a_source_that_stands_still_makes_its_promise_unknown() {
    let mut shop = Shop::new(SLAS, "");
    let server = shop.start();
    shop.deliver(&server, &lines(-1, 100, 0));
    until("the promise to be kept", || (sla(&server)["state"] == "met").then_some(()));
    break_promise(&mut shop, &server);
    shop.mail().await_mail(0);
    assert_eq!(sla(&server)["state"], "broken");
    let known_to = sla(&server)["to"].clone();

    // The disk with the logs is gone: silence, which must not pass for good answers.
    std::fs::rename(shop.folder.path("logs"), shop.folder.path("away")).unwrap();
    until("the source to be missed", || server.log().contains("no file matches").then_some(()));
    shop.clock.set(START + 30 * 60);
    until("the promise to be unknown", || (sla(&server)["state"] == "unknown").then_some(()));
    assert_eq!((sla(&server)["to"].clone(), alert(&server)), (known_to, "firing".to_owned()));
    assert_eq!(shop.mail().taken().len(), 1, "nobody is told that all is well");

    std::fs::rename(shop.folder.path("away"), shop.folder.path("logs")).unwrap();
    let mail = shop.mail().await_mail(1);
    assert!(mail.header("Subject").starts_with("[RESOLVED] "), "{mail:?}");
}

#[test]
fn a_clock_that_jumps_repeats_no_mail_and_takes_none_back() {
    let mut shop = Shop::new(SLAS, "");
    let server = shop.start();
    break_promise(&mut shop, &server);
    shop.mail().await_mail(0);
    for (jump, requests) in [(-3_600, 1), (-80_000, 2), (0, 3)] {
        shop.clock.set(START + 131 + jump);
        // Something comes, and is counted, with this clock.
        shop.deliver(&server, &lines(1, requests, 1));
        assert_eq!(alert(&server), "firing", "{jump}");
    }
    assert_eq!(shop.mail().taken().len(), 1);
    recover(&mut shop, &server, 2, 9);
    let mail = shop.mail().await_mail(1);
    assert!(mail.header("Subject").starts_with("[RESOLVED] "), "{mail:?}");
    // An hour is missing: what began in it is found when it is over, and told as one.
    recover(&mut shop, &server, 70, 72);
    shop.deliver(&server, &lines(72, 0, 40));
    shop.complete(73);
    let mail = shop.mail().await_mail(2);
    assert!(mail.header("Subject").starts_with("[FIRING] "), "{mail:?}");
    assert!(mail.header("References").is_empty(), "an incident of its own: {mail:?}");
    assert_eq!(shop.mail().taken().len(), 3);
}

/// A real Alertmanager that remembers nothing from one start to the next.
fn alertmanager(port: u16) -> (Folder, Process) {
    let folder = Folder::new();
    let config = folder.write("alertmanager.yml", "route: {receiver: a}\nreceivers: [{name: a}]\n");
    let log = File::create(folder.path("log")).unwrap();
    let mut command = Command::new("prometheus-alertmanager");
    command.args([
        format!("--config.file={config}"),
        format!("--storage.path={}", folder.path("storage")),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--cluster.listen-address=".to_owned(),
    ]);
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
    let process = Process(spawned.expect("prometheus-alertmanager, which `make setup` installs"));
    let address = format!("127.0.0.1:{port}");
    until("Alertmanager to be ready", || {
        try_request(&address, "GET", "/-/ready", &[], b"").filter(|answer| answer.status == 200)
    });
    (folder, process)
}

#[test]
fn an_alertmanager_that_comes_and_goes_is_told_again() {
    let port = quiet_port();
    let others = format!("alertmanagers: [{{urls: ['http://127.0.0.1:{port}']}}]");
    let shop = Shop::without_mail(SLAS, "", quiet_port(), &others);
    // An Alertmanager sees no clock but the real one.
    let now = now_seconds();
    shop.clock.set(now);
    shop.folder.write("logs/1.json", lines((now - START) / 60 - 3, 10, 20));
    let server = shop.start();
    until("the alert to fire", || (alert(&server) == "firing").then_some(()));
    let name = format!("alertmanager http://127.0.0.1:{port}/");
    let error = || {
        let errors = server.get("/api/v2/status").json()["notificationsErrors"].clone();
        errors.as_object().unwrap().keys().any(|key| name.starts_with(key.as_str()))
    };
    until("it to be missed", || error().then_some(()));
    for round in 0..2 {
        let (_folder, running) = alertmanager(port);
        // What has not changed is said again each minute, so that one that has forgotten it knows it again.
        shop.clock.set(now + 70 * (round + 1));
        let alerts = until("it to know of the alert", || {
            let alerts = get(&format!("127.0.0.1:{port}"), "/api/v2/alerts").json();
            alerts.as_array().is_some_and(|alerts| !alerts.is_empty()).then_some(alerts)
        });
        assert_eq!(alerts[0]["labels"]["alertname"], "ShopSlow", "{alerts}");
        assert!(
            alerts[0]["annotations"]["weir_search"].as_str().unwrap().starts_with("weir search '"),
            "{alerts}"
        );
        drop(running);
    }
}
