//! `directives`.

use serde_json::json;
use sotay_engine::handbook::directive::{Directive, Issuer};
use sotay_engine::handbook::limits::DIRECTIVE_BYTES_MAX;
use sotay_engine::{DirectiveEntry, PublishDirectiveError, today};

use crate::args::{Directives, DirectivesCommand};
use crate::failure::Failure;
use crate::files;
use crate::pick;
use crate::reply::Reply;
use crate::session::Session;
use crate::show::columns;
use crate::voice::{Voice, short};

pub(in crate::commands) fn run(session: &Session, args: Directives) -> Result<Reply, Failure> {
    match args.command.unwrap_or(DirectivesCommand::List { on: None }) {
        DirectivesCommand::List { on } => list(session, on),
        DirectivesCommand::Check { file } => check(session.voice, &file),
        DirectivesCommand::Publish { file } => publish(session, file),
    }
}

fn list(session: &Session, on: Option<String>) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let on = on.as_deref().map(pick::date).transpose()?.unwrap_or(today(now));
        let entries = device.directives(on)?;
        let row = |entry: &DirectiveEntry| {
            let mark = if entry.in_force {
                voice.say("directives.in_force", &[])
            } else {
                String::new()
            };
            vec![
                voice.word(entry.kind),
                entry.from.long(),
                issuer(voice, entry),
                short(&entry.sha256).to_owned(),
                mark,
                entry.name.clone(),
            ]
        };
        let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
        Ok(Reply::new(
            json!({ "on": on, "directives": entries }),
            columns(&rows),
        ))
    })
}

fn issuer(voice: Voice, entry: &DirectiveEntry) -> String {
    match entry.issuer {
        Issuer::Above => {
            let name = entry
                .publisher
                .as_ref()
                .and_then(|publisher| publisher.name.clone());
            name.unwrap_or_else(|| voice.say("directives.above", &[]))
        }
        Issuer::Unit => voice.say("directives.unit", &[]),
        Issuer::Shipped => voice.say("directives.shipped", &[]),
    }
}

fn check(voice: Voice, file: &str) -> Result<Reply, Failure> {
    let json = files::read(file, DIRECTIVE_BYTES_MAX)?;
    let directive = Directive::parse(&json)
        .map_err(|error| Failure::from(PublishDirectiveError::from(error)).with("file", file))?;
    let kind = voice.word(directive.kind());
    let said = voice.say(
        "directives.fits",
        &[
            ("kind", &kind),
            ("name", &directive.name()),
            ("from", &directive.from().long()),
        ],
    );
    let value = json!({ "kind": directive.kind(), "name": directive.name(), "from": directive.from() });
    Ok(Reply::new(value, said))
}

fn publish(session: &Session, file: String) -> Result<Reply, Failure> {
    let voice = session.voice;
    let json = files::read(&file, DIRECTIVE_BYTES_MAX)?;
    session.open()?.run(move |device, _| {
        let entry = device
            .publish_directive(&json)
            .map_err(|error| Failure::from(error).with("file", &file))?;
        let said = voice.say(
            "directives.published",
            &[("name", &entry.name), ("from", &entry.from.long())],
        );
        Ok(Reply::new(json!({ "published": entry }), said))
    })
}
