//! Who is signed in: random names in memory, each of which stands for a user for a while.
//!
//! In memory and not in the ledger: a server that starts anew asks everybody once more, and no copy of the data
//! folder lets anyone in. Both bounds on time hold: one for who went away from an open browser, one for a cookie
//! that somebody took. The table is bounded for each user and over all; the session that was idle longest gives way.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use tokio::time::Instant;

/// The most sessions of one user; a program that signs in each time must not sign out everybody else.
const SESSIONS_OF_USER_MAX: usize = 64;

/// The most sessions of all users.
const SESSIONS_MAX: usize = 4_096;

/// Bytes of a session's name: 256 bits, which nobody guesses.
const ID_BYTES: usize = 32;

/// Its length as text.
const ID_CHARS: usize = 43;

/// How long somebody stays signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without asking anything.
    pub idle_max: Duration,
    /// At all.
    pub age_max: Duration,
}

impl Default for SessionLimits {
    /// Half a day, a week.
    fn default() -> Self {
        Self { idle_max: Duration::from_secs(12 * 3600), age_max: Duration::from_secs(7 * 24 * 3600) }
    }
}

/// The name of a session. It has no `Debug`, so that it is in no message.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SessionId([u8; ID_BYTES]);

impl SessionId {
    /// A name that nobody can guess; `None` where the system gives no random numbers.
    pub(crate) fn random() -> Option<Self> {
        let mut bytes = [0; ID_BYTES];
        getrandom::fill(&mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// What [`fmt::Display`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != ID_CHARS {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

struct Session {
    user: usize,
    began: Instant,
    used: Instant,
}

/// Who is signed in.
#[derive(Default)]
pub(crate) struct Sessions {
    sessions: HashMap<SessionId, Session>,
    limits: SessionLimits,
}

impl Sessions {
    pub(crate) fn new(limits: SessionLimits) -> Self {
        Self { sessions: HashMap::new(), limits }
    }

    /// Begins a session of a user.
    pub(crate) fn begin(&mut self, id: SessionId, user: usize, now: Instant) {
        let limits = self.limits;
        self.sessions.retain(|_, session| session.is_alive(limits, now));
        if self.sessions.values().filter(|session| session.user == user).count() >= SESSIONS_OF_USER_MAX {
            self.end_idlest(|session| session.user == user);
        }
        if self.sessions.len() >= SESSIONS_MAX {
            self.end_idlest(|_| true);
        }
        self.sessions.insert(id, Session { user, began: now, used: now });
    }

    /// The user of a session, who has just used it.
    pub(crate) fn user_of(&mut self, id: SessionId, now: Instant) -> Option<usize> {
        let session = self.sessions.get_mut(&id)?;
        if !session.is_alive(self.limits, now) {
            self.sessions.remove(&id);
            return None;
        }
        session.used = now;
        Some(session.user)
    }

    /// Whether a session goes on, without using it.
    pub(crate) fn is_alive(&self, id: SessionId, now: Instant) -> bool {
        self.sessions.get(&id).is_some_and(|session| session.is_alive(self.limits, now))
    }

    /// Ends a session; its user, if there was one.
    pub(crate) fn end(&mut self, id: SessionId) -> Option<usize> {
        self.sessions.remove(&id).map(|session| session.user)
    }

    fn end_idlest(&mut self, is_meant: impl Fn(&Session) -> bool) {
        let meant = self.sessions.iter().filter(|(_, session)| is_meant(session));
        let idlest = meant.min_by_key(|(_, session)| session.used).map(|(id, _)| *id);
        if let Some(idlest) = idlest {
            self.sessions.remove(&idlest);
        }
    }
}

impl Session {
    fn is_alive(&self, limits: SessionLimits, now: Instant) -> bool {
        now.duration_since(self.used) < limits.idle_max && now.duration_since(self.began) < limits.age_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> SessionId {
        let mut bytes = [0; ID_BYTES];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        SessionId(bytes)
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_name_is_read_as_it_was_written_and_never_comes_twice() {
        let (one, other) = (SessionId::random().unwrap(), SessionId::random().unwrap());
        assert!(one != other && SessionId::parse(&one.to_string()) == Some(one));
        let long = "A".repeat(1 << 20);
        for text in ["", "A", &"A".repeat(42), &"A".repeat(44), &"=".repeat(43), &"é".repeat(21), &long] {
            assert!(SessionId::parse(text).is_none(), "{} bytes", text.len());
        }
    }

    #[tokio::test]
    async fn a_session_ends_when_it_is_idle_or_old() {
        let start = Instant::now();
        let mut sessions = Sessions::new(SessionLimits { idle_max: seconds(10), age_max: seconds(25) });
        sessions.begin(id(1), 7, start);
        sessions.begin(id(2), 8, start);
        for (of, at, expected) in [
            (1, 9, Some(7)),
            (1, 18, Some(7)),
            (2, 10, None),
            // What is over stays over, even if the clock were wrong.
            (2, 0, None),
            (1, 24, Some(7)),
            (1, 25, None),
            (3, 0, None),
        ] {
            assert_eq!(sessions.user_of(id(of), start + seconds(at)), expected, "{of} at {at}");
        }
    }

    #[tokio::test]
    async fn to_ask_for_a_session_does_not_keep_it() {
        let start = Instant::now();
        let mut sessions = Sessions::new(SessionLimits { idle_max: seconds(10), age_max: seconds(25) });
        sessions.begin(id(1), 7, start);
        for (at, expected) in [(0, true), (9, true), (10, false)] {
            assert_eq!(sessions.is_alive(id(1), start + seconds(at)), expected, "at {at}");
        }
        assert!(!sessions.is_alive(id(2), start));
    }

    #[tokio::test]
    async fn who_signs_out_is_out() {
        let (mut sessions, start) = (Sessions::default(), Instant::now());
        sessions.begin(id(1), 7, start);
        assert_eq!((sessions.end(id(1)), sessions.end(id(1))), (Some(7), None));
        assert_eq!(sessions.user_of(id(1), start), None);
    }

    #[tokio::test]
    async fn the_table_is_bounded_and_one_user_takes_no_room_of_others() {
        let (mut sessions, start) = (Sessions::default(), Instant::now());
        sessions.begin(id(0), 0, start);
        for number in 1..=200 {
            sessions.begin(id(number), 1, start + seconds(number));
        }
        assert_eq!(sessions.sessions.len(), 1 + SESSIONS_OF_USER_MAX);
        assert!(sessions.user_of(id(0), start + seconds(200)).is_some());
        assert!(sessions.user_of(id(136), start + seconds(200)).is_none());
        assert!(sessions.user_of(id(137), start + seconds(200)).is_some());
        for number in 1_000..2 * SESSIONS_MAX as u64 {
            let user = usize::try_from(number).unwrap();
            sessions.begin(id(number), user, start + seconds(300) + Duration::from_millis(number));
        }
        assert_eq!(sessions.sessions.len(), SESSIONS_MAX);
    }
}
