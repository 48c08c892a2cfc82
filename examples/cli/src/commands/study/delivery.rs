//! `library share` and `library delivery`: what members chose to tell of documents.

use serde_json::{Value, json};
use sotay_engine::study::delivery::Figures;
use sotay_engine::{LibraryEntry, SharedMark};

use super::pick;
use crate::args::Sharing;
use crate::failure::Failure;
use crate::reply::Reply;
use crate::session::Session;
use crate::show;
use crate::voice::Voice;

pub(super) fn share(session: &Session, document: String, what: Sharing) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let entry = pick::document(device, &document)?;
        let code = entry.manifest.code.as_str();
        let (mark, said) = match what {
            Sharing::Received => (
                SharedMark::Received,
                voice.say("share.received", &[("code", &code)]),
            ),
            Sharing::Done => (SharedMark::Done, voice.say("share.done", &[("code", &code)])),
            Sharing::Nothing => (
                SharedMark::Withdrawn,
                voice.say("share.nothing", &[("code", &code)]),
            ),
        };
        device.share_reading(entry.id, mark)?;
        Ok(Reply::new(
            json!({ "id": entry.id.to_string(), "shared": mark }),
            said,
        ))
    })
}

pub(super) fn all(session: &Session) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let figures = device.delivery(now)?;
        let entries = device.library()?;
        let lines: Vec<(&LibraryEntry, Figures)> = entries
            .iter()
            .filter_map(|entry| Some((entry, *figures.get(&entry.id)?)))
            .collect();
        let values: Vec<Value> = lines
            .iter()
            .map(|(entry, figures)| figures_json(entry, figures))
            .collect();
        let rows: Vec<Vec<String>> = lines
            .iter()
            .enumerate()
            .map(|(at, (entry, figures))| {
                vec![
                    format!("{:>3}", at + 1),
                    entry.manifest.code.clone(),
                    said(voice, figures),
                ]
            })
            .collect();
        let text = match rows.is_empty() {
            true => voice.say("library.none", &[]),
            false => format!("{}\n{}", show::columns(&rows), voice.say("delivery.note", &[])),
        };
        Ok(Reply::new(json!({ "documents": values }), text))
    })
}

pub(super) fn one(session: &Session, document: String) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let entry = pick::document(device, &document)?;
        let told = device.readers_of(entry.id)?;
        let figures = device.delivery(now)?.remove(&entry.id);
        let names = device.names();
        let mut lines: Vec<(String, SharedMark)> = told
            .iter()
            .map(|(member, mark)| (voice.member(*member, names), *mark))
            .collect();
        lines.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let mut value = figures.map_or(Value::Null, |figures| figures_json(&entry, &figures));
        value["told"] = told
            .iter()
            .map(|(member, mark)| json!({ "member": member.to_string(), "shared": mark }))
            .collect();
        let mut text = vec![show::document_heading(voice, &entry)];
        text.extend(figures.map(|figures| said(voice, &figures)));
        text.extend(lines.iter().map(|(name, mark)| {
            if *mark == SharedMark::Done {
                voice.say("delivery.done", &[("name", name)])
            } else {
                voice.say("delivery.received", &[("name", name)])
            }
        }));
        Ok(Reply::new(value, text.join("\n")))
    })
}

fn figures_json(entry: &LibraryEntry, figures: &Figures) -> Value {
    json!({
        "id": entry.id.to_string(),
        "code": entry.manifest.code,
        "members": figures.members,
        "received": figures.delivered,
        "done": figures.done,
    })
}

fn said(voice: Voice, figures: &Figures) -> String {
    let (received, members) = (figures.delivered, figures.members);
    let received = voice.say(
        "delivery.figures",
        &[("received", &received), ("members", &members)],
    );
    match figures.done {
        Some(done) => format!(
            "{received}, {}",
            voice.say("delivery.figures_done", &[("done", &done)])
        ),
        None => received,
    }
}
