//! `meeting`: holding one.

mod plan;
mod print;
pub(super) mod seals;

use std::path::Path;

use serde_json::json;
use sotay_engine::feed::DocId;
use sotay_engine::handbook::{Date, Month};
use sotay_engine::{DiaryLine, MeetingHeading, ProfileDevice};

use crate::args::{Change, Meeting, MeetingCommand, Minutes, New};
use crate::failure::{Code, Failure};
use crate::files;
use crate::pick;
use crate::reply::Reply;
use crate::session::Session;
use crate::show;
use crate::voice::{Voice, short};

pub(super) fn run(session: &Session, args: Meeting) -> Result<Reply, Failure> {
    let wanted = args.meeting;
    match args.command {
        MeetingCommand::New(args) => new(session, &args),
        MeetingCommand::List => list(session),
        MeetingCommand::Show => show_one(session, wanted),
        MeetingCommand::History { skip, lines } => diary(session, wanted, skip, lines),
        MeetingCommand::TakeIn => take_in(session, wanted),
        MeetingCommand::Minutes(args) => minutes(session, wanted, args),
        MeetingCommand::Print(args) => print::run(session, wanted, args),
        MeetingCommand::Seal(args) => seals::seal(session, wanted, args),
        MeetingCommand::Countersign { seal } => seals::countersign(session, wanted, seal),
        MeetingCommand::Withdraw { seal } => seals::withdraw(session, wanted, seal),
        MeetingCommand::Seals => seals::list(session, wanted),
        MeetingCommand::SealFile { out } => seals::file(session, wanted, out),
        MeetingCommand::Attach { file, pages } => attach(session, wanted, &file, pages),
        MeetingCommand::OutsideSignature { file, seal, kind } => {
            seals::outside(session, wanted, &file, seal, &kind)
        }
        MeetingCommand::Change(change) => write(session, wanted, change, args.amend),
    }
}

fn new(session: &Session, args: &New) -> Result<Reply, Failure> {
    let voice = session.voice;
    let kind = args.kind;
    let date: Option<Date> = args.date.as_deref().map(pick::date).transpose()?;
    let month: Option<Month> = args.month.as_deref().map(pick::month).transpose()?;
    let month = month.or(date.map(Date::month)).filter(|_| kind.is_monthly());
    if month.is_none() && date.is_none() {
        return Err(Failure::new(Code::NeedMonth));
    }
    session.open()?.run(move |device, now| {
        let before: Vec<DocId> = device.meetings()?.iter().map(|meeting| meeting.doc).collect();
        let doc = device.new_meeting(kind, month, date, now)?;
        let created = !before.contains(&doc);
        let heading = heading(device, doc)?;
        let name = show::heading(voice, &heading);
        let said = if created {
            voice.say("meeting.created", &[("name", &name)])
        } else {
            voice.say("meeting.known", &[("name", &name)])
        };
        Ok(Reply::new(
            json!({ "meeting": doc.to_string(), "created": created, "heading": heading }),
            said,
        ))
    })
}

fn heading(device: &mut ProfileDevice, doc: DocId) -> Result<MeetingHeading, Failure> {
    let missing = || Failure::new(Code::NoMeeting).with("text", short(&doc.to_string()));
    device
        .meetings()?
        .into_iter()
        .find(|meeting| meeting.doc == doc)
        .ok_or_else(missing)
}

fn list(session: &Session) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let meetings = device.meetings()?;
        let from = device.reads_from()?;
        let mut value = json!({ "meetings": meetings });
        let closed = from.map(|day| {
            value["reads_from"] = day.to_string().into();
            voice.say("unit.reads_from", &[("day", &day.long())])
        });
        if meetings.is_empty() {
            let none = voice.say("meeting.none", &[]);
            return Ok(Reply::new(
                value,
                [Some(none), closed]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join("\n"),
            ));
        }
        let rows: Vec<Vec<String>> = meetings
            .iter()
            .enumerate()
            .map(|(at, one)| row(voice, at + 1, one))
            .collect();
        let table = show::columns(&rows);
        let text = closed.map_or(table.clone(), |closed| format!("{table}\n{closed}"));
        Ok(Reply::new(value, text))
    })
}

fn row(voice: Voice, number: usize, one: &MeetingHeading) -> Vec<String> {
    let phase = one
        .phase
        .map_or_else(|| voice.say("show.preparing", &[]), |step| voice.word(step));
    let open = match one.review_open {
        0 => String::new(),
        open => voice.say("meeting.review_open", &[("count", &open)]),
    };
    vec![
        format!("{number:>3}"),
        show::heading(voice, one),
        one.date.map(Date::long).unwrap_or_default(),
        phase,
        short(&one.doc.to_string()).to_owned(),
        open,
    ]
}

fn show_one(session: &Session, wanted: Option<String>) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let doc = pick::meeting(device, wanted.as_deref())?;
        let view = device.meeting_view(doc)?;
        let list = device.review(doc)?;
        let names = show::names_json(device, now)?;
        let text = show::meeting(voice, &view, &list, device.names());
        Ok(Reply::new(
            json!({ "meeting": view, "review": list, "names": names }),
            text,
        ))
    })
}

fn minutes(session: &Session, wanted: Option<String>, args: Minutes) -> Result<Reply, Failure> {
    let voice = session.voice;
    let (doc, minutes) = session.open()?.run(move |device, _| {
        let doc = pick::meeting(device, wanted.as_deref())?;
        Ok((doc, device.minutes(doc)?))
    })?;
    let value = json!({
        "meeting": doc.to_string(),
        "sha256": minutes.sha256,
        "heads": minutes.heads,
        "text": minutes.text,
        "out": args.out.as_ref().map(|path| path.display().to_string()),
    });
    let hash = voice.say("minutes.hash", &[("sha256", &minutes.sha256)]);
    match args.out {
        Some(path) => {
            files::write(&path, &minutes.text)?;
            Ok(Reply::new(
                value,
                format!(
                    "{}\n{hash}",
                    voice.say("file.written", &[("file", &path.display())])
                ),
            ))
        }
        None => Ok(Reply {
            value,
            text: minutes.text,
            aside: Some(hash),
        }),
    }
}

fn diary(session: &Session, wanted: Option<String>, skip: usize, count: usize) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let doc = pick::meeting(device, wanted.as_deref())?;
        let page = device.diary(doc, skip, count)?;
        let names = device.names();
        let words: Vec<Vec<String>> = page
            .lines
            .iter()
            .map(|line| line.words(voice.lang, names))
            .collect();
        let row = |(line, words): (&DiaryLine, &Vec<String>)| {
            let mut did = words.join("; ");
            if line.undone {
                did.push_str(&voice.say("diary.undone", &[]));
            }
            vec![
                voice.moment(line.at_ms),
                line.who.clone().unwrap_or_else(|| line.label.clone()),
                did,
            ]
        };
        let rows: Vec<Vec<String>> = page.lines.iter().zip(&words).map(row).collect();
        let shown = page.skipped + page.lines.len();
        let heading = voice.say(
            "diary.heading",
            &[
                ("from", &(page.skipped + 1).min(page.total)),
                ("to", &shown),
                ("total", &page.total),
            ],
        );
        let value = json!({ "meeting": doc.to_string(), "diary": page, "words": words });
        Ok(Reply::new(value, format!("{heading}\n{}", show::columns(&rows))))
    })
}

fn take_in(session: &Session, wanted: Option<String>) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let doc = pick::meeting(device, wanted.as_deref())?;
        let count = device.take_in(doc, now)?;
        let value = json!({ "meeting": doc.to_string(), "did": "take_in", "tasks": count });
        Ok(Reply::new(value, voice.say("did.take_in", &[("count", &count)])))
    })
}

/// Bytes of a file that are read to be hashed; the handbook has the limit that counts.
const ATTACHED_BYTES_MAX: usize = 128 * 1024 * 1024;

fn attach(session: &Session, wanted: Option<String>, path: &Path, pages: u32) -> Result<Reply, Failure> {
    let voice = session.voice;
    let content = files::read_bytes(&path.display().to_string(), ATTACHED_BYTES_MAX)?;
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let ending = path
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or_default();
    let media = match ending.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "heic" => "image/heic",
        "webp" => "image/webp",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    };
    session.open()?.run(move |device, now| {
        let doc = pick::meeting(device, wanted.as_deref())?;
        let id = device.attach_file(doc, (&name, media), &content, pages, now)?;
        let view = device.meeting_view(doc)?;
        let noted = view.attachments.iter().find(|attachment| attachment.id == id);
        let hash = noted.map(|noted| noted.blake3.clone()).unwrap_or_default();
        let said = voice.say(
            "meeting.attached",
            &[
                ("name", &name),
                ("bytes", &content.len()),
                ("pages", &pages),
                ("hash", &hash),
            ],
        );
        Ok(Reply::new(
            json!({ "meeting": doc.to_string(), "did": "attach", "attachment": noted }),
            said,
        ))
    })
}

fn write(
    session: &Session,
    wanted: Option<String>,
    mut change: Change,
    amend: bool,
) -> Result<Reply, Failure> {
    let voice = session.voice;
    if let Some(text) = change.text_mut() {
        *text = files::typed(text)?;
    }
    session.open()?.run(move |device, now| {
        let doc = pick::meeting(device, wanted.as_deref())?;
        let view = device.meeting_view(doc)?;
        let fresh = device.fresh_id();
        let plan = plan::Ground::new(voice, &view, device.names(), fresh).plan(change)?;
        if amend {
            device.amend_all(doc, &plan.commands, now)?;
        } else {
            device.meeting_all(doc, &plan.commands, now)?;
        }
        let list = device.review(doc)?;
        let mut said = plan.said;
        if !list.open().is_empty() {
            said.push('\n');
            said.push_str(&voice.say("review.waiting", &[("count", &list.open().len())]));
        }
        let value = json!({
            "meeting": doc.to_string(),
            "did": plan.did,
            "entry": plan.entry.map(|id| id.to_string()),
            "review_open": list.open().len(),
        });
        Ok(Reply::new(value, said))
    })
}
