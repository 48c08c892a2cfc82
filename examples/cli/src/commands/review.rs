//! `review`: what contradicts itself, and settling it.

use serde_json::json;
use sotay_engine::feed::DocId;
use sotay_engine::handbook::DocKind;
use sotay_engine::{ProfileDevice, ReviewedDocument};

use super::snapshot;
use crate::args::Review;
use crate::failure::Failure;
use crate::pick;
use crate::reply::Reply;
use crate::session::Session;
use crate::show;
use crate::voice::{Voice, short};

pub(super) fn run(session: &Session, args: Review) -> Result<Reply, Failure> {
    if args.study {
        return study(session, args.settle);
    }
    match args.settle.as_deref() {
        Some([item, pick]) => settle(session, Wanted::of(&args), item.clone(), pick.clone()),
        _ if args.all => all(session),
        _ => one(session, Wanted::of(&args)),
    }
}

/// Which document's list is meant.
enum Wanted {
    Meeting(Option<String>),
    Other(String),
}

impl Wanted {
    fn of(args: &Review) -> Self {
        match &args.document {
            Some(id) => Self::Other(id.clone()),
            None => Self::Meeting(args.meeting.clone()),
        }
    }

    fn find(&self, device: &mut ProfileDevice) -> Result<DocId, Failure> {
        match self {
            Self::Meeting(wanted) => pick::meeting(device, wanted.as_deref()),
            Self::Other(id) => {
                let all: Vec<DocId> = device.reviewed()?.iter().map(|one| one.doc).collect();
                pick::document(&all, id)
            }
        }
    }
}

/// What a document beside meetings is called: `nhiệm vụ 2026`.
fn name(voice: Voice, one: &ReviewedDocument) -> String {
    let word = match one.kind {
        DocKind::Roster => voice.say("document.roster", &[]),
        DocKind::Meeting => voice.say("document.meeting", &[]),
        DocKind::Tasks => voice.say("document.tasks", &[]),
        DocKind::FeeLedger => voice.say("document.fees", &[]),
        DocKind::Rating => voice.say("document.rating", &[]),
        DocKind::Resolution => voice.say("document.resolution", &[]),
        DocKind::Report => voice.say("document.report", &[]),
    };
    let year = one.year.map(|year| format!(" {year}")).unwrap_or_default();
    format!("{word}{year} ({})", short(&one.doc.to_string()))
}

fn one(session: &Session, wanted: Wanted) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let doc = wanted.find(device)?;
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
        let mut documents = Vec::new();
        for one in device.reviewed()? {
            let list = device.review(one.doc)?;
            if list.open().is_empty() {
                continue;
            }
            let shown = show::review(voice, &list, device.names());
            text.push(format!("{}\n{shown}", name(voice, &one)));
            documents.push(json!({ "document": one, "review": list }));
        }
        let own = device.study_review()?;
        if !own.open().is_empty() {
            let title = voice.say("review.study", &[]);
            text.push(format!("{title}\n{}", show::review(voice, &own, device.names())));
        }
        let forks = device.forks()?;
        if !forks.is_empty() {
            text.push(show::forks(voice, &forks).join("\n"));
        }
        let mut snapshots = device.covers()?;
        snapshots.retain(snapshot::waits);
        if !snapshots.is_empty() {
            let lines = snapshots.iter().map(|one| snapshot::line(voice, one));
            let title = voice.say("snapshot.waiting", &[]);
            text.push([title].into_iter().chain(lines).collect::<Vec<_>>().join("\n"));
        }
        if text.is_empty() {
            text.push(voice.say("review.none", &[]));
        }
        Ok(Reply::new(
            json!({
                "meetings": found,
                "documents": documents,
                "study": own,
                "forks": show::forks_json(&forks),
                "snapshots": snapshots,
            }),
            text.join("\n\n"),
        ))
    })
}

/// The holder's own list, and settling an item of it.
fn study(session: &Session, settle: Option<Vec<String>>) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        if let Some([item, option]) = settle.as_deref() {
            let list = device.study_review()?;
            let item = pick::review_item(&list, item)?;
            let option = pick::review_pick(item, option)?;
            device.settle_study(&item.id, &option.pick)?;
        }
        let list = device.study_review()?;
        let text = show::review(voice, &list, device.names());
        Ok(Reply::new(json!({ "review": list }), text))
    })
}

fn settle(session: &Session, wanted: Wanted, item: String, option: String) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let doc = wanted.find(device)?;
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
