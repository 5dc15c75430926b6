//! How fast objects become durable, beside what the disk gives anyone.
//!
//! Syncs cost a fifth of a millisecond on one disk and ten on another; so a bare append of as many bytes
//! stands beside the ledger, as the bound that no store on this disk can pass.

use std::fs::File;
use std::io::Write;

use anyhow::Context;

use super::process::now;
use super::{Scene, Values};

/// Bytes of one group: 100 objects of about 190 bytes and 1,000 series of about 120.
const GROUP_BYTES: usize = 139_000;

/// Objects of one group, as the ledger's example has them.
const GROUP_OBJECTS: f64 = 100.0;

/// Groups that are appended.
const GROUPS: u32 = 1_000;

/// The example's name of what is measured.
const GROUP: &str = "group_100_objects_1000_counts";

/// Appends and syncs.
pub fn append(scene: &Scene<'_>) -> anyhow::Result<Values> {
    let path = scene.empty_folder("append")?.join("file");
    let mut file = File::create(path).context("cannot write into the data folder")?;
    let group = vec![0x55; GROUP_BYTES];
    let start = now();
    for _ in 0..GROUPS {
        file.write_all(&group)
            .and_then(|()| file.sync_data())
            .context("cannot write into the data folder")?;
    }
    let groups_per_s = f64::from(GROUPS) / start.elapsed().as_secs_f64();
    drop(file);
    scene.empty_folder("append")?;
    Ok(vec![("groups_per_s", groups_per_s), ("objects_per_s", groups_per_s * GROUP_OBJECTS)])
}

/// Commits as the server does.
pub fn commit(scene: &Scene<'_>) -> anyhow::Result<Values> {
    let output = scene.shell.output("commit_rate .")?;
    let value = |name: &str| value(&output, name).with_context(|| format!("commit_rate gives no {name}"));
    Ok(vec![
        ("groups_per_s", value(&format!("{GROUP}_commits_per_second"))?),
        ("objects_per_s", value(&format!("{GROUP}_objects_per_second"))?),
        ("single_objects_per_s", value("group_1_object_100_counts_objects_per_second")?),
        ("reopen_ms", value(&format!("{GROUP}_reopen_ms"))?),
    ])
}

/// The value of a line `name value`.
fn value(output: &str, name: &str) -> Option<f64> {
    output.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_example_are_read() {
        assert_eq!(value("a_b 7\na 1.5\n", "a"), Some(1.5));
        assert_eq!(value("a_b 7\n", "a"), None);
    }
}
