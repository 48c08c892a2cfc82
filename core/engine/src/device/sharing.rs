//! "I have it", "I am done with it": what a member chooses to tell the unit about a document (clause L3).
//!
//! A shared mark is an envelope of kind `study` in `main`, written by the member's own device and by nobody else; the
//! latest one of a member and document counts, and one of them takes back what was told. Nothing is told by itself: an
//! envelope names its device, so there can be no receipt without a person (decision 0087). What is not told is unknown.

use std::collections::BTreeMap;

use serde::Serialize;
use sotay_feed::{EnvelopeId, IntoTree, Kind, MemberId, SpaceKind};
use sotay_membership::{Denied, rank};
use sotay_store::{Bucket, Put, Store, Stored};
use sotay_study::delivery::{Figures, Receipt, figures};
use sotay_study::library::Hash;

use super::Device;
use super::library::{LibraryError, put, tagged};
use super::roster::today;
use crate::error::DeviceError;

/// Form of a study record: a shared mark. Only in `main`.
/// How the rows of shared marks begin.
pub(super) const SHARED_ROWS: &[u8] = b"s";
pub(super) const SHARED: u8 = 3;
/// Bytes of a shared mark after its form: document, revision, mark.
const SHARED_BYTES: usize = 32 + 8 + 1;
/// Revisions of one mark. Nobody changes their mind so often; a counter without an end could be brought to overflow.
const REVISION_MAX: u64 = 1 << 32;
/// Documents of which one member's marks are kept.
pub const SHARED_MARKS_MAX: usize = 2_000;

/// What a member tells of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SharedMark {
    /// Nothing any more.
    Withdrawn,
    /// That it is here.
    Received,
    /// That it is read.
    Done,
}

impl SharedMark {
    fn from_number(number: u8) -> Option<Self> {
        [Self::Withdrawn, Self::Received, Self::Done]
            .get(usize::from(number))
            .copied()
    }
}

#[derive(Clone, Copy)]
struct Told {
    document: Hash,
    revision: u64,
    mark: SharedMark,
}

impl Told {
    fn encode(self) -> Vec<u8> {
        [
            &self.document.0[..],
            &self.revision.to_be_bytes(),
            &[self.mark as u8],
        ]
        .concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != SHARED_BYTES {
            return None;
        }
        let (document, rest) = bytes.split_first_chunk::<32>()?;
        let (revision, mark) = rest.split_first_chunk::<8>()?;
        let told = Self {
            document: Hash(*document),
            revision: u64::from_be_bytes(*revision),
            mark: SharedMark::from_number(mark[0])?,
        };
        (told.revision <= REVISION_MAX).then_some(told)
    }
}

/// All shared marks known here: the last one of each member and document.
#[derive(Default)]
pub(super) struct Shared(BTreeMap<(MemberId, Hash), (u64, EnvelopeId, SharedMark)>);

impl Shared {
    pub fn load<S: Store>(store: &S) -> Result<Self, DeviceError> {
        let mut shared = Self::default();
        for (key, value) in store.list(Bucket::Study, SHARED_ROWS)? {
            let damaged = || DeviceError::damaged("shared marks");
            let member = key
                .get(1..1 + MemberId::LEN)
                .and_then(MemberId::from_slice)
                .ok_or_else(damaged)?;
            let (envelope, told) = value.split_at_checked(EnvelopeId::LEN).ok_or_else(damaged)?;
            let envelope = EnvelopeId::from_slice(envelope).ok_or_else(damaged)?;
            shared.take(member, envelope, Told::decode(told).ok_or_else(damaged)?);
        }
        Ok(shared)
    }

    /// Whether it is the last one of its member and document, and not one document too many.
    fn take(&mut self, member: MemberId, envelope: EnvelopeId, told: Told) -> bool {
        let key = (member, told.document);
        match self.0.get(&key) {
            Some((revision, before, _)) if (*revision, *before) >= (told.revision, envelope) => return false,
            None if self.of(member).count() >= SHARED_MARKS_MAX => return false,
            _ => {}
        }
        self.0.insert(key, (told.revision, envelope, told.mark));
        true
    }

    fn of(&self, member: MemberId) -> impl Iterator<Item = (Hash, SharedMark)> {
        let all = (member, Hash([0; 32]))..=(member, Hash([0xff; 32]));
        self.0
            .range(all)
            .map(|(&(_, document), &(.., mark))| (document, mark))
    }

    fn next_revision(&self, member: MemberId, document: Hash) -> u64 {
        let known = self.0.get(&(member, document));
        known.map_or(1, |(revision, ..)| REVISION_MAX.min(revision + 1))
    }

    /// Takes in the payload of a study record in `main`; the row to store. `None`: not of a form this version knows, or
    /// nobody's.
    pub fn learn(
        &mut self,
        member: Option<MemberId>,
        stored: &Stored,
        payload: &[u8],
    ) -> Option<Option<Put>> {
        let told = payload.strip_prefix(&[SHARED]).and_then(Told::decode)?;
        let member = member?;
        if !self.take(member, stored.id, told) {
            return Some(None);
        }
        Some(Some(row(member, stored.id, &told)))
    }

    /// The rows of all of them.
    pub fn rows(&self) -> impl Iterator<Item = Put> {
        self.0
            .iter()
            .map(|(&(member, document), &(revision, envelope, mark))| {
                let told = Told {
                    document,
                    revision,
                    mark,
                };
                row(member, envelope, &told)
            })
    }
}

fn row(member: MemberId, envelope: EnvelopeId, told: &Told) -> Put {
    let key = [SHARED_ROWS, &member.as_bytes()[..], &told.document.0].concat();
    let value = [&envelope.as_bytes()[..], &told.encode()].concat();
    put(Bucket::Study, key, &value)
}

impl<S: Store> Device<S> {
    /// Tells the unit about a document, or takes it back. Everybody in the unit can read it; officers are shown names.
    pub fn share_reading(&mut self, document: Hash, mark: SharedMark) -> Result<(), LibraryError> {
        self.manifest(document)?;
        let member = self.home()?.member;
        if self.shared_reading(document)? == mark {
            return Ok(());
        }
        let told = Told {
            document,
            revision: self.library.shared.next_revision(member, document),
            mark,
        };
        let main = self.space(SpaceKind::Main)?;
        self.publish(
            &main,
            vec![(Kind::STUDY, tagged(SHARED, &told.encode()))],
            Vec::new(),
        )?;
        Ok(self.absorb()?)
    }

    /// What the holder told of a document.
    pub fn shared_reading(&self, document: Hash) -> Result<SharedMark, DeviceError> {
        let key = (self.home()?.member, document);
        let known = self.library.shared.0.get(&key);
        Ok(known.map_or(SharedMark::Withdrawn, |(.., mark)| *mark))
    }

    /// Who told what of a document, by member. For officers only.
    pub fn readers_of(&self, document: Hash) -> Result<Vec<(MemberId, SharedMark)>, LibraryError> {
        let standing = self.membership()?.standing(self.id());
        if standing.is_none_or(|standing| standing.rank > rank::DEPUTY) {
            return Err(DeviceError::from(Denied::Rank).into());
        }
        self.manifest(document)?;
        let told = self.library.shared.0.iter();
        let told = told.filter(|((_, of), (.., mark))| *of == document && *mark != SharedMark::Withdrawn);
        Ok(told.map(|((member, _), (.., mark))| (*member, *mark)).collect())
    }

    /// Figures of every document of the library, without persons: of how many members of today's list something is known.
    pub fn delivery(&mut self, now: i64) -> Result<BTreeMap<Hash, Figures>, LibraryError> {
        let roll = self.roster_view()?.at(today(now));
        let listed = |member: &MemberId| roll.get(*member).is_some();
        let receipts: Vec<Receipt> = self
            .library
            .shared
            .0
            .iter()
            .filter(|((member, _), (.., mark))| *mark != SharedMark::Withdrawn && listed(member))
            .map(|((member, document), (.., mark))| Receipt {
                document: *document,
                member: *member.as_bytes(),
                done: *mark == SharedMark::Done,
            })
            .collect();
        let members = roll.lines().len();
        let mut known = figures(&receipts, members);
        let manifests = self.manifests()?;
        let figures = |id| {
            known.remove(&id).unwrap_or(Figures {
                members,
                delivered: 0,
                done: None,
            })
        };
        let ids: Vec<Hash> = manifests.iter().map(sotay_study::library::Manifest::id).collect();
        let figures: Vec<Figures> = ids.iter().copied().map(figures).collect();
        Ok(ids.into_iter().zip(figures).into_map())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::quizzes::tests::meet as sync;
    use crate::device::tests::{NOW, branch, join, law};

    #[test]
    fn a_shared_mark_has_one_form_and_nothing_else_is_one() {
        let told = Told {
            document: Hash([7; 32]),
            revision: 3,
            mark: SharedMark::Done,
        };
        let bytes = told.encode();
        assert_eq!(bytes, [&[7; 32][..], &[0, 0, 0, 0, 0, 0, 0, 3, 2]].concat());
        assert_eq!(Told::decode(&bytes).map(Told::encode), Some(bytes.clone()));
        assert!(Told::decode(&bytes[..40]).is_none());
        assert!(Told::decode(&[&bytes[..], &[0]].concat()).is_none());
        let with = |at: usize, byte: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            bytes
        };
        assert!(Told::decode(&with(40, 3)).is_none(), "an unknown mark");
        assert!(Told::decode(&with(32, 1)).is_none(), "a revision over the limit");
    }

    #[test]
    fn the_last_revision_counts_in_any_order_and_no_member_fills_the_store() {
        let told = |document: usize, revision, mark| {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&(document as u64).to_be_bytes());
            Told {
                document: Hash(id),
                revision,
                mark,
            }
        };
        let (member, envelope) = (MemberId::from_bytes([1; 16]), |n| EnvelopeId::from_bytes([n; 32]));
        let all = [
            (1, SharedMark::Done),
            (2, SharedMark::Withdrawn),
            (2, SharedMark::Received),
        ];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let mut shared = Shared::default();
            for at in order {
                let (revision, mark) = all[at];
                shared.take(member, envelope(at as u8), told(0, revision, mark));
            }
            assert_eq!(
                shared.of(member).next().unwrap().1,
                SharedMark::Received,
                "{order:?}"
            );
        }
        let mut shared = Shared::default();
        for document in 0..SHARED_MARKS_MAX {
            assert!(shared.take(member, envelope(0), told(document, 1, SharedMark::Done)));
        }
        assert!(!shared.take(member, envelope(0), told(SHARED_MARKS_MAX, 1, SharedMark::Done)));
        assert!(shared.take(member, envelope(0), told(0, 2, SharedMark::Withdrawn)));
        assert!(shared.take(
            MemberId::from_bytes([2; 16]),
            envelope(0),
            told(SHARED_MARKS_MAX, 1, SharedMark::Done)
        ));
    }

    #[test]
    fn officers_see_who_shared_and_others_see_figures_until_it_is_taken_back() {
        let mut secretary = branch(61);
        let law = secretary.publish_documents(&[law()]).unwrap()[0];
        let mut member = join(&mut secretary, 62, "P4", rank::MEMBER);
        assert_eq!(member.delivery(NOW).unwrap()[&law].to_string(), "đã nhận 0/2");
        member.share_reading(law, SharedMark::Done).unwrap();
        assert_eq!(member.shared_reading(law).unwrap(), SharedMark::Done);
        sync(&mut member, &mut secretary);
        let holder = member.member().unwrap();
        assert_eq!(secretary.readers_of(law).unwrap(), [(holder, SharedMark::Done)]);
        assert_eq!(secretary.delivery(NOW).unwrap()[&law].to_string(), "đã nhận 1/2");
        assert!(matches!(
            member.readers_of(law),
            Err(LibraryError::Device(DeviceError::Denied(Denied::Rank)))
        ));
        member.share_reading(law, SharedMark::Withdrawn).unwrap();
        sync(&mut member, &mut secretary);
        assert_eq!(secretary.readers_of(law).unwrap(), []);
        assert_eq!(secretary.delivery(NOW).unwrap()[&law].delivered, 0);
        // What is known survives the phone being closed and opened.
        let store = secretary.into_store();
        use rand::SeedableRng;
        let rng = rand::rngs::StdRng::seed_from_u64(63);
        let again = Device::open(store, Box::new(rng)).unwrap();
        assert_eq!(again.readers_of(law).unwrap(), []);
    }

    #[test]
    fn a_document_that_is_not_here_cannot_be_shared() {
        let mut secretary = branch(64);
        let shared = secretary.share_reading(Hash([9; 32]), SharedMark::Done);
        assert!(matches!(shared, Err(LibraryError::Unknown)));
    }
}
