//! What is refused, what is passed over, what a seal keeps.

use super::*;
use crate::common::blocking;
use data_encoding::HEXLOWER;
use sotay_document::crdt::{ROOT, ReadDoc, Transactable, Value};
use sotay_feed::cbor::Writer;
use sotay_handbook::fixture::device;
use sotay_handbook::limits::CLAIMS_MAX;
use sotay_handbook::meeting::{self, Person, Step};
use sotay_handbook::review::same_period;
use sotay_handbook::{CommandError, Lang, Words};

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

/// `[time, [item, pick, [claims seen], [choices replaced]]]`, as a choice is stored.
fn choice_cell(item: &str, pick: &str, seen: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer
        .array(2)
        .int(0)
        .array(4)
        .text(item)
        .text(pick)
        .array(seen.len());
    for tag in seen {
        writer.bytes(tag);
    }
    writer.array(0);
    writer.into_bytes()
}

#[test]
fn a_choice_that_names_more_claims_than_allowed_does_not_count() {
    for (claims, counts) in [(CLAIMS_MAX, true), (CLAIMS_MAX + 1, false)] {
        let mut hall = meeting();
        hall.on(1, 1, mark(17, State::Present));
        hall.on(2, 1, mark(17, State::Excused));
        hall.sync_all(&PHONES);
        let item = format!("attendance/{}", member(17));
        let shown = hall.shown(3);
        let options = &shown.review.get(&item).unwrap().options;
        let mut seen: Vec<Vec<u8>> = options
            .iter()
            .map(|option| HEXLOWER.decode(option.pick.as_bytes()).unwrap())
            .collect();
        seen.extend((2..claims as u64).map(|filler| filler.to_be_bytes().to_vec()));
        let cell = choice_cell(&item, &options[0].pick, &seen);
        hall.forge(3, |tx, _| {
            let (_, map) = tx.get(ROOT, "choices")?.unwrap();
            tx.put(&map, EntryId::from_bytes([9; 16]).to_string(), cell)?;
            Ok(())
        });
        assert_eq!(hall.shown(3).review.open().is_empty(), counts);
    }
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
fn a_seal_that_one_phone_writes_into_the_document_says_nothing() {
    let mut hall = meeting();
    present_all(&mut hall);
    let minutes = *hall.shown(3).minutes.sha256();
    let key = format!("sealed/{}", device(1));
    hall.forge(1, |tx, _| {
        let (_, steps) = tx.get(ROOT, "steps")?.unwrap();
        let mut cell = Writer::new();
        cell.array(2).int(fixture::START_MS).array(1).bytes(&minutes);
        tx.put(&steps, key.as_str(), cell.into_bytes())?;
        Ok(())
    });
    hall.sync_all(&PHONES);
    hall.on(1, 91, mark(5, State::Excused));
    hall.on(3, 92, Command::Send);
    hall.sync_all(&PHONES);
    assert_eq!(hall.converged().view.phase, Some(Step::Sent));
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
fn two_meetings_of_one_period_block_until_an_officer_links_them() {
    let hall_of_may = meeting();
    let may = hall_of_may.shown(1).view;
    let mut hall = Hall::of(sotay_handbook::other_meeting_id(fixture::UNIT, [5; 16]), &PHONES);
    let day = "2025-05-12".parse().ok();
    hall.on(
        3,
        0,
        Command::Found {
            kind: MeetingKind::Regular,
            month: None,
            date: day,
        },
    );
    hall.sync_all(&PHONES);
    let twins = |hall: &Hall| same_period(&hall.converged().view, &[&may, &hall.converged().view]);
    let [item] = &twins(&hall)[..] else {
        panic!("one item")
    };
    assert_eq!(
        hall.say_item(item),
        "Có hai biên bản cho cùng một kỳ: Sinh hoạt thường kỳ tháng 5/2025"
    );
    assert_eq!((item.severity, item.contest.is_open()), (Severity::Block, true));
    let link = item.settle(&item.options[0], EntryId::from_bytes([1; 16]));
    let member = sotay_handbook::Acting {
        rank: 4,
        committee: false,
        ..fixture::acting(1, 5)
    };
    assert!(matches!(
        hall.try_as(1, &member, &link),
        Err(CommandError::OfficersOnly)
    ));
    hall.on(3, 5, link);
    hall.sync_all(&PHONES);
    assert!(!twins(&hall)[0].contest.is_open());
    // The other meeting learns of it by the same link.
    assert!(!same_period(&may, &[&hall.converged().view])[0].contest.is_open());
    let june = "2025-06-05".parse().unwrap();
    hall.on(3, 6, Command::SetDate(june));
    assert!(same_period(&hall.shown(3).view, &[&may]).is_empty());
}

#[test]
fn a_photographed_page_is_noted_with_its_hash_and_one_byte_or_page_too_many_is_refused() {
    use sotay_handbook::limits::{ATTACHMENT_BYTES_MAX, ATTACHMENT_PAGES_MAX};
    let mut hall = meeting();
    let id = hall.id_on(1);
    let attach = |bytes, pages| Command::Attach {
        id,
        name: "trang-1.jpg".into(),
        media: "image/jpeg".into(),
        bytes,
        blake3: [7; 32],
        pages,
    };
    for (bytes, pages) in [(ATTACHMENT_BYTES_MAX + 1, 1), (1, ATTACHMENT_PAGES_MAX + 1)] {
        let refused = hall.try_on(1, 90, &attach(bytes, pages));
        assert!(matches!(refused, Err(CommandError::TooMany { .. })));
    }
    hall.on(1, 91, attach(ATTACHMENT_BYTES_MAX, ATTACHMENT_PAGES_MAX));
    assert!(matches!(
        hall.try_on(1, 92, &attach(1, 1)),
        Err(CommandError::Exists(_))
    ));
    hall.sync_all(&PHONES);
    let shown = hall.converged().view.attachments;
    assert_eq!(shown.len(), 1);
    assert_eq!(
        (shown[0].name.as_str(), shown[0].pages, shown[0].mark.device),
        ("trang-1.jpg", ATTACHMENT_PAGES_MAX, device(1))
    );
    assert_eq!(shown[0].blake3, "07".repeat(32));
}
