//! What this process believes of the spaces it has looked at: heads, sizes and tips, so that a frame of a phone costs no
//! round trips to the server. It is brought forward by own commits and by news; what it lacks is read when asked for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sotay_feed::{DeviceId, SpaceId, Tip};
use sotay_store::{Arrival, News};

/// Spaces kept; beyond, all are read again when they are asked for.
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
    /// Of spaces that have to be read again the head up to which all was told.
    doubted: BTreeMap<SpaceId, u64>,
    contended: BTreeMap<SpaceId, Instant>,
    /// Not told yet.
    pub news: News,
}

impl View {
    pub fn get(&self, space: &SpaceId) -> Option<&Known> {
        self.spaces.get(space)
    }

    /// What was read. If others wrote it meanwhile that is news: their note may come later, and then seems to be an old one.
    pub fn insert(&mut self, space: SpaceId, known: Known) {
        self.remove(&space);
        if self.spaces.len() >= SPACES_MAX || self.feeds + known.feeds.len() > FEEDS_MAX {
            self.doubt_all();
        }
        if let Some(told) = self.doubted.remove(&space)
            && told < known.head.number
        {
            self.note(space, told);
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

    fn remove(&mut self, space: &SpaceId) -> Option<Known> {
        let known = self.spaces.remove(space)?;
        self.feeds -= known.feeds.len();
        Some(known)
    }

    /// What is believed of a space may be wrong: it is read again when it is asked for.
    pub fn doubt(&mut self, space: &SpaceId) {
        if let Some(known) = self.remove(space) {
            self.doubted.entry(*space).or_insert(known.head.number);
        }
    }

    fn doubt_all(&mut self) {
        self.feeds = 0;
        for (space, known) in std::mem::take(&mut self.spaces) {
            self.doubted.entry(space).or_insert(known.head.number);
        }
        if self.doubted.len() > SPACES_MAX {
            self.clear();
            self.news.anything = true;
        }
    }

    /// Whoever calls it tells that anything may have changed, or has nobody to tell.
    pub fn clear(&mut self) {
        self.spaces.clear();
        self.doubted.clear();
        self.feeds = 0;
    }

    fn note(&mut self, space: SpaceId, after: u64) {
        let told = self.news.spaces.entry(space).or_insert(after);
        *told = after.min(*told);
    }

    /// Another process wrote a space: it is read again, and told as news from where it was known here, at the latest
    /// from `after` on.
    pub fn moved(&mut self, space: SpaceId, after: u64, now: Instant) {
        self.doubt(&space);
        let told = self.doubted.remove(&space).unwrap_or(after);
        self.note(space, told);
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
    fn what_is_read_again_tells_what_it_gained_since_it_was_last_known() {
        let mut view = View::default();
        view.insert(space(1), known(7, 1));
        view.insert(space(2), known(7, 1));
        view.doubt(&space(1));
        view.doubt(&space(2));
        assert!(view.get(&space(1)).is_none());
        view.insert(space(1), known(7, 1));
        view.insert(space(2), known(9, 1));
        assert_eq!(view.news.spaces, BTreeMap::from([(space(2), 7)]));
        // Known once more, it is not told twice.
        view.news = News::default();
        view.doubt(&space(2));
        view.insert(space(2), known(9, 1));
        assert!(view.news.is_empty());
        // A note of it says more than what was doubted.
        view.doubt(&space(2));
        view.moved(space(2), 11, Instant::now());
        assert_eq!(view.news.spaces, BTreeMap::from([(space(2), 9)]));
    }

    #[test]
    fn what_the_limits_push_out_is_told_when_it_comes_back_and_beyond_them_anything_is() {
        let mut view = View::default();
        view.insert(space(1), known(7, 1));
        view.feeds = FEEDS_MAX;
        view.insert(space(2), known(1, 1));
        assert!(view.get(&space(1)).is_none() && view.news.is_empty());
        view.insert(space(1), known(8, 1));
        assert_eq!(view.news.spaces, BTreeMap::from([(space(1), 7)]));
        for n in 0..SPACES_MAX as u64 + 1 {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&n.to_be_bytes());
            view.doubted.insert(SpaceId::from_bytes(id), n);
        }
        view.feeds = FEEDS_MAX;
        view.insert(space(3), known(1, 1));
        assert!(view.news.anything && view.doubted.is_empty());
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
