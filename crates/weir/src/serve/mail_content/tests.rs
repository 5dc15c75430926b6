//! A store that does not answer in time.

use weir_alert::{ActiveAlert, Course, Events, Labels, Measured};
use weir_web::AlertRow;

use super::super::engine::Engine;
use super::super::open::{Purpose, open_ledger};
use super::*;
use crate::config::{self, Config};

const CONFIG: &str = "sources: [{name: web, type: file, path: /nowhere, format: nginx_json}]
services: [{name: shop, match: {source: web}}]
slas: [{name: latency, service: shop, indicator: {latency: {threshold: 0.4s}}, objective: 95}]
";

fn known() -> KnownAlert {
    let measured = Measured { bad: 3, total: 10, at: 1_000, window: 5, ..Measured::default() };
    let active = ActiveAlert {
        labels: Labels::from([("alertname".into(), "A".into())]).into(),
        instance: Labels::new().into(),
        state: AlertState::Firing,
        active_at: 1_000,
        fired_at: Some(1_000),
        keep_firing_since: None,
        resolved_at: None,
        measured,
        worst: measured,
        course: Course { from: 995, to: 1_000, events: Events { good: 7, bad: 3 } },
        found_us: None,
        is_history: false,
    };
    KnownAlert { indicator: 0, active, now: measured, row: AlertRow::default() }
}

#[test]
fn a_mail_does_not_wait_and_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let config = config::parse("f", CONFIG, &|_| None).unwrap();
    let config = Config { data_dir: folder.path().to_owned(), ..config };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = Engine::start(&config, open_ledger(&config.data_dir).unwrap(), Purpose::Serve).unwrap();
        let contents = MailContents::new(&engine.shared, "");
        let view = Arc::clone(&engine.shared.state.lock().alerting);
        let counted = MailContent {
            measured: Some(weir_ship::notify::Measured { bad: 3, total: Some(10), ..Default::default() }),
            ..MailContent::default()
        };
        let mut content = counted.clone();
        contents.ask(&mut content, &known(), &view, clock::monotonic());
        let note = "missing here: times, shares, lines, the time before (the query took longer than it may)";
        assert_eq!(content, MailContent { notes: vec![note.to_owned()], ..counted.clone() });

        // Records that were never kept are no failure.
        let mut content = counted.clone();
        contents.ask(&mut content, &known(), &view, clock::monotonic() + ASKING_MAX);
        assert_eq!(
            content.notes,
            ["counted 3 of 10, kept 0 of 0: shares, times and lines are of what is kept"]
        );

        // One that hangs is not asked for the next mail too.
        let fingerprint = Fingerprint::of(&known().active.labels);
        let asked = || vec![(fingerprint, counted.clone(), known())];
        contents.is_asking.store(true, Ordering::Release);
        assert!(contents.with_records(asked(), &view).is_empty());
        contents.is_asking.store(false, Ordering::Release);
        assert_eq!(contents.with_records(asked(), &view).len(), 1);
        assert!(!contents.is_asking.load(Ordering::Acquire));
        drop(contents);
        engine.stop().await.unwrap();
    });
}
