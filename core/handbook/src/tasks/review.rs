//! The review list of tasks: words and deadlines with two values.

use super::{Task, TasksView};
use crate::date::Date;
use crate::message::{Arg, Message};
use crate::review::{ReviewKind, ReviewList, Severity, Subject, values_item};
use crate::schema::task;
use crate::words::Words;

/// Everything that contradicts itself among the tasks.
pub fn review(view: &TasksView) -> ReviewList {
    let mut items = Vec::new();
    for one in view.tasks.iter().filter(|one| !one.withdrawn) {
        let words = |words: &Words| Message::new("value.quoted").words("value", words);
        let message = about(one, "review.task_words");
        items.extend(item(one, task::WHAT, message, &one.what, &words));
        let day = |day: &Option<Date>| match day {
            Some(day) => Message::new("value.date").with("value", Arg::Date(*day)),
            None => Message::new("value.no_deadline"),
        };
        let message = about(one, "review.task_deadline");
        items.extend(item(one, task::DEADLINE, message, &one.deadline, &day));
    }
    ReviewList::new(items)
}

fn about(one: &Task, key: &'static str) -> Message {
    Message::new(key).with("task", Arg::Words(one.words().into()))
}

fn item<T>(
    one: &Task,
    field: &str,
    message: Message,
    values: &crate::claim::Field<T>,
    say: &dyn Fn(&T) -> Message,
) -> Option<crate::review::ReviewItem> {
    let id = format!("task/{}/{field}", one.id);
    let kind = ReviewKind::TaskTwice;
    values_item(
        id,
        kind,
        Severity::Block,
        Subject::Entry(one.id),
        message,
        values,
        say,
    )
}
