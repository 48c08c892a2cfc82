//! `status`: how this phone stands towards its relays, from what is stored; nobody is asked.

use serde_json::json;
use sotay_engine::{RelayAddress, SyncError};

use super::unit;
use crate::failure::Failure;
use crate::reply::Reply;
use crate::session::Session;
use crate::show;

pub(super) fn run(session: &Session) -> Result<Reply, Failure> {
    let voice = session.voice;
    let phone = session.open_any()?;
    let joined = phone.run(|device, _| Ok(device.unit().is_some()))?;
    if !joined {
        let label = phone.run(|device, _| Ok(device.label().to_owned()))?;
        let value = json!({ "unit": null, "label": label, "relays": [], "pending": 0, "two_histories": [], "forks": [] });
        return Ok(Reply::new(
            value,
            voice.say("status.no_unit", &[("label", &label)]),
        ));
    }
    let card = unit::card(&phone)?;
    let pending = phone.run(|device, _| Ok(device.pending()?))?;
    let mut text = vec![unit::describe(voice, &card), String::new()];
    text.push(match pending {
        0 => voice.say("status.nothing_pending", &[]),
        count => voice.say("status.pending", &[("count", &count)]),
    });
    let proofs = phone.run(|device, _| Ok(device.relay_proofs()?))?;
    for proof in &proofs {
        let known = phone
            .client()?
            .relays()
            .iter()
            .find(|relay| relay.ends_with(&proof.key))
            .cloned();
        let values: [(&str, &dyn std::fmt::Display); 4] = [
            ("relay", known.as_ref().unwrap_or(&proof.key)),
            ("space", &show::space_label(voice, proof.space.kind)),
            ("first", &voice.moment(proof.first.at_ms)),
            ("second", &voice.moment(proof.second.at_ms)),
        ];
        text.push(voice.say("status.two_histories", &values));
    }
    let forks = phone.run(|device, _| Ok(device.forks()?))?;
    text.extend(show::forks(voice, &forks));
    let mut relays = Vec::new();
    for relay in phone.client()?.relays() {
        let address: RelayAddress = relay.parse().map_err(SyncError::Address)?;
        let spaces = phone.run(move |device, _| Ok(device.sync_status(&address.key())?))?;
        text.push(super::sync::relay_heading(relay));
        text.push(show::spaces(voice, &spaces));
        relays.push(json!({ "relay": relay, "spaces": show::spaces_json(&spaces) }));
    }
    if relays.is_empty() {
        text.push(voice.say("relay.none", &[]));
    }
    let value = json!({ "unit": card, "label": card.label, "relays": relays, "pending": pending, "two_histories": show::proofs_json(&proofs), "forks": show::forks_json(&forks) });
    Ok(Reply::new(value, text.join("\n")))
}
