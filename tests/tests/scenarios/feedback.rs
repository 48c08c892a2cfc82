//! Scenario 9, and what belongs to it: feedback over real devices and the real relay.

use sotay_engine::feed::{Envelope, Kind, Space, SpaceKind};
use sotay_engine::handbook::feedback::FeedbackStatus;
use sotay_engine::handbook::{EntryId, Month, Words};
use sotay_engine::{NewFeedback, OwnState};
use sotay_store::{Bucket, Budget, Store};

use super::*;

/// Places of the phones of M11, M12 and M13 in the branch, after P1 to P3.
pub(super) const M11: usize = 3;
pub(super) const M12: usize = 4;
pub(super) const M13: usize = 5;
const WORDS: &str = "Đề nghị lắp thêm đèn đường ở ngõ 7, buổi tối đi lại rất khó.";
const NAMELESS: &str = "Quỹ làm đường cần công khai cả phần chi.";

fn may() -> Month {
    "2025-05".parse().unwrap()
}

/// The branch with phones of three ordinary members, everybody in sync.
pub(super) fn hall() -> Hall {
    let (evening, members) = evening(|branch| branch.begin(P3));
    let mut hall = evening.copy(&members);
    for (number, seed) in [(11, 61), (12, 62), (13, 63)] {
        hall.admit(number, &format!("M{number}"), seed);
    }
    for phone in [P3, P1, P2, M11, M12, M13] {
        hall.sync(phone);
    }
    hall
}

impl Hall {
    pub(super) fn write_in(&mut self, phone: usize, text: &str, named: bool, minute: i64) -> EntryId {
        let new = NewFeedback {
            topic: "Đường làng".into(),
            text: text.into(),
            named,
            ..NewFeedback::default()
        };
        self.branch.phones[phone]
            .submit_feedback(&new, at(minute))
            .unwrap()
    }

    fn state(&self, phone: usize, id: EntryId) -> OwnState {
        let own = self.branch.phones[phone].own_feedback().unwrap();
        own.iter().find(|own| own.item.id == id).unwrap().state
    }

    /// Every byte of the inbox that a phone or the relay stores.
    fn inbox_envelopes<S: Store>(&self, store: &S) -> Vec<Envelope> {
        let unit = self.branch.phones[P3].unit().unwrap();
        let inbox = Space::of(unit, SpaceKind::Inbox).id();
        let all = Budget {
            count: 1000,
            bytes: 1 << 24,
        };
        let page = store.since(&inbox, 0, all).unwrap();
        let decode = |stored: &sotay_store::Stored| Envelope::decode(&stored.bytes).unwrap();
        page.envelopes.iter().map(decode).collect()
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn scenario_9_feedback_is_counted_once_marked_when_alike_and_nameless_without_a_trace() {
    let mut hall = hall();
    let f1 = hall.write_in(M11, WORDS, true, 10);
    hall.sync(M11);
    // The answer of the relay got lost, as far as the app knows: the same item again, with the same id.
    hall.branch.phones[M11].send_feedback_again(f1).unwrap();
    let again = NewFeedback {
        id: Some(f1),
        text: WORDS.into(),
        named: true,
        ..NewFeedback::default()
    };
    assert_eq!(
        hall.branch.phones[M11].submit_feedback(&again, at(11)).unwrap(),
        f1
    );
    let f2 = hall.write_in(M11, WORDS, true, 12);
    hall.sync(M11);
    let f3 = hall.write_in(M12, NAMELESS, false, 13);
    hall.sync(M12);
    let f4 = hall.write_in(M13, "Thôi, để lần sau.", true, 14);
    hall.branch.phones[M13].withdraw_feedback(f4).unwrap();
    hall.sync(M13);
    for phone in [P3, P1, P2, M11, M12, M13] {
        hall.sync(phone);
    }

    for phone in [P1, P2, P3] {
        let list = hall.branch.phones[phone].feedback(at(200)).unwrap();
        let shown: Vec<_> = list.iter().map(|view| (view.number, view.item.id)).collect();
        assert_eq!(shown, [(1, f1), (2, f2), (3, f3)]);
        let notes: Vec<_> = list.iter().map(|view| view.note()).collect();
        assert_eq!(
            notes[1]
                .as_ref()
                .map(|note| say(&hall.branch.phones[phone], note)),
            Some("có thể trùng F1".into())
        );
        assert!(notes[0].is_none() && notes[2].is_none());
        let facts = hall.branch.phones[phone].report_facts(may()).unwrap();
        assert_eq!(facts.feedback, Some(3), "the report counts three");

        // F3: no member, no device, no exact time in the stored bytes.
        let item = &list[2].item;
        assert_eq!((item.member, item.at_ms), (None, at(0) - (19 * 60 + 30) * 60_000));
        let stored = hall.branch.phones[phone]
            .replica()
            .store()
            .list(Bucket::Inbox, b"i")
            .unwrap();
        let (_, row) = stored
            .iter()
            .find(|(key, _)| contains(key, f3.as_bytes()))
            .unwrap();
        let (m12, device) = (hall.branch.member(12), hall.branch.phones[M12].id());
        assert!(contains(row, NAMELESS.as_bytes()), "the row is the item");
        assert!(!contains(row, m12.as_bytes()) && !contains(row, device.as_bytes()));
        let exact = at(13).to_be_bytes();
        assert!(!contains(row, &exact[2..]));
        // Nor in the envelope it came in, nor in any envelope of the inbox.
        let envelopes = hall.inbox_envelopes(hall.branch.phones[phone].replica().store());
        assert_eq!(envelopes.len(), 4, "F1 twice, F2, F3");
        for envelope in &envelopes {
            assert_ne!(envelope.header().device, device);
            assert!(
                !contains(envelope.bytes(), device.as_bytes()) && !contains(envelope.bytes(), m12.as_bytes())
            );
        }
    }
    // F4 is on M13's phone and nowhere else.
    assert_eq!(hall.state(M13, f4), OwnState::Withdrawn);
    assert_eq!(hall.inbox_envelopes(hall.relay.replica().store()).len(), 4);
}

#[test]
fn other_members_and_the_relay_cannot_read_feedback() {
    let mut hall = hall();
    hall.write_in(M11, WORDS, true, 10);
    for phone in [M11, P3, M12] {
        hall.sync(phone);
    }
    assert_eq!(hall.branch.phones[P3].feedback(at(200)).unwrap().len(), 1);
    assert!(
        hall.branch.phones[M12].feedback(at(200)).is_err(),
        "an ordinary member has no list"
    );
    assert!(
        hall.inbox_envelopes(hall.branch.phones[M12].replica().store())
            .is_empty()
    );
    let kept = hall.inbox_envelopes(hall.relay.replica().store());
    assert_eq!((kept.len(), kept[0].header().kind), (1, Kind::INBOX));
    for part in ["đèn đường", "Đường làng", "ngõ 7"] {
        assert!(!contains(kept[0].bytes(), part.as_bytes()), "{part}");
    }
}

#[test]
fn the_committee_answers_the_writer_alone_or_everybody_and_the_furthest_status_counts() {
    let mut hall = hall();
    let named = hall.write_in(M11, WORDS, true, 10);
    let nameless = hall.write_in(M12, NAMELESS, false, 11);
    for phone in [M11, M12, P3, P2] {
        hall.sync(phone);
    }
    let p3 = &mut hall.branch.phones[P3];
    let private: Words = "Chi ủy đã ghi nhận, tháng 6 lắp đèn.".into();
    let public: Words = "Từ tháng 6 niêm yết cả thu và chi.".into();
    p3.answer_feedback(
        named,
        FeedbackStatus::Answered,
        Some(private.clone()),
        false,
        at(100),
    )
    .unwrap();
    match p3.answer_feedback(
        nameless,
        FeedbackStatus::Answered,
        Some(public.clone()),
        false,
        at(101),
    ) {
        Err(DeviceError::Command(CommandError::Nameless)) => {}
        other => panic!("{other:?}"),
    }
    p3.answer_feedback(
        nameless,
        FeedbackStatus::Answered,
        Some(public.clone()),
        true,
        at(101),
    )
    .unwrap();
    // P2 had not heard of it and marks both as received only.
    for id in [named, nameless] {
        hall.branch.phones[P2]
            .answer_feedback(id, FeedbackStatus::Received, None, false, at(102))
            .unwrap();
    }
    for phone in [P3, P2, M11, M12, P3, P2, M13] {
        hall.sync(phone);
    }
    for phone in [P2, P3] {
        let list = hall.branch.phones[phone].feedback(at(200)).unwrap();
        assert!(
            list.iter()
                .all(|view| view.status == Some(FeedbackStatus::Answered))
        );
    }
    let answers = |hall: &Hall, phone: usize| -> Vec<Option<Words>> {
        let own = hall.branch.phones[phone].own_feedback().unwrap();
        own[0].answers.iter().map(|reply| reply.text.clone()).collect()
    };
    assert_eq!(answers(&hall, M11), [Some(private.clone())]);
    assert_eq!(answers(&hall, M12), [Some(public.clone())]);
    let read = |phone: usize| hall.branch.phones[phone].public_answers().unwrap();
    assert_eq!(read(M13).len(), 1);
    assert_eq!(read(M13)[0].text, Some(public));
    assert!(
        hall.branch.phones[M11]
            .answer_feedback(named, FeedbackStatus::Closed, None, false, at(103))
            .is_err()
    );
}

#[test]
fn an_item_taken_back_after_it_left_is_hidden_unless_it_was_read() {
    let mut hall = hall();
    let unread = hall.write_in(M11, WORDS, true, 10);
    let read = hall.write_in(M12, NAMELESS, false, 11);
    for phone in [M11, M12, P3] {
        hall.sync(phone);
    }
    hall.branch.phones[P3]
        .answer_feedback(read, FeedbackStatus::Received, None, false, at(60))
        .unwrap();
    hall.branch.phones[M11].withdraw_feedback(unread).unwrap();
    hall.branch.phones[M12].withdraw_feedback(read).unwrap();
    for phone in [M11, M12, P3] {
        hall.sync(phone);
    }
    let list = hall.branch.phones[P3].feedback(at(200)).unwrap();
    assert_eq!(list.len(), 1);
    assert!(list[0].item.id == read && list[0].withdrawn);
    assert_eq!(
        hall.branch.phones[P3].report_facts(may()).unwrap().feedback,
        Some(1)
    );
}

#[test]
fn nameless_items_of_many_arrive_even_when_phones_draw_the_same_slot() {
    let mut hall = hall();
    // More than the slots that are made at a time, all written before anybody meets the relay.
    let mut ids = Vec::new();
    for round in 0..4 {
        for phone in [M11, M12, M13] {
            ids.push(hall.write_in(
                phone,
                &format!("Ý kiến {round} của máy {phone}"),
                false,
                10 + round,
            ));
        }
    }
    for _ in 0..4 {
        for phone in [M11, M12, M13, P3] {
            hall.links += 1;
            sync(
                &mut hall.branch.phones[phone],
                &mut hall.relay,
                hall.links,
                at(200),
            );
        }
    }
    let mut arrived: Vec<EntryId> = hall.branch.phones[P3]
        .feedback(at(200))
        .unwrap()
        .iter()
        .map(|view| view.item.id)
        .collect();
    arrived.sort();
    ids.sort();
    assert_eq!(arrived, ids);
}

#[test]
fn the_secretary_reads_the_letter_of_another_phone_that_had_drawn_the_secretarys_own_slot() {
    let mut hall = hall();
    let mut ids = Vec::new();
    for round in 0..8 {
        for phone in [M11, P3] {
            let text = format!("Ý kiến {round} của máy {phone}");
            ids.push(hall.write_in(phone, &text, false, 10 + round));
        }
    }
    for phone in [M11, P3, M11, P3, P1, M11, P3] {
        hall.links += 1;
        sync(
            &mut hall.branch.phones[phone],
            &mut hall.relay,
            hall.links,
            at(200),
        );
    }
    let forks = hall.branch.phones[P3].replica().store().forks().unwrap();
    assert!(!forks.is_empty(), "they drew one slot");
    ids.sort();
    for phone in [P3, P1] {
        let list = hall.branch.phones[phone].feedback(at(200)).unwrap();
        let mut arrived: Vec<EntryId> = list.iter().map(|view| view.item.id).collect();
        arrived.sort();
        assert_eq!(arrived, ids, "P{}", phone + 1);
    }
}

#[test]
fn a_letter_in_the_name_of_another_is_set_aside() {
    use sotay_engine::handbook::feedback::FeedbackItem;
    let mut hall = hall();
    let id = hall.write_in(M11, WORDS, true, 10);
    // M11's own phone holds an item that claims to be by M12: as a dishonest program would.
    let own = hall.branch.phones[M11]
        .replica()
        .store()
        .list(Bucket::Inbox, b"o")
        .unwrap();
    let (key, row) = own[0].clone();
    let item = FeedbackItem::decode(&row[1..]).unwrap();
    let forged = FeedbackItem {
        member: Some(hall.branch.member(12)),
        ..item
    };
    let value = Some([&[0], &forged.encode()[..]].concat());
    let put = sotay_store::Put {
        bucket: Bucket::Inbox,
        key,
        value,
    };
    let batch = sotay_store::Batch {
        envelopes: Vec::new(),
        puts: vec![put],
        ..sotay_store::Batch::default()
    };
    hall.branch.phones[M11].store_mut().commit(batch).unwrap();
    hall.sync(M11);
    hall.sync(P3);
    assert_eq!(hall.state(M11, id), OwnState::Sent);
    assert!(hall.branch.phones[P3].feedback(at(200)).unwrap().is_empty());
}
