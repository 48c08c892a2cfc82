//! `join`: asking to be admitted, and accepting the invitation.

use std::path::PathBuf;

use serde_json::json;
use sotay_engine::{INVITATION_BYTES_MAX, Invitation, JoinError, Pack, PackCode};

use super::unit;
use crate::args::Join;
use crate::client::{RELAYS_MAX, relay_address};
use crate::failure::Failure;
use crate::files;
use crate::reply::Reply;
use crate::session::{Phone, Session};
use crate::show;

/// How an invitation begins; anything else names a file.
const INVITATION_BEGINS: &str = "sotay-invite-";
/// How a pack begins; anything else names a file.
const PACK_BEGINS: &str = "sotay-pack-";
/// Bytes of a file with a pack; a pack has under 3,000 characters.
const PACK_BYTES_MAX: usize = 64 * 1024;

pub(super) fn run(session: &Session, args: Join) -> Result<Reply, Failure> {
    if let (Some(pack), Some(code)) = (&args.pack, &args.code) {
        return take_over(session, pack, code, &args.label);
    }
    match args.invitation {
        Some(invitation) => accept(session, &invitation),
        None => ask(session, &args.label, args.out, args.qr),
    }
}

/// The secretary's phone of a new branch.
fn take_over(session: &Session, pack: &str, code: &str, label: &str) -> Result<Reply, Failure> {
    let voice = session.voice;
    let text = files::text_or_file(pack, PACK_BEGINS, PACK_BYTES_MAX)?;
    let pack = Pack::from_text(&text, &PackCode::from_text(code)?)?;
    let phone = session.create_from_pack(label, &pack)?;
    let card = unit::card(&phone)?;
    let done = voice.say("join.packed", &[]);
    let text = format!("{done}\n\n{}", unit::describe(voice, &card));
    Ok(Reply::new(unit::json(&card, &phone), text))
}

fn ask(session: &Session, label: &str, out: Option<PathBuf>, drawn: bool) -> Result<Reply, Failure> {
    let voice = session.voice;
    let phone = session.open_or_create(label)?;
    let (request, device) = phone.run(|device, _| {
        if device.unit().is_some() {
            return Err(JoinError::Already.into());
        }
        let request = device.join_request()?;
        Ok((request, device.id()))
    })?;
    let text = request.to_text();
    let code = request.check_code();
    let value = json!({
        "request": text,
        "check_code": code,
        "label": request.label,
        "device": device.to_string(),
        "out": out.as_ref().map(|path| path.display().to_string()),
    });
    let mut explained = voice.say("join.asked", &[("label", &request.label), ("code", &code)]);
    if let Some(code) = show::qr(&text).filter(|_| drawn) {
        explained = format!("{code}\n{explained}");
    }
    match out {
        Some(path) => {
            files::write(&path, format!("{text}\n"))?;
            let written = voice.say("file.written", &[("file", &path.display())]);
            Ok(Reply::new(value, format!("{written}\n{explained}")))
        }
        None => Ok(Reply {
            value,
            text,
            aside: Some(explained),
        }),
    }
}

fn accept(session: &Session, argument: &str) -> Result<Reply, Failure> {
    let voice = session.voice;
    let text = files::text_or_file(argument, INVITATION_BEGINS, INVITATION_BYTES_MAX * 2)?;
    let invitation = Invitation::from_text(&text)?;
    let phone = session.open()?;
    let hints = invitation.relays.clone();
    phone.run(move |device, _| Ok(device.accept(&invitation)?))?;
    let relays = remember(&phone, &hints)?;
    let card = unit::card(&phone)?;
    let mut value = unit::json(&card, &phone);
    value["relays"] = json!(relays);
    let done = match relays.as_slice() {
        [] => voice.say("join.accepted", &[]),
        relays => voice.say("join.accepted_with_relays", &[("relays", &relays.join(", "))]),
    };
    Ok(Reply::new(
        value,
        format!("{done}\n\n{}", unit::describe(voice, &card)),
    ))
}

/// Keeps the relays an officer passed on, as many as there is room for; a mistyped one does no harm.
fn remember(phone: &Phone, hints: &[String]) -> Result<Vec<String>, Failure> {
    let mut client = phone.client()?;
    let room = RELAYS_MAX.saturating_sub(client.relays().len());
    let relays: Vec<String> = hints
        .iter()
        .filter_map(|hint| relay_address(hint).ok())
        .take(room)
        .collect();
    client.remember(&relays)?;
    Ok(client.relays().to_vec())
}
