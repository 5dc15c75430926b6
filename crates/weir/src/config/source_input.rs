//! Where a source's objects are: `path`, `sqs` or `s3`.
//!
//! Exactly one of them. Two in one source would share a name in all metrics, and nobody could tell which of
//! the two went silent.

use std::time::Duration;

use weir_ingest::{DiscoverError, check_pattern};

use super::error::ConfigError;
use super::keys;
use super::reader::{Field, Fields};
use super::redis_input::{self, RedisInput};
use super::socket_input::{self, SocketInput};
use super::source::Type;

/// Shorter, and a large object comes again while it is still read; SQS allows no more than 12 h.
const VISIBILITY_TIMEOUT_RANGE: (Duration, Duration) =
    (Duration::from_secs(30), Duration::from_secs(12 * 3600));

/// How often a message that can't be dealt with is tried; SQS' own limit for a dead-letter queue is 1000.
const RECEIVES_MIN: u64 = 1;
const RECEIVES_MAX: u64 = 1000;

/// Each look lists keys, which AWS bills; a day is the granularity of what it lists.
const POLL_RANGE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(24 * 3600));

/// The longest key in S3, in bytes, and so the longest prefix.
const PREFIX_BYTES_MAX: usize = 1024;

/// Where a source's objects are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceInput {
    /// Files, folders and globs of this machine; at least one.
    Files(Vec<String>),
    /// Objects that the messages of a queue name.
    Sqs(SqsInput),
    /// Objects of a bucket, found by listing it.
    S3(S3Input),
    /// What others write by HTTP.
    Http,
    /// What others send as GELF or syslog.
    Sockets(SocketInput),
    /// What others put into Redis.
    Redis(RedisInput),
}

impl SourceInput {
    /// How AWS is reached, where its objects lie there.
    pub fn aws(&self) -> Option<&AwsAccess> {
        match self {
            Self::Sqs(input) => Some(&input.aws),
            Self::S3(input) => Some(&input.aws),
            Self::Files(_) | Self::Http | Self::Sockets(_) | Self::Redis(_) => None,
        }
    }
}

/// A queue with the notifications of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqsInput {
    /// The queue's `http` or `https` address.
    pub queue_url: String,
    /// How long a received message is hidden from others, unless it is prolonged.
    pub visibility_timeout: Duration,
    /// How often a message that can't be dealt with is received before it is given up.
    pub receives_max: u32,
    /// Where messages that were given up go, besides being kept; another queue than `queue_url`.
    pub dead_letter_queue_url: Option<String>,
    /// How AWS is reached.
    pub aws: AwsAccess,
}

/// A bucket that is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Input {
    /// The bucket's name.
    pub bucket: String,
    /// What the keys begin with; may be empty, never begins with `/`.
    pub prefix: String,
    /// How often it is listed.
    pub poll: Duration,
    /// How AWS is reached.
    pub aws: AwsAccess,
}

/// How AWS is reached; credentials come the SDK's usual ways.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsAccess {
    /// The region; `None` is the environment's.
    pub region: Option<String>,
    /// The `http` or `https` address of what stands in for AWS; `None` is AWS itself.
    pub endpoint_url: Option<String>,
    /// Whether the bucket stands in the path of an address instead of its host.
    pub is_path_style: bool,
}

/// Reads whichever of `path`, `sqs` and `s3` is there; reports none, and more than one.
pub fn read(fields: &Fields, kind: Option<Type>, errors: &mut Vec<ConfigError>) -> Option<SourceInput> {
    socket_input::refuse(fields, kind, errors);
    if let Some(protocol) = kind.and_then(socket_input::protocol) {
        return socket_input::read(fields, protocol, errors).map(SourceInput::Sockets);
    }
    redis_input::refuse(fields, kind, errors);
    if kind == Some(Type::Http) {
        for name in ["path", "sqs", "s3"] {
            if let Some(field) = fields.get(name) {
                let error = ConfigError::new(field.position(), format!("`{name}` is not for `type: http`"));
                errors.push(
                    error.with_hint("remove it: others write to this source, by its name in `?source=`"),
                );
            }
        }
        return Some(SourceInput::Http);
    }
    if kind == Some(Type::Redis) {
        return redis_input::read(fields, errors).map(SourceInput::Redis);
    }
    let paths = fields.get("path");
    let (sqs, s3) = (fields.get("sqs"), fields.get("s3"));
    for (name, field) in [("sqs", sqs), ("s3", s3)] {
        if let (Some(Type::File), Some(field)) = (kind, field) {
            let error = ConfigError::new(field.position(), format!("`{name}` is for `type: alb` only"));
            errors.push(error.with_hint("give this source a `path`, or make it `type: alb`"));
        }
    }
    let given = [("path", paths), ("sqs", sqs), ("s3", s3)];
    let mut given: Vec<_> = given.iter().filter_map(|(name, field)| Some((*name, (*field)?))).collect();
    given.sort_by_key(|(_, field)| field.position());
    if let (Some(Type::Alb), [(first, _), (second, field), ..]) = (kind, given.as_slice()) {
        let message = format!("`{first}` and `{second}` are both given");
        let error = ConfigError::new(field.position(), message);
        errors.push(error.with_hint("a source reads from one place; make two sources"));
    }
    if given.is_empty() && kind == Some(Type::File) {
        fields.require("path", errors);
    } else if given.is_empty() {
        let message = "`path`, `sqs` or `s3` is missing in `sources[]`";
        errors.push(ConfigError::new(fields.position, message));
    }
    let paths = paths.map(|field| SourceInput::Files(read_paths(field, errors)));
    let sqs = sqs.and_then(|field| read_sqs(field, errors)).map(SourceInput::Sqs);
    let s3 = s3.and_then(|field| read_s3(field, errors)).map(SourceInput::S3);
    paths.or(sqs).or(s3)
}

fn read_sqs(field: Field, errors: &mut Vec<ConfigError>) -> Option<SqsInput> {
    let fields = field.fields(&keys::SQS, errors)?;
    let queue_url = fields.require("queue_url", errors).and_then(|field| read_queue_url(field, errors));
    let visibility_timeout = fields
        .get("visibility_timeout")
        .and_then(|field| field.duration("5m", VISIBILITY_TIMEOUT_RANGE, errors));
    let receives_max = fields
        .get("receives_max")
        .and_then(|field| field.whole_number(RECEIVES_MIN..=RECEIVES_MAX, errors))
        .and_then(|number| u32::try_from(number).ok());
    let dead_letter = fields.get("dead_letter_queue_url");
    let dead_letter_queue_url = dead_letter.and_then(|field| read_queue_url(field, errors));
    if let (Some(field), Some(url)) = (dead_letter, &dead_letter_queue_url)
        && Some(url) == queue_url.as_ref()
    {
        let error = ConfigError::new(field.position(), "`dead_letter_queue_url` is the queue itself");
        errors.push(error.with_hint("name another queue, or leave it out: what is given up is kept anyway"));
    }
    let aws = read_aws(&fields, errors);
    Some(SqsInput {
        queue_url: queue_url?,
        visibility_timeout: visibility_timeout.unwrap_or(Duration::from_secs(5 * 60)),
        receives_max: receives_max.unwrap_or(5),
        dead_letter_queue_url,
        aws,
    })
}

fn read_queue_url(field: Field, errors: &mut Vec<ConfigError>) -> Option<String> {
    let url = field.address("the URL of a queue, not its ARN", errors, |address| {
        if address.path.trim_matches('/').is_empty() || address.has_query {
            return Err("it looks like https://sqs.eu-west-1.amazonaws.com/123456789012/alb-logs");
        }
        Ok(())
    });
    url.map(str::to_owned)
}

fn read_s3(field: Field, errors: &mut Vec<ConfigError>) -> Option<S3Input> {
    let fields = field.fields(&keys::S3, errors)?;
    let bucket = fields.require("bucket", errors).and_then(|field| read_bucket(field, errors));
    let prefix = fields.get("prefix").and_then(|field| read_prefix(field, errors));
    let poll = fields.get("poll").and_then(|field| field.duration("1m", POLL_RANGE, errors));
    let aws = read_aws(&fields, errors);
    Some(S3Input {
        bucket: bucket?,
        prefix: prefix.unwrap_or_default(),
        poll: poll.unwrap_or(Duration::from_secs(60)),
        aws,
    })
}

fn read_bucket(field: Field, errors: &mut Vec<ConfigError>) -> Option<String> {
    let is_bucket_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    field.parse("the name of a bucket", errors, |text| {
        if text.contains(['/', ':']) {
            return Err("write the name alone; what the keys begin with is the `prefix`");
        }
        // Up to 63 today; old buckets may have up to 255, upper case and `_`.
        if !(3..=255).contains(&text.len()) || !text.chars().all(is_bucket_char) {
            return Err("a bucket has at least 3 characters: letters, digits, `.` and `-`");
        }
        Ok(text.to_owned())
    })
}

fn read_prefix(field: Field, errors: &mut Vec<ConfigError>) -> Option<String> {
    field.parse("what the keys begin with", errors, |text| {
        if text.starts_with('/') || text.contains("://") {
            return Err(
                "keys begin without `/` and without the bucket: `logs/` or `logs/AWSLogs/`".to_owned()
            );
        }
        if text.len() > PREFIX_BYTES_MAX || text.contains(char::is_control) {
            return Err(format!("a key has at most {PREFIX_BYTES_MAX} bytes and no line breaks"));
        }
        Ok(text.to_owned())
    })
}

fn read_aws(fields: &Fields, errors: &mut Vec<ConfigError>) -> AwsAccess {
    let is_region_char = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let region = fields.get("region").and_then(|field| {
        field.parse("a region such as eu-west-1", errors, |text| {
            let is_region = !text.is_empty() && text.chars().all(is_region_char);
            if is_region { Ok(text.to_owned()) } else { Err("a region is made of a-z, 0-9 and `-`") }
        })
    });
    let expected = "an address such as http://127.0.0.1:9000";
    let endpoint_url =
        fields.get("endpoint_url").and_then(|field| field.address(expected, errors, |_| Ok(())));
    let is_path_style = fields.get("path_style").and_then(|field| field.boolean(errors));
    AwsAccess {
        region,
        endpoint_url: endpoint_url.map(str::to_owned),
        is_path_style: is_path_style.unwrap_or(false),
    }
}

/// Reads paths and globs, one or a list.
pub fn read_paths(field: Field, errors: &mut Vec<ConfigError>) -> Vec<String> {
    let items = field.one_or_more("a path or glob", errors);
    items.into_iter().filter_map(|item| read_path(item, errors)).collect()
}

fn read_path(field: Field, errors: &mut Vec<ConfigError>) -> Option<String> {
    field.parse("a path or glob", errors, |text| {
        if text.trim().is_empty() {
            return Err("write a file, a folder or a glob such as logs/**/*.log.gz".to_owned());
        }
        if let Some(rest) = text.strip_prefix("s3://") {
            let bucket = rest.split('/').next().unwrap_or_default();
            return Err(format!("a path is on this machine; instead of it write `s3: {{bucket: {bucket}}}`"));
        }
        if text.contains("://") {
            return Err("a source reads files and folders of this machine".to_owned());
        }
        match check_pattern(text) {
            Ok(()) => Ok(text.to_owned()),
            Err(DiscoverError::BadPattern { reason, .. }) => Err(reason),
            Err(error) => Err(error.to_string()),
        }
    })
}
