//! `undo`.

use serde_json::json;
use sotay_engine::feed::DocId;

use crate::args::Undo;
use crate::failure::Failure;
use crate::pick;
use crate::reply::Reply;
use crate::session::Session;
use crate::show;

pub(in crate::commands) fn run(session: &Session, args: Undo) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let doc = match &args.document {
            Some(id) => {
                let all: Vec<DocId> = device.reviewed()?.iter().map(|one| one.doc).collect();
                pick::document(&all, id)?
            }
            None => pick::meeting(device, args.meeting.as_deref())?,
        };
        let undone = device.undo(doc, now)?;
        let names = device.names();
        let words: Vec<String> = undone
            .did
            .iter()
            .map(|message| voice.message(message, names))
            .collect();
        let said = match words.is_empty() {
            true => show::changes(voice, &undone.what, names).join(", "),
            false => words.join("; "),
        };
        let value = json!({ "document": doc.to_string(), "undone": undone, "words": words });
        Ok(Reply::new(value, voice.say("undo.done", &[("what", &said)])))
    })
}
