//! One commit: envelopes and records in one transaction, two round trips, however many there are. The rows of the spaces
//! are locked first, so that arrivals stay gapless and every outcome is true whoever else writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sotay_feed::{DeviceId, Envelope, EnvelopeId, SpaceId, Tip, Verified, check_next};
use sotay_store::rules::{contradiction, id_prefix, int, judge, may_leap, proves_more, record_sum};
use sotay_store::{
    ARRIVALS_PER_SPACE_MAX, Arrival, Batch, Bucket, Committed, Copied, Outcome, Put, Store, StoreError,
    Stored,
};

use crate::note::{self, Item};
use crate::store::PostgresStore;

/// Bytes of records that travel in one statement; a single larger one travels alone.
const RECORD_BYTES_AT_ONCE: usize = 8 * 1024 * 1024;

pub(crate) fn commit(store: &mut PostgresStore, batch: &Batch) -> Result<Committed, StoreError> {
    batch.puts.iter().try_for_each(Put::check_limits)?;
    let mut touched: BTreeSet<SpaceId> = batch.envelopes.iter().map(|envelope| *envelope.space()).collect();
    // A body is erased under the lock of its space, whose bytes become fewer.
    let erased: BTreeSet<EnvelopeId> = batch.puts.iter().filter_map(Put::erases).collect();
    touched.extend(held(store, &erased)?.into_iter().map(|(space, _)| space));
    if touched.is_empty() && batch.puts.is_empty() {
        store.release()?;
        return Ok(Committed { outcomes: Vec::new() });
    }
    let committed = attempt(store, batch, &touched, &erased);
    if committed.is_err() {
        // Fails only with the connection, and the transaction with it.
        store.release().unwrap_or(());
        // Whether it took effect is not always known.
        let mut view = store.view.borrow_mut();
        touched.iter().for_each(|space| view.doubt(space));
    }
    committed
}

fn attempt(
    store: &mut PostgresStore,
    batch: &Batch,
    touched: &BTreeSet<SpaceId>,
    erased: &BTreeSet<EnvelopeId>,
) -> Result<Committed, StoreError> {
    agree(store, batch, touched)?;
    // As they are now: until the lock others may have erased, dropped or brought them.
    let held = held(store, erased)?;
    if held.iter().any(|(space, _)| !touched.contains(space)) {
        return Err(StoreError::Moved);
    }
    let mut writing = Writing {
        store,
        erased,
        spaces: BTreeMap::new(),
        rows: Vec::new(),
        forks: BTreeMap::new(),
    };
    let mut bodies = Vec::new();
    for (space, stored) in held {
        bodies.extend(writing.erase(space, &stored)?);
    }
    let outcomes: Result<Vec<Outcome>, StoreError> = batch
        .envelopes
        .iter()
        .map(|envelope| writing.append(envelope, &batch.leaps))
        .collect();
    let Writing {
        spaces, rows, forks, ..
    } = writing;
    let outcomes = outcomes?;
    if rows.is_empty() && forks.is_empty() && batch.puts.is_empty() {
        // No row is left of a space that was only about to be made.
        store.release()?;
        return Ok(Committed { outcomes });
    }
    // Of a record written twice the last word counts.
    let records: BTreeMap<(Bucket, &[u8]), Option<&[u8]>> = batch
        .puts
        .iter()
        .map(|put| ((put.bucket, &put.key[..]), put.value.as_deref()))
        .collect();
    write(store, &spaces, &rows, &forks, &records, &bodies)?;
    let mut view = store.view.borrow_mut();
    for (space, staged) in &spaces {
        view.advance(space, staged.head, staged.bytes, &staged.tips);
    }
    Ok(Committed { outcomes })
}

/// The envelopes of these ids that are stored, each with its space.
fn held(store: &PostgresStore, ids: &BTreeSet<EnvelopeId>) -> Result<Vec<(SpaceId, Stored)>, StoreError> {
    let mut held = Vec::new();
    for id in ids {
        held.extend(crate::read::by_id(store, *id)?);
    }
    Ok(held)
}

/// Appends arrivals as another database has them; `false` and nothing written if they do not continue what is here.
pub(crate) fn follow(
    store: &mut PostgresStore,
    space: &SpaceId,
    rows: &[Copied],
) -> Result<bool, StoreError> {
    store.release()?;
    let followed = attempt_to_follow(store, space, rows);
    if !matches!(followed, Ok(true)) {
        store.release().unwrap_or(());
        store.view.borrow_mut().doubt(space);
    }
    followed
}

fn attempt_to_follow(
    store: &mut PostgresStore,
    space: &SpaceId,
    rows: &[Copied],
) -> Result<bool, StoreError> {
    let touched = BTreeSet::from([*space]);
    lock(store, &touched, |_| !rows.is_empty())?;
    let erased = BTreeSet::new();
    let mut writing = Writing {
        store,
        erased: &erased,
        spaces: BTreeMap::new(),
        rows: Vec::new(),
        forks: BTreeMap::new(),
    };
    for row in rows {
        if !writing.copy(*space, row)? {
            return Ok(false);
        }
    }
    let Writing { spaces, rows, .. } = writing;
    if spaces.is_empty() {
        store.release()?;
        return Ok(true);
    }
    write(store, &spaces, &rows, &BTreeMap::new(), &BTreeMap::new(), &[])?;
    let mut view = store.view.borrow_mut();
    for (space, staged) in &spaces {
        view.advance(space, staged.head, staged.bytes, &staged.tips);
    }
    Ok(true)
}

/// Locks every space of a batch and brings the view of each to what is locked.
fn agree(store: &PostgresStore, batch: &Batch, touched: &BTreeSet<SpaceId>) -> Result<(), StoreError> {
    let begins =
        |envelope: &Verified<Envelope>| envelope.header().seq == 1 || batch.leaps.contains(&envelope.id());
    let begun: BTreeSet<SpaceId> = batch
        .envelopes
        .iter()
        .filter(|envelope| begins(envelope))
        .map(|envelope| *envelope.space())
        .collect();
    lock(store, touched, |space| begun.contains(space))
}

/// Locks spaces, making the row of one that is empty and is about to begin, and brings the view of each to what is locked.
fn lock(
    store: &PostgresStore,
    touched: &BTreeSet<SpaceId>,
    begins: impl Fn(&SpaceId) -> bool,
) -> Result<(), StoreError> {
    let mut new = Vec::new();
    for space in touched {
        if store.known(space, |known| known.head.number)? == 0 && begins(space) {
            new.push(*space);
        }
    }
    let locked = store.lock(touched, &new, true)?;
    for space in touched {
        let known = || store.known(space, |known| (known.head, known.bytes));
        let now = locked.get(space).copied().unwrap_or_default();
        store.agree(*space, known()?, now);
        if known()? != now {
            return Err(contradiction("a space is not where its locked row says"));
        }
    }
    Ok(())
}

/// What a batch makes of a space.
struct Staged {
    head: Arrival,
    bytes: u64,
    tips: BTreeMap<DeviceId, Tip>,
    new: BTreeMap<(DeviceId, u64), EnvelopeId>,
    /// Arrivals of which the envelope was dropped where they are copied from.
    holes: Vec<Arrival>,
}

struct Writing<'s> {
    store: &'s PostgresStore,
    /// What this batch erases.
    erased: &'s BTreeSet<EnvelopeId>,
    spaces: BTreeMap<SpaceId, Staged>,
    rows: Vec<(Arrival, Verified<Envelope>)>,
    forks: Forks,
}

impl Writing<'_> {
    fn append(
        &mut self,
        envelope: &Verified<Envelope>,
        leaps: &BTreeSet<EnvelopeId>,
    ) -> Result<Outcome, StoreError> {
        let (space, device) = (*envelope.space(), envelope.header().device);
        let tip = self.tip(&space, device)?;
        if let Err(fault) = check_next(tip, envelope.header())
            && !may_leap(leaps, envelope.id(), tip, envelope.header().seq)
        {
            let outcome = judge(envelope, fault, |seq| self.id_at(&space, device, seq))?;
            if let Outcome::Fork { seq } = outcome {
                let kept = self.forks.get(&(space, device)).map(|(seq, _)| *seq);
                if proves_more(kept, seq) {
                    self.forks
                        .insert((space, device), (seq, envelope.bytes().clone()));
                }
            }
            return Ok(outcome);
        }
        self.push(envelope).map(Outcome::Stored)
    }

    fn tip(&self, space: &SpaceId, device: DeviceId) -> Result<Option<Tip>, StoreError> {
        let staged = self.spaces.get(space);
        match staged.and_then(|staged| staged.tips.get(&device)) {
            Some(tip) => Ok(Some(*tip)),
            None => self.store.tip(space, device),
        }
    }

    /// Takes in an arrival as another database has it, or says that it does not continue what is here.
    fn copy(&mut self, space: SpaceId, row: &Copied) -> Result<bool, StoreError> {
        self.stage(space)?;
        let head = self.spaces[&space].head;
        if head.number >= ARRIVALS_PER_SPACE_MAX {
            return Err(StoreError::Full);
        }
        let Some(envelope) = &row.envelope else {
            let staged = self.spaces.get_mut(&space).expect("just made");
            if row.continues(head, None) {
                staged.head = row.arrival;
                staged.holes.push(row.arrival);
                return Ok(true);
            }
            return Ok(false);
        };
        let tip = self.tip(&space, envelope.header().device)?;
        if *envelope.space() != space || !row.continues(head, tip) {
            return Ok(false);
        }
        self.push(envelope).map(|_| true)
    }

    /// Appends what was found to be next.
    fn push(&mut self, envelope: &Verified<Envelope>) -> Result<Arrival, StoreError> {
        let (space, device) = (*envelope.space(), envelope.header().device);
        let left = if envelope.header().kind.is_erasable() && self.is_erased(envelope.id())? {
            envelope.erase()
        } else {
            None
        };
        let envelope = left.as_ref().unwrap_or(envelope);
        self.stage(space)?;
        let staged = self.spaces.get_mut(&space).expect("just made");
        if staged.head.number >= ARRIVALS_PER_SPACE_MAX {
            return Err(StoreError::Full);
        }
        staged.head = staged.head.next(envelope.id());
        staged.bytes += envelope.bytes().len() as u64;
        staged.tips.insert(device, envelope.tip());
        staged.new.insert((device, envelope.header().seq), envelope.id());
        let arrival = staged.head;
        self.rows.push((arrival, envelope.clone()));
        Ok(arrival)
    }

    fn is_erased(&self, id: EnvelopeId) -> Result<bool, StoreError> {
        Ok(self.erased.contains(&id) || self.store.get(Bucket::Erased, id.as_bytes())?.is_some())
    }

    /// What is left of a stored envelope, with its place; `None` when there is nothing to erase.
    fn erase(&mut self, space: SpaceId, stored: &Stored) -> Result<Option<Body>, StoreError> {
        let whole =
            Envelope::decode(&stored.bytes).map_err(|_| contradiction("stored bytes are not an envelope"))?;
        let Some(left) = whole.erase().filter(|_| !whole.is_erased()) else {
            return Ok(None);
        };
        self.stage(space)?;
        let staged = self.spaces.get_mut(&space).expect("just made");
        staged.bytes = staged.bytes + left.bytes().len() as u64 - whole.bytes().len() as u64;
        Ok(Some((space, stored.arrival, left.bytes().clone())))
    }

    fn stage(&mut self, space: SpaceId) -> Result<(), StoreError> {
        if !self.spaces.contains_key(&space) {
            let (head, bytes) = self.store.known(&space, |known| (known.head, known.bytes))?;
            let staged = Staged {
                head,
                bytes,
                tips: BTreeMap::new(),
                new: BTreeMap::new(),
                holes: Vec::new(),
            };
            self.spaces.insert(space, staged);
        }
        Ok(())
    }

    fn id_at(&self, space: &SpaceId, device: DeviceId, seq: u64) -> Result<Option<EnvelopeId>, StoreError> {
        let staged = self.spaces.get(space);
        if let Some(id) = staged.and_then(|staged| staged.new.get(&(device, seq))) {
            return Ok(Some(*id));
        }
        let stored = self.store.at(space, device, seq)?;
        Ok(stored.map(|stored| stored.id))
    }
}

type Records<'r> = BTreeMap<(Bucket, &'r [u8]), Option<&'r [u8]>>;
/// What is left of an erased envelope: space, arrival, bytes.
type Body = (SpaceId, u64, Arc<[u8]>);
type Forks = BTreeMap<(SpaceId, DeviceId), (u64, Arc<[u8]>)>;

/// Everything on the wire in order, one answer awaited: a statement that fails makes the `COMMIT` behind it a rollback.
fn write(
    store: &PostgresStore,
    spaces: &BTreeMap<SpaceId, Staged>,
    rows: &[(Arrival, Verified<Envelope>)],
    forks: &Forks,
    records: &Records<'_>,
    bodies: &[Body],
) -> Result<(), StoreError> {
    let mut items = Vec::new();
    let (mut ids, mut heads, mut chains, mut sizes) = (vec![], vec![], vec![], vec![]);
    let (mut feed_spaces, mut feed_devices, mut feed_seqs, mut feed_tips) = (vec![], vec![], vec![], vec![]);
    for (space, staged) in spaces {
        ids.push(&space.as_bytes()[..]);
        heads.push(int(staged.head.number));
        chains.push(&staged.head.chain[..]);
        sizes.push(int(staged.bytes));
        for (device, tip) in &staged.tips {
            feed_spaces.push(&space.as_bytes()[..]);
            feed_devices.push(&device.as_bytes()[..]);
            feed_seqs.push(int(tip.seq));
            feed_tips.push(&tip.id.as_bytes()[..]);
        }
        let arrived = (staged.new.len() + staged.holes.len()) as u64;
        items.push(match arrived {
            0 => Item::Shrunk(*space),
            _ => Item::Grown {
                space: *space,
                after: staged.head.number - arrived,
                head: staged.head.number,
            },
        });
    }
    let column = |of: fn(&(Arrival, Verified<Envelope>)) -> &[u8]| rows.iter().map(of).collect::<Vec<_>>();
    let number = |of: fn(&(Arrival, Verified<Envelope>)) -> i64| rows.iter().map(of).collect::<Vec<_>>();
    let envelope_spaces = column(|(_, envelope)| &envelope.space().as_bytes()[..]);
    let envelope_devices = column(|(_, envelope)| &envelope.header().device.as_bytes()[..]);
    let envelope_chains = column(|(arrival, _)| &arrival.chain[..]);
    let envelope_bytes = column(|(_, envelope)| &envelope.bytes()[..]);
    let envelope_arrivals = number(|(arrival, _)| int(arrival.number));
    let envelope_seqs = number(|(_, envelope)| int(envelope.header().seq));
    let envelope_prefixes = number(|(_, envelope)| id_prefix(envelope.id()));
    let fork_spaces: Vec<&[u8]> = forks.keys().map(|(space, _)| &space.as_bytes()[..]).collect();
    let fork_devices: Vec<&[u8]> = forks.keys().map(|(_, device)| &device.as_bytes()[..]).collect();
    let fork_seqs: Vec<i64> = forks.values().map(|(seq, _)| int(*seq)).collect();
    let fork_bytes: Vec<&[u8]> = forks.values().map(|(_, bytes)| &bytes[..]).collect();
    items.extend(forks.keys().map(|(space, _)| Item::Forked(*space)));
    let buckets: BTreeSet<Bucket> = records.keys().map(|(bucket, _)| *bucket).collect();
    items.extend(buckets.into_iter().map(Item::Records));
    let notes = note::write(store.node(), &items);
    if spaces.is_empty() && forks.is_empty() {
        store.begin("BEGIN")?;
    } else if !store.in_transaction() {
        // The locks that the rows rest on are gone.
        return Err(StoreError::Unreachable);
    }
    write_records(store, records)?;
    if !bodies.is_empty() {
        let spaces: Vec<&[u8]> = bodies.iter().map(|(space, ..)| &space.as_bytes()[..]).collect();
        let arrivals: Vec<i64> = bodies.iter().map(|(_, arrival, _)| int(*arrival)).collect();
        let bytes: Vec<&[u8]> = bodies.iter().map(|(.., bytes)| &bytes[..]).collect();
        store.run(async |client, sql| client.execute(&sql.erase, &[&spaces, &arrivals, &bytes]).await)?;
    }
    store.run(async |client, sql| {
        let put_envelopes = async {
            match rows.is_empty() {
                true => Ok(0),
                false => {
                    client
                        .execute(
                            &sql.put_envelopes,
                            &[
                                &envelope_spaces,
                                &envelope_arrivals,
                                &envelope_devices,
                                &envelope_seqs,
                                &envelope_prefixes,
                                &envelope_chains,
                                &envelope_bytes,
                            ],
                        )
                        .await
                }
            }
        };
        let put_holes = async {
            for (space, staged) in spaces.iter().filter(|(_, staged)| !staged.holes.is_empty()) {
                let arrivals: Vec<i64> = staged.holes.iter().map(|hole| int(hole.number)).collect();
                let chains: Vec<&[u8]> = staged.holes.iter().map(|hole| &hole.chain[..]).collect();
                client
                    .execute(&sql.put_holes, &[&&space.as_bytes()[..], &arrivals, &chains])
                    .await?;
            }
            Ok(0)
        };
        let put_feeds = async {
            match feed_seqs.is_empty() {
                true => Ok(0),
                false => {
                    client
                        .execute(
                            &sql.put_feeds,
                            &[&feed_spaces, &feed_devices, &feed_seqs, &feed_tips],
                        )
                        .await
                }
            }
        };
        let put_spaces = async {
            match heads.is_empty() {
                true => Ok(0),
                false => {
                    client
                        .execute(&sql.put_spaces, &[&ids, &heads, &chains, &sizes])
                        .await
                }
            }
        };
        let put_forks = async {
            match fork_seqs.is_empty() {
                true => Ok(0),
                false => {
                    client
                        .execute(
                            &sql.put_forks,
                            &[&fork_spaces, &fork_devices, &fork_seqs, &fork_bytes],
                        )
                        .await
                }
            }
        };
        let done = tokio::try_join!(
            biased;
            put_envelopes,
            put_holes,
            put_feeds,
            put_spaces,
            put_forks,
            async { client.query(&sql.notify, &[&notes]).await },
            client.batch_execute("COMMIT"),
        );
        done.map(|_| ())
    })?;
    store.ended();
    Ok(())
}

fn write_records(store: &PostgresStore, records: &Records<'_>) -> Result<(), StoreError> {
    let mut gone: (Vec<i16>, Vec<&[u8]>) = Default::default();
    let mut chunk = Chunk::default();
    for ((bucket, key), value) in records {
        let Some(value) = value else {
            gone.0.push(i16::from(*bucket as u8));
            gone.1.push(key);
            continue;
        };
        if chunk.bytes + value.len() > RECORD_BYTES_AT_ONCE {
            std::mem::take(&mut chunk).write(store)?;
        }
        chunk.bytes += key.len() + value.len();
        chunk.buckets.push(i16::from(*bucket as u8));
        chunk.keys.push(key);
        chunk.sums.push(record_sum(*bucket as u8, key, value).to_vec());
        chunk.values.push(value);
    }
    chunk.write(store)?;
    if !gone.0.is_empty() {
        store.run(async |client, sql| client.execute(&sql.delete_records, &[&gone.0, &gone.1]).await)?;
    }
    Ok(())
}

#[derive(Default)]
struct Chunk<'r> {
    bytes: usize,
    buckets: Vec<i16>,
    keys: Vec<&'r [u8]>,
    sums: Vec<Vec<u8>>,
    values: Vec<&'r [u8]>,
}

impl Chunk<'_> {
    fn write(self, store: &PostgresStore) -> Result<(), StoreError> {
        if self.buckets.is_empty() {
            return Ok(());
        }
        let Self {
            buckets,
            keys,
            sums,
            values,
            ..
        } = self;
        store.run(async |client, sql| {
            client
                .execute(&sql.put_records, &[&buckets, &keys, &sums, &values])
                .await
        })?;
        Ok(())
    }
}
