//! Admitting a phone and being admitted, with no network (clauses E1–E2).

use std::collections::BTreeMap;

use sotay_feed::{DeviceId, EnvelopeId, MemberId, Space, SpaceKind, UnitId};
use sotay_handbook::Date;
use sotay_membership::{Flags, Grant, Membership, Reason, Standing, State, Validity, rank};
use sotay_store::{Bucket, DatabaseId, MemoryStore, Put, Store};
use sotay_sync::{Policy, Replica, Role, bundle};

use super::Device;
use super::guests::GUEST_MEETINGS_MAX;
use super::home::{self, Home};
use super::people::Subject;
use super::removal::{RemovalError, Whom};
use crate::enrolment::{
    CLOCK_SKEW_SECONDS, EnrolTextError, Invitation, JoinRequest, NotFresh, REQUEST_GOOD_SECONDS,
};
use crate::error::DeviceError;
use crate::event::Event;

/// What an officer decides about a phone that asks to join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmitRequest {
    /// The text the joiner handed over.
    pub request: String,
    /// The roster line of its holder.
    pub member: MemberId,
    /// 2 secretary, 3 deputy, 4 member.
    pub rank: u8,
    /// Whether a rank-4 member reads and writes the committee's space.
    pub committee: bool,
    /// Whether the member is probationary and has no vote.
    pub probationary: bool,
    /// Relay addresses to pass on.
    pub relays: Vec<String>,
}

/// Why a phone was not admitted. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    /// The request text cannot be used.
    #[error(transparent)]
    Request(#[from] EnrolTextError),
    /// The request says when it was made, and that is not now.
    #[error(transparent)]
    NotFresh(#[from] NotFresh),
    /// This request was used before: the phone has to show a new one.
    #[error("this request was used before")]
    Used,
    /// This phone is admitted already, for another member, who is named.
    #[error("this phone is admitted already")]
    Already {
        /// The member it belongs to.
        member: MemberId,
    },
    /// A rank that no officer can give.
    #[error("there is no rank {0} to give; 2 is secretary, 3 deputy, 4 member")]
    Rank(u8),
    /// As many meetings are open to guests as can be.
    #[error("more than {GUEST_MEETINGS_MAX} meetings are open to guests")]
    TooManyMeetings,
    /// A day that has not come yet.
    #[error("nobody reads from a day in the future on")]
    Future,
    /// The phone to be replaced is not the member's, or was removed before.
    #[error("the phone to be replaced is no phone of this member")]
    OtherHolder,
    /// Anything that can happen to every call.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// Why an invitation was not accepted. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The invitation text cannot be used.
    #[error(transparent)]
    Invitation(#[from] EnrolTextError),
    /// This phone belongs to a unit already: use another profile.
    #[error("this phone belongs to a unit already")]
    Already,
    /// The invitation was made for another phone, or for an earlier identity of this one.
    #[error("the invitation is for another phone")]
    OtherDevice,
    /// The code of the hall is out of date: the hall is closed.
    #[error("the hall is closed")]
    HallClosed,
    /// No ticket and no code of a hall was scanned before.
    #[error("scan the officer's code first")]
    NoPass,
    /// It holds records of another unit than the one it names.
    #[error("the invitation holds records of another unit")]
    OtherUnit,
    /// The records in it are cut short or malformed.
    #[error("the invitation is damaged: {0}")]
    Bundle(#[from] bundle::ReadError),
    /// Records in it do not hold (signature, chain or right), so the whole invitation is refused.
    #[error("{0} records of the invitation do not hold")]
    Refused(u64),
    /// Anything that can happen to every call.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl<S: Store> Device<S> {
    /// The text this phone hands over to be admitted, when it is carried by hand. Fresh at every call.
    pub fn join_request(&mut self) -> Result<JoinRequest, EnrolTextError> {
        JoinRequest::new(&self.keys, &self.label, &mut *self.rng)
    }

    /// What this phone shows as a QR code to be admitted: good for ten minutes, so show a new one in time.
    pub fn shown_request(&mut self, now: i64) -> Result<JoinRequest, EnrolTextError> {
        JoinRequest::shown(&self.keys, &self.label, now, &mut *self.rng)
    }

    /// Grants the asking phone its rank and makes the invitation to hand back.
    pub fn admit(&mut self, ask: &AdmitRequest, now: i64) -> Result<Invitation, AdmitError> {
        self.admit_for(ask, None, None, now)
    }

    /// The same for a phone that takes the place of another one of the same member, e.g. of a lost one: the old phone is
    /// removed, the new one granted and the keys changed in one transaction.
    pub fn admit_replacing(
        &mut self,
        ask: &AdmitRequest,
        replaced: DeviceId,
        now: i64,
    ) -> Result<Invitation, AdmitError> {
        self.admit_for(ask, Some(replaced), None, now)
    }

    pub(super) fn admit_for(
        &mut self,
        ask: &AdmitRequest,
        replaced: Option<DeviceId>,
        from: Option<Date>,
        now: i64,
    ) -> Result<Invitation, AdmitError> {
        let request = JoinRequest::from_text(&ask.request)?;
        request.fresh(now)?;
        let joiner = request.keys.sign.device_id();
        let grant = self.admit_request(&request, ask, (replaced, from), now)?;
        let bundle = self.bundle_for(joiner)?;
        self.events.push_back(Event::Membership);
        Ok(Invitation {
            unit: self.home()?.unit,
            member: ask.member,
            grant,
            relays: ask.relays.clone(),
            bundle,
        })
    }

    /// The grant of the asking phone, new or standing. What `ask` holds as text is not looked at.
    pub(super) fn admit_request(
        &mut self,
        request: &JoinRequest,
        ask: &AdmitRequest,
        (replaced, from): (Option<DeviceId>, Option<Date>),
        now: i64,
    ) -> Result<EnvelopeId, AdmitError> {
        let joiner = request.keys.sign.device_id();
        if !(rank::SECRETARY..=rank::MEMBER).contains(&ask.rank) {
            return Err(AdmitError::Rank(ask.rank));
        }
        let held = active(self.membership()?.standing(joiner)).and_then(|standing| standing.member);
        if let Some(member) = held.filter(|member| *member != ask.member) {
            return Err(AdmitError::Already { member });
        }
        if !self.has_member(ask.member)? {
            return Err(DeviceError::NoMember.into());
        }
        self.unused(request)?;
        // A phone admitted before, whose invitation was lost or whose label did not reach the disk, is handed it again.
        let grant = match self.standing_grant(joiner)?.filter(|_| held.is_some()) {
            Some(grant) => {
                let puts = self.used_puts(request, now)?;
                self.write(puts).map_err(DeviceError::from)?;
                grant
            }
            None => self.grant(request, ask, (replaced, from), now)?,
        };
        let labelled = !request.label.trim().is_empty();
        if labelled && self.people.get(&Subject::Device(joiner)) != Some(request.label.as_str()) {
            self.rename(Subject::Device(joiner), &request.label)?;
        }
        self.flush()?;
        Ok(grant)
    }

    /// Refuses a request that led to a grant before: a dated one that was used here, and any that is not newer than a grant
    /// of its phone which has ended, wherever that was given.
    pub(super) fn unused(&self, request: &JoinRequest) -> Result<(), AdmitError> {
        let used = request.made.is_some()
            && self
                .replica
                .store()
                .get(Bucket::Profile, &used_key(request))
                .map_err(DeviceError::from)?
                .is_some();
        let joiner = request.keys.sign.device_id();
        let made = i64::try_from(request.made.unwrap_or(0)).unwrap_or(i64::MAX);
        let mut grants = self.membership()?.grants();
        let ended = grants.any(|(_, _, grant, validity)| {
            grant.device() == joiner && validity == Validity::Revoked && grant.from_ms / 1000 >= made
        });
        if used || ended {
            Err(AdmitError::Used)
        } else {
            Ok(())
        }
    }

    /// Remembers a dated request as used for as long as it could be shown again, and forgets those that are out of date.
    pub(super) fn used_puts(&self, request: &JoinRequest, now: i64) -> Result<Vec<Put>, DeviceError> {
        let put = |key, value| Put {
            bucket: Bucket::Profile,
            key,
            value,
        };
        let mut puts = Vec::new();
        for (key, until) in self.replica.store().list(Bucket::Profile, USED)? {
            let until = until.try_into().map_or(0, i64::from_be_bytes);
            if until < now {
                puts.push(put(key, None));
            }
        }
        if request.made.is_some() {
            let until = now + (REQUEST_GOOD_SECONDS + 2 * CLOCK_SKEW_SECONDS) * 1000;
            puts.push(put(used_key(request), Some(until.to_be_bytes().to_vec())));
        }
        Ok(puts)
    }

    pub(super) fn standing_grant(&self, device: DeviceId) -> Result<Option<EnvelopeId>, DeviceError> {
        let mut grants = self.membership()?.grants();
        let standing =
            grants.find(|(_, _, grant, validity)| grant.device() == device && *validity == Validity::Valid);
        Ok(standing.map(|(id, ..)| id))
    }

    fn grant(
        &mut self,
        request: &JoinRequest,
        ask: &AdmitRequest,
        (replaced, from): (Option<DeviceId>, Option<Date>),
        now: i64,
    ) -> Result<EnvelopeId, AdmitError> {
        let mut acts = self.begin_acts()?;
        if let Some(old) = replaced {
            let holder = self
                .membership()?
                .standing(old)
                .and_then(|standing| standing.member);
            if holder != Some(ask.member) {
                return Err(AdmitError::OtherHolder);
            }
            self.end_grants(&mut acts, Whom::Device(old), Reason::REPLACED)
                .map_err(|error| match error {
                    RemovalError::Device(error) => AdmitError::Device(error),
                    _ => AdmitError::OtherHolder,
                })?;
        }
        let mut grant = Grant {
            member: ask.member,
            rank: ask.rank,
            flags: Flags {
                committee: ask.committee,
                probationary: ask.probationary,
            },
            keys: request.keys,
            scope: None,
            from_ms: now,
        };
        let withheld = match from {
            Some(day) => self.keep_back(&mut acts, &mut grant, day)?,
            None => BTreeMap::new(),
        };
        let id = self.give_without(&mut acts, grant, &withheld)?;
        self.rekey_unclean(&mut acts)?;
        let mut puts = self.used_puts(request, now)?;
        puts.extend(
            from.map(|day| Self::withheld_puts(id, day, withheld))
                .into_iter()
                .flatten(),
        );
        self.commit_acts(acts, puts)?;
        self.events.push_back(Event::Membership);
        Ok(id)
    }

    /// Tags of the sealed spaces that a holder of this grant may read.
    pub(super) fn readable_by(&self, grant: &Grant, home: &Home) -> Vec<sotay_feed::SpaceTag> {
        if let Some(doc) = grant.scope {
            return vec![Space::guest(home.unit, doc).id().tag()];
        }
        let mut kinds = vec![SpaceKind::Main, SpaceKind::Broadcast];
        if grant.rank <= rank::DEPUTY {
            kinds.push(SpaceKind::Report);
        }
        if grant.rank <= rank::DEPUTY || grant.flags.committee {
            kinds.extend([SpaceKind::Committee, SpaceKind::Inbox]);
        }
        // Its private space too: only a phone of the same member has keys of that.
        kinds
            .into_iter()
            .map(|kind| Space::of(home.unit, kind))
            .chain([Space::private(home.unit, grant.member)])
            .map(|space| space.id().tag())
            .collect()
    }

    /// Everything a newly admitted device may read, for the invitation.
    pub(super) fn bundle_for(&self, joiner: DeviceId) -> Result<Vec<u8>, DeviceError> {
        let membership = self.membership()?;
        let mut spaces = self.spaces()?;
        spaces.retain(|space| space.kind == SpaceKind::Roll || membership.may_read(joiner, space).is_ok());
        self.bundle_of(&spaces)
    }

    pub(super) fn bundle_of(&self, spaces: &[Space]) -> Result<Vec<u8>, DeviceError> {
        bundle::write(&self.replica, spaces, None).map_err(|error| match error {
            bundle::WriteError::Store(error) => error.into(),
            _ => DeviceError::Internal("invitation bundle"),
        })
    }

    /// Takes the invitation an officer made for this phone.
    pub fn accept(&mut self, invitation: &Invitation) -> Result<(), JoinError> {
        let member = invitation.member;
        self.join_unit(invitation.unit, &invitation.bundle, &|_, grant| {
            grant.member == member
        })
    }

    /// Joins a unit by the records of a bundle, if they grant this phone what is `wanted`: its id and its grant are asked.
    pub(super) fn join_unit(
        &mut self,
        unit: UnitId,
        records: &[u8],
        wanted: &dyn Fn(EnvelopeId, &Grant) -> bool,
    ) -> Result<(), JoinError> {
        if self.home.is_some() {
            return Err(JoinError::Already);
        }
        // A rehearsal in memory: bad records leave no trace in the profile.
        let mut rehearsal = Replica::open(MemoryStore::new(DatabaseId([0; 16])), Role::Device, Policy::Any)
            .map_err(|error| JoinError::Device(error.into()))?;
        import(&mut rehearsal, unit, records)?;
        let membership = rehearsal.membership(unit).ok_or(JoinError::OtherDevice)?;
        let member = granted(membership, self.id(), wanted).ok_or(JoinError::OtherDevice)?;
        import(&mut self.replica, unit, records)?;
        Ok(self.settle_in(Home { unit, member })?)
    }

    /// From here on the phone belongs to the unit.
    pub(super) fn settle_in(&mut self, home: Home) -> Result<(), DeviceError> {
        self.write(vec![home::home_put(&home), super::passes::joining_put(None)])?;
        self.home = Some(home);
        self.events.push_back(Event::Unit);
        // It has joined. What a failing disk keeps from being done now is done before the first sync.
        if let Err(error) = self.catch_up() {
            tracing::warn!(%error, "joined, but not everything is applied yet");
        }
        Ok(())
    }

    /// Does what a crash or a failing disk left undone: applies what is stored, and opens the holder's private space.
    pub(super) fn catch_up(&mut self) -> Result<(), DeviceError> {
        if self.home.is_none() {
            return Ok(());
        }
        self.absorb()?;
        self.open_private_space()
    }
}

/// A standing that lets its device act now.
pub(super) fn active(standing: Option<Standing>) -> Option<Standing> {
    standing.filter(|standing| standing.state == State::Active)
}

/// The member for whom a device holds a grant that counts and is wanted.
pub(super) fn granted(
    membership: &Membership,
    device: DeviceId,
    wanted: &dyn Fn(EnvelopeId, &Grant) -> bool,
) -> Option<MemberId> {
    let standing = active(membership.standing(device))?;
    let mut grants = membership.grants();
    let found = grants.find(|(id, _, grant, validity)| {
        grant.device() == device
            && *validity == Validity::Valid
            && standing.member == Some(grant.member)
            && wanted(*id, grant)
    });
    found.map(|(_, _, grant, _)| grant.member)
}

const USED: &[u8] = b"used-request";

fn used_key(request: &JoinRequest) -> Vec<u8> {
    [USED, request.keys.sign.device_id().as_bytes(), &request.nonce].concat()
}

fn import<S: Store>(replica: &mut Replica<S>, unit: UnitId, records: &[u8]) -> Result<(), JoinError> {
    let read = bundle::read(records)?;
    if read.spaces().iter().any(|space| space.unit != unit) {
        return Err(JoinError::OtherUnit);
    }
    for space in read.spaces().to_vec() {
        replica.know_space(space).map_err(DeviceError::from)?;
    }
    let imported = bundle::import(replica, read).map_err(DeviceError::from)?;
    match imported.cut {
        Some(error) => Err(error.into()),
        None if imported.refused > 0 => Err(JoinError::Refused(imported.refused)),
        None => Ok(()),
    }
}
