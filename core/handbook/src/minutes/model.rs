//! What a template can place: a view made plain text, with names, numbers and dates as Vietnamese documents print them.

use serde::Serialize;
use sotay_feed::{InOrder, MemberId};

use super::Heading;
use crate::claim::Field;
use crate::date::{Date, LocalTime};
use crate::meeting::{
    AgendaItem, AttendanceLine, Conclusion, MeetingView, Method, Motion, NoteKind, Person, Section, State,
    VoterBallot,
};
use crate::message::{Lang, Message, Names, member_name};
use crate::number;
use crate::policy::Policy;
use crate::words::Words;

const LANG: Lang = Lang::Vi;

/// The fields that a template of minutes can place; `data/minutes-vi-1.txt` uses all of them.
#[derive(Serialize)]
pub struct Model {
    upper: String,
    unit: String,
    number: String,
    kind: String,
    month: String,
    date: String,
    date_in_words: String,
    place: String,
    start: String,
    end: String,
    ends_same_day: bool,
    duration_minutes: i64,
    chair: Official,
    clerk: Official,
    guests: Vec<String>,
    strength: Strength,
    present: Present,
    rate: String,
    quorate: bool,
    absent: Absent,
    late: Vec<Timed>,
    early: Vec<Timed>,
    contested: Vec<Listed>,
    narrative: Narrative,
    last_tasks: Vec<TakenLine>,
    fees: Option<TakenSums>,
    agenda: Vec<Agenda>,
    speeches: Vec<Speech>,
    conclusions: Vec<Concluded>,
    votes: Vec<Vote>,
    praise: Vec<String>,
    reminders: Vec<String>,
    scores: Vec<Scored>,
    score_total: String,
    score_most: String,
    read_back: bool,
}

#[derive(Serialize, Default)]
struct Official {
    name: String,
    role: String,
}

#[derive(Serialize)]
struct Strength {
    total: u32,
    full: u32,
    probationary: u32,
    must_attend: u32,
    voters: u32,
}

#[derive(Serialize)]
struct Present {
    total: u32,
    full: u32,
    probationary: u32,
}

#[derive(Serialize)]
struct Absent {
    excused: Group,
    unexcused: Group,
    exempt: Group,
    away: Group,
    unmarked: Group,
}

#[derive(Serialize)]
struct Group {
    count: usize,
    list: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    name: String,
    note: String,
}

#[derive(Serialize)]
struct Timed {
    name: String,
    time: String,
}

#[derive(Serialize)]
struct Narrative {
    last_month: String,
    news: String,
    fees: String,
    next_month: String,
    other: String,
}

/// One of last month's tasks.
#[derive(Serialize)]
struct TakenLine {
    what: String,
    people: String,
    deadline: String,
    status: String,
    overdue: bool,
    result: String,
}

/// Fees collected, in đồng with points.
#[derive(Serialize)]
struct TakenSums {
    due: String,
    paid: String,
    unpaid: u32,
}

#[derive(Serialize)]
struct Agenda {
    title: String,
    presenter: String,
}

#[derive(Serialize)]
struct Speech {
    speaker: String,
    text: String,
}

#[derive(Serialize)]
struct Concluded {
    paragraphs: Vec<String>,
    deadlines: Vec<String>,
    responsible: String,
}

#[derive(Serialize)]
struct Vote {
    question: String,
    method: String,
    need: String,
    eligible: usize,
    present: u32,
    opened: bool,
    counted: bool,
    for_: u32,
    against: u32,
    other: u32,
    invalid: u32,
    counts: Vec<String>,
    board: String,
    result: String,
    pending: Vec<String>,
    not_counted: Vec<Listed>,
}

#[derive(Serialize)]
struct Scored {
    name: String,
    points: String,
    most: String,
}

struct Maker<'a> {
    view: &'a MeetingView,
    names: &'a dyn Names,
}

impl Model {
    /// The fields of one meeting.
    pub fn of(view: &MeetingView, heading: &Heading, policy: &Policy, names: &dyn Names) -> Self {
        let maker = Maker { view, names };
        let counts = view.attendance.counts;
        let roll = view.roll.counts(policy);
        let (start, end) = (view.start.value, view.end.value);
        let most: u32 = policy.criteria.iter().map(|criterion| criterion.points).sum();
        Self {
            upper: heading.upper.trim().to_owned(),
            unit: heading.unit.trim().to_owned(),
            number: shown(&view.number),
            kind: view
                .kind
                .value
                .map(|kind| maker.say(kind.message()))
                .unwrap_or_default(),
            month: view
                .month
                .value
                .map(|month| format!("{}/{}", month.number(), month.year()))
                .unwrap_or_default(),
            date: maker.date(start).map(Date::long).unwrap_or_default(),
            date_in_words: maker.date(start).map(Date::in_words).unwrap_or_default(),
            place: shown(&view.place),
            start: start.map(LocalTime::clock).unwrap_or_default(),
            end: end.map(LocalTime::clock).unwrap_or_default(),
            ends_same_day: start
                .zip(end)
                .is_some_and(|(start, end)| start.date() == end.date()),
            duration_minutes: start.zip(end).map_or(0, |(start, end)| start.minutes_until(end)),
            chair: maker.official(&view.chair),
            clerk: maker.official(&view.clerk),
            guests: view
                .guests
                .iter()
                .map(|guest| guest.label.as_str().to_owned())
                .collect(),
            strength: Strength {
                total: roll.total,
                full: roll.full,
                probationary: roll.probationary,
                must_attend: counts.must_attend,
                voters: roll.voters,
            },
            present: Present {
                total: counts.present,
                full: counts.present_full,
                probationary: counts.present_probationary,
            },
            rate: maker.text(&counts.rate()),
            quorate: policy
                .quorum
                .reached(counts.must_attend_present, counts.must_attend),
            absent: maker.absent(),
            late: maker.timed(|line| &line.arrived),
            early: maker.timed(|line| &line.left),
            contested: maker.contested(),
            narrative: maker.narrative(),
            last_tasks: maker.last_tasks(),
            fees: view.taken_fees.map(|fees| TakenSums {
                due: number::grouped(fees.due),
                paid: number::grouped(fees.paid),
                unpaid: fees.unpaid,
            }),
            agenda: view.agenda.iter().map(|item| maker.agenda(item)).collect(),
            speeches: view
                .speeches
                .iter()
                .map(|speech| Speech {
                    speaker: maker.person(speech.speaker),
                    text: hanging(&speech.text),
                })
                .collect(),
            conclusions: view
                .conclusions
                .iter()
                .map(|conclusion| maker.conclusion(conclusion))
                .collect(),
            votes: view.motions.iter().map(|motion| maker.vote(motion)).collect(),
            praise: maker.notes(NoteKind::Praise),
            reminders: maker.notes(NoteKind::Reminder),
            scores: maker.scores(policy),
            score_total: view
                .total_points()
                .map(|points| number::hundredths(u64::from(points)))
                .unwrap_or_default(),
            score_most: number::hundredths(u64::from(most)),
            // Sealing and sending come after: they must not change the text that is sealed.
            read_back: view
                .steps
                .iter()
                .any(|taken| taken.step == crate::meeting::Step::ReadBack),
        }
    }
}

fn shown(field: &Field<Words>) -> String {
    field
        .value
        .as_ref()
        .map(|words| words.trim().to_owned())
        .unwrap_or_default()
}

/// Lines after the first stand in, so that no text can pass for a line of the minutes.
fn hanging(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n    ")
}

impl Maker<'_> {
    fn text(&self, message: &Message) -> String {
        message.text(LANG, self.names)
    }

    fn say(&self, key: &'static str) -> String {
        self.text(&Message {
            key,
            args: Vec::new(),
        })
    }

    fn member(&self, member: MemberId) -> String {
        member_name(member, LANG, self.names)
    }

    fn members(&self, members: &[MemberId]) -> String {
        let names: Vec<String> = members.iter().map(|&member| self.member(member)).collect();
        names.join(", ")
    }

    fn person(&self, person: Option<Person>) -> String {
        match person {
            Some(Person::Member(member)) => self.member(member),
            Some(Person::Guest(guest)) => self
                .view
                .guest(guest)
                .map(|guest| guest.label.as_str().to_owned())
                .unwrap_or_default(),
            None => String::new(),
        }
    }

    /// The day of the meeting; without one, the day it began.
    fn date(&self, start: Option<LocalTime>) -> Option<Date> {
        self.view.date.value.or(start.map(LocalTime::date))
    }

    fn official(&self, field: &Field<Person>) -> Official {
        let role = match field.value {
            Some(Person::Member(member)) => self
                .view
                .roll
                .get(member)
                .map(|line| self.say(line.role.message())),
            _ => None,
        };
        Official {
            name: self.person(field.value),
            role: role.unwrap_or_default(),
        }
    }

    fn group(&self, state: State) -> Group {
        let lines = self
            .view
            .attendance
            .lines
            .iter()
            .filter(|line| line.state == state);
        let list: Vec<Listed> = lines
            .map(|line| Listed {
                name: self.member(line.line.member),
                note: line
                    .reason
                    .as_ref()
                    .map(|reason| reason.as_str().to_owned())
                    .unwrap_or_default(),
            })
            .collect();
        Group {
            count: list.len(),
            list,
        }
    }

    fn absent(&self) -> Absent {
        Absent {
            excused: self.group(State::Excused),
            unexcused: self.group(State::Unexcused),
            exempt: self.group(State::Exempt),
            away: self.group(State::Away),
            unmarked: self.group(State::Unmarked),
        }
    }

    fn timed(&self, of: impl Fn(&AttendanceLine) -> &Field<LocalTime>) -> Vec<Timed> {
        let timed = |line: &AttendanceLine| {
            let time = of(line).value?.clock();
            Some(Timed {
                name: self.member(line.line.member),
                time,
            })
        };
        self.view.attendance.lines.iter().filter_map(timed).collect()
    }

    fn contested(&self) -> Vec<Listed> {
        let note = |line: &AttendanceLine| {
            let note = self.text(&line.note()?);
            Some(Listed {
                name: self.member(line.line.member),
                note,
            })
        };
        self.view.attendance.lines.iter().filter_map(note).collect()
    }

    fn narrative(&self) -> Narrative {
        let section = |section: Section| {
            let found = self.view.narrative.iter().find(|(of, _)| *of == section);
            found.map(|(_, text)| hanging(text)).unwrap_or_default()
        };
        Narrative {
            last_month: section(Section::LastMonth),
            news: section(Section::News),
            fees: section(Section::Fees),
            next_month: section(Section::NextMonth),
            other: section(Section::Other),
        }
    }

    fn last_tasks(&self) -> Vec<TakenLine> {
        let line = |task: &crate::meeting::TakenTask| TakenLine {
            what: task.what.as_str().to_owned(),
            people: self.members(&task.people),
            deadline: task.deadline.map(Date::long).unwrap_or_default(),
            status: self.say(task.status.message()),
            overdue: task.overdue,
            result: task.result.as_str().to_owned(),
        };
        self.view.taken_tasks.iter().map(line).collect()
    }

    fn agenda(&self, item: &AgendaItem) -> Agenda {
        Agenda {
            title: item.title.trim().to_owned(),
            presenter: self.person(item.presenter),
        }
    }

    fn conclusion(&self, conclusion: &Conclusion) -> Concluded {
        let open = conclusion.deadline.contest.is_open();
        let mut deadlines: Vec<String> = match open {
            true => conclusion
                .deadline
                .claims
                .iter()
                .filter_map(|claim| claim.value)
                .map(Date::long)
                .collect(),
            false => conclusion.due().map(Date::long).into_iter().collect(),
        };
        deadlines.dedup();
        Concluded {
            paragraphs: conclusion
                .paragraphs
                .iter()
                .map(|paragraph| hanging(&paragraph.text))
                .collect(),
            deadlines,
            responsible: self.members(&conclusion.responsible),
        }
    }

    fn vote(&self, motion: &Motion) -> Vote {
        let counts = motion.outcome.map(|outcome| outcome.counts).unwrap_or_default();
        let name = |ballot: &&VoterBallot| self.member(ballot.member);
        let board = motion.tallies.iter().flat_map(|tally| tally.board.clone());
        let mut board: Vec<MemberId> = board.collect();
        board.in_order();
        board.dedup();
        // Which phone counted what is not part of the minutes; that counts differ is.
        let mut differing: Vec<String> = Vec::new();
        if motion.tally_contest.is_open() {
            differing = motion
                .tallies
                .iter()
                .map(|tally| {
                    format!(
                        "{}/{}/{}",
                        tally.counts.for_, tally.counts.against, tally.counts.other
                    )
                })
                .collect();
            differing.in_order();
            differing.dedup();
        }
        Vote {
            question: hanging(&motion.text),
            method: self.say(motion.method.message()),
            need: self.say(motion.need.message()),
            eligible: motion.eligible.len(),
            present: motion.present,
            opened: motion.opened,
            counted: motion.outcome.is_some(),
            for_: counts.for_,
            against: counts.against,
            other: counts.other,
            invalid: counts.invalid,
            counts: differing,
            board: if motion.method == Method::SecretPaper {
                self.members(&board)
            } else {
                String::new()
            },
            result: self.text(&motion.result()),
            pending: motion
                .ballots
                .iter()
                .filter(|ballot| ballot.contest.is_open())
                .map(|b| name(&b))
                .collect(),
            not_counted: motion
                .ballots
                .iter()
                .filter_map(|ballot| {
                    Some(Listed {
                        name: name(&ballot),
                        note: self.text(&ballot.note()?),
                    })
                })
                .collect(),
        }
    }

    fn notes(&self, kind: NoteKind) -> Vec<String> {
        self.view
            .notes
            .iter()
            .filter(|note| note.kind == kind)
            .map(|note| hanging(&note.text))
            .collect()
    }

    fn scores(&self, policy: &Policy) -> Vec<Scored> {
        let points = |points: u32| number::hundredths(u64::from(points));
        let line = |line: &crate::meeting::ScoreLine| {
            let criterion = policy
                .criteria
                .iter()
                .find(|criterion| criterion.key == line.criterion)?;
            Some(Scored {
                name: criterion.vi.clone(),
                points: points(line.average?),
                most: points(line.most),
            })
        };
        self.view.scores.iter().filter_map(line).collect()
    }
}
