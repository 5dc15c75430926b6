//! What a sink says and remembers, against a real ledger and commit thread.
//!
//! That objects are counted is tested with whole programs; here it is what needs a full channel or a broken unit.

use std::path::PathBuf;

use weir_meter::MeterOptions;
use weir_record::Format;

use super::super::commit::{Committer, Prepares, Written, commits};
use super::super::live::LiveTail;
use super::super::open::{Opened, Purpose, open, open_ledger};
use super::super::redaction::Redaction;
use super::super::rules::CurrentRules;
use super::super::sources::Shared;
use super::super::state::State;
use super::super::upkeep::Upkeep;
use super::*;
use crate::shaping::Shaping;
use crate::{config, setup};

const CONFIG: &str = "sources: [{name: web, type: file, path: a.log}]\n";

/// A sink with one thread, and a commit thread that does not run yet.
struct Setting {
    sink: Arc<CountingSink>,
    workers: Vec<std::thread::JoinHandle<()>>,
    commits: Commits,
    committer: Committer,
    state: Arc<State>,
    folder: PathBuf,
    _goes_on: tokio::sync::watch::Sender<bool>,
}

impl Setting {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("weir-object-sink-{name}-{}", std::process::id()));
        let config = config::parse("weir.yaml", CONFIG, &|_| None).unwrap();
        let enricher = setup::enricher_with(&config, None, &[]).unwrap();
        let options = MeterOptions::default();
        let opened = open(&config, options, open_ledger(&folder).unwrap(), Purpose::Serve).unwrap();
        let Opened { ledger, state, preparation, publications, store, declared, indicators, alerting } =
            opened;
        let (_goes_on, give_up) = tokio::sync::watch::channel(false);
        let live = Arc::new(LiveTail::new());
        let written = Written {
            ledger: Arc::clone(&ledger),
            state: Arc::clone(&state),
            store: Arc::clone(&store),
            live: Arc::clone(&live),
        };
        let (commits, committer) =
            commits(written, Prepares { preparation, publications, alerting }, give_up);
        let shared = Shared {
            rules: CurrentRules::new(enricher),
            options,
            ledger: Arc::clone(&ledger),
            state: Arc::clone(&state),
            commits: commits.clone(),
            upkeep: Arc::new(Upkeep::new(&store, &commits)),
            store,
            live,
            redaction: Arc::new(Redaction::new(&config).unwrap()),
            shaping: Arc::new(Shaping::new(&config).unwrap()),
            declared,
            indicators: crate::serve::current_indicators::CurrentIndicators::new(indicators),
            alerts: Arc::default(),
        };
        let mut intake = shared.intake(&config, &config.sources[0]);
        intake.format = Some(Format::Combined);
        drop(shared);
        let (sink, workers) = CountingSink::start(intake, ledger, commits.clone(), 1).unwrap();
        Self { sink, workers, commits, committer, state, folder, _goes_on }
    }

    /// Commits until everything is said; what the source has then.
    fn finish(self, during: impl FnOnce(&CountingSink)) -> Account {
        let committer = self.committer;
        let thread = std::thread::spawn(move || committer.run());
        during(&self.sink);
        self.sink.close();
        self.workers.into_iter().for_each(|worker| worker.join().unwrap());
        drop((self.sink, self.commits));
        thread.join().unwrap();
        let account = self.state.lock().sources["web"].account.clone();
        std::fs::remove_dir_all(&self.folder).unwrap();
        account
    }
}

#[tokio::test]
async fn what_there_was_no_room_to_say_is_said_later() {
    let setting = Setting::new("unsaid");
    while setting.commits.try_send(Request::Tick) {}
    setting.sink.duplicate();
    setting.sink.failed("object_cut");
    setting.sink.failed("object_cut");
    setting.sink.skipped(NotAccessLog::ConnectionLog);
    let account = setting.finish(|_| ());
    assert_eq!((account.duplicates, account.failed["object_cut"]), (1, 2));
    assert_eq!(account.skipped["connection_log"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn only_content_that_is_at_fault_is_known_once_it_is_given_up() {
    let setting = Setting::new("given-up");
    let object = |key: &str, etag: &str| ObjectReference {
        etag: Some(etag.to_owned()),
        ..ObjectReference::new("b", key)
    };
    let given_up = |object: &ObjectReference, is_content_at_fault| GivenUp {
        content: GivenUpContent::Object(object.clone()),
        label: "as_asked",
        reason: "as asked".to_owned(),
        is_content_at_fault,
    };
    let handle = Handle::current();
    let account = tokio::task::block_in_place(|| {
        setting.finish(|sink| {
            let (broken, gone) = (object("broken", "1"), object("gone", "1"));
            handle.block_on(sink.give_up(given_up(&broken, true))).unwrap();
            handle.block_on(sink.give_up(given_up(&gone, false))).unwrap();
            let unseen = ObjectReference::new("b", "unseen");
            handle.block_on(sink.give_up(given_up(&unseen, true))).unwrap();
            handle.block_on(sink.give_up(given_up(&unseen, true))).unwrap();
            assert_eq!([&broken, &gone].map(|object| sink.is_known(object)), [true, false]);
            assert!(!sink.is_known(&object("broken", "2")), "another content may be whole");
        })
    });
    assert_eq!(account.given_up["as_asked"], 4);
}

#[tokio::test]
async fn objects_of_a_unit_that_is_dropped_are_to_be_brought_again() {
    let setting = Setting::new("dropped");
    let mut worker = Worker::new(&setting.sink);
    let (done, is_done) = oneshot::channel();
    worker.waiting.push((done, Taken::Counted));
    worker.drop_unit();
    assert_eq!(is_done.await, Ok(Taken::Again));
    drop(worker);
    setting.finish(|_| ());
}
