//! Conclusions, agenda, notes, scores, texts.

use super::*;
use sotay_handbook::CommandError;
use sotay_handbook::fixture::device;
use sotay_handbook::meeting::{NoteKind, Person};

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
