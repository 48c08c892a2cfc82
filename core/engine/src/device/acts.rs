//! Membership records of one transaction: signed, tried on a copy of the membership, and written together or not at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use sotay_feed::{DeviceId, DeviceKeys, Draft, Envelope, EnvelopeId, Space, SpaceKind, Tip, Verified};
use sotay_membership::{Membership, Record, rank};
use sotay_store::{Put, Store};
use sotay_sync::AppendError;
use sotay_vault::{KeyRing, new_epoch};

use super::Device;
use super::home::{self, SEALED, ring_puts};
use crate::error::DeviceError;

/// Records about to be written, and what they will have made of the membership. A copy is one to try something on.
#[derive(Clone)]
pub(super) struct Acts {
    pub membership: Membership,
    /// The keys this device will hold.
    pub ring: KeyRing,
    roll: Space,
    envelopes: Vec<Verified<Envelope>>,
    tips: BTreeMap<DeviceId, Option<Tip>>,
    /// Sealed spaces that get a new epoch.
    rekeyed: Vec<Space>,
}

impl Acts {
    pub fn is_empty(&self) -> bool {
        self.envelopes.is_empty()
    }

    /// The sealed spaces that got a new epoch.
    pub fn rekeyed(&self) -> &[Space] {
        &self.rekeyed
    }

    /// Bytes of the records.
    pub fn bytes(&self) -> usize {
        self.envelopes.iter().map(|envelope| envelope.bytes().len()).sum()
    }
}

impl<S: Store> Device<S> {
    pub(super) fn begin_acts(&self) -> Result<Acts, DeviceError> {
        Ok(Acts {
            membership: self.membership()?.clone(),
            ring: self.ring.clone(),
            roll: self.space(SpaceKind::Roll)?,
            envelopes: Vec::new(),
            tips: BTreeMap::new(),
            rekeyed: Vec::new(),
        })
    }

    /// Who of this profile may sign: this device, then the founding authority, if the profile is the founder's and its
    /// device is a secretary's still.
    pub(super) fn signers(&self) -> Result<Vec<Arc<DeviceKeys>>, DeviceError> {
        let membership = self.membership()?;
        membership.may_be_served(self.id())?;
        let mut signers = vec![Arc::clone(&self.keys)];
        let own = membership
            .standing(self.id())
            .map_or(u8::MAX, |standing| standing.rank);
        if own <= rank::SECRETARY
            && let Some(root) = self.custody.read(self.replica.store(), home::ROOT_KEYS)?
        {
            signers.push(Arc::new(root));
        }
        Ok(signers)
    }

    /// Signs a record with what is sealed behind it and takes it into the copy.
    pub(super) fn act(
        &self,
        acts: &mut Acts,
        signer: &DeviceKeys,
        record: &Record,
        sealed: &[u8],
    ) -> Result<EnvelopeId, DeviceError> {
        let roll = acts.roll.id();
        let tip = match acts.tips.get(&signer.id()) {
            Some(tip) => *tip,
            None => self.replica.store().tip(&roll, signer.id())?,
        };
        let body = [&record.encode()[..], sealed].concat();
        let envelope = Draft::next(signer, record.kind(), &roll, tip)
            .sign(signer, &roll, &body)
            .map_err(|_| DeviceError::Internal("membership record"))?;
        acts.membership
            .insert(&envelope)
            .map_err(|_| DeviceError::Internal("membership record"))?;
        acts.tips.insert(signer.id(), Some(envelope.tip()));
        let id = envelope.id();
        acts.envelopes.push(envelope);
        Ok(id)
    }

    /// A new epoch of a space for all who may read it by then.
    pub(super) fn rekey(&mut self, acts: &mut Acts, space: &Space) -> Result<(), DeviceError> {
        let id = space.id();
        let (readers, previous) = (
            acts.membership.readers(space),
            acts.membership.epoch_previous(&id),
        );
        let (key, record) = new_epoch(&id, previous, &readers, &mut *self.rng)
            .map_err(|_| DeviceError::Internal("new epoch"))?;
        let keys = Arc::clone(&self.keys);
        self.act(acts, &keys, &Record::Epoch(record), &[])?;
        acts.ring.insert(id.tag(), key);
        acts.rekeyed.push(*space);
        Ok(())
    }

    /// New epochs for the spaces that have none left to write under, as far as this device may make them.
    pub(super) fn rekey_unclean(&mut self, acts: &mut Acts) -> Result<(), DeviceError> {
        let home = self.home()?;
        let private = Space::private(home.unit, home.member);
        let mut spaces = self.rotatable(&acts.membership)?;
        spaces.extend(
            acts.membership
                .may_read(self.id(), &private)
                .is_ok()
                .then_some(private),
        );
        for space in spaces {
            if acts.membership.writing_epoch(&space.id()).is_none() {
                self.rekey(acts, &space)?;
            }
        }
        Ok(())
    }

    /// The shared spaces of which this device may make epochs and reads them itself.
    pub(super) fn rotatable(&self, membership: &Membership) -> Result<Vec<Space>, DeviceError> {
        let unit = self.home()?.unit;
        let officer = membership.may_be_served(self.id()).is_ok()
            && membership
                .standing(self.id())
                .is_some_and(|standing| standing.rank <= rank::DEPUTY);
        let shown = self.guest_spaces(membership)?;
        let spaces = SEALED.map(|kind| Space::of(unit, kind)).into_iter().chain(shown);
        let receives = |space: &Space| {
            membership
                .readers(space)
                .iter()
                .any(|(device, _)| *device == self.id())
        };
        Ok(spaces.filter(|space| officer && receives(space)).collect())
    }

    /// Makes the records durable with `puts` and offers them. When this returns an error, nothing was written.
    pub(super) fn commit_acts(&mut self, acts: Acts, puts: Vec<Put>) -> Result<(), DeviceError> {
        self.commit_acts_with(acts, Vec::new(), puts)
    }

    /// The same, together with own envelopes of other spaces.
    pub(super) fn commit_acts_with(
        &mut self,
        acts: Acts,
        mut feeds: Vec<(Space, Vec<Verified<Envelope>>)>,
        mut puts: Vec<Put>,
    ) -> Result<(), DeviceError> {
        if acts.ring.len() > self.ring.len() {
            puts.extend(ring_puts(&self.ring, &acts.ring)?);
        }
        feeds.push((acts.roll, acts.envelopes));
        feeds.retain(|(_, envelopes)| !envelopes.is_empty());
        let spaces: Vec<Space> = feeds.iter().map(|(space, _)| *space).collect();
        self.append_all(feeds, puts)?;
        self.ring = acts.ring;
        // They are written; what a failing disk keeps from following is done when the profile is next opened or synced.
        let announced = |device: &mut Self| spaces.iter().try_for_each(|space| device.announce_local(space));
        let followed = self.absorb().and_then(|()| announced(self));
        if let Err(error) = followed {
            tracing::warn!(%error, "membership changed, but not everything is applied yet");
        }
        Ok(())
    }

    /// Appends own envelopes of several spaces with `puts`, in one transaction.
    pub(super) fn append_all(
        &mut self,
        feeds: Vec<(Space, Vec<Verified<Envelope>>)>,
        puts: Vec<Put>,
    ) -> Result<(), DeviceError> {
        match self.replica.append_all(feeds, puts) {
            Ok(_) => Ok(()),
            Err(AppendError::Store(error)) => Err(error.into()),
            Err(_) => Err(DeviceError::Internal("append")),
        }
    }

    /// Appends own envelopes to the replica with `puts`, in one transaction.
    pub(super) fn append(
        &mut self,
        space: &Space,
        envelopes: Vec<Verified<Envelope>>,
        puts: Vec<Put>,
    ) -> Result<(), DeviceError> {
        match self.replica.append(space, envelopes, puts) {
            Ok(_) => Ok(()),
            Err(AppendError::Store(error)) => Err(error.into()),
            Err(_) => Err(DeviceError::Internal("append")),
        }
    }
}
