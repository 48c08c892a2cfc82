//! Every situation of the review list that a meeting can be in: how it comes about, what is shown, how it closes.

#[path = "../common/mod.rs"]
mod common;

mod back;
mod content;
mod guard;
mod people;
mod votes;

use common::{Hall, PHONES};
use sotay_feed::MemberId;
use sotay_handbook::EntryId;
use sotay_handbook::fixture::{self, member};
use sotay_handbook::meeting::{Command, How, MeetingKind, Method, Need, Place, State, TallyCount};
use sotay_handbook::review::{ReviewKind, Severity};

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
