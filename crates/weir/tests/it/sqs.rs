//! Objects in a real bucket, told of by a real queue: each is counted once, whatever the queue does.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::support::aws::Bucket;
use crate::support::{Account, Folder, Server, alb_key, gzip, now_seconds, until};

const COUNT: &str = "alb_log_request_count_total";
const OBJECTS: &str = "weir_source_objects_total";
const DUPLICATES: &str = "weir_duplicate_objects_total";
const GIVEN_UP: &str = "weir_source_given_up_total";

/// A bucket, its queue, and a config that reads it.
struct Setting {
    bucket: Bucket,
    folder: Folder,
    config: String,
    /// What the objects have that were put.
    account: Account,
    /// A time some minutes ago, in seconds.
    base: i64,
}

impl Setting {
    fn of(bucket: Bucket) -> Self {
        Self::with(bucket, "receives_max: 1")
    }

    fn with(bucket: Bucket, sqs_keys: &str) -> Self {
        let folder = Folder::new();
        let config = folder
            .write("weir.yaml", format!("sources: [{{name: alb, type: alb, {}}}]\n", bucket.sqs(sqs_keys)));
        let base = now_seconds() / 300 * 300 - 1_800;
        Self { bucket, folder, config, account: Account::default(), base }
    }

    fn start(&self) -> Server {
        Server::start_in(&self.folder.path("data"), &["-c", &self.config])
    }

    /// The text of an object that has not been there before.
    fn text(&mut self, path: &str, count: u64) -> String {
        self.account.objects += 1;
        let second = self.base + i64::try_from(self.account.objects * 7 % 300).unwrap();
        self.account.requests(second, path, 200, count) + &self.account.requests(second + 60, path, 503, 1)
    }

    fn key(&self, random: &str) -> String {
        alb_key(self.base + 300, "10.0.0.1", random)
    }

    /// Waits until everything that was sent is dealt with, and compares.
    #[track_caller]
    fn finish(&self, server: &Server) {
        self.bucket.queue.await_empty();
        self.account.check(server, "alb");
    }
}

#[test]
fn an_object_that_is_put_is_counted() {
    let mut setting = Setting::of(Bucket::new("put"));
    for number in 0..5 {
        let text = setting.text("/cart", 3 + number) + &setting.account.reject();
        setting.bucket.put(&setting.key(&format!("before{number}")), gzip(text));
    }
    let server = setting.start();
    for number in 0..5 {
        let text = setting.text("/orders/{id}", 1 + number).replace("{id}", "77");
        setting.bucket.put(&setting.key(&format!("after{number}")), gzip(text));
    }
    for key in ["red flower+a&b=100%.log", "caf\u{e9}/\u{65e5}.log"] {
        let text = setting.text("/odd", 2);
        setting.bucket.put(key, text);
    }
    setting.finish(&server);
    assert_eq!(server.sum(DUPLICATES, &[]), 0.0);
    let silent = server.sum("weir_source_failed_objects_total", &[]);
    assert_eq!(silent, 0.0, "{}", server.log());
}

#[test]
fn a_message_that_comes_again_counts_once() {
    let mut setting = Setting::of(Bucket::without_notifications("again"));
    let [first, second] = ["first", "second"].map(|random| setting.key(random));
    let text = setting.text("/cart", 4);
    setting.bucket.put(&first, gzip(text));
    let text = setting.text("/cart", 5);
    setting.bucket.put(&second, gzip(text));
    let message = setting.bucket.notification(&[&first]);
    // Ten of the same in one batch, before anything is known of the object.
    setting.bucket.queue.send_all(&vec![message.clone(); 10]);
    let server = setting.start();
    until("the batch to be dealt with", || (server.sum(OBJECTS, &[]) == 1.0).then_some(()));
    setting.bucket.queue.await_empty();
    setting.bucket.queue.send(&message);
    // Both are in the message, and one of them twice.
    setting.bucket.queue.send(&setting.bucket.notification(&[&second, &first, &second]));
    setting.finish(&server);
    server.await_sum(DUPLICATES, &[("source", "alb")], 12.0);
    server.terminate();
    setting.bucket.queue.send(&message);
    let server = setting.start();
    setting.finish(&server);
    server.await_sum(DUPLICATES, &[("source", "alb")], 13.0);
}

#[test]
fn an_object_that_is_uploaded_again_counts_once() {
    let mut setting = Setting::of(Bucket::new("upload"));
    let server = setting.start();
    let key = setting.key("same");
    let text = setting.text("/cart", 200);
    setting.bucket.put(&key, gzip(&text));
    setting.finish(&server);
    // The same bytes with another ETag, the same text packed in another way, and not packed at all. The
    // emulator tells twice of an upload in parts.
    setting.bucket.put_in_parts(&key, &gzip(&text));
    setting.finish(&server);
    server.await_sum(DUPLICATES, &[], 2.0);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    setting.bucket.put(&key, encoder.finish().unwrap());
    setting.finish(&server);
    server.await_sum(DUPLICATES, &[], 3.0);
    setting.bucket.put(&key, &text);
    setting.finish(&server);
    server.await_sum(DUPLICATES, &[], 4.0);
    // Two messages about an ETag that is known by now.
    let message = setting.bucket.notification(&[&key]);
    setting.bucket.queue.send_all(&[message.clone(), message]);
    setting.finish(&server);
    server.await_sum(DUPLICATES, &[], 6.0);
    assert_eq!(server.sum(GIVEN_UP, &[]), 0.0, "{}", server.log());
}

#[test]
fn another_content_under_a_counted_key_is_a_reject() {
    let mut setting = Setting::of(Bucket::new("changed"));
    let server = setting.start();
    let key = setting.key("changed");
    let text = setting.text("/cart", 20);
    setting.bucket.put(&key, gzip(&text));
    setting.finish(&server);
    let changed = [("source", "alb"), ("reason", "object_changed")];
    setting.bucket.put(&key, gzip(text.replace("/cart", "/mart")));
    setting.finish(&server);
    server.await_sum(GIVEN_UP, &changed, 1.0);
    // It is kept once, however often it is told of, and the first content is still known.
    let message = setting.bucket.notification(&[&key]);
    setting.bucket.queue.send_all(&[message.clone(), message]);
    setting.bucket.queue.await_empty();
    setting.bucket.put(&key, gzip(&text));
    setting.finish(&server);
    server.kill();
    let server = setting.start();
    setting.bucket.put(&key, gzip(text.replace("/cart", "/mart")));
    setting.finish(&server);
    assert_eq!(server.sum(GIVEN_UP, &changed), 1.0, "{}", server.log());
}

#[test]
fn envelopes_of_other_services_are_opened() {
    let mut setting = Setting::of(Bucket::with_topic("topic"));
    let server = setting.start();
    let text = setting.text("/topic", 2);
    setting.bucket.put("by topic.log", text);
    setting.finish(&server);
    let mut setting = Setting::of(Bucket::without_notifications("bridge"));
    let server = setting.start();
    // Here the key is not encoded.
    let text = setting.text("/bridge", 2);
    setting.bucket.put("my logs+x/a%20b.log", text);
    let event = json!({
        "version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "detail-type": "Object Created",
        "source": "aws.s3", "account": "111122223333", "time": "2026-11-20T10:20:07Z", "region": "eu-central-1",
        "resources": [format!("arn:aws:s3:::{}", setting.bucket.name)],
        "detail": {
            "version": "0", "bucket": {"name": setting.bucket.name},
            "object": {"key": "my logs+x/a%20b.log", "size": 1, "sequencer": "00617F08299329D189"},
            "reason": "PutObject",
        },
    });
    setting.bucket.queue.send(&event.to_string());
    setting.finish(&server);
    assert_eq!(server.sum(GIVEN_UP, &[]), 0.0, "{}", server.log());
}

#[test]
fn what_tells_of_no_new_object_is_deleted() {
    let setting = Setting::of(Bucket::new("nothing"));
    setting.bucket.queue.send(
        r#"{"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-20T10:00:00.000Z", "Bucket": "b"}"#,
    );
    let removed =
        setting.bucket.notification(&["gone.log.gz"]).replace("ObjectCreated:Put", "ObjectRemoved:Delete");
    setting.bucket.queue.send(&removed);
    let server = setting.start();
    setting.finish(&server);
    assert_eq!(server.sum(GIVEN_UP, &[]), 0.0, "{}", server.log());
    assert_eq!(server.sum("weir_source_failed_objects_total", &[]), 0.0);
}

#[test]
fn what_can_never_be_counted_is_kept_and_sent_on() {
    let dead = crate::support::aws::Queue::new("dead");
    let keys = format!("receives_max: 2, dead_letter_queue_url: '{}'", dead.url());
    let mut setting = Setting::with(Bucket::without_notifications("poison"), &keys);
    let bucket = &setting.bucket;
    let mut packed = gzip(crate::support::lines::albs(500, "/lost", 200));
    packed.truncate(packed.len() / 2);
    bucket.put("cut.log.gz", packed);
    bucket.put("missing.log.gz", "");
    bucket.delete("missing.log.gz");
    for key in ["cut.log.gz", "missing.log.gz"] {
        bucket.queue.send(&bucket.notification(&[key]));
    }
    bucket.queue.send("this is not JSON");
    bucket.queue.send(r#"{"hello": "world"}"#);
    let good = setting.text("/good", 3);
    setting.bucket.put("good.log", good);
    setting.bucket.queue.send(&setting.bucket.notification(&["good.log"]));
    let server = setting.start();
    setting.finish(&server);
    server.await_sum(GIVEN_UP, &[("source", "alb")], 4.0);
    let mut letters = Vec::new();
    while let Some(letter) = dead.receive() {
        letters.push(letter);
    }
    assert_eq!(letters.len(), 4, "{letters:?}");
    for (part, reason) in
        [("this is not JSON", "JSON"), ("missing.log.gz", "missing.log.gz"), ("cut.log.gz", "cut off")]
    {
        assert!(
            letters.iter().any(|(body, why)| body.contains(part) && why.contains(reason)),
            "{part}: {letters:?}"
        );
    }
    for reason in ["object_missing", "message_not_json"] {
        assert_eq!(server.sum(GIVEN_UP, &[("reason", reason)]), 1.0, "{reason}\n{}", server.metrics());
    }
}

#[test]
fn objects_beside_access_logs_are_passed_over() {
    let mut setting = Setting::of(Bucket::new("beside"));
    let server = setting.start();
    let name = setting.key("x").rsplit('/').next().unwrap().to_owned();
    for key in [
        format!("conn_log.{name}"),
        format!("health_check_log_{name}"),
        name.replace("_app.", "_net.").replace("10.0.0.1_", ""),
        "AWSLogs/111122223333/ELBAccessLogTestFile".to_owned(),
    ] {
        setting.bucket.put(&key, gzip("what stands here is not looked at\n"));
    }
    // An object without a line is one, with nothing to count.
    setting.bucket.put(&setting.key("empty"), "");
    setting.bucket.put(&setting.key("blank"), gzip(""));
    setting.account.objects += 2;
    let text = setting.text("/cart", 2);
    setting.bucket.put(&setting.key("good"), gzip(text));
    setting.finish(&server);
    assert_eq!(server.sum(GIVEN_UP, &[]), 0.0, "{}", server.log());
}

#[test]
fn of_a_message_with_several_records_only_what_failed_is_done_again() {
    let mut setting = Setting::with(Bucket::without_notifications("several"), "receives_max: 1000");
    let keys = ["a", "b", "late", "c"].map(|random| setting.key(random));
    for key in keys.iter().filter(|key| !key.contains("late")) {
        let text = setting.text("/cart", 2);
        setting.bucket.put(key, gzip(text));
    }
    setting.bucket.queue.send(&setting.bucket.notification(&keys.each_ref().map(String::as_str)));
    let server = setting.start();
    server.await_sum(OBJECTS, &[], 3.0);
    let missing = [("source", "alb"), ("reason", "object_missing")];
    until("the missing one to be noticed", || {
        (server.sum("weir_source_failed_objects_total", &missing) >= 1.0).then_some(())
    });
    assert_ne!(setting.bucket.queue.message_counts(), (0, 0), "the message is still needed");
    let text = setting.text("/late", 2);
    setting.bucket.put(&keys[2], gzip(text));
    setting.finish(&server);
    assert_eq!(server.sum(GIVEN_UP, &[]), 0.0, "{}", server.log());
}

#[test]
fn counts_go_on_after_a_restart() {
    let mut setting = Setting::of(Bucket::new("restart"));
    let mut key = 0;
    for round in 0..4 {
        let server = setting.start();
        setting.account.check(&server, "alb");
        for _ in 0..4 {
            key += 1;
            let text = setting.text(if round % 2 == 0 { "/cart" } else { "/orders" }, key);
            setting.bucket.put(&setting.key(&key.to_string()), gzip(text));
        }
        setting.finish(&server);
        if round % 2 == 0 {
            server.kill();
        } else {
            let (code, log) = server.terminate();
            assert_eq!(code, Some(0), "{log}");
        }
    }
    assert_eq!(setting.start().sum(COUNT, &[]), setting.account.total() as f64);
}
