//! An exchange that goes on with what follows from it.

use std::collections::BTreeSet;

use sotay_feed::limits::SPACES_PER_SESSION_MAX;
use sotay_feed::{InOrder, Space, SpaceKind, SpaceTag};
use sotay_store::Store;

use super::super::SessionError;
use super::super::link::Link;
use super::Connector;
use crate::replica::Replica;

impl Connector {
    /// Whoever drives the session ends it.
    pub(in super::super) fn hold(&mut self) {
        self.held = true;
    }

    /// As many as there is room for: the next session opens the rest.
    pub(in super::super) fn open_more<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        spaces: &[Space],
    ) -> Result<(), SessionError> {
        let mut seen: BTreeSet<SpaceTag> = self.spaces.keys().copied().collect();
        let mut new: Vec<Space> = spaces.to_vec();
        new.retain(|space| seen.insert(space.id().tag()));
        new.in_order_by_key(|space: &Space| space.kind != SpaceKind::Roll);
        new.truncate(SPACES_PER_SESSION_MAX - self.order.len());
        if new.is_empty() {
            return Ok(());
        }
        replica.know_spaces(&new)?;
        self.more = true;
        self.open_all(link, replica, new)?;
        self.settle(link, replica)
    }

    /// Whether both ends have all that they are going to have of what is open.
    pub(in super::super) fn is_settled(&self, link: &Link) -> bool {
        self.spaces.values().all(|opened| opened.settled(link))
    }
}
