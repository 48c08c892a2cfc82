//! `history`: who changed what in a meeting.

use serde_json::json;

use crate::args::History;
use crate::failure::Failure;
use crate::pick;
use crate::reply::Reply;
use crate::session::Session;
use crate::show;
use crate::voice::short;

pub(super) fn run(session: &Session, args: History) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let doc = pick::meeting(device, args.meeting.as_deref())?;
        let lines = device.history(doc)?;
        let row = |line: &sotay_engine::HistoryLine| {
            let what: Vec<String> = show::changes(voice, &line.what, device.names());
            vec![
                voice.moment(line.at_ms),
                line.label.clone(),
                short(&line.hash).to_owned(),
                what.join(", "),
            ]
        };
        let rows: Vec<Vec<String>> = lines.iter().map(row).collect();
        Ok(Reply::new(
            json!({ "meeting": doc.to_string(), "changes": lines }),
            show::columns(&rows),
        ))
    })
}
