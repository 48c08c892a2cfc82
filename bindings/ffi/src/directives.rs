//! Directives: policies, fee rates, criteria and holidays, in force from a day on.

use sotay_engine::DirectiveEntry;
use sotay_engine::handbook::Date;

use crate::call::ask;
use crate::error::{HandbookError, OrFault, parse_opt};
use crate::record_kinds::{DirectiveIssuer, DirectiveKind};
use crate::records::Records;

/// A directive known here.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct DirectiveView {
    /// What it is about.
    pub kind: DirectiveKind,
    /// Its name.
    pub name: String,
    /// First day on which it holds.
    pub from: String,
    /// Where it comes from.
    pub issuer: DirectiveIssuer,
    /// Name of the body above that published it, as far as known here.
    pub publisher: Option<String>,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Whether it is the one in force on the day that was asked about.
    pub in_force: bool,
}

fn directive_view(entry: DirectiveEntry) -> DirectiveView {
    DirectiveView {
        kind: entry.kind,
        name: entry.name,
        from: entry.from.to_string(),
        issuer: entry.issuer,
        publisher: entry.publisher.and_then(|origin| origin.name),
        sha256: entry.sha256,
        in_force: entry.in_force,
    }
}

#[uniffi::export]
impl Records {
    /// All directives known here, by kind, then newest first; each says whether it is in force on a day, today if none is
    /// given. What shipped is always among them.
    pub fn directives(&self, on: Option<String>) -> Result<Vec<DirectiveView>, HandbookError> {
        let on: Option<Date> = parse_opt(on.as_ref(), "on")?;
        ask(&self.engine, move |device, now| {
            let day = on.unwrap_or_else(|| sotay_engine::today(now));
            let known = device.directives(day).or_fault()?;
            Ok(known.into_iter().map(directive_view).collect())
        })
    }

    /// Publishes a directive, the text of a JSON file, to everybody in the unit. Officers only. Publishing the same again
    /// changes nothing.
    pub fn publish_directive(&self, json: String) -> Result<DirectiveView, HandbookError> {
        ask(&self.engine, move |device, _| {
            device.publish_directive(&json).or_fault().map(directive_view)
        })
    }

    /// Withdraws a directive or a page template that this unit has published, named by its SHA-256 in hexadecimal or the
    /// beginning of that, and gives its name: on no day does it hold any more, and what held before holds again. Officers
    /// only. Withdrawing twice changes nothing; what was withdrawn is published again under another name or day only.
    pub fn withdraw_directive(&self, sha256: String) -> Result<String, HandbookError> {
        ask(&self.engine, move |device, _| {
            device.withdraw_directive(&sha256.to_lowercase()).or_fault()
        })
    }
}
