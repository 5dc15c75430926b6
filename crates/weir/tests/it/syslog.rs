//! Syslog over UDP and TCP, from sockets of our own and from a real rsyslog and nginx.

use std::fs::{self};
use std::io::Write;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use crate::support::{Certificate, Folder, Process, Server, escaped, installed, until};

const STORED: &str = "weir_source_stored_total";

/// A server with a source of syslog on ports of its own choice.
struct Syslog {
    server: Server,
    udp: SocketAddr,
    tcp: SocketAddr,
}

impl Syslog {
    #[track_caller]
    fn start(folder: &Folder) -> Self {
        Self::start_with(folder, "")
    }

    /// Starts it; `keys` are more lines of the source.
    #[track_caller]
    fn start_with(folder: &Folder, keys: &str) -> Self {
        let source = "name: sys\n  type: syslog\n  udp: 127.0.0.1:0\n  tcp: 127.0.0.1:0\n  \
                      format: {by: program, map: {nginx: nginx_json}, default: syslog}\n";
        let config = folder.write("weir.yaml", format!("sources:\n- {source}{keys}"));
        let server = Server::start_in(&folder.path("data"), &["-c", &config]);
        let (udp, tcp) = (server.listens_at("udp"), server.listens_at("t"));
        Self { server, udp, tcp }
    }

    #[track_caller]
    fn await_stored(&self, count: usize) {
        self.server.await_sum(STORED, &[("source", "sys")], count as f64);
    }

    #[track_caller]
    fn found(&self, query: &str) -> u64 {
        let path = format!("/api/search?query={}&from=0&to=now%2B1d&limit=0", escaped(query));
        let answer = self.server.get(&path).json();
        answer["total"].as_u64().unwrap_or_else(|| panic!("{query}: {answer}"))
    }
}

#[test]
fn messages_come_by_datagram_by_line_and_by_count() {
    let folder = Folder::new();
    let syslog = Syslog::start(&folder);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for number in 0..20 {
        let message =
            format!("<11>1 - web1 app {number} - [meta sequenceId=\"{number}\"] by datagram\n  at line 2");
        socket.send_to(message.as_bytes(), syslog.udp).unwrap();
    }
    let mut stream = TcpStream::connect(syslog.tcp).unwrap();
    stream.write_all(b"<30>Nov 20 10:15:30 web2 sshd[812]: by line\n").unwrap();
    stream.write_all(b"34 <30>1 - web2 sshd 813 - - by\ncount<30>1 - web2 sshd 814 - - last").unwrap();
    drop(stream);
    syslog.await_stored(23);
    for (query, expected) in [
        ("program:app AND level:3 AND facility:user AND host:web1", 20),
        ("meta.sequenceId:7 AND procid:7", 1),
        ("\"at line 2\"", 20),
        ("program:sshd AND node:web2", 3),
        ("source_host:127.0.0.1", 23),
        ("procid:813 AND \"count\"", 1),
    ] {
        assert_eq!(syslog.found(query), expected, "{query}");
    }
    assert_eq!(syslog.server.sum("weir_syslog_datagrams_total", &[("source", "sys")]), 20.0);
    assert_eq!(syslog.server.sum("weir_syslog_connections_total", &[("source", "sys")]), 1.0);
}

#[test]
fn rsyslog_forwards_over_udp_and_tcp_in_all_its_formats() {
    let folder = Folder::new();
    let syslog = Syslog::start(&folder);
    let input = folder.path("socket");
    let mut config = format!(
        "global(workDirectory=\"{}\")\nmodule(load=\"imuxsock\" SysSock.Use=\"off\")\n\
         input(type=\"imuxsock\" Socket=\"{input}\" CreatePath=\"on\" RateLimit.Interval=\"0\")\n",
        folder.path("")
    );
    for (protocol, address, framing) in [
        ("udp", syslog.udp, ""),
        ("tcp", syslog.tcp, "TCP_Framing=\"traditional\""),
        ("tcp", syslog.tcp, "TCP_Framing=\"octet-counted\""),
    ] {
        for template in
            ["RSYSLOG_TraditionalForwardFormat", "RSYSLOG_ForwardFormat", "RSYSLOG_SyslogProtocol23Format"]
        {
            config += &format!(
                "action(type=\"omfwd\" Target=\"127.0.0.1\" Port=\"{}\" Protocol=\"{protocol}\" {framing} \
                 Template=\"{template}\")\n",
                address.port()
            );
        }
    }
    let config = folder.write("rsyslog.conf", config);
    let pid = folder.path("pid");
    let arguments = ["-n", "-f", config.as_str(), "-i", pid.as_str()];
    let mut rsyslog = installed(&folder, "rsyslogd", &arguments);
    until("rsyslog to listen", || {
        let ended = rsyslog.0.try_wait().unwrap();
        let log = || fs::read_to_string(folder.path("stderr")).unwrap();
        assert!(ended.is_none(), "rsyslog ended: {}", log());
        fs::exists(&input).unwrap().then_some(())
    });
    let socket = std::os::unix::net::UnixDatagram::unbound().unwrap();
    for number in 0..10 {
        // As the C library's syslog() writes it.
        let message = format!("<27>Nov 20 10:15:30 app[{number}]: event {number}");
        socket.send_to(message.as_bytes(), &input).unwrap();
    }
    syslog.await_stored(90);
    assert_eq!(syslog.found("program:app AND level:3 AND facility:daemon AND host:* AND \"event\""), 90);
    assert_eq!(syslog.found("procid:7 AND \"event 7\""), 9);
}

#[test]
fn nginx_sends_its_access_log_and_its_lines_are_requests() {
    let folder = Folder::new();
    let syslog = Syslog::start(&folder);
    let root = folder.path("");
    let config = folder.write(
        "nginx.conf",
        format!(
            "daemon off; master_process off; pid {root}/pid; error_log {root}/error.log;\nevents {{}}\nhttp {{\n\
             log_format json escape=json '{{\"msec\":\"$msec\",\"host\":\"$host\",\"status\":\"$status\",\
             \"request_method\":\"$request_method\",\"request_uri\":\"$request_uri\",\"request_time\":\"$request_time\"}}';\n\
             access_log syslog:server={},facility=local7,tag=nginx,severity=info json;\n\
             client_body_temp_path {root}/b; proxy_temp_path {root}/p; fastcgi_temp_path {root}/f; \
             uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;\n\
             server {{ listen unix:{root}/nginx; location / {{ return 204; }} }}\n}}\n",
            syslog.udp
        ),
    );
    let error_log = folder.path("error.log");
    let arguments = ["-e", error_log.as_str(), "-p", root.as_str(), "-c", config.as_str()];
    let _nginx = installed(&folder, "nginx", &arguments);
    for number in 0..10 {
        let mut stream = until("nginx to listen", || UnixStream::connect(folder.path("nginx")).ok());
        let request = format!("GET /orders/{number}?q=1 HTTP/1.0\r\nHost: shop.example.com\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        std::io::copy(&mut stream, &mut std::io::sink()).unwrap();
    }
    syslog.await_stored(10);
    syslog.server.await_sum("nginx_http_requests_total", &[], 10.0);
    let query =
        "host:shop.example.com AND status:204 AND route:\"/orders/{id}\" AND program:nginx AND level:6";
    assert_eq!(syslog.found(query), 10);
}

#[test]
fn a_line_without_end_and_a_count_that_lies_cost_themselves_alone() {
    let folder = Folder::new();
    let syslog = Syslog::start(&folder);
    let mut endless = TcpStream::connect(syslog.tcp).unwrap();
    for _ in 0..9 {
        endless.write_all(&vec![b'x'; 1 << 20]).unwrap();
    }
    endless.write_all(b"\n<11>1 - web1 app 1 - - behind the endless\n").unwrap();
    let mut liar = TcpStream::connect(syslog.tcp).unwrap();
    liar.write_all(b"999999999 <11>1 - web1 app 2 - - a gigabyte, it says").unwrap();
    let mut slow = TcpStream::connect(syslog.tcp).unwrap();
    slow.write_all(b"<11>1 - web1 app 3").unwrap();
    let mut other = TcpStream::connect(syslog.tcp).unwrap();
    other.write_all(b"<11>1 - web1 app 4 - - of another\n").unwrap();
    syslog.await_stored(2);
    slow.write_all(b" - - slow\n").unwrap();
    syslog.await_stored(3);
    drop(liar);
    let dropped = || syslog.server.sum("weir_source_dropped_total", &[("source", "sys")]);
    until("both to be in the account", || (dropped() == 2.0).then_some(()));
    assert_eq!(syslog.server.sum("weir_source_received_total", &[("source", "sys")]), 5.0);
    assert_eq!((syslog.found("\"behind the endless\""), syslog.found("procid:3")), (1, 1));
    assert!(syslog.server.sum("process_resident_memory_bytes", &[]) < 300e6);
}

#[test]
fn odd_datagrams_are_records_or_rejects() {
    let folder = Folder::new();
    let syslog = Syslog::start(&folder);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let nested = format!("<11>1 - h a 1 - [{}", "x y=\"".repeat(2_000));
    let odd: [&[u8]; 8] = [
        b"",
        b"\0",
        b"<",
        b"<999999999999>1 - - - - - - m",
        b"<11>1 9999-99-99T99:99:99Z h a - - - m",
        b"<11>\xff\xfe\x1b[2J",
        nested.as_bytes(),
        &[b'<'; 60_000],
    ];
    for datagram in odd {
        socket.send_to(datagram, syslog.udp).unwrap();
    }
    let sum = |name: &str| syslog.server.sum(name, &[("source", "sys")]);
    until("all in the account", || (sum("weir_source_received_total") == 8.0).then_some(()));
    let parts = [STORED, "weir_source_rejected_total", "weir_source_dropped_total"];
    assert_eq!(parts.map(sum).iter().sum::<f64>(), 8.0);
    assert_eq!(sum("weir_syslog_datagrams_total"), 8.0);
}

#[test]
fn connections_may_be_encrypted() {
    let folder = Folder::new();
    let Certificate { certificate, key } = Certificate::new(&folder);
    let tls = format!("  tls: {{cert_file: {certificate}, key_file: {key}}}\n");
    let syslog = Syslog::start_with(&folder, &tls);
    let mut client = Command::new("openssl");
    client.args(["s_client", "-quiet", "-verify_return_error", "-CAfile", &certificate]);
    client.args(["-connect", &syslog.tcp.to_string()]).stdin(Stdio::piped()).stderr(Stdio::null());
    let mut client = Process(client.spawn().unwrap());
    let mut input = client.0.stdin.take().unwrap();
    input.write_all(b"<11>1 - web1 app 7 - - in secret\n").unwrap();
    syslog.await_stored(1);
    assert_eq!(syslog.found("procid:7 AND secret"), 1);
}
