//! `join`: asking to be admitted, and accepting the invitation.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use sotay_engine::{
    EnrolTextError, INVITATION_BYTES_MAX, Invitation, JoinError, Pack, PackCode, Pass, WELCOME_BYTES_MAX,
};

use super::invite::hand_over;
use super::{hall, unit};
use crate::args::Join;
use crate::client::{RELAYS_MAX, relay_address};
use crate::failure::{Code, Failure};
use crate::files;
use crate::reply::Reply;
use crate::session::{Phone, Session};
use crate::show;

/// How an invitation begins; anything else names a file.
const INVITATION_BEGINS: &str = "sotay-invite-";
/// How a pack begins; anything else names a file.
const PACK_BEGINS: &str = "sotay-pack-";
/// How a ticket and the code of a hall begin; anything else names a file.
const PASS_BEGINS: [&str; 2] = ["SOTAY-TICKET-", "SOTAY-HALL-"];
/// Bytes of a file with one of them; the texts have under 1,000 characters.
const PASS_BYTES_MAX: usize = 64 * 1024;
/// How long a phone that was just admitted waits for a relay.
const RELAY_WAIT: Duration = Duration::from_secs(30);
/// Bytes of a file with a pack; a pack has under 3,000 characters.
const PACK_BYTES_MAX: usize = 64 * 1024;

pub(super) fn run(session: &Session, args: Join) -> Result<Reply, Failure> {
    if let (Some(pack), Some(code)) = (&args.pack, &args.code) {
        return take_over(session, pack, code, &args.label);
    }
    match (args.invitation, args.ticket, args.hall, args.welcome) {
        (Some(invitation), ..) => accept(session, &invitation),
        (_, Some(ticket), _, welcome) => by_ticket(session, &ticket, &args.label, welcome.as_deref()),
        (_, _, Some(code), _) => write_to_hall(session, &code, &args.label, args.out),
        (.., Some(welcome)) => by_welcome(session, &welcome),
        _ => ask(session, &args.label, args.out, args.qr),
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
    let (request, device) = phone.run(move |device, now| {
        if device.unit().is_some() {
            return Err(JoinError::Already.into());
        }
        let request = if drawn {
            device.shown_request(now)?
        } else {
            device.join_request()?
        };
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
    let said: [(&str, &dyn std::fmt::Display); 2] = [("label", &request.label), ("code", &code)];
    let explained = match show::qr(&text).filter(|_| drawn) {
        Some(drawn) => format!("{drawn}\n{}", voice.say("join.shown", &said)),
        None => voice.say("join.asked", &said),
    };
    hand_over(voice, value, (text, explained), out)
}

fn accept(session: &Session, argument: &str) -> Result<Reply, Failure> {
    let text = files::text_or_file(argument, INVITATION_BEGINS, INVITATION_BYTES_MAX * 2)?;
    let invitation = Invitation::from_text(&text)?;
    let phone = session.open_any()?;
    let hints = invitation.relays.clone();
    phone.run(move |device, _| Ok(device.accept(&invitation)?))?;
    joined(session, &phone, &hints)
}

/// The phone belongs to the unit: what there is to say of it.
fn joined(session: &Session, phone: &Phone, hints: &[String]) -> Result<Reply, Failure> {
    let voice = session.voice;
    let relays = remember(phone, hints)?;
    let card = unit::card(phone)?;
    let mut value = unit::json(&card, phone);
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

fn scanned(argument: &str) -> Result<Pass, Failure> {
    let text = files::text_or_file_of(argument, &PASS_BEGINS, PASS_BYTES_MAX)?;
    Ok(Pass::from_text(&text)?)
}

fn relays_of(pass: &Pass) -> Vec<String> {
    pass.relays().iter().map(ToString::to_string).collect()
}

fn by_ticket(session: &Session, ticket: &str, label: &str, file: Option<&str>) -> Result<Reply, Failure> {
    let voice = session.voice;
    let pass = scanned(ticket)?;
    let phone = session.open_or_create(label)?;
    let hints = relays_of(&pass);
    phone.run(move |device, now| Ok(device.begin_join(&pass, now)?))?;
    if let Some(file) = file {
        take_welcome(&phone, file)?;
        return joined(session, &phone, &hints);
    }
    let relays = remember(&phone, &hints)?;
    if relays.is_empty() {
        return Ok(Reply::new(
            json!({ "joined": false, "relays": relays }),
            voice.say("join.waits", &[]),
        ));
    }
    from_relays(session, &phone, &relays)
}

fn by_welcome(session: &Session, file: &str) -> Result<Reply, Failure> {
    let phone = session.open_any()?;
    let hints = phone.run(|device, _| Ok(device.joining()?.as_ref().map(relays_of)))?;
    take_welcome(&phone, file)?;
    joined(session, &phone, &hints.unwrap_or_default())
}

fn take_welcome(phone: &Phone, file: &str) -> Result<(), Failure> {
    let bytes = files::read_bytes(file, WELCOME_BYTES_MAX)?;
    phone.run(move |device, _| Ok(device.accept_welcome(&bytes)?))
}

fn write_to_hall(session: &Session, code: &str, label: &str, out: Option<PathBuf>) -> Result<Reply, Failure> {
    let voice = session.voice;
    let Pass::Hall(code) = scanned(code)? else {
        return Err(EnrolTextError::Prefix {
            expected: "code of a hall",
            prefix: PASS_BEGINS[1],
        }
        .into());
    };
    let phone = session.open_or_create(label)?;
    let hints: Vec<String> = code.relays.iter().map(ToString::to_string).collect();
    let (request, label) = phone.run(move |device, now| {
        let request = device.hall_request(&code, now)?;
        Ok((request, device.label().to_owned()))
    })?;
    remember(&phone, &hints)?;
    let text = hall::letter(&request.letter);
    let value = json!({
        "letter": out.is_none().then_some(&text),
        "check_code": request.check_code,
        "label": label,
        "out": out.as_ref().map(|path| path.display().to_string()),
    });
    let explained = voice.say(
        "join.lettered",
        &[("label", &label), ("code", &request.check_code)],
    );
    hand_over(voice, value, (text, explained), out)
}

/// A phone that waits for its grant asks its relays: the roll first, then everything it may read.
pub(super) fn from_relays(session: &Session, phone: &Phone, relays: &[String]) -> Result<Reply, Failure> {
    let mut failure = None;
    for relay in relays {
        if let Err(error) = phone.engine.sync_once(relay, RELAY_WAIT) {
            failure.get_or_insert(Failure::from(error));
            continue;
        }
        if phone.run(|device, _| Ok(device.unit().is_some()))? {
            return joined(session, phone, &[]);
        }
    }
    Err(failure.unwrap_or_else(|| Failure::new(Code::NotAdmittedYet)))
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
