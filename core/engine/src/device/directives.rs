//! Directives: policies, fee rates, criteria and holidays, published to everybody in the unit and in force from a day on.
//!
//! They travel in `broadcast` like the documents of the library, with a form of their own (clause L1.6).

use serde::Serialize;
use sotay_feed::{Kind, SpaceKind};
use sotay_handbook::directive::{
    Directive, DirectiveContent, DirectiveError, DirectiveKind, Holidays, Issuer, in_force, shipped,
};
use sotay_handbook::fees::FeeRates;
use sotay_handbook::rating::Criteria;
use sotay_handbook::{Date, Month, Policy};
use sotay_store::{Bucket, Put, Store};

use super::Device;
use super::library::{put, tagged};
use crate::error::DeviceError;

/// Form of a publication: a directive (clause L1.6).
pub(super) const DIRECTIVE: u8 = 4;

/// Why a directive was not published. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum PublishDirectiveError {
    /// The file is no directive; the reason names line and field.
    #[error(transparent)]
    Directive(#[from] DirectiveError),
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
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Whether it is the one in force on the day that was asked about.
    pub in_force: bool,
}

/// Directives known here; what shipped is always among them.
pub(super) struct Directives {
    all: Vec<(Issuer, Directive)>,
    /// Changes with every directive that is learnt.
    revision: u64,
}

impl Directives {
    pub fn load<S: Store>(store: &S) -> Result<Self, DeviceError> {
        let mut all = shipped();
        for (_, bytes) in store.list(Bucket::Library, b"d")? {
            all.push((
                Issuer::Unit,
                read(&bytes).ok_or(DeviceError::damaged("directives"))?,
            ));
        }
        let revision = all.len() as u64;
        Ok(Self { all, revision })
    }

    /// What views that depend on directives are kept by.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    fn of(&self, kind: DirectiveKind, day: Date) -> Option<&Directive> {
        in_force(&self.all, kind, day).map(|(_, directive)| directive)
    }
}

fn read(bytes: &[u8]) -> Option<Directive> {
    Directive::parse(std::str::from_utf8(bytes).ok()?).ok()
}

/// The row of a directive that came; `None` for what is none that this version knows.
pub(super) fn publication(bytes: &[u8]) -> Option<Put> {
    let directive = read(bytes)?;
    Some(put(Bucket::Library, [b"d", &directive.hash[..]].concat(), bytes))
}

impl<S: Store> Device<S> {
    /// Publishes a directive to everybody in the unit. Officers only. Publishing the same again changes nothing.
    pub fn publish_directive(&mut self, json: &str) -> Result<DirectiveEntry, PublishDirectiveError> {
        let directive = Directive::parse(json)?;
        let space = self.space(SpaceKind::Broadcast)?;
        self.may_publish(&space)?;
        let entry = entry(Issuer::Unit, &directive, true);
        if self.stored([b"d", &directive.hash[..]].concat())?.is_none() {
            let payload = tagged(DIRECTIVE, json.as_bytes());
            self.publish(&space, vec![(Kind::PUBLICATION, payload)], Vec::new())?;
            self.absorb()?;
        }
        Ok(entry)
    }

    /// All directives known here, by kind, then newest first; each says whether it is in force on `day`.
    pub fn directives(&self, day: Date) -> Vec<DirectiveEntry> {
        let known = &self.directives;
        let mut entries: Vec<DirectiveEntry> = known
            .all
            .iter()
            .map(|(issuer, directive)| {
                let held = known.of(directive.kind(), day).map(|held| held.hash);
                entry(*issuer, directive, held == Some(directive.hash))
            })
            .collect();
        entries.sort_by(|a, b| {
            (a.kind, b.from, a.issuer, &a.sha256).cmp(&(b.kind, a.from, b.issuer, &b.sha256))
        });
        entries
    }

    /// Reads the directives again after some came.
    pub(super) fn reload_directives(&mut self) -> Result<(), DeviceError> {
        self.directives = Directives::load(self.replica.store())?;
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

fn entry(issuer: Issuer, directive: &Directive, in_force: bool) -> DirectiveEntry {
    DirectiveEntry {
        kind: directive.kind(),
        name: directive.name().to_owned(),
        from: directive.from(),
        issuer,
        sha256: data_encoding::HEXLOWER.encode(&directive.hash),
        in_force,
    }
}
