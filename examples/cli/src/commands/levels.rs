//! `levels`: the bodies above this unit.

use serde_json::json;
use sotay_engine::{Origin, UpperLine};

use crate::failure::Failure;
use crate::reply::Reply;
use crate::session::Session;
use crate::show::columns;
use crate::voice::{Voice, short};

pub(super) fn run(session: &Session) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let above = device.levels_above()?;
        let row = |line: &UpperLine| {
            let state = match (line.known, line.readable) {
                (true, true) => voice.say("levels.readable", &[("count", &line.published)]),
                (true, false) => voice.say("levels.no_key", &[]),
                (false, _) => voice.say("levels.unknown", &[]),
            };
            vec![line.origin.steps.to_string(), called(&line.origin), state]
        };
        let rows: Vec<Vec<String>> = above.iter().map(row).collect();
        let text = match rows[..] {
            [] => voice.say("levels.none", &[]),
            _ => columns(&rows),
        };
        Ok(Reply::new(json!({ "above": above }), text))
    })
}

/// What a unit is called, or the beginning of its id.
fn called(origin: &Origin) -> String {
    let id = origin.unit.to_string();
    origin.name.clone().unwrap_or_else(|| short(&id).to_owned())
}

/// Who published something, when it was not the unit itself: `Đảng bộ xã Tân Phong`.
pub(crate) fn publisher(voice: Voice, origin: &Origin) -> String {
    match origin.steps {
        0 => String::new(),
        _ => voice.say("levels.from", &[("name", &called(origin))]),
    }
}
