//! What people do on their phones, drawn at random; what came of it goes into the ledger.

use rand::RngExt;
use rand::seq::IndexedRandom;
use sotay_engine::handbook::meeting::{
    Command, How, MeetingKind, Method, Need, Person, Place, State, TallyCount,
};
use sotay_engine::handbook::{EntryId, Month, Words};
use sotay_engine::{Device, DeviceError, NewMember, today};
use sotay_feed::DocId;

use super::ledger::{Kept, MARKER, Where};
use super::world::{DeviceFault, World};
use crate::disk::Mounted;

const MONTHS: [&str; 3] = ["2026-07", "2026-08", "2026-09"];
const STATES: [State; 4] = [State::Present, State::Excused, State::Unexcused, State::Unmarked];

impl World {
    /// One person does one thing on one phone.
    pub fn somebody_acts(&mut self) -> Result<(), String> {
        let at_work = self.at_work();
        let Some(&number) = at_work.choose(&mut self.rng) else {
            return Ok(());
        };
        self.count("commands");
        match self.rng.random_range(0..100) {
            0..8 => self.begin_meeting(number),
            8..12 => self.rename(number),
            12..14 => self.add_member(number),
            _ => self.edit_meeting(number),
        }?;
        // A running engine offers what was edited at once; sometimes a few edits gather first.
        if self.rng.random_bool(0.7)
            && let Some(device) = self.phones[number].device.as_mut()
        {
            let result = device.push_local();
            return self.after_phone(number, result.map_err(DeviceFault::of));
        }
        Ok(())
    }

    fn device(&mut self, number: usize) -> &mut Device<Mounted> {
        self.phones[number]
            .device
            .as_mut()
            .expect("only phones that run act")
    }

    /// A text nobody else writes.
    fn words(&mut self, number: usize) -> (String, Words) {
        let marker = format!("{MARKER}{:04}z", self.next_marker);
        self.next_marker += 1;
        let filler = "đề nghị sửa đoạn đường liên thôn trước mùa mưa ".repeat(self.rng.random_range(0..4));
        let text = format!("{marker} {} {filler}", self.phones[number].label);
        (marker, Words::from(text.trim_end()))
    }

    /// What a result means for a promise. Errors that follow from the command itself are no failure.
    fn kept<T>(&mut self, number: usize, result: &Result<T, DeviceError>) -> Result<Kept, String> {
        let crashed = self.device(number).store_mut().crashed();
        match result {
            Ok(_) => Ok(Kept::Yes),
            Err(_) if crashed => Ok(Kept::Unknown),
            Err(DeviceError::Store(_)) => {
                self.count("commands refused by a failing disk");
                Ok(Kept::No)
            }
            Err(
                DeviceError::Command(_)
                | DeviceError::Denied(_)
                | DeviceError::NoKey
                | DeviceError::NoMeeting
                | DeviceError::NoMember
                | DeviceError::TooLong { .. },
            ) => Ok(Kept::No),
            Err(other) => Err(format!(
                "{}: a command failed with {other:?}",
                self.phones[number].label
            )),
        }
    }

    fn begin_meeting(&mut self, number: usize) -> Result<(), String> {
        let month: Month = MONTHS
            .choose(&mut self.rng)
            .expect("months")
            .parse()
            .expect("a month");
        let now = self.clock_of(number);
        let result = self
            .device(number)
            .new_meeting(MeetingKind::Regular, Some(month), None, now);
        self.say(format!(
            "{} begins {month}: {}",
            self.phones[number].label,
            outcome(&result)
        ));
        if let (Kept::Yes, Ok(doc)) = (self.kept(number, &result)?, &result) {
            self.ledger.meetings.insert(*doc);
        }
        self.settled(number, result)
    }

    fn rename(&mut self, number: usize) -> Result<(), String> {
        let member = *self.members.choose(&mut self.rng).expect("members");
        let name = format!("{MARKER} Tên {}", self.next_marker);
        self.next_marker += 1;
        let result = self.device(number).rename_member(member, &name);
        self.say(format!(
            "{} renames: {}",
            self.phones[number].label,
            outcome(&result)
        ));
        // Concurrent names: the later revision counts, so any of them may be the one that stays.
        if self.kept(number, &result)? != Kept::No || matches!(result, Err(DeviceError::Store(_))) {
            self.ledger.name(member, &name);
        }
        self.settled(number, result)
    }

    fn add_member(&mut self, number: usize) -> Result<(), String> {
        let new = NewMember::named(&format!("{MARKER} Mới {}", self.next_marker));
        self.next_marker += 1;
        let now = self.clock_of(number);
        let result = self
            .device(number)
            .add_members(std::slice::from_ref(&new), today(now), now);
        self.say(format!(
            "{} adds a member: {}",
            self.phones[number].label,
            outcome(&result)
        ));
        if let (Kept::Yes, Ok(ids)) = (self.kept(number, &result)?, &result) {
            self.ledger.members.extend(ids);
            for id in ids {
                self.ledger.name(*id, &new.name);
            }
        }
        self.settled(number, result)
    }

    /// A store that failed may have taken the phone down; anything else is an answer to the person.
    fn settled<T>(&mut self, number: usize, result: Result<T, DeviceError>) -> Result<(), String> {
        let result = match result {
            Err(DeviceError::Store(error)) => Err(DeviceFault::Store(error)),
            _ => Ok(()),
        };
        // A command that failed does not end a connection.
        if self.device(number).store_mut().crashed() {
            return self.after_phone(number, result);
        }
        self.after_phone(number, Ok(()))
    }

    fn edit_meeting(&mut self, number: usize) -> Result<(), String> {
        let known: Vec<DocId> = self.ledger.meetings.iter().copied().collect();
        let Some(&doc) = known.choose(&mut self.rng) else {
            return self.begin_meeting(number);
        };
        let view = match self.device(number).meeting_view(doc) {
            Ok(view) => view,
            Err(DeviceError::NoMeeting) => return self.begin_meeting(number),
            Err(error) => return self.settled::<()>(number, Err(error)),
        };
        let (marker, text) = self.words(number);
        let id = self.device(number).fresh_id();
        let me = self.device(number).member().expect("it is at work");
        let date = format!(
            "2026-0{}-{}",
            self.rng.random_range(5..9),
            self.rng.random_range(10..29)
        );
        let appended = |old: &str| Words::from(format!("{old} {}", text.as_str()));
        let mut promise = Promise::None;
        let command = match self.rng.random_range(0..100) {
            0..22 => {
                promise = Promise::Text(Where::Speech(id), marker);
                Command::AddSpeech {
                    id,
                    speaker: Person::Member(me),
                    agenda: None,
                    text,
                    place: self.place(&view_ids(&view)),
                }
            }
            22..32 => match view.speeches.choose(&mut self.rng) {
                Some(speech) => {
                    promise = Promise::Text(Where::Speech(speech.id), marker);
                    Command::EditSpeech {
                        id: speech.id,
                        text: appended(&speech.text),
                    }
                }
                None => Command::Convene,
            },
            32..42 => {
                promise = Promise::Text(Where::Conclusion(id), marker);
                let deadline = date.parse().ok();
                Command::AddConclusion {
                    id,
                    agenda: None,
                    text,
                    deadline,
                    responsible: vec![me],
                    place: Place::Last,
                }
            }
            42..50 => match view.conclusions.choose(&mut self.rng) {
                Some(conclusion) => {
                    let all: Vec<&str> = conclusion.paragraphs.iter().map(|p| p.text.as_str()).collect();
                    promise = Promise::Text(Where::Conclusion(conclusion.id), marker);
                    Command::EditConclusion {
                        id: conclusion.id,
                        paragraph: None,
                        text: appended(&all.join(" ")),
                    }
                }
                None => Command::Open,
            },
            50..56 => match view.conclusions.choose(&mut self.rng) {
                Some(conclusion) => Command::SetDeadline {
                    id: conclusion.id,
                    deadline: date.parse().ok(),
                },
                None => Command::SetPlace(text),
            },
            56..59 => match view.conclusions.choose(&mut self.rng) {
                Some(conclusion) => {
                    promise = Promise::Removed(conclusion.id);
                    Command::RemoveConclusion { id: conclusion.id }
                }
                None => Command::SetNumber(text),
            },
            59..71 => {
                let member = *self.members.choose(&mut self.rng).expect("members");
                let state = *STATES.choose(&mut self.rng).expect("states");
                promise = Promise::Mark(member, state);
                let how = *[How::RollCall, How::Qr].choose(&mut self.rng).expect("ways");
                Command::Mark {
                    members: vec![member],
                    state,
                    how,
                    reason: None,
                }
            }
            71..76 => {
                promise = Promise::Text(Where::Agenda(id), marker);
                Command::AddAgenda {
                    id,
                    title: text,
                    presenter: None,
                    place: Place::Last,
                }
            }
            76..79 => match view.agenda.choose(&mut self.rng) {
                Some(item) if self.rng.random_bool(0.5) => {
                    promise = Promise::Removed(item.id);
                    Command::RemoveAgenda { id: item.id }
                }
                Some(item) => Command::EditAgenda {
                    id: item.id,
                    title: text,
                },
                None => Command::SetPlace(text),
            },
            79..83 => Command::AddMotion {
                id,
                agenda: None,
                text,
                method: Method::Hands,
                need: Need::Majority,
                place: Place::Last,
            },
            83..86 => match view.motions.choose(&mut self.rng) {
                Some(motion) => Command::OpenVote { id: motion.id },
                None => Command::SetChair(me),
            },
            86..92 => match view
                .motions
                .iter()
                .filter(|motion| motion.opened)
                .collect::<Vec<_>>()
                .choose(&mut self.rng)
            {
                Some(motion) => {
                    let counts = TallyCount {
                        for_: self.rng.random_range(0..9),
                        ..TallyCount::default()
                    };
                    promise = Promise::Tally(motion.id, counts);
                    Command::RecordTally {
                        motion: motion.id,
                        counts,
                        board: Vec::new(),
                    }
                }
                None => Command::SetClerk(me),
            },
            _ => match self.settlement(number, doc, id) {
                Some(command) => {
                    promise = Promise::Settled;
                    command
                }
                None => Command::Convene,
            },
        };
        self.carry_out(number, doc, command, promise)
    }

    fn place(&mut self, known: &[EntryId]) -> Place {
        match (self.rng.random_range(0..4), known.choose(&mut self.rng)) {
            (0, Some(after)) => Place::After(*after),
            (1, _) => Place::First,
            _ => Place::Last,
        }
    }

    /// A choice about an item of the review list.
    fn settlement(&mut self, number: usize, doc: DocId, id: EntryId) -> Option<Command> {
        let list = self.device(number).review(doc).ok()?;
        let item = list.open().choose(&mut self.rng)?;
        let option = item.options.choose(&mut self.rng)?;
        Some(item.settle(option, id))
    }

    fn carry_out(
        &mut self,
        number: usize,
        doc: DocId,
        command: Command,
        promise: Promise,
    ) -> Result<(), String> {
        let now = self.clock_of(number);
        let by = self.device(number).id();
        let result = self.device(number).meeting(doc, &command, now);
        let name = format!("{command:?}");
        let name = name.split([' ', '(', '{']).next().unwrap_or_default();
        self.say(format!(
            "{} {name} {promise:?}: {}",
            self.phones[number].label,
            outcome(&result)
        ));
        let kept = self.kept(number, &result)?;
        if result.is_err() {
            self.count("commands not carried out");
        }
        match promise {
            Promise::Text(at, marker) => self.ledger.text(doc, at, &marker, kept),
            Promise::Mark(member, state) => self.ledger.mark(doc, member, by, state, kept),
            Promise::Tally(motion, counts) => self.ledger.tally(doc, motion, by, counts, kept),
            Promise::Removed(id) => self.ledger.removed(id),
            Promise::Settled => self.ledger.settled(doc),
            Promise::None => {}
        }
        self.settled(number, result)
    }
}

fn view_ids(view: &sotay_engine::handbook::meeting::MeetingView) -> Vec<EntryId> {
    view.speeches.iter().map(|speech| speech.id).collect()
}

fn outcome<T>(result: &Result<T, DeviceError>) -> String {
    result
        .as_ref()
        .map_or_else(|error| format!("{error:?}"), |_| "ok".to_owned())
}

/// What a command leaves behind that can be looked for.
#[derive(Debug)]
enum Promise {
    None,
    Text(Where, String),
    Mark(sotay_feed::MemberId, State),
    Tally(EntryId, TallyCount),
    Removed(EntryId),
    Settled,
}
