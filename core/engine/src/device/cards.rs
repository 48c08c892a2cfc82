//! Personal data that can be corrected and erased (clause E10): the *display* card of a member, a name for everybody in the
//! unit, and the *sensitive* card for the committee. Both are envelopes of kind `card`, whose bodies can be erased while
//! the feeds that hold them go on verifying (decision 0141).

use std::collections::BTreeMap;

use serde::Serialize;
use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::{ERASED_IDS_MAX, Envelope, EnvelopeId, EraseRecord, Kind, MemberId, Space, SpaceKind};
use sotay_membership::{Denied, State, rank};
use sotay_store::{Bucket, Put, Store, Stored};

use super::Device;
use super::absorb::{Haul, PAGE};
use super::care::Opened;
use super::people::{PersonRecord, Subject};
use crate::error::DeviceError;
use crate::event::{Event, SetAside};

/// Bytes of one line of a sensitive card.
pub const CONTACT_LINE_BYTES_MAX: usize = 200;

/// Rows of cards that were not erased: envelope → member ‖ kind of space.
const CARDS: u8 = 16;
/// Rows of sensitive cards: member → envelope ‖ payload.
const CONTACTS: u8 = 17;
/// Rows of [`Bucket::Person`] from here on are no names.
pub(super) const NOT_NAMES: u8 = CARDS;

/// What the committee knows of a member beside the name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Contact {
    /// Telephone.
    pub phone: String,
    /// Day of birth, as people write it.
    pub born: String,
    /// Number of the party card.
    pub card: String,
    /// Anything else that has to be known.
    pub note: String,
}

impl Contact {
    fn lines(&self) -> [&str; 4] {
        [&self.phone, &self.born, &self.card, &self.note]
    }

    fn is_empty(&self) -> bool {
        self.lines().iter().all(|line| line.trim().is_empty())
    }
}

/// What an erasure did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ErasedPerson {
    /// Cards whose bodies are gone here, and will be wherever the record comes.
    pub cards: usize,
    /// Whether a name of an earlier version of this software remains in the records: that one cannot be erased. No phone
    /// shows it any more.
    pub old_name_remains: bool,
}

/// The content of one sensitive card: `[1, member, revision, phone, born, card, note]`.
#[derive(Clone, PartialEq, Eq)]
struct ContactRecord {
    member: MemberId,
    revision: u64,
    contact: Contact,
}

impl ContactRecord {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(7)
            .uint(1)
            .bytes(self.member.as_bytes())
            .uint(self.revision);
        for line in self.contact.lines() {
            writer.text(line);
        }
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes);
        reader.array(7)?;
        let at = reader.position();
        if reader.uint()? != 1 {
            return Err(CborError::Malformed { at });
        }
        let (member, revision) = (MemberId::from_bytes(reader.fixed()?), reader.uint()?);
        let mut line = || Ok::<_, CborError>(reader.text(CONTACT_LINE_BYTES_MAX)?.to_owned());
        let contact = Contact {
            phone: line()?,
            born: line()?,
            card: line()?,
            note: line()?,
        };
        let record = Self {
            member,
            revision,
            contact,
        };
        reader.finish(&record.encode())?;
        Ok(record)
    }
}

fn put(key: Vec<u8>, value: Option<Vec<u8>>) -> Put {
    Put {
        bucket: Bucket::Person,
        key,
        value,
    }
}

fn card_key(id: EnvelopeId) -> Vec<u8> {
    [&[CARDS], &id.as_bytes()[..]].concat()
}

fn contact_key(member: MemberId) -> Vec<u8> {
    [&[CONTACTS], &member.as_bytes()[..]].concat()
}

/// A card that is not erased.
#[derive(Clone, Copy)]
struct Card {
    id: EnvelopeId,
    member: MemberId,
    space: SpaceKind,
}

impl<S: Store> Device<S> {
    /// Takes in a display card: a name of a member.
    pub(super) fn read_name_card(&mut self, stored: &Stored, payload: &[u8], haul: &mut Haul) {
        let Ok(record) = PersonRecord::decode(payload) else {
            return self.set_aside(stored, SetAside::Unreadable, haul);
        };
        let Subject::Member(member) = record.subject else {
            return self.set_aside(stored, SetAside::Unreadable, haul);
        };
        // One without a name holds nothing that could be erased.
        if !record.name.is_empty() {
            haul.puts.push(card_put(stored.id, member, SpaceKind::Main));
        }
        if !self.may_have_named(stored.device, &record.subject) {
            return self.set_aside(stored, SetAside::NotAllowed, haul);
        }
        haul.people.push((stored.id, record));
    }

    /// Takes in a sensitive card; whoever writes in the committee's space may write one.
    pub(super) fn read_contact_card(&mut self, stored: &Stored, payload: &[u8], haul: &mut Haul) {
        let Ok(record) = ContactRecord::decode(payload) else {
            return self.set_aside(stored, SetAside::Unreadable, haul);
        };
        if !record.contact.is_empty() {
            haul.puts
                .push(card_put(stored.id, record.member, SpaceKind::Committee));
        }
        haul.contacts.push((stored.id, record.member, payload.to_vec()));
    }

    /// Takes in an erasure: whatever took effect in the store is forgotten here too.
    pub(super) fn read_erasure(&mut self, stored: &Stored, haul: &mut Haul) {
        let record = Envelope::decode(&stored.bytes)
            .ok()
            .and_then(|envelope| EraseRecord::decode(envelope.body()).ok());
        let Some(record) = record else {
            return self.set_aside(stored, SetAside::Unreadable, haul);
        };
        haul.erased.extend(record.ids());
    }

    /// Rows to write for what a haul brought of sensitive cards and erasures; names are corrected in `people`.
    pub(super) fn settle_cards(
        &self,
        contacts: Vec<(EnvelopeId, MemberId, Vec<u8>)>,
        erased: Vec<EnvelopeId>,
        puts: &mut Vec<Put>,
        people: &mut super::people::People,
    ) -> Result<bool, DeviceError> {
        let mut newest: BTreeMap<MemberId, (EnvelopeId, Vec<u8>)> = BTreeMap::new();
        for (id, member, payload) in contacts {
            let known = match newest.get(&member) {
                Some(known) => Some(known.clone()),
                None => self.contact_row(member)?,
            };
            if known.is_none_or(|(known, old)| rank_of(&payload, id) > rank_of(&old, known)) {
                newest.insert(member, (id, payload));
            }
        }
        let mut touched = !newest.is_empty();
        let mut forgotten: Vec<Card> = Vec::new();
        for id in erased {
            let store = self.replica.store();
            if store.get(Bucket::Erased, id.as_bytes())?.is_none() {
                continue;
            }
            puts.retain(|put| put.bucket != Bucket::Person || put.key != card_key(id));
            if let Some(card) = self.card(id)? {
                puts.push(put(card_key(id), None));
                forgotten.push(card);
            }
        }
        for card in &forgotten {
            touched = true;
            let left: Vec<Card> = self
                .cards_of(card.member)?
                .into_iter()
                .filter(|other| other.space == card.space && forgotten.iter().all(|gone| gone.id != other.id))
                .collect();
            match card.space {
                SpaceKind::Main => {
                    puts.extend(people.forget(card.member, card.id));
                    for other in left {
                        let record = self
                            .reread(&other)?
                            .and_then(|body| PersonRecord::decode(&body).ok());
                        puts.extend(record.and_then(|record| people.learn(other.id, record)));
                    }
                }
                _ => {
                    let kept = |(id, _): &(EnvelopeId, _)| forgotten.iter().all(|gone| gone.id != *id);
                    let mut best = newest.get(&card.member).cloned().filter(kept);
                    if best.is_none() {
                        best = self.contact_row(card.member)?.filter(kept);
                    }
                    for other in left {
                        if let Some(body) = self.reread(&other)?
                            && best
                                .as_ref()
                                .is_none_or(|(id, old)| rank_of(&body, other.id) > rank_of(old, *id))
                        {
                            best = Some((other.id, body));
                        }
                    }
                    match best {
                        Some(best) => drop(newest.insert(card.member, best)),
                        None => puts.push(put(contact_key(card.member), None)),
                    }
                }
            }
        }
        for (member, (id, payload)) in newest {
            let gone = forgotten.iter().any(|card| card.id == id);
            let value = (!gone).then(|| [&id.as_bytes()[..], &payload].concat());
            puts.push(put(contact_key(member), value));
        }
        Ok(touched)
    }

    /// Whether a card is the one that counts for its member.
    pub(super) fn is_newest_card(&self, kind: SpaceKind, id: EnvelopeId) -> Result<bool, DeviceError> {
        let Some(card) = self.card(id)? else {
            return Ok(false);
        };
        let newest = match kind {
            SpaceKind::Main => self.people.source(&Subject::Member(card.member)),
            _ => self.contact_row(card.member)?.map(|(id, _)| id),
        };
        Ok(newest == Some(id))
    }

    fn contact_row(&self, member: MemberId) -> Result<Option<(EnvelopeId, Vec<u8>)>, DeviceError> {
        let Some(row) = self.replica.store().get(Bucket::Person, &contact_key(member))? else {
            return Ok(None);
        };
        let (id, payload) = row
            .split_at_checked(EnvelopeId::LEN)
            .ok_or(DeviceError::damaged("cards"))?;
        let id = EnvelopeId::from_slice(id).ok_or(DeviceError::damaged("cards"))?;
        Ok(Some((id, payload.to_vec())))
    }

    fn card(&self, id: EnvelopeId) -> Result<Option<Card>, DeviceError> {
        let row = self.replica.store().get(Bucket::Person, &card_key(id))?;
        row.map(|row| read_card(id, &row)).transpose()
    }

    fn cards_of(&self, member: MemberId) -> Result<Vec<Card>, DeviceError> {
        let mut cards = Vec::new();
        for (key, row) in self.replica.store().list(Bucket::Person, &[CARDS])? {
            let id = key
                .get(1..)
                .and_then(EnvelopeId::from_slice)
                .ok_or(DeviceError::damaged("cards"))?;
            cards.push(read_card(id, &row)?);
        }
        cards.retain(|card| card.member == member);
        Ok(cards)
    }

    /// What a card holds, if it is here and can be opened.
    fn reread(&self, card: &Card) -> Result<Option<Vec<u8>>, DeviceError> {
        let Some(stored) = self.replica.store().envelope(card.id)? else {
            return Ok(None);
        };
        let space = self.space(card.space)?;
        Ok(self.opened(&space, &stored).map(|(_, body)| body))
    }

    /// Erases the cards that newer ones of the same members replaced, as far as this phone may.
    pub(super) fn erase_replaced(
        &mut self,
        members: &[MemberId],
        kind: SpaceKind,
    ) -> Result<(), DeviceError> {
        let officer = self.is_officer_now();
        let mut old = Vec::new();
        for &member in members {
            let newest = match kind {
                SpaceKind::Main => self.people.source(&Subject::Member(member)),
                _ => self.contact_row(member)?.map(|(id, _)| id),
            };
            for card in self.cards_of(member)? {
                let author = self
                    .replica
                    .store()
                    .envelope(card.id)?
                    .map(|stored| stored.device);
                let may = officer || author == Some(self.id());
                if card.space == kind && Some(card.id) != newest && may {
                    old.push(card.id);
                }
            }
        }
        self.publish_erasures(kind, old)
    }

    fn publish_erasures(&mut self, kind: SpaceKind, ids: Vec<EnvelopeId>) -> Result<(), DeviceError> {
        if ids.is_empty() {
            return Ok(());
        }
        let space = self.space(kind)?;
        for some in ids.chunks(ERASED_IDS_MAX) {
            self.publish_clear(&space, Kind::ERASE, &EraseRecord::new(some.to_vec()).encode())?;
        }
        self.absorb()
    }

    fn is_officer_now(&self) -> bool {
        self.membership().is_ok_and(|membership| {
            membership
                .standing(self.id())
                .is_some_and(|standing| standing.state == State::Active && standing.rank <= rank::DEPUTY)
        })
    }

    /// Writes what the committee knows of a member; an empty one takes the known one back. The card before is erased.
    pub fn set_contact(&mut self, member: MemberId, contact: &Contact) -> Result<(), DeviceError> {
        let space = self.committee_space()?;
        if !self.has_member(member)? {
            return Err(DeviceError::NoMember);
        }
        for line in contact.lines() {
            let (len, limit) = (line.len(), CONTACT_LINE_BYTES_MAX);
            if len > limit {
                return Err(DeviceError::TooLong { len, limit });
            }
        }
        if contact.is_empty() && self.known_contact(member)?.is_none() {
            return Ok(());
        }
        let nfc = |line: &str| sotay_document::nfc(line.trim()).into_owned();
        let contact = Contact {
            phone: nfc(&contact.phone),
            born: nfc(&contact.born),
            card: nfc(&contact.card),
            note: nfc(&contact.note),
        };
        self.publish_contact(&space, member, contact)?;
        self.erase_replaced(&[member], SpaceKind::Committee)
    }

    fn publish_contact(
        &mut self,
        space: &Space,
        member: MemberId,
        contact: Contact,
    ) -> Result<(), DeviceError> {
        let known = self.contact_row(member)?;
        let record = ContactRecord {
            member,
            revision: known.map_or(0, |(id, old)| rank_of(&old, id).0) + 1,
            contact,
        };
        self.publish(space, vec![(Kind::CARD, record.encode())], Vec::new())?;
        self.absorb()
    }

    /// Opens what the committee knows of a member. That it was opened, by whom and when, is recorded for the committee first.
    pub fn open_contact(&mut self, member: MemberId, now: i64) -> Result<Option<Contact>, DeviceError> {
        self.committee_space()?;
        let contact = self.known_contact(member)?;
        if contact.is_some() {
            self.record_access(Opened::Contact, Some(member), &[], now)?;
        }
        Ok(contact)
    }

    pub(super) fn known_contact(&self, member: MemberId) -> Result<Option<Contact>, DeviceError> {
        let Some((id, payload)) = self.contact_row(member)? else {
            return Ok(None);
        };
        let record = ContactRecord::decode(&payload).map_err(|_| DeviceError::damaged("cards"))?;
        Ok(Some(record.contact).filter(|contact| !contact.is_empty() && self.counts(id)))
    }

    /// Whether a card of the committee counts still: its author may have been removed with an earlier cut-off since.
    fn counts(&self, id: EnvelopeId) -> bool {
        let stored = self.replica.store().envelope(id).ok().flatten();
        let envelope = stored.and_then(|stored| Envelope::decode(&stored.bytes).ok());
        let (Some(envelope), Ok(space)) = (envelope, self.space(SpaceKind::Committee)) else {
            return false;
        };
        self.membership()
            .is_ok_and(|membership| membership.may_admit(&envelope, &space).is_ok())
    }

    /// The members of whom the committee knows more than the name.
    pub fn contacts(&self) -> Result<Vec<MemberId>, DeviceError> {
        self.committee_space()?;
        let mut members = Vec::new();
        for (key, _) in self.replica.store().list(Bucket::Person, &[CONTACTS])? {
            let member = key.get(1..).and_then(MemberId::from_slice);
            let member = member.ok_or(DeviceError::damaged("cards"))?;
            if self.known_contact(member)?.is_some() {
                members.push(member);
            }
        }
        Ok(members)
    }

    pub(super) fn has_cards(&self, member: MemberId) -> Result<bool, DeviceError> {
        Ok(!self.cards_of(member)?.is_empty())
    }

    /// The committee's space, for whoever reads and writes it.
    pub(super) fn committee_space(&self) -> Result<Space, DeviceError> {
        let space = self.space(SpaceKind::Committee)?;
        self.membership()?.may_read(self.id(), &space)?;
        Ok(space)
    }

    /// Erases the name of a member and all that the committee knows of them: on this phone at once, and on every relay and
    /// phone that the record reaches. Documents go on naming the member by a number; sealed minutes keep the printed name.
    /// Officers only. It cannot be undone.
    ///
    /// Empty cards follow the erased ones: an older card that some phone brings later does not bring the name back.
    pub fn erase_person(&mut self, member: MemberId) -> Result<ErasedPerson, DeviceError> {
        if !self.is_officer_now() {
            return Err(Denied::Rank.into());
        }
        let cards = self.cards_of(member)?;
        let old_name_remains = self.has_old_name(member)?;
        let subject = Subject::Member(member);
        if self.people.get(&subject).is_some() {
            let record = PersonRecord {
                subject,
                revision: self.people.next_revision(&subject),
                name: String::new(),
            };
            let main = self.space(SpaceKind::Main)?;
            self.publish(&main, vec![(Kind::CARD, record.encode())], Vec::new())?;
            self.absorb()?;
        }
        if self.known_contact(member)?.is_some() {
            let committee = self.committee_space()?;
            self.publish_contact(&committee, member, Contact::default())?;
        }
        for kind in [SpaceKind::Main, SpaceKind::Committee] {
            let ids = cards.iter().filter(|card| card.space == kind).map(|card| card.id);
            let ids: Vec<EnvelopeId> = ids.collect();
            self.publish_erasures(kind, ids)?;
        }
        self.events.push_back(Event::Names);
        Ok(ErasedPerson {
            cards: cards.len(),
            old_name_remains,
        })
    }

    /// Whether the records hold a name of the member of kind `person`, as earlier versions wrote it: its body cannot be erased.
    fn has_old_name(&self, member: MemberId) -> Result<bool, DeviceError> {
        let main = self.space(SpaceKind::Main)?;
        let (id, mut after) = (main.id(), 0);
        loop {
            let page = self.replica.store().since(&id, after, PAGE)?;
            let old = |stored: &Stored| {
                let record = self
                    .opened(&main, stored)
                    .map(|(_, payload)| PersonRecord::decode(&payload));
                matches!(record, Some(Ok(record)) if record.subject == Subject::Member(member))
            };
            if page
                .envelopes
                .iter()
                .any(|stored| stored.kind == Kind::PERSON && old(stored))
            {
                return Ok(true);
            }
            if !page.more {
                return Ok(false);
            }
            after = page.upto;
        }
    }
}

fn card_put(id: EnvelopeId, member: MemberId, space: SpaceKind) -> Put {
    put(
        card_key(id),
        Some([&member.as_bytes()[..], &[space as u8]].concat()),
    )
}

fn read_card(id: EnvelopeId, row: &[u8]) -> Result<Card, DeviceError> {
    let damaged = || DeviceError::damaged("cards");
    let (space, member) = row.split_last().ok_or_else(damaged)?;
    Ok(Card {
        id,
        member: MemberId::from_slice(member).ok_or_else(damaged)?,
        space: match *space {
            space if space == SpaceKind::Main as u8 => SpaceKind::Main,
            space if space == SpaceKind::Committee as u8 => SpaceKind::Committee,
            _ => return Err(damaged()),
        },
    })
}

/// Which of two sensitive cards is the newer one.
fn rank_of(payload: &[u8], id: EnvelopeId) -> (u64, EnvelopeId) {
    let revision = ContactRecord::decode(payload).map_or(0, |record| record.revision.min(1 << 32));
    (revision, id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(len: usize) -> ContactRecord {
        ContactRecord {
            member: MemberId::from_bytes([1; 16]),
            revision: 3,
            contact: Contact {
                phone: "0912 345 678".to_owned(),
                note: "x".repeat(len),
                ..Contact::default()
            },
        }
    }

    #[test]
    fn a_sensitive_card_has_the_written_form_and_one_letter_over_the_limit_is_refused() {
        let bytes = record(1).encode();
        assert_eq!(
            data_encoding::HEXLOWER.encode(&bytes),
            "87015001010101010101010101010101010101036c30393132203334352036373860606178"
        );
        assert!(ContactRecord::decode(&bytes).is_ok_and(|read| read == record(1)));
        assert!(ContactRecord::decode(&record(CONTACT_LINE_BYTES_MAX).encode()).is_ok());
        let long = ContactRecord::decode(&record(CONTACT_LINE_BYTES_MAX + 1).encode());
        assert!(matches!(long, Err(CborError::TooMany { .. })));
        for len in 0..bytes.len() {
            assert!(ContactRecord::decode(&bytes[..len]).is_err(), "{len}");
        }
    }

    proptest! {
        #[test]
        fn garbage_is_no_card(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            if let Ok(record) = ContactRecord::decode(&bytes) {
                prop_assert_eq!(record.encode(), bytes);
            }
        }
    }
}
