//! Typed events: which parts of a view changed, from the places a change touched. Nothing is read for it.

use serde::Serialize;
use sotay_document::Touched;
use sotay_feed::{InOrder, MemberId};

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
    /// A file that belongs to the meeting.
    Attachment(EntryId),
    /// A score.
    Score,
    /// A choice was made: any part may show another value.
    Choice,
    /// A task.
    Task(EntryId),
    /// A line of the fee ledger.
    FeeLine(EntryId),
    /// What a member was assessed at.
    Assessed(#[serde(serialize_with = "ser::id")] MemberId),
    /// Points, levels or evidence of a rating.
    Rating,
    /// A resolution.
    Resolution,
    /// A report was sent.
    Report,
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
    events.in_order();
    events.dedup();
    events
}

fn event(kind: DocKind, container: &str, key: &str) -> Option<HandbookEvent> {
    let head = key.split('/').next()?;
    Some(match (kind, container) {
        (_, schema::CHOICES) | (DocKind::Meeting, schema::LINKS) => HandbookEvent::Choice,
        (DocKind::Roster, schema::LINES) => HandbookEvent::Roster(parse_id(head)?),
        (DocKind::Roster, _) => return None,
        (
            DocKind::Tasks,
            schema::TASKS | schema::TASK_PEOPLE | schema::TASK_EVENTS | schema::TASK_RESULTS,
        ) => HandbookEvent::Task(parse_id(head)?),
        (DocKind::FeeLedger, schema::LINES) => HandbookEvent::FeeLine(parse_id(head)?),
        (DocKind::FeeLedger, schema::ASSESSED) => HandbookEvent::Assessed(parse_id(head)?),
        (DocKind::Rating, schema::SCORES | schema::LEVELS | schema::EVIDENCE) => HandbookEvent::Rating,
        (
            DocKind::Resolution,
            schema::INFO | schema::PARTS | schema::TASKS | schema::RECIPIENTS | schema::STEPS,
        ) => HandbookEvent::Resolution,
        (DocKind::Report, schema::REVISIONS) => HandbookEvent::Report,
        (
            DocKind::Tasks | DocKind::FeeLedger | DocKind::Rating | DocKind::Resolution | DocKind::Report,
            _,
        ) => return None,
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
        (DocKind::Meeting, schema::ATTACHMENTS) => HandbookEvent::Attachment(parse_id(head)?),
        (DocKind::Meeting, schema::SCORES) => HandbookEvent::Score,
        (DocKind::Meeting, _) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotay_document::TouchKind;
    use sotay_document::crdt::Prop;

    fn touch(path: &[&str]) -> Touched {
        Touched {
            path: path.iter().map(|key| Prop::Map((*key).to_owned())).collect(),
            kind: TouchKind::Text,
        }
    }

    #[test]
    fn places_become_events_once_each_and_unknown_places_none() {
        let member = MemberId::from_bytes([0xab; 16]);
        let entry = EntryId::from_bytes([1; 16]);
        let touched = [
            touch(&["speeches", &entry.to_string(), "text"]),
            touch(&["speeches", &entry.to_string(), "order"]),
            touch(&["attendance", &format!("{member}/0011223344556677")]),
            touch(&["left", &format!("{member}/0011223344556677")]),
            touch(&["narrative", "fees"]),
            touch(&["info", "place"]),
            touch(&["links", "x"]),
            touch(&["speeches", "no id"]),
            touch(&["unknown", "x"]),
            touch(&["info"]),
            touch(&[]),
        ];
        assert_eq!(
            events(DocKind::Meeting, &touched),
            [
                HandbookEvent::Heading,
                HandbookEvent::Attendance(member),
                HandbookEvent::Speech(entry),
                HandbookEvent::Narrative(Section::Fees),
                HandbookEvent::Choice,
            ]
        );
        assert_eq!(events(DocKind::Roster, &touched), []);
        let line = touch(&["lines", &format!("{member}/role/2025-05-01")]);
        assert_eq!(events(DocKind::Roster, &[line]), [HandbookEvent::Roster(member)]);
    }
}
