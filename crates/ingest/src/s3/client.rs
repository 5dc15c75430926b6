//! AWS as this crate needs it: three clients, configured by the ways that all of AWS' tools know.
//!
//! Credentials and region come from environment, profile, web identity, ECS, EC2 or SSO, because whoever runs this
//! has one of them working already; a setting of our own for each would be one more thing to get wrong. The SDK's
//! many errors are sorted here, so that nothing above sees its types. Timeouts are short: a source has other objects
//! to go on with.

use std::time::{Duration, SystemTime};

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, StalledStreamProtectionConfig};
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::EncodingType;
use weir_record::Timestamp;

use super::aws_failure::AwsFailure;
use super::fetch_error::FetchError;
use super::object_body::{ObjectBody, ObjectStream, READ_STALL_MAX};
use super::object_reference::{ObjectReference, form_decoded, unquoted_etag};

/// Objects up to this size are held whole, in bytes; larger ones are streamed.
pub const WHOLE_BYTES_MAX: u64 = 16 << 20;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer may take to begin: longer than the 20 s that a queue waits for messages.
const READ_TIMEOUT: Duration = Duration::from_secs(35);

/// How often the SDK itself tries a request, the first time included; more patience is the source's business.
const ATTEMPTS_MAX: u32 = 3;

/// Where AWS, or what stands in for it, is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct S3Settings {
    /// The region; `None` is the environment's or the profile's.
    pub region: Option<String>,
    /// Another server in place of AWS, for all services; `None` is what `AWS_ENDPOINT_URL` and its kin say.
    pub endpoint_url: Option<String>,
    /// Whether the bucket goes into the path and not into the host's name, as most other servers want it.
    pub path_style: bool,
}

/// A configured connection to AWS, from which clients are made. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AwsClients {
    config: SdkConfig,
    path_style: bool,
}

/// Gets and lists objects. Cheap to clone.
#[derive(Clone, Debug)]
pub struct S3Client {
    client: aws_sdk_s3::Client,
}

/// An object and its body.
#[derive(Debug)]
pub struct FetchedObject {
    /// What was asked for.
    pub reference: ObjectReference,
    /// The entity tag of what came, without quotes; only other servers than S3 leave it out.
    pub etag: Option<String>,
    /// The size in bytes of what came, as far as the server said.
    pub size: Option<u64>,
    /// The bytes.
    pub body: ObjectBody,
}

/// What is known of an object without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectHead {
    /// The object with the entity tag, size and version that it has now.
    pub reference: ObjectReference,
    /// When it was written.
    pub last_modified: Option<Timestamp>,
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedObject {
    /// The object with its entity tag and size.
    pub reference: ObjectReference,
    /// When it was written.
    pub last_modified: Option<Timestamp>,
}

/// A part of a listing, in the order of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPage {
    /// At most 1,000 objects.
    pub objects: Vec<ListedObject>,
    /// Whether nothing comes after it.
    pub is_last: bool,
    /// Where to go on: the last key of the page, even one that could not be read.
    pub last_key: Option<String>,
}

impl AwsClients {
    /// Finds region and credentials. Asks no service but the one that has the credentials.
    pub async fn load(settings: &S3Settings) -> Self {
        Self::load_with(settings, None).await
    }

    pub(crate) async fn load_with(settings: &S3Settings, credentials: Option<Credentials>) -> Self {
        let timeouts =
            TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
            .timeout_config(timeouts)
            // Our own limit on pauses also holds for other servers, and says how far a body came.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(endpoint_url) = &settings.endpoint_url {
            loader = loader.endpoint_url(endpoint_url);
        }
        if let Some(credentials) = credentials {
            loader = loader.credentials_provider(credentials);
        }
        Self { config: loader.load().await, path_style: settings.path_style }
    }

    /// A client for objects.
    pub fn s3(&self) -> S3Client {
        let config =
            aws_sdk_s3::config::Builder::from(&self.config).force_path_style(self.path_style).build();
        S3Client { client: aws_sdk_s3::Client::from_conf(config) }
    }

    /// A client for the queue at this address, in the region that the address names.
    ///
    /// An address that is not of AWS is also where the queue's server is, unless the settings name one.
    pub(crate) fn sqs(&self, queue_url: &str) -> aws_sdk_sqs::Client {
        let mut config = aws_sdk_sqs::config::Builder::from(&self.config);
        match QueueHome::of(queue_url) {
            Some(QueueHome::Region(region)) => config = config.region(Region::new(region)),
            Some(QueueHome::Server(server)) if self.config.endpoint_url().is_none() => {
                config = config.endpoint_url(server);
            }
            _ => {}
        }
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    /// A client for load balancers.
    pub(crate) fn load_balancers(&self) -> aws_sdk_elasticloadbalancingv2::Client {
        aws_sdk_elasticloadbalancingv2::Client::new(&self.config)
    }
}

/// What a queue's address tells of where the queue is.
#[derive(Debug, PartialEq, Eq)]
enum QueueHome {
    Region(String),
    Server(String),
}

impl QueueHome {
    fn of(queue_url: &str) -> Option<Self> {
        let (scheme, rest) = queue_url.split_once("://")?;
        let host = rest.split('/').next().filter(|host| !host.is_empty())?;
        // A VPC endpoint's name is where the queue is to be asked, and its region may differ from its place.
        let is_aws = !host.contains(".vpce.")
            && [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"].iter().any(|end| host.ends_with(end));
        if !is_aws {
            return Some(Self::Server(format!("{scheme}://{host}")));
        }
        let mut labels = host.split('.');
        match (labels.next(), labels.next()) {
            (Some("sqs" | "sqs-fips"), Some(region)) => Some(Self::Region(region.to_owned())),
            _ => None,
        }
    }
}

impl S3Client {
    /// Fetches an object: the very content and version that the reference names, as far as it does.
    ///
    /// Up to [`WHOLE_BYTES_MAX`] it is downloaded before this completes. A body larger than the reference says is
    /// streamed, so that a caller's budget holds.
    ///
    /// # Errors
    ///
    /// [`FetchError`]; a body that broke off is one too.
    pub async fn get(&self, reference: &ObjectReference) -> Result<FetchedObject, FetchError> {
        let output = self
            .client
            .get_object()
            .bucket(&reference.bucket)
            .key(&reference.key)
            .set_version_id(reference.version_id.clone())
            .set_if_match(reference.etag.as_ref().map(|etag| format!("\"{etag}\"")))
            .send()
            .await
            .map_err(|error| FetchError::new(reference, AwsFailure::from(error)))?;
        let size = output.content_length().and_then(|length| u64::try_from(length).ok());
        let etag = output.e_tag().and_then(unquoted_etag);
        let stream = ObjectStream::new(output.body, size, READ_STALL_MAX);
        let body = match size {
            Some(size) if size <= WHOLE_BYTES_MAX && reference.size.is_none_or(|said| size <= said) => {
                ObjectBody::Whole(whole(reference, stream, size).await?)
            }
            _ => ObjectBody::Stream(stream),
        };
        Ok(FetchedObject { reference: reference.clone(), etag, size, body })
    }

    /// What the object at this key and version is now; an entity tag in the reference is not looked at.
    ///
    /// # Errors
    ///
    /// [`FetchError`]; S3 gives no details here.
    pub async fn head(&self, reference: &ObjectReference) -> Result<ObjectHead, FetchError> {
        let output = self
            .client
            .head_object()
            .bucket(&reference.bucket)
            .key(&reference.key)
            .set_version_id(reference.version_id.clone())
            .send()
            .await
            .map_err(|error| FetchError::new(reference, AwsFailure::from(error)))?;
        let now = ObjectReference {
            etag: output.e_tag().and_then(unquoted_etag),
            size: output.content_length().and_then(|length| u64::try_from(length).ok()),
            ..reference.clone()
        };
        Ok(ObjectHead { reference: now, last_modified: output.last_modified().map(timestamp) })
    }

    /// The next objects of a bucket whose keys begin with `prefix` and come after `start_after`.
    ///
    /// # Errors
    ///
    /// [`FetchError`] about `s3://bucket/prefix`.
    pub async fn list(
        &self,
        bucket: &str,
        prefix: &str,
        start_after: Option<&str>,
    ) -> Result<ListPage, FetchError> {
        let place = ObjectReference::new(bucket, prefix);
        let output = self
            .client
            .list_objects_v2()
            .bucket(bucket)
            .prefix(prefix)
            .set_start_after(start_after.map(str::to_owned))
            // A key may have control characters, which XML cannot carry.
            .encoding_type(EncodingType::Url)
            .send()
            .await
            .map_err(|error| FetchError::new(&place, AwsFailure::from(error)))?;
        let is_encoded = output.encoding_type() == Some(&EncodingType::Url);
        let mut page = ListPage {
            objects: Vec::with_capacity(output.contents().len()),
            is_last: !output.is_truncated().unwrap_or(false),
            last_key: None,
        };
        for object in output.contents() {
            let key = object.key().unwrap_or_default();
            let key = match is_encoded {
                true => form_decoded(key).map_err(|reason| FetchError::Other {
                    object: place.to_string(),
                    detail: format!("the listed key `{}` {reason}", super::object_reference::shown(key)),
                })?,
                false => key.to_owned(),
            };
            page.last_key = Some(key.clone());
            page.objects.push(ListedObject {
                reference: ObjectReference {
                    etag: object.e_tag().and_then(unquoted_etag),
                    size: object.size().and_then(|size| u64::try_from(size).ok()),
                    ..ObjectReference::new(bucket, key)
                },
                last_modified: object.last_modified().map(timestamp),
            });
        }
        Ok(page)
    }
}

async fn whole(
    reference: &ObjectReference,
    stream: ObjectStream,
    expected_bytes: u64,
) -> Result<bytes::Bytes, FetchError> {
    stream.into_bytes().await.map_err(|broken| {
        let object = reference.to_string();
        match broken.error.kind() {
            std::io::ErrorKind::TimedOut => {
                FetchError::Unavailable { object, detail: broken.error.to_string() }
            }
            _ => FetchError::Cut { object, received_bytes: broken.received_bytes, expected_bytes },
        }
    })
}

fn timestamp(time: &DateTime) -> Timestamp {
    Timestamp::from_seconds(time.secs()).plus_micros(i64::from(time.subsec_nanos()) / 1_000)
}

/// The time now.
pub(crate) fn now() -> SystemTime {
    #[expect(clippy::disallowed_methods, reason = "when a queue was asked is told by the real clock")]
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_address_tells_its_region_or_its_server() {
        let region = |region: &str| Some(QueueHome::Region(region.to_owned()));
        let server = |server: &str| Some(QueueHome::Server(server.to_owned()));
        for (url, expected) in [
            ("https://sqs.eu-central-1.amazonaws.com/1/q", region("eu-central-1")),
            ("https://sqs.cn-north-1.amazonaws.com.cn/1/q", region("cn-north-1")),
            ("https://sqs.eu-west-1.api.aws/1/q", region("eu-west-1")),
            (
                "https://v.sqs.eu-west-1.vpce.amazonaws.com/1/q",
                server("https://v.sqs.eu-west-1.vpce.amazonaws.com"),
            ),
            ("https://eu-west-1.queue.amazonaws.com/1/q", None),
            ("http://127.0.0.1:5000/1/q", server("http://127.0.0.1:5000")),
            ("nonsense", None),
            ("http:///q", None),
        ] {
            assert_eq!(QueueHome::of(url), expected, "{url}");
        }
    }
}
