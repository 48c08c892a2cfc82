//! `transfer`: members who move between units.

use serde_json::json;
use sotay_engine::handbook::EntryId;
use sotay_engine::{MoveLine, NewMove};

use super::feedback::which;
use crate::args::{TransferArgs, TransferCommand};
use crate::failure::{Code, Failure};
use crate::pick::{self, People};
use crate::reply::Reply;
use crate::session::Session;
use crate::show::columns;
use crate::voice::{Voice, short};

pub(super) fn run(session: &Session, args: TransferArgs) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(
        move |device, now| match args.command.unwrap_or(TransferCommand::List) {
            TransferCommand::List => {
                let lines = device.moves()?;
                Ok(Reply::new(json!({ "moves": lines }), list(voice, &lines)))
            }
            TransferCommand::Ask {
                member,
                kind,
                from,
                until,
                to,
            } => {
                let from = pick::date(&from)?;
                let new = NewMove {
                    member: People::of_roster(device)?.one(&member)?,
                    kind,
                    from,
                    until: until.as_deref().map(pick::date).transpose()?,
                    place: to.as_str().into(),
                };
                let id = device.ask_move(&new, now)?.to_string();
                Ok(Reply::new(
                    json!({ "move": id }),
                    voice.say("transfer.asked", &[("id", &short(&id))]),
                ))
            }
            TransferCommand::Leave { id, member } => {
                let id = one(&device.moves()?, &id)?;
                let people = People::of_roster(device)?;
                let member = member.map(|member| people.one(&member)).transpose()?;
                let left = device.leave(id, member, now)?;
                let said = match &left.removed {
                    Some(change) => voice.say("transfer.left_phones", &[("count", &change.devices.len())]),
                    None => voice.say("transfer.left", &[]),
                };
                Ok(Reply::new(json!({ "move": id.to_string(), "left": left }), said))
            }
            TransferCommand::Arrive { id } => {
                let id = one(&device.moves()?, &id)?;
                let member = device.arrive(id, now)?;
                let names = device.names();
                let said = voice.say("transfer.arrived", &[("name", &voice.member(member, names))]);
                let value = json!({ "move": id.to_string(), "member": member.to_string() });
                Ok(Reply::new(value, said))
            }
        },
    )
}

/// The move whose id begins so.
pub(super) fn one(lines: &[MoveLine], text: &str) -> Result<EntryId, Failure> {
    let mut ids: Vec<EntryId> = lines.iter().map(|line| line.now.id).collect();
    ids.sort();
    ids.dedup();
    which(&ids, text, Code::WhichMove)
}

/// Moves, a line each.
pub(super) fn list(voice: Voice, lines: &[MoveLine]) -> String {
    let row = |line: &MoveLine| {
        let id = line.now.id.to_string();
        let days = match line.now.until {
            Some(until) => format!("{} – {}", line.now.from.long(), until.long()),
            None => line.now.from.long(),
        };
        vec![
            short(&id).to_owned(),
            line.now.name.as_str().to_owned(),
            voice.word(line.now.kind),
            days,
            line.now.place.as_str().to_owned(),
            voice.word(line.now.step),
        ]
    };
    match lines {
        [] => voice.say("transfer.none", &[]),
        _ => columns(&lines.iter().map(row).collect::<Vec<_>>()),
    }
}
