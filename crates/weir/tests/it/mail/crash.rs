//! weir dies between two steps of telling somebody: nobody is told twice, and nobody is not told.
//!
//! But for one window, which no SMTP client can close: a mail was taken and weir dies before it has noted that. It
//! comes again then, with the same `Message-ID`, by which mail programs know it.

use crate::support::{launch_at, until};

use super::numbers::{START, Shop, lines};

const SLAS: &str = "slas:
  - name: latency
    service: shop
    indicator: {latency: {threshold: 0.4s}}
    objective: 95
    alerting: [{name: ShopSlow, kind: threshold, window: 5m, for: 0s, min_events: 20}]
";

/// What arrives when weir dies at a step for the first time, and goes on.
#[track_caller]
fn check(step: &str, mails: usize) {
    let shop = Shop::new(SLAS, "");
    shop.folder.write("logs/1.json", lines(0, 20, 20));
    shop.clock.set(START + 71);
    let (data, config, log) =
        (shop.folder.path("data"), shop.folder.path("weir.yaml"), shop.folder.path("log"));
    let mut victim = launch_at(&shop.clock, &data, &config, &log, Some(&format!("{step}:1")));
    until(&format!("weir to die at {step}"), || victim.0.try_wait().unwrap());

    let server = shop.start();
    until("the alert to fire", || {
        let alerts = server.get("/api/alerts").json();
        (alerts["alerts"][0]["state"] == "firing").then_some(())
    });
    shop.mail().await_mail(mails - 1);
    until("nothing to wait any more", || {
        let status = server.get("/api/v2/status").json();
        let waiting = status["notificationsWaiting"]["team"].as_u64().unwrap_or(0);
        (waiting == 0).then_some(())
    });
    // Not killed: that it was sent may not be on the disk yet.
    assert_eq!(server.terminate().0, Some(0));
    // A start later nothing comes again.
    let server = shop.start();
    until("it to be ready", || (server.get("/ready").status == 200).then_some(()));
    assert_eq!(server.terminate().0, Some(0));
    let taken = shop.mail().taken();
    assert_eq!(taken.len(), mails, "{step}");
    assert!(taken.iter().all(|mail| mail.header("Message-ID") == taken[0].header("Message-ID")), "{taken:?}");
    assert!(taken.iter().all(|mail| mail.header("Subject").starts_with("[FIRING] ")), "{taken:?}");
}

#[test]
fn a_death_before_a_mail_is_decided_loses_none() {
    check("notification decided", 1);
}

#[test]
fn a_death_before_a_mail_is_sent_loses_and_repeats_none() {
    check("notification kept", 1);
}

#[test]
fn a_death_after_a_mail_was_taken_repeats_it_under_its_own_name() {
    check("message sent", 2);
}
