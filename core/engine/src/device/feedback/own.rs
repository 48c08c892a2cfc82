//! The writer's side of feedback: what was written on this phone, how it leaves, and who holds it.

use std::collections::BTreeSet;

use serde::Serialize;
use sotay_feed::{
    DeviceKeys, DocId, Draft, Envelope, EnvelopeId, EpochId, InOrder, Kind, SignKey, SpaceKind, Verified,
};
use sotay_handbook::feedback::{FeedbackItem, FeedbackReply};
use sotay_handbook::{CommandError, EntryId, What, Words};
use sotay_store::{Bucket, Put, Store};
use sotay_sync::{RefuseReason, holders};
use sotay_vault::seal_for_inbox;

use super::{ITEM, WITHDRAWAL, put};
use crate::device::{Device, OFFSET_MINUTES, inbox};
use crate::error::DeviceError;
use crate::event::Event;

/// How an item of one's own stands on this phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnState {
    /// Written, not sealed yet: it can still be taken back without a trace.
    Waiting = 0,
    /// Sealed for the committee; it leaves with the next sync, or has left.
    Sent = 1,
    /// Taken back.
    Withdrawn = 2,
}

/// An item that was written on this phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnFeedback {
    /// The item.
    #[serde(flatten)]
    pub item: FeedbackItem,
    /// How it stands.
    pub state: OwnState,
    /// Whether a relay or a phone of the committee has acknowledged what was sent last: the item, or that it was taken back. Of a
    /// letter without name, that it holds this very one.
    pub acknowledged: bool,
    /// What the committee answered, publicly or to the writer alone.
    pub answers: Vec<FeedbackReply>,
}

/// What to write to the committee.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewFeedback {
    /// The id of an earlier call that may not have happened: with it the same item is not written twice.
    pub id: Option<EntryId>,
    /// What it is about, in a line.
    pub topic: Words,
    /// What is said.
    pub text: Words,
    /// The meeting it is about.
    pub meeting: Option<DocId>,
    /// With one's name; without it nobody can answer but publicly.
    pub named: bool,
    /// Whether the level above may learn the name, should the committee pass the item up.
    pub name_above: bool,
}

fn own_key(id: EntryId) -> Vec<u8> {
    [b"o", &id.as_bytes()[..]].concat()
}

/// Which item an envelope of one's own is about: to send it again when it is refused, and to know who holds it.
fn sent_key(envelope: EnvelopeId) -> Vec<u8> {
    [b"e", &envelope.as_bytes()[..]].concat()
}

/// Value of such a row: the item, and [`WITHDRAWAL`] behind it if the envelope takes it back.
fn sent_put(envelope: EnvelopeId, form: u8, id: EntryId) -> Put {
    let form: &[u8] = if form == WITHDRAWAL { &[WITHDRAWAL] } else { &[] };
    put(sent_key(envelope), Some([&id.as_bytes()[..], form].concat()))
}

fn read_sent(value: &[u8]) -> Result<(u8, EntryId), DeviceError> {
    let (id, form) = value
        .split_first_chunk()
        .ok_or(DeviceError::damaged("feedback"))?;
    let form = form.first().copied().unwrap_or(ITEM);
    Ok((form, EntryId::from_bytes(*id)))
}

/// An item that left, found its slot used and waits again: it may have been read nevertheless.
fn left_key(id: EntryId) -> Vec<u8> {
    [b"l", &id.as_bytes()[..]].concat()
}

/// An item that is still to be taken back elsewhere.
fn unsaid_key(id: EntryId) -> Vec<u8> {
    [b"t", &id.as_bytes()[..]].concat()
}

/// A letter that found its slot used; its value is empty while one of somebody else waits for another slot.
fn carried_key(envelope: EnvelopeId) -> Vec<u8> {
    [b"c", &envelope.as_bytes()[..]].concat()
}

fn own_put(state: OwnState, item: &FeedbackItem) -> Put {
    put(
        own_key(item.id),
        Some([&[state as u8], &item.encode()[..]].concat()),
    )
}

impl<S: Store> Device<S> {
    /// Writes to the committee. It is sealed at the next sync; until then it can be taken back without a trace.
    pub fn submit_feedback(&mut self, new: &NewFeedback, now: i64) -> Result<EntryId, DeviceError> {
        let member = self.acting(now)?.member;
        let id = new.id.unwrap_or_else(|| self.fresh_id());
        if self.own_item(id)?.is_some() {
            return Ok(id);
        }
        let author = if new.named { member } else { None };
        let words = (&new.topic, &new.text);
        let item = FeedbackItem::new(id, (now, OFFSET_MINUTES), words, new.meeting, author)?;
        let item = item.with_name_above(new.name_above);
        self.write(vec![own_put(OwnState::Waiting, &item)])?;
        self.events.push_back(Event::Feedback);
        Ok(id)
    }

    /// Takes an item back: without a trace while it waits here; otherwise the committee's phones hide it, unless somebody
    /// there has read it.
    pub fn withdraw_feedback(&mut self, id: EntryId) -> Result<(), DeviceError> {
        let unknown = DeviceError::Command(CommandError::Unknown(What::Feedback));
        let (state, item) = self.own_item(id)?.ok_or(unknown)?;
        let taken_back = own_put(OwnState::Withdrawn, &item);
        match state {
            OwnState::Withdrawn => return Ok(()),
            OwnState::Waiting if self.replica.store().get(Bucket::Inbox, &left_key(id))?.is_some() => {
                self.write(vec![taken_back, put(unsaid_key(id), Some(Vec::new()))])?;
                self.send_feedback()?;
            }
            OwnState::Waiting => self.write(vec![taken_back])?,
            OwnState::Sent => {
                if !self.send_withdrawal(&item, taken_back)? {
                    return Err(DeviceError::NoKey);
                }
            }
        }
        self.events.push_back(Event::Feedback);
        Ok(())
    }

    /// `row` is written with it.
    fn send_withdrawal(&mut self, item: &FeedbackItem, row: Put) -> Result<bool, DeviceError> {
        let payload = [&[WITHDRAWAL], &item.id.as_bytes()[..]].concat();
        self.send_to_inbox(&payload, item.member.is_some(), |envelope| {
            vec![row.clone(), sent_put(envelope, WITHDRAWAL, item.id)]
        })
    }

    /// Seals what waits for the committee. What finds no key or no slot goes on waiting.
    pub(in crate::device) fn send_feedback(&mut self) -> Result<(), DeviceError> {
        let waiting = |device: &Self, prefix: &[u8]| device.replica.store().list(Bucket::Inbox, prefix);
        for (_, row) in waiting(self, b"o")? {
            let (state, item) = read_own(&row)?;
            if state == OwnState::Waiting {
                self.send_item(&item)?;
            }
        }
        for (key, _) in waiting(self, b"t")? {
            let id = key.get(1..).and_then(|id| id.try_into().ok());
            let id = id
                .map(EntryId::from_bytes)
                .ok_or(DeviceError::damaged("feedback"))?;
            if let Some((_, item)) = self.own_item(id)? {
                self.send_withdrawal(&item, put(key, None))?;
            }
        }
        for (key, done) in waiting(self, b"c")? {
            let envelope = key.get(1..).and_then(EnvelopeId::from_slice);
            if done.is_empty() {
                self.carry_on(envelope.ok_or(DeviceError::damaged("feedback"))?)?;
            }
        }
        Ok(())
    }

    /// Sends an item once more, e.g. when nobody knows whether it arrived. The committee has it once.
    pub fn send_feedback_again(&mut self, id: EntryId) -> Result<(), DeviceError> {
        let unknown = DeviceError::Command(CommandError::Unknown(What::Feedback));
        let (state, item) = self.own_item(id)?.ok_or(unknown)?;
        if state == OwnState::Sent && !self.send_item(&item)? {
            return Err(DeviceError::NoKey);
        }
        Ok(())
    }

    fn send_item(&mut self, item: &FeedbackItem) -> Result<bool, DeviceError> {
        let payload = [&[ITEM], &item.encode()[..]].concat();
        let sent = own_put(OwnState::Sent, item);
        self.send_to_inbox(&payload, item.member.is_some(), |envelope| {
            vec![sent.clone(), sent_put(envelope, ITEM, item.id)]
        })
    }

    /// One box into the inbox, in the own feed or in a slot's, with `puts` in the same transaction. `false`: no key or no
    /// slot is known here yet.
    fn send_to_inbox(
        &mut self,
        payload: &[u8],
        named: bool,
        puts: impl Fn(EnvelopeId) -> Vec<Put>,
    ) -> Result<bool, DeviceError> {
        let space = self.space(SpaceKind::Inbox)?;
        let inbox = space.id();
        let Some((epoch, key)) = self.inbox_address()? else {
            return Ok(false);
        };
        let slot = if named { None } else { self.free_slot()? };
        if !named && slot.is_none() {
            return Ok(false);
        }
        let body = seal_for_inbox(&inbox, &key, payload, &mut *self.rng)
            .map_err(|_| DeviceError::Internal("key of the inbox"))?;
        self.put_into_inbox((epoch, &body), slot.as_ref(), puts)?;
        Ok(true)
    }

    /// A sealed letter into the inbox, in the own feed or in a slot's.
    fn put_into_inbox(
        &mut self,
        (epoch, body): (EpochId, &[u8]),
        slot: Option<&DeviceKeys>,
        puts: impl Fn(EnvelopeId) -> Vec<Put>,
    ) -> Result<(), DeviceError> {
        let space = self.space(SpaceKind::Inbox)?;
        let inbox = space.id();
        self.replica.know_space(space)?;
        let signer: &DeviceKeys = slot.unwrap_or(&self.keys);
        let tip = self.replica.store().tip(&inbox, signer.id())?;
        let envelope: Verified<Envelope> = Draft::next(signer, Kind::INBOX, &inbox, tip)
            .in_epoch(epoch)
            .sign(signer, &inbox, body)
            .map_err(|_| DeviceError::TooLong {
                len: body.len(),
                limit: sotay_feed::limits::ENVELOPE_BYTES_MAX,
            })?;
        let mut puts = puts(envelope.id());
        puts.extend(slot.map(|slot| inbox::used_put(slot.id())));
        self.append(&space, vec![envelope], puts)?;
        self.announce_local(&space)?;
        Ok(())
    }

    /// An end refused an envelope of the inbox for good, perhaps because two phones used one slot: what it carried is sent
    /// again by another way. Whether that slot was to blame, and nobody.
    pub(in crate::device) fn feedback_refused(
        &mut self,
        envelope: EnvelopeId,
        reason: RefuseReason,
    ) -> Result<bool, DeviceError> {
        let stored = self.replica.store().envelope(envelope)?;
        let Some(stored) = stored.filter(|_| !reason.is_passing()) else {
            return Ok(false);
        };
        let taken = matches!(reason, RefuseReason::Fork { .. }) && self.membership()?.is_slot(stored.device);
        let Some(row) = self.replica.store().get(Bucket::Inbox, &sent_key(envelope))? else {
            let carried = carried_key(envelope);
            if taken && self.replica.store().get(Bucket::Inbox, &carried)?.is_none() {
                self.write(vec![put(carried, Some(Vec::new()))])?;
            }
            return Ok(taken);
        };
        let (form, id) = read_sent(&row)?;
        // Another relay that refuses it too says nothing new.
        let done = put(carried_key(envelope), Some(vec![1]));
        let mut puts = vec![put(sent_key(envelope), None), done];
        match (form, self.own_item(id)?) {
            (ITEM, Some((OwnState::Sent, item))) => {
                puts.extend([
                    own_put(OwnState::Waiting, &item),
                    put(left_key(id), Some(Vec::new())),
                ]);
            }
            (WITHDRAWAL, Some(_)) => puts.push(put(unsaid_key(id), Some(Vec::new()))),
            _ => {}
        }
        self.write(puts)?;
        self.events.push_back(Event::Feedback);
        Ok(taken)
    }

    /// Puts a letter that was carried, and found its slot used, into another: sealed as it is, for nobody here can read it. The
    /// committee has an item once.
    fn carry_on(&mut self, envelope: EnvelopeId) -> Result<(), DeviceError> {
        let done = put(carried_key(envelope), Some(vec![1]));
        let stored = self.replica.store().envelope(envelope)?;
        let letter = stored.and_then(|stored| Envelope::decode(&stored.bytes).ok());
        let Some(letter) = letter.filter(|letter| letter.header().kind == Kind::INBOX) else {
            return Ok(self.write(vec![done])?);
        };
        let Some(slot) = self.free_slot()? else {
            return Ok(());
        };
        let sealed = (letter.header().epoch, letter.body());
        self.put_into_inbox(sealed, Some(&slot), |_| vec![done.clone()])
    }

    fn own_item(&self, id: EntryId) -> Result<Option<(OwnState, FeedbackItem)>, DeviceError> {
        let row = self.replica.store().get(Bucket::Inbox, &own_key(id))?;
        row.map(|row| read_own(&row)).transpose()
    }

    /// The items of which what was sent last is acknowledged, each with its form.
    fn acknowledged(&self) -> Result<BTreeSet<(u8, EntryId)>, DeviceError> {
        let sent = self.replica.store().list(Bucket::Inbox, b"e")?;
        let mut acknowledged = BTreeSet::new();
        if sent.is_empty() {
            return Ok(acknowledged);
        }
        let space = self.space(SpaceKind::Inbox)?;
        let membership = self.membership()?;
        // Who is no phone of the unit is a relay. A phone of another member hands letters on, and that may take long.
        let counts = |peer: &SignKey| {
            let phone = peer.device_id();
            membership.standing(phone).is_none() || membership.may_read(phone, &space).is_ok()
        };
        for (key, row) in sent {
            let envelope = key.get(1..).and_then(EnvelopeId::from_slice);
            let envelope = envelope.ok_or(DeviceError::damaged("feedback"))?;
            if holders(&self.replica, &space, envelope)?.iter().any(counts) {
                acknowledged.insert(read_sent(&row)?);
            }
        }
        Ok(acknowledged)
    }

    /// What was written on this phone, newest first, with what was answered.
    pub fn own_feedback(&self) -> Result<Vec<OwnFeedback>, DeviceError> {
        let replies = self.replies()?;
        let acknowledged = self.acknowledged()?;
        let mut own = Vec::new();
        for (_, row) in self.replica.store().list(Bucket::Inbox, b"o")? {
            let (state, item) = read_own(&row)?;
            let mut answers: Vec<FeedbackReply> = replies
                .iter()
                .map(|shown| shown.reply.clone())
                .filter(|reply| reply.item == item.id)
                .collect();
            answers.in_order_by_key(|reply| (reply.at_ms, reply.status));
            // Who writes and sits on the committee gets an answer twice: as the writer and as one of the committee.
            answers.dedup();
            let form = match state {
                OwnState::Withdrawn => WITHDRAWAL,
                OwnState::Waiting | OwnState::Sent => ITEM,
            };
            own.push(OwnFeedback {
                acknowledged: state != OwnState::Waiting && acknowledged.contains(&(form, item.id)),
                item,
                state,
                answers,
            });
        }
        own.in_order_by_key(|own| (std::cmp::Reverse(own.item.at_ms), own.item.id));
        Ok(own)
    }
}

fn read_own(row: &[u8]) -> Result<(OwnState, FeedbackItem), DeviceError> {
    let damaged = || DeviceError::damaged("feedback");
    let (state, item) = row.split_first().ok_or_else(damaged)?;
    let state = match state {
        0 => OwnState::Waiting,
        1 => OwnState::Sent,
        2 => OwnState::Withdrawn,
        _ => return Err(damaged()),
    };
    Ok((state, FeedbackItem::decode(item).map_err(|_| damaged())?))
}
