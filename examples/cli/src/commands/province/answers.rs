//! What the level above says to the branches: of reports, of feedback, of members who move.

use serde_json::json;
use sotay_engine::feed::UnitId;
use sotay_engine::handbook::report::SentReport;
use sotay_engine::handbook::{EntryId, Month, Words};
use sotay_engine::{PassedLine, ProfileDevice};

use super::branch;
use crate::args::LetterCommand;
use crate::commands::feedback::{passing, which};
use crate::commands::transfer;
use crate::failure::{Code, Failure};
use crate::files;
use crate::pick;
use crate::reply::Reply;
use crate::session::Session;
use crate::show::columns;
use crate::voice::Voice;

pub(super) fn run(session: &Session, command: LetterCommand) -> Result<Reply, Failure> {
    let voice = session.voice;
    session
        .open()?
        .run(move |device, now| carry_out(voice, device, command, now))
}

fn carry_out(
    voice: Voice,
    device: &mut ProfileDevice,
    command: LetterCommand,
    now: i64,
) -> Result<Reply, Failure> {
    match command {
        LetterCommand::Open {
            branch,
            month,
            revision,
        } => {
            let unit = unit_of(device, &branch)?;
            let (month, revision) = sent(device, unit, &month, revision)?;
            let reports = device.open_report(unit, month, revision, now)?;
            Ok(Reply::new(json!({ "reports": reports }), facts(voice, &reports)))
        }
        LetterCommand::Answer {
            branch,
            month,
            revision,
            accept,
            return_with,
            remark,
        } => {
            let unit = unit_of(device, &branch)?;
            let (month, revision) = sent(device, unit, &month, revision)?;
            let remark = return_with.or(remark).unwrap_or_default();
            device.answer_report(unit, (month, revision), accept, &Words::from(remark), now)?;
            let key = match accept {
                true => "province.accepted",
                false => "province.returned",
            };
            let said = voice.say(key, &[("month", &month), ("revision", &revision)]);
            Ok(Reply::new(
                json!({ "month": month, "revision": revision, "accepted": accept }),
                said,
            ))
        }
        LetterCommand::Feedback => {
            let lines = device.feedback_from_below()?;
            let units = device.branches();
            let name = |line: &PassedLine| {
                let unit = units.iter().find(|unit| unit.unit == line.unit);
                Some(unit.map_or_else(|| line.unit.to_string(), |unit| unit.name.clone()))
            };
            Ok(Reply::new(
                json!({ "items": lines }),
                passing::list(voice, &lines, name),
            ))
        }
        LetterCommand::AnswerFeedback {
            item,
            status,
            text,
            public,
        } => {
            let lines = device.feedback_from_below()?;
            let ids: Vec<EntryId> = lines.iter().map(|line| line.passed.item).collect();
            let id = which(&ids, &item, Code::WhichPassed)?;
            let text = text.map(|text| files::typed(&text)).transpose()?;
            device.answer_from_above(id, status, text.map(Words::from), public, now)?;
            let value = json!({ "item": id.to_string(), "status": status.key() });
            let said = voice.say("feedback.recorded", &[("status", &voice.word(status))]);
            Ok(Reply::new(value, said))
        }
        LetterCommand::Delivery => delivery(voice, device),
        LetterCommand::Moves => {
            let lines = device.moves_below()?;
            Ok(Reply::new(
                json!({ "moves": lines }),
                transfer::list(voice, &lines),
            ))
        }
        LetterCommand::Record { id, to, from } => {
            let id = transfer::one(&device.moves_below()?, &id)?;
            let to = to.map(|to| unit_of(device, &to)).transpose()?;
            let from = from.as_deref().map(pick::date).transpose()?;
            device.record_move(id, to, from, now)?;
            Ok(moved(voice, id))
        }
        LetterCommand::Refuse { id } => {
            let id = transfer::one(&device.moves_below()?, &id)?;
            device.refuse_move(id, now)?;
            let said = voice.say("province.refused", &[]);
            Ok(Reply::new(json!({ "move": id.to_string() }), said))
        }
        LetterCommand::Order {
            branch,
            name,
            kind,
            standing,
            from,
            until,
            to,
        } => {
            let unit = unit_of(device, &branch)?;
            let to = to.map(|to| unit_of(device, &to)).transpose()?;
            let from = pick::date(&from)?;
            let until = until.as_deref().map(pick::date).transpose()?;
            let who = (Words::from(name), standing);
            let id = device.order_move(unit, to, who, (kind, from, until), now)?;
            Ok(moved(voice, id))
        }
    }
}

fn unit_of(device: &ProfileDevice, text: &str) -> Result<UnitId, Failure> {
    Ok(branch(&device.branches(), text)?.unit)
}

fn moved(voice: Voice, id: EntryId) -> Reply {
    Reply::new(
        json!({ "move": id.to_string() }),
        voice.say("province.recorded", &[]),
    )
}

/// The revision that is meant: the last one when none is named.
fn sent(
    device: &mut ProfileDevice,
    unit: UnitId,
    month: &str,
    revision: Option<u32>,
) -> Result<(Month, u32), Failure> {
    let month = pick::month(month)?;
    let reports = device.branch_reports(unit, month.year())?;
    let last = reports.last(month).map(|report| report.revision);
    let none = || Failure::new(Code::NoEntry).with("text", month).with("count", 0);
    Ok((month, revision.or(last).ok_or_else(none)?))
}

fn facts(voice: Voice, reports: &[SentReport]) -> String {
    let mut lines = Vec::new();
    for report in reports {
        for meeting in &report.facts.meetings {
            let date = meeting.date.map(|day| day.long()).unwrap_or_default();
            lines.push(voice.say(
                "province.meeting_line",
                &[
                    ("kind", &voice.word(meeting.kind)),
                    ("date", &date),
                    ("present", &meeting.present),
                    ("total", &meeting.total),
                ],
            ));
        }
    }
    lines.join("\n")
}

fn delivery(voice: Voice, device: &mut ProfileDevice) -> Result<Reply, Failure> {
    let below = device.delivered_below()?;
    let library = device.library()?;
    let title = |id: &str| {
        let entry = library.iter().find(|entry| entry.id.to_string() == id);
        entry.map(|entry| format!("{} {}", entry.manifest.code, entry.manifest.title))
    };
    let mut values = Vec::new();
    let mut rows = Vec::new();
    for (id, figures) in &below {
        let id = id.to_string();
        rows.push(vec![
            title(&id).unwrap_or_else(|| crate::voice::short(&id).to_owned()),
            voice.say(
                "province.delivered",
                &[
                    ("units", &figures.units),
                    ("silent", &figures.silent),
                    ("members", &figures.members),
                    ("delivered", &figures.delivered),
                    ("done", &figures.done),
                ],
            ),
        ]);
        values.push(json!({ "id": id, "figures": figures }));
    }
    let text = match rows[..] {
        [] => voice.say("province.no_figures", &[]),
        _ => columns(&rows),
    };
    Ok(Reply::new(json!({ "documents": values }), text))
}
