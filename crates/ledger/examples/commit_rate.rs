//! How many objects the ledger commits per second, as `name value` lines for the benchmark's record.
//!
//! It is an example and not a test, since it reads the clock and depends on the disk: give a folder on the
//! disk that matters, or it uses the current one. A temporary folder may be memory, where syncs cost nothing.

use std::path::Path;
use std::time::Instant;

use weir_ledger::{Ledger, LedgerError, ObjectEntry, ObjectId, Writing};
use weir_meter::durable::{SeriesId, StoredCounts, StoredDistribution};
use weir_record::Origin;

/// What is committed together.
struct Group {
    name: &'static str,
    objects: u64,
    counts: u64,
    groups: u64,
}

const GROUPS: [Group; 3] = [
    Group { name: "group_100_objects_1000_counts", objects: 100, counts: 1_000, groups: 1_000 },
    Group { name: "group_1_object_100_counts", objects: 1, counts: 100, groups: 2_000 },
    Group { name: "group_1_object_2000_counts", objects: 1, counts: 2_000, groups: 500 },
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    for group in GROUPS {
        measure(&group, Path::new(&folder))?;
    }
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "measuring is reading the clock")]
#[allow(clippy::print_stdout, reason = "the result of a command")]
fn measure(group: &Group, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir_in(folder)?;
    let path = folder.path().join("ledger.redb");
    let ledger = Ledger::open(&path)?;
    let start = Instant::now();
    for number in 0..group.groups {
        ledger.write(|w| commit(w, group, number))?;
    }
    let seconds = start.elapsed().as_secs_f64();
    drop(ledger);
    let start = Instant::now();
    let ledger = Ledger::open(&path)?;
    ledger.read(|r| r.object(object(0)))?.ok_or("the first object is not there")?;
    let reopen_seconds = start.elapsed().as_secs_f64();
    let name = group.name;
    println!("{name}_objects_per_second {:.0}", (group.objects * group.groups) as f64 / seconds);
    println!("{name}_commits_per_second {:.1}", group.groups as f64 / seconds);
    println!("{name}_file_bytes {}", path.metadata()?.len());
    println!("{name}_reopen_ms {:.2}", reopen_seconds * 1e3);
    Ok(())
}

fn object(number: u64) -> ObjectId {
    ObjectId::of(&["bucket", &format!("AWSLogs/elasticloadbalancing/{number}.log.gz")])
}

fn commit(w: &Writing<'_>, group: &Group, number: u64) -> Result<(), LedgerError> {
    for index in 0..group.objects {
        let id = object(number * group.objects + index);
        // As the server does: an object that is known is not counted again.
        if w.object(id)?.is_none() {
            let entry = ObjectEntry {
                etag: "\"9b2cf535f27731c974343645a3985328\"".into(),
                size: 120_000,
                text_hash: u128::from(number) << 64 | u128::from(index),
                committed_at_us: 1_795_169_730_000_000 + i64::try_from(number).unwrap_or(0),
            };
            w.put_object(id, &entry)?;
        }
    }
    for birth in 1..=group.counts {
        let requests = number + 1;
        let times = StoredDistribution {
            sum_us: u128::from(requests) * 12_345,
            buckets: (0..6).map(|bucket| (5_000 << bucket, requests)).collect(),
            native: None,
        };
        let counts = StoredCounts {
            counted_at_us: 1_795_169_730_000_000,
            requests,
            target_time_us: times.sum_us,
            bytes_in: requests * 500,
            bytes_out: requests * 5_000,
            request_times: times.clone(),
            target_times: times,
            ..Default::default()
        };
        w.put_counts("metrics", SeriesId { origin: Origin::Alb, birth }, &counts)?;
    }
    Ok(())
}
