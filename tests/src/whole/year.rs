//! What people do beside meetings: roster, tasks, fees, ratings, resolutions, reports, feedback, names.

use sotay_engine::NewFeedback;
use sotay_engine::handbook::fees::Command as Fee;
use sotay_engine::handbook::rating::{Column, Command as Rate, Rated};
use sotay_engine::handbook::resolution::{Command as Resolve, Part};
use sotay_engine::handbook::roster::{Activity, Command as Roster, Role};
use sotay_engine::handbook::tasks::{Command as TaskCommand, TaskStatus};

use super::{Outcome, World};
use crate::branch::day;

const YEAR: i32 = 2025;

impl World {
    pub(super) fn in_the_year(&mut self, phone: usize) -> Outcome {
        let now = self.now();
        let id = self.phone(phone).fresh_id();
        let number = self.pick(42) + 1;
        let member = self.branch.member(number);
        let text = self.words();
        let from = day(["2025-05-01", "2025-05-04", "2025-06-01"][self.pick(3)]);
        match self.pick(12) {
            0 => {
                let activity = Activity::ALL[self.pick(Activity::ALL.len())];
                let set = Roster::SetActivity {
                    member,
                    activity,
                    from,
                };
                let done = self.phone(phone).roster(&set, now);
                self.try_out("roster", done)?;
            }
            1 => {
                let role = Role::ALL[self.pick(Role::ALL.len())];
                let set = Roster::SetRole { member, role, from };
                let done = self.phone(phone).roster(&set, now);
                self.try_out("roster", done)?;
            }
            2 => {
                let add = TaskCommand::Add {
                    id,
                    what: text.as_str().into(),
                    source: None,
                    people: vec![member],
                    deadline: Some(from),
                };
                let done = self.phone(phone).task(YEAR, &add, now);
                if self.try_out("tasks", done)?.is_some() {
                    self.tasks.push(id);
                }
            }
            3 => self.report_on_a_task(phone, &text)?,
            4 => {
                let pay = Fee::Pay {
                    id,
                    payer: member,
                    month: "2025-05".parse().expect("a month"),
                    amount: 6_000,
                    day: from,
                    note: None,
                };
                let done = self.phone(phone).fee(YEAR, &pay, now);
                if self.try_out("fee lines", done)?.is_some() {
                    self.fee_lines.push(id);
                }
            }
            5 => {
                let at = self.pick(self.fee_lines.len().max(1));
                let line = self.fee_lines.get(at).copied();
                if let Some(line) = line {
                    let reverse = Fee::Reverse {
                        id,
                        line,
                        day: from,
                        note: None,
                    };
                    let done = self.phone(phone).fee(YEAR, &reverse, now);
                    if self.try_out("reversing lines", done)?.is_some() {
                        self.fee_lines.push(id);
                    }
                }
            }
            6 => {
                let score = Rate::Score {
                    rated: Rated::Member(member),
                    criterion: "duty".to_owned(),
                    column: [Column::Own, Column::Committee][self.pick(2)],
                    scorer: self.branch.member(number % 3 + 1),
                    points: Some(500 + number as u32),
                };
                let done = self.phone(phone).rate(YEAR, &score, now);
                self.try_out("points", done)?;
                let add = Rate::AddEvidence {
                    id,
                    rated: Rated::Branch,
                    criterion: "plan".to_owned(),
                    text: text.as_str().into(),
                    meeting: None,
                };
                let done = self.phone(phone).rate(YEAR, &add, now);
                if self.try_out("evidence", done)?.is_some() {
                    self.evidence.push(id);
                }
            }
            7 => self.resolve(phone, &text)?,
            8 => {
                let sent = self
                    .phone(phone)
                    .send_report("2025-05".parse().expect("a month"), now);
                self.try_out("reports", sent)?;
            }
            9 | 10 => {
                let named = self.chance(70);
                let new = NewFeedback {
                    topic: "Việc làng".into(),
                    text: text.as_str().into(),
                    named,
                    ..NewFeedback::default()
                };
                let done = self.phone(phone).submit_feedback(&new, now);
                if let Some(id) = self.try_out("feedback", done)? {
                    self.feedback.insert(id, named);
                }
            }
            _ => {
                let done = match self.chance(30) {
                    true => self.phone(phone).rename_unit_from(Some(&text), None, from, now),
                    false => self.phone(phone).rename_member(member, &text),
                };
                self.try_out("names", done)?;
            }
        }
        Ok(())
    }

    fn report_on_a_task(&mut self, phone: usize, text: &str) -> Outcome {
        let now = self.now();
        let tasks = self
            .phone(phone)
            .tasks(YEAR)
            .map_err(|error| error.to_string())?
            .tasks;
        if tasks.is_empty() {
            return Ok(());
        }
        let id = tasks[self.pick(tasks.len())].id;
        let command = match self.pick(4) {
            0 => TaskCommand::Reopen {
                id,
                reason: Some(text.into()),
            },
            1 => TaskCommand::SetDeadline {
                id,
                deadline: Some(day(["2025-05-10", "2025-05-11"][self.pick(2)])),
            },
            _ => TaskCommand::Report {
                id,
                status: TaskStatus::ALL[self.pick(TaskStatus::ALL.len())],
                result: Some(text.into()),
            },
        };
        let done = self.phone(phone).task(YEAR, &command, now);
        self.try_out("task reports", done).map(|_| ())
    }

    fn resolve(&mut self, phone: usize, text: &str) -> Outcome {
        let now = self.now();
        let known = self
            .phone(phone)
            .resolutions()
            .map_err(|error| error.to_string())?;
        if known.is_empty() || self.chance(20) {
            let made = self.phone(phone).new_resolution(None, text.into(), now);
            if let Some(doc) = self.try_out("resolutions", made)? {
                self.resolutions.push(doc);
            }
            return Ok(());
        }
        let doc = known[self.pick(known.len())].id;
        let command = match self.pick(4) {
            0 => Resolve::SetNumber(self.pick(3) as u32 + 1),
            1 => Resolve::SetDate(day("2025-05-05")),
            2 => Resolve::SetSigner(self.branch.member(1)),
            _ => Resolve::SetPart {
                part: Part::ALL[self.pick(Part::ALL.len())],
                text: text.into(),
            },
        };
        let done = if self.chance(10) {
            self.phone(phone).issue_resolution(doc, now)
        } else {
            self.phone(phone).resolution(doc, &[command], now)
        };
        self.try_out("resolutions", done).map(|_| ())
    }
}
