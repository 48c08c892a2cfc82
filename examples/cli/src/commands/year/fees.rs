//! `fees`.

use serde_json::json;
use sotay_engine::feed::MemberId;
use sotay_engine::handbook::fees::{Command, FeeBasis, FeeLine, FeeMonth};
use sotay_engine::handbook::number::grouped;
use sotay_engine::handbook::{EntryId, Month, Names, Words};
use sotay_engine::{ProfileDevice, today};

use super::month;
use crate::args::{Fees, FeesCommand};
use crate::failure::{Code, Failure};
use crate::pick::{self, People};
use crate::reply::Reply;
use crate::session::Session;
use crate::show::columns;
use crate::voice::{Voice, short};

/// Who has not paid all.
const ALL: &str = "all";

pub(in crate::commands) fn run(session: &Session, args: Fees) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let month = month(args.month.as_deref(), now)?;
        match args.command.unwrap_or(FeesCommand::Due) {
            FeesCommand::Due => {
                let found = device.fee_month(month)?;
                let text = due(voice, &found, device.names());
                Ok(Reply::new(json!({ "fees": found }), text))
            }
            FeesCommand::Lines => {
                let lines = lines_of(device, month)?;
                let text = lines_text(voice, &lines, device.names());
                Ok(Reply::new(json!({ "month": month, "lines": lines }), text))
            }
            command => change(voice, device, month, command, now),
        }
    })
}

fn lines_of(device: &mut ProfileDevice, month: Month) -> Result<Vec<FeeLine>, Failure> {
    let mut lines = device.fees(month.year())?.lines;
    lines.retain(|line| line.month == month);
    Ok(lines)
}

fn due(voice: Voice, month: &FeeMonth, names: &dyn Names) -> String {
    let rows: Vec<Vec<String>> = month
        .members
        .iter()
        .filter(|one| one.due > 0 || one.paid != 0 || one.basis == FeeBasis::NoRule)
        .map(|one| {
            vec![
                voice.member(one.member, names),
                grouped(u64::from(one.due)),
                signed(one.paid),
                voice.word(one.basis),
            ]
        })
        .collect();
    let name = format!("{:02}/{}", month.month.number(), month.month.year());
    let total = voice.say(
        "fees.total",
        &[
            ("month", &name),
            ("rates", &month.rates),
            ("due", &grouped(month.due)),
            ("paid", &signed(month.paid)),
            ("unpaid", &month.unpaid.len()),
            ("lines", &month.lines),
        ],
    );
    format!("{total}\n{}", columns(&rows))
}

fn signed(amount: i64) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(amount.unsigned_abs()))
}

fn lines_text(voice: Voice, lines: &[FeeLine], names: &dyn Names) -> String {
    let row = |(at, line): (usize, &FeeLine)| {
        let state = match (line.reverses, line.reversed_by) {
            (Some(of), _) => voice.say("fees.reverses", &[("line", &short(&of.to_string()))]),
            (None, Some(by)) => voice.say("fees.reversed", &[("line", &short(&by.to_string()))]),
            (None, None) => String::new(),
        };
        let note = line.note.as_ref().map(Words::as_str).unwrap_or_default();
        vec![
            format!("{:>2}", at + 1),
            short(&line.id.to_string()).to_owned(),
            line.day.long(),
            voice.member(line.payer, names),
            signed(line.counts),
            state,
            note.to_owned(),
        ]
    };
    if lines.is_empty() {
        return voice.say("fees.none", &[]);
    }
    columns(&lines.iter().enumerate().map(row).collect::<Vec<_>>())
}

fn change(
    voice: Voice,
    device: &mut ProfileDevice,
    month: Month,
    command: FeesCommand,
    now: i64,
) -> Result<Reply, Failure> {
    let commands = match command {
        FeesCommand::Pay {
            members,
            amount,
            day,
            note,
        } => {
            let day = day.as_deref().map(pick::date).transpose()?.unwrap_or(today(now));
            let found = device.fee_month(month)?;
            let people: Vec<MemberId> = match pick::folded(&members).as_str() {
                ALL => found.unpaid.clone(),
                _ => People::of_roster(device)?.many(&members)?,
            };
            let owed = |payer: MemberId| {
                let one = found.members.iter().find(|one| one.member == payer);
                one.map_or(0, |one| i64::from(one.due) - one.paid)
            };
            people
                .into_iter()
                .map(|payer| Command::Pay {
                    id: device.fresh_id(),
                    payer,
                    month,
                    amount: amount.unwrap_or_else(|| u32::try_from(owed(payer)).unwrap_or(0)),
                    day,
                    note: note.clone().map(Into::into),
                })
                .collect()
        }
        FeesCommand::Reverse { line, note } => {
            let ids: Vec<EntryId> = lines_of(device, month)?.iter().map(|line| line.id).collect();
            let line = pick::entry(&ids, &line)?;
            vec![Command::Reverse {
                id: device.fresh_id(),
                line,
                day: today(now),
                note: note.map(Into::into),
            }]
        }
        FeesCommand::Assess { member, amount, from } => {
            let member = People::of_roster(device)?.one(&member)?;
            let from = from.as_deref().map(pick::month).transpose()?.unwrap_or(month);
            let amount = pick::dong_or_none(&amount)?;
            vec![Command::Assess { member, from, amount }]
        }
        FeesCommand::Due | FeesCommand::Lines => Vec::new(),
    };
    if commands.is_empty() {
        return Err(Failure::new(Code::NoMember).with("text", ALL));
    }
    device.fee_all(month.year(), &commands, now)?;
    let found = device.fee_month(month)?;
    let value = json!({ "month": month, "lines": commands.len(), "due": found.due, "paid": found.paid });
    let said = voice.say(
        "fees.written",
        &[
            ("count", &commands.len()),
            ("paid", &signed(found.paid)),
            ("due", &grouped(found.due)),
        ],
    );
    Ok(Reply::new(value, said))
}
