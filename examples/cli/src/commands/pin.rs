//! `pin`: what the profile asks before it opens.

use serde_json::json;
use sotay_engine::LockState;

use crate::args::{NEW_PIN_VARIABLE, Pin, PinCommand};
use crate::failure::{Code, Failure};
use crate::reply::Reply;
use crate::session::Session;

pub(super) fn run(session: &Session, args: Pin) -> Result<Reply, Failure> {
    let before = session.lock_state()?;
    let said = match args.command.unwrap_or(PinCommand::Status) {
        PinCommand::Status => None,
        PinCommand::Set if before.pin => return Err(Failure::new(Code::HasPin)),
        PinCommand::Change | PinCommand::Remove if !before.pin => return Err(Failure::new(Code::HasNoPin)),
        PinCommand::Set | PinCommand::Change => {
            session.set_pin(&session.secret(NEW_PIN_VARIABLE, "ask.new_pin", true)?)?;
            Some("pin.set")
        }
        PinCommand::Remove => {
            session.remove_pin()?;
            Some("pin.removed")
        }
    };
    let state = session.lock_state()?;
    let value = json!({
        "pin": state.pin,
        "encrypted": state.encrypted,
        "vault": state.vault,
        "tries_left": state.tries_left,
        "wait_seconds": state.wait.as_secs(),
    });
    let lines: Vec<String> = said
        .into_iter()
        .chain(words(&state))
        .map(|key| {
            session.voice.say(
                key,
                &[("left", &state.tries_left), ("seconds", &state.wait.as_secs())],
            )
        })
        .collect();
    Ok(Reply::new(value, lines.join("\n")))
}

fn words(state: &LockState) -> Vec<&'static str> {
    let mut words = vec![match (state.encrypted, state.vault, state.pin) {
        (false, ..) => "pin.plain",
        (true, false, false) => "pin.key_beside",
        (true, true, false) => "pin.vault",
        (true, false, true) => "pin.pin",
        (true, true, true) => "pin.both",
    }];
    if state.pin {
        words.push("pin.tries");
    }
    if !state.wait.is_zero() {
        words.push("pin.wait");
    }
    words
}
