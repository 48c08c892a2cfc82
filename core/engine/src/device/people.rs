//! Names of members, devices and the unit: personal data that never enters a document or a grant (clause E3).
//!
//! Each is an envelope in `main`, sealed under the epoch, replaceable: the greatest revision counts, then the greatest
//! envelope id. Members are named by kind `card`, whose body can be erased, all else by kind `person`. Documents hold ids only and are rendered with the names known here.

use std::collections::BTreeMap;

use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::{DeviceId, EnvelopeId, MemberId, UnitId};
use sotay_handbook::Names;
use sotay_membership::rank;
use sotay_store::{Bucket, Put, Store, Stored};

use super::Device;
use super::absorb::Haul;
use crate::error::DeviceError;
use crate::event::SetAside;

/// Bytes of one name.
pub const NAME_BYTES_MAX: usize = 300 * 4;
/// Revisions of one name. Nobody corrects a name so often; a counter without an end could be brought to overflow.
const REVISION_MAX: u64 = 1 << 32;

/// Whom a name belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Member(MemberId),
    Device(DeviceId),
    /// The unit itself.
    Unit(UnitId),
    /// The body above the unit, as its documents name it.
    Upper(UnitId),
}

/// The content of one `person` envelope.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PersonRecord {
    pub subject: Subject,
    pub revision: u64,
    pub name: String,
}

impl PersonRecord {
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(5).uint(1);
        match &self.subject {
            Subject::Member(member) => writer.uint(0).bytes(member.as_bytes()),
            Subject::Device(device) => writer.uint(1).bytes(device.as_bytes()),
            Subject::Unit(unit) => writer.uint(2).bytes(unit.as_bytes()),
            Subject::Upper(unit) => writer.uint(3).bytes(unit.as_bytes()),
        };
        writer.uint(self.revision).text(&self.name);
        writer.into_bytes()
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes);
        reader.array(5)?;
        let at = reader.position();
        let malformed = CborError::Malformed { at };
        if reader.uint()? != 1 {
            return Err(malformed);
        }
        let subject = match reader.uint()? {
            0 => Subject::Member(MemberId::from_bytes(reader.fixed()?)),
            1 => Subject::Device(DeviceId::from_bytes(reader.fixed()?)),
            2 => Subject::Unit(UnitId::from_bytes(reader.fixed()?)),
            3 => Subject::Upper(UnitId::from_bytes(reader.fixed()?)),
            _ => return Err(malformed),
        };
        let record = Self {
            subject,
            revision: reader.uint()?,
            name: reader.text(NAME_BYTES_MAX)?.to_owned(),
        };
        if record.revision > REVISION_MAX {
            return Err(malformed);
        }
        reader.finish(&record.encode())?;
        Ok(record)
    }
}

#[derive(Clone)]
struct Known {
    revision: u64,
    envelope: EnvelopeId,
    name: String,
}

/// Everything known, as the last revisions have it.
#[derive(Clone, Default)]
pub(super) struct People(BTreeMap<Subject, Known>);

impl People {
    pub fn load<S: Store>(store: &S) -> Result<Self, DeviceError> {
        let mut people = Self::default();
        for (key, value) in store.list(Bucket::Person, &[])? {
            if key.first().is_some_and(|&first| first >= super::cards::NOT_NAMES) {
                continue;
            }
            let (id, body) = value
                .split_at_checked(EnvelopeId::LEN)
                .ok_or(DeviceError::damaged("names"))?;
            let record = PersonRecord::decode(body).map_err(|_| DeviceError::damaged("names"))?;
            debug_assert_eq!(key, key_of(&record.subject));
            let envelope = EnvelopeId::from_slice(id).ok_or(DeviceError::damaged("names"))?;
            people.learn(envelope, record);
        }
        Ok(people)
    }

    /// The revision after the newest known one; from the last one on, envelope ids decide.
    pub fn next_revision(&self, subject: &Subject) -> u64 {
        self.0
            .get(subject)
            .map_or(1, |known| REVISION_MAX.min(known.revision + 1))
    }

    /// Takes a record in; the put to store it, if it is the newest.
    pub fn learn(&mut self, envelope: EnvelopeId, record: PersonRecord) -> Option<Put> {
        let known = self.0.get(&record.subject);
        if known.is_some_and(|k| (k.revision, k.envelope) >= (record.revision, envelope)) {
            return None;
        }
        let mut value = envelope.as_bytes().to_vec();
        value.extend_from_slice(&record.encode());
        let put = Put {
            bucket: Bucket::Person,
            key: key_of(&record.subject),
            value: Some(value),
        };
        let PersonRecord {
            subject,
            revision,
            name,
        } = record;
        self.0.insert(
            subject,
            Known {
                revision,
                envelope,
                name,
            },
        );
        Some(put)
    }

    /// The envelope that the newest name came in.
    pub fn source(&self, subject: &Subject) -> Option<EnvelopeId> {
        self.0.get(subject).map(|known| known.envelope)
    }

    /// Forgets the name that an envelope gave a member; the row to delete, if it was the newest.
    pub fn forget(&mut self, member: MemberId, envelope: EnvelopeId) -> Option<Put> {
        let subject = Subject::Member(member);
        if self.source(&subject) != Some(envelope) {
            return None;
        }
        self.0.remove(&subject);
        Some(Put {
            bucket: Bucket::Person,
            key: key_of(&subject),
            value: None,
        })
    }

    /// The newest name. An empty one says that it was erased: it counts against whatever older one comes later.
    pub fn get(&self, subject: &Subject) -> Option<&str> {
        let known = self.0.get(subject)?;
        Some(known.name.as_str()).filter(|name| !name.is_empty())
    }
}

fn key_of(subject: &Subject) -> Vec<u8> {
    match subject {
        Subject::Member(member) => [&[0], &member.as_bytes()[..]].concat(),
        Subject::Device(device) => [&[1], &device.as_bytes()[..]].concat(),
        Subject::Unit(unit) => [&[2], &unit.as_bytes()[..]].concat(),
        Subject::Upper(unit) => [&[3], &unit.as_bytes()[..]].concat(),
    }
}

impl<S: Store> Device<S> {
    pub(super) fn read_person(&mut self, stored: &Stored, payload: &[u8], haul: &mut Haul) {
        let Ok(record) = PersonRecord::decode(payload) else {
            return self.set_aside(stored, SetAside::Unreadable, haul);
        };
        if !self.may_have_named(stored.device, &record.subject) {
            return self.set_aside(stored, SetAside::NotAllowed, haul);
        }
        haul.people.push((stored.id, record));
    }

    /// Officers name everybody; anybody names themselves and their own phone.
    pub(super) fn may_have_named(&self, device: DeviceId, subject: &Subject) -> bool {
        let author = self
            .membership()
            .ok()
            .and_then(|membership| membership.standing(device));
        let own = match subject {
            Subject::Device(named) => *named == device,
            Subject::Member(member) => author.is_some_and(|author| author.member == Some(*member)),
            Subject::Unit(_) | Subject::Upper(_) => false,
        };
        own || author.is_some_and(|author| author.rank <= rank::DEPUTY)
    }
}

impl Names for People {
    fn member(&self, member: MemberId) -> Option<&str> {
        self.get(&Subject::Member(member))
    }

    fn device(&self, device: DeviceId) -> Option<&str> {
        self.get(&Subject::Device(device))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotay_store::MemoryStore;

    fn record(revision: u64, name: &str) -> PersonRecord {
        PersonRecord {
            subject: Subject::Member(MemberId::from_bytes([1; 16])),
            revision,
            name: name.to_owned(),
        }
    }

    #[test]
    fn the_newest_revision_counts_in_any_order_of_arrival() {
        let records = [
            record(1, "Lê Văn A"),
            record(2, "Lê Văn Á"),
            record(2, "Lê Văn Ạ"),
        ];
        let ids = [[3; 32], [1; 32], [2; 32]].map(EnvelopeId::from_bytes);
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
            let mut people = People::default();
            for at in order {
                people.learn(ids[at], records[at].clone());
            }
            assert_eq!(
                people.member(MemberId::from_bytes([1; 16])),
                Some("Lê Văn Ạ"),
                "{order:?}"
            );
        }
    }

    #[test]
    fn records_round_trip_and_names_over_the_limit_are_refused() {
        let good = record(3, &"ế".repeat(NAME_BYTES_MAX / 3));
        assert!(PersonRecord::decode(&good.encode()).is_ok_and(|read| read == good));
        let long = record(3, &"x".repeat(NAME_BYTES_MAX + 1));
        assert!(matches!(
            PersonRecord::decode(&long.encode()),
            Err(CborError::TooMany { .. })
        ));
    }

    #[test]
    fn what_was_learnt_is_there_after_opening_the_store_again() {
        let mut store = MemoryStore::new(sotay_store::DatabaseId([0; 16]));
        let mut people = People::default();
        let put = people
            .learn(EnvelopeId::from_bytes([1; 32]), record(1, "Trần Thị B"))
            .unwrap();
        store
            .commit(sotay_store::Batch {
                envelopes: vec![],
                puts: vec![put],
                ..sotay_store::Batch::default()
            })
            .unwrap();
        let again = People::load(&store).unwrap();
        assert_eq!(again.member(MemberId::from_bytes([1; 16])), Some("Trần Thị B"));
    }
}
