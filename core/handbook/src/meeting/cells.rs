//! Formats of the cells of a meeting.

use sotay_feed::MemberId;
use sotay_feed::cbor::{CborError, Reader, Writer};

use super::command::TallyCount;
use super::kinds::{Ballot, How, Method, Need, State};
use super::view::Person;
use crate::cell::{Cell, cell_struct};
use crate::claim::Tag;
use crate::ids::EntryId;
use crate::sheet::Para;
use crate::words::Words;

/// Attendance of one member as one device has it; `over` names marks of others that the marker knew and corrects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MarkCell {
    pub state: State,
    pub how: How,
    pub reason: Option<Words>,
    pub over: Vec<Tag>,
}

cell_struct!(MarkCell {
    state,
    how,
    reason,
    over
});

/// A step; a seal names the hash of the minutes it was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StepCell {
    pub minutes: Option<[u8; 32]>,
}

cell_struct!(StepCell { minutes });

/// A file that belongs to the meeting; its bytes are not in the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AttachmentCell {
    pub name: Words,
    pub media: Words,
    pub bytes: u32,
    pub blake3: [u8; 32],
    pub pages: u32,
}

cell_struct!(AttachmentCell {
    name,
    media,
    bytes,
    blake3,
    pages
});

/// A vote as it was opened: nothing of it changes any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenedCell {
    pub text: Para,
    pub eligible: Vec<MemberId>,
    pub method: Method,
    pub need: Need,
}

cell_struct!(OpenedCell {
    text,
    eligible,
    method,
    need
});

/// Votes as one device counted them. `board` names who counted paper ballots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TallyCell {
    pub counts: TallyCount,
    pub board: Vec<MemberId>,
}

cell_struct!(TallyCell { counts, board });
cell_struct!(TallyCount {
    for_,
    against,
    other,
    invalid
});

/// One ballot as one device recorded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BallotCell {
    pub ballot: Ballot,
    pub how: How,
}

cell_struct!(BallotCell { ballot, how });

/// A variant of a paragraph that another one was written over, and how it read then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BaseCell {
    pub variant: String,
    pub text: Tag,
}

cell_struct!(BaseCell { variant, text });

/// A removal, with the content its maker saw: what was edited elsewhere meanwhile is not removed by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RemovalCell {
    pub content: Tag,
}

cell_struct!(RemovalCell { content });

const MEMBER: u64 = 0;
const GUEST: u64 = 1;

impl Cell for Person {
    fn write(&self, writer: &mut Writer) {
        writer.array(2);
        match self {
            Person::Member(member) => writer.uint(MEMBER).bytes(member.as_bytes()),
            Person::Guest(guest) => writer.uint(GUEST).bytes(guest.as_bytes()),
        };
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.array(2)?;
        let at = reader.position();
        match reader.uint()? {
            MEMBER => reader.fixed().map(MemberId::from_bytes).map(Person::Member),
            GUEST => reader.fixed().map(EntryId::from_bytes).map(Person::Guest),
            _ => Err(CborError::Malformed { at }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::tests::holds;

    const MEMBER: MemberId = MemberId::from_bytes([1; 16]);

    #[test]
    fn marks_hold() {
        let mark = MarkCell {
            state: State::Excused,
            how: How::RollCall,
            reason: Some(Words::from("ốm")),
            over: vec![Tag::of("a", b"b")],
        };
        holds(&mark, "821b00000196a06cb14084020064e1bb916d8148daf8c173dba8deeb");
        holds(&StepCell { minutes: None }, "821b00000196a06cb14081f6");
    }

    #[test]
    fn votes_hold() {
        let text = Para("Sửa đường xóm 3\nnăm nay".into());
        holds(
            &OpenedCell {
                text,
                eligible: vec![MEMBER],
                method: Method::Hands,
                need: Need::TwoThirds,
            },
            "821b00000196a06cb14084781f53e1bbad6120c491c6b0e1bb9d6e672078c3b36d20330a6ec4836d206e61798150010101010101010101010101010101010001",
        );
        let counts = TallyCount {
            for_: 31,
            against: 1,
            other: 1,
            invalid: 0,
        };
        holds(
            &TallyCell {
                counts,
                board: vec![],
            },
            "821b00000196a06cb1408284181f01010080",
        );
        holds(
            &BallotCell {
                ballot: Ballot::Against,
                how: How::Helper,
            },
            "821b00000196a06cb140820103",
        );
    }

    #[test]
    fn people_variants_and_removals_hold() {
        holds(
            &Person::Member(MEMBER),
            "821b00000196a06cb14082005001010101010101010101010101010101",
        );
        holds(
            &Person::Guest(EntryId::from_bytes([2; 16])),
            "821b00000196a06cb14082015002020202020202020202020202020202",
        );
        holds(
            &BaseCell {
                variant: "0011223344556677-0".into(),
                text: Tag::of("a", b"b"),
            },
            "821b00000196a06cb1408272303031313232333334343535363637372d3048daf8c173dba8deeb",
        );
        holds(
            &RemovalCell {
                content: Tag::of("a", b"b"),
            },
            "821b00000196a06cb1408148daf8c173dba8deeb",
        );
    }

    #[test]
    fn numbers_of_later_versions_are_no_cells() {
        let mut writer = Writer::new();
        writer.array(2).int(0).array(2).uint(3).uint(0);
        assert!(crate::cell::decode::<BallotCell>(&writer.into_bytes()).is_err());
        let mut writer = Writer::new();
        writer.array(2).int(0).array(2).uint(2).bytes(&[0; 16]);
        assert!(crate::cell::decode::<Person>(&writer.into_bytes()).is_err());
    }
}
