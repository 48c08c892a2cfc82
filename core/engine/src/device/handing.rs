//! Keys of broadcasts on their way down (P15.1): from the unit above into `report`, and from there into `main`.
//!
//! Members of 4,000 branches cannot be boxed a key each. So an officer above writes the key ring of the broadcasts once into
//! the `report` space of every branch, which the branch's officers read, and the first of their phones to see it writes it
//! into `main`, under the key that every member has or will be given. A key needs no further proof: its epoch follows from
//! it, and it is used only if the roll of the unit above has that epoch on record, made by an officer (decision 0165).

use std::collections::{BTreeMap, BTreeSet};

use sotay_feed::limits::KEY_RING_ENTRIES_MAX;
use sotay_feed::{DeviceId, Envelope, EpochId, Kind, Space, SpaceKind, SpaceTag, UnitId};
use sotay_membership::rank;
use sotay_store::{Bucket, Put, Store, Stored};
use sotay_vault::KeyRing;

use super::Device;
use super::absorb::Haul;
use super::home::ring_puts;
use super::library::tagged;
use crate::error::DeviceError;
use crate::event::SetAside;

/// Form of a dispatch: a key ring (P15.1).
pub(super) const KEYS: u8 = 0;
/// Keys of units above that one device takes up: what is left of a key ring is for its own unit.
pub const KEYS_ABOVE_MAX: usize = KEY_RING_ENTRIES_MAX / 2;
const HANDED: &[u8] = b"h";

/// What this device knows of keys on their way down.
#[derive(Default)]
pub(super) struct Handing {
    /// Something came that may hold a key, or tell that one counts.
    pub fresh: bool,
    /// Keys held and revision of the membership when a unit below was last looked after.
    below: BTreeMap<UnitId, (usize, u64)>,
}

/// What one device handed over last in a space.
struct Handed {
    seq: u64,
    epoch: EpochId,
    ring: KeyRing,
}

fn handed_key(space: SpaceTag, by: DeviceId) -> Vec<u8> {
    [HANDED, space.as_bytes(), by.as_bytes()].concat()
}

fn read_handed(row: &[u8]) -> Result<Handed, DeviceError> {
    let read = || {
        let (seq, rest) = row.split_first_chunk()?;
        let (epoch, ring) = rest.split_at_checked(8)?;
        Some(Handed {
            seq: u64::from_be_bytes(*seq),
            epoch: EpochId::from_slice(epoch)?,
            ring: KeyRing::decode(ring).ok()?,
        })
    };
    read().ok_or(DeviceError::damaged("keys from above"))
}

impl<S: Store> Device<S> {
    /// Takes in a key ring. Only the last one of a device is kept, so nobody fills the store.
    pub(super) fn read_keys(
        &mut self,
        space: &Space,
        stored: &Stored,
        envelope: &Envelope,
        bytes: &[u8],
        haul: &mut Haul,
    ) -> Result<(), SetAside> {
        let held = self.membership_of(space.unit).map_err(|_| SetAside::NotAllowed)?;
        let held = held.held_at(stored.device, space, stored.seq, stored.id);
        if !held.iter().any(|held| held.rank <= rank::DEPUTY) {
            return Err(SetAside::NotAllowed);
        }
        KeyRing::decode(bytes).map_err(|_| SetAside::Unreadable)?;
        let key = handed_key(space.id().tag(), stored.device);
        let before = self.replica.store().get(Bucket::EpochKey, &key);
        let before = before.ok().flatten().and_then(|row| read_handed(&row).ok());
        if before.is_none_or(|before| before.seq < stored.seq) {
            let epoch = envelope.header().epoch;
            haul.puts.push(Put {
                bucket: Bucket::EpochKey,
                key,
                value: Some([&stored.seq.to_be_bytes()[..], epoch.as_bytes(), bytes].concat()),
            });
            self.handing.fresh = true;
        }
        Ok(())
    }

    fn handed(&self, space: SpaceTag) -> Result<Vec<Handed>, DeviceError> {
        let prefix = [HANDED, space.as_bytes()].concat();
        let rows = self.replica.store().list(Bucket::EpochKey, &prefix)?;
        rows.iter().map(|(_, row)| read_handed(row)).collect()
    }

    /// Takes up the keys that were handed over and whose epochs count in the rolls above.
    pub(super) fn take_up_keys(&mut self) -> Result<(), DeviceError> {
        if !self.handing.fresh {
            return Ok(());
        }
        let mut handed = Vec::new();
        for kind in [SpaceKind::Main, SpaceKind::Report] {
            handed.extend(self.handed(self.space(kind)?.id().tag())?);
        }
        let (mut ring, mut room) = (self.ring.clone(), KEYS_ABOVE_MAX);
        for unit in self.units_above() {
            let Some(membership) = self.replica.membership(unit) else {
                continue;
            };
            let id = Space::of(unit, SpaceKind::Broadcast).id();
            let counted: BTreeSet<EpochId> = membership
                .epochs(&id)
                .iter()
                .map(|record| record.epoch())
                .collect();
            room = room.saturating_sub(ring.for_space(id.tag()).count());
            for (epoch, key) in handed.iter().flat_map(|handed| handed.ring.for_space(id.tag())) {
                if counted.contains(&epoch) && ring.get(id.tag(), epoch).is_none() && room > 0 {
                    ring.insert(id.tag(), key.clone());
                    room -= 1;
                }
            }
        }
        if ring.len() > self.ring.len() {
            self.write(ring_puts(&self.ring, &ring)?)?;
            self.ring = ring;
        }
        self.handing.fresh = false;
        Ok(())
    }

    /// On an officer's phone: hands the keys of the units above on to the members, and these and the unit's own to the units
    /// below, wherever the last ones handed over lack one or were sealed under an older key. Nothing due: nothing written.
    pub(super) fn hand_keys(&mut self) -> Result<(), DeviceError> {
        // A phone that waits for its grant knows no membership yet.
        let Ok(membership) = self.membership() else {
            return Ok(());
        };
        let officer = membership.may_be_served(self.id()).is_ok()
            && membership
                .standing(self.id())
                .is_some_and(|standing| standing.rank <= rank::DEPUTY);
        if !officer {
            return Ok(());
        }
        self.tell_name()?;
        let mut tags: Vec<SpaceTag> = self
            .units_above()
            .into_iter()
            .map(|unit| Space::of(unit, SpaceKind::Broadcast).id().tag())
            .collect();
        let above = self.ring.only(|tag, _| tags.contains(&tag));
        tags.push(self.space(SpaceKind::Broadcast)?.id().tag());
        let all = self.ring.only(|tag, _| tags.contains(&tag));
        let main = self.space(SpaceKind::Main)?;
        let mut wrote = self.hand_ring(&main, &above)?;
        let below: Vec<UnitId> = self.followed.units.keys().copied().collect();
        for unit in below {
            let revision = self.replica.membership(unit).map_or(0, |below| below.revision());
            let seen = (all.len(), revision);
            if self.handing.below.get(&unit) != Some(&seen) {
                wrote |= self.hand_ring(&Space::of(unit, SpaceKind::Report), &all)?;
                self.handing.below.insert(unit, seen);
            }
        }
        if wrote { self.absorb() } else { Ok(()) }
    }

    /// Whether a ring had to be written into a space.
    fn hand_ring(&mut self, space: &Space, ring: &KeyRing) -> Result<bool, DeviceError> {
        let Ok((epoch, _)) = self.writing_key(space) else {
            // No key yet, or none any more.
            return Ok(false);
        };
        let handed = self.handed(space.id().tag())?;
        let there = |tag, key| {
            let mut under_this = handed.iter().filter(|handed| handed.epoch == epoch);
            under_this.any(|handed| handed.ring.get(tag, key).is_some())
        };
        if ring.iter().all(|(tag, key, _)| there(tag, key)) {
            return Ok(false);
        }
        let bytes = ring.encode().map_err(|_| DeviceError::Internal("key ring"))?;
        self.publish(space, vec![(Kind::DISPATCH, tagged(KEYS, &bytes))], Vec::new())?;
        Ok(true)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::device::tests::{NOW, branch, join};
    use crate::device::{NewBranch, quizzes::tests::meet as sync};
    use crate::event::Event;
    use crate::pack::Pack;
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use sotay_membership::UnitKind;
    use sotay_store::{DatabaseId, MemoryStore};
    use sotay_vault::EpochKey;

    pub(in crate::device) fn below(upper: &mut Device<MemoryStore>) -> Device<MemoryStore> {
        let new = NewBranch {
            level: UnitKind::BRANCH,
            name: "Chi bộ 1".to_owned(),
            secretary: "Lê Văn An".to_owned(),
        };
        let founded = upper.found_branches(&[new], NOW).unwrap();
        let (text, code) = &founded[0].packs[0];
        let (store, rng) = (MemoryStore::new(DatabaseId([5; 16])), StdRng::seed_from_u64(5));
        let pack = Pack::from_text(text, code).unwrap();
        Device::create_from_pack(store, "P1", Box::new(rng), None, &pack, NOW).unwrap()
    }

    fn hand(device: &mut Device<MemoryStore>, ring: &KeyRing) {
        let main = device.space(SpaceKind::Main).unwrap();
        let payload = tagged(KEYS, &ring.encode().unwrap());
        device
            .publish(&main, vec![(Kind::DISPATCH, payload)], Vec::new())
            .unwrap();
        device.absorb().unwrap();
    }

    #[test]
    fn a_key_that_no_roll_above_has_on_record_is_not_taken_up_and_a_member_hands_none_over() {
        let mut upper = branch(71);
        let mut secretary = below(&mut upper);
        let mut member = join(&mut secretary, 72, "P4", 4);
        let broadcast = Space::of(upper.unit().unwrap(), SpaceKind::Broadcast).id().tag();
        let known = |device: &Device<MemoryStore>| device.ring.for_space(broadcast).count();
        let mut ring = KeyRing::new();
        ring.insert(broadcast, EpochKey::from_bytes(&[7; 32]));
        hand(&mut secretary, &ring);
        assert_eq!(known(&secretary), 0);
        // A member's ring is set aside on every phone, its own too, even with the right key.
        while member.next_event().is_some() {}
        hand(&mut member, &upper.ring);
        let told: Vec<Event> = std::iter::from_fn(|| member.next_event()).collect();
        let refused = |event: &Event| {
            matches!(
                event,
                Event::SetAside {
                    reason: SetAside::NotAllowed,
                    ..
                }
            )
        };
        assert!(told.iter().any(refused), "{told:?}");
        sync(&mut member, &mut secretary);
        assert_eq!(known(&secretary), 0);
    }

    #[test]
    fn of_one_author_the_last_ring_is_kept_and_a_broken_one_is_set_aside() {
        let mut secretary = branch(73);
        let mut ring = KeyRing::new();
        for n in 1..=3 {
            ring.insert(SpaceTag::from_bytes([n; 16]), EpochKey::from_bytes(&[n; 32]));
            hand(&mut secretary, &ring);
        }
        let main = secretary.space(SpaceKind::Main).unwrap();
        let kept = secretary.handed(main.id().tag()).unwrap();
        assert_eq!(kept.iter().map(|kept| kept.ring.len()).collect::<Vec<_>>(), [3]);
        while secretary.next_event().is_some() {}
        for payload in [vec![KEYS, 9], vec![99], vec![]] {
            secretary
                .publish(&main, vec![(Kind::DISPATCH, payload)], Vec::new())
                .unwrap();
        }
        secretary.absorb().unwrap();
        let told = std::iter::from_fn(|| secretary.next_event());
        let aside = told.filter(|event| {
            matches!(
                event,
                Event::SetAside {
                    reason: SetAside::Unreadable,
                    ..
                }
            )
        });
        assert_eq!(aside.count(), 3);
    }
}
