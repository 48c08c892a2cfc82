//! What this process believes of the spaces it has looked at: heads, sizes and tips, so that a frame of a phone costs no
//! round trips to the server. It is brought forward by own commits and by news; what it lacks is read when asked for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sotay_feed::{DeviceId, SpaceId, Tip};
use sotay_store::{Arrival, News};

/// Spaces kept; beyond, all are forgotten and read again when they are asked for.
pub(crate) const SPACES_MAX: usize = 50_000;
/// Feeds kept, of all spaces together (about 60 bytes each).
pub(crate) const FEEDS_MAX: usize = 500_000;
/// For so long after another process wrote a space, it is locked before it is judged.
const CONTENDED_FOR: Duration = Duration::from_secs(60);

/// A space as it was when it was read or written last. Number 0: nothing is there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub head: Arrival,
    pub bytes: u64,
    pub feeds: BTreeMap<DeviceId, Tip>,
}

#[derive(Debug, Default)]
pub(crate) struct View {
    spaces: BTreeMap<SpaceId, Known>,
    feeds: usize,
    contended: BTreeMap<SpaceId, Instant>,
    /// Not told yet.
    pub news: News,
}

impl View {
    pub fn get(&self, space: &SpaceId) -> Option<&Known> {
        self.spaces.get(space)
    }

    pub fn insert(&mut self, space: SpaceId, known: Known) {
        self.forget(&space);
        if self.spaces.len() >= SPACES_MAX || self.feeds + known.feeds.len() > FEEDS_MAX {
            self.clear();
        }
        self.feeds += known.feeds.len();
        self.spaces.insert(space, known);
    }

    /// An own commit.
    pub fn advance(&mut self, space: &SpaceId, head: Arrival, bytes: u64, tips: &BTreeMap<DeviceId, Tip>) {
        let Some(known) = self.spaces.get_mut(space) else {
            return;
        };
        let before = known.feeds.len();
        known.head = head;
        known.bytes = bytes;
        known.feeds.extend(tips);
        self.feeds += known.feeds.len() - before;
    }

    pub fn forget(&mut self, space: &SpaceId) -> Option<Known> {
        let known = self.spaces.remove(space)?;
        self.feeds -= known.feeds.len();
        Some(known)
    }

    pub fn clear(&mut self) {
        self.spaces.clear();
        self.feeds = 0;
    }

    /// Another process wrote a space: it is read again, and told as news from where it was known here, at the latest
    /// from `after` on.
    pub fn moved(&mut self, space: SpaceId, after: u64, now: Instant) {
        let known = self.forget(&space).map_or(after, |known| known.head.number);
        let told = self.news.spaces.entry(space).or_insert(known);
        *told = known.min(*told);
        if self.contended.len() >= SPACES_MAX {
            self.contended
                .retain(|_, at| now.duration_since(*at) < CONTENDED_FOR);
        }
        self.contended.insert(space, now);
    }

    /// Whether another process wrote it lately.
    pub fn is_contended(&self, space: &SpaceId, now: Instant) -> bool {
        let at = self.contended.get(space);
        at.is_some_and(|at| now.duration_since(*at) < CONTENDED_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotay_store::conformance::space;

    fn known(number: u64, feeds: u8) -> Known {
        let tip = Tip {
            seq: 1,
            id: sotay_feed::EnvelopeId::ZERO,
        };
        Known {
            head: Arrival {
                number,
                chain: [0; 8],
            },
            bytes: 0,
            feeds: (0..feeds).map(|n| (DeviceId::from_bytes([n; 8]), tip)).collect(),
        }
    }

    #[test]
    fn one_feed_beyond_the_limit_forgets_what_was_known_before() {
        let mut view = View {
            feeds: FEEDS_MAX - 5,
            ..View::default()
        };
        view.insert(space(1), known(1, 3));
        view.insert(space(2), known(1, 2));
        assert!(view.get(&space(1)).is_some() && view.get(&space(2)).is_some());
        view.insert(space(3), known(1, 1));
        assert!(view.get(&space(1)).is_none() && view.get(&space(3)).is_some());
        assert_eq!(view.feeds, 1);
    }

    #[test]
    fn a_space_that_moved_is_told_from_where_it_was_first_known_and_is_contended_for_a_while() {
        let (mut view, now) = (View::default(), Instant::now());
        view.insert(space(1), known(7, 1));
        view.moved(space(1), 9, now);
        view.moved(space(1), 12, now);
        view.moved(space(2), 5, now);
        assert_eq!(view.news.spaces, BTreeMap::from([(space(1), 7), (space(2), 5)]));
        assert!(view.get(&space(1)).is_none());
        assert!(view.is_contended(&space(1), now));
        assert!(!view.is_contended(&space(1), now + CONTENDED_FOR));
        assert!(!view.is_contended(&space(3), now));
    }
}
