//! Fills the placeholders of a pattern: `/api/v1/orders/{order}` becomes one real path.
//!
//! A request keeps only a 64-bit identity; its path, query and host are made from it whenever they
//! are written. So a request is a few dozen bytes without a single allocation, and the ALB line, the
//! nginx line and a redirect's URL show the same identifiers without storing them.

use super::rng::Rng;
use super::text::{put_hex, put_number, put_padded};

const WORDS: [&str; 24] = [
    "red", "trail", "winter", "oak", "linen", "compact", "steel", "classic", "nordic", "travel", "cotton",
    "garden", "bike", "lamp", "jacket", "table", "chair", "mug", "backpack", "tent", "sofa", "knife",
    "boots", "scarf",
];
const CATEGORIES: [&str; 10] =
    ["furniture", "kitchen", "outdoor", "lighting", "textiles", "bikes", "garden", "kids", "office", "sale"];
const NAMES: [&str; 12] =
    ["anna", "jonas", "lea", "paul", "mia", "emil", "ida", "noah", "clara", "felix", "zoe", "max"];
const SIZES: [&str; 5] = ["160x160", "320x240", "640x480", "1280x960", "1920x1080"];

/// Appends `pattern` with each `{name}` replaced by an identifier of that kind.
///
/// The same `rng` state gives the same text. An unknown name stays as it is, without its braces.
pub fn put_filled(out: &mut Vec<u8>, pattern: &str, rng: &mut Rng) {
    // On bytes: a search for a `char` costs as much as all the rest.
    let mut pieces = pattern.as_bytes().split(|byte| *byte == b'{');
    out.extend_from_slice(pieces.next().unwrap_or_default());
    for piece in pieces {
        let mut halves = piece.splitn(2, |byte| *byte == b'}');
        put_identifier(out, halves.next().unwrap_or_default(), rng);
        out.extend_from_slice(halves.next().unwrap_or_default());
    }
}

fn put_identifier(out: &mut Vec<u8>, name: &[u8], rng: &mut Rng) {
    // The frequent ones first: a match on strings compares one after the other.
    match name {
        b"id" => put_number(out, 1000 + rng.skewed(9_000_000)),
        b"word" => out.extend_from_slice(rng.pick(&WORDS).as_bytes()),
        b"page" => put_number(out, 1 + rng.skewed(40)),
        b"size" => out.extend_from_slice(rng.pick(&SIZES).as_bytes()),
        b"hash" => put_hash(out, rng.skewed(400), 20),
        b"sha" => put_hash(out, rng.skewed(60_000), 40),
        b"uuid" => put_uuid(out, rng),
        b"words" => put_words(out, rng),
        b"category" => out.extend_from_slice(rng.pick(&CATEGORIES).as_bytes()),
        b"slug" => put_slug(out, rng),
        b"order" => put_joined(out, "SO-2026-", 100_000 + rng.skewed(800_000)),
        b"md5" => put_hash(out, rng.skewed(60_000), 32),
        b"token" => put_token(out, rng, 43),
        b"email" => put_email(out, rng),
        b"date" => put_date(out, rng),
        b"year" => put_number(out, 2022 + rng.below(5)),
        b"month" => put_padded(out, 1 + rng.below(12), 2),
        b"number" => put_number(out, 1 + rng.below(9)),
        b"zip" => put_padded(out, 1_000 + rng.below(98_000), 5),
        b"tracking" => put_joined(out, "1Z999AA1", 10_000_000_000 + rng.below(80_000_000_000)),
        b"sku" => put_joined(out, "FRN-", 10_000 + rng.skewed(80_000)),
        b"version" => put_version(out, rng),
        b"code" => put_code(out, rng),
        b"long" => (0..300).for_each(|_| put_token(out, rng, 54)),
        b"sort" => out.extend_from_slice(rng.pick(&["price", "new", "rating"]).as_bytes()),
        b"status" => out.extend_from_slice(rng.pick(&["open", "paid", "shipped", "returned"]).as_bytes()),
        _ => out.extend_from_slice(name),
    }
}

fn put_joined(out: &mut Vec<u8>, prefix: &str, n: u64) {
    out.extend_from_slice(prefix.as_bytes());
    put_number(out, n);
}

/// The `n`th of a limited set of files: the same file has the same hash in every request.
fn put_hash(out: &mut Vec<u8>, n: u64, digits: u32) {
    let mut file = Rng::new(n.wrapping_mul(0x2545_F491_4F6C_DD1D));
    let mut left = digits;
    while left > 0 {
        put_hex(out, file.bits(), left.min(16));
        left -= left.min(16);
    }
}

/// A version 4 UUID, one of 50,000: customers and carts come back.
fn put_uuid(out: &mut Vec<u8>, rng: &mut Rng) {
    let mut owner = Rng::new(rng.skewed(50_000).wrapping_mul(0x9E6D_62D0_6F6A_3A5B));
    let (high, low) = (owner.bits(), owner.bits());
    put_hex(out, high >> 32, 8);
    out.push(b'-');
    put_hex(out, high >> 16, 4);
    out.extend_from_slice(b"-4");
    put_hex(out, high, 3);
    out.extend_from_slice(b"-a");
    put_hex(out, low >> 48, 3);
    out.push(b'-');
    put_hex(out, low, 12);
}

fn put_token(out: &mut Vec<u8>, rng: &mut Rng, length: usize) {
    const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bits = 0;
    for i in 0..length {
        if i % 10 == 0 {
            bits = rng.bits();
        }
        out.push(BASE64_URL[(bits & 63) as usize]);
        bits >>= 6;
    }
}

fn put_email(out: &mut Vec<u8>, rng: &mut Rng) {
    out.extend_from_slice(rng.pick(&NAMES).as_bytes());
    out.push(b'.');
    out.extend_from_slice(rng.pick(&WORDS).as_bytes());
    put_number(out, rng.skewed(900));
    out.extend_from_slice(rng.pick(&["@example.com", "%40example.org"]).as_bytes());
}

fn put_words(out: &mut Vec<u8>, rng: &mut Rng) {
    out.extend_from_slice(rng.pick(&WORDS).as_bytes());
    out.extend_from_slice(b"%20");
    out.extend_from_slice(rng.pick(&WORDS).as_bytes());
}

fn put_date(out: &mut Vec<u8>, rng: &mut Rng) {
    put_number(out, 2024 + rng.below(3));
    out.push(b'-');
    put_padded(out, 1 + rng.below(12), 2);
    out.push(b'-');
    put_padded(out, 1 + rng.below(28), 2);
}

fn put_version(out: &mut Vec<u8>, rng: &mut Rng) {
    put_number(out, 3 + rng.below(2));
    out.push(b'.');
    put_number(out, rng.below(30));
    out.push(b'.');
    put_number(out, rng.below(9));
}

/// Three words and a number, as most shops write them: words alone could be routes of their own.
fn put_slug(out: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..3 {
        out.extend_from_slice(rng.pick(&WORDS).as_bytes());
        out.push(b'-');
    }
    put_number(out, 10_000 + rng.below(90_000));
}

fn put_code(out: &mut Vec<u8>, rng: &mut Rng) {
    const LETTERS: &[u8; 16] = b"ACDEFHKMPRT24579";
    let mut bits = rng.bits();
    for i in 0..12 {
        if i == 4 || i == 8 {
            out.push(b'-');
        }
        out.push(LETTERS[(bits & 15) as usize]);
        bits >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::super::shop::{PROBES, ROUTES};
    use super::*;

    fn filled(pattern: &str, seed: u64) -> String {
        let mut out = Vec::new();
        put_filled(&mut out, pattern, &mut Rng::new(seed));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_placeholder_of_the_shop_is_known() {
        for route in ROUTES.iter().chain(PROBES) {
            for pattern in [route.pattern, route.query] {
                let text = filled(pattern, 3);
                for (name, _) in pattern.split('{').skip(1).filter_map(|part| part.split_once('}')) {
                    assert_ne!(filled(&format!("{{{name}}}"), 3), name, "{pattern}: unknown placeholder");
                }
                assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
            }
        }
    }

    #[test]
    fn identifiers_have_their_shape() {
        let uuid = filled("{uuid}", 5);
        assert_eq!(uuid.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_eq!(filled("/app.{hash}.js", 5).len(), "/app..js".len() + 20);
        assert_eq!(filled("{sha}{md5}{token}", 5).len(), 40 + 32 + 43);
        assert!(filled("{long}", 5).len() > 16_000);
    }

    #[test]
    fn the_same_identity_gives_the_same_path() {
        assert_eq!(filled("/p/{id}/{slug}", 8), filled("/p/{id}/{slug}", 8));
        assert_ne!(filled("/p/{id}", 8), filled("/p/{id}", 9));
    }
}
