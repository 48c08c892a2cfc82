//! What this device holds of seals: taking them in, judging them, and what was recorded after them.
//!
//! A seal stands in the feeds (P13), not in the document. Here rows are kept by document; whether a seal holds is judged
//! anew at every look, because a revocation may come later.

use std::collections::BTreeSet;

use data_encoding::HEXLOWER;
use serde::Serialize;
use sotay_document::crdt::ChangeHash;
use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::limits::ENVELOPE_BYTES_MAX;
use sotay_feed::{
    DeviceId, DocId, Envelope, EnvelopeId, InOrder, IntoTree, Kind, MemberId, Space, SpaceKind,
};
use sotay_handbook::meeting::MeetingView;
use sotay_handbook::review::{ReviewItem, SealNamed, late_records, same_period, seals_compete};
use sotay_handbook::{DocKind, HandbookEvent, Late, Mark, late};
use sotay_membership::limits::SEAL_TEXT_BYTES_MAX;
use sotay_membership::seal::{
    External, ExternalKind, MarkForm, Outcome, SealBody, SealId, SealKind, Signature, judge,
};
use sotay_store::{Bucket, Put, Store, Stored};
use sotay_vault::open_body;

use super::Device;
use super::absorb::Haul;
use super::books::BookKey;
use super::receipts::receipt_put;
use super::waiting::locked_put;
use crate::error::DeviceError;
use crate::event::{Event, SetAside};

/// How a seal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SealStatus {
    /// One of the two has signed.
    Waiting,
    /// Both have signed.
    Standing,
    /// A later edition stands in its place.
    Replaced,
    /// The chair or the secretary took it back.
    Withdrawn,
}

/// Somebody who signs, as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OfficialShown {
    /// The member, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub member: MemberId,
    /// The name as it is sealed.
    pub name: String,
    /// The device that signed, in hexadecimal; `None` while the signature is missing.
    pub signed_by: Option<String>,
}

/// An official signature made elsewhere, as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutsideShown {
    /// `pades`, `cades` or `other`.
    pub kind: &'static str,
    /// Name of its file.
    pub name: String,
    /// Its bytes.
    pub bytes: usize,
}

/// A seal, as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SealShown {
    /// Its id, in hexadecimal.
    pub id: String,
    /// Whether it seals an addendum; otherwise an edition of the minutes.
    pub addendum: bool,
    /// How it stands.
    pub status: SealStatus,
    /// SHA-256 of the text, in hexadecimal.
    pub sha256: String,
    /// Day of the meeting.
    pub date: String,
    /// Where.
    pub place: String,
    /// Who chaired.
    pub chair: OfficialShown,
    /// Who took the minutes.
    pub clerk: OfficialShown,
    /// Members present.
    pub present: u32,
    /// Members who could vote.
    pub eligible: u32,
    /// The seal it adds to or takes the place of.
    pub previous: Option<String>,
    /// When it was made, by the clock of whoever proposed it; milliseconds since 1970 UTC.
    pub claimed_ms: i64,
    /// Official signatures made elsewhere: kept, not judged.
    pub outside: Vec<OutsideShown>,
}

/// The seals of a meeting, and what came after them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SealsView {
    /// Every seal that at least one of the two signed: editions before their addenda, oldest first.
    pub seals: Vec<SealShown>,
    /// The edition that stands; of several that compete the one with the lowest id.
    pub standing: Option<String>,
    /// More than one edition stands: the chair withdraws all but one.
    pub competing: bool,
    /// "Bổ sung chưa chốt": what was recorded after the seal and is in no addendum yet.
    pub late: Vec<Late>,
}

/// A seal with what its marks come to.
pub(super) struct Known {
    pub id: SealId,
    pub body: SealBody,
    pub space: SpaceKind,
    pub packed: Vec<u8>,
    pub marks: Vec<Signature>,
    pub outcome: Outcome,
}

impl Known {
    /// The sealed text.
    pub fn text(&self) -> Result<String, DeviceError> {
        unpack(&self.packed).ok_or(DeviceError::damaged("sealed text"))
    }

    /// Heads of the document as it was sealed.
    pub fn heads(&self) -> Vec<ChangeHash> {
        self.body.heads.iter().map(|head| ChangeHash(*head)).collect()
    }

    pub fn proposal(&self) -> Option<&Signature> {
        self.marks.iter().find(|mark| mark.form == MarkForm::Proposal)
    }
}

/// The seals of a document, judged.
pub(super) struct Sealed {
    pub known: Vec<Known>,
    /// Editions that stand and that no other standing one replaces, lowest id first.
    pub tips: Vec<SealId>,
}

impl Sealed {
    pub fn get(&self, id: &SealId) -> Option<&Known> {
        self.known.iter().find(|known| known.id == *id)
    }

    /// The edition that stands.
    pub fn standing(&self) -> Option<&Known> {
        self.get(self.tips.first()?)
    }

    /// Addenda that stand beside the standing edition.
    pub fn addenda(&self) -> impl Iterator<Item = &Known> {
        let tip = self.tips.first().copied();
        self.known.iter().filter(move |known| {
            known.body.kind == SealKind::Addendum && known.outcome.stands() && known.body.previous == tip
        })
    }

    /// Heads that the standing edition and its addenda cover together.
    pub fn covered(&self) -> Vec<ChangeHash> {
        let standing = self.standing().into_iter().chain(self.addenda());
        let heads: BTreeSet<ChangeHash> = standing.flat_map(Known::heads).into_set();
        heads.into_iter().collect()
    }

    fn status(&self, known: &Known) -> SealStatus {
        if known.outcome.withdrawn.is_some() && known.outcome.is_signed() {
            SealStatus::Withdrawn
        } else if !known.outcome.is_signed() {
            SealStatus::Waiting
        } else if known.body.kind == SealKind::Minutes && !self.tips.contains(&known.id) {
            SealStatus::Replaced
        } else {
            SealStatus::Standing
        }
    }
}

pub(super) fn pack(text: &str) -> Result<Vec<u8>, DeviceError> {
    zstd::bulk::compress(text.as_bytes(), 3).map_err(|_| DeviceError::Internal("sealed text"))
}

fn unpack(packed: &[u8]) -> Option<String> {
    let bytes = zstd::bulk::decompress(packed, SEAL_TEXT_BYTES_MAX).ok()?;
    String::from_utf8(bytes).ok()
}

/// Payload of a proposal: `[1, body, text as one zstd frame]`.
pub(super) fn proposal(body: &SealBody, packed: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(3).uint(1).bytes(&body.encode()).bytes(packed);
    writer.into_bytes()
}

fn read_proposal(payload: &[u8]) -> Option<(SealBody, Vec<u8>)> {
    let read = || -> Result<(&[u8], &[u8]), CborError> {
        let mut reader = Reader::new(payload);
        reader.array(3)?;
        let at = reader.position();
        if reader.uint()? != 1 {
            return Err(CborError::Malformed { at });
        }
        let parts = (
            reader.bytes(ENVELOPE_BYTES_MAX)?,
            reader.bytes(ENVELOPE_BYTES_MAX)?,
        );
        match reader.rest().len() {
            0 => Ok(parts),
            more => Err(CborError::Trailing(more)),
        }
    };
    let (body, packed) = read().ok()?;
    let body = SealBody::decode(body).ok()?;
    body.is_of(&unpack(packed)?).then(|| (body, packed.to_vec()))
}

fn put(key: Vec<u8>, value: Vec<u8>) -> Put {
    Put {
        bucket: Bucket::Seal,
        key,
        value: Some(value),
    }
}

fn body_key(doc: DocId, id: &SealId) -> Vec<u8> {
    [b"b", &doc.as_bytes()[..], id.as_bytes()].concat()
}

fn doc_key(id: &SealId) -> Vec<u8> {
    [b"d", &id.as_bytes()[..]].concat()
}

fn mark_key(form: &[u8], id: &SealId) -> Vec<u8> {
    [form, id.as_bytes()].concat()
}

impl<S: Store> Device<S> {
    /// Takes in an envelope about a seal.
    pub(super) fn read_seal(&mut self, space: &Space, stored: &Stored, haul: &mut Haul) {
        let Ok(envelope) = Envelope::decode(&stored.bytes) else {
            return;
        };
        if stored.kind == Kind::RECEIPT {
            match receipt_put(envelope.body(), stored.device) {
                Some(put) => haul.puts.push(put),
                None => self.set_aside(stored, SetAside::Unreadable, haul),
            }
            return;
        }
        let Ok((mark, seal, clear)) = Signature::of(&envelope) else {
            return self.set_aside(stored, SetAside::Unreadable, haul);
        };
        let key = mark_key(b"m", &seal);
        let mut row = vec![mark.form as u8, space.kind as u8];
        row.extend_from_slice(mark.device.as_bytes());
        row.extend_from_slice(&mark.seq.to_be_bytes());
        let row = put([&key[..], mark.envelope.as_bytes()].concat(), row);
        if matches!(mark.form, MarkForm::Proposal | MarkForm::External) {
            let epoch = envelope.header().epoch;
            let Some(key) = self.ring.get(space.id().tag(), epoch) else {
                haul.puts
                    .push(locked_put(&space.id(), stored.arrival, Some(epoch)));
                return;
            };
            let payload = open_body(envelope.header_bytes(), key, &envelope.body()[clear..]);
            let rows = payload.ok().and_then(|payload| match mark.form {
                MarkForm::Proposal => {
                    let (body, packed) = read_proposal(&payload).filter(|(body, _)| body.id() == seal)?;
                    let value = [&[space.kind as u8][..], &proposal(&body, &packed)].concat();
                    Some(vec![
                        put(body_key(body.document, &seal), value),
                        put(doc_key(&seal), body.document.as_bytes().to_vec()),
                    ])
                }
                _ => {
                    let external = External::decode(&payload).ok()?;
                    let key = [&mark_key(b"x", &seal)[..], mark.envelope.as_bytes()].concat();
                    Some(vec![put(key, external.encode())])
                }
            });
            match rows {
                Some(rows) => haul.puts.extend(rows),
                None => return self.set_aside(stored, SetAside::Unreadable, haul),
            }
        }
        haul.puts.push(row);
        haul.sealed.insert(seal);
    }

    /// Tells listeners of the meetings whose seals changed.
    pub(super) fn announce_seals(&mut self, seals: BTreeSet<SealId>) -> Result<(), DeviceError> {
        for seal in seals {
            let doc = self.replica.store().get(Bucket::Seal, &doc_key(&seal))?;
            if let Some(doc) = doc.and_then(|doc| DocId::from_slice(&doc)) {
                let event = HandbookEvent::Phase;
                self.events.push_back(Event::Handbook { doc, event });
            }
        }
        Ok(())
    }

    /// The seals of a document that at least one of the two has signed, judged by the membership as known now.
    pub(super) fn sealed(&self, doc: DocId) -> Result<Sealed, DeviceError> {
        let mut known = Vec::new();
        let rows = self
            .replica
            .store()
            .list(Bucket::Seal, &[b"b", &doc.as_bytes()[..]].concat())?;
        for (_, value) in rows {
            let damaged = || DeviceError::damaged("seals");
            let (space, value) = value.split_first().ok_or_else(damaged)?;
            let space = SpaceKind::try_from(*space).map_err(|_| damaged())?;
            let (body, packed) = read_proposal(value).ok_or_else(damaged)?;
            let id = body.id();
            let marks = self.marks_of(&id, space)?;
            let outcome = judge(self.membership()?, &self.space(space)?, &body, &marks);
            if outcome.chair.is_some() || outcome.clerk.is_some() {
                known.push(Known {
                    id,
                    body,
                    space,
                    packed,
                    marks,
                    outcome,
                });
            }
        }
        let stands = |known: &&Known| known.body.kind == SealKind::Minutes && known.outcome.stands();
        let replaced: BTreeSet<SealId> = known
            .iter()
            .filter(stands)
            .filter_map(|k| k.body.previous)
            .collect();
        let mut tips: Vec<SealId> = known.iter().filter(stands).map(|k| k.id).collect();
        tips.retain(|id| !replaced.contains(id));
        tips.in_order();
        known.in_order_by_key(|known: &Known| (known.body.claimed_ms, known.id));
        known.in_order_by_key(|known| known.body.kind);
        Ok(Sealed { known, tips })
    }

    /// Heads that a seal of both vouches for (P5.15): what is sealed stays in the document.
    pub(super) fn sealed_heads(&self, doc: DocId) -> Result<Vec<ChangeHash>, DeviceError> {
        let sealed = self.sealed(doc)?;
        let signed = sealed.known.iter().filter(|known| known.outcome.is_signed());
        Ok(signed.flat_map(Known::heads).collect())
    }

    fn marks_of(&self, id: &SealId, space: SpaceKind) -> Result<Vec<Signature>, DeviceError> {
        let prefix = mark_key(b"m", id);
        let rows = self.replica.store().list(Bucket::Seal, &prefix)?;
        let read = |(key, row): &(Vec<u8>, Vec<u8>)| {
            let [form, kind, rest @ ..] = &row[..] else {
                return None;
            };
            let (device, seq) = rest.split_at_checked(DeviceId::LEN)?;
            let form = match form {
                0 => MarkForm::Proposal,
                1 => MarkForm::Countersignature,
                2 => MarkForm::Withdrawal,
                _ => MarkForm::External,
            };
            (*kind == space as u8).then_some(Signature {
                form,
                device: DeviceId::from_slice(device)?,
                seq: u64::from_be_bytes(seq.try_into().ok()?),
                envelope: EnvelopeId::from_slice(key.get(prefix.len()..)?)?,
            })
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    pub(super) fn outside_of(&self, id: &SealId) -> Result<Vec<External>, DeviceError> {
        let rows = self.replica.store().list(Bucket::Seal, &mark_key(b"x", id))?;
        rows.iter()
            .map(|(_, row)| External::decode(row).map_err(|_| DeviceError::damaged("seals")))
            .collect()
    }

    /// What was recorded after the standing edition and its addenda.
    pub(super) fn late_of(&mut self, key: BookKey, sealed: &Sealed) -> Result<Vec<Late>, DeviceError> {
        let covered = sealed.covered();
        if covered.is_empty() || self.heads(key)? == covered {
            return Ok(Vec::new());
        }
        let then = self.view_at(key, &covered)?;
        let seen = self.seen(key)?;
        Ok(then.map_or_else(Vec::new, |then| late(&then, &seen.view)))
    }

    /// What a meeting said at these heads, read as it is read now; `None` when some of it is not here.
    pub(super) fn view_at(
        &mut self,
        key: BookKey,
        heads: &[ChangeHash],
    ) -> Result<Option<MeetingView>, DeviceError> {
        let seen = self.seen(key)?;
        let setting = seen.reading.setting(key.doc);
        self.look_back(key, |crdt| {
            let then = crdt.fork_at(heads).ok()?;
            Some(MeetingView::read(&then, &setting))
        })
    }

    /// A meeting as far as it is signed: as the standing edition and its addenda have it, or as it stands where nobody has
    /// sealed it.
    pub(super) fn vouched_view(&mut self, doc: DocId) -> Result<MeetingView, DeviceError> {
        let key = self.meeting_key(doc)?;
        let sealed = self.sealed(doc)?;
        let covered = sealed.covered();
        let then = if covered.is_empty() || self.heads(key)? == covered {
            None
        } else {
            self.view_at(key, &covered)?
        };
        let mut view = match then {
            Some(view) => view,
            None => self.seen(key)?.view.clone(),
        };
        note_standing(&sealed, &mut view);
        Ok(view)
    }

    /// The seals of a meeting, and what was recorded after them.
    pub fn seals(&mut self, doc: DocId) -> Result<SealsView, DeviceError> {
        let key = self.meeting_key(doc)?;
        let sealed = self.sealed(doc)?;
        let late = self.late_of(key, &sealed)?;
        let mut seals = Vec::with_capacity(sealed.known.len());
        for known in &sealed.known {
            seals.push(self.shown(&sealed, known)?);
        }
        Ok(SealsView {
            seals,
            standing: sealed.standing().map(|known| known.id.to_string()),
            competing: sealed.tips.len() > 1,
            late,
        })
    }

    fn shown(&self, sealed: &Sealed, known: &Known) -> Result<SealShown, DeviceError> {
        let Known {
            id, body, outcome, ..
        } = known;
        let official =
            |official: &sotay_membership::seal::Official, signed: Option<Signature>| OfficialShown {
                member: official.member,
                name: official.name.clone(),
                signed_by: signed.map(|signed| signed.device.to_string()),
            };
        let outside = self.outside_of(id)?;
        Ok(SealShown {
            id: id.to_string(),
            addendum: body.kind == SealKind::Addendum,
            status: sealed.status(known),
            sha256: HEXLOWER.encode(&body.text_sha256),
            date: body.date.clone(),
            place: body.place.clone(),
            chair: official(&body.chair, outcome.chair),
            clerk: official(&body.clerk, outcome.clerk),
            present: body.present,
            eligible: body.eligible,
            previous: body.previous.map(|id| id.to_string()),
            claimed_ms: body.claimed_ms,
            outside: outside
                .into_iter()
                .map(|outside| OutsideShown {
                    kind: match outside.kind {
                        ExternalKind::Pades => "pades",
                        ExternalKind::Cades => "cades",
                        ExternalKind::Other => "other",
                    },
                    name: outside.name,
                    bytes: outside.bytes.len(),
                })
                .collect(),
        })
    }

    /// What the document does not know of a meeting: that it is sealed, and the items that follow from seals and from
    /// other meetings of its period.
    pub(super) fn outside_items(
        &mut self,
        key: BookKey,
        view: &mut MeetingView,
    ) -> Result<Vec<ReviewItem>, DeviceError> {
        let sealed = self.sealed(key.doc)?;
        note_standing(&sealed, view);
        let mut items = Vec::new();
        let tips = sealed.tips.iter().filter_map(|id| sealed.get(id));
        let named: Vec<SealNamed> = tips
            .filter_map(|known| {
                Some(SealNamed {
                    id: known.id.to_string(),
                    sha256: HEXLOWER.encode(&known.body.text_sha256),
                    mark: mark_of(known)?,
                    chair: known.body.chair.member,
                })
            })
            .collect();
        items.extend(seals_compete(&named));
        items.extend(late_records(&self.late_of(key, &sealed)?));
        items.extend(self.twins(key, view)?);
        items.extend(self.apart_items(key)?);
        Ok(items)
    }

    /// Other meetings of the same period.
    fn twins(&mut self, key: BookKey, view: &MeetingView) -> Result<Vec<ReviewItem>, DeviceError> {
        let Some(period) = view.period() else {
            return Ok(Vec::new());
        };
        let mut others = Vec::new();
        for other in self.documents(DocKind::Meeting)? {
            // Of all the others nothing more is read.
            if other.doc != key.doc && self.period(other)? == Some(period) {
                others.push(self.seen(other)?);
            }
        }
        let others: Vec<&MeetingView> = others.iter().map(|seen| &seen.view).collect();
        Ok(same_period(view, &others))
    }
}

/// Tells a view of the edition that stands.
fn note_standing(sealed: &Sealed, view: &mut MeetingView) {
    if let Some(known) = sealed.standing()
        && let Some(mark) = mark_of(known)
    {
        view.note_seal(mark, HEXLOWER.encode(&known.body.text_sha256));
    }
}

fn mark_of(known: &Known) -> Option<Mark> {
    known.proposal().map(|proposal| Mark {
        device: proposal.device,
        at_ms: known.body.claimed_ms,
    })
}
