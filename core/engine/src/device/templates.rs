//! Page templates that units publish, and withdrawing what was published.
//!
//! A template holds from a day on, like a directive, and is chosen in the same way among those of the unit and of the units
//! above (decision 0157). It travels in `broadcast` as the file it is (clause L1.9); every phone checks it again before it
//! keeps it.

use serde::Serialize;
use sotay_feed::{InOrder, SpaceKind, UnitId};
use sotay_handbook::Date;
use sotay_handbook::directive::{Issuer, Standing, holding, precedence};
use sotay_paper::{PageTemplate, Sort, TemplateError, TemplateHead};
use sotay_store::{Bucket, Store};

use super::Device;
use super::above::Origin;
use super::directives::{self, PublishDirectiveError, damaged, standing};
use crate::error::DeviceError;

/// Form of a publication: a page template (clause L1.9).
pub(super) const TEMPLATE: u8 = 6;
/// Form of a publication: a directive or a template does not hold any more (clause L1.10).
pub(super) const WITHDRAWAL: u8 = 7;
/// Rows of templates of the unit: this, the hash.
pub(super) const OWN: &[u8] = b"t";
/// Rows of templates of units above: this, the unit, the hash.
pub(super) const ABOVE: &[u8] = b"T";
/// Rows of what the unit withdrew: this, the hash.
pub(super) const WITHDRAWN: &[u8] = b"w";
/// Rows of what units above withdrew: this, the unit, the hash.
pub(super) const WITHDRAWN_ABOVE: &[u8] = b"W";

/// A page template that was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TemplateEntry {
    /// Which document it is for: `minutes`, `extract`, `resolution`, `report`.
    pub sort: &'static str,
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

/// A template and who published it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IssuedTemplate {
    head: TemplateHead,
    /// How many levels above the unit; 0 for the unit's own.
    steps: u8,
}

impl IssuedTemplate {
    fn standing(&self) -> Standing {
        Standing {
            from: self.head.from,
            issuer: if self.steps == 0 {
                Issuer::Unit
            } else {
                Issuer::Above
            },
            steps: self.steps,
            hash: self.head.hash,
        }
    }
}

/// A template that a page is made with.
pub(super) struct Chosen {
    pub head: TemplateHead,
    pub template: Result<PageTemplate, TemplateError>,
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// The hash under which a template that came is kept; `None` for what does not fit.
pub(super) fn hash_of(bytes: &[u8]) -> Option<[u8; 32]> {
    TemplateHead::check(text(bytes)?).ok().map(|head| head.hash)
}

/// The templates that are kept and not withdrawn, those of units above as far as they stand above.
pub(super) fn load_templates<S: Store>(
    store: &S,
    above: &[UnitId],
) -> Result<Vec<IssuedTemplate>, DeviceError> {
    let read = |steps: u8, bytes: Vec<u8>| {
        let head = text(&bytes).and_then(|source| TemplateHead::read(source).ok());
        let head = head.ok_or_else(damaged)?;
        Ok::<_, DeviceError>(IssuedTemplate { head, steps })
    };
    let mut all = Vec::new();
    for bytes in standing(store, OWN, WITHDRAWN)? {
        all.push(read(0, bytes)?);
    }
    for (unit, steps) in above.iter().zip(1..) {
        let rows = [ABOVE, WITHDRAWN_ABOVE].map(|kept| [kept, unit.as_bytes()].concat());
        for bytes in standing(store, &rows[0], &rows[1])? {
            all.push(read(steps, bytes)?);
        }
    }
    Ok(all)
}

impl<S: Store> Device<S> {
    /// Publishes a page template to everybody in the unit and below it. Officers only. It is the text of a file whose second
    /// line says from which day it holds and what it is called (`docs/PAPER.md`). Publishing the same again changes nothing.
    /// What comes back says whether it is the one in force on its first day: another of that day may stand before it.
    pub fn publish_template(&mut self, source: &str) -> Result<TemplateEntry, PublishDirectiveError> {
        let head = TemplateHead::check(source)?;
        let space = self.space(SpaceKind::Broadcast)?;
        self.may_publish(&space)?;
        self.not_withdrawn(&head.hash)?;
        self.publish_once([OWN, &head.hash].concat(), TEMPLATE, source.as_bytes())?;
        let issued = IssuedTemplate { head, steps: 0 };
        let held = self.template_in_force(issued.head.sort, issued.head.from) == Some(&issued);
        Ok(self.entry_of(&issued, held)?)
    }

    /// Withdraws a directive or a page template that this unit has published, named by its SHA-256 in hexadecimal or the
    /// beginning of that, and gives its name back: on no day does it hold any more, and what held before it holds again.
    /// Officers only. It stays kept, so that a page that was made with it can be made again. Withdrawing twice changes
    /// nothing.
    pub fn withdraw_directive(&mut self, sha256: &str) -> Result<String, PublishDirectiveError> {
        let space = self.space(SpaceKind::Broadcast)?;
        self.may_publish(&space)?;
        let mut named = Vec::new();
        for rows in [OWN, directives::OWN] {
            let list = self.replica.store().list(Bucket::Library, rows);
            for (key, bytes) in list.map_err(DeviceError::from)? {
                let hash = key.get(rows.len()..).ok_or_else(damaged)?;
                if !sha256.is_empty() && data_encoding::HEXLOWER.encode(hash).starts_with(sha256) {
                    named.push((hash.to_vec(), bytes));
                }
            }
        }
        let [(hash, bytes)] = <[_; 1]>::try_from(named).map_err(|_| PublishDirectiveError::Unknown)?;
        let name = match text(&bytes).map(TemplateHead::read) {
            Some(Ok(head)) => head.name,
            _ => directives::name_of(&bytes).ok_or_else(damaged)?,
        };
        self.publish_once([WITHDRAWN, &hash[..]].concat(), WITHDRAWAL, &hash)?;
        Ok(name)
    }

    pub(super) fn not_withdrawn(&self, hash: &[u8; 32]) -> Result<(), PublishDirectiveError> {
        match self.stored([WITHDRAWN, hash].concat())? {
            Some(_) => Err(PublishDirectiveError::Withdrawn),
            None => Ok(()),
        }
    }

    /// The page templates that were published and not withdrawn, by document, then newest first; each says whether it is the
    /// one in force on `day`. Where none is, the page is the one that ships with the software.
    pub fn page_templates(&self, day: Date) -> Result<Vec<TemplateEntry>, DeviceError> {
        let mut entries = Vec::with_capacity(self.directives.templates.len());
        for issued in &self.directives.templates {
            let held = self.template_in_force(issued.head.sort, day) == Some(issued);
            entries.push(self.entry_of(issued, held)?);
        }
        entries.in_order_by(|a, b| {
            (a.sort, b.from, a.issuer, &a.sha256).cmp(&(b.sort, a.from, b.issuer, &b.sha256))
        });
        Ok(entries)
    }

    /// The text of a template that was published, withdrawn or not, by the beginning of its hash in hexadecimal; `None` if
    /// there is none, or more than one.
    pub fn template_source(&self, sha256: &str) -> Result<Option<String>, DeviceError> {
        let mut found = Vec::new();
        for (rows, unit) in [(OWN, 0), (ABOVE, UnitId::LEN)] {
            for (key, bytes) in self.replica.store().list(Bucket::Library, rows)? {
                let hash = key.get(rows.len() + unit..).ok_or_else(damaged)?;
                let named = data_encoding::HEXLOWER.encode(hash).starts_with(sha256);
                if named && !sha256.is_empty() && !found.contains(&bytes) {
                    found.push(bytes);
                }
            }
        }
        match <[Vec<u8>; 1]>::try_from(found) {
            Ok([bytes]) => Ok(Some(String::from_utf8(bytes).map_err(|_| damaged())?)),
            Err(_) => Ok(None),
        }
    }

    /// The template that a document of a day is printed with; `None` for the one that ships with the software, which also
    /// serves documents that have no day yet.
    pub(super) fn chosen_template(
        &self,
        sort: Sort,
        day: Option<Date>,
    ) -> Result<Option<Chosen>, DeviceError> {
        let Some(issued) = day.and_then(|day| self.template_in_force(sort, day)) else {
            return Ok(None);
        };
        let head = issued.head.clone();
        let source = self.template_source(&head.sha256())?.ok_or_else(damaged)?;
        let template = PageTemplate::parse(sort, &source);
        Ok(Some(Chosen { head, template }))
    }

    fn template_in_force(&self, sort: Sort, day: Date) -> Option<&IssuedTemplate> {
        let of_sort = self
            .directives
            .templates
            .iter()
            .filter(|one| one.head.sort == sort);
        let precedence = precedence(&self.directives.all, day);
        holding(of_sort, IssuedTemplate::standing, precedence, day)
    }

    fn entry_of(&self, issued: &IssuedTemplate, in_force: bool) -> Result<TemplateEntry, DeviceError> {
        let above = self.units_above();
        let unit = usize::from(issued.steps)
            .checked_sub(1)
            .and_then(|at| above.get(at));
        let head = &issued.head;
        Ok(TemplateEntry {
            sort: head.sort.key(),
            name: head.name.clone(),
            from: head.from,
            issuer: issued.standing().issuer,
            publisher: unit.map(|unit| self.origin(*unit)).transpose()?,
            sha256: head.sha256(),
            in_force,
        })
    }
}

#[cfg(test)]
mod tests {
    use sotay_feed::Kind;

    use super::super::library::tagged;
    use super::super::tests::branch;
    use super::*;
    use crate::event::Event;

    fn publish_raw(device: &mut Device<sotay_store::MemoryStore>, form: u8, bytes: &[u8]) -> usize {
        let space = device.space(SpaceKind::Broadcast).unwrap();
        let payload = tagged(form, bytes);
        device
            .publish(&space, vec![(Kind::PUBLICATION, payload)], Vec::new())
            .unwrap();
        device.absorb().unwrap();
        let aside = |event: &Event| matches!(event, Event::SetAside { .. });
        std::iter::from_fn(|| device.next_event()).filter(aside).count()
    }

    #[test]
    fn of_two_templates_of_one_day_the_answer_says_which_is_in_force() {
        let mut device = branch(1);
        let day = Date::new(2025, 1, 1).unwrap();
        let names = ["Mẫu một", "Mẫu hai", "Mẫu ba", "Mẫu bốn"];
        let mut answers = Vec::new();
        for name in names {
            let answer = device
                .publish_template(&Sort::Report.example_file(day, name))
                .unwrap();
            let listed = device.page_templates(day).unwrap();
            assert!(listed.contains(&answer), "{name}");
            answers.push(answer.in_force);
        }
        assert!(answers[0] && answers.contains(&false), "{answers:?}");
    }

    /// An officer's own program does not ask whether what it publishes fits.
    #[test]
    fn what_does_not_fit_is_set_aside_whoever_published_it() {
        let mut device = branch(1);
        let first = Sort::Minutes.first_line();
        let head = format!("{first}\n{{#- from 2025-01-01: Mẫu -#}}\n");
        let bombs = [
            format!(
                "{head}{}",
                "{% set a = a ~ a %}".repeat(60).replacen("a ~ a", "upper", 1)
            ),
            format!("{head}{{{{ upper * 900000000 }}}}"),
            format!("{head}{{{{ upper{} }}}}", "~upper".repeat(9_000)),
            format!("{head}{}", "{% for a in upper %}".repeat(15)),
            format!("{head}{{{{ nothing }}}}"),
            format!("{first}\nx"),
            String::new(),
        ];
        for bomb in bombs {
            assert_eq!(
                publish_raw(&mut device, TEMPLATE, bomb.as_bytes()),
                1,
                "{} bytes",
                bomb.len()
            );
        }
        for bytes in [&[0xff; 40][..], &[0; 31], &[]] {
            assert_eq!(publish_raw(&mut device, TEMPLATE, bytes), 1);
            assert_eq!(publish_raw(&mut device, WITHDRAWAL, bytes), 1);
        }
        assert_eq!(device.page_templates(Date::new(2026, 1, 1).unwrap()).unwrap(), []);
        // A withdrawal of what has not come yet is kept for it.
        let source = Sort::Report.example_file(Date::new(2025, 1, 1).unwrap(), "Mẫu");
        let hash = hash_of(source.as_bytes()).unwrap();
        assert_eq!(publish_raw(&mut device, WITHDRAWAL, &hash), 0);
        assert_eq!(publish_raw(&mut device, TEMPLATE, source.as_bytes()), 0);
        assert_eq!(device.page_templates(Date::new(2026, 1, 1).unwrap()).unwrap(), []);
    }
}
