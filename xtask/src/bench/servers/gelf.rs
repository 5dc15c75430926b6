//! GELF over UDP from a sender on this machine: what is stored without loss, and where loss begins.
//!
//! An open loop: a sender of datagrams waits for nobody, so it sends at one rate after the other, each for the same
//! time, and after each the account must add up: what was sent was read or dropped by the kernel, and what was read
//! is stored. The sender shares the machine, so the highest rates are bounded by both, and what a message costs is
//! given in CPU time of the server alone.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use super::http::{self, sum};
use super::load::quantile;
use super::process::{Listens, Server, now, until};
use super::{Scene, Values};

/// How weir is run.
pub const WEIR: &str = "exec weir serve --config gelf/weir.yaml --listen 127.0.0.1:0 --data-dir gelf/data";

/// Rates that are tried, in datagrams per second; the last is as fast as the sender can.
const RATES: [f64; 9] = [5e3, 10e3, 20e3, 40e3, 60e3, 80e3, 100e3, 150e3, f64::INFINITY];

/// For how long is sent at each.
const TIME: Duration = Duration::from_secs(5);
const TIME_QUICK: Duration = Duration::from_secs(2);

/// Between two looks at the clock a sender sends what is due.
const TICK: Duration = Duration::from_micros(500);

/// Messages of which it is measured how soon they are found.
const FOUND: usize = 100;
const FOUND_QUICK: usize = 20;

/// How long everything may take to be stored, and how often it is looked.
const LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
const POLL_FOUND: Duration = Duration::from_millis(2);

/// What the numbers of messages that are looked for begin at.
const FOUND_FROM: usize = 1_000_000;

/// A server, and a socket that is connected to it.
struct Rig {
    server: Server,
    sender: UdpSocket,
}

/// What the server says of itself.
#[derive(Clone, Copy)]
struct Account {
    read: f64,
    lost: f64,
    stored: f64,
    others: f64,
}

/// One message as datagrams.
type Message = Vec<Vec<u8>>;

/// Messages of 1.8 KB, packed: one datagram each.
pub fn packed(scene: &Scene<'_>) -> anyhow::Result<Values> {
    measure(scene, "packed")
}

/// Messages of 8 KB in chunks.
pub fn chunked(scene: &Scene<'_>) -> anyhow::Result<Values> {
    measure(scene, "chunked")
}

fn measure(scene: &Scene<'_>, kind: &str) -> anyhow::Result<Values> {
    let folder = scene.empty_folder("gelf")?;
    let file = folder.join("datagrams");
    let script = format!("python3 ../../peers/gelf_datagrams.py {kind} gelf/datagrams");
    let made = scene.shell.command(&[], &script).status().context("cannot run python3")?;
    ensure!(made.success(), "gelf_datagrams.py ended, {made}");
    let mut messages = read_messages(&file)?;
    let rig = Rig::start(scene, &folder)?;
    let time = if scene.is_quick { TIME_QUICK } else { TIME };
    let (mut lossless, mut fastest, mut cpu_s, mut stored) = ((0.0, 0.0), (0.0, 0.0), 0.0, 0.0);
    for rate in RATES {
        let (before, cpu_before_s) = (rig.account()?, rig.server.cpu_s()?);
        let (sent, elapsed_s) = rig.send(&mut messages, rate, time)?;
        let after = rig.await_account(before, sent)?;
        let (lost, kept) = (after.lost - before.lost, after.stored - before.stored);
        let (sent_per_s, kept_per_s) = (sent as f64 / elapsed_s, kept / elapsed_s);
        if lost == 0.0 && sent_per_s > lossless.0 {
            lossless = (sent_per_s, kept_per_s);
        }
        // What a message costs is told where none is lost: a part of one costs too.
        if lost == 0.0 {
            cpu_s += rig.server.cpu_s()? - cpu_before_s;
            stored += kept;
        }
        if kept_per_s > fastest.1 {
            fastest = (lost / sent as f64, kept_per_s);
        }
    }
    let found_ms = rig.found_ms(if scene.is_quick { FOUND_QUICK } else { FOUND })?;
    let peak_mb = rig.server.peak_rss_bytes()? / 1e6;
    rig.server.stop()?;
    let time_ms = |rank| quantile(&found_ms, rank).context("nothing was found");
    Ok(vec![
        ("lossless_datagrams_per_s", lossless.0),
        ("lossless_messages_per_s", lossless.1),
        ("messages_per_cpu_s", if cpu_s > 0.0 { stored / cpu_s } else { 0.0 }),
        ("flood_messages_per_s", fastest.1),
        ("flood_lost_share", fastest.0),
        ("found_p50_ms", time_ms(0.5)?),
        ("found_p99_ms", time_ms(0.99)?),
        ("peak_mb", peak_mb),
    ])
}

impl Rig {
    fn start(scene: &Scene<'_>, folder: &Path) -> anyhow::Result<Self> {
        // A port that is free for both, as long as nobody takes it meanwhile.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.context("there is no free port")?;
        let config = format!("sources: [{{name: errors, type: gelf, udp: \"{address}\"}}]\n");
        fs::write(folder.join("weir.yaml"), config).context("cannot write into the data folder")?;
        let server = Server::start(scene.shell, WEIR, &[], Listens::Logged)?;
        let sender = UdpSocket::bind("127.0.0.1:0").context("there is no free port")?;
        sender.connect(address).context("cannot connect a socket")?;
        Ok(Self { server, sender })
    }

    /// Sends at a rate, in whole messages; gives the datagrams that were sent, and how long that took.
    fn send(&self, messages: &mut [Message], rate: f64, time: Duration) -> anyhow::Result<(u64, f64)> {
        let start = now();
        let (mut sent, mut turn) = (0_u64, 0_u64);
        let id_base =
            (start.elapsed().as_nanos() as u64) ^ u64::from(std::process::id()) << 32 ^ rate.to_bits();
        while start.elapsed() < time {
            let due =
                if rate.is_finite() { (start.elapsed().as_secs_f64() * rate) as u64 } else { sent + 64 };
            while sent < due {
                let index = turn as usize % messages.len().max(1);
                let message = messages.get_mut(index).context("there is nothing to send")?;
                let is_chunked = message.len() > 1;
                for datagram in message {
                    if let (true, Some(id)) = (is_chunked, datagram.get_mut(2..10)) {
                        id.copy_from_slice(&id_base.wrapping_add(turn).to_be_bytes());
                    }
                    self.sender.send(datagram).context("cannot send a datagram")?;
                    sent += 1;
                }
                turn += 1;
            }
            if rate.is_finite() {
                #[allow(clippy::disallowed_methods, reason = "a rate has no event to wait for")]
                std::thread::sleep(TICK);
            }
        }
        Ok((sent, start.elapsed().as_secs_f64()))
    }

    fn account(&self) -> anyhow::Result<Account> {
        let metrics = self.server.metrics()?;
        let total = |wanted: &str| sum(&metrics, |name| name == wanted);
        Ok(Account {
            read: total("weir_gelf_datagrams_total"),
            lost: total("weir_gelf_datagrams_dropped_total"),
            stored: total("weir_source_stored_total"),
            others: total("weir_source_rejected_total") + total("weir_source_dropped_total"),
        })
    }

    /// Waits until all that was sent is in the account, and all that was read has come to its end.
    fn await_account(&self, before: Account, sent: u64) -> anyhow::Result<Account> {
        let mut last = None;
        let found = until("the account to add up", LIMIT, POLL, || {
            let account = self.account()?;
            let datagrams = account.read + account.lost - before.read - before.lost;
            if datagrams > sent as f64 {
                bail!("{datagrams} datagrams in the account, and {sent} were sent");
            }
            // Chunks have no count of their own, so all is in when nothing changes any more, for as long as one
            // may wait for others.
            let ends = (account.stored, account.others);
            let (is_same, since) = match last {
                Some((known, since)) if known == ends => (true, since),
                _ => (false, now()),
            };
            last = Some((ends, since));
            let quiet =
                if account.lost > before.lost { Duration::from_secs(6) } else { Duration::from_secs(1) };
            Ok((datagrams == sent as f64 && is_same && since.elapsed() >= quiet).then_some(account))
        })?;
        let lost = found.lost - before.lost;
        if lost == 0.0 && found.others > before.others {
            bail!(
                "{} messages were rejected or dropped, and no datagram was lost",
                found.others - before.others
            );
        }
        Ok(found)
    }

    /// How long single messages take until a search finds them, in rising order.
    fn found_ms(&self, count: usize) -> anyhow::Result<Vec<f64>> {
        let mut found_ms = Vec::new();
        for number in FOUND_FROM..FOUND_FROM + count {
            let message = format!(r#"{{"version":"1.1","host":"h","short_message":"m","_number":{number}}}"#);
            let start = now();
            self.sender.send(message.as_bytes()).context("cannot send a datagram")?;
            let path = format!("/api/search?query=number:{number}&limit=0");
            until("a message to be found", LIMIT, POLL_FOUND, || {
                let answer = http::get(&self.server.address, &path)?;
                Ok(answer.contains(r#""total":1"#).then_some(()))
            })?;
            found_ms.push(start.elapsed().as_secs_f64() * 1e3);
        }
        found_ms.sort_by(f64::total_cmp);
        Ok(found_ms)
    }
}

fn read_messages(file: &Path) -> anyhow::Result<Vec<Message>> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut rest = bytes.as_slice();
    let mut messages = Vec::new();
    while let Some((&count, after)) = rest.split_first() {
        rest = after;
        let mut message = Message::new();
        for _ in 0..count {
            let (len, after) = rest.split_first_chunk::<2>().context("the file of datagrams is cut")?;
            let (datagram, after) = after
                .split_at_checked(u16::from_be_bytes(*len).into())
                .context("the file of datagrams is cut")?;
            message.push(datagram.to_vec());
            rest = after;
        }
        messages.push(message);
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_back() {
        let folder = std::env::temp_dir().join(format!("gelf-datagrams-{}", std::process::id()));
        fs::write(&folder, b"\x01\x00\x02ab\x02\x00\x01c\x00\x00").expect("a temporary file");
        let messages = read_messages(&folder).map_err(|error| error.to_string());
        fs::remove_file(&folder).expect("it was written");
        assert_eq!(messages, Ok(vec![vec![b"ab".to_vec()], vec![b"c".to_vec(), Vec::new()]]));
    }
}
