//! `unit policy`, `members endorse|admit`, `province secretary`: what a unit has decided about keys and doors, and using it.

use std::path::PathBuf;

use serde_json::json;
use sotay_engine::{Invitation, JoinRequest, UnitPolicy};

use super::{invite, province};
use crate::args::Whom;
use crate::failure::Failure;
use crate::files;
use crate::reply::Reply;
use crate::session::Session;
use crate::voice::Voice;

/// How an endorsement begins; anything else names a file.
const ENDORSEMENT_BEGINS: &str = "sotay-endorse-";
/// Bytes of a file with an endorsement.
const ENDORSEMENT_BYTES_MAX: usize = 64 * 1024;

pub(super) fn run(session: &Session, escrow: Option<bool>, remote: Option<bool>) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let before = device.unit_policy()?;
        let wanted = UnitPolicy {
            escrow: escrow.unwrap_or(before.escrow),
            remote: remote.unwrap_or(before.remote),
        };
        if wanted != before {
            device.set_unit_policy(wanted)?;
        }
        let value = json!({ "policy": { "escrow": wanted.escrow, "remote": wanted.remote } });
        Ok(Reply::new(value, describe(voice, wanted)))
    })
}

/// In words, for every member to see.
pub(super) fn describe(voice: Voice, policy: UnitPolicy) -> String {
    let escrow = if policy.escrow {
        "policy.escrow_on"
    } else {
        "policy.escrow_off"
    };
    let remote = if policy.remote {
        "policy.remote_on"
    } else {
        "policy.remote_off"
    };
    format!("{}\n{}", voice.say(escrow, &[]), voice.say(remote, &[]))
}

pub(super) fn endorse(
    session: &Session,
    request: &str,
    whom: Whom,
    out: Option<PathBuf>,
) -> Result<Reply, Failure> {
    let voice = session.voice;
    let text = invite::request_text(request)?;
    let code = JoinRequest::from_text(&text)?.check_code();
    let word = session.open()?.run(move |device, now| {
        let (ask, _) = invite::asked(voice, device, now, &whom, text, Vec::new())?;
        Ok(device.endorse(&ask)?)
    })?;
    let value = json!({
        "endorsement": out.is_none().then_some(&word),
        "out": out.as_ref().map(|path| path.display().to_string()),
        "check_code": code,
    });
    let explained = voice.say("remote.endorsed", &[("code", &code)]);
    invite::hand_over(voice, value, (word, explained), out)
}

pub(super) fn admit(
    session: &Session,
    endorsement: &str,
    relay: &[String],
    out: Option<PathBuf>,
) -> Result<Reply, Failure> {
    let text = files::text_or_file(endorsement, ENDORSEMENT_BEGINS, ENDORSEMENT_BYTES_MAX)?;
    let phone = session.open()?;
    let relays = invite::passed_on(relay, &phone)?;
    let invitation = phone.run(move |device, now| Ok(device.admit_endorsed(&text, relays, now)?))?;
    handed(session.voice, &invitation, out)
}

pub(super) fn secretary(
    session: &Session,
    request: &str,
    branch: String,
    relay: &[String],
    out: Option<PathBuf>,
) -> Result<Reply, Failure> {
    let text = invite::request_text(request)?;
    let phone = session.open()?;
    let relays = invite::passed_on(relay, &phone)?;
    let invitation = phone.run(move |device, now| {
        let lines = device.branches();
        let unit = province::branch(&lines, &branch)?.unit;
        Ok(device.replace_secretary(unit, &text, relays, now)?)
    })?;
    handed(session.voice, &invitation, out)
}

fn handed(voice: Voice, invitation: &Invitation, out: Option<PathBuf>) -> Result<Reply, Failure> {
    let text = invitation.to_text();
    let value = json!({
        "invitation": out.is_none().then_some(&text),
        "out": out.as_ref().map(|path| path.display().to_string()),
        "unit": invitation.unit.to_string(),
        "member": invitation.member.to_string(),
    });
    invite::hand_over(voice, value, (text, voice.say("remote.admitted", &[])), out)
}
