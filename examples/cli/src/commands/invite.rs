//! `invite`: admitting another phone.

use serde_json::json;
use sotay_engine::handbook::roster::Standing;
use sotay_engine::{AdmitError, AdmitRequest, JoinRequest, today};

use super::unit;
use crate::args::Invite;
use crate::client::relay_address;
use crate::failure::Failure;
use crate::files;
use crate::pick::{self, People};
use crate::reply::Reply;
use crate::session::Session;

/// How a request begins; anything else names a file.
const REQUEST_BEGINS: &str = "sotay-join-";
/// Bytes of a file with a request; a request has about 250 characters. An invitation given by mistake is named as one.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

pub(super) fn run(session: &Session, args: Invite) -> Result<Reply, Failure> {
    let voice = session.voice;
    let text = files::text_or_file(&args.request, REQUEST_BEGINS, REQUEST_BYTES_MAX)?;
    let request = JoinRequest::from_text(&text)?;
    let given: Vec<String> = args
        .relay
        .iter()
        .map(|relay| relay_address(relay))
        .collect::<Result<_, _>>()?;
    let phone = session.open()?;
    let relays = if given.is_empty() {
        phone.client()?.relays().to_vec()
    } else {
        given
    };

    let (rank, committee, wanted, passed) = (args.rank.rank(), args.committee, args.member, relays.clone());
    let replaces = args.replaces;
    let (invitation, name) = phone.run(move |device, now| {
        let member = People::of_roster(device)?.one(&wanted)?;
        let today = device.members(today(now))?;
        let standing = today
            .iter()
            .find(|line| line.line.member == member)
            .map(|line| line.line.standing);
        let ask = AdmitRequest {
            request: text,
            member,
            rank,
            committee,
            probationary: standing == Some(Standing::Probationary),
            relays: passed,
        };
        let admitted = match replaces {
            Some(text) => {
                let old = pick::phone(device, &text)?.device;
                device.admit_replacing(&ask, old, now)
            }
            None => device.admit(&ask, now),
        };
        let invitation = admitted.map_err(|error| {
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
        })?;
        Ok((invitation, voice.member(member, device.names())))
    })?;

    let code = request.check_code();
    let text = invitation.to_text();
    let value = json!({
        "invitation": args.out.is_none().then_some(&text),
        "out": args.out.as_ref().map(|path| path.display().to_string()),
        "bytes": text.len(),
        "check_code": code,
        "label": request.label,
        "device": request.keys.sign.device_id().to_string(),
        "member": invitation.member.to_string(),
        "member_name": name,
        "rank": rank,
        "committee": committee,
        "relays": relays,
    });
    let explained = voice.say(
        "invite.made",
        &[
            ("label", &request.label),
            ("name", &name),
            ("rank", &unit::rank(voice, Some(rank), committee)),
            ("code", &code),
        ],
    );
    match args.out {
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
