//! `type: redis`: a server, and the lists or channels that are read from it.
//!
//! Lists or channels, never both: a list gives each line exactly once, a channel what it happens to hear, and nobody
//! could tell from a source's numbers which of the two went missing.

use std::collections::BTreeSet;
use std::path::PathBuf;

use weir_ingest::redis::{BATCH_BYTES_DEFAULT, BATCH_ENTRIES_DEFAULT, BatchMax, check_redis_url};

use super::byte_size::ByteSize;
use super::error::ConfigError;
use super::keys;
use super::reader::{Field, Fields, quoted};
use super::source::Type;

/// Keys that only a source of this type has.
const OWN_KEYS: [&str; 5] = ["url", "key", "channel", "password_file", "batch"];

/// What the values of `key` and `channel` should be.
const LIST: &str = "the key of a list";
const CHANNEL: &str = "the name of a channel";

/// Lists or channels of one source; each list is read by a connection of its own.
const KEYS_MAX: usize = 100;

/// The longest name of a list or channel, in bytes; Redis allows 512 MB.
const KEY_BYTES_MAX: usize = 1024;

/// Entries of a batch. One by one is slow and harmless; Redis does nothing else while it moves one.
const ENTRIES_RANGE: (u64, u64) = (1, 100_000);

/// Bytes of a batch; four of them are in memory.
const BYTES_RANGE: (ByteSize, ByteSize) = (ByteSize(64 << 10), ByteSize(64 << 20));

/// What is read from a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisInput {
    /// `redis://`, `rediss://` or `unix://`.
    pub url: String,
    /// A file with the password.
    pub password_file: Option<PathBuf>,
    /// What is read.
    pub keys: RedisKeys,
}

/// Lists or channels; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisKeys {
    /// Lists, and how much of one is moved at once.
    Lists(Vec<String>, BatchMax),
    /// Channels, or patterns of such.
    Channels(Vec<String>),
}

/// Reports keys of this type in a source of another; where it is not known of which type it is, mistakes in them.
pub fn refuse(fields: &Fields, kind: Option<Type>, errors: &mut Vec<ConfigError>) {
    let Some(kind) = kind else { return read_values(fields, errors) };
    if kind == Type::Redis {
        return;
    }
    for (name, field) in OWN_KEYS.iter().filter_map(|name| Some((name, fields.get(name)?))) {
        let error = ConfigError::new(field.position(), format!("`{name}` is for `type: redis` only"));
        errors.push(error.with_hint("remove it, or make this source `type: redis`"));
    }
}

fn read_values(fields: &Fields, errors: &mut Vec<ConfigError>) {
    fields.get("url").and_then(|field| read_url(field, errors));
    fields.get("key").map(|field| read_names(field, LIST, errors));
    fields.get("channel").map(|field| read_names(field, CHANNEL, errors));
    fields.get("password_file").and_then(|field| field.file_path(errors));
    fields.get("batch").map(|field| read_batch(field, errors));
}

/// Reads the keys of a source of this type, and reports those of others.
pub fn read(fields: &Fields, errors: &mut Vec<ConfigError>) -> Option<RedisInput> {
    for name in ["path", "sqs", "s3", "listener_rules", "listener_rules_api"] {
        if let Some(field) = fields.get(name) {
            let error = ConfigError::new(field.position(), format!("`{name}` is not for `type: redis`"));
            errors.push(error.with_hint("give this source a `url` and a `key`, or make it of another type"));
        }
    }
    let url = fields.require("url", errors).and_then(|field| read_url(field, errors));
    let password_file = fields.get("password_file").and_then(|field| field.file_path(errors));
    let batch = fields.get("batch").map(|field| read_batch(field, errors));
    let batch_max = batch.unwrap_or(BatchMax { entries: BATCH_ENTRIES_DEFAULT, bytes: BATCH_BYTES_DEFAULT });
    let keys = match (fields.get("key"), fields.get("channel")) {
        (Some(_), Some(channel)) => {
            let error = ConfigError::new(channel.position(), "`key` and `channel` are both given");
            errors.push(error.with_hint("a source reads lists or channels; make two sources"));
            None
        }
        (Some(key), None) => Some(RedisKeys::Lists(read_names(key, LIST, errors), batch_max)),
        (None, Some(channel)) => {
            if let Some(batch) = fields.get("batch") {
                let error = ConfigError::new(batch.position(), "`batch` is for lists");
                errors.push(error.with_hint("remove it: a channel sends message by message"));
            }
            Some(RedisKeys::Channels(read_names(channel, CHANNEL, errors)))
        }
        (None, None) => {
            errors.push(ConfigError::new(fields.position, "`key` or `channel` is missing in `sources[]`"));
            None
        }
    };
    Some(RedisInput { url: url?, password_file, keys: keys? })
}

fn read_url(field: Field, errors: &mut Vec<ConfigError>) -> Option<String> {
    field.parse("the URL of a Redis server", errors, |url| check_redis_url(url).map(|()| url.to_owned()))
}

fn read_batch(field: Field, errors: &mut Vec<ConfigError>) -> BatchMax {
    let mut max = BatchMax { entries: BATCH_ENTRIES_DEFAULT, bytes: BATCH_BYTES_DEFAULT };
    let Some(fields) = field.fields(&keys::REDIS_BATCH, errors) else { return max };
    let whole = |number: u64| usize::try_from(number).ok();
    let (entries_min, entries_max) = ENTRIES_RANGE;
    let entries =
        fields.get("entries").and_then(|field| field.whole_number(entries_min..=entries_max, errors));
    let bytes = fields.get("bytes").and_then(|field| field.size(BYTES_RANGE, errors));
    max.entries = entries.and_then(whole).unwrap_or(max.entries);
    max.bytes = bytes.and_then(whole).unwrap_or(max.bytes);
    max
}

fn read_names(field: Field, expected: &str, errors: &mut Vec<ConfigError>) -> Vec<String> {
    let items = field.one_or_more(expected, errors);
    if let Some(item) = items.get(KEYS_MAX) {
        errors.push(ConfigError::new(item.position(), format!("more than {KEYS_MAX} names")));
    }
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    for item in items.into_iter().take(KEYS_MAX) {
        let name = item.parse(expected, errors, |name| {
            let is_wrong = name.is_empty() || name.len() > KEY_BYTES_MAX || name.contains(char::is_control);
            if is_wrong { Err("write a name such as logstash:beaver") } else { Ok(name.to_owned()) }
        });
        let Some(name) = name else { continue };
        if !seen.insert(name.clone()) {
            errors.push(ConfigError::new(item.position(), format!("{} is there twice", quoted(&name))));
        }
        names.push(name);
    }
    names
}
