//! Feedback: members write to the committee, with their name or without.

use std::sync::Arc;

use sotay_engine::handbook::feedback::{FeedbackItem, FeedbackReply, FeedbackView as Received};
use sotay_engine::handbook::{Names, Words};
use sotay_engine::{Engine, NewFeedback as New};

use crate::call::ask;
use crate::error::{HandbookError, OrFault, parse, parse_opt};
use crate::kinds::Language;
use crate::meeting_view::PersonView;
use crate::record_kinds::{FeedbackStatus, OwnFeedbackState};
use crate::records::{member, words};

/// What to write to the committee.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct NewFeedback {
    /// What it is about, in a line.
    pub topic: String,
    /// What is said.
    pub text: String,
    /// With one's name; without it nobody can answer but publicly, and neither the relay nor the committee learns who wrote.
    pub named: bool,
    /// The meeting it is about.
    #[uniffi(default = None)]
    pub meeting: Option<String>,
    /// Whether the level above may learn the name, should the committee pass the item up.
    #[uniffi(default = false)]
    pub name_above: bool,
    /// The id of an earlier call that may not have happened: with it the same item is not written twice.
    #[uniffi(default = None)]
    pub id: Option<String>,
}

/// An answer, or only a new status.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FeedbackReplyView {
    /// The item.
    pub item: String,
    /// What has become of it.
    pub status: FeedbackStatus,
    /// What was answered.
    pub text: Option<String>,
    /// Milliseconds since 1970 UTC, by the clock of whoever answered.
    pub at_ms: i64,
}

/// An item that was written on this phone.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct OwnFeedbackView {
    /// Its id.
    pub id: String,
    /// Milliseconds since 1970 UTC: exact with a name, the beginning of the day without.
    pub at_ms: i64,
    /// What it is about.
    pub topic: String,
    /// What was said.
    pub text: String,
    /// The meeting it is about.
    pub meeting: Option<String>,
    /// Whether it bears the name.
    pub named: bool,
    /// Where it is.
    pub state: OwnFeedbackState,
    /// Whether a relay or a phone of the committee has acknowledged what was sent last: the item, or that it was taken back.
    pub acknowledged: bool,
    /// What was answered, publicly or to its writer alone, oldest first.
    pub answers: Vec<FeedbackReplyView>,
}

/// An item as the committee sees it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FeedbackView {
    /// Its number in the list.
    pub number: u32,
    /// Its id.
    pub id: String,
    /// Milliseconds since 1970 UTC: exact with a name, the beginning of the day without.
    pub at_ms: i64,
    /// What it is about.
    pub topic: String,
    /// What was said.
    pub text: String,
    /// The meeting it is about.
    pub meeting: Option<String>,
    /// Who wrote it; none without a name.
    pub writer: Option<PersonView>,
    /// What has become of it; none when nobody has noted anything.
    pub status: Option<FeedbackStatus>,
    /// Whether its writer took it back.
    pub withdrawn: bool,
    /// Number of an item that says the same and may be the same one, sent twice.
    pub maybe_same_as: Option<u32>,
    /// What there is to say about the item itself, in words.
    pub note: Option<String>,
    /// What was answered and noted, oldest first.
    pub replies: Vec<FeedbackReplyView>,
}

/// What to answer.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FeedbackAnswer {
    /// The item.
    pub item: String,
    /// What has become of it.
    pub status: FeedbackStatus,
    /// What to answer; none only notes the status, for the committee.
    #[uniffi(default = None)]
    pub text: Option<String>,
    /// To the whole unit; otherwise to the writer alone, which an item without name does not allow.
    #[uniffi(default = false)]
    pub public: bool,
}

pub(crate) fn reply(reply: &FeedbackReply) -> FeedbackReplyView {
    FeedbackReplyView {
        item: reply.item.to_string(),
        status: reply.status,
        text: reply.text.as_ref().map(words),
        at_ms: reply.at_ms,
    }
}

fn received(names: &dyn Names, language: Language, view: &Received) -> FeedbackView {
    let FeedbackItem {
        id,
        at_ms,
        topic,
        text,
        meeting,
        member: writer,
        name_above: _,
    } = &view.item;
    FeedbackView {
        number: view.number,
        id: id.to_string(),
        at_ms: *at_ms,
        topic: words(topic),
        text: words(text),
        meeting: meeting.map(|doc| doc.to_string()),
        writer: writer.map(|id| member(names, id)),
        status: view.status,
        withdrawn: view.withdrawn,
        maybe_same_as: view.maybe_same_as,
        note: view.note().map(|note| note.text(language, names)),
        replies: view.replies.iter().map(|shown| reply(&shown.reply)).collect(),
    }
}

/// Feedback of an opened handbook. Cheap; holds no state of its own.
#[derive(uniffi::Object)]
pub struct Feedback {
    pub(crate) engine: Arc<Engine>,
}

#[uniffi::export]
impl Feedback {
    /// Writes to the committee; gives the item's id. It leaves with the next exchange.
    pub fn submit(&self, new: NewFeedback) -> Result<String, HandbookError> {
        let new = New {
            id: parse_opt(new.id.as_ref(), "id")?,
            topic: Words::from(new.topic.as_str()),
            text: Words::from(new.text.as_str()),
            meeting: parse_opt(new.meeting.as_ref(), "meeting")?,
            named: new.named,
            name_above: new.name_above,
        };
        ask(&self.engine, move |device, now| {
            Ok(device.submit_feedback(&new, now).or_fault()?.to_string())
        })
    }

    /// Takes an item of this phone back: without a trace while it waits, otherwise the committee sees that it was taken back.
    pub fn withdraw(&self, item: String) -> Result<(), HandbookError> {
        let item = parse(&item, "item")?;
        ask(&self.engine, move |device, _| {
            device.withdraw_feedback(item).or_fault()
        })
    }

    /// Sends an item of this phone again, e.g. after the relay refused it. The committee gets it once.
    pub fn send_again(&self, item: String) -> Result<(), HandbookError> {
        let item = parse(&item, "item")?;
        ask(&self.engine, move |device, _| {
            device.send_feedback_again(item).or_fault()
        })
    }

    /// What was written on this phone, newest first, with what was answered.
    pub fn own(&self) -> Result<Vec<OwnFeedbackView>, HandbookError> {
        ask(&self.engine, |device, _| {
            let own = device.own_feedback().or_fault()?;
            Ok(own
                .iter()
                .map(|own| OwnFeedbackView {
                    id: own.item.id.to_string(),
                    at_ms: own.item.at_ms,
                    topic: words(&own.item.topic),
                    text: words(&own.item.text),
                    meeting: own.item.meeting.map(|doc| doc.to_string()),
                    named: own.item.member.is_some(),
                    state: own.state,
                    acknowledged: own.acknowledged,
                    answers: own.answers.iter().map(reply).collect(),
                })
                .collect())
        })
    }

    /// What the committee has received. The committee only.
    pub fn received(&self, language: Language) -> Result<Vec<FeedbackView>, HandbookError> {
        ask(&self.engine, move |device, now| {
            let all = device.feedback(now).or_fault()?;
            let names = device.names();
            Ok(all.iter().map(|view| received(names, language, view)).collect())
        })
    }

    /// Notes what has become of an item, and answers it if there is a text. The committee only.
    pub fn answer(&self, answer: FeedbackAnswer) -> Result<(), HandbookError> {
        let item = parse(&answer.item, "item")?;
        let text = answer.text.map(|text| Words::from(text.as_str()));
        let (status, public) = (answer.status, answer.public);
        ask(&self.engine, move |device, now| {
            device.answer_feedback(item, status, text, public, now).or_fault()
        })
    }

    /// Answers that everybody in the unit reads, oldest first.
    pub fn public_answers(&self) -> Result<Vec<FeedbackReplyView>, HandbookError> {
        ask(&self.engine, |device, _| {
            let answers = device.public_answers().or_fault()?;
            Ok(answers.iter().map(reply).collect())
        })
    }
}
