//! The names of processing lists, and what makes a batch recognisable.
//!
//! A name is used once: it has the reader's instance, the moment at which the reader was started, and a number that
//! also counts attempts that failed. So a script that a slow server runs after everybody gave up on it fills a list
//! of its own, which is found later, and never one that was dealt with.
//!
//! The identity of a batch is a hash of its list's name *and* its entries. The name alone is enough as long as Redis
//! remembers what it acknowledged; the entries are there for one that was restored from an old copy, or had its lists
//! changed by hand: what was never counted is never taken for counted.

use xxhash_rust::xxh3::Xxh3;

/// The names that belong to one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ListNames {
    /// The list itself.
    pub(super) key: String,
    /// The set that has the names of all processing lists of this instance.
    pub(super) index: String,
    run: String,
}

impl ListNames {
    /// `run` differs in each run of the program.
    pub(super) fn new(key: &str, instance: &str, run: &str) -> Self {
        let index = format!("{}:weir:{instance}", tagged(key));
        Self { key: key.to_owned(), run: format!("{index}:{run}"), index }
    }

    /// The processing list of the batch with this number.
    pub(super) fn batch(&self, number: u64) -> String {
        format!("{}-{number}", self.run)
    }
}

/// A beginning of names that a cluster keeps where it keeps `key`: what stands in the first braces decides, or the
/// whole key where there are none. A key with braces but without such a part (`a}b`) has no such name; it works
/// where there is no cluster.
fn tagged(key: &str) -> String {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    match tag {
        Some(tag) if !tag.is_empty() => key.to_owned(),
        _ if key.contains(['{', '}']) => key.to_owned(),
        _ => format!("{{{key}}}"),
    }
}

/// What makes a batch recognisable.
pub(super) fn identity<'e>(list: &'e str, entries: impl IntoIterator<Item = &'e [u8]>) -> [u8; 16] {
    let mut hash = Xxh3::new();
    for part in std::iter::once(list.as_bytes()).chain(entries) {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.digest128().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processing_lists_lie_in_the_slot_of_their_list() {
        for (key, expected) in [
            ("logstash:beaver", "{logstash:beaver}:weir:i:r-7"),
            ("logs{shop}:x", "logs{shop}:x:weir:i:r-7"),
            ("logs{}x", "logs{}x:weir:i:r-7"),
            ("a}b", "a}b:weir:i:r-7"),
        ] {
            assert_eq!(ListNames::new(key, "i", "r").batch(7), expected);
        }
    }

    #[test]
    fn every_list_and_every_content_has_its_own_identity() {
        let identities = [
            identity("a", [b"xy".as_slice()]),
            identity("a", [b"x".as_slice(), b"y"]),
            identity("a", [b"y".as_slice(), b"x"]),
            identity("b", [b"xy".as_slice()]),
            identity("a", []),
        ];
        for (index, one) in identities.iter().enumerate() {
            assert!(identities[..index].iter().all(|other| other != one), "{index}");
        }
        assert_eq!(identity("a", [b"xy".as_slice()]), identities[0]);
    }
}
