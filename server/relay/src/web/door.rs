//! Who may see the operator's page: a one-time link from the local command, or the token of the configuration, opens a
//! session in one browser.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use data_encoding::BASE32_NOPAD;

/// Links that were given out and not used; the oldest goes.
const LINKS_MAX: usize = 16;
/// Browsers signed in at one time; the oldest goes.
const VISITS_MAX: usize = 64;
/// How long a link waits to be used.
pub(crate) const LINK_MS: i64 = 10 * 60_000;
/// How long a browser stays signed in.
pub(crate) const VISIT_MS: i64 = 12 * 3_600_000;
/// Random bytes of a token.
const TOKEN_BYTES: usize = 20;

/// Characters of the configuration's token at least: nobody guesses it at one attempt a second.
pub(crate) const PAGE_TOKEN_CHARS_MIN: usize = 20;
/// Pause after a wrong token, for everybody.
pub(crate) const WRONG_TOKEN_PAUSE_MS: i64 = 1000;

/// The configuration's token: its hash.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PageToken([u8; 32]);

impl PageToken {
    /// `None` when it is shorter than [`PAGE_TOKEN_CHARS_MIN`].
    pub fn new(text: &str) -> Option<Self> {
        (text.chars().count() >= PAGE_TOKEN_CHARS_MIN).then(|| Self(hash(text)))
    }
}

impl std::fmt::Debug for PageToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PageToken(…)")
    }
}

/// Why a token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shut {
    /// The configuration has none, or another.
    Wrong,
    /// A wrong one was given just before.
    Wait,
}

/// Tokens by their hash, so that comparing tells nothing by its time; with the end of their validity.
#[derive(Default)]
struct Tokens(BTreeMap<[u8; 32], i64>);

impl Tokens {
    fn issue(&mut self, most: usize, until: i64) -> Result<String, getrandom::Error> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes)?;
        let token = BASE32_NOPAD.encode(&bytes).to_ascii_lowercase();
        while self.0.len() >= most {
            let Some(oldest) = self
                .0
                .iter()
                .min_by_key(|(_, until)| **until)
                .map(|(hash, _)| *hash)
            else {
                break;
            };
            self.0.remove(&oldest);
        }
        self.0.insert(hash(&token), until);
        Ok(token)
    }

    fn valid(&mut self, token: &str, now: i64) -> bool {
        self.0.retain(|_, until| *until > now);
        self.0.contains_key(&hash(token))
    }

    fn take(&mut self, token: &str, now: i64) -> bool {
        self.valid(token, now) && self.0.remove(&hash(token)).is_some()
    }
}

fn hash(token: &str) -> [u8; 32] {
    *blake3::hash(token.as_bytes()).as_bytes()
}

#[derive(Default)]
struct Inside {
    links: Tokens,
    visits: Tokens,
    /// Before it no token is looked at.
    not_before: i64,
}

/// Links and visits. Forgotten with the process.
#[derive(Default)]
pub(crate) struct Door {
    inside: Mutex<Inside>,
    token: Option<PageToken>,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Door")
    }
}

impl Door {
    /// `token` opens it beside one-time links.
    pub fn new(token: Option<PageToken>) -> Self {
        Self {
            inside: Mutex::default(),
            token,
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inside) -> T) -> T {
        work(&mut self.inside.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the configuration has a token.
    pub fn takes_token(&self) -> bool {
        self.token.is_some()
    }

    /// Gives a cookie for the configuration's token.
    pub fn show(&self, token: &str, now: i64) -> Result<String, Shut> {
        self.with(|inside| {
            // A clock that was set back by more than the pause does not keep the door shut.
            if now < inside.not_before && inside.not_before - now <= WRONG_TOKEN_PAUSE_MS {
                return Err(Shut::Wait);
            }
            if self.token.as_ref() != Some(&PageToken(hash(token))) {
                inside.not_before = now.saturating_add(WRONG_TOKEN_PAUSE_MS);
                return Err(Shut::Wrong);
            }
            let visit = inside.visits.issue(VISITS_MAX, now.saturating_add(VISIT_MS));
            visit.map_err(|_| Shut::Wait)
        })
    }

    /// A token for one use within [`LINK_MS`].
    pub fn link(&self, now: i64) -> Result<String, getrandom::Error> {
        self.with(|inside| inside.links.issue(LINKS_MAX, now.saturating_add(LINK_MS)))
    }

    /// Gives a cookie for a link, once.
    pub fn enter(&self, link: &str, now: i64) -> Option<String> {
        self.with(|inside| {
            let taken = inside.links.take(link, now);
            taken.then(|| inside.visits.issue(VISITS_MAX, now.saturating_add(VISIT_MS)).ok())?
        })
    }

    /// Whether a cookie is good.
    pub fn is_in(&self, cookie: &str, now: i64) -> bool {
        self.with(|inside| inside.visits.valid(cookie, now))
    }

    /// Ends a visit.
    pub fn leave(&self, cookie: &str, now: i64) {
        self.with(|inside| inside.visits.take(cookie, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_one_visit_once_and_not_too_late() {
        let door = Door::default();
        let link = door.link(0).unwrap();
        let cookie = door.enter(&link, LINK_MS - 1).unwrap();
        assert_eq!(door.enter(&link, 1), None, "used");
        assert!(door.is_in(&cookie, LINK_MS));
        assert!(!door.is_in(&link, 0) && !door.is_in("", 0));
        assert!(!door.is_in(&cookie, LINK_MS - 1 + VISIT_MS), "over");
        let late = door.link(0).unwrap();
        assert_eq!(door.enter(&late, LINK_MS), None);
        let cookie = door.enter(&door.link(0).unwrap(), 0).unwrap();
        door.leave(&cookie, 0);
        assert!(!door.is_in(&cookie, 0));
    }

    #[test]
    fn the_token_opens_visits_and_a_wrong_one_makes_everybody_wait() {
        let token = "a token of the configuration";
        let door = Door::new(PageToken::new(token));
        let first = door.show(token, 0).unwrap();
        assert!(door.is_in(&first, 1) && door.is_in(&door.show(token, 1).unwrap(), 1));
        assert_eq!(door.show("another token, as long as it", 10), Err(Shut::Wrong));
        assert_eq!(door.show(token, 9 + WRONG_TOKEN_PAUSE_MS), Err(Shut::Wait));
        assert!(door.show(token, 10 + WRONG_TOKEN_PAUSE_MS).is_ok());
        assert_eq!(Door::default().show("", 0), Err(Shut::Wrong), "there is none");
        let (least, short) = (
            "x".repeat(PAGE_TOKEN_CHARS_MIN),
            "x".repeat(PAGE_TOKEN_CHARS_MIN - 1),
        );
        assert!(PageToken::new(&least).is_some() && PageToken::new(&short).is_none());
    }

    #[test]
    fn one_link_too_many_ends_the_oldest() {
        let door = Door::default();
        let links: Vec<String> = (0..=LINKS_MAX as i64).map(|at| door.link(at).unwrap()).collect();
        assert_eq!(door.enter(&links[0], 0), None);
        assert!(links[1..].iter().all(|link| door.enter(link, 0).is_some()));
    }
}
