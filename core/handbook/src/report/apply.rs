//! Sending.

use sotay_document::crdt::Transaction;

use super::view::revision_key;
use super::{Command, ReportsView};
use crate::acting::Acting;
use crate::claim::Devices;
use crate::error::{CommandError, What};
use crate::limits::REVISIONS_MAX;
use crate::schema;
use crate::sheet::{Pen, at_most};

/// Carries a command out. On an error nothing must be kept of the transaction (`Document::edit` rolls it back).
pub fn apply(
    tx: &mut Transaction<'_>,
    acting: &Acting,
    devices: &Devices,
    command: &Command,
) -> Result<(), CommandError> {
    acting.must_be_officer()?;
    let Command::Send { facts } = command;
    let view = ReportsView::read(&*tx, devices);
    let proposal = view
        .proposal((**facts).clone())
        .ok_or(CommandError::NothingChanged)?;
    at_most(
        What::Report,
        u64::from(proposal.revision),
        u64::from(REVISIONS_MAX),
    )?;
    let key = revision_key(proposal.revision, acting.device, facts);
    let mut pen = Pen { tx, acting };
    pen.put(schema::REVISIONS, &key, &**facts)
}
