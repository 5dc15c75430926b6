//! Wrong passwords per address: after ten in a minute the address waits.
//!
//! The table is bounded, for an attacker may have many addresses; where it is full the oldest gives way, so
//! that he who fills it only gives his own addresses a new start. IPv6 addresses count by their network of
//! 64 bits, since one host has all of it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use tokio::time::Instant;

use crate::authentication::Denied;

/// How many wrong passwords one address may try within [`WINDOW`].
const FAILURES_MAX: u32 = 10;

/// The time in which failures are counted, and after which an address may try again.
const WINDOW: Duration = Duration::from_secs(60);

/// The most addresses that are remembered.
const ADDRESSES_MAX: usize = 4_096;

/// The failures of late.
#[derive(Default)]
pub(crate) struct Attempts {
    addresses: HashMap<IpAddr, Failures>,
}

struct Failures {
    count: u32,
    /// When the first of them was, or the last one that was too many.
    since: Instant,
}

impl Attempts {
    /// # Errors
    ///
    /// The address has to wait.
    pub(crate) fn check(&self, address: IpAddr, now: Instant) -> Result<(), Denied> {
        let Some(failures) = self.addresses.get(&network(address)) else {
            return Ok(());
        };
        let left = WINDOW.saturating_sub(now.duration_since(failures.since));
        if failures.count < FAILURES_MAX || left.is_zero() {
            return Ok(());
        }
        Err(Denied::TooOften(left.as_secs().max(1)))
    }

    /// Counts a wrong password.
    pub(crate) fn failed(&mut self, address: IpAddr, now: Instant) {
        let address = network(address);
        if self.addresses.len() >= ADDRESSES_MAX && !self.addresses.contains_key(&address) {
            self.forget(now);
        }
        let failures = self.addresses.entry(address).or_insert(Failures { count: 0, since: now });
        if now.duration_since(failures.since) >= WINDOW {
            *failures = Failures { count: 0, since: now };
        }
        failures.count += 1;
        if failures.count == FAILURES_MAX {
            failures.since = now;
        }
    }

    /// Forgets what is over, and the oldest where nothing is.
    fn forget(&mut self, now: Instant) {
        self.addresses.retain(|_, failures| now.duration_since(failures.since) < WINDOW);
        if self.addresses.len() >= ADDRESSES_MAX {
            let oldest = self.addresses.iter().min_by_key(|(_, failures)| failures.since);
            if let Some(oldest) = oldest.map(|(address, _)| *address) {
                self.addresses.remove(&oldest);
            }
        }
    }
}

/// What counts as one address.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn ten_failures_in_a_minute_make_wait() {
        let (mut attempts, start) = (Attempts::default(), Instant::now());
        for second in 0..10 {
            assert_eq!(attempts.check(address("2001:db8::1"), start), Ok(()));
            attempts.failed(address("2001:db8::1"), start + Duration::from_secs(second));
        }
        for (of, second, expected) in [
            ("2001:db8::1", 9, Err(Denied::TooOften(60))),
            ("2001:db8::2", 68, Err(Denied::TooOften(1))),
            ("2001:db8::1", 69, Ok(())),
            ("2001:db8:0:1::1", 9, Ok(())),
            ("127.0.0.1", 9, Ok(())),
        ] {
            assert_eq!(
                attempts.check(address(of), start + Duration::from_secs(second)),
                expected,
                "{of} {second}"
            );
        }
        attempts.failed(address("2001:db8::1"), start + Duration::from_secs(69));
        assert_eq!(attempts.check(address("2001:db8::1"), start + Duration::from_secs(69)), Ok(()));
    }

    #[tokio::test]
    async fn the_table_is_bounded() {
        let (mut attempts, start) = (Attempts::default(), Instant::now());
        for number in 0..2 * ADDRESSES_MAX as u32 {
            attempts.failed(IpAddr::V4(number.into()), start + Duration::from_millis(u64::from(number)));
        }
        assert_eq!(attempts.addresses.len(), ADDRESSES_MAX);
    }
}
