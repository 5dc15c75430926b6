//! A net of addresses: `10.0.0.0/8` asked of a field that holds an address.
//!
//! A net is a run of bits, so no pattern of characters can say it: `198.18.*` is one net of many, and none of
//! IPv6. It is asked only where it stands without quotes, so that a field that holds the very text of a net is
//! still found by either.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The known fields that hold an address; a field that nobody foresaw may hold one too.
const ADDRESS_FIELDS: [&str; 4] = ["client_ip", "target", "node", "source_host"];

/// A net of IPv4 or IPv6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// As typed.
    pub text: Box<str>,
    bits: Bits,
}

/// The bits that all addresses of a net begin with, the others being 0, and a mask with 1 for each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bits {
    V4 { prefix: u32, mask: u32 },
    V6 { prefix: u128, mask: u128 },
}

impl Network {
    /// A net in CIDR form; `None` for any other text. Bits of the address behind the prefix do not matter.
    pub fn new(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let length: u32 = length.parse().ok()?;
        let bits = match address.parse().ok()? {
            IpAddr::V4(address) => {
                let rest = Ipv4Addr::BITS.checked_sub(length)?;
                let mask = u32::MAX.checked_shl(rest).unwrap_or(0);
                Bits::V4 { prefix: address.to_bits() & mask, mask }
            }
            IpAddr::V6(address) => {
                let rest = Ipv6Addr::BITS.checked_sub(length)?;
                let mask = u128::MAX.checked_shl(rest).unwrap_or(0);
                Bits::V6 { prefix: address.to_bits() & mask, mask }
            }
        };
        Some(Self { text: text.into(), bits })
    }

    /// Whether a text is an address of the net, with or without a port, or the net as it was typed.
    pub fn matches_text(&self, text: &str) -> bool {
        *text == *self.text || address(text).is_some_and(|address| self.has(address))
    }

    /// Whether an address lies in it. `::ffff:10.0.0.1` is 10.0.0.1 to a net of IPv4.
    fn has(&self, address: IpAddr) -> bool {
        match (self.bits, address) {
            (Bits::V4 { prefix, mask }, address) => match address.to_canonical() {
                IpAddr::V4(address) => address.to_bits() & mask == prefix,
                IpAddr::V6(_) => false,
            },
            (Bits::V6 { prefix, mask }, IpAddr::V6(address)) => address.to_bits() & mask == prefix,
            (Bits::V6 { .. }, IpAddr::V4(_)) => false,
        }
    }
}

/// Whether a net may be asked of the field: of one of ours that holds addresses, or of one of the user's.
pub(crate) fn holds_addresses(field: &str, is_known: bool) -> bool {
    !is_known || ADDRESS_FIELDS.contains(&field)
}

/// `10.0.0.1`, `10.0.0.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok();
    address.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(network: &str, inside: &[&str], outside: &[&str]) {
        let network = Network::new(network).unwrap_or_else(|| panic!("{network} is a net"));
        for text in inside {
            assert!(network.matches_text(text), "{text} is in {}", network.text);
        }
        for text in outside {
            assert!(!network.matches_text(text), "{text} is not in {}", network.text);
        }
    }

    #[test]
    fn addresses_with_and_without_a_port_lie_in_their_net() {
        check(
            "198.18.0.0/16",
            &["198.18.0.0", "198.18.255.255", "198.18.3.4:8080", "::ffff:198.18.0.1", "198.18.0.0/16"],
            &["198.17.255.255", "198.19.0.0", "198.18.0.0/17", "198.18.0", "198.18.0.1, 10.0.0.1", "", "a"],
        );
        check("10.1.2.3/8", &["10.255.0.0", "10.1.2.3/8"], &["11.1.2.3", "10.0.0.0/8"]);
        check("10.1.2.3/32", &["10.1.2.3"], &["10.1.2.4"]);
        check("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::1", "x"]);
        check("2001:db8::/33", &["2001:db8::1", "[2001:db8:7fff::1]:443"], &["2001:db8:8000::1", "10.0.0.1"]);
        check("::/0", &["::1", "2001:db8::1"], &["10.0.0.1"]);
    }

    #[test]
    fn other_texts_are_no_nets() {
        for text in [
            "",
            "/",
            "/8",
            "10.0.0.0",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "10.0.0.0/255.0.0.0",
            "010.0.0.0/8",
            "/static/10",
            "10.0.0.0/99999999999",
        ] {
            assert_eq!(Network::new(text), None, "{text}");
        }
    }
}
