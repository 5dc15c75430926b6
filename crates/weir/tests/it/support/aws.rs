//! An emulator of AWS: buckets that tell queues of new objects.
//!
//! One emulator for all tests, since it takes a second to start; each test has a bucket and a queue of its
//! own. It ends when its standard input does, so it never outlives the tests, even if they are killed.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::http::{Response, request};
use super::python::python;
use super::wait::until;

/// The region of everything here.
const REGION: &str = "eu-central-1";

/// The account that the emulator has.
const ACCOUNT: &str = "123456789012";

/// What the program needs to be let in; the emulator takes any credentials.
pub const CREDENTIALS: [(&str, &str); 4] = [
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_REGION", REGION),
];

struct Aws {
    address: String,
    /// With its standard input, which is open as long as the tests run.
    _process: Child,
}

fn aws() -> &'static Aws {
    static AWS: OnceLock<Aws> = OnceLock::new();
    AWS.get_or_init(|| {
        let mut command = python(include_str!("aws.py"), &[]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let address = format!("127.0.0.1:{}", port.trim().parse::<u16>().expect("the emulator's port"));
        Aws { address, _process: process }
    })
}

fn authorization(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

/// A queue.
#[derive(Clone, Debug)]
pub struct Queue {
    name: String,
}

/// A bucket and the queue that it tells of new objects.
pub struct Bucket {
    pub name: String,
    pub queue: Queue,
}

impl Queue {
    /// A new, empty queue.
    #[track_caller]
    pub fn new(what: &str) -> Self {
        let queue = Self { name: unique(what) };
        queue.call("CreateQueue", &json!({"QueueName": queue.name}));
        queue
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}/{ACCOUNT}/{}", aws().address, self.name)
    }

    fn arn(&self) -> String {
        format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{}", self.name)
    }

    /// Sends a message.
    #[track_caller]
    pub fn send(&self, body: &str) {
        self.call("SendMessage", &json!({"QueueUrl": self.url(), "MessageBody": body}));
    }

    /// Sends messages, ten at a time.
    #[track_caller]
    pub fn send_all(&self, bodies: &[String]) {
        for bodies in bodies.chunks(10) {
            let entry = |(id, body): (usize, &String)| json!({"Id": id.to_string(), "MessageBody": body});
            let entries: Vec<Value> = bodies.iter().enumerate().map(entry).collect();
            let answer = self.call("SendMessageBatch", &json!({"QueueUrl": self.url(), "Entries": entries}));
            assert_eq!(answer["Successful"].as_array().map(Vec::len), Some(bodies.len()), "{answer}");
        }
    }

    /// Takes a message out and returns its body and the text of its attribute `reason`.
    #[track_caller]
    pub fn receive(&self) -> Option<(String, String)> {
        let answer = self.call(
            "ReceiveMessage",
            &json!({"QueueUrl": self.url(), "MaxNumberOfMessages": 1, "WaitTimeSeconds": 0,
                   "MessageAttributeNames": ["All"]}),
        );
        let message = answer["Messages"].as_array()?.first()?.clone();
        self.call(
            "DeleteMessage",
            &json!({"QueueUrl": self.url(), "ReceiptHandle": message["ReceiptHandle"]}),
        );
        let reason = message["MessageAttributes"]["reason"]["StringValue"].as_str().unwrap_or_default();
        Some((message["Body"].as_str()?.to_owned(), reason.to_owned()))
    }

    /// Messages that wait, and messages that somebody has received and not deleted.
    #[track_caller]
    pub fn message_counts(&self) -> (u64, u64) {
        let answer =
            self.call("GetQueueAttributes", &json!({"QueueUrl": self.url(), "AttributeNames": ["All"]}));
        let count = |name: &str| answer["Attributes"][name].as_str().and_then(|count| count.parse().ok());
        let counts = (
            count("ApproximateNumberOfMessages").zip(count("ApproximateNumberOfMessagesNotVisible")),
            count("ApproximateNumberOfMessagesDelayed"),
        );
        match counts {
            (Some((waiting, in_work)), Some(0)) => (waiting, in_work),
            _ => panic!("{answer}"),
        }
    }

    /// Waits until nothing is left in it. The two counts are made one after the other, so that a message which becomes
    /// visible between them is in neither; it is not missed twice.
    #[track_caller]
    pub fn await_empty(&self) {
        let is_empty = || self.message_counts() == (0, 0);
        until("the queue to be empty", || (is_empty() && is_empty()).then_some(()));
    }

    #[track_caller]
    fn call(&self, action: &str, body: &Value) -> Value {
        let headers = [
            ("X-Amz-Target", &*format!("AmazonSQS.{action}")),
            ("Content-Type", "application/x-amz-json-1.0"),
            ("Authorization", &authorization("sqs")),
        ];
        let response = request(&aws().address, "POST", "/", &headers, body.to_string().as_bytes());
        assert_eq!(response.status, 200, "{action}: {}", response.lossy());
        if response.body.is_empty() { Value::Null } else { response.json() }
    }
}

impl Bucket {
    /// A new bucket that tells a new queue of every new object. AWS sends a test event at once.
    #[track_caller]
    pub fn new(what: &str) -> Self {
        let bucket = Self::without_notifications(what);
        bucket.notify(&format!(
            "<QueueConfiguration><Id>weir</Id><Queue>{}</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration>",
            bucket.queue.arn()
        ));
        bucket
    }

    /// The same with a topic between the bucket and the queue.
    #[track_caller]
    pub fn with_topic(what: &str) -> Self {
        let bucket = Self::without_notifications(what);
        let topic = format!("arn:aws:sns:{REGION}:{ACCOUNT}:{}", bucket.name);
        notification_service(&format!("Action=CreateTopic&Name={}", bucket.name));
        let queue = bucket.queue.arn();
        notification_service(&format!("Action=Subscribe&TopicArn={topic}&Protocol=sqs&Endpoint={queue}"));
        bucket.notify(&format!(
            "<TopicConfiguration><Id>weir</Id><Topic>{topic}</Topic><Event>s3:ObjectCreated:*</Event></TopicConfiguration>"
        ));
        bucket
    }

    /// A bucket whose queue only has what a test sends.
    #[track_caller]
    pub fn without_notifications(what: &str) -> Self {
        let bucket = Self { name: unique(what), queue: Queue::new(what) };
        bucket.call(
            "PUT",
            "",
            format!(
                "<CreateBucketConfiguration><LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>"
            )
            .as_bytes(),
        );
        bucket
    }

    #[track_caller]
    fn notify(&self, configuration: &str) {
        let body = format!("<NotificationConfiguration>{configuration}</NotificationConfiguration>");
        self.call("PUT", "?notification", body.as_bytes());
    }

    /// Writes an object and returns its ETag.
    #[track_caller]
    pub fn put(&self, key: &str, content: impl AsRef<[u8]>) -> String {
        let response = self.call("PUT", &format!("/{}", in_path(key)), content.as_ref());
        response.header("etag").trim_matches('"').to_owned()
    }

    /// Writes an object as large ones are written, which gives another kind of ETag.
    #[track_caller]
    pub fn put_in_parts(&self, key: &str, content: &[u8]) {
        let path = format!("/{}", in_path(key));
        let started = self.call("POST", &format!("{path}?uploads"), b"").lossy();
        let id =
            started.split_once("<UploadId>").and_then(|(_, rest)| rest.split_once('<')).unwrap().0.to_owned();
        let part = self.call("PUT", &format!("{path}?partNumber=1&uploadId={id}"), content);
        let body = format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part></CompleteMultipartUpload>",
            part.header("etag")
        );
        self.call("POST", &format!("{path}?uploadId={id}"), body.as_bytes());
    }

    /// Removes an object.
    #[track_caller]
    pub fn delete(&self, key: &str) {
        self.call("DELETE", &format!("/{}", in_path(key)), b"");
    }

    /// A message that tells of these objects, without their ETags, as one that S3 sends.
    pub fn notification(&self, keys: &[&str]) -> String {
        let record = |key: &&str| {
            json!({
                "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": REGION,
                "eventTime": "2026-11-20T10:20:07.123Z", "eventName": "ObjectCreated:Put",
                "s3": {
                    "s3SchemaVersion": "1.0", "configurationId": "weir",
                    "bucket": {"name": self.name, "arn": format!("arn:aws:s3:::{}", self.name)},
                    "object": {"key": in_path(key)},
                },
            })
        };
        json!({"Records": keys.iter().map(record).collect::<Vec<_>>()}).to_string()
    }

    /// The keys `sqs` or `s3` of a source need these to find the emulator.
    pub fn endpoint(&self) -> String {
        format!("endpoint_url: 'http://{}', path_style: true, region: {REGION}", aws().address)
    }

    /// The input of a source in a config: the queue, and more keys of `sqs`.
    pub fn sqs(&self, more: &str) -> String {
        let separator = if more.is_empty() { "" } else { ", " };
        format!(
            "sqs: {{queue_url: '{}', visibility_timeout: 30s, {}{separator}{more}}}",
            self.queue.url(),
            self.endpoint()
        )
    }

    #[track_caller]
    fn call(&self, method: &str, path: &str, body: &[u8]) -> Response {
        let path = format!("/{}{path}", self.name);
        let headers = [("Authorization", &*authorization("s3"))];
        let response = request(&aws().address, method, &path, &headers, body);
        assert!(response.status < 300, "{method} {path}: {} {}", response.status, response.lossy());
        response
    }
}

#[track_caller]
fn notification_service(form: &str) {
    let headers =
        [("Authorization", &*authorization("sns")), ("Content-Type", "application/x-www-form-urlencoded")];
    let response = request(&aws().address, "POST", "/", &headers, form.as_bytes());
    assert_eq!(response.status, 200, "{form}: {}", response.lossy());
}

/// A key as it stands in an address and in a notification.
fn in_path(key: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    let escaped =
        |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    key.bytes().map(escaped).collect()
}

fn unique(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{what}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}
