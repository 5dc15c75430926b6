//! A server that answers as S3 and SQS do, as far as the tests of this folder need it, and a sink that remembers.
//!
//! It speaks HTTP over a real socket, so what is tested is what the SDK really sends and understands. A message that
//! is postponed is there again at once, only its receive count has risen: tests wait for events and not for time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime};

use aws_sdk_s3::config::Credentials;
use serde_json::{Value, json};
use tokio::sync::watch;
use weir_record::NotAccessLog;

use super::client::{AwsClients, FetchedObject, S3Settings};
use super::object_body::ObjectBody;
use super::object_reference::{ObjectReference, form_decoded};
use super::sink::{GivenUp, GivenUpContent, ObjectSink, Taken, Unavailable};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// How an object is answered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Serve {
    Whole,
    /// Fewer bytes than announced.
    Cut,
    Denied,
}

#[derive(Clone, Debug)]
struct Message {
    id: String,
    body: String,
    receive_count: u32,
    is_visible: bool,
}

#[derive(Default)]
struct World {
    objects: BTreeMap<String, (Vec<u8>, String, Option<Serve>)>,
    messages: Vec<Message>,
    dead_letters: Vec<(String, String)>,
    /// What was asked for, one line each.
    calls: Vec<String>,
    receives_refused: u32,
    is_depth_refused: bool,
    /// Messages that another reader has received.
    in_flight_elsewhere: usize,
    /// Receives that bring nothing though there are messages.
    receives_short: u32,
    page_keys_max: usize,
}

/// The server; it ends with this value.
pub(crate) struct FakeAws {
    address: SocketAddr,
    world: Arc<(Mutex<World>, Condvar)>,
    is_ended: Arc<AtomicBool>,
}

pub(crate) const VISIBILITY: Duration = Duration::from_secs(300);

impl FakeAws {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let world = Arc::new((Mutex::new(World { page_keys_max: 1000, ..World::default() }), Condvar::new()));
        let is_ended = Arc::new(AtomicBool::new(false));
        let (served, ended) = (Arc::clone(&world), Arc::clone(&is_ended));
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let (served, connection) = (Arc::clone(&served), connection.unwrap());
                std::thread::spawn(move || serve(connection, &served));
            }
        });
        Self { address, world, is_ended }
    }

    pub(crate) async fn clients(&self) -> AwsClients {
        let settings = S3Settings {
            region: Some("eu-central-1".to_owned()),
            endpoint_url: Some(format!("http://{}", self.address)),
            path_style: true,
        };
        let credentials = Credentials::new("id", "secret", None, None, "test");
        AwsClients::load_with(&settings, Some(credentials)).await
    }

    pub(crate) fn queue_url(&self) -> String {
        format!("http://{}/1/queue", self.address)
    }

    fn world<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let outcome = change(&mut self.world.0.lock().unwrap());
        self.world.1.notify_all();
        outcome
    }

    /// Puts an object into the bucket `b`; its entity tag is its content.
    pub(crate) fn put(&self, key: &str, body: &str, serve: Serve) {
        let object = (body.as_bytes().to_vec(), body.chars().take(20).collect(), Some(serve));
        self.world(|world| world.objects.insert(key.to_owned(), object));
    }

    pub(crate) fn send(&self, id: &str, body: String) {
        let message = Message { id: id.to_owned(), body, receive_count: 0, is_visible: true };
        self.world(|world| world.messages.push(message));
    }

    pub(crate) fn refuse_receives(&self, count: u32) {
        self.world(|world| world.receives_refused = count);
    }

    pub(crate) fn refuse_depth(&self) {
        self.world(|world| world.is_depth_refused = true);
    }

    /// Another reader has this many messages.
    pub(crate) fn have_in_flight_elsewhere(&self, count: usize) {
        self.world(|world| world.in_flight_elsewhere = count);
    }

    /// Answers so many receives with nothing.
    pub(crate) fn receive_short(&self, count: u32) {
        self.world(|world| world.receives_short = count);
    }

    /// Messages have been received so often before.
    pub(crate) fn received_before(&self, count: u32) {
        self.world(|world| world.messages.iter_mut().for_each(|message| message.receive_count = count));
    }

    pub(crate) fn list_in_pages_of(&self, keys: usize) {
        self.world(|world| world.page_keys_max = keys);
    }

    pub(crate) fn messages(&self) -> Vec<String> {
        self.world(|world| world.messages.iter().map(|message| message.id.clone()).collect())
    }

    pub(crate) fn dead_letters(&self) -> Vec<(String, String)> {
        self.world(|world| world.dead_letters.clone())
    }

    /// How many calls were made that begin so.
    pub(crate) fn call_count(&self, start: &str) -> usize {
        self.world(|world| world.calls.iter().filter(|call| call.starts_with(start)).count())
    }

    /// Waits until the server has seen what is looked for.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let waited = async {
            while !is_so(self) {
                let world = Arc::clone(&self.world);
                tokio::task::spawn_blocking(move || {
                    let guard = world.0.lock().unwrap();
                    drop(world.1.wait_timeout(guard, Duration::from_millis(20)).unwrap());
                })
                .await
                .unwrap();
            }
        };
        if tokio::time::timeout(PATIENCE, waited).await.is_err() {
            panic!("{what} did not happen: {:#?}", self.world(|world| world.calls.clone()));
        }
    }
}

impl Drop for FakeAws {
    fn drop(&mut self) {
        self.is_ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

struct Request {
    method: String,
    path: String,
    query: HashMap<String, String>,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

struct Response {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    length: usize,
}

impl Response {
    fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self { status, headers: Vec::new(), length: body.len(), body }
    }

    fn s3_error(status: u16, code: &str) -> Self {
        Self::new(status, format!("<Error><Code>{code}</Code><Message>as asked</Message></Error>"))
    }
}

fn serve(mut connection: TcpStream, world: &(Mutex<World>, Condvar)) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    while let Some(request) = read_request(&mut reader) {
        let response = if let Some(target) = request.headers.get("x-amz-target") {
            answer_queue(target, &request, world)
        } else {
            let response = answer_s3(&request, &mut world.0.lock().unwrap());
            world.1.notify_all();
            response
        };
        let mut head = format!("HTTP/1.1 {} X\r\ncontent-length: {}\r\n", response.status, response.length);
        for (name, value) in &response.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let is_cut = response.length != response.body.len();
        let is_head = request.method == "HEAD";
        let body = if is_head { &[][..] } else { &response.body };
        let sent =
            connection.write_all(format!("{head}\r\n").as_bytes()).and_then(|()| connection.write_all(body));
        if sent.is_err() || is_cut && !is_head {
            return;
        }
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut parts = line.split_whitespace();
    let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.to_owned()),
            None => break,
        };
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = pairs.map(|(name, value)| (name.to_owned(), form_decoded(value).unwrap())).collect();
    Some(Request { method, path: form_decoded(path).unwrap(), query, headers, body })
}

fn answer_s3(request: &Request, world: &mut World) -> Response {
    let key = request.path.strip_prefix("/b/").or(request.path.strip_prefix("/b")).unwrap_or(&request.path);
    if request.query.contains_key("list-type") {
        return answer_list(request, world);
    }
    world.calls.push(format!("{} {key}", request.method));
    let Some((body, etag, serve)) = world.objects.get(key) else {
        return Response::s3_error(404, "NoSuchKey");
    };
    if request.headers.get("if-match").is_some_and(|wanted| *wanted != format!("\"{etag}\"")) {
        return Response::s3_error(412, "PreconditionFailed");
    }
    let mut response = Response::new(200, body.clone());
    match serve {
        Some(Serve::Denied) => return Response::s3_error(403, "AccessDenied"),
        Some(Serve::Cut) => response.length += 1,
        _ => {}
    }
    response.headers.push(("etag", format!("\"{etag}\"")));
    response
}

fn answer_list(request: &Request, world: &mut World) -> Response {
    let text = |name: &str| request.query.get(name).map_or("", String::as_str);
    world.calls.push(format!("LIST {}", text("start-after")));
    let mut keys = world
        .objects
        .iter()
        .filter(|(key, _)| key.starts_with(text("prefix")) && key.as_str() > text("start-after"));
    let page: Vec<_> = keys.by_ref().take(world.page_keys_max).collect();
    let mut xml = format!(
        "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{}</IsTruncated>",
        keys.next().is_some()
    );
    for (key, (body, etag, _)) in page {
        let _ = write!(
            xml,
            "<Contents><Key>{}</Key><LastModified>2026-11-20T10:00:00.000Z</LastModified>\
             <ETag>&quot;{etag}&quot;</ETag><Size>{}</Size></Contents>",
            key.replace('%', "%25").replace('+', "%2B").replace(' ', "+"),
            body.len()
        );
    }
    Response::new(200, xml + "</ListBucketResult>")
}

fn answer_queue(target: &str, request: &Request, world: &(Mutex<World>, Condvar)) -> Response {
    let input: Value = serde_json::from_slice(&request.body).unwrap();
    let call = target.trim_start_matches("AmazonSQS.");
    let mut guard = world.0.lock().unwrap();
    if call == "ReceiveMessage" && guard.messages.iter().all(|message| !message.is_visible) {
        guard = world.1.wait_timeout(guard, Duration::from_millis(50)).unwrap().0;
    }
    let (status, output) = match call {
        "ReceiveMessage" if guard.receives_refused > 0 => {
            guard.receives_refused -= 1;
            guard.calls.push("refused".to_owned());
            (403, json!({"__type": "com.amazonaws.sqs#AccessDeniedException", "message": "as asked"}))
        }
        "ReceiveMessage" if guard.receives_short > 0 => {
            guard.receives_short -= 1;
            guard.calls.push("short".to_owned());
            (200, json!({}))
        }
        "GetQueueAttributes" if guard.is_depth_refused => {
            guard.calls.push("depth refused".to_owned());
            (403, json!({"__type": "com.amazonaws.sqs#AccessDeniedException", "message": "as asked"}))
        }
        "GetQueueAttributes" => {
            let visible = guard.messages.iter().filter(|message| message.is_visible).count();
            let in_flight = guard.messages.len() - visible + guard.in_flight_elsewhere;
            guard.calls.push(format!("depth {visible} {in_flight}"));
            (
                200,
                json!({"Attributes": {"ApproximateNumberOfMessages": visible.to_string(),
                "ApproximateNumberOfMessagesNotVisible": in_flight.to_string()}}),
            )
        }
        "ReceiveMessage" => (200, receive(&mut guard, input["MaxNumberOfMessages"].as_u64().unwrap())),
        "SendMessage" => {
            let reason = input["MessageAttributes"]["reason"]["StringValue"].as_str().unwrap().to_owned();
            guard.dead_letters.push((input["MessageBody"].as_str().unwrap().to_owned(), reason));
            (200, json!({"MessageId": "d", "MD5OfMessageBody": "x"}))
        }
        _ => (200, change(&mut guard, call, &input)),
    };
    world.1.notify_all();
    let mut response = Response::new(status, output.to_string());
    response.headers.push(("content-type", "application/x-amz-json-1.0".to_owned()));
    response
}

fn receive(world: &mut World, count_max: u64) -> Value {
    let visible = world.messages.iter_mut().filter(|message| message.is_visible).take(count_max as usize);
    let messages: Vec<Value> = visible
        .map(|message| {
            message.is_visible = false;
            message.receive_count += 1;
            json!({"MessageId": message.id, "ReceiptHandle": message.id, "Body": message.body,
                "Attributes": {"ApproximateReceiveCount": message.receive_count.to_string()}})
        })
        .collect();
    json!({"Messages": messages})
}

/// Deletions and visibility; a time other than the heartbeat's makes a message visible at once.
fn change(world: &mut World, call: &str, input: &Value) -> Value {
    let mut done = Vec::new();
    for entry in input["Entries"].as_array().unwrap() {
        let handle = entry["ReceiptHandle"].as_str().unwrap();
        if call == "DeleteMessageBatch" {
            world.messages.retain(|message| message.id != handle);
            world.calls.push(format!("delete {handle}"));
        } else {
            let visibility_s = entry["VisibilityTimeout"].as_u64().unwrap();
            world.calls.push(format!("visibility {handle} {visibility_s}"));
            let is_heartbeat = [3, VISIBILITY.as_secs()].contains(&visibility_s);
            for message in world.messages.iter_mut().filter(|message| message.id == handle) {
                message.is_visible |= !is_heartbeat;
            }
        }
        done.push(json!({"Id": entry["Id"]}));
    }
    json!({"Successful": done, "Failed": []})
}

/// A sink that remembers. What becomes of an object stands in its body.
#[derive(Default)]
pub(crate) struct Remembering {
    pub(crate) seen: Mutex<Seen>,
    changes: watch::Sender<u64>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) counted: Vec<String>,
    pub(crate) given_up: Vec<String>,
    pub(crate) failed: Vec<&'static str>,
    pub(crate) duplicates: u64,
    pub(crate) caught_up: u64,
    pub(crate) skipped: Vec<NotAccessLog>,
    /// What was given up and is not to blame for it.
    pub(crate) out_of_reach: Vec<String>,
    fell_through: HashMap<String, u32>,
    known: HashSet<(String, Option<String>)>,
}

impl Remembering {
    fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap());
        self.changes.send_modify(|number| *number += 1);
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Seen) -> bool) {
        let mut changes = self.changes.subscribe();
        let waited = changes.wait_for(|_| is_so(&self.seen.lock().unwrap()));
        let is_in_time = tokio::time::timeout(PATIENCE, waited).await.is_ok();
        assert!(is_in_time, "{what} did not happen: {:#?}", self.seen());
    }
}

impl ObjectSink for Remembering {
    fn is_known(&self, object: &ObjectReference) -> bool {
        self.seen.lock().unwrap().known.contains(&(object.key.clone(), object.etag.clone()))
    }

    async fn take(&self, object: FetchedObject) -> Taken {
        let body = match object.body {
            ObjectBody::Whole(body) => String::from_utf8_lossy(&body).into_owned(),
            ObjectBody::Stream(stream) => {
                let mut read = stream.into_read(tokio::runtime::Handle::current());
                let mut text = String::new();
                let reading =
                    tokio::task::spawn_blocking(move || read.read_to_string(&mut text).map(|_| text));
                match reading.await.unwrap() {
                    Ok(_) => "stream".to_owned(),
                    Err(_) => "broken".to_owned(),
                }
            }
        };
        let key = object.reference.key;
        match body.as_str() {
            "broken" => return Taken::Broken { label: "truncated", text: "it is cut".to_owned() },
            "unavailable" => return Taken::Unavailable,
            "panic" => panic!("as asked"),
            "falls through twice" => {
                let mut times = 0;
                self.change(|seen| {
                    let count = seen.fell_through.entry(key.clone()).or_default();
                    *count += 1;
                    times = *count;
                });
                if times <= 2 {
                    return Taken::Again;
                }
            }
            "falls through" => return Taken::Again,
            "never" => std::future::pending().await,
            _ => {}
        }
        self.change(|seen| {
            seen.known.insert((key.clone(), object.etag));
            seen.counted.push(key);
        });
        Taken::Counted
    }

    async fn give_up(&self, what: GivenUp) -> Result<(), Unavailable> {
        self.change(|seen| {
            let content = match what.content {
                GivenUpContent::Message { id, .. } => format!("message {id}"),
                GivenUpContent::Object(object) => object.key,
            };
            if !what.is_content_at_fault {
                seen.out_of_reach.push(content.clone());
            }
            seen.given_up.push(format!("{} {content}", what.label));
        });
        Ok(())
    }

    fn failed(&self, label: &'static str) {
        self.change(|seen| seen.failed.push(label));
    }

    fn duplicate(&self) {
        self.change(|seen| seen.duplicates += 1);
    }

    fn skipped(&self, kind: NotAccessLog) {
        self.change(|seen| seen.skipped.push(kind));
    }

    fn caught_up(&self, _at: SystemTime) {
        self.change(|seen| seen.caught_up += 1);
    }
}

/// A message about objects, each with the entity tag that it will have, if any is given.
pub(crate) fn notification(objects: &[(&str, Option<&str>)]) -> String {
    let record = |(key, etag): &(&str, Option<&str>)| {
        json!({"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "b"}, "object": {"key": key, "eTag": etag, "size": 20}}})
    };
    json!({"Records": objects.iter().map(record).collect::<Vec<_>>()}).to_string()
}
