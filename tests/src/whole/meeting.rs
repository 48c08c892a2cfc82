//! What people do in a meeting.

use sotay_engine::handbook::EntryId;
use sotay_engine::handbook::meeting::{
    Ballot, Command, How, MeetingView, Method, Need, NoteKind, Person, Place, Section, Stage, State,
    TallyCount,
};
use sotay_feed::DocId;

use super::{Fact, Outcome, World};
use crate::branch::day;

const WORDS: [&str; 12] = [
    "nạo vét mương",
    "đường hoa",
    "vay vốn 🙂",
    "an ninh thôn xóm",
    "thu gom rác",
    "e\u{302}\u{301} chữ rời",
    "lúa chiêm xuân",
    "nhà văn hóa",
    "tổ tự quản",
    "hộ nghèo",
    "quỹ khuyến học",
    "đèn đường ngõ 7",
];

impl World {
    pub(super) fn words(&mut self) -> String {
        let count = self.pick(6) + 1;
        let words: Vec<&str> = (0..count).map(|_| WORDS[self.pick(WORDS.len())]).collect();
        words.join(", ")
    }

    fn one_of(&mut self, ids: &[EntryId]) -> Option<EntryId> {
        if ids.is_empty() {
            return None;
        }
        Some(ids[self.pick(ids.len())])
    }

    /// A meeting that this phone knows.
    fn a_meeting(&mut self, phone: usize) -> Option<(DocId, MeetingView)> {
        let known: Vec<DocId> = self.branch.phones[phone]
            .meetings()
            .ok()?
            .iter()
            .map(|heading| heading.doc)
            .collect();
        if known.is_empty() {
            return None;
        }
        let doc = known[self.pick(known.len())];
        let view = self.phone(phone).meeting_view(doc).ok()?;
        Some((doc, view))
    }

    pub(super) fn in_a_meeting(&mut self, phone: usize) -> Outcome {
        let Some((doc, view)) = self.a_meeting(phone) else {
            return Ok(());
        };
        if self.chance(5) {
            return self.undo(phone, doc);
        }
        let id = self.phone(phone).fresh_id();
        let number = self.pick(42) + 1;
        let member = self.branch.member(number);
        let text = self.words();
        let place = match self.pick(3) {
            0 => Place::First,
            _ => Place::Last,
        };
        let agenda: Vec<EntryId> = view.agenda.iter().map(|one| one.id).collect();
        let speeches: Vec<EntryId> = view.speeches.iter().map(|one| one.id).collect();
        let conclusions: Vec<EntryId> = view.conclusions.iter().map(|one| one.id).collect();
        let motions: Vec<EntryId> = view.motions.iter().map(|one| one.id).collect();
        let notes: Vec<EntryId> = view.notes.iter().map(|one| one.id).collect();
        let deadline = Some(day(["2025-05-20", "2025-05-30", "2025-06-10"][self.pick(3)]));
        let counts = TallyCount {
            for_: self.pick(40) as u32,
            against: self.pick(3) as u32,
            other: self.pick(3) as u32,
            invalid: self.pick(2) as u32,
        };
        let mut fact = None;
        let command = match self.pick(34) {
            0 => Command::SetPlace(text.as_str().into()),
            1 => Command::SetChair(self.branch.member([1, 1, 1, 2][number % 4])),
            2 => Command::SetClerk(self.branch.member([3, 3, 3, 2][number % 4])),
            3 => Command::Convene,
            4 | 5 => Command::Open,
            6 => Command::EnterStage(Stage::ALL[self.pick(Stage::ALL.len())]),
            7 => Command::ReadBack,
            8 => Command::Close,
            9 => Command::AddGuest {
                id,
                label: text.as_str().into(),
            },
            10..14 => {
                fact = Some(Fact::Mark(number));
                Command::Mark {
                    members: vec![member],
                    state: State::ALL[self.pick(State::ALL.len())],
                    how: How::ALL[self.pick(How::ALL.len())],
                    reason: Some(text.as_str().into()),
                }
            }
            14 => Command::Left {
                member,
                at: "2025-05-05T20:15".parse().ok(),
            },
            15 | 16 => {
                fact = Some(Fact::Speech(id));
                Command::AddSpeech {
                    id,
                    speaker: Person::Member(member),
                    agenda: self.one_of(&agenda),
                    text: text.as_str().into(),
                    place,
                }
            }
            17 => {
                fact = Some(Fact::Conclusion(id));
                Command::AddConclusion {
                    id,
                    agenda: self.one_of(&agenda),
                    text: text.as_str().into(),
                    deadline,
                    responsible: vec![member],
                    place,
                }
            }
            18 => {
                fact = Some(Fact::Agenda(id));
                Command::AddAgenda {
                    id,
                    title: text.as_str().into(),
                    presenter: Some(Person::Member(member)),
                    place,
                }
            }
            19 => {
                fact = Some(Fact::Note(id));
                Command::AddNote {
                    id,
                    kind: NoteKind::ALL[self.pick(NoteKind::ALL.len())],
                    text: text.as_str().into(),
                    place,
                }
            }
            20 => {
                fact = Some(Fact::Motion(id));
                Command::AddMotion {
                    id,
                    agenda: None,
                    text: text.as_str().into(),
                    method: Method::ALL[self.pick(Method::ALL.len())],
                    need: Need::ALL[self.pick(Need::ALL.len())],
                    place,
                }
            }
            21 => {
                fact = Some(Fact::Attachment(id));
                Command::Attach {
                    id,
                    name: "trang 1.jpg".into(),
                    media: "image/jpeg".into(),
                    bytes: 9,
                    blake3: [7; 32],
                    pages: 1,
                }
            }
            22 => Command::SetNarrative {
                section: Section::ALL[self.pick(Section::ALL.len())],
                text: text.as_str().into(),
            },
            23 => Command::SetScore {
                criterion: "attendance".to_owned(),
                scorer: member,
                points: Some(900),
            },
            choice => match choice {
                24 | 25 => self.one_of(&speeches).map(|id| Command::EditSpeech {
                    id,
                    text: text.as_str().into(),
                }),
                26 | 27 => self.one_of(&conclusions).map(|id| match number % 4 {
                    0 => Command::SetDeadline { id, deadline },
                    1 => Command::RemoveConclusion { id },
                    2 => Command::SetResponsible {
                        id,
                        member,
                        on: number % 8 < 4,
                    },
                    _ => Command::EditConclusion {
                        id,
                        paragraph: None,
                        text: text.as_str().into(),
                    },
                }),
                28 => self.one_of(&agenda).map(|id| match number % 2 {
                    0 => Command::RemoveAgenda { id },
                    _ => Command::EditAgenda {
                        id,
                        title: text.as_str().into(),
                    },
                }),
                29 => self.one_of(&notes).map(|id| match number % 2 {
                    0 => Command::RemoveNote { id },
                    _ => Command::EditNote {
                        id,
                        text: text.as_str().into(),
                    },
                }),
                30 => self.one_of(&motions).map(|id| match number % 2 {
                    0 => Command::OpenVote { id },
                    _ => Command::EditMotion {
                        id,
                        text: text.as_str().into(),
                    },
                }),
                31 => self.one_of(&motions).map(|motion| {
                    fact = Some(Fact::Tally(motion));
                    Command::RecordTally {
                        motion,
                        counts,
                        board: vec![],
                    }
                }),
                32 => self.one_of(&motions).map(|motion| {
                    fact = Some(Fact::Ballot(motion, number));
                    Command::Vote {
                        motion,
                        member,
                        ballot: Ballot::ALL[number % Ballot::ALL.len()],
                        how: How::Helper,
                    }
                }),
                _ => self.one_of(&speeches).map(|id| Command::Move { id, place }),
            }
            .unwrap_or(Command::Convene),
        };
        let now = self.now();
        let late = self.chance(30);
        let device = self.phone(phone);
        let done = match device.meeting(doc, &command, now) {
            Err(sotay_engine::DeviceError::Command(sotay_engine::handbook::CommandError::Sealed)) if late => {
                device.amend_all(doc, &[command], now)
            }
            done => done,
        };
        if self.try_out("commands in meetings", done)?.is_some()
            && let Some(fact) = fact
        {
            let counts = matches!(fact, Fact::Tally(_)).then_some(counts);
            self.facts.insert((phone, doc, fact), counts);
        }
        Ok(())
    }

    fn undo(&mut self, phone: usize, doc: DocId) -> Outcome {
        let now = self.now();
        let undone = self.phone(phone).undo(doc, now);
        if self.try_out("undone", undone)?.is_some() {
            // One thing of this phone is gone: whatever is not there any more on the phone itself.
            let view = self
                .phone(phone)
                .meeting_view(doc)
                .map_err(|error| error.to_string())?;
            let device = self.device(phone);
            let members = self.branch.members.clone();
            self.facts.retain(|(of, at, fact), counts| {
                (*of, *at) != (phone, doc) || super::check::holds(&view, device, &members, *fact, *counts)
            });
        }
        Ok(())
    }
}
