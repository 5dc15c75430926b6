//! When positions are written, and how many units are away.

use super::*;

#[test]
fn positions_are_written_after_each_start_and_each_day() {
    let (day, hour) = (POSITIONS_INTERVAL_US, POSITIONS_INTERVAL_US / 24);
    // Per poll: files met, whether all could be listed, when, and whether positions are written.
    let check = |polls: &[(usize, bool, i64, bool)]| {
        let mut due = PositionsDue::default();
        for &(files, is_complete, at, is_due) in polls {
            assert_eq!(due.is_due(files, is_complete, Timestamp::from_micros(at)), is_due, "{at}");
        }
    };
    check(&[(1, true, 0, true), (1, true, hour, false), (1, true, day, true), (1, true, day + hour, false)]);
    // A folder that comes late, and one that cannot be read for a while.
    check(&[(0, true, 0, false), (2, true, 1, true), (2, true, 2, false)]);
    check(&[(2, false, 0, true), (2, false, 1, false), (3, true, 2, true), (3, false, 3, false)]);
    check(&[(2, false, 0, true), (2, false, day, true)]);
}

#[test]
fn a_position_is_the_same_when_it_is_read_again() {
    let head = FileHead { bytes: 7, hash: u128::MAX - 1 };
    for extent in [Extent::Counted, Extent::ReadTo(5, None), Extent::ReadTo(5, Some(Format::Alb))] {
        let file = KnownFile { extent, bytes: 9, head };
        assert_eq!(known_file(&position_of(file, Timestamp::default())), file);
    }
}

#[test]
fn a_worker_waits_for_a_unit_when_the_most_are_away() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["a.log", "b.log", "c.log", "d.log"];
    names.iter().for_each(|name| std::fs::write(folder.path().join(name), "a line\n").unwrap());
    let patterns = vec![folder.path().to_str().unwrap().to_owned()];
    let mut files = Watch::resume(WatchOptions { patterns, ..WatchOptions::default() }, HashMap::new());
    #[expect(clippy::disallowed_methods, reason = "a file's age is told by the clock that dated it")]
    let arrivals = files.poll(SystemTime::now()).arrivals;
    let mut pass = Pass::default();
    let mut answers = VecDeque::new();
    for arrival in &arrivals {
        if answers.len() == UNITS_MAX {
            let answer: oneshot::Sender<Committed> = answers.pop_front().unwrap();
            answer.send(Committed::Done).unwrap();
        }
        pass.make_room();
        assert!(pass.away.len() < UNITS_MAX);
        let (done, committed) = oneshot::channel();
        answers.push_back(done);
        let progress = Progress::Failed { is_unreadable: false };
        pass.add(arrival, Pending { progress, committed: Some(committed) });
    }
    assert_eq!((pass.away.len(), pass.done.len()), (UNITS_MAX, names.len() - UNITS_MAX));
    // The server stops: what is away is not written.
    drop(answers);
    let ends: Vec<bool> =
        pass.end().iter().map(|(_, progress)| matches!(progress, Progress::NotWritten)).collect();
    assert_eq!(ends, [false, false, true, true]);
}
