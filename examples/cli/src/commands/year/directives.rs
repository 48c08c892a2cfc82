//! `directives`.

use std::path::PathBuf;

use serde_json::json;
use sotay_engine::handbook::Date;
use sotay_engine::handbook::directive::{Directive, Issuer};
use sotay_engine::handbook::limits::{DIRECTIVE_BYTES_MAX, TEMPLATE_BYTES_MAX};
use sotay_engine::handbook::template::TemplateError;
use sotay_engine::paper::{Sort, TemplateHead};
use sotay_engine::{DirectiveEntry, Origin, PublishDirectiveError, TemplateEntry, today};

use crate::args::{Directives, DirectivesCommand, TemplateSort};
use crate::commands::paper::bad_template;
use crate::failure::{Code, Failure};
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
        DirectivesCommand::Withdraw { sha256 } => withdraw(session, sha256),
        DirectivesCommand::Template {
            sort,
            from,
            name,
            out,
        } => template(session.voice, sort, &from, &name, out),
    }
}

/// Begins every page template; a directive is JSON.
const TEMPLATE: &str = "{#- sotay page ";

/// What is wrong with a file that somebody wants to publish.
fn refused(error: PublishDirectiveError, source: &str, file: &str) -> Failure {
    let sort = Sort::ALL
        .into_iter()
        .find(|sort| source.starts_with(sort.first_line()));
    match error {
        PublishDirectiveError::Template(TemplateError::TooLong(_)) => Failure::new(Code::TemplateTooLarge),
        PublishDirectiveError::Template(error) => bad_template(sort.unwrap_or(Sort::Minutes), &error),
        error => Failure::from(error),
    }
    .with("file", file)
}

fn template(
    voice: Voice,
    sort: TemplateSort,
    from: &str,
    name: &str,
    out: Option<PathBuf>,
) -> Result<Reply, Failure> {
    let sort = match sort {
        TemplateSort::Minutes => Sort::Minutes,
        TemplateSort::Extract => Sort::Extract,
        TemplateSort::Resolution => Sort::Resolution,
        TemplateSort::Report => Sort::Report,
    };
    let from = pick::date(from)?;
    let source = sort.example_file(from, name);
    let head = TemplateHead::check(&source).map_err(|error| bad_template(sort, &error))?;
    let mut value = json!({ "sort": sort.key(), "name": head.name, "from": from });
    match out {
        Some(path) => {
            value["out"] = json!(path.display().to_string());
            files::write(&path, source)?;
            Ok(Reply::new(
                value,
                voice.say("file.written", &[("file", &path.display())]),
            ))
        }
        None => {
            value["text"] = json!(source);
            Ok(Reply::new(value, source))
        }
    }
}

fn withdraw(session: &Session, text: String) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let name = device.withdraw_directive(&text.to_lowercase())?;
        let said = voice.say("directives.withdrawn", &[("name", &name)]);
        Ok(Reply::new(json!({ "withdrawn": text, "name": name }), said))
    })
}

fn list(session: &Session, on: Option<String>) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open_any()?.run(move |device, now| {
        let on = on.as_deref().map(pick::date).transpose()?.unwrap_or(today(now));
        let entries = device.directives(on)?;
        let templates = device.page_templates(on)?;
        let row = |kind: String, from: Date, issuer: String, sha256: &str, holds: bool, name: &str| {
            let mark = if holds {
                voice.say("directives.in_force", &[])
            } else {
                String::new()
            };
            vec![
                kind,
                from.long(),
                issuer,
                short(sha256).to_owned(),
                mark,
                name.to_owned(),
            ]
        };
        let directive = |one: &DirectiveEntry| {
            let issuer = issuer(voice, one.issuer, one.publisher.as_ref());
            row(
                voice.word(one.kind),
                one.from,
                issuer,
                &one.sha256,
                one.in_force,
                &one.name,
            )
        };
        let template = |one: &TemplateEntry| {
            let issuer = issuer(voice, one.issuer, one.publisher.as_ref());
            row(
                sort_word(voice, one.sort),
                one.from,
                issuer,
                &one.sha256,
                one.in_force,
                &one.name,
            )
        };
        let rows: Vec<Vec<String>> = entries
            .iter()
            .map(directive)
            .chain(templates.iter().map(template))
            .collect();
        Ok(Reply::new(
            json!({ "on": on, "directives": entries, "templates": templates }),
            columns(&rows),
        ))
    })
}

fn sort_word(voice: Voice, sort: &str) -> String {
    let key = match sort {
        "extract" => "directives.template.extract",
        "resolution" => "directives.template.resolution",
        "report" => "directives.template.report",
        _ => "directives.template.minutes",
    };
    voice.say(key, &[])
}

fn issuer(voice: Voice, issuer: Issuer, publisher: Option<&Origin>) -> String {
    match issuer {
        Issuer::Above => {
            let name = publisher.and_then(|publisher| publisher.name.clone());
            name.unwrap_or_else(|| voice.say("directives.above", &[]))
        }
        Issuer::Unit => voice.say("directives.unit", &[]),
        Issuer::Shipped => voice.say("directives.shipped", &[]),
    }
}

fn check(voice: Voice, file: &str) -> Result<Reply, Failure> {
    let source = files::read(file, DIRECTIVE_BYTES_MAX.max(TEMPLATE_BYTES_MAX))?;
    let (word, kind, name, from) = if source.starts_with(TEMPLATE) {
        let head = TemplateHead::check(&source).map_err(|error| refused(error.into(), &source, file))?;
        let key = head.sort.key();
        (sort_word(voice, key), json!(key), head.name, head.from)
    } else {
        let directive = Directive::parse(&source).map_err(|error| refused(error.into(), &source, file))?;
        let kind = directive.kind();
        (
            voice.word(kind),
            json!(kind),
            directive.name().to_owned(),
            directive.from(),
        )
    };
    let said = voice.say(
        "directives.fits",
        &[("kind", &word), ("name", &name), ("from", &from.long())],
    );
    Ok(Reply::new(
        json!({ "kind": kind, "name": name, "from": from }),
        said,
    ))
}

fn publish(session: &Session, file: String) -> Result<Reply, Failure> {
    let voice = session.voice;
    let source = files::read(&file, DIRECTIVE_BYTES_MAX.max(TEMPLATE_BYTES_MAX))?;
    session.open()?.run(move |device, _| {
        let published = if source.starts_with(TEMPLATE) {
            device
                .publish_template(&source)
                .map(|one| (json!(one), one.name, one.from))
        } else {
            device
                .publish_directive(&source)
                .map(|one| (json!(one), one.name, one.from))
        };
        let (entry, name, from) = published.map_err(|error| refused(error, &source, &file))?;
        let said = voice.say("directives.published", &[("name", &name), ("from", &from.long())]);
        Ok(Reply::new(json!({ "published": entry }), said))
    })
}
