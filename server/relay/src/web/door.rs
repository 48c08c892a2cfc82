//! Who may see the operator's page: a one-time link from the local command opens a session in one browser.

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

/// Links and visits. Forgotten with the process.
#[derive(Default)]
pub(crate) struct Door(Mutex<(Tokens, Tokens)>);

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Door")
    }
}

impl Door {
    fn with<T>(&self, work: impl FnOnce(&mut Tokens, &mut Tokens) -> T) -> T {
        let mut both = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (links, visits) = &mut *both;
        work(links, visits)
    }

    /// A token for one use within [`LINK_MS`].
    pub fn link(&self, now: i64) -> Result<String, getrandom::Error> {
        self.with(|links, _| links.issue(LINKS_MAX, now.saturating_add(LINK_MS)))
    }

    /// Gives a cookie for a link, once.
    pub fn enter(&self, link: &str, now: i64) -> Option<String> {
        self.with(|links, visits| {
            let taken = links.take(link, now);
            taken.then(|| visits.issue(VISITS_MAX, now.saturating_add(VISIT_MS)).ok())?
        })
    }

    /// Whether a cookie is good.
    pub fn is_in(&self, cookie: &str, now: i64) -> bool {
        self.with(|_, visits| visits.valid(cookie, now))
    }

    /// Ends a visit.
    pub fn leave(&self, cookie: &str, now: i64) {
        self.with(|_, visits| visits.take(cookie, now));
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
    fn one_link_too_many_ends_the_oldest() {
        let door = Door::default();
        let links: Vec<String> = (0..=LINKS_MAX as i64).map(|at| door.link(at).unwrap()).collect();
        assert_eq!(door.enter(&links[0], 0), None);
        assert!(links[1..].iter().all(|link| door.enter(link, 0).is_some()));
    }
}
