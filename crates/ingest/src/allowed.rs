//! Who may send where nobody says who he is.
//!
//! UDP and plain TCP have no passwords. What remains is the address; of UDP even that can be forged by who is on the
//! way, so an allow-list keeps out mistakes and strangers, not an enemy in the same network.

use std::net::IpAddr;

/// Networks that may send; the loopback addresses always may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    networks: Vec<(u128, u128)>,
}

impl Allowed {
    /// Nobody but the loopback addresses.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a network in CIDR form, or one address.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        let wrong = || format!("`{text}` is not a network; write 10.0.0.0/8, 2001:db8::/32 or one address");
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits_max: u32 = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Ok(bits_max), str::parse).map_err(|_| wrong())?;
        let host_bits = bits_max.checked_sub(length).ok_or_else(wrong)?;
        let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
        self.networks.push((bits(address) & mask, mask));
        Ok(())
    }

    /// Whether this address may send.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let bits = bits(address);
        address.is_loopback() || self.networks.iter().any(|(prefix, mask)| bits & mask == *prefix)
    }
}

/// An address as one of IPv6.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_asked_of_each_network() {
        let mut allowed = Allowed::new();
        for network in ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"] {
            allowed.add(network).expect(network);
        }
        for (address, expected) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("::ffff:10.0.0.1", true),
            ("2001:db8:ffff::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(allowed.contains(address.parse().expect(address)), expected, "{address}");
        }
        assert!(!Allowed::new().contains("192.0.2.7".parse().expect("an address")));
        let mut everybody = Allowed::new();
        everybody.add("0.0.0.0/0").expect("a network");
        assert!(everybody.contains("192.0.2.7".parse().expect("an address")));
        assert!(!everybody.contains("2001:db8::1".parse().expect("an address")));
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "localhost"] {
            assert!(Allowed::new().add(wrong).is_err(), "{wrong}");
        }
    }
}
