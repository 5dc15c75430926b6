//! Records of Beaver from a Redis list: `weir serve` beside a loop that only pops them.
//!
//! The loop is the floor: it takes with `LPOP key 1000` and keeps nothing, as fast as one connection can. Both have a
//! Redis of their own with `appendfsync always`, which is what weir asks for; its CPU time is in neither.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};

use super::http::sum;
use super::process::{Listens, Server, now, until};
use super::{Scene, Values};

/// What the loop does, for the record.
pub const LOOP: &str = "LPOP logstash:beaver 1000, until the list is empty";

/// Records in the list.
const RECORDS: usize = 1_000_000;

/// Records pushed by one command.
const PUSHED_AT_ONCE: usize = 1_000;

/// The list.
const KEY: &str = "logstash:beaver";

/// How long all records may take.
const LIMIT: Duration = Duration::from_secs(600);

/// How often it is looked how far weir is.
const POLL: Duration = Duration::from_millis(20);

/// A Redis of our own, with the records in its list. It is killed when it is dropped.
struct Redis {
    port: u16,
    child: Child,
}

impl Redis {
    fn start(folder: &Path, records: usize) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "always", "--dir"])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start redis-server")?;
        let redis = Self { port, child };
        let ready = || Ok(redis.connection().ok().filter(Connection::is_alive));
        let mut connection = until("Redis to listen", Duration::from_secs(30), POLL, ready)?;
        for from in (0..records).step_by(PUSHED_AT_ONCE) {
            let values: Vec<String> = (from..records.min(from + PUSHED_AT_ONCE)).map(record).collect();
            let mut command = vec!["RPUSH", KEY];
            command.extend(values.iter().map(String::as_str));
            connection.send(&command)?;
            connection.number()?;
        }
        Ok(redis)
    }

    fn connection(&self) -> anyhow::Result<Connection> {
        Ok(Connection(BufReader::with_capacity(1 << 16, TcpStream::connect(("127.0.0.1", self.port))?)))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended; then there is nothing left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As much of Redis' protocol as is needed here.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn is_alive(&self) -> bool {
        self.0.get_ref().peer_addr().is_ok()
    }

    fn send(&mut self, command: &[&str]) -> anyhow::Result<()> {
        let mut bytes = format!("*{}\r\n", command.len());
        for part in command {
            // Writing into a `String` cannot fail.
            let _ = write!(bytes, "${}\r\n{part}\r\n", part.len());
        }
        Ok(self.0.get_mut().write_all(bytes.as_bytes())?)
    }

    /// The number behind the first letter of an answer.
    fn number(&mut self) -> anyhow::Result<i64> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        match line.trim_end().split_at_checked(1) {
            Some((":" | "*" | "$", number)) => Ok(number.parse()?),
            _ => bail!("Redis answers {line}"),
        }
    }

    /// The texts of a list, counted and dropped.
    fn drop_list(&mut self) -> anyhow::Result<usize> {
        let len = usize::try_from(self.number()?).unwrap_or(0);
        let mut text = Vec::new();
        for _ in 0..len {
            text.resize(usize::try_from(self.number()?)? + 2, 0);
            self.0.read_exact(&mut text)?;
        }
        Ok(len)
    }
}

/// A line of nginx as Beaver sends it, about 500 bytes.
fn record(number: usize) -> String {
    let (minute, second) = (number / 60 % 60, number % 60);
    let status = if number.is_multiple_of(50) { 502 } else { 200 };
    let line =
        format!(r#"{{"time_local":"20/Nov/2026:10:{minute:02}:{second:02} +0000","request_method":"GET","#)
            + &format!(
                r#""request_uri":"/api/v1/orders/{number}?page=1","request_time":"0.{:03}","#,
                number % 700
            )
            + &format!(r#""upstream_response_time":"0.{:03}","status":"{status}","#, number % 600)
            + &format!(r#""host":"shop.example.com","request_id":"{number:032x}"}}"#);
    format!(r#"{{"host":"web{}","file":"/var/log/nginx/access.json","type":"nginx","#, number % 8)
        + r#""tags":["nginx","prod"],"@version":1,"team":["core"],"#
        + &format!(
            r#""@timestamp":"2026-11-20T10:{minute:02}:{second:02}.123Z","message":"{}"}}"#,
            line.replace('"', "\\\"")
        )
}

fn records(scene: &Scene<'_>) -> usize {
    if scene.is_quick { RECORDS / 10 } else { RECORDS }
}

/// The loop.
pub fn pop(scene: &Scene<'_>) -> anyhow::Result<Values> {
    let records = records(scene);
    let redis = Redis::start(&scene.empty_folder("redis")?, records)?;
    let mut connection = redis.connection()?;
    let (start, mut popped) = (now(), 0);
    while popped < records {
        connection.send(&["LPOP", KEY, "1000"])?;
        popped += connection.drop_list()?;
    }
    let elapsed_s = start.elapsed().as_secs_f64();
    Ok(vec![("elapsed_s", elapsed_s), ("records_per_s", records as f64 / elapsed_s)])
}

/// `weir serve`.
pub fn serve(scene: &Scene<'_>) -> anyhow::Result<Values> {
    let records = records(scene);
    let redis = Redis::start(&scene.empty_folder("redis")?, records)?;
    let folder = scene.empty_folder("redis-serve")?;
    let source = format!(
        "version: 1\nsources:\n- {{name: beaver, type: redis, url: \"redis://127.0.0.1:{}\", key: \"{KEY}\", \
         format: {{by: type, map: {{nginx: nginx_json}}, default: beaver}}}}\n",
        redis.port
    );
    fs::write(folder.join("weir.yaml"), source).context("cannot write into the data folder")?;
    let start = now();
    let script =
        "exec weir serve --config redis-serve/weir.yaml --listen 127.0.0.1:0 --data-dir redis-serve/data";
    let server = Server::start(scene.shell, script, &[], Listens::Logged)?;
    let mut connection = redis.connection()?;
    // Nothing is left when the last processing list is gone, and so durable.
    until("all records to be durable", LIMIT, POLL, || {
        connection.send(&["DBSIZE"])?;
        Ok((connection.number()? == 0).then_some(()))
    })?;
    let (cpu_s, elapsed_s) = (server.cpu_s()?, start.elapsed().as_secs_f64());
    let peak_rss_bytes = server.peak_rss_bytes()?;
    let metrics = server.metrics()?;
    let stored = sum(&metrics, |name| name == "weir_source_stored_total");
    if stored != records as f64 {
        bail!("{stored} records were stored of {records}");
    }
    server.stop()?;
    Ok(vec![
        ("cpu_s", cpu_s),
        ("elapsed_s", elapsed_s),
        ("records_per_s", records as f64 / elapsed_s),
        ("records_per_cpu_s", records as f64 / cpu_s),
        ("peak_mb", peak_rss_bytes / 1e6),
    ])
}
