//! `search` and `ask`.

use serde_json::json;
use sotay_engine::study::search::Note;

use super::{pick, questions::Questions};
use crate::args::{Ask, Search};
use crate::failure::Failure;
use crate::reply::Reply;
use crate::session::Session;
use crate::show;

pub(in crate::commands) fn search(session: &Session, args: Search) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let results = device.search(&args.query, args.limit)?;
        let (mut values, mut texts) = (Vec::new(), Vec::new());
        for hit in &results.hits {
            let doc = pick::key(device, &hit.doc)?;
            values.push(json!({
                "doc": doc,
                "code": hit.code,
                "date": hit.date.to_string(),
                "section": hit.section,
                "title": hit.title,
                "snippet": hit.snippet,
                "id": hit.doc,
                "number": hit.ordinal + 1,
                "superseded": show::superseded_json(&hit.superseded),
            }));
            texts.push(show::hit(voice, hit));
        }
        match results.note {
            Some(Note::NoWords) => texts.push(voice.say("search.no_words", &[])),
            Some(Note::NothingFits) => texts.push(voice.say("search.nothing", &[])),
            Some(Note::WordsPassedOver) => texts.push(voice.say("search.words_passed_over", &[])),
            None => {}
        }
        Ok(Reply::new(json!(values), texts.join("\n\n")))
    })
}

pub(in crate::commands) fn ask(session: &Session, args: Ask) -> Result<Reply, Failure> {
    let voice = session.voice;
    let phone = session.open()?;
    let mut questions = Questions::read(phone.folder())?;
    let Some(question) = args.question else {
        if let Some(number) = args.forget {
            questions.forget(number)?;
        }
        let value = json!({ "kept": questions.all() });
        return Ok(Reply::new(
            value,
            show::kept_questions(
                voice,
                questions
                    .all()
                    .iter()
                    .map(|question| (question.text.as_str(), question.at_ms)),
            ),
        ));
    };
    let asked = question.clone();
    let (answer, keys, now) = phone.run(move |device, now| {
        let answer = device.ask(&asked)?;
        let keys = answer.answers.iter().map(|quote| pick::key(device, &quote.doc));
        let keys = keys.collect::<Result<Vec<String>, Failure>>()?;
        Ok((answer, keys, now))
    })?;
    let quote_json = |(quote, doc): (&sotay_engine::study::answers::Quote, &String)| {
        json!({
            "quote": quote.quote,
            "code": quote.code,
            "date": quote.date.to_string(),
            "section": quote.section,
            "doc": doc,
            "id": quote.doc,
            "number": quote.ordinal + 1,
            "title": quote.title,
            "superseded": show::superseded_json(&quote.superseded),
        })
    };
    let answers: Vec<_> = answer.answers.iter().zip(&keys).map(quote_json).collect();
    let mut value = json!({ "found": answer.found(), "answers": answers });
    let mut text: Vec<String> = answer
        .answers
        .iter()
        .map(|quote| show::quote(voice, quote))
        .collect();
    if !answer.found() {
        let message = voice.say("ask.not_found", &[]);
        value["message"] = json!(message);
        value["kept"] = json!(args.keep);
        text.push(message);
        if args.keep {
            questions.keep(&question, now)?;
            text.push(voice.say("ask.kept", &[]));
        } else {
            text.push(voice.say("ask.offer", &[]));
        }
    }
    Ok(Reply::new(value, text.join("\n\n")))
}
