//! `weir lambda`: events in, pushes and answers out, as AWS' runtime interface has them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::aws::Bucket;
use crate::support::gateway_sink::GatewaySink;
use crate::support::lambda::{Answer, Lambda};
use crate::support::lines::albs;
use crate::support::{Folder, Server, gzip, weir};

/// Requests, as every series of the main counter has them.
const COUNT: &str = "alb_log_request_count_total";

/// A bucket and a config by which its emulator is found.
struct Scene {
    bucket: Bucket,
    folder: Folder,
}

impl Scene {
    fn new(what: &str) -> Self {
        let bucket = Bucket::without_notifications(what);
        let folder = Folder::new();
        let source = format!("{{name: alb, type: alb, {}}}", bucket.sqs(""));
        folder.write("weir.yaml", format!("version: 1\nsources: [{source}]\n"));
        Self { bucket, folder }
    }

    /// A function that pushes to this gateway.
    fn function(&self, gateway: &str, variables: &[(&str, &str)]) -> Lambda {
        let config = self.folder.path("weir.yaml");
        let own = [("PUSH_ENDPOINT", gateway), ("WEIR_CONFIG", &config)];
        Lambda::start(&[&own, variables].concat())
    }

    /// Writes an object with this many requests.
    fn put(&self, key: &str, requests: u32) {
        self.bucket.put(key, gzip(albs(requests, &format!("/{key}"), 200)));
    }

    /// What S3 says of these objects.
    fn event(&self, keys: &[&str]) -> Value {
        serde_json::from_str(&self.bucket.notification(keys)).unwrap()
    }
}

/// An event of a queue with messages `m0`, `m1`, ... of these bodies.
fn of_queue(bodies: &[String], arn: &str) -> String {
    let record = |(index, body): (usize, &String)| {
        json!({
            "messageId": format!("m{index}"), "receiptHandle": "h", "body": body, "attributes": {},
            "messageAttributes": {}, "md5OfBody": "-", "eventSource": "aws:sqs", "eventSourceARN": arn,
            "awsRegion": "eu-central-1",
        })
    };
    json!({ "Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>() }).to_string()
}

const QUEUE: &str = "arn:aws:sqs:eu-central-1:123456789012:alb";

fn of_topic(body: &str) -> String {
    json!({ "Records": [{
        "EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "arn:aws:sns:x",
        "Sns": { "Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:x", "Message": body },
    }] })
    .to_string()
}

fn of_event_bridge(bucket: &str, key: &str) -> String {
    json!({
        "version": "0", "id": "1", "detail-type": "Object Created", "source": "aws.s3",
        "account": "123456789012", "time": "2026-11-20T10:20:07Z", "region": "eu-central-1",
        "detail": { "version": "0", "bucket": { "name": bucket }, "object": { "key": key } },
    })
    .to_string()
}

#[track_caller]
fn response(answer: Answer) -> Value {
    match answer {
        Answer::Response(value) => value,
        other => panic!("{other:?}"),
    }
}

/// The ids that a queue is told of.
#[track_caller]
fn failed_ids(answer: Answer) -> Vec<String> {
    let response = response(answer);
    let items = response["batchItemFailures"].as_array().expect("a list").clone();
    assert_eq!(response.as_object().map(serde_json::Map::len), Some(1), "{response}");
    items.iter().map(|item| item["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn error(answer: Answer) -> (String, String) {
    match answer {
        Answer::Error(kind, text) => (kind, text),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_sender_of_events_is_understood() {
    let scene = Scene::new("lambda-senders");
    let gateway = GatewaySink::new();
    let function = scene.function(&gateway.address, &[("JOB", "alb")]);
    for (key, requests) in [("s3.gz", 3), ("sns.gz", 5), ("bridge name+.gz", 7), ("sqs.gz", 11)] {
        scene.put(key, requests);
    }
    let s3 = scene.event(&["s3.gz"]).to_string();
    let counts = |records: u64| json!({"objects": 1, "records": records, "rejects": 0, "skipped": 0});
    assert_eq!(response(function.invoke(&s3)), counts(3));
    let sns = of_topic(&scene.event(&["sns.gz"]).to_string());
    assert_eq!(response(function.invoke(&sns)), counts(5));
    let bridge = of_event_bridge(&scene.bucket.name, "bridge name+.gz");
    assert_eq!(response(function.invoke(&bridge)), counts(7));
    let sqs = of_queue(&[scene.event(&["sqs.gz"]).to_string()], QUEUE);
    assert!(failed_ids(function.invoke(&sqs)).is_empty());
    let pushes = gateway.pushes();
    assert_eq!(pushes.len(), 4);
    for push in &pushes {
        assert_eq!((push.method.as_str(), push.path.as_str()), ("POST", "/metrics/job/alb"));
        assert!(push.header("x-idempotency-key").starts_with("weir-s3-"));
        assert_eq!(push.header("authorization"), "");
    }
    assert_eq!(gateway.sum_by_key(COUNT, &[]), 26.0);
    assert!(function.log().contains("message=\"event done\""), "{}", function.log());
}

#[test]
fn of_a_queue_only_what_failed_comes_again() {
    let scene = Scene::new("lambda-partial");
    let gateway = GatewaySink::new();
    let function = scene.function(&gateway.address, &[]);
    scene.put("a.gz", 3);
    scene.put("b.gz", 5);
    let whole = gzip(albs(300, "/cut", 200));
    scene.bucket.put("cut.gz", &whole[..whole.len() / 2]);
    let test_event = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": scene.bucket.name});
    let bodies = [
        scene.event(&["a.gz"]).to_string(),
        "not json at all".to_owned(),
        scene.event(&["a.gz", "missing.gz"]).to_string(),
        test_event.to_string(),
        scene.event(&["cut.gz"]).to_string(),
        scene.event(&["b.gz", "b.gz"]).to_string(),
        json!({"Records": []}).to_string(),
        scene.event(&["conn_log.123_x.log.gz", "ELBAccessLogTestFile"]).to_string(),
    ];
    let event = of_queue(&bodies, QUEUE);
    assert_eq!(failed_ids(function.invoke(&event)), ["m1", "m2", "m4"]);
    // Named by several messages, and pushed once.
    assert_eq!(gateway.pushes().len(), 2);
    assert_eq!(gateway.sum_by_key(COUNT, &[]), 8.0);
    // What failed comes again, and what was counted beside it has the key of before.
    scene.put("missing.gz", 7);
    let again = of_queue(&[bodies[2].clone()], QUEUE);
    assert!(failed_ids(function.invoke(&again)).is_empty());
    assert_eq!(gateway.pushes().len(), 4);
    assert_eq!(gateway.sum_by_key(COUNT, &[]), 15.0);
    let log = function.log();
    for part in ["missing.gz does not exist", "cut.gz: the gzip data is cut off", "message_not_json"] {
        assert!(log.contains(part), "{part}: {log}");
    }
}

#[test]
fn behind_a_failure_nothing_of_an_ordered_queue_is_done() {
    let scene = Scene::new("lambda-fifo");
    let gateway = GatewaySink::new();
    let function = scene.function(&gateway.address, &[]);
    scene.put("a.gz", 3);
    scene.put("b.gz", 5);
    let bodies = [&["a.gz"], &["missing.gz"], &["b.gz"]].map(|keys| scene.event(keys).to_string());
    let event = of_queue(&bodies, &format!("{QUEUE}.fifo"));
    assert_eq!(failed_ids(function.invoke(&event)), ["m1", "m2"]);
    assert_eq!(gateway.sum_by_key(COUNT, &[]), 3.0);
}

#[test]
fn an_event_without_a_queue_fails_whole_and_its_retry_has_the_same_keys() {
    let scene = Scene::new("lambda-retry");
    // The answer to the second push is lost; it is repeated at once. The fourth is refused.
    let gateway = GatewaySink::answering(|number| match number {
        1 => None,
        3 => Some(400),
        _ => Some(200),
    });
    let function = scene.function(&gateway.address, &[]);
    let keys = ["a.gz", "b.gz", "c.gz"];
    keys.iter().for_each(|key| scene.put(key, 4));
    let event = scene.event(&keys).to_string();
    let (kind, text) = error(function.invoke(&event));
    assert_eq!(kind, "Weir.ObjectsFailed");
    assert!(text.contains("refused the push with status 400: as the test says"), "{text}");
    assert_eq!(response(function.invoke(&event))["records"], 12);
    assert_eq!(gateway.sum_by_key(COUNT, &[]), 12.0);
    for nonsense in ["{}", "[1, 2]", "{\"source\": \"aws.ec2\", \"detail-type\": \"x\"}", "\"text\""] {
        assert_eq!(error(function.invoke(nonsense)).0, "Weir.UnknownEvent", "{nonsense}");
    }
    // It lives on.
    assert_eq!(response(function.invoke(&event))["objects"], 3);
}

#[test]
fn it_answers_before_lambda_ends_it() {
    let scene = Scene::new("lambda-deadline");
    let gateway = GatewaySink::answering(|_| Some(503));
    let function = scene.function(&gateway.address, &[]);
    let keys: Vec<String> = (0..6).map(|number| format!("{number}.gz")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    keys.iter().for_each(|key| scene.put(key, 1));
    let bodies: Vec<String> = keys.iter().map(|key| scene.event(&[key]).to_string()).collect();
    let answer = function.invoke_within(&of_queue(&bodies, QUEUE), Duration::from_secs(4));
    assert_eq!(failed_ids(answer), ["m0", "m1", "m2", "m3", "m4", "m5"]);
    assert!(function.log().contains("the function's time was over; raise its timeout"), "{}", function.log());
    let (_, text) = error(function.invoke_within(&scene.event(&keys).to_string(), Duration::ZERO));
    assert!(text.contains("the function's time was over"), "{text}");
}

#[test]
fn the_variables_of_the_known_script_are_its_settings() {
    let scene = Scene::new("lambda-variables");
    let gateway = GatewaySink::new();
    let url = format!("http://{}/", gateway.address);
    let function = scene
        .function(&url, &[("USERNAME", "push"), ("PASSWORD", "s3cret"), ("AWS_LAMBDA_LOG_FORMAT", "JSON")]);
    scene.bucket.put("a.gz", gzip(albs(2, "/orders", 200) + "https only\n"));
    let event = scene.event(&["a.gz"]).to_string();
    assert_eq!(response(function.invoke(&event))["rejects"], 1);
    let push = &gateway.pushes()[0];
    assert_eq!(push.path, "/metrics/job/weir");
    assert_eq!(push.header("authorization"), "Basic cHVzaDpzM2NyZXQ=");
    let log = function.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let warning = lines.iter().find(|line| line["level"] == "warn").expect("a warning of the reject");
    assert_eq!((warning["rejects"].as_u64(), warning["records"].as_u64()), (Some(1), Some(2)), "{warning}");
}

#[test]
fn what_cannot_work_is_said_at_the_start() {
    let folder = Folder::new();
    let config = folder.write("weir.yaml", "version: 1\nsorces: []\n");
    for (variables, expected) in [
        (vec![], "PUSH_ENDPOINT is not set"),
        (
            vec![("PUSH_ENDPOINT", "gateway:9099"), ("USERNAME", "push")],
            "USERNAME is set and PASSWORD is not",
        ),
        (vec![("PUSH_ENDPOINT", "ftp://gateway")], "has a scheme other than http and https"),
        (vec![("PUSH_ENDPOINT", "gateway:9099"), ("WEIR_CONFIG", &config)], "did you mean `sources`?"),
    ] {
        let mut function = Lambda::start(&variables);
        match function.answer() {
            Answer::InitError(kind, text) => {
                assert_eq!(kind, "Weir.InitError");
                assert!(text.contains(expected), "{expected}: {text}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(function.exit_code(), Some(1));
        assert!(function.log().contains("weir: "), "{}", function.log());
    }
    let run = weir(&["lambda"]).expect(1);
    assert!(run.stderr.contains("this is not AWS Lambda"), "{}", run.stderr);
}

#[test]
fn an_object_counts_once_at_weirs_own_gateway() {
    let scene = Scene::new("lambda-once");
    let folder = Folder::new();
    let config = folder.write("weir.yaml", "version: 1\n");
    let gateway = Server::start(&["-c", &config]);
    let function = scene.function(&gateway.address, &[]);
    let keys: Vec<String> = (0..20).map(|number| format!("{number}.gz")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    keys.iter().for_each(|key| scene.put(key, 10));
    let event = scene.event(&keys).to_string();
    for _ in 0..3 {
        assert_eq!(response(function.invoke(&event))["records"], 200);
    }
    // A new function, as after a deployment, knows no more than the gateway does.
    let other = scene.function(&gateway.address, &[]);
    let sqs = of_queue(&[event.clone(), scene.event(&keys[..3]).to_string()], QUEUE);
    assert!(failed_ids(other.invoke(&sqs)).is_empty());
    assert_eq!(gateway.sum(COUNT, &[]), 200.0);
}
