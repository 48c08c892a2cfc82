//! What phones wrote into a meeting after their place in the unit had ended: set apart, an item of the review list, and
//! what an officer does with it.
//!
//! To take it over, the officer's phone applies the changes that were left out and writes its choice on top of them: what
//! counts vouches for what it builds on (P5.15), so every phone that gets the choice takes them in as well.

use std::collections::BTreeMap;

use sotay_document::{Run, change_time};
use sotay_feed::{DeviceId, DocId, Space};
use sotay_handbook::CommandError;
use sotay_handbook::What;
use sotay_handbook::review::{APART_PREFIX, ReviewItem, SetApart, TAKE_OVER, choose_apart, set_apart};
use sotay_store::{Store, Stored};

use super::Device;
use super::books::{BookKey, orphan_put};
use super::void::{Verdict, verdict_put};
use crate::error::DeviceError;

/// Runs of one document that do not count, in the order of their writers' feeds.
type Apart = BTreeMap<DeviceId, Vec<(Stored, Run)>>;

impl<S: Store> Device<S> {
    fn apart(&self, space: &Space, doc: DocId) -> Result<Apart, DeviceError> {
        let id = space.id();
        let mut apart = Apart::new();
        for ((device, seq), (verdict, of)) in self.verdicts(id.tag())? {
            if verdict != Verdict::LeftOut || of != Some(doc) {
                continue;
            }
            let Some(stored) = self.replica.store().at(&id, device, seq)? else {
                continue;
            };
            if let Some(run) = self.read_run(space, &stored) {
                apart.entry(device).or_default().push((stored, run));
            }
        }
        Ok(apart)
    }

    /// Items about writing that was set apart.
    pub(super) fn apart_items(&mut self, key: BookKey) -> Result<Vec<ReviewItem>, DeviceError> {
        let apart = self.apart(&self.space(key.space)?, key.doc)?;
        if apart.is_empty() {
            return Ok(Vec::new());
        }
        let found: Vec<SetApart> = apart
            .into_iter()
            .map(|(device, runs)| {
                let changes = || runs.iter().flat_map(|(_, run)| &run.changes);
                SetApart {
                    device,
                    envelopes: runs
                        .iter()
                        .map(|(stored, _)| (stored.seq, *stored.id.as_bytes()))
                        .collect(),
                    changes: u32::try_from(changes().count()).unwrap_or(u32::MAX),
                    last_ms: changes()
                        .filter_map(|raw| change_time(raw).ok())
                        .max()
                        .unwrap_or(0),
                }
            })
            .collect();
        let seen = self.seen(key)?;
        let setting = seen.reading.setting(key.doc);
        self.view(key, |image| set_apart(image, &setting, &found))
    }

    /// Settles such an item.
    pub(super) fn settle_apart(
        &mut self,
        doc: DocId,
        item: &str,
        pick: &str,
        now: i64,
    ) -> Result<(), DeviceError> {
        let unknown = |what| DeviceError::from(CommandError::Unknown(what));
        let key = self.meeting_key(doc)?;
        let device = item.strip_prefix(APART_PREFIX);
        let list = self.apart_items(key)?;
        let found = list.into_iter().find(|known| known.id == item);
        let (found, device) = found.zip(device).ok_or_else(|| unknown(What::ReviewItem))?;
        let (acting, id) = (self.acting(now)?, self.fresh_id());
        let seen = self.seen(key)?;
        let setting = seen.reading.setting(doc);
        if pick != TAKE_OVER {
            return self.edit(key, now, |tx| {
                choose_apart(tx, &acting, &setting, &found, pick, id)
            });
        }
        let space = self.space(key.space)?;
        let mut apart = self.apart(&space, doc)?;
        apart.retain(|writer, _| writer.to_string() == device);
        let taken: Vec<(Stored, Run)> = apart.into_values().flatten().collect();
        let runs = taken
            .iter()
            .map(|(stored, run)| (stored.device, run.clone()))
            .collect();
        let book = self.proved(key)?;
        let applied = book.document.apply(runs);
        let mut puts = book.persist(applied.admitted.iter().map(|change| &change[..]));
        // What is taken over and turns out not to hold is as if it had not been there.
        puts.extend(book.prove().0);
        puts.extend(applied.orphans.iter().map(|orphan| orphan_put(doc, orphan)));
        let written = book
            .document
            .edit(now, |tx| choose_apart(tx, &acting, &setting, &found, pick, id));
        let mut touched = applied.touched;
        match written {
            Ok((_, Some(local))) => {
                puts.extend(book.persist(local.rows()));
                puts.extend(book.await_sealing(local.rows()));
                touched.extend(local.touched);
            }
            Ok((_, None)) => {}
            Err(error) => {
                // What was taken over is in memory only.
                let error = self.edit_failed(doc, error);
                self.books.remove(&doc);
                return Err(error);
            }
        }
        let tag = space.id().tag();
        puts.extend(
            taken
                .iter()
                .map(|(stored, _)| verdict_put(tag, stored, Some((Verdict::Vouched, Some(doc))))),
        );
        if let Err(error) = self.write(puts) {
            self.books.remove(&doc);
            return Err(error.into());
        }
        self.announce(key, &touched);
        Ok(())
    }
}
