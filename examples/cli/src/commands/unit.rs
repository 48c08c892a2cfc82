//! `unit`: founding a branch and showing it.

use serde_json::{Value, json};
use sotay_engine::handbook::Message;
use sotay_engine::handbook::roster::UnitField;
use sotay_engine::{NewUnit, ProfileDevice, UnitCard, UnitPolicy};

use crate::args::{Unit, UnitCommand};
use crate::failure::Failure;
use crate::pick;
use crate::reply::Reply;
use crate::session::{Phone, Session};
use crate::show::columns;
use crate::voice::{Voice, short};

pub(super) fn run(session: &Session, args: Unit) -> Result<Reply, Failure> {
    let voice = session.voice;
    match args.command {
        UnitCommand::Create {
            name,
            upper,
            founder,
            label,
            since,
        } => {
            let since = since.as_deref().map(pick::date).transpose()?;
            let phone = session.open_or_create(&label)?;
            phone.run(move |device, now| {
                Ok(device.create_unit(
                    &NewUnit {
                        name,
                        upper,
                        founder,
                        since,
                    },
                    now,
                )?)
            })?;
            let card = card(&phone)?;
            let done = voice.say("unit.created", &[("profile", &phone.folder().display())]);
            Ok(Reply::new(
                json(&card, &phone),
                format!("{done}\n\n{}", describe(voice, &card)),
            ))
        }
        UnitCommand::Policy { escrow, remote } => super::policy::run(session, escrow, remote),
        UnitCommand::Show => {
            let phone = session.open()?;
            let card = card(&phone)?;
            let from = phone.run(|device, _| Ok(device.reads_from()?))?;
            let mut value = json(&card, &phone);
            let mut text = describe(voice, &card);
            let policy = phone.run(|device, _| Ok(device.unit_policy()?))?;
            if policy != UnitPolicy::default() {
                text = format!("{text}\n{}", super::policy::describe(voice, policy));
            }
            if let Some(day) = from {
                value["reads_from"] = day.to_string().into();
                text = format!(
                    "{text}\n{}",
                    voice.say("unit.reads_from", &[("day", &day.long())])
                );
            }
            Ok(Reply::new(value, text))
        }
        UnitCommand::Rename { name, upper, from } => {
            let from = pick::date(&from)?;
            session.open()?.run(move |device, now| {
                device.rename_unit_from(name.as_deref(), upper.as_deref(), from, now)?;
                names(voice, device)
            })
        }
        UnitCommand::Merge { into, from } => {
            let from = pick::date(&from)?;
            session.open()?.run(move |device, now| {
                device.merge_unit_into(&into, from, now)?;
                names(voice, device)
            })
        }
        UnitCommand::Names => session.open()?.run(move |device, _| names(voice, device)),
    }
}

/// What the unit and the body above were called, by day.
fn names(voice: Voice, device: &mut ProfileDevice) -> Result<Reply, Failure> {
    let history = device.unit_history()?;
    let mut rows = Vec::new();
    for field in UnitField::ALL {
        for entry in history.entries(*field) {
            let name = entry.words().map(|name| name.to_string()).unwrap_or_default();
            let word = Message {
                key: field.message(),
                args: Vec::new(),
            };
            let what = voice.message(&word, device.names());
            let from = match entry.from.month().year() {
                // What was known before the first change has no first day.
                1900 => voice.say("unit.always", &[]),
                _ => entry.from.long(),
            };
            rows.push(vec![what, from, name]);
        }
    }
    let text = match rows.is_empty() {
        true => voice.say("unit.no_changes", &[]),
        false => columns(&rows),
    };
    Ok(Reply::new(json!({ "names": history }), text))
}

/// What there is to say of the unit.
pub(super) fn card(phone: &Phone) -> Result<UnitCard, Failure> {
    phone.run(|device, _| Ok(device.unit_card()?))
}

/// The card for programs.
pub(super) fn json(card: &UnitCard, phone: &Phone) -> Value {
    json!({ "unit": card, "profile": phone.folder().display().to_string() })
}

/// The card for people.
pub(super) fn describe(voice: Voice, card: &UnitCard) -> String {
    let unit = card.unit.to_string();
    let member = card.member.to_string();
    let holder = card
        .member_name
        .clone()
        .unwrap_or_else(|| short(&member).to_owned());
    voice.say(
        "unit.card",
        &[
            ("name", &card.name),
            ("upper", &card.upper),
            ("unit", &unit),
            ("label", &card.label),
            ("device", &card.device),
            ("holder", &holder),
            ("rank", &rank(voice, card.rank, card.committee)),
        ],
    )
}

/// What a phone may do, in words.
pub(super) fn rank(voice: Voice, rank: Option<u8>, committee: bool) -> String {
    match rank {
        None => voice.say("rank.none", &[]),
        Some(0) => voice.say("rank.root", &[]),
        Some(1) => voice.say("rank.parent", &[]),
        Some(2) => voice.say("rank.secretary", &[]),
        Some(3) => voice.say("rank.deputy", &[]),
        Some(4) if committee => voice.say("rank.committee", &[]),
        Some(4) => voice.say("rank.member", &[]),
        Some(_) => voice.say("rank.guest", &[]),
    }
}
