//! The list of what was written and does not count.

use serde::Serialize;
use sotay_feed::{DeviceId, EnvelopeId, Kind, SpaceKind};
use sotay_store::Store;

use super::Device;
use super::void::Verdict;
use crate::error::DeviceError;

/// Something that was written and does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LateLine {
    /// The envelope, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub envelope: EnvelopeId,
    /// The phone that wrote it, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub device: DeviceId,
    /// Its label.
    pub label: String,
    /// Its holder's name, if known.
    pub name: Option<String>,
    /// Number in the phone's feed.
    pub seq: u64,
    /// The document, in hexadecimal; `None` for what belongs to none.
    pub doc: Option<String>,
    /// What it is.
    pub what: LateWhat,
}

/// What was written and does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LateWhat {
    /// A change of a document.
    Change,
    /// A name.
    Name,
    /// Something published: a document of the library, a quiz, a directive, a template.
    Publication,
    /// A mark, an attempt or a repetition of the holder, or a mark that was told to the unit.
    Study,
    /// Anything else.
    Record,
}

impl From<Kind> for LateWhat {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::CHANGE => Self::Change,
            Kind::PERSON | Kind::CARD => Self::Name,
            Kind::PUBLICATION => Self::Publication,
            Kind::STUDY => Self::Study,
            _ => Self::Record,
        }
    }
}

impl<S: Store> Device<S> {
    /// What was written to this unit's documents and library, or to the holder's own records, and does not count: by space,
    /// phone and number.
    pub fn late(&self) -> Result<Vec<LateLine>, DeviceError> {
        let mut lines = Vec::new();
        let mut spaces = self.spaces()?;
        spaces.retain(|space| space.kind != SpaceKind::Roll);
        for space in spaces {
            let id = space.id();
            for ((device, seq), (verdict, doc)) in self.verdicts(id.tag())? {
                let Some(stored) = self.replica.store().at(&id, device, seq)? else {
                    continue;
                };
                if verdict == Verdict::LeftOut {
                    let standing = self.membership()?.standing(device);
                    let holder = standing.and_then(|standing| standing.member);
                    lines.push(LateLine {
                        envelope: stored.id,
                        device,
                        label: self.device_label(device),
                        name: holder.and_then(|member| self.member_name(member)),
                        seq,
                        doc: doc.map(|doc| doc.to_string()),
                        what: stored.kind.into(),
                    });
                }
            }
        }
        Ok(lines)
    }
}
