//! Mails as golden files, and what hostile text cannot do.

use std::collections::BTreeMap;
use std::time::Duration;

use weir_alert::notification::{GroupId, Incident, Notification, Reason};
use weir_alert::{Alert, Fingerprint, Labels};
use weir_record::Timestamp;

use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text.as_bytes()).unwrap()
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|&(name, value)| (name.into(), value.into())).collect()
}

fn alert(route: &str, ends_at: Option<&str>) -> Alert {
    Alert {
        labels: labels(&[
            ("alertname", "ShopSlow"),
            ("route", route),
            ("method", "POST"),
            ("service", "shop"),
            ("severity", "page"),
            ("sla", "shop-latency"),
        ]),
        annotations: labels(&[
            ("summary", &format!("{route}: 72.05% slow")),
            ("runbook", "https://wiki.example.com/shop"),
        ]),
        starts_at: at("2026-11-20T10:15:00Z"),
        ends_at: ends_at.map(at),
        generator_url: "https://weir.example.com/?query=a".to_owned(),
    }
}

fn notification(alerts: Vec<Alert>, messages: u32) -> Notification {
    Notification {
        receiver: "core-mail".into(),
        integration: 0,
        group: GroupId(0xabc),
        group_key: "{}:{service=\"shop\", sla=\"shop-latency\"}".into(),
        group_labels: labels(&[("service", "shop"), ("sla", "shop-latency")]),
        alerts,
        reason: if messages == 0 { Reason::First } else { Reason::AllResolved },
        incident: Incident { id: 0x1234, messages, title: "/checkout: 72.05% slow".into() },
        at: at("2026-11-20T10:22:30Z"),
    }
}

fn content(is_resolved: bool) -> MailContent {
    let share = |value: &str, bad, total, of_bad, of_all| Share {
        value: value.to_owned(),
        bad,
        total,
        of_bad,
        of_all: Some(of_all),
    };
    let table = |field: &str, rows| ShareTable { field: field.to_owned(), rows };
    MailContent {
        promise: "95 % within 0.4 s over 5m, all statuses".to_owned(),
        measured: Some(Measured {
            bad: 312,
            total: Some(433),
            percentiles: vec![("p50".to_owned(), 0.61), ("p95".to_owned(), 2.4), ("p99".to_owned(), 3.18)],
            from: at("2026-11-20T10:15:00Z"),
            to: at("2026-11-20T10:20:00Z"),
        }),
        before: Some(Measured {
            bad: 3,
            total: Some(5120),
            from: at("2026-11-20T09:15:00Z"),
            to: at("2026-11-20T10:15:00Z"),
            ..Measured::default()
        }),
        since: Some(at("2026-11-20T10:15:30Z")),
        delays: vec![
            Delay { name: "log delivery".to_owned(), duration: Duration::from_secs(72) },
            Delay { name: "for".to_owned(), duration: Duration::from_secs(300) },
        ],
        found_at: Some(at("2026-11-20T10:22:00Z")),
        budget: Some(Budget { left: 0.431, period: "30d".to_owned() }),
        shares: vec![
            table(
                "upstream",
                vec![
                    share("10.0.0.7:8080", 300, 310, 0.9615, 0.7159),
                    share("10.0.0.8:8080", 12, 123, 0.0385, 0.2841),
                ],
            ),
            table("user_email", vec![share("ann.lee@example.com", 40, 41, 0.1282, 0.0947)]),
        ],
        slowest: vec![SlowLine {
            at: at("2026-11-20T10:17:03.25Z"),
            seconds: Some(3.2),
            text: "POST /checkout?token=abcdef 504 203.0.113.9 <script>alert(1)</script>".to_owned(),
            id: "6f9ab2c0d1e2f3a4b5c6d7e8f9a0b1c2".to_owned(),
        }],
        link: "https://weir.example.com/?query=route%3A%2Fcheckout&from=2026-11-20T10:15:00Z".to_owned(),
        search_command:
            "weir search 'route:\"/checkout\" AND request_time > 400ms' --from 2026-11-20T10:15:00Z"
                .to_owned(),
        search_command_of_all: "weir search 'route:\"/checkout\"' --from 2026-11-20T10:15:00Z".to_owned(),
        resolution: is_resolved.then(|| Resolution {
            value_now: "1.2 %".to_owned(),
            worst: "81.0 %".to_owned(),
            duration: Duration::from_secs(5 * 60 + 30),
            budget_spent: Some(0.021),
        }),
        notes: vec!["complete up to 2026-11-20T10:20:00Z".to_owned()],
    }
}

fn known(alerts: &[Alert], is_resolved: bool) -> BTreeMap<Fingerprint, MailContent> {
    alerts.iter().take(1).map(|alert| (alert.fingerprint(), content(is_resolved))).collect()
}

fn options() -> MailOptions {
    MailOptions {
        from: "Weir <weir@example.com>".to_owned(),
        to: vec!["core@example.com".to_owned(), "Ops <ops@example.com>".to_owned()],
        headers: vec![("X-Team".to_owned(), "core".to_owned())],
        secrecy: Secrecy::Masked,
        external_url: "https://weir.example.com/".to_owned(),
    }
}

#[track_caller]
fn check(parts: &MailParts, text: &str, html: &str) {
    assert_eq!(parts.text, text, "text");
    assert_eq!(parts.html, html, "html");
}

macro_rules! golden {
    ($name:literal) => {
        include_str!(concat!("../../../../../testdata/mail/", $name))
    };
}

#[test]
fn a_mail_says_what_was_promised_and_what_was_measured() {
    let alerts = vec![alert("/checkout", None)];
    let contents = known(&alerts, false);
    let parts = mail_parts(&notification(alerts, 0), &contents, Secrecy::Masked, "https://weir.example.com/");
    check(&parts, golden!("firing.txt"), golden!("firing.html"));
}

#[test]
fn a_mail_about_what_is_over_says_how_it_was() {
    let alerts = vec![alert("/checkout", Some("2026-11-20T10:20:30Z"))];
    let contents = known(&alerts, true);
    let parts = mail_parts(&notification(alerts, 3), &contents, Secrecy::Full, "https://weir.example.com/");
    check(&parts, golden!("resolved.txt"), golden!("resolved.html"));
}

#[test]
fn a_mail_about_thousands_stays_small() {
    let alerts: Vec<Alert> =
        (0..10_000).map(|n| alert(&format!("/r/{}", "x".repeat(300 + n % 7)), None)).collect();
    let parts = mail_parts(&notification(alerts, 0), &BTreeMap::new(), Secrecy::Masked, "https://w/");
    assert!(parts.text.ends_with("and 9940 more\n\n-- \nSent to the receiver core-mail because this is the first alert of the group.\nGroup: {}:{service=\"shop\", sla=\"shop-latency\"}\nhttps://w/\n"), "{}", parts.text);
    assert!(parts.text.len() + parts.html.len() < 100_000, "{}", parts.html.len());
}

#[test]
fn a_digest_names_groups() {
    let digest = Digest {
        rows: vec![DigestRow { title: "a@example.com is slow".to_owned(), firing: 2, resolved: 0 }],
        rows_left_out: 7,
        max_per_hour: 60,
    };
    let message = mail_of_digest(&options(), &digest, ("digest1", 2), at("2026-11-20T10:22:30Z")).unwrap();
    let text = String::from_utf8(message.bytes).unwrap();
    for part in [
        "In-Reply-To: <digest1.1@example.com>",
        "8 more groups",
        "a***@example.com is slow (2 firing, 0 resolved)",
    ] {
        assert!(text.replace("=\r\n", "").contains(part), "{part}: {text}");
    }
}

#[test]
fn no_text_makes_a_header() {
    let evil = "x\r\nBcc: evil@example.com\r\n\r\n<b>\u{202e}";
    let mut alert = alert(evil, None);
    alert.labels.insert("sla".into(), evil.into());
    let mut notification = notification(vec![alert], 0);
    notification.incident.title = evil.into();
    notification.receiver = evil.into();
    notification.group_key = evil.into();
    let options = MailOptions { headers: vec![("X-Team".to_owned(), evil.to_owned())], ..options() };
    let message = mail_of_notification(&options, &notification, &BTreeMap::new()).unwrap();
    let text = String::from_utf8(message.bytes).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    let names: Vec<&str> = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert!(!names.contains(&"Bcc"), "{head}");
    let (_, html) = text.split_once("text/html").unwrap();
    assert!(!text.contains('\u{202e}') && !html.contains("<b>"), "{text}");
    assert_eq!(message.envelope.to, ["core@example.com", "ops@example.com"]);
}

#[test]
fn messages_of_an_incident_are_one_thread_with_one_subject() {
    let head = |messages, is_resolved: bool| {
        let alerts = vec![alert("/checkout", is_resolved.then_some("2026-11-20T10:20:30Z"))];
        let message =
            mail_of_notification(&options(), &notification(alerts, messages), &BTreeMap::new()).unwrap();
        let text = String::from_utf8(message.bytes).unwrap();
        (message.message_id, text.split_once("\r\n\r\n").unwrap().0.replace("\r\n ", " "))
    };
    let (root, first) = head(0, false);
    assert_eq!(root, "<0000000000001234.0@example.com>");
    assert!(
        first.contains("Subject: [FIRING] /checkout: 72.05% slow") && !first.contains("References"),
        "{first}"
    );
    let (_, later) = head(13, true);
    let references: Vec<String> =
        [0].into_iter().chain(3..13).map(|n| format!("<0000000000001234.{n}@example.com>")).collect();
    for line in [
        "Subject: [RESOLVED] /checkout: 72.05% slow".to_owned(),
        "In-Reply-To: <0000000000001234.12@example.com>".to_owned(),
        format!("References: {}", references.join(" ")),
        "Auto-Submitted: auto-generated".to_owned(),
        "X-Auto-Response-Suppress: All".to_owned(),
        "List-Id: <shop-latency.weir.example.com>".to_owned(),
        "X-Weir-Status: resolved".to_owned(),
        "X-Team: core".to_owned(),
        "Date: Fri, 20 Nov 2026 10:22:30 +0000".to_owned(),
    ] {
        assert!(later.contains(&line), "{line}: {later}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_makes_a_mail_that_has_the_same_headers(title in ".{0,80}", value in ".{0,80}") {
        let mut alert = alert(&value, None);
        alert.annotations.insert("summary".into(), value.as_str().into());
        let mut notification = notification(vec![alert], 0);
        notification.incident.title = title.into();
        let message = mail_of_notification(&options(), &notification, &BTreeMap::new()).unwrap();
        let text = String::from_utf8(message.bytes).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        let headers = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t'])).count();
        proptest::prop_assert_eq!(headers, 14, "{}", head);
        proptest::prop_assert!(head.split("\r\n").all(|line| line.len() <= 998 && line.is_ascii()));
    }
}
