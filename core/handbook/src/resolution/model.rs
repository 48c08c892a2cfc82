//! What a template of a resolution can place: a view made plain text.

use serde::Serialize;

use super::{Part, ResolutionView, VoteLine};
use crate::date::Date;
use crate::meeting::Person;
use crate::message::{Arg, Lang, Message, Names, member_name};
use crate::minutes::Heading;
use crate::roster::Roll;

/// A resolution as plain text, in the order in which it is printed. Empty texts are what nobody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResolutionModel {
    /// The upper body.
    pub upper: String,
    /// The unit.
    pub unit: String,
    /// `03-NQ/CB`.
    pub number: String,
    /// `ngày 20 tháng 5 năm 2025`.
    pub date_in_words: String,
    /// What it is about.
    pub title: String,
    /// Paragraphs about what was done so far.
    pub assessment: Vec<String>,
    /// Paragraphs about what is wanted.
    pub goals: Vec<String>,
    /// Tasks in order.
    pub tasks: Vec<ModelTask>,
    /// Paragraphs about how it is carried out.
    pub organisation: Vec<String>,
    /// `Thông qua 31/38 = 81,58 % (33 có mặt)`.
    pub vote: String,
    /// Who gets a copy.
    pub recipients: Vec<String>,
    /// Name of who signs.
    pub signer: String,
    /// Office of who signs.
    pub signer_role: String,
    /// Whether it is issued; otherwise it is a draft.
    pub issued: bool,
}

/// A task in a [`ResolutionModel`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelTask {
    /// What is to be done.
    pub text: String,
    /// Names of who is responsible.
    pub people: Vec<String>,
    /// `20/05/2025`, or empty.
    pub deadline: String,
}

impl VoteLine {
    /// `Thông qua 31/38 = 81,58 % (33 có mặt)`.
    pub fn message(&self) -> Message {
        let (part, base) = (u64::from(self.counts.for_), u64::from(self.eligible));
        let key = if self.passed {
            "vote.passed"
        } else {
            /* message */
            "vote.rejected"
        };
        Message::new(key)
            .number("for", part)
            .number("base", base)
            .with("rate", Arg::Percent(part, base))
            .number("present", u64::from(self.present))
    }
}

impl ResolutionModel {
    /// Fills it; `roll` is the list of the resolution's day, for the office of who signs.
    pub fn of(view: &ResolutionView, heading: &Heading, roll: &Roll, names: &dyn Names) -> Self {
        let paragraphs = |part: Part| {
            let lines = view
                .part(part)
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty());
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let name = |member| member_name(member, Lang::Vi, names);
        let signer = match view.signer.value {
            Some(Person::Member(member)) => Some(member),
            _ => None,
        };
        let role = signer.and_then(|member| roll.get(member)).map(|line| line.role);
        Self {
            upper: heading.upper.trim().to_owned(),
            unit: heading.unit.trim().to_owned(),
            number: view.number_text().unwrap_or_default(),
            date_in_words: view.date.value.map(Date::in_words).unwrap_or_default(),
            title: view.title.value.as_deref().unwrap_or_default().to_owned(),
            assessment: paragraphs(Part::Assessment),
            goals: paragraphs(Part::Goals),
            tasks: view
                .tasks
                .iter()
                .map(|task| ModelTask {
                    text: task.text.as_str().to_owned(),
                    people: task.people.iter().map(|&member| name(member)).collect(),
                    deadline: task.deadline.map(Date::long).unwrap_or_default(),
                })
                .collect(),
            organisation: paragraphs(Part::Organisation),
            vote: view
                .vote
                .value
                .as_ref()
                .map(|vote| vote.message().text(Lang::Vi, names))
                .unwrap_or_default(),
            recipients: view
                .recipients
                .iter()
                .map(|one| one.label.as_str().to_owned())
                .collect(),
            signer: signer.map(name).unwrap_or_default(),
            signer_role: role
                .map(|role| Message::new(role.message()).text(Lang::Vi, names))
                .unwrap_or_default(),
            issued: view.is_issued(),
        }
    }
}
