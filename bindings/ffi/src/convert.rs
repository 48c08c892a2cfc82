//! From the engine's views to records: ids and days become text, names known here are put in.

use std::fmt::Display;

use sotay_engine::feed::{DeviceId, MemberId};
use sotay_engine::handbook::meeting::{self as engine, Person};
use sotay_engine::handbook::{Claim, Contest, Field, Mark, Names};

use crate::meeting_view::*;

/// What names are looked up in.
pub(crate) struct Book<'a> {
    pub names: &'a dyn Names,
    pub meeting: &'a engine::MeetingView,
}

fn text<T: Display>(value: T) -> String {
    value.to_string()
}

pub(crate) fn mark(names: &dyn Names, mark: &Mark) -> MarkView {
    MarkView {
        device: text(mark.device),
        label: label(names, mark.device),
        at_ms: mark.at_ms,
    }
}

pub(crate) fn marks(names: &dyn Names, all: &[Mark]) -> Vec<MarkView> {
    all.iter().map(|one| mark(names, one)).collect()
}

/// Label of a device, or the beginning of its id.
pub(crate) fn label(names: &dyn Names, device: DeviceId) -> String {
    names
        .device(device)
        .map_or_else(|| text(device).chars().take(8).collect(), str::to_owned)
}

pub(crate) fn contest(names: &dyn Names, contest: &Contest) -> ContestState {
    match contest {
        Contest::None => ContestState::Agreed,
        Contest::Open => ContestState::Open,
        Contest::Settled(settled) => ContestState::Settled {
            pick: settled.pick.clone(),
            by: mark(names, &settled.by),
        },
    }
}

impl Book<'_> {
    fn mark(&self, one: &Mark) -> MarkView {
        mark(self.names, one)
    }

    fn marks(&self, all: &[Mark]) -> Vec<MarkView> {
        marks(self.names, all)
    }

    fn contest(&self, one: &Contest) -> ContestState {
        contest(self.names, one)
    }

    fn member(&self, member: MemberId) -> PersonView {
        PersonView {
            id: text(member),
            guest: false,
            name: self.names.member(member).map(str::to_owned),
        }
    }

    fn person(&self, person: Person) -> PersonView {
        match person {
            Person::Member(member) => self.member(member),
            Person::Guest(id) => PersonView {
                id: text(id),
                guest: true,
                name: self
                    .meeting
                    .guest(id)
                    .map(|guest| guest.label.as_str().to_owned()),
            },
        }
    }

    fn versions<T>(&self, claims: &[Claim<T>], show: impl Fn(&T) -> String) -> Vec<VersionView> {
        claims
            .iter()
            .map(|claim| VersionView {
                value: show(&claim.value),
                tag: text(claim.tag),
                marks: self.marks(&claim.marks),
            })
            .collect()
    }

    fn contested<T>(
        &self,
        out: &mut Vec<ContestedField>,
        name: &str,
        field: &Field<T>,
        show: impl Fn(&T) -> String,
    ) {
        if field.contest != Contest::None {
            out.push(ContestedField {
                field: name.to_owned(),
                versions: self.versions(&field.claims, show),
                contest: self.contest(&field.contest),
            });
        }
    }

    fn removal(&self, removal: &engine::Removal) -> RemovalView {
        RemovalView {
            marks: self.marks(&removal.marks),
            contest: self.contest(&removal.contest),
        }
    }

    /// The whole meeting.
    pub fn view(&self) -> MeetingView {
        let view = self.meeting;
        let person = |person: &Person| match person {
            Person::Member(member) => text(member),
            Person::Guest(id) => text(id),
        };
        let mut contested = Vec::new();
        self.contested(&mut contested, "kind", &view.kind, |kind| kind.key().to_owned());
        self.contested(&mut contested, "month", &view.month, |one| text(one));
        self.contested(&mut contested, "date", &view.date, |one| text(one));
        self.contested(&mut contested, "place", &view.place, |words| {
            words.as_str().to_owned()
        });
        self.contested(&mut contested, "number", &view.number, |words| {
            words.as_str().to_owned()
        });
        self.contested(&mut contested, "start", &view.start, |one| text(one));
        self.contested(&mut contested, "end", &view.end, |one| text(one));
        self.contested(&mut contested, "chair", &view.chair, person);
        self.contested(&mut contested, "clerk", &view.clerk, person);
        let words = |field: &Field<sotay_engine::handbook::Words>| {
            field.value.as_ref().map(|words| words.as_str().to_owned())
        };
        MeetingView {
            id: text(view.id),
            kind: view.kind.value,
            month: view.month.value.map(text),
            date: view.date.value.map(text),
            place: words(&view.place),
            number: words(&view.number),
            start: view.start.value.map(text),
            end: view.end.value.map(text),
            chair: view.chair.value.map(|who| self.person(who)),
            clerk: view.clerk.value.map(|who| self.person(who)),
            contested,
            phase: view.phase,
            steps: view.steps.iter().map(|step| self.step(step)).collect(),
            roll_frozen: view.roll_frozen,
            roll_contested: view
                .roll_contests
                .iter()
                .map(|contest| text(contest.member))
                .collect(),
            guests: view
                .guests
                .iter()
                .map(|guest| self.person(Person::Guest(guest.id)))
                .collect(),
            attendance: view.attendance.lines.iter().map(|line| self.line(line)).collect(),
            strangers: view
                .attendance
                .strangers
                .iter()
                .map(|one| self.member(one.member))
                .collect(),
            counts: sums(&view.attendance.counts),
            attendance_taken: view.attendance.taken,
            agenda: view.agenda.iter().map(|item| self.agenda(item)).collect(),
            speeches: view.speeches.iter().map(|speech| self.speech(speech)).collect(),
            motions: view.motions.iter().map(|motion| self.motion(motion)).collect(),
            conclusions: view
                .conclusions
                .iter()
                .map(|conclusion| self.conclusion(conclusion))
                .collect(),
            narrative: view
                .narrative
                .iter()
                .map(|(section, words)| NarrativeView {
                    section: *section,
                    text: words.as_str().to_owned(),
                })
                .collect(),
            notes: view.notes.iter().map(|note| self.note(note)).collect(),
            scores: view.scores.iter().map(|line| self.score(line)).collect(),
            total_points: view.total_points(),
            removed: view.removed.iter().map(text).collect(),
        }
    }

    fn step(&self, step: &engine::StepTaken) -> StepView {
        StepView {
            step: step.step,
            mark: self.mark(&step.mark),
            minutes: step.minutes.clone(),
        }
    }

    fn line(&self, line: &engine::AttendanceLine) -> AttendanceLineView {
        let entry = |entry: &engine::AttendanceEntry| AttendanceEntryView {
            mark: self.mark(&entry.mark),
            state: entry.state,
            how: entry.how,
            reason: entry.reason.as_ref().map(|words| words.as_str().to_owned()),
            corrected: entry.corrected,
        };
        AttendanceLineView {
            member: text(line.line.member),
            name: self.names.member(line.line.member).map(str::to_owned),
            number: line.line.number,
            role: line.line.role,
            group: line.line.group.as_ref().map(|words| words.as_str().to_owned()),
            standing: line.line.standing,
            activity: line.line.activity,
            must_attend: line.must_attend,
            voter: line.voter,
            state: line.state,
            how: line.how,
            reason: line.reason.as_ref().map(|words| words.as_str().to_owned()),
            entries: line.entries.iter().map(entry).collect(),
            ways: line.ways,
            contest: self.contest(&line.contest),
            arrived: line.arrived.value.map(text),
            left: line.left.value.map(text),
        }
    }

    fn agenda(&self, item: &engine::AgendaItem) -> AgendaView {
        AgendaView {
            id: text(item.id),
            title: item.title.as_str().to_owned(),
            presenter: item.presenter.map(|who| self.person(who)),
            removal: self.removal(&item.removal),
        }
    }

    fn speech(&self, speech: &engine::Speech) -> SpeechView {
        SpeechView {
            id: text(speech.id),
            speaker: speech.speaker.map(|who| self.person(who)),
            agenda: speech.agenda.map(text),
            text: speech.text.as_str().to_owned(),
            noted_by: speech.noted_by.map(|device| label(self.names, device)),
        }
    }

    fn motion(&self, motion: &engine::Motion) -> MotionView {
        MotionView {
            id: text(motion.id),
            agenda: motion.agenda.map(text),
            text: motion.text.as_str().to_owned(),
            method: motion.method,
            need: motion.need,
            opened: motion.opened,
            opened_by: self.marks(&motion.opened_by),
            opened_at: motion.opened_at.map(text),
            eligible: motion.eligible.iter().map(text).collect(),
            versions: self.versions(&motion.versions, |words| words.as_str().to_owned()),
            versions_contest: self.contest(&motion.versions_contest),
            reworded: motion.reworded.as_ref().map(|words| words.as_str().to_owned()),
            reworded_contest: self.contest(&motion.reworded_contest),
            present: motion.present,
            tallies: motion.tallies.iter().map(|tally| self.tally(tally)).collect(),
            tally_contest: self.contest(&motion.tally_contest),
            ballots: motion.ballots.iter().map(|ballot| self.ballot(ballot)).collect(),
            outcome: motion.outcome.map(|outcome| OutcomeView {
                counts: outcome.counts.into(),
                base: outcome.base,
                present: outcome.present,
                passed: outcome.passed,
                confirmed: outcome.confirmed,
                pending: outcome.pending,
            }),
        }
    }

    fn tally(&self, tally: &engine::TallyClaim) -> TallyView {
        TallyView {
            mark: self.mark(&tally.mark),
            counts: tally.counts.into(),
            board: tally.board.iter().map(text).collect(),
            fit: match tally.fit {
                engine::TallyFit::Exact => TallyFit::Exact,
                engine::TallyFit::Short(votes) => TallyFit::Short { votes },
                engine::TallyFit::Over(votes) => TallyFit::Over { votes },
                engine::TallyFit::Unknown => TallyFit::Unknown,
            },
            over_contest: self.contest(&tally.over_contest),
        }
    }

    fn ballot(&self, ballot: &engine::VoterBallot) -> BallotView {
        let entry = |entry: &engine::BallotEntry| BallotEntryView {
            mark: self.mark(&entry.mark),
            ballot: entry.ballot,
            how: entry.how,
        };
        BallotView {
            member: self.member(ballot.member),
            counted: ballot.counted,
            entries: ballot.entries.iter().map(entry).collect(),
            contest: self.contest(&ballot.contest),
            not_counted: ballot.not_counted,
        }
    }

    fn conclusion(&self, conclusion: &engine::Conclusion) -> ConclusionView {
        let paragraph = |paragraph: &engine::Paragraph| ParagraphView {
            variant: paragraph.variant.clone(),
            text: paragraph.text.as_str().to_owned(),
            by: label(self.names, paragraph.by),
        };
        ConclusionView {
            id: text(conclusion.id),
            agenda: conclusion.agenda.map(text),
            paragraphs: conclusion.paragraphs.iter().map(paragraph).collect(),
            set_aside: conclusion.set_aside.iter().map(paragraph).collect(),
            text_contest: self.contest(&conclusion.text_contest),
            deadline: conclusion.due().map(text),
            deadline_contest: self.contest(&conclusion.deadline.contest),
            responsible: conclusion
                .responsible
                .iter()
                .map(|&member| self.member(member))
                .collect(),
            removal: self.removal(&conclusion.removal),
        }
    }

    fn note(&self, note: &engine::Note) -> NoteView {
        NoteView {
            id: text(note.id),
            kind: note.kind,
            text: note.text.as_str().to_owned(),
            removal: self.removal(&note.removal),
        }
    }

    fn score(&self, line: &engine::ScoreLine) -> ScoreView {
        let points = line.points.iter().map(|(scorer, field)| PointsView {
            scorer: self.person(*scorer),
            points: field.value.flatten(),
            contest: self.contest(&field.contest),
        });
        ScoreView {
            criterion: line.criterion.clone(),
            points: points.collect(),
            average: line.average,
            most: line.most,
        }
    }
}

fn sums(counts: &engine::AttendanceCounts) -> AttendanceSums {
    AttendanceSums {
        total: counts.total,
        present: counts.present,
        present_full: counts.present_full,
        present_probationary: counts.present_probationary,
        excused: counts.excused,
        unexcused: counts.unexcused,
        exempt: counts.exempt,
        away: counts.away,
        unmarked: counts.unmarked,
        must_attend: counts.must_attend,
        must_attend_present: counts.must_attend_present,
    }
}
