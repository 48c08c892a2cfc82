//! Signed snapshots (P5.21): what may be dropped of the feeds of a space, because copies hold what counted in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use data_encoding::HEXLOWER;
use sotay_feed::cbor::{Reader, Writer};
use sotay_feed::limits::SEQ_MAX;
use sotay_feed::{DeviceId, EnvelopeId, IntoTree, MemberId, SpaceId, Tip};

use crate::grant::rank;
use crate::judge::Place;
use crate::limits::{COVER_COPIES_MAX, COVER_FEEDS_MAX, COVER_PREVIOUS_MAX, COVER_RANGES_MAX};
use crate::membership::Membership;
use crate::record::{self, RecordError};

/// Officers of different members who have to say the same before anything may be dropped.
pub const COVER_SIGNERS: usize = 2;

/// Identity of a cover: derive("sotay/v1/cover", its canonical bytes). Two officers who sign the same bytes sign one cover.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CoverId(pub [u8; 32]);

impl fmt::Display for CoverId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for CoverId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CoverId({}…)", HEXLOWER.encode(&self.0[..4]))
    }
}

/// Numbers of a feed, as ascending ranges that do not touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers(Vec<(u64, u64)>);

impl Numbers {
    /// From ascending numbers; one that does not ascend is passed over.
    pub fn new(numbers: impl IntoIterator<Item = u64>) -> Self {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for number in numbers {
            match ranges.last_mut() {
                Some((_, last)) if number == *last + 1 => *last = number,
                Some((_, last)) if number <= *last => {}
                _ => ranges.push((number, number)),
            }
        }
        Self(ranges)
    }

    /// All of them, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().flat_map(|&(first, last)| first..=last)
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// How many ranges they make.
    pub fn ranges(&self) -> usize {
        self.0.len()
    }

    /// Whether a number is among them.
    pub fn contains(&self, number: u64) -> bool {
        self.first_after(number.saturating_sub(1)) == Some(number)
    }

    /// The first one after `number`.
    pub fn first_after(&self, number: u64) -> Option<u64> {
        let at = self.0.partition_point(|&(_, last)| last <= number);
        self.0.get(at).map(|&(first, _)| first.max(number + 1))
    }

    /// How many are left out and how many follow, in turns.
    fn write(&self, writer: &mut Writer) {
        writer.array(2 * self.0.len());
        let mut after = 0;
        for &(first, last) in &self.0 {
            writer.uint(first - after - 1).uint(last - first + 1);
            after = last;
        }
    }

    /// Numbers below `end` alone.
    fn read(reader: &mut Reader<'_>, end: u64) -> Result<Self, RecordError> {
        let items = reader.array_up_to(2 * COVER_RANGES_MAX)?;
        if items % 2 != 0 {
            return Err(RecordError::List);
        }
        let (mut ranges, mut after) = (Vec::with_capacity(items / 2), 0u64);
        for at in 0..items / 2 {
            let (gap, count) = (reader.uint()?, reader.uint()?);
            let first = after.checked_add(gap).and_then(|end| end.checked_add(1));
            let last = first.and_then(|first| first.checked_add(count)?.checked_sub(1));
            match (first, last) {
                (Some(first), Some(last)) if count > 0 && (gap > 0 || at == 0) && last < end => {
                    ranges.push((first, last));
                    after = last;
                }
                _ => return Err(RecordError::List),
            }
        }
        Ok(Self(ranges))
    }
}

/// What a cover says of one feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoveredFeed {
    /// The place up to which the feed is covered. The envelope there stays.
    pub place: Tip,
    /// Numbers before the place that stay as well.
    pub kept: Numbers,
    /// [`kept_digest`] of their ids.
    pub digest: [u8; 32],
}

impl CoveredFeed {
    /// The number that may follow `tip` (0: nothing is held) though those between are missing. `None` from the place on.
    pub fn after(&self, tip: u64) -> Option<u64> {
        let kept = self.kept.first_after(tip);
        (tip < self.place.seq).then(|| kept.unwrap_or(self.place.seq))
    }

    /// How many envelopes may be dropped.
    pub fn dropped(&self) -> u64 {
        self.place.seq - 1 - self.kept.count()
    }

    /// Whether an envelope with this number may be dropped.
    pub fn drops(&self, seq: u64) -> bool {
        seq < self.place.seq && !self.kept.contains(seq)
    }
}

/// derive("sotay/v1/cover-kept", ids one after the other).
pub fn kept_digest<'i>(ids: impl IntoIterator<Item = &'i EnvelopeId>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("sotay/v1/cover-kept");
    for id in ids {
        hasher.update(id.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// An officer's word: of these feeds of a space, whatever counted up to the places and is not kept stands in the copies
/// (P17.3). It counts once [`COVER_SIGNERS`] officers of different members have signed the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// The space.
    pub space: SpaceId,
    /// When it was made, as its maker's clock says. Milliseconds since 1970, only displayed.
    pub made_ms: i64,
    /// Covers of the space on which this one stands: it counts only if they all do. At most [`COVER_PREVIOUS_MAX`].
    pub previous: BTreeSet<CoverId>,
    /// The feeds, at most [`COVER_FEEDS_MAX`].
    pub feeds: BTreeMap<DeviceId, CoveredFeed>,
    /// The copies, by the ids of their envelopes, at most [`COVER_COPIES_MAX`].
    pub copies: BTreeSet<EnvelopeId>,
}

impl Cover {
    /// Its identity.
    pub fn id(&self) -> CoverId {
        CoverId(blake3::derive_key("sotay/v1/cover", &self.encode()))
    }

    /// Canonical bytes of the clear part.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = record::begin(6);
        writer.bytes(self.space.as_bytes()).int(self.made_ms);
        writer.array(self.previous.len());
        for CoverId(id) in &self.previous {
            writer.bytes(id);
        }
        writer.array(self.feeds.len());
        for (device, feed) in &self.feeds {
            let Tip { seq, id } = feed.place;
            writer
                .array(5)
                .bytes(device.as_bytes())
                .uint(seq)
                .bytes(id.as_bytes());
            feed.kept.write(&mut writer);
            writer.bytes(&feed.digest);
        }
        writer.array(self.copies.len());
        for id in &self.copies {
            writer.bytes(id.as_bytes());
        }
        writer.into_bytes()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        record::expect(reader, 6)?;
        let space = SpaceId::from_bytes(reader.fixed()?);
        let made_ms = reader.int()?;
        let count = reader.array_up_to(COVER_PREVIOUS_MAX)?;
        let previous = ascending(reader, count, |reader| Ok((CoverId(reader.fixed()?), ())))?;
        let count = reader.array_up_to(COVER_FEEDS_MAX)?;
        if count == 0 {
            return Err(RecordError::List);
        }
        let feeds = ascending(reader, count, |reader| {
            reader.array(5)?;
            let device = DeviceId::from_bytes(reader.fixed()?);
            let seq = reader.uint()?;
            if !(1..=SEQ_MAX).contains(&seq) {
                return Err(RecordError::CutOff(seq));
            }
            let id = EnvelopeId::from_bytes(reader.fixed()?);
            let (kept, digest) = (Numbers::read(reader, seq)?, reader.fixed()?);
            let place = Tip { seq, id };
            Ok((device, CoveredFeed { place, kept, digest }))
        })?;
        let count = reader.array_up_to(COVER_COPIES_MAX)?;
        let copies = ascending(reader, count, |reader| {
            Ok((EnvelopeId::from_bytes(reader.fixed()?), ()))
        })?;
        Ok(Self {
            space,
            made_ms,
            previous: previous.into_keys().into_set(),
            feeds,
            copies: copies.into_keys().into_set(),
        })
    }
}

/// Entries that must ascend strictly.
fn ascending<K: Ord, V>(
    reader: &mut Reader<'_>,
    count: usize,
    read: impl Fn(&mut Reader<'_>) -> Result<(K, V), RecordError>,
) -> Result<BTreeMap<K, V>, RecordError> {
    let mut entries = BTreeMap::new();
    for _ in 0..count {
        let (key, value) = read(reader)?;
        if entries.last_key_value().is_some_and(|(last, _)| *last >= key) {
            return Err(RecordError::List);
        }
        entries.insert(key, value);
    }
    Ok(entries)
}

/// The covers of one unit, by identity, with the places at which each was signed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Covers(BTreeMap<CoverId, (Cover, BTreeSet<Place>)>);

impl Covers {
    pub(crate) fn add(&mut self, place: Place, cover: Cover) {
        let (_, signed) = self
            .0
            .entry(cover.id())
            .or_insert_with(|| (cover, BTreeSet::new()));
        signed.insert(place);
    }
}

/// A cover on record and what holds of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverStanding<'m> {
    /// Its identity.
    pub id: CoverId,
    /// What it says.
    pub cover: &'m Cover,
    /// The officers who signed it, each once, whose word counts.
    pub signers: BTreeSet<MemberId>,
    /// The devices that signed it, whether their word counts or not.
    pub signed_by: BTreeSet<DeviceId>,
    /// Enough signed it, and all that it stands on counts too.
    pub counts: bool,
}

/// What all covers of a space that count say together.
#[derive(Debug, Clone, Default)]
pub struct Covered<'m> {
    /// Of every feed the furthest place.
    pub feeds: BTreeMap<DeviceId, &'m CoveredFeed>,
    /// All copies.
    pub copies: BTreeSet<EnvelopeId>,
}

impl Membership {
    /// The covers of a space on record, by identity.
    pub fn covers(&self, space: &SpaceId) -> Vec<CoverStanding<'_>> {
        let of_space = self
            .covers
            .0
            .iter()
            .filter(|(_, (cover, _))| cover.space == *space);
        let signers: BTreeMap<CoverId, BTreeSet<MemberId>> = of_space
            .clone()
            .map(|(id, (_, signed))| (*id, self.cover_signers(signed)))
            .into_map();
        // Only what enough officers signed can count, once all it stands on does.
        let mut counting = BTreeSet::new();
        let (mut settled, mut beneath, mut above) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for (id, (cover, _)) in of_space.clone() {
            if signers[id].len() < COVER_SIGNERS {
                continue;
            }
            for one in &cover.previous {
                above.entry(*one).or_insert_with(Vec::new).push(*id);
            }
            match cover.previous.len() {
                0 => settled.push(*id),
                waits_for => {
                    beneath.insert(*id, waits_for);
                }
            }
        }
        // A cover is named by what was made after it, so there are no circles, and each is settled once.
        while let Some(id) = settled.pop() {
            counting.insert(id);
            for one in above.remove(&id).unwrap_or_default() {
                if let Some(waits_for) = beneath.get_mut(&one) {
                    *waits_for -= 1;
                    if *waits_for == 0 {
                        settled.push(one);
                    }
                }
            }
        }
        of_space
            .map(|(id, (cover, signed))| CoverStanding {
                id: *id,
                cover,
                signers: signers[id].clone(),
                signed_by: signed.iter().map(|place| place.device).into_set(),
                counts: counting.contains(id),
            })
            .collect()
    }

    /// What may be left out of the feeds of a space, and which copies stand for it. Empty as long as nothing counts.
    pub fn covered(&self, space: &SpaceId) -> Covered<'_> {
        let mut covered = Covered::default();
        if self.covers.0.is_empty() {
            return covered;
        }
        for standing in self.covers(space).into_iter().filter(|standing| standing.counts) {
            covered.copies.extend(&standing.cover.copies);
            for (device, feed) in &standing.cover.feeds {
                let known = covered.feeds.entry(*device).or_insert(feed);
                // Of two that say different things of one place the greater id stands, whatever came first.
                if (feed.place, feed.digest) > (known.place, known.digest) {
                    *known = feed;
                }
            }
        }
        covered
    }

    /// Members who held a rank of 2 or 3 at one of these places.
    fn cover_signers(&self, signed: &BTreeSet<Place>) -> BTreeSet<MemberId> {
        let mut signers = BTreeSet::new();
        for place in signed {
            let officers = self
                .judge()
                .held(place)
                .filter(|right| right.rank() <= rank::DEPUTY);
            signers.extend(officers.filter_map(|right| right.member()));
        }
        signers
    }
}

#[cfg(test)]
#[path = "cover_tests.rs"]
mod tests;
