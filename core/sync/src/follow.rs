//! A database that is copied arrival by arrival, with what was dropped in it: backups, and the way from one store to
//! another (decision 0188).

use sotay_feed::{Envelope, Kind, Space, SpaceKind};
use sotay_membership::Membership;
use sotay_store::{Arrival, Batch, Copied, Store, StoreError};

use crate::replica::Replica;

/// Why arrivals of another database were not taken. Nothing of them was written, but perhaps what they erase.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An envelope that no device on record signed, or a record that is none.
    #[error("an envelope does not verify")]
    Unverified,
    /// They do not continue what is here.
    #[error("the arrivals are those of another history")]
    Apart,
}

impl<S: Store> Replica<S> {
    /// Appends arrivals of a space as another database has them: in its order, with its holes, each envelope verified. A roll
    /// has to be followed before the other spaces of its unit.
    pub fn follow(
        &mut self,
        space: &Space,
        rows: Vec<(Arrival, Option<Envelope>)>,
    ) -> Result<(), FollowError> {
        let id = space.id();
        self.know_space(*space)?;
        self.load_unit(space.unit)?;
        let roll = space.kind == SpaceKind::Roll;
        let mut membership = roll.then(|| {
            let known = self.units.get(&space.unit).cloned();
            known.unwrap_or_else(|| Membership::new(space.unit))
        });
        let mut copied = Vec::with_capacity(rows.len());
        for (arrival, envelope) in rows {
            let Some(envelope) = envelope else {
                copied.push(Copied {
                    arrival,
                    envelope: None,
                });
                continue;
            };
            let header = envelope.header();
            let known = membership.as_ref().or_else(|| self.units.get(&space.unit));
            let key = match header.kind == Kind::GENESIS && roll {
                true => Membership::founding_key(&envelope, &id).ok().map(|(_, key)| key),
                false => known.and_then(|membership| membership.signing_key(header.device)),
            };
            let verified = key.and_then(|key| envelope.verify(&id, &key).ok());
            let verified = verified.ok_or(FollowError::Unverified)?;
            if let Some(membership) = &mut membership {
                membership
                    .insert(&verified)
                    .map_err(|_| FollowError::Unverified)?;
            }
            copied.push(Copied {
                arrival,
                envelope: Some(verified),
            });
        }
        let envelopes = || copied.iter().filter_map(|row| row.envelope.as_ref());
        let mut puts = Vec::new();
        for envelope in envelopes() {
            puts.extend(self.erased_by(space, envelope, envelopes())?);
        }
        // First: what is to be erased is never whole here, whatever happens in between.
        if !puts.is_empty() {
            self.store.commit(Batch {
                puts,
                ..Batch::default()
            })?;
        }
        if !self.store.follow(&id, &copied)? {
            return Err(FollowError::Apart);
        }
        self.units
            .extend(membership.map(|membership| (space.unit, membership)));
        Ok(())
    }
}
