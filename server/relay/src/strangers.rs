//! Sessions that were let into no unit. Anybody who reaches the port may have one; they must not take all places from those
//! who belong somewhere.

use std::collections::BTreeSet;

use crate::link::LinkId;

/// One part in so many of all sessions is kept free of strangers.
const KEPT_FREE: usize = 20;

/// Once the places are nearly all taken, whoever is a stranger for longest goes for each that comes. A phone of a unit is let
/// in within a round trip or two, and is none any more; who only fills places stays one.
#[derive(Debug)]
pub(crate) struct Strangers {
    links: BTreeSet<LinkId>,
    most: usize,
}

impl Strangers {
    /// Of a relay that has so many sessions at most.
    pub fn of(sessions: usize) -> Self {
        Self {
            links: BTreeSet::new(),
            most: sessions - sessions / KEPT_FREE,
        }
    }

    /// A session begins, and so many are open with it. Who has to go for it.
    pub fn came(&mut self, link: LinkId, open: usize) -> Option<LinkId> {
        self.links.insert(link);
        // Links are numbered as they come.
        let oldest = self.links.first().filter(|oldest| **oldest != link).copied();
        oldest.filter(|oldest| open > self.most && self.links.remove(oldest))
    }

    /// A session was let into a unit, or is over.
    pub fn is_none(&mut self, link: LinkId) {
        self.links.remove(&link);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_goes_while_there_is_room_and_then_the_oldest_that_is_a_stranger_still() {
        let mut strangers = Strangers::of(40);
        let mut came = |link, open| strangers.came(LinkId(link), open);
        assert_eq!((came(1, 1), came(2, 37), came(3, 38)), (None, None, None));
        assert_eq!(came(4, 39), Some(LinkId(1)));
        strangers.is_none(LinkId(2));
        assert_eq!(strangers.came(LinkId(5), 39), Some(LinkId(3)));
        strangers.is_none(LinkId(4));
        assert_eq!(strangers.came(LinkId(6), 39), Some(LinkId(5)));
        strangers.is_none(LinkId(6));
        assert_eq!(strangers.came(LinkId(7), 40), None, "itself alone is one");
    }

    #[test]
    fn a_relay_of_few_sessions_keeps_none_free() {
        let mut strangers = Strangers::of(1);
        assert_eq!(strangers.came(LinkId(1), 1), None);
    }
}
