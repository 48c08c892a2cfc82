//! Ratings.

use sotay_handbook::fixture::{UNIT, acting, devices, may_meeting, member};
use sotay_handbook::rating::{Column, Command, Criteria, Rated, RatingView, apply, review};
use sotay_handbook::{CommandError, DocKind, rating_id};

use crate::{Room, known, say};

fn room() -> Room {
    Room::new(rating_id(UNIT, 2025), DocKind::Rating, &[1, 2, 3])
}

fn on(room: &mut Room, phone: u8, command: Command) -> Result<(), CommandError> {
    room.edit(phone, |tx| {
        apply(
            tx,
            &acting(phone, 0),
            &devices(),
            &Criteria::shipped(),
            &known,
            &command,
        )
    })
}

fn shown(room: &Room) -> RatingView {
    room.same(|doc| RatingView::read(doc, &devices(), &Criteria::shipped()))
}

fn score(rated: Rated, criterion: &str, column: Column, scorer: u32, points: u32) -> Command {
    Command::Score {
        rated,
        criterion: criterion.into(),
        column,
        scorer: member(scorer),
        points: Some(points),
    }
}

#[test]
fn three_columns_stand_side_by_side_with_averages_and_the_level_they_propose() {
    let mut room = room();
    let rated = Rated::Member(member(7));
    let leaves = [
        ("politics", 3_000),
        ("duty", 4_000),
        ("discipline", 2_000),
        ("people", 1_000),
    ];
    for (criterion, most) in leaves {
        on(&mut room, 1, score(rated, criterion, Column::Own, 7, most)).unwrap();
        on(
            &mut room,
            2,
            score(rated, criterion, Column::Committee, 2, most - 500),
        )
        .unwrap();
        on(
            &mut room,
            3,
            score(rated, criterion, Column::Committee, 1, most - 101),
        )
        .unwrap();
    }
    on(&mut room, 3, score(rated, "duty", Column::Parent, 1, 3_500)).unwrap();
    room.meet();
    let view = shown(&room);
    let card = view.card(rated).unwrap();
    assert_eq!(
        card.criteria[0].averages,
        [Some(3_000), Some(2_700), None],
        "2,699.5 is rounded half up"
    );
    let [own, committee, parent] = &card.columns[..] else {
        panic!("three columns")
    };
    assert_eq!(
        (own.total, own.proposed.as_deref()),
        (Some(10_000), Some("excellent"))
    );
    assert_eq!(
        (committee.total, committee.proposed.as_deref()),
        (Some(8_800), Some("good"))
    );
    assert_eq!(
        (parent.total, parent.missing, parent.proposed.as_deref()),
        (Some(3_500), 3, None)
    );
    assert!(review(&view).open().is_empty());
}

#[test]
fn one_scorers_points_on_two_phones_and_two_decisions_block() {
    let mut room = room();
    for (phone, points, level) in [(1, 1_000, "good"), (2, 1_200, "excellent")] {
        on(
            &mut room,
            phone,
            score(Rated::Branch, "plan", Column::Committee, 1, points),
        )
        .unwrap();
        let level = Some(level.to_owned());
        let rated = Rated::Branch;
        on(
            &mut room,
            phone,
            Command::Decide {
                rated,
                column: Column::Parent,
                level,
            },
        )
        .unwrap();
    }
    room.meet();
    let list = review(&shown(&room));
    let said: Vec<String> = list.open().iter().map(|item| say(&item.message)).collect();
    assert_eq!(
        said,
        [
            "Đánh giá chi bộ, mức xếp loại, cấp trên chấm: đang có 2 giá trị: good, excellent",
            "Đánh giá chi bộ, điểm “plan”, chi ủy chấm, Nguyễn Văn Hùng: đang có 2 giá trị: 10 điểm, 12 điểm"
        ]
    );
    let item = &list.open()[1];
    let command = Command::Settle {
        item: item.id.clone(),
        pick: item.options[1].pick.clone(),
        id: room.fresh(),
    };
    on(&mut room, 3, command).unwrap();
    room.meet();
    assert_eq!(
        shown(&room).card(Rated::Branch).unwrap().criteria[0].averages[1],
        Some(1_200)
    );
}

#[test]
fn evidence_leads_to_a_meeting_and_what_the_tree_does_not_have_is_refused() {
    let mut room = room();
    let evidence = |room: &mut Room, criterion: &str| Command::AddEvidence {
        id: room.fresh(),
        rated: Rated::Branch,
        criterion: criterion.into(),
        text: "12 kỳ sinh hoạt đủ thời lượng".into(),
        meeting: Some(may_meeting()),
    };
    let (good, inner) = (evidence(&mut room, "regular"), evidence(&mut room, "meetings"));
    on(&mut room, 1, good).unwrap();
    assert!(
        matches!(on(&mut room, 1, inner), Err(CommandError::Unknown(_))),
        "not scored itself"
    );
    room.meet();
    let view = shown(&room);
    assert_eq!(view.cards[0].evidence[0].meeting, Some(may_meeting()));
    let over = score(Rated::Branch, "plan", Column::Own, 1, 1_501);
    assert!(matches!(
        on(&mut room, 1, over),
        Err(CommandError::TooMany { .. })
    ));
    let level = Command::Decide {
        rated: Rated::Branch,
        column: Column::Own,
        level: Some("perfect".into()),
    };
    assert!(matches!(on(&mut room, 1, level), Err(CommandError::Unknown(_))));
    let stranger = score(Rated::Member(member(43)), "duty", Column::Own, 1, 1);
    assert!(matches!(
        on(&mut room, 1, stranger),
        Err(CommandError::Unknown(_))
    ));
}
