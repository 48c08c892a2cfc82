//! What an earlier version of this software could not read is read again by a later one.
//!
//! Records of a form or kind that a version does not know are stored, passed on, and set aside: a row in [`Bucket::Quarantine`]
//! names the envelope and says why ([`SetAside`]). Another row, in [`Bucket::Profile`], says which version went through those
//! rows last. When the version that opens a profile is another one, older or newer, it goes through them once, in steps of
//! [`REREAD_STEP`] envelopes, each a transaction of its own: what it can read lands as if it had come just now, and its row
//! goes. Interrupted, it begins again with what is left; reading an envelope twice changes nothing. See decision 0115.

use std::collections::{BTreeMap, BTreeSet};

use sotay_feed::{Envelope, EnvelopeId, InOrder, IntoTree, Kind, Space, SpaceKind};
use sotay_handbook::DocKind;
use sotay_store::{Bucket, Put, Store};

use super::Device;
use super::absorb::Haul;
use super::home::ring_puts;
use crate::error::DeviceError;
use crate::event::SetAside;

/// Envelopes that are read again in one transaction.
pub const REREAD_STEP: usize = 256;
/// To be raised with whatever this version reads and the one before set aside, while the package keeps its number.
const FORMS: u32 = 1;
/// Row in [`Bucket::Profile`]: the version that went last through what was set aside.
const READER: &[u8] = b"reader";
/// First byte of the rows of what was set aside.
const ASIDE: &[u8] = b"a";

/// Something that a version reads or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// A kind of envelope.
    Kind(Kind),
    /// The first byte of the payload of a kind of envelope.
    Payload(Kind, u8),
    /// A kind of document in a schema.
    Document(DocKind, u16),
}

/// What this version reads: whatever its decoders know. Tests take something away, to read as an earlier version did.
#[derive(Debug, Default)]
pub(super) struct Forms {
    lacking: BTreeSet<Form>,
}

impl Forms {
    #[cfg(test)]
    pub fn lacking(forms: impl IntoIterator<Item = Form>) -> Self {
        let lacking = forms.into_iter().collect();
        Self { lacking }
    }

    pub fn lacks(&self, form: Form) -> bool {
        self.lacking.contains(&form)
    }

    /// The name under which a version goes through what was set aside.
    fn version(&self) -> String {
        let version = format!("{}+{FORMS}", env!("CARGO_PKG_VERSION"));
        match self.lacking.is_empty() {
            true => version,
            false => format!("{version}-{:?}", self.lacking),
        }
    }
}

/// Remembers that an envelope is set aside, or that it is no longer.
pub(super) fn aside_put(envelope: &EnvelopeId, reason: Option<SetAside>) -> Put {
    Put {
        bucket: Bucket::Quarantine,
        key: [ASIDE, envelope.as_bytes()].concat(),
        value: reason.map(|reason| vec![reason as u8]),
    }
}

impl<S: Store> Device<S> {
    /// Goes through what another version set aside, once. The same version as last time: no work.
    pub(super) fn read_again(&mut self) -> Result<(), DeviceError> {
        let version = self.forms.version().into_bytes();
        let last = self.replica.store().get(Bucket::Profile, READER)?;
        if self.home.is_none() || last.as_ref() == Some(&version) {
            return Ok(());
        }
        self.replica.ask_anew()?;
        self.take_keys_again()?;
        for (space, envelopes) in self.set_aside_by_space()? {
            for step in envelopes.chunks(REREAD_STEP) {
                self.read_step(&space, step)?;
            }
        }
        self.write(vec![Put {
            bucket: Bucket::Profile,
            key: READER.to_vec(),
            value: Some(version),
        }])?;
        Ok(())
    }

    /// Keys of the own roll: a grant may hold a ring, and an epoch a box, that could not be read when it came.
    fn take_keys_again(&mut self) -> Result<(), DeviceError> {
        let ring = self.keys_on_record(&self.space(SpaceKind::Roll)?, 0)?;
        if ring.len() > self.ring.len() {
            self.write(ring_puts(&self.ring, &ring)?)?;
            self.ring = ring;
        }
        Ok(())
    }

    /// What is set aside, by space, in the order in which it came.
    fn set_aside_by_space(&self) -> Result<BTreeMap<Space, Vec<EnvelopeId>>, DeviceError> {
        let mut spaces: BTreeMap<Space, Vec<(u64, EnvelopeId)>> = BTreeMap::new();
        for (key, reason) in self.replica.store().list(Bucket::Quarantine, ASIDE)? {
            let id = EnvelopeId::from_slice(&key[ASIDE.len()..]);
            let id = id.ok_or(DeviceError::damaged("list of what is set aside"))?;
            // What a cover let this phone drop is in its copies.
            let Some(stored) = self.replica.store().envelope(id)? else {
                continue;
            };
            // Which changes count follows from the membership, whenever that changes.
            if stored.kind == Kind::CHANGE && reason == [SetAside::NotAllowed as u8] {
                continue;
            }
            let tag = Envelope::decode(&stored.bytes).map(|envelope| envelope.header().space);
            if let Some(space) = tag.ok().and_then(|tag| self.replica.by_tag(&tag)) {
                spaces.entry(space).or_default().push((stored.arrival, id));
            }
        }
        let ordered = |mut envelopes: Vec<(u64, EnvelopeId)>| {
            envelopes.in_order();
            envelopes.into_iter().map(|(_, id)| id).collect()
        };
        Ok(spaces
            .into_iter()
            .map(|(space, envelopes)| (space, ordered(envelopes)))
            .into_map())
    }

    fn read_step(&mut self, space: &Space, step: &[EnvelopeId]) -> Result<(), DeviceError> {
        let mut haul = Haul::default();
        for id in step {
            if let Some(stored) = self.replica.store().envelope(*id)? {
                // Of two rows with one key the later one holds: what is set aside once more stays on the list.
                haul.puts.push(aside_put(id, None));
                self.sort_in(space, stored, &mut haul);
            }
        }
        self.land_in(space, haul)
    }
}
