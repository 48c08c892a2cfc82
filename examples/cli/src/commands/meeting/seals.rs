//! `meeting seal` and what belongs to it: two people sign, what comes later stays beside it.

use std::path::{Path, PathBuf};

use serde_json::json;
use sotay_engine::feed::DocId;
use sotay_engine::seal::{External, ExternalKind, SealId};
use sotay_engine::{DeviceError, ProfileDevice, SealShown, SealStatus, SealsView};

use crate::args::Seal;
use crate::failure::{Code, Failure};
use crate::files;
use crate::pick;
use crate::reply::Reply;
use crate::session::Session;
use crate::show;
use crate::voice::{Voice, short};

/// Bytes of an outside signature that are read at all; the engine has the limit that counts.
const SIGNATURE_BYTES_MAX: usize = 1024 * 1024;

pub(super) fn seal(session: &Session, wanted: Option<String>, args: Seal) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let doc = pick::meeting(device, wanted.as_deref())?;
        if args.check {
            return check(device, doc, voice);
        }
        let id = if args.addendum {
            device.propose_addendum(doc, now)?
        } else {
            device.propose_seal(doc, now)?
        };
        let sha256 = one(device, doc, &id)?.sha256;
        let value =
            json!({ "meeting": doc.to_string(), "did": "seal", "seal": id.to_string(), "sha256": sha256 });
        let id = id.to_string();
        let said = voice.say("seal.proposed", &[("id", &short(&id)), ("sha256", &sha256)]);
        Ok(Reply::new(value, said))
    })
}

fn check(device: &mut ProfileDevice, doc: DocId, voice: Voice) -> Result<Reply, Failure> {
    let list = device.seal_check(doc)?;
    let text = match list.open().is_empty() {
        true => voice.say("seal.ready", &[]),
        false => show::review(voice, &list, device.names()),
    };
    Ok(Reply::new(
        json!({ "meeting": doc.to_string(), "review": list }),
        text,
    ))
}

pub(super) fn countersign(
    session: &Session,
    wanted: Option<String>,
    seal: Option<String>,
) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let doc = pick::meeting(device, wanted.as_deref())?;
        let id = which(device, doc, seal.as_deref(), SealStatus::Waiting)?;
        device.countersign(doc, id, now)?;
        let sha256 = one(device, doc, &id)?.sha256;
        let value =
            json!({ "meeting": doc.to_string(), "did": "countersign", "seal": id.to_string(), "sha256": sha256 });
        Ok(Reply::new(value, voice.say("seal.signed", &[("sha256", &sha256)])))
    })
}

pub(super) fn withdraw(session: &Session, wanted: Option<String>, seal: String) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let doc = pick::meeting(device, wanted.as_deref())?;
        let id = which(device, doc, Some(&seal), SealStatus::Standing)?;
        device.withdraw_seal(doc, id, now)?;
        let value = json!({ "meeting": doc.to_string(), "did": "withdraw", "seal": id.to_string() });
        let id = id.to_string();
        Ok(Reply::new(
            value,
            voice.say("seal.taken_back", &[("id", &short(&id))]),
        ))
    })
}

pub(super) fn list(session: &Session, wanted: Option<String>) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let doc = pick::meeting(device, wanted.as_deref())?;
        let seals = device.seals(doc)?;
        let late: Vec<String> = seals
            .late
            .iter()
            .map(|late| voice.message(&late.message(), device.names()))
            .collect();
        let text = listed(voice, &seals, &late);
        Ok(Reply::new(
            json!({ "meeting": doc.to_string(), "seals": seals, "late_texts": late }),
            text,
        ))
    })
}

fn listed(voice: Voice, seals: &SealsView, late: &[String]) -> String {
    if seals.seals.is_empty() {
        return voice.say("seal.none", &[]);
    }
    let mut out = Vec::new();
    for (number, seal) in (1..).zip(&seals.seals) {
        let id = short(&seal.id);
        out.push(format!(
            "{number}. {id}  {}, {}",
            kind(voice, seal.addendum),
            status(voice, seal.status)
        ));
        let signed = |by: &Option<String>| match by {
            Some(_) => voice.say("seal.has_signed", &[]),
            None => voice.say("seal.has_not_signed", &[]),
        };
        out.push(voice.say(
            "seal.by",
            &[
                ("chair", &seal.chair.name),
                ("chair_signed", &signed(&seal.chair.signed_by)),
                ("clerk", &seal.clerk.name),
                ("clerk_signed", &signed(&seal.clerk.signed_by)),
            ],
        ));
        out.push(voice.say("verify.hash", &[("sha256", &seal.sha256)]));
        for outside in &seal.outside {
            out.push(voice.say("seal.outside", &[("name", &outside.name)]));
        }
    }
    if seals.competing {
        out.push(voice.say("seal.competing", &[]));
    }
    if !late.is_empty() {
        out.push(voice.say("seal.late", &[]));
        out.extend(late.iter().map(|line| format!("   {line}")));
    }
    out.join("\n")
}

/// Minutes or addendum.
pub(in crate::commands) fn kind(voice: Voice, addendum: bool) -> String {
    match addendum {
        true => voice.say("seal.addendum", &[]),
        false => voice.say("seal.minutes", &[]),
    }
}

/// How a seal stands.
pub(in crate::commands) fn status(voice: Voice, status: SealStatus) -> String {
    match status {
        SealStatus::Waiting => voice.say("seal.waiting", &[]),
        SealStatus::Standing => voice.say("seal.standing", &[]),
        SealStatus::Replaced => voice.say("seal.replaced", &[]),
        SealStatus::Withdrawn => voice.say("seal.withdrawn", &[]),
    }
}

pub(super) fn file(session: &Session, wanted: Option<String>, out: PathBuf) -> Result<Reply, Failure> {
    let voice = session.voice;
    let (doc, bytes) = session.open()?.run(move |device, _| {
        let doc = pick::meeting(device, wanted.as_deref())?;
        Ok((doc, device.seal_file(doc)?))
    })?;
    files::write(&out, &bytes)?;
    let value = json!({ "meeting": doc.to_string(), "out": out.display().to_string(), "bytes": bytes.len() });
    Ok(Reply::new(
        value,
        voice.say("file.written", &[("file", &out.display())]),
    ))
}

pub(super) fn outside(
    session: &Session,
    wanted: Option<String>,
    path: &Path,
    seal: Option<String>,
    kind: &str,
) -> Result<Reply, Failure> {
    let voice = session.voice;
    let bytes = files::read_bytes(&path.display().to_string(), SIGNATURE_BYTES_MAX)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let external = External {
        kind: match kind {
            "pades" => ExternalKind::Pades,
            "cades" => ExternalKind::Cades,
            _ => ExternalKind::Other,
        },
        name: name.unwrap_or_default(),
        bytes,
    };
    session.open()?.run(move |device, now| {
        let doc = pick::meeting(device, wanted.as_deref())?;
        let id = which(device, doc, seal.as_deref(), SealStatus::Standing)?;
        device.attach_outside_signature(doc, id, &external, now)?;
        let value = json!({ "meeting": doc.to_string(), "did": "outside-signature", "seal": id.to_string() });
        Ok(Reply::new(
            value,
            voice.say("seal.outside_kept", &[("name", &external.name)]),
        ))
    })
}

/// The seal whose id begins so; without a name the only one that stands so.
fn which(
    device: &mut ProfileDevice,
    doc: DocId,
    text: Option<&str>,
    wanted: SealStatus,
) -> Result<SealId, Failure> {
    let seals = device.seals(doc)?.seals;
    let fits = |seal: &&SealShown| match text {
        Some(text) => !text.is_empty() && seal.id.starts_with(text),
        None => seal.status == wanted,
    };
    let found: Vec<&SealShown> = seals.iter().filter(fits).collect();
    let [only] = found[..] else {
        return Err(Failure::new(Code::WhichSeal)
            .with("text", text.unwrap_or("-"))
            .with("count", found.len()));
    };
    only.id
        .parse()
        .map_err(|_| DeviceError::Internal("seal id").into())
}

fn one(device: &mut ProfileDevice, doc: DocId, id: &SealId) -> Result<SealShown, Failure> {
    let wanted = id.to_string();
    let found = device
        .seals(doc)?
        .seals
        .into_iter()
        .find(|seal| seal.id == wanted);
    Ok(found.ok_or(DeviceError::Internal("seal"))?)
}
