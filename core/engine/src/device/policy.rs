//! What a unit has decided about its keys and its doors (P5.20): keys of `main` held by the level above, and admission from
//! afar on the word of two officers. Both are off until an officer of rank 2 says otherwise, and every member sees them.

use sotay_feed::limits::SEQ_MAX;
use sotay_feed::{Draft, EnvelopeId, MemberId, Space, SpaceKind, Tip, UnitId};
use sotay_membership::{
    Denied, Flags, Grant, PolicyRecord, Reason, Record, Revoke, State, UnitPolicy, Validity, rank,
};
use sotay_store::Store;
use sotay_sync::bundle;
use sotay_vault::seal_key_ring;

use super::Device;
use super::enrol::{AdmitError, AdmitRequest};
use super::home::SEALED;
use super::removal::{KeyChange, RemovalError};
use crate::endorsement::{Endorsed, Endorsement};
use crate::enrolment::{Invitation, JoinRequest};
use crate::error::DeviceError;

/// Why a phone was not endorsed or not admitted from afar. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The unit has not opened this door.
    #[error("this unit admits nobody from afar")]
    Closed,
    /// The text that says who else agreed cannot be used.
    #[error(transparent)]
    Text(#[from] crate::enrolment::EnrolTextError),
    /// It was signed for another unit, or by a device that is no officer's here.
    #[error("no officer of this unit has signed this")]
    NotEndorsed,
    /// The same person would agree twice.
    #[error("two different officers have to agree")]
    SamePerson,
    /// Anything that can happen to every admission.
    #[error(transparent)]
    Admit(#[from] AdmitError),
}

impl From<DeviceError> for RemoteError {
    fn from(error: DeviceError) -> Self {
        Self::Admit(error.into())
    }
}

/// Why the level above did not put a new secretary's phone in place. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum SecretaryError {
    /// The branch is not one below this unit, or its records have not come yet.
    #[error("this branch is not here")]
    NoBranch,
    /// Anything that can happen to every admission.
    #[error(transparent)]
    Admit(#[from] AdmitError),
}

impl From<DeviceError> for SecretaryError {
    fn from(error: DeviceError) -> Self {
        Self::Admit(error.into())
    }
}

impl<S: Store> Device<S> {
    /// What this unit has decided.
    pub fn unit_policy(&self) -> Result<UnitPolicy, DeviceError> {
        Ok(self.membership()?.policy().1)
    }

    /// Decides anew. When the level above no longer is to hold keys, `main` gets a new one in the same transaction; what it
    /// holds of the time before it can read.
    pub fn set_unit_policy(&mut self, policy: UnitPolicy) -> Result<KeyChange, RemovalError> {
        let (serial, before) = self.membership()?.policy();
        let mut acts = self.begin_acts()?;
        if before != policy {
            let record = Record::Policy(PolicyRecord {
                serial: serial + 1,
                policy,
            });
            self.act_by_any(&mut acts, &[record], |acts| acts.membership.policy().1 == policy)?;
        }
        self.finish(acts, Vec::new())
    }

    /// The word of one officer that a phone may be admitted from afar. Another officer's phone admits it.
    pub fn endorse(&mut self, ask: &AdmitRequest) -> Result<String, RemoteError> {
        if !self.unit_policy()?.remote {
            return Err(RemoteError::Closed);
        }
        let request = JoinRequest::from_text(&ask.request)?;
        let acting = self.acting(0)?;
        if acting.rank >= ask.rank || acting.rank > rank::DEPUTY {
            return Err(DeviceError::from(Denied::Rank).into());
        }
        if !(rank::SECRETARY..=rank::MEMBER).contains(&ask.rank) {
            return Err(AdmitError::Rank(ask.rank).into());
        }
        if !self.has_member(ask.member)? {
            return Err(DeviceError::NoMember.into());
        }
        let endorsed = Endorsed {
            unit: self.home()?.unit,
            member: ask.member,
            rank: ask.rank,
            flags: Flags {
                committee: ask.committee,
                probationary: ask.probationary,
            },
            request: request.to_text(),
        };
        Ok(Endorsement::sign(endorsed, &self.keys).to_text())
    }

    /// Admits a phone that another officer has endorsed. The key ring leaves this phone only now.
    pub fn admit_endorsed(
        &mut self,
        text: &str,
        relays: Vec<String>,
        now: i64,
    ) -> Result<Invitation, RemoteError> {
        if !self.unit_policy()?.remote {
            return Err(RemoteError::Closed);
        }
        let endorsement = Endorsement::from_text(text)?;
        let endorsed = &endorsement.endorsed;
        let membership = self.membership()?;
        let by = endorsement.by;
        let officer = membership.standing(by).filter(|standing| {
            standing.state == State::Active && standing.rank <= rank::DEPUTY && standing.rank < endorsed.rank
        });
        let key = membership.signing_key(by);
        let holds = key.is_some_and(|key| endorsement.holds(&key)) && endorsed.unit == self.home()?.unit;
        let officer = officer.filter(|_| holds).ok_or(RemoteError::NotEndorsed)?;
        if officer.member == self.member() || officer.member.is_none() {
            return Err(RemoteError::SamePerson);
        }
        let ask = AdmitRequest {
            request: endorsed.request.clone(),
            member: endorsed.member,
            rank: endorsed.rank,
            committee: endorsed.flags.committee,
            probationary: endorsed.flags.probationary,
            relays,
        };
        Ok(self.admit(&ask, now)?)
    }

    /// On a phone of the level above: puts a new phone in the place of the secretary's phones of a branch, e.g. when all of
    /// them were lost. It gets the keys that the branch has entrusted to the level above; without that decision it begins
    /// with new ones, and what was before stays closed until another phone of the branch hands it over.
    pub fn replace_secretary(
        &mut self,
        branch: UnitId,
        request: &str,
        relays: Vec<String>,
        now: i64,
    ) -> Result<Invitation, SecretaryError> {
        let request = JoinRequest::from_text(request).map_err(AdmitError::from)?;
        request.fresh(now).map_err(AdmitError::from)?;
        if !self.followed.units.contains_key(&branch) {
            return Err(SecretaryError::NoBranch);
        }
        let membership = self.replica.membership(branch).ok_or(SecretaryError::NoBranch)?;
        let above = membership
            .standing(self.id())
            .filter(|standing| standing.state == State::Active && standing.rank <= rank::PARENT);
        above.ok_or(DeviceError::from(Denied::Rank))?;
        let old: Vec<(EnvelopeId, Grant)> = membership
            .grants()
            .filter(|(_, _, grant, validity)| grant.rank == rank::SECRETARY && *validity == Validity::Valid)
            .map(|(id, _, grant, _)| (id, grant.clone()))
            .collect();
        let member = old
            .first()
            .map(|(_, grant)| grant.member)
            .ok_or(SecretaryError::NoBranch)?;
        let mut records = Vec::new();
        for (grant, old) in &old {
            records.push((self.end_of(branch, *grant, old)?, Vec::new()));
        }
        let (grant, sealed) = self.new_secretary(branch, member, &request, now)?;
        records.push((Record::Grant(grant), sealed));
        let roll = Space::of(branch, SpaceKind::Roll);
        let id = roll.id();
        let mut tip = self
            .replica
            .store()
            .tip(&id, self.id())
            .map_err(DeviceError::from)?;
        let mut envelopes = Vec::new();
        for (record, sealed) in &records {
            let body = [&record.encode()[..], sealed].concat();
            let envelope = Draft::next(&self.keys, record.kind(), &id, tip)
                .sign(&self.keys, &id, &body)
                .map_err(|_| DeviceError::Internal("new secretary"))?;
            tip = Some(envelope.tip());
            envelopes.push(envelope);
        }
        let grant = envelopes.last().map(|envelope| envelope.id());
        self.append(&roll, envelopes, Vec::new())?;
        self.absorb()?;
        self.announce_local(&roll)?;
        let spaces = super::units::spaces_of(branch);
        let bundle = bundle::write(&self.replica, &spaces, None)
            .map_err(|_| DeviceError::Internal("invitation bundle"))?;
        Ok(Invitation {
            unit: branch,
            member,
            grant: grant.ok_or(DeviceError::Internal("new secretary"))?,
            relays,
            bundle,
        })
    }

    /// Ends a grant in a branch: what is here of its phone stays; of what this phone does not read it knows no end
    /// (decision 0095).
    fn end_of(&self, branch: UnitId, grant: EnvelopeId, old: &Grant) -> Result<Record, DeviceError> {
        let membership = self.membership_of(branch)?;
        let mut spaces = vec![
            Space::of(branch, SpaceKind::Roll),
            Space::private(branch, old.member),
        ];
        spaces.extend(SEALED.map(|kind| Space::of(branch, kind)));
        let mut cutoffs = std::collections::BTreeMap::new();
        for space in spaces {
            let followed = super::units::spaces_of(branch).contains(&space);
            let end = if followed && membership.may_read(self.id(), &space).is_ok() {
                self.replica.store().tip(&space.id(), old.device())?
            } else {
                Some(Tip {
                    seq: SEQ_MAX,
                    id: EnvelopeId::ZERO,
                })
            };
            cutoffs.extend(end.map(|tip| (space.id().tag(), tip)));
        }
        Ok(Record::Revoke(Revoke {
            grant,
            reason: Reason::REPLACED,
            cutoffs,
        }))
    }

    fn new_secretary(
        &mut self,
        branch: UnitId,
        member: MemberId,
        request: &JoinRequest,
        now: i64,
    ) -> Result<(Grant, Vec<u8>), DeviceError> {
        let tags = SEALED.map(|kind| Space::of(branch, kind).id().tag());
        let ring = self.ring.only(|tag, _| tags.contains(&tag));
        let sealed = seal_key_ring(&request.keys, &branch, &ring, &mut *self.rng)
            .map_err(|_| DeviceError::Internal("key ring"))?;
        let grant = Grant {
            member,
            rank: rank::SECRETARY,
            flags: Flags::default(),
            keys: request.keys,
            scope: None,
            from_ms: now,
        };
        Ok((grant, sealed))
    }
}
