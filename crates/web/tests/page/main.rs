//! Signing in, what browsers send for other pages, and what connections may take: over real sockets.

#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise, and so may their helpers")]

mod connections;
mod server;

use std::time::Duration;

use weir_web::{Authentication, SessionLimits};

use crate::server::{Options, PAGE, PATIENCE, Server, users};

#[test]
fn who_signs_in_is_known_until_he_signs_out() {
    let server = Server::start(Options::default());
    let nobody = server.ask("GET /api/session", &[PAGE], "").body();
    assert_eq!(nobody, serde_json::json!({"name": null, "roles": [], "is_open": false, "version": null}));
    assert_eq!(server.ask("GET /api/searches", &[PAGE], "").status, 401);

    let cookie = server.sign_in("anna", "hashed");
    let anna = server.ask("GET /api/session", &[PAGE, &cookie], "").body();
    assert_eq!((&anna["name"], &anna["roles"]), (&"anna".into(), &serde_json::json!(["read"])));
    let listed = server.ask("GET /api/searches", &[&cookie], "");
    assert_eq!((listed.status, listed.header("cache-control")), (200, Some("no-store")));
    assert_eq!(listed.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(server.ask("GET /api/audit", &[&cookie], "").status, 403);
    assert_eq!(server.ask("GET /metrics", &[&cookie], "").status, 200);

    let saved = server.ask("PUT /api/searches/a%2Fb%20c", &[&cookie, PAGE], r#"{"query": "x"}"#);
    assert_eq!((&saved.body()["name"], &saved.body()["saved_by"]), (&"a/b c".into(), &"anna".into()));
    let unknown = server.ask("PUT /api/searches/a", &[&cookie, PAGE], r#"{"quer": "x"}"#);
    assert_eq!((unknown.status, &unknown.body()["code"]), (422, &"bad_body".into()));
    assert_eq!(server.ask("DELETE /api/searches/a", &[&cookie, PAGE], "").status, 204);

    let out = server.ask("DELETE /api/session", &[&cookie, PAGE], "");
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").unwrap().ends_with("Max-Age=0"));
    assert_eq!(server.ask("GET /api/searches", &[&cookie], "").status, 401);
    assert_eq!(server.ask("GET /api/session", &[&cookie], "").body()["name"], serde_json::Value::Null);
    assert_eq!(server.ask("DELETE /api/session", &[&cookie, PAGE], "").status, 204);
    assert_eq!(*server.notes.lock().unwrap(), ["anna SignIn ", "anna SearchDeleted a", "anna SignOut "]);
}

#[test]
fn the_cookie_is_safe_and_names_nobody() {
    let body = r#"{"name": "anna", "password": "hashed"}"#;
    for (external_url, begin, end) in [
        (None, "weir=", "; Path=/; HttpOnly; SameSite=Strict"),
        (Some("http://weir.example.com"), "weir=", "; Path=/; HttpOnly; SameSite=Strict"),
        (Some("https://weir.example.com/"), "__Host-weir=", "; Path=/; HttpOnly; SameSite=Strict; Secure"),
    ] {
        let server = Server::start(Options { external_url, ..Options::default() });
        let answer = server.ask("POST /api/session", &[PAGE], body);
        let cookie = answer.header("set-cookie").unwrap();
        assert!(cookie.starts_with(begin) && cookie.ends_with(end), "{cookie}");
        assert_eq!(cookie.len(), begin.len() + 43 + end.len());
        let again = server.ask("POST /api/session", &[PAGE], body);
        assert_ne!(again.header("set-cookie").unwrap(), cookie);
    }
}

#[test]
fn who_signs_in_again_is_out_under_the_former_cookie() {
    let server = Server::start(Options::default());
    let former = server.sign_in("anna", "hashed");
    let body = r#"{"name": "root", "password": "toor"}"#;
    assert_eq!(server.ask("POST /api/session", &[PAGE, &former], body).status, 200);
    assert_eq!(server.ask("GET /api/searches", &[&former], "").status, 401);
}

#[test]
fn what_a_browser_sends_for_another_page_changes_nothing() {
    let server = Server::start(Options::default());
    let cookie = server.sign_in("root", "toor");
    let host = format!("Origin: http://{}", server.address);
    let basic = "Authorization: Basic cm9vdDp0b29y";
    for (lines, expected) in [
        // Our own page.
        (vec![&*cookie, PAGE], 200),
        (vec![&cookie, PAGE, &host], 200),
        (vec![&cookie, PAGE, &host, "Sec-Fetch-Site: same-origin"], 200),
        // Another page: a form, a script without a preflight, one with a forged header, neighbours.
        (vec![&cookie], 403),
        (vec![&cookie, &host], 403),
        (vec![&cookie, "X-Weir-Page: 0"], 403),
        (vec![&cookie, "Origin: https://evil.example"], 403),
        (vec![&cookie, PAGE, "Origin: https://evil.example"], 403),
        (vec![&cookie, PAGE, "Origin: null"], 403),
        (vec![&cookie, PAGE, "Sec-Fetch-Site: cross-site"], 403),
        (vec![&cookie, PAGE, "Sec-Fetch-Site: same-site"], 403),
        // The password that a browser remembers is as good as its cookie.
        (vec![basic, "Origin: https://evil.example"], 403),
        (vec![basic, "Sec-Fetch-Site: cross-site"], 403),
        // A program.
        (vec![basic], 200),
        // A header of its own counts, not the cookie beside it.
        (vec![&cookie, PAGE, "Authorization: Basic eDp5"], 401),
        (vec![&cookie, PAGE, "Authorization: \u{ff}"], 401),
    ] {
        let answer = server.ask("PUT /api/searches/a", &lines, r#"{"query": "x"}"#);
        assert_eq!(answer.status, expected, "{lines:?} {}", answer.text);
        if expected == 403 {
            assert_eq!(answer.body()["code"], "not_from_the_page");
        }
    }
    // A page that is asked for by another one is shown; that reads nothing for it.
    assert_eq!(server.ask("GET /api/searches", &[&cookie, "Sec-Fetch-Site: cross-site"], "").status, 200);
    // Nobody is asked beforehand: another page's script gets no leave.
    let preflight = ["Origin: https://evil.example", "Access-Control-Request-Headers: x-weir-page"];
    let asked = server.ask("OPTIONS /api/searches/a", &preflight, "");
    assert!(asked.status >= 400 && asked.header("access-control-allow-origin").is_none(), "{}", asked.text);
}

#[test]
fn another_page_does_not_have_the_config_read_again() {
    let basic = "Authorization: Basic cm9vdDp0b29y";
    for authentication in [Authentication::users(users()), Authentication::None] {
        let server = Server::start(Options { authentication, ..Options::default() });
        for (lines, expected) in [
            (vec![basic, "Origin: https://evil.example"], 403),
            (vec![basic, "Sec-Fetch-Site: cross-site"], 403),
            (vec!["Origin: https://evil.example", "Sec-Fetch-Site: cross-site"], 403),
            // A program. This server has no config, which it says only to who may know.
            (vec![basic], 404),
        ] {
            let answer = server.ask("POST /-/reload", &lines, "");
            assert_eq!(answer.status, expected, "{lines:?} {}", answer.text);
        }
        // What is pushed has rules of its own, and says so.
        let pushed = server.ask("POST /ingest/ndjson", &[basic, "Origin: https://evil.example"], "{}");
        assert!(pushed.status == 403 && pushed.text.contains("cors_origins"), "{}", pushed.text);
    }
}

#[test]
fn another_page_neither_signs_in_nor_out() {
    let server = Server::start(Options::default());
    let cookie = server.sign_in("anna", "hashed");
    let body = r#"{"name": "anna", "password": "hashed"}"#;
    for request in ["POST /api/session", "DELETE /api/session"] {
        for lines in [
            vec![],
            vec![&*cookie],
            vec![PAGE, "Origin: https://evil.example"],
            vec![PAGE, "Sec-Fetch-Site: same-site"],
        ] {
            let answer = server.ask(request, &lines, body);
            assert_eq!((answer.status, answer.header("set-cookie")), (403, None), "{request} {lines:?}");
        }
    }
    assert_eq!(server.ask("GET /api/searches", &[&cookie], "").status, 200);
}

#[test]
fn only_who_has_no_form_of_his_own_gets_the_browsers() {
    let server = Server::start(Options::default());
    for (lines, is_asked) in [
        (vec![], true),
        (vec!["Sec-Fetch-Mode: navigate"], true),
        (vec![PAGE], false),
        (vec!["Sec-Fetch-Mode: cors"], false),
    ] {
        let answer = server.ask("GET /api/searches", &lines, "");
        assert_eq!(
            (answer.status, answer.header("www-authenticate").is_some()),
            (401, is_asked),
            "{lines:?}"
        );
    }
}

#[test]
fn wrong_names_and_passwords_are_the_same_and_soon_too_many() {
    let server = Server::start(Options::default());
    let wrong = |name: &str, password: &str| {
        let body = format!(r#"{{"name": "{name}", "password": "{password}"}}"#);
        server.ask("POST /api/session", &[PAGE], &body)
    };
    let (known, unknown) = (wrong("anna", "no"), wrong("nobody", "no"));
    assert_eq!((known.status, unknown.status), (401, 401));
    assert_eq!(known.body(), unknown.body());
    assert_eq!(known.header("set-cookie"), None);
    for _ in 2..10 {
        assert_eq!(wrong("anna", "hashed ").status, 401);
    }
    let waits = wrong("anna", "again");
    assert_eq!((waits.status, &waits.body()["code"]), (429, &"too_many_attempts".into()));
    assert!(waits.header("retry-after").unwrap().parse::<u64>().unwrap() <= 60);
    // Also with the right one, and also by the header; what was noted has no password.
    assert_eq!(wrong("anna", "hashed").status, 429);
    let notes = server.notes.lock().unwrap();
    assert_eq!(notes.len(), 10, "{notes:?}");
    assert!(
        notes
            .iter()
            .all(|note| note.contains("SignInFailed") && !note.contains("no ") || note.ends_with("anna"))
    );
    assert!(!notes.iter().any(|note| note.contains("hashed")));
}

#[test]
fn a_made_up_session_is_nobodys_and_costs_no_attempts() {
    let server = Server::start(Options::default());
    for _ in 0..20 {
        for value in ["A".repeat(43), "x".to_owned(), String::new(), "%00".repeat(14) + "A"] {
            assert_eq!(server.ask("GET /api/searches", &[&format!("Cookie: weir={value}")], "").status, 401);
        }
    }
    server.sign_in("anna", "hashed");
}

#[test]
fn a_session_ends_by_itself() {
    let limits = SessionLimits { idle_max: Duration::from_millis(300), age_max: PATIENCE };
    let authentication = Authentication::users_with(users(), limits);
    let server = Server::start(Options { authentication, ..Options::default() });
    let cookie = server.sign_in("anna", "hashed");
    assert_eq!(server.ask("GET /api/searches", &[&cookie], "").status, 200);
    // Nothing tells when it is over, and asking would keep it alive.
    server.wait(2 * limits.idle_max);
    assert_eq!(server.ask("GET /api/searches", &[&cookie], "").status, 401);

    let limits = SessionLimits { idle_max: PATIENCE, age_max: Duration::from_millis(300) };
    let authentication = Authentication::users_with(users(), limits);
    let server = Server::start(Options { authentication, ..Options::default() });
    let cookie = server.sign_in("anna", "hashed");
    while server.ask("GET /api/searches", &[&cookie], "").status == 200 {}
}

#[test]
fn a_body_that_is_no_name_and_password_is_refused_without_repeating_it() {
    let server = Server::start(Options::default());
    for (body, expected) in [
        ("", 400),
        ("{}", 400),
        (r#"{"name": "anna", "password": "secret-text", "x": 1}"#, 400),
        (r#"{"name": "anna", "password": ["secret-text"]}"#, 400),
        (&format!(r#"{{"name": "anna", "password": "{}"}}"#, "secret-text".repeat(2_000)), 413),
    ] {
        let answer = server.ask("POST /api/session", &[PAGE], body);
        assert_eq!((answer.status, &answer.body()["code"]), (expected, &"bad_body".into()), "{body}");
        assert!(!answer.text.contains("secret-text"));
    }
}

#[test]
fn where_nobody_has_to_sign_in_the_page_is_told_so() {
    let server = Server::start(Options { authentication: Authentication::None, ..Options::default() });
    let answer = server.ask("GET /api/session", &[PAGE], "").body();
    assert_eq!((&answer["is_open"], &answer["name"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(answer["roles"].as_array().unwrap().len(), 4);
    let signed_in = server.ask("POST /api/session", &[PAGE], r#"{"name": "x", "password": "y"}"#);
    assert_eq!((signed_in.status, signed_in.header("set-cookie")), (200, None));
    assert_eq!(server.ask("PUT /api/searches/a", &[], r#"{"query": "x"}"#).status, 200);
    // What a browser sends for another page changes nothing here either.
    let foreign = server.ask("DELETE /api/searches/a", &["Origin: https://evil.example"], "");
    assert_eq!(foreign.status, 403);
}

#[test]
fn the_page_is_for_everybody_and_what_it_shows_is_not() {
    let server = Server::start(Options::default());
    let page = server.ask("GET /", &["Accept: text/html"], "");
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cache-control", "no-cache"),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
    assert_eq!(server.ask("HEAD /", &["Accept: text/html"], "").status, 200);
    assert!(server.ask("GET /", &[], "").text.contains("/api/search "));
    for path in ["/assets/x.js", "/assets/../../etc/passwd", "/assets/%2e%2e%2fx"] {
        assert_eq!(server.ask(&format!("GET {path}"), &[], "").status, 404, "{path}");
    }
    assert_eq!(server.ask("POST /assets/x.js", &[], "").status, 401);
}
