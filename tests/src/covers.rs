//! What tests of signed snapshots share: a branch that writes much in small pieces, what a phone shows, and envelopes that a
//! program other than ours could write.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_engine::{CoverId, Device};
use sotay_feed::{DeviceId, Draft, Envelope, EpochId, Kind, Space, SpaceKind, Tip, UnitId, Verified};
use sotay_membership::{Cover, CoveredFeed, Numbers, Record, kept_digest};
use sotay_store::{Batch, Bucket, Budget, Dropped, Store, Stored};
use sotay_vault::{KeyRing, open_body, seal_body};

use crate::branch::{P1, P2, P3};
use crate::hall::Hall;
use crate::shard::Shard;

/// Form of copies that a cover names (P17.3).
pub const COVERED: u8 = 3;
/// Long after everything was written.
pub const LATER: i64 = at_day(60);
const DAY_MS: i64 = 24 * 3_600_000;

const fn at_day(days: i64) -> i64 {
    crate::branch::START_MS + days * DAY_MS
}

/// Every phone says something so many times, and syncs after each time: an envelope for each.
pub fn busy(hall: &mut Hall, times: usize) {
    let doc = hall.doc;
    for time in 0..times {
        for phone in [P1, P2, P3] {
            let text = format!("Ý kiến {time} ghi trên máy P{}: nạo vét tuyến mương.", phone + 1);
            hall.branch.speak(phone, doc, 5 + time % 30, &text);
            hall.sync(phone);
        }
    }
    all(hall);
}

/// Everybody hears everything.
pub fn all(hall: &mut Hall) {
    for _ in 0..2 {
        for phone in 0..hall.branch.phones.len() {
            hall.sync(phone);
        }
    }
}

/// The secretary makes a cover of everything of the past, the deputy signs it, and everybody hears of it.
pub fn cover(hall: &mut Hall, kind: SpaceKind) -> CoverId {
    let before = sotay_engine::today(LATER);
    let drafted = hall.branch.phones[P3]
        .draft_cover(kind, before, LATER)
        .expect("a cover");
    hall.sync(P3);
    hall.sync(P2);
    hall.branch.phones[P2].sign_cover(drafted.id).expect("signed");
    all(hall);
    drafted.id
}

/// What a phone shows of everything, in one text.
pub fn shown<S: Store>(device: &mut Device<S>) -> String {
    let mut parts = vec![format!("{:?}", device.roster_view().expect("a roster"))];
    for heading in device.meetings().expect("meetings") {
        let doc = heading.doc;
        parts.push(format!("{heading:?}"));
        parts.push(format!("{:?}", device.meeting_view(doc).expect("a meeting")));
        parts.push(device.minutes(doc).expect("minutes").sha256);
        parts.push(format!("{:?}", device.review(doc).expect("a list")));
        parts.push(format!("{:?}", device.seals(doc).expect("seals")));
        parts.push(format!("{:?}", device.diary(doc, 0, 1000).expect("a diary")));
    }
    let year = crate::year::YEAR;
    parts.push(format!("{:?}", device.tasks(year).expect("tasks")));
    parts.push(format!("{:?}", device.resolutions().expect("resolutions")));
    if let Ok(fees) = device.fees(year) {
        parts.push(format!("{fees:?}"));
        parts.push(format!("{:?}", device.rating(year).expect("a rating")));
        parts.push(format!("{:?}", device.feedback(0).expect("feedback")));
    }
    parts.join("\n")
}

/// Where two texts differ, for a person to read.
pub fn assert_same(what: &str, one: &str, other: &str) {
    if one == other {
        return;
    }
    let at = one
        .bytes()
        .zip(other.bytes())
        .position(|(a, b)| a != b)
        .unwrap_or(one.len().min(other.len()));
    let around = |text: &str| {
        let from = (0..=at.saturating_sub(200))
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        text[from..].chars().take(500).collect::<String>()
    };
    panic!(
        "{what}: differ at byte {at}\n--- one\n{}\n--- other\n{}",
        around(one),
        around(other)
    );
}

/// Everything that a phone or relay holds of a space.
pub fn held<S: Store>(store: &S, space: &Space) -> Vec<Stored> {
    let all = Budget {
        count: usize::MAX,
        bytes: usize::MAX,
    };
    store.since(&space.id(), 0, all).expect("a page").envelopes
}

/// The keys of a phone, as its database has them.
pub fn ring<S: Store>(device: &Device<S>) -> KeyRing {
    let mut ring = KeyRing::default();
    for (_, bytes) in device
        .replica()
        .store()
        .list(Bucket::EpochKey, b"ring")
        .expect("rows")
    {
        ring.extend(KeyRing::decode(&bytes).expect("a key ring"));
    }
    ring
}

/// What stands in an envelope, and the key it is under.
pub fn opened<S: Store>(device: &Device<S>, space: &Space, stored: &Stored) -> Option<(EpochId, Vec<u8>)> {
    let envelope = Envelope::decode(&stored.bytes).ok()?;
    let epoch = envelope.header().epoch;
    let ring = ring(device);
    let key = ring.get(space.id().tag(), epoch)?;
    let body = open_body(envelope.header_bytes(), key, envelope.body()).ok()?;
    Some((epoch, body.to_vec()))
}

/// An envelope of a phone's own, written behind the back of its program; its next session offers it.
pub fn write<S: Store>(
    device: &mut Device<S>,
    space: &Space,
    kind: Kind,
    epoch: Option<EpochId>,
    content: &[u8],
) -> Verified<Envelope> {
    let id = space.id();
    let tip = device.replica().store().tip(&id, device.id()).expect("a tip");
    let mut draft = Draft::next(device.keys(), kind, &id, tip);
    let body = match epoch {
        Some(epoch) => {
            draft = draft.in_epoch(epoch);
            let ring = ring(device);
            let key = ring.get(id.tag(), epoch).expect("a key");
            seal_body(
                &draft.header().encode(),
                key,
                content,
                &mut StdRng::seed_from_u64(tip.map_or(0, |tip| tip.seq)),
            )
        }
        None => content.to_vec(),
    };
    let keys = std::sync::Arc::clone(device.keys());
    let envelope = draft.sign(&keys, &id, &body).expect("signed");
    let batch = Batch {
        envelopes: vec![envelope.clone()],
        ..Batch::default()
    };
    device.store_mut().commit(batch).expect("stored");
    envelope
}

/// A signature under a cover that no honest program would give.
pub fn sign<S: Store>(device: &mut Device<S>, cover: &Cover) {
    let roll = Space::of(device.unit().expect("a unit"), SpaceKind::Roll);
    write(
        device,
        &roll,
        Kind::COVER,
        None,
        &Record::Cover(cover.clone()).encode(),
    );
}

/// The cover with this id, as a phone has it on record.
pub fn on_record<S: Store>(device: &Device<S>, space: &Space, id: CoverId) -> Cover {
    let membership = device.replica().membership(space.unit).expect("a membership");
    let standings = membership.covers(&space.id());
    let standing = standings.iter().find(|one| one.id == id).expect("a cover");
    standing.cover.clone()
}

/// A cover of one feed up to a number, everything but changes kept, with these copies.
pub fn cover_of<S: Store>(
    device: &Device<S>,
    space: &Space,
    feed: DeviceId,
    upto: u64,
    copies: impl IntoIterator<Item = sotay_feed::EnvelopeId>,
) -> Cover {
    let store = device.replica().store();
    let at = |seq| store.at(&space.id(), feed, seq).expect("read").expect("held");
    let kept: Vec<Stored> = (1..upto)
        .map(at)
        .filter(|stored| stored.kind != Kind::CHANGE)
        .collect();
    let covered = CoveredFeed {
        place: Tip {
            seq: upto,
            id: at(upto).id,
        },
        kept: Numbers::new(kept.iter().map(|stored| stored.seq)),
        digest: kept_digest(kept.iter().map(|stored| &stored.id)),
    };
    Cover {
        space: space.id(),
        made_ms: LATER,
        previous: Default::default(),
        feeds: BTreeMap::from([(feed, covered)]),
        copies: copies.into_iter().collect(),
    }
}

/// Drops at a relay everything that it may.
pub fn prune<S: Store>(relay: &mut Shard<S>, unit: UnitId) -> Dropped {
    relay.replica_mut().load_unit(unit).expect("a unit");
    let mut dropped = Dropped::default();
    for kind in [SpaceKind::Main, SpaceKind::Committee] {
        let space = Space::of(unit, kind).id();
        let membership = relay.replica().membership(unit).expect("a membership");
        let feeds = membership.covered(&space).feeds;
        let of_feed = |(device, feed): (DeviceId, &CoveredFeed)| {
            let numbers = (1..feed.place.seq).filter(|seq| feed.drops(*seq));
            numbers.map(|seq| (device, seq)).collect::<Vec<_>>()
        };
        let places: Vec<(DeviceId, u64)> = feeds.into_iter().flat_map(of_feed).collect();
        dropped += relay
            .store_mut()
            .drop_envelopes(&space, &places)
            .expect("dropped");
    }
    dropped
}
