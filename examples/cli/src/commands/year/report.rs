//! `report`.

use serde_json::json;
use sotay_engine::handbook::Month;
use sotay_engine::handbook::report::{ReportModel, SentReport};
use sotay_engine::paper::Sort;
use sotay_engine::{ProfileDevice, ReportAnswer};

use super::month;
use crate::args::{Report, ReportCommand};
use crate::commands::paper;
use crate::failure::{Code, Failure};
use crate::reply::Reply;
use crate::session::Session;
use crate::show::columns;
use crate::voice::Voice;

pub(in crate::commands) fn run(session: &Session, args: Report) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let month = month(args.month.as_deref(), now)?;
        match args.command.unwrap_or(ReportCommand::Show { revision: None }) {
            ReportCommand::Show { revision } => show(voice, device, month, revision),
            ReportCommand::Print { revision, paper } => {
                let template = paper::template(device, Sort::Report, &paper)?;
                let page = device
                    .report_page(month, revision, template.as_ref())
                    .map_err(|error| paper::failure(Sort::Report, error))?;
                let page = page.ok_or_else(|| no_revision(revision))?;
                paper::write(voice, paper, &page, json!({ "month": month }))
            }
            ReportCommand::List => list(voice, device, month.year()),
            ReportCommand::Send => {
                let sent = device.send_report(month, now)?;
                let name = format!("{:02}/{}", month.number(), month.year());
                let said = voice.say("report.sent", &[("month", &name), ("revision", &sent.revision)]);
                Ok(Reply::new(json!({ "month": month, "sent": sent }), said))
            }
        }
    })
}

fn no_revision(revision: Option<u32>) -> Failure {
    Failure::new(Code::NoEntry)
        .with("text", revision.unwrap_or(0))
        .with("count", 0)
}

fn show(
    voice: Voice,
    device: &mut ProfileDevice,
    month: Month,
    revision: Option<u32>,
) -> Result<Reply, Failure> {
    let model = device
        .report_model(month, revision)?
        .ok_or_else(|| no_revision(revision))?;
    let text = text(voice, &model);
    Ok(Reply::new(json!({ "month": month, "report": model }), text))
}

fn text(voice: Voice, model: &ReportModel) -> String {
    let state = if model.sent {
        voice.say("report.is_sent", &[])
    } else {
        voice.say("report.is_proposed", &[])
    };
    let mut lines = vec![voice.say(
        "report.heading",
        &[
            ("month", &model.month),
            ("revision", &model.revision),
            ("state", &state),
        ],
    )];
    for meeting in &model.meetings {
        lines.push(voice.say(
            "report.meeting_line",
            &[
                ("kind", &meeting.kind),
                ("date", &meeting.date),
                ("present", &meeting.present),
                ("excused", &meeting.excused),
                ("unexcused", &meeting.unexcused),
                ("exempt", &meeting.exempt),
                ("rate", &meeting.rate),
            ],
        ));
    }
    lines.push(voice.say(
        "report.tasks_line",
        &[
            ("open", &model.tasks_open),
            ("overdue", &model.tasks_overdue),
            ("done", &model.tasks_done),
            ("accepted", &model.tasks_accepted),
        ],
    ));
    if !model.fees_due.is_empty() {
        lines.push(voice.say(
            "report.fees_line",
            &[
                ("due", &model.fees_due),
                ("paid", &model.fees_paid),
                ("unpaid", &model.fees_unpaid),
            ],
        ));
    }
    if !model.feedback.is_empty() {
        lines.push(voice.say("report.feedback_line", &[("count", &model.feedback)]));
    }
    for change in &model.changes {
        lines.push(voice.say("report.change_line", &[("change", change)]));
    }
    lines.join("\n")
}

fn list(voice: Voice, device: &mut ProfileDevice, year: i32) -> Result<Reply, Failure> {
    let (sent, due) = (device.reports(year)?, device.reports_due(year)?);
    let answers = device.report_answers(None, year)?;
    let mut rows: Vec<Vec<String>> = Vec::new();
    let name = |month: Month| format!("{:02}/{}", month.number(), month.year());
    for one in &sent.sent {
        rows.push(vec![
            name(one.facts.month),
            one.revision.to_string(),
            voice.say("report.is_sent", &[]),
            voice.moment(one.mark.at_ms),
            answered(voice, &answers, one),
        ]);
    }
    for one in &due {
        rows.push(vec![
            name(one.facts.month),
            one.revision.to_string(),
            voice.say("report.is_proposed", &[]),
            String::new(),
            String::new(),
        ]);
    }
    rows.sort();
    let text = if rows.is_empty() {
        voice.say("report.none", &[])
    } else {
        columns(&rows)
    };
    Ok(Reply::new(
        json!({ "year": year, "sent": sent.sent, "proposed": due, "answers": answers }),
        text,
    ))
}

/// What the level above said of a report: `cấp trên đã nhận 05/05 21:10; trả lại để sửa 06/05 08:00: Thiếu biểu`.
fn answered(voice: Voice, answers: &[ReportAnswer], sent: &SentReport) -> String {
    let of = |answer: &&ReportAnswer| {
        (answer.month, answer.revision, answer.sender) == (sent.facts.month, sent.revision, sent.mark.device)
    };
    let words = answers.iter().filter(of).flat_map(|answer| &answer.words);
    let said = words.map(|word| {
        let remark = word.remark.as_ref().map(|text| format!(": {}", text.as_str()));
        let (step, at) = (voice.word(word.step), voice.moment(word.at_ms));
        format!("{step} {at}{}", remark.unwrap_or_default())
    });
    said.collect::<Vec<_>>().join("; ")
}
