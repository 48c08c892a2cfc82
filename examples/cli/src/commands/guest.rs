//! `guest`: letting somebody read one meeting.

use std::path::PathBuf;

use serde_json::json;
use sotay_engine::{GuestAsk, JoinRequest, Reason, Whom};

use super::invite;
use crate::args::{GuestCommand, Guests};
use crate::failure::{Code, Failure};
use crate::files;
use crate::pick;
use crate::reply::Reply;
use crate::session::Session;
use crate::show::columns;

pub(super) fn run(session: &Session, args: Guests) -> Result<Reply, Failure> {
    match args.command {
        GuestCommand::Invite {
            request,
            name,
            meeting,
            relay,
            out,
        } => let_in(session, &request, (name, meeting), &relay, out),
        GuestCommand::List => list(session),
        GuestCommand::End { phone } => end(session, phone),
        GuestCommand::Read { out } => read(session, out),
    }
}

fn let_in(
    session: &Session,
    request: &str,
    (name, meeting): (String, Option<String>),
    relay: &[String],
    out: Option<PathBuf>,
) -> Result<Reply, Failure> {
    let voice = session.voice;
    let text = invite::request_text(request)?;
    let request = JoinRequest::from_text(&text)?;
    let phone = session.open()?;
    let relays = invite::passed_on(relay, &phone)?;
    let shown = name.clone();
    let (invitation, meeting) = phone.run(move |device, now| {
        let meeting = pick::meeting(device, meeting.as_deref())?;
        let ask = GuestAsk {
            request: text,
            meeting,
            name,
            relays,
        };
        Ok((device.admit_guest(&ask, now)?, meeting))
    })?;
    let (text, code) = (invitation.to_text(), request.check_code());
    let value = json!({
        "invitation": out.is_none().then_some(&text),
        "out": out.as_ref().map(|path| path.display().to_string()),
        "check_code": code,
        "device": request.keys.sign.device_id().to_string(),
        "meeting": meeting.to_string(),
        "name": shown,
    });
    let explained = voice.say("guest.invited", &[("name", &shown), ("code", &code)]);
    invite::hand_over(voice, value, (text, explained), out)
}

fn list(session: &Session) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let lines = device.guests()?;
        let rows: Vec<Vec<String>> = lines
            .iter()
            .map(|line| {
                let state = if line.open { "guest.open" } else { "guest.ended" };
                let name = line.name.clone().unwrap_or_default();
                let meeting = line.meeting.to_string();
                vec![
                    line.label.clone(),
                    line.device.to_string(),
                    name,
                    meeting,
                    voice.say(state, &[]),
                ]
            })
            .collect();
        Ok(Reply::new(json!({ "guests": lines }), columns(&rows)))
    })
}

fn end(session: &Session, phone: String) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let wanted = pick::phone(device, &phone)?;
        let is_guest = device.guests()?.iter().any(|line| line.device == wanted.device);
        if !is_guest {
            return Err(Failure::new(Code::NotAGuest).with("text", phone));
        }
        let change = device.revoke(Whom::Device(wanted.device), Reason::NONE)?;
        let done = voice.say("members.revoked", &[("name", &wanted.label)]);
        Ok(Reply::new(json!({ "changed": change }), done))
    })
}

fn read(session: &Session, out: Option<PathBuf>) -> Result<Reply, Failure> {
    let voice = session.voice;
    let page = session.open()?.run(|device, _| Ok(device.guest_page()?))?;
    let page = page.ok_or_else(|| Failure::new(Code::NothingShown))?;
    let state = if page.sealed {
        "guest.sealed"
    } else {
        "guest.draft"
    };
    let aside = voice.say(state, &[("sha256", &page.sha256)]);
    let value = json!({ "page": page });
    match out {
        Some(path) => {
            files::write(&path, &page.text)?;
            let written = voice.say("file.written", &[("file", &path.display())]);
            Ok(Reply::new(value, format!("{written}\n{aside}")))
        }
        None => Ok(Reply {
            value,
            text: page.text,
            aside: Some(aside),
        }),
    }
}
