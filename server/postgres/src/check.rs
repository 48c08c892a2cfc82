//! Is the database whole? Walks what the tables hold; the pages below are PostgreSQL's affair (`pg_amcheck`, checksums).

use std::collections::BTreeMap;

use sotay_feed::{ChainFault, DeviceId, Tip, check_next};
use sotay_store::rules::contradiction;
use sotay_store::{Arrival, Bucket, Budget, Checked, Store, StoreError};

use crate::read::unsigned;
use crate::store::PostgresStore;

const PAGE: Budget = Budget {
    count: 500,
    bytes: 4 * 1024 * 1024,
};

/// Every envelope that is read proves its hash and its place in the chain of arrivals; here the rest. All at one moment, whoever else writes meanwhile.
pub(crate) fn full(store: &mut PostgresStore) -> Result<Checked, StoreError> {
    store.release()?;
    store.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    store.view.borrow_mut().clear();
    let checked = walk(store);
    store.view.borrow_mut().clear();
    store.release()?;
    checked
}

fn walk(store: &PostgresStore) -> Result<Checked, StoreError> {
    let (mut checked, mut feeds) = (Checked::default(), 0);
    for space in store.spaces()? {
        let (head, bytes, kept) =
            store.known(&space, |known| (known.head, known.bytes, known.feeds.clone()))?;
        let (mut at, mut sum) = (Arrival::default(), 0);
        let mut tips: BTreeMap<DeviceId, Tip> = BTreeMap::new();
        let mut dropped = 0;
        while at.number < head.number {
            let log = store.log(&space, at.number, PAGE)?;
            if log.before != Some(at.chain) || log.rows.is_empty() {
                return Err(contradiction("an envelope is missing"));
            }
            for row in log.rows {
                at = row.arrival;
                let Some(stored) = row.stored else {
                    dropped += 1;
                    continue;
                };
                let envelope = sotay_feed::Envelope::decode(&stored.bytes)
                    .map_err(|_| contradiction("stored bytes are not an envelope"))?;
                let header = envelope.header();
                let next = check_next(tips.get(&header.device).copied(), header);
                // What lies between was dropped, or never came.
                let continues = matches!(next, Ok(()) | Err(ChainFault::Gap { .. }));
                if !continues || header.space != space.tag() {
                    return Err(contradiction("an envelope does not continue its feed"));
                }
                let indexed = store.at(&space, header.device, header.seq)?;
                if indexed.is_none_or(|indexed| indexed.arrival != stored.arrival) {
                    return Err(contradiction("an envelope is not in an index"));
                }
                tips.insert(
                    header.device,
                    Tip {
                        seq: header.seq,
                        id: stored.id,
                    },
                );
                sum += stored.bytes.len() as u64;
            }
        }
        if at != head || sum != bytes || tips != kept {
            return Err(contradiction("a space or feed does not end where its row says"));
        }
        checked.spaces += 1;
        checked.envelopes += head.number - dropped;
        checked.dropped += dropped;
        feeds += kept.len() as u64;
    }
    let counts = store.run(async |client, sql| client.query_one(&sql.counts, &[]).await)?;
    let counted = [
        unsigned(counts.get(0))?,
        unsigned(counts.get(1))?,
        unsigned(counts.get(2))?,
        unsigned(counts.get(3))?,
    ];
    let arrivals = checked.envelopes + checked.dropped;
    if counted != [arrivals, checked.envelopes, feeds, checked.spaces] {
        return Err(contradiction("rows that belong to no envelope"));
    }
    for bucket in Bucket::ALL {
        checked.records += store.list(bucket, b"")?.len() as u64;
    }
    Ok(checked)
}
