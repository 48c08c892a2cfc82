//! What is known of relays.

use serde_json::{Value, json};
use sotay_engine::feed::SpaceKind;
use sotay_engine::{ForkLine, RelayProof, RelayWord, SessionStats, SpaceStatus, SyncReport, SyncStatus};

use super::columns;
use crate::voice::Voice;

/// Stable name of a space.
pub(crate) fn space_name(kind: SpaceKind) -> &'static str {
    match kind {
        SpaceKind::Roll => "roll",
        SpaceKind::Main => "main",
        SpaceKind::Committee => "committee",
        SpaceKind::Inbox => "inbox",
        SpaceKind::Report => "report",
        SpaceKind::Private => "private",
        SpaceKind::Broadcast => "broadcast",
        SpaceKind::Guest => "guest",
    }
}

/// What people call it.
pub(crate) fn space_label(voice: Voice, kind: SpaceKind) -> String {
    match kind {
        SpaceKind::Roll => voice.say("space.roll", &[]),
        SpaceKind::Main => voice.say("space.main", &[]),
        SpaceKind::Committee => voice.say("space.committee", &[]),
        SpaceKind::Inbox => voice.say("space.inbox", &[]),
        SpaceKind::Report => voice.say("space.report", &[]),
        SpaceKind::Private => voice.say("space.private", &[]),
        SpaceKind::Broadcast => voice.say("space.broadcast", &[]),
        SpaceKind::Guest => voice.say("space.guest", &[]),
    }
}

fn status(voice: Voice, status: &SyncStatus) -> String {
    match status {
        SyncStatus::Unknown => voice.say("status.unknown", &[]),
        SyncStatus::Behind { want, have, bytes } => voice.say(
            "status.behind",
            &[("have", have), ("want", want), ("bytes", bytes)],
        ),
        SyncStatus::Ahead { unsent, bytes } => {
            voice.say("status.ahead", &[("unsent", unsent), ("bytes", bytes)])
        }
        SyncStatus::Synced { when, .. } => voice.say("status.synced", &[("when", &voice.moment(*when))]),
    }
}

/// Relays that showed two histories.
pub(crate) fn proofs_json(proofs: &[RelayProof]) -> Vec<Value> {
    let word = |word: &RelayWord| json!({ "records": word.records, "at_ms": word.at_ms });
    let proof = |proof: &RelayProof| {
        json!({
            "relay": proof.key,
            "space": space_name(proof.space.kind),
            "first": word(&proof.first),
            "second": word(&proof.second),
        })
    };
    proofs.iter().map(proof).collect()
}

/// Phones that wrote two histories, a line each.
pub(crate) fn forks(voice: Voice, forks: &[ForkLine]) -> Vec<String> {
    let line = |fork: &ForkLine| {
        let key = if fork.own {
            "status.forked_own"
        } else {
            "status.forked"
        };
        let values: [(&str, &dyn std::fmt::Display); 3] = [
            ("phone", &fork.label),
            ("name", &fork.name.as_deref().unwrap_or_default()),
            ("space", &space_label(voice, fork.space.kind)),
        ];
        voice.say(key, &values)
    };
    forks.iter().map(line).collect()
}

/// The same for programs.
pub(crate) fn forks_json(forks: &[ForkLine]) -> Vec<Value> {
    let fork = |fork: &ForkLine| {
        json!({
            "device": fork.device.to_string(),
            "label": fork.label,
            "member": fork.member.map(|member| member.to_string()),
            "name": fork.name,
            "space": space_name(fork.space.kind),
            "from": fork.from,
            "own": fork.own,
        })
    };
    forks.iter().map(fork).collect()
}

/// One line for each space.
pub(crate) fn spaces(voice: Voice, spaces: &[SpaceStatus]) -> String {
    let row = |one: &SpaceStatus| {
        vec![
            format!("  {}", space_label(voice, one.space.kind)),
            status(voice, &one.status),
        ]
    };
    columns(&spaces.iter().map(row).collect::<Vec<_>>())
}

/// The same for programs.
pub(crate) fn spaces_json(spaces: &[SpaceStatus]) -> Vec<Value> {
    spaces
        .iter()
        .map(|one| space_json(one.space.kind, &one.status))
        .collect()
}

/// One space for programs.
pub(crate) fn space_json(kind: SpaceKind, status: &SyncStatus) -> Value {
    let name = space_name(kind);
    match status {
        SyncStatus::Unknown => json!({ "space": name, "status": "unknown" }),
        SyncStatus::Behind { want, have, bytes } => {
            json!({ "space": name, "status": "behind", "want": want, "have": have, "bytes": bytes })
        }
        SyncStatus::Ahead { unsent, bytes } => {
            json!({ "space": name, "status": "ahead", "unsent": unsent, "bytes": bytes })
        }
        SyncStatus::Synced { when, .. } => json!({ "space": name, "status": "synced", "when_ms": when }),
    }
}

/// What one exchange did.
pub(crate) fn report(voice: Voice, report: &SyncReport) -> String {
    let SessionStats {
        bytes_out,
        bytes_in,
        envelopes_out,
        envelopes_in,
        round_trips,
        ..
    } = report.stats;
    let done = voice.say(
        "sync.done",
        &[
            ("envelopes_up", &envelopes_out),
            ("bytes_up", &bytes_out),
            ("envelopes_down", &envelopes_in),
            ("bytes_down", &bytes_in),
            ("round_trips", &round_trips),
        ],
    );
    format!("{done}\n{}", spaces(voice, &report.spaces))
}

/// The same for programs.
pub(crate) fn report_json(relay: &str, report: &SyncReport) -> Value {
    let SessionStats {
        bytes_out,
        bytes_in,
        envelopes_out,
        envelopes_in,
        round_trips,
        ..
    } = report.stats;
    json!({
        "relay": relay,
        "envelopes_up": envelopes_out,
        "envelopes_down": envelopes_in,
        "bytes_up": bytes_out,
        "bytes_down": bytes_in,
        "round_trips": round_trips,
        "spaces": spaces_json(&report.spaces),
    })
}
