//! Connections that say nothing, send no body, or do not read what they asked for.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use weir_web::ConnectionLimits;

use crate::server::{Answer, Options, PATIENCE, Server};

#[test]
fn a_head_without_end_and_one_that_is_too_large_are_refused() {
    let server = Server::start(Options::default());
    let large = format!("X-Large: {}", "x".repeat(100_000));
    assert_eq!(server.ask("GET /", &[&large], "").status, 431);
    let many: Vec<String> = (0..300).map(|number| format!("X-{number}: y")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(server.ask("GET /", &many, "").status, 431);
    let cookies: Vec<String> = (0..100).map(|number| format!("Cookie: weir={number}; weir")).collect();
    let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
    assert_eq!(server.ask("GET /api/searches", &cookies, "").status, 401);
    let long = format!("GET /api/search?query={}", "x".repeat(100_000));
    assert!(matches!(server.ask(&long, &[], "").status, 414 | 431));
    for bytes in
        [&b"\0\r\n\r\n"[..], b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\nA\r\n\r\n", b"\x16\x03\x01\x02\0\x01"]
    {
        let mut connection = server.connect();
        connection.write_all(bytes).unwrap();
        let _ = connection.shutdown(std::net::Shutdown::Write);
        let answer = Answer::read(connection);
        assert!(matches!(answer.status, 0 | 400), "{}", answer.text);
    }
    assert_eq!(server.ask("GET /", &[], "").status, 200);
}

#[test]
fn who_does_not_say_what_he_wants_is_closed() {
    let connections = ConnectionLimits { head_timeout: Duration::from_millis(200), ..Default::default() };
    let server = Server::start(Options { connections, ..Options::default() });
    for begin in ["", "GET", "GET / HTTP/1.1\r\nHost: a\r\nX: "] {
        let mut connection = server.connect();
        connection.write_all(begin.as_bytes()).unwrap();
        // Returns when the other side closes; the time limit of the socket would be an error.
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).unwrap();
    }
    // A byte now and then helps nobody.
    let mut connection = server.connect();
    let mut sent = 0;
    while connection.write_all(b"G").is_ok() {
        sent += 1;
        assert!(sent < 1_000, "the connection stays open");
        server.wait(Duration::from_millis(20));
    }
    assert_eq!(server.ask("GET /", &[], "").status, 200);
}

#[test]
fn a_body_of_the_api_that_does_not_arrive_is_not_waited_for() {
    let connections = ConnectionLimits { body_timeout: Duration::from_millis(200), ..Default::default() };
    let server = Server::start(Options { connections, ..Options::default() });
    for request in [
        "POST /api/aggregate",
        "POST /api/backtest",
        "POST /api/delete",
        "POST /api/backfill",
        "POST /api/rejects/replay",
        "POST /api/v2/silences",
        "PUT /api/searches/a",
    ] {
        let mut connection = server.connect();
        let head = format!("{request} HTTP/1.1\r\nHost: a\r\nAuthorization: Basic cm9vdDp0b29y\r\n");
        let rest = "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{";
        connection.write_all(format!("{head}{rest}").as_bytes()).unwrap();
        let answer = Answer::read(connection);
        assert_eq!(answer.status, 408, "{request} {}", answer.text);
        assert!(answer.text.contains("within 0.2 s"), "{}", answer.text);
    }
    // Who sends a byte now and then is as late.
    let mut connection = server.connect();
    let head = "PUT /api/searches/a HTTP/1.1\r\nHost: a\r\nAuthorization: Basic cm9vdDp0b29y\r\n";
    let rest = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    connection.write_all(format!("{head}{rest}").as_bytes()).unwrap();
    let mut sent = 0;
    while connection.write_all(b"1\r\n \r\n").is_ok() {
        sent += 1;
        assert!(sent < 1_000, "the connection stays open");
        server.wait(Duration::from_millis(20));
    }
    let basic = "Authorization: Basic cm9vdDp0b29y";
    assert_eq!(server.ask("PUT /api/searches/a", &[basic], r#"{"query": "x"}"#).status, 200);
}

#[test]
fn who_does_not_read_his_answer_neither_keeps_it_nor_gets_another() {
    // Far more than the system takes for a connection.
    let list_bytes = 32 << 20;
    let connections = ConnectionLimits {
        stall_timeout: Duration::from_secs(2),
        answer_bytes_max: list_bytes,
        ..Default::default()
    };
    let server = Server::start(Options { connections, list_bytes, ..Options::default() });
    let basic = "Authorization: Basic cm9vdDp0b29y";
    let mut idle = server.connect();
    let head = format!("GET /api/searches HTTP/1.1\r\nHost: a\r\n{basic}\r\n\r\n");
    idle.write_all(head.as_bytes()).unwrap();
    let mut begin = [0; 15];
    idle.read_exact(&mut begin).unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200 OK");
    let refused = server.ask("GET /api/searches", &[basic], "");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("2")), "{}", refused.text);
    assert_eq!(refused.body()["code"], "busy");
    // What is small is answered, and so is what changes something.
    assert_eq!(server.ask("GET /api/session", &[basic], "").status, 200);
    assert_eq!(server.ask("PUT /api/searches/a", &[basic], r#"{"query": "x"}"#).status, 200);
    // The connection is given up, and with it the answer.
    while server.ask("GET /api/searches", &[basic], "").status == 503 {}
    let whole = server.ask("GET /api/searches", &[basic], "");
    assert!(whole.status == 200 && whole.text.len() > list_bytes, "{} bytes", whole.text.len());
    let mut rest = Vec::new();
    let _ = idle.read_to_end(&mut rest);
    assert!(rest.len() < list_bytes, "it went on");
}

#[test]
fn one_address_cannot_keep_out_all_others() {
    let connections = ConnectionLimits { connections_max: 8, of_address_max: 4, ..Default::default() };
    let server = Server::start(Options { connections, ..Options::default() });
    let mut held: Vec<TcpStream> = (0..4).map(|_| server.connect()).collect();
    // Each of them has been taken in once it answers.
    for connection in &mut held {
        connection.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let mut answer = [0; 15];
        connection.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
    }
    let mut fifth = server.connect();
    let _ = fifth.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut answer = Vec::new();
    let _ = fifth.read_to_end(&mut answer);
    assert_eq!(answer, b"", "it should have been closed");
    // Another address of this machine.
    let socket = std::net::SocketAddrV4::new(std::net::Ipv4Addr::new(127, 0, 0, 2), 0);
    let other = server.runtime.block_on(async {
        let other = tokio::net::TcpSocket::new_v4().unwrap();
        other.bind(socket.into()).unwrap();
        other.connect(server.address).await.unwrap().into_std().unwrap()
    });
    other.set_nonblocking(false).unwrap();
    other.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut other = other;
    other.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    assert_eq!(Answer::read(other).status, 200);
    // Room is given back.
    drop(held);
    while server.ask("GET /-/healthy", &[], "").status != 200 {}
}

#[test]
fn a_server_that_stops_answers_first_and_keeps_no_idle_connection() {
    let mut server = Server::start(Options::default());
    let mut idle = server.connect();
    idle.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut answer = [0; 15];
    idle.read_exact(&mut answer).unwrap();
    server.stop.take().unwrap().send(()).unwrap();
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).unwrap();
    assert!(String::from_utf8(rest).unwrap().ends_with("healthy.\n"));
}
