//! `members`: the roster, and the phones of members.

mod export;
mod phones;
mod table;

use serde_json::json;
use sotay_engine::handbook::roster::Command;
use sotay_engine::handbook::{Date, Words};
use sotay_engine::{MemberLine, NewMember, today};

use crate::args::{Add, Import, Members, MembersCommand, SetMember};
use crate::failure::{Code, Failure};
use crate::pick::{People, date};
use crate::reply::Reply;
use crate::session::Session;
use crate::show::columns;
use crate::voice::Voice;

pub(super) fn run(session: &Session, args: Members) -> Result<Reply, Failure> {
    match args.command.unwrap_or(MembersCommand::List { on: None }) {
        MembersCommand::List { on } => list(session, on.as_deref()),
        MembersCommand::Add(args) => add(session, args),
        MembersCommand::Import(args) => import(session, args),
        MembersCommand::Export(args) => export::run(session, args),
        MembersCommand::Set(args) => set(session, args),
        MembersCommand::Rename { member, name } => rename(session, member, name),
        MembersCommand::Devices => phones::devices(session),
        MembersCommand::Revoke(args) => phones::revoke(session, args),
        MembersCommand::Suspend { phone } => phones::suspend(session, phone),
        MembersCommand::Lift { phone } => phones::lift(session, phone),
        MembersCommand::Grade(args) => phones::grade(session, args),
        MembersCommand::Endorse { request, whom, out } => {
            super::policy::endorse(session, &request, whom, out)
        }
        MembersCommand::Admit {
            endorsement,
            relay,
            out,
        } => super::policy::admit(session, &endorsement, &relay, out),
        MembersCommand::Widen { phone, from } => phones::widen(session, phone, from),
        MembersCommand::Rotate => phones::rotate(session),
        MembersCommand::Late => phones::late(session),
    }
}

/// A day that was typed; `None` stands for today, which only the device knows.
fn day(text: Option<&str>) -> Result<Option<Date>, Failure> {
    text.map(date).transpose()
}

fn list(session: &Session, on: Option<&str>) -> Result<Reply, Failure> {
    let (voice, on) = (session.voice, day(on)?);
    session.open()?.run(move |device, now| {
        let on = on.unwrap_or(today(now));
        let members = device.members(on)?;
        let heading = voice.say(
            "members.heading",
            &[("count", &members.len()), ("date", &on.long())],
        );
        let text = format!(
            "{heading}\n{}",
            columns(&members.iter().map(|line| row(voice, line)).collect::<Vec<_>>())
        );
        Ok(Reply::new(json!({ "on": on, "members": members }), text))
    })
}

fn row(voice: Voice, line: &MemberLine) -> Vec<String> {
    let name = line
        .name
        .clone()
        .unwrap_or_else(|| voice.member(line.line.member, &sotay_engine::handbook::Nameless));
    let group = line
        .line
        .group
        .as_ref()
        .map(|group| group.as_str().to_owned())
        .unwrap_or_default();
    let phones: Vec<&str> = line
        .devices
        .iter()
        .filter(|phone| phone.active)
        .map(|phone| phone.label.as_str())
        .collect();
    vec![
        format!("{:>3}", line.line.number),
        name,
        voice.word(line.line.role),
        voice.word(line.line.standing),
        voice.word(line.line.activity),
        group,
        phones.join(", "),
    ]
}

fn add(session: &Session, args: Add) -> Result<Reply, Failure> {
    let (voice, from) = (session.voice, day(args.from.as_deref())?);
    let new = NewMember {
        name: args.name,
        role: args.role,
        group: args.group.map(Words::from),
        standing: args.standing,
        activity: args.activity,
    };
    session.open()?.run(move |device, now| {
        let from = from.unwrap_or(today(now));
        let members = device.add_members(std::slice::from_ref(&new), from, now)?;
        let added: Vec<String> = members.iter().map(ToString::to_string).collect();
        let done = voice.say("members.added", &[("name", &new.name), ("date", &from.long())]);
        Ok(Reply::new(json!({ "added": added, "from": from }), done))
    })
}

fn import(session: &Session, args: Import) -> Result<Reply, Failure> {
    let (voice, from) = (session.voice, day(args.from.as_deref())?);
    let rows = table::read_file(&args.file, args.sheet.as_deref())?;
    session.open()?.run(move |device, now| {
        let people = People::of_roster(device)?;
        let known = |name: &str| people.has_name(name);
        let list =
            table::read(&rows, &known, args.same_names).map_err(|error| error.failure(voice, &args.file))?;
        let from = from.unwrap_or(today(now));
        let new: Vec<(NewMember, Date)> = list
            .entries
            .iter()
            .map(|entry| {
                (
                    entry.new.clone(),
                    entry.from.unwrap_or(from).max(entry.joined.unwrap_or(from)),
                )
            })
            .collect();
        let skipped: Vec<_> = list
            .skipped
            .iter()
            .map(|(line, text)| json!({ "line": line, "text": text }))
            .collect();
        let mut value = json!({
            "from": from,
            "dry_run": args.dry_run,
            "unknown_columns": list.unknown,
            "skipped": skipped,
        });
        let mut said = Vec::new();
        if args.dry_run {
            let seen = list
                .entries
                .iter()
                .zip(&new)
                .map(|(entry, (new, from))| seen_json(entry.line, new, *from));
            value["members"] = seen.collect();
            let seen: Vec<Vec<String>> = list
                .entries
                .iter()
                .zip(&new)
                .map(|(entry, (new, from))| seen_row(voice, entry.line, new, *from))
                .collect();
            said.push(columns(&seen));
            said.push(voice.say("members.would", &[("count", &new.len())]));
        } else {
            let members = device.add_members_from(&new, now)?;
            value["added"] = members.iter().map(|member| json!(member.to_string())).collect();
            said.push(voice.say(
                "members.imported",
                &[("count", &members.len()), ("date", &from.long())],
            ));
        }
        if !list.unknown.is_empty() {
            said.push(voice.say("members.unknown_columns", &[("list", &list.unknown.join(", "))]));
        }
        for (line, text) in &list.skipped {
            said.push(voice.say("members.skipped_row", &[("line", line), ("text", text)]));
        }
        Ok(Reply::new(value, said.join("\n")))
    })
}

fn seen_json(line: usize, new: &NewMember, from: Date) -> serde_json::Value {
    json!({
        "line": line,
        "name": new.name,
        "role": new.role,
        "group": new.group,
        "standing": new.standing,
        "activity": new.activity,
        "from": from,
    })
}

fn seen_row(voice: Voice, line: usize, new: &NewMember, from: Date) -> Vec<String> {
    vec![
        format!("{line:>3}"),
        new.name.clone(),
        voice.word(new.role),
        voice.word(new.standing),
        voice.word(new.activity),
        new.group
            .as_ref()
            .map(|group| group.as_str().to_owned())
            .unwrap_or_default(),
        from.long(),
    ]
}

fn set(session: &Session, args: SetMember) -> Result<Reply, Failure> {
    let (voice, from) = (session.voice, day(args.from.as_deref())?);
    session.open()?.run(move |device, now| {
        let from = from.unwrap_or(today(now));
        let member = People::of_roster(device)?.one(&args.member)?;
        let group = args
            .group
            .map(|group| Some(Words::from(group)).filter(|group| !group.trim().is_empty()));
        let commands = [
            args.role.map(|role| Command::SetRole { member, role, from }),
            group.map(|group| Command::SetGroup { member, group, from }),
            args.standing.map(|standing| Command::SetStanding {
                member,
                standing,
                from,
            }),
            args.activity.map(|activity| Command::SetActivity {
                member,
                activity,
                from,
            }),
        ];
        let commands: Vec<Command> = commands.into_iter().flatten().collect();
        device.roster_all(&commands, now)?;
        let name = voice.member(member, device.names());
        let done = voice.say("members.changed", &[("name", &name), ("date", &from.long())]);
        Ok(Reply::new(
            json!({ "member": member.to_string(), "from": from }),
            done,
        ))
    })
}

fn rename(session: &Session, member: String, name: String) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let member = People::of_roster(device)?.one(&member)?;
        let before = voice.member(member, device.names());
        device.rename_member(member, &name)?;
        let after = voice.member(member, device.names());
        let done = voice.say("members.renamed", &[("before", &before), ("after", &after)]);
        Ok(Reply::new(
            json!({ "member": member.to_string(), "name": after }),
            done,
        ))
    })
}

impl table::TableError {
    fn failure(&self, voice: Voice, file: &str) -> Failure {
        match self {
            table::TableError::Header(column) => Failure::new(Code::BadHeader)
                .with("file", file)
                .with("column", column),
            table::TableError::NoRows => Failure::new(Code::NoRows).with("file", file),
            table::TableError::Rows(rows) => {
                let say = |row: &table::RowError| {
                    voice.say(
                        "row",
                        &[("line", &row.line), ("fault", &row.fault.message(voice))],
                    )
                };
                let list: Vec<String> = rows.iter().map(say).collect();
                let details: Vec<_> = rows
                    .iter()
                    .map(|row| json!({ "line": row.line, "cell": row.cell(), "column": row.fault.column(), "message": row.fault.message(voice) }))
                    .collect();
                Failure::new(Code::BadRows)
                    .with("count", rows.len())
                    .with("file", file)
                    .with("list", list.join("\n"))
                    .details(json!({ "rows": details }))
            }
        }
    }
}
