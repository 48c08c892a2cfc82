//! Newcomers who read from a day on: which keys their phone is handed, and what is carried over for it (decision 0131).
//!
//! A key has no date; what was written under it has. So with a day the officer's phone first makes new keys, hands over
//! those under which something was written on that day or later, and keeps the rest back. What a newcomer needs of the
//! time before (roster, names, tasks, resolutions; no meeting of an earlier day) it seals once more under the new key, and
//! also what other phones write under a key that was kept back because they had not heard of the new one.

use std::collections::{BTreeMap, BTreeSet};

use sotay_document::crdt::ChangeHash;
use sotay_document::{Run, change_links, change_time, encode_runs};
use sotay_feed::{DeviceId, DocId, Envelope, EnvelopeId, EpochId, IntoTree, Kind, Space, SpaceId, SpaceKind};
use sotay_handbook::{Date, DocKind, LocalTime, fees_id, rating_id, reports_id, tasks_id};
use sotay_membership::{Denied, Grant, Record, Validity};
use sotay_store::{Bucket, Budget, Put, Store, Stored};
use sotay_vault::{box_epoch, open_body};

use super::absorb::Haul;
use super::acts::Acts;
use super::enrol::{AdmitError, AdmitRequest};
use super::inbox::{KEY, SLOTS};
use super::people::PersonRecord;
use super::removal::{KeyChange, RemovalError};
use super::waiting::locked_put;
use super::withheld::{
    COVERED, INBOX, NAMES, ROWS, RUNS, WITHHELD_MAX, Withheld, carried_names, carried_runs, packed,
};
use super::{Device, OFFSET_MINUTES, today};
use crate::enrolment::Invitation;
use crate::error::DeviceError;
use crate::event::SetAside;

/// What is kept back by date; broadcasts are no records of the unit, and private spaces have no other reader.
const DATED: [SpaceKind; 4] = [
    SpaceKind::Main,
    SpaceKind::Committee,
    SpaceKind::Inbox,
    SpaceKind::Report,
];
/// Where documents of the time before are carried over.
const CARRIED: [SpaceKind; 2] = [SpaceKind::Main, SpaceKind::Committee];
const PAGE: Budget = Budget {
    count: 1024,
    bytes: 4 << 20,
};

/// First millisecond of a day in Viet Nam.
fn begins(day: Date) -> Option<i64> {
    let epoch = LocalTime::from_ms(0, OFFSET_MINUTES)?;
    Some(epoch.minutes_until(LocalTime::new(day, 0, 0)?) * 60_000)
}

impl<S: Store> Device<S> {
    /// Like [`Device::admit`], for somebody who reads from a day on: what was sealed before under keys of its own stays
    /// closed to the phone. The shared parts it reads get new keys in the same transaction.
    pub fn admit_from(&mut self, ask: &AdmitRequest, from: Date, now: i64) -> Result<Invitation, AdmitError> {
        if from > today(now) {
            return Err(AdmitError::Future);
        }
        // What waits here was written before, and belongs under the key of before.
        self.flush()?;
        self.admit_for(ask, None, Some(from), now)
    }

    /// New keys, and what the grant leaves out of the ring: the keys under which nothing was written since the day.
    pub(super) fn keep_back(
        &mut self,
        acts: &mut Acts,
        grant: &mut Grant,
        from: Date,
    ) -> Result<BTreeMap<SpaceKind, BTreeSet<EpochId>>, DeviceError> {
        let home = self.home()?.clone();
        let readable = self.readable_by(grant, &home);
        let mut withheld = BTreeMap::new();
        for space in self.rotatable(&acts.membership)? {
            let tag = space.id().tag();
            if !DATED.contains(&space.kind) || !readable.contains(&tag) {
                continue;
            }
            let old: Vec<EpochId> = acts.ring.for_space(tag).map(|(epoch, _)| epoch).collect();
            let used = self.last_used(&space)?;
            let before = |epoch: &EpochId| used.get(epoch).is_none_or(|ms| today(*ms) < from);
            let kept: BTreeSet<EpochId> = old.into_iter().filter(before).take(WITHHELD_MAX).into_set();
            // The new one names all others as its predecessors, so nobody takes them for forgotten (P6.3).
            self.rekey(acts, &space)?;
            withheld.insert(space.kind, kept);
        }
        grant.from_ms = begins(from).unwrap_or(grant.from_ms);
        Ok(withheld)
    }

    /// Rows that remember what was kept back, so that it is carried over whatever happens next.
    pub(super) fn withheld_puts(
        grant: EnvelopeId,
        from: Date,
        withheld: BTreeMap<SpaceKind, BTreeSet<EpochId>>,
    ) -> Vec<Put> {
        let row = |(kind, epochs)| {
            let row = Withheld {
                grant,
                kind,
                from,
                upto: 0,
                epochs,
            };
            row.put()
        };
        withheld.into_iter().map(row).collect()
    }

    /// Hands a phone keys it was not given: all that this phone holds and that one may read, or those under which
    /// something was written on a day or later. The phone then opens by itself what it could not.
    pub fn widen(&mut self, device: DeviceId, from: Option<Date>) -> Result<KeyChange, RemovalError> {
        if device == self.id() {
            return Err(RemovalError::Itself);
        }
        self.membership()?
            .may_be_served(device)
            .map_err(|_| RemovalError::NoPhone)?;
        let mut acts = self.begin_acts()?;
        let spaces = self.rotatable(&acts.membership)?;
        if spaces.is_empty() {
            return Err(DeviceError::from(Denied::Rank).into());
        }
        let mut handed: BTreeSet<(SpaceKind, EpochId)> = BTreeSet::new();
        for space in spaces {
            let id = space.id();
            let readers = acts.membership.readers(&space);
            let Some(reader) = readers.into_iter().find(|(reader, _)| *reader == device) else {
                continue;
            };
            let used = if from.is_some() {
                self.last_used(&space)?
            } else {
                BTreeMap::new()
            };
            let boxed: BTreeSet<EpochId> = {
                let records = acts.membership.epochs(&id).into_iter();
                records
                    .filter(|record| record.boxes.contains_key(&device))
                    .map(|record| record.epoch())
                    .collect()
            };
            let keys: Vec<_> = acts
                .ring
                .for_space(id.tag())
                .map(|(epoch, key)| (epoch, key.clone()))
                .collect();
            for (epoch, key) in keys {
                let since = |from| used.get(&epoch).is_some_and(|ms| today(*ms) >= from);
                if boxed.contains(&epoch) || !from.is_none_or(since) {
                    continue;
                }
                let record = box_epoch(&id, [], &key, &[reader], &mut *self.rng)
                    .map_err(|_| DeviceError::Internal("box of a key"))?;
                let own = std::sync::Arc::clone(&self.keys);
                self.act(&mut acts, &own, &Record::Epoch(record), &[])?;
                handed.insert((space.kind, epoch));
            }
        }
        let grants: BTreeSet<EnvelopeId> = {
            let grants = self.membership()?.grants();
            grants
                .filter(|(_, _, grant, _)| grant.device() == device)
                .map(|(id, ..)| id)
                .collect()
        };
        let mut puts = Vec::new();
        for mut row in self
            .withheld_rows()?
            .into_iter()
            .filter(|row| grants.contains(&row.grant))
        {
            row.epochs.retain(|epoch| !handed.contains(&(row.kind, *epoch)));
            puts.push(row.put());
        }
        let change = KeyChange {
            devices: vec![device],
            rekeyed: Vec::new(),
            bytes: acts.bytes(),
        };
        self.commit_acts(acts, puts)?;
        Ok(change)
    }

    /// The day from which on this phone reads, if keys of the time before were not handed to it: earlier records are not
    /// on this phone.
    pub fn reads_from(&self) -> Result<Option<Date>, DeviceError> {
        let main = self.space(SpaceKind::Main)?;
        if !self.lacks_keys(&main)? {
            return Ok(None);
        }
        let grants = self.membership()?.grants();
        let own = grants
            .filter(|(_, _, grant, validity)| grant.device() == self.id() && *validity == Validity::Valid);
        Ok(own.map(|(_, _, grant, _)| today(grant.from_ms)).max())
    }

    /// Whether there are keys of a space that this phone was not given.
    fn lacks_keys(&self, space: &Space) -> Result<bool, DeviceError> {
        let id = space.id();
        let epochs = self.membership()?.epochs(&id);
        Ok(epochs
            .iter()
            .any(|record| self.ring.get(id.tag(), record.epoch()).is_none()))
    }

    /// When something was last written to a document under each key of a space, by the writers' clocks.
    fn last_used(&self, space: &Space) -> Result<BTreeMap<EpochId, i64>, DeviceError> {
        let mut used = BTreeMap::new();
        let copies = self.counting_copies(space);
        self.each_of(&space.id(), 0, |stored| {
            let Some((epoch, payload)) = self.opened(space, &stored) else {
                return Ok(());
            };
            let times = runs_in(&stored, &payload, &copies)
                .into_iter()
                .flat_map(|run| run.changes);
            if let Some(last) = times.filter_map(|raw| change_time(&raw).ok()).max() {
                let known = used.entry(epoch).or_insert(last);
                *known = last.max(*known);
            }
            Ok(())
        })?;
        Ok(used)
    }

    /// Every envelope of a space after an arrival; the arrival of the last one.
    fn each_of(
        &self,
        space: &SpaceId,
        mut after: u64,
        mut visit: impl FnMut(Stored) -> Result<(), DeviceError>,
    ) -> Result<u64, DeviceError> {
        loop {
            let page = self.replica.store().since(space, after, PAGE)?;
            after = page.upto;
            page.envelopes.into_iter().try_for_each(&mut visit)?;
            if !page.more {
                return Ok(after);
            }
        }
    }

    pub(super) fn opened(&self, space: &Space, stored: &Stored) -> Option<(EpochId, Vec<u8>)> {
        let envelope = Envelope::decode(&stored.bytes).ok()?;
        let epoch = envelope.header().epoch;
        let key = self.ring.get(space.id().tag(), epoch)?;
        let body = open_body(envelope.header_bytes(), key, envelope.body()).ok()?;
        Some((epoch, body.to_vec()))
    }

    fn withheld_rows(&self) -> Result<Vec<Withheld>, DeviceError> {
        let rows = self.replica.store().list(Bucket::Profile, ROWS)?;
        let read = |(key, value): &(Vec<u8>, Vec<u8>)| Withheld::read(key, value);
        rows.iter()
            .map(|row| read(row).ok_or(DeviceError::damaged("list of keys kept back")))
            .collect()
    }

    /// Seals for newcomers under the key in force what came under keys that were kept back from them. Nothing new: no work.
    pub(super) fn carry_over(&mut self) -> Result<(), DeviceError> {
        for mut row in self.withheld_rows()? {
            let space = self.space(row.kind)?;
            let head = self.replica.store().head(&space.id())?.number;
            let grants = self.membership()?.grants();
            let holds = |(id, .., validity): (EnvelopeId, _, _, Validity)| {
                id == row.grant && validity == Validity::Valid
            };
            if !grants.into_iter().any(holds) {
                row.epochs.clear();
                self.write(vec![row.put()])?;
                continue;
            }
            if row.upto >= head || !CARRIED.contains(&row.kind) || !self.may_seal(&space)? {
                continue;
            }
            let payloads = self.payloads_for(&space, &row)?;
            row.upto = head;
            if payloads.is_empty() {
                self.write(vec![row.put()])?;
            } else {
                self.publish(&space, payloads, vec![row.put()])?;
            }
        }
        Ok(())
    }

    /// What came after the row's arrival under its keys and is not kept back for its date.
    /// Cards go as cards, so that erasing a person reaches them too.
    fn payloads_for(&mut self, space: &Space, row: &Withheld) -> Result<Vec<(Kind, Vec<u8>)>, DeviceError> {
        let mut found: Vec<(Stored, Vec<u8>)> = Vec::new();
        self.each_of(&space.id(), row.upto, |stored| {
            let opened = self
                .opened(space, &stored)
                .filter(|(epoch, _)| row.epochs.contains(epoch));
            found.extend(opened.map(|(_, payload)| (stored, payload)));
            Ok(())
        })?;
        let copies = self.counting_copies(space);
        // What a copy holds that is here as it was written was carried over from there.
        let here = if found.iter().any(|(stored, _)| copies.contains(&stored.id)) {
            self.changes_under(space, &row.epochs)?
        } else {
            BTreeSet::new()
        };
        let room = self.payload_room(space)? - 32;
        let (mut runs, mut names, mut inbox) = (Vec::new(), Vec::new(), Vec::new());
        let mut cards = Vec::new();
        for (stored, payload) in found {
            match stored.kind {
                Kind::CHANGE => {
                    let Ok(run) = Run::decode(&payload) else { continue };
                    if !self.is_carried(run.doc, row.from)? {
                        continue;
                    }
                    if payload.len() <= room {
                        runs.push(payload);
                    } else {
                        let smaller = encode_runs(run.doc, run.kind, run.schema, &run.changes, room);
                        runs.extend(smaller.map_err(|_| DeviceError::Internal("run"))?);
                    }
                }
                Kind::SNAPSHOT if copies.contains(&stored.id) => {
                    for run in runs_in(&stored, &payload, &copies) {
                        if !self.is_carried(run.doc, row.from)? {
                            continue;
                        }
                        let new =
                            |raw: &&Vec<u8>| change_links(raw).is_ok_and(|(hash, _)| !here.contains(&hash));
                        let changes: Vec<&Vec<u8>> = run.changes.iter().filter(new).collect();
                        let carried = encode_runs(run.doc, run.kind, run.schema, &changes, room);
                        runs.extend(carried.map_err(|_| DeviceError::Internal("run"))?);
                    }
                }
                Kind::PERSON => {
                    let current = PersonRecord::decode(&payload)
                        .is_ok_and(|record| self.people.source(&record.subject) == Some(stored.id));
                    if current {
                        names.push([&stored.id.as_bytes()[..], &payload].concat());
                    }
                }
                Kind::CARD if self.is_newest_card(space.kind, stored.id)? => {
                    cards.push((Kind::CARD, payload))
                }
                Kind::INBOX if matches!(payload.first(), Some(&KEY | &SLOTS)) => {
                    inbox.push([&[INBOX], &payload[..]].concat());
                }
                _ => {}
            }
        }
        let mut payloads = packed(RUNS, runs, room);
        payloads.extend(packed(NAMES, names, room));
        payloads.extend(inbox);
        let copies = payloads.into_iter().map(|payload| (Kind::SNAPSHOT, payload));
        Ok(copies.chain(cards).collect())
    }

    /// The changes that are here as their authors wrote them, under some keys.
    fn changes_under(
        &self,
        space: &Space,
        epochs: &BTreeSet<EpochId>,
    ) -> Result<BTreeSet<ChangeHash>, DeviceError> {
        let mut here = BTreeSet::new();
        self.each_of(&space.id(), 0, |stored| {
            let opened = self
                .opened(space, &stored)
                .filter(|(epoch, _)| epochs.contains(epoch));
            if let Some((_, payload)) = opened.filter(|_| stored.kind == Kind::CHANGE) {
                let changes = Run::decode(&payload).into_iter().flat_map(|run| run.changes);
                here.extend(changes.filter_map(|raw| Some(change_links(&raw).ok()?.0)));
            }
            Ok(())
        })?;
        Ok(here)
    }

    /// Whether a document of the time before is carried over: everything but meetings of an earlier day and the books of
    /// earlier years.
    fn is_carried(&mut self, doc: DocId, from: Date) -> Result<bool, DeviceError> {
        let unit = self.home()?.unit;
        let Some(key) = self.known_document(doc)? else {
            return Ok(false);
        };
        let year = from.month().year();
        Ok(match key.kind {
            DocKind::Meeting => {
                let view = &self.seen(key)?.view;
                let day = view.date.value.or(view.month.value.map(|month| month.first()));
                // A monthly meeting without a day may still be held on its last.
                let undecided = view.date.value.is_none() && view.month.value == Some(from.month());
                undecided || day.is_none_or(|day| day >= from)
            }
            DocKind::Tasks | DocKind::FeeLedger | DocKind::Rating | DocKind::Report => {
                let mut earlier = 2000..year;
                let of_year = |year| [tasks_id, fees_id, rating_id, reports_id].map(|id| id(unit, year));
                !earlier.any(|year| of_year(year).contains(&doc))
            }
            _ => true,
        })
    }

    /// An officer's copy: of what this phone has no key for, while phones that have all keys look at the originals alone; or
    /// of what a cover lets relays drop, which counts for everybody.
    pub(super) fn read_carried(&mut self, space: &Space, stored: &Stored, haul: &mut Haul) {
        let Ok(envelope) = Envelope::decode(&stored.bytes) else {
            return;
        };
        let epoch = envelope.header().epoch;
        if self.ring.get(space.id().tag(), epoch).is_none() {
            haul.puts
                .push(locked_put(&space.id(), stored.arrival, Some(epoch)));
            return;
        }
        let Some((_, payload)) = self.opened(space, stored) else {
            return self.set_aside(stored, SetAside::Unreadable, haul);
        };
        if let Some((&COVERED, pieces)) = payload.split_first() {
            return self.read_covered(space, stored, pieces, haul);
        }
        if !self.lacks_keys(space).unwrap_or(false) {
            return;
        }
        let admitted = self
            .membership()
            .is_ok_and(|membership| membership.may_admit(&envelope, space).is_ok());
        if !admitted {
            return self.set_aside(stored, SetAside::NotAllowed, haul);
        }
        let read = match payload.split_first() {
            Some((&RUNS, pieces)) => carried_runs(pieces).map(|runs| {
                for run in runs {
                    self.take_run(space, stored, run.actor.device(), run, haul);
                }
            }),
            Some((&NAMES, pieces)) => carried_names(pieces).map(|names| haul.carry_names(names)),
            Some((&INBOX, inner)) if matches!(inner.first(), Some(&KEY | &SLOTS)) => {
                self.read_about_inbox(space, stored, inner, haul);
                Some(())
            }
            _ => None,
        };
        if read.is_none() {
            self.set_aside(stored, SetAside::Unreadable, haul);
        }
    }

    /// The runs of documents in an officer's copy.
    pub(super) fn stored_carried_runs(&self, space: &Space, stored: &Stored) -> Vec<Run> {
        let opened = self
            .opened(space, stored)
            .filter(|_| self.lacks_keys(space).unwrap_or(false));
        let runs = opened.and_then(|(_, payload)| match payload.split_first() {
            Some((&RUNS, pieces)) => carried_runs(pieces),
            _ => None,
        });
        runs.unwrap_or_default()
    }

    /// The names in an officer's copy, with the envelopes they came in.
    pub(super) fn stored_carried_names(
        &self,
        space: &Space,
        stored: &Stored,
    ) -> Vec<(EnvelopeId, PersonRecord)> {
        let opened = self
            .opened(space, stored)
            .filter(|_| self.lacks_keys(space).unwrap_or(false));
        let names = opened.and_then(|(_, payload)| match payload.split_first() {
            Some((&NAMES, pieces)) => carried_names(pieces),
            _ => None,
        });
        names.unwrap_or_default()
    }
}

/// The runs of a change as its author wrote it, or of a copy that counts.
fn runs_in(stored: &Stored, payload: &[u8], copies: &BTreeSet<EnvelopeId>) -> Vec<Run> {
    match payload.split_first() {
        _ if stored.kind == Kind::CHANGE => Run::decode(payload).into_iter().collect(),
        Some((&COVERED, pieces)) if copies.contains(&stored.id) => carried_runs(pieces).unwrap_or_default(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_viet_nam() {
        let day: Date = "2026-06-01".parse().unwrap();
        let ms = begins(day).unwrap();
        assert_eq!((today(ms), today(ms - 1)), (day, "2026-05-31".parse().unwrap()));
    }
}
