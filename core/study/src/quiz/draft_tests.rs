use super::super::{Package, PackageError};
use super::*;
use crate::library::{Date, Details, import};

const TEXT: &str = "Điều 1. Thời hạn\n\
    1. Người chuyển nơi ở phải nộp giấy giới thiệu trong thời hạn 30 ngày làm việc.\n\
    2. Chi bộ xem xét, trả lời đảng viên trong thời hạn 15 ngày làm việc.\n\
    3. Đảng ủy báo cáo kết quả lên cấp trên trong thời hạn 7 ngày làm việc.\n\
    Điều 2. Hiệu lực\n\
    Quy định này có hiệu lực từ ngày 01 tháng 7 năm 2023 trên toàn tỉnh.\n\
    Quy định cũ hết hiệu lực từ ngày 30 tháng 6 năm 2023 trên toàn tỉnh.\n\
    Việc sơ kết làm xong trước ngày 15 tháng 12 năm 2024 ở mọi chi bộ.\n\
    Điều 3. Quyền của đảng viên\n\
    a) Được thông tin và thảo luận các vấn đề;\n\
    b) Được ứng cử, đề cử và bầu cử;\n\
    c) Được phê bình, chất vấn trong tổ chức;\n\
    d) Được trình bày ý kiến khi bị kỷ luật.\n\
    Điều 4. Nhiệm vụ của đảng viên\n\
    a) Chấp hành nghiêm chỉnh Cương lĩnh;\n\
    b) Không ngừng học tập, rèn luyện;\n\
    c) Liên hệ mật thiết với Nhân dân.";

fn document(text: &str) -> Document {
    let details = Details {
        kind: "QĐ".into(),
        code: "18-QĐ/TU".into(),
        issuer: "Tỉnh ủy".into(),
        date: Date::new(2023, 6, 1).unwrap(),
        title: "Công tác đảng viên".into(),
        alias: None,
        links: vec![],
        blobs: vec![],
    };
    import(text.as_bytes(), "a.txt", details).unwrap().document
}

#[test]
fn numbers_dates_and_lists_become_questions() {
    let made = drafts(&document(TEXT), 1, MAX_DRAFTS);
    let kinds: BTreeSet<DraftKind> = made.iter().map(|d| d.kind).collect();
    assert_eq!(
        kinds,
        BTreeSet::from([DraftKind::Number, DraftKind::Date, DraftKind::List])
    );
    let number = made
        .iter()
        .find(|d| d.question().citation.quote.contains("30 ngày"))
        .unwrap();
    let Task::One { choices, right } = &number.question().task else {
        panic!("choices")
    };
    assert_eq!(choices[usize::from(*right)], "30");
    assert_eq!(
        choices.iter().cloned().collect::<BTreeSet<_>>(),
        ["7", "15", "30"].map(String::from).into()
    );
    assert!(
        number.question().text.contains("thời hạn …… ngày làm việc"),
        "{}",
        number.question().text
    );
    let list = made.iter().find(|d| d.kind == DraftKind::List).unwrap();
    let Task::Several { choices, right } = &list.question().task else {
        panic!("several")
    };
    assert_eq!((choices.len(), right.len()), (5, 3));
}

#[test]
fn every_draft_stands_on_its_passage_and_makes_a_package() {
    let document = document(TEXT);
    for seed in 0..10 {
        let made = drafts(&document, seed, MAX_DRAFTS);
        assert!(made.len() >= 6, "{}", made.len());
        for draft in &made {
            assert_eq!(draft.question().check_citation(|_| Some(&document)), Ok(()));
        }
        let questions = made.into_iter().map(|d| d.accept(|_| {})).collect();
        let package = Package {
            title: "Ôn tập".into(),
            questions,
            exam: None,
        };
        assert_eq!(package.check(), Ok(()), "seed {seed}");
        assert_eq!(Package::decode(&package.encode()), Ok(package));
    }
}

#[test]
fn wrong_choices_come_from_the_same_document() {
    let document = document(TEXT);
    let whole: String = document.sections.iter().map(|s| s.text() + "\n").collect();
    for draft in drafts(&document, 3, MAX_DRAFTS) {
        for choice in draft.question().choices() {
            assert!(whole.contains(choice.as_str()), "{choice}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_drafts_and_another_seed_others() {
    let document = document(TEXT);
    assert_eq!(drafts(&document, 5, 100), drafts(&document, 5, 100));
    assert!((0..10).any(|seed| drafts(&document, seed, 100) != drafts(&document, 5, 100)));
    assert_eq!(drafts(&document, 5, 2).len(), 2);
}

#[test]
fn a_lone_number_is_typed_in_and_a_citation_is_no_number() {
    let made = drafts(
        &document("Điều 1. Phí\nĐảng viên hưởng lương hưu nộp 0,5% lương theo quy định tại khoản 2 Điều 7."),
        1,
        9,
    );
    assert_eq!(made.len(), 1);
    assert_eq!(
        made[0].question().task,
        Task::Number {
            right: 500,
            tolerance: 0
        }
    );
    assert!(
        drafts(
            &document(
                "Điều 1. Dẫn chiếu\nThực hiện theo khoản 2 Điều 7 Nghị định số 59/2023/NĐ-CP của Chính phủ."
            ),
            1,
            9
        )
        .is_empty()
    );
}

#[test]
fn accepting_keeps_the_passage_whatever_else_is_changed() {
    let draft = drafts(&document(TEXT), 1, 1).remove(0);
    let passage = draft.question().citation.clone();
    let question = draft.accept(|q| {
        q.text = "Viết lại".into();
        q.citation.quote = "bịa".into();
    });
    assert_eq!((question.text.as_str(), question.citation), ("Viết lại", passage));
}

#[test]
fn an_empty_document_gives_no_drafts() {
    assert!(drafts(&document("Kính gửi."), 1, 9).is_empty());
    let empty = Package {
        title: "x".into(),
        questions: vec![],
        exam: None,
    };
    assert_eq!(empty.check(), Err(PackageError::NoQuestion));
}
