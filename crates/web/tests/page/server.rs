//! A server with users and saved searches, and what it answers over a socket.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use weir_meter::Snapshot;
use weir_web::{
    Audit, AuditNote, Authentication, ConnectionLimits, Handlers, PasswordSecret, RemoveSearch, Role,
    SaveSearch, SavedSearch, Searches, SearchesAnswer, Site, User, WriteOutcome, WriterOptions, Writers,
    serve,
};

/// How long an answer may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// bcrypt of `hashed`, cost 4, by libcrypt.
const HASH: &str = "$2b$04$EGdrhbKUv8Oc9vGiXX0HQO8cMvpPY5z6SsQqLdxeXYUdMIeRPEVG.";

pub const PAGE: &str = "X-Weir-Page: 1";

/// A server of this process.
pub struct Server {
    pub address: SocketAddr,
    /// Who did what, and what came of it.
    pub notes: Arc<Mutex<Vec<String>>>,
    /// Asks it to stop.
    pub stop: Option<oneshot::Sender<()>>,
    pub runtime: Runtime,
}

/// What a server is like.
pub struct Options {
    pub authentication: Authentication,
    pub external_url: Option<&'static str>,
    pub connections: ConnectionLimits,
    /// How large the list of saved searches is.
    pub list_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            authentication: Authentication::users(users()),
            external_url: None,
            connections: ConnectionLimits::default(),
            list_bytes: 0,
        }
    }
}

pub fn users() -> Vec<User> {
    let user = |name: &str, password: &str, role| User {
        name: name.to_owned(),
        password: Some(PasswordSecret::parse(password).unwrap()),
        token: None,
        roles: vec![role],
    };
    vec![user("anna", HASH, Role::Read), user("root", "toor", Role::Admin), user("pusher", "p", Role::Push)]
}

fn searches(list_bytes: usize) -> Searches {
    Searches {
        list: Arc::new(move |()| {
            let search = SavedSearch { query: "x".repeat(list_bytes), ..SavedSearch::default() };
            let searches = if list_bytes > 0 { vec![search] } else { Vec::new() };
            Box::pin(async { Ok(SearchesAnswer { searches, ..SearchesAnswer::default() }) })
        }),
        save: Arc::new(|SaveSearch { name, search, owner }| {
            let saved_by = owner.name.as_deref().map(str::to_owned);
            let saved = SavedSearch { name, query: search.query, saved_by, ..SavedSearch::default() };
            Box::pin(async { Ok(saved) })
        }),
        remove: Arc::new(|RemoveSearch { .. }| Box::pin(async { Ok(()) })),
    }
}

fn audit(notes: &Arc<Mutex<Vec<String>>>) -> Audit {
    let (begun, ended) = (Arc::clone(notes), Arc::clone(notes));
    Audit {
        begin: Arc::new(move |AuditNote { user, action, target, .. }| {
            begun.lock().unwrap().push(format!("{} {action:?} {target}", user.unwrap_or_default()));
            Box::pin(async { 1 })
        }),
        end: Arc::new(move |_, outcome| ended.lock().unwrap().push(outcome)),
        page: Arc::new(|_| Box::pin(async { Ok(Default::default()) })),
    }
}

impl Server {
    pub fn start(options: Options) -> Self {
        let runtime = Runtime::new().unwrap();
        let (stop, stopped) = oneshot::channel();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let notes: Arc<Mutex<Vec<String>>> = Arc::default();
        let handlers = Handlers {
            snapshot: Arc::new(|_| Snapshot { families: Vec::new() }),
            routes: Arc::new(|_| Err("no routes".to_owned())),
            is_ready: Arc::new(|| true),
            gateway: None,
            admin: None,
            records: None,
            writers: Writers::new(
                Arc::new(|_| Box::pin(async { WriteOutcome::Busy })),
                WriterOptions::default(),
            ),
            alerting: None,
            searches: Some(searches(options.list_bytes)),
            audit: Some(audit(&notes)),
            hosts: Default::default(),
            site: Site::new(options.external_url),
            connections: options.connections,
            authentication: Arc::new(options.authentication),
        };
        runtime.spawn(serve(listener, handlers, async move {
            let _ = stopped.await;
        }));
        Self { address, notes, stop: Some(stop), runtime }
    }

    /// Lets time pass where nothing tells that it has.
    pub fn wait(&self, duration: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(duration).await });
    }

    pub fn connect(&self) -> TcpStream {
        let connection = TcpStream::connect(self.address).unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        connection
    }

    /// Sends a request with these lines in its head; the answer.
    pub fn ask(&self, request: &str, lines: &[&str], body: &str) -> Answer {
        let mut connection = self.connect();
        let mut head = format!("{request} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        head += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        lines.iter().for_each(|line| head += &format!("{line}\r\n"));
        connection.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
        Answer::read(connection)
    }

    /// Signs in; the cookie as a browser sends it.
    #[track_caller]
    pub fn sign_in(&self, name: &str, password: &str) -> String {
        let body = format!(r#"{{"name": "{name}", "password": "{password}"}}"#);
        let answer = self.ask("POST /api/session", &[PAGE], &body);
        assert_eq!(answer.status, 200, "{}", answer.text);
        let cookie = answer.header("set-cookie").expect("a cookie");
        format!("Cookie: {}", cookie.split(';').next().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let runtime = std::mem::replace(&mut self.runtime, Runtime::new().unwrap());
        runtime.shutdown_background();
    }
}

/// What came back.
pub struct Answer {
    pub status: u16,
    /// All of it.
    pub text: String,
}

impl Answer {
    pub fn read(mut connection: TcpStream) -> Self {
        let mut bytes = Vec::new();
        let _ = connection.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, text }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next()?;
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub fn body(&self) -> serde_json::Value {
        serde_json::from_str(self.text.split("\r\n\r\n").nth(1).unwrap()).unwrap_or_default()
    }
}
