//! `snapshot`: what two officers sign so that a relay need not keep it one by one.

use serde_json::json;
use sotay_engine::feed::SpaceKind;
use sotay_engine::handbook::Date;
use sotay_engine::{CoverLine, CoverState, ProfileDevice, StopReason, today};

use crate::args::{SnapshotCommand, SnapshotSpace};
use crate::failure::{Code, Failure};
use crate::pick;
use crate::reply::Reply;
use crate::session::Session;
use crate::show;
use crate::voice::{Voice, short};

/// Days after which records are packed when no day is given.
const SETTLED_DAYS: i64 = 90;
const DAY_MS: i64 = 24 * 3_600_000;

pub(super) fn run(session: &Session, command: SnapshotCommand) -> Result<Reply, Failure> {
    match command {
        SnapshotCommand::Draft { before, space } => draft(session, before.as_deref(), space),
        SnapshotCommand::List => list(session),
        SnapshotCommand::Sign { id } => sign(session, id),
    }
}

fn kind(space: SnapshotSpace) -> SpaceKind {
    match space {
        SnapshotSpace::Main => SpaceKind::Main,
        SnapshotSpace::Committee => SpaceKind::Committee,
    }
}

fn draft(session: &Session, before: Option<&str>, space: SnapshotSpace) -> Result<Reply, Failure> {
    let voice = session.voice;
    let before: Option<Date> = before.map(pick::date).transpose()?;
    session.open()?.run(move |device, now| {
        let before = before.unwrap_or_else(|| today(now - SETTLED_DAYS * DAY_MS));
        let drafted = device.draft_cover(kind(space), before, now)?;
        let id = drafted.id.to_string();
        let mut text = vec![voice.say(
            "snapshot.drafted",
            &[
                ("id", &short(&id)),
                ("space", &show::space_label(voice, kind(space))),
                ("day", &before.long()),
                ("envelopes", &drafted.drops.envelopes),
                ("bytes", &show::size(drafted.drops.bytes)),
                ("copies", &drafted.copies.envelopes),
                ("copied", &show::size(drafted.copies.bytes)),
            ],
        )];
        for (reason, feeds) in &drafted.stops {
            text.push(voice.say(stop_key(*reason), &[("feeds", feeds)]));
        }
        if drafted.left > 0 {
            text.push(voice.say("snapshot.left", &[("feeds", &drafted.left)]));
        }
        Ok(Reply::new(
            json!({ "snapshot": drafted, "before": before.to_string() }),
            text.join("\n"),
        ))
    })
}

fn stop_key(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Young => "snapshot.stop_young",
        StopReason::Waits => "snapshot.stop_waits",
        StopReason::NoKey => "snapshot.stop_no_key",
        StopReason::NotHere => "snapshot.stop_not_here",
        StopReason::Forked => "snapshot.stop_forked",
    }
}

fn state_key(state: CoverState) -> &'static str {
    match state {
        CoverState::Open => "snapshot.state_open",
        CoverState::Counts => "snapshot.state_counts",
        CoverState::Void => "snapshot.state_void",
        CoverState::Overtaken => "snapshot.state_overtaken",
    }
}

/// One snapshot in words.
pub(super) fn line(voice: Voice, line: &CoverLine) -> String {
    let by: Vec<String> = line
        .by
        .iter()
        .map(|signer| {
            let unnamed = signer.device.to_string();
            let name = signer.name.as_deref().unwrap_or(short(&unnamed));
            if signer.counts {
                name.to_owned()
            } else {
                voice.say("snapshot.no_longer", &[("name", &name)])
            }
        })
        .collect();
    let id = line.id.to_string();
    let mut text = voice.say(
        "snapshot.line",
        &[
            ("id", &short(&id)),
            ("space", &show::space_label(voice, line.space)),
            ("made", &voice.moment(line.made_ms)),
            ("state", &voice.say(state_key(line.state), &[])),
            ("by", &by.join(", ")),
            ("covers", &line.covers),
            ("held", &line.held.envelopes),
            ("bytes", &show::size(line.held.bytes)),
            ("copies", &line.copies),
        ],
    );
    if line.missing > 0 {
        text.push('\n');
        text.push_str(&voice.say("snapshot.missing", &[("count", &line.missing)]));
    }
    if waits(line) {
        text.push('\n');
        text.push_str(&voice.say("snapshot.yours", &[("id", &short(&id))]));
    }
    text
}

/// Whether a snapshot waits for the holder of this phone.
pub(super) fn waits(line: &CoverLine) -> bool {
    line.yours && matches!(line.state, CoverState::Open | CoverState::Void)
}

fn list(session: &Session) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let lines = device.covers()?;
        let text = if lines.is_empty() {
            voice.say("snapshot.none", &[])
        } else {
            let lines: Vec<String> = lines.iter().map(|one| line(voice, one)).collect();
            lines.join("\n\n")
        };
        Ok(Reply::new(json!({ "snapshots": lines }), text))
    })
}

fn sign(session: &Session, id: Option<String>) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let found = which(device, id.as_deref())?;
        device.sign_cover(found.id)?;
        let after = device.covers()?.into_iter().find(|line| line.id == found.id);
        let counts = after
            .as_ref()
            .is_some_and(|line| line.state == CoverState::Counts);
        let key = if counts {
            "snapshot.signed"
        } else {
            "snapshot.signed_more"
        };
        let id = found.id.to_string();
        Ok(Reply::new(
            json!({ "snapshot": after }),
            voice.say(key, &[("id", &short(&id)), ("envelopes", &found.covers)]),
        ))
    })
}

/// The snapshot whose id begins so; without an id the only one that waits for the holder.
fn which(device: &ProfileDevice, wanted: Option<&str>) -> Result<CoverLine, Failure> {
    let fits = |line: &CoverLine| match wanted {
        Some(text) => !text.is_empty() && line.id.to_string().starts_with(text),
        None => waits(line),
    };
    let mut found: Vec<CoverLine> = device.covers()?.into_iter().filter(fits).collect();
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        (last, _) => Err(Failure::new(Code::WhichSnapshot)
            .with("text", wanted.unwrap_or("-"))
            .with("count", found.len() + usize::from(last.is_some()))),
    }
}
