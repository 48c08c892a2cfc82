//! Scenario 10: one member reads and is quizzed on two devices, which meet through the real relay.

use sotay_engine::study::quiz::{Attempt, Given, Package};
use sotay_tests::levels::statement;

use super::*;

const PHONE: usize = 3;
const TABLET: usize = 4;
const PARAGRAPHS: u32 = 52;
const QUESTIONS: usize = 20;
const SECOND: i64 = 1_746_448_200;
const DAY: i64 = 86_400;

/// One paragraph of introduction and 51 of articles.
fn law() -> sotay_engine::study::library::Document {
    let mut text = String::from("Điều 1. Những quy định chung\n");
    for number in 1..=PARAGRAPHS {
        text.push_str(&format!(
            "Đoạn thứ {number} nói về quyền bàn bạc của nhân dân ở thôn.\n"
        ));
    }
    law_of(&text)
}

fn quiz(law: &sotay_engine::study::library::Document) -> Package {
    let question = |number: usize| {
        let paragraph = format!("Đoạn thứ {} nói về quyền bàn bạc", number + 1);
        let quote = format!("{paragraph} của nhân dân ở thôn.");
        statement(law, &format!("{paragraph}?"), true, &quote)
    };
    Package {
        title: "Dân chủ ở cơ sở".to_owned(),
        questions: (0..QUESTIONS).map(question).collect(),
        exam: None,
    }
}

fn attempt(quiz: &Package, started: i64, right: usize) -> Attempt {
    let given = quiz.questions.iter().enumerate();
    Attempt {
        started,
        finished: started + 600,
        package: quiz.id(),
        seed: 7,
        given: given
            .map(|(at, question)| (question.id(), Given::Truth(at < right)))
            .collect(),
    }
}

#[test]
fn scenario_10_reading_and_quizzes_on_two_devices_add_up_and_nobody_else_sees_them() {
    let (evening, members) = evening(|branch| branch.begin(P3));
    let mut hall = evening.copy(&members);
    let law = law();
    assert_eq!(law.paragraph_count(), PARAGRAPHS as usize);
    let quiz = quiz(&law);
    let id = hall.branch.phones[P3]
        .publish_documents(std::slice::from_ref(&law))
        .unwrap()[0];
    hall.branch.phones[P3].publish_quiz(&quiz).unwrap();
    for (label, seed) in [("phone", 71), ("tablet", 72)] {
        hall.admit(11, label, seed);
    }
    // Each of the two learns of the other before it writes.
    for phone in [P3, PHONE, TABLET, PHONE, TABLET] {
        hall.sync(phone);
    }

    hall.branch.phones[PHONE].read_on(id, 40, 600).unwrap();
    hall.branch.phones[TABLET].read_on(id, 25, 300).unwrap();
    hall.branch.phones[TABLET].read_on(id, 31, 120).unwrap();
    let on_phone = hall.branch.phones[PHONE]
        .hand_in(attempt(&quiz, SECOND, 14))
        .unwrap();
    let on_tablet = hall.branch.phones[TABLET]
        .hand_in(attempt(&quiz, SECOND + DAY, 17))
        .unwrap();
    assert_eq!((on_phone.marks.tenths, on_tablet.marks.tenths), (70, 85));
    for phone in [PHONE, TABLET, PHONE, TABLET, P3, P1] {
        hall.sync(phone);
    }

    for device in [PHONE, TABLET] {
        let read = hall.branch.phones[device].library().unwrap()[0].read;
        assert_eq!((read.furthest, read.total), (40, 52));
        assert_eq!(
            (f64::from(read.furthest * 100) / f64::from(read.total)).round(),
            77.0
        );
        let entry = hall.branch.phones[device]
            .quizzes(SECOND + 2 * DAY)
            .unwrap()
            .remove(0);
        assert_eq!((entry.attempts, entry.best.unwrap().tenths), (2, 85));
    }
    let later = SECOND + 60 * DAY;
    let due = hall.branch.phones[PHONE].due(later).unwrap();
    assert!(!due.is_empty());
    assert_eq!(hall.branch.phones[TABLET].due(later).unwrap(), due);
    // Nobody else can see the forty: neither on the secretary's phone nor in what it stores.
    let unit = hall.branch.phones[P3].unit().unwrap();
    let private = sotay_feed::Space::private(unit, hall.branch.member(11)).id();
    for phone in [P1, P3] {
        assert_eq!(hall.branch.phones[phone].library().unwrap()[0].read.furthest, 0);
        use sotay_store::Store;
        let stored = hall.branch.phones[phone]
            .replica()
            .store()
            .head(&private)
            .unwrap();
        assert_eq!(
            stored.number, 0,
            "the private space is on the member's own devices"
        );
    }
}
