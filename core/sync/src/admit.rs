//! The one way in for envelopes: chain, signature, right, record, quota, then one transaction (P9.10).

use std::collections::{BTreeMap, BTreeSet};

use sotay_feed::limits::FEEDS_PER_SPACE_MAX;
use sotay_feed::{
    ChainFault, DeviceId, Envelope, EnvelopeId, EraseRecord, Kind, Space, SpaceId, SpaceKind, Tip, UnitId,
    Verified, check_next,
};
use sotay_membership::{Denied, Membership, RecordError, rank};
use sotay_store::{Arrival, Batch, Outcome, Put, Store, StoreError, rules};

use crate::cover::{Holes, is_named};
use crate::fault::{DenyReason, RefuseReason};
use crate::limits::QUARANTINE_RECORDS_MAX;
use crate::message::Role;
use crate::quarantine::{Quarantined, RefusedBy, key as quarantine_key};
use crate::replica::{Gate, Offered, Replica, space_put};

/// What became of one offered envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// Durable; its place in the arrival order.
    Stored(Arrival),
    /// The same bytes were there already.
    Duplicate,
    /// Not stored.
    Refused(RefuseReason),
}

/// Who offers, when it is not ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// The device at the other end, as its carrier proved.
    pub from: DeviceId,
    /// Milliseconds since 1970, for quotas.
    pub now: i64,
}

/// Why own envelopes were not appended. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The feed moved since the draft was made, or the same was appended before: draft again.
    #[error(transparent)]
    Chain(#[from] ChainFault),
    /// Signed for another space than the one given. Our own mistake.
    #[error("the envelope was signed for another space")]
    Space,
    /// A roll envelope that is not a membership record. Our own mistake.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl<S: Store> Replica<S> {
    /// Verifies, authorises and stores envelopes of one space, and writes `puts`, in one transaction. One answer per
    /// envelope, in order; a bad one does not hold up another device's feed.
    pub fn admit(
        &mut self,
        space: &Space,
        envelopes: Vec<Envelope>,
        puts: Vec<Put>,
    ) -> Result<Vec<Admitted>, StoreError> {
        self.admit_from(space, envelopes, None, |_| puts)
    }

    /// The same for what another device offers. `puts` sees what will become of each envelope, to write it down in the
    /// same transaction.
    pub fn admit_from(
        &mut self,
        space: &Space,
        envelopes: Vec<Envelope>,
        offer: Option<Offer>,
        puts: impl FnOnce(&[Admitted]) -> Vec<Put>,
    ) -> Result<Vec<Admitted>, StoreError> {
        let founds = !self.load_unit(space.unit)? && self.founds_served(space, &envelopes)?;
        let mut gate = self.gate.take();
        let staged = Staging::new(self, (space, founds), offer, gate.as_deref_mut())
            .and_then(|staging| staging.run(envelopes));
        self.gate = gate;
        let staged = staged?;
        let mut puts = puts(&staged.answers);
        let marks = self.marks(space, &staged);
        puts.extend(marks.iter().map(|(key, record)| match record {
            Some(record) => record.put(),
            None => Put {
                bucket: sotay_store::Bucket::Quarantine,
                key: key.to_vec(),
                value: None,
            },
        }));
        for envelope in staged.stored() {
            puts.extend(self.erased_by(space, envelope, staged.stored())?);
        }
        if staged.stores && !self.knows(space) {
            puts.push(space_put(space));
        }
        if staged.batch.is_empty() && puts.is_empty() {
            return Ok(staged.answers);
        }
        let committed = self.store.commit(Batch {
            envelopes: staged.batch,
            puts,
            leaps: staged.leaps,
        })?;
        for (key, record) in marks {
            match record {
                Some(record) => self.quarantine.insert(key, record.reason),
                None => self.quarantine.remove(&key),
            };
        }
        if staged.stores {
            self.spaces.insert(space.id().tag(), *space);
        }
        if let Some(membership) = staged.membership {
            self.units.insert(space.unit, membership);
        }
        let mut answers = staged.answers;
        for (&(at, device), outcome) in staged.places.iter().zip(&committed.outcomes) {
            answers[at] = match *outcome {
                Outcome::Stored(arrival) => Admitted::Stored(arrival),
                Outcome::Duplicate => Admitted::Duplicate,
                Outcome::Gap { expected } => Admitted::Refused(RefuseReason::Gap { expected }),
                Outcome::Fork { seq } => {
                    if let Some(membership) = self.units.get_mut(&space.unit) {
                        membership.note_fork(space.id().tag(), device, seq);
                    }
                    Admitted::Refused(RefuseReason::Fork { seq })
                }
            };
        }
        Ok(answers)
    }

    /// Appends own, already signed envelopes and writes `puts`, all or nothing, in one transaction.
    pub fn append(
        &mut self,
        space: &Space,
        envelopes: Vec<Verified<Envelope>>,
        puts: Vec<Put>,
    ) -> Result<Vec<Arrival>, AppendError> {
        if envelopes.is_empty() {
            self.store.commit(Batch {
                envelopes,
                puts,
                ..Batch::default()
            })?;
            return Ok(Vec::new());
        }
        self.append_all(vec![(*space, envelopes)], puts)
    }

    /// The same for several spaces, each named once. A space without envelopes is known from then on.
    pub fn append_all(
        &mut self,
        feeds: Vec<(Space, Vec<Verified<Envelope>>)>,
        mut puts: Vec<Put>,
    ) -> Result<Vec<Arrival>, AppendError> {
        let mut memberships: BTreeMap<UnitId, Membership> = BTreeMap::new();
        let (mut spaces, mut all) = (Vec::new(), Vec::new());
        for (space, envelopes) in feeds {
            let id = space.id();
            self.load_unit(space.unit)?;
            let mut tips: BTreeMap<DeviceId, Option<Tip>> = BTreeMap::new();
            let mut membership = (space.kind == SpaceKind::Roll && !envelopes.is_empty()).then(|| {
                self.units
                    .get(&space.unit)
                    .cloned()
                    .unwrap_or_else(|| Membership::new(space.unit))
            });
            for envelope in &envelopes {
                if *envelope.space() != id {
                    return Err(AppendError::Space);
                }
                let device = envelope.header().device;
                let tip = match tips.get(&device) {
                    Some(tip) => *tip,
                    None => self.store.tip(&id, device)?,
                };
                check_next(tip, envelope.header())?;
                tips.insert(device, Some(envelope.tip()));
                if let Some(membership) = &mut membership {
                    membership.insert(envelope)?;
                }
            }
            for envelope in &envelopes {
                puts.extend(self.erased_by(&space, envelope, envelopes.iter())?);
            }
            memberships.extend(membership.map(|membership| (space.unit, membership)));
            if !self.knows(&space) {
                puts.push(space_put(&space));
            }
            spaces.push(space);
            all.extend(envelopes);
        }
        let committed = self.store.commit(Batch {
            envelopes: all,
            puts,
            ..Batch::default()
        })?;
        self.spaces
            .extend(spaces.into_iter().map(|space| (space.id().tag(), space)));
        self.units.extend(memberships);
        let arrivals = committed.outcomes.into_iter().map(|outcome| match outcome {
            Outcome::Stored(arrival) => Ok(arrival),
            // Checked above against the same store, which this thread alone writes.
            Outcome::Duplicate | Outcome::Gap { .. } | Outcome::Fork { .. } => Err(AppendError::Store(
                StoreError::Corrupt("the store took no envelope that continues its feed".into()),
            )),
        });
        arrivals.collect()
    }

    /// What an erasure that is about to be stored makes the store forget (P2.7): whatever its author may erase, as an
    /// officer at that place, or as the device that wrote it. `batch` is stored together with it.
    pub(crate) fn erased_by<'e>(
        &self,
        space: &Space,
        envelope: &Envelope,
        batch: impl Iterator<Item = &'e Verified<Envelope>> + Clone,
    ) -> Result<Vec<Put>, StoreError> {
        let header = envelope.header();
        if header.kind != Kind::ERASE {
            return Ok(Vec::new());
        }
        let Ok(record) = EraseRecord::decode(envelope.body()) else {
            return Ok(Vec::new());
        };
        let officer = self.units.get(&space.unit).is_some_and(|membership| {
            let held = membership.held_at(header.device, space, header.seq, envelope.id());
            held.iter().any(|held| held.rank <= rank::DEPUTY)
        });
        let mut puts = Vec::new();
        for id in record.ids() {
            let own = || -> Result<bool, StoreError> {
                let here = batch.clone().find(|envelope| envelope.id() == *id);
                let author = match here {
                    Some(envelope) => Some(envelope.header().device),
                    None => self.store.envelope(*id)?.map(|stored| stored.device),
                };
                Ok(author == Some(header.device))
            };
            if officer || own()? {
                puts.push(Put::erase(*id));
            }
        }
        Ok(puts)
    }

    /// Quarantine records to write and to delete.
    fn marks(&self, space: &Space, staged: &Staged) -> BTreeMap<[u8; 33], Option<Quarantined>> {
        let mut marks = BTreeMap::new();
        if self.role != Role::Device {
            return marks;
        }
        let tag = space.id().tag();
        let mut room = QUARANTINE_RECORDS_MAX.saturating_sub(self.quarantine.len());
        for (answer, place) in staged.answers.iter().zip(&staged.offered) {
            let key = quarantine_key(RefusedBy::Us, tag, place.device, place.seq);
            let known = self.quarantine.contains_key(&key);
            match *answer {
                Admitted::Refused(reason) if !reason.is_passing() && (known || room > 0) => {
                    room -= usize::from(!known && !marks.contains_key(&key));
                    let record = Quarantined {
                        by: RefusedBy::Us,
                        tag,
                        device: place.device,
                        seq: place.seq,
                        id: place.id,
                        reason,
                    };
                    marks.insert(key, Some(record));
                }
                Admitted::Stored(_) if known => {
                    marks.insert(key, None);
                }
                _ => {}
            }
        }
        marks
    }
}

/// Where an offered envelope claims to stand.
#[derive(Debug, Clone, Copy)]
struct Place {
    device: DeviceId,
    seq: u64,
    id: EnvelopeId,
}

/// What a commit would do.
struct Staged {
    answers: Vec<Admitted>,
    offered: Vec<Place>,
    /// To be stored, and proofs of forks, which the store keeps.
    batch: Vec<Verified<Envelope>>,
    /// For each of `batch`: its index in `answers`, and its author.
    places: Vec<(usize, DeviceId)>,
    /// Those of `batch` that follow a gap which a cover allows.
    leaps: BTreeSet<EnvelopeId>,
    /// Whether `batch` holds anything that will be stored.
    stores: bool,
    /// The unit's membership after the batch, if it is a roll's.
    membership: Option<Membership>,
}

impl Staged {
    /// The envelopes that will be stored.
    fn stored(&self) -> impl Iterator<Item = &Verified<Envelope>> + Clone {
        let all = self.batch.iter().zip(&self.places);
        all.filter(move |(_, (at, _))| matches!(self.answers[*at], Admitted::Stored(_)))
            .map(|(envelope, _)| envelope)
    }
}

/// Judges a batch against the store and what the batch itself has brought so far.
struct Staging<'r, S> {
    replica: &'r Replica<S>,
    gate: Option<&'r mut (dyn Gate + 'static)>,
    space: &'r Space,
    /// A unit that begins with this batch is one to be served.
    founds: bool,
    id: SpaceId,
    offer: Option<Offer>,
    membership: Option<Membership>,
    /// What may be missing of the feeds of this space.
    covered: Holes,
    tips: BTreeMap<DeviceId, Option<Tip>>,
    /// Ids of what this batch appends.
    new: BTreeMap<(DeviceId, u64), EnvelopeId>,
    head: Arrival,
    feeds: Option<usize>,
    /// Bytes of the space, once the gate wanted to know.
    held_bytes: Option<u64>,
}

enum Verdict {
    Store(Verified<Envelope>),
    /// The same, though numbers before it are missing.
    Leap(Verified<Envelope>),
    /// Verified, and proof that its author's history forked.
    Proof(Verified<Envelope>, RefuseReason),
    Duplicate,
    Refuse(RefuseReason),
}

impl<'r, S: Store> Staging<'r, S> {
    fn new(
        replica: &'r Replica<S>,
        (space, founds): (&'r Space, bool),
        offer: Option<Offer>,
        gate: Option<&'r mut (dyn Gate + 'static)>,
    ) -> Result<Self, StoreError> {
        let id = space.id();
        let membership = (space.kind == SpaceKind::Roll).then(|| {
            replica
                .units
                .get(&space.unit)
                .cloned()
                .unwrap_or_else(|| Membership::new(space.unit))
        });
        Ok(Self {
            replica,
            gate,
            space,
            founds,
            id,
            offer,
            membership,
            covered: replica.holes.of(replica.units.get(&space.unit), space),
            tips: BTreeMap::new(),
            new: BTreeMap::new(),
            head: replica.store.head(&id)?,
            feeds: None,
            held_bytes: None,
        })
    }

    /// In a roll one record may make the next acceptable, in whatever order they come: refused ones are tried again as
    /// long as something was stored. Elsewhere one pass is enough.
    fn run(mut self, envelopes: Vec<Envelope>) -> Result<Staged, StoreError> {
        let mut staged = Staged {
            answers: vec![Admitted::Duplicate; envelopes.len()],
            offered: envelopes
                .iter()
                .map(|envelope| Place {
                    device: envelope.header().device,
                    seq: envelope.header().seq,
                    id: envelope.id(),
                })
                .collect(),
            batch: Vec::new(),
            places: Vec::new(),
            leaps: BTreeSet::new(),
            stores: false,
            membership: None,
        };
        let mut pending: Vec<(usize, Envelope)> = envelopes.into_iter().enumerate().collect();
        loop {
            let mut again = Vec::new();
            let before = staged.batch.len();
            for (at, envelope) in pending {
                let device = envelope.header().device;
                let retry = self.membership.is_some().then(|| envelope.clone());
                let verdict = self.judge(envelope)?;
                if let Verdict::Leap(envelope) = &verdict {
                    staged.leaps.insert(envelope.id());
                }
                staged.answers[at] = match verdict {
                    Verdict::Store(envelope) | Verdict::Leap(envelope) => {
                        let arrival = self.head;
                        staged.stores = true;
                        staged.batch.push(envelope);
                        staged.places.push((at, device));
                        Admitted::Stored(arrival)
                    }
                    Verdict::Proof(envelope, reason) => {
                        staged.batch.push(envelope);
                        staged.places.push((at, device));
                        Admitted::Refused(reason)
                    }
                    Verdict::Duplicate => Admitted::Duplicate,
                    Verdict::Refuse(reason) => {
                        let open = matches!(reason, RefuseReason::Gap { .. } | RefuseReason::Denied(_));
                        again.extend(retry.filter(|_| open).map(|envelope| (at, envelope)));
                        Admitted::Refused(reason)
                    }
                };
            }
            if again.is_empty() || staged.batch.len() == before {
                break;
            }
            pending = again;
        }
        staged.membership = self.membership.filter(|_| staged.stores);
        Ok(staged)
    }

    fn judge(&mut self, envelope: Envelope) -> Result<Verdict, StoreError> {
        let header = envelope.header();
        let (device, seq) = (header.device, header.seq);
        if header.space != self.id.tag() {
            return Ok(Verdict::Refuse(RefuseReason::Space));
        }
        let tip = match self.tips.get(&device) {
            Some(tip) => *tip,
            None => self.replica.store.tip(&self.id, device)?,
        };
        self.tips.insert(device, tip);
        let chain = check_next(tip, header);
        let leaps = matches!(chain, Err(ChainFault::Gap { .. })) && self.covered.may_follow(device, tip, seq);
        let fork = match chain {
            Ok(()) => None,
            Err(ChainFault::Gap { .. }) if leaps => None,
            Err(ChainFault::Gap { expected }) => {
                return Ok(Verdict::Refuse(RefuseReason::Gap { expected }));
            }
            Err(fault) => match rules::judge(&envelope, fault, |seq| self.id_at(device, seq))? {
                // Known bytes need no second look at their signature.
                Outcome::Duplicate => return Ok(Verdict::Duplicate),
                Outcome::Fork { seq } => Some(seq),
                Outcome::Gap { expected } => {
                    return Ok(Verdict::Refuse(RefuseReason::Gap { expected }));
                }
                Outcome::Stored(_) => return Ok(Verdict::Duplicate),
            },
        };
        let verified = match self.verify(envelope) {
            Ok(verified) => verified,
            Err(reason) => return Ok(Verdict::Refuse(reason)),
        };
        if let Some(seq) = fork {
            return Ok(Verdict::Proof(verified, RefuseReason::Fork { seq }));
        }
        if let Err(reason) = self.authorise(&verified) {
            return Ok(Verdict::Refuse(reason));
        }
        let held = |seq| self.id_at(device, seq);
        if !self.covered.fits(&verified, leaps, held)? {
            return Ok(Verdict::Refuse(RefuseReason::Cover { seq }));
        }
        if tip.is_none() && self.feeds()? >= FEEDS_PER_SPACE_MAX {
            return Ok(Verdict::Refuse(RefuseReason::TooManyFeeds));
        }
        if let Err(retry_after) = self.ask_gate(&verified)? {
            return Ok(Verdict::Refuse(RefuseReason::Quota { retry_after }));
        }
        if let Some(membership) = &mut self.membership
            && membership.insert(&verified).is_err()
        {
            return Ok(Verdict::Refuse(RefuseReason::Record));
        }
        if tip.is_none() {
            self.feeds = self.feeds.map(|feeds| feeds + 1);
        }
        self.held_bytes = self.held_bytes.map(|held| held + verified.bytes().len() as u64);
        self.tips.insert(device, Some(verified.tip()));
        self.new.insert((device, seq), verified.id());
        self.head = self.head.next(verified.id());
        Ok(match leaps {
            true => Verdict::Leap(verified),
            false => Verdict::Store(verified),
        })
    }

    /// What is held at a number, or will be; `None` in a hole.
    fn id_at(&self, device: DeviceId, seq: u64) -> Result<Option<EnvelopeId>, StoreError> {
        if let Some(id) = self.new.get(&(device, seq)) {
            return Ok(Some(*id));
        }
        let stored = self.replica.store.at(&self.id, device, seq)?;
        Ok(stored.map(|stored| stored.id))
    }

    fn known(&self) -> Option<&Membership> {
        let membership = self
            .membership
            .as_ref()
            .or_else(|| self.replica.units.get(&self.space.unit));
        membership.filter(|membership| membership.genesis().is_some())
    }

    fn verify(&self, envelope: Envelope) -> Result<Verified<Envelope>, RefuseReason> {
        let header = envelope.header();
        let key = if header.kind == Kind::GENESIS && self.space.kind == SpaceKind::Roll {
            if !self.founds && self.known().is_none() {
                return Err(RefuseReason::Denied(DenyReason::NotServed));
            }
            Membership::founding_key(&envelope, &self.id)
                .map_err(|_| RefuseReason::Record)?
                .1
        } else {
            let membership = self
                .known()
                .ok_or(RefuseReason::Denied(DenyReason::UnknownUnit))?;
            membership
                .signing_key(header.device)
                .ok_or(RefuseReason::Denied(DenyReason::UnknownDevice))?
        };
        Ok(envelope.verify(&self.id, &key)?)
    }

    /// A device stores whatever a granted device signed: what counts follows from the whole set of records, which may
    /// still be incomplete. A relay stores what its author may write, and changes that another device in good standing
    /// carries although their author was revoked: a later change may build on them, which only readers can see.
    fn authorise(&self, envelope: &Envelope) -> Result<(), RefuseReason> {
        let kind = envelope.header().kind;
        if kind.is_membership() != (self.space.kind == SpaceKind::Roll) {
            return Err(RefuseReason::Denied(DenyReason::WrongKind));
        }
        if self.replica.role == Role::Device || kind == Kind::GENESIS {
            return Ok(());
        }
        let membership = self
            .known()
            .ok_or(RefuseReason::Denied(DenyReason::UnknownUnit))?;
        match membership.may_admit(envelope, self.space) {
            Ok(()) => Ok(()),
            Err(Denied::BeyondCutOff) if kind == Kind::CHANGE && self.vouched(membership, envelope) => Ok(()),
            Err(Denied::BeyondCutOff) if is_named(membership, &self.id, envelope) => Ok(()),
            Err(denied) => Err(RefuseReason::Denied(denied.into())),
        }
    }

    fn vouched(&self, membership: &Membership, envelope: &Envelope) -> bool {
        self.offer.is_some_and(|offer| {
            offer.from != envelope.header().device && membership.may_read(offer.from, self.space).is_ok()
        })
    }

    fn feeds(&mut self) -> Result<usize, StoreError> {
        let feeds = match self.feeds {
            Some(feeds) => feeds,
            None => self.replica.store.frontier(&self.id)?.len(),
        };
        self.feeds = Some(feeds);
        Ok(feeds)
    }

    fn ask_gate(&mut self, envelope: &Envelope) -> Result<Result<(), u32>, StoreError> {
        let (Some(gate), Some(Offer { from, now })) = (&mut self.gate, self.offer) else {
            return Ok(Ok(()));
        };
        let held_bytes = match self.held_bytes {
            Some(held) => held,
            None => self.replica.store.space_bytes(&self.id)?,
        };
        self.held_bytes = Some(held_bytes);
        Ok(gate.allow(&Offered {
            space: self.space,
            envelope,
            from,
            held_bytes,
            now,
        }))
    }
}
