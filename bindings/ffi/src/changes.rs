//! Changes as apps get them, and the subscription that brings them.

use std::sync::Arc;

use sotay_engine::handbook::HandbookEvent;
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
    /// Documents of the library changed.
    Library,
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
    /// Something received is stored but not used.
    SetAside {
        /// Device that wrote it, if known.
        device: Option<String>,
        /// In words, without content.
        reason: String,
    },
    /// The app was too slow and changes were dropped: read anew what is shown.
    Missed,
    /// Documents or the store are in trouble.
    Trouble {
        /// In words, without content.
        text: String,
    },
}

fn part(event: &HandbookEvent) -> (DocumentPart, Option<String>) {
    match event {
        HandbookEvent::Roster(member) => (DocumentPart::Roster, Some(member.to_string())),
        HandbookEvent::Heading => (DocumentPart::Heading, None),
        HandbookEvent::Phase => (DocumentPart::Phase, None),
        HandbookEvent::Roll => (DocumentPart::Roll, None),
        HandbookEvent::Guests => (DocumentPart::Guests, None),
        HandbookEvent::Attendance(member) => (DocumentPart::Attendance, Some(member.to_string())),
        HandbookEvent::Agenda(id) => (DocumentPart::Agenda, Some(id.to_string())),
        HandbookEvent::Speech(id) => (DocumentPart::Speech, Some(id.to_string())),
        HandbookEvent::Motion(id) => (DocumentPart::Motion, Some(id.to_string())),
        HandbookEvent::Conclusion(id) => (DocumentPart::Conclusion, Some(id.to_string())),
        HandbookEvent::Removal(id) => (DocumentPart::Removal, Some(id.to_string())),
        HandbookEvent::Narrative(section) => (DocumentPart::Narrative, Some(section.key().to_owned())),
        HandbookEvent::Attachment(id) => (DocumentPart::Other, Some(id.to_string())),
        HandbookEvent::Note(id) => (DocumentPart::Note, Some(id.to_string())),
        HandbookEvent::Score => (DocumentPart::Score, None),
        HandbookEvent::Choice => (DocumentPart::Choice, None),
        HandbookEvent::Task(id) | HandbookEvent::FeeLine(id) => (DocumentPart::Other, Some(id.to_string())),
        HandbookEvent::Assessed(member) => (DocumentPart::Other, Some(member.to_string())),
        HandbookEvent::Rating | HandbookEvent::Resolution | HandbookEvent::Report => {
            (DocumentPart::Other, None)
        }
    }
}

impl From<&Event> for Change {
    fn from(event: &Event) -> Self {
        match event {
            Event::Unit => Self::Enrolled,
            Event::Membership => Self::Membership,
            Event::Names => Self::Names,
            // Feedback has no screens in the bindings yet; it is announced like what is read.
            Event::Library | Event::Feedback => Self::Library,
            Event::Handbook { doc, event } => {
                let (part, id) = part(event);
                Self::Document {
                    doc: doc.to_string(),
                    part,
                    id,
                }
            }
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
            Event::SetAside { device, reason, .. } => Self::SetAside {
                device: Some(device.to_string()),
                reason: format!("{reason:?}"),
            },
            Event::ChangeRefused { device, .. } => Self::SetAside {
                device: device.map(|device| device.to_string()),
                reason: "a change did not pass the gate".to_owned(),
            },
            Event::Missed => Self::Missed,
            // Whatever is called next says that the profile is locked.
            Event::Locked => Self::Missed,
            Event::Trouble { text } => Self::Trouble { text: text.clone() },
        }
    }
}

/// A listener of the app as the engine's.
pub(crate) struct ListenerAdapter(pub Arc<dyn ChangeListener>);

impl ListenerAdapter {
    fn tell(&self, batch: Vec<Change>) -> Result<(), ListenerFailed> {
        self.0.on_changes(batch).map_err(|error: HandbookError| {
            tracing::debug!(%error, "what the listener said");
            ListenerFailed
        })
    }
}

impl Listener for ListenerAdapter {
    fn on_start(&self) -> Result<(), ListenerFailed> {
        self.tell(vec![Change::Start])
    }

    fn on_events(&self, events: &[Event]) -> Result<(), ListenerFailed> {
        self.tell(events.iter().map(Change::from).collect())
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
