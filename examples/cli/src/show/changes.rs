//! What changed, in words: events of the same kind are counted together.

use sotay_engine::handbook::{HandbookEvent, Names};

use crate::voice::Voice;

/// `điểm danh: Lê Văn An`, or `điểm danh (35)` when there are several.
pub(crate) fn changes(voice: Voice, events: &[HandbookEvent], names: &dyn Names) -> Vec<String> {
    let mut sorted = events.to_vec();
    sorted.sort();
    sorted.dedup();
    let kind = |event: &HandbookEvent| std::mem::discriminant(event);
    sorted
        .chunk_by(|a, b| kind(a) == kind(b))
        .map(|group| {
            let word = word(voice, &group[0]);
            match (group, member(&group[0])) {
                ([_], Some(member)) => format!("{word}: {}", voice.member(member, names)),
                ([_], None) => word,
                (several, _) => format!("{word} ({})", several.len()),
            }
        })
        .collect()
}

fn member(event: &HandbookEvent) -> Option<sotay_engine::feed::MemberId> {
    match event {
        HandbookEvent::Roster(member)
        | HandbookEvent::Attendance(member)
        | HandbookEvent::Assessed(member) => Some(*member),
        _ => None,
    }
}

fn word(voice: Voice, event: &HandbookEvent) -> String {
    match event {
        HandbookEvent::Roster(_) => voice.say("change.roster", &[]),
        HandbookEvent::Heading => voice.say("change.heading", &[]),
        HandbookEvent::Phase => voice.say("change.phase", &[]),
        HandbookEvent::Roll => voice.say("change.roll", &[]),
        HandbookEvent::Guests => voice.say("change.guests", &[]),
        HandbookEvent::Attendance(_) => voice.say("change.attendance", &[]),
        HandbookEvent::Agenda(_) => voice.say("change.agenda", &[]),
        HandbookEvent::Speech(_) => voice.say("change.speech", &[]),
        HandbookEvent::Motion(_) => voice.say("change.motion", &[]),
        HandbookEvent::Conclusion(_) => voice.say("change.conclusion", &[]),
        HandbookEvent::Removal(_) => voice.say("change.removal", &[]),
        HandbookEvent::Narrative(_) => voice.say("change.narrative", &[]),
        HandbookEvent::Attachment(_) => voice.say("change.attachment", &[]),
        HandbookEvent::Note(_) => voice.say("change.note", &[]),
        HandbookEvent::Score => voice.say("change.score", &[]),
        HandbookEvent::Choice => voice.say("change.choice", &[]),
        HandbookEvent::Task(_) => voice.say("change.task", &[]),
        HandbookEvent::FeeLine(_) => voice.say("change.fee", &[]),
        HandbookEvent::Assessed(_) => voice.say("change.assessed", &[]),
        HandbookEvent::Rating => voice.say("change.rating", &[]),
        HandbookEvent::Resolution => voice.say("change.resolution", &[]),
        HandbookEvent::Report => voice.say("change.report", &[]),
    }
}
