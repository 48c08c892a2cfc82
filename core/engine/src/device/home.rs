//! The unit this device belongs to: founding it, and what the profile remembers of it.

use std::collections::BTreeSet;

use sotay_feed::cbor::{Reader, Writer};
use sotay_feed::{DeviceKeys, Draft, IntoTree, Kind, MemberId, Space, SpaceKind, UnitId};
use sotay_handbook::Date;
use sotay_membership::{Authority, Flags, Genesis, Grant, Record, UnitKind, rank};
use sotay_store::{Bucket, Put, Store};
use sotay_vault::{KeyRing, new_epoch, seal_key_ring};

use super::Device;
use super::roster::check_name;
use crate::error::DeviceError;
use crate::event::Event;

/// Keys of this device in [`Bucket::Profile`].
pub(super) const DEVICE_KEYS: &[u8] = b"device-keys";
/// Keys of the unit's founding authority; only in the profile that founded it.
pub(super) const ROOT_KEYS: &[u8] = b"root-keys";
/// How the rows of [`Bucket::EpochKey`] begin.
pub(super) const RING: &[u8] = b"ring";
/// Sealed spaces that a unit has from its first day; each begins with an epoch.
pub(super) const SEALED: [SpaceKind; 5] = [
    SpaceKind::Main,
    SpaceKind::Committee,
    SpaceKind::Inbox,
    SpaceKind::Report,
    SpaceKind::Broadcast,
];
const LABEL: &[u8] = b"label";
const HOME: &[u8] = b"home";

/// Which unit, and who the holder of this device is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Home {
    pub unit: UnitId,
    pub member: MemberId,
}

/// What a founder says about the new unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUnit {
    /// "Chi bộ thôn An Lạc".
    pub name: String,
    /// The body above it, for the heading of minutes: "Đảng bộ xã Tân Phong".
    pub upper: String,
    /// Name of the founder, who becomes secretary.
    pub founder: String,
    /// First day of the founder on the roster; today if not given. Meetings before that day do not know the founder.
    pub since: Option<Date>,
}

/// Why a unit was not founded. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum CreateUnitError {
    /// This phone belongs to a unit already: use another profile.
    #[error("this phone belongs to a unit already")]
    Already,
    /// Anything that can happen to every call.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl<S: Store> Device<S> {
    /// Founds a unit and makes this device its secretary's.
    ///
    /// The founding authority gets keys of its own, kept in this profile: they are needed again to grant rank 2, e.g.
    /// for the secretary's second phone.
    pub fn create_unit(&mut self, new: &NewUnit, now: i64) -> Result<UnitId, CreateUnitError> {
        if self.home.is_some() {
            return Err(CreateUnitError::Already);
        }
        // Nothing is founded that could not be named afterwards.
        for name in [&new.name, &new.upper, &new.founder] {
            check_name(name)?;
        }
        let root = DeviceKeys::generate(&mut *self.rng);
        let mut nonce = [0; 16];
        self.rng.fill_bytes(&mut nonce);
        let genesis = Genesis {
            unit_kind: UnitKind::BRANCH,
            parent: None,
            authorities: vec![Authority {
                rank: rank::PARENT,
                keys: root.public(),
            }],
            root_policy: None,
            nonce,
            claimed_ms: now,
        };
        let (unit, member) = self.found_with(root, &genesis, &[], Vec::new(), now)?;
        self.begin_unit(unit, member, new, now)?;
        Ok(unit)
    }

    /// First pages of a unit that was just founded here.
    pub(super) fn begin_unit(
        &mut self,
        unit: UnitId,
        member: MemberId,
        new: &NewUnit,
        now: i64,
    ) -> Result<(), DeviceError> {
        self.home = Some(Home { unit, member });
        self.open_private_space()?;
        self.first_pages(new, member, now)?;
        self.events.push_back(Event::Unit);
        Ok(())
    }

    /// Genesis, with what is signed behind it, the founder's grant, and the first keys: one transaction. `root` is the
    /// authority that the genesis names.
    pub(super) fn found_with(
        &mut self,
        root: DeviceKeys,
        genesis: &Genesis,
        behind: &[u8],
        more: Vec<Put>,
        now: i64,
    ) -> Result<(UnitId, MemberId), DeviceError> {
        let mut member = [0; 16];
        self.rng.fill_bytes(&mut member);
        let member = MemberId::from_bytes(member);
        let unit = genesis.unit_id();
        let roll = Space::of(unit, SpaceKind::Roll);
        let roll_id = roll.id();
        let founding = Draft::next(&root, Kind::GENESIS, &roll_id, None)
            .sign(&root, &roll_id, &[&genesis.encode()[..], behind].concat())
            .map_err(|_| DeviceError::Internal("genesis"))?;

        let mut ring = KeyRing::default();
        let mut epochs = Vec::new();
        let mut tip = None;
        let readers = [(self.id(), self.keys.public().seal)];
        for kind in SEALED {
            let space = Space::of(unit, kind).id();
            let (key, record) = new_epoch(&space, [], &readers, &mut *self.rng)
                .map_err(|_| DeviceError::Internal("first epoch"))?;
            let epoch = Draft::next(&self.keys, Kind::EPOCH, &roll_id, tip)
                .sign(&self.keys, &roll_id, &Record::Epoch(record).encode())
                .map_err(|_| DeviceError::Internal("first epoch"))?;
            tip = Some(epoch.tip());
            ring.insert(space.tag(), key);
            epochs.push(epoch);
        }
        let grant = Grant {
            member,
            rank: rank::SECRETARY,
            flags: Flags::default(),
            keys: self.keys.public(),
            scope: None,
            from_ms: now,
        };
        let mut body = Record::Grant(grant).encode();
        let sealed = seal_key_ring(&self.keys.public(), &unit, &ring, &mut *self.rng);
        body.extend_from_slice(&sealed.map_err(|_| DeviceError::Internal("key ring"))?);
        let grant = Draft::next(&root, Kind::GRANT, &roll_id, Some(founding.tip()))
            .sign(&root, &roll_id, &body)
            .map_err(|_| DeviceError::Internal("first grant"))?;

        let mut envelopes = vec![founding, grant];
        envelopes.extend(epochs);
        let mut puts = vec![
            self.custody.put(ROOT_KEYS, &root, &mut *self.rng)?,
            home_put(&Home { unit, member }),
        ];
        puts.extend(ring_puts(&KeyRing::default(), &ring)?);
        puts.extend(more);
        self.replica.know_space(roll)?;
        for kind in SEALED {
            self.replica.know_space(Space::of(unit, kind))?;
        }
        self.append(&roll, envelopes, puts)?;
        self.ring = ring;
        Ok((unit, member))
    }

    /// An epoch of the holder's private space that this device can write under: the one that is there, or a new one
    /// for all devices of the holder, when there is none or another device made it before this one was admitted.
    pub(super) fn open_private_space(&mut self) -> Result<(), DeviceError> {
        let home = self.home()?;
        let space = Space::private(home.unit, home.member);
        self.open_space(space)
    }
}

pub(super) fn label_put(label: &str) -> Put {
    Put {
        bucket: Bucket::Profile,
        key: LABEL.to_vec(),
        value: Some(label.as_bytes().to_vec()),
    }
}

pub(super) fn read_label<S: Store>(store: &S) -> Result<String, DeviceError> {
    let bytes = store.get(Bucket::Profile, LABEL)?.unwrap_or_default();
    String::from_utf8(bytes).map_err(|_| DeviceError::damaged("label"))
}

/// The rows that hold what a ring has more than before. A committee's phone holds keys of thousands of branches, and a
/// row no more than a ring that is handed over: keys are spread by the first byte of their space's tag.
pub(super) fn ring_puts(before: &KeyRing, ring: &KeyRing) -> Result<Vec<Put>, DeviceError> {
    let new = ring
        .iter()
        .filter(|(tag, epoch, _)| before.get(*tag, *epoch).is_none());
    let changed: BTreeSet<u8> = new.map(|(tag, ..)| tag.as_bytes()[0]).into_set();
    let row = |first: u8| {
        let part = ring.only(|tag, _| tag.as_bytes()[0] == first);
        let bytes = part.encode().map_err(|_| DeviceError::Internal("key ring"))?;
        Ok(Put {
            bucket: Bucket::EpochKey,
            key: [RING, &[first]].concat(),
            value: Some(bytes.to_vec()),
        })
    };
    changed.into_iter().map(row).collect()
}

/// All keys: the rows of [`ring_puts`], and the single one that earlier versions wrote.
pub(super) fn read_ring<S: Store>(store: &S) -> Result<KeyRing, DeviceError> {
    let mut ring = KeyRing::default();
    for (_, bytes) in store.list(Bucket::EpochKey, RING)? {
        ring.extend(KeyRing::decode(&bytes).map_err(|_| DeviceError::damaged("key ring"))?);
    }
    Ok(ring)
}

pub(super) fn home_put(home: &Home) -> Put {
    let mut writer = Writer::new();
    writer
        .array(3)
        .uint(1)
        .bytes(home.unit.as_bytes())
        .bytes(home.member.as_bytes());
    Put {
        bucket: Bucket::Profile,
        key: HOME.to_vec(),
        value: Some(writer.into_bytes()),
    }
}

pub(super) fn read_home<S: Store>(store: &S) -> Result<Option<Home>, DeviceError> {
    let Some(bytes) = store.get(Bucket::Profile, HOME)? else {
        return Ok(None);
    };
    let mut reader = Reader::new(&bytes);
    let mut read = || {
        reader.array(3)?;
        reader.uint()?;
        Ok(Home {
            unit: UnitId::from_bytes(reader.fixed()?),
            member: MemberId::from_bytes(reader.fixed()?),
        })
    };
    read()
        .map(Some)
        .map_err(|_: sotay_feed::cbor::CborError| DeviceError::damaged("unit"))
}
