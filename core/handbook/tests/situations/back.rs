//! The diary, undoing one's own last action, the time of a vote, and what a meeting takes over from the year.

use sotay_handbook::fixture::{device, entry, member};
use sotay_handbook::meeting::{
    Command, How, Method, Need, Person, Place, Stage, State, TakenFees, TakenTask, TallyCount,
};
use sotay_handbook::review::ReviewKind;
use sotay_handbook::tasks::TaskStatus;
use sotay_handbook::{CommandError, EntryId, What};

use crate::common::{Hall, PHONES};

fn mark(number: u32, state: State) -> Command {
    Command::Mark {
        members: vec![member(number)],
        state,
        how: How::RollCall,
        reason: None,
    }
}

fn speech(hall: &mut Hall, phone: u8, text: &str) -> EntryId {
    let id = hall.id_on(phone);
    hall.on(
        phone,
        10,
        Command::AddSpeech {
            id,
            speaker: Person::Member(member(5)),
            agenda: None,
            text: text.into(),
            place: Place::Last,
        },
    );
    id
}

fn conclusion(hall: &mut Hall, phone: u8, text: &str) -> EntryId {
    let id = hall.id_on(phone);
    hall.on(
        phone,
        20,
        Command::AddConclusion {
            id,
            agenda: None,
            text: text.into(),
            deadline: None,
            responsible: vec![member(6)],
            place: Place::Last,
        },
    );
    id
}

#[test]
fn the_diary_tells_who_changed_what_in_words_and_alike_on_all_phones() {
    let mut hall = Hall::new(&PHONES);
    hall.on(1, 0, Command::SetPlace("Nhà văn hóa".into()));
    hall.on(1, 1, Command::Open);
    hall.on(1, 2, Command::EnterStage(Stage::Discussion));
    hall.on(1, 3, mark(17, State::Present));
    hall.on(1, 4, mark(17, State::Excused));
    let spoken = speech(&mut hall, 1, "Đề nghị sửa cống.");
    hall.on(
        1,
        11,
        Command::EditSpeech {
            id: spoken,
            text: "Đề nghị sửa cống trước mùa mưa.".into(),
        },
    );
    hall.sync_all(&PHONES);
    hall.on(3, 12, Command::SetPlace("Trường tiểu học".into()));
    hall.sync_all(&PHONES);
    let told = hall.diary(2);
    assert_eq!(hall.diary(1), told);
    let said: Vec<&str> = told
        .iter()
        .flat_map(|(_, said)| said.iter().map(String::as_str))
        .collect();
    assert_eq!(
        said,
        [
            "địa điểm: “Nhà văn hóa”",
            "đã khai mạc",
            "chốt danh sách 42 người",
            "thảo luận",
            "điểm danh (Phạm Văn Ước): có mặt",
            "điểm danh (Phạm Văn Ước): có mặt → vắng có lý do",
            "đảng viên: Hoàng Văn Thắng",
            "thêm ý kiến phát biểu: “Đề nghị sửa cống.”",
            "sửa ý kiến phát biểu: “Đề nghị sửa cống.” → “Đề nghị sửa cống trước mùa mưa.”",
            "địa điểm: “Nhà văn hóa” → “Trường tiểu học”",
        ]
    );
    assert_eq!(told.last().unwrap().0, device(3));
}

#[test]
fn ones_own_last_actions_are_undone_one_after_another_as_new_changes() {
    let mut hall = Hall::new(&PHONES);
    hall.on(1, 0, Command::SetPlace("Nhà văn hóa".into()));
    hall.on(1, 1, mark(17, State::Excused));
    hall.on(1, 2, mark(17, State::Present));
    let spoken = speech(&mut hall, 1, "Ghi nhầm cuộc họp khác.");
    hall.undo(1, 30).unwrap();
    assert!(hall.shown(1).view.speeches.is_empty());
    hall.undo(1, 31).unwrap();
    let view = hall.shown(1).view;
    assert_eq!(view.line(member(17)).unwrap().state, State::Excused);
    hall.undo(1, 32).unwrap();
    assert_eq!(
        hall.shown(1).view.line(member(17)).unwrap().state,
        State::Unmarked
    );
    hall.undo(1, 33).unwrap();
    assert!(hall.shown(1).view.place.value.is_none());
    assert!(matches!(hall.undo(1, 34), Err(CommandError::NothingToUndo)));
    hall.sync_all(&PHONES);
    let shown = hall.converged();
    assert!(shown.view.removed.contains(&spoken));
    assert_eq!(hall.diary(3).len(), 8, "what was done and what was undone");
}

#[test]
fn a_text_is_put_back_word_by_word_and_not_when_somebody_went_on_writing() {
    let mut hall = Hall::new(&PHONES);
    let spoken = speech(&mut hall, 1, "Đề nghị sửa cống.");
    let edit = |text: &str| Command::EditSpeech {
        id: spoken,
        text: text.into(),
    };
    hall.on(1, 11, edit("Đề nghị sửa cống và mương."));
    hall.undo(1, 12).unwrap();
    assert_eq!(hall.shown(1).view.speeches[0].text, "Đề nghị sửa cống.");
    hall.on(1, 13, edit("Đề nghị sửa cống, mương."));
    hall.sync_all(&PHONES);
    hall.on(2, 14, edit("Đề nghị sửa cống, mương N3."));
    hall.sync_all(&PHONES);
    assert!(matches!(
        hall.undo(1, 15),
        Err(CommandError::ChangedSince(What::Speech))
    ));
    assert_eq!(
        hall.converged().view.speeches[0].text,
        "Đề nghị sửa cống, mương N3."
    );
}

#[test]
fn an_undone_entry_comes_back_when_it_was_edited_elsewhere_at_the_same_time() {
    let mut hall = Hall::new(&PHONES);
    let spoken = speech(&mut hall, 1, "Đề nghị sửa cống.");
    let concluded = conclusion(&mut hall, 2, "Giao tổ 3 sửa cống.");
    hall.sync_all(&PHONES);
    hall.undo(1, 30).unwrap();
    hall.undo(2, 30).unwrap();
    hall.on(
        3,
        31,
        Command::EditSpeech {
            id: spoken,
            text: "Đề nghị sửa cống xóm Đông.".into(),
        },
    );
    hall.on(
        3,
        31,
        Command::EditConclusion {
            id: concluded,
            paragraph: None,
            text: "Giao tổ 3 sửa cống trước 20/5.".into(),
        },
    );
    hall.sync_all(&PHONES);
    let shown = hall.converged();
    assert_eq!(shown.view.speeches[0].text, "Đề nghị sửa cống xóm Đông.");
    assert!(shown.view.conclusion(concluded).is_some());
    assert!(
        shown
            .review
            .open()
            .iter()
            .any(|item| item.kind == ReviewKind::ConclusionRemoved)
    );
}

#[test]
fn steps_ballots_votes_that_were_opened_and_choices_cannot_be_undone() {
    let mut hall = Hall::new(&PHONES);
    let motion = hall.id_on(1);
    hall.on(
        1,
        1,
        Command::AddMotion {
            id: motion,
            agenda: None,
            text: "Sửa cống".into(),
            method: Method::OpenElectronic,
            need: Need::Majority,
            place: Place::Last,
        },
    );
    hall.on(1, 2, Command::OpenVote { id: motion });
    assert!(matches!(
        hall.undo(1, 3),
        Err(CommandError::CannotUndo(What::Motion))
    ));
    hall.on(
        1,
        4,
        Command::Vote {
            motion,
            member: member(9),
            ballot: sotay_handbook::meeting::Ballot::For,
            how: How::Helper,
        },
    );
    assert!(matches!(
        hall.undo(1, 5),
        Err(CommandError::CannotUndo(What::Ballot))
    ));
    hall.on(3, 6, Command::Close);
    assert!(matches!(
        hall.undo(3, 7),
        Err(CommandError::CannotUndo(What::Step))
    ));
    assert!(matches!(hall.undo(2, 7), Err(CommandError::NothingToUndo)));
}

#[test]
fn who_is_present_at_a_vote_follows_its_recorded_time_and_not_the_clock_of_a_phone() {
    let mut hall = Hall::new(&PHONES);
    hall.on(1, 0, Command::Open);
    let members = (1..=33).map(member).collect();
    hall.on(
        1,
        1,
        Command::Mark {
            members,
            state: State::Present,
            how: How::RollCall,
            reason: None,
        },
    );
    let motion = hall.id_on(1);
    hall.on(
        1,
        2,
        Command::AddMotion {
            id: motion,
            agenda: None,
            text: "Sửa cống".into(),
            method: Method::Hands,
            need: Need::Majority,
            place: Place::Last,
        },
    );
    let time = |text: &str| text.parse().unwrap();
    assert!(matches!(
        hall.try_on(
            1,
            2,
            &Command::SetVoteTime {
                id: motion,
                at: time("2025-05-05T20:00")
            }
        ),
        Err(CommandError::VoteNotOpen)
    ));
    // The clock of P1 is two hours fast.
    hall.on(1, 150, Command::OpenVote { id: motion });
    hall.on(
        1,
        31,
        Command::Left {
            member: member(33),
            at: Some(time("2025-05-05T20:30")),
        },
    );
    assert_eq!(hall.shown(1).view.motion(motion).unwrap().present, 32);
    hall.on(
        1,
        32,
        Command::SetVoteTime {
            id: motion,
            at: time("2025-05-05T20:10"),
        },
    );
    let view = hall.shown(1).view;
    let shown = view.motion(motion).unwrap();
    assert_eq!(
        (shown.present, shown.opened_at),
        (33, Some(time("2025-05-05T20:10")))
    );
    hall.sync_all(&PHONES);
    for (phone, text) in [(2, "2025-05-05T20:15"), (3, "2025-05-05T20:20")] {
        hall.on(
            phone,
            40,
            Command::SetVoteTime {
                id: motion,
                at: time(text),
            },
        );
    }
    hall.sync_all(&PHONES);
    let list = hall.converged().review;
    let [item] = list.open() else { panic!("one item") };
    assert_eq!(
        hall.say_item(item),
        "“Sửa cống”, giờ biểu quyết: đang có 2 giá trị: 20:15, 20:20"
    );
    assert!(!list.blocks());
}

#[test]
fn two_thirds_are_twenty_six_of_thirty_eight_and_the_board_of_a_secret_ballot_is_named() {
    let mut hall = Hall::new(&PHONES);
    hall.on(1, 0, Command::Open);
    for (votes, passed) in [(25, false), (26, true)] {
        let motion = hall.id_on(1);
        hall.on(
            1,
            2,
            Command::AddMotion {
                id: motion,
                agenda: None,
                text: "Đề nghị kết nạp quần chúng Nguyễn Văn A".into(),
                method: Method::SecretPaper,
                need: Need::TwoThirds,
                place: Place::Last,
            },
        );
        hall.on(1, 3, Command::OpenVote { id: motion });
        let counts = TallyCount {
            for_: votes,
            against: 5,
            other: 0,
            invalid: 2,
        };
        hall.on(
            1,
            4,
            Command::RecordTally {
                motion,
                counts,
                board: vec![member(7), member(8)],
            },
        );
        hall.sync_all(&PHONES);
        let id = hall.id_on(3);
        hall.on(
            3,
            5,
            Command::ConfirmTally {
                motion,
                recorder: device(1),
                id,
            },
        );
        let shown = hall.shown(3);
        let outcome = shown.view.motion(motion).unwrap().outcome.unwrap();
        assert_eq!((outcome.passed, outcome.base), (passed, 38), "{votes}");
        assert!(
            shown
                .minutes
                .text()
                .contains("Ban kiểm phiếu: Đặng Thị Mai, Bùi Xuân Trường")
        );
    }
}

#[test]
fn last_months_tasks_and_fees_stand_in_the_minutes_as_they_were_taken_over() {
    let mut hall = Hall::new(&PHONES);
    let task = |status, result: &str| TakenTask {
        id: entry(1, 77),
        what: "Nạo vét mương N3".into(),
        people: vec![member(8)],
        deadline: "2025-04-25".parse().ok(),
        status,
        overdue: status < TaskStatus::Done,
        result: result.into(),
    };
    let take = |status, result: &str, paid| Command::TakeIn {
        tasks: vec![task(status, result)],
        fees: Some(TakenFees {
            paid,
            due: 338_000,
            unpaid: u32::from(paid < 338_000),
        }),
    };
    hall.on(1, 5, take(TaskStatus::Doing, "", 332_000));
    hall.on(3, 6, take(TaskStatus::Done, "đã vét 400 m", 338_000));
    hall.sync_all(&PHONES);
    let shown = hall.converged();
    assert!(shown.review.open().is_empty());
    let minutes = shown.minutes.text();
    assert!(
        minutes.contains("Phải thu 338.000 đồng, đã thu 338.000 đồng\n"),
        "{minutes}"
    );
    assert!(
        minutes
            .contains("1. Nạo vét mương N3 (Bùi Xuân Trường), hạn 25/04/2025: đã làm xong; đã vét 400 m\n"),
        "{minutes}"
    );
    assert!(matches!(
        hall.try_on(
            1,
            7,
            &Command::TakeIn {
                tasks: vec![task(TaskStatus::Doing, ""); sotay_handbook::limits::TAKEN_TASKS_MAX + 1],
                fees: None
            }
        ),
        Err(CommandError::TooMany { .. })
    ));
}

#[test]
fn the_furthest_stage_counts_and_only_some_kinds_are_scored() {
    use sotay_handbook::meeting::MeetingKind;
    let mut hall = Hall::new(&PHONES);
    hall.on(1, 0, Command::Open);
    hall.on(1, 1, Command::EnterStage(Stage::Votes));
    hall.on(3, 1, Command::EnterStage(Stage::Programme));
    hall.sync_all(&PHONES);
    assert_eq!(hall.converged().view.stage, Some(Stage::Votes));
    assert!(MeetingKind::Regular.stages().contains(&Stage::Scoring));
    assert!(!MeetingKind::Congress.stages().contains(&Stage::Scoring));
}
