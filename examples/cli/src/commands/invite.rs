//! `invite`: admitting another phone.

use std::path::PathBuf;

use serde_json::{Value, json};
use sotay_engine::handbook::Date;
use sotay_engine::handbook::roster::Standing;
use sotay_engine::{AdmitError, AdmitRequest, Invitation, JoinRequest, ProfileDevice, today};

use super::unit;
use crate::args::{Invite, Whom};
use crate::client::relay_address;
use crate::failure::Failure;
use crate::files;
use crate::pick::{self, People};
use crate::reply::Reply;
use crate::session::{Phone, Session};
use crate::show;
use crate::voice::Voice;

/// How requests begin; anything else names a file.
const REQUEST_BEGINS: [&str; 2] = ["sotay-join-", "SOTAY-JOIN-"];
/// Bytes of a file with a request; a request has about 250 characters. An invitation given by mistake is named as one.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

pub(super) fn run(session: &Session, args: Invite) -> Result<Reply, Failure> {
    let voice = session.voice;
    let text = request_text(&args.request)?;
    let request = JoinRequest::from_text(&text)?;
    let phone = session.open()?;
    let relays = passed_on(&args.relay, &phone)?;

    let (whom, replaces, passed) = (args.whom, args.replaces.clone(), relays.clone());
    let from = args.from.as_deref().map(pick::date).transpose()?;
    let (rank, committee, small) = (whom.rank.rank(), whom.committee, args.qr);
    let (invitation, name, ticket) = phone.run(move |device, now| {
        let (ask, name) = asked(voice, device, now, &whom, text, passed)?;
        let invitation = admit(voice, device, now, &ask, (replaces.as_deref(), from))?;
        let ticket = small.then(|| device.ticket(&invitation));
        Ok((invitation, name, ticket))
    })?;

    let code = request.check_code();
    let said: [(&str, &dyn std::fmt::Display); 4] = [
        ("label", &request.label),
        ("name", &name),
        ("rank", &unit::rank(voice, Some(rank), committee)),
        ("code", &code),
    ];
    let mut value = json!({
        "check_code": code,
        "label": request.label,
        "device": request.keys.sign.device_id().to_string(),
        "member": invitation.member.to_string(),
        "member_name": name,
        "rank": rank,
        "committee": committee,
        "relays": relays,
    });
    if let Some(day) = from {
        value["from"] = day.to_string().into();
    }
    if let Some((ticket, file)) = ticket {
        let text = ticket.to_text();
        value["ticket"] = json!(text);
        value["bytes"] = json!(ticket.to_bytes().len());
        value["welcome"] = json!(args.welcome.as_ref().map(|path| path.display().to_string()));
        let mut explained = voice.say("invite.ticket", &said);
        if let Some(drawn) = show::qr(&text) {
            explained = format!("{drawn}\n{explained}");
        }
        if let Some(path) = &args.welcome {
            files::write(path, file)?;
            explained.push('\n');
            explained.push_str(&voice.say("file.written", &[("file", &path.display())]));
        }
        return Ok(Reply {
            value,
            text,
            aside: Some(explained),
        });
    }
    let text = invitation.to_text();
    value["invitation"] = json!(args.out.is_none().then_some(&text));
    value["out"] = json!(args.out.as_ref().map(|path| path.display().to_string()));
    value["bytes"] = json!(text.len());
    let explained = voice.say("invite.made", &said);
    hand_over(voice, value, (text, explained), args.out)
}

/// The text of a request: given itself, in a file, or on standard input.
pub(super) fn request_text(argument: &str) -> Result<String, Failure> {
    files::text_or_file_of(argument, &REQUEST_BEGINS, REQUEST_BYTES_MAX)
}

/// A text into a file or onto the terminal, with what to say about it.
pub(super) fn hand_over(
    voice: Voice,
    value: Value,
    (text, explained): (String, String),
    out: Option<PathBuf>,
) -> Result<Reply, Failure> {
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

/// Relays to pass on: those that were typed, else those this profile remembers.
pub(super) fn passed_on(given: &[String], phone: &Phone) -> Result<Vec<String>, Failure> {
    if given.is_empty() {
        return Ok(phone.client()?.relays().to_vec());
    }
    given.iter().map(|relay| relay_address(relay)).collect()
}

/// What the officer decided, as the engine takes it, and the name of the holder.
pub(super) fn asked(
    voice: Voice,
    device: &mut ProfileDevice,
    now: i64,
    whom: &Whom,
    request: String,
    relays: Vec<String>,
) -> Result<(AdmitRequest, String), Failure> {
    let member = People::of_roster(device)?.one(&whom.member)?;
    let today = device.members(today(now))?;
    let standing = today
        .iter()
        .find(|line| line.line.member == member)
        .map(|line| line.line.standing);
    let ask = AdmitRequest {
        request,
        member,
        rank: whom.rank.rank(),
        committee: whom.committee,
        probationary: standing == Some(Standing::Probationary),
        relays,
    };
    Ok((ask, voice.member(member, device.names())))
}

fn admit(
    voice: Voice,
    device: &mut ProfileDevice,
    now: i64,
    ask: &AdmitRequest,
    (replaces, from): (Option<&str>, Option<Date>),
) -> Result<Invitation, Failure> {
    let admitted = match replaces {
        Some(text) => {
            let old = pick::phone(device, text)?.device;
            device.admit_replacing(ask, old, now)
        }
        None => match from {
            Some(day) => device.admit_from(ask, day, now),
            None => device.admit(ask, now),
        },
    };
    admitted.map_err(|error| {
        let holder = if let AdmitError::Already { member } = error {
            Some(member)
        } else {
            None
        };
        let failure = Failure::from(error);
        match holder {
            Some(member) => failure
                .with("member", voice.member(member, device.names()))
                .details(json!({ "member": member.to_string() })),
            None => failure,
        }
    })
}
