//! What a shard does about the other relays that share its database: hears what they wrote, and keeps out of their way.

use sotay_store::{Bucket, Store, StoreError};
use sotay_sync::message::Message;

use crate::permissions::Permissions;
use crate::shard::{Shard, WHEREVER};

impl<S: Store> Shard<S> {
    /// Takes note of what other relays wrote. Nothing is staged when this is called.
    pub(super) fn hear(&mut self) {
        if !self.replica.store().is_shared() {
            return;
        }
        if let Err(error) = self.take_note() {
            self.note_store(&error);
        }
    }

    fn take_note(&mut self) -> Result<(), StoreError> {
        let (grown, news) = self.replica.note_news()?;
        for (space, after) in grown {
            self.gained(space, after, None);
        }
        if news.anything {
            // Whatever they gained: each session is given what it lacks.
            for space in self.subscribed() {
                self.gained(space, WHEREVER, None);
            }
        }
        if news.anything || news.records.contains(&Bucket::Relay) {
            let store = self.replica.store();
            let served = self.books.permissions.served.clone();
            self.books.permissions = Permissions::load(store, served)?;
            self.books.contacts.take_in(store)?;
            self.replica.set_policy(self.books.permissions.policy());
            self.turn_away();
        }
        Ok(())
    }

    /// Before a frame of envelopes is judged: keeps other relays from writing its space, if they do so at all. While one
    /// of them is at it, what this round has brought so far is committed first, for nobody may wait while holding.
    pub(super) fn hold(&mut self, frame: &[u8], now: i64) {
        if !self.replica.store().is_shared() {
            return;
        }
        let Ok(Message::Items(items)) = Message::decode(frame) else {
            return;
        };
        let Some(space) = self.replica.by_tag(&items.tag).map(|space| space.id()) else {
            return;
        };
        let held = match self.replica.store_mut().hold(&space, false) {
            Ok(false) => {
                self.commit();
                self.settle(now);
                self.replica.store_mut().hold(&space, true)
            }
            held => held,
        };
        if let Err(error) = held {
            // The frame's own session meets the same error, and tells its phone to come back.
            self.note_store(&error);
        }
    }
}
