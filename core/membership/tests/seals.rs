//! Seals: who has to sign, what does not count as a signature, and the file that anybody can check.

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeSet;

use proptest::prelude::*;
use sotay_feed::{DeviceKeys, DocId, Draft, EnvelopeId, Kind, Space, SpaceKind, Tip, UnitId, VerifyError};
use sotay_membership::limits::{
    SEAL_EXTERNAL_BYTES_MAX, SEAL_FILE_BYTES_MAX, SEAL_HEADS_MAX, SEAL_LINE_BYTES_MAX,
};
use sotay_membership::seal::{
    External, ExternalKind, FileSeal, Flaw, MarkError, MarkForm, Official, Outcome, SealBody, SealBodyError,
    SealFile, SealFileError, SealId, SealKind, SealMark, Signature, VerifyFault, judge, verify,
};
use support::{Roll, device, id, member, tip};

const TEXT: &str = "BIÊN BẢN\nHọp chi bộ thường kỳ tháng 5\n";

fn body(unit: UnitId) -> SealBody {
    let official = |who: &str, name: &str| Official {
        member: member(who),
        name: name.to_owned(),
    };
    SealBody {
        kind: SealKind::Minutes,
        unit,
        document: DocId::from_bytes([7; 16]),
        heads: BTreeSet::from([[1; 32], [2; 32]]),
        text_sha256: [0; 32],
        schema: 1,
        roster_sha256: [3; 32],
        date: "2025-05-05".to_owned(),
        place: "Nhà văn hóa thôn An Lạc".to_owned(),
        chair: official("sec/1", "Nguyễn Văn Hùng"),
        clerk: official("an/1", "Lê Quang Vinh"),
        present: 35,
        eligible: 38,
        previous: None,
        claimed_ms: 1_746_455_000_000,
    }
    .over(TEXT)
}

/// A mark written at a place of a device's feed of main.
fn envelope(keys: &DeviceKeys, space: &Space, seq: u64, form: MarkForm, seal: SealId) -> Vec<u8> {
    let before = (seq > 1).then(|| Tip {
        seq: seq - 1,
        id: EnvelopeId::from_bytes([1; 32]),
    });
    let body = SealMark { form, seal }.encode();
    let envelope = Draft::next(keys, Kind::SEAL, &space.id(), before).sign(keys, &space.id(), &body);
    envelope.unwrap().bytes().to_vec()
}

struct Hall {
    roll: Roll,
    grants: std::collections::BTreeMap<&'static str, EnvelopeId>,
    main: Space,
    body: SealBody,
    marks: Vec<Vec<u8>>,
}

impl Hall {
    fn new() -> Self {
        let (roll, grants) = Roll::branch();
        let body = body(roll.unit());
        let main = roll.space(SpaceKind::Main);
        Self {
            roll,
            grants,
            main,
            body,
            marks: Vec::new(),
        }
    }

    fn mark(&mut self, who: &str, seq: u64, form: MarkForm) -> EnvelopeId {
        let bytes = envelope(device(who), &self.main, seq, form, self.body.id());
        let id = sotay_feed::Envelope::decode(&bytes).unwrap().id();
        self.marks.push(bytes);
        id
    }

    /// Chair proposes, clerk countersigns.
    fn sealed() -> Self {
        let mut hall = Self::new();
        hall.mark("sec/1", 5, MarkForm::Proposal);
        hall.mark("an/1", 3, MarkForm::Countersignature);
        hall
    }

    fn outcome(&self) -> Outcome {
        let marks: Vec<Signature> = self
            .marks
            .iter()
            .map(|bytes| {
                Signature::of(&sotay_feed::Envelope::decode(bytes).unwrap())
                    .unwrap()
                    .0
            })
            .collect();
        let outcome = judge(&self.roll.membership(), &self.main, &self.body, &marks);
        let mut turned = marks.clone();
        turned.reverse();
        turned.extend(marks);
        assert_eq!(
            judge(&self.roll.membership(), &self.main, &self.body, &turned),
            outcome
        );
        outcome
    }

    fn flaws(&self) -> Vec<Flaw> {
        self.outcome().flaws.into_iter().map(|(_, flaw)| flaw).collect()
    }

    fn file(&self) -> SealFile {
        SealFile {
            unit: self.roll.unit(),
            records: self
                .roll
                .all
                .iter()
                .map(|envelope| envelope.bytes().to_vec())
                .collect(),
            seals: vec![FileSeal {
                space: SpaceKind::Main,
                body: self.body.clone(),
                text: TEXT.to_owned(),
                marks: self.marks.clone(),
                external: vec![External {
                    kind: ExternalKind::Pades,
                    name: "bien-ban-05.pdf.p7s".to_owned(),
                    bytes: vec![9; 40],
                }],
            }],
        }
    }

    fn fault(&self) -> VerifyFault {
        verify(&self.file().encode(), None).unwrap_err()
    }
}

#[test]
fn a_seal_holds_when_chair_and_clerk_have_both_signed() {
    let mut hall = Hall::new();
    assert!(!hall.outcome().is_signed());
    hall.mark("an/1", 3, MarkForm::Proposal);
    let one = hall.outcome();
    assert!(one.chair.is_none() && one.clerk.is_some() && !one.is_signed());
    hall.mark("sec/2", 1, MarkForm::Countersignature);
    let both = hall.outcome();
    assert!(both.stands() && both.flaws.is_empty());
    assert_eq!(both.chair.unwrap().device, id("sec/2"));
}

#[test]
fn one_signer_twice_is_one_signature() {
    let mut hall = Hall::new();
    hall.mark("sec/1", 5, MarkForm::Proposal);
    hall.mark("sec/1", 6, MarkForm::Countersignature);
    let outcome = hall.outcome();
    assert!(outcome.chair.is_some() && outcome.clerk.is_none() && !outcome.is_signed());
}

#[test]
fn two_phones_of_one_member_are_one_signature() {
    let mut hall = Hall::new();
    hall.mark("sec/1", 5, MarkForm::Proposal);
    hall.mark("sec/2", 1, MarkForm::Countersignature);
    assert!(!hall.outcome().is_signed());
    // Nor when the body names one person in both places.
    hall.body.clerk = hall.body.chair.clone();
    hall.marks.clear();
    hall.mark("sec/1", 5, MarkForm::Proposal);
    hall.mark("sec/2", 1, MarkForm::Countersignature);
    assert_eq!(hall.flaws(), [Flaw::OnePerson, Flaw::OnePerson]);
}

#[test]
fn one_phone_with_grants_of_two_members_signs_for_one_of_them_only() {
    let mut hall = Hall::new();
    let mut grant = support::grant(4, "sec/1", Default::default());
    grant.member = member("an/1");
    hall.roll.write("sec/2", &sotay_membership::Record::Grant(grant));
    hall.mark("sec/1", 5, MarkForm::Proposal);
    hall.mark("sec/1", 6, MarkForm::Countersignature);
    assert!(!hall.outcome().is_signed());
}

#[test]
fn a_signature_after_the_cut_off_of_a_revocation_does_not_count_and_one_before_it_does() {
    let mut hall = Hall::sealed();
    let clerk = hall.outcome().clerk.unwrap();
    let grant = hall.grants["an/1"];
    let main = hall.main;
    let cut = |seq, id| Tip { seq, id };
    let mut kept = Roll::clone(&hall.roll);
    kept.revoke("dep", grant, &[(main, cut(3, clerk.envelope))]);
    hall.roll.revoke("dep", grant, &[(main, tip(2))]);
    assert_eq!(hall.flaws(), [Flaw::NoRight]);
    assert!(!hall.outcome().is_signed());
    assert!(matches!(
        hall.fault(),
        VerifyFault::Unsigned {
            at: 0,
            chair: false,
            flaw: Some(Flaw::NoRight)
        }
    ));
    hall.roll = kept;
    assert!(hall.outcome().stands());
    assert!(verify(&hall.file().encode(), None).is_ok());
}

#[test]
fn another_envelope_at_the_cut_off_is_not_the_accepted_signature() {
    let mut hall = Hall::sealed();
    let (grant, main) = (hall.grants["an/1"], hall.main);
    hall.roll.revoke("dep", grant, &[(main, tip(3))]);
    assert_eq!(hall.flaws(), [Flaw::NoRight]);
}

#[test]
fn nobody_vouches_for_a_signature_after_a_fork() {
    let hall = Hall::sealed();
    let mut membership = hall.roll.membership();
    membership.note_fork(hall.main.id().tag(), id("an/1"), 3);
    let marks: Vec<Signature> = hall
        .marks
        .iter()
        .map(|bytes| {
            Signature::of(&sotay_feed::Envelope::decode(bytes).unwrap())
                .unwrap()
                .0
        })
        .collect();
    let outcome = judge(&membership, &hall.main, &hall.body, &marks);
    assert_eq!(outcome.flaws[0].1, Flaw::NoRight);
}

#[test]
fn a_friend_who_is_not_named_signs_for_nobody() {
    let mut hall = Hall::new();
    hall.mark("sec/1", 5, MarkForm::Proposal);
    hall.mark("binh", 1, MarkForm::Countersignature);
    hall.mark("dep", 1, MarkForm::Countersignature);
    assert_eq!(hall.flaws(), [Flaw::NotNamed, Flaw::NotNamed]);
    assert!(!hall.outcome().is_signed());
}

#[test]
fn a_member_without_an_office_does_not_chair_even_when_named() {
    let mut hall = Hall::new();
    hall.body.chair = Official {
        member: member("binh"),
        name: "Bình".to_owned(),
    };
    hall.mark("binh", 1, MarkForm::Proposal);
    hall.mark("an/1", 3, MarkForm::Countersignature);
    assert_eq!(hall.flaws(), [Flaw::NoOffice]);
    assert!(!hall.outcome().is_signed());
}

#[test]
fn a_seal_of_another_unit_or_space_has_no_signers_here() {
    let mut hall = Hall::sealed();
    let membership = hall.roll.membership();
    let other = Space::of(UnitId::from_bytes([5; 32]), SpaceKind::Main);
    let mark = Signature::of(&sotay_feed::Envelope::decode(&hall.marks[0]).unwrap())
        .unwrap()
        .0;
    assert_eq!(
        judge(&membership, &other, &hall.body, &[mark]).flaws[0].1,
        Flaw::OtherUnit
    );
    hall.body.unit = UnitId::from_bytes([5; 32]);
    assert_eq!(
        judge(&membership, &hall.main, &hall.body, &[mark]).flaws[0].1,
        Flaw::OtherUnit
    );
}

#[test]
fn the_chair_or_the_secretary_takes_a_seal_back_and_nobody_else_does() {
    let mut hall = Hall::sealed();
    hall.mark("binh", 2, MarkForm::Withdrawal);
    hall.mark("an/1", 4, MarkForm::Withdrawal);
    assert!(hall.outcome().stands());
    assert_eq!(hall.flaws(), [Flaw::NotNamed, Flaw::NotNamed]);
    hall.mark("sec/2", 2, MarkForm::Withdrawal);
    let outcome = hall.outcome();
    assert!(outcome.is_signed() && !outcome.stands());
    assert!(verify(&hall.file().encode(), None).unwrap().seals[0].withdrawn);
}

#[test]
fn a_seal_file_is_checked_with_nothing_but_the_file() {
    let hall = Hall::sealed();
    let bytes = hall.file().encode();
    let verdict = verify(&bytes, None).unwrap();
    assert_eq!((verdict.unit, verdict.pinned), (hall.roll.unit(), false));
    let seal = &verdict.seals[0];
    assert_eq!((seal.id, seal.text.as_str()), (hall.body.id(), TEXT));
    assert_eq!((seal.chair.device, seal.clerk.device), (id("sec/1"), id("an/1")));
    assert!(!seal.withdrawn && !seal.replaced);
    assert_eq!(seal.external[0].kind, ExternalKind::Pades);
    assert!(verify(&bytes, Some(hall.roll.unit())).unwrap().pinned);
    let other = UnitId::from_bytes([1; 32]);
    assert_eq!(
        verify(&bytes, Some(other)),
        Err(VerifyFault::OtherUnit(hall.roll.unit()))
    );
}

#[test]
fn records_may_stand_in_any_order_in_the_file() {
    let hall = Hall::sealed();
    let mut file = hall.file();
    file.records.reverse();
    assert!(verify(&file.encode(), None).is_ok());
}

#[test]
fn other_bytes_under_a_seal_are_found() {
    let hall = Hall::sealed();
    let mut file = hall.file();
    file.seals[0].text = TEXT.replace("tháng 5", "tháng 6");
    assert_eq!(verify(&file.encode(), None), Err(VerifyFault::Text { at: 0 }));
    // A body over the new text is another seal, which nobody signed.
    file.seals[0].body = hall.body.clone().over(&file.seals[0].text);
    assert_eq!(
        verify(&file.encode(), None),
        Err(VerifyFault::OtherSeal { at: 0 })
    );
}

/// The order of the group, little-endian: adding it to the second half of a signature gives another encoding of the same
/// number, which lax verifiers accept.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

#[test]
fn a_malleable_signature_is_refused() {
    let hall = Hall::sealed();
    let mut file = hall.file();
    let mark = &mut file.seals[0].marks[1];
    let at = mark.len() - 32;
    let mut carry = 0u16;
    for (byte, add) in mark[at..].iter_mut().zip(ORDER) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry as u8;
        carry >>= 8;
    }
    assert_eq!(
        verify(&file.encode(), None),
        Err(VerifyFault::Signature {
            at: 1,
            error: VerifyError::Signature
        })
    );
}

#[test]
fn a_mark_moved_to_another_space_does_not_verify() {
    let hall = Hall::sealed();
    let mut file = hall.file();
    file.seals[0].space = SpaceKind::Committee;
    assert_eq!(
        verify(&file.encode(), None),
        Err(VerifyFault::Signature {
            at: 0,
            error: VerifyError::Space
        })
    );
}

#[test]
fn a_file_without_the_signer_s_grants_or_the_founding_record_is_refused() {
    let hall = Hall::sealed();
    let mut file = hall.file();
    file.records.truncate(1);
    assert_eq!(
        verify(&file.encode(), None),
        Err(VerifyFault::UnknownDevice { at: 0 })
    );
    file.records.clear();
    assert_eq!(verify(&file.encode(), None), Err(VerifyFault::Founding));
    let mut file = hall.file();
    file.records.remove(0);
    assert_eq!(verify(&file.encode(), None), Err(VerifyFault::Founding));
    let mut file = hall.file();
    file.seals.clear();
    assert_eq!(verify(&file.encode(), None), Err(VerifyFault::Nothing));
}

#[test]
fn an_addendum_and_a_second_edition_follow_a_seal_of_the_file() {
    let mut hall = Hall::sealed();
    let first = hall.file();
    let id = hall.body.id();
    let sign = |hall: &mut Hall, kind, text: &str| {
        hall.body = SealBody {
            kind,
            previous: Some(id),
            ..hall.body.clone()
        }
        .over(text);
        hall.marks.clear();
        hall.mark("sec/1", 8, MarkForm::Proposal);
        hall.mark("an/1", 9, MarkForm::Countersignature);
        let mut file = hall.file();
        file.seals[0].text = text.to_owned();
        file.seals.remove(0)
    };
    let addendum = sign(&mut hall, SealKind::Addendum, "Bổ sung.\n");
    let second = sign(&mut hall, SealKind::Minutes, "BIÊN BẢN lần 2\n");
    let mut file = first.clone();
    file.seals.extend([addendum, second]);
    let verdict = verify(&file.encode(), None).unwrap();
    let replaced: Vec<bool> = verdict.seals.iter().map(|seal| seal.replaced).collect();
    assert_eq!(replaced, [true, false, false]);
    file.seals.remove(0);
    assert_eq!(verify(&file.encode(), None), Err(VerifyFault::Chain { at: 0 }));
    // An addendum to nothing is no addendum, whoever signed it.
    hall.body = SealBody {
        kind: SealKind::Addendum,
        previous: None,
        ..hall.body.clone()
    }
    .over(TEXT);
    hall.marks.clear();
    hall.mark("sec/1", 8, MarkForm::Proposal);
    hall.mark("an/1", 9, MarkForm::Countersignature);
    assert_eq!(hall.fault(), VerifyFault::Chain { at: 0 });
}

#[test]
fn bytes_are_those_of_the_golden_vector() {
    let hall = Hall::sealed();
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let body = hall.body.encode();
    assert_eq!(hex(&body), include_str!("../vectors/seal-body.hex").trim());
    assert_eq!(SealBody::decode(&body), Ok(hall.body.clone()));
    let file = hall.file();
    assert_eq!(SealFile::decode(&file.encode()), Ok(file.clone()));
    assert_eq!(
        hex(&file.encode()),
        include_str!("../vectors/seal-file.hex").trim()
    );
    let mark = SealMark {
        form: MarkForm::Countersignature,
        seal: SealId::from_bytes([5; 32]),
    };
    assert_eq!(hex(&mark.encode()), format!("8301015820{}", "05".repeat(32)));
    assert_eq!(SealMark::decode(&mark.encode()), Ok((mark, 37)));
}

#[test]
fn versions_forms_and_kinds_of_later_programs_are_named_and_cut_bytes_refused() {
    let hall = Hall::sealed();
    let body = hall.body.encode();
    let with = |at: usize, byte: u8| {
        let mut bytes = body.clone();
        bytes[at] = byte;
        SealBody::decode(&bytes)
    };
    assert_eq!(with(1, 2), Err(SealBodyError::Version(2)));
    assert_eq!(with(2, 9), Err(SealBodyError::Kind(9)));
    for len in 0..body.len() {
        assert!(SealBody::decode(&body[..len]).is_err(), "{len} bytes");
    }
    let mark = SealMark {
        form: MarkForm::Proposal,
        seal: SealId::from_bytes([5; 32]),
    }
    .encode();
    let mut other = mark.clone();
    other[2] = 4;
    assert_eq!(SealMark::decode(&other), Err(MarkError::Form(4)));
    other[1] = 2;
    assert_eq!(SealMark::decode(&other), Err(MarkError::Version(2)));
    for len in 0..mark.len() {
        assert!(SealMark::decode(&mark[..len]).is_err(), "{len} bytes");
    }
    let file = hall.file().encode();
    for len in 0..file.len() {
        assert!(SealFile::decode(&file[..len]).is_err(), "{len} bytes");
    }
    let mut newer = file.clone();
    newer[12] = 2;
    assert_eq!(SealFile::decode(&newer), Err(SealFileError::Version(2)));
    assert_eq!(SealFile::decode(b"%PDF-1.7"), Err(SealFileError::Foreign));
}

#[test]
fn limits_hold_and_one_more_is_refused() {
    let unit = UnitId::from_bytes([1; 32]);
    let head = |n: usize| {
        let mut head = [0; 32];
        head[..8].copy_from_slice(&(n as u64).to_be_bytes());
        head
    };
    let heads = |count: usize| SealBody {
        heads: (0..count).map(head).collect(),
        ..body(unit)
    };
    assert!(SealBody::decode(&heads(SEAL_HEADS_MAX).encode()).is_ok());
    assert!(SealBody::decode(&heads(SEAL_HEADS_MAX + 1).encode()).is_err());
    assert_eq!(SealBody::decode(&heads(0).encode()), Err(SealBodyError::Heads));
    let place = |len: usize| SealBody {
        place: "x".repeat(len),
        ..body(unit)
    };
    assert!(SealBody::decode(&place(SEAL_LINE_BYTES_MAX).encode()).is_ok());
    assert!(SealBody::decode(&place(SEAL_LINE_BYTES_MAX + 1).encode()).is_err());
    let outside = |len: usize| External {
        kind: ExternalKind::Other,
        name: String::new(),
        bytes: vec![0; len],
    };
    assert!(External::decode(&outside(SEAL_EXTERNAL_BYTES_MAX).encode()).is_ok());
    assert!(External::decode(&outside(SEAL_EXTERNAL_BYTES_MAX + 1).encode()).is_err());
    let large = vec![0; SEAL_FILE_BYTES_MAX + 1];
    assert_eq!(
        SealFile::decode(&large),
        Err(SealFileError::TooLarge(large.len()))
    );
}

#[test]
fn debug_shows_no_name_and_no_text() {
    let shown = format!("{:?} {:?}", Hall::sealed().body, Hall::sealed().file());
    assert!(
        !shown.contains("Hùng") && !shown.contains("BIÊN") && !shown.contains("p7s"),
        "{shown}"
    );
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = SealBody::decode(&bytes);
        let _ = SealMark::decode(&bytes);
        let _ = verify(&bytes, None);
    }

    /// No byte of a file can be another one and the file still say the same: it is refused, or, where an outside
    /// signature is altered, which nobody judges, the seals say the same.
    #[test]
    fn a_file_with_one_byte_altered_never_says_something_else(at in any::<prop::sample::Index>(), flip in 1u8..=255) {
        let hall = Hall::sealed();
        let mut bytes = hall.file().encode();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(verdict) = verify(&bytes, Some(hall.roll.unit())) {
            prop_assert_eq!(&verdict.seals[0].body, &hall.body);
            prop_assert_eq!(verdict.seals[0].text.as_str(), TEXT);
        }
    }
}

/// The grant of a slot: feedback into the inbox, and nothing else.
#[test]
fn a_slot_writes_into_the_inbox_and_nowhere_else() {
    let (mut roll, _) = Roll::branch();
    let inbox = roll.space(SpaceKind::Inbox);
    let mut grant = support::grant(5, "slot", Default::default());
    grant.scope = Some(sotay_membership::slot_scope(&inbox));
    roll.write("dep", &sotay_membership::Record::Grant(grant));
    let mut guest = support::grant(5, "guest", Default::default());
    guest.scope = Some(DocId::from_bytes([1; 16]));
    roll.write("dep", &sotay_membership::Record::Grant(guest));
    let membership = roll.membership();
    assert_eq!(membership.may_write(id("slot"), &inbox, Kind::INBOX, 1), Ok(()));
    assert!(membership.may_write(id("slot"), &inbox, Kind::CHANGE, 1).is_err());
    assert!(membership.may_read(id("slot"), &inbox).is_err());
    for kind in [SpaceKind::Main, SpaceKind::Committee, SpaceKind::Broadcast] {
        assert!(
            membership
                .may_write(id("slot"), &roll.space(kind), Kind::CHANGE, 1)
                .is_err()
        );
        assert!(membership.may_read(id("slot"), &roll.space(kind)).is_err());
    }
    assert!(membership.may_write(id("guest"), &inbox, Kind::INBOX, 1).is_err());
    let phones: Vec<_> = membership.members().into_iter().flat_map(|m| m.devices).collect();
    let listed = |name| phones.iter().any(|(device, _)| *device == id(name));
    assert!(listed("guest") && !listed("slot"), "a slot is nobody's phone");
}
