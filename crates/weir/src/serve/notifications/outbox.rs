//! What is to be sent and was not yet taken, and how much an address was sent lately.
//!
//! Of a group only the newest message waits: one that nobody has seen is told better by its successor, which
//! knows how it went on. When more mail is due in an hour than the config allows, the rest is gathered, and told
//! of together every ten minutes; what is gathered is kept like everything else.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use weir_alert::notification::{Flood, Gathered, GatheredGroup, Notification, Stored};
use weir_record::Timestamp;
use weir_ship::notify::{Digest, DigestRow, Envelope};

use super::OUT;

/// What begins the names of what is kept of floods.
pub(super) const FLOOD: &str = "flood/";

/// Alerts of one message that somebody is asked about.
pub(super) const DESCRIBED_MAX: usize = 10;

/// Alerts of all messages of one moment that somebody is asked about; of a flood, most go into a digest.
pub(super) const DESCRIBED_AT_ONCE_MAX: usize = 500;

/// Messages of one address that wait. An address that is down for a day gets these and then nothing of the oldest.
const ITEMS_MAX: usize = 10_000;

/// What they may take together, in bytes.
const BYTES_MAX: usize = 64 << 20;

/// Groups that a digest names; more are counted.
const DIGEST_ROWS_MAX: usize = 100;

/// One `email_configs` or `webhook_configs` of a receiver.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AddressId {
    /// The receiver.
    pub receiver: String,
    /// Which of its addresses: mail first.
    pub integration: u32,
}

impl AddressId {
    /// One of a receiver's.
    pub fn new(receiver: &str, integration: usize) -> Self {
        Self { receiver: receiver.to_owned(), integration: u32::try_from(integration).unwrap_or(u32::MAX) }
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Where to.
    pub address: AddressId,
    /// The group that it is about; 0 for a digest.
    pub group: u64,
    /// Since when it waits.
    pub created_us: i64,
    /// What is sent.
    pub parcel: Parcel,
    /// What it is called. It came last: an older program kept messages without it.
    pub title: String,
}

/// A message as an older program kept it.
#[derive(Deserialize)]
struct Untitled {
    address: AddressId,
    group: u64,
    created_us: i64,
    parcel: Parcel,
}

impl Item {
    /// A message as it was kept.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if let Ok(item) = postcard::from_bytes(bytes) {
            return Some(item);
        }
        let Untitled { address, group, created_us, parcel } = postcard::from_bytes(bytes).ok()?;
        Some(Self { address, group, created_us, parcel, title: String::new() })
    }
}

/// What is sent, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Parcel {
    /// A mail.
    Mail {
        /// From and to.
        envelope: Envelope,
        /// Headers and parts.
        bytes: Vec<u8>,
    },
    /// A webhook.
    Webhook {
        /// The JSON.
        body: Vec<u8>,
        /// Its name.
        delivery: String,
    },
}

/// The flood of an address, as it is kept.
type KeptFlood = (Option<AddressId>, Flood);

/// What is to be sent.
#[derive(Debug, Default)]
pub struct Outbox {
    items: BTreeMap<u64, Item>,
    queues: BTreeMap<AddressId, Queue>,
    next: u64,
    /// Those that are being sent, and those that are not yet kept.
    busy: BTreeSet<u64>,
    floods: BTreeMap<AddressId, Flood>,
    changed: BTreeSet<u64>,
    changed_floods: BTreeSet<AddressId>,
}

/// The messages of one address.
#[derive(Debug, Default)]
struct Queue {
    numbers: BTreeSet<u64>,
    bytes: usize,
    /// The newest message about each group.
    by_group: BTreeMap<u64, u64>,
}

impl Queue {
    /// The message that must go for one more of this size.
    fn oldest_beyond(&self, bytes: usize) -> Option<u64> {
        let has_room = self.numbers.len() < ITEMS_MAX && self.bytes + bytes <= BYTES_MAX;
        self.numbers.first().copied().filter(|_| !has_room)
    }
}

/// What putting a message in did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    /// Its number.
    pub number: u64,
    /// Older ones for which there was no room.
    pub given_up: usize,
}

impl Outbox {
    /// The outbox as it was kept.
    pub fn new(kept: Vec<(String, Vec<u8>)>) -> Self {
        let mut outbox = Self::default();
        for (name, bytes) in kept {
            if let Some(number) = name.strip_prefix(OUT).and_then(|hex| u64::from_str_radix(hex, 16).ok()) {
                outbox.next = outbox.next.max(number + 1);
                if let Some(item) = Item::from_bytes(&bytes) {
                    outbox.insert(number, item);
                }
            } else if let Ok((Some(address), flood)) = postcard::from_bytes::<KeptFlood>(&bytes) {
                outbox.floods.insert(address, flood);
            }
        }
        outbox
    }

    /// Puts a message in, in the place of an older one about the same group. It is not sent before
    /// [`Self::release`].
    pub fn put(&mut self, item: Item) -> Put {
        let queue = self.queues.entry(item.address.clone()).or_default();
        let older = queue.by_group.get(&item.group).copied();
        if let Some(older) = older.filter(|older| item.group != 0 && !self.busy.contains(older)) {
            self.remove(older);
        }
        let mut given_up = 0;
        while let Some(oldest) =
            self.queues.get(&item.address).and_then(|queue| queue.oldest_beyond(item.bytes()))
        {
            self.remove(oldest);
            given_up += 1;
        }
        let number = self.next;
        self.next += 1;
        self.busy.insert(number);
        self.changed.insert(number);
        self.insert(number, item);
        Put { number, given_up }
    }

    fn insert(&mut self, number: u64, item: Item) {
        let queue = self.queues.entry(item.address.clone()).or_default();
        queue.numbers.insert(number);
        queue.bytes += item.bytes();
        queue.by_group.insert(item.group, number);
        self.items.insert(number, item);
    }

    /// Lets messages be sent: they are kept.
    pub fn release(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.busy.remove(number);
        }
    }

    /// The oldest message of an address that nobody sends yet; from now on somebody does.
    pub fn take(&mut self, address: &AddressId) -> Option<(u64, Item)> {
        let queue = self.queues.get(address)?;
        let number = *queue.numbers.iter().find(|number| !self.busy.contains(*number))?;
        let item = self.items.get(&number)?.clone();
        self.busy.insert(number);
        Some((number, item))
    }

    /// The message is done with.
    pub fn remove(&mut self, number: u64) {
        self.busy.remove(&number);
        let Some(item) = self.items.remove(&number) else { return };
        self.changed.insert(number);
        if let Some(queue) = self.queues.get_mut(&item.address) {
            queue.numbers.remove(&number);
            queue.bytes -= item.bytes();
            if queue.by_group.get(&item.group) == Some(&number) {
                queue.by_group.remove(&item.group);
            }
        }
    }

    /// Gives up what is for addresses that `is_known` does not know; how many messages.
    pub fn retain(&mut self, is_known: impl Fn(&AddressId) -> bool) -> usize {
        let lost: Vec<u64> =
            self.items.iter().filter(|(_, one)| !is_known(&one.address)).map(|(number, _)| *number).collect();
        lost.iter().for_each(|number| self.remove(*number));
        let floods: Vec<AddressId> =
            self.floods.keys().filter(|address| !is_known(address)).cloned().collect();
        for address in floods {
            self.floods.remove(&address);
            self.changed_floods.insert(address);
        }
        lost.len()
    }

    /// How many messages wait, by receiver.
    pub fn waiting(&self) -> BTreeMap<String, u64> {
        let mut waiting = BTreeMap::new();
        for (address, queue) in &self.queues {
            *waiting.entry(address.receiver.clone()).or_default() += queue.numbers.len() as u64;
        }
        waiting
    }

    /// How many messages wait for each address.
    pub fn waiting_by_address(&self) -> BTreeMap<AddressId, u64> {
        self.queues.iter().map(|(address, queue)| (address.clone(), queue.numbers.len() as u64)).collect()
    }

    /// The messages that wait, oldest first: number, message, and whether somebody is sending it.
    pub fn items(&self) -> impl Iterator<Item = (u64, &Item, bool)> {
        self.items.iter().map(|(number, item)| (*number, item, self.busy.contains(number)))
    }

    /// Whether one more mail may go there in this hour; else the notification is noted for a digest.
    pub fn may_send(
        &mut self,
        address: &AddressId,
        max_per_hour: u32,
        notification: &Notification,
        now: Timestamp,
    ) -> bool {
        self.changed_floods.insert(address.clone());
        self.floods.entry(address.clone()).or_default().may_send(max_per_hour, notification, now)
    }

    /// The digest that is due for an address, with the name of its thread and its number there.
    pub fn digest(
        &mut self,
        address: &AddressId,
        max_per_hour: u32,
        now: Timestamp,
    ) -> Option<(Digest, String, u32)> {
        let Gathered { groups, left_out, began, number } = self.floods.get_mut(address)?.digest(now)?;
        self.changed_floods.insert(address.clone());
        let rows_left_out = groups.len().saturating_sub(DIGEST_ROWS_MAX) + left_out;
        let row = |GatheredGroup { title, firing, resolved }| DigestRow {
            title,
            firing: firing as usize,
            resolved: resolved as usize,
        };
        let rows = groups.into_iter().take(DIGEST_ROWS_MAX).map(row).collect();
        let thread = format!("digest{:x}", began.micros());
        Some((Digest { rows, rows_left_out, max_per_hour }, thread, number))
    }

    /// What must be kept of what has changed since this was asked last.
    pub fn take_changes(&mut self) -> Vec<Stored> {
        let items = std::mem::take(&mut self.changed).into_iter();
        let floods = std::mem::take(&mut self.changed_floods).into_iter();
        let item = |number| {
            let bytes = self.items.get(&number).and_then(|item| postcard::to_stdvec(item).ok());
            (format!("{OUT}{number:016x}"), bytes)
        };
        let flood = |address: AddressId| {
            let kept = self.floods.get(&address).map(|flood| (Some(&address), flood));
            let bytes = kept.and_then(|kept| postcard::to_stdvec(&kept).ok());
            (format!("{FLOOD}{}/{}", address.integration, address.receiver), bytes)
        };
        items.map(item).chain(floods.map(flood)).collect()
    }
}

impl Item {
    fn bytes(&self) -> usize {
        match &self.parcel {
            Parcel::Mail { bytes, .. } => bytes.len(),
            Parcel::Webhook { body, .. } => body.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_alert::Labels;
    use weir_alert::notification::{GroupId, Incident, Reason};

    fn item(group: u64, body: usize) -> Item {
        let parcel = Parcel::Webhook { body: vec![0; body], delivery: group.to_string() };
        Item {
            address: AddressId::new("a", 0),
            group,
            created_us: 0,
            parcel,
            title: format!("group {group}"),
        }
    }

    fn kept(outbox: &mut Outbox, before: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
        let mut all: BTreeMap<String, Vec<u8>> = before.iter().cloned().collect();
        for (name, bytes) in outbox.take_changes() {
            match bytes {
                Some(bytes) => drop(all.insert(name, bytes)),
                None => drop(all.remove(&name)),
            }
        }
        all.into_iter().collect()
    }

    #[test]
    fn of_a_group_the_newest_message_waits_and_survives_a_restart() {
        let mut outbox = Outbox::default();
        let address = AddressId::new("a", 0);
        let first = outbox.put(item(1, 1)).number;
        assert_eq!(outbox.take(&address), None, "nothing is sent before it is kept");
        outbox.release(&[first]);
        let second = outbox.put(item(1, 2)).number;
        let third = outbox.put(item(2, 3)).number;
        outbox.release(&[second, third]);
        let (taken, _) = outbox.take(&address).unwrap();
        assert_eq!(taken, second, "the first one gave way");
        let fourth = outbox.put(item(1, 4)).number;
        outbox.release(&[fourth]);
        assert_eq!(outbox.waiting()["a"], 3, "what is being sent stays");
        outbox.remove(taken);
        let all = kept(&mut outbox, &[]);
        let mut again = Outbox::new(all.clone());
        assert_eq!(again.take(&address).map(|(number, _)| number), Some(third));
        assert_eq!(again.put(item(3, 1)).number, 4);
        assert_eq!(again.retain(|_| false), 3);
        assert!(kept(&mut again, &all).is_empty());
    }

    #[test]
    fn an_address_that_is_down_keeps_the_newest() {
        let mut outbox = Outbox::default();
        let put: Vec<Put> = (1..=4).map(|group| outbox.put(item(group, BYTES_MAX / 3))).collect();
        assert_eq!(put.iter().map(|put| put.given_up).collect::<Vec<_>>(), [0, 0, 0, 1]);
    }

    #[test]
    fn a_message_of_an_older_program_is_sent_without_a_title() {
        let item = item(7, 3);
        let bytes = postcard::to_stdvec(&item).unwrap();
        assert_eq!(Item::from_bytes(&bytes).as_ref(), Some(&item));
        let older = (&item.address, item.group, item.created_us, &item.parcel);
        let read = Item::from_bytes(&postcard::to_stdvec(&older).unwrap()).unwrap();
        assert_eq!((read.title.as_str(), read.parcel == item.parcel, read.group), ("", true, 7));
        assert!(Item::from_bytes(b"\xff").is_none());
    }

    #[test]
    fn a_flood_becomes_digests() {
        let address = AddressId::new("a", 0);
        let at = |minutes: i64| Timestamp::from_seconds(1_800_000_000 + minutes * 60);
        let notification = |group: u64| Notification {
            receiver: "a".into(),
            integration: 0,
            group: GroupId(group),
            group_key: "".into(),
            group_labels: Labels::new(),
            alerts: Vec::new(),
            reason: Reason::First,
            incident: Incident { id: group, messages: 0, title: format!("group {group}").into() },
            at: at(0),
        };
        let mut outbox = Outbox::default();
        let sent =
            (1..=2000).filter(|group| outbox.may_send(&address, 3, &notification(*group), at(0))).count();
        assert_eq!(sent, 3);
        let (digest, thread, number) = outbox.digest(&address, 3, at(0)).unwrap();
        assert_eq!((digest.rows.len(), digest.rows_left_out, number), (100, 1897, 0));
        assert_eq!(outbox.digest(&address, 3, at(0)), None);
        assert!(!outbox.may_send(&address, 3, &notification(7), at(5)));
        let mut outbox = Outbox::new(kept(&mut outbox, &[]));
        assert_eq!(outbox.digest(&address, 3, at(9)), None);
        let (digest, same_thread, number) = outbox.digest(&address, 3, at(10)).unwrap();
        assert_eq!((digest.rows.len(), number, same_thread), (1, 1, thread));
        assert!(outbox.may_send(&address, 3, &notification(8), at(61)));
    }
}
