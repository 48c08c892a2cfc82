//! The record that founds a unit (P5.3).

use std::collections::{BTreeMap, BTreeSet};

use sotay_feed::cbor::{Reader, Writer};
use sotay_feed::{BoxKey, DeviceId, DevicePublic, EnvelopeId, SignKey, UnitId};

use crate::limits::{AUTHORITIES_MAX, ROOT_KEYS_MAX};
use crate::record::{self, RecordError};

const SEAT_CONTEXT: &str = "sotay/v1/authority";

/// Level of a unit. Only displayed; authority follows from ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitKind(pub u8);

impl UnitKind {
    /// A branch (chi bộ), whose members meet.
    pub const BRANCH: UnitKind = UnitKind(0);
    /// A committee of a commune or an agency.
    pub const COMMITTEE: UnitKind = UnitKind(1);
    /// A district.
    pub const DISTRICT: UnitKind = UnitKind(2);
    /// A province.
    pub const PROVINCE: UnitKind = UnitKind(3);
}

/// A device that holds authority from the genesis itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authority {
    /// [`crate::rank::ROOT`] or [`crate::rank::PARENT`].
    pub rank: u8,
    /// Its public keys.
    pub keys: DevicePublic,
}

/// How many of which keys must sign a record of the root (plain signatures beside the record).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootPolicy {
    /// Signatures needed, at least 1 and at most the number of keys.
    pub threshold: u8,
    /// The keys, at most [`ROOT_KEYS_MAX`].
    pub keys: BTreeSet<SignKey>,
}

/// Why a record does not stand for the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{found} of {needed} root signatures hold")]
pub struct QuorumError {
    /// Distinct keys of the policy whose signature holds.
    pub found: usize,
    /// How many the policy asks for.
    pub needed: usize,
}

impl RootPolicy {
    /// `[threshold, [key …]]`, keys ascending.
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer
            .array(2)
            .uint(u64::from(self.threshold))
            .array(self.keys.len());
        for key in &self.keys {
            writer.bytes(key.as_bytes());
        }
    }

    /// Whether enough different root keys signed `message` in `context` (see [`SignKey::verify_detached`]).
    pub fn check(
        &self,
        context: &str,
        message: &[u8],
        signatures: &BTreeMap<SignKey, [u8; 64]>,
    ) -> Result<(), QuorumError> {
        let holds = |(key, signature): &(&SignKey, &[u8; 64])| {
            self.keys.contains(key) && key.verify_detached(context, message, signature)
        };
        let (found, needed) = (
            signatures.iter().filter(holds).count(),
            usize::from(self.threshold),
        );
        if found >= needed {
            Ok(())
        } else {
            Err(QuorumError { found, needed })
        }
    }
}

/// Founds a unit. Its hash is the unit's id, so nothing in it can change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// Level of the unit.
    pub unit_kind: UnitKind,
    /// The unit above, until a reparent record says otherwise.
    pub parent: Option<UnitId>,
    /// Devices that hold rank 0 or 1 from the start, 1 to [`AUTHORITIES_MAX`], each once.
    pub authorities: Vec<Authority>,
    /// For a top unit: who signs for the root.
    pub root_policy: Option<RootPolicy>,
    /// Makes two units with the same founders different.
    pub nonce: [u8; 16],
    /// When the founder says it was made; milliseconds since 1970 UTC, displayed only.
    pub claimed_ms: i64,
}

impl Genesis {
    /// `BLAKE3(clear part)`.
    pub fn unit_id(&self) -> UnitId {
        UnitId::from_bytes(*blake3::hash(&self.encode()).as_bytes())
    }

    /// The authority with this device, if any.
    pub fn authority(&self, device: DeviceId) -> Option<&Authority> {
        self.authorities
            .iter()
            .find(|authority| authority.keys.sign.device_id() == device)
    }

    /// Canonical bytes of the clear part.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = record::begin(7);
        writer
            .uint(u64::from(self.unit_kind.0))
            .opt_bytes(self.parent.as_ref().map(|unit| &unit.as_bytes()[..]))
            .array(self.authorities.len());
        for authority in &self.authorities {
            writer.array(3).uint(u64::from(authority.rank));
            write_keys(&mut writer, &authority.keys);
        }
        match &self.root_policy {
            None => {
                writer.null();
            }
            Some(policy) => {
                policy.write(&mut writer);
            }
        }
        writer.bytes(&self.nonce).int(self.claimed_ms);
        writer.into_bytes()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        record::expect(reader, 7)?;
        Ok(Self {
            unit_kind: UnitKind(reader.small()?),
            parent: reader.opt_fixed()?.map(UnitId::from_bytes),
            authorities: read_authorities(reader)?,
            root_policy: read_policy(reader)?,
            nonce: reader.fixed()?,
            claimed_ms: reader.int()?,
        })
    }
}

fn read_authorities(reader: &mut Reader<'_>) -> Result<Vec<Authority>, RecordError> {
    let count = reader.array_up_to(AUTHORITIES_MAX)?;
    let mut authorities = Vec::with_capacity(count);
    let mut seen = BTreeSet::new();
    for _ in 0..count {
        reader.array(3)?;
        let rank = reader.uint()?;
        if rank > u64::from(crate::rank::PARENT) {
            return Err(RecordError::Rank(rank));
        }
        let keys = read_keys(reader)?;
        if !seen.insert(keys.sign.device_id()) {
            return Err(RecordError::List);
        }
        authorities.push(Authority {
            rank: rank as u8,
            keys,
        });
    }
    if authorities.is_empty() {
        return Err(RecordError::List);
    }
    Ok(authorities)
}

fn read_policy(reader: &mut Reader<'_>) -> Result<Option<RootPolicy>, RecordError> {
    if reader.skip_null()? {
        return Ok(None);
    }
    reader.array(2)?;
    let threshold = reader.small()?;
    let count = reader.array_up_to(ROOT_KEYS_MAX)?;
    let mut keys = BTreeSet::new();
    for _ in 0..count {
        // Ascending order is what the canonical check compares with; a repeated key shows as a missing one.
        keys.insert(SignKey::from_bytes(reader.fixed()?)?);
    }
    if keys.len() != count {
        return Err(RecordError::List);
    }
    if threshold == 0 || usize::from(threshold) > count {
        return Err(RecordError::Threshold(threshold));
    }
    Ok(Some(RootPolicy { threshold, keys }))
}

impl Authority {
    /// What a revocation names to end this authority: it has no grant envelope, so its place in the genesis gets an
    /// id of its own, `BLAKE3-derive("sotay/v1/authority", unit ‖ signing key)` (P5.4).
    pub fn seat(&self, unit: &UnitId) -> EnvelopeId {
        let mut hasher = blake3::Hasher::new_derive_key(SEAT_CONTEXT);
        hasher.update(unit.as_bytes());
        hasher.update(self.keys.sign.as_bytes());
        EnvelopeId::from_bytes(*hasher.finalize().as_bytes())
    }
}

pub(crate) fn write_keys(writer: &mut Writer, keys: &DevicePublic) {
    writer.bytes(keys.sign.as_bytes()).bytes(keys.seal.as_bytes());
}

pub(crate) fn read_keys(reader: &mut Reader<'_>) -> Result<DevicePublic, RecordError> {
    Ok(DevicePublic {
        sign: SignKey::from_bytes(reader.fixed()?)?,
        seal: BoxKey::from_bytes(reader.fixed()?)?,
    })
}
