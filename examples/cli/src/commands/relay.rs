//! `relay`: the addresses this profile remembers.

use serde_json::json;

use crate::args::{Relay, RelayCommand};
use crate::client::relay_address;
use crate::failure::Failure;
use crate::reply::Reply;
use crate::session::Session;

pub(super) fn run(session: &Session, args: Relay) -> Result<Reply, Failure> {
    let voice = session.voice;
    let phone = session.open()?;
    let mut client = phone.client()?;
    let said = match args.command.unwrap_or(RelayCommand::List) {
        RelayCommand::List => None,
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
