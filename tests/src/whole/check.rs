//! What must hold in the end.

use sotay_engine::SealStatus;
use sotay_engine::handbook::meeting::{MeetingView, TallyCount};
use sotay_engine::seal::SealId;
use sotay_feed::{DeviceId, MemberId};

use super::{Fact, Outcome, World};

const YEAR: i32 = 2025;

/// Whether what a phone wrote shows in a view: as an entry, or among the ones that somebody removed.
pub(super) fn holds(
    view: &MeetingView,
    device: DeviceId,
    members: &[MemberId],
    fact: Fact,
    counts: Option<TallyCount>,
) -> bool {
    match fact {
        Fact::Speech(id) => view.speeches.iter().any(|one| one.id == id) || view.removed.contains(&id),
        Fact::Conclusion(id) => view.conclusion(id).is_some() || view.removed.contains(&id),
        Fact::Note(id) => view.notes.iter().any(|one| one.id == id) || view.removed.contains(&id),
        Fact::Motion(id) => view.motion(id).is_some() || view.removed.contains(&id),
        Fact::Agenda(id) => view.agenda.iter().any(|one| one.id == id) || view.removed.contains(&id),
        Fact::Attachment(id) => view.attachments.iter().any(|one| one.id == id),
        Fact::Mark(number) => {
            let member = members[number - 1];
            let listed = view.line(member).map(|line| &line.entries);
            let stranger = view.attendance.strangers.iter().find(|one| one.member == member);
            let entries = listed.or(stranger.map(|one| &one.entries));
            // Somebody who is not on the list and whom nobody marks any more is not shown at all.
            entries.is_none_or(|entries| entries.iter().any(|entry| entry.mark.device == device))
        }
        Fact::Tally(motion) => view.motion(motion).is_some_and(|motion| {
            motion
                .tallies
                .iter()
                .any(|tally| tally.mark.device == device && Some(tally.counts) == counts)
        }),
        Fact::Ballot(motion, number) => view.motion(motion).is_some_and(|motion| {
            let member = members[number - 1];
            motion.ballots.iter().any(|ballot| {
                ballot.member == member && ballot.entries.iter().any(|entry| entry.mark.device == device)
            })
        }),
    }
}

/// The first that is shown is what all others have to show.
fn same<T: PartialEq>(what: &str, phone: usize, first: &mut Option<T>, other: T) -> Outcome {
    match first {
        Some(first) if *first != other => Err(format!("phone {phone} shows another {what}")),
        Some(_) => Ok(()),
        None => {
            *first = Some(other);
            Ok(())
        }
    }
}

impl World {
    pub(super) fn check(&mut self) -> Outcome {
        self.meetings_agree()?;
        self.year_agrees()?;
        self.nothing_is_lost()?;
        self.seals_stand()
    }

    fn meetings_agree(&mut self) -> Outcome {
        for doc in self.meetings.clone() {
            let mut first = None;
            for phone in 0..self.branch.phones.len() {
                let device = self.phone(phone);
                let Ok(view) = device.meeting_view(doc) else {
                    continue;
                };
                let failed = |error: sotay_engine::DeviceError| error.to_string();
                let shown = (
                    view,
                    device.review(doc).map_err(failed)?,
                    device.minutes(doc).map_err(failed)?,
                    device.seals(doc).map_err(failed)?,
                    device.diary(doc, 0, 20).map_err(failed)?,
                );
                same("meeting", phone, &mut first, shown)?;
            }
        }
        Ok(())
    }

    fn year_agrees(&mut self) -> Outcome {
        let failed = |error: sotay_engine::DeviceError| error.to_string();
        let (mut everybody, mut officers) = (None, None);
        let (mut fees, mut rating, mut feedback) = (None, None, None);
        for phone in 0..self.branch.phones.len() {
            let in_committee = self.committee(phone);
            let device = self.phone(phone);
            let roster = device.roster_view().map_err(failed)?;
            let names: Vec<Option<String>> = roster
                .lines
                .iter()
                .map(|line| device.names().member(line.member).map(str::to_owned))
                .collect();
            let shown = (
                roster,
                names,
                device.tasks(YEAR).map_err(failed)?,
                device.resolutions().map_err(failed)?,
                device.unit_card().map_err(failed)?.name,
            );
            same("year", phone, &mut everybody, shown)?;
            if in_committee {
                same("ledger", phone, &mut fees, device.fees(YEAR).map_err(failed)?)?;
                same("rating", phone, &mut rating, device.rating(YEAR).map_err(failed)?)?;
                same(
                    "list of feedback",
                    phone,
                    &mut feedback,
                    device.feedback(0).map_err(failed)?,
                )?;
            }
            if let Ok(reports) = device.reports(YEAR) {
                same("reports", phone, &mut officers, reports)?;
            }
        }
        Ok(())
    }

    fn nothing_is_lost(&mut self) -> Outcome {
        let facts: Vec<_> = self.facts.iter().map(|(key, counts)| (*key, *counts)).collect();
        let members = self.branch.members.clone();
        let secretary = crate::branch::P3;
        for ((phone, doc, fact), counts) in facts {
            let view = self
                .phone(secretary)
                .meeting_view(doc)
                .map_err(|error| error.to_string())?;
            let device = self.device(phone);
            if !holds(&view, device, &members, fact, counts) {
                return Err(format!("{fact:?} of phone {phone} in {doc} is lost"));
            }
        }
        let (tasks, lines, evidence) = (self.tasks.clone(), self.fee_lines.clone(), self.evidence.clone());
        let feedback = self.feedback.clone();
        let resolutions = self.resolutions.clone();
        let device = self.phone(secretary);
        let failed = |error: sotay_engine::DeviceError| error.to_string();
        let known = device.tasks(YEAR).map_err(failed)?;
        if let Some(id) = tasks.iter().find(|id| known.get(**id).is_none()) {
            return Err(format!("task {id} is lost"));
        }
        let known = device.fees(YEAR).map_err(failed)?;
        if let Some(id) = lines
            .iter()
            .find(|id| !known.lines.iter().any(|line| line.id == **id))
        {
            return Err(format!("fee line {id} is lost"));
        }
        let known = device.rating(YEAR).map_err(failed)?;
        if let Some(id) = evidence.iter().find(|id| {
            !known
                .cards
                .iter()
                .any(|card| card.evidence.iter().any(|one| one.id == **id))
        }) {
            return Err(format!("evidence {id} is lost"));
        }
        let known = device.feedback(0).map_err(failed)?;
        for (id, named) in &feedback {
            let times = known.iter().filter(|view| view.item.id == *id).count();
            if times != 1 {
                return Err(format!("feedback {id} (named: {named}) is there {times} times"));
            }
        }
        let known = device.resolutions().map_err(failed)?;
        match resolutions
            .iter()
            .find(|doc| !known.iter().any(|one| one.id == **doc))
        {
            Some(doc) => Err(format!("resolution {doc} is lost")),
            None => Ok(()),
        }
    }

    /// Every text that was ever seen sealed is on every phone that reads the meeting, to the byte.
    fn seals_stand(&mut self) -> Outcome {
        use sha2::{Digest, Sha256};
        for (seal, (doc, sha256)) in self.sealed.clone() {
            let id: SealId = seal.parse().map_err(|_| "an id of a seal")?;
            for phone in 0..self.branch.phones.len() {
                let device = self.phone(phone);
                if device.meeting_view(doc).is_err() {
                    continue;
                }
                let text = device
                    .sealed_text(doc, id)
                    .map_err(|error| format!("seal {seal}: {error}"))?;
                let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
                if hash != sha256 {
                    return Err(format!("seal {seal} reads otherwise on phone {phone}"));
                }
                let shown = device.seals(doc).map_err(|error| error.to_string())?;
                let stays =
                    |one: &sotay_engine::SealShown| one.id == seal && one.status != SealStatus::Waiting;
                if !shown.seals.iter().any(stays) {
                    return Err(format!("seal {seal} is not shown on phone {phone}"));
                }
            }
        }
        Ok(())
    }
}
