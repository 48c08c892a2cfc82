//! Typed events: which parts of a view changed, from the places a change touched. Nothing is read for it.

use serde::Serialize;
use sotay_document::Touched;
use sotay_feed::MemberId;

use crate::ids::{EntryId, parse_id, ser};
use crate::meeting::Section;
use crate::schema::{self, DocKind};

/// What changed in a document of the handbook.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HandbookEvent {
    /// A member's line in the roster.
    Roster(#[serde(serialize_with = "ser::id")] MemberId),
    /// The heading of a meeting.
    Heading,
    /// A step was taken.
    Phase,
    /// The frozen list.
    Roll,
    /// Guests.
    Guests,
    /// Attendance of a member.
    Attendance(#[serde(serialize_with = "ser::id")] MemberId),
    /// An item of the agenda.
    Agenda(EntryId),
    /// A speech.
    Speech(EntryId),
    /// A vote: its text, counts or ballots.
    Motion(EntryId),
    /// A conclusion.
    Conclusion(EntryId),
    /// An entry was removed or contested as removed.
    Removal(EntryId),
    /// A section of the narrative.
    Narrative(Section),
    /// Praise or a reminder.
    Note(EntryId),
    /// A score.
    Score,
    /// A choice was made: any part may show another value.
    Choice,
}

/// Each event once, sorted; places that no view shows give none.
pub fn events(kind: DocKind, touched: &[Touched]) -> Vec<HandbookEvent> {
    let mut events: Vec<HandbookEvent> = touched
        .iter()
        .filter_map(|touched| {
            let mut keys = touched.keys();
            event(kind, keys.next()?, keys.next()?)
        })
        .collect();
    events.sort();
    events.dedup();
    events
}

fn event(kind: DocKind, container: &str, key: &str) -> Option<HandbookEvent> {
    let head = key.split('/').next()?;
    Some(match (kind, container) {
        (_, schema::CHOICES) => HandbookEvent::Choice,
        (DocKind::Roster, schema::LINES) => HandbookEvent::Roster(parse_id(head)?),
        (DocKind::Roster, _) => return None,
        (DocKind::Meeting, schema::INFO) => HandbookEvent::Heading,
        (DocKind::Meeting, schema::STEPS) => HandbookEvent::Phase,
        (DocKind::Meeting, schema::ROLL) => HandbookEvent::Roll,
        (DocKind::Meeting, schema::GUESTS) => HandbookEvent::Guests,
        (DocKind::Meeting, schema::ATTENDANCE | schema::ARRIVED | schema::LEFT) => {
            HandbookEvent::Attendance(parse_id(head)?)
        }
        (DocKind::Meeting, schema::AGENDA) => HandbookEvent::Agenda(parse_id(head)?),
        (DocKind::Meeting, schema::SPEECHES) => HandbookEvent::Speech(parse_id(head)?),
        (DocKind::Meeting, schema::MOTIONS) => HandbookEvent::Motion(parse_id(head)?),
        (DocKind::Meeting, schema::CONCLUSIONS) => HandbookEvent::Conclusion(parse_id(head)?),
        (DocKind::Meeting, schema::REMOVALS) => HandbookEvent::Removal(parse_id(head)?),
        (DocKind::Meeting, schema::NARRATIVE) => HandbookEvent::Narrative(Section::from_key(head)?),
        (DocKind::Meeting, schema::NOTES) => HandbookEvent::Note(parse_id(head)?),
        (DocKind::Meeting, schema::SCORES) => HandbookEvent::Score,
        (DocKind::Meeting, _) => return None,
    })
}
