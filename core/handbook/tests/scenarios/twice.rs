//! Scenarios 2 and 3: one thing recorded on two phones.

use super::*;

fn attendance_twice(present_by: How) -> Hall {
    let mut hall = Hall::new(&PHONES);
    hall.on(3, 0, found());
    hall.sync_all(&PHONES);
    hall.on(2, 4, mark([17], State::Excused, How::RollCall, Some("ốm")));
    hall.on(1, 5, mark([17], State::Present, present_by, None));
    hall
}

#[test]
fn scenario_2_attendance_marked_twice_blocks_the_seal_until_the_chair_chooses() {
    let mut settled = Vec::new();
    for order in ORDERS {
        let mut hall = attendance_twice(How::RollCall);
        hall.sync_all(&order);
        let shown = hall.converged();
        let line = shown.view.line(member(17)).unwrap();
        assert_eq!(line.state, State::Present);
        assert_eq!(hall.say(&line.note().unwrap()), "2 cách ghi");
        let item = format!("attendance/{}", member(17));
        assert_eq!(blocking(&shown.review), [item.as_str()]);
        assert_eq!(
            hall.say_item(shown.review.get(&item).unwrap()),
            "Phạm Văn Ước: 2 cách ghi: P1 (19:35): có mặt, điểm danh, P2 (19:34): vắng có lý do “ốm”, điểm danh"
        );
        assert_eq!(blocking(&shown.review), [item.as_str()]);

        hall.choose(3, 91, &item, "P2");
        hall.sync_all(&order);
        let shown = hall.converged();
        let line = shown.view.line(member(17)).unwrap();
        assert!(shown.review.open().is_empty());
        assert_eq!(line.state, State::Excused);
        assert_eq!(line.reason.as_deref(), Some("ốm"));
        assert_eq!(line.note(), None);
        let history: Vec<(State, _)> = line
            .entries
            .iter()
            .map(|entry| (entry.state, entry.mark.device))
            .collect();
        assert_eq!(
            history,
            [(State::Present, device(1)), (State::Excused, device(2))]
        );
        assert_eq!(shown.review.settled().len(), 1);
        assert!(!shown.review.blocks());
        settled.push(shown.minutes.sha256_hex());
    }
    settled.dedup();
    assert_eq!(settled.len(), 1);
}

#[test]
fn scenario_2_with_a_qr_check_in_is_information_and_the_seal_is_allowed() {
    for order in ORDERS {
        let mut hall = attendance_twice(How::Qr);
        hall.sync_all(&order);
        let shown = hall.converged();
        let line = shown.view.line(member(17)).unwrap();
        assert_eq!(line.state, State::Present);
        assert_eq!(line.entries.len(), 2);
        let open: Vec<(ReviewKind, Severity)> = shown
            .review
            .open()
            .iter()
            .map(|item| (item.kind, item.severity))
            .collect();
        assert_eq!(open, [(ReviewKind::AttendanceTwice, Severity::Info)]);
        assert!(!shown.review.blocks());
    }
}

#[test]
fn scenario_3_a_conclusion_edited_twice_shows_two_values_and_two_paragraphs_never_a_blend() {
    for order in ORDERS {
        let mut hall = Hall::new(&PHONES);
        hall.on(3, 0, found());
        hall.sync_all(&PHONES);
        let id = conclusion(&mut hall, 3, "Nạo vét mương N3.", Some("2025-05-15"), &[8]);
        hall.sync_all(&[3]);
        let first = "Nạo vét toàn bộ mương N3 và thông cống trước cổng trường.";
        let second = "Giao tổ thủy nông khơi thông mương N3 từ trạm bơm đến cầu Đá.";
        for (phone, deadline, text) in [(1, "2025-05-20", first), (2, "2025-05-30", second)] {
            hall.on(
                phone,
                82,
                Command::SetDeadline {
                    id,
                    deadline: Some(day(deadline)),
                },
            );
            hall.on(
                phone,
                83,
                Command::EditConclusion {
                    id,
                    paragraph: None,
                    text: text.into(),
                },
            );
        }
        hall.sync_all(&order);

        let shown = hall.converged();
        let conclusion = shown.view.conclusion(id).unwrap();
        assert_eq!(conclusion.due(), Some(day("2025-05-20")));
        let (deadline, text) = (
            format!("conclusion/{id}/deadline"),
            format!("conclusion/{id}/text"),
        );
        assert_eq!(blocking(&shown.review), [deadline.as_str(), text.as_str()]);
        assert_eq!(shown.review.open().len(), 2);
        let said = hall.say_item(shown.review.get(&deadline).unwrap());
        assert!(said.contains("đang có 2 giá trị: 20/5, 30/5"), "{said}");
        let paragraphs: Vec<(&str, _)> = conclusion
            .paragraphs
            .iter()
            .map(|paragraph| (paragraph.text.as_str(), paragraph.by))
            .collect();
        assert_eq!(paragraphs, [(second, device(2)), (first, device(1))]);
        assert!(!shown.minutes.text().contains("3020") && !shown.minutes.text().contains("2030"));
        assert!(shown.minutes.text().contains(first) && shown.minutes.text().contains(second));

        hall.choose(3, 90, &deadline, "30/5");
        hall.choose(3, 90, &text, "P1");
        hall.sync_all(&order);
        let shown = hall.converged();
        let conclusion = shown.view.conclusion(id).unwrap();
        assert!(shown.review.open().is_empty());
        assert_eq!(conclusion.due(), Some(day("2025-05-30")));
        let texts: Vec<&str> = conclusion
            .paragraphs
            .iter()
            .map(|paragraph| paragraph.text.as_str())
            .collect();
        assert_eq!(texts, [first]);
        assert_eq!(conclusion.set_aside.len(), 1);
        assert!(!shown.minutes.text().contains(second));
    }
}

#[test]
fn two_choices_of_two_officers_that_differ_keep_the_item_open() {
    let mut hall = attendance_twice(How::RollCall);
    hall.sync_all(&PHONES);
    let item = format!("attendance/{}", member(17));
    hall.choose(3, 90, &item, "P1");
    hall.choose(2, 90, &item, "P2");
    hall.sync_all(&PHONES);
    let shown = hall.converged();
    assert_eq!(blocking(&shown.review), [item.as_str()]);
    hall.choose(3, 91, &item, "P1");
    hall.sync_all(&PHONES);
    let shown = hall.converged();
    assert_eq!(shown.view.line(member(17)).unwrap().state, State::Present);
    assert!(shown.review.open().is_empty());
    assert!(matches!(shown.review.settled()[0].contest, Contest::Settled(_)));
}
