//! Units above and below: founding branches from the committee above them, taking a branch over from a pack, and following
//! the branches below.
//!
//! The phones of the committee's officers are rank-1 authorities in the genesis of every branch it founds: they grant the
//! secretary's phones, read the branch's roll and reports, and get no other key of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::CryptoRng;
use serde::Serialize;
use sotay_feed::limits::SPACES_PER_SESSION_MAX;
use sotay_feed::{DeviceKeys, Draft, Envelope, InOrder, Kind, MemberId, Space, SpaceKind, UnitId, Verified};
use sotay_handbook::report::ReportsView;
use sotay_handbook::{DocKind, reports_id};
use sotay_membership::limits::{AUTHORITIES_MAX, UNIT_DEPTH_MAX};
use sotay_membership::{Authority, Denied, Flags, Genesis, Grant, Record, State, UnitKind, rank};
use sotay_store::{Batch, Bucket, Put, Store};
use sotay_sync::Admitted;
use sotay_vault::keyvault::KeyVault;
use zeroize::Zeroizing;

use super::Device;
use super::books::BookKey;
use super::custody::Custody;
use super::home::{self, Home, NewUnit};
use super::meetings::holders_of;
use crate::enrolment::EnrolTextError;
use crate::error::DeviceError;
use crate::event::Event;
use crate::pack::{PACK_NAME_BYTES_MAX, Pack, PackCode};

/// Branches that one device follows.
pub const FOLLOWED_UNITS_MAX: usize = 5000;
/// Spaces of its own unit and of the units above that a device opens at most.
const OTHER_SPACES_MAX: usize = 8 + 2 * UNIT_DEPTH_MAX;
/// Branches of which one session opens roll and reports; the next session takes the next ones.
const FOLLOWED_PER_SESSION: usize = (SPACES_PER_SESSION_MAX - OTHER_SPACES_MAX) / 2;
const CHILD: &[u8] = b"child";

/// A branch to found, or a committee that will have branches of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBranch {
    /// What it is: [`UnitKind::BRANCH`], or a level in between.
    pub level: UnitKind,
    /// Its name, as minutes print it.
    pub name: String,
    /// Name of its secretary.
    pub secretary: String,
}

/// A branch that was founded: packs for the secretary's two phones, each with its code.
#[derive(Debug, Clone)]
pub struct FoundedBranch {
    /// The unit.
    pub unit: UnitId,
    /// Its name.
    pub name: String,
    /// Pack and code of the secretary's phone and of the spare one.
    pub packs: [(String, PackCode); 2],
}

/// A branch below.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BranchLine {
    /// The unit, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub unit: UnitId,
    /// Its name, as it was founded.
    pub name: String,
    /// Phones that may act in it, the committee's own left out.
    pub phones: usize,
}

/// Why a branch was not founded or taken over. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum BranchError {
    /// The pack or its code cannot be used.
    #[error(transparent)]
    Pack(#[from] EnrolTextError),
    /// What the pack holds does not found a branch with this phone as its secretary's.
    #[error("the pack does not found a branch for this phone")]
    FalsePack,
    /// More branches than one device follows.
    #[error("more than {FOLLOWED_UNITS_MAX} branches")]
    TooMany,
    /// Anything that can happen to every call.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// Branches below, and where the next session begins among them.
#[derive(Default)]
pub(super) struct Followed {
    pub units: BTreeMap<UnitId, String>,
    turn: usize,
}

impl Followed {
    pub fn load<S: Store>(store: &S) -> Result<Self, DeviceError> {
        let mut units = BTreeMap::new();
        for (key, name) in store.list(Bucket::Profile, CHILD)? {
            let unit = key.get(CHILD.len()..).and_then(UnitId::from_slice);
            let name = String::from_utf8(name).map_err(|_| DeviceError::damaged("list of branches"))?;
            units.insert(unit.ok_or(DeviceError::damaged("list of branches"))?, name);
        }
        Ok(Self { units, turn: 0 })
    }

    /// Roll and reports of the branches whose turn it is.
    pub fn next_spaces(&mut self) -> Vec<Space> {
        let all: Vec<UnitId> = self.units.keys().copied().collect();
        let count = all.len().min(FOLLOWED_PER_SESSION);
        let from = if all.is_empty() { 0 } else { self.turn % all.len() };
        self.turn = from + count;
        let units = all.iter().cycle().skip(from).take(count);
        units.flat_map(|unit| spaces_of(*unit)).collect()
    }
}

/// The row that follows a branch.
pub(super) fn child_put(unit: UnitId, name: &str) -> Put {
    Put {
        bucket: Bucket::Profile,
        key: [CHILD, unit.as_bytes()].concat(),
        value: Some(name.as_bytes().to_vec()),
    }
}

/// What the level above reads of a branch.
pub(super) fn spaces_of(unit: UnitId) -> [Space; 2] {
    [SpaceKind::Roll, SpaceKind::Report].map(|kind| Space::of(unit, kind))
}

impl<S: Store> Device<S> {
    /// Founds branches below this unit, all in one transaction, and makes the packs for their secretaries. For a large
    /// number call it with some hundred at a time and show how far it is.
    pub fn found_branches(&mut self, new: &[NewBranch], now: i64) -> Result<Vec<FoundedBranch>, BranchError> {
        if self.followed.units.len() + new.len() > FOLLOWED_UNITS_MAX {
            return Err(BranchError::TooMany);
        }
        let upper = self.heading()?.unit.as_str().to_owned();
        for branch in new {
            for name in [&branch.name, &branch.secretary, &upper] {
                super::roster::check_name(name)?;
                if name.len() > PACK_NAME_BYTES_MAX {
                    let (len, limit) = (name.len(), PACK_NAME_BYTES_MAX);
                    return Err(DeviceError::TooLong { len, limit }.into());
                }
            }
        }
        let authorities = self.authorities()?;
        let (mut founded, mut feeds, mut puts) = (Vec::new(), Vec::new(), Vec::new());
        for branch in new {
            let (made, envelopes) = self.found_branch(branch, &upper, &authorities, now)?;
            feeds.push((Space::of(made.unit, SpaceKind::Roll), envelopes));
            feeds.push((Space::of(made.unit, SpaceKind::Report), Vec::new()));
            puts.push(child_put(made.unit, &made.name));
            founded.push(made);
        }
        self.append_all(feeds, puts)?;
        let names = founded.iter().map(|made| (made.unit, made.name.clone()));
        self.followed.units.extend(names);
        for branch in &founded {
            self.announce_local(&Space::of(branch.unit, SpaceKind::Roll))?;
        }
        Ok(founded)
    }

    /// The phones of this unit's officers, this one among them.
    pub(super) fn authorities(&self) -> Result<Vec<Authority>, DeviceError> {
        let membership = self.membership()?;
        let own = membership
            .standing(self.id())
            .filter(|standing| standing.state == State::Active);
        if own.is_none_or(|own| own.rank > rank::DEPUTY) {
            return Err(Denied::Rank.into());
        }
        let mut keys: BTreeMap<_, _> = membership
            .grants()
            .filter(|(_, _, grant, _)| {
                let standing = membership.standing(grant.device());
                standing
                    .is_some_and(|standing| standing.state == State::Active && standing.rank <= rank::DEPUTY)
            })
            .map(|(_, _, grant, _)| (grant.device(), grant.keys))
            .collect();
        keys.remove(&self.id());
        let others = keys.into_values().take(AUTHORITIES_MAX - 1);
        let seat = |keys| Authority {
            rank: rank::PARENT,
            keys,
        };
        Ok([self.keys.public()].into_iter().chain(others).map(seat).collect())
    }

    fn found_branch(
        &mut self,
        branch: &NewBranch,
        upper: &str,
        authorities: &[Authority],
        now: i64,
    ) -> Result<(FoundedBranch, Vec<Verified<Envelope>>), DeviceError> {
        let (mut nonce, mut member) = ([0; 16], [0; 16]);
        self.rng.fill_bytes(&mut nonce);
        self.rng.fill_bytes(&mut member);
        let member = MemberId::from_bytes(member);
        let genesis = Genesis {
            unit_kind: branch.level,
            parent: Some(self.home()?.unit),
            authorities: authorities.to_vec(),
            // The root of the level above is the branch's too: it alone gives and takes rank 1 in it.
            root_policy: self
                .membership()?
                .genesis()
                .and_then(|genesis| genesis.root_policy.clone()),
            nonce,
            claimed_ms: now,
        };
        let unit = genesis.unit_id();
        let roll = Space::of(unit, SpaceKind::Roll);
        let id = roll.id();
        let keys = Arc::clone(&self.keys);
        let failed = |_| DeviceError::Internal("record of a new branch");
        let mut tip = None;
        let mut envelopes = Vec::new();
        let mut sign = |kind, body: &[u8]| {
            let envelope = Draft::next(&keys, kind, &id, tip)
                .sign(&keys, &id, body)
                .map_err(failed)?;
            tip = Some(envelope.tip());
            envelopes.push(envelope);
            Ok::<_, DeviceError>(())
        };
        sign(Kind::GENESIS, &Record::Genesis(genesis).encode())?;
        let phones = [
            DeviceKeys::generate(&mut *self.rng),
            DeviceKeys::generate(&mut *self.rng),
        ];
        for phone in &phones {
            let grant = Grant {
                member,
                rank: rank::SECRETARY,
                flags: Flags::default(),
                keys: phone.public(),
                scope: None,
                from_ms: now,
            };
            sign(Kind::GRANT, &Record::Grant(grant).encode())?;
        }
        let written: Vec<Vec<u8>> = envelopes
            .iter()
            .map(|envelope| envelope.bytes().to_vec())
            .collect();
        let packs = [(&phones[0], true), (&phones[1], false)].map(|(phone, first)| {
            let pack = Pack {
                first,
                sign_seed: Zeroizing::new(*phone.sign_seed()),
                seal_secret: phone.seal_secret().clone(),
                member,
                envelopes: written.clone(),
                unit: branch.name.clone(),
                upper: upper.to_owned(),
                holder: branch.secretary.clone(),
            };
            let code = PackCode::generate(&mut *self.rng);
            (pack.to_text(&code, &mut *self.rng), code)
        });
        let founded = FoundedBranch {
            unit,
            name: branch.name.clone(),
            packs,
        };
        Ok((founded, envelopes))
    }

    /// Makes a profile in an empty store from a pack: this device is the secretary's of the new branch. The first of the
    /// two phones also writes the first pages; both can begin without a network.
    pub fn create_from_pack(
        store: S,
        label: &str,
        mut rng: Box<dyn CryptoRng + Send>,
        vault: Option<Arc<dyn KeyVault>>,
        pack: &Pack,
        now: i64,
    ) -> Result<Self, BranchError> {
        super::check_label(label)?;
        let custody = Custody(vault.clone());
        let puts = vec![
            custody.put(home::DEVICE_KEYS, &pack.keys(), &mut *rng)?,
            home::label_put(label),
        ];
        let mut store = store;
        store
            .commit(Batch {
                envelopes: Vec::new(),
                puts,
                ..Batch::default()
            })
            .map_err(DeviceError::from)?;
        let mut device = Self::open_with(store, rng, vault)?;
        let unit = device.take_over(pack)?;
        if pack.first {
            let new = NewUnit {
                name: pack.unit.clone(),
                upper: pack.upper.clone(),
                founder: pack.holder.clone(),
                since: None,
            };
            device.first_pages(&new, pack.member, now)?;
        }
        tracing::info!(?unit, "branch taken over from a pack");
        Ok(device)
    }

    fn take_over(&mut self, pack: &Pack) -> Result<UnitId, BranchError> {
        let decode = |bytes: &Vec<u8>| Envelope::decode(bytes).map_err(|_| BranchError::FalsePack);
        let envelopes = pack.envelopes.iter().map(decode).collect::<Result<Vec<_>, _>>()?;
        let founding = envelopes.first().ok_or(BranchError::FalsePack)?;
        let Ok((Record::Genesis(genesis), _)) = Record::decode(Kind::GENESIS, founding.body()) else {
            return Err(BranchError::FalsePack);
        };
        let unit = genesis.unit_id();
        let roll = Space::of(unit, SpaceKind::Roll);
        let admitted = self
            .replica
            .admit(&roll, envelopes, Vec::new())
            .map_err(DeviceError::from)?;
        let standing = self
            .replica
            .membership(unit)
            .and_then(|membership| membership.standing(self.id()));
        let secretary = standing.is_some_and(|standing| {
            standing.state == State::Active
                && standing.rank == rank::SECRETARY
                && standing.member == Some(pack.member)
        });
        if !secretary
            || admitted
                .iter()
                .any(|answer| matches!(answer, Admitted::Refused(_)))
        {
            return Err(BranchError::FalsePack);
        }
        let home = Home {
            unit,
            member: pack.member,
        };
        self.write(vec![home::home_put(&home)])
            .map_err(DeviceError::from)?;
        self.home = Some(home);
        self.events.push_back(Event::Unit);
        self.catch_up()?;
        Ok(unit)
    }

    /// The branches below, by name.
    pub fn branches(&self) -> Vec<BranchLine> {
        let mut lines: Vec<BranchLine> = Vec::new();
        for (unit, name) in &self.followed.units {
            let members = self
                .replica
                .membership(*unit)
                .map(|membership| membership.members());
            let devices = members.into_iter().flatten().flat_map(|member| member.devices);
            lines.push(BranchLine {
                unit: *unit,
                name: name.clone(),
                phones: devices.filter(|(_, state)| *state == State::Active).count(),
            });
        }
        lines.in_order_by(|a, b| (&a.name, a.unit).cmp(&(&b.name, b.unit)));
        lines
    }

    /// The reports of a year that a branch below has sent, as far as they have come.
    pub fn branch_reports(&mut self, unit: UnitId, year: i32) -> Result<ReportsView, DeviceError> {
        let membership = self.replica.membership(unit).ok_or(DeviceError::NoUnit)?;
        membership.may_read(self.id(), &Space::of(unit, SpaceKind::Report))?;
        let devices = holders_of(membership);
        let key = BookKey {
            doc: reports_id(unit, year),
            kind: DocKind::Report,
            schema: DocKind::Report.schema(),
            space: SpaceKind::Report,
        };
        self.view(key, |image| ReportsView::read(image, &devices))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_opens_no_more_spaces_than_its_limit_and_the_next_one_goes_on() {
        let unit = |n: usize| {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&(n as u64).to_be_bytes());
            UnitId::from_bytes(id)
        };
        let units = (0..FOLLOWED_PER_SESSION + 1)
            .map(|n| (unit(n), String::new()))
            .collect();
        let mut followed = Followed {
            units,
            ..Followed::default()
        };
        let first = followed.next_spaces();
        assert_eq!(first.len() + OTHER_SPACES_MAX, SPACES_PER_SESSION_MAX);
        assert_eq!(followed.next_spaces()[0].unit, unit(FOLLOWED_PER_SESSION));
    }
}
