//! Random commands on two to six phones with random exchanges: whatever happens, all phones end with the same view,
//! review list and minutes, and nothing that somebody recorded is lost.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::Hall;
use proptest::prelude::*;
use sotay_feed::{DeviceId, MemberId};
use sotay_handbook::EntryId;
use sotay_handbook::fixture::{device, member};
use sotay_handbook::meeting::{
    Ballot, Command, How, MeetingView, Method, Need, NoteKind, Person, Place, Section, State, TallyCount,
};

/// One thing somebody does; `pick` chooses among what their phone shows.
#[derive(Debug, Clone)]
struct Act {
    phone: u8,
    what: u8,
    pick: usize,
    number: u32,
    text: String,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let text = prop::sample::select(vec![
        "Nhất trí",
        "Đề nghị sửa đường",
        "giao tổ 3",
        "hạn 15 tháng 5",
        "ế👍🏽\nhai",
    ]);
    let act = (1..=6u8, 0..=22u8, 0..64usize, 1..=42u32, text, 0..100u32).prop_map(
        |(phone, what, pick, number, text, more)| Act {
            phone,
            what,
            pick,
            number,
            text: format!("{text} {more}"),
        },
    );
    prop::collection::vec(act, 1..60)
}

/// What must still be there at the end.
#[derive(Default)]
struct Memory {
    speeches: BTreeSet<EntryId>,
    entries: BTreeSet<EntryId>,
    marks: BTreeMap<(MemberId, DeviceId), State>,
    tallies: BTreeMap<(EntryId, DeviceId), TallyCount>,
    ballots: BTreeMap<(EntryId, MemberId, DeviceId), Ballot>,
}

impl Memory {
    fn keep(&mut self, by: DeviceId, command: &Command) {
        match command {
            Command::AddSpeech { id, .. } => {
                self.speeches.insert(*id);
            }
            Command::AddMotion { id, .. }
            | Command::AddConclusion { id, .. }
            | Command::AddAgenda { id, .. }
            | Command::AddNote { id, .. } => {
                self.entries.insert(*id);
            }
            Command::Mark { members, state, .. } => {
                self.marks
                    .extend(members.iter().map(|member| ((*member, by), *state)));
            }
            Command::RecordTally { motion, counts, .. } => {
                self.tallies.insert((*motion, by), *counts);
            }
            Command::Vote {
                motion,
                member,
                ballot,
                ..
            } => {
                self.ballots.insert((*motion, *member, by), *ballot);
            }
            _ => {}
        }
    }

    fn check(&self, view: &MeetingView) {
        let speeches: BTreeSet<EntryId> = view.speeches.iter().map(|speech| speech.id).collect();
        assert_eq!(speeches, self.speeches);
        let shown = view.motions.iter().map(|motion| motion.id);
        let shown = shown.chain(view.conclusions.iter().map(|conclusion| conclusion.id));
        let shown = shown.chain(view.agenda.iter().map(|item| item.id));
        let shown: BTreeSet<EntryId> = shown
            .chain(view.notes.iter().map(|note| note.id))
            .chain(view.removed.iter().copied())
            .collect();
        assert!(self.entries.is_subset(&shown));
        for ((member, by), state) in &self.marks {
            let line = view.line(*member).unwrap();
            let entry = line
                .entries
                .iter()
                .find(|entry| entry.mark.device == *by)
                .unwrap();
            assert_eq!(entry.state, *state);
        }
        for ((motion, by), counts) in &self.tallies {
            let motion = view.motion(*motion).unwrap();
            let tally = motion
                .tallies
                .iter()
                .find(|tally| tally.mark.device == *by)
                .unwrap();
            assert_eq!(tally.counts, *counts);
        }
        for ((motion, voter, by), ballot) in &self.ballots {
            let ballots = &view.motion(*motion).unwrap().ballots;
            let voter = ballots.iter().find(|ballot| ballot.member == *voter).unwrap();
            let entry = voter
                .entries
                .iter()
                .find(|entry| entry.mark.device == *by)
                .unwrap();
            assert_eq!(entry.ballot, *ballot);
        }
    }
}

fn pick<T: Clone>(from: &[T], at: usize) -> Option<T> {
    from.get(at % from.len().max(1)).cloned()
}

/// The command that this act is on this phone; `None` when there is nothing to do it to.
fn command(hall: &mut Hall, phone: u8, act: &Act) -> Option<Command> {
    let view = hall.shown(phone).view;
    let text = || act.text.as_str().into();
    let place = match act.pick % 3 {
        0 => Place::First,
        _ => Place::Last,
    };
    let agenda = pick(&view.agenda, act.pick).map(|item| item.id);
    let conclusion = pick(&view.conclusions, act.pick);
    let motion = pick(&view.motions, act.pick).map(|motion| motion.id);
    let note = pick(&view.notes, act.pick).map(|note| note.id);
    let speech = pick(&view.speeches, act.pick).map(|speech| speech.id);
    let who = member(act.number);
    let date = sotay_handbook::Date::new(2025, 5, 1 + act.number % 28);
    let fresh = hall.id_on(phone);
    Some(match act.what {
        0 | 1 => Command::Mark {
            members: vec![who, member(1 + (act.number + 7) % 42)],
            state: pick(State::ALL, act.pick)?,
            how: pick(How::ALL, act.pick / 7)?,
            reason: act.pick.is_multiple_of(2).then(text),
        },
        2 | 3 => Command::AddSpeech {
            id: fresh,
            speaker: Person::Member(who),
            agenda,
            text: text(),
            place,
        },
        4 => Command::EditSpeech {
            id: speech?,
            text: text(),
        },
        5 => Command::AddConclusion {
            id: fresh,
            agenda,
            text: text(),
            deadline: date,
            responsible: vec![who],
            place,
        },
        6 | 7 => {
            let paragraph = act
                .number
                .is_multiple_of(3)
                .then(|| conclusion.clone()?.paragraphs.pop())
                .flatten();
            Command::EditConclusion {
                id: conclusion?.id,
                paragraph: paragraph.map(|paragraph| paragraph.variant),
                text: text(),
            }
        }
        8 => Command::SetDeadline {
            id: conclusion?.id,
            deadline: date.filter(|_| !act.number.is_multiple_of(5)),
        },
        9 => Command::SetResponsible {
            id: conclusion?.id,
            member: who,
            on: act.pick.is_multiple_of(2),
        },
        10 => Command::RemoveConclusion { id: conclusion?.id },
        11 => Command::AddMotion {
            id: fresh,
            agenda,
            text: text(),
            method: pick(Method::ALL, act.pick)?,
            need: pick(Need::ALL, act.pick)?,
            place,
        },
        12 => Command::EditMotion {
            id: motion?,
            text: text(),
        },
        13 => Command::OpenVote { id: motion? },
        14 => {
            let counts = TallyCount {
                for_: act.number,
                against: act.pick as u32 % 3,
                other: 0,
                invalid: 0,
            };
            Command::RecordTally {
                motion: motion?,
                counts,
                board: vec![who],
            }
        }
        15 => Command::Vote {
            motion: motion?,
            member: who,
            ballot: pick(Ballot::ALL, act.pick)?,
            how: How::Helper,
        },
        16 => Command::AddAgenda {
            id: fresh,
            title: text(),
            presenter: Some(Person::Member(who)),
            place,
        },
        17 => Command::EditAgenda {
            id: agenda?,
            title: text(),
        },
        18 => Command::RemoveAgenda { id: agenda? },
        19 => Command::SetNarrative {
            section: pick(Section::ALL, act.pick)?,
            text: text(),
        },
        20 => match note {
            Some(id) if act.pick.is_multiple_of(2) => Command::EditNote { id, text: text() },
            Some(id) if act.pick.is_multiple_of(3) => Command::RemoveNote { id },
            _ => Command::AddNote {
                id: fresh,
                kind: pick(NoteKind::ALL, act.pick)?,
                text: text(),
                place,
            },
        },
        21 => {
            let item = pick(hall.shown(phone).review.open(), act.pick)?;
            item.settle(&pick(&item.options, act.number as usize)?, fresh)
        }
        _ => match act.pick % 4 {
            0 => Command::SetPlace(text()),
            1 => Command::SetChair(who),
            2 => Command::Open,
            _ => Command::SetScore {
                criterion: "content".into(),
                scorer: who,
                points: Some(act.number * 10),
            },
        },
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn phones_converge_and_lose_nothing_whatever_happens_in_whatever_order(
        phones in 2..=6u8,
        acts in acts(),
        syncs in prop::collection::vec((0..60usize, 1..=6u8), 0..12),
    ) {
        let numbers: Vec<u8> = (1..=phones).collect();
        let mut hall = Hall::new(&numbers);
        let mut memory = Memory::default();
        for (at, act) in acts.iter().enumerate() {
            let phone = 1 + (act.phone - 1) % phones;
            if let Some(command) = command(&mut hall, phone, act)
                && hall.try_on(phone, at as i64, &command).is_ok()
            {
                memory.keep(device(phone), &command);
            }
            for (_, phone) in syncs.iter().filter(|(when, _)| *when == at) {
                hall.sync(1 + (phone - 1) % phones);
            }
        }
        hall.sync_all(&numbers);
        let shown = hall.converged();
        memory.check(&shown.view);
        for item in shown.review.open().iter().chain(shown.review.settled()) {
            let said = hall.say_item(item);
            prop_assert!(!said.contains('{') && !said.is_empty(), "{}", said);
        }
    }
}
