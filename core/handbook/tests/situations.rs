//! Every situation of the review list that a meeting can be in: how it comes about, what is shown, how it closes.

mod common;

use common::{Hall, PHONES, blocking};
use sotay_document::crdt::{ROOT, ReadDoc, Transactable, Value};
use sotay_feed::MemberId;
use sotay_handbook::fixture::{self, device, member};
use sotay_handbook::meeting::{
    self, Command, How, MeetingKind, Method, Need, NoteKind, Person, Place, State, TallyCount,
};
use sotay_handbook::review::{ReviewKind, Severity, clock_off, phone_not_synced};
use sotay_handbook::roster::{Activity, Roll, RollLine};
use sotay_handbook::{CommandError, EntryId, Lang, LocalTime, Words};

fn meeting() -> Hall {
    let mut hall = Hall::new(&PHONES);
    let date = fixture::MEETING_DAY.parse().ok();
    hall.on(
        3,
        0,
        Command::Found {
            kind: MeetingKind::Regular,
            month: "2025-05".parse().ok(),
            date,
        },
    );
    hall.sync_all(&PHONES);
    hall
}

fn mark(number: u32, state: State) -> Command {
    Command::Mark {
        members: vec![member(number)],
        state,
        how: How::RollCall,
        reason: None,
    }
}

fn conclusion(hall: &mut Hall, text: &str) -> EntryId {
    let id = hall.id_on(3);
    let (text, responsible) = (text.into(), vec![member(8)]);
    hall.on(
        3,
        80,
        Command::AddConclusion {
            id,
            agenda: None,
            text,
            deadline: None,
            responsible,
            place: Place::Last,
        },
    );
    hall.sync_all(&PHONES);
    id
}

fn edit(id: EntryId, text: &str) -> Command {
    Command::EditConclusion {
        id,
        paragraph: None,
        text: text.into(),
    }
}

fn motion(hall: &mut Hall, method: Method, need: Need) -> EntryId {
    let id = hall.id_on(3);
    let text = "Thông qua phương án làm đường.".into();
    hall.on(
        3,
        60,
        Command::AddMotion {
            id,
            agenda: None,
            text,
            method,
            need,
            place: Place::Last,
        },
    );
    hall.sync_all(&PHONES);
    id
}

fn kinds(hall: &Hall) -> Vec<(ReviewKind, Severity)> {
    hall.converged()
        .review
        .open()
        .iter()
        .map(|item| (item.kind, item.severity))
        .collect()
}

fn present_all(hall: &mut Hall) {
    let members: Vec<MemberId> = (1..=42).map(member).collect();
    hall.on(
        1,
        2,
        Command::Mark {
            members,
            state: State::Present,
            how: How::RollCall,
            reason: None,
        },
    );
    hall.sync_all(&PHONES);
}

fn count(for_: u32) -> TallyCount {
    TallyCount {
        for_,
        against: 0,
        other: 0,
        invalid: 0,
    }
}

#[test]
fn a_mark_that_corrects_a_known_one_contradicts_nobody() {
    let mut hall = meeting();
    hall.on(2, 2, mark(17, State::Excused));
    hall.sync_all(&PHONES);
    hall.on(1, 9, mark(17, State::Present));
    hall.sync_all(&PHONES);
    let shown = hall.converged();
    let line = shown.view.line(member(17)).unwrap();
    assert_eq!(
        (line.state, line.ways, line.entries.len()),
        (State::Present, 1, 2)
    );
    assert!(shown.review.open().is_empty());
    hall.on(2, 20, mark(17, State::Excused));
    hall.sync_all(&PHONES);
    assert_eq!(
        hall.converged().view.line(member(17)).unwrap().state,
        State::Excused
    );
    assert!(kinds(&hall).is_empty());
}

#[test]
fn excused_against_unexcused_blocks_and_unmarked_is_never_absent() {
    let mut hall = meeting();
    hall.on(1, 2, mark(17, State::Excused));
    hall.on(2, 2, mark(17, State::Unexcused));
    hall.on(1, 2, mark(18, State::Present));
    hall.on(2, 2, mark(18, State::Unmarked));
    hall.sync_all(&PHONES);
    assert_eq!(kinds(&hall), [(ReviewKind::AttendanceTwice, Severity::Block)]);
    let counts = hall.converged().view.attendance.counts;
    assert_eq!(
        (
            counts.excused,
            counts.unexcused,
            counts.present,
            counts.exempt,
            counts.unmarked
        ),
        (1, 0, 1, 2, 38)
    );
}

#[test]
fn an_exempt_member_who_is_marked_absent_stays_exempt_and_is_mentioned() {
    let mut hall = meeting();
    hall.on(1, 2, mark(39, State::Unexcused));
    hall.on(2, 2, mark(40, State::Present));
    hall.sync_all(&PHONES);
    assert_eq!(kinds(&hall), [(ReviewKind::ExemptMarkedAbsent, Severity::Info)]);
    let counts = hall.converged().view.attendance.counts;
    assert_eq!(
        (
            counts.exempt,
            counts.unexcused,
            counts.present,
            counts.must_attend_present
        ),
        (1, 0, 1, 0)
    );
}

#[test]
fn two_frozen_lists_that_differ_in_a_line_block_and_one_is_chosen() {
    let mut hall = meeting();
    hall.on(1, 1, Command::Open);
    let lines = fixture::lines().into_iter().map(|line| match line.number {
        5 => RollLine {
            activity: Activity::Exempt,
            ..line
        },
        _ => line,
    });
    let fifth = member(5);
    let other = std::mem::replace(&mut hall.roster, Roll::new(lines.collect()));
    hall.on(2, 1, Command::Open);
    hall.roster = other;
    hall.sync_all(&PHONES);
    assert_eq!(kinds(&hall), [(ReviewKind::RollLine, Severity::Block)]);
    hall.choose(3, 5, &format!("roll/{fifth}"), "miễn sinh hoạt");
    hall.sync_all(&PHONES);
    assert_eq!(
        hall.converged().view.roll.get(fifth).unwrap().activity,
        Activity::Exempt
    );
    assert_eq!(hall.converged().view.attendance.counts.must_attend, 39);
    assert!(kinds(&hall).is_empty());
}

#[test]
fn a_mark_about_somebody_who_is_not_on_the_frozen_list_is_kept_and_mentioned() {
    let mut hall = meeting();
    let frozen = Roll::new(
        fixture::lines()
            .into_iter()
            .filter(|line| line.number != 42)
            .collect(),
    );
    let all = std::mem::replace(&mut hall.roster, frozen.clone());
    hall.on(3, 1, Command::Open);
    hall.roster = all;
    hall.on(1, 2, mark(42, State::Present));
    hall.roster = frozen;
    hall.sync_all(&PHONES);
    assert_eq!(kinds(&hall), [(ReviewKind::MarkedNotListed, Severity::Info)]);
    assert_eq!(hall.converged().view.attendance.counts.present, 0);
    assert!(matches!(
        hall.try_on(1, 3, &mark(42, State::Present)),
        Err(CommandError::Unknown(_))
    ));
}

#[test]
fn two_chairs_block_and_two_places_are_mentioned_with_both_values() {
    let mut hall = meeting();
    hall.on(1, 1, Command::SetChair(member(1)));
    hall.on(2, 1, Command::SetChair(member(2)));
    hall.on(1, 1, Command::SetPlace("Nhà văn hóa".into()));
    hall.on(2, 1, Command::SetPlace("Trụ sở thôn".into()));
    hall.sync_all(&PHONES);
    assert_eq!(
        kinds(&hall),
        [
            (ReviewKind::OfficerOfMeeting, Severity::Block),
            (ReviewKind::HeadingTwice, Severity::Info)
        ]
    );
    let shown = hall.converged();
    assert_eq!(
        hall.say_item(&shown.review.open()[1]),
        "địa điểm: đang có 2 giá trị: Nhà văn hóa, Trụ sở thôn (P1: Nhà văn hóa, P2: Trụ sở thôn)"
    );
    hall.choose(3, 2, "info/chair", "Nguyễn Văn Hùng");
    hall.choose(3, 2, "info/place", "Trụ sở");
    hall.sync_all(&PHONES);
    let view = hall.converged().view;
    assert_eq!(
        (view.chair.value, view.place.value.unwrap().as_str()),
        (Some(Person::Member(member(1))), "Trụ sở thôn")
    );
    assert!(kinds(&hall).is_empty());
}

#[test]
fn the_same_value_set_on_two_phones_is_one_value() {
    let mut hall = meeting();
    for phone in PHONES {
        hall.on(phone, i64::from(phone), Command::SetPlace("Nhà văn hóa".into()));
    }
    hall.sync_all(&PHONES);
    assert!(kinds(&hall).is_empty());
    assert_eq!(hall.converged().view.place.claims[0].marks.len(), 3);
}

#[test]
fn who_left_before_the_vote_or_came_after_it_is_not_present_for_it() {
    let mut hall = meeting();
    present_all(&mut hall);
    let time = |text: &str| -> Option<LocalTime> { text.parse().ok() };
    hall.on(
        1,
        50,
        Command::Left {
            member: member(5),
            at: time("2025-05-05T20:20"),
        },
    );
    hall.on(
        2,
        50,
        Command::Left {
            member: member(6),
            at: time("2025-05-05T20:50"),
        },
    );
    hall.on(
        1,
        50,
        Command::Arrived {
            member: member(7),
            at: time("2025-05-05T20:40"),
        },
    );
    hall.on(
        1,
        50,
        Command::Arrived {
            member: member(8),
            at: time("2025-05-05T19:40"),
        },
    );
    let id = motion(&mut hall, Method::Hands, Need::TwoThirds);
    hall.on(3, 60, Command::OpenVote { id });
    hall.sync_all(&PHONES);
    let vote = hall.converged().view.motion(id).unwrap().clone();
    assert_eq!(
        (
            vote.eligible.len(),
            vote.present,
            vote.opened_at.unwrap().hours().as_str()
        ),
        (38, 36, "20:30")
    );
    hall.on(
        3,
        61,
        Command::RecordTally {
            motion: id,
            counts: count(25),
            board: vec![],
        },
    );
    assert!(!hall.shown(3).view.motion(id).unwrap().outcome.unwrap().passed);
    hall.on(
        3,
        61,
        Command::RecordTally {
            motion: id,
            counts: count(26),
            board: vec![],
        },
    );
    hall.sync_all(&PHONES);
    let shown = hall.converged();
    let said = hall.say(&shown.view.motion(id).unwrap().result());
    assert_eq!(said, "Thông qua 26/38 = 68,42 % (36 có mặt), chưa xác nhận");
    assert!(shown.review.open().is_empty());
}

#[test]
fn arrivals_noted_at_different_times_show_the_earlier_and_are_mentioned() {
    let mut hall = meeting();
    for (phone, time) in [(1, "2025-05-05T20:00"), (2, "2025-05-05T19:50")] {
        hall.on(
            phone,
            30,
            Command::Arrived {
                member: member(5),
                at: time.parse().ok(),
            },
        );
    }
    hall.sync_all(&PHONES);
    assert_eq!(kinds(&hall), [(ReviewKind::TimesDiffer, Severity::Info)]);
    let shown = hall.converged();
    assert_eq!(
        shown.view.line(member(5)).unwrap().arrived.value.unwrap().hours(),
        "19:50"
    );
    hall.choose(3, 40, &format!("arrived/{}", member(5)), "20:00");
    hall.sync_all(&PHONES);
    assert_eq!(
        hall.converged()
            .view
            .line(member(5))
            .unwrap()
            .arrived
            .value
            .unwrap()
            .hours(),
        "20:00"
    );
    assert!(kinds(&hall).is_empty());
}

#[test]
fn a_count_with_more_votes_than_voters_present_blocks_until_it_is_accepted_or_mended() {
    let mut hall = meeting();
    present_all(&mut hall);
    hall.on(1, 3, mark(5, State::Excused));
    let id = motion(&mut hall, Method::Hands, Need::Majority);
    hall.on(3, 60, Command::OpenVote { id });
    hall.on(
        3,
        61,
        Command::RecordTally {
            motion: id,
            counts: count(38),
            board: vec![],
        },
    );
    hall.sync_all(&PHONES);
    assert_eq!(kinds(&hall), [(ReviewKind::TallyOver, Severity::Block)]);
    let shown = hall.converged();
    let item = shown.review.open()[0].clone();
    assert!(
        hall.say_item(&item).ends_with("P3: thừa 1 so với 37"),
        "{}",
        hall.say_item(&item)
    );
    hall.choose(3, 62, &item.id, "Ghi nhận");
    hall.sync_all(&PHONES);
    assert!(kinds(&hall).is_empty());
    // One more turns out absent: what was accepted was another difference.
    hall.on(1, 70, mark(6, State::Excused));
    hall.sync_all(&PHONES);
    assert_eq!(kinds(&hall), [(ReviewKind::TallyOver, Severity::Block)]);
    hall.on(
        3,
        71,
        Command::RecordTally {
            motion: id,
            counts: count(36),
            board: vec![],
        },
    );
    hall.sync_all(&PHONES);
    assert!(kinds(&hall).is_empty());
}

#[test]
fn a_confirmed_count_that_is_counted_again_needs_the_chairs_word_again() {
    let mut hall = meeting();
    present_all(&mut hall);
    let id = motion(&mut hall, Method::SecretPaper, Need::Majority);
    hall.on(3, 60, Command::OpenVote { id });
    hall.sync_all(&PHONES);
    let board = vec![member(11), member(12)];
    hall.on(
        1,
        61,
        Command::RecordTally {
            motion: id,
            counts: count(38),
            board: board.clone(),
        },
    );
    hall.sync_all(&PHONES);
    let choice = hall.id_on(3);
    hall.on(
        3,
        62,
        Command::ConfirmTally {
            motion: id,
            recorder: device(1),
            id: choice,
        },
    );
    hall.sync_all(&PHONES);
    assert!(
        hall.converged()
            .view
            .motion(id)
            .unwrap()
            .outcome
            .unwrap()
            .confirmed
    );
    assert!(
        hall.converged()
            .minutes
            .text()
            .contains("Ban kiểm phiếu: Ngô Thị Bích Ngọc, Dương Văn Quý\n")
    );
    let counts = TallyCount {
        invalid: 1,
        ..count(37)
    };
    hall.on(
        1,
        63,
        Command::RecordTally {
            motion: id,
            counts,
            board,
        },
    );
    hall.sync_all(&PHONES);
    let outcome = hall.converged().view.motion(id).unwrap().outcome.unwrap();
    assert_eq!((outcome.confirmed, outcome.counts), (false, counts));
}

#[test]
fn a_motion_reworded_where_its_opening_was_not_known_can_become_a_motion_of_its_own() {
    let mut hall = meeting();
    let id = motion(&mut hall, Method::Hands, Need::Majority);
    hall.on(3, 60, Command::OpenVote { id });
    hall.on(
        2,
        60,
        Command::EditMotion {
            id,
            text: "Thông qua phương án làm đường và cống.".into(),
        },
    );
    hall.sync_all(&PHONES);
    assert_eq!(kinds(&hall), [(ReviewKind::MotionReworded, Severity::Block)]);
    let shown = hall.converged();
    assert_eq!(
        shown.view.motion(id).unwrap().text,
        "Thông qua phương án làm đường."
    );
    assert!(matches!(
        hall.try_on(
            1,
            61,
            &Command::EditMotion {
                id,
                text: "khác".into()
            }
        ),
        Err(CommandError::VoteOpen)
    ));
    hall.choose(3, 62, &format!("motion/{id}/reworded"), "mới");
    hall.sync_all(&PHONES);
    assert!(kinds(&hall).is_empty());
    let texts: Vec<(String, bool)> = hall
        .converged()
        .view
        .motions
        .iter()
        .map(|motion| (motion.text.to_string(), motion.opened))
        .collect();
    assert_eq!(
        texts,
        [
            ("Thông qua phương án làm đường.".to_owned(), true),
            ("Thông qua phương án làm đường và cống.".to_owned(), false)
        ]
    );
}

#[test]
fn a_vote_opened_twice_with_different_texts_blocks_and_one_text_is_chosen() {
    let mut hall = meeting();
    let id = motion(&mut hall, Method::Hands, Need::Majority);
    hall.on(3, 60, Command::OpenVote { id });
    hall.on(
        2,
        60,
        Command::EditMotion {
            id,
            text: "Thông qua phương án B.".into(),
        },
    );
    hall.on(2, 61, Command::OpenVote { id });
    hall.sync_all(&PHONES);
    assert_eq!(kinds(&hall), [(ReviewKind::OpenedTwice, Severity::Block)]);
    hall.choose(3, 62, &format!("motion/{id}/opened"), "phương án B");
    hall.sync_all(&PHONES);
    assert_eq!(
        hall.converged().view.motion(id).unwrap().text,
        "Thông qua phương án B."
    );
    assert!(kinds(&hall).is_empty());
}

#[test]
fn typing_on_while_another_phone_rewrote_loses_no_word_and_a_rewrite_of_both_closes_the_item() {
    let mut hall = meeting();
    let id = conclusion(&mut hall, "Nạo vét mương.");
    hall.on(3, 81, edit(id, "Nạo vét mương N3."));
    hall.on(3, 82, edit(id, "Nạo vét mương N3 trước 25/5."));
    hall.on(2, 81, edit(id, "Giao tổ thủy nông nạo vét mương."));
    hall.sync_all(&PHONES);
    let view = hall.converged().view;
    let texts: Vec<&str> = view
        .conclusion(id)
        .unwrap()
        .paragraphs
        .iter()
        .map(|p| p.text.as_str())
        .collect();
    assert_eq!(
        texts,
        ["Giao tổ thủy nông nạo vét mương.", "Nạo vét mương N3 trước 25/5."]
    );
    assert_eq!(kinds(&hall), [(ReviewKind::ConclusionTwice, Severity::Block)]);
    hall.on(1, 85, edit(id, "Giao tổ thủy nông nạo vét mương N3 trước 25/5."));
    hall.sync_all(&PHONES);
    assert!(kinds(&hall).is_empty());
    assert_eq!(hall.converged().view.conclusion(id).unwrap().paragraphs.len(), 1);
}

#[test]
fn editing_one_paragraph_of_two_leaves_the_other_and_asks_again_about_a_settled_text() {
    let mut hall = meeting();
    let id = conclusion(&mut hall, "Nạo vét mương.");
    hall.on(1, 81, edit(id, "Đoạn của P1"));
    hall.on(2, 81, edit(id, "Đoạn của P2"));
    hall.sync_all(&PHONES);
    hall.choose(3, 82, &format!("conclusion/{id}/text"), "P1");
    let paragraph = hall.shown(2).view.conclusion(id).unwrap().paragraphs[1]
        .variant
        .clone();
    assert!(paragraph.starts_with(&device(2).to_string()));
    hall.on(
        2,
        83,
        Command::EditConclusion {
            id,
            paragraph: Some(paragraph.clone()),
            text: "Đoạn của P2, thêm".into(),
        },
    );
    hall.sync_all(&PHONES);
    assert_eq!(kinds(&hall), [(ReviewKind::ConclusionTwice, Severity::Block)]);
    let gone = Command::EditConclusion {
        id,
        paragraph: Some(format!("{paragraph}9")),
        text: "x".into(),
    };
    assert!(matches!(hall.try_on(2, 84, &gone), Err(CommandError::Unknown(_))));
}

#[test]
fn a_conclusion_removed_here_and_edited_there_is_shown_and_blocks() {
    let mut hall = meeting();
    let id = conclusion(&mut hall, "Nạo vét mương.");
    let item = format!("conclusion/{id}/removed");
    hall.on(1, 81, Command::RemoveConclusion { id });
    hall.on(
        2,
        81,
        Command::SetDeadline {
            id,
            deadline: "2025-05-20".parse().ok(),
        },
    );
    assert!(hall.shown(1).view.conclusions.is_empty());
    hall.sync_all(&PHONES);
    assert_eq!(kinds(&hall), [(ReviewKind::ConclusionRemoved, Severity::Block)]);
    hall.choose(3, 82, &item, "Giữ lại");
    hall.sync_all(&PHONES);
    assert!(kinds(&hall).is_empty());
    // Kept is kept, also when it is edited later.
    hall.on(2, 83, edit(id, "Nạo vét mương N3."));
    hall.sync_all(&PHONES);
    assert!(kinds(&hall).is_empty());
    hall.choose(3, 84, &item, "Xóa");
    hall.sync_all(&PHONES);
    assert_eq!(hall.converged().view.removed, [id]);
    assert!(matches!(
        hall.try_on(2, 85, &edit(id, "lại")),
        Err(CommandError::Removed(_))
    ));
}

#[test]
fn a_removal_that_knew_the_content_is_simply_a_removal() {
    let mut hall = meeting();
    let id = conclusion(&mut hall, "Nạo vét mương.");
    hall.on(1, 81, Command::RemoveConclusion { id });
    hall.on(2, 81, Command::RemoveConclusion { id });
    hall.sync_all(&PHONES);
    assert!(kinds(&hall).is_empty());
    assert!(hall.converged().view.conclusions.is_empty());
}

#[test]
fn an_agenda_item_or_note_that_was_edited_elsewhere_comes_back_marked() {
    let mut hall = meeting();
    let (item, note) = (hall.id_on(3), hall.id_on(3));
    hall.on(
        3,
        1,
        Command::AddAgenda {
            id: item,
            title: "Đường ngõ 7".into(),
            presenter: None,
            place: Place::Last,
        },
    );
    let (kind, text) = (NoteKind::Praise, "Khen tổ 3".into());
    hall.on(
        3,
        1,
        Command::AddNote {
            id: note,
            kind,
            text,
            place: Place::Last,
        },
    );
    hall.sync_all(&PHONES);
    hall.on(1, 2, Command::RemoveAgenda { id: item });
    hall.on(1, 2, Command::RemoveNote { id: note });
    hall.on(
        2,
        2,
        Command::EditAgenda {
            id: item,
            title: "Đường ngõ 7 và cống".into(),
        },
    );
    hall.on(
        2,
        2,
        Command::EditNote {
            id: note,
            text: "Khen tổ 3 và tổ 4".into(),
        },
    );
    hall.sync_all(&PHONES);
    assert_eq!(
        kinds(&hall),
        [
            (ReviewKind::AgendaRemoved, Severity::Info),
            (ReviewKind::NoteRemoved, Severity::Info)
        ]
    );
    let view = hall.converged().view;
    assert_eq!(
        (view.agenda[0].title.as_str(), view.notes[0].text.as_str()),
        ("Đường ngõ 7 và cống", "Khen tổ 3 và tổ 4")
    );
    assert!(view.agenda[0].removal.contest.is_open());
}

#[test]
fn who_is_added_as_responsible_stays_although_another_phone_took_them_off() {
    let mut hall = meeting();
    let id = conclusion(&mut hall, "Nạo vét mương.");
    hall.on(
        1,
        81,
        Command::SetResponsible {
            id,
            member: member(8),
            on: true,
        },
    );
    hall.on(
        2,
        81,
        Command::SetResponsible {
            id,
            member: member(8),
            on: false,
        },
    );
    hall.on(
        2,
        81,
        Command::SetResponsible {
            id,
            member: member(9),
            on: true,
        },
    );
    hall.sync_all(&PHONES);
    assert_eq!(
        hall.converged().view.conclusion(id).unwrap().responsible,
        [member(8), member(9)]
    );
    hall.on(
        2,
        82,
        Command::SetResponsible {
            id,
            member: member(8),
            on: false,
        },
    );
    hall.sync_all(&PHONES);
    assert_eq!(
        hall.converged().view.conclusion(id).unwrap().responsible,
        [member(9)]
    );
}

#[test]
fn points_are_averaged_over_scorers_and_two_values_of_one_scorer_are_mentioned() {
    let mut hall = meeting();
    let score = |scorer: u32, points: u32| Command::SetScore {
        criterion: "content".into(),
        scorer: member(scorer),
        points: Some(points),
    };
    hall.on(1, 90, score(3, 2500));
    hall.on(2, 90, score(2, 2851));
    hall.sync_all(&PHONES);
    let view = hall.converged().view;
    assert_eq!(view.total_points(), Some(2676));
    assert!(hall.converged().minutes.text().contains("Tổng điểm: 26,76/100\n"));
    hall.on(1, 91, score(3, 2600));
    hall.on(3, 91, score(3, 2700));
    hall.sync_all(&PHONES);
    assert_eq!(kinds(&hall), [(ReviewKind::PointsTwice, Severity::Info)]);
}

#[test]
fn a_choice_by_a_phone_that_may_not_settle_counts_nowhere_even_if_it_was_written() {
    let mut hall = Hall::new(&[1, 2, 3, 4]);
    hall.on(1, 1, mark(17, State::Present));
    hall.on(2, 1, mark(17, State::Excused));
    hall.sync_all(&[1, 2, 3, 4]);
    let item = format!("attendance/{}", member(17));
    let shown = hall.shown(4);
    let option = shown.review.get(&item).unwrap().options[0].clone();
    let command = Command::Settle {
        item: item.clone(),
        pick: option.pick,
        id: hall.id_on(4),
    };
    assert!(matches!(
        hall.try_on(4, 2, &command),
        Err(CommandError::OfficersOnly)
    ));
    // A program that leaves the rule out writes the choice all the same.
    let genuine = hall.devices.clone();
    hall.forge(4, |tx, setting| {
        let acting = sotay_handbook::Acting {
            rank: 2,
            ..fixture::acting(4, 3)
        };
        meeting::apply(tx, &acting, setting, &command)
    });
    assert_eq!(hall.devices, genuine);
    hall.sync_all(&[1, 2, 3, 4]);
    assert_eq!(blocking(&hall.converged().review), [item.as_str()]);
}

#[test]
fn what_a_phone_writes_in_the_name_of_another_phone_does_not_count() {
    let mut hall = meeting();
    hall.on(1, 1, mark(17, State::Unexcused));
    hall.sync_all(&PHONES);
    hall.forge(2, |tx, _| {
        let (_, map) = tx.get(ROOT, "attendance")?.unwrap();
        let own = format!("{}/{}", member(17), device(1));
        let (value, _) = tx.get(&map, own.as_str())?.unwrap();
        let Value::Scalar(bytes) = value else {
            panic!("a cell is a scalar")
        };
        let bytes = bytes.into_owned();
        tx.put(&map, format!("{}/{}", member(18), device(1)), bytes)?;
        Ok(())
    });
    hall.sync_all(&PHONES);
    let view = hall.converged().view;
    assert_eq!(view.line(member(17)).unwrap().state, State::Unexcused);
    assert_eq!(view.line(member(18)).unwrap().state, State::Unmarked);
}

#[test]
fn nonsense_in_a_document_is_passed_over() {
    let mut hall = meeting();
    present_all(&mut hall);
    let before = hall.converged();
    hall.forge(2, |tx, _| {
        for container in [
            "info",
            "attendance",
            "speeches",
            "motions",
            "conclusions",
            "choices",
            "roll",
            "steps",
        ] {
            let (_, map) = tx.get(ROOT, container)?.unwrap();
            tx.put(&map, "no key of ours", 7)?;
            tx.put(&map, "00", "text")?;
            tx.put(&map, format!("{}/{}", member(5), device(2)), vec![0xff; 10])?;
        }
        tx.put(ROOT, "unknown container", 1)?;
        Ok(())
    });
    hall.sync_all(&PHONES);
    let after = hall.converged();
    assert_eq!((after.view, after.minutes), (before.view, before.minutes));
}

#[test]
fn after_the_seal_nothing_is_written_into_the_minutes() {
    let mut hall = meeting();
    present_all(&mut hall);
    let minutes = *hall.shown(3).minutes.sha256();
    let member = sotay_handbook::Acting {
        rank: 4,
        committee: false,
        ..fixture::acting(1, 90)
    };
    let denied = hall.try_as(1, &member, &Command::Seal { minutes });
    assert!(matches!(denied, Err(CommandError::OfficersOnly)));
    hall.on(3, 90, Command::Seal { minutes });
    hall.sync_all(&PHONES);
    assert!(matches!(
        hall.try_on(1, 91, &mark(5, State::Excused)),
        Err(CommandError::Sealed)
    ));
    hall.on(3, 92, Command::Send);
    hall.sync_all(&PHONES);
    let shown = hall.converged();
    assert_eq!(shown.minutes.sha256(), &minutes);
    assert_eq!(
        shown.view.steps[0].minutes.as_deref(),
        Some(shown.minutes.sha256_hex().as_str())
    );
}

#[test]
fn texts_lists_and_counts_one_over_their_limits_are_refused_and_change_nothing() {
    use sotay_handbook::limits::{LINE_CHARS_MAX, MEMBERS_MAX, MOTION_CHARS_MAX, TEXT_CHARS_MAX, VOTES_MAX};
    let mut hall = meeting();
    let letters = |count: usize| Words::from("ế".repeat(count));
    let speech = |id, count| Command::AddSpeech {
        id,
        speaker: Person::Member(member(5)),
        agenda: None,
        text: letters(count),
        place: Place::Last,
    };
    let ids: Vec<EntryId> = (0..6).map(|_| hall.id_on(1)).collect();
    let too_long = |result: Result<(), CommandError>, most: usize| match result {
        Err(CommandError::TooLong { chars, limit, .. }) => assert_eq!((chars, limit), (most + 1, most)),
        other => panic!("{other:?}"),
    };
    too_long(
        hall.try_on(1, 1, &speech(ids[0], TEXT_CHARS_MAX + 1)),
        TEXT_CHARS_MAX,
    );
    hall.on(1, 1, speech(ids[0], TEXT_CHARS_MAX));
    too_long(
        hall.try_on(1, 1, &Command::SetPlace(letters(LINE_CHARS_MAX + 1))),
        LINE_CHARS_MAX,
    );
    hall.on(1, 1, Command::SetPlace(letters(LINE_CHARS_MAX)));
    let motion = |id, count| Command::AddMotion {
        id,
        agenda: None,
        text: letters(count),
        method: Method::Hands,
        need: Need::Majority,
        place: Place::Last,
    };
    too_long(
        hall.try_on(1, 1, &motion(ids[1], MOTION_CHARS_MAX + 1)),
        MOTION_CHARS_MAX,
    );
    hall.on(1, 1, motion(ids[1], MOTION_CHARS_MAX));
    hall.on(1, 2, Command::OpenVote { id: ids[1] });
    assert!(hall.shown(1).view.motion(ids[1]).unwrap().opened);
    let tally = |for_| Command::RecordTally {
        motion: ids[1],
        counts: count(for_),
        board: vec![],
    };
    let over = hall.try_on(1, 3, &tally(VOTES_MAX + 1));
    assert!(
        matches!(
            over,
            Err(CommandError::TooMany {
                count: 10_001,
                limit: 10_000,
                ..
            })
        ),
        "{over:?}"
    );
    hall.on(1, 3, tally(VOTES_MAX));
    let many = |count| Command::Mark {
        members: vec![member(5); count],
        state: State::Present,
        how: How::RollCall,
        reason: None,
    };
    assert!(matches!(
        hall.try_on(1, 4, &many(MEMBERS_MAX + 1)),
        Err(CommandError::TooMany { .. })
    ));
    hall.on(1, 4, many(MEMBERS_MAX));
    let points = |points| Command::SetScore {
        criterion: "content".into(),
        scorer: member(3),
        points: Some(points),
    };
    assert!(matches!(
        hall.try_on(1, 5, &points(3001)),
        Err(CommandError::TooMany {
            count: 3001,
            limit: 3000,
            ..
        })
    ));
    hall.on(1, 5, points(3000));
}

#[test]
fn what_cannot_be_meant_is_refused_in_words() {
    let mut hall = meeting();
    let vote = motion(&mut hall, Method::Hands, Need::Majority);
    let fresh = hall.id_on(1);
    let empty = Command::AddSpeech {
        id: fresh,
        speaker: Person::Member(member(5)),
        agenda: None,
        text: " \n".into(),
        place: Place::Last,
    };
    let tally = Command::RecordTally {
        motion: vote,
        counts: count(1),
        board: vec![],
    };
    let cases: [(Command, &str); 7] = [
        (empty, "Chưa nhập ý kiến phát biểu."),
        (mark(43, State::Present), "Không tìm thấy đảng viên."),
        (
            Command::EditSpeech {
                id: fresh,
                text: "x".into(),
            },
            "Không tìm thấy ý kiến phát biểu.",
        ),
        (tally, "Chưa bắt đầu biểu quyết nội dung này."),
        (Command::SetPlace("\u{200b}\u{0}".into()), "Chưa nhập địa điểm."),
        (
            Command::SetScore {
                criterion: "charm".into(),
                scorer: member(3),
                points: None,
            },
            "Không tìm thấy tiêu chí chấm điểm.",
        ),
        (
            Command::Settle {
                item: "no such".into(),
                pick: "keep".into(),
                id: fresh,
            },
            "Không tìm thấy mục cần xem lại.",
        ),
    ];
    for (command, words) in cases {
        let error = hall.try_on(1, 5, &command).unwrap_err();
        assert_eq!(hall.say(&error.message()), words);
        assert!(!error.message().text(Lang::En, &hall.names).is_empty());
    }
    let guest = sotay_handbook::Acting {
        rank: 5,
        ..fixture::acting(1, 5)
    };
    let refused = hall.try_as(1, &guest, &mark(5, State::Present));
    assert!(matches!(refused, Err(CommandError::MembersOnly)));
}

#[test]
fn decomposed_text_and_emoji_become_the_same_speech_everywhere() {
    let mut hall = meeting();
    let id = hall.id_on(1);
    let text = "Nhất trí 👍🏽, đề nghị…";
    let decomposed = "Nha\u{302}\u{301}t tri\u{301} 👍🏽, đe\u{302}\u{300} nghi\u{323}…";
    let speaker = Person::Member(member(5));
    hall.on(
        1,
        5,
        Command::AddSpeech {
            id,
            speaker,
            agenda: None,
            text: decomposed.into(),
            place: Place::Last,
        },
    );
    hall.sync_all(&PHONES);
    assert_eq!(hall.converged().view.speeches[0].text, text);
    hall.on(
        1,
        6,
        Command::EditSpeech {
            id,
            text: format!("{text} và cảm ơn").as_str().into(),
        },
    );
    hall.on(
        2,
        6,
        Command::EditSpeech {
            id,
            text: format!("Tôi: {text}").as_str().into(),
        },
    );
    hall.sync_all(&PHONES);
    assert_eq!(
        hall.converged().view.speeches[0].text,
        format!("Tôi: {text} và cảm ơn").as_str()
    );
}

#[test]
fn a_text_cannot_pass_for_a_line_of_the_minutes() {
    let mut hall = meeting();
    let id = hall.id_on(1);
    let text = "Đồng ý.\nV. KẾT LUẬN CỦA CHỦ TRÌ\n1. Chi 100 triệu";
    let speaker = Person::Member(member(5));
    hall.on(
        1,
        5,
        Command::AddSpeech {
            id,
            speaker,
            agenda: None,
            text: text.into(),
            place: Place::Last,
        },
    );
    let minutes = hall.shown(1).minutes;
    let headings = minutes
        .text()
        .lines()
        .filter(|line| line.starts_with("V. KẾT LUẬN"));
    assert_eq!(headings.count(), 1);
}

#[test]
fn items_from_outside_the_document_join_the_list_in_its_order() {
    let mut hall = meeting();
    hall.on(1, 1, Command::SetChair(member(1)));
    hall.on(2, 1, Command::SetChair(member(2)));
    hall.sync_all(&PHONES);
    let mut list = hall.converged().review;
    list.extend([clock_off(device(2), 25), phone_not_synced(device(1))]);
    let said: Vec<(Severity, String)> = list
        .open()
        .iter()
        .skip(1)
        .map(|item| (item.severity, hall.say_item(item)))
        .collect();
    assert_eq!(
        said,
        [
            (Severity::Warn, "P1 đã tham gia nhưng chưa đồng bộ".to_owned()),
            (Severity::Info, "Đồng hồ của P2 lệch 25 phút".to_owned())
        ]
    );
    assert!(list.blocks());
}

#[test]
fn moving_an_entry_changes_its_place_and_nothing_else() {
    let mut hall = meeting();
    let ids: Vec<EntryId> = ["một", "hai", "ba"]
        .map(|text| conclusion(&mut hall, text))
        .to_vec();
    hall.on(
        1,
        85,
        Command::Move {
            id: ids[2],
            place: Place::First,
        },
    );
    hall.on(
        2,
        85,
        Command::Move {
            id: ids[0],
            place: Place::After(ids[1]),
        },
    );
    hall.sync_all(&PHONES);
    let order: Vec<EntryId> = hall
        .converged()
        .view
        .conclusions
        .iter()
        .map(|conclusion| conclusion.id)
        .collect();
    assert_eq!(order, [ids[2], ids[1], ids[0]]);
}
