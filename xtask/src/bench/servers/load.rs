//! Load on a server: many connections, each sends its next request when the last is answered.
//!
//! A closed loop, as pushers are: they wait for the answer. It shares the machine with the server, so how
//! much the server gets done is given per second of the server's own CPU time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::http::Connection;
use super::process::now;

/// What is sent.
pub struct Load {
    /// Connections, each with a thread.
    pub connections: usize,
    /// For how long.
    pub time: Duration,
    /// Whole requests, sent in turns.
    pub requests: Vec<Vec<u8>>,
}

/// What came of it.
pub struct Outcome {
    /// From the first request to the last answer.
    pub elapsed_s: f64,
    /// Of every request that was sent, in rising order.
    pub answer_times_ms: Vec<f64>,
}

impl Load {
    /// Sends until the time is over, and waits for the last answers.
    ///
    /// # Errors
    ///
    /// When any answer is not a success.
    pub fn send(&self, address: &str) -> anyhow::Result<Outcome> {
        let turn = AtomicU64::new(0);
        let start = now();
        let end = start + self.time;
        let parts: Vec<anyhow::Result<Vec<f64>>> = std::thread::scope(|scope| {
            let one = |_| scope.spawn(|| self.send_over_one(address, &turn, end));
            let threads: Vec<_> = (0..self.connections).map(one).collect();
            threads.into_iter().map(joined).collect()
        });
        let elapsed_s = start.elapsed().as_secs_f64();
        let parts = parts.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        let mut answer_times_ms = parts.concat();
        answer_times_ms.sort_by(f64::total_cmp);
        Ok(Outcome { elapsed_s, answer_times_ms })
    }

    fn send_over_one(&self, address: &str, turn: &AtomicU64, end: Instant) -> anyhow::Result<Vec<f64>> {
        let mut connection = Connection::open(address)?;
        let mut times_ms = Vec::new();
        loop {
            let start = now();
            if start >= end {
                return Ok(times_ms);
            }
            let turn = turn.fetch_add(1, Ordering::Relaxed) as usize % self.requests.len().max(1);
            let request = self.requests.get(turn).context("there is nothing to send")?;
            let status = connection.exchange(request)?;
            if !matches!(status, 200 | 202) {
                bail!("a push was answered with {status}");
            }
            times_ms.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
}

fn joined<T>(thread: ScopedJoinHandle<'_, anyhow::Result<T>>) -> anyhow::Result<T> {
    thread.join().unwrap_or_else(|_| bail!("a thread of the load ended by a panic"))
}

/// The value that the fraction `rank` of `sorted` does not exceed; `None` of none.
pub fn quantile(sorted: &[f64], rank: f64) -> Option<f64> {
    let index = (sorted.len() as f64 * rank).ceil() as usize;
    sorted.get(index.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::super::http::take_anything;
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        for (values, rank, expected) in [
            (&[][..], 0.5, None),
            (&[7.0], 0.99, Some(7.0)),
            (&[1.0, 2.0, 3.0, 4.0], 0.5, Some(2.0)),
            (&[1.0, 2.0, 3.0, 4.0], 0.99, Some(4.0)),
        ] {
            assert_eq!(quantile(values, rank), expected);
        }
    }

    #[test]
    fn an_answer_that_is_no_success_is_an_error() {
        let load = Load {
            connections: 1,
            time: Duration::from_secs(60),
            requests: vec![b"POST / HTTP/1.1\r\n\r\n".to_vec()],
        };
        let outcome = load.send(&take_anything().unwrap());
        assert_eq!(
            outcome.err().map(|error| error.to_string()).as_deref(),
            Some("a push was answered with 204")
        );
    }
}
