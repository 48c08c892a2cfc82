//! Kinds of documents, their schema versions, and their first change with every container in it.

use sotay_document::crdt::{AutomergeError, ObjType, ROOT, Transactable, Transaction};
use sotay_document::genesis_change;
use sotay_feed::DocId;

use crate::meeting::Section;

/// Kind of a document; its number travels with every run of changes. Numbers from 64 on belong to other crates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocKind {
    /// The roster of a unit.
    Roster = 1,
    /// One meeting.
    Meeting = 2,
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

const ROSTER_MAPS: [&str; 2] = [LINES, CHOICES];
/// `addenda` and `attachments` are for what later versions of the software write into meetings of this schema.
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
    "attachments",
    LINKS,
];

impl DocKind {
    /// The kind with this number; `None` for kinds this version does not know.
    pub fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(DocKind::Roster),
            2 => Some(DocKind::Meeting),
            _ => None,
        }
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The schema new documents of this kind get.
    pub fn schema(self) -> u16 {
        SCHEMA
    }

    /// The first change of a document, the same on every device; `None` for a schema this version does not know.
    pub fn genesis(self, doc: DocId, schema: u16) -> Option<Vec<u8>> {
        if schema != SCHEMA {
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
    }

    #[test]
    fn unknown_kinds_and_schemas_are_refused() {
        for kind in [DocKind::Roster, DocKind::Meeting] {
            assert_eq!(DocKind::from_number(kind.number()), Some(kind));
            assert!(kind.genesis(DocId::ZERO, kind.schema() + 1).is_none());
            assert!(kind.genesis(DocId::ZERO, 0).is_none());
        }
        assert_eq!(DocKind::from_number(0), None);
        assert_eq!(DocKind::from_number(3), None);
    }
}
