//! The review list of a resolution.

use super::{ResolutionView, number_text};
use crate::claim::{Contest, Field};
use crate::meeting::Person;
use crate::message::{Arg, Message};
use crate::review::{ReviewItem, ReviewKind, ReviewList, ReviewOption, Severity, Subject, values_item};
use crate::words::Words;

pub(super) const NUMBER_PREFIX: &str = "number/";

/// Everything that contradicts itself in one resolution.
pub fn review(view: &ResolutionView) -> ReviewList {
    let mut items = Vec::new();
    let text = |value: &str| Message::new("value.text").words("value", &Words::from(value));
    let vote = |vote: &super::VoteLine| vote.message();
    heading(
        &view.number,
        "info.number",
        "info/number",
        &|n| text(&number_text(*n)),
        &mut items,
    );
    heading(
        &view.date,
        "info.date",
        "info/date",
        &|day| Message::new("value.date").with("value", Arg::Day(*day)),
        &mut items,
    );
    heading(
        &view.title,
        "info.title",
        "info/title",
        &|words| Message::new("value.quoted").words("value", words),
        &mut items,
    );
    heading(
        &view.signer,
        "info.signer",
        "info/signer",
        &|person| match person {
            Person::Member(member) => Message::new("value.member").with("member", Arg::Member(*member)),
            Person::Guest(_) => Message::new("what.guest"),
        },
        &mut items,
    );
    heading(&view.vote, "info.vote", "info/vote", &vote, &mut items);
    for task in &view.tasks {
        let id = format!("task/{}", task.id);
        let say = |cell: &Option<super::TaskCell>| match cell {
            Some(cell) => {
                let due = cell.deadline.map_or_else(
                    || Message::new("value.no_deadline"),
                    |day| Message::new("value.date").with("value", Arg::Date(day)),
                );
                Message::new("value.task")
                    .words("what", &cell.text.0)
                    .with("due", Arg::Message(due))
            }
            None => Message::new("option.remove"),
        };
        heading(&task.cells, "what.task", &id, &say, &mut items);
    }
    ReviewList::new(items)
}

fn heading<T>(
    field: &Field<T>,
    what: &'static str,
    id: &str,
    say: &dyn Fn(&T) -> Message,
    items: &mut Vec<ReviewItem>,
) {
    let message = Message::new("review.values").with("what", Arg::Message(Message::new(what)));
    let (kind, subject) = (ReviewKind::HeadingTwice, Subject::Document);
    items.extend(values_item(
        id.to_owned(),
        kind,
        Severity::Block,
        subject,
        message,
        field,
        say,
    ));
}

/// Other resolutions of the same year with the same number, to be added to the list of `view`. The option gives `view` the
/// next number that nobody has.
pub fn same_number(view: &ResolutionView, others: &[&ResolutionView]) -> Vec<ReviewItem> {
    let year = |view: &ResolutionView| view.date.value.map(|day| day.month().year());
    let Some(number) = view.number.value else {
        return Vec::new();
    };
    let same_year: Vec<&&ResolutionView> = others
        .iter()
        .filter(|other| other.id != view.id && year(other) == year(view))
        .collect();
    let twins: Vec<&&&ResolutionView> = same_year
        .iter()
        .filter(|other| other.number.value == Some(number))
        .collect();
    if twins.is_empty() {
        return Vec::new();
    }
    let last = same_year.iter().filter_map(|other| other.number.value).max();
    let next = last.unwrap_or(number).max(number).saturating_add(1);
    let titles = twins
        .iter()
        .filter_map(|other| other.title.value.as_ref())
        .map(|title| Message::new("value.quoted").words("value", title));
    vec![ReviewItem {
        id: format!("{NUMBER_PREFIX}{number}"),
        kind: ReviewKind::NumberTwice,
        severity: Severity::Block,
        subject: Subject::Document,
        marks: view
            .number
            .claims
            .iter()
            .flat_map(|claim| claim.marks.clone())
            .collect(),
        message: Message::new("review.number_twice")
            .words("number", &Words::from(number_text(number)))
            .with("others", Arg::List(titles.collect())),
        options: vec![ReviewOption {
            pick: format!("{NUMBER_PREFIX}{next}"),
            label: Message::new("option.take_number").words("number", &Words::from(number_text(next))),
        }],
        contest: Contest::Open,
        seen: Vec::new(),
    }]
}
