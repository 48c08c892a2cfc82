//! `sync`: one exchange with each relay.

use std::time::Duration;

use serde_json::{Value, json};
use sotay_engine::{DeviceError, Event, RefuseReason, SetAside, SyncReport};

use super::join;
use crate::args::Sync;
use crate::client::relay_address;
use crate::failure::{Code, Failure};
use crate::reply::Reply;
use crate::session::{Phone, Session};
use crate::show;
use crate::voice::{Voice, short};

/// A phone that neither belongs to a unit nor waits for one has nothing to exchange, whatever the relay.
pub(super) fn has_something_to_sync(phone: &Phone) -> Result<(), Failure> {
    phone.run(|device, _| match device.unit() {
        None if device.joining()?.is_none() => Err(DeviceError::NoUnit.into()),
        _ => Ok(()),
    })
}

/// Addresses that were given, else those remembered; none at all is a failure.
pub(super) fn relays_of(given: &[String], phone: &Phone) -> Result<Vec<String>, Failure> {
    let given: Vec<String> = given
        .iter()
        .map(|relay| relay_address(relay))
        .collect::<Result<_, _>>()?;
    let relays = if given.is_empty() {
        phone.client()?.relays().to_vec()
    } else {
        given
    };
    if relays.is_empty() {
        Err(Failure::new(Code::NoRelay))
    } else {
        Ok(relays)
    }
}

/// The unit's signed list; none before the phone belongs to a unit.
fn named(phone: &Phone) -> Result<Vec<String>, Failure> {
    match phone.engine.call(|device, _| device.relays_to_try())? {
        Ok(relays) => Ok(relays.iter().map(ToString::to_string).collect()),
        Err(DeviceError::NoUnit) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn run(session: &Session, args: Sync) -> Result<Reply, Failure> {
    let voice = session.voice;
    let phone = session.open_any()?;
    has_something_to_sync(&phone)?;
    if phone.run(|device, _| Ok(device.joining()?.is_some()))? {
        return join::from_relays(session, &phone, &relays_of(&args.relay, &phone)?);
    }
    let timeout = Duration::from_secs(args.timeout);
    let mut outcomes: Vec<(String, Result<SyncReport, Failure>)> = Vec::new();
    let named = if args.relay.is_empty() {
        named(&phone)?
    } else {
        Vec::new()
    };
    if let Some(first) = named.first() {
        outcomes.push(match phone.engine.sync_listed(timeout) {
            Ok((relay, report)) => (relay.to_string(), Ok(report)),
            Err(error) => (first.clone(), Err(error.into())),
        });
    }
    let relays = match relays_of(&args.relay, &phone) {
        Err(_) if !named.is_empty() => Vec::new(),
        relays => relays?,
    };
    for relay in relays.into_iter().filter(|relay| !named.contains(relay)) {
        let outcome = phone.engine.sync_once(&relay, timeout).map_err(Failure::from);
        outcomes.push((relay, outcome));
    }
    if !args.no_remember {
        let worked = outcomes
            .iter()
            .filter(|(relay, outcome)| outcome.is_ok() && !named.contains(relay))
            .map(|(relay, _)| relay);
        phone.client()?.remember(worked)?;
    }
    let notices = notices(&phone, voice);
    let relays: Vec<Value> = outcomes
        .iter()
        .map(|(relay, outcome)| outcome_json(voice, relay, outcome))
        .collect();
    let mut text: Vec<String> = Vec::new();
    let mut first_failure = None;
    let mut worked = false;
    for (relay, outcome) in outcomes {
        text.push(relay_heading(&relay));
        match outcome {
            Ok(report) => {
                worked = true;
                text.push(show::report(voice, &report));
            }
            Err(failure) => {
                text.push(format!("  {}", failure.message(voice)));
                first_failure.get_or_insert(failure);
            }
        }
    }
    if let (false, Some(failure)) = (worked, first_failure) {
        return Err(failure.details(json!({ "relays": relays })));
    }
    text.extend(notices.iter().map(|(text, _)| text.clone()));
    let notices: Vec<Value> = notices.into_iter().map(|(_, value)| value).collect();
    Ok(Reply::new(
        json!({ "relays": relays, "notices": notices }),
        text.join("\n"),
    ))
}

/// Host and port; the key is long and says nothing to a person.
pub(super) fn relay_heading(relay: &str) -> String {
    relay.split('#').next().unwrap_or(relay).to_owned()
}

fn outcome_json(voice: Voice, relay: &str, outcome: &Result<SyncReport, Failure>) -> Value {
    match outcome {
        Ok(report) => show::report_json(relay, report),
        Err(failure) => json!({ "relay": relay, "error": failure.json(voice) }),
    }
}

/// What happened beside the exchange that a person should know of.
fn notices(phone: &Phone, voice: Voice) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    while let Some(event) = phone.engine.next_event(Duration::ZERO) {
        found.extend(notice(voice, &event));
    }
    found
}

/// Why a relay refuses a record, in words.
fn refusal(voice: Voice, reason: RefuseReason) -> String {
    match reason {
        RefuseReason::Malformed
        | RefuseReason::Version
        | RefuseReason::Space
        | RefuseReason::Signature
        | RefuseReason::Record
        | RefuseReason::Unknown(_) => voice.say("refused.unreadable", &[]),
        RefuseReason::TooLarge => voice.say("refused.too_large", &[]),
        RefuseReason::Gap { .. } => voice.say("refused.gap", &[]),
        RefuseReason::Fork { .. } => voice.say("refused.fork", &[]),
        RefuseReason::TooManyFeeds => voice.say("refused.too_many", &[]),
        RefuseReason::Quota { retry_after } => voice.say("refused.quota", &[("seconds", &retry_after)]),
        RefuseReason::Cover { .. } => voice.say("refused.cover", &[]),
        RefuseReason::Denied(_) => voice.say("refused.denied", &[]),
    }
}

/// An event that needs a look, in words and for programs.
pub(super) fn notice(voice: Voice, event: &Event) -> Option<(String, Value)> {
    match event {
        Event::Refused { envelope, reason } => {
            let id = envelope.to_string();
            let text = voice.say(
                "notice.refused",
                &[("id", &short(&id)), ("reason", &refusal(voice, *reason))],
            );
            Some((
                text,
                json!({ "event": "refused", "envelope": id, "reason": format!("{reason:?}") }),
            ))
        }
        Event::Denied { space, reason } => {
            let text = voice.say(
                "notice.denied",
                &[("space", &show::space_label(voice, space.kind))],
            );
            let name = show::space_name(space.kind);
            Some((
                text,
                json!({ "event": "denied", "space": name, "reason": format!("{reason:?}") }),
            ))
        }
        Event::TwoHistories { space, relay } => {
            let relay = relay.device_id().to_string();
            let text = voice.say(
                "notice.two_histories",
                &[("space", &show::space_label(voice, space.kind))],
            );
            let name = show::space_name(space.kind);
            Some((
                text,
                json!({ "event": "two_histories", "space": name, "relay": relay }),
            ))
        }
        Event::Forked { space, device } => {
            let (device, name) = (device.to_string(), show::space_name(space.kind));
            Some((
                voice.say("notice.forked", &[]),
                json!({ "event": "forked", "space": name, "device": device }),
            ))
        }
        Event::SetAside {
            envelope,
            device,
            reason,
        } => {
            let (id, device) = (envelope.to_string(), device.to_string());
            let words = match reason {
                SetAside::UnknownKind | SetAside::UnknownDocument => "notice.newer_form",
                _ => "notice.set_aside",
            };
            let text = voice.say(words, &[("id", &short(&id)), ("device", &short(&device))]);
            let reason = format!("{reason:?}");
            Some((
                text,
                json!({ "event": "set_aside", "envelope": id, "device": device, "reason": reason }),
            ))
        }
        Event::ChangeRefused { doc, device } => {
            let device = device.map(|device| device.to_string());
            let who = device
                .as_deref()
                .map_or_else(|| voice.say("show.nobody", &[]), |id| short(id).to_owned());
            let text = voice.say("notice.change_refused", &[("device", &who)]);
            Some((
                text,
                json!({ "event": "change_refused", "document": doc.to_string(), "device": device }),
            ))
        }
        Event::Trouble { text } => Some((
            voice.say("notice.trouble", &[("text", text)]),
            json!({ "event": "trouble", "text": text }),
        )),
        Event::Missed => Some((voice.say("notice.missed", &[]), json!({ "event": "missed" }))),
        // This program sets no time after which a profile locks itself.
        Event::Locked
        | Event::Unit
        | Event::Membership
        | Event::Names
        | Event::Library
        | Event::Feedback
        | Event::Visitors
        | Event::Handbook { .. }
        | Event::Sync { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotay_engine::handbook::Lang;

    #[test]
    fn why_a_relay_refuses_is_said_in_words_and_never_as_code() {
        let reasons =
            (0..=u8::MAX).flat_map(|number| [0, 9].map(|detail| RefuseReason::from_number(number, detail)));
        let mut said = std::collections::BTreeSet::new();
        for reason in reasons.flatten() {
            for lang in [Lang::Vi, Lang::En] {
                let text = refusal(Voice { lang }, reason);
                assert!(!text.is_empty() && !text.contains(['{', '}', '_', ':']), "{text}");
                said.insert(text);
            }
        }
        assert_eq!(
            said.len(),
            18,
            "eight kinds in two languages, of one of them two waits"
        );
    }
}
