//! Searches that somebody gave a name, kept in the ledger.
//!
//! All of them are in memory too: their number and their sizes are bounded. One change at a time, so that what is
//! written is in the order in which it was answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, oneshot};
use weir_ledger::{Ledger, LedgerError};
use weir_record::Timestamp;
use weir_web::{
    AdminProblem, Answer, ProblemKind, RemoveSearch, SaveSearch, SavedSearch, SearchOwner, SearchText,
    Searches, SearchesAnswer,
};

use super::commit::{Commits, Request};
use crate::clock;

/// What begins the names of searches in the ledger.
const KEPT: &str = "search/";

/// Searches that are kept; a list that nobody reads to its end.
const SEARCHES_MAX: usize = 1_000;

/// The longest name, in characters.
const NAME_CHARS_MAX: usize = 100;

/// Names that would be steps in the path of an address. Browsers resolve them, escaped or not, before they ask, so
/// that the page could never remove such a search.
const PATH_STEPS: [&str; 2] = [".", ".."];

/// The longest query, in bytes.
const QUERY_BYTES_MAX: usize = 10_000;

/// The longest time, in bytes.
const TIME_BYTES_MAX: usize = 64;

/// Columns at most, and the longest name of one, in bytes.
const COLUMNS_MAX: usize = 100;
const COLUMN_BYTES_MAX: usize = 256;

/// How long a change waits to be on the disk before its asker is told that it is not yet.
const WRITE_MAX: Duration = Duration::from_secs(10);

/// Saved searches.
pub struct SavedSearches {
    searches: Mutex<BTreeMap<String, SavedSearch>>,
    commits: Commits,
}

impl SavedSearches {
    /// The searches as the ledger has them.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn load(ledger: &Ledger, commits: Commits) -> Result<Arc<Self>, LedgerError> {
        let kept = ledger.read(|ledger| ledger.states_with_prefix::<Vec<u8>>(KEPT))?;
        let searches = kept.iter().filter_map(|(_, bytes)| serde_json::from_slice(bytes).ok());
        let searches = searches.map(|search: SavedSearch| (search.name.clone(), search)).collect();
        Ok(Arc::new(Self { searches: Mutex::new(searches), commits }))
    }

    /// The functions that HTTP calls.
    pub fn handlers(self: &Arc<Self>) -> Searches {
        let (list, save, remove) = (Arc::clone(self), Arc::clone(self), Arc::clone(self));
        Searches {
            list: Arc::new(move |()| -> Answer<SearchesAnswer> {
                let searches = Arc::clone(&list);
                Box::pin(async move { Ok(searches.list().await) })
            }),
            save: Arc::new(move |request| -> Answer<SavedSearch> {
                let searches = Arc::clone(&save);
                Box::pin(async move { searches.save(request, clock::now()).await })
            }),
            remove: Arc::new(move |request| -> Answer<()> {
                let searches = Arc::clone(&remove);
                Box::pin(async move { searches.remove(&request).await })
            }),
        }
    }

    async fn list(&self) -> SearchesAnswer {
        let searches = self.searches.lock().await.values().cloned().collect();
        SearchesAnswer { searches, searches_max: SEARCHES_MAX }
    }

    async fn save(&self, request: SaveSearch, now: Timestamp) -> Result<SavedSearch, AdminProblem> {
        let SaveSearch { name, search, owner } = request;
        check_name(&name)?;
        check(&search)?;
        let mut searches = self.searches.lock().await;
        match searches.get(&name) {
            Some(former) => check_owner(former, &owner)?,
            None if searches.len() >= SEARCHES_MAX => {
                let error = format!("{SEARCHES_MAX} searches are saved already");
                return Err(AdminProblem::new(ProblemKind::Busy, error, "remove one that nobody needs"));
            }
            None => {}
        }
        let SearchText { query, from, to, columns } = search;
        let saved_by = owner.name.as_deref().map(str::to_owned);
        let saved_at = now.to_string();
        let saved = SavedSearch { name: name.clone(), query, from, to, columns, saved_by, saved_at };
        let bytes = serde_json::to_vec(&saved).unwrap_or_default();
        searches.insert(name.clone(), saved.clone());
        self.write(name, bytes).await?;
        Ok(saved)
    }

    async fn remove(&self, request: &RemoveSearch) -> Result<(), AdminProblem> {
        let mut searches = self.searches.lock().await;
        let Some(search) = searches.get(&request.name) else {
            let error = "there is no search of this name";
            return Err(AdminProblem::new(ProblemKind::NotFound, error, "GET /api/searches lists them"));
        };
        check_owner(search, &request.owner)?;
        searches.remove(&request.name);
        self.write(request.name.clone(), Vec::new()).await
    }

    /// Returns when it is on the disk.
    async fn write(&self, name: String, bytes: Vec<u8>) -> Result<(), AdminProblem> {
        let (done, is_done) = oneshot::channel();
        let written = async {
            let request = Request::Keep(format!("{KEPT}{name}"), bytes, done);
            self.commits.send_async(request).await.is_ok() && is_done.await.is_ok()
        };
        match tokio::time::timeout(WRITE_MAX, written).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                Err(AdminProblem::new(ProblemKind::Stopping, "the server stops", "ask the next one"))
            }
            Err(_) => {
                let hint = "it holds until the server stops; look at its log and its disk";
                Err(AdminProblem::new(ProblemKind::Failed, "the change is not on the disk yet", hint))
            }
        }
    }
}

fn check_owner(search: &SavedSearch, owner: &SearchOwner) -> Result<(), AdminProblem> {
    if owner.is_admin || search.saved_by.as_deref() == owner.name.as_deref() {
        return Ok(());
    }
    let error =
        format!("somebody else saved it: {}", search.saved_by.as_deref().unwrap_or("nobody knows who"));
    Err(AdminProblem::new(
        ProblemKind::NotAllowed,
        error,
        "save yours by another name, or ask an administrator",
    ))
}

fn check_name(name: &str) -> Result<(), AdminProblem> {
    if !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) || name.trim().is_empty() {
        return Err(bad(format!("a name has 1 to {NAME_CHARS_MAX} characters, not all of them spaces")));
    }
    if PATH_STEPS.contains(&name) {
        let error = format!("`{name}` cannot be a name: in an address a browser takes it for a step");
        return Err(AdminProblem::new(ProblemKind::BadRequest, error, "add a word"));
    }
    if let Some(hidden) = name.chars().find(|char| is_hidden(*char)) {
        let code = u32::from(hidden);
        let error = format!("the name has the character U+{code:04X}, which nobody sees");
        return Err(AdminProblem::new(ProblemKind::BadRequest, error, "leave it out"));
    }
    Ok(())
}

/// Whether a character cannot be seen or turns the direction of those around it, so that a name looks like another:
/// control characters, separators of lines, and those of Unicode's category `Cf` that are no part of a script.
/// U+200C and U+200D, which join letters and emoji, are visible by what they do.
fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

fn check(search: &SearchText) -> Result<(), AdminProblem> {
    if search.query.len() > QUERY_BYTES_MAX {
        return Err(bad(format!("the query has more than {QUERY_BYTES_MAX} bytes")));
    }
    if [&search.from, &search.to].into_iter().flatten().any(|time| time.len() > TIME_BYTES_MAX) {
        return Err(bad(format!("a time has more than {TIME_BYTES_MAX} bytes")));
    }
    if search.columns.len() > COLUMNS_MAX {
        return Err(bad(format!("there are more than {COLUMNS_MAX} columns")));
    }
    if search.columns.iter().any(|column| column.len() > COLUMN_BYTES_MAX) {
        return Err(bad(format!("a column's name has more than {COLUMN_BYTES_MAX} bytes")));
    }
    Ok(())
}

fn bad(error: String) -> AdminProblem {
    AdminProblem::new(ProblemKind::BadRequest, error, "make it shorter")
}

#[cfg(test)]
mod tests {
    use super::super::engine::Engine;
    use super::super::open::{Purpose, open_ledger};
    use super::*;
    use crate::config::Config;

    #[test]
    fn names_are_short_and_visible() {
        for (name, is_right) in [
            ("a", true),
            ("Errors / checkout (Müller) \u{1f600}", true),
            ("", false),
            (" ", false),
            ("a\nb", false),
            ("a\0", false),
            (".", false),
            ("..", false),
            ("...", true),
            (".a", true),
            ("%2e", true),
            ("\u{202e}gnp", false),
            ("a\u{2028}b", false),
            ("a\u{200b}", false),
            ("a\u{ad}b", false),
            ("\u{2066}a\u{2069}", false),
            ("a\u{feff}", false),
            ("a\u{e0041}", false),
            ("\u{1f469}\u{200d}\u{1f4bb}", true),
            ("\u{645}\u{6cc}\u{200c}\u{62e}", true),
            (&"é".repeat(100), true),
            (&"é".repeat(101), false),
        ] {
            assert_eq!(check_name(name).is_ok(), is_right, "{name:?}");
        }
    }

    #[test]
    fn a_search_is_bounded() {
        let text = |len| "x".repeat(len);
        for (search, is_right) in [
            (SearchText::default(), true),
            (SearchText { query: text(10_000), ..SearchText::default() }, true),
            (SearchText { query: text(10_001), ..SearchText::default() }, false),
            (SearchText { from: Some(text(64)), ..SearchText::default() }, true),
            (SearchText { to: Some(text(65)), ..SearchText::default() }, false),
            (SearchText { columns: vec![text(256); 100], ..SearchText::default() }, true),
            (SearchText { columns: vec![text(257)], ..SearchText::default() }, false),
            (SearchText { columns: vec![text(1); 101], ..SearchText::default() }, false),
        ] {
            assert_eq!(check(&search).is_ok(), is_right);
        }
    }

    #[test]
    fn there_is_an_end_to_what_can_be_saved_and_what_there_is_can_be_changed() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data_dir: folder.path().to_owned(), ..Config::default() };
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let ledger = open_ledger(folder.path()).unwrap();
            let engine = Engine::start(&config, ledger, Purpose::Serve).unwrap();
            let commits = engine.shared.commits.clone();
            let searches = SavedSearches::load(&engine.shared.ledger, commits).unwrap();
            for number in 0..SEARCHES_MAX {
                searches.searches.lock().await.insert(number.to_string(), SavedSearch::default());
            }
            let request = |name: &str| SaveSearch { name: name.to_owned(), ..SaveSearch::default() };
            let refused = searches.save(request("one more"), Timestamp::from_seconds(0)).await;
            assert_eq!(refused.map_err(|problem| problem.kind), Err(ProblemKind::Busy));
            searches.save(request("7"), Timestamp::from_seconds(0)).await.unwrap();
            let kept = engine.shared.ledger.read(|ledger| ledger.states_with_prefix::<Vec<u8>>(KEPT));
            assert_eq!(kept.unwrap().len(), 1, "it is on the disk before it is answered");
            drop(searches);
            engine.stop().await.unwrap();
        });
    }

    #[test]
    fn what_others_saved_only_an_administrator_changes() {
        let owner = |name: Option<&str>, is_admin| SearchOwner { name: name.map(Into::into), is_admin };
        let saved =
            |by: Option<&str>| SavedSearch { saved_by: by.map(str::to_owned), ..SavedSearch::default() };
        for (by, who, is_allowed) in [
            (Some("anna"), owner(Some("anna"), false), true),
            (Some("anna"), owner(Some("ben"), false), false),
            (Some("anna"), owner(Some("ben"), true), true),
            (None, owner(Some("ben"), false), false),
            (None, owner(None, true), true),
        ] {
            assert_eq!(check_owner(&saved(by), &who).is_ok(), is_allowed, "{by:?} {who:?}");
        }
    }
}
