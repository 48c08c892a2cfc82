//! Schedules of broadcasts: of the unit, and of the units above.

use std::collections::{BTreeMap, BTreeSet};

use sotay_feed::{InOrder, Kind, SpaceKind, UnitId};
use sotay_store::{Bucket, Store};
use sotay_study::broadcast::{Broadcast, Schedule as Programme};
use sotay_study::library::{Blob, Hash};

use super::Device;
use super::above::Origin;
use super::library::tagged;
use super::quizzes::{PROGRAMME, QuizError};
use crate::error::DeviceError;

/// Bytes before a schedule that say which of two is the later one.
pub(super) const ISSUE_BYTES: usize = 8;
/// Rows of schedules of units above: this, the unit, the hash.
pub(super) const PROGRAMMES_ABOVE: &[u8] = b"B";
/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// A broadcast of the unit or of one above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BroadcastLine {
    /// The broadcast.
    pub broadcast: Broadcast,
    /// Whether it is over, on, next or later.
    pub state: AirState,
    /// Who announced it.
    pub from: Origin,
}

/// Where a broadcast stands in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AirState {
    /// Over.
    Over,
    /// Running.
    Now,
    /// Among the next to begin.
    Next,
    /// After the next.
    Later,
}

pub(super) fn read_programme(bytes: &[u8]) -> Option<(u64, Programme)> {
    let (issue, schedule) = bytes.split_first_chunk::<ISSUE_BYTES>()?;
    Some((u64::from_be_bytes(*issue), Programme::decode(schedule).ok()?))
}

/// One list of several schedules: the later issue replaces what earlier ones say of the days it covers.
pub(super) fn merged(mut programmes: Vec<(u64, Programme)>) -> Vec<Broadcast> {
    programmes.in_order_by_key(|(issue, programme)| (std::cmp::Reverse(*issue), programme.encode()));
    let mut covered: Vec<(i64, i64)> = Vec::new();
    let mut entries = BTreeSet::new();
    for (_, programme) in programmes {
        let days: Vec<i64> = programme
            .entries()
            .iter()
            .map(|b| b.start.div_euclid(DAY))
            .collect();
        let free = |day: i64| {
            !covered
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&day))
        };
        let fresh = programme
            .entries()
            .iter()
            .zip(&days)
            .filter(|(_, day)| free(**day));
        entries.extend(fresh.map(|(broadcast, _)| broadcast.clone()));
        covered.extend(days.first().copied().zip(days.last().copied()));
    }
    entries.into_iter().collect()
}

impl<S: Store> Device<S> {
    /// Publishes a schedule of broadcasts. Officers only. It replaces what earlier schedules say of the days from its
    /// first to its last entry. `now` in milliseconds since 1970 UTC.
    pub fn publish_broadcasts(&mut self, entries: Vec<Broadcast>, now: i64) -> Result<(), QuizError> {
        let programme = Programme::new(entries)?;
        let space = self.space(SpaceKind::Broadcast)?;
        self.may_publish(&space)?;
        // Later than every known issue, whatever the clock of this phone says.
        let known = self
            .programmes()?
            .iter()
            .map(|(issue, _)| *issue)
            .max()
            .unwrap_or(0);
        let issue = known.saturating_add(1).max(u64::try_from(now).unwrap_or(0));
        let payload = tagged(
            PROGRAMME,
            &[&issue.to_be_bytes()[..], &programme.encode()].concat(),
        );
        self.publish(&space, vec![(Kind::PUBLICATION, payload)], Vec::new())?;
        Ok(self.absorb()?)
    }

    /// The broadcasts of the unit in order of time. `now` in seconds since 1970 UTC.
    pub fn broadcasts(&self, now: i64) -> Result<Vec<(Broadcast, AirState)>, QuizError> {
        let lines = self.broadcast_lines(now)?.into_iter();
        Ok(lines.map(|line| (line.broadcast, line.state)).collect())
    }

    /// The same with who announced each: a unit's schedule covers days of its own schedules only, and what several units
    /// announce alike is the highest one's. `now` in seconds since 1970 UTC.
    pub fn broadcast_lines(&self, now: i64) -> Result<Vec<BroadcastLine>, QuizError> {
        let home = self.home()?.unit;
        let mut all: BTreeMap<Broadcast, UnitId> = BTreeMap::new();
        let mut units = vec![(home, b"b".to_vec())];
        units.extend(
            self.units_above()
                .into_iter()
                .map(|unit| (unit, [PROGRAMMES_ABOVE, unit.as_bytes()].concat())),
        );
        for (unit, prefix) in units {
            let entries = merged(self.programmes_at(&prefix)?);
            all.extend(entries.into_iter().map(|broadcast| (broadcast, unit)));
        }
        let next = all.keys().map(|b| b.start).filter(|start| *start > now).min();
        let state = |b: &Broadcast| match b.start {
            start if Some(start) == next => AirState::Next,
            start if start > now => AirState::Later,
            _ if now < b.end() => AirState::Now,
            _ => AirState::Over,
        };
        all.into_iter()
            .map(|(broadcast, unit)| {
                Ok(BroadcastLine {
                    state: state(&broadcast),
                    from: self.origin(unit)?,
                    broadcast,
                })
            })
            .collect()
    }

    /// The recording of this hash, if a broadcast of the unit or of one above announces it.
    pub fn recording(&self, hash: Hash) -> Result<Option<Blob>, QuizError> {
        let mut recordings = self
            .broadcasts(0)?
            .into_iter()
            .filter_map(|(one, _)| one.recording);
        Ok(recordings.find(|blob| blob.hash == hash))
    }

    pub(super) fn programmes(&self) -> Result<Vec<(u64, Programme)>, DeviceError> {
        self.programmes_at(b"b")
    }

    fn programmes_at(&self, prefix: &[u8]) -> Result<Vec<(u64, Programme)>, DeviceError> {
        let rows = self.replica.store().list(Bucket::Library, prefix)?;
        rows.iter()
            .map(|(_, bytes)| read_programme(bytes).ok_or(DeviceError::damaged("broadcasts")))
            .collect()
    }
}
