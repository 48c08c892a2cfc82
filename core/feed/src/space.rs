//! Spaces: who reads and writes together. The id is derived, so every party computes it alike (P1.3).

use crate::{DocId, MemberId, SpaceId, UnitId};

const CONTEXT: &str = "sotay/v1/space";

/// What a space is for. The order of the variants is the order in which spaces are synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SpaceKind {
    /// Membership records of the unit; clear for its relay.
    Roll = 0,
    /// What all members share.
    Main = 1,
    /// Officers and committee members.
    Committee = 2,
    /// Members write, the committee reads.
    Inbox = 3,
    /// Officers of the unit and devices of its parent.
    Report = 4,
    /// One member's own devices.
    Private = 5,
    /// From an upper unit to everyone below.
    Broadcast = 6,
    /// One meeting, as an officer's phone shows it to its guests.
    Guest = 7,
}

/// A number that names no kind of space this version knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of space {0}")]
pub struct UnknownSpaceKind(pub u8);

impl SpaceKind {
    /// All kinds, in sync order.
    pub const ALL: [SpaceKind; 8] = [
        SpaceKind::Roll,
        SpaceKind::Main,
        SpaceKind::Committee,
        SpaceKind::Inbox,
        SpaceKind::Report,
        SpaceKind::Private,
        SpaceKind::Broadcast,
        SpaceKind::Guest,
    ];

    /// Whether a space of this kind belongs to somebody or something of the unit, which its id names.
    pub fn has_subject(self) -> bool {
        matches!(self, SpaceKind::Private | SpaceKind::Guest)
    }
}

impl TryFrom<u8> for SpaceKind {
    type Error = UnknownSpaceKind;

    fn try_from(number: u8) -> Result<Self, UnknownSpaceKind> {
        Self::ALL
            .get(usize::from(number))
            .copied()
            .ok_or(UnknownSpaceKind(number))
    }
}

/// A space by its meaning. Sorts by unit, then in sync order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Space {
    /// The unit it belongs to.
    pub unit: UnitId,
    /// What it is for.
    pub kind: SpaceKind,
    /// The member of a private space, or the document that guests are shown; `None` for every other kind.
    pub subject: Option<MemberId>,
}

impl Space {
    /// The unit's space of a kind that has no subject.
    pub fn of(unit: UnitId, kind: SpaceKind) -> Self {
        Self {
            unit,
            kind,
            subject: None,
        }
    }

    /// The private space of one member.
    pub fn private(unit: UnitId, member: MemberId) -> Self {
        Self {
            unit,
            kind: SpaceKind::Private,
            subject: Some(member),
        }
    }

    /// The space in which the guests of one document read it.
    pub fn guest(unit: UnitId, doc: DocId) -> Self {
        Self {
            unit,
            kind: SpaceKind::Guest,
            subject: Some(MemberId::from_bytes(*doc.as_bytes())),
        }
    }

    /// The document of a guest space.
    pub fn shown(&self) -> Option<DocId> {
        let subject = self.subject.filter(|_| self.kind == SpaceKind::Guest);
        subject.map(|subject| DocId::from_bytes(*subject.as_bytes()))
    }

    /// `BLAKE3-derive("sotay/v1/space", unit ‖ kind ‖ subject or 16 zero bytes)`.
    pub fn id(&self) -> SpaceId {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update(self.unit.as_bytes());
        hasher.update(&[self.kind as u8]);
        hasher.update(self.subject.unwrap_or(MemberId::ZERO).as_bytes());
        SpaceId::from_bytes(*hasher.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_of_one_unit_differ_by_kind_and_subject() {
        let unit = UnitId::from_bytes([3; 32]);
        let mut ids: Vec<_> = SpaceKind::ALL
            .iter()
            .map(|&kind| Space::of(unit, kind).id())
            .collect();
        ids.push(Space::private(unit, MemberId::from_bytes([1; 16])).id());
        ids.push(Space::guest(unit, DocId::from_bytes([1; 16])).id());
        ids.push(Space::of(UnitId::from_bytes([4; 32]), SpaceKind::Roll).id());
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn derivation_is_the_published_one() {
        let id = Space::of(UnitId::from_bytes([0; 32]), SpaceKind::Roll).id();
        assert_eq!(
            id.to_string(),
            "2b6d8e61bea7afc902ef1f01984a924b71f95bfeb6435a446e7a965050a156d5"
        );
    }

    #[test]
    fn kinds_round_trip_by_number_and_unknown_ones_are_named() {
        for kind in SpaceKind::ALL {
            assert_eq!(SpaceKind::try_from(kind as u8), Ok(kind));
        }
        assert_eq!(SpaceKind::try_from(8), Err(UnknownSpaceKind(8)));
    }
}
