//! Scenarios 4 to 6: votes.

use super::*;

fn add_motion(hall: &mut Hall, phone: u8, text: &str, method: Method) -> EntryId {
    let id = hall.id_on(phone);
    hall.on(
        phone,
        60,
        Command::AddMotion {
            id,
            agenda: None,
            text: text.into(),
            method,
            need: Need::Majority,
            place: Place::Last,
        },
    );
    id
}

fn count(for_: u32, against: u32, other: u32) -> TallyCount {
    TallyCount {
        for_,
        against,
        other,
        invalid: 0,
    }
}

/// The May meeting with attendance taken and a vote open, known to all phones.
fn with_open_vote(method: Method, phones: &[u8]) -> (Hall, EntryId) {
    let mut hall = Hall::new(phones);
    hall.on(3, 0, found());
    hall.on(3, 1, Command::Open);
    take_attendance(&mut hall);
    let motion = add_motion(&mut hall, 3, "Thông qua phương án làm đường ngõ 7.", method);
    hall.on(3, 61, Command::OpenVote { id: motion });
    hall.sync_all(phones);
    (hall, motion)
}

#[test]
fn scenario_4_counts_of_two_phones_are_never_added_and_the_chair_confirms_one() {
    for order in ORDERS {
        let (mut hall, motion) = with_open_vote(Method::Hands, &PHONES);
        for (phone, counts) in [(1, count(31, 1, 1)), (2, count(30, 1, 1))] {
            hall.on(
                phone,
                62,
                Command::RecordTally {
                    motion,
                    counts,
                    board: vec![],
                },
            );
        }
        hall.sync_all(&order);
        let shown = hall.converged();
        let vote = shown.view.motion(motion).unwrap();
        assert_eq!(vote.present, 33);
        assert_eq!(hall.say(&vote.result()), "chưa xác nhận");
        assert_eq!(vote.outcome, None);
        let tallies: Vec<_> = vote
            .tallies
            .iter()
            .map(|tally| (tally.mark.device, tally.counts, tally.fit))
            .collect();
        assert_eq!(
            tallies,
            [
                (device(1), count(31, 1, 1), TallyFit::Exact),
                (device(2), count(30, 1, 1), TallyFit::Short(1))
            ]
        );
        let notes: Vec<String> = vote.tally_notes().iter().map(|note| hall.say(note)).collect();
        assert_eq!(notes, ["P2: thiếu 1 so với 33"]);
        let item = format!("tally/{motion}");
        assert_eq!(blocking(&shown.review), [item.as_str()]);
        let said = hall.say_item(shown.review.get(&item).unwrap());
        assert!(
            said.contains("P1 (20:32): 31/1/1, P2 (20:32): 30/1/1, P2: thiếu 1 so với 33"),
            "{said}"
        );
        assert!(!shown.minutes.text().contains("61"));

        let id = hall.id_on(3);
        hall.on(
            3,
            64,
            Command::ConfirmTally {
                motion,
                recorder: device(1),
                id,
            },
        );
        hall.sync_all(&order);
        let shown = hall.converged();
        let vote = shown.view.motion(motion).unwrap();
        assert_eq!(hall.say(&vote.result()), "Thông qua 31/38 = 81,58 % (33 có mặt)");
        assert!(
            shown
                .minutes
                .text()
                .contains("Kết quả: Thông qua 31/38 = 81,58 % (33 có mặt)\n")
        );
        assert!(shown.review.open().is_empty());
    }
}

#[test]
fn scenario_5_two_ballots_of_one_member_count_in_neither_until_the_member_confirms() {
    let phones = [1, 2, 3, 9];
    for order in ORDERS {
        let (mut hall, motion) = with_open_vote(Method::OpenElectronic, &phones);
        let vote = |voter: u32, ballot, how| Command::Vote {
            motion,
            member: member(voter),
            ballot,
            how,
        };
        hall.on(9, 62, vote(9, Ballot::For, How::SelfCheckIn));
        hall.on(2, 62, vote(9, Ballot::Against, How::Helper));
        hall.on(2, 62, vote(41, Ballot::For, How::Helper));
        let absent: Vec<u32> = EXCUSED
            .iter()
            .map(|(number, _)| *number)
            .chain([UNEXCUSED, 9, 39, 40])
            .collect();
        let others: Vec<u32> = (1..=40).filter(|number| !absent.contains(number)).collect();
        assert_eq!(others.len(), 32);
        for (at, &voter) in others.iter().enumerate() {
            let ballot = if at == 31 { Ballot::Other } else { Ballot::For };
            hall.on(
                if at % 2 == 0 { 1 } else { 3 },
                63,
                vote(voter, ballot, How::Helper),
            );
        }
        hall.sync_all(&order);
        hall.sync_all(&phones);
        let shown = hall.converged();
        let result = shown.view.motion(motion).unwrap();
        let outcome = result.outcome.unwrap();
        assert_eq!((outcome.counts, outcome.pending), (count(31, 0, 1), 1));
        let item = format!("ballot/{motion}/{}", member(9));
        assert_eq!(blocking(&shown.review), [item.as_str()]);
        let probationary = result
            .ballots
            .iter()
            .find(|ballot| ballot.member == member(41))
            .unwrap();
        assert_eq!(
            (probationary.counted, probationary.not_counted),
            (None, Some(NotCounted::Probationary))
        );
        assert_eq!(hall.say(&probationary.note().unwrap()), "không tính (dự bị)");
        assert!(
            shown
                .minutes
                .text()
                .contains("Trần Thị Ánh Dương: không tính (dự bị)\n")
        );
        let infos: Vec<ReviewKind> = shown.review.open().iter().map(|item| item.kind).collect();
        assert_eq!(infos, [ReviewKind::BallotsDiffer, ReviewKind::BallotNotCounted]);

        let ninth = &result
            .ballots
            .iter()
            .find(|ballot| ballot.member == member(9))
            .unwrap();
        assert_eq!((ninth.counted, ninth.contest.is_open()), (None, true));
        hall.choose(9, 65, &item, "tán thành");
        hall.sync_all(&[9]);
        let shown = hall.converged();
        let outcome = shown.view.motion(motion).unwrap().outcome.unwrap();
        assert_eq!((outcome.counts, outcome.pending), (count(32, 0, 1), 0));
        assert!(blocking(&shown.review).is_empty());
    }
}

#[test]
fn scenario_6_a_transfer_learnt_late_leaves_the_minutes_and_says_what_would_be_without() {
    let (mut hall, motion) = with_open_vote(Method::OpenElectronic, &PHONES);
    let absent: Vec<u32> = EXCUSED
        .iter()
        .map(|(number, _)| *number)
        .chain([UNEXCUSED, 39, 40])
        .collect();
    let present: Vec<u32> = (1..=40).filter(|number| !absent.contains(number)).collect();
    for (at, &voter) in present.iter().enumerate() {
        let ballot = match at {
            0 => Ballot::Against,
            1 => Ballot::Other,
            _ => Ballot::For,
        };
        hall.on(
            1,
            63,
            Command::Vote {
                motion,
                member: member(voter),
                ballot,
                how: How::Helper,
            },
        );
    }
    hall.sync_all(&PHONES);
    let before = hall.converged();
    assert!(before.review.open().is_empty());

    hall.roster = Roll::new(
        fixture::lines()
            .into_iter()
            .filter(|line| line.number != 21)
            .collect(),
    );
    let after = hall.converged();
    assert_eq!(after.minutes, before.minutes);
    let [item] = after.review.open() else {
        panic!("one item")
    };
    assert_eq!(
        (item.kind, item.severity),
        (ReviewKind::LeftBefore, Severity::Info)
    );
    let said = hall.say_item(item);
    assert!(
        said.ends_with("nếu loại: có mặt 34/39, tán thành 30/37"),
        "{said}"
    );
}
