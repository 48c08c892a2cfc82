//! `library`: the documents on this phone.

use serde_json::{Value, json};
use sotay_engine::LibraryEntry;

use super::{delivery, pick, publish};
use crate::args::{Library, LibraryCommand};
use crate::failure::Failure;
use crate::reply::Reply;
use crate::session::Session;
use crate::show;

pub(in crate::commands) fn run(session: &Session, args: Library) -> Result<Reply, Failure> {
    match args.command.unwrap_or(LibraryCommand::List) {
        LibraryCommand::List => list(session),
        LibraryCommand::Show { document, section } => show(session, document, section),
        LibraryCommand::Publish(args) => publish::run(session, *args),
        LibraryCommand::Share { document, what } => delivery::share(session, document, what),
        LibraryCommand::Delivery {
            document: Some(document),
        } => delivery::one(session, document),
        LibraryCommand::Delivery { document: None } => delivery::all(session),
    }
}

fn list(session: &Session) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let entries = device.library()?;
        let value = json!({ "documents": entries.iter().map(entry_json).collect::<Vec<_>>() });
        let text = if entries.is_empty() {
            voice.say("library.none", &[])
        } else {
            show::documents(voice, &entries)
        };
        Ok(Reply::new(value, text))
    })
}

fn show(session: &Session, document: String, section: Option<String>) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let entry = pick::document(device, &document)?;
        let document = device.document(entry.id)?;
        let mut value = entry_json(&entry);
        let heading = show::document_heading(voice, &entry);
        let Some(section) = section else {
            value["contents"] = (0..document.sections.len())
                .map(|at| json!({ "number": at + 1, "section": document.citation(at), "title": document.sections[at].heading }))
                .collect();
            return Ok(Reply::new(value, format!("{heading}\n\n{}", show::contents(&document))));
        };
        let at = pick::section(&document, &section)?;
        let paragraphs: Vec<&str> = document.sections[at].paragraphs.iter().map(|p| p.text.as_str()).collect();
        value["section"] = json!(document.citation(at));
        value["heading"] = json!(document.sections[at].heading);
        value["text"] = json!(document.sections[at].text());
        let text = format!("{heading}\n\n{}\n{}", show::section_heading(&document, at), paragraphs.join("\n"));
        Ok(Reply::new(value, text))
    })
}

/// A line of the library for programs.
pub(super) fn entry_json(entry: &LibraryEntry) -> Value {
    let manifest = &entry.manifest;
    json!({
        "doc": manifest.alias.clone().unwrap_or_else(|| entry.id.to_string()),
        "id": entry.id.to_string(),
        "code": manifest.code,
        "date": manifest.date.to_string(),
        "type": manifest.kind,
        "issuer": manifest.issuer,
        "title": manifest.title,
        "sections": manifest.sections,
        "paragraphs": manifest.paragraphs,
        "complete": entry.complete,
        "superseded": show::superseded_json(&entry.superseded),
        "progress": show::progress_json(&entry.read),
        "from": entry.from,
    })
}
