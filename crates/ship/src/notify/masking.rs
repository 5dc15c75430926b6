//! Personal data in what is mailed: a mailbox is read by more people, on more machines and for longer than logs.
//!
//! What tells lines apart stays: the first letter of a user and his domain, the network of an address, the names
//! of a query's parameters. What would let a reader act as somebody or know him goes.

/// A run of letters and digits of this length or longer, with both, is taken for a token.
const TOKEN_CHARS_MIN: usize = 20;

/// A text without mail addresses, the last part of IP addresses, values of queries, and tokens.
pub fn masked(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for word in text.split_inclusive(|c: char| c.is_whitespace() || "\"'<>()[]{},;|".contains(c)) {
        let end = word.len() - word.chars().next_back().filter(|c| is_end(*c)).map_or(0, char::len_utf8);
        let (word, separator) = word.split_at(end);
        shown.push_str(&masked_word(word));
        shown.push_str(separator);
    }
    shown
}

fn is_end(c: char) -> bool {
    c.is_whitespace() || "\"'<>()[]{},;|".contains(c)
}

fn masked_word(word: &str) -> String {
    if let Some((path, query)) = word.split_once('?').filter(|(_, query)| query.contains('=')) {
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, value)) if !value.is_empty() => format!("{name}=***"),
            _ => pair.to_owned(),
        });
        return format!("{}?{}", masked_word(path), pairs.collect::<Vec<_>>().join("&"));
    }
    if let Some((before, after)) = word.split_once('=') {
        return format!("{before}={}", masked_word(after));
    }
    if let Some((user, domain)) = word.split_once('@')
        && !user.is_empty()
        && domain.contains('.')
    {
        let first: String = user.chars().rev().take_while(|c| !"/:".contains(*c)).collect();
        let user_start = user.len() - first.len();
        let letter: String = user[user_start..].chars().take(1).collect();
        return format!("{}{letter}***@{domain}", &user[..user_start]);
    }
    if let Some(network) = network(word) {
        return network;
    }
    word.split_inclusive(['/', '.', ':']).map(masked_token).collect()
}

/// An IPv4 address without its last number, an IPv6 one without its last half; the port stays away too.
fn network(word: &str) -> Option<String> {
    let address = word
        .parse::<std::net::IpAddr>()
        .ok()
        .or_else(|| word.parse::<std::net::SocketAddr>().ok().map(|address| address.ip()))?;
    if is_private(address) {
        // A machine of one's own, which is nobody.
        return None;
    }
    Some(match address {
        std::net::IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.x")
        }
        std::net::IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::x")
        }
    })
}

fn is_private(address: std::net::IpAddr) -> bool {
    match address {
        std::net::IpAddr::V4(address) => address.is_private() || address.is_loopback(),
        std::net::IpAddr::V6(address) => address.is_unique_local() || address.is_loopback(),
    }
}

fn masked_token(part: &str) -> String {
    let (token, end) = match part.strip_suffix(['/', '.', ':']) {
        Some(token) => part.split_at(token.len()),
        None => (part, ""),
    };
    let is_token = token.chars().count() >= TOKEN_CHARS_MIN
        && token.chars().all(|c| c.is_ascii_alphanumeric() || "-_+=~".contains(c))
        && token.chars().any(|c| c.is_ascii_digit())
        && token.chars().any(|c| c.is_ascii_alphabetic());
    if is_token { format!("{}***{end}", &token[..4]) } else { part.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_personal_goes_and_what_tells_lines_apart_stays() {
        for (text, expected) in [
            ("POST /checkout 504 3.2 s", "POST /checkout 504 3.2 s"),
            ("user_email=\"ann.lee@example.com\",", "user_email=\"a***@example.com\","),
            ("mailto:ann@example.com", "mailto:a***@example.com"),
            ("ann@example", "ann@example"),
            ("203.0.113.9 and 203.0.113.9:4411", "203.0.113.x and 203.0.113.x"),
            ("10.0.0.7:8080 and 127.0.0.1", "10.0.0.7:8080 and 127.0.0.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::x"),
            ("GET /a?token=abc&page=2&x HTTP", "GET /a?token=***&page=***&x HTTP"),
            ("/reset/4f9a8c7e6d5b4a39281706f5e4d3c2b1/now", "/reset/4f9a***/now"),
            ("ShopCheckoutIsVerySlowToday", "ShopCheckoutIsVerySlowToday"),
            ("2026-11-20T10:15:30Z", "2026-11-20T10:15:30Z"),
            ("ü@é.de ?= @ =", "ü***@é.de ?= @ ="),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_masked(text in ".{0,60}") {
            masked(&text);
        }
    }
}
