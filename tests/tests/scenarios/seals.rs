//! Scenario 7, and what else can happen between two people who seal: real devices and the real relay in the middle.

use super::*;
use sotay_engine::SealStatus;
use sotay_engine::handbook::EntryId;
use sotay_engine::handbook::review::{ADDENDUM, EDITION, LATE_ITEM, SEALS_ITEM};
use sotay_engine::seal::{SealId, verify};

/// Typed into speech 9 on P1 while it was out of reach: three commits, 214 characters.
const TYPED: [&str; 3] = [
    " Chi ủy giao đồng chí Khôi gặp 2 hộ xóm Trại trước ngày 20 tháng 5.",
    " Đồng chí Hà phối hợp cùng nhà trường khảo sát đoạn cống, báo cáo kinh phí.",
    " Đồng chí Ngọc niêm yết số tiền đóng góp tại nhà văn hóa mỗi tuần 1 lần.",
];

/// May's meeting with everybody in sync: chair M01 on P3, minute-taker M02 on P2, notes by M03 on P1.
fn held() -> (Hall, EntryId) {
    let (evening, members) = evening(|branch| {
        let doc = branch.begin(P3);
        branch.begin(P1);
        branch.begin(P2);
        branch.on(P3, doc, 1, Command::SetPlace("Nhà văn hóa thôn An Lạc".into()));
        branch.on(P3, doc, 1, Command::SetChair(branch.member(1)));
        branch.on(P3, doc, 1, Command::SetClerk(branch.member(2)));
        branch.on(P3, doc, 1, Command::Open);
        branch.take_attendance(doc);
        for (speaker, text) in SPEECHES_P1 {
            branch.speak(P1, doc, speaker, text);
        }
        branch.on(P3, doc, 95, Command::Close);
        doc
    });
    let mut hall = evening.copy(&members);
    hall.sync_all(&[P1, P2, P3]);
    let ninth = hall.converged().view.speeches[8].id;
    (hall, ninth)
}

impl Hall {
    fn propose(&mut self, phone: usize, minute: i64) -> SealId {
        let doc = self.doc;
        self.branch.phones[phone].propose_seal(doc, at(minute)).unwrap()
    }

    fn countersign(&mut self, phone: usize, seal: SealId, minute: i64) -> Result<(), SealError> {
        let doc = self.doc;
        self.branch.phones[phone].countersign(doc, seal, at(minute))
    }

    /// P3 proposes, P2 countersigns; P1 is out of reach.
    fn seal(&mut self) -> SealId {
        let seal = self.propose(P3, 100);
        self.sync(P3);
        self.sync(P2);
        self.countersign(P2, seal, 101).unwrap();
        self.sync(P2);
        self.sync(P3);
        seal
    }

    fn type_into(&mut self, speech: EntryId) -> usize {
        let doc = self.doc;
        let mut text = SPEECHES_P1[8].1.to_owned();
        let before = text.chars().count();
        for (piece, minute) in TYPED.iter().zip(96..) {
            text.push_str(piece);
            let text = text.as_str().into();
            self.branch
                .on(P1, doc, minute, Command::EditSpeech { id: speech, text });
        }
        text.chars().count() - before
    }

    fn seals(&mut self, phone: usize) -> sotay_engine::SealsView {
        let doc = self.doc;
        self.branch.phones[phone].seals(doc).unwrap()
    }

    fn standing(&mut self, phone: usize) -> String {
        let seals = self.seals(phone);
        let standing = seals.standing.expect("the minutes are sealed");
        let seal = seals.seals.into_iter().find(|seal| seal.id == standing);
        seal.unwrap().sha256
    }
}

#[test]
fn scenario_7_what_another_types_after_the_seal_stays_beside_it_on_every_phone() {
    for (last, orders) in [(ADDENDUM, &ORDERS[..]), (EDITION, &ORDERS[..2])] {
        for &order in orders {
            let (mut hall, ninth) = held();
            let doc = hall.doc;
            assert_eq!(hall.type_into(ninth), 214);
            assert_eq!(
                hall.branch.phones[P1].pending().unwrap(),
                3,
                "three unsynced commits"
            );

            hall.sync(P2);
            hall.sync(P3);
            // On the eve of the seal P3 is told that P1 has not handed in; P2 has.
            let eve = hall.branch.phones[P3].seal_check(doc).unwrap();
            let p1 = format!("phone/{}", hall.branch.phones[P1].id());
            let silent: Vec<&str> = eve.open().iter().map(|item| item.id.as_str()).collect();
            assert_eq!(silent, [p1.as_str()]);
            assert_eq!(eve.open()[0].severity, Severity::Warn);

            hall.seal();
            let sealed = hall.standing(P3);
            let text = hall.branch.phones[P3].minutes(doc).unwrap();
            assert_eq!(text.sha256, sealed);
            let page = hall.branch.phones[P3].minutes_page(doc, None, None).unwrap();
            hall.sync_all(&order);
            hall.sync_all(&order);

            let shown = hall.converged();
            assert_eq!(shown.minutes, text, "the sealed text is kept to the byte");
            assert_eq!(shown.view.phase, Some(Step::Sealed));
            let typed = TYPED.concat();
            for phone in [P1, P2, P3] {
                assert_eq!(hall.standing(phone), sealed);
                let printed = hall.branch.phones[phone].minutes_page(doc, None, None).unwrap();
                assert_eq!(printed.text(), page.text(), "paper shows what was sealed");
                assert!(printed.text().contains("Biên bản đã chốt."));
                assert!(printed.text().contains(&sealed));
                let late = hall.seals(phone).late;
                assert_eq!(late.len(), 1);
                assert_eq!(late[0].id, format!("speech/{ninth}"));
                assert_eq!(late[0].added_text(), Some(typed.as_str()));
                assert_eq!((typed.chars().count(), &late[0].removed), (214, &None));
            }
            let item = shown.review.get(LATE_ITEM).expect("the review list tells of it");
            let said = hall.say_item(item);
            assert!(said.starts_with("Bổ sung chưa chốt: 1 mục"), "{said}");
            assert!(!shown.review.blocks());

            // Nobody writes into sealed minutes by accident.
            let word = Command::EditSpeech {
                id: ninth,
                text: "khác".into(),
            };
            match hall.branch.phones[P1].meeting(doc, &word, at(110)) {
                Err(DeviceError::Command(CommandError::Sealed)) => {}
                other => panic!("{other:?}"),
            }

            hall.branch.phones[P3]
                .settle(doc, LATE_ITEM, last, at(120))
                .unwrap();
            hall.sync_all(&order);
            let waiting = hall.seals(P2).seals;
            let waiting = waiting
                .iter()
                .find(|seal| seal.status == SealStatus::Waiting)
                .unwrap();
            assert_eq!(waiting.addendum, last == ADDENDUM);
            let id: SealId = waiting.id.parse().unwrap();
            hall.countersign(P2, id, 121).unwrap();
            hall.sync_all(&order);

            let after = hall.converged();
            assert!(after.review.open().is_empty());
            for phone in [P1, P2, P3] {
                assert!(hall.seals(phone).late.is_empty());
                let first = hall.seals(phone).seals[0].clone();
                assert_eq!(first.sha256, sealed);
                let kept = hall.branch.phones[phone].sealed_text(doc, first.id.parse().unwrap());
                assert_eq!(kept.unwrap(), text.text, "nothing that was sealed is lost");
                let added = hall.branch.phones[phone].sealed_text(doc, id).unwrap();
                assert!(added.contains(&typed), "{added}");
            }
            if last == ADDENDUM {
                assert_eq!(hall.standing(P1), sealed);
                assert_eq!(after.minutes, text);
            } else {
                assert_ne!(hall.standing(P1), sealed);
                assert!(after.minutes.text.contains(&typed));
                assert_eq!(hall.seals(P1).seals[0].status, SealStatus::Replaced);
            }
            let file = hall.branch.phones[P1].seal_file(doc).unwrap();
            let verdict = verify(&file, hall.branch.phones[P1].unit()).unwrap();
            assert_eq!(verdict.seals.len(), 2);
            assert_eq!(verdict.seals[0].replaced, last == EDITION);
        }
    }
}

#[test]
fn a_seal_file_of_any_phone_says_who_sealed_what_and_nothing_else_holds() {
    let (mut hall, _) = held();
    let seal = hall.seal();
    hall.sync_all(&ORDERS[0]);
    let unit = hall.branch.phones[P1].unit().unwrap();
    let doc = hall.doc;
    let files: Vec<Vec<u8>> = [P1, P2, P3]
        .map(|phone| hall.branch.phones[phone].seal_file(doc).unwrap())
        .into();
    let verdict = verify(&files[0], Some(unit)).unwrap();
    let sealed = &verdict.seals[0];
    assert_eq!(sealed.id, seal);
    assert_eq!(sealed.body.chair.name, "Nguyễn Văn Hùng");
    assert_eq!(sealed.body.clerk.name, "Trần Thị Hồng Nhung");
    assert_eq!((sealed.body.present, sealed.body.eligible), (35, 38));
    assert_eq!(
        (sealed.chair.device, sealed.clerk.device),
        (hall.branch.phones[P3].id(), hall.branch.phones[P2].id())
    );
    assert!(
        files
            .iter()
            .all(|file| verify(file, None).unwrap().seals[0].text == sealed.text)
    );
    let other = files[0]
        .clone()
        .into_iter()
        .map(|byte| if byte == b'5' { b'6' } else { byte });
    assert!(verify(&other.collect::<Vec<u8>>(), None).is_err());
}

#[test]
fn only_the_two_who_are_named_sign_and_each_of_them_once() {
    let (mut hall, _) = held();
    let doc = hall.doc;
    match hall.branch.phones[P1].propose_seal(doc, at(100)) {
        Err(SealError::NotNamed) => {}
        other => panic!("{other:?}"),
    }
    let seal = hall.propose(P3, 100);
    assert!(matches!(
        hall.countersign(P3, seal, 101),
        Err(SealError::SignedAlready)
    ));
    assert!(
        matches!(hall.countersign(P2, seal, 101), Err(SealError::Unknown)),
        "it has not arrived"
    );
    hall.sync_all(&ORDERS[0]);
    assert!(matches!(
        hall.countersign(P1, seal, 101),
        Err(SealError::NotNamed)
    ));
    hall.countersign(P2, seal, 102).unwrap();
    assert!(matches!(
        hall.countersign(P2, seal, 103),
        Err(SealError::SignedAlready)
    ));
    assert!(matches!(
        hall.branch.phones[P2].propose_seal(doc, at(104)),
        Err(SealError::NothingNew)
    ));
}

#[test]
fn whoever_holds_other_records_than_the_proposal_stands_on_does_not_sign() {
    let (mut hall, ninth) = held();
    let doc = hall.doc;
    // P2 is behind: the proposal came by another way than the changes that it stands on would be told by the heads.
    hall.type_into(ninth);
    hall.sync(P1);
    let seal = hall.propose(P3, 100);
    hall.sync(P3);
    hall.sync(P2);
    // P2 now has what P1 typed, which P3 had not when it proposed.
    assert!(matches!(
        hall.countersign(P2, seal, 101),
        Err(SealError::Ahead(3))
    ));
    let again = hall.propose(P3, 102);
    hall.sync(P3);
    hall.sync(P2);
    hall.countersign(P2, again, 103).unwrap();
    assert!(
        hall.branch.phones[P2]
            .minutes(doc)
            .unwrap()
            .text
            .contains(TYPED[2])
    );
}

#[test]
fn chair_and_clerk_have_to_be_settled_and_two_people() {
    let (mut hall, _) = held();
    let doc = hall.doc;
    let chair = hall.branch.member(1);
    hall.branch.on(P3, doc, 97, Command::SetClerk(chair));
    assert!(matches!(
        hall.branch.phones[P3].propose_seal(doc, at(100)),
        Err(SealError::OnePerson)
    ));
    let nobody = hall.branch.member(9);
    hall.branch
        .on(P3, doc, 98, Command::SetClerk(hall.branch.member(2)));
    hall.branch.on(P3, doc, 98, Command::SetChair(nobody));
    assert!(matches!(
        hall.branch.phones[P3].propose_seal(doc, at(100)),
        Err(SealError::NoOffice)
    ));
}

#[test]
fn two_seals_that_compete_are_both_listed_and_the_chair_withdraws_one() {
    let (mut hall, ninth) = held();
    let doc = hall.doc;
    // The minute-taker has a second phone, on which the first seal has not arrived yet.
    let dir = tempfile::tempdir().unwrap();
    let rng = Box::new(<rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(77));
    let mut tablet = Device::create(store(dir.path(), "tablet.db"), "T2", rng).unwrap();
    let ask = AdmitRequest {
        request: tablet.join_request().unwrap().to_text(),
        member: hall.branch.member(2),
        rank: 3,
        committee: false,
        probationary: false,
        relays: Vec::new(),
    };
    let invitation = hall.branch.phones[P3].admit(&ask, at(96)).unwrap();
    tablet.accept(&invitation).unwrap();
    let first = hall.propose(P3, 100);
    hall.sync(P3);
    hall.sync(P2);
    hall.countersign(P2, first, 101).unwrap();
    // P3 has not heard of it, corrects a word and proposes again; the tablet gets only that.
    hall.branch.on(
        P3,
        doc,
        102,
        Command::EditSpeech {
            id: ninth,
            text: "Tiếp thu các ý kiến.".into(),
        },
    );
    let second = hall.propose(P3, 103);
    hall.branch.phones.push(tablet);
    hall.sync(P3);
    hall.sync(3);
    hall.countersign(3, second, 104).unwrap();
    hall.sync(3);
    hall.sync_all(&ORDERS[0]);

    let shown = hall.converged();
    let seals = hall.seals(P1);
    assert!(seals.competing);
    assert_eq!(
        seals
            .seals
            .iter()
            .filter(|seal| seal.status == SealStatus::Standing)
            .count(),
        2
    );
    assert_eq!(shown.blocking(), [SEALS_ITEM]);
    let said = hall.say_item(shown.review.get(SEALS_ITEM).unwrap());
    assert!(
        said.starts_with("Có 2 bản chốt khác nhau của một biên bản"),
        "{said}"
    );
    let refused = hall.branch.phones[P1].settle(doc, SEALS_ITEM, &first.to_string(), at(110));
    assert!(refused.is_err(), "a minute-taker withdraws nothing");
    hall.branch.phones[P3]
        .settle(doc, SEALS_ITEM, &first.to_string(), at(111))
        .unwrap();
    hall.sync_all(&ORDERS[0]);
    let shown = hall.converged();
    assert!(!shown.review.blocks());
    for phone in [P1, P2, P3] {
        let seals = hall.seals(phone);
        assert_eq!(seals.standing, Some(second.to_string()));
        assert_eq!(
            seals
                .seals
                .iter()
                .filter(|seal| seal.status == SealStatus::Withdrawn)
                .count(),
            1
        );
    }
    assert!(shown.minutes.text.contains("Tiếp thu các ý kiến."));
}

#[test]
fn an_officer_writes_after_the_seal_and_it_waits_for_the_next_edition() {
    let (mut hall, _) = held();
    let doc = hall.doc;
    hall.seal();
    let late = Command::SetPlace("Nhà văn hóa thôn An Lạc, phòng họp tầng 2".into());
    assert!(hall.branch.phones[P3].meeting(doc, &late, at(120)).is_err());
    hall.branch.phones[P3].amend_all(doc, &[late], at(120)).unwrap();
    let seals = hall.seals(P3);
    assert_eq!(seals.late[0].id, "info/place");
    let said = say(&hall.branch.phones[P3], &seals.late[0].message());
    assert_eq!(
        said,
        "địa điểm: “Nhà văn hóa thôn An Lạc” thành “Nhà văn hóa thôn An Lạc, phòng họp tầng 2”"
    );
    assert!(
        !hall.branch.phones[P3]
            .minutes(doc)
            .unwrap()
            .text
            .contains("tầng 2")
    );
}

#[test]
fn a_phone_that_was_restarted_judges_the_seals_as_before() {
    use rand::SeedableRng;
    let (mut hall, ninth) = held();
    hall.type_into(ninth);
    hall.seal();
    hall.sync_all(&ORDERS[0]);
    let before = (hall.seals(P3), hall.shown(P3));
    let phone = hall.branch.phones.remove(P3);
    let rng = Box::new(rand::rngs::StdRng::seed_from_u64(5));
    hall.branch
        .phones
        .push(Device::open(phone.into_store(), rng).unwrap());
    assert!((hall.seals(P3), hall.shown(P3)) == before);
}
