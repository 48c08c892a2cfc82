//! Sealing, settling, and remembering what was seen sealed.

use sotay_engine::SealStatus;
use sotay_engine::handbook::meeting::Command;
use sotay_engine::handbook::review::LATE_ITEM;
use sotay_engine::seal::SealId;
use sotay_feed::DocId;

use super::{Outcome, World};
use crate::branch::{P1, P3};

impl World {
    /// Whoever is chair or minute-taker proposes or signs; sometimes somebody withdraws.
    pub(super) fn seal(&mut self, phone: usize) -> Outcome {
        let known: Vec<DocId> = match self.phone(phone).meetings() {
            Ok(known) => known.iter().map(|heading| heading.doc).collect(),
            Err(error) => return Err(error.to_string()),
        };
        if known.is_empty() {
            return Ok(());
        }
        let doc = known[self.pick(known.len())];
        let now = self.now();
        let seals = self.phone(phone).seals(doc).map_err(|error| error.to_string())?;
        let waiting = seals.seals.iter().find(|seal| seal.status == SealStatus::Waiting);
        if let Some(id) = waiting.and_then(|seal| seal.id.parse::<SealId>().ok()) {
            let signed = self.phone(phone).countersign(doc, id, now);
            if self.try_seal("countersigned", signed)?.is_some() {
                return self.remember_seals(phone);
            }
        }
        // What blocks is settled first, as officers do.
        self.settle_blocking(phone, doc)?;
        let proposed = if !seals.late.is_empty() && self.chance(60) {
            self.phone(phone).propose_addendum(doc, now)
        } else {
            self.phone(phone).propose_seal(doc, now)
        };
        self.try_seal("proposed", proposed)?;
        self.remember_seals(phone)
    }

    /// The secretary and the minute-taker meet the relay, settle what blocks and sign, while others may still hold what they
    /// wrote: minutes first, what came later as an addendum or an edition.
    pub(super) fn ceremony(&mut self) -> Outcome {
        if self.meetings.is_empty() {
            return Ok(());
        }
        let at = self.pick(self.meetings.len());
        let doc = self.meetings[at];
        (self.groups[P1], self.groups[P3]) = (0, 0);
        for phone in [P1, P3, P1] {
            self.relay(phone)?;
        }
        let now = self.now();
        let sealed = match self.phone(P3).seals(doc) {
            Ok(seals) => seals.standing.is_some(),
            Err(_) => return Ok(()),
        };
        if !sealed {
            let officers = [
                Command::SetChair(self.branch.member(1)),
                Command::SetClerk(self.branch.member(3)),
            ];
            let done = self.phone(P3).meeting_all(doc, &officers, now);
            self.try_out("commands in meetings", done)?;
        }
        self.settle_blocking(P3, doc)?;
        let late = !self
            .phone(P3)
            .seals(doc)
            .map_err(|error| error.to_string())?
            .late
            .is_empty();
        let proposed = if sealed && late && self.chance(60) {
            self.phone(P3).propose_addendum(doc, now)
        } else {
            self.phone(P3).propose_seal(doc, now)
        };
        let proposed = self.try_seal("proposed", proposed)?;
        for phone in [P3, P1] {
            self.relay(phone)?;
        }
        if let Some(seal) = proposed {
            let signed = self.phone(P1).countersign(doc, seal, now);
            if self.try_seal("countersigned", signed)?.is_some() && sealed {
                self.note("addenda and editions");
            }
        }
        self.relay(P1)
    }

    /// The first option of every item that blocks, as far as this phone may choose.
    fn settle_blocking(&mut self, phone: usize, doc: DocId) -> Outcome {
        let now = self.now();
        let list = self.phone(phone).review(doc).map_err(|error| error.to_string())?;
        let blocking: Vec<(String, String)> = list
            .blocking()
            .filter_map(|item| Some((item.id.clone(), item.options.first()?.pick.clone())))
            .collect();
        for (item, pick) in blocking {
            match self.phone(phone).settle(doc, &item, &pick, now) {
                Err(sotay_engine::DeviceError::Seal(_)) => {}
                settled => drop(self.try_out("settled", settled)?),
            }
        }
        Ok(())
    }

    /// Any option of any item.
    pub(super) fn settle(&mut self, phone: usize) -> Outcome {
        let all = self
            .phone(phone)
            .review_all()
            .map_err(|error| error.to_string())?;
        let all: Vec<_> = all
            .into_iter()
            .filter(|(_, item)| !item.options.is_empty() && item.id != LATE_ITEM)
            .collect();
        if all.is_empty() {
            return Ok(());
        }
        let (doc, item) = all[self.pick(all.len())].clone();
        let pick = item.options[self.pick(item.options.len())].pick.clone();
        let now = self.now();
        match self.phone(phone).settle(doc, &item.id, &pick, now) {
            Err(sotay_engine::DeviceError::Seal(_)) => Ok(()),
            settled => self.try_out("settled", settled).map(|_| ()),
        }
    }

    /// A text that both signed never reads otherwise again, on no phone.
    pub(super) fn remember_seals(&mut self, phone: usize) -> Outcome {
        let headings = self.phone(phone).meetings().map_err(|error| error.to_string())?;
        for doc in headings.iter().map(|heading| heading.doc) {
            let seals = self.phone(phone).seals(doc).map_err(|error| error.to_string())?;
            for seal in seals
                .seals
                .iter()
                .filter(|seal| seal.status != SealStatus::Waiting)
            {
                let known = self
                    .sealed
                    .entry(seal.id.clone())
                    .or_insert((doc, seal.sha256.clone()));
                if *known != (doc, seal.sha256.clone()) {
                    return Err(format!("seal {} reads otherwise on phone {phone}", seal.id));
                }
            }
        }
        Ok(())
    }
}
