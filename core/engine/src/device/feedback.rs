//! Feedback: members write to the committee; what becomes of it.
//!
//! An item is sealed to the key of the inbox (P14) when it leaves, so taking it back before that leaves no trace anywhere
//! else. With name it stands in the writer's own feed; without name in that of a slot, a one-time device whose keys every
//! member holds, so that neither header nor content says who wrote (decision 0082).

use serde::Serialize;
use sotay_feed::cbor::{Reader, Writer};
use sotay_feed::{
    DeviceId, DeviceKeys, DocId, Draft, Envelope, EnvelopeId, InOrder, Kind, Space, SpaceKind, Verified,
};
use sotay_handbook::feedback::{
    Feedback, FeedbackItem, FeedbackReply, FeedbackStatus, FeedbackView, ReplyShown,
};
use sotay_handbook::{CommandError, EntryId, Month, What, Words};
use sotay_store::{Bucket, Put, Store, Stored};
use sotay_vault::{EpochKey, open_box, open_from_inbox, seal_box, seal_for_inbox};

use super::absorb::Haul;
use super::inbox::{self, ANSWER, KEY, PRIVATE, SLOTS, STATUS};
use super::waiting::locked_put;
use super::{Device, OFFSET_MINUTES};
use crate::error::DeviceError;
use crate::event::{Event, SetAside};

const ITEM: u8 = 0;
const WITHDRAWAL: u8 = 1;
const REPLY_CONTEXT: &[u8] = b"sotay/v1/feedback-reply\0";
/// Devices of one member that a private answer is boxed to.
const REPLY_BOXES_MAX: usize = 8;
/// Bytes of one such box.
const REPLY_BOX_BYTES_MAX: usize = 24 * 1024;

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

pub(super) fn put(key: Vec<u8>, value: Option<Vec<u8>>) -> Put {
    Put {
        bucket: Bucket::Inbox,
        key,
        value,
    }
}

fn own_key(id: EntryId) -> Vec<u8> {
    [b"o", &id.as_bytes()[..]].concat()
}

/// Which item an envelope of one's own carries: to send it again when a relay refuses it.
fn sent_key(envelope: EnvelopeId) -> Vec<u8> {
    [b"e", &envelope.as_bytes()[..]].concat()
}

fn item_key(id: EntryId) -> Vec<u8> {
    [b"i", &id.as_bytes()[..]].concat()
}

fn withdrawn_key(id: EntryId) -> Vec<u8> {
    [b"w", &id.as_bytes()[..]].concat()
}

fn own_put(state: OwnState, item: &FeedbackItem) -> Put {
    put(
        own_key(item.id),
        Some([&[state as u8], &item.encode()[..]].concat()),
    )
}

fn private_reply(item: EntryId, boxes: &[(DeviceId, Vec<u8>)]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(2).bytes(item.as_bytes()).array(boxes.len());
    for (device, sealed) in boxes {
        writer.array(2).bytes(device.as_bytes()).bytes(sealed);
    }
    writer.into_bytes()
}

fn read_private_reply(bytes: &[u8]) -> Option<Vec<(DeviceId, Vec<u8>)>> {
    let mut reader = Reader::new(bytes);
    reader.array(2).ok()?;
    let item = EntryId::from_bytes(reader.fixed().ok()?);
    let count = reader.array_up_to(REPLY_BOXES_MAX).ok()?;
    let mut boxes = Vec::with_capacity(count);
    for _ in 0..count {
        reader.array(2).ok()?;
        let device = DeviceId::from_bytes(reader.fixed().ok()?);
        boxes.push((device, reader.bytes(REPLY_BOX_BYTES_MAX).ok()?.to_vec()));
    }
    reader.finish(&private_reply(item, &boxes)).ok()?;
    Some(boxes)
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
            OwnState::Waiting => self.write(vec![taken_back])?,
            OwnState::Sent => {
                let payload = [&[WITHDRAWAL], &id.as_bytes()[..]].concat();
                if !self.send_to_inbox(&payload, item.member.is_some(), |_| vec![taken_back.clone()])? {
                    return Err(DeviceError::NoKey);
                }
            }
        }
        self.events.push_back(Event::Feedback);
        Ok(())
    }

    /// Seals what waits for the committee. What finds no key or no slot goes on waiting.
    pub(super) fn send_feedback(&mut self) -> Result<(), DeviceError> {
        for (_, row) in self.replica.store().list(Bucket::Inbox, b"o")? {
            let (state, item) = read_own(&row)?;
            if state == OwnState::Waiting {
                self.send_item(&item)?;
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
        let id = item.id.as_bytes().to_vec();
        let sent = own_put(OwnState::Sent, item);
        self.send_to_inbox(&payload, item.member.is_some(), |envelope| {
            vec![sent.clone(), put(sent_key(envelope), Some(id.clone()))]
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
        self.replica.know_space(space)?;
        let signer: &DeviceKeys = slot.as_ref().unwrap_or(&self.keys);
        let tip = self.replica.store().tip(&inbox, signer.id())?;
        let envelope: Verified<Envelope> = Draft::next(signer, Kind::INBOX, &inbox, tip)
            .in_epoch(epoch)
            .sign(signer, &inbox, &body)
            .map_err(|_| DeviceError::TooLong {
                len: body.len(),
                limit: sotay_feed::limits::ENVELOPE_BYTES_MAX,
            })?;
        let mut puts = puts(envelope.id());
        puts.extend(slot.map(|slot| inbox::used_put(slot.id())));
        self.append(&space, vec![envelope], puts)?;
        self.announce_local(&space)?;
        Ok(true)
    }

    /// A relay refused an envelope: two phones may have used one slot. What it carried is sent again by another way.
    pub(super) fn feedback_refused(&mut self, envelope: EnvelopeId) -> Result<(), DeviceError> {
        let Some(id) = self.replica.store().get(Bucket::Inbox, &sent_key(envelope))? else {
            return Ok(());
        };
        let Ok(id) = id.try_into().map(EntryId::from_bytes) else {
            return Err(DeviceError::damaged("feedback"));
        };
        match self.own_item(id)? {
            Some((OwnState::Sent, item)) => {
                self.write(vec![
                    own_put(OwnState::Waiting, &item),
                    put(sent_key(envelope), None),
                ])?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn own_item(&self, id: EntryId) -> Result<Option<(OwnState, FeedbackItem)>, DeviceError> {
        let row = self.replica.store().get(Bucket::Inbox, &own_key(id))?;
        row.map(|row| read_own(&row)).transpose()
    }

    /// What was written on this phone, newest first, with what was answered.
    pub fn own_feedback(&self) -> Result<Vec<OwnFeedback>, DeviceError> {
        let replies = self.replies()?;
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
            own.push(OwnFeedback { item, state, answers });
        }
        own.in_order_by_key(|own| (std::cmp::Reverse(own.item.at_ms), own.item.id));
        Ok(own)
    }

    /// What the committee has received, for what is done with an item that was opened before.
    pub(super) fn received_list(&self) -> Result<Vec<FeedbackView>, DeviceError> {
        self.may_read_inbox()?;
        Ok(self.received()?.list(OFFSET_MINUTES))
    }

    /// What the committee has received. Only for those who may read the inbox; that this phone opened an item, and when, is
    /// recorded for the committee the first time.
    pub fn feedback(&mut self, now: i64) -> Result<Vec<FeedbackView>, DeviceError> {
        let list = self.received_list()?;
        let (mut items, mut puts) = (Vec::new(), Vec::new());
        for id in list.iter().map(|view| view.item.id) {
            let key = [b"v", &id.as_bytes()[..]].concat();
            if self.replica.store().get(Bucket::Inbox, &key)?.is_none() {
                items.push(id);
                puts.push(put(key, Some(Vec::new())));
            }
        }
        self.record_feedback_opened(&items, puts, now)?;
        Ok(list)
    }

    /// Answers that everybody in the unit reads, oldest first.
    pub fn public_answers(&self) -> Result<Vec<FeedbackReply>, DeviceError> {
        let replies = self.replies()?;
        let public = replies
            .into_iter()
            .filter(|shown| shown.public)
            .map(|shown| shown.reply);
        let mut public: Vec<FeedbackReply> = public.collect();
        public.in_order_by_key(|reply| (reply.at_ms, reply.item));
        Ok(public)
    }

    /// How many items the committee received for a month, by their own day; `None` on a phone that cannot read the inbox.
    pub(super) fn count_feedback(&self, month: Month) -> Result<Option<u32>, DeviceError> {
        if self.may_read_inbox().is_err() {
            return Ok(None);
        }
        Ok(Some(self.received()?.count(month, OFFSET_MINUTES)))
    }

    fn may_read_inbox(&self) -> Result<(), DeviceError> {
        let inbox = self.space(SpaceKind::Inbox)?;
        Ok(self.membership()?.may_read(self.id(), &inbox)?)
    }

    /// Records what has become of an item, for the committee; with a text it is answered, to its writer alone or, `public`,
    /// to the whole unit. An item without name can only be answered publicly. That an item with name was passed up its writer
    /// is told.
    pub fn answer_feedback(
        &mut self,
        id: EntryId,
        status: FeedbackStatus,
        text: Option<Words>,
        public: bool,
        now: i64,
    ) -> Result<(), DeviceError> {
        self.may_read_inbox()?;
        let received = self.received()?;
        let unknown = DeviceError::Command(CommandError::Unknown(What::Feedback));
        let item = received.items.get(&id).ok_or(unknown)?.clone();
        let text = text.as_ref().map(FeedbackReply::words).transpose()?;
        let reply = FeedbackReply {
            item: id,
            status,
            text,
            at_ms: now,
        };
        let committee = self.space(SpaceKind::Committee)?;
        let main = self.space(SpaceKind::Main)?;
        let tagged = |form: u8, bytes: &[u8]| (Kind::INBOX, [&[form], bytes].concat());
        let mut to_writer = None;
        // That it was passed up the writer learns without a word.
        let told = status == FeedbackStatus::PassedUp && item.member.is_some();
        if reply.text.is_some() || told {
            to_writer = if public {
                Some(tagged(ANSWER, &reply.encode()))
            } else {
                let member = item.member.ok_or(DeviceError::Command(CommandError::Nameless))?;
                let mut boxes = Vec::new();
                for (device, key) in self.membership()?.readers(&Space::private(main.unit, member)) {
                    let context = [REPLY_CONTEXT, id.as_bytes(), device.as_bytes()].concat();
                    let sealed = seal_box(&key, &context, &reply.encode(), &mut *self.rng);
                    boxes.extend(sealed.ok().map(|sealed| (device, sealed)));
                }
                boxes.truncate(REPLY_BOXES_MAX);
                Some(tagged(PRIVATE, &private_reply(id, &boxes)))
            };
        }
        self.publish(&committee, vec![tagged(STATUS, &reply.encode())], Vec::new())?;
        if let Some(payload) = to_writer {
            self.publish(&main, vec![payload], Vec::new())?;
        }
        self.absorb()
    }

    fn received(&self) -> Result<Feedback, DeviceError> {
        let store = self.replica.store();
        let mut feedback = Feedback {
            replies: self.replies()?,
            ..Feedback::default()
        };
        for (_, row) in store.list(Bucket::Inbox, b"i")? {
            let item = FeedbackItem::decode(&row).map_err(|_| DeviceError::damaged("feedback"))?;
            feedback.items.insert(item.id, item);
        }
        for (key, _) in store.list(Bucket::Inbox, b"w")? {
            let id = key.get(1..).and_then(|id| id.try_into().ok());
            feedback.withdrawn.extend(id.map(EntryId::from_bytes));
        }
        Ok(feedback)
    }

    /// Rows are `a ‖ item ‖ envelope` → public (1) ‖ device ‖ reply.
    fn replies(&self) -> Result<Vec<ReplyShown>, DeviceError> {
        let rows = self.replica.store().list(Bucket::Inbox, b"a")?;
        let read = |row: &[u8]| {
            let (public, rest) = row.split_first()?;
            let (device, reply) = rest.split_at_checked(DeviceId::LEN)?;
            Some(ReplyShown {
                by: DeviceId::from_slice(device)?,
                public: *public == 1,
                reply: FeedbackReply::decode(reply).ok()?,
            })
        };
        rows.iter()
            .map(|(_, row)| read(row).ok_or(DeviceError::damaged("feedback")))
            .collect()
    }

    /// Takes in an envelope of the inbox: opens the box, and keeps of it what it holds and nothing of the envelope.
    pub(super) fn read_inbox(&mut self, space: &Space, stored: &Stored, haul: &mut Haul) {
        let Ok(envelope) = Envelope::decode(&stored.bytes) else {
            return;
        };
        let (inbox, epoch) = (space.id(), envelope.header().epoch);
        let Some(key) = self.ring.get(inbox.tag(), epoch) else {
            haul.puts.push(locked_put(&inbox, stored.arrival, Some(epoch)));
            return;
        };
        let Some((form, bytes)) = opened(&inbox, key, &envelope) else {
            return self.set_aside(stored, SetAside::Unreadable, haul);
        };
        let put = match form {
            ITEM => match FeedbackItem::decode(&bytes) {
                Ok(item) if self.is_by(stored, space, &item) => Some(put(item_key(item.id), Some(bytes))),
                Ok(_) => return self.set_aside(stored, SetAside::NotAllowed, haul),
                Err(_) => None,
            },
            WITHDRAWAL => {
                let id: Option<[u8; 16]> = bytes.try_into().ok();
                id.map(|id| put(withdrawn_key(EntryId::from_bytes(id)), Some(Vec::new())))
            }
            _ => None,
        };
        match put {
            Some(put) => {
                haul.puts.push(put);
                haul.feedback = true;
            }
            None => self.set_aside(stored, SetAside::Unreadable, haul),
        }
    }

    /// A letter that came into a slot which this phone had used itself: no feed holds two envelopes of one number, so the
    /// other one is read as the proof of a fork that it is.
    pub(super) fn read_forked_letter(&mut self, space: &Space, letter: &[u8]) -> Result<(), DeviceError> {
        if let Some(put) = self.forked_letter(space, letter)? {
            self.write(vec![put])?;
            self.events.push_back(Event::Feedback);
        }
        Ok(())
    }

    /// The same of the proofs that the store keeps, one for each feed: for a phone that stopped in between, or had no key.
    pub(super) fn read_forked_letters(&self, space: &Space, haul: &mut Haul) -> Result<(), DeviceError> {
        for fork in self.replica.store().forks()? {
            if fork.space == space.id()
                && let Some(put) = self.forked_letter(space, &fork.other)?
            {
                haul.puts.push(put);
                haul.feedback = true;
            }
        }
        Ok(())
    }

    /// The row of an item without name that is not here yet.
    fn forked_letter(&self, space: &Space, letter: &[u8]) -> Result<Option<Put>, DeviceError> {
        let (inbox, letter) = (space.id(), Envelope::decode(letter).ok());
        let opened = letter.and_then(|letter| {
            let key = self.ring.get(inbox.tag(), letter.header().epoch)?;
            opened(&inbox, key, &letter)
        });
        let item = match opened {
            Some((ITEM, bytes)) => FeedbackItem::decode(&bytes).ok().zip(Some(bytes)),
            _ => None,
        };
        let Some((item, bytes)) = item.filter(|(item, _)| item.member.is_none()) else {
            return Ok(None);
        };
        let key = item_key(item.id);
        let known = self.replica.store().get(Bucket::Inbox, &key)?.is_some();
        Ok((!known).then(|| put(key, Some(bytes))))
    }

    /// Nobody writes in another's name; without a name anybody may have written.
    fn is_by(&self, stored: &Stored, space: &Space, item: &FeedbackItem) -> bool {
        let Some(member) = item.member else { return true };
        let held = self
            .membership()
            .map(|membership| membership.held_at(stored.device, space, stored.seq, stored.id));
        held.is_ok_and(|held| held.iter().any(|held| held.member == Some(member)))
    }

    /// Takes in what officers published about the inbox: its key, slots, statuses and answers.
    pub(super) fn read_about_inbox(
        &mut self,
        space: &Space,
        stored: &Stored,
        payload: &[u8],
        haul: &mut Haul,
    ) {
        let officer = self.membership().is_ok_and(|membership| {
            let held = membership.held_at(stored.device, space, stored.seq, stored.id);
            held.iter().any(|held| held.is_officer())
        });
        if !officer {
            return self.set_aside(stored, SetAside::NotAllowed, haul);
        }
        let read = payload
            .split_first()
            .and_then(|(form, bytes)| match (*form, space.kind) {
                (KEY, SpaceKind::Main) => Some(vec![inbox::key_put(bytes)?]),
                (SLOTS, SpaceKind::Main) => inbox::slot_puts(bytes, stored.arrival),
                (ANSWER, SpaceKind::Main) => Some(vec![reply_put(stored, bytes, true)?]),
                (STATUS, SpaceKind::Committee) => Some(vec![reply_put(stored, bytes, false)?]),
                (PRIVATE, SpaceKind::Main) => {
                    let boxes = read_private_reply(bytes)?;
                    let own = boxes.into_iter().find(|(device, _)| *device == self.id());
                    Some(
                        own.and_then(|(_, sealed)| self.own_reply(stored, bytes, &sealed))
                            .into_iter()
                            .collect(),
                    )
                }
                _ => None,
            });
        match read {
            Some(puts) => {
                haul.feedback |= !puts.is_empty();
                haul.puts.extend(puts);
            }
            None => self.set_aside(stored, SetAside::Unreadable, haul),
        }
    }

    fn own_reply(&self, stored: &Stored, bytes: &[u8], sealed: &[u8]) -> Option<Put> {
        let mut reader = Reader::new(bytes);
        reader.array(2).ok()?;
        let item: [u8; 16] = reader.fixed().ok()?;
        let context = [REPLY_CONTEXT, &item, self.id().as_bytes()].concat();
        let reply = open_box(&self.keys, &context, sealed).ok()?;
        reply_put(stored, &reply, false)
    }
}

fn opened(inbox: &sotay_feed::SpaceId, key: &EpochKey, envelope: &Envelope) -> Option<(u8, Vec<u8>)> {
    let payload = open_from_inbox(inbox, key, envelope.body()).ok()?;
    let (form, bytes) = payload.split_first()?;
    Some((*form, bytes.to_vec()))
}

fn reply_put(stored: &Stored, bytes: &[u8], public: bool) -> Option<Put> {
    let reply = FeedbackReply::decode(bytes).ok()?;
    let key = [b"a", &reply.item.as_bytes()[..], stored.id.as_bytes()].concat();
    let value = [&[u8::from(public)], &stored.device.as_bytes()[..], bytes].concat();
    Some(put(key, Some(value)))
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
