//! `relay`: the addresses this profile remembers.

use serde_json::json;
use sotay_engine::{RelayAddress, SyncError};

use crate::args::{Relay, RelayCommand};
use crate::client::relay_address;
use crate::failure::Failure;
use crate::reply::Reply;
use crate::session::{Phone, Session};
use crate::voice::Voice;

pub(super) fn run(session: &Session, args: Relay) -> Result<Reply, Failure> {
    let voice = session.voice;
    let phone = session.open_any()?;
    if let Some(RelayCommand::Named { relays }) = &args.command {
        return named(voice, &phone, relays);
    }
    let mut client = phone.client()?;
    let said = match args.command.unwrap_or(RelayCommand::List) {
        RelayCommand::List | RelayCommand::Named { .. } => None,
        RelayCommand::Add { relay } => {
            client.remember([&relay_address(&relay)?])?;
            None
        }
        RelayCommand::Forget { relay } => {
            let relay = relay_address(&relay).unwrap_or(relay);
            Some(voice.say("relay.forgotten", &[("relay", &client.forget(&relay)?)]))
        }
    };
    let list = match client.relays() {
        [] => voice.say("relay.none", &[]),
        relays => {
            let line = |(at, relay): (usize, &String)| format!("{:>3}  {relay}", at + 1);
            relays.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
        }
    };
    let text: Vec<String> = said.into_iter().chain([list]).collect();
    Ok(Reply::new(json!({ "relays": client.relays() }), text.join("\n")))
}

/// The signed list of the unit.
fn named(voice: Voice, phone: &Phone, relays: &[String]) -> Result<Reply, Failure> {
    if !relays.is_empty() {
        let list: Vec<RelayAddress> = relays
            .iter()
            .map(|relay| {
                relay
                    .parse()
                    .map_err(|error| Failure::from(SyncError::Address(error)))
            })
            .collect::<Result<_, _>>()?;
        phone.engine.call(move |device, _| device.name_relays(&list))??;
    }
    let list = phone.engine.call(|device, _| device.relays_to_try())??;
    let list: Vec<String> = list.iter().map(ToString::to_string).collect();
    let text = match &list[..] {
        [] => voice.say("relay.none_named", &[]),
        relays => relays.join("\n"),
    };
    Ok(Reply::new(json!({ "relays": list }), text))
}
