//! Directives: policies, fee rates, criteria and holidays, published to everybody in the unit and in force from a day on.
//!
//! They travel in `broadcast` like the documents of the library, with a form of their own (clause L1.6). Page templates are
//! chosen in the same way and are in [`super::templates`]; both can be withdrawn.

use serde::Serialize;
use sotay_feed::{InOrder, SpaceKind, UnitId};
use sotay_handbook::directive::{
    Directive, DirectiveContent, DirectiveError, DirectiveKind, Holidays, Issued, Issuer, in_force, shipped,
};
use sotay_handbook::fees::FeeRates;
use sotay_handbook::rating::Criteria;
use sotay_handbook::{Date, Month, Policy};
use sotay_paper::TemplateError;
use sotay_store::{Bucket, Store};

use super::Device;
use super::above::Origin;
use super::templates::{IssuedTemplate, WITHDRAWN, WITHDRAWN_ABOVE, load_templates};
use crate::error::DeviceError;

/// Form of a publication: a directive (clause L1.6).
pub(super) const DIRECTIVE: u8 = 4;
/// Rows of directives of the unit: this, the hash.
pub(super) const OWN: &[u8] = b"d";
/// Rows of directives of units above: this, the unit, the hash.
pub(super) const ABOVE: &[u8] = b"D";

/// Why a directive was not published. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum PublishDirectiveError {
    /// The file is no directive; the reason names line and field.
    #[error(transparent)]
    Directive(#[from] DirectiveError),
    /// The file is no page template, or names a field that its document does not have.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The unit has withdrawn this very file: what is to hold again is published under another name or day.
    #[error("this file was withdrawn")]
    Withdrawn,
    /// This unit has published nothing of this hash.
    #[error("this unit has published no such file")]
    Unknown,
    /// Anything that can happen to every call.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// A directive this device knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DirectiveEntry {
    /// What it is about.
    pub kind: DirectiveKind,
    /// Its name.
    pub name: String,
    /// First day on which it holds.
    pub from: Date,
    /// Where it comes from.
    pub issuer: Issuer,
    /// Which body above published it, if one did.
    pub publisher: Option<Origin>,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Whether it is the one in force on the day that was asked about.
    pub in_force: bool,
}

/// Directives and page templates known here and not withdrawn; what shipped is always among the directives.
pub(super) struct Directives {
    pub(super) all: Vec<Issued>,
    pub(super) templates: Vec<IssuedTemplate>,
    /// Changes with every directive that is learnt, and with the units above.
    revision: u64,
}

impl Directives {
    /// All that are kept, those of units above as far as they stand above: the nearest comes first.
    pub fn load<S: Store>(store: &S, above: &[UnitId]) -> Result<Self, DeviceError> {
        let mut all = shipped();
        for bytes in standing(store, OWN, WITHDRAWN)? {
            all.push(Issued::own(read(&bytes).ok_or_else(damaged)?));
        }
        for (unit, steps) in above.iter().zip(1..) {
            let rows = [ABOVE, WITHDRAWN_ABOVE].map(|kept| [kept, unit.as_bytes()].concat());
            for bytes in standing(store, &rows[0], &rows[1])? {
                all.push(Issued::above(steps, read(&bytes).ok_or_else(damaged)?));
            }
        }
        Ok(Self {
            all,
            templates: load_templates(store, above)?,
            revision: 0,
        })
    }

    /// What views that depend on directives are kept by.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    fn of(&self, kind: DirectiveKind, day: Date) -> Option<&Directive> {
        in_force(&self.all, kind, day).map(|issued| &issued.directive)
    }
}

pub(super) fn damaged() -> DeviceError {
    DeviceError::damaged("directives")
}

/// The files under a prefix, by hash, without those that their unit withdrew.
pub(super) fn standing<S: Store>(
    store: &S,
    files: &[u8],
    withdrawn: &[u8],
) -> Result<Vec<Vec<u8>>, DeviceError> {
    let mut standing = Vec::new();
    for (key, bytes) in store.list(Bucket::Library, files)? {
        let hash = key.get(files.len()..).ok_or_else(damaged)?;
        if store.get(Bucket::Library, &[withdrawn, hash].concat())?.is_none() {
            standing.push(bytes);
        }
    }
    Ok(standing)
}

fn read(bytes: &[u8]) -> Option<Directive> {
    Directive::parse(std::str::from_utf8(bytes).ok()?).ok()
}

/// The hash under which a directive that came is kept; `None` for what is none that this version knows.
pub(super) fn hash_of(bytes: &[u8]) -> Option<[u8; 32]> {
    read(bytes).map(|directive| directive.hash)
}

/// What a directive that is kept is called.
pub(super) fn name_of(bytes: &[u8]) -> Option<String> {
    read(bytes).map(|directive| directive.name().to_owned())
}

impl<S: Store> Device<S> {
    /// Publishes a directive to everybody in the unit. Officers only. Publishing the same again changes nothing. What comes
    /// back says whether it is the one in force on its first day: another of that day may stand before it.
    pub fn publish_directive(&mut self, json: &str) -> Result<DirectiveEntry, PublishDirectiveError> {
        let directive = Directive::parse(json)?;
        let space = self.space(SpaceKind::Broadcast)?;
        self.may_publish(&space)?;
        self.not_withdrawn(&directive.hash)?;
        self.publish_once([OWN, &directive.hash].concat(), DIRECTIVE, json.as_bytes())?;
        let issued = Issued::own(directive);
        let held = in_force(
            &self.directives.all,
            issued.directive.kind(),
            issued.directive.from(),
        );
        Ok(entry(&issued, held == Some(&issued), None))
    }

    /// All directives known here, by kind, then newest first; each says whether it is in force on `day`.
    pub fn directives(&self, day: Date) -> Result<Vec<DirectiveEntry>, DeviceError> {
        let (known, above) = (&self.directives, self.units_above());
        let mut entries = Vec::with_capacity(known.all.len());
        for issued in &known.all {
            let held = in_force(&known.all, issued.directive.kind(), day);
            let unit = usize::from(issued.steps)
                .checked_sub(1)
                .and_then(|at| above.get(at));
            let from = unit.map(|unit| self.origin(*unit)).transpose()?;
            entries.push(entry(issued, held == Some(issued), from));
        }
        entries.in_order_by(|a, b| {
            (a.kind, b.from, a.issuer, &a.sha256).cmp(&(b.kind, a.from, b.issuer, &b.sha256))
        });
        Ok(entries)
    }

    /// Reads the directives again after some came, or a unit came to stand above.
    pub(super) fn reload_directives(&mut self) -> Result<(), DeviceError> {
        let revision = self.directives.revision + 1;
        self.directives = Directives::load(self.replica.store(), &self.units_above())?;
        self.directives.revision = revision;
        Ok(())
    }

    /// The policy of a day; of a meeting without a day, the one that shipped.
    pub(super) fn policy(&self, day: Option<Date>) -> Policy {
        let held = day.and_then(|day| self.directives.of(DirectiveKind::Policy, day));
        match held.map(|directive| &directive.content) {
            Some(DirectiveContent::Policy(policy)) => (**policy).clone(),
            _ => Policy::shipped(),
        }
    }

    /// The fee rates of a month.
    pub fn fee_rates(&self, month: Month) -> Result<FeeRates, DeviceError> {
        match self
            .directives
            .of(DirectiveKind::Fees, month.first())
            .map(|held| &held.content)
        {
            Some(DirectiveContent::Fees(rates)) => Ok(rates.clone()),
            _ => Err(DeviceError::Internal("fee rates")),
        }
    }

    /// The criteria of a year: those in force on its last day.
    pub fn criteria(&self, year: i32) -> Result<Criteria, DeviceError> {
        let last = Date::new(year, 12, 31).ok_or(DeviceError::Internal("year"))?;
        match self
            .directives
            .of(DirectiveKind::Criteria, last)
            .map(|held| &held.content)
        {
            Some(DirectiveContent::Criteria(criteria)) => Ok(criteria.clone()),
            _ => Err(DeviceError::Internal("criteria")),
        }
    }

    /// The holidays known on a day.
    pub fn holidays(&self, day: Date) -> Holidays {
        match self
            .directives
            .of(DirectiveKind::Holidays, day)
            .map(|held| &held.content)
        {
            Some(DirectiveContent::Holidays(holidays)) => holidays.clone(),
            _ => Holidays::shipped(),
        }
    }
}

fn entry(issued: &Issued, in_force: bool, from: Option<Origin>) -> DirectiveEntry {
    let directive = &issued.directive;
    DirectiveEntry {
        kind: directive.kind(),
        name: directive.name().to_owned(),
        from: directive.from(),
        issuer: issued.issuer,
        publisher: from,
        sha256: data_encoding::HEXLOWER.encode(&directive.hash),
        in_force,
    }
}
