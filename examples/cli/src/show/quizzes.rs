//! Questions, marks, repetition and broadcasts.

use serde_json::{Value, json};
use sotay_engine::study::quiz::{Attempt, Marks, Question, Standing, Task};
use sotay_engine::{AirState, BroadcastLine, HandedIn, Judged, QuizEntry, StudyOverview};

use super::columns;
use crate::commands::publisher;
use crate::voice::Voice;

/// A question as it is asked: its number, its text, its choices with letters.
pub(crate) fn question(
    voice: Voice,
    number: usize,
    total: usize,
    question: &Question,
    order: &[u8],
) -> String {
    let mut lines = vec![format!("\n{number}/{total}. {}", question.text)];
    let choices = order
        .iter()
        .filter_map(|at| question.choices().get(usize::from(*at)));
    lines.extend(
        ('a'..='z')
            .zip(choices)
            .map(|(letter, choice)| format!("   {letter}) {choice}")),
    );
    lines.push(match &question.task {
        Task::One { .. } => voice.say("quiz.how_one", &[]),
        Task::Several { .. } => voice.say("quiz.how_several", &[]),
        Task::Truth { .. } => voice.say("quiz.how_truth", &[]),
        Task::Number { .. } => voice.say("quiz.how_number", &[]),
    });
    lines.join("\n")
}

/// The quizzes, numbered.
pub(crate) fn quizzes(voice: Voice, entries: &[QuizEntry]) -> String {
    if entries.is_empty() {
        return voice.say("quiz.none", &[]);
    }
    let marks = |marks: Option<Marks>| marks.map_or_else(|| "–".to_owned(), |marks| marks.to_string());
    let row = |(at, entry): (usize, &QuizEntry)| {
        let asked = entry.package.questions.len() - entry.retired.len();
        let (best, last) = (marks(entry.best), marks(entry.last));
        let state = voice.say(
            "quiz.row",
            &[
                ("questions", &asked),
                ("attempts", &entry.attempts),
                ("best", &best),
                ("last", &last),
            ],
        );
        let exam = if entry.exam.is_some() {
            voice.say("quiz.exam", &[])
        } else {
            String::new()
        };
        let title = format!("{} {}", entry.package.title, publisher(voice, &entry.from));
        vec![format!("{:>3}", at + 1), title.trim_end().to_owned(), state, exam]
    };
    columns(&entries.iter().enumerate().map(row).collect::<Vec<_>>())
}

/// How an attempt counts, for programs.
pub(crate) fn standing_name(standing: Standing) -> &'static str {
    match standing {
        Standing::Counts => "counts",
        Standing::CountsLate { .. } => "counts_late",
        Standing::OutsideWindow => "outside_window",
        Standing::TooSlow => "too_slow",
        Standing::TooMany => "too_many",
    }
}

/// An attempt that was handed in: every question with its passage, then the marks.
pub(crate) fn judged(voice: Voice, judged: &[Judged], handed_in: &HandedIn) -> String {
    let mut lines = Vec::new();
    for (at, one) in judged.iter().enumerate() {
        let mark = match one.right {
            Some(true) => "✓",
            Some(false) => "✗",
            None => "–",
        };
        lines.push(format!("{mark} {}. {}", at + 1, passage(&one.question)));
    }
    let marks = handed_in.marks;
    lines.push(voice.say(
        "quiz.marks",
        &[
            ("marks", &marks),
            ("right", &marks.right),
            ("total", &marks.total),
        ],
    ));
    lines.extend(match handed_in.standing {
        None | Some(Standing::Counts | Standing::CountsLate { .. }) => None,
        Some(Standing::OutsideWindow) => Some(voice.say("quiz.outside_window", &[])),
        Some(Standing::TooSlow) => Some(voice.say("quiz.too_slow", &[])),
        Some(Standing::TooMany) => Some(voice.say("quiz.too_many", &[])),
    });
    lines.join("\n")
}

/// What to tell right after an answer.
pub(crate) fn told(voice: Voice, question: &Question, right: bool) -> String {
    let word = if right {
        voice.say("quiz.right", &[])
    } else {
        voice.say("quiz.wrong", &[])
    };
    format!("{word} {}", passage(question))
}

fn passage(question: &Question) -> String {
    if question.explanation.is_empty() {
        format!("{}: “{}”", question.citation.label, question.citation.quote)
    } else {
        question.explanation.clone()
    }
}

/// The attempts at a quiz.
pub(crate) fn results(voice: Voice, entry: &QuizEntry, attempts: &[(Attempt, Marks)]) -> String {
    let row = |(attempt, marks): &(Attempt, Marks)| {
        let moment = voice.moment(attempt.started.saturating_mul(1000));
        vec![
            moment,
            marks.to_string(),
            format!("{}/{}", marks.right, marks.total),
        ]
    };
    let rows: Vec<Vec<String>> = attempts.iter().map(row).collect();
    let list = if rows.is_empty() {
        voice.say("quiz.no_attempts", &[])
    } else {
        columns(&rows)
    };
    format!("{}\n{list}", entry.package.title)
}

/// How learning stands.
pub(crate) fn study(voice: Voice, overview: &StudyOverview) -> String {
    let minutes = overview.seconds / 60;
    let mut lines = vec![
        voice.say(
            "study.documents",
            &[
                ("documents", &overview.documents),
                ("finished", &overview.finished),
                ("begun", &overview.begun),
                ("minutes", &minutes),
            ],
        ),
        voice.say(
            "study.quizzes",
            &[
                ("quizzes", &overview.quizzes),
                ("attempts", &overview.attempts),
                ("questions", &overview.questions),
            ],
        ),
        voice.say("study.due", &[("due", &overview.due)]),
    ];
    if let Some(next) = overview.next_due {
        lines.push(voice.say(
            "study.next_due",
            &[("moment", &voice.moment(next.saturating_mul(1000)))],
        ));
    }
    lines.join("\n")
}

/// The schedule: what is on, what comes, what is over.
pub(crate) fn broadcasts(voice: Voice, all: &[BroadcastLine]) -> String {
    if all.is_empty() {
        return voice.say("air.none", &[]);
    }
    let row = |line: &BroadcastLine| {
        let broadcast = &line.broadcast;
        let state = match line.state {
            AirState::Over => voice.say("air.over", &[]),
            AirState::Now => voice.say("air.now", &[]),
            AirState::Next => voice.say("air.next", &[]),
            AirState::Later => voice.say("air.later", &[]),
        };
        let links: Vec<String> = broadcast
            .links
            .iter()
            .map(|link| format!("{} {}", link.label, link.url))
            .collect();
        vec![
            voice.moment(broadcast.start.saturating_mul(1000)),
            voice.say("air.minutes", &[("minutes", &broadcast.minutes)]),
            state,
            format!("{} {}", broadcast.title, publisher(voice, &line.from))
                .trim_end()
                .to_owned(),
            links.join(" | "),
            broadcast.recording.as_ref().map_or_else(String::new, |blob| {
                voice.say(
                    "air.recording",
                    &[("name", &blob.name), ("size", &size(blob.size))],
                )
            }),
        ]
    };
    let numbered = |(at, one)| [vec![format!("{:>3}", at + 1)], row(one)].concat();
    columns(&all.iter().enumerate().map(numbered).collect::<Vec<_>>())
}

/// Bytes as people read them, shown before anything is fetched: `12,5 MB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)];
    match UNITS.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => {
            let tenths = u128::from(bytes) * 10 / u128::from(*unit);
            format!("{},{} {name}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

/// One broadcast for programs.
pub(crate) fn broadcast_json(line: &BroadcastLine) -> Value {
    let broadcast = &line.broadcast;
    let state = match line.state {
        AirState::Over => "over",
        AirState::Now => "now",
        AirState::Next => "next",
        AirState::Later => "later",
    };
    let links: Vec<Value> = broadcast
        .links
        .iter()
        .map(|link| json!({ "label": link.label, "url": link.url }))
        .collect();
    json!({
        "start": broadcast.start,
        "minutes": broadcast.minutes,
        "title": broadcast.title,
        "state": state,
        "from": line.from,
        "links": links,
        "recording": broadcast.recording.as_ref().map(|blob| json!({
            "name": blob.name,
            "size": blob.size,
            "hash": blob.hash.to_string(),
            "media_type": blob.media_type,
        })),
    })
}
