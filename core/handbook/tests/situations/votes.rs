//! Votes.

use super::*;
use sotay_handbook::fixture::device;
use sotay_handbook::{CommandError, LocalTime};

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
