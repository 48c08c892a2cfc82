//! `resolution`.

use serde_json::json;
use sotay_engine::ProfileDevice;
use sotay_engine::feed::DocId;
use sotay_engine::handbook::resolution::{Command, ResolutionModel, ResolutionView};
use sotay_engine::handbook::{EntryId, Words};
use sotay_engine::paper::Sort;

use crate::args::{Resolution, ResolutionCommand, SetResolution};
use crate::commands::paper;
use crate::failure::{Code, Failure};
use crate::files;
use crate::pick::{self, People};
use crate::reply::Reply;
use crate::session::Session;
use crate::show::columns;
use crate::voice::{Voice, short};

pub(in crate::commands) fn run(session: &Session, args: Resolution) -> Result<Reply, Failure> {
    let voice = session.voice;
    let wanted = args.resolution;
    let mut command = args.command.unwrap_or(ResolutionCommand::List);
    if let ResolutionCommand::Part { text, .. } = &mut command {
        *text = files::typed(text)?;
    }
    session.open()?.run(move |device, now| match command {
        ResolutionCommand::List => list(voice, device),
        ResolutionCommand::New { title, from_meeting } => {
            let meeting = from_meeting
                .map(|meeting| pick::meeting(device, Some(&meeting)))
                .transpose()?;
            let doc = device.new_resolution(meeting, title.into(), now)?;
            let value = json!({ "resolution": doc.to_string(), "did": "new" });
            Ok(Reply::new(value, voice.say("resolution.new", &[])))
        }
        ResolutionCommand::Show => {
            let doc = named(device, wanted.as_deref())?;
            let (view, model) = (device.resolution_view(doc)?, device.resolution_model(doc)?);
            let text = text(voice, &model);
            Ok(Reply::new(json!({ "resolution": view, "model": model }), text))
        }
        ResolutionCommand::Print(args) => {
            let doc = named(device, wanted.as_deref())?;
            let template = paper::template(device, Sort::Resolution, &args)?;
            let page = device
                .resolution_page(doc, template.as_ref())
                .map_err(|error| paper::failure(Sort::Resolution, error))?;
            paper::write(voice, args, &page, json!({ "resolution": doc.to_string() }))
        }
        ResolutionCommand::Issue => {
            let doc = named(device, wanted.as_deref())?;
            device.issue_resolution(doc, now)?;
            let value = json!({ "resolution": doc.to_string(), "did": "issue" });
            Ok(Reply::new(value, voice.say("resolution.issued", &[])))
        }
        command => {
            let doc = named(device, wanted.as_deref())?;
            let commands = commands(device, doc, command)?;
            device.resolution(doc, &commands, now)?;
            let value = json!({ "resolution": doc.to_string(), "did": "change", "count": commands.len() });
            Ok(Reply::new(value, voice.say("resolution.changed", &[])))
        }
    })
}

fn named(device: &mut ProfileDevice, text: Option<&str>) -> Result<DocId, Failure> {
    let all: Vec<DocId> = device.resolutions()?.iter().map(|view| view.id).collect();
    match text {
        Some(text) => pick::document(&all, text),
        None => all
            .first()
            .copied()
            .ok_or_else(|| Failure::new(Code::NoEntry).with("text", "1").with("count", 0)),
    }
}

fn list(voice: Voice, device: &mut ProfileDevice) -> Result<Reply, Failure> {
    let all = device.resolutions()?;
    let row = |(at, view): (usize, &ResolutionView)| {
        let state = if view.is_issued() {
            voice.say("resolution.is_issued", &[])
        } else {
            voice.say("resolution.draft", &[])
        };
        vec![
            format!("{:>2}", at + 1),
            short(&view.id.to_string()).to_owned(),
            view.number_text().unwrap_or_else(|| "–".to_owned()),
            view.date
                .value
                .map_or("–".to_owned(), sotay_engine::handbook::Date::long),
            state,
            view.title
                .value
                .as_ref()
                .map(Words::as_str)
                .unwrap_or_default()
                .to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().enumerate().map(row).collect();
    let text = if rows.is_empty() {
        voice.say("resolution.none", &[])
    } else {
        columns(&rows)
    };
    Ok(Reply::new(json!({ "resolutions": all }), text))
}

fn commands(
    device: &mut ProfileDevice,
    doc: DocId,
    command: ResolutionCommand,
) -> Result<Vec<Command>, Failure> {
    let people = People::of_roster(device)?;
    Ok(match command {
        ResolutionCommand::Set(SetResolution {
            number,
            date,
            title,
            signer,
        }) => {
            let mut commands: Vec<Command> = number.map(Command::SetNumber).into_iter().collect();
            commands.extend(date.as_deref().map(pick::date).transpose()?.map(Command::SetDate));
            commands.extend(title.map(|title| Command::SetTitle(title.into())));
            let signer = signer.map(|signer| people.one(&signer)).transpose()?;
            commands.extend(signer.map(Command::SetSigner));
            commands
        }
        ResolutionCommand::Part { part, text } => {
            let text = text.into();
            vec![Command::SetPart { part, text }]
        }
        ResolutionCommand::Task {
            text,
            people: who,
            deadline,
        } => {
            vec![Command::SetTask {
                id: device.fresh_id(),
                text: text.into(),
                people: who.map(|who| people.many(&who)).transpose()?.unwrap_or_default(),
                deadline: deadline.as_deref().map(pick::date).transpose()?,
            }]
        }
        ResolutionCommand::Recipient { label } => {
            let (id, label) = (device.fresh_id(), label.into());
            vec![Command::AddRecipient { id, label }]
        }
        ResolutionCommand::Vote { motion } => vec![Command::SetVote(vote(device, doc, &motion)?)],
        ResolutionCommand::List
        | ResolutionCommand::New { .. }
        | ResolutionCommand::Show
        | ResolutionCommand::Print(_)
        | ResolutionCommand::Issue => Vec::new(),
    })
}

fn vote(
    device: &mut ProfileDevice,
    doc: DocId,
    motion: &str,
) -> Result<sotay_engine::handbook::resolution::VoteLine, Failure> {
    let ids: Vec<EntryId> = match device.resolution_view(doc)?.meeting {
        Some(meeting) => device
            .meeting_view(meeting)?
            .motions
            .iter()
            .map(|motion| motion.id)
            .collect(),
        None => Vec::new(),
    };
    let motion = pick::entry(&ids, motion)?;
    device
        .vote_for_resolution(doc, motion)?
        .ok_or_else(|| Failure::new(Code::NotCounted))
}

fn text(voice: Voice, model: &ResolutionModel) -> String {
    let mut lines = vec![
        model.upper.clone(),
        model.unit.clone(),
        voice.say("resolution.number", &[("number", &model.number)]),
        model.date_in_words.clone(),
        String::new(),
        voice.say("resolution.heading", &[("title", &model.title)]),
    ];
    let mut block = |heading: String, paragraphs: &[String]| {
        if !paragraphs.is_empty() {
            lines.push(String::new());
            lines.push(heading);
            lines.extend(paragraphs.iter().cloned());
        }
    };
    use sotay_engine::handbook::resolution::Part;
    block(voice.word(Part::Assessment), &model.assessment);
    block(voice.word(Part::Goals), &model.goals);
    let tasks: Vec<String> = model
        .tasks
        .iter()
        .enumerate()
        .map(|(at, task)| {
            let people = task.people.join(", ");
            let more: Vec<&str> = [people.as_str(), task.deadline.as_str()]
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect();
            format!("{}. {} ({})", at + 1, task.text, more.join("; ")).replace(" ()", "")
        })
        .collect();
    block(voice.say("resolution.tasks", &[]), &tasks);
    block(voice.word(Part::Organisation), &model.organisation);
    block(
        voice.say("resolution.vote", &[]),
        std::slice::from_ref(&model.vote),
    );
    block(voice.say("resolution.recipients", &[]), &model.recipients);
    block(model.signer_role.clone(), std::slice::from_ref(&model.signer));
    lines.join("\n")
}
