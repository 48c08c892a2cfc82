//! `province`: founding branches, and reading what they report.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

mod answers;

use serde_json::json;
use sotay_engine::{BranchLine, NewBranch, UnitKind};

use super::root;
use crate::args::{Province, ProvinceCommand};
use crate::failure::{Code, Failure};
use crate::files;
use crate::reply::Reply;
use crate::session::Session;
use crate::show::columns;

/// Branches founded in one call, between two lines of progress.
const AT_ONCE: usize = 100;
/// What a third column of the table may say.
const LEVELS: [(&str, UnitKind); 3] = [
    ("branch", UnitKind::BRANCH),
    ("committee", UnitKind::COMMITTEE),
    ("district", UnitKind::DISTRICT),
];

pub(super) fn run(session: &Session, args: Province) -> Result<Reply, Failure> {
    match args.command {
        ProvinceCommand::Create { table, out } => create(session, &table, &out),
        ProvinceCommand::Card { out } => root::card(session, &out),
        ProvinceCommand::Move { card, units, out } => root::shift(session, &card, units, &out),
        ProvinceCommand::Take { paper } => root::take(session, &paper),
        ProvinceCommand::Root(args) => root::run(session, args),
        ProvinceCommand::Secretary {
            request,
            branch,
            relay,
            out,
        } => super::policy::secretary(session, &request, branch, &relay, out),
        ProvinceCommand::List => list(session),
        ProvinceCommand::Reports { branch, year } => reports(session, branch, year),
        ProvinceCommand::Letter(letter) => answers::run(session, letter),
    }
}

fn read_table(text: &str, file: &str) -> Result<Vec<NewBranch>, Failure> {
    let mut branches = Vec::new();
    for (line, number) in text.trim_start_matches('\u{feff}').lines().zip(1usize..) {
        if line.trim().is_empty() {
            continue;
        }
        let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
        let level = |said: Option<&&str>| match said {
            None => Some(UnitKind::BRANCH),
            Some(said) => LEVELS
                .iter()
                .find(|(key, _)| key == said)
                .map(|(_, level)| *level),
        };
        match (&cells[..], level(cells.get(2))) {
            ([name, secretary] | [name, secretary, _], Some(level))
                if !name.is_empty() && !secretary.is_empty() =>
            {
                branches.push(NewBranch {
                    level,
                    name: (*name).to_owned(),
                    secretary: (*secretary).to_owned(),
                });
            }
            _ => {
                return Err(Failure::new(Code::BranchTable)
                    .with("file", file)
                    .with("line", number));
            }
        }
    }
    if branches.is_empty() {
        return Err(Failure::new(Code::BranchTable).with("file", file).with("line", 1));
    }
    Ok(branches)
}

fn create(session: &Session, table: &str, out: &Path) -> Result<Reply, Failure> {
    let voice = session.voice;
    let new = read_table(&files::read(table, files::TABLE_BYTES_MAX)?, table)?;
    std::fs::create_dir_all(out).map_err(|error| {
        Failure::new(Code::CannotWrite)
            .with("file", out.display())
            .with("reason", error.kind())
    })?;
    let phone = session.open()?;
    let (begun, total) = (Instant::now(), new.len());
    let (mut founded, mut codes, mut bytes) = (Vec::new(), String::new(), 0);
    for some in new.chunks(AT_ONCE) {
        let some = some.to_vec();
        let made = phone.run(move |device, now| Ok(device.found_branches(&some, now)?))?;
        for branch in made {
            let number = founded.len() + 1;
            for ((text, code), slot) in branch.packs.iter().zip(1..) {
                let file = format!("{number:04}-{slot}.pack");
                files::write(&out.join(&file), format!("{text}\n"))?;
                codes.push_str(&format!("{file}\t{}\t{}\n", branch.name, code.to_text()));
                bytes += text.len();
            }
            founded.push(json!({ "unit": branch.unit.to_string(), "name": branch.name }));
        }
        // After every part, so that no pack is ever without its code.
        files::write(&out.join("codes.tsv"), &codes)?;
        if !session.json {
            let line = voice.say(
                "province.progress",
                &[("done", &founded.len()), ("total", &total)],
            );
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
    let seconds = format!("{:.1}", begun.elapsed().as_secs_f64());
    let each = bytes / (2 * total);
    let text = voice.say(
        "province.founded",
        &[
            ("count", &total),
            ("seconds", &seconds),
            ("bytes", &each),
            ("dir", &out.display()),
        ],
    );
    let value = json!({ "founded": founded, "pack_bytes": each, "out": out.display().to_string() });
    Ok(Reply::new(value, text))
}

fn list(session: &Session) -> Result<Reply, Failure> {
    session.open()?.run(move |device, _| {
        let lines = device.branches();
        let row = |line: &BranchLine| vec![line.name.clone(), line.unit.to_string(), line.phones.to_string()];
        let rows: Vec<Vec<String>> = lines.iter().map(row).collect();
        Ok(Reply::new(json!({ "branches": lines }), columns(&rows)))
    })
}

/// The one branch of this name, or whose id begins so.
pub(super) fn branch<'a>(lines: &'a [BranchLine], text: &str) -> Result<&'a BranchLine, Failure> {
    let wanted = text.trim().to_lowercase();
    let fits =
        |line: &&BranchLine| line.name.to_lowercase() == wanted || line.unit.to_string().starts_with(&wanted);
    let mut found = lines.iter().filter(fits);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(Failure::new(Code::UnknownBranch).with("text", text)),
    }
}

fn reports(session: &Session, branch: String, year: i32) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let lines = device.branches();
        let one = self::branch(&lines, &branch)?;
        let sent = device.branch_reports(one.unit, year)?.sent;
        let answers = device.report_answers(Some(one.unit), year)?;
        let rows: Vec<Vec<String>> = answers
            .iter()
            .map(|answer| {
                let step = answer.step.map(|step| voice.word(step)).unwrap_or_default();
                vec![answer.month.to_string(), answer.revision.to_string(), step]
            })
            .collect();
        let heading = voice.say("province.reports", &[("name", &one.name), ("count", &sent.len())]);
        Ok(Reply::new(
            json!({ "branch": one, "reports": sent, "answers": answers }),
            format!("{heading}\n{}", columns(&rows)),
        ))
    })
}
