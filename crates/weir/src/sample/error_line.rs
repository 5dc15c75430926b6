//! What the shop's application would send about a request that it could not answer: one JSON object, with a stack.
//!
//! Errors are what people search for words and e-mails, so benchmarks need them with what makes that hard: texts
//! of a kilobyte and more that repeat in large parts, each with identifiers that occur once, a few kinds of
//! error that are everywhere and one that almost never happens. Which requests failed is not asked here: every
//! request given becomes an error, so that a file has as many as were asked for.

use super::request::SampleRequest;
use super::rng::{Rng, mix};
use super::shop::{Host, NODES};
use super::template::put_filled;
use super::text::{put_hex, put_number, put_padded, put_timestamp};
use super::user::{ANONYMOUS_OF_10, put_email};

/// One of so many errors is of the kind that almost never happens.
const RARE_EVERY: u64 = 20_000;

/// How deep a stack is at least, and by how much more at most, in frames.
const FRAMES_MIN: u64 = 9;
const FRAMES_MORE: u64 = 16;

/// A kind of error: its class, its text, and its weight.
type Kind = (&'static str, &'static str, u64);

const KINDS: [Kind; 9] = [
    ("java.net.SocketTimeoutException", "timeout after {id} ms while reading from inventory for {sku}", 30),
    ("com.example.shop.NotFoundException", "order {order} is not known to customer {uuid}", 25),
    ("java.lang.NullPointerException", "cannot invoke Price.amount() because price of {slug} is null", 20),
    ("com.example.shop.ValidationException", "postal code {zip} does not belong to {word}town", 15),
    ("org.hibernate.StaleObjectStateException", "row was updated by another transaction: cart {uuid}", 10),
    ("com.example.payment.DeclinedException", "payment {md5} declined by issuer, tracking {tracking}", 8),
    (
        "java.sql.SQLTransientConnectionException",
        "pool shop-main: connection is not available, request timed out",
        6,
    ),
    ("com.example.shop.OutOfStockException", "no stock left of {slug} in {category}", 5),
    ("java.lang.IllegalStateException", "session {token} was closed", 4),
];

const RARE: Kind =
    ("javax.net.ssl.SSLHandshakeException", "certificate of warehouse gateway {id} is revoked", 0);

const FRAMES: [&str; 12] = [
    "com.example.shop.web.{word}Filter.doFilter(Filter.java:{number}{number})",
    "com.example.shop.order.OrderService.place(OrderService.java:{number}{number}{number})",
    "com.example.shop.cart.CartRepository.load(CartRepository.java:{number}{number})",
    "com.example.shop.price.PriceCalculator.total(PriceCalculator.java:{number}{number}{number})",
    "com.example.payment.client.PaymentClient.capture(PaymentClient.java:{number}{number})",
    "org.springframework.web.servlet.FrameworkServlet.service(FrameworkServlet.java:8{number}{number})",
    "org.springframework.transaction.interceptor.TransactionInterceptor.invoke(TransactionInterceptor.java:119)",
    "org.apache.catalina.core.ApplicationFilterChain.internalDoFilter(ApplicationFilterChain.java:166)",
    "org.hibernate.engine.jdbc.internal.ResultSetReturnImpl.extract(ResultSetReturnImpl.java:{number}{number})",
    "java.base/java.util.concurrent.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:1144)",
    "java.base/java.net.SocketInputStream.read(SocketInputStream.java:{number}{number}{number})",
    "jdk.internal.reflect.GeneratedMethodAccessor{id}.invoke(Unknown Source)",
];

/// Appends the error that `request` ended in as one line, with its newline.
pub fn write_error_line(request: &SampleRequest, out: &mut Vec<u8>) {
    let mut rng = Rng::new(mix(request.identity, 3));
    out.extend_from_slice(b"{\"@timestamp\":\"");
    put_timestamp(out, request.time_us);
    out.push(b'"');
    put_level_and_host(request, &mut rng, out);
    put_context(request, "", out);
    out.extend_from_slice(b",\"message\":\"");
    put_message(&mut rng, out);
    out.push(b'"');
    put_state(request, "", &mut rng, out);
    out.extend_from_slice(b"}\n");
}

/// Appends the same error as a GELF message, with a newline behind it.
pub fn write_gelf_message(request: &SampleRequest, out: &mut Vec<u8>) {
    let mut rng = Rng::new(mix(request.identity, 3));
    out.extend_from_slice(b"{\"version\":\"1.1\",\"timestamp\":");
    put_number(out, request.time_us.div_euclid(1_000_000) as u64);
    out.push(b'.');
    put_padded(out, request.time_us.rem_euclid(1_000_000) as u64 / 1000, 3);
    put_level_and_host(request, &mut rng, out);
    put_context(request, "_", out);
    let mut message = Vec::new();
    put_message(&mut rng, &mut message);
    let first_line = message.windows(2).position(|pair| pair == b"\\n").unwrap_or(message.len());
    for (key, text) in [("short_message", &message[..first_line]), ("full_message", &message)] {
        out.extend_from_slice(format!(",\"{key}\":\"").as_bytes());
        out.extend_from_slice(text);
        out.push(b'"');
    }
    put_state(request, "_", &mut rng, out);
    out.extend_from_slice(b"}\n");
}

fn put_level_and_host(request: &SampleRequest, rng: &mut Rng, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"level\":");
    put_number(out, if rng.one_in(6) { 4 } else { 3 });
    out.extend_from_slice(b",\"host\":\"app-");
    put_number(out, (request.node % NODES.len()) as u64 + 1);
    out.push(b'"');
}

/// What the application was asked, and by whom. Names begin with `prefix`.
fn put_context(request: &SampleRequest, prefix: &str, out: &mut Vec<u8>) {
    for (key, text) in [
        ("controller", controller(request)),
        ("api_method", request.route.pattern),
        ("method_type", request.route.method),
    ] {
        out.extend_from_slice(format!(",\"{prefix}{key}\":\"{text}\"").as_bytes());
    }
    out.extend_from_slice(format!(",\"{prefix}request_id\":\"").as_bytes());
    let (high, low) = request.ids();
    put_hex(out, low, 16);
    put_hex(out, high, 16);
    out.push(b'"');
    if request.connection.customer() % 10 >= ANONYMOUS_OF_10 {
        out.extend_from_slice(format!(",\"{prefix}user_email\":\"").as_bytes());
        put_email(request.connection.customer(), out);
        out.push(b'"');
    }
}

/// What the application had in hand. Names begin with `prefix`.
fn put_state(request: &SampleRequest, prefix: &str, rng: &mut Rng, out: &mut Vec<u8>) {
    out.extend_from_slice(format!(",\"{prefix}payload\":\"").as_bytes());
    put_filled(out, PAYLOAD, rng);
    out.extend_from_slice(format!("\",\"{prefix}release\":\"").as_bytes());
    put_filled(out, "shop-{version}", &mut Rng::new(request.node as u64));
    out.extend_from_slice(format!("\",\"{prefix}attempt\":").as_bytes());
    put_number(out, 1 + rng.skewed(4));
}

/// What the client had sent: JSON in a text, as applications log it.
const PAYLOAD: &str = "[\\\"sku={sku}\\\",\\\"quantity={number}\\\",\\\"cart={uuid}\\\",\\\"coupon={code}\\\",\
     \\\"note={word} {word} {word}\\\"]";

fn put_message(rng: &mut Rng, out: &mut Vec<u8>) {
    let (class, text, _) = kind(rng);
    out.extend_from_slice(class.as_bytes());
    out.extend_from_slice(b": ");
    put_filled(out, text, rng);
    for _ in 0..FRAMES_MIN + rng.skewed(FRAMES_MORE) {
        out.extend_from_slice(b"\\n\\tat ");
        put_filled(out, rng.pick(&FRAMES), rng);
    }
}

fn kind(rng: &mut Rng) -> Kind {
    if rng.one_in(RARE_EVERY) {
        return RARE;
    }
    let mut place = rng.below(KINDS.iter().map(|(_, _, weight)| weight).sum());
    for kind in KINDS {
        match place.checked_sub(kind.2) {
            Some(rest) => place = rest,
            None => return kind,
        }
    }
    RARE
}

fn controller(request: &SampleRequest) -> &'static str {
    match request.route.host {
        Host::Shop => "PageController",
        Host::Api if request.route.pattern.contains("orders") => "OrderController",
        Host::Api if request.route.pattern.contains("payments") => "PaymentController",
        Host::Api => "ApiController",
        Host::Static => "AssetController",
        Host::Admin => "BackOfficeController",
        Host::Node | Host::Random => "ErrorController",
    }
}
