//! Feedback: members write to the committee; what becomes of it.
//!
//! An item is sealed to the key of the inbox (P14) when it leaves, so taking it back before that leaves no trace anywhere
//! else. With name it stands in the writer's own feed; without name in that of a slot, a one-time device whose keys every
//! member holds, so that neither header nor content says who wrote (decision 0082).

mod own;

use sotay_feed::cbor::{Reader, Writer};
use sotay_feed::{DeviceId, Envelope, InOrder, Kind, Space, SpaceKind};
use sotay_handbook::feedback::{
    Feedback, FeedbackItem, FeedbackReply, FeedbackStatus, FeedbackView, ReplyShown,
};
use sotay_handbook::{CommandError, EntryId, Month, What, Words};
use sotay_store::{Bucket, Put, Store, Stored};
use sotay_vault::{EpochKey, open_box, open_from_inbox, seal_box};

use super::absorb::Haul;
use super::inbox::{self, ANSWER, KEY, PRIVATE, SLOTS, STATUS};
use super::waiting::locked_put;
use super::{Device, OFFSET_MINUTES};
use crate::error::DeviceError;
use crate::event::{Event, SetAside};

pub use own::{NewFeedback, OwnFeedback, OwnState};

const ITEM: u8 = 0;
const WITHDRAWAL: u8 = 1;
const REPLY_CONTEXT: &[u8] = b"sotay/v1/feedback-reply\0";
/// Devices of one member that a private answer is boxed to.
const REPLY_BOXES_MAX: usize = 8;
/// Bytes of one such box.
const REPLY_BOX_BYTES_MAX: usize = 24 * 1024;

pub(super) fn put(key: Vec<u8>, value: Option<Vec<u8>>) -> Put {
    Put {
        bucket: Bucket::Inbox,
        key,
        value,
    }
}

fn item_key(id: EntryId) -> Vec<u8> {
    [b"i", &id.as_bytes()[..]].concat()
}

fn withdrawn_key(id: EntryId) -> Vec<u8> {
    [b"w", &id.as_bytes()[..]].concat()
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

    /// The row of an item without name that is not here yet, or of one that was taken back.
    fn forked_letter(&self, space: &Space, letter: &[u8]) -> Result<Option<Put>, DeviceError> {
        let (inbox, letter) = (space.id(), Envelope::decode(letter).ok());
        let opened = letter.and_then(|letter| {
            let key = self.ring.get(inbox.tag(), letter.header().epoch)?;
            opened(&inbox, key, &letter)
        });
        let (key, bytes) = match opened {
            Some((ITEM, bytes)) => match FeedbackItem::decode(&bytes) {
                Ok(item) if item.member.is_none() => (item_key(item.id), bytes),
                _ => return Ok(None),
            },
            Some((WITHDRAWAL, bytes)) => match bytes.try_into() {
                Ok(id) => (withdrawn_key(EntryId::from_bytes(id)), Vec::new()),
                Err(_) => return Ok(None),
            },
            _ => return Ok(None),
        };
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
