//! Feedback on its way up and back.

use serde_json::json;
use sotay_engine::handbook::EntryId;
use sotay_engine::handbook::feedback::FeedbackReply;
use sotay_engine::{PassedLine, ProfileDevice};

use super::{received, which};
use crate::failure::{Code, Failure};
use crate::reply::Reply;
use crate::session::Session;
use crate::voice::{Voice, short};

pub(super) fn pass(session: &Session, item: String) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let id = carried(device, &item, now)?;
        let passed = device.pass_up_feedback(id, now)?;
        let said = match &passed.name {
            Some(name) => voice.say("feedback.passed_named", &[("name", &name.as_str())]),
            None => voice.say("feedback.passed_nameless", &[]),
        };
        Ok(Reply::new(json!({ "passed": passed }), said))
    })
}

/// An item of one's own inbox, or one that a unit below passed up.
fn carried(device: &mut ProfileDevice, text: &str, now: i64) -> Result<EntryId, Failure> {
    let below = device.feedback_from_below()?;
    let ids: Vec<EntryId> = below.iter().map(|line| line.passed.item).collect();
    match which(&ids, text, Code::WhichFeedback) {
        Ok(id) => Ok(id),
        Err(_) => received(device, text, now),
    }
}

pub(super) fn passed(session: &Session) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let lines = device.passed_feedback()?;
        Ok(Reply::new(
            json!({ "passed": lines }),
            list(voice, &lines, |_| None),
        ))
    })
}

pub(super) fn hand_on(session: &Session, item: String) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let id = carried(device, &item, now)?;
        device.hand_on_answer(id, now)?;
        Ok(Reply::new(
            json!({ "item": id.to_string() }),
            voice.say("feedback.handed_on", &[]),
        ))
    })
}

/// What was passed up, with what was said of it above; `from` names the unit it came from, where that is another one.
pub(in crate::commands) fn list(
    voice: Voice,
    lines: &[PassedLine],
    from: impl Fn(&PassedLine) -> Option<String>,
) -> String {
    if lines.is_empty() {
        return voice.say("feedback.none", &[]);
    }
    let line = |line: &PassedLine| {
        let id = line.passed.item.to_string();
        let who = match &line.passed.name {
            Some(name) => name.as_str().to_owned(),
            None => voice.say("feedback.nameless", &[]),
        };
        let unit = from(line);
        let place = unit.as_ref().map(|unit| format!("{unit}, ")).unwrap_or_default();
        let mut out = format!("{}  {place}{who}: {}", short(&id), line.passed.text.as_str());
        for reply in &line.replies {
            out.push_str(&said(voice, &reply.reply));
        }
        if line.replies.is_empty() && unit.is_none() {
            out.push_str(&format!("\n    {}", voice.say("feedback.not_received", &[])));
        }
        out
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// One thing that was said of an item, on a line of its own.
pub(super) fn said(voice: Voice, reply: &FeedbackReply) -> String {
    let text = reply.text.as_ref().map(|text| format!(": {}", text.as_str()));
    format!(
        "\n    {} {}{}",
        voice.moment(reply.at_ms),
        voice.word(reply.status),
        text.unwrap_or_default()
    )
}
