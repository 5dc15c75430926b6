//! The shop that the sample traffic belongs to: its hosts, target groups and routes, as one table.
//!
//! Sample traffic is worth only as much as the truth known about it. So each route carries its true
//! pattern, which tests compare with what route templates make of the paths; and the table holds an
//! identifier of every kind that paths have in practice, not the ones that are easy to recognise.

/// The account that owns the load balancer; the number that AWS's own examples use.
pub const ACCOUNT: &str = "111122223333";
/// The region of the load balancer.
pub const REGION: &str = "eu-central-1";
/// The load balancer as field 3 of its log lines names it.
pub const LOAD_BALANCER: &str = "app/shop/50dc6c495c0c9188";
/// The certificate of `*.shop.example.com`.
pub const CERTIFICATE_ARN: &str =
    "arn:aws:acm:eu-central-1:111122223333:certificate/12345678-1234-1234-1234-123456789012";
/// The addresses of the load balancer's nodes: one per availability zone, one log file each.
pub const NODES: [&str; 3] = ["198.51.100.21", "198.51.100.77", "198.51.100.142"];

macro_rules! group_arn {
    ($name:literal) => {
        concat!("arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/", $name)
    };
}

/// Who answers behind the load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetGroup {
    /// Pages of the shop, rendered by a server.
    Web,
    /// The API apart from orders and search.
    Api,
    /// Orders, payments and checkout.
    Orders,
    /// Search and suggestions.
    Search,
    /// Assets and images, from a Lambda function: lines without a target address.
    Static,
    /// The staff's back office, behind a login that the load balancer does.
    Admin,
}

impl TargetGroup {
    /// The ARN as field 17 and the listener rules have it.
    pub fn arn(self) -> &'static str {
        match self {
            TargetGroup::Web => group_arn!("web/0a1b2c3d4e5f6071"),
            TargetGroup::Api => group_arn!("api/73e2d6bc24d8a067"),
            TargetGroup::Orders => group_arn!("orders/5d0f3b7a91c2e486"),
            TargetGroup::Search => group_arn!("search/c41e8f02b6a9d357"),
            TargetGroup::Static => group_arn!("static/e8b7150c3f2a6d94"),
            TargetGroup::Admin => group_arn!("admin/19f6c0d2b84e7a35"),
        }
    }

    /// The registered targets; none for a Lambda function, which has no address.
    pub fn targets(self) -> &'static [&'static str] {
        match self {
            TargetGroup::Web => &["10.0.1.11:8080", "10.0.2.11:8080", "10.0.3.11:8080", "10.0.1.12:8080"],
            TargetGroup::Api => &["10.0.1.21:8080", "10.0.2.21:8080", "10.0.3.21:8080", "10.0.3.22:8080"],
            TargetGroup::Orders => &["10.0.1.31:8081", "10.0.2.31:8081", "10.0.3.31:8081"],
            TargetGroup::Search => &["10.0.1.41:9200", "10.0.2.41:9200"],
            TargetGroup::Static => &[],
            TargetGroup::Admin => &["10.0.1.51:3000"],
        }
    }
}

/// What a client put into the Host header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// `shop.example.com`: the pages.
    Shop,
    /// `api.shop.example.com`.
    Api,
    /// `static.shop.example.com`.
    Static,
    /// `admin.shop.example.com`.
    Admin,
    /// The load balancer's address: a scanner that walks through addresses.
    Node,
    /// A name made up by a scanner, another one each time.
    Random,
}

impl Host {
    /// The name, for the hosts that have one of their own.
    pub fn name(self) -> &'static str {
        match self {
            Host::Shop => "shop.example.com",
            Host::Api => "api.shop.example.com",
            Host::Static => "static.shop.example.com",
            Host::Admin => "admin.shop.example.com",
            Host::Node | Host::Random => "",
        }
    }
}

/// One route of the shop and how its requests behave.
#[derive(Debug)]
pub struct Route {
    /// The method; a HEAD or a GET is never both.
    pub method: &'static str,
    /// The host that serves it.
    pub host: Host,
    /// The true pattern: `{name}` stands for an identifier (see `template`).
    pub pattern: &'static str,
    /// The query string, with the same placeholders; empty when there is none.
    pub query: &'static str,
    /// How often it is asked for, relative to the others.
    pub weight: u32,
    /// The median of the target's processing time.
    pub median_ms: u32,
    /// How far that time spreads (see [`super::rng::Rng::log_normal`]).
    pub spread: u8,
    /// The median size of a full answer.
    pub sent_bytes: u32,
    /// The target's statuses other than 200.
    pub answers: Answers,
}

/// Statuses other than 200, each with its share in thousandths.
pub type Answers = &'static [(u16, u16)];

const PAGE: Answers = &[(304, 60), (302, 12), (404, 6), (500, 1)];
const FORM: Answers = &[(303, 850), (422, 60), (403, 4), (500, 2)];
const LOGIN: Answers = &[(302, 780), (401, 190), (429, 10)];
const MOVED: Answers = &[(302, 1000)];
const READ: Answers = &[(404, 18), (401, 9), (429, 2), (500, 1)];
const CREATE: Answers = &[(201, 930), (409, 12), (422, 35), (500, 3)];
const CHANGE: Answers = &[(204, 940), (404, 12), (409, 8), (500, 2)];
const FILE: Answers = &[(304, 310), (404, 9), (206, 4)];
const STAFF: Answers = &[(304, 30), (403, 8), (500, 4)];
const OK: Answers = &[];
const SOCKET: Answers = &[(101, 1000)];
const PROBED: Answers = &[(404, 880), (301, 40), (405, 20), (400, 40)];

macro_rules! routes {
    ($(@$host:ident $($method:ident $pattern:literal $query:literal $weight:literal $median_ms:literal
       $spread:literal $bytes:literal $answers:ident;)*)*) => {
        &[$($(Route {
            method: stringify!($method), host: Host::$host, pattern: $pattern, query: $query, weight: $weight,
            median_ms: $median_ms, spread: $spread, sent_bytes: $bytes, answers: $answers,
        },)*)*]
    };
}

/// What customers, apps, staff and monitors ask for. No path matches two patterns of its method and
/// host, so the order of the table means nothing.
pub static ROUTES: &[Route] = routes! {
//  method   pattern                                   query                  weight  ms spread  bytes answers
@Shop
    GET      "/"                                       ""                       520     38 12   31_000 PAGE;
    HEAD     "/"                                       ""                        20     30 10      420 PAGE;
    GET      "/catalog"                                "page={page}"            160     52 12   42_000 PAGE;
    GET      "/catalog/{category}"                     "sort={sort}"            380     61 13   47_000 PAGE;
    GET      "/catalog/{category}/{slug}"              "utm_source={word}"      420     47 12   38_000 PAGE;
    GET      "/p/{id}"                                 ""                       610     44 12   36_000 PAGE;
    GET      "/p/{id}/reviews"                         "page={page}"            120     33 12   12_000 PAGE;
    GET      "/p/{id}/gallery/{page}"                  ""                        60     28 10    9_000 PAGE;
    GET      "/brands/{slug}"                          ""                        70     41 12   29_000 PAGE;
    GET      "/search"                                 "q={words}&page={page}"  260     88 14   33_000 PAGE;
    GET      "/cart"                                   ""                       240     27 11   14_000 PAGE;
    POST     "/cart/items"                             ""                       110     36 12      640 FORM;
    DELETE   "/cart/items/{id}"                        ""                        30     25 11      410 CHANGE;
    GET      "/checkout"                               "step={page}"             75     49 12   18_000 PAGE;
    POST     "/checkout/{uuid}/confirm"                ""                        28    190 14      900 FORM;
    GET      "/login"                                  "next=%2Faccount"         60     14  9    6_200 PAGE;
    POST     "/login"                                  ""                        45    120  8      780 LOGIN;
    GET      "/logout"                                 ""                        18      9  9      300 MOVED;
    GET      "/account"                                ""                        65     31 11   11_000 PAGE;
    GET      "/account/orders"                         "page={page}"             55     58 12   15_000 PAGE;
    GET      "/account/orders/{order}"                 ""                        48     44 12   13_000 PAGE;
    GET      "/account/verify/{token}"                 ""                        12     39 11      700 MOVED;
    GET      "/account/unsubscribe/{email}"            "sig={hash}"               9     21 10    3_100 PAGE;
    GET      "/news/{date}/{slug}"                     ""                        44     19 10   27_000 PAGE;
    GET      "/blog/{year}/{month}"                    ""                        14     23 10   22_000 PAGE;
    GET      "/sale/{date}"                            "ref={word}"              52     42 12   39_000 PAGE;
    GET      "/stores/{zip}"                           ""                        16     26 11    9_900 PAGE;
    GET      "/gift/{code}"                            ""                        11     30 11    5_200 PAGE;
    GET      "/invite/{token}"                         ""                        10     24 10    4_700 PAGE;
    GET      "/go/{slug}"                              "utm_campaign={slug}"     26     11  9      350 MOVED;
    GET      "/fn/{word}"                              ""                         6     65 13    1_900 OK;
    GET      "/robots.txt"                             ""                        12      2  8      410 FILE;
    GET      "/sitemap-{page}.xml"                     ""                         8     16 10   88_000 FILE;
    GET      "/favicon.ico"                            ""                        60      1  8    1_500 FILE;
    GET      "/.well-known/acme-challenge/{token}"     ""                         2      1  8      180 OK;
    GET      "/health"                                 ""                        14      1  6      120 OK;
@Api
    GET      "/api/v1/products"                        "page={page}&size=48"    210     34 12   19_000 READ;
    GET      "/api/v1/products/{id}"                   ""                       480     18 11    4_200 READ;
    GET      "/api/v1/products/{id}/stock"             ""                       300      9 11      380 READ;
    GET      "/api/v1/products/{id}/prices/{date}"     "currency=EUR"            70     16 11      640 READ;
    GET      "/api/v1/users/{uuid}"                    ""                       140     13 10    1_100 READ;
    PATCH    "/api/v1/users/{uuid}"                    ""                        22     34 11      460 CHANGE;
    GET      "/api/v1/users/by-email/{email}"          ""                        18     21 11    1_100 READ;
    PUT      "/api/v1/users/{uuid}/addresses/{number}" ""                        16     29 11      430 CHANGE;
    POST     "/api/v1/sessions"                        ""                        60     98  9    1_300 CREATE;
    DELETE   "/api/v1/sessions/{token}"                ""                        15     12 10      320 CHANGE;
    GET      "/api/v1/cart/{uuid}"                     ""                       230     15 11    2_700 READ;
    PUT      "/api/v1/cart/{uuid}/items/{id}"          ""                        85     27 12      600 CHANGE;
    GET      "/api/v1/recommendations/{id}"            "limit={page}"           190     57 13    7_800 READ;
    OPTIONS  "/api/v1/cart/{uuid}"                     ""                        60      1  8      340 OK;
    GET      "/api/v1/exports/{date}.csv"              ""                         4    400 14  310_000 OK;
    GET      "/api/v0/products/{id}"                   ""                         9      9 10      300 OK;
    GET      "/ws/notifications"                       "ticket={token}"          14      4  9   18_000 SOCKET;
    GET      "/api/v1/orders"                          "status={status}"         95     46 12    8_800 READ;
    POST     "/api/v1/orders"                          ""                        64    160 13    1_600 CREATE;
    GET      "/api/v1/orders/{order}"                  ""                       150     24 11    3_300 READ;
    POST     "/api/v1/orders/{order}/cancel"           ""                         8     88 12      700 CHANGE;
    GET      "/api/v1/orders/{order}/items/{number}"   ""                        34     17 11      980 READ;
    GET      "/api/v1/orders/{order}/invoice.pdf"      ""                        19    210 13  118_000 READ;
    POST     "/api/v1/payments/{uuid}/capture"         ""                        52    310 13      850 CREATE;
    GET      "/api/v1/shipments/{tracking}"            ""                        41     62 13    1_800 READ;
    GET      "/api/v1/search"                          "q={words}&locale=de_DE"  330     25 16    9_600 OK;
    GET      "/api/v1/suggest"                         "q={word}"               520      6 11    1_200 OK;
    POST     "/api/v1/search/clicks"                   ""                        90      5 10      280 CHANGE;
@Static
    GET      "/assets/app.{hash}.js"                   ""                       420      3 11  164_000 FILE;
    GET      "/assets/vendor.{hash}.js"                ""                       390      3 11  288_000 FILE;
    GET      "/assets/style.{hash}.css"                ""                       400      2 11   41_000 FILE;
    GET      "/assets/{hash}.woff2"                    ""                       210      2 11   62_000 FILE;
    GET      "/v/{version}/bundle.js"                  ""                        90      3 11  120_000 FILE;
    GET      "/img/{size}/{id}.jpg"                    ""                       760      6 12   38_000 FILE;
    GET      "/img/{id}/{size}/{sha}.webp"             ""                       640      6 12   27_000 FILE;
    GET      "/media/{year}/{month}/{hash}.mp4"        ""                        24     18 13  940_000 FILE;
    GET      "/avatars/{md5}.png"                      "s={page}0"               70      4 11    8_600 FILE;
@Admin
    GET      "/"                                       ""                         8     45 12   16_000 STAFF;
    GET      "/orders"                                 "from={date}"             22    130 14   38_000 STAFF;
    GET      "/orders/{order}"                         ""                        18     61 12   17_000 STAFF;
    POST     "/orders/{order}/refund"                  ""                         2    240 13      700 FORM;
    GET      "/reports/{date}"                         "format=html"              4  1_400 15  210_000 STAFF;
    GET      "/users/{email}"                          ""                         7     38 12    9_000 STAFF;
    PUT      "/products/{sku}"                         ""                         6     83 12    1_200 CHANGE;
};

/// What scanners ask for: paths of software that the shop doesn't have, on hosts it may not have.
pub static PROBES: &[Route] = routes! {
//  method   pattern                                   query                  weight  ms spread  bytes answers
@Shop
    GET      "/.env"                                   ""                        90      2  8    1_900 PROBED;
    GET      "/wp-login.php"                           ""                       120      2  8    1_900 PROBED;
    POST     "/xmlrpc.php"                             ""                        50      2  8    1_900 PROBED;
    GET      "/{token}.php"                            ""                       140      2  8    1_900 PROBED;
    GET      "/backup/{date}.zip"                      ""                        30      2  8    1_900 PROBED;
    GET      "/product.php"                            "id=1%27%20OR%201"        30      9  8    1_900 PROBED;
@Node
    GET      "/.git/config"                            ""                        80      2  8    1_900 PROBED;
    GET      "/"                                       ""                       130      2  8    1_900 PROBED;
    GET      "/cgi-bin/luci/;stok=/locale"             "form=country"            40      2  8    1_900 PROBED;
    GET      "/actuator/health"                        ""                        40      2  8    1_900 PROBED;
    PROPFIND "/"                                       ""                        15      2  8    1_900 PROBED;
@Random
    GET      "/{word}/{token}"                         ""                        90      2  8    1_900 PROBED;
    HEAD     "/"                                       ""                        40      2  8      400 PROBED;
@Api
    GET      "/api/v1/user/{id}%27%20OR%201=1--"       ""                        25      8  8      300 PROBED;
@Admin
    GET      "/manager/html"                            ""                        20      2  8    1_900 PROBED;
};
