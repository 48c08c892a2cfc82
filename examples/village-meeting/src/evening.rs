//! The evening itself: a branch is made, three phones hold the meeting with no network, each on its own disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sotay_engine::feed::{DocId, MemberId};
use sotay_engine::handbook::meeting::{
    Command, How, MeetingKind, Method, Need, Person, Place, State, TallyCount,
};
use sotay_engine::handbook::{Date, DateError, EntryId, LocalTime, Month, roster};
use sotay_engine::{
    AdmitError, AdmitRequest, CallError, CreateUnitError, DeviceError, Engine, EnrolTextError, JoinError,
    NewMember, NewUnit, OpenError,
};

use crate::script::{self, Phone, Rank, Script};

/// What can stop the evening. None of it is expected; each says what happened.
#[derive(Debug, thiserror::Error)]
pub enum EveningError {
    #[error(transparent)]
    Script(#[from] script::ScriptError),
    #[error("a date or time of the script: {0}")]
    Date(#[from] DateError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Unit(#[from] CreateUnitError),
    #[error(transparent)]
    Request(#[from] EnrolTextError),
    #[error(transparent)]
    Admit(#[from] AdmitError),
    #[error(transparent)]
    Join(#[from] JoinError),
}

/// The phones after the evening, none of which has seen a network.
pub struct Evening {
    /// The meeting: one document, though more than one phone made it.
    pub meeting: DocId,
    /// Motions and who confirms them once the counts are known.
    pub motions: Vec<(EntryId, String)>,
    /// Label and profile folder, in the order of the script.
    pub phones: Vec<(String, PathBuf)>,
    /// Who wrote how much, for people.
    pub account: Vec<String>,
}

/// Plays the offline part of a script; profiles go below `dir`.
pub fn hold(script: &Script, dir: &Path) -> Result<Evening, EveningError> {
    let mut members = BTreeMap::new();
    let mut engines = BTreeMap::new();
    let founder = script.phones.iter().find(|phone| phone.founder);
    let founder =
        founder.ok_or_else(|| script::ScriptError::Count("no phone founds the branch".to_owned()))?;
    let secretary = found(script, founder, dir, &mut members)?;
    for phone in script.phones.iter().filter(|phone| !phone.founder) {
        engines.insert(phone.label.as_str(), admit(&secretary, phone, &members, dir)?);
    }
    engines.insert(founder.label.as_str(), secretary);

    let month: Month = script.meeting.month.parse()?;
    let mut evening = Evening {
        meeting: DocId::ZERO,
        motions: Vec::new(),
        phones: Vec::new(),
        account: Vec::new(),
    };
    for phone in &script.phones {
        let engine = &engines[phone.label.as_str()];
        let work = Work {
            script,
            phone,
            members: &members,
            month,
        };
        let (meeting, motions, commands) = work.plan()?;
        let count = commands.len();
        let doc = engine.call(move |device, now| {
            let doc = device.new_meeting(MeetingKind::Regular, Some(meeting.0), Some(meeting.1), now)?;
            for batch in commands {
                device.meeting_all(doc, &batch, now)?;
            }
            Ok::<_, DeviceError>(doc)
        })??;
        evening.meeting = doc;
        evening.motions.extend(motions);
        evening.phones.push((phone.label.clone(), dir.join(&phone.label)));
        evening
            .account
            .push(format!("{}: {} thao tác, không có mạng", phone.label, count));
    }
    for engine in engines.values() {
        engine.shutdown();
    }
    Ok(evening)
}

/// The founder's phone makes the branch and its roster.
fn found<'s>(
    script: &'s Script,
    phone: &Phone,
    dir: &Path,
    members: &mut BTreeMap<&'s str, MemberId>,
) -> Result<Engine, EveningError> {
    let engine = Engine::create(&dir.join(&phone.label), &phone.label)?;
    let first_day = script.meeting.month.parse::<Month>()?.first();
    let (own, others): (Vec<_>, Vec<_>) = script
        .members
        .iter()
        .partition(|member| member.id == phone.member);
    let founder = own.first().map_or_else(String::new, |member| member.name.clone());
    let new = NewUnit {
        name: script.unit.name.clone(),
        upper: script.unit.upper.clone(),
        founder,
        since: Some(first_day),
    };
    let lines: Vec<NewMember> = others.iter().map(|member| line(member)).collect();
    let (own_id, ids) = engine.call(move |device, now| {
        device.create_unit(&new, now)?;
        let ids = device.add_members(&lines, first_day, now)?;
        Ok::<_, CreateUnitError>((device.member().unwrap_or(MemberId::ZERO), ids))
    })??;
    members.extend(own.iter().map(|member| (member.id.as_str(), own_id)));
    members.extend(others.iter().map(|member| member.id.as_str()).zip(ids));
    Ok(engine)
}

fn line(member: &script::Member) -> NewMember {
    NewMember {
        role: match member.role {
            script::Role::Secretary => roster::Role::Secretary,
            script::Role::Deputy => roster::Role::Deputy,
            script::Role::CommitteeMember => roster::Role::CommitteeMember,
            script::Role::Member => roster::Role::Member,
        },
        standing: match member.standing {
            script::Standing::Full => roster::Standing::Full,
            script::Standing::Probationary => roster::Standing::Probationary,
        },
        activity: match member.activity {
            script::Activity::Attending => roster::Activity::Attending,
            script::Activity::Exempt => roster::Activity::Exempt,
        },
        ..NewMember::named(&member.name)
    }
}

/// Another phone asks, the founder admits it, by two texts and without a network.
fn admit(
    secretary: &Engine,
    phone: &Phone,
    members: &BTreeMap<&str, MemberId>,
    dir: &Path,
) -> Result<Engine, EveningError> {
    let engine = Engine::create(&dir.join(&phone.label), &phone.label)?;
    let request = engine.call(|device, _| device.join_request())??.to_text();
    let ask = AdmitRequest {
        request,
        member: members[phone.member.as_str()],
        rank: match phone.rank {
            Rank::Secretary => 2,
            Rank::Deputy => 3,
            Rank::Member => 4,
        },
        committee: phone.committee,
        probationary: false,
        relays: Vec::new(),
    };
    let invitation = secretary.call(move |device, now| device.admit(&ask, now))??;
    engine.call(move |device, _| device.accept(&invitation))??;
    Ok(engine)
}

/// What one phone does in the evening.
struct Work<'a> {
    script: &'a Script,
    phone: &'a Phone,
    members: &'a BTreeMap<&'a str, MemberId>,
    month: Month,
}

/// Commands that a person gives at once, e.g. marking a whole list.
type Batches = Vec<Vec<Command>>;

impl Work<'_> {
    #[allow(clippy::type_complexity)]
    fn plan(&self) -> Result<((Month, Date), Vec<(EntryId, String)>, Batches), EveningError> {
        let meeting = &self.script.meeting;
        let start: LocalTime = meeting.start.parse()?;
        let mut batches: Batches = Vec::new();
        if self.phone.creates_meeting {
            batches.push(self.frame(start)?);
        }
        if self.phone.label == self.first_creator() {
            batches.extend(self.agenda());
        }
        batches.extend(self.attendance());
        batches.extend(self.speeches());
        batches.extend(self.conclusions()?);
        let mut motions = Vec::new();
        batches.extend(self.motions(&mut motions));
        if self.phone.founder {
            batches.push(vec![Command::SetEnd(meeting.end.parse()?), Command::Close]);
        }
        Ok(((self.month, start.date()), motions, batches))
    }

    fn first_creator(&self) -> &str {
        self.script
            .phones
            .iter()
            .find(|phone| phone.creates_meeting)
            .map_or("", |phone| &phone.label)
    }

    fn frame(&self, start: LocalTime) -> Result<Vec<Command>, EveningError> {
        let meeting = &self.script.meeting;
        Ok(vec![
            Command::SetPlace(meeting.place.as_str().into()),
            Command::SetStart(start),
            Command::SetChair(self.members[meeting.chair.as_str()]),
            Command::SetClerk(self.members[meeting.clerk.as_str()]),
            Command::Open,
        ])
    }

    fn agenda(&self) -> Batches {
        let item = |(number, title): (usize, &String)| {
            vec![Command::AddAgenda {
                id: entry("agenda", &self.phone.label, number),
                title: title.as_str().into(),
                presenter: None,
                place: Place::Last,
            }]
        };
        self.script.meeting.agenda.iter().enumerate().map(item).collect()
    }

    fn attendance(&self) -> Batches {
        let attendance = &self.script.attendance;
        let mut present = Vec::new();
        let mut batches = Vec::new();
        for id in self.script.marked_by(self.phone) {
            let member = self.members[id];
            let mark = |state, reason: Option<&str>| {
                let reason = reason.map(Into::into);
                vec![Command::Mark {
                    members: vec![member],
                    state,
                    how: How::RollCall,
                    reason,
                }]
            };
            if let Some(excused) = attendance.excused.iter().find(|excused| excused.member == id) {
                batches.push(mark(State::Excused, Some(&excused.reason)));
            } else if attendance.unexcused.iter().any(|other| other == id) {
                batches.push(mark(State::Unexcused, None));
            } else if attendance.exempt.iter().any(|other| other == id) {
                batches.push(mark(State::Exempt, None));
            } else {
                present.push(member);
            }
        }
        if !present.is_empty() {
            batches.push(vec![Command::Mark {
                members: present,
                state: State::Present,
                how: How::RollCall,
                reason: None,
            }]);
        }
        batches
    }

    fn speeches(&self) -> Batches {
        let own = self
            .script
            .speeches
            .iter()
            .filter(|speech| speech.phone == self.phone.label);
        own.enumerate()
            .map(|(number, speech)| {
                vec![Command::AddSpeech {
                    id: entry("speech", &self.phone.label, number),
                    speaker: Person::Member(self.members[speech.member.as_str()]),
                    agenda: None,
                    text: speech.text.as_str().into(),
                    place: Place::Last,
                }]
            })
            .collect()
    }

    fn conclusions(&self) -> Result<Batches, EveningError> {
        let own = self
            .script
            .conclusions
            .iter()
            .filter(|conclusion| conclusion.phone == self.phone.label);
        own.enumerate()
            .map(|(number, conclusion)| {
                Ok(vec![Command::AddConclusion {
                    id: entry("conclusion", &self.phone.label, number),
                    agenda: None,
                    text: conclusion.text.as_str().into(),
                    deadline: conclusion.deadline.as_deref().map(str::parse).transpose()?,
                    responsible: conclusion
                        .responsible
                        .iter()
                        .map(|id| self.members[id.as_str()])
                        .collect(),
                    place: Place::Last,
                }])
            })
            .collect()
    }

    fn motions(&self, confirm: &mut Vec<(EntryId, String)>) -> Batches {
        let own = self
            .script
            .motions
            .iter()
            .filter(|motion| motion.phone == self.phone.label);
        own.enumerate()
            .map(|(number, motion)| {
                let id = entry("motion", &self.phone.label, number);
                confirm.push((id, motion.confirmed_by.clone()));
                let counts = TallyCount {
                    for_: motion.in_favour,
                    against: motion.against,
                    other: motion.other,
                    invalid: 0,
                };
                vec![
                    Command::AddMotion {
                        id,
                        agenda: None,
                        text: motion.text.as_str().into(),
                        method: Method::Hands,
                        need: Need::Majority,
                        place: Place::Last,
                    },
                    Command::OpenVote { id },
                    Command::RecordTally {
                        motion: id,
                        counts,
                        board: Vec::new(),
                    },
                ]
            })
            .collect()
    }
}

/// Ids that are the same every time a script is played, so that runs can be compared.
fn entry(kind: &str, phone: &str, number: usize) -> EntryId {
    let mut bytes = [0; 16];
    let text = format!("{number:02}{kind}{phone}");
    let len = text.len().min(bytes.len());
    bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
    EntryId::from_bytes(bytes)
}
