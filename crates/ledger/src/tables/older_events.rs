//! Events as older programs left them, with a row for each key of a minute or an hour.
//!
//! They are taken over once, when such a ledger is opened: a promise of a month must not begin anew with another
//! program.

use redb::{ReadableTable as _, TableDefinition, WriteTransaction};

use super::events::{EventCounts, add_to_row};
use super::{Bytes, Fixed, Tables};
use crate::codec::{decode, from_signed, part};
use crate::error::LedgerError;

type OlderRows = TableDefinition<'static, &'static [u8; 12], Bytes>;

const MINUTES: OlderRows = TableDefinition::new("events");
const HOURS: OlderRows = TableDefinition::new("event_hours");

/// Takes over what there is, and removes it.
///
/// # Errors
///
/// When the ledger can't be read or written.
pub(crate) fn take_over(
    transaction: &WriteTransaction,
    tables: &Tables<&WriteTransaction>,
) -> Result<(), LedgerError> {
    take_over_rows(transaction, MINUTES, &tables.events)?;
    take_over_rows(transaction, HOURS, &tables.event_hours)
}

fn take_over_rows(
    transaction: &WriteTransaction,
    older: OlderRows,
    table: &Fixed<&WriteTransaction, 8, Bytes>,
) -> Result<(), LedgerError> {
    let rows = transaction.open_table(older)?;
    let mut time = 0;
    let mut added: Vec<(u32, EventCounts)> = Vec::new();
    for row in rows.iter()? {
        let (key, value) = row?;
        let of_row = from_signed(part(key.value(), 0));
        if of_row != time && !added.is_empty() {
            add_to_row(table, time, &std::mem::take(&mut added))?;
        }
        time = of_row;
        added.push((u32::from_be_bytes(part(key.value(), 8)), decode("older events", value.value())?));
    }
    if !added.is_empty() {
        add_to_row(table, time, &added)?;
    }
    drop(rows);
    transaction.delete_table(older)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use weir_record::Minute;
    use weir_sim::Disk;

    use super::*;
    use crate::Ledger;
    use crate::codec::{encode, key, signed};
    use crate::create::Place;

    /// Makes an older ledger of one without events.
    fn age(disk: &Disk, older: &[(i64, u32, EventCounts)]) {
        let disk = disk.clone();
        let place = Place::new(std::path::Path::new("older"), move || Ok(Box::new(disk.backend())));
        let database = place.open(1 << 20).unwrap();
        let transaction = database.begin_write().unwrap();
        for name in ["minute_events", "hour_events"] {
            let table: TableDefinition<'static, &'static [u8; 8], Bytes> = TableDefinition::new(name);
            assert!(transaction.delete_table(table).unwrap());
        }
        for definition in [MINUTES, HOURS] {
            let mut table = transaction.open_table(definition).unwrap();
            for (time, number, events) in older {
                let key: [u8; 12] = key(&[&signed(*time), &number.to_be_bytes()]);
                table.insert(&key, encode("events", events).unwrap().as_slice()).unwrap();
            }
        }
        transaction.commit().unwrap();
    }

    #[test]
    fn events_of_an_older_ledger_are_there() {
        let disk = Disk::new();
        let open = |disk: &Disk| {
            let disk = disk.clone();
            Ledger::open_backend(move || Ok(Box::new(disk.backend()))).unwrap()
        };
        drop(open(&disk));
        let events = |bad| EventCounts { good: 1, bad };
        let older = [(-1, 4, events(1)), (0, 2, events(2)), (0, 7, events(3)), (9, 2, events(4))];
        age(&disk, &older);
        for _ in 0..2 {
            let ledger = open(&disk);
            let (mut minutes, mut hours) = (Vec::new(), Vec::new());
            ledger
                .read(|r| {
                    r.events(Minute(-9), Minute(99), |at, number, sum| minutes.push((at.0, number, sum)))?;
                    r.event_hours(-9, |at, number, sum| hours.push((at, number, sum)))
                })
                .unwrap();
            assert_eq!((minutes.as_slice(), hours.as_slice()), (&older[..], &older[..]));
        }
    }
}
