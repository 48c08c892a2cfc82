//! `members devices|revoke|suspend|lift|grade|rotate|late`: what phones may do, and ending it.

use std::fmt::Display;

use serde_json::json;
use sotay_engine::feed::MemberId;
use sotay_engine::{DeviceLine, Flags, KeyChange, LateWhat, Reason, State, Whom};

use crate::args::{Grade, Regrade, Revoke, Why};
use crate::commands::unit;
use crate::failure::Failure;
use crate::pick::{self, People};
use crate::reply::Reply;
use crate::session::Session;
use crate::show::columns;
use crate::voice::Voice;

impl Why {
    fn reason(self) -> Reason {
        match self {
            Why::Left => Reason::LEFT,
            Why::Lost => Reason::LOST,
            Why::Misuse => Reason::MISUSE,
        }
    }
}

pub(super) fn devices(session: &Session) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let lines = device.devices()?;
        let rows: Vec<Vec<String>> = lines.iter().map(|line| row(voice, line)).collect();
        Ok(Reply::new(json!({ "devices": lines }), columns(&rows)))
    })
}

fn row(voice: Voice, line: &DeviceLine) -> Vec<String> {
    let state = match line.state {
        State::Active => voice.say("state.active", &[]),
        State::Suspended => voice.say("state.suspended", &[]),
        State::Forked => voice.say("state.forked", &[]),
        State::Revoked => voice.say("state.revoked", &[]),
        State::NotGranted => voice.say("state.not_granted", &[]),
    };
    vec![
        line.label.clone(),
        line.device.to_string(),
        name_of(voice, line),
        unit::rank(voice, Some(line.rank), line.committee),
        state,
    ]
}

fn name_of(voice: Voice, line: &DeviceLine) -> String {
    line.name
        .clone()
        .unwrap_or_else(|| voice.member(line.member, &sotay_engine::handbook::Nameless))
}

pub(super) fn revoke(session: &Session, args: Revoke) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let (whom, name, usual) = match (args.phone, args.member) {
            (Some(text), _) => {
                let line = pick::phone(device, &text)?;
                (Whom::Device(line.device), line.label, Why::Lost)
            }
            (None, member) => {
                let member: MemberId = People::of_roster(device)?.one(&member.unwrap_or_default())?;
                (
                    Whom::Member(member),
                    voice.member(member, device.names()),
                    Why::Left,
                )
            }
        };
        let change = device.revoke(whom, args.reason.unwrap_or(usual).reason())?;
        Ok(changed(
            voice,
            voice.say("members.revoked", &[("name", &name)]),
            &change,
        ))
    })
}

pub(super) fn suspend(session: &Session, phone: String) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let line = pick::phone(device, &phone)?;
        let change = device.suspend(line.device, Reason::LOST)?;
        Ok(changed(
            voice,
            voice.say("members.suspended", &[("name", &line.label)]),
            &change,
        ))
    })
}

pub(super) fn lift(session: &Session, phone: String) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let line = pick::phone(device, &phone)?;
        let change = device.lift(line.device)?;
        Ok(changed(
            voice,
            voice.say("members.lifted", &[("name", &line.label)]),
            &change,
        ))
    })
}

pub(super) fn grade(session: &Session, args: Regrade) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let line = pick::phone(device, &args.phone)?;
        let flags = Flags {
            committee: args.committee && args.rank == Grade::Member,
            probationary: args.probationary && args.rank == Grade::Member,
        };
        let change = device.regrade(line.device, args.rank.rank(), flags, now)?;
        Ok(changed(
            voice,
            voice.say("members.graded", &[("name", &line.label)]),
            &change,
        ))
    })
}

pub(super) fn widen(session: &Session, phone: String, from: Option<String>) -> Result<Reply, Failure> {
    let voice = session.voice;
    let from = from.as_deref().map(pick::date).transpose()?;
    session.open()?.run(move |device, _| {
        let line = pick::phone(device, &phone)?;
        let change = device.widen(line.device, from)?;
        let name: [(&str, &dyn Display); 1] = [("name", &line.label)];
        let said = if change.bytes == 0 {
            voice.say("members.not_widened", &name)
        } else {
            voice.say("members.widened", &name)
        };
        Ok(changed(voice, said, &change))
    })
}

pub(super) fn rotate(session: &Session) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let change = device.rotate()?;
        Ok(changed(voice, voice.say("members.rotated", &[]), &change))
    })
}

pub(super) fn late(session: &Session) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let lines = device.late()?;
        let rows: Vec<Vec<String>> = lines
            .iter()
            .map(|line| {
                let kind = voice.say(
                    match line.what {
                        LateWhat::Change => "late.change",
                        LateWhat::Name => "late.name",
                        LateWhat::Publication => "late.publication",
                        LateWhat::Study => "late.study",
                        LateWhat::Record => "late.record",
                    },
                    &[],
                );
                let name = line.name.clone().unwrap_or_default();
                vec![line.label.clone(), name, line.seq.to_string(), kind]
            })
            .collect();
        let heading = voice.say("late.heading", &[("count", &lines.len())]);
        Ok(Reply::new(
            json!({ "late": lines }),
            format!("{heading}\n{}", columns(&rows)),
        ))
    })
}

fn changed(voice: Voice, done: String, change: &KeyChange) -> Reply {
    let keys = voice.say(
        "members.rekeyed",
        &[("count", &change.rekeyed.len()), ("bytes", &change.bytes)],
    );
    let text = if change.rekeyed.is_empty() {
        done
    } else {
        format!("{done}\n{keys}")
    };
    Reply::new(json!({ "changed": change }), text)
}
