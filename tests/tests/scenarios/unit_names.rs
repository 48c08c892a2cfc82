//! The unit gets another name, or becomes part of another one: each document carries the name of its day.

use sotay_engine::handbook::meeting::MeetingKind;
use sotay_engine::handbook::review::ReviewKind;

use super::*;

const OLD: &str = "CHI BỘ THÔN AN LẠC";
const NEW: &str = "CHI BỘ THÔN AN HÒA";

fn meeting_of(hall: &mut Hall, phone: usize, month: &str) -> DocId {
    let (of, date) = (month.parse().unwrap(), day(&format!("{month}-05")));
    let device = &mut hall.branch.phones[phone];
    device
        .new_meeting(MeetingKind::Regular, Some(of), Some(date), at(0))
        .unwrap()
}

fn info(hall: &mut Hall, phone: usize, doc: DocId) -> Vec<String> {
    let device = &mut hall.branch.phones[phone];
    let list = device.review(doc).unwrap();
    let items = list
        .open()
        .iter()
        .filter(|item| item.kind == ReviewKind::UnitChanged);
    assert!(!list.blocks());
    items.map(|item| item.text(Lang::Vi, device.names())).collect()
}

#[test]
fn minutes_carry_the_name_of_their_day_and_the_ones_after_a_change_say_so() {
    let (evening, members) = evening(|branch| branch.begin(P3));
    let mut hall = evening.copy(&members);
    hall.sync_all(&[P3, P1, P2]);
    let may = hall.doc;
    let sealed_before = hall.branch.phones[P1].minutes(may).unwrap();
    // P1 begins June's meeting without having heard of the new name.
    let june = meeting_of(&mut hall, P1, "2025-06");
    assert!(hall.branch.phones[P1].minutes(june).unwrap().text.contains(OLD));
    hall.branch.phones[P3]
        .rename_unit_from(Some(NEW), Some("ĐẢNG ỦY XÃ MỚI"), day("2025-06-01"), at(0))
        .unwrap();
    hall.sync_all(&[P3, P1, P2]);
    let august = meeting_of(&mut hall, P2, "2025-08");
    for phone in [P1, P2, P3] {
        let device = &mut hall.branch.phones[phone];
        assert_eq!(device.minutes(may).unwrap(), sealed_before, "May keeps its name");
        let text = device.minutes(june).unwrap().text;
        assert!(
            text.contains(NEW) && text.contains("ĐẢNG ỦY XÃ MỚI") && !text.contains(OLD),
            "{text}"
        );
        assert!(
            device
                .minutes_page(june, None, None)
                .unwrap()
                .text()
                .contains(NEW)
        );
        assert!(!device.minutes_page(may, None, None).unwrap().text().contains(NEW));
        assert_eq!(device.unit_card().unwrap().name, NEW);
        assert_eq!(info(&mut hall, phone, may), Vec::<String>::new());
        assert_eq!(
            info(&mut hall, phone, june),
            [
                format!("Từ ngày 01/06/2025 chi bộ đổi tên từ “{OLD}” thành “{NEW}”; biên bản này mang tên mới"),
                "Từ ngày 01/06/2025 cấp ủy cấp trên đổi tên từ “ĐẢNG ỦY XÃ TÂN AN” thành “ĐẢNG ỦY XÃ MỚI”; biên bản \
                 này mang tên mới"
                    .to_owned(),
            ]
        );
    }
    assert_eq!(
        info(&mut hall, P2, august),
        Vec::<String>::new(),
        "two months later it is no news"
    );
}

#[test]
fn a_meeting_after_the_unit_became_part_of_another_one_says_so() {
    let (evening, members) = evening(|branch| branch.begin(P3));
    let mut hall = evening.copy(&members);
    hall.branch.phones[P3]
        .merge_unit_into("CHI BỘ LIÊN THÔN AN BÌNH", day("2025-05-02"), at(0))
        .unwrap();
    hall.sync_all(&[P3, P1, P2]);
    let doc = hall.doc;
    for phone in [P1, P2, P3] {
        assert_eq!(
            info(&mut hall, phone, doc),
            [
                "Chi bộ đã sáp nhập vào “CHI BỘ LIÊN THÔN AN BÌNH” từ ngày 02/05/2025; cuộc họp này diễn ra sau ngày đó"
            ]
        );
    }
}

#[test]
fn two_names_for_one_day_block_the_roster_until_an_officer_chooses() {
    let (evening, members) = evening(|branch| branch.begin(P3));
    let mut hall = evening.copy(&members);
    hall.sync_all(&[P3, P1, P2]);
    let from = day("2025-06-01");
    for (phone, name) in [(P3, NEW), (P2, "CHI BỘ THÔN AN BÌNH")] {
        hall.branch.phones[phone]
            .rename_unit_from(Some(name), None, from, at(0))
            .unwrap();
    }
    hall.sync_all(&[P3, P2, P1]);
    let all = hall.branch.phones[P1].review_all().unwrap();
    let (doc, item) = all
        .iter()
        .find(|(_, item)| item.kind == ReviewKind::RosterEntry)
        .expect("an item");
    let said = hall.say_item(item);
    assert!(
        said.starts_with("tên chi bộ từ 01/06/2025: đang có 2 giá trị"),
        "{said}"
    );
    let doc = *doc;
    let option = item
        .options
        .iter()
        .find(|option| say(&hall.branch.phones[P3], &option.label).contains("AN BÌNH"));
    let (id, pick) = (item.id.clone(), option.unwrap().pick.clone());
    hall.branch.phones[P3].settle(doc, &id, &pick, at(1)).unwrap();
    hall.sync_all(&[P3, P2, P1]);
    for phone in [P1, P2, P3] {
        assert!(hall.branch.phones[phone].review(doc).unwrap().open().is_empty());
        let june = meeting_of(&mut hall, phone, "2025-06");
        let text = hall.branch.phones[phone].minutes(june).unwrap().text;
        assert!(text.contains("CHI BỘ THÔN AN BÌNH"), "{text}");
    }
}
