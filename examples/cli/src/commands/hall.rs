//! `hall`: a whole branch with one code on the wall.

use std::path::{Path, PathBuf};

use serde_json::json;
use sotay_engine::{HALL_LETTER_BYTES_MAX, HallAdmission, HallEntry, letter_text, read_letter};

use super::invite::{asked, passed_on};
use crate::args::{Enrolment, EnrolmentCommand, Whom};
use crate::failure::Failure;
use crate::files;
use crate::reply::Reply;
use crate::session::Session;
use crate::show::{self, columns};
use crate::voice::Voice;

/// How a letter begins; anything else names a file.
const LETTER_BEGINS: &str = "sotay-letter-";
/// Bytes of a file with a letter.
const LETTER_BYTES_MAX: usize = HALL_LETTER_BYTES_MAX * 2;

pub(super) fn run(session: &Session, args: Enrolment) -> Result<Reply, Failure> {
    match args.command {
        EnrolmentCommand::Open { relay, out } => open(session, &relay, out.as_deref()),
        EnrolmentCommand::Take { letters } => take(session, &letters),
        EnrolmentCommand::List => {
            let voice = session.voice;
            session
                .open()?
                .run(move |device, _| Ok(waiting(voice, &device.hall_requests()?)))
        }
        EnrolmentCommand::Admit { digits, whom } => admit(session, digits, whom),
        EnrolmentCommand::Welcome { out } => welcome(session, out),
        EnrolmentCommand::Close => {
            let voice = session.voice;
            session.open()?.run(|device, _| Ok(device.close_hall()?))?;
            Ok(Reply::new(
                json!({ "closed": true }),
                voice.say("hall.closed", &[]),
            ))
        }
    }
}

fn open(session: &Session, relays: &[String], out: Option<&Path>) -> Result<Reply, Failure> {
    let voice = session.voice;
    let phone = session.open()?;
    let relays = passed_on(relays, &phone)?;
    let code = phone.run(move |device, now| Ok(device.open_hall(&relays, now)?))?;
    let text = code.to_text();
    if let Some(path) = out {
        files::write(path, format!("{text}\n"))?;
    }
    let until = i64::try_from(code.until).unwrap_or(i64::MAX / 1000) * 1000;
    let explained = voice.say("hall.opened", &[("until", &voice.moment(until))]);
    let drawn = show::qr(&text).map_or_else(String::new, |drawn| format!("{drawn}\n"));
    Ok(Reply {
        value: json!({
            "code": text,
            "until": code.until,
            "bytes": code.to_bytes().len(),
            "relays": code.relays.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "out": out.map(|path| path.display().to_string()),
        }),
        text,
        aside: Some(format!("{drawn}{explained}")),
    })
}

fn take(session: &Session, letters: &[String]) -> Result<Reply, Failure> {
    let voice = session.voice;
    let letters = letters
        .iter()
        .map(|letter| {
            let text = files::text_or_file(letter, LETTER_BEGINS, LETTER_BYTES_MAX)?;
            Ok(read_letter(&text)?)
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    session.open()?.run(move |device, now| {
        for letter in &letters {
            device.take_hall_letter(letter, now)?;
        }
        Ok(waiting(voice, &device.hall_requests()?))
    })
}

fn waiting(voice: Voice, entries: &[HallEntry]) -> Reply {
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|entry| {
            vec![
                entry.check_code.clone(),
                entry.label.clone(),
                entry.device.to_string(),
            ]
        })
        .collect();
    let heading = voice.say("hall.waiting", &[("count", &entries.len())]);
    Reply::new(
        json!({ "waiting": entries }),
        format!("{heading}\n{}", columns(&rows)),
    )
}

fn admit(session: &Session, digits: String, whom: Whom) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let (ask, name) = asked(voice, device, now, &whom, String::new(), Vec::new())?;
        let member = ask.member;
        let entry = device.admit_in_hall(
            &HallAdmission {
                check_code: digits,
                ask,
            },
            now,
        )?;
        let done = voice.say("hall.admitted", &[("label", &entry.label), ("name", &name)]);
        Ok(Reply::new(
            json!({ "admitted": entry, "member": member.to_string(), "member_name": name }),
            done,
        ))
    })
}

fn welcome(session: &Session, out: PathBuf) -> Result<Reply, Failure> {
    let voice = session.voice;
    let file = session.open()?.run(|device, _| Ok(device.hall_welcome()?))?;
    files::write(&out, &file)?;
    let written = voice.say("file.written", &[("file", &out.display())]);
    let next = voice.say("hall.welcome", &[("file", &out.display())]);
    Ok(Reply::new(
        json!({ "out": out.display().to_string(), "bytes": file.len() }),
        format!("{written}\n{next}"),
    ))
}

/// A letter, as `join --hall` writes it.
pub(super) fn letter(bytes: &[u8]) -> String {
    letter_text(bytes)
}
