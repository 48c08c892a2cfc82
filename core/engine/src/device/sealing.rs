//! Sealing: one of the two proposes on the own phone, the other countersigns on theirs once it holds the same.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use sotay_document::crdt::ChangeHash;
use sotay_feed::cbor::Writer;
use sotay_feed::{DeviceId, DocId, Draft, Envelope, EnvelopeId, Kind, MemberId, Space, SpaceKind};
use sotay_handbook::meeting::{MeetingView, Person};
use sotay_handbook::review::{LATE_ITEM, ReviewList, SEALS_ITEM, phone_not_synced};
use sotay_handbook::{CommandError, Names, addendum_text, late, minutes};
use sotay_membership::limits::{
    SEAL_EXTERNAL_BYTES_MAX, SEAL_HEADS_MAX, SEAL_LINE_BYTES_MAX, SEAL_TEXT_BYTES_MAX,
};
use sotay_membership::seal::{
    External, FileSeal, MarkForm, Official, SealBody, SealFile, SealId, SealKind, SealMark,
};
use sotay_membership::{Record, rank};
use sotay_store::{Budget, Store};
use sotay_vault::{seal_body, sealed_len};

use super::Device;
use super::books::BookKey;
use super::seals::{Known, Sealed, pack, proposal};
use crate::error::DeviceError;

/// Why a seal was not proposed, signed or taken back. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The meeting has no chair, or two of them.
    #[error("it is not settled who chaired the meeting")]
    NoChair,
    /// The meeting has no minute-taker, or two of them, or a guest.
    #[error("it is not settled who took the minutes")]
    NoClerk,
    /// Chair and minute-taker are one person: two have to sign.
    #[error("chair and minute-taker are the same person")]
    OnePerson,
    /// The chair holds no office: neither secretary nor deputy nor of the committee.
    #[error("the chair holds no office")]
    NoOffice,
    /// Only the two who are named sign; only the chair or the secretary withdraws.
    #[error("only the chair and the minute-taker sign")]
    NotNamed,
    /// There is no such seal.
    #[error("there is no such seal")]
    Unknown,
    /// It was taken back.
    #[error("this seal was withdrawn")]
    Withdrawn,
    /// Another seal stands since it was proposed: have it proposed anew, as the next edition.
    #[error("another seal stands since this was proposed")]
    Outdated,
    /// This person has signed it already.
    #[error("this is signed already")]
    SignedAlready,
    /// Nothing was recorded since the last seal.
    #[error("nothing was recorded since the last seal")]
    NothingNew,
    /// There is no seal that an addendum could add to.
    #[error("the minutes are not sealed yet")]
    NotSealed,
    /// Changes that the seal stands on are not here yet: sync first.
    #[error("{0} of the changes that the seal stands on are not here yet")]
    Missing(usize),
    /// This phone holds changes that the seal leaves out: sync, and have it proposed anew.
    #[error("this phone holds {0} changes that the seal leaves out")]
    Ahead(usize),
    /// The same records read otherwise here: names or the roster differ. Sync first.
    #[error("the text reads otherwise on this phone")]
    OtherText,
    /// The text is over the limit of what one seal carries.
    #[error("the text of {len} bytes is over the limit of {limit}")]
    TooLong {
        /// Bytes of the text.
        len: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Anything that can happen to every call. [`CommandError::Blocked`]: items of the review list come first.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl<S: Store> Device<S> {
    /// The review list on the eve of a seal: that of the meeting, and a warning for every phone that took part and has not
    /// handed in what it wrote, as far as this phone has heard.
    pub fn seal_check(&mut self, doc: DocId) -> Result<ReviewList, DeviceError> {
        let key = self.meeting_key(doc)?;
        let mut list = self.review(doc)?;
        let silent = self.phones_not_synced(key)?;
        list.extend(silent.into_iter().map(phone_not_synced));
        Ok(list)
    }

    /// Proposes to seal the minutes as they stand, with one's own signature; the other of the two countersigns. Over
    /// minutes that are sealed this is the next edition.
    pub fn propose_seal(&mut self, doc: DocId, now: i64) -> Result<SealId, SealError> {
        let key = self.meeting_key(doc)?;
        self.proved(key)?;
        self.flush()?;
        let sealed = self.sealed(doc)?;
        let (view, text) = self.text_now(key)?;
        let previous = sealed.standing().map(|known| known.id);
        if let Some(standing) = sealed.standing()
            && standing.body.is_of(&text)
        {
            return Err(SealError::NothingNew);
        }
        self.propose(key, SealKind::Minutes, &view, text, previous, now)
    }

    /// Proposes to sign what was recorded after the seal as an addendum to it. The sealed text stays as it is.
    pub fn propose_addendum(&mut self, doc: DocId, now: i64) -> Result<SealId, SealError> {
        let key = self.meeting_key(doc)?;
        self.proved(key)?;
        self.flush()?;
        let sealed = self.sealed(doc)?;
        let previous = sealed.standing().ok_or(SealError::NotSealed)?.id;
        let text = self.addendum_now(key, &sealed)?.ok_or(SealError::NothingNew)?;
        let view = self.seen(key)?.view.clone();
        self.propose(key, SealKind::Addendum, &view, text, Some(previous), now)
    }

    fn propose(
        &mut self,
        key: BookKey,
        kind: SealKind,
        view: &MeetingView,
        text: String,
        previous: Option<SealId>,
        now: i64,
    ) -> Result<SealId, SealError> {
        let (chair, clerk) = self.officials(view)?;
        let acting = self.acting(now)?;
        if ![Some(chair), Some(clerk)].contains(&acting.member) {
            return Err(SealError::NotNamed);
        }
        self.nothing_blocks(key.doc)?;
        if text.len() > SEAL_TEXT_BYTES_MAX {
            return Err(too_long(&text, SEAL_TEXT_BYTES_MAX));
        }
        let heads: BTreeSet<[u8; 32]> = self
            .book(key)?
            .document
            .heads()
            .iter()
            .map(|head| head.0)
            .collect();
        if heads.len() > SEAL_HEADS_MAX {
            return Err(DeviceError::Internal("heads of a seal").into());
        }
        let line = |text: &str| cut(text, SEAL_LINE_BYTES_MAX);
        let body = SealBody {
            kind,
            unit: self.home()?.unit,
            document: key.doc,
            heads,
            text_sha256: [0; 32],
            schema: key.schema,
            roster_sha256: roster_digest(view),
            date: view.date.value.map(|date| date.to_string()).unwrap_or_default(),
            place: view
                .place
                .value
                .as_ref()
                .map(|place| line(place))
                .unwrap_or_default(),
            chair: self.official(chair),
            clerk: self.official(clerk),
            present: view.attendance.counts.present,
            eligible: view.attendance.lines.iter().filter(|line| line.voter).count() as u32,
            previous,
            claimed_ms: now,
        }
        .over(&text);
        let id = body.id();
        let payload = proposal(&body, &pack(&text)?);
        let space = self.space(key.space)?;
        let mark = SealMark {
            form: MarkForm::Proposal,
            seal: id,
        };
        self.publish_mark(&space, mark, Some(&payload))
            .map_err(|error| match error {
                DeviceError::TooLong { limit, .. } => too_long(&text, limit),
                other => other.into(),
            })?;
        Ok(id)
    }

    /// Signs what the other of the two has proposed, after this phone has made sure that it holds the same records and
    /// reads the same text.
    pub fn countersign(&mut self, doc: DocId, seal: SealId, now: i64) -> Result<(), SealError> {
        let key = self.meeting_key(doc)?;
        self.proved(key)?;
        self.flush()?;
        let sealed = self.sealed(doc)?;
        let known = sealed.get(&seal).ok_or(SealError::Unknown)?;
        if known.outcome.withdrawn.is_some() {
            return Err(SealError::Withdrawn);
        }
        let member = self.acting(now)?.member;
        let [chair, clerk] = known.body.signers();
        let signed = match member {
            Some(member) if member == chair => known.outcome.chair,
            Some(member) if member == clerk => known.outcome.clerk,
            _ => return Err(SealError::NotNamed),
        };
        if signed.is_some() {
            return Err(SealError::SignedAlready);
        }
        if known.body.previous != sealed.standing().map(|standing| standing.id) {
            return Err(SealError::Outdated);
        }
        self.holds_the_same(key, &known.heads())?;
        let text = match known.body.kind {
            SealKind::Addendum => self.addendum_now(key, &sealed)?.unwrap_or_default(),
            _ => self.text_now(key)?.1,
        };
        if !known.body.is_of(&text) || roster_digest(&self.seen(key)?.view) != known.body.roster_sha256 {
            return Err(SealError::OtherText);
        }
        self.nothing_blocks(doc)?;
        let mark = SealMark {
            form: MarkForm::Countersignature,
            seal,
        };
        Ok(self.publish_mark(&self.space(known.space)?, mark, None)?)
    }

    /// Takes a seal back. The chair whom it names, or the secretary.
    pub fn withdraw_seal(&mut self, doc: DocId, seal: SealId, now: i64) -> Result<(), SealError> {
        let sealed = self.sealed(doc)?;
        let known = sealed.get(&seal).ok_or(SealError::Unknown)?;
        if known.outcome.withdrawn.is_some() {
            return Err(SealError::Withdrawn);
        }
        let acting = self.acting(now)?;
        if acting.member != Some(known.body.chair.member) && acting.rank != rank::SECRETARY {
            return Err(SealError::NotNamed);
        }
        let mark = SealMark {
            form: MarkForm::Withdrawal,
            seal,
        };
        Ok(self.publish_mark(&self.space(known.space)?, mark, None)?)
    }

    /// Keeps an official signature that was made elsewhere (PAdES, CAdES) beside a seal. It is named and handed on, not
    /// judged. Officers only.
    pub fn attach_outside_signature(
        &mut self,
        doc: DocId,
        seal: SealId,
        external: &External,
        now: i64,
    ) -> Result<(), SealError> {
        let sealed = self.sealed(doc)?;
        let known = sealed.get(&seal).ok_or(SealError::Unknown)?;
        if !self.acting(now)?.is_officer() {
            return Err(DeviceError::Command(CommandError::OfficersOnly).into());
        }
        for (len, limit) in [
            (external.bytes.len(), SEAL_EXTERNAL_BYTES_MAX),
            (external.name.len(), SEAL_LINE_BYTES_MAX),
        ] {
            if len > limit {
                return Err(DeviceError::TooLong { len, limit }.into());
            }
        }
        let mark = SealMark {
            form: MarkForm::External,
            seal,
        };
        Ok(self.publish_mark(&self.space(known.space)?, mark, Some(&external.encode()))?)
    }

    /// The sealed text, as it was signed.
    pub fn sealed_text(&self, doc: DocId, seal: SealId) -> Result<String, SealError> {
        let sealed = self.sealed(doc)?;
        Ok(sealed.get(&seal).ok_or(SealError::Unknown)?.text()?)
    }

    /// Everything somebody without a profile needs to check the seals of a meeting: texts, bodies, signatures, and the
    /// records that say who the signers were. It holds no key.
    pub fn seal_file(&self, doc: DocId) -> Result<Vec<u8>, SealError> {
        let sealed = self.sealed(doc)?;
        let signed: Vec<&Known> = sealed
            .known
            .iter()
            .filter(|known| known.outcome.is_signed())
            .collect();
        if signed.is_empty() {
            return Err(SealError::NotSealed);
        }
        let mut seals = Vec::with_capacity(signed.len());
        let mut signers = BTreeSet::new();
        for known in signed {
            let mut marks = Vec::new();
            for mark in known.marks.iter().filter(|mark| mark.form != MarkForm::External) {
                // Marks that do not count are left out: nothing in the file may need an explanation.
                if known.outcome.flaws.iter().any(|(flawed, _)| flawed == mark) {
                    continue;
                }
                let stored = self
                    .replica
                    .store()
                    .envelope(mark.envelope)
                    .map_err(DeviceError::from)?;
                marks.extend(stored.map(|stored| stored.bytes.to_vec()));
                signers.insert(mark.device);
            }
            seals.push(FileSeal {
                space: known.space,
                body: known.body.clone(),
                text: known.text()?,
                marks,
                external: self.outside_of(&known.id)?,
            });
        }
        let file = SealFile {
            unit: self.home()?.unit,
            records: self.records_of(signers)?,
            seals,
        };
        Ok(file.encode())
    }

    /// Genesis, the grants of these devices and of whoever gave them, and every revocation of these.
    fn records_of(&self, signers: BTreeSet<DeviceId>) -> Result<Vec<Vec<u8>>, DeviceError> {
        const PAGE: Budget = Budget {
            count: 4096,
            bytes: 8 << 20,
        };
        let roll = self.space(SpaceKind::Roll)?.id();
        let (mut after, mut records) = (0, Vec::new());
        loop {
            let page = self.replica.store().since(&roll, after, PAGE)?;
            for stored in page.envelopes {
                let Ok(envelope) = Envelope::decode(&stored.bytes) else {
                    continue;
                };
                if let Ok((record, _)) = Record::decode(stored.kind, envelope.body()) {
                    records.push((stored, record));
                }
            }
            after = page.upto;
            if !page.more {
                break;
            }
        }
        let mut grants: BTreeMap<EnvelopeId, DeviceId> = BTreeMap::new();
        let (mut open, mut asked): (Vec<DeviceId>, BTreeSet<DeviceId>) =
            (signers.into_iter().collect(), BTreeSet::new());
        let mut kept: BTreeSet<usize> = BTreeSet::new();
        while let Some(device) = open.pop() {
            if !asked.insert(device) {
                continue;
            }
            for (at, (stored, record)) in records.iter().enumerate() {
                let concerns = match record {
                    Record::Genesis(_) => true,
                    Record::Grant(grant) if grant.device() == device => {
                        grants.insert(stored.id, device);
                        true
                    }
                    _ => false,
                };
                if concerns && kept.insert(at) {
                    open.push(stored.device);
                }
            }
            for (at, (stored, record)) in records.iter().enumerate() {
                if let Record::Revoke(revoke) = record
                    && grants.contains_key(&revoke.grant)
                    && kept.insert(at)
                {
                    open.push(stored.device);
                }
            }
        }
        Ok(kept.into_iter().map(|at| records[at].0.bytes.to_vec()).collect())
    }

    /// Both people who sign.
    fn officials(&self, view: &MeetingView) -> Result<(MemberId, MemberId), SealError> {
        let member = |person: Option<Person>| match person {
            Some(Person::Member(member)) => Some(member),
            _ => None,
        };
        let chair = member(view.chair.value)
            .filter(|_| !view.chair.contest.is_open())
            .ok_or(SealError::NoChair)?;
        let clerk = member(view.clerk.value)
            .filter(|_| !view.clerk.contest.is_open())
            .ok_or(SealError::NoClerk)?;
        if chair == clerk {
            return Err(SealError::OnePerson);
        }
        let standings = self.membership()?.members();
        let office = standings.iter().any(|standing| {
            standing.member == chair
                && standing.current
                && (standing.rank <= rank::DEPUTY || standing.flags.committee)
        });
        if office {
            Ok((chair, clerk))
        } else {
            Err(SealError::NoOffice)
        }
    }

    fn official(&self, member: MemberId) -> Official {
        let name = self.people.member(member).unwrap_or_default();
        Official {
            member,
            name: cut(name, SEAL_LINE_BYTES_MAX),
        }
    }

    fn nothing_blocks(&mut self, doc: DocId) -> Result<(), DeviceError> {
        let list = self.review(doc)?;
        if !list.blocks() {
            return Ok(());
        }
        let items = list.blocking().map(|item| item.id.clone()).collect();
        Err(CommandError::Blocked { items }.into())
    }

    /// Whether this document stands at exactly these heads.
    fn holds_the_same(&mut self, key: BookKey, heads: &[ChangeHash]) -> Result<(), SealError> {
        let (missing, ahead) = self.look_back(key, |crdt| {
            let missing = heads
                .iter()
                .filter(|head| crdt.get_change_meta_by_hash(head).is_none())
                .count();
            let ahead = if missing == 0 {
                crdt.get_changes_meta(heads).len()
            } else {
                0
            };
            (missing, ahead)
        })?;
        match (missing, ahead) {
            (0, 0) => Ok(()),
            (0, ahead) => Err(SealError::Ahead(ahead)),
            (missing, _) => Err(SealError::Missing(missing)),
        }
    }

    /// The meeting and its minutes as they stand, sealed or not.
    pub(super) fn text_now(&mut self, key: BookKey) -> Result<(MeetingView, String), DeviceError> {
        let seen = self.seen(key)?;
        let template = minutes::Template::shipped();
        let minutes = minutes::render(
            &seen.view,
            &self.heading_on(seen.reading.day)?,
            &seen.reading.policy,
            &self.people,
            &template,
        )
        .map_err(|_| DeviceError::Internal("minutes template"))?;
        Ok((seen.view.clone(), minutes.text().to_owned()))
    }

    /// The text of an addendum over everything recorded since the seal; `None` when there is nothing.
    fn addendum_now(&mut self, key: BookKey, sealed: &Sealed) -> Result<Option<String>, DeviceError> {
        let (Some(standing), covered) = (sealed.standing(), sealed.covered()) else {
            return Ok(None);
        };
        let Some(then) = self.view_at(key, &covered)? else {
            return Ok(None);
        };
        let seen = self.seen(key)?;
        let items = late(&then, &seen.view);
        if items.is_empty() {
            return Ok(None);
        }
        let heading = self.heading_on(seen.reading.day)?;
        let sha256 = HEXLOWER.encode(&standing.body.text_sha256);
        Ok(Some(addendum_text(
            &then,
            &items,
            &heading,
            &sha256,
            &self.people,
        )))
    }

    /// Appends a mark; what it brings along is sealed under the epoch of the space.
    fn publish_mark(
        &mut self,
        space: &Space,
        mark: SealMark,
        payload: Option<&[u8]>,
    ) -> Result<(), DeviceError> {
        let clear = mark.encode();
        let Some(payload) = payload else {
            self.publish_clear(space, Kind::SEAL, &clear)?;
            return self.absorb();
        };
        let id = space.id();
        let epoch = self.membership()?.writing_epoch(&id).ok_or(DeviceError::NoKey)?;
        let Some(key) = self.ring.get(id.tag(), epoch).cloned() else {
            return Err(DeviceError::NoKey);
        };
        let tip = self.replica.store().tip(&id, self.id())?;
        let draft = Draft::next(&self.keys, Kind::SEAL, &id, tip).in_epoch(epoch);
        let limit = draft.body_room();
        let len = clear.len() + sealed_len(payload.len());
        if len > limit {
            return Err(DeviceError::TooLong { len, limit });
        }
        let sealed = seal_body(&draft.header().encode(), &key, payload, &mut *self.rng);
        let envelope = draft
            .sign(&self.keys, &id, &[clear, sealed].concat())
            .map_err(|_| DeviceError::Internal("mark of a seal"))?;
        self.append(space, vec![envelope], Vec::new())?;
        self.announce_local(space)?;
        self.absorb()
    }

    /// Appends an envelope whose body lies open.
    pub(super) fn publish_clear(
        &mut self,
        space: &Space,
        kind: Kind,
        body: &[u8],
    ) -> Result<(), DeviceError> {
        let id = space.id();
        let tip = self.replica.store().tip(&id, self.id())?;
        let envelope = Draft::next(&self.keys, kind, &id, tip)
            .sign(&self.keys, &id, body)
            .map_err(|_| DeviceError::Internal("clear envelope"))?;
        self.append(space, vec![envelope], Vec::new())?;
        self.announce_local(space)
    }

    /// Settles an item of the review list that lies outside the document, if it is one.
    pub(super) fn settle_outside(
        &mut self,
        doc: DocId,
        item: &str,
        pick: &str,
        now: i64,
    ) -> Result<bool, SealError> {
        match item {
            SEALS_ITEM => {
                let seal = pick.parse().map_err(|_| SealError::Unknown)?;
                self.withdraw_seal(doc, seal, now)?;
            }
            LATE_ITEM if pick == sotay_handbook::review::ADDENDUM => {
                self.propose_addendum(doc, now)?;
            }
            LATE_ITEM => {
                self.propose_seal(doc, now)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn too_long(text: &str, limit: usize) -> SealError {
    SealError::TooLong {
        len: text.len(),
        limit,
    }
}

/// The beginning of a text, at most so many bytes, in whole characters.
fn cut(text: &str, bytes: usize) -> String {
    let end = (0..=bytes.min(text.len()))
        .rev()
        .find(|&end| text.is_char_boundary(end));
    text[..end.unwrap_or(0)].to_owned()
}

/// SHA-256 over the list the meeting goes by: who, in which order, role, standing and activity.
fn roster_digest(view: &MeetingView) -> [u8; 32] {
    let mut writer = Writer::new();
    writer.array(view.roll.lines().len());
    for line in view.roll.lines() {
        writer
            .array(5)
            .bytes(line.member.as_bytes())
            .uint(u64::from(line.number))
            .uint(u64::from(line.role.number()))
            .uint(u64::from(line.standing.number()))
            .uint(u64::from(line.activity.number()));
    }
    Sha256::digest(writer.into_bytes()).into()
}
