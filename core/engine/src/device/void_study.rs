//! The library and the records of study, when what a phone published or noted no longer counts, or counts again (P5.15).
//!
//! Publications are kept by what they say, not by who said it, and marks are merged: no row tells which envelope it is from. So
//! when a verdict changes, the spaces are read once more. What only void envelopes say goes; what one that counts says stays, or
//! comes back. A holder's own marks are made anew from what counts in the private space: whoever had a lost phone in hand cannot
//! have read or answered anything for them. Nothing builds on these records, so nothing vouches for them.

use std::collections::{BTreeMap, BTreeSet};

use sotay_feed::{IntoTree, Kind, Space, SpaceKind};
use sotay_store::{Bucket, Put, Store, Stored};
use sotay_study::reading::Progress;

use super::Device;
use super::absorb::PAGE;
use super::library::{PROGRESS, PROGRESS_KEY, put};
use super::quizzes::Studied;
use super::rereading::aside_put;
use super::sharing::{SHARED_ROWS, Shared};
use super::void::{Verdict, verdict_put};
use crate::error::DeviceError;
use crate::event::{Event, SetAside};

/// Rows by bucket and key.
type Rows = BTreeMap<(Bucket, Vec<u8>), Vec<u8>>;

/// What the spaces say when read once more.
#[derive(Default)]
struct Read {
    /// Rows that an envelope which counts says.
    said: Rows,
    /// Rows that one says which does not count.
    void: Rows,
    progress: Progress,
    shared: Shared,
}

impl Read {
    fn take(&mut self, rows: impl IntoIterator<Item = Put>, counts: bool) {
        let into = if counts { &mut self.said } else { &mut self.void };
        for row in rows {
            into.insert((row.bucket, row.key), row.value.unwrap_or_default());
        }
    }
}

impl<S: Store> Device<S> {
    /// Takes publications and records of study out, or in again, that a changed membership judges otherwise than before.
    /// Nothing changed: no write.
    pub(super) fn sweep_study(&mut self) -> Result<(), DeviceError> {
        // A removed phone keeps what it has; nobody asks for its judgement.
        if self.membership()?.may_be_served(self.id()).is_err() {
            return Ok(());
        }
        let spaces = self.study_spaces()?;
        let mut puts = Vec::new();
        for space in &spaces {
            let tag = space.id().tag();
            for (stored, known) in self.misjudged_envelopes(space)? {
                if !is_study(space, &stored) {
                    continue;
                }
                let verdict = known.is_none().then_some((Verdict::LeftOut, None));
                puts.push(verdict_put(tag, &stored, verdict));
                let reason = known.is_none().then_some(SetAside::NotAllowed);
                puts.push(aside_put(&stored.id, reason));
                self.events.extend(reason.map(|reason| Event::SetAside {
                    envelope: stored.id,
                    device: stored.device,
                    reason,
                }));
            }
        }
        if puts.is_empty() {
            return Ok(());
        }
        let read = self.read_study(&spaces)?;
        self.difference(read, &mut puts)?;
        self.write(puts)?;
        self.library.reload(self.replica.store())?;
        self.reload_directives()?;
        self.events.extend([Event::Library, Event::Missed]);
        Ok(())
    }

    /// Where publications and records of study are: of every unit whose broadcasts were ever read here, also of one that stands
    /// no longer above.
    fn study_spaces(&self) -> Result<Vec<Space>, DeviceError> {
        let home = self.home()?;
        let mut spaces = vec![
            Space::private(home.unit, home.member),
            Space::of(home.unit, SpaceKind::Main),
        ];
        let known = self.replica.spaces().into_iter();
        spaces.extend(known.filter(|space| space.kind == SpaceKind::Broadcast));
        Ok(spaces)
    }

    fn read_study(&mut self, spaces: &[Space]) -> Result<Read, DeviceError> {
        let mut read = Read::default();
        for space in spaces {
            let (id, applied) = (space.id(), self.applied(&space.id())?);
            let mut after = 0;
            while after < applied {
                let page = self.replica.store().since(&id, after, PAGE)?;
                after = page.upto;
                let of_study = |stored: &Stored| stored.arrival <= applied && is_study(space, stored);
                for stored in page.envelopes.into_iter().filter(of_study) {
                    self.read_once_more(space, &stored, &mut read);
                }
                if !page.more {
                    break;
                }
            }
        }
        Ok(read)
    }

    fn read_once_more(&mut self, space: &Space, stored: &Stored, read: &mut Read) {
        let Some(payload) = self.open_stored(space, stored) else {
            return;
        };
        let counts = self.stands(space, stored);
        match (space.kind, payload.split_first()) {
            (SpaceKind::Broadcast, _) => {
                let own = self.unit() == Some(space.unit);
                let rows = self.library.learn_publication((space.unit, own), &payload);
                read.take(rows.into_iter().flatten(), counts);
            }
            (SpaceKind::Main, _) if counts => {
                let author = self.membership().ok().and_then(|m| m.standing(stored.device));
                let member = author.and_then(|author| author.member);
                read.shared.learn(member, stored, &payload);
            }
            (SpaceKind::Private, Some((&PROGRESS, marks))) => {
                if let (true, Ok(marks)) = (counts, Progress::decode(marks)) {
                    read.progress.merge(&marks);
                }
            }
            (SpaceKind::Private, Some((form, bytes))) => {
                read.take(Studied::default().learn(*form, bytes), counts);
            }
            _ => {}
        }
    }

    /// What makes the rows those that were read.
    fn difference(&self, read: Read, puts: &mut Vec<Put>) -> Result<(), DeviceError> {
        let store = self.replica.store();
        for (bucket, key) in read.void.into_keys().filter(|row| !read.said.contains_key(row)) {
            puts.push(Put {
                bucket,
                key,
                value: None,
            });
        }
        for ((bucket, key), value) in read.said {
            if store.get(bucket, &key)?.is_none() {
                puts.push(put(bucket, key, &value));
            }
        }
        puts.push(put(Bucket::Study, PROGRESS_KEY.to_vec(), &read.progress.encode()));
        let told: Vec<Put> = read.shared.rows().collect();
        let kept: BTreeSet<&[u8]> = told.iter().map(|row| &row.key[..]).into_set();
        for (key, _) in store.list(Bucket::Study, SHARED_ROWS)? {
            if !kept.contains(&key[..]) {
                puts.push(Put {
                    bucket: Bucket::Study,
                    key,
                    value: None,
                });
            }
        }
        puts.extend(told);
        Ok(())
    }
}

/// Whether an envelope of a space is a publication or a record of study.
fn is_study(space: &Space, stored: &Stored) -> bool {
    match space.kind {
        SpaceKind::Broadcast => stored.kind == Kind::PUBLICATION,
        SpaceKind::Main | SpaceKind::Private => stored.kind == Kind::STUDY,
        _ => false,
    }
}
