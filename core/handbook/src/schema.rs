//! Kinds of documents, their schema versions, and their first change with every container in it.

use sotay_document::crdt::{AutomergeError, ObjType, ROOT, Transactable, Transaction};
use sotay_document::genesis_change;
use sotay_feed::DocId;

use crate::meeting::Section;
use crate::resolution::Part;

/// Kind of a document; its number travels with every run of changes. Numbers from 64 on belong to other crates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DocKind {
    /// The roster of a unit.
    Roster = 1,
    /// One meeting.
    Meeting = 2,
    /// Tasks of a year.
    Tasks = 3,
    /// The fee ledger of a year.
    FeeLedger = 4,
    /// Ratings of a year.
    Rating = 5,
    /// One resolution.
    Resolution = 6,
    /// Reports of a year.
    Report = 7,
}

/// Newest schema of every kind this version writes.
pub const SCHEMA: u16 = 1;

pub(crate) const LINES: &str = "lines";
pub(crate) const CHOICES: &str = "choices";
pub(crate) const INFO: &str = "info";
pub(crate) const STEPS: &str = "steps";
pub(crate) const ROLL: &str = "roll";
pub(crate) const GUESTS: &str = "guests";
pub(crate) const ATTENDANCE: &str = "attendance";
pub(crate) const ARRIVED: &str = "arrived";
pub(crate) const LEFT: &str = "left";
pub(crate) const AGENDA: &str = "agenda";
pub(crate) const SPEECHES: &str = "speeches";
pub(crate) const MOTIONS: &str = "motions";
pub(crate) const CONCLUSIONS: &str = "conclusions";
pub(crate) const REMOVALS: &str = "removals";
pub(crate) const NARRATIVE: &str = "narrative";
pub(crate) const NOTES: &str = "notes";
pub(crate) const SCORES: &str = "scores";
pub(crate) const LINKS: &str = "links";
pub(crate) const ATTACHMENTS: &str = "attachments";
pub(crate) const TASKS: &str = "tasks";
pub(crate) const TASK_PEOPLE: &str = "people";
pub(crate) const TASK_EVENTS: &str = "events";
pub(crate) const TASK_RESULTS: &str = "results";
pub(crate) const ASSESSED: &str = "assessed";
pub(crate) const LEVELS: &str = "levels";
pub(crate) const EVIDENCE: &str = "evidence";
pub(crate) const PARTS: &str = "parts";
pub(crate) const RECIPIENTS: &str = "recipients";
pub(crate) const REVISIONS: &str = "revisions";

/// Fields of a task, after its id in the keys of [`TASKS`].
pub(crate) mod task {
    pub const WHAT: &str = "what";
    pub const SOURCE: &str = "source";
    pub const DEADLINE: &str = "deadline";
    pub const WITHDRAWN: &str = "withdrawn";
}

const ROSTER_MAPS: [&str; 2] = [LINES, CHOICES];
/// `addenda` is for what later versions of the software write into meetings of this schema.
const MEETING_MAPS: [&str; 18] = [
    INFO,
    STEPS,
    ROLL,
    GUESTS,
    ATTENDANCE,
    ARRIVED,
    LEFT,
    AGENDA,
    SPEECHES,
    MOTIONS,
    CONCLUSIONS,
    REMOVALS,
    NOTES,
    SCORES,
    CHOICES,
    "addenda",
    ATTACHMENTS,
    LINKS,
];

const TASKS_MAPS: [&str; 5] = [TASKS, TASK_PEOPLE, TASK_EVENTS, TASK_RESULTS, CHOICES];
const FEES_MAPS: [&str; 3] = [LINES, ASSESSED, CHOICES];
const RATING_MAPS: [&str; 4] = [SCORES, LEVELS, EVIDENCE, CHOICES];
const RESOLUTION_MAPS: [&str; 5] = [INFO, TASKS, RECIPIENTS, STEPS, CHOICES];
const REPORT_MAPS: [&str; 2] = [REVISIONS, CHOICES];

impl DocKind {
    /// All kinds, in order of number.
    pub const ALL: [DocKind; 7] = [
        DocKind::Roster,
        DocKind::Meeting,
        DocKind::Tasks,
        DocKind::FeeLedger,
        DocKind::Rating,
        DocKind::Resolution,
        DocKind::Report,
    ];

    /// The kind with this number; `None` for kinds this version does not know.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The schema new documents of this kind get.
    pub fn schema(self) -> u16 {
        SCHEMA
    }

    /// Whether documents of this schema can be read by this version.
    pub fn knows(self, schema: u16) -> bool {
        schema == SCHEMA
    }

    /// The first change of a document, the same on every device; `None` for a schema this version does not know.
    pub fn genesis(self, doc: DocId, schema: u16) -> Option<Vec<u8>> {
        if !self.knows(schema) {
            return None;
        }
        let change = match self {
            DocKind::Roster => genesis_change(doc, schema, |tx| maps(tx, &ROSTER_MAPS)),
            DocKind::Meeting => genesis_change(doc, schema, |tx| {
                maps(tx, &MEETING_MAPS)?;
                let narrative = tx.put_object(ROOT, NARRATIVE, ObjType::Map)?;
                for section in Section::ALL {
                    tx.put_object(&narrative, section.key(), ObjType::Text)?;
                }
                Ok(())
            }),
            DocKind::Tasks => genesis_change(doc, schema, |tx| maps(tx, &TASKS_MAPS)),
            DocKind::FeeLedger => genesis_change(doc, schema, |tx| maps(tx, &FEES_MAPS)),
            DocKind::Rating => genesis_change(doc, schema, |tx| maps(tx, &RATING_MAPS)),
            DocKind::Resolution => genesis_change(doc, schema, |tx| {
                maps(tx, &RESOLUTION_MAPS)?;
                let parts = tx.put_object(ROOT, PARTS, ObjType::Map)?;
                for part in Part::ALL {
                    tx.put_object(&parts, part.key(), ObjType::Text)?;
                }
                Ok(())
            }),
            DocKind::Report => genesis_change(doc, schema, |tx| maps(tx, &REPORT_MAPS)),
        };
        Some(change.expect("the containers of a known schema can be made in an empty document"))
    }
}

fn maps(tx: &mut Transaction<'_>, names: &[&str]) -> Result<(), AutomergeError> {
    for &name in names {
        tx.put_object(ROOT, name, ObjType::Map)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use sha2::{Digest, Sha256};

    /// Devices of all versions must make the same first change: these bytes never change under schema 1.
    #[test]
    fn first_changes_of_schema_1_are_the_published_ones() {
        let digest = |kind: DocKind| {
            let change = kind.genesis(DocId::from_bytes([7; 16]), 1).unwrap();
            HEXLOWER.encode(&Sha256::digest(change)[..8])
        };
        assert_eq!(digest(DocKind::Roster), "146e25c6e7e8c086");
        assert_eq!(digest(DocKind::Meeting), "4631c6b91810c1b2");
        let later: Vec<String> = DocKind::ALL[2..].iter().map(|kind| digest(*kind)).collect();
        let published = [
            "f5c8190eb1ec3a60",
            "9e88a3adbceca40e",
            "777286bacb09974a",
            "8a4ed6190acc5f00",
            "4cdb212689a890b8",
        ];
        assert_eq!(later, published);
    }

    #[test]
    fn unknown_kinds_and_schemas_are_refused() {
        for kind in DocKind::ALL {
            assert_eq!(DocKind::from_number(kind.number()), Some(kind));
            assert!(kind.genesis(DocId::ZERO, kind.schema() + 1).is_none());
            assert!(kind.genesis(DocId::ZERO, 0).is_none());
        }
        assert_eq!(DocKind::from_number(0), None);
        assert_eq!(DocKind::from_number(8), None);
    }
}
