//! Guests: phones that are shown one meeting and nothing else (rank 5, clause P16).
//!
//! A guest gets no key of the branch. Officers' phones put the minutes of the meeting, as they stand or as they were
//! sealed, into a space of their own, whose key the guest's phone is given; when the minutes change they put them there
//! again (decision 0130).

use serde::Serialize;
use sha2::{Digest, Sha256};
use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::{DeviceId, DocId, Envelope, InOrder, Kind, MemberId, Space, SpaceKind};
use sotay_membership::limits::SEAL_TEXT_BYTES_MAX;
use sotay_membership::{Flags, Grant, Membership, State, Validity, rank};
use sotay_store::Store;
use sotay_vault::open_body;

use super::Device;
use super::enrol::{AdmitError, active};
use super::people::Subject;
use crate::enrolment::{Invitation, JoinRequest};
use crate::error::DeviceError;

/// Meetings that are open to guests at one time.
pub const GUEST_MEETINGS_MAX: usize = 8;
/// Bytes of text in one envelope.
const PART_BYTES: usize = 48 * 1024;
/// Parts of one page.
const PARTS_MAX: usize = SEAL_TEXT_BYTES_MAX.div_ceil(PART_BYTES);
/// Edition of a page that nobody reaches by writing.
const EDITION_MAX: u64 = 1 << 32;
const VERSION: u64 = 1;

/// Whom an officer lets into a meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestAsk {
    /// The text that the guest's phone handed over.
    pub request: String,
    /// The meeting.
    pub meeting: DocId,
    /// The guest's name, for the list of phones; members see it.
    pub name: String,
    /// Relay addresses to pass on.
    pub relays: Vec<String>,
}

/// A guest's phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuestLine {
    /// The phone, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub device: DeviceId,
    /// Its label.
    pub label: String,
    /// The guest's name, if known here.
    pub name: Option<String>,
    /// The meeting, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub meeting: DocId,
    /// Whether the guest is let in now.
    pub open: bool,
}

/// What a guest reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuestPage {
    /// The meeting, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub meeting: DocId,
    /// The minutes.
    pub text: String,
    /// SHA-256 of the text, in hexadecimal: compare it with that of the minutes.
    pub sha256: String,
    /// Whether this is the text that was sealed.
    pub sealed: bool,
}

/// One part of a page: the content of one envelope of a guest space.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    edition: u64,
    sealed: bool,
    number: usize,
    of: usize,
    bytes: Vec<u8>,
}

impl Part {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(6)
            .uint(VERSION)
            .uint(self.edition)
            .uint(u64::from(self.sealed))
            .uint(self.number as u64)
            .uint(self.of as u64)
            .bytes(&self.bytes);
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes);
        reader.array(6)?;
        let malformed = CborError::Malformed {
            at: reader.position(),
        };
        let version = reader.uint()?;
        let part = Self {
            edition: reader.uint()?,
            sealed: match reader.uint()? {
                0 => false,
                1 => true,
                _ => return Err(malformed),
            },
            number: reader.small::<u16>()?.into(),
            of: reader.small::<u16>()?.into(),
            bytes: reader.bytes(PART_BYTES)?.to_vec(),
        };
        let whole = (1..=PARTS_MAX).contains(&part.of) && part.number < part.of;
        if version != VERSION || part.edition > EDITION_MAX || !whole {
            return Err(malformed);
        }
        reader.finish(&part.encode())?;
        Ok(part)
    }
}

/// A page in parts.
fn parts(edition: u64, sealed: bool, text: &str) -> Vec<Part> {
    let chunks: Vec<&[u8]> = text.as_bytes().chunks(PART_BYTES).collect();
    let part = |(number, bytes): (usize, &&[u8])| Part {
        edition,
        sealed,
        number,
        of: chunks.len(),
        bytes: bytes.to_vec(),
    };
    chunks.iter().enumerate().map(part).collect()
}

/// The newest whole page of a space.
struct Shown {
    edition: u64,
    sealed: bool,
    text: String,
}

impl<S: Store> Device<S> {
    /// Lets a phone read one meeting, and makes the invitation to hand back. End it with [`Device::revoke`].
    pub fn admit_guest(&mut self, ask: &GuestAsk, now: i64) -> Result<Invitation, AdmitError> {
        let request = JoinRequest::from_text(&ask.request)?;
        request.fresh(now)?;
        self.unused(&request)?;
        let joiner = request.keys.sign.device_id();
        let unit = self.home()?.unit;
        self.meeting_key(ask.meeting)?;
        super::roster::check_name(&ask.name)?;
        if let Some(member) = active(self.membership()?.standing(joiner)).and_then(|held| held.member) {
            return Err(AdmitError::Already { member });
        }
        let open = self.membership()?.guest_documents();
        if !open.contains(&ask.meeting) && open.len() >= GUEST_MEETINGS_MAX {
            return Err(AdmitError::TooManyMeetings);
        }
        let mut member = [0; 16];
        self.rng.fill_bytes(&mut member);
        let grant = Grant {
            member: MemberId::from_bytes(member),
            rank: rank::GUEST,
            flags: Flags::default(),
            keys: request.keys,
            scope: Some(ask.meeting),
            from_ms: now,
        };
        let member = grant.member;
        let mut acts = self.begin_acts()?;
        let grant = self.give(&mut acts, grant)?;
        // With the first guest of a meeting comes its key.
        self.rekey_unclean(&mut acts)?;
        let used = self.used_puts(&request, now)?;
        self.commit_acts(acts, used)?;
        self.rename(Subject::Member(member), &ask.name)?;
        if !request.label.trim().is_empty() {
            self.rename(Subject::Device(joiner), &request.label)?;
        }
        self.flush()?;
        self.show_guests()?;
        Ok(Invitation {
            unit,
            member,
            grant,
            relays: ask.relays.clone(),
            bundle: self.bundle_for(joiner)?,
        })
    }

    /// The phones of guests, by meeting and id.
    pub fn guests(&self) -> Result<Vec<GuestLine>, DeviceError> {
        let membership = self.membership()?;
        let slot = sotay_membership::slot_scope(&self.space(SpaceKind::Inbox)?);
        let mut lines = Vec::new();
        for (_, _, grant, validity) in membership.grants() {
            let (Some(meeting), device) = (grant.scope, grant.device()) else {
                continue;
            };
            if meeting != slot && validity != Validity::Void {
                let state = membership.standing(device).map(|standing| standing.state);
                lines.push(GuestLine {
                    device,
                    label: self.device_label(device),
                    name: self.member_name(grant.member),
                    meeting,
                    open: validity == Validity::Valid && state == Some(State::Active),
                });
            }
        }
        lines.in_order_by_key(|line| (line.meeting, line.device));
        Ok(lines)
    }

    /// What this phone, a guest's, was shown last. `None`: nothing has come yet.
    pub fn guest_page(&self) -> Result<Option<GuestPage>, DeviceError> {
        for space in self.spaces()? {
            if let (Some(meeting), Some(shown)) = (space.shown(), self.page_of(&space)?) {
                return Ok(Some(GuestPage {
                    meeting,
                    sha256: data_encoding::HEXLOWER.encode(&Sha256::digest(shown.text.as_bytes())),
                    text: shown.text,
                    sealed: shown.sealed,
                }));
            }
        }
        Ok(None)
    }

    /// The spaces of the meetings that are open to guests, at most [`GUEST_MEETINGS_MAX`].
    pub(super) fn guest_spaces(&self, membership: &Membership) -> Result<Vec<Space>, DeviceError> {
        let unit = self.home()?.unit;
        let open = membership.guest_documents().into_iter();
        let own = open.map(|doc| Space::guest(unit, doc));
        let readable = own.filter(|space| membership.may_read(self.id(), space).is_ok());
        Ok(readable.take(GUEST_MEETINGS_MAX).collect())
    }

    /// On an officer's phone: puts the minutes of meetings that are open to guests where these read them, if they are
    /// not there as they stand.
    pub(super) fn show_guests(&mut self) -> Result<(), DeviceError> {
        // A phone that waits for its grant knows no membership yet.
        let Ok(membership) = self.membership() else {
            return Ok(());
        };
        for space in self.guest_spaces(membership)? {
            let writes = self.membership()?.may_write(self.id(), &space, Kind::SNAPSHOT, 1);
            let Some(doc) = space.shown().filter(|_| writes.is_ok()) else {
                continue;
            };
            // Nobody's meeting, or one this phone has not got yet; or no key of the space yet.
            if self.meeting_key(doc).is_err() || self.guest_key(&space)?.is_none() {
                continue;
            }
            let text = self.minutes(doc)?.text;
            let sealed = self.sealed(doc)?.standing().is_some();
            let last = self.page_of(&space)?;
            let same = |shown: &Shown| (shown.sealed, &shown.text) == (sealed, &text);
            if text.len() > SEAL_TEXT_BYTES_MAX || last.as_ref().is_some_and(same) {
                continue;
            }
            let edition = last.map_or(1, |shown| EDITION_MAX.min(shown.edition + 1));
            let payloads = parts(edition, sealed, &text)
                .iter()
                .map(|part| (Kind::SNAPSHOT, part.encode()))
                .collect();
            self.publish(&space, payloads, Vec::new())?;
        }
        Ok(())
    }

    fn guest_key(&self, space: &Space) -> Result<Option<sotay_feed::EpochId>, DeviceError> {
        let id = space.id();
        let epoch = self.membership()?.writing_epoch(&id);
        Ok(epoch.filter(|&epoch| self.ring.get(id.tag(), epoch).is_some()))
    }

    /// The page of the greatest edition, then of the lowest device, of which all parts are here.
    fn page_of(&self, space: &Space) -> Result<Option<Shown>, DeviceError> {
        let id = space.id();
        let mut best: Option<Shown> = None;
        for (device, last) in self.replica.store().frontier(&id)?.iter() {
            // The end of each feed holds the newest page of its phone; it is read from its last part on.
            let mut found: Vec<Part> = Vec::new();
            for seq in (1..=last).rev() {
                let part = self.read_part(space, device, seq)?;
                let follows = |part: &Part| {
                    let after = found.last();
                    after.is_some_and(|after| {
                        (after.edition, after.of, after.number) == (part.edition, part.of, part.number + 1)
                    })
                };
                match part {
                    Some(part) if follows(&part) => found.push(part),
                    Some(part) if part.number + 1 == part.of => found = vec![part],
                    _ => found.clear(),
                }
                if found.last().is_some_and(|part| part.number == 0) {
                    break;
                }
            }
            found.reverse();
            let Some(first) = found.first().filter(|first| first.number == 0) else {
                continue;
            };
            if best.as_ref().is_none_or(|best| best.edition < first.edition) {
                let bytes: Vec<u8> = found.iter().flat_map(|part| part.bytes.clone()).collect();
                let (edition, sealed) = (first.edition, first.sealed);
                best = String::from_utf8(bytes)
                    .ok()
                    .map(|text| Shown {
                        edition,
                        sealed,
                        text,
                    })
                    .or(best);
            }
        }
        Ok(best)
    }

    fn read_part(&self, space: &Space, device: DeviceId, seq: u64) -> Result<Option<Part>, DeviceError> {
        let id = space.id();
        let Some(stored) = self
            .replica
            .store()
            .at(&id, device, seq)?
            .filter(|stored| stored.kind == Kind::SNAPSHOT)
        else {
            return Ok(None);
        };
        let read = || {
            let envelope = Envelope::decode(&stored.bytes).ok()?;
            self.membership().ok()?.may_admit(&envelope, space).ok()?;
            let key = self.ring.get(id.tag(), envelope.header().epoch)?;
            Part::decode(&open_body(envelope.header_bytes(), key, envelope.body()).ok()?).ok()
        };
        Ok(read())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_part_has_the_written_form_and_a_page_in_parts_is_whole_again() {
        let part = Part {
            edition: 2,
            sealed: true,
            number: 0,
            of: 1,
            bytes: b"A".to_vec(),
        };
        assert_eq!(
            data_encoding::HEXLOWER.encode(&part.encode()),
            "86010201000141 41".replace(' ', "")
        );
        assert_eq!(Part::decode(&part.encode()), Ok(part));
        let text = "ế".repeat(SEAL_TEXT_BYTES_MAX / 3);
        let whole = parts(1, false, &text);
        assert_eq!(whole.len(), PARTS_MAX);
        let bytes: Vec<u8> = whole.iter().flat_map(|part| part.bytes.clone()).collect();
        assert_eq!(bytes, text.as_bytes());
        assert!(
            whole
                .iter()
                .all(|part| Part::decode(&part.encode()).as_ref() == Ok(part))
        );
    }

    #[test]
    fn one_byte_short_another_version_and_numbers_over_the_limits_are_no_part() {
        let good = parts(1, false, "Biên bản")[0].clone();
        let bytes = good.encode();
        for len in 0..bytes.len() {
            assert!(Part::decode(&bytes[..len]).is_err(), "{len}");
        }
        let mut newer = bytes.clone();
        newer[1] = 2;
        assert!(Part::decode(&newer).is_err());
        let cases = [
            Part {
                number: 1,
                ..good.clone()
            },
            Part {
                of: PARTS_MAX + 1,
                ..good.clone()
            },
            Part {
                of: 0,
                ..good.clone()
            },
            Part {
                edition: EDITION_MAX + 1,
                ..good.clone()
            },
            Part {
                bytes: vec![0; PART_BYTES + 1],
                ..good.clone()
            },
        ];
        for bad in cases {
            assert!(Part::decode(&bad.encode()).is_err(), "{bad:?}");
        }
        assert!(
            Part::decode(
                &Part {
                    of: PARTS_MAX,
                    edition: EDITION_MAX,
                    ..good
                }
                .encode()
            )
            .is_ok()
        );
    }

    proptest! {
        #[test]
        fn garbage_is_no_part(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Part::decode(&bytes);
        }
    }
}
