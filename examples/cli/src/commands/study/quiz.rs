//! `quiz` and `study`: questions on the documents, and their repetition.

use serde_json::{Value, json};
use sotay_engine::study::quiz::{Attempt, Given, Marks, drafts};
use sotay_engine::{DueQuestion, Judged, QuizEntry};

use super::taking::{self, Asked, ask};
use super::{pick, review_file};
use crate::args::{Quiz, QuizCommand, Study};
use crate::failure::{Code, Failure};
use crate::files;
use crate::reply::Reply;
use crate::session::Session;
use crate::show;

pub(in crate::commands) fn quiz(session: &Session, args: Quiz) -> Result<Reply, Failure> {
    match args.command.unwrap_or(QuizCommand::List) {
        QuizCommand::List => list(session),
        QuizCommand::Draft {
            document,
            out,
            count,
            seed,
            title,
        } => {
            let voice = session.voice;
            let drafted = session.open()?.run(move |device, _| {
                let entry = pick::document(device, &document)?;
                let made = drafts(&device.document(entry.id)?, seed, count);
                let title = title.unwrap_or(entry.manifest.title);
                Ok((made.len(), review_file::write(&title, &made)?))
            });
            let (count, text) = drafted?;
            if count == 0 {
                return Err(Failure::new(Code::NothingToAsk));
            }
            files::write(&out, &text)?;
            let done = voice.say("quiz.drafted", &[("count", &count), ("file", &out.display())]);
            Ok(Reply::new(
                json!({ "file": out.display().to_string(), "questions": count }),
                done,
            ))
        }
        QuizCommand::Publish { file } => {
            let name = file.to_string_lossy();
            let package = review_file::read(&files::read(&name, review_file::REVIEW_BYTES_MAX)?, &name)?;
            let (count, voice) = (package.questions.len(), session.voice);
            let id = session
                .open()?
                .run(move |device, _| Ok(device.publish_quiz(&package)?))?;
            let done = voice.say("quiz.published", &[("count", &count)]);
            Ok(Reply::new(
                json!({ "id": id.to_string(), "questions": count }),
                done,
            ))
        }
        QuizCommand::Take { quiz, seed } => take(session, quiz, seed),
        QuizCommand::Results { quiz } => results(session, quiz),
    }
}

fn list(session: &Session) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let entries = device.quizzes(now / 1000)?;
        let values: Vec<Value> = entries.iter().map(entry_json).collect();
        Ok(Reply::new(
            json!({ "quizzes": values }),
            show::quizzes(voice, &entries),
        ))
    })
}

fn entry_json(entry: &QuizEntry) -> Value {
    json!({
        "id": entry.id.to_string(),
        "title": entry.package.title,
        "questions": entry.package.questions.len(),
        "retired": entry.retired.len(),
        "attempts": entry.attempts,
        "best": entry.best.map(marks_json),
        "last": entry.last.map(marks_json),
        "exam": entry.package.exam.map(|rules| json!({
            "opens": rules.opens, "closes": rules.closes, "attempts": rules.attempts, "minutes": rules.minutes,
        })),
    })
}

fn marks_json(marks: Marks) -> Value {
    json!({ "marks": f64::from(marks.tenths) / 10.0, "right": marks.right, "total": marks.total })
}

fn take(session: &Session, wanted: String, seed: Option<u64>) -> Result<Reply, Failure> {
    let voice = session.voice;
    let phone = session.open()?;
    let sheet = phone.run(move |device, now| {
        let quiz = pick::quiz(device, &wanted, now / 1000)?.id;
        Ok(device.begin_quiz(quiz, seed, now / 1000)?)
    })?;
    let asked: Vec<Asked<'_>> = sheet
        .asked
        .iter()
        .map(|(question, order)| Asked {
            question,
            order: order.clone(),
        })
        .collect();
    let given = ask(session, &asked, |_, _| Ok(()))?;
    let attempt = Attempt {
        started: sheet.started,
        finished: sheet.started,
        package: sheet.quiz,
        seed: sheet.seed,
        given,
    };
    let (handed_in, judged) = phone.run(move |device, now| Ok(device.hand_in_sheet(attempt, now / 1000)?))?;
    let value = json!({
        "id": sheet.quiz.to_string(),
        "marks": marks_json(handed_in.marks),
        "standing": handed_in.standing.map(show::standing_name),
        "questions": judged.iter().map(judged_json).collect::<Vec<_>>(),
    });
    Ok(Reply::new(value, show::judged(voice, &judged, &handed_in)))
}

fn judged_json(judged: &Judged) -> Value {
    let question = &judged.question;
    json!({
        "text": question.text,
        "right": judged.right,
        "explanation": question.explanation,
        "section": question.citation.label,
        "quote": question.citation.quote,
    })
}

fn results(session: &Session, wanted: String) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let entry = pick::quiz(device, &wanted, now / 1000)?;
        let attempts = device.attempts(entry.id)?;
        let mut value = entry_json(&entry);
        value["results"] = attempts
            .iter()
            .map(|(attempt, marks)| {
                let mut one = marks_json(*marks);
                one["started"] = json!(attempt.started);
                one["finished"] = json!(attempt.finished);
                one
            })
            .collect();
        Ok(Reply::new(value, show::results(voice, &entry, &attempts)))
    })
}

pub(in crate::commands) fn study(session: &Session, args: Study) -> Result<Reply, Failure> {
    let phone = session.open()?;
    let due = phone.run(|device, now| Ok(device.due(now / 1000)?))?;
    if args.repeat {
        let asked: Vec<Asked<'_>> = due.iter().map(in_own_order).collect();
        ask(session, &asked, |question, given| {
            let (id, answer): (_, Given) = (question.id(), given.clone());
            let right = phone.run(move |device, now| Ok(device.repeat(id, &answer, None, now / 1000)?))?;
            taking::say(session, &show::told(session.voice, question, right));
            Ok(())
        })?;
    }
    let voice = session.voice;
    phone.run(move |device, now| {
        let overview = device.study_overview(now / 1000)?;
        let due: Vec<Value> = device.due(now / 1000)?.iter().map(due_json).collect();
        let value = json!({
            "documents": overview.documents,
            "begun": overview.begun,
            "finished": overview.finished,
            "seconds": overview.seconds,
            "quizzes": overview.quizzes,
            "attempts": overview.attempts,
            "questions": overview.questions,
            "next_due": overview.next_due,
            "due": due,
        });
        Ok(Reply::new(value, show::study(voice, &overview)))
    })
}

fn in_own_order(due: &DueQuestion) -> Asked<'_> {
    let count = due.question.choices().len();
    Asked {
        question: &due.question,
        order: (0..count).filter_map(|at| u8::try_from(at).ok()).collect(),
    }
}

fn due_json(due: &DueQuestion) -> Value {
    json!({
        "quiz": due.package.to_string(),
        "text": due.question.text,
        "due": due.schedule.due,
        "interval_days": due.schedule.interval_days,
        "reviews": due.schedule.reviews,
        "lapses": due.schedule.lapses,
    })
}
