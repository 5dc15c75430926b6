//! Log lines to order.

/// A request of an Application Load Balancer that a target answered after 43 ms, for `shop.example.com`.
///
/// `time` is as in `2026-11-20T10:15:30.123456Z`.
pub fn alb(time: &str, path: &str, status: u16) -> String {
    format!(
        "https {time} app/prod/50dc6c495c0c9188 203.0.113.7:50123 10.0.1.5:8080 0.001 0.042 0.000 {status} {status} \
         312 1840 \"GET https://shop.example.com:443{path} HTTP/1.1\" \"curl/8.9.1\" TLS_AES_128_GCM_SHA256 TLSv1.3 \
         arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/api/73e2d6bc24d8a067 \
         \"Root=1-6740aaaa-0123456789abcdef01234567\" \"shop.example.com\" \"-\" 10 {time} \"forward\" \"-\" \"-\" \
         \"10.0.1.5:8080\" \"{status}\" \"-\" \"-\" TID_5f0c1d2e3a4b5c6d7e8f90123456789a\n"
    )
}

/// As many such requests, one a second from 10:00:00 on.
pub fn albs(count: u32, path: &str, status: u16) -> String {
    let time = |second: u32| format!("2026-11-20T10:{:02}:{:02}.000000Z", second / 60 % 60, second % 60);
    (0..count).map(|second| alb(&time(second), path, status)).collect()
}

/// A request in nginx's JSON with `escape=json`, answered in 25 ms; `path` is as it stands in JSON.
pub fn nginx_json(path: &str, status: u16) -> String {
    format!(
        "{{\"time_iso8601\":\"2026-11-20T10:15:30+00:00\",\"host\":\"shop.example.com\",\
         \"request_method\":\"GET\",\"request_uri\":\"{path}\",\"status\":\"{status}\",\"request_time\":\"0.025\",\
         \"bytes_sent\":\"1840\",\"http_user_agent\":\"curl/8.9.1\"}}\n"
    )
}
