//! The whole of the first known system at once: a bucket and its queue, a program that pushes, a Prometheus
//! that is scraped from and one that is written to, a restart in the middle, and everything told twice.

use std::process::Stdio;
use std::time::Duration;

use crate::support::aws::Bucket;
use crate::support::receiver::Receiver;
use crate::support::{Account, Folder, Server, alb_key, gzip, now_seconds, output, python, until, within};

const COUNT: &str = "alb_log_request_count_total";

/// The counts of the known script's gateway, from the client that it uses.
fn push(server: &Server, count: u32) {
    let arguments = [&*server.address, "known-script", "add", "", "", &count.to_string()];
    output(python(include_str!("support/push.py"), &arguments).stdin(Stdio::null())).expect(0);
}

#[test]
fn a_bucket_a_gateway_and_two_prometheus() {
    let bucket = Bucket::new("system");
    let receiver = Receiver::prometheus("2h");
    let folder = Folder::new();
    let write =
        format!("{{url: '{}', out_of_order_time_window: 2h, keep_on_metrics: true}}", receiver.write_url());
    let config = folder.write(
        "weir.yaml",
        format!(
            "sources: [{{name: alb, type: alb, {}}}]\nmetrics: {{remote_write: [{write}]}}\n",
            bucket.sqs("")
        ),
    );
    // Half an hour ago, so that the minutes are complete at once.
    let base = now_seconds() / 300 * 300 - 1_800;
    let mut account = Account::default();
    let mut keys = Vec::new();
    let mut deliver = |account: &mut Account, number: u32| {
        let text = account.requests(base + i64::from(number * 13 % 290), "/cart", 200, 4)
            + &account.requests(base + i64::from(number * 29 % 290), "/orders", 503, 1);
        account.objects += 1;
        let key = alb_key(base + 300, "10.0.0.1", &format!("object{number}"));
        bucket.put(&key, gzip(text));
        keys.push(key);
    };

    let start = || Server::start_in(&folder.path("data"), &["-c", &config]);
    for number in 0..20 {
        deliver(&mut account, number);
    }
    let server = start();
    push(&server, 5);
    server.await_sum(COUNT, &[], account.total() as f64);
    server.terminate();

    let server = start();
    for number in 20..40 {
        deliver(&mut account, number);
    }
    let told_again: Vec<String> = keys.iter().map(|key| bucket.notification(&[key])).collect();
    bucket.queue.send_all(&told_again);
    push(&server, 3);
    within(Duration::from_secs(90), "the queue to be empty and told twice", || {
        let duplicates = server.sum("weir_duplicate_objects_total", &[]);
        (duplicates >= keys.len() as f64 && bucket.queue.message_counts() == (0, 0)).then_some(())
    });

    account.check(&server, "alb");
    let requests = server.sum("app_requests_total", &[("job", "known-script")]);
    assert_eq!(requests, 8.0, "what was pushed before the restart and after it");
    let published = "weir_remote_write_published_timestamp_seconds";
    let end = base + 300;
    within(Duration::from_secs(60), "the minutes to be published", || {
        (server.sum(published, &[]) >= end as f64 && server.sum("weir_queue_bytes", &[]) == 0.0).then_some(())
    });
    // The values at the end of each minute are the requests up to it.
    for minute in 1..=5 {
        let at = base + minute * 60;
        let counted = account.by_minute.iter().filter(|((minute, _), _)| minute * 60 < at);
        let expected: u64 = counted.map(|(_, count)| count).sum();
        until("the minute to be in Prometheus", || {
            (receiver.value(&format!("sum({COUNT})"), at) == Some(expected as f64)).then_some(())
        });
    }
}
