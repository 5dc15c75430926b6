//! Automatic templates on generated traffic: few series, and no two routes in one.
//!
//! Rules for single segments can all be right and the sum still be wrong: an id that escapes once in
//! a hundred draws makes a thousand series in a day. So 60 routes as services have them meet ids of
//! every kind, drawn from a fixed seed, through the crate's front door.

use std::collections::{BTreeMap, BTreeSet};

use weir_enrich::{EnrichOptions, Enricher, Scratch};
use weir_record::{Origin, Request, Timestamp};

/// `<kind>` is drawn anew for every request.
const ROUTES: [&str; 60] = [
    "/",
    "/healthz",
    "/favicon.ico",
    "/api/v1/orders",
    "/api/v1/orders/<number>",
    "/api/v1/orders/<number>/items",
    "/api/v1/orders/<number>/items/<number>",
    "/api/v1/orders/search",
    "/api/v2/orders/<uuid>",
    "/api/v2/orders/<uuid>/refunds/<uuid>",
    "/api/1.0/orders/<prefixed>",
    "/api/1.1/orders/<prefixed>",
    "/api/v1/users/<email>",
    "/api/v1/users/<dashed>/sessions",
    "/api/v1/users/me",
    "/api/v1/users/batch/<list>",
    "/api/v1beta1/namespaces/default/pods",
    "/api/v1/tracks/<object-id>",
    "/api/v1/tracks/<object-id>/lyrics",
    "/api/v1/events/<ulid>",
    "/api/v1/events/<ksuid>/replay",
    "/api/v1/links/<nanoid>",
    "/api/v1/reports/<date>",
    "/api/v1/reports/<compact-date>/summary",
    "/api/v1/reports/<month>/export.csv",
    "/api/v1/rates/<snowflake>",
    "/api/v1/hosts/<ip>/ping",
    "/api/v1/bundles/<upper-uuid>/files/<sha256>",
    "/api/v1/invoices/<code>.pdf",
    "/oauth2/authorize",
    "/oauth2/token",
    "/oauth2/callback/<base64url>",
    "/auth/confirm/<long-token>",
    "/auth/jwt/<jwt>/verify",
    "/s3/presign",
    "/utf8/check",
    "/i18n/en-us/messages.json",
    "/static/js/app.<hash20>.js",
    "/static/js/vendor.<hash20>.js",
    "/static/css/main-<hash8>.css",
    "/static/js/chunk-<vite>.js",
    "/media/<number>.jpg",
    "/media/thumbnails/<size>/<number>.webp",
    "/media/<md5>.png",
    "/blobs/<sha1>",
    "/blobs/<sha1>/raw",
    "/commits/<short-sha>",
    "/products/<slug>",
    "/products/<slug>/reviews",
    "/search/<hebrew>",
    "/cart;jsessionid=<session>/checkout",
    "/rpc/OrderService/GetOrder",
    "/rpc/OrderService/ListOrdersByCustomer",
    "/grpc.health.v1.Health/Check",
    "/traces/<dashless-uuid>",
    "/payments/card_<base62>",
    "/stats/24h",
    "/stats/7d",
    "/docs/terms-and-conditions",
    "/releases/<version>/notes",
];

/// A fixed sequence that looks random (splitmix64, Steele and others 2014).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn text(&mut self, alphabet: &str, len: usize) -> String {
        (0..len).map(|_| self.one_of(alphabet)).collect()
    }

    fn one_of(&mut self, alphabet: &str) -> char {
        let at = self.below(alphabet.len() as u64) as usize;
        char::from(alphabet.as_bytes()[at])
    }

    fn date(&mut self, separator: &str) -> String {
        let (year, month, day) = (2020 + self.below(8), 1 + self.below(12), 1 + self.below(28));
        format!("{year}{separator}{month:02}{separator}{day:02}")
    }

    fn uuid(&mut self) -> String {
        [8, 4, 4, 4, 12].map(|len| self.text(HEX, len)).join("-")
    }

    fn slug(&mut self) -> String {
        let words = ["red", "blue", "cotton", "shirt", "men", "women", "large", "shoes"];
        let words: Vec<_> = (0..3 + self.below(3)).map(|_| words[self.below(8) as usize]).collect();
        format!("{}-{}", words.join("-"), 10_000 + self.below(9_000_000))
    }

    fn id(&mut self, kind: &str) -> String {
        match kind {
            "number" => (1 + self.below(9_999_999)).to_string(),
            "snowflake" => (1_100_000_000_000_000_000 + self.below(1_000_000_000_000_000)).to_string(),
            "prefixed" => format!("ord{}", 100_000 + self.below(900_000)),
            "dashed" => format!("user_{}", 1 + self.below(500_000)),
            "code" => format!("INV-{}-{:05}", 2020 + self.below(8), self.below(100_000)),
            "list" => {
                (0..2 + self.below(9)).map(|_| self.below(5000).to_string()).collect::<Vec<_>>().join(",")
            }
            "uuid" => self.uuid(),
            "upper-uuid" => self.uuid().to_uppercase(),
            "dashless-uuid" => self.uuid().replace('-', ""),
            "object-id" => self.text(HEX, 24),
            "md5" => self.text(HEX, 32),
            "sha1" => self.text(HEX, 40),
            "sha256" => self.text(HEX, 64),
            "short-sha" => self.text(HEX, 10),
            "hash8" => self.text(HEX, 8),
            "hash20" => self.text(HEX, 20),
            "vite" => self.text(BASE32, 8),
            "ulid" => format!("01{}", self.text(CROCKFORD, 24)),
            "ksuid" => format!("2{}", self.text(BASE62, 26)),
            "nanoid" => self.text(BASE64URL, 21),
            "base64url" => self.text(BASE64URL, 43),
            "long-token" => self.text(BASE62, 32),
            "base62" => self.text(BASE62, 24),
            "jwt" => {
                format!("eyJhbGciOiJIUzI1NiJ9.eyJ{}.{}", self.text(BASE64URL, 60), self.text(BASE64URL, 43))
            }
            "session" => self.text(CROCKFORD, 32),
            "date" => self.date("-"),
            "compact-date" => self.date(""),
            "month" => self.date("-")[..7].to_owned(),
            "email" => format!("{}.{}@example.com", self.text("abcdefgh", 5), self.text("ijklmnop", 6)),
            "ip" => format!("10.{}.{}.{}", self.below(256), self.below(256), self.below(256)),
            "size" => format!("{}x{}", 10 + self.below(2000), 10 + self.below(2000)),
            "version" => format!("{}.{}.{}", self.below(30), self.below(30), self.below(30)),
            "slug" => self.slug(),
            "hebrew" => (0..4 + self.below(20)).map(|_| format!("%D7%{:X}", 0x90 + self.below(26))).collect(),
            other => panic!("no such kind of id: {other}"),
        }
    }

    fn path(&mut self, route: &str) -> String {
        let mut pieces = route.split(['<', '>']);
        let mut path = pieces.next().unwrap_or_default().to_owned();
        while let Some(kind) = pieces.next() {
            path += &self.id(kind);
            path += pieces.next().unwrap_or_default();
        }
        path
    }
}

const HEX: &str = "0123456789abcdef";
const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const CROCKFORD: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const BASE62: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE64URL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// How often each template was seen, per route.
fn templates(draws_per_route: usize, seed: u64) -> Vec<(&'static str, BTreeMap<String, usize>)> {
    let enricher = Enricher::new(EnrichOptions::default());
    let (mut scratch, mut draw) = (Scratch::default(), Draw(seed));
    let mut seen = |route: &'static str| {
        let mut counts = BTreeMap::new();
        for _ in 0..draws_per_route {
            let path = draw.path(route);
            let mut request = Request::new(Origin::Nginx, Timestamp::default());
            request.path = Some(path.as_bytes().into());
            let template = enricher.enrich("nginx", &request, &mut scratch).route.to_owned();
            *counts.entry(template).or_insert(0) += 1;
        }
        (route, counts)
    };
    ROUTES.map(&mut seen).into()
}

#[test]
fn sixty_routes_with_ids_of_every_kind_leave_at_most_seventy_templates() {
    for seed in [1, 20_261_120, u64::MAX] {
        let templates = templates(2_000, seed);
        let all: BTreeSet<_> = templates.iter().flat_map(|(_, counts)| counts.keys()).collect();
        let split: Vec<_> = templates.iter().filter(|(_, counts)| counts.len() > 1).collect();
        assert!(all.len() <= 70, "seed {seed}: {} templates; routes with several: {split:#?}", all.len());
    }
}

#[test]
fn no_two_routes_share_a_template() {
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    for (route, counts) in templates(500, 7) {
        for template in counts.into_keys() {
            if let Some(other) = owners.insert(template.clone(), route).filter(|other| *other != route) {
                panic!("{template} is both {other} and {route}");
            }
        }
    }
    assert!(owners.len() >= ROUTES.len());
}
