//! `feedback`: letters to the committee, and what becomes of them.

pub(super) mod passing;

use serde_json::json;
use sotay_engine::handbook::EntryId;
use sotay_engine::handbook::feedback::{FeedbackStatus, FeedbackView};
use sotay_engine::{NewFeedback, OwnFeedback, OwnState, ProfileDevice};

use crate::args::{Feedback, FeedbackCommand};
use crate::failure::{Code, Failure};
use crate::files;
use crate::pick;
use crate::reply::Reply;
use crate::session::Session;
use crate::voice::{Voice, short};

pub(super) fn run(session: &Session, args: Feedback) -> Result<Reply, Failure> {
    match args.command.unwrap_or(FeedbackCommand::Mine) {
        FeedbackCommand::Send {
            text,
            topic,
            about,
            nameless,
            name_above,
        } => send(session, &text, topic, about, (!nameless, name_above)),
        FeedbackCommand::Mine => mine(session),
        FeedbackCommand::Withdraw { item } => withdraw(session, item),
        FeedbackCommand::Inbox => inbox(session),
        FeedbackCommand::Answer {
            item,
            status,
            text,
            public,
        } => answer(session, item, status, text, public),
        FeedbackCommand::Answers => answers(session),
        FeedbackCommand::Pass { item } => passing::pass(session, item),
        FeedbackCommand::Passed => passing::passed(session),
        FeedbackCommand::HandOn { item } => passing::hand_on(session, item),
    }
}

fn send(
    session: &Session,
    text: &str,
    topic: Option<String>,
    about: Option<String>,
    (named, name_above): (bool, bool),
) -> Result<Reply, Failure> {
    let voice = session.voice;
    let text = files::typed(text)?;
    session.open()?.run(move |device, now| {
        let meeting = match about {
            Some(about) => Some(pick::meeting(device, Some(&about))?),
            None => None,
        };
        let new = NewFeedback {
            topic: topic.unwrap_or_default().as_str().into(),
            text: text.as_str().into(),
            meeting,
            named,
            name_above,
            ..NewFeedback::default()
        };
        let id = device.submit_feedback(&new, now)?;
        let said = if named {
            voice.say("feedback.kept", &[])
        } else {
            voice.say("feedback.kept_nameless", &[])
        };
        Ok(Reply::new(
            json!({ "item": id.to_string(), "named": named }),
            said,
        ))
    })
}

fn mine(session: &Session) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let own = device.own_feedback()?;
        let lines: Vec<String> = own.iter().map(|own| own_line(voice, own)).collect();
        let text = match lines.is_empty() {
            true => voice.say("feedback.none_here", &[]),
            false => lines.join("\n"),
        };
        Ok(Reply::new(json!({ "items": own }), text))
    })
}

fn own_line(voice: Voice, own: &OwnFeedback) -> String {
    let state = match own.state {
        OwnState::Waiting => voice.say("feedback.waiting", &[]),
        OwnState::Sent if own.acknowledged => voice.say("feedback.sent", &[]),
        OwnState::Sent => voice.say("feedback.under_way", &[]),
        OwnState::Withdrawn => voice.say("feedback.withdrawn", &[]),
    };
    let id = own.item.id.to_string();
    let mut out = format!("{}  [{state}] {}", short(&id), own.item.text.as_str());
    for reply in &own.answers {
        out.push_str(&passing::said(voice, reply));
    }
    out
}

fn withdraw(session: &Session, item: String) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let ids: Vec<EntryId> = device.own_feedback()?.iter().map(|own| own.item.id).collect();
        let id = which(&ids, &item, Code::WhichFeedback)?;
        device.withdraw_feedback(id)?;
        Ok(Reply::new(
            json!({ "item": id.to_string() }),
            voice.say("feedback.taken_back", &[]),
        ))
    })
}

fn inbox(session: &Session) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let list = device.feedback(now)?;
        let lines: Vec<String> = list.iter().map(|view| line(voice, view, device)).collect();
        let text = match lines.is_empty() {
            true => voice.say("feedback.none", &[]),
            false => lines.join("\n"),
        };
        Ok(Reply::new(json!({ "items": list }), text))
    })
}

fn line(voice: Voice, view: &FeedbackView, device: &ProfileDevice) -> String {
    let names = device.names();
    let who = match view.item.member {
        Some(member) => voice.member(member, names),
        None => voice.say("feedback.nameless", &[]),
    };
    let moment = voice.moment(view.item.at_ms);
    let day = moment.split(' ').next().unwrap_or_default();
    let mut out = format!("F{}  {day}  {who}: {}", view.number, view.item.text.as_str());
    let status = view.status.map(|status| voice.word(status));
    let note = view.note().map(|note| voice.message(&note, names));
    for more in status.into_iter().chain(note) {
        out.push_str(&format!("\n    {more}"));
    }
    out
}

fn answer(
    session: &Session,
    item: String,
    status: Option<FeedbackStatus>,
    text: Option<String>,
    public: bool,
) -> Result<Reply, Failure> {
    let voice = session.voice;
    let text = text.map(|text| files::typed(&text)).transpose()?;
    let status = status.unwrap_or(if text.is_some() {
        FeedbackStatus::Answered
    } else {
        FeedbackStatus::Received
    });
    session.open()?.run(move |device, now| {
        let id = received(device, &item, now)?;
        let text = text.as_deref().map(Into::into);
        device.answer_feedback(id, status, text, public, now)?;
        let value = json!({ "item": id.to_string(), "status": status.key() });
        Ok(Reply::new(
            value,
            voice.say("feedback.recorded", &[("status", &voice.word(status))]),
        ))
    })
}

/// An item that the committee received: by its number in the list, or by the beginning of its id.
fn received(device: &mut ProfileDevice, text: &str, now: i64) -> Result<EntryId, Failure> {
    let list = device.feedback(now)?;
    let numbered = text
        .strip_prefix(['F', 'f'])
        .and_then(|number| number.parse::<u32>().ok());
    let found = list.iter().find(|view| Some(view.number) == numbered);
    let ids: Vec<EntryId> = list.iter().map(|view| view.item.id).collect();
    match found {
        Some(view) => Ok(view.item.id),
        None => which(&ids, text, Code::WhichFeedback),
    }
}

fn answers(session: &Session) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let answers = device.public_answers()?;
        let line = |reply: &sotay_engine::handbook::feedback::FeedbackReply| {
            let text = reply.text.as_ref().map(|text| text.as_str()).unwrap_or_default();
            format!("{}  {text}", voice.moment(reply.at_ms))
        };
        let lines: Vec<String> = answers.iter().map(line).collect();
        let text = match lines.is_empty() {
            true => voice.say("feedback.no_answers", &[]),
            false => lines.join("\n"),
        };
        Ok(Reply::new(json!({ "answers": answers }), text))
    })
}

/// The item whose id begins so.
pub(super) fn which(ids: &[EntryId], text: &str, code: Code) -> Result<EntryId, Failure> {
    let found: Vec<&EntryId> = ids
        .iter()
        .filter(|id| !text.is_empty() && id.to_string().starts_with(text))
        .collect();
    match found[..] {
        [only] => Ok(*only),
        _ => Err(Failure::new(code).with("text", text).with("count", found.len())),
    }
}
