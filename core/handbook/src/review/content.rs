//! Situations about conclusions, removed entries and scores.

use super::people::{person_name, values_item};
use super::{ReviewItem, ReviewKind, ReviewOption, Severity, Subject};
use crate::claim::{Contest, Mark};
use crate::date::Date;
use crate::ids::EntryId;
use crate::meeting::{Conclusion, MeetingView, Paragraph, Person, Removal, Setting};
use crate::message::{Arg, Message};
use crate::words::Words;

/// Characters of a text that an item quotes.
const QUOTE_CHARS: usize = 80;

/// The beginning of a text, for an item that only has to say which one is meant.
fn quote(text: &str) -> Arg {
    let mut short: String = text.chars().take(QUOTE_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    Arg::Words(Words::from(short.replace('\n', " ")))
}

pub(super) fn conclusions(view: &MeetingView, _: &Setting<'_>, items: &mut Vec<ReviewItem>) {
    for conclusion in &view.conclusions {
        deadline(conclusion, items);
        rewritten(conclusion, items);
    }
}

pub(super) fn first_text(conclusion: &Conclusion) -> Arg {
    quote(
        conclusion
            .paragraphs
            .first()
            .map(|paragraph| paragraph.text.as_str())
            .unwrap_or_default(),
    )
}

/// `đang có 2 giá trị: 20/5, 30/5`.
fn deadline(conclusion: &Conclusion, items: &mut Vec<ReviewItem>) {
    let say = |date: &Option<Date>| match date {
        Some(date) => Message::new("value.date").with("value", Arg::Date(*date)),
        None => Message::new("value.no_deadline"),
    };
    items.extend(values_item(
        format!("conclusion/{}/deadline", conclusion.id),
        ReviewKind::DeadlineTwice,
        Severity::Block,
        Subject::Entry(conclusion.id),
        Message::new("review.deadline").with("conclusion", first_text(conclusion)),
        &conclusion.deadline,
        &say,
    ));
}

fn rewritten(conclusion: &Conclusion, items: &mut Vec<ReviewItem>) {
    if conclusion.text_contest == Contest::None {
        return;
    }
    let paragraphs: Vec<&Paragraph> = conclusion
        .paragraphs
        .iter()
        .chain(&conclusion.set_aside)
        .collect();
    let label = |paragraph: &&Paragraph| {
        Message::new("paragraph.by")
            .with("who", Arg::Device(paragraph.by))
            .with("text", quote(&paragraph.text))
    };
    items.push(ReviewItem {
        id: format!("conclusion/{}/text", conclusion.id),
        kind: ReviewKind::ConclusionTwice,
        severity: Severity::Block,
        subject: Subject::Entry(conclusion.id),
        marks: Vec::new(),
        message: Message::new("review.conclusion_twice")
            .number("count", paragraphs.len() as u64)
            .with("claims", Arg::List(paragraphs.iter().map(label).collect())),
        options: paragraphs
            .iter()
            .map(|paragraph| ReviewOption {
                pick: paragraph.tag.to_string(),
                label: label(paragraph),
            })
            .collect(),
        contest: conclusion.text_contest.clone(),
        seen: paragraphs.iter().map(|paragraph| paragraph.tag).collect(),
    });
}

/// Removed here, edited there: shown all the same. For a conclusion that blocks; elsewhere whoever edits wins.
pub(super) fn removed(view: &MeetingView, items: &mut Vec<ReviewItem>) {
    for item in &view.agenda {
        let about = ("agenda", item.id, quote(&item.title));
        removed_item(
            ReviewKind::AgendaRemoved,
            Severity::Info,
            about,
            &item.removal,
            items,
        );
    }
    for conclusion in &view.conclusions {
        let about = ("conclusion", conclusion.id, first_text(conclusion));
        removed_item(
            ReviewKind::ConclusionRemoved,
            Severity::Block,
            about,
            &conclusion.removal,
            items,
        );
    }
    for note in &view.notes {
        let about = ("note", note.id, quote(&note.text));
        removed_item(
            ReviewKind::NoteRemoved,
            Severity::Info,
            about,
            &note.removal,
            items,
        );
    }
}

fn removed_item(
    kind: ReviewKind,
    severity: Severity,
    (word, id, text): (&str, EntryId, Arg),
    removal: &Removal,
    items: &mut Vec<ReviewItem>,
) {
    if removal.contest == Contest::None {
        return;
    }
    let devices = removal
        .marks
        .iter()
        .map(|mark: &Mark| Message::new("value.device").with("device", Arg::Device(mark.device)));
    let option = |pick: &str, label| ReviewOption {
        pick: pick.to_owned(),
        label,
    };
    items.push(ReviewItem {
        id: format!("{word}/{id}/removed"),
        kind,
        severity,
        subject: Subject::Entry(id),
        marks: removal.marks.clone(),
        message: Message::new("review.removed_and_edited")
            .with("who", Arg::List(devices.collect()))
            .with("text", text),
        options: vec![
            option("keep", Message::new("option.keep")),
            option("remove", Message::new("option.remove")),
        ],
        contest: removal.contest.clone(),
        seen: removal.seen.clone(),
    });
}

pub(super) fn scores(view: &MeetingView, items: &mut Vec<ReviewItem>) {
    for line in &view.scores {
        for (scorer, field) in &line.points {
            let Person::Member(member) = scorer else { continue };
            let say = |points: &Option<u32>| match points {
                Some(points) => Message::new("value.points").with("value", Arg::Points(u64::from(*points))),
                None => Message::new("value.withdrawn"),
            };
            items.extend(values_item(
                format!("score/{}/{member}", line.criterion),
                ReviewKind::PointsTwice,
                Severity::Info,
                Subject::Member(*member),
                Message::new("review.points").with("member", Arg::Message(person_name(view, *scorer))),
                field,
                &say,
            ));
        }
    }
}
