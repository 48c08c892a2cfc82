//! `tasks`.

use serde_json::json;
use sotay_engine::handbook::tasks::{Command, Task};
use sotay_engine::handbook::{Date, EntryId, Names};
use sotay_engine::{ProfileDevice, today};

use crate::args::{Tasks, TasksCommand};
use crate::failure::Failure;
use crate::pick::{self, People};
use crate::reply::Reply;
use crate::session::Session;
use crate::show::columns;
use crate::voice::{Voice, short};

pub(in crate::commands) fn run(session: &Session, args: Tasks) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let year = args.year.unwrap_or(today(now).month().year());
        match args.command.unwrap_or(TasksCommand::List) {
            TasksCommand::List => {
                let tasks = device.tasks(year)?.tasks;
                Ok(listed(voice, &tasks, today(now), device.names()))
            }
            TasksCommand::Mine => {
                let tasks = device.my_tasks(today(now))?;
                Ok(listed(voice, &tasks, today(now), device.names()))
            }
            TasksCommand::FromMeeting { meeting } => {
                let meeting = pick::meeting(device, meeting.as_deref())?;
                let count = device.tasks_of_meeting(meeting, now)?;
                let value = json!({ "did": "from_meeting", "meeting": meeting.to_string(), "added": count });
                Ok(Reply::new(
                    value,
                    voice.say("tasks.from_meeting", &[("count", &count)]),
                ))
            }
            command => change(voice, device, year, command, now),
        }
    })
}

fn listed(voice: Voice, tasks: &[Task], on: Date, names: &dyn Names) -> Reply {
    let rows: Vec<Vec<String>> = tasks
        .iter()
        .enumerate()
        .map(|(at, task)| row(voice, at + 1, task, on, names))
        .collect();
    let text = if rows.is_empty() {
        voice.say("tasks.none", &[])
    } else {
        columns(&rows)
    };
    let overdue: Vec<bool> = tasks.iter().map(|task| task.is_overdue(on)).collect();
    Reply::new(json!({ "tasks": tasks, "overdue": overdue, "on": on }), text)
}

fn row(voice: Voice, number: usize, task: &Task, on: Date, names: &dyn Names) -> Vec<String> {
    let people: Vec<String> = task
        .people
        .iter()
        .map(|&member| voice.member(member, names))
        .collect();
    let due = task
        .due()
        .map_or_else(|| voice.say("show.no_deadline", &[]), Date::long);
    let state = match (task.withdrawn, task.is_overdue(on)) {
        (true, _) => voice.say("tasks.withdrawn", &[]),
        (_, true) => voice.say("tasks.overdue", &[("status", &voice.word(task.status))]),
        _ => voice.word(task.status),
    };
    vec![
        format!("{number:>2}"),
        short(&task.id.to_string()).to_owned(),
        due,
        state,
        people.join(", "),
        task.words().to_owned(),
        task.result(),
    ]
}

fn named(device: &mut ProfileDevice, year: i32, text: &str) -> Result<EntryId, Failure> {
    let ids: Vec<EntryId> = device.tasks(year)?.tasks.iter().map(|task| task.id).collect();
    pick::entry(&ids, text)
}

fn change(
    voice: Voice,
    device: &mut ProfileDevice,
    year: i32,
    command: TasksCommand,
    now: i64,
) -> Result<Reply, Failure> {
    let people = People::of_roster(device)?;
    let mut named = |text: &str| named(device, year, text);
    let (did, commands): (&str, Vec<Command>) = match command {
        TasksCommand::Add {
            what,
            people: who,
            deadline,
        } => {
            let id = device.fresh_id();
            let add = Command::Add {
                id,
                what: what.into(),
                source: None,
                people: who.map(|who| people.many(&who)).transpose()?.unwrap_or_default(),
                deadline: deadline.as_deref().map(pick::date).transpose()?,
            };
            ("add", vec![add])
        }
        TasksCommand::Edit { task, what } => {
            let id = named(&task)?;
            let what = what.into();
            ("edit", vec![Command::Edit { id, what }])
        }
        TasksCommand::Deadline { task, date } => {
            let (id, deadline) = (named(&task)?, pick::date_or_none(&date)?);
            ("deadline", vec![Command::SetDeadline { id, deadline }])
        }
        TasksCommand::People { task, members, off } => {
            let id = named(&task)?;
            let set = |member| Command::SetResponsible { id, member, on: !off };
            let commands = people.many(&members)?.into_iter().map(set).collect();
            ("people", commands)
        }
        TasksCommand::Report { task, status, result } => {
            let (id, result) = (named(&task)?, result.map(Into::into));
            ("report", vec![Command::Report { id, status, result }])
        }
        TasksCommand::Reopen { task, reason } => {
            let (id, reason) = (named(&task)?, reason.map(Into::into));
            ("reopen", vec![Command::Reopen { id, reason }])
        }
        TasksCommand::Withdraw { task, undo } => {
            let id = named(&task)?;
            ("withdraw", vec![Command::Withdraw { id, on: !undo }])
        }
        TasksCommand::List | TasksCommand::Mine | TasksCommand::FromMeeting { .. } => ("", Vec::new()),
    };
    for command in &commands {
        device.task(year, command, now)?;
    }
    let view = device.tasks(year)?;
    let value = json!({ "did": did, "year": year, "count": view.tasks.len() });
    Ok(Reply::new(value, voice.say("tasks.done", &[])))
}
