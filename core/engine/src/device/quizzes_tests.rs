use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_store::{DatabaseId, MemoryStore};
use sotay_study::broadcast::{Broadcast, WatchLink};
use sotay_study::library::{Document, Link};
use sotay_study::quiz::{Citation, ExamRules, Task};
use sotay_study::reading::Progress;
use sotay_sync::{FirstContact, Output, Role, Session, SessionConfig};

use super::super::broadcasts::{AirState, DAY, ISSUE_BYTES, merged};
use super::super::library::Library;
use super::super::tests::{NOW, branch, join, law};
use super::super::{AdmitRequest, LinkId, LinkOutput};
use super::*;

const SECOND: i64 = NOW / 1000;

fn question(document: &Document, text: &str, right: bool) -> Question {
    Question {
        text: text.to_owned(),
        task: Task::Truth { right },
        explanation: String::new(),
        citation: Citation {
            document: document.id(),
            section: 1,
            label: "Điều 2".to_owned(),
            quote: "Cộng đồng dân cư là những công dân cư trú trên địa bàn thôn, tổ dân phố.".to_owned(),
        },
    }
}

fn quiz(exam: Option<ExamRules>) -> Package {
    Package {
        title: "Dân chủ ở cơ sở".to_owned(),
        questions: vec![
            question(
                &law(),
                "Cộng đồng dân cư là công dân cư trú trên địa bàn thôn?",
                true,
            ),
            question(&law(), "Cộng đồng dân cư là cơ quan nhà nước?", false),
        ],
        exam,
    }
}

fn attempt(package: &Package, started: i64, said: [bool; 2]) -> Attempt {
    let given = package.questions.iter().zip(said);
    Attempt {
        started,
        finished: started + 60,
        package: package.id(),
        seed: 7,
        given: given.map(|(q, said)| (q.id(), Given::Truth(said))).collect(),
    }
}

#[test]
fn a_member_takes_the_quiz_that_an_officer_published_and_repeats_what_was_wrong() {
    let mut secretary = branch(1);
    secretary.publish_documents(&[law()]).unwrap();
    let id = secretary.publish_quiz(&quiz(None)).unwrap();
    let mut member = join(&mut secretary, 2, "P1", 4);
    assert_eq!(member.quizzes(SECOND).unwrap()[0].id, id);
    let marks = member
        .hand_in(attempt(&quiz(None), SECOND, [true, true]))
        .unwrap()
        .marks;
    assert_eq!((marks.right, marks.total, marks.tenths), (1, 2, 50));
    member
        .hand_in(attempt(&quiz(None), SECOND + 100, [false, true]))
        .unwrap();
    let entry = member.quizzes(SECOND).unwrap().remove(0);
    assert_eq!(
        (
            entry.attempts,
            entry.best.unwrap().tenths,
            entry.last.unwrap().tenths
        ),
        (2, 50, 0)
    );
    assert!(secretary.quizzes(SECOND).unwrap()[0].best.is_none());

    let later = SECOND + 400 * DAY;
    let due = member.due(later).unwrap();
    assert_eq!(due.len(), 2);
    assert!(
        member
            .repeat(
                due[0].question.id(),
                &Given::Truth(true),
                Some(Rating::Easy),
                later
            )
            .is_ok()
    );
    assert_eq!(member.due(later).unwrap().len(), 1);
    let overview = member.study_overview(later).unwrap();
    assert_eq!(
        (
            overview.quizzes,
            overview.attempts,
            overview.questions,
            overview.due
        ),
        (1, 2, 2, 1)
    );

    let again = Device::open(member.into_store(), Box::new(StdRng::seed_from_u64(9))).unwrap();
    assert_eq!(again.study_overview(later).unwrap(), overview);
}

#[test]
fn a_quiz_whose_passage_is_not_in_the_library_is_refused_and_a_member_may_not_publish_one() {
    let mut secretary = branch(1);
    let gone = secretary.publish_quiz(&quiz(None));
    assert!(
        matches!(
            gone,
            Err(QuizError::Citation {
                question: 0,
                fault: CitationFault::NoDocument
            })
        ),
        "{gone:?}"
    );
    secretary.publish_documents(&[law()]).unwrap();
    let mut other = quiz(None);
    other.questions[1].citation.quote = "Cộng đồng dân cư là nhà nước.".to_owned();
    let gone = secretary.publish_quiz(&other);
    assert!(
        matches!(
            gone,
            Err(QuizError::Citation {
                question: 1,
                fault: CitationFault::NotQuoted
            })
        ),
        "{gone:?}"
    );
    let mut member = join(&mut secretary, 2, "P1", 4);
    assert!(matches!(
        member.publish_quiz(&quiz(None)),
        Err(QuizError::Device(DeviceError::Denied(_)))
    ));
    assert!(member.quizzes(SECOND).unwrap().is_empty());
}

#[test]
fn questions_of_a_withdrawn_document_are_not_asked_any_more_and_old_marks_stay() {
    let mut secretary = branch(1);
    secretary.publish_documents(&[law()]).unwrap();
    secretary.publish_quiz(&quiz(None)).unwrap();
    secretary
        .hand_in(attempt(&quiz(None), SECOND, [true, false]))
        .unwrap();
    let mut newer = law();
    newer.code = "99/2026/QH16".to_owned();
    newer.date.year = 2026;
    newer.links = vec![Link {
        kind: LinkKind::Withdraws,
        code: law().code,
        issuer: None,
        date: None,
    }];
    secretary.publish_documents(&[newer]).unwrap();
    let entry = secretary.quizzes(SECOND).unwrap().remove(0);
    assert_eq!((entry.retired.len(), entry.best.unwrap().tenths), (2, 100));
    assert!(secretary.due(SECOND + 400 * DAY).unwrap().is_empty());
}

#[test]
fn an_exam_is_taken_only_while_it_is_open_and_only_as_often_as_allowed() {
    let rules = ExamRules {
        opens: SECOND,
        closes: SECOND + 1000,
        attempts: 1,
        minutes: None,
    };
    let exam = quiz(Some(rules));
    let mut secretary = branch(1);
    secretary.publish_documents(&[law()]).unwrap();
    secretary.publish_quiz(&exam).unwrap();
    let early = secretary.hand_in(attempt(&exam, SECOND - 1, [true, false]));
    assert!(matches!(
        early,
        Err(QuizError::Exam(ExamStatus::NotYet { seconds: 1 }))
    ));
    let late = secretary
        .hand_in(attempt(&exam, SECOND + 990, [true, false]))
        .unwrap();
    assert_eq!(late.standing, Some(Standing::OutsideWindow));
    let more = secretary.hand_in(attempt(&exam, SECOND + 5, [true, false]));
    assert!(matches!(more, Err(QuizError::Exam(ExamStatus::NoAttemptsLeft))));
    let mut stranger = attempt(&exam, SECOND, [true, false]);
    stranger.given = BTreeMap::from([([9; 16], Given::Truth(true))]);
    assert!(matches!(secretary.hand_in(stranger), Err(QuizError::Unknown)));
}

fn broadcast(start: i64, title: &str) -> Broadcast {
    Broadcast {
        start,
        minutes: 30,
        title: title.to_owned(),
        links: vec![WatchLink {
            label: "VTV1".to_owned(),
            url: "https://example.org/1".to_owned(),
        }],
        recording: None,
    }
}

#[test]
fn a_later_schedule_replaces_the_days_it_covers_even_from_a_phone_whose_clock_is_behind() {
    let mut secretary = branch(1);
    let titles = |device: &Device<MemoryStore>| -> Vec<(String, AirState)> {
        let all = device.broadcasts(SECOND).unwrap();
        all.into_iter().map(|(b, state)| (b.title, state)).collect()
    };
    let first = vec![
        broadcast(SECOND - 60, "Thời sự"),
        broadcast(SECOND + DAY, "Cũ"),
        broadcast(SECOND + 9 * DAY, "Sau"),
    ];
    secretary.publish_broadcasts(first, NOW).unwrap();
    secretary
        .publish_broadcasts(vec![broadcast(SECOND + DAY + 60, "Mới")], NOW - 1_000_000)
        .unwrap();
    let both = [
        ("Thời sự", AirState::Now),
        ("Mới", AirState::Next),
        ("Sau", AirState::Later),
    ];
    let wanted = both.map(|(title, state)| (title.to_owned(), state)).to_vec();
    // The second one covers one day only, so "Cũ" of that day is gone and the rest of the first one stays.
    assert_eq!(titles(&secretary), wanted);
    let member = join(&mut secretary, 2, "P1", 4);
    assert_eq!(titles(&member), wanted);
    let mut programmes = member.programmes().unwrap();
    let one = merged(programmes.clone());
    programmes.reverse();
    assert_eq!(merged(programmes), one);
    assert!(matches!(
        secretary.publish_broadcasts(vec![broadcast(0, " ")], NOW),
        Err(QuizError::Schedule(_))
    ));
}

#[test]
fn a_repetition_has_its_golden_bytes_and_others_are_refused() {
    let review = Review {
        question: [1; 16],
        at: 0x0102,
        rating: Rating::Good,
    };
    let bytes = write_review(&review);
    assert_eq!(bytes, [&[1; 16][..], &[0, 0, 0, 0, 0, 0, 1, 2], &[2]].concat());
    assert_eq!(read_review(&bytes), Some(review));
    assert_eq!(read_review(&bytes[..REVIEW_BYTES - 1]), None);
    assert_eq!(read_review(&[&bytes[..], &[0]].concat()), None);
    assert_eq!(read_review(&[&bytes[..24], &[4]].concat()), None);
    let from = (UnitId::from_bytes([7; 32]), true);
    assert!(publication(from, PROGRAMME, &[0; ISSUE_BYTES - 1]).is_none());
    assert!(publication(from, 9, &bytes).is_none());
}

fn records() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let reading = (0u8..2, 0u32..3, 1u32..90).prop_map(|(device, furthest, seconds)| {
        let mut progress = Progress::default();
        progress
            .read_on(law().id(), [device; 8], furthest, seconds)
            .unwrap();
        tagged(0, &progress.encode())
    });
    let made = (0i64..300, any::<[bool; 2]>()).prop_map(|(day, said)| {
        tagged(
            ATTEMPT,
            &attempt(&quiz(None), SECOND + day * DAY / 3, said).encode(),
        )
    });
    let repeated = (0usize..2, 0i64..300, 0usize..4).prop_map(|(which, day, rating)| {
        let question = quiz(None).questions[which].id();
        let review = Review {
            question,
            at: SECOND + day * DAY / 3,
            rating: RATINGS[rating],
        };
        tagged(REVIEW, &write_review(&review))
    });
    proptest::collection::vec(prop_oneof![reading, made, repeated], 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn two_devices_of_a_member_show_equal_progress_and_due_lists_in_every_order_of_merging(
        records in records(), keys in proptest::collection::vec(any::<u16>(), 12), twice in 0usize..12, day in 0i64..500
    ) {
        let mut shuffled: Vec<(u16, &Vec<u8>)> = keys.iter().copied().zip(&records).collect();
        shuffled.sort();
        let learn = |order: &mut dyn Iterator<Item = &Vec<u8>>| {
            let mut library = Library::load(&MemoryStore::new(DatabaseId([1; 16]))).unwrap();
            for record in order {
                assert!(library.learn_study(record).is_some());
            }
            library
        };
        let one = learn(&mut records.iter());
        let again = shuffled.get(twice).map(|(_, record)| *record);
        let other = learn(&mut shuffled.iter().map(|(_, record)| *record).chain(again));
        prop_assert_eq!(one.shown(&law().id(), 2), other.shown(&law().id(), 2));
        let (now, package) = (SECOND + day * DAY, [quiz(None)]);
        let (a, b) = (one.studied.log(&package), other.studied.log(&package));
        prop_assert_eq!(a.due(now), b.due(now));
        prop_assert_eq!(one.studied.attempts.best(&package[0]), other.studied.attempts.best(&package[0]));
        prop_assert_eq!(one.studied.attempts.last(&package[0]), other.studied.attempts.last(&package[0]));
    }

    #[test]
    fn garbage_of_every_form_is_set_aside_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let mut library = Library::load(&MemoryStore::new(DatabaseId([1; 16]))).unwrap();
        library.learn_study(&bytes);
        for own in [true, false] {
            library.learn_publication((UnitId::from_bytes([7; 32]), own), &bytes);
        }
    }
}

#[test]
fn an_index_file_that_is_damaged_is_made_anew_and_documents_with_one_alias_are_both_found() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("library.index");
    let mut secretary = branch(1);
    let (mut one, mut two) = (law(), law());
    (one.alias, two.alias) = (Some("D1".to_owned()), Some("D1".to_owned()));
    two.code = "11/2023/QH15".to_owned();
    secretary.publish_documents(&[one, two]).unwrap();
    secretary.keep_index_in(file.clone(), None);
    assert_eq!(secretary.search("cộng đồng dân cư", 9).unwrap().hits.len(), 2);
    assert!(file.exists());
    // Opened by the next program: nothing is indexed again, and nothing is missing.
    secretary.keep_index_in(file.clone(), None);
    assert_eq!(secretary.search("cộng đồng dân cư", 9).unwrap().hits.len(), 2);
    secretary.keep_index_in(file.clone(), None);
    std::fs::write(&file, "không phải cơ sở dữ liệu ".repeat(500)).unwrap();
    assert_eq!(secretary.search("cộng đồng dân cư", 9).unwrap().hits.len(), 2);
    // A folder that cannot hold a file: the index lives in memory.
    secretary.keep_index_in(folder.path().join("no/such/library.index"), None);
    assert_eq!(secretary.search("cộng đồng dân cư", 9).unwrap().hits.len(), 2);
}

/// `caller` connects to `host`, both exchange everything, as two phones in one room.
pub(in crate::device) fn meet(caller: &mut Device<MemoryStore>, host: &mut Device<MemoryStore>) {
    meet_after(0, caller, host);
}

/// The same, as if the exchange had gone on so often already.
pub(in crate::device) fn meet_after(
    turns: u8,
    caller: &mut Device<MemoryStore>,
    host: &mut Device<MemoryStore>,
) {
    let config = SessionConfig {
        role: Role::Device,
        peer: caller.keys().public().sign,
        spaces: Vec::new(),
        live: false,
        first: FirstContact::Frontier,
    };
    let (link, mut serving) = (LinkId(1), Session::accept(config));
    caller
        .link_up(link, host.keys().public().sign, false, NOW)
        .unwrap();
    caller.has_gone_on(link, turns);
    serving.start(&mut host.replica, NOW).unwrap();
    let mut caught_up = false;
    loop {
        let mut idle = true;
        while let Some(output) = caller.next_output(link) {
            idle = false;
            match output {
                LinkOutput::Frame(frame) => serving.on_frame(&mut host.replica, &frame, NOW).unwrap(),
                LinkOutput::CaughtUp => caught_up = true,
                LinkOutput::Close(_) => {}
            }
        }
        while let Some(output) = serving.poll() {
            idle = false;
            if let Output::Frame(frame) = output {
                caller.link_frame(link, &frame, NOW).unwrap();
            }
        }
        if idle {
            break;
        }
    }
    caller.link_down(link).unwrap();
    host.absorb().unwrap();
    assert!(caught_up);
}

#[test]
fn two_phones_of_one_member_agree_after_they_met_whoever_calls() {
    for second_calls in [true, false] {
        let mut first = branch(1);
        let id = first.publish_documents(&[law()]).unwrap()[0];
        first.publish_quiz(&quiz(None)).unwrap();
        let mut second = super::super::tests::device(2, "P2");
        let ask = AdmitRequest {
            request: second.join_request().unwrap().to_text(),
            member: first.member().unwrap(),
            rank: 2,
            committee: false,
            probationary: false,
            relays: Vec::new(),
        };
        let invitation = first.admit(&ask, NOW).unwrap();
        second.accept(&invitation).unwrap();
        first.read_on(id, 1, 30).unwrap();
        first.hand_in(attempt(&quiz(None), SECOND, [true, true])).unwrap();
        second.read_on(id, 2, 60).unwrap();
        second
            .hand_in(attempt(&quiz(None), SECOND + 90, [true, false]))
            .unwrap();
        let repeated = quiz(None).questions[1].id();
        second
            .repeat(repeated, &Given::Truth(false), None, SECOND + 9 * DAY)
            .unwrap();
        if second_calls {
            meet(&mut second, &mut first);
        } else {
            meet(&mut first, &mut second);
        }
        let read = first.library().unwrap()[0].read;
        assert_eq!((read.furthest, read.seconds), (2, 90));
        assert_eq!(second.library().unwrap()[0].read, read);
        let later = SECOND + 400 * DAY;
        assert_eq!(first.due(later).unwrap().len(), 2);
        assert_eq!(second.due(later).unwrap(), first.due(later).unwrap());
        assert_eq!(second.quizzes(SECOND).unwrap(), first.quizzes(SECOND).unwrap());
        assert_eq!(
            second.study_overview(later).unwrap(),
            first.study_overview(later).unwrap()
        );
    }
}

#[test]
fn a_second_phone_that_an_officer_admitted_can_write_and_both_read_what_it_writes() {
    let mut secretary = branch(1);
    let id = secretary.publish_documents(&[law()]).unwrap()[0];
    let mut first = join(&mut secretary, 2, "P1", 4);
    let mut second = super::super::tests::device(3, "P2");
    // The officer knows of the private space of the member only what the first phone sent.
    meet(&mut first, &mut secretary);
    let ask = AdmitRequest {
        request: second.join_request().unwrap().to_text(),
        member: first.member().unwrap(),
        rank: 4,
        committee: false,
        probationary: false,
        relays: Vec::new(),
    };
    let invitation = secretary.admit(&ask, NOW).unwrap();
    second.accept(&invitation).unwrap();
    second.read_on(id, 2, 60).unwrap();
    meet(&mut second, &mut first);
    first.read_on(id, 1, 30).unwrap();
    meet(&mut second, &mut first);
    let read = first.library().unwrap()[0].read;
    assert_eq!((read.furthest, read.seconds), (2, 90));
    assert_eq!(second.library().unwrap()[0].read, read);
    assert_eq!(secretary.library().unwrap()[0].read.furthest, 0);
}

#[test]
fn what_the_first_phone_wrote_before_is_read_by_a_second_one_once_they_have_met() {
    let mut secretary = branch(1);
    let id = secretary.publish_documents(&[law()]).unwrap()[0];
    secretary.publish_quiz(&quiz(None)).unwrap();
    let mut first = join(&mut secretary, 2, "P1", 4);
    first.read_on(id, 2, 60).unwrap();
    first
        .hand_in(attempt(&quiz(None), SECOND, [true, false]))
        .unwrap();
    meet(&mut first, &mut secretary);

    let mut second = super::super::tests::device(3, "P2");
    let ask = AdmitRequest {
        request: second.join_request().unwrap().to_text(),
        member: first.member().unwrap(),
        rank: 4,
        committee: false,
        probationary: false,
        relays: Vec::new(),
    };
    let invitation = secretary.admit(&ask, NOW).unwrap();
    second.accept(&invitation).unwrap();
    // The officer who admitted it holds no key of the member's private space and can hand none over.
    assert_eq!(second.library().unwrap()[0].read.furthest, 0);

    // The first phone learns of the second one and hands the keys over; all that is needed after that is one exchange.
    meet(&mut first, &mut secretary);
    meet(&mut second, &mut secretary);
    meet(&mut second, &mut first);
    let later = SECOND + 40 * DAY;
    assert_eq!(
        second.library().unwrap()[0].read,
        first.library().unwrap()[0].read
    );
    assert_eq!(second.library().unwrap()[0].read.furthest, 2);
    let due = first.due(later).unwrap();
    assert!(!due.is_empty());
    assert_eq!(second.due(later).unwrap(), due);
    assert_eq!(
        second.study_overview(later).unwrap(),
        first.study_overview(later).unwrap()
    );
    assert_eq!(
        secretary.library().unwrap()[0].read.furthest,
        0,
        "the officer reads along"
    );

    // And what the second one writes is read by the first.
    second.read_on(id, 1, 40).unwrap();
    meet(&mut second, &mut first);
    assert_eq!(first.library().unwrap()[0].read.seconds, 100);
}
