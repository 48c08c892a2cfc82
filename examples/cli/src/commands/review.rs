//! `review`: what contradicts itself, and settling it.

use serde_json::json;

use crate::args::Review;
use crate::failure::Failure;
use crate::pick;
use crate::reply::Reply;
use crate::session::Session;
use crate::show;

pub(super) fn run(session: &Session, args: Review) -> Result<Reply, Failure> {
    match args.settle.as_deref() {
        Some([item, pick]) => settle(session, args.meeting.clone(), item.clone(), pick.clone()),
        _ if args.all => all(session),
        _ => one(session, args.meeting),
    }
}

fn one(session: &Session, wanted: Option<String>) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let doc = pick::meeting(device, wanted.as_deref())?;
        let list = device.review(doc)?;
        let names = show::names_json(device, now)?;
        let texts: Vec<String> = list
            .open()
            .iter()
            .map(|item| item.text(voice.lang, device.names()))
            .collect();
        let value = json!({ "meeting": doc.to_string(), "review": list, "texts": texts, "names": names });
        Ok(Reply::new(value, show::review(voice, &list, device.names())))
    })
}

fn all(session: &Session) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let mut found = Vec::new();
        let mut text = Vec::new();
        for heading in device.meetings()? {
            let list = device.review(heading.doc)?;
            if list.open().is_empty() {
                continue;
            }
            text.push(format!(
                "{}\n{}",
                show::heading(voice, &heading),
                show::review(voice, &list, device.names())
            ));
            found.push(json!({ "meeting": heading.doc.to_string(), "review": list }));
        }
        if text.is_empty() {
            text.push(voice.say("review.none", &[]));
        }
        Ok(Reply::new(json!({ "meetings": found }), text.join("\n\n")))
    })
}

fn settle(session: &Session, wanted: Option<String>, item: String, option: String) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let doc = pick::meeting(device, wanted.as_deref())?;
        let list = device.review(doc)?;
        let item = pick::review_item(&list, &item)?;
        let option = pick::review_pick(item, &option)?;
        device.settle(doc, &item.id, &option.pick, now)?;
        let label = voice.message(&option.label, device.names());
        let after = device.review(doc)?;
        let value = json!({
            "meeting": doc.to_string(),
            "item": item.id,
            "pick": option.pick,
            "review": after,
        });
        let done = voice.say("review.settled", &[("label", &label)]);
        Ok(Reply::new(
            value,
            format!("{done}\n{}", show::review(voice, &after, device.names())),
        ))
    })
}
