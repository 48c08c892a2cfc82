//! The root of several keys: papers that are drafted here, signed elsewhere by enough of its keys, and carried into the rolls.

use sotay_engine::feed::{DeviceId, UnitId};
use sotay_engine::{
    CommitteeCard, NewUnit, PackCode, RootDeed, RootEntry, RootKey, RootPaper, UnitKind, new_root_key,
    root_policy, root_public_from_text, root_public_text,
};

use crate::branch::Branch;
use crate::call::{ask, tell};
use crate::error::{HandbookError, OrFault, guarded, parse, parse_all};

/// A fresh key of a root.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RootKeyView {
    /// The sealed key, to be kept as a file by one person.
    pub key: String,
    /// The code that opens it, to be kept elsewhere.
    pub code: String,
    /// The public half, for whoever drafts the root.
    pub public_key: String,
}

/// Level of a unit under a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum UnitLevel {
    /// Đảng ủy of a commune.
    Committee,
    /// Of a district, or what stands in its place.
    District,
    /// Of the province.
    Province,
}

/// What a record on a paper does.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum RootDeedView {
    /// Founds a unit under this root.
    Found {
        /// The root's hash, in hexadecimal: compare it with the one you trust.
        root: String,
        /// Signatures it asks for.
        threshold: u8,
        /// Keys it has.
        keys: u32,
    },
    /// Gives a phone the rank of the level above.
    Appoint {
        /// The phone.
        phone: String,
    },
    /// Ends a right.
    Dismiss {
        /// The grant or seat, in hexadecimal.
        right: String,
    },
    /// Moves the unit below another one.
    Move {
        /// The new unit above.
        parent: String,
    },
}

/// One record on a paper.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RootEntryView {
    /// The unit it is for.
    pub unit: String,
    /// The unit's name, for those who sign.
    pub name: String,
    /// What it does.
    pub deed: RootDeedView,
}

/// A paper of the root. Show what it does before anybody signs.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RootPaperView {
    /// The paper as text, to be handed over as a file.
    pub text: String,
    /// What it does. A paper that moves a province has thousands of entries.
    pub entries: Vec<RootEntryView>,
    /// Keys that have signed it.
    pub signed: u32,
}

/// A committee as the level above wants to know it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct CommitteeCardView {
    /// The card as text.
    pub text: String,
    /// The unit.
    pub unit: String,
    /// Its name.
    pub name: String,
    /// Phones of its officers.
    pub phones: Vec<String>,
    /// Six digits for the two sides to compare aloud.
    pub check_code: String,
}

/// What became of records that were carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct CarriedView {
    /// Written into the roll of their unit.
    pub written: u32,
    /// There already.
    pub known: u32,
    /// Records of the paper that come after these.
    pub left: u32,
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn deed_view(deed: RootDeed) -> RootDeedView {
    match deed {
        RootDeed::Found {
            root,
            threshold,
            keys,
        } => RootDeedView::Found {
            root,
            threshold,
            keys: number(keys),
        },
        RootDeed::Appoint { phone } => RootDeedView::Appoint {
            phone: phone.to_string(),
        },
        RootDeed::Dismiss { right } => RootDeedView::Dismiss {
            right: right.to_string(),
        },
        RootDeed::Move { parent } => RootDeedView::Move {
            parent: parent.to_string(),
        },
    }
}

fn paper_view(paper: &RootPaper) -> RootPaperView {
    let entry = |entry: &RootEntry| RootEntryView {
        unit: entry.unit.to_string(),
        name: entry.name.clone(),
        deed: deed_view(entry.deed()),
    };
    RootPaperView {
        text: paper.to_text(),
        entries: paper.entries.iter().map(entry).collect(),
        signed: number(paper.signed()),
    }
}

fn card_view(card: &CommitteeCard) -> CommitteeCardView {
    CommitteeCardView {
        text: card.to_text(),
        unit: card.unit.to_string(),
        name: card.name.clone(),
        phones: card
            .phones
            .iter()
            .map(|keys| keys.sign.device_id().to_string())
            .collect(),
        check_code: card.check_code(),
    }
}

fn paper(text: &str) -> Result<RootPaper, HandbookError> {
    RootPaper::from_text(text).or_fault()
}

/// Makes a key of a root. Needs no profile; nothing is kept here.
#[uniffi::export]
pub fn make_root_key() -> Result<RootKeyView, HandbookError> {
    guarded(|| {
        let (key, code, text) = new_root_key().or_fault()?;
        Ok(RootKeyView {
            key: text,
            code: code.to_text(),
            public_key: root_public_text(&key.public()),
        })
    })
}

/// Reads a paper of a root, to show what it does. Needs no profile.
#[uniffi::export]
pub fn read_root_paper(text: String) -> Result<RootPaperView, HandbookError> {
    guarded(|| Ok(paper_view(&paper(&text)?)))
}

/// Signs a paper with one of the root's keys, opened by its code; gives the paper to hand on. Needs no profile.
#[uniffi::export]
pub fn sign_root_paper(text: String, key: String, code: String) -> Result<RootPaperView, HandbookError> {
    guarded(|| {
        let mut paper = paper(&text)?;
        let key = RootKey::from_text(&key, &PackCode::from_text(&code).or_fault()?).or_fault()?;
        paper.sign(&key).or_fault()?;
        Ok(paper_view(&paper))
    })
}

/// Reads the card of a committee, to compare its check code. Needs no profile.
#[uniffi::export]
pub fn read_committee_card(text: String) -> Result<CommitteeCardView, HandbookError> {
    guarded(|| Ok(card_view(&CommitteeCard::from_text(&text).or_fault()?)))
}

#[uniffi::export]
impl Branch {
    /// Begins a unit under a root, on a phone that belongs to none: the paper that `threshold` of its keys have to sign. Drafting
    /// again begins anew.
    pub fn draft_root(
        &self,
        name: String,
        level: UnitLevel,
        public_keys: Vec<String>,
        threshold: u8,
    ) -> Result<RootPaperView, HandbookError> {
        let keys: Option<Vec<_>> = public_keys.iter().map(|key| root_public_from_text(key)).collect();
        let keys = keys.ok_or_else(|| sotay_engine::Fault::malformed("public_keys"))?;
        let (policy, _) =
            root_policy(threshold, &keys).ok_or_else(|| sotay_engine::Fault::malformed("threshold"))?;
        let kind = match level {
            UnitLevel::Committee => UnitKind::COMMITTEE,
            UnitLevel::District => UnitKind::DISTRICT,
            UnitLevel::Province => UnitKind::PROVINCE,
        };
        let paper = tell(&self.engine, move |device, now| {
            device.draft_root(&name, kind, policy, now)
        })?;
        Ok(paper_view(&paper))
    }

    /// Founds the unit that this phone drafted, once enough keys have signed; this phone becomes its secretary's. Gives the
    /// unit's id.
    pub fn found_rooted(
        &self,
        paper: String,
        upper: String,
        founder: String,
    ) -> Result<String, HandbookError> {
        let paper = self::paper(&paper)?;
        let new = NewUnit {
            name: paper
                .entries
                .first()
                .map(|entry| entry.name.clone())
                .unwrap_or_default(),
            upper,
            founder,
            since: None,
        };
        tell(&self.engine, move |device, now| {
            device.found_rooted(&paper, &new, now)
        })
        .map(|unit| unit.to_string())
    }

    /// The hash of the root that stands behind this unit, as far as the rolls of the units above are here. Compare it with the
    /// one you trust.
    pub fn root(&self) -> Result<Option<String>, HandbookError> {
        let root = tell(&self.engine, |device, _| device.root())?;
        Ok(root.map(|root| root.to_string()))
    }

    /// This unit as the level above wants to know it: the phones of its officers, this one first.
    pub fn committee_card(&self) -> Result<CommitteeCardView, HandbookError> {
        tell(&self.engine, |device, _| device.committee_card()).map(|card| card_view(&card))
    }

    /// The paper that gives a committee's phones the rank of the level above in some units.
    pub fn draft_appointment(
        &self,
        units: Vec<String>,
        card: String,
    ) -> Result<RootPaperView, HandbookError> {
        let (units, card) = (
            parse_all(&units, "units")?,
            CommitteeCard::from_text(&card).or_fault()?,
        );
        let paper = tell(&self.engine, move |device, now| {
            device.draft_appointment(&units, &card, now)
        })?;
        Ok(paper_view(&paper))
    }

    /// The paper that ends what a phone of the level above may do in some units.
    pub fn draft_dismissal(&self, units: Vec<String>, phone: String) -> Result<RootPaperView, HandbookError> {
        let units: Vec<UnitId> = parse_all(&units, "units")?;
        let phone: DeviceId = parse(&phone, "phone")?;
        let paper = tell(&self.engine, move |device, _| {
            device.draft_dismissal(&units, phone)
        })?;
        Ok(paper_view(&paper))
    }

    /// The paper that moves branches below another committee, by its card: its phones get the rank of the level above, the branch
    /// its new parent, and the phones that held that rank lose it.
    pub fn draft_move(&self, units: Vec<String>, card: String) -> Result<RootPaperView, HandbookError> {
        let (units, card) = (
            parse_all(&units, "units")?,
            CommitteeCard::from_text(&card).or_fault()?,
        );
        let paper = tell(&self.engine, move |device, now| {
            device.draft_move(&units, &card, now)
        })?;
        Ok(paper_view(&paper))
    }

    /// Carries `count` records of a signed paper from the `first` one (counted from 0) into the rolls of their units, all of them
    /// in one transaction. Any officer's phone carries; records whose signatures do not suffice are refused. Carry some hundred
    /// at a time and show how many are left; carrying twice changes nothing.
    pub fn carry_root(&self, paper: String, first: u32, count: u32) -> Result<CarriedView, HandbookError> {
        let paper = self::paper(&paper)?;
        let total = paper.entries.len();
        let from = (first as usize).min(total);
        let to = from.saturating_add(count as usize).min(total);
        let carried = tell(&self.engine, move |device, _| device.carry_root(&paper, from..to))?;
        Ok(CarriedView {
            written: number(carried.written),
            known: number(carried.known),
            left: number(total - to),
        })
    }

    /// On a phone of the committee to which branches were moved: follows them from now on; gives how many are new.
    pub fn follow_moved(&self, paper: String) -> Result<u32, HandbookError> {
        let paper = self::paper(&paper)?;
        ask(&self.engine, move |device, _| {
            device.follow_moved(&paper).or_fault().map(number)
        })
    }
}
