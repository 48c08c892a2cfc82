//! The review list of the roster: entries for one member and one day that were made differently on two phones.

use super::unit::unit_key;
use super::view::{Dated, entry_key, item_of, number_key};
use super::{RosterField, RosterLine, RosterView, UnitField};
use crate::claim::{Contest, Field};
use crate::message::{Arg, Message};
use crate::review::{ReviewItem, ReviewKind, ReviewList, ReviewOption, Severity, Subject, values_item};

/// Everything that contradicts itself in the roster.
pub fn review(view: &RosterView) -> ReviewList {
    let mut items = Vec::new();
    for line in &view.lines {
        let number = |number: &u32| Message::new("value.text").number("value", u64::from(*number));
        let what = Message::new("roster_field.number");
        contested(
            line,
            &item_of(&number_key(line.member)),
            what,
            &line.number,
            &number,
            &mut items,
        );
        dated(
            line,
            RosterField::Role,
            &line.roles,
            &|v| Message::new(v.message()),
            &mut items,
        );
        let group = |group: &crate::words::Words| Message::new("value.text").words("value", group);
        dated(line, RosterField::Group, &line.groups, &group, &mut items);
        dated(
            line,
            RosterField::Standing,
            &line.standings,
            &|v| Message::new(v.message()),
            &mut items,
        );
        dated(
            line,
            RosterField::Activity,
            &line.activities,
            &|v| Message::new(v.message()),
            &mut items,
        );
    }
    for field in UnitField::ALL {
        unit(*field, view, &mut items);
    }
    ReviewList::new(items)
}

/// Names of the unit that were entered differently for one day.
fn unit(field: UnitField, view: &RosterView, items: &mut Vec<ReviewItem>) {
    let say = |name: &Option<crate::words::Words>| match name {
        Some(name) => Message::new("value.quoted").words("value", name),
        None => Message::new("value.withdrawn"),
    };
    for entry in view.unit.entries(field) {
        let what = Message::new("roster_field.from")
            .with("field", Arg::Message(Message::new(field.message())))
            .with("date", Arg::Day(entry.from));
        items.extend(values_item(
            item_of(&unit_key(field, entry.from)),
            ReviewKind::RosterEntry,
            Severity::Block,
            Subject::Document,
            Message::new("review.unit_entry").with("what", Arg::Message(what)),
            &entry.entry,
            &say,
        ));
    }
}

fn dated<T>(
    line: &RosterLine,
    field: RosterField,
    entries: &[Dated<T>],
    say: &dyn Fn(&T) -> Message,
    items: &mut Vec<ReviewItem>,
) {
    for entry in entries {
        let item = item_of(&entry_key(line.member, field, entry.from));
        let what = Message::new("roster_field.from")
            .with("field", Arg::Message(Message::new(field.message())))
            .with("date", Arg::Day(entry.from));
        let say = |value: &Option<T>| {
            value
                .as_ref()
                .map_or_else(|| Message::new("value.withdrawn"), say)
        };
        contested(line, &item, what, &entry.entry, &say, items);
    }
}

fn contested<T>(
    line: &RosterLine,
    item: &str,
    what: Message,
    field: &Field<T>,
    say: &dyn Fn(&T) -> Message,
    items: &mut Vec<ReviewItem>,
) {
    if field.contest == Contest::None {
        return;
    }
    let values: Vec<Message> = field.claims.iter().map(|claim| say(&claim.value)).collect();
    items.push(ReviewItem {
        id: item.to_owned(),
        kind: ReviewKind::RosterEntry,
        severity: Severity::Block,
        subject: Subject::Member(line.member),
        marks: field
            .claims
            .iter()
            .flat_map(|claim| claim.marks.clone())
            .collect(),
        message: Message::new("review.roster_entry")
            .with("member", Arg::Member(line.member))
            .with("what", Arg::Message(what))
            .number("count", field.claims.len() as u64)
            .with("values", Arg::List(values.clone())),
        options: field
            .claims
            .iter()
            .zip(values)
            .map(|(claim, label)| ReviewOption {
                pick: claim.tag.to_string(),
                label,
            })
            .collect(),
        contest: field.contest.clone(),
        seen: field.claims.iter().map(|claim| claim.tag).collect(),
    });
}
