//! Resolutions.

use sotay_feed::DocId;
use sotay_handbook::fixture::{self, UNIT, acting, devices, entry, may_meeting, member, roll};
use sotay_handbook::limits::RESOLUTION_NUMBER_MAX;
use sotay_handbook::meeting::{Need, TallyCount};
use sotay_handbook::resolution::{
    Command, Part, ResolutionModel, ResolutionView, VoteLine, apply, review, same_number,
};
use sotay_handbook::{CommandError, DocKind, resolution_id};

use crate::{Room, day, known, say};

fn id(n: u8) -> DocId {
    resolution_id(UNIT, [n; 16])
}

fn room(n: u8) -> Room {
    Room::new(id(n), DocKind::Resolution, &[1, 2, 3])
}

fn on(room: &mut Room, phone: u8, n: u8, command: Command) -> Result<(), CommandError> {
    room.edit(phone, |tx| {
        apply(tx, &acting(phone, 0), &devices(), id(n), &known, &command)
    })
}

fn vote() -> VoteLine {
    VoteLine {
        motion: entry(1, 1),
        counts: TallyCount {
            for_: 31,
            against: 1,
            other: 1,
            invalid: 0,
        },
        eligible: 38,
        present: 33,
        need: Need::Majority,
        passed: true,
    }
}

/// A whole resolution, numbered 3.
fn written(n: u8) -> Room {
    let mut room = room(n);
    let (task, other) = (room.fresh(), room.fresh());
    for command in [
        Command::Found {
            meeting: Some(may_meeting()),
            title: "về nhiệm vụ tháng 6".into(),
        },
        Command::SetNumber(3),
        Command::SetDate(day("2025-05-05")),
        Command::SetSigner(member(1)),
        Command::SetPart {
            part: Part::Assessment,
            text: "Lúa chiêm xuân đạt 62 tạ/ha.\nBa hộ thoát nghèo.".into(),
        },
        Command::SetTask {
            id: task,
            text: "Nạo vét tuyến mương N3".into(),
            people: vec![member(8), member(6)],
            deadline: Some(day("2025-05-25")),
        },
        Command::SetTask {
            id: other,
            text: "Thu hoạch trước 10/6".into(),
            people: vec![],
            deadline: None,
        },
        Command::SetVote(vote()),
        Command::AddRecipient {
            id: room.fresh(),
            label: "Đảng ủy xã Tân An (báo cáo)".into(),
        },
    ] {
        on(&mut room, 3, n, command).unwrap();
    }
    room.meet();
    room
}

fn shown(room: &Room, n: u8) -> ResolutionView {
    room.same(|doc| ResolutionView::read(doc, id(n), &devices()))
}

#[test]
fn a_resolution_is_written_issued_and_then_nothing_of_it_changes() {
    let mut room = written(1);
    let view = shown(&room, 1);
    let model = ResolutionModel::of(
        &view,
        &fixture::heading(),
        &roll(),
        &fixture::Al42Names::default(),
    );
    assert_eq!(
        (
            model.number.as_str(),
            model.signer.as_str(),
            model.signer_role.as_str()
        ),
        ("03-NQ/CB", "Nguyễn Văn Hùng", "Bí thư")
    );
    assert_eq!(model.vote, "Thông qua 31/38 = 81,58 % (33 có mặt)");
    assert_eq!(
        model.assessment,
        ["Lúa chiêm xuân đạt 62 tạ/ha.", "Ba hộ thoát nghèo."]
    );
    assert_eq!(model.tasks[0].people, ["Bùi Xuân Trường", "Vũ Đình Khôi"]);
    assert!(!model.issued);
    on(&mut room, 3, 1, Command::Issue { blocked: vec![] }).unwrap();
    assert!(matches!(
        on(&mut room, 3, 1, Command::SetNumber(4)),
        Err(CommandError::Issued)
    ));
    room.meet();
    assert!(shown(&room, 1).is_issued());
}

#[test]
fn a_number_used_twice_blocks_issuing_until_one_takes_the_next() {
    let (mut ours, theirs) = (written(1), written(2));
    let (view, other) = (shown(&ours, 1), shown(&theirs, 2));
    let items = same_number(&view, &[&view, &other]);
    let [item] = &items[..] else { panic!("one item") };
    assert_eq!(
        say(&item.message),
        "Số 03-NQ/CB được dùng hai lần: “về nhiệm vụ tháng 6”"
    );
    assert_eq!(say(&item.options[0].label), "Lấy số 04-NQ/CB");
    let issue = Command::Issue {
        blocked: vec![item.id.clone()],
    };
    assert!(matches!(
        on(&mut ours, 3, 1, issue),
        Err(CommandError::Blocked { .. })
    ));
    let settle = Command::Settle {
        item: item.id.clone(),
        pick: item.options[0].pick.clone(),
        id: ours.fresh(),
    };
    on(&mut ours, 3, 1, settle).unwrap();
    ours.meet();
    let view = shown(&ours, 1);
    assert_eq!(view.number_text().as_deref(), Some("04-NQ/CB"));
    assert!(same_number(&view, &[&other]).is_empty());
}

#[test]
fn parts_merge_word_by_word_and_a_task_written_twice_is_asked_about() {
    let mut room = written(1);
    let task = shown(&room, 1).tasks[0].id;
    let part = |text: &str| Command::SetPart {
        part: Part::Assessment,
        text: text.into(),
    };
    on(
        &mut room,
        1,
        1,
        part("Lúa chiêm xuân đạt 62 tạ/ha.\nBốn hộ thoát nghèo."),
    )
    .unwrap();
    on(
        &mut room,
        2,
        1,
        part("Lúa chiêm xuân ước đạt 62 tạ/ha.\nBa hộ thoát nghèo."),
    )
    .unwrap();
    for (phone, text) in [(1, "Nạo vét mương N3 và N4"), (2, "Nạo vét toàn tuyến mương N3")] {
        let command = Command::SetTask {
            id: task,
            text: text.into(),
            people: vec![],
            deadline: None,
        };
        on(&mut room, phone, 1, command).unwrap();
    }
    room.meet();
    let view = shown(&room, 1);
    assert_eq!(
        view.part(Part::Assessment),
        "Lúa chiêm xuân ước đạt 62 tạ/ha.\nBốn hộ thoát nghèo."
    );
    let list = review(&view);
    assert_eq!(list.open().len(), 1);
    assert!(list.blocks());
    assert!(matches!(
        on(&mut room, 3, 1, Command::Issue { blocked: vec![] }),
        Err(CommandError::Blocked { .. })
    ));
}

#[test]
fn numbers_have_a_limit_and_issuing_needs_number_day_and_office() {
    let mut room = room(1);
    assert!(matches!(
        on(&mut room, 3, 1, Command::SetNumber(0)),
        Err(CommandError::Empty(_))
    ));
    on(&mut room, 3, 1, Command::SetNumber(RESOLUTION_NUMBER_MAX)).unwrap();
    assert!(matches!(
        on(&mut room, 3, 1, Command::SetNumber(RESOLUTION_NUMBER_MAX + 1)),
        Err(CommandError::TooMany { .. })
    ));
    assert!(matches!(
        on(&mut room, 3, 1, Command::Issue { blocked: vec![] }),
        Err(CommandError::Empty(_))
    ));
    let refused = room.edit(1, |tx| {
        apply(
            tx,
            &acting(4, 0),
            &devices(),
            id(1),
            &known,
            &Command::SetNumber(1),
        )
    });
    assert!(matches!(refused, Err(CommandError::OfficersOnly)));
}
