//! Words of relays within a session: what this relay signs, and what two phones show each other (P9.13 to P9.15).

use sotay_feed::{Space, SpaceTag};
use sotay_store::{Batch, Store, StoreError};
use tracing::debug;

use super::SessionEvent;
use super::link::Link;
use crate::checkpoint::{Checkpoint, Source, kept_of, note};
use crate::fault::PeerFault;
use crate::limits::SEEN_PER_SPACE_MAX;
use crate::message::{Message, Seen};
use crate::replica::Replica;

/// Shows another phone what this one has from relays, of one space.
pub(super) fn tell<S: Store>(link: &mut Link, store: &S, tag: SpaceTag) -> Result<(), StoreError> {
    for checkpoint in kept_of(store, tag)? {
        link.send(&Message::Seen(Seen { tag, checkpoint }));
    }
    Ok(())
}

/// Counts what another phone shows, of one space: relays show nothing, and a phone keeps no more than some.
pub(super) fn count(link: &Link, shown: &mut usize) -> Result<(), PeerFault> {
    if !link.of_phones() {
        return Err(PeerFault::WrongEnd);
    }
    *shown += 1;
    if *shown > SEEN_PER_SPACE_MAX {
        return Err(PeerFault::TooManyProofs);
    }
    Ok(())
}

/// Takes a word of a relay in. One that is not signed is nobody's word, and passed over.
pub(super) fn take<S: Store>(
    link: &mut Link,
    replica: &mut Replica<S>,
    space: Space,
    checkpoint: Checkpoint,
    from: Source,
) -> Result<(), StoreError> {
    let (id, relay) = (space.id(), checkpoint.relay);
    if !checkpoint.is_signed(&id) {
        debug!(space = ?id, ?from, "a checkpoint that its relay did not sign");
        return Ok(());
    }
    let noted = note(replica.store(), id.tag(), checkpoint, from)?;
    if !noted.puts.is_empty() {
        replica.store_mut().commit(Batch {
            envelopes: Vec::new(),
            puts: noted.puts,
            ..Batch::default()
        })?;
    }
    if noted.proof {
        link.event(SessionEvent::TwoHistories { space, relay });
    }
    Ok(())
}
