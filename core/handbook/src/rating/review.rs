//! The review list of ratings: points and decisions with two values.

use super::{Card, Rated, RatingView};
use crate::claim::Field;
use crate::message::{Arg, Message};
use crate::review::{ReviewItem, ReviewKind, ReviewList, Severity, Subject, values_item};
use crate::words::Words;

/// Everything that contradicts itself in the ratings.
pub fn review(view: &RatingView) -> ReviewList {
    let mut items = Vec::new();
    for card in &view.cards {
        for leaf in &card.criteria {
            for one in &leaf.points {
                let key = super::view::score_key(card.rated, &leaf.criterion, one.column, one.scorer);
                let what = Message::new("review.rating_points")
                    .words("criterion", &Words::from(leaf.criterion.as_str()))
                    .with("column", Arg::Message(Message::new(one.column.message())))
                    .with("who", Arg::Member(one.scorer));
                let say = |points: &Option<u32>| match points {
                    Some(points) => {
                        Message::new("value.points").with("value", Arg::Points(u64::from(*points)))
                    }
                    None => Message::new("value.withdrawn"),
                };
                contested(card, format!("score/{key}"), &one.points, what, &say, &mut items);
            }
        }
        for column in &card.columns {
            let key = super::view::level_key(card.rated, column.column);
            let what = Message::new("review.rating_level")
                .with("column", Arg::Message(Message::new(column.column.message())));
            let say = |level: &Option<String>| match level {
                Some(level) => Message::new("value.text").words("value", &Words::from(level.as_str())),
                None => Message::new("value.withdrawn"),
            };
            contested(
                card,
                format!("level/{key}"),
                &column.decided,
                what,
                &say,
                &mut items,
            );
        }
    }
    ReviewList::new(items)
}

fn contested<T>(
    card: &Card,
    id: String,
    field: &Field<T>,
    what: Message,
    say: &dyn Fn(&T) -> Message,
    items: &mut Vec<ReviewItem>,
) {
    let (subject, rated) = match card.rated {
        Rated::Branch => (Subject::Document, Message::new("rated.branch")),
        Rated::Member(member) => (
            Subject::Member(member),
            Message::new("value.member").with("member", Arg::Member(member)),
        ),
    };
    let message = Message::new("review.rating_twice")
        .with("rated", Arg::Message(rated))
        .with("what", Arg::Message(what));
    let kind = ReviewKind::PointsTwice;
    items.extend(values_item(
        id,
        kind,
        Severity::Block,
        subject,
        message,
        field,
        say,
    ));
}
