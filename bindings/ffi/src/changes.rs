//! Changes as apps get them, and the subscription that brings them.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use sotay_engine::feed::{DocId, MemberId};
use sotay_engine::handbook::{EntryId, HandbookEvent};
use sotay_engine::{Event, Listener, ListenerFailed};

use crate::error::HandbookError;
use crate::kinds::SpaceKind;
use crate::platform::ChangeListener;
use crate::sync::SpaceState;

/// Which part of a document changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum DocumentPart {
    /// A member's line in the roster.
    Roster,
    /// The heading of a meeting.
    Heading,
    /// A step was taken.
    Phase,
    /// The frozen list.
    Roll,
    /// Guests.
    Guests,
    /// Attendance of a member.
    Attendance,
    /// An item of the agenda.
    Agenda,
    /// A speech.
    Speech,
    /// A vote: its text, counts or ballots.
    Motion,
    /// A conclusion.
    Conclusion,
    /// An entry was removed or contested as removed.
    Removal,
    /// A section of the narrative.
    Narrative,
    /// Praise or a reminder.
    Note,
    /// A score.
    Score,
    /// A choice was made: any part may show another value.
    Choice,
    /// A file that belongs to a meeting.
    Attachment,
    /// A task.
    Task,
    /// A line of the fee ledger.
    FeeLine,
    /// What a member was assessed at.
    Assessment,
    /// Points, levels or evidence of a rating.
    Rating,
    /// A resolution.
    Resolution,
    /// A report was sent.
    Report,
    /// Something this version of the bridge has no name for: read the document anew.
    Other,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Change {
    /// First of a subscription: from here on nothing is missed, so read once what is shown.
    Start,
    /// This phone now belongs to a unit.
    Enrolled,
    /// Grants, revocations or keys changed.
    Membership,
    /// Names of members or labels of phones changed.
    Names,
    /// Documents of the library or reading marks came or changed.
    Library,
    /// Feedback was written, received, taken back or answered.
    Feedback,
    /// A phone connected to this one, which hosts, or left it: ask for the visitors anew.
    Visitors,
    /// A document changed: here, or by a merge.
    Document {
        /// The document: a meeting, or the roster.
        doc: String,
        /// What in it.
        part: DocumentPart,
        /// Id of the member or entry, where there is one.
        id: Option<String>,
    },
    /// What is known of a relay changed.
    Sync {
        /// The space.
        space: SpaceKind,
        /// Where it stands.
        state: SpaceState,
    },
    /// A relay refused something of ours, or does not serve a space; see the sync status.
    Refused {
        /// In words, without content.
        reason: String,
    },
    /// A relay has signed two histories: it withheld something from somebody, or lost what it had acknowledged. Told once;
    /// the proof is kept on the phone.
    TwoHistories {
        /// The space.
        space: SpaceKind,
        /// Key of the relay, as its address has it after `#`.
        relay: String,
    },
    /// A phone has written two histories: it was copied, or somebody else has its keys. Nothing it writes from there on counts;
    /// its holder needs a new admission. Told once; the list of phones shows it as forked.
    Forked {
        /// The space.
        space: SpaceKind,
        /// The phone.
        device: String,
    },
    /// Something received is stored but not used.
    SetAside {
        /// Device that wrote it, if known.
        device: Option<String>,
        /// In words, without content.
        reason: String,
    },
    /// The profile was locked: nothing more comes. Shut the handbook down, ask for the PIN and open it anew.
    Locked,
    /// The app was too slow and changes were dropped: read anew what is shown.
    Missed,
    /// Documents or the store are in trouble.
    Trouble {
        /// In words, without content.
        text: String,
    },
}

/// Where a change lies, and whom or what it is about.
enum About {
    Nothing,
    Id([u8; 16]),
    Key(&'static str),
}

fn part(event: &HandbookEvent) -> (DocumentPart, About) {
    let entry = |id: &EntryId| About::Id(*id.as_bytes());
    let member = |id: &MemberId| About::Id(*id.as_bytes());
    match event {
        HandbookEvent::Roster(id) => (DocumentPart::Roster, member(id)),
        HandbookEvent::Heading => (DocumentPart::Heading, About::Nothing),
        HandbookEvent::Phase => (DocumentPart::Phase, About::Nothing),
        HandbookEvent::Roll => (DocumentPart::Roll, About::Nothing),
        HandbookEvent::Guests => (DocumentPart::Guests, About::Nothing),
        HandbookEvent::Attendance(id) => (DocumentPart::Attendance, member(id)),
        HandbookEvent::Agenda(id) => (DocumentPart::Agenda, entry(id)),
        HandbookEvent::Speech(id) => (DocumentPart::Speech, entry(id)),
        HandbookEvent::Motion(id) => (DocumentPart::Motion, entry(id)),
        HandbookEvent::Conclusion(id) => (DocumentPart::Conclusion, entry(id)),
        HandbookEvent::Removal(id) => (DocumentPart::Removal, entry(id)),
        HandbookEvent::Narrative(section) => (DocumentPart::Narrative, About::Key(section.key())),
        HandbookEvent::Attachment(id) => (DocumentPart::Attachment, entry(id)),
        HandbookEvent::Note(id) => (DocumentPart::Note, entry(id)),
        HandbookEvent::Score => (DocumentPart::Score, About::Nothing),
        HandbookEvent::Choice => (DocumentPart::Choice, About::Nothing),
        HandbookEvent::Task(id) => (DocumentPart::Task, entry(id)),
        HandbookEvent::FeeLine(id) => (DocumentPart::FeeLine, entry(id)),
        HandbookEvent::Assessed(id) => (DocumentPart::Assessment, member(id)),
        HandbookEvent::Rating => (DocumentPart::Rating, About::Nothing),
        HandbookEvent::Resolution => (DocumentPart::Resolution, About::Nothing),
        HandbookEvent::Report => (DocumentPart::Report, About::Nothing),
    }
}

/// A change of a document as apps get it.
pub(crate) fn document_change(doc: DocId, event: &HandbookEvent) -> Change {
    let (part, about) = part(event);
    Change::Document {
        doc: doc.to_string(),
        part,
        id: match about {
            About::Nothing => None,
            About::Id(bytes) => Some(HEXLOWER.encode(&bytes)),
            About::Key(key) => Some(key.to_owned()),
        },
    }
}

impl From<&Event> for Change {
    fn from(event: &Event) -> Self {
        match event {
            Event::Unit => Self::Enrolled,
            Event::Membership => Self::Membership,
            Event::Names => Self::Names,
            Event::Library => Self::Library,
            Event::Feedback => Self::Feedback,
            Event::Visitors => Self::Visitors,
            Event::Handbook { doc, event } => document_change(*doc, event),
            Event::Sync { space, status } => Self::Sync {
                space: space.kind,
                state: status.into(),
            },
            Event::Refused { reason, .. } => Self::Refused {
                reason: format!("{reason:?}"),
            },
            Event::Denied { reason, .. } => Self::Refused {
                reason: format!("{reason:?}"),
            },
            Event::TwoHistories { space, relay } => Self::TwoHistories {
                space: space.kind,
                relay: sotay_engine::key_text(relay),
            },
            Event::Forked { space, device } => Self::Forked {
                space: space.kind,
                device: device.to_string(),
            },
            Event::SetAside { device, reason, .. } => Self::SetAside {
                device: Some(device.to_string()),
                reason: format!("{reason:?}"),
            },
            Event::ChangeRefused { device, .. } => Self::SetAside {
                device: device.map(|device| device.to_string()),
                reason: "a change did not pass the gate".to_owned(),
            },
            Event::Missed => Self::Missed,
            Event::Locked => Self::Locked,
            Event::Trouble { text } => Self::Trouble { text: text.clone() },
        }
    }
}

/// A part of a document in which something of a batch changed.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ChangePlace {
    /// The document.
    pub doc: String,
    /// The part.
    pub part: DocumentPart,
}

/// Changes in few bytes: 10,000 of them cross the bridge faster than 100 records would. The wrappers read it as a list of
/// [`Change`] and make each one when it is looked at.
///
/// `entries` holds [`PACKED_BYTES`] a change, in their order: tag (1 byte), zero (1 byte), number (2 bytes, the greater first),
/// id (16 bytes). Tag 0: a change of a document at place `number` without an id; 1: with the id; 2: number `number` of
/// `others`. Bytes that are not used are zero.
#[derive(Debug, Clone, PartialEq, Eq, Default, uniffi::Record)]
pub struct PackedChanges {
    /// Where documents changed, each once.
    pub places: Vec<ChangePlace>,
    /// The changes.
    pub entries: Vec<u8>,
    /// Changes that are no document's.
    pub others: Vec<Change>,
}

/// Bytes of one packed change.
pub const PACKED_BYTES: usize = 20;

const AT: u8 = 0;
const AT_ID: u8 = 1;
const OTHER: u8 = 2;

impl PackedChanges {
    /// Packs a batch of the engine, which has 1,000 changes at most.
    fn of(events: &[Event]) -> Self {
        let mut packed = Self {
            entries: Vec::with_capacity(events.len() * PACKED_BYTES),
            ..Self::default()
        };
        let mut docs: Vec<DocId> = Vec::new();
        for event in events {
            packed.push(&mut docs, event);
        }
        packed
    }

    /// `docs` has the documents of `places`.
    fn push(&mut self, docs: &mut Vec<DocId>, event: &Event) {
        let Event::Handbook { doc, event } = event else {
            return self.other(event.into());
        };
        let (part, about) = part(event);
        let (tag, id) = match about {
            About::Nothing => (AT, [0; 16]),
            About::Id(id) => (AT_ID, id),
            About::Key(_) => return self.other(document_change(*doc, event)),
        };
        // The last places first: what changes together lies together.
        let known = docs
            .iter()
            .zip(&self.places)
            .rposition(|(known, place)| known == doc && place.part == part);
        let place = known.unwrap_or_else(|| {
            docs.push(*doc);
            self.places.push(ChangePlace {
                doc: doc.to_string(),
                part,
            });
            self.places.len() - 1
        });
        self.entry(tag, place, id);
    }

    fn other(&mut self, change: Change) {
        self.others.push(change);
        self.entry(OTHER, self.others.len() - 1, [0; 16]);
    }

    fn entry(&mut self, tag: u8, number: usize, id: [u8; 16]) {
        // A batch is far smaller than 65,536 changes.
        let [high, low] = (number as u16).to_be_bytes();
        self.entries.extend([tag, 0, high, low]);
        self.entries.extend(id);
    }
}

/// A listener of the app as the engine's.
pub(crate) struct ListenerAdapter(pub Arc<dyn ChangeListener>);

impl ListenerAdapter {
    fn tell(&self, batch: PackedChanges) -> Result<(), ListenerFailed> {
        self.0.on_changes(batch).map_err(|error: HandbookError| {
            tracing::debug!(%error, "what the listener said");
            ListenerFailed
        })
    }
}

impl Listener for ListenerAdapter {
    fn on_start(&self) -> Result<(), ListenerFailed> {
        let mut start = PackedChanges::default();
        start.other(Change::Start);
        self.tell(start)
    }

    fn on_events(&self, events: &[Event]) -> Result<(), ListenerFailed> {
        self.tell(PackedChanges::of(events))
    }
}

/// What a listener was given so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct SubscriptionStats {
    /// Calls that began, the first one included.
    pub batches: u64,
    /// Changes in them, `Start` not counted.
    pub changes: u64,
    /// Nanoseconds spent in the listener, the way over the bridge included.
    pub nanos: u64,
    /// Failures in a row.
    pub failures: u32,
    /// Whether it still listens: not cancelled, not dropped for failing.
    pub active: bool,
}

/// A running subscription. Ends when cancelled or when the last reference to it goes.
#[derive(uniffi::Object)]
pub struct ChangeSubscription(pub(crate) sotay_engine::Subscription);

#[uniffi::export]
impl ChangeSubscription {
    /// No call begins after this returns; one that is running comes to its end. A second call does nothing.
    pub fn cancel(&self) -> Result<(), HandbookError> {
        crate::error::guarded(|| {
            self.0.cancel();
            Ok(())
        })
    }

    /// What the listener was given so far.
    pub fn stats(&self) -> Result<SubscriptionStats, HandbookError> {
        let stats = self.0.stats();
        Ok(SubscriptionStats {
            batches: stats.batches,
            changes: stats.events,
            nanos: stats.nanos,
            failures: stats.failures,
            active: stats.active,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(doc: u8, event: HandbookEvent) -> Event {
        Event::Handbook {
            doc: DocId::from_bytes([doc; 16]),
            event,
        }
    }

    #[test]
    fn a_batch_is_packed_in_order_and_names_each_place_once() {
        let speech = |id| HandbookEvent::Speech(EntryId::from_bytes([id; 16]));
        let packed = PackedChanges::of(&[
            at(1, speech(7)),
            Event::Names,
            at(1, speech(8)),
            at(1, HandbookEvent::Phase),
            at(2, speech(9)),
        ]);
        let place = |doc: &str, part| ChangePlace {
            doc: doc.repeat(16),
            part,
        };
        assert_eq!(
            packed.places,
            [
                place("01", DocumentPart::Speech),
                place("01", DocumentPart::Phase),
                place("02", DocumentPart::Speech),
            ]
        );
        assert_eq!(packed.others, [Change::Names]);
        let entries = concat!(
            "0100000007070707070707070707070707070707",
            "0200000000000000000000000000000000000000",
            "0100000008080808080808080808080808080808",
            "0000000100000000000000000000000000000000",
            "0100000209090909090909090909090909090909",
        );
        assert_eq!(HEXLOWER.encode(&packed.entries), entries);
        assert_eq!(packed.entries.len(), 5 * PACKED_BYTES);
    }

    #[test]
    fn a_section_of_the_narrative_keeps_its_name() {
        let section = sotay_engine::handbook::meeting::Section::News;
        let packed = PackedChanges::of(&[at(1, HandbookEvent::Narrative(section))]);
        let [Change::Document { part, id, .. }] = &packed.others[..] else {
            panic!("{packed:?}")
        };
        assert_eq!(
            (*part, id.as_deref()),
            (DocumentPart::Narrative, Some(section.key()))
        );
    }
}
