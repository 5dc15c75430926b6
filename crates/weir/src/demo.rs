//! `weir demo`: the main job on sample traffic, with nothing to set up.
//!
//! A day of a small shop's traffic is written as a load balancer would have delivered it and as nginx would have
//! logged it, its application's errors are sent, and more of all three every few seconds; from there on it is
//! `weir serve`, so that what is seen here is what real logs will give. A crowd came some minutes ago and search is
//! slow: what was promised of it is broken, and a mail says so, into a folder.

mod mail_sink;
mod shop;

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::ops::Range;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::account::{counted, grouped};
use crate::cli::DemoArguments;
use crate::clock;
use crate::config::{self, Config, PrometheusDuration};
use crate::files::{FilePlan, Input};
use crate::output::{UsageError, say};
use crate::report;
use crate::sample::{
    FileSet, Format, Packing, Plan, SampleRequest, Shares, Traffic, crowd, story_of_the_day, write_all,
    write_files, write_line, write_listener_rules, write_span,
};
use crate::serve;
use crate::setup;
use crate::shaping::Shaping;
use mail_sink::MailSink;
use shop::Shop;

const DAY_S: u64 = 86_400;

/// How long live traffic goes on, in days; nobody watches a demo for longer.
const LIVE_DAYS: u64 = 30;

/// How often live traffic is written.
const LIVE_INTERVAL: Duration = Duration::from_secs(5);

/// Load balancer nodes.
const NODES: usize = 2;

/// How long ago the crowd came when the demo starts, in seconds.
const CROWD_BEGAN_S: i64 = 720;

/// How long ago it left: a few minutes later the promise is kept again.
const CROWD_ENDED_S: i64 = 210;

/// Tries to find a port that is free for UDP and TCP.
const FREE_ADDRESS_TRIES: usize = 20;

/// Rows of the first report.
const REPORT_ROWS: usize = 12;

/// Runs the command.
///
/// # Errors
///
/// A wrong argument, files that cannot be written, or an address that cannot be listened on.
pub fn run(arguments: &DemoArguments) -> anyhow::Result<ExitCode> {
    let duration = arguments.duration.as_deref().map(duration).transpose()?;
    match &arguments.write {
        Some(folder) => write(arguments, folder)?,
        None => live(arguments, duration)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn duration(text: &str) -> anyhow::Result<Duration> {
    let duration: PrometheusDuration =
        text.parse().map_err(|error| UsageError::new("--duration", format_args!("`{text}`: {error}")))?;
    Ok(duration.0)
}

/// A plan of `days` days from `start_s` on, each with its own incidents.
fn plan(arguments: &DemoArguments, start_s: i64, days: u64) -> Plan {
    let starts = (0..days).map(|day| start_s + (day * DAY_S) as i64);
    Plan {
        seed: arguments.seed,
        start_s,
        duration_s: days * DAY_S,
        requests: arguments.requests.saturating_mul(days),
        nodes: NODES,
        incidents: starts.flat_map(|start_s| story_of_the_day(start_s, DAY_S)).collect(),
    }
}

/// Only writes files. The day is a fixed one, so that the same arguments give the same bytes.
fn write(arguments: &DemoArguments, folder: &Path) -> anyhow::Result<()> {
    const FIXED_DAY_START_S: i64 = 1_795_132_800;
    let traffic = Traffic::new(plan(arguments, FIXED_DAY_START_S, 1));
    let format = match arguments.format.as_str() {
        "nginx_json" => Format::NginxJson,
        "nginx_json_user" => Format::NginxJsonUser,
        "errors" => Format::Errors,
        _ => Format::Alb,
    };
    let written = match arguments.files {
        None => write_all(&traffic, folder, format),
        Some(files) => {
            let shares = if arguments.half_in_one { Shares::HalfInFirst } else { Shares::Equal };
            let packing = if arguments.plain { Packing::Plain } else { Packing::Gzip };
            write_files(&traffic, folder, FileSet { files: files as u64, format, shares, packing })
        }
    }
    .with_context(|| format!("cannot write sample traffic to {}", folder.display()))?;
    if format == Format::Alb {
        write_listener_rules(folder).context("cannot write the listener rules")?;
    }
    let files = counted(written.files, "file", "files");
    say(&format_args!("wrote {files}, {} lines, {} bytes", grouped(written.lines), grouped(written.bytes)));
    Ok(())
}

/// Writes a day, prints a report of it, then serves while more is written.
fn live(arguments: &DemoArguments, duration: Option<Duration>) -> anyhow::Result<()> {
    let folder =
        tempfile::Builder::new().prefix("weir-demo-").tempdir().context("cannot make a temporary folder")?;
    let now_s = clock::now().micros() / 1_000_000;
    let mut plan = plan(arguments, now_s - DAY_S as i64, 1 + LIVE_DAYS);
    plan.incidents.extend(crowd(now_s - CROWD_BEGAN_S, now_s - CROWD_ENDED_S));
    let traffic = Traffic::new(plan);
    say(&format_args!("writing a day of sample traffic to {} ...", folder.path().display()));
    let start_s = traffic.plan().start_s;
    write_intervals(&traffic, folder.path(), start_s, now_s)?;
    write_span(&traffic, folder.path(), Format::NginxJson, start_s..now_s)
        .context("cannot write sample traffic")?;
    write_listener_rules(folder.path()).context("cannot write the listener rules")?;

    let gelf = free_address()?;
    let mail = MailSink::start(folder.path().join("mails")).context("cannot start the mail server")?.address;
    let config = Shop { folder: folder.path(), gelf, mail, listen: listen(arguments)? }.config()?;
    print_report(&config, folder.path())?;
    let example = failed(&traffic, start_s..now_s).filter(|request| request.user_email().is_some()).last();
    let is_over = AtomicBool::new(false);
    let application = Application { traffic: &traffic, folder: folder.path(), gelf };
    std::thread::scope(|scope| {
        let (started, has_started) = mpsc::sync_channel(1);
        let (application, is_over) = (&application, &is_over);
        let writer = scope.spawn(move || {
            // Without a server there is nobody to write for.
            if has_started.recv().is_ok() {
                application.run(start_s, now_s, is_over);
            }
        });
        let say_where = |address| {
            say_where(address, example.as_ref());
            // The thread waits for it.
            let _ = started.send(());
        };
        let _ending = Ending { is_over, writer: writer.thread() };
        let served = serve::serve(&config, serve::no_config(), say_where, duration);
        drop(started);
        served
    })
}

/// Ends the writing when it goes, also where the server fails as nobody foresaw: the scope waits for the writer.
struct Ending<'a> {
    is_over: &'a AtomicBool,
    writer: &'a std::thread::Thread,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.writer.unpark();
    }
}

fn say_where(address: SocketAddr, example: Option<&SampleRequest>) {
    say(&format_args!(
        "\npage:     http://{address}/\nmetrics:  http://{address}/metrics\nroutes:   http://{address}/api/routes?from=now-24h\n\
         search:   weir search 'status:>=500' --from now-24h --server http://{address}\n\
         watch:    weir tail '*' --server http://{address}\n\
         promises: http://{address}/#/objectives?sla=api-latency\n\
         alerts:   weir alerts --server http://{address}"
    ));
    if let Some((request, email)) = example.and_then(|request| Some((request, request.user_email()?))) {
        say(&format_args!(
            "a customer complains:\n          weir search 'user_email:\"{email}\"' --from now-24h --server http://{address}\n\
             the story of that request, with its nginx and load balancer lines:\n          \
             curl 'http://{address}/api/story?from=now-24h&request_id={}'",
            request.request_id()
        ));
    }
    say(&format_args!(
        "more traffic arrives every few seconds, and mail about a promise that was broken; stop with Ctrl-C"
    ));
}

/// An address of this machine that is free for UDP and for TCP, as far as that can be known.
fn free_address() -> anyhow::Result<SocketAddr> {
    for _ in 0..FREE_ADDRESS_TRIES {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot find a free port")?;
        let address = tcp.local_addr().context("cannot tell the address")?;
        if UdpSocket::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port is free for both UDP and TCP on this machine")
}

/// The requests that the shop's application could not answer.
fn failed(traffic: &Traffic, span_s: Range<i64>) -> impl Iterator<Item = SampleRequest> {
    traffic.between(span_s).filter(|request| request.status(Format::NginxJson) >= 500)
}

/// Writes a span as a load balancer delivers it: a file per node and five minutes.
fn write_intervals(traffic: &Traffic, folder: &Path, from_s: i64, to_s: i64) -> anyhow::Result<()> {
    const INTERVAL_S: i64 = 300;
    let mut from_s = from_s;
    while from_s < to_s {
        let end_s = ((from_s.div_euclid(INTERVAL_S) + 1) * INTERVAL_S).min(to_s);
        write_span(traffic, folder, Format::Alb, from_s..end_s).context("cannot write sample traffic")?;
        from_s = end_s;
    }
    Ok(())
}

/// What stands in front of weir: a load balancer, nginx, and an application that sends its errors.
struct Application<'a> {
    traffic: &'a Traffic,
    folder: &'a Path,
    gelf: SocketAddr,
}

impl Application<'_> {
    /// Sends the errors of the day before `now_s`, then writes and sends what happens until the demo is over.
    fn run(&self, start_s: i64, now_s: i64, is_over: &AtomicBool) {
        let sent = self.send_day(start_s..now_s);
        if sent.is_err() {
            // A demo that ends listens no more; it says so in a moment.
            std::thread::park_timeout(LIVE_INTERVAL);
        }
        if let Some(error) = sent.err().filter(|_| !is_over.load(Ordering::Relaxed)) {
            tracing::error!(error = error.to_string(), "cannot send the errors of the day");
        }
        let mut from_s = now_s;
        while !is_over.load(Ordering::Relaxed) {
            std::thread::park_timeout(LIVE_INTERVAL);
            let now_s = clock::now().micros() / 1_000_000;
            if now_s <= from_s {
                continue;
            }
            if let Err(error) = self.write_and_send(from_s..now_s) {
                tracing::error!(error = error.to_string(), "cannot write more sample traffic");
                return;
            }
            from_s = now_s;
        }
    }

    /// By TCP, which loses none however many there are.
    fn send_day(&self, span_s: Range<i64>) -> io::Result<()> {
        let mut connection = io::BufWriter::new(TcpStream::connect(self.gelf)?);
        for request in failed(self.traffic, span_s) {
            connection.write_all(&gelf_message(&request))?;
            connection.write_all(&[0])?;
        }
        connection.flush()
    }

    fn write_and_send(&self, span_s: Range<i64>) -> io::Result<()> {
        write_span(self.traffic, self.folder, Format::Alb, span_s.clone())?;
        write_span(self.traffic, self.folder, Format::NginxJson, span_s.clone())?;
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        for request in failed(self.traffic, span_s) {
            socket.send_to(&gelf_message(&request), self.gelf)?;
        }
        Ok(())
    }
}

fn gelf_message(request: &SampleRequest) -> Vec<u8> {
    let mut message = Vec::new();
    write_line(Format::Gelf, request, &mut message);
    message.truncate(message.trim_ascii_end().len());
    message
}

/// Where HTTP is served: the links in mails need a port that is known before.
fn listen(arguments: &DemoArguments) -> anyhow::Result<SocketAddr> {
    let address =
        config::parse_address(&arguments.listen).map_err(|error| UsageError::new("--listen", error))?;
    if address.port() != 0 {
        return Ok(address);
    }
    Ok(SocketAddr::new(address.ip(), free_address()?.port()))
}

fn print_report(config: &Config, folder: &Path) -> anyhow::Result<()> {
    let enricher = setup::enricher(config, None)?;
    let inputs = Input::find(&[format!("{}/**/*.log.gz", folder.display())])?;
    let plan = FilePlan {
        format: Some(weir_record::Format::Alb),
        span: (None, None),
        limits: setup::read_limits(&config.limits),
        threads: None,
        enricher: &enricher,
        source: "alb",
        shaping: &Shaping::default(),
        filter: None,
    };
    io::stdout().lock().write_all(report::by_route(&inputs, &plan, REPORT_ROWS).as_bytes())?;
    Ok(())
}
