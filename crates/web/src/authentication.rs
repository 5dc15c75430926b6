//! Who asks, and what he may do.
//!
//! Passwords may be bcrypt hashes, which take a tenth of a second by design: too long for each push, and a
//! way to burn all cores for whoever sends wrong ones. So a password that was right is known by a keyed hash
//! for as long as the process lives, few are verified at a time, and an address that was wrong too often has
//! to wait. A long token that is right passes even then: nobody guesses one, and else ten wrong words from behind a
//! proxy would keep out all programs there. Nothing here is ever logged.
//!
//! Who signed in at the page has a session instead, which is as good as his password where a browser may send it.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::attempts::Attempts;
use crate::session::{SessionId, SessionLimits, Sessions};

/// The most passwords that are remembered as right; beyond it all are forgotten and verified again.
const REMEMBERED_MAX: usize = 1_024;

/// How many passwords are verified at the same time; each takes a core.
const VERIFYING_MAX: usize = 2;

/// The longest password or token that is looked at, in bytes.
const SECRET_BYTES_MAX: usize = 1_024;

/// From this length on a right token passes whatever else came from its address, in bytes. To let it pass tells who
/// guesses there that he is right, as often as he likes; 16 hexadecimal digits at random are 64 bits, which takes
/// millions of years at 100,000 guesses in a second. A shorter one may be a word, and waits as passwords do.
const TOKEN_BYTES_UNGUESSABLE: usize = 16;

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Read everything: `/metrics`, the API, the page.
    Read,
    /// Read `/metrics`.
    Scrape,
    /// Push and delete what was pushed.
    Push,
    /// Everything.
    Admin,
}

impl Role {
    /// As it stands in the config.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Scrape => "scrape",
            Self::Push => "push",
            Self::Admin => "admin",
        }
    }
}

/// What everybody may do where nobody has to say who he is.
const ALL_ROLES: [Role; 4] = [Role::Read, Role::Scrape, Role::Push, Role::Admin];

/// A user's password as the config has it. It has no `Debug`, so that it is in no message.
#[derive(Clone)]
pub struct PasswordSecret(Secret);

#[derive(Clone)]
enum Secret {
    Bcrypt(String),
    Plain(String),
}

impl PasswordSecret {
    /// A bcrypt hash where the text begins as one (`$2`), else the password itself.
    ///
    /// # Errors
    ///
    /// Something that begins as a hash and is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with("$2") {
            return Ok(Self(Secret::Plain(text.to_owned())));
        }
        match text.parse::<bcrypt::HashParts>() {
            Ok(_) => Ok(Self(Secret::Bcrypt(text.to_owned()))),
            Err(_) => {
                Err("the password begins as a bcrypt hash and is none; htpasswd -nB makes one".to_owned())
            }
        }
    }
}

/// Someone who may ask.
#[derive(Clone)]
pub struct User {
    /// The name of basic authentication.
    pub name: String,
    /// The password of basic authentication.
    pub password: Option<PasswordSecret>,
    /// The token of bearer authentication.
    pub token: Option<String>,
    /// What he may do.
    pub roles: Vec<Role>,
}

/// Whether and how users are told apart.
#[derive(Default)]
pub enum Authentication {
    /// Everyone may do everything.
    #[default]
    None,
    /// Only these.
    Users(Box<Users>),
}

/// Users, and what is remembered of their attempts.
pub struct Users {
    users: Vec<User>,
    /// The hash of each name and password that was right, and the user's index.
    remembered: Mutex<HashMap<[u64; 2], usize>>,
    /// Keys of those hashes, random for each process: two words, so that no two passwords have the same.
    keys: [RandomState; 2],
    attempts: Mutex<Attempts>,
    verifying: Semaphore,
    sessions: Mutex<Sessions>,
}

/// What somebody shows to say who he is.
#[derive(Clone, Copy)]
pub(crate) enum Credentials<'a> {
    /// Nothing.
    Nothing,
    /// The header `Authorization`.
    Authorization(&'a str),
    /// A session of the page.
    Session(SessionId),
}

/// Who asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    /// The user; `None` where nobody has to say who he is.
    pub name: Option<Arc<str>>,
    /// What he may do.
    pub roles: Arc<[Role]>,
    /// Where from.
    pub address: Option<IpAddr>,
}

impl Identity {
    /// Whether he may do what one of `roles` may.
    pub(crate) fn may(&self, roles: &[Role]) -> bool {
        self.roles.iter().any(|role| *role == Role::Admin || roles.contains(role))
    }
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// Nobody, or not who he says.
    Unknown,
    /// A user, but perhaps not he: a browser sent the request for another page.
    NotFromThePage,
    /// A user without the role.
    NotAllowed,
    /// Too many wrong passwords from this address; seconds until the next may come.
    TooOften(u64),
}

impl Authentication {
    /// Only these users may ask.
    pub fn users(users: Vec<User>) -> Self {
        Self::users_with(users, SessionLimits::default())
    }

    /// Only these users may ask; `limits` is how long they stay signed in.
    pub fn users_with(users: Vec<User>, limits: SessionLimits) -> Self {
        Self::Users(Box::new(Users {
            users,
            remembered: Mutex::default(),
            keys: [RandomState::new(), RandomState::new()],
            attempts: Mutex::default(),
            verifying: Semaphore::new(VERIFYING_MAX),
            sessions: Mutex::new(Sessions::new(limits)),
        }))
    }

    /// Who somebody is.
    pub(crate) async fn identify(
        &self,
        credentials: Credentials<'_>,
        peer: IpAddr,
    ) -> Result<Identity, Denied> {
        let Self::Users(users) = self else {
            return Ok(Identity { name: None, roles: ALL_ROLES.into(), address: Some(peer) });
        };
        let user = match credentials {
            Credentials::Nothing => return Err(Denied::Unknown),
            Credentials::Authorization(header) => users.identify(header, peer).await?,
            Credentials::Session(id) => users.of_session(id).ok_or(Denied::Unknown)?,
        };
        Ok(user.identity(peer))
    }

    /// Signs a user in: who he is, and his session.
    pub(crate) async fn sign_in(
        &self,
        name: &str,
        password: &str,
        peer: IpAddr,
    ) -> Result<(Identity, Option<SessionId>), Denied> {
        let Self::Users(users) = self else {
            return Ok((self.identify(Credentials::Nothing, peer).await?, None));
        };
        let index = users.with_password(name, password, peer).await?;
        let id = SessionId::random().ok_or(Denied::Unknown)?;
        users.sessions().begin(id, index, Instant::now());
        Ok((users.users[index].identity(peer), Some(id)))
    }

    /// Whether a session still goes on; to ask that is no use of it.
    pub(crate) fn has_session(&self, id: SessionId) -> bool {
        match self {
            Self::None => true,
            Self::Users(users) => users.sessions().is_alive(id, Instant::now()),
        }
    }

    /// Ends a session; the name of its user, if there was one.
    pub(crate) fn sign_out(&self, id: SessionId) -> Option<&str> {
        let Self::Users(users) = self else { return None };
        let index = users.sessions().end(id)?;
        users.users.get(index).map(|user| user.name.as_str())
    }
}

impl User {
    fn identity(&self, peer: IpAddr) -> Identity {
        let roles = self.roles.as_slice().into();
        Identity { name: Some(self.name.as_str().into()), roles, address: Some(peer) }
    }
}

impl Users {
    async fn identify(&self, authorization: &str, peer: IpAddr) -> Result<&User, Denied> {
        let (scheme, rest) = authorization.split_once(' ').ok_or(Denied::Unknown)?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return self.of_bearer(rest, peer);
        }
        // An API key of Elasticsearch's clients is a name and a secret too, packed in the same way.
        let is_basic = ["basic", "apikey"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        let decoded = is_basic.then(|| BASE64_STANDARD.decode(rest).ok()).flatten();
        let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(Denied::Unknown)?;
        let (name, password) = text.split_once(':').ok_or(Denied::Unknown)?;
        let index = self.with_password(name, password, peer).await?;
        Ok(&self.users[index])
    }

    /// The user of a session.
    fn of_session(&self, id: SessionId) -> Option<&User> {
        let index = self.sessions().user_of(id, Instant::now())?;
        self.users.get(index)
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The user of a token from an address.
    fn of_bearer(&self, token: &str, peer: IpAddr) -> Result<&User, Denied> {
        let found = self.with_token(token);
        if let Some(user) = found.filter(|_| token.len() >= TOKEN_BYTES_UNGUESSABLE) {
            return Ok(user);
        }
        self.attempts().check(peer, Instant::now())?;
        found.ok_or_else(|| self.failed(peer))
    }

    /// The user of a token; every token is compared, and to its end.
    fn with_token(&self, token: &str) -> Option<&User> {
        let mut found = None;
        for user in &self.users {
            let own = user.token.as_deref().filter(|own| !own.is_empty());
            if own.is_some_and(|own| is_same(token, own)) {
                found = Some(user);
            }
        }
        found
    }

    /// The index of the user with this name and password.
    async fn with_password(&self, name: &str, password: &str, peer: IpAddr) -> Result<usize, Denied> {
        let hash = [0, 1].map(|at| self.keys[at].hash_one((name, password)));
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).copied();
        if let Some(index) = remembered {
            return Ok(index);
        }
        self.attempts().check(peer, Instant::now())?;
        // It is never closed; an error would refuse, which is safe.
        let _permit = self.verifying.acquire().await.map_err(|_| Denied::Unknown)?;
        self.attempts().check(peer, Instant::now())?;
        let index = self.users.iter().position(|user| user.name == name);
        let secret = index.and_then(|index| self.users[index].password.clone());
        let is_known = secret.is_some();
        // Someone unknown costs as much as someone known, so that names cannot be tried.
        let secret = secret.or_else(|| self.any_hash());
        let password = password.to_owned();
        let is_right = match secret {
            Some(secret) => tokio::task::spawn_blocking(move || is_right(&secret, &password)).await,
            None => Ok(false),
        };
        match index.filter(|_| is_known && is_right.unwrap_or(false)) {
            Some(index) => {
                let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
                if remembered.len() >= REMEMBERED_MAX {
                    remembered.clear();
                }
                remembered.insert(hash, index);
                Ok(index)
            }
            None => Err(self.failed(peer)),
        }
    }

    fn any_hash(&self) -> Option<PasswordSecret> {
        let passwords = self.users.iter().filter_map(|user| user.password.as_ref());
        passwords.into_iter().find(|password| matches!(password.0, Secret::Bcrypt(_))).cloned()
    }

    fn failed(&self, peer: IpAddr) -> Denied {
        self.attempts().failed(peer, Instant::now());
        Denied::Unknown
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_right(secret: &PasswordSecret, password: &str) -> bool {
    match &secret.0 {
        Secret::Bcrypt(hash) => {
            password.len() <= SECRET_BYTES_MAX && bcrypt::verify(password, hash).unwrap_or(false)
        }
        Secret::Plain(own) => is_same(password, own),
    }
}

/// Compares in a time that tells nothing of `own` but its length.
fn is_same(given: &str, own: &str) -> bool {
    if given.len() != own.len() || given.len() > SECRET_BYTES_MAX {
        return false;
    }
    let pairs = given.bytes().zip(own.bytes());
    std::hint::black_box(pairs.fold(0_u8, |different, (one, other)| different | (one ^ other))) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_hash_is_an_error_of_the_config() {
        for (text, is_sound) in [
            ("secret", true),
            ("", true),
            ("$2b$04$EGdrhbKUv8Oc9vGiXX0HQO8cMvpPY5z6SsQqLdxeXYUdMIeRPEVG.", true),
            ("$2b$04$EGdrhbKUv8Oc9v", false),
            ("$2", false),
        ] {
            assert_eq!(PasswordSecret::parse(text).is_ok(), is_sound, "{text}");
        }
    }

    #[tokio::test]
    async fn wrong_tokens_do_not_lock_out_a_right_one_that_nobody_guesses() {
        let user = |name: &str, token: &str| User {
            name: name.to_owned(),
            password: None,
            token: Some(token.to_owned()),
            roles: vec![Role::Push],
        };
        let long = "0123456789abcdef";
        let authentication = Authentication::users(vec![user("long", long), user("short", "word")]);
        let peer = IpAddr::from([192, 0, 2, 1]);
        let name = async |token: &str, peer| {
            let header = format!("Bearer {token}");
            let identity = authentication.identify(Credentials::Authorization(&header), peer).await;
            identity.map(|identity| identity.name.as_deref().map(str::to_owned))
        };
        assert_eq!(name("word", peer).await, Ok(Some("short".to_owned())));
        for _ in 0..10 {
            assert_eq!(name("0123456789abcdeF", peer).await, Err(Denied::Unknown));
        }
        assert_eq!(name(long, peer).await, Ok(Some("long".to_owned())));
        for throttled in ["0123456789abcdeF", "word", ""] {
            let denied = name(throttled, peer).await;
            assert!(matches!(denied, Err(Denied::TooOften(_))), "{throttled} {denied:?}");
        }
        assert_eq!(name("word", IpAddr::from([192, 0, 2, 2])).await, Ok(Some("short".to_owned())));
    }

    #[test]
    fn secrets_are_the_same_only_when_they_are() {
        for (given, own, expected) in
            [("a", "a", true), ("a", "b", false), ("", "", true), ("aa", "a", false)]
        {
            assert_eq!(is_same(given, own), expected, "{given} {own}");
        }
        let long = "x".repeat(SECRET_BYTES_MAX + 1);
        assert!(!is_same(&long, &long));
    }
}
