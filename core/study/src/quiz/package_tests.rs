use super::*;
use crate::library::{Date, Paragraph, ParagraphKind, Section, SectionKind};

pub(crate) fn question(n: u32) -> Question {
    Question {
        text: format!("Câu {n}: thời hạn nộp giấy giới thiệu?"),
        task: Task::One {
            choices: ["30 ngày", "15 ngày", "60 ngày"].map(String::from).to_vec(),
            right: 0,
        },
        explanation: "Theo Mục 1.".into(),
        citation: Citation {
            document: Hash([n as u8; 32]),
            section: 0,
            label: "Mục 1".into(),
            quote: "nộp nơi đến trong 30 ngày".into(),
        },
    }
}

pub(crate) fn package() -> Package {
    let mut questions: Vec<Question> = (0..4).map(question).collect();
    let choices = questions[1].choices().to_vec();
    questions[1].task = Task::Several {
        choices,
        right: BTreeSet::from([0, 2]),
    };
    questions[2].task = Task::Truth { right: false };
    questions[3].task = Task::Number {
        right: 7_500,
        tolerance: 100,
    };
    let exam = Some(ExamRules {
        opens: 1_000,
        closes: 2_000,
        attempts: 2,
        minutes: Some(15),
    });
    Package {
        title: "Học tập nghị quyết".into(),
        questions,
        exam,
    }
}

#[test]
fn a_package_comes_back_as_it_was() {
    let bytes = package().encode();
    assert_eq!(Package::decode(&bytes), Ok(package()));
    assert_eq!(package().check(), Ok(()));
}

#[test]
fn the_package_id_and_first_question_id_are_the_golden_ones() {
    let hex: String = question(0).id().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(
        (package().id().to_string(), hex),
        (GOLDEN_PACKAGE.to_owned(), GOLDEN_QUESTION.to_owned())
    );
    let head: String = package().encode()[..32]
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(
        head,
        "8401781a48e1bb8d632074e1baad70206e6768e1bb8b20717579e1babf748419"
    );
}

const GOLDEN_PACKAGE: &str = "b6ce0846861cbf2dd6d931371c4c2cc553744f547d306037635ffe7a001ec4cd";
const GOLDEN_QUESTION: &str = "8238eb4a0b85e2328f1c4ee908e37c7f";

#[test]
fn other_bytes_are_refused() {
    let bytes = package().encode();
    let mut newer = bytes.clone();
    newer[1] = 2;
    assert_eq!(Package::decode(&newer), Err(WireError::Version(2)));
    for cut in 0..bytes.len() {
        assert!(Package::decode(&bytes[..cut]).is_err());
    }
    assert_eq!(
        Package::decode(&[bytes.clone(), vec![0]].concat()),
        Err(WireError::NotCanonical)
    );
    let large = vec![0; MAX_PACKAGE_BYTES + 1];
    assert_eq!(
        Package::decode(&large),
        Err(WireError::TooLarge {
            size: MAX_PACKAGE_BYTES + 1,
            limit: MAX_PACKAGE_BYTES
        })
    );
}

#[test]
fn packages_that_cannot_be_answered_are_refused() {
    let with = |change: &dyn Fn(&mut Package)| {
        let mut p = package();
        change(&mut p);
        p.check().err()
    };
    let one = |choices: &[&str], right| Task::One {
        choices: choices.iter().map(|c| (*c).into()).collect(),
        right,
    };
    assert_eq!(with(&|p| p.questions.clear()), Some(PackageError::NoQuestion));
    assert_eq!(
        with(&|p| p.questions[0].task = one(&["a", "b"], 2)),
        Some(PackageError::Choices(0))
    );
    assert_eq!(
        with(&|p| p.questions[0].task = one(&["a"], 0)),
        Some(PackageError::Choices(0))
    );
    assert_eq!(
        with(&|p| p.questions[0].task = one(&["a", "a"], 0)),
        Some(PackageError::Choices(0))
    );
    assert_eq!(
        with(&|p| p.questions[1].task = Task::Several {
            choices: vec!["a".into(), "b".into()],
            right: BTreeSet::new()
        }),
        Some(PackageError::Choices(1))
    );
    assert_eq!(
        with(&|p| p.questions[3].citation.quote.clear()),
        Some(PackageError::Empty(3))
    );
    assert_eq!(
        with(&|p| p.questions[3] = p.questions[0].clone()),
        Some(PackageError::Twice(3))
    );
    assert_eq!(
        with(&|p| p.exam = Some(ExamRules {
            opens: 5,
            closes: 5,
            attempts: 1,
            minutes: None
        })),
        Some(PackageError::Exam)
    );
}

#[test]
fn limits_hold_at_one_more_than_allowed() {
    let over = |change: &dyn Fn(&mut Package)| {
        let mut p = package();
        change(&mut p);
        match p.check() {
            Err(PackageError::OverLimit { what, .. }) => what,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(over(&|p| p.title = "x".repeat(MAX_TITLE_CHARS + 1)), "title");
    assert_eq!(
        over(&|p| p.questions[0].explanation = "x".repeat(MAX_TEXT_CHARS + 1)),
        "text"
    );
    assert_eq!(
        over(&|p| p.questions = (0..=MAX_QUESTIONS as u32).map(question).collect()),
        "questions"
    );
    assert_eq!(
        over(&|p| {
            let choices = (0..=MAX_CHOICES).map(|i| i.to_string()).collect();
            p.questions[0].task = Task::One { choices, right: 0 };
        }),
        "choices"
    );
    assert_eq!(
        over(&|p| {
            p.questions = (0..60).map(question).collect();
            p.questions
                .iter_mut()
                .for_each(|q| q.explanation = "x".repeat(1_000));
        }),
        "package"
    );
}

#[test]
fn a_citation_that_is_gone_is_named() {
    let mut document = Document {
        kind: "HD".into(),
        code: "04-HD/BTCTU".into(),
        issuer: "Ban Tổ chức".into(),
        date: Date::new(2023, 6, 1).unwrap(),
        title: "Chuyển sinh hoạt".into(),
        alias: None,
        sections: vec![Section {
            kind: SectionKind::Whole,
            level: 0,
            number: String::new(),
            heading: String::new(),
            paragraphs: vec![Paragraph {
                kind: ParagraphKind::Plain,
                label: String::new(),
                text: "Người chuyển nơi ở nộp nơi đến trong 30 ngày.".into(),
            }],
        }],
        links: vec![],
        blobs: vec![],
    };
    let q = question(1);
    assert_eq!(q.check_citation(|_| Some(&document)), Ok(()));
    assert_eq!(q.check_citation(|_| None), Err(CitationFault::NoDocument));
    document.sections[0].paragraphs[0].text = "Đã đổi.".into();
    assert_eq!(
        q.check_citation(|_| Some(&document)),
        Err(CitationFault::NotQuoted)
    );
    document.sections.clear();
    assert_eq!(
        q.check_citation(|_| Some(&document)),
        Err(CitationFault::NoSection)
    );
}

#[test]
fn questions_of_a_withdrawn_document_are_retired() {
    let p = package();
    let standing: Vec<QuestionId> = p
        .standing(|document| document.0[0] != 2)
        .map(Question::id)
        .collect();
    assert_eq!(standing.len(), 3);
    assert!(!standing.contains(&p.questions[2].id()));
}

proptest::proptest! {
    #[test]
    fn garbage_is_read_without_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..120)) {
        let _ = Package::decode(&bytes);
    }

    #[test]
    fn a_changed_byte_is_never_read_as_the_same_package(at in 0usize..10_000, byte in 0u8..=255) {
        let mut bytes = package().encode();
        let at = at % bytes.len();
        let same = bytes[at] == byte;
        bytes[at] = byte;
        if let Ok(read) = Package::decode(&bytes) {
            proptest::prop_assert_eq!(read == package(), same);
        }
    }
}
