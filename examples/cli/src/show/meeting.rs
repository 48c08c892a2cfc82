//! A meeting as it stands.

use serde_json::{Map, Value, json};
use sotay_engine::ProfileDevice;
use sotay_engine::handbook::meeting::{
    AgendaItem, AttendanceLine, Conclusion, MeetingView, Motion, Person, Removal, Speech, State,
};
use sotay_engine::handbook::review::ReviewList;
use sotay_engine::handbook::{Field, LocalTime, Names};
use sotay_engine::today;

use crate::failure::Failure;
use crate::voice::Voice;

/// Writes one meeting.
struct Writer<'a> {
    voice: Voice,
    view: &'a MeetingView,
    names: &'a dyn Names,
    out: String,
}

/// Everything recorded so far, in words.
pub(crate) fn meeting(voice: Voice, view: &MeetingView, list: &ReviewList, names: &dyn Names) -> String {
    let mut writer = Writer {
        voice,
        view,
        names,
        out: String::new(),
    };
    writer.head();
    writer.attendance();
    writer.section("show.agenda", view.agenda.len(), |w, n| {
        w.agenda(n, &view.agenda[n])
    });
    writer.section("show.speeches", view.speeches.len(), |w, n| {
        w.speech(n, &view.speeches[n])
    });
    writer.section("show.motions", view.motions.len(), |w, n| {
        w.motion(n, &view.motions[n])
    });
    writer.section("show.conclusions", view.conclusions.len(), |w, n| {
        w.conclusion(n, &view.conclusions[n])
    });
    writer.section("show.narrative", view.narrative.len(), |w, n| {
        let (section, text) = &view.narrative[n];
        let name = w.voice.word(*section);
        w.line(&format!("  {name}: {}", text.as_str()));
    });
    writer.section("show.notes", view.notes.len(), |w, n| {
        let note = &view.notes[n];
        let (kind, removed) = (w.voice.word(note.kind), w.removed(&note.removal));
        w.line(&format!("  {}. {kind}: {}{removed}", n + 1, note.text.as_str()));
    });
    writer.scores();
    let open = list.open().len();
    if open > 0 {
        let blocking = list.blocking().count();
        writer.line("");
        writer.line(&voice.say("show.review", &[("open", &open), ("blocking", &blocking)]));
    }
    writer.out
}

impl Writer<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn section(&mut self, key: &str, count: usize, mut write: impl FnMut(&mut Self, usize)) {
        if count == 0 {
            return;
        }
        self.line("");
        self.line(&self.voice.say(key, &[("count", &count)]));
        (0..count).for_each(|n| write(self, n));
    }

    /// A register with, while it is contested, everything somebody holds to be right.
    fn field<T>(&self, field: &Field<T>, say: impl Fn(&T) -> String) -> Option<String> {
        let shown = say(field.value.as_ref()?);
        if !field.contest.is_open() {
            return Some(shown);
        }
        let values: Vec<String> = field.claims.iter().map(|claim| say(&claim.value)).collect();
        let several = [
            ("value", &shown as &dyn std::fmt::Display),
            ("count", &values.len()),
            ("values", &values.join(", ")),
        ];
        Some(self.voice.say("show.several", &several))
    }

    fn person(&self, person: Person) -> String {
        match person {
            Person::Member(member) => self.voice.member(member, self.names),
            Person::Guest(guest) => self.view.guest(guest).map_or_else(
                || self.voice.say("show.guest_unknown", &[]),
                |g| g.label.to_string(),
            ),
        }
    }

    fn head(&mut self) {
        let view = self.view;
        let kind = self.field(&view.kind, |kind| self.voice.word(*kind));
        let month = self.field(&view.month, |month| {
            format!("{:02}/{}", month.number(), month.year())
        });
        let title: Vec<String> = [kind, month].into_iter().flatten().collect();
        self.line(&title.join(" "));
        let clock = |time: &LocalTime| format!("{} {}", time.date().long(), time.hours());
        let facts = [
            (
                self.voice.say("show.date", &[]),
                self.field(&view.date, |date| date.long()),
            ),
            (
                self.voice.say("show.number", &[]),
                self.field(&view.number, |number| number.to_string()),
            ),
            (
                self.voice.say("show.place", &[]),
                self.field(&view.place, |place| place.to_string()),
            ),
            (self.voice.say("show.start", &[]), self.field(&view.start, clock)),
            (self.voice.say("show.end", &[]), self.field(&view.end, clock)),
            (
                self.voice.say("show.chair", &[]),
                self.field(&view.chair, |person| self.person(*person)),
            ),
            (
                self.voice.say("show.clerk", &[]),
                self.field(&view.clerk, |person| self.person(*person)),
            ),
        ];
        for (name, value) in facts {
            if let Some(value) = value {
                self.line(&format!("{name}: {value}"));
            }
        }
        let phase = view.phase.map_or_else(
            || self.voice.say("show.preparing", &[]),
            |step| self.voice.word(step),
        );
        self.line(&self.voice.say("show.phase", &[("phase", &phase)]));
        let id = view.id.to_string();
        self.line(&self.voice.say("show.id", &[("id", &crate::voice::short(&id))]));
        self.section("show.guests", view.guests.len(), |w, n| {
            w.line(&format!("  {}. {}", n + 1, view.guests[n].label.as_str()));
        });
    }

    fn attendance(&mut self) {
        let counts = &self.view.attendance.counts;
        self.line("");
        let rate = self.voice.message(&counts.rate(), self.names);
        self.line(&self.voice.say(
            "show.attendance",
            &[
                ("total", &counts.total),
                ("present", &counts.present),
                ("full", &counts.present_full),
                ("probationary", &counts.present_probationary),
                ("excused", &counts.excused),
                ("unexcused", &counts.unexcused),
                ("exempt", &counts.exempt),
                ("away", &counts.away),
                ("unmarked", &counts.unmarked),
                ("rate", &rate),
            ],
        ));
        let view = self.view;
        for line in &view.attendance.lines {
            let plain = matches!(line.state, State::Present | State::Unmarked | State::Exempt);
            let timed = line.arrived.value.is_some() || line.left.value.is_some();
            if !plain || line.contest.is_open() || timed {
                self.attendance_line(line);
            }
        }
    }

    fn attendance_line(&mut self, line: &AttendanceLine) {
        let name = self.voice.member(line.line.member, self.names);
        let mut text = format!("  {}. {name}: {}", line.line.number, self.voice.word(line.state));
        if let Some(reason) = &line.reason {
            text.push_str(&format!(" ({})", reason.as_str()));
        }
        if let Some(time) = self.field(&line.arrived, |time| time.hours()) {
            text.push_str(&self.voice.say("show.arrived", &[("time", &time)]));
        }
        if let Some(time) = self.field(&line.left, |time| time.hours()) {
            text.push_str(&self.voice.say("show.left", &[("time", &time)]));
        }
        if let Some(note) = line.note() {
            text.push_str(&format!(" – {}", self.voice.message(&note, self.names)));
        }
        self.line(&text);
    }

    fn removed(&self, removal: &Removal) -> String {
        if removal.marks.is_empty() {
            String::new()
        } else {
            self.voice.say("show.removed_elsewhere", &[])
        }
    }

    fn agenda(&mut self, n: usize, item: &AgendaItem) {
        let presenter = item
            .presenter
            .map_or(String::new(), |person| format!(" – {}", self.person(person)));
        let removed = self.removed(&item.removal);
        self.line(&format!(
            "  {}. {}{presenter}{removed}",
            n + 1,
            item.title.as_str()
        ));
    }

    fn speech(&mut self, n: usize, speech: &Speech) {
        let who = speech.speaker.map_or_else(
            || self.voice.say("show.nobody", &[]),
            |person| self.person(person),
        );
        self.line(&format!("  {}. {who}: {}", n + 1, speech.text.as_str()));
    }

    fn motion(&mut self, n: usize, motion: &Motion) {
        let result = self.voice.message(&motion.result(), self.names);
        self.line(&format!("  {}. {}", n + 1, motion.text.as_str()));
        self.line(&format!(
            "     {}, {}: {result}",
            self.voice.word(motion.method),
            self.voice.word(motion.need)
        ));
        for tally in &motion.tallies {
            let who = self.voice.device(tally.mark.device, self.names);
            let counts = format!(
                "{}/{}/{}",
                tally.counts.for_, tally.counts.against, tally.counts.other
            );
            self.line(
                &self
                    .voice
                    .say("show.tally", &[("who", &who), ("counts", &counts)]),
            );
        }
        for note in motion.tally_notes() {
            let note = self.voice.message(&note, self.names);
            self.line(&format!("       ! {note}"));
        }
        for ballot in &motion.ballots {
            let who = self.voice.member(ballot.member, self.names);
            let vote = match (ballot.counted, ballot.note()) {
                (_, Some(note)) => self.voice.message(&note, self.names),
                (Some(vote), None) => self.voice.word(vote),
                (None, None) => self.voice.say("show.ballot_pending", &[]),
            };
            self.line(&format!("       {who}: {vote}"));
        }
    }

    fn conclusion(&mut self, n: usize, conclusion: &Conclusion) {
        let removed = self.removed(&conclusion.removal);
        match conclusion.paragraphs.as_slice() {
            [one] => self.line(&format!("  {}. {}{removed}", n + 1, one.text.as_str())),
            several => {
                self.line(&format!(
                    "  {}. {}{removed}",
                    n + 1,
                    self.voice.say("show.rewritten", &[("count", &several.len())])
                ));
                for (at, paragraph) in several.iter().enumerate() {
                    let who = self.voice.device(paragraph.by, self.names);
                    self.line(&format!("     [{}] {who}: {}", at + 1, paragraph.text.as_str()));
                }
            }
        }
        let none = || self.voice.say("show.no_deadline", &[]);
        let due = self.field(&conclusion.deadline, |date| {
            date.map_or_else(none, |date| date.short())
        });
        if let Some(due) = due.filter(|_| conclusion.due().is_some() || conclusion.deadline.contest.is_open())
        {
            self.line(&self.voice.say("show.deadline", &[("date", &due)]));
        }
        if !conclusion.responsible.is_empty() {
            let names: Vec<String> = conclusion
                .responsible
                .iter()
                .map(|&m| self.voice.member(m, self.names))
                .collect();
            self.line(
                &self
                    .voice
                    .say("show.responsible", &[("names", &names.join(", "))]),
            );
        }
    }

    fn scores(&mut self) {
        if let Some(total) = self.view.total_points() {
            let points = sotay_engine::handbook::number::hundredths(total.into());
            self.line("");
            self.line(&self.voice.say("show.score", &[("points", &points)]));
        }
    }
}

/// Names and labels known on this device, by id: views hold ids only.
pub(crate) fn names_json(device: &mut ProfileDevice, now: i64) -> Result<Value, Failure> {
    let lines = device.roster_view()?.lines;
    let phones = device.members(today(now))?;
    let names = device.names();
    let name = |line: &sotay_engine::handbook::roster::RosterLine| {
        names
            .member(line.member)
            .map(|name| (line.member.to_string(), json!(name)))
    };
    let members: Map<String, Value> = lines.iter().filter_map(name).collect();
    let devices: Map<String, Value> = phones
        .iter()
        .flat_map(|member| &member.devices)
        .map(|phone| (phone.device.to_string(), json!(phone.label)))
        .collect();
    Ok(json!({ "members": members, "devices": devices }))
}
