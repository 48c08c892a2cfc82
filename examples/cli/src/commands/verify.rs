//! `verify`: who sealed what, from nothing but a file.

use serde_json::{Value, json};
use sotay_engine::SealStatus;
use sotay_engine::seal::{ExternalKind, SealKind, Verdict, VerifiedSeal, verify};

use super::meeting::seals::{kind, status};
use crate::args::Verify;
use crate::failure::{Code, Failure};
use crate::files;
use crate::reply::Reply;
use crate::session::Session;
use crate::voice::Voice;

/// Bytes of a file that are read at all; one more than a seal file may have, so that its own limit answers.
const FILE_BYTES_MAX: usize = 4 * 1024 * 1024 + 1;

pub(super) fn run(session: &Session, args: Verify) -> Result<Reply, Failure> {
    let unit = match args.unit.as_deref() {
        Some(text) => Some(
            text.parse()
                .map_err(|_| Failure::new(Code::BadUnit).with("text", text))?,
        ),
        None => None,
    };
    let bytes = files::read_bytes(&args.file, FILE_BYTES_MAX)?;
    let verdict = verify(&bytes, unit)?;
    let seals: Vec<Value> = verdict.seals.iter().map(seal_json).collect();
    let value = json!({
        "valid": true,
        "unit": verdict.unit.to_string(),
        "pinned": verdict.pinned,
        "seals": seals,
    });
    Ok(Reply::new(value, said(session.voice, &verdict, args.text)))
}

fn seal_json(seal: &VerifiedSeal) -> Value {
    let body = &seal.body;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let kind = match body.kind {
        SealKind::Minutes => "minutes",
        SealKind::Addendum => "addendum",
        SealKind::Resolution => "resolution",
        SealKind::Report => "report",
    };
    let external: Vec<Value> = seal
        .external
        .iter()
        .map(|external| {
            let kind = match external.kind {
                ExternalKind::Pades => "pades",
                ExternalKind::Cades => "cades",
                ExternalKind::Other => "other",
            };
            json!({ "kind": kind, "name": external.name, "bytes": external.bytes.len() })
        })
        .collect();
    json!({
        "id": seal.id.to_string(),
        "kind": kind,
        "document": body.document.to_string(),
        "sha256": hex(&body.text_sha256),
        "text": seal.text,
        "date": body.date,
        "place": body.place,
        "chair": { "member": body.chair.member.to_string(), "name": body.chair.name, "device": seal.chair.device.to_string() },
        "clerk": { "member": body.clerk.member.to_string(), "name": body.clerk.name, "device": seal.clerk.device.to_string() },
        "present": body.present,
        "eligible": body.eligible,
        "previous": body.previous.map(|id| id.to_string()),
        "claimed_ms": body.claimed_ms,
        "withdrawn": seal.withdrawn,
        "replaced": seal.replaced,
        "external": external,
    })
}

fn said(voice: Voice, verdict: &Verdict, text: bool) -> String {
    let mut out = vec![
        voice.say("verify.valid", &[("count", &verdict.seals.len())]),
        voice.say("verify.unit", &[("unit", &verdict.unit)]),
        match verdict.pinned {
            true => voice.say("verify.pinned", &[]),
            false => voice.say("verify.not_pinned", &[]),
        },
    ];
    for (number, seal) in (1..).zip(&verdict.seals) {
        let body = &seal.body;
        let standing = match (seal.withdrawn, seal.replaced) {
            (true, _) => SealStatus::Withdrawn,
            (false, true) => SealStatus::Replaced,
            (false, false) => SealStatus::Standing,
        };
        out.push(voice.say(
            "verify.one",
            &[
                ("number", &number),
                ("what", &kind(voice, body.kind == SealKind::Addendum)),
                ("status", &status(voice, standing)),
                ("date", &body.date),
                ("place", &body.place),
            ],
        ));
        out.push(voice.say(
            "verify.signed_by",
            &[
                ("chair", &body.chair.name),
                ("chair_device", &seal.chair.device),
                ("clerk", &body.clerk.name),
                ("clerk_device", &seal.clerk.device),
            ],
        ));
        out.push(voice.say(
            "verify.when",
            &[
                ("time", &voice.moment(body.claimed_ms)),
                ("present", &body.present),
                ("eligible", &body.eligible),
            ],
        ));
        let sha256: String = body
            .text_sha256
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        out.push(voice.say("verify.hash", &[("sha256", &sha256)]));
        for external in &seal.external {
            out.push(voice.say("seal.outside", &[("name", &external.name)]));
        }
        if text {
            out.push(format!("\n{}", seal.text));
        }
    }
    out.join("\n")
}
